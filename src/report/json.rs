//! `--json`: the event stream on standard output, one object per line, always flushed.
//!
//! `type` comes first, `v` stands in the first record, `end` comes last.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use serde::Serialize;

use super::Sink;
use super::place::ReportPath;
use super::record::{self, FailedFile, FilePath, Record, RunFacts};
use super::redact::Paths;
use super::tally::Tally;
use crate::event::{
    Changes, Event, Mode, Notice, Outcome, RESIDUAL, RunEnd, RunTotals, Settled, Severity, Stage,
    Stored, seconds,
};
use crate::failure::{Error, RunCode};

/// Progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The event stream.
pub(super) struct JsonStream {
    out: Box<dyn Write + Send>,
    paths: Paths,
    /// Where the failure report goes, for the last record.
    report: ReportPath,
    begun: bool,
    /// The reader went away. The upload is worth more than its description, so the run goes on.
    closed: bool,
    /// What a progress record met, for the next event.
    lost: Option<Error>,
    last_progress: Duration,
}

impl JsonStream {
    pub(super) fn new(out: Box<dyn Write + Send>, paths: Paths, report: ReportPath) -> Self {
        Self {
            out,
            paths,
            report,
            begun: false,
            closed: false,
            lost: None,
            last_progress: Duration::ZERO,
        }
    }

    /// Errors: what reads or keeps the events cannot take this one. Later ones are not tried.
    fn write(&mut self, mut record: Record) -> Result<(), Error> {
        if !self.begun {
            self.begun = true;
            record.shift_insert(1, "v".to_owned(), record::VERSION.into());
        }
        let mut line = serde_json::Value::Object(record).to_string();
        line.push('\n');
        if self.closed {
            return Ok(());
        }
        let written = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush());
        self.closed = written.is_err();
        match written {
            // A reader that went away has read enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ => Ok(()),
        }
    }

    fn settled<'a>(&self, settled: &'a Settled, tally: &Tally) -> EventRecord<'a> {
        let file = FilePath::new(&self.paths, &settled.path);
        match &settled.outcome {
            Outcome::Uploaded(receipt) => EventRecord::Uploaded { file, receipt },
            Outcome::Prepared(receipt) if tally.mode == Some(Mode::Output) => {
                EventRecord::Written { file, receipt }
            }
            Outcome::Prepared(receipt) => EventRecord::WouldUpload { file, receipt },
            Outcome::AlreadyThere(receipt) => EventRecord::AlreadyThere { file, receipt },
            Outcome::Skipped(reason) => EventRecord::Skipped {
                file,
                reason: reason.as_str(),
                hint: reason.hint(),
            },
            Outcome::Failed(failure) => {
                EventRecord::Failed(FailedFile::new(&self.paths, &settled.path, failure))
            }
        }
    }

    fn end<'a>(&'a self, end: &'a RunEnd) -> EventRecord<'a> {
        EventRecord::End {
            totals: &end.totals,
            duration: end.duration,
            exit_code: end.exit_code,
            report: self.report.written(end.totals.failed),
            stopped_by: end.stopped_by.as_ref().map(|error| StoppedBy {
                code: error.code.as_str(),
                message: &error.what,
                why: &error.why,
                hint: error.hint(),
            }),
        }
    }

    fn progress(&mut self, tally: &Tally) {
        if tally.elapsed.saturating_sub(self.last_progress) < PROGRESS_EVERY {
            return;
        }
        self.last_progress = tally.elapsed;
        let progress = EventRecord::Progress {
            elapsed: tally.elapsed,
            files: tally.files,
            bytes: tally.bytes,
            walked: tally.walked,
            deidentified: tally.deidentified,
            settled: tally.totals.found,
            settled_bytes: tally.settled_bytes,
            uploaded: tally.totals.uploaded,
            prepared: tally.totals.prepared,
            already_there: tally.totals.already_there,
            skipped: tally.totals.skipped,
            failed: tally.totals.failed,
            sent_bytes: tally.network.total(),
            rate: tally.rate(),
            eta: tally.left().map(Seconds),
        };
        if let Err(error) = self.write(progress.fields()) {
            self.lost = Some(error);
        }
    }
}

/// One line of the event stream. The first one has the version of the records as `v`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum EventRecord<'a> {
    /// Everything is resolved and checked; nothing was read or sent yet.
    Start(RunFacts<'a>),
    /// Something that the user must know.
    Notice {
        #[serde(flatten)]
        file: Option<FilePath>,
        #[serde(flatten)]
        notice: Cow<'a, Notice>,
    },
    /// Running totals of the walk.
    Discovered {
        /// Files found until now.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// Whether the walk is over.
        done: bool,
    },
    /// One instance was de-identified.
    Deidentified {
        #[serde(flatten)]
        file: FilePath,
        /// Elements changed or removed.
        changed: u32,
    },
    /// How far the run is, about once a second.
    Progress {
        #[serde(serialize_with = "seconds")]
        #[cfg_attr(test, schemars(with = "f64"))]
        elapsed: Duration,
        /// Files found until now.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// Whether all files are found.
        walked: bool,
        deidentified: u64,
        /// Files with an outcome.
        settled: u64,
        settled_bytes: u64,
        uploaded: u64,
        prepared: u64,
        already_there: u64,
        skipped: u64,
        failed: u64,
        /// Bytes handed to the network.
        sent_bytes: u64,
        /// Bytes a second.
        rate: u64,
        /// Seconds that are probably left.
        eta: Option<Seconds>,
    },
    /// A request is going to be repeated.
    Retrying {
        /// The request, as method and path.
        what: &'a str,
        /// What went wrong.
        cause: &'a str,
        /// Seconds until it is repeated.
        #[serde(serialize_with = "seconds")]
        #[cfg_attr(test, schemars(with = "f64"))]
        wait: Duration,
        /// The number of the next attempt; the first repetition is 2.
        attempt: u32,
    },
    /// The server confirmed that it has the file.
    Uploaded {
        #[serde(flatten)]
        file: FilePath,
        receipt: &'a Stored,
    },
    /// The file was written into the output folder.
    Written {
        #[serde(flatten)]
        file: FilePath,
        receipt: &'a Stored,
    },
    /// The file would be uploaded: a dry run.
    WouldUpload {
        #[serde(flatten)]
        file: FilePath,
        receipt: &'a Stored,
    },
    /// The server had the file before.
    AlreadyThere {
        #[serde(flatten)]
        file: FilePath,
        receipt: &'a Stored,
    },
    /// The file was left out.
    Skipped {
        #[serde(flatten)]
        file: FilePath,
        /// The stable word for the reason.
        reason: &'static str,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'static str>,
    },
    /// The file failed.
    Failed(FailedFile),
    /// The run begins nothing new; uploads under way may finish.
    Stopping {
        /// Why: a code as in `fwupload explain CODE`.
        code: &'static str,
        /// Packages under way.
        uploads: u64,
    },
    /// What cleaning did to the attributes of all files of a dry run.
    Changes(&'a Changes),
    /// What each stage of the run did.
    Stages { stages: &'a [Stage] },
    /// The run is over; always the last line.
    End {
        totals: &'a RunTotals,
        #[serde(serialize_with = "seconds")]
        #[cfg_attr(test, schemars(with = "f64"))]
        duration: Duration,
        exit_code: u8,
        /// Where the failure report is, if one was written.
        report: Option<&'a str>,
        /// What stopped the run before its end.
        stopped_by: Option<StoppedBy<'a>>,
    },
}

impl EventRecord<'_> {
    fn fields(&self) -> Record {
        match record::object(self) {
            serde_json::Value::Object(fields) => fields,
            _ => Record::new(),
        }
    }
}

/// What stopped a run before its end.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct StoppedBy<'a> {
    /// The stable code: `fwupload explain CODE`.
    code: &'static str,
    message: &'a str,
    why: &'a [String],
    hint: &'a str,
}

/// A number of seconds, to the millisecond.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Seconds(
    #[serde(serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "f64"))]
    Duration,
);

fn unwritten(error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        "events are lost: standard output cannot be written",
    )
    .because(error.to_string())
    .with_hint("check where `--json` is sent to; what was uploaded is not sent again")
}

impl Sink for JsonStream {
    fn event(&mut self, event: &Event, tally: &Tally) -> Result<(), Error> {
        let record = match event {
            Event::Started(start) => EventRecord::Start(RunFacts {
                start,
                redacted: self.paths.redacted(),
            }),
            Event::Notice(notice) => EventRecord::Notice {
                file: None,
                notice: Cow::Borrowed(notice),
            },
            Event::Discovered { files, bytes, done } => EventRecord::Discovered {
                files: *files,
                bytes: *bytes,
                done: *done,
            },
            Event::Deidentified { path, changed } => EventRecord::Deidentified {
                file: FilePath::new(&self.paths, path),
                changed: *changed,
            },
            Event::Left { path, finding } => EventRecord::Notice {
                file: Some(FilePath::new(&self.paths, path)),
                notice: Cow::Owned(Notice {
                    severity: Severity::Warning,
                    code: RESIDUAL,
                    text: finding.clone(),
                }),
            },
            // Sent bytes are part of the progress records; single requests are shown by `-vv`.
            // Companions are for a report to try again by.
            Event::Sending(_)
            | Event::Sent { .. }
            | Event::SendingEnded(_)
            | Event::Requested { .. }
            | Event::Companion { .. } => return Ok(()),
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
                wait: *wait,
                attempt: *attempt,
            },
            Event::Settled(settled) => self.settled(settled, tally),
            Event::Stopping { code, uploads } => EventRecord::Stopping {
                code: code.as_str(),
                uploads: *uploads,
            },
            Event::Ended(end) => self.end(end),
        };
        let fields = record.fields();
        let written = self.write(fields);
        self.lost.take().map_or(written, Err)
    }

    fn tick(&mut self, tally: &Tally) {
        self.progress(tally);
    }
}
