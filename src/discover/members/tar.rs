//! Tar archives (POSIX.1 ustar and pax, GNU, and the older form), from header to header.
//!
//! Owns their blocks. What readers could understand in two ways is refused. The crate `tar` reads
//! the record of a long name whole, whatever length it states, and takes an archive that breaks off
//! between two members for whole.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::super::archive::{TAR_BLOCK as BLOCK, is_tar_header, octal};
use super::names::{self, Name};
use super::store::Store;
use super::{Bounds, HEAD, Member, MemberFault, VisitMembers, damaged_archive, reading};
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{ReadSeek, Stored as _};

/// The most that the record of a long name may take, in bytes.
const MOST_RECORD: u64 = 1 << 20;

/// A tar that was read from its first header to its end.
#[derive(Debug)]
pub struct Tar {
    store: Arc<Store>,
    /// Hashes of names that stand more than once, in order.
    twice: Vec<u64>,
    hasher: RandomState,
}

impl Tar {
    /// Reads the headers and the end, and of one that is compressed all. Counts members and their
    /// lengths.
    pub fn open(store: &Arc<Store>, bounds: &Bounds) -> Result<Self, FileFailure> {
        let mut tar = Self {
            store: Arc::clone(store),
            twice: Vec::new(),
            hasher: RandomState::new(),
        };
        let mut names = Vec::new();
        let _ = tar.each_entry(&mut |entry, _| {
            bounds.member()?;
            bounds.inflates(entry.len)?;
            names.push(
                tar.hasher
                    .hash_one(&entry.name.text),
            );
            Ok(ControlFlow::Continue(()))
        })?;
        names.sort_unstable();
        let twice = names
            .windows(2)
            .filter_map(|two| match two {
                [one, other] if one == other => Some(*one),
                _ => None,
            });
        tar.twice = twice.collect();
        tar.twice.dedup();
        Ok(tar)
    }

    /// Visits the members in their order.
    pub fn each(&self, visit: VisitMembers<'_>) -> Result<ControlFlow<()>, FileFailure> {
        self.each_entry(&mut |entry, stream| {
            let found = self.judge(&entry);
            let mut head = Vec::new();
            if found.is_ok() {
                stream
                    .take(HEAD.min(entry.len))
                    .read_to_end(&mut head)
                    .map_err(reading)?;
            }
            Ok(visit(Member {
                name: entry.name.text,
                found,
                head: Some(Bytes::from(head)),
            }))
        })
    }

    fn judge(&self, entry: &Entry) -> Result<Arc<Store>, MemberFault> {
        entry.name.check()?;
        let hash = self
            .hasher
            .hash_one(&entry.name.text);
        if self
            .twice
            .binary_search(&hash)
            .is_ok()
        {
            return Err(names::twice());
        }
        if let Some(why) = entry.refused {
            return Err(MemberFault::new(FileCode::DiscoverMemberKind, why));
        }
        Ok(Arc::new(Store::Part {
            of: Arc::clone(&self.store),
            at: entry.at,
            len: entry.len,
        }))
    }

    /// Visits what is no folder, with the stream at its first byte.
    fn each_entry(
        &self,
        visit: &mut dyn FnMut(Entry, &mut Stream) -> Flow,
    ) -> Result<ControlFlow<()>, FileFailure> {
        let len = self.store.len();
        let mut stream = BufReader::with_capacity(64 << 10, self.store.open()?);
        let (mut at, mut says) = (0_u64, Says::default());
        loop {
            let mut block = [0; BLOCK];
            if at == len {
                return Err(damaged_archive("its end is missing"));
            }
            go_to(&mut stream, at).map_err(reading)?;
            stream
                .read_exact(&mut block)
                .map_err(reading)?;
            if block == [0; BLOCK] {
                return only_zeros(&mut stream).map(ControlFlow::Continue);
            }
            if !is_tar_header(&block) {
                return Err(damaged_archive("a header of it is damaged"));
            }
            let header = Header::read(&block, &says)?;
            let begin = at + BLOCK as u64;
            let end = begin.checked_add(header.len);
            let end = end.filter(|end| *end <= len);
            let end = end.ok_or_else(|| damaged_archive("it breaks off"))?;
            let after = end
                .checked_next_multiple_of(BLOCK as u64)
                .filter(|after| *after <= len);
            at = after.ok_or_else(|| damaged_archive("it breaks off"))?;
            if header.is_record() {
                says.add(header.kind, &mut stream, header.len)?;
                continue;
            }
            let said = std::mem::take(&mut says);
            if let Some(entry) = header.entry(begin, said)
                && visit(entry, &mut stream)?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

type Stream = BufReader<Box<dyn ReadSeek>>;
type Flow = Result<ControlFlow<()>, FileFailure>;

/// Moves on within what was read ahead, where that is enough.
fn go_to(stream: &mut Stream, at: u64) -> io::Result<()> {
    let stands = stream.stream_position()?;
    match i64::try_from(at.abs_diff(stands)) {
        Ok(by) if at >= stands => stream.seek_relative(by),
        _ => stream
            .seek(SeekFrom::Start(at))
            .map(drop),
    }
}

/// What is no folder.
struct Entry {
    name: Name,
    at: u64,
    len: u64,
    /// Why it cannot be read as a file.
    refused: Option<&'static str>,
}

/// One header.
struct Header<'a> {
    block: &'a [u8; BLOCK],
    kind: u8,
    len: u64,
}

impl<'a> Header<'a> {
    fn read(block: &'a [u8; BLOCK], says: &Says) -> Result<Self, FileFailure> {
        let kind = block
            .get(156)
            .copied()
            .unwrap_or_default();
        let stated = block.get(124..136).and_then(size);
        let stated = stated.ok_or_else(|| damaged_archive("a header of it is damaged"))?;
        let header = Self {
            block,
            kind,
            len: stated,
        };
        match kind {
            b'M' | b'V' => Err(FileFailure::new(
                FileCode::DiscoverArchive,
                "it is a tar in several volumes",
            )),
            // Links, devices and folders have no data, whatever is stated.
            b'1'..=b'6' => Ok(Self { len: 0, ..header }),
            _ if header.is_record() => Ok(header),
            _ => Ok(Self {
                len: says.len.unwrap_or(stated),
                ..header
            }),
        }
    }

    /// Whether it says something of what follows.
    fn is_record(&self) -> bool {
        matches!(self.kind, b'L' | b'K' | b'x' | b'X' | b'g')
    }

    fn entry(&self, at: u64, says: Says) -> Option<Entry> {
        let field = |range| {
            text(
                self.block
                    .get(range)
                    .unwrap_or_default(),
            )
        };
        let name = says.name.unwrap_or_else(|| {
            let (name, prefix) = (field(0..100), field(345..500));
            // GNU tar keeps other things where the prefix stands.
            let is_ustar = self.block.get(257..263) == Some(b"ustar\0");
            if is_ustar && !prefix.is_empty() {
                [prefix, b"/", name].concat()
            } else {
                name.to_vec()
            }
        });
        if self.kind == b'5' || (name.ends_with(b"/") && self.len == 0) {
            return None;
        }
        let refused = match self.kind {
            _ if says.has_holes => Some("it is a file with holes"),
            0 | b'0' | b'7' => None,
            b'1' | b'2' => Some("it is a link"),
            b'S' => Some("it is a file with holes"),
            _ => Some("it is neither a file nor a folder"),
        };
        Some(Entry {
            name: Name::of_bytes(&name),
            at,
            len: self.len,
            refused,
        })
    }
}

/// What records say of the next member.
#[derive(Default)]
struct Says {
    name: Option<Vec<u8>>,
    len: Option<u64>,
    has_holes: bool,
}

impl Says {
    fn add(&mut self, kind: u8, stream: &mut Stream, len: u64) -> Result<(), FileFailure> {
        let ambiguous = || damaged_archive("a record of it can be read in two ways");
        if len > MOST_RECORD {
            return Err(FileFailure::new(
                FileCode::DiscoverArchiveLimit,
                "the record of a name takes more than 1 MiB",
            ));
        }
        let mut record = Vec::new();
        stream
            .take(len)
            .read_to_end(&mut record)
            .map_err(reading)?;
        match kind {
            b'K' => Ok(()),
            b'L' => {
                let name = text(&record).to_vec();
                let twice = self.name.replace(name).is_some();
                if twice { Err(ambiguous()) } else { Ok(()) }
            }
            _ => {
                for (key, value) in pax(&record).ok_or_else(ambiguous)? {
                    let matters =
                        key == b"path" || key == b"size" || key.starts_with(b"GNU.sparse");
                    if kind == b'g' && matters {
                        return Err(ambiguous());
                    }
                    match key {
                        b"path" => self.name = Some(value.to_vec()),
                        b"size" => self.len = Some(decimal(value).ok_or_else(ambiguous)?),
                        _ => self.has_holes |= matters,
                    }
                }
                Ok(())
            }
        }
    }
}

/// The pairs of a pax record; none where a length in it is wrong.
fn pax(mut record: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    while !record.is_empty() {
        let space = memchr::memchr(b' ', record)?;
        let length = usize::try_from(decimal(record.get(..space)?)?).ok()?;
        let (line, rest) = record.split_at_checked(length)?;
        let pair = line
            .get(space + 1..)?
            .strip_suffix(b"\n")?;
        let equals = memchr::memchr(b'=', pair)?;
        pairs.push((pair.get(..equals)?, pair.get(equals + 1..)?));
        record = rest;
    }
    Some(pairs)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let all = digits
        .iter()
        .all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|_| all)
}

/// A field up to its NUL.
fn text(field: &[u8]) -> &[u8] {
    field
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default()
}

fn only_zeros(stream: &mut Stream) -> Result<(), FileFailure> {
    loop {
        let piece = stream.fill_buf().map_err(reading)?;
        if piece.is_empty() {
            return Ok(());
        }
        if piece.iter().any(|byte| *byte != 0) {
            return Err(damaged_archive("bytes stand behind its end"));
        }
        let length = piece.len();
        stream.consume(length);
    }
}

/// A length in octal digits, or as GNU writes longer ones.
pub fn size(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, high @ ..] => high
            .iter()
            .try_fold(0_u64, |sum, byte| {
                sum.checked_mul(256)?
                    .checked_add(u64::from(*byte))
            }),
        field => octal(field),
    }
}
