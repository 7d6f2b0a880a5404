//! Text in images: what the profile blanks is gone from what is sent, and what cannot be blanked is
//! not sent.

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};

use crate::archive::only;
use crate::burned_in::rle_frame;
use crate::fixture::{Dicom, Person};
use crate::run::Place;
use crate::server::Site;

/// The upper quarter of images of 32 by 32 pixels is blanked.
const PROFILE: &str = "name: banner
dicom:
  residual: {on-leak: warn}
  fields:
    - {name: PatientID, hash: true}
    - {name: PatientName, remove: true}
  alter_pixels:
    pixels:
      - {when: \"equals Modality CT + contains ImageType 'ORIGINAL'\", remove: [0, 0, 32, 8]}
      - {when: equals Modality MR, remove: [0, 0, 9999, 9999]}
";
const BURNED_IN: &[u8] = b"BURNED-IN-CANARY";
const ANATOMY: &[u8] = b"ANATOMY-IS-KEPT!";

/// Pixels of 16 bits, 32 by 32, with a mark in the blanked part and one below.
fn pixels() -> Vec<u8> {
    let mut bytes = vec![3; 32 * 32 * 2];
    bytes[64 * 3 + 10..][..16].copy_from_slice(BURNED_IN);
    bytes[64 * 20 + 10..][..16].copy_from_slice(ANATOMY);
    bytes
}

fn native() -> Dicom {
    Dicom::ct(&Person::plain(), 1).raw(tags::PIXEL_DATA, VR::OW, pixels())
}

fn encapsulated(syntax: &'static str, fragment: Vec<u8>) -> Dicom {
    let fragments = PixelFragmentSequence::new_fragments(vec![fragment]);
    Dicom::ct(&Person::plain(), 1)
        .syntax(syntax)
        .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments))
}

/// Bytes of high and low significance in segments of their own.
fn rle() -> Dicom {
    let plane = |from: usize| -> Vec<u8> {
        pixels()
            .into_iter()
            .skip(from)
            .step_by(2)
            .collect()
    };
    encapsulated(uids::RLE_LOSSLESS, rle_frame(&[plane(1), plane(0)]))
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes
        .windows(what.len())
        .any(|window| window == what)
}

fn every_second(what: &[u8]) -> Vec<u8> {
    what.iter()
        .copied()
        .step_by(2)
        .collect()
}

#[test]
fn text_in_the_blanked_part_is_gone_from_what_is_sent() {
    for (name, file) in [("native.dcm", native()), ("rle.dcm", rle())] {
        let bytes = file.bytes();
        assert!(holds(&bytes, BURNED_IN) || holds(&bytes, &every_second(BURNED_IN)));
        let place = Place::with([(name, &bytes[..]), ("banner.yaml", PROFILE.as_bytes())]);
        let site = Site::start();
        place
            .run(&format!("{name} -p demo/phantom --profile banner.yaml"))
            .at(&site)
            .exits(0);
        let uploaded = site.uploaded();
        let [(_, sent)] = &uploaded[..] else {
            panic!("one file was sent, not {}", uploaded.len())
        };
        let sent = &only(sent);
        let sent_again: Vec<u8> = site
            .requests()
            .iter()
            .flat_map(crate::server::Request::everything)
            .collect();
        for everything in [sent, &sent_again] {
            assert!(
                !holds(everything, BURNED_IN) && !holds(everything, &every_second(BURNED_IN)),
                "{name}"
            );
        }
        assert!(holds(sent, ANATOMY), "{name}");
        assert!(holds(sent, &[0; 64 * 8]), "{name}");
        assert!(
            holds(sent, b"1.2.840.10008.1.2.1\0"),
            "{name}: the transfer syntax says what is there"
        );
    }
}

#[test]
fn packed_with_others_the_blanked_bytes_have_the_right_checksum() {
    let second = Dicom::ct(&Person::plain(), 2)
        .raw(tags::PIXEL_DATA, VR::OW, pixels())
        .bytes();
    let place = Place::with([
        ("in/1.dcm", &rle().bytes()[..]),
        ("in/2.dcm", &second),
        ("banner.yaml", PROFILE.as_bytes()),
    ]);
    place
        .run("in -p demo/phantom --profile banner.yaml --offline --output out")
        .exits(0);
    let tree = place.tree("out");
    let (_, zip) = tree
        .iter()
        .find(|(_, bytes)| crate::archive::is_zip(bytes))
        .expect("one package");
    let members = crate::archive::members(zip);
    assert_eq!(members.len(), 2);
    for (name, bytes) in members {
        assert!(
            !holds(&bytes, BURNED_IN) && holds(&bytes, ANATOMY),
            "{name}"
        );
    }
}

#[test]
fn an_image_without_a_decoder_is_not_sent() {
    let jpeg_ls = encapsulated(uids::JPEGLS_LOSSLESS, b"not to be decoded here".to_vec());
    let cut = encapsulated(uids::RLE_LOSSLESS, vec![1; 80]);
    let place = Place::with([
        ("study/ls.dcm", &jpeg_ls.bytes()[..]),
        (
            "study/cut.dcm",
            &cut.text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4")
                .bytes(),
        ),
        (
            "study/mr.dcm",
            &Dicom::mr(&Person::plain())
                .without(tags::ROWS)
                .bytes(),
        ),
        ("study/report.dcm", &Dicom::sr(&Person::plain()).bytes()),
        ("banner.yaml", PROFILE.as_bytes()),
    ]);
    let site = Site::start();
    let ran = place
        .run("study -p demo/phantom --profile banner.yaml")
        .at(&site)
        .exits(3);
    let expected =
        ["cut.dcm", "ls.dcm", "mr.dcm"].map(|name| (name.to_owned(), "deid.pixels".to_owned()));
    assert_eq!(ran.failures(), expected);
    ran.says("there is no decoder for the transfer syntax 1.2.840.10008.1.2.4.80");
    assert_eq!(
        site.uploaded().len(),
        1,
        "the report has no pixels to blank"
    );
}

#[test]
fn a_profile_that_can_be_carried_out_only_in_part_stops_the_run() {
    let profile = PROFILE.replace("    pixels:", "    detect: [dicom]\n    pixels:");
    let place = Place::with([
        ("a.dcm", &native().bytes()[..]),
        ("banner.yaml", profile.as_bytes()),
    ]);
    let ran = place
        .run("a.dcm -p demo/phantom --profile banner.yaml --offline --output out")
        .exits(5);
    ran.says("banner.yaml:8:13: `detect` names recipe files");
    assert!(place.tree("out").is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_larger_than_the_memory_is_blanked_while_it_is_sent() {
    use std::os::unix::fs::FileExt;

    const SIDE: u32 = 4096;
    const FRAME: u64 = SIDE as u64 * SIDE as u64 * 2;
    const FRAMES: u64 = 10;
    let number = |tag, value: u32| {
        DataElement::new(
            tag,
            VR::US,
            PrimitiveValue::from(u16::try_from(value).unwrap()),
        )
    };
    let header = Dicom::ct(&Person::plain(), 1)
        .without(tags::PIXEL_DATA)
        .element(number(tags::ROWS, SIDE))
        .element(number(tags::COLUMNS, SIDE))
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string());
    let length = u32::try_from(FRAME * FRAMES).unwrap();
    let header = [
        &header.bytes()[..],
        &[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0],
        &length.to_le_bytes(),
    ]
    .concat();
    let place = Place::with([
        ("big.dcm", &header[..]),
        ("banner.yaml", PROFILE.as_bytes()),
    ]);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(place.path("big.dcm"))
        .unwrap();
    file.set_len(header.len() as u64 + FRAME * FRAMES)
        .unwrap();
    let row = u64::from(SIDE) * 2;
    for frame in 0..FRAMES {
        file.write_all_at(BURNED_IN, header.len() as u64 + frame * FRAME + 5 * row)
            .unwrap();
        file.write_all_at(ANATOMY, header.len() as u64 + frame * FRAME + 500 * row)
            .unwrap();
    }
    let ran = place
        .run("big.dcm -p demo/phantom --profile banner.yaml --sandbox box")
        .exits(0);
    let peak = ran.peak_kib.expect("Linux tells");
    assert!(peak < 200 << 10, "it held {} MiB", peak >> 10);
    let kept = place
        .tree("box")
        .into_iter()
        .find(|(_, bytes)| bytes.len() as u64 > FRAME * FRAMES);
    let (_, bytes) = kept.expect("it arrived whole");
    let found = |what: &[u8]| memchr::memmem::find_iter(&bytes, what).count() as u64;
    assert_eq!((found(BURNED_IN), found(ANATOMY)), (0, FRAMES));
}

const OFFLINE: &str = "in.dcm -p demo/phantom --offline --output out";
/// What may be done with a file, from cleaning it whole to sending it as it is.
const WAYS: [&str; 4] = [
    "--profile basic",
    "--profile strict",
    "--profile flywheel-minimal --residual warn",
    "--no-deid -y",
];

/// The code with which a file fails, whatever is done with it.
fn refused_always(file: &[u8]) -> String {
    let codes = WAYS.map(|way| {
        let place = Place::with([("in.dcm", file)]);
        let ran = place
            .run(&format!("{OFFLINE} {way} --subject s --session t"))
            .exits(9);
        assert!(place.tree("out").is_empty(), "{way}");
        ran.failures()[0].1.clone()
    });
    assert!(
        codes
            .iter()
            .all(|code| *code == codes[0]),
        "{codes:?}"
    );
    codes[0].clone()
}

/// The one file that is written.
fn written(file: &[u8], way: &str) -> Vec<u8> {
    let place = Place::with([("in.dcm", file)]);
    place
        .run(&format!("{OFFLINE} {way} --subject s --session t"))
        .exits(0);
    place
        .tree("out")
        .into_iter()
        .next()
        .expect("one file")
        .1
}

/// A second file meta group behind the one that the group length speaks of.
fn with_second_meta(file: &[u8], syntax: &str) -> Vec<u8> {
    let data = crate::fixture::data_set(file);
    let value = format!("{syntax}{}", if syntax.len() % 2 == 1 { "\0" } else { "" });
    let element = [
        b"\x02\x00\x10\x00UI".as_slice(),
        &u16::try_from(value.len())
            .unwrap()
            .to_le_bytes(),
        value.as_bytes(),
    ]
    .concat();
    let length = u32::try_from(element.len())
        .unwrap()
        .to_le_bytes();
    [
        &file[..file.len() - data.len()],
        b"\x02\x00\x00\x00UL\x04\x00",
        &length,
        &element,
        data,
    ]
    .concat()
}

#[test]
fn of_two_transfer_syntaxes_the_first_counts() {
    for (file, first, second) in [
        (
            rle().bytes(),
            uids::RLE_LOSSLESS,
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
        ),
        (rle().bytes(), uids::RLE_LOSSLESS, uids::MPEG2MPML),
        (
            native().bytes(),
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
            uids::RLE_LOSSLESS,
        ),
    ] {
        let twice = with_second_meta(&file, second);
        for way in WAYS {
            let sent = dicom_object::from_reader(&only(&written(&twice, way))[..]).unwrap();
            assert_eq!(
                sent.meta()
                    .transfer_syntax
                    .trim_end_matches('\0'),
                first,
                "{way}"
            );
        }
    }
}

#[test]
fn pixel_data_of_another_kind_than_the_label_says_is_not_sent() {
    let fragments = |syntax| {
        let fragments =
            PixelFragmentSequence::new_fragments(vec![b"Quellhorst 030 5550199".repeat(9)]);
        Dicom::ct(&Person::plain(), 1)
            .syntax(syntax)
            .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments))
    };
    for file in [
        rle().syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN),
        fragments(uids::EXPLICIT_VR_LITTLE_ENDIAN),
        native().syntax(uids::MPEG2MPML),
        fragments(uids::MPEG2MPML),
    ] {
        assert_eq!(refused_always(&file.bytes()), "read.mislabelled");
    }
    // Where comments are looked for, a frame that is none is met before that.
    for syntax in [
        uids::RLE_LOSSLESS,
        uids::JPEG_BASELINE8_BIT,
        uids::JPEGLS_LOSSLESS,
        uids::JPEG2000_LOSSLESS,
    ] {
        let place = Place::with([("in.dcm", fragments(syntax).bytes())]);
        for (way, code) in [
            ("--profile basic", "deid.pixels"),
            ("--no-deid -y", "read.mislabelled"),
        ] {
            let ran = place
                .run(&format!("{OFFLINE} {way} --subject s --session t"))
                .exits(9);
            assert_eq!(ran.failures()[0].1, code, "{syntax} {way}");
        }
    }
    let short = native().raw(tags::PIXEL_DATA, VR::OW, vec![7; 1000]);
    assert_eq!(refused_always(&short.bytes()), "read.mislabelled");
}

#[test]
fn a_uid_of_more_than_64_characters_is_not_written() {
    let long = format!("2.25.{}", "4711.".repeat(12)) + "12";
    for tag in [
        tags::SOP_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::FRAME_OF_REFERENCE_UID,
        tags::SOP_CLASS_UID,
    ] {
        let file = native()
            .text(tag, VR::UI, &long)
            .bytes();
        for way in ["--profile flywheel-minimal --residual warn", "--no-deid -y"] {
            let place = Place::with([("in.dcm", &file)]);
            let ran = place
                .run(&format!("{OFFLINE} {way} --subject s --session t"))
                .exits(9);
            assert_eq!(ran.failures()[0].1, "deid.uid-too-long", "{tag} {way}");
        }
    }
    let whole = native()
        .text(tags::SOP_INSTANCE_UID, VR::UI, &long[..64])
        .bytes();
    assert!(holds(
        &written(&whole, "--no-deid -y"),
        &long.as_bytes()[..64]
    ));
    let without = native()
        .without(tags::SOP_CLASS_UID)
        .bytes();
    assert!(
        holds(
            &written(&without, "--no-deid -y"),
            uids::CT_IMAGE_STORAGE.as_bytes()
        ),
        "the meta says it too"
    );
}

#[test]
fn a_file_whose_image_is_a_url_is_not_sent_without_it() {
    for syntax in [uids::JPIP_REFERENCED, uids::EXPLICIT_VR_LITTLE_ENDIAN] {
        let url = "https://pacs.example/jpip?target=CANARY";
        let file = native()
            .without(tags::PIXEL_DATA)
            .text(tags::PIXEL_DATA_PROVIDER_URL, VR::UR, url)
            .syntax(syntax)
            .bytes();
        for profile in ["basic", "longitudinal", "strict"] {
            let place = Place::with([("in.dcm", &file)]);
            let ran = place
                .run(&format!("{OFFLINE} --profile {profile}"))
                .exits(9);
            assert_eq!(ran.failures()[0].1, "deid.pixels", "{profile}");
            ran.says("no pixel data in the file")
                .does_not_say("pacs.example");
        }
        assert!(holds(&written(&file, "--no-deid -y"), url.as_bytes()));
    }
}

#[test]
fn bytes_beside_the_image_are_not_sent_under_the_basic_profile() {
    let prose: &[u8] = b"Quellhorst 030 5550199  ";
    let longer = |file: Dicom, more: &[u8]| {
        file.raw(tags::PIXEL_DATA, VR::OW, [&pixels(), more].concat())
            .bytes()
    };
    for (more, way, goes) in [
        (prose, "--profile basic", true),
        (prose, "--profile strict", true),
        (prose, "--profile flywheel-minimal --residual warn", false),
    ] {
        let sent = written(&longer(native(), more), way);
        assert_eq!(!holds(&sent, b"Quellhorst"), goes, "{way}");
        assert!(holds(&sent, &pixels()), "{way}");
    }
    let place = Place::with([("in.dcm", longer(native(), &prose.repeat(100)))]);
    let ran = place
        .run(&format!("{OFFLINE} --profile basic"))
        .exits(9);
    assert_eq!(ran.failures()[0].1, "deid.pixels", "these may be frames");
    ran.says("more frames than Number of Frames");
}
