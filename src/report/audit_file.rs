//! A file that says what became of each source file, line by line: JSON lines or CSV. A page for
//! review lies in its place in the same way.
//!
//! Owns where it lies and when. It grows under a temporary name, readable by its owner alone, and
//! takes its place when the run ends, so that what lies there is never half a file. Must never replace
//! a file of another kind: a mistyped name could be that of a table or of data.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::failure_report::{existing, folder_of};
use super::record::{RunFacts, VERSION};
use crate::config::{Audit, AuditFormat, AuditKind, UNFINISHED_REPORT};
use crate::event::RunEnd;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// A cell that begins with one of these is a formula to a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The last record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EndOfAudit {
    /// Files of which something is said.
    pub files: u64,
    /// Whether the run went to its end, so that no file is missing.
    pub complete: bool,
    /// The code of what stopped the run early.
    pub stopped_by: Option<&'static str>,
    /// The exit code of the run.
    pub exit_code: u8,
}

impl EndOfAudit {
    pub fn of(end: &RunEnd, files: u64) -> Self {
        let stopped_by = end
            .stopped_by
            .as_ref()
            .map(|error| error.code);
        Self {
            files,
            // That nothing is left to upload is known at the end alone.
            complete: matches!(stopped_by, None | Some(RunCode::InputNothing)),
            stopped_by: stopped_by.map(RunCode::as_str),
            exit_code: end.exit_code,
        }
    }
}

/// A file that takes its place once it is whole.
pub struct OwnFile {
    path: PathBuf,
    kind: AuditKind,
    /// None once it is in its place.
    file: Option<BufWriter<NamedTempFile>>,
}

impl OwnFile {
    /// Begins the file under a temporary name in its folder. Errors: [`RunCode::AuditUnwritable`].
    pub fn open(path: &Path, kind: AuditKind) -> Result<Self, Error> {
        let begun = check(path, kind).and_then(|()| {
            tempfile::Builder::new()
                .prefix(UNFINISHED_REPORT)
                .tempfile_in(folder_of(path))
        });
        let file = begun.map_err(|error| unwritable(path, kind, &error))?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            file: Some(BufWriter::new(file)),
        })
    }

    /// What it is written through; none once it was given up or is in its place.
    pub fn writer(&mut self) -> Option<&mut impl Write> {
        self.file.as_mut()
    }

    /// Leaves what lies in its place alone.
    pub fn discard(&mut self) {
        self.file = None;
    }

    /// Puts it in its place, unless it was given up.
    pub fn put_in_place(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let file = file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        // Much may have happened since the run began.
        check(&self.path, self.kind)?;
        file.persist(&self.path)
            .map(drop)
            .map_err(|error| error.error)
    }

    /// That it could not be written. Errors: [`RunCode::AuditUnwritable`].
    pub fn unwritable(&self, error: &io::Error) -> Error {
        unwritable(&self.path, self.kind, error)
    }
}

/// A file that is being written line by line.
pub struct AuditFile {
    format: AuditFormat,
    kind: AuditKind,
    file: OwnFile,
}

impl AuditFile {
    /// Begins the file under a temporary name in its folder. Errors: [`RunCode::AuditUnwritable`].
    pub fn open(audit: &Audit, kind: AuditKind) -> Result<Self, Error> {
        Ok(Self {
            format: audit.format,
            kind,
            file: OwnFile::open(&audit.path, kind)?,
        })
    }

    /// Writes what stands before the first line: the run, or the names of the columns.
    pub fn begin<R: Serialize + Default>(&mut self, facts: RunFacts) -> Result<(), Error> {
        let begin = match self.format {
            AuditFormat::JsonLines => json_line(self.kind.word(), &AuditHead { v: VERSION, facts }),
            AuditFormat::Csv => header::<R>(),
        };
        self.append(begin)
    }

    /// Writes a line: a record of this type, or a row.
    pub fn line(&mut self, kind: &'static str, row: &impl Serialize) -> Result<(), Error> {
        let line = match self.format {
            AuditFormat::JsonLines => json_line(kind, row),
            AuditFormat::Csv => csv_lines(row, false),
        };
        self.append(line)
    }

    /// Writes the last line and puts the file in its place. The CSV form has a last row only where
    /// it has to say something.
    pub fn end(&mut self, end: &EndOfAudit, row: Option<&impl Serialize>) -> Result<(), Error> {
        let line = match self.format {
            AuditFormat::JsonLines => json_line("end", end),
            AuditFormat::Csv => row.map_or(Ok(Vec::new()), |row| csv_lines(row, false)),
        };
        self.append(line)?;
        self.file
            .put_in_place()
            .map_err(|error| self.file.unwritable(&error))
    }

    /// A path or a name as the form has it: no spreadsheet takes it for a formula.
    pub fn cell(&self, text: String) -> String {
        match self.format {
            AuditFormat::Csv if text.starts_with(FORMULA) => format!("./{text}"),
            _ => text,
        }
    }

    /// Hands what was written to the system.
    pub fn flush(&mut self) -> Result<(), Error> {
        let flushed = match self.file.writer() {
            Some(file) => file.flush(),
            None => Ok(()),
        };
        self.kept(flushed)
    }

    /// Leaves what lies in its place alone.
    pub fn discard(&mut self) {
        self.file.discard();
    }

    fn append(&mut self, line: io::Result<Vec<u8>>) -> Result<(), Error> {
        let written = match (line, self.file.writer()) {
            (Ok(line), Some(file)) => file.write_all(&line),
            (Ok(_), None) => Ok(()),
            (Err(error), _) => Err(error),
        };
        self.kept(written)
    }

    /// Gives a file up in which lines are missing: that must not take its place.
    fn kept(&mut self, written: io::Result<()>) -> Result<(), Error> {
        written.map_err(|error| {
            self.discard();
            self.file.unwritable(&error)
        })
    }
}

/// Whether the file may take this place: that is free, or an earlier one of its kind lies there.
fn check(path: &Path, kind: AuditKind) -> io::Result<()> {
    let Some(mut there) = existing(path)? else {
        return Ok(());
    };
    if there.metadata()?.len() == 0 || kind.begins(&beginning(&mut there)?) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "what lies there is no {}, and is not replaced",
        kind.name()
    )))
}

fn beginning(file: &mut File) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    file.take(AuditKind::LONGEST as u64)
        .read_to_end(&mut begin)?;
    Ok(begin)
}

/// The first record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditHead {
    /// The version of the records.
    v: u64,
    /// The run.
    #[serde(flatten)]
    facts: RunFacts,
}

/// A record with its type first.
#[derive(Serialize)]
struct Tagged<'a, R> {
    r#type: &'static str,
    #[serde(flatten)]
    record: &'a R,
}

fn json_line(kind: &'static str, record: &impl Serialize) -> io::Result<Vec<u8>> {
    let record = Tagged {
        r#type: kind,
        record,
    };
    let mut line = serde_json::to_vec(&record)?;
    line.push(b'\n');
    Ok(line)
}

/// The names of the columns, which come with a row that is cut off again.
fn header<R: Serialize + Default>() -> io::Result<Vec<u8>> {
    let mut lines = csv_lines(&R::default(), true)?;
    let first = lines
        .iter()
        .position(|byte| *byte == b'\n');
    lines.truncate(first.map_or(0, |at| at + 1));
    Ok(lines)
}

fn csv_lines(row: &impl Serialize, with_header: bool) -> io::Result<Vec<u8>> {
    let mut rows = csv::WriterBuilder::new()
        .has_headers(with_header)
        .from_writer(Vec::new());
    rows.serialize(row)?;
    rows.into_inner()
        .map_err(csv::IntoInnerError::into_error)
}

fn unwritable(path: &Path, kind: AuditKind, error: &io::Error) -> Error {
    Error::new(
        RunCode::AuditUnwritable,
        format!(
            "the {} cannot be written: {}",
            kind.name(),
            display_path(path)
        ),
    )
    .because(error.to_string())
}
