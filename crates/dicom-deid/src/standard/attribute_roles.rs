//! What an attribute's values are, by lists beside the dictionary: dates of the patient or of
//! something else, UIDs of instances or of definitions, identifiers, and how many numbers.
//!
//! Data only: what is done with an attribute is for others.

use std::sync::LazyLock;

use dicom_core::{Tag, VR};
use foldhash::{HashMap, HashSet};
use serde::Deserialize;

use super::table::by_tag;

/// Tag, keyword, VR and role of every attribute of VR DA, DT or TM, and of Timezone Offset From
/// UTC.
const TEMPORAL_ROLES: &str = include_str!("temporal-roles.csv");

/// What a date or time belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemporalRole {
    /// An event of the patient's life or care, or of the data about it.
    Subject,
    /// Calibration, manufacture or installation of equipment: service logs know it.
    Device,
    /// The reference date of a radioactive source, which its certificate states.
    Source,
    /// The version of a context group or template: the standard prints it.
    Vocabulary,
    /// Expiry, issue or validity of a product: its label or data sheet states it.
    Product,
    /// Validity of an approval, protocol or inventory, the same for many patients.
    Administrative,
    /// The offset from UTC: a place and a season.
    Zone,
}

/// What the dates or times of an attribute belong to; none where the attribute is not temporal.
pub fn temporal_role(tag: Tag) -> Option<TemporalRole> {
    static BY_TAG: LazyLock<HashMap<Tag, TemporalRole>> =
        LazyLock::new(|| by_tag(TEMPORAL_ROLES, |row| row.get("role")));
    BY_TAG.get(&tag).copied()
}

/// Tag, keyword and role of every attribute of VR UI.
const UID_ROLES: &str = include_str!("uid-roles.csv");

/// UID and kind of everything that PS3.6 annex A registers.
const REGISTERED: &str = include_str!("registered-uids.csv");

/// The root of the UIDs that the standard gives out.
const ROOT: &str = "1.2.840.10008.";

/// Below the root: where the standard goes on registering, how many components follow, and with how
/// many digits at most. So a UID of a later edition stays too, while one that was made up from a
/// SOP class does not.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    static BY_TAG: LazyLock<HashMap<Tag, UidRole>> =
        LazyLock::new(|| by_tag(UID_ROLES, |row| row.get("role")));
    BY_TAG.get(&tag).copied()
}

/// Whether the standard registers this UID, so that it names nothing of a patient's: a UID of PS3.6
/// annex A, a context group, or one of the shape that the next edition would give out.
pub fn is_registered_uid(text: &str) -> bool {
    static REGISTRY: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        let lines = REGISTERED.lines().skip(1);
        lines
            .filter_map(|line| Some(line.split_once(',')?.0))
            .collect()
    });
    REGISTRY.contains(text)
        || text
            .strip_prefix(ROOT)
            .is_some_and(is_open)
}

/// Whether what follows the root has the shape of a later registration.
fn is_open(below: &str) -> bool {
    OPEN.iter()
        .any(|(arc, components, digits)| {
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
        && component
            .bytes()
            .all(|byte| byte.is_ascii_digit())
        && (component == "0" || !component.starts_with('0'))
}

/// Tag and the most numbers that it holds, of every attribute that may hold more than one; nothing
/// where there is no limit.
const MULTIPLICITIES: &str = include_str!("value-multiplicity.csv");

/// The most numbers that an attribute of a numeric VR may hold; none where there is no limit.
pub fn most_numbers(tag: Tag) -> Option<usize> {
    static BY_TAG: LazyLock<HashMap<Tag, Option<usize>>> = LazyLock::new(|| {
        by_tag(MULTIPLICITIES, |row| match row.text("most")? {
            "" => Some(None),
            most => most.parse().ok().map(Some),
        })
    });
    BY_TAG
        .get(&tag)
        .copied()
        .unwrap_or(Some(1))
}

/// Tag, keyword, kind.
const IDENTIFIERS: &str = include_str!("identifying-attributes.csv");

/// What an identifier identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// What an attribute with a VR identifies; none for the many that identify nothing. Every name of a
/// person counts, and every date of the groups about patients, visits, studies and
/// procedures.
pub fn identifier_kind(tag: Tag, vr: VR) -> Option<IdentifierKind> {
    static KINDS: LazyLock<HashMap<Tag, IdentifierKind>> =
        LazyLock::new(|| by_tag(IDENTIFIERS, |row| row.get("kind")));
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
