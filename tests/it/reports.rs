//! Output of runs: streams, verbosity, the event stream, the log, failure reports and runs over them.

pub mod schema;

use std::path::MAIN_SEPARATOR;

use crate::archive::members;
use crate::fixture::{Dicom, Person, damaged};
use crate::run::{Place, native};
use crate::server::Site;

const USUAL: &str = "study -p demo/phantom --profile basic";
const OFFLINE: &str = "--project demo/phantom --profile basic --offline --json --output";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

/// Two good slices, one that is cut short, one file that is not DICOM.
fn place() -> Place {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/2.dcm", slice(2)),
        ("study/notes.txt", b"text".to_vec()),
    ]);
    place.file("study/3.dcm", damaged::truncated(&slice(3)));
    place
}

#[test]
fn standard_output_is_empty_without_json() {
    let (place, site) = (place(), Site::start());
    assert_eq!(
        place
            .run(USUAL)
            .at(&site)
            .exits(3)
            .stdout,
        ""
    );
}

#[test]
fn quiet_shows_less_and_silent_shows_nothing() {
    let place = place();
    let lines = |flag: &str| {
        let ran = place
            .run(USUAL)
            .args(["--dry-run", "--offline"])
            .args(flag.split_whitespace())
            .exits(3);
        ran.stderr.lines().count()
    };
    assert_eq!(lines("-qq"), 0);
    assert!(lines("-q") < lines(""), "-q");
    assert!(lines("") < lines("-v"), "-v");
}

#[test]
fn the_event_stream() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run(USUAL)
        .args(["--json", "-j", "1", "--uploads", "1"])
        .at(&site)
        .exits(3);
    let mut lines: Vec<String> = ran
        .events()
        .iter()
        .filter(|e| e["type"] != "progress")
        .map(redacted)
        .collect();
    // The order of files differs between runs.
    let last = lines.len() - 1;
    lines[1..last].sort();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Replaces what differs between runs: times, ids, addresses, digests.
fn redacted(event: &serde_json::Value) -> String {
    let mut event = event.clone();
    redact(&mut event);
    event.to_string()
}

fn redact(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if let ("path", Value::String(path)) = (name.as_str(), &mut *field) {
                    *path = path.replace(MAIN_SEPARATOR, "/");
                }
                let varies = [
                    "site",
                    "project_url",
                    "duration",
                    "container_id",
                    "file_id",
                    "version",
                    "size",
                    "busy",
                    "waiting",
                ];
                if varies.contains(&name.as_str()) && !field.is_null() {
                    *field = Value::from("…");
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::String(text) => {
            if let Some((before, digest)) = text.split_once("sha256:") {
                *text = format!("{before}sha256:…{}", &digest[64..]);
            }
        }
        _ => {}
    }
}

#[test]
fn events_and_reports_are_valid_by_their_schemas() {
    let (events, report) = (
        schema::Schema::read("events"),
        schema::Schema::read("report"),
    );
    let (place, site) = (place(), Site::start());
    let whole = ["--dry-run", "--offline"];
    let stopped = ["--profile", "none.yaml"];
    for more in [&[][..], &whole, &stopped] {
        for name in ["r.jsonl", "r.json"] {
            let run = place.run("study -p demo/phantom -y --other-files upload --json");
            let run = run.args(["--report", name]);
            let profile = if more == stopped {
                &[][..]
            } else {
                &["--profile", "basic"]
            };
            let ran = run
                .args(more)
                .args(profile)
                .at(&site)
                .ends();
            for event in ran.events() {
                events.accepts(&event);
            }
            let Ok(text) = std::fs::read_to_string(place.path(name)) else {
                panic!("no report: {}", ran.stderr);
            };
            let records = serde_json::Deserializer::from_str(&text).into_iter();
            for record in records {
                report.accepts(&record.unwrap());
            }
        }
    }
    let merged = place
        .run("report merge r.jsonl")
        .ends()
        .stdout;
    for record in merged.lines() {
        report.accepts(&serde_json::from_str(record).unwrap());
    }
    for wrong in [
        serde_json::json!({ "type": "failed", "path": "a.dcm" }),
        serde_json::json!({ "type": "new" }),
    ] {
        events.rejects(&wrong);
        report.rejects(&wrong);
    }
}

#[test]
fn the_first_event_is_the_start_and_the_last_one_the_end() {
    let place = place();
    let ran = place
        .run(USUAL)
        .args(["--json", "--dry-run", "--offline"])
        .exits(3);
    let events = ran.events();
    assert_eq!(
        (&events[0]["type"], &events[0]["v"]),
        (&"start".into(), &1.into())
    );
    let end = ran.end();
    assert_eq!(end["exit_code"], 3);
    for event in &events {
        assert_eq!(
            event
                .as_object()
                .unwrap()
                .keys()
                .next()
                .unwrap(),
            "type"
        );
    }
    let files = [
        "uploaded",
        "would-upload",
        "written",
        "already-there",
        "skipped",
        "failed",
    ];
    let settled = events
        .iter()
        .filter(|e| files.contains(&e["type"].as_str().unwrap()))
        .count();
    assert_eq!(
        end["totals"]["found"].as_u64(),
        Some(settled as u64),
        "one outcome per file"
    );
}

#[test]
fn a_run_that_cannot_begin_ends_with_an_end_too() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run("study -p demo/none --profile basic --json")
        .at(&site)
        .exits(6);
    assert_eq!(ran.end()["exit_code"], 6);
}

#[test]
fn the_report_feeds_a_second_run() {
    for (report, name) in [
        (None, "fwupload-failures.jsonl"),
        (Some("r.json"), "r.json"),
        (Some("r.csv"), "r.csv"),
    ] {
        let (place, site) = (place(), Site::start());
        let flags: Vec<&str> = report
            .into_iter()
            .flat_map(|path| ["--report", path])
            .collect();
        place
            .run(USUAL)
            .args(&flags)
            .at(&site)
            .exits(3);
        place.file("study/3.dcm", slice(3));
        let ran = place
            .run("-p demo/phantom --profile basic --if-exists replace -y --json --files-from")
            .args([name])
            .at(&site)
            .exits(0);
        assert_eq!(
            ran.end()["totals"]["found"],
            3,
            "{name}: the failed file, and the others of its series"
        );
        assert_eq!(
            members(&site.uploaded()[0].1).len(),
            3,
            "{name}: which go in one package"
        );
    }
}

#[test]
fn a_named_report_is_written_in_each_format() {
    for (name, holds) in [
        ("r.jsonl", "{\""),
        ("r.json", "\"read.truncated\""),
        ("r.csv", "path,"),
    ] {
        let place = place();
        place
            .run(USUAL)
            .args(["--dry-run", "--offline", "--report", name])
            .exits(3);
        let text = std::fs::read_to_string(place.path(name)).unwrap();
        assert!(
            text.contains(holds) && text.contains("read.truncated"),
            "{name}:\n{text}"
        );
        assert!(
            !place
                .path("fwupload-failures.jsonl")
                .exists()
        );
    }
}

#[cfg(unix)]
#[test]
fn the_report_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    place
        .run(USUAL)
        .args(["--output", "out", "--offline"])
        .exits(3);
    let mode = std::fs::metadata(place.path("fwupload-failures.jsonl"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_summary_adds_up_and_says_what_to_do_next() {
    let (place, site) = (place(), Site::start());
    let ran = place.run(USUAL).at(&site).exits(3);
    ran.says("Uploaded")
        .says("2 files")
        .says("Skipped")
        .says("Failed")
        .says("1 read.truncated");
    ran.says("fwupload-failures.jsonl")
        .says("basic")
        .says("sha256:");
}

#[test]
fn many_failures_of_one_code_are_counted_on_the_terminal_and_listed_in_the_report() {
    let place =
        Place::with((1..=9).map(|n| (format!("study/{n}.dcm"), damaged::truncated(&slice(n)))));
    let ran = place
        .run(USUAL)
        .args(["--output", "out", "--offline"])
        .exits(9);
    assert_eq!(ran.stderr.matches(".dcm").count(), 5, "{}", ran.stderr);
    ran.says("4 more");
    assert_eq!(ran.report().len(), 9);
}

#[test]
fn colours_only_on_request_where_there_is_no_terminal() {
    let place = place();
    let run = |when: &str| {
        place
            .run(USUAL)
            .args(["--dry-run", "--offline", "--color", when])
            .exits(3)
    };
    assert!(
        !run("auto")
            .stderr
            .contains('\u{1b}')
    );
    assert!(
        run("always")
            .stderr
            .contains('\u{1b}')
    );
}

/// Sixteen slices of two series.
fn sixteen() -> Place {
    Place::with((1..=16).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::plain(), n).bytes(),
        )
    }))
}

#[test]
fn a_run_without_failures_shows_project_profile_and_outcome() {
    let (place, site) = (sixteen(), Site::start());
    let ran = place.run(USUAL).at(&site).exits(0);
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    assert!(
        lines[0].starts_with(
            "to demo/phantom at 127.0.0.1: de-identified with \"basic\" (given locally, sha256:"
        ),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("Uploaded   16 files"), "{lines:?}");
    assert!(lines[2].starts_with("  → project: http"), "{lines:?}");
    for fact in ["basic", "sha256:", "key "] {
        assert_eq!(
            ran.stderr.matches(fact).count(),
            1,
            "{fact} in {}",
            ran.stderr
        );
    }
    ran.does_not_say("sandbox");
    let verbose = place
        .run(USUAL)
        .args(["-v"])
        .at(&site)
        .exits(0);
    verbose
        .says("notice[profile]")
        .says("notice[pseudonym-key]")
        .says("notice[resume]");
}

#[test]
fn the_log_has_the_lines_of_v_with_their_times() {
    let (place, site) = (place(), Site::start());
    let time = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ").unwrap();
    for times in 1..=2 {
        place
            .run(USUAL)
            .args(["-qq", "--log-file", "run.log"])
            .at(&site)
            .exits(3);
        let log = std::fs::read_to_string(place.path("run.log")).unwrap();
        assert_eq!(
            log.matches(&format!(
                "skipped [not-dicom] {}",
                native("study/notes.txt")
            ))
            .count(),
            times,
            "{log}"
        );
        assert!(
            log.lines()
                .all(|line| time.is_match(line)),
            "{log}"
        );
        for said in [
            "to demo/phantom at",
            "notice[profile]",
            &format!("uploaded {}", native("study/1.dcm")),
            &format!("failed [read.truncated] {}", native("study/3.dcm")),
            "Uploaded",
        ] {
            assert!(log.contains(said), "{said} in {log}");
        }
    }
    place
        .run(USUAL)
        .env("FWUPLOAD_LOG_FILE", "study/other.log")
        .at(&site)
        .exits(3);
    let ran = place
        .run(&format!("{USUAL} --json --log-file study/other.log"))
        .at(&site)
        .exits(3);
    assert_eq!(ran.end()["totals"]["skipped_by"]["own-report"], 1);
}

#[cfg(unix)]
#[test]
fn a_log_is_readable_by_its_owner_alone_and_never_a_report() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    let place = place();
    let run = |log: &str| place.run(&format!("study {OFFLINE} out --log-file {log}"));
    run("run.log").exits(3);
    assert_eq!(mode(&place.path("run.log")), 0o600);
    let earlier = std::fs::read(place.path("fwupload-failures.jsonl")).unwrap();
    std::fs::copy(
        place.path("fwupload-failures.jsonl"),
        place.path("earlier.jsonl"),
    )
    .unwrap();
    let open = place.file("open.log", b"");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("run.log", place.path("link.log")).unwrap();
    let reasons = [
        ("fwupload-failures.jsonl", "the failure report goes there"),
        ("./fwupload-failures.jsonl", "the failure report goes there"),
        ("earlier.jsonl", "a failure report lies there"),
        ("open.log", "chmod 600"),
        ("link.log", "symbolic link"),
        ("none/run.log", "No such file"),
    ];
    for (log, reason) in reasons {
        run(log)
            .exits(1)
            .says("error[log.unwritable]")
            .says(reason)
            .says("`--log-file`");
    }
    assert_eq!(
        std::fs::read(place.path("fwupload-failures.jsonl")).unwrap(),
        earlier
    );
    assert_eq!(mode(&open), 0o644);
}

#[test]
fn help_states_the_exit_codes() {
    let place = Place::new();
    let ran = place.run("--help").exits(0);
    assert!(
        ran.stdout.contains("Exit codes:")
            && ran
                .stdout
                .contains("fwupload ./study")
    );
}

#[test]
fn runs_at_the_same_time_in_one_folder_keep_their_reports() {
    let place = Place::with([
        ("one/cut.dcm", damaged::truncated(&slice(1))),
        ("two/cut.dcm", damaged::truncated(&slice(1))),
    ]);
    for _ in 0..10 {
        let runs = ["one", "two"].map(|folder| {
            place
                .run(&format!(
                    "{folder} -p demo/phantom --profile basic --offline --output out --json"
                ))
                .start()
        });
        let reports: Vec<String> = runs
            .into_iter()
            .map(|running| {
                running.end().end()["report"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        for (report, folder) in reports.iter().zip(["one/", "two/"]) {
            // A run that began after the other had ended took the same place over.
            let text = std::fs::read_to_string(place.path(report)).unwrap();
            assert!(
                text.contains(folder) || reports[0] == reports[1],
                "{reports:?}: {text}"
            );
            assert!(text.lines().count() == 3, "{text}");
        }
    }
}

#[test]
fn a_mistyped_path_keeps_the_report_of_the_last_run() {
    let place = place();
    place
        .run(&format!("study {OFFLINE} out"))
        .exits(3);
    let earlier = std::fs::read(place.path("fwupload-failures.jsonl")).unwrap();
    let ran = place
        .run(&format!("sutdy {OFFLINE} out2"))
        .exits(9);
    ran.says("fwupload-failures-2.jsonl");
    assert_eq!(
        std::fs::read(place.path("fwupload-failures.jsonl")).unwrap(),
        earlier
    );

    std::fs::remove_file(place.path("study/3.dcm")).unwrap();
    let ran = place
        .run(&format!("study {OFFLINE} out3"))
        .exits(0);
    ran.says("the report of an earlier run is now fwupload-failures.jsonl.1");
    assert_eq!(
        std::fs::read(place.path("fwupload-failures.jsonl.1")).unwrap(),
        earlier
    );
    assert!(
        !place
            .path("fwupload-failures.jsonl")
            .exists()
    );
}

#[test]
fn a_dry_run_writes_a_report_only_on_request() {
    let place = Place::new();
    place.file("study/3.dcm", damaged::truncated(&slice(3)));
    let dry_run = "study --project demo/phantom --profile basic --offline --dry-run --json";
    let ran = place.run(dry_run).exits(9);
    assert_eq!(ran.end()["report"], serde_json::Value::Null);
    assert!(
        !place
            .path("fwupload-failures.jsonl")
            .exists()
    );
    place
        .run(&format!("{dry_run} --report r.jsonl"))
        .exits(9);
    assert!(place.path("r.jsonl").exists());
}

#[cfg(unix)]
#[test]
fn files_that_are_not_reports_of_this_user_are_not_overwritten() {
    let place = Place::with([("study/1.dcm", slice(1)), ("diary", b"dear diary".to_vec())]);
    std::os::unix::fs::symlink("diary", place.path("fwupload-failures.jsonl")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(place.path("pipe.jsonl"))
            .status()
            .unwrap()
            .success()
    );
    place
        .run(&format!("study {OFFLINE} out"))
        .exits(1)
        .says("report.unwritable")
        .says("symbolic link");
    place
        .run(&format!("study {OFFLINE} out --report pipe.jsonl"))
        .exits(1)
        .says("report.unwritable");
    assert_eq!(std::fs::read(place.path("diary")).unwrap(), b"dear diary");
    assert!(!place.path("out").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn lost_events_are_an_error() {
    let place = Place::with([("study/1.dcm", slice(1))]);
    let ran = place
        .run_after("exec >/dev/full", &format!("study {OFFLINE} out"))
        .exits(1);
    ran.says("report.unwritable")
        .says("events are lost");
    assert!(
        !place.tree("out").is_empty(),
        "what was asked for is done all the same"
    );
}
