//! The failure report: which run it was, and every file that failed, flushed one by one.
//!
//! Readable by its owner alone, because paths often hold names. It can be written before the first file is read, or the
//! run does not start; it is usable as `--files-from` input.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::place::{ReportPath, nth};
use super::record::{self, Record};
use super::redact::Paths;
use super::tally::Tally;
use super::{Sink, form};
use crate::config::{Report, ReportFormat};
use crate::event::{Event, Outcome, RunEnd, Severity};
use crate::failure::{Error, RunCode};
use crate::phi::display_path;

/// Reports of runs at the same time that one folder takes.
const MOST_BESIDE: u32 = 100;

/// The failure report.
pub(super) struct FailureReport {
    path: PathBuf,
    place: ReportPath,
    format: ReportFormat,
    /// Written even when nothing fails.
    always: bool,
    paths: Paths,
    /// Those of the run, once it has begun.
    facts: Value,
    file: Option<File>,
    items: u64,
    /// The warnings of the run.
    notices: Vec<Record>,
}

impl FailureReport {
    /// Makes sure that the report can be written. What is in the file stays until this run has something to say: it may
    /// be this run's own list of files.
    pub(super) fn open(report: &Report, paths: Paths, place: ReportPath) -> Result<Self, Error> {
        let existed = report.path.symlink_metadata().is_ok();
        let tried = if existed || report.named { private(&report.path).map(drop) } else { tried_beside(&report.path) };
        tried.map_err(|error| unwritable(&report.path, &error))?;
        Ok(Self {
            place,
            path: report.path.clone(),
            format: report.format,
            always: report.named,
            facts: json!({ "redacted": paths.redacted() }),
            paths,
            file: None,
            items: 0,
            notices: Vec::new(),
        })
    }

    /// The open report, begun anew by its first use in this run.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let mut file = self.claim()?;
            file.set_len(0)?;
            file.write_all(&form::header(self.format, &self.facts, &self.notices))?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the report is not open"))
    }

    /// The file, for this run alone: another run that writes its report there keeps it. A place that was named is not
    /// changed for another.
    fn claim(&mut self) -> io::Result<File> {
        for n in 1..=MOST_BESIDE {
            let path = nth(&self.path, n);
            let file = private(&path)?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                if self.always {
                    break;
                }
                continue;
            }
            if n > 1 {
                self.place.moved(if self.paths.redacted() { file_name(&path) } else { display_path(&path) });
                self.path = path;
            }
            return Ok(file);
        }
        Err(io::Error::other("another run is writing its report there"))
    }

    fn failed(&mut self, failed: Record) -> io::Result<()> {
        let bytes = form::failed(self.format, &self.facts, failed, self.items == 0, &self.notices);
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
        if !self.always && self.items == 0 {
            return Ok(());
        }
        let last = form::end(self.format, record::totals(&end.totals), end.exit_code);
        let file = self.file()?;
        file.write_all(&last)?;
        file.flush()?;
        file.sync_all()
    }
}

impl Sink for FailureReport {
    fn event(&mut self, event: &Event, _: &Tally) -> Result<(), Error> {
        let written = match event {
            Event::Started(start) => {
                self.facts = record::facts(start, self.paths.redacted());
                if self.always { self.file().map(|_| ()) } else { Ok(()) }
            }
            Event::Settled(settled) => match &settled.outcome {
                Outcome::Failed(failure) => self.failed(record::failed(&self.paths, settled, failure)),
                _ => Ok(()),
            },
            Event::Notice(notice) if notice.severity == Severity::Warning => self.warned(record::notice(notice)),
            Event::Ended(end) => self.end(end),
            _ => Ok(()),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(RunCode::ReportUnwritable, format!("the report cannot be written: {}", display_path(path)))
        .because(error.to_string())
}

/// Finds out whether a file could be made beside this path, without making one that others see.
fn tried_beside(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map(drop)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Opens a file that only its owner may read, from its first byte on; what is in it stays.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}
