//! Spells a value out: the byte strings under which it may still stand.
//!
//! Owns which parts of a value count, how a date is spelled and in which encodings text is looked
//! for. A spelling depends on the value alone, never on the file.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, SHIFT_JIS};

use super::collect::{Kind, Source};
use super::effort::{MOST_OF_ONE, TooCostly};
use super::known::{is_common_word, spellings, without_scheme};
use crate::clean::text::is_plain;
use dicom_lossless::CharacterSet;

/// What separates the parts of names and identifiers.
const SEPARATORS: [char; 9] = ['^', '=', '\\', '-', ' ', ',', '_', '.', '/'];
/// Text of so many characters is looked for inside words too.
const LONG: usize = 8;
/// Digits alone must be so many.
const DIGITS: usize = 6;
/// Of longer spellings the beginning is looked for, in bytes. No character has less than one.
const LONGEST: usize = 64;

/// What must not stand beside a spelling, so that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Border {
    Anything,
    /// No letter and no digit.
    Word,
    /// No digit.
    Number,
    /// No digit before it, and none after it but those of a time of day.
    Day,
}

/// One byte string to look for, ASCII letters in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Needle {
    pub(super) bytes: Box<[u8]>,
    pub(super) border: Border,
    /// Bytes per character: 2 in UTF-16.
    pub(super) stride: u8,
}

/// Spellings in the making, as many as one value may have and one more.
#[derive(Default)]
struct Needles(Vec<Needle>);

impl Needles {
    fn is_full(&self) -> bool {
        self.0.len() > MOST_OF_ONE
    }

    fn push(&mut self, mut bytes: Vec<u8>, border: Border, stride: u8) {
        if self.is_full() {
            return;
        }
        let border = if bytes.len() > LONGEST {
            Border::Anything
        } else {
            border
        };
        bytes.truncate(LONGEST);
        bytes.make_ascii_lowercase();
        self.0.push(Needle {
            bytes: bytes.into(),
            border,
            stride,
        });
    }
}

/// All spellings of a value, none where it says too little to be looked for.
pub(super) fn needles(source: &Source, min: usize) -> Result<Vec<Needle>, TooCostly> {
    let mut out = Needles::default();
    for text in readings(source) {
        let values = text
            .split('\\')
            .map(|value| value.trim_matches([' ', '\0', '\n', '\r', '\t']));
        for value in values.filter(|value| !value.is_empty()) {
            match source.kind {
                Kind::Date => day(value, &mut out),
                Kind::Name => value
                    .split('=')
                    .for_each(|group| name(group, source, min, &mut out)),
                Kind::Identifier => whole_and_parts(
                    without_scheme(value).trim_end_matches(':'),
                    source,
                    min,
                    &mut out,
                ),
                Kind::Descriptor | Kind::Private => {
                    free_text(without_scheme(value), source, min, &mut out);
                }
                Kind::Uid => {}
            }
            if out.is_full() {
                return Err(TooCostly("a value that was removed has too many parts"));
            }
        }
    }
    let Needles(mut all) = out;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// What the bytes may say: one text, or several where no character set says how they are to be
/// read.
fn readings(source: &Source) -> Vec<String> {
    let bytes = &source.value;
    if is_plain(bytes) {
        return vec![String::from_utf8_lossy(bytes).into_owned()];
    }
    let own = source
        .sets
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut texts = vec![CharacterSet::from_element(own).decode(bytes, source.kind == Kind::Name)];
    if CharacterSet::from_element(own) == CharacterSet::default() {
        texts.extend(str::from_utf8(bytes).map(str::to_owned));
        texts.extend(
            SHIFT_JIS
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(Cow::into_owned),
        );
    }
    texts
}

fn day(value: &str, out: &mut Needles) {
    let digits = value.get(..8).unwrap_or_default();
    // Dates of before a century and a quarter, and the first day of the count, stand for no date.
    let Some(date) = NaiveDate::parse_from_str(digits, "%Y%m%d")
        .ok()
        .filter(|date| date.year() > 1900)
    else {
        return;
    };
    in_ascii(digits, Border::Day, out);
    for spelled in spellings(date) {
        in_ascii(&spelled, Border::Number, out);
    }
}

fn name(group: &str, source: &Source, min: usize, out: &mut Needles) {
    let group = group.trim_matches(['^', ' ']);
    whole_and_parts(group, source, min, out);
    // Where a part is too short to be looked for by itself, two of them in the other order are.
    let mut parts = group
        .split('^')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    if let (Some(family), Some(given)) = (parts.next(), parts.next())
        && !(counts(family, min) && counts(given, min))
    {
        for spelled in [
            format!("{given} {family}"),
            format!("{family} {given}"),
            format!("{family}, {given}"),
        ] {
            spell_if_it_counts(&spelled, source, min, out);
        }
    }
}

fn whole_and_parts(value: &str, source: &Source, min: usize, out: &mut Needles) {
    spell_if_it_counts(value, source, min, out);
    for part in value
        .split(SEPARATORS)
        .filter(|part| part.len() < value.len())
    {
        if out.is_full() {
            return;
        }
        spell_if_it_counts(part.trim_end_matches(':'), source, min, out);
    }
}

/// Free text counts as a whole, and only if it holds more than words that everybody uses, and
/// numbers.
fn free_text(value: &str, source: &Source, min: usize, out: &mut Needles) {
    let mut words = value
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let says_something = words.any(|word| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        letters >= 3 && letters * 2 >= word.len().min(8) && !is_common_word(&word.to_lowercase())
    });
    let printable = value
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
    if says_something && printable {
        spell_if_it_counts(value, source, min, out);
    }
}

fn spell_if_it_counts(text: &str, source: &Source, min: usize, out: &mut Needles) {
    if counts(text, min) {
        spell(text, border(text), source, out);
    }
}

/// Whether a text is enough to be looked for.
fn counts(text: &str, min: usize) -> bool {
    let characters = text.chars().filter(|c| c.is_alphanumeric());
    let (mut weight, mut letters) = (0, false);
    for c in characters {
        weight += if is_ideographic(c) { 2 } else { 1 };
        letters |= c.is_alphabetic();
    }
    let enough = if letters {
        weight >= min
    } else {
        weight >= min.max(DIGITS)
    };
    enough && (text.len() > LONGEST || !is_common_word(&text.to_lowercase()))
}

fn border(text: &str) -> Border {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Border::Number
    } else if text.chars().count() < LONG && !text.chars().any(is_ideographic) {
        Border::Word
    } else {
        Border::Anything
    }
}

/// Scripts that put no space between words.
fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7FF}')
        || matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FFDC}' | '\u{20000}'..='\u{3FFFF}')
}

fn in_ascii(text: &str, border: Border, out: &mut Needles) {
    out.push(text.as_bytes().to_vec(), border, 1);
    out.push(spread(text.bytes()), border, 2);
}

fn spell(text: &str, border: Border, source: &Source, out: &mut Needles) {
    // What is longer than any spelling need not be encoded to its end; one character more tells
    // that it is.
    let text = text
        .char_indices()
        .nth(LONGEST + 1)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text);
    if is_plain(text.as_bytes()) {
        return in_ascii(text, border, out);
    }
    for text in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
        out.push(text.as_bytes().to_vec(), border, 1);
        in_utf16(&text, border, out);
        let declared = source
            .sets
            .split(|byte| *byte == b'\n')
            .map(CharacterSet::from_element);
        for set in declared.chain([CharacterSet::from_element(b"ISO_IR 100")]) {
            if let Ok(bytes) = set.encode(&text) {
                let inner = without_escapes(&bytes)
                    .filter(|inner| inner.len() > 5 || inner.iter().all(|byte| *byte > 0x7f));
                if let Some(inner) = inner {
                    out.push(inner.to_vec(), border, 1);
                }
                out.push(bytes, border, 1);
            }
        }
        if text.chars().any(is_ideographic) {
            for codec in [SHIFT_JIS, EUC_JP, EUC_KR, GB18030, BIG5] {
                let (bytes, _, lossy) = codec.encode(&text);
                (!lossy).then(|| out.push(bytes.into_owned(), border, 1));
            }
        }
    }
}

/// In Latin characters one spelling, of a character and a zero byte in turn, serves both byte
/// orders.
fn in_utf16(text: &str, border: Border, out: &mut Needles) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let latin: Option<Vec<u8>> = units.iter().map(|unit| u8::try_from(*unit).ok()).collect();
    if let Some(latin) = latin {
        out.push(spread(latin.into_iter()), border, 2);
    } else {
        out.push(
            units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            border,
            2,
        );
        out.push(
            units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            border,
            2,
        );
    }
}

fn spread(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut spread: Vec<u8> = bytes.flat_map(|byte| [byte, 0]).collect();
    spread.pop();
    spread
}

/// The bytes between an escape at the beginning and one at the end, which other text may have set
/// before it.
fn without_escapes(bytes: &[u8]) -> Option<&[u8]> {
    let after = bytes.strip_prefix(b"\x1b")?;
    let begins = after
        .iter()
        .position(u8::is_ascii_alphanumeric)
        .map(|at| at + 1)?;
    let inner = after.get(begins..)?;
    let inner = inner
        .strip_suffix(b"\x1b(B")
        .or_else(|| inner.strip_suffix(b"\x1b(J"))
        .unwrap_or(inner);
    (inner.len() > 3 && !inner.contains(&0x1b)).then_some(inner)
}
