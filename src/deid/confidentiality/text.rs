//! Texts that are cleaned: words that are known safe stay, nothing else does.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;

use super::act::put_text;
use super::{Place, Stays, Work};
use crate::deid::identifiers::Identifiers;
use crate::deid::{descriptors, dummy, temporal, text::separate};
use crate::dicom::{DataSet, Element, Tag, VR, Value};
use crate::failure::FileFailure;
use crate::profile::{has_character_set, is_text};
use crate::standard;

/// Code Meaning.
pub(super) const CODE_MEANING: Tag = Tag(0x0008, 0x0104);
/// Coding Scheme Designator.
pub(super) const SCHEME: Tag = Tag(0x0008, 0x0102);
/// Coding schemes that are published, so that a code says no more than its meaning (PS3.16 section 8).
const PUBLISHED: [&[u8]; 16] = [
    b"DCM", b"SCT", b"SRT", b"SNM3", b"LN", b"UCUM", b"FMA", b"RADLEX", b"MA", b"NCIt", b"UMLS", b"I10", b"I9C", b"ICD10",
    b"RXNORM", b"BI",
];

/// Whether a data set is a code of a published scheme.
pub(super) fn is_of_known_scheme(data: &DataSet) -> bool {
    let scheme = data.get(SCHEME).and_then(Element::bytes);
    scheme.is_some_and(|bytes| PUBLISHED.contains(&bytes.trim_ascii_end()))
}

/// Whether the designator of a local coding scheme, which begins with 99 (PS3.16 section 8.2), has a name behind it that is no
/// word of the field: mostly that of the site.
pub(super) fn names_somebody(designator: &Element) -> bool {
    let text = designator.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).map(|text| text.trim_matches([' ', '\0']));
    let local = text.and_then(|text| text.strip_prefix("99"));
    local.is_some_and(|name| name != "LOCAL" && !standard::is_known_word(&name.to_ascii_lowercase()))
}

thread_local! {
    /// What came of the texts of the last patient: the instances of a series say the same over and over.
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
    /// Keeps of a text what is known safe. Where that is nothing, the element is treated as without the option that let it
    /// stay; one that the table does not list gets a dummy, which no IOD minds.
    pub(super) fn clean_text(&mut self, element: &mut Element, vr: VR, place: Place<'_>) -> Result<Stays, FileFailure> {
        let Some(bytes) = element.bytes().filter(|_| is_text(vr)) else { return self.fall_back(element, vr, place) };
        if bytes.iter().all(|byte| matches!(byte, b' ' | 0)) {
            return Ok(Stays::Same);
        }
        let text = if has_character_set(vr) {
            place.charset.decode(bytes, vr == VR::PN)
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        let values = separate(&text, vr);
        let cleaned: Vec<String> = values.iter().map(|value| cleaned(value, &self.own)).collect();
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

    fn nothing_left(&mut self, element: &mut Element, vr: VR, place: Place<'_>) -> Result<Stays, FileFailure> {
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
