//! Tickets: permissions to send one file past the API to the storage, and to fetch one without a
//! key.
//!
//! Held in memory: a restart voids them, as time does. Must never let a ticket serve another
//! container than its own.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha384};

use super::blob::Received;
use super::errors::ApiError;
use super::model::{hex, random_bytes, uuid};

/// How long a ticket is kept.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const MOST: usize = 10_000;

/// What one upload ticket is for.
#[derive(Debug)]
pub struct Upload {
    /// The id of the container that the file goes to.
    pub container: String,
    /// The address that asked for it, where the ticket is good for that one alone.
    pub client: Option<IpAddr>,
    /// The file's name as it was asked for, already checked.
    pub name: String,
    /// The file's length, where the client said it.
    pub size: Option<u64>,
    /// The metadata as they were given.
    pub metadata: Map<String, Value>,
    /// What the storage calls an upload whose parts have to be named at the end.
    pub joined_as: Option<String>,
    /// The parts in order, each once it has arrived.
    pub parts: Vec<Option<Received>>,
    /// When it was asked for.
    pub born: Instant,
}

/// How an upload is ended.
#[derive(Debug)]
pub struct Closing<'a> {
    /// The id of the container that the request names.
    pub container: &'a str,
    /// The address that it comes from.
    pub client: Option<IpAddr>,
    /// What it says about the parts.
    pub multipart: Option<&'a Value>,
}

impl Upload {
    fn check(&self, closing: &Closing<'_>) -> Result<(), Refused> {
        if self.container != closing.container
            || self
                .client
                .is_some_and(|client| Some(client) != closing.client)
        {
            return Err(Refused::No(ApiError::bad_request(
                "ticket not for this resource or source IP",
            )));
        }
        if self.parts.iter().any(Option::is_none) {
            return Err(Refused::TooEarly);
        }
        let size: u64 = self.parts.iter().flatten().map(|part| part.size).sum();
        if self.size.is_some_and(|announced| announced != size) {
            let what = format!("{size} bytes arrived, which is not the size that was announced");
            return Err(Refused::No(ApiError::bad_request(what)));
        }
        let Some(joined_as) = &self.joined_as else {
            return Ok(());
        };
        let tags: Vec<&str> = self.parts.iter().flatten().map(Received::tag).collect();
        let named = closing
            .multipart
            .is_some_and(|it| *it == json!({"e_tags": tags, "upload_id": joined_as}));
        if named {
            Ok(())
        } else {
            Err(Refused::No(ApiError::bad_request(
                "the parts are not the ones that were put",
            )))
        }
    }
}

/// Why an upload is not ended; its ticket stays open.
#[derive(Debug)]
pub enum Refused {
    /// A part is not there yet.
    TooEarly,
    /// For another reason.
    No(ApiError),
}

/// What one download ticket is for.
#[derive(Debug, Clone)]
pub struct Download {
    /// The id of the container that holds the file.
    pub container: String,
    /// The file's name.
    pub name: String,
    born: Instant,
}

/// Every open ticket, and the secret that signs the URLs.
pub struct Tickets {
    uploads: HashMap<String, Upload>,
    downloads: HashMap<String, Download>,
    filed: HashMap<String, (String, String)>,
    secret: [u8; 32],
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets")
            .field("uploads", &self.uploads.len())
            .finish_non_exhaustive()
    }
}

impl Tickets {
    /// No tickets yet, and a new secret.
    pub fn new() -> Self {
        Self {
            uploads: HashMap::new(),
            downloads: HashMap::new(),
            filed: HashMap::new(),
            secret: random_bytes(),
        }
    }

    /// Opens a ticket for an upload.
    pub fn open_upload(&mut self, upload: Upload) -> Result<String, ApiError> {
        self.uploads
            .retain(|_, ticket| ticket.born.elapsed() < LIFETIME);
        room(self.uploads.len())?;
        let id = uuid();
        self.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Opens a ticket for a download.
    pub fn open_download(&mut self, container: String, name: String) -> Result<String, ApiError> {
        self.downloads
            .retain(|_, ticket| ticket.born.elapsed() < LIFETIME);
        room(self.downloads.len())?;
        let id = uuid();
        self.downloads.insert(
            id.clone(),
            Download {
                container,
                name,
                born: Instant::now(),
            },
        );
        Ok(id)
    }

    /// Whether a ticket allows the download of this file.
    pub fn allows_download(&self, id: &str, container: &str, name: &str) -> bool {
        let young = |ticket: &&Download| ticket.born.elapsed() < LIFETIME;
        self.downloads
            .get(id)
            .filter(young)
            .is_some_and(|ticket| ticket.container == container && ticket.name == name)
    }

    /// An open upload.
    pub fn upload(&mut self, id: &str) -> Result<&mut Upload, ApiError> {
        self.uploads
            .get_mut(id)
            .filter(|ticket| ticket.born.elapsed() < LIFETIME)
            .ok_or_else(|| ApiError::not_found("no such ticket"))
    }

    /// Takes an upload whose parts have all arrived; it stays open if they have not, or do not fit
    /// what was announced.
    pub fn close_upload(&mut self, id: &str, closing: &Closing<'_>) -> Result<Upload, Refused> {
        self.upload(id).map_err(Refused::No)?.check(closing)?;
        self.uploads
            .remove(id)
            .ok_or_else(|| Refused::No(ApiError::not_found("no such ticket")))
    }

    /// Remembers the container and name of a file whose ticket has been used up.
    pub fn remember(&mut self, id: &str, container: &str, name: &str) -> Result<(), ApiError> {
        room(self.filed.len())?;
        self.filed
            .insert(id.to_owned(), (container.to_owned(), name.to_owned()));
        Ok(())
    }

    /// What was remembered of a used ticket.
    pub fn remembered(&self, id: &str) -> Option<(String, String)> {
        self.filed.get(id).cloned()
    }

    /// The signature of one part's URL.
    pub fn sign(&self, id: &str, part: usize) -> String {
        // SHA-384 cannot be extended, so that a secret in front is as good as a keyed hash
        hex(&Sha384::new()
            .chain_update(self.secret)
            .chain_update(format!("{id}/{part}"))
            .finalize())
    }

    /// Whether a signature is the one of this part's URL; takes the same time whatever is wrong.
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
    if open < MOST {
        Ok(())
    } else {
        Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many open tickets",
        ))
    }
}
