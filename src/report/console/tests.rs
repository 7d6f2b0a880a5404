//! What people are told of many files at once.

use std::sync::Arc;

use super::super::tests::{console, failed, started};
use super::*;
use crate::event::RunTotals;

#[test]
fn what_is_the_same_for_many_files_is_said_once_with_a_count() {
    let left = |n: u32| Event::Left {
        path: Arc::new(format!("doe/{n}.dcm").into()),
        finding: "what stood in A still stands in B".into(),
    };
    let notice = |severity, code, n: u32| {
        Event::Notice(Notice {
            severity,
            code,
            text: format!("a package of {n} files has changed"),
        })
    };
    let changed = |n| notice(Severity::Notice, "changed", n);
    let events: Vec<_> = (1..=250).map(left).chain((1..=100).map(changed)).collect();
    let end = RunEnd {
        totals: RunTotals::default(),
        duration: Duration::ZERO,
        exit_code: 0,
        stopped_by: None,
    };
    let told = |verbosity| {
        console(
            verbosity,
            false,
            Paths::Plain,
            &[&events[..], &[Event::Ended(Box::new(end.clone()))]].concat(),
        )
    };
    insta::assert_snapshot!(told(Verbosity::Normal), @r"
    warning[residual]: doe/1.dcm: what stood in A still stands in B
    notice[changed]: a package of 1 files has changed
    notice[changed]: and 99 more like this; `-v` shows each
    warning[residual]: and 249 more like this; `-v` shows each
    ");
    insta::assert_snapshot!(told(Verbosity::Quiet), @r"
    warning[residual]: doe/1.dcm: what stood in A still stands in B
    warning[residual]: and 249 more like this; `-v` shows each
    ");
    assert_eq!(told(Verbosity::Verbose).lines().count(), 350);
}

#[test]
fn files_that_a_run_did_not_begin_are_summed_up() {
    let mut events = vec![
        started(),
        Event::Stopping {
            code: RunCode::Interrupted,
            uploads: 3,
        },
    ];
    events.extend((0..40).map(|n| {
        failed(
            &format!("doe/{n}.dcm"),
            FileFailure::new(FileCode::UploadStopped, ""),
        )
    }));
    let mut tally = Tally::default();
    for event in &events {
        tally.take(event, Duration::ZERO);
    }
    let stopped_by = Some(Error::new(
        RunCode::Interrupted,
        RunCode::Interrupted.sentence(),
    ));
    let end = RunEnd {
        totals: tally.totals,
        duration: Duration::ZERO,
        exit_code: 130,
        stopped_by,
    };
    events.push(Event::Ended(Box::new(end)));
    insta::assert_snapshot!(console(Verbosity::Normal, false, Paths::Plain, &events), @r#"
    to neuro/adni at https://site.example: de-identified with "basic" (given locally, sha256:0123456789ab…)
    finishing 3 uploads, press again to quit
    error[run.interrupted]: the run was interrupted
    hint: run the same command again: what arrived is not sent twice
    Uploaded   0 files  in 0.0s  to neuro/adni
    40 files not sent
      → details: fwupload-failures.jsonl
      → try again: fwupload doe -p neuro/adni
    "#);
    assert!(console(Verbosity::Quiet, false, Paths::Plain, &events).ends_with("; 40 not sent\n"));
}
