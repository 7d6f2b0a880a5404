//! How many files were found, while a command only looks for files.

use std::io::{self, Write};
use std::time::Duration;

use crossbeam_channel::Receiver;
use indicatif::{ProgressBar, ProgressStyle};

use super::figures::{bytes, plural};
use crate::event::{Event, Severity};
use dicom_lossless::escape_for_terminal;

const TICK: Duration = Duration::from_millis(200);

/// Shows the number on a terminal until every sender of events is dropped, and warnings in any case.
pub fn show_finding(events: &Receiver<Event>, on_terminal: bool) {
    let bar = if on_terminal {
        ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(TICK);
    for event in events {
        match event {
            Event::Discovered {
                files, bytes: size, ..
            } => bar.set_message(format!("{}, {}", plural(files, "file"), bytes(size))),
            Event::Notice(notice) if notice.severity == Severity::Warning => bar.suspend(|| {
                // A terminal that went away is no reason to stop.
                let text = escape_for_terminal(&notice.text);
                let _ = writeln!(io::stderr().lock(), "warning: {text}");
            }),
            _ => {}
        }
    }
    bar.finish_and_clear();
}
