//! The events of a run: what happened, to which file, and the totals. Pipeline and report share
//! nothing else.
//!
//! Owns the invariant that every file found ends in exactly one outcome. Must never hold an
//! attribute value but as it is sent: labels, and UIDs for the manifest alone. Types that event stream and failure report show as they are can be serialized;
//! their fields may be added to, never renamed or removed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::discover::SkipReason;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::review::ReviewedSeries;
use dicom_deid::{Change, LookVerdict, PixelLook, Sendable};
use dicom_lossless::Phi;

/// The code of warnings about values that stay in what is sent.
pub const RESIDUAL: &str = "residual";

/// What happens in a run, in the order in which it happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Everything is resolved and checked; nothing has been read or sent.
    Started(Box<RunStart>),
    /// Information for the user.
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
    /// What cleaning did to attributes of one instance, where that is written down.
    Cleaned(Box<CleanedAttributes>),
    /// A series as it would go, where a page for review is written.
    Reviewed(Box<ReviewedInRun>),
    /// A value that was removed or changed still stands in what is sent, and the profile allows
    /// that.
    Left {
        /// The source.
        path: Arc<PathBuf>,
        /// Where it stood and where it stands, without the value.
        finding: String,
    },
    /// The image of a file was looked at, and there is something to tell of it; or it could not be
    /// looked at.
    Pixels {
        /// The source.
        path: Arc<PathBuf>,
        /// What was seen and done.
        look: Box<PixelLook>,
    },
    /// The upload of a package begins.
    Sending(PackageBytes),
    /// Bytes handed to the network since the last such event.
    Sent {
        /// Their number.
        bytes: u64,
    },
    /// The upload of a package ended, with success or without.
    SendingEnded(PackageBytes),
    /// A request is going to be repeated.
    Retrying {
        /// The request, as method and path.
        what: String,
        /// What went wrong.
        cause: String,
        /// The time until it is repeated.
        wait: Duration,
        /// The number of the next attempt; the first repetition is 2.
        attempt: u32,
    },
    /// A request was answered, or failed without an answer.
    Requested {
        /// The request, as method and path.
        what: String,
        /// The status of the answer; none without an answer.
        status: Option<u16>,
        /// How long it took.
        took: Duration,
    },
    /// A file that belongs in one package with a file that failed: both are to be tried again
    /// together.
    Companion {
        /// The source.
        path: Arc<PathBuf>,
    },
    /// A file reached its outcome.
    Settled(Settled),
    /// The run begins nothing new; uploads under way may finish.
    Stopping {
        /// Why.
        code: RunCode,
        /// Packages under way.
        uploads: u64,
    },
    /// What cleaning did to the attributes of all files of a dry run.
    Changes(Changes),
    /// What each stage of the run did, once all have ended.
    Stages(Vec<Stage>),
    /// The run is over; always the last event.
    Ended(Box<RunEnd>),
}

/// The sizes of a package that is being uploaded, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PackageBytes {
    /// Bytes of its source files.
    pub source: u64,
    /// Bytes of the package.
    pub size: u64,
    /// Bytes handed to the network for it so far; those of a repeated attempt count again.
    pub sent: u64,
}

/// What cleaning did to attributes in all files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    /// The number of attributes that cleaning changed.
    pub attributes: u64,
    /// Those that it changed most often, in descending order.
    pub most: Vec<AttributeChanges>,
}

/// What cleaning did to one attribute, in all files and at all levels of nesting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttributeChanges {
    /// Its keyword and tag; its tag alone where it has no keyword.
    #[serde(rename = "attribute")]
    pub name: String,
    /// The number of times that it was removed.
    pub removed: u64,
    /// The number of times that it got another value.
    pub changed: u64,
    /// The number of times that it was inserted.
    pub inserted: u64,
}

/// What one stage of a run did. Times are summed over its threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stage {
    /// `walk`, `index`, `clean`, `pack` or `send`.
    pub name: &'static str,
    /// The number of files that it processed.
    pub files: u64,
    /// Bytes of their sources; for `send`, of the packages.
    pub bytes: u64,
    /// Seconds of work.
    #[serde(serialize_with = "in_seconds")]
    #[schemars(with = "f64")]
    pub busy: Duration,
    /// Seconds of waiting for another stage.
    #[serde(serialize_with = "in_seconds")]
    #[schemars(with = "f64")]
    pub waiting: Duration,
}

/// A file and its one outcome.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The source.
    pub path: Arc<PathBuf>,
    /// Its size in bytes; 0 where it is unknown.
    pub bytes: u64,
    /// Its outcome.
    pub outcome: FileOutcome,
    /// What of it was or would be sent, where a manifest is written and it came so far.
    pub sent: Option<Arc<SentInstance>>,
}

/// What was or would be sent of a file.
#[derive(Debug, Clone, Default)]
pub struct SentInstance {
    /// Study Instance UID; none where nothing is cleaned, since it identifies then.
    pub study_uid: Option<Phi<String>>,
    /// Series Instance UID, likewise.
    pub series_uid: Option<Phi<String>>,
    /// SOP Instance UID, likewise.
    pub instance_uid: Option<Phi<String>>,
    /// The SHA-256 of its bytes; none where they could not be read again.
    pub sha256: Option<String>,
}

impl SentInstance {
    /// Of an instance whose bytes have this hash.
    pub fn new(instance: &Sendable, sha256: Option<String>) -> Self {
        let Sendable::Clean(clean) = instance else {
            return Self {
                sha256,
                ..Self::default()
            };
        };
        let routing = clean.routing();
        Self {
            study_uid: routing.study_uid.clone(),
            series_uid: routing.series_uid.clone(),
            instance_uid: Some(Phi::new(clean.sop_instance().to_owned())),
            sha256,
        }
    }
}

/// What cleaning did to attributes of one instance, without values.
#[derive(Debug, Clone)]
pub struct CleanedAttributes {
    /// The source.
    pub path: Arc<PathBuf>,
    /// Some of the attributes that are not what they were.
    pub changes: Vec<Change>,
    /// Whether these are the first of its file.
    pub is_first: bool,
    _slot: Arc<ListSlot>,
}

/// A place among the lists that wait to be written, free again once this is dropped.
#[derive(Debug)]
struct ListSlot(crossbeam_channel::Receiver<()>);

impl Drop for ListSlot {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}

/// A series for review.
#[derive(Debug, Clone)]
pub struct ReviewedInRun {
    /// The series.
    pub series: Arc<ReviewedSeries>,
    _slot: Arc<ListSlot>,
}

/// The most attributes in one event, and the most such events that wait to be written: files may
/// have any number of attributes.
const LISTED: usize = 512;
const LISTS_WAITING: usize = 64;

/// The outcome of a file.
#[derive(Debug, Clone)]
pub enum FileOutcome {
    /// The server confirmed that it has it.
    Uploaded(Arc<Stored>),
    /// A dry run would upload it, or it was written into the output folder.
    Prepared(Arc<Stored>),
    /// The server had it before.
    AlreadyThere(Arc<Stored>),
    /// Not uploaded for a stated reason, without anything being wrong.
    Skipped(SkipReason),
    /// Not uploaded because something is wrong.
    Failed(FileFailure),
}

/// Where a file is stored: the package that holds it and the container that holds the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// It is not DICOM and is sent unchanged, whatever the profile.
    pub other_file: bool,
    /// The database ids of subject, session and acquisition, as far as they are known.
    #[serde(skip)]
    pub container_ids: Vec<Option<String>>,
}

/// What a run does with the packages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Uploads them.
    Upload,
    /// Does everything except the upload.
    DryRun,
    /// Writes them into a folder.
    Output,
}

/// What a run is about to do.
#[derive(Debug, Clone)]
pub struct RunStart {
    /// The version of this program.
    pub version: &'static str,
    /// `group/project`.
    pub project: String,
    /// The address of the server; none when offline.
    pub site: Option<String>,
    /// The address of the project's page, where the run sends something and the site stays after it.
    pub project_url: Option<String>,
    /// What it does with the packages.
    pub mode: Mode,
    /// The governing profile; none when data is sent unchanged.
    pub profile: Option<ProfileFacts>,
    /// The settings in force, name and value, without secrets.
    pub settings: Vec<(String, String)>,
}

/// Which profile governs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFacts {
    /// Its name.
    pub name: String,
    /// Where it comes from: `project`, `group`, `site` or `local`.
    pub level: &'static str,
    /// `sha256:<64 hex>` of its canonical form.
    pub digest: String,
    /// The fingerprint of the pseudonym key; none where the profile makes no pseudonyms.
    pub key: Option<String>,
}

/// Information for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its importance.
    pub severity: Severity,
    /// Its stable code.
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

/// The importance of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Shown with `-v`.
    Detail,
    /// Shown unless the run is quiet.
    Notice,
    /// A possible mistake or danger.
    Warning,
}

/// The end of a run.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The totals.
    pub totals: RunTotals,
    /// The time that it took.
    pub duration: Duration,
    /// Its exit code.
    pub exit_code: u8,
    /// What stopped it early.
    pub stopped_by: Option<Error>,
}

/// Counts of files by outcome, and of the containers that hold them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = no_containers_in_merged_reports)]
pub struct RunTotals {
    /// Files found.
    pub found: u64,
    /// Files that the server confirmed.
    #[serde(default)]
    pub uploaded: u64,
    /// Files ready for upload, in a dry run or in the output folder.
    #[serde(default)]
    pub prepared: u64,
    /// Files that were on the server before.
    #[serde(default)]
    pub already_there: u64,
    /// Files skipped.
    #[serde(default)]
    pub skipped: u64,
    /// Files failed.
    pub failed: u64,
    /// Source bytes of the files uploaded or prepared.
    #[serde(default)]
    pub bytes: u64,
    /// Of the files uploaded or prepared, those that are not DICOM and stay unchanged.
    #[serde(default)]
    pub as_they_are: u64,
    /// Their bytes.
    #[serde(default)]
    pub bytes_as_they_are: u64,
    /// Subjects that received a file. A merged report has no counts of containers.
    #[serde(default)]
    pub subjects: u64,
    /// Sessions that received a file.
    #[serde(default)]
    pub sessions: u64,
    /// Acquisitions that received a file.
    #[serde(default)]
    pub acquisitions: u64,
    /// Dates, times and ages of cleaned files that could not be parsed and were removed or emptied.
    #[serde(default)]
    pub unreadable: u64,
    /// Images by what was seen in them.
    #[serde(default)]
    pub images: ImageCounts,
    /// Skipped files by reason.
    #[serde(default, deserialize_with = "known_reasons")]
    pub skipped_by: BTreeMap<SkipReason, u64>,
    /// Failed files by code.
    #[serde(default)]
    pub failed_by: BTreeMap<String, u64>,
}

/// Counts of images by what was seen in them, those of files that failed included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImageCounts {
    /// Images that were looked at.
    pub looked_at: u64,
    /// Images in which text was found and blanked.
    pub blanked: u64,
    /// Images in which something stays that may be text.
    pub uncertain: u64,
    /// Images of kinds that often show text in which none was found.
    pub nothing_found_in_risky_image: u64,
    /// Images that could not be decoded and so were not looked at.
    pub not_decoded: u64,
    /// Images whose files failed for what was found, because nothing was, or for a face.
    pub refused: u64,
    /// Series of which a face can be made.
    pub faces: u64,
}

impl ImageCounts {
    /// Counts one image.
    pub fn count(&mut self, look: &PixelLook) {
        let counter = match look.verdict {
            LookVerdict::NotLookedAt => return,
            LookVerdict::NotDecoded => {
                self.not_decoded += 1;
                return;
            }
            LookVerdict::NothingFound => None,
            LookVerdict::NothingFoundInRiskyImage => Some(&mut self.nothing_found_in_risky_image),
            LookVerdict::Blanked => Some(&mut self.blanked),
            LookVerdict::Uncertain => Some(&mut self.uncertain),
            LookVerdict::Refused => Some(&mut self.refused),
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
        self.looked_at += u64::from(look.frames_looked_at > 0);
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in [
            (&mut self.looked_at, other.looked_at),
            (&mut self.blanked, other.blanked),
            (&mut self.uncertain, other.uncertain),
            (
                &mut self.nothing_found_in_risky_image,
                other.nothing_found_in_risky_image,
            ),
            (&mut self.not_decoded, other.not_decoded),
            (&mut self.refused, other.refused),
            (&mut self.faces, other.faces),
        ] {
            *sum = sum.saturating_add(count);
        }
    }
}

/// Whether there is more to tell of an image than that nothing was found.
fn is_worth_telling(look: &PixelLook) -> bool {
    let is_usual = matches!(
        look.verdict,
        LookVerdict::NotLookedAt | LookVerdict::NothingFound
    );
    !is_usual || !look.finds.is_empty() || look.blanked > 0 || look.face
}

/// The counts of [`RunTotals`] that cannot be added up: two runs may send into one container.
pub const CONTAINER_COUNTS: [&str; 3] = ["subjects", "sessions", "acquisitions"];

fn no_containers_in_merged_reports(schema: &mut Schema) {
    if let Some(required) = schema
        .get_mut("required")
        .and_then(|names| names.as_array_mut())
    {
        required.retain(|name| {
            !CONTAINER_COUNTS
                .iter()
                .any(|optional| name == optional)
        });
    }
}

/// Leaves out reasons that a later version added: `skipped` counts those files all the same.
fn known_reasons<'de, D: Deserializer<'de>>(
    counts: D,
) -> Result<BTreeMap<SkipReason, u64>, D::Error> {
    let counts = BTreeMap::<String, u64>::deserialize(counts)?;
    Ok(counts
        .into_iter()
        .filter_map(|(reason, n)| Some((serde_json::from_value(reason.into()).ok()?, n)))
        .collect())
}

/// Seconds, to the millisecond.
pub fn seconds(duration: Duration) -> f64 {
    f64::from(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)) / 1000.0
}

fn in_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds(*duration))
}

impl RunTotals {
    /// Counts the outcome of one file.
    pub fn count(&mut self, settled: &Settled) {
        self.found += 1;
        match &settled.outcome {
            FileOutcome::Uploaded(stored) => {
                self.uploaded += 1;
                self.count_bytes(stored, settled.bytes);
            }
            FileOutcome::Prepared(stored) => {
                self.prepared += 1;
                self.count_bytes(stored, settled.bytes);
            }
            FileOutcome::AlreadyThere(_) => self.already_there += 1,
            FileOutcome::Skipped(reason) => {
                self.skipped += 1;
                *self
                    .skipped_by
                    .entry(*reason)
                    .or_default() += 1;
            }
            FileOutcome::Failed(failure) => {
                self.failed += 1;
                *self
                    .failed_by
                    .entry(failure.code.to_string())
                    .or_default() += 1;
            }
        }
    }

    fn count_bytes(&mut self, stored: &Stored, bytes: u64) {
        self.bytes += bytes;
        if stored.other_file {
            self.as_they_are += 1;
            self.bytes_as_they_are += bytes;
        }
    }

    /// Files that were waiting or under way when the run stopped. They count as failed.
    pub fn not_sent(&self) -> u64 {
        self.failed_by
            .get(FileCode::UploadStopped.as_str())
            .copied()
            .unwrap_or_default()
    }

    /// Files that failed for a reason of their own.
    pub fn truly_failed(&self) -> u64 {
        self.failed
            .saturating_sub(self.not_sent())
    }

    /// DICOM files that were uploaded or prepared.
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

/// Sends events to the reporter and counts outcomes, so that totals and reports cannot disagree.
#[derive(Debug, Clone)]
pub struct Events {
    sender: crossbeam_channel::Sender<Event>,
    totals: Arc<Mutex<RunTotals>>,
    /// Holds as many tokens as lists of attributes wait to be written.
    lists: (
        crossbeam_channel::Sender<()>,
        crossbeam_channel::Receiver<()>,
    ),
}

/// The code of the warning that a container exists twice.
pub const TWIN_CONTAINER: &str = "twin-container";

impl Events {
    /// Sends into this channel.
    pub fn new(sender: crossbeam_channel::Sender<Event>) -> Self {
        Self {
            sender,
            totals: Arc::default(),
            lists: crossbeam_channel::bounded(LISTS_WAITING),
        }
    }

    /// Sends an event. The run goes on where the reporter has ended.
    pub fn send(&self, event: Event) {
        let _ = self.sender.send(event);
    }

    /// Sends what cleaning did to the attributes of one instance, and waits while much of that is
    /// still to be written.
    pub fn cleaned(&self, path: &Arc<PathBuf>, mut changes: Vec<Change>) {
        let mut is_first = true;
        while is_first || !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(LISTED));
            let slot = self.slot();
            self.send(Event::Cleaned(Box::new(CleanedAttributes {
                path: Arc::clone(path),
                changes: std::mem::replace(&mut changes, rest),
                is_first,
                _slot: slot,
            })));
            is_first = false;
        }
    }

    /// Sends a series for review, and waits while many are still to be written.
    pub fn reviewed(&self, series: ReviewedSeries) {
        let slot = self.slot();
        self.send(Event::Reviewed(Box::new(ReviewedInRun {
            series: Arc::new(series),
            _slot: slot,
        })));
    }

    /// A place among what waits to be written, once one is free.
    fn slot(&self) -> Arc<ListSlot> {
        let _ = self.lists.0.send(());
        Arc::new(ListSlot(self.lists.1.clone()))
    }

    /// Counts and sends the outcome of a file.
    pub fn settle(&self, settled: Settled) {
        self.with_totals(|totals| totals.count(&settled));
        self.send(Event::Settled(settled));
    }

    /// Counts what was seen in an image, and sends it where there is something to tell.
    pub fn looked(&self, path: &Arc<PathBuf>, look: &PixelLook) {
        self.with_totals(|totals| totals.images.count(look));
        if is_worth_telling(look) {
            self.send(Event::Pixels {
                path: Arc::clone(path),
                look: Box::new(look.clone()),
            });
        }
    }

    /// Sends a notice.
    pub fn notice(&self, severity: Severity, code: &'static str, text: impl Into<String>) {
        self.send(Event::Notice(Notice::new(severity, code, text)));
    }

    /// Reads or changes the totals.
    pub fn with_totals<T>(&self, work: impl FnOnce(&mut RunTotals) -> T) -> T {
        work(
            &mut self
                .totals
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}
