//! What the sandbox remembers: containers, files and their versions.
//!
//! Plain data with its serde form, as it lies in the index. Must never touch the disk or HTTP.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The one user of a sandbox, an administrator of everything.
pub const USER: &str = "sandbox@example.com";

/// The levels of the hierarchy, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Owns projects; its id is chosen by people.
    Group,
    /// Holds subjects.
    Project,
    /// Holds sessions; its label is unique in the project.
    Subject,
    /// Holds acquisitions: a study.
    Session,
    /// Holds files: a series.
    Acquisition,
}

impl Kind {
    /// Every level, from the top.
    pub const ALL: [Self; 5] = [
        Self::Group,
        Self::Project,
        Self::Subject,
        Self::Session,
        Self::Acquisition,
    ];

    /// The word for one, as in `container_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The word for many, as in URLs.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Project => "projects",
            Self::Subject => "subjects",
            Self::Session => "sessions",
            Self::Acquisition => "acquisitions",
        }
    }

    /// The level that a URL names.
    pub fn from_plural(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == word)
    }

    /// The level below, if there is one.
    pub fn child(self) -> Option<Self> {
        match self {
            Self::Group => Some(Self::Project),
            Self::Project => Some(Self::Subject),
            Self::Subject => Some(Self::Session),
            Self::Session => Some(Self::Acquisition),
            Self::Acquisition => None,
        }
    }
}

/// A group, project, subject, session or acquisition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// 24 hexadecimal digits, or for a group the id that people chose.
    pub id: String,
    /// Its level.
    pub kind: Kind,
    /// The id of the container above it; none for a group.
    pub parent: Option<String>,
    /// What people call it.
    pub label: String,
    /// Further fields as they were given, already checked.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// Its folder, relative to the sandbox's folder, with `/`.
    pub folder: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub modified: DateTime<Utc>,
}

/// One version of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// A UUID of this version.
    pub id: String,
    /// 1 for the first.
    pub number: u32,
    /// Length in bytes.
    pub size: u64,
    /// `v0-sha384-<hex>`, or empty when the bytes came by a signed URL.
    pub hash: String,
    /// The metadata that came with it, already checked; without the name.
    pub metadata: Map<String, Value>,
    /// Where its bytes lie, relative to the sandbox's folder, with `/`.
    pub stored: String,
    /// When it came.
    pub created: DateTime<Utc>,
}

/// A file in a container, with the versions that it replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// 24 hexadecimal digits; stays the same over versions.
    pub file_id: String,
    /// The id of the container that holds it.
    pub container: String,
    /// Its name as clients see it.
    pub name: String,
    /// The newest version.
    pub current: Version,
    /// The versions before it, oldest first.
    #[serde(default)]
    pub older: Vec<Version>,
    /// When it was deleted, if it was.
    #[serde(default)]
    pub deleted: Option<DateTime<Utc>>,
}

impl FileRecord {
    /// The version of this number, if it ever was.
    pub fn version(&self, number: u32) -> Option<&Version> {
        std::iter::once(&self.current)
            .chain(&self.older)
            .find(|version| version.number == number)
    }

    /// When the first version came.
    pub fn created(&self) -> DateTime<Utc> {
        self.older.first().unwrap_or(&self.current).created
    }
}

/// A moment as the API writes it.
pub fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// Unpredictable bytes from the operating system. Where it has none to give, ids and keys must not
/// be guessable either, so this draws from the standard library's seeded hasher instead, which the
/// system seeded earlier.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        use std::hash::{BuildHasher as _, RandomState};
        for chunk in bytes.chunks_mut(8) {
            let word = RandomState::new()
                .hash_one(Utc::now().timestamp_nanos_opt())
                .to_le_bytes();
            chunk
                .iter_mut()
                .zip(word)
                .for_each(|(byte, drawn)| *byte = drawn);
        }
    }
    bytes
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// `2 * length` random hexadecimal digits; `length` is at most 32.
pub fn random_hex(length: usize) -> String {
    hex(random_bytes::<32>().get(..length).unwrap_or_default())
}

/// A random UUID (version 4).
pub fn uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    let parts =
        [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| text.get(range).unwrap_or_default());
    parts.join("-")
}

/// An id of 24 hexadecimal digits that sorts by time: seconds, five random bytes, a counter.
pub fn object_id() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    static PROCESS: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let process = PROCESS.get_or_init(|| random_hex(5));
    let count = COUNTER.fetch_add(1, Ordering::Relaxed) & 0x00ff_ffff;
    let seconds = u32::try_from(Utc::now().timestamp()).unwrap_or(u32::MAX);
    format!("{seconds:08x}{process}{count:06x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shapes_and_sort_by_time() {
        let (first, second) = (object_id(), object_id());
        assert!(first < second && first.len() == 24);
        assert_eq!(
            uuid().split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert_ne!(uuid(), uuid());
        assert_eq!(random_hex(8).len(), 16);
    }
}
