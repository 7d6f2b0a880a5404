//! Tables of Flywheel's own client: `<code format>,<keyword>,...` in the first line, as in
//! `S{SubjectCode:03},PatientName,PatientBirthDate`, and below it a code and its values.
//!
//! Owns what such a table may hold, and how a code is made of a number. Who gets which number is not
//! decided here.

use super::cells::{Cell, Line};
use super::columns::{self, Column, KeyColumn};
use super::fault::Fault;

/// The one name that a code format may hold.
const SERIAL: &str = "SubjectCode";

/// Whether a table begins with a code format.
pub fn is_one(first: &Line) -> bool {
    matches!(first.cells.first(), Some(Ok(cell)) if cell.contains('{'))
}

/// The columns of such a table, whose codes are subjects, and how the codes are written.
///
/// # Errors
/// A format without a serial number or with something else, and what is no keyword.
pub fn read(line: &Line) -> Result<(Vec<Column>, CodeFormat), Vec<Fault>> {
    let number = line.number;
    let mut cells = line.cells.iter();
    let format = match cells.next() {
        Some(Ok(format)) => CodeFormat::new(format),
        Some(Err(what)) => Err(*what),
        None => Err("no code format stands there"),
    };
    let mut faults = Vec::new();
    let mut columns = vec![Column::Subject];
    for (at, cell) in (2..).zip(cells) {
        match key(cell) {
            Ok(key) if columns.contains(&Column::Key(key)) => faults.push(Fault::at(
                number,
                format!("column {at} has the meaning of one before it"),
            )),
            Ok(key) => columns.push(Column::Key(key)),
            Err(what) => faults.push(Fault::at(number, format!("column {at} {what}"))),
        }
    }
    match format {
        Ok(_) if columns.len() == 1 && faults.is_empty() => Err(vec![Fault::at(
            number,
            "no keyword stands behind the code format",
        )]),
        Ok(format) if faults.is_empty() => Ok((columns, format)),
        Ok(_) => Err(faults),
        Err(what) => {
            faults.insert(0, Fault::at(number, what));
            Err(faults)
        }
    }
}

fn key(cell: &Cell) -> Result<KeyColumn, String> {
    let name = cell
        .as_ref()
        .map_err(|bad| (*bad).to_owned())?;
    columns::key(name)
}

/// How a code is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFormat {
    before: String,
    after: String,
    /// The fewest digits.
    width: usize,
    /// What stands before a number of fewer digits: a zero, or a blank.
    has_zeros: bool,
}

impl CodeFormat {
    /// Of the first cell of a table.
    ///
    /// # Errors
    /// A format without a serial number, or with something else.
    pub fn new(format: &str) -> Result<Self, &'static str> {
        let (before, field, after) = format
            .split_once('{')
            .and_then(|(before, rest)| {
                let (field, after) = rest.split_once('}')?;
                (!before.contains('}') && !after.contains(['{', '}']))
                    .then_some((before, field, after))
            })
            .ok_or("the code format has to hold one name in braces, as in S{SubjectCode:03}")?;
        let (name, width) = field
            .split_once(':')
            .unwrap_or((field, ""));
        if name != SERIAL {
            return Err("the code format has a name that is not `SubjectCode`");
        }
        let digits = width
            .strip_suffix('d')
            .unwrap_or(width);
        let width = if digits.is_empty() {
            Some(0)
        } else {
            digits.parse().ok().filter(|_| {
                digits.len() <= 3
                    && digits
                        .bytes()
                        .all(|byte| byte.is_ascii_digit())
            })
        };
        Ok(Self {
            before: before.to_owned(),
            after: after.to_owned(),
            width: width
                .ok_or("the code format says more than a width, as in S{SubjectCode:03}")?,
            has_zeros: digits.starts_with('0'),
        })
    }

    /// Why no codes can be made by it, if so.
    pub fn fault(&self) -> Option<&'static str> {
        if self.width > 1 && !self.has_zeros {
            return Some(
                "the code format fills short numbers with blanks; write a zero before the width, as \
                    in S{SubjectCode:03}",
            );
        }
        let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
        (has_digit(&self.before) || has_digit(&self.after)).then_some(
            "the code format has digits beside the number, so that no code has exactly one number",
        )
    }

    /// The code of a number.
    pub fn code(&self, number: u64) -> String {
        let Self {
            before,
            after,
            width,
            ..
        } = self;
        format!("{before}{number:0width$}{after}")
    }
}

/// The one number of a code, where it is one to go on from.
pub fn number_of(code: &str) -> Option<u64> {
    let digits = code
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty())?;
    // Two more are far more than anyone needs, and neither overflows.
    digits
        .parse()
        .ok()
        .filter(|number| *number < u64::MAX / 2)
}

/// Whether a code has one number in it, as Flywheel's client wants it.
pub fn has_one_number(code: &str) -> bool {
    let numbers = code
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    numbers.count() == 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_format_holds_the_serial_number_and_a_width() {
        for format in ["S{SubjectCode:03}", "{SubjectCode}", "A-{SubjectCode:4d}-x"] {
            assert!(CodeFormat::new(format).is_ok(), "{format}");
        }
        for format in [
            "S{Code}",
            "S{",
            "S{SubjectCode}{SubjectCode}",
            "S{SubjectCode:>5}",
            "S{PatientID}",
        ] {
            assert!(CodeFormat::new(format).is_err(), "{format}");
        }
    }

    #[test]
    fn a_number_is_written_as_the_format_says_and_read_back() {
        for (format, number, code) in [
            ("S{SubjectCode:03}", 7, "S007"),
            ("S{SubjectCode:03}", 1000, "S1000"),
            ("{SubjectCode}", 7, "7"),
            ("A-{SubjectCode:04d}-x", 12, "A-0012-x"),
        ] {
            let format = CodeFormat::new(format).unwrap();
            assert_eq!(format.code(number), code);
            assert_eq!(format.fault(), None);
            assert_eq!(number_of(code), Some(number));
        }
        for format in ["S{SubjectCode:3}", "S1-{SubjectCode}", "{SubjectCode}v2"] {
            let format = CodeFormat::new(format).unwrap();
            assert!(format.fault().is_some());
        }
        assert_eq!(number_of("S99999999999999999999999"), None);
    }

    #[test]
    fn a_code_has_one_number() {
        assert!(has_one_number("S1000") && has_one_number("7"));
        assert!(!has_one_number("Sabc") && !has_one_number("S1A2"));
    }
}
