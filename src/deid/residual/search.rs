//! Looks for the lost values of one instance in bytes.
//!
//! Owns the search and nothing of its judgement: every place where a spelling stands is told.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::collect::{Kind, Lost, Place, Source};
use super::spell::{Border, Needle};
use super::uids;
use super::warm::{Automaton, Cache};
use crate::standard::is_registered_uid;

/// What one instance has lost, ready to be looked for.
pub(in crate::deid) struct Wanted {
    automaton: Arc<Automaton>,
    /// For each value of the automaton, which of the instance's it is; `u32::MAX` for values that it has not lost.
    own: Box<[u32]>,
    /// Spellings that the automaton lacks.
    others: Vec<(u32, Vec<Needle>)>,
    /// UIDs are looked up whole, so that thousands of them cost no more than one.
    uids: HashMap<Box<[u8]>, u32>,
    /// Where each value stood first, and what it was taken for.
    pub(super) values: Vec<(Place, Kind)>,
}

/// Whether the standard registers a UID, so that it names a definition.
fn is_registered(uid: &[u8]) -> bool {
    str::from_utf8(uid).is_ok_and(is_registered_uid)
}

/// A place where a spelling stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of the value.
    pub(super) value: u32,
    pub(super) border: Border,
    pub(super) stride: usize,
}

impl Hit {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl Wanted {
    pub(super) fn new(lost: Vec<Lost>, cache: &Cache, min: usize) -> Self {
        let mut uids = HashMap::new();
        let mut values = Vec::with_capacity(lost.len());
        let mut sources: Vec<&Source> = Vec::with_capacity(lost.len());
        let mut numbers = Vec::with_capacity(lost.len());
        for (at, lost) in (0..).zip(&lost) {
            if uids::is_uid(&lost.source.value) {
                if is_registered(&lost.source.value) {
                    continue;
                }
                uids.entry(lost.source.value.as_ref().into()).or_insert(at);
            } else if lost.source.kind != Kind::Uid {
                sources.push(&lost.source);
                numbers.push(at);
            }
        }
        let (automaton, missing) = cache.automaton(&sources, min);
        let mut own = vec![u32::MAX; automaton.len()];
        for (source, number) in sources.iter().zip(&numbers) {
            let slot = automaton.value(source).and_then(|value| own.get_mut(usize::try_from(value).ok()?));
            if let Some(slot) = slot {
                *slot = (*slot).min(*number);
            }
        }
        let others = missing.into_iter().filter_map(|(at, needles)| Some((*numbers.get(at)?, needles))).collect();
        values.extend(lost.into_iter().map(|lost| (lost.place, lost.source.kind)));
        Self { automaton, own: own.into(), others, uids, values }
    }

    /// Every place in some bytes where a lost value stands, in order.
    pub(super) fn search(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut push = |end: usize, needle: &Needle, value: u32| {
            let start = end.saturating_sub(needle.bytes.len());
            hits.push(Hit { start, end, value, border: needle.border, stride: needle.stride });
        };
        self.automaton.search(bytes, &mut |end, needle, values| {
            let own = values.iter().filter_map(|value| self.own.get(usize::try_from(*value).ok()?).copied());
            own.filter(|own| *own != u32::MAX).for_each(|own| push(end, needle, own));
        });
        self.search_others(bytes, &mut push);
        uids::tokens(bytes, &mut |range, token, stride| {
            if let Some(value) = self.uids.get(token) {
                hits.push(Hit { start: range.start, end: range.end, value: *value, border: Border::Anything, stride });
            }
        });
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    fn search_others(&self, bytes: &[u8], found: &mut dyn FnMut(usize, &Needle, u32)) {
        if self.others.iter().all(|(_, needles)| needles.is_empty()) {
            return;
        }
        let lower = bytes.to_ascii_lowercase();
        for (value, needles) in &self.others {
            for needle in needles {
                needle.ends_in(&lower, &mut |end| found(end, needle, *value));
            }
        }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
