//! What the table says of an attribute, and whether its VR is one that it may have (PS3.6),
//! remembered: the instances of a study raise the same few hundred questions over and over.
//!
//! Owns which VRs may stand for one another. It changes no element.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use dicom_lossless::{Element, Tag, VR, Value};

use crate::clean::compiled_action::is_pixel_data;
use crate::profile::{AttributeDecision, Confidentiality};
use crate::standard;

const SLOTS: usize = 4096;

/// Of which profile, tag and VR, and what.
type Remembered = Option<(u32, u32, VR, AttributeAnswer)>;

thread_local! {
    /// The last answers, by the tag's hash.
    static RECENT: [Cell<Remembered>; SLOTS] = const { [const { Cell::new(None) }; SLOTS] };
}

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

/// The decisions of one profile.
pub struct Decisions {
    settings: Confidentiality,
    /// Distinguishes the answers of several profiles in one process.
    number: u32,
}

impl Decisions {
    pub fn new(settings: &Confidentiality) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self {
            settings: settings.clone(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// What is known of an attribute under this VR.
    #[inline]
    pub fn of(&self, tag: Tag, vr: VR) -> AttributeAnswer {
        let key = u32::from(tag.group()) << 16 | u32::from(tag.element());
        // The top bits of a product with an odd constant spread neighbouring tags (Fibonacci
        // hashing).
        let slot = key.wrapping_mul(0x9E37_79B1) as usize >> 20;
        RECENT.with(|recent| {
            let Some(cell) = recent.get(slot) else {
                return self.answer(tag, vr);
            };
            if let Some((number, known, of, answer)) = cell.get()
                && (number, known, of) == (self.number, key, vr)
            {
                return answer;
            }
            let answer = self.answer(tag, vr);
            cell.set(Some((self.number, key, vr, answer)));
            answer
        })
    }

    #[cold]
    fn answer(&self, tag: Tag, vr: VR) -> AttributeAnswer {
        let is = vr_of(tag);
        // What an attribute is does not depend on the VR that a file gives it.
        let decision = self
            .settings
            .decide(tag, is.unwrap_or(vr));
        AttributeAnswer {
            decision,
            dictionary_vr: is,
            fits: is.is_none_or(|is| fits(is, vr)),
        }
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
