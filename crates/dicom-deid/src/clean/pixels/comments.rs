//! Comments and other bytes inside compressed frames that no decoder looks at (JPEG, JPEG-LS, JPEG
//! 2000, RLE): found by markers and lengths and emptied in place, so that every length and every
//! offset stays what it was.
//!
//! Owns which segments decoding needs, and what an offset table is. It decodes nothing. A stream
//! that is not what its transfer syntax says is an error, for comments could hide in it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::cannot;
use super::stream::Stream;
use crate::error::DeidError;
use dicom_lossless::{
    Encoding, Fragments, Instance, Kept, Layout, Mask, PixelElement, Scrubbed, SourceFile, Tag,
};

mod codestream;
mod markers;
mod rle;

/// Bytes of the header of an item.
const ITEM_HEADER: u64 = 8;

/// How an image in a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Jpeg,
    Codestream,
    /// A JPEG 2000 codestream in boxes.
    Boxes,
}

/// What describes fragments: the two extended offset tables and the encapsulated total length.
const EXTENDED: [Tag; 3] = [
    Tag(0x7FE0, 0x0001),
    Tag(0x7FE0, 0x0002),
    Tag(0x7FE0, 0x0003),
];
const RLE: &str = "1.2.840.10008.1.2.5";
/// Encapsulated Uncompressed Explicit VR Little Endian.
const PLAIN: &str = "1.2.840.10008.1.2.1.98";

/// Empties them in encapsulated pixel data, and takes away offset tables that are none. Tells
/// whether there were any.
pub(super) fn empty(instance: &mut Instance, pixels: PixelElement) -> Result<bool, DeidError> {
    let fragments = Fragments::of(instance)?;
    let changed = without_false_tables(instance, &fragments, &pixels);
    let first = (0..fragments.count())
        .find_map(|number| fragments.place(number))
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
    let bytes = |tag: &Tag| {
        instance
            .get(*tag)
            .map(|element| element.bytes().cloned().unwrap_or_default())
    };
    let [offsets_tag, lengths_tag, total_tag] = EXTENDED;
    let [offsets, lengths, total] = EXTENDED.each_ref().map(bytes);
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
    let total = total.is_none_or(|total| {
        let number = total
            .first_chunk()
            .filter(|_| total.len() == 8)
            .map(|number| u64::from_le_bytes(*number));
        number.is_some_and(|number| number <= pixels.value.end - pixels.value.start)
    });
    without(instance, |tag| {
        (!fits && [offsets_tag, lengths_tag].contains(&tag)) || (!total && tag == total_tag)
    })
}

/// Removes what describes fragments from a file that has none.
pub(super) fn without_tables(instance: &mut Instance) -> bool {
    without(instance, |tag| EXTENDED.contains(&tag))
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
pub(super) fn nested(
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
    if ![RLE, PLAIN].contains(&syntax) {
        return marked(Stream::of(fragments), must);
    }
    let lengths: Vec<u64> = (0..fragments.count())
        .filter_map(|number| fragments.place(number))
        .map(|place| place.end - place.start)
        .collect();
    let mut stream = Stream::of(fragments);
    match layout {
        _ if lengths.is_empty() => {}
        Some(layout) if syntax == RLE => rle::frames(&mut stream, &lengths, layout)?,
        Some(layout) => rle::plain(&mut stream, &lengths, layout)?,
        None => return Err(damaged()),
    }
    Ok(stream.into_marked())
}

/// Whether frames of a transfer syntax consist of marker segments: all of JPEG, JPEG-LS, JPEG 2000
/// and HTJ2K.
fn has_markers(uid: &str) -> bool {
    let number = uid
        .strip_prefix("1.2.840.10008.1.2.4.")
        .and_then(|number| number.parse::<u32>().ok());
    matches!(number, Some(50..=70 | 80 | 81 | 90..=93 | 201..=203))
}

/// Where something is to be emptied. What does not begin as images with markers do is left alone,
/// unless it `must` be one.
fn marked(mut stream: Stream, must: bool) -> Result<Vec<Range<u64>>, DeidError> {
    match start(&mut stream)? {
        Some(_) => between(&mut stream)?,
        None if must && !stream.ahead(1)?.is_empty() => return Err(damaged()),
        None => {}
    }
    Ok(stream.into_marked())
}

/// Which image begins here.
fn start(stream: &mut Stream) -> Result<Option<Start>, DeidError> {
    let ahead = stream.ahead(8)?;
    Ok(match ahead.as_ref() {
        [0xFF, 0xD8, ..] => Some(Start::Jpeg),
        [0xFF, 0x4F, ..] => Some(Start::Codestream),
        b"\0\0\0\x0CjP  " if stream.at_start()? => Some(Start::Boxes),
        _ => None,
    })
}

/// Goes from image to image. What lies between them is padding, or else is emptied: no decoder
/// looks there.
fn between(stream: &mut Stream) -> Result<(), DeidError> {
    loop {
        match start(stream)? {
            Some(Start::Jpeg) => markers::image(stream)?,
            Some(Start::Codestream) => codestream::image(stream)?,
            Some(Start::Boxes) => codestream::boxes(stream)?,
            None => match stream.ahead(1)?.first() {
                Some(0 | 0xFF) => drop(stream.skip(1)?),
                Some(_) => drop(stream.mark(1)?),
                None => return Ok(()),
            },
        }
    }
}

fn damaged() -> DeidError {
    cannot(
        "the compressed frames are not what their transfer syntax says, and comments could \
        hide in them",
    )
    .with_remedy(
        "convert the file to an uncompressed transfer syntax, or export it again from \
            where it came from",
    )
}
