//! The one way in which the tables of this folder are read: CSV whose first line names the columns.
//!
//! A row that cannot be read is left out; a test beside each table counts its rows.

use dicom_core::Tag;
use foldhash::HashMap;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use super::tag_pattern::TagPattern;

/// A row of a table.
pub struct Row<'t> {
    columns: &'t csv::StringRecord,
    cells: csv::StringRecord,
}

impl Row<'_> {
    /// The text in a column.
    pub fn text(&self, column: &str) -> Option<&str> {
        let at = self
            .columns
            .iter()
            .position(|name| name == column)?;
        self.cells.get(at)
    }

    /// The value in a column.
    pub fn get<'d, T: Deserialize<'d>>(&'d self, column: &str) -> Option<T> {
        T::deserialize(StrDeserializer::<Error>::new(self.text(column)?)).ok()
    }
}

/// The rows of a table, in its order.
pub fn rows<T>(table: &str, read: impl Fn(&Row<'_>) -> Option<T>) -> Vec<T> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let columns = reader
        .headers()
        .cloned()
        .unwrap_or_default();
    let records = reader.records().flatten();
    records
        .filter_map(|cells| {
            read(&Row {
                columns: &columns,
                cells,
            })
        })
        .collect()
}

/// What a table says of single attributes, by the tag in its column `tag`.
pub fn by_tag<T>(table: &str, read: impl Fn(&Row<'_>) -> Option<T>) -> HashMap<Tag, T> {
    let row = |row: &Row<'_>| match row.get("tag")? {
        TagPattern::One(tag) => Some((tag, read(row)?)),
        _ => None,
    };
    rows(table, row)
        .into_iter()
        .collect()
}
