//! The marker segments of a JPEG or JPEG-LS image (ISO 10918-1 annex B, ISO 14495-1 annex C).

use super::super::stream::Stream;
use super::damaged;
use crate::error::DeidError;

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const COMMENT: u8 = 0xFE;

/// Goes through an image from its start to behind its end, or to where another one begins.
pub(super) fn image(stream: &mut Stream) -> Result<(), DeidError> {
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

/// The next marker's code; none at the end. Stray bytes before it are emptied, and so are reserved
/// codes.
fn marker(stream: &mut Stream) -> Result<Option<u8>, DeidError> {
    loop {
        match *stream.ahead(2)? {
            [] => return Ok(None),
            [0xFF, 0x00 | 0x02..=0xBF] => drop(stream.mark(2)?),
            [0xFF, ..] => {
                stream.skip(1)?;
                if let Some(code) = code(stream)?.filter(|code| *code >= 0xC0 || *code == 0x01) {
                    return Ok(Some(code));
                }
            }
            [_, ..] => drop(stream.mark(1)?),
        }
    }
}

/// What follows the byte FF, fill bytes passed over.
fn code(stream: &mut Stream) -> Result<Option<u8>, DeidError> {
    loop {
        match stream.byte()? {
            Some(0xFF) => {}
            other => return Ok(other),
        }
    }
}

/// The marker that ends coded data, in which FF is followed by 0 (JPEG) or by a byte below 80
/// (JPEG-LS).
fn after_scan(stream: &mut Stream) -> Result<Option<u8>, DeidError> {
    while stream.find(0xFF)? {
        match code(stream)? {
            Some(0x00..=0xBF | 0xD0..=0xD7) => {}
            marker => return Ok(marker),
        }
    }
    Ok(None)
}

/// A segment: emptied where decoding does not need it.
fn segment(stream: &mut Stream, code: u8) -> Result<(), DeidError> {
    let Some(length) = stream.word()? else {
        return Ok(());
    };
    let length = u64::from(length.checked_sub(2).ok_or_else(damaged)?);
    let needed = match code {
        // Comments, and what is reserved for extensions of the standard.
        COMMENT | 0xC8 | 0xF0..=0xF6 | 0xF9..=0xFD => 0,
        0xE0..=0xEF => needed(
            code,
            &stream.ahead(30.min(usize::try_from(length).unwrap_or_default()))?,
        ),
        _ => {
            let payload = stream.ahead(usize::try_from(length).unwrap_or_default())?;
            // A segment that another fragment goes on with is taken as it is.
            if payload.len() as u64 == length {
                used(code, &payload)
            } else {
                length
            }
        }
    };
    stream.skip(needed.min(length))?;
    stream.mark(length.saturating_sub(needed))?;
    Ok(())
}

/// How many bytes of a segment that decoding needs it reads: tables one after the other, or a list
/// of components.
fn used(code: u8, payload: &[u8]) -> u64 {
    let number = |at: usize| payload.get(at).map_or(0, |byte| u64::from(*byte));
    match code {
        0xC4 => tables(payload, |table| {
            17 + table
                .iter()
                .skip(1)
                .take(16)
                .map(|count| usize::from(*count))
                .sum::<usize>()
        }),
        0xDB => tables(payload, |table| {
            if table.first().is_some_and(|kind| *kind >= 0x10) {
                129
            } else {
                65
            }
        }),
        0xC0..=0xCB | 0xCD..=0xCF | 0xDE | 0xF7 => 6 + 3 * number(5),
        SCAN => 4 + 2 * number(0),
        0xDC | 0xDD => 2,
        0xDF => 1,
        // Preset parameters of JPEG-LS: thresholds, mapping tables, sizes beyond 65535 (ISO 14495-1
        // section C.2.4.1.1).
        0xF8 if number(0) == 1 => 11,
        0xF8 if !(2..=4).contains(&number(0)) => 0,
        _ => payload.len() as u64,
    }
}

fn tables(payload: &[u8], length: impl Fn(&[u8]) -> usize) -> u64 {
    let mut at = 0;
    while let Some(table) = payload.get(at..).filter(|table| !table.is_empty()) {
        let end = at + length(table);
        if end > payload.len() {
            return if at == 0 {
                payload.len() as u64
            } else {
                at as u64
            };
        }
        at = end;
    }
    at as u64
}

/// How many bytes of an application segment tell how colours are coded. They hold numbers and a
/// name of the format.
fn needed(code: u8, payload: &[u8]) -> u64 {
    match (code, payload) {
        (0xE0, [b'J', b'F', b'I', b'F', 0, 1, _, 0..=2, _, _, _, _, _, _, ..]) => 14,
        (0xE8, [b'S', b'P', b'I', b'F', b'F', 0, ..]) if payload.len() >= 30 => 30,
        (0xE8, [b'm', b'r', b'f', b'x', _]) => 5,
        (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, _, ..]) => 12,
        _ => 0,
    }
}
