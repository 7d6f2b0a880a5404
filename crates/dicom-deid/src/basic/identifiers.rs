//! The identifiers that an instance itself states: the surest list of what its free text must not
//! repeat.
//!
//! Owns their collection, once per instance, from every level and before anything is cleaned. It
//! knows names and numbers and must never show them: no message, log or error is made from what is
//! in here.

mod folding;

use std::fmt;
use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, VR, own_character_set, text};

use crate::elements::CHARACTER_SET;
use crate::elements::attribute_table::AttributeTable;
use crate::elements::recent::{LONGEST_KEY, Recent};
use crate::standard::{IdentifierKind, identifier_kind, vr};

pub use folding::{UmlautSpelling, fold_into, folded, is_mark};

/// Titles, suffixes and particles: they stand beside names and identify no person.
const BESIDE_NAMES: [&str; 36] = [
    "and", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "dr", "du", "el",
    "frau", "herr", "jr", "la", "le", "les", "md", "mme", "mr", "mrs", "ms", "of", "pa", "phd",
    "prof", "rt", "sr", "the", "van", "vom", "von", "zu",
];

/// What an instance says of who, where, when and under which numbers. Words compare folded, as
/// `folding` spells them.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Identifiers {
    /// Parts of names of persons, and numbers that are all letters.
    words: Vec<Box<str>>,
    /// Two words that stand side by side in an institution, place or address, with a space between.
    /// Alone they may be any word of a report ("General", "Neck"), together they are a place.
    pairs: Vec<Box<str>>,
    /// Identifiers with digits, without separators, as they are and without leading zeros.
    ids: Vec<Box<str>>,
    /// Days.
    dates: Vec<NaiveDate>,
}

impl fmt::Debug for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifiers")
    }
}

impl Identifiers {
    /// The identifiers of a data set, items included.
    pub fn of(data: &DataSet, encoding: Encoding) -> Self {
        let mut found = Self::default();
        found.collect(data, encoding, &CharacterSet::default());
        for list in [&mut found.words, &mut found.pairs, &mut found.ids] {
            list.sort_unstable();
            list.dedup();
        }
        found.dates.sort_unstable();
        found.dates.dedup();
        found
    }

    /// The same, worked out once for instances that state the same.
    pub fn shared(data: &DataSet, encoding: Encoding, recent: &Recent<Self>) -> Arc<Self> {
        let mut key = Vec::with_capacity(2048);
        put_stated(&mut key, data);
        if let Some(known) = recent.find(&key) {
            return known;
        }
        let made = Arc::new(Self::of(data, encoding));
        recent.keep(&key, &made);
        made
    }

    fn collect(&mut self, data: &DataSet, encoding: Encoding, inherited: &CharacterSet) {
        let own = own_character_set(data);
        let charset = own.as_ref().unwrap_or(inherited);
        for element in data {
            if let Some(sequence) = element.items() {
                sequence
                    .items
                    .iter()
                    .for_each(|item| self.collect(&item.data, sequence.encoding, charset));
            } else if let Some(kind) = kind_of(element)
                && let Some(value) = text(element, encoding, charset)
            {
                self.add(kind, &value);
            }
        }
    }

    fn add(&mut self, kind: IdentifierKind, value: &str) {
        for value in value.split('\\') {
            match kind {
                IdentifierKind::Person => self.add_person(value),
                IdentifierKind::Id => self.add_id(value),
                IdentifierKind::Place => self.add_place(value),
                IdentifierKind::Contact => self.add_contact(value),
                IdentifierKind::Date => self.add_date(value),
            }
        }
    }

    /// Family, given and middle names of each group; prefix and suffix are titles.
    fn add_person(&mut self, name: &str) {
        for component in name
            .split('=')
            .flat_map(|group| group.split('^').take(3))
        {
            let alone = pieces(component).nth(1).is_none();
            for piece in pieces(component) {
                if has_digit(piece) {
                    self.add_number(piece);
                } else {
                    self.add_word(piece, !alone);
                }
            }
            // O'Brien is also written OBrien.
            if component.contains(['\'', '’', '-']) {
                component
                    .split([' ', ','])
                    .for_each(|joined| self.add_word(&letters_and_digits(joined), false));
            }
        }
    }

    fn add_word(&mut self, piece: &str, may_be_title: bool) {
        for spelling in spellings(piece) {
            let word = folded(piece, spelling);
            let is_title = may_be_title && BESIDE_NAMES.contains(&word.as_str());
            if word.chars().nth(1).is_some() && !is_title {
                self.words.push(word.into());
            }
        }
    }

    fn add_id(&mut self, id: &str) {
        if has_digit(id) {
            self.add_number(id);
            pieces(id)
                .filter(|piece| piece.len() >= 4 && has_digit(piece))
                .for_each(|piece| self.add_number(piece));
        } else if pieces(id).nth(1).is_some() {
            self.add_pairs(id);
        } else {
            pieces(id).for_each(|piece| self.add_word(piece, false));
        }
    }

    fn add_number(&mut self, id: &str) {
        let whole = if id.is_ascii() {
            let mut whole = String::with_capacity(id.len());
            whole.extend(
                id.bytes()
                    .filter(u8::is_ascii_alphanumeric)
                    .map(|byte| char::from(byte.to_ascii_lowercase())),
            );
            whole
        } else {
            folded(&letters_and_digits(id), UmlautSpelling::Short)
        };
        let short = whole.trim_start_matches('0');
        let is_other = short.len() < whole.len() && short.len() > 1;
        if is_other {
            self.ids.push(short.into());
        }
        // One digit is no more telling than any other number.
        if whole.len() > 1 {
            self.ids.push(whole.into());
        }
    }

    fn add_place(&mut self, place: &str) {
        self.add_pairs(place);
        // A room or machine such as CT01.
        let numbered = |piece: &&str| {
            piece.len() > 2
                && has_digit(piece)
                && piece
                    .bytes()
                    .any(|byte| byte.is_ascii_alphabetic())
        };
        pieces(place)
            .filter(numbered)
            .for_each(|piece| self.add_number(piece));
    }

    fn add_contact(&mut self, contact: &str) {
        self.add_pairs(contact);
        let digits: String = contact
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        if digits.len() > 4 {
            self.add_number(&digits);
        }
    }

    fn add_pairs(&mut self, phrase: &str) {
        for (first, second) in pieces(phrase).zip(pieces(phrase).skip(1)) {
            for spelling in spellings(phrase) {
                let mut pair = String::with_capacity(first.len() + 1 + second.len());
                fold_into(&mut pair, first, spelling);
                pair.push(' ');
                fold_into(&mut pair, second, spelling);
                self.pairs.push(pair.into());
            }
        }
    }

    /// A date, or the first day of a range; a date of another calendar is a number like others.
    fn add_date(&mut self, value: &str) {
        match day_of(value.as_bytes()) {
            (8, Some(date)) => self.dates.push(date),
            (5.., _) => self.add_number(value),
            _ => {}
        }
    }

    /// Whether a folded word is part of a name or a number without digits, or two of them joined.
    pub fn has_word(&self, word: &str) -> bool {
        let has = |word: &str| {
            self.words
                .binary_search_by(|own| own.as_ref().cmp(word))
                .is_ok()
        };
        has(word)
            || self.words.iter().any(|own| {
                word.strip_prefix(own.as_ref())
                    .is_some_and(has)
            })
    }

    /// Whether two folded words, with a space between, stand side by side in a place.
    pub fn has_pair(&self, pair: &str) -> bool {
        self.pairs
            .binary_search_by(|own| own.as_ref().cmp(pair))
            .is_ok()
    }

    /// Whether there are parts of names at all.
    pub fn names_someone(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether there are places at all.
    pub fn names_a_place(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// The identifiers with digits, folded and without separators.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(AsRef::as_ref)
    }

    /// The days that the instance states.
    pub fn dates(&self) -> &[NaiveDate] {
        &self.dates
    }
}

/// The kind of an element by its tag and VR; of UN by the VR that its tag has.
fn kind_of(element: &Element) -> Option<IdentifierKind> {
    static KINDS: LazyLock<AttributeTable<Option<IdentifierKind>>> =
        LazyLock::new(AttributeTable::new);
    if element.is_private() {
        return identifier_kind(element.tag, element.vr);
    }
    KINDS.get(element.tag, element.vr, || {
        let real = match element.vr {
            VR::UN => vr(element.tag).unwrap_or(VR::UN),
            stated => stated,
        };
        identifier_kind(element.tag, real)
    })
}

/// The number of the first digits, eight at most, and the day that they are.
fn day_of(value: &[u8]) -> (usize, Option<NaiveDate>) {
    let digits = value
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .take(8);
    let number = digits
        .clone()
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let year = i32::try_from(number / 10_000).unwrap_or_default();
    let day = NaiveDate::from_ymd_opt(year, number / 100 % 100, number % 100);
    (digits.count(), day)
}

/// Puts all that identifiers are made of behind one another, so that equal bytes have equal
/// identifiers: kinds, VRs and values in their order, within the character sets that are declared.
/// What is too long to be kept ends early.
fn put_stated(key: &mut Vec<u8>, data: &DataSet) {
    let put = |key: &mut Vec<u8>, what: u8, bytes: &[u8]| {
        key.push(what);
        key.extend_from_slice(&bytes.len().to_le_bytes());
        key.extend_from_slice(bytes);
    };
    let declared = data
        .get(CHARACTER_SET)
        .and_then(Element::bytes);
    if let Some(set) = declared {
        put(key, b'[', set);
    }
    for element in data {
        if key.len() > LONGEST_KEY {
            return;
        }
        if let Some(sequence) = element.items() {
            for item in &sequence.items {
                put_stated(key, &item.data);
            }
        } else if let Some(bytes) = element.bytes()
            && let Some(kind) = kind_of(element)
        {
            key.extend_from_slice(element.vr.to_string().as_bytes());
            put(key, kind as u8, deciding(element.vr, bytes));
        }
    }
    if declared.is_some() {
        key.push(b']');
    }
}

/// What of a value decides: of a day with a time behind it the day.
fn deciding(vr: VR, bytes: &[u8]) -> &[u8] {
    match bytes.get(..8) {
        Some(day)
            if matches!(vr, VR::DA | VR::DT)
                && day.iter().all(u8::is_ascii_digit)
                && day_of(day).1.is_some()
                && !bytes.contains(&b'\\') =>
        {
            day
        }
        _ => bytes,
    }
}

/// Runs of letters and digits.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .filter(|piece| !piece.is_empty())
}

fn letters_and_digits(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric() || is_mark(*c))
        .collect()
}

fn has_digit(text: &str) -> bool {
    text.bytes()
        .any(|byte| byte.is_ascii_digit())
}

/// The spellings that differ.
fn spellings(text: &str) -> impl Iterator<Item = UmlautSpelling> + use<> {
    let count = if text.is_ascii() { 1 } else { 2 };
    [UmlautSpelling::Short, UmlautSpelling::Long]
        .into_iter()
        .take(count)
}

#[cfg(test)]
mod tests;
