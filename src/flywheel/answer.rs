//! What servers answer, as far as we read it.
//!
//! Owns the shapes of JSON answers. Everything is optional that some server leaves out; unknown
//! members are passed over.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::{ApiError, Kind, Refusal, shown};
use super::error_body::ErrorBody;
use dicom_deid::profile::Json;

/// Which kind of container a file can lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerKind {
    /// A project.
    Project,
    /// A subject.
    Subject,
    /// A session.
    Session,
    /// An acquisition.
    Acquisition,
}

impl ContainerKind {
    /// The word for one, as servers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The kind that a word stands for; the reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Project,
            Self::Subject,
            Self::Session,
            Self::Acquisition,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }

    /// The word for several, which is part of addresses.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Project => "projects",
            Self::Subject => "subjects",
            Self::Session => "sessions",
            Self::Acquisition => "acquisitions",
        }
    }
}

/// One container on the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerRef {
    /// Its kind.
    pub kind: ContainerKind,
    /// Its database id.
    pub id: String,
}

impl ContainerRef {
    /// Its address below `/api`.
    pub(super) fn path(&self) -> String {
        format!("/{}/{}", self.kind.plural(), segment(&self.id))
    }
}

/// Makes a text from outside fit to be one segment of an address.
pub(super) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

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
        self.file_id.as_deref().or(self.id.as_deref())
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
    pub(super) fn differs_from(&self, before: &Self) -> bool {
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
pub(super) struct ContainerAnswer {
    #[serde(rename = "_id", deserialize_with = "lenient")]
    pub(super) id: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) label: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) uid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) group: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) project: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) created: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) container_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) parents: Parents,
    #[serde(deserialize_with = "lenient")]
    pub(super) subject: Embedded,
    #[serde(deserialize_with = "lenient")]
    pub(super) files: Vec<RemoteFile>,
    pub(super) settings: Option<Json>,
}

impl ContainerAnswer {
    pub(super) fn project_id(&self) -> Option<&str> {
        self.project.as_deref().or(self.parents.project.as_deref())
    }

    /// The subject that a session lies under: its id, or on old servers the code that it bears.
    pub(super) fn subject_id(&self) -> Option<&str> {
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
pub(super) struct Parents {
    #[serde(deserialize_with = "lenient")]
    pub(super) group: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) project: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) subject: Option<String>,
}

/// The subject that a session of an old server holds in itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Embedded {
    #[serde(rename = "_id", deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) code: Option<String>,
}

/// The answer to a creation.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    #[serde(rename = "_id")]
    pub(super) id: String,
}

/// A list, which some servers wrap into an object with `results`, and then may give in pages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Listed<T> {
    Plain(Vec<T>),
    Wrapped {
        results: Vec<T>,
        #[serde(default, deserialize_with = "lenient")]
        total: Option<u64>,
    },
}

impl<T> Listed<T> {
    /// The items, and how many there are in all pages; none where there are no pages.
    pub(super) fn into_parts(self) -> (Vec<T>, Option<u64>) {
        match self {
            Self::Plain(items) => (items, None),
            Self::Wrapped { results, total } => (results, total),
        }
    }
}

/// Reads a member, or its default where the server wrote something of another type. A surprise in a
/// member that hardly matters must not make the whole answer unreadable.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    source: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(source)?).unwrap_or_default())
}

/// An answer read whole, or up to the cap.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) host: String,
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) retry_after: Option<Duration>,
    pub(super) location: Option<String>,
    pub(super) etag: Option<String>,
    /// How much of a file a storage says it has.
    pub(super) range: Option<String>,
}

impl Answer {
    /// The answer itself if it reports success.
    pub(super) fn successful(self) -> Result<Self, ApiError> {
        if (200..300).contains(&self.status) {
            Ok(self)
        } else {
            Err(self.into_refusal())
        }
    }

    /// The JSON that it holds.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let looks = if self.body.trim_ascii_start().starts_with(b"<") {
                "a web page"
            } else {
                "something unreadable"
            };
            ApiError::unexpected(
                &self.host,
                format!(
                    "{looks} came instead of the JSON expected ({:?} error)",
                    error.classify()
                ),
            )
        })
    }

    fn into_refusal(self) -> ApiError {
        let said = ErrorBody::read(&self.body);
        let moved = self.location.filter(|_| (300..400).contains(&self.status));
        let message = moved.map_or(said.message, |to| {
            format!(
                "moved to {}, which is not followed",
                shown(&without_query(&to))
            )
        });
        let (host, status, retry_after) = (self.host, self.status, self.retry_after);
        Kind::Refused(Box::new(Refusal {
            host,
            status,
            message,
            request_id: said.request_id,
            retry_after,
        }))
        .into()
    }
}

/// Understands or refuses a body in each way in which answers are read. For the fuzzer: nothing
/// here is part of the interface.
#[doc(hidden)]
pub fn understand_anything(body: &[u8]) {
    for status in [200, 400] {
        let body = Bytes::copy_from_slice(body);
        let answer = Answer {
            status,
            body,
            ..Answer::default()
        };
        let _ = (
            answer.json::<Value>(),
            answer.json::<RemoteFile>(),
            answer.json::<Listed<ContainerAnswer>>(),
        );
        let _ = answer.successful().map_err(|error| error.cause());
    }
}

/// What may stand after `?` in an address may be a signature.
fn without_query(address: &str) -> String {
    address
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_from_its_word() {
        for kind in [
            ContainerKind::Project,
            ContainerKind::Subject,
            ContainerKind::Session,
            ContainerKind::Acquisition,
        ] {
            assert_eq!(ContainerKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(ContainerKind::parse("sessions"), None);
    }

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
