//! Members of a zip: stored as they are, or deflated (RFC 1951).
//!
//! Owns the choice for each member, which is stored where deflating does not shorten it, and where
//! the deflated bytes are kept: in memory if the files are there too, else in one temporary file
//! for all members.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;

use super::{Member, Sum, checksum, each_chunk};
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{Body, Segment, SourceFile, TemporaryFile};

/// What is deflated in one piece, in bytes; more goes through in steps.
const AT_ONCE: u64 = 8 << 20;

/// How hard members are deflated: from 1, fast, to 9, small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateLevel(u8);

impl DeflateLevel {
    /// The fastest, which on images gains nearly as much as the others.
    pub const FAST: Self = Self(1);

    /// A level from 1 to 9; none for other numbers.
    pub fn new(level: u8) -> Option<Self> {
        (1..=9)
            .contains(&level)
            .then_some(Self(level))
    }

    /// For the streaming compressor, whose first level gains little on images.
    fn streaming(self) -> flate2::Compression {
        flate2::Compression::new(u32::from(self.0.max(2)))
    }
}

/// A member as it stands in a zip.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The bytes in the zip.
    pub body: Body,
    /// Length and checksum of the file.
    pub len: u64,
    pub crc: u32,
    pub deflated: bool,
}

impl Packed {
    pub fn stored(body: &Body, crc: u32) -> Self {
        Self {
            body: body.clone(),
            len: body.len(),
            crc,
            deflated: false,
        }
    }

    pub fn sum(&self) -> Sum {
        Sum {
            len: self.len,
            crc32: Some(self.crc),
        }
    }
}

/// All members at a level, or stored without one. Works on all cores of the pool that it is called
/// in.
///
/// # Errors
/// `read.*` with the index of the member whose source cannot be read again or has changed,
/// `read.io` where no temporary file can be written.
pub fn pack(
    members: &[Member],
    level: Option<DeflateLevel>,
) -> Result<Vec<Packed>, (usize, FileFailure)> {
    let in_memory = members
        .iter()
        .all(|member| member.body.in_memory() == member.body.len());
    let spool = (!in_memory && level.is_some())
        .then(Spool::new)
        .transpose()
        .map_err(|failure| (0, failure))?;
    let one = |deflater: &mut Option<Deflater>, (at, member): (usize, &Member)| {
        let deflater = deflater
            .as_mut()
            .filter(|_| member.native);
        deflated(&member.body, deflater, spool.as_ref()).map_err(|failure| (at, failure))
    };
    let all: Vec<_> = members
        .par_iter()
        .enumerate()
        .map_init(|| level.map(Deflater::new), one)
        .collect::<Result<_, _>>()?;
    let spooled = spool
        .map(Spool::finish)
        .transpose()
        .map_err(|failure| (0, failure))?;
    let packed = |(member, (crc, place)): (&Member, (u32, Place))| {
        let segment = match (place, &spooled) {
            (Place::Memory(bytes), _) => Segment::Bytes(bytes),
            (Place::Spool(range), Some(file)) => Segment::of_file(Arc::clone(file), range),
            (Place::Source | Place::Spool(_), _) => return Packed::stored(&member.body, crc),
        };
        Packed {
            body: Body::new(vec![segment]),
            len: member.body.len(),
            crc,
            deflated: true,
        }
    };
    Ok(members
        .iter()
        .zip(all)
        .map(packed)
        .collect())
}

/// Where the bytes of a member are.
enum Place {
    /// Where they were: it is stored.
    Source,
    Memory(Bytes),
    Spool(Range<u64>),
}

/// What deflates one member after the other: its tables and buffers cost more than a small member.
struct Deflater {
    level: DeflateLevel,
    compressor: Compressor,
    whole: Vec<u8>,
    out: Vec<u8>,
}

impl Deflater {
    fn new(level: DeflateLevel) -> Self {
        let library = CompressionLvl::new(i32::from(level.0)).unwrap_or_default();
        Self {
            level,
            compressor: Compressor::new(library),
            whole: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The checksum of a member, and its bytes deflated where that is shorter.
    fn deflate(&mut self, body: &Body) -> Result<(u32, Option<&[u8]>), FileFailure> {
        let Self {
            compressor,
            whole,
            out,
            ..
        } = self;
        whole.clear();
        each_chunk(body, |chunk| whole.extend_from_slice(chunk))?;
        let bound = compressor.deflate_compress_bound(whole.len());
        if out.len() < bound {
            out.resize(bound, 0);
        }
        let shorter = compressor
            .deflate_compress(whole, out)
            .ok()
            .filter(|length| *length < whole.len())
            .and_then(|length| out.get(..length));
        Ok((crc32fast::hash(whole), shorter))
    }
}

/// The checksum of a member, and where its bytes are afterwards.
fn deflated(
    body: &Body,
    deflater: Option<&mut Deflater>,
    spool: Option<&Spool>,
) -> Result<(u32, Place), FileFailure> {
    let Some(deflater) = deflater else {
        return Ok((checksum(body)?, Place::Source));
    };
    if let Some(spool) = spool.filter(|_| body.len() > AT_ONCE) {
        return spool.stream(body, deflater.level);
    }
    let (crc, shorter) = deflater.deflate(body)?;
    let place = match (shorter, spool) {
        (None, _) => Place::Source,
        (Some(shorter), Some(spool)) => Place::Spool(spool.append(shorter)?),
        // A copy, so that what it takes is what it is.
        (Some(shorter), None) => Place::Memory(Bytes::copy_from_slice(shorter)),
    };
    Ok((crc, place))
}

/// The temporary file of one package.
struct Spool(Mutex<Open>);

struct Open {
    file: TemporaryFile,
    len: u64,
}

impl Spool {
    fn new() -> Result<Self, FileFailure> {
        let file = TemporaryFile::new().map_err(|e| unwritable(&e))?;
        Ok(Self(Mutex::new(Open { file, len: 0 })))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, bytes: &[u8]) -> Result<Range<u64>, FileFailure> {
        let mut open = self.open();
        open.write_all(bytes)
            .map_err(|e| unwritable(&e))?;
        Ok(open.len - bytes.len() as u64..open.len)
    }

    /// Deflates step by step. Others wait meanwhile: they would only wait for the disk.
    fn stream(&self, body: &Body, level: DeflateLevel) -> Result<(u32, Place), FileFailure> {
        let mut open = self.open();
        let (start, mut crc, mut written) = (open.len, crc32fast::Hasher::new(), Ok(()));
        let mut encoder = DeflateEncoder::new(
            BufWriter::with_capacity(256 << 10, &mut *open),
            level.streaming(),
        );
        each_chunk(body, |chunk| {
            crc.update(chunk);
            if written.is_ok() {
                written = encoder.write_all(chunk);
            }
        })?;
        written
            .and_then(|()| encoder.finish())
            .and_then(|mut out| out.flush())
            .map_err(|e| unwritable(&e))?;
        let range = start..open.len;
        let place = if range.end - range.start < body.len() {
            Place::Spool(range)
        } else {
            Place::Source
        };
        Ok((crc.finalize(), place))
    }

    fn finish(self) -> Result<Arc<SourceFile>, FileFailure> {
        let open = self
            .0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::new(SourceFile::temporary(open.file)?))
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn unwritable(error: &io::Error) -> FileFailure {
    FileFailure::new(
        FileCode::ReadIo,
        format!("no temporary file can be written: {}", error.kind()),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;

    use super::*;

    fn inflated(packed: &Packed) -> Vec<u8> {
        let mut out = Vec::new();
        let bytes = packed.body.to_vec().unwrap();
        if packed.deflated {
            DeflateDecoder::new(&*bytes)
                .read_to_end(&mut out)
                .unwrap()
        } else {
            bytes
                .as_slice()
                .read_to_end(&mut out)
                .unwrap()
        };
        out
    }

    fn member(body: Body, native: bool) -> Member {
        Member {
            name: String::new(),
            body,
            native,
        }
    }

    #[test]
    fn what_comes_out_inflates_to_what_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"abcabcabd".repeat(1200);
        let noise: Vec<u8> = (0..5000)
            .map(|_| fastrand::u8(..))
            .collect();
        let big = text.repeat(900);
        let in_file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let file = Arc::new(SourceFile::new(&path).unwrap());
            let all = 0..file.len();
            Body::new(vec![
                Segment::Bytes(Bytes::from_static(b"head")),
                Segment::of_file(file, all),
            ])
        };
        let in_memory =
            |bytes: &[u8]| Body::new(vec![Segment::Bytes(Bytes::copy_from_slice(bytes))]);
        assert!(big.len() as u64 > AT_ONCE);
        let memory = vec![
            member(in_memory(&text), true),
            member(in_memory(&noise), true),
            member(in_memory(&text), false),
        ];
        let files = vec![
            member(in_file("text", &text), true),
            member(in_file("noise", &noise), true),
            member(in_file("big", &big), true),
            member(in_file("compressed", &text), false),
        ];
        for (members, expected) in [
            (memory, vec![true, false, false]),
            (files, vec![true, false, true, false]),
        ] {
            for level in [1, 6, 9] {
                let packed = pack(&members, DeflateLevel::new(level)).unwrap();
                assert_eq!(
                    packed
                        .iter()
                        .map(|packed| packed.deflated)
                        .collect::<Vec<_>>(),
                    expected
                );
                for (packed, member) in packed.iter().zip(&members) {
                    let whole = member.body.to_vec().unwrap();
                    assert_eq!(inflated(packed), whole);
                    assert_eq!(
                        (packed.len, packed.crc),
                        (member.body.len(), crc32fast::hash(&whole))
                    );
                    assert!(packed.body.len() <= packed.len);
                }
            }
            assert!(
                pack(&members, None)
                    .unwrap()
                    .iter()
                    .all(|packed| !packed.deflated)
            );
        }
    }

    #[test]
    fn the_member_that_cannot_be_read_again_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = Arc::new(SourceFile::new(&path).unwrap());
        let gone = Body::new(vec![Segment::of_file(file, 0..10)]);
        let there = Body::new(vec![Segment::Bytes(Bytes::from_static(b"there"))]);
        std::fs::remove_file(&path).unwrap();
        let members = [member(there, true), member(gone, true)];
        for level in [None, DeflateLevel::new(1)] {
            let (at, failure) = pack(&members, level).unwrap_err();
            assert_eq!((at, failure.code), (1, FileCode::DiscoverNotFound));
        }
    }
}
