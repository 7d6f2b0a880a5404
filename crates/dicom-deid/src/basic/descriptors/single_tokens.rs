//! Whether one token is known to be safe: vocabulary, a short number, or a compound of these; and
//! what letters make of a number: a level of the spine, a parameter, a size, a count.
//!
//! Owns that judgement and its lists. What is not known is never safe, however harmless it looks; a
//! number with letters that none of the lists explains is a code.

use super::tokens::{TokenSafety, parts};
use crate::basic::identifiers::{Identifiers, UmlautSpelling, folded};
use crate::standard::is_known_word;

/// Folded words that make a number beside them an age.
pub const YEARS: [&str; 13] = [
    "y", "yo", "yr", "yrs", "year", "years", "jahre", "jahr", "j", "ans", "anni", "anos", "age",
];

/// The most parts that a compound may have; more look like a code.
const MOST_PARTS: usize = 8;

/// The most digits that a compound may have, sizes and values of parameters left out.
const MOST_DIGITS: usize = 4;

/// Whether a number may be the age of a person who is nearly alone with it: 90 or more.
pub fn is_high_age(digits: &str) -> bool {
    digits
        .parse::<u8>()
        .is_ok_and(|age| (90..=130).contains(&age))
}

/// Judges a token, given as it stands and in its two folded spellings.
pub fn verdict(word: &str, short: &str, long: &str, own: &Identifiers) -> TokenSafety {
    let named = own.names_someone();
    if named && (own.has_word(short) || own.has_word(long)) {
        return TokenSafety::Own;
    }
    if is_known_word(short) || is_known_word(long) || is_number(short) {
        return TokenSafety::Safe;
    }
    compound(word, own, named)
}

fn compound(word: &str, own: &Identifiers, named: bool) -> TokenSafety {
    let parts: Vec<Part> = parts(word)
        .take(MOST_PARTS + 1)
        .map(Part::of)
        .collect();
    if named
        && parts
            .iter()
            .any(|part| part.any(|spelled| own.has_word(spelled)))
    {
        return TokenSafety::Own;
    }
    let digits =
        (0..parts.len()).try_fold(0, |digits, index| Some(digits + weight(&parts, index)?));
    let is_short = (2..=MOST_PARTS).contains(&parts.len())
        && digits.is_some_and(|digits| digits <= MOST_DIGITS);
    if is_short {
        TokenSafety::Safe
    } else {
        TokenSafety::Unknown
    }
}

/// How many digits of a part count towards the limit; none if the part is not safe where it stands.
fn weight(parts: &[Part], index: usize) -> Option<usize> {
    let short = |at: Option<usize>| {
        at.and_then(|at| parts.get(at))
            .map_or("", |part| part.short.as_str())
    };
    let (before, after) = (short(index.checked_sub(1)), short(Some(index + 1)));
    let part = parts.get(index)?;
    let number = part.short.as_str();
    if !starts_with_digit(number) {
        return part
            .is_known(before, after)
            .then_some(0);
    }
    // The x between two numbers.
    let is_size = (before == "x" && starts_with_digit(short(index.checked_sub(2))))
        || (after == "x" && starts_with_digit(short(Some(index + 2))));
    // The unit kV is two parts, since a capital begins one.
    let joined = || {
        (index + 1..parts.len())
            .map(|at| short(Some(at)))
            .take_while(|part| !starts_with_digit(part))
            .collect::<String>()
    };
    if !is_size && !explains(before, number, after) && !explains("", number, &joined()) {
        return None;
    }
    if is_size || PARAMETERS.contains(&before) {
        let is_four = number.len() <= 4
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit());
        return (is_four || is_number(number)).then_some(0);
    }
    let is_age = YEARS.contains(&after) && is_high_age(number);
    (is_number(number) && !is_age).then_some(number.len())
}

fn starts_with_digit(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

/// A part of a compound, in its folded spellings.
struct Part {
    short: String,
    long: Option<String>,
}

impl Part {
    fn of(part: &str) -> Self {
        let long = (!part.is_ascii()).then(|| folded(part, UmlautSpelling::Long));
        Self {
            short: folded(part, UmlautSpelling::Short),
            long,
        }
    }

    fn any(&self, holds: impl Fn(&str) -> bool) -> bool {
        holds(&self.short)
            || self
                .long
                .as_deref()
                .is_some_and(holds)
    }

    /// Letters are known as a word, or as one with a D or W (3DFLAIR, T2WTSE) or T (SAGT2) of its
    /// neighbour's.
    fn is_known(&self, before: &str, after: &str) -> bool {
        if self.any(is_known_word) {
            return true;
        }
        let inner = self
            .short
            .strip_prefix(['d', 'w'])
            .filter(|_| starts_with_digit(before));
        let outer = |word: &str| {
            word.strip_suffix('t')
                .filter(|_| starts_with_digit(after))
                .is_some_and(|word| word.is_empty() || is_known_word(word))
        };
        inner.is_some_and(|inner| is_known_word(inner) || outer(inner)) || outer(&self.short)
    }
}

/// A number of up to three digits, and up to three more behind a point.
pub fn is_number(text: &str) -> bool {
    let is_short = |digits: &str| {
        (1..=3).contains(&digits.len())
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    };
    match text.split_once('.') {
        Some((whole, fraction)) => is_short(whole) && is_short(fraction),
        None => is_short(text),
    }
}

/// Parameters of protocols whose values have up to four digits: b1000, TR2500.
pub const PARAMETERS: [&str; 14] = [
    "b", "bval", "bvalue", "bvalues", "bw", "fa", "fov", "mb", "te", "ti", "tr", "tsl", "venc",
    "echo",
];

/// Letters that levels of the spine are numbered with, and their highest number.
pub const SPINE: [(&str, u32); 6] = [
    ("c", 8),
    ("t", 12),
    ("th", 12),
    ("d", 12),
    ("l", 6),
    ("s", 8),
];

/// The same of segments and the like.
const NUMBERED: [(&str, u32); 9] = [
    ("co", 4),
    ("p", 9),
    ("e", 9),
    ("v", 9),
    ("m", 4),
    ("a", 4),
    ("n", 3),
    ("r", 4),
    ("g", 4),
];

/// Words before two levels of the spine: LWK 4/5.
pub const LEVELS: [&str; 16] = [
    "bwk",
    "bws",
    "disc",
    "discs",
    "disk",
    "disks",
    "hwk",
    "hws",
    "level",
    "levels",
    "lwk",
    "lws",
    "vertebra",
    "vertebrae",
    "wk",
    "wirbel",
];

/// Words before a part and how many there are: part 1/2.
pub const PARTS: [&str; 10] = [
    "echo", "page", "part", "phase", "run", "scan", "serie", "series", "stage", "teil",
];

/// Words of two letters that a digit may follow: BH1, PA2.
const COUNTED: [&str; 16] = [
    "ap", "ax", "bh", "ch", "ct", "ep", "fl", "fs", "lr", "mr", "pa", "pd", "pe", "ph", "rl", "se",
];

/// Families of reconstruction kernels: B70f, J40s; and those of two letters: Br60, Qr36.
const KERNELS: &str = "bhijtudq";
const KERNEL_ENDS: [&str; 5] = ["f", "s", "h", "m", "u"];
const PAIRED_KERNELS: [&str; 14] = [
    "bb", "bf", "bl", "br", "bv", "hc", "hf", "hn", "hp", "hr", "hv", "qr", "ub", "ur",
];

/// Units that may touch their number or stand behind it.
pub const UNITS: [&str; 30] = [
    "cc", "cgy", "cm", "deg", "degree", "degrees", "fps", "gbq", "grad", "gy", "hu", "hz", "kg",
    "khz", "kv", "kvp", "mas", "mbq", "mci", "mg", "min", "ml", "mm", "mmol", "ms", "msec", "ppm",
    "sec", "tesla", "um",
];

/// What is counted, and stands behind a number or a range of numbers.
pub const UNITS_APART: [&str; 13] = [
    "weeks",
    "hours",
    "minutes",
    "view",
    "views",
    "vw",
    "vws",
    "ebenen",
    "planes",
    "phases",
    "slices",
    "directions",
    "leads",
];

/// What else makes a number of the digits that it touches: 3D, 4ch, 2nd.
const UNITS_TOUCHING: [&str; 32] = [
    "bit", "bpm", "ch", "d", "er", "g", "gb", "h", "l", "m", "ma", "mcg", "mhz", "mo", "mos", "mt",
    "nd", "nm", "pct", "rd", "s", "st", "t", "th", "w", "wk", "x", "y", "yo", "yr", "yrs", "j",
];

/// The highest number of letters in a table.
pub fn highest(numbered: &[(&str, u32)], letters: &str) -> Option<u32> {
    numbered
        .iter()
        .find(|(known, _)| *known == letters)
        .map(|(_, last)| *last)
}

/// Whether a number may stand between what touches it in one word, folded; `before` and `after` are
/// empty where nothing does.
fn explains(before: &str, number: &str, after: &str) -> bool {
    let whole = number.parse::<u32>().ok();
    let is_level = |letters: &str| {
        let last = highest(&SPINE, letters).or_else(|| highest(&NUMBERED, letters));
        // T0, N0 and M0 are stages.
        let begins = !number.starts_with('0') || ("tnm".contains(letters) && number.len() == 1);
        begins && last.is_some_and(|last| whole.is_some_and(|number| number <= last))
    };
    // SAGT2 and 3DFLAIR: a letter of the number's joined to a word.
    let is_joined_before = before
        .strip_suffix('t')
        .is_some_and(|word| word == "d" || (word.len() > 1 && is_known_word(word)));
    let is_joined_after = matches!(number, "2" | "3" | "4")
        && after
            .strip_prefix('d')
            .is_some_and(|rest| rest == "t" || rest.len() > 1);
    let is_word = |word: &str| word.len() > 2 && is_known_word(word);
    let is_kernel = number.len() == 2
        && (PAIRED_KERNELS.contains(&before)
            || (before.len() == 1 && KERNELS.contains(before) && KERNEL_ENDS.contains(&after)));
    PARAMETERS.contains(&before)
        || is_level(before)
        || (is_joined_before && is_level("t"))
        || (is_word(before) && !is_day(number))
        || (COUNTED.contains(&before) && number.len() == 1)
        || is_kernel
        || UNITS.contains(&after)
        || UNITS_TOUCHING.contains(&after)
        || (is_word(after) && before.is_empty() && !is_day(number))
        || is_joined_after
}

/// Whether a number with a point reads like a day and a month (12.06) rather than like a size
/// (1.25, 2.5).
pub fn is_day(number: &str) -> bool {
    let Some((first, second)) = number.split_once('.') else {
        return false;
    };
    let is_size = first.len() == 1
        && (second.len() == 1
            || !(second.starts_with('0')
                || second
                    .parse()
                    .is_ok_and(|two: u32| two <= 12)));
    !is_size && may_be_day(first, second)
}

/// Whether two numbers can be a day and a month, in either order.
pub fn may_be_day(first: &str, second: &str) -> bool {
    let (Ok(first), Ok(second)) = (first.parse::<u32>(), second.parse::<u32>()) else {
        return false;
    };
    let fits = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    fits(first, second) || fits(second, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_safe(word: &str) -> bool {
        let own = Identifiers::default();
        let (short, long) = (
            folded(word, UmlautSpelling::Short),
            folded(word, UmlautSpelling::Long),
        );
        verdict(word, &short, &long, &own) == TokenSafety::Safe
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
    fn other_words_are_not_safe() {
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

    #[test]
    fn numbers_are_explained_by_what_touches_them() {
        for (before, number, after) in [
            ("l", "4", ""),
            ("th", "12", ""),
            ("te", "90", ""),
            ("b", "1000", ""),
            ("", "3", "mm"),
            ("", "2", "d"),
            ("", "3", "dflair"),
            ("sagt", "2", ""),
            ("dir", "98", ""),
            ("j", "40", "s"),
            ("qr", "36", ""),
            ("", "3", "plane"),
            ("iso", "0.9", ""),
        ] {
            assert!(explains(before, number, after), "{before} {number} {after}");
        }
        for (before, number, after) in [
            ("k", "23", ""),
            ("w", "12", ""),
            ("s", "17", ""),
            ("sw", "1", ""),
            ("", "2", "aa"),
            ("l", "9", ""),
            ("j", "40", ""),
            ("chest", "12.06", ""),
            ("", "12.06", "chest"),
            ("", "12", "a"),
        ] {
            assert!(
                !explains(before, number, after),
                "{before} {number} {after}"
            );
        }
    }

    #[test]
    fn days_are_distinguished_from_sizes() {
        for day in ["12.06", "14.5", "1.05", "5.12", "31.1", "05.14"] {
            assert!(is_day(day), "{day}");
        }
        for size in [
            "0.9", "1.25", "2.5", "3.75", "5.0", "10.0", "0.625", "12.75", "40.5", "3",
        ] {
            assert!(!is_day(size), "{size}");
        }
    }
}
