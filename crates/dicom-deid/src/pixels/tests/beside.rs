//! Bytes beside the image: cut, emptied or refused, each by its rule, and no sample changes.

use dicom_lossless::{Element, VR, Value};

use super::comments::{confidential, fragments_of, segment};
use super::*;

const PROSE: &[u8] = b"Quellhorst 030 5550199";
const J2K: &str = "1.2.840.10008.1.2.4.90";
const PLAIN: &str = "1.2.840.10008.1.2.1.98";

/// What a file with this value of its pixel data is written with.
fn written(made: &Made) -> Result<Vec<u8>, DeidError> {
    let mut instance = made.instance();
    let work = confidential().clean(&mut instance, Shown::default())?;
    let (_, _, pixels) = read_back(&dicom_lossless::write(&instance, &Limits::default())?);
    let before = made
        .instance()
        .pixels
        .unwrap()
        .value;
    let unchanged = made
        .0
        .get(before.start as usize..before.end as usize)
        == Some(&pixels);
    assert_eq!(
        work.segments_blanked, !unchanged,
        "what is not changed is not said to be"
    );
    Ok(pixels)
}

fn native(image: &Image, value: impl AsRef<[u8]>) -> Made {
    Made::new(EXPLICIT)
        .image(image)
        .us(0x0028_0102, image.bits_stored - 1)
        .element(PIXEL_DATA, *b"OW", value)
}

fn refused(made: &Made) -> String {
    let mut instance = made.instance();
    let failure = confidential()
        .clean(&mut instance, Shown::default())
        .unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::Pixels);
    failure.detail
}

#[test]
fn native_pixel_data_ends_with_its_frames() {
    let color = |samples, photometric: &str| Image {
        samples,
        photometric: photometric.to_owned(),
        ..gray(4, 4, 8)
    };
    for (image, length) in [
        (gray(4, 4, 8), 16),
        (gray(4, 4, 16), 32),
        (
            Image {
                frames: 3,
                ..gray(3, 3, 8)
            },
            27,
        ),
        (gray(5, 5, 1), 4),
        (
            Image {
                frames: 5,
                ..gray(16, 16, 1)
            },
            160,
        ),
        (gray(4, 4, 12), 24),
        (gray(3, 3, 8), 9),
        (gray(4, 4, 32), 64),
        (color(3, "RGB"), 48),
        (
            Image {
                planes: true,
                ..color(3, "YBR_FULL")
            },
            48,
        ),
        (color(3, "YBR_FULL_422"), 32),
        (color(1, "PALETTE COLOR"), 16),
    ] {
        let frames: Vec<u8> = (0..length)
            .map(|at| at as u8 | 1)
            .collect();
        let mut padded = frames.clone();
        padded.resize(frames.len().next_multiple_of(2), 0);
        assert_eq!(
            written(&native(&image, &padded)).unwrap(),
            padded,
            "{image:?}"
        );
        for behind in [&b"NA"[..], b"\0\0", b"\0N"] {
            let longer = [&padded, behind].concat();
            let frame = length / image.frames as usize;
            if longer.len() - length < frame {
                assert_eq!(
                    written(&native(&image, longer)).unwrap(),
                    padded,
                    "{image:?}"
                );
            }
        }
        if length % 2 == 1 {
            let padding = [&frames[..], b"N"].concat();
            assert_eq!(
                written(&native(&image, padding)).unwrap(),
                padded,
                "the byte of padding is 0"
            );
        }
    }
    let float = |tag, vr, bits: u16, value: &[u8]| {
        Made::new(EXPLICIT)
            .image(&gray(2, 2, bits))
            .element(tag, vr, value)
    };
    assert_eq!(
        written(&float(
            0x7FE0_0008,
            *b"OF",
            32,
            &[[7; 16].as_slice(), b"NAME"].concat()
        ))
        .unwrap(),
        [7; 16]
    );
    assert!(refused(&float(0x7FE0_0008, *b"OF", 16, &[7; 16])).contains("do not tell"));
}

#[test]
fn the_last_sample_of_a_big_endian_word_is_behind_its_padding() {
    for (vr, value, wanted) in [
        (VR::OW, &[2, 1, 4, 3, 6, 5, 8, 7, 0, 9][..], None),
        (
            VR::OW,
            &[2, 1, 4, 3, 6, 5, 8, 7, 0, 9, b'N', b'A'],
            Some(10),
        ),
        (VR::OB, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0], None),
        (
            VR::OB,
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, b'N', b'A'],
            Some(10),
        ),
    ] {
        let mut instance = native(&gray(3, 3, 8), value).instance();
        for tag in [
            0x0002, 0x0006, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103,
        ]
        .map(|element| Tag(0x0028, element))
        {
            swap(
                instance
                    .header
                    .get_mut(tag)
                    .unwrap(),
            );
        }
        instance.syntax.encoding.big_endian = true;
        instance.pixels.as_mut().unwrap().vr = vr;
        confidential()
            .clean(&mut instance, Shown::default())
            .unwrap();
        let kept = match &instance
            .pixels
            .as_ref()
            .unwrap()
            .scrubbed
        {
            Some(Scrubbed::Kept(kept)) => Some(kept.len()),
            _ => None,
        };
        assert_eq!(kept, wanted, "{vr:?} {value:?}");
    }
}

#[test]
fn a_file_fails_where_its_attributes_do_not_say_where_frames_end() {
    let two = [7; 32];
    assert!(refused(&native(&gray(4, 4, 8), two)).contains("more frames"));
    assert!(refused(&native(&gray(4, 4, 8), [&two[..], PROSE].concat())).contains("more frames"));
    let subsampled = Image {
        samples: 3,
        photometric: "YBR_FULL_422".to_owned(),
        ..gray(4, 4, 8)
    };
    assert!(refused(&native(&subsampled, [7; 48])).contains("attributes may be wrong"));
    let bits = Image {
        frames: 16,
        ..gray(3, 3, 1)
    };
    assert!(refused(&native(&bits, [7; 32])).contains("attributes may be wrong"));
    for missing in [0x0002, 0x0010, 0x0011, 0x0100] {
        let mut instance = native(&gray(4, 4, 8), [7; 16]).instance();
        instance
            .header
            .remove(Tag(0x0028, missing));
        let failure = confidential()
            .clean(&mut instance, Shown::default())
            .unwrap_err();
        assert!(
            failure
                .detail
                .contains("do not tell")
                && failure
                    .remedy
                    .as_deref()
                    .unwrap_or_default()
                    .contains("Rows"),
            "{failure}"
        );
    }
    let both = Made::new(EXPLICIT)
        .image(&gray(1, 2, 32))
        .element(0x7FE0_0008, *b"OF", [7; 8]);
    assert!(refused(&both.element(PIXEL_DATA, *b"OW", PROSE)).contains("two kinds"));
    assert_eq!(
        written(&native(&gray(4, 4, 8), [7; 10])).unwrap(),
        [7; 10],
        "nothing is behind too few bytes"
    );
    let without = PixelCleaning::of(&profile("[{when: missing Rows, remove: [0, 0, 1, 1]}]").dicom);
    let mut instance = native(&gray(4, 4, 8), two).instance();
    assert!(
        !without
            .clean(&mut instance, Shown::default())
            .unwrap()
            .segments_blanked,
        "only the Basic Profile asks for it"
    );
}

#[test]
fn a_large_file_is_cut_on_its_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let frames: Vec<u8> = (0..=u8::MAX)
        .cycle()
        .take(301 * 301 * 3)
        .collect();
    let image = Image {
        frames: 3,
        ..gray(301, 301, 8)
    };
    let made = native(
        &image,
        [&frames[..], &vec![0; 40_000], PROSE, b"."].concat(),
    )
    .us(0x7FE1_1001, 7);
    std::fs::write(&path, &made.0).unwrap();
    let mut instance = read(
        Source::File(Arc::new(SourceFile::new(&path).unwrap())),
        &Limits::default(),
    )
    .unwrap();
    assert!(
        confidential()
            .clean(&mut instance, Shown::default())
            .unwrap()
            .segments_blanked
    );
    let body = dicom_lossless::write(&instance, &Limits::default()).unwrap();
    assert!(body.in_memory() < 4096, "pixel data stays in its file");
    assert_eq!(read_back(&body).2, [&frames[..], &[0]].concat());
}

#[test]
fn blanking_and_cutting_go_together() {
    let regions = "name = \"t\"\n[dicom.confidentiality]\nprofile \
        = \"basic\"\n[[dicom.pixels.regions]]\nwhen = { Rows = 3 }\nblank = [[0, 0, 2, 1]]\n";
    let mut instance = native(&gray(3, 3, 8), [1, 2, 3, 4, 5, 6, 7, 8, 9, b'N']).instance();
    let work = PixelCleaning::of(&from_toml(regions).dicom)
        .clean(&mut instance, Shown::default())
        .unwrap();
    assert!(work.blanked && work.segments_blanked);
    assert_eq!(
        read_back(&dicom_lossless::write(&instance, &Limits::default()).unwrap()).2,
        [0, 0, 3, 4, 5, 6, 7, 8, 9, 0]
    );
}

/// Samples of 12 bits in cells of 16, all of whose upper bits are set.
fn with_overlay(group: u32, position: Option<u16>, allocated: Option<u16>, data: bool) -> Made {
    let image = Image {
        bits_stored: 12,
        signed: true,
        ..gray(2, 2, 16)
    };
    let mut made = Made::new(EXPLICIT)
        .image(&image)
        .us(0x0028_0102, 11);
    if let Some(bits) = allocated {
        made = made.us(group << 16 | 0x0100, bits);
    }
    if let Some(position) = position {
        made = made.us(group << 16 | 0x0102, position);
    }
    if data {
        made = made.element(group << 16 | 0x3000, *b"OW", [7, 7]);
    }
    made.element(PIXEL_DATA, *b"OW", [0x34, 0xF2].repeat(4))
}

#[test]
fn bits_are_cleared_where_an_overlay_is_declared_in_them_and_nowhere_else() {
    for (group, position, allocated, data, high) in [
        (0x6000, Some(12), Some(16), false, 0xE2),
        (0x6002, Some(15), Some(16), false, 0x72),
        (0x601E, Some(13), None, false, 0xD2),
        (0x6000, Some(14), Some(1), false, 0xB2),
        (0x6000, Some(14), Some(16), true, 0xB2),
        (0x6000, Some(0), Some(1), true, 0xF2),
        (0x6000, Some(14), Some(1), true, 0xF2),
        (0x6000, Some(0), Some(1), false, 0xF2),
        (0x6000, None, None, false, 0xF2),
        (0x6001, Some(12), Some(16), false, 0xF2),
    ] {
        let pixels = written(&with_overlay(group, position, allocated, data)).unwrap();
        assert_eq!(
            pixels,
            [0x34, high].repeat(4),
            "{group:x} {position:?} {allocated:?} {data}"
        );
    }
    for (position, allocated) in [
        (Some(3), Some(16)),
        (Some(16), Some(16)),
        (None, Some(16)),
        (Some(11), Some(8)),
    ] {
        assert!(
            refused(&with_overlay(0x6000, position, allocated, false)).contains("overlay"),
            "{position:?} {allocated:?}"
        );
    }
    let mut big = with_overlay(0x6000, Some(12), Some(16), false).instance();
    for tag in
        [0x0002, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103].map(|element| Tag(0x0028, element))
    {
        swap(big.header.get_mut(tag).unwrap());
    }
    for element in [0x0100, 0x0102] {
        swap(
            big.header
                .get_mut(Tag(0x6000, element))
                .unwrap(),
        );
    }
    big.syntax.encoding.big_endian = true;
    confidential()
        .clean(&mut big, Shown::default())
        .unwrap();
    let Some(Scrubbed::Kept(kept)) = &big
        .pixels
        .as_ref()
        .unwrap()
        .scrubbed
    else {
        panic!("it is cleared")
    };
    let mut cells = [0xFF; 4];
    kept.mask
        .as_ref()
        .unwrap()
        .apply(0, &mut cells);
    assert_eq!(cells, [0xEF, 0xFF, 0xEF, 0xFF]);
    let compressed = Made::new(RLE)
        .image(&gray(1, 3, 8))
        .us(0x6000_0100, 16)
        .us(0x6000_0102, 12);
    assert!(refused(&compressed.fragments(&[b"", &rle_frame(&[&[1, 2, 3]])])).contains("overlay"));
}

fn swap(element: &mut Element) {
    let mut bytes = element.bytes().unwrap().to_vec();
    bytes.reverse();
    element.value = Value::Bytes(bytes.into());
}

/// The fragments of compressed frames, as they are written.
fn emptied(syntax: &str, image: &Image, fragments: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut instance = Made::new(syntax)
        .image(image)
        .fragments(fragments)
        .instance();
    let work = confidential()
        .clean(&mut instance, Shown::default())
        .unwrap();
    let after = fragments_of(&instance);
    assert_eq!(
        work.segments_blanked,
        after != fragments[1..] || !fragments[0].is_empty(),
        "{after:?}"
    );
    after
}

#[test]
fn what_no_plane_of_an_rle_frame_needs_is_emptied() {
    let planes: [&[u8]; 2] = [&[1, 2, 3], &[4, 5, 6]];
    let (good, image) = (rle_frame(&planes), gray(1, 3, 16));
    assert_eq!(
        emptied(RLE, &image, &[b"", &good]),
        std::slice::from_ref(&good)
    );
    // Words of the header that count no segment; 12 are left.
    let mut header = good.clone();
    header[16..38].copy_from_slice(PROSE);
    assert_eq!(
        emptied(RLE, &image, &[b"", &header]),
        std::slice::from_ref(&good)
    );
    let behind = [&good, PROSE].concat();
    assert_eq!(
        emptied(RLE, &image, &[b"", &behind]),
        [[&good, &[0; 22][..]].concat()]
    );
    // Between the header and the first segment, and behind it.
    let packed = |first: &[u8], gap: &[u8], second: &[u8]| {
        let at = [64 + 2, 64 + 2 + first.len() as u32 + gap.len() as u32];
        let mut words = vec![2, at[0], at[1]];
        words.resize(16, 0);
        let words: Vec<u8> = words
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        [&words[..], b"NN", first, gap, second].concat()
    };
    let apart = packed(&[2, 1, 2, 3], b"NAME", &[0xFE, 9]);
    let expected: Vec<u8> = apart
        .iter()
        .map(|byte| if b"NAME".contains(byte) { 0 } else { *byte })
        .collect();
    assert_eq!(emptied(RLE, &image, &[b"", &apart]), [expected]);
    // A literal run that goes on when the plane is full.
    let long = packed(
        &[0x80, 6, 1, 2, 3, b'N', b'A', b'M', b'E'],
        b"",
        &[0xFE, 9, 0],
    );
    let expected: Vec<u8> = long
        .iter()
        .map(|byte| if b"NAME".contains(byte) { 0 } else { *byte })
        .collect();
    assert_eq!(emptied(RLE, &image, &[b"", &long]), [expected]);
    let frames = Image {
        frames: 2,
        ..image.clone()
    };
    assert_eq!(
        emptied(RLE, &frames, &[b"", &good, &behind]),
        [good.clone(), [&good, &[0; 22][..]].concat()]
    );
    for fragments in [
        &[&b""[..], PROSE][..],
        &[b"", &good[..60]],
        &[b"", &good, &good],
        &[b"", &rle_frame(&planes[..1])],
    ] {
        assert!(
            refused(
                &Made::new(RLE)
                    .image(&image)
                    .fragments(fragments)
            )
            .contains("comments could hide")
        );
    }
    assert!(
        refused(&Made::new(RLE).fragments(&[b"", &good])).contains("comments could hide"),
        "nothing tells its size"
    );
}

#[test]
fn uncompressed_frames_in_fragments_are_cut_at_their_end() {
    let image = Image {
        frames: 2,
        ..gray(3, 3, 8)
    };
    let (first, second) = ([&[7; 9][..], b"NAME\0"].concat(), [8; 10]);
    let expected = [
        [&[7; 9][..], &[0; 5]].concat(),
        [&[8; 9][..], &[0]].concat(),
    ];
    assert_eq!(emptied(PLAIN, &image, &[b"", &first, &second]), expected);
    assert!(
        refused(
            &Made::new(PLAIN)
                .image(&image)
                .fragments(&[b"", &first])
        )
        .contains("comments could hide")
    );
}

#[test]
fn an_offset_table_that_holds_no_offsets_is_removed() {
    let frame = rle_frame(&[&[1, 2, 3]]);
    let image = Image {
        frames: 2,
        ..gray(1, 3, 8)
    };
    let table = |offsets: &[u32]| {
        offsets
            .iter()
            .flat_map(|offset| offset.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let second = frame.len() as u32 + 8;
    let table_of = |bytes: &[u8]| {
        let made = Made::new(RLE)
            .image(&image)
            .fragments(&[bytes, &frame, &frame]);
        let mut instance = made.instance();
        let changed = confidential()
            .clean(&mut instance, Shown::default())
            .unwrap()
            .segments_blanked;
        let body = dicom_lossless::write(&instance, &Limits::default())
            .unwrap()
            .to_vec()
            .unwrap();
        let at = memchr::memmem::find(&body, b"OB\0\0\xFF\xFF\xFF\xFF").unwrap() + 8;
        assert_eq!(fragments_of(&instance), [frame.clone(), frame.clone()]);
        let length = u32::from_le_bytes(
            body[at + 4..at + 8]
                .try_into()
                .unwrap(),
        ) as usize;
        (changed, body[at + 8..at + 8 + length].to_vec())
    };
    for good in [table(&[]), table(&[0]), table(&[0, second])] {
        assert_eq!(table_of(&good), (false, good));
    }
    for bad in [
        PROSE.to_vec(),
        b"NAME".to_vec(),
        table(&[0, second + 2]),
        table(&[second, 0]),
        table(&[0, 0]),
        table(&[0, second, 0]),
    ] {
        assert_eq!(table_of(&bad), (true, Vec::new()), "{bad:?}");
    }
    let extended = |offsets: &[u8], lengths: &[u8], total: &[u8]| {
        let tables = Made::new(RLE)
            .image(&image)
            .element(0x7FE0_0001, *b"OV", offsets);
        let made = tables
            .element(0x7FE0_0002, *b"OV", lengths)
            .element(0x7FE0_0003, *b"UV", total);
        let mut instance = made
            .fragments(&[b"", &frame, &frame])
            .instance();
        confidential()
            .clean(&mut instance, Shown::default())
            .unwrap();
        [1, 2, 3].map(|element| {
            instance
                .header
                .get(Tag(0x7FE0, element))
                .is_some()
        })
    };
    let words = |numbers: [u64; 2]| {
        numbers
            .map(u64::to_le_bytes)
            .concat()
    };
    let (offsets, lengths) = (
        words([0, second.into()]),
        words([frame.len() as u64, frame.len() as u64 - 1]),
    );
    assert_eq!(
        extended(&offsets, &lengths, &136_u64.to_le_bytes()),
        [true; 3]
    );
    assert_eq!(
        extended(b"Quellhorst 03055", &lengths, b"Quellhor"),
        [false; 3]
    );
    assert_eq!(extended(&offsets, b"Quellhorst 03055", b""), [false; 3]);
    assert_eq!(extended(&offsets, &lengths[..8], b"NA"), [false; 3]);
}

#[test]
fn an_offset_table_beside_uncompressed_pixels_is_removed() {
    let mut native = native(&gray(3, 3, 8), [7; 10]).instance();
    native
        .header
        .put(Element::new(Tag(0x7FE0, 0x0001), VR::OV, PROSE.to_vec()));
    assert!(
        confidential()
            .clean(&mut native, Shown::default())
            .unwrap()
            .segments_blanked
    );
    assert!(
        native
            .header
            .get(Tag(0x7FE0, 0x0001))
            .is_none(),
        "there is nothing that it could speak of"
    );
}

#[test]
fn reserved_markers_and_what_is_behind_tables_are_emptied() {
    let frame = segment(0xC0, &[8, 0, 2, 0, 2, 1, 1, 0x11, 0, b'N']);
    let jpeg = |segments: &[Vec<u8>]| {
        let scan = [segment(0xDA, &[1, 1, 0, 0, 63, 0, b'N']), vec![0x12, 0x34]].concat();
        let mut image = [
            vec![0xFF, 0xD8],
            segments.concat(),
            frame.clone(),
            scan,
            vec![0xFF, 0xD9],
        ]
        .concat();
        image.resize(image.len().next_multiple_of(2), 0);
        image
    };
    let tables = [[0; 17].as_slice(), b"NAME"].concat();
    let image = jpeg(&[
        segment(0xF0, b"NAME"),
        segment(0xC8, b"NAME"),
        segment(0xFD, b"NAME"),
        segment(0xF8, b"NAME"),
        segment(0xDB, &[[0; 65].as_slice(), b"NAME"].concat()),
        segment(0xC4, &tables),
        segment(0xDD, b"\0\0NAME"),
        vec![0xFF, 0x41, 0xFF, 0x4D],
    ]);
    let expected: Vec<u8> = image
        .iter()
        .map(|byte| if b"NAME".contains(byte) { 0 } else { *byte })
        .collect();
    let [after] = &emptied("1.2.840.10008.1.2.4.50", &gray(2, 2, 8), &[b"", &image])[..] else {
        panic!("one frame")
    };
    let reserved = memchr::memmem::find(&expected, &[0xFF, 0, 0xFF, 0]).unwrap();
    assert_eq!(after[reserved..reserved + 4], [0; 4]);
    assert_eq!(
        (&after[..reserved], &after[reserved + 4..]),
        (&expected[..reserved], &expected[reserved + 4..])
    );

    let unknown = [
        &[0xFF, 0x4F, 0xFF, 0x51, 0, 4, 1, 2][..],
        &[0xFF, 0x65, 0, 6],
        b"NAME",
        &[0xFF, 0xD9],
    ]
    .concat();
    let expected: Vec<u8> = unknown
        .iter()
        .map(|byte| if b"NAME".contains(byte) { 0 } else { *byte })
        .collect();
    assert_eq!(emptied(J2K, &gray(2, 2, 8), &[b"", &unknown]), [expected]);
    let boxed = |name: &[u8], kind: &[u8; 4], more: &[u8]| {
        let inside = [
            &[0, 0, 0, 8 + name.len() as u8 + more.len() as u8],
            kind.as_slice(),
            more,
            name,
        ]
        .concat();
        let header = [&[0, 0, 0, 8 + inside.len() as u8][..], b"jp2h", &inside].concat();
        let mut all = [
            &b"\0\0\0\x0CjP  \r\n\x87\n"[..],
            &header,
            &[0, 0, 0, 0],
            b"jp2c\xFF\x4F\xFF\xD9",
        ]
        .concat();
        all.resize(all.len().next_multiple_of(2), 0);
        all
    };
    for (kind, more) in [
        (b"uuid", &[][..]),
        (b"colr", &[1, 0, 0, 0, 0, 0, 16]),
        (b"colr", &[]),
    ] {
        let after = emptied(J2K, &gray(2, 2, 8), &[b"", &boxed(b"NAME", kind, more)]);
        assert_eq!(after, [boxed(&[0; 4], kind, more)], "{kind:?}");
    }
}

/// A data set with pixel data in it.
fn inside(image: Option<&Image>, value: Value) -> DataSet {
    let mut data = image
        .map(|image| {
            Made::new(EXPLICIT)
                .image(image)
                .instance()
                .header
        })
        .unwrap_or_default();
    data.put(Element {
        tag: Tag(0x7FE0, 0x0010),
        vr: VR::OB,
        odd_vr: None,
        value,
    });
    data
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn pixel_data_in_sequences_that_is_not_plainly_an_image_is_removed() {
    let bytes = |bytes: &[u8]| Value::Bytes(Bytes::copy_from_slice(bytes));
    let fragment = |image: &[u8]| {
        let head =
            |length: usize| [&[0xFE, 0xFF, 0, 0xE0][..], &(length as u32).to_le_bytes()].concat();
        let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
        Value::Fragments(Bytes::from(
            [&head(0)[..], &head(image.len()), image, &end].concat(),
        ))
    };
    let rle = rle_frame(&[&[1, 2, 3]]);
    let image = gray(1, 3, 8);
    for (syntax, described, value, wanted) in [
        (
            EXPLICIT,
            true,
            bytes(&[1, 2, 3, 0]),
            Some(bytes(&[1, 2, 3, 0])),
        ),
        (
            EXPLICIT,
            true,
            bytes(&[1, 2, 3, b'N']),
            Some(bytes(&[1, 2, 3, 0])),
        ),
        (EXPLICIT, true, bytes(&[1, 2, 3, 0, b'N', b'A']), None),
        (EXPLICIT, true, bytes(PROSE), None),
        (EXPLICIT, false, bytes(PROSE), None),
        (EXPLICIT, true, fragment(&rle), None),
        (RLE, true, fragment(&rle), Some(fragment(&rle))),
        (
            RLE,
            true,
            fragment(&[&rle, PROSE].concat()),
            Some(fragment(&[&rle[..], &[0; 22]].concat())),
        ),
        (RLE, true, fragment(PROSE), None),
        (RLE, false, fragment(&rle), None),
        (RLE, true, bytes(&[1, 2, 3, 0]), Some(bytes(&[1, 2, 3, 0]))),
        (J2K, true, fragment(PROSE), None),
    ] {
        for sequence in [
            Tag(0x0088, 0x0200),
            Tag(0x0040, 0xA730),
            Tag(0x0009, 0x1001),
        ] {
            let mut instance = Made::new(syntax).instance();
            let encoding = instance.syntax.encoding;
            let items = vec![inside(described.then_some(&image), value.clone())];
            let outer = DataSet::from_elements(vec![Element::sequence(sequence, items, encoding)]);
            instance
                .header
                .put(Element::sequence(
                    Tag(0x0008, 0x1140),
                    vec![outer],
                    encoding,
                ));
            let changed = confidential()
                .clean(&mut instance, Shown::default())
                .unwrap()
                .segments_blanked;
            let outer = &instance
                .header
                .get(Tag(0x0008, 0x1140))
                .unwrap()
                .items()
                .unwrap()
                .items[0]
                .data;
            let after = outer
                .get(sequence)
                .unwrap()
                .items()
                .unwrap()
                .items[0]
                .data
                .get(Tag(0x7FE0, 0x0010));
            assert_eq!(
                after.map(|element| &element.value),
                wanted.as_ref(),
                "{syntax} {described} {value:?}"
            );
            assert_eq!(changed, wanted.as_ref() != Some(&value));
        }
    }
    let mut instance = Made::new(EXPLICIT).instance();
    for tag in [
        Tag(0x7F00, 0x0010),
        Tag(0x7FE0, 0x0020),
        Tag(0x7F02, 0x0030),
    ] {
        instance
            .header
            .put(Element::new(tag, VR::OW, PROSE.to_vec()));
    }
    let stray = Element {
        tag: Tag(0x5400, 0x1010),
        vr: VR::OB,
        odd_vr: None,
        value: fragment(PROSE),
    };
    instance.header.put(stray);
    let left = instance.header.len() - 4;
    assert!(
        confidential()
            .clean(&mut instance, Shown::default())
            .unwrap()
            .segments_blanked
    );
    assert_eq!(
        instance.header.len(),
        left,
        "retired pixel data, and fragments that are no pixel data"
    );
}

#[test]
fn a_lookup_table_has_the_length_that_its_descriptor_says_and_no_text() {
    let numbers: Vec<u8> = (0_u16..32)
        .flat_map(|at| (at * 2047).to_le_bytes())
        .collect();
    let table = |descriptor: Option<[u16; 3]>, tag: Tag, value: &[u8]| {
        let mut data = DataSet::new();
        let described = Tag(
            0x0028,
            if tag.element() == 0x3006 {
                0x3002
            } else {
                tag.element() - 0x0100
            },
        );
        if let Some(words) = descriptor {
            data.put(Element::new(
                described,
                VR::US,
                words.map(u16::to_le_bytes).concat(),
            ));
        }
        data.put(Element::new(tag, VR::OW, value.to_vec()));
        let mut instance = Made::new(EXPLICIT).instance();
        let encoding = instance.syntax.encoding;
        instance
            .header
            .put(Element::sequence(
                Tag(0x0028, 0x3010),
                vec![data.clone()],
                encoding,
            ));
        for element in data.into_elements() {
            instance.header.put(element);
        }
        confidential()
            .clean(&mut instance, Shown::default())
            .map(|work| {
                let inner = &instance
                    .header
                    .get(Tag(0x0028, 0x3010))
                    .unwrap()
                    .items()
                    .unwrap()
                    .items[0]
                    .data;
                assert_eq!(inner.get(tag), instance.header.get(tag));
                (
                    work.segments_blanked,
                    inner
                        .get(tag)
                        .unwrap()
                        .bytes()
                        .unwrap()
                        .to_vec(),
                )
            })
    };
    for tag in [
        Tag(0x0028, 0x3006),
        Tag(0x0028, 0x1201),
        Tag(0x0028, 0x1203),
    ] {
        let behind = [&numbers[..], PROSE].concat();
        assert_eq!(
            table(Some([32, 0, 16]), tag, &numbers).unwrap(),
            (false, numbers.clone())
        );
        assert_eq!(
            table(Some([64, 0, 8]), tag, &numbers).unwrap(),
            (false, numbers.clone()),
            "8 bits, packed"
        );
        assert_eq!(
            table(Some([32, 0, 16]), tag, &behind).unwrap(),
            (true, numbers.clone())
        );
        assert_eq!(table(None, tag, &behind).unwrap(), (true, Vec::new()));
        let failure = table(Some([11, 0, 16]), tag, PROSE).unwrap_err();
        assert_eq!(failure.kind, DeidErrorKind::Pixels);
        assert!(
            failure
                .detail
                .contains("holds text")
                && !failure
                    .to_string()
                    .contains("Quellhorst"),
            "{failure}"
        );
    }
    let mut instance = Made::new(EXPLICIT).instance();
    instance
        .header
        .put(Element::new(Tag(0x0028, 0x1221), VR::OW, PROSE.to_vec()));
    assert!(
        confidential()
            .clean(&mut instance, Shown::default())
            .is_err(),
        "a palette in segments"
    );
}
