//! Why a file cannot be de-identified, or a profile cannot be used.
//!
//! Owns the kinds of fault. It holds tags, rule numbers and lengths, never a value, and no word of
//! a command line.

use dicom_lossless::{FileError, FileErrorKind};

use crate::pixel_look::PixelLook;

/// Why a file is not de-identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum DeidErrorKind {
    /// The file itself is at fault.
    #[error(transparent)]
    File(FileErrorKind),
    /// A rule cannot be carried out on this file.
    #[error("a rule of the profile cannot be carried out on this file")]
    Rule,
    /// A date is not in the format that the profile states.
    #[error("a date does not have the format that the profile states")]
    Date,
    /// A new value has no form in the file's character set (PS3.5 section 6.1).
    #[error("a new value cannot be written in the file's character set")]
    Text,
    /// An action does not apply to the VR of a data element.
    #[error("the rule's action does not apply to a data element of this VR")]
    Target,
    /// An attribute that the file cannot do without holds none of its values.
    #[error("an attribute that the file cannot do without holds what is none of its values")]
    Value,
    /// The file names a character set that PS3.3 section C.12.1.1.2 does not have.
    #[error("the file names a character set that the standard does not have")]
    CharacterSet,
    /// An encapsulated document, which cannot be looked into.
    #[error("the file holds a document, which cannot be looked into")]
    Document,
    /// What the profile wants done to the image cannot be done.
    #[error("what the profile wants done to the image cannot be done on this file")]
    Pixels,
    /// Text may be burned in, and the profile does not say where.
    #[error("the image may show text that identifies the patient")]
    BurnedIn,
    /// Text was found in an image of a kind that seldom shows any, where blanking is a guess.
    #[error("the image shows what is likely text")]
    TextFound,
    /// The images show a head from which a face can be made, and the profile refuses that.
    #[error("a face can be made of the images")]
    Face,
    /// The encrypted envelope cannot be used.
    #[error("the encrypted envelope of the file cannot be used")]
    Envelope,
    /// The profile's `filenames` give this file no name.
    #[error("the profile's `filenames` give this file no name")]
    Filename,
    /// A value that was removed or changed still stands in what was written.
    #[error("a value that was removed or changed still stands in what would be sent")]
    IdentifierLeft,
    /// Looking for what was removed would take too long.
    #[error("checking the file for what was removed would take more time or memory than one may")]
    TooCostly,
    /// The cleaned instance has no SOP, series or study UID.
    #[error("the instance has no SOP, series or study UID after cleaning")]
    MissingUid,
}

/// A file that is not de-identified: why, what exactly, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeidError {
    /// Why.
    pub kind: DeidErrorKind,
    /// Particulars beyond the kind, as tags and rule numbers; may be empty.
    pub detail: String,
    /// What would help in this case, where that is known.
    pub remedy: Option<String>,
    /// What was seen in the image, where that is why.
    pub look: Option<Box<PixelLook>>,
}

impl DeidError {
    pub(crate) fn new(kind: DeidErrorKind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind,
            detail,
            remedy: None,
            look: None,
        }
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl std::fmt::Display for DeidError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail.as_str() {
            "" => self.kind.fmt(f),
            detail => write!(f, "{}: {detail}", self.kind),
        }
    }
}

impl std::error::Error for DeidError {}

impl From<FileError> for DeidError {
    fn from(error: FileError) -> Self {
        let kind = match error.kind {
            FileErrorKind::TooCostly => DeidErrorKind::TooCostly,
            FileErrorKind::UnclearFrames => DeidErrorKind::Pixels,
            kind => DeidErrorKind::File(kind),
        };
        Self::new(kind, error.detail())
    }
}

/// A profile makes pseudonyms, and there is no key for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the profile makes pseudonyms, and there is no key for them")]
pub struct MissingKey;

/// Whose fault it is that a profile cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileErrorKind {
    /// The profile's.
    Invalid,
    /// This library's: what it wrote does not read back.
    Defect,
}

/// A profile that cannot be used: what is wrong with it, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ProfileError {
    /// Whose fault it is.
    pub kind: ProfileErrorKind,
    /// What is wrong, with the place in the profile.
    pub what: String,
    /// Further lines that explain it; may be empty.
    pub why: Vec<String>,
    /// What would help in this case, where that is known.
    pub remedy: Option<String>,
}

impl ProfileError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            kind: ProfileErrorKind::Invalid,
            what: what.into(),
            why: Vec::new(),
            remedy: None,
        }
    }

    pub(crate) fn defect(what: impl Into<String>) -> Self {
        Self {
            kind: ProfileErrorKind::Defect,
            ..Self::new(what)
        }
    }

    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
