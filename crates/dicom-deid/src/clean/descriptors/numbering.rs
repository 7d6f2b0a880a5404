//! What letters make of a number: a level of the spine, a parameter, a size, a count. A number with
//! letters that none of these explains is a code.
//!
//! Owns the lists. It looks at one number and what touches it.

use crate::standard::is_known_word;

/// Parameters of protocols whose values have up to four digits: b1000, TR2500.
const PARAMETERS: [&str; 14] = [
    "b", "bval", "bvalue", "bvalues", "bw", "fa", "fov", "mb", "te", "ti", "tr", "tsl", "venc",
    "echo",
];

/// Letters that levels, segments and the like are numbered with, and their highest number.
const NUMBERED: [(&str, u32); 15] = [
    ("c", 8),
    ("t", 12),
    ("th", 12),
    ("d", 12),
    ("l", 6),
    ("s", 8),
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

/// Those of the spine.
const SPINE: [&str; 6] = ["c", "t", "th", "d", "l", "s"];

/// Words before two levels of the spine: LWK 4/5.
const LEVELS: [&str; 16] = [
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
const PARTS: [&str; 10] = [
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

/// Units, and what else makes a number of digits: 3D, 4ch, 2nd.
const UNITS: [&str; 62] = [
    "bit", "bpm", "cc", "cgy", "ch", "cm", "d", "deg", "degree", "degrees", "er", "fps", "g", "gb",
    "gbq", "grad", "gy", "h", "hu", "hz", "kg", "khz", "kv", "kvp", "l", "m", "ma", "mas", "mbq",
    "mci", "mcg", "mg", "mhz", "min", "ml", "mm", "mmol", "mo", "mos", "ms", "msec", "mt", "nd",
    "nm", "pct", "ppm", "rd", "s", "sec", "st", "t", "tesla", "th", "um", "w", "wk", "x", "y",
    "yo", "yr", "yrs", "j",
];

/// Units, and what is counted, that stand alone behind a number or a range of numbers.
const UNITS_APART: [&str; 43] = [
    "cc",
    "cgy",
    "cm",
    "deg",
    "degree",
    "degrees",
    "fps",
    "gbq",
    "grad",
    "gy",
    "hu",
    "hz",
    "kg",
    "khz",
    "kv",
    "kvp",
    "mas",
    "mbq",
    "mci",
    "mg",
    "min",
    "ml",
    "mm",
    "mmol",
    "ms",
    "msec",
    "ppm",
    "sec",
    "tesla",
    "um",
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

/// Whether a folded word names a parameter, so that the number behind it is its value.
pub(super) fn is_parameter(word: &str) -> bool {
    PARAMETERS.contains(&word)
}

/// Whether a folded word announces levels of the spine.
pub(super) fn announces_levels(word: &str) -> bool {
    LEVELS.contains(&word)
}

/// Whether a folded word announces a part and the count of parts.
pub(super) fn announces_parts(word: &str) -> bool {
    PARTS.contains(&word)
}

/// Whether a folded word is a unit that may stand apart from its number.
pub(super) fn is_unit(word: &str) -> bool {
    UNITS_APART.contains(&word)
}

/// The highest level that the letters of a level of the spine have.
pub(super) fn last_level(letters: &str) -> Option<u32> {
    SPINE
        .contains(&letters)
        .then(|| NUMBERED.iter().find(|(known, _)| *known == letters))
        .flatten()
        .map(|(_, last)| *last)
}

/// Whether a number may stand between what touches it in one word, folded; `before` and `after` are
/// empty where nothing does.
pub(super) fn explains(before: &str, number: &str, after: &str) -> bool {
    let whole = number.parse::<u32>().ok();
    let is_level = |letters: &str| {
        let numbered = NUMBERED.iter().find(|(known, _)| *known == letters);
        // T0, N0 and M0 are stages.
        let begins = if "tnm".contains(letters) {
            number.len() == 1 || !number.starts_with('0')
        } else {
            !number.starts_with('0')
        };
        begins && numbered.is_some_and(|(_, last)| whole.is_some_and(|number| number <= *last))
    };
    // SAGT2 and 3DFLAIR: a letter of the number's joined to a word.
    let joined_before = before
        .strip_suffix('t')
        .filter(|word| *word == "d" || (word.len() > 1 && is_known_word(word)));
    let is_joined_after = matches!(number, "2" | "3" | "4")
        && after
            .strip_prefix('d')
            .is_some_and(|rest| rest == "t" || rest.len() > 1);
    let is_word = |word: &str| word.len() > 2 && is_known_word(word);
    let is_kernel = number.len() == 2
        && (PAIRED_KERNELS.contains(&before)
            || (before.len() == 1 && KERNELS.contains(before) && KERNEL_ENDS.contains(&after)));
    is_parameter(before)
        || is_level(before)
        || (joined_before.is_some() && is_level("t"))
        || (is_word(before) && !is_day(number))
        || (COUNTED.contains(&before) && number.len() == 1)
        || is_kernel
        || UNITS.contains(&after)
        || (is_word(after) && before.is_empty() && !is_day(number))
        || is_joined_after
}

/// Whether a number with a point reads like a day and a month (12.06) rather than like a size
/// (1.25, 2.5).
pub(super) fn is_day(number: &str) -> bool {
    let Some((first, second)) = number.split_once('.') else {
        return false;
    };
    let is_size = first.len() == 1
        && (second.len() == 1
            || !(second.starts_with('0') || second.parse().is_ok_and(|two: u32| two <= 12)));
    !is_size && may_be_day(first, second)
}

/// Whether two numbers can be a day and a month, in either order.
pub(super) fn may_be_day(first: &str, second: &str) -> bool {
    let (Ok(first), Ok(second)) = (first.parse::<u32>(), second.parse::<u32>()) else {
        return false;
    };
    let fits = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    fits(first, second) || fits(second, first)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn days_are_told_from_sizes() {
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
