//! Walk and index: which files there are, and which series the DICOM ones belong to.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::dicom::{self, Identity, SourceFile};
use crate::discover::{DiscoveredFile, Found, SkipReason};
use crate::event::{Event, Events, Outcome, RunTotals};
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::UploadPlan;
use crate::series::{self, Indexed, Series, SeriesIndex};

use super::Stop;
use super::guard::guarded;
use super::outcomes::Outcomes;

/// How often the running totals of the walk are told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What there is to work on.
pub struct Work {
    /// How many files were found in all.
    pub found: u64,
    /// The series, first found first.
    pub series: Vec<Series>,
    /// Files that are not DICOM and are to be uploaded all the same.
    pub others: Vec<DiscoveredFile>,
}

/// Walks the inputs and indexes every DICOM file. What is skipped or failed has its outcome afterwards.
pub fn find(plan: &UploadPlan, outcomes: &Outcomes, pool: &ThreadPool, stop: &Stop) -> Work {
    let (found, dicom, others) = walk(plan, outcomes, stop);
    let identified: Vec<_> = pool.install(|| {
        let identify = |file: DiscoveredFile| {
            let index = || if stop.requested() { Err(stopped()) } else { identify(&file, plan) };
            let identity = outcomes.stages().index.work(1, file.len, index);
            (file, identity)
        };
        dicom.into_par_iter().map(identify).collect()
    });
    let mut index = SeriesIndex::default();
    let mut root = Arc::new(PathBuf::new());
    for (file, identity) in identified {
        if *root != file.root {
            root = Arc::new(file.root);
        }
        let (path, len) = (Arc::new(file.path), file.len);
        let of_series = identity.as_ref().ok().and_then(|(identity, _)| series::share_of_series(identity));
        if is_of_others(plan, || of_series.unwrap_or_else(|| series::share_of_name(&path))) {
            outcomes.settle_path(&path, len, Outcome::Skipped(SkipReason::OtherShard));
            continue;
        }
        let added = identity.and_then(|(identity, source)| {
            let indexed = Indexed { path: Arc::clone(&path), root: Arc::clone(&root), file: source };
            index.add(identity, indexed)
        });
        if let Err(failure) = added {
            outcomes.settle_path(&path, len, Outcome::Failed(failure));
        }
    }
    Work { found, series: index.into_series(), others }
}

/// Whether another shard takes what counts under this number.
fn is_of_others(plan: &UploadPlan, number: impl FnOnce() -> u64) -> bool {
    plan.shard.is_some_and(|shard| !shard.takes(number()))
}

/// The failure of files that were not begun when the run stopped.
pub fn stopped() -> FileFailure {
    FileFailure::new(FileCode::UploadStopped, "")
}

fn walk(plan: &UploadPlan, outcomes: &Outcomes, stop: &Stop) -> (u64, Vec<DiscoveredFile>, Vec<DiscoveredFile>) {
    let (mut dicom, mut others) = (Vec::new(), Vec::new());
    let (mut files, mut bytes, begin) = (0, 0, Instant::now());
    let mut told = begin;
    let _ = plan.discovery.run(&mut |found| {
        files += 1;
        bytes += found.len();
        match found {
            found if is_own_report(found.path(), &plan.report) => {
                outcomes.settle_path(&Arc::new(found.path().to_path_buf()), found.len(), Outcome::Skipped(SkipReason::OwnReport));
            }
            Found::Dicom(file) => dicom.push(file),
            Found::Other(file) => others.push(file),
            // One shard answers for it, lest all do.
            found if is_of_others(plan, || series::share_of_name(found.path())) => {
                let path = Arc::new(found.path().to_path_buf());
                outcomes.settle_path(&path, found.len(), Outcome::Skipped(SkipReason::OtherShard));
            }
            Found::Skipped { path, len, reason } => outcomes.settle_path(&Arc::new(path), len, Outcome::Skipped(reason)),
            Found::Failed { path, failure } => outcomes.settle_path(&Arc::new(path), 0, Outcome::Failed(failure)),
        }
        if told.elapsed() > TELL_EVERY {
            outcomes.events().send(Event::Discovered { files, bytes, done: false });
            told = Instant::now();
        }
        if stop.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    outcomes.stages().walk.worked(files, bytes, begin);
    outcomes.events().send(Event::Discovered { files, bytes, done: true });
    (files, dicom, others)
}

/// Whether a file is the report that this run writes, or that one before it left in the same place.
fn is_own_report(path: &Path, report: &Path) -> bool {
    path.file_name() == report.file_name()
        && path.canonicalize().is_ok_and(|path| report.canonicalize().is_ok_and(|report| path == report))
}

fn identify(file: &DiscoveredFile, plan: &UploadPlan) -> Result<(Identity, Arc<SourceFile>), FileFailure> {
    let source = Arc::new(SourceFile::new(&file.path)?);
    let identity = guarded(|| dicom::identify(&source, &plan.limits))?;
    Ok((identity, source))
}

/// Whether a run without a series to send is to be told apart from one that did its work.
pub fn has_nothing(totals: &mut RunTotals) -> bool {
    totals.failed == 0 && !totals.skipped_by.contains_key(&SkipReason::OtherShard)
}

/// The error for a run that has nothing to send, with what was found instead.
pub fn nothing(events: &Events) -> Error {
    let totals = events.with_totals(|totals| totals.clone());
    Error::new(RunCode::InputNothing, format!("nothing to upload: {}", what_was_found(&totals)))
}

fn what_was_found(totals: &RunTotals) -> String {
    if totals.found == 0 {
        return "no file was found".to_owned();
    }
    let reasons: Vec<_> = totals.skipped_by.iter().map(|(reason, n)| format!("{n} {}", reason.sentence())).collect();
    format!("{} found, all skipped ({})", counted(totals.found, "file"), reasons.join(", "))
}

fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
