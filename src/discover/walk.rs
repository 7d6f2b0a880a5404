//! Walking the roots: each file once, in a fixed order, whatever the file system holds.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::classify;
use super::filters::{FilteredPath, Filters};
use super::members::{self, MemberWalk, NamedMembers, SEPARATOR, Visited};
use super::{DiscoveredFile, Discovery, Found, SkipReason};
use crate::cli::{Archives, RESERVED};
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{self as dicom, Sniff};

type Visit<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

/// A path that was named or listed, after a look at it.
struct Root {
    path: PathBuf,
    canonical: PathBuf,
    metadata: Metadata,
}

/// What a named path led to.
enum Named {
    Path(Root),
    /// The archive of members that were named one by one.
    Members(Root),
    Nothing(PathBuf, FileFailure),
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
    /// Members that were named one by one, by the canonical path of their archive; they have their
    /// own turn as well.
    members: HashMap<PathBuf, HashSet<Vec<u8>>>,
}

impl<'a> Walk<'a> {
    pub fn new(discovery: &'a Discovery) -> Self {
        Self {
            discovery,
            roots: HashSet::new(),
            seen: HashSet::new(),
            members: HashMap::new(),
        }
    }

    pub fn run(mut self, visit: Visit<'_>) -> ControlFlow<()> {
        for named in self.look_at_all() {
            match named {
                Named::Path(root) if root.metadata.is_dir() => self.folder(&root, visit)?,
                Named::Path(root) => self.named_file(root, visit)?,
                Named::Members(root) => self.named_members(root, visit)?,
                Named::Nothing(path, failure) => visit(Found::Failed { path, failure })?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Looks at what was named, each once.
    fn look_at_all(&mut self) -> Vec<Named> {
        let mut failed = HashSet::new();
        let mut all = Vec::new();
        for path in &self.discovery.paths {
            let failure = match look_at(path) {
                Ok(root) => {
                    if self
                        .roots
                        .insert(root.canonical.clone())
                    {
                        all.push(Named::Path(root));
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            let member = members::split(path)
                .and_then(|(archive, member)| Some((look_at(&archive).ok()?, member)));
            if let Some((archive, member)) = member {
                let members = self
                    .members
                    .entry(archive.canonical.clone())
                    .or_default();
                if members.is_empty() {
                    all.push(Named::Members(archive));
                }
                members.insert(member);
            } else if failed.insert(path) {
                all.push(Named::Nothing(path.clone(), failure));
            }
        }
        all
    }

    fn named_file(&mut self, root: Root, visit: Visit<'_>) -> ControlFlow<()> {
        if !root.metadata.is_file() {
            return visit(Found::Failed {
                path: root.path,
                failure: FileFailure::new(FileCode::DiscoverSpecial, ""),
            });
        }
        self.seen
            .insert(root.canonical.clone());
        let file = DiscoveredFile {
            root: root.path.clone(),
            path: root.path,
            len: root.metadata.len(),
            named: true,
            inside: None,
        };
        self.file(file, &root.canonical, true, visit)
    }

    /// Visits the members that were named, and says which of them are not there.
    fn named_members(&mut self, root: Root, visit: Visit<'_>) -> ControlFlow<()> {
        let Some(named) = self.members.get(&root.canonical) else {
            return ControlFlow::Continue(());
        };
        let file = DiscoveredFile {
            root: root.path.clone(),
            path: root.path,
            len: root.metadata.len(),
            named: true,
            inside: None,
        };
        if self.discovery.archives != Archives::Read {
            let failure = FileFailure::new(
                FileCode::DiscoverArchive,
                "a member was named, and `--archives` says that archives are not read",
            );
            return named.iter().try_for_each(|member| {
                visit(Found::Failed {
                    path: members::inside(&file.path, &String::from_utf8_lossy(member)),
                    failure: failure.clone(),
                })
            });
        }
        let mut missing: HashSet<&[u8]> = named
            .iter()
            .map(Vec::as_slice)
            .collect();
        let mut faulty = false;
        let begins = file
            .path
            .as_os_str()
            .as_encoded_bytes()
            .len()
            + SEPARATOR.len();
        let mut visit_one = |found: Found| {
            let path = found
                .path()
                .as_os_str()
                .as_encoded_bytes();
            match path.get(begins..) {
                Some(behind) => {
                    // A named archive in the archive is there where its members are.
                    missing.retain(|member| {
                        *member != behind
                            && !behind
                                .strip_prefix(*member)
                                .is_some_and(|rest| rest.starts_with(SEPARATOR.as_bytes()))
                    });
                }
                None => faulty = true,
            }
            visit(found)
        };
        let visited = members::visit(
            &file,
            &MemberWalk {
                other_files: self.discovery.other_files,
                takes: &|file| self.filter_member(file, Filters::take),
                may_take_inside: &|file| self.filter_member(file, Filters::may_take_members),
                named: Some(NamedMembers {
                    paths: named,
                    turn: true,
                }),
            },
            &mut visit_one,
        );
        if let Visited::Members(flow) = visited {
            flow?;
        }
        if faulty {
            return ControlFlow::Continue(());
        }
        let mut missing: Vec<_> = missing.into_iter().collect();
        missing.sort_unstable();
        missing
            .into_iter()
            .try_for_each(|member| {
                visit(Found::Failed {
                    path: members::inside(&file.path, &String::from_utf8_lossy(member)),
                    failure: FileFailure::new(
                        FileCode::DiscoverNotFound,
                        "the archive has no such member",
                    ),
                })
            })
    }

    /// Visits a file, or its members where it is an archive that is read. `taken` says whether the
    /// filters take the file itself.
    fn file(
        &self,
        file: DiscoveredFile,
        canonical: &Path,
        taken: bool,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        let Discovery {
            other_files,
            archives,
            ..
        } = *self.discovery;
        let excluded = |file: DiscoveredFile| Found::Skipped {
            path: file.path,
            reason: SkipReason::Excluded,
            len: 0,
        };
        let sniffed = match dicom::sniff(&file.path) {
            Ok(sniffed) => sniffed,
            Err(_) if !taken => return visit(excluded(file)),
            Err(error) => {
                return visit(Found::Failed {
                    path: file.path,
                    failure: error.into(),
                });
            }
        };
        let mut without_dicom = false;
        if sniffed == Sniff::No && file.len > 0 {
            if archives == Archives::Read {
                let named = self
                    .members
                    .get(canonical)
                    .map(|paths| NamedMembers { paths, turn: false });
                let walk = MemberWalk {
                    other_files,
                    takes: &|file| self.filter_member(file, Filters::take),
                    may_take_inside: &|file| self.filter_member(file, Filters::may_take_members),
                    named,
                };
                match members::visit(&file, &walk, visit) {
                    Visited::Members(flow) => return flow,
                    Visited::NoDicom => without_dicom = true,
                    Visited::NoArchive => {}
                }
            } else if taken
                && let Some(unread) = classify::unread(&file, archives == Archives::Fail)
            {
                return visit(unread);
            }
        }
        visit(if taken {
            classify::judge(file, sniffed, without_dicom, other_files)
        } else {
            excluded(file)
        })
    }

    fn filter_member<T>(
        &self,
        file: &DiscoveredFile,
        ask: impl FnOnce(&Filters, &FilteredPath<'_>) -> T,
    ) -> T {
        let (parts, slashes) = (file.relative(), file.relative_with_slashes());
        let parts = parts
            .split(SEPARATOR)
            .map(|part| part.trim_start_matches(['/', '\\']));
        let path = FilteredPath {
            slashes: Path::new(&slashes),
            parts: parts.collect(),
        };
        ask(&self.discovery.filters, &path)
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
                    self.entry(root, &entry, visit)?;
                }
                Err(error) => visit(self.walk_error(root, &error))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// What a walk reached, unless it is a root of its own.
    fn entry(&mut self, root: &Root, entry: &DirEntry, visit: Visit<'_>) -> ControlFlow<()> {
        let skip = |reason| Found::Skipped {
            path: entry.path().to_owned(),
            reason,
            len: 0,
        };
        let kind = entry.file_type();
        if kind.is_file() && self.is_another_root(root, entry.path()) {
            return ControlFlow::Continue(());
        }
        let taken = self.takes(root, entry.path());
        let is_looked_into = taken || (kind.is_file() && self.may_take_members(root, entry.path()));
        if !is_looked_into {
            return visit(skip(SkipReason::Excluded));
        }
        if kind.is_symlink() {
            return visit(skip(SkipReason::Symlink));
        }
        if !kind.is_file() {
            return visit(skip(SkipReason::Special));
        }
        if self.discovery.follow && !self.first_time(entry.path()) {
            return visit(skip(SkipReason::SameFile));
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return visit(self.walk_error(root, &error)),
        };
        let file = DiscoveredFile {
            path: entry.path().to_owned(),
            len: metadata.len(),
            named: false,
            root: root.path.clone(),
            inside: None,
        };
        let canonical = if self.members.is_empty() {
            PathBuf::new()
        } else {
            fs::canonicalize(entry.path()).unwrap_or_default()
        };
        self.file(file, &canonical, taken, visit)
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

    fn takes(&self, root: &Root, path: &Path) -> bool {
        path.strip_prefix(&root.path)
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
