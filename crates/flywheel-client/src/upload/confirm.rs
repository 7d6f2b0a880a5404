//! The server's word that it has a file.
//!
//! Owns [`UploadReceipt`], which nothing but an entry in the server's own list can make. A status
//! of 200 alone proves nothing: servers were seen to answer it and keep no file, or a short one.

use std::sync::Arc;

use serde_json::Value;

use super::{Transfer, UploadFile};
use crate::answer::Answer;
use crate::client::{Client, optional};
use crate::error::{ClientError, RequestError, RequestFailure};
use crate::listing::{ContainerAnswer, RemoteFile};
use crate::reference::{ContainerRef, segment};

/// How a file went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Through the site, as a form.
    Form,
    /// Straight to the storage, with a signed address.
    Signed,
}

/// Proof that the server has a file: its own entry, with the name and size that were sent. Only
/// [`Client::upload`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadReceipt {
    /// Where it lies.
    pub container: ContainerRef,
    /// Its name there.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its database id, where the server states one.
    pub file_id: Option<String>,
    /// Its version, on servers that keep versions.
    pub version: Option<u64>,
    /// SHA-384 of what was sent, in lower-case hexadecimal digits, computed here; where the server
    /// stated one to compare.
    pub sha384: Option<String>,
    /// How it went.
    pub route: Route,
    /// The server says that it took the place of another file.
    replaced: bool,
}

impl UploadReceipt {
    /// Whether another file took the place between `previous`, the last that was seen there, and
    /// this one.
    pub fn took_the_place_of_another(&self, previous: Option<&RemoteFile>) -> bool {
        match (self.version, previous) {
            (Some(version), None) => version > 1,
            (Some(version), Some(previous)) => previous
                .version
                .is_some_and(|before| version > before + 1),
            (None, None) => self.replaced,
            (None, Some(_)) => false,
        }
    }
}

impl Client {
    /// The files in a container; `None` where the server says that there is no such container.
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn files_of(
        &self,
        container: &ContainerRef,
    ) -> Result<Option<Vec<RemoteFile>>, ClientError> {
        let now: Result<ContainerAnswer, RequestError> = self
            .get_listing(&container.path())
            .await;
        match optional(now) {
            Ok(found) => Ok(found.map(|container| container.files)),
            Err(error) if error.names_nothing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file from a container; it may be gone already.
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn remove_file(
        &self,
        container: &ContainerRef,
        name: &str,
    ) -> Result<(), ClientError> {
        let removed = self
            .remove(&format!("{}/files/{}", container.path(), segment(name)))
            .await;
        removed.map_err(|error| error.without(&[name]).into())
    }
}

impl Transfer<'_> {
    /// A receipt from the answer to an upload; where that does not prove it, from the container.
    pub async fn confirm(
        &self,
        route: Route,
        answer: &Answer,
    ) -> Result<UploadReceipt, RequestError> {
        if !self.sent.is_whole() {
            let what = "it answered before it had the whole file";
            return Err(self.client.unexpected(what));
        }
        let listed = answer
            .json::<Value>()
            .map(listed_files)
            .unwrap_or_default();
        if let Ok(receipt) = self.receipt(route, &listed).await? {
            return Ok(receipt);
        }
        self.inspect(route)
            .await?
            .map_err(|why| self.client.unexpected(why))
    }

    /// A receipt if the file is there after all, although the request seemed to fail. Where it
    /// never went out whole, what is there is another one.
    pub async fn look(&self, route: Route) -> Result<Option<UploadReceipt>, RequestError> {
        if self.sent.is_whole() {
            self.inspect(route)
                .await
                .map(Result::ok)
        } else {
            Ok(None)
        }
    }

    async fn inspect(&self, route: Route) -> Result<Result<UploadReceipt, String>, RequestError> {
        let now: ContainerAnswer = self
            .client
            .get_listing(&self.container.path())
            .await?;
        let replaced = |entry: &RemoteFile| {
            let previous = self.file.previous.as_ref();
            previous.is_none_or(|before| entry.differs_from(before))
        };
        let listed: Vec<RemoteFile> = now
            .files
            .into_iter()
            .filter(replaced)
            .collect();
        self.receipt(route, &listed).await
    }

    /// The only place that makes a receipt. Otherwise says what is wrong, without the name.
    async fn receipt(
        &self,
        route: Route,
        listed: &[RemoteFile],
    ) -> Result<Result<UploadReceipt, String>, RequestError> {
        let entry = match proven(self.file, listed) {
            Ok(entry) => entry,
            Err(why) => return Ok(Err(why)),
        };
        // Files that went straight to the storage have no checksum on the server, or that of what
        // they replaced.
        if route == Route::Form
            && let Some(theirs) = entry.sha384()
            && !theirs.eq_ignore_ascii_case(self.own_hash().await?)
        {
            return Ok(Err("the checksum of what it has is another".to_owned()));
        }
        Ok(Ok(UploadReceipt {
            container: self.container.clone(),
            name: entry.name.clone(),
            size: self.file.len,
            file_id: entry
                .database_id()
                .map(str::to_owned),
            version: entry.version,
            sha384: self
                .sent
                .sha384()
                .map(str::to_owned),
            route,
            replaced: entry.replaced.is_some(),
        }))
    }

    /// The hash of what was sent. That this site wants one is noted where it was not computed on
    /// the way.
    async fn own_hash(&self) -> Result<&str, RequestError> {
        self.client.learnt.stated_a_hash();
        match self.sent.sha384() {
            Some(known) => Ok(known),
            None => self
                .sent
                .settle((self.file.body)())
                .await
                .map_err(|fault| RequestFailure::Body(Arc::new(fault)).into()),
        }
    }
}

/// One file or a list of them.
fn listed_files(answer: Value) -> Vec<RemoteFile> {
    let entries = if let Value::Array(entries) = answer {
        entries
    } else {
        vec![answer]
    };
    entries
        .into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok())
        .collect()
}

/// The entry that lists a file with its size.
fn proven<'l>(file: &UploadFile, listed: &'l [RemoteFile]) -> Result<&'l RemoteFile, String> {
    let entry = listed
        .iter()
        .find(|entry| entry.name == file.name)
        .ok_or("it does not list the file")?;
    let size = entry
        .size
        .ok_or("it does not state the size of the file")?;
    if size == file.len {
        Ok(entry)
    } else {
        Err(format!("it has {size} bytes of {}", file.len))
    }
}
