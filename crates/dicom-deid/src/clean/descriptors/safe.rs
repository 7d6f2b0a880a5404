//! Whether one token is known to be safe: vocabulary, a short number, or a compound of these.
//!
//! Owns that judgement. What is not known is never safe, however harmless it looks.

use super::numbering::{explains, is_parameter};
use super::tokens::{Verdict, parts};
use crate::clean::identifiers::{Identifiers, Spelling, folded};
use crate::standard::is_known_word;

/// What makes a number before it an age.
const YEARS: [&str; 13] = [
    "y", "yo", "yr", "yrs", "year", "years", "jahre", "jahr", "j", "ans", "anni", "anos", "age",
];

/// The most parts that a compound may have; more look like a code.
const MOST_PARTS: usize = 8;

/// The most digits that a compound may have, sizes and values of parameters left out.
const MOST_DIGITS: usize = 4;

/// Whether a folded word makes a number beside it an age.
pub(super) fn is_of_age(word: &str) -> bool {
    YEARS.contains(&word)
}

/// Whether a number may be the age of a person who is nearly alone with it: 90 or more.
pub(super) fn is_high_age(digits: &str) -> bool {
    digits
        .parse::<u8>()
        .is_ok_and(|age| (90..=130).contains(&age))
}

/// Judges a token, given as it stands and in its two folded spellings.
pub(super) fn verdict(word: &str, short: &str, long: &str, own: &Identifiers) -> Verdict {
    let named = own.names_someone();
    if named && (own.has_word(short) || own.has_word(long)) {
        return Verdict::Own;
    }
    if is_known_word(short) || is_known_word(long) || is_number(short) {
        return Verdict::Safe;
    }
    compound(word, own, named)
}

fn compound(word: &str, own: &Identifiers, named: bool) -> Verdict {
    let parts: Vec<Part> = parts(word).take(MOST_PARTS + 1).map(Part::of).collect();
    if named && parts.iter().any(|part| part.is_own(own)) {
        return Verdict::Own;
    }
    let digits =
        (0..parts.len()).try_fold(0, |digits, index| Some(digits + weight(&parts, index)?));
    let is_short = (2..=MOST_PARTS).contains(&parts.len())
        && digits.is_some_and(|digits| digits <= MOST_DIGITS);
    if is_short {
        Verdict::Safe
    } else {
        Verdict::Unknown
    }
}

/// How many digits of a part count towards the limit; none if the part is not safe where it stands.
fn weight(parts: &[Part], index: usize) -> Option<usize> {
    let part = parts.get(index)?;
    let before = index.checked_sub(1).and_then(|index| parts.get(index));
    let after = parts.get(index + 1);
    if !part.starts_with_digit() {
        return part.is_known(before, after).then_some(0);
    }
    let is_size = is_times(parts, index + 1)
        || index
            .checked_sub(1)
            .is_some_and(|index| is_times(parts, index));
    // The unit kV is two parts, since a capital begins one.
    let joined = || {
        parts
            .iter()
            .skip(index + 1)
            .take_while(|part| !part.starts_with_digit())
            .map(|part| part.short.as_str())
    };
    let is_explained = is_size
        || explains(spelled(before), &part.short, spelled(after))
        || explains("", &part.short, &joined().collect::<String>());
    part.digits(is_size, before, after).filter(|_| is_explained)
}

fn spelled(part: Option<&Part>) -> &str {
    part.map_or("", |part| part.short.as_str())
}

/// Whether a part is the x between two numbers.
fn is_times(parts: &[Part], index: usize) -> bool {
    let is_digit = |index: usize| parts.get(index).is_some_and(Part::starts_with_digit);
    parts.get(index).is_some_and(|part| part.short == "x")
        && index.checked_sub(1).is_some_and(is_digit)
        && is_digit(index + 1)
}

/// A part of a compound, in its folded spellings.
struct Part {
    short: String,
    long: Option<String>,
}

impl Part {
    fn of(part: &str) -> Self {
        let long = (!part.is_ascii()).then(|| folded(part, Spelling::Long));
        Self {
            short: folded(part, Spelling::Short),
            long,
        }
    }

    fn any(&self, holds: impl Fn(&str) -> bool) -> bool {
        holds(&self.short) || self.long.as_deref().is_some_and(holds)
    }

    fn is_own(&self, own: &Identifiers) -> bool {
        self.any(|spelled| own.has_word(spelled))
    }

    fn starts_with_digit(&self) -> bool {
        self.short.starts_with(|c: char| c.is_ascii_digit())
    }

    fn digits(&self, is_size: bool, before: Option<&Self>, after: Option<&Self>) -> Option<usize> {
        if is_size || before.is_some_and(|part| is_parameter(&part.short)) {
            let is_four =
                self.short.len() <= 4 && self.short.bytes().all(|byte| byte.is_ascii_digit());
            return (is_four || is_number(&self.short)).then_some(0);
        }
        let is_age = after.is_some_and(|part| is_of_age(&part.short)) && is_high_age(&self.short);
        (is_number(&self.short) && !is_age).then_some(self.short.len())
    }

    /// Letters are known as a word, or as one with a D or W (3DFLAIR, T2WTSE) or T (SAGT2) of its
    /// neighbour's.
    fn is_known(&self, before: Option<&Self>, after: Option<&Self>) -> bool {
        let is_number = |part: Option<&Self>| part.is_some_and(Self::starts_with_digit);
        if self.any(is_known_word) {
            return true;
        }
        let inner = self
            .short
            .strip_prefix(['d', 'w'])
            .filter(|_| is_number(before));
        let outer = |word: &str| {
            word.strip_suffix('t')
                .filter(|_| is_number(after))
                .is_some_and(is_known_or_none)
        };
        inner.is_some_and(|inner| is_known_word(inner) || outer(inner)) || outer(&self.short)
    }
}

fn is_known_or_none(word: &str) -> bool {
    word.is_empty() || is_known_word(word)
}

/// A number of up to three digits, and up to three more behind a point.
pub(super) fn is_number(text: &str) -> bool {
    let is_short = |digits: &str| {
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text.split_once('.') {
        Some((whole, fraction)) => is_short(whole) && is_short(fraction),
        None => is_short(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_safe(word: &str) -> bool {
        let own = Identifiers::default();
        let (short, long) = (folded(word, Spelling::Short), folded(word, Spelling::Long));
        verdict(word, &short, &long, &own) == Verdict::Safe
    }

    #[test]
    fn words_numbers_and_compounds_are_safe() {
        for word in [
            "Head",
            "MPRAGE",
            "Schädel",
            "SCHAEDEL",
            "crâne",
            "5",
            "3.5",
            "1.25",
            "5mm",
            "3x3",
            "512x512",
            "0.9x0.9x3mm",
            "b1000",
            "t1w",
            "C7",
            "th12",
            "s1",
            "T1wMPRAGE",
            "HeadRoutine",
            "3DT1",
            "3DFLAIR",
            "SAGT2",
            "T2WTSE",
            "120kV",
            "3.0T",
            "TR2500",
            "1024x1024",
            "I70f",
            "2D",
            "65y",
        ] {
            assert!(is_safe(word), "{word}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for word in [
            "Smith",
            "JaneDoe",
            "HeadSmith",
            "12345",
            "1234",
            "1958",
            "in1958",
            "CT4521",
            "a1b2c3d4e5",
            "12.03.1958",
            "1.2.840",
            "MRN0012",
            "93yo",
            "headroutine",
            "頭部",
            "１２",
            "T1頭",
            "1958x",
            "x1958",
            "Ⅷ",
            "b10000",
            "12.3456",
        ] {
            assert!(!is_safe(word), "{word}");
        }
    }
}
