//! Zip archives (APPNOTE 6.3) by their directory, with zip64.
//!
//! Owns their records. A directory is read as a stream and never held: of each member a few numbers
//! stay, to find names that stand twice and members that lie in one another. The crate `zip` holds
//! the whole directory, and lets the last of two members of one name hide the first.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, Read, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::names::{self, Name};
use super::store::Store;
use super::zip_records::{ENCRYPTED, ZipMember, eight, fields, long, long_numbers, short};
use super::{Bounds, MemberFault, VisitMembers, damaged_archive};
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{ReadSeek, Stored as _};

const LISTED: [u8; 4] = *b"PK\x01\x02";
const LONG_END: [u8; 4] = *b"PK\x06\x06";
const LONG_PLACE: [u8; 4] = *b"PK\x06\x07";
const END: [u8; 4] = *b"PK\x05\x06";
const UTF_8: u16 = 1 << 11;
/// Bytes of the last record without its comment.
const END_LENGTH: usize = 22;
/// The most that the end of a zip takes: its last record, the longest comment, and the place of the
/// longer record.
const MOST_END: u64 = 22 + 65_535 + 20;
/// No deflated byte stands for more (RFC 1951: 258 bytes in two bits).
const MOST_RATIO: u64 = 1032;

/// A zip whose end was found.
#[derive(Debug)]
pub struct Zip {
    store: Arc<Store>,
    directory_at: u64,
    directory_len: u64,
    /// Hashes of names that stand more than once, in order.
    twice: Vec<u64>,
    /// Where members begin that lie in one another, in order.
    entangled: Vec<u64>,
    hasher: RandomState,
}

impl Zip {
    /// Finds the directory and reads it once. Counts members and what they inflate to.
    pub fn open(store: &Arc<Store>, bounds: &Bounds) -> Result<Self, FileFailure> {
        let mut open = store.open()?;
        let end = End::find(&mut *open, store.len()).map_err(of_archive)??;
        drop(open);
        let mut zip = Self {
            store: Arc::clone(store),
            directory_at: end.directory_at,
            directory_len: end.directory_len,
            twice: Vec::new(),
            entangled: Vec::new(),
            hasher: RandomState::new(),
        };
        let (mut names, mut places, mut count) = (Vec::new(), Vec::new(), 0_u64);
        let _ = zip.each_listed(&mut |listed| {
            count += 1;
            bounds.member()?;
            bounds.inflates(listed.len)?;
            let name = listed.name();
            if !listed.is_folder(&name.text) {
                names.push(zip.hasher.hash_one(&name.text));
                // The shortest that it may be.
                let taken = 30_u64.saturating_add(listed.packed);
                places.push((
                    listed.header_at,
                    listed
                        .header_at
                        .saturating_add(taken),
                ));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if !end.counts(count) {
            return Err(damaged_archive(
                "its directory has another length than stated",
            ));
        }
        zip.twice = repeated(names);
        zip.entangled = entangled(places, zip.directory_at);
        Ok(zip)
    }

    /// Visits the members in the order of the directory.
    pub fn each(&self, visit: VisitMembers<'_>) -> Result<ControlFlow<()>, FileFailure> {
        self.each_listed(&mut |listed| {
            let name = listed.name();
            if listed.is_folder(&name.text) {
                return Ok(ControlFlow::Continue(()));
            }
            let member = self.judge(&listed, &name);
            Ok(visit(super::Member {
                name: name.text,
                found: member,
                head: None,
            }))
        })
    }

    fn judge(&self, listed: &Listed, name: &Name) -> Result<Arc<Store>, MemberFault> {
        let hash = self.hasher.hash_one(&name.text);
        name.check()?;
        if self
            .twice
            .binary_search(&hash)
            .is_ok()
        {
            return Err(names::twice());
        }
        if listed.flags & ENCRYPTED != 0 || listed.method == 99 {
            return Err(MemberFault::new(FileCode::DiscoverEncrypted, ""));
        }
        listed.check_kind()?;
        let damaged = |why| Err(MemberFault::new(FileCode::ReadDamagedMember, why));
        if self
            .entangled
            .binary_search(&listed.header_at)
            .is_ok()
        {
            return damaged("it lies where something else lies too");
        }
        let deflated = listed.method == 8;
        let most = if deflated {
            listed
                .packed
                .saturating_mul(MOST_RATIO)
        } else {
            listed.packed
        };
        if listed.len > most || (!deflated && listed.len != listed.packed) {
            return damaged("its lengths cannot both be right");
        }
        Ok(Arc::new(Store::Zipped {
            of: Arc::clone(&self.store),
            member: ZipMember {
                header_at: listed.header_at,
                packed: listed.packed,
                len: listed.len,
                crc: listed.crc,
                name: crc32fast::hash(&listed.name),
                deflated,
            },
            kept: None,
        }))
    }

    fn each_listed(
        &self,
        visit: &mut dyn FnMut(Listed) -> Result<ControlFlow<()>, FileFailure>,
    ) -> Result<ControlFlow<()>, FileFailure> {
        let mut open = self.store.open()?;
        open.seek(SeekFrom::Start(self.directory_at))
            .map_err(of_archive)?;
        let mut stream = BufReader::with_capacity(64 << 10, open.take(self.directory_len));
        while !stream
            .fill_buf()
            .map_err(of_archive)?
            .is_empty()
        {
            let listed = Listed::read(&mut stream).map_err(of_archive)?;
            let listed = listed.ok_or_else(|| damaged_archive("its directory is damaged"))?;
            if visit(listed)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What stands more than once.
fn repeated(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    let mut twice: Vec<u64> = hashes
        .windows(2)
        .filter_map(|two| match two {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
        .collect();
    twice.dedup();
    twice
}

/// Where members begin that reach into another, or into the directory.
fn entangled(mut places: Vec<(u64, u64)>, directory_at: u64) -> Vec<u64> {
    places.sort_unstable();
    let mut entangled = Vec::new();
    // The one that reaches farthest of those before.
    let mut farthest = (0, 0);
    for (begin, end) in places {
        if begin < farthest.1 {
            entangled.extend([farthest.0, begin]);
        }
        if end > directory_at {
            entangled.push(begin);
        }
        if end > farthest.1 {
            farthest = (begin, end);
        }
    }
    entangled.sort_unstable();
    entangled.dedup();
    entangled
}

/// What the end of a zip says of its directory.
struct End {
    directory_at: u64,
    directory_len: u64,
    members: u64,
    long: bool,
}

impl End {
    fn find(archive: &mut dyn ReadSeek, len: u64) -> io::Result<Result<Self, FileFailure>> {
        let from = len.saturating_sub(MOST_END);
        archive.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        archive
            .take(MOST_END)
            .read_to_end(&mut tail)?;
        let record = |at: &usize| {
            let record = tail
                .get(*at..)?
                .first_chunk::<END_LENGTH>()?;
            let comment = usize::from(short(record, 20));
            Some((*record, at + END_LENGTH + comment))
        };
        let marks: Vec<usize> = memchr::memmem::find_iter(&tail, &END).collect();
        let fits = |at: &usize| record(at).is_some_and(|(_, end)| end == tail.len());
        let mut fitting = marks.iter().copied().filter(fits);
        let (Some(at), None) = (fitting.next(), fitting.next()) else {
            let why = if marks
                .iter()
                .any(|at| record(at).is_some())
            {
                "bytes stand behind its end, or its end can be read in two ways"
            } else {
                "its end is missing"
            };
            return Ok(Err(damaged_archive(why)));
        };
        let Some((record, _)) = record(&at) else {
            return Ok(Err(damaged_archive("its end is missing")));
        };
        let (two, four) = (|at| short(&record, at), |at| long(&record, at));
        let before = at
            .checked_sub(20)
            .and_then(|at| tail.get(at..)?.first_chunk::<20>());
        let long_place = before.filter(|before| before.starts_with(&LONG_PLACE));
        let end = match long_place {
            Some(place) => match Self::long(archive, place, from + at as u64 - 20)? {
                Some(end) => end,
                None => return Ok(Err(damaged_archive("its end is damaged"))),
            },
            None if [two(4), two(6)] != [0; 2] => {
                return Ok(Err(FileFailure::new(
                    FileCode::DiscoverArchive,
                    "it is a zip in several parts",
                )));
            }
            None => Self {
                directory_at: four(16),
                directory_len: four(12),
                members: u64::from(two(10)),
                long: false,
            },
        };
        let ends = if long_place.is_some() {
            // The record in 64 bits stands right behind the directory; where, was checked.
            end.directory_at
                .checked_add(end.directory_len)
        } else {
            end.directory_at
                .checked_add(end.directory_len)
                .filter(|end| *end == from + at as u64)
        };
        Ok(if ends.is_some() {
            Ok(end)
        } else {
            Err(damaged_archive(
                "its directory does not stand where its end says",
            ))
        })
    }

    /// The end of a zip64, by the record that says where it stands and that stands right behind it.
    fn long(
        archive: &mut dyn ReadSeek,
        place: &[u8; 20],
        place_at: u64,
    ) -> io::Result<Option<Self>> {
        let at = eight(place, 8);
        if at
            .checked_add(56)
            .is_none_or(|end| end > place_at)
        {
            return Ok(None);
        }
        archive.seek(SeekFrom::Start(at))?;
        let mut record = [0; 56];
        archive.read_exact(&mut record)?;
        let directory = eight(&record, 48).checked_add(eight(&record, 40));
        let stands_right = record.starts_with(&LONG_END)
            && at.checked_add(12 + eight(&record, 4)) == Some(place_at)
            && [long(&record, 16), long(&record, 20), long(place, 4)] == [0; 3]
            && directory == Some(at);
        Ok(stands_right.then(|| Self {
            directory_at: eight(&record, 48),
            directory_len: eight(&record, 40),
            members: eight(&record, 32),
            long: true,
        }))
    }

    /// Whether this is the number of members that it states: older programs write its last 16 bits.
    fn counts(&self, members: u64) -> bool {
        if self.long {
            self.members == members
        } else {
            self.members == members & 0xFFFF
        }
    }
}

/// What the directory says of a member.
struct Listed {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    len: u64,
    header_at: u64,
    name: Vec<u8>,
    extra: Vec<u8>,
    /// The system that it was packed on and the kind of file there.
    mode: Option<u32>,
}

impl Listed {
    fn read(stream: &mut dyn Read) -> io::Result<Option<Self>> {
        let mut head = [0; 46];
        stream.read_exact(&mut head)?;
        if !head.starts_with(&LISTED) {
            return Ok(None);
        }
        let (two, four) = (|at| short(&head, at), |at| long(&head, at));
        let mut text = |at| -> io::Result<Vec<u8>> {
            let mut text = vec![0; usize::from(two(at))];
            stream.read_exact(&mut text)?;
            Ok(text)
        };
        let (name, extra, _comment) = (text(28)?, text(30)?, text(32)?);
        let [len, packed, header_at] = long_numbers([four(24), four(20), four(42)], &extra);
        // The upper half of the attributes is a mode where the system is Unix or macOS.
        let mode = matches!(head[5], 3 | 19).then(|| u32::from(two(40)));
        Ok(Some(Self {
            flags: two(8),
            method: two(10),
            crc: u32::try_from(four(16)).unwrap_or_default(),
            packed,
            len,
            header_at,
            name,
            extra,
            mode,
        }))
    }

    fn name(&self) -> Name {
        let unicode = fields(&self.extra)
            .find(|(id, _)| *id == 0x7075)
            .and_then(|(_, field)| {
                let [1, crc @ ..] = field.first_chunk::<5>()? else {
                    return None;
                };
                (u32::from_le_bytes(*crc) == crc32fast::hash(&self.name))
                    .then(|| field.get(5..))
                    .flatten()
            });
        match unicode {
            Some(unicode) => Name::of_utf8(unicode),
            None if self.flags & UTF_8 != 0 => Name::of_utf8(&self.name),
            None => Name::of_bytes(&self.name),
        }
    }

    fn is_folder(&self, name: &str) -> bool {
        (self.name.ends_with(b"/") || name.is_empty()) && self.len == 0
    }

    fn check_kind(&self) -> Result<(), MemberFault> {
        let refused = |why| Err(MemberFault::new(FileCode::DiscoverMemberKind, why));
        match self.mode.map(|mode| mode & 0xF000) {
            None | Some(0 | 0x8000) => {}
            Some(0xA000) => return refused("it is a link"),
            Some(_) => return refused("it is neither a file nor a folder"),
        }
        if !matches!(self.method, 0 | 8) {
            return refused("it is compressed in a way that is not read");
        }
        Ok(())
    }
}

/// The failure for an error met while the directory was read.
fn of_archive(error: io::Error) -> FileFailure {
    super::reading(error)
}
