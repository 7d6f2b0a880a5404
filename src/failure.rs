//! Why a file was not uploaded ([`FileFailure`]) and why a run stopped ([`Error`]).
//!
//! Owns both and, in [`codes`], the table of everything that is said about a code in general. A
//! failure must never hold an attribute value: a tag, a keyword, a rule's position in the profile
//! or a length are fine, what a data element holds is not.

pub mod codes;

mod of_libraries;

use std::fmt;

use dicom_deid::PixelLook;

pub use codes::{CodeEntry, CodeKind, ExitStatus, FileCode, RunCode};

/// One file's failure: a stable code, what exactly, and what to do. Holds no attribute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFailure {
    /// The stable code.
    pub code: FileCode,
    /// What exactly happened, in addition to the code's sentence; may be empty.
    pub detail: String,
    /// What to do about it, where more is known than the code's own hint.
    pub specific_hint: Option<String>,
    /// The HTTP status of the last answer, if a server gave one.
    pub http_status: Option<u16>,
    /// How often it was tried; 0 where trying is not a notion.
    pub attempts: u32,
    /// What was seen in the image, where that is why.
    pub look: Option<Box<PixelLook>>,
}

impl FileFailure {
    /// A failure with its code and the particulars of this case.
    pub fn new(code: FileCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            specific_hint: None,
            http_status: None,
            attempts: 0,
            look: None,
        }
    }

    /// Replaces the code's general hint by one for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.specific_hint = Some(hint.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        self.specific_hint
            .as_deref()
            .unwrap_or_else(|| self.code.hint())
    }

    /// Sentence and particulars on one line.
    pub fn message(&self) -> String {
        if self.detail.is_empty() {
            self.code.sentence().to_owned()
        } else {
            format!("{}: {}", self.code.sentence(), self.detail)
        }
    }
}

impl fmt::Display for FileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message())
    }
}

impl std::error::Error for FileFailure {}

/// What stops a run: a stable code, what happened, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The stable code.
    pub code: RunCode,
    /// What happened in this case; replaces the code's sentence.
    pub what: String,
    /// Further lines that explain it; may be empty.
    pub why: Vec<String>,
    /// What to do about it, where more is known than the code's own hint.
    pub specific_hint: Option<String>,
}

impl Error {
    /// An error with its code and what happened in this case.
    pub fn new(code: RunCode, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            why: Vec::new(),
            specific_hint: None,
        }
    }

    /// A command line that cannot be carried out as it is, and how to write it.
    pub fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(RunCode::Usage, what).with_hint(hint)
    }

    /// Adds a line that explains it.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// Replaces the code's general hint by one for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.specific_hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        self.specific_hint
            .as_deref()
            .unwrap_or_else(|| self.code.hint())
    }
}

impl From<RunCode> for Error {
    fn from(code: RunCode) -> Self {
        Self::new(code, code.sentence())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.what)?;
        for why in &self.why {
            write!(f, "\n  {why}")?;
        }
        write!(f, "\nhint: {}", self.hint())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_what_why_and_what_next() {
        let error = Error::new(RunCode::AuthRejected, "the server refused your API key")
            .because("site.example answered 401");
        assert_eq!(
            error.to_string(),
            "error[auth.rejected]: the server refused your API key\n  \
                site.example answered 401\nhint: run `fwupload login`, or check FWUPLOAD_API_KEY"
        );
    }
}
