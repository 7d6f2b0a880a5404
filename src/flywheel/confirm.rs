//! The server's word that it has a file.
//!
//! Owns [`UploadReceipt`], which nothing but an entry in the server's own list can make. A status of 200 alone proves
//! nothing: servers were seen to answer it and keep no file, or a short one.

use serde_json::Value;

use super::answer::{Answer, ContainerAnswer, ContainerRef, RemoteFile};
use super::checksum::Checksum;
use super::client::{Client, optional};
use super::error::{ApiError, UploadError, shown};
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
    sha384: String,
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

    /// SHA-384 of what was sent, in lower-case hexadecimal digits; computed here, on every route.
    pub fn sha384(&self) -> &str {
        &self.sha384
    }

    /// How it went.
    pub fn route(&self) -> Route {
        self.route
    }
}

impl Client {
    /// The files in a container; `None` where the server says that there is no such container.
    pub async fn files_of(&self, container: &ContainerRef) -> Result<Option<Vec<RemoteFile>>, UploadError> {
        let now: Result<ContainerAnswer, ApiError> = self.get_listing(&container.path()).await;
        match optional(now) {
            Ok(found) => Ok(found.map(|container| container.files)),
            Err(error) if error.names_nothing() => Ok(None),
            Err(error) => Err(error.into_upload()),
        }
    }

    /// A receipt from the answer to an upload; where that does not prove it, from the container.
    pub(super) async fn confirm(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        (route, sent): (Route, &Checksum),
        answer: &Answer,
    ) -> Result<UploadReceipt, ApiError> {
        let Some(sha384) = sent.get() else {
            return Err(ApiError::unexpected(self.host(), "it answered before it had the whole file"));
        };
        let listed = answer.json::<Value>().map(listed_files).unwrap_or_default();
        if let Ok(receipt) = receipt(container, file, (route, sha384), &listed) {
            return Ok(receipt);
        }
        match self.inspect(container, file, (route, sha384)).await? {
            Ok(receipt) => Ok(receipt),
            Err(why) => Err(ApiError::unexpected(self.host(), why)),
        }
    }

    /// A receipt if the file is there after all, although the request seemed to fail. Where it never went out whole,
    /// what is there is not ours.
    pub(super) async fn look(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        (route, sent): (Route, &Checksum),
    ) -> Result<Option<UploadReceipt>, ApiError> {
        match sent.get() {
            Some(sha384) => self.inspect(container, file, (route, sha384)).await.map(Result::ok),
            None => Ok(None),
        }
    }

    async fn inspect(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        how: (Route, &str),
    ) -> Result<Result<UploadReceipt, String>, ApiError> {
        let now: ContainerAnswer = self.get_listing(&container.path()).await?;
        let replaced = |entry: &RemoteFile| file.previous.as_ref().is_none_or(|before| entry.differs_from(before));
        let listed: Vec<RemoteFile> = now.files.into_iter().filter(replaced).collect();
        Ok(receipt(container, file, how, &listed))
    }
}

/// One file or a list of them.
fn listed_files(answer: Value) -> Vec<RemoteFile> {
    let entries = if let Value::Array(entries) = answer { entries } else { vec![answer] };
    entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect()
}

/// The only place that makes a receipt. Otherwise says what is wrong, without the name.
fn receipt(
    container: &ContainerRef,
    file: &UploadFile,
    (route, sha384): (Route, &str),
    listed: &[RemoteFile],
) -> Result<UploadReceipt, String> {
    let entry = listed.iter().find(|entry| entry.name == file.name).ok_or("it does not list the file")?;
    let size = entry.size.ok_or("it does not state the size of the file")?;
    if size != file.len {
        return Err(format!("it has {size} bytes of {}", file.len));
    }
    // Files that went straight to the storage have no checksum on the server, or that of what they replaced.
    if route == Route::Form && hash_differs(entry, sha384) {
        return Err("the checksum of what it has is another".to_owned());
    }
    let id = |id: &Option<String>| id.as_deref().map(shown);
    let entry = RemoteFile { file_id: id(&entry.file_id), id: id(&entry.id), ..entry.clone() };
    Ok(UploadReceipt { container: container.clone(), entry, size, sha384: sha384.to_owned(), route })
}

fn hash_differs(entry: &RemoteFile, ours: &str) -> bool {
    entry.sha384().is_some_and(|theirs| !theirs.eq_ignore_ascii_case(ours))
}
