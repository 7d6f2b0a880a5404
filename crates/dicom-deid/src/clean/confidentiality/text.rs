//! Texts that are cleaned: words that are known safe stay, nothing else does.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;

use super::act::put_text;
use super::{Place, Stays, Work, legible};
use crate::clean::identifiers::Identifiers;
use crate::clean::{descriptors, dummy, temporal, text::separate};
use crate::error::DeidError;
use crate::profile::{has_character_set, is_text};
use crate::standard;
use dicom_lossless::{Element, VR, Value};

thread_local! {
    /// What came of the texts of the last patient: the instances of a series say the same over and
    /// over.
    static LAST: RefCell<(Identifiers, HashMap<String, String>)> = RefCell::default();
}

/// So many texts are remembered.
const REMEMBERED: usize = 512;

/// What is known safe of one value.
pub(super) fn cleaned(value: &str, own: &Identifiers) -> String {
    LAST.with_borrow_mut(|(of, texts)| {
        if of != own || texts.len() >= REMEMBERED {
            *of = own.clone();
            texts.clear();
        }
        if let Some(known) = texts.get(value) {
            return known.clone();
        }
        let new = descriptors::clean(value, own, &temporal::in_text(value)).into_owned();
        texts.insert(value.to_owned(), new.clone());
        new
    })
}

impl Work<'_> {
    /// Keeps of a text what is known safe. Where that is nothing, the element is treated as without
    /// the option that let it stay; one that the table does not list gets a dummy, which no IOD
    /// minds.
    pub(super) fn clean_text(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let Some(bytes) = element.bytes().filter(|_| is_text(vr)) else {
            return self.fall_back(element, vr, place);
        };
        if bytes.iter().all(|byte| matches!(byte, b' ' | 0)) {
            return Ok(Stays::Same);
        }
        let text = legible::decoded(bytes, has_character_set(vr).then_some(place.charset));
        let values = separate(&text, vr);
        let cleaned: Vec<String> = values
            .iter()
            .map(|value| cleaned(value, &self.own))
            .collect();
        if cleaned.iter().all(|value| value.trim().is_empty()) {
            return self.nothing_left(element, vr, place);
        }
        if values.iter().zip(&cleaned).all(|(old, new)| old == new) {
            return Ok(Stays::Same);
        }
        match Element::with_text(element.tag, element.vr, &cleaned.join("\\"), place.charset) {
            Ok(new) => {
                element.value = new.value;
                Ok(Stays::Changed)
            }
            Err(_) => self.nothing_left(element, vr, place),
        }
    }

    fn nothing_left(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if standard::attribute(element.tag).is_some() {
            return self.fall_back(element, vr, place);
        }
        match dummy::dummy(element.tag, vr) {
            Some(value) => {
                element.value = Value::Bytes(Bytes::from_static(value));
                Ok(Stays::Changed)
            }
            None => Ok(put_text(element, "")),
        }
    }
}
