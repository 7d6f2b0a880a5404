//! The crosswalk (`--save-subjects`): whose data went where, for the site that has to go back from
//! what was uploaded to the patient.
//!
//! Owns its file: rows are appended, each on the disk before the package that it is about leaves,
//! so that it is complete also after a run that was killed. It is its owner's alone, and nothing in
//! it is ever sent. Must never write into a file that is not a crosswalk.
//!
//! A row has what each step of the way back needs: Patient ID and its issuer name the patient in
//! the hospital's systems, Patient's Name shows that the ID was not mistaken, Accession Number finds
//! the request, and the UIDs find study and series in the archive. More would only identify more.

use std::collections::{BTreeSet, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

#[cfg(unix)]
use rustix::fs::OFlags;

use crate::event::Notice;
use crate::failure::{Error, RunCode};
use dicom_deid::PseudonymKey;
use dicom_lossless::{CharacterSet, Instance, Phi, Tag, character_set_of, display_path, text};

use super::harmless;

/// The attributes that lead back, with the names of their columns.
const ORIGINALS: [(&str, Tag); 6] = [
    ("patient_id", Tag(0x0010, 0x0020)),
    ("issuer_of_patient_id", Tag(0x0010, 0x0021)),
    ("patient_name", Tag(0x0010, 0x0010)),
    ("accession_number", Tag(0x0008, 0x0050)),
    ("study_instance_uid", Tag(0x0020, 0x000D)),
    ("series_instance_uid", Tag(0x0020, 0x000E)),
];
/// Where it went.
const UPLOADED: [&str; 4] = ["project", "subject", "session", "acquisition"];
/// What the names of columns with digests end with.
const DIGEST: &str = "_digest";
/// The column of the fingerprint of the key that digests were made with.
const KEY: &str = "key";

/// The original identifiers of an instance, in the order of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginalIdentifiers([Phi<String>; 6]);

impl OriginalIdentifiers {
    /// Of an instance before it is cleaned.
    pub fn of(instance: &Instance) -> Self {
        let characters = character_set_of(&instance.header, &CharacterSet::default());
        Self(ORIGINALS.map(|(_, tag)| {
            let value = instance
                .get(tag)
                .and_then(|element| text(element, instance.syntax.encoding, &characters));
            Phi::new(
                value
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            )
        }))
    }
}

/// What is recorded of a package: where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// `group/project`.
    pub project: &'a str,
    /// Labels of subject, session and acquisition.
    pub labels: [&'a str; 3],
}

/// The open file of a crosswalk. No other run writes into it meanwhile.
#[derive(Debug)]
struct CrosswalkFile {
    path: PathBuf,
    state: State,
}

/// A crosswalk of original values.
#[derive(Debug)]
pub struct PlainFile(CrosswalkFile);

/// A crosswalk of digests, which needs a key.
#[derive(Debug)]
pub struct KeyedFile(CrosswalkFile);

impl CrosswalkFile {
    /// Creates a crosswalk, or opens one that an earlier run wrote, to go on with it.
    fn open(path: &Path, keyed: bool) -> Result<Self, Error> {
        let state = open(path, &line(&columns(keyed))).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            state,
        })
    }

    fn crosswalk(self, key: Option<PseudonymKey>) -> Crosswalk {
        Crosswalk {
            path: self.path,
            key,
            state: Mutex::new(self.state),
        }
    }
}

impl PlainFile {
    /// Creates a crosswalk of original values, or opens one that an earlier run wrote.
    ///
    /// # Errors
    /// `crosswalk.unwritable`, also where something else lies there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        CrosswalkFile::open(path, false).map(Self)
    }

    /// The crosswalk.
    pub fn crosswalk(self) -> Crosswalk {
        self.0.crosswalk(None)
    }
}

impl KeyedFile {
    /// Creates a crosswalk of digests, or opens one that an earlier run wrote.
    ///
    /// # Errors
    /// `crosswalk.unwritable`, also where something else lies there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        CrosswalkFile::open(path, true).map(Self)
    }

    /// The crosswalk, with digests made with this key.
    pub fn crosswalk(self, key: PseudonymKey) -> Crosswalk {
        self.0.crosswalk(Some(key))
    }
}

/// An open crosswalk.
#[derive(Debug)]
pub struct Crosswalk {
    path: PathBuf,
    /// The key that digests are made with; none where values stand as they are.
    key: Option<PseudonymKey>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The lines that it holds.
    lines: HashSet<Phi<String>>,
    /// A row could not be written.
    is_broken: bool,
}

impl Crosswalk {
    /// What the user must be told of it.
    pub fn warning(&self) -> Notice {
        let path = display_path(&self.path);
        let text = if self.key.is_some() {
            format!(
                "the crosswalk in {path} tells the holder of the pseudonym key which subject is which \
                    patient: keep the two apart; it is not sent"
            )
        } else {
            format!(
                "the crosswalk in {path} says which subject is which patient: keep it as safe as the \
                    originals; it is not sent"
            )
        };
        Notice::warning("save-subjects", text)
    }

    /// Writes down where data of these originals goes, unless that is written.
    ///
    /// # Errors
    /// `crosswalk.unwritable`: what it is about must not leave then.
    pub fn record<'o>(
        &self,
        originals: impl IntoIterator<Item = &'o OriginalIdentifiers>,
        to: Recorded<'_>,
    ) -> Result<(), Error> {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let State {
            file,
            lines,
            is_broken,
        } = &mut *state;
        if *is_broken {
            return Err(unwritable(
                &self.path,
                &io::Error::other("an earlier row of this run could not be written"),
            ));
        }
        let new: BTreeSet<_> = originals
            .into_iter()
            .map(|original| Phi::new(self.row(original, to)))
            .filter(|line| !lines.contains(line))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let text: String = new
            .iter()
            .map(|line| line.expose().as_str())
            .collect();
        if let Err(error) = append(file, &text) {
            // No row after a torn one, and none of those that did not arrive counts as written.
            *is_broken = true;
            return Err(unwritable(&self.path, &error));
        }
        lines.extend(new);
        Ok(())
    }

    fn row(&self, original: &OriginalIdentifiers, to: Recorded<'_>) -> String {
        let [subject, session, acquisition] = to.labels;
        let uploaded = [to.project, subject, session, acquisition].map(str::to_owned);
        let originals = ORIGINALS
            .iter()
            .zip(&original.0)
            .map(|((column, _), value)| match &self.key {
                Some(_) if value.expose().is_empty() => String::new(),
                Some(key) => key.crosswalk_digest(column, value.expose()),
                None => value.expose().clone(),
            });
        let key = self
            .key
            .as_ref()
            .map(PseudonymKey::fingerprint);
        let cells: Vec<_> = key
            .into_iter()
            .chain(originals)
            .chain(uploaded)
            .collect();
        line(&cells)
    }
}

fn columns(keyed: bool) -> Vec<String> {
    let originals = ORIGINALS.iter().map(|(name, _)| {
        if keyed {
            format!("{name}{DIGEST}")
        } else {
            (*name).to_owned()
        }
    });
    keyed
        .then(|| KEY.to_owned())
        .into_iter()
        .chain(originals)
        .chain(UPLOADED.map(str::to_owned))
        .collect()
}

/// A line of CSV. Line breaks and other control characters of a value are replaced, so that a row is
/// one line whatever a header holds.
fn line(cells: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let harmless = cells
        .iter()
        .map(|cell| harmless::write(&cell.replace(char::is_control, "\u{FFFD}")));
    // Writing to memory cannot fail.
    let _ = writer.write_record(harmless);
    let bytes = writer
        .into_inner()
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let what = format!("the crosswalk cannot be written: {}", display_path(path));
    Error::new(RunCode::CrosswalkUnwritable, what).because(error.to_string())
}

/// Writes text at the end of a file, on the disk, whole or not at all where that can be had.
fn append(file: &mut File, text: &str) -> io::Result<()> {
    let before = file.metadata()?.len();
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data());
    if written.is_err() {
        let _ = file.set_len(before);
    }
    written
}

fn begun(mut file: File, header: &str) -> io::Result<State> {
    file.write_all(header.as_bytes())?;
    file.sync_all()?;
    Ok(State {
        file,
        lines: HashSet::new(),
        is_broken: false,
    })
}

/// Opens or creates the file, and reads what is there. A last line without an end was being written
/// when a run was killed: it goes, and comes again with the package that it was about.
fn open(path: &Path, header: &str) -> io::Result<State> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    options.mode(0o600).custom_flags(
        (OFlags::NOFOLLOW | OFlags::NONBLOCK)
            .bits()
            .cast_signed(),
    );
    let (mut file, is_new) = match options
        .clone()
        .create_new(true)
        .open(path)
    {
        Ok(file) => (file, true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => (options.open(path)?, false),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("what lies there is no file"));
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::other(
                "another run writes it: give each run a file of its own",
            ));
        }
        // Some shares know no locks.
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => {
            return Err(error);
        }
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    if is_new {
        return begun(file, header);
    }
    #[cfg(unix)]
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others may read it: make it yours alone (chmod 600)",
        ));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    // Of a run that was killed right at the beginning, or made beforehand for its mode.
    if header.as_bytes().starts_with(&text) && text.len() < header.len() {
        file.set_len(0)?;
        return begun(file, header);
    }
    if !text.starts_with(header.as_bytes()) {
        return Err(io::Error::other(
            "a file lies there that is no such crosswalk, and it is not touched",
        ));
    }
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    file.set_len(whole as u64)?;
    file.seek(SeekFrom::End(0))?;
    let text = String::from_utf8_lossy(
        text.get(..whole)
            .unwrap_or_default(),
    )
    .into_owned();
    let lines = text
        .split_inclusive('\n')
        .skip(1)
        .map(|line| Phi::new(line.replace("\r\n", "\n")))
        .collect();
    Ok(State {
        file,
        lines,
        is_broken: false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn originals(values: [&str; 6]) -> OriginalIdentifiers {
        OriginalIdentifiers(values.map(|value| Phi::new(value.to_owned())))
    }

    const TO: Recorded<'_> = Recorded {
        project: "g/p",
        labels: ["S1", "2024", "t1"],
    };

    #[test]
    fn rows_are_written_once_and_every_value_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crosswalk.csv");
        let values = ["=1+1", "", "Doe, \"J\"^\n", "-7", "1.2", "1.2.3"];
        for _ in 0..2 {
            let crosswalk = PlainFile::open(&path)
                .unwrap()
                .crosswalk();
            crosswalk
                .record(&[originals(values), originals(values)], TO)
                .unwrap();
        }
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let rows: Vec<_> = reader
            .records()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0][0], *"'=1+1");
        let back: Vec<_> = rows[0]
            .iter()
            .map(harmless::read)
            .collect();
        assert_eq!(
            back,
            [
                "=1+1",
                "",
                "Doe, \"J\"^\u{FFFD}",
                "-7",
                "1.2",
                "1.2.3",
                "g/p",
                "S1",
                "2024",
                "t1"
            ]
        );
    }

    #[test]
    fn a_torn_line_goes_and_what_is_no_crosswalk_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crosswalk.csv");
        let original = || [originals(["1", "", "A", "", "1.2", "1.2.3"])];
        PlainFile::open(&path)
            .unwrap()
            .crosswalk()
            .record(&original(), TO)
            .unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"2,,Ro"].concat()).unwrap();
        PlainFile::open(&path)
            .unwrap()
            .crosswalk()
            .record(&original(), TO)
            .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        let error = KeyedFile::open(&path).unwrap_err();
        assert_eq!(error.code, RunCode::CrosswalkUnwritable);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_crosswalk_that_was_only_begun_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crosswalk.csv");
        drop(PlainFile::open(&path).unwrap());
        let header = std::fs::read(&path).unwrap();
        for torn in [&header[..0], &header[..9]] {
            std::fs::write(&path, torn).unwrap();
            drop(PlainFile::open(&path).unwrap());
            assert_eq!(std::fs::read(&path).unwrap(), header);
        }
    }

    #[test]
    fn one_run_at_a_time_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crosswalk.csv");
        let open = PlainFile::open(&path).unwrap();
        assert!(PlainFile::open(&path).is_err());
        drop(open);
        assert!(PlainFile::open(&path).is_ok());
    }
}
