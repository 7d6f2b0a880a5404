//! `--manifest`: every source file once, with what became of it, where it went and as what.
//!
//! Joins the paths of files to the UIDs that they bear once cleaned, so it is its owner's alone and
//! never sent. Owns its records: fields may be added, never renamed or removed. Must never hold a
//! value of an attribute other than UIDs and labels as they are sent.

use schemars::JsonSchema;
use serde::Serialize;

use super::EventConsumer;
use super::audit_file::{AuditFile, EndOfAudit};
use super::counters::Counters;
use super::record::RunFacts;
use super::redact::Paths;
use crate::config::{Audit, AuditKind};
use crate::event::{Event, FileOutcome, Mode, RunEnd, SentInstance, Settled, Stored};
use crate::failure::Error;
use dicom_lossless::Phi;

/// The status of the last row of the CSV form, where not every file has its outcome.
const INCOMPLETE: &str = "incomplete";

/// A source file: one row of the `.csv` form.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ManifestRow {
    /// Its path, or the hash of that with `--redact-paths`; of a member of an archive, `::` stands
    /// behind the archive.
    path: String,
    /// Its exact bytes in base64, where they are not UTF-8.
    path_bytes: Option<String>,
    /// `uploaded`, `would-upload`, `written`, `already-there`, `skipped` or `failed`.
    status: &'static str,
    /// Why it was skipped, or the code of its failure.
    reason: Option<&'static str>,
    /// Its size in bytes.
    bytes: u64,
    /// `group/project/subject/session/acquisition` of the container that it went to.
    destination: Option<String>,
    /// The database id of that container.
    container_id: Option<String>,
    /// The database id of the subject.
    subject_id: Option<String>,
    /// The database id of the session.
    session_id: Option<String>,
    /// The database id of the acquisition.
    acquisition_id: Option<String>,
    /// The name of the file on the server that holds it: a zip, or the instance itself.
    file: Option<String>,
    /// The size of that in bytes.
    file_bytes: Option<u64>,
    /// The database id of that.
    file_id: Option<String>,
    /// Study Instance UID after cleaning; none where nothing is cleaned.
    study_uid: Option<String>,
    /// Series Instance UID after cleaning.
    series_uid: Option<String>,
    /// SOP Instance UID after cleaning.
    instance_uid: Option<String>,
    /// SHA-256 of what was sent of it: of the cleaned instance, or of the file as it is.
    sha256: Option<String>,
    /// The digest of the profile that it was cleaned under; none for what is sent as it is.
    profile_digest: Option<String>,
}

/// Writes the manifest.
pub struct Manifest {
    out: AuditFile,
    paths: Paths,
    mode: Option<Mode>,
    profile_digest: Option<String>,
    files: u64,
}

impl Manifest {
    /// Errors: [`RunCode::AuditUnwritable`].
    pub fn open(audit: &Audit, paths: &Paths) -> Result<Self, Error> {
        Ok(Self {
            out: AuditFile::open(audit, AuditKind::Manifest)?,
            paths: paths.clone(),
            mode: None,
            profile_digest: None,
            files: 0,
        })
    }

    fn row(&self, settled: &Settled) -> ManifestRow {
        let path = self.paths.written(&settled.path);
        let row = ManifestRow {
            path: self.out.cell(path.path),
            path_bytes: path.path_bytes,
            bytes: settled.bytes,
            ..ManifestRow::default()
        };
        let (status, stored) = match &settled.outcome {
            FileOutcome::Uploaded(stored) => ("uploaded", stored),
            FileOutcome::Prepared(stored) if self.mode == Some(Mode::Output) => ("written", stored),
            FileOutcome::Prepared(stored) => ("would-upload", stored),
            FileOutcome::AlreadyThere(stored) => ("already-there", stored),
            FileOutcome::Skipped(reason) => {
                return ManifestRow {
                    status: "skipped",
                    reason: Some(reason.as_str()),
                    ..row
                };
            }
            FileOutcome::Failed(failure) => {
                return ManifestRow {
                    status: "failed",
                    reason: Some(failure.code.as_str()),
                    ..row
                };
            }
        };
        self.stored(
            ManifestRow { status, ..row },
            stored,
            settled.sent.as_deref(),
        )
    }

    /// Adds where a file went, and as what.
    fn stored(
        &self,
        row: ManifestRow,
        stored: &Stored,
        sent: Option<&SentInstance>,
    ) -> ManifestRow {
        let [subject_id, session_id, acquisition_id] = [0, 1, 2].map(|depth| {
            stored
                .container_ids
                .get(depth)
                .cloned()
                .flatten()
        });
        let uid = |of: fn(&SentInstance) -> &Option<Phi<String>>| {
            sent.and_then(|sent| of(sent).as_ref())
                .map(|uid| uid.expose().clone())
        };
        let digest = self.profile_digest.clone();
        ManifestRow {
            destination: Some(stored.destination.clone()),
            container_id: stored.container_id.clone(),
            subject_id,
            session_id,
            acquisition_id,
            file: Some(self.out.cell(stored.file.clone())),
            file_bytes: Some(stored.size),
            file_id: stored.file_id.clone(),
            study_uid: uid(|sent| &sent.study_uid),
            series_uid: uid(|sent| &sent.series_uid),
            instance_uid: uid(|sent| &sent.instance_uid),
            sha256: sent.and_then(|sent| sent.sha256.clone()),
            profile_digest: digest.filter(|_| !stored.other_file),
            ..row
        }
    }

    fn ended(&mut self, end: &RunEnd) -> Result<(), Error> {
        if self.mode.is_none() {
            self.out.discard();
            return Ok(());
        }
        let end = EndOfAudit::of(end, self.files);
        let row = (!end.complete).then(|| ManifestRow {
            status: INCOMPLETE,
            reason: end.stopped_by,
            ..ManifestRow::default()
        });
        self.out.end(&end, row.as_ref())
    }
}

impl EventConsumer for Manifest {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        match event {
            Event::Started(start) => {
                self.mode = Some(start.mode);
                let profile = start.profile.as_ref();
                self.profile_digest = profile.map(|profile| profile.digest.clone());
                let facts = RunFacts::of(start, self.paths.is_redacting());
                self.out.begin::<ManifestRow>(facts)
            }
            Event::Settled(settled) => {
                self.files += 1;
                let row = self.row(settled);
                self.out.line("file", &row)
            }
            Event::Ended(end) => self.ended(end),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.flush()
    }
}
