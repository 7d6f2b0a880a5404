//! The values in written bytes, each with the element that it belongs to.
//!
//! Owns the way from bytes to places in a data set. It looks at no value, and keeps none.

use std::ops::Range;

use super::dataset::{Encoding, LengthForm};
use super::error::Halt;
use super::visit::{Field, Opening, Visitor};
use super::walk::Walk;
use super::{Limits, Tag, VR};
use crate::error::{FileError, FileErrorKind};

/// An element with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementLocation<'a> {
    /// The items to enter: sequences and numbers of items from 0.
    pub items: &'a [(Tag, usize)],
    /// Its tag.
    pub tag: Tag,
    /// Its VR, as written or as the dictionary has it.
    pub vr: VR,
    /// The value field in the bytes that are walked.
    pub value: Range<usize>,
}

/// Who is shown the values, in their order.
pub trait ValueVisitor {
    /// What it has seen so far.
    type Mark: Copy;
    /// A value.
    ///
    /// # Errors
    /// The kind of fault that ends the walk.
    fn value(&mut self, at: &ElementLocation<'_>) -> Result<(), FileErrorKind>;
    /// Marks what it has seen so far.
    fn mark(&self) -> Self::Mark;
    /// What was shown since is part of one larger value, which follows.
    fn take_back(&mut self, to: Self::Mark);
}

/// Shows all values of a data set, those of items too.
///
/// # Errors
/// What is no data set in this encoding, and what the visitor ends the walk with.
pub fn visit_values(
    buffer: &[u8],
    encoding: Encoding,
    limits: &Limits,
    visitor: &mut impl ValueVisitor,
) -> Result<(), FileError> {
    let mut guide = Guide {
        visitor,
        items: Vec::new(),
        marks: Vec::new(),
    };
    Walk::over(buffer, encoding, limits).run(&mut guide)?;
    Ok(())
}

struct Guide<'a, O: ValueVisitor> {
    visitor: &'a mut O,
    /// The open sequences, each with the number of its item.
    items: Vec<(Tag, usize)>,
    /// What had been seen when they began.
    marks: Vec<O::Mark>,
}

impl<O: ValueVisitor> Visitor for Guide<'_, O> {
    #[inline]
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        let at = range.start;
        let standing = ElementLocation {
            items: &self.items,
            tag: field.tag,
            vr: field.vr,
            value: range,
        };
        self.visitor
            .value(&standing)
            .map_err(|kind| Halt::new(kind, field.tag, at, ""))
    }

    fn fragments(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        self.value(field, range)
    }

    fn opens(&mut self, _: &Field) -> Opening {
        Opening::Try
    }

    fn sequence_begins(&mut self, field: &Field, _: LengthForm, _: Encoding) -> Result<(), Halt> {
        self.items
            .push((field.tag, usize::MAX));
        self.marks.push(self.visitor.mark());
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        self.items.pop();
        self.marks.pop();
        Ok(())
    }

    fn item_begins(&mut self, _: LengthForm) -> Result<(), Halt> {
        if let Some((_, index)) = self.items.last_mut() {
            *index = index.wrapping_add(1);
        }
        Ok(())
    }

    fn take_back(&mut self, remaining: usize) {
        if let Some(mark) = self.marks.get(remaining) {
            self.visitor.take_back(*mark);
        }
        self.items.truncate(remaining);
        self.marks.truncate(remaining);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::{DataSet, Element};

    const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

    /// Items, tag, VR and length of an element.
    type At = (Vec<(Tag, usize)>, Tag, VR, usize);

    /// Where a text stands whole in a value.
    struct Finder<'a> {
        buffer: &'a [u8],
        what: &'a [u8],
        found: Vec<At>,
    }

    impl ValueVisitor for Finder<'_> {
        type Mark = usize;

        fn value(&mut self, at: &ElementLocation<'_>) -> Result<(), FileErrorKind> {
            if memchr::memmem::find(&self.buffer[at.value.clone()], self.what).is_some() {
                self.found
                    .push((at.items.to_vec(), at.tag, at.vr, at.value.len()));
            }
            if self.what == b"stop" {
                Err(FileErrorKind::TooCostly)
            } else {
                Ok(())
            }
        }

        /// Marks what it has seen so far.
        fn mark(&self) -> usize {
            self.found.len()
        }

        fn take_back(&mut self, to: usize) {
            self.found.truncate(to);
        }
    }

    fn find(data: &DataSet, what: &str) -> Result<Vec<At>, FileErrorKind> {
        let bytes = data
            .to_bytes(LITTLE, &Limits::default())
            .unwrap();
        let mut finder = Finder {
            buffer: &bytes,
            what: what.as_bytes(),
            found: Vec::new(),
        };
        visit_values(&bytes, LITTLE, &Limits::default(), &mut finder)
            .map_err(|failure| failure.kind)?;
        Ok(finder.found)
    }

    #[test]
    fn values_come_with_their_element_and_its_items() {
        let item = |value: &'static str| {
            DataSet::from_elements(vec![Element::new(Tag(0x10, 0x20), VR::LO, value)])
        };
        let data = DataSet::from_elements(vec![
            Element::sequence(
                Tag(0x08, 0x1140),
                vec![item("first"), item("second")],
                LITTLE,
            ),
            Element::new(Tag(0x10, 0x10), VR::PN, "Doe^Jane"),
        ]);
        assert_eq!(
            find(&data, "econ").unwrap(),
            [(vec![(Tag(0x08, 0x1140), 1)], Tag(0x10, 0x20), VR::LO, 6)]
        );
        assert_eq!(
            find(&data, "Doe").unwrap(),
            [(vec![], Tag(0x10, 0x10), VR::PN, 8)]
        );
        assert_eq!(
            find(&data, "PN").unwrap(),
            [],
            "the letters of a VR are no value"
        );
    }

    #[test]
    fn a_value_that_only_begins_like_a_sequence_is_one_value() {
        let value =
            b"\xFE\xFF\x00\xE0\x10\x00\x00\x00\x10\x00\x20\x00LO\x04\x00Jane junk".as_slice();
        let data = DataSet::from_elements(vec![Element::new(Tag(0x09, 0x1001), VR::UN, value)]);
        assert_eq!(
            find(&data, "Jane").unwrap(),
            [(vec![], Tag(0x09, 0x1001), VR::UN, value.len())]
        );
    }

    #[test]
    fn a_walk_can_be_ended_also_inside_what_only_may_be_a_sequence() {
        let value =
            b"\xFE\xFF\x00\xE0\x10\x00\x00\x00\x10\x00\x20\x00LO\x04\x00Jane junk".as_slice();
        let data = DataSet::from_elements(vec![Element::new(Tag(0x09, 0x1001), VR::UN, value)]);
        assert_eq!(find(&data, "stop"), Err(FileErrorKind::TooCostly));
    }
}
