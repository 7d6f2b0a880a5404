//! Names of products and their makers in attributes that are meant for people and stations.
//!
//! Owns what the file itself says of its makers, and which values are no more than that. A
//! patient's own attributes are never taken for a product, whatever maker the file states.

use std::cell::OnceCell;

use bytes::Bytes;

use super::collect::{Kind, Padded};
use dicom_lossless::{DataSet, Element, Tag};

/// Attributes in which programs and devices put their own name: who made the content, stations and
/// their titles, machines, and what identifies a device.
const FILLED_BY_PROGRAMS: [Tag; 14] = [
    Tag(0x0008, 0x0054),
    Tag(0x0008, 0x0055),
    Tag(0x0008, 0x1010),
    Tag(0x0018, 0x1000),
    Tag(0x0018, 0x1003),
    Tag(0x0018, 0x1010),
    Tag(0x0018, 0x700A),
    Tag(0x0040, 0x0001),
    Tag(0x0040, 0x0010),
    Tag(0x0040, 0x0241),
    Tag(0x0040, 0x0242),
    Tag(0x0070, 0x0084),
    Tag(0x3002, 0x0020),
    Tag(0x300A, 0x00B2),
];
/// Of the values of one attribute so much is read.
const LONGEST: usize = 256;

/// Where a file states makers, their products and versions: of the equipment, of what captured a
/// secondary image, of the application.
const STATED: [Tag; 9] = [
    Tag(0x0008, 0x0070),
    Tag(0x0008, 0x1090),
    Tag(0x0018, 0x1016),
    Tag(0x0018, 0x1018),
    Tag(0x0018, 0x1019),
    Tag(0x0018, 0x1020),
    Tag(0x0018, 0x9524),
    Tag(0x0018, 0x9525),
    Tag(0x0018, 0x9526),
];

/// What an instance keeps of the names of its makers, their products and versions.
pub(super) struct Products {
    values: Vec<Bytes>,
    /// The same as words, made when they are asked for.
    words: OnceCell<Vec<Vec<String>>>,
}

impl Products {
    /// Those of the top of a data set.
    pub(super) fn of(after: &DataSet) -> Self {
        let kept = STATED
            .iter()
            .filter_map(|tag| after.get(*tag).and_then(Element::bytes))
            .filter(|bytes| !bytes.is_empty());
        Self {
            values: kept
                .map(|bytes| bytes.slice(..bytes.len().min(LONGEST)))
                .collect(),
            words: OnceCell::new(),
        }
    }

    /// Whether a value that is gone says no more than they do.
    pub(super) fn name(&self, kind: Kind, tag: Tag, value: &[u8]) -> bool {
        if self.values.is_empty() || value.is_empty() || value.len() > LONGEST {
            return false;
        }
        match kind {
            Kind::Private => self.hold(value),
            Kind::Name | Kind::Identifier | Kind::Descriptor => {
                FILLED_BY_PROGRAMS.contains(&tag) && self.hold_words(value)
            }
            Kind::Date | Kind::Uid => false,
        }
    }

    fn hold(&self, value: &[u8]) -> bool {
        let holds = |product: &Bytes| {
            product
                .windows(value.len())
                .any(|part| part.eq_ignore_ascii_case(value))
        };
        self.values.iter().any(holds)
    }

    /// Whether one of them holds all words of the value, side by side and in their order.
    fn hold_words(&self, value: &[u8]) -> bool {
        let wanted: Vec<String> = words(value);
        let products = self.words.get_or_init(|| {
            let values = self
                .values
                .iter()
                .flat_map(|bytes| bytes.split(|byte| *byte == b'\\'));
            values
                .map(|value| words(value.trim_suffix_zeros()))
                .collect()
        });
        let named =
            |product: &Vec<String>| product.windows(wanted.len()).any(|row| *row == *wanted);
        !wanted.is_empty() && products.iter().any(named)
    }
}

/// Runs of letters and digits, in lower case.
fn words(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).to_lowercase();
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
