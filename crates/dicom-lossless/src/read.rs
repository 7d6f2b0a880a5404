//! Reading one file: meta, header tree, place of the pixel data, tail tree.
//!
//! Owns the order of these steps and how much is read for each. Pixel data is located and checked,
//! never loaded.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::body::Segment;
use super::deflate;
use super::error::{Fault, Halt};
use super::layout::Layout;
use super::mask::Mask;
use super::meta::{self, MetaAsRead};
use super::source::{Input, Source};
use super::syntax::{TransferSyntax, sniff_encoding};
use super::trace::encoding_at_start;
use super::tree::Tree;
use super::visit::{End, Fragment, Part, PixelHeader, Visitor, fragment};
use super::walk::Walk;
use super::{DataSet, Element, Encoding, Limits, Tag, VR};
use crate::error::{FileError, FileErrorKind};

/// A DICOM file as read. Holds what identifies a person; it must not leave the cleaning stage.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The elements before the pixel data, or all of them where there is none.
    pub header: DataSet,
    /// Where the pixel data lies.
    pub pixels: Option<PixelElement>,
    /// The elements after the pixel data.
    pub tail: DataSet,
    /// How the data set is written down.
    pub syntax: TransferSyntax,
    /// Where the pixel data's bytes come from.
    pub source: Source,
    /// What is odd about the file and was put up with.
    pub notes: Vec<Note>,
    pub(crate) meta: MetaAsRead,
}

impl Instance {
    /// An element of the outermost data set, before or after the pixel data.
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.header
            .get(tag)
            .or_else(|| self.tail.get(tag))
    }

    /// The same file with none of its elements: what its pixel data is read from.
    #[must_use]
    pub fn without_elements(&self) -> Self {
        Self {
            header: DataSet::new(),
            pixels: self.pixels.clone(),
            tail: DataSet::new(),
            syntax: self.syntax.clone(),
            source: self.source.clone(),
            notes: Vec::new(),
            meta: self.meta.clone(),
        }
    }

    /// Some bytes of the source, by their place: for a look at a few of the pixel data's.
    ///
    /// # Errors
    /// The source cannot be read, or is shorter.
    pub fn source_bytes(&self, place: Range<u64>) -> Result<Bytes, FileError> {
        Input::new(self.source.clone())?.range(place)
    }

    /// Whether the file is a media directory: by its meta, or by elements of group 0004.
    pub fn is_dicomdir(&self) -> bool {
        self.meta.is_dicomdir()
            || self
                .header
                .iter()
                .next()
                .is_some_and(|e| e.tag.group() == 0x0004)
    }
}

/// The pixel data element of the outermost data set (PS3.5 section 8 and annex A).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelElement {
    /// (7FE0,0008), (7FE0,0009) or (7FE0,0010).
    pub tag: Tag,
    /// Its VR.
    pub vr: VR,
    /// Whether it consists of fragments.
    pub encapsulated: bool,
    /// The whole element in the source, with header and delimiter.
    pub range: Range<u64>,
    /// The value field in the source; where encapsulated, from the first item to the end of the
    /// delimiter.
    pub value: Range<u64>,
    /// Bytes of a frame by the attributes that the source has beside it, whatever becomes of those;
    /// none where they do not say.
    pub frame_len: Option<u64>,
    /// What is written instead of what the source holds.
    pub scrubbed: Option<Scrubbed>,
}

/// What happens to pixel data on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scrubbed {
    /// Bytes of the value field are blanked; its length stays, and that of its fragments.
    Masked(Arc<Mask>),
    /// Another value field of defined and even length stands in its place.
    Replaced(Segment),
    /// Part of the value field stays.
    Kept(Kept),
}

/// What stays of a value field, and what stands around it. Together they have an even length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Before what stays.
    pub before: Bytes,
    /// What stays, as offsets in the source.
    pub range: Range<u64>,
    /// What of it is blanked, counted from its start.
    pub mask: Option<Arc<Mask>>,
    /// Behind what stays.
    pub after: Bytes,
}

impl Kept {
    /// Bytes altogether.
    pub fn len(&self) -> u64 {
        self.before.len() as u64
            + self
                .range
                .end
                .saturating_sub(self.range.start)
            + self.after.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Something odd about a file that does not stand in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// There is neither preamble nor prefix.
    NoPreamble,
    /// There is no file meta group.
    NoMeta,
    /// The meta names no transfer syntax; it was found from the bytes.
    NoTransferSyntax,
    /// The transfer syntax of the meta and the bytes disagree; the bytes were trusted.
    SyntaxDisagrees,
    /// Elements are not in ascending order; they stay in the order of the file.
    Disordered,
    /// This number of zero bytes after the data set was dropped.
    TrailingZeros(u64),
}

impl Layout {
    /// The layout of an instance's own pixel data.
    pub fn of_instance(instance: &Instance, pixel_data: Tag) -> Option<Self> {
        Self::of(
            |tag| instance.get(tag),
            pixel_data,
            instance.syntax.encoding,
        )
    }
}

/// Reads a file: header and tail into memory, pixel data by its place alone.
///
/// # Errors
/// Whatever is broken, unsupported or beyond the limits.
pub fn read(source: Source, limits: &Limits) -> Result<Instance, FileError> {
    let mut opened = Opened::new(source, Limits::WINDOW, limits)?;
    let (tree, end, disordered) = opened.walk_header(limits, Tree::new)?;
    let Opened {
        mut input,
        meta,
        syntax,
        notes,
        start,
        ..
    } = opened;
    let mut instance = Instance {
        header: tree.finish(),
        pixels: None,
        tail: DataSet::new(),
        syntax,
        source: input.source.clone(),
        notes,
        meta,
    };
    note_end(&mut instance.notes, disordered, end);
    if let End::Pixels(pixels) = end {
        read_from_pixels(&mut instance, &mut input, &pixels, start, limits)?;
    }
    Ok(instance)
}

/// A file of which the meta was read, and its data set as far as it is at hand.
pub struct Opened {
    pub input: Input,
    pub meta: MetaAsRead,
    pub syntax: TransferSyntax,
    pub notes: Vec<Note>,
    /// The first bytes of the file; of a deflated data set all, inflated.
    pub window: Bytes,
    /// Where the data set begins in it.
    pub start: usize,
}

impl Opened {
    /// Opens a file whose first `window` bytes are to be read at once.
    pub fn new(source: Source, window: usize, limits: &Limits) -> Result<Self, FileError> {
        let mut input = Input::new(source)?;
        let mut notes = Vec::new();
        let (mut window, meta) = read_meta(&mut input, window, limits)?;
        let mut syntax = syntax_of(&meta, &window, &mut notes)?;
        let mut start = meta.data_at;
        if syntax.deflated {
            window = deflate::inflate(&input.rest(start as u64)?, limits)?;
            start = 0;
            input = Input::new(Source::Memory {
                file: input.source.file().clone(),
                bytes: window.clone(),
            })?;
        }
        if syntax.follow_bytes(
            window
                .get(start..)
                .unwrap_or_default(),
        ) {
            notes.push(Note::SyntaxDisagrees);
        }
        Ok(Self {
            input,
            meta,
            syntax,
            notes,
            window,
            start,
        })
    }

    /// Walks the elements before the pixel data, with a new visitor each time that the window has to
    /// grow. Gives the visitor, the end, and whether elements were out of order.
    pub fn walk_header<V: Visitor>(
        &mut self,
        limits: &Limits,
        visitor: impl Fn(Bytes) -> V,
    ) -> Result<(V, End, bool), FileError> {
        let total = usize::try_from(self.input.len()).unwrap_or(usize::MAX);
        let (start, encoding) = (self.start, self.syntax.encoding);
        let mut window = std::mem::take(&mut self.window);
        loop {
            let mut walk = Walk::new(&window, start, total, encoding, Part::BeforePixels, limits);
            let mut visitor = visitor(window.clone());
            match walk.run(&mut visitor) {
                Ok(end) => return Ok((visitor, end, walk.disorder)),
                Err(halt) => {
                    drop(visitor);
                    window = grow(&mut self.input, window, halt, start, limits)?;
                }
            }
        }
    }
}

fn note_end(notes: &mut Vec<Note>, disordered: bool, end: End) {
    if disordered && !notes.contains(&Note::Disordered) {
        notes.push(Note::Disordered);
    }
    if let End::Data {
        trailing_zeros: zeros @ 1..,
    } = end
    {
        notes.push(Note::TrailingZeros(zeros as u64));
    }
}

/// The first window of a file and what its meta says; the window grows until it holds the meta.
fn read_meta(
    input: &mut Input,
    window: usize,
    limits: &Limits,
) -> Result<(Bytes, MetaAsRead), FileError> {
    let total = usize::try_from(input.len()).unwrap_or(usize::MAX);
    let mut window = input.first(window as u64, Bytes::new())?;
    loop {
        match meta::parse(&window, total) {
            Ok(meta) => return Ok((window, meta)),
            Err(halt) => window = grow(input, window, halt, 0, limits)?,
        }
    }
}

/// A larger window, where the halt asks for one within the limits.
fn grow(
    input: &mut Input,
    window: Bytes,
    halt: Halt,
    start: usize,
    limits: &Limits,
) -> Result<Bytes, FileError> {
    let Halt::More(upto) = halt else {
        return Err(halt.into());
    };
    let needed = upto as u64;
    if needed <= window.len() as u64 || needed > input.len() {
        return Err(halt.into());
    }
    let cap = limits
        .header_bytes
        .saturating_add(start as u64);
    if needed > cap {
        return Err(FileErrorKind::HeaderTooLarge.error(""));
    }
    let generous = (window.len() as u64 * 2)
        .max(needed.saturating_add(Limits::WINDOW as u64))
        .min(cap);
    input.first(generous, window)
}

/// The transfer syntax by the meta, else by the look of the data set's first bytes.
fn syntax_of(
    meta: &MetaAsRead,
    window: &[u8],
    notes: &mut Vec<Note>,
) -> Result<TransferSyntax, FileError> {
    if !meta.has_prefix {
        notes.push(Note::NoPreamble);
    }
    if !meta.has_group {
        notes.push(Note::NoMeta);
    } else if meta.transfer_syntax().is_none() {
        notes.push(Note::NoTransferSyntax);
    }
    if let Some(uid) = meta.transfer_syntax() {
        return TransferSyntax::from_uid(uid);
    }
    let first = window
        .get(meta.data_at..)
        .unwrap_or_default();
    match encoding_at_start(first) {
        Some(Encoding {
            explicit: false,
            big_endian: true,
        }) => Err(FileErrorKind::UnsupportedSyntax.error("implicit VR in big endian byte order")),
        // Meta information is little endian, and so is every file that has it (PS3.10 section 7.1).
        Some(Encoding {
            big_endian: true, ..
        }) if first.starts_with(&[0x00, 0x02]) => Err(FileErrorKind::UnsupportedSyntax
            .error("file meta information in big endian byte order")),
        Some(encoding) => Ok(TransferSyntax::native(encoding)),
        None if meta.has_prefix || meta.has_group => Ok(TransferSyntax::native(sniff_encoding(
            first,
            Encoding::IMPLICIT_LITTLE,
        ))),
        None => Err(FileErrorKind::NotDicom.error("")),
    }
}

/// Checks the pixel data and reads what follows it.
fn read_from_pixels(
    instance: &mut Instance,
    input: &mut Input,
    pixels: &PixelHeader,
    start: usize,
    limits: &Limits,
) -> Result<(), FileError> {
    let element = locate_pixels(instance, input, pixels)?;
    let tail_at = element.range.end;
    let tail_len = input.len() - tail_at;
    if tail_len + (pixels.at.saturating_sub(start)) as u64 > limits.header_bytes {
        return Err(FileErrorKind::HeaderTooLarge.error("after the pixel data"));
    }
    if tail_len > 0 {
        let bytes = input.rest(tail_at)?;
        read_tail(instance, &bytes, tail_at, element.tag, limits)?;
    }
    instance.pixels = Some(element);
    Ok(())
}

fn locate_pixels(
    instance: &Instance,
    input: &mut Input,
    pixels: &PixelHeader,
) -> Result<PixelElement, FileError> {
    let value_at = pixels.value_at as u64;
    let fault = |kind, at, what| {
        FileError::from(Fault {
            kind,
            tag: pixels.field.tag,
            at,
            what,
        })
    };
    let end = match pixels.length {
        Some(length) => value_at + u64::from(length),
        None => fragments_end(input, value_at, instance.syntax.encoding)?.ok_or_else(|| {
            fault(
                FileErrorKind::Malformed,
                pixels.at,
                "no fragment where one must be",
            )
        })?,
    };
    if end > input.len() {
        return Err(fault(
            FileErrorKind::Truncated,
            pixels.at,
            "the pixel data is cut off",
        ));
    }
    Ok(PixelElement {
        tag: pixels.field.tag,
        vr: pixels.field.vr,
        encapsulated: pixels.length.is_none(),
        range: pixels.at as u64..end,
        value: value_at..end,
        frame_len: Layout::of_instance(instance, pixels.field.tag).map(|layout| layout.frame_len()),
        scrubbed: None,
    })
}

/// Goes from fragment to fragment to the end of the delimiter; beyond the source where it is cut
/// off, `None` where something else stands in a fragment's place.
fn fragments_end(
    input: &mut Input,
    mut at: u64,
    encoding: Encoding,
) -> Result<Option<u64>, FileError> {
    loop {
        let Some(header) = input.eight(at)? else {
            return Ok(Some(u64::MAX));
        };
        match fragment(header, encoding) {
            Some(Fragment::Bytes(length)) => at = at.saturating_add(8 + u64::from(length)),
            Some(Fragment::End) => return Ok(Some(at + 8)),
            None => return Ok(None),
        }
    }
}

fn read_tail(
    instance: &mut Instance,
    bytes: &Bytes,
    at: u64,
    pixels: Tag,
    limits: &Limits,
) -> Result<(), FileError> {
    let mut walk = Walk::over(bytes, instance.syntax.encoding, limits);
    let mut tree = Tree::new(bytes.clone());
    let end = walk
        .run(&mut tree)
        .map_err(|halt| match halt {
            Halt::Fault(fault) => Fault {
                at: fault
                    .at
                    .saturating_add(usize::try_from(at).unwrap_or(usize::MAX)),
                ..fault
            }
            .into(),
            Halt::More(_) => FileError::from(halt),
        })?;
    let tail = tree.finish();
    let twice = tail
        .iter()
        .find(|e| e.tag <= pixels && (e.tag == pixels || instance.header.get(e.tag).is_some()));
    if let Some(element) = twice {
        let fault = Fault {
            kind: FileErrorKind::DuplicateElement,
            tag: element.tag,
            at: 0,
            what: "again after the pixel data",
        };
        return Err(fault.into());
    }
    let disordered = walk.disorder
        || tail
            .iter()
            .next()
            .is_some_and(|e| e.tag < pixels);
    note_end(&mut instance.notes, disordered, end);
    instance.tail = tail;
    Ok(())
}
