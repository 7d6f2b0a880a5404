//! The VR that a file declares for an attribute of the standard, compared with that of the
//! dictionary (PS3.6).
//!
//! Owns reading a value as what the dictionary says it is, and discarding one that cannot be read
//! so: every action that is made for the right VR would pass over what stands under a wrong one.

use bytes::Bytes;
use dicom_dictionary_std::tags::{
    BITS_ALLOCATED, BITS_STORED, COLUMNS, CONTENT_SEQUENCE, ENCAPSULATED_DOCUMENT, MODALITY,
    PHOTOMETRIC_INTERPRETATION, PIXEL_REPRESENTATION, ROWS, SAMPLES_PER_PIXEL, SOP_CLASS_UID,
    SOP_INSTANCE_UID,
};
use dicom_lossless::{DataSet, Element, Encoding, Limits, Tag, VR, Value, padded};

use super::actions::identifies_person_or_place;
use super::decisions::{Decisions, VrClass, is_binary};
use super::kept_values::{is_numbers, is_written_number};
use super::{
    BasicProfile, Changed, DataSetContext, EffectResult, InstanceCleaner, Removed, failure,
    put_dummy,
};
use crate::elements::element_value::item_sets;
use crate::elements::is_pixel_data;
use crate::error::DeidErrorKind;
use crate::standard;
use crate::standard::confidentiality::ActionCode;

/// The longest value of a VR whose length takes two bytes.
const LONGEST: usize = 0xFFFE;

/// Attributes without which a file is not what it was: its class, and what its pixels are read by.
const INDISPENSABLE: [Tag; 9] = [
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    SAMPLES_PER_PIXEL,
    PHOTOMETRIC_INTERPRETATION,
    ROWS,
    COLUMNS,
    BITS_ALLOCATED,
    BITS_STORED,
    PIXEL_REPRESENTATION,
];

impl BasicProfile {
    /// Reads every element of the standard as what the dictionary says it is, where it claims to be
    /// something else and can be read so. Gives the number of elements changed; what cannot be read
    /// so stays as it is, for [`InstanceCleaner::lose`].
    pub fn correct_vrs(&self, data: &mut DataSet, encoding: Encoding, limits: &Limits) -> u32 {
        if is_settled(data, &self.decisions) {
            0
        } else {
            settled(data, encoding, 0, limits, &self.decisions)
        }
    }
}

fn is_settled(data: &DataSet, decisions: &Decisions) -> bool {
    data.iter().all(|element| {
        decisions
            .of(element.tag, element.vr)
            .describes(element)
            && item_sets(element).all(|data| is_settled(data, decisions))
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
        if let Some(is) = answer
            .dictionary_vr
            .filter(|_| !answer.describes(element))
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
            return sequence
                .items
                .is_empty()
                .then(|| empty_element(tag, is, encoding));
        }
        Value::Fragments(_) if is == VR::SQ => return element.reopened(encoding, depth, limits),
        Value::Fragments(_) => return None,
        Value::Bytes(bytes) if bytes.is_empty() => return Some(empty_element(tag, is, encoding)),
        Value::Bytes(bytes) => bytes,
    };
    let (kind, claimed) = (VrClass::of(is), VrClass::of(element.vr));
    let vr = match kind {
        VrClass::Items => return element.reopened(encoding, depth, limits),
        VrClass::Bulk => return None,
        VrClass::Numbers if !is_binary(is) => is,
        // A number in words under a VR of words: DS says what it is.
        VrClass::Numbers if claimed != VrClass::Bulk && is_written_number(bytes) => VR::DS,
        VrClass::Numbers => is_numbers(tag, is, bytes, encoding).then_some(is)?,
        VrClass::Words | VrClass::Form(_) => is,
    };
    let fits_in = bytes.len() <= LONGEST || matches!(vr, VR::UC | VR::UR | VR::UT);
    fits_in.then(|| Element::new(tag, vr, bytes.clone()))
}

/// The element without a value.
fn empty_element(tag: Tag, is: VR, encoding: Encoding) -> Element {
    if is == VR::SQ {
        Element::sequence(tag, Vec::new(), encoding)
    } else {
        Element::new(tag, is, Bytes::new())
    }
}

impl InstanceCleaner<'_> {
    /// Does away with a value that is not what its attribute holds: as the Basic Profile would
    /// where the table lists the attribute, else by its Type. `is` is the VR that is written where
    /// something has to stand. The file fails where it cannot do without the value.
    pub fn discard_invalid(
        &mut self,
        element: &mut Element,
        is: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let tag = element.tag;
        if is_pixel_data(tag) || (context.at.is_empty() && INDISPENSABLE.contains(&tag)) {
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
        let code = self.resolved(taking.unwrap_or(ActionCode::RemoveOrZero), tag, context);
        if code == ActionCode::Remove {
            return Ok(Removed);
        }
        *element = empty_element(tag, is, context.encoding);
        if self
            .pseudonym(element, context)
            .is_some()
        {
            return Ok(Changed);
        }
        match (code, tag) {
            (_, MODALITY) => element.value = Value::Bytes(padded(VR::CS, b"OT".to_vec())),
            (ActionCode::Dummy, ENCAPSULATED_DOCUMENT) => {
                element.value = Value::Bytes(Bytes::from_static(&[0, 0]));
                self.apply_action(element, is, code, context)?;
            }
            (ActionCode::Dummy, CONTENT_SEQUENCE) => {
                self.dummy_content(element, context)?;
            }
            (ActionCode::Dummy, _) if is != VR::SQ => {
                put_dummy(element, is);
            }
            // One item with the dummies that the table has for it; none where it has none.
            (ActionCode::Dummy, _) if identifies_person_or_place(tag) => {
                self.dummy_items(element, context)?;
            }
            _ => {}
        }
        Ok(Changed)
    }
}
