//! Data elements on their way between data sets that are encoded otherwise, and data sets that
//! stand alone in bytes.
//!
//! Owns the byte order of binary values. Text is text in every encoding; its character set is not
//! looked at here.

use bytes::Bytes;

use super::dataset::{DataSet, Element, Encoding, Item, Sequence, Value};
use super::tree::Tree;
use super::walk::Walk;
use super::write::write_data_set;
use super::{Limits, VR, vr};
use crate::error::FileError;

impl Element {
    /// The element as a data set of another encoding holds it. None where its value cannot be
    /// carried over: numbers cut short, or fragments and big endian.
    #[must_use]
    pub fn recoded(&self, from: Encoding, to: Encoding) -> Option<Self> {
        // The content of UN is little endian and implicit everywhere (PS3.5 section 6.2.2).
        if self.vr == VR::UN && self.odd_vr.is_none() {
            return Some(self.clone());
        }
        let swaps = from.big_endian != to.big_endian;
        let value = match &self.value {
            Value::Bytes(bytes) if swaps => Value::Bytes(swapped(bytes, vr::word_size(self.vr))?),
            Value::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Value::Fragments(_) if swaps => return None,
            Value::Fragments(bytes) => Value::Fragments(bytes.clone()),
            Value::Items(sequence) => Value::Items(recoded_items(sequence, to)?),
        };
        // What is too long for the length field of its VR goes as UN.
        let too_long = to.explicit
            && self.odd_vr.is_none()
            && !vr::has_long_length(self.vr)
            && self
                .bytes()
                .is_some_and(|bytes| bytes.len() > usize::from(u16::MAX) - 1);
        Some(Self {
            tag: self.tag,
            vr: if too_long { VR::UN } else { self.vr },
            odd_vr: self.odd_vr,
            value,
        })
    }
}

fn swapped(bytes: &Bytes, size: usize) -> Option<Bytes> {
    if size == 1 {
        return Some(bytes.clone());
    }
    let words = bytes.chunks_exact(size);
    let whole = words.remainder().is_empty();
    whole.then(|| {
        words
            .flat_map(|word| word.iter().rev().copied())
            .collect()
    })
}

fn recoded_items(sequence: &Sequence, to: Encoding) -> Option<Sequence> {
    let item = |item: &Item| {
        let elements: Option<Vec<Element>> = item
            .data
            .iter()
            .map(|element| element.recoded(sequence.encoding, to))
            .collect();
        Some(Item {
            data: DataSet::from_elements(elements?),
            length: item.length,
        })
    };
    let items: Option<Vec<Item>> = sequence
        .items
        .iter()
        .map(item)
        .collect();
    Some(Sequence {
        items: items?.into(),
        length: sequence.length,
        encoding: to,
    })
}

impl DataSet {
    /// The data set in bytes, without preamble or meta.
    ///
    /// # Errors
    /// A value that is too long for its VR or for the limits.
    pub fn to_bytes(&self, encoding: Encoding, limits: &Limits) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        write_data_set(&mut bytes, self, encoding, limits)?;
        Ok(bytes)
    }

    /// The data set in bytes that hold nothing else.
    ///
    /// # Errors
    /// What is no data set in this encoding, or beyond the limits.
    pub fn from_bytes(
        bytes: &Bytes,
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<Self, FileError> {
        let mut tree = Tree::new(bytes.clone());
        Walk::over(bytes, encoding, limits).run(&mut tree)?;
        Ok(tree.finish())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Tag;

    const BIG: Encoding = Encoding {
        explicit: true,
        big_endian: true,
    };
    const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;
    const IMPLICIT: Encoding = Encoding::IMPLICIT_LITTLE;

    fn sample(encoding: Encoding) -> DataSet {
        let number = |group, element, vr, bytes: &[u8]| {
            Element::new(Tag(group, element), vr, bytes.to_vec())
        };
        let inner =
            DataSet::from_elements(vec![number(0x28, 0x10, VR::US, &encoding.put_u16(258))]);
        let float = if encoding.big_endian {
            1.5_f64.to_be_bytes()
        } else {
            1.5_f64.to_le_bytes()
        };
        DataSet::from_elements(vec![
            Element::sequence(Tag(0x08, 0x1140), vec![inner], encoding),
            number(0x10, 0x20, VR::LO, b"PAT-0042"),
            number(0x18, 0x9073, VR::FD, &float),
            number(
                0x28,
                0x09,
                VR::AT,
                &[encoding.put_u16(0x18), encoding.put_u16(0x1063)].concat(),
            ),
        ])
    }

    fn recoded(data: &DataSet, from: Encoding, to: Encoding) -> DataSet {
        DataSet::from_elements(
            data.iter()
                .map(|element| element.recoded(from, to).unwrap())
                .collect(),
        )
    }

    #[test]
    fn every_encoding_becomes_every_other_and_reads_back() {
        for from in [BIG, LITTLE, IMPLICIT] {
            for to in [BIG, LITTLE, IMPLICIT] {
                assert_eq!(
                    recoded(&sample(from), from, to),
                    sample(to),
                    "{from:?} {to:?}"
                );
            }
            let bytes = Bytes::from(
                sample(from)
                    .to_bytes(from, &Limits::default())
                    .unwrap(),
            );
            assert_eq!(
                DataSet::from_bytes(&bytes, from, &Limits::default()).unwrap(),
                sample(from)
            );
        }
    }

    #[test]
    fn what_cannot_be_carried_over_is_refused_or_goes_as_unknown() {
        let cut = Element::new(Tag(0x28, 0x10), VR::US, vec![1, 2, 3]);
        assert_eq!(cut.recoded(BIG, LITTLE), None);
        let fragments = Element {
            tag: Tag(8, 8),
            vr: VR::OB,
            odd_vr: None,
            value: Value::Fragments(Bytes::new()),
        };
        assert_eq!(fragments.recoded(BIG, LITTLE), None);
        let unknown = Element::new(Tag(9, 0x1001), VR::UN, vec![1, 2]);
        assert_eq!(unknown.recoded(BIG, LITTLE), Some(unknown.clone()));
        let long = Element::new(Tag(0x28, 0x10), VR::US, vec![0; 70_000]);
        assert_eq!(
            long.recoded(IMPLICIT, LITTLE)
                .unwrap()
                .vr,
            VR::UN
        );
        assert!(
            DataSet::from_bytes(
                &Bytes::from_static(b"no data set"),
                LITTLE,
                &Limits::default()
            )
            .is_err()
        );
    }
}
