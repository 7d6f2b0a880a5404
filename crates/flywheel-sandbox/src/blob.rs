//! The bytes of files: received under a temporary name, renamed when they are complete, the version
//! before kept.
//!
//! Must never leave half a file under a final name, and never hold a file in memory.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::Utc;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha384};
use tokio::io::AsyncWriteExt as _;

use crate::api_error::ApiError;
use crate::ids::uuid;
use crate::index::Change;
use crate::model::{FileRecord, Version};
use crate::store::{Store, Writer, private_dir, private_options, unless_missing};

/// A temporary file; gone when dropped, unless it was placed.
#[derive(Debug)]
struct TemporaryFile(Option<PathBuf>);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Bytes that are arriving.
#[derive(Debug)]
pub struct Incoming {
    kept: Option<Kept>,
    /// The number of bytes that have arrived.
    pub size: u64,
}

/// The file of arriving bytes, and the hash of those in it.
#[derive(Debug)]
struct Kept {
    file: tokio::fs::File,
    temporary: TemporaryFile,
    hash: Sha384,
}

impl Incoming {
    /// Opens a new temporary file; with `discard` the bytes are counted and thrown away.
    pub fn create(store: &Store, discard: bool) -> io::Result<Self> {
        if discard {
            return Ok(Self {
                kept: None,
                size: 0,
            });
        }
        let path = store.incoming();
        let file = private_options()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let temporary = TemporaryFile(Some(path));
        let kept = Kept {
            file: tokio::fs::File::from_std(file),
            temporary,
            hash: Sha384::new(),
        };
        Ok(Self {
            kept: Some(kept),
            size: 0,
        })
    }

    /// Adds bytes at the end.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        kept.hash.update(bytes);
        kept.file.write_all(bytes).await
    }

    /// Ends the file.
    pub async fn finish(self) -> io::Result<Received> {
        let Some(mut kept) = self.kept else {
            return Ok(Received {
                temporary: TemporaryFile(None),
                size: self.size,
                sha384: None,
            });
        };
        kept.file.flush().await?;
        Ok(Received {
            temporary: kept.temporary,
            size: self.size,
            sha384: Some(hex::encode(kept.hash.finalize())),
        })
    }
}

/// Bytes that have all arrived, under a temporary name.
#[derive(Debug)]
pub struct Received {
    temporary: TemporaryFile,
    /// Length in bytes.
    pub size: u64,
    sha384: Option<String>,
}

impl Received {
    /// The tag by which a storage tells these bytes from others.
    pub fn tag(&self) -> &str {
        self.sha384
            .as_deref()
            .and_then(|hash| hash.get(..32))
            .unwrap_or("discarded")
    }

    /// Their hash as the API shows it; empty where they were not kept.
    pub fn hash(&self) -> String {
        self.sha384
            .as_ref()
            .map(|hash| format!("v0-sha384-{hash}"))
            .unwrap_or_default()
    }

    /// The temporary path.
    pub fn path(&self) -> Option<&PathBuf> {
        self.temporary.0.as_ref()
    }

    fn rename(mut self, to: &PathBuf) -> io::Result<()> {
        if let Some(from) = self.temporary.0.take() {
            fs::rename(&from, to).inspect_err(|_| self.temporary.0 = Some(from))?;
        }
        Ok(())
    }
}

/// A file to store, without its bytes.
#[derive(Debug)]
pub struct NewFile<'a> {
    /// The container's id; it must exist.
    pub container: &'a str,
    /// The file's name, already checked.
    pub name: &'a str,
    /// The hash as the API will show it.
    pub hash: String,
    /// The metadata, already checked; without the name.
    pub metadata: Map<String, Value>,
}

/// Stores received bytes in a container: as a new file, or as the next version of the file of that
/// name.
pub fn store(
    writer: &mut Writer<'_>,
    received: Received,
    file: NewFile<'_>,
) -> Result<FileRecord, ApiError> {
    let NewFile {
        container,
        name,
        hash,
        metadata,
    } = file;
    let before = writer
        .index()
        .file(container, name)
        .cloned();
    let number = before.as_ref().map_or(1, |file| {
        file.current
            .number
            .saturating_add(1)
    });
    let stored = match &before {
        Some(file) => file.current.stored.clone(),
        None => writer.free_path(Some(container), name),
    };
    let current = Version {
        id: uuid(),
        number,
        size: received.size,
        hash,
        metadata,
        stored,
        created: Utc::now(),
    };
    let record = match before.clone() {
        Some(file) => replace_version(writer.store(), file, current)?,
        None => FileRecord {
            file_id: writer.index().fresh_id(),
            container: container.to_owned(),
            name: name.to_owned(),
            current,
            older: Vec::new(),
            deleted: None,
        },
    };
    let path = writer
        .store()
        .path(&record.current.stored);
    let renamed = received
        .rename(&path)
        .map_err(ApiError::from);
    let done = renamed.and_then(|()| writer.put(Change::File(record.clone())));
    if done.is_err() {
        // the version before stays the current one
        let _ = before.map_or_else(
            || fs::remove_file(&path),
            |file| writer.store().restore(&file),
        );
    }
    done.map(|()| record)
}

/// Marks a file as deleted and moves its bytes to the old versions, so that its name is free again.
pub fn delete(writer: &mut Writer<'_>, mut file: FileRecord) -> Result<(), ApiError> {
    let before = file.clone();
    keep(writer.store(), &file.file_id, &mut file.current)?;
    file.deleted = Some(Utc::now());
    writer
        .put(Change::File(file))
        .inspect_err(|_| drop(writer.store().restore(&before)))
}

fn replace_version(
    store: &Store,
    mut file: FileRecord,
    current: Version,
) -> io::Result<FileRecord> {
    let mut old = std::mem::replace(&mut file.current, current);
    keep(store, &file.file_id, &mut old)?;
    file.older.push(old);
    Ok(file)
}

/// Moves the bytes of a version to where old versions lie.
fn keep(store: &Store, file_id: &str, version: &mut Version) -> io::Result<()> {
    let kept = Store::kept_path(file_id, version.number);
    let target = store.path(&kept);
    if let Some(folder) = target.parent() {
        private_dir(folder)?;
    }
    // Missing where it was discarded when it arrived.
    unless_missing(fs::rename(store.path(&version.stored), target))?;
    version.stored = kept;
    Ok(())
}
