//! What the check tells: where a value stood and where it still stands.
//!
//! Owns the words. There is no way to put a value in.

use std::fmt;

use super::collect::Place;
use crate::error::{DeidError, DeidErrorKind};
use crate::standard;
use dicom_lossless::{ElementLocation, Tag};

/// A value that was removed or changed in one place and still stands in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The attribute that it was removed from, with the items that lead to it.
    pub removed_from: String,
    /// The attribute, or the text beside the data set, in which it still stands.
    pub stands_in: String,
    /// What to do about it.
    remedy: String,
}

impl Finding {
    pub(super) fn in_element(place: &Place, at: &ElementLocation<'_>) -> Self {
        let remedy = match at.tag.group() {
            0x0002 => "have the profile change the UID that the file is known by".to_owned(),
            _ => format!(
                "have the profile remove or clean {}",
                standard::name_of(at.tag)
            ),
        };
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: path(at.items, at.tag),
            remedy,
        }
    }

    pub(super) fn in_text(place: &Place, what: &str) -> Self {
        let remedy =
            format!("have the profile clean what {what} is made of, or choose another one");
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: what.to_owned(),
            remedy,
        }
    }

    /// The failure that it is, with so many others.
    pub(super) fn failure(&self, others: usize) -> DeidError {
        let more = match others {
            0 => String::new(),
            1 => ", and 1 more".to_owned(),
            n => format!(", and {n} more"),
        };
        DeidError::new(DeidErrorKind::IdentifierLeft, format!("{self}{more}"))
            .with_remedy(self.remedy.clone())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what stood in {} still stands in {}",
            self.removed_from, self.stands_in
        )
    }
}

/// The sequences that lead to an attribute, with the numbers of their items from 0, then its name.
fn path(items: &[(Tag, usize)], tag: Tag) -> String {
    let step = |tag: Tag| {
        standard::keyword(tag).map_or_else(
            || format!("{:04x}{:04x}", tag.group(), tag.element()),
            str::to_owned,
        )
    };
    let steps = items
        .iter()
        .map(|(sequence, index)| format!("{}.{index}.", step(*sequence)));
    steps.chain([standard::name_of(tag)]).collect()
}
