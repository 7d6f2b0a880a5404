//! Data that is still arriving waits for the next run, as whole series.

use std::path::Path;
use std::time::{Duration, SystemTime};

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::fixture::{CODED, Dicom, Person, damaged};
use crate::run::{Place, Ran};
use crate::server::Site;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const USUAL: &str = "study -p demo/phantom --profile coded.yaml --min-age 10m --json";

fn slice(series: u32, number: u32) -> Vec<u8> {
    Dicom::image(&Person::plain(), CT, "CT", series, number, 4).bytes()
}

/// Two series of two slices in a folder each; all changed an hour ago.
fn place() -> Place {
    let place = Place::new();
    place.file("coded.yaml", CODED);
    for series in 1..=2 {
        for number in 1..=2 {
            let path = format!("study/{series}/{number}.dcm");
            place.file(&path, slice(series, number));
            changed(&place, &path, 3600);
        }
    }
    place
}

/// Gives a file a time of change that lies this number of seconds back.
fn changed(place: &Place, path: &str, seconds: u64) {
    std::fs::File::options()
        .write(true)
        .open(place.path(path))
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(seconds))
        .unwrap();
}

fn counts(ran: &Ran<'_>) -> [u64; 3] {
    let totals = &ran.end()["totals"];
    [
        &totals["uploaded"],
        &totals["skipped_by"]["still-arriving"],
        &totals["failed"],
    ]
    .map(|count| count.as_u64().unwrap_or_default())
}

#[test]
fn a_series_waits_as_a_whole_until_its_newest_file_is_old_enough() {
    let (place, site) = (place(), Site::start());
    changed(&place, "study/2/2.dcm", 60);
    let first = place.run(USUAL).at(&site).exits(0);
    assert_eq!(counts(&first), [2, 2, 0]);
    assert_eq!(site.uploaded().len(), 1);

    changed(&place, "study/2/2.dcm", 700);
    let second = place.run(USUAL).at(&site).exits(0);
    assert_eq!(counts(&second), [2, 0, 0]);
    assert_eq!(site.uploaded().len(), 2);
}

#[test]
fn a_new_file_that_cannot_be_read_yet_holds_what_lies_beside_it() {
    let (place, site) = (place(), Site::start());
    place.file("study/2/3.dcm", damaged::truncated(&slice(2, 3)));
    let ran = place.run(USUAL).at(&site).exits(0);
    assert_eq!(counts(&ran), [2, 3, 0]);

    // Old enough, it is no longer taken for one that is being written.
    changed(&place, "study/2/3.dcm", 700);
    let ran = place.run(USUAL).at(&site).exits(3);
    assert_eq!(counts(&ran), [2, 0, 1]);
}

#[test]
fn files_of_other_kinds_wait_with_the_dicom_beside_them() {
    let (place, site) = (place(), Site::start());
    for (path, seconds) in [
        ("study/1/notes.txt", 3600),
        ("study/2/notes.txt", 3600),
        ("study/1/new.txt", 60),
    ] {
        place.file(path, path);
        changed(&place, path, seconds);
    }
    changed(&place, "study/2/2.dcm", 60);
    let ran = place
        .run(&format!("{USUAL} --other-files upload -y"))
        .at(&site)
        .exits(0);
    assert_eq!(counts(&ran), [3, 4, 0]);
}

/// Has a series of two slices state, in each of them, how many it has.
fn stating(place: &Place, tag: Tag, stated: &str) {
    for number in 1..=2 {
        let slice = Dicom::image(&Person::plain(), CT, "CT", 2, number, 4);
        place.file(
            format!("study/2/{number}.dcm"),
            slice
                .text(tag, VR::IS, stated)
                .bytes(),
        );
    }
}

#[test]
fn a_series_with_fewer_instances_than_it_states_is_held_where_that_is_wanted() {
    for tag in [
        tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
        tags::IMAGES_IN_ACQUISITION,
    ] {
        let (place, site) = (place(), Site::start());
        let run = |flags: &str| {
            place
                .run(&format!(
                    "study -p demo/phantom --profile coded.yaml --json {flags}"
                ))
                .at(&site)
                .exits(0)
        };
        let waiting = |ran: &Ran<'_>| {
            ran.end()["totals"]["skipped_by"]["incomplete-series"]
                .as_u64()
                .unwrap_or_default()
        };
        stating(&place, tag, "3");
        // The same instance twice makes no third.
        std::fs::copy(place.path("study/2/1.dcm"), place.path("study/2/copy.dcm")).unwrap();
        let held = run("--incomplete-series hold");
        assert_eq!(waiting(&held), 3);
        held.says("notice[incomplete-series]: 1 series with fewer instances");
        assert_eq!(site.uploaded().len(), 1);

        std::fs::remove_file(place.path("study/2/copy.dcm")).unwrap();
        stating(&place, tag, "2");
        assert_eq!(waiting(&run("--incomplete-series hold")), 0);
        assert_eq!(site.uploaded().len(), 2);
    }
}

#[test]
fn unless_told_otherwise_what_is_there_is_sent() {
    let (place, site) = (place(), Site::start());
    stating(&place, tags::NUMBER_OF_SERIES_RELATED_INSTANCES, "9");
    let ran = place
        .run("study -p demo/phantom --profile coded.yaml --json")
        .at(&site)
        .exits(0);
    assert_eq!(counts(&ran), [4, 0, 0]);
}

#[cfg(unix)]
#[test]
fn the_recipe_sends_what_is_quiet_and_is_content_with_an_empty_folder() {
    let (place, site) = (place(), Site::start());
    changed(&place, "study/2/2.dcm", 60);
    std::fs::create_dir(place.path("empty")).unwrap();
    std::fs::create_dir(place.path("reports")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/watch/upload.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_fwupload"));
    let search = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let run = |inbox: &str| {
        place
            .program("sh")
            .args([script, "--profile", "coded.yaml"])
            .at(&site)
            .env("PATH", &search)
            .env("INBOX", inbox)
            .env("PROJECT", "demo/phantom")
            .env("REPORTS", "reports")
            .exits(0)
    };
    run("study");
    assert_eq!(site.uploaded().len(), 1);
    run("empty");
}

#[test]
fn a_run_in_which_all_waits_has_done_its_work() {
    let place = place();
    let ran = place
        .run("study -p demo/phantom --profile coded.yaml --min-age 2h --offline --dry-run --fail-on-skip")
        .exits(0);
    ran.says("4 still arriving");
}

#[test]
fn without_the_flag_and_with_an_age_of_nothing_all_is_taken() {
    for flag in ["", "--min-age 0"] {
        let place = place();
        changed(&place, "study/2/2.dcm", 0);
        place
            .run(&format!(
                "study -p demo/phantom --profile coded.yaml --offline --dry-run {flag}"
            ))
            .exits(0)
            .says("Ready      4 files");
    }
}

#[test]
fn an_age_that_is_no_duration_is_refused() {
    for (age, said) in [("soon", "not a duration"), ("999h", "at most 168h")] {
        place()
            .run(&format!(
                "study -p demo/phantom --profile coded.yaml --offline --dry-run --min-age {age}"
            ))
            .exits(2)
            .says(said);
    }
}
