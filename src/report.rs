//! The output of a run: the consumers of its events. Reports of several runs are merged here too.
//!
//! Owns standard output and standard error during a run, the failure report and the log. All
//! consumers see the same events and the same counters, on a thread of their own, so that none of
//! them delays the work. Must never decide what happens to a file, nor hold an attribute value.

mod audit_file;
mod console;
mod counters;
mod deid_log;
mod destination_tree;
mod event_stream;
mod failure_report;
pub mod figures;
mod finding;
mod junit;
mod log_file;
mod manifest;
mod markdown;
mod merge;
mod page_progress;
mod pixels;
mod printer;
mod progress;
mod record;
mod redact;
mod report_path;
mod review_page;
mod step_summary;
mod summary;
mod writer;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::config::{DEFAULT_REPORT, Output, Report};
use crate::event::Event;
use crate::failure::{Error, RunCode};
use console::Console;
use counters::Counters;
use deid_log::DeidLog;
use dicom_lossless::display_path;
use event_stream::EventStream;
use failure_report::FailureReport;
pub use finding::show_finding;
use log_file::LogFile;
use manifest::Manifest;
pub use merge::{MergedReport, merge};
use page_progress::PageProgress;
pub use pixels::{PixelsRecord, find_lines, sentence as pixels_sentence};
use printer::Printer;
pub use printer::{width_of, wrapped};
pub use redact::{FilePath, Paths};
use report_path::{ReportPath, WriteCondition};
use review_page::ReviewPage;
use step_summary::StepSummary;

/// The most events in the queue; a run that is faster waits.
const QUEUE_LENGTH: usize = 4096;
/// The time after a batch of events in which the next ones gather: to wake the reporter for each of
/// them costs the run more than the events do.
const GATHERING: Duration = Duration::from_millis(5);
/// The time between two updates of the progress.
const TICK: Duration = Duration::from_millis(200);

/// A consumer of events.
trait EventConsumer: Send {
    /// Shows or writes one event, which the counters include. Errors: it cannot be written.
    fn event(&mut self, event: &Event, counters: &Counters) -> Result<(), Error>;

    /// Writes what it has kept back since the last call; called after each batch of events. Errors: it
    /// cannot be written.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Updates the progress. Errors: it cannot be written.
    fn tick(&mut self, _: &Counters) -> Result<(), Error> {
        Ok(())
    }
}

/// Passes the events of one run to their consumers.
pub struct Reporter {
    events: Sender<Event>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Reporter {
    /// Checks that the report can be written and starts the thread. `arguments` are those of the
    /// command line without the program's name, for the advice to run it again; `paths` shows paths.
    /// Errors: [`RunCode::ReportUnwritable`], [`RunCode::LogUnwritable`].
    pub fn start(
        output: Output,
        report: &Report,
        arguments: &[OsString],
        paths: &Paths,
    ) -> Result<Self, Error> {
        let mut consumers = consumers(output, report, arguments, paths)?;
        let (events, receiver) = bounded(QUEUE_LENGTH);
        if let Some(summary) = step_summary(output, report, paths, &events) {
            consumers.push(Box::new(summary));
        }
        let paths = paths.clone();
        let thread = std::thread::Builder::new()
            .name("report".to_owned())
            .spawn(move || consume(&receiver, &paths, consumers));
        let thread = thread.map_err(|error| {
            Error::new(
                RunCode::Internal,
                format!("no thread for the report: {error}"),
            )
        })?;
        Ok(Self { events, thread })
    }

    /// The sender of events, one for each thread.
    pub fn events(&self) -> Sender<Event> {
        self.events.clone()
    }

    /// Waits until everything is shown and written: until [`Event::Ended`] was consumed, or until
    /// every sender is dropped. Errors: the report could not be written to its end.
    pub fn finish(self) -> Result<(), Error> {
        drop(self.events);
        self.thread
            .join()
            .unwrap_or_else(|_| {
                Err(Error::new(
                    RunCode::Internal,
                    "the reporter stopped unexpectedly",
                ))
            })
    }
}

/// Shows an error that stopped a command without a reporter.
pub fn print_error(error: &Error, color: bool, paths: &Paths) {
    Printer::on_stderr(color).stop(&paths.redact_error(error));
}

/// Asks a question. The answer `yes` confirms; any other one, and the end of the input, does not.
pub fn confirm(question: &str, answers: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<bool> {
    write!(out, "{question} Type `yes` to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer
        .trim()
        .eq_ignore_ascii_case("yes"))
}

fn consumers(
    output: Output,
    report: &Report,
    arguments: &[OsString],
    paths: &Paths,
) -> Result<Vec<Box<dyn EventConsumer>>, Error> {
    let path = ReportPath::new(report_name(report), WriteCondition::of(report));
    // The arguments name the inputs.
    let command = (!report.redact_paths).then(|| summary::command_line(arguments));
    let log = LogFile::open(report, paths, &path, command.as_deref())?;
    let failures = FailureReport::open(report, paths.clone(), path.clone())?;
    let mut consumers: Vec<Box<dyn EventConsumer>> = vec![Box::new(failures)];
    if let Some(audit) = &report.manifest {
        consumers.push(Box::new(Manifest::open(audit, paths)?));
    }
    if let Some(audit) = &report.deid_log {
        consumers.push(Box::new(DeidLog::open(audit, paths)?));
    }
    if let Some(page) = &report.review {
        consumers.push(Box::new(ReviewPage::open(page)?));
    }
    if let Some(progress) = &report.page_progress {
        consumers.push(Box::new(PageProgress(Arc::clone(progress))));
    }
    if output.json {
        let stream = EventStream::new(Box::new(io::stdout()), paths.clone(), path.clone());
        consumers.push(Box::new(stream));
    }
    let printer = Printer::on_stderr(output.color);
    let detail = (output.verbosity, output.progress);
    let console = Console::new(printer, paths.clone(), detail, path, command);
    consumers.push(Box::new(console));
    if let Some(log) = log {
        consumers.push(Box::new(log));
    }
    Ok(consumers)
}

/// The summary for the page of a CI job, where there is one; after the console, which may say that it
/// could not be written.
fn step_summary(
    output: Output,
    report: &Report,
    paths: &Paths,
    events: &Sender<Event>,
) -> Option<StepSummary> {
    let path = report.step_summary.as_deref()?;
    let printer = Printer::on_stderr(output.color);
    StepSummary::open(path, paths, (printer, output.verbosity))
        .map_err(|warning| events.send(Event::Notice(warning)))
        .ok()
}

/// The report as it is shown to the user.
fn report_name(report: &Report) -> String {
    match (report.redact_paths, report.named) {
        (true, true) => "the file given to `--report`".to_owned(),
        (true, false) => DEFAULT_REPORT.to_owned(),
        (false, _) => display_path(&report.path),
    }
}

/// The thread of the reporter.
fn consume(
    events: &Receiver<Event>,
    paths: &Paths,
    mut consumers: Vec<Box<dyn EventConsumer>>,
) -> Result<(), Error> {
    let begin = Instant::now();
    let mut counters = Counters::default();
    let mut last_tick = Duration::ZERO;
    let mut first_error = Ok(());
    loop {
        let first = match events.recv_timeout(TICK) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return first_error,
        };
        let (mut gathered, mut has_ended) = (0, false);
        for event in first
            .into_iter()
            .chain(events.try_iter())
            .take(QUEUE_LENGTH)
        {
            let event = paths.redact_event(event);
            counters.count(&event, begin.elapsed());
            for consumer in &mut consumers {
                // An error of one consumer does not stop the others.
                first_error = first_error.and(consumer.event(&event, &counters));
            }
            gathered += 1;
            has_ended = matches!(event, Event::Ended(_));
            if has_ended {
                break;
            }
        }
        for consumer in &mut consumers {
            first_error = first_error.and(consumer.flush());
        }
        if has_ended {
            return first_error;
        }
        counters.elapsed = begin.elapsed();
        if counters.mode.is_some()
            && counters
                .elapsed
                .saturating_sub(last_tick)
                >= TICK
        {
            last_tick = counters.elapsed;
            for consumer in &mut consumers {
                first_error = first_error
                    .and(consumer.tick(&counters))
                    .and(consumer.flush());
            }
        }
        if gathered > 0 {
            std::thread::sleep(GATHERING);
        }
    }
}

#[cfg(test)]
mod tests;
