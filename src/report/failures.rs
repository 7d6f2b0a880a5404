//! The failure report: which run it was, and every file that failed, flushed one by one.
//!
//! Readable by its owner alone, because paths often hold names. It can be written before the first file is read, or the
//! run does not start; it is usable as `--files-from` input.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Sink;
use super::place::{ReportPath, nth};
use super::record::{self, Record, record};
use super::redact::Paths;
use super::tally::Tally;
use crate::config::{Report, ReportFormat};
use crate::event::{Event, Outcome, RunEnd, RunStart};
use crate::failure::{Error, RunCode};
use crate::phi::display_path;

/// Columns of the CSV form. The facts of the run are repeated in each row.
const COLUMNS: [&str; 15] = [
    "path",
    "path_bytes",
    "stage",
    "code",
    "message",
    "hint",
    "retryable",
    "http_status",
    "attempts",
    "version",
    "project",
    "profile",
    "profile_level",
    "profile_digest",
    "redacted",
];

/// The end of the JSON form, written after every item so that the document is whole at any moment.
const JSON_END: &str = "\n]}\n";

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
    run: Option<RunStart>,
    file: Option<File>,
    items: u64,
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
            paths,
            run: None,
            file: None,
            items: 0,
        })
    }

    /// The open report, begun anew by its first use in this run.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let mut file = self.claim()?;
            file.set_len(0)?;
            file.write_all(&self.header())?;
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

    fn header(&self) -> Vec<u8> {
        let facts = match &self.run {
            Some(run) => record::facts(run, self.paths.redacted()),
            None => json!({ "redacted": self.paths.redacted() }),
        };
        match self.format {
            ReportFormat::JsonLines => {
                let mut first = record("report");
                first.insert("v".to_owned(), record::VERSION.into());
                record::extend(&mut first, facts);
                line(first)
            }
            ReportFormat::Json => format!("{{\"v\":{},\"run\":{facts},\"failures\":[{JSON_END}", record::VERSION).into_bytes(),
            ReportFormat::Csv => row(&COLUMNS),
        }
    }

    fn failed(&mut self, failed: Record) -> io::Result<()> {
        let separator = if self.items == 0 { "\n" } else { ",\n" };
        let bytes = match self.format {
            ReportFormat::JsonLines => line(failed),
            ReportFormat::Json => format!("{separator}{}{JSON_END}", Value::Object(failed)).into_bytes(),
            ReportFormat::Csv => row(&self.cells(&failed)),
        };
        let rewind = if self.format == ReportFormat::Json { JSON_END.len() } else { 0 };
        self.items += 1;
        let file = self.file()?;
        file.seek(SeekFrom::End(-i64::try_from(rewind).unwrap_or(0)))?;
        file.write_all(&bytes)?;
        file.flush()
    }

    fn cells(&self, failed: &Record) -> Vec<String> {
        let run = self.run.as_ref();
        let profile = run.and_then(|run| run.profile.as_ref());
        let cell = |column: &&str| match *column {
            "path" => not_a_formula(text(failed.get("path"))),
            "version" => run.map(|run| run.version.to_owned()).unwrap_or_default(),
            "project" => run.map(|run| run.project.clone()).unwrap_or_default(),
            "profile" => profile.map(|profile| profile.name.clone()).unwrap_or_default(),
            "profile_level" => profile.map(|profile| profile.level.to_owned()).unwrap_or_default(),
            "profile_digest" => profile.map(|profile| profile.digest.clone()).unwrap_or_default(),
            "redacted" => self.paths.redacted().to_string(),
            column => text(failed.get(column)),
        };
        COLUMNS.iter().map(cell).collect()
    }

    /// The last record; only the line form has a place for one.
    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        if !self.always && self.items == 0 {
            return Ok(());
        }
        let format = self.format;
        let file = self.file()?;
        if format == ReportFormat::JsonLines {
            let mut last = record("end");
            record::extend(&mut last, record::totals(&end.totals));
            last.insert("exit_code".to_owned(), end.exit_code.into());
            file.write_all(&line(last))?;
        }
        file.flush()?;
        file.sync_all()
    }
}

impl Sink for FailureReport {
    fn event(&mut self, event: &Event, _: &Tally) -> Result<(), Error> {
        let written = match event {
            Event::Started(start) => {
                self.run = Some((**start).clone());
                if self.always { self.file().map(|_| ()) } else { Ok(()) }
            }
            Event::Settled(settled) => match &settled.outcome {
                Outcome::Failed(failure) => self.failed(record::failed(&self.paths, settled, failure)),
                _ => Ok(()),
            },
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

fn line(record: Record) -> Vec<u8> {
    let mut line = Value::Object(record).to_string().into_bytes();
    line.push(b'\n');
    line
}

fn row<T: AsRef<[u8]>>(cells: &[T]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory fails only when memory does.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A spreadsheet takes a cell that starts like this for a formula; the same path can be written in a way that it does not.
fn not_a_formula(path: String) -> String {
    if path.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("./{path}") } else { path }
}
