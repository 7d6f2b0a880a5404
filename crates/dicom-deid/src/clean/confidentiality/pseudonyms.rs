//! Identifiers of things that have to be told apart: slides, specimens, lesions, parts of a plan.
//! Each becomes a keyed pseudonym, the same for the same identifier, wherever one dummy for all
//! would make two things one.

use super::act::put_text;
use super::{Place, Stays, Work};
use crate::profile::has_character_set;
use crate::standard;
use dicom_lossless::{Element, Tag, VR};

/// Container Identifier, Specimen Identifier and Tracking ID.
const THINGS: [Tag; 3] = [
    Tag(0x0040, 0x0512),
    Tag(0x0040, 0x0551),
    Tag(0x0062, 0x0020),
];
/// How keywords end that name what is referred to.
const ENDINGS: [&str; 4] = ["CodeValue", "ID", "Identifier", "Label"];

/// Whether the values of an attribute tell things apart, so that its dummies have to as well. Of
/// Table E.1-1, which asks for dummies itself, only those that are listed here do.
pub(super) fn tells_apart(tag: Tag, vr: VR) -> bool {
    let refers = |keyword: &str| ENDINGS.iter().any(|ending| keyword.ends_with(ending));
    matches!(vr, VR::LO | VR::SH | VR::ST | VR::UC | VR::UT)
        && (THINGS.contains(&tag)
            || standard::attribute(tag).is_none() && standard::keyword(tag).is_some_and(refers))
}

impl Work<'_> {
    /// Puts a keyed pseudonym in the place of each identifier; what is empty stays empty.
    pub(super) fn identifier(&self, element: &mut Element, vr: VR, place: Place<'_>) -> Stays {
        let Some(bytes) = element.bytes() else {
            return Stays::Gone;
        };
        let text = if has_character_set(vr) {
            place.charset.decode(bytes, false)
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        let values = crate::clean::text::separate(&text, vr);
        let new: Vec<String> = values
            .iter()
            .map(|value| self.for_identifier(value))
            .collect();
        put_text(element, &new.join("\\"))
    }

    fn for_identifier(&self, value: &str) -> String {
        match value.trim_matches([' ', '\0']) {
            "" => String::new(),
            identifier => format!("ID-{}", self.key.identifier(identifier)),
        }
    }
}
