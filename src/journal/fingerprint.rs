//! Keyed digests that stand for files and locations: the journal must say which, and must not say
//! what they are called.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hex::{FromHex, FromHexError};
use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::subjects::GivenLabels;
use dicom_lossless::SourceFile;

/// Bytes of a digest: enough that no two of them meet by chance.
const LENGTH: usize = 16;

/// A keyed digest, written in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyedDigest([u8; LENGTH]);

impl fmt::Debug for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl From<KeyedDigest> for String {
    fn from(digest: KeyedDigest) -> Self {
        hex::encode(digest.0)
    }
}

impl TryFrom<String> for KeyedDigest {
    type Error = FromHexError;

    fn try_from(text: String) -> Result<Self, FromHexError> {
        <[u8; LENGTH]>::from_hex(text).map(Self)
    }
}

/// Makes digests under the salt of one journal.
#[derive(Clone)]
pub struct Digester {
    primed: Hmac<Sha256>,
    settings: [u8; LENGTH],
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(..)")
    }
}

impl Digester {
    /// For a journal with this salt, in a run with these settings.
    pub fn new(salt: &str, settings: &str) -> Self {
        // HMAC takes keys of any length; the error exists for other constructions.
        let primed = Hmac::new_from_slice(salt.as_bytes())
            .unwrap_or_else(|_| Hmac::new(&Key::<Hmac<Sha256>>::default()));
        let unset = Self {
            primed,
            settings: [0; LENGTH],
        };
        let settings = unset
            .digest(b"settings", [settings.as_bytes()])
            .0;
        Self { settings, ..unset }
    }

    /// Stands for a file as it is now under the run's settings: its path, length and time of
    /// change, and of a member of an archive, where it lies in that and its checksum. What a table
    /// gives it is part of that, and where it lies `below` an input, where rules go by that.
    pub fn source(
        &self,
        file: &SourceFile,
        given: &GivenLabels,
        below: Option<&str>,
    ) -> KeyedDigest {
        let path = std::path::absolute(file.path()).unwrap_or_else(|_| file.path().to_path_buf());
        let (length, changed) = (
            file.len().to_le_bytes(),
            nanoseconds(file.modified()).to_le_bytes(),
        );
        let always = [path_bytes(&path), &length, &changed, &self.settings];
        let inside = file
            .stored()
            .map(|inside| inside.fingerprint());
        let labels = [&given.subject, &given.session, &given.acquisition];
        // As before there were tables, where none gives anything.
        let given = labels
            .iter()
            .any(|label| label.is_some())
            .then(|| {
                labels.map(|label| {
                    label
                        .as_deref()
                        .unwrap_or_default()
                        .as_bytes()
                })
            });
        let below = below.map(|below| [b"below".as_slice(), below.as_bytes()]);
        self.digest(
            b"source",
            always
                .into_iter()
                .chain(inside.as_deref())
                .chain(given.into_iter().flatten())
                .chain(below.into_iter().flatten()),
        )
    }

    /// Stands for an instance by its SOP Instance UID after cleaning, wherever its file lies.
    pub fn instance(&self, uid: &str) -> KeyedDigest {
        self.digest(b"instance", [uid.as_bytes()])
    }

    /// Stands for a file that is not DICOM by its path alone, whatever it holds now.
    pub fn other_file(&self, path: &Path) -> KeyedDigest {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.digest(b"other file", [path_bytes(&path)])
    }

    /// Stands for the inputs of a run, in whatever order they were named.
    pub fn inputs(&self, paths: &[PathBuf]) -> KeyedDigest {
        let mut paths: Vec<_> = paths
            .iter()
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            .collect();
        paths.sort_unstable();
        paths.dedup();
        self.digest(
            b"inputs",
            paths
                .iter()
                .map(|path| path_bytes(path)),
        )
    }

    /// Stands for several files together, in whatever order they come.
    pub fn sources(&self, mut of: Vec<KeyedDigest>) -> KeyedDigest {
        of.sort_unstable();
        self.digest(
            b"sources",
            of.iter()
                .map(|mark| mark.0.as_slice()),
        )
    }

    /// Stands for a name in a container.
    pub fn location(&self, container: &str, name: &str) -> KeyedDigest {
        self.digest(b"place", [container.as_bytes(), name.as_bytes()])
    }

    fn digest<'p>(&self, what: &'p [u8], parts: impl IntoIterator<Item = &'p [u8]>) -> KeyedDigest {
        let mut hmac = self.primed.clone();
        for part in std::iter::once(what).chain(parts) {
            hmac.update(&(part.len() as u64).to_le_bytes());
            hmac.update(part);
        }
        let digest = hmac.finalize().into_bytes();
        KeyedDigest(
            digest
                .first_chunk()
                .copied()
                .unwrap_or_default(),
        )
    }
}

fn path_bytes(path: &Path) -> &[u8] {
    OsStr::as_encoded_bytes(path.as_os_str())
}

/// Since 1970; what lies before, or is not known, counts as nothing.
fn nanoseconds(time: Option<SystemTime>) -> u128 {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn digester() -> Digester {
        Digester::new("00ff", "")
    }

    #[test]
    fn a_source_is_its_path_its_length_its_time_and_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doe_jane.dcm");
        std::fs::write(&path, b"one").unwrap();
        let file = SourceFile::new(&path).unwrap();
        let none = GivenLabels::default();
        let mark = digester().source(&file, &none, None);
        let again = |given| digester().source(&SourceFile::new(&path).unwrap(), given, None);
        assert_eq!(mark, again(&none));
        let given = GivenLabels {
            subject: Some("S1".to_owned()),
            ..GivenLabels::default()
        };
        assert_ne!(mark, again(&given));
        assert_ne!(
            mark,
            Digester::new("00ff", "subject=x").source(&file, &none, None)
        );
        assert_ne!(mark, Digester::new("00fe", "").source(&file, &none, None));
        let time = SystemTime::now() + std::time::Duration::from_secs(5);
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert_ne!(mark, again(&none));
    }

    #[test]
    fn several_sources_have_no_order_and_parts_do_not_run_into_each_other() {
        let [one, two] = ["a", "b"].map(|name| digester().location("id", name));
        assert_eq!(
            digester().sources(vec![one, two]),
            digester().sources(vec![two, one])
        );
        assert_ne!(
            digester().sources(vec![one]),
            digester().sources(vec![one, two])
        );
        assert_ne!(
            digester().location("ab", "c"),
            digester().location("a", "bc")
        );
    }

    #[test]
    fn a_digest_reads_back_from_its_digits() {
        let mark = digester().location("id", "name");
        let text = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<KeyedDigest>(&text).unwrap(), mark);
        assert!(
            serde_json::from_str::<KeyedDigest>("\"00\"").is_err()
                && serde_json::from_str::<KeyedDigest>("\"zz\"").is_err()
        );
    }
}
