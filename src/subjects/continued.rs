//! Tables of codes that are continued (`--extend-subjects`): who is not in the table gets the next
//! code, and the table has a line more.
//!
//! Owns who is new in a run, the numbers that they get, and the table's file. Numbers go by the
//! order of the keys, never by the order in which files were found. Must never give a code before
//! all files are known, nor write over a table that has changed since it was read.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::failure::{Error, RunCode};
use dicom_lossless::{Phi, display_path};

use super::cells::Dialect;
use super::code_format::{self, CodeFormat};
use super::fault::Fault;
use super::harmless;
use super::row::{self, Row};

/// How long another run may hold the table while it writes a few lines.
const PATIENCE: Duration = Duration::from_secs(30);

/// The values that a row goes by, in the form in which they are compared.
type Key = Vec<Phi<String>>;

/// What a table needs to be continued.
pub struct Continued {
    path: PathBuf,
    /// The file as it was read.
    read: Vec<u8>,
    dialect: Dialect,
    format: CodeFormat,
    /// The highest number of a code in the table.
    highest: u64,
    /// Who is new, by the place behind the table's own rows that was given on sight.
    new: Mutex<HashMap<Key, usize>>,
    /// The rows that new ones got, by that place; none where no file that counts has the key.
    rows: OnceLock<Vec<Option<Row>>>,
}

/// The rows that a run adds to a table, not yet written.
#[derive(Debug)]
pub struct Addition {
    /// How many.
    pub count: usize,
    /// The first code and the last one.
    pub codes: (String, String),
    /// Their lines in the file.
    pub lines: RangeInclusive<u32>,
    /// Lines of new rows that differ from another new one in leading zeros, blanks or punctuation
    /// alone.
    pub near: Vec<u32>,
    /// The whole file with them.
    pub(super) bytes: Vec<u8>,
}

impl Continued {
    /// For a table that was read from these bytes.
    ///
    /// # Errors
    /// What keeps it from being continued.
    pub(super) fn new(
        path: &Path,
        read: Vec<u8>,
        format: CodeFormat,
        rows: &[Row],
    ) -> Result<Self, Fault> {
        let dialect = Dialect::of(path, &read).map_err(Fault::whole)?;
        if let Some(what) = format.fault() {
            return Err(Fault::whole(what));
        }
        let mut highest = 0;
        for row in rows {
            let code = row
                .labels
                .subject
                .as_deref()
                .unwrap_or_default();
            let number = code_format::number_of(code).ok_or_else(|| {
                Fault::at(
                    row.line,
                    "the number of its code is too large to go on from",
                )
            })?;
            highest = number.max(highest);
        }
        Ok(Self {
            path: path.to_owned(),
            read,
            dialect,
            format,
            highest,
            new: Mutex::default(),
            rows: OnceLock::new(),
        })
    }

    /// The place of who has this key, behind the table's own rows.
    ///
    /// # Errors
    /// A value that no line of a table can hold.
    pub(super) fn place_of(&self, key: &[Phi<String>]) -> Result<usize, Unwritable> {
        let is_unwritable = |value: &Phi<String>| {
            value
                .expose()
                .contains(char::is_control)
        };
        if key.iter().any(is_unwritable) {
            return Err(Unwritable);
        }
        let mut new = self.locked();
        let next = new.len();
        Ok(*new
            .entry(key.to_vec())
            .or_insert(next))
    }

    /// The row at a place behind the table's own; none before there are codes.
    pub(super) fn row(&self, place: usize) -> Option<&Row> {
        self.rows
            .get()?
            .get(place)?
            .as_ref()
    }

    /// All rows that new ones got.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .get()
            .into_iter()
            .flatten()
            .flatten()
    }

    /// The file of the table.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives codes to those who are new and of whom a file counts, in the order of their keys.
    /// Called once, when all files are known.
    ///
    /// # Errors
    /// `subjects.unwritable` where the rows cannot be put into the form of the table.
    pub(super) fn number(&self, counts: impl Fn(usize) -> bool) -> Result<Option<Addition>, Error> {
        let new = self.locked();
        let mut found: Vec<_> = new
            .iter()
            .filter(|(_, place)| counts(**place))
            .collect();
        found.sort_unstable();
        let lines = Dialect::count(&self.read).saturating_add(1)..;
        let numbers = self.highest.saturating_add(1)..;
        let mut rows: Vec<Option<Row>> = new.iter().map(|_| None).collect();
        let mut added = Vec::new();
        for ((line, number), (key, place)) in lines.zip(numbers).zip(found) {
            let code = self.format.code(number);
            added.push((line, code.clone(), key));
            if let Some(row) = rows.get_mut(*place) {
                *row = Some(Row::of_code(line, key.clone(), code));
            }
        }
        let addition = self
            .addition(&added)
            .map_err(|error| self.unwritable(&error))?;
        // A second call finds the codes given, and changes none.
        let _ = self.rows.set(rows);
        Ok(addition)
    }

    fn addition(&self, rows: &[(u32, String, &Key)]) -> io::Result<Option<Addition>> {
        let (Some((first_line, first, _)), Some((last_line, last, _))) =
            (rows.first(), rows.last())
        else {
            return Ok(None);
        };
        let cells = rows.iter().map(|(_, code, key)| {
            let values = key
                .iter()
                .map(|value| value.expose().as_str());
            std::iter::once(code.as_str())
                .chain(values)
                .map(harmless::write)
        });
        let bytes = self
            .dialect
            .with_rows(&self.read, cells)?;
        let mut near: HashMap<_, Vec<u32>> = HashMap::new();
        for (line, _, key) in rows {
            near.entry(row::nearly(key))
                .or_default()
                .push(*line);
        }
        let mut near: Vec<_> = near
            .into_values()
            .filter(|lines| lines.len() > 1)
            .flatten()
            .collect();
        near.sort_unstable();
        Ok(Some(Addition {
            count: rows.len(),
            codes: (first.clone(), last.clone()),
            lines: *first_line..=*last_line,
            near,
            bytes,
        }))
    }

    /// Puts the longer table in the place of the one that was read, in one step.
    ///
    /// # Errors
    /// `subjects.unwritable`, also where it is no longer the one that was read: no file may be sent
    /// then.
    pub(super) fn save(&self, addition: &Addition) -> Result<(), Error> {
        self.put(&addition.bytes)
            .map_err(|error| self.unwritable(&error))
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        // Behind a link lies what is read and replaced.
        let path = self.path.canonicalize()?;
        let _held = hold(&path)?;
        let now = fs::read(&path)?;
        if now == bytes {
            // Another shard of the same run was faster.
            return Ok(());
        }
        if now != self.read {
            return Err(io::Error::other(
                "it has changed since it was read: another run or a person has written it",
            ));
        }
        let folder = path
            .parent()
            .unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file()
            .set_permissions(fs::metadata(&path)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    }

    fn unwritable(&self, error: &io::Error) -> Error {
        let what = format!(
            "the table of `--subjects` cannot be continued: {}",
            display_path(&self.path)
        );
        Error::new(RunCode::SubjectsUnwritable, what).because(error.to_string())
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
        self.new
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that no line of a table can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwritable;

/// Keeps other runs from writing the table until what this gives is closed.
fn hold(table: &Path) -> io::Result<File> {
    let held = if cfg!(windows) {
        // There a locked file can be read through its lock alone, and an open one is not replaced. The
        // file beside it stays: another run may wait for it.
        let mut name = table.as_os_str().to_owned();
        name.push(".lock");
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(name)?
    } else {
        File::open(table)?
    };
    lock(&held)?;
    Ok(held)
}

/// Locks a file, waiting for another run that holds it.
fn lock(table: &File) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        match table.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another run holds it"));
            }
            // Some network file systems know no locks; what has changed is seen even so.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(());
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
