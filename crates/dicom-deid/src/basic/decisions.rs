//! What the table says of an attribute, and whether its VR is one that it may have (PS3.6).
//!
//! Owns which VRs may stand for one another. It changes no element.

use dicom_lossless::{Element, Tag, VR, Value};

use crate::elements::attribute_table::AttributeTable;
use crate::elements::is_pixel_data;
use crate::profile::{AttributeDecision, Confidentiality};
use crate::standard;

/// What is known of an attribute under the VR that a file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeAnswer {
    /// What is to be done with it.
    pub decision: AttributeDecision,
    /// The VR of the dictionary; none for private attributes, unknown ones and group lengths.
    pub dictionary_vr: Option<VR>,
    /// Whether a value under the VR of the file can be taken for one under that of the dictionary.
    pub fits: bool,
}

impl AttributeAnswer {
    /// Whether an element is what the dictionary says, by its VR and by the form of its value.
    pub fn describes(self, element: &Element) -> bool {
        let Some(is) = self.dictionary_vr else {
            return true;
        };
        match &element.value {
            Value::Bytes(bytes) if is == VR::SQ => bytes.is_empty() && self.fits,
            Value::Bytes(_) => self.fits,
            Value::Items(_) => is == VR::SQ && self.fits,
            // Pixel data alone may be encapsulated (PS3.5 annex A.4).
            Value::Fragments(_) => is_pixel_data(element.tag) && self.fits,
        }
    }
}

/// Any private attribute: the table has one row for all of them.
const PRIVATE: Tag = Tag(0x0009, 0x1001);

/// The decisions of one profile.
pub struct Decisions {
    settings: Confidentiality,
    known: AttributeTable<AttributeAnswer>,
    private: AttributeAnswer,
}

impl Decisions {
    pub fn new(settings: &Confidentiality) -> Self {
        Self {
            settings: settings.clone(),
            known: AttributeTable::new(),
            private: answer(settings, PRIVATE, VR::UN),
        }
    }

    /// What is known of an attribute under this VR.
    #[inline]
    pub fn of(&self, tag: Tag, vr: VR) -> AttributeAnswer {
        if standard::is_private(tag) {
            return self.private;
        }
        self.known
            .get(tag, vr, || answer(&self.settings, tag, vr))
    }
}

#[cold]
fn answer(settings: &Confidentiality, tag: Tag, vr: VR) -> AttributeAnswer {
    let is = vr_of(tag);
    // What an attribute is does not depend on the VR that a file gives it.
    let decision = settings.decide(tag, is.unwrap_or(vr));
    AttributeAnswer {
        decision,
        dictionary_vr: is,
        fits: is.is_none_or(|is| fits(is, vr)),
    }
}

/// VRs of which one can be read as another without anything being lost on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum VrClass {
    Items,
    /// Numbers, in binary or in words.
    Numbers,
    Bulk,
    /// Free text: LO of an older edition is UC or LT of a newer one.
    Words,
    /// A form of its own.
    Form(VR),
}

impl VrClass {
    pub fn of(vr: VR) -> Self {
        match vr {
            VR::SQ => Self::Items,
            VR::DS | VR::IS => Self::Numbers,
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW => Self::Bulk,
            VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT => Self::Words,
            vr if is_binary(vr) => Self::Numbers,
            vr => Self::Form(vr),
        }
    }
}

/// Whether the VR holds numbers in binary.
pub fn is_binary(vr: VR) -> bool {
    use VR::{AT, FD, FL, SL, SS, SV, UL, US, UV};
    matches!(vr, AT | FD | FL | SL | SS | SV | UL | US | UV)
}

/// The VR of the dictionary; none for private attributes, unknown ones and group lengths, which are
/// not written.
pub fn vr_of(tag: Tag) -> Option<VR> {
    standard::vr(tag).filter(|_| !standard::is_private(tag) && tag.element() != 0)
}

/// Whether a value under the claimed VR can be taken for one of the dictionary's VR. UN claims
/// nothing; a number is one in binary and in words, and tables of 16-bit numbers are US or OW.
fn fits(is: VR, claimed: VR) -> bool {
    let (is_kind, claimed_kind) = (VrClass::of(is), VrClass::of(claimed));
    claimed == VR::UN || is_kind == claimed_kind || (is_kind == VrClass::Bulk && is_binary(claimed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile;

    #[test]
    fn all_private_attributes_share_one_answer() {
        for name in profile::builtin_names() {
            let settings = profile::load(name)
                .ok()
                .and_then(|profile| profile.dicom.confidentiality)
                .unwrap_or_default();
            let decisions = Decisions::new(&settings);
            for group in (0x0001..=0xFFFF).step_by(2) {
                for (element, vr) in [(0x0000, VR::UL), (0x0010, VR::LO), (0x1002, VR::SQ)] {
                    let tag = Tag(group, element);
                    assert_eq!(decisions.of(tag, vr), answer(&settings, tag, vr), "{tag}");
                }
            }
        }
    }
}
