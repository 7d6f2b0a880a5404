//! The bytes of a file to send: pieces in memory and ranges of the source, in order, of known total
//! length.
//!
//! Owns producing them as a stream, as often as it takes, from wherever it is to begin. It opens one
//! file at a time and only when its turn comes.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

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
        let starts = self
            .segments
            .iter()
            .scan(0, |end, segment| {
                let start = *end;
                *end += segment.len();
                Some(start)
            })
            .collect();
        BodyReader {
            segments: self.segments.clone(),
            starts,
            len: self.len,
            at: 0,
            open: None,
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

/// Reads a [`Body`]: from start to end, or wherever it is sent.
#[derive(Debug)]
pub struct BodyReader {
    segments: Vec<Segment>,
    /// Where each segment begins.
    starts: Vec<u64>,
    len: u64,
    at: u64,
    open: Option<OpenSegment>,
}

/// The file of the segment that was read last.
#[derive(Debug)]
struct OpenSegment {
    index: usize,
    file: OpenFile,
    /// Where in the file it stands.
    at: u64,
}

impl OpenSegment {
    /// Keeps the file that is open where it is that of the segment, and goes to an offset of it.
    fn seek(open: Option<Self>, index: usize, file: &SourceFile, to: u64) -> io::Result<Self> {
        let mut open = match open {
            Some(open) if open.index == index => open,
            before => {
                drop(before);
                Self {
                    index,
                    file: file
                        .open()
                        .map_err(io::Error::other)?,
                    at: 0,
                }
            }
        };
        if open.at != to {
            open.at = open
                .file
                .seek(SeekFrom::Start(to))?;
        }
        Ok(open)
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let index = self
            .starts
            .partition_point(|start| *start <= self.at)
            .saturating_sub(1);
        let (Some(segment), Some(start)) = (self.segments.get(index), self.starts.get(index))
        else {
            return Ok(0);
        };
        let done = self.at - start;
        let left = segment.len().saturating_sub(done);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(into) = buffer
            .get_mut(..wanted)
            .filter(|into| !into.is_empty())
        else {
            return Ok(0);
        };
        let got = match segment {
            Segment::Bytes(bytes) => {
                let from = usize::try_from(done).unwrap_or(usize::MAX);
                bytes
                    .get(from..)
                    .unwrap_or_default()
                    .read(into)?
            }
            Segment::File { file, range, mask } => {
                let open = self.open.take();
                let mut open = OpenSegment::seek(open, index, file, range.start + done)?;
                let got = open.file.read(into)?;
                if got == 0 {
                    return Err(io::Error::other(
                        FileErrorKind::Changed.error("it became shorter"),
                    ));
                }
                open.at += got as u64;
                self.open = Some(open);
                if let (Some(mask), Some(read)) = (mask, into.get_mut(..got)) {
                    mask.apply(done, read);
                }
                got
            }
        };
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for BodyReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
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
