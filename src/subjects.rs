//! Subject tables (`--subjects`): which subject, session and acquisition a file belongs to by the
//! user's own table; and crosswalks (`--save-subjects`), which say whose data went where.
//!
//! Owns reading a table, its checks, the lookup of a file in it, and the crosswalk's file. The keys
//! of a table are original values, compared in memory: nothing here may give one out in a message,
//! where rows are named by their lines alone. What a row gives is the user's own text.

mod cells;
mod code_format;
mod columns;
mod continued;
mod crosswalk;
mod fault;
mod harmless;
mod line_numbers;
mod lookup;
mod paths;
mod row;
mod table;

use std::path::Path;

use crate::failure::Error;

use fault::Fault;

pub use continued::Addition;
pub use crosswalk::{Crosswalk, KeyedFile, OriginalIdentifiers, PlainFile, Recorded};
pub use line_numbers::in_words;
pub use lookup::NoRow;
pub use row::GivenLabels;
pub use table::{Gives, RowId, SubjectTable};

/// Reads the table in a file; one that `is_continued` gives the next code to who is not in it.
///
/// # Errors
/// `subjects.invalid` with all that is wrong in it, line by line.
pub fn read(path: &Path, is_continued: bool) -> Result<SubjectTable, Error> {
    let table = || {
        let bytes = cells::load(path)?;
        if is_continued {
            let lines = cells::lines(path, bytes.clone())?;
            return SubjectTable::new(lines)?.continued(path, bytes);
        }
        let table = SubjectTable::new(cells::lines(path, bytes)?)?;
        if table.is_empty() {
            return Err(vec![Fault::whole(
                "no row stands below the names of the columns",
            )]);
        }
        Ok(table)
    };
    table().map_err(|faults| fault::invalid(path, faults))
}
