//! The first line of a table: which column is a key and which a result.
//!
//! Owns the names of columns. A name that is not known is never shown: where the line of names is
//! missing, the first row stands there.

use dicom_deid::standard;
use dicom_lossless::{Tag, VR};

use super::cells::{Cell, Line};
use super::fault::Fault;

/// Columns that are no attribute.
const OWN_NAMES: [&str; 4] = ["path", "subject", "session", "acquisition"];

/// A column whose values are compared with those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyColumn {
    /// The attribute.
    pub tag: Tag,
    /// Its keyword.
    pub keyword: &'static str,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A file, a folder or a glob.
    Path,
    /// An original value.
    Key(KeyColumn),
    /// The subject that a row gives.
    Subject,
    /// The session.
    Session,
    /// The acquisition.
    Acquisition,
    /// Nothing: it has no name, and no cell of it may hold anything.
    Unnamed,
}

/// The columns of a table, from the left.
///
/// # Errors
/// Names that are not known or stand twice, and a table without a key or without a result.
pub fn read(line: &Line) -> Result<Vec<Column>, Vec<Fault>> {
    let number = line.number;
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    for (at, cell) in (1..).zip(&line.cells) {
        match column(cell) {
            Ok(column) if column != Column::Unnamed && columns.contains(&column) => {
                faults.push(Fault::at(
                    number,
                    format!("column {at} has the meaning of one before it"),
                ));
            }
            Ok(column) => columns.push(column),
            Err(what) => faults.push(Fault::at(number, format!("column {at} {what}"))),
        }
    }
    if faults.is_empty() {
        faults.extend(
            missing(&columns)
                .into_iter()
                .map(|what| Fault::at(number, what)),
        );
    }
    if faults.is_empty() {
        Ok(columns)
    } else {
        Err(faults)
    }
}

fn missing(columns: &[Column]) -> Vec<&'static str> {
    let has_key = columns
        .iter()
        .any(|column| matches!(column, Column::Path | Column::Key(_)));
    let has_result = columns.iter().any(|column| {
        matches!(
            column,
            Column::Subject | Column::Session | Column::Acquisition
        )
    });
    let key = "no column is a key: `path`, `patient_id` or another attribute's keyword";
    let result = "no column is a result: `subject`, `session` or `acquisition`";
    [(has_key, key), (has_result, result)]
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, what)| what)
        .collect()
}

fn column(cell: &Cell) -> Result<Column, String> {
    let name = cell
        .as_ref()
        .map_err(|bad| (*bad).to_owned())?
        .trim();
    Ok(match name.to_lowercase().as_str() {
        "" => Column::Unnamed,
        "path" => Column::Path,
        "subject" => Column::Subject,
        "session" => Column::Session,
        "acquisition" => Column::Acquisition,
        _ => Column::Key(key(name)?),
    })
}

/// The attribute of a keyword, or of its name with words set apart.
///
/// # Errors
/// What is wrong with it, without the name.
pub fn key(name: &str) -> Result<KeyColumn, String> {
    let joined = name.replace(['_', ' ', '-'], "");
    let (tag, keyword) = standard::tag_of_keyword_any_case(&joined).ok_or_else(|| {
        let meant = standard::closest(&joined.to_lowercase(), OWN_NAMES)
            .or_else(|| standard::suggested_keyword(&joined))
            .map(|keyword| format!("; did you mean `{keyword}`?"))
            .unwrap_or_default();
        format!("has no name of a column and no keyword{meant}")
    })?;
    let no_text = matches!(
        standard::vr(tag),
        None | Some(VR::SQ | VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN)
    );
    if no_text || tag.group() < 0x0008 {
        return Err(format!(
            "is `{keyword}`, which has no value that could be compared"
        ));
    }
    Ok(KeyColumn { tag, keyword })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Result<Vec<Column>, Vec<String>> {
        let line = Line {
            number: 1,
            cells: names
                .iter()
                .map(|name| Ok((*name).to_owned()))
                .collect(),
        };
        read(&line).map_err(|faults| {
            faults
                .into_iter()
                .map(|fault| fault.what)
                .collect()
        })
    }

    fn keyword(name: &str) -> &'static str {
        key(name).unwrap().keyword
    }

    #[test]
    fn keys_are_keywords_also_with_their_words_apart() {
        for name in ["patient_id", "PatientID", "patientid", "Patient ID"] {
            assert_eq!(keyword(name), "PatientID");
        }
        assert_eq!(keyword("accession_number"), "AccessionNumber");
        assert_eq!(keyword("StudyInstanceUID"), "StudyInstanceUID");
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said_without_it() {
        let faults = columns(&["PatentID", "Doe^Jane", "pixel_data", "subject", "Subject"]);
        let faults = faults.unwrap_err();
        assert_eq!(faults.len(), 4);
        assert!(
            faults
                .iter()
                .all(|what| !what.contains("Doe"))
        );
        assert!(
            faults
                .concat()
                .contains("did you mean `PatientID`?")
        );
        assert_eq!(
            columns(&["subject"])
                .unwrap_err()
                .len(),
            1
        );
        assert_eq!(
            columns(&["patient_id", ""])
                .unwrap_err()
                .len(),
            1
        );
        assert!(columns(&["path", "session", ""]).is_ok());
    }
}
