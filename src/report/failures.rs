//! The failure report: which run it was, and every file that failed, flushed one by one.
//!
//! Readable by its owner alone, because paths often hold names. It can be written before the first
//! file is read, or the run does not start; it is usable as `--files-from` input.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

#[cfg(unix)]
use rustix::fs::OFlags;

use serde_json::{Value, json};

use super::place::{ReportPath, Written, nth};
use super::record::{self, FailedFile, FilePath, Record, RunFacts};
use super::redact::Paths;
use super::tally::Tally;
use super::{Sink, form};
use crate::config::{Report, ReportFormat};
use crate::event::{Event, Outcome, RunEnd, Settled, Severity};
use crate::failure::{Error, FileCode, RunCode};
use dicom_lossless::display_path;

/// Reports of runs at the same time that one folder takes.
const MOST_BESIDE: u32 = 100;
/// How a report in the default format begins.
pub(super) const REPORT_BEGINS: &[u8; 16] = b"{\"type\":\"report\"";

/// The failure report.
pub(super) struct FailureReport {
    path: PathBuf,
    place: ReportPath,
    format: ReportFormat,
    when: Written,
    paths: Paths,
    /// Those of the run, once it has begun.
    facts: Value,
    file: Option<File>,
    /// What the report took the place of, locked, so that no other run takes it for a free place.
    replaced: Option<File>,
    items: u64,
    /// Named paths that do not exist. They are written once the run turns out to have other files
    /// as well.
    missing: Vec<Record>,
    /// The warnings of the run.
    notices: Vec<Record>,
    /// Files to be tried again together with those that failed, written at the end.
    companions: Vec<Record>,
}

impl FailureReport {
    /// Makes sure that the report can be written, in the other folder where the usual place cannot
    /// be. What is there stays until this run has something to say: it may be this run's own list
    /// of files.
    pub(super) fn open(report: &Report, paths: Paths, place: ReportPath) -> Result<Self, Error> {
        let when = Written::of(report);
        let mut path = report.path.clone();
        if let (true, Err(error)) = (when != Written::Never, usable(&path)) {
            let helps = when == Written::OnFailure && is_a_place_trouble(&error);
            let elsewhere = report.fallback.as_ref().filter(|_| helps);
            let elsewhere = elsewhere.and_then(|folder| in_folder(folder, &report.path));
            path = elsewhere.ok_or_else(|| unwritable(&report.path, &error))?;
            place.moved(shown(&path, &paths));
        }
        Ok(Self {
            place,
            path,
            format: report.format,
            when,
            facts: json!({ "redacted": paths.redacted() }),
            paths,
            file: None,
            replaced: None,
            items: 0,
            missing: Vec::new(),
            notices: Vec::new(),
            companions: Vec::new(),
        })
    }

    /// The open report, begun anew by its first use in this run.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.begin(false)?;
        }
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("the report is not open"))
    }

    /// Begins the report under another name and puts it in its place whole. A report that another
    /// run is writing there is left alone, as is one of an earlier run if `beside`; a place that
    /// was named is not changed for another.
    fn begin(&mut self, beside: bool) -> io::Result<()> {
        for n in 1..=MOST_BESIDE {
            let path = nth(&self.path, n);
            let there = existing(&path)?;
            let taken = there
                .as_ref()
                .is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
            if taken && self.when == Written::Always {
                break;
            }
            if taken || (beside && there.is_some()) {
                continue;
            }
            // Elsewhere than on Unix an open file cannot be replaced.
            self.replaced = there.filter(|_| cfg!(unix));
            let mut new = tempfile::Builder::new()
                .prefix(".fwupload-report-")
                .tempfile_in(folder_of(&path))?;
            new.write_all(&form::header(self.format, &self.facts, &self.notices))?;
            let _ = new.as_file().try_lock();
            self.file = Some(new.persist(&path)?);
            if n > 1 {
                self.place.moved(shown(&path, &self.paths));
                self.path = path;
            }
            return Ok(());
        }
        Err(io::Error::other("another run is writing its report there"))
    }

    fn settled(&mut self, settled: &Settled) -> io::Result<()> {
        let failed = match &settled.outcome {
            Outcome::Failed(failure) => {
                let failed = FailedFile::new(&self.paths, &settled.path, failure);
                Some((failure.code, record::with_fields("failed", &failed)))
            }
            _ => None,
        };
        match failed {
            Some((FileCode::DiscoverNotFound, record)) if self.file.is_none() => {
                self.missing.push(record);
                Ok(())
            }
            failed => {
                self.write_missing()?;
                failed.map_or(Ok(()), |(_, record)| self.failed(record))
            }
        }
    }

    fn write_missing(&mut self) -> io::Result<()> {
        std::mem::take(&mut self.missing)
            .into_iter()
            .try_for_each(|record| self.failed(record))
    }

    fn failed(&mut self, failed: Record) -> io::Result<()> {
        let bytes = form::failed(
            self.format,
            &self.facts,
            failed,
            self.items == 0,
            &self.notices,
        );
        let overlap = form::overlap(self.format, &self.notices);
        self.items += 1;
        self.add(&bytes, overlap)
    }

    /// Keeps a warning; it is written where there is a report, or once there is one.
    fn warned(&mut self, warning: Record) -> io::Result<()> {
        let overlap = form::overlap(self.format, &self.notices);
        self.notices.push(warning);
        if self.file.is_none() {
            return Ok(());
        }
        let bytes = form::notice(self.format, &self.notices);
        self.add(&bytes, overlap)
    }

    /// Writes in the place of the last bytes.
    fn add(&mut self, bytes: &[u8], overlap: usize) -> io::Result<()> {
        let back = i64::try_from(overlap).unwrap_or(0);
        let file = self.file()?;
        file.seek(SeekFrom::End(-back))?;
        file.write_all(bytes)?;
        file.flush()
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        if !self.missing.is_empty() {
            // There was nothing else: a mistake in the command is no reason to lose what an earlier
            // run reported.
            if self.file.is_none() {
                self.begin(true)?;
            }
            self.write_missing()?;
        }
        if self.when != Written::Always && self.items == 0 {
            let went_well = end.stopped_by.is_none()
                && end.totals.uploaded + end.totals.already_there + end.totals.prepared > 0;
            return if went_well {
                self.set_earlier_aside()
            } else {
                Ok(())
            };
        }
        let companions = std::mem::take(&mut self.companions);
        if !companions.is_empty() {
            let bytes = form::companions(self.format, &self.facts, &self.notices, &companions);
            self.add(&bytes, form::overlap(self.format, &self.notices))?;
        }
        let last = form::end(self.format, record::object(&end.totals), end.exit_code);
        let file = self.file()?;
        file.write_all(&last)?;
        file.flush()?;
        file.sync_all()
    }

    /// Renames the report of an earlier run, so that it is not tried again by mistake after all has
    /// gone well.
    fn set_earlier_aside(&self) -> io::Result<()> {
        let Ok(Some(mut there)) = existing(&self.path) else {
            return Ok(());
        };
        let mut begin = [0; REPORT_BEGINS.len()];
        let is_report = there.read_exact(&mut begin).is_ok() && begin == *REPORT_BEGINS;
        if !is_report || matches!(there.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(());
        }
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        if !cfg!(unix) {
            drop(there);
        }
        std::fs::rename(&self.path, &aside)?;
        self.place.set_aside(shown(Path::new(&aside), &self.paths));
        Ok(())
    }
}

impl Sink for FailureReport {
    fn event(&mut self, event: &Event, _: &Tally) -> Result<(), Error> {
        if self.when == Written::Never {
            return Ok(());
        }
        let written = match event {
            Event::Started(start) => {
                self.facts = record::object(&RunFacts {
                    start,
                    redacted: self.paths.redacted(),
                });
                if self.when == Written::Always {
                    self.file().map(|_| ())
                } else {
                    Ok(())
                }
            }
            Event::Settled(settled) => self.settled(settled),
            Event::Notice(notice) if notice.severity == Severity::Warning => {
                self.warned(record::with_fields("notice", notice))
            }
            Event::Companion { path } => {
                let companion = FilePath::new(&self.paths, path);
                self.companions
                    .push(record::with_fields(form::COMPANION, &companion));
                Ok(())
            }
            Event::Ended(end) => self.end(end),
            _ => Ok(()),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        format!("the report cannot be written: {}", display_path(path)),
    )
    .because(error.to_string())
}

/// Whether a report can be put at a path: its folder can be written, and nothing else than a file
/// of this user lies there.
fn usable(path: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder_of(path))?;
    existing(path).map(drop)
}

/// Whether another folder helps.
fn is_a_place_trouble(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        NotFound | PermissionDenied | ReadOnlyFilesystem | StorageFull
    )
}

/// The place of the report in another folder, which is made.
fn in_folder(folder: &Path, report: &Path) -> Option<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).ok()?;
    let path = folder.join(report.file_name()?);
    usable(&path).ok().map(|()| path)
}

/// The file at a path, opened to be looked at and locked; none where nothing is. What is no report
/// of this user's is not touched: links are not followed, pipes not waited for.
pub(super) fn existing(path: &Path) -> io::Result<Option<File>> {
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
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    if !metadata.is_file() {
        return Err(io::Error::other("what lies there is no file"));
    }
    let file = options.open(path)?;
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(io::Error::other("what lies there is no file"));
    }
    // Compared with a file that is made in the same folder, since some shares give all files other
    // owners.
    #[cfg(unix)]
    if opened.uid() != tempfile::tempfile_in(folder_of(path))?.metadata()?.uid() {
        return Err(io::Error::other("a file of another user lies there"));
    }
    Ok(Some(file))
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The path as it is told.
fn shown(path: &Path, paths: &Paths) -> String {
    if paths.redacted() {
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
