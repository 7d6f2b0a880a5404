//! The names of the months in English, German, French and Spanish, and their usual short forms.

/// The names of each month, in small letters.
const NAMES: [&[&str]; 12] = [
    &["january", "jan", "januar", "jän", "jänner", "janvier", "janv", "enero", "ene"],
    &["february", "feb", "februar", "feber", "février", "fevrier", "févr", "fevr", "fév", "febrero"],
    &["march", "mar", "märz", "maerz", "mrz", "mär", "mars", "marzo"],
    &["april", "apr", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "juil", "julio"],
    &["august", "aug", "août", "aout", "agosto", "ago"],
    &["september", "sep", "sept", "septembre", "septiembre", "setiembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "dez", "décembre", "decembre", "déc", "diciembre", "dic"],
];

/// The length in bytes of the longest name.
const LONGEST: usize = 10;

/// Whether a name begins with this byte.
pub(super) fn may_begin(byte: u8) -> bool {
    matches!(byte | 0x20, b'a' | b'd' | b'e' | b'f' | b'j' | b'm' | b'n' | b'o' | b's')
}

/// The month, from 1, that a word names in any of the languages.
pub(super) fn of_name(word: &str) -> Option<u32> {
    let first = word.bytes().next()?.to_ascii_lowercase();
    if !(3..=LONGEST).contains(&word.len()) {
        return None;
    }
    let is_word = |name: &&str| name.bytes().next() == Some(first) && name.chars().eq(word.chars().flat_map(char::to_lowercase));
    (1..).zip(NAMES).find(|(_, names)| names.iter().any(|name| is_word(&name))).map(|(month, _)| month)
}

/// The names of a month, counted from 1.
pub(super) fn names(month: u32) -> &'static [&'static str] {
    month.checked_sub(1).and_then(|at| NAMES.get(at as usize)).copied().unwrap_or_default()
}
