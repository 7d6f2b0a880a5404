//! Builds the lossless tree from what the walker meets.
//!
//! Owns the way from ranges to slices of the header buffer. Each vector is allocated once, in its
//! final size.

use std::ops::Range;

use bytes::Bytes;

use super::dataset::{DataSet, Element, Encoding, Item, LengthForm, Sequence, Value};
use super::error::Halt;
use super::visit::{Field, Opening, Visitor};

/// Groups of commands and of the meta.
const NOT_OF_DATA: [u16; 2] = [0x0000, 0x0002];

/// The visitor that builds a [`DataSet`] over a buffer.
pub struct Tree {
    buffer: Bytes,
    elements: Vec<Element>,
    items: Vec<Item>,
    sequences: Vec<OpenSequence>,
    open_items: Vec<(usize, LengthForm)>,
}

struct OpenSequence {
    field: Field,
    length: LengthForm,
    encoding: Encoding,
    /// How many elements, items and open items there were when it began.
    elements: usize,
    items: usize,
    open_items: usize,
}

impl Tree {
    pub fn new(buffer: Bytes) -> Self {
        Self {
            buffer,
            elements: Vec::with_capacity(160),
            items: Vec::new(),
            sequences: Vec::new(),
            open_items: Vec::new(),
        }
    }

    /// The data set, once the walk has ended, without elements of commands and of the meta: they
    /// have no place in it (PS3.10 section 7.1) and hold names and UIDs where no rule looks for
    /// them.
    pub fn finish(mut self) -> DataSet {
        self.elements
            .retain(|element| !NOT_OF_DATA.contains(&element.tag.group()));
        DataSet::from_elements(self.elements)
    }

    fn push(&mut self, field: &Field, value: Value) {
        self.elements.push(Element {
            tag: field.tag,
            vr: field.vr,
            odd_vr: field.odd_vr,
            value,
        });
    }
}

impl Visitor for Tree {
    #[inline]
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        let value = Value::Bytes(self.buffer.slice(range));
        self.push(field, value);
        Ok(())
    }

    fn fragments(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        let value = Value::Fragments(self.buffer.slice(range));
        self.push(field, value);
        Ok(())
    }

    fn opens(&mut self, _field: &Field) -> Opening {
        Opening::Try
    }

    fn sequence_begins(
        &mut self,
        field: &Field,
        length: LengthForm,
        encoding: Encoding,
    ) -> Result<(), Halt> {
        let (elements, items, open_items) =
            (self.elements.len(), self.items.len(), self.open_items.len());
        self.sequences.push(OpenSequence {
            field: *field,
            length,
            encoding,
            elements,
            items,
            open_items,
        });
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        if let Some(open) = self.sequences.pop() {
            let items = self
                .items
                .split_off(open.items)
                .into();
            self.push(
                &open.field,
                Value::Items(Sequence {
                    items,
                    length: open.length,
                    encoding: open.encoding,
                }),
            );
        }
        Ok(())
    }

    fn item_begins(&mut self, length: LengthForm) -> Result<(), Halt> {
        self.open_items
            .push((self.elements.len(), length));
        Ok(())
    }

    fn item_ends(&mut self) -> Result<(), Halt> {
        if let Some((from, length)) = self.open_items.pop() {
            let data = DataSet::from_elements(self.elements.split_off(from));
            self.items
                .push(Item { data, length });
        }
        Ok(())
    }

    fn take_back(&mut self, remaining: usize) {
        if let Some(open) = self.sequences.get(remaining) {
            self.elements
                .truncate(open.elements);
            self.items.truncate(open.items);
            self.open_items
                .truncate(open.open_items);
            self.sequences.truncate(remaining);
        }
    }
}
