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

/// An attribute of the dictionary that Table E.1-1 passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindSpot {
    /// The attributes that the row is about.
    pub covers: TagPattern,
    /// Its keyword.
    pub keyword: String,
    /// What it may disclose.
    pub concern: Concern,
}

/// What an attribute may disclose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
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

/// The attributes of some concern, in tag order. Codes and structure, of no concern, are left out.
pub fn blind_spots() -> &'static [BlindSpot] {
    static ROWS: LazyLock<Vec<BlindSpot>> = LazyLock::new(|| {
        rows(TABLE, |row| {
            Some(BlindSpot {
                covers: row.get("tag")?,
                keyword: row.get("keyword")?,
                concern: row.get("concern")?,
            })
        })
    });
    &ROWS
}

/// The row that covers an attribute, where it is of some concern.
pub fn blind_spot(tag: Tag) -> Option<&'static BlindSpot> {
    static BY_TAG: LazyLock<HashMap<Tag, &'static BlindSpot>> = LazyLock::new(|| {
        let spots = blind_spots().iter();
        spots
            .map(|spot| (representative(spot.covers), spot))
            .collect()
    });
    BY_TAG.get(&first_of_group(tag)).copied()
}

/// Whether the list says that an attribute is a code or structure and of no concern.
pub fn is_of_no_concern(tag: Tag) -> bool {
    static TAGS: LazyLock<HashSet<Tag>> =
        LazyLock::new(|| of_no_concern(|_| true).into_iter().collect());
    TAGS.contains(&first_of_group(tag))
}

/// The attributes of no concern whose VR is for text, in tag order: what equipment writes there,
/// people could have typed.
pub fn texts_of_no_concern() -> Vec<Tag> {
    of_no_concern(|kind| kind == "text")
}

fn of_no_concern(wanted: impl Fn(&str) -> bool) -> Vec<Tag> {
    rows(TABLE, |row| {
        let none = row.text("concern") == Some("none") && row.text("kind").is_some_and(&wanted);
        none.then(|| row.get("tag").map(representative)).flatten()
    })
}

/// One tag that stands for all that a row covers.
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
        let of_none = TABLE.lines().filter(|line| line.ends_with(",none")).count();
        assert_eq!(blind_spots().len() + of_none, 535);
    }

    #[test]
    fn table_e_1_1_names_none_of_them_but_curves() {
        for spot in blind_spots() {
            if let TagPattern::One(tag) = spot.covers {
                assert_eq!(attribute(tag), None, "{}", spot.keyword);
                assert_eq!(keyword(tag), Some(spot.keyword.as_str()));
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
                blind_spots().iter().all(|spot| spot.keyword != must_stay),
                "{must_stay}"
            );
        }
        let of = |keyword: &str| {
            blind_spots()
                .iter()
                .find(|spot| spot.keyword == keyword)
                .unwrap()
                .concern
        };
        assert_eq!(
            of("PatientBirthDateInAlternativeCalendar"),
            Concern::Identity
        );
        assert_eq!(of("MultiFrameSourceSOPInstanceUID"), Concern::Uid);
        assert_eq!(of("OverlayDescription"), Concern::Text);
    }
}
