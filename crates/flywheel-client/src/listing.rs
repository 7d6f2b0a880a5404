//! What servers say of containers and files, as far as it is read.
//!
//! Owns the shapes of JSON answers. Everything is optional that some server leaves out; unknown
//! members are passed over.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A file as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct RemoteFile {
    /// Its name, unique in its container.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
    /// Its size in bytes, where stated.
    #[serde(deserialize_with = "lenient")]
    pub size: Option<u64>,
    /// `v0-sha384-<hex>` for files that came through the site itself, else empty or absent.
    #[serde(deserialize_with = "lenient")]
    pub hash: Option<String>,
    /// The id of this file across its versions, on newer servers.
    #[serde(deserialize_with = "lenient")]
    pub file_id: Option<String>,
    /// The id of this content.
    #[serde(rename = "_id", deserialize_with = "lenient")]
    pub id: Option<String>,
    /// Counts up when a file of the same name replaces it, on newer servers.
    #[serde(deserialize_with = "lenient")]
    pub version: Option<u64>,
    /// When it was last replaced, on older servers.
    #[serde(deserialize_with = "lenient")]
    pub replaced: Option<String>,
    /// When anything about it last changed.
    #[serde(deserialize_with = "lenient")]
    pub modified: Option<String>,
}

impl RemoteFile {
    /// Its database id: that of the file across its versions where there is one, else that of its
    /// content.
    pub fn database_id(&self) -> Option<&str> {
        self.file_id
            .as_deref()
            .or(self.id.as_deref())
    }

    /// SHA-384 of its bytes in hexadecimal digits, where the server states it: it does not for what
    /// went straight to the storage.
    pub fn sha384(&self) -> Option<&str> {
        self.hash
            .as_deref()
            .and_then(|hash| hash.strip_prefix("v0-sha384-"))
            .filter(|hex| !hex.is_empty())
    }

    /// Whether this entry is another content than `before`, by whatever this server counts with.
    pub(crate) fn differs_from(&self, before: &Self) -> bool {
        let stamped = self.version.is_some() || self.id.is_some() || self.replaced.is_some();
        self.version != before.version
            || self.id != before.id
            || self.replaced != before.replaced
            || self.size != before.size
            || self.hash != before.hash
            || (!stamped && self.modified != before.modified)
    }
}

/// A container as servers describe it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerAnswer {
    #[serde(rename = "_id", deserialize_with = "lenient")]
    pub id: String,
    #[serde(deserialize_with = "lenient")]
    pub label: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub uid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub group: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub project: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub created: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub container_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub parents: Parents,
    #[serde(deserialize_with = "lenient")]
    pub subject: Embedded,
    #[serde(deserialize_with = "lenient")]
    pub files: Vec<RemoteFile>,
}

impl ContainerAnswer {
    pub fn project_id(&self) -> Option<&str> {
        self.project
            .as_deref()
            .or(self.parents.project.as_deref())
    }

    /// The subject that a session lies under: its id, or on old servers the code that it bears.
    pub fn subject_id(&self) -> Option<&str> {
        self.parents
            .subject
            .as_deref()
            .or(self.subject.id.as_deref())
            .or(self.subject.code.as_deref())
    }
}

/// The containers above one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Parents {
    #[serde(deserialize_with = "lenient")]
    pub group: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub project: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub subject: Option<String>,
}

/// The subject that a session of an old server holds in itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Embedded {
    #[serde(rename = "_id", deserialize_with = "lenient")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub code: Option<String>,
}

/// The answer to a creation.
#[derive(Debug, Deserialize)]
pub struct Created {
    #[serde(rename = "_id")]
    pub id: String,
}

/// A list, which some servers wrap into an object with `results`, and then may give in pages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Listed<T> {
    Plain(Vec<T>),
    Wrapped {
        results: Vec<T>,
        #[serde(default, deserialize_with = "lenient")]
        total: Option<u64>,
    },
}

impl<T> Listed<T> {
    /// The items, and how many there are in all pages; none where there are no pages.
    pub fn into_parts(self) -> (Vec<T>, Option<u64>) {
        match self {
            Self::Plain(items) => (items, None),
            Self::Wrapped { results, total } => (results, total),
        }
    }
}

/// Reads a member, or its default where the server wrote something of another type. A surprise in a
/// member that hardly matters must not make the whole answer unreadable.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    source: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(source)?).unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_the_wrong_type_does_not_spoil_the_answer() {
        let file: RemoteFile =
            serde_json::from_str(r#"{"name":"a","size":"12","version":2,"hash":null,"x":[]}"#)
                .unwrap();
        assert_eq!(
            (file.name.as_str(), file.size, file.version),
            ("a", None, Some(2))
        );
    }

    #[test]
    fn a_replaced_file_is_told_from_the_one_before() {
        let before = RemoteFile {
            name: "a".into(),
            size: Some(3),
            modified: Some("1".into()),
            ..RemoteFile::default()
        };
        assert!(!before.differs_from(&before));
        assert!(
            RemoteFile {
                modified: Some("2".into()),
                ..before.clone()
            }
            .differs_from(&before)
        );
        let versioned = RemoteFile {
            version: Some(1),
            ..before
        };
        assert!(
            !RemoteFile {
                modified: Some("2".into()),
                ..versioned.clone()
            }
            .differs_from(&versioned)
        );
        assert!(
            RemoteFile {
                version: Some(2),
                ..versioned.clone()
            }
            .differs_from(&versioned)
        );
    }
}
