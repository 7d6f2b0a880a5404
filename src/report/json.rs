//! `--json`: the event stream on standard output, one object per line, always flushed.
//!
//! `type` comes first, `v` stands in the first record, `end` comes last.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use serde_json::json;

use super::Sink;
use super::place::ReportPath;
use super::record::{self, Record, record};
use super::redact::Paths;
use super::tally::Tally;
use crate::event::{AttributeChanges, Event, Outcome, RESIDUAL, RunEnd, Settled, Stage};
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

    fn with(kind: &str, fields: serde_json::Value) -> Record {
        let mut record = record(kind);
        record::extend(&mut record, fields);
        record
    }

    fn with_path(&self, kind: &str, path: &std::path::Path, fields: serde_json::Value) -> Record {
        let mut record = record(kind);
        self.paths.add_to(&mut record, path);
        record::extend(&mut record, fields);
        record
    }

    fn settled(&self, settled: &Settled, tally: &Tally) -> Record {
        let at = |kind, fields| self.with_path(kind, &settled.path, fields);
        match &settled.outcome {
            Outcome::Uploaded(stored) => {
                at("uploaded", json!({ "receipt": record::receipt(stored) }))
            }
            Outcome::Prepared(stored) => {
                let kind = if tally.mode == Some(crate::event::Mode::Output) {
                    "written"
                } else {
                    "would-upload"
                };
                at(kind, json!({ "receipt": record::receipt(stored) }))
            }
            Outcome::AlreadyThere(stored) => at(
                "already-there",
                json!({ "receipt": record::receipt(stored) }),
            ),
            Outcome::Skipped(reason) => {
                let mut fields = json!({ "reason": reason.as_str() });
                if let (Some(hint), Some(fields)) = (reason.hint(), fields.as_object_mut()) {
                    fields.insert("hint".to_owned(), hint.into());
                }
                at("skipped", fields)
            }
            Outcome::Failed(failure) => record::failed(&self.paths, settled, failure),
        }
    }

    fn end(&self, end: &RunEnd) -> Record {
        let stopped = end
            .stopped_by
            .as_ref()
            .map(|error| json!({ "code": error.code.as_str(), "message": error.what, "why": error.why, "hint": error.hint() }));
        let fields = json!({
            "totals": record::totals(&end.totals),
            "duration": record::seconds(end.duration),
            "exit_code": end.exit_code,
            "report": self.report.written(end.totals.failed),
            "stopped_by": stopped,
        });
        Self::with("end", fields)
    }

    fn progress(&mut self, tally: &Tally) {
        if tally.elapsed.saturating_sub(self.last_progress) < PROGRESS_EVERY {
            return;
        }
        self.last_progress = tally.elapsed;
        let fields = json!({
            "elapsed": record::seconds(tally.elapsed),
            "files": tally.files,
            "bytes": tally.bytes,
            "walked": tally.walked,
            "deidentified": tally.deidentified,
            "settled": tally.totals.found,
            "settled_bytes": tally.settled_bytes,
            "uploaded": tally.totals.uploaded,
            "prepared": tally.totals.prepared,
            "already_there": tally.totals.already_there,
            "skipped": tally.totals.skipped,
            "failed": tally.totals.failed,
            "sent_bytes": tally.network.total(),
            "rate": tally.rate(),
            "eta": tally.left().map(record::seconds),
        });
        if let Err(error) = self.write(Self::with("progress", fields)) {
            self.lost = Some(error);
        }
    }
}

fn stage(stage: &Stage) -> serde_json::Value {
    json!({
        "name": stage.name,
        "files": stage.files,
        "bytes": stage.bytes,
        "busy": record::seconds(stage.busy),
        "waiting": record::seconds(stage.waiting),
    })
}

fn changes_of(changes: &AttributeChanges) -> serde_json::Value {
    json!({
        "attribute": changes.name,
        "removed": changes.removed,
        "changed": changes.changed,
        "inserted": changes.inserted,
    })
}

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
            Event::Started(start) => {
                Self::with("start", record::facts(start, self.paths.redacted()))
            }
            Event::Notice(notice) => record::notice(notice),
            Event::Discovered { files, bytes, done } => Self::with(
                "discovered",
                json!({ "files": files, "bytes": bytes, "done": done }),
            ),
            Event::Deidentified { path, changed } => {
                self.with_path("deidentified", path, json!({ "changed": changed }))
            }
            Event::Left { path, finding } => {
                let fields = json!({ "severity": "warning", "code": RESIDUAL, "text": finding });
                self.with_path("notice", path, fields)
            }
            // Sent bytes are part of the progress records; single requests are for people who look
            // for trouble. Companions are for a report to try again by.
            Event::Sending(_)
            | Event::Sent { .. }
            | Event::SendingEnded(_)
            | Event::Requested { .. }
            | Event::Companion { .. } => return Ok(()),
            Event::Changes(changes) => {
                let most: Vec<_> = changes.most.iter().map(changes_of).collect();
                Self::with(
                    "changes",
                    json!({ "attributes": changes.attributes, "most": most }),
                )
            }
            Event::Stages(stages) => Self::with(
                "stages",
                json!({ "stages": stages.iter().map(stage).collect::<Vec<_>>() }),
            ),
            Event::Retrying {
                what,
                cause,
                wait,
                attempt,
            } => {
                let fields = json!({ "what": what, "cause": cause, "wait": record::seconds(*wait), "attempt": attempt });
                Self::with("retrying", fields)
            }
            Event::Settled(settled) => self.settled(settled, tally),
            Event::Stopping { code, uploads } => Self::with(
                "stopping",
                json!({ "code": code.as_str(), "uploads": uploads }),
            ),
            Event::Ended(end) => self.end(end),
        };
        let written = self.write(record);
        self.lost.take().map_or(written, Err)
    }

    fn tick(&mut self, tally: &Tally) {
        self.progress(tally);
    }
}
