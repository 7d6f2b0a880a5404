//! Where the key of pseudonyms comes from: a source that was named, else a file kept for each site
//! and project.
//!
//! Must never make a second key for a project that has one, even when two processes ask at once:
//! the later one takes the key that is there. Whether a key may be made at all is for the
//! caller to say.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::login::written_beside;
use super::secret::Secret;
use crate::failure::{Error, RunCode};
use dicom_deid::{PseudonymKey, PseudonymKeyError};
use dicom_lossless::display_path;

/// The longest name of a site, group or project that is a name of a file as it is.
const LONGEST: usize = 64;

/// The extension of the note that says which key is used, beside the kept key.
const USED: &str = "used";

/// The folder of kept keys inside that of state.
pub const PSEUDONYM_KEYS: &str = "pseudonym-keys";

/// The folder for what is kept from one run to the next: `fwupload` in the platform's folder for
/// state, or `state_home` (what `FWUPLOAD_STATE_HOME` holds) where that is given. `None` on an
/// account without a home.
pub fn state_folder(state_home: Option<&OsStr>) -> Option<PathBuf> {
    if let Some(home) = state_home.filter(|home| !home.is_empty()) {
        return Some(PathBuf::from(home));
    }
    let platform = etcetera::choose_base_strategy().ok()?;
    Some(
        platform
            .state_dir()
            .unwrap_or_else(|| platform.data_dir())
            .join("fwupload"),
    )
}

/// The places that the key may come from, first one that has a key counts: a file, a command, the
/// environment (`FWUPLOAD_PSEUDONYM_KEY`), the folder of kept keys.
#[derive(Clone, Default)]
pub struct PseudonymKeySources {
    /// `--pseudonym-key-file`: its first line that is not blank.
    pub file: Option<PathBuf>,
    /// `--pseudonym-key-command`: the first line that it prints.
    pub command: Option<String>,
    /// What `FWUPLOAD_PSEUDONYM_KEY` holds; empty counts as unset.
    pub environment: Option<Zeroizing<String>>,
    /// The folder of kept keys, [`PSEUDONYM_KEYS`] in [`state_folder`].
    pub kept: Option<PathBuf>,
}

impl fmt::Debug for PseudonymKeySources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PseudonymKeySources")
            .field("file", &self.file)
            .field("command", &self.command.is_some())
            .field("environment", &self.environment.is_some())
            .field("kept", &self.kept)
            .finish()
    }
}

/// Whose kept key is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFor<'a> {
    /// The server's host; none when offline.
    pub site: Option<&'a str>,
    /// The group.
    pub group: &'a str,
    /// The project's label.
    pub project: &'a str,
}

impl KeptFor<'_> {
    /// The file of the key below the folder of kept keys.
    fn path(&self, folder: &Path) -> PathBuf {
        let site = self
            .site
            .map_or_else(|| "offline".to_owned(), component);
        folder
            .join(site)
            .join(component(self.group))
            .join(format!("{}.key", component(self.project)))
    }
}

/// What happens where there is no key yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstUse {
    /// One is made and kept.
    Make,
    /// One is made and forgotten: for a rehearsal, which leaves nothing behind.
    Once,
    /// It is an error.
    Refuse,
}

/// Where the key that is used came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PseudonymKeyOrigin {
    /// The file of `--pseudonym-key-file`.
    File(PathBuf),
    /// The command of `--pseudonym-key-command`.
    Command,
    /// `FWUPLOAD_PSEUDONYM_KEY`.
    Environment,
    /// The file that keeps the project's key.
    Kept(PathBuf),
    /// The same file, made just now.
    Made(PathBuf),
    /// Nowhere: it is random and not kept.
    Nowhere,
}

impl PseudonymKeyOrigin {
    /// A stable word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Command => "command",
            Self::Environment => "environment",
            Self::Kept(_) => "kept",
            Self::Made(_) => "made",
            Self::Nowhere => "random",
        }
    }
}

impl fmt::Display for PseudonymKeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the pseudonym key file {}", display_path(path)),
            Self::Command => f.write_str("the pseudonym key command"),
            Self::Environment => f.write_str("FWUPLOAD_PSEUDONYM_KEY"),
            Self::Kept(path) | Self::Made(path) => f.write_str(&display_path(path)),
            Self::Nowhere => f.write_str("random numbers, not kept"),
        }
    }
}

impl PseudonymKeySources {
    /// The first key there is, and where it came from. A source that was named but cannot be used
    /// is an error, never passed over.
    ///
    /// # Errors
    /// A source that cannot be used, what is no key, and where there is none and none may be made.
    pub fn resolve(
        &self,
        whose: KeptFor<'_>,
        first: FirstUse,
    ) -> Result<(PseudonymKey, PseudonymKeyOrigin), Error> {
        if let Some(named) = self.named()? {
            return Ok(named);
        }
        let path = self.kept_path(whose);
        if let Some(path) = &path
            && let Some(key) = read_kept(path)?
        {
            return Ok((key, PseudonymKeyOrigin::Kept(path.clone())));
        }
        match (first, path) {
            (FirstUse::Once, _) => Self::once(),
            (FirstUse::Make, Some(path)) => make(&path),
            (FirstUse::Make, None) => Err(missing(
                "this account has no home folder to keep one in",
            )
            .with_hint("name a file with `--pseudonym-key-file`, or set FWUPLOAD_PSEUDONYM_KEY")),
            (FirstUse::Refuse, Some(path)) => Err(missing(&format!(
                "it would be kept in {}",
                display_path(&path)
            ))),
            (FirstUse::Refuse, None) => Err(missing(
                "this account has no home folder either, where it could be kept",
            )),
        }
    }

    /// The key of the first source that was named; none where none was.
    ///
    /// # Errors
    /// A source that cannot be used, and what is no key.
    pub fn named(&self) -> Result<Option<(PseudonymKey, PseudonymKeyOrigin)>, Error> {
        let (text, origin) = if let Some(path) = &self.file {
            (
                Secret::PseudonymKey.read_file(path)?,
                PseudonymKeyOrigin::File(path.clone()),
            )
        } else if let Some(command) = &self.command {
            (
                Secret::PseudonymKey.read_command(command)?,
                PseudonymKeyOrigin::Command,
            )
        } else if let Some(text) = self
            .environment
            .as_ref()
            .filter(|text| !text.trim().is_empty())
        {
            (text.clone(), PseudonymKeyOrigin::Environment)
        } else {
            return Ok(None);
        };
        Ok(Some((parsed(&text, &origin)?, origin)))
    }

    /// The fingerprint of the key that earlier runs used, as it was noted, or else of the kept key;
    /// none where neither is there.
    ///
    /// # Errors
    /// A note that cannot be read, and a kept key that cannot be used.
    pub fn used_before(&self, whose: KeptFor<'_>) -> Result<Option<String>, Error> {
        let Some(path) = self.kept_path(whose) else {
            return Ok(None);
        };
        let note = path.with_extension(USED);
        match std::fs::read_to_string(&note) {
            Ok(noted) => Ok(Some(noted.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(read_kept(&path)?.map(|key| key.fingerprint()))
            }
            Err(error) => Err(Secret::PseudonymKey
                .unusable(&note, &format!("it says which key is in use: {error}"))),
        }
    }

    /// Notes the fingerprint of the key that a run uses.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn note_use(&self, whose: KeptFor<'_>, fingerprint: &str) -> Result<(), Error> {
        let Some(path) = self.kept_path(whose) else {
            return Ok(());
        };
        let path = path.with_extension(USED);
        let failed = |error: std::io::Error| {
            Error::new(
                RunCode::JournalUnwritable,
                format!("the key in use cannot be noted: {}", display_path(&path)),
            )
            .because(error.to_string())
        };
        written_beside(&path, &format!("{fingerprint}\n"))
            .and_then(|file| Ok(file.persist(&path).map(drop)?))
            .map_err(failed)
    }

    fn kept_path(&self, whose: KeptFor<'_>) -> Option<PathBuf> {
        self.kept
            .as_ref()
            .map(|folder| whose.path(folder))
    }

    /// A key that is not kept.
    ///
    /// # Errors
    /// Where the operating system gives no random numbers.
    pub fn once() -> Result<(PseudonymKey, PseudonymKeyOrigin), Error> {
        Ok((random()?, PseudonymKeyOrigin::Nowhere))
    }
}

fn parsed(text: &str, origin: &PseudonymKeyOrigin) -> Result<PseudonymKey, Error> {
    PseudonymKey::parse(text).map_err(|bad| invalid(bad).because(format!("read from {origin}")))
}

fn invalid(bad: PseudonymKeyError) -> Error {
    Error::new(RunCode::PseudonymKeyInvalid, bad.to_string())
}

fn missing(why: &str) -> Error {
    Error::new(
        RunCode::PseudonymKeyMissing,
        RunCode::PseudonymKeyMissing.sentence(),
    )
    .because(why)
}

fn random() -> Result<PseudonymKey, Error> {
    PseudonymKey::random().map_err(|bad| Error::new(RunCode::Internal, bad.to_string()))
}

/// The key in a kept file; none where there is no such file. A file that is there and holds no key
/// is never replaced.
fn read_kept(path: &Path) -> Result<Option<PseudonymKey>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Secret::PseudonymKey.unusable(path, &error.to_string())),
    };
    let text = Secret::PseudonymKey.read_open(file, path)?;
    parsed(&text, &PseudonymKeyOrigin::Kept(path.to_owned())).map(Some)
}

/// Makes a key and keeps it, readable by its owner alone from the first byte. The file takes its
/// name in one step and only where that is free: of several processes one makes the key, and the
/// others read it, whole.
fn make(path: &Path) -> Result<(PseudonymKey, PseudonymKeyOrigin), Error> {
    let failed = |error: std::io::Error| {
        Secret::PseudonymKey.unusable(path, &format!("it cannot be made: {error}"))
    };
    let key = random()?;
    let line = Zeroizing::new(format!("{}\n", key.to_hex().as_str()));
    let file = written_beside(path, &line).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            if let Some(folder) = path.parent() {
                sync_folder(folder);
            }
            Ok((key, PseudonymKeyOrigin::Made(path.to_owned())))
        }
        Err(lost) => match read_kept(path)? {
            Some(key) => Ok((key, PseudonymKeyOrigin::Kept(path.to_owned()))),
            None => Err(failed(lost.error)),
        },
    }
}

/// What was sent under a key must not outlive it: the entry of the file is on the disk too, where
/// that can be had.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// A name as one harmless path component. Different names stay different, on file systems that
/// ignore case too.
fn component(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let device = ["con", "prn", "aux", "nul", "com", "lpt"]
        .iter()
        .any(|device| name.starts_with(device));
    let edges = name.starts_with('.') || name.ends_with('.') || name.is_empty();
    if name.len() <= LONGEST && name.chars().all(plain) && !device && !edges {
        return name.to_owned();
    }
    let shown: String = name
        .chars()
        .take(32)
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let digest = hex::encode(
        Sha256::digest(name.as_bytes())
            .first_chunk::<8>()
            .unwrap_or(&[0; 8]),
    );
    // `~` is in no plain name, and the digest behind it tells apart what looks alike in front.
    format!("{}~{digest}", shown.trim_start_matches('.'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
