//! What the table says of an attribute, and whether its VR is one that it may have, remembered: a
//! study asks the same few hundred questions over and over.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use super::claims;
use crate::profile::{AttributeDecision, Confidentiality, DecisionSource};
use crate::standard::confidentiality::ActionCode;
use dicom_lossless::{Tag, VR};

const SLOTS: usize = 4096;
const NOTHING: (u32, u32, VR, Answer) = (0, 0, VR::UN, Answer::NONE);

thread_local! {
    /// The last answers, by the tag's hash: for whom, which tag, which VR, and what.
    static RECENT: [Cell<(u32, u32, VR, Answer)>; SLOTS] = const { [const { Cell::new(NOTHING) }; SLOTS] };
}

/// What is known of an attribute that a file gives a VR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// What is to be done with it.
    pub(super) decision: AttributeDecision,
    /// The VR of the dictionary; none for private attributes, unknown ones and group lengths.
    pub(super) is: Option<VR>,
    /// Whether a value under the VR of the file can be taken for one under that of the dictionary.
    pub(super) fits: bool,
}

impl Answer {
    const NONE: Self = Self {
        decision: AttributeDecision {
            code: ActionCode::Remove,
            source: DecisionSource::Vr,
        },
        is: None,
        fits: true,
    };
}

/// The decisions of one profile.
pub(super) struct Decisions {
    asked: Confidentiality,
    /// Tells the answers of several profiles in one process apart.
    number: u32,
}

impl Decisions {
    pub(super) fn new(asked: &Confidentiality) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self {
            asked: asked.clone(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// What is known of an attribute under this VR.
    #[inline]
    pub(super) fn of(&self, tag: Tag, vr: VR) -> Answer {
        let key = u32::from(tag.group()) << 16 | u32::from(tag.element());
        // The top bits of a product with an odd constant spread neighbouring tags (Fibonacci
        // hashing).
        let slot = key.wrapping_mul(0x9E37_79B1) as usize >> 20;
        RECENT.with(|recent| {
            let Some(cell) = recent.get(slot) else {
                return self.answer(tag, vr);
            };
            let (number, known, of, answer) = cell.get();
            if (number, known, of) == (self.number, key, vr) {
                return answer;
            }
            let answer = self.answer(tag, vr);
            cell.set((self.number, key, vr, answer));
            answer
        })
    }

    #[cold]
    fn answer(&self, tag: Tag, vr: VR) -> Answer {
        let is = claims::vr_of(tag);
        // What an attribute is does not hang on what a file calls it.
        let decision = self.asked.decide(tag, is.unwrap_or(vr));
        Answer {
            decision,
            is,
            fits: is.is_none_or(|is| claims::fits(is, vr)),
        }
    }
}
