//! Preamble and file meta information (PS3.10 section 7.1): found leniently, written afresh.
//!
//! Owns group 0002. Of the meta of a file only the transfer syntax and a registered SOP class are
//! ever used again: AE titles, private information and the preamble do not survive.

use bytes::Bytes;

use super::Tag;
use super::dataset::DataSet;
use super::error::Halt;
use super::vr;
use crate::error::{FileError, FileErrorKind};

/// Names fwupload's way of writing files; a UID of the project's own, derived from a random UUID
/// (PS3.5 section B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.210416637744403566570232857312656009842";
/// Implementation version name: at most 16 characters.
pub const IMPLEMENTATION_VERSION: &str = concat!(
    "FWUPLOAD_",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "_",
    env!("CARGO_PKG_VERSION_MINOR")
);
/// Characters that a UID may have (PS3.5 section 9.1).
const LONGEST_UID: usize = 64;
const REGISTERED: &[u8] = b"1.2.840.10008.";

/// What the start of a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaAsRead {
    pub has_prefix: bool,
    pub has_group: bool,
    /// Media storage SOP class, transfer syntax: values without padding.
    pub sop_class: Option<Bytes>,
    pub transfer_syntax: Option<Bytes>,
    /// Where the data set begins.
    pub data_at: usize,
}

impl MetaAsRead {
    /// Whether the file says that it is a media directory (PS3.3 section F).
    pub fn is_dicomdir(&self) -> bool {
        self.sop_class.as_deref() == Some(b"1.2.840.10008.1.3.10".as_slice())
    }

    /// The media storage SOP class, where it is a registered one.
    fn registered_class(&self) -> Option<&[u8]> {
        let uid = self
            .sop_class
            .as_deref()
            .filter(|uid| uid.starts_with(REGISTERED));
        uid.filter(|uid| {
            uid.iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        })
    }

    /// The transfer syntax UID as text, where it has the characters of one.
    pub fn transfer_syntax(&self) -> Option<&str> {
        self.transfer_syntax
            .as_deref()
            .and_then(|uid| std::str::from_utf8(uid).ok())
            .filter(|uid| !uid.is_empty())
    }
}

/// Reads preamble and group 0002 from the first bytes of a file of `total` bytes. The group's
/// length is not trusted; of two values of one element, as in a file with two such groups, the
/// first counts.
pub fn parse(buffer: &Bytes, total: usize) -> Result<MetaAsRead, Halt> {
    let mut meta = MetaAsRead::default();
    let mut at = 0;
    if buffer.get(128..132) == Some(b"DICM") {
        (meta.has_prefix, at) = (true, 132);
    } else if buffer.starts_with(b"DICM") {
        (meta.has_prefix, at) = (true, 4);
    }
    while let Some(field) = field(buffer, at, total)? {
        meta.has_group = true;
        let value = buffer
            .get(field.value_at..field.end)
            .ok_or(Halt::More(field.end))?;
        let first = match field.element {
            0x0002 => &mut meta.sop_class,
            0x0010 => &mut meta.transfer_syntax,
            _ => &mut None,
        };
        if first
            .as_ref()
            .is_none_or(Bytes::is_empty)
        {
            *first = Some(buffer.slice_ref(uid(value)));
        }
        at = field.end;
    }
    meta.data_at = at;
    Ok(meta)
}

struct MetaField {
    element: u16,
    value_at: usize,
    end: usize,
}

/// The element of group 0002 at an offset; `None` where there is none.
fn field(buffer: &Bytes, at: usize, total: usize) -> Result<Option<MetaField>, Halt> {
    let Some(head) = buffer
        .get(at..)
        .and_then(<[u8]>::first_chunk::<8>)
    else {
        return if at.saturating_add(8) <= total {
            Err(Halt::More(at + 8))
        } else {
            Ok(None)
        };
    };
    let [0x02, 0x00, e0, e1, v0, v1, l0, l1] = *head else {
        return Ok(None);
    };
    let element = u16::from_le_bytes([e0, e1]);
    let (length, value_at) = match vr::from_bytes([v0, v1]) {
        Some(vr) if !vr::has_long_length(vr) => (u32::from(u16::from_le_bytes([l0, l1])), at + 8),
        Some(_) => match buffer
            .get(at + 8..)
            .and_then(<[u8]>::first_chunk::<4>)
        {
            Some(length) => (u32::from_le_bytes(*length), at + 12),
            None => return Err(Halt::More(at + 12)),
        },
        // Some writers encode the meta group with implicit VR.
        None => (u32::from_le_bytes([v0, v1, l0, l1]), at + 8),
    };
    let end = value_at.saturating_add(length as usize);
    if end > total {
        return Err(Halt::new(
            FileErrorKind::Truncated,
            Tag(0x0002, element),
            at,
            "",
        ));
    }
    Ok(Some(MetaField {
        element,
        value_at,
        end,
    }))
}

/// A UID's bytes without padding: what stands behind a NUL is none of it (PS3.5 section 9.1).
pub fn uid(value: &[u8]) -> &[u8] {
    value
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default()
        .trim_ascii_end()
}

/// Appends a zero preamble and fresh meta for a data set. SOP class and instance are the data set's
/// own; a media storage SOP class that the data set lacks is kept where it is a registered one.
/// `deid.uid-too-long` where one of them is longer than a UID may be.
pub fn write(
    out: &mut Vec<u8>,
    data: &DataSet,
    as_read: &MetaAsRead,
    syntax: &str,
) -> Result<(), FileError> {
    let of_data = |element| {
        data.get(Tag(0x0008, element))
            .and_then(|e| e.bytes())
            .map(|b| uid(b))
            .filter(|b| !b.is_empty())
    };
    out.extend_from_slice(&[0; 128]);
    out.extend_from_slice(b"DICM\x02\x00\x00\x00UL\x04\x00\0\0\0\0");
    let from = out.len();
    out.extend_from_slice(b"\x02\x00\x01\x00OB\0\0\x02\0\0\0\x00\x01");
    for (element, value) in [
        (0x02, of_data(0x0016).or(as_read.registered_class())),
        (0x03, of_data(0x0018)),
        (0x10, Some(syntax.as_bytes())),
        (0x12, Some(IMPLEMENTATION_CLASS_UID.as_bytes())),
        (0x13, Some(IMPLEMENTATION_VERSION.as_bytes())),
    ] {
        if let Some(value) = value {
            short_text(out, element, value)?;
        }
    }
    let length = u32::try_from(out.len() - from).unwrap_or_default();
    if let Some(place) = out.get_mut(from - 4..from) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// Whether one of the UIDs in a value, as it was read, is longer than a UID may be.
pub fn is_too_long(uids: &[u8]) -> bool {
    uids.len() > LONGEST_UID
        && uids
            .split(|byte| *byte == b'\\')
            .any(|value| uid(value).len() > LONGEST_UID)
}

/// Whether a head that was written has its data set where it should be and names this transfer
/// syntax.
pub fn reads_back(head: &[u8], data_at: usize, syntax: &str) -> bool {
    let meta = head
        .get(..data_at)
        .map(|bytes| parse(&Bytes::copy_from_slice(bytes), data_at));
    matches!(meta, Some(Ok(meta)) if meta.data_at == data_at && meta.transfer_syntax() == Some(syntax))
}

/// One element of group 0002, UI but for the version name.
fn short_text(out: &mut Vec<u8>, element: u8, value: &[u8]) -> Result<(), FileError> {
    let length = u8::try_from(value.len().next_multiple_of(2))
        .ok()
        .filter(|_| value.len() <= LONGEST_UID);
    let length = length.ok_or_else(|| {
        FileErrorKind::UidTooLong.error(format!("(0002,{element:04x}) of the file meta"))
    })?;
    let (letters, padding): (&[u8], u8) = if element == 0x13 {
        (b"SH", b' ')
    } else {
        (b"UI", 0)
    };
    out.extend_from_slice(&[0x02, 0x00, element, 0x00]);
    out.extend_from_slice(letters);
    out.extend_from_slice(&[length, 0]);
    out.extend_from_slice(value);
    out.resize(out.len() + value.len() % 2, padding);
    Ok(())
}
