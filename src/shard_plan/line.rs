//! The lines of a list.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::StudyDigest;

/// A path as it is written: text, and its exact bytes where it is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenPath {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl WrittenPath {
    /// As it is written.
    pub fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self {
                path: text.to_owned(),
                path_bytes: None,
            },
            None => Self {
                path: path.to_string_lossy().into_owned(),
                path_bytes: Some(BASE64.encode(path.as_os_str().as_encoded_bytes())),
            },
        }
    }

    /// The path; none where it is written in another way.
    pub fn read(&self) -> Option<PathBuf> {
        match &self.path_bytes {
            None => Some(PathBuf::from(&self.path)),
            Some(bytes) => of_bytes(BASE64.decode(bytes).ok()?),
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fallible on other systems")]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes)
        .ok()
        .map(|path| OsString::from(path).into())
}

/// A line as it is written.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    /// The named path that led to it, by its place in the plan.
    #[serde(default)]
    input: usize,
    /// It was named itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    named: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Time of change in nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified_ns: Option<i64>,
    /// The digest of its study, where it is DICOM and states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    study: Option<String>,
    /// Why it is left out, where that is known without a look into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
    /// What failed when the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// A file as it was when the plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedFile {
    /// Its size in bytes.
    pub len: u64,
    /// Nanoseconds since 1970; none where the file system has no such time.
    pub modified: Option<i64>,
    /// Its study, where it is DICOM, lies in no archive, and states one.
    pub study: Option<StudyDigest>,
}

impl ExpectedFile {
    /// What is expected of a file of this length and time of change.
    pub fn new(len: u64, modified: Option<SystemTime>) -> Self {
        Self {
            len,
            modified: modified.and_then(nanoseconds),
            study: None,
        }
    }

    /// Whether length and time of change are the same still.
    pub fn is_as_it_was(&self, len: u64, modified: Option<SystemTime>) -> bool {
        self.len == len && self.modified == modified.and_then(nanoseconds)
    }
}

/// Signed, for files from before 1970; none where 64 bits do not hold it.
fn nanoseconds(time: SystemTime) -> Option<i64> {
    let number = |span: Duration| i64::try_from(span.as_nanos()).ok();
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => number(since),
        Err(before) => number(before.duration()).map(i64::wrapping_neg),
    }
}

/// What a plan says of a path.
#[derive(Debug, PartialEq, Eq)]
pub enum PlannedEntry {
    /// A file to be looked at.
    File {
        /// Where it is.
        path: PathBuf,
        /// The named path that led to it, by its place in the plan.
        input: usize,
        /// It was named itself.
        named: bool,
        /// As it was.
        expected: ExpectedFile,
    },
    /// Left out without a look into it.
    Skipped {
        /// Where it is.
        path: PathBuf,
        /// The stable word for the reason.
        reason: String,
    },
    /// It could not be looked at when the plan was made.
    Failed {
        /// Where it is.
        path: PathBuf,
        /// The stable code of the failure.
        code: String,
    },
}

impl From<&PlannedEntry> for Line {
    fn from(entry: &PlannedEntry) -> Self {
        let (PlannedEntry::File { path, .. }
        | PlannedEntry::Skipped { path, .. }
        | PlannedEntry::Failed { path, .. }) = entry;
        let WrittenPath { path, path_bytes } = WrittenPath::of(path);
        let of_path = Self {
            path,
            path_bytes,
            ..Self::default()
        };
        match entry {
            PlannedEntry::File {
                input,
                named,
                expected,
                ..
            } => Self {
                input: *input,
                named: *named,
                size: Some(expected.len),
                modified_ns: expected.modified,
                study: expected
                    .study
                    .map(StudyDigest::as_hex),
                ..of_path
            },
            PlannedEntry::Skipped { reason, .. } => Self {
                skipped: Some(reason.clone()),
                ..of_path
            },
            PlannedEntry::Failed { code, .. } => Self {
                failed: Some(code.clone()),
                ..of_path
            },
        }
    }
}

impl Line {
    /// What it says; none where it is no line of a plan.
    pub fn read(self) -> Option<PlannedEntry> {
        let path = WrittenPath {
            path: self.path,
            path_bytes: self.path_bytes,
        };
        let path = path.read()?;
        if let Some(reason) = self.skipped {
            return Some(PlannedEntry::Skipped { path, reason });
        }
        if let Some(code) = self.failed {
            return Some(PlannedEntry::Failed { path, code });
        }
        let study = match self.study {
            Some(text) => Some(StudyDigest::from_hex(&text)?),
            None => None,
        };
        Some(PlannedEntry::File {
            path,
            input: self.input,
            named: self.named,
            expected: ExpectedFile {
                len: self.size?,
                modified: self.modified_ns,
                study,
            },
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn there_and_back(entry: &PlannedEntry) -> PlannedEntry {
        let text = serde_json::to_string(&Line::from(entry)).unwrap();
        serde_json::from_str::<Line>(&text)
            .unwrap()
            .read()
            .unwrap()
    }

    #[test]
    fn lines_say_what_was_found() {
        let before = UNIX_EPOCH - Duration::from_nanos(1);
        let file = PlannedEntry::File {
            path: PathBuf::from("/a/\u{e9} \"b\"\n"),
            input: 3,
            named: true,
            expected: ExpectedFile {
                study: Some(StudyDigest([7; 16])),
                ..ExpectedFile::new(9, Some(before))
            },
        };
        let skipped = PlannedEntry::Skipped {
            path: PathBuf::from("/a"),
            reason: "excluded".to_owned(),
        };
        let failed = PlannedEntry::Failed {
            path: PathBuf::from("/b"),
            code: "discover.unreadable".to_owned(),
        };
        for entry in [file, skipped, failed] {
            assert_eq!(there_and_back(&entry), entry);
        }
        for text in [r#"{"path":"/a"}"#, r#"{"path":"/a","size":1,"study":"zz"}"#] {
            let line = serde_json::from_str::<Line>(text).unwrap();
            assert_eq!(line.read(), None, "{text}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_is_no_text_keeps_its_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"/\xff"));
        assert_eq!(
            WrittenPath::of(&path)
                .read()
                .unwrap(),
            path
        );
    }
}
