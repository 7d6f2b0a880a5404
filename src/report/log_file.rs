//! `--log-file`: what the console shows at `-v`, each line with its time.
//!
//! Owns the file, to which it appends and which its owner alone may read, because paths often hold
//! names. Must never write into a failure report. A run whose log cannot be written must never start.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

#[cfg(unix)]
use rustix::fs::OFlags;

use super::EventConsumer;
use super::console::Console;
use super::counters::Counters;
use super::failure_report::{existing, folder_of, is_report};
use super::printer::Printer;
use super::redact::Paths;
use super::report_path::ReportPath;
use crate::config::{Progress, Report, Verbosity};
use crate::event::Event;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// A console that writes into a file.
pub struct LogFile {
    console: Console,
    path: PathBuf,
}

impl LogFile {
    /// Opens the file, if one is wanted. Errors: [`RunCode::LogUnwritable`].
    pub fn open(
        report: &Report,
        paths: &Paths,
        report_path: &ReportPath,
        command: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let Some(path) = report.log.clone() else {
            return Ok(None);
        };
        let file = if is_same_path(&path, &report.path) {
            Err(io::Error::other("the failure report goes there"))
        } else {
            open(&path)
        };
        let file = file.map_err(|error| unwritable(&path, &error))?;
        let mut printer = Printer::new(Box::new(file), false);
        printer.timed = true;
        let console = Console::new(
            printer,
            paths.clone(),
            (Verbosity::Verbose, Progress::Lines),
            report_path.clone(),
            command.map(str::to_owned),
        );
        Ok(Some(Self { console, path }))
    }
}

impl EventConsumer for LogFile {
    fn event(&mut self, event: &Event, counters: &Counters) -> Result<(), Error> {
        self.console
            .event(event, counters)?;
        match &self.console.printer.error {
            Some(error) => Err(unwritable(&self.path, error)),
            None => Ok(()),
        }
    }

    fn tick(&mut self, counters: &Counters) -> Result<(), Error> {
        self.console.tick(counters)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        RunCode::LogUnwritable,
        format!("the log cannot be written: {}", display_path(path)),
    )
    .because(error.to_string())
}

fn is_same_path(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| folder_of(path).canonicalize().ok();
    one.file_name() == other.file_name() && folder(one) == folder(other)
}

/// Opens a file of this user alone for appending, or creates it.
fn open(path: &Path) -> io::Result<std::fs::File> {
    if let Some(mut there) = existing(path)? {
        if is_report(&mut there) {
            return Err(io::Error::other("a failure report lies there"));
        }
        #[cfg(unix)]
        if there.metadata()?.mode() & 0o077 != 0 {
            return Err(io::Error::other(
                "others may read it: make it yours alone (chmod 600)",
            ));
        }
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    options.mode(0o600).custom_flags(
        (OFlags::NOFOLLOW | OFlags::NONBLOCK)
            .bits()
            .cast_signed(),
    );
    options.open(path)
}
