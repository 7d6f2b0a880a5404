//! What files are called in their packages where a profile says so, and values that are put
//! together from pieces.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::archive::{is_zip, members};
use crate::fixture::{Dicom, Person, found_in};
use crate::known_answers::{cleaned, refused, subject, text, yaml};
use crate::run::Place;

const RUN: &str =
    "study -p demo/phantom --offline --output out --profile p.yaml --subject s --session t";

/// A profile with these entries of `filenames`, which also takes everything out that the fixture
/// marks as identifying.
fn profile(entries: &str) -> String {
    format!(
        "name: n\ndicom:\n  date-increment: -17\n  remove-undefined: true\n  filenames: \
            [{entries}]\n  fields:\n    - {{name: PatientID, hash: true}}\n    - {{name: \
            StudyInstanceUID, hashuid: true}}\n    - {{name: SeriesInstanceUID, hashuid: \
            true}}\n    - {{name: SOPInstanceUID, hashuid: true}}\n    - {{name: \
            SOPClassUID}}\n    - {{name: InstanceNumber}}\n"
    )
}

fn study(entries: &str, files: &[&str]) -> Place {
    let place = Place::with([("p.yaml", profile(entries))]);
    for (n, file) in (1..).zip(files) {
        let ct = Dicom::ct(&Person::plain(), n)
            .text(tags::PATIENT_ID, VR::LO, "PAT-0042")
            .text(tags::MODALITY, VR::CS, "CT");
        place.file(format!("study/{file}"), ct.bytes());
    }
    place
}

/// The members of the one zip that came out.
fn member_names(place: &Place) -> Vec<String> {
    let out = place.tree("out");
    assert_eq!(out.len(), 1, "one package");
    assert!(is_zip(&out[0].1));
    let mut names: Vec<String> = members(&out[0].1)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

#[test]
fn members_are_called_as_the_profile_says() {
    let entries = r"{output: 'x_{d}_{a}.dcm', input-regex: '^sub/(?P<d>[-0-9]+)_(?P<a>\w+)\.dcm$', groups: [{name: d, increment-date: true}, {name: a, hash: true}]}, {output: '{Modality}/{PatientID}.dcm', input-regex: 'other'}";
    let place = study(entries, &["sub/2004-01-19_in.dcm", "other.dcm"]);
    place.run(RUN).exits(0);
    assert_eq!(
        member_names(&place),
        ["CT_a0f7295c61144f61.dcm", "x_20040102_582967534d0f909d.dcm"]
    );
    assert!(place.tree("out").iter().all(|(name, bytes)| found_in(name.as_bytes()).is_empty() && found_in(bytes).is_empty()));
}

#[test]
fn a_file_that_no_entry_names_fails_alone() {
    let place = study(
        "{output: '{InstanceNumber}.dcm', input-regex: 'a'}",
        &["a1.dcm", "a2.dcm", "b.dcm"],
    );
    let ran = place.run(RUN).exits(3);
    assert_eq!(
        ran.failures(),
        [("b.dcm".to_owned(), "deid.filename".to_owned())]
    );
    assert_eq!(member_names(&place), ["1.dcm", "2.dcm"]);
}

#[test]
fn names_that_are_alike_hide_nothing() {
    let place = study(
        "{output: '{PatientID}.dcm', input-regex: ''}",
        &["a.dcm", "b.dcm", "c.dcm"],
    );
    place.run(RUN).exits(0);
    let stem = "a0f7295c61144f61";
    assert_eq!(
        member_names(&place),
        [
            format!("{stem}-2.dcm"),
            format!("{stem}-3.dcm"),
            format!("{stem}.dcm")
        ]
    );
}

#[test]
fn a_single_instance_travels_under_its_name() {
    let entry = "{output: 'only-{PatientID}.dcm', input-regex: ''}";
    for files in [&["a.dcm"][..], &["a.dcm", "b.dcm"]] {
        let place = study(entry, files);
        place
            .run(&format!("{RUN} --package instance"))
            .exits(0);
        let names: Vec<String> = place
            .tree("out")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), files.len());
        assert!(
            names
                .iter()
                .any(|name| name.ends_with("/only-a0f7295c61144f61.dcm")),
            "{names:?}"
        );
    }
}

#[test]
fn values_are_put_together_from_pieces() {
    let file = subject().text(
        tags::STUDY_DESCRIPTION,
        VR::LO,
        "HEAD w/o contrast 20040119",
    );
    let item = r"{input-regex: '^(?P<a>\w+) .* (?P<d>\d{8})$', output: '{a}-{d}', groups: [{name: d, increment-date: true}]}";
    let rule = |item: &str| {
        yaml(
            &["date-increment: -17"],
            &[&format!("name: StudyDescription, regex-sub: [{item}]")],
        )
    };
    assert_eq!(
        text(&cleaned(&rule(item), &file), tags::STUDY_DESCRIPTION),
        "HEAD-20040102"
    );
    assert_eq!(
        refused(&rule("{input-regex: 'FOOT', output: x}"), &file),
        "deid.rule-failed"
    );
    let all_but = yaml(
        &[],
        &[
            "regex: '^(?!PatientID|SOP|Study|Series|0|Bits|Rows|Columns|Pixel|Photo|Samples).*', \
                remove: true",
        ],
    );
    let left = cleaned(&all_but, &file);
    assert_eq!(text(&left, tags::PATIENT_ID), "PAT-0042");
    assert!(
        left.get(tags::PATIENT_NAME)
            .is_none()
    );
}
