//! One made-up run, told by every consumer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod schemas;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::cli::PathList;
use crate::config::{Progress, ReportFormat, Verbosity};
use crate::discover::{Discovery, Found, Inputs, SkipReason};
use crate::event::{
    Events, FileOutcome, Mode, Notice, ProfileFacts, RunEnd, RunStart, RunTotals, Settled,
    Severity, Stored,
};
use crate::failure::{FileCode, FileFailure};
use dicom_deid::{LookVerdict, PixelLook, TextFind};

/// Those that can be read again.
const FORMATS: [ReportFormat; 3] = [
    ReportFormat::JsonLines,
    ReportFormat::Json,
    ReportFormat::Csv,
];

/// A stream whose content a test can look at afterwards.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SharedBuffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn settled(path: &str, outcome: FileOutcome) -> Event {
    Event::Settled(Settled {
        path: Arc::new(path.into()),
        bytes: 1000,
        outcome,
        sent: None,
    })
}

pub(super) fn failed(path: &str, failure: FileFailure) -> Event {
    settled(path, FileOutcome::Failed(failure))
}

fn stored() -> Arc<Stored> {
    let destination = "neuro/adni/p-1/2020/3 - T1".to_owned();
    let (container_id, file_id) = (Some("5e0".to_owned()), None);
    Arc::new(Stored {
        destination,
        container_id,
        file: "3 - T1.dicom.zip".to_owned(),
        size: 900,
        file_id,
        other_file: false,
        container_ids: Vec::new(),
    })
}

pub(super) fn started() -> Event {
    let digest = "sha256:0123456789abcdef0123".into();
    let profile = ProfileFacts {
        name: "basic".into(),
        level: "local",
        digest,
        key: None,
    };
    Event::Started(Box::new(RunStart {
        version: "1.2.3",
        project: "neuro/adni".into(),
        site: Some("https://site.example".into()),
        project_url: None,
        mode: Mode::Upload,
        profile: Some(profile),
        settings: vec![("package".into(), "series".into())],
    }))
}

/// Every event once; seven files fail for the same reason.
pub(super) fn run() -> Vec<Event> {
    let truncated = |n: u32| {
        failed(
            &format!("doe/{n}.dcm"),
            FileFailure::new(FileCode::ReadTruncated, "inside (7FE0,0010)"),
        )
    };
    let mut refused = FileFailure::new(FileCode::UploadServer, "no answer for doe/x\u{1b}[2J.dcm")
        .with_hint("wait, then go on");
    (refused.http_status, refused.attempts) = (Some(503), 5);
    let text = "names may identify\nlook at them first".to_owned();
    let mut events = vec![
        started(),
        Event::Notice(Notice {
            severity: Severity::Warning,
            code: "phi.other-files",
            text,
        }),
        Event::Discovered {
            files: 11,
            bytes: 11_000,
            done: true,
        },
        Event::Deidentified {
            path: Arc::new("doe/a.dcm".into()),
            changed: 12,
        },
        Event::Retrying {
            what: "POST /api/upload".into(),
            cause: "503".into(),
            wait: Duration::from_millis(1500),
            attempt: 2,
        },
        Event::Retrying {
            what: "POST /api/upload".into(),
            cause: "503".into(),
            wait: Duration::from_secs(3),
            attempt: 3,
        },
        Event::Sent { bytes: 900 },
        settled("doe/a.dcm", FileOutcome::Uploaded(stored())),
        settled("doe/b.dcm", FileOutcome::AlreadyThere(stored())),
        settled("doe/notes.txt", FileOutcome::Skipped(SkipReason::NotDicom)),
        failed("doe/x\u{1b}[2J.dcm", refused),
    ];
    events.extend((1..=7).map(truncated));
    let mut counters = Counters::default();
    for event in &events {
        counters.count(event, Duration::from_secs(4));
    }
    let end = RunEnd {
        totals: counters.totals,
        duration: Duration::from_secs(4),
        exit_code: 3,
        stopped_by: None,
    };
    events.push(Event::Ended(Box::new(end)));
    events
}

pub(super) fn consume(consumer: &mut dyn EventConsumer, events: &[Event]) {
    let mut counters = Counters::default();
    for event in events {
        counters.count(event, Duration::from_secs(4));
        consumer
            .event(event, &counters)
            .unwrap();
        if matches!(event, Event::Sent { .. }) {
            consumer.tick(&counters).unwrap();
            consumer.tick(&counters).unwrap();
        }
    }
    consumer.flush().unwrap();
}

pub(super) fn report_path() -> ReportPath {
    ReportPath::new("fwupload-failures.jsonl".into(), WriteCondition::OnFailure)
}

pub(super) fn shown_on_console(
    verbosity: Verbosity,
    color: bool,
    paths: Paths,
    events: &[Event],
) -> String {
    let out = SharedBuffer::default();
    let printer = Printer::new(Box::new(out.clone()), color);
    let command = Some("fwupload doe -p neuro/adni".to_owned());
    let mut console = Console::new(
        printer,
        paths,
        (verbosity, Progress::Off),
        report_path(),
        command,
    );
    consume(&mut console, events);
    out.text()
}

fn json(paths: Paths, events: &[Event]) -> String {
    let out = SharedBuffer::default();
    consume(
        &mut EventStream::new(Box::new(out.clone()), paths, report_path()),
        events,
    );
    out.text()
}

pub(super) fn report(folder: &Path, name: &str, format: ReportFormat, named: bool) -> Report {
    let path = folder.join(name);
    Report {
        path,
        format,
        named,
        rehearsal: false,
        fallback: None,
        log: None,
        manifest: None,
        deid_log: None,
        review: None,
        page_progress: None,
        step_summary: None,
        redact_paths: false,
        strictness: crate::exit::Strictness::default(),
    }
}

fn written(format: ReportFormat, paths: Paths, events: &[Event]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let name = match format {
        ReportFormat::JsonLines => "r.jsonl",
        ReportFormat::Json => "r.json",
        ReportFormat::Csv => "r.csv",
        ReportFormat::Junit => "r.xml",
        ReportFormat::Markdown => "r.md",
    };
    let report = report(folder.path(), name, format, true);
    consume(
        &mut FailureReport::open(&report, paths, report_path()).unwrap(),
        events,
    );
    (folder, report.path)
}

fn written_text(format: ReportFormat, paths: Paths, events: &[Event]) -> String {
    let (_folder, path) = written(format, paths, events);
    fs::read_to_string(path).unwrap()
}

/// The text of a report and of the one that is made of it alone.
fn written_and_merged(format: ReportFormat, events: &[Event]) -> [String; 2] {
    let (_folder, path) = written(format, Paths::Plain, events);
    let merged = merge(std::slice::from_ref(&path), |runs, _| runs[0].0).unwrap();
    let merged = merged.bytes(format).unwrap();
    [fs::read(path).unwrap(), merged].map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn the_console_shows_what_matters() {
    insta::assert_snapshot!(shown_on_console(Verbosity::Normal, false, Paths::Plain, &run()), @r#"
    to neuro/adni at https://site.example: de-identified with "basic" (given locally, sha256:0123456789ab…)
    warning[phi.other-files]: names may identify
      look at them first
    retrying POST /api/upload in 1.5s (attempt 2): 503
    failed [upload.server-error] doe/x\u{1b}[2J.dcm: the server failed until the retries were used up: no answer for doe/x\u{1b}[2J.dcm
      hint: wait, then go on
    failed [read.truncated] doe/1.dcm: the file ends inside a data element: inside (7FE0,0010)
      hint: export or copy the file again from where it came from
    failed [read.truncated] doe/2.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/3.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/4.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/5.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated]: and 2 more like this
    Uploaded   1 file  1000 B  in 4.0s  to neuro/adni
    Already    1
    Skipped    1  (1 not DICOM)
    Failed     8  (7 read.truncated, 1 upload.server-error)
      → details: fwupload-failures.jsonl
      → meaning: fwupload explain read.truncated
      → try again: fwupload doe -p neuro/adni
    "#);
}

#[test]
fn the_console_shows_a_line_per_file_on_request() {
    insta::assert_snapshot!(shown_on_console(Verbosity::Trace, false, Paths::Plain, &run()), @r#"
    to neuro/adni at https://site.example: de-identified with "basic" (given locally, sha256:0123456789ab…)
    warning[phi.other-files]: names may identify
      look at them first
    de-identified doe/a.dcm: 12 elements changed or removed
    retrying POST /api/upload in 1.5s (attempt 2): 503
    retrying POST /api/upload in 3.0s (attempt 3): 503
    uploaded doe/a.dcm → neuro/adni/p-1/2020/3 - T1/3 - T1.dicom.zip
    already there doe/b.dcm → neuro/adni/p-1/2020/3 - T1/3 - T1.dicom.zip
    skipped [not-dicom] doe/notes.txt: not DICOM
    failed [upload.server-error] doe/x\u{1b}[2J.dcm: the server failed until the retries were used up: no answer for doe/x\u{1b}[2J.dcm
      hint: wait, then go on
    failed [read.truncated] doe/1.dcm: the file ends inside a data element: inside (7FE0,0010)
      hint: export or copy the file again from where it came from
    failed [read.truncated] doe/2.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/3.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/4.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/5.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/6.dcm: the file ends inside a data element: inside (7FE0,0010)
    failed [read.truncated] doe/7.dcm: the file ends inside a data element: inside (7FE0,0010)
    Uploaded   1 file  1000 B  in 4.0s  to neuro/adni
    Already    1
    Skipped    1  (1 not DICOM)
    Failed     8  (7 read.truncated, 1 upload.server-error)
      → details: fwupload-failures.jsonl
      → meaning: fwupload explain read.truncated
      → try again: fwupload doe -p neuro/adni
    "#);
}

#[test]
fn quiet_shows_errors_and_the_final_line_and_silent_shows_nothing() {
    let quiet = shown_on_console(Verbosity::Quiet, false, Paths::Plain, &run());
    assert!(
        !quiet.contains("neuro/adni at") && quiet.contains("failed [read.truncated] doe/1.dcm"),
        "{quiet}"
    );
    assert_eq!(
        quiet.lines().last().unwrap(),
        "Uploaded 1 file  1000 B  in 4.0s  to neuro/adni; 1 already there; 1 skipped; 8 failed"
    );
    assert_eq!(
        shown_on_console(Verbosity::Silent, false, Paths::Plain, &run()),
        ""
    );
}

#[test]
fn colour_repeats_the_meaning_and_changes_no_word() {
    let colored = shown_on_console(Verbosity::Normal, true, Paths::Plain, &run());
    assert!(
        colored.contains("\u{1b}[31mfailed [upload.server-error]\u{1b}[0m doe/x\\u{1b}[2J.dcm"),
        "{colored}"
    );
    let stripped = [
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[33m",
        "\u{1b}[2m",
        "\u{1b}[0m",
    ];
    let stripped = stripped
        .iter()
        .fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(
        stripped,
        shown_on_console(Verbosity::Normal, false, Paths::Plain, &run())
    );
}

#[test]
fn a_run_that_was_stopped_shows_the_error() {
    let error = Error::new(
        RunCode::NetworkUnavailable,
        "site.example cannot be reached",
    )
    .because("connection refused");
    let stopped_by = Some(error);
    let end = RunEnd {
        totals: RunTotals::default(),
        duration: Duration::ZERO,
        exit_code: 7,
        stopped_by,
    };
    let shown = shown_on_console(
        Verbosity::Normal,
        false,
        Paths::Plain,
        &[started(), Event::Ended(Box::new(end.clone()))],
    );
    insta::assert_snapshot!(shown, @r#"
    to neuro/adni at https://site.example: de-identified with "basic" (given locally, sha256:0123456789ab…)
    error[network.unavailable]: site.example cannot be reached
      connection refused
    hint: check network, proxy and `--site`, then run the same command again
    Uploaded   0 files  in 0.0s  to neuro/adni
      → try again: fwupload doe -p neuro/adni
    "#);
    let stream = json(Paths::Plain, &[Event::Ended(Box::new(end))]);
    assert!(
        stream.starts_with(r#"{"type":"end","v":1,"#) && stream.contains(r#""exit_code":7"#),
        "{stream}"
    );
}

#[test]
fn the_event_stream_has_one_object_per_line() {
    insta::assert_snapshot!(json(Paths::Plain, &run()), @r#"
    {"type":"start","v":1,"version":"1.2.3","mode":"upload","project":"neuro/adni","site":"https://site.example","profile":{"name":"basic","level":"local","digest":"sha256:0123456789abcdef0123","pseudonym_key":null},"settings":{"package":"series"},"redacted":false}
    {"type":"notice","severity":"warning","code":"phi.other-files","text":"names may identify\nlook at them first"}
    {"type":"discovered","files":11,"bytes":11000,"done":true}
    {"type":"deidentified","path":"doe/a.dcm","changed":12}
    {"type":"retrying","what":"POST /api/upload","cause":"503","wait":1.5,"attempt":2}
    {"type":"retrying","what":"POST /api/upload","cause":"503","wait":3.0,"attempt":3}
    {"type":"progress","elapsed":4.0,"files":11,"bytes":11000,"walked":true,"deidentified":1,"settled":0,"settled_bytes":0,"uploaded":0,"prepared":0,"already_there":0,"skipped":0,"failed":0,"sent_bytes":900,"rate":0,"eta":null}
    {"type":"uploaded","path":"doe/a.dcm","receipt":{"destination":"neuro/adni/p-1/2020/3 - T1","container_id":"5e0","file":"3 - T1.dicom.zip","size":900,"file_id":null,"other_file":false}}
    {"type":"already-there","path":"doe/b.dcm","receipt":{"destination":"neuro/adni/p-1/2020/3 - T1","container_id":"5e0","file":"3 - T1.dicom.zip","size":900,"file_id":null,"other_file":false}}
    {"type":"skipped","path":"doe/notes.txt","reason":"not-dicom"}
    {"type":"failed","path":"doe/x\u001b[2J.dcm","stage":"upload","code":"upload.server-error","message":"the server failed until the retries were used up: no answer for doe/x\u001b[2J.dcm","hint":"wait, then go on","retryable":true,"http_status":503,"attempts":5}
    {"type":"failed","path":"doe/1.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/2.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/3.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/4.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/5.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/6.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"failed","path":"doe/7.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"end","totals":{"found":11,"uploaded":1,"prepared":0,"already_there":1,"skipped":1,"failed":8,"bytes":1000,"as_they_are":0,"bytes_as_they_are":0,"subjects":0,"sessions":0,"acquisitions":0,"unreadable":0,"images":{"looked_at":0,"blanked":0,"uncertain":0,"nothing_found_in_risky_image":0,"not_decoded":0,"refused":0,"faces":0},"skipped_by":{"not-dicom":1},"failed_by":{"read.truncated":7,"upload.server-error":1}},"duration":4.0,"exit_code":3,"report":"fwupload-failures.jsonl","stopped_by":null}
    "#);
}

/// A run in which images were looked at: one blanked, one that fails, one that is of a head.
fn looking() -> Vec<Event> {
    let banner = PixelLook {
        verdict: LookVerdict::Blanked,
        frames: 40,
        frames_looked_at: 40,
        finds: vec![TextFind {
            frames: [1, 40],
            area: [10, 5, 120, 20],
            likelihood: 97,
        }],
        blanked: 12,
        face: false,
    };
    let refused = PixelLook {
        verdict: LookVerdict::Refused,
        frames: 1,
        frames_looked_at: 1,
        finds: vec![TextFind {
            frames: [1, 1],
            area: [0, 0, 80, 12],
            likelihood: 88,
        }],
        ..PixelLook::default()
    };
    let head = PixelLook {
        verdict: LookVerdict::NothingFound,
        frames: 1,
        frames_looked_at: 1,
        face: true,
        ..PixelLook::default()
    };
    let usual = PixelLook {
        face: false,
        ..head.clone()
    };
    let failure = FileFailure {
        look: Some(Box::new(refused.clone())),
        ..FileFailure::new(FileCode::DeidTextFound, "")
    };
    let (sender, receiver) = crossbeam_channel::unbounded();
    let events = Events::new(sender);
    for (path, look) in [
        ("doe/us.dcm", &banner),
        ("doe/ct.dcm", &refused),
        ("doe/head.dcm", &head),
        ("doe/knee.dcm", &usual),
    ] {
        events.looked(&Arc::new(path.into()), look);
    }
    events.settle(Settled {
        path: Arc::new("doe/ct.dcm".into()),
        bytes: 1000,
        outcome: FileOutcome::Failed(failure),
        sent: None,
    });
    let totals = events.with_totals(|totals| totals.clone());
    events.send(Event::Ended(Box::new(RunEnd {
        totals,
        duration: Duration::from_secs(1),
        exit_code: 3,
        stopped_by: None,
    })));
    receiver.try_iter().collect()
}

#[test]
fn what_was_seen_in_images_is_told_by_file_where_there_is_something_to_tell() {
    let events = looking();
    insta::assert_snapshot!(json(Paths::Plain, &events), @r#"
    {"type":"pixels","v":1,"path":"doe/us.dcm","verdict":"blanked","frames":40,"frames_looked_at":40,"finds":[{"frames":[1,40],"area":[10,5,120,20],"likelihood":97}],"blanked_permille":12,"face":false}
    {"type":"pixels","path":"doe/ct.dcm","verdict":"refused","frames":1,"frames_looked_at":1,"finds":[{"frames":[1,1],"area":[0,0,80,12],"likelihood":88}],"blanked_permille":0,"face":false}
    {"type":"pixels","path":"doe/head.dcm","verdict":"nothing-found","frames":1,"frames_looked_at":1,"finds":[],"blanked_permille":0,"face":true}
    {"type":"failed","path":"doe/ct.dcm","stage":"deid","code":"deid.text-found","message":"the image shows what is likely text, where none is expected","hint":"look at it (`--pictures DIR`); then name the place in `[[dicom.pixels.regions]]`, or say `blank-finds = true` in `[dicom.pixels]`","retryable":false,"http_status":null,"attempts":0,"pixels":{"verdict":"refused","frames":1,"frames_looked_at":1,"finds":[{"frames":[1,1],"area":[0,0,80,12],"likelihood":88}],"blanked_permille":0,"face":false}}
    {"type":"end","totals":{"found":1,"uploaded":0,"prepared":0,"already_there":0,"skipped":0,"failed":1,"bytes":0,"as_they_are":0,"bytes_as_they_are":0,"subjects":0,"sessions":0,"acquisitions":0,"unreadable":0,"images":{"looked_at":4,"blanked":1,"uncertain":0,"nothing_found_in_risky_image":0,"not_decoded":0,"refused":1,"faces":0},"skipped_by":{},"failed_by":{"deid.text-found":1}},"duration":1.0,"exit_code":3,"report":"fwupload-failures.jsonl","stopped_by":null}
    "#);
    insta::assert_snapshot!(shown_on_console(Verbosity::Verbose, false, Paths::Plain, &events), @r"
    looked at doe/us.dcm: text blanked; 40 of 40 frames looked at; 1.2 % blanked
      frames 1 to 40, columns 10 to 129, rows 5 to 24: 97 % likely text
    looked at doe/ct.dcm: refused; 1 of 1 frame looked at
      frame 1, columns 0 to 79, rows 0 to 11: 88 % likely text
    looked at doe/head.dcm: no text found; 1 of 1 frame looked at; a face can be made of the series
    failed [deid.text-found] doe/ct.dcm: the image shows what is likely text, where none is expected
      hint: look at it (`--pictures DIR`); then name the place in `[[dicom.pixels.regions]]`, or say `blank-finds = true` in `[dicom.pixels]`
    Uploaded   0 files  in 1.0s
    Text blanked in 1 of 4 images
    Failed     1  (1 deid.text-found)
      → details: fwupload-failures.jsonl
      → meaning: fwupload explain deid.text-found
      → try again: fwupload doe -p neuro/adni
    ");
    let usual = shown_on_console(Verbosity::Normal, false, Paths::Plain, &events);
    assert!(
        !usual.contains("looked at") && usual.contains("Text blanked in 1 of 4 images"),
        "{usual}"
    );
    let hashed = json(Paths::hashed_for_tests(), &events);
    assert!(!hashed.contains("doe"), "{hashed}");
}

#[test]
fn a_failed_file_has_its_boxes_in_the_report_and_in_one_that_is_made_of_it() {
    let boxes = r#""pixels":{"verdict":"refused","frames":1,"frames_looked_at":1,"finds":[{"frames":[1,1],"area":[0,0,80,12],"likelihood":88}],"blanked_permille":0,"face":false}"#;
    for format in [ReportFormat::JsonLines, ReportFormat::Json] {
        for text in written_and_merged(format, &looking()) {
            assert!(text.contains(boxes), "{text}");
        }
    }
}

#[test]
fn the_report_holds_the_run_and_every_failure() {
    let text = written_text(ReportFormat::JsonLines, Paths::Plain, &run());
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 11, "{text}");
    insta::assert_snapshot!([lines[0], lines[1], lines[2], lines[10]].join("\n"), @r#"
    {"type":"report","v":1,"version":"1.2.3","mode":"upload","project":"neuro/adni","site":"https://site.example","profile":{"name":"basic","level":"local","digest":"sha256:0123456789abcdef0123","pseudonym_key":null},"settings":{"package":"series"},"redacted":false}
    {"type":"notice","severity":"warning","code":"phi.other-files","text":"names may identify\nlook at them first"}
    {"type":"failed","path":"doe/x\u001b[2J.dcm","stage":"upload","code":"upload.server-error","message":"the server failed until the retries were used up: no answer for doe/x\u001b[2J.dcm","hint":"wait, then go on","retryable":true,"http_status":503,"attempts":5}
    {"type":"end","found":11,"uploaded":1,"prepared":0,"already_there":1,"skipped":1,"failed":8,"bytes":1000,"as_they_are":0,"bytes_as_they_are":0,"subjects":0,"sessions":0,"acquisitions":0,"unreadable":0,"images":{"looked_at":0,"blanked":0,"uncertain":0,"nothing_found_in_risky_image":0,"not_decoded":0,"refused":0,"faces":0},"skipped_by":{"not-dicom":1},"failed_by":{"read.truncated":7,"upload.server-error":1},"exit_code":3}
    "#);
    let text = written_text(ReportFormat::Csv, Paths::Plain, &run());
    assert_eq!(text.lines().count(), 9);
    insta::assert_snapshot!(text.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
    path,path_bytes,stage,code,message,hint,retryable,http_status,attempts,version,project,profile,profile_level,profile_digest,redacted
    doe/x[2J.dcm,,upload,upload.server-error,the server failed until the retries were used up: no answer for doe/x[2J.dcm,"wait, then go on",true,503,5,1.2.3,neuro/adni,basic,local,sha256:0123456789abcdef0123,false
    doe/1.dcm,,read,read.truncated,"the file ends inside a data element: inside (7FE0,0010)",export or copy the file again from where it came from,false,,0,1.2.3,neuro/adni,basic,local,sha256:0123456789abcdef0123,false
    "#);
}

#[test]
fn the_json_report_is_a_whole_document_after_every_item() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(folder.path(), "r.json", ReportFormat::Json, true);
    let mut consumer = FailureReport::open(&report, Paths::Plain, report_path()).unwrap();
    let mut failures = 0;
    for event in run() {
        let fails = matches!(&event, Event::Settled(settled) if matches!(settled.outcome, FileOutcome::Failed(_)));
        failures += usize::from(fails);
        consumer
            .event(&event, &Counters::default())
            .unwrap();
        let document: serde_json::Value =
            serde_json::from_slice(&fs::read(&report.path).unwrap()).unwrap();
        assert_eq!(
            document["failures"]
                .as_array()
                .unwrap()
                .len(),
            failures
        );
        assert_eq!(document["run"]["profile"]["level"], "local");
        let warned = document
            .get("notices")
            .map_or(0, |notices| notices.as_array().unwrap().len());
        assert!(
            warned <= 1 && (failures == 0 || warned == 1),
            "what was warned of stays: {document}"
        );
    }
}

/// A run with a record of each type in its report.
fn short_run() -> Vec<Event> {
    let truncated = FileFailure::new(FileCode::ReadTruncated, "inside (7FE0,0010)");
    let path = Arc::new(PathBuf::from("-2.dcm"));
    let mut events = vec![
        started(),
        failed("doe/1.dcm", truncated),
        Event::Companion { path },
    ];
    events.extend(
        run()
            .into_iter()
            .filter(|event| matches!(event, Event::Notice(_))),
    );
    let totals = RunTotals {
        found: 2,
        uploaded: 1,
        failed: 1,
        skipped_by: [(SkipReason::NotDicom, 2), (SkipReason::Archive, 1)].into(),
        failed_by: [("read.truncated".to_owned(), 1)].into(),
        ..RunTotals::default()
    };
    events.push(Event::Ended(Box::new(RunEnd {
        totals,
        duration: Duration::ZERO,
        exit_code: 3,
        stopped_by: None,
    })));
    events
}

#[test]
fn each_form_has_every_record_that_it_has_a_place_for() {
    let text = written_text(ReportFormat::Json, Paths::Plain, &short_run());
    insta::assert_snapshot!(text, @r#"
    {"v":1,"run":{"version":"1.2.3","mode":"upload","project":"neuro/adni","site":"https://site.example","profile":{"name":"basic","level":"local","digest":"sha256:0123456789abcdef0123","pseudonym_key":null},"settings":{"package":"series"},"redacted":false},"failures":[
    {"type":"failed","path":"doe/1.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    ],"notices":[{"type":"notice","severity":"warning","code":"phi.other-files","text":"names may identify\nlook at them first"}],"companions":[{"type":"companion","path":"-2.dcm"}]}
    "#);
    let text = written_text(ReportFormat::JsonLines, Paths::Plain, &short_run());
    insta::assert_snapshot!(text.lines().skip(1).collect::<Vec<_>>().join("\n"), @r#"
    {"type":"failed","path":"doe/1.dcm","stage":"read","code":"read.truncated","message":"the file ends inside a data element: inside (7FE0,0010)","hint":"export or copy the file again from where it came from","retryable":false,"http_status":null,"attempts":0}
    {"type":"notice","severity":"warning","code":"phi.other-files","text":"names may identify\nlook at them first"}
    {"type":"companion","path":"-2.dcm"}
    {"type":"end","found":2,"uploaded":1,"prepared":0,"already_there":0,"skipped":0,"failed":1,"bytes":0,"as_they_are":0,"bytes_as_they_are":0,"subjects":0,"sessions":0,"acquisitions":0,"unreadable":0,"images":{"looked_at":0,"blanked":0,"uncertain":0,"nothing_found_in_risky_image":0,"not_decoded":0,"refused":0,"faces":0},"skipped_by":{"not-dicom":2,"archive":1},"failed_by":{"read.truncated":1},"exit_code":3}
    "#);
    let text = written_text(ReportFormat::Csv, Paths::Plain, &short_run());
    insta::assert_snapshot!(text, @r#"
    path,path_bytes,stage,code,message,hint,retryable,http_status,attempts,version,project,profile,profile_level,profile_digest,redacted
    doe/1.dcm,,read,read.truncated,"the file ends inside a data element: inside (7FE0,0010)",export or copy the file again from where it came from,false,,0,1.2.3,neuro/adni,basic,local,sha256:0123456789abcdef0123,false
    ./-2.dcm,,,companion,,,,,,1.2.3,neuro/adni,basic,local,sha256:0123456789abcdef0123,false
    "#);
}

#[test]
fn a_merged_report_has_the_records_of_the_run() {
    for format in FORMATS {
        let [of_run, merged] = written_and_merged(format, &short_run());
        let complete = format == ReportFormat::JsonLines;
        let mark = format!(r#","merged":{{"reports":1,"complete":{complete},"shards":[]}}"#);
        // A merged report has notices first, since it has them from several runs.
        let notice = concat!(
            r#"{"type":"notice","severity":"warning","code":"phi.other-files","#,
            r#""text":"names may identify\nlook at them first"}"#,
            "\n"
        );
        let of_run = match of_run
            .replacen(notice, "", 1)
            .split_once('\n')
        {
            Some((first, rest)) if complete => format!("{first}\n{notice}{rest}"),
            _ => of_run,
        };
        let of_run = of_run
            .replace("\"subjects\":0,\"sessions\":0,\"acquisitions\":0,", "")
            .replace(
                "\"not-dicom\":2,\"archive\":1",
                "\"archive\":1,\"not-dicom\":2",
            );
        assert_eq!(merged.replace(&mark, ""), of_run, "{format:?}");
    }
}

#[test]
fn every_report_works_as_a_list_of_files() {
    for format in FORMATS {
        let (_folder, path) = written(format, Paths::Plain, &run());
        let inputs = Inputs {
            lists: vec![PathList::File(path)],
            ..Inputs::default()
        };
        let mut reached = Vec::new();
        let _ = Discovery::prepare(inputs, &mut io::empty())
            .unwrap()
            .run(&mut |found: Found| {
                reached.push(
                    found
                        .path()
                        .to_string_lossy()
                        .into_owned(),
                );
                std::ops::ControlFlow::Continue(())
            });
        let expected: Vec<_> = ["doe/x\u{1b}[2J.dcm".to_owned()]
            .into_iter()
            .chain((1..=7).map(|n| format!("doe/{n}.dcm")))
            .collect();
        assert_eq!(reached, expected, "{format:?}");
    }
}

#[test]
fn redacted_paths_are_shown_nowhere() {
    let paths = Paths::hashed_for_tests;
    let mut shown = vec![
        shown_on_console(Verbosity::Trace, false, paths(), &run()),
        json(paths(), &run()),
    ];
    for format in [
        ReportFormat::JsonLines,
        ReportFormat::Csv,
        ReportFormat::Junit,
        ReportFormat::Markdown,
    ] {
        shown.push(written_text(format, paths(), &run()));
    }
    let hash = paths().shown(Path::new("doe/1.dcm"));
    for text in shown {
        let text = text.replace("fwupload doe -p", "");
        assert!(!text.contains("doe") && text.contains(&hash), "{text}");
    }
}

/// The names of the elements of a document, one for each that begins.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut found, mut open) = (Vec::new(), 0);
    loop {
        use quick_xml::events::Event as Xml;
        match reader.read_event().unwrap() {
            Xml::Start(start) => {
                found.push(String::from_utf8_lossy(start.name().as_ref()).into_owned());
                open += 1;
            }
            Xml::Empty(start) => {
                found.push(String::from_utf8_lossy(start.name().as_ref()).into_owned());
            }
            Xml::End(_) => open -= 1,
            Xml::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "{xml}");
    found
}

#[test]
fn pages_of_ci_systems_read_the_run_and_each_failed_file_as_a_test_case() {
    insta::assert_snapshot!(written_text(
        ReportFormat::Junit,
        Paths::Plain,
        &short_run()
    ));
    let cases = |xml: &str, name: &str| {
        elements(xml)
            .iter()
            .filter(|element| *element == name)
            .count()
    };
    let xml = written_text(ReportFormat::Junit, Paths::Plain, &run());
    assert_eq!(cases(&xml, "testcase"), 9, "eight files and the run: {xml}");
    assert_eq!(cases(&xml, "failure"), 8, "{xml}");
    // `--fail-on-skip`: no file failed, and the run did.
    let skipped = [
        started(),
        Event::Ended(Box::new(RunEnd {
            totals: RunTotals::default(),
            duration: Duration::ZERO,
            exit_code: 3,
            stopped_by: None,
        })),
    ];
    let xml = written_text(ReportFormat::Junit, Paths::Plain, &skipped);
    assert_eq!(cases(&xml, "failure"), 1, "{xml}");
    let hostile = [
        started(),
        failed(
            "a\u{0}\u{1b}<&\">\n.dcm",
            FileFailure::new(FileCode::ReadIo, ""),
        ),
    ];
    let xml = written_text(ReportFormat::Junit, Paths::Plain, &hostile);
    assert_eq!(cases(&xml, "testcase"), 2, "{xml}");
    assert_eq!(
        cases(&xml, "failure"),
        2,
        "a run that did not end failed: {xml}"
    );
    assert!(xml.contains("a&lt;&amp;&quot;&gt; .dcm"), "{xml}");
}

#[test]
fn a_cell_that_looks_like_a_formula_is_written_otherwise() {
    let events = [
        started(),
        failed("=1+1", FileFailure::new(FileCode::ReadIo, "")),
    ];
    let text = written_text(ReportFormat::Csv, Paths::Plain, &events);
    assert!(text.contains("\n./=1+1,"));
}

#[test]
fn without_a_failure_only_a_report_that_was_asked_for_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let good: Vec<_> = run()
        .into_iter()
        .filter(
            |event| !matches!(event, Event::Settled(s) if matches!(s.outcome, FileOutcome::Failed(_))),
        )
        .collect();
    for named in [false, true] {
        let report = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, named);
        consume(
            &mut FailureReport::open(&report, Paths::Plain, report_path()).unwrap(),
            &good,
        );
        assert_eq!(report.path.exists(), named);
    }
}

#[test]
fn a_report_that_cannot_be_written_stops_the_run_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(
        &folder.path().join("missing"),
        "r.jsonl",
        ReportFormat::JsonLines,
        false,
    );
    let error = FailureReport::open(&report, Paths::Plain, report_path())
        .err()
        .unwrap();
    assert_eq!(error.code, RunCode::ReportUnwritable);
}

#[test]
fn an_earlier_report_is_replaced_when_this_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, true);
    fs::write(&report.path, "earlier").unwrap();
    let mut consumer = FailureReport::open(&report, Paths::Plain, report_path()).unwrap();
    assert_eq!(fs::read_to_string(&report.path).unwrap(), "earlier");
    consume(&mut consumer, &run());
    assert!(
        fs::read_to_string(&report.path)
            .unwrap()
            .starts_with("{\"type\":\"report\"")
    );
}

#[test]
fn two_runs_in_one_folder_write_two_reports_unless_both_name_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let unnamed = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, false);
    let (one_place, other_place) = (report_path(), report_path());
    let mut one = FailureReport::open(&unnamed, Paths::Plain, one_place.clone()).unwrap();
    let mut other = FailureReport::open(&unnamed, Paths::Plain, other_place.clone()).unwrap();
    assert!(
        !unnamed.path.exists(),
        "that it can be written is found out without a trace"
    );
    consume(&mut one, &run());
    consume(&mut other, &run());
    let lines = |name: &str| {
        fs::read_to_string(folder.path().join(name))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((lines("r.jsonl"), lines("r-2.jsonl")), (11, 11));
    assert_eq!(one_place.written(1), Some("fwupload-failures.jsonl"));
    assert!(
        other_place
            .written(1)
            .unwrap()
            .ends_with("r-2.jsonl")
    );
    let named = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, true);
    let mut third = FailureReport::open(&named, Paths::Plain, report_path()).unwrap();
    let refused = third
        .event(&started(), &Counters::default())
        .unwrap_err();
    assert_eq!(refused.code, RunCode::ReportUnwritable);
    drop(one);
    consume(
        &mut FailureReport::open(&named, Paths::Plain, report_path()).unwrap(),
        &run(),
    );
}

/// A stream whose writes fail with this error.
struct Unwritable(io::ErrorKind);

impl io::Write for Unwritable {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lost_events_are_an_error_once_unless_their_reader_closed_the_stream() {
    let errors = |kind| {
        let mut stream = EventStream::new(Box::new(Unwritable(kind)), Paths::Plain, report_path());
        run()
            .iter()
            .filter_map(|event| {
                stream
                    .event(event, &Counters::default())
                    .and(stream.flush())
                    .err()
            })
            .map(|error| error.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        errors(io::ErrorKind::StorageFull),
        [RunCode::ReportUnwritable]
    );
    assert_eq!(errors(io::ErrorKind::BrokenPipe), []);
}

#[cfg(unix)]
#[test]
fn the_report_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = written(ReportFormat::JsonLines, Paths::Plain, &run());
    assert_eq!(
        fs::metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn only_yes_confirms() {
    let answered =
        |answer: &str| confirm("really?", &mut answer.as_bytes(), &mut io::sink()).unwrap();
    assert!(answered("yes\n") && answered(" YES \r\n"));
    assert!(!answered("y\n") && !answered("\n") && !answered(""));
}

#[test]
fn the_reporter_ends_with_the_last_event_and_keeps_the_first_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output {
        verbosity: Verbosity::Silent,
        progress: Progress::Off,
        color: false,
        json: false,
        assume_yes: false,
        interactive: false,
    };
    let report = report(folder.path(), "r.jsonl", ReportFormat::JsonLines, true);
    let reporter = Reporter::start(output, &report, &[], &Paths::Plain).unwrap();
    let kept = reporter.events();
    for event in run() {
        reporter
            .events()
            .send(event)
            .unwrap();
    }
    reporter.finish().unwrap();
    drop(kept);
    assert_eq!(
        fs::read_to_string(&report.path)
            .unwrap()
            .lines()
            .count(),
        11
    );
}
