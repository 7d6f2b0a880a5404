//! Encrypted envelopes: what is encrypted leaves the machine in no other form, and comes back with
//! the key alone.

use std::path::Path;
use std::process::Command;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};

use crate::archive::{is_zip, members, only};
use crate::fixture::{Dicom, Person};
use crate::known_answers::{cleaned, item, refused, sent, text, yaml};
use crate::run::Place;
use crate::server::Site;

const KEY: &str = "secret-key: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";
const OTHER_KEY: &str =
    "secret-key: 'ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";
const ENCRYPTED_CONTENT: Tag = Tag(0x0400, 0x0520);

fn fixture(name: &str) -> String {
    format!(
        "{}/crates/dicom-deid/tests/envelope/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn certificates() -> [String; 3] {
    let public = format!("public-key: ['{}']", fixture("certificate.pem"));
    [
        "asymmetric-encryption: true".to_owned(),
        public,
        format!("private-key: '{}'", fixture("private-key.pem")),
    ]
}

/// A CT slice with two values that nothing else has.
fn marked_slice(number: u32) -> Dicom {
    Dicom::ct(&Person::plain(), number)
        .text(tags::PATIENT_NAME, VR::PN, "CANARYNAME^Jane")
        .text(tags::STUDY_ID, VR::SH, "CANARYSTUDY")
}

fn marked() -> Dicom {
    marked_slice(1)
}

/// Every occurrence of the two marks in bytes, and in the members of a zip.
fn marks(bytes: &[u8]) -> usize {
    let here = bytes
        .windows(11)
        .filter(|window| window.starts_with(b"CANARYNAME") || *window == b"CANARYSTUDY")
        .count();
    let inside = if is_zip(bytes) {
        members(bytes)
            .iter()
            .map(|(_, member)| marks(member))
            .sum()
    } else {
        0
    };
    here + inside
}

const ENCRYPT: [&str; 2] = [
    "name: PatientName, encrypt: true",
    "name: StudyID, encrypt: true",
];
const DECRYPT: [&str; 2] = [
    "name: PatientName, decrypt: true",
    "name: StudyID, decrypt: true",
];

#[test]
fn what_is_encrypted_or_retained_reaches_the_server_in_no_other_form() {
    let replaced = [
        "name: PatientName, replace-with: X",
        "name: StudyID, remove: true",
    ];
    for (options, fields) in [(vec![KEY], ENCRYPT), (vec![KEY, "retain: true"], replaced)] {
        for packaging in ["series", "instance"] {
            let place =
                Place::with((1..=2).map(|n| (format!("study/{n}.dcm"), marked_slice(n).bytes())));
            place.file("profile.yaml", yaml(&options, &fields));
            let site = Site::start();
            let ran = place.run(
                "study -p demo/phantom --profile profile.yaml --subject s --session t -vv --json",
            );
            let ran = ran
                .args(["--package", packaging])
                .at(&site)
                .exits(0);
            for request in site.requests() {
                assert_eq!(
                    marks(&request.everything()),
                    0,
                    "{} {}",
                    request.method,
                    request.target
                );
            }
            for (name, bytes) in site.uploaded() {
                assert_eq!(marks(&bytes), 0, "{name}");
            }
            ran.does_not_say("CANARYNAME")
                .does_not_say("CANARYSTUDY")
                .does_not_say("00112233445566");
        }
    }
    assert_eq!(
        marks(&marked().bytes()),
        2,
        "the search finds what was not encrypted"
    );
}

/// A file as it would be sent, to be taken in again.
fn again(bytes: &[u8], profile: &str) -> Place {
    Place::with([("in.dcm", bytes), ("profile.yaml", profile.as_bytes())])
}

const OFFLINE: &str =
    "in.dcm -p demo/phantom --offline --output out --profile profile.yaml --subject s --session t";

#[test]
fn the_key_brings_it_back_in_every_transfer_syntax() {
    let certificates = certificates();
    let pairs = certificates
        .each_ref()
        .map(String::as_str);
    for options in [&[KEY][..], &pairs] {
        for syntax in [
            uids::IMPLICIT_VR_LITTLE_ENDIAN,
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
            #[expect(deprecated)]
            uids::EXPLICIT_VR_BIG_ENDIAN,
        ] {
            let file = marked().syntax(syntax);
            let rows = [
                "name: PatientName, encrypt: true",
                "name: StudyID, encrypt: true",
                "name: SeriesNumber, encrypt: true",
            ];
            let hidden = sent(&yaml(options, &rows), &file);
            assert_eq!(marks(&hidden), 0);
            let back = [
                "name: PatientName, decrypt: true",
                "name: StudyID, decrypt: true",
                "name: SeriesNumber, decrypt: true",
            ];
            let place = again(&hidden, &yaml(options, &back));
            place.run(OFFLINE).exits(0);
            let restored = dicom_object::from_reader(&only(&place.tree("out")[0].1)[..]).unwrap();
            let original = dicom_object::from_reader(&file.bytes()[..]).unwrap();
            for tag in [tags::PATIENT_NAME, tags::STUDY_ID, tags::SERIES_NUMBER] {
                assert_eq!(text(&restored, tag), text(&original, tag), "{syntax}");
            }
        }
    }
}

/// Quirk Q9 of `profiles/README.md`.
#[test]
fn each_file_has_an_envelope_of_its_own() {
    let place = Place::with((1..=2).map(|n| {
        let file =
            Dicom::ct(&Person::plain(), n).text(tags::STUDY_ID, VR::SH, &format!("VALUE-{n}"));
        (format!("study/{n}.dcm"), file.bytes())
    }));
    place.file(
        "profile.yaml",
        yaml(&[KEY], &["name: StudyID, encrypt: true"]),
    );
    place.file("back.yaml", yaml(&[KEY], &["name: StudyID, decrypt: true"]));
    let usual = "-p demo/phantom --offline --package instance --subject s --session t";
    place
        .run(&format!(
            "study {usual} --output hidden --profile profile.yaml"
        ))
        .exits(0);
    place
        .run(&format!("hidden {usual} --output out --profile back.yaml"))
        .exits(0);
    let mut found: Vec<String> = Vec::new();
    for (_, bytes) in place.tree("out") {
        let file = dicom_object::from_reader(&bytes[..]).unwrap();
        found.push(format!(
            "{} {}",
            text(&file, tags::INSTANCE_NUMBER),
            text(&file, tags::STUDY_ID)
        ));
    }
    found.sort();
    assert_eq!(found, ["1 VALUE-1", "2 VALUE-2"]);
}

#[test]
fn without_an_envelope_or_with_another_key_a_file_fails() {
    assert_eq!(refused(&yaml(&[KEY], &DECRYPT), &marked()), "deid.envelope");
    let hidden = sent(&yaml(&[KEY], &ENCRYPT), &marked());
    let place = again(&hidden, &yaml(&[OTHER_KEY], &DECRYPT));
    let ran = place.run(OFFLINE).exits(9);
    assert_eq!(ran.failures()[0].1, "deid.envelope");
    assert!(
        ran.report()[0]["hint"]
            .as_str()
            .unwrap()
            .contains("key")
    );
    ran.does_not_say("ff1122")
        .does_not_say("CANARY");
    assert!(place.tree("out").is_empty());
}

#[test]
fn a_profile_that_encrypts_without_a_key_is_refused_before_anything_is_read() {
    let place = again(&marked().bytes(), &yaml(&["hash-digits: 8"], &ENCRYPT));
    place
        .run(OFFLINE)
        .exits(5)
        .says("profile.yaml:5:27")
        .says("`encrypt` needs a key")
        .says("secret-key");
    let place = again(
        &marked().bytes(),
        &yaml(&["retain: true"], &["name: PatientID, hash: true"]),
    );
    place
        .run(OFFLINE)
        .exits(5)
        .says("`retain` needs a key");
}

#[test]
fn openssl_opens_what_is_sent() {
    let file = cleaned(&yaml(&[KEY], &ENCRYPT), &marked());
    let holder = item(&file, tags::ENCRYPTED_ATTRIBUTES_SEQUENCE, 0);
    assert_eq!(
        text(&holder, Tag(0x0400, 0x0510)),
        uids::EXPLICIT_VR_LITTLE_ENDIAN
    );
    let content = holder
        .get(ENCRYPTED_CONTENT)
        .unwrap()
        .to_bytes()
        .unwrap();
    assert!(content.starts_with(b"-----BEGIN CMS-----\n"));
    let place = Place::with([("sealed", &content[..])]);
    let key = KEY.split('\'').nth(1).unwrap();
    let Some(plain) = openssl(
        &place.path("sealed"),
        &["-secretkey", key, "-secretkeyid", "00"],
    ) else {
        return;
    };
    assert_eq!(marks(&plain), 2);
}

/// What `openssl cms` makes of an envelope; none where there is no `openssl`.
fn openssl(sealed: &Path, key: &[&str]) -> Option<Vec<u8>> {
    let arguments = ["cms", "-decrypt", "-binary", "-inform", "PEM", "-in"];
    let Ok(done) = Command::new("openssl")
        .args(arguments)
        .arg(sealed)
        .args(key)
        .output()
    else {
        eprintln!("NOT RUN: there is no openssl on the PATH");
        return None;
    };
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Some(done.stdout)
}
