//! Cleans a batch of files on all cores and writes what came out, each file on its own.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use crate::config::IfExists;
use crate::discover::{DiscoveredFile, Found, SkipReason};
use crate::failure::FileFailure;
use crate::package::{Names, Package};
use crate::pipeline::{READ_WHOLE, guarded, write_package};
use dicom_deid::{Change, CleanInstance, Cleaner, Finding, Sendable};
use dicom_lossless::{self as dicom, Limits, Source, SourceFile, Tag};

/// A file of a trial, and what became of it.
pub struct TrialResult {
    pub path: PathBuf,
    pub outcome: TrialOutcome,
}

pub enum TrialOutcome {
    Cleaned {
        changes: Vec<Change>,
        findings: Vec<Finding>,
        unreadable: Vec<Tag>,
        written: Option<String>,
    },
    Skipped(SkipReason),
    Failed(FileFailure),
}

/// What is done to each file.
pub struct Trial {
    pub cleaner: Cleaner,
    pub limits: Limits,
    pub values: bool,
    pub folder: Option<PathBuf>,
}

/// A file on its way.
struct Cleaned {
    path: PathBuf,
    result: Result<(Sendable, Vec<Change>), FileFailure>,
    name: Option<String>,
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
                let result =
                    guarded(|| self.clean(&file)).map(|(clean, changes)| (clean.into(), changes));
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

    fn clean(&self, file: &DiscoveredFile) -> Result<(CleanInstance, Vec<Change>), FileFailure> {
        let path = file.relative();
        let file = Arc::new(SourceFile::new(&file.path)?);
        let source = if file.len() <= READ_WHOLE {
            Source::load(file)?
        } else {
            Source::File(file)
        };
        let instance = dicom::read(source, &self.limits)?;
        Ok(self
            .cleaner
            .deidentify_recording(instance, &path, self.values)?)
    }

    fn named(&self, mut file: Cleaned, names: &mut Names) -> Cleaned {
        if let (Some(_), Ok((instance, _))) = (&self.folder, &file.result) {
            file.name = Some(names.of(instance));
        }
        file
    }

    fn finished(&self, file: Cleaned) -> TrialResult {
        let Cleaned { path, result, name } = file;
        let written = result.and_then(|(instance, changes)| {
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
            Ok((changes, findings, instance.unreadable().to_vec()))
        });
        let outcome = match written {
            Ok((changes, findings, unreadable)) => TrialOutcome::Cleaned {
                changes,
                findings,
                unreadable,
                written: name,
            },
            Err(failure) => TrialOutcome::Failed(failure),
        };
        TrialResult { path, outcome }
    }
}
