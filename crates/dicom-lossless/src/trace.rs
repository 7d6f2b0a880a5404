//! Traces of a data set in any bytes: at their beginning, where a file has no preamble, and at any
//! offset, where a file is not read as DICOM.
//!
//! Owns what counts as plausible (PS3.5 section 7.1). It never says that a data set is sound:
//! reading does.

use super::{Encoding, Tag, VR, vr};

/// The ways in which elements are written down; the last one only before DICOM 3, as ACR-NEMA.
const ENCODINGS: [Encoding; 4] = [
    Encoding::EXPLICIT_LITTLE,
    Encoding::IMPLICIT_LITTLE,
    Encoding {
        explicit: true,
        big_endian: true,
    },
    Encoding {
        explicit: false,
        big_endian: true,
    },
];
/// Elements in a row after which there is no doubt.
const ENOUGH: usize = 8;
/// The most that the first element of a bare implicit data set holds, in bytes, unless it is a
/// sequence.
const MOST_FIRST: usize = 1024;
/// Longer values than these, in bytes, stand in pixel data only.
const MOST_IMPLICIT: usize = 16 << 20;
/// Zero bytes in front of an exact prefix that make it one whatever follows: the end of a preamble.
const ZEROS: usize = 8;

/// How a data set without preamble is encoded that stands at the beginning of a file; none where
/// there is none. A file that begins with group 0002 or 0008 needs little more than that; other low
/// groups need elements in a row.
pub fn encoding_at_start(first: &[u8]) -> Option<Encoding> {
    ENCODINGS
        .into_iter()
        .find(|encoding| begins(first, *encoding))
}

fn begins(first: &[u8], encoding: Encoding) -> bool {
    let Some(header) = header(first, 0, encoding) else {
        return false;
    };
    match header.tag.group() {
        0x0002 | 0x0008 if encoding.explicit => true,
        0x0002 | 0x0008 => {
            let short = header.vr == VR::SQ
                || header
                    .length
                    .is_some_and(|length| length <= MOST_FIRST);
            let row = Row::from(first, 0, encoding);
            header.vr != VR::UN && short && (row.elements >= 2 || row.at_end)
        }
        0x0003..=0x0040 => {
            let row = Row::from(first, 0, encoding);
            row.elements >= 3 && row.texts > 0
        }
        _ => false,
    }
}

/// Where a data set or a DICOM prefix, also one with a wrong letter, stands in these bytes; none
/// where there is no trace of either. `whole` says that nothing follows the bytes.
pub fn trace(bytes: &[u8], whole: bool) -> Option<usize> {
    let pairs = bytes.windows(2).enumerate();
    let low = |byte: u8| matches!(byte, 0x02 | 0x04 | 0x08 | 0x10 | 0x18 | 0x20);
    let mut places = pairs.filter_map(|(at, pair)| match pair {
        [group, 0] if low(*group) => Some((at, false)),
        [0, group] if low(*group) => Some((at, true)),
        _ => None,
    });
    let found = places.find(|(at, big_endian)| {
        let of_order = |encoding: &Encoding| encoding.big_endian == *big_endian;
        follows_prefix(bytes, *at)
            || ENCODINGS
                .iter()
                .filter(|e| of_order(e))
                .any(|e| stands_at(bytes, *at, *e, whole))
    });
    found
        .map(|(at, _)| at)
        .or_else(|| exact_prefix(bytes))
}

/// Whether `DICM`, in any case or with one other letter, stands before the group of a first
/// element.
fn follows_prefix(bytes: &[u8], at: usize) -> bool {
    let group = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk::<2>);
    let Some(prefix) = at
        .checked_sub(4)
        .and_then(|from| bytes.get(from..at))
    else {
        return false;
    };
    let first = matches!(group, Some([0x02 | 0x08, 0] | [0, 0x02 | 0x08]));
    let same = prefix
        .iter()
        .zip(b"DICM")
        .filter(|(one, other)| one == other)
        .count();
    first && (same >= 3 || prefix.eq_ignore_ascii_case(b"DICM"))
}

fn exact_prefix(bytes: &[u8]) -> Option<usize> {
    let after_zeros = |at: &usize| {
        at.checked_sub(ZEROS)
            .and_then(|from| bytes.get(from..*at))
            .is_some_and(|before| before.iter().all(|byte| *byte == 0))
    };
    memchr::memmem::find_iter(bytes, b"DICM").find(after_zeros)
}

/// Whether elements stand here that are none by accident: explicit ones with the VR of the
/// dictionary, implicit ones in a row, and with a text among them.
fn stands_at(bytes: &[u8], at: usize, encoding: Encoding, whole: bool) -> bool {
    let Some(first) = header(bytes, at, encoding) else {
        return false;
    };
    let known = vr::of_tag(first.tag);
    if known == VR::UN || known != first.vr {
        return false;
    }
    let row = Row::from(bytes, at, encoding);
    let is_row = row.elements >= 2 || (encoding.explicit && row.texts > 0) || (row.at_end && whole);
    is_row && (encoding.explicit || row.texts > 0)
}

/// An element without its value.
struct Header {
    tag: Tag,
    vr: VR,
    /// In bytes; none where a delimiter ends the value.
    length: Option<usize>,
    value_at: usize,
}

fn header(bytes: &[u8], at: usize, encoding: Encoding) -> Option<Header> {
    let [g0, g1, e0, e1, v0, v1, l0, l1] = *bytes
        .get(at..)?
        .first_chunk::<8>()?;
    let tag = Tag(encoding.u16([g0, g1]), encoding.u16([e0, e1]));
    let (vr, length, value_at) = match vr::from_bytes([v0, v1]) {
        _ if !encoding.explicit => (vr::of_tag(tag), encoding.u32([v0, v1, l0, l1]), at + 8),
        Some(vr) if vr::has_long_length(vr) => (
            vr,
            encoding.u32(
                *bytes
                    .get(at + 8..)?
                    .first_chunk::<4>()?,
            ),
            at + 12,
        ),
        Some(vr) => (vr, u32::from(encoding.u16([l0, l1])), at + 8),
        None => return None,
    };
    let length = if length == u32::MAX {
        None
    } else {
        Some(usize::try_from(length).ok()?)
    };
    Some(Header {
        tag,
        vr,
        length,
        value_at,
    })
}

impl Header {
    fn is_plausible(&self, encoding: Encoding) -> bool {
        let private = self.tag.group() % 2 == 1;
        let may_be_open = matches!(self.vr, VR::SQ | VR::UN | VR::OB | VR::OW);
        let known = encoding.explicit || private || self.vr != VR::UN;
        known
            && self
                .length
                .map_or(may_be_open, |length| {
                    encoding.explicit || length <= MOST_IMPLICIT
                })
    }
}

/// Elements that follow one another.
#[derive(Default)]
struct Row {
    elements: usize,
    /// Those of them that hold a text.
    texts: usize,
    /// The last of them reaches the end of the bytes.
    at_end: bool,
}

impl Row {
    fn from(bytes: &[u8], start: usize, encoding: Encoding) -> Self {
        let (mut row, mut at, mut last) = (Self::default(), start, None);
        while row.elements < ENOUGH {
            let Some(header) = header(bytes, at, encoding) else {
                break;
            };
            if last.is_some_and(|last| header.tag <= last) || !header.is_plausible(encoding) {
                break;
            }
            let Some(length) = header.length else {
                row.elements += 1;
                break;
            };
            let rest = bytes
                .get(header.value_at..)
                .unwrap_or_default();
            let value = rest.get(..length).unwrap_or(rest);
            if !fits(header.vr, value, length) {
                break;
            }
            row.elements += 1;
            row.texts += usize::from(
                vr::is_text(header.vr)
                    && value
                        .iter()
                        .any(u8::is_ascii_alphanumeric),
            );
            row.at_end = length >= rest.len();
            (at, last) = (
                header
                    .value_at
                    .saturating_add(length),
                Some(header.tag),
            );
        }
        row
    }
}

/// Whether a value, or what is at hand of one of this length, is one that the VR may have.
fn fits(vr: VR, value: &[u8], length: usize) -> bool {
    let end = value
        .iter()
        .rposition(|byte| !matches!(byte, 0 | b' '))
        .map_or(0, |last| last + 1);
    let text = value.get(..end).unwrap_or_default();
    match vr {
        VR::UI => text
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.' || *byte == b'\\'),
        _ if vr::is_text(vr) => text
            .iter()
            .all(|byte| *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | 0x0C | b'\r' | 0x1B)),
        _ => length.is_multiple_of(vr::word_size(vr)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::fixture::{BIG, Bytework, EXPLICIT, IMPLICIT, native, start};
    use super::*;

    const BIG_IMPLICIT: Encoding = Encoding {
        explicit: false,
        big_endian: true,
    };
    const ALL: [Encoding; 4] = [EXPLICIT, IMPLICIT, BIG, BIG_IMPLICIT];

    fn person(encoding: Encoding) -> Vec<u8> {
        let work = start(encoding)
            .element(0x0010_0010, "PN", "Doe^Jane")
            .element(0x0010_0020, "LO", "4711");
        work.element(0x0020_000D, "UI", "1.2.3.4\0")
            .1
    }

    /// Bytes that are different in each place and have no order.
    fn noise(length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..length)
            .map(|_| random.u8(..))
            .collect()
    }

    #[test]
    fn a_bare_data_set_is_known_in_every_encoding() {
        for encoding in ALL {
            assert_eq!(encoding_at_start(&person(encoding)), Some(encoding));
            for (tag, next) in [
                (0x0002_0000, 0x0002_0002),
                (0x0008_0000, 0x0008_0016),
                (0x0008_0001, 0x0008_0016),
            ] {
                let (number, class) = (encoding.put_u32(4), "1.2.840.10008.5.1.4.1.1.2\0");
                let work = Bytework::new(encoding)
                    .element(tag, "UL", number)
                    .element(next, "UI", class);
                assert_eq!(encoding_at_start(&work.1), Some(encoding), "{tag:08x}");
            }
            let patient = Bytework::new(encoding)
                .element(0x0010_0010, "PN", "Doe^Jane")
                .element(0x0010_0020, "LO", "4711");
            assert_eq!(
                encoding_at_start(&patient.1),
                None,
                "two elements of the patient are no beginning"
            );
            let more = patient.element(0x0010_0030, "DA", "19330717");
            assert_eq!(encoding_at_start(&more.1), Some(encoding));
        }
        assert_eq!(
            encoding_at_start(b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100"),
            Some(IMPLICIT)
        );
    }

    #[test]
    fn other_beginnings_are_no_data_set() {
        let pixels: Vec<u8> = [8_u16, 5, 10, 0, 8, 22, 26, 0, 9, 8, 7]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        for other in [
            b"".as_slice(),
            b"\x08\x00",
            b"\x89PNG\r\n\x1a\n",
            b"PK\x03\x04 a zip file",
            b"hello, text",
            &[0; 400],
            &pixels,
        ] {
            assert_eq!(encoding_at_start(other), None);
        }
    }

    #[test]
    fn a_data_set_is_found_at_any_offset_and_cut_anywhere() {
        for encoding in ALL {
            for offset in [0, 1, 3, 4, 127, 132, 4099, (1 << 20) - 200] {
                for before in [vec![0; offset], vec![b'x'; offset], noise(offset)] {
                    let bytes = [before, person(encoding), noise(60)].concat();
                    assert!(trace(&bytes, true).is_some(), "{encoding:?} at {offset}");
                }
            }
            let cut = [noise(99), person(encoding)[..60].to_vec()].concat();
            assert!(trace(&cut, true).is_some(), "{encoding:?} cut off");
        }
    }

    #[test]
    fn one_element_of_the_patient_is_enough() {
        for (tag, letters, value) in [
            (0x0010_0010, "PN", "Doe^Jane"),
            (0x0010_0020, "LO", "4711"),
            (0x0008_0050, "SH", "ACC1"),
            (0x0020_000D, "UI", "1.2.3.4\0"),
            (0x0010_0030, "DA", "19330717"),
            (0x0008_0080, "LO", "Hospital"),
        ] {
            for encoding in ALL {
                let bytes = [
                    b"junk".to_vec(),
                    Bytework::new(encoding)
                        .element(tag, letters, value)
                        .1,
                ]
                .concat();
                assert_eq!(trace(&bytes, true), Some(4), "{tag:08x} {encoding:?}");
            }
        }
    }

    #[test]
    fn a_prefix_is_found_shifted_and_damaged() {
        let good = native(&start(EXPLICIT));
        for letters in [b"DICM", b"dicm", b"DICN", b"XICM", b"D\0CM", b"Dicm"] {
            let mut bytes = good.clone();
            bytes[128..132].copy_from_slice(letters);
            // What follows the prefix is damaged too, but for the group of the first element.
            bytes.truncate(134);
            for shifted in [
                bytes.clone(),
                [&[0; 4], &bytes[..]].concat(),
                bytes[100..].to_vec(),
                bytes[128..].to_vec(),
            ] {
                assert!(trace(&shifted, true).is_some(), "{letters:?}");
            }
        }
        assert_eq!(
            trace(&[&[0; 131], &b"DICM and nothing"[..]].concat(), true),
            Some(131)
        );
    }

    #[test]
    fn other_bytes_leave_no_trace() {
        let text = "The preamble is followed by the prefix DICM, then (0010,0010) PN and medical \
            indices. dicm DICM\n";
        let ramp: Vec<u8> = (0..1 << 19)
            .flat_map(|n: u32| ((n % 64) as u16).to_le_bytes())
            .collect();
        let small: Vec<u8> = noise(1 << 19)
            .iter()
            .flat_map(|n| [n % 33, 0])
            .collect();
        let big: Vec<u8> = small
            .iter()
            .rev()
            .copied()
            .collect();
        let signed: Vec<u8> = noise(1 << 19)
            .iter()
            .flat_map(|n| (i16::from(*n) - 128).to_le_bytes())
            .collect();
        let floats: Vec<u8> = noise(1 << 18)
            .iter()
            .flat_map(|n| f32::from(*n).to_le_bytes())
            .collect();
        let ints: Vec<u8> = noise(1 << 18)
            .iter()
            .flat_map(|n| u32::from(*n % 40).to_le_bytes())
            .collect();
        let utf16: Vec<u8> = text
            .repeat(99)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for other in [
            text.repeat(5000).into_bytes(),
            ramp,
            small,
            big,
            signed,
            floats,
            ints,
            utf16,
            noise(1 << 20),
            vec![0; 1 << 20],
        ] {
            assert_eq!(trace(&other, true), None);
        }
    }
}
