//! Subject tables (`--subjects`): which subject, session and acquisition a file belongs to by the
//! user's own table; and crosswalks (`--save-subjects`), which say whose data went where.
//!
//! Owns reading a table, its checks, the lookup of a file in it, and the crosswalk's file. The keys
//! of a table are original values, compared in memory: nothing here may give one out in a message,
//! where rows are named by their lines alone. What a row gives is the user's own text.

mod cells;
mod code_format;
mod columns;
mod crosswalk;
mod fault;
mod harmless;
mod line_numbers;
mod lookup;
mod paths;
mod table;

use std::path::Path;

use crate::failure::Error;

pub use crosswalk::{Crosswalk, KeyedFile, OriginalIdentifiers, PlainFile, Recorded};
pub use line_numbers::in_words;
pub use lookup::NoRow;
pub use table::{GivenLabels, Gives, RowId, SubjectTable};

/// Reads the table in a file.
///
/// # Errors
/// `subjects.invalid` with all that is wrong in it, line by line.
pub fn read(path: &Path) -> Result<SubjectTable, Error> {
    let invalid = |faults| fault::invalid(path, faults);
    let lines = cells::read(path).map_err(invalid)?;
    SubjectTable::new(lines).map_err(invalid)
}
