//! What the check has to know beside the file: which attributes identify, which words everybody uses, and how a day is
//! mostly written.
//!
//! Owns that choice. Clean texts are held against more spellings; here each costs time in every file.

use chrono::NaiveDate;

use crate::dicom::{Tag, VR};
use crate::standard::{IdentifierKind, identifier_kind, is_known_word};

/// Whether the values of an attribute are identifiers, whose parts identify as well. Places and ways to reach them are
/// made of words that others use too, and count as a whole.
pub(super) fn is_identifier(tag: Tag, vr: VR) -> bool {
    matches!(identifier_kind(tag, vr), Some(IdentifierKind::Person | IdentifierKind::Id))
}

/// Whether a word in lower case is one that everybody uses: vocabulary of the field, or what stands for a name.
pub(super) fn is_common_word(lower: &str) -> bool {
    is_known_word(lower) || WORDS.binary_search(&lower).is_ok()
}

/// Words that stand in the place of identifiers, and those that most names of institutions hold.
const WORDS: [&str; 40] = [
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
    FORMATS.iter().map(|format| day.format(format).to_string()).collect()
}
