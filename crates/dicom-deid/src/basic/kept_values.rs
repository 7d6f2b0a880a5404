//! Values that stay: whether one is what its VR promises. Nothing looks for names in numbers, codes
//! and UIDs, so words that stand there do not stay.

use dicom_dictionary_std::tags::{
    ICC_PROFILE, PHOTOMETRIC_INTERPRETATION, RECEIVE_COIL_NAME, TRANSMIT_COIL_NAME,
};
use dicom_lossless::{Element, Encoding, Tag, VR, defined_terms};

use super::decisions::{VrClass, is_binary, vr_of};
use super::descriptors;
use super::text_cleaning::cleaned;
use super::{
    DataSetContext, EffectResult, InstanceCleaner, Unchanged, failure, icc_profile, put_bytes,
    put_text,
};
use crate::elements::CHARACTER_SET;
use crate::elements::element_value::{numbers, without_padding};
use crate::elements::temporal;
use crate::elements::uid_text;
use crate::error::DeidErrorKind;
use crate::profile::Unlisted;
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};

/// The longest number in words: the 16 characters of DS are exceeded by many writers.
const LONGEST_NUMBER: usize = 40;
/// The longest value of CS (PS3.5 section 6.2).
const LONGEST_CODE: usize = 16;
/// The shortest run of text that is distinguished from numbers, in bytes, and the same inside a longer
/// value.
const SHORTEST_PROSE: usize = 8;
const SHORTEST_RUN: usize = 24;
/// Fewer bytes of floating-point numbers may look like text by chance.
const SHORTEST_IN_FLOATS: usize = 16;
/// No quantity is as large; eight letters read as a number are.
const LARGEST_QUANTITY: f64 = 1e18;
/// What some writers put for a number that is none.
const NO_NUMBERS: [&[u8]; 10] = [
    b"nan",
    b"inf",
    b"infinity",
    b"-nan",
    b"-inf",
    b"-infinity",
    b"1.#qnan",
    b"1.#inf",
    b"-1.#ind",
    b"-1.#inf",
];
/// Receive Coil Name and Transmit Coil Name: products that technicians name too.
const COILS: [Tag; 2] = [RECEIVE_COIL_NAME, TRANSMIT_COIL_NAME];
/// Its defined terms (PS3.3 section C.7.6.3.1.2), those of older editions with them.
const PHOTOMETRIC_INTERPRETATIONS: [&str; 15] = [
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "HSV",
    "ARGB",
    "CMYK",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_422",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
    "YBR_RGB",
    "XYB",
];

impl InstanceCleaner<'_> {
    /// Keeps an element, its items cleaned. Ages beyond 89, UIDs in text, and words where numbers,
    /// codes, dates or UIDs should be are not kept under any option.
    pub fn keep(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if element.items().is_some() {
            return self.clean_items(element, context);
        }
        let is_sound = |sound: fn(&[u8]) -> bool| {
            element
                .bytes()
                .is_none_or(|bytes| sound(bytes))
        };
        let encoding = if element.vr == VR::UN {
            Encoding::IMPLICIT_LITTLE
        } else {
            context.encoding
        };
        match vr {
            _ if element.tag == ICC_PROFILE && self.settings.unlisted != Unlisted::Keep => {
                self.keep_colours(element, vr, context)
            }
            VR::AS => self.cap_age(element, vr, context),
            VR::CS if element.tag == CHARACTER_SET => character_set(element),
            VR::CS => self.code_string(element, context),
            VR::UI => self.kept_uids(element, context),
            VR::DA | VR::DT | VR::TM if is_sound(has_no_words) => Ok(Unchanged),
            VR::DA | VR::DT | VR::TM => Ok(put_text(element, "")),
            VR::DS | VR::IS if is_sound(is_written_number) => Ok(Unchanged),
            _ if is_binary(vr)
                && element
                    .bytes()
                    .is_none_or(|bytes| is_numbers(element.tag, vr, bytes, encoding)) =>
            {
                Ok(Unchanged)
            }
            _ if VrClass::of(vr) == VrClass::Bulk
                && is_sound(|bytes| bytes.len() < SHORTEST_IN_FLOATS || !is_prose(bytes)) =>
            {
                Ok(Unchanged)
            }
            _ if matches!(VrClass::of(vr), VrClass::Numbers | VrClass::Bulk) => {
                self.discard_invalid(element, vr, context)
            }
            _ if self.is_suspicious_label(element) => self.clean_text(element, vr, context),
            _ if self
                .settings
                .options
                .has(O::RetainUids) =>
            {
                Ok(Unchanged)
            }
            _ => Ok(self.uids_in_text(element, vr, context)),
        }
    }

    /// An age beyond 89 becomes 090Y; what is no age may be one, so it goes as dates do that cannot
    /// be read.
    fn cap_age(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let Some(bytes) = element.bytes() else {
            return Ok(Unchanged);
        };
        let text = String::from_utf8_lossy(bytes).into_owned();
        match temporal::cap_age(&text) {
            Ok(Some(capped)) => Ok(put_text(element, &capped)),
            Ok(None) => Ok(Unchanged),
            Err(_) => self.handle_unreadable(element, vr, context),
        }
    }

    /// Keeps of an ICC profile what says how colours are meant. One that cannot be read is text as
    /// well as anything.
    fn keep_colours(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let colours = element
            .bytes()
            .and_then(|profile| icc_profile::colours_only(profile));
        match colours {
            Some(colours) => Ok(put_bytes(element, colours.into())),
            None => self.apply_action(element, vr, ActionCode::Remove, context),
        }
    }

    /// Whether a name of a kernel, a coil or a sequence, which stays as it is, reads like a day or
    /// a person's number.
    fn is_suspicious_label(&self, element: &Element) -> bool {
        self.settings.unlisted != Unlisted::Keep
            && (standard::has_no_identifying_role(element.tag) || COILS.contains(&element.tag))
            && element
                .bytes()
                .is_some_and(|bytes| {
                    descriptors::tells_a_day_or_number(&String::from_utf8_lossy(bytes))
                })
    }

    /// Keeps code strings; values that are none are cleaned as the text that they are. Number and
    /// order of values stay.
    fn code_string(&mut self, element: &mut Element, context: DataSetContext<'_>) -> EffectResult {
        let Some(bytes) = element.bytes().filter(|bytes| {
            !bytes
                .split(|byte| *byte == b'\\')
                .all(is_code_string)
        }) else {
            return Ok(Unchanged);
        };
        let text = context.charset.decode(bytes, false);
        let values: Vec<&str> = text
            .split('\\')
            .map(|value| value.trim_matches([' ', '\0']))
            .collect();
        let cleaned: Vec<String> = values
            .iter()
            .map(|value| self.known_of_code(element.tag, value))
            .collect();
        if cleaned.iter().all(String::is_empty) {
            let is = vr_of(element.tag).unwrap_or(VR::CS);
            return self.discard_invalid(element, is, context);
        }
        if values == cleaned {
            Ok(Unchanged)
        } else {
            Ok(put_text(element, &cleaned.join("\\")))
        }
    }

    /// What is known safe of one value of a code string.
    fn known_of_code(&self, tag: Tag, value: &str) -> String {
        if is_code_string(value.as_bytes()) {
            return value.to_owned();
        }
        let capitals = value
            .to_ascii_uppercase()
            .replace(['-', ' '], "_");
        if tag == PHOTOMETRIC_INTERPRETATION {
            let term = PHOTOMETRIC_INTERPRETATIONS
                .iter()
                .find(|term| term.replace(' ', "_") == capitals);
            return term
                .copied()
                .unwrap_or_default()
                .to_owned();
        }
        Some(cleaned(value, &self.identifiers))
            .filter(|cleaned| cleaned.is_ascii())
            .unwrap_or_default()
    }

    /// Keeps UIDs. What stands behind a NUL is padding or hidden, and goes.
    fn kept_uids(&mut self, element: &mut Element, context: DataSetContext<'_>) -> EffectResult {
        let Some(bytes) = element.bytes() else {
            return self.discard_invalid(element, VR::UI, context);
        };
        let uids: Vec<&[u8]> = bytes
            .split(|byte| *byte == b'\\')
            .map(uid_text::before_nul)
            .collect();
        if !uids
            .iter()
            .all(|uid| uid_text::is_uid(uid))
        {
            return self.discard_invalid(element, VR::UI, context);
        }
        let whole = |(value, uid): (&[u8], &&[u8])| {
            value
                .iter()
                .filter(|byte| !matches!(byte, 0 | b' '))
                .count()
                == uid.len()
        };
        if bytes
            .split(|byte| *byte == b'\\')
            .zip(&uids)
            .all(whole)
        {
            return Ok(Unchanged);
        }
        Ok(put_text(
            element,
            &String::from_utf8_lossy(&uids.join(&b'\\')),
        ))
    }
}

/// The character set by a name that the standard has for it.
fn character_set(element: &mut Element) -> EffectResult {
    let Some(bytes) = element.bytes() else {
        return Ok(Unchanged);
    };
    let terms = defined_terms(bytes).ok_or_else(|| {
        failure(
            DeidErrorKind::CharacterSet,
            CHARACTER_SET,
            "it names no defined term, so it is not known how texts are to be read",
        )
    })?;
    if without_padding(bytes) == terms.as_bytes() {
        Ok(Unchanged)
    } else {
        Ok(put_text(element, &terms))
    }
}

/// Whether a value has the characters and the length of CS, padding left out.
fn is_code_string(value: &[u8]) -> bool {
    let mut code = without_padding(value)
        .iter()
        .skip_while(|byte| matches!(byte, 0 | b' '));
    let fits = |byte: &u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'_')
    };
    code.clone().count() <= LONGEST_CODE && code.all(fits)
}

/// Whether a value has nothing but the digits and signs of dates and times.
fn has_no_words(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_digit() || b"+-.:\\ \0".contains(byte))
}

/// Whether all values are numbers in words (PS3.5 section 6.2, DS and IS), a comma for the point
/// and what stands for no number let pass.
pub fn is_written_number(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\\')
        .all(|value| {
            let value = without_padding(value).trim_ascii_start();
            value.is_empty()
                || (value.len() <= LONGEST_NUMBER
                    && (is_decimal(value)
                        || NO_NUMBERS
                            .iter()
                            .any(|word| word.eq_ignore_ascii_case(value))))
        })
}

/// Digits with at most one point or comma, and an exponent of up to three digits.
fn is_decimal(value: &[u8]) -> bool {
    let mut parts = unsigned(value).splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let number = parts.next().unwrap_or_default();
    let digits = number
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .count();
    let points = number
        .iter()
        .filter(|byte| matches!(byte, b'.' | b','))
        .count();
    let is_exponent = |text: &[u8]| {
        let exponent = unsigned(text);
        (1..=3).contains(&exponent.len())
            && exponent
                .iter()
                .all(u8::is_ascii_digit)
    };
    digits > 0
        && points <= 1
        && digits + points == number.len()
        && parts.next().is_none_or(is_exponent)
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+")
        .or_else(|| text.strip_prefix(b"-"))
        .unwrap_or(text)
}

/// Whether bytes are numbers of a binary VR: whole ones, not more than the attribute may hold, and
/// no text. A few more are let pass where they spell nothing, up to 8 bytes or two numbers.
pub fn is_numbers(tag: Tag, vr: VR, bytes: &[u8], encoding: Encoding) -> bool {
    let size = match vr {
        VR::US | VR::SS => 2,
        VR::FD | VR::SV | VR::UV => 8,
        _ => 4,
    };
    if !bytes.len().is_multiple_of(size) {
        return false;
    }
    if bytes.len() == size && size < SHORTEST_PROSE {
        return true;
    }
    let of_numbers = vr_of(tag).is_some_and(|is| VrClass::of(is) == VrClass::Numbers);
    let most = standard::most_numbers(tag).filter(|_| of_numbers);
    if most.is_some_and(|most| bytes.len() / size > most) {
        let letters = bytes
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count();
        return bytes.len() <= SHORTEST_PROSE.max(2 * size) && letters * 2 < bytes.len();
    }
    let floats = matches!(vr, VR::FL | VR::FD);
    let by_chance = floats && bytes.len() < SHORTEST_IN_FLOATS && !is_immense(vr, bytes, encoding);
    // Tables of colours run through all codes of letters.
    let inside = || {
        of_numbers
            && bytes
                .split(|byte| !is_printable(*byte))
                .any(|run| run.len() >= SHORTEST_RUN && is_prose(run))
    };
    (by_chance || !is_prose(bytes)) && !inside()
}

fn is_immense(vr: VR, bytes: &[u8], encoding: Encoding) -> bool {
    let numbers = numbers(bytes, vr, encoding).unwrap_or_default();
    numbers.iter().any(|number| {
        number
            .parse()
            .is_ok_and(|number: f64| number.abs() > LARGEST_QUANTITY)
    })
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// Whether bytes are ASCII text, half of it letters and these not always the same.
fn is_prose(bytes: &[u8]) -> bool {
    let text = without_padding(bytes);
    if text.len() + 1 < SHORTEST_PROSE
        || !text
            .iter()
            .all(|byte| is_printable(*byte))
    {
        return false;
    }
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic());
    let kinds = letters
        .clone()
        .fold(0_u32, |kinds, byte| {
            kinds | 1 << (byte.to_ascii_lowercase() - b'a')
        });
    letters.count() * 2 >= text.len() && kinds.count_ones() >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

    #[test]
    fn decimal_strings_are_distinguished_from_words_and_dates() {
        for number in [
            "",
            "0",
            "-1.5e+02\\ 3 ",
            "1.",
            ".5",
            "+12",
            "1,25",
            "0.48828125000000001",
            "1e-05\\\\2",
            "NaN",
            " 7\0",
            "1.#QNAN",
        ] {
            assert!(is_written_number(number.as_bytes()), "{number}");
        }
        for other in [
            "12.03.1958",
            "1958-03-12",
            "555-0199",
            "5 mm",
            "Jane",
            "1e",
            "e5",
            "-",
            "1e12345",
            "3\\Jane",
            "12:30",
            "1 2",
        ] {
            assert!(!is_written_number(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn code_strings_are_distinguished_from_texts() {
        for code in ["", "M_FFE", "PROJECTION IMAGE", "3D_TOF ", "T2 MAP\0"] {
            assert!(is_code_string(code.as_bytes()), "{code}");
        }
        for text in [
            "Head",
            "L-SPINE",
            "REFORMATTED_AVERAGE",
            "A.B",
            "M\0JANE",
            "\u{dc}",
        ] {
            assert!(!is_code_string(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn binary_numbers_are_distinguished_from_text() {
        let tag = |keyword| standard::tag_of_keyword(keyword).unwrap_or(Tag(0, 0));
        let floats = |numbers: &[f64]| {
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let singles = |numbers: &[f32]| {
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let words = |numbers: &[u16]| {
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        for (keyword, vr, bytes) in [
            ("Rows", VR::US, words(&[512])),
            ("Rows", VR::US, words(&[0x4A61])),
            ("SmallestImagePixelValue", VR::SS, words(&[1, 2, 3])),
            ("FrameIncrementPointer", VR::AT, words(&[0x18, 0x1063])),
            (
                "RedPaletteColorLookupTableDescriptor",
                VR::US,
                words(&[256, 0, 16]),
            ),
            (
                "LUTData",
                VR::US,
                (0..=255)
                    .map(|n| n * 257)
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
            ("EffectiveEchoTime", VR::FD, floats(&[33.71])),
            (
                "ImagePositionPatient",
                VR::FD,
                floats(&[-120.5, 33.3, 1e-3]),
            ),
            ("GraphicData", VR::FL, singles(&[12.5, 128.25, 512.0, 77.7])),
            ("GraphicData", VR::FL, Vec::new()),
        ] {
            assert!(
                is_numbers(tag(keyword), vr, &bytes, LITTLE),
                "{keyword} {bytes:?}"
            );
        }
        let letter = b"The brother of Anna Ostrander brought her in on Monday. ".to_vec();
        for (keyword, vr, bytes) in [
            ("Rows", VR::US, letter.clone()),
            ("Rows", VR::US, b"Ostran".to_vec()),
            ("Rows", VR::US, b"Ost".to_vec()),
            ("Rows", VR::US, words(&[0x41, 0x6E, 0x6E, 0x61, 0x4F])),
            ("EffectiveEchoTime", VR::FD, b"Ostrande".to_vec()),
            ("EffectiveEchoTime", VR::FD, letter.clone()),
            ("FrameIncrementPointer", VR::AT, letter.clone()),
            ("GraphicData", VR::FL, letter.clone()),
            (
                "GraphicData",
                VR::FL,
                [singles(&[12.5, 128.25]), letter.clone(), singles(&[0.0])].concat(),
            ),
            ("SelectorULValue", VR::UL, letter),
        ] {
            assert!(
                !is_numbers(tag(keyword), vr, &bytes, LITTLE),
                "{keyword} {bytes:?}"
            );
        }
    }
}
