//! The patient of an instance: the pseudonym and the shift that all of the patient's files share.
//!
//! Owns what stands for the patient. An instance without a usable Patient ID gets its study's
//! pseudonym, never one that other patients share.

use dicom_dictionary_std::tags::{
    PATIENT_ID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID,
};
use dicom_lossless::{CharacterSet, DataSet, Element, Tag, character_set_of};

use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Confidentiality, DateShift, Pseudonyms};
use crate::pseudonym::PseudonymKey;

/// What may stand for the patient, in this order: study, series, instance.
const SUBSTITUTES: [Tag; 3] = [STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID];
/// Patient IDs that are none, in capitals.
const PLACEHOLDERS: [&str; 14] = [
    "0",
    "00000000",
    "-",
    "N/A",
    "NA",
    "NONE",
    "NULL",
    "UNKNOWN",
    "ANON",
    "ANONYMOUS",
    "ANONYMIZED",
    "ANONYMISED",
    "NO ID",
    "NOID",
];

/// The patient of an instance.
pub struct Patient {
    pub pseudonym: String,
    /// Days by which dates move.
    pub days: i64,
    /// Whether there is no usable Patient ID.
    pub without_id: bool,
}

impl Patient {
    pub fn of(
        data: &DataSet,
        settings: &Confidentiality,
        key: &PseudonymKey,
    ) -> Result<Self, DeidError> {
        let charset = character_set_of(data, &CharacterSet::default());
        let id = data
            .get(PATIENT_ID)
            .and_then(|element| usable_id(element, &charset));
        let without_id = id.is_none();
        let id = id
            .or_else(|| substitute_id(data))
            .ok_or_else(|| {
                DeidError::new(
                    DeidErrorKind::MissingUid,
                    "there is neither a Patient ID nor a UID of study, series or instance",
                )
            })?;
        let days = match settings.shift {
            DateShift::PerPatient => key.shift_days(&id),
            DateShift::Days(days) => days,
        };
        Ok(Self {
            pseudonym: pseudonym(&id, &settings.pseudonyms, key),
            days,
            without_id,
        })
    }

    /// The pseudonym for a Patient ID that stands anywhere in the instance: that of its own value,
    /// where it has one.
    pub fn pseudonym_for(
        &self,
        element: &Element,
        charset: &CharacterSet,
        settings: &Confidentiality,
        key: &PseudonymKey,
    ) -> String {
        let id = usable_id(element, charset);
        id.map_or_else(
            || self.pseudonym.clone(),
            |id| pseudonym(&id, &settings.pseudonyms, key),
        )
    }
}

fn pseudonym(id: &str, look: &Pseudonyms, key: &PseudonymKey) -> String {
    look.prefix.clone() + &key.patient(id, look.width)
}

/// The ID without padding; none where it is empty or says that there is none.
fn usable_id(element: &Element, charset: &CharacterSet) -> Option<String> {
    let text = charset.decode(element.bytes()?, false);
    let id = text.trim_matches([' ', '\0']);
    let none = id.is_empty() || PLACEHOLDERS.contains(&id.to_ascii_uppercase().as_str());
    (!none).then(|| id.to_owned())
}

/// A UID with its kind in front, so that no Patient ID can be the same text.
fn substitute_id(data: &DataSet) -> Option<String> {
    SUBSTITUTES
        .into_iter()
        .find_map(|tag| {
            let bytes = data.get(tag)?.bytes()?;
            let uid = String::from_utf8_lossy(bytes)
                .trim_end_matches([' ', '\0'])
                .to_owned();
            (!uid.is_empty()).then(|| format!("\0uid {uid}"))
        })
}
