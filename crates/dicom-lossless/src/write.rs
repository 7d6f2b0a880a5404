//! Writing: the tree back to bytes, lengths computed anew, and a second look at what was written.
//!
//! Owns what a written file looks like. Values come out as they stand in the tree; group lengths
//! are dropped.

mod verify;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::body::{Body, Segment};
use super::dataset::{DataSet, Element, Encoding, Item, LengthForm, Sequence, Value};
use super::mask::Mask;
use super::read::{Instance, PixelElement, Scrubbed};
use super::source::{Source, slice};
use super::visit::{ITEM, ITEM_END, SEQUENCE_END, UNDEFINED};
use super::vr;
use super::{Limits, Tag, deflate, meta};
use crate::error::{FileError, FileErrorKind};

/// Writes an instance: zero preamble, fresh meta, header, the pixel data as it is in the source or
/// as it was scrubbed, tail. What was written is walked again first.
///
/// # Errors
/// [`FileErrorKind::Verification`] where it does not read back as the tree says; a value that is
/// too long for its VR.
pub fn write(instance: &Instance, limits: &Limits) -> Result<Body, FileError> {
    write_and_inspect(instance, limits, |_| Ok(())).map(|(body, ())| body)
}

/// The same; `inspect` sees what was written, before it is deflated or joined with the pixel data, and
/// may refuse it.
///
/// # Errors
/// As for [`write()`], and what `inspect` gives.
pub fn write_and_inspect<T, E: From<FileError>>(
    instance: &Instance,
    limits: &Limits,
    inspect: impl FnOnce(&Written) -> Result<T, E>,
) -> Result<(Body, T), E> {
    let written = serialise(instance, limits)?;
    verify::check(&written, instance, limits)?;
    let seen = inspect(&written)?;
    Ok((written.into_body(instance)?, seen))
}

/// Writes without the second look, for measuring what that look costs. Gives the length of what was
/// written.
#[doc(hidden)]
pub fn serialise_unchecked(instance: &Instance, limits: &Limits) -> Result<usize, FileError> {
    serialise(instance, limits).map(|written| written.head.len() + written.tail.len())
}

/// The parts of a file that were written, before they are checked.
pub struct Written {
    /// Preamble, meta and, from `data_at` on, the header.
    pub head: Vec<u8>,
    /// Where the header begins.
    pub data_at: usize,
    /// What follows the pixel data.
    pub tail: Vec<u8>,
}

impl Written {
    fn into_body(self, instance: &Instance) -> Result<Body, FileError> {
        let pixels = instance
            .pixels
            .as_ref()
            .map(|pixels| pixel_segments(instance, pixels))
            .transpose()?
            .unwrap_or_default();
        if instance.syntax.deflated {
            return deflated(&self, &pixels);
        }
        let mut segments = vec![Segment::Bytes(Bytes::from(self.head))];
        segments.extend(pixels);
        segments.push(Segment::Bytes(Bytes::from(self.tail)));
        Ok(Body::new(segments))
    }
}

/// Header, pixels and tail of a deflated data set are one stream, held in memory.
fn deflated(written: &Written, pixels: &[Segment]) -> Result<Body, FileError> {
    let Some((meta, header)) = written
        .head
        .split_at_checked(written.data_at)
    else {
        return Err(FileErrorKind::Verification.error("the meta's end is lost"));
    };
    let mut pieces = vec![header];
    for segment in pixels {
        let Segment::Bytes(bytes) = segment else {
            return Err(FileErrorKind::Verification.error("a deflated file is not in memory"));
        };
        pieces.push(bytes);
    }
    pieces.push(&written.tail);
    let stream = deflate::deflate(pieces)?;
    Ok(Body::new(vec![
        Segment::Bytes(Bytes::copy_from_slice(meta)),
        Segment::Bytes(stream),
    ]))
}

/// The pixel data element: as it is in the source, with bytes blanked, or with a header of its own
/// and another value.
fn pixel_segments(instance: &Instance, pixels: &PixelElement) -> Result<Vec<Segment>, FileError> {
    let source = &instance.source;
    match &pixels.scrubbed {
        None => Ok(vec![source_segment(source, pixels.range.clone())?]),
        Some(Scrubbed::Masked(mask)) => {
            let header = source_segment(source, pixels.range.start..pixels.value.start)?;
            Ok(vec![
                header,
                masked(source_segment(source, pixels.value.clone())?, mask),
            ])
        }
        Some(Scrubbed::Replaced(value)) => Ok(vec![
            new_header(instance, pixels, value.len())?,
            value.clone(),
        ]),
        Some(Scrubbed::Kept(kept)) => {
            let header = if pixels.encapsulated {
                source_segment(source, pixels.range.start..pixels.value.start)?
            } else {
                new_header(instance, pixels, kept.len())?
            };
            let value = source_segment(source, kept.range.clone())?;
            let value = kept
                .mask
                .as_ref()
                .map_or(value.clone(), |mask| masked(value, mask));
            Ok(vec![
                header,
                Segment::Bytes(kept.before.clone()),
                value,
                Segment::Bytes(kept.after.clone()),
            ])
        }
    }
}

/// The header of pixel data of another length than the source's.
fn new_header(
    instance: &Instance,
    pixels: &PixelElement,
    length: u64,
) -> Result<Segment, FileError> {
    let length = stated_length(length, pixels.tag)?;
    if !length.is_multiple_of(2) {
        return Err(too_long(pixels.tag));
    }
    let mut header = Vec::with_capacity(12);
    let element = Element::new(pixels.tag, pixels.vr, Bytes::new());
    put_header(&mut header, &element, length, instance.syntax.encoding)?;
    Ok(Segment::Bytes(Bytes::from(header)))
}

/// A piece with bytes blanked, on its way out where it comes from a file.
fn masked(mut value: Segment, mask: &Arc<Mask>) -> Segment {
    match &mut value {
        Segment::File { mask: none, .. } => *none = Some(Arc::clone(mask)),
        Segment::Bytes(bytes) => {
            let mut blanked = bytes.to_vec();
            mask.apply(0, &mut blanked);
            *bytes = Bytes::from(blanked);
        }
    }
    value
}

fn source_segment(source: &Source, range: Range<u64>) -> Result<Segment, FileError> {
    match source {
        Source::File(file) => Ok(Segment::of_file(file.clone(), range)),
        Source::Memory { bytes, .. } => slice(bytes, &range)
            .map(Segment::Bytes)
            .ok_or_else(|| FileErrorKind::Verification.error("the pixel data is not where it was")),
    }
}

pub fn serialise(instance: &Instance, limits: &Limits) -> Result<Written, FileError> {
    // Room for a typical header at once; where it is longer the vector doubles.
    let mut head = Vec::with_capacity(16 << 10);
    meta::write(
        &mut head,
        &instance.header,
        &instance.meta,
        &instance.syntax.uid,
    )?;
    let data_at = head.len();
    let encoding = instance.syntax.encoding;
    write_data_set(&mut head, &instance.header, encoding, limits)?;
    let mut tail = Vec::new();
    write_data_set(&mut tail, &instance.tail, encoding, limits)?;
    Ok(Written {
        head,
        data_at,
        tail,
    })
}

/// Where writing stands in one level of the tree.
enum Level<'a> {
    Data {
        elements: std::slice::Iter<'a, Element>,
        encoding: Encoding,
        ends: Ends,
    },
    Items {
        items: std::slice::Iter<'a, Item>,
        encoding: Encoding,
        ends: Ends,
    },
}

/// What is due when a level has been written.
#[derive(Clone, Copy)]
enum Ends {
    Nothing,
    /// The length at this offset is to be filled in, in the byte order of the data set around.
    Length(usize, Encoding),
    Delimiter,
}

/// Appends a data set. Works on an explicit stack.
pub fn write_data_set(
    out: &mut Vec<u8>,
    data: &DataSet,
    encoding: Encoding,
    limits: &Limits,
) -> Result<(), FileError> {
    let mut levels = vec![Level::Data {
        elements: data.iter(),
        encoding,
        ends: Ends::Nothing,
    }];
    while let Some(level) = levels.last_mut() {
        match write_level(out, level)? {
            Some(inner) if levels.len() <= 2 * limits.depth => levels.push(inner),
            Some(_) => return Err(FileErrorKind::TooDeep.error("on writing")),
            None => drop(levels.pop()),
        }
    }
    Ok(())
}

/// Writes on in a level until a level inside it begins, which it gives back, or until its end.
fn write_level<'a>(
    out: &mut Vec<u8>,
    level: &mut Level<'a>,
) -> Result<Option<Level<'a>>, FileError> {
    match level {
        Level::Data {
            elements,
            encoding,
            ends,
        } => {
            if let Some((sequence, ends)) = write_elements(out, elements, *encoding)? {
                return Ok(Some(Level::Items {
                    items: sequence.items.iter(),
                    encoding: sequence.encoding,
                    ends,
                }));
            }
            close(out, *ends, ITEM_END, *encoding)?;
        }
        Level::Items {
            items,
            encoding,
            ends,
        } => {
            if let Some(item) = items.next() {
                let ends = begin(out, ITEM, item.length, *encoding);
                return Ok(Some(Level::Data {
                    elements: item.data.iter(),
                    encoding: *encoding,
                    ends,
                }));
            }
            close(out, *ends, SEQUENCE_END, *encoding)?;
        }
    }
    Ok(None)
}

/// Writes elements up to and including the header of a sequence, which it gives back; `None` at the
/// end.
fn write_elements<'a>(
    out: &mut Vec<u8>,
    elements: &mut std::slice::Iter<'a, Element>,
    encoding: Encoding,
) -> Result<Option<(&'a Sequence, Ends)>, FileError> {
    for element in elements {
        if element.tag.element() == 0 {
            continue;
        }
        match &element.value {
            Value::Bytes(bytes) => {
                let length = stated_length(bytes.len() as u64, element.tag)?;
                put_header(out, element, length, encoding)?;
                out.extend_from_slice(bytes);
            }
            Value::Fragments(bytes) => {
                put_header(out, element, UNDEFINED, encoding)?;
                out.extend_from_slice(bytes);
            }
            Value::Items(sequence) => {
                let defined = sequence.length == LengthForm::Defined;
                put_header(out, element, if defined { 0 } else { UNDEFINED }, encoding)?;
                // Either way the length is the last four bytes of the header.
                let ends = if defined {
                    Ends::Length(out.len() - 4, encoding)
                } else {
                    Ends::Delimiter
                };
                return Ok(Some((sequence, ends)));
            }
        }
    }
    Ok(None)
}

/// A length as a header states it.
fn stated_length(length: u64, tag: Tag) -> Result<u32, FileError> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length != UNDEFINED)
        .ok_or_else(|| too_long(tag))
}

fn too_long(Tag(group, element): Tag) -> FileError {
    FileErrorKind::ValueTooLong.error(format!(
        "the value of ({group:04x},{element:04x}) is longer than its VR can hold"
    ))
}

#[inline]
fn put_header(
    out: &mut Vec<u8>,
    element: &Element,
    length: u32,
    encoding: Encoding,
) -> Result<(), FileError> {
    let [g0, g1] = encoding.put_u16(element.tag.group());
    let [e0, e1] = encoding.put_u16(element.tag.element());
    if !encoding.explicit {
        let [l0, l1, l2, l3] = encoding.put_u32(length);
        out.extend_from_slice(&[g0, g1, e0, e1, l0, l1, l2, l3]);
        return Ok(());
    }
    let [v0, v1] = element
        .odd_vr
        .unwrap_or_else(|| vr::letters(element.vr));
    if element.odd_vr.is_some() || vr::has_long_length(element.vr) {
        let [l0, l1, l2, l3] = encoding.put_u32(length);
        out.extend_from_slice(&[g0, g1, e0, e1, v0, v1, 0, 0, l0, l1, l2, l3]);
    } else {
        let short = u16::try_from(length).map_err(|_| too_long(element.tag))?;
        let [l0, l1] = encoding.put_u16(short);
        out.extend_from_slice(&[g0, g1, e0, e1, v0, v1, l0, l1]);
    }
    Ok(())
}

fn put_delimiter(out: &mut Vec<u8>, tag: Tag, length: u32, encoding: Encoding) {
    out.extend_from_slice(&encoding.put_u16(tag.group()));
    out.extend_from_slice(&encoding.put_u16(tag.element()));
    out.extend_from_slice(&encoding.put_u32(length));
}

fn begin(out: &mut Vec<u8>, tag: Tag, length: LengthForm, encoding: Encoding) -> Ends {
    let defined = length == LengthForm::Defined;
    put_delimiter(out, tag, if defined { 0 } else { UNDEFINED }, encoding);
    if defined {
        Ends::Length(out.len() - 4, encoding)
    } else {
        Ends::Delimiter
    }
}

fn close(
    out: &mut Vec<u8>,
    ends: Ends,
    delimiter: Tag,
    encoding: Encoding,
) -> Result<(), FileError> {
    match ends {
        Ends::Nothing => {}
        Ends::Delimiter => put_delimiter(out, delimiter, 0, encoding),
        Ends::Length(at, around) => {
            let length = u32::try_from(out.len() - at - 4)
                .ok()
                .filter(|length| *length != UNDEFINED);
            let length = length.ok_or_else(|| {
                FileErrorKind::Verification.error("a sequence is longer than 4 GiB")
            })?;
            if let Some(place) = out.get_mut(at..at + 4) {
                place.copy_from_slice(&around.put_u32(length));
            }
        }
    }
    Ok(())
}
