//! Ctrl-C: what is under way is finished or given up, the report is written, and running again
//! completes the work.
#![cfg(unix)]

use std::time::{Duration, Instant};

use crate::fixture::{Dicom, Person};
use crate::run::Place;
use crate::server::{Site, on};

const USUAL: &str = "study -p demo/phantom --profile basic --uploads 1 --json";

fn place() -> Place {
    Place::with((1..=6).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }))
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_first_one_finishes_what_is_under_way_and_reports_the_rest() {
    let site = Site::setup()
        .rule(on("POST", "/api/acquisitions/*/files").delay(Duration::from_millis(700)))
        .start();
    let place = place();
    let running = place.run(USUAL).at(&site).start();
    wait_for("an acquisition", || {
        !site.requests_to("POST", "/api/acquisitions").is_empty()
    });
    std::thread::sleep(Duration::from_millis(200));
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    let end = ran.end();
    assert_eq!(end["exit_code"], 130);
    let totals = &end["totals"];
    assert_eq!(totals["found"], 6);
    assert_eq!(
        totals["uploaded"].as_u64().unwrap() + totals["failed"].as_u64().unwrap(),
        6,
        "{totals}"
    );
    assert!(
        totals["uploaded"].as_u64().unwrap() >= 1,
        "the upload under way was finished: {totals}"
    );
    assert!(
        ran.failures()
            .iter()
            .all(|(_, code)| code == "upload.stopped"),
        "{:?}",
        ran.failures()
    );
    assert!(!ran.failures().is_empty());
    let not_sent = ran.failures().len();
    ran.says("finishing 1 upload, press again to quit")
        .says(&format!("{not_sent} file"))
        .says(" not sent")
        .does_not_say("failed [");
    let told: Vec<_> = ran
        .events_of("stopping")
        .iter()
        .map(|event| (event["code"].clone(), event["uploads"].clone()))
        .collect();
    assert_eq!(told, [("run.interrupted".into(), 1.into())]);

    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(again.end()["totals"]["already_there"], totals["uploaded"]);
    assert_eq!(site.uploaded().len(), 6);
}

#[test]
fn a_request_to_terminate_is_obeyed_likewise() {
    let site = Site::setup()
        .rule(on("POST", "/api/acquisitions/*/files").delay(Duration::from_millis(700)))
        .start();
    let place = place();
    let running = place.run(USUAL).at(&site).start();
    wait_for("an acquisition", || {
        !site.requests_to("POST", "/api/acquisitions").is_empty()
    });
    running.signal("TERM");
    let ran = running.end();
    assert_eq!(ran.code, Some(143), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["found"], 6);
}

#[test]
fn a_closed_terminal_ends_the_run_with_a_report_and_nohup_does_not() {
    let slow = || on("POST", "/api/acquisitions/*/files").delay(Duration::from_millis(700));
    let (site, place) = (Site::setup().rule(slow()).start(), place());
    let running = place.run(USUAL).at(&site).start();
    wait_for("an acquisition", || {
        !site.requests_to("POST", "/api/acquisitions").is_empty()
    });
    running.signal("HUP");
    let ran = running.end();
    assert_eq!(ran.code, Some(129), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["found"], 6);
    assert!(
        ran.failures()
            .iter()
            .all(|(_, code)| code == "upload.stopped"),
        "{:?}",
        ran.failures()
    );
    assert!(!ran.failures().is_empty());

    let site = Site::setup().rule(slow()).start();
    let running = place
        .run_after("trap '' HUP", &format!("{USUAL} --fresh"))
        .at(&site)
        .start();
    wait_for("an acquisition", || {
        !site.requests_to("POST", "/api/acquisitions").is_empty()
    });
    running.signal("HUP");
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["uploaded"], 6);
}

#[test]
fn the_second_one_does_not_wait() {
    let site = Site::setup()
        .rule(on("POST", "/api/acquisitions/*/files").delay(Duration::from_secs(60)))
        .start();
    let place = place();
    let running = place.run(USUAL).at(&site).start();
    wait_for("an acquisition", || {
        !site.requests_to("POST", "/api/acquisitions").is_empty()
    });
    std::thread::sleep(Duration::from_millis(300));
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn it_is_heard_while_the_program_waits_for_somebody_to_type() {
    let place = place();
    let list = "--files-from - -p demo/phantom --profile basic --offline --dry-run --json";
    let (running, _open) = place.run(list).start_waiting();
    std::thread::sleep(Duration::from_millis(500));
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert_eq!(ran.end()["exit_code"], 130);
}
