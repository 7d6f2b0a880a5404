//! Faults of this machine: files that change or vanish under the run, full disks, too few file
//! handles.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{CODED, Dicom, Person, damaged};
use crate::run::Place;
use crate::server::{Gate, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

/// A file of which only the header is held: the pixels are read while they are sent.
fn large() -> Vec<u8> {
    let pixels = DataElement::new(
        tags::PIXEL_DATA,
        VR::OB,
        PrimitiveValue::U8(vec![7; 9 << 20].into()),
    );
    Dicom::ct(&Person::plain(), 1)
        .element(pixels)
        .bytes()
}

fn place() -> Place {
    let place = Place::with([("study/1.dcm", large())]);
    place.file("coded.yaml", CODED);
    place
}

/// Changes the file while its upload is held back, and gives the code that it fails with.
fn fails_after(change: impl Fn(&Path)) -> String {
    let (place, gate) = (place(), Gate::default());
    let site = Site::setup()
        .rule(on("POST", "/api/acquisitions").hold(&gate))
        .start();
    let running = place.run(USUAL).at(&site).start();
    gate.wait_for_request();
    change(&place.path("study/1.dcm"));
    gate.open();
    let ran = running.end();
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(site.uploaded().is_empty(), "nothing short or mixed arrived");
    ran.failures()[0].1.clone()
}

#[test]
fn a_file_that_changes_between_index_and_sending_is_not_sent() {
    let later = SystemTime::now() + Duration::from_secs(60);
    let touched = |path: &Path| {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(later)
            .unwrap();
    };
    assert_eq!(fails_after(touched), "read.changed", "written again");
    let length = |path: &Path| fs::metadata(path).unwrap().len();
    let cut = |path: &Path| {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(length(path) / 2)
            .unwrap();
    };
    assert_eq!(fails_after(cut), "read.changed", "truncated");
    let grown = |path: &Path| {
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(b"more")
            .unwrap();
    };
    assert_eq!(fails_after(grown), "read.changed", "still growing");
    assert_eq!(
        fails_after(|path| fs::remove_file(path).unwrap()),
        "discover.not-found",
        "vanished"
    );
    let link = |path: &Path| {
        fs::rename(path, path.with_extension("moved")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
    };
    assert_eq!(
        fails_after(link),
        "read.changed",
        "replaced by a link to another file"
    );
}

#[test]
fn a_file_that_may_no_longer_be_read_is_not_sent() {
    let place = Place::new();
    let probe = place.file("probe", b"x");
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&probe).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let lost = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(fails_after(lost), "discover.unreadable");
}

#[test]
fn a_full_disk_under_the_output_folder_fails_the_packages() {
    let slices: Vec<_> = (1..=3)
        .map(|n| {
            (
                format!("study/{n}.dcm"),
                Dicom::image(&Person::numbered(n), uids::CT_IMAGE_STORAGE, "CT", 1, 1, 64).bytes(),
            )
        })
        .collect();
    let place = Place::with(slices);
    place.file("coded.yaml", CODED);
    let output = format!("{USUAL} --offline --output out");
    let ran = place
        .run_limited("-f 4", &output)
        .exits(9);
    assert!(
        ran.failures()
            .iter()
            .all(|(_, code)| code == "output.write"),
        "{:?}",
        ran.failures()
    );
    assert!(place.tree("out").is_empty(), "no half file is left");
    place.run(&output).exits(0);
}

#[test]
fn a_full_disk_under_the_report_is_an_error_that_is_seen() {
    let cut: Vec<_> = (1..=9)
        .map(|n| {
            (
                format!("study/{n}.dcm"),
                damaged::truncated(&Dicom::ct(&Person::numbered(n), 1).bytes()),
            )
        })
        .collect();
    let place = Place::with(cut);
    place.file("coded.yaml", CODED);
    let ran = place
        .run_limited(
            "-f 1",
            &format!("{USUAL} --offline --dry-run --report r.jsonl"),
        )
        .exits(9);
    ran.says("error[report.unwritable]");
    assert_eq!(
        ran.events_of("failed").len(),
        9,
        "the other sinks have them all"
    );
}

#[test]
fn a_full_disk_under_the_journal_stops_the_run_and_the_next_one_sends_nothing_twice() {
    let place = Place::with((1..=6).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }));
    place.file("coded.yaml", CODED);
    let site = Site::start();
    let ran = place
        .run_limited("-f 2", USUAL)
        .args(["--uploads", "1"])
        .at(&site)
        .ends();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    ran.says("error[journal.unwritable]");
    let arrived = site.uploaded().len();
    assert_eq!(
        ran.end()["totals"]["uploaded"],
        arrived,
        "what the server confirmed is said to have arrived"
    );
    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(again.end()["totals"]["already_there"], arrived);
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions/*/files")
            .len(),
        6
    );
}

#[test]
fn too_few_file_handles_lose_no_file() {
    let place = Place::with((1..=120).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }));
    place.file("coded.yaml", CODED);
    let site = Site::start();
    for handles in [20, 32, 64] {
        let ran = place
            .run_limited(&format!("-n {handles}"), USUAL)
            .args(["--uploads", "32", "-j", "16"])
            .at(&site)
            .ends();
        assert!(ran.code.is_some(), "with {handles}: {}", ran.stderr);
        ran.does_not_say("defect at");
        if let Some(end) = ran.stdout.lines().last() {
            let end: serde_json::Value = serde_json::from_str(end).unwrap();
            let totals = &end["totals"];
            let outcomes: u64 = ["uploaded", "already_there", "failed"]
                .iter()
                .map(|name| totals[name].as_u64().unwrap())
                .sum();
            assert_eq!(totals["found"], outcomes, "with {handles}");
        }
    }
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(site.uploaded().len(), 120);
}
