//! The identifiers of an instance before it was cleaned, for sites that keep a log of them.
//!
//! Owns the short list of identifiers that such a log indexes. They are values that identify: they
//! leave this type in one form only, the body of the request to the log, and never show.

use std::fmt;

use dicom_dictionary_std::tags::{
    ACCESSION_NUMBER, PATIENT_BIRTH_DATE, PATIENT_ID, PATIENT_NAME, SERIES_DATE,
    SERIES_DESCRIPTION, SERIES_INSTANCE_UID, SERIES_TIME, STUDY_DATE, STUDY_DESCRIPTION, STUDY_ID,
    STUDY_INSTANCE_UID, STUDY_TIME, TIMEZONE_OFFSET_FROM_UTC,
};
use dicom_lossless::{CharacterSet, DataSet, Encoding, Instance, Phi, Tag, character_set_of, text};
use serde_json::{Map, Value, json};

use crate::standard::keyword;

/// What the log indexes, by the keywords of the attributes. It also knows `StudyDateTime` and `SeriesDateTime`, which
/// DICOM does not.
const INDEXED: [Tag; 14] = [
    ACCESSION_NUMBER,
    PATIENT_BIRTH_DATE,
    PATIENT_ID,
    PATIENT_NAME,
    STUDY_INSTANCE_UID,
    STUDY_ID,
    STUDY_DATE,
    STUDY_TIME,
    STUDY_DESCRIPTION,
    SERIES_INSTANCE_UID,
    SERIES_DATE,
    SERIES_TIME,
    SERIES_DESCRIPTION,
    TIMEZONE_OFFSET_FROM_UTC,
];

/// The original identifiers of one instance.
pub struct Originals {
    indexed: Vec<(&'static str, Phi<String>)>,
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Originals(..)")
    }
}

impl Originals {
    /// Reads them from an instance that was not cleaned yet; absent and empty ones are left out.
    pub fn of(instance: &Instance) -> Self {
        Self::in_header(&instance.header, instance.syntax.encoding)
    }

    fn in_header(header: &DataSet, encoding: Encoding) -> Self {
        let charset = character_set_of(header, &CharacterSet::default());
        let value =
            |tag| text(header.get(tag)?, encoding, &charset).filter(|text| !text.trim().is_empty());
        let indexed = INDEXED
            .into_iter()
            .filter_map(|tag| Some((keyword(tag)?, Phi::new(value(tag)?))))
            .collect();
        Self { indexed }
    }

    /// The names of all that may be among them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        INDEXED
            .into_iter()
            .filter_map(keyword)
    }

    /// The body of the request to the log, and of nothing else.
    pub fn for_the_log(&self) -> Value {
        let indexed: Map<String, Value> = self
            .indexed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.expose().trim())))
            .collect();
        json!({ "indexed_fields": indexed, "deidentified_tags": {} })
    }
}

#[cfg(test)]
mod tests {
    use dicom_lossless::{Element, VR};

    use super::*;

    fn of(elements: Vec<Element>) -> Originals {
        Originals::in_header(&DataSet::from_elements(elements), Encoding::EXPLICIT_LITTLE)
    }

    #[test]
    fn identifiers_are_read_in_the_character_set_of_the_file_and_empty_ones_are_left_out() {
        let originals = of(vec![
            Element::new(Tag(0x0008, 0x0005), VR::CS, &b"ISO_IR 100"[..]),
            Element::new(Tag(0x0008, 0x0020), VR::DA, &b"20200102"[..]),
            Element::new(Tag(0x0008, 0x0050), VR::SH, &b"  "[..]),
            Element::new(Tag(0x0008, 0x1030), VR::LO, &b"Kopf \\ Hals "[..]),
            Element::new(Tag(0x0010, 0x0010), VR::PN, &b"M\xFCller^Jos\xE9"[..]),
            Element::new(Tag(0x0010, 0x0020), VR::UN, &b"PAT-0042"[..]),
            Element::new(Tag(0x0010, 0x0040), VR::CS, &b"F "[..]),
            Element::new(Tag(0x0020, 0x000D), VR::UI, &b"1.2.3\0"[..]),
        ]);
        let expected = json!({
            "indexed_fields": {
                "PatientID": "PAT-0042", "PatientName": "Müller^José", "StudyInstanceUID": "1.2.3", "StudyDate": "20200102",
                "StudyDescription": "Kopf \\ Hals"
            },
            "deidentified_tags": {}
        });
        assert_eq!(originals.for_the_log(), expected);
    }

    #[test]
    fn debug_output_shows_no_identifier() {
        let originals = of(vec![Element::new(
            Tag(0x0010, 0x0010),
            VR::PN,
            &b"Doe^Jane"[..],
        )]);
        assert_eq!(format!("{originals:?}"), "Originals(..)");
    }

    #[test]
    fn names_are_those_of_the_log() {
        let names: Vec<_> = Originals::names().collect();
        assert_eq!(
            names,
            [
                "AccessionNumber",
                "PatientBirthDate",
                "PatientID",
                "PatientName",
                "StudyInstanceUID",
                "StudyID",
                "StudyDate",
                "StudyTime",
                "StudyDescription",
                "SeriesInstanceUID",
                "SeriesDate",
                "SeriesTime",
                "SeriesDescription",
                "TimezoneOffsetFromUTC",
            ]
        );
    }
}
