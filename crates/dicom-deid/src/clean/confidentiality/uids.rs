//! New UIDs for those that are an instance's, wherever they stand; registered ones never change.

use super::{Place, Stays, Work};
use crate::clean::uid_text;
use crate::profile::{has_character_set, is_text};
use crate::standard;
use dicom_lossless::{DataSet, Element, Tag, VR, Value, padded};

/// SOP Class UID of a data set.
pub(super) fn sop_class(data: &DataSet) -> Option<String> {
    let bytes = data.get(Tag(0x0008, 0x0016))?.bytes()?;
    Some(String::from_utf8_lossy(uid_text::before_nul(bytes)).into_owned())
}

impl Work<'_> {
    /// Replaces each UID of an element. What is no UID is replaced too: it identifies as well as
    /// one.
    pub(super) fn new_uids(&self, element: &mut Element) -> Stays {
        let Some(bytes) = element.bytes() else {
            return Stays::Gone;
        };
        if bytes.iter().all(|byte| matches!(byte, 0 | b' ')) {
            return Stays::Same;
        }
        let mut new = Vec::with_capacity(46);
        for (index, value) in bytes.split(|byte| *byte == b'\\').enumerate() {
            if index > 0 {
                new.push(b'\\');
            }
            let uid = uid_text::before_nul(value);
            match std::str::from_utf8(uid) {
                Ok(text) if uid.is_empty() || standard::is_registered_uid(text) => {
                    new.extend_from_slice(uid);
                }
                _ => new.extend_from_slice(self.key.uid(uid).as_bytes()),
            }
        }
        let new = Value::Bytes(padded(VR::UI, new));
        if element.value == new {
            return Stays::Same;
        }
        element.value = new;
        Stays::Changed
    }

    /// Replaces the UIDs of instances inside a text that stays.
    pub(super) fn uids_in_text(&self, element: &mut Element, vr: VR, place: Place<'_>) -> Stays {
        let Some(bytes) = element.bytes().filter(|bytes| {
            is_text(vr) && bytes.len() > 11 && memchr::memchr(b'.', bytes).is_some()
        }) else {
            return Stays::Same;
        };
        let text = if has_character_set(vr) {
            place.charset.decode(bytes, vr == VR::PN)
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        let Some(new) = self.with_new_uids(&text) else {
            return Stays::Same;
        };
        match Element::with_text(
            element.tag,
            element.vr,
            new.trim_end_matches([' ', '\0']),
            place.charset,
        ) {
            Ok(new) => {
                element.value = new.value;
                Stays::Changed
            }
            // Text that cannot be written again as it was read is not kept.
            Err(_) => Stays::Gone,
        }
    }

    /// The text with new UIDs, if there are UIDs of instances in it.
    pub(super) fn with_new_uids(&self, text: &str) -> Option<String> {
        let mut new = String::new();
        let mut from = 0;
        for range in uid_text::uids_in_text(text) {
            let uid = text.get(range.clone())?;
            if !standard::is_registered_uid(uid) {
                new.push_str(text.get(from..range.start)?);
                new.push_str(&self.key.uid(uid.as_bytes()));
                from = range.end;
            }
        }
        if from == 0 {
            return None;
        }
        new.push_str(text.get(from..)?);
        Some(new)
    }
}
