//! The walker's vocabulary: what it is given, whom it tells, and what it says at the end.
//!
//! Owns the [`Visitor`] trait and the item and delimiter tags of PS3.5 section 7.5. It holds no
//! state.

use std::ops::Range;

use super::dataset::{Encoding, LengthForm};
use super::error::Halt;
use super::{Tag, VR};

pub const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
/// The length that says that there is none.
pub const UNDEFINED: u32 = u32::MAX;

/// Whether a tag holds an image's pixels (PS3.3 section C.7.6.3, C.7.6.24, C.7.6.25).
pub fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008 | 0x0009 | 0x0010))
}

/// What stands before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub tag: Tag,
    pub vr: VR,
    pub odd_vr: Option<[u8; 2]>,
    /// Whether the VR stood in the file; otherwise it is the dictionary's.
    pub explicit: bool,
}

/// Whether a UN value that begins like a sequence is walked as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Leave it as bytes.
    Leave,
    /// Walk it, and take it as bytes if that fails.
    Try,
    /// Walk it; a fault is a fault.
    Must,
}

/// What is told what the walker meets, in file order. Ranges are offsets into the walker's buffer.
pub trait Visitor {
    /// A plain value.
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt>;
    /// An encapsulated value: from its first item tag to the end of its delimiter.
    fn fragments(&mut self, _: &Field, _: Range<usize>) -> Result<(), Halt> {
        Ok(())
    }
    /// Asked at a UN value of defined length that begins with an item tag.
    fn opens(&mut self, field: &Field) -> Opening;
    /// A sequence begins; its items are encoded so.
    fn sequence_begins(
        &mut self,
        field: &Field,
        length: LengthForm,
        encoding: Encoding,
    ) -> Result<(), Halt>;
    /// The innermost sequence ends.
    fn sequence_ends(&mut self) -> Result<(), Halt>;
    /// An item begins.
    fn item_begins(&mut self, _: LengthForm) -> Result<(), Halt> {
        Ok(())
    }
    /// The innermost item ends.
    fn item_ends(&mut self) -> Result<(), Halt> {
        Ok(())
    }
    /// A sequence opened on [`Opening::Try`] is none: forget it and all in it, so that `remaining`
    /// sequences are open. Its value follows.
    fn take_back(&mut self, _remaining: usize) {}
    /// Asked after each element of the outermost data set: nothing more is wanted.
    fn has_enough(&self) -> bool {
        false
    }
}

/// Where a walk ended without a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the end of the data set, and how many zero bytes came after it.
    Data { trailing_zeros: usize },
    /// Before the pixel data of the outermost data set.
    Pixels(PixelHeader),
    /// The visitor had enough.
    Enough,
}

/// The pixel data element that a walk stopped at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelHeader {
    pub field: Field,
    /// Offset of the tag.
    pub at: usize,
    /// Offset of the value field.
    pub value_at: usize,
    /// Bytes of the value field; `None` where it is encapsulated.
    pub length: Option<u32>,
}

/// Which part of a file a walk is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// From the first element up to the pixel data, which is not entered.
    BeforePixels,
    /// What follows the pixel data, or a whole data set without special treatment of it.
    Rest,
}

/// What the header of an item of encapsulated data says.
pub enum Fragment {
    /// This number of bytes follows.
    Bytes(u32),
    /// The delimiter.
    End,
}

/// Reads the header of an item of encapsulated data; `None` where it is none.
pub fn fragment(header: [u8; 8], encoding: Encoding) -> Option<Fragment> {
    let [t0, t1, t2, t3, length @ ..] = header;
    let length = encoding.u32(length);
    match Tag(encoding.u16([t0, t1]), encoding.u16([t2, t3])) {
        ITEM if length != UNDEFINED => Some(Fragment::Bytes(length)),
        SEQUENCE_END if length == 0 => Some(Fragment::End),
        _ => None,
    }
}
