//! Overlays in bits of the pixel cells that no sample uses (retired, PS3.3-2004 section C.9.2).
//!
//! Owns which bits these are, by what the overlay groups declare. Bits that nothing declares stay:
//! they may be the sign of a sample, or padding.

use std::collections::BTreeSet;

use super::cannot;
use crate::error::DeidError;
use dicom_lossless::{Encoding, Instance, Layout, Tag, Value};

const BITS_STORED: Tag = Tag(0x0028, 0x0101);
const HIGH_BIT: Tag = Tag(0x0028, 0x0102);
/// Elements of an overlay group: Overlay Bits Allocated, Overlay Bit Position, Overlay Data.
const BITS: u16 = 0x0100;
const POSITION: u16 = 0x0102;
const DATA: u16 = 0x3000;

/// The bits of cells of this width in which overlays lie. Fails where one is declared and its place
/// is not told, or is the image's.
pub(super) fn hidden(instance: &Instance, cell_bits: u16) -> Result<u64, DeidError> {
    let all = || {
        instance
            .header
            .iter()
            .chain(instance.tail.iter())
            .map(|element| element.tag)
    };
    let describes =
        |tag: &Tag| tag.group() & 0xFF01 == 0x6000 && matches!(tag.element(), BITS | POSITION);
    let groups: BTreeSet<u16> = all().filter(describes).map(Tag::group).collect();
    let mut bits = 0;
    for group in groups {
        let place = |element| word(instance, Tag(group, element));
        let (allocated, position) = (place(BITS)?, place(POSITION)?);
        let has_data = instance
            .get(Tag(group, DATA))
            .is_some_and(|element| element.bytes().is_none_or(|bytes| !bytes.is_empty()));
        let declared = allocated.is_some_and(|bits| bits != 1);
        if !declared && (has_data || position.is_none()) {
            continue;
        }
        match position.filter(|position| {
            *position < cell_bits.min(64) && !stored(instance, cell_bits).contains(position)
        }) {
            Some(position) => bits |= 1 << position,
            None if declared => return Err(hides()),
            None => {}
        }
    }
    Ok(bits)
}

/// Whether one may lie in compressed frames, where its bits cannot be cleared.
pub(super) fn refuse_in_compressed(instance: &Instance, pixels: Tag) -> Result<(), DeidError> {
    let cell_bits =
        Layout::of_instance(instance, pixels).map_or(u16::MAX, |layout| layout.cell_bits);
    if hidden(instance, cell_bits)? == 0 {
        Ok(())
    } else {
        Err(hides())
    }
}

/// What stays of each cell: all but these bits.
pub(super) fn cells(bits: u64, layout: &Layout, encoding: Encoding) -> Result<Vec<u8>, DeidError> {
    let stays = (!bits).to_le_bytes();
    let length = usize::from(layout.cell_bits / 8);
    match layout.cell_bits {
        8 | 16 | 32 | 64 if length <= 2 || !encoding.big_endian => {
            let mut cell = stays.get(..length).unwrap_or_default().to_vec();
            if encoding.big_endian {
                cell.reverse();
            }
            Ok(cell)
        }
        _ => Err(hides()),
    }
}

/// The bits of a cell that samples use.
fn stored(instance: &Instance, cell_bits: u16) -> std::ops::RangeInclusive<u16> {
    let number = |tag| word(instance, tag).ok().flatten();
    let stored = number(BITS_STORED).unwrap_or(cell_bits);
    let high = number(HIGH_BIT).unwrap_or(stored.saturating_sub(1));
    high.saturating_add(1).saturating_sub(stored)..=high
}

fn word(instance: &Instance, tag: Tag) -> Result<Option<u16>, DeidError> {
    let Some(element) = instance.get(tag) else {
        return Ok(None);
    };
    match &element.value {
        Value::Bytes(bytes) if bytes.is_empty() => Ok(None),
        Value::Bytes(bytes) => {
            let word = bytes
                .first_chunk::<2>()
                .filter(|_| bytes.len() == 2)
                .ok_or_else(hides)?;
            Ok(Some(instance.syntax.encoding.u16(*word)))
        }
        Value::Items(_) | Value::Fragments(_) => Err(hides()),
    }
}

fn hides() -> DeidError {
    cannot("an overlay lies in bits of the pixel data, where it cannot be removed")
        .with_remedy("have the overlay written out, or the image exported without it")
}
