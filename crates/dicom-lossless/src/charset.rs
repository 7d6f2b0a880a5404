//! Character sets: Specific Character Set (0008,0005), decoded leniently and encoded strictly.
//!
//! Owns PS3.3 section C.12.1.1.2 and PS3.5 section 6.1. Decoding is for rules and searches and
//! never fails; what it yields is never written back. Encoding gives exactly the text asked for, or
//! an error.

mod repertoire;
mod terms;

use encoding_rs::Encoding as Codec;

use repertoire::Repertoire;
use terms::Term;
pub use terms::defined_terms;

const ESC: u8 = 0x1B;

/// How the text of a data set is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSet {
    /// The set that stands alone and knows no escapes, where it is one.
    whole: Option<&'static Codec>,
    /// The first is in force at the start of each value; the others are reached by escapes.
    repertoires: Vec<Repertoire>,
    /// Whether (0008,0005) names code extensions.
    extended: bool,
}

/// Text holds a character that the character set lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unencodable;

impl std::fmt::Display for Unencodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a character is not in the file's character set")
    }
}

impl std::error::Error for Unencodable {}

impl Default for CharacterSet {
    /// The default repertoire, ISO-IR 6 (ASCII).
    fn default() -> Self {
        Self {
            whole: None,
            repertoires: vec![Repertoire::Ascii],
            extended: false,
        }
    }
}

impl CharacterSet {
    /// What a value of Specific Character Set says. Terms that are unknown count as the default
    /// repertoire.
    pub fn from_element(value: &[u8]) -> Self {
        let mut set = Self {
            whole: None,
            repertoires: Vec::new(),
            extended: false,
        };
        for (index, term) in value
            .split(|b| *b == b'\\')
            .enumerate()
        {
            let Some(term) = Term::of(term).or_else(|| Term::of(b"")) else {
                continue;
            };
            set.extended |= index > 0 || term.extends;
            if index == 0 {
                set.whole = term.whole;
            }
            // A set that stands alone cannot be reached by an escape.
            if term.whole.is_none() || index == 0 {
                set.repertoires
                    .push(term.repertoire);
            }
        }
        set
    }

    /// Text from bytes, padding and all. Lossy: what is no character becomes U+FFFD; bytes above 7F
    /// in the default repertoire read as Latin-1. ISO 2022 escapes are followed; state returns to
    /// the start after each delimiter.
    pub fn decode(&self, bytes: &[u8], is_person_name: bool) -> String {
        if let Some(text) = str::from_utf8(bytes)
            .ok()
            .filter(|text| text.is_ascii() && !text.contains(char::from(ESC)))
        {
            return text.to_owned();
        }
        match self.whole {
            Some(codec) => codec
                .decode_without_bom_handling(bytes)
                .0
                .into_owned(),
            None => self.decode_extended(bytes, is_person_name),
        }
    }

    fn first(&self) -> Repertoire {
        self.repertoires
            .first()
            .copied()
            .unwrap_or(Repertoire::Ascii)
    }

    fn decode_extended(&self, bytes: &[u8], is_person_name: bool) -> String {
        let start = State::at_start(self.first());
        let (mut state, mut out, mut rest) = (start, String::with_capacity(bytes.len()), bytes);
        while let Some((&byte, after)) = rest.split_first() {
            if byte == ESC
                && let Some((escaped, after)) = state.escaped(rest)
            {
                (state, rest) = (escaped, after);
                continue;
            }
            // Two-byte characters contain the delimiters' codes, so these count only in a
            // single-byte state.
            let delimits = byte == b'\\' || (is_person_name && matches!(byte, b'^' | b'='));
            if byte < b' ' || (delimits && !state.low.is_multi_byte()) {
                state = start;
                out.push(char::from(byte));
                rest = after;
                continue;
            }
            let repertoire = if byte < 0x80 { state.low } else { state.high };
            let width = if repertoire.is_multi_byte() && rest.len() > 1 {
                2
            } else {
                1
            };
            let (character, after) = rest
                .split_at_checked(width)
                .unwrap_or((rest, &[]));
            out.push(repertoire.decode(character));
            rest = after;
        }
        out
    }

    /// The bytes of a text, without padding. Multi-valued text keeps its backslashes.
    ///
    /// # Errors
    /// A character has no code in the set.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, Unencodable> {
        if text.is_ascii() && !text.contains('\u{1B}') {
            return Ok(text.as_bytes().to_vec());
        }
        match self
            .whole
            .map(|codec| codec.encode(text))
        {
            Some((bytes, _, false)) => Ok(bytes.into_owned()),
            Some((_, _, true)) => Err(Unencodable),
            None => self.encode_extended(text),
        }
    }

    fn encode_extended(&self, text: &str) -> Result<Vec<u8>, Unencodable> {
        let start = State::at_start(self.first());
        let (mut state, mut out) = (start, Vec::with_capacity(text.len()));
        for c in text.chars() {
            if c == '\u{1B}' {
                return Err(Unencodable);
            }
            if c.is_ascii() {
                state.leave_two_bytes(&mut out, start);
                // Back at the start after anything that delimits, in whatever VR.
                if matches!(c, '\\' | '^' | '=') || c.is_control() {
                    state = start;
                }
                out.push(u8::try_from(c).map_err(|_| Unencodable)?);
                continue;
            }
            let in_force = [state.high, state.low]
                .into_iter()
                .find_map(|set| Some((set, set.encode(c)?)));
            let others = if self.extended {
                self.repertoires.as_slice()
            } else {
                &[]
            };
            let (set, bytes) = in_force
                .or_else(|| {
                    others
                        .iter()
                        .find_map(|set| Some((*set, set.encode(c)?)))
                })
                .ok_or(Unencodable)?;
            state.select(set, &mut out, start);
            out.extend_from_slice(&bytes);
        }
        state.leave_two_bytes(&mut out, start);
        Ok(out)
    }
}

/// Which sets the lower and the upper half of the code table stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    low: Repertoire,
    high: Repertoire,
}

impl State {
    fn at_start(first: Repertoire) -> Self {
        // Kanji live in the lower half and are only ever reached by an escape.
        let high = if first.is_low_multi_byte() {
            Repertoire::Ascii
        } else {
            first
        };
        let low = if first == Repertoire::Jis201 {
            first
        } else {
            Repertoire::Ascii
        };
        Self { low, high }
    }

    /// The state after the escape sequence that `bytes` begins with, and what follows it.
    fn escaped(self, bytes: &[u8]) -> Option<(Self, &[u8])> {
        let begins =
            |(set, escape): &(Repertoire, &[u8])| Some((*set, bytes.strip_prefix(*escape)?));
        let low = Repertoire::LOW
            .iter()
            .find_map(begins);
        if let Some((low, after)) = low {
            return Some((Self { low, ..self }, after));
        }
        let (high, after) = Repertoire::HIGH
            .iter()
            .find_map(begins)?;
        Some((Self { high, ..self }, after))
    }

    /// Leaves a two-byte set in the lower half.
    fn leave_two_bytes(&mut self, out: &mut Vec<u8>, start: Self) {
        if self.low.is_multi_byte() {
            out.extend_from_slice(start.low.escape(&Repertoire::LOW));
            self.low = start.low;
        }
    }

    /// Puts a set in force, with the escape that this takes.
    fn select(&mut self, set: Repertoire, out: &mut Vec<u8>, start: Self) {
        if set.is_low_multi_byte() {
            if self.low != set {
                out.extend_from_slice(set.escape(&Repertoire::LOW));
                self.low = set;
            }
            return;
        }
        self.leave_two_bytes(out, start);
        if self.high != set {
            out.extend_from_slice(set.escape(&Repertoire::HIGH));
            self.high = set;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Known answers: term, bytes, text. Names from the examples of PS3.5 annexes H to K, which
    /// belong to no one person.
    const KNOWN: [(&str, &[u8], &str); 19] = [
        ("", b"Plain^Name", "Plain^Name"),
        ("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme"),
        ("ISO_IR 101", b"Wa\xB3\xEAsa", "Wałęsa"),
        ("ISO_IR 109", b"\xFEapo", "ŝapo"),
        ("ISO_IR 110", b"\xA5\xF9", "Ĩų"),
        ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"),
        ("ISO_IR 127", b"\xE2\xC8\xC7\xE6\xEA", "قباني"),
        ("ISO_IR 138", b"\xF9\xF8\xE5\xEF", "שרון"),
        ("ISO_IR 144", b"\xBB\xEE\xDAce\xDC\xD1yp\xD3", "Люкceмбypг"),
        ("ISO_IR 148", b"\xC7avu\xFEo\xF0lu", "Çavuşoğlu"),
        ("ISO_IR 166", b"\xB9\xD2\xC1", "นาม"),
        ("ISO_IR 203", b"\xA4\xBD", "€œ"),
        ("ISO_IR 13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("ISO_IR 192", "Wang^王^小东".as_bytes(), "Wang^王^小东"),
        ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=", "Wang^XiaoDong=王^小东="),
        ("GBK", b"\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东"),
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东="),
    ];

    #[test]
    fn known_names_are_decoded_and_encoded() {
        for (term, bytes, text) in KNOWN {
            let set = CharacterSet::from_element(term.as_bytes());
            assert_eq!(set.decode(bytes, true), text, "{term}");
            assert_eq!(set.encode(text).unwrap(), bytes, "{term}");
        }
    }

    #[test]
    fn escapes_are_followed_whatever_comes_first() {
        let kanji: &[u8] = b"\x1B$B;3ED\x1B(B";
        for term in [
            "ISO 2022 IR 87",
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            "ISO 2022 IR 6\\ISO 2022 IR 87\\ISO 2022 IR 149",
        ] {
            assert_eq!(
                CharacterSet::from_element(term.as_bytes()).decode(kanji, true),
                "山田",
                "{term}"
            );
        }
        let supplement = CharacterSet::from_element(b"\\ISO 2022 IR 159");
        assert_eq!(supplement.decode(b"\x1B$(D0!\x1B(B", true), "丂");
        let jis = CharacterSet::from_element(b"ISO 2022 IR 13\\ISO 2022 IR 87");
        let mixed = "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎";
        assert_eq!(jis.decode(&jis.encode(mixed).unwrap(), true), mixed);
        let latin = CharacterSet::from_element(b"ISO 2022 IR 100\\ISO 2022 IR 144");
        assert_eq!(
            latin.decode(b"J\xE9r \x1B-L\xBB\xEE^\xE9", true),
            "Jér Лю^é"
        );
    }

    #[test]
    fn delimiters_inside_two_byte_characters_are_not_delimiters() {
        let kanji = CharacterSet::from_element(b"\\ISO 2022 IR 87");
        assert_eq!(
            kanji.decode(b"\x1B$B%\\\x1B(B\\x", false),
            "ソ\\x".replace('ソ', &kanji.decode(b"\x1B$B%\\\x1B(B", false))
        );
        assert_eq!(
            kanji
                .decode(b"\x1B$B%\\\x1B(B", false)
                .chars()
                .count(),
            1
        );
        let gbk = CharacterSet::from_element(b"GBK");
        assert!(
            !gbk.decode(b"\x81\x5C", false)
                .contains('\\')
        );
    }

    #[test]
    fn what_a_set_lacks_is_not_written() {
        for (term, text) in [
            ("", "é"),
            ("ISO_IR 100", "山"),
            ("ISO_IR 100", "ł"),
            ("ISO_IR 148", "ð"),
            ("\\ISO 2022 IR 87", "홍"),
            ("GBK", "😀"),
        ] {
            assert_eq!(
                CharacterSet::from_element(term.as_bytes()).encode(text),
                Err(Unencodable),
                "{term}"
            );
        }
    }

    #[test]
    fn anything_decodes() {
        let mut random = fastrand::Rng::with_seed(3);
        let terms = [
            "",
            "ISO_IR 13",
            "ISO_IR 192",
            "GB18030",
            "ISO 2022 IR 87",
            "\\ISO 2022 IR 149\\ISO 2022 IR 58",
            "nonsense",
            "ISO IR 100",
        ];
        for round in 0..4000 {
            let bytes: Vec<u8> = (0..random.usize(0..40))
                .map(|_| {
                    *random
                        .choice(b"\x1B$()-ABCDJLI^=\\ \x00\x8F\xA4\xE9\xFFa")
                        .unwrap()
                })
                .collect();
            let set = CharacterSet::from_element(terms[round % terms.len()].as_bytes());
            set.decode(&bytes, round % 2 == 0);
        }
        assert_eq!(
            CharacterSet::from_element(b"ISO_IR 192").decode(b"M\xFCller", true),
            "M\u{FFFD}ller"
        );
        assert_eq!(CharacterSet::default().decode(b"M\xFCller", true), "Müller");
        assert_eq!(
            CharacterSet::from_element(b"ISO IR 100"),
            CharacterSet::from_element(b"ISO_IR 100 ")
        );
    }
}
