//! The byte strings under which a value may still stand, and a cache of them, since instances of a
//! series have lost nearly the same values.
//!
//! Owns which parts of a value count, how a date is written and in which encodings text is looked
//! for. Patterns depend on the value alone, never on the file, so that what is found does not
//! depend on what is cached. Each costs time in every file.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{Datelike, NaiveDate};
use dicom_lossless::CharacterSet;
use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, SHIFT_JIS};
use foldhash::HashMap;

use super::removals::{RemovedValue, ValueKind};
use super::{MOST_PATTERNS, MOST_PATTERNS_OF_VALUE, TooCostly};
use crate::elements::element_value::is_plain;
use crate::standard::is_known_word;

/// What separates the parts of names and identifiers.
const SEPARATORS: [char; 9] = ['^', '=', '\\', '-', ' ', ',', '_', '.', '/'];
/// Text of this number of characters and more is looked for inside words too.
const LONG: usize = 8;
/// The fewest digits that are looked for where there are no letters.
const DIGITS: usize = 6;
/// Of longer patterns the beginning is looked for, in bytes. No character has less than one.
const LONGEST: usize = 64;

/// What must not stand beside a pattern, so that it is a match.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    Any,
    /// No letter and no digit.
    Word,
    /// No digit.
    Number,
    /// No digit before it, and none after it but those of a time of day.
    Day,
}

/// One byte string to look for, ASCII letters in lower case.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    pub bytes: Box<[u8]>,
    pub boundary: Boundary,
    /// Bytes per character: 2 in UTF-16.
    pub stride: u8,
}

/// The patterns of one value while they are collected: at most one more than it may have.
struct PatternList<'a> {
    removed: &'a RemovedValue,
    /// The fewest characters that are looked for.
    min: usize,
    list: Vec<Pattern>,
}

impl PatternList<'_> {
    fn is_full(&self) -> bool {
        self.list.len() > MOST_PATTERNS_OF_VALUE
    }

    fn push(&mut self, mut bytes: Vec<u8>, boundary: Boundary, stride: u8) {
        if self.is_full() {
            return;
        }
        let boundary = if bytes.len() > LONGEST {
            Boundary::Any
        } else {
            boundary
        };
        bytes.truncate(LONGEST);
        bytes.make_ascii_lowercase();
        self.list.push(Pattern {
            bytes: bytes.into(),
            boundary,
            stride,
        });
    }

    fn add_date(&mut self, value: &str) {
        let digits = value.get(..8).unwrap_or_default();
        // Dates of before a century and a quarter, and the first day of the count, stand for no date.
        let Some(date) = NaiveDate::parse_from_str(digits, "%Y%m%d")
            .ok()
            .filter(|date| date.year() > 1900)
        else {
            return;
        };
        self.add_ascii(digits, Boundary::Day);
        for form in date_forms(date) {
            self.add_ascii(&form, Boundary::Number);
        }
    }

    fn add_name(&mut self, group: &str) {
        let group = group.trim_matches(['^', ' ']);
        self.add_whole_and_parts(group);
        // Where a part is too short to be looked for by itself, two of them in the other order are.
        let mut parts = group
            .split('^')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        if let (Some(family), Some(given)) = (parts.next(), parts.next())
            && !(is_searchable(family, self.min) && is_searchable(given, self.min))
        {
            for text in [
                format!("{given} {family}"),
                format!("{family} {given}"),
                format!("{family}, {given}"),
            ] {
                self.add_if_searchable(&text);
            }
        }
    }

    fn add_whole_and_parts(&mut self, value: &str) {
        self.add_if_searchable(value);
        for part in value
            .split(SEPARATORS)
            .filter(|part| part.len() < value.len())
        {
            if self.is_full() {
                return;
            }
            self.add_if_searchable(part.trim_end_matches(':'));
        }
    }

    /// Free text counts as a whole, and only if it holds more than common words and
    /// numbers.
    fn add_free_text(&mut self, value: &str) {
        let mut words = value
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        let says_something = words.any(|word| {
            let letters = word
                .chars()
                .filter(|c| c.is_alphabetic())
                .count();
            letters >= 3
                && letters * 2 >= word.len().min(8)
                && !is_common_word(&word.to_lowercase())
        });
        let printable = value
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
        if says_something && printable {
            self.add_if_searchable(value);
        }
    }

    fn add_if_searchable(&mut self, text: &str) {
        if is_searchable(text, self.min) {
            self.add_encodings(text, boundary(text));
        }
    }

    fn add_encodings(&mut self, text: &str, boundary: Boundary) {
        // What is longer than any pattern need not be encoded to its end; one character more says
        // that it is.
        let text = text
            .char_indices()
            .nth(LONGEST + 1)
            .and_then(|(end, _)| text.get(..end))
            .unwrap_or(text);
        if is_plain(text.as_bytes()) {
            return self.add_ascii(text, boundary);
        }
        for text in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            self.push(text.as_bytes().to_vec(), boundary, 1);
            self.add_utf16(&text, boundary);
            let declared = self
                .removed
                .character_sets
                .split(|byte| *byte == b'\n')
                .map(CharacterSet::from_element);
            for set in declared.chain([CharacterSet::from_element(b"ISO_IR 100")]) {
                if let Ok(bytes) = set.encode(&text) {
                    let inner = without_escapes(&bytes).filter(|inner| {
                        inner.len() > 5
                            || inner
                                .iter()
                                .all(|byte| *byte > 0x7f)
                    });
                    if let Some(inner) = inner {
                        self.push(inner.to_vec(), boundary, 1);
                    }
                    self.push(bytes, boundary, 1);
                }
            }
            if text.chars().any(is_ideographic) {
                for codec in [SHIFT_JIS, EUC_JP, EUC_KR, GB18030, BIG5] {
                    let (bytes, _, lossy) = codec.encode(&text);
                    (!lossy).then(|| self.push(bytes.into_owned(), boundary, 1));
                }
            }
        }
    }

    fn add_ascii(&mut self, text: &str, boundary: Boundary) {
        self.push(text.as_bytes().to_vec(), boundary, 1);
        self.push(with_zero_bytes(text.bytes()), boundary, 2);
    }

    /// In Latin characters one pattern, of a character and a zero byte in turn, serves both byte
    /// orders.
    fn add_utf16(&mut self, text: &str, boundary: Boundary) {
        let latin: Option<Vec<u8>> = text
            .chars()
            .map(|c| u8::try_from(c).ok())
            .collect();
        if let Some(latin) = latin {
            return self.push(with_zero_bytes(latin.into_iter()), boundary, 2);
        }
        let orders: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
        for order in orders {
            let units = text.encode_utf16().flat_map(order);
            self.push(units.collect(), boundary, 2);
        }
    }
}

/// All patterns of a value, none where it says too little to be looked for.
fn variants(removed: &RemovedValue, min: usize) -> Result<Vec<Pattern>, TooCostly> {
    let mut out = PatternList {
        removed,
        min,
        list: Vec::new(),
    };
    for text in readings(removed) {
        let values = text
            .split('\\')
            .map(|value| value.trim_matches([' ', '\0', '\n', '\r', '\t']));
        for value in values.filter(|value| !value.is_empty()) {
            match removed.kind {
                ValueKind::Date => out.add_date(value),
                ValueKind::Name => value
                    .split('=')
                    .for_each(|group| out.add_name(group)),
                ValueKind::Identifier => {
                    out.add_whole_and_parts(without_scheme(value).trim_end_matches(':'));
                }
                ValueKind::Descriptor | ValueKind::Private => {
                    out.add_free_text(without_scheme(value));
                }
                ValueKind::Uid => {}
            }
            if out.is_full() {
                return Err(TooCostly("a value that was removed has too many parts"));
            }
        }
    }
    let mut all = out.list;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// What the bytes may say: one text, or several where no character set says how they are to be
/// read.
fn readings(removed: &RemovedValue) -> Vec<String> {
    let bytes = &removed.bytes;
    if is_plain(bytes) {
        return vec![String::from_utf8_lossy(bytes).into_owned()];
    }
    let own = removed
        .character_sets
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut texts =
        vec![CharacterSet::from_element(own).decode(bytes, removed.kind == ValueKind::Name)];
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

/// Whether a text is enough to be looked for.
fn is_searchable(text: &str, min: usize) -> bool {
    let characters = text
        .chars()
        .filter(|c| c.is_alphanumeric());
    let (mut weight, mut letters) = (0, false);
    for c in characters {
        weight += if is_ideographic(c) { 2 } else { 1 };
        letters |= c.is_alphabetic();
    }
    let least = if letters { min } else { min.max(DIGITS) };
    weight >= least && (text.len() > LONGEST || !is_common_word(&text.to_lowercase()))
}

fn boundary(text: &str) -> Boundary {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit())
    {
        Boundary::Number
    } else if text.chars().count() < LONG && !text.chars().any(is_ideographic) {
        Boundary::Word
    } else {
        Boundary::Any
    }
}

/// Scripts that put no space between words.
fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7FF}')
        || matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FFDC}' | '\u{20000}'..='\u{3FFFF}')
}

fn with_zero_bytes(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut spread: Vec<u8> = bytes
        .flat_map(|byte| [byte, 0])
        .collect();
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

/// Whether a word in lower case is a common one: vocabulary of the field, what stands
/// for a name, or a program that signs what it makes.
fn is_common_word(lower: &str) -> bool {
    is_known_word(lower)
        || COMMON_WORDS
            .binary_search(&lower)
            .is_ok()
        || PROGRAMS
            .binary_search(&lower)
            .is_ok()
}

/// A URL or URN without its scheme, which says how something is reached and never whose it is; any
/// other text as it is.
fn without_scheme(value: &str) -> &str {
    if let Some((scheme, rest)) = value.split_once("://") {
        let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        return if scheme.bytes().all(may_be) && !rest.is_empty() {
            rest
        } else {
            value
        };
    }
    let opaque = OPAQUE_SCHEMES
        .iter()
        .find(|scheme| {
            value
                .get(..scheme.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
        });
    opaque
        .and_then(|scheme| value.get(scheme.len()..))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(value)
}

/// Schemes that have no slashes behind them, the longer ones first.
const OPAQUE_SCHEMES: [&str; 7] = [
    "urn:oid:",
    "urn:uuid:",
    "urn:",
    "oid:",
    "uuid:",
    "mailto:",
    "tel:",
];

/// Words that stand in the place of identifiers, those that most names of institutions hold, and
/// those that web addresses begin with.
const COMMON_WORDS: [&str; 43] = [
    "anon",
    "anonym",
    "anonymised",
    "anonymized",
    "anonymous",
    "center",
    "centre",
    "clinic",
    "clinical",
    "compressed",
    "data",
    "deidentified",
    "demo",
    "department",
    "doctor",
    "dummy",
    "example",
    "female",
    "general",
    "health",
    "hospital",
    "http",
    "https",
    "image",
    "institute",
    "institution",
    "klinik",
    "male",
    "medical",
    "name",
    "none",
    "null",
    "patient",
    "phantom",
    "research",
    "samples",
    "series",
    "study",
    "subject",
    "test",
    "university",
    "unknown",
    "wado",
];

/// Programs, libraries and their makers that sign files with their own name.
const PROGRAMS: [&str; 18] = [
    "conquest",
    "dcm4che",
    "dcmqi",
    "dcmtk",
    "gdcm",
    "highdicom",
    "mevislab",
    "nnunet",
    "offis",
    "orthanc",
    "osirix",
    "pixelmed",
    "pydicom",
    "qupath",
    "simpleitk",
    "slicer",
    "totalsegmentator",
    "wsidicomizer",
];

/// A day as people and programs mostly write it, besides its eight digits.
fn date_forms(day: NaiveDate) -> Vec<String> {
    const FORMATS: [&str; 17] = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%d-%m-%Y",
        "%m/%d/%Y",
        "%m-%d-%Y",
        "%-d.%-m.%Y",
        "%-d/%-m/%Y",
        "%-m/%-d/%Y",
        "%d-%b-%Y",
        "%d %b %Y",
        "%d%b%Y",
        "%b %-d, %Y",
        "%-d %B %Y",
        "%B %-d, %Y",
    ];
    FORMATS
        .iter()
        .map(|format| day.format(format).to_string())
        .collect()
}

/// How many values are kept at most. Values that every instance has anew push the others out now
/// and then.
const CACHE_CAPACITY: usize = 4096;
/// A value with more bytes or patterns is not kept, so that none makes the run grow.
const LONGEST_CACHED: usize = 1024;
const MOST_CACHED: usize = 128;

/// The patterns of a run.
#[derive(Default)]
pub struct PatternCache {
    kept: RwLock<HashMap<RemovedValue, Arc<[Pattern]>>>,
}

impl PatternCache {
    /// The patterns of each value, where they are not too many together.
    pub fn patterns(
        &self,
        values: &[&RemovedValue],
        min: usize,
    ) -> Result<Vec<Arc<[Pattern]>>, TooCostly> {
        let known: Vec<_> = {
            let kept = self
                .kept
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            values
                .iter()
                .map(|removed| kept.get(*removed).cloned())
                .collect()
        };
        let (mut new, mut all, mut count) = (Vec::new(), Vec::with_capacity(values.len()), 0);
        for (removed, known) in values.iter().zip(known) {
            let patterns = if let Some(known) = known {
                known
            } else {
                let variants: Arc<[Pattern]> = variants(removed, min)?.into();
                if new.len() < CACHE_CAPACITY
                    && removed.bytes.len() + removed.character_sets.len() <= LONGEST_CACHED
                    && variants.len() <= MOST_CACHED
                {
                    new.push((removed.compact(), Arc::clone(&variants)));
                }
                variants
            };
            count += patterns.len();
            if count > MOST_PATTERNS {
                return Err(TooCostly(
                    "the values that were removed have too many parts",
                ));
            }
            all.push(patterns);
        }
        if !new.is_empty() {
            let mut kept = self
                .kept
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if kept.len() + new.len() > CACHE_CAPACITY {
                kept.clear();
            }
            kept.extend(new);
        }
        Ok(all)
    }
}

impl RemovedValue {
    /// The same without holding on to the file that it came from.
    fn compact(&self) -> Self {
        let copied = |bytes: &bytes::Bytes| bytes::Bytes::copy_from_slice(bytes);
        Self {
            kind: self.kind,
            character_sets: copied(&self.character_sets),
            bytes: copied(&self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_searched() {
        assert!(COMMON_WORDS.is_sorted_by(|a, b| a < b) && PROGRAMS.is_sorted_by(|a, b| a < b));
    }
}
