//! Walking the roots: each file once, in a fixed order, whatever the file system holds.
//!
//! Owns the list alone: what a file is, others find out while it goes on.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer;
use walkdir::{DirEntry, WalkDir};

use super::filters::FilteredPath;
use super::look_pool::Give;
use super::members;
use super::{Discovery, Found, SkipReason};
use crate::cli::{Archives, RESERVED};
use crate::failure::{FileCode, FileFailure};
use crate::shard_plan::{ExpectedFile, PlannedEntry, PlannedList};

/// What a walk reaches.
pub enum Listed {
    /// A file to be looked at.
    File(ListedFile),
    /// The archive of members that were named one by one.
    Members(Root),
    /// What needs no look.
    Settled(Found),
}

/// A file that was not opened yet.
pub struct ListedFile {
    pub path: PathBuf,
    /// It was named or listed, not found by walking.
    pub named: bool,
    /// The named path that led to it.
    pub root: PathBuf,
    /// Its path without links, where that is needed to tell it.
    pub canonical: PathBuf,
    /// Whether the filters take the file itself.
    pub taken: bool,
    /// What a plan says of it, where it is read by one.
    pub expected: Option<ExpectedFile>,
}

/// A path that was named or listed, after a look at it.
pub struct Root {
    pub path: PathBuf,
    pub canonical: PathBuf,
    pub metadata: Metadata,
}

/// What a named path led to.
enum Named {
    Path(Root),
    /// The archive of members that were named one by one.
    Members(Root),
    Nothing(PathBuf, FileFailure),
}

/// Members that were named one by one, by the canonical path of their archive; they have their own
/// turn.
pub type NamedByArchive = HashMap<PathBuf, HashSet<Vec<u8>>>;

/// One walk over all roots.
pub struct Walk<'a> {
    discovery: &'a Discovery,
    named: Vec<Named>,
    /// Canonical paths of the roots. A root inside another root is left to its own turn: named
    /// files keep their promise, named folders their own filters.
    roots: HashSet<PathBuf>,
    /// Canonical paths of the files reached. Only links can lead to a file twice, so it stays empty
    /// without `--follow`.
    seen: HashSet<PathBuf>,
    /// Whether files are told by their canonical path.
    has_members: bool,
}

impl<'a> Walk<'a> {
    /// Looks at what was named, each once.
    pub fn new(discovery: &'a Discovery) -> (Self, NamedByArchive) {
        let mut walk = Self {
            discovery,
            named: Vec::new(),
            roots: HashSet::new(),
            seen: HashSet::new(),
            has_members: false,
        };
        let members = walk.look_at_all();
        walk.has_members = !members.is_empty();
        (walk, members)
    }

    /// Lists everything, once.
    pub fn list(&mut self, give: Give<'_, Listed>) {
        if let Some(planned) = &self.discovery.planned {
            // Whether more is wanted makes no difference: this is all.
            let (ControlFlow::Continue(()) | ControlFlow::Break(())) = self.planned(planned, give);
            return;
        }
        for named in std::mem::take(&mut self.named) {
            let flow = match named {
                Named::Path(root) if root.metadata.is_dir() => self.folder(&root, give),
                Named::Path(root) => self.named_file(root, give),
                Named::Members(root) => give(Listed::Members(root)),
                Named::Nothing(path, failure) => {
                    give(Listed::Settled(Found::Failed { path, failure }))
                }
            };
            if flow.is_break() {
                return;
            }
        }
    }

    fn look_at_all(&mut self) -> NamedByArchive {
        let mut failed = HashSet::new();
        let mut by_archive = NamedByArchive::new();
        if self.discovery.planned.is_some() {
            return by_archive;
        }
        for path in &self.discovery.paths {
            let failure = match look_at(path) {
                Ok(root) => {
                    if self
                        .roots
                        .insert(root.canonical.clone())
                    {
                        self.named.push(Named::Path(root));
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            let member = members::split(path)
                .and_then(|(archive, member)| Some((look_at(&archive).ok()?, member)));
            if let Some((archive, member)) = member {
                let members = by_archive
                    .entry(archive.canonical.clone())
                    .or_default();
                if members.is_empty() {
                    self.named
                        .push(Named::Members(archive));
                }
                members.insert(member);
            } else if failed.insert(path) {
                self.named
                    .push(Named::Nothing(path.clone(), failure));
            }
        }
        by_archive
    }

    /// Lists what the part of a plan has, in the place of walking.
    fn planned(&self, list: &PlannedList, give: Give<'_, Listed>) -> ControlFlow<()> {
        let unreadable = |error: &io::Error| {
            Listed::Settled(Found::Failed {
                path: list.path().to_owned(),
                failure: io_failure(error),
            })
        };
        let entries = match list.entries() {
            Ok(entries) => entries,
            Err(error) => return give(unreadable(&error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => give(self.planned_entry(entry))?,
                // What stands behind it is not known: no word of it would be trusted.
                Err(error) => return give(unreadable(&error)),
            }
        }
        ControlFlow::Continue(())
    }

    fn planned_entry(&self, entry: PlannedEntry) -> Listed {
        match entry {
            PlannedEntry::File {
                path,
                input,
                named,
                expected,
            } => {
                let root = self
                    .discovery
                    .paths
                    .get(input)
                    .cloned()
                    .unwrap_or_else(|| path.clone());
                let taken = named || self.takes(&root, &path);
                Listed::File(ListedFile {
                    path,
                    named,
                    root,
                    canonical: PathBuf::new(),
                    taken,
                    expected: Some(expected),
                })
            }
            PlannedEntry::Skipped { path, reason } => {
                let reason: Result<_, serde::de::value::Error> =
                    SkipReason::deserialize(reason.as_str().into_deserializer());
                Listed::Settled(match reason {
                    Ok(reason) => Found::Skipped {
                        path,
                        reason,
                        len: 0,
                    },
                    Err(_) => Found::Failed {
                        path,
                        failure: FileFailure::new(
                            FileCode::DiscoverChangedSincePlan,
                            "the plan leaves it out for a reason that is not known",
                        ),
                    },
                })
            }
            PlannedEntry::Failed { path, code } => Listed::Settled(Found::Failed {
                path,
                failure: FileFailure::new(
                    FileCode::DiscoverUnreadable,
                    format!("{code} when the plan was made"),
                )
                .with_hint("correct that, and make a new plan with `fwupload plan`"),
            }),
        }
    }

    fn named_file(&mut self, root: Root, give: Give<'_, Listed>) -> ControlFlow<()> {
        if !root.metadata.is_file() {
            return give(Listed::Settled(Found::Failed {
                path: root.path,
                failure: FileFailure::new(FileCode::DiscoverSpecial, ""),
            }));
        }
        self.seen
            .insert(root.canonical.clone());
        give(Listed::File(ListedFile {
            root: root.path.clone(),
            path: root.path,
            named: true,
            canonical: root.canonical,
            taken: true,
            expected: None,
        }))
    }

    fn folder(&mut self, root: &Root, give: Give<'_, Listed>) -> ControlFlow<()> {
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
                    self.entry(root, &entry, give)?;
                }
                Err(error) => give(Listed::Settled(self.walk_error(root, &error)))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// What a walk reached, unless it is a root of its own.
    fn entry(&mut self, root: &Root, entry: &DirEntry, give: Give<'_, Listed>) -> ControlFlow<()> {
        let mut skip = |reason| {
            give(Listed::Settled(Found::Skipped {
                path: entry.path().to_owned(),
                reason,
                len: 0,
            }))
        };
        let kind = entry.file_type();
        if kind.is_file() && self.is_another_root(root, entry.path()) {
            return ControlFlow::Continue(());
        }
        let taken = self.takes(&root.path, entry.path());
        let is_looked_into = taken || (kind.is_file() && self.may_take_members(root, entry.path()));
        if !is_looked_into {
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
        let canonical = if self.has_members {
            fs::canonicalize(entry.path()).unwrap_or_default()
        } else {
            PathBuf::new()
        };
        give(Listed::File(ListedFile {
            path: entry.path().to_owned(),
            named: false,
            root: root.path.clone(),
            canonical,
            taken,
            expected: None,
        }))
    }

    /// Whether a file that no filter takes is looked at as an archive, of which members may be
    /// taken.
    fn may_take_members(&self, root: &Root, path: &Path) -> bool {
        self.discovery.archives == Archives::Read
            && members::is_named_as_archive(path)
            && path
                .strip_prefix(&root.path)
                .is_ok_and(|relative| {
                    self.discovery
                        .filters
                        .may_take_members(&FilteredPath::on_disk(relative))
                })
    }

    fn takes(&self, root: &Path, path: &Path) -> bool {
        path.strip_prefix(root)
            .is_ok_and(|relative| {
                self.discovery
                    .filters
                    .take(&FilteredPath::on_disk(relative))
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
        if path != root.path && !self.takes(&root.path, &path) {
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

/// The failure of what a walk cannot look at.
pub fn io_failure(error: &io::Error) -> FileFailure {
    match error.kind() {
        // The last is what Windows says of a pattern that no shell expanded.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            FileFailure::new(FileCode::DiscoverNotFound, "")
        }
        _ => FileFailure::new(FileCode::DiscoverUnreadable, error.to_string()),
    }
}
