//! What the walker says when it cannot go on: a fault with its place, or that it needs more of the
//! file.
//!
//! Owns the way from such a fault to the failure that the user sees. It holds places and lengths,
//! never a value.

use dicom_core::Tag;

use crate::failure::{FileCode, FileFailure};

/// What is wrong with the bytes, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub code: FileCode,
    /// The data element that it was met in or at.
    pub tag: Tag,
    /// Offset from the start of the file, or of the inflated data set.
    pub at: usize,
    pub what: &'static str,
}

/// Why a walk stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The window ends before this offset.
    More(usize),
    /// The bytes are at fault.
    Fault(Fault),
}

impl Halt {
    pub(crate) fn new(code: FileCode, tag: Tag, at: usize, what: &'static str) -> Self {
        Self::Fault(Fault {
            code,
            tag,
            at,
            what,
        })
    }
}

impl From<Fault> for FileFailure {
    fn from(fault: Fault) -> Self {
        let Tag(group, element) = fault.tag;
        let place = format!("at ({group:04x},{element:04x}), byte {}", fault.at);
        let detail = if fault.what.is_empty() {
            place
        } else {
            format!("{}, {place}", fault.what)
        };
        Self::new(fault.code, detail)
    }
}

/// A halt where all bytes were at hand, so that asking for more means that they end too early.
impl From<Halt> for FileFailure {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Fault(fault) => fault.into(),
            Halt::More(upto) => Self::new(
                FileCode::ReadTruncated,
                format!("{upto} bytes were to be there"),
            ),
        }
    }
}
