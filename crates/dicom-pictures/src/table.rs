//! Lookup tables: descriptor and data (PS3.3 sections C.11.1.1, C.11.2.1.1 and C.7.6.3.1.5).
//!
//! Owns reading them, those of eight bits and segmented ones too. A table that is not plain is none.

use dicom_dictionary_std::tags;
use dicom_lossless::{Tag, VR};

use crate::attributes::Group;
use crate::picture::level;

/// The most entries that a table may have.
const MOST: usize = 1 << 16;

/// Which stored value the first entry is for may be negative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FirstValue {
    Signed,
    Unsigned,
}

/// A lookup table.
pub struct Table {
    /// The input that the first entry is for.
    first: f64,
    entries: Vec<u16>,
    /// The most that an entry may be.
    most: u16,
}

impl Table {
    /// The table of an item of a LUT sequence.
    pub fn of_item(item: Group<'_>, inputs: FirstValue) -> Option<Self> {
        Self::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, None, inputs)
    }

    /// The table with this descriptor and these data, plain or in segments.
    pub fn of(
        group: Group<'_>,
        descriptor: Tag,
        data: Tag,
        segmented: Option<Tag>,
        inputs: FirstValue,
    ) -> Option<Self> {
        let [count, first, bits] = group
            .words(descriptor)
            .try_into()
            .ok()?;
        let count = if count == 0 { MOST } else { usize::from(count) };
        let is_signed = group.has_vr(descriptor, VR::SS)
            || (inputs == FirstValue::Signed && !group.states_vrs());
        let mut entries = entries(group, data, count, bits);
        if entries.is_empty()
            && let Some(segmented) = segmented
        {
            entries = expanded(&group.words(segmented), count)?;
        }
        let highest = entries.iter().copied().max()?;
        let stated = match bits {
            8..=16 => u16::MAX >> (16 - bits),
            _ => 0,
        };
        Some(Self {
            first: if is_signed {
                f64::from(first.cast_signed())
            } else {
                f64::from(first)
            },
            entries,
            // Entries beyond what the descriptor says would all be white.
            most: stated.max(highest).max(1),
        })
    }

    /// The entry for a value; those outside of the table count as its ends.
    pub fn entry(&self, value: f64) -> u16 {
        let last = self.entries.len().saturating_sub(1);
        // What is negative or no number becomes 0, what is too high the last place.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = ((value - self.first).floor() as usize).min(last);
        self.entries
            .get(at)
            .copied()
            .unwrap_or_default()
    }

    /// The entry for a value, as a part of the most that it may be.
    pub fn part(&self, value: f64) -> f64 {
        f64::from(self.entry(value)) / f64::from(self.most)
    }
}

fn entries(group: Group<'_>, data: Tag, count: usize, bits: u16) -> Vec<u16> {
    let bytes = group.bytes(data);
    if bits == 8 && bytes.len() < count * 2 {
        return bytes
            .iter()
            .take(count)
            .map(|byte| u16::from(*byte))
            .collect();
    }
    let mut words = group.words(data);
    words.truncate(count);
    words
}

/// The entries of a segmented table (PS3.3 section C.7.9.2). None where it is damaged.
fn expanded(words: &[u16], count: usize) -> Option<Vec<u16>> {
    let mut entries = Vec::new();
    let mut segments = Vec::new();
    let mut at = 0;
    while at < words.len() && entries.len() < count {
        let start = at;
        segments.push(start);
        at = match words.get(at)? {
            2 => {
                let [_, segments_again, low, high, ..] = words.get(at..)? else {
                    return None;
                };
                let from = usize::from(*low) | usize::from(*high) << 16;
                indirect(
                    words,
                    from,
                    usize::from(*segments_again),
                    count,
                    &mut entries,
                )?;
                at + 4
            }
            _ => segment(words, at, count, &mut entries)?,
        };
    }
    (entries.len() >= count).then(|| {
        entries.truncate(count);
        entries
    })
}

/// Segments that stand elsewhere in the table, once more.
fn indirect(
    words: &[u16],
    from: usize,
    segments: usize,
    count: usize,
    entries: &mut Vec<u16>,
) -> Option<()> {
    let mut at = from;
    for _ in 0..segments {
        if entries.len() >= count {
            break;
        }
        at = segment(words, at, count, entries)?;
    }
    Some(())
}

/// Adds the entries of a discrete or linear segment, and gives the place behind it.
fn segment(words: &[u16], at: usize, count: usize, entries: &mut Vec<u16>) -> Option<usize> {
    let [kind, length, rest @ ..] = words.get(at..)? else {
        return None;
    };
    let length = usize::from(*length);
    match kind {
        0 => {
            entries.extend_from_slice(rest.get(..length)?);
            Some(at + 2 + length)
        }
        1 => {
            let (from, to) = (f64::from(*entries.last()?), f64::from(*rest.first()?));
            let room = count.saturating_sub(entries.len());
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            #[allow(clippy::cast_precision_loss)] // It lies between two entries.
            entries.extend(
                (1..=length)
                    .take(room)
                    .map(|step| (from + (to - from) * step as f64 / length as f64).round() as u16),
            );
            Some(at + 3)
        }
        _ => None,
    }
}

/// Red, green and blue of the values of an image.
pub struct Palette([Table; 3]);

impl Palette {
    /// The palette of an image, where it has one that can be read.
    pub fn of(group: Group<'_>, inputs: FirstValue) -> Option<Self> {
        let table = |descriptor, data, segmented| {
            Table::of(group, descriptor, data, Some(segmented), inputs)
        };
        Some(
            Self([
                table(
                    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
                table(
                    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
                table(
                    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
            ])
            .in_words(),
        )
    }

    /// Some writers state 16 bits and store 8: then no entry of any colour is higher.
    fn in_words(mut self) -> Self {
        let eight = |table: &Table| {
            table
                .entries
                .iter()
                .all(|entry| *entry <= 255)
        };
        if self.0.iter().all(eight) {
            for table in &mut self.0 {
                table.most = 255;
            }
        }
        self
    }

    /// The colour of a value.
    pub fn colour(&self, value: f64) -> [u8; 3] {
        let Self(tables) = self;
        [0, 1, 2].map(|colour| {
            tables
                .get(colour)
                .map_or(0, |table| level(table.part(value)))
        })
    }
}
