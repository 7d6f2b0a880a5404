//! Where the bytes of a member lie, and reading them there.
//!
//! Owns ranges and inflating streams inside a file on disk, inside one another. Nothing is unpacked
//! to disk, and no member is held in memory: a stream that is read backwards begins again.

use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use super::zip_records::ZipMember;
use dicom_lossless::{FileError, FileErrorKind, ReadSeek, SourceFile, Stored};

/// Bytes of packed data that are read at a time.
const PACKED: usize = 32 << 10;
/// Bytes that are passed over at a time.
const PASSED: usize = 16 << 10;
/// Streams of one archive that are kept open where they were left.
const MOST_KEPT: usize = 16;

/// Bytes that are read as a file.
#[derive(Debug)]
pub enum Store {
    /// A file on disk.
    Disk(SourceFile),
    /// A range of another one.
    Part { of: Arc<Store>, at: u64, len: u64 },
    /// A member of a zip.
    Zipped {
        of: Arc<Store>,
        member: ZipMember,
        /// Where it is an archive itself.
        kept: Option<Arc<Positions>>,
    },
    /// What a gzip inflates to.
    Gzip {
        of: Arc<Store>,
        len: u64,
        kept: Arc<Positions>,
    },
}

impl Store {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Disk(file) => file.len(),
            Self::Part { len, .. } | Self::Gzip { len, .. } => *len,
            Self::Zipped { member, .. } => member.len,
        }
    }

    /// The same, to be read as an archive: its streams are kept where they were left, so that
    /// reading one member after the other passes over the bytes once.
    pub fn as_archive(self: &Arc<Self>) -> Arc<Self> {
        match &**self {
            Self::Zipped {
                of,
                member,
                kept: None,
            } => Arc::new(Self::Zipped {
                of: Arc::clone(of),
                member: *member,
                kept: Some(Arc::default()),
            }),
            _ => Arc::clone(self),
        }
    }

    /// Reads all of it, where a checksum tells whether it is whole.
    pub fn verify(&self) -> Result<(), FileError> {
        if !matches!(self, Self::Disk(_)) {
            io::copy(&mut self.open()?, &mut io::sink())?;
        }
        Ok(())
    }
}

impl Stored for Store {
    fn open(&self) -> Result<Box<dyn ReadSeek>, FileError> {
        match self {
            Self::Disk(file) => Ok(Box::new(file.open()?)),
            Self::Part { of, at, len } => Ok(Box::new(Part::new(of.open()?, *at, *len, None))),
            Self::Zipped { of, member, kept } => {
                let mut open = of.open()?;
                let at = member.data_at(&mut open, of.len())?;
                if member.deflated {
                    drop(open);
                    let packed = Packed {
                        of: Arc::clone(of),
                        at,
                        len: member.packed,
                        crc: Some(member.crc),
                    };
                    return Ok(Box::new(Inflating::new(&packed, member.len, kept.clone())));
                }
                let sum = Some(Sum::of(member.crc));
                Ok(Box::new(Part::new(open, at, member.len, sum)))
            }
            Self::Gzip { of, len, kept } => {
                let packed = Packed {
                    of: Arc::clone(of),
                    at: 0,
                    len: of.len(),
                    crc: None,
                };
                Ok(Box::new(Inflating::new(
                    &packed,
                    *len,
                    Some(Arc::clone(kept)),
                )))
            }
        }
    }

    fn has_checksum(&self) -> bool {
        // A gzip was read to its end when it was opened as an archive, and what lies in it with it.
        matches!(self, Self::Zipped { .. })
    }

    fn outermost(&self) -> &SourceFile {
        match self {
            Self::Disk(file) => file,
            Self::Part { of, .. } | Self::Zipped { of, .. } | Self::Gzip { of, .. } => {
                of.outermost()
            }
        }
    }

    fn fingerprint(&self) -> Vec<u8> {
        let numbers = match self {
            Self::Disk(file) => return file.len().to_le_bytes().to_vec(),
            Self::Part { at, len, .. } => [*at, *len],
            Self::Zipped { member, .. } => [member.header_at, u64::from(member.crc)],
            Self::Gzip { len, .. } => [0, *len],
        };
        let of = match self {
            Self::Disk(_) => Vec::new(),
            Self::Part { of, .. } | Self::Zipped { of, .. } | Self::Gzip { of, .. } => {
                of.fingerprint()
            }
        };
        [
            of,
            numbers
                .map(u64::to_le_bytes)
                .concat(),
        ]
        .concat()
    }
}

/// A checksum that grows with what is read from the first byte on.
struct Sum {
    stated: u32,
    hasher: crc32fast::Hasher,
    upto: u64,
}

impl Sum {
    fn of(stated: u32) -> Self {
        Self {
            stated,
            hasher: crc32fast::Hasher::new(),
            upto: 0,
        }
    }

    fn add(&mut self, at: u64, read: &[u8]) {
        if at == 0 {
            *self = Self::of(self.stated);
        }
        if at == self.upto {
            self.hasher.update(read);
            self.upto += read.len() as u64;
        }
    }

    fn is_wrong(&self, len: u64) -> bool {
        self.upto == len && self.hasher.clone().finalize() != self.stated
    }
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::other(FileErrorKind::DamagedMember.error(why))
}

/// A range of what lies around it.
struct Part {
    of: Box<dyn ReadSeek>,
    at: u64,
    len: u64,
    next: u64,
    /// Where `of` stands, counted from the beginning of the range.
    stands: Option<u64>,
    sum: Option<Sum>,
}

impl Part {
    fn new(of: Box<dyn ReadSeek>, at: u64, len: u64, sum: Option<Sum>) -> Self {
        Self {
            of,
            at,
            len,
            next: 0,
            stands: None,
            sum,
        }
    }
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.next);
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let Some(into) = into
            .get_mut(..most)
            .filter(|into| !into.is_empty())
        else {
            return Ok(0);
        };
        if self.stands != Some(self.next) {
            self.stands = None;
            self.of
                .seek(SeekFrom::Start(self.at + self.next))?;
        }
        let got = self.of.read(into)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(sum) = &mut self.sum {
            sum.add(self.next, into.get(..got).unwrap_or_default());
        }
        self.next += got as u64;
        self.stands = Some(self.next);
        match &self.sum {
            Some(sum) if self.next == self.len && sum.is_wrong(self.len) => {
                Err(damaged("its checksum is wrong"))
            }
            _ => Ok(got),
        }
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.next = place(to, self.next, self.len)?;
        Ok(self.next)
    }
}

/// Where a seek leads to.
fn place(to: SeekFrom, next: u64, len: u64) -> io::Result<u64> {
    let to = match to {
        SeekFrom::Start(to) => Some(to),
        SeekFrom::Current(by) => next.checked_add_signed(by),
        SeekFrom::End(by) => len.checked_add_signed(by),
    };
    to.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// What is to be inflated.
#[derive(Clone)]
struct Packed {
    of: Arc<Store>,
    at: u64,
    len: u64,
    /// The checksum of what it inflates to; none of a gzip, which has its own.
    crc: Option<u32>,
}

enum Inflater {
    Deflate(DeflateDecoder<BufReader<Part>>),
    Gzip(MultiGzDecoder<BufReader<Part>>),
}

/// A stream that stands somewhere.
struct Position {
    inflater: Inflater,
    at: u64,
    sum: crc32fast::Hasher,
}

impl Position {
    fn first(packed: &Packed) -> io::Result<Self> {
        let of = packed
            .of
            .open()
            .map_err(io::Error::other)?;
        let part = Part::new(of, packed.at, packed.len, None);
        let stream = BufReader::with_capacity(PACKED, part);
        let inflater = if packed.crc.is_some() {
            Inflater::Deflate(DeflateDecoder::new(stream))
        } else {
            Inflater::Gzip(MultiGzDecoder::new(stream))
        };
        Ok(Self {
            inflater,
            at: 0,
            sum: crc32fast::Hasher::new(),
        })
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = match &mut self.inflater {
            Inflater::Deflate(inflater) => inflater.read(into),
            Inflater::Gzip(inflater) => inflater.read(into),
        };
        let got = got.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof => damaged("it does not inflate"),
            _ => error,
        })?;
        if let Inflater::Deflate(_) = self.inflater {
            self.sum
                .update(into.get(..got).unwrap_or_default());
        }
        self.at += got as u64;
        Ok(got)
    }

    /// Reads on to a place.
    fn pass_to(&mut self, place: u64, packed: &Packed, len: u64) -> io::Result<()> {
        let mut passed = [0; PASSED];
        while self.at < place {
            let most = usize::try_from(place - self.at)
                .unwrap_or(usize::MAX)
                .min(PASSED);
            self.read_of(
                packed,
                len,
                passed
                    .get_mut(..most)
                    .unwrap_or_default(),
            )?;
        }
        Ok(())
    }

    /// Reads up to `most` bytes of the `len` that there are to be, and at the last one sees that it
    /// is the last, and that the checksum is the stated one.
    fn read_of(&mut self, packed: &Packed, len: u64, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(len - self.at).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let got = self.read(
            into.get_mut(..most)
                .unwrap_or_default(),
        )?;
        if got == 0 && most > 0 {
            return Err(damaged("it is shorter than stated"));
        }
        if self.at == len {
            if self.read(&mut [0])? != 0 {
                return Err(damaged("it is longer than stated"));
            }
            let used_all = match &self.inflater {
                Inflater::Deflate(inflater) => inflater.total_in() == packed.len,
                Inflater::Gzip(_) => true,
            };
            if !used_all {
                return Err(damaged("its packed length is not the stated one"));
            }
            if packed
                .crc
                .is_some_and(|crc| crc != self.sum.clone().finalize())
            {
                return Err(damaged("its checksum is wrong"));
            }
        }
        Ok(got)
    }
}

/// Streams that were left where they stood, for who reads on from there.
#[derive(Default)]
pub struct Positions {
    kept: Mutex<Vec<Position>>,
    /// How many began at the first byte.
    #[cfg(test)]
    begun: std::sync::atomic::AtomicUsize,
}

impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Positions(..)")
    }
}

impl Positions {
    #[cfg(test)]
    pub fn begun(&self) -> usize {
        self.begun
            .load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Takes the one that stands nearest before a place.
    fn take(&self, before: u64) -> Option<Position> {
        let mut kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (nearest, _) = kept
            .iter()
            .enumerate()
            .filter(|(_, position)| position.at <= before)
            .max_by_key(|(_, position)| position.at)?;
        Some(kept.remove(nearest))
    }

    fn keep(&self, position: Position) {
        let mut kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST_KEPT {
            kept.remove(0);
        }
        kept.push(position);
    }
}

/// Reads what inflates, at any place: to go back is to begin again.
struct Inflating {
    packed: Packed,
    len: u64,
    next: u64,
    position: Option<Position>,
    kept: Option<Arc<Positions>>,
}

impl Inflating {
    fn new(packed: &Packed, len: u64, kept: Option<Arc<Positions>>) -> Self {
        Self {
            packed: packed.clone(),
            len,
            next: 0,
            position: None,
            kept,
        }
    }

    /// A stream that stands where the next byte is read.
    fn stream(&mut self) -> io::Result<&mut Position> {
        if let Some(beyond) = self
            .position
            .take_if(|position| position.at > self.next)
        {
            self.keep(beyond);
        }
        if self.position.is_none() {
            let kept = self
                .kept
                .as_ref()
                .and_then(|kept| kept.take(self.next));
            #[cfg(test)]
            if let (None, Some(all)) = (&kept, &self.kept) {
                all.begun
                    .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            self.position = match kept {
                Some(kept) => Some(kept),
                None => Some(Position::first(&self.packed)?),
            };
        }
        let Some(position) = &mut self.position else {
            return Err(io::ErrorKind::Other.into());
        };
        if position.at < self.next {
            position.pass_to(self.next, &self.packed, self.len)?;
        }
        Ok(position)
    }

    fn keep(&self, position: Position) {
        // One at the end is of no use.
        if let Some(kept) = self
            .kept
            .as_ref()
            .filter(|_| position.at < self.len)
        {
            kept.keep(position);
        }
    }
}

impl Read for Inflating {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let is_over = self.next >= self.len && (self.len > 0 || self.position.is_some());
        if is_over || into.is_empty() {
            return Ok(0);
        }
        let (packed, len) = (self.packed.clone(), self.len);
        let got = match self.stream() {
            Ok(position) => position.read_of(&packed, len, into),
            Err(error) => Err(error),
        };
        match got {
            Ok(got) => {
                self.next += got as u64;
                Ok(got)
            }
            Err(error) => {
                // What stands after a fault is not read on from.
                self.position = None;
                Err(error)
            }
        }
    }
}

impl Seek for Inflating {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.next = place(to, self.next, self.len)?;
        Ok(self.next)
    }
}

impl Drop for Inflating {
    fn drop(&mut self) {
        if let Some(position) = self.position.take() {
            self.keep(position);
        }
    }
}
