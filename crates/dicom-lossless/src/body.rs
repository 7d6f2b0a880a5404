//! The bytes of a file to send: pieces in memory and ranges of the source, in order, of known total
//! length.
//!
//! Owns producing them as a stream, as often as it takes. It opens one file at a time and only when
//! its turn comes.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::mask::Mask;
use super::source::{OpenFile, SourceFile};
use crate::error::FileErrorKind;

/// A piece of a [`Body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A range of a file.
    File {
        /// The file.
        file: Arc<SourceFile>,
        /// Offsets in bytes.
        range: Range<u64>,
        /// What of it is blanked on the way out, counted from the start of the range.
        mask: Option<Arc<Mask>>,
    },
}

impl Segment {
    /// A range of a file as it stands there.
    pub fn of_file(file: Arc<SourceFile>, range: Range<u64>) -> Self {
        Self::File {
            file,
            range,
            mask: None,
        }
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { range, .. } => range
                .end
                .saturating_sub(range.start),
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
        let len = segments
            .iter()
            .map(Segment::len)
            .sum();
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
        self.segments
            .iter()
            .filter(|s| matches!(s, Segment::Bytes(_)))
            .map(Segment::len)
            .sum()
    }

    /// A reader over all bytes, from the start. An error whose inner error is a [`crate::FileError`]
    /// says that a file changed.
    pub fn reader(&self) -> BodyReader {
        BodyReader {
            segments: self.segments.clone().into_iter(),
            current: Current::Bytes(Bytes::new()),
        }
    }

    /// All bytes in one vector.
    ///
    /// # Errors
    /// A file that it streams from cannot be read, or changed meanwhile.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.reader()
            .read_to_end(&mut all)?;
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
    File {
        open: OpenFile,
        done: u64,
        left: u64,
        mask: Option<Arc<Mask>>,
    },
}

impl BodyReader {
    /// Moves on to the next piece; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.current = match self.segments.next() {
            None => return Ok(false),
            Some(Segment::Bytes(bytes)) => Current::Bytes(bytes),
            Some(Segment::File { file, range, mask }) => {
                let mut open = file
                    .open()
                    .map_err(io::Error::other)?;
                open.seek(SeekFrom::Start(range.start))?;
                Current::File {
                    open,
                    done: 0,
                    left: range
                        .end
                        .saturating_sub(range.start),
                    mask,
                }
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
                Current::Bytes(bytes) if bytes.has_remaining() => {
                    return bytes.reader().read(buffer);
                }
                Current::File {
                    open,
                    done,
                    left: left @ 1..,
                    mask,
                } => {
                    let got = open.take(*left).read(buffer)?;
                    if got == 0 {
                        return Err(io::Error::other(
                            FileErrorKind::Changed.error("it became shorter"),
                        ));
                    }
                    if let (Some(mask), Some(read)) = (mask, buffer.get_mut(..got)) {
                        mask.apply(*done, read);
                    }
                    *left -= got as u64;
                    *done += got as u64;
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
    use super::super::mask::Band;
    use super::*;
    use crate::FileError;

    #[test]
    fn joins_bytes_and_file_ranges_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = Arc::new(SourceFile::new(&path).unwrap());
        let body = Body::new(vec![
            Segment::Bytes(Bytes::from_static(b"a")),
            Segment::Bytes(Bytes::new()),
            Segment::of_file(file.clone(), 2..5),
            Segment::Bytes(Bytes::from_static(b"bc")),
            Segment::of_file(file, 9..10),
        ]);
        assert_eq!(
            (body.len(), body.in_memory(), body.segments().len()),
            (7, 3, 4)
        );
        for _ in 0..2 {
            assert_eq!(body.to_vec().unwrap(), b"a234bc9");
        }
        std::fs::write(&path, b"0123").unwrap();
        let error = body.to_vec().unwrap_err();
        let failure = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<FileError>())
            .unwrap();
        assert_eq!(failure.kind, FileErrorKind::Changed);
    }

    #[test]
    fn a_masked_range_reads_as_if_it_had_been_blanked_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, [9; 50]).unwrap();
        let mask = Mask::new(
            10,
            2,
            vec![Band {
                rows: 1..2,
                runs: vec![3..6, 8..9],
            }],
        );
        let mut expected = [9; 44];
        mask.apply(0, &mut expected);
        let file = Arc::new(SourceFile::new(&path).unwrap());
        let body = Body::new(vec![Segment::File {
            file,
            range: 5..49,
            mask: Some(Arc::new(mask)),
        }]);
        assert_eq!(body.to_vec().unwrap(), expected);
        for step in [1, 3, 7, 100] {
            let (mut reader, mut all, mut buffer) =
                (body.reader(), Vec::<u8>::new(), vec![0; step]);
            while let Ok(got @ 1..) = reader.read(&mut buffer) {
                all.extend(buffer.iter().take(got));
            }
            assert_eq!(all, expected, "in steps of {step}");
        }
    }
}
