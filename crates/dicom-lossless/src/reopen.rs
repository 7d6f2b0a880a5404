//! Items in a value that is not called a sequence: some writers label one OB, LO or UN, and its
//! items stay shut.
//!
//! Owns opening them. What cannot be walked to its end is no sequence: nothing is guessed.

use bytes::Bytes;

use super::dataset::{DataSet, Element, Encoding, Value};
use super::visit::UNDEFINED;
use super::{Limits, VR};

impl Element {
    /// The same element as a sequence, where its value is one: items, explicit or implicit, with or
    /// without a delimiter at the end. `around` is how the data set that holds it is encoded;
    /// `depth` is how many sequences that lies in. None where the value is something else, or is
    /// encoded as no sequence can be in such a data set.
    pub fn reopened(&self, around: Encoding, depth: usize, limits: &Limits) -> Option<Self> {
        let (Value::Bytes(value) | Value::Fragments(value)) = &self.value else {
            return None;
        };
        let limits = Limits {
            depth: limits.depth.checked_sub(depth)?,
            ..*limits
        };
        let forms = [
            (around, false),
            (around, true),
            (Encoding::IMPLICIT_LITTLE, false),
            (Encoding::IMPLICIT_LITTLE, true),
        ];
        let forms = forms
            .into_iter()
            .take(if around.big_endian { 4 } else { 2 });
        let sequence = forms
            .into_iter()
            .find_map(|(encoding, delimited)| self.read_as(value, encoding, delimited, &limits))?;
        let inside = sequence.items()?.encoding;
        // Implicit items in an explicit data set are what UN is for (PS3.5 section 6.2.2).
        let vr = match inside {
            _ if inside == around => VR::SQ,
            Encoding::IMPLICIT_LITTLE => VR::UN,
            _ => return None,
        };
        Some(Self { vr, ..sequence })
    }

    /// Reads a value behind the header that a sequence would have.
    fn read_as(
        &self,
        value: &Bytes,
        encoding: Encoding,
        delimited: bool,
        limits: &Limits,
    ) -> Option<Self> {
        let length = if delimited {
            UNDEFINED
        } else {
            u32::try_from(value.len()).ok()?
        };
        let mut bytes = Vec::with_capacity(value.len() + 12);
        bytes.extend_from_slice(&encoding.put_u16(self.tag.group()));
        bytes.extend_from_slice(&encoding.put_u16(self.tag.element()));
        if encoding.explicit {
            bytes.extend_from_slice(b"SQ\0\0");
        }
        bytes.extend_from_slice(&encoding.put_u32(length));
        bytes.extend_from_slice(value);
        let read = DataSet::from_bytes(&Bytes::from(bytes), encoding, limits).ok()?;
        let mut elements = read.into_elements();
        let element = elements.pop()?;
        (elements.is_empty() && element.tag == self.tag && element.items().is_some())
            .then_some(element)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::{Tag, padded};

    const IMAGES: Tag = Tag(0x0008, 0x1140);
    const BIG: Encoding = Encoding {
        explicit: true,
        big_endian: true,
    };

    fn item(encoding: Encoding) -> Vec<u8> {
        let name = DataSet::from_elements(vec![Element::new(
            Tag(0x10, 0x10),
            VR::PN,
            padded(VR::PN, b"Doe^Jane".to_vec()),
        )]);
        let sequence =
            DataSet::from_elements(vec![Element::sequence(IMAGES, vec![name], encoding)]);
        let bytes = sequence
            .to_bytes(encoding, &Limits::default())
            .unwrap();
        bytes[if encoding.explicit { 12 } else { 8 }..].to_vec()
    }

    fn reopened(vr: VR, value: Vec<u8>, around: Encoding) -> Option<Element> {
        Element::new(IMAGES, vr, value).reopened(around, 0, &Limits::default())
    }

    #[test]
    fn items_are_found_whatever_the_element_is_called() {
        let without_delimiter = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - 8);
            bytes
        };
        for vr in [VR::LO, VR::OB, VR::US, VR::UI] {
            for (inside, around, becomes) in [
                (Encoding::EXPLICIT_LITTLE, Encoding::EXPLICIT_LITTLE, VR::SQ),
                (Encoding::IMPLICIT_LITTLE, Encoding::EXPLICIT_LITTLE, VR::UN),
                (BIG, BIG, VR::SQ),
                (Encoding::IMPLICIT_LITTLE, BIG, VR::UN),
            ] {
                for value in [item(inside), without_delimiter(item(inside))] {
                    let opened = reopened(vr, value, around).unwrap();
                    assert_eq!(
                        (opened.vr, opened.items().unwrap().encoding),
                        (becomes, inside),
                        "{vr:?}"
                    );
                    let name = opened.items().unwrap().items[0]
                        .data
                        .get(Tag(0x10, 0x10))
                        .unwrap();
                    assert_eq!(name.bytes().unwrap().as_ref(), b"Doe^Jane");
                }
            }
        }
    }

    #[test]
    fn what_is_no_sequence_stays_shut() {
        let cut = item(Encoding::EXPLICIT_LITTLE)[..20].to_vec();
        for value in [
            b"Doe^Jane".to_vec(),
            cut,
            vec![0xFE, 0xFF, 0, 0xE0],
            b"\xFE\xFF\x00\xE0\x04\x00\x00\x00Jane".to_vec(),
        ] {
            assert_eq!(reopened(VR::OB, value, Encoding::EXPLICIT_LITTLE), None);
        }
        assert_eq!(
            reopened(VR::OB, item(Encoding::EXPLICIT_LITTLE), BIG),
            None,
            "no VR can hold that there"
        );
        let deep = Element::new(IMAGES, VR::OB, item(Encoding::EXPLICIT_LITTLE));
        let limits = Limits::default();
        assert_eq!(
            deep.reopened(Encoding::EXPLICIT_LITTLE, limits.depth, &limits),
            None
        );
    }
}
