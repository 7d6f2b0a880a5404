//! The files of a series, in as little memory as they need: an index of a million instances has to
//! fit beside everything else.
//!
//! Owns how a path, a length and a time are kept; what comes out is what went in, byte for byte.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::Indexed;
use crate::rules::RuleNumber;
use crate::subjects::RowId;
use dicom_lossless::{SourceFile, Stored};

/// A folder with files, and the named path that led to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    path: PathBuf,
    root: Arc<PathBuf>,
}

/// Files in the order in which they were found.
#[derive(Debug, Default)]
pub struct SeriesFiles {
    entries: Vec<Entry>,
    /// The names of all, one after the other.
    names: String,
    /// Paths that a folder and a name do not make: names that are no text, spellings with a detour.
    odd: HashMap<usize, PathBuf>,
    /// Small files that were read whole for the index.
    read: HashMap<usize, Bytes>,
    /// Rows in the table of subjects; shorter than the files, or empty, where the rest has none.
    rows: Vec<Option<RowId>>,
    /// The rules that take them, likewise.
    rules: Vec<Option<RuleNumber>>,
    /// Where members of archives lie; shorter than the files, or empty, where the rest is on disk.
    inside: Vec<Option<Arc<dyn Stored>>>,
}

#[derive(Debug)]
struct Entry {
    folder: Arc<Folder>,
    /// Where its name ends; it begins where the one before ends.
    name_end: usize,
    len: u64,
    modified: Option<SystemTime>,
}

impl SeriesFiles {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether some of them are members of archives.
    pub fn is_in_archives(&self) -> bool {
        !self.inside.is_empty()
    }

    /// Their lengths in bytes.
    pub fn lengths(&self) -> impl Iterator<Item = u64> {
        self.entries
            .iter()
            .map(|entry| entry.len)
    }

    /// The files, made anew from what is kept.
    pub fn iter(&self) -> impl Iterator<Item = Indexed> {
        let begins = std::iter::once(0).chain(
            self.entries
                .iter()
                .map(|entry| entry.name_end),
        );
        begins
            .zip(&self.entries)
            .enumerate()
            .map(|(at, (begin, entry))| {
                let name = self
                    .names
                    .get(begin..entry.name_end)
                    .unwrap_or_default();
                let path = self
                    .odd
                    .get(&at)
                    .cloned()
                    .unwrap_or_else(|| entry.folder.path.join(name));
                let file = match self
                    .inside
                    .get(at)
                    .cloned()
                    .flatten()
                {
                    Some(inside) => SourceFile::inside(&path, entry.len, inside),
                    None => SourceFile::as_it_was(&path, entry.len, entry.modified),
                };
                let root = Arc::clone(&entry.folder.root);
                Indexed {
                    path: Arc::new(path),
                    root,
                    file: Arc::new(file),
                    read: self.read.get(&at).cloned(),
                    row: self.rows.get(at).copied().flatten(),
                    rule: self
                        .rules
                        .get(at)
                        .copied()
                        .flatten(),
                    sent: None,
                }
            })
    }

    /// Gives back what was reserved for more.
    pub(super) fn give_back_room(&mut self) {
        self.entries.shrink_to_fit();
        self.names.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.rules.shrink_to_fit();
        self.inside.shrink_to_fit();
    }

    /// Adds a file. `last` is the folder of the one before, which is mostly its own.
    pub(super) fn push(&mut self, indexed: Indexed, last: &mut Option<Arc<Folder>>) {
        let Indexed {
            path,
            root,
            file,
            read,
            row,
            rule,
            sent: _,
        } = indexed;
        let at = self.entries.len();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let folder = folder(
            path.parent()
                .unwrap_or(Path::new("")),
            &root,
            last,
        );
        if folder.path.join(name).as_os_str() == path.as_os_str() {
            if self.names.capacity() - self.names.len() < name.len() {
                self.names
                    .reserve_exact(name.len() + self.names.len() / 4);
            }
            self.names.push_str(name);
        } else {
            self.odd
                .insert(at, path.to_path_buf());
        }
        self.read
            .extend(read.map(|bytes| (at, bytes)));
        if row.is_some() {
            self.rows.resize(at, None);
            self.rows.push(row);
        }
        if rule.is_some() {
            self.rules.resize(at, None);
            self.rules.push(rule);
        }
        if let Some(inside) = file.stored() {
            self.inside.resize(at, None);
            self.inside
                .push(Some(Arc::clone(inside)));
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries
                .reserve_exact(4 + self.entries.len() / 4);
        }
        self.entries.push(Entry {
            folder,
            name_end: self.names.len(),
            len: file.len(),
            modified: file.modified(),
        });
    }
}

fn folder(path: &Path, root: &Arc<PathBuf>, last: &mut Option<Arc<Folder>>) -> Arc<Folder> {
    let same = last
        .as_ref()
        .filter(|last| last.path.as_os_str() == path.as_os_str() && last.root == *root);
    let folder = same.cloned().unwrap_or_else(|| {
        Arc::new(Folder {
            path: path.to_path_buf(),
            root: Arc::clone(root),
        })
    });
    *last = Some(Arc::clone(&folder));
    folder
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn indexed(path: impl Into<PathBuf>, len: u64, read: Option<&'static [u8]>) -> Indexed {
        let path = path.into();
        let file = Arc::new(SourceFile::as_it_was(
            &path,
            len,
            Some(SystemTime::UNIX_EPOCH),
        ));
        Indexed {
            path: Arc::new(path),
            root: Arc::new("study".into()),
            file,
            read: read.map(Bytes::from_static),
            row: None,
            rule: None,
            sent: None,
        }
    }

    #[test]
    fn what_comes_out_is_what_went_in() {
        let mut paths: Vec<PathBuf> = [
            "study/a/1.dcm",
            "study/a/2.dcm",
            "study/b/1.dcm",
            "2.dcm",
            "./x/../3.dcm",
            "study/./é.dcm",
        ]
        .map(Into::into)
        .into();
        #[cfg(unix)]
        paths.push(
            <OsString as std::os::unix::ffi::OsStringExt>::from_vec(b"study/\xff.dcm".to_vec())
                .into(),
        );
        paths.push(OsString::from("study/last").into());
        let (mut files, mut last) = (SeriesFiles::default(), None);
        for (len, path) in (1..).zip(&paths) {
            files.push(indexed(path, len, (len == 2).then_some(b"ab")), &mut last);
        }
        let out: Vec<Indexed> = files.iter().collect();
        let spelled: Vec<_> = out
            .iter()
            .map(|file| file.path.as_os_str().to_owned())
            .collect();
        assert_eq!(
            spelled,
            paths
                .iter()
                .map(|path| path.as_os_str().to_owned())
                .collect::<Vec<_>>()
        );
        assert!(
            out.iter()
                .all(|file| file.file.path() == file.path.as_path()
                    && file.root.as_path() == Path::new("study"))
        );
        assert_eq!(
            files.lengths().collect::<Vec<_>>(),
            (1..=paths.len() as u64).collect::<Vec<_>>()
        );
        assert_eq!(
            out.iter()
                .filter_map(|file| file.read.clone())
                .collect::<Vec<_>>(),
            [Bytes::from_static(b"ab")]
        );
    }

    #[test]
    fn an_entry_stays_small() {
        assert!(size_of::<Entry>() <= 40, "{}", size_of::<Entry>());
    }
}
