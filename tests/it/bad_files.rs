//! Files that cannot be cleaned: each fails with the code that is right, nothing of it is sent, and
//! the others go on.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::archive::only;
use crate::fixture::{Dicom, Person, damaged};
use crate::run::Place;
use crate::server::Site;

fn slice(number: u32) -> Dicom {
    Dicom::ct(&Person::plain(), number)
}

#[test]
fn each_kind_of_damage_has_its_code_and_the_batch_goes_on() {
    let good = slice(1).bytes();
    let garbage = [&good[..132], &[0xAB; 400][..]].concat();
    let unknown_syntax = replaced(&good, b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0");
    let kinds = [
        ("boast.dcm", damaged::boast(&good), "read.truncated"),
        (
            "duplicate.dcm",
            damaged::duplicate_element(&good),
            "read.duplicate-element",
        ),
        ("garbage.dcm", garbage, "read.truncated"),
        ("overrun.dcm", damaged::overrun(&good), "read.overrun"),
        ("syntax.dcm", unknown_syntax, "read.unsupported-syntax"),
        ("too-deep.dcm", damaged::too_deep(), "read.too-deep"),
        (
            "trailing.dcm",
            damaged::trailing(&good),
            "read.trailing-data",
        ),
        ("truncated.dcm", damaged::truncated(&good), "read.truncated"),
    ];
    let place = Place::with(
        kinds
            .iter()
            .map(|(name, bytes, _)| (format!("study/{name}"), bytes)),
    );
    place.file("study/good.dcm", &good);
    let site = Site::start();
    let ran = place
        .run("study -p demo/phantom --profile basic")
        .at(&site)
        .exits(3);
    let expected: Vec<(String, String)> = kinds
        .iter()
        .map(|(name, _, code)| (name.to_string(), code.to_string()))
        .collect();
    assert_eq!(ran.failures(), expected);
    for record in ran.report() {
        assert!(
            ["message", "hint", "stage"]
                .iter()
                .all(|key| record[key]
                    .as_str()
                    .is_some_and(|s| !s.is_empty())),
            "{record}"
        );
    }
    assert_eq!(site.uploaded().len(), 1);
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|w| w == from)
        .unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn every_length_at_which_a_file_can_be_cut_is_noticed() {
    let good = slice(1).bytes();
    let place = Place::with(
        (132..good.len())
            .step_by(41)
            .map(|at| (format!("study/{at}.dcm"), good[..at].to_vec())),
    );
    let ran = place
        .run("study -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    assert!(place.tree("out").is_empty());
    let codes: Vec<String> = ran
        .failures()
        .into_iter()
        .map(|(_, code)| code)
        .collect();
    let named = [
        "read.truncated",
        "read.malformed",
        "read.not-dicom",
        "route.missing-uid",
        "read.unsupported-syntax",
    ];
    assert!(
        codes
            .iter()
            .all(|code| named.contains(&code.as_str())),
        "{codes:?}"
    );
}

#[test]
fn an_instance_without_its_uids_has_no_place() {
    let place = Place::with([
        (
            "study/no-sop.dcm",
            slice(1)
                .without(tags::SOP_INSTANCE_UID)
                .bytes(),
        ),
        (
            "study/no-series.dcm",
            slice(2)
                .without(tags::SERIES_INSTANCE_UID)
                .bytes(),
        ),
        (
            "study/no-study.dcm",
            slice(3)
                .without(tags::STUDY_INSTANCE_UID)
                .bytes(),
        ),
        ("study/good.dcm", slice(4).bytes()),
    ]);
    let ran = place
        .run("study -p demo/phantom --profile basic --offline --dry-run --json")
        .exits(3);
    let codes: Vec<(String, String)> = ran.failures();
    assert_eq!(codes.len(), 3);
    assert!(
        codes
            .iter()
            .all(|(_, code)| code == "route.missing-uid"),
        "{codes:?}"
    );
}

#[test]
fn without_patient_id_the_subject_has_to_be_named() {
    let place = Place::with([("in.dcm", slice(1).bytes())]);
    let minimal = "in.dcm -p demo/phantom --profile flywheel-minimal --residual warn --offline \
        --dry-run --json";
    place
        .run(minimal)
        .exits(2)
        .says("removes PatientID")
        .says("--subject")
        .does_not_say("route.no-subject");
    place
        .run(minimal)
        .args(["--subject", "s1"])
        .exits(0);
    // A file that has none is known only once it is read.
    let bare = Place::with([(
        "in.dcm",
        slice(1)
            .without(tags::PATIENT_ID)
            .bytes(),
    )]);
    bare.file(
        "keep.yaml",
        "name: keep\ndicom: {fields: [{name: PatientName, remove: true}]}\n",
    );
    let ran = bare
        .run(
            "in.dcm -p demo/phantom --profile keep.yaml --residual warn --offline --dry-run --json",
        )
        .exits(9);
    assert_eq!(ran.failures()[0].1, "route.no-subject");
    assert!(
        ran.report()[0]["hint"]
            .as_str()
            .unwrap()
            .contains("--subject")
    );
}

#[test]
fn a_rule_that_fails_says_where_it_stands_and_shows_no_value() {
    let profile = "name = \"p\"\n[dicom]\ndate-increment = 3\nfields = [\n  \
        { name = \"StudyDate\", increment-date = true },\n]\n";
    let bad = slice(1)
        .text(tags::STUDY_DATE, VR::DA, "CANARY")
        .bytes();
    let place = Place::with([("in.dcm", bad), ("p.toml", profile.as_bytes().to_vec())]);
    let ran = place
        .run("in.dcm -p demo/phantom --profile p.toml --offline --dry-run --json -vv")
        .exits(9);
    let record = &ran.report()[0];
    assert_eq!(record["code"], "deid.unparseable-date");
    let message = record["message"].as_str().unwrap();
    assert!(
        message.contains("StudyDate") || message.contains("0008,0020"),
        "{message}"
    );
    assert!(
        message.contains("p.toml") || message.contains("fields"),
        "where the rule stands: {message}"
    );
    ran.does_not_say("CANARY");
    assert!(
        !record
            .to_string()
            .contains("CANARY")
    );
}

#[test]
fn a_date_that_is_none_costs_the_date_and_not_the_file() {
    let odd = |number, value: &str| {
        slice(number)
            .text(tags::STUDY_DATE, VR::DA, value)
            .text(tags::PATIENT_AGE, VR::AS, "CANARY")
            .bytes()
    };
    let place = Place::with([
        ("study/1.dcm", odd(1, "CANARY")),
        ("study/2.dcm", odd(2, "20042301")),
    ]);
    let ran = place
        .run("study -p demo/phantom --profile longitudinal --offline --dry-run --json")
        .exits(0);
    let notices = ran.events_of("notice");
    let told: Vec<_> = notices
        .iter()
        .filter(|notice| notice["code"] == "unparseable")
        .collect();
    assert_eq!(
        (told.len(), told[0]["severity"].as_str()),
        (1, Some("warning"))
    );
    let text = told[0]["text"].as_str().unwrap();
    assert!(
        text.contains("StudyDate (0008,0020)")
            && text.contains("PatientAge (0010,1010)")
            && text.starts_with("4 elements"),
        "{text}"
    );
    assert_eq!(
        (
            ran.end()["totals"]["unreadable"].as_u64(),
            ran.end()["totals"]["prepared"].as_u64()
        ),
        (Some(4), Some(2))
    );
    ran.does_not_say("CANARY");
    place
        .run("study -p demo/phantom --profile longitudinal --offline --dry-run")
        .exits(0)
        .says("Unreadable 4");
    let fail = "name = \"p\"\n[dicom.confidentiality]\nprofile = \"basic\"\noptions = \
        [\"retain-modified-dates\"]\n[dicom.dates]\nunparseable = \"fail\"\n";
    let place = Place::with([
        ("in.dcm", odd(1, "CANARY")),
        ("p.toml", fail.as_bytes().to_vec()),
    ]);
    let ran = place
        .run("in.dcm -p demo/phantom --profile p.toml --offline --dry-run --json")
        .exits(9);
    assert_eq!(ran.failures()[0].1, "deid.unparseable-date");
}

#[test]
fn the_same_instance_twice_is_sent_once() {
    let place = Place::with([
        ("study/1.dcm", slice(1).bytes()),
        ("study/copy.dcm", slice(1).bytes()),
        ("study/2.dcm", slice(2).bytes()),
    ]);
    let site = Site::start();
    let ran = place
        .run("study -p demo/phantom --profile basic --json")
        .at(&site)
        .exits(0);
    assert_eq!(ran.end()["totals"]["uploaded"], 2);
    assert_eq!(ran.events_of("skipped")[0]["reason"], "same-instance");
}

#[test]
fn two_different_files_that_claim_to_be_one_instance_both_fail() {
    let other = slice(1).text(tags::KVP, VR::DS, "80");
    let place = Place::with([
        ("study/1.dcm", slice(1).bytes()),
        ("study/other.dcm", other.bytes()),
        ("study/2.dcm", slice(2).bytes()),
    ]);
    let site = Site::start();
    let ran = place
        .run("study -p demo/phantom --profile basic")
        .at(&site)
        .exits(3);
    let code = "route.duplicate-instance";
    assert_eq!(
        ran.failures(),
        [
            ("1.dcm".into(), code.into()),
            ("other.dcm".into(), code.into())
        ]
    );
    assert_eq!(site.uploaded().len(), 1, "the rest of the series goes");
}

#[test]
fn encodings_stay_as_they_are() {
    for syntax in [
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        #[expect(deprecated)]
        uids::EXPLICIT_VR_BIG_ENDIAN,
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    ] {
        let place = Place::with([(
            "in.dcm",
            Dicom::mr(&Person::plain())
                .syntax(syntax)
                .bytes(),
        )]);
        place
            .run("in.dcm -p demo/phantom --profile basic --offline --output out")
            .exits(0);
        let out = only(&place.tree("out")[0].1);
        let read = dicom_object::from_reader(&out[..]).unwrap_or_else(|e| panic!("{syntax}: {e}"));
        assert_eq!(read.meta().transfer_syntax(), syntax);
        let original = dicom_object::from_reader(&Dicom::mr(&Person::plain()).bytes()[..]).unwrap();
        let pixels = |o: &dicom_object::DefaultDicomObject| {
            o.get(tags::PIXEL_DATA)
                .unwrap()
                .to_multi_int::<u16>()
                .unwrap()
        };
        assert_eq!(pixels(&read), pixels(&original), "{syntax}");
    }
}
