//! Images that may show text: refused unless the profile speaks of them, blanked by device, and
//! with no comment left inside their frames.

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{Dicom, Person};
use crate::run::Place;

/// The device's banner is the upper quarter of images of 32 by 32 pixels.
const PROFILE: &str = r#"name = "ultrasound"

[dicom]
residual = { on-leak = "warn" }
fields = [
  { name = "PatientID", hash = true },
  { name = "PatientName", remove = true },
]

[dicom.pixels]
burned-in = "refuse"

[[dicom.pixels.regions]]
when = { Modality = "US", Manufacturer = "ACME", Rows = 32, Columns = 32 }
blank = [[0, 0, 32, 8]]

[[dicom.pixels.regions]]
when = { Modality = "US", Manufacturer = "QUIET" }
blank = []
"#;
const BURNED_IN: &[u8] = b"BURNED-IN-CANARY";
const ANATOMY: &[u8] = b"ANATOMY-IS-KEPT!";
const FRAMES: usize = 3;

fn number(tag: dicom_core::Tag, value: u16) -> DataElement<dicom_object::InMemDicomObject> {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

/// Several frames of 32 by 32 pixels in red, green and blue, each with a mark in the banner and one
/// below.
fn frames() -> Vec<u8> {
    let mut frame = vec![3; 32 * 32 * 3];
    frame[96 * 3 + 10..][..16].copy_from_slice(BURNED_IN);
    frame[96 * 20 + 10..][..16].copy_from_slice(ANATOMY);
    frame.repeat(FRAMES)
}

fn ultrasound(person: &Person, instance: u32) -> Dicom {
    Dicom::ct(person, instance)
        .text(
            tags::SOP_CLASS_UID,
            VR::UI,
            uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
        )
        .text(tags::MODALITY, VR::CS, "US")
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB")
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string())
        .element(number(tags::SAMPLES_PER_PIXEL, 3))
        .element(number(tags::PLANAR_CONFIGURATION, 0))
        .element(number(tags::BITS_ALLOCATED, 8))
        .element(number(tags::BITS_STORED, 8))
        .element(number(tags::HIGH_BIT, 7))
        .raw(tags::PIXEL_DATA, VR::OB, frames())
}

/// A frame in RLE: its planes packed as literal runs.
pub fn rle_frame(planes: &[Vec<u8>]) -> Vec<u8> {
    let packed: Vec<Vec<u8>> = planes
        .iter()
        .map(|plane| {
            plane
                .chunks(128)
                .flat_map(|run| [&[u8::try_from(run.len() - 1).unwrap()], run].concat())
                .collect()
        })
        .collect();
    let mut header = vec![u32::try_from(planes.len()).unwrap()];
    let mut start = 64;
    for plane in &packed {
        header.push(start);
        start += u32::try_from(plane.len()).unwrap();
    }
    header.resize(16, 0);
    let header: Vec<u8> = header
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    [header, packed.concat()].concat()
}

fn rle() -> Dicom {
    let plane = |frame: &[u8], colour: usize| -> Vec<u8> {
        frame
            .iter()
            .skip(colour)
            .step_by(3)
            .copied()
            .collect()
    };
    let fragments: Vec<Vec<u8>> = frames()
        .chunks(32 * 32 * 3)
        .map(|frame| rle_frame(&[0, 1, 2].map(|colour| plane(frame, colour))))
        .collect();
    let fragments = PixelFragmentSequence::new_fragments(fragments);
    ultrasound(&Person::plain(), 2)
        .syntax(uids::RLE_LOSSLESS)
        .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments))
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, what).count()
}

#[test]
fn the_banner_of_a_known_device_is_gone_in_every_frame() {
    let native = ultrasound(&Person::plain(), 1).bytes();
    assert_eq!(count(&native, BURNED_IN), FRAMES);
    for (name, file) in [("native.dcm", native), ("rle.dcm", rle().bytes())] {
        let place = Place::with([(name, &file[..]), ("us.toml", PROFILE.as_bytes())]);
        place
            .run(&format!(
                "{name} -p demo/phantom --profile us.toml --offline --output out"
            ))
            .exits(0);
        let written = place.tree("out");
        let sent = written
            .iter()
            .map(|(_, bytes)| bytes)
            .max_by_key(|bytes| bytes.len())
            .unwrap();
        assert_eq!(
            (count(sent, BURNED_IN), count(sent, ANATOMY)),
            (0, FRAMES),
            "{name}"
        );
        assert_eq!(count(sent, &[0; 96 * 8]), FRAMES, "{name}");
    }
}

#[test]
fn a_device_that_the_profile_does_not_know_is_not_sent() {
    let known = ultrasound(&Person::plain(), 1);
    let quiet = ultrasound(&Person::plain(), 2).text(tags::MANUFACTURER, VR::LO, "Quiet");
    let other = ultrasound(&Person::plain(), 3).text(tags::MANUFACTURER, VR::LO, "Other");
    let larger = ultrasound(&Person::plain(), 4)
        .element(number(tags::ROWS, 16))
        .element(number(tags::COLUMNS, 64));
    let said = Dicom::ct(&Person::plain(), 5).text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    let report = Dicom::sr(&Person::plain()).text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    let place = Place::with([
        ("study/known.dcm", &known.bytes()[..]),
        ("study/quiet.dcm", &quiet.bytes()),
        ("study/other.dcm", &other.bytes()),
        ("study/larger.dcm", &larger.bytes()),
        ("study/said.dcm", &said.bytes()),
        ("study/report.dcm", &report.bytes()),
        ("study/ct.dcm", &Dicom::ct(&Person::plain(), 6).bytes()),
        ("us.toml", PROFILE.as_bytes()),
    ]);
    let ran = place
        .run("study -p demo/phantom --profile us.toml --offline --output out")
        .exits(3);
    let expected = ["larger.dcm", "other.dcm", "said.dcm"]
        .map(|name| (name.to_owned(), "deid.burned-in".to_owned()));
    assert_eq!(ran.failures(), expected);
    ran.says("of the kind `ultrasound`")
        .says("of the kind `burned-in-yes`")
        .says("[[dicom.pixels.regions]]");
    ran.does_not_say("Manufacturer=Other")
        .does_not_say("\"Other\"");
}

#[test]
fn what_the_profile_keeps_goes_as_it_is() {
    let profile = PROFILE.replace("\"refuse\"", "\"keep\"");
    let other = ultrasound(&Person::plain(), 3).text(tags::MANUFACTURER, VR::LO, "Other");
    let place = Place::with([
        ("other.dcm", &other.bytes()[..]),
        ("us.toml", profile.as_bytes()),
    ]);
    place
        .run("other.dcm -p demo/phantom --profile us.toml --offline --output out")
        .exits(0);
    assert!(
        place
            .tree("out")
            .iter()
            .any(|(_, bytes)| count(bytes, BURNED_IN) == FRAMES)
    );
}

#[test]
fn two_corners_in_the_place_of_a_size_stop_the_run() {
    let profile = PROFILE.replace("[[0, 0, 32, 8]]", "[[0, 24, 32, 32]]");
    let place = Place::with([
        ("a.dcm", &ultrasound(&Person::plain(), 1).bytes()[..]),
        ("us.toml", profile.as_bytes()),
    ]);
    let ran = place
        .run("a.dcm -p demo/phantom --profile us.toml --offline --output out")
        .exits(5);
    ran.says("us.toml:15:10")
        .says("beyond the rows that `when` states")
        .says("[x, y, width, height]");
}

/// A JPEG image that is not to be decoded, with a comment in front of its scan.
fn jpeg(comment: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| {
        u16::try_from(bytes.len() + 2)
            .unwrap()
            .to_be_bytes()
    };
    let mut image = [&[0xFF, 0xD8, 0xFF, 0xFE], &length(comment)[..], comment].concat();
    image.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xFF, 0x00, 0x34]);
    image.extend(ANATOMY);
    image.extend([0xFF, 0xD9]);
    image.resize(image.len().next_multiple_of(2), 0);
    image
}

#[test]
fn a_comment_inside_a_compressed_frame_does_not_leave_the_machine() {
    let images = [jpeg(b"CANARY-Quillfeather"), jpeg(b"scanned for CANARY")];
    let fragments = PixelFragmentSequence::new_fragments(images.to_vec());
    let file = Dicom::ct(&Person::plain(), 1)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "2")
        .syntax(uids::JPEG_BASELINE8_BIT)
        .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
    let profile = "name = \"p\"\n[dicom.confidentiality]\nprofile = \"basic\"\n";
    let place = Place::with([("a.dcm", &file.bytes()[..]), ("p.toml", profile.as_bytes())]);
    let run = place.run("a.dcm -p demo/phantom --profile p.toml --offline --output out");
    run.env("FWUPLOAD_PSEUDONYM_KEY", format!("01{}", "5d".repeat(31)))
        .exits(0);
    let written = place.tree("out");
    let sent = written
        .iter()
        .map(|(_, bytes)| bytes)
        .max_by_key(|bytes| bytes.len())
        .unwrap();
    let frames = memchr::memmem::find(sent, &[0xFF, 0xD8, 0xFF, 0xFE]).unwrap();
    assert!(crate::fixture::found_in(&sent[frames..]).is_empty());
    assert_eq!(count(sent, ANATOMY), 2);
    let emptied = [jpeg(&[0; 19]), jpeg(&[0; 18])];
    assert!(
        emptied
            .iter()
            .all(|image| count(sent, image) == 1)
    );
}
