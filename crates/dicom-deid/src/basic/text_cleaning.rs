//! Texts that are cleaned: words that are known safe stay, nothing else does.
//!
//! Owns the doubt about characters: what was read in a character set that it was not written in
//! counts as unreadable, and no letters beside it count as a word.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use dicom_lossless::{CharacterSet, Element, VR};

use super::descriptors;
use super::identifiers::Identifiers;
use super::{
    DataSetContext, EffectResult, InstanceCleaner, Unchanged, put_dummy, put_encoded, put_text,
};
use crate::elements::element_value::{separate, without_padding};
use crate::elements::temporal;
use crate::profile::{has_character_set, is_text};
use crate::standard;

thread_local! {
    /// The cleaned texts of the last patient: the instances of a series hold the same over and
    /// over.
    static LAST: RefCell<(Arc<Identifiers>, HashMap<String, String>)> = RefCell::default();
}

/// The number of texts that are remembered.
const REMEMBERED: usize = 512;

/// What is known safe of one value.
pub fn cleaned(value: &str, own: &Arc<Identifiers>) -> String {
    LAST.with_borrow_mut(|(of, texts)| {
        if of != own || texts.len() >= REMEMBERED {
            *of = Arc::clone(own);
            texts.clear();
        }
        if let Some(known) = texts.get(value) {
            return known.clone();
        }
        let new = descriptors::clean(value, own, &temporal::dates_in_text(value)).into_owned();
        texts.insert(value.to_owned(), new.clone());
        new
    })
}

impl InstanceCleaner<'_> {
    /// Keeps of a text what is known safe. Where that is nothing, the element is treated as without
    /// the option that let it stay; one that the table does not list gets a dummy, which every
    /// IOD allows.
    pub fn clean_text(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let Some(bytes) = element
            .bytes()
            .filter(|_| is_text(vr))
        else {
            return self.apply_basic(element, vr, context);
        };
        if without_padding(bytes).is_empty() {
            return Ok(Unchanged);
        }
        let text = decoded_with_doubts(bytes, has_character_set(vr).then_some(context.charset));
        let values = separate(&text, vr);
        let cleaned: Vec<String> = values
            .iter()
            .map(|value| cleaned(value, &self.identifiers))
            .collect();
        if cleaned
            .iter()
            .all(|value| value.trim().is_empty())
        {
            return self.replace_with_dummy(element, vr, context);
        }
        if values == cleaned {
            return Ok(Unchanged);
        }
        match put_encoded(element, &cleaned.join("\\"), context.charset) {
            Some(effect) => Ok(effect),
            None => self.replace_with_dummy(element, vr, context),
        }
    }

    fn replace_with_dummy(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if standard::attribute(element.tag).is_some() {
            return self.apply_basic(element, vr, context);
        }
        Ok(put_dummy(element, vr).unwrap_or_else(|| put_text(element, "")))
    }
}

const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// The text of a value, with U+FFFD for each character that is none of its character set, or hardly
/// one: controls, signs inside words, and whatever is not ASCII in bytes that make sense as UTF-8
/// where another set is declared.
fn decoded_with_doubts(bytes: &[u8], set: Option<&CharacterSet>) -> String {
    let text = match set {
        Some(set) => set.decode(bytes, false),
        None => String::from_utf8_lossy(bytes).into_owned(),
    };
    if text.is_ascii() && !text.contains('\u{1B}') {
        return text;
    }
    let misread = !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok_and(|utf8| utf8 != text);
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    let mut marked = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        let after = characters
            .peek()
            .copied()
            .unwrap_or(' ');
        let is_doubtful = (misread && !c.is_ascii()) || is_stray(before, c, after);
        marked.push(if is_doubtful { UNREADABLE } else { c });
        before = c;
    }
    marked
}

/// Whether a character has no place where it stands in a text that was read rightly.
fn is_stray(before: char, c: char, after: char) -> bool {
    let beside_letter = before.is_alphabetic() || after.is_alphabetic();
    match c {
        '\t' | '\n' | '\r' | '\u{C}' | UNREADABLE => false,
        // Escape sequences that were not followed, and the letters of other code pages where
        // Latin-1 has controls.
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => c != '\0',
        // Signs of Latin-1 that are letters in other code pages.
        '¢' | '£' | '¤' | '¥' | '¦' | '§' | '¨' | '©' | '¬' | '\u{AD}' | '®' | '¯' | '´' | '¶'
        | '¸' | '¹' | '¼' | '½' | '¾' => beside_letter,
        '°' | '±' | '×' | '÷' | '\u{A0}' => before.is_alphabetic() && after.is_alphabetic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &str, bytes: &[u8]) -> String {
        decoded_with_doubts(bytes, Some(&CharacterSet::from_element(set.as_bytes())))
            .replace(UNREADABLE, "?")
    }

    #[test]
    fn text_that_is_read_in_its_own_character_set_stays() {
        for (set, bytes, text) in [
            (
                "ISO_IR 100",
                b"Sch\xE4del 20\xB0 3\xB15".as_slice(),
                "Schädel 20° 3±5",
            ),
            (
                "ISO_IR 192",
                "Schädel µ 3×3 – «crâne»".as_bytes(),
                "Schädel µ 3×3 – «crâne»",
            ),
            ("", b"Sch\xE4del", "Schädel"),
            ("", b"head\r\nneck\0", "head\r\nneck\0"),
            ("\\ISO 2022 IR 87", b"\x1B$B;3ED\x1B(B", "山田"),
            ("GB18030", b"\xCD\xF5 CT", "王 CT"),
        ] {
            assert_eq!(read(set, bytes), text, "{set}");
        }
    }

    #[test]
    fn text_that_is_read_in_another_character_set_is_marked() {
        for (set, bytes, text) in [
            (
                "ISO_IR 192",
                b"S\xF6hand thorax".as_slice(),
                "S?hand thorax",
            ),
            ("ISO_IR 100", "Söhand thorax".as_bytes(), "S??hand thorax"),
            ("", "Söhand thorax".as_bytes(), "S??hand thorax"),
            ("", b"\x8ER\x93chand thorax", "?R?chand thorax"),
            ("ISO_IR 100", b"\xA3ukhand", "?ukhand"),
            ("", b"S\xB1hand", "S?hand"),
            (
                "ISO_IR 192",
                b"\x1B$B;3ED\x1B(B thorax",
                "?$B;3ED?(B thorax",
            ),
        ] {
            assert_eq!(read(set, bytes), text, "{set}");
        }
    }
}
