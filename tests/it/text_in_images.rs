//! Text that stands in the picture itself, in block letters that the tests draw: found, blanked and
//! looked for again, or the file stays.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{Dicom, Person};
use crate::run::Place;

pub const COLUMNS: u16 = 320;
pub const ROWS: u16 = 240;
/// Where the banner stands: first column and row, and those behind the last.
pub const BANNER: [usize; 4] = [40, 30, 40 + 8 * 18, 30 + 21];
pub const FRAMES: usize = 4;

/// Letters of 5 by 7 dots: those of SMITH JO.
const LETTERS: [[&str; 7]; 8] = [
    [
        ".####", "#....", "#....", ".###.", "....#", "....#", "####.",
    ],
    [
        "#...#", "##.##", "#.#.#", "#.#.#", "#...#", "#...#", "#...#",
    ],
    [
        ".###.", "..#..", "..#..", "..#..", "..#..", "..#..", ".###.",
    ],
    [
        "#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#..",
    ],
    [
        "#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#",
    ],
    [
        ".....", ".....", ".....", ".....", ".....", ".....", ".....",
    ],
    [
        "....#", "....#", "....#", "....#", "....#", "#...#", ".###.",
    ],
    [
        ".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###.",
    ],
];

/// A dark picture with a soft bright spot, which moves from frame to frame.
pub fn ground(frame: usize) -> Vec<u8> {
    let (middle, line) = (120 + 20 * frame, 150);
    (0..usize::from(ROWS))
        .flat_map(|y| (0..usize::from(COLUMNS)).map(move |x| (x, y)))
        .map(|(x, y)| {
            let far = x.abs_diff(middle).pow(2) + y.abs_diff(line).pow(2);
            u8::try_from(
                70_usize
                    .saturating_sub(far / 100)
                    .max(8),
            )
            .unwrap()
        })
        .collect()
}

/// The same with the banner.
pub fn with_banner(frame: usize) -> Vec<u8> {
    let mut picture = ground(frame);
    for (number, letter) in LETTERS.iter().enumerate() {
        for (row, dots) in letter.iter().enumerate() {
            for (column, dot) in dots
                .bytes()
                .enumerate()
                .filter(|(_, dot)| *dot == b'#')
            {
                assert_eq!(dot, b'#');
                for y in 0..3 {
                    let at = (BANNER[1] + row * 3 + y) * usize::from(COLUMNS)
                        + BANNER[0]
                        + number * 18
                        + column * 3;
                    picture[at..at + 3].fill(230);
                }
            }
        }
    }
    picture
}

pub fn number(tag: dicom_core::Tag, value: u16) -> DataElement<dicom_object::InMemDicomObject> {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

pub fn image(class: &str, modality: &str, number_of: u32, pixels: Vec<u8>) -> Dicom {
    Dicom::image(&Person::plain(), class, modality, 1, number_of, 32)
        .element(number(tags::ROWS, ROWS))
        .element(number(tags::COLUMNS, COLUMNS))
        .element(number(tags::BITS_ALLOCATED, 8))
        .element(number(tags::BITS_STORED, 8))
        .element(number(tags::HIGH_BIT, 7))
        .raw(tags::PIXEL_DATA, VR::OB, pixels)
}

/// An ultrasound clip whose banner stands in every frame.
pub fn clip() -> Dicom {
    let frames: Vec<u8> = (0..FRAMES)
        .flat_map(with_banner)
        .collect();
    image(uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE, "US", 1, frames)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string())
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO")
        .text(tags::MANUFACTURER, VR::LO, "ACME")
}

/// `basic` with further lines in its section for pixels.
pub fn basic_with(lines: &str) -> String {
    let basic =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/basic.toml"));
    format!("{}\n{lines}\n", basic.unwrap())
}

/// The instances that were written.
pub fn written(place: &Place) -> Vec<dicom_object::InMemDicomObject> {
    place
        .tree("out")
        .into_iter()
        .filter(|(_, bytes)| crate::archive::is_zip(bytes))
        .flat_map(|(_, zip)| crate::archive::members(&zip))
        .map(|(_, bytes)| {
            dicom_object::from_reader(&bytes[..])
                .unwrap()
                .into_inner()
        })
        .collect()
}

pub fn pixels(object: &dicom_object::InMemDicomObject) -> Vec<u8> {
    object
        .element(tags::PIXEL_DATA)
        .unwrap()
        .to_bytes()
        .unwrap()
        .into_owned()
}

/// How many pixels of the banner are not blanked, and how many that lie more than 12 pixels from it
/// are not as they were, but for some levels.
pub fn compare(sent: &[u8], original: &[u8], levels: u8) -> (usize, usize) {
    let [left, top, right, bottom] = BANNER;
    let (mut ink, mut changed) = (0, 0);
    for (at, (sent, original)) in sent
        .iter()
        .zip(original)
        .enumerate()
    {
        let (x, y) = (at % usize::from(COLUMNS), at / usize::from(COLUMNS));
        let near = x + 12 >= left && x < right + 12 && y + 12 >= top && y < bottom + 12;
        ink += usize::from(*original == 230 && *sent != 0);
        changed += usize::from(!near && sent.abs_diff(*original) > levels);
    }
    (ink, changed)
}

#[test]
fn a_banner_of_an_ultrasound_is_blanked_in_every_frame_and_nothing_else() {
    let place = Place::with([("us.dcm", clip().bytes())]);
    let ran = place
        .run("us.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(0);
    ran.says("Text blanked in 1 of 1 image");
    let files = written(&place);
    let [sent] = &files[..] else {
        panic!("one file is written")
    };
    let bytes = pixels(sent);
    for frame in 0..FRAMES {
        let length = usize::from(ROWS) * usize::from(COLUMNS);
        let now = &bytes[frame * length..][..length];
        assert_eq!(
            compare(now, &with_banner(frame), 0),
            (0, 0),
            "frame {frame}"
        );
    }
    let text = |tag| {
        sent.element(tag)
            .unwrap()
            .to_str()
            .unwrap()
            .into_owned()
    };
    assert_eq!(text(tags::BURNED_IN_ANNOTATION), "NO");
    let codes = sent
        .element(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        .unwrap()
        .items()
        .unwrap()
        .iter()
        .map(|item| {
            item.element(tags::CODE_VALUE)
                .unwrap()
                .to_str()
                .unwrap()
                .into_owned()
        })
        .collect::<Vec<_>>();
    assert!(
        codes
            .iter()
            .any(|code| code.trim() == "113101"),
        "{codes:?}"
    );
}

#[test]
fn frames_that_are_changed_can_be_looked_at_before_anything_is_sent() {
    let place = Place::with([("us.dcm", clip().bytes())]);
    place
        .run("us.dcm -p demo/phantom --profile basic --offline --dry-run --pictures seen")
        .exits(0)
        .says("warning[pictures]");
    let pictures: Vec<String> = place
        .tree("seen")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for which in ["before.png", "after.png"] {
        let count = pictures
            .iter()
            .filter(|name| name.ends_with(which))
            .count();
        assert_eq!(count, FRAMES, "{pictures:?}");
    }
}

#[test]
fn text_in_slices_fails_them_and_is_blanked_where_the_profile_says_so() {
    let slices: Vec<(String, Vec<u8>)> = (1..=4)
        .map(|at| {
            let slice = image(uids::CT_IMAGE_STORAGE, "CT", at, with_banner(at as usize));
            (format!("ct/{at}.dcm"), slice.bytes())
        })
        .collect();
    let place = Place::with(slices);
    let ran = place
        .run("ct -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    let expected: Vec<(String, String)> = (1..=4)
        .map(|at| (format!("{at}.dcm"), "deid.text-found".to_owned()))
        .collect();
    assert_eq!(ran.failures(), expected);
    assert!(written(&place).is_empty());

    place.file("blanks.toml", basic_with("blank-finds = true"));
    place
        .run("ct -p demo/phantom --profile blanks.toml --offline --output out")
        .exits(0)
        .says("Text blanked in 4 of 4 images");
    let files = written(&place);
    assert_eq!(files.len(), 4);
    for sent in files {
        assert!(!pixels(&sent).contains(&230));
    }
}

#[test]
fn a_screen_in_which_nothing_is_found_is_not_sent() {
    let screen = image(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, "OT", 1, ground(0)).text(
        tags::BURNED_IN_ANNOTATION,
        VR::CS,
        "YES",
    );
    let place = Place::with([("screen.dcm", screen.bytes())]);
    let ran = place
        .run("screen.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    assert_eq!(
        ran.failures(),
        [("screen.dcm".to_owned(), "deid.burned-in".to_owned())]
    );
    ran.says("which is no proof");
}

#[test]
fn an_ultrasound_in_which_nothing_is_found_goes_and_is_told() {
    let clip = image(uids::ULTRASOUND_IMAGE_STORAGE, "US", 1, ground(1));
    let place = Place::with([("us.dcm", clip.bytes())]);
    place
        .run("us.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(0)
        .says("notice[no-text-found]");
    let files = written(&place);
    assert_eq!(pixels(&files[0]), ground(1));
    assert!(
        files[0]
            .element_opt(tags::BURNED_IN_ANNOTATION)
            .unwrap()
            .is_none()
    );
}

#[test]
fn regions_are_proposed_for_each_device() {
    let place = Place::with([("study/us.dcm", clip().bytes())]);
    let ran = place
        .run("profile regions study")
        .exits(0);
    let proposal = &ran.stdout;
    assert!(
        proposal.contains("when = { Modality = \"US\", Manufacturer = \"ACME\""),
        "{proposal}"
    );
    // What is proposed is a profile's entry, and blanks the banner.
    place.file(
        "us.toml",
        format!("name = \"us\"\n[dicom.confidentiality]\nprofile = \"basic\"\n{proposal}"),
    );
    place
        .run("study -p demo/phantom --profile us.toml --offline --output out")
        .exits(0);
    let files = written(&place);
    assert!(!pixels(&files[0]).contains(&230));
}
