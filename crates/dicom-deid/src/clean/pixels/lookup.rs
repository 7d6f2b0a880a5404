//! Lookup tables and palettes: longer than their descriptor says, they are cut; where they hold
//! text, the file fails.
//!
//! Owns how long a table is (PS3.3 sections C.7.6.3.1.5 and C.11.1.1) and how text looks among
//! numbers. No entry changes.

use super::cannot;
use crate::error::DeidError;
use crate::standard;
use dicom_lossless::{DataSet, Element, Encoding, Tag, Value};

/// The descriptor of LUT Data.
const LUT_DESCRIPTOR: Tag = Tag(0x0028, 0x3002);
const LUT_DATA: Tag = Tag(0x0028, 0x3006);
/// Bytes that can be printed, one after the other, among which text is looked for.
const RUN: usize = 12;

/// Whether an element is a lookup table, or one colour of a palette.
pub(super) fn is_table(tag: Tag) -> bool {
    tag == LUT_DATA
        || matches!(
            tag,
            Tag(0x0028, 0x1201..=0x1204 | 0x1211..=0x1213 | 0x1221..=0x1224)
        )
}

/// The descriptor that tells a table's length; none for those in segments and retired ones, whose
/// length is their own.
fn descriptor(tag: Tag) -> Option<Tag> {
    match tag {
        LUT_DATA => Some(LUT_DESCRIPTOR),
        Tag(0x0028, element @ 0x1201..=0x1204) => Some(Tag(0x0028, element - 0x0100)),
        _ => None,
    }
}

/// The longest that a table may be; none where its data set has no descriptor for it.
pub(super) fn longest(data: &DataSet, tag: Tag, encoding: Encoding) -> Option<usize> {
    let Some(descriptor) = descriptor(tag) else {
        return Some(usize::MAX);
    };
    let words: Vec<u16> = data
        .get(descriptor)?
        .bytes()?
        .as_chunks::<2>()
        .0
        .iter()
        .map(|word| encoding.u16(*word))
        .collect();
    let &[entries, _, _] = words.as_slice() else {
        return None;
    };
    // 0 stands for 65536; entries of 8 bits may be packed, and are then shorter.
    Some(if entries == 0 {
        1 << 17
    } else {
        usize::from(entries) * 2
    })
}

/// Cuts a table; tells whether it was too long. One without a descriptor, or with one that is no
/// descriptor, is emptied.
pub(super) fn cut(element: &mut Element, longest: Option<usize>) -> Result<bool, DeidError> {
    let Value::Bytes(bytes) = &mut element.value else {
        return Err(is_text(element.tag));
    };
    let longest = longest.unwrap_or(0);
    let too_long = bytes.len() > longest;
    bytes.truncate(longest);
    if holds_text(bytes) {
        Err(is_text(element.tag))
    } else {
        Ok(too_long)
    }
}

fn is_text(tag: Tag) -> DeidError {
    let why = format!("{} holds text instead of numbers", standard::name_of(tag));
    cannot(why).with_remedy(
        "remove the table from the file, or export the file again from where it came from",
    )
}

/// Whether some of the bytes read as text of single bytes, or of words of which every second byte
/// is 0.
fn holds_text(bytes: &[u8]) -> bool {
    let is_printed = |byte: &u8| matches!(byte, 0x20..=0x7E);
    let plain = bytes
        .split(|byte| !is_printed(byte))
        .any(|run| run.len() >= RUN && is_words(run));
    let wide = |first: usize| {
        let words = bytes.get(first..).unwrap_or_default().as_chunks::<2>().0;
        let ends = |[letter, other]: &[u8; 2]| !is_printed(letter) || *other != 0;
        words.split(ends).any(|run| {
            run.len() >= RUN && reads(&run.iter().map(|[letter, _]| *letter).collect::<Vec<_>>())
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
    let doubled = even.iter().zip(&odd).all(|(a, b)| a == b)
        || even.iter().skip(1).zip(&odd).all(|(a, b)| a == b);
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
    let steps: Vec<_> = run
        .iter()
        .zip(run.iter().skip(1))
        .map(|(a, b)| a.cmp(b))
        .filter(|step| step.is_ne())
        .collect();
    steps
        .iter()
        .zip(steps.iter().skip(1))
        .filter(|(a, b)| a != b)
        .count()
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_tables_of_numbers() {
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
