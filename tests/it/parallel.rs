//! Runs at the same time: whichever is first, every study is one session, every series one file,
//! and nothing empty stays.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::time::Duration;

use dicom_dictionary_std::uids;

use crate::archive::members;
use crate::fixture::{CODED, Dicom, Person};
use crate::run::{Place, Ran};
use crate::server::{Gate, Setup, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

/// Rounds of the large test, unless the environment says how many.
const ROUNDS: u64 = 20;

/// Two series of two slices of each of two persons.
fn place() -> Place {
    let place = Place::new();
    for person in 1..=2 {
        for series in 1..=2 {
            for number in 1..=2 {
                let slice = Dicom::image(
                    &Person::numbered(person),
                    uids::CT_IMAGE_STORAGE,
                    "CT",
                    series,
                    number,
                    4,
                );
                place.file(
                    format!("study/{person}/{series}/{number}.dcm"),
                    slice.bytes(),
                );
            }
        }
    }
    place.file("coded.yaml", CODED);
    place
}

/// What the server has: subjects, sessions, acquisitions, and how many instances each file holds.
#[track_caller]
fn check(site: &Site, round: u64) {
    let counts = ["subjects", "sessions", "acquisitions"].map(|kind| site.containers(kind).len());
    assert_eq!(counts, [2, 2, 4], "round {round}: no twin, full or empty");
    let files = site.uploaded();
    assert_eq!(
        files
            .iter()
            .map(|(_, bytes)| members(bytes).len())
            .collect::<Vec<_>>(),
        [2; 4],
        "round {round}"
    );
    let mut seen = BTreeMap::<String, u32>::new();
    for (name, _) in files
        .iter()
        .flat_map(|(_, bytes)| members(bytes))
    {
        *seen.entry(name).or_default() += 1;
    }
    assert!(
        seen.len() == 8
            && seen
                .values()
                .all(|times| *times == 1),
        "round {round}: {seen:?}"
    );
}

/// Each creation waits between the look before it and the moment at which the server hears of it.
fn slow(rng: &mut fastrand::Rng) -> Setup {
    let mut setup = Site::setup();
    for path in ["/api/subjects", "/api/sessions", "/api/acquisitions"] {
        for _ in 0..16 {
            setup = setup.rule(
                on("POST", path)
                    .times(1)
                    .delay(Duration::from_millis(rng.u64(0..80))),
            );
        }
    }
    setup
}

#[test]
fn shards_and_whole_runs_at_once_leave_what_one_run_leaves() {
    let rounds = std::env::var("FWUPLOAD_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let place = place();
    for round in 0..rounds {
        let site = slow(&mut fastrand::Rng::with_seed(round)).start();
        let state = tempfile::tempdir().unwrap();
        let shards = (1..=4).map(|n| format!("{USUAL} --shard {n}/4"));
        let runs: Vec<_> = (0..)
            .zip(shards.chain((0..4).map(|_| USUAL.to_owned())))
            .map(|(n, line)| {
                place
                    .run(&line)
                    .env("XDG_STATE_HOME", state.path().join(n.to_string()))
                    .at(&site)
                    .start()
            })
            .collect();
        for running in runs {
            let ran = running.end();
            assert_eq!(ran.code, Some(0), "round {round}: {}", ran.stderr);
        }
        check(&site, round);
    }
}

/// Two runs of which the first gets through with its first request to a path only after the second
/// has ended.
fn race<'p>(place: &'p Place, setup: Setup, path: &'static str) -> (Site, Ran<'p>) {
    let gate = Gate::default();
    let site = setup
        .rule(
            on("POST", path)
                .times(1)
                .hold(&gate),
        )
        .start();
    let first = place
        .run(USUAL)
        .args(["--uploads", "1"])
        .at(&site)
        .start();
    gate.wait_for_request();
    place
        .run(USUAL)
        .env("XDG_STATE_HOME", place.path("other-state"))
        .at(&site)
        .exits(0);
    gate.open();
    let first = first.end();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    (site, first)
}

#[test]
fn who_made_one_too_many_removes_it_while_it_is_empty() {
    let place = place();
    let (site, first) = race(&place, Site::setup(), "/api/sessions");
    first.does_not_say("twin-container");
    assert_eq!(
        site.requests_to("DELETE", "/api/sessions/*")
            .len(),
        1
    );
    check(&site, 0);
}

#[test]
fn a_twin_that_may_not_be_removed_is_named_once() {
    let place = place();
    let (site, first) = race(
        &place,
        Site::setup().rule(on("DELETE", "/api/sessions/*").answer(403)),
        "/api/sessions",
    );
    first
        .says("twin-container")
        .says("made by this run");
    assert_eq!(site.containers("sessions").len(), 3);
    place.file(
        "study/1/1/3.dcm",
        Dicom::image(&Person::numbered(1), uids::CT_IMAGE_STORAGE, "CT", 1, 3, 4).bytes(),
    );
    place
        .run(USUAL)
        .at(&site)
        .ends()
        .does_not_say("twin-container");
}

#[test]
fn of_a_file_that_two_runs_send_at_once_one_is_left_and_said() {
    let place = place();
    let (site, first) = race(&place, Site::setup(), "/api/acquisitions/*/files");
    first.says("warning[sent-at-the-same-time]");
    let uploaded = first.end()["totals"]["uploaded"].as_u64();
    assert_eq!(
        uploaded,
        Some(2),
        "what the other run had sent meanwhile is not sent again"
    );
    check(&site, 0);
}
