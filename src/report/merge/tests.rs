//! Merges of reports as runs write them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::event::ImageCounts;
use crate::failure::RunCode;

const FACTS: &str = r#""version":"0.1.0","mode":"upload","project":"neuro/adni","site":"https://site.example","profile":{"name":"basic","level":"local","digest":"sha256:00","pseudonym_key":"key-1"},"settings":{"package":"series","jobs":"4"},"redacted":false"#;

/// A report as JSON lines: facts, paths that failed with their codes, and the counts at its end, if
/// it has one.
fn lines(facts: &str, failed: &[(&str, &str)], end: Option<(u64, u8)>) -> String {
    let first = format!("{{\"type\":\"report\",\"v\":1,{facts}}}\n");
    let failures = failed
        .iter()
        .map(|(path, code)| format!("{}\n", record_of(path, code)));
    let number = failed.len();
    let end = end.map(|(uploaded, code)| {
        let found = uploaded + number as u64;
        let counts = format!("\"found\":{found},\"uploaded\":{uploaded},\"prepared\":0,\"already_there\":0,\"skipped\":0,\"failed\":{number},\"bytes\":9,\"as_they_are\":0,\"bytes_as_they_are\":0,\"subjects\":1,\"sessions\":1,\"acquisitions\":1,\"unreadable\":2");
        format!("{{\"type\":\"end\",{counts},\"skipped_by\":{{}},\"failed_by\":{{}},\"exit_code\":{code}}}\n")
    });
    std::iter::once(first)
        .chain(failures)
        .chain(end)
        .collect()
}

fn record_of(path: &str, code: &str) -> String {
    format!(
        "{{\"type\":\"failed\",\"path\":\"{path}\",\"stage\":\"read\",\"code\":\"{code}\",\"message\":\"m\",\"hint\":\"h\",\"retryable\":false,\"http_status\":null,\"attempts\":0}}"
    )
}

/// Merges files of these names and contents in this order.
fn merged(files: &[(&str, &str)]) -> Result<MergedReport, Error> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = files
        .iter()
        .map(|(name, _)| folder.path().join(name))
        .collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        fs::write(path, text).unwrap();
    }
    let inside = |text: &str| text.replace(&format!("{}/", folder.path().display()), "");
    let merged = merge(&paths, |runs, totals| {
        runs.iter()
            .map(|(code, _)| *code)
            .max()
            .unwrap()
            + u8::try_from(totals.uploaded).unwrap()
    });
    let merged = merged.map(|mut merged| {
        merged
            .remarks
            .iter_mut()
            .for_each(|(_, text)| *text = inside(text));
        merged
    });
    merged.map_err(|error| Error {
        what: inside(&error.what),
        why: error
            .why
            .iter()
            .map(|why| inside(why))
            .collect(),
        ..error
    })
}

fn written(merged: &MergedReport, format: ReportFormat) -> String {
    String::from_utf8(merged.bytes(format).unwrap()).unwrap()
}

fn refused(files: &[(&str, &str)]) -> String {
    merged(files)
        .err()
        .expect("an error")
        .to_string()
}

fn usual() -> [(&'static str, String); 2] {
    let one = lines(
        FACTS,
        &[("b.dcm", "read.io"), ("a.dcm", "read.io")],
        Some((3, 3)),
    );
    let two = lines(FACTS, &[("c.dcm", "deid.rule-failed")], Some((4, 3)));
    [("one.jsonl", one), ("two.jsonl", two)]
}

#[test]
fn files_are_sorted_and_counts_added_up_in_any_order_of_reports() {
    let [one, two] = usual();
    let there = merged(&[(one.0, &one.1), (two.0, &two.1)]).unwrap();
    let back = merged(&[(two.0, &two.1), (one.0, &one.1)]).unwrap();
    let text = written(&there, ReportFormat::JsonLines);
    assert_eq!(text, written(&back, ReportFormat::JsonLines));
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let paths: Vec<_> = records[1..4]
        .iter()
        .map(|record| record["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["a.dcm", "b.dcm", "c.dcm"]);
    assert_eq!(
        records[0]["merged"],
        json!({ "reports": 2, "complete": true, "shards": [] })
    );
    let end = json!({ "type": "end", "found": 10, "uploaded": 7, "prepared": 0, "already_there": 0, "skipped": 0,
        "failed": 3, "bytes": 18, "as_they_are": 0, "bytes_as_they_are": 0, "unreadable": 4,
        "images": { "looked_at": 0, "blanked": 0, "uncertain": 0, "nothing_found_in_risky_image": 0,
            "not_decoded": 0, "refused": 0, "faces": 0 },
        "skipped_by": {},
        "failed_by": { "deid.rule-failed": 1, "read.io": 2 }, "exit_code": 10 });
    assert_eq!(records[4], end, "the exit code is the one of `exit_code`");
    let fields = |record: &Value| {
        record
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&records[4]), fields(&end), "in the order of a run");
    assert_eq!(
        there.summary(),
        "merged 2 reports: 3 files failed of 10 found"
    );
    assert!(there.remarks().is_empty());
}

#[test]
fn a_file_that_failed_twice_is_listed_once_as_in_the_last_report() {
    let one = lines(FACTS, &[("a.dcm", "read.io")], Some((1, 3)));
    let two = lines(FACTS, &[("a.dcm", "read.truncated")], Some((1, 3)));
    let merged = merged(&[("one.jsonl", &one), ("two.jsonl", &two)]).unwrap();
    let text = written(&merged, ReportFormat::JsonLines);
    assert!(
        text.contains("read.truncated") && !text.contains("read.io"),
        "{text}"
    );
    assert_eq!(
        merged.summary(),
        "merged 2 reports: 1 file failed of 3 found"
    );
}

#[test]
fn files_of_other_shards_are_found_once() {
    let shard = |number: u32, elsewhere: u32| {
        let facts = FACTS.replace(
            "\"jobs\":\"4\"",
            &format!("\"jobs\":\"4\",\"shard\":\"{number}/2\""),
        );
        let first = lines(&facts, &[], None);
        let counts = format!(
            "\"found\":10,\"uploaded\":{},\"skipped\":{elsewhere},\"failed\":0",
            10 - elsewhere
        );
        format!(
            "{first}{{\"type\":\"end\",{counts},\"skipped_by\":{{\"other-shard\":{elsewhere}}},\"exit_code\":0}}\n"
        )
    };
    let whole = merged(&[("2.jsonl", &shard(2, 7)), ("1.jsonl", &shard(1, 3))]).unwrap();
    assert_eq!(
        whole.summary(),
        "merged 2 reports: 0 files failed of 10 found"
    );
    let (totals, _) = whole.end.as_ref().unwrap();
    assert_eq!((totals.uploaded, totals.skipped), (10, 0));
    assert!(totals.skipped_by.is_empty());
    let merged = whole.facts.merged.as_ref().unwrap();
    assert_eq!(merged.shards, ["1/2", "2/2"]);
    assert_eq!(
        Value::Object(whole.facts.settings.unwrap()),
        json!({ "package": "series", "jobs": "4" })
    );
}

#[test]
fn missing_and_duplicate_shards_leave_the_whole_open() {
    let shard = |text: &str| {
        lines(
            &FACTS.replace("\"jobs\":\"4\"", &format!("\"shard\":\"{text}\"")),
            &[],
            Some((1, 0)),
        )
    };
    let warned = |files: &[(&str, &str)]| {
        let merged = merged(files).unwrap();
        assert!(
            merged.end.is_none()
                && !merged
                    .facts
                    .merged
                    .as_ref()
                    .unwrap()
                    .complete
        );
        merged.remarks()[0].1.clone()
    };
    assert_eq!(
        warned(&[("a.jsonl", &shard("1/2"))]),
        "the report of shard 2/2 is missing"
    );
    assert_eq!(
        warned(&[("a.jsonl", &shard("2/4"))]),
        "the reports of shards 1/4, 3/4, 4/4 are missing"
    );
    assert!(
        warned(&[("a.jsonl", &shard("1/5000000000"))])
            .starts_with("the reports of 4999999999 shards are missing, of 2/")
    );
    let twice = warned(&[("a.jsonl", &shard("1/1")), ("b.jsonl", &shard("1/1"))]);
    assert_eq!(
        twice,
        "shard 1/1 is in a.jsonl and in b.jsonl: its files would count twice"
    );
    let error = refused(&[("a.jsonl", &shard("1/2")), ("b.jsonl", &shard("1/3"))]);
    assert!(
        error.contains("b.jsonl does not belong with a.jsonl: another number of shards"),
        "{error}"
    );
}

#[test]
fn a_run_that_did_not_end_leaves_the_whole_without_an_end() {
    let [one, _] = usual();
    let killed = lines(FACTS, &[("z.dcm", "read.io")], None);
    let open = merged(&[(one.0, &one.1), ("killed.jsonl", &killed)]).unwrap();
    assert!(
        open.remarks()[0]
            .1
            .starts_with("killed.jsonl has no end: its run was killed"),
        "{:?}",
        open.remarks()
    );
    assert_eq!(
        open.summary(),
        "merged 2 reports: 3 files failed; how many were found is not known"
    );
    for (name, format) in [
        ("again.jsonl", ReportFormat::JsonLines),
        ("again.json", ReportFormat::Json),
    ] {
        let text = written(&open, format);
        assert!(!text.contains("\"end\""), "{text}");
        let again = merged(&[(name, &text)]).unwrap();
        assert!(
            again.end.is_none()
                && again.remarks()[0]
                    .1
                    .starts_with(&format!("{name} is not complete")),
            "{:?}",
            again.remarks()
        );
    }
}

#[test]
fn every_form_can_be_merged_with_every_other() {
    let [one, two] = usual();
    let whole = merged(&[(one.0, &one.1), (two.0, &two.1)]).unwrap();
    let [json, csv] = [ReportFormat::Json, ReportFormat::Csv].map(|format| written(&whole, format));
    let mixed = merged(&[("one.json", &json), ("one.csv", &csv), (one.0, &one.1)]).unwrap();
    assert_eq!(
        mixed
            .failures
            .values()
            .collect::<Vec<_>>(),
        whole
            .failures
            .values()
            .collect::<Vec<_>>()
    );
    assert_eq!(
        mixed.facts.profile, whole.facts.profile,
        "the key is known though CSV does not name it"
    );
    let (severity, text) = &mixed.remarks()[0];
    assert_eq!(*severity, Severity::Notice);
    assert!(
        text.starts_with("2 reports hold failures alone") && mixed.end.is_none(),
        "{text}"
    );
}

#[test]
fn paths_are_compared_by_their_exact_bytes() {
    let lossy = |bytes: &str| {
        record_of("?.dcm", "read.io").replace(
            "\"stage\"",
            &format!("\"path_bytes\":\"{bytes}\",\"stage\""),
        )
    };
    let text = lines(FACTS, &[], None) + &lossy("/y5kY20=") + "\n" + &lossy("/i5kY20=") + "\n";
    let two = merged(&[("a.jsonl", &text)]).unwrap();
    assert_eq!(
        two.failures
            .keys()
            .collect::<Vec<_>>(),
        [b"\xfe.dcm", b"\xff.dcm"]
    );
    let again = merged(&[
        ("a.csv", &written(&two, ReportFormat::Csv)),
        ("a.jsonl", &text),
    ])
    .unwrap();
    assert_eq!(again.failures, two.failures);
}

#[test]
fn the_guard_of_a_path_against_formulas_is_not_part_of_it() {
    let one = lines(FACTS, &[("-1.dcm", "read.io")], Some((0, 9)));
    let csv = written(&merged(&[("a.jsonl", &one)]).unwrap(), ReportFormat::Csv);
    assert!(csv.contains("./-1.dcm"), "{csv}");
    assert_eq!(
        merged(&[("a.jsonl", &one), ("a.csv", &csv)])
            .unwrap()
            .failures
            .len(),
        1
    );
}

#[test]
fn reports_that_do_not_belong_together_are_refused_with_the_reason() {
    let [one, _] = usual();
    let differs = |from: &str, to: &str| {
        let other = lines(&FACTS.replace(from, to), &[], Some((1, 0)));
        let error = merged(&[(one.0, &one.1), ("other.jsonl", &other)])
            .err()
            .unwrap();
        assert_eq!(error.code, RunCode::ReportMismatch);
        format!("{}\n{}", error.what, error.why.join("\n"))
    };
    let all = [
        differs("neuro/adni", "neuro/other"),
        differs("https://site.example", "https://other.example"),
        differs("\"upload\"", "\"dry-run\""),
        differs("sha256:00", "sha256:01"),
        differs(
            &FACTS[FACTS.find("{\"name\"").unwrap()..FACTS.find(",\"settings\"").unwrap()],
            "null",
        ),
        differs("key-1", "key-2"),
        differs("\"redacted\":false", "\"redacted\":true"),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_run_that_stopped_before_its_project_was_known_belongs_with_any() {
    let [one, _] = usual();
    let stopped = lines("\"redacted\":false", &[], Some((0, 4)));
    let merged = merged(&[("stopped.jsonl", &stopped), (one.0, &one.1)]).unwrap();
    assert_eq!(
        (
            merged.facts.project.as_deref(),
            merged.end.as_ref().unwrap().1
        ),
        (Some("neuro/adni"), 4 + 3)
    );
}

#[test]
fn different_versions_give_a_remark() {
    let [one, _] = usual();
    let newer = lines(&FACTS.replace("0.1.0", "0.2.0"), &[], Some((1, 0)));
    let both = merged(&[("newer.jsonl", &newer), (one.0, &one.1)]).unwrap();
    assert_eq!(both.facts.version.as_deref(), Some("0.1.0, 0.2.0"));
    assert_eq!(
        both.remarks()[0].1,
        "the reports are of several versions of fwupload: 0.1.0, 0.2.0"
    );
    assert!(both.end.is_some());
}

#[test]
fn a_damaged_report_is_refused_with_the_line() {
    let [one, _] = usual();
    let whole = merged(&[(one.0, &one.1)]).unwrap();
    let [json, csv] = [ReportFormat::Json, ReportFormat::Csv].map(|format| written(&whole, format));
    let cut = |text: &str| text[..text.len() - 8].to_owned();
    let no_line = |text: &str, at: usize| {
        let left: Vec<&str> = text
            .split_inclusive('\n')
            .enumerate()
            .filter(|(n, _)| *n != at)
            .map(|(_, line)| line)
            .collect();
        left.concat()
    };
    let cases: [(&str, String); 18] = [
        ("cut-early.jsonl", one.1[..40].to_owned()),
        ("cut.jsonl", cut(&one.1)),
        ("cut.json", cut(&json)),
        ("cut.csv", cut(&csv)),
        ("line-missing.jsonl", no_line(&one.1, 1)),
        ("first-missing.jsonl", no_line(&one.1, 0)),
        ("two-in-one.jsonl", lines(FACTS, &[], None) + &one.1),
        (
            "after-the-end.jsonl",
            format!("{}{}\n", one.1, record_of("x", "y")),
        ),
        (
            "garbage.jsonl",
            one.1
                .replace("\"b.dcm\"", "\"b.dcm"),
        ),
        ("events.jsonl", "{\"type\":\"start\",\"v\":1}\n".to_owned()),
        ("newer.jsonl", one.1.replace("\"v\":1", "\"v\":2")),
        ("newer.json", json.replace("\"v\":1", "\"v\":2")),
        ("empty.jsonl", String::new()),
        ("other.json", "{\"a\":1}".to_owned()),
        ("list.csv", "scans/a.dcm\n".to_owned()),
        (
            "no-path.json",
            json.replace("\"path\":\"a.dcm\"", "\"path\":1"),
        ),
        (
            "rows-of-two.csv",
            format!(
                "{csv}{}",
                csv.lines()
                    .last()
                    .unwrap()
                    .replace("adni", "other")
                    + "\n"
            ),
        ),
        ("report.txt", one.1.clone()),
    ];
    let said = cases
        .iter()
        .map(|(name, text)| refused(&[(name, text)]));
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_missing_report_and_a_duplicate_are_errors() {
    let error = merge(&["missing.jsonl".into()], |_, _| 0)
        .err()
        .unwrap();
    assert_eq!(error.code, RunCode::ReportInvalid);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, &usual()[0].1).unwrap();
    let same = folder
        .path()
        .join(Path::new("./a.jsonl"));
    assert_eq!(
        merge(&[path, same], |_, _| 0)
            .err()
            .unwrap()
            .code,
        RunCode::Usage
    );
}

#[test]
fn counts_of_images_are_added_up_and_those_of_a_later_version_passed_over() {
    let [one, two] = usual();
    let with = |text: &str, images: &str| {
        text.replace(
            "\"skipped_by\":{}",
            &format!("\"images\":{images},\"skipped_by\":{{}}"),
        )
    };
    let first = with(
        &one.1,
        r#"{"looked_at":300,"blanked":12,"faces":1,"new":9}"#,
    );
    let second = with(&two.1, r#"{"looked_at":40,"not_decoded":2,"faces":1}"#);
    let images = |second: &str| {
        let merged = merged(&[("one.jsonl", &first), ("two.jsonl", second)]).unwrap();
        merged.end.unwrap().0.images
    };
    let sum = ImageCounts {
        looked_at: 340,
        blanked: 12,
        not_decoded: 2,
        faces: 2,
        ..ImageCounts::default()
    };
    assert_eq!(images(&second), sum);
    let of_earlier_version = images(&two.1);
    assert_eq!(
        (of_earlier_version.looked_at, of_earlier_version.faces),
        (300, 1)
    );
}

#[test]
fn records_and_reasons_that_a_later_version_added_are_passed_over() {
    let [one, _] = usual();
    let added = "\"skipped_by\":{\"new-reason\":1,\"not-dicom\":2},\"new\":{\"a\":1}";
    let text = one
        .1
        .replace("\"skipped_by\":{}", added);
    let text = text.replace(
        "{\"type\":\"failed\"",
        "{\"type\":\"new\"}\n{\"type\":\"failed\"",
    );
    let merged = merged(&[("one.jsonl", &text)]).unwrap();
    let (totals, _) = merged.end.as_ref().unwrap();
    assert_eq!(totals.skipped_by, [(SkipReason::NotDicom, 2)].into());
}

#[test]
fn a_merged_report_has_its_reasons_by_name() {
    let [one, _] = usual();
    let reasons = "\"skipped_by\":{\"not-dicom\":2,\"archive\":1}";
    let text = one
        .1
        .replace("\"skipped_by\":{}", reasons);
    let merged = merged(&[("one.jsonl", &text)]).unwrap();
    let text = written(&merged, ReportFormat::JsonLines);
    assert!(
        text.contains("\"skipped_by\":{\"archive\":1,\"not-dicom\":2}"),
        "{text}"
    );
}
