//! The path of the failure report, as users and programs are told it.
//!
//! Owns when a report is written, and the names that it gets where its usual path is taken. Must
//! never open a file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::config::Report;

/// When a failure report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteCondition {
    Always,
    OnFailure,
    Never,
}

impl WriteCondition {
    pub fn of(report: &Report) -> Self {
        match (report.named, report.rehearsal) {
            (true, _) => Self::Always,
            (false, true) => Self::Never,
            (false, false) => Self::OnFailure,
        }
    }
}

/// The path of the failure report, and when it is written. All clones see a change of path.
#[derive(Debug, Clone)]
pub struct ReportPath {
    usual: String,
    condition: WriteCondition,
    /// The path that took the place of the usual one.
    actual: Arc<OnceLock<String>>,
    /// The new path of the report of an earlier run.
    earlier: Arc<OnceLock<String>>,
}

impl ReportPath {
    pub fn new(usual: String, condition: WriteCondition) -> Self {
        Self {
            usual,
            condition,
            actual: Arc::default(),
            earlier: Arc::default(),
        }
    }

    /// Replaces the usual path, which is taken or cannot be written.
    pub fn replace(&self, path: String) {
        let _ = self.actual.set(path);
    }

    /// Keeps the new path of the report of an earlier run.
    pub fn set_earlier(&self, path: String) {
        let _ = self.earlier.set(path);
    }

    /// The new path of the report of an earlier run, if this run renamed it.
    pub fn earlier(&self) -> Option<&str> {
        self.earlier
            .get()
            .map(String::as_str)
    }

    /// The path, if a run with this number of failures writes the report.
    pub fn written(&self, failed: u64) -> Option<&str> {
        let is_written = match self.condition {
            WriteCondition::Always => true,
            WriteCondition::OnFailure => failed > 0,
            WriteCondition::Never => false,
        };
        is_written.then(|| {
            self.actual
                .get()
                .unwrap_or(&self.usual)
                .as_str()
        })
    }
}

/// The path itself, then the same with a number in its name.
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_path_buf();
    }
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy();
    let dot = if extension.is_empty() { "" } else { "." };
    path.with_file_name(format!("{stem}-{number}{dot}{extension}"))
}
