//! The failure report: the run, and every file that failed, flushed one by one.
//!
//! Owns where the report is written. It is readable by its owner alone, because paths often hold
//! names, and usable as `--files-from` input. A run whose report cannot be written must never start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

#[cfg(unix)]
use rustix::fs::OFlags;

use super::EventConsumer;
use super::counters::Counters;
use super::record::{EndRecord, FailedRecord, ReportRecord, RunFacts};
use super::redact::Paths;
use super::report_path::{ReportPath, WriteCondition, numbered};
use super::writer::ReportWriter;
use crate::config::{Report, ReportFormat, UNFINISHED_REPORT};
use crate::event::{Event, FileOutcome, RunEnd, Settled, Severity};
use crate::failure::{Error, FileCode, RunCode};
use dicom_lossless::display_path;

/// The most reports of runs at the same time in one folder.
const MAX_NUMBER: u32 = 100;
/// The first bytes of a report in the default format.
const REPORT_BEGINS: &[u8; 16] = b"{\"type\":\"report\"";

/// Writes the failure report.
pub struct FailureReport {
    path: PathBuf,
    shown_path: ReportPath,
    format: ReportFormat,
    condition: WriteCondition,
    paths: Paths,
    /// Facts of the run, once it has begun.
    facts: RunFacts,
    report: Option<ReportWriter<File>>,
    /// The file that the report replaced, locked, so that no other run takes its path for a free
    /// one.
    replaced: Option<File>,
    /// Typed paths that do not exist. They are written once the run turns out to have other files.
    missing: Vec<ReportRecord>,
    /// Warnings until the report is begun.
    notices: Vec<ReportRecord>,
    /// Files to be tried again together with those that failed, written at the end.
    companions: Vec<ReportRecord>,
}

impl FailureReport {
    /// Checks that the report can be written, in the fallback folder where the usual path cannot be
    /// used. A file at the path stays until this run writes its first record: it may be this run's
    /// own list of files.
    pub fn open(report: &Report, paths: Paths, shown_path: ReportPath) -> Result<Self, Error> {
        let condition = WriteCondition::of(report);
        let mut path = report.path.clone();
        if let (true, Err(error)) = (condition != WriteCondition::Never, usable(&path)) {
            let helps = condition == WriteCondition::OnFailure && is_trouble_of_folder(&error);
            let fallback = report
                .fallback
                .as_ref()
                .filter(|_| helps);
            let fallback = fallback.and_then(|folder| in_folder(folder, &report.path));
            path = fallback.ok_or_else(|| unwritable(&report.path, &error))?;
            shown_path.replace(shown(&path, &paths));
        }
        Ok(Self {
            shown_path,
            path,
            format: report.format,
            condition,
            facts: RunFacts {
                redacted: Some(paths.is_redacting()),
                ..RunFacts::default()
            },
            paths,
            report: None,
            replaced: None,
            missing: Vec::new(),
            notices: Vec::new(),
            companions: Vec::new(),
        })
    }

    /// The report, begun by its first use in this run.
    fn report(&mut self) -> io::Result<&mut ReportWriter<File>> {
        if self.report.is_none() {
            self.begin(false)?;
        }
        self.report
            .as_mut()
            .ok_or_else(|| io::Error::other("the report is not open"))
    }

    /// Begins the report under a temporary name and puts it at its path whole. A report that another
    /// run is writing there is left alone, as is one of an earlier run if `beside`; a path that was
    /// typed is not changed for another.
    fn begin(&mut self, beside: bool) -> io::Result<()> {
        for number in 1..=MAX_NUMBER {
            let path = numbered(&self.path, number);
            let there = existing(&path)?;
            let is_locked = there
                .as_ref()
                .is_some_and(is_locked);
            if is_locked && self.condition == WriteCondition::Always {
                break;
            }
            if is_locked || (beside && there.is_some()) {
                continue;
            }
            // Elsewhere than on Unix an open file cannot be replaced.
            self.replaced = there.filter(|_| cfg!(unix));
            let new = tempfile::Builder::new()
                .prefix(UNFINISHED_REPORT)
                .tempfile_in(folder_of(&path))?;
            let file = new.as_file().try_clone()?;
            let _ = file.try_lock();
            let notices = std::mem::take(&mut self.notices);
            let facts = self.facts.clone();
            let report = ReportWriter::begin(file, self.format, facts, notices)?;
            new.persist(&path)?;
            self.report = Some(report);
            if number > 1 {
                self.shown_path
                    .replace(shown(&path, &self.paths));
                self.path = path;
            }
            return Ok(());
        }
        Err(io::Error::other("another run is writing its report there"))
    }

    fn settled(&mut self, settled: &Settled) -> io::Result<()> {
        let FileOutcome::Failed(failure) = &settled.outcome else {
            return self.write_missing([]);
        };
        let record = ReportRecord::Failed(FailedRecord::of(&self.paths, settled, failure));
        if failure.code == FileCode::DiscoverNotFound && self.report.is_none() {
            self.missing.push(record);
            return Ok(());
        }
        self.write_missing([record])
    }

    /// Writes the typed paths that do not exist, and further records.
    fn write_missing(&mut self, more: impl IntoIterator<Item = ReportRecord>) -> io::Result<()> {
        let mut records = std::mem::take(&mut self.missing);
        records.extend(more);
        if records.is_empty() {
            return Ok(());
        }
        self.report()?.write(records)
    }

    /// Writes a warning, or keeps it until there is a report.
    fn warned(&mut self, warning: ReportRecord) -> io::Result<()> {
        if let Some(report) = &mut self.report {
            return report.write([warning]);
        }
        self.notices.push(warning);
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        if !self.missing.is_empty() && self.report.is_none() {
            // The run had no other files: a mistake in the command is no reason to lose the report
            // of an earlier run.
            self.begin(true)?;
        }
        self.write_missing([])?;
        let has_failures = self
            .report
            .as_ref()
            .is_some_and(|report| !report.is_empty);
        if self.condition != WriteCondition::Always && !has_failures {
            let went_well = end.stopped_by.is_none()
                && end.totals.uploaded + end.totals.already_there + end.totals.prepared > 0;
            return if went_well {
                self.set_earlier_aside()
            } else {
                Ok(())
            };
        }
        let companions = std::mem::take(&mut self.companions);
        let end = ReportRecord::End(EndRecord::of(&end.totals, end.exit_code));
        let report = self.report()?;
        report.write(companions.into_iter().chain([end]))?;
        report.out.sync_all()
    }

    /// Renames the report of an earlier run, so that it is not tried again by mistake after a run
    /// without failures.
    fn set_earlier_aside(&self) -> io::Result<()> {
        let Ok(Some(mut there)) = existing(&self.path) else {
            return Ok(());
        };
        if !is_report(&mut there) || is_locked(&there) {
            return Ok(());
        }
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        if !cfg!(unix) {
            drop(there);
        }
        std::fs::rename(&self.path, &aside)?;
        self.shown_path
            .set_earlier(shown(Path::new(&aside), &self.paths));
        Ok(())
    }
}

impl EventConsumer for FailureReport {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        if self.condition == WriteCondition::Never {
            return Ok(());
        }
        let written = match event {
            Event::Started(start) => {
                self.facts = RunFacts::of(start, self.paths.is_redacting());
                match self.condition {
                    WriteCondition::Always => self.report().map(|_| ()),
                    _ => Ok(()),
                }
            }
            Event::Settled(settled) => self.settled(settled),
            Event::Notice(notice) if notice.severity == Severity::Warning => {
                self.warned(ReportRecord::Notice(notice.into()))
            }
            Event::Companion { path } => {
                let companion = ReportRecord::Companion(self.paths.written(path));
                self.companions.push(companion);
                Ok(())
            }
            Event::Ended(end) => self.end(end),
            _ => Ok(()),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

/// Whether a run is writing this report.
fn is_locked(report: &File) -> bool {
    matches!(report.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether a file begins like a report in the default format.
pub fn is_report(file: &mut File) -> bool {
    let mut begin = [0; REPORT_BEGINS.len()];
    file.read_exact(&mut begin).is_ok() && begin == *REPORT_BEGINS
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        format!("the report cannot be written: {}", display_path(path)),
    )
    .because(error.to_string())
}

/// Whether a report can be put at a path: its folder can be written, and at the path is nothing but
/// a file of this user.
fn usable(path: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder_of(path))?;
    existing(path).map(drop)
}

/// Whether another folder helps.
fn is_trouble_of_folder(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        NotFound | PermissionDenied | ReadOnlyFilesystem | StorageFull
    )
}

/// The path of the report in another folder, which is created.
fn in_folder(folder: &Path, report: &Path) -> Option<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).ok()?;
    let path = folder.join(report.file_name()?);
    usable(&path).ok().map(|()| path)
}

/// Opens the file at a path for reading and locking; none where there is no file. Only a file of
/// this user is opened: links are not followed, pipes not waited for.
pub fn existing(path: &Path) -> io::Result<Option<File>> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if metadata.is_symlink() {
        return Err(io::Error::other(
            "a symbolic link lies there, and reports are not written through one",
        ));
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    options.custom_flags(
        (OFlags::NOFOLLOW | OFlags::NONBLOCK)
            .bits()
            .cast_signed(),
    );
    if !metadata.is_file() {
        return Err(io::Error::other("what lies there is no file"));
    }
    let file = options.open(path)?;
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(io::Error::other("what lies there is no file"));
    }
    // Compared with a file that is created in the same folder, since some shares give all files
    // other owners.
    #[cfg(unix)]
    if opened.uid()
        != tempfile::tempfile_in(folder_of(path))?
            .metadata()?
            .uid()
    {
        return Err(io::Error::other("a file of another user lies there"));
    }
    Ok(Some(file))
}

pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The path as it is shown to the user.
fn shown(path: &Path, paths: &Paths) -> String {
    if paths.is_redacting() {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    } else {
        display_path(path)
    }
}

#[cfg(test)]
mod tests;
