//! What the dates and times of the standard's attributes belong to. Only those of the patient's own
//! story may be shifted: a shifted date that can be known from elsewhere would give the offset
//! away.

use std::sync::OnceLock;

use dicom_core::Tag;
use foldhash::HashMap;

use super::confidentiality::Covers;

/// Tag, keyword, VR and role of every attribute of VR DA, DT or TM, and of Timezone Offset From
/// UTC.
const ROLES: &str = include_str!("temporal-roles.csv");

/// What a date or time belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemporalRole {
    /// An event of the patient's life or care, or of the data about it.
    Subject,
    /// Calibration, manufacture or installation of equipment: service logs know it.
    Device,
    /// The reference date of a radioactive source, which its certificate tells.
    Source,
    /// The version of a context group or template: the standard prints it.
    Vocabulary,
    /// Expiry, issue or validity of a product: its label or data sheet tells.
    Product,
    /// Validity of an approval, protocol or inventory, the same for many patients.
    Administrative,
    /// The offset from UTC: a place and a season.
    Zone,
}

impl TemporalRole {
    /// Whether the value moves with the patient's other dates.
    pub fn shifts(self) -> bool {
        self == Self::Subject
    }
}

/// What the dates or times of an attribute belong to; none where the attribute is not temporal.
pub fn temporal_role(tag: Tag) -> Option<TemporalRole> {
    static BY_TAG: OnceLock<HashMap<Tag, TemporalRole>> = OnceLock::new();
    BY_TAG.get_or_init(roles).get(&tag).copied()
}

fn roles() -> HashMap<Tag, TemporalRole> {
    let mut reader = csv::Reader::from_reader(ROLES.as_bytes());
    reader
        .records()
        .filter_map(|record| row(&record.ok()?))
        .collect()
}

fn row(record: &csv::StringRecord) -> Option<(Tag, TemporalRole)> {
    let Covers::One(tag) = Covers::parse(record.get(0)?)? else {
        return None;
    };
    let role = match record.get(3)? {
        "subject" => TemporalRole::Subject,
        "device" => TemporalRole::Device,
        "source" => TemporalRole::Source,
        "vocabulary" => TemporalRole::Vocabulary,
        "product" => TemporalRole::Product,
        "administrative" => TemporalRole::Administrative,
        "zone" => TemporalRole::Zone,
        _ => return None,
    };
    Some((tag, role))
}

#[cfg(test)]
mod tests {
    use dicom_core::VR;
    use dicom_dictionary_std::tags;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::confidentiality::{ConfidentialityOption, attributes};
    use crate::standard::dictionary::GROUPS;
    use crate::standard::{Concern, blind_spots, keyword, vr};

    #[test]
    fn the_list_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(ROLES));
        assert_eq!(
            digest,
            "48b9d5815f012d954abdcc161a2092a4865b69d994aa1923e578b5f09cfa91d2"
        );
        assert_eq!((ROLES.lines().count(), roles().len()), (186, 185));
    }

    #[test]
    fn every_temporal_attribute_of_the_dictionary_has_a_role() {
        let groups = GROUPS.iter().copied().chain([0x0000]);
        let tags = groups.flat_map(|group| (0..=u16::MAX).map(move |element| Tag(group, element)));
        let is_temporal = |tag: &Tag| {
            keyword(*tag).is_some() && matches!(vr(*tag), Some(VR::DA | VR::DT | VR::TM))
        };
        let temporal: Vec<_> = tags.filter(is_temporal).collect();
        assert_eq!(temporal.len(), 184);
        for tag in temporal {
            assert!(
                temporal_role(tag).is_some_and(|role| role != TemporalRole::Zone),
                "{tag}"
            );
        }
        assert_eq!(
            temporal_role(tags::TIMEZONE_OFFSET_FROM_UTC),
            Some(TemporalRole::Zone)
        );
        assert_eq!(temporal_role(tags::PATIENT_AGE), None);
    }

    #[test]
    fn only_the_patients_own_story_shifts() {
        for tag in [
            tags::STUDY_DATE,
            tags::ACQUISITION_DATE_TIME,
            tags::SERIES_TIME,
            tags::DATE_TIME,
            tags::TREATMENT_DATE,
        ] {
            assert!(
                temporal_role(tag).is_some_and(TemporalRole::shifts),
                "{tag}"
            );
        }
        for tag in [
            tags::DATE_OF_LAST_CALIBRATION,
            tags::DATE_OF_MANUFACTURE,
            tags::CONTEXT_GROUP_VERSION,
            tags::SOURCE_STRENGTH_REFERENCE_DATE,
            tags::PRODUCT_EXPIRATION_DATE_TIME,
            tags::ETHICS_COMMITTEE_APPROVAL_EFFECTIVENESS_START_DATE,
            tags::TIMEZONE_OFFSET_FROM_UTC,
        ] {
            assert!(
                !temporal_role(tag).is_some_and(TemporalRole::shifts),
                "{tag}"
            );
        }
    }

    /// Table E.1-1 keeps eleven dates and times with the device's identity: those of the device,
    /// and one of a treatment.
    #[test]
    fn what_the_table_keeps_with_the_device_is_the_devices() {
        let kept = attributes().iter().filter(|row| {
            row.under(ConfidentialityOption::RetainDeviceIdentity)
                .is_some()
                && row
                    .under(ConfidentialityOption::RetainModifiedDates)
                    .is_some()
        });
        let tags: Vec<_> = kept
            .filter_map(crate::standard::confidentiality::Attribute::tag)
            .collect();
        assert_eq!(tags.len(), 11);
        for tag in tags {
            let role = if tag == tags::BEAM_HOLD_TRANSITION_DATE_TIME {
                TemporalRole::Subject
            } else {
                TemporalRole::Device
            };
            assert_eq!(temporal_role(tag), Some(role), "{tag}");
        }
    }

    #[test]
    fn every_temporal_blind_spot_has_a_role() {
        for spot in blind_spots()
            .iter()
            .filter(|spot| spot.concern == Concern::Time)
        {
            let Covers::One(tag) = spot.covers else {
                continue;
            };
            let temporal = matches!(vr(tag), Some(VR::DA | VR::DT | VR::TM));
            assert_eq!(temporal_role(tag).is_some(), temporal, "{}", spot.keyword);
        }
    }
}
