//! What a run says and writes down: the consumers of its events.
//!
//! Owns standard output and standard error while a run goes on, and the failure report. Bars,
//! lines, JSON and report see the same events and the same numbers, on a thread of their own, so
//! that none of them holds up the work. Nothing here decides what happens to a file, and no
//! attribute value comes here. Reports of several runs are merged here too.

mod bar;
mod console;
mod failures;
mod figures;
mod form;
mod json;
mod lines;
mod log;
mod merge;
mod place;
mod printer;
mod record;
mod redact;
mod repeats;
mod standing;
mod summary;
mod tally;
mod throughput;
mod tree;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::config::{DEFAULT_REPORT, Output, Report};
use crate::event::Event;
use crate::failure::{Error, RunCode};
use console::Console;
use dicom_lossless::display_path;
use failures::FailureReport;
use json::JsonStream;
use log::Log;
pub use merge::{Merged, merge};
use place::{ReportPath, Written};
use printer::Printer;
pub use printer::wrapped;
pub use redact::Paths;
use tally::Tally;

/// Events that may wait for the reporter before the run waits for it.
const BACKLOG: usize = 1024;
/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(200);

/// A consumer of events. The tally has taken the event into account already.
trait Sink: Send {
    /// Takes one event. An error means that something cannot be written down any more.
    fn event(&mut self, event: &Event, tally: &Tally) -> Result<(), Error>;

    /// Some time has passed.
    fn tick(&mut self, _: &Tally) {}
}

/// Takes the events of one run and tells whoever wants to know.
pub struct Reporter {
    events: Sender<Event>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Reporter {
    /// Makes sure that the report can be written and starts listening. `arguments` are those of the
    /// command line without the program's name, for the advice to run it again; `paths` says how
    /// paths are shown. Errors: [`RunCode::ReportUnwritable`], [`RunCode::LogUnwritable`].
    pub fn start(
        output: Output,
        report: &Report,
        arguments: &[OsString],
        paths: &Paths,
    ) -> Result<Self, Error> {
        let sinks = sinks(output, report, arguments, paths)?;
        let (events, receiver) = bounded(BACKLOG);
        let paths = paths.clone();
        let thread = std::thread::Builder::new()
            .name("report".to_owned())
            .spawn(move || listen(&receiver, &paths, sinks));
        let thread = thread.map_err(|error| {
            Error::new(
                RunCode::Internal,
                format!("no thread for the report: {error}"),
            )
        })?;
        Ok(Self { events, thread })
    }

    /// Where events go; one may be given to each thread that has something to say.
    pub fn events(&self) -> Sender<Event> {
        self.events.clone()
    }

    /// Sends one event.
    pub fn tell(&self, event: Event) {
        // The listener ends early only by a defect, which `finish` reports.
        let _ = self.events.send(event);
    }

    /// Waits until everything is shown and written: until [`Event::Ended`] was dealt with, or until
    /// every sender is gone. Errors: the report could not be written to its end.
    pub fn finish(self) -> Result<(), Error> {
        drop(self.events);
        self.thread.join().unwrap_or_else(|_| {
            Err(Error::new(
                RunCode::Internal,
                "the reporter stopped unexpectedly",
            ))
        })
    }
}

/// Shows an error that stopped a command while no reporter was there to show it.
pub fn print_error(error: &Error, color: bool, paths: &Paths) {
    Printer::on_stderr(color).stop(&paths.error(error));
}

/// Asks a question that is answered with `yes`; anything else, and the end of the input, is a no.
pub fn confirm(question: &str, answers: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<bool> {
    write!(out, "{question} Type `yes` to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

fn sinks(
    output: Output,
    report: &Report,
    arguments: &[OsString],
    paths: &Paths,
) -> Result<Vec<Box<dyn Sink>>, Error> {
    let place = ReportPath::new(report_name(report), Written::of(report));
    // The arguments name the inputs.
    let command = (!report.redact_paths).then(|| summary::command_line(arguments));
    let log = Log::open(report, paths, &place, command.as_deref())?;
    let printer = Printer::on_stderr(output.color);
    let speech = (output.verbosity, output.progress);
    let console = Console::new(printer, paths.clone(), speech, place.clone(), command);
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(FailureReport::open(
        report,
        paths.clone(),
        place.clone(),
    )?)];
    if output.json {
        sinks.push(Box::new(JsonStream::new(
            Box::new(io::stdout()),
            paths.clone(),
            place,
        )));
    }
    sinks.push(Box::new(console));
    if let Some(log) = log {
        sinks.push(Box::new(log));
    }
    Ok(sinks)
}

/// The report as people are told of it.
fn report_name(report: &Report) -> String {
    match (report.redact_paths, report.named) {
        (true, true) => "the file given to `--report`".to_owned(),
        (true, false) => DEFAULT_REPORT.to_owned(),
        (false, _) => display_path(&report.path),
    }
}

/// The reporter's thread.
fn listen(
    events: &Receiver<Event>,
    paths: &Paths,
    mut sinks: Vec<Box<dyn Sink>>,
) -> Result<(), Error> {
    let begin = Instant::now();
    let mut tally = Tally::default();
    let mut last_tick = Duration::ZERO;
    let mut first_error = Ok(());
    loop {
        let event = match events.recv_timeout(TICK) {
            Ok(event) => Some(paths.event(event)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return first_error,
        };
        tally.elapsed = begin.elapsed();
        if let Some(event) = &event {
            tally.take(event, begin.elapsed());
            for sink in &mut sinks {
                // What one sink cannot write is no reason for the others to fall silent.
                let told = sink.event(event, &tally);
                first_error = first_error.and(told);
            }
            if matches!(event, Event::Ended(_)) {
                return first_error;
            }
        }
        if tally.mode.is_some() && tally.elapsed.saturating_sub(last_tick) >= TICK {
            last_tick = tally.elapsed;
            for sink in &mut sinks {
                sink.tick(&tally);
            }
        }
    }
}

#[cfg(test)]
mod tests;
