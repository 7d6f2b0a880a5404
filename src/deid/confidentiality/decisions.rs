//! What the table says of an attribute, remembered: a study asks the same few hundred questions over and over.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::dicom::{Tag, VR};
use crate::profile::{Confidentiality, Decision, Why};
use crate::standard::confidentiality::ActionCode;

const SLOTS: usize = 4096;
const NOTHING: (u32, u32, VR, Decision) = (0, 0, VR::UN, Decision { code: ActionCode::Remove, why: Why::Vr });

thread_local! {
    /// The last answers, by the tag's hash: for whom, which tag, which VR, and what.
    static RECENT: [Cell<(u32, u32, VR, Decision)>; SLOTS] = const { [const { Cell::new(NOTHING) }; SLOTS] };
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
        Self { asked: asked.clone(), number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// What is to be done with an attribute of this VR.
    pub(super) fn of(&self, tag: Tag, vr: VR) -> Decision {
        let key = u32::from(tag.group()) << 16 | u32::from(tag.element());
        // The top bits of a product with an odd constant spread neighbouring tags (Fibonacci hashing).
        let slot = key.wrapping_mul(0x9E37_79B1) as usize >> 20;
        RECENT.with(|recent| {
            let Some(cell) = recent.get(slot) else { return self.asked.decide(tag, vr) };
            let (number, known, of, decision) = cell.get();
            if (number, known, of) == (self.number, key, vr) {
                return decision;
            }
            let decision = self.asked.decide(tag, vr);
            cell.set((self.number, key, vr, decision));
            decision
        })
    }
}
