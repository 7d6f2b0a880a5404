//! What is known of attributes, each worked out when it is first met: a study raises the same few
//! hundred questions over and over.
//!
//! Owns a table of fixed size that all workers read without a lock. Nothing in it depends on a
//! file, and what finds no room is worked out each time.

use std::sync::OnceLock;

use dicom_lossless::{Tag, VR};

/// The tables of real studies hold some hundred entries.
const SLOTS: usize = 1 << 13;
/// How many bits of a hash tell the slot.
const BITS: u32 = SLOTS.trailing_zeros();

/// Answers by tag and VR.
pub struct AttributeTable<T> {
    slots: Box<[OnceLock<(Tag, VR, T)>]>,
}

impl<T: Copy> AttributeTable<T> {
    pub fn new() -> Self {
        Self {
            slots: (0..SLOTS)
                .map(|_| OnceLock::new())
                .collect(),
        }
    }

    /// What is known of an attribute under a VR; `answer` gives the same whenever it is asked.
    #[inline]
    pub fn get(&self, tag: Tag, vr: VR, answer: impl Fn() -> T) -> T {
        let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
        // The top bits of a product with an odd constant spread neighbouring tags (Fibonacci
        // hashing).
        let first = number.wrapping_mul(0x9E37_79B1) as usize >> (u32::BITS - BITS);
        for at in [first, first ^ 1] {
            let Some(slot) = self.slots.get(at) else {
                break;
            };
            let (of, under, known) = slot.get_or_init(|| (tag, vr, answer()));
            if *of == tag && *under == vr {
                return *known;
            }
        }
        answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_keeps_its_answer_however_many_there_are() {
        let table = AttributeTable::new();
        for _ in 0..2 {
            for element in 0..=u16::MAX {
                let tag = Tag(0x0018, element);
                for vr in [VR::LO, VR::UN] {
                    let answer = (element, vr == VR::UN);
                    assert_eq!(table.get(tag, vr, || answer), answer);
                }
            }
        }
    }

    #[test]
    fn an_answer_is_worked_out_once() {
        let (table, asked) = (AttributeTable::new(), std::cell::Cell::new(0));
        for _ in 0..3 {
            table.get(Tag(0x0010, 0x0010), VR::PN, || asked.set(asked.get() + 1));
        }
        assert_eq!(asked.get(), 1);
    }
}
