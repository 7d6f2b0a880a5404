//! What a file is called in its package, where the profile names files.
//!
//! Names are made of the cleaned data set and of those pieces of the path that the profile asks
//! for, nothing else, and are valid on every platform, as Flywheel's engine makes them. A file for
//! which there is no name fails: it must neither vanish nor fall back to a name that gives
//! something away.

use dicom_lossless::{CharacterSet, DataSet, Encoding, Tag};

use super::action::{
    ActionError, CompiledAction, OtherValues, Substitution, filled, other, read_values, too_complex,
};
use super::hash::Hasher;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Captured, DateFormat, DicomRules, tag_of};

/// The entries of `filenames`, with every option settled.
pub struct OutputNames {
    entries: Vec<Substitution>,
}

/// What Flywheel's engine writes for a value that is not there.
const NOTHING: &str = "None";

impl OutputNames {
    /// The output names of a profile, if it has any.
    pub fn new(dicom: &DicomRules) -> Option<Self> {
        let entries: Vec<_> = dicom
            .filenames
            .iter()
            .map(|entry| Substitution::new(entry, dicom))
            .collect();
        (!entries.is_empty()).then_some(Self { entries })
    }

    /// The name for a file: that of the first entry which matches its path.
    pub fn name(
        &self,
        path: &str,
        cleaned: &DataSet,
        encoding: Encoding,
        hasher: &Hasher,
    ) -> Result<String, DeidError> {
        for (at, entry) in self.entries.iter().enumerate() {
            let failed = |error: ActionError| failure(format!("filenames[{at}]: {}", error.why));
            if let Some(captured) = entry
                .regex
                .match_start(path)
                .map_err(too_complex)
                .map_err(failed)?
            {
                let tags: Vec<Tag> = entry
                    .output
                    .variables()
                    .filter_map(tag_of)
                    .chain(entry.reads())
                    .collect();
                let others = read_values(&tags, cleaned, encoding, &CharacterSet::default());
                let name = filled(&entry.output, |name| {
                    variable(entry, name, &captured, &others, hasher)
                })
                .map_err(failed)?;
                let empty = || failure(format!("filenames[{at}]: the name comes out empty"));
                return valid_file_name(&name).ok_or_else(empty);
            }
        }
        Err(failure(
            "no `input-regex` matches its path below the folder that was named".to_owned(),
        ))
    }
}

fn failure(why: String) -> DeidError {
    DeidError::new(DeidErrorKind::Filename, why)
}

/// The value of an attribute, or what becomes of a captured piece of the path. Dates are first
/// brought into the rule's format.
fn variable(
    entry: &Substitution,
    name: &str,
    captured: &Captured<'_, '_>,
    others: OtherValues<'_>,
    hasher: &Hasher,
) -> Result<String, ActionError> {
    if let Some(tag) = tag_of(name) {
        let text = other(Some(tag), others, name)?;
        return Ok(text.unwrap_or(NOTHING).to_owned());
    }
    let text = captured.get(name);
    let failed = |why: String| Err(ActionError::new(DeidErrorKind::Filename, why));
    let new = match entry
        .group(name)
        .map(|group| &group.action)
    {
        None => Ok(text.map(str::to_owned)),
        Some(action @ CompiledAction::Shift(shift)) => {
            match text.map(|text| date_in_format(text, &shift.format)) {
                None => failed("there is no date".to_owned()),
                Some(None) => failed(format!(
                    "neither in the format {} nor in one that is read without doubt",
                    shift.format.as_str()
                )),
                Some(Some(date)) => action.apply_to_text(Some(&date), others, hasher),
            }
        }
        Some(action) => action.apply_to_text(text, others, hasher),
    };
    new.map(|new| new.unwrap_or_else(|| NOTHING.to_owned()))
        .map_err(|error| error.inside(name))
}

const DATE_FORMATS: &[&str] = &[
    "%Y-%m-%d",
    "%Y.%m.%d",
    "%Y/%m/%d",
    "%Y %m %d",
    "%Y%m%d",
    "%Y-%b-%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d%b%Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d %Y",
    "%B %d, %Y",
];

const TIME_FORMATS: &[&str] = &[
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S.%f",
    " %H%M",
    " %H%M%S",
    "T%H%M",
    "T%H%M%S",
];

/// Times that follow a date of digits without anything between them.
const JOINED_TIME_FORMATS: &[&str] = &["%H%M", "%H%M%S"];

/// A date in this format, or in another that leaves no doubt, written in this format.
fn date_in_format(text: &str, format: &DateFormat) -> Option<String> {
    if format.parse(text).is_some() {
        return Some(text.to_owned());
    }
    let usual = DATE_FORMATS
        .iter()
        .flat_map(|date| {
            TIME_FORMATS
                .iter()
                .map(move |time| format!("{date}{time}"))
        });
    let joined = JOINED_TIME_FORMATS
        .iter()
        .map(|time| format!("%Y%m%d{time}"));
    let read = usual
        .chain(joined)
        .find_map(|other| {
            DateFormat::new(&other)
                .ok()?
                .parse(text)
        });
    read.map(|date| format.format(date))
}

/// Bytes in a file name.
const LONGEST_FILE_NAME: usize = 255;

/// Names that Windows keeps for devices.
const RESERVED_NAMES: &[&str] = &["CON", "PRN", "AUX", "CLOCK$", "NUL"];

/// A valid name; none where nothing is left that could be one.
fn valid_file_name(text: &str) -> Option<String> {
    let mut name: String = with_star_spelled_out(text)
        .chars()
        .map(|c| if is_forbidden(c) { '_' } else { c })
        .collect();
    if name.trim().is_empty() {
        return None;
    }
    while name.len() > LONGEST_FILE_NAME {
        name.pop();
    }
    let root = name
        .split('.')
        .next()
        .unwrap_or_default();
    let name = if is_reserved(root) {
        name.replace(root, &format!("{root}_"))
    } else {
        name.trim_matches(' ')
            .trim_end_matches([' ', '.'])
            .to_owned()
    };
    (!name.is_empty()).then_some(name)
}

/// `T2*` is a contrast and no wildcard.
fn with_star_spelled_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let before = || out.to_ascii_lowercase();
        if c == '*'
            && ["t2", "t2 ", "t2_", "t2 _"]
                .iter()
                .any(|end| before().ends_with(end))
        {
            out.push_str("star");
        } else {
            out.push(c);
        }
    }
    out
}

fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() || "/\\:*?\"<>|".contains(c)
}

fn is_reserved(root: &str) -> bool {
    let root = root.to_uppercase();
    let numbered = root
        .strip_prefix("COM")
        .or_else(|| root.strip_prefix("LPT"));
    let number = |rest: &str| {
        rest.chars().count() == 1
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || "¹²³".contains(c))
    };
    RESERVED_NAMES.contains(&root.as_str()) || numbered.is_some_and(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        date_in_format(text, &DateFormat::new("%Y%m%d_%H%M%S").unwrap())
    }

    #[test]
    fn usual_ways_to_write_a_date_are_read() {
        for text in [
            "2004-01-19",
            "2004.01.19",
            "2004/01/19",
            "20040119",
            "19 Jan 2004",
            "19JAN2004",
            "January 19, 2004",
        ] {
            assert_eq!(read(text).unwrap(), "20040119_000000", "{text}");
        }
        for text in [
            "2004-01-19 07:27",
            "2004-01-19T07:27:00",
            "20040119072700",
            "200401190727",
            "20040119T0727",
            "20040119_072700",
        ] {
            assert_eq!(read(text).unwrap(), "20040119_072700", "{text}");
        }
    }

    #[test]
    fn ambiguous_dates_are_not_read() {
        for text in [
            "01/02/2004",
            "02.01.2004",
            "040102",
            "200401",
            "2004",
            "2004-01",
            "2004-1-9",
            "",
            "scan",
            "20041301",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_engine() {
        for (text, expected) in [
            ("CT/PAT-0042.dcm", "CT_PAT-0042.dcm"),
            ("a:b*c?d<e>\"|^t2*.dcm", "a_b_c_d_e___^t2star.dcm"),
            ("T2 _*\u{1}\n.dcm", "T2 _star__.dcm"),
            ("t2**", "t2star_"),
            ("con.dcm", "con_.dcm"),
            ("LPT1", "LPT1_"),
            ("COM¹.x", "COM¹_.x"),
            ("COMA.x", "COMA.x"),
            (" a. .", "a"),
            (".hidden", ".hidden"),
            ("Äü山.dcm", "Äü山.dcm"),
        ] {
            assert_eq!(valid_file_name(text).unwrap(), expected);
        }
        assert_eq!(valid_file_name(&"山".repeat(100)).unwrap(), "山".repeat(85));
        for nothing in ["", "  ", ".", "..", "...", " . "] {
            assert_eq!(valid_file_name(nothing), None, "{nothing}");
        }
    }
}
