//! Ctrl-C: what is under way is finished or given up, the report is written, and running again
//! completes the work.
#![cfg(unix)]

use crate::fixture::{Dicom, Person};
use crate::run::{Place, Ran, Run, Running};
use crate::server::{Gate, Site, on};

const SIGINT: u32 = 2;
const UPLOAD: &str = "/api/acquisitions/*/files";
const FINISHING: &str = "finishing 1 upload";
const USUAL: &str = "study -p demo/phantom --profile basic --uploads 1 --json";

fn place() -> Place {
    Place::with((1..=6).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }))
}

/// A server that holds uploads until the gate is opened.
fn holding() -> (Site, Gate) {
    let gate = Gate::default();
    (
        Site::setup()
            .rule(on("POST", UPLOAD).hold(&gate))
            .start(),
        gate,
    )
}

/// Starts a run and waits until the server holds an upload of it.
fn uploading<'a>(run: Run<'a>, site: &'a Site, gate: &Gate) -> Running<'a> {
    let running = run.at(site).start();
    gate.wait_for_request();
    running
}

/// Sends the signal, and lets uploads through once the program has heard it.
fn stopped_by<'a>(signal: &str, running: Running<'a>, gate: &Gate) -> Ran<'a> {
    running.signal(signal);
    running.wait_until_it_says(FINISHING);
    gate.open();
    running.end()
}

#[test]
fn the_first_one_finishes_what_is_under_way_and_reports_the_rest() {
    let (site, gate) = holding();
    let place = place();
    let running = uploading(place.run(USUAL), &site, &gate);
    let ran = stopped_by("INT", running, &gate);
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
        totals["uploaded"] == 1,
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
    let (site, gate) = holding();
    let place = place();
    let running = uploading(place.run(USUAL), &site, &gate);
    let ran = stopped_by("TERM", running, &gate);
    assert_eq!(ran.code, Some(143), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["found"], 6);
}

#[test]
fn a_closed_terminal_ends_the_run_with_a_report_and_nohup_does_not() {
    let ((site, gate), place) = (holding(), place());
    let running = uploading(place.run(USUAL), &site, &gate);
    let ran = stopped_by("HUP", running, &gate);
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

    let (site, gate) = holding();
    let ignoring = place.run_after("trap '' HUP", &format!("{USUAL} --fresh"));
    let running = uploading(ignoring, &site, &gate);
    running.signal("HUP");
    gate.open();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["uploaded"], 6);
}

#[test]
fn the_second_one_does_not_wait() {
    let (site, gate) = holding();
    let place = place();
    let running = uploading(place.run(USUAL), &site, &gate);
    running.signal("INT");
    running.wait_until_it_says(FINISHING);
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert_eq!(ran.end()["totals"]["uploaded"], 0);
}

#[test]
fn it_is_heard_while_the_program_waits_for_its_input() {
    let place = place();
    let list = "--files-from - -p demo/phantom --profile basic --offline --dry-run --json";
    let (running, _open) = place.run(list).start_waiting();
    running.wait_until_it_catches(SIGINT);
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert_eq!(ran.end()["exit_code"], 130);
}
