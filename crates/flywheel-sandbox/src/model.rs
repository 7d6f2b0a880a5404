//! What the sandbox remembers: containers, files and their versions.
//!
//! Plain data with its serde form, as it lies in the index. Must never touch the disk or HTTP.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The one user of a sandbox, an administrator of everything.
pub const USER: &str = "sandbox@example.com";

/// The types of containers, from the top of the hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerType {
    /// Owns projects; its id is chosen by its users.
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

impl ContainerType {
    /// Every type, from the top.
    pub const ALL: [Self; 5] = [
        Self::Group,
        Self::Project,
        Self::Subject,
        Self::Session,
        Self::Acquisition,
    ];

    /// The singular, as in `container_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The plural, as in URLs.
    pub fn plural(self) -> String {
        format!("{}s", self.name())
    }

    /// The type that a URL names.
    pub fn from_plural(word: &str) -> Option<Self> {
        let name = word.strip_suffix('s')?;
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// The type of the containers directly below, if there is one.
    pub fn child(self) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| *kind > self)
    }
}

/// A group, project, subject, session or acquisition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// 24 hexadecimal digits, or for a group the id that its users chose.
    pub id: String,
    /// Its type.
    pub kind: ContainerType,
    /// The id of the container above it; none for a group.
    pub parent: Option<String>,
    /// Its name as users see it.
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
        self.older
            .first()
            .unwrap_or(&self.current)
            .created
    }
}

/// A moment as the API writes it.
pub fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, false)
}
