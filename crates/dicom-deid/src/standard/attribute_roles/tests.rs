//! Each list is the pinned one, read whole, and agrees with the dictionary and the other tables.

mod temporal {
    use dicom_core::VR;
    use dicom_dictionary_std::tags;
    use sha2::{Digest, Sha256};

    use super::super::*;
    use crate::standard::confidentiality::TagPattern;
    use crate::standard::confidentiality::{ConfidentialityOption, attributes};
    use crate::standard::dictionary::GROUPS;
    use crate::standard::{IdentifyingRole, keyword, unlisted_attributes, vr};

    #[test]
    fn the_list_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(TEMPORAL_ROLES));
        assert_eq!(
            digest,
            "48b9d5815f012d954abdcc161a2092a4865b69d994aa1923e578b5f09cfa91d2"
        );
        assert_eq!(
            (
                TEMPORAL_ROLES.lines().count(),
                by_tag::<TemporalRole>(TEMPORAL_ROLES, |row| row.get("role")).len()
            ),
            (186, 185)
        );
    }

    #[test]
    fn every_temporal_attribute_of_the_dictionary_has_a_role() {
        let groups = GROUPS
            .iter()
            .copied()
            .chain([0x0000]);
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
            assert!(temporal_role(tag) == Some(TemporalRole::Subject), "{tag}");
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
            assert!(temporal_role(tag) != Some(TemporalRole::Subject), "{tag}");
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
    fn every_unlisted_temporal_attribute_has_a_role() {
        for listed in unlisted_attributes()
            .iter()
            .filter(|listed| listed.role == IdentifyingRole::Time)
        {
            let TagPattern::One(tag) = listed.covers else {
                continue;
            };
            let temporal = matches!(vr(tag), Some(VR::DA | VR::DT | VR::TM));
            assert_eq!(temporal_role(tag).is_some(), temporal, "{}", listed.keyword);
        }
    }
}

mod uids {
    use dicom_core::VR;
    use dicom_dictionary_std::{tags, uids};
    use sha2::{Digest, Sha256};

    use super::super::*;
    use crate::standard::confidentiality::TagPattern;
    use crate::standard::confidentiality::{ActionCode, attributes};
    use crate::standard::dictionary::GROUPS;
    use crate::standard::{IdentifyingRole, keyword, unlisted_attributes, vr};

    #[test]
    fn the_lists_are_the_pinned_ones_and_read_whole() {
        let digest = |text: &str| hex::encode(Sha256::digest(text));
        assert_eq!(
            digest(UID_ROLES),
            "f5d371fc3a4b0fbeaaba4e872956e8cc660ffa4ee69882284058e49bffa8438b"
        );
        assert_eq!(
            digest(REGISTERED),
            "89fdd0e8e21bb223148dfdb4f0c62cb3e4d313e2da9f135bf7080846bb5547be"
        );
        assert_eq!(
            (
                UID_ROLES.lines().count(),
                by_tag::<UidRole>(UID_ROLES, |row| row.get("role")).len()
            ),
            (109, 108)
        );
        assert_eq!(REGISTERED.lines().count(), 497);
    }

    #[test]
    fn every_uid_attribute_of_the_dictionary_has_a_role() {
        let groups = GROUPS
            .iter()
            .copied()
            .chain([0x0000]);
        let tags = groups.flat_map(|group| (0..=u16::MAX).map(move |element| Tag(group, element)));
        let of_vr: Vec<_> = tags
            .filter(|tag| keyword(*tag).is_some() && vr(*tag) == Some(VR::UI))
            .collect();
        assert_eq!(of_vr.len(), 108);
        for tag in of_vr {
            assert!(uid_role(tag).is_some(), "{tag}");
        }
        for line in UID_ROLES.lines().skip(1) {
            let mut cells = line.rsplit(',');
            let (_, written) = (cells.next(), cells.next());
            let named = written.and_then(crate::standard::tag_of_keyword);
            assert!(named.is_some_and(|tag| line.starts_with(&format!(
                "\"({:04X},{:04X})\"",
                tag.group(),
                tag.element()
            ))));
        }
        assert_eq!(uid_role(tags::PATIENT_ID), None);
    }

    #[test]
    fn what_the_standard_replaces_is_an_instance() {
        for row in attributes()
            .iter()
            .filter(|row| row.basic == ActionCode::Uid)
        {
            let role = row.tag().and_then(uid_role);
            assert_eq!(role, Some(UidRole::Instance), "{}", row.name);
        }
        for listed in unlisted_attributes()
            .iter()
            .filter(|listed| listed.role == IdentifyingRole::Uid)
        {
            let TagPattern::One(tag) = listed.covers else {
                panic!("{}", listed.keyword)
            };
            assert_eq!(uid_role(tag), Some(UidRole::Instance), "{}", listed.keyword);
        }
    }

    #[test]
    fn unlisted_uids_of_a_thing_or_a_place_are_of_instances() {
        let of_vr = |listed: &&crate::standard::UnlistedAttribute| matches!(listed.covers, TagPattern::One(tag) if vr(tag) == Some(VR::UI));
        for listed in unlisted_attributes()
            .iter()
            .filter(of_vr)
        {
            let TagPattern::One(tag) = listed.covers else {
                continue;
            };
            assert_eq!(uid_role(tag), Some(UidRole::Instance), "{}", listed.keyword);
        }
    }

    #[test]
    fn definitions_stay() {
        for tag in [
            tags::SOP_CLASS_UID,
            tags::TRANSFER_SYNTAX_UID,
            tags::CODING_SCHEME_UID,
            tags::CONTEXT_UID,
        ] {
            assert_eq!(uid_role(tag), Some(UidRole::Definition), "{tag}");
        }
    }

    #[test]
    fn registered_uids_are_known() {
        for uid in [
            uids::CT_IMAGE_STORAGE,
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
            uids::HOT_IRON_PALETTE,
            uids::UTC,
            "1.2.840.10008.1.4.1.1",         // Talairach
            "1.2.840.10008.6.1.1063",        // a context group
            "1.2.840.10008.8.1.1",           // the content mapping resource
            "1.2.840.10008.5.1.4.1.1.604.2", // a storage class of a later edition
            "1.2.840.10008.1.2.4.210",       // a transfer syntax of a later edition
        ] {
            assert!(is_registered_uid(uid), "{uid}");
        }
    }

    #[test]
    fn uids_made_up_below_the_root_are_not() {
        for uid in [
            "1.2.840.10008.5.1.4.1.1.2.20040119.72730.1",
            "1.2.840.10008.5.1.4.1.1.4.1.1.1",
            "1.2.840.10008.1.2.3.4.5",
            "1.2.840.10008.6.1.20040119",
            "1.2.840.10008.6.1.012",
            "1.2.840.10008.999.1",
            "1.2.840.10008.6.1.",
            "1.2.840.10008",
            "1.2.840.113619.2.55.3",
            "2.25.123456789",
            "",
        ] {
            assert!(!is_registered_uid(uid), "{uid}");
        }
    }
}

mod multiplicity {
    use dicom_dictionary_std::tags;
    use sha2::{Digest, Sha256};

    use super::super::*;

    #[test]
    fn the_list_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(MULTIPLICITIES));
        assert_eq!(
            digest,
            "6f822a28b481ad763163d790bbf1636c143b504525d89628aced676adfadf45f"
        );
        assert_eq!(
            (
                MULTIPLICITIES.lines().count(),
                by_tag(MULTIPLICITIES, |row| row.text("most").map(str::to_owned)).len()
            ),
            (387, 386)
        );
    }

    #[test]
    fn multiplicities_are_those_of_ps3_6() {
        for (tag, most) in [
            (tags::ROWS, Some(1)),
            (tags::PIXEL_SPACING, Some(2)),
            (tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, Some(3)),
            (tags::IMAGE_ORIENTATION_PATIENT, Some(6)),
            (tags::FRAME_INCREMENT_POINTER, None),
            (tags::GRAPHIC_DATA, None),
        ] {
            assert_eq!(most_numbers(tag), most, "{tag}");
        }
    }
}

mod identifiers {
    use super::super::*;
    use crate::standard::{keyword, tag_of_keyword, vr};

    #[test]
    fn every_row_is_read_and_names_its_attribute() {
        let rows = by_tag(IDENTIFIERS, |row| {
            Some((row.text("keyword")?.to_owned(), row.get("kind")?))
        });
        assert_eq!((IDENTIFIERS.lines().count(), rows.len()), (115, 114));
        for (tag, (written, kind)) in rows {
            assert_eq!(keyword(tag), Some(written.as_str()));
            assert_eq!(
                identifier_kind(tag, vr(tag).unwrap()),
                Some(kind),
                "{written}"
            );
        }
        assert!(
            IDENTIFIERS
                .lines()
                .skip(1)
                .is_sorted()
        );
    }

    #[test]
    fn each_kind_is_found() {
        use IdentifierKind as K;
        let kind = |keyword| tag_of_keyword(keyword).and_then(|tag| identifier_kind(tag, vr(tag)?));
        for (keyword, expected) in [
            ("PatientName", K::Person),
            ("VerifyingObserverName", K::Person),
            ("PatientID", K::Id),
            ("AccessionNumber", K::Id),
            ("AdmissionID", K::Id),
            ("InstitutionName", K::Place),
            ("CurrentPatientLocation", K::Place),
            ("PatientAddress", K::Contact),
            ("PersonTelephoneNumbers", K::Contact),
            ("PatientBirthDate", K::Date),
            ("StudyDate", K::Date),
            ("AcquisitionDateTime", K::Date),
            ("PatientBirthDateInAlternativeCalendar", K::Date),
        ] {
            assert_eq!(kind(keyword), Some(expected), "{keyword}");
        }
        for keyword in [
            "Modality",
            "SeriesDescription",
            "DateOfLastCalibration",
            "StudyInstanceUID",
            "PatientAge",
        ] {
            assert_eq!(kind(keyword), None, "{keyword}");
        }
        assert_eq!(
            identifier_kind(Tag(0x0009, 0x1001), VR::PN),
            Some(K::Person),
            "private ones too"
        );
        assert_eq!(
            identifier_kind(Tag(0x0010, 0x0020), VR::UN),
            Some(K::Id),
            "whatever the file calls its VR"
        );
    }
}
