//! The marker segments of a JPEG or JPEG-LS image (ISO 10918-1 annex B, ISO 14495-1 annex C).

use super::super::stream::Stream;
use super::damaged;
use crate::failure::FileFailure;

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const COMMENT: u8 = 0xFE;

/// Goes through an image from its start to behind its end, or to where another one begins.
pub(super) fn image(stream: &mut Stream) -> Result<(), FileFailure> {
    stream.skip(2)?;
    let mut next = marker(stream)?;
    loop {
        next = match next {
            None | Some(END) => return Ok(()),
            // Markers without a segment: restarts, and another start.
            Some(0x01 | 0xD0..=0xD8) => marker(stream)?,
            Some(SCAN) => {
                segment(stream, SCAN)?;
                after_scan(stream)?
            }
            Some(code) => {
                segment(stream, code)?;
                marker(stream)?
            }
        };
    }
}

/// The next marker's code; none at the end. Stray bytes before it are emptied.
fn marker(stream: &mut Stream) -> Result<Option<u8>, FileFailure> {
    loop {
        match stream.ahead(1)?.first() {
            None => return Ok(None),
            Some(0xFF) => drop(stream.skip(1)?),
            Some(_) => {
                stream.mark(1)?;
                continue;
            }
        }
        if let Some(code) = code(stream)?.filter(|code| *code >= 0xC0 || *code == 0x01) {
            return Ok(Some(code));
        }
    }
}

/// What follows the byte FF, fill bytes passed over.
fn code(stream: &mut Stream) -> Result<Option<u8>, FileFailure> {
    loop {
        match stream.byte()? {
            Some(0xFF) => {}
            other => return Ok(other),
        }
    }
}

/// The marker that ends coded data, in which FF is followed by 0 (JPEG) or by a byte below 80 (JPEG-LS).
fn after_scan(stream: &mut Stream) -> Result<Option<u8>, FileFailure> {
    while stream.find(0xFF)? {
        match code(stream)? {
            Some(0x00..=0xBF | 0xD0..=0xD7) => {}
            marker => return Ok(marker),
        }
    }
    Ok(None)
}

/// A segment: emptied where decoding does not need it.
fn segment(stream: &mut Stream, code: u8) -> Result<(), FileFailure> {
    let Some(length) = stream.word()? else { return Ok(()) };
    let length = u64::from(length.checked_sub(2).ok_or_else(damaged)?);
    let needed = match code {
        COMMENT => 0,
        0xE0..=0xEF => needed(code, &stream.ahead(30.min(usize::try_from(length).unwrap_or_default()))?),
        _ => length,
    };
    stream.skip(needed)?;
    stream.mark(length - needed)?;
    Ok(())
}

/// How many bytes of an application segment tell how colours are coded. They hold numbers and a name of the format.
fn needed(code: u8, payload: &[u8]) -> u64 {
    match (code, payload) {
        (0xE0, [b'J', b'F', b'I', b'F', 0, 1, _, 0..=2, _, _, _, _, _, _, ..]) => 14,
        (0xE8, [b'S', b'P', b'I', b'F', b'F', 0, ..]) if payload.len() >= 30 => 30,
        (0xE8, [b'm', b'r', b'f', b'x', _]) => 5,
        (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, _, ..]) => 12,
        _ => 0,
    }
}
