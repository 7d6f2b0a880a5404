//! Where a report is written, and which files it leaves alone.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Duration;

use super::super::tests::{self as examples, consume, failed, report, report_path, started};
use super::*;
use crate::event::RunTotals;
use crate::failure::FileFailure;

fn not_there(path: &str) -> Event {
    failed(path, FileFailure::new(FileCode::DiscoverNotFound, ""))
}

fn ended(totals: RunTotals) -> Event {
    Event::Ended(Box::new(RunEnd {
        totals,
        duration: Duration::from_secs(1),
        exit_code: 0,
        stopped_by: None,
    }))
}

#[test]
fn a_run_whose_paths_do_not_exist_keeps_the_earlier_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, false);
    let run = |events: &[Event]| {
        let path_shown = report_path();
        consume(
            &mut FailureReport::open(&report, Paths::Plain, path_shown.clone()).unwrap(),
            events,
        );
        path_shown
            .written(1)
            .unwrap()
            .to_owned()
    };
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    run(&[
        started(),
        not_there("tpyo"),
        ended(RunTotals {
            found: 1,
            failed: 1,
            ..RunTotals::default()
        }),
    ]);
    assert!(text("r.jsonl").contains("tpyo"), "there was none before");
    run(&examples::run());
    let earlier = text("r.jsonl");
    let shown = run(&[
        started(),
        not_there("tpyo"),
        ended(RunTotals {
            found: 1,
            failed: 1,
            ..RunTotals::default()
        }),
    ]);
    assert!(shown.ends_with("r-2.jsonl"), "{shown}");
    assert_eq!(text("r.jsonl"), earlier);
    assert!(text("r-2.jsonl").contains("tpyo") && text("r-2.jsonl").contains("\"type\":\"end\""));
    run(&[
        started(),
        not_there("tpyo"),
        failed("doe/1.dcm", FileFailure::new(FileCode::ReadIo, "")),
    ]);
    assert!(
        text("r.jsonl").contains("tpyo") && text("r.jsonl").contains("doe/1.dcm"),
        "a run that found something"
    );
}

#[test]
fn a_run_without_failures_renames_the_earlier_report() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = [
        started(),
        ended(RunTotals {
            found: 1,
            uploaded: 1,
            ..RunTotals::default()
        }),
    ];
    let run = |report: &Report, events: &[Event]| {
        let path_shown = report_path();
        consume(
            &mut FailureReport::open(report, Paths::Plain, path_shown.clone()).unwrap(),
            events,
        );
        path_shown
            .earlier()
            .map(str::to_owned)
    };
    let mut unnamed = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, false);
    run(&unnamed, &examples::run());
    unnamed.rehearsal = true;
    assert_eq!(run(&unnamed, &good), None, "a dry run changes nothing");
    run(&unnamed, &examples::run());
    assert!(!at("r-2.jsonl").exists());
    unnamed.rehearsal = false;
    assert_eq!(
        run(&unnamed, &[started(), ended(RunTotals::default())]),
        None,
        "nothing was done"
    );
    assert!(
        run(&unnamed, &good)
            .unwrap()
            .ends_with("r.jsonl.1")
    );
    assert!(
        !at("r.jsonl").exists()
            && fs::read_to_string(at("r.jsonl.1"))
                .unwrap()
                .starts_with("{\"type\":\"report\"")
    );
    fs::write(at("r.jsonl"), "a list of files").unwrap();
    assert_eq!(run(&unnamed, &good), None, "this is no report");
    assert!(at("r.jsonl").exists());
}

#[test]
fn the_report_is_in_the_state_folder_where_the_usual_path_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = report(
        &folder.path().join("missing"),
        "r.jsonl",
        ReportFormat::JsonLines,
        false,
    );
    report.fallback = Some(folder.path().join("state/fwupload"));
    let path_shown = report_path();
    consume(
        &mut FailureReport::open(&report, Paths::Plain, path_shown.clone()).unwrap(),
        &examples::run(),
    );
    assert!(
        path_shown
            .written(1)
            .unwrap()
            .ends_with("r.jsonl"),
        "{path_shown:?}"
    );
    assert_eq!(
        fs::read_to_string(
            folder
                .path()
                .join("state/fwupload/r.jsonl")
        )
        .unwrap()
        .lines()
        .count(),
        11
    );
    report.named = true;
    assert_eq!(
        FailureReport::open(&report, Paths::Plain, path_shown)
            .err()
            .unwrap()
            .code,
        RunCode::ReportUnwritable
    );
}

#[cfg(unix)]
#[test]
fn a_report_is_not_written_through_a_link_or_into_a_pipe() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("diary"), "dear diary").unwrap();
    fs::set_permissions(at("diary"), fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("diary", at("link.jsonl")).unwrap();
    fs::hard_link(at("diary"), at("hard.jsonl")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(at("pipe.jsonl"))
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir(at("folder.jsonl")).unwrap();
    for named in [false, true] {
        for name in ["link.jsonl", "pipe.jsonl", "folder.jsonl"] {
            let report = report(folder.path(), name, ReportFormat::JsonLines, named);
            let refused = FailureReport::open(&report, Paths::Plain, report_path())
                .err()
                .unwrap();
            assert_eq!(refused.code, RunCode::ReportUnwritable, "{name}");
        }
    }
    let report = report(folder.path(), "hard.jsonl", ReportFormat::JsonLines, true);
    consume(
        &mut FailureReport::open(&report, Paths::Plain, report_path()).unwrap(),
        &examples::run(),
    );
    assert_eq!(fs::read_to_string(at("diary")).unwrap(), "dear diary");
    assert_eq!(
        fs::metadata(at("diary"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o644
    );
    assert!(
        fs::read_dir(folder.path())
            .unwrap()
            .all(|entry| {
                !entry
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .starts_with(".fw")
            })
    );
}
