//! Names of members: what they say in letters, and whether they name one place inside an archive.
//!
//! A name serves filters, reports and rules. Nothing is ever written under one.

use encoding_rs::{SHIFT_JIS, UTF_8};

use super::MemberFault;
use crate::failure::FileCode;

/// Bytes of a name.
pub const MOST_BYTES: usize = 4096;
/// Characters of a name that is too long which are shown.
const SHOWN: usize = 200;
/// Stands between an archive and the path of a member.
pub const SEPARATOR: &str = "::";

/// The upper half of code page 437, in which names stand that do not say otherwise.
const CP437: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ',
    'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ',
    'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡', '«', '»', '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕',
    '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦',
    '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐',
    '▀', 'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', '≡', '±',
    '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', '\u{a0}',
];

/// A name in letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Without `./` before it and without empty parts.
    pub text: String,
    fault: Option<&'static str>,
}

impl Name {
    /// A name that is said to be UTF-8; what is not stands as the replacement character.
    pub fn of_utf8(bytes: &[u8]) -> Self {
        Self::of_text(
            &UTF_8
                .decode_without_bom_handling(bytes)
                .0,
        )
    }

    /// A name of which nothing is said: UTF-8 where it is that, else `Shift_JIS` where it looks like
    /// Japanese, else code page 437.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of_text(text),
            Err(_) => match japanese(bytes) {
                Some(text) => Self::of_text(&text),
                None => Self::of_text(&code_page_437(bytes)),
            },
        }
    }

    fn of_text(name: &str) -> Self {
        let fault = fault(name);
        let parts = name
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".");
        let mut text = parts.collect::<Vec<_>>().join("/");
        if fault.is_some() {
            // As it stands, since it does not name a place.
            name.clone_into(&mut text);
        }
        if text.len() > MOST_BYTES {
            text = text
                .chars()
                .take(SHOWN)
                .collect::<String>()
                + "…";
        }
        Self { text, fault }
    }

    /// Whether it names one place inside the archive.
    pub fn check(&self) -> Result<(), MemberFault> {
        match self.fault {
            None if self.text.is_empty() => Err(refused("it is empty")),
            None => Ok(()),
            Some(why) => Err(refused(why)),
        }
    }
}

fn refused(why: &'static str) -> MemberFault {
    MemberFault::new(FileCode::DiscoverMemberName, why)
}

/// The fault of each of several members of one name.
pub fn twice() -> MemberFault {
    refused("it stands more than once in the archive")
}

fn fault(name: &str) -> Option<&'static str> {
    let has_drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if name.len() > MOST_BYTES {
        Some("it is longer than 4096 bytes")
    } else if name.starts_with('/') {
        Some("it begins at the root")
    } else if name.chars().any(char::is_control) {
        Some("it has control characters")
    } else if name.contains('\\') {
        Some("it has backslashes")
    } else if name.contains(SEPARATOR) {
        Some("it has `::`")
    } else if has_drive {
        Some("it begins with a drive")
    } else if name
        .split('/')
        .any(|part| part == "..")
    {
        Some("it has `..`")
    } else {
        None
    }
}

/// A name as `Shift_JIS`, where it can be that and has two characters of two bytes side by side that
/// are kana or kanji: with one alone, an accented letter and the letter behind it would do.
fn japanese(bytes: &[u8]) -> Option<String> {
    let text = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)?;
    let is_japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
    let mut before = false;
    let side_by_side = text.chars().any(|c| {
        let both = before && is_japanese(c);
        before = is_japanese(c);
        both
    });
    side_by_side.then(|| text.into_owned())
}

fn code_page_437(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(upper) => CP437
                .get(usize::from(upper))
                .copied()
                .unwrap_or(char::REPLACEMENT_CHARACTER),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_letters_that_they_were_written_in() {
        for (bytes, text) in [
            (&b"series/IM1"[..], "series/IM1"),
            (b"./a//b/./c", "a/b/c"),
            ("Jürgen/山田".as_bytes(), "Jürgen/山田"),
            (b"\x81tude/Caf\x82", "ütude/Café"),
            (b"M\x81nchen \xE1", "München ß"),
            (b"\x93\xFA\x96\x7B/\x83e\x83X\x83g.dcm", "日本/テスト.dcm"),
        ] {
            let name = Name::of_bytes(bytes);
            assert_eq!((name.text.as_str(), name.fault), (text, None));
        }
        assert_eq!(Name::of_utf8(b"a\xFFb").text, "a\u{FFFD}b");
    }

    #[test]
    fn a_name_that_is_no_place_in_the_archive_is_told() {
        for name in [
            "../x",
            "a/../x",
            "a/..",
            "/etc/passwd",
            "C:/x",
            "c:x",
            "a\\b",
            "..\\x",
            "a\nb",
            "a\u{1b}[2Jb",
            "a::b",
            "",
            ".",
        ] {
            assert!(
                Name::of_bytes(name.as_bytes())
                    .check()
                    .is_err(),
                "{name:?}"
            );
        }
        for name in ["a..b", "...", "ab:c", "x/a:b", "..a/b.."] {
            assert!(
                Name::of_bytes(name.as_bytes())
                    .check()
                    .is_ok(),
                "{name:?}"
            );
        }
        let long = Name::of_bytes(&[b'a'; MOST_BYTES + 1]);
        assert!(long.check().is_err() && long.text.chars().count() == SHOWN + 1);
    }
}
