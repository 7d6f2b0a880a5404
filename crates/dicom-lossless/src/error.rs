//! Why a file cannot be read, or cannot be written as it should be.
//!
//! Owns the kinds of fault and where in a file one was met. It holds tags, offsets and lengths,
//! never a value.

use std::borrow::Cow;

use dicom_core::Tag;

/// What is wrong with a file, or went wrong on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum FileErrorKind {
    /// There is no such path.
    #[error("the path does not exist")]
    NotFound,
    /// The path may not be read.
    #[error("the path cannot be read")]
    PermissionDenied,
    /// A folder, pipe, socket or device.
    #[error("the path is not a regular file")]
    NotAFile,
    /// The operating system failed to read.
    #[error("reading the file failed")]
    Io,
    /// Length or time of change differ from those at the first look.
    #[error("the file changed while it was being worked on")]
    Changed,
    /// A file inside another one is not what the other says of it.
    #[error("the member of the archive is damaged")]
    DamagedMember,
    /// Neither a preamble nor a plausible data set stands at the start.
    #[error("the file is not DICOM")]
    NotDicom,
    /// The file ends inside a data element.
    #[error("the file ends inside a data element")]
    Truncated,
    /// An element in a sequence claims more than the sequence holds.
    #[error("a data element claims more bytes than there are around it")]
    Overrun,
    /// Sequences are nested deeper than [`Limits`](crate::Limits) allow.
    #[error("sequences are nested too deep")]
    TooDeep,
    /// What is not pixel data is longer than [`Limits`](crate::Limits) allow.
    #[error("the data elements around the pixel data exceed the header limit")]
    HeaderTooLarge,
    /// The transfer syntax is unknown, or cannot be carried over.
    #[error("the transfer syntax is unknown or cannot be carried over unchanged")]
    UnsupportedSyntax,
    /// The bytes are no data set.
    #[error("the bytes are not a DICOM data set")]
    Malformed,
    /// A tag stands twice in one data set.
    #[error("a data element appears twice in one data set")]
    DuplicateElement,
    /// Bytes follow the data set.
    #[error("bytes follow the end of the data set")]
    TrailingData,
    /// The pixel data is not of the transfer syntax that the file names.
    #[error("the pixel data is not what the transfer syntax says")]
    Mislabelled,
    /// The deflated data set is damaged, or too long.
    #[error("the deflated data set is damaged or grows beyond the limit")]
    Deflate,
    /// Which fragments make up which frame is not stated.
    #[error("the frames of the pixel data cannot be told apart")]
    UnclearFrames,
    /// A walk would take more time or memory than one file may.
    #[error("looking at the file would take more time or memory than one file may")]
    TooCostly,
    /// A value to be written is longer than its VR can hold.
    #[error("a value is longer than its VR can hold")]
    ValueTooLong,
    /// A UID to be written has more than 64 characters (PS3.5 section 9.1).
    #[error("a UID has more than 64 characters")]
    UidTooLong,
    /// What was written does not read back.
    #[error("what was written does not read back as intended")]
    Verification,
}

/// A fault of a file: its kind, what exactly, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong.
    pub kind: FileErrorKind,
    /// Particulars beyond the kind; may be empty.
    pub what: Cow<'static, str>,
    /// The data element that it was met in or at, and the offset in bytes from the start of the
    /// file, or of the inflated data set.
    pub at: Option<(Tag, usize)>,
}

impl FileErrorKind {
    /// A fault of this kind that has no place, and particulars beyond the kind.
    pub fn error(self, what: impl Into<Cow<'static, str>>) -> FileError {
        FileError {
            kind: self,
            what: what.into(),
            at: None,
        }
    }
}

impl FileError {
    /// Particulars and place in words; empty where neither is known.
    pub fn detail(&self) -> String {
        let place = self
            .at
            .map(|(Tag(group, element), at)| format!("at ({group:04x},{element:04x}), byte {at}"));
        match place {
            None => self.what.to_string(),
            Some(place) if self.what.is_empty() => place,
            Some(place) => format!("{}, {place}", self.what),
        }
    }
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail() {
            detail if detail.is_empty() => self.kind.fmt(f),
            detail => write!(f, "{}: {detail}", self.kind),
        }
    }
}

impl std::error::Error for FileError {}

/// A fault that the walker met, and where: cheap enough to be returned from every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FileErrorKind,
    pub tag: Tag,
    pub at: usize,
    pub what: &'static str,
}

/// Why a walk stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The window ends before this offset.
    More(usize),
    /// The bytes are at fault.
    Fault(Fault),
}

impl Halt {
    pub fn new(kind: FileErrorKind, tag: Tag, at: usize, what: &'static str) -> Self {
        Self::Fault(Fault {
            kind,
            tag,
            at,
            what,
        })
    }
}

impl From<Fault> for FileError {
    fn from(fault: Fault) -> Self {
        let (kind, what) = (fault.kind, fault.what.into());
        Self {
            kind,
            what,
            at: Some((fault.tag, fault.at)),
        }
    }
}

/// A halt where all bytes were at hand, so that asking for more means that they end too early.
impl From<Halt> for FileError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Fault(fault) => fault.into(),
            Halt::More(upto) => {
                FileErrorKind::Truncated.error(format!("{upto} bytes were to be there"))
            }
        }
    }
}
