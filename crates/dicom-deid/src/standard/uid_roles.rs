//! What the UIDs of the standard's attributes name: one instance or thing, which gets another UID,
//! or something that is defined once for all, which must stay.

use std::sync::OnceLock;

use dicom_core::Tag;
use foldhash::{HashMap, HashSet};

use super::confidentiality::Covers;

/// Tag, keyword and role of every attribute of VR UI.
const ROLES: &str = include_str!("uid-roles.csv");

/// UID and kind of everything that PS3.6 annex A registers.
const REGISTERED: &str = include_str!("registered-uids.csv");

/// The root of the UIDs that the standard gives out.
const ROOT: &str = "1.2.840.10008.";

/// Below the root: where the standard goes on registering, how many components follow, and with how
/// many digits at most. So a UID of a later edition stays too, while one that somebody made up from
/// a SOP class does not.
const OPEN: [(&str, usize, usize); 8] = [
    ("1.2.", 2, 3),       // transfer syntaxes
    ("1.4.", 2, 2),       // well-known frames of reference
    ("1.5.", 1, 2),       // colour palettes
    ("2.16.", 1, 3),      // coding schemes
    ("5.1.4.1.1.", 2, 3), // storage SOP classes
    ("6.1.", 1, 4),       // context groups
    ("8.1.", 1, 2),       // mapping resources
    ("10.", 1, 2),        // real-time communication
];

/// What the UID in an attribute names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UidRole {
    /// One instance, study, series, frame of reference, event, device, person or place. An
    /// attribute of this role may still hold a UID that the standard registers, and that one stays:
    /// see [`is_registered_uid`].
    Instance,
    /// A definition: a SOP class, transfer syntax, coding scheme, context group, template or
    /// implementation.
    Definition,
}

/// What the UIDs of an attribute name; none where its VR in the dictionary is not UI.
pub fn uid_role(tag: Tag) -> Option<UidRole> {
    static BY_TAG: OnceLock<HashMap<Tag, UidRole>> = OnceLock::new();
    BY_TAG.get_or_init(roles).get(&tag).copied()
}

fn roles() -> HashMap<Tag, UidRole> {
    let mut reader = csv::Reader::from_reader(ROLES.as_bytes());
    reader
        .records()
        .filter_map(|record| row(&record.ok()?))
        .collect()
}

fn row(record: &csv::StringRecord) -> Option<(Tag, UidRole)> {
    let Covers::One(tag) = Covers::parse(record.get(0)?)? else {
        return None;
    };
    let role = match record.get(2)? {
        "instance" => UidRole::Instance,
        "definition" => UidRole::Definition,
        _ => return None,
    };
    Some((tag, role))
}

/// Whether the standard registers this UID, so that it names nothing of a patient's: a UID of PS3.6
/// annex A, a context group, or one of the shape that the next edition would give out.
pub fn is_registered_uid(text: &str) -> bool {
    static REGISTRY: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let registry = REGISTRY.get_or_init(|| {
        REGISTERED
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once(',')?.0))
            .collect()
    });
    registry.contains(text) || text.strip_prefix(ROOT).is_some_and(is_open)
}

/// Whether what follows the root has the shape of a later registration.
fn is_open(below: &str) -> bool {
    OPEN.iter().any(|(arc, components, digits)| {
        let Some(rest) = below.strip_prefix(arc) else {
            return false;
        };
        rest.split('.').count() <= *components
            && rest
                .split('.')
                .all(|component| is_number(component, *digits))
    })
}

fn is_number(component: &str, digits: usize) -> bool {
    (1..=digits).contains(&component.len())
        && component.bytes().all(|byte| byte.is_ascii_digit())
        && (component == "0" || !component.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use dicom_core::VR;
    use dicom_dictionary_std::{tags, uids};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::confidentiality::{ActionCode, attributes};
    use crate::standard::dictionary::GROUPS;
    use crate::standard::{Concern, blind_spots, keyword, vr};

    #[test]
    fn the_lists_are_the_pinned_ones_and_read_whole() {
        let digest = |text: &str| hex::encode(Sha256::digest(text));
        assert_eq!(
            digest(ROLES),
            "f5d371fc3a4b0fbeaaba4e872956e8cc660ffa4ee69882284058e49bffa8438b"
        );
        assert_eq!(
            digest(REGISTERED),
            "89fdd0e8e21bb223148dfdb4f0c62cb3e4d313e2da9f135bf7080846bb5547be"
        );
        assert_eq!((ROLES.lines().count(), roles().len()), (109, 108));
        assert_eq!(REGISTERED.lines().count(), 497);
    }

    #[test]
    fn every_uid_attribute_of_the_dictionary_has_a_role() {
        let groups = GROUPS.iter().copied().chain([0x0000]);
        let tags = groups.flat_map(|group| (0..=u16::MAX).map(move |element| Tag(group, element)));
        let of_vr: Vec<_> = tags
            .filter(|tag| keyword(*tag).is_some() && vr(*tag) == Some(VR::UI))
            .collect();
        assert_eq!(of_vr.len(), 108);
        for tag in of_vr {
            assert!(uid_role(tag).is_some(), "{tag}");
        }
        for line in ROLES.lines().skip(1) {
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
        for spot in blind_spots()
            .iter()
            .filter(|spot| spot.concern == Concern::Uid)
        {
            let Covers::One(tag) = spot.covers else {
                panic!("{}", spot.keyword)
            };
            assert_eq!(uid_role(tag), Some(UidRole::Instance), "{}", spot.keyword);
        }
    }

    #[test]
    fn what_blind_spots_call_a_thing_or_a_place_is_an_instance() {
        let of_vr = |spot: &&crate::standard::BlindSpot| matches!(spot.covers, Covers::One(tag) if vr(tag) == Some(VR::UI));
        for spot in blind_spots().iter().filter(of_vr) {
            let Covers::One(tag) = spot.covers else {
                continue;
            };
            assert_eq!(uid_role(tag), Some(UidRole::Instance), "{}", spot.keyword);
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
