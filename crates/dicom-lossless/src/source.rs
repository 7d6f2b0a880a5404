//! Where the bytes of a file come from: the file itself, a place inside another file, or a copy in
//! memory.
//!
//! Owns opening and reading, and notices when a file changed in between. It knows nothing of DICOM,
//! and nothing of how one file lies inside another: see [`Stored`].

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
#[cfg(unix)]
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::temporary::TemporaryFile;
use crate::error::{FileError, FileErrorKind};
use bytes::Bytes;

/// A file that lies inside another, as a member of an archive does.
pub trait Stored: fmt::Debug + Send + Sync {
    /// Opens it at its first byte.
    ///
    /// # Errors
    /// The file around it cannot be opened, is not what it was, or says two things about this one.
    fn open(&self) -> Result<Box<dyn ReadSeek>, FileError>;

    /// Whether reading it to its end compares a checksum.
    fn has_checksum(&self) -> bool;

    /// The file on disk around it, as it was at the first look.
    fn outermost(&self) -> &SourceFile;

    /// What tells it from another one of the same name, length and time inside the same file.
    fn fingerprint(&self) -> Vec<u8>;
}

/// What a file inside another one is read through. Where its checksum is known, reading from the
/// first byte to the last without a gap fails at the end where the sum is another.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A file as it was when it was first looked at.
#[derive(Debug, Clone)]
pub struct SourceFile {
    path: PathBuf,
    len: u64,
    modified: Option<SystemTime>,
    temporary: Option<TemporaryFile>,
    stored: Option<Arc<dyn Stored>>,
}

impl SourceFile {
    /// Notes length in bytes and time of change of a regular file.
    ///
    /// # Errors
    /// There is none, it may not be looked at, or is no regular file.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let path = path.into();
        let metadata = std::fs::metadata(&path)?;
        if !metadata.is_file() {
            return Err(FileErrorKind::NotAFile.error(""));
        }
        let modified = metadata.modified().ok();
        Ok(Self::as_it_was(path, metadata.len(), modified))
    }

    /// A file as it was at an earlier look.
    pub fn as_it_was(path: impl Into<PathBuf>, len: u64, modified: Option<SystemTime>) -> Self {
        Self {
            path: path.into(),
            len,
            modified,
            temporary: None,
            stored: None,
        }
    }

    /// A file of `len` bytes inside another one, which has the time of change of that one. The path
    /// names it and leads to no file.
    pub fn inside(path: impl Into<PathBuf>, len: u64, stored: Arc<dyn Stored>) -> Self {
        let modified = stored.outermost().modified();
        Self {
            stored: Some(stored),
            ..Self::as_it_was(path, len, modified)
        }
    }

    /// A temporary file of our own, written to its end. It goes away with the last copy of this
    /// value.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn temporary(temporary: TemporaryFile) -> Result<Self, FileError> {
        let file = Self::new(temporary.path())?;
        Ok(Self {
            temporary: Some(temporary),
            ..file
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When it was last changed, where the system says so.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Where it lies, if that is inside another file.
    pub fn stored(&self) -> Option<&Arc<dyn Stored>> {
        self.stored.as_ref()
    }

    /// Opens it, if it is still the file that was looked at.
    ///
    /// # Errors
    /// [`FileErrorKind::Changed`] where length or time of change are no longer what they were,
    /// those of the file around it where it lies inside another; and what the system says.
    pub fn open(&self) -> Result<OpenFile, FileError> {
        if let Some(stored) = &self.stored {
            return stored.open().map(OpenFile::Inside);
        }
        let file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        if metadata.len() != self.len || metadata.modified().ok() != self.modified {
            return Err(FileErrorKind::Changed.error(""));
        }
        Ok(OpenFile::Whole(file))
    }

    /// Checks that it is the file that was first looked at.
    ///
    /// # Errors
    /// It changed since then, or cannot be opened.
    pub fn is_as_it_was(&self) -> Result<(), FileError> {
        match &self.stored {
            Some(stored) => stored.outermost().is_as_it_was(),
            None => self.open().map(drop),
        }
    }

    /// Reads a file that lies inside another one and has a checksum there to its end, so that one
    /// whose length or checksum is not the stated one fails before any of it is used. Does nothing
    /// with others.
    ///
    /// # Errors
    /// [`FileErrorKind::DamagedMember`] where length or checksum are not the stated ones.
    pub fn verify(&self) -> Result<(), FileError> {
        let Some(stored) = self
            .stored
            .as_ref()
            .filter(|stored| stored.has_checksum())
        else {
            return Ok(());
        };
        let read = io::copy(&mut stored.open()?, &mut io::sink())?;
        if read == self.len {
            Ok(())
        } else {
            Err(FileErrorKind::DamagedMember.error("its length is not the stated one"))
        }
    }
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        let same_place = match (&self.stored, &other.stored) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_place
            && self.path == other.path
            && self.len == other.len
            && self.modified == other.modified
            && self.temporary == other.temporary
    }
}

impl Eq for SourceFile {}

/// An open file.
pub enum OpenFile {
    /// All of a file on disk.
    Whole(File),
    /// A file inside another one.
    Inside(Box<dyn ReadSeek>),
}

impl OpenFile {
    /// Appends the bytes of a range to a buffer, fewer where the file ends before. What the buffer
    /// has room for is read in one step: the readers of the standard library begin with 8 KiB and
    /// double that, which for pieces of 256 KiB are six calls in the place of one.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&mut self, range: Range<u64>, buffer: &mut Vec<u8>) -> io::Result<()> {
        let wanted = range
            .end
            .saturating_sub(range.start);
        buffer
            .try_reserve_exact(usize::try_from(wanted).unwrap_or(usize::MAX))
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        match self {
            #[cfg(unix)]
            Self::Whole(file) => read_at(file, range, buffer),
            _ => {
                self.seek(SeekFrom::Start(range.start))?;
                self.take(wanted)
                    .read_to_end(buffer)
                    .map(drop)
            }
        }
    }

    /// Fills a buffer with the bytes at an offset.
    fn fill(&mut self, into: &mut [u8], at: u64) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Whole(file) => file.read_exact_at(into, at),
            _ => {
                self.seek(SeekFrom::Start(at))?;
                self.read_exact(into)
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, range: Range<u64>, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let before = buffer.len();
        // There may be room for more than is wanted.
        let got = rustix::io::retry_on_intr(|| {
            rustix::io::pread(file, rustix::buffer::spare_capacity(buffer), at)
        })?;
        if got == 0 {
            break;
        }
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        buffer.truncate(before.saturating_add(left));
        at += got as u64;
    }
    Ok(())
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole(..)",
            Self::Inside(_) => "Inside(..)",
        })
    }
}

impl Read for OpenFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Whole(file) => file.read(into),
            Self::Inside(file) => file.read(into),
        }
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Whole(file) => file.seek(to),
            Self::Inside(file) => file.seek(to),
        }
    }
}

/// The bytes of one file.
#[derive(Debug, Clone)]
pub enum Source {
    /// In the file; read piece by piece.
    File(Arc<SourceFile>),
    /// In memory, and where they came from. For a deflated file, the inflated data set.
    Memory {
        /// The file that was read.
        file: Arc<SourceFile>,
        /// What it held.
        bytes: Bytes,
    },
}

impl Source {
    /// A file on disk, read as it is needed.
    ///
    /// # Errors
    /// As for [`SourceFile::new`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        Ok(Self::File(Arc::new(SourceFile::new(path)?)))
    }

    /// Reads a file whole into memory. The caller has checked that its length is within the budget.
    ///
    /// # Errors
    /// It cannot be read, or changed.
    pub fn load(file: Arc<SourceFile>) -> Result<Self, FileError> {
        let mut open = file.open()?;
        let bytes = read_up_to(&mut open, 0, file.len(), Bytes::new())?;
        Ok(Self::Memory { file, bytes })
    }

    /// The file that the bytes came from.
    pub fn file(&self) -> &Arc<SourceFile> {
        match self {
            Self::File(file) | Self::Memory { file, .. } => file,
        }
    }
}

/// Random access to a source, for reading it.
pub struct Input {
    pub source: Source,
    open: Option<OpenFile>,
}

impl Input {
    pub fn new(source: Source) -> Result<Self, FileError> {
        let open = match &source {
            Source::File(file) => Some(file.open()?),
            Source::Memory { .. } => None,
        };
        Ok(Self { source, open })
    }

    /// Bytes in the source.
    pub fn len(&self) -> u64 {
        match &self.source {
            Source::File(file) => file.len(),
            Source::Memory { bytes, .. } => bytes.len() as u64,
        }
    }

    fn file(&mut self) -> Result<&mut OpenFile, FileError> {
        self.open
            .as_mut()
            .ok_or_else(|| FileErrorKind::Io.error(""))
    }

    /// The source's first `upto` bytes or more; all of them where they are fewer. `have` is what an
    /// earlier call gave.
    pub fn first(&mut self, upto: u64, have: Bytes) -> Result<Bytes, FileError> {
        if let Source::Memory { bytes, .. } = &self.source {
            return Ok(bytes.clone());
        }
        let upto = upto.min(self.len());
        read_up_to(self.file()?, have.len() as u64, upto, have)
    }

    /// The bytes `from..` up to the end.
    pub fn rest(&mut self, from: u64) -> Result<Bytes, FileError> {
        let len = self.len();
        self.range(from.min(len)..len)
    }

    /// The bytes of a range that the caller knows to be there.
    pub fn range(&mut self, range: Range<u64>) -> Result<Bytes, FileError> {
        if let Source::Memory { bytes, .. } = &self.source {
            return slice(bytes, &range).ok_or_else(|| FileErrorKind::Truncated.error(""));
        }
        read_up_to(self.file()?, range.start, range.end, Bytes::new())
    }

    /// The eight bytes at an offset; `None` where the source ends before.
    pub fn eight(&mut self, at: u64) -> Result<Option<[u8; 8]>, FileError> {
        if at
            .checked_add(8)
            .is_none_or(|end| end > self.len())
        {
            return Ok(None);
        }
        if let Source::Memory { bytes, .. } = &self.source {
            let from = usize::try_from(at)
                .ok()
                .and_then(|at| bytes.get(at..));
            return Ok(from
                .and_then(<[u8]>::first_chunk)
                .copied());
        }
        let mut eight = [0; 8];
        self.file()?.fill(&mut eight, at)?;
        Ok(Some(eight))
    }
}

/// The bytes of a range in memory, where it lies inside them.
pub fn slice(bytes: &Bytes, range: &Range<u64>) -> Option<Bytes> {
    let from = usize::try_from(range.start).ok()?;
    let to = usize::try_from(range.end).ok()?;
    (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
}

/// Appends the file's bytes `from..to` to those at hand. Memory grows as bytes arrive, `to` being
/// the real length at most.
fn read_up_to(file: &mut OpenFile, from: u64, to: u64, have: Bytes) -> Result<Bytes, FileError> {
    let wanted = to.saturating_sub(from);
    let wanted_here =
        usize::try_from(wanted).map_err(|_| FileErrorKind::HeaderTooLarge.error(""))?;
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(
            have.len()
                .saturating_add(wanted_here),
        )
        .map_err(|_| FileErrorKind::Io.error("not enough memory"))?;
    buffer.extend_from_slice(&have);
    let before = buffer.len();
    drop(have);
    file.append(from..to, &mut buffer)?;
    if buffer.len() - before == wanted_here {
        Ok(Bytes::from(buffer))
    } else {
        Err(FileErrorKind::Changed.error("it became shorter"))
    }
}

/// The failure for an error of the operating system; says its kind, not the path. A fault that came
/// along as such an error is that fault.
impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>());
        if let Some(inner) = inner {
            return inner.clone();
        }
        let kind = match error.kind() {
            ErrorKind::NotFound => FileErrorKind::NotFound,
            ErrorKind::PermissionDenied => FileErrorKind::PermissionDenied,
            ErrorKind::UnexpectedEof => FileErrorKind::Changed,
            _ => FileErrorKind::Io,
        };
        kind.error(error.kind().to_string())
    }
}
