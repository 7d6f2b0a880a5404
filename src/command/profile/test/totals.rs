//! The totals of a trial. Counts, never values.

use std::collections::{BTreeMap, BTreeSet};

use crate::discover::SkipReason;
use crate::exit::ExitStatus;
use crate::failure::FileCode;
use dicom_deid::What;
use dicom_lossless::Tag;

use super::clean::{TrialOutcome, TrialResult};

/// Counts over all files.
#[derive(Default)]
pub struct TrialTotals {
    pub files: u64,
    pub cleaned: u64,
    /// Elements that are not what they were.
    pub changed: u64,
    pub failed: BTreeMap<FileCode, u64>,
    pub skipped: BTreeMap<SkipReason, u64>,
    /// By tag and by what happened: elements, and files that have any.
    pub elements: BTreeMap<(Tag, What), (u64, u64)>,
}

impl TrialTotals {
    pub fn count(&mut self, result: &TrialResult) {
        self.files += 1;
        match &result.outcome {
            TrialOutcome::Skipped(reason) => *self.skipped.entry(*reason).or_default() += 1,
            TrialOutcome::Failed(failure) => {
                *self
                    .failed
                    .entry(failure.code)
                    .or_default() += 1;
            }
            TrialOutcome::Cleaned { changes, .. } => {
                self.cleaned += 1;
                self.changed += changes.len() as u64;
                for change in changes {
                    self.elements
                        .entry((change.tag, change.what))
                        .or_default()
                        .0 += 1;
                }
                let distinct: BTreeSet<_> = changes
                    .iter()
                    .map(|change| (change.tag, change.what))
                    .collect();
                for key in distinct {
                    self.elements.entry(key).or_default().1 += 1;
                }
            }
        }
    }

    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    pub fn skips(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// 0 where every DICOM file was cleaned, 3 and 9 where some and all failed, 8 where there was
    /// none.
    pub fn status(&self) -> ExitStatus {
        match (self.failures(), self.cleaned) {
            (0, 0) => ExitStatus::Nothing,
            (0, _) => ExitStatus::Success,
            (_, 0) => ExitStatus::AllFailed,
            _ => ExitStatus::SomeFailed,
        }
    }

    /// The outcomes in one sentence.
    pub fn sentence(&self) -> String {
        let files = if self.files == 1 { "file" } else { "files" };
        format!(
            "{} {files}: {} cleaned, {} failed, {} skipped",
            self.files,
            self.cleaned,
            self.failures(),
            self.skips()
        )
    }
}
