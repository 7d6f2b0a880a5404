//! The marker segments of a JPEG 2000 codestream (ISO 15444-1 annex A), and the boxes of a file
//! around it (annex I).

use super::super::stream::Stream;
use super::damaged;
use crate::error::DeidError;

const TILE_PART: u16 = 0xFF90;
const DATA: u16 = 0xFF93;
const END: u16 = 0xFFD9;
/// Bytes of a tile-part's first marker with its segment.
const TILE_PART_LEN: u64 = 12;

/// Goes through a codestream from its start to behind its end. One that is cut off in the last
/// fragment has nothing more.
pub(super) fn image(stream: &mut Stream) -> Result<(), DeidError> {
    stream.skip(2)?;
    let mut in_header = true;
    loop {
        match stream.word()? {
            Some(TILE_PART) if tile_part(stream)? => in_header = false,
            None | Some(TILE_PART | END) => return Ok(()),
            // Behind a tile-part there is another, or the end.
            Some(marker @ 0xFF30..) if in_header => drop(segment(stream, marker)?),
            Some(_) => return Err(damaged()),
        }
    }
}

/// Whether decoders know a segment: those of parts 1, 2 and 15. Not a comment.
fn is_known(marker: u16) -> bool {
    matches!(marker & 0xFF, 0x50..=0x53 | 0x55..=0x61 | 0x63 | 0x70..=0x79)
}

/// A segment; its length with the length itself.
fn segment(stream: &mut Stream, marker: u16) -> Result<u64, DeidError> {
    if matches!(marker, 0xFF30..=0xFF3F) {
        return Ok(0);
    }
    let Some(length) = stream.word()? else {
        return Ok(0);
    };
    let payload = u64::from(length.checked_sub(2).ok_or_else(damaged)?);
    if is_known(marker) {
        stream.skip(payload)?
    } else {
        stream.mark(payload)?
    };
    Ok(u64::from(length))
}

/// A tile-part, its marker read: the header is gone through, the data passed over. Tells whether
/// more may follow.
fn tile_part(stream: &mut Stream) -> Result<bool, DeidError> {
    let fragment = stream.fragment()?;
    stream.skip(4)?;
    let Some(length) = stream.long()?.map(u64::from) else {
        return Ok(false);
    };
    stream.skip(2)?;
    let mut passed = TILE_PART_LEN;
    loop {
        match stream.word()? {
            None => return Ok(false),
            Some(DATA) => break,
            Some(marker @ 0xFF30..) => passed += 2 + segment(stream, marker)?,
            Some(_) => return Err(damaged()),
        }
    }
    passed += 2;
    if length == 0 {
        return to_the_end(stream).map(|()| false);
    }
    let whole = stream.skip(length.checked_sub(passed).ok_or_else(damaged)?)?;
    // A length beyond the end may have passed over other frames.
    if whole || stream.fragment()? == fragment {
        Ok(whole)
    } else {
        Err(damaged())
    }
}

/// To behind the end of the codestream, from the data of a tile-part that states no length: within
/// data, FF is followed by a byte below 90 or by the markers of packets.
fn to_the_end(stream: &mut Stream) -> Result<(), DeidError> {
    while stream.find(0xFF)? {
        if stream.ahead(1)?.first() == Some(&0xD9) {
            return stream.skip(1).map(drop);
        }
    }
    Ok(())
}

/// Boxes up to the codestream and through it. What follows it in its fragment is emptied by the
/// caller.
pub(super) fn boxes(stream: &mut Stream) -> Result<(), DeidError> {
    loop {
        let (Some(length), Some(kind)) = (stream.long()?, stream.long()?) else {
            return Ok(());
        };
        let kind = kind.to_be_bytes();
        if &kind == b"jp2c" {
            if length == 1 {
                stream.skip(8)?;
            }
            return if stream.ahead(2)?.as_ref() == [0xFF, 0x4F] {
                image(stream)
            } else {
                Err(damaged())
            };
        }
        let payload = u64::from(length).checked_sub(8).ok_or_else(damaged)?;
        // Signature, file type and what is in the image header; others hold text or are unknown. A
        // colour is told by its number in 7 bytes, or by a profile.
        match &kind {
            b"jp2h" => true,
            b"colr" if stream.ahead(1)?.first() == Some(&1) => {
                stream.skip(payload.min(7))? && stream.mark(payload.saturating_sub(7))?
            }
            b"jP  " | b"ftyp" | b"ihdr" | b"bpcc" | b"pclr" | b"cmap" | b"cdef" | b"res " => {
                stream.skip(payload)?
            }
            _ => stream.mark(payload)?,
        };
    }
}
