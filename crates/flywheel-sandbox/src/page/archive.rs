//! Members of zip archives (APPNOTE 6.3, with zip64) that were uploaded.
//!
//! Owns reading the directory as a stream, and one member at a time within bounds. It trusts no
//! number in an archive. Must never write a member to disk, nor use its name for anything but to
//! show it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use serde::Serialize;

const END: &[u8] = b"PK\x05\x06";
const LONG_PLACE: &[u8] = b"PK\x06\x07";
const LONG_END: &[u8] = b"PK\x06\x06";
const LISTED: &[u8] = b"PK\x01\x02";
const MEMBER: &[u8] = b"PK\x03\x04";
/// The most that the last record takes, with the longest comment, and the place of the longer one
/// before it.
const MOST_END: u64 = 22 + 65_535 + 20;
/// The most members that a directory is read for.
const MOST_MEMBERS: u64 = 1_000_000;
/// The longest member that is inflated.
const LONGEST: u64 = 256 << 20;
const ENCRYPTED: u16 = 1;

/// Some members of an archive, and how many more there are.
#[derive(Debug)]
pub struct Listing {
    /// The members.
    pub members: Vec<Member>,
    /// How many come after them.
    pub more: u64,
}

/// A member of an archive.
#[derive(Debug, Serialize)]
pub struct Member {
    /// Its place in the directory.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Its length in bytes, as the directory says.
    pub size: u64,
    #[serde(skip)]
    at: MemberPlace,
}

/// Where a member lies, and how.
#[derive(Debug, Clone, Copy)]
struct MemberPlace {
    flags: u16,
    method: u16,
    sum: u32,
    packed: u64,
    header_at: u64,
}

/// Lists at most `most` members, from a place on.
pub fn list(path: &Path, from: usize, most: usize) -> Result<Listing, String> {
    let mut directory = Directory::open(path).map_err(damaged)?;
    let mut members = Vec::new();
    let count = directory.count;
    while members.len() < most
        && let Some(member) = directory.next().map_err(damaged)?
    {
        if member.number >= from {
            members.push(member);
        }
    }
    let next = from.saturating_add(members.len()) as u64;
    Ok(Listing {
        members,
        more: count.saturating_sub(next),
    })
}

/// The bytes of the member of this number.
pub fn inflate(path: &Path, number: usize) -> Result<Bytes, String> {
    let mut directory = Directory::open(path).map_err(damaged)?;
    let member = loop {
        match directory.next().map_err(damaged)? {
            None => return Err("the archive has no such member".to_owned()),
            Some(member) if member.number == number => break member,
            Some(_) => {}
        }
    };
    if member.size > LONGEST {
        return Err("the member is too large to be shown".to_owned());
    }
    if member.at.flags & ENCRYPTED != 0 {
        return Err("the member is encrypted".to_owned());
    }
    let mut file = directory.reader.into_inner();
    let data_at = member
        .at
        .data_at(&mut file)
        .map_err(damaged)?;
    file.seek(SeekFrom::Start(data_at))
        .map_err(damaged)?;
    let packed = BufReader::new(file).take(member.at.packed);
    match member.at.method {
        0 => whole(packed, &member),
        8 => whole(DeflateDecoder::new(packed), &member),
        _ => Err("the member is packed in a way that is not read".to_owned()),
    }
}

/// All bytes of a member, which must be those that the directory says.
fn whole(from: impl Read, member: &Member) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    // One byte more shows that the stated length is not the true one.
    let mut counted = CrcReader::new(from.take(member.size.saturating_add(1)));
    counted
        .read_to_end(&mut bytes)
        .map_err(damaged)?;
    if bytes.len() as u64 == member.size && counted.crc().sum() == member.at.sum {
        Ok(bytes.into())
    } else {
        Err("the member is damaged".to_owned())
    }
}

impl MemberPlace {
    /// Where the bytes begin: behind the member's own header, whose length the directory does not
    /// say.
    fn data_at(self, file: &mut File) -> io::Result<u64> {
        file.seek(SeekFrom::Start(self.header_at))?;
        let mut header = [0; 30];
        file.read_exact(&mut header)?;
        if !header.starts_with(MEMBER) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let behind = u64::from(short(&header, 26)) + u64::from(short(&header, 28));
        self.header_at
            .checked_add(30 + behind)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The directory of an archive, read from its first entry on.
struct Directory {
    reader: BufReader<File>,
    count: u64,
    read: u64,
}

impl Directory {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        let tail_at = len.saturating_sub(MOST_END);
        file.seek(SeekFrom::Start(tail_at))?;
        let mut tail = Vec::new();
        (&mut file)
            .take(MOST_END)
            .read_to_end(&mut tail)?;
        let end = tail
            .windows(END.len())
            .rposition(|bytes| bytes == END)
            .ok_or(io::ErrorKind::InvalidData)?;
        let record = tail.get(end..).unwrap_or_default();
        let mut count = u64::from(short(record, 10));
        let mut at = u64::from(long(record, 16));
        let place = end
            .checked_sub(20)
            .and_then(|before| tail.get(before..end))
            .filter(|place| place.starts_with(LONG_PLACE));
        if let Some(place) = place {
            let mut record = [0; 56];
            file.seek(SeekFrom::Start(eight(place, 8)))?;
            file.read_exact(&mut record)?;
            if !record.starts_with(LONG_END) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            (count, at) = (eight(&record, 32), eight(&record, 48));
        }
        if count > MOST_MEMBERS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.seek(SeekFrom::Start(at))?;
        Ok(Self {
            reader: BufReader::new(file),
            count,
            read: 0,
        })
    }

    /// The next member.
    fn next(&mut self) -> io::Result<Option<Member>> {
        if self.read >= self.count {
            return Ok(None);
        }
        let mut entry = [0; 46];
        self.reader.read_exact(&mut entry)?;
        if !entry.starts_with(LISTED) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut field = |at| {
            let mut bytes = vec![0; usize::from(short(&entry, at))];
            self.reader.read_exact(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let (name, extra) = (field(28)?, field(30)?);
        drop(field(32)?);
        let [size, packed, header_at] = long_numbers(
            [long(&entry, 24), long(&entry, 20), long(&entry, 42)],
            &extra,
        );
        let number = usize::try_from(self.read).unwrap_or(usize::MAX);
        self.read += 1;
        Ok(Some(Member {
            number,
            name: String::from_utf8_lossy(&name).into_owned(),
            size,
            at: MemberPlace {
                flags: short(&entry, 8),
                method: short(&entry, 10),
                sum: long(&entry, 16),
                packed,
                header_at,
            },
        }))
    }
}

/// Numbers of an entry, of which those that are too large for it stand in its extra field.
fn long_numbers<const N: usize>(numbers: [u32; N], extra: &[u8]) -> [u64; N] {
    const ZIP64: u16 = 1;
    let mut rest = extra;
    let mut long_ones: &[u8] = &[];
    while rest.len() >= 4 {
        let length = usize::from(short(rest, 2));
        let value = rest
            .get(4..4 + length)
            .unwrap_or_default();
        if short(rest, 0) == ZIP64 {
            long_ones = value;
        }
        rest = rest
            .get(4 + length..)
            .unwrap_or_default();
    }
    let mut at = 0;
    numbers.map(|number| {
        if number < u32::MAX {
            return u64::from(number);
        }
        at += 8;
        eight(long_ones, at - 8)
    })
}

/// A number of two bytes; what lies behind the end is 0.
fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(chunk(bytes, at))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(chunk(bytes, at))
}

fn eight(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(chunk(bytes, at))
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .unwrap_or([0; N])
}

#[allow(clippy::needless_pass_by_value)] // It stands where an error is mapped.
fn damaged(_: io::Error) -> String {
    "the archive is damaged".to_owned()
}
