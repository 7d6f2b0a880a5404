//! Looking a file up in a table: a pure function of the table, the file's path and its original
//! values.
//!
//! Owns what equal means (blanks around a value and case do not count) and what comes near without
//! being equal, which is named and never taken.

use dicom_lossless::{CharacterSet, Instance, Phi, character_set_of, text};

use super::columns::KeyColumn;

/// Why a file has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRow {
    /// The file lacks values of these attributes, which rows go by.
    ValueMissing(Vec<&'static str>),
    /// Rows go by paths below an input, and the file was named itself, in whatever folder it lies.
    NoFolder,
    /// No row has its values.
    NoMatch {
        /// The lines of rows that differ in leading zeros, blanks or punctuation alone.
        near: Vec<u32>,
    },
    /// It is new in a table that is continued, and has a value that no line of a table can hold.
    Unwritable,
    /// Rows have its values, and none of their paths leads to it.
    OtherPath {
        /// Their lines.
        lines: Vec<u32>,
    },
    /// Several rows fit it equally well, and do not give the same.
    Several {
        /// Their lines.
        lines: Vec<u32>,
    },
}

/// A value in the form in which it is compared.
pub fn compared(value: &str) -> Phi<String> {
    Phi::new(value.trim().to_lowercase())
}

/// A value without what is easily lost on its way through a spreadsheet: leading zeros of numbers,
/// blanks, punctuation.
pub fn nearly(value: &Phi<String>) -> Phi<String> {
    let mut near = String::new();
    let mut in_number = false;
    for c in value.expose().chars() {
        if c == '0' && !in_number {
            continue;
        }
        in_number = c.is_ascii_digit();
        if c.is_alphanumeric() {
            near.push(c);
        }
    }
    Phi::new(near)
}

/// The original values of a file that rows go by, in the form in which they are compared; empty
/// where it has none.
pub fn keys_of(columns: &[KeyColumn], instance: &Instance) -> Vec<Phi<String>> {
    let characters = character_set_of(&instance.header, &CharacterSet::default());
    let value = |column: &KeyColumn| {
        let element = instance.get(column.tag)?;
        text(element, instance.syntax.encoding, &characters)
    };
    columns
        .iter()
        .map(|column| compared(&value(column).unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_case_do_not_count_and_what_comes_near_is_not_equal() {
        assert_eq!(compared(" Doe^Jane "), compared("DOE^JANE"));
        assert_ne!(compared("00123"), compared("123"));
        for (one, other) in [
            ("00123", "123"),
            ("P-007", "p7"),
            ("Doe^Jane^^", "doe jane"),
            ("A 01/02", "a1-2"),
        ] {
            assert_eq!(nearly(&compared(one)), nearly(&compared(other)));
        }
        assert_ne!(nearly(&compared("100")), nearly(&compared("1")));
    }
}
