//! `fwupload report`: commands about the failure reports of runs that have ended.
//!
//! Owns where the merged report is written. Must never leave half a report behind, nor replace one
//! that a run is still writing.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::cli::ReportCommand;
use crate::config::ReportFormat;
use crate::event::Severity;
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::report::merge;
use dicom_lossless::display_path;

use super::{remark, warn, written};

/// Runs a command about reports.
pub fn run(command: &ReportCommand) -> Result<ExitStatus, Error> {
    let ReportCommand::Merge(args) = command;
    let output = args
        .output
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    let format = output.map_or(Ok(ReportFormat::JsonLines), |path| {
        ReportFormat::of_flag("`--output`", path)
    })?;
    let merged = merge(&args.reports, ExitStatus::of_runs)?;
    let bytes = merged.bytes(format);
    match output {
        Some(path) => bytes
            .and_then(|bytes| replace(path, &bytes))
            .map_err(|error| unwritable(path, &error))?,
        None => to_stdout(bytes)?,
    }
    for (severity, text) in merged.remarks() {
        if *severity == Severity::Warning {
            warn(text);
        } else {
            remark(text);
        }
    }
    let _ = writeln!(io::stderr().lock(), "{}", merged.summary());
    if !args.exit_code {
        return Ok(ExitStatus::Success);
    }
    // What is not known is not success.
    Ok(merged
        .exit_code()
        .and_then(ExitStatus::of_code)
        .unwrap_or(ExitStatus::Unexpected))
}

/// Writes the report in one step: the path has what was there before, or all of the report.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    refuse_while_written(path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A temporary file of this crate has mode 0600.
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)
        .map(drop)
        .map_err(|error| error.error)
}

/// A run holds a lock on the report that it is writing.
fn refuse_while_written(path: &Path) -> io::Result<()> {
    match File::open(path).map(|file| file.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => {
            Err(io::Error::other("a run is writing its report there"))
        }
        _ => Ok(()),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        format!(
            "the merged report cannot be written: {}",
            display_path(path)
        ),
    )
    .because(error.to_string())
    .with_hint("name another place with `--output`")
}

fn to_stdout(bytes: io::Result<Vec<u8>>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let result = bytes.and_then(|bytes| out.write_all(&bytes));
    written(result.and_then(|()| out.flush()))
        .map_err(|error| error.with_hint("check where it leads to, or give `--output FILE`"))
}
