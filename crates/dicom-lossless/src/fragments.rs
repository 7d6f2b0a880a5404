//! The fragments of encapsulated pixel data, and which of them make up a frame (PS3.5 section A.4).
//!
//! Owns offset tables. It decodes nothing, and never guesses where a frame begins: what is unclear
//! is an error.

use dicom_dictionary_std::tags;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::read::Instance;
use super::source::{Input, Source, SourceFile};
use super::visit::{Fragment, fragment};
use super::{Encoding, Limits};
use crate::error::{FileError, FileErrorKind};

/// The header of an item in bytes.
const ITEM_HEADER: u64 = 8;

/// Where the fragments of an instance's pixel data lie.
pub struct Fragments {
    input: Input,
    /// Their bytes in the source, in order.
    places: Vec<Range<u64>>,
    /// Where each frame begins, counted from the first fragment's header; empty where nothing says
    /// so.
    offsets: Vec<u64>,
    /// Whether the basic offset table is empty or says where fragments begin, and nothing else.
    table_fits: bool,
}

impl Fragments {
    /// Finds the fragments; none of them is read.
    ///
    /// # Errors
    /// There is no encapsulated pixel data, or a fragment does not lie within it.
    pub fn of(instance: &Instance) -> Result<Self, FileError> {
        let pixels = instance
            .pixels
            .as_ref()
            .filter(|pixels| pixels.encapsulated);
        let pixels = pixels.ok_or_else(|| unclear("the pixel data is not encapsulated"))?;
        let found = found(
            instance.source.clone(),
            pixels.value.start,
            instance.syntax.encoding,
        )?;
        let extended = instance
            .header
            .get(tags::EXTENDED_OFFSET_TABLE)
            .and_then(|element| element.bytes());
        Ok(match extended.filter(|table| !table.is_empty()) {
            Some(table) => Self {
                offsets: table
                    .chunks_exact(8)
                    .map(little_endian)
                    .collect(),
                ..found
            },
            None => found,
        })
    }

    /// Finds the fragments of an encapsulated value that lies in memory. The file is named and not
    /// opened.
    ///
    /// # Errors
    /// The value is not a chain of fragments.
    pub fn nested(
        file: &Arc<SourceFile>,
        value: Bytes,
        encoding: Encoding,
    ) -> Result<Self, FileError> {
        found(
            Source::Memory {
                file: file.clone(),
                bytes: value,
            },
            0,
            encoding,
        )
    }

    /// How many there are, without the basic offset table.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether the basic offset table is empty or says where fragments begin, and nothing else.
    pub fn table_fits(&self) -> bool {
        self.table_fits
    }

    /// Whether each frame is one fragment, and an extended offset table says where these begin and
    /// how long they are (PS3.3 section C.7.6.3.1.8), but for a byte of padding.
    pub fn extended_fits(&self, offsets: &[u8], lengths: &[u8]) -> bool {
        let (offsets, lengths) = (offsets.chunks(8), lengths.chunks(8));
        let first = self
            .places
            .first()
            .map_or(0, |place| place.start);
        let fits = |((place, offset), length): ((&Range<u64>, &[u8]), &[u8])| {
            let whole = place.end - place.start;
            place.start - first == little_endian(offset)
                && [whole, whole.saturating_sub(1)].contains(&little_endian(length))
        };
        offsets.len() == self.places.len()
            && lengths.len() == self.places.len()
            && self
                .places
                .iter()
                .zip(offsets)
                .zip(lengths)
                .all(fits)
    }

    /// Where the fragment of this number lies in the source, without its header.
    pub fn place(&self, number: usize) -> Option<Range<u64>> {
        self.places.get(number).cloned()
    }

    /// Some of a fragment's bytes, by their place in the source.
    ///
    /// # Errors
    /// The source cannot be read, or changed.
    pub fn piece(&mut self, place: Range<u64>) -> Result<Bytes, FileError> {
        self.input.range(place)
    }

    /// The fragments of each frame. Where there are several frames, each is one fragment or a table
    /// says where it begins.
    ///
    /// # Errors
    /// [`FileErrorKind::UnclearFrames`] where nothing says which fragments belong to which frame.
    pub fn frames(&self, count: usize) -> Result<Vec<Range<usize>>, FileError> {
        let fragments = self.places.len();
        if fragments < count || count == 0 {
            return Err(unclear("there are fewer fragments than frames"));
        }
        if count == 1 {
            return Ok(vec![Range {
                start: 0,
                end: fragments,
            }]);
        }
        if fragments == count {
            return Ok((0..count)
                .map(|at| at..at + 1)
                .collect());
        }
        if self.offsets.len() != count {
            return Err(unclear(
                "no offset table says which fragments make up a frame",
            ));
        }
        let starts = self
            .starts()
            .filter(|starts| starts.first() == Some(&0))
            .ok_or_else(|| unclear("the offset table does not fit the fragments"))?;
        let ends = starts
            .iter()
            .skip(1)
            .copied()
            .chain([fragments]);
        Ok(starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(start, end)| start..end)
            .collect())
    }

    /// The fragments that the offsets name; none where one names none, or they do not ascend.
    fn starts(&self) -> Option<Vec<usize>> {
        let starts: Option<Vec<usize>> = self
            .offsets
            .iter()
            .map(|offset| self.fragment_at(*offset))
            .collect();
        starts.filter(|starts| starts.is_sorted_by(|a, b| a < b))
    }

    /// The fragment whose header stands at an offset from that of the first.
    fn fragment_at(&self, offset: u64) -> Option<usize> {
        let first = self.places.first()?.start;
        self.places
            .binary_search_by_key(&first.checked_add(offset)?, |place| place.start)
            .ok()
    }

    /// How many bytes some of the fragments have together.
    pub fn len(&self, which: Range<usize>) -> u64 {
        self.places
            .get(which)
            .unwrap_or_default()
            .iter()
            .map(|place| place.end - place.start)
            .sum()
    }

    /// The bytes of some of the fragments, joined.
    ///
    /// # Errors
    /// The source cannot be read, or there are no such fragments.
    pub fn read(&mut self, which: Range<usize>) -> Result<Bytes, FileError> {
        let places = self
            .places
            .get(which)
            .unwrap_or_default();
        if let [single] = places {
            return self.input.range(single.clone());
        }
        let mut joined = Vec::new();
        for place in places {
            joined.extend_from_slice(&self.input.range(place.clone())?);
        }
        Ok(Bytes::from(joined))
    }
}

/// The fragments in a source, and what the basic offset table says.
fn found(source: Source, at: u64, encoding: Encoding) -> Result<Fragments, FileError> {
    let mut input = Input::new(source)?;
    let mut places = places(&mut input, at, encoding)?;
    if places.is_empty() {
        return Err(unclear("there is not even an offset table"));
    }
    let table = places.remove(0);
    let mut found = Fragments {
        input,
        places,
        offsets: Vec::new(),
        table_fits: table.is_empty(),
    };
    let length = table.end - table.start;
    // One that has more numbers than there are fragments is not even read.
    if length.is_multiple_of(4) && length / 4 <= found.places.len() as u64 {
        found.offsets = found
            .input
            .range(table)?
            .chunks_exact(4)
            .map(little_endian)
            .collect();
        found.table_fits = found.starts().is_some();
    }
    Ok(found)
}

/// The offset table and the fragments after it, up to the delimiter, which reading the file has
/// found to be there.
fn places(
    input: &mut Input,
    mut at: u64,
    encoding: Encoding,
) -> Result<Vec<Range<u64>>, FileError> {
    let mut places = Vec::new();
    while let Some(header) = input.eight(at)? {
        match fragment(header, encoding) {
            Some(Fragment::Bytes(length)) if places.len() < Limits::NODES => {
                let start = at + ITEM_HEADER;
                at = start + u64::from(length);
                places.push(start..at);
            }
            Some(Fragment::Bytes(_)) => return Err(unclear("there are millions of fragments")),
            Some(Fragment::End) => return Ok(places),
            None => break,
        }
    }
    Err(unclear("the fragments have no end"))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn unclear(why: &'static str) -> FileError {
    FileErrorKind::UnclearFrames.error(why)
}
