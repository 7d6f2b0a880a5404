//! Cleans a batch of files on all cores, writes what came out, each file on its own, and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use crate::config::IfExists;
use crate::discover::{DiscoveredFile, Found, SkipReason};
use crate::exit::ExitStatus;
use crate::failure::{FileCode, FileFailure};
use crate::package::{Names, Package};
use crate::pictures::Pictures;
use crate::pipeline::{READ_WHOLE, guarded, write_package};
use dicom_deid::{Change, Cleaner, Finding, FrameSink, PixelLook, Sendable, What, look_at_series};
use dicom_lossless::{self as dicom, Limits, Source, Tag};

use super::super::super::plural;

/// A file of a trial, and what became of it.
pub struct TrialResult {
    pub path: PathBuf,
    pub outcome: TrialOutcome,
}

pub enum TrialOutcome {
    Cleaned(Box<CleanedFile>),
    Skipped(SkipReason),
    Failed(FileFailure),
}

/// What was done to a file that was cleaned.
pub struct CleanedFile {
    pub changes: Vec<Change>,
    pub findings: Vec<Finding>,
    pub unreadable: Vec<Tag>,
    pub look: PixelLook,
    /// The name that it was written under, where it was.
    pub written: Option<String>,
}

/// What is done to each file.
pub struct Trial {
    pub cleaner: Cleaner,
    pub limits: Limits,
    pub values: bool,
    pub folder: Option<PathBuf>,
    pub pictures: Option<Arc<Pictures>>,
}

/// A file on its way.
struct Cleaned {
    path: PathBuf,
    result: Result<CleanedInstance, FileFailure>,
    name: Option<String>,
}

/// An instance that was cleaned, what was done to it, and what its image shows.
struct CleanedInstance {
    instance: Sendable,
    changes: Vec<Change>,
    look: PixelLook,
}

impl Trial {
    /// Cleans all files of a batch, in the order in which they stand there.
    pub fn batch(&self, batch: Vec<Found>, names: &mut Names) -> Vec<TrialResult> {
        let cleaned: Vec<_> = batch
            .into_par_iter()
            .map(|found| self.found(found))
            .collect();
        // Names are given in order, so that the same inputs always give the same names.
        let ready: Vec<_> = cleaned
            .into_iter()
            .map(|file| file.map(|file| self.named(file, names)))
            .collect();
        ready
            .into_par_iter()
            .map(|file| file.map_or_else(|result| result, |file| self.finished(file)))
            .collect()
    }

    fn found(&self, found: Found) -> Result<Cleaned, TrialResult> {
        match found {
            Found::Dicom(file) | Found::Other(file) => {
                let result = guarded(|| self.clean(&file));
                Ok(Cleaned {
                    path: file.path,
                    result,
                    name: None,
                })
            }
            Found::Skipped { path, reason, .. } => Err(TrialResult {
                path,
                outcome: TrialOutcome::Skipped(reason),
            }),
            Found::Failed { path, failure } => Err(TrialResult {
                path,
                outcome: TrialOutcome::Failed(failure),
            }),
        }
    }

    fn clean(&self, file: &DiscoveredFile) -> Result<CleanedInstance, FileFailure> {
        let path = file.relative();
        let file = Arc::new(file.source()?);
        let source = if file.len() <= READ_WHOLE {
            Source::load(file)?
        } else {
            file.verify()?;
            Source::File(file)
        };
        let instance = dicom::read(source, &self.limits)?;
        let (clean, changes) = self
            .cleaner
            .deidentify_recording(instance, &path, self.values)?;
        // By itself: what the other instances of its series show is not known here.
        let shown_to = self.pictures.as_deref();
        let shown_to = shown_to.map(|pictures| pictures as &dyn FrameSink);
        let look = look_at_series(&[(&clean, &path)], shown_to)
            .pop()
            .unwrap_or_else(|| Ok(clean.look().clone()))?;
        Ok(CleanedInstance {
            instance: clean.into(),
            changes,
            look,
        })
    }

    fn named(&self, mut file: Cleaned, names: &mut Names) -> Cleaned {
        if let (Some(_), Ok(cleaned)) = (&self.folder, &file.result) {
            file.name = Some(names.of(&cleaned.instance));
        }
        file
    }

    fn finished(&self, file: Cleaned) -> TrialResult {
        let Cleaned { path, result, name } = file;
        let cleaned = result.and_then(|cleaned| {
            let CleanedInstance {
                instance,
                changes,
                look,
            } = cleaned;
            let mut findings = instance.findings().to_vec();
            findings.extend(
                instance.check_texts(
                    name.iter()
                        .map(|name| ("the name of the file", name.as_str())),
                )?,
            );
            if let (Some(folder), Some(name)) = (&self.folder, &name) {
                let package = Package::bare(name.clone(), &instance);
                guarded(|| write_package(folder, name, &package, IfExists::Fail))?;
            }
            Ok(CleanedFile {
                changes,
                findings,
                unreadable: instance.unreadable().to_vec(),
                look,
                written: name,
            })
        });
        let outcome = match cleaned {
            Ok(cleaned) => TrialOutcome::Cleaned(Box::new(cleaned)),
            Err(failure) => TrialOutcome::Failed(failure),
        };
        TrialResult { path, outcome }
    }
}

/// Counts over all files, never values.
#[derive(Default)]
pub struct TrialTotals {
    pub files: usize,
    pub cleaned: usize,
    /// Elements that are not what they were.
    pub changed: usize,
    pub failed: BTreeMap<FileCode, usize>,
    pub skipped: BTreeMap<SkipReason, usize>,
    /// By tag and by what happened: elements, and files that have any.
    pub elements: BTreeMap<(Tag, What), (usize, usize)>,
}

impl TrialTotals {
    pub fn count(&mut self, result: &TrialResult) {
        self.files += 1;
        match &result.outcome {
            TrialOutcome::Skipped(reason) => {
                *self
                    .skipped
                    .entry(*reason)
                    .or_default() += 1;
            }
            TrialOutcome::Failed(failure) => {
                *self
                    .failed
                    .entry(failure.code)
                    .or_default() += 1;
            }
            TrialOutcome::Cleaned(file) => {
                let changes = &file.changes;
                self.cleaned += 1;
                self.changed += changes.len();
                let mut seen = BTreeSet::new();
                for change in changes {
                    let key = (change.tag, change.what);
                    let (elements, files) = self
                        .elements
                        .entry(key)
                        .or_default();
                    *elements += 1;
                    *files += usize::from(seen.insert(key));
                }
            }
        }
    }

    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    pub fn skips(&self) -> usize {
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
        format!(
            "{}: {} cleaned, {} failed, {} skipped",
            plural(self.files, "file"),
            self.cleaned,
            self.failures(),
            self.skips()
        )
    }
}
