//! Archives as folders: their members, found and judged like files.
//!
//! Owns which archives are opened and how far, and what is wrong with a member. A member is read
//! where it lies (see [`Store`]); nothing is written anywhere, and no name of a member becomes a
//! path on disk. Where it is not sure what a member is, the member fails; where it is not sure what
//! the archive is, all of it fails.

mod names;
mod store;
mod tar;
mod zip;
mod zip_records;

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use super::archive::{self, Archive};
use super::classify::{self, Seen};
use super::{DiscoveredFile, Found, SkipReason, lists};
use crate::cli::OtherFiles;
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{self as dicom, FileErrorKind, Sniff, SourceFile, Stored};

pub use names::SEPARATOR;
use store::Store;
pub use tar::size as tar_size;

/// Bytes of a member by which it is judged.
const HEAD: u64 = 4096;
/// Members of one archive, those of archives in it counted too.
const MOST_MEMBERS: u64 = 1_000_000;
/// Bytes that any archive may inflate to.
const ALWAYS_INFLATES: u64 = 4 << 30;
/// Bytes that an archive may inflate to for each of its own.
const MOST_INFLATED: u64 = 250;
/// Archives inside one another.
const MOST_NESTED: usize = 2;

/// What is wrong with one member.
pub struct MemberFault(FileFailure);

impl MemberFault {
    fn new(code: FileCode, why: &'static str) -> Self {
        Self(FileFailure::new(code, why))
    }
}

/// A member as its archive lists it.
struct Member {
    name: String,
    found: Result<Arc<Store>, MemberFault>,
    /// Its first bytes, where they were at hand.
    head: Option<Bytes>,
}

type VisitMembers<'a> = &'a mut dyn FnMut(Member) -> ControlFlow<()>;

fn damaged_archive(why: &'static str) -> FileFailure {
    FileFailure::new(FileCode::DiscoverDamagedArchive, why)
}

/// The failure for an error met while an archive was read, not one of its members.
fn reading(error: io::Error) -> FileFailure {
    let ends = error.kind() == io::ErrorKind::UnexpectedEof;
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<dicom::FileError>());
    match inner {
        None if ends => damaged_archive("it breaks off"),
        Some(inner) if inner.kind == FileErrorKind::DamagedMember => {
            FileFailure::new(FileCode::DiscoverDamagedArchive, inner.detail())
        }
        _ => dicom::FileError::from(error).into(),
    }
}

/// What is left of the bounds of one archive on disk.
struct Bounds {
    members: Cell<u64>,
    inflated: Cell<u64>,
}

impl Bounds {
    fn of(len: u64) -> Self {
        Self {
            members: Cell::new(MOST_MEMBERS),
            inflated: Cell::new(
                len.saturating_mul(MOST_INFLATED)
                    .saturating_add(ALWAYS_INFLATES),
            ),
        }
    }

    fn member(&self) -> Result<(), FileFailure> {
        Self::take(&self.members, 1, "it has more than 1,000,000 members")
    }

    fn inflates(&self, to: u64) -> Result<(), FileFailure> {
        let why = "it inflates to more than 4 GiB and 250 times its size";
        Self::take(&self.inflated, to, why)
    }

    fn take(left: &Cell<u64>, taken: u64, why: &'static str) -> Result<(), FileFailure> {
        let less = left.get().checked_sub(taken);
        left.set(less.ok_or_else(|| FileFailure::new(FileCode::DiscoverArchiveLimit, why))?);
        Ok(())
    }
}

/// An archive whose end was seen.
enum OpenArchive {
    Zip(zip::Zip),
    Tar(tar::Tar),
    /// A gzip that holds one file.
    One {
        name: String,
        store: Arc<Store>,
    },
}

impl OpenArchive {
    /// Opens what begins as an archive. None where it is none that is read as a folder: a document,
    /// or a single compressed file that is not DICOM.
    fn open(
        store: &Arc<Store>,
        name: &str,
        head: &Bytes,
        bounds: &Bounds,
    ) -> Result<Option<Self>, FileFailure> {
        let store = store.as_archive();
        Ok(match Archive::of(head) {
            Some(Archive::Zip) if !archive::is_document(head) => {
                store.verify()?;
                Some(Self::Zip(zip::Zip::open(&store, bounds)?))
            }
            Some(Archive::Tar) => {
                store.verify()?;
                Some(Self::Tar(tar::Tar::open(&store, bounds)?))
            }
            Some(Archive::Gzip) => Self::gzip(&store, name, bounds)?,
            _ => None,
        })
    }

    fn gzip(store: &Arc<Store>, name: &str, bounds: &Bounds) -> Result<Option<Self>, FileFailure> {
        let mut inside = Vec::new();
        let first = MultiGzDecoder::new(io::BufReader::new(store.open()?))
            .take(HEAD)
            .read_to_end(&mut inside);
        let inside = Bytes::from(inside);
        let is_tar = Archive::of(&inside) == Some(Archive::Tar);
        let is_zip = Archive::of(&inside) == Some(Archive::Zip) && !archive::is_document(&inside);
        if !is_tar && !is_zip && dicom::sniff(&inside) == Sniff::No {
            return Ok(None);
        }
        first.map_err(|_| damaged_archive("it does not inflate"))?;
        let len = inflated_length(store, bounds)?;
        let inside = Arc::new(Store::Gzip {
            of: Arc::clone(store),
            len,
            kept: Arc::default(),
        });
        if is_tar {
            return Ok(Some(Self::Tar(tar::Tar::open(&inside, bounds)?)));
        }
        bounds.member()?;
        let inner = name
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default();
        let ending = inner
            .len()
            .checked_sub(3)
            .filter(|at| *at > 0 && inner.is_char_boundary(*at));
        let inner = match ending.map(|at| inner.split_at(at)) {
            Some((inner, ending)) if ending.eq_ignore_ascii_case(".gz") => inner,
            _ => inner,
        };
        Ok(Some(Self::One {
            name: inner.to_owned(),
            store: inside,
        }))
    }

    fn each(&self, visit: VisitMembers<'_>) -> Result<ControlFlow<()>, FileFailure> {
        match self {
            Self::Zip(zip) => zip.each(visit),
            Self::Tar(tar) => tar.each(visit),
            Self::One { name, store } => Ok(visit(Member {
                name: name.clone(),
                found: Ok(Arc::clone(store)),
                head: None,
            })),
        }
    }

    /// Whether it has a member that is DICOM, or of which that cannot be said.
    fn may_hold_dicom(&self, bounds: &Bounds, depth: usize) -> Result<bool, FileFailure> {
        let walked = self.each(&mut |member| {
            let Ok(store) = &member.found else {
                return ControlFlow::Break(());
            };
            match may_be_dicom(store, &member, bounds, depth) {
                Ok(false) => ControlFlow::Continue(()),
                Ok(true) | Err(_) => ControlFlow::Break(()),
            }
        })?;
        Ok(walked.is_break())
    }
}

/// Whether a member is DICOM or holds some, as far as that can be said.
fn may_be_dicom(
    store: &Arc<Store>,
    member: &Member,
    bounds: &Bounds,
    depth: usize,
) -> Result<bool, FileFailure> {
    let head = match &member.head {
        Some(head) => head.clone(),
        None => head_of(store)?,
    };
    if dicom::sniff(&head) != Sniff::No {
        return Ok(true);
    }
    match Archive::of(&head) {
        None => Ok(false),
        // Whatever it is, it has its own outcome.
        Some(Archive::Closed(_)) => Ok(true),
        Some(_) => {
            // Counted where it is read.
            let bounds = Bounds {
                members: bounds.members.clone(),
                inflated: bounds.inflated.clone(),
            };
            match OpenArchive::open(store, &member.name, &head, &bounds)? {
                None => Ok(false),
                Some(_) if depth + 1 >= MOST_NESTED => Ok(true),
                Some(archive) => archive.may_hold_dicom(&bounds, depth + 1),
            }
        }
    }
}

/// The first bytes of a member; of one that holds nothing, a look that this is so.
fn head_of(store: &Arc<Store>) -> Result<Bytes, FileFailure> {
    let mut head = Vec::new();
    store
        .open()?
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(dicom::FileError::from)?;
    Ok(head.into())
}

/// Inflates all to know how long it is and that it is whole.
fn inflated_length(store: &Arc<Store>, bounds: &Bounds) -> Result<u64, FileFailure> {
    let mut stream = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, store.open()?));
    let (mut len, mut piece) = (0_u64, vec![0; 64 << 10]);
    loop {
        let got = stream
            .read(&mut piece)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData
                | io::ErrorKind::UnexpectedEof => damaged_archive("it does not inflate to its end"),
                _ => reading(error),
            })?;
        if got == 0 {
            return Ok(len);
        }
        len += got as u64;
        if len > bounds.inflated.get() {
            bounds.inflates(len)?;
        }
    }
}

/// How the members of an archive are visited.
pub struct MemberWalk<'a> {
    /// What becomes of files that are not DICOM.
    pub other_files: OtherFiles,
    /// Whether the filters take a member; what they do not take is excluded.
    pub takes: &'a dyn Fn(&DiscoveredFile) -> bool,
    /// Whether they may take members of one that they do not take itself.
    pub may_take_inside: &'a dyn Fn(&DiscoveredFile) -> bool,
    /// The members that were named one by one.
    pub named: Option<NamedMembers<'a>>,
}

/// Members that were named one by one, by what stands behind the path of the archive on disk.
#[derive(Clone, Copy)]
pub struct NamedMembers<'a> {
    /// Their paths.
    pub paths: &'a HashSet<Vec<u8>>,
    /// Whether this is their turn, or that of all others.
    pub turn: bool,
}

/// What became of a file that was looked at as an archive.
pub enum Visited {
    /// Its members were visited, or its fault.
    Members(ControlFlow<()>),
    /// It has no DICOM: it is one file that is not DICOM.
    NoDicom,
    /// It is no archive that is read as a folder.
    NoArchive,
}

/// Visits the members of a file, if it is an archive with DICOM in it.
pub fn visit(
    file: &DiscoveredFile,
    walk: &MemberWalk<'_>,
    visit: &mut dyn FnMut(Found) -> ControlFlow<()>,
) -> Visited {
    let opened = open_file(file).and_then(|opened| {
        let Some((archive, bounds)) = opened else {
            return Ok(None);
        };
        let may = archive.may_hold_dicom(&bounds, 0)?;
        Ok(Some((archive, bounds, may)))
    });
    let by_name = walk
        .named
        .is_some_and(|named| named.turn);
    match opened {
        Ok(None) => Visited::NoArchive,
        Ok(Some((_, _, false))) if !by_name => Visited::NoDicom,
        Ok(Some((archive, bounds, _))) => {
            let around = Around {
                file,
                walk,
                bounds: &bounds,
            };
            let level = Level {
                path: &file.path,
                depth: 0,
                named: false,
            };
            Visited::Members(around.each(&archive, level, visit))
        }
        Err(failure) => Visited::Members(visit(Found::Failed {
            path: file.path.clone(),
            failure,
        })),
    }
}

fn open_file(file: &DiscoveredFile) -> Result<Option<(OpenArchive, Bounds)>, FileFailure> {
    let source = SourceFile::new(&file.path)?;
    let bounds = Bounds::of(source.len());
    let store = Arc::new(Store::Disk(source));
    let head = head_of(&store)?;
    let name = file
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let archive = OpenArchive::open(&store, &name, &head, &bounds)?;
    Ok(archive.map(|archive| (archive, bounds)))
}

/// The file on disk whose members are visited.
struct Around<'a> {
    file: &'a DiscoveredFile,
    walk: &'a MemberWalk<'a>,
    bounds: &'a Bounds,
}

/// An archive in it.
#[derive(Clone, Copy)]
struct Level<'a> {
    path: &'a Path,
    depth: usize,
    /// It was named itself, or lies in one that was.
    named: bool,
}

type Visit<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

impl Around<'_> {
    fn each(&self, archive: &OpenArchive, level: Level<'_>, visit: Visit<'_>) -> ControlFlow<()> {
        let walked = archive.each(&mut |member| self.member(member, level, visit));
        match walked {
            Ok(flow) => flow,
            // It was read to its end before, so that this came meanwhile.
            Err(failure) => visit(Found::Failed {
                path: level.path.to_path_buf(),
                failure,
            }),
        }
    }

    fn member(&self, member: Member, level: Level<'_>, visit: Visit<'_>) -> ControlFlow<()> {
        let path = inside(level.path, &member.name);
        let behind = self.behind(&path);
        let named = self
            .walk
            .named
            .is_some_and(|named| named.paths.contains(behind));
        let has_turn = self
            .walk
            .named
            .is_none_or(|of| of.turn == (named || level.named));
        if !has_turn && !self.leads_to_named(behind) {
            return ControlFlow::Continue(());
        }
        let file = DiscoveredFile {
            len: member
                .found
                .as_ref()
                .map_or(0, |store| store.len()),
            inside: member
                .found
                .as_ref()
                .ok()
                .map(|store| Arc::clone(store) as Arc<dyn Stored>),
            named,
            root: self.file.root.clone(),
            path,
            expected: None,
        };
        let excluded = has_turn && !named && !(self.walk.takes)(&file);
        let is_looked_into =
            !excluded || (is_named_as_archive(&file.path) && (self.walk.may_take_inside)(&file));
        if !is_looked_into {
            return visit(skipped(file));
        }
        let fails = |failure| Found::Failed {
            path: file.path.clone(),
            failure,
        };
        let opened = match member.found {
            Err(MemberFault(failure)) => Err(failure),
            Ok(store) => match member.head {
                Some(head) => Ok(head),
                None => head_of(&store),
            }
            .map(|head| (head, store)),
        };
        let (head, store) = match opened {
            Ok(opened) => opened,
            Err(failure) if has_turn => return visit(fails(failure)),
            Err(_) => return ControlFlow::Continue(()),
        };
        let sniffed = dicom::sniff(&head);
        let mut holds_none = false;
        if sniffed == Sniff::No && Archive::of(&head).is_some() {
            let inner = Level {
                path: &file.path,
                depth: level.depth + 1,
                named: named || level.named,
            };
            match self.nested(&store, &head, inner) {
                Ok(Some((archive, true))) => return self.each(&archive, inner, visit),
                Ok(Some((_, false))) => holds_none = true,
                Ok(None) => {}
                Err(failure) => {
                    return if has_turn {
                        visit(fails(failure))
                    } else {
                        ControlFlow::Continue(())
                    };
                }
            }
        }
        if !has_turn {
            return ControlFlow::Continue(());
        }
        visit(if excluded {
            skipped(file)
        } else {
            classify::judge(
                file,
                Seen::Closed,
                sniffed,
                holds_none,
                self.walk.other_files,
            )
        })
    }

    /// Opens an archive inside another one, and says whether its members are to be visited. None
    /// where it is none.
    fn nested(
        &self,
        store: &Arc<Store>,
        head: &Bytes,
        level: Level<'_>,
    ) -> Result<Option<(OpenArchive, bool)>, FileFailure> {
        let name = level.path.to_string_lossy();
        if level.depth >= MOST_NESTED {
            return if archive::may_hold_files_in(head) {
                let why = "archives lie in one another, more than two deep";
                Err(FileFailure::new(FileCode::DiscoverArchiveLimit, why))
            } else {
                Ok(None)
            };
        }
        let Some(archive) = OpenArchive::open(store, &name, head, self.bounds)? else {
            return Ok(None);
        };
        let visits = self.leads_to_named(self.behind(level.path))
            || archive.may_hold_dicom(self.bounds, level.depth)?;
        Ok(Some((archive, visits)))
    }

    /// The part of a member's path that stands behind that of the file on disk.
    fn behind<'p>(&self, path: &'p Path) -> &'p [u8] {
        let archive = self
            .file
            .path
            .as_os_str()
            .as_encoded_bytes();
        path.as_os_str()
            .as_encoded_bytes()
            .get(archive.len() + SEPARATOR.len()..)
            .unwrap_or_default()
    }

    /// Whether members of what this path names are among those that were named, and it is their
    /// turn.
    fn leads_to_named(&self, behind: &[u8]) -> bool {
        self.walk
            .named
            .is_some_and(|named| {
                named.turn
                    && named.paths.iter().any(|path| {
                        path.strip_prefix(behind)
                            .is_some_and(|rest| rest.starts_with(SEPARATOR.as_bytes()))
                    })
            })
    }
}

fn skipped(file: DiscoveredFile) -> Found {
    Found::Skipped {
        path: file.path,
        reason: SkipReason::Excluded,
        len: file.len,
    }
}

/// Whether a file is looked into as an archive although no filter takes it.
pub fn is_named_as_archive(path: &Path) -> bool {
    const ENDINGS: [&str; 4] = [".zip", ".tar", ".tgz", ".gz"];
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    ENDINGS
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// The path of a member of what this path names.
pub fn inside(archive: &Path, member: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(SEPARATOR);
    path.push(member);
    path.into()
}

/// The archive on disk and the path behind it that a path such as `study.zip::series/IM1` names;
/// none where no file stands before any of its `::`.
pub fn split(path: &Path) -> Option<(PathBuf, Vec<u8>)> {
    let bytes = path.as_os_str().as_encoded_bytes();
    memchr::memmem::find_iter(bytes, SEPARATOR).find_map(|at| {
        let (archive, rest) = bytes.split_at_checked(at)?;
        let archive = lists::path_from_bytes(archive).ok()?;
        let member = rest.get(SEPARATOR.len()..)?;
        archive
            .is_file()
            .then(|| (archive, member.to_vec()))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn stored(folder: &tempfile::TempDir, bytes: &[u8]) -> Arc<Store> {
        let path = folder.path().join("x");
        std::fs::write(&path, bytes).unwrap();
        Arc::new(Store::Disk(SourceFile::new(path).unwrap()))
    }

    #[test]
    fn what_inflates_beyond_the_bound_is_not_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = stored(&folder, &gzip(&vec![0; 1 << 20]));
        let bounds = |inflated| Bounds {
            members: Cell::new(1),
            inflated: Cell::new(inflated),
        };
        assert_eq!(inflated_length(&store, &bounds(1 << 20)).unwrap(), 1 << 20);
        let failure = inflated_length(&store, &bounds((1 << 20) - 1)).unwrap_err();
        assert_eq!(failure.code, FileCode::DiscoverArchiveLimit);
        let left = bounds(0);
        assert!(left.member().is_ok() && left.member().is_err());
    }

    #[test]
    fn a_stream_is_read_in_any_order_and_in_order_once() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..1_u32 << 16)
            .flat_map(u32::to_le_bytes)
            .collect();
        let of = stored(&folder, &gzip(&bytes));
        let kept: Arc<store::Positions> = Arc::default();
        let gzip = Arc::new(Store::Gzip {
            of,
            len: bytes.len() as u64,
            kept: Arc::clone(&kept),
        });
        let read = |at: u64, len: u64| {
            let part = Store::Part {
                of: Arc::clone(&gzip),
                at,
                len,
            };
            let mut read = Vec::new();
            part.open()
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            let (at, len) = (usize::try_from(at).unwrap(), usize::try_from(len).unwrap());
            assert!(read == bytes.get(at..at + len).unwrap());
        };
        for at in [0, 1000, 5000, 3000, 200_000, 0, 200_100] {
            read(at, 100);
        }
        let begun = kept.begun();
        for at in 0..100 {
            read(200_200 + at * 500, 500);
        }
        assert_eq!(
            kept.begun(),
            begun,
            "one stream went on from member to member"
        );
    }

    #[test]
    fn a_member_of_an_archive_that_changed_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let of = stored(&folder, b"0123456789");
        let part = Arc::new(Store::Part { of, at: 2, len: 3 });
        let file = SourceFile::inside("x::y", 3, part);
        let mut read = String::new();
        file.open()
            .unwrap()
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, "234");
        assert!(file.is_as_it_was().is_ok());
        std::fs::write(folder.path().join("x"), b"0123456789a").unwrap();
        assert_eq!(file.open().unwrap_err().kind, FileErrorKind::Changed);
        assert_eq!(
            file.is_as_it_was()
                .unwrap_err()
                .kind,
            FileErrorKind::Changed
        );
    }
}
