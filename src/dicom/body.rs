//! The bytes of a file to send: pieces in memory and ranges of the source, in order, of known total length.
//!
//! Owns producing them as a stream, as often as it takes. It opens one file at a time and only when its turn comes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::source::SourceFile;
use crate::failure::{FileCode, FileFailure};

/// A piece of a [`Body`].
#[derive(Debug, Clone)]
pub enum Segment {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A range of a file.
    File {
        /// The file.
        file: Arc<SourceFile>,
        /// Offsets in bytes.
        range: Range<u64>,
    },
}

impl Segment {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { range, .. } => range.end.saturating_sub(range.start),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file to send, in pieces. Cloning it copies no data.
#[derive(Debug, Clone, Default)]
pub struct Body {
    segments: Vec<Segment>,
    len: u64,
}

impl Body {
    /// A body of these pieces; empty ones are left out.
    pub fn new(segments: Vec<Segment>) -> Self {
        let mut segments = segments;
        segments.retain(|segment| !segment.is_empty());
        let len = segments.iter().map(Segment::len).sum();
        Self { segments, len }
    }

    /// The pieces in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Exact length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many of its bytes are held in memory.
    pub fn in_memory(&self) -> u64 {
        self.segments.iter().filter(|s| matches!(s, Segment::Bytes(_))).map(Segment::len).sum()
    }

    /// A reader over all bytes, from the start. An error whose inner error is a [`FileFailure`] says that a file changed.
    pub fn reader(&self) -> BodyReader {
        BodyReader { segments: self.segments.clone().into_iter(), current: Current::Bytes(Bytes::new()) }
    }

    /// All bytes in one vector.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.reader().read_to_end(&mut all)?;
        Ok(all)
    }
}

/// Reads a [`Body`] from start to end.
#[derive(Debug)]
pub struct BodyReader {
    segments: std::vec::IntoIter<Segment>,
    current: Current,
}

#[derive(Debug)]
enum Current {
    Bytes(Bytes),
    File { open: File, left: u64 },
}

impl BodyReader {
    /// Moves on to the next piece; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.current = match self.segments.next() {
            None => return Ok(false),
            Some(Segment::Bytes(bytes)) => Current::Bytes(bytes),
            Some(Segment::File { file, range }) => {
                let mut open = file.open().map_err(io::Error::other)?;
                open.seek(SeekFrom::Start(range.start))?;
                Current::File { open, left: range.end.saturating_sub(range.start) }
            }
        };
        Ok(true)
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.current {
                Current::Bytes(bytes) if bytes.has_remaining() => return bytes.reader().read(buffer),
                Current::File { open, left: left @ 1.. } => {
                    let got = open.take(*left).read(buffer)?;
                    if got == 0 {
                        return Err(io::Error::other(FileFailure::new(FileCode::ReadChanged, "it became shorter")));
                    }
                    *left -= got as u64;
                    return Ok(got);
                }
                Current::Bytes(_) | Current::File { .. } => {
                    if !self.advance()? {
                        return Ok(0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn joins_bytes_and_file_ranges_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = Arc::new(SourceFile::new(&path).unwrap());
        let body = Body::new(vec![
            Segment::Bytes(Bytes::from_static(b"a")),
            Segment::Bytes(Bytes::new()),
            Segment::File { file: file.clone(), range: 2..5 },
            Segment::Bytes(Bytes::from_static(b"bc")),
            Segment::File { file, range: 9..10 },
        ]);
        assert_eq!((body.len(), body.in_memory(), body.segments().len()), (7, 3, 4));
        for _ in 0..2 {
            assert_eq!(body.to_vec().unwrap(), b"a234bc9");
        }
        std::fs::write(&path, b"0123").unwrap();
        let error = body.to_vec().unwrap_err();
        let failure = error.get_ref().and_then(|e| e.downcast_ref::<FileFailure>()).unwrap();
        assert_eq!(failure.code, FileCode::ReadChanged);
    }
}
