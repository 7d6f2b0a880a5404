//! `--json`: the event stream on standard output, one object per line, flushed with each batch.
//!
//! Owns the records of the stream: `type` comes first, `v` stands in the first record, `end` comes
//! last. Fields may be added, never renamed or removed. Must never stop a run because its reader went
//! away.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::EventConsumer;
use super::counters::Counters;
use super::pixels::PixelsRecord;
use super::record::{FailedRecord, NoticeRecord, RunFacts, VERSION};
use super::redact::{FilePath, Paths};
use super::report_path::ReportPath;
use crate::discover::SkipReason;
use crate::event::{
    Changes, Event, FileOutcome, Mode, RESIDUAL, RunEnd, RunTotals, Settled, Stage, Stored, seconds,
};
use crate::failure::{Error, RunCode};

/// The shortest time between two records of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// A record of the event stream.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum EventRecord<'a> {
    /// Everything is resolved and checked; nothing has been read or sent.
    Start(RunFacts),
    /// Information for the user.
    Notice(NoticeRecord),
    /// Running totals of the walk.
    Discovered {
        /// Files found so far.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// Whether the walk is over.
        done: bool,
    },
    /// A file was de-identified (or, without de-identification, read whole).
    Deidentified {
        /// The file.
        #[serde(flatten)]
        file: FilePath,
        /// The number of elements changed or removed.
        changed: u32,
    },
    /// What was seen in the image of a file, where there is something to tell; or that it could not
    /// be looked at.
    Pixels {
        /// The file.
        #[serde(flatten)]
        file: FilePath,
        /// What was seen and done.
        #[serde(flatten)]
        pixels: PixelsRecord,
    },
    /// A request is going to be repeated.
    Retrying {
        /// The request, as method and path.
        what: &'a str,
        /// What went wrong.
        cause: &'a str,
        /// Seconds until it is repeated.
        wait: f64,
        /// The number of the next attempt; the first repetition is 2.
        attempt: u32,
    },
    /// The progress of the run, about once a second.
    Progress(ProgressRecord),
    /// The server confirmed that it has the file.
    Uploaded(ArrivedRecord<'a>),
    /// A dry run would upload the file.
    WouldUpload(ArrivedRecord<'a>),
    /// The file was written into the output folder.
    Written(ArrivedRecord<'a>),
    /// The server had the file before.
    AlreadyThere(ArrivedRecord<'a>),
    /// The file is not uploaded, without anything being wrong.
    Skipped {
        /// The file.
        #[serde(flatten)]
        file: FilePath,
        /// Why.
        reason: SkipReason,
        /// What to do where such files were meant to be uploaded.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'static str>,
    },
    /// The file failed.
    Failed(FailedRecord),
    /// The run begins nothing new; uploads under way may finish.
    Stopping {
        /// The code of what stops it.
        code: &'a str,
        /// Packages under way.
        uploads: u64,
    },
    /// What cleaning did to the attributes of all files of a dry run.
    Changes(&'a Changes),
    /// What each stage of the run did.
    Stages {
        /// The stages, in the order in which files pass them.
        stages: &'a [Stage],
    },
    /// The run is over; always the last record.
    End {
        /// Counts of files by outcome.
        totals: &'a RunTotals,
        /// Seconds that the run took.
        duration: f64,
        /// Its exit code.
        exit_code: u8,
        /// The failure report, if one was written.
        report: Option<&'a str>,
        /// The address of the project's page, where the run sent something and the site stays after
        /// it.
        #[serde(skip_serializing_if = "Option::is_none")]
        project_url: Option<&'a str>,
        /// What stopped the run early.
        stopped_by: Option<StoppedRecord<'a>>,
    },
}

/// A file with the place where it is stored.
#[derive(Serialize, JsonSchema)]
pub struct ArrivedRecord<'a> {
    /// The file.
    #[serde(flatten)]
    file: FilePath,
    /// Where it is stored.
    receipt: &'a Stored,
}

/// The progress of a run.
#[derive(Serialize, JsonSchema)]
pub struct ProgressRecord {
    /// Seconds since the run began.
    elapsed: f64,
    /// Files found so far.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Whether the walk is over.
    walked: bool,
    /// Files de-identified.
    deidentified: u64,
    /// Files with an outcome.
    settled: u64,
    /// Their bytes.
    settled_bytes: u64,
    /// Files that the server confirmed.
    uploaded: u64,
    /// Files ready for upload, in a dry run or in the output folder.
    prepared: u64,
    /// Files that were on the server before.
    already_there: u64,
    /// Files skipped.
    skipped: u64,
    /// Files failed.
    failed: u64,
    /// Bytes handed to the network.
    sent_bytes: u64,
    /// Bytes per second handed to the network lately.
    rate: u64,
    /// Estimated seconds until the end; null where nothing can be estimated.
    eta: Option<f64>,
}

/// What stopped a run early.
#[derive(Serialize, JsonSchema)]
pub struct StoppedRecord<'a> {
    /// The stable code.
    code: &'a str,
    /// What happened.
    message: &'a str,
    /// Why.
    why: &'a [String],
    /// What to do about it.
    hint: &'a str,
}

/// Writes the event stream.
pub struct EventStream {
    out: Box<dyn Write + Send>,
    paths: Paths,
    /// Where the failure report is written, for the last record.
    report: ReportPath,
    /// The address of the project's page, likewise.
    project_url: Option<String>,
    has_begun: bool,
    /// The stream cannot be written any more. The upload is worth more than its description, so the
    /// run goes on.
    is_closed: bool,
    /// Lines that are not written yet.
    pending: Vec<u8>,
    last_progress: Duration,
}

impl EventStream {
    pub fn new(out: Box<dyn Write + Send>, paths: Paths, report: ReportPath) -> Self {
        Self {
            out,
            paths,
            report,
            project_url: None,
            has_begun: false,
            is_closed: false,
            pending: Vec::new(),
            last_progress: Duration::ZERO,
        }
    }

    /// Appends a record as a line; the first one states the version. Errors: it cannot be written.
    fn append(pending: &mut Vec<u8>, is_first: bool, record: &EventRecord<'_>) -> io::Result<()> {
        if is_first {
            let mut record = serde_json::to_value(record)?;
            if let Value::Object(fields) = &mut record {
                fields.shift_insert(1, "v".to_owned(), VERSION.into());
            }
            serde_json::to_writer(&mut *pending, &record)?;
        } else {
            serde_json::to_writer(&mut *pending, record)?;
        }
        pending.push(b'\n');
        Ok(())
    }

    /// Errors: lines cannot be written. Later ones are not tried.
    fn written(&mut self, written: io::Result<()>) -> Result<(), Error> {
        self.is_closed |= written.is_err();
        match written {
            // A reader that went away has read enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritable(&error)),
            _ => Ok(()),
        }
    }

    /// The record of an event; none for an event that is not part of the stream.
    fn record<'a>(&'a self, event: &'a Event, counters: &Counters) -> Option<EventRecord<'a>> {
        Some(match event {
            Event::Started(start) => {
                EventRecord::Start(RunFacts::of(start, self.paths.is_redacting()))
            }
            Event::Notice(notice) => EventRecord::Notice(notice.into()),
            Event::Discovered { files, bytes, done } => EventRecord::Discovered {
                files: *files,
                bytes: *bytes,
                done: *done,
            },
            Event::Deidentified { path, changed } => EventRecord::Deidentified {
                file: self.paths.written(path),
                changed: *changed,
            },
            Event::Left { path, finding } => EventRecord::Notice(NoticeRecord {
                file: Some(self.paths.written(path)),
                severity: "warning".to_owned(),
                code: RESIDUAL.to_owned(),
                text: finding.clone(),
            }),
            Event::Pixels { path, look } => EventRecord::Pixels {
                file: self.paths.written(path),
                pixels: look.as_ref().into(),
            },
            Event::Changes(changes) => EventRecord::Changes(changes),
            Event::Stages(stages) => EventRecord::Stages { stages },
            Event::Retrying {
                what,
                cause,
                wait,
                attempt,
            } => EventRecord::Retrying {
                what,
                cause,
                wait: seconds(*wait),
                attempt: *attempt,
            },
            Event::Settled(settled) => self.settled(settled, counters.mode),
            Event::Stopping { code, uploads } => EventRecord::Stopping {
                code: code.as_str(),
                uploads: *uploads,
            },
            Event::Ended(end) => self.end(end),
            // Sent bytes are part of progress, requests are for troubleshooting, companions are for
            // the failure report, attributes for the log of changes.
            Event::Cleaned(_)
            | Event::Reviewed(_)
            | Event::Sending(_)
            | Event::Sent { .. }
            | Event::SendingEnded(_)
            | Event::Requested { .. }
            | Event::Companion { .. } => return None,
        })
    }

    fn settled<'a>(&self, settled: &'a Settled, mode: Option<Mode>) -> EventRecord<'a> {
        let arrived = |receipt| ArrivedRecord {
            file: self.paths.written(&settled.path),
            receipt,
        };
        match &settled.outcome {
            FileOutcome::Uploaded(stored) => EventRecord::Uploaded(arrived(stored)),
            FileOutcome::Prepared(stored) if mode == Some(Mode::Output) => {
                EventRecord::Written(arrived(stored))
            }
            FileOutcome::Prepared(stored) => EventRecord::WouldUpload(arrived(stored)),
            FileOutcome::AlreadyThere(stored) => EventRecord::AlreadyThere(arrived(stored)),
            FileOutcome::Skipped(reason) => EventRecord::Skipped {
                file: self.paths.written(&settled.path),
                reason: *reason,
                hint: reason.hint(),
            },
            FileOutcome::Failed(failure) => {
                EventRecord::Failed(FailedRecord::of(&self.paths, settled, failure))
            }
        }
    }

    fn end<'a>(&'a self, end: &'a RunEnd) -> EventRecord<'a> {
        EventRecord::End {
            totals: &end.totals,
            duration: seconds(end.duration),
            exit_code: end.exit_code,
            report: self
                .report
                .written(end.totals.failed),
            project_url: self.project_url.as_deref(),
            stopped_by: end
                .stopped_by
                .as_ref()
                .map(|error| StoppedRecord {
                    code: error.code.as_str(),
                    message: &error.what,
                    why: &error.why,
                    hint: error.hint(),
                }),
        }
    }
}

fn progress(counters: &Counters) -> ProgressRecord {
    let totals = &counters.totals;
    ProgressRecord {
        elapsed: seconds(counters.elapsed),
        files: counters.files,
        bytes: counters.bytes,
        walked: counters.walked,
        deidentified: counters.deidentified,
        settled: totals.found,
        settled_bytes: counters.settled_bytes,
        uploaded: totals.uploaded,
        prepared: totals.prepared,
        already_there: totals.already_there,
        skipped: totals.skipped,
        failed: totals.failed,
        sent_bytes: counters.network.total,
        rate: counters.rate(),
        eta: counters.left().map(seconds),
    }
}

fn unwritable(error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        "events are lost: standard output cannot be written",
    )
    .because(error.to_string())
    .with_hint("check where `--json` is sent to; what was uploaded is not sent again")
}

impl EventConsumer for EventStream {
    fn event(&mut self, event: &Event, counters: &Counters) -> Result<(), Error> {
        if self.is_closed {
            return Ok(());
        }
        if let Event::Started(start) = event {
            self.project_url
                .clone_from(&start.project_url);
        }
        let mut pending = std::mem::take(&mut self.pending);
        let appended = match self.record(event, counters) {
            Some(record) => Self::append(&mut pending, !self.has_begun, &record),
            None => Ok(()),
        };
        self.has_begun |= !pending.is_empty();
        self.pending = pending;
        self.written(appended)
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.is_closed || self.pending.is_empty() {
            return Ok(());
        }
        let written = self
            .out
            .write_all(&self.pending)
            .and_then(|()| self.out.flush());
        self.pending.clear();
        self.written(written)
    }

    fn tick(&mut self, counters: &Counters) -> Result<(), Error> {
        if self.is_closed
            || counters
                .elapsed
                .saturating_sub(self.last_progress)
                < PROGRESS_INTERVAL
        {
            return Ok(());
        }
        self.last_progress = counters.elapsed;
        let record = EventRecord::Progress(progress(counters));
        let appended = Self::append(&mut self.pending, !self.has_begun, &record);
        self.has_begun = true;
        self.written(appended)
    }
}
