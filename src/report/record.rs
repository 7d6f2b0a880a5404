//! The JSON records that the event stream and the failure report share. Fields may be added, never
//! renamed or removed.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::redact::Paths;
use crate::event::RunStart;
use crate::failure::FileFailure;

/// One JSON object, its fields in the order in which they were added.
pub(super) type Record = Map<String, Value>;

/// The version of the records.
pub(super) const VERSION: u64 = 1;

/// A record that begins with its type.
pub(super) fn record(kind: &str) -> Record {
    let mut record = Record::new();
    record.insert("type".to_owned(), kind.into());
    record
}

/// A record of this type with these fields.
pub(super) fn with_fields(kind: &str, fields: &impl Serialize) -> Record {
    let mut record = record(kind);
    extend(&mut record, object(fields));
    record
}

/// What is serialised as a JSON object.
pub(super) fn object(fields: &impl Serialize) -> Value {
    serde_json::to_value(fields).unwrap_or_default()
}

/// Adds the fields of a JSON object to a record.
pub(super) fn extend(record: &mut Record, fields: Value) {
    if let Value::Object(fields) = fields {
        record.extend(fields);
    }
}

/// Which file a record is about.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FilePath {
    /// The path, or a keyed hash of it.
    path: String,
    /// The bytes of a path that is not UTF-8, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl FilePath {
    pub(super) fn new(paths: &Paths, path: &Path) -> Self {
        let (path, path_bytes) = paths.written(path);
        Self { path, path_bytes }
    }
}

/// A file that failed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FailedFile {
    #[serde(flatten)]
    file: FilePath,
    /// The part of the code before the dot.
    stage: &'static str,
    /// The stable code: `fwupload explain CODE`.
    code: &'static str,
    /// What happened.
    message: String,
    /// What to do about it.
    hint: String,
    /// Whether running the same command again may succeed without anything being changed.
    retryable: bool,
    /// The HTTP status of the last answer, if a server gave one.
    http_status: Option<u16>,
    /// The number of tries; 0 where nothing was sent.
    attempts: u32,
}

impl FailedFile {
    pub(super) fn new(paths: &Paths, path: &Path, failure: &FileFailure) -> Self {
        Self {
            file: FilePath::new(paths, path),
            stage: failure.code.stage(),
            code: failure.code.as_str(),
            message: paths.message(&failure.message(), path),
            hint: paths.message(&failure.hint(), path),
            retryable: failure.code.retryable(),
            http_status: failure.http_status,
            attempts: failure.attempts,
        }
    }
}

/// What a run is about to do.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RunFacts<'a> {
    #[serde(flatten)]
    pub(super) start: &'a RunStart,
    /// Whether paths are replaced by keyed hashes.
    pub(super) redacted: bool,
}
