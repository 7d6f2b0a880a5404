//! The records of a zip: numbers and extra fields, and the header that stands before each member.
//!
//! Owns what a member's own header has to agree with.

use std::io::SeekFrom;

use dicom_lossless::{FileError, FileErrorKind, ReadSeek};

const MEMBER: [u8; 4] = *b"PK\x03\x04";
/// Stands for a number that another record holds in 64 bits.
const ELSEWHERE: u64 = u32::MAX as u64;
pub const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const LENGTHS_FOLLOW: u16 = 1 << 3;

/// What reading a member takes.
#[derive(Debug, Clone, Copy)]
pub struct ZipMember {
    pub header_at: u64,
    pub packed: u64,
    pub len: u64,
    pub crc: u32,
    /// CRC-32 of its name as it stands in the directory.
    pub name: u32,
    pub deflated: bool,
}

impl ZipMember {
    /// Where its data begins. Fails where its own header says other things than the directory.
    pub fn data_at(&self, archive: &mut dyn ReadSeek, archive_len: u64) -> Result<u64, FileError> {
        let two_things = || {
            FileErrorKind::DamagedMember
                .error("its own header and the directory of the archive do not agree")
        };
        archive.seek(SeekFrom::Start(self.header_at))?;
        let mut head = [0; 30];
        archive.read_exact(&mut head)?;
        let (two, four) = (|at| short(&head, at), |at| long(&head, at));
        let (name, extra) = (usize::from(two(26)), usize::from(two(28)));
        let mut rest = vec![0; name + extra];
        archive.read_exact(&mut rest)?;
        let (name, extra) = rest
            .split_at_checked(name)
            .ok_or_else(two_things)?;
        let flags = two(6);
        let agrees = head.starts_with(&MEMBER)
            && flags & ENCRYPTED == 0
            && two(8) == if self.deflated { 8 } else { 0 }
            && crc32fast::hash(name) == self.name
            && (flags & LENGTHS_FOLLOW != 0 || {
                let [len, packed] = long_numbers([four(22), four(18)], extra);
                (four(14), packed, len) == (u64::from(self.crc), self.packed, self.len)
            });
        let at = self.header_at + 30 + rest.len() as u64;
        let ends = at.checked_add(self.packed);
        if agrees && ends.is_some_and(|end| end <= archive_len) {
            Ok(at)
        } else {
            Err(two_things())
        }
    }
}

/// The fields of an extra field.
pub fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head = extra.first_chunk::<4>()?;
        let length = usize::from(short(head, 2));
        let (field, rest) = extra
            .get(4..)?
            .split_at_checked(length)?;
        extra = rest;
        Some((short(head, 0), field))
    })
}

/// Numbers of 32 bits, each replaced by the next of 64 bits in the extra field where it stands for
/// one. One that is missing there stays what it is, which fits nothing.
pub fn long_numbers<const N: usize>(mut numbers: [u64; N], extra: &[u8]) -> [u64; N] {
    let long = fields(extra)
        .find(|(id, _)| *id == 1)
        .map_or(&[][..], |(_, field)| field);
    let mut long = long.chunks_exact(8);
    for number in &mut numbers {
        if *number == ELSEWHERE
            && let Some(long) = long.next()
        {
            *number = eight(long, 0);
        }
    }
    numbers
}

pub fn short(bytes: &[u8], at: usize) -> u16 {
    chunk(bytes, at).map_or(0, u16::from_le_bytes)
}

pub fn long(bytes: &[u8], at: usize) -> u64 {
    chunk(bytes, at).map_or(0, |four| u64::from(u32::from_le_bytes(four)))
}

pub fn eight(bytes: &[u8], at: usize) -> u64 {
    chunk(bytes, at).map_or(0, u64::from_le_bytes)
}

pub fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
}
