//! Values as text, for rules and searches.
//!
//! Owns splitting, trimming and the printing of binary numbers. It changes nothing; what it yields
//! must not be logged.

use super::charset::{CharacterSet, Unencodable};
use super::dataset::{DataSet, Element, Encoding};
use super::{Tag, VR, vr};
use bytes::Bytes;
use dicom_dictionary_std::tags;

/// The character set of a data set: its own (0008,0005), else that of the data set around it.
pub fn character_set_of(data: &DataSet, inherited: &CharacterSet) -> CharacterSet {
    own_character_set(data).unwrap_or_else(|| inherited.clone())
}

/// The character set that a data set states itself.
pub fn own_character_set(data: &DataSet) -> Option<CharacterSet> {
    data.get(tags::SPECIFIC_CHARACTER_SET)
        .and_then(Element::bytes)
        .map(|value| CharacterSet::from_element(value))
}

/// Whether Specific Character Set applies to values of this VR (PS3.5 section 6.1.2.2).
fn has_character_set(vr: VR) -> bool {
    matches!(
        vr,
        VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UN | VR::UT
    )
}

/// The whole value field as text, trailing padding removed, not split; numbers joined by
/// backslashes. `None` for items, fragments and bulk VRs (OB, OD, OF, OL, OV, OW). UN reads as
/// text.
pub fn text(element: &Element, encoding: Encoding, charset: &CharacterSet) -> Option<String> {
    let bytes = element.bytes()?;
    match element.vr {
        vr if vr == VR::SQ || vr::may_be_encapsulated(vr) => None,
        vr if vr::is_number(vr) => Some(numbers(vr, bytes, encoding).join("\\")),
        vr => {
            let mut text = if has_character_set(vr) {
                charset.decode(bytes, vr == VR::PN)
            } else {
                CharacterSet::default().decode(bytes, false)
            };
            text.truncate(
                text.trim_end_matches([' ', '\0'])
                    .len(),
            );
            Some(text)
        }
    }
}

/// The values of an element as text: split at backslashes where the VR has several (not LT, ST, UN,
/// UR, UT), trailing padding removed, leading spaces too where the VR gives them no meaning. An
/// empty value field has no values. Numbers of binary VRs in decimal, AT as eight hexadecimal
/// digits. Items, fragments and bulk VRs have none.
pub fn values(element: &Element, encoding: Encoding, charset: &CharacterSet) -> Vec<String> {
    if vr::is_number(element.vr) {
        return element
            .bytes()
            .map(|bytes| numbers(element.vr, bytes, encoding))
            .unwrap_or_default();
    }
    let Some(text) = text(element, encoding, charset).filter(|text| !text.is_empty()) else {
        return Vec::new();
    };
    if matches!(element.vr, VR::LT | VR::ST | VR::UN | VR::UR | VR::UT) {
        return vec![text];
    }
    let leading = matches!(
        element.vr,
        VR::AE | VR::CS | VR::DS | VR::IS | VR::LO | VR::SH
    );
    let trim = |value: &str| {
        let value = value.trim_end_matches([' ', '\0']);
        if leading {
            value
                .trim_start_matches(' ')
                .to_owned()
        } else {
            value.to_owned()
        }
    };
    text.split('\\').map(trim).collect()
}

/// Numbers of a binary VR; bytes short of a whole one are left out.
fn numbers(vr: VR, bytes: &[u8], encoding: Encoding) -> Vec<String> {
    bytes
        .chunks_exact(if vr == VR::AT { 4 } else { vr::word_size(vr) })
        .filter_map(|word| number(vr, word, encoding))
        .collect()
}

fn number(vr: VR, word: &[u8], encoding: Encoding) -> Option<String> {
    if let Some(two) = word
        .first_chunk::<2>()
        .filter(|_| word.len() == 2)
    {
        let number = encoding.u16(*two);
        return Some(if vr == VR::SS {
            number.cast_signed().to_string()
        } else {
            number.to_string()
        });
    }
    if let Some(four) = word
        .first_chunk::<4>()
        .filter(|_| word.len() == 4)
    {
        let number = encoding.u32(*four);
        return Some(match vr {
            VR::SL => number.cast_signed().to_string(),
            VR::FL => f32::from_bits(number).to_string(),
            VR::AT => {
                let [g0, g1, e0, e1] = *four;
                format!(
                    "{:04X}{:04X}",
                    encoding.u16([g0, g1]),
                    encoding.u16([e0, e1])
                )
            }
            _ => number.to_string(),
        });
    }
    let eight = *word.first_chunk::<8>()?;
    let number = if encoding.big_endian {
        u64::from_be_bytes(eight)
    } else {
        u64::from_le_bytes(eight)
    };
    Some(match vr {
        VR::SV => number.cast_signed().to_string(),
        VR::FD => f64::from_bits(number).to_string(),
        _ => number.to_string(),
    })
}

/// A value field of even length, padded as its VR wants it (PS3.5 section 6.2).
pub fn padded(vr: VR, mut value: Vec<u8>) -> Bytes {
    value.resize(value.len().next_multiple_of(2), vr::padding(vr));
    Bytes::from(value)
}

impl Element {
    /// An element of a text VR, encoded in a character set and padded.
    ///
    /// # Errors
    /// A character has no code in the character set.
    pub fn with_text(
        tag: Tag,
        vr: VR,
        text: &str,
        charset: &CharacterSet,
    ) -> Result<Self, Unencodable> {
        let value = if has_character_set(vr) {
            charset.encode(text)?
        } else {
            CharacterSet::default().encode(text)?
        };
        Ok(Self::new(tag, vr, padded(vr, value)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::dataset::Item;
    use super::*;

    fn of(vr: VR, value: &[u8]) -> Vec<String> {
        values(
            &Element::new(Tag(0x0009, 0x1001), vr, value.to_vec()),
            Encoding::EXPLICIT_LITTLE,
            &CharacterSet::default(),
        )
    }

    #[test]
    fn text_is_split_and_trimmed_as_its_vr_wants() {
        assert_eq!(of(VR::CS, b" A \\B\\"), ["A", "B", ""]);
        assert_eq!(of(VR::PN, b" Doe^J "), [" Doe^J"]);
        assert_eq!(of(VR::UI, b"1.2\x00"), ["1.2"]);
        assert_eq!(of(VR::ST, b" a\\b "), [" a\\b"]);
        assert!(of(VR::LO, b"  ").is_empty() && of(VR::OB, b"ab").is_empty());
        assert_eq!(of(VR::UN, b"Doe^J\x00"), ["Doe^J"]);
    }

    #[test]
    fn numbers_are_printed_in_decimal() {
        assert_eq!(of(VR::US, &[1, 0, 0xFF, 0xFF, 9]), ["1", "65535"]);
        assert_eq!(of(VR::SS, &[0xFF, 0xFF]), ["-1"]);
        assert_eq!(of(VR::AT, &[0x10, 0, 0x20, 0]), ["00100020"]);
        assert_eq!(of(VR::FL, &1.5f32.to_le_bytes()), ["1.5"]);
        assert_eq!(of(VR::FD, &(-0.25f64).to_le_bytes()), ["-0.25"]);
        assert_eq!(of(VR::SV, &(-3i64).to_le_bytes()), ["-3"]);
        let big = Encoding {
            explicit: true,
            big_endian: true,
        };
        let element = Element::new(Tag(0x0028, 0x0010), VR::UL, vec![0, 0, 1, 0]);
        assert_eq!(values(&element, big, &CharacterSet::default()), ["256"]);
    }

    #[test]
    fn a_nested_character_set_holds_for_its_item_alone() {
        let name = |value: &'static [u8]| Element::new(Tag(0x0010, 0x0010), VR::PN, value);
        let inner = DataSet::from_elements(vec![
            Element::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 144"),
            name(b"\xBB"),
        ]);
        let sequence =
            Element::sequence(Tag(0x0008, 0x1140), vec![inner], Encoding::EXPLICIT_LITTLE);
        let outer = DataSet::from_elements(vec![
            Element::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100"),
            sequence,
            name(b"\xE9"),
        ]);
        let around = character_set_of(&outer, &CharacterSet::default());
        let Item { data, .. } = &outer
            .get(Tag(0x0008, 0x1140))
            .unwrap()
            .items()
            .unwrap()
            .items[0];
        let inside = character_set_of(data, &around);
        let read = |data: &DataSet, set| {
            text(
                data.get(Tag(0x0010, 0x0010))
                    .unwrap(),
                Encoding::EXPLICIT_LITTLE,
                set,
            )
            .unwrap()
        };
        assert_eq!(
            (read(data, &inside), read(&outer, &around)),
            ("Л".into(), "é".into())
        );
    }

    #[test]
    fn written_text_is_padded_or_refused() {
        let latin = CharacterSet::from_element(b"ISO_IR 100");
        let tag = Tag(0x0010, 0x0010);
        assert_eq!(
            Element::with_text(tag, VR::PN, "Zoé", &latin)
                .unwrap()
                .bytes()
                .unwrap()
                .as_ref(),
            b"Zo\xE9 "
        );
        assert_eq!(
            Element::with_text(tag, VR::UI, "1.2", &latin)
                .unwrap()
                .bytes()
                .unwrap()
                .as_ref(),
            b"1.2\0"
        );
        assert!(Element::with_text(tag, VR::CS, "é", &latin).is_err());
    }
}
