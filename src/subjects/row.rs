//! A row of a table: what it goes by and what it gives.
//!
//! Owns what the cells of one row may hold.

use crate::routing::LabelOf;
use dicom_lossless::Phi;

use super::cells::{Cell, Line};
use super::code_format;
use super::columns::Column;
use super::fault::Fault;
use super::lookup;
use super::paths::PathPattern;

/// What a row gives: the user's own text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenLabels {
    /// The subject.
    pub subject: Option<String>,
    /// The session; none where the cleaned header is to say it.
    pub session: Option<String>,
    /// The acquisition, likewise.
    pub acquisition: Option<String>,
}

/// A row of a table.
pub struct Row {
    /// Its line.
    pub line: u32,
    /// The values that it goes by, in the form in which they are compared.
    pub keys: Vec<Phi<String>>,
    /// The path that it goes by.
    pub path: Option<PathPattern>,
    /// What it gives.
    pub labels: GivenLabels,
}

impl Row {
    /// One that is added to a table of codes.
    pub fn of_code(line: u32, keys: Vec<Phi<String>>, code: String) -> Self {
        Self {
            line,
            keys,
            path: None,
            labels: GivenLabels {
                subject: Some(code),
                ..GivenLabels::default()
            },
        }
    }

    /// Of a line, by the meaning of its columns.
    ///
    /// # Errors
    /// Cells that are missing, or that do not hold what their column is for.
    pub fn new(line: Line, columns: &[Column], by_code: bool) -> Result<Self, Vec<Fault>> {
        let number = line.number;
        if line.cells.len() != columns.len() {
            let what = format!(
                "it has {} cells, and the line of names has {}",
                line.cells.len(),
                columns.len()
            );
            return Err(vec![Fault::at(number, what)]);
        }
        let mut row = Self {
            line: number,
            keys: Vec::new(),
            path: None,
            labels: GivenLabels::default(),
        };
        let mut faults = Vec::new();
        for ((at, cell), column) in (1..).zip(line.cells).zip(columns) {
            if let Err(what) = row.take(cell, *column, by_code) {
                faults.push(Fault::at(number, format!("column {at} {what}")));
            }
        }
        if faults.is_empty() {
            Ok(row)
        } else {
            Err(faults)
        }
    }

    fn take(&mut self, cell: Cell, column: Column, by_code: bool) -> Result<(), &'static str> {
        let text = cell?;
        match column {
            Column::Unnamed | Column::Session | Column::Acquisition if text.is_empty() => {}
            Column::Path | Column::Key(_) if text.is_empty() => return Err("is an empty key"),
            Column::Unnamed => return Err("has no name and holds something"),
            Column::Path => {
                self.path = Some(PathPattern::new(&text)?);
            }
            Column::Key(_) => self
                .keys
                .push(lookup::compared(&text)),
            Column::Subject if text.is_empty() => return Err("is an empty subject"),
            Column::Subject if by_code && !code_format::has_one_number(&text) => {
                return Err("is a code that has not exactly one number in it");
            }
            Column::Subject => self.labels.subject = Some(usable(text, LabelOf::Subject)?),
            Column::Session => self.labels.session = Some(usable(text, LabelOf::Session)?),
            Column::Acquisition => {
                self.labels.acquisition = Some(usable(text, LabelOf::Acquisition)?);
            }
        }
        Ok(())
    }
}

/// A text of which a label can be made.
fn usable(text: String, of: LabelOf) -> Result<String, &'static str> {
    if of.label(&text).is_empty() {
        return Err("has no character that a label may hold");
    }
    Ok(text)
}

/// Keys without what is easily lost.
pub fn nearly(keys: &[Phi<String>]) -> Vec<Phi<String>> {
    keys.iter()
        .map(lookup::nearly)
        .collect()
}
