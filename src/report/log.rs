//! `--log-file`: what the console says at `-v`, one line each with its time.
//!
//! Appended to a file that its owner alone may read, because paths often hold names. It can be
//! written before the first file is read, or the run does not start. It is never a failure report.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

#[cfg(unix)]
use rustix::fs::OFlags;

use super::Sink;
use super::console::Console;
use super::failures::{REPORT_BEGINS, existing, folder_of};
use super::place::ReportPath;
use super::printer::Printer;
use super::redact::Paths;
use super::tally::Tally;
use crate::config::{Progress, Report, Verbosity};
use crate::event::Event;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// A console that writes into a file.
pub(super) struct Log {
    console: Console,
    path: PathBuf,
}

impl Log {
    /// Opens the file, if one is wanted. Errors: [`RunCode::LogUnwritable`].
    pub(super) fn open(
        report: &Report,
        paths: &Paths,
        place: &ReportPath,
        command: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let Some(path) = report.log.clone() else {
            return Ok(None);
        };
        let file = if same_place(&path, &report.path) {
            Err(io::Error::other("the failure report goes there"))
        } else {
            open(&path)
        };
        let file = file.map_err(|error| unwritable(&path, &error))?;
        let printer = Printer::new(Box::new(file), false).timed();
        let speech = (Verbosity::Verbose, Progress::Lines);
        let console = Console::new(
            printer,
            paths.clone(),
            speech,
            place.clone(),
            command.map(str::to_owned),
        );
        Ok(Some(Self { console, path }))
    }
}

impl Sink for Log {
    fn event(&mut self, event: &Event, tally: &Tally) -> Result<(), Error> {
        self.console.event(event, tally)?;
        self.console
            .take_error()
            .map_or(Ok(()), |error| Err(unwritable(&self.path, &error)))
    }

    fn tick(&mut self, tally: &Tally) {
        self.console.tick(tally);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        RunCode::LogUnwritable,
        format!("the log cannot be written: {}", display_path(path)),
    )
    .because(error.to_string())
}

fn same_place(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| folder_of(path).canonicalize().ok();
    one.file_name() == other.file_name() && folder(one) == folder(other)
}

/// A file of this user alone, at its end; a new one where there is none.
fn open(path: &Path) -> io::Result<std::fs::File> {
    if let Some(mut there) = existing(path)? {
        let mut begin = [0; REPORT_BEGINS.len()];
        if there.read_exact(&mut begin).is_ok() && begin == *REPORT_BEGINS {
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
    options
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options.open(path)
}
