//! How the path of a source file appears in any output: as it is, escaped for terminals, or as a
//! keyed hash.
//!
//! Folder names often contain patient names. With `--redact-paths` every output shows the same hash
//! for the same path. The key is made for the run and must never be written anywhere: names could be
//! tried against it.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::event::{Event, FileOutcome, Settled};
use crate::failure::{Error, RunCode};
use dicom_lossless::{display_path, escape_for_terminal, native_path};

/// Turns paths into text.
#[derive(Clone)]
pub enum Paths {
    /// As they are.
    Plain,
    /// As hashes under a key of this run.
    Hashed(Box<PathHasher>),
}

/// Turns paths into hashes.
#[derive(Clone)]
pub struct PathHasher {
    keyed: Hmac<Sha256>,
    /// The paths that were typed, in every spelling that a message may have, the longest first, each
    /// with its hash.
    typed: Vec<(String, String)>,
}

/// The path of a source file in a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FilePath {
    /// The path, or its hash with `--redact-paths`.
    pub path: String,
    /// Its exact bytes in base64, where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

/// A shorter name is too likely to be a part of other words.
const MIN_TYPED_LENGTH: usize = 3;

impl Paths {
    /// `typed` are the paths of the command line: texts that quote one are redacted. The key of the
    /// hashes comes from the operating system.
    pub fn new(redact: bool, typed: &[PathBuf]) -> Result<Self, Error> {
        if !redact {
            return Ok(Self::Plain);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::new(RunCode::Internal, format!("no random key: {error}")))?;
        Self::hashed(&key, typed)
    }

    fn hashed(key: &[u8], typed: &[PathBuf]) -> Result<Self, Error> {
        let keyed = Hmac::new_from_slice(key)
            .map_err(|error| Error::new(RunCode::Internal, error.to_string()))?;
        let mut hasher = PathHasher {
            keyed,
            typed: Vec::new(),
        };
        hasher.typed = typed
            .iter()
            .flat_map(|path| spellings(path).map(|text| (text, hasher.hash(path))))
            .filter(|(text, _)| text.len() >= MIN_TYPED_LENGTH)
            .collect();
        hasher
            .typed
            .sort_by_key(|(text, _)| Reverse(text.len()));
        Ok(Self::Hashed(Box::new(hasher)))
    }

    /// Redacts the typed paths in a text.
    pub fn redact_text(&self, text: &str) -> String {
        let Self::Hashed(hasher) = self else {
            return text.to_owned();
        };
        hasher
            .typed
            .iter()
            .fold(text.to_owned(), |text, (path, hash)| {
                text.replace(path, hash)
            })
    }

    /// Redacts the typed paths in an error.
    pub fn redact_error(&self, error: &Error) -> Error {
        let redacted = |text: &String| self.redact_text(text);
        Error {
            code: error.code,
            what: redacted(&error.what),
            why: error
                .why
                .iter()
                .map(redacted)
                .collect(),
            specific_hint: error
                .specific_hint
                .as_ref()
                .map(redacted),
        }
    }

    /// Redacts the typed paths in the texts of an event. Its own path is left to its consumers.
    pub fn redact_event(&self, mut event: Event) -> Event {
        if !self.is_redacting() {
            return event;
        }
        match &mut event {
            Event::Notice(notice) => notice.text = self.redact_text(&notice.text),
            Event::Settled(Settled {
                outcome: FileOutcome::Failed(failure),
                ..
            }) => {
                failure.detail = self.redact_text(&failure.detail);
                if let Some(hint) = &mut failure.specific_hint {
                    *hint = self.redact_text(hint);
                }
            }
            Event::Ended(end) => {
                if let Some(error) = &mut end.stopped_by {
                    *error = self.redact_error(error);
                }
            }
            _ => {}
        }
        event
    }

    /// Whether paths are replaced by hashes.
    pub fn is_redacting(&self) -> bool {
        matches!(self, Self::Hashed(_))
    }

    /// For a terminal.
    pub fn shown(&self, path: &Path) -> String {
        self.hash(path)
            .unwrap_or_else(|| display_path(path))
    }

    /// For a record.
    pub fn written(&self, path: &Path) -> FilePath {
        let bytes = || BASE64.encode(path.as_os_str().as_encoded_bytes());
        let (path, path_bytes) = match (self.hash(path), path.to_str()) {
            (Some(hash), _) => (hash, None),
            (None, Some(text)) => (text.to_owned(), None),
            (None, None) => (path.to_string_lossy().into_owned(), Some(bytes())),
        };
        FilePath { path, path_bytes }
    }

    /// Redacts the path of a file in a message about it.
    pub fn message(&self, message: &str, path: &Path) -> String {
        let Some(hash) = self.hash(path) else {
            return message.to_owned();
        };
        [display_path(path), path.to_string_lossy().into_owned()]
            .iter()
            .filter(|path| !path.is_empty())
            .fold(message.to_owned(), |message, path| {
                message.replace(path, &hash)
            })
    }

    /// [`Self::message`] for a terminal.
    pub fn shown_message(&self, message: &str, path: &Path) -> String {
        escape_for_terminal(&self.message(message, path))
    }

    fn hash(&self, path: &Path) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Hashed(hasher) => Some(hasher.hash(path)),
        }
    }
}

impl PathHasher {
    fn hash(&self, path: &Path) -> String {
        let mut keyed = self.keyed.clone();
        keyed.update(
            native_path(path)
                .as_os_str()
                .as_encoded_bytes(),
        );
        let hash = keyed.finalize().into_bytes();
        format!("path:{}", hex::encode(hash.get(..8).unwrap_or(&hash)))
    }
}

/// How a message may write a path: as typed and absolute, escaped for terminals or not.
fn spellings(path: &Path) -> impl Iterator<Item = String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    [path.to_path_buf(), absolute]
        .into_iter()
        .flat_map(|path| [display_path(&path), path.to_string_lossy().into_owned()])
}

#[cfg(test)]
impl Paths {
    /// With a key that is the same in every test.
    pub(super) fn hashed_for_tests() -> Self {
        #[expect(clippy::unwrap_used, reason = "HMAC takes keys of any length")]
        Self::hashed(&[7; 32], &[]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_is_the_same_within_a_run_and_differs_between_runs_and_paths() {
        let (one, other) = (
            Paths::new(true, &[]).unwrap(),
            Paths::new(true, &[]).unwrap(),
        );
        let path = Path::new("doe_jane/1.dcm");
        assert_eq!(one.shown(path), one.written(path).path);
        assert_ne!(one.shown(path), other.shown(path));
        assert_ne!(one.shown(path), one.shown(Path::new("doe_jane/2.dcm")));
        assert!(
            one.is_redacting()
                && one.shown(path).starts_with("path:")
                && one.shown(path).len() == 21
        );
    }

    #[test]
    fn a_message_that_quotes_the_path_does_not_give_it_away() {
        let path = Path::new("doe_jane/1.dcm");
        let message = Paths::hashed_for_tests().message("cannot open doe_jane/1.dcm", path);
        assert!(!message.contains("doe"), "{message}");
        assert_eq!(
            Paths::Plain.message("cannot open doe_jane/1.dcm", path),
            "cannot open doe_jane/1.dcm"
        );
    }

    #[test]
    fn typed_paths_are_redacted_in_texts() {
        let named = ["doe_jane", "doe_jane/list.txt", "a"].map(PathBuf::from);
        let paths = Paths::new(true, &named).unwrap();
        let absolute = std::path::absolute("doe_jane").unwrap();
        let error = Error::new(RunCode::ReportUnwritable, "no doe_jane/list.txt")
            .because(absolute.display().to_string());
        let said = paths
            .redact_error(&error)
            .to_string();
        assert!(!said.contains("doe") && said.contains("no path:"), "{said}");
        assert_eq!(
            paths.redact_text("a banana"),
            "a banana",
            "a name of one letter is a part of many words"
        );
        assert_eq!(Paths::Plain.redact_error(&error), error);
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_utf8_come_with_their_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"\xff.dcm"));
        let written = FilePath {
            path: "\u{fffd}.dcm".to_owned(),
            path_bytes: Some("/y5kY20=".to_owned()),
        };
        assert_eq!(Paths::Plain.written(path), written);
        assert_eq!(Paths::Plain.shown(Path::new("a\u{1b}b")), "a\\u{1b}b");
    }
}
