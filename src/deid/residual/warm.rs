//! Automata that are kept from one instance to the next, since instances of a series have lost nearly the same values.
//!
//! Owns the choice between an automaton that is there and a new one. What is found must not depend on that choice: each
//! spelling is looked for by itself, wherever it stands, and counts only for an instance that lost its value.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::collect::Source;
use super::spell::{Needle, needles};

/// How many automata are kept. Series are cleaned side by side, but never many of them.
const KEPT: usize = 4;
/// So many spellings that no automaton has are looked for one by one.
pub(super) const FEW: usize = 24;
/// Bytes of spellings up to which an automaton is a table, which is faster and larger.
const TABLE: usize = 8 << 10;

/// Values with their spellings, ready to be looked for in one pass.
#[derive(Default)]
pub(super) struct Automaton {
    values: HashMap<Source, u32>,
    /// The distinct spellings, each with the values that it stands for.
    needles: Vec<(Needle, Vec<u32>)>,
    search: Option<AhoCorasick>,
}

impl Automaton {
    fn of<'a>(sources: impl Iterator<Item = &'a Source>, min: usize) -> Self {
        let (mut values, mut needles_of): (HashMap<Source, u32>, HashMap<Needle, Vec<u32>>) = Default::default();
        for source in sources {
            let next = u32::try_from(values.len()).unwrap_or(u32::MAX);
            if let Entry::Vacant(vacant) = values.entry(source.compact()) {
                vacant.insert(next);
                needles(source, min).into_iter().for_each(|needle| needles_of.entry(needle).or_default().push(next));
            }
        }
        let mut needles: Vec<_> = needles_of.into_iter().collect();
        needles.sort_unstable();
        Self { values, search: searcher(&needles), needles }
    }

    /// The number of a value.
    pub(super) fn value(&self, source: &Source) -> Option<u32> {
        self.values.get(source).copied()
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Tells of every spelling at every place: where it ends, and the values that it stands for.
    pub(super) fn search<'a>(&'a self, bytes: &[u8], found: &mut dyn FnMut(usize, &'a Needle, &'a [u32])) {
        let Some(search) = &self.search else { return self.search_singly(bytes, found) };
        for hit in search.find_overlapping_iter(bytes) {
            if let Some((needle, values)) = self.needles.get(hit.pattern().as_usize()) {
                found(hit.end(), needle, values);
            }
        }
    }

    /// The same where there are more spellings than an automaton can hold.
    fn search_singly<'a>(&'a self, bytes: &[u8], found: &mut dyn FnMut(usize, &'a Needle, &'a [u32])) {
        if self.needles.is_empty() {
            return;
        }
        let lower = bytes.to_ascii_lowercase();
        for (needle, values) in &self.needles {
            needle.ends_in(&lower, &mut |end| found(end, needle, values));
        }
    }
}

impl Needle {
    /// Tells where the spelling ends in bytes whose letters are in lower case, at every place.
    pub(super) fn ends_in(&self, lower: &[u8], found: &mut dyn FnMut(usize)) {
        let finder = memmem::Finder::new(&self.bytes);
        let mut from = 0;
        while let Some(at) = lower.get(from..).and_then(|rest| finder.find(rest)) {
            found(from + at + self.bytes.len());
            from += at + 1;
        }
    }
}

impl Source {
    /// The same without holding on to the file that it came from.
    fn compact(&self) -> Self {
        let copied = |bytes: &bytes::Bytes| bytes::Bytes::copy_from_slice(bytes);
        Self { kind: self.kind, sets: copied(&self.sets), value: copied(&self.value) }
    }
}

/// None where there is nothing to look for, or an automaton could not hold it all.
fn searcher(needles: &[(Needle, Vec<u32>)]) -> Option<AhoCorasick> {
    if needles.is_empty() {
        return None;
    }
    let patterns = || needles.iter().map(|(needle, _)| &needle.bytes);
    let kind =
        if patterns().map(Vec::len).sum::<usize>() < TABLE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::Standard).ascii_case_insensitive(true).prefilter(false);
    builder.kind(Some(kind)).build(patterns()).ok()
}

/// The automata of a run.
#[derive(Default)]
pub(super) struct Cache {
    kept: Mutex<Vec<Arc<Automaton>>>,
}

impl Cache {
    /// An automaton that has all these values but a few, which are told with their spellings.
    pub(super) fn automaton(&self, sources: &[&Source], min: usize) -> (Arc<Automaton>, Vec<(usize, Vec<Needle>)>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for automaton in kept {
            if let Some(missing) = missing(&automaton, sources, min) {
                return (automaton, missing);
            }
        }
        let new = Arc::new(Automaton::of(sources.iter().copied(), min));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, Arc::clone(&new));
        kept.truncate(KEPT);
        (new, Vec::new())
    }
}

/// The values that an automaton lacks, with their spellings; none where these are more than a few.
fn missing(automaton: &Automaton, sources: &[&Source], min: usize) -> Option<Vec<(usize, Vec<Needle>)>> {
    let (mut missing, mut count): (Vec<(usize, Vec<Needle>)>, usize) = (Vec::new(), 0);
    for (at, source) in sources.iter().enumerate().filter(|(_, source)| automaton.value(source).is_none()) {
        if missing.iter().any(|(other, _)| sources.get(*other) == Some(source)) {
            continue;
        }
        let spelled = needles(source, min);
        count += spelled.len().max(1);
        if count > FEW {
            return None;
        }
        missing.push((at, spelled));
    }
    Some(missing)
}
