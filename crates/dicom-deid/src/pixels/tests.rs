//! Blanking as a whole, on instances made in code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

mod beside;
mod comments;
mod decoders;
mod devices;

use std::sync::Arc;

use bytes::Bytes;
use dicom_lossless::{Body, DataSet, Limits, Segment, Source, SourceFile, Tag, read};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::clean::Cleaner;
use crate::profile::{Profile, from_server_json};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const RLE: &str = "1.2.840.10008.1.2.5";
const PIXEL_DATA: u32 = 0x7FE0_0010;

/// A file in explicit VR little endian, element by element.
#[derive(Clone)]
struct Made(Vec<u8>);

impl Made {
    fn new(syntax: &str) -> Self {
        let uid = format!("{syntax}{}", if syntax.len() % 2 == 1 { "\0" } else { "" });
        let start =
            Self([vec![0; 128], b"DICM".to_vec()].concat()).element(0x0002_0010, *b"UI", uid);
        start
            .element(0x0008_0016, *b"UI", "1.2.840.10008.5.1.4.1.1.2\0")
            .element(0x0008_0018, *b"UI", "1.2.3.4\0")
    }

    fn element(mut self, tag: u32, vr: [u8; 2], value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.head(tag, vr, value.len() as u32);
        self.0.extend(value);
        self
    }

    fn head(&mut self, tag: u32, vr: [u8; 2], length: u32) {
        self.0.extend(
            [
                ((tag >> 16) as u16).to_le_bytes(),
                (tag as u16).to_le_bytes(),
            ]
            .concat(),
        );
        self.0.extend(vr);
        if matches!(&vr, b"OB" | b"OW" | b"OF" | b"OV" | b"UV") {
            self.0.extend([0, 0]);
            self.0.extend(length.to_le_bytes());
        } else {
            self.0
                .extend((length as u16).to_le_bytes());
        }
    }

    fn us(self, tag: u32, number: u16) -> Self {
        self.element(tag, *b"US", number.to_le_bytes())
    }

    /// The attributes of an image.
    fn image(self, image: &Image) -> Self {
        let photometric = format!(
            "{}{}",
            image.photometric,
            if image.photometric.len() % 2 == 1 {
                " "
            } else {
                ""
            }
        );
        let frames = format!("{:4}", image.frames);
        self.us(0x0028_0002, image.samples)
            .element(0x0028_0004, *b"CS", photometric)
            .us(0x0028_0006, u16::from(image.planes))
            .element(0x0028_0008, *b"IS", frames)
            .us(0x0028_0010, image.rows)
            .us(0x0028_0011, image.columns)
            .us(0x0028_0100, image.bits_allocated)
            .us(0x0028_0101, image.bits_stored)
            .us(0x0028_0103, u16::from(image.signed))
    }

    fn fragments(mut self, fragments: &[&[u8]]) -> Self {
        self.head(PIXEL_DATA, *b"OB", u32::MAX);
        for fragment in fragments {
            self.0
                .extend([0xFE, 0xFF, 0x00, 0xE0]);
            self.0
                .extend((fragment.len() as u32).to_le_bytes());
            self.0.extend(*fragment);
        }
        self.0
            .extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        self
    }

    fn instance(&self) -> Instance {
        let file = Arc::new(SourceFile::new("Cargo.toml").unwrap());
        read(
            Source::Memory {
                file,
                bytes: Bytes::from(self.0.clone()),
            },
            &Limits::default(),
        )
        .unwrap()
    }
}

fn gray(rows: u16, columns: u16, bits: u16) -> Image {
    Image {
        rows,
        columns,
        frames: 1,
        samples: 1,
        bits_allocated: bits,
        bits_stored: bits,
        signed: false,
        planes: false,
        photometric: "MONOCHROME2".to_owned(),
    }
}

fn profile(pixels: &str) -> Profile {
    from_server_json(
        &json!(format!(
            "name: t\ndicom: {{alter_pixels: {{pixels: {pixels}}}}}"
        )),
        "test",
    )
    .unwrap()
    .unwrap()
}

/// A profile of our own vocabulary.
fn from_toml(text: &str) -> Profile {
    let file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile()
        .unwrap();
    std::fs::write(file.path(), text).unwrap();
    crate::profile::load(file.path().to_str().unwrap()).unwrap()
}

fn cleaned(instance: Instance, pixels: &str) -> Result<Body, DeidError> {
    Cleaner::new(&profile(pixels), None, Limits::default())
        .unwrap()
        .deidentify(instance, "a.dcm")
        .map(|clean| clean.body().clone())
}

/// A file that was written, read again: its data set, its transfer syntax and its pixel data.
fn read_back(body: &Body) -> (DataSet, String, Vec<u8>) {
    let bytes = Bytes::from(body.to_vec().unwrap());
    assert_eq!(bytes.len() as u64, body.len());
    let file = Arc::new(SourceFile::new("Cargo.toml").unwrap());
    let instance = read(Source::Memory { file, bytes }, &Limits::default()).unwrap();
    let pixels = instance.pixels.unwrap();
    assert!(!pixels.encapsulated);
    let Source::Memory { bytes, .. } = instance.source else {
        unreachable!()
    };
    (
        instance.header,
        instance.syntax.uid,
        bytes[pixels.value.start as usize..pixels.value.end as usize].to_vec(),
    )
}

fn failure(made: &Made, pixels: &str) -> String {
    let failure = cleaned(made.instance(), pixels).unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::Pixels);
    failure.detail
}

const CORNER: &str = "[{when: present Rows, remove: [0, 0, 2, 1]}]";

#[test]
fn native_pixels_are_blanked_and_nothing_else_changes() {
    let made = Made::new(EXPLICIT)
        .image(&gray(3, 3, 8))
        .element(PIXEL_DATA, *b"OB", [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
    let (header, syntax, pixels) = read_back(&cleaned(made.instance(), CORNER).unwrap());
    assert_eq!(
        (syntax.as_str(), pixels),
        (EXPLICIT, vec![0, 0, 3, 4, 5, 6, 7, 8, 9, 0])
    );
    assert_eq!(header, made.instance().header);
    let deflated = "1.2.840.10008.1.2.1.99";
    let packed = Made(made.0.clone());
    let mut instance = packed.instance();
    (instance.syntax.uid, instance.syntax.deflated) = (deflated.to_owned(), true);
    let (_, syntax, pixels) = read_back(&cleaned(instance, CORNER).unwrap());
    assert_eq!(
        (syntax.as_str(), pixels[..4].to_vec()),
        (deflated, vec![0, 0, 3, 4])
    );
}

#[test]
fn colour_is_blanked_in_all_samples_whether_side_by_side_or_in_planes() {
    for (planes, expected) in [
        (false, [0, 0, 0, 0, 0, 0, 7, 8, 9, 10, 11, 12]),
        (true, [0, 0, 3, 4, 0, 0, 7, 8, 0, 0, 11, 12]),
    ] {
        let image = Image {
            samples: 3,
            planes,
            photometric: "YBR_FULL".to_owned(),
            ..gray(2, 2, 8)
        };
        let values: Vec<u8> = (1..=12).collect();
        let made = Made::new(EXPLICIT)
            .image(&image)
            .element(PIXEL_DATA, *b"OB", values);
        assert_eq!(
            read_back(&cleaned(made.instance(), CORNER).unwrap()).2,
            expected,
            "{planes}"
        );
    }
}

#[test]
fn float_pixels_are_blanked() {
    let made = Made::new(EXPLICIT)
        .image(&gray(1, 3, 32))
        .element(0x7FE0_0008, *b"OF", [7; 12]);
    assert_eq!(
        read_back(&cleaned(made.instance(), CORNER).unwrap()).2,
        [0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7]
    );
}

#[test]
fn pixels_outside_of_regions_are_left_as_they_are() {
    let made = Made::new("1.2.840.10008.1.2.4.80")
        .image(&gray(2, 2, 8))
        .fragments(&[b"", b"\xFF\xD8\xFF\xF7what only JPEG-LS reads "]);
    for pixels in [
        "[{when: present Rows, keep: [0, 0, 2, 2]}]",
        "[{when: missing Rows, remove: [0, 0, 2, 2]}]",
        "[{when: present Rows, remove: [5, 5, 9, 9]}]",
        "[{when: present Rows, remove: [0, 0, 1, 1]}, {when: present Rows, keep: [0, 0, 2, 2]}]",
    ] {
        let body = cleaned(made.instance(), pixels)
            .unwrap()
            .to_vec()
            .unwrap();
        assert!(
            body.windows(22)
                .any(|window| window == b"what only JPEG-LS read"),
            "{pixels}"
        );
    }
    let without = Made::new(EXPLICIT).image(&gray(2, 2, 8));
    assert!(cleaned(without.instance(), CORNER).is_ok());
}

#[test]
fn pixel_data_that_is_not_what_its_attributes_say_fails() {
    let native = |image: &Image, length| {
        Made::new(EXPLICIT)
            .image(image)
            .element(PIXEL_DATA, *b"OW", vec![7; length])
    };
    let image = gray(3, 3, 8);
    assert!(failure(&native(&image, 8), CORNER).contains("length of the pixel data"));
    assert!(failure(&native(&image, 12), CORNER).contains("length of the pixel data"));
    assert!(
        failure(
            &native(
                &Image {
                    bits_allocated: 1,
                    bits_stored: 1,
                    ..image.clone()
                },
                2
            ),
            CORNER
        )
        .contains("Bits Allocated")
    );
    assert!(
        failure(
            &native(
                &Image {
                    samples: 4,
                    ..image.clone()
                },
                36
            ),
            CORNER
        )
        .contains("1 or 3 samples")
    );
    assert!(
        failure(
            &native(
                &Image {
                    rows: 0,
                    ..image.clone()
                },
                0
            ),
            CORNER
        )
        .contains("no rows")
    );
    assert!(
        failure(
            &native(
                &Image {
                    bits_stored: 9,
                    ..image.clone()
                },
                10
            ),
            CORNER
        )
        .contains("Bits Stored")
    );
    let subsampled = Image {
        samples: 3,
        photometric: "YBR_FULL_422".to_owned(),
        ..gray(2, 2, 8)
    };
    assert!(failure(&native(&subsampled, 8), CORNER).contains("length of the pixel data"));
    let labelled = Made::new(RLE)
        .image(&image)
        .element(PIXEL_DATA, *b"OB", [7; 10]);
    assert!(failure(&labelled, CORNER).contains("transfer syntax"));
    let twice = Made::new(EXPLICIT)
        .image(&gray(1, 2, 32))
        .element(0x7FE0_0008, *b"OF", [7; 8])
        .element(PIXEL_DATA, *b"OW", [7; 8]);
    assert!(failure(&twice, CORNER).contains("two kinds"));
    let without = Made::new(EXPLICIT)
        .us(0x0028_0010, 3)
        .element(PIXEL_DATA, *b"OB", [7; 10]);
    assert!(failure(&without, CORNER).contains("BitsAllocated"));
}

/// RLE in literal runs only.
fn rle_frame(planes: &[&[u8]]) -> Vec<u8> {
    let packed: Vec<Vec<u8>> = planes
        .iter()
        .map(|plane| {
            plane
                .chunks(128)
                .flat_map(|run| [&[run.len() as u8 - 1], run].concat())
                .collect()
        })
        .collect();
    let mut header = vec![planes.len() as u32];
    header.extend(packed.iter().scan(64, |at, plane| {
        Some(std::mem::replace(at, *at + plane.len() as u32))
    }));
    header.resize(16, 0);
    [
        header
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect(),
        packed.concat(),
    ]
    .concat()
}

#[test]
fn rle_becomes_native_and_is_described_as_such() {
    let image = Image {
        frames: 2,
        ..gray(1, 3, 16)
    };
    let (first, second) = (
        rle_frame(&[&[1, 2, 3], &[4, 5, 6]]),
        rle_frame(&[&[7, 8, 9], &[10, 11, 12]]),
    );
    let made = Made::new(RLE)
        .image(&image)
        .element(0x7FE0_0001, *b"OV", [[0; 8], 80_u64.to_le_bytes()].concat())
        .fragments(&[b"", &first, &second]);
    let (header, syntax, pixels) = read_back(&cleaned(made.instance(), CORNER).unwrap());
    assert_eq!(
        (syntax.as_str(), pixels),
        (EXPLICIT, vec![0, 0, 0, 0, 6, 3, 0, 0, 0, 0, 12, 9])
    );
    assert!(
        header
            .get(dicom_lossless::Tag(0x7FE0, 0x0001))
            .is_none()
    );
    let colour = Image {
        samples: 3,
        planes: true,
        photometric: "YBR_FULL".to_owned(),
        ..gray(1, 3, 8)
    };
    let frame = rle_frame(&[&[0, 0, 255], &[128; 3], &[128; 3]]);
    let (header, _, pixels) = read_back(
        &cleaned(
            Made::new(RLE)
                .image(&colour)
                .fragments(&[b"", &frame])
                .instance(),
            CORNER,
        )
        .unwrap(),
    );
    assert_eq!(pixels, [0, 0, 0, 0, 0, 0, 255, 255, 255, 0]);
    assert_eq!(
        header
            .get(tags::PHOTOMETRIC_INTERPRETATION)
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"RGB "
    );
    assert_eq!(
        header
            .get(tags::PLANAR_CONFIGURATION)
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        [0, 0]
    );
}

#[test]
fn a_syntax_without_decoder_fails_the_file() {
    for syntax in [
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.55",
    ] {
        let made = Made::new(syntax)
            .image(&gray(2, 2, 8))
            .fragments(&[b"", b"data"]);
        assert!(
            failure(&made, CORNER)
                .contains(&format!("no decoder for the transfer syntax {syntax}"))
        );
    }
}

#[test]
fn frames_in_several_fragments_are_found_by_the_offset_table_or_not_at_all() {
    let image = Image {
        frames: 2,
        ..gray(1, 2, 8)
    };
    let plain = "1.2.840.10008.1.2.1.98";
    let table = |offsets: [u32; 2]| {
        offsets
            .map(u32::to_le_bytes)
            .concat()
    };
    let with = |table: &[u8]| {
        Made::new(plain)
            .image(&image)
            .fragments(&[table, b"a", b"b", b"cd"])
    };
    let pixels = |made: &Made| {
        read_back(
            &cleaned(
                made.instance(),
                "[{when: present Rows, remove: [1, 0, 2, 1]}]",
            )
            .unwrap(),
        )
        .2
    };
    assert_eq!(pixels(&with(&table([0, 18]))), b"a\0c\0");
    assert_eq!(
        pixels(
            &Made::new(plain)
                .image(&image)
                .fragments(&[b"", b"ab", b"cd"])
        ),
        b"a\0c\0"
    );
    let extended = Made::new(plain)
        .image(&image)
        .element(
            0x7FE0_0001,
            *b"OV",
            [0_u64, 18]
                .map(u64::to_le_bytes)
                .concat(),
        );
    assert_eq!(
        pixels(&extended.fragments(&[b"", b"a", b"b", b"cd"])),
        b"a\0c\0"
    );
    assert!(failure(&with(b""), CORNER).contains("offset table"));
    assert!(failure(&with(&table([0, 17])), CORNER).contains("offset table"));
    assert!(failure(&with(&table([9, 18])), CORNER).contains("offset table"));
    assert!(failure(&with(&table([0, 9])), CORNER).contains("another size"));
    assert!(
        failure(
            &Made::new(plain)
                .image(&image)
                .fragments(&[b"", b"abcd"]),
            CORNER
        )
        .contains("fewer fragments")
    );
}

#[test]
fn an_image_that_would_not_fit_the_memory_is_refused() {
    let made = Made::new(RLE)
        .image(&gray(u16::MAX, u16::MAX, 16))
        .fragments(&[b"", b"data"]);
    assert!(failure(&made, CORNER).contains("too large"));
    let made = Made::new(RLE)
        .image(&Image {
            frames: u32::MAX,
            ..gray(9, 9, 8)
        })
        .fragments(&[b"", b"data"]);
    assert!(failure(&made, CORNER).contains("too large"));
}

#[test]
fn decoded_pixels_of_a_file_that_is_not_in_memory_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let plane = vec![7; 300 * 300];
    std::fs::write(
        &path,
        Made::new(RLE)
            .image(&gray(300, 300, 8))
            .fragments(&[b"", &rle_frame(&[&plane])])
            .0,
    )
    .unwrap();
    let instance = read(
        Source::File(Arc::new(SourceFile::new(&path).unwrap())),
        &Limits::default(),
    )
    .unwrap();
    let body = cleaned(instance, "[{when: present Rows, remove: [0, 0, 300, 299]}]").unwrap();
    assert!(matches!(
        body.segments(),
        [Segment::Bytes(_), Segment::Bytes(_), Segment::File { .. }]
    ));
    let pixels = read_back(&body).2;
    assert!(
        pixels[..89_700]
            .iter()
            .all(|pixel| *pixel == 0)
            && pixels[89_700..] == [7; 300]
    );
}

/// Which of several conditions hold of a file, by what they blank in its only row.
fn holding(made: &Made, conditions: &[&str]) -> Vec<bool> {
    let image = gray(1, 60, 8);
    let made = made
        .clone()
        .image(&image)
        .element(PIXEL_DATA, *b"OB", [7; 60]);
    let entry = |(at, when): (usize, &&str)| json!({"when": when, "remove": [at, 0, at + 1, 1]});
    let pixels: Vec<_> = conditions
        .iter()
        .enumerate()
        .map(entry)
        .collect();
    let pixels = read_back(&cleaned(made.instance(), &json!(pixels).to_string()).unwrap()).2;
    pixels
        .iter()
        .take(conditions.len())
        .map(|pixel| *pixel == 0)
        .collect()
}

#[test]
fn conditions_hold_as_they_do_in_flywheels_engine() {
    let full = Made::new(EXPLICIT)
        .element(0x0008_0005, *b"CS", "ISO_IR 100")
        .element(0x0008_0008, *b"CS", "ORIGINAL\\PRIMARY")
        .element(0x0008_0050, *b"SH", "")
        .element(0x0008_0060, *b"CS", "OT")
        .element(0x0008_1010, *b"SH", " St 1 ")
        .element(0x0010_0010, *b"PN", b"D\xF6e^Jane")
        .element(0x0018_0050, *b"DS", "1.50")
        .element(0x0018_1401, *b"LO", "it's\\b")
        .element(0x0020_0011, *b"IS", "")
        .element(0x0020_0013, *b"IS", "0 ");
    let hold = [
        "contains Modality ^ot$",
        "equals Modality oT",
        "notequals Modality CT",
        "contains ImageType 'primary'",
        "equals ImageType ['original', 'primary']",
        "contains AcquisitionDeviceProcessingCode \"it's\", 'b'",
        "present AccessionNumber",
        "empty AccessionNumber",
        "missing SeriesNumber",
        "empty SeriesNumber",
        "present 0x00200011",
        "empty InstanceNumber",
        "equals SliceThickness 1.50",
        "equals StationName st 1",
        "equals PatientName döe^jane",
        "equals Rows 1",
        "present PixelData",
        "notcontains PatientComments x",
        "contains Modality ct + equals Rows 2 || equals Columns 60",
        "# a remark\nequals Rows 1\n+ equals Columns 60\n",
        "contains StudyInstanceUID x || contains SOPInstanceUID ^1\\.2",
    ];
    assert_eq!(holding(&full, &hold), [true; 21]);
    let fail = [
        "equals ImageType ORIGINAL",
        "contains ImageType ^original",
        "contains PatientComments x",
        "missing AccessionNumber",
        "present SeriesNumber",
        "missing 0x00200011",
        "empty 0x00200011",
        "equals SliceThickness 1.5",
        "contains Modality ot + equals Rows 2",
        "equals Rows 1\nequals Columns 61",
        "empty Rows",
    ];
    assert_eq!(holding(&full, &fail), [false; 11]);
    assert_eq!(
        holding(
            &Made::new(EXPLICIT),
            &["missing Modality", "empty Modality", "notequals Modality x"]
        ),
        [true, false, true]
    );
}

#[test]
fn a_condition_that_cannot_be_decided_fails_the_file() {
    let made = Made::new(EXPLICIT)
        .element(0x0008_0060, *b"OB", "CT")
        .image(&gray(1, 2, 8))
        .element(PIXEL_DATA, *b"OB", [7; 2]);
    assert!(
        failure(&made, "[{when: equals Modality CT, remove: [0, 0, 2, 1]}]")
            .contains("`pixels[0]`")
    );
}

proptest! {
    /// A file that is blanked while it is read equals one that is blanked in memory.
    #[test]
    fn streaming_gives_what_painting_gives(
        (rows, columns, frames) in (1_u16..9, 1_u16..9, 1_u32..4),
        samples in prop_oneof![Just(1_u16), Just(3)],
        planes in any::<bool>(),
        bits in prop_oneof![Just(8_u16), Just(16), Just(32)],
        drawn in proptest::collection::vec((any::<bool>(), 0_usize..9, 0_usize..9, 1_usize..9, 1_usize..9), 1..4),
    ) {
        let image = Image { frames, samples, planes: planes && samples == 3, ..gray(rows, columns, bits) };
        let image = Image { photometric: if samples == 3 { "RGB" } else { "MONOCHROME1" }.to_owned(), ..image };
        let length = (image.total_len() as usize).next_multiple_of(2);
        let mut values: Vec<u8> = (0..image.total_len() as usize).map(|at| at as u8 | 1).collect();
        values.resize(length, 0);
        let regions = drawn.iter().map(|(keep, x, y, w, h)| {
            format!("{{when: present Rows, {}: [{x}, {y}, {}, {}]}}", if *keep { "keep" } else { "remove" }, x + w, y + h)
        });
        let pixels = format!("[{}]", regions.collect::<Vec<_>>().join(", "));
        let mut naive = values.clone();
        let width = usize::from(bits / 8);
        for (at, byte) in naive.iter_mut().enumerate().take(image.total_len() as usize) {
            let sample = at / width;
            let pixel = if image.planes { sample } else { sample / usize::from(samples) };
            let (row, column) = (pixel / usize::from(columns) % usize::from(rows), pixel % usize::from(columns));
            let over = |x, y, w, h| (x..x + w).contains(&column) && (y..y + h).contains(&row);
            for (keep, ..) in drawn.iter().filter(|(_, x, y, w, h)| over(*x, *y, *w, *h)) {
                *byte = if *keep { values[at] } else { 0 };
            }
        }
        let made = Made::new(EXPLICIT).image(&image).element(PIXEL_DATA, *b"OW", &values);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, &made.0).unwrap();
        let on_disk = read(Source::File(Arc::new(SourceFile::new(&path).unwrap())), &Limits::default()).unwrap();
        for instance in [made.instance(), on_disk] {
            prop_assert_eq!(&read_back(&cleaned(instance, &pixels).unwrap()).2, &naive);
        }
    }
}
