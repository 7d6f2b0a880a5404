//! Plans of shards: one walk for all of them. `fwupload plan` writes one list of files for each
//! shard, and `--from-plan` has a shard read its list alone.
//!
//! Owns the form of a plan on disk, which files belong into one list, and that a list is read only
//! whole and as it was written. No study and no archive is in two lists, so that two shards never
//! make the same session. It must never hold an attribute value: studies stand there as keyed
//! digests. It holds paths, which may identify, and is readable by its owner alone.

mod groups;
mod line;
mod read;
mod write;

use std::path::{Path, PathBuf};

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

pub use line::{ExpectedFile, PlannedEntry, WrittenPath};
pub use read::PlannedList;
pub use write::{NewPlan, PlanSettings, PlannedFile};

use crate::cli::Filter;

/// The version of the form.
const VERSION: u64 = 1;
/// What a plan is about as a whole; written last, so that a plan without it is not complete.
const INDEX: &str = "plan.json";

/// The name of the list of a shard.
fn list_name(shard: u64) -> String {
    format!("shard-{shard}.jsonl")
}

/// What a plan is about as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanIndex {
    /// `plan`.
    #[serde(rename = "type")]
    kind: String,
    v: u64,
    /// What stands for the plan in reports: it is another one for every other plan.
    pub digest: String,
    /// The version of the program that made it.
    pub version: String,
    /// When it was made.
    pub made: String,
    /// The number of files.
    pub files: u64,
    /// Their size in bytes, as far as it is known.
    pub bytes: u64,
    /// The number of studies.
    pub studies: u64,
    /// Files and folders that were named.
    pub inputs: Vec<WrittenPath>,
    /// `--include` and `--exclude`, in order.
    pub filters: Vec<WrittenFilter>,
    /// Whether symbolic links are followed.
    pub follow: bool,
    /// What becomes of archives.
    pub archives: String,
    /// The digest of the flags that decide which files are taken and which subject they get: a run
    /// needs the same.
    pub choices: String,
    /// The key of the digests of studies.
    salt: String,
    /// The lists, that of the first shard first.
    pub lists: Vec<ListFacts>,
}

/// A filter as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFilter {
    include: bool,
    glob: String,
}

impl From<&WrittenFilter> for Filter {
    fn from(filter: &WrittenFilter) -> Self {
        Self {
            include: filter.include,
            glob: filter.glob.clone(),
        }
    }
}

impl From<&Filter> for WrittenFilter {
    fn from(filter: &Filter) -> Self {
        Self {
            include: filter.include,
            glob: filter.glob.clone(),
        }
    }
}

/// What a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFacts {
    /// The number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The number of studies.
    pub studies: u64,
    /// `sha256:<64 hex>` of the list.
    pub digest: String,
}

/// Where a plan is not complete or was changed, and why.
#[derive(Debug)]
pub struct PlanError {
    /// The file that is at fault.
    pub path: PathBuf,
    /// Why.
    pub cause: String,
}

impl PlanError {
    fn new(path: &Path, cause: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            cause: cause.into(),
        }
    }
}

/// What stands for a study in the lists of one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StudyDigest([u8; 16]);

impl StudyDigest {
    fn as_hex(self) -> String {
        hex::encode(self.0)
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 16];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Self(digest))
    }
}

/// Makes the digests of studies.
#[derive(Clone)]
pub struct StudyDigester(Hmac<Sha256>);

impl std::fmt::Debug for StudyDigester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StudyDigester(..)")
    }
}

impl StudyDigester {
    fn new(salt: &str) -> Self {
        // HMAC takes keys of any length; the error exists for other constructions.
        Self(
            Hmac::new_from_slice(salt.as_bytes())
                .unwrap_or_else(|_| Hmac::new(&Key::<Hmac<Sha256>>::default())),
        )
    }

    /// The digest of a Study Instance UID (0020,000D).
    pub fn digest(&self, study: &str) -> StudyDigest {
        let mut hmac = self.0.clone();
        hmac.update(study.as_bytes());
        let digest = hmac.finalize().into_bytes();
        StudyDigest(
            digest
                .first_chunk()
                .copied()
                .unwrap_or_default(),
        )
    }
}
