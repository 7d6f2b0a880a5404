//! The lines of a journal.

use serde::{Deserialize, Serialize};

use super::JournalIdentity;
use super::fingerprint::KeyedDigest;

/// The version of the lines. A journal of another version is begun anew.
pub const VERSION: u32 = 2;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Line {
    /// Whose journal it is; the first line.
    Journal(Header),
    /// A package is going to be sent.
    Sending(SendingLine),
    /// The server confirmed a package.
    Confirmed(ConfirmedLine),
}

/// Whose journal it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub v: u32,
    pub site: String,
    pub project: String,
    pub profile: Option<String>,
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The key of the marks, in hexadecimal digits.
    pub salt: String,
}

impl Header {
    /// The first line of a journal of this identity.
    pub fn new(identity: JournalIdentity<'_>, salt: &str) -> Self {
        Self {
            v: VERSION,
            site: identity.site.to_owned(),
            project: identity.project.to_owned(),
            profile: identity.profile.map(str::to_owned),
            key: identity.key.map(str::to_owned),
            shard: identity.shard.map(str::to_owned),
            salt: salt.to_owned(),
        }
    }
}

/// A package that is going to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendingLine {
    #[serde(rename = "place")]
    pub location: KeyedDigest,
    pub sources: KeyedDigest,
    pub size: u64,
    /// When that was, in milliseconds since 1970.
    pub at: u64,
    /// What its members hold.
    pub instances: Vec<KeyedDigest>,
}

/// A package that the server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedLine {
    #[serde(rename = "place")]
    pub location: KeyedDigest,
    pub sources: KeyedDigest,
    /// When that was, in milliseconds since 1970.
    pub at: u64,
    /// The kind of the container.
    pub kind: String,
    /// Its database id.
    pub container: String,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha384: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Another program had put it there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    #[serde(default)]
    pub members: Vec<MemberRecord>,
}

/// A member of a package: what it holds and what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The instance, wherever its file lies; the file itself where it is not DICOM.
    pub instance: KeyedDigest,
    /// What came out, in bytes.
    pub size: u64,
    /// Its CRC-32; none for a package of one file, whose own hash is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<u32>,
}
