//! Looks for the removed values of one instance in bytes: many patterns in one pass, by their first
//! bytes, which a text mostly does not hold; UIDs as whole runs of digits and points.
//!
//! Owns the index, which costs little enough to be made for each instance, and nothing of the
//! verdict: every place where a pattern matches is reported as it is found, and none is kept.
//! Patterns that share a prefix are tried one by one while they are few; where they are many, each
//! knows the longest other that it begins with, so that one lookup finds which of them match.

use std::ops::Range;
use std::sync::Arc;

use foldhash::HashMap;
use memchr::memchr_iter;

use super::patterns::{Boundary, Pattern, PatternCache};
use super::removals::{FormerLocation, Removal, RemovedValue, ValueKind};
use super::{TooCostly, WorkBudget};
use crate::elements::recent::{LONGEST_KEY, Recent};
use crate::standard::is_registered_uid;

/// What reporting a match costs, in units of [`WorkBudget`].
const COST_OF_HIT: usize = 8;

/// What was removed from one instance, ready to be looked for.
pub struct ValueIndex {
    /// Shared with the instances that lost the same.
    prefixes: Arc<PrefixIndex>,
    /// The numbers of the values that it knows by their order.
    numbers: Vec<usize>,
    /// UIDs are looked up whole, so that thousands of them cost no more than one.
    uids: HashMap<Box<[u8]>, usize>,
    /// Where each value stood first, and what it was taken for.
    pub values: Vec<(FormerLocation, ValueKind)>,
}

/// A place where a pattern matches, counted from the start of what is searched.
pub struct Hit {
    pub at: Range<usize>,
    /// The number of the value.
    pub value: usize,
    pub boundary: Boundary,
    pub stride: usize,
}

/// Judges a hit, and may take of the work that is left. An error ends the search.
type HitVisitor<'a> = &'a mut dyn FnMut(&Hit, &mut WorkBudget) -> Result<(), SearchEnd>;

/// Why a search ends before the end.
#[derive(Debug)]
pub enum SearchEnd {
    /// Nothing more needs to be known.
    Done,
    TooCostly(TooCostly),
}

impl From<TooCostly> for SearchEnd {
    fn from(costly: TooCostly) -> Self {
        Self::TooCostly(costly)
    }
}

/// A search while it runs, in bytes whose letters are in lower case.
struct Search<'a> {
    lower: &'a [u8],
    budget: &'a mut WorkBudget,
    visit: HitVisitor<'a>,
}

impl Search<'_> {
    fn report(&mut self, hit: &Hit) -> Result<(), SearchEnd> {
        self.budget.spend(COST_OF_HIT)?;
        (self.visit)(hit, self.budget)
    }
}

impl ValueIndex {
    /// `min` is the fewest characters that are looked for.
    pub fn new(removals: Vec<Removal>, cache: &IndexCache, min: usize) -> Result<Self, TooCostly> {
        let mut uids = HashMap::default();
        let (mut values, mut numbers) = (Vec::new(), Vec::new());
        for (number, Removal { value, .. }) in removals.iter().enumerate() {
            if is_uid(&value.bytes) {
                // A UID that the standard registers names a definition.
                if !str::from_utf8(&value.bytes).is_ok_and(is_registered_uid) {
                    uids.entry(value.bytes.as_ref().into())
                        .or_insert(number);
                }
            } else if value.kind != ValueKind::Uid {
                values.push(value);
                numbers.push(number);
            }
        }
        let relation = |one: usize, other: usize| {
            let removal = |at: usize| removals.get(*numbers.get(at)?);
            match (removal(one), removal(other)) {
                (Some(one), Some(other)) => (
                    one.value.kind == other.value.kind,
                    one.location == other.location,
                ),
                _ => (false, false),
            }
        };
        let prefixes = cache.index(&values, min, &relation)?;
        let values = removals
            .into_iter()
            .map(|removal| (removal.location, removal.value.kind))
            .collect();
        Ok(Self {
            prefixes,
            numbers,
            uids,
            values,
        })
    }

    /// Reports every place where a removed value stands in bytes whose letters are in lower case.
    pub fn search(
        &self,
        lower: &[u8],
        budget: &mut WorkBudget,
        visit: HitVisitor<'_>,
    ) -> Result<(), SearchEnd> {
        self.prefixes.search(&mut Search {
            lower,
            budget,
            visit: &mut |hit, budget| {
                let Some(value) = self.numbers.get(hit.value) else {
                    return Ok(());
                };
                let hit = Hit {
                    at: hit.at.clone(),
                    value: *value,
                    ..*hit
                };
                visit(&hit, budget)
            },
        })?;
        let mut search = Search {
            lower,
            budget,
            visit,
        };
        search.budget.spend(lower.len())?;
        if self.uids.is_empty() {
            return Ok(());
        }
        visit_uids(lower, &mut |at, token, stride| match self.uids.get(token) {
            Some(value) => search.report(&Hit {
                at,
                value: *value,
                boundary: Boundary::Any,
                stride,
            }),
            None => Ok(()),
        })
    }
}

/// The patterns of a run, and the indexes of the instances that lost the most recent values.
#[derive(Default)]
pub struct IndexCache {
    patterns: PatternCache,
    recent: Recent<PrefixIndex>,
}

impl IndexCache {
    /// The index of these values, which it knows by their order.
    fn index(
        &self,
        values: &[&RemovedValue],
        min: usize,
        relation: Relation<'_>,
    ) -> Result<Arc<PrefixIndex>, TooCostly> {
        let mut key = Vec::with_capacity(4096);
        for value in values {
            value.put(&mut key);
            if key.len() > LONGEST_KEY {
                break;
            }
        }
        if let Some(known) = self.recent.find(&key) {
            return Ok(known);
        }
        let patterns = self
            .patterns
            .patterns(values, min)?;
        let made = Arc::new(PrefixIndex::new((0..).zip(patterns).collect(), relation));
        if made.depends_on_values_alone() && made.len() <= MOST_PATTERNS_KEPT {
            self.recent.keep(&key, &made);
        }
        Ok(made)
    }
}

impl RemovedValue {
    /// Puts all of it behind other ones, so that equal bytes are equal values.
    fn put(&self, key: &mut Vec<u8>) {
        key.push(self.kind as u8);
        for part in [&self.character_sets, &self.bytes] {
            key.extend_from_slice(&part.len().to_le_bytes());
            key.extend_from_slice(part);
        }
    }
}

/// An index of more patterns is not kept.
const MOST_PATTERNS_KEPT: usize = 1 << 13;
/// How many bytes a pattern is looked up by; shorter ones are by all that they have.
const PREFIX_LENGTH: usize = 4;
/// Up to this many patterns with one prefix are tried one after another.
const FEW_PER_PREFIX: usize = 16;
/// Bits of the filter for each pattern: most places of a text need no second look.
const BITS_PER_PREFIX: usize = 64;
/// What trying a pattern at a place costs, in units of [`WorkBudget`].
const COST_OF_TRY: usize = 4;
/// How many values of one kind are reported where many have the same pattern: two, since a value
/// may be repeated in its own place.
const MOST_ALIKE: usize = 2;
const NO_PATTERN: u32 = u32::MAX;

/// A pattern by its place in the index: which value, which of its patterns.
type PatternRef = (u32, u32);

/// Says of two values by their numbers whether they are of one kind, and whether they stood in one
/// place.
type Relation<'a> = &'a dyn Fn(usize, usize) -> (bool, bool);

/// Patterns of values, ready to be looked for.
#[derive(Default)]
struct PrefixIndex {
    /// The values by their numbers, with their patterns.
    values: Vec<(usize, Arc<[Pattern]>)>,
    /// Those of [`PREFIX_LENGTH`] bytes and more, then the shorter ones where there are some.
    tables: Vec<PrefixTable>,
}

/// Patterns by their first bytes.
struct PrefixTable {
    length: usize,
    /// Prefixes in order, with their patterns.
    sorted: Vec<(u32, PatternRef)>,
    /// For each of many patterns with a shared prefix, which are in the order of their bytes: the
    /// longest before it that it begins with.
    contained: Vec<u32>,
    /// A bit for each prefix.
    filter: Vec<u64>,
}

impl PrefixIndex {
    fn new(values: Vec<(usize, Arc<[Pattern]>)>, relation: Relation<'_>) -> Self {
        let mut by_length: [Vec<(u32, PatternRef)>; PREFIX_LENGTH] = Default::default();
        if let Some(longest) = by_length.last_mut() {
            longest.reserve(
                values
                    .iter()
                    .map(|(_, patterns)| patterns.len())
                    .sum(),
            );
        }
        for (value, (_, patterns)) in (0..).zip(&values) {
            for (nth, pattern) in (0..).zip(patterns.iter()) {
                let (prefix, length) = prefix_of(&pattern.bytes);
                if let Some(list) = length
                    .checked_sub(1)
                    .and_then(|at| by_length.get_mut(at))
                {
                    list.push((prefix, (value, nth)));
                }
            }
        }
        let mut new = Self {
            values,
            tables: Vec::new(),
        };
        for (index, prefixes) in by_length
            .into_iter()
            .enumerate()
            .rev()
            .filter(|(_, prefixes)| !prefixes.is_empty())
        {
            let table = new.table(index + 1, &prefixes, relation);
            new.tables.push(table);
        }
        new
    }

    fn table(
        &self,
        length: usize,
        prefixes: &[(u32, PatternRef)],
        relation: Relation<'_>,
    ) -> PrefixTable {
        let mut sorted = sorted_by_prefix(prefixes);
        let filter = filter(&sorted);
        let mut contained = Vec::new();
        if sorted
            .chunk_by(|a, b| a.0 == b.0)
            .any(|shared| shared.len() > FEW_PER_PREFIX)
        {
            let mut kept = Vec::with_capacity(sorted.len());
            for shared in sorted.chunk_by_mut(|a, b| a.0 == b.0) {
                if shared.len() > FEW_PER_PREFIX {
                    self.order_shared_prefix(shared, &mut kept, &mut contained, relation);
                } else {
                    kept.extend_from_slice(shared);
                }
                contained.resize(kept.len(), NO_PATTERN);
            }
            sorted = kept;
        }
        PrefixTable {
            length,
            sorted,
            contained,
            filter,
        }
    }

    /// Puts many patterns with a shared prefix in the order of their bytes, and notes for each the
    /// longest that it begins with.
    fn order_shared_prefix(
        &self,
        shared: &mut [(u32, PatternRef)],
        kept: &mut Vec<(u32, PatternRef)>,
        contained: &mut Vec<u32>,
        relation: Relation<'_>,
    ) {
        let pattern = |entry: &(u32, PatternRef)| {
            self.pattern(entry.1)
                .map(|(_, pattern)| pattern)
        };
        let number = |entry: &(u32, PatternRef)| {
            self.pattern(entry.1)
                .map_or(usize::MAX, |(number, _)| number)
        };
        shared.sort_unstable_by(|a, b| {
            pattern(a)
                .cmp(&pattern(b))
                .then(a.1.cmp(&b.1))
        });
        let from = kept.len();
        for same in shared.chunk_by(|a, b| pattern(a) == pattern(b)) {
            let first = kept.len();
            for entry in same {
                let (mut of_kind, mut same_place) = (0, false);
                for other in kept
                    .get(first..)
                    .unwrap_or_default()
                {
                    if let (true, in_place) = relation(number(other), number(entry)) {
                        of_kind += 1;
                        same_place |= in_place;
                    }
                }
                if of_kind < MOST_ALIKE && !same_place {
                    kept.push(*entry);
                }
            }
        }
        let mut open: Vec<usize> = Vec::new();
        for at in from..kept.len() {
            let inner = kept.get(at).and_then(pattern);
            let begins_with = |outer: &usize| match (kept.get(*outer).and_then(pattern), inner) {
                (Some(outer), Some(inner)) => inner
                    .bytes
                    .starts_with(&outer.bytes),
                _ => false,
            };
            while open
                .last()
                .is_some_and(|last| !begins_with(last))
            {
                open.pop();
            }
            let longest = open
                .last()
                .and_then(|last| u32::try_from(*last).ok());
            contained.resize(at, NO_PATTERN);
            contained.push(longest.unwrap_or(NO_PATTERN));
            open.push(at);
        }
    }

    /// Whether it is the same wherever the values stood: where the number of equal patterns is
    /// bounded, their places play a part.
    fn depends_on_values_alone(&self) -> bool {
        self.tables
            .iter()
            .all(|table| table.contained.is_empty())
    }

    /// How many patterns there are.
    fn len(&self) -> usize {
        self.tables
            .iter()
            .map(|table| table.sorted.len())
            .sum()
    }

    /// A pattern with the number of its value.
    fn pattern(&self, (value, nth): PatternRef) -> Option<(usize, &Pattern)> {
        let (number, patterns) = self
            .values
            .get(usize::try_from(value).ok()?)?;
        Some((*number, patterns.get(usize::try_from(nth).ok()?)?))
    }

    /// Reports every place where a pattern matches.
    fn search(&self, search: &mut Search<'_>) -> Result<(), SearchEnd> {
        for table in &self.tables {
            search
                .budget
                .spend(search.lower.len())?;
            match table.length {
                PREFIX_LENGTH => self.search_table::<PREFIX_LENGTH>(table, search)?,
                3 => self.search_table::<3>(table, search)?,
                2 => self.search_table::<2>(table, search)?,
                _ => self.search_table::<1>(table, search)?,
            }
        }
        Ok(())
    }

    fn search_table<const N: usize>(
        &self,
        table: &PrefixTable,
        search: &mut Search<'_>,
    ) -> Result<(), SearchEnd> {
        let bits = table.filter.len() * 64;
        for (at, window) in search.lower.windows(N).enumerate() {
            let Some(window) = window.first_chunk::<N>() else {
                continue;
            };
            let prefix = as_number(window);
            let bit = bit_of(prefix, bits);
            if table
                .filter
                .get(bit / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 == 1)
            {
                self.try_prefix(table, prefix, at, search)?;
            }
        }
        Ok(())
    }

    fn try_prefix(
        &self,
        table: &PrefixTable,
        prefix: u32,
        at: usize,
        search: &mut Search<'_>,
    ) -> Result<(), SearchEnd> {
        let from = table
            .sorted
            .partition_point(|(other, _)| *other < prefix);
        let rest = table
            .sorted
            .get(from..)
            .unwrap_or_default();
        if rest
            .get(FEW_PER_PREFIX)
            .is_some_and(|(other, _)| *other == prefix)
        {
            return self.try_shared_prefix(table, from, at, search);
        }
        for (_, reference) in rest
            .iter()
            .take_while(|(other, _)| *other == prefix)
        {
            self.try_pattern(*reference, at, search)?;
        }
        Ok(())
    }

    /// All patterns that a text begins with are found from the last one that is not behind the text
    /// in their order: what stands between a beginning of the text and the text begins so too.
    fn try_shared_prefix(
        &self,
        table: &PrefixTable,
        from: usize,
        at: usize,
        search: &mut Search<'_>,
    ) -> Result<(), SearchEnd> {
        let rest = table
            .sorted
            .get(from..)
            .unwrap_or_default();
        let prefix = rest
            .first()
            .map(|(prefix, _)| *prefix);
        let text = search
            .lower
            .get(at..)
            .unwrap_or_default();
        let not_behind = |(other, reference): &(u32, PatternRef)| {
            Some(*other) == prefix
                && self
                    .pattern(*reference)
                    .is_some_and(|(_, pattern)| &*pattern.bytes <= text)
        };
        search
            .budget
            .spend(COST_OF_TRY * 8)?;
        let mut next = (from + rest.partition_point(not_behind)).checked_sub(1);
        while let Some(here) = next.filter(|here| *here >= from) {
            if let Some((_, reference)) = table.sorted.get(here) {
                self.try_pattern(*reference, at, search)?;
            }
            next = table
                .contained
                .get(here)
                .filter(|contained| **contained != NO_PATTERN)
                .and_then(|contained| usize::try_from(*contained).ok());
        }
        Ok(())
    }

    #[inline]
    fn try_pattern(
        &self,
        reference: PatternRef,
        at: usize,
        search: &mut Search<'_>,
    ) -> Result<(), SearchEnd> {
        search.budget.spend(COST_OF_TRY)?;
        if let Some((value, pattern)) = self.pattern(reference)
            && let Some(text) = search.lower.get(at..)
            && text.starts_with(&pattern.bytes)
        {
            search.report(&Hit {
                at: at..at + pattern.bytes.len(),
                value,
                boundary: pattern.boundary,
                stride: pattern.stride.into(),
            })?;
        }
        Ok(())
    }
}

/// By their prefixes, and as they came where these are equal. Numbers of 64 bits are sorted
/// faster than what they stand for.
fn sorted_by_prefix(prefixes: &[(u32, PatternRef)]) -> Vec<(u32, PatternRef)> {
    let mut keys: Vec<u64> = prefixes
        .iter()
        .zip(0_u32..)
        .map(|((prefix, _), at)| u64::from(*prefix) << 32 | u64::from(at))
        .collect();
    keys.sort_unstable();
    let at = |key: u64| usize::try_from(key & u64::from(u32::MAX)).ok();
    keys.into_iter()
        .filter_map(|key| prefixes.get(at(key)?).copied())
        .collect()
}

/// The first bytes as a number, and how many they are.
fn prefix_of(bytes: &[u8]) -> (u32, usize) {
    let first = bytes
        .get(..PREFIX_LENGTH)
        .unwrap_or(bytes);
    (as_number(first), first.len())
}

#[inline]
fn as_number(bytes: &[u8]) -> u32 {
    if let Some(four) = bytes.first_chunk() {
        return u32::from_le_bytes(*four);
    }
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn filter(prefixes: &[(u32, PatternRef)]) -> Vec<u64> {
    let words = (prefixes.len() * BITS_PER_PREFIX / 64).next_power_of_two();
    let mut filter = vec![0_u64; words];
    for (prefix, _) in prefixes {
        let bit = bit_of(*prefix, words * 64);
        if let Some(word) = filter.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
    filter
}

/// Which bit of the filter stands for a prefix; `bits` is a power of two.
#[inline]
fn bit_of(prefix: u32, bits: usize) -> usize {
    let mixed = u64::from(prefix).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(mixed).unwrap_or_default() & (bits - 1)
}

/// Shorter ones may as well be versions.
const SHORTEST_UID: usize = 8;
const LONGEST_UID: usize = 64;

/// Whether a value has the form of a UID that may distinguish one instance from another.
fn is_uid(value: &[u8]) -> bool {
    (SHORTEST_UID..=LONGEST_UID).contains(&value.len())
        && value
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && memchr_iter(b'.', value).count() >= 2
}

/// Takes a run. An error ends the search.
type UidVisitor<'a> = &'a mut dyn FnMut(Range<usize>, &[u8], usize) -> Result<(), SearchEnd>;

/// Visits every run that may be a UID: where it stands, its characters, and bytes per character.
fn visit_uids(bytes: &[u8], visit: UidVisitor<'_>) -> Result<(), SearchEnd> {
    let mut done = 0;
    for point in memchr_iter(b'.', bytes) {
        if point < done {
            continue;
        }
        let stride = if bytes.get(point + 1) == Some(&0) {
            2
        } else {
            1
        };
        let range = uid_run(bytes, point, stride);
        done = range.end.max(point + 1);
        let token = bytes
            .get(range.clone())
            .unwrap_or_default();
        if stride == 1 {
            visit_uid(range.start, token, 1, visit)?;
        } else {
            let narrow: Vec<u8> = token
                .iter()
                .step_by(2)
                .copied()
                .take(LONGEST_UID + 1)
                .collect();
            visit_uid(range.start, &narrow, 2, visit)?;
        }
    }
    Ok(())
}

fn belongs_to_uid(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// The run around a point.
fn uid_run(bytes: &[u8], point: usize, stride: usize) -> Range<usize> {
    let zero = |at: usize| stride == 1 || bytes.get(at) == Some(&0);
    let (mut start, mut end) = (point, point + 1);
    while start >= stride && belongs_to_uid(bytes.get(start - stride)) && zero(start - 1) {
        start -= stride;
    }
    while belongs_to_uid(bytes.get(end + stride - 1)) && zero(end) {
        end += stride;
    }
    start..end
}

/// The run without the points of a sentence around it.
fn visit_uid(
    start: usize,
    token: &[u8],
    stride: usize,
    visit: UidVisitor<'_>,
) -> Result<(), SearchEnd> {
    let before = token
        .iter()
        .take_while(|byte| **byte == b'.')
        .count();
    let token = token
        .get(before..)
        .unwrap_or_default();
    let length = token
        .iter()
        .rposition(|byte| *byte != b'.')
        .map_or(0, |at| at + 1);
    let token = token
        .get(..length)
        .unwrap_or_default();
    if !is_uid(token) {
        return Ok(());
    }
    let start = start + before * stride;
    visit(start..start + length * stride - (stride - 1), token, stride)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(patterns: &[&str]) -> PrefixIndex {
        let pattern = |text: &&str| Pattern {
            bytes: text.as_bytes().into(),
            boundary: Boundary::Any,
            stride: 1,
        };
        let values = patterns
            .iter()
            .map(|text| Arc::from([pattern(text)]))
            .collect::<Vec<_>>();
        PrefixIndex::new((0..).zip(values).collect(), &|_, _| (true, false))
    }

    fn found(patterns: &[&str], text: &str) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let lower = text.to_ascii_lowercase();
        let mut search = Search {
            lower: lower.as_bytes(),
            budget: &mut WorkBudget::of(text.len()),
            visit: &mut |hit, _| {
                all.push((hit.at.end, hit.value));
                Ok(())
            },
        };
        index(patterns)
            .search(&mut search)
            .unwrap();
        all.sort_unstable();
        all
    }

    /// The same by looking everywhere.
    fn expected(patterns: &[&str], text: &str) -> Vec<(usize, usize)> {
        let lower = text.to_ascii_lowercase();
        let ends = (0..text.len()).flat_map(|from| {
            (0..)
                .zip(patterns)
                .map(move |(value, pattern)| (from, value, *pattern))
        });
        let there = ends.filter(|(from, _, pattern)| lower[*from..].starts_with(pattern));
        let mut all: Vec<_> = there
            .map(|(from, value, pattern)| (from + pattern.len(), value))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn overlapping_and_short_patterns_are_found_at_every_place() {
        for (patterns, text) in [
            (&["jane", "janet", "anet", "et", "x"][..], "Janet met JANE"),
            (&["aaaa", "aaaaa", "a"], "aaaaaaaa"),
            (&["abcd"], "abc"),
            (&["abc", "ab", "bc"], "abcabdbc"),
            (&[], "abcd"),
        ] {
            assert_eq!(
                found(patterns, text),
                expected(patterns, text),
                "{patterns:?}"
            );
        }
    }

    #[test]
    fn many_patterns_with_a_shared_prefix_are_found() {
        let shared: Vec<String> = (0..200)
            .map(|n| format!("name{n}"))
            .chain(["other".into(), "name".into()])
            .collect();
        let shared: Vec<&str> = shared
            .iter()
            .map(String::as_str)
            .collect();
        let text = "Name7 NAME77 name199 name20 other name";
        assert_eq!(found(&shared, text), expected(&shared, text));
        let letters = "a".repeat(64);
        let shared: Vec<&str> = (1..40)
            .map(|length| &letters[..length])
            .collect();
        assert_eq!(
            found(&shared, "aaaaaaabaaaaab"),
            expected(&shared, "aaaaaaabaaaaab")
        );
    }

    #[test]
    fn two_of_many_equal_patterns_are_reported() {
        assert_eq!(
            found(&["same text"; 100], "the same text"),
            [(13, 0), (13, 1)]
        );
    }

    #[test]
    fn a_text_that_is_made_to_cost_much_ends_the_search() {
        let letters = "a".repeat(64);
        let shared: Vec<&str> = (4..64)
            .map(|length| &letters[..length])
            .collect();
        let text = "a".repeat(1 << 20);
        let mut hits = 0_u32;
        let searched = index(&shared).search(&mut Search {
            lower: text.as_bytes(),
            budget: &mut WorkBudget::of(text.len()),
            visit: &mut |_, _| {
                hits += 1;
                Ok(())
            },
        });
        assert!(searched.is_err() && hits < 10 << 20, "{hits}");
    }

    proptest! {
        #[test]
        fn many_patterns_with_a_shared_prefix_are_found_like_few(mut shared in prop::collection::btree_set("abca?[ab]{0,6}", 20..60), text in "[abc]{0,60}") {
            shared.insert("abc".to_owned());
            let shared: Vec<&str> = shared.iter().map(String::as_str).collect();
            prop_assert_eq!(found(&shared, &text), expected(&shared, &text));
        }
    }

    fn all(bytes: &[u8]) -> Vec<(String, usize, usize)> {
        let mut all = Vec::new();
        visit_uids(bytes, &mut |range, token, stride| {
            assert_eq!(range.len(), token.len() * stride - (stride - 1));
            all.push((
                String::from_utf8_lossy(token).into_owned(),
                range.start,
                stride,
            ));
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn runs_of_digits_and_points_are_visited_whole() {
        assert_eq!(
            all(b"see 1.2.826.0.1, 1.250000 and 1.2.840.99.7."),
            [("1.2.826.0.1".into(), 4, 1), ("1.2.840.99.7".into(), 30, 1)]
        );
        assert_eq!(all(b"1.2.3 ....... v1.2.3"), []);
    }

    #[test]
    fn wide_characters_of_either_order_are_read() {
        let wide: Vec<u8> = "x 1.2.826.0.1 y"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(all(&wide), [("1.2.826.0.1".into(), 4, 2)]);
        let wide: Vec<u8> = "x 1.2.826.0.1 y"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(all(&wide), [("1.2.826.0.1".into(), 5, 2)]);
    }
}
