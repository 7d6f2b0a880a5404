//! What lies beside the image in the bytes that hold it: bytes behind the last frame, overlays in
//! unused bits of cells (retired, PS3.3-2004 section C.9.2), pixel data in sequences, text in lookup
//! tables (PS3.3 sections C.7.6.3.1.5 and C.11.1.1).
//!
//! Owns where the last frame and a table end. Where the attributes of the image do not tell, the
//! file fails; pixel data in a sequence that is not plainly an image goes. No sample and no entry of
//! a table is touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_lossless::{
    DataSet, Element, Encoding, Instance, Kept, Layout, Mask, PixelElement, Scrubbed, SourceFile,
    Tag, VR, Value,
};

use super::layout::{ALL_PIXELS, word};
use super::{frame_comments, pixel_error};
use crate::error::DeidError;
use crate::standard;

/// How many bytes of a value of this length are frames. Fails where what is behind them may be
/// frames.
fn frames_len(
    layout: &Layout,
    vr: VR,
    encoding: Encoding,
    length: u64,
) -> Result<u64, &'static str> {
    let (total, loose) = (layout.total_len(), layout.loose_len());
    // One byte of padding counts with the frames.
    if length > total.next_multiple_of(2) {
        if loose > total && (loose..=loose.next_multiple_of(2)).contains(&length) {
            return Err(
                "the pixel data is longer than its frames, in a way that their attributes may be \
                wrong",
            );
        }
        if length - total >= layout.frame_len() {
            return Err("the pixel data has room for more frames than Number of Frames says");
        }
    }
    // Where two samples share a word of which the later one comes first, padding stands before the
    // last sample (PS3.5 annex D).
    let swaps = encoding.big_endian && vr == VR::OW && layout.cell_bits <= 8;
    let total = if swaps {
        total.next_multiple_of(2)
    } else {
        total
    };
    Ok(total.min(length))
}

/// Keeps the frames and nothing else. True where there was anything else.
pub fn keep_to_frames(instance: &mut Instance, pixels: PixelElement) -> Result<bool, DeidError> {
    let value = pixels.value.clone();
    if value.is_empty() {
        return Ok(false);
    }
    let layout = Layout::of_instance(instance, pixels.tag).ok_or_else(|| {
        pixel_error(
            "its attributes do not tell where the image ends, and bytes behind it could be \
            anything",
        )
        .with_remedy(HINT)
    })?;
    let encoding = instance.syntax.encoding;
    let kept = frames_len(&layout, pixels.vr, encoding, value.end - value.start)
        .map_err(|why| pixel_error(why).with_remedy(HINT))?;
    let behind = value.start + kept..value.end;
    let beside = overlay_bits(instance, layout.cell_bits)?;
    // There is nothing behind, or the byte of padding that PS3.5 section 8.1.1 asks for.
    if beside == 0
        && (behind.is_empty()
            || (behind.end - behind.start == 1
                && instance
                    .source_bytes(behind.clone())?
                    .first()
                    == Some(&0)))
    {
        return Ok(false);
    }
    let mut mask = match &pixels.scrubbed {
        Some(Scrubbed::Masked(mask)) => Some(Mask::clone(mask)),
        _ => None,
    };
    if beside != 0 {
        let cells = cell_mask(beside, &layout, encoding)?;
        mask = Some(
            mask.unwrap_or_else(|| Mask::of_ranges(kept, Vec::new()))
                .with_cells(cells),
        );
    }
    let after = if kept.is_multiple_of(2) {
        Bytes::new()
    } else {
        Bytes::from_static(&[0])
    };
    let range = value.start..behind.start;
    let kept = Kept {
        before: Bytes::new(),
        range,
        mask: mask.map(Arc::new),
        after,
    };
    instance.pixels = Some(PixelElement {
        scrubbed: Some(Scrubbed::Kept(kept)),
        ..pixels
    });
    Ok(true)
}

const HINT: &str = "correct Number of Frames, Rows, Columns, Samples per Pixel, Bits Allocated \
    and Photometric Interpretation";

/// Elements of an overlay group: Overlay Bits Allocated, Overlay Bit Position, Overlay Data.
const OVERLAY_BITS: u16 = 0x0100;
const OVERLAY_POSITION: u16 = 0x0102;
const OVERLAY_DATA: u16 = 0x3000;

/// The bits of cells of this width in which overlays lie. Fails where one is declared and its place
/// is not stated, or is the image's.
fn overlay_bits(instance: &Instance, cell_bits: u16) -> Result<u64, DeidError> {
    let describes = |tag: &Tag| {
        tag.group() & 0xFF01 == 0x6000 && matches!(tag.element(), OVERLAY_BITS | OVERLAY_POSITION)
    };
    let groups: BTreeSet<u16> = instance
        .header
        .iter()
        .chain(&instance.tail)
        .map(|element| element.tag)
        .filter(describes)
        .map(Tag::group)
        .collect();
    let mut bits = 0;
    for group in groups {
        let place = |element| overlay_word(instance, Tag(group, element));
        let (allocated, position) = (place(OVERLAY_BITS)?, place(OVERLAY_POSITION)?);
        let has_data = instance
            .get(Tag(group, OVERLAY_DATA))
            .is_some_and(has_value);
        let declared = allocated.is_some_and(|bits| bits != 1);
        if !declared && (has_data || position.is_none()) {
            continue;
        }
        match position.filter(|position| {
            *position < cell_bits.min(64) && !stored_bits(instance, cell_bits).contains(position)
        }) {
            Some(position) => bits |= 1 << position,
            None if declared => return Err(hidden_overlay()),
            None => {}
        }
    }
    Ok(bits)
}

/// The bits of cells in which overlays lie, as far as that is stated: they are not the image's.
pub fn declared_overlays(instance: &Instance) -> u64 {
    let cell_bits = overlay_word(instance, tags::BITS_ALLOCATED)
        .ok()
        .flatten();
    cell_bits
        .and_then(|bits| overlay_bits(instance, bits).ok())
        .unwrap_or_default()
}

/// Whether one may lie in compressed frames, where its bits cannot be cleared.
pub fn refuse_in_compressed(instance: &Instance, pixels: Tag) -> Result<(), DeidError> {
    let cell_bits =
        Layout::of_instance(instance, pixels).map_or(u16::MAX, |layout| layout.cell_bits);
    if overlay_bits(instance, cell_bits)? == 0 {
        Ok(())
    } else {
        Err(hidden_overlay())
    }
}

/// What stays of each cell: all but these bits.
fn cell_mask(bits: u64, layout: &Layout, encoding: Encoding) -> Result<Vec<u8>, DeidError> {
    let stays = (!bits).to_le_bytes();
    let length = usize::from(layout.cell_bits / 8);
    match layout.cell_bits {
        8 | 16 | 32 | 64 if length <= 2 || !encoding.big_endian => {
            let mut cell = stays
                .get(..length)
                .unwrap_or_default()
                .to_vec();
            if encoding.big_endian {
                cell.reverse();
            }
            Ok(cell)
        }
        _ => Err(hidden_overlay()),
    }
}

/// The bits of a cell that samples use.
fn stored_bits(instance: &Instance, cell_bits: u16) -> std::ops::RangeInclusive<u16> {
    let number = |tag| {
        overlay_word(instance, tag)
            .ok()
            .flatten()
    };
    let stored = number(tags::BITS_STORED).unwrap_or(cell_bits);
    let high = number(tags::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
    high.saturating_add(1)
        .saturating_sub(stored)..=high
}

fn overlay_word(instance: &Instance, tag: Tag) -> Result<Option<u16>, DeidError> {
    instance
        .get(tag)
        .filter(|element| has_value(element))
        .map(|element| word(element, instance.syntax.encoding).ok_or_else(hidden_overlay))
        .transpose()
}

fn has_value(element: &Element) -> bool {
    element
        .bytes()
        .is_none_or(|bytes| !bytes.is_empty())
}

fn hidden_overlay() -> DeidError {
    pixel_error("an overlay lies in bits of the pixel data, where it cannot be removed")
        .with_remedy("have the overlay written out, or the image exported without it")
}

/// Cleans the data sets around the image and in it. True where anything had to go.
pub fn clean_nested(instance: &mut Instance) -> Result<bool, DeidError> {
    let work = NestedPixels {
        file: instance.source.file().clone(),
        syntax: instance.syntax.uid.clone(),
        compressed: super::is_compressed(instance),
    };
    let encoding = instance.syntax.encoding;
    let header = work.data_set(&mut instance.header, encoding, true)?;
    Ok(work.data_set(&mut instance.tail, encoding, true)? || header)
}

struct NestedPixels {
    /// The file that the bytes are from, which is named and not opened.
    file: Arc<SourceFile>,
    syntax: String,
    compressed: bool,
}

/// Whether an element may hold a lookup table, or pixel data of any kind: that of today, its offset
/// tables, and retired variable pixel data and coefficients.
fn is_concerned(element: &Element) -> bool {
    element.tag.group() & 0xFF01 == 0x7F00
        || is_table(element.tag)
        || matches!(element.value, Value::Fragments(_))
}

impl NestedPixels {
    /// Goes no deeper than the reader lets a file be nested.
    fn data_set(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        top: bool,
    ) -> Result<bool, DeidError> {
        let mut changed = false;
        let mut concerned = false;
        for element in data.iter_mut() {
            concerned |= is_concerned(element);
            let Some(sequence) = element
                .items_mut()
                .filter(|sequence| !sequence.items.is_empty())
            else {
                continue;
            };
            let encoding = sequence.encoding;
            for item in &mut sequence.items {
                changed |= self.data_set(&mut item.data, encoding, false)?;
            }
        }
        if concerned {
            changed |= self.pictures(data, encoding, top)?;
        }
        Ok(changed)
    }

    fn pictures(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        top: bool,
    ) -> Result<bool, DeidError> {
        let around = data.clone();
        let mut changed = false;
        for table in data
            .iter_mut()
            .filter(|element| is_table(element.tag))
        {
            let longest = longest_table(&around, table.tag, encoding);
            changed |= cut_table(table, longest)?;
        }
        data.retain_mut(|element| {
            let stays = match element.tag {
                tag if is_table(tag) || !is_concerned(element) => true,
                // The image's own offset tables are compared with its fragments.
                Tag(0x7FE0, 0x0001..=0x0003) if top => true,
                tag if ALL_PIXELS.contains(&tag) && !top => {
                    self.keeps(element, &around, encoding, &mut changed)
                }
                _ => false,
            };
            changed |= !stays;
            stays
        });
        Ok(changed)
    }

    /// Whether pixel data in a sequence stays, cut to its frames.
    fn keeps(
        &self,
        element: &mut Element,
        around: &DataSet,
        encoding: Encoding,
        changed: &mut bool,
    ) -> bool {
        let layout = Layout::of(|tag| around.get(tag), element.tag, encoding);
        match &mut element.value {
            Value::Bytes(bytes) => {
                let Some(layout) = layout else {
                    return bytes.is_empty();
                };
                let length = bytes.len();
                let Ok(total) = frames_len(&layout, element.vr, encoding, length as u64) else {
                    return false;
                };
                let total = usize::try_from(total).unwrap_or(length);
                if bytes
                    .get(total..)
                    .is_some_and(|behind| behind.len() > 1 || behind.iter().any(|byte| *byte != 0))
                {
                    let mut kept = bytes.slice(..total).to_vec();
                    kept.resize(total.next_multiple_of(2), 0);
                    *bytes = Bytes::from(kept);
                    *changed = true;
                }
                true
            }
            Value::Fragments(value) if self.compressed => {
                let Ok(marked) = frame_comments::mark_nested(
                    value,
                    &self.file,
                    &self.syntax,
                    layout.as_ref(),
                    encoding,
                ) else {
                    return false;
                };
                if !marked.is_empty() {
                    let mut emptied = value.to_vec();
                    Mask::of_ranges(emptied.len() as u64, marked).apply(0, &mut emptied);
                    *value = Bytes::from(emptied);
                    *changed = true;
                }
                true
            }
            Value::Fragments(_) | Value::Items(_) => false,
        }
    }
}

/// Bytes that can be printed, one after the other, among which text is looked for.
const TEXT_RUN: usize = 12;

/// Whether an element is a lookup table, or one colour of a palette.
fn is_table(tag: Tag) -> bool {
    tag == tags::LUT_DATA
        || matches!(
            tag,
            Tag(0x0028, 0x1201..=0x1204 | 0x1211..=0x1213 | 0x1221..=0x1224)
        )
}

/// The longest that a table may be, by the descriptor that states its length; none where its data
/// set has none for it. Those in segments and retired ones have a length of their own.
fn longest_table(data: &DataSet, tag: Tag, encoding: Encoding) -> Option<usize> {
    let descriptor = match tag {
        tags::LUT_DATA => tags::LUT_DESCRIPTOR,
        Tag(0x0028, element @ 0x1201..=0x1204) => Tag(0x0028, element - 0x0100),
        _ => return Some(usize::MAX),
    };
    let bytes = data.get(descriptor)?.bytes()?;
    let [entries, _, _] = bytes.as_chunks::<2>().0 else {
        return None;
    };
    // 0 stands for 65536; entries of 8 bits may be packed, and are then shorter.
    Some(match encoding.u16(*entries) {
        0 => 1 << 17,
        entries => usize::from(entries) * 2,
    })
}

/// Cuts a table; true where it was too long. One without a descriptor, or with one that is no
/// descriptor, is emptied.
fn cut_table(element: &mut Element, longest: Option<usize>) -> Result<bool, DeidError> {
    let Value::Bytes(bytes) = &mut element.value else {
        return Err(text_in_table(element.tag));
    };
    let longest = longest.unwrap_or(0);
    let too_long = bytes.len() > longest;
    bytes.truncate(longest);
    if holds_text(bytes) {
        Err(text_in_table(element.tag))
    } else {
        Ok(too_long)
    }
}

fn text_in_table(tag: Tag) -> DeidError {
    let why = format!("{} holds text instead of numbers", standard::name_of(tag));
    pixel_error(why).with_remedy(
        "remove the table from the file, or export the file again from where it came from",
    )
}

/// Whether some of the bytes read as text of single bytes, or of words of which every second byte
/// is 0.
fn holds_text(bytes: &[u8]) -> bool {
    let is_printed = |byte: &u8| matches!(byte, 0x20..=0x7E);
    let plain = bytes
        .split(|byte| !is_printed(byte))
        .any(|run| run.len() >= TEXT_RUN && is_words(run));
    let wide = |first: usize| {
        let words = bytes
            .get(first..)
            .unwrap_or_default()
            .as_chunks::<2>()
            .0;
        let ends = |[letter, other]: &[u8; 2]| !is_printed(letter) || *other != 0;
        words.split(ends).any(|run| {
            run.len() >= TEXT_RUN
                && reads(
                    &run.iter()
                        .map(|[letter, _]| *letter)
                        .collect::<Vec<_>>(),
                )
        })
    };
    plain || wide(0) || wide(1)
}

/// Whether a run reads as text as a whole, and so does every second byte of it: the bytes of 16-bit
/// entries do not.
fn is_words(run: &[u8]) -> bool {
    let every_second = |from| {
        run.iter()
            .skip(from)
            .step_by(2)
            .copied()
            .collect::<Vec<_>>()
    };
    let (even, odd) = (every_second(0), every_second(1));
    // Colours of 8 bits that are written twice, to make 16 of them.
    let is_doubled = |even: &[u8]| {
        even.iter()
            .zip(&odd)
            .all(|(a, b)| a == b)
    };
    let doubled = is_doubled(&even) || is_doubled(even.get(1..).unwrap_or_default());
    !doubled && reads(run) && turns(&even) > 0 && turns(&odd) > 0
}

/// Whether bytes go up and down as letters do, and most are letters, digits or spaces. A ramp goes
/// one way.
fn reads(run: &[u8]) -> bool {
    let of_words = run
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || **byte == b' ')
        .count();
    turns(run) >= 3 && of_words * 4 >= run.len() * 3
}

/// How often bytes change from going up to going down.
fn turns(run: &[u8]) -> usize {
    let mut steps: Vec<_> = run
        .iter()
        .zip(run.iter().skip(1))
        .map(|(a, b)| a.cmp(b))
        .filter(|step| step.is_ne())
        .collect();
    steps.dedup();
    steps.len().saturating_sub(1)
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod tests {
    use super::*;

    #[test]
    fn text_is_distinguished_from_tables_of_numbers() {
        let utf16 = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        for text in [
            &b"Quellhorst^Ada 030 5550199"[..],
            b"\0\x01\x02Patient: Quellhorst\xFF",
            &utf16("Quellhorst, Ada"),
            b"born 14.05.1961",
        ] {
            assert!(holds_text(text), "{text:?}");
        }
        let big: Vec<u8> = "Quellhorst, Ada"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert!(holds_text(&big));
        let words = |value: fn(u32) -> u32| {
            (0..4096)
                .flat_map(|at| (value(at) as u16).to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let tables = [
            (0..=255).collect(),
            (0..=255).rev().collect(),
            vec![b'a'; 512],
            words(|at| at),
            words(|at| at * 16),
            words(|at| 65535 - at * 7),
            words(|at| (at % 256) * 257),
            words(|at| (at * 73 % 256) * 257),
            words(|at| (f64::from(at).sqrt() * 1000.0) as u32),
            words(|at| ((f64::from(at) / 300.0).sin() * 30000.0 + 32000.0) as u32),
            words(|at| ((f64::from(at) / 3.0).sin() * 120.0 + 128.0) as u32),
        ];
        for table in tables {
            assert!(!holds_text(&table), "{:?}", table.get(..32));
        }
    }
}
