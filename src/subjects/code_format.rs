//! Tables of Flywheel's own client: `<code format>,<keyword>,...` in the first line, as in
//! `S{SubjectCode:03},PatientName,PatientBirthDate`, and below it a code and its values.
//!
//! Owns what such a table may hold. New codes are never made here: which number a patient gets would
//! depend on what else is among the inputs, and two runs could give two patients one number.

use super::cells::{Cell, Line};
use super::columns::{self, Column, KeyColumn};
use super::fault::Fault;

/// The one name that a code format may hold.
const SERIAL: &str = "SubjectCode";

/// Whether a table begins with a code format.
pub fn is_one(first: &Line) -> bool {
    matches!(first.cells.first(), Some(Ok(cell)) if cell.contains('{'))
}

/// The columns of such a table: its codes are subjects.
///
/// # Errors
/// A format without a serial number or with something else, and what is no keyword.
pub fn read(line: &Line) -> Result<Vec<Column>, Vec<Fault>> {
    let number = line.number;
    let mut faults = Vec::new();
    if let Some(Ok(format)) = line.cells.first() {
        faults.extend(
            check(format)
                .err()
                .map(|what| Fault::at(number, what)),
        );
    }
    let mut columns = vec![Column::Subject];
    for (at, cell) in (2..).zip(line.cells.iter().skip(1)) {
        match key(cell) {
            Ok(key) if columns.contains(&Column::Key(key)) => faults.push(Fault::at(
                number,
                format!("column {at} has the meaning of one before it"),
            )),
            Ok(key) => columns.push(Column::Key(key)),
            Err(what) => faults.push(Fault::at(number, format!("column {at} {what}"))),
        }
    }
    if columns.len() == 1 && faults.is_empty() {
        faults.push(Fault::at(
            number,
            "no keyword stands behind the code format",
        ));
    }
    if faults.is_empty() {
        Ok(columns)
    } else {
        Err(faults)
    }
}

fn key(cell: &Cell) -> Result<KeyColumn, String> {
    let name = cell
        .as_ref()
        .map_err(|bad| (*bad).to_owned())?;
    columns::key(name)
}

fn check(format: &str) -> Result<(), &'static str> {
    let field = format
        .split_once('{')
        .and_then(|(before, rest)| {
            let (field, after) = rest.split_once('}')?;
            (!before.contains('}') && !after.contains(['{', '}'])).then_some(field)
        })
        .ok_or("the code format has to hold one name in braces, as in S{SubjectCode:03}")?;
    let (name, width) = field
        .split_once(':')
        .unwrap_or((field, ""));
    if name != SERIAL {
        return Err("the code format has a name that is not `SubjectCode`");
    }
    let width = width
        .strip_suffix('d')
        .unwrap_or(width);
    if width
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        && width.len() <= 3
    {
        Ok(())
    } else {
        Err("the code format says more than a width, as in S{SubjectCode:03}")
    }
}

/// Whether a code has one number in it, as Flywheel's client wants it.
pub fn has_one_number(code: &str) -> bool {
    let numbers = code
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    numbers.count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_holds_the_serial_number_and_a_width() {
        for format in ["S{SubjectCode:03}", "{SubjectCode}", "A-{SubjectCode:4d}-x"] {
            assert_eq!(check(format), Ok(()), "{format}");
        }
        for format in [
            "S{Code}",
            "S{",
            "S{SubjectCode}{SubjectCode}",
            "S{SubjectCode:>5}",
            "S{PatientID}",
        ] {
            assert!(check(format).is_err(), "{format}");
        }
    }

    #[test]
    fn a_code_has_one_number() {
        assert!(has_one_number("S1000") && has_one_number("7"));
        assert!(!has_one_number("Sabc") && !has_one_number("S1A2"));
    }
}
