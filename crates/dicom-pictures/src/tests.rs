//! Images made in code, of which every grey level is known; and headers that are hostile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::sync::Arc;

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_lossless::{
    DataSet, Element, Encoding, Instance, Limits, Source, SourceFile, Tag, VR, read,
};

use crate::{Picture, PictureError, ShownImage, header_lines};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const BIG: &str = "1.2.840.10008.1.2.2";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A file being made, in explicit VR.
struct Made {
    syntax: &'static str,
    elements: Vec<(Tag, VR, Vec<u8>)>,
    pixels: (Tag, VR, Vec<u8>),
}

impl Made {
    /// A grey image of one row of cells of these bits.
    fn grey(columns: u16, bits: u16, cells: &[u8]) -> Self {
        Self {
            syntax: EXPLICIT,
            elements: Vec::new(),
            pixels: (tags::PIXEL_DATA, VR::OW, cells.to_vec()),
        }
        .number(tags::SAMPLES_PER_PIXEL, 1)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .number(tags::ROWS, 1)
        .number(tags::COLUMNS, columns)
        .number(tags::BITS_ALLOCATED, bits)
        .number(tags::BITS_STORED, bits)
        .number(tags::PIXEL_REPRESENTATION, 0)
    }

    fn words(values: &[u16]) -> Self {
        let cells: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self::grey(values.len() as u16, 16, &cells)
    }

    fn colour(photometric: &str, columns: u16, cells: &[u8]) -> Self {
        Self::grey(columns, 8, cells)
            .number(tags::SAMPLES_PER_PIXEL, 3)
            .number(tags::PLANAR_CONFIGURATION, 0)
            .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric)
    }

    fn put(mut self, tag: Tag, vr: VR, mut value: Vec<u8>) -> Self {
        value.resize(value.len().next_multiple_of(2), b' ');
        self.elements
            .retain(|(other, ..)| *other != tag);
        self.elements.push((tag, vr, value));
        self
    }

    fn text(self, tag: Tag, vr: VR, value: &str) -> Self {
        self.put(tag, vr, value.as_bytes().to_vec())
    }

    fn number(self, tag: Tag, value: u16) -> Self {
        self.put(tag, VR::US, value.to_le_bytes().to_vec())
    }

    fn list(self, tag: Tag, values: &[u16]) -> Self {
        self.put(tag, VR::US, to_bytes(values))
    }

    fn window(self, center: &str, width: &str) -> Self {
        self.text(tags::WINDOW_CENTER, VR::DS, center)
            .text(tags::WINDOW_WIDTH, VR::DS, width)
    }

    fn sequence(self, tag: Tag, items: Vec<DataSet>) -> Self {
        let sequence = Element::sequence(tag, items, Encoding::EXPLICIT_LITTLE);
        let bytes = DataSet::from_elements(vec![sequence])
            .to_bytes(Encoding::EXPLICIT_LITTLE, &Limits::default())
            .unwrap();
        // Tag, VR, reserved bytes and the length that says that there is none.
        self.put(tag, VR::SQ, bytes[12..].to_vec())
    }

    fn bytes(mut self) -> Vec<u8> {
        let big = self.syntax == BIG;
        let u16_of = |value: u16| {
            if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let u32_of = |value: u32| {
            if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let mut file = [vec![0; 128], b"DICM".to_vec()].concat();
        let uid = format!(
            "{}{}",
            self.syntax,
            if self.syntax.len() % 2 == 1 { "\0" } else { "" }
        );
        let meta = [
            &[2, 0, 0x10, 0, b'U', b'I', uid.len() as u8, 0][..],
            uid.as_bytes(),
        ]
        .concat();
        file.extend([2, 0, 0, 0, b'U', b'L', 4, 0, meta.len() as u8, 0, 0, 0]);
        file.extend(meta);
        self.elements
            .sort_by_key(|(tag, ..)| *tag);
        for (tag, vr, value) in self
            .elements
            .into_iter()
            .chain([self.pixels])
        {
            file.extend(u16_of(tag.group()));
            file.extend(u16_of(tag.element()));
            file.extend(vr.to_string().bytes());
            let value = match vr {
                VR::US if big => value
                    .chunks(2)
                    .flat_map(|two| [two[1], two[0]])
                    .collect(),
                _ => value,
            };
            let is_encapsulated = tag == tags::PIXEL_DATA && self.syntax == RLE;
            if matches!(
                vr,
                VR::OB | VR::OW | VR::OF | VR::OD | VR::SQ | VR::UT | VR::UN
            ) {
                file.extend([0, 0]);
                file.extend(u32_of(if vr == VR::SQ || is_encapsulated {
                    u32::MAX
                } else {
                    value.len() as u32
                }));
            } else {
                file.extend(u16_of(value.len() as u16));
            }
            file.extend(value);
        }
        file
    }

    fn instance(self) -> Instance {
        opened(self.bytes()).unwrap()
    }

    fn image(self) -> ShownImage {
        ShownImage::of(self.instance())
            .unwrap()
            .unwrap()
    }

    fn shown(self) -> Vec<u8> {
        self.image()
            .frame(0)
            .unwrap()
            .pixels
    }

    fn refused(self) -> String {
        let error = ShownImage::of(self.instance()).unwrap_err();
        assert!(matches!(error, PictureError::Undecodable(_)));
        error.to_string()
    }
}

fn opened(bytes: Vec<u8>) -> Option<Instance> {
    let file = Arc::new(SourceFile::as_it_was("", bytes.len() as u64, None));
    let bytes = Bytes::from(bytes);
    read(Source::Memory { file, bytes }, &Limits::default()).ok()
}

fn to_bytes(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn table(descriptor: [u16; 3], entries: &[u16]) -> DataSet {
    DataSet::from_elements(vec![
        Element::new(tags::LUT_DESCRIPTOR, VR::US, to_bytes(&descriptor)),
        Element::new(tags::LUT_DATA, VR::OW, to_bytes(entries)),
    ])
}

fn group(sequence: Tag, elements: &[(Tag, &str)]) -> DataSet {
    let inner = elements
        .iter()
        .map(|(tag, value)| Element::new(*tag, VR::DS, value.as_bytes().to_vec()))
        .collect();
    let item = DataSet::from_elements(inner);
    DataSet::from_elements(vec![Element::sequence(
        sequence,
        vec![item],
        Encoding::EXPLICIT_LITTLE,
    )])
}

#[test]
fn without_a_window_the_range_of_the_values_is_shown() {
    let values = || Made::words(&[100, 150, 200]);
    assert_eq!(values().shown(), [0, 128, 255]);
    let inverted = values().text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
    assert_eq!(inverted.shown(), [255, 128, 0]);
    let shape = values().text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "INVERSE");
    assert_eq!(shape.shown(), [255, 128, 0]);
    let alike = Made::words(&[0xFFFF, 0xFFFF]);
    assert_eq!(alike.shown(), [255, 255], "of all values it is the highest");
}

#[test]
fn padding_does_not_count_for_the_range() {
    let values = || Made::words(&[63536, 100, 150, 200, 63537]);
    assert_eq!(
        values()
            .number(tags::PIXEL_PADDING_VALUE, 63536)
            .number(tags::PIXEL_PADDING_RANGE_LIMIT, 63537)
            .shown(),
        [255, 0, 128, 255, 255]
    );
    let signed = values()
        .number(tags::PIXEL_REPRESENTATION, 1)
        .number(tags::PIXEL_PADDING_VALUE, 63536)
        .number(tags::PIXEL_PADDING_RANGE_LIMIT, 63537);
    assert_eq!(signed.shown(), [0, 0, 128, 255, 0]);
}

#[test]
fn stored_bits_are_those_that_count() {
    let twelve = || {
        Made::words(&[0xF000, 0x07FF, 0x0FFF])
            .number(tags::BITS_STORED, 12)
            .number(tags::HIGH_BIT, 11)
    };
    assert_eq!(twelve().shown(), [0, 127, 255]);
    let signed = twelve().number(tags::PIXEL_REPRESENTATION, 1);
    assert_eq!(signed.shown(), [0, 255, 0], "0xFFF is -1");
    let high = Made::words(&[0x000F, 0x7FFF, 0xFFF0])
        .number(tags::BITS_STORED, 12)
        .number(tags::HIGH_BIT, 15);
    assert_eq!(high.shown(), [0, 127, 255], "the lowest four bits are none");
}

#[test]
fn windows_are_those_of_the_standard() {
    let values = || Made::words(&[0, 40, 60, 80, 100]);
    let of = |function| {
        values()
            .window("50\\1", "41\\2")
            .text(tags::VOILUT_FUNCTION, VR::CS, function)
            .shown()
    };
    assert_eq!(of("LINEAR"), [0, 67, 194, 255, 255]);
    assert_eq!(of("LINEAR_EXACT"), [0, 65, 190, 255, 255]);
    assert_eq!(of("SIGMOID"), [2, 70, 185, 242, 253]);
    let threshold = values().window("60", "1");
    assert_eq!(threshold.shown(), [0, 0, 255, 255, 255]);
    for (center, width) in [
        ("50", "0"),
        ("50", "-3"),
        ("nan", "10"),
        ("50", "inf"),
        ("", "9"),
    ] {
        assert_eq!(
            values()
                .window(center, width)
                .shown(),
            [0, 102, 153, 204, 255],
            "{center} {width}: the range"
        );
    }
}

#[test]
fn values_are_rescaled_before_they_are_windowed() {
    let values = |slope, intercept| {
        Made::words(&[1000, 1024, 1048])
            .text(tags::RESCALE_SLOPE, VR::DS, slope)
            .text(tags::RESCALE_INTERCEPT, VR::DS, intercept)
            .window("0.5", "49")
    };
    assert_eq!(values("1", "-1024").shown(), [0, 128, 255]);
    assert_eq!(values("-1", "1024").shown(), [255, 128, 0]);
    assert_eq!(values("nan", "-1024").shown(), [0, 128, 255]);
    assert_eq!(values("1e308", "-1e308").shown(), [255; 3]);
}

#[test]
fn lookup_tables_come_before_windows() {
    let values = || Made::words(&[4, 5, 6, 9]);
    let modality = values().sequence(
        tags::MODALITY_LUT_SEQUENCE,
        vec![table([3, 5, 16], &[10, 30, 20])],
    );
    assert_eq!(modality.shown(), [0, 0, 255, 128]);
    let voi = values()
        .window("1", "1")
        .sequence(tags::VOILUT_SEQUENCE, vec![table([3, 5, 8], &[0, 51, 255])]);
    assert_eq!(voi.shown(), [0, 0, 51, 255]);
    let damaged = values().sequence(tags::VOILUT_SEQUENCE, vec![table([0, 0, 77], &[])]);
    assert_eq!(damaged.shown(), [0, 51, 102, 255]);
}

#[test]
fn functional_groups_hold_for_their_frames() {
    let cells = to_bytes(&[0, 50, 100, 0, 50, 100, 0, 50, 100]);
    let of_frame = |center, width| {
        group(
            tags::FRAME_VOILUT_SEQUENCE,
            &[(tags::WINDOW_CENTER, center), (tags::WINDOW_WIDTH, width)],
        )
    };
    let mut image = Made::grey(3, 16, &cells)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "3")
        .window("7000", "2")
        .sequence(
            tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
            vec![group(
                tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
                &[(tags::RESCALE_SLOPE, "2 "), (tags::RESCALE_INTERCEPT, "0 ")],
            )],
        )
        .sequence(
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            vec![of_frame("100.5 ", "201 "), of_frame("0.5 ", "1 ")],
        )
        .image();
    let mut shown = |number| image.frame(number).unwrap().pixels;
    assert_eq!(shown(0), [0, 128, 255]);
    assert_eq!(shown(1), [0, 255, 255]);
    assert_eq!(shown(2), [0, 0, 0], "of the outermost data set");
    assert_eq!(image.frames(), 3);
    assert!(image.frame(3).is_err());
    assert!(image.frame(u32::MAX).is_err());
}

#[test]
fn every_width_of_numbers_is_shown() {
    let wide: Vec<u8> = [0_u32, 1 << 31, u32::MAX]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(Made::grey(3, 32, &wide).shown(), [0, 128, 255]);
    let mut float = Made::grey(4, 32, &[]);
    float.pixels = (
        tags::FLOAT_PIXEL_DATA,
        VR::OF,
        [-1.5_f32, 0.0, f32::NAN, 1.5]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    );
    assert_eq!(float.shown(), [0, 128, 0, 255]);
    let bits = Made::grey(5, 1, &[0b0001_0110, 0b10]).text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    let mut bits = bits.image();
    assert_eq!(bits.frame(0).unwrap().pixels, [0, 255, 255, 0, 255]);
    assert_eq!(bits.frame(1).unwrap().pixels, [0, 0, 0, 0, 255]);
    let mut big = Made::words(&[0x0100, 0x0200, 0x0300].map(u16::swap_bytes));
    big.syntax = BIG;
    assert_eq!(big.shown(), [0, 128, 255]);
    let mut swapped = Made::grey(3, 8, &[100, 0, 0, 200]);
    swapped.syntax = BIG;
    assert_eq!(swapped.shown(), [0, 128, 255]);
}

#[test]
fn colours_become_red_green_and_blue() {
    assert_eq!(
        Made::colour("RGB", 2, &[1, 2, 3, 4, 5, 6]).shown(),
        [1, 2, 3, 4, 5, 6]
    );
    let planes = Made::colour("RGB", 2, &[1, 4, 2, 5, 3, 6]).number(tags::PLANAR_CONFIGURATION, 1);
    assert_eq!(planes.shown(), [1, 2, 3, 4, 5, 6]);
    let full = Made::colour("YBR_FULL", 2, &[76, 85, 255, 255, 128, 128]);
    assert_eq!(full.shown(), [254, 0, 0, 255, 255, 255]);
    let halved = Made::colour("YBR_FULL_422", 2, &[76, 76, 85, 255]);
    assert_eq!(halved.shown(), [254, 0, 0, 254, 0, 0]);
    let partial = Made::colour("YBR_PARTIAL_422", 2, &[16, 235, 128, 128]);
    assert_eq!(partial.shown(), [0, 0, 0, 255, 255, 255]);
    let odd = Made::colour("YBR_FULL_422", 3, &[0; 8]);
    assert!(
        odd.refused()
            .contains("even number of columns")
    );
}

#[test]
fn palettes_colour_their_indices() {
    let descriptors = |made: Made, bits| {
        made.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "PALETTE COLOR")
            .list(
                tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                &[3, 1, bits],
            )
            .list(
                tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                &[3, 1, bits],
            )
            .list(
                tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                &[3, 1, bits],
            )
    };
    let indices = || Made::grey(4, 8, &[0, 1, 2, 3]);
    let words = |values: &[u16]| to_bytes(values);
    let plain = descriptors(indices(), 16)
        .put(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[0, 0x8080, 0xFFFF]),
        )
        .put(
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[0, 0, 0xFFFF]),
        )
        .put(
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[0xFFFF, 0, 0]),
        );
    assert_eq!(
        plain.shown(),
        [0, 0, 255, 0, 0, 255, 128, 0, 0, 255, 255, 0]
    );
    let bytes = descriptors(indices(), 8)
        .put(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            vec![7, 8, 9, 0],
        )
        .put(
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[1, 2, 3]),
        )
        .put(
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[4, 5, 6]),
        );
    assert_eq!(bytes.shown(), [7, 1, 4, 7, 1, 4, 8, 2, 5, 9, 3, 6]);
    let ramp = words(&[0, 1, 0, 1, 2, 0x0200]);
    let segmented = descriptors(indices(), 16)
        .put(
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            ramp.clone(),
        )
        .put(
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            ramp.clone(),
        )
        .put(
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            words(&[0, 1, 0xFFFF, 2, 1, 0, 0, 2, 1, 0, 0]),
        );
    assert_eq!(
        segmented.shown(),
        [0, 0, 255, 0, 0, 255, 1, 1, 255, 2, 2, 255]
    );
    let missing = descriptors(indices(), 16);
    assert_eq!(missing.shown(), [0, 85, 170, 255], "the indices themselves");
}

#[test]
fn compressed_frames_are_decoded_one_by_one() {
    let frame = |value: u8| {
        let mut frame = [1_u32, 64]
            .map(u32::to_le_bytes)
            .concat();
        frame.resize(64, 0);
        frame.extend([2, 0, value, 255, 0]);
        frame.resize(70, 0);
        frame
    };
    let item = |bytes: &[u8]| [&[0xFE, 0xFF, 0, 0xE0, bytes.len() as u8, 0, 0, 0], bytes].concat();
    let end = vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let cells = [item(&[]), item(&frame(128)), item(&frame(64)), end].concat();
    let mut made = Made::grey(3, 8, &cells).text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    made.syntax = RLE;
    made.pixels.1 = VR::OB;
    let mut image = made.image();
    assert_eq!(image.frame(1).unwrap().pixels, [0, 64, 255]);
    assert_eq!(image.frame(0).unwrap().pixels, [0, 128, 255]);
}

#[test]
fn what_cannot_be_shown_is_said_without_a_value() {
    let whole = || Made::words(&[1, 2]);
    assert_eq!(
        whole()
            .number(tags::ROWS, 0)
            .refused(),
        "the image has no rows or no columns"
    );
    assert_eq!(
        whole()
            .number(tags::ROWS, 2)
            .refused(),
        "the pixel data is shorter than its attributes say"
    );
    for frames in ["4000000000", "99999999999", "x"] {
        let refused = whole()
            .text(tags::NUMBER_OF_FRAMES, VR::IS, frames)
            .refused();
        assert!(!refused.contains(frames), "{refused}");
    }
    let huge = whole()
        .number(tags::ROWS, 65535)
        .number(tags::COLUMNS, 65535);
    assert_eq!(huge.refused(), "a frame is too large to be shown");
    let none = Made::words(&[1, 2]);
    let mut instance = none.instance();
    instance.pixels = None;
    assert!(
        ShownImage::of(instance)
            .unwrap()
            .is_none()
    );
}

#[test]
fn any_header_gives_a_picture_or_an_error() {
    let mut random = fastrand::Rng::with_seed(21);
    let file = Made::words(&[1, 2, 3, 4])
        .window("50", "41")
        .number(tags::PIXEL_PADDING_VALUE, 3)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "1")
        .list(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, &[3, 1, 16])
        .put(
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            VR::OW,
            to_bytes(&[2, 9, 0, 0]),
        )
        .sequence(
            tags::MODALITY_LUT_SEQUENCE,
            vec![table([3, 5, 16], &[10, 30, 20])],
        )
        .sequence(
            tags::VOILUT_SEQUENCE,
            vec![table([3, 5, 16], &[10, 30, 20])],
        )
        .bytes();
    let mut shown = 0;
    for _ in 0..5000 {
        let mut damaged = file.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(150..damaged.len());
            damaged[at] = random.u8(..);
        }
        let Some(instance) = opened(damaged) else {
            continue;
        };
        header_lines(&instance, 20, 50);
        if let Ok(Some(mut image)) = ShownImage::of(instance) {
            shown += u32::from(image.frame(0).is_ok());
        }
    }
    assert!(shown > 500, "{shown}");
}

#[test]
fn thumbnails_are_averages_and_keep_the_proportion() {
    let picture = Picture {
        width: 4,
        height: 2,
        samples: 1,
        pixels: vec![0, 100, 10, 30, 100, 200, 20, 40],
    };
    let half = picture.thumbnail(2);
    assert_eq!(
        (half.width, half.height, &half.pixels[..]),
        (2, 1, &[100, 25][..])
    );
    let third = picture.thumbnail(3);
    assert_eq!((third.width, third.height), (3, 2));
    assert_eq!(third.pixels[..3], [25, 55, 25], "shares of pixels count");
    assert_eq!(picture.thumbnail(9), picture);
    assert_eq!(picture.thumbnail(0).pixels.len(), 1);
    let colour = Picture {
        width: 2,
        height: 1,
        samples: 3,
        pixels: vec![0, 10, 20, 100, 30, 60],
    };
    assert_eq!(colour.thumbnail(1).pixels, [50, 20, 40]);
    let strip = Picture {
        width: 1000,
        height: 1,
        samples: 1,
        pixels: vec![7; 1000],
    };
    let strip = strip.thumbnail(10);
    assert_eq!((strip.width, strip.height), (10, 1));
    assert_eq!(strip.pixels, [7; 10]);
}

#[test]
fn a_png_holds_the_picture() {
    let picture = Picture {
        width: 2,
        height: 1,
        samples: 3,
        pixels: vec![1, 2, 3, 4, 5, 6],
    };
    let file = picture.to_png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; 6];
    let info = reader
        .next_frame(&mut pixels)
        .unwrap();
    assert_eq!(
        (info.width, info.height, pixels),
        (2, 1, picture.pixels.clone())
    );
    let wrong = Picture {
        width: 3,
        ..picture
    };
    assert_eq!(wrong.to_png(), Err(PictureError::Size));
}

#[test]
fn headers_are_lines_in_the_order_of_the_file() {
    let inner = DataSet::from_elements(vec![Element::new(tags::CODE_MEANING, VR::LO, "inside")]);
    let instance = Made::words(&[1, 2])
        .text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 144")
        .put(tags::PATIENT_NAME, VR::PN, b"\xBB\xEE\x1B[2J".to_vec())
        .text(tags::PATIENT_COMMENTS, VR::UT, &"é<script>".repeat(10_000))
        .list(tags::LUT_DATA, &vec![7; 40_000][..100])
        .put(Tag(0x0009, 0x1001), VR::OB, vec![0xAB; 20])
        .sequence(tags::PROCEDURE_CODE_SEQUENCE, vec![inner])
        .instance();
    let lines = header_lines(&instance, 12, 1000);
    let shown: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{}{} {} {} {}",
                "  ".repeat(line.depth),
                line.tag,
                line.vr,
                line.keyword.unwrap_or("-"),
                line.value
            )
        })
        .collect();
    for expected in [
        "(0002,0010) UI TransferSyntaxUID 1.2.840.10008.1.2.1",
        "(0008,1032) SQ ProcedureCodeSequence 1 item",
        "  (FFFE,E000)  - item 1",
        "    (0008,0104) LO CodeMeaning inside",
        "(0009,1001) OB - AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB AB... (20 bytes)",
        "(0010,0010) PN PatientName Лю\\u{1b}[2J",
        "(0028,0010) US Rows 1",
        "(0028,3006) US LUTData 7\\7\\7\\7\\7\\7\\... (100 values)",
        "(7FE0,0010) OW PixelData (4 bytes)",
    ] {
        assert!(
            shown
                .iter()
                .any(|line| line == expected),
            "{expected}: {shown:#?}"
        );
    }
    let long = shown
        .iter()
        .find(|line| line.contains("PatientComments"))
        .unwrap();
    assert!(long.ends_with("... (100,000 characters)"), "{long}");
    let few = header_lines(&instance, 12, 3);
    assert_eq!(few.len(), 4);
    let left = lines.len() - 3;
    assert_eq!(
        few[3].value,
        format!("... and {left} more elements and items")
    );
}

#[test]
fn outlines_at_the_edge_and_beyond_are_drawn_as_far_as_the_picture_goes() {
    let mut picture = Picture {
        width: 5,
        height: 4,
        samples: 1,
        pixels: vec![0; 5 * 4],
    };
    for area in [[0, 0, 5, 4], [3, 2, 9, 9], [65_535; 4], [1, 1, 0, 0]] {
        picture.outline(area);
    }
    assert_eq!(picture.pixels.len(), 5 * 4 * 3);
    assert_eq!(picture.pixels[..3], [255, 0, 96]);
}
