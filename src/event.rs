//! All that pipeline and report share: what happened, to which file, and the totals.
//!
//! Owns the invariant that every file found ends in exactly one outcome. Holds no attribute value.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::discover::SkipReason;
use crate::failure::{Error, FileCode, FileFailure, RunCode};

/// The word for warnings of values that are left.
pub const RESIDUAL: &str = "residual";

/// What happens in a run, in the order in which it happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Everything is resolved and checked; nothing was read or sent yet.
    Started(Box<RunStart>),
    /// Something that the user must know.
    Notice(Notice),
    /// Running totals of the walk; `done` with the last one.
    Discovered {
        /// Files found so far.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// Whether the walk is over.
        done: bool,
    },
    /// One instance was de-identified (or, without de-identification, read whole).
    Deidentified {
        /// The source.
        path: Arc<PathBuf>,
        /// Elements changed or removed.
        changed: u32,
    },
    /// A value that was removed or changed still stands in what is sent, and the profile lets it be
    /// sent all the same.
    Left {
        /// The source.
        path: Arc<PathBuf>,
        /// Where it stood and stands, without the value.
        finding: String,
    },
    /// A package begins to be sent.
    Sending(PackageBytes),
    /// Bytes handed to the network since the last such event.
    Sent {
        /// How many.
        bytes: u64,
    },
    /// The sending of a package ended, whatever came of it.
    SendingEnded(PackageBytes),
    /// A request is going to be repeated.
    Retrying {
        /// The request, as method and path.
        what: String,
        /// What went wrong.
        cause: String,
        /// How long until it is repeated.
        wait: Duration,
        /// Which attempt comes next; the first repetition is 2.
        attempt: u32,
    },
    /// A request was answered, or came to nothing.
    Requested {
        /// The request, as method and path.
        what: String,
        /// The status of the answer; none where there was no answer.
        status: Option<u16>,
        /// How long it took.
        took: Duration,
    },
    /// A file whose series, or folder, has a file that failed: tried again together, they make one
    /// package.
    Companion {
        /// The source.
        path: Arc<PathBuf>,
    },
    /// A file reached its outcome.
    Settled(Settled),
    /// The run begins nothing new any more; what is under way may finish.
    Stopping {
        /// Why.
        code: RunCode,
        /// Packages under way.
        uploads: u64,
    },
    /// What cleaning did to the attributes of all files of a rehearsal.
    Changes(Changes),
    /// What each stage of the run did, once all are done.
    Stages(Vec<Stage>),
    /// The run is over; always the last event.
    Ended(Box<RunEnd>),
}

/// A package on its way, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PackageBytes {
    /// Of the files that it was made of.
    pub source: u64,
    /// Of the package.
    pub size: u64,
    /// Handed to the network for it until now; those of a repeated try count again.
    pub sent: u64,
}

/// What cleaning did to attributes in all files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changes {
    /// How many attributes something was done to.
    pub attributes: u64,
    /// Those to which it was done most often, most first.
    pub most: Vec<AttributeChanges>,
}

/// What cleaning did to one attribute, in all files and at every place in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttributeChanges {
    /// Its keyword and tag; its tag alone where it has none.
    #[serde(rename = "attribute")]
    pub name: String,
    /// How often it was removed.
    pub removed: u64,
    /// How often it got another value.
    pub changed: u64,
    /// How often it was put in.
    pub inserted: u64,
}

/// What one stage of a run did. Times are summed over its threads: two that work for a second make
/// two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stage {
    /// `walk`, `index`, `clean`, `pack` or `send`.
    pub name: &'static str,
    /// Files that it took.
    pub files: u64,
    /// Their bytes at the source; for `send`, those of the packages.
    pub bytes: u64,
    /// Time at work.
    #[serde(serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub busy: Duration,
    /// Time for which it waited for another stage.
    #[serde(serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub waiting: Duration,
}

/// A file and its one outcome.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The source.
    pub path: Arc<PathBuf>,
    /// Its size in bytes; 0 where it could not be found out.
    pub bytes: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The server confirmed that it has it.
    Uploaded(Arc<Stored>),
    /// It would have been uploaded: a dry run, or written into the output folder instead.
    Prepared(Arc<Stored>),
    /// The server had it before.
    AlreadyThere(Arc<Stored>),
    /// Left out for a stated reason.
    Skipped(SkipReason),
    /// Not uploaded because something is wrong.
    Failed(FileFailure),
}

/// Where a file went: the package that holds it and the container that holds the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stored {
    /// `group/project/subject/session/acquisition`, labels after cleaning; only `group/project`
    /// where nothing is cleaned.
    pub destination: String,
    /// The database id of the container; none in a dry run.
    pub container_id: Option<String>,
    /// The name of the file on the server; withheld where nothing is cleaned.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// The database id of the file, where the server states one.
    pub file_id: Option<String>,
    /// It is not DICOM, and goes as it is whatever governs.
    pub other_file: bool,
}

/// How a run handles what it cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Sends it.
    Upload,
    /// Does everything but sending.
    DryRun,
    /// Writes the packages into a folder.
    Output,
}

/// What a run is about to do.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunStart {
    /// This program's version.
    pub version: &'static str,
    /// What is done with the packages.
    pub mode: Mode,
    /// `group/project`.
    pub project: String,
    /// The server's address; none when offline.
    pub site: Option<String>,
    /// The governing profile; none when data goes as it is.
    pub profile: Option<ProfileFacts>,
    /// The settings in force, name and value, no secrets.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub settings: Vec<(String, String)>,
}

/// Which profile governs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileFacts {
    /// Its name.
    pub name: String,
    /// Where it comes from: `project`, `group`, `site` or `local`.
    pub level: &'static str,
    /// `sha256:<64 hex>` of its canonical form.
    pub digest: String,
    /// The fingerprint of the key that pseudonyms are made with; none where the profile makes none.
    #[serde(rename = "pseudonym_key")]
    pub key: Option<String>,
}

/// Something that the user must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// A stable word for it.
    pub code: &'static str,
    /// The text; further lines explain.
    pub text: String,
}

impl Notice {
    /// Known from elsewhere, or for those who look closer.
    pub fn detail(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Severity::Detail, code, text)
    }

    /// Good to know.
    pub fn fact(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Severity::Notice, code, text)
    }

    /// May be a mistake, or a danger.
    pub fn warning(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, text)
    }

    fn new(severity: Severity, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            text: text.into(),
        }
    }
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Known from elsewhere, or for those who look closer.
    #[serde(rename = "notice")]
    #[cfg_attr(test, schemars(skip))]
    Detail,
    /// Good to know.
    Notice,
    /// May be a mistake, or a danger.
    Warning,
}

/// Writes a duration as seconds, to the millisecond.
pub fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(millis) / 1000.0)
}

fn as_object<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

fn by_reason<S: Serializer>(
    skipped: &BTreeMap<SkipReason, u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(skipped.iter().map(|(reason, n)| (reason.as_str(), n)))
}

/// The end of a run.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The totals.
    pub totals: RunTotals,
    /// How long it took.
    pub duration: Duration,
    /// The exit code that follows.
    pub exit_code: u8,
    /// What stopped the run before its end.
    pub stopped_by: Option<Error>,
}

/// Counts of files by outcome, and what they went into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunTotals {
    /// Files found.
    pub found: u64,
    /// Confirmed by the server.
    pub uploaded: u64,
    /// Ready, in a dry run or in the output folder.
    pub prepared: u64,
    /// On the server before.
    pub already_there: u64,
    /// Left out.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Source bytes of what was uploaded or prepared.
    pub bytes: u64,
    /// Of the files uploaded or prepared, those that are not DICOM: they were sent as they are.
    pub as_they_are: u64,
    /// Their bytes.
    pub bytes_as_they_are: u64,
    /// Subjects, sessions and acquisitions that received something.
    pub subjects: u64,
    /// Sessions that received something.
    pub sessions: u64,
    /// Acquisitions that received something.
    pub acquisitions: u64,
    /// Dates, times and ages of cleaned files that could not be read, and so were removed or
    /// emptied.
    pub unreadable: u64,
    /// Skips by reason.
    #[serde(serialize_with = "by_reason")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub skipped_by: BTreeMap<SkipReason, u64>,
    /// Failures by code.
    pub failed_by: BTreeMap<&'static str, u64>,
}

impl RunTotals {
    /// Counts one file's outcome.
    pub fn count(&mut self, settled: &Settled) {
        self.found += 1;
        match &settled.outcome {
            Outcome::Uploaded(stored) => {
                self.uploaded += 1;
                self.count_bytes(stored, settled.bytes);
            }
            Outcome::Prepared(stored) => {
                self.prepared += 1;
                self.count_bytes(stored, settled.bytes);
            }
            Outcome::AlreadyThere(_) => self.already_there += 1,
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                *self.skipped_by.entry(*reason).or_default() += 1;
            }
            Outcome::Failed(failure) => {
                self.failed += 1;
                *self.failed_by.entry(failure.code.as_str()).or_default() += 1;
            }
        }
    }

    fn count_bytes(&mut self, stored: &Stored, bytes: u64) {
        self.bytes += bytes;
        if stored.other_file {
            (self.as_they_are, self.bytes_as_they_are) =
                (self.as_they_are + 1, self.bytes_as_they_are + bytes);
        }
    }

    /// Files that were not begun, or not finished, when the run stopped. They count as failed.
    pub fn not_sent(&self) -> u64 {
        self.failed_by
            .get(FileCode::UploadStopped.as_str())
            .copied()
            .unwrap_or_default()
    }

    /// Files that failed by themselves.
    pub fn truly_failed(&self) -> u64 {
        self.failed.saturating_sub(self.not_sent())
    }

    /// Files that went through the treatment of the run: uploaded or prepared, and not other files.
    pub fn treated(&self) -> u64 {
        (self.uploaded + self.prepared).saturating_sub(self.as_they_are)
    }

    /// Whether every file found has exactly one outcome.
    pub fn add_up(&self, found: u64) -> bool {
        let outcomes =
            self.uploaded + self.prepared + self.already_there + self.skipped + self.failed;
        self.found == found && outcomes == found
    }
}

/// The way in for events. Counts outcomes as they pass, so that totals and reports cannot disagree.
#[derive(Debug, Clone)]
pub struct Events {
    sender: crossbeam_channel::Sender<Event>,
    totals: Arc<Mutex<RunTotals>>,
}

impl Events {
    /// A way in to whoever listens at the other end.
    pub fn new(sender: crossbeam_channel::Sender<Event>) -> Self {
        Self {
            sender,
            totals: Arc::default(),
        }
    }

    /// Passes an event on. A reporter that is gone is no reason to stop.
    pub fn send(&self, event: Event) {
        let _ = self.sender.send(event);
    }

    /// Gives a file its outcome.
    pub fn settle(&self, path: &Arc<PathBuf>, bytes: u64, outcome: Outcome) {
        let settled = Settled {
            path: Arc::clone(path),
            bytes,
            outcome,
        };
        self.with_totals(|totals| totals.count(&settled));
        self.send(Event::Settled(settled));
    }

    /// Tells the user something.
    pub fn notice(&self, severity: Severity, code: &'static str, text: impl Into<String>) {
        self.send(Event::Notice(Notice::new(severity, code, text)));
    }

    /// Works on the totals.
    pub fn with_totals<T>(&self, work: impl FnOnce(&mut RunTotals) -> T) -> T {
        work(
            &mut self
                .totals
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}
