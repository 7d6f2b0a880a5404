//! `--redact-paths`: no name of a file or folder is shown or written, however the run ends.

use std::net::TcpListener;

use crate::fixture::{CODED, Dicom, PATH_MARK, Person, damaged};
use crate::run::{Place, Ran, Run};
use crate::server::{Site, on};

/// Every path of the command line contains the mark.
const LINE: &str = "PATHMARK-jane PATHMARK-gone.dcm --files-from PATHMARK-list.txt -p \
    demo/phantom --profile PATHMARK-coded.yaml \
                    --report PATHMARK-report.jsonl --pseudonym-key-file PATHMARK-key \
                    --redact-paths --json -vv \
                    --log-file PATHMARK-log";

fn place() -> Place {
    let slice = |n| Dicom::ct(&Person::numbered(n), 1).bytes();
    let place = Place::with([
        ("PATHMARK-jane/PATHMARK-1.dcm", slice(1)),
        (
            "PATHMARK-jane/PATHMARK-cut.dcm",
            damaged::truncated(&slice(2)),
        ),
        ("PATHMARK-jane/PATHMARK notes.txt", b"text".to_vec()),
        ("PATHMARK-listed.dcm", slice(3)),
    ]);
    place.file(
        "PATHMARK-list.txt",
        "PATHMARK-listed.dcm\nPATHMARK-missing.dcm\n",
    );
    place.file("PATHMARK-coded.yaml", CODED);
    let key = place.file("PATHMARK-key", crate::run::PSEUDONYM_KEY);
    private(&key);
    place
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

#[track_caller]
fn names_no_path(ran: &Ran<'_>, place: &Place) {
    let report = std::fs::read_to_string(place.path("PATHMARK-report.jsonl")).unwrap_or_default();
    let log = std::fs::read_to_string(place.path("PATHMARK-log")).unwrap_or_default();
    let texts = [
        ("standard output", &ran.stdout),
        ("standard error", &ran.stderr),
        ("the report", &report),
        ("the log", &log),
    ];
    for (what, text) in texts {
        assert!(
            !text.contains(PATH_MARK),
            "a path stands in {what}:\n{text}"
        );
    }
}

#[track_caller]
fn ends(run: Run<'_>, place: &Place, code: i32) {
    let ran = run.exits(code);
    names_no_path(&ran, place);
}

#[test]
fn in_a_run_with_every_outcome() {
    let (place, site) = (place(), Site::start());
    let ran = place.run(LINE).at(&site).exits(3);
    names_no_path(&ran, &place);
    assert_eq!(
        (
            ran.events_of("uploaded").len(),
            ran.events_of("failed").len(),
            ran.events_of("skipped").len()
        ),
        (2, 3, 1)
    );
    assert!(
        ran.events_of("failed")
            .iter()
            .all(|event| event["path"]
                .as_str()
                .unwrap()
                .starts_with("path:"))
    );
    let again = place.run(LINE).at(&site).exits(3);
    names_no_path(&again, &place);
}

#[test]
fn in_every_format_of_the_report() {
    let (place, site) = (place(), Site::start());
    for name in ["PATHMARK-r.json", "PATHMARK-r.csv"] {
        let line = LINE.replace("PATHMARK-report.jsonl", name);
        ends(place.run(&line).at(&site), &place, 3);
        let written = std::fs::read_to_string(place.path(name)).unwrap();
        assert!(
            written.contains("path:") && !written.contains(PATH_MARK),
            "{written}"
        );
    }
}

#[test]
fn in_dry_runs_output_folders_and_sandboxes() {
    let place = place();
    for more in [
        "--offline --dry-run",
        "--offline --output PATHMARK-out",
        "--sandbox PATHMARK-box",
    ] {
        ends(place.run(&format!("{LINE} {more}")), &place, 3);
    }
}

#[test]
fn in_runs_that_are_stopped_by_an_unusable_path() {
    let (place, site) = (place(), Site::start());
    place.file("PATHMARK-blocked", "in the way");
    let line = |from: &str, to: &str| LINE.replace(from, to);
    ends(
        place
            .run(&line("PATHMARK-report.jsonl", "PATHMARK-no/r.jsonl"))
            .at(&site),
        &place,
        1,
    );
    ends(
        place
            .run(&line("PATHMARK-report.jsonl", "PATHMARK-r.xls"))
            .at(&site),
        &place,
        2,
    );
    ends(
        place
            .run(&line("PATHMARK-coded.yaml", "PATHMARK-none.yaml"))
            .at(&site),
        &place,
        5,
    );
    ends(
        place
            .run(&line("PATHMARK-coded.yaml", "PATHMARK-list.txt"))
            .at(&site),
        &place,
        5,
    );
    ends(
        place
            .run(&line("PATHMARK-list.txt", "PATHMARK-no-list.txt"))
            .at(&site),
        &place,
        2,
    );
    ends(
        place
            .run(&format!("{LINE} --output PATHMARK-blocked/out"))
            .at(&site),
        &place,
        1,
    );
    ends(
        place.run(&format!("{LINE} --sandbox PATHMARK-blocked")),
        &place,
        1,
    );
    ends(
        place.run(&format!("{LINE} --api-key-file PATHMARK-no-key")),
        &place,
        4,
    );
    ends(
        place
            .run(&format!("{LINE} --ca-cert PATHMARK-no-cert"))
            .at(&site),
        &place,
        5,
    );
    let keyed = "PATHMARK-jane -p demo/phantom --profile basic --redact-paths --json -vv \
        --pseudonym-key-file PATHMARK-no-key";
    ends(place.run(keyed).at(&site), &place, 5);
    let state = place.path("PATHMARK-blocked");
    ends(
        place
            .run(LINE)
            .at(&site)
            .env("FWUPLOAD_STATE_HOME", state),
        &place,
        1,
    );
}

#[test]
fn in_runs_that_are_stopped_by_the_server() {
    let place = place();
    for (rule, code) in [
        (on("POST", "/api/lookup").answer(401), 4),
        (on("GET", "/api/auth/status").answer(401), 4),
        (on("POST", "/api/acquisitions/*/files").answer(401), 4),
    ] {
        let site = Site::setup().rule(rule).start();
        ends(place.run(LINE).at(&site), &place, code);
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let key = format!(
        "127.0.0.1:{}:__force_insecure:abcdefgh12345678",
        closed.port()
    );
    ends(
        place
            .run(LINE)
            .env("FWUPLOAD_API_KEY", key),
        &place,
        7,
    );
}

#[test]
fn in_command_lines_that_are_wrong() {
    let place = place();
    for wrong in [
        "PATHMARK-jane --redact-paths",
        "PATHMARK-jane --redact-paths --no-such-flag",
        "--redact-paths --jobs PATHMARK-jane -p x/y",
        "--redact-paths --jobs=PATHMARK-jane -p x/y",
        "status PATHMARK-jane --redact-paths",
    ] {
        ends(place.run(wrong), &place, 2);
    }
    ends(
        place
            .run("--jobs PATHMARK-jane -p x/y")
            .env("FWUPLOAD_REDACT_PATHS", "1"),
        &place,
        2,
    );
}

#[test]
fn in_profile_test() {
    let place = place();
    let test = "profile test PATHMARK-coded.yaml PATHMARK-jane --redact-paths";
    for more in ["", "--json", "--output PATHMARK-out"] {
        ends(place.run(&format!("{test} {more}")), &place, 3);
    }
    ends(
        place.run("profile test PATHMARK-none.yaml PATHMARK-jane --redact-paths"),
        &place,
        5,
    );
    ends(
        place.run(&format!("{test} --output PATHMARK-jane")),
        &place,
        1,
    );
}
