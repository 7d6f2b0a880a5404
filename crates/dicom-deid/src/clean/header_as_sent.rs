//! The header of an instance as it is sent, for labels and metadata that are made from it.
//!
//! Only a cleaner makes one, or the consent that nothing is cleaned: what reads it cannot reach a
//! value that cleaning removed.

use std::fmt;

use dicom_lossless::{CharacterSet, DataSet, Encoding, Tag, VR, character_set_of, values};

use crate::basic::dummy::is_dummy_date;

/// A header after cleaning. Its values may identify all the same, and are never printed for
/// debugging.
#[derive(Clone)]
pub struct HeaderAsSent {
    data: DataSet,
    encoding: Encoding,
    charset: CharacterSet,
}

impl fmt::Debug for HeaderAsSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderAsSent(..)")
    }
}

impl HeaderAsSent {
    pub(super) fn of(data: &DataSet, encoding: Encoding) -> Self {
        Self {
            data: data.clone(),
            encoding,
            charset: character_set_of(data, &CharacterSet::default()),
        }
    }

    /// The values of an element outside of sequences, decoded, without padding; none where it is
    /// absent, empty, or a date that only stands for one.
    pub fn values(&self, tag: Tag) -> Vec<String> {
        let Some(element) = self.data.get(tag) else {
            return Vec::new();
        };
        let mut values = values(element, self.encoding, &self.charset);
        if matches!(element.vr, VR::DA | VR::DT) {
            values.retain(|value| !is_dummy_date(value.get(..8).unwrap_or(value)));
        }
        values
    }
}
