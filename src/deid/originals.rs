//! Who an instance was about before it was cleaned, for sites that keep a log of it.
//!
//! Owns the short list of identifiers that such a log indexes. They are values that identify: they leave this type in one
//! form only, the body of the request to the log, and never show.

use std::fmt;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::dicom::{CharacterSet, Instance, Tag, character_set_of, text};
use crate::phi::Phi;

/// What the log indexes, by its names. It also knows `StudyDateTime` and `SeriesDateTime`, which DICOM does not.
const INDEXED: [(&str, Tag); 14] = [
    ("AccessionNumber", Tag(0x0008, 0x0050)),
    ("PatientBirthDate", Tag(0x0010, 0x0030)),
    ("PatientID", Tag(0x0010, 0x0020)),
    ("PatientName", Tag(0x0010, 0x0010)),
    ("StudyInstanceUID", Tag(0x0020, 0x000D)),
    ("StudyID", Tag(0x0020, 0x0010)),
    ("StudyDate", Tag(0x0008, 0x0020)),
    ("StudyTime", Tag(0x0008, 0x0030)),
    ("StudyDescription", Tag(0x0008, 0x1030)),
    ("SeriesInstanceUID", Tag(0x0020, 0x000E)),
    ("SeriesDate", Tag(0x0008, 0x0021)),
    ("SeriesTime", Tag(0x0008, 0x0031)),
    ("SeriesDescription", Tag(0x0008, 0x103E)),
    ("TimezoneOffsetFromUTC", Tag(0x0008, 0x0201)),
];

/// The original identifiers of one instance.
pub struct Originals {
    indexed: Vec<(&'static str, Phi<String>)>,
    /// The log's id for them, once it has them.
    recorded: OnceLock<String>,
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Originals(..)")
    }
}

impl Originals {
    /// Reads them from an instance that was not cleaned yet; absent and empty ones are left out.
    pub fn of(instance: &Instance) -> Self {
        let (header, encoding) = (&instance.header, instance.syntax.encoding);
        let charset = character_set_of(header, &CharacterSet::default());
        let value = |tag| text(header.get(tag)?, encoding, &charset).filter(|text| !text.trim().is_empty());
        let indexed = INDEXED.into_iter().filter_map(|(name, tag)| Some((name, Phi::new(value(tag)?)))).collect();
        Self { indexed, recorded: OnceLock::new() }
    }

    /// The names of all that may be among them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        INDEXED.into_iter().map(|(name, _)| name)
    }

    /// The body of the request to the log, and of nothing else.
    pub fn for_the_log(&self) -> Value {
        let indexed: Map<String, Value> =
            self.indexed.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.expose().trim()))).collect();
        json!({ "indexed_fields": indexed, "deidentified_tags": {} })
    }

    /// The log's id for them, if it has them.
    pub fn recorded_as(&self) -> Option<&str> {
        self.recorded.get().map(String::as_str)
    }

    /// Remembers the log's id for them, so that they are not recorded again.
    pub fn recorded(&self, id: &str) {
        let _ = self.recorded.set(id.to_owned());
    }
}
