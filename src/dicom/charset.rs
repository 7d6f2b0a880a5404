//! Character sets: Specific Character Set (0008,0005), decoded leniently and encoded strictly.
//!
//! Owns PS3.3 section C.12.1.1.2 and PS3.5 section 6.1. Decoding is for rules and searches and never fails; what it
//! yields is never written back. Encoding gives exactly the text asked for, or an error.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding as Codec, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_8, ISO_8859_15, WINDOWS_874,
};

const ESC: u8 = 0x1B;
const ASCII_ESCAPE: &[u8] = b"\x1B(B";

/// A set of single-byte or multi-byte characters that a defined term names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    Ascii,
    Latin1,
    Latin5,
    Jis201,
    Greek,
    Cyrillic,
    Arabic,
    Hebrew,
    Latin2,
    Latin3,
    Latin4,
    Latin9,
    Thai,
    Kanji,
    KanjiSupplement,
    Korean,
    Chinese,
}

/// The sets that stand alone and know no escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Utf8,
    Gb18030,
    Gbk,
}

/// How the text of a data set is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSet {
    whole: Option<Whole>,
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
        Self { whole: None, repertoires: vec![Repertoire::Ascii], extended: false }
    }
}

impl CharacterSet {
    /// What a value of Specific Character Set says. Terms that are unknown count as the default repertoire.
    pub fn from_element(value: &[u8]) -> Self {
        let mut set = Self { whole: None, repertoires: Vec::new(), extended: false };
        for (index, term) in value.split(|b| *b == b'\\').enumerate() {
            let term = Term::parse(term);
            set.extended |= index > 0 || term.extends;
            if index == 0 {
                set.whole = term.whole;
            }
            // A set that stands alone cannot be reached by an escape.
            if term.whole.is_none() || index == 0 {
                set.repertoires.push(term.repertoire);
            }
        }
        set
    }

    /// Text from bytes, padding and all. Lossy: what is no character becomes U+FFFD; bytes above 7F in the default
    /// repertoire read as Latin-1. ISO 2022 escapes are followed; state returns to the start after each delimiter.
    pub fn decode(&self, bytes: &[u8], is_person_name: bool) -> String {
        if bytes.is_ascii() && !bytes.contains(&ESC) {
            return bytes.iter().map(|b| char::from(*b)).collect();
        }
        match self.whole {
            Some(Whole::Utf8) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Whole::Gb18030) => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
            Some(Whole::Gbk) => GBK.decode_without_bom_handling(bytes).0.into_owned(),
            None => self.decode_extended(bytes, is_person_name),
        }
    }

    fn first(&self) -> Repertoire {
        self.repertoires.first().copied().unwrap_or(Repertoire::Ascii)
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
            // Two-byte characters contain the delimiters' codes, so these count only in a single-byte state.
            let delimits = byte == b'\\' || (is_person_name && matches!(byte, b'^' | b'='));
            if byte < b' ' || (delimits && !state.low.is_multi_byte()) {
                state = start;
                out.push(char::from(byte));
                rest = after;
                continue;
            }
            let repertoire = if byte < 0x80 { state.low } else { state.high };
            let width = if repertoire.is_multi_byte() && rest.len() > 1 { 2 } else { 1 };
            let (character, after) = rest.split_at_checked(width).unwrap_or((rest, &[]));
            out.push(repertoire.decode(character));
            rest = after;
        }
        out
    }

    /// The bytes of a text, without padding. Multi-valued text keeps its backslashes.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, Unencodable> {
        if text.is_ascii() && !text.contains('\u{1B}') {
            return Ok(text.as_bytes().to_vec());
        }
        match self.whole {
            Some(Whole::Utf8) => Ok(text.as_bytes().to_vec()),
            Some(Whole::Gb18030) => encode_whole(GB18030, text),
            Some(Whole::Gbk) => encode_whole(GBK, text),
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
                state.to_single_byte(&mut out, start);
                // Back at the start after anything that delimits, in whatever VR.
                if matches!(c, '\\' | '^' | '=') || c.is_control() {
                    state = start;
                }
                out.push(u8::try_from(c).map_err(|_| Unencodable)?);
                continue;
            }
            let in_force = [state.high, state.low].into_iter().find_map(|set| Some((set, set.encode(c)?)));
            let (set, bytes) = match in_force {
                Some(found) => found,
                None => {
                    let others = if self.extended { self.repertoires.as_slice() } else { &[] };
                    others.iter().find_map(|set| Some((*set, set.encode(c)?))).ok_or(Unencodable)?
                }
            };
            state.select(set, &mut out, start);
            out.extend_from_slice(&bytes);
        }
        state.to_single_byte(&mut out, start);
        Ok(out)
    }
}

fn encode_whole(codec: &'static Codec, text: &str) -> Result<Vec<u8>, Unencodable> {
    match codec.encode(text) {
        (bytes, _, false) => Ok(bytes.into_owned()),
        (_, _, true) => Err(Unencodable),
    }
}

/// One defined term of (0008,0005).
struct Term {
    repertoire: Repertoire,
    whole: Option<Whole>,
    extends: bool,
}

impl Term {
    /// Reads a term, spelled as the standard does or with the usual slips (`ISO IR 100`, `ISO-IR 100`, `ISO2022IR87`).
    fn parse(term: &[u8]) -> Self {
        let plain: Vec<u8> = term.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        let (extends, name) = match plain.strip_prefix(b"ISO2022IR") {
            Some(number) => (true, number),
            None => (false, plain.strip_prefix(b"ISOIR").unwrap_or(&plain)),
        };
        let whole = match name {
            b"192" | b"UTF8" => Some(Whole::Utf8),
            b"GB18030" => Some(Whole::Gb18030),
            b"GBK" => Some(Whole::Gbk),
            _ => None,
        };
        Self { repertoire: Repertoire::of_number(name), whole, extends }
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
        let high = if first.is_low_multi_byte() { Repertoire::Ascii } else { first };
        let low = if first == Repertoire::Jis201 { first } else { Repertoire::Ascii };
        Self { low, high }
    }

    /// The state after the escape sequence that `bytes` begins with, and what follows it.
    fn escaped(self, bytes: &[u8]) -> Option<(Self, &[u8])> {
        const LOW: [(&[u8], Repertoire); 4] = [
            (ASCII_ESCAPE, Repertoire::Ascii),
            (b"\x1B(J", Repertoire::Jis201),
            (b"\x1B$B", Repertoire::Kanji),
            (b"\x1B$(D", Repertoire::KanjiSupplement),
        ];
        if let Some((after, set)) = LOW.iter().find_map(|(escape, set)| Some((bytes.strip_prefix(*escape)?, *set))) {
            return Some((Self { low: set, ..self }, after));
        }
        let all = Repertoire::HIGH.iter();
        let found = all.filter_map(|set| Some((bytes.strip_prefix(set.high_escape()?)?, *set))).next();
        found.map(|(after, set)| (Self { high: set, ..self }, after))
    }

    /// Leaves a two-byte set in the lower half.
    fn to_single_byte(&mut self, out: &mut Vec<u8>, start: Self) {
        if self.low.is_multi_byte() {
            out.extend_from_slice(if start.low == Repertoire::Jis201 { b"\x1B(J" } else { ASCII_ESCAPE });
            self.low = start.low;
        }
    }

    /// Puts a set in force, with the escape that this takes.
    fn select(&mut self, set: Repertoire, out: &mut Vec<u8>, start: Self) {
        let low = match set {
            Repertoire::Kanji => Some(b"\x1B$B".as_slice()),
            Repertoire::KanjiSupplement => Some(b"\x1B$(D".as_slice()),
            _ => None,
        };
        match low {
            Some(escape) if self.low != set => {
                out.extend_from_slice(escape);
                self.low = set;
            }
            Some(_) => {}
            None => {
                self.to_single_byte(out, start);
                if self.high != set {
                    out.extend_from_slice(set.high_escape().unwrap_or_default());
                    self.high = set;
                }
            }
        }
    }
}

impl Repertoire {
    /// Those that an escape puts into the upper half.
    const HIGH: [Self; 15] = [
        Self::Latin1,
        Self::Latin2,
        Self::Latin3,
        Self::Latin4,
        Self::Cyrillic,
        Self::Arabic,
        Self::Greek,
        Self::Hebrew,
        Self::Latin5,
        Self::Latin9,
        Self::Thai,
        Self::Jis201,
        Self::Korean,
        Self::Chinese,
        Self::Ascii,
    ];

    fn of_number(number: &[u8]) -> Self {
        match number {
            b"13" => Self::Jis201,
            b"58" => Self::Chinese,
            b"87" => Self::Kanji,
            b"100" => Self::Latin1,
            b"101" => Self::Latin2,
            b"109" => Self::Latin3,
            b"110" => Self::Latin4,
            b"126" => Self::Greek,
            b"127" => Self::Arabic,
            b"138" => Self::Hebrew,
            b"144" => Self::Cyrillic,
            b"148" => Self::Latin5,
            b"149" => Self::Korean,
            b"159" => Self::KanjiSupplement,
            b"166" => Self::Thai,
            b"203" => Self::Latin9,
            _ => Self::Ascii,
        }
    }

    fn high_escape(self) -> Option<&'static [u8]> {
        Some(match self {
            Self::Latin1 => b"\x1B-A",
            Self::Latin2 => b"\x1B-B",
            Self::Latin3 => b"\x1B-C",
            Self::Latin4 => b"\x1B-D",
            Self::Cyrillic => b"\x1B-L",
            Self::Arabic => b"\x1B-G",
            Self::Greek => b"\x1B-F",
            Self::Hebrew => b"\x1B-H",
            Self::Latin5 => b"\x1B-M",
            Self::Latin9 => b"\x1B-b",
            Self::Thai => b"\x1B-T",
            Self::Jis201 => b"\x1B)I",
            Self::Korean => b"\x1B$)C",
            Self::Chinese => b"\x1B$)A",
            Self::Ascii | Self::Kanji | Self::KanjiSupplement => return None,
        })
    }

    fn is_low_multi_byte(self) -> bool {
        matches!(self, Self::Kanji | Self::KanjiSupplement)
    }

    fn is_multi_byte(self) -> bool {
        self.is_low_multi_byte() || matches!(self, Self::Korean | Self::Chinese)
    }

    /// The codec, and a prefix that selects the set in it; sets without one are done by hand.
    fn codec(self) -> Option<(&'static Codec, &'static [u8])> {
        Some(match self {
            Self::Latin2 => (ISO_8859_2, b""),
            Self::Latin3 => (ISO_8859_3, b""),
            Self::Latin4 => (ISO_8859_4, b""),
            Self::Cyrillic => (ISO_8859_5, b""),
            Self::Arabic => (ISO_8859_6, b""),
            Self::Greek => (ISO_8859_7, b""),
            Self::Hebrew => (ISO_8859_8, b""),
            Self::Latin9 => (ISO_8859_15, b""),
            Self::Thai => (WINDOWS_874, b""),
            Self::Kanji => (EUC_JP, b""),
            Self::KanjiSupplement => (EUC_JP, b"\x8F"),
            Self::Korean => (EUC_KR, b""),
            Self::Chinese => (GBK, b""),
            Self::Ascii | Self::Latin1 | Self::Latin5 | Self::Jis201 => return None,
        })
    }

    /// One character of this set; a byte of the lower half is ASCII in single-byte sets.
    fn decode(self, bytes: &[u8]) -> char {
        if let [byte @ 0..0x80] = bytes {
            return char::from(*byte);
        }
        if let Some((codec, prefix)) = self.codec() {
            // The two halves differ in the top bit alone.
            let code: Vec<u8> = prefix.iter().copied().chain(bytes.iter().map(|b| b | 0x80)).collect();
            let text = codec.decode_without_bom_handling(&code).0;
            let mut chars = text.chars();
            return match (chars.next(), chars.next()) {
                (Some(one), None) => one,
                _ => char::REPLACEMENT_CHARACTER,
            };
        }
        match (self, bytes) {
            (Self::Jis201, [byte @ 0xA1..=0xDF]) => char::from_u32(0xFF61 + u32::from(byte - 0xA1)),
            (Self::Jis201, _) => None,
            (Self::Latin5, [byte]) => LATIN5.iter().find(|(b, _)| b == byte).map_or(Some(char::from(*byte)), |(_, c)| Some(*c)),
            (_, [byte]) => Some(char::from(*byte)),
            _ => None,
        }
        .unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// The bytes of one character above ASCII; `None` where the set lacks it.
    fn encode(self, c: char) -> Option<Vec<u8>> {
        if let Some((codec, prefix)) = self.codec() {
            let text = c.to_string();
            let (bytes, _, failed) = codec.encode(&text);
            let bytes = bytes.strip_prefix(prefix).filter(|_| !failed)?;
            let width = if self.is_multi_byte() { 2 } else { 1 };
            // Codecs reach beyond the sets of the standard; those are within 94 x 94 codes.
            let within = bytes.len() == width && bytes.iter().all(|b| *b >= 0xA0 && (width == 1 || *b > 0xA0));
            let low = self.is_low_multi_byte();
            let encoded: Vec<u8> = bytes.iter().map(|b| if low { b & 0x7F } else { *b }).collect();
            return (within && !(prefix.is_empty() && self == Self::Kanji && bytes.first() == Some(&0x8E))).then_some(encoded);
        }
        let code = u32::from(c);
        let byte =
            match self {
                Self::Latin1 => u8::try_from(code).ok().filter(|b| *b >= 0xA0),
                Self::Latin5 => LATIN5.iter().find(|(_, l)| *l == c).map(|(b, _)| *b).or_else(|| {
                    u8::try_from(code).ok().filter(|b| *b >= 0xA0 && LATIN5.iter().all(|(replaced, _)| replaced != b))
                }),
                Self::Jis201 => code.checked_sub(0xFF61).filter(|n| *n <= 0x3E).and_then(|n| u8::try_from(n + 0xA1).ok()),
                _ => None,
            };
        byte.map(|b| vec![b])
    }
}

/// Where ISO 8859-9 is not Latin-1.
const LATIN5: [(u8, char); 6] = [(0xD0, 'Ğ'), (0xDD, 'İ'), (0xDE, 'Ş'), (0xF0, 'ğ'), (0xFD, 'ı'), (0xFE, 'ş')];
