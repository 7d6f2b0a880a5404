//! The colours of a palette (PS3.3 section C.7.6.3.1.5), to look at what its indices show.
//!
//! It is only looked through: a palette that cannot be read leaves the indices to be looked at.

use dicom_dictionary_std::tags;
use dicom_lossless::{Element, Encoding, Instance, Tag};

/// Descriptor and data of red, green and blue.
const TABLES: [(Tag, Tag); 3] = [
    (
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
    (
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
    (
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
];

/// Three tables of colour.
#[derive(Debug, Clone)]
pub struct Palette {
    tables: [Vec<u16>; 3],
    first: u16,
}

impl Palette {
    /// The palette of an instance; none where it has none, or one that is not plain.
    pub fn of(instance: &Instance) -> Option<Self> {
        let encoding = instance.syntax.encoding;
        let mut tables = [const { Vec::new() }; 3];
        let mut first = 0;
        for (table, (descriptor, data)) in tables.iter_mut().zip(TABLES) {
            let [count, from, bits] = words(instance.get(descriptor)?, encoding)
                .try_into()
                .ok()?;
            let count = if count == 0 {
                1 << 16
            } else {
                usize::from(count)
            };
            first = from;
            let stored = instance.get(data)?;
            *table = if bits == 8 && stored.bytes()?.len() < count * 2 {
                stored
                    .bytes()?
                    .iter()
                    .take(count)
                    .map(|byte| u16::from(*byte) << 8)
                    .collect()
            } else {
                let mut words = words(stored, encoding);
                words.truncate(count);
                // Eight bits stand in the lower half of a word.
                if bits == 8 {
                    for word in &mut words {
                        *word <<= 8;
                    }
                }
                words
            };
            if table.is_empty() {
                return None;
            }
        }
        Some(Self { tables, first })
    }

    /// Red, green and blue of indices, of which those outside of the tables count as their ends.
    pub fn colours(&self, indices: &[u16]) -> [Vec<u16>; 3] {
        [0, 1, 2].map(|colour| {
            let table = self
                .tables
                .get(colour)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let last = table.len().saturating_sub(1);
            indices
                .iter()
                .map(|index| {
                    let at = usize::from(index.saturating_sub(self.first)).min(last);
                    table
                        .get(at)
                        .copied()
                        .unwrap_or_default()
                })
                .collect()
        })
    }
}

fn words(element: &Element, encoding: Encoding) -> Vec<u16> {
    let bytes = element
        .bytes()
        .map(AsRef::as_ref)
        .unwrap_or_default();
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| encoding.u16(*two))
        .collect()
}
