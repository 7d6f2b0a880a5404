//! Looks for the lost values of one instance in bytes.
//!
//! Owns the search and nothing of its judgement: every place where a spelling stands is told.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use super::collect::{Kind, Lost, Place, Source};
use super::heads::Heads;
use super::spell::{Border, Needle};
use super::spelled::Spelled;
use super::uids;
use crate::standard::is_registered_uid;

/// What one instance has lost, ready to be looked for.
pub(in crate::deid) struct Wanted {
    heads: Heads,
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
    pub(super) fn new(lost: Vec<Lost>, spelled: &Spelled, min: usize) -> Self {
        let mut uids = HashMap::default();
        let (mut sources, mut numbers, mut seen) = (Vec::<&Source>::new(), Vec::new(), HashSet::default());
        for (at, lost) in (0..).zip(&lost) {
            if uids::is_uid(&lost.source.value) {
                if is_registered(&lost.source.value) {
                    continue;
                }
                uids.entry(lost.source.value.as_ref().into()).or_insert(at);
            } else if lost.source.kind != Kind::Uid && seen.insert(&lost.source) {
                sources.push(&lost.source);
                numbers.push(at);
            }
        }
        let heads = Heads::of(numbers.into_iter().zip(spelled.of(&sources, min)).collect());
        let values = lost.into_iter().map(|lost| (lost.place, lost.source.kind)).collect();
        Self { heads, uids, values }
    }

    /// Every place in some bytes where a lost value stands, in order.
    pub(super) fn search(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut push = |end: usize, needle: &Needle, value: u32| {
            let start = end.saturating_sub(needle.bytes.len());
            hits.push(Hit { start, end, value, border: needle.border, stride: needle.stride });
        };
        self.heads.search(bytes, &mut push);
        uids::tokens(bytes, &mut |range, token, stride| {
            if let Some(value) = self.uids.get(token) {
                hits.push(Hit { start: range.start, end: range.end, value: *value, border: Border::Anything, stride });
            }
        });
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
