//! Comments and other text inside compressed frames (JPEG, JPEG-LS, JPEG 2000): found by their markers and emptied in
//! place, so that every length and every offset stays what it was.
//!
//! Owns which segments decoding needs. It decodes nothing. A stream that is not what its transfer syntax says is an error,
//! for comments could hide in it.

use bytes::Bytes;

use super::cannot;
use super::stream::Stream;
use crate::dicom::{DataSet, Element, Encoding, Fragments, Instance, Mask, PixelElement, Scrubbed, SourceFile, Value};
use crate::failure::FileFailure;
use std::sync::Arc;

mod codestream;
mod markers;

/// How an image in a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Jpeg,
    Codestream,
    /// A JPEG 2000 codestream in boxes.
    Boxes,
}

/// Empties them in the pixel data, unless rules remove it, and in nested images. Tells whether there were any.
pub(super) fn empty(instance: &mut Instance, removed: bool) -> Result<bool, FileFailure> {
    let mut found = false;
    if let Some(pixels) = instance.pixels.clone().filter(|pixels| pixels.encapsulated && pixels.scrubbed.is_none() && !removed) {
        found = in_pixels(instance, pixels)?;
    }
    let (file, encoding) = (instance.source.file().clone(), instance.syntax.encoding);
    for data in [&mut instance.header, &mut instance.tail] {
        found |= in_data_set(data, &file, encoding)?;
    }
    Ok(found)
}

fn in_pixels(instance: &mut Instance, pixels: PixelElement) -> Result<bool, FileFailure> {
    let stream = Stream::of(Fragments::of(instance)?);
    let marked = marked(stream, has_markers(&instance.syntax.uid))?;
    if marked.is_empty() {
        return Ok(false);
    }
    let (from, length) = (pixels.value.start, pixels.value.end - pixels.value.start);
    let ranges = marked.into_iter().map(|range| range.start - from..range.end - from).collect();
    let scrubbed = Some(Scrubbed::Masked(Arc::new(Mask::of_ranges(length, ranges))));
    instance.pixels = Some(PixelElement { scrubbed, ..pixels });
    Ok(true)
}

/// Goes no deeper than the reader lets a file be nested.
fn in_data_set(data: &mut DataSet, file: &Arc<SourceFile>, encoding: Encoding) -> Result<bool, FileFailure> {
    let mut found = false;
    for element in data.iter_mut() {
        if let Value::Fragments(value) = &element.value
            && let Some(emptied) = emptied(value, file, encoding)?
        {
            element.value = Value::Fragments(emptied);
            found = true;
        }
        let Some(sequence) = Element::items_mut(element) else { continue };
        let encoding = sequence.encoding;
        for item in &mut sequence.items {
            found |= in_data_set(&mut item.data, file, encoding)?;
        }
    }
    Ok(found)
}

/// A nested value without comments; none where it has none.
fn emptied(value: &Bytes, file: &Arc<SourceFile>, encoding: Encoding) -> Result<Option<Bytes>, FileFailure> {
    let fragments = Fragments::nested(file, value.clone(), encoding)?;
    let marked = marked(Stream::of(fragments), false)?;
    if marked.is_empty() {
        return Ok(None);
    }
    let mut bytes = value.to_vec();
    Mask::of_ranges(bytes.len() as u64, marked).apply(0, &mut bytes);
    Ok(Some(Bytes::from(bytes)))
}

/// Whether frames of a transfer syntax consist of marker segments: all of JPEG, JPEG-LS, JPEG 2000 and HTJ2K.
fn has_markers(uid: &str) -> bool {
    let number = uid.strip_prefix("1.2.840.10008.1.2.4.").and_then(|number| number.parse::<u32>().ok());
    matches!(number, Some(50..=70 | 80 | 81 | 90..=93 | 201..=203))
}

/// Where something is to be emptied. What does not begin as images with markers do is left alone, unless it `must` be one.
fn marked(mut stream: Stream, must: bool) -> Result<Vec<std::ops::Range<u64>>, FileFailure> {
    match start(&mut stream)? {
        Some(_) => between(&mut stream)?,
        None if must && !stream.ahead(1)?.is_empty() => return Err(damaged()),
        None => {}
    }
    Ok(stream.into_marked())
}

/// Which image begins here.
fn start(stream: &mut Stream) -> Result<Option<Start>, FileFailure> {
    let ahead = stream.ahead(8)?;
    Ok(match ahead.as_ref() {
        [0xFF, 0xD8, ..] => Some(Start::Jpeg),
        [0xFF, 0x4F, ..] => Some(Start::Codestream),
        b"\0\0\0\x0CjP  " if stream.at_start()? => Some(Start::Boxes),
        _ => None,
    })
}

/// Goes from image to image. What lies between them is padding, or else is emptied: no decoder looks there.
fn between(stream: &mut Stream) -> Result<(), FileFailure> {
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

fn damaged() -> FileFailure {
    cannot("the compressed frames are not what their transfer syntax says, and comments could hide in them")
        .with_hint("convert the file to an uncompressed transfer syntax, or export it again from where it came from")
}
