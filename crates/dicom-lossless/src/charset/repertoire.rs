//! The character repertoires of PS3.3 section C.12.1.1.2: their escapes and their codes.
//!
//! Owns one character at a time; how sets follow one another in a value is not its business.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding as Codec, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, WINDOWS_874,
};

/// A set of single-byte or multi-byte characters that a defined term names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repertoire {
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

impl Repertoire {
    /// Those that an escape puts into the lower half.
    pub const LOW: [(Self, &[u8]); 4] = [
        (Self::Ascii, b"\x1B(B"),
        (Self::Jis201, b"\x1B(J"),
        (Self::Kanji, b"\x1B$B"),
        (Self::KanjiSupplement, b"\x1B$(D"),
    ];

    /// Those that an escape puts into the upper half.
    pub const HIGH: [(Self, &[u8]); 14] = [
        (Self::Latin1, b"\x1B-A"),
        (Self::Latin2, b"\x1B-B"),
        (Self::Latin3, b"\x1B-C"),
        (Self::Latin4, b"\x1B-D"),
        (Self::Cyrillic, b"\x1B-L"),
        (Self::Arabic, b"\x1B-G"),
        (Self::Greek, b"\x1B-F"),
        (Self::Hebrew, b"\x1B-H"),
        (Self::Latin5, b"\x1B-M"),
        (Self::Latin9, b"\x1B-b"),
        (Self::Thai, b"\x1B-T"),
        (Self::Jis201, b"\x1B)I"),
        (Self::Korean, b"\x1B$)C"),
        (Self::Chinese, b"\x1B$)A"),
    ];

    /// Its escape in one of the two lists; nothing where it has none.
    pub fn escape(self, list: &[(Self, &'static [u8])]) -> &'static [u8] {
        list.iter()
            .find(|(set, _)| *set == self)
            .map_or(&[], |(_, escape)| escape)
    }

    pub fn is_low_multi_byte(self) -> bool {
        matches!(self, Self::Kanji | Self::KanjiSupplement)
    }

    pub fn is_multi_byte(self) -> bool {
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
    pub fn decode(self, bytes: &[u8]) -> char {
        if let [byte @ 0..0x80] = bytes {
            return char::from(*byte);
        }
        if let Some((codec, prefix)) = self.codec() {
            // The two halves differ in the top bit alone.
            let code: Vec<u8> = prefix
                .iter()
                .copied()
                .chain(bytes.iter().map(|b| b | 0x80))
                .collect();
            let text = codec
                .decode_without_bom_handling(&code)
                .0;
            let mut chars = text.chars();
            return match (chars.next(), chars.next()) {
                (Some(one), None) => one,
                _ => char::REPLACEMENT_CHARACTER,
            };
        }
        match (self, bytes) {
            (Self::Jis201, [byte @ 0xA1..=0xDF]) => char::from_u32(0xFF61 + u32::from(byte - 0xA1)),
            (Self::Jis201, _) => None,
            (Self::Latin5, [byte]) => LATIN5
                .iter()
                .find(|(b, _)| b == byte)
                .map_or(Some(char::from(*byte)), |(_, c)| Some(*c)),
            (_, [byte]) => Some(char::from(*byte)),
            _ => None,
        }
        .unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// The bytes of one character above ASCII; `None` where the set lacks it.
    pub fn encode(self, c: char) -> Option<Vec<u8>> {
        if let Some((codec, prefix)) = self.codec() {
            let text = c.to_string();
            let (bytes, _, failed) = codec.encode(&text);
            let bytes = bytes
                .strip_prefix(prefix)
                .filter(|_| !failed)?;
            let width = if self.is_multi_byte() { 2 } else { 1 };
            // Codecs reach beyond the sets of the standard; those are within 94 x 94 codes.
            let within = bytes.len() == width
                && bytes
                    .iter()
                    .all(|b| *b >= 0xA0 && (width == 1 || *b > 0xA0));
            let low = self.is_low_multi_byte();
            let encoded: Vec<u8> = bytes
                .iter()
                .map(|b| if low { b & 0x7F } else { *b })
                .collect();
            return within.then_some(encoded);
        }
        let code = u32::from(c);
        let byte = match self {
            Self::Latin1 => u8::try_from(code)
                .ok()
                .filter(|b| *b >= 0xA0),
            Self::Latin5 => LATIN5
                .iter()
                .find(|(_, l)| *l == c)
                .map(|(b, _)| *b)
                .or_else(|| {
                    u8::try_from(code).ok().filter(|b| {
                        *b >= 0xA0
                            && LATIN5
                                .iter()
                                .all(|(replaced, _)| replaced != b)
                    })
                }),
            Self::Jis201 => code
                .checked_sub(0xFF61)
                .filter(|n| *n <= 0x3E)
                .and_then(|n| u8::try_from(n + 0xA1).ok()),
            _ => None,
        };
        byte.map(|b| vec![b])
    }
}

/// Where ISO 8859-9 is not Latin-1.
const LATIN5: [(u8, char); 6] = [
    (0xD0, 'Ğ'),
    (0xDD, 'İ'),
    (0xDE, 'Ş'),
    (0xF0, 'ğ'),
    (0xFD, 'ı'),
    (0xFE, 'ş'),
];
