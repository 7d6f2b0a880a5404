//! Comments and other bytes inside compressed frames that no decoder looks at: in JPEG and JPEG-LS
//! (ISO 10918-1 annex B, ISO 14495-1 annex C), JPEG 2000 (ISO 15444-1 annexes A and I), RLE (PS3.5
//! annex G) and uncompressed frames in fragments (A.4.11). They are found by markers and lengths and
//! emptied in place, so that every length and every offset stays what it was.
//!
//! Owns which segments decoding needs, and what an offset table is. It decodes nothing. A stream
//! that is not what its transfer syntax says is an error, for comments could hide in it. It holds
//! one small piece at a time, whatever the length of the frames.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use dicom_dictionary_std::tags;
use dicom_lossless::{
    Encoding, Fragments, Instance, Kept, Layout, Mask, PixelElement, Scrubbed, SourceFile, Tag,
};

use super::pixel_error;
use crate::error::DeidError;

/// Bytes of the header of an item.
const ITEM_HEADER: u64 = 8;

/// What describes fragments: the two extended offset tables and the encapsulated total length.
const EXTENDED_OFFSET_TABLES: [Tag; 3] = [
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    tags::ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
];
const RLE_LOSSLESS: &str = "1.2.840.10008.1.2.5";
/// Encapsulated Uncompressed Explicit VR Little Endian.
const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";

/// Empties them in encapsulated pixel data, and takes away offset tables that are none. True
/// where there were any.
pub fn empty_comments(instance: &mut Instance, pixels: PixelElement) -> Result<bool, DeidError> {
    let fragments = Fragments::of(instance)?;
    let changed = without_false_tables(instance, &fragments, &pixels);
    let first = fragments
        .place(0)
        .map(|place| place.start - ITEM_HEADER);
    let table_fits = fragments.table_fits();
    let layout = Layout::of_instance(instance, pixels.tag);
    let marked = marked_by(
        fragments,
        &instance.syntax.uid,
        has_markers(&instance.syntax.uid),
        layout.as_ref(),
    )?;
    if marked.is_empty() && table_fits {
        return Ok(changed);
    }
    // Without the table, what stays begins with the first fragment, or with the delimiter.
    let from = if table_fits {
        pixels.value.start
    } else {
        first.unwrap_or(pixels.value.end - ITEM_HEADER)
    };
    let range = from..pixels.value.end;
    let ranges = marked
        .into_iter()
        .map(|range| range.start - from..range.end - from)
        .collect();
    let mask = Arc::new(Mask::of_ranges(range.end - range.start, ranges));
    let scrubbed = if table_fits {
        Scrubbed::Masked(mask)
    } else {
        let before = Bytes::from_static(&[0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
        Scrubbed::Kept(Kept {
            before,
            range,
            mask: Some(mask),
            after: Bytes::new(),
        })
    };
    instance.pixels = Some(PixelElement {
        scrubbed: Some(scrubbed),
        ..pixels
    });
    Ok(true)
}

/// Removes extended offset tables that do not say where the fragments are; all of them where there
/// are no fragments.
fn without_false_tables(
    instance: &mut Instance,
    fragments: &Fragments,
    pixels: &PixelElement,
) -> bool {
    let [offsets, lengths, total] = EXTENDED_OFFSET_TABLES.map(|tag| {
        instance.get(tag).map(|element| {
            element
                .bytes()
                .cloned()
                .unwrap_or_default()
        })
    });
    let fits = match (&offsets, &lengths) {
        (None, None) => true,
        (Some(offsets), Some(lengths)) => {
            [offsets, lengths]
                .iter()
                .all(|table| table.len().is_multiple_of(8))
                && fragments.extended_fits(offsets, lengths)
        }
        _ => false,
    };
    let total_fits = total.is_none_or(|total| {
        <[u8; 8]>::try_from(total.as_ref())
            .is_ok_and(|total| u64::from_le_bytes(total) <= pixels.value.end - pixels.value.start)
    });
    let [offsets, lengths, total] = EXTENDED_OFFSET_TABLES;
    without(instance, |tag| {
        (!fits && [offsets, lengths].contains(&tag)) || (!total_fits && tag == total)
    })
}

/// Removes what describes fragments from a file that has none.
pub fn without_tables(instance: &mut Instance) -> bool {
    without(instance, |tag| EXTENDED_OFFSET_TABLES.contains(&tag))
}

fn without(instance: &mut Instance, goes: impl Fn(Tag) -> bool) -> bool {
    let before = instance.header.len() + instance.tail.len();
    for data in [&mut instance.header, &mut instance.tail] {
        data.retain(|element| !goes(element.tag));
    }
    before != instance.header.len() + instance.tail.len()
}

/// Where something is to be emptied in nested pixel data. An error where it is not plainly an
/// image, or its offset table is none.
pub fn mark_nested(
    value: &Bytes,
    file: &Arc<SourceFile>,
    syntax: &str,
    layout: Option<&Layout>,
    encoding: Encoding,
) -> Result<Vec<Range<u64>>, DeidError> {
    let fragments = Fragments::nested(file, value.clone(), encoding)?;
    if !fragments.table_fits() {
        return Err(damaged());
    }
    marked_by(fragments, syntax, true, layout)
}

/// Where something is to be emptied, by what frames of the transfer syntax consist of.
fn marked_by(
    fragments: Fragments,
    syntax: &str,
    must: bool,
    layout: Option<&Layout>,
) -> Result<Vec<Range<u64>>, DeidError> {
    if ![RLE_LOSSLESS, ENCAPSULATED_UNCOMPRESSED].contains(&syntax) {
        return mark_images(FragmentStream::of(fragments), must);
    }
    let lengths: Vec<u64> = (0..fragments.count())
        .map(|number| fragments.len(number..number + 1))
        .collect();
    if lengths.is_empty() {
        return Ok(Vec::new());
    }
    // A frame is one fragment.
    let layout = layout
        .filter(|layout| layout.frames == lengths.len() as u64)
        .ok_or_else(damaged)?;
    let mut stream = FragmentStream::of(fragments);
    for length in lengths {
        if syntax == RLE_LOSSLESS {
            rle_frame(&mut stream, length, layout)?;
        } else {
            let frame = layout.frame_len().min(length);
            stream.skip(frame)?;
            mark_rest(&mut stream, length - frame)?;
        }
    }
    Ok(stream.marked)
}

/// Whether frames of a transfer syntax consist of marker segments: all of JPEG, JPEG-LS, JPEG 2000
/// and HTJ2K.
fn has_markers(uid: &str) -> bool {
    let number = uid
        .strip_prefix("1.2.840.10008.1.2.4.")
        .and_then(|number| number.parse::<u32>().ok());
    matches!(number, Some(50..=70 | 80 | 81 | 90..=93 | 201..=203))
}

/// Goes through an image from its start to behind its end.
type ImageReader = fn(&mut FragmentStream) -> Result<(), DeidError>;

/// How the image that begins here is read.
fn reader_of_image(stream: &mut FragmentStream) -> Result<Option<ImageReader>, DeidError> {
    let ahead = stream.ahead(8)?;
    Ok(match ahead.as_ref() {
        [0xFF, 0xD8, ..] => Some(jpeg_image),
        [0xFF, 0x4F, ..] => Some(codestream_image),
        b"\0\0\0\x0CjP  " if stream.at_start()? => Some(jp2_boxes),
        _ => None,
    })
}

/// Where something is to be emptied, from image to image. What lies between them is padding, or
/// else is emptied: no decoder looks there. What does not begin as images with markers do is left
/// alone, unless it `must` be one.
fn mark_images(mut stream: FragmentStream, must: bool) -> Result<Vec<Range<u64>>, DeidError> {
    if reader_of_image(&mut stream)?.is_none() {
        return if must && !stream.ahead(1)?.is_empty() {
            Err(damaged())
        } else {
            Ok(Vec::new())
        };
    }
    loop {
        match (reader_of_image(&mut stream)?, stream.ahead(1)?.first()) {
            (Some(read), _) => read(&mut stream)?,
            (None, Some(0 | 0xFF)) => drop(stream.skip(1)?),
            (None, Some(_)) => drop(stream.mark(1)?),
            (None, None) => return Ok(stream.marked),
        }
    }
}

fn damaged() -> DeidError {
    pixel_error(
        "the compressed frames are not what their transfer syntax says, and comments could \
        hide in them",
    )
    .with_remedy(
        "convert the file to an uncompressed transfer syntax, or export it again from \
            where it came from",
    )
}

const JPEG_END: u8 = 0xD9;
const JPEG_SCAN: u8 = 0xDA;
const JPEG_COMMENT: u8 = 0xFE;

/// An image ends where another one begins, if not before.
fn jpeg_image(stream: &mut FragmentStream) -> Result<(), DeidError> {
    stream.skip(2)?;
    let mut next = next_marker(stream)?;
    loop {
        next = match next {
            None | Some(JPEG_END) => return Ok(()),
            // Markers without a segment: restarts, and another start.
            Some(0x01 | 0xD0..=0xD8) => next_marker(stream)?,
            Some(JPEG_SCAN) => {
                jpeg_segment(stream, JPEG_SCAN)?;
                after_scan(stream)?
            }
            Some(code) => {
                jpeg_segment(stream, code)?;
                next_marker(stream)?
            }
        };
    }
}

/// The next marker's code; none at the end. Stray bytes before it are emptied, and so are reserved
/// codes.
fn next_marker(stream: &mut FragmentStream) -> Result<Option<u8>, DeidError> {
    loop {
        match *stream.ahead(2)? {
            [] => return Ok(None),
            [0xFF, 0x00 | 0x02..=0xBF] => drop(stream.mark(2)?),
            [0xFF, ..] => {
                stream.skip(1)?;
                if let Some(code) =
                    marker_code(stream)?.filter(|code| *code >= 0xC0 || *code == 0x01)
                {
                    return Ok(Some(code));
                }
            }
            [_, ..] => drop(stream.mark(1)?),
        }
    }
}

/// What follows the byte FF, fill bytes passed over.
fn marker_code(stream: &mut FragmentStream) -> Result<Option<u8>, DeidError> {
    loop {
        match stream.byte()? {
            Some(0xFF) => {}
            other => return Ok(other),
        }
    }
}

/// The marker that ends coded data, in which FF is followed by 0 (JPEG) or by a byte below 80
/// (JPEG-LS).
fn after_scan(stream: &mut FragmentStream) -> Result<Option<u8>, DeidError> {
    while stream.find(0xFF)? {
        match marker_code(stream)? {
            Some(0x00..=0xBF | 0xD0..=0xD7) => {}
            marker => return Ok(marker),
        }
    }
    Ok(None)
}

/// A segment: emptied where decoding does not need it.
fn jpeg_segment(stream: &mut FragmentStream, code: u8) -> Result<(), DeidError> {
    let Some(length) = stream.segment_len()? else {
        return Ok(());
    };
    let needed = match code {
        // Comments, and what is reserved for extensions of the standard.
        JPEG_COMMENT | 0xC8 | 0xF0..=0xF6 | 0xF9..=0xFD => 0,
        0xE0..=0xEF => needed_of_application(code, &stream.ahead(length.min(30))?),
        _ => {
            let payload = stream.ahead(length)?;
            // A segment that continues in another fragment is taken as it is.
            if payload.len() as u64 == length {
                used_by_decoder(code, &payload)
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
fn used_by_decoder(code: u8, payload: &[u8]) -> u64 {
    let number = |at: usize| {
        payload
            .get(at)
            .map_or(0, |byte| u64::from(*byte))
    };
    match code {
        0xC4 => table_lengths(payload, |table| {
            17 + table
                .iter()
                .skip(1)
                .take(16)
                .map(|count| usize::from(*count))
                .sum::<usize>()
        }),
        0xDB => table_lengths(payload, |table| match table {
            [0x10..=0xFF, ..] => 129,
            _ => 65,
        }),
        0xC0..=0xCB | 0xCD..=0xCF | 0xDE | 0xF7 => 6 + 3 * number(5),
        JPEG_SCAN => 4 + 2 * number(0),
        0xDC | 0xDD => 2,
        0xDF => 1,
        // Preset parameters of JPEG-LS: thresholds, mapping tables, sizes beyond 65535 (ISO 14495-1
        // section C.2.4.1.1).
        0xF8 if number(0) == 1 => 11,
        0xF8 if !(2..=4).contains(&number(0)) => 0,
        _ => payload.len() as u64,
    }
}

fn table_lengths(payload: &[u8], length: impl Fn(&[u8]) -> usize) -> u64 {
    let mut at = 0;
    while let Some(table) = payload
        .get(at..)
        .filter(|table| !table.is_empty())
    {
        let end = at + length(table);
        if end > payload.len() {
            break;
        }
        at = end;
    }
    (if at == 0 { payload.len() } else { at }) as u64
}

/// The bytes of an application segment that say how colours are coded. They hold numbers and a
/// name of the format.
fn needed_of_application(code: u8, payload: &[u8]) -> u64 {
    match (code, payload) {
        (0xE0, [b'J', b'F', b'I', b'F', 0, 1, _, 0..=2, _, _, _, _, _, _, ..]) => 14,
        (0xE8, [b'S', b'P', b'I', b'F', b'F', 0, ..]) if payload.len() >= 30 => 30,
        (0xE8, [b'm', b'r', b'f', b'x', _]) => 5,
        (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, _, ..]) => 12,
        _ => 0,
    }
}

const TILE_PART: u16 = 0xFF90;
const START_OF_DATA: u16 = 0xFF93;
const CODESTREAM_END: u16 = 0xFFD9;
/// A codestream that is cut off in the last fragment has nothing more.
fn codestream_image(stream: &mut FragmentStream) -> Result<(), DeidError> {
    stream.skip(2)?;
    let mut in_header = true;
    loop {
        match stream.word()? {
            Some(TILE_PART) if tile_part(stream)? => in_header = false,
            None | Some(TILE_PART | CODESTREAM_END) => return Ok(()),
            // Behind a tile-part there is another, or the end.
            Some(marker @ 0xFF30..) if in_header => codestream_segment(stream, marker)?,
            Some(_) => return Err(damaged()),
        }
    }
}

/// Whether decoders know a segment: those of parts 1, 2 and 15. Not a comment.
fn is_known(marker: u16) -> bool {
    matches!(marker & 0xFF, 0x50..=0x53 | 0x55..=0x61 | 0x63 | 0x70..=0x79)
}

fn codestream_segment(stream: &mut FragmentStream, marker: u16) -> Result<(), DeidError> {
    if !matches!(marker, 0xFF30..=0xFF3F)
        && let Some(payload) = stream.segment_len()?
    {
        stream.pass(payload, !is_known(marker))?;
    }
    Ok(())
}

/// A tile-part, its marker read: the header is gone through, the data passed over. True where
/// more may follow.
fn tile_part(stream: &mut FragmentStream) -> Result<bool, DeidError> {
    let fragment = stream.fragment()?;
    let start = stream.passed - 2;
    stream.skip(4)?;
    let Some(length) = stream.long()?.map(u64::from) else {
        return Ok(false);
    };
    stream.skip(2)?;
    loop {
        match stream.word()? {
            None => return Ok(false),
            Some(START_OF_DATA) => break,
            Some(marker @ 0xFF30..) => codestream_segment(stream, marker)?,
            Some(_) => return Err(damaged()),
        }
    }
    if length == 0 {
        return to_the_end(stream).map(|()| false);
    }
    let whole = stream.skip(
        length
            .checked_sub(stream.passed - start)
            .ok_or_else(damaged)?,
    )?;
    // A length beyond the end may have passed over other frames.
    if whole || stream.fragment()? == fragment {
        Ok(whole)
    } else {
        Err(damaged())
    }
}

/// To behind the end of the codestream, from the data of a tile-part that states no length: within
/// data, FF is followed by a byte below 90 or by the markers of packets.
fn to_the_end(stream: &mut FragmentStream) -> Result<(), DeidError> {
    while stream.find(0xFF)? {
        if stream.ahead(1)?.first() == Some(&0xD9) {
            return stream.skip(1).map(drop);
        }
    }
    Ok(())
}

/// Boxes up to the codestream and through it. What follows it in its fragment is emptied by the
/// caller.
fn jp2_boxes(stream: &mut FragmentStream) -> Result<(), DeidError> {
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
                codestream_image(stream)
            } else {
                Err(damaged())
            };
        }
        let payload = u64::from(length)
            .checked_sub(8)
            .ok_or_else(damaged)?;
        // Signature, file type and what is in the image header; others hold text or are unknown. A
        // colour is given by its number in 7 bytes, or by a profile.
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

const RLE_HEADER: u64 = 64;
/// Bytes looked at together.
const STEP: u64 = 16 << 10;

/// Marks unused words of the header and what no plane needs, in a frame of one fragment.
fn rle_frame(stream: &mut FragmentStream, length: u64, layout: &Layout) -> Result<(), DeidError> {
    let planes = usize::from(layout.samples) * usize::from(layout.cell_bits / 8);
    let header = stream.ahead(RLE_HEADER)?;
    let words: Vec<u64> = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word).into())
        .collect();
    let fits =
        planes > 0 && header.len() as u64 == RLE_HEADER && words.first() == Some(&(planes as u64));
    let starts = words
        .get(1..=planes)
        .filter(|_| fits)
        .ok_or_else(damaged)?;
    let ends = starts
        .iter()
        .skip(1)
        .chain([&length]);
    let used = 4 + 4 * planes as u64;
    stream.skip(used)?;
    mark_rest(stream, RLE_HEADER - used)?;
    let mut at = RLE_HEADER;
    for (start, end) in starts.iter().zip(ends) {
        if *start < at || *start > *end || *end > length {
            return Err(damaged());
        }
        mark_rest(stream, start - at)?;
        let behind = byte_plane(stream, end - start, layout.pixels)?;
        mark_rest(stream, behind)?;
        at = *end;
    }
    Ok(())
}

/// Goes through the runs of a plane; gives how many bytes of its segment follow them.
fn byte_plane(
    stream: &mut FragmentStream,
    mut left: u64,
    mut wanted: u64,
) -> Result<u64, DeidError> {
    while left > 0 && wanted > 0 {
        let ahead = stream.ahead(left.min(STEP))?;
        let mut at = 0_u64;
        while wanted > 0
            && let Some(control) = usize::try_from(at)
                .ok()
                .and_then(|at| ahead.get(at))
        {
            let (taken, made) = match u64::from(*control) {
                literal @ 0..=127 => (1 + (literal + 1).min(wanted), literal + 1),
                128 => (1, 0),
                repeated => (2, 257 - repeated),
            };
            at += taken;
            wanted = wanted.saturating_sub(made);
        }
        let step = at.min(left);
        if step == 0 || !stream.skip(step)? {
            return Ok(0);
        }
        left -= step;
    }
    Ok(left)
}

/// Marks a number of bytes where they are not zero already.
fn mark_rest(stream: &mut FragmentStream, mut count: u64) -> Result<(), DeidError> {
    while count > 0 {
        let ahead = stream.ahead(count.min(STEP))?;
        let step = ahead.len() as u64;
        let passed = stream.pass(step, ahead.iter().any(|byte| *byte != 0))?;
        if step == 0 || !passed {
            return Ok(());
        }
        count -= step;
    }
    Ok(())
}

/// Bytes read at a time.
const PIECE: u64 = 32 << 10;
/// Ranges that may be marked, so that a stream of nothing but comments cannot grow in memory.
const RANGES: usize = 1 << 20;

/// Reads fragments from start to end.
struct FragmentStream {
    fragments: Fragments,
    /// The fragment that is read, and what is left of it in the source.
    number: usize,
    left: Range<u64>,
    /// Bytes at hand: the first ones of what is left.
    piece: Bytes,
    /// How many bytes were passed, in all fragments.
    passed: u64,
    /// What was marked, by its place in the source, ascending and apart.
    marked: Vec<Range<u64>>,
}

impl FragmentStream {
    fn of(fragments: Fragments) -> Self {
        let left = fragments
            .place(0)
            .unwrap_or_default();
        Self {
            fragments,
            number: 0,
            left,
            piece: Bytes::new(),
            passed: 0,
            marked: Vec::new(),
        }
    }

    /// The fragment that the next byte lies in.
    fn fragment(&mut self) -> Result<usize, DeidError> {
        self.fill()?;
        Ok(self.number)
    }

    /// Whether the next byte is the first of its fragment.
    fn at_start(&mut self) -> Result<bool, DeidError> {
        self.fill()?;
        Ok(self
            .fragments
            .place(self.number)
            .is_some_and(|place| place.start == self.left.start))
    }

    /// Reads on where no bytes are at hand; false at the end.
    fn fill(&mut self) -> Result<bool, DeidError> {
        while self.piece.is_empty() {
            if self.left.is_empty() {
                let Some(next) = self
                    .fragments
                    .place(self.number + 1)
                else {
                    return Ok(false);
                };
                (self.number, self.left) = (self.number + 1, next);
            } else {
                self.read_piece()?;
            }
        }
        Ok(true)
    }

    fn read_piece(&mut self) -> Result<(), DeidError> {
        let end = self.left.end.min(
            self.left
                .start
                .saturating_add(PIECE),
        );
        self.piece = self
            .fragments
            .piece(self.left.start..end)?;
        Ok(())
    }

    /// The next byte; none at the end.
    fn byte(&mut self) -> Result<Option<u8>, DeidError> {
        self.fill()?;
        let byte = self.piece.first().copied();
        self.skip(1)?;
        Ok(byte)
    }

    /// Two bytes as a number, the higher one first.
    fn word(&mut self) -> Result<Option<u16>, DeidError> {
        let (high, low) = (self.byte()?, self.byte()?);
        Ok(high
            .zip(low)
            .map(|(high, low)| u16::from_be_bytes([high, low])))
    }

    /// Four bytes, likewise.
    fn long(&mut self) -> Result<Option<u32>, DeidError> {
        let (high, low) = (self.word()?, self.word()?);
        Ok(high
            .zip(low)
            .map(|(high, low)| u32::from(high) << 16 | u32::from(low)))
    }

    /// Bytes of the segment here behind its length, which two bytes state and which counts these;
    /// none at the end.
    fn segment_len(&mut self) -> Result<Option<u64>, DeidError> {
        self.word()?
            .map(|length| {
                length
                    .checked_sub(2)
                    .map(u64::from)
                    .ok_or_else(damaged)
            })
            .transpose()
    }

    /// The next bytes, as far as they lie in this fragment and at hand, without going on.
    fn ahead(&mut self, count: u64) -> Result<Bytes, DeidError> {
        self.fill()?;
        let at_hand = self.piece.len() as u64;
        if at_hand < count && at_hand < self.left.end - self.left.start {
            self.read_piece()?;
        }
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(self.piece.len());
        Ok(self.piece.slice(..count))
    }

    /// Goes on by a number of bytes; false where there are fewer.
    fn skip(&mut self, count: u64) -> Result<bool, DeidError> {
        self.pass(count, false)
    }

    /// Marks a number of bytes; false where there are fewer.
    fn mark(&mut self, count: u64) -> Result<bool, DeidError> {
        self.pass(count, true)
    }

    fn pass(&mut self, mut count: u64, marked: bool) -> Result<bool, DeidError> {
        while count > 0 {
            // What is skipped need not be read.
            if self.left.is_empty() && !self.fill()? {
                return Ok(false);
            }
            let from = self.left.start;
            let step = count.min(self.left.end - from);
            self.left.start += step;
            self.passed += step;
            count -= step;
            let step = usize::try_from(step).unwrap_or(usize::MAX);
            self.piece
                .advance(step.min(self.piece.len()));
            self.note(from..self.left.start, marked)?;
        }
        Ok(true)
    }

    fn note(&mut self, range: Range<u64>, marked: bool) -> Result<(), DeidError> {
        let full = self.marked.len() >= RANGES;
        match self.marked.last_mut() {
            _ if !marked || range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ if full => {
                return Err(pixel_error(
                    "there are millions of comments in the compressed frames",
                ));
            }
            _ => self.marked.push(range),
        }
        Ok(())
    }

    /// Goes on to behind the next byte of this value; false where there is none.
    fn find(&mut self, wanted: u8) -> Result<bool, DeidError> {
        while self.fill()? {
            let found = memchr::memchr(wanted, &self.piece);
            self.skip(found.map_or(self.piece.len(), |at| at + 1) as u64)?;
            if found.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
