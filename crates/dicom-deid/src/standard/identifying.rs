//! Which attributes hold the identifiers of an instance: who, which number, where, how to reach,
//! when.
//!
//! Owns the list. It says what to look for elsewhere in the instance, not what to do with the
//! attribute itself: that is for Table E.1-1.

use std::str::FromStr;
use std::sync::LazyLock;

use dicom_core::{Tag, VR};
use foldhash::HashMap;

use super::confidentiality::Covers;

/// Tag, keyword, kind.
const TABLE: &str = include_str!("identifying-attributes.csv");

static KINDS: LazyLock<HashMap<Tag, IdentifierKind>> = LazyLock::new(|| {
    rows()
        .filter_map(|(tag, _, kind)| Some((tag, kind.parse().ok()?)))
        .collect()
});

/// What an identifier identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// A person, by name.
    Person,
    /// A person, event or thing, by number.
    Id,
    /// An institution, department, room or machine, by name.
    Place,
    /// A way to reach a person or place: address, telephone, mail.
    Contact,
    /// A day in the life of a subject.
    Date,
}

impl FromStr for IdentifierKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "person" => Ok(Self::Person),
            "id" => Ok(Self::Id),
            "place" => Ok(Self::Place),
            "contact" => Ok(Self::Contact),
            "date" => Ok(Self::Date),
            _ => Err(()),
        }
    }
}

/// What an attribute with a VR identifies; none for the many that identify nothing. Every name of a
/// person counts, and every date of the groups that tell of patients, visits, studies and
/// procedures.
pub fn identifier_kind(tag: Tag, vr: VR) -> Option<IdentifierKind> {
    match vr {
        VR::PN => Some(IdentifierKind::Person),
        VR::DA | VR::DT => matches!(tag.group(), 0x0008 | 0x0010 | 0x0032 | 0x0038 | 0x0040)
            .then_some(IdentifierKind::Date),
        VR::AE | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UN | VR::UR | VR::UT => {
            KINDS.get(&tag).copied()
        }
        _ => None,
    }
}

fn rows() -> impl Iterator<Item = (Tag, &'static str, &'static str)> {
    TABLE.lines().skip(1).filter_map(|line| {
        let (tag, rest) = line.strip_prefix('"')?.split_once("\",")?;
        let (keyword, kind) = rest.split_once(',')?;
        let Covers::One(tag) = Covers::parse(tag)? else {
            return None;
        };
        Some((tag, keyword, kind))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::standard::{keyword, tag_of_keyword, vr};

    #[test]
    fn every_row_is_read_and_names_its_attribute() {
        assert_eq!(TABLE.lines().count(), 115);
        assert_eq!((rows().count(), KINDS.len()), (114, 114));
        for (tag, written, kind) in rows() {
            assert_eq!(keyword(tag), Some(written));
            assert_eq!(
                identifier_kind(tag, vr(tag).unwrap()),
                kind.parse().ok(),
                "{written}"
            );
        }
        assert!(TABLE.lines().skip(1).is_sorted());
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
