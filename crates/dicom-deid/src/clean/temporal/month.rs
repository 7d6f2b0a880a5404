//! The names of the months in English, German, French and Spanish, and their usual short forms.

/// The names of each month, in small letters.
const NAMES: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jän", "jänner", "janvier", "janv", "enero", "ene",
    ],
    &[
        "february", "feb", "februar", "feber", "février", "fevrier", "févr", "fevr", "fév",
        "febrero",
    ],
    &[
        "march", "mar", "märz", "maerz", "mrz", "mär", "mars", "marzo",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "juil", "julio"],
    &["august", "aug", "août", "aout", "agosto", "ago"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "setiembre",
    ],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "decembre",
        "déc",
        "diciembre",
        "dic",
    ],
];

/// The length in bytes of the longest name.
const LONGEST: usize = 10;

/// Whether a name may begin with these two bytes; most words of a text do not.
pub(super) fn may_begin(first: u8, second: u8) -> bool {
    let (first, second) = (
        first | 0x20,
        if second.is_ascii() {
            second | 0x20
        } else {
            second
        },
    );
    match first {
        b'a' => matches!(second, b'b' | b'g' | b'o' | b'p' | b'u' | b'v'),
        b'd' => matches!(second, b'e' | b'i') || !second.is_ascii(),
        b'e' | b's' => matches!(second, b'e' | b'n'),
        b'f' => second == b'e' || !second.is_ascii(),
        b'j' => matches!(second, b'a' | b'u') || !second.is_ascii(),
        b'm' => matches!(second, b'a' | b'r') || !second.is_ascii(),
        b'n' => second == b'o',
        b'o' => matches!(second, b'c' | b'k'),
        _ => false,
    }
}

/// The month, from 1, that a word names in any of the languages.
pub(super) fn of_name(word: &str) -> Option<u32> {
    if !(3..=LONGEST).contains(&word.len()) {
        return None;
    }
    let named = if word.is_ascii() {
        NAMES
            .iter()
            .position(|names| names.iter().any(|name| name.eq_ignore_ascii_case(word)))
    } else {
        let small = word.to_lowercase();
        NAMES
            .iter()
            .position(|names| names.contains(&small.as_str()))
    };
    named.and_then(|at| u32::try_from(at + 1).ok())
}

/// The names of a month, counted from 1.
#[cfg(test)]
pub(super) fn names(month: u32) -> &'static [&'static str] {
    month
        .checked_sub(1)
        .and_then(|at| NAMES.get(at as usize))
        .copied()
        .unwrap_or_default()
}
