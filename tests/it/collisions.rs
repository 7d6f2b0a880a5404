//! Where things get into each other's way: packages of one name, and an output folder that cannot
//! be written.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::fixture::{Dicom, Person, damaged};
use crate::run::Place;

/// Takes away what tells two series apart.
const NO_SERIES: &str = "name: n\ndicom:\n  residual: {on-leak: warn}\n  fields:\n    - \
    {name: PatientID, replace-with: P}\n    - {name: PatientName, remove: true}\n    - \
    {name: SeriesInstanceUID, remove: true}\n";

#[test]
fn two_series_that_come_out_alike_do_not_overwrite_each_other() {
    let person = Person::plain();
    let second = |n| Dicom::ct(&person, n).text(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.77");
    let place = Place::with([
        ("study/a.dcm", Dicom::ct(&person, 1).bytes()),
        ("study/b.dcm", second(2).bytes()),
        ("p.yaml", NO_SERIES.into()),
    ]);
    let ran = place
        .run("study -p demo/phantom --profile p.yaml --offline --dry-run --json")
        .exits(3);
    assert_eq!(
        ran.failures()
            .into_iter()
            .map(|(_, code)| code)
            .collect::<Vec<_>>(),
        ["package.name"]
    );
    ran.says("1 file");
}

#[test]
fn a_file_where_a_folder_must_be_fails_what_would_go_into_it() {
    let place = Place::with([
        ("in.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        ("out/demo/phantom", b"in the way".into()),
    ]);
    let ran = place
        .run("in.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    assert_eq!(
        ran.failures()
            .into_iter()
            .map(|(_, code)| code)
            .collect::<Vec<_>>(),
        ["output.write"]
    );
}

#[test]
fn an_output_folder_that_is_a_file_stops_the_run() {
    let place = Place::with([
        ("in.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        ("out", b"a file".into()),
    ]);
    place
        .run("in.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(1)
        .says("output.unwritable");
}

#[test]
fn a_report_that_lies_among_the_data_is_not_data() {
    let person = Person::plain();
    let place = Place::with([
        ("good.dcm", Dicom::ct(&person, 1).bytes()),
        (
            "cut.dcm",
            damaged::truncated(&Dicom::ct(&person, 2).bytes()),
        ),
    ]);
    let run = || {
        place
            .run(
                ". -p demo/phantom --profile basic --offline --dry-run --report \
                fwupload-failures.jsonl --other-files fail",
            )
            .exits(3)
            .failures()
    };
    let first = run();
    assert_eq!(first, [("cut.dcm".into(), "read.truncated".into())]);
    assert_eq!(run(), first, "the first run's report was left alone");
}
