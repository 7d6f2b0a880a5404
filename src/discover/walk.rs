//! Walking the roots: each file once, in a fixed order, whatever the file system holds.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::classify::classify;
use super::{DiscoveredFile, Discovery, Found, SkipReason};
use crate::cli::RESERVED;
use crate::failure::{FileCode, FileFailure};

type Visit<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

/// A path that was named or listed, after a look at it.
struct Root {
    path: PathBuf,
    canonical: PathBuf,
    metadata: Metadata,
}

/// One walk over all roots.
pub struct Walk<'a> {
    discovery: &'a Discovery,
    /// Canonical paths of the roots. A root inside another root is left to its own turn: named
    /// files keep their promise, named folders their own filters.
    roots: HashSet<PathBuf>,
    /// Canonical paths of the files reached. Only links can lead to a file twice, so it stays empty
    /// without `--follow`.
    seen: HashSet<PathBuf>,
}

impl<'a> Walk<'a> {
    pub fn new(discovery: &'a Discovery) -> Self {
        Self {
            discovery,
            roots: HashSet::new(),
            seen: HashSet::new(),
        }
    }

    pub fn run(mut self, visit: Visit<'_>) -> ControlFlow<()> {
        let mut failed = HashSet::new();
        let mut looked_at = Vec::new();
        for path in &self.discovery.paths {
            match look_at(path) {
                Ok(root)
                    if self
                        .roots
                        .insert(root.canonical.clone()) =>
                {
                    looked_at.push(Ok(root));
                }
                Err(failure) if failed.insert(path) => looked_at.push(Err((path.clone(), failure))),
                Ok(_) | Err(_) => {}
            }
        }
        for root in looked_at {
            match root {
                Ok(root) if root.metadata.is_dir() => self.folder(&root, visit)?,
                Ok(root) => visit(self.named_file(root))?,
                Err((path, failure)) => visit(Found::Failed { path, failure })?,
            }
        }
        ControlFlow::Continue(())
    }

    fn named_file(&mut self, root: Root) -> Found {
        if !root.metadata.is_file() {
            return Found::Failed {
                path: root.path,
                failure: FileFailure::new(FileCode::DiscoverSpecial, ""),
            };
        }
        self.seen.insert(root.canonical);
        let file = DiscoveredFile {
            root: root.path.clone(),
            path: root.path,
            len: root.metadata.len(),
            named: true,
        };
        classify(file, self.discovery.other_files)
    }

    fn folder(&mut self, root: &Root, visit: Visit<'_>) -> ControlFlow<()> {
        let mut entries = WalkDir::new(&root.path)
            .sort_by_file_name()
            .follow_links(self.discovery.follow)
            .into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                // The root itself, which may be a link: it was looked at before.
                Ok(entry) if entry.depth() == 0 => {}
                Ok(entry) if entry.file_type().is_dir() => {
                    if self.is_another_root(root, entry.path()) {
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) => {
                    if let Some(found) = self.entry(root, &entry) {
                        visit(found)?;
                    }
                }
                Err(error) => visit(self.walk_error(root, &error))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// What a walk reached. `None`: it is a root of its own.
    fn entry(&mut self, root: &Root, entry: &DirEntry) -> Option<Found> {
        let skip = |reason| {
            Some(Found::Skipped {
                path: entry.path().to_owned(),
                reason,
                len: 0,
            })
        };
        let kind = entry.file_type();
        if kind.is_file() && self.is_another_root(root, entry.path()) {
            return None;
        }
        if !self.takes(root, entry.path()) {
            return skip(SkipReason::Excluded);
        }
        if kind.is_symlink() {
            return skip(SkipReason::Symlink);
        }
        if !kind.is_file() {
            return skip(SkipReason::Special);
        }
        if self.discovery.follow && !self.first_time(entry.path()) {
            return skip(SkipReason::SameFile);
        }
        Some(match entry.metadata() {
            Ok(metadata) => {
                let (path, root) = (entry.path().to_owned(), root.path.clone());
                classify(
                    DiscoveredFile {
                        path,
                        len: metadata.len(),
                        named: false,
                        root,
                    },
                    self.discovery.other_files,
                )
            }
            Err(error) => self.walk_error(root, &error),
        })
    }

    fn takes(&self, root: &Root, path: &Path) -> bool {
        path.strip_prefix(&root.path)
            .is_ok_and(|relative| {
                self.discovery
                    .filters
                    .take(relative)
            })
    }

    /// Whether a walked path is itself a root, spelled without detour over a link.
    fn is_another_root(&self, root: &Root, path: &Path) -> bool {
        self.roots.len() > 1
            && path
                .strip_prefix(&root.path)
                .is_ok_and(|relative| {
                    self.roots
                        .contains(&root.canonical.join(relative))
                })
    }

    /// Whether the file behind a path was not reached before by another one. The roots count as
    /// reached: they have their own turn.
    fn first_time(&mut self, path: &Path) -> bool {
        match fs::canonicalize(path) {
            Ok(canonical) => !self.roots.contains(&canonical) && self.seen.insert(canonical),
            // Opening it is going to say what is wrong.
            Err(_) => true,
        }
    }

    fn walk_error(&self, root: &Root, error: &walkdir::Error) -> Found {
        let path = error
            .path()
            .unwrap_or(&root.path)
            .to_owned();
        if path != root.path && !self.takes(root, &path) {
            return Found::Skipped {
                path,
                reason: SkipReason::Excluded,
                len: 0,
            };
        }
        let failure = match error.io_error() {
            _ if error.loop_ancestor().is_some() => FileFailure::new(FileCode::DiscoverLoop, ""),
            Some(cause) => io_failure(cause),
            None => FileFailure::new(FileCode::DiscoverUnreadable, ""),
        };
        Found::Failed { path, failure }
    }
}

/// A look at a named path; a link is followed, because it was named.
fn look_at(path: &Path) -> Result<Root, FileFailure> {
    let look = || {
        Ok(Root {
            path: path.to_owned(),
            canonical: fs::canonicalize(path)?,
            metadata: fs::metadata(path)?,
        })
    };
    look().map_err(|error: io::Error| {
        let failure = io_failure(&error);
        match not_there(path).filter(|_| failure.code == FileCode::DiscoverNotFound) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })
}

/// What was probably meant by a path that does not exist.
fn not_there(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    if let Some(word) = RESERVED
        .iter()
        .find(|word| text == **word)
    {
        return Some(format!(
            "`{word}` is a command only as the first argument; a folder is `./{word}`"
        ));
    }
    if text.starts_with('~') {
        return Some(
            "`~` stands for the home folder only where a shell expands it: leave out the quotes, \
                or write the folder out"
                .into(),
        );
    }
    if text.contains(['*', '?', '[']) {
        return Some(
            "patterns are expanded by the shell, where they match something and stand outside of \
                quotes: name the folder, and \
                     choose in it with `--include`"
                .into(),
        );
    }
    None
}

fn io_failure(error: &io::Error) -> FileFailure {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            FileFailure::new(FileCode::DiscoverNotFound, "")
        }
        _ => FileFailure::new(FileCode::DiscoverUnreadable, error.to_string()),
    }
}
