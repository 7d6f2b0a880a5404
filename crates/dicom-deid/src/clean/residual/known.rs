//! What the check has to know beside the file: which attributes identify, which words everybody
//! uses, and how a day is mostly written.
//!
//! Owns that choice. Clean texts are held against more spellings; here each costs time in every
//! file.

use chrono::NaiveDate;

use crate::standard::{IdentifierKind, identifier_kind, is_known_word};
use dicom_lossless::{Tag, VR};

/// Whether the values of an attribute are identifiers, whose parts identify as well. Places and
/// ways to reach them are made of words that others use too, and count as a whole.
pub(super) fn is_identifier(tag: Tag, vr: VR) -> bool {
    matches!(
        identifier_kind(tag, vr),
        Some(IdentifierKind::Person | IdentifierKind::Id)
    )
}

/// Whether a word in lower case is one that everybody uses: vocabulary of the field, what stands
/// for a name, or a program that signs what it makes.
pub(super) fn is_common_word(lower: &str) -> bool {
    is_known_word(lower)
        || WORDS.binary_search(&lower).is_ok()
        || PROGRAMS.binary_search(&lower).is_ok()
}

/// A URL or URN without its scheme, which says how something is reached and never whose it is; any
/// other text as it is.
pub(super) fn without_scheme(value: &str) -> &str {
    if let Some((scheme, rest)) = value.split_once("://") {
        let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        return if scheme.bytes().all(may_be) && !rest.is_empty() {
            rest
        } else {
            value
        };
    }
    let opaque = OPAQUE.iter().find(|scheme| {
        value
            .get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    });
    opaque
        .and_then(|scheme| value.get(scheme.len()..))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(value)
}

/// Schemes that have no slashes behind them, the longer ones first.
const OPAQUE: [&str; 7] = [
    "urn:oid:",
    "urn:uuid:",
    "urn:",
    "oid:",
    "uuid:",
    "mailto:",
    "tel:",
];

/// Words that stand in the place of identifiers, those that most names of institutions hold, and
/// those that web addresses begin with.
const WORDS: [&str; 43] = [
    "anon",
    "anonym",
    "anonymised",
    "anonymized",
    "anonymous",
    "center",
    "centre",
    "clinic",
    "clinical",
    "compressed",
    "data",
    "deidentified",
    "demo",
    "department",
    "doctor",
    "dummy",
    "example",
    "female",
    "general",
    "health",
    "hospital",
    "http",
    "https",
    "image",
    "institute",
    "institution",
    "klinik",
    "male",
    "medical",
    "name",
    "none",
    "null",
    "patient",
    "phantom",
    "research",
    "samples",
    "series",
    "study",
    "subject",
    "test",
    "university",
    "unknown",
    "wado",
];

/// Programs, libraries and their makers that sign files with their own name.
const PROGRAMS: [&str; 18] = [
    "conquest",
    "dcm4che",
    "dcmqi",
    "dcmtk",
    "gdcm",
    "highdicom",
    "mevislab",
    "nnunet",
    "offis",
    "orthanc",
    "osirix",
    "pixelmed",
    "pydicom",
    "qupath",
    "simpleitk",
    "slicer",
    "totalsegmentator",
    "wsidicomizer",
];

/// A day as people and programs mostly write it, besides its eight digits.
pub(super) fn spellings(day: NaiveDate) -> Vec<String> {
    const FORMATS: [&str; 17] = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%d-%m-%Y",
        "%m/%d/%Y",
        "%m-%d-%Y",
        "%-d.%-m.%Y",
        "%-d/%-m/%Y",
        "%-m/%-d/%Y",
        "%d-%b-%Y",
        "%d %b %Y",
        "%d%b%Y",
        "%b %-d, %Y",
        "%-d %B %Y",
        "%B %-d, %Y",
    ];
    FORMATS
        .iter()
        .map(|format| day.format(format).to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_searched() {
        assert!(WORDS.is_sorted_by(|a, b| a < b) && PROGRAMS.is_sorted_by(|a, b| a < b));
    }
}
