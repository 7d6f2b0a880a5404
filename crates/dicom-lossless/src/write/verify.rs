//! The second look: what was written is walked again and compared with the tree, element by
//! element.
//!
//! Owns the comparison, which shares the walker with reading but none of the writer's code. It
//! builds nothing.

use std::ops::Range;
use std::slice::Iter;

use super::Written;
use crate::dataset::{DataSet, Element, Encoding, Item, LengthForm, Value};
use crate::error::{FileError, FileErrorKind, Halt};
use crate::meta;
use crate::read::Instance;
use crate::syntax::sniff_encoding;
use crate::visit::{End, Field, Opening, Visitor};
use crate::walk::Walk;
use crate::{Limits, Tag, VR};

/// Checks that the parts read back as the instance's trees, in the encoding that the meta names.
pub fn check(written: &Written, instance: &Instance, limits: &Limits) -> Result<(), FileError> {
    let encoding = instance.syntax.encoding;
    let header = written
        .head
        .get(written.data_at..)
        .unwrap_or_default();
    if !meta::reads_back(&written.head, written.data_at, &instance.syntax.uid)
        || sniff_encoding(header, encoding) != encoding
    {
        return Err(FileErrorKind::Verification.error("in the file meta"));
    }
    check_part(header, &instance.header, encoding, limits)?;
    check_part(&written.tail, &instance.tail, encoding, limits)
}

fn check_part(
    buffer: &[u8],
    data: &DataSet,
    encoding: Encoding,
    limits: &Limits,
) -> Result<(), FileError> {
    let mut against = Against {
        buffer,
        elements: vec![data.iter()],
        items: Vec::new(),
    };
    let end = Walk::over(buffer, encoding, limits)
        .run(&mut against)
        .map_err(as_verification)?;
    if end == (End::Data { trailing_zeros: 0 }) && against.next_element().is_none() {
        return Ok(());
    }
    Err(as_verification(differs(Tag(0, 0))))
}

fn as_verification(halt: Halt) -> FileError {
    let failure = FileError::from(halt);
    if [
        FileErrorKind::HeaderTooLarge,
        FileErrorKind::TooDeep,
        FileErrorKind::UidTooLong,
    ]
    .contains(&failure.kind)
    {
        return failure;
    }
    FileError {
        kind: FileErrorKind::Verification,
        ..failure
    }
}

#[cold]
fn differs(tag: Tag) -> Halt {
    Halt::new(
        FileErrorKind::Verification,
        tag,
        0,
        "it reads back differently",
    )
}

/// Compares a walk with a tree that is gone through alongside.
struct Against<'a> {
    buffer: &'a [u8],
    elements: Vec<Iter<'a, Element>>,
    items: Vec<Iter<'a, Item>>,
}

impl<'a> Against<'a> {
    /// The next element of the innermost data set that is written at all.
    #[inline]
    fn next_element(&mut self) -> Option<&'a Element> {
        self.elements
            .last_mut()?
            .find(|element| element.tag.element() != 0)
    }

    #[inline]
    fn expect(&mut self, field: &Field) -> Result<&'a Element, Halt> {
        let same_vr =
            |e: &Element| !field.explicit || (e.vr == field.vr && e.odd_vr == field.odd_vr);
        self.next_element()
            .filter(|e| e.tag == field.tag && same_vr(e))
            .ok_or_else(|| differs(field.tag))
    }
}

impl Visitor for Against<'_> {
    #[inline]
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        match &self.expect(field)?.value {
            Value::Bytes(bytes) if self.buffer.get(range) == Some(bytes) => {
                // What private elements hold is their maker's affair.
                let long = field.vr == VR::UI
                    && field.tag.group().is_multiple_of(2)
                    && meta::is_too_long(bytes);
                if long {
                    Err(Halt::new(FileErrorKind::UidTooLong, field.tag, 0, ""))
                } else {
                    Ok(())
                }
            }
            _ => Err(differs(field.tag)),
        }
    }

    fn fragments(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        match &self.expect(field)?.value {
            Value::Fragments(bytes) if self.buffer.get(range) == Some(bytes) => Ok(()),
            _ => Err(differs(field.tag)),
        }
    }

    fn opens(&mut self, field: &Field) -> Opening {
        let next = self
            .elements
            .last()
            .and_then(|elements| {
                elements
                    .clone()
                    .find(|e| e.tag.element() != 0)
            });
        match next
            .filter(|e| e.tag == field.tag)
            .map(|e| &e.value)
        {
            Some(Value::Items(_)) => Opening::Must,
            _ => Opening::Leave,
        }
    }

    fn sequence_begins(
        &mut self,
        field: &Field,
        length: LengthForm,
        encoding: Encoding,
    ) -> Result<(), Halt> {
        let items = match &self.expect(field)?.value {
            Value::Items(s)
                if s.length == length && (s.encoding == encoding || s.items.is_empty()) =>
            {
                s.items.iter()
            }
            // A sequence that was emptied.
            Value::Bytes(bytes) if bytes.is_empty() && field.vr == VR::SQ => Iter::default(),
            _ => return Err(differs(field.tag)),
        };
        self.items.push(items);
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        match self
            .items
            .pop()
            .map(|mut items| items.next().is_none())
        {
            Some(true) => Ok(()),
            _ => Err(differs(Tag(0xFFFE, 0xE0DD))),
        }
    }

    fn item_begins(&mut self, length: LengthForm) -> Result<(), Halt> {
        let item = self
            .items
            .last_mut()
            .and_then(Iter::next)
            .filter(|item| item.length == length);
        self.elements.push(
            item.ok_or_else(|| differs(Tag(0xFFFE, 0xE000)))?
                .data
                .iter(),
        );
        Ok(())
    }

    fn item_ends(&mut self) -> Result<(), Halt> {
        if self.next_element().is_some() {
            return Err(differs(Tag(0xFFFE, 0xE00D)));
        }
        self.elements.pop();
        Ok(())
    }
}
