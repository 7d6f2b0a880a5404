//! The server's word that it has a file.
//!
//! Owns [`UploadReceipt`], which nothing but an entry in the server's own list can make. A status
//! of 200 alone proves nothing: servers were seen to answer it and keep no file, or a short one.

use serde_json::Value;

use super::answer::{Answer, ContainerAnswer, ContainerRef, RemoteFile, segment};
use super::body::failure_of;
use super::checksum::Checksum;
use super::client::{Client, optional};
use super::error::{ApiError, Kind, UploadError, shown};
use super::upload::UploadFile;

/// How a file went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Through the site, as a form.
    Form,
    /// Straight to the storage, with a signed address.
    Signed,
}

/// Proof that the server has a file: its own entry, with the name and size that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadReceipt {
    container: ContainerRef,
    entry: RemoteFile,
    size: u64,
    sha384: Option<String>,
    route: Route,
}

impl UploadReceipt {
    /// Where it lies.
    pub fn container(&self) -> &ContainerRef {
        &self.container
    }

    /// Its name there.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its database id, where the server states one.
    pub fn file_id(&self) -> Option<&str> {
        self.entry.database_id()
    }

    /// Its version, on servers that keep versions.
    pub fn version(&self) -> Option<u64> {
        self.entry.version
    }

    /// SHA-384 of what was sent, in lower-case hexadecimal digits, computed here; where the server
    /// stated one to compare.
    pub fn sha384(&self) -> Option<&str> {
        self.sha384.as_deref()
    }

    /// Whether another file took the place between `previous`, the last that was seen there, and
    /// this one.
    pub fn took_the_place_of_another(&self, previous: Option<&RemoteFile>) -> bool {
        match (self.entry.version, previous) {
            (Some(version), None) => version > 1,
            (Some(version), Some(previous)) => {
                previous.version.is_some_and(|before| version > before + 1)
            }
            (None, None) => self.entry.replaced.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// How it went.
    pub fn route(&self) -> Route {
        self.route
    }
}

impl Client {
    /// The files in a container; `None` where the server says that there is no such container.
    pub async fn files_of(
        &self,
        container: &ContainerRef,
    ) -> Result<Option<Vec<RemoteFile>>, UploadError> {
        let now: Result<ContainerAnswer, ApiError> = self.get_listing(&container.path()).await;
        match optional(now) {
            Ok(found) => Ok(found.map(|container| container.files)),
            Err(error) if error.names_nothing() => Ok(None),
            Err(error) => Err(error.into_upload()),
        }
    }

    /// Removes a file from a container; it may be gone already.
    ///
    /// # Errors
    /// Whatever keeps the server from doing so.
    pub async fn remove_file(
        &self,
        container: &ContainerRef,
        name: &str,
    ) -> Result<(), UploadError> {
        let removed = self
            .remove(&format!("{}/files/{}", container.path(), segment(name)))
            .await;
        removed.map_err(|error| error.without(&[name]).into_upload())
    }

    /// A receipt from the answer to an upload; where that does not prove it, from the container.
    pub(super) async fn confirm(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        (route, sent): (Route, &Checksum),
        answer: &Answer,
    ) -> Result<UploadReceipt, ApiError> {
        if !sent.is_whole() {
            return Err(ApiError::unexpected(
                self.host(),
                "it answered before it had the whole file",
            ));
        }
        let listed = answer.json::<Value>().map(listed_files).unwrap_or_default();
        if let Ok(receipt) = self
            .receipt(container, file, (route, sent), &listed)
            .await?
        {
            return Ok(receipt);
        }
        match self.inspect(container, file, (route, sent)).await? {
            Ok(receipt) => Ok(receipt),
            Err(why) => Err(ApiError::unexpected(self.host(), why)),
        }
    }

    /// A receipt if the file is there after all, although the request seemed to fail. Where it
    /// never went out whole, what is there is not ours.
    pub(super) async fn look(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        (route, sent): (Route, &Checksum),
    ) -> Result<Option<UploadReceipt>, ApiError> {
        if sent.is_whole() {
            self.inspect(container, file, (route, sent))
                .await
                .map(Result::ok)
        } else {
            Ok(None)
        }
    }

    async fn inspect(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        how: (Route, &Checksum),
    ) -> Result<Result<UploadReceipt, String>, ApiError> {
        let now: ContainerAnswer = self.get_listing(&container.path()).await?;
        let replaced = |entry: &RemoteFile| {
            file.previous
                .as_ref()
                .is_none_or(|before| entry.differs_from(before))
        };
        let listed: Vec<RemoteFile> = now.files.into_iter().filter(replaced).collect();
        self.receipt(container, file, how, &listed).await
    }

    /// The only place that makes a receipt. Otherwise says what is wrong, without the name.
    async fn receipt(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        (route, sent): (Route, &Checksum),
        listed: &[RemoteFile],
    ) -> Result<Result<UploadReceipt, String>, ApiError> {
        let entry = match proven(file, listed) {
            Ok(entry) => entry,
            Err(why) => return Ok(Err(why)),
        };
        // Files that went straight to the storage have no checksum on the server, or that of what
        // they replaced.
        if route == Route::Form
            && let Some(theirs) = entry.sha384()
            && !theirs.eq_ignore_ascii_case(self.own_hash(file, sent).await?)
        {
            return Ok(Err("the checksum of what it has is another".to_owned()));
        }
        let id = |id: &Option<String>| id.as_deref().map(shown);
        let entry = RemoteFile {
            file_id: id(&entry.file_id),
            id: id(&entry.id),
            ..entry.clone()
        };
        let sha384 = sent.sha384().map(str::to_owned);
        Ok(Ok(UploadReceipt {
            container: container.clone(),
            entry,
            size: file.len,
            sha384,
            route,
        }))
    }

    /// The hash of what was sent. That this site wants one is news to us where it was not computed
    /// on the way.
    async fn own_hash<'s>(
        &self,
        file: &UploadFile,
        sent: &'s Checksum,
    ) -> Result<&'s str, ApiError> {
        self.learnt().stated_a_hash();
        match sent.sha384() {
            Some(known) => Ok(known),
            None => sent
                .settle((file.body)())
                .await
                .map_err(|fault| Kind::Source(Box::new(failure_of(fault))).into()),
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
    let size = entry.size.ok_or("it does not state the size of the file")?;
    if size == file.len {
        Ok(entry)
    } else {
        Err(format!("it has {size} bytes of {}", file.len))
    }
}
