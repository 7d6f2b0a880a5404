//! What the header of a file says of its image, as it was read: for whether it may show text, and
//! which device made it.
//!
//! Owns reading values for these two. What cannot be read as text is as if it were not there, which
//! matches no entry.

use std::cell::OnceCell;

use super::super::act::effective_vr;
use crate::profile::{DeviceRegions, RequiredValue};
use crate::standard::burned_in;
use dicom_lossless::{
    CharacterSet, Element, Encoding, Instance, Tag, VR, character_set_of, values,
};

/// A header that is asked about its attributes.
pub(super) struct Header<'a> {
    instance: &'a Instance,
    /// Made when a value needs it first.
    charset: OnceCell<CharacterSet>,
}

impl<'a> Header<'a> {
    pub(super) fn of(instance: &'a Instance) -> Self {
        Self {
            instance,
            charset: OnceCell::new(),
        }
    }

    /// Why the image may show text, in a word of the table; none where nothing speaks for it.
    pub(super) fn risk(&self) -> Option<&'static str> {
        burned_in::risk(|tag| self.values(tag)).map(|rule| rule.reason)
    }

    /// Whether all that an entry wants holds.
    pub(super) fn fits(&self, region: &DeviceRegions) -> bool {
        region.when.iter().all(|one| {
            let found = self.values(one.tag);
            found.len() == one.values.len()
                && found
                    .iter()
                    .zip(&one.values)
                    .all(|(found, wanted)| equals(found, wanted))
        })
    }

    /// The values of an attribute of the outermost data set.
    fn values(&self, tag: Tag) -> Vec<String> {
        let Instance { header, tail, .. } = self.instance;
        let data = if header.get(tag).is_some() {
            header
        } else {
            tail
        };
        let Some(element) = data.get(tag) else {
            return Vec::new();
        };
        let charset = self
            .charset
            .get_or_init(|| character_set_of(header, &CharacterSet::default()));
        // The content of UN is little endian, whatever surrounds it (PS3.5 section 6.2.2).
        let encoding = if element.vr == VR::UN {
            Encoding::IMPLICIT_LITTLE
        } else {
            self.instance.syntax.encoding
        };
        values(
            &Element {
                vr: effective_vr(element, data),
                ..element.clone()
            },
            encoding,
            charset,
        )
    }
}

fn equals(found: &str, wanted: &RequiredValue) -> bool {
    match wanted {
        RequiredValue::Text(text) => found.trim_matches([' ', '\0']).to_lowercase() == *text,
        RequiredValue::Number(number) => found
            .trim_matches([' ', '\0'])
            .parse::<f64>()
            .is_ok_and(|found| found.total_cmp(number).is_eq()),
    }
}
