//! Whose files they are: several patients do not become one, nor one study that of two.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::fixture::{CODED, Dicom, Person};
use crate::run::Place;
use crate::server::Site;

const RUN: &str = "study -p demo/phantom --profile coded.yaml --subject VOLUNTEER --json";

fn slice(person: u32, number: u32) -> Dicom {
    Dicom::ct(&Person::numbered(person), number)
}

fn place(files: &[Dicom]) -> Place {
    let place = Place::with(
        (1..)
            .zip(files)
            .map(|(number, file): (u32, _)| (format!("study/{number}.dcm"), file.bytes())),
    );
    place.file("coded.yaml", CODED);
    place
}

#[test]
fn several_patients_do_not_become_one_subject_unless_asked_to() {
    let place = place(&[slice(1, 1), slice(2, 1)]);
    for sink in ["", "--dry-run", "--output out"] {
        let site = Site::start();
        let ran = place
            .run(RUN)
            .args(sink.split_whitespace())
            .args(["-y"])
            .at(&site)
            .exits(6);
        ran.says("error[route.several-patients]")
            .says("2 patients")
            .says("--merge-patients");
        assert!(
            site.uploaded().is_empty()
                && site
                    .containers("subjects")
                    .is_empty()
                && place.tree("out").is_empty()
        );
        assert_eq!(
            crate::fixture::found_in(format!("{}{}", ran.stdout, ran.stderr).as_bytes()),
            [""; 0]
        );
    }
    let site = Site::start();
    place
        .run(RUN)
        .env("FWUPLOAD_MERGE_PATIENTS", "1")
        .at(&site)
        .exits(6);
    place
        .run(RUN)
        .args(["--merge-patients"])
        .at(&site)
        .exits(0);
    assert_eq!(
        (
            site.containers("subjects").len(),
            site.containers("sessions").len()
        ),
        (1, 2)
    );
}

#[test]
fn patients_are_told_apart_by_id_and_issuer_and_none_is_no_other() {
    let issuer = |file: Dicom, issuer| file.text(tags::ISSUER_OF_PATIENT_ID, VR::LO, issuer);
    let nameless = |file: Dicom| file.without(tags::PATIENT_ID);
    for (files, code) in [
        (vec![slice(1, 1), slice(1, 2)], 0),
        (vec![slice(1, 1), nameless(slice(1, 2))], 0),
        (vec![issuer(slice(1, 1), "A"), slice(1, 2)], 0),
        (vec![issuer(slice(1, 1), "A"), issuer(slice(1, 2), "B")], 6),
    ] {
        place(&files)
            .run(RUN)
            .at(&Site::start())
            .exits(code);
    }
}

#[test]
fn a_study_that_is_under_another_subject_is_told_before_it_is_sent() {
    let place = place(&[slice(1, 1)]);
    for (flag, code, sessions) in [("warn", 0, 2), ("fail", 9, 1)] {
        let site = Site::start();
        place
            .run(&RUN.replace("VOLUNTEER", "FIRST"))
            .at(&site)
            .exits(0)
            .does_not_say("study-elsewhere");
        let rehearsed = place
            .run(RUN)
            .args(["--if-study-elsewhere", flag, "--dry-run"])
            .at(&site)
            .exits(code);
        rehearsed.says("study-elsewhere");
        let ran = place
            .run(RUN)
            .args(["--if-study-elsewhere", flag])
            .at(&site)
            .exits(code);
        ran.says("study-elsewhere")
            .says("under another subject");
        assert_eq!(site.containers("sessions").len(), sessions, "{flag}");
        if code == 0 {
            place
                .run(RUN)
                .at(&site)
                .exits(0)
                .does_not_say("study-elsewhere");
        } else {
            assert_eq!(
                ran.failures(),
                [("1.dcm".to_owned(), "upload.study-elsewhere".to_owned())]
            );
        }
    }
}
