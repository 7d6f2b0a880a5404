//! Where the attributes of a frame stand, and their values as numbers and words.
//!
//! Owns the order in which functional groups and the outermost data set are asked (PS3.3 section
//! C.7.6.16). It knows nothing of what an attribute means.

use dicom_dictionary_std::tags;
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Instance, Tag, VR, values};

/// A data set and how it is encoded.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    data: &'a DataSet,
    encoding: Encoding,
}

impl<'a> Group<'a> {
    /// The outermost data set, before the pixel data.
    pub fn outermost(instance: &'a Instance) -> Self {
        Self {
            data: &instance.header,
            encoding: instance.syntax.encoding,
        }
    }

    /// The data sets that may hold a functional group's attributes for a frame: that of the frame,
    /// that of all frames, and the outermost one.
    pub fn of_frame(instance: &'a Instance, frame: u32, macro_sequence: Tag) -> Vec<Self> {
        let outermost = Self::outermost(instance);
        let number = usize::try_from(frame).unwrap_or(usize::MAX);
        let of_this = outermost.item(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, number);
        let of_all = outermost.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
        [of_this, of_all]
            .into_iter()
            .flatten()
            .filter_map(|group| group.item(macro_sequence, 0))
            .chain([outermost])
            .collect()
    }

    /// An item of a sequence, from 0.
    pub fn item(self, sequence: Tag, number: usize) -> Option<Self> {
        let sequence = self.data.get(sequence)?.items()?;
        Some(Self {
            data: &sequence.items.get(number)?.data,
            encoding: sequence.encoding,
        })
    }

    /// Whether VRs are stated, so that US and SS can be told apart.
    pub fn states_vrs(self) -> bool {
        self.encoding.explicit
    }

    pub fn element(self, tag: Tag) -> Option<&'a Element> {
        self.data.get(tag)
    }

    /// The first value as a number, where it is one.
    pub fn number(self, tag: Tag) -> Option<f64> {
        let element = self
            .element(tag)
            .filter(|element| is_short(element))?;
        values(element, self.encoding, &CharacterSet::default())
            .first()?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// The first value as a defined term.
    pub fn term(self, tag: Tag) -> Option<String> {
        let element = self
            .element(tag)
            .filter(|element| is_short(element))?;
        values(element, self.encoding, &CharacterSet::default())
            .into_iter()
            .next()
    }

    /// The value as words of two bytes.
    pub fn words(self, tag: Tag) -> Vec<u16> {
        let bytes = self.bytes(tag);
        bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|two| self.encoding.u16(*two))
            .collect()
    }

    /// The value as it stands.
    pub fn bytes(self, tag: Tag) -> &'a [u8] {
        self.element(tag)
            .and_then(Element::bytes)
            .map(AsRef::as_ref)
            .unwrap_or_default()
    }

    pub fn has_vr(self, tag: Tag, vr: VR) -> bool {
        self.element(tag)
            .is_some_and(|element| element.vr == vr)
    }
}

/// Whether a value is as short as numbers and terms are, so that all of it may be read.
fn is_short(element: &Element) -> bool {
    element
        .bytes()
        .is_some_and(|bytes| bytes.len() <= 1024)
}
