//! Numbers of content items: ages above 89 years become 90 years, in the unit that they have.

use crate::clean::temporal;
use crate::standard;
use crate::standard::structured_content::{ConceptRow, concept_rows};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, padded};

use super::super::act::put_text;
use super::{DUMMY, text};

const UNITS: Tag = Tag(0x0040, 0x08EA);
const MEASURED: Tag = Tag(0x0040, 0xA300);
const NUMERIC: Tag = Tag(0x0040, 0xA30A);
const FLOATING: Tag = Tag(0x0040, 0xA161);
const NUMERATOR: Tag = Tag(0x0040, 0xA162);
const DENOMINATOR: Tag = Tag(0x0040, 0xA163);
/// The elements in which an item has numbers.
pub(super) const NUMBERS: [Tag; 5] = [MEASURED, NUMERIC, FLOATING, NUMERATOR, DENOMINATOR];

/// Concepts that are the age of a person, besides those whose meaning says so.
const AGES: [(&str, &str); 9] = [
    ("121033", "DCM"),
    ("397669002", "SCT"),
    ("424144002", "SCT"),
    ("445518008", "SCT"),
    ("30525-0", "LN"),
    ("21612-7", "LN"),
    ("29553-5", "LN"),
    ("63900-5", "LN"),
    ("R-2009C", "SRT"),
];
/// Words for age in the meanings of local concepts, as in `Patient age at exam`; of the longer ones
/// also the end of a word.
const WORDS: [&str; 12] = [
    "age", "ages", "alter", "âge", "edad", "età", "eta", "idade", "leeftijd", "ålder", "alder",
    "wiek",
];
const ENDINGS: [&str; 2] = ["alter", "leeftijd"];
/// What 90 years are, in units of UCUM and as people write them.
const LIMITS: [(&[&str], f64); 7] = [
    (
        &[
            "a", "a_g", "a_j", "a_t", "y", "yr", "yrs", "year", "years", "jahr", "jahre", "j",
            "ans",
        ],
        90.0,
    ),
    (
        &["mo", "mo_g", "mo_j", "mo_s", "month", "months", "monate"],
        1080.0,
    ),
    (&["wk", "w", "week", "weeks", "wochen"], 4696.0),
    (&["d", "day", "days", "tage"], 32_872.0),
    (&["h", "hr", "hour", "hours"], 788_928.0),
    (&["min", "minute", "minutes"], 47_335_680.0),
    (&["s", "sec", "second", "seconds"], 2_840_140_800.0),
];

/// What a concept says of ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It is the age of a person.
    Is,
    /// It may be one: the tables do not know it.
    MayBe,
    /// It is something else.
    IsNot,
}

impl Age {
    pub(super) fn of(value: &str, scheme: &str, meaning: &str, rows: &[ConceptRow]) -> Self {
        let is_age = |word: &str| {
            WORDS.contains(&word) || ENDINGS.iter().any(|ending| word.ends_with(ending))
        };
        let small = meaning.to_lowercase();
        let said = small.split(|c: char| !c.is_alphabetic()).any(is_age);
        if said || AGES.contains(&(value, scheme)) {
            Self::Is
        } else if rows.is_empty() && !standard::is_meaning_of(scheme, value, meaning) {
            Self::MayBe
        } else {
            Self::IsNot
        }
    }

    /// What the table of concepts says of the age of a subject, for an age that it does not list.
    pub(super) fn rows(self) -> &'static [ConceptRow] {
        if self == Self::Is {
            concept_rows("121033", "DCM")
        } else {
            &[]
        }
    }

    /// Caps the numbers of an item, those of its Measured Value Sequence included; gives how many
    /// elements changed.
    pub(super) fn cap_numbers(self, item: &mut DataSet, encoding: Encoding) -> u32 {
        if self == Self::IsNot {
            return 0;
        }
        let mut changed = self.cap(item, encoding);
        if let Some(sequence) = item.get_mut(MEASURED).and_then(Element::items_mut) {
            let encoding = sequence.encoding;
            for measured in &mut sequence.items {
                changed += self.cap(&mut measured.data, encoding);
            }
        }
        changed
    }

    fn cap(self, data: &mut DataSet, encoding: Encoding) -> u32 {
        let Some(limit) = self.limit(data) else {
            return 0;
        };
        let decimal = data
            .get_mut(NUMERIC)
            .is_some_and(|element| cap_decimal(element, limit, self == Self::Is));
        let floating = data
            .get_mut(FLOATING)
            .is_some_and(|element| cap_floating(element, limit, encoding));
        u32::from(decimal) + u32::from(floating) + u32::from(cap_ratio(data, limit, encoding))
    }

    /// 90 years in the unit that stands beside a number. An age without a known unit is in years;
    /// what may be something else is one where it is told in years.
    fn limit(self, data: &DataSet) -> Option<f64> {
        let unit = data
            .get(UNITS)
            .and_then(Element::items)
            .and_then(|sequence| sequence.items.first());
        let is_unit = |known: &[&str]| {
            let part = |element| {
                unit.map(|unit| text(&unit.data, Tag(0x0008, element)).to_lowercase())
                    .unwrap_or_default()
            };
            known.contains(&part(0x0100).as_str()) || known.contains(&part(0x0104).as_str())
        };
        let found = LIMITS
            .iter()
            .find(|(known, _)| is_unit(known))
            .map(|(_, limit)| *limit);
        match (self, found) {
            (Self::Is, found) => Some(found.unwrap_or(90.0)),
            (Self::MayBe, Some(limit)) if limit <= 90.0 => Some(limit),
            _ => None,
        }
    }

    /// Caps an age that is told in words; true where the text changed.
    pub(super) fn cap_text(self, value: &mut Element) -> bool {
        if self != Self::Is {
            return false;
        }
        let text = value.bytes().map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_matches([' ', '\0'])
                .to_owned()
        });
        let text = text.unwrap_or_default();
        match temporal::cap_age(&text) {
            Ok(None) => false,
            Ok(Some(capped)) => put_text(value, &capped) != super::Stays::Same,
            // Only years are told without a unit, and whatever is told with one may be large.
            Err(_) => {
                let high = |number: &str| {
                    number
                        .parse::<u32>()
                        .map_or(!number.is_empty(), |number| number >= 90)
                };
                let is_high = text.split(|c: char| !c.is_ascii_digit()).any(high);
                is_high && put_text(value, DUMMY) != super::Stays::Same
            }
        }
    }
}

/// Caps decimal strings. A number that cannot be read is emptied where it is an age.
fn cap_decimal(element: &mut Element, limit: f64, is_age: bool) -> bool {
    let Some(bytes) = element.bytes() else {
        return false;
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut changed = false;
    let mut values = Vec::new();
    for value in text.split('\\') {
        match value.trim_matches([' ', '\0']).parse::<f64>() {
            Ok(number) if number >= limit => {
                changed |= number > limit;
                values.push(format!("{limit:.0}"));
            }
            Err(_) if is_age && !value.trim_matches([' ', '\0']).is_empty() => {
                changed = true;
                values.push(String::new());
            }
            Ok(_) | Err(_) => values.push(value.to_owned()),
        }
    }
    changed && put_text(element, values.join("\\").as_str()) != super::Stays::Same
}

/// Caps numbers of 64 bits; of another VR nothing is left.
fn cap_floating(element: &mut Element, limit: f64, encoding: Encoding) -> bool {
    let Some(bytes) = element.bytes().filter(|_| element.vr == VR::FD) else {
        return false;
    };
    let mut changed = false;
    let mut new = Vec::with_capacity(bytes.len());
    for word in bytes.as_chunks::<8>().0 {
        let number = if encoding.big_endian {
            f64::from_be_bytes(*word)
        } else {
            f64::from_le_bytes(*word)
        };
        let capped = if number > limit { limit } else { number };
        changed |= number > limit;
        new.extend(if encoding.big_endian {
            capped.to_be_bytes()
        } else {
            capped.to_le_bytes()
        });
    }
    if changed {
        *element = Element::new(element.tag, element.vr, padded(VR::FD, new));
    }
    changed
}

/// Caps a ratio: the limit above 1.
fn cap_ratio(data: &mut DataSet, limit: f64, encoding: Encoding) -> bool {
    let words = |tag| {
        let bytes = data.get(tag).and_then(Element::bytes)?;
        let word = |word: &[u8; 4]| encoding.u32(*word);
        Some(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(word)
                .collect::<Vec<u32>>(),
        )
    };
    let (Some(above), Some(below)) = (words(NUMERATOR), words(DENOMINATOR)) else {
        return false;
    };
    let is_high =
        |(above, below): (&u32, &u32)| f64::from(above.cast_signed()) > limit * f64::from(*below);
    if !above.iter().zip(&below).any(is_high) {
        return false;
    }
    for (tag, number) in [(NUMERATOR, limit), (DENOMINATOR, 1.0)] {
        if let Some(element) = data.get_mut(tag) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let word = encoding.put_u32(number as u32);
            *element = Element::new(tag, element.vr, word.to_vec());
        }
    }
    true
}
