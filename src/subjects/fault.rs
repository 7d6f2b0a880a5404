//! What is wrong in a table, by line. A fault must never hold what a cell holds: keys identify, and
//! so does a first line where the names of the columns are missing.

use std::fmt;
use std::path::Path;

use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

use super::line_numbers::in_words;

/// Faults that are listed one by one.
const LISTED: usize = 100;

/// Something wrong in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The lines that it is about, from 1; none where it is about the whole.
    pub lines: Vec<u32>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// Wrong in one line.
    pub fn at(line: u32, what: impl Into<String>) -> Self {
        Self::between(vec![line], what)
    }

    /// Wrong in lines that do not go together.
    pub fn between(lines: Vec<u32>, what: impl Into<String>) -> Self {
        Self {
            lines,
            what: what.into(),
        }
    }

    /// Wrong with the whole.
    pub fn whole(what: impl Into<String>) -> Self {
        Self::between(Vec::new(), what)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lines.is_empty() {
            write!(f, "{}: ", in_words(&self.lines))?;
        }
        f.write_str(&self.what)
    }
}

/// The error for a table with these faults.
pub fn invalid(path: &Path, mut faults: Vec<Fault>) -> Error {
    faults.sort_by(|a, b| a.lines.cmp(&b.lines));
    let what = format!(
        "the table of `--subjects` cannot be used: {}",
        display_path(path)
    );
    let more = faults.len().saturating_sub(LISTED);
    let error = faults.iter().take(LISTED).fold(
        Error::new(RunCode::SubjectsInvalid, what),
        |error, fault| error.because(fault.to_string()),
    );
    if more == 0 {
        error
    } else {
        error.because(format!("and {more} more"))
    }
}
