//! The summary of a run for the page of a CI job, appended to the file that the CI system names.
//!
//! Must never fail a run: a page is no reason to call an upload bad.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;

#[cfg(unix)]
use rustix::fs::OFlags;

use super::EventConsumer;
use super::counters::Counters;
use super::markdown::MarkdownSummary;
use super::printer::{Printer, Tone};
use super::record::{EndRecord, FailedRecord, ReportRecord, RunFacts, VERSION};
use super::redact::Paths;
use crate::config::Verbosity;
use crate::event::{Event, FileOutcome, Notice, RunEnd};
use crate::failure::Error;

/// The code of warnings about it.
const CODE: &str = "step-summary";

/// Writes the summary.
pub struct StepSummary {
    file: File,
    summary: MarkdownSummary,
    paths: Paths,
    /// Says that it could not be written; none in a silent run.
    printer: Option<Printer>,
}

impl StepSummary {
    /// Opens the file. Errors: a warning about why it cannot be written.
    pub fn open(
        path: &Path,
        paths: &Paths,
        (printer, verbosity): (Printer, Verbosity),
    ) -> Result<Self, Notice> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        options.mode(0o600).custom_flags(
            OFlags::NONBLOCK
                .bits()
                .cast_signed(),
        );
        let file = options
            .open(path)
            .map_err(|error| Notice::warning(CODE, unwritable(&error)))?;
        Ok(Self {
            file,
            summary: MarkdownSummary::default(),
            paths: paths.clone(),
            printer: (verbosity > Verbosity::Silent).then_some(printer),
        })
    }

    fn end(&mut self, end: &RunEnd) {
        let record = ReportRecord::End(EndRecord::of(&end.totals, end.exit_code));
        self.summary.add(record);
        let stopped_by = end.stopped_by.as_ref();
        self.summary.stopped_by = stopped_by.map(|error| error.code);
        let text = self.summary.text();
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.flush());
        if let (Err(error), Some(printer)) = (written, &mut self.printer) {
            let label = printer.paint(Tone::Caution, "warning");
            printer.prose(&format!("{label}[{CODE}]: {}", unwritable(&error)));
        }
    }
}

/// Why there is no summary; without the path, which names folders of the machine.
fn unwritable(error: &io::Error) -> String {
    format!("the summary for the CI job's page (GITHUB_STEP_SUMMARY) cannot be written: {error}")
}

impl EventConsumer for StepSummary {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        match event {
            Event::Started(start) => self
                .summary
                .add(ReportRecord::Report {
                    v: VERSION,
                    facts: RunFacts::of(start, self.paths.is_redacting()),
                }),
            Event::Settled(settled) => {
                if let FileOutcome::Failed(failure) = &settled.outcome {
                    let failed = FailedRecord::of(&self.paths, settled, failure);
                    self.summary
                        .add(ReportRecord::Failed(failed));
                }
            }
            Event::Ended(end) => self.end(end),
            _ => {}
        }
        Ok(())
    }
}
