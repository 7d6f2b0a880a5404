//! The lossless tree: data elements in file order, each with its value exactly as it stood in the
//! file.
//!
//! Nothing here decodes or copies a value. An element that no rule touches is written back byte for
//! byte.

mod items;

use bytes::Bytes;
pub use dicom_core::{Tag, VR};

pub use items::Items;

/// How the elements of one data set are encoded (PS3.5 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Explicit VR; otherwise implicit.
    pub explicit: bool,
    /// Big endian; otherwise little.
    pub big_endian: bool,
}

impl Encoding {
    /// Implicit VR Little Endian, which UN sequences of undefined length use inside (PS3.5 section
    /// 6.2.2).
    pub const IMPLICIT_LITTLE: Self = Self {
        explicit: false,
        big_endian: false,
    };
    /// Explicit VR Little Endian.
    pub const EXPLICIT_LITTLE: Self = Self {
        explicit: true,
        big_endian: false,
    };

    /// A 16-bit number in this byte order.
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    /// A 32-bit number in this byte order.
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    /// The bytes of a 16-bit number in this byte order.
    pub fn put_u16(self, number: u16) -> [u8; 2] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    /// The bytes of a 32-bit number in this byte order.
    pub fn put_u32(self, number: u32) -> [u8; 4] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }
}

/// Whether a sequence or item states its length or ends with a delimiter (PS3.5 section 7.5). Kept
/// on writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// The length is stated; it is computed anew on writing.
    Defined,
    /// A delimiter ends it.
    Undefined,
}

/// A data element.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Its tag.
    pub tag: Tag,
    /// Its VR: as the file states it, or from the dictionary where the encoding is implicit (UN
    /// where that knows none).
    pub vr: VR,
    /// The two bytes that an explicit file holds for the VR, where they name none of the standard's
    /// VRs (read as UN).
    pub odd_vr: Option<[u8; 2]>,
    /// Its value.
    pub value: Value,
}

/// The value of a data element.
#[derive(Debug, Clone)]
pub enum Value {
    /// The value field as it stands in the file, padding included, in the byte order of its data
    /// set.
    Bytes(Bytes),
    /// Sequence items, of SQ or of UN that turned out to hold a sequence.
    Items(Sequence),
    /// An encapsulated value (nested pixel data, as in an icon image): from the first item tag to
    /// the end of the sequence delimiter, verbatim.
    Fragments(Bytes),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(one), Self::Bytes(other))
            | (Self::Fragments(one), Self::Fragments(other)) => {
                // What was not touched is the same place in the same file, and need not be read.
                std::ptr::eq(one.as_ref(), other.as_ref()) || one == other
            }
            (Self::Items(one), Self::Items(other)) => one == other,
            _ => false,
        }
    }
}

/// The items of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The items in file order.
    pub items: Items,
    /// How the sequence states its length.
    pub length: LengthForm,
    /// How the items are encoded: that of the parent, or implicit little endian inside UN.
    pub encoding: Encoding,
}

/// A sequence item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The nested data set.
    pub data: DataSet,
    /// How the item states its length.
    pub length: LengthForm,
}

impl Element {
    /// An element with a value field given as bytes. The caller pads to even length.
    pub fn new(tag: Tag, vr: VR, value: impl Into<Bytes>) -> Self {
        Self {
            tag,
            vr,
            odd_vr: None,
            value: Value::Bytes(value.into()),
        }
    }

    /// A new sequence of undefined length, encoded as the data set that it goes into.
    pub fn sequence(tag: Tag, items: Vec<DataSet>, encoding: Encoding) -> Self {
        let items = items
            .into_iter()
            .map(|data| Item {
                data,
                length: LengthForm::Undefined,
            })
            .collect();
        Self {
            tag,
            vr: VR::SQ,
            odd_vr: None,
            value: Value::Items(Sequence {
                items,
                length: LengthForm::Undefined,
                encoding,
            }),
        }
    }

    /// The value field, unless it holds items or fragments.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Items(_) | Value::Fragments(_) => None,
        }
    }

    /// The items, if it is a sequence.
    pub fn items(&self) -> Option<&Sequence> {
        match &self.value {
            Value::Items(sequence) => Some(sequence),
            Value::Bytes(_) | Value::Fragments(_) => None,
        }
    }

    /// The items to edit, if it is a sequence.
    pub fn items_mut(&mut self) -> Option<&mut Sequence> {
        match &mut self.value {
            Value::Items(sequence) => Some(sequence),
            Value::Bytes(_) | Value::Fragments(_) => None,
        }
    }

    /// Whether the element is private: an odd group (PS3.5 section 7.8).
    pub fn is_private(&self) -> bool {
        self.tag.group() % 2 == 1
    }
}

/// Data elements in file order. No tag appears twice: the walker refuses such files.
#[derive(Debug, Clone, Default)]
pub struct DataSet {
    elements: Vec<Element>,
    /// Whether an element may stand before one with a lower tag.
    disordered: bool,
}

impl PartialEq for DataSet {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl DataSet {
    /// An empty data set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A data set of elements that the caller knows to be distinct and in the order in which they
    /// are to be written.
    pub fn from_elements(elements: Vec<Element>) -> Self {
        let disordered = !elements.is_sorted_by(|one, next| one.tag < next.tag);
        Self {
            elements,
            disordered,
        }
    }

    /// The elements themselves, in file order.
    pub fn into_elements(self) -> Vec<Element> {
        self.elements
    }

    /// The elements in file order.
    pub fn iter(&self) -> std::slice::Iter<'_, Element> {
        self.elements.iter()
    }

    /// Whether the elements are known to be in the ascending order of their tags, which is the rule
    /// (PS3.5 section 7.1).
    pub fn is_ascending(&self) -> bool {
        !self.disordered
    }

    /// The elements to edit, in file order; each keeps its tag.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Element> {
        self.elements.iter_mut()
    }

    /// How many elements there are at this level.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    fn position(&self, tag: Tag) -> Option<usize> {
        // Not every file keeps the order, and there a miss is settled by looking at all.
        match self
            .elements
            .binary_search_by_key(&tag, |e| e.tag)
        {
            Ok(at) => Some(at),
            Err(_) if self.disordered => self
                .elements
                .iter()
                .position(|e| e.tag == tag),
            Err(_) => None,
        }
    }

    /// The element with this tag.
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.position(tag)
            .and_then(|at| self.elements.get(at))
    }

    /// The element with this tag, to edit; it keeps its tag.
    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut Element> {
        self.position(tag)
            .and_then(|at| self.elements.get_mut(at))
    }

    /// Takes the element with this tag out.
    pub fn remove(&mut self, tag: Tag) -> Option<Element> {
        self.position(tag)
            .map(|at| self.elements.remove(at))
    }

    /// Keeps the elements for which `keep` says so.
    pub fn retain(&mut self, keep: impl FnMut(&Element) -> bool) {
        self.elements.retain(keep);
    }

    /// Edits the elements one after the other and keeps those for which `keep` says so; each keeps its
    /// tag.
    pub fn retain_mut(&mut self, keep: impl FnMut(&mut Element) -> bool) {
        self.elements.retain_mut(keep);
    }

    /// Puts an element in the place of the one with its tag, else before the first with a higher
    /// tag.
    pub fn put(&mut self, element: Element) {
        if let Some(existing) = self.get_mut(element.tag) {
            *existing = element;
        } else {
            let at = self
                .elements
                .iter()
                .position(|e| e.tag > element.tag)
                .unwrap_or(self.elements.len());
            self.elements.insert(at, element);
        }
    }
}

impl<'a> IntoIterator for &'a DataSet {
    type Item = &'a Element;
    type IntoIter = std::slice::Iter<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut DataSet {
    type Item = &'a mut Element;
    type IntoIter = std::slice::IterMut<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
