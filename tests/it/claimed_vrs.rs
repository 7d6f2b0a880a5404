//! What a file says that its elements are, and is not so: nothing passes under a wrong name, and
//! what is written can be read.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{Dicom, Person};
use crate::run::Place;

const SECRET: &[u8] = b"Quellhorst";
const CLEAN: &str = "study -p demo/phantom --offline --output out --package instance --profile";

/// A file with an element of this VR put into its bytes, which hold none of the tag's group yet.
fn with(tag: [u8; 4], vr: &str, value: &[u8]) -> Vec<u8> {
    let bytes = Dicom::ct(&Person::plain(), 1)
        .without(tags::REFERENCED_IMAGE_SEQUENCE)
        .bytes();
    let at = bytes
        .windows(6)
        .position(|w| w[..2] > tag[..2] && w == b"\x10\x00\x10\x00PN")
        .unwrap();
    let mut value = value.to_vec();
    value.resize(value.len().next_multiple_of(2), b' ');
    let length = u32::try_from(value.len())
        .unwrap()
        .to_le_bytes();
    let long = matches!(vr, "OB" | "OW" | "UT" | "UN" | "SQ");
    let head = [
        &tag[..],
        vr.as_bytes(),
        if long { &[0, 0] } else { &length[..2] },
        if long { &length } else { &[] },
    ]
    .concat();
    [&bytes[..at], &head, &value, &bytes[at..]].concat()
}

fn nested() -> Vec<u8> {
    let name = [b"\x10\x00\x10\x00PN\x0a\x00".as_slice(), SECRET].concat();
    [
        b"\xFE\xFF\x00\xE0".as_slice(),
        &u32::try_from(name.len())
            .unwrap()
            .to_le_bytes(),
        &name,
    ]
    .concat()
}

#[test]
fn items_and_words_under_a_wrong_vr_do_not_go_out_and_the_file_can_be_read() {
    let (images, sources) = ([0x08, 0x00, 0x40, 0x11], [0x08, 0x00, 0x12, 0x21]);
    let files = [
        ("lo.dcm", with(images, "LO", &nested())),
        ("ob.dcm", with(sources, "OB", &nested())),
        ("us.dcm", with(sources, "US", &nested())),
        ("ut.dcm", with(images, "UT", b"made for Anton Quellhorst")),
        (
            "number.dcm",
            with([0x08, 0x00, 0x61, 0x11], "UI", b"Quellhorst"),
        ),
        (
            "class.dcm",
            with(
                [0x08, 0x00, 0x1A, 0x00],
                "UI",
                b"1.2.840.10008.5.1.4.1.1.2\0Quellhorst",
            ),
        ),
        (
            "country.dcm",
            with([0x08, 0x00, 0x68, 0x00], "CS", b"for Anton Quellhorst"),
        ),
    ];
    for (number, (name, bytes)) in files.into_iter().enumerate() {
        for profile in ["basic", "strict", "longitudinal", "uids-and-dates-kept"] {
            let place = Place::with([(format!("study/{name}"), bytes.clone())]);
            place
                .run(&format!("{CLEAN} {profile}"))
                .exits(0);
            let out = place.tree("out");
            assert_eq!(out.len(), 1, "{number}");
            let found = out[0]
                .1
                .windows(SECRET.len())
                .any(|window| window.eq_ignore_ascii_case(SECRET));
            assert!(!found, "{name} under {profile}");
            let read = dicom_object::from_reader(&out[0].1[128..]).unwrap();
            assert_eq!(
                read.meta()
                    .media_storage_sop_class_uid(),
                uids::CT_IMAGE_STORAGE
            );
            assert!(
                read.element(tags::PIXEL_DATA)
                    .is_ok()
            );
        }
    }
}

#[test]
fn a_character_set_that_does_not_exist_and_an_image_without_its_colours_have_their_codes() {
    let person = Person::plain();
    let colours = Dicom::ct(&person, 1).text(
        tags::PHOTOMETRIC_INTERPRETATION,
        VR::CS,
        "as Quellhorst said",
    );
    let files = [
        ("colours.dcm", colours.bytes(), "deid.unreadable-value"),
        (
            "set.dcm",
            Dicom::ct(&person, 2)
                .text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "WARD 9")
                .bytes(),
            "deid.character-set",
        ),
    ];
    let place = Place::with(
        files
            .iter()
            .map(|(name, bytes, _)| (format!("study/{name}"), bytes)),
    );
    let ran = place
        .run(&format!("{CLEAN} basic"))
        .exits(9);
    let expected: Vec<(String, String)> = files
        .iter()
        .map(|(name, _, code)| (name.to_string(), code.to_string()))
        .collect();
    assert_eq!(ran.failures(), expected);
    ran.does_not_say("Quellhorst")
        .does_not_say("WARD 9");
}

#[test]
fn a_character_set_with_a_slip_is_written_without_it() {
    let file =
        Dicom::ct(&Person::plain(), 1).text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO IR 100");
    let place = Place::with([("study/slip.dcm", file.bytes())]);
    place
        .run(&format!("{CLEAN} basic"))
        .exits(0);
    let read = dicom_object::from_reader(&place.tree("out")[0].1[128..]).unwrap();
    assert_eq!(
        read.element(tags::SPECIFIC_CHARACTER_SET)
            .unwrap()
            .to_str()
            .unwrap(),
        "ISO_IR 100"
    );
}
