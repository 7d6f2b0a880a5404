//! The server's word that it has a file.
//!
//! Owns [`UploadReceipt`], which nothing but an entry in the server's own list can make. A status of 200 alone proves
//! nothing: servers were seen to answer it and keep no file, or a short one.

use serde_json::Value;

use super::answer::{Answer, ContainerAnswer, ContainerRef, RemoteFile};
use super::client::Client;
use super::error::ApiError;
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
    route: Route,
    sha384: Option<String>,
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

    /// SHA-384 of its bytes in hexadecimal digits, where it was computed on the way or stated by the server.
    pub fn sha384(&self) -> Option<&str> {
        self.sha384.as_deref().or(self.entry.sha384())
    }

    /// Its version, on servers that keep versions.
    pub fn version(&self) -> Option<u64> {
        self.entry.version
    }

    /// How it went.
    pub fn route(&self) -> Route {
        self.route
    }
}

impl Client {
    /// A receipt from the answer to an upload; where that does not prove it, from the container.
    pub(super) async fn confirm(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        route: Route,
        answer: &Answer,
    ) -> Result<UploadReceipt, ApiError> {
        let listed = answer.json::<Value>().map(listed_files).unwrap_or_default();
        if let Ok(receipt) = receipt(container, file, route, &listed) {
            return Ok(receipt);
        }
        match self.inspect(container, file, route).await? {
            Ok(receipt) => Ok(receipt),
            Err(why) => Err(ApiError::unexpected(self.host(), why)),
        }
    }

    /// A receipt if the file is there after all, although the request seemed to fail.
    pub(super) async fn look(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        route: Route,
    ) -> Result<Option<UploadReceipt>, ApiError> {
        self.inspect(container, file, route).await.map(Result::ok)
    }

    async fn inspect(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        route: Route,
    ) -> Result<Result<UploadReceipt, String>, ApiError> {
        let now: ContainerAnswer = self.get(&container.path()).await?;
        let replaced = |entry: &RemoteFile| file.previous.as_ref().is_none_or(|before| entry.differs_from(before));
        let listed: Vec<RemoteFile> = now.files.into_iter().filter(replaced).collect();
        Ok(receipt(container, file, route, &listed))
    }
}

/// One file or a list of them.
fn listed_files(answer: Value) -> Vec<RemoteFile> {
    let entries = if let Value::Array(entries) = answer { entries } else { vec![answer] };
    entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect()
}

/// The only place that makes a receipt. Otherwise says what is wrong, without the name.
fn receipt(container: &ContainerRef, file: &UploadFile, route: Route, listed: &[RemoteFile]) -> Result<UploadReceipt, String> {
    let entry = listed.iter().find(|entry| entry.name == file.name).ok_or("it does not list the file")?;
    let size = entry.size.ok_or("it does not state the size of the file")?;
    if size != file.len {
        return Err(format!("it has {size} bytes of {}", file.len));
    }
    if route == Route::Form && hash_differs(entry, file) {
        return Err("the checksum of what it has is another".to_owned());
    }
    Ok(UploadReceipt { container: container.clone(), entry: entry.clone(), size, route, sha384: file.sha384.clone() })
}

fn hash_differs(entry: &RemoteFile, file: &UploadFile) -> bool {
    matches!((entry.sha384(), &file.sha384), (Some(theirs), Some(ours)) if !theirs.eq_ignore_ascii_case(ours))
}
