//! The VR that a file claims for an attribute of the standard, held against that of the dictionary
//! (PS3.6).
//!
//! Owns which claims are harmless, reading a value as what the dictionary says it is, and doing
//! away with one that cannot be read so: what stands under a wrong VR is passed over by every
//! action that is made for the right one.

use bytes::Bytes;

use super::act::stands_for_someone;
use super::decisions::{Answer, Decisions};
use super::kept::{is_numbers, is_written_number};
use super::{Engine, Place, Stays, Work, failure};
use crate::clean::dummy;
use crate::error::{DeidError, DeidErrorKind};
use crate::standard;
use crate::standard::confidentiality::ActionCode;
use dicom_lossless::{DataSet, Element, Encoding, Limits, Tag, VR, Value, padded};

/// The longest value of a VR whose length takes two bytes.
const LONGEST: usize = 0xFFFE;
const MODALITY: Tag = Tag(0x0008, 0x0060);
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
const CONTENT: Tag = Tag(0x0040, 0xA730);

/// Attributes without which a file is not what it was: its class, and what its pixels are read by.
const INDISPENSABLE: [Tag; 9] = [
    Tag(0x0008, 0x0016),
    Tag(0x0008, 0x0018),
    Tag(0x0028, 0x0002),
    Tag(0x0028, 0x0004),
    Tag(0x0028, 0x0010),
    Tag(0x0028, 0x0011),
    Tag(0x0028, 0x0100),
    Tag(0x0028, 0x0101),
    Tag(0x0028, 0x0103),
];

/// VRs of which one can be read as another without anything being lost on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Items,
    /// Numbers, in binary or in words.
    Numbers,
    Bulk,
    /// Words of people: LO of an older edition is UC or LT of a newer one.
    Words,
    /// A form of its own.
    Form(VR),
}

impl Kind {
    fn of(vr: VR) -> Self {
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
pub(super) fn is_binary(vr: VR) -> bool {
    use VR::{AT, FD, FL, SL, SS, SV, UL, US, UV};
    matches!(vr, AT | FD | FL | SL | SS | SV | UL | US | UV)
}

/// The VR of the dictionary; none for private attributes, unknown ones and group lengths, which are
/// not written.
pub(super) fn vr_of(tag: Tag) -> Option<VR> {
    standard::vr(tag).filter(|_| !standard::is_private(tag) && tag.element() != 0)
}

/// Whether a value under the claimed VR can be taken for one of the dictionary's VR. UN claims
/// nothing; a number is one in binary and in words, and tables of 16-bit numbers are US or OW.
pub(super) fn fits(is: VR, claimed: VR) -> bool {
    let (is_kind, claimed_kind) = (Kind::of(is), Kind::of(claimed));
    claimed == VR::UN || is_kind == claimed_kind || (is_kind == Kind::Bulk && is_binary(claimed))
}

/// Whether an element is what the dictionary says, by its VR and by the form of its value.
pub(super) fn stands(element: &Element, answer: Answer) -> bool {
    let Some(is) = answer.is else { return true };
    match &element.value {
        Value::Bytes(bytes) if is == VR::SQ => bytes.is_empty() && answer.fits,
        Value::Bytes(_) => answer.fits,
        Value::Items(_) => is == VR::SQ && answer.fits,
        // Pixel data alone may be encapsulated (PS3.5 annex A.4).
        Value::Fragments(_) => is_pixel_data(element.tag) && answer.fits,
    }
}

fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008..=0x0010))
}

impl Engine {
    /// Reads every element of the standard as what the dictionary says it is, where it claims to be
    /// something else and can be read so. Gives the number of elements changed; what cannot be read
    /// so stays as it is, for [`Work::lose`].
    pub(in crate::clean) fn settle(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        limits: &Limits,
    ) -> u32 {
        if is_settled(data, &self.decisions) {
            0
        } else {
            settled(data, encoding, 0, limits, &self.decisions)
        }
    }
}

fn is_settled(data: &DataSet, decisions: &Decisions) -> bool {
    data.iter().all(|element| {
        stands(element, decisions.of(element.tag, element.vr))
            && element.items().is_none_or(|sequence| {
                sequence
                    .items
                    .iter()
                    .all(|item| is_settled(&item.data, decisions))
            })
    })
}

fn settled(
    data: &mut DataSet,
    encoding: Encoding,
    depth: usize,
    limits: &Limits,
    decisions: &Decisions,
) -> u32 {
    let mut changed = 0;
    for element in data.iter_mut() {
        let answer = decisions.of(element.tag, element.vr);
        if let Some(is) = answer.is.filter(|_| !stands(element, answer))
            && let Some(read) = read_as(element, is, encoding, depth, limits)
        {
            *element = read;
            changed += 1;
        }
        if let Some(sequence) = element.items_mut() {
            let inside = sequence.encoding;
            for item in &mut sequence.items {
                changed += settled(&mut item.data, inside, depth + 1, limits, decisions);
            }
        }
    }
    changed
}

/// The element as its dictionary VR says; none where it cannot be read so.
fn read_as(
    element: &Element,
    is: VR,
    encoding: Encoding,
    depth: usize,
    limits: &Limits,
) -> Option<Element> {
    let tag = element.tag;
    let bytes = match &element.value {
        Value::Items(sequence) => {
            return sequence.items.is_empty().then(|| empty(tag, is, encoding));
        }
        Value::Fragments(_) if is == VR::SQ => return element.reopened(encoding, depth, limits),
        Value::Fragments(_) => return None,
        Value::Bytes(bytes) if bytes.is_empty() => return Some(empty(tag, is, encoding)),
        Value::Bytes(bytes) => bytes,
    };
    let (kind, claimed) = (Kind::of(is), Kind::of(element.vr));
    let vr = match kind {
        Kind::Items => return element.reopened(encoding, depth, limits),
        Kind::Bulk => return None,
        Kind::Numbers if !is_binary(is) => is,
        // A number in words under a VR of words: DS says what it is.
        Kind::Numbers if claimed != Kind::Bulk && is_written_number(bytes) => VR::DS,
        Kind::Numbers => is_numbers(tag, is, bytes, encoding).then_some(is)?,
        Kind::Words | Kind::Form(_) => is,
    };
    let fits_in = bytes.len() <= LONGEST || matches!(vr, VR::UC | VR::UR | VR::UT);
    fits_in.then(|| Element::new(tag, vr, bytes.clone()))
}

/// The element without a value.
fn empty(tag: Tag, is: VR, encoding: Encoding) -> Element {
    if is == VR::SQ {
        Element::sequence(tag, Vec::new(), encoding)
    } else {
        Element::new(tag, is, Bytes::new())
    }
}

impl Work<'_> {
    /// Does away with a value that is not what its attribute holds: as the Basic Profile would
    /// where the table lists the attribute, else by its Type. `is` is the VR that is written where
    /// something has to stand. The file fails where it cannot do without the value.
    pub(super) fn lose(
        &mut self,
        element: &mut Element,
        is: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let tag = element.tag;
        if is_pixel_data(tag) || (place.at.is_empty() && INDISPENSABLE.contains(&tag)) {
            return Err(failure(
                DeidErrorKind::Value,
                tag,
                "the value is not what the attribute holds",
            ));
        }
        let basic = standard::attribute(tag).map(|row| row.basic);
        // References that cannot be read have no UIDs to map.
        let taking =
            basic.filter(|code| !matches!(code, ActionCode::Uid | ActionCode::RemoveOrZeroOrUids));
        let code = self.resolved(taking.unwrap_or(ActionCode::RemoveOrZero), tag, place);
        if code == ActionCode::Remove {
            return Ok(Stays::Gone);
        }
        *element = empty(tag, is, place.encoding);
        if self.pseudonym(element, place).is_some() {
            return Ok(Stays::Changed);
        }
        match (code, tag) {
            (_, MODALITY) => element.value = Value::Bytes(padded(VR::CS, b"OT".to_vec())),
            (ActionCode::Dummy, DOCUMENT) => {
                element.value = Value::Bytes(Bytes::from_static(&[0, 0]));
                self.do_plainly(element, is, code, place)?;
            }
            (ActionCode::Dummy, CONTENT) => {
                self.dummy_content(element, place)?;
            }
            (ActionCode::Dummy, _) => match dummy::dummy(tag, is) {
                _ if is == VR::SQ => self.dummy_of_sequence(element, place)?,
                Some(value) => element.value = Value::Bytes(Bytes::from_static(value)),
                None => {}
            },
            _ => {}
        }
        Ok(Stays::Changed)
    }

    /// One item with the dummies that the table has for it; none where it has none.
    fn dummy_of_sequence(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
    ) -> Result<(), DeidError> {
        if stands_for_someone(element.tag) {
            *element = Element::sequence(element.tag, vec![DataSet::new()], place.encoding);
            self.dummy_items(element, place)?;
        }
        Ok(())
    }
}
