//! The defined terms of Specific Character Set (PS3.3 section C.12.1.1.2), and the slips with which
//! they are written.
//!
//! Owns which term a value names. What names none, or more than one, is unknown: nothing is
//! guessed.

use encoding_rs::{Encoding as Codec, GB18030_INIT, GBK_INIT, UTF_8_INIT};

use super::repertoire::Repertoire;

/// What a term stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    pub repertoire: Repertoire,
    /// The set that stands alone, where it is one.
    pub whole: Option<&'static Codec>,
    /// Whether it is written as a term of code extensions.
    pub extends: bool,
    /// The term where it stands alone, and as one of several.
    alone: &'static str,
    among: &'static str,
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    Repertoire,
    Option<&'static Codec>,
);

/// The number or name by which a term is known, the term without and with code extensions, and what
/// it stands for. Sets that are only ever reached by an escape have one term.
static TERMS: [Row; 21] = [
    ("6", "ISO_IR 6", "ISO 2022 IR 6", Repertoire::Ascii, None),
    (
        "13",
        "ISO_IR 13",
        "ISO 2022 IR 13",
        Repertoire::Jis201,
        None,
    ),
    (
        "14",
        "ISO_IR 13",
        "ISO 2022 IR 13",
        Repertoire::Jis201,
        None,
    ),
    (
        "58",
        "ISO 2022 IR 58",
        "ISO 2022 IR 58",
        Repertoire::Chinese,
        None,
    ),
    (
        "87",
        "ISO 2022 IR 87",
        "ISO 2022 IR 87",
        Repertoire::Kanji,
        None,
    ),
    (
        "100",
        "ISO_IR 100",
        "ISO 2022 IR 100",
        Repertoire::Latin1,
        None,
    ),
    (
        "101",
        "ISO_IR 101",
        "ISO 2022 IR 101",
        Repertoire::Latin2,
        None,
    ),
    (
        "109",
        "ISO_IR 109",
        "ISO 2022 IR 109",
        Repertoire::Latin3,
        None,
    ),
    (
        "110",
        "ISO_IR 110",
        "ISO 2022 IR 110",
        Repertoire::Latin4,
        None,
    ),
    (
        "126",
        "ISO_IR 126",
        "ISO 2022 IR 126",
        Repertoire::Greek,
        None,
    ),
    (
        "127",
        "ISO_IR 127",
        "ISO 2022 IR 127",
        Repertoire::Arabic,
        None,
    ),
    (
        "138",
        "ISO_IR 138",
        "ISO 2022 IR 138",
        Repertoire::Hebrew,
        None,
    ),
    (
        "144",
        "ISO_IR 144",
        "ISO 2022 IR 144",
        Repertoire::Cyrillic,
        None,
    ),
    (
        "148",
        "ISO_IR 148",
        "ISO 2022 IR 148",
        Repertoire::Latin5,
        None,
    ),
    (
        "149",
        "ISO 2022 IR 149",
        "ISO 2022 IR 149",
        Repertoire::Korean,
        None,
    ),
    (
        "159",
        "ISO 2022 IR 159",
        "ISO 2022 IR 159",
        Repertoire::KanjiSupplement,
        None,
    ),
    (
        "166",
        "ISO_IR 166",
        "ISO 2022 IR 166",
        Repertoire::Thai,
        None,
    ),
    (
        "203",
        "ISO_IR 203",
        "ISO 2022 IR 203",
        Repertoire::Latin9,
        None,
    ),
    (
        "192",
        "ISO_IR 192",
        "ISO_IR 192",
        Repertoire::Ascii,
        Some(&UTF_8_INIT),
    ),
    (
        "GB18030",
        "GB18030",
        "GB18030",
        Repertoire::Ascii,
        Some(&GB18030_INIT),
    ),
    ("GBK", "GBK", "GBK", Repertoire::Ascii, Some(&GBK_INIT)),
];

/// Other names of the same sets, letters and digits alone.
const ALIASES: [(&str, &str); 36] = [
    ("ASCII", "6"),
    ("USASCII", "6"),
    ("646", "6"),
    ("LATIN1", "100"),
    ("88591", "100"),
    ("LATIN2", "101"),
    ("88592", "101"),
    ("LATIN3", "109"),
    ("88593", "109"),
    ("LATIN4", "110"),
    ("88594", "110"),
    ("GREEK", "126"),
    ("88597", "126"),
    ("ARABIC", "127"),
    ("88596", "127"),
    ("HEBREW", "138"),
    ("88598", "138"),
    ("CYRILLIC", "144"),
    ("88595", "144"),
    ("LATIN5", "148"),
    ("88599", "148"),
    ("THAI", "166"),
    ("TIS620", "166"),
    ("885911", "166"),
    ("LATIN9", "203"),
    ("885915", "203"),
    ("UTF8", "192"),
    ("UNICODEUTF8", "192"),
    ("UTF8UNICODE", "192"),
    ("192UTF8", "192"),
    ("JISX0201", "13"),
    ("JISX0208", "87"),
    ("JISX0212", "159"),
    ("KSX1001", "149"),
    // A part of GB18030, byte for byte.
    ("GB2312", "GB18030"),
    ("CP936", "GBK"),
];

impl Term {
    /// The term that this text names, spelled as the standard does or with the usual slips (`ISO IR
    /// 100`, `ISO-IR 100`, `iso_ir100`, `ISO2022IR87`, `UTF-8`, `latin1`). An empty text names the
    /// default repertoire.
    pub fn of(text: &[u8]) -> Option<Self> {
        let text = text
            .trim_ascii()
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default()
            .trim_ascii();
        if let Some(row) = TERMS
            .iter()
            .find(|row| row.1.as_bytes() == text)
        {
            return Some(Self::from(*row));
        }
        let slip = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-.:,/".contains(byte);
        if text.len() > 32 || !text.iter().all(slip) {
            return None;
        }
        let plain: String = text
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| char::from(byte.to_ascii_uppercase()))
            .collect();
        if plain.is_empty() {
            return text.is_empty().then_some(Self {
                extends: false,
                alone: "",
                among: "",
                ..Self::known("6")?
            });
        }
        let (extended, name) = match plain.strip_prefix("ISO2022") {
            Some(name) => (
                true,
                name.strip_prefix("IR")
                    .unwrap_or(name),
            ),
            None => (
                false,
                ["ISOIR", "ISO", "IR"]
                    .iter()
                    .find_map(|prefix| plain.strip_prefix(prefix))
                    .unwrap_or(&plain),
            ),
        };
        let term = Self::known(name)?;
        Some(Self {
            extends: term.extends || extended,
            alone: if extended { term.among } else { term.alone },
            ..term
        })
    }

    fn known(name: &str) -> Option<Self> {
        let name = ALIASES
            .iter()
            .find(|(alias, _)| *alias == name)
            .map_or(name, |(_, of)| *of);
        TERMS
            .iter()
            .find(|row| row.0 == name)
            .copied()
            .map(Self::from)
    }
}

impl From<Row> for Term {
    fn from((_, alone, among, repertoire, whole): Row) -> Self {
        Self {
            repertoire,
            whole,
            extends: alone == among && whole.is_none(),
            alone,
            among,
        }
    }
}

/// A value of Specific Character Set, each of its terms spelled as the standard does; none where
/// one of them is not known.
pub fn defined_terms(value: &[u8]) -> Option<String> {
    let terms: Vec<Term> = value
        .split(|byte| *byte == b'\\')
        .map(Term::of)
        .collect::<Option<_>>()?;
    let filled = terms
        .iter()
        .rposition(|term| !term.among.is_empty())
        .map_or(0, |last| last + 1);
    let spelled = |term: &Term| if filled > 1 { term.among } else { term.alone };
    Some(
        terms
            .iter()
            .take(filled)
            .map(spelled)
            .collect::<Vec<_>>()
            .join("\\"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CharacterSet;

    #[test]
    fn slips_that_name_one_term_are_spelled_as_the_standard_does() {
        for (written, term) in [
            ("ISO_IR 100", "ISO_IR 100"),
            ("ISO_IR 100 ", "ISO_IR 100"),
            ("ISO IR 100", "ISO_IR 100"),
            ("ISO-IR 100", "ISO_IR 100"),
            ("ISO_IR_100", "ISO_IR 100"),
            ("ISO_IR100", "ISO_IR 100"),
            ("iso_ir 100", "ISO_IR 100"),
            ("IR 100", "ISO_IR 100"),
            ("latin1", "ISO_IR 100"),
            ("ISO-8859-1", "ISO_IR 100"),
            ("ISO 8859-2", "ISO_IR 101"),
            ("iso8859-5\0", "ISO_IR 144"),
            ("UTF8", "ISO_IR 192"),
            ("UTF-8", "ISO_IR 192"),
            ("utf_8", "ISO_IR 192"),
            ("ISO IR 192", "ISO_IR 192"),
            ("ISO 2022 IR 100", "ISO 2022 IR 100"),
            ("ISO_2022_IR_100", "ISO 2022 IR 100"),
            ("ISO 2022-IR 100", "ISO 2022 IR 100"),
            ("ISO2022IR87", "ISO 2022 IR 87"),
            ("ISO_IR 87", "ISO 2022 IR 87"),
            ("\\ISO 2022 IR 87", "\\ISO 2022 IR 87"),
            (
                "\\ISO IR 87\\ISO_IR 159",
                "\\ISO 2022 IR 87\\ISO 2022 IR 159",
            ),
            (
                "ISO_IR 100\\ISO 2022 IR 144",
                "ISO 2022 IR 100\\ISO 2022 IR 144",
            ),
            (
                "ISO 2022 IR 6\\ISO 2022 IR 100",
                "ISO 2022 IR 6\\ISO 2022 IR 100",
            ),
            ("ISO_IR 100\\", "ISO_IR 100"),
            ("ISO 2022 GBK", "GBK"),
            ("GB2312", "GB18030"),
            ("ISO_IR 6", "ISO_IR 6"),
            ("", ""),
            ("  ", ""),
        ] {
            assert_eq!(
                defined_terms(written.as_bytes()).as_deref(),
                Some(term),
                "{written}"
            );
            let (as_written, as_spelled) = (
                CharacterSet::from_element(written.as_bytes()),
                CharacterSet::from_element(term.as_bytes()),
            );
            for bytes in [&b"M\xFCller"[..], b"\x1B$B;3ED\x1B(B", "Müller".as_bytes()] {
                assert_eq!(
                    as_written.decode(bytes, true),
                    as_spelled.decode(bytes, true),
                    "{written}"
                );
            }
        }
    }

    #[test]
    fn what_names_no_term_is_unknown() {
        for written in [
            "Ward Jones",
            "ISO_IR 999",
            "Shift_JIS",
            "windows-1252",
            "ISO_IR 100 Jones",
            "ISO_IR 100\\Jones",
            "?",
            "-",
            "\u{fc}",
        ] {
            assert_eq!(defined_terms(written.as_bytes()), None, "{written}");
        }
    }
}
