//! The check of what is about to be sent, through the built program: what fails a file, what is
//! said, and what `--residual warn` lets pass.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::Value;

use crate::fixture::{Dicom, Person};
use crate::known_answers::yaml;
use crate::run::Place;

/// Removes the name and nothing else.
fn profile() -> String {
    yaml(
        &[],
        &[
            "name: PatientName, remove: true",
            "name: PatientID, replace-with: S1",
        ],
    )
}

/// A person whose name stands in a comment as well.
fn place(comment: &str) -> Place {
    let file = Dicom::ct(&Person::plain(), 1)
        .text(tags::PATIENT_NAME, VR::PN, "Oxblatt^Wilhelmina")
        .text(tags::PATIENT_ID, VR::LO, "P1")
        .text(tags::IMAGE_COMMENTS, VR::LT, comment)
        .without(tags::OTHER_PATIENT_I_DS_SEQUENCE);
    Place::with([
        ("study/in.dcm", file.bytes()),
        ("profile.yaml", profile().into_bytes()),
    ])
}

const RUN: &str = "study -p demo/phantom --offline --output out --profile profile.yaml --json";

/// Everything that the program said and wrote down, which must not hold the value.
fn no_value_in(texts: &[&str]) {
    for text in texts {
        assert!(
            !text
                .to_lowercase()
                .contains("oxblatt")
                && !text
                    .to_lowercase()
                    .contains("wilhelmina"),
            "{text}"
        );
    }
}

#[test]
fn a_name_left_in_a_comment_fails_the_file_and_both_attributes_are_named() {
    let place = place("seen: WILHELMINA");
    let ran = place.run(RUN).exits(9);
    assert!(place.tree("out").is_empty());
    let (_, code) = ran.failures().pop().unwrap();
    assert_eq!(code, "residual.identifier-left");
    let failed = ran.events_of("failed").remove(0);
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("PatientName (0010,0010)")
            && message.contains("ImageComments (0020,4000)"),
        "{message}"
    );
    assert!(
        failed["hint"]
            .as_str()
            .unwrap()
            .contains("--residual warn")
    );
    no_value_in(&[&ran.stderr, &ran.stdout]);
}

#[test]
fn a_comment_without_it_passes() {
    place("seen: no one")
        .run(RUN)
        .exits(0);
}

#[test]
fn a_warning_names_file_and_attributes_and_the_file_is_sent() {
    let place = place("seen: Wilhelmina");
    let ran = place
        .run(&format!("{RUN} --residual warn"))
        .exits(0);
    let warned: Vec<Value> = ran
        .events_of("notice")
        .into_iter()
        .filter(|notice| notice["code"] == "residual" && notice.get("path").is_some())
        .collect();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0]["path"]
            .as_str()
            .unwrap()
            .ends_with("in.dcm")
    );
    assert!(
        warned[0]["text"]
            .as_str()
            .unwrap()
            .ends_with("still stands in ImageComments (0020,4000)")
    );
    assert_eq!(place.tree("out").len(), 1);
    no_value_in(&[&ran.stderr, &ran.stdout]);
    let ran = place
        .run("profile test profile.yaml study --json --residual warn")
        .exits(0);
    let left = &ran.events_of("file")[0]["left"][0];
    assert_eq!(left["removed_from"], "PatientName (0010,0010)");
    assert_eq!(left["stands_in"], "ImageComments (0020,4000)");
    let ran = place
        .run("profile test profile.yaml study --residual warn")
        .exits(0);
    assert!(
        ran.stdout
            .contains("left     what stood in PatientName"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_left_in_many_files_is_said_once_with_a_count() {
    let place = place("seen: Wilhelmina");
    let bytes = std::fs::read(place.path("study/in.dcm")).unwrap();
    for n in 1..=13u8 {
        place.file(format!("study/{n}.dcm"), &bytes);
    }
    let run = RUN.replace("profile.yaml --json", "profile.yaml --residual warn");
    let ran = place.run(&run).exits(0);
    assert_eq!(
        ran.stderr
            .matches("still stands in ImageComments")
            .count(),
        1,
        "{}",
        ran.stderr
    );
    let verbose = place
        .run(&run.replace("--output out", "--output again"))
        .args(["-v"])
        .exits(0);
    assert_eq!(
        verbose
            .stderr
            .matches("still stands in ImageComments")
            .count(),
        14,
        "{}",
        verbose.stderr
    );
    ran.says("warning[residual]: and 13 more like this; `-v` shows each");
    no_value_in(&[&ran.stderr, &verbose.stderr]);
}

#[test]
fn a_label_that_the_user_gives_is_checked_too() {
    let place = place("seen: no one");
    let ran = place
        .run(&format!("{RUN} --subject oxblatt_w"))
        .exits(9);
    assert_eq!(ran.failures().pop().unwrap().1, "residual.identifier-left");
    assert!(
        ran.events_of("failed")[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("still stands in the subject label")
    );
}
