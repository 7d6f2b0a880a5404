//! Which element a stretch of written bytes belongs to.
//!
//! Owns the way back from offsets to places in a data set. It looks at no value.

use std::ops::Range;

use super::dataset::{Encoding, LengthForm};
use super::fault::Halt;
use super::visit::{Field, Opening, Part, Stretch, Visitor};
use super::walk::Walk;
use super::{Limits, Tag, VR};
use crate::failure::FileFailure;

/// The element whose value holds a stretch of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The items to enter: sequences and numbers of items from 0.
    pub items: Vec<(Tag, usize)>,
    pub tag: Tag,
    pub vr: VR,
    /// The value field in the bytes that were walked.
    pub value: Range<usize>,
}

/// For each of some stretches, in order of their starts, the element whose value holds it whole; none where it lies in no
/// value or across the end of one.
pub(crate) fn places(
    buffer: &[u8],
    encoding: Encoding,
    limits: &Limits,
    wanted: &[Range<usize>],
) -> Result<Vec<Option<Standing>>, FileFailure> {
    let stretch = Stretch { buffer, start: 0, total: buffer.len(), encoding };
    let mut finder = Finder { wanted, found: vec![None; wanted.len()], items: Vec::new() };
    Walk::new(&stretch, Part::Rest, limits).run(&mut finder)?;
    Ok(finder.found)
}

struct Finder<'a> {
    wanted: &'a [Range<usize>],
    found: Vec<Option<Standing>>,
    /// The open sequences, each with the number of items begun.
    items: Vec<(Tag, usize)>,
}

impl Finder<'_> {
    /// What was found in a value that turns out to be part of a larger one is found anew in that.
    fn look(&mut self, field: &Field, value: &Range<usize>) {
        let from = self.wanted.partition_point(|wanted| wanted.start < value.start);
        for (wanted, found) in self.wanted.iter().zip(&mut self.found).skip(from).take_while(|(w, _)| w.start < value.end) {
            let items = || self.items.iter().map(|(tag, begun)| (*tag, begun.saturating_sub(1))).collect();
            let standing = || Standing { items: items(), tag: field.tag, vr: field.vr, value: value.clone() };
            *found = (wanted.end <= value.end).then(standing);
        }
    }
}

impl Visitor for Finder<'_> {
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        self.look(field, &range);
        Ok(())
    }

    fn fragments(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        self.look(field, &range);
        Ok(())
    }

    fn opens(&mut self, _: &Field) -> Opening {
        Opening::Try
    }

    fn sequence_begins(&mut self, field: &Field, _: LengthForm, _: Encoding) -> Result<(), Halt> {
        self.items.push((field.tag, 0));
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        self.items.pop();
        Ok(())
    }

    fn item_begins(&mut self, _: LengthForm) -> Result<(), Halt> {
        if let Some((_, begun)) = self.items.last_mut() {
            *begun += 1;
        }
        Ok(())
    }

    fn item_ends(&mut self) -> Result<(), Halt> {
        Ok(())
    }

    fn take_back(&mut self, remaining: usize) {
        self.items.truncate(remaining);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
mod tests {
    use super::*;
    use crate::dicom::{DataSet, Element};

    const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

    fn find(data: &DataSet, what: &str) -> Option<Standing> {
        let bytes = data.to_bytes(LITTLE, &Limits::default()).unwrap();
        let at = memchr::memmem::find(&bytes, what.as_bytes()).unwrap();
        places(&bytes, LITTLE, &Limits::default(), &[at..at + what.len()]).unwrap().pop().unwrap()
    }

    #[test]
    fn bytes_lead_to_their_element_and_its_items() {
        let item = |value: &'static str| DataSet::from_elements(vec![Element::new(Tag(0x10, 0x20), VR::LO, value)]);
        let data = DataSet::from_elements(vec![
            Element::sequence(Tag(0x08, 0x1140), vec![item("first"), item("second")], LITTLE),
            Element::new(Tag(0x10, 0x10), VR::PN, "Doe^Jane"),
        ]);
        let second = find(&data, "econ").unwrap();
        assert_eq!((second.items, second.tag, second.value.len()), (vec![(Tag(0x08, 0x1140), 1)], Tag(0x10, 0x20), 6));
        assert_eq!(find(&data, "Doe").map(|found| (found.items.len(), found.vr)), Some((0, VR::PN)));
        assert_eq!(find(&data, "PN"), None, "the letters of a VR are no value");
    }

    #[test]
    fn a_value_that_only_begins_like_a_sequence_is_one_value() {
        let value = b"\xFE\xFF\x00\xE0\x10\x00\x00\x00\x10\x00\x20\x00LO\x04\x00Jane junk".as_slice();
        let data = DataSet::from_elements(vec![Element::new(Tag(0x09, 0x1001), VR::UN, value)]);
        let found = find(&data, "Jane").unwrap();
        assert_eq!((found.items, found.tag, found.value.len()), (vec![], Tag(0x09, 0x1001), value.len()));
    }
}
