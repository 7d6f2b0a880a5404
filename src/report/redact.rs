//! How a source path appears in any output: as it is, escaped for terminals, or as a keyed hash.
//!
//! Folder names often contain patient names. With `--redact-paths` every sink shows the same hash for the same path; the
//! key is made for the run and never written down, so nobody can try names against it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::failure::{Error, RunCode};
use crate::phi::{display_path, escape_for_terminal};

/// The one way for a path to become text.
#[derive(Clone)]
pub enum Paths {
    /// As they are.
    Plain,
    /// As hashes under a key of this run.
    Hashed(Box<Hmac<Sha256>>),
}

impl Paths {
    /// Redacting needs a random key from the operating system.
    pub fn new(redact: bool) -> Result<Self, Error> {
        if !redact {
            return Ok(Self::Plain);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::new(RunCode::Internal, format!("no random key: {error}")))?;
        Self::hashed(&key)
    }

    fn hashed(key: &[u8]) -> Result<Self, Error> {
        let hmac = Hmac::new_from_slice(key).map_err(|error| Error::new(RunCode::Internal, error.to_string()))?;
        Ok(Self::Hashed(Box::new(hmac)))
    }

    /// Whether paths are hidden.
    pub fn redacted(&self) -> bool {
        matches!(self, Self::Hashed(_))
    }

    /// For a terminal.
    pub fn shown(&self, path: &Path) -> String {
        self.hash(path).unwrap_or_else(|| display_path(path))
    }

    /// For a file: the text, and the exact bytes in base64 where the text cannot stand for them.
    pub fn written(&self, path: &Path) -> (String, Option<String>) {
        match (self.hash(path), path.to_str()) {
            (Some(hash), _) => (hash, None),
            (None, Some(text)) => (text.to_owned(), None),
            (None, None) => (path.to_string_lossy().into_owned(), Some(BASE64.encode(path.as_os_str().as_encoded_bytes()))),
        }
    }

    /// Adds `path`, and `path_bytes` where needed, to a JSON record.
    pub fn add_to(&self, record: &mut Map<String, Value>, path: &Path) {
        let (text, bytes) = self.written(path);
        record.insert("path".to_owned(), text.into());
        if let Some(bytes) = bytes {
            record.insert("path_bytes".to_owned(), bytes.into());
        }
    }

    /// A message about a file, should it quote the path.
    pub fn message(&self, message: &str, path: &Path) -> String {
        match self.hash(path) {
            None => message.to_owned(),
            Some(hash) => {
                let lossy = path.to_string_lossy();
                let message = message.replace(&display_path(path), &hash);
                if lossy.is_empty() { message } else { message.replace(&*lossy, &hash) }
            }
        }
    }

    /// [`Self::message`] for a terminal.
    pub fn shown_message(&self, message: &str, path: &Path) -> String {
        escape_for_terminal(&self.message(message, path))
    }

    fn hash(&self, path: &Path) -> Option<String> {
        let Self::Hashed(hmac) = self else { return None };
        let mut hmac = hmac.clone();
        hmac.update(path.as_os_str().as_encoded_bytes());
        let hash = hmac.finalize().into_bytes();
        let hex = hash.iter().take(8).fold(String::from("path:"), |hex, byte| hex + &format!("{byte:02x}"));
        Some(hex)
    }
}

#[cfg(test)]
impl Paths {
    /// With a key that is the same in every test.
    pub(super) fn hashed_for_tests() -> Self {
        #[expect(clippy::unwrap_used, reason = "HMAC takes keys of any length")]
        Self::hashed(&[7; 32]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_is_the_same_within_a_run_and_differs_between_runs_and_paths() {
        let (one, other) = (Paths::new(true).unwrap(), Paths::new(true).unwrap());
        let path = Path::new("doe_jane/1.dcm");
        assert_eq!(one.shown(path), one.written(path).0);
        assert_ne!(one.shown(path), other.shown(path));
        assert_ne!(one.shown(path), one.shown(Path::new("doe_jane/2.dcm")));
        assert!(one.redacted() && one.shown(path).starts_with("path:") && one.shown(path).len() == 21);
    }

    #[test]
    fn a_message_that_quotes_the_path_does_not_give_it_away() {
        let path = Path::new("doe_jane/1.dcm");
        let message = Paths::hashed_for_tests().message("cannot open doe_jane/1.dcm", path);
        assert!(!message.contains("doe"), "{message}");
        assert_eq!(Paths::Plain.message("cannot open doe_jane/1.dcm", path), "cannot open doe_jane/1.dcm");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_come_with_their_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"\xff.dcm"));
        assert_eq!(Paths::Plain.written(path), ("\u{fffd}.dcm".to_owned(), Some("/y5kY20=".to_owned())));
        assert_eq!(Paths::Plain.shown(Path::new("a\u{1b}b")), "a\\u{1b}b");
    }
}
