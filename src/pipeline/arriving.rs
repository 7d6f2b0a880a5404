//! Data that is still arriving (`--min-age`): what changed a short while ago is left for the next
//! run.
//!
//! Owns that a series goes as a whole or not at all: where one of its files is new, or a new file
//! beside it cannot be read yet, all of it waits, and so do files of other kinds beside it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::discover::{DiscoveredFile, SkipReason};
use crate::event::FileOutcome;
use crate::series::Series;

use super::context::RunContext;

/// What is still arriving, as far as it is known.
#[derive(Debug, Default)]
pub struct Arriving {
    /// What changed later is new; none where nothing waits.
    since: Option<SystemTime>,
    /// Folders in which something waits.
    folders: HashSet<PathBuf>,
}

impl Arriving {
    /// At the beginning of a run.
    pub fn new(context: &RunContext) -> Self {
        let age = context.plan.input.min_age;
        Self {
            since: age.and_then(|age| SystemTime::now().checked_sub(age)),
            folders: HashSet::new(),
        }
    }

    /// Whether a time of change is too near; where it cannot be told, it counts as near.
    fn is_new(&self, changed: Option<SystemTime>) -> bool {
        self.since
            .is_some_and(|since| changed.is_none_or(|changed| changed > since))
    }

    /// Whether a file that could not be read may still be written, which is noted.
    pub fn takes(&mut self, path: &Path) -> bool {
        if self.since.is_none() {
            return false;
        }
        let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        let is_new = self.is_new(changed.ok());
        if is_new {
            self.folders.insert(folder_of(path));
        }
        is_new
    }

    /// Leaves for the next run what is still arriving, and gives the rest.
    pub fn hold(
        mut self,
        context: &RunContext,
        series: Vec<Series>,
        others: Vec<DiscoveredFile>,
    ) -> (Vec<Series>, Vec<DiscoveredFile>) {
        if self.since.is_none() {
            return (series, others);
        }
        let is_beside = self.folders.clone();
        let (held, series): (Vec<_>, Vec<_>) = series
            .into_iter()
            .partition(|series| {
                series.files.iter().any(|file| {
                    self.is_new(file.file.modified()) || is_beside.contains(&folder_of(&file.path))
                })
            });
        for file in held
            .iter()
            .flat_map(|series| series.files.iter())
        {
            self.folders
                .insert(folder_of(&file.path));
            context
                .outcomes
                .settle(&file, WAITS);
        }
        let (held, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|file| {
                let changed =
                    std::fs::metadata(&file.path).and_then(|metadata| metadata.modified());
                self.is_new(changed.ok()) || self.waits_with_others(&folder_of(&file.path))
            });
        for file in held {
            context
                .outcomes
                .settle_path(&Arc::new(file.path), file.len, WAITS);
        }
        (series, others)
    }

    /// Whether DICOM that says where files of a folder belong may be waiting.
    fn waits_with_others(&self, folder: &Path) -> bool {
        self.folders
            .iter()
            .any(|waits| waits.starts_with(folder) || folder.starts_with(waits))
    }
}

/// The outcome of what waits.
pub const WAITS: FileOutcome = FileOutcome::Skipped(SkipReason::StillArriving);

fn folder_of(path: &Path) -> PathBuf {
    path.parent()
        .unwrap_or(Path::new(""))
        .to_path_buf()
}
