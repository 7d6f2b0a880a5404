//! What the console shows about many files.

use std::sync::Arc;

use super::super::tests::{failed, shown_on_console as console, started};
use super::*;
use crate::event::RunTotals;

#[test]
fn repeated_notices_are_shown_once_with_a_count() {
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
    let events: Vec<_> = (1..=250)
        .map(left)
        .chain((1..=100).map(changed))
        .collect();
    let end = RunEnd {
        totals: RunTotals::default(),
        duration: Duration::ZERO,
        exit_code: 0,
        stopped_by: None,
    };
    let shown = |verbosity| {
        console(
            verbosity,
            false,
            Paths::Plain,
            &[&events[..], &[Event::Ended(Box::new(end.clone()))]].concat(),
        )
    };
    insta::assert_snapshot!(shown(Verbosity::Normal), @r"
    warning[residual]: doe/1.dcm: what stood in A still stands in B
    notice[changed]: a package of 1 files has changed
    notice[changed]: and 99 more like this; `-v` shows each
    warning[residual]: and 249 more like this; `-v` shows each
    ");
    insta::assert_snapshot!(shown(Verbosity::Quiet), @r"
    warning[residual]: doe/1.dcm: what stood in A still stands in B
    warning[residual]: and 249 more like this; `-v` shows each
    ");
    assert_eq!(
        shown(Verbosity::Verbose)
            .lines()
            .count(),
        350
    );
}

#[test]
fn files_that_a_run_did_not_begin_are_counted() {
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
    let mut counters = Counters::default();
    for event in &events {
        counters.count(event, Duration::ZERO);
    }
    let stopped_by = Some(Error::new(
        RunCode::Interrupted,
        RunCode::Interrupted.sentence(),
    ));
    let end = RunEnd {
        totals: counters.totals,
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

#[test]
fn each_pattern_is_shown_once_and_the_others_are_counted() {
    let mut filter = RepeatFilter::default();
    assert!(filter.is_new("changed", "2 files of 5e0a1b have changed"));
    assert!(!filter.is_new("changed", "3 files of 5e0a1c have changed"));
    assert!(filter.is_new("changed", "3 files are gone"));
    assert!(filter.is_new("other", "3 files are gone"));
    let shown = (0..9)
        .filter(|n| filter.is_new_pattern("residual", n.to_string()))
        .count();
    assert_eq!(shown, SHOWN_PER_CODE);
    let unshown: Vec<_> = filter.unshown().collect();
    let more = |n| format!("and {n} more like this; `-v` shows each");
    assert_eq!(unshown, [("changed", more(1)), ("residual", more(4))]);
}
