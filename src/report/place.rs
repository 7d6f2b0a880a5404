//! Where the failure report goes, as people and programs are told of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Where the failure report goes, and whether it exists without a failure. Clones are told of a change of place.
#[derive(Debug, Clone)]
pub(super) struct ReportPath {
    text: String,
    always: bool,
    instead: Arc<OnceLock<String>>,
}

impl ReportPath {
    pub(super) fn new(text: String, always: bool) -> Self {
        Self { text, always, instead: Arc::default() }
    }

    /// The report goes elsewhere: another run writes its own to the usual place.
    pub(super) fn moved(&self, to: String) {
        let _ = self.instead.set(to);
    }

    /// The path, if a run with so many failures writes the report.
    pub(super) fn written(&self, failed: u64) -> Option<&str> {
        (self.always || failed > 0).then(|| self.instead.get().unwrap_or(&self.text).as_str())
    }
}

/// The path itself, then the same with a number in its name.
pub(super) fn nth(path: &Path, n: u32) -> PathBuf {
    if n == 1 {
        return path.to_path_buf();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{n}{extension}"))
}
