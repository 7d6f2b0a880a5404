//! Tickets: permissions to send one file past the API to the storage, and to fetch one without a
//! key.
//!
//! Held in memory: a restart voids them, as time does. Must never let a ticket serve another
//! container than its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha384};

use crate::api_error::ApiError;
use crate::blob::Received;
use crate::ids::{random_bytes, uuid};

/// How long a ticket is kept.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const MOST_TICKETS: usize = 10_000;

/// What one upload ticket is for.
#[derive(Debug)]
pub struct Upload {
    /// The id of the container that the file goes to.
    pub container: String,
    /// The IP address that asked for it, where the ticket is good for that one alone.
    pub client: Option<IpAddr>,
    /// The file's name as the client gave it, already checked.
    pub name: String,
    /// The file's length in bytes, where the client announced it.
    pub size: Option<u64>,
    /// The metadata as the client gave them.
    pub metadata: Map<String, Value>,
    /// The storage's id of an upload whose parts the client must name at the end.
    pub joined_as: Option<String>,
    /// The parts in order, each once it has arrived.
    pub parts: Vec<Option<Received>>,
    /// When the ticket was opened.
    pub opened: Instant,
}

/// A request to complete an upload.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The id of the container that the request names.
    pub container: &'a str,
    /// The IP address that it comes from.
    pub client: Option<IpAddr>,
    /// What it says about the parts.
    pub multipart: Option<&'a Value>,
}

impl Upload {
    /// Whether every part has arrived, of an upload that this request may complete.
    fn is_complete(&self, completion: &Completion<'_>) -> Result<bool, ApiError> {
        if self.container != completion.container
            || self
                .client
                .is_some_and(|client| Some(client) != completion.client)
        {
            return Err(ApiError::bad_request(
                "ticket not for this resource or source IP",
            ));
        }
        if self
            .parts
            .iter()
            .any(Option::is_none)
        {
            return Ok(false);
        }
        let size: u64 = self
            .parts
            .iter()
            .flatten()
            .map(|part| part.size)
            .sum();
        if self
            .size
            .is_some_and(|announced| announced != size)
        {
            return Err(ApiError::wrong_size(size));
        }
        let Some(joined_as) = &self.joined_as else {
            return Ok(true);
        };
        let tags: Vec<&str> = self
            .parts
            .iter()
            .flatten()
            .map(Received::tag)
            .collect();
        let named = completion
            .multipart
            .is_some_and(|it| *it == json!({"e_tags": tags, "upload_id": joined_as}));
        if named {
            Ok(true)
        } else {
            Err(ApiError::bad_request(
                "the parts are not the ones that were put",
            ))
        }
    }
}

/// What one download ticket is for.
#[derive(Debug)]
struct Download {
    /// The id of the container that holds the file.
    container: String,
    name: String,
    opened: Instant,
}

/// The tickets, and the secret that signs the URLs.
pub struct Tickets {
    uploads: HashMap<String, Upload>,
    downloads: HashMap<String, Download>,
    completed: HashMap<String, (String, String)>,
    secret: [u8; 32],
}

impl Tickets {
    /// Takes all tickets back.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// No tickets, and a new secret.
    pub fn new() -> Self {
        Self {
            uploads: HashMap::new(),
            downloads: HashMap::new(),
            completed: HashMap::new(),
            secret: random_bytes(),
        }
    }

    /// Opens a ticket for an upload.
    pub fn open_upload(&mut self, upload: Upload) -> Result<String, ApiError> {
        self.uploads
            .retain(|_, ticket| ticket.opened.elapsed() < LIFETIME);
        room(self.uploads.len())?;
        let id = uuid();
        self.uploads
            .insert(id.clone(), upload);
        Ok(id)
    }

    /// Opens a ticket for a download.
    pub fn open_download(&mut self, container: String, name: String) -> Result<String, ApiError> {
        self.downloads
            .retain(|_, ticket| ticket.opened.elapsed() < LIFETIME);
        room(self.downloads.len())?;
        let id = uuid();
        self.downloads.insert(
            id.clone(),
            Download {
                container,
                name,
                opened: Instant::now(),
            },
        );
        Ok(id)
    }

    /// Whether a ticket allows the download of this file.
    pub fn allows_download(&self, id: &str, container: &str, name: &str) -> bool {
        let young = |ticket: &&Download| ticket.opened.elapsed() < LIFETIME;
        self.downloads
            .get(id)
            .filter(young)
            .is_some_and(|ticket| ticket.container == container && ticket.name == name)
    }

    /// An open upload.
    pub fn upload(&mut self, id: &str) -> Result<&mut Upload, ApiError> {
        self.uploads
            .get_mut(id)
            .filter(|ticket| ticket.opened.elapsed() < LIFETIME)
            .ok_or_else(|| ApiError::not_found("no such ticket"))
    }

    /// Closes an upload whose parts have all arrived; it stays open if one is missing, for which
    /// this gives none, or if they do not fit what was announced.
    pub fn complete_upload(
        &mut self,
        id: &str,
        completion: &Completion<'_>,
    ) -> Result<Option<Upload>, ApiError> {
        if self
            .upload(id)?
            .is_complete(completion)?
        {
            Ok(self.uploads.remove(id))
        } else {
            Ok(None)
        }
    }

    /// Remembers the container and file name of a completed upload.
    pub fn remember_completed(
        &mut self,
        id: &str,
        container: &str,
        name: &str,
    ) -> Result<(), ApiError> {
        room(self.completed.len())?;
        self.completed
            .insert(id.to_owned(), (container.to_owned(), name.to_owned()));
        Ok(())
    }

    /// The container and file name of a completed upload.
    pub fn completed(&self, id: &str) -> Option<(String, String)> {
        self.completed.get(id).cloned()
    }

    /// The signature of one part's URL.
    pub fn sign(&self, id: &str, part: usize) -> String {
        // SHA-384 cannot be extended, so that a secret in front is as good as a keyed hash
        let text = format!("{id}/{part}");
        hex::encode(
            Sha384::new()
                .chain_update(self.secret)
                .chain_update(text)
                .finalize(),
        )
    }

    /// Whether a signature is the one of this part's URL; the comparison takes constant time.
    pub fn is_signed(&self, id: &str, part: usize, signature: &str) -> bool {
        let wanted = self.sign(id, part);
        let differences = wanted
            .bytes()
            .zip(signature.bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        wanted.len() == signature.len() && differences == 0
    }
}

fn room(open: usize) -> Result<(), ApiError> {
    if open < MOST_TICKETS {
        Ok(())
    } else {
        Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many open tickets",
        ))
    }
}
