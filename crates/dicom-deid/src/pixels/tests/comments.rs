//! Comments in compressed frames: emptied in place, wherever a fragment ends, and nothing else.

use dicom_lossless::{Element, VR, Value};

use super::*;

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const J2K: &str = "1.2.840.10008.1.2.4.90";

pub(super) fn confidential() -> PixelCleaning {
    let text = "name = \"t\"\n[dicom.confidentiality]\nprofile = \"basic\"\n";
    PixelCleaning::of(&from_toml(text).dicom)
}

/// The fragments after the offset table, as they are written.
pub(super) fn fragments_of(instance: &Instance) -> Vec<Vec<u8>> {
    let body = dicom_lossless::write(instance, &Limits::default()).unwrap();
    let file = Arc::new(SourceFile::new("Cargo.toml").unwrap());
    let again = read(
        Source::Memory {
            file,
            bytes: Bytes::from(body.to_vec().unwrap()),
        },
        &Limits::default(),
    )
    .unwrap();
    let mut fragments = dicom_lossless::Fragments::of(&again).unwrap();
    let places: Vec<_> = (0..)
        .map_while(|number| fragments.place(number))
        .collect();
    places
        .into_iter()
        .map(|place| {
            fragments
                .piece(place)
                .unwrap()
                .to_vec()
        })
        .collect()
}

fn emptied(syntax: &str, fragments: &[&[u8]]) -> Result<Vec<Vec<u8>>, DeidError> {
    let all = [&[b"".as_slice()], fragments].concat();
    let mut instance = Made::new(syntax)
        .image(&gray(2, 2, 8))
        .fragments(&all)
        .instance();
    let work = confidential().clean(&mut instance, Shown::default())?;
    let scrubbed = instance
        .pixels
        .as_ref()
        .unwrap()
        .scrubbed
        .is_some();
    assert_eq!(work.segments_blanked, scrubbed);
    let after = fragments_of(&instance);
    assert!(
        scrubbed || after == fragments,
        "what holds no comment is not touched"
    );
    Ok(after)
}

pub(super) fn segment(code: u8, payload: &[u8]) -> Vec<u8> {
    [
        &[0xFF, code],
        &(payload.len() as u16 + 2).to_be_bytes()[..],
        payload,
    ]
    .concat()
}

/// A JPEG image with segments before the scan, and coded data in which nothing is a marker.
fn jpeg(segments: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let scan = [
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![0x12, 0xFF, 0, 0x34, 0xFF, 0xD0, 0x56, 0xFF, 0x70, 0x78],
    ]
    .concat();
    let frame = segment(0xC0, &[8, 0, 2, 0, 2, 1, 1, 0x11, 0]);
    let mut image = [
        vec![0xFF, 0xD8],
        segments.concat(),
        frame,
        scan,
        after.concat(),
        vec![0xFF, 0xD9],
    ]
    .concat();
    image.resize(image.len().next_multiple_of(2), 0);
    image
}

const JFIF: &[u8] = b"JFIF\0\x01\x02\x00\x00\x01\x00\x01\x00\x00";
const ADOBE: &[u8] = b"Adobe\0\x64\0\0\0\0\x01";

#[test]
fn comments_and_application_segments_are_emptied() {
    let before = [
        segment(0xE0, &[JFIF, b"THUMB"].concat()),
        segment(0xE1, b"Exif\0\0NAME"),
        segment(0xE8, b"NAME"),
        segment(0xEE, &[ADOBE, b"NAME"].concat()),
        segment(0xFE, b"NAME"),
        segment(0xDB, &[0; 65]),
    ];
    let after = [
        segment(0xFE, b"NAME"),
        segment(0xC4, &[1; 20]),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![0x11, 0xFF, 0],
    ];
    let expected = [
        segment(0xE0, &[JFIF, &[0; 5]].concat()),
        segment(0xE1, &[0; 10]),
        segment(0xE8, &[0; 4]),
        segment(0xEE, &[ADOBE, &[0; 4]].concat()),
        segment(0xFE, &[0; 4]),
        segment(0xDB, &[0; 65]),
    ];
    let expected_after = [
        segment(0xFE, &[0; 4]),
        segment(0xC4, &[1; 20]),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![0x11, 0xFF, 0],
    ];
    assert_eq!(
        emptied(JPEG, &[&jpeg(&before, &after)]).unwrap(),
        [jpeg(&expected, &expected_after)]
    );
}

#[test]
fn segments_that_define_colours_stay() {
    let spiff = [b"SPIFF\0".as_slice(), &[1; 24]].concat();
    let before = [
        segment(0xE8, &spiff),
        segment(0xE8, b"mrfx\x01"),
        segment(0xE0, JFIF),
        segment(0xEE, ADOBE),
    ];
    let image = jpeg(&before, &[]);
    assert_eq!(
        emptied(JPEG_LS, &[&image, &image]).unwrap(),
        [image.clone(), image]
    );
    let false_ones = [
        segment(0xE0, b"JFIF\0 NAME^NAME"),
        segment(0xEE, b"ADOBE PHOTOS"),
        segment(0xE8, b"mrfxNAME"),
    ];
    let expected = [
        segment(0xE0, &[0; 15]),
        segment(0xEE, &[0; 12]),
        segment(0xE8, &[0; 8]),
    ];
    assert_eq!(
        emptied(JPEG_LS, &[&jpeg(&false_ones, &[])]).unwrap(),
        [jpeg(&expected, &[])]
    );
}

#[test]
fn frames_are_gone_through_wherever_fragments_end() {
    let (image, clean) = (
        jpeg(&[segment(0xFE, b"NAME^NAME")], &[]),
        jpeg(&[segment(0xFE, &[0; 9])], &[]),
    );
    let (two, expected) = (
        [image.clone(), image].concat(),
        [clean.clone(), clean].concat(),
    );
    for cut in 1..two.len() / 2 {
        let after = emptied(JPEG, &[&two[..cut * 2], &two[cut * 2..]]).unwrap();
        assert_eq!(after.concat(), expected, "cut at {cut}");
    }
}

#[test]
fn bytes_that_no_decoder_reads_are_emptied() {
    let image = jpeg(&[], &[]);
    let stray = [&image[..2], b"NAME", &image[2..], b"\0\0NAME\xFF\xFF"].concat();
    let expected = [
        &image[..2],
        &[0; 4],
        &image[2..],
        &[0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
    ]
    .concat();
    assert_eq!(emptied(JPEG, &[&stray]).unwrap(), [expected]);
}

#[test]
fn a_stream_that_is_cut_off_is_gone_through_as_far_as_it_goes() {
    let image = jpeg(&[segment(0xFE, b"NAME")], &[]);
    for length in (2..image.len()).step_by(2) {
        let cut = &image[..length];
        let after = emptied(JPEG, &[cut])
            .unwrap()
            .concat();
        assert_eq!(after.len(), length);
        assert!(
            !after
                .windows(2)
                .any(|two| two == b"NA" || two == b"ME"),
            "{length}"
        );
    }
}

/// A codestream with one comment in the main header and one in each of two tile-parts. The last one
/// may state no length.
fn codestream(text: &[u8], open: bool) -> Vec<u8> {
    let comment = || {
        [
            &[0xFF, 0x64],
            &(text.len() as u16 + 4).to_be_bytes()[..],
            &[0, 1],
            text,
        ]
        .concat()
    };
    let part = |length: Option<u32>| {
        let inside = [
            comment(),
            vec![0xFF, 0x93, 0x12, 0xFF, 0x64, 0x34, 0x56, 0x78],
        ]
        .concat();
        let length = length.unwrap_or(12 + inside.len() as u32);
        [
            &[0xFF, 0x90, 0, 10, 0, 0],
            &length.to_be_bytes()[..],
            &[0, 1],
            &inside,
        ]
        .concat()
    };
    let size = [&[0xFF, 0x51, 0, 6][..], &[1, 2, 3, 4]].concat();
    let last = part(open.then_some(0));
    let mut all = [
        vec![0xFF, 0x4F],
        size,
        comment(),
        part(None),
        last,
        vec![0xFF, 0xD9],
    ]
    .concat();
    all.resize(all.len().next_multiple_of(2), 0);
    all
}

/// The same with nothing in it, not even what kind of comment it was.
fn without(image: &[u8], text: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(&image.clone(), text).collect();
    assert_eq!(places.len(), 3);
    for at in places {
        image[at - 2..at + text.len()].fill(0);
    }
    image
}

#[test]
fn comments_of_codestreams_are_emptied_in_every_header() {
    for open in [false, true] {
        let image = codestream(b"NAME", open);
        let expected = without(&image, b"NAME");
        assert_eq!(
            emptied(J2K, &[&image, &image]).unwrap(),
            [expected.clone(), expected.clone()]
        );
        let cut = image.len() / 4 * 2;
        assert_eq!(
            emptied("1.2.840.10008.1.2.4.201", &[&image[..cut], &image[cut..]])
                .unwrap()
                .concat(),
            expected
        );
    }
    let boxed = |xml: &[u8], image: &[u8]| {
        let boxes = [
            &[0, 0, 0, 12][..],
            b"jP  \r\n\x87\n",
            &[0, 0, 0, 12],
            b"xml ",
            xml,
            &[0, 0, 0, 0],
            b"jp2c",
        ]
        .concat();
        [&boxes, image].concat()
    };
    let image = codestream(b"NAME", false);
    let expected = boxed(&[0; 4], &without(&image, b"NAME"));
    assert_eq!(
        emptied(J2K, &[&boxed(b"NAME", &image)]).unwrap(),
        [expected]
    );
}

#[test]
fn a_stream_in_which_comments_could_hide_is_refused() {
    let image = codestream(b"NAME", false);
    let part = memchr::memmem::find(&image, &[0xFF, 0x90]).unwrap();
    let with_length = |length: u32| {
        let mut image = image.clone();
        image[part + 6..part + 10].copy_from_slice(&length.to_be_bytes());
        image
    };
    for fragments in [
        &[b"no image".as_slice()][..],
        &[&with_length(2), &image],
        &[&with_length(40), &image],
        &[&with_length(99_999), &image],
    ] {
        let failure = emptied(J2K, fragments).unwrap_err();
        assert_eq!(failure.kind, DeidErrorKind::Pixels);
        assert!(
            failure
                .detail
                .contains("comments could hide"),
            "{failure}"
        );
    }
    let short = [0xFF, 0xD8, 0xFF, 0xFE, 0, 1, 0xFF, 0xD9];
    assert!(
        emptied(JPEG, &[&short])
            .unwrap_err()
            .detail
            .contains("comments could hide")
    );
    assert!(emptied(JPEG, &[b"no image"]).is_err() && emptied(JPEG, &[]).is_ok());
}

#[test]
fn frames_without_markers_are_left_alone() {
    let nothing = [b"what else there is".as_slice()];
    for syntax in ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.110"] {
        assert_eq!(emptied(syntax, &nothing).unwrap(), nothing);
    }
    let image = jpeg(&[segment(0xFE, b"NAME")], &[]);
    let mut instance = Made::new(JPEG)
        .image(&gray(2, 2, 8))
        .fragments(&[b"", &image])
        .instance();
    let work = PixelCleaning::of(&profile("[{when: missing Rows, remove: [0, 0, 1, 1]}]").dicom)
        .clean(&mut instance, Shown::default())
        .unwrap();
    assert!(
        !work.segments_blanked
            && instance
                .pixels
                .unwrap()
                .scrubbed
                .is_none(),
        "only the Basic Profile asks for it"
    );
}

#[test]
fn nested_images_are_gone_through_too() {
    let fragments = |image: &[u8]| {
        let head =
            |length: usize| [&[0xFE, 0xFF, 0, 0xE0][..], &(length as u32).to_le_bytes()].concat();
        Bytes::from(
            [
                &head(0),
                &head(image.len()),
                image,
                &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
            ]
            .concat(),
        )
    };
    let nested = |value: Bytes| {
        let element = Element {
            tag: Tag(0x7FE0, 0x0010),
            vr: VR::OB,
            odd_vr: None,
            value: Value::Fragments(value),
        };
        DataSet::from_elements(vec![element])
    };
    let mut instance = Made::new(JPEG).instance();
    let encoding = instance.syntax.encoding;
    let (image, clean) = (
        jpeg(&[segment(0xFE, b"NAME")], &[]),
        jpeg(&[segment(0xFE, &[0; 4])], &[]),
    );
    let icons = |items: Vec<DataSet>| Element::sequence(Tag(0x0088, 0x0200), items, encoding);
    instance.header.put(icons(vec![
        nested(fragments(&image)),
        nested(fragments(b"something else")),
    ]));
    assert!(
        confidential()
            .clean(&mut instance, Shown::default())
            .unwrap()
            .segments_blanked
    );
    let expected = icons(vec![nested(fragments(&clean)), DataSet::new()]);
    assert_eq!(
        instance
            .header
            .get(Tag(0x0088, 0x0200)),
        Some(&expected)
    );
    assert!(
        !confidential()
            .clean(&mut Made::new(EXPLICIT).instance(), Shown::default())
            .unwrap()
            .segments_blanked
    );
}

#[test]
fn a_file_on_disk_is_emptied_on_its_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let long = vec![b'N'; 60_000];
    let images: Vec<Vec<u8>> = (0..9)
        .map(|_| {
            jpeg(
                &[segment(0xFE, &long), segment(0xE1, &long)],
                &[vec![9; 70_000]],
            )
        })
        .collect();
    let fragments: Vec<&[u8]> = std::iter::once(&b""[..])
        .chain(images.iter().map(Vec::as_slice))
        .collect();
    std::fs::write(
        &path,
        Made::new(JPEG)
            .image(&Image {
                frames: 9,
                ..gray(2, 2, 8)
            })
            .fragments(&fragments)
            .0,
    )
    .unwrap();
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
    let expected: Vec<Vec<u8>> = images
        .iter()
        .map(|image| {
            image
                .iter()
                .map(|byte| if *byte == b'N' { 0 } else { *byte })
                .collect()
        })
        .collect();
    assert_eq!(fragments_of(&instance), expected);
}

proptest! {
    #[test]
    fn any_bytes_are_gone_through_without_harm(bytes in proptest::collection::vec(prop_oneof![Just(0xFF_u8), any::<u8>()], 0..200), start in 0..3_usize, cut in 0..99_usize) {
        let start: &[u8] = [&[0xFF, 0xD8][..], &[0xFF, 0x4F], b"\0\0\0\x0CjP  "][start];
        let mut stream = [start, &bytes].concat();
        stream.resize(stream.len().next_multiple_of(2), 0);
        let cut = (cut * 2).min(stream.len());
        if let Ok(after) = emptied(J2K, &[&stream[..cut], &stream[cut..]]) {
            prop_assert_eq!(after.concat().len(), stream.len());
            let again: Vec<&[u8]> = after.iter().map(Vec::as_slice).collect();
            let mut instance = Made::new(J2K).image(&gray(2, 2, 8)).fragments(&[&[b"".as_slice()][..], &again].concat()).instance();
            if confidential().clean(&mut instance, Shown::default()).is_ok() {
                prop_assert_eq!(fragments_of(&instance), after, "a second time changes nothing");
            }
        }
    }
}
