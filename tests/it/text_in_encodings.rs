//! Text in pixels in whatever way they are stored: it is found, or it is told that none was looked
//! for.

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};

use crate::burned_in::rle_frame;
use crate::fixture::Dicom;
use crate::mutants::{BIG_ENDIAN, deflated};
use crate::run::Place;
use crate::text_in_images::{
    BANNER, COLUMNS, FRAMES, ROWS, basic_with, clip, compare, ground, image, number, pixels,
    with_banner, written,
};

const BASIC: &str = "-p demo/phantom --profile basic --offline --output out";

fn in_fragments(
    file: Dicom,
    syntax: &'static str,
    frames: impl IntoIterator<Item = Vec<u8>>,
) -> Dicom {
    let fragments = PixelFragmentSequence::new_fragments(
        frames
            .into_iter()
            .collect::<Vec<_>>(),
    );
    file.syntax(syntax)
        .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments))
}

/// The clip with each frame compressed.
fn compressed(syntax: &'static str, compress: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let frames = (0..FRAMES)
        .map(with_banner)
        .map(compress);
    in_fragments(clip(), syntax, frames).bytes()
}

#[test]
fn a_banner_is_blanked_in_whatever_syntax_a_clip_is_stored() {
    let rle = compressed(uids::RLE_LOSSLESS, |frame| rle_frame(&[frame]));
    let jpeg = compressed(uids::JPEG_BASELINE8_BIT, |frame| jpeg(&frame));
    let big_endian = clip().syntax(BIG_ENDIAN).bytes();
    for (name, file, levels) in [
        ("rle", rle, 0),
        ("jpeg", jpeg, 6),
        ("big endian", big_endian, 0),
        ("deflated", deflated(&clip().bytes()), 0),
    ] {
        let place = Place::with([("us.dcm", file)]);
        place
            .run(&format!("us.dcm {BASIC}"))
            .exits(0)
            .says("Text blanked in 1 of 1 image");
        let files = written(&place);
        let sent = pixels(&files[0]);
        let length = usize::from(ROWS) * usize::from(COLUMNS);
        assert_eq!(sent.len(), FRAMES * length, "{name}");
        for (frame, now) in sent.chunks(length).enumerate() {
            assert_eq!(
                compare(now, &with_banner(frame), levels),
                (0, 0),
                "{name}, frame {frame}"
            );
        }
        let is_lossy = files[0]
            .get(tags::LOSSY_IMAGE_COMPRESSION)
            .is_some_and(|element| element.to_str().unwrap() == "01");
        assert_eq!(is_lossy, levels > 0, "{name}");
    }
}

/// JPEG with loss of 12 bits.
fn jpeg_of_12_bits() -> Vec<u8> {
    let mut jpeg = jpeg(&with_banner(0));
    let at = memchr::memmem::find(&jpeg, &[0xFF, 0xC0, 0, 11, 8]).unwrap();
    (jpeg[at + 1], jpeg[at + 4]) = (0xC1, 12);
    jpeg
}

#[test]
fn what_cannot_be_decoded_is_refused_where_text_is_likely_and_told_elsewhere() {
    for (syntax, frame) in [
        (uids::MPEG2MPML, vec![0, 0, 1, 0xB3]),
        (uids::JPEGXL_LOSSLESS, vec![0xFF, 0x0A, 0, 0]),
        (uids::JPEG_EXTENDED12_BIT, jpeg_of_12_bits()),
    ] {
        let with = |class, modality, at| {
            let file = image(class, modality, at, Vec::new())
                .element(number(tags::BITS_ALLOCATED, 16))
                .element(number(tags::BITS_STORED, 12))
                .element(number(tags::HIGH_BIT, 11));
            in_fragments(file, syntax, [frame.clone()]).bytes()
        };
        let mut files = vec![(
            "study/us.dcm".to_owned(),
            with(uids::ULTRASOUND_IMAGE_STORAGE, "US", 9),
        )];
        files.extend((1..=5).map(|at| {
            let slice = with(uids::CT_IMAGE_STORAGE, "CT", at);
            (format!("study/{at}.dcm"), slice)
        }));
        let place = Place::with(files);
        let ran = place
            .run(&format!("study {BASIC} --json"))
            .exits(3);
        assert_eq!(
            ran.failures(),
            [("us.dcm".to_owned(), "deid.burned-in".to_owned())]
        );
        ran.says("it cannot be looked at")
            .says("notice[not-looked-at]: 5 images could not be decoded");
        assert_eq!(ran.end()["totals"]["images"]["not_decoded"], 5);
        assert_eq!(written(&place).len(), 5);
    }
}

#[test]
fn an_entry_that_blanks_nothing_lets_what_cannot_be_decoded_go() {
    let slice = in_fragments(
        image(uids::CT_IMAGE_STORAGE, "CT", 1, Vec::new()),
        uids::JPEGXL_LOSSLESS,
        [vec![0xFF, 0x0A, 0, 0]],
    );
    for (blank, sent) in [("[]", true), ("[[0, 0, 9, 9]]", false)] {
        let place = Place::with([("ct.dcm", slice.bytes())]);
        place.file(
            "ct.toml",
            basic_with(&format!(
                "[[dicom.pixels.regions]]\nwhen = {{ Modality = \"CT\" }}\nblank = {blank}"
            )),
        );
        let ran = place
            .run("ct.dcm -p demo/phantom --profile ct.toml --offline --output out")
            .ends();
        if sent {
            ran.says("notice[not-looked-at]: 1 image could not be decoded");
            assert_eq!(written(&place).len(), 1);
        } else {
            let failed = [("ct.dcm".to_owned(), "deid.pixels".to_owned())];
            assert_eq!(ran.failures(), failed);
        }
    }
}

#[test]
fn slices_with_damaged_frames_are_told_however_many_there_are() {
    let place = Place::with((1..=5).map(|at| {
        let file = image(uids::CT_IMAGE_STORAGE, "CT", at, Vec::new())
            .element(number(tags::ROWS, ROWS / 2));
        let file = in_fragments(file, uids::JPEG_BASELINE8_BIT, [jpeg(&ground(0))]);
        (format!("ct/{at}.dcm"), file.bytes())
    }));
    let ran = place
        .run(&format!("ct {BASIC} --json"))
        .exits(0);
    assert_eq!(ran.end()["totals"]["images"]["not_decoded"], 5);
    ran.says("notice[not-looked-at]");
}

#[test]
fn where_finds_are_blanked_a_damaged_frame_is_told_unless_another_shows_text() {
    for (second, exit) in [(ground(1), 0), (with_banner(1), 9)] {
        let half = image(uids::CT_IMAGE_STORAGE, "CT", 1, Vec::new()).text(
            tags::NUMBER_OF_FRAMES,
            VR::IS,
            "2",
        );
        let mut damaged = jpeg(&ground(0));
        damaged.truncate(damaged.len() / 2);
        let file = in_fragments(half, uids::JPEG_BASELINE8_BIT, [damaged, jpeg(&second)]);
        let place = Place::with([("ct.dcm", file.bytes())]);
        place.file("blanks.toml", basic_with("blank-finds = true"));
        let ran = place
            .run("ct.dcm -p demo/phantom --profile blanks.toml --offline --output out")
            .exits(exit);
        if exit == 0 {
            ran.says("notice[not-looked-at]: 1 image could not be decoded");
        } else {
            let failed = [("ct.dcm".to_owned(), "deid.pixels".to_owned())];
            assert_eq!(ran.failures(), failed);
        }
    }
}

/// Pixels of 16 bits, from the picture with the banner: one level for its ink, another for what else
/// there is.
fn words(ink: u16, other: impl Fn(u8) -> u16) -> Vec<u8> {
    with_banner(0)
        .into_iter()
        .map(|grey| if grey == 230 { ink } else { other(grey) })
        .flat_map(u16::to_le_bytes)
        .collect()
}

fn ultrasound(pixels: Vec<u8>) -> Dicom {
    image(uids::ULTRASOUND_IMAGE_STORAGE, "US", 1, pixels)
}

fn of_16_bits(stored: u16, pixels: Vec<u8>) -> Dicom {
    ultrasound(Vec::new())
        .element(number(tags::BITS_ALLOCATED, 16))
        .element(number(tags::BITS_STORED, stored))
        .element(number(tags::HIGH_BIT, stored - 1))
        .raw(tags::PIXEL_DATA, VR::OW, pixels)
}

/// A picture of indices, of which one alone is white: the ink's, which is next to the ground's.
fn in_a_palette() -> Dicom {
    let indices = with_banner(0)
        .into_iter()
        .map(|grey| match grey {
            230 => 9,
            9 => 10,
            grey => grey,
        })
        .collect();
    let table: Vec<u8> = (0..=255_u16)
        .map(|index| if index == 9 { u16::MAX } else { index << 8 })
        .flat_map(u16::to_le_bytes)
        .collect();
    let with_table = |file: Dicom, descriptor: Tag, data: Tag| {
        file.element(DataElement::new(
            descriptor,
            VR::US,
            PrimitiveValue::U16([256, 0, 16].into_iter().collect()),
        ))
        .raw(data, VR::OW, table.clone())
    };
    [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
    ]
    .into_iter()
    .fold(ultrasound(indices), |file, (descriptor, data)| {
        with_table(file, descriptor, data)
    })
    .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "PALETTE COLOR")
}

/// The banner in the blue of a colour picture alone.
fn in_blue() -> Dicom {
    let colours = ground(0)
        .into_iter()
        .zip(with_banner(0))
        .flat_map(|(grey, with_ink)| [grey, grey, with_ink])
        .collect();
    ultrasound(colours)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB")
        .element(number(tags::SAMPLES_PER_PIXEL, 3))
        .element(number(tags::PLANAR_CONFIGURATION, 0))
}

/// Whether all bytes of the banner are zero, in pixels of any length.
fn is_blank(sent: &[u8]) -> bool {
    let [left, top, right, bottom] = BANNER;
    let columns = usize::from(COLUMNS);
    let length = sent.len() / (columns * usize::from(ROWS));
    (top..bottom).all(|row| {
        sent[(row * columns + left) * length..(row * columns + right) * length]
            .iter()
            .all(|byte| *byte == 0)
    })
}

#[test]
fn text_that_a_viewer_may_not_show_is_found_and_blanked() {
    // All of it is white in the window that the file states.
    let beyond_the_window = of_16_bits(12, words(4000, |grey| 2000 + u16::from(grey)))
        .text(tags::WINDOW_CENTER, VR::DS, "100")
        .text(tags::WINDOW_WIDTH, VR::DS, "50");
    // Levels of padding lie far below those of the picture.
    let in_padding = of_16_bits(
        16,
        words(112, |grey| match grey {
            8 => 100,
            grey => 30_000 + 20 * u16::from(grey),
        }),
    );
    let above_bits_stored = of_16_bits(12, {
        let inked = with_banner(0);
        ground(0)
            .into_iter()
            .zip(inked)
            .map(|(grey, with_ink)| u16::from(grey) | if with_ink == 230 { 0x7000 } else { 0 })
            .flat_map(u16::to_le_bytes)
            .collect()
    });
    for (what, file) in [
        ("beyond the window", beyond_the_window),
        ("in padding", in_padding),
        ("above Bits Stored", above_bits_stored),
        ("in a palette", in_a_palette()),
        ("in blue", in_blue()),
    ] {
        let place = Place::with([("us.dcm", file.bytes())]);
        let ran = place
            .run(&format!("us.dcm {BASIC} --json"))
            .exits(0);
        assert_eq!(ran.end()["totals"]["images"]["blanked"], 1, "{what}");
        let sent = pixels(&written(&place)[0]);
        assert!(is_blank(&sent), "{what}");
        assert!(sent.iter().any(|byte| *byte != 0), "{what}");
    }
}

/// Bits, the most significant one first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, value: usize, length: u32) {
        self.0.extend(
            (0..length)
                .rev()
                .map(|bit| value >> bit & 1 == 1),
        );
    }

    /// A code, and behind it the number whose length it tells (ITU-T T.81, section F.1.2).
    fn push_number(&mut self, code: usize, code_length: u32, number: i32) {
        self.push(code, code_length);
        let size = size_of(number);
        let bits = if number < 0 { number - 1 } else { number };
        let low = bits.cast_unsigned() & ((1 << size) - 1);
        self.push(low as usize, size);
    }

    /// Bytes, with a zero behind each that could begin a marker.
    fn bytes(&self) -> Vec<u8> {
        self.0
            .chunks(8)
            .flat_map(|bits| {
                let byte = (0..8).fold(0, |byte, at| {
                    byte << 1 | u8::from(*bits.get(at).unwrap_or(&true))
                });
                [byte, 0]
                    .into_iter()
                    .take(if byte == 0xFF { 2 } else { 1 })
            })
            .collect()
    }
}

fn size_of(number: i32) -> u32 {
    32 - number
        .unsigned_abs()
        .leading_zeros()
}

/// Eight numbers as waves of ever shorter length.
fn transformed(numbers: [f32; 8]) -> [f32; 8] {
    std::array::from_fn(|wave| {
        let first = if wave == 0 { 0.5_f32.sqrt() } else { 1.0 };
        let at = |place: u8| f32::from(2 * place + 1) * f32::from(u8::try_from(wave).unwrap());
        let sum: f32 = (0..8)
            .zip(numbers)
            .map(|(place, number)| number * (at(place) * std::f32::consts::PI / 16.0).cos())
            .sum();
        sum * first / 2.0
    })
}

/// What a block of 8 by 8 pixels is coded as, in the order of the standard.
#[allow(clippy::cast_possible_truncation)] // They have at most 11 bits.
fn coefficients(picture: &[u8], left: usize, top: usize) -> [i32; 64] {
    let of_rows: [[f32; 8]; 8] = std::array::from_fn(|row| {
        let start = (top + row) * usize::from(COLUMNS) + left;
        transformed(std::array::from_fn(|column| {
            f32::from(picture[start + column]) - 128.0
        }))
    });
    let of_columns: [[f32; 8]; 8] =
        std::array::from_fn(|column| transformed(of_rows.map(|row| row[column])));
    let mut order: Vec<(usize, usize)> = (0..64)
        .map(|at| (at % 8, at / 8))
        .collect();
    order.sort_by_key(|(column, row)| {
        let diagonal = column + row;
        (diagonal, if diagonal % 2 == 0 { *column } else { *row })
    });
    std::array::from_fn(|at| {
        let (column, row) = order[at];
        of_columns[column][row].round() as i32
    })
}

/// A picture in baseline JPEG, in the finest steps, with codes of one length.
fn jpeg(picture: &[u8]) -> Vec<u8> {
    const END_OF_BLOCK: usize = 0;
    const SIXTEEN_ZEROS: usize = 1;
    const DC_LENGTH: u32 = 4;
    const AC_LENGTH: u32 = 8;
    let after_zeros = |zeros: usize, size: u32| 2 + zeros * 10 + size as usize - 1;
    let mut bits = Bits::default();
    let mut last = 0;
    for top in (0..usize::from(ROWS)).step_by(8) {
        for left in (0..usize::from(COLUMNS)).step_by(8) {
            let [mean, waves @ ..] = coefficients(picture, left, top);
            bits.push_number(size_of(mean - last) as usize, DC_LENGTH, mean - last);
            last = mean;
            let mut zeros = 0;
            for number in waves {
                if number == 0 {
                    zeros += 1;
                    continue;
                }
                for _ in 0..zeros / 16 {
                    bits.push(SIXTEEN_ZEROS, AC_LENGTH);
                }
                let code = after_zeros(zeros % 16, size_of(number));
                bits.push_number(code, AC_LENGTH, number);
                zeros = 0;
            }
            if zeros > 0 {
                bits.push(END_OF_BLOCK, AC_LENGTH);
            }
        }
    }
    let segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2)
            .unwrap()
            .to_be_bytes();
        [&[0xFF, marker], &length[..], content].concat()
    };
    // How many codes there are of each length, and what they stand for.
    let table = |class: u8, length: u32, symbols: &[u8]| {
        let mut counts = [0; 16];
        counts[length as usize - 1] = u8::try_from(symbols.len()).unwrap();
        segment(0xC4, &[&[class << 4], &counts[..], symbols].concat())
    };
    let sizes: Vec<u8> = (0..=11).collect();
    let runs = (0..16).flat_map(|zeros| (1..=10).map(move |size| zeros << 4 | size));
    let ac: Vec<u8> = [0, 0xF0]
        .into_iter()
        .chain(runs)
        .collect();
    let [high, low] = ROWS.to_be_bytes();
    let [left, right] = COLUMNS.to_be_bytes();
    let mut file = [
        vec![0xFF, 0xD8],
        segment(0xDB, &[&[0], &[1; 64][..]].concat()),
        segment(0xC0, &[8, high, low, left, right, 1, 1, 0x11, 0]),
        table(0, DC_LENGTH, &sizes),
        table(1, AC_LENGTH, &ac),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        bits.bytes(),
        vec![0xFF, 0xD9],
    ]
    .concat();
    file.resize(file.len().next_multiple_of(2), 0);
    file
}
