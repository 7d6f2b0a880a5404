//! Where the failure report goes, as people and programs are told of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::config::Report;

/// When a failure report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Always,
    OnFailure,
    Never,
}

impl Written {
    pub(super) fn of(report: &Report) -> Self {
        match (report.named, report.rehearsal) {
            (true, _) => Self::Always,
            (false, true) => Self::Never,
            (false, false) => Self::OnFailure,
        }
    }
}

/// Where the failure report goes, and when it is written. Clones are told of a change of place.
#[derive(Debug, Clone)]
pub(super) struct ReportPath {
    text: String,
    when: Written,
    instead: Arc<OnceLock<String>>,
    set_aside: Arc<OnceLock<String>>,
}

impl ReportPath {
    pub(super) fn new(text: String, when: Written) -> Self {
        Self {
            text,
            when,
            instead: Arc::default(),
            set_aside: Arc::default(),
        }
    }

    /// The report goes elsewhere: the usual place is taken, or cannot be written.
    pub(super) fn moved(&self, to: String) {
        let _ = self.instead.set(to);
    }

    /// The report of an earlier run, in which something failed, now has this name.
    pub(super) fn set_aside(&self, to: String) {
        let _ = self.set_aside.set(to);
    }

    /// Where the report of an earlier run lies, if this run set it aside.
    pub(super) fn earlier(&self) -> Option<&str> {
        self.set_aside.get().map(String::as_str)
    }

    /// The path, if a run with this number of failures writes the report.
    pub(super) fn written(&self, failed: u64) -> Option<&str> {
        let is_written = match self.when {
            Written::Always => true,
            Written::OnFailure => failed > 0,
            Written::Never => false,
        };
        is_written.then(|| self.instead.get().unwrap_or(&self.text).as_str())
    }
}

/// The path itself, then the same with a number in its name.
pub(super) fn nth(path: &Path, n: u32) -> PathBuf {
    if n == 1 {
        return path.to_path_buf();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()))
        .unwrap_or_default();
    path.with_file_name(format!("{stem}-{n}{extension}"))
}
