//! Bytes on their way into the sandbox and out of it: received under a temporary name, renamed when
//! they are whole, the version before kept.
//!
//! Must never leave half a file under a final name, and never hold a file in memory.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::Utc;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha384};
use tokio::io::AsyncWriteExt as _;

use super::errors::ApiError;
use super::index::Change;
use super::model::{FileRecord, Version, hex, uuid};
use super::store::{Store, Writer, private_dir, private_options};

/// A temporary file; gone when dropped, unless it was placed.
#[derive(Debug)]
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
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
    size: u64,
}

/// Where arriving bytes are kept, and the hash of those that came.
#[derive(Debug)]
struct Kept {
    file: tokio::fs::File,
    temporary: Temporary,
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
        let file = private_options().write(true).create_new(true).open(&path)?;
        let temporary = Temporary(Some(path));
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

    /// How many bytes have come.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the file.
    pub async fn finish(self) -> io::Result<Received> {
        let Some(mut kept) = self.kept else {
            return Ok(Received {
                temporary: Temporary(None),
                size: self.size,
                sha384: None,
            });
        };
        kept.file.flush().await?;
        Ok(Received {
            temporary: kept.temporary,
            size: self.size,
            sha384: Some(hex(&kept.hash.finalize())),
        })
    }
}

/// Bytes that are all there, still under a temporary name.
#[derive(Debug)]
pub struct Received {
    temporary: Temporary,
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

    /// Their hash as the API shows it; nothing where they were not kept.
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

/// What is to be filed.
#[derive(Debug)]
pub struct Placement<'a> {
    /// The container's id; it must exist.
    pub container: &'a str,
    /// The file's name, already checked.
    pub name: &'a str,
    /// The hash as the API will show it.
    pub hash: String,
    /// The metadata, already checked; without the name.
    pub metadata: Map<String, Value>,
}

/// Files received bytes in a container: as a new file, or as the next version of the one of that
/// name.
pub fn place(
    writer: &mut Writer<'_>,
    received: Received,
    placement: Placement<'_>,
) -> Result<FileRecord, ApiError> {
    let Placement {
        container,
        name,
        hash,
        metadata,
    } = placement;
    let before = writer.index().file(container, name).cloned();
    let number = before
        .as_ref()
        .map_or(1, |file| file.current.number.saturating_add(1));
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
        Some(file) => {
            succeed(writer.store(), file, current).map_err(|error| ApiError::disk(&error))?
        }
        None => FileRecord {
            file_id: writer.index().fresh_id(),
            container: container.to_owned(),
            name: name.to_owned(),
            current,
            older: Vec::new(),
            deleted: None,
        },
    };
    let path = writer.store().path(&record.current.stored);
    let renamed = received
        .rename(&path)
        .map_err(|error| ApiError::disk(&error));
    let done = renamed.and_then(|()| writer.put(Change::File(record.clone())));
    if done.is_err() {
        // what was there before stays what is there
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
    keep(writer.store(), &file.file_id, &mut file.current)
        .map_err(|error| ApiError::disk(&error))?;
    file.deleted = Some(Utc::now());
    writer
        .put(Change::File(file))
        .inspect_err(|_| drop(writer.store().restore(&before)))
}

fn succeed(store: &Store, mut file: FileRecord, current: Version) -> io::Result<FileRecord> {
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
    match fs::rename(store.path(&version.stored), target) {
        // Discarded when it came.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    version.stored = kept;
    Ok(())
}
