//! A file on disk through one opening: its length, its time of change and its first bytes.
//!
//! Owns that handle for as long as it is being told what the file is and where it belongs. What is
//! read later opens the file anew, and notices there if it changed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use dicom_lossless::{FileError, FileErrorKind, ReadSeek, SourceFile, Stored};

/// Bytes that are read at once: all of a small file, and of others mostly the whole header.
const FIRST: u64 = 32 << 10;
/// Bytes by which a file is told to be DICOM.
const SNIFFED: usize = 4096;

/// A regular file that is open, and what was read of it.
#[derive(Debug)]
pub struct OpenedFile {
    /// The file as it was when it was opened.
    pub source: Arc<SourceFile>,
    /// When its opening began.
    pub begun: Instant,
    contents: Arc<Contents>,
}

#[derive(Debug)]
struct Contents {
    source: Arc<SourceFile>,
    file: File,
    head: Bytes,
}

impl OpenedFile {
    /// Opens a file and reads its first bytes.
    ///
    /// # Errors
    /// It cannot be opened or read, is no regular file, or became shorter meanwhile.
    pub fn new(path: &Path) -> Result<Self, FileError> {
        let begun = Instant::now();
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(FileErrorKind::NotAFile.error(""));
        }
        let len = metadata.len();
        let head = read_exactly(&mut file, len.min(FIRST))?;
        let source = Arc::new(SourceFile::as_it_was(path, len, metadata.modified().ok()));
        let contents = Arc::new(Contents {
            source: Arc::clone(&source),
            file,
            head,
        });
        Ok(Self {
            source,
            begun,
            contents,
        })
    }

    /// What tells whether it is DICOM.
    pub fn sniffed_bytes(&self) -> Bytes {
        let head = &self.contents.head;
        head.slice(..head.len().min(SNIFFED))
    }

    /// The first bytes of the file, this many or all.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn first(&self, upto: u64) -> Result<Bytes, FileError> {
        let head = &self.contents.head;
        let upto = upto.min(self.source.len());
        if let Some(first) = usize::try_from(upto)
            .ok()
            .filter(|upto| *upto <= head.len())
        {
            return Ok(head.slice(..first));
        }
        read_exactly(&mut self.reader(), upto)
    }

    /// The file, to be read through the handle that is open: opening it again costs nothing.
    pub fn as_source(&self) -> Arc<SourceFile> {
        let through = Through(Arc::clone(&self.contents));
        let source = &self.source;
        Arc::new(SourceFile::inside(
            source.path(),
            source.len(),
            Arc::new(through),
        ))
    }

    fn reader(&self) -> Reader {
        Reader {
            contents: Arc::clone(&self.contents),
            at: 0,
        }
    }
}

/// Reads this many bytes, which the caller knows to be few.
fn read_exactly(from: &mut impl Read, wanted: u64) -> Result<Bytes, FileError> {
    let wanted = usize::try_from(wanted).map_err(|_| FileErrorKind::HeaderTooLarge.error(""))?;
    let mut bytes = vec![0; wanted];
    from.read_exact(&mut bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FileErrorKind::Changed.error("it became shorter"),
            _ => error.into(),
        })?;
    Ok(bytes.into())
}

#[derive(Debug)]
struct Through(Arc<Contents>);

impl Stored for Through {
    fn open(&self) -> Result<Box<dyn ReadSeek>, FileError> {
        Ok(Box::new(Reader {
            contents: Arc::clone(&self.0),
            at: 0,
        }))
    }

    fn has_checksum(&self) -> bool {
        false
    }

    fn outermost(&self) -> &SourceFile {
        &self.0.source
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Reads the first bytes from memory and what follows from the file.
struct Reader {
    contents: Arc<Contents>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at_hand = usize::try_from(self.at)
            .ok()
            .and_then(|at| self.contents.head.get(at..))
            .filter(|rest| !rest.is_empty());
        let got = if let Some(mut rest) = at_hand {
            rest.read(into)?
        } else {
            let mut file = &self.contents.file;
            file.seek(SeekFrom::Start(self.at))?;
            file.read(into)?
        };
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self
                .contents
                .source
                .len()
                .checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_opening_serves_every_reader_and_gives_the_bytes_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..40_000_u32)
            .flat_map(u32::to_le_bytes)
            .collect();
        for len in [0, 1, 4096, 32 << 10, (32 << 10) + 1, bytes.len()] {
            let expected = bytes.get(..len).unwrap();
            std::fs::write(&path, expected).unwrap();
            let opened = OpenedFile::new(&path).unwrap();
            // Its name may go, and what is open stays.
            std::fs::remove_file(&path).unwrap();
            assert_eq!(opened.source.len(), len as u64);
            assert!(opened.first(1 << 20).unwrap() == expected);
            assert!(expected.starts_with(&opened.first(33 << 10).unwrap()));
            assert!(expected.starts_with(&opened.sniffed_bytes()));
            let source = opened.as_source();
            assert_eq!(source.modified(), opened.source.modified());
            for at in [0, len / 2, len] {
                let mut open = source.open().unwrap();
                open.seek(SeekFrom::Start(at as u64))
                    .unwrap();
                let mut rest = Vec::new();
                open.read_to_end(&mut rest).unwrap();
                assert!(rest == expected.get(at..).unwrap(), "{len} from {at}");
            }
        }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path| {
            OpenedFile::new(path)
                .unwrap_err()
                .kind
        };
        assert_eq!(kind(folder.path()), FileErrorKind::NotAFile);
        assert_eq!(kind(&folder.path().join("gone")), FileErrorKind::NotFound);
    }
}
