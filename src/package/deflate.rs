//! Members of a zip: stored as they are, or deflated (RFC 1951).
//!
//! Owns the choice for each member: what is compressed already is stored, and so is what deflating does not shorten.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use libdeflater::{CompressionLvl, Compressor};

use super::{Sum, checksum, each_chunk};
use crate::dicom::{Body, PassingFile, Segment, SourceFile};
use crate::failure::{FileCode, FileFailure};

/// How hard members are deflated: from 1, fast, to 9, small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// The fastest, which on images gains nearly as much as the others.
    pub const FAST: Self = Self(1);

    /// A level from 1 to 9; none for other numbers.
    pub fn new(level: u8) -> Option<Self> {
        (1..=9).contains(&level).then_some(Self(level))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// For the streaming compressor, whose first level gains little on images.
    fn streaming(self) -> flate2::Compression {
        flate2::Compression::new(u32::from(self.0.max(2)))
    }
}

/// A member as it stands in a zip.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The bytes in the zip.
    pub(super) body: Body,
    /// Length and checksum of the file.
    pub(super) len: u64,
    pub(super) crc: u32,
    pub(super) deflated: bool,
}

impl Packed {
    pub(super) fn stored(body: &Body, crc: u32) -> Self {
        Self { body: body.clone(), len: body.len(), crc, deflated: false }
    }

    /// A file at this level; stored without one.
    ///
    /// # Errors
    /// `read.*` when the source cannot be read again or has changed, `read.io` where no temporary file can be written.
    pub(super) fn of(body: &Body, level: Option<Level>) -> Result<Self, FileFailure> {
        match level {
            None => Ok(Self::stored(body, checksum(body)?)),
            Some(level) if body.in_memory() == body.len() => Ok(in_memory(body, level)),
            Some(level) => streamed(body, level),
        }
    }

    pub(super) fn sum(&self) -> Sum {
        Sum { len: self.len, crc32: Some(self.crc) }
    }

    fn shorter(body: &Body, crc: u32, deflated: Segment) -> Self {
        if deflated.len() >= body.len() {
            return Self::stored(body, crc);
        }
        Self { body: Body::new(vec![deflated]), len: body.len(), crc, deflated: true }
    }
}

fn in_memory(body: &Body, level: Level) -> Packed {
    let mut whole = Vec::with_capacity(usize::try_from(body.len()).unwrap_or_default());
    for segment in body.segments() {
        if let Segment::Bytes(bytes) = segment {
            whole.extend_from_slice(bytes);
        }
    }
    let crc = crc32fast::hash(&whole);
    let mut compressor = Compressor::new(CompressionLvl::new(i32::from(level.0)).unwrap_or_default());
    let mut out = vec![0; compressor.deflate_compress_bound(whole.len())];
    match compressor.deflate_compress(&whole, &mut out) {
        Ok(length) => {
            // A copy, so that what it takes is what it is.
            let deflated = Bytes::copy_from_slice(out.get(..length).unwrap_or_default());
            Packed::shorter(body, crc, Segment::Bytes(deflated))
        }
        Err(_) => Packed::stored(body, crc),
    }
}

/// What is not in memory goes into a temporary file: how long it becomes is known only at its end.
fn streamed(body: &Body, level: Level) -> Result<Packed, FileFailure> {
    let unwritable =
        |e: std::io::Error| FileFailure::new(FileCode::ReadIo, format!("no temporary file can be written: {}", e.kind()));
    let passing = PassingFile::new().map_err(unwritable)?;
    let mut crc = crc32fast::Hasher::new();
    let mut encoder = DeflateEncoder::new(BufWriter::with_capacity(256 << 10, passing.clone()), level.streaming());
    let mut written = Ok(());
    each_chunk(body, |chunk| {
        crc.update(chunk);
        if written.is_ok() {
            written = encoder.write_all(chunk);
        }
    })?;
    written.and_then(|()| encoder.finish()).and_then(|mut out| out.flush()).map_err(unwritable)?;
    let file = Arc::new(SourceFile::temporary(passing)?);
    let all = 0..file.len();
    Ok(Packed::shorter(body, crc.finalize(), Segment::of_file(file, all)))
}
