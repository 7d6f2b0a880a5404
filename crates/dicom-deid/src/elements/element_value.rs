//! Element values as a rule reads and writes them.
//!
//! Reading gives the one text that Flywheel's engine sees: several values joined by commas, padding
//! gone. Writing gives a value field, or says why there is none. Nothing here may put a value into
//! a message.

use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Tag, VR, padded};

use crate::profile::{Replacement, Scalar, has_character_set, is_number_text, is_numeric, is_text};

/// What a rule reads from an element that is there.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nothing, although the element is there: numbers without a value.
    Nothing,
    /// Text, empty or not.
    Text(String),
    /// No text: items, fragments, bulk data, or an unknown VR.
    Opaque,
}

/// Why a value cannot be written.
#[derive(Debug, PartialEq, Eq)]
pub enum WriteError {
    /// Text has a character that the character set lacks.
    Character,
    /// The VR cannot hold it; says why.
    Vr(String),
}

/// The data sets in the items of an element; none where it is no sequence.
pub fn item_sets(element: &Element) -> impl Iterator<Item = &DataSet> {
    element
        .items()
        .into_iter()
        .flat_map(|sequence| &sequence.items)
        .map(|item| &item.data)
}

/// Bytes that mean the same in every character set.
pub fn is_plain(bytes: &[u8]) -> bool {
    bytes.is_ascii() && memchr::memchr(0x1B, bytes).is_none()
}

/// A value without trailing spaces and NULs.
pub fn without_padding(value: &[u8]) -> &[u8] {
    let end = value
        .iter()
        .rposition(|byte| !matches!(byte, 0 | b' '))
        .map_or(0, |at| at + 1);
    value.get(..end).unwrap_or_default()
}

/// Reads an element as the VR that it really has. The character set is asked for only where bytes
/// depend on it.
pub fn read(
    element: &Element,
    vr: VR,
    encoding: Encoding,
    charset: impl FnOnce() -> CharacterSet,
) -> Reading {
    let Some(bytes) = element.bytes() else {
        return Reading::Opaque;
    };
    // The content of UN is little endian, whatever surrounds it (PS3.5 section 6.2.2).
    let encoding = if element.vr == VR::UN {
        Encoding::IMPLICIT_LITTLE
    } else {
        encoding
    };
    if is_text(vr) || is_number_text(vr) {
        let decoded = if is_plain(bytes) {
            String::from_utf8_lossy(bytes).into_owned()
        } else if has_character_set(vr) {
            charset().decode(bytes, vr == VR::PN)
        } else {
            CharacterSet::default().decode(bytes, false)
        };
        // Blanks are an empty text, not the absence of one, also for numbers.
        return if bytes.is_empty() && is_number_text(vr) {
            Reading::Nothing
        } else {
            Reading::Text(separate(&decoded, vr).join(","))
        };
    }
    match numbers(bytes, vr, encoding) {
        Some(numbers) if numbers.is_empty() => Reading::Nothing,
        Some(numbers) => Reading::Text(numbers.join(",")),
        None => Reading::Opaque,
    }
}

/// The values of a text, each without the padding that its VR allows.
pub fn separate(text: &str, vr: VR) -> Vec<String> {
    let whole = text.trim_end_matches([' ', '\0']);
    let trim: fn(&str) -> &str = match vr {
        VR::ST | VR::LT | VR::UT | VR::UR => return vec![whole.to_owned()],
        VR::AE | VR::DS | VR::IS => |value| value.trim(),
        VR::SH | VR::LO | VR::UC => |value| value.trim_end_matches([' ', '\0']),
        // Component groups that are empty at the end are as if absent.
        VR::PN => |value| value.trim_end_matches('='),
        _ => |value| value,
    };
    whole
        .split('\\')
        .map(|value| trim(value).to_owned())
        .collect()
}

/// Numbers of a binary VR as Python prints them; none for other VRs.
pub fn numbers(bytes: &[u8], vr: VR, encoding: Encoding) -> Option<Vec<String>> {
    #[allow(clippy::cast_possible_truncation)]
    let (size, printed): (_, fn(u64) -> String) = match vr {
        VR::US => (2, |word| word.to_string()),
        VR::SS => (2, |word| {
            (word as u16)
                .cast_signed()
                .to_string()
        }),
        VR::UL => (4, |word| word.to_string()),
        VR::SL => (4, |word| {
            (word as u32)
                .cast_signed()
                .to_string()
        }),
        VR::FL => (4, |word| python_float(f32::from_bits(word as u32).into())),
        VR::UV => (8, |word| word.to_string()),
        VR::SV => (8, |word| word.cast_signed().to_string()),
        VR::FD => (8, |word| python_float(f64::from_bits(word))),
        _ => return None,
    };
    let words = bytes.chunks_exact(size);
    Some(
        words
            .map(|word| printed(whole(word, encoding)))
            .collect(),
    )
}

fn whole(word: &[u8], encoding: Encoding) -> u64 {
    let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if encoding.big_endian {
        word.iter().fold(0, fold)
    } else {
        word.iter().rev().fold(0, fold)
    }
}

/// A floating-point number as Python writes it: `70.0`, `1e-05`, `1e+16`.
pub fn python_float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) && number.is_finite() {
        let text = format!("{number:e}");
        let (digits, exponent) = text
            .split_once('e')
            .unwrap_or((&text, "0"));
        let (sign, exponent) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number:?}").replace("NaN", "nan")
}

/// The element that holds the text which an action made from another.
pub fn write_text(
    tag: Tag,
    vr: VR,
    text: &str,
    charset: impl FnOnce() -> CharacterSet,
) -> Result<Element, WriteError> {
    if is_number_text(vr) {
        is_numeric(text, vr).map_err(WriteError::Vr)?;
    } else if !is_text(vr) {
        return Err(WriteError::Vr(format!(
            "text cannot be written into {}",
            vr.to_string()
        )));
    }
    encode(tag, vr, text, charset)
}

fn encode(
    tag: Tag,
    vr: VR,
    text: &str,
    charset: impl FnOnce() -> CharacterSet,
) -> Result<Element, WriteError> {
    if text.is_ascii() && !text.contains('\u{1b}') {
        return Ok(Element::new(tag, vr, padded(vr, text.as_bytes().to_vec())));
    }
    if !has_character_set(vr) {
        return Err(WriteError::Character);
    }
    Element::with_text(tag, vr, text, &charset()).map_err(|_| WriteError::Character)
}

/// The element that holds the value of `replace-with`.
pub fn write_value(
    tag: Tag,
    vr: VR,
    value: &Replacement,
    encoding: Encoding,
    charset: impl FnOnce() -> CharacterSet,
) -> Result<Element, WriteError> {
    let scalars = value.scalars();
    if let Some(why) = scalars
        .iter()
        .find_map(|scalar| scalar.misfit(vr))
    {
        return Err(WriteError::Vr(why));
    }
    if scalars.is_empty() {
        let empty = if vr == VR::SQ {
            Element::sequence(tag, Vec::new(), encoding)
        } else {
            Element::new(tag, vr, Vec::new())
        };
        return Ok(empty);
    }
    if is_text(vr) || is_number_text(vr) {
        let texts: Vec<String> = scalars
            .iter()
            .map(|scalar| scalar_text(scalar, vr))
            .collect();
        return encode(tag, vr, &texts.join("\\"), charset);
    }
    let bytes: Vec<u8> = scalars
        .iter()
        .flat_map(|scalar| scalar_bytes(scalar, vr, encoding))
        .collect();
    Ok(Element::new(tag, vr, bytes))
}

fn scalar_text(scalar: &Scalar, vr: VR) -> String {
    match scalar {
        Scalar::Text(text) => text.clone(),
        // A whole number in DS gets its point, as in Python.
        #[allow(clippy::cast_precision_loss)]
        Scalar::Integer(number) if vr == VR::DS => python_float(*number as f64),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) if vr == VR::IS && number.fract() == 0.0 => format!("{number:.0}"),
        Scalar::Float(number) => python_float(*number),
    }
}

/// A number in the bytes of a binary VR. That it fits was checked before.
fn scalar_bytes(scalar: &Scalar, vr: VR, encoding: Encoding) -> Vec<u8> {
    let (integer, float) = match scalar {
        #[allow(clippy::cast_precision_loss)]
        Scalar::Integer(number) => (*number, *number as f64),
        Scalar::Float(number) => (0, *number),
        Scalar::Text(_) => (0, 0.0),
    };
    #[allow(clippy::cast_possible_truncation)]
    let (bits, size) = match vr {
        VR::FL => (u64::from((float as f32).to_bits()), 4),
        VR::FD => (float.to_bits(), 8),
        VR::US | VR::SS => (integer.cast_unsigned(), 2),
        VR::UL | VR::SL => (integer.cast_unsigned(), 4),
        _ => (integer.cast_unsigned(), 8),
    };
    let mut bytes: Vec<u8> = bits
        .to_le_bytes()
        .into_iter()
        .take(size)
        .collect();
    if encoding.big_endian {
        bytes.reverse();
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BIG: Encoding = Encoding {
        explicit: true,
        big_endian: true,
    };
    const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

    fn reading(vr: VR, bytes: &'static [u8]) -> Reading {
        read(
            &Element::new(Tag(8, 8), vr, bytes),
            vr,
            LITTLE,
            CharacterSet::default,
        )
    }

    fn text(text: &str) -> Reading {
        Reading::Text(text.to_owned())
    }

    #[test]
    fn values_are_read_as_one_text() {
        assert_eq!(reading(VR::LO, b" A1 \\B2 "), text(" A1,B2"));
        assert_eq!(
            reading(VR::CS, b"ORIGINAL\\PRIMARY "),
            text("ORIGINAL,PRIMARY")
        );
        assert_eq!(reading(VR::AE, b" X \\ Y"), text("X,Y"));
        assert_eq!(reading(VR::LT, b"a\\b "), text("a\\b"));
        assert_eq!(reading(VR::PN, b"Doe^Jane^^^ "), text("Doe^Jane^^^"));
        assert_eq!(reading(VR::UI, b"1.2\0"), text("1.2"));
        assert_eq!(reading(VR::DS, b" 70.50\\1 "), text("70.50,1"));
        assert_eq!(reading(VR::LO, b""), text(""));
        assert_eq!(reading(VR::PN, b"A=B=\\=C== "), text("A=B,=C"));
        assert_eq!(reading(VR::IS, b""), Reading::Nothing);
        assert_eq!(reading(VR::IS, b"  "), text(""));
        assert_eq!(reading(VR::US, b""), Reading::Nothing);
        assert_eq!(reading(VR::US, &[1, 0, 255, 255]), text("1,65535"));
        assert_eq!(reading(VR::SS, &[255, 255]), text("-1"));
        assert_eq!(
            reading(VR::FL, &[0xCD, 0xCC, 0xCC, 0x3D]),
            text("0.10000000149011612")
        );
        assert_eq!(reading(VR::OB, b"ab"), Reading::Opaque);
        let big = Element::new(Tag(8, 8), VR::UL, &[0_u8, 0, 1, 2][..]);
        assert_eq!(read(&big, VR::UL, BIG, CharacterSet::default), text("258"));
        let unknown = Element::new(Tag(8, 8), VR::UN, &[1_u8, 0][..]);
        assert_eq!(
            read(&unknown, VR::US, BIG, CharacterSet::default),
            text("1"),
            "UN is little endian"
        );
    }

    fn written(vr: VR, value: &Replacement, encoding: Encoding) -> Result<Vec<u8>, WriteError> {
        let element = write_value(Tag(8, 8), vr, value, encoding, CharacterSet::default)?;
        Ok(element.bytes().unwrap().to_vec())
    }

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let one = |scalar| Replacement::One(scalar);
        assert_eq!(
            written(VR::DS, &one(Scalar::Integer(70)), LITTLE).unwrap(),
            b"70.0"
        );
        let list = Replacement::List(vec![
            Scalar::Integer(1),
            Scalar::Integer(2),
            Scalar::Float(3.5),
        ]);
        assert_eq!(written(VR::DS, &list, LITTLE).unwrap(), b"1.0\\2.0\\3.5 ");
        assert_eq!(
            written(VR::IS, &one(Scalar::Float(7.5)), LITTLE).unwrap(),
            b"7.5 "
        );
        assert_eq!(
            written(VR::IS, &one(Scalar::Integer(7)), LITTLE).unwrap(),
            b"7 "
        );
        assert_eq!(
            written(VR::US, &one(Scalar::Integer(258)), BIG).unwrap(),
            [1, 2]
        );
        assert_eq!(
            written(VR::SS, &one(Scalar::Integer(-2)), LITTLE).unwrap(),
            [254, 255]
        );
        assert_eq!(
            written(VR::FD, &one(Scalar::Float(1.0)), BIG).unwrap(),
            1.0_f64.to_be_bytes()
        );
        assert_eq!(
            written(VR::UI, &one(Scalar::Text("1.2".to_owned())), LITTLE).unwrap(),
            b"1.2\0"
        );
        for (number, expected) in [
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-1.5e300, "-1.5e+300"),
            (0.0, "0.0"),
        ] {
            assert_eq!(python_float(number), expected);
        }
    }

    #[test]
    fn values_that_do_not_fit_the_vr_are_refused() {
        let text = |text: &str| Replacement::One(Scalar::Text(text.to_owned()));
        assert_eq!(
            written(VR::LO, &text("山田"), LITTLE),
            Err(WriteError::Character)
        );
        assert_eq!(
            written(VR::CS, &text("Ä"), LITTLE),
            Err(WriteError::Character)
        );
        assert!(matches!(
            written(VR::OB, &text("x"), LITTLE),
            Err(WriteError::Vr(_))
        ));
        assert!(matches!(
            write_text(Tag(8, 8), VR::DS, "a0f7", CharacterSet::default),
            Err(WriteError::Vr(_))
        ));
        assert!(
            written(VR::OB, &Replacement::Empty, LITTLE)
                .unwrap()
                .is_empty()
        );
    }
}
