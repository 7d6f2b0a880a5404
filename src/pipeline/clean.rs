//! The stage that cleans: the files of one series, on all cores.
//!
//! Owns how a file is read and what that takes of the budget. A file that fails here has its
//! outcome here and goes no further.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Instant;

use bytes::Bytes;
use rayon::prelude::*;

use crate::config::{Compression, PackageBy};
use crate::discover::{MOST_WAITING, SkipReason};
use crate::event::{FileOutcome, Severity};
use crate::failure::FileFailure;
use crate::plan::{TreatedInstance, UploadPlan};
use crate::rules::Cleaned;
use crate::series::{self, CleanFile, Indexed, Placed, Series};
use crate::subjects::OriginalIdentifiers;
use dicom_deid::standard;
use dicom_deid::{Change, Sendable};
use dicom_lossless::{self as dicom, FileError, FileErrorKind, Source, SourceFile};

use super::Stop;
use super::audit;
use super::context::RunContext;
use super::guard::guarded;
use super::outcomes::stopped;
use super::placing::BeforeCleaning;
use super::review;

/// Files up to this size are read whole, in bytes; of larger ones the pixel data stays where it is
/// until it is sent.
pub const READ_WHOLE: u64 = 8 << 20;
/// The same where each instance travels alone and no checksum is wanted beforehand: more than this
/// is not read twice.
const READ_ALONE: u64 = 64 << 10;
/// Threads of one series that wait for files, however many series are cleaned at a time.
const LEAST_WAITING: usize = 4;
/// What a file of which only the header is held is charged to the budget, in bytes.
const HEADER_CHARGE: u64 = 64 << 10;

/// How the files of a series are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Small files are read whole.
    whole: bool,
    /// They are read ahead of cleaning, on threads that wait for them.
    ahead: bool,
    /// What the series takes of the budget, in bytes.
    pub charge: u64,
}

impl Reading {
    /// Small files are read whole, unless that would take more than half of the budget, or of those
    /// in archives, their bytes more than an eighth. Where files are slow to open they are read ahead.
    pub fn of(context: &RunContext, series: &Series, is_slow: bool) -> Self {
        let plan = &context.plan;
        let (without, with) = (charge(plan, series, false), charge(plan, series, true));
        // What lies in a stream is passed over again for each time that it is read.
        let is_worth_it =
            series.files.is_in_archives() && with - without <= plan.transfer.memory / 8;
        let whole = with <= plan.transfer.memory / 2 || is_worth_it;
        let charge = if whole { with } else { without };
        Self {
            whole,
            ahead: whole && is_slow,
            charge,
        }
    }
}

/// The files of a series, and as much again where they may be deflated.
fn charge(plan: &UploadPlan, series: &Series, whole: bool) -> u64 {
    let copies = if plan.transfer.compression == Compression::None {
        1
    } else {
        2
    };
    let most = read_whole(plan);
    let of_file = |len: u64| if whole && len <= most { len * copies } else { 0 } + HEADER_CHARGE;
    series
        .files
        .lengths()
        .map(of_file)
        .sum()
}

fn read_whole(plan: &UploadPlan) -> u64 {
    match plan.packaging.package {
        PackageBy::Instance => READ_ALONE,
        PackageBy::Series => READ_WHOLE,
    }
}

/// What became of the files of a series.
pub struct CleanSeries {
    /// One for each instance.
    pub kept: Vec<CleanFile>,
    /// Copies of those, which have their outcome.
    pub copies: usize,
}

/// Cleans the files of a series.
pub fn clean(context: &RunContext, mut files: Vec<Indexed>, reading: Reading) -> CleanSeries {
    if reading.ahead {
        let begin = Instant::now();
        let plan = &context.plan;
        read_ahead(
            &mut files,
            (read_whole(plan), plan.transfer.jobs),
            &context.stop,
        );
        context
            .timers
            .clean
            .worked(0, 0, begin.elapsed());
    }
    let cleaned: Vec<_> = files
        .into_par_iter()
        .map(|file| clean_file(context, file, reading))
        .collect();
    let distinct = series::distinct(
        cleaned
            .into_iter()
            .flatten()
            .collect(),
    );
    let copies = distinct.same.len();
    for file in distinct.same {
        let outcome = FileOutcome::Skipped(SkipReason::SameInstance);
        context
            .outcomes
            .settle(&file, outcome);
    }
    warn_of_missing_ids(context, &distinct.kept);
    warn_of_unreadable(context, &distinct.kept);
    for (file, failure) in distinct.clashing {
        context
            .outcomes
            .settle(&file, FileOutcome::Failed(failure));
    }
    CleanSeries {
        kept: distinct.kept,
        copies,
    }
}

/// Reads the files of a series of up to `most` bytes on threads that wait for them side by side. One
/// that cannot be read here fails when its turn comes.
fn read_ahead(files: &mut [Indexed], (most, jobs): (u64, usize), stop: &Stop) {
    let mut small: Vec<_> = files
        .iter_mut()
        .filter(|file| {
            let is_on_disk = file.file.stored().is_none();
            is_on_disk && file.read.is_none() && file.file.len() <= most
        })
        .collect();
    let threads = (MOST_WAITING / jobs.max(1)).max(LEAST_WAITING);
    let share = small.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for part in small.chunks_mut(share) {
            let read = || {
                for file in part {
                    if stop.requested() {
                        return;
                    }
                    file.read = loaded(&file.file).ok();
                }
            };
            // Without a thread its files are read in their turn.
            let _ = Builder::new()
                .name("read".to_owned())
                .spawn_scoped(scope, read);
        }
    });
}

/// All of a small file on disk, with one call of the system.
fn loaded(file: &SourceFile) -> Result<Bytes, FileError> {
    let mut bytes = vec![0; usize::try_from(file.len()).unwrap_or(usize::MAX)];
    file.open()?
        .read_exact(&mut bytes)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => FileErrorKind::Changed.error("it became shorter"),
            _ => error.into(),
        })?;
    Ok(bytes.into())
}

/// Reads and cleans one file. A failure is settled here; so is a defect that panics, without taking
/// the run along.
fn clean_file(context: &RunContext, mut file: Indexed, reading: Reading) -> Option<CleanFile> {
    let read = file.read.take();
    let cleaned = if context.stop.requested() {
        Err(stopped())
    } else {
        context
            .timers
            .clean
            .work(1, file.file.len(), || {
                guarded(|| read_and_clean(context, &file, read, reading))
            })
    };
    match cleaned {
        Ok(Treated {
            instance,
            originals,
            placed,
            associated,
            changes,
        }) => {
            context
                .outcomes
                .clean(Arc::clone(&file.path), instance.changed());
            context
                .outcomes
                .report_findings(&file, instance.findings());
            let shown = review::note_changes(context, &changes);
            audit::log_changes(context, &file.path, changes);
            Some(CleanFile {
                changes: shown,
                look: None,
                source: file,
                instance,
                originals,
                placed,
                associated,
            })
        }
        Err(failure) => {
            context
                .outcomes
                .settle(&file, FileOutcome::Failed(failure));
            None
        }
    }
}

/// What became of an instance.
struct Treated {
    instance: Sendable,
    originals: Option<Box<OriginalIdentifiers>>,
    placed: Option<Box<Placed>>,
    associated: Vec<String>,
    /// What was done to its attributes, where that is written down.
    changes: Vec<Change>,
}

fn read_and_clean(
    context: &RunContext,
    file: &Indexed,
    read: Option<Bytes>,
    reading: Reading,
) -> Result<Treated, FileFailure> {
    let plan = &context.plan;
    let source = Arc::clone(&file.file);
    let source = match read {
        Some(bytes) => Source::Memory {
            file: source,
            bytes,
        },
        None if reading.whole && source.len() <= read_whole(plan) => match source.stored() {
            Some(_) => Source::load(source)?,
            None => Source::Memory {
                bytes: loaded(&source)?,
                file: source,
            },
        },
        None => {
            // Of what is sent as it is read, the end comes too late to tell that it is damaged.
            source.verify()?;
            Source::File(source)
        }
    };
    let instance = dicom::read(source, &plan.limits)?;
    let is_recorded = !plan.crosswalks.is_empty();
    let originals = is_recorded.then(|| Box::new(OriginalIdentifiers::of(&instance)));
    let before = BeforeCleaning::of(plan, file, &instance);
    let TreatedInstance {
        sendable: mut instance,
        counts,
        changes,
    } = plan.treat(instance, &file.relative())?;
    let header = instance.take_header().map(Cleaned);
    let associated = header
        .as_ref()
        .map(|header| plan.rules.globs(header))
        .unwrap_or_default();
    let placed = before
        .map(|before| before.place(context, file, header.as_ref()))
        .transpose()?;
    context
        .outcomes
        .note_changes(&counts);
    Ok(Treated {
        instance,
        originals,
        placed: placed.map(Box::new),
        associated,
        changes,
    })
}

/// Two studies of one person get two pseudonyms where neither says whose it is; the user must know.
fn warn_of_missing_ids(context: &RunContext, kept: &[CleanFile]) {
    let files = match kept
        .iter()
        .filter(|file| {
            file.instance
                .is_without_patient_id()
        })
        .count()
    {
        0 => return,
        1 => "1 file of a series has".to_owned(),
        count => format!("{count} files of a series have"),
    };
    let text = format!(
        "{files} no Patient ID: the study stands for the patient, and each study gets a pseudonym \
            of its own"
    );
    context
        .events
        .notice(Severity::Warning, "no-patient-id", text);
}

/// What could not be read as a date is not there any more, and an analysis may miss it, so the user
/// is told.
fn warn_of_unreadable(context: &RunContext, kept: &[CleanFile]) {
    let tags: Vec<_> = kept
        .iter()
        .flat_map(|file| file.instance.unreadable())
        .copied()
        .collect();
    let what = match tags.len() {
        0 => return,
        1 => "1 element of a series is".to_owned(),
        count => format!("{count} elements of a series are"),
    };
    let names: BTreeSet<_> = tags
        .iter()
        .map(|tag| standard::name_of(*tag))
        .collect();
    let names = names
        .into_iter()
        .collect::<Vec<_>>()
        .join(", ");
    let text = format!("{what} no date, time or age as the VR wants it, and did not stay: {names}");
    context
        .events
        .notice(Severity::Warning, "unparseable", text);
    context
        .events
        .with_totals(|totals| totals.unreadable += tags.len() as u64);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::failure::{Error, RunCode};

    fn indexed(path: &std::path::Path) -> Indexed {
        Indexed {
            path: Arc::new(path.to_path_buf()),
            root: Arc::default(),
            file: Arc::new(SourceFile::new(path).unwrap()),
            read: None,
            row: None,
            rule: None,
            sent: None,
        }
    }

    #[test]
    fn small_files_are_read_ahead_and_those_that_changed_wait_for_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let content = |at: usize| vec![u8::try_from(at).unwrap(); at];
        let files = || -> Vec<_> {
            let write = |at: usize| {
                let path = folder.path().join(at.to_string());
                std::fs::write(&path, content(at)).unwrap();
                indexed(&path)
            };
            (0..100).map(write).collect()
        };
        for jobs in [1, 2, 100] {
            let mut files = files();
            std::fs::write(folder.path().join("7"), "longer by some").unwrap();
            std::fs::remove_file(folder.path().join("8")).unwrap();
            read_ahead(&mut files, (90, jobs), &Stop::default());
            for (at, file) in files.iter().enumerate() {
                let expected = (at <= 90 && at != 7 && at != 8).then(|| Bytes::from(content(at)));
                assert_eq!(file.read, expected, "{at}");
            }
        }
        let (mut files, stop) = (files(), Stop::default());
        stop.because(Error::new(RunCode::Interrupted, ""));
        read_ahead(&mut files, (90, 1), &stop);
        assert!(
            files
                .iter()
                .all(|file| file.read.is_none())
        );
    }
}
