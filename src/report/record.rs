//! The JSON shapes that the event stream and the failure report share. Fields may be added, never
//! renamed or removed.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::form;
use super::redact::Paths;
use crate::event::{Mode, Notice, RunStart, RunTotals, Settled, Severity, Stored};
use crate::failure::FileFailure;

/// One JSON object, its fields in the order in which they were added.
pub(super) type Record = Map<String, Value>;

/// The version of the shapes.
pub(super) const VERSION: u64 = 1;

/// A record that begins with its type.
pub(super) fn record(kind: &str) -> Record {
    let mut record = Record::new();
    record.insert("type".to_owned(), kind.into());
    record
}

/// Adds the fields of a JSON object to a record.
pub(super) fn extend(record: &mut Record, fields: Value) {
    if let Value::Object(fields) = fields {
        record.extend(fields);
    }
}

/// A failed file.
pub(super) fn failed(paths: &Paths, settled: &Settled, failure: &FileFailure) -> Record {
    let mut failed = record("failed");
    paths.add_to(&mut failed, &settled.path);
    let fields = json!({
        "stage": failure.code.stage(),
        "code": failure.code.as_str(),
        "message": paths.message(&failure.message(), &settled.path),
        "hint": paths.message(&failure.hint(), &settled.path),
        "retryable": failure.code.retryable(),
        "http_status": failure.http_status,
        "attempts": failure.attempts,
    });
    extend(&mut failed, fields);
    failed
}

/// A file that has to be tried again together with one that failed.
pub(super) fn companion(paths: &Paths, path: &Path) -> Record {
    let mut companion = record(form::COMPANION);
    paths.add_to(&mut companion, path);
    companion
}

/// Something that was said.
pub(super) fn notice(notice: &Notice) -> Record {
    let severity = match notice.severity {
        Severity::Detail | Severity::Notice => "notice",
        Severity::Warning => "warning",
    };
    let mut said = record("notice");
    extend(
        &mut said,
        json!({ "severity": severity, "code": notice.code, "text": notice.text }),
    );
    said
}

/// What a run is about to do.
pub(super) fn facts(start: &RunStart, redacted: bool) -> Value {
    let profile = start.profile.as_ref();
    let profile = profile.map(
        |p| json!({ "name": p.name, "level": p.level, "digest": p.digest, "pseudonym_key": p.key }),
    );
    let settings: Record = start
        .settings
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    json!({
        "version": start.version,
        "mode": mode(start.mode),
        "project": start.project,
        "site": start.site,
        "profile": profile,
        "settings": settings,
        "redacted": redacted,
    })
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Upload => "upload",
        Mode::DryRun => "dry-run",
        Mode::Output => "output",
    }
}

/// Where a file went.
pub(super) fn receipt(stored: &Stored) -> Value {
    json!({
        "destination": stored.destination,
        "container_id": stored.container_id,
        "file": stored.file,
        "size": stored.size,
        "file_id": stored.file_id,
        "other_file": stored.other_file,
    })
}

/// Counts of files by outcome.
pub(super) fn totals(totals: &RunTotals) -> Value {
    let skipped: Record = totals
        .skipped_by
        .iter()
        .map(|(reason, n)| (reason.as_str().to_owned(), (*n).into()))
        .collect();
    let failed: Record = totals
        .failed_by
        .iter()
        .map(|(code, n)| ((*code).to_owned(), (*n).into()))
        .collect();
    json!({
        "found": totals.found,
        "uploaded": totals.uploaded,
        "prepared": totals.prepared,
        "already_there": totals.already_there,
        "skipped": totals.skipped,
        "failed": totals.failed,
        "bytes": totals.bytes,
        "as_they_are": totals.as_they_are,
        "bytes_as_they_are": totals.bytes_as_they_are,
        "subjects": totals.subjects,
        "sessions": totals.sessions,
        "acquisitions": totals.acquisitions,
        "unreadable": totals.unreadable,
        "skipped_by": skipped,
        "failed_by": failed,
    })
}

/// Seconds, to the millisecond.
pub(super) fn seconds(duration: Duration) -> Value {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    (f64::from(millis) / 1000.0).into()
}
