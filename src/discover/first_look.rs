//! The first look at each file: what it is, and what follows from how it was reached.
//!
//! Owns that a file on disk is opened once for it. What needs no more than the first bytes is settled
//! wherever there is time; archives are walked in their turn, one after the other.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use super::archive::{self, Archive};
use super::classify::{self, Seen};
use super::filters::{FilteredPath, Filters};
use super::members::{self, MemberWalk, NamedMembers, SEPARATOR, Visited};
use super::opened::OpenedFile;
use super::walk::{Listed, ListedFile, NamedByArchive, Root, io_failure};
use super::{DiscoveredFile, Discovery, Found, SkipReason};
use crate::cli::Archives;
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{self as dicom, Sniff};

/// What was seen.
pub enum Looked<T> {
    /// It is known what becomes of the file; what was found out beyond that, where it is DICOM.
    Settled(Found, Option<T>),
    /// It may be an archive that is read as a folder.
    Archive {
        file: DiscoveredFile,
        listed: ListedFile,
    },
    /// The archive of members that were named one by one.
    Members(Root),
}

/// Visits a file that was found.
pub type Visit<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

/// Looks at files, and into archives.
pub struct FirstLook<'a> {
    pub discovery: &'a Discovery,
    pub members: &'a NamedByArchive,
}

impl FirstLook<'_> {
    /// Looks at a file that was listed. `further` is asked while a DICOM file is open.
    pub fn at<T>(
        &self,
        listed: Listed,
        further: &(dyn Fn(&DiscoveredFile, &OpenedFile) -> T + Sync),
    ) -> Looked<T> {
        match listed {
            Listed::File(listed) => self.file(listed, further),
            Listed::Members(root) => Looked::Members(root),
            Listed::Settled(found) => Looked::Settled(found, None),
        }
    }

    fn file<T>(
        &self,
        listed: ListedFile,
        further: &(dyn Fn(&DiscoveredFile, &OpenedFile) -> T + Sync),
    ) -> Looked<T> {
        let Discovery {
            other_files,
            archives,
            follow,
            ..
        } = *self.discovery;
        let opened = match OpenedFile::new(&listed.path) {
            Ok(opened) => opened,
            Err(_) if !listed.taken => return Looked::Settled(excluded(listed), None),
            Err(error) => {
                // What may not even be looked at is another failure than what may not be read.
                let failure = match unseen(&listed, follow) {
                    Some(failure) => failure,
                    None => error.into(),
                };
                let path = listed.path;
                return Looked::Settled(Found::Failed { path, failure }, None);
            }
        };
        let source = &opened.source;
        if listed
            .expected
            .is_some_and(|expected| !expected.is_as_it_was(source.len(), source.modified()))
        {
            let path = listed.path;
            let failure = FileFailure::new(FileCode::DiscoverChangedSincePlan, "");
            return Looked::Settled(Found::Failed { path, failure }, None);
        }
        let file = DiscoveredFile {
            path: listed.path.clone(),
            len: source.len(),
            named: listed.named,
            root: listed.root.clone(),
            inside: None,
            expected: listed.expected,
        };
        let head = opened.sniffed_bytes();
        let sniffed = dicom::sniff(&head);
        if sniffed == Sniff::No && file.len > 0 {
            if archives == Archives::Read {
                if may_be_folder(&head) {
                    return Looked::Archive { file, listed };
                }
            } else if listed.taken
                && let Some(unread) = classify::unread(&file, &opened, archives == Archives::Fail)
            {
                return Looked::Settled(unread, None);
            }
        }
        if !listed.taken {
            return Looked::Settled(excluded(listed), None);
        }
        let found = classify::judge(file, Seen::Open(&opened), sniffed, false, other_files);
        let more = match &found {
            Found::Dicom(file) => Some(further(file, &opened)),
            _ => None,
        };
        Looked::Settled(found, more)
    }

    /// Visits the members of a file, or the file itself where it turns out to be no archive that is
    /// read.
    pub fn archive(
        &self,
        file: DiscoveredFile,
        listed: ListedFile,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        let named = self
            .members
            .get(&listed.canonical)
            .map(|paths| NamedMembers { paths, turn: false });
        let other_files = self.discovery.other_files;
        let walk = MemberWalk {
            other_files,
            takes: &|file| self.filter_member(file, Filters::take),
            may_take_inside: &|file| self.filter_member(file, Filters::may_take_members),
            named,
        };
        let without_dicom = match members::visit(&file, &walk, visit) {
            Visited::Members(flow) => return flow,
            Visited::NoDicom => true,
            Visited::NoArchive => false,
        };
        visit(if listed.taken {
            classify::judge(file, Seen::Closed, Sniff::No, without_dicom, other_files)
        } else {
            excluded(listed)
        })
    }

    /// Visits the members that were named, and says which of them are not there.
    pub fn named_members(&self, root: Root, visit: Visit<'_>) -> ControlFlow<()> {
        let Some(named) = self.members.get(&root.canonical) else {
            return ControlFlow::Continue(());
        };
        let file = DiscoveredFile {
            root: root.path.clone(),
            path: root.path,
            len: root.metadata.len(),
            named: true,
            inside: None,
            expected: None,
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
}

fn excluded(listed: ListedFile) -> Found {
    Found::Skipped {
        path: listed.path,
        reason: SkipReason::Excluded,
        len: 0,
    }
}

/// Whether what begins like this may be an archive that is read as a folder.
fn may_be_folder(head: &[u8]) -> bool {
    match Archive::of(head) {
        Some(Archive::Zip) => !archive::is_document(head),
        Some(Archive::Tar | Archive::Gzip) => true,
        Some(Archive::Zlib | Archive::Closed(_)) | None => false,
    }
}

/// Why a file that a walk reached cannot be looked at, where it is not only its content that cannot
/// be read.
fn unseen(listed: &ListedFile, follow: bool) -> Option<FileFailure> {
    if listed.named {
        return None;
    }
    let metadata = if follow {
        fs::metadata(&listed.path)
    } else {
        fs::symlink_metadata(&listed.path)
    };
    metadata
        .err()
        .map(|error| io_failure(&error))
}
