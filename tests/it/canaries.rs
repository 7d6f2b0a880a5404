//! The search for leaks: every identifying value of the fixtures is looked for in everything that
//! leaves the machine or is written down.

use crate::archive;
use crate::fixture::{self, Dicom, PATH_MARK, Person, damaged};
use crate::run::{Place, tree};
use crate::server::{Request, Site, on};

/// A folder whose names identify, with every kind of person and file.
fn place() -> Place {
    let place = Place::new();
    let folder = format!("study/{PATH_MARK}_Doe");
    for (at, person) in [
        Person::plain(),
        Person::latin(),
        Person::japanese(),
        Person::unicode(),
    ]
    .iter()
    .enumerate()
    {
        for number in 1..=2 {
            place.file(
                format!("{folder}/{at}/ct{number}.dcm"),
                Dicom::ct(person, number).bytes(),
            );
        }
        place.file(format!("{folder}/{at}/mr.dcm"), Dicom::mr(person).bytes());
        place.file(format!("{folder}/{at}/sr.dcm"), Dicom::sr(person).bytes());
    }
    place.file(
        format!("{folder}/broken.dcm"),
        damaged::truncated(&Dicom::ct(&Person::numbered(9), 1).bytes()),
    );
    place.file(format!("{folder}/notes.txt"), "CANARY notes");
    place
}

/// Looks for marks in bytes, and in the members of a zip.
#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    let mut found = fixture::found_in(bytes);
    if archive::is_zip(bytes) {
        for (name, content) in archive::members(bytes) {
            found.extend(
                fixture::found_in(name.as_bytes())
                    .into_iter()
                    .chain(fixture::found_in(&content)),
            );
        }
    }
    assert!(found.is_empty(), "{found:?} in {what}");
    assert!(
        !String::from_utf8_lossy(bytes).contains(PATH_MARK),
        "a source path in {what}"
    );
}

#[track_caller]
fn no_value_in(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what} is empty");
    let found = fixture::found_in(text.as_bytes());
    assert!(found.is_empty(), "{found:?} in {what}:\n{text}");
}

#[test]
fn nothing_that_identifies_reaches_the_server_and_no_value_is_written_down() {
    for setup in [Site::setup(), Site::setup().signed_urls()] {
        let (place, site) = (place(), setup.start());
        let ran = place
            .run("study -p demo/phantom --profile basic -vv --json")
            .at(&site)
            .exits(3);
        assert_eq!(ran.end()["totals"]["uploaded"], 16);
        for request in site.requests() {
            let what = format!("the request {} {}", request.method, request.target);
            clean(&what, &request.everything());
        }
        for (name, bytes) in site.kept() {
            clean(&name, name.as_bytes());
            clean(&name, &bytes);
        }
        no_value_in("standard error", &ran.stderr);
        no_value_in("standard output", &ran.stdout);
        no_value_in("the report", &format!("{:?}", ran.report()));
        for (name, bytes) in tree(&place.state())
            .into_iter()
            .chain(tree(&place.home()))
        {
            clean(&format!("the name {name}"), name.as_bytes());
            clean(&name, &bytes);
        }
    }
}

#[test]
fn failures_of_the_upload_show_no_value_either() {
    for rule in [
        on("POST", "/api/acquisitions/*/files").answer(403),
        on("POST", "/api/sessions").answer(422),
    ] {
        let (place, site) = (place(), Site::setup().rule(rule).start());
        let ran = place
            .run("study -p demo/phantom --profile basic -vv --json")
            .at(&site)
            .exits(9);
        no_value_in("standard error", &ran.stderr);
        no_value_in("standard output", &ran.stdout);
        no_value_in("the report", &format!("{:?}", ran.report()));
    }
}

#[test]
fn with_redacted_paths_no_name_is_shown_or_written() {
    let (place, site) = (place(), Site::start());
    for format in ["jsonl", "json", "csv"] {
        let report = format!("report.{format}");
        let arguments = ["--redact-paths", "-vv", "--json", "--report", &report];
        let ran = place
            .run("study -p demo/phantom --profile basic")
            .args(arguments)
            .at(&site)
            .ends();
        let written = std::fs::read_to_string(place.path(&report)).unwrap();
        for (what, text) in [
            ("standard error", &ran.stderr),
            ("standard output", &ran.stdout),
            ("the report", &written),
        ] {
            assert!(!text.contains(PATH_MARK), "a path in {what}:\n{text}");
        }
    }
}

#[test]
fn the_output_folder_is_as_clean_as_the_server() {
    let place = place();
    place
        .run("study -p demo/phantom --profile basic --output out --offline")
        .exits(3);
    let written = place.tree("out");
    assert!(written.len() >= 12);
    for (name, bytes) in written {
        clean(&name, name.as_bytes());
        clean(&name, &bytes);
    }
}

#[test]
fn the_search_itself_finds_what_was_not_cleaned() {
    let (place, site) = (place(), Site::start());
    place
        .run("study -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(3);
    let everything: Vec<u8> = site
        .requests()
        .iter()
        .flat_map(Request::everything)
        .collect();
    assert!(fixture::found_in(&everything).contains(&"CANARY".to_owned()));
}
