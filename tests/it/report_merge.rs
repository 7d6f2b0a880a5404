//! `fwupload report merge`: the failure reports of several runs as one.

use std::fs;

use serde_json::Value;

use crate::fixture::{Dicom, Person, damaged};
use crate::run::{Place, native};
use crate::server::Site;

const USUAL: &str = "-p demo/phantom --profile basic";

fn slice(person: u32) -> Vec<u8> {
    Dicom::ct(&Person::numbered(person), 1).bytes()
}

/// Two folders, each with one good slice and one that is cut short, and the reports of a run over
/// each.
fn place(site: &Site, names: [&str; 2]) -> Place {
    let place = Place::with([("one/good.dcm", slice(1)), ("two/good.dcm", slice(3))]);
    place.file("one/cut.dcm", damaged::truncated(&slice(2)));
    place.file("two/cut.dcm", damaged::truncated(&slice(4)));
    for (folder, report) in ["one", "two"].iter().zip(names) {
        place
            .run(&format!("{folder} {USUAL} --report {report}"))
            .at(site)
            .exits(3);
    }
    place
}

fn records(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn read(place: &Place, name: &str) -> Vec<Value> {
    records(&fs::read_to_string(place.path(name)).unwrap())
}

/// A report without its last line, as a run leaves it that was killed.
fn killed(place: &Place, name: &str) {
    let text = fs::read_to_string(place.path(name)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    place.file(name, lines[..lines.len() - 1].join("\n") + "\n");
}

#[test]
fn two_reports_become_one_with_totals_and_the_exit_code_of_the_whole() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    let ran = place
        .run("report merge 2.jsonl 1.jsonl --output all.jsonl")
        .exits(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "merged 2 reports: 2 files failed of 4 found\n")
    );
    let merged = read(&place, "all.jsonl");
    let paths: Vec<_> = merged[1..3]
        .iter()
        .map(|failed| failed["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["one/cut.dcm", "two/cut.dcm"].map(native));
    let end = &merged[3];
    assert_eq!(
        (
            &end["type"],
            &end["found"],
            &end["uploaded"],
            &end["failed"]
        ),
        (&"end".into(), &4.into(), &2.into(), &2.into())
    );
    assert_eq!(
        (&end["failed_by"]["read.truncated"], &end["exit_code"]),
        (&2.into(), &3.into())
    );
    let first = read(&place, "1.jsonl").swap_remove(0);
    for fact in [
        "v", "version", "mode", "project", "site", "profile", "redacted",
    ] {
        assert_eq!(merged[0][fact], first[fact], "{fact}");
    }
}

/// The record `end` of a run over `study` as one, and that of three shards merged.
fn as_one_and_in_shards(place: &Place) -> (Value, Value) {
    let run = |rest: &str| place.run(&format!("study {USUAL} --offline --dry-run {rest}"));
    run("--report one.jsonl").ends();
    for shard in 1..=3 {
        run(&format!("--shard {shard}/3 --report {shard}.jsonl")).ends();
    }
    let ran = place
        .run("report merge 3.jsonl 1.jsonl 2.jsonl --output all.jsonl")
        .exits(0);
    ran.does_not_say("warning")
        .does_not_say("note");
    let end = |name| read(place, name).pop().unwrap();
    (end("one.jsonl"), end("all.jsonl"))
}

#[test]
fn the_shards_of_a_job_add_up_to_what_one_run_says() {
    let place = Place::with((1..=6).map(|person| (format!("study/{person}.dcm"), slice(person))));
    place.file("study/cut.dcm", damaged::truncated(&slice(7)));
    place.file("study/notes.txt", "text");
    let (mut one, merged) = as_one_and_in_shards(&place);
    for not_added in ["subjects", "sessions", "acquisitions"] {
        one.as_object_mut()
            .unwrap()
            .remove(not_added);
    }
    assert_eq!(one, merged);
    let ran = place
        .run("report merge 1.jsonl 3.jsonl")
        .exits(0);
    ran.says("warning: the report of shard 2/3 is missing");
    assert!(!ran.stdout.contains("\"end\""), "{}", ran.stdout);
}

#[test]
fn shards_without_dicom_files_make_a_job_without_dicom_files() {
    let place = Place::with(["a", "b", "c", "d"].map(|name| (format!("study/{name}.txt"), "text")));
    let (one, merged) = as_one_and_in_shards(&place);
    assert_eq!(
        (&one["exit_code"], &merged["exit_code"]),
        (&8.into(), &8.into())
    );
    assert_eq!(merged["skipped_by"], one["skipped_by"]);
}

#[test]
fn the_merged_report_feeds_a_run_and_another_merge() {
    for name in ["all.jsonl", "all.json", "all.csv"] {
        let site = Site::start();
        let place = place(&site, ["1.jsonl", "2.jsonl"]);
        place
            .run("report merge 1.jsonl 2.jsonl --output")
            .args([name])
            .exits(0);
        place
            .run("report merge --output twice.jsonl")
            .args([name])
            .exits(0)
            .says("2 files failed");
        for list in [name, "twice.jsonl"] {
            let ran = place
                .run(USUAL)
                .args(["--json", "--files-from", list])
                .at(&site)
                .exits(9);
            assert_eq!(ran.end()["totals"]["found"], 2, "{list}");
        }
    }
}

#[test]
fn forms_may_be_mixed_and_unknown_counts_stay_unknown() {
    let site = Site::start();
    let place = place(&site, ["1.json", "2.csv"]);
    let ran = place
        .run("report merge 1.json 2.csv")
        .exits(0);
    insta::assert_snapshot!(ran.stderr);
    let merged = records(&ran.stdout);
    assert_eq!(
        merged
            .iter()
            .map(|record| record["type"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["report", "failed", "failed"]
    );
    assert_eq!(merged[0]["merged"]["complete"], false);
}

#[test]
fn the_report_of_a_killed_run_leaves_the_whole_incomplete() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    killed(&place, "2.jsonl");
    let ran = place
        .run("report merge 1.jsonl 2.jsonl -o all.jsonl")
        .exits(0);
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(
        read(&place, "all.jsonl")
            .last()
            .unwrap()["type"],
        "failed"
    );
    place
        .run("report merge all.jsonl -o again.jsonl")
        .exits(0)
        .says("warning: all.jsonl is not complete");
}

#[test]
fn the_exit_code_of_a_run_that_could_not_begin_is_that_of_the_whole() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    place
        .run(&format!("two {USUAL} --report 2.jsonl"))
        .exits(4);
    place
        .run("report merge 1.jsonl 2.jsonl -o all.jsonl")
        .exits(0);
    assert_eq!(
        read(&place, "all.jsonl")
            .last()
            .unwrap()["exit_code"],
        4
    );
}

#[test]
fn reports_that_do_not_belong_together_are_refused() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    place
        .run("two -p demo/phantom --profile strict --report strict.jsonl")
        .at(&site)
        .ends();
    place
        .run("two --redact-paths --report redacted.jsonl")
        .args(USUAL.split(' '))
        .at(&site)
        .ends();
    let refused = |other: &str| {
        place
            .run(&format!("report merge 1.jsonl {other} -o all.jsonl"))
            .exits(5)
    };
    refused("strict.jsonl")
        .says("error[report.mismatch]: strict.jsonl does not belong with 1.jsonl: another profile");
    refused("redacted.jsonl")
        .says("error[report.mismatch]")
        .says("`--redact-paths`");
    assert!(!place.path("all.jsonl").exists());
}

#[test]
fn redacted_reports_can_be_merged_and_name_no_path() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    for folder in ["one", "two"] {
        place
            .run(&format!(
                "{folder} {USUAL} --redact-paths --report {folder}.jsonl"
            ))
            .at(&site)
            .exits(3);
    }
    let ran = place
        .run("report merge one.jsonl two.jsonl")
        .exits(0);
    assert!(
        ran.stdout
            .matches("\"path\":\"path:")
            .count()
            == 2
            && !ran.stdout.contains("cut.dcm"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_damaged_report_is_refused_and_nothing_is_written() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    let whole = fs::read_to_string(place.path("2.jsonl")).unwrap();
    place.file("2.jsonl", &whole[..whole.len() - 20]);
    place.file("all.jsonl", "of an earlier merge");
    let ran = place
        .run("report merge 1.jsonl 2.jsonl --output all.jsonl")
        .exits(5);
    insta::assert_snapshot!(ran.stderr);
    place
        .run("report merge 1.jsonl missing.jsonl")
        .exits(5)
        .says("error[report.invalid]")
        .says("missing.jsonl");
    assert_eq!(
        fs::read_to_string(place.path("all.jsonl")).unwrap(),
        "of an earlier merge"
    );
    assert_eq!(
        fs::read_dir(place.path(""))
            .unwrap()
            .count(),
        5,
        "no temporary file is left"
    );
}

#[test]
fn the_output_may_be_one_of_the_inputs() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    place
        .run("report merge 1.jsonl 2.jsonl --output 1.jsonl")
        .exits(0)
        .says("2 files failed of 4 found");
    assert_eq!(read(&place, "1.jsonl").len(), 4);
}

#[cfg(unix)]
#[test]
fn the_merged_report_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    let old = place.file("all.csv", "old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).unwrap();
    place
        .run("report merge 1.jsonl 2.jsonl --output all.csv")
        .exits(0);
    assert_eq!(
        fs::metadata(&old)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[cfg(unix)]
#[test]
fn a_report_that_a_run_is_writing_is_not_replaced() {
    let site = Site::start();
    let place = place(&site, ["1.jsonl", "2.jsonl"]);
    let held = fs::File::open(place.path("2.jsonl")).unwrap();
    held.lock().unwrap();
    place
        .run("report merge 1.jsonl --output 2.jsonl")
        .exits(1)
        .says("error[report.unwritable]")
        .says("a run is writing");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_are_kept_apart() {
    use std::os::unix::ffi::OsStrExt;
    let site = Site::start();
    let place = Place::new();
    for name in [&b"a/\xff.dcm"[..], b"a/\xfe.dcm"] {
        place.file(
            std::ffi::OsStr::from_bytes(name),
            damaged::truncated(&slice(1)),
        );
    }
    place
        .run(&format!("a {USUAL} --report 1.csv"))
        .at(&site)
        .exits(9);
    place
        .run("report merge 1.csv --output all.jsonl")
        .exits(0)
        .says("2 files failed");
    let ran = place
        .run(&format!("{USUAL} --json --files-from all.jsonl"))
        .at(&site)
        .exits(9);
    assert!(
        ran.events_of("failed")
            .iter()
            .all(|failed| failed["code"] == "read.truncated"),
        "both were found: {}",
        ran.stdout
    );
}

#[test]
fn usage() {
    let place = Place::with([("a.jsonl", "")]);
    place
        .run("report merge")
        .exits(2)
        .says("<REPORT>");
    place
        .run("report")
        .exits(2)
        .says("merge");
    place
        .run("report merge a.jsonl --output all.txt")
        .exits(2)
        .says("end the name with .jsonl, .json, .csv, .xml for JUnit, or .md for a summary");
    place
        .run("report merge a.jsonl ./a.jsonl")
        .exits(2)
        .says("is named twice");
    let help = place
        .run("report merge --help")
        .exits(0)
        .stdout;
    assert!(
        help.contains("Examples:") && help.contains("Exit codes:"),
        "{help}"
    );
    let folder = Place::with([("report/1.dcm", slice(1))]);
    folder
        .run(&format!("./report {USUAL} --offline --dry-run"))
        .exits(0);
}

/// A report of one shard with these warnings.
fn with_notices(shard: &str, notices: &[&str]) -> String {
    let first = format!(
        "{{\"type\":\"report\",\"v\":1,\"project\":\"neuro/adni\",\"settings\":{{\"shard\":\"{shard}\"}},\"redacted\":false}}\n"
    );
    let notice = |text| {
        format!(
            "{{\"type\":\"notice\",\"severity\":\"warning\",\"code\":\"twin-container\",\"text\":\"{text}\"}}\n"
        )
    };
    let notices: String = notices.iter().map(notice).collect();
    first
        + &notices
        + "{\"type\":\"end\",\"found\":1,\"uploaded\":1,\"skipped\":0,\"failed\":0,\"exit_code\":0}\n"
}

#[test]
fn what_parallel_runs_left_twice_is_in_the_merged_report_once() {
    let place = Place::new();
    let (one, two) = ("session a exists twice", "session b exists twice");
    place.file("1.jsonl", with_notices("1/2", &[one, two]));
    place.file("2.jsonl", with_notices("2/2", &[one]));
    for output in ["all.jsonl", "all.json"] {
        place
            .run(&format!(
                "report merge 1.jsonl 2.jsonl --output {output} --exit-code"
            ))
            .exits(0)
            .says("warning: 2 containers exist twice");
        let text = fs::read_to_string(place.path(output)).unwrap();
        for twin in [one, two] {
            assert_eq!(text.matches(twin).count(), 1, "{text}");
        }
    }
    // They come along when merged reports are merged again.
    place.file("3.jsonl", with_notices("1/2", &[]));
    for merged in ["all.jsonl", "all.json"] {
        let again = place
            .run(&format!("report merge {merged}"))
            .exits(0);
        assert!(again.stdout.contains(two), "{}", again.stdout);
    }
    place
        .run("report merge 2.jsonl 3.jsonl")
        .exits(0)
        .says("a container exists twice");
}
