//! Attributes that may identify and that Table E.1-1 does not name: a list made from that table
//! alone passes them.

use std::sync::LazyLock;

use dicom_core::Tag;
use foldhash::{HashMap, HashSet};
use serde::Deserialize;

use super::dictionary::is_private;
use super::table::rows;
use super::tag_pattern::TagPattern;

/// Tag, keyword, name, VR, kind, whether retired, and what the attribute may disclose.
const TABLE: &str = include_str!("e1-1-blind-spots.csv");

/// An attribute of the dictionary that may identify and that Table E.1-1 does not list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlistedAttribute {
    /// The attributes that the row is about.
    pub covers: TagPattern,
    /// Its keyword.
    pub keyword: String,
    /// What it may disclose.
    pub role: IdentifyingRole,
}

/// What an attribute may disclose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentifyingRole {
    /// Who the patient or another person is: a name, an identifier, a way to the original.
    Identity,
    /// Which instance or thing it was: a UID that is not of a class or scheme.
    Uid,
    /// When it was.
    Time,
    /// Free text.
    Text,
    /// Where, and with which piece of equipment.
    Device,
    /// Which product the equipment is, which thousands share.
    Product,
}

/// The attributes, in tag order. Codes and structure, which have no such role, are left out.
pub fn unlisted_attributes() -> &'static [UnlistedAttribute] {
    static ROWS: LazyLock<Vec<UnlistedAttribute>> = LazyLock::new(|| {
        rows(TABLE, |row| {
            Some(UnlistedAttribute {
                covers: row.get("tag")?,
                keyword: row.get("keyword")?,
                role: row.get("concern")?,
            })
        })
    });
    &ROWS
}

/// The row that covers an attribute, where it has an identifying role.
pub fn unlisted_attribute(tag: Tag) -> Option<&'static UnlistedAttribute> {
    static BY_TAG: LazyLock<HashMap<Tag, &'static UnlistedAttribute>> = LazyLock::new(|| {
        let all = unlisted_attributes().iter();
        all.map(|listed| (representative(listed.covers), listed))
            .collect()
    });
    BY_TAG
        .get(&first_of_group(tag))
        .copied()
}

/// Whether the list has an attribute as a code or structure.
pub fn has_no_identifying_role(tag: Tag) -> bool {
    static TAGS: LazyLock<HashSet<Tag>> = LazyLock::new(|| {
        without_role(|_| true)
            .into_iter()
            .collect()
    });
    TAGS.contains(&first_of_group(tag))
}

/// Codes and structure whose VR is for text, in tag order: equipment writes them, but free text could
/// stand there.
pub fn texts_without_identifying_role() -> Vec<Tag> {
    without_role(|kind| kind == "text")
}

fn without_role(wanted: impl Fn(&str) -> bool) -> Vec<Tag> {
    rows(TABLE, |row| {
        let none = row.text("concern") == Some("none")
            && row
                .text("kind")
                .is_some_and(&wanted);
        none.then(|| row.get("tag").map(representative))
            .flatten()
    })
}

/// One representative of all attributes that a row covers.
fn representative(covers: TagPattern) -> Tag {
    match covers {
        TagPattern::One(tag) => tag,
        TagPattern::Repeating { group, element } => Tag(group, element.unwrap_or_default()),
        TagPattern::Private => Tag(0xFFFF, 0xFFFF),
    }
}

/// An attribute of a repeating group as it stands in the first of them.
fn first_of_group(tag: Tag) -> Tag {
    let repeats = matches!(tag.group() >> 8, 0x50 | 0x60) && !is_private(tag);
    if repeats {
        Tag(tag.group() & 0xFF00, tag.element())
    } else {
        tag
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::{attribute, keyword};

    #[test]
    fn the_list_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(TABLE));
        assert_eq!(
            digest,
            "eaebf6662364212d45ed0938f0cf27bf37baabcd9308c0d6ecefbfda353aca0b"
        );
        assert_eq!(TABLE.lines().count(), 536);
        let of_none = TABLE
            .lines()
            .filter(|line| line.ends_with(",none"))
            .count();
        assert_eq!(unlisted_attributes().len() + of_none, 535);
    }

    #[test]
    fn table_e_1_1_names_none_of_them_but_curves() {
        for listed in unlisted_attributes() {
            if let TagPattern::One(tag) = listed.covers {
                assert_eq!(attribute(tag), None, "{}", listed.keyword);
                assert_eq!(keyword(tag), Some(listed.keyword.as_str()));
            }
        }
    }

    #[test]
    fn what_must_stay_is_of_no_concern() {
        for must_stay in [
            "SOPClassUID",
            "ReferencedSOPClassUID",
            "CodeValue",
            "CodingSchemeDesignator",
            "DeidentificationMethod",
        ] {
            assert!(
                unlisted_attributes()
                    .iter()
                    .all(|listed| listed.keyword != must_stay),
                "{must_stay}"
            );
        }
        let of = |keyword: &str| {
            unlisted_attributes()
                .iter()
                .find(|listed| listed.keyword == keyword)
                .unwrap()
                .role
        };
        assert_eq!(
            of("PatientBirthDateInAlternativeCalendar"),
            IdentifyingRole::Identity
        );
        assert_eq!(of("MultiFrameSourceSOPInstanceUID"), IdentifyingRole::Uid);
        assert_eq!(of("OverlayDescription"), IdentifyingRole::Text);
    }
}
