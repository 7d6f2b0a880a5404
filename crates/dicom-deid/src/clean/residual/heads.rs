//! Many spellings looked for in one pass: by their first bytes, which a text mostly does not hold.
//!
//! Owns the table of these beginnings, which costs little enough to be made for each instance.
//! Spellings that begin alike are tried one by one while they are few; where they are many, each
//! knows the longest other that it begins with, so that one look tells which of them stand at a
//! place.

use std::sync::Arc;

use super::effort::Effort;
use super::search::Ended;
use super::spell::Needle;

/// How many bytes a spelling is looked up by; shorter ones are by all that they have.
const HEAD: usize = 4;
/// Up to this many spellings with one beginning are tried one after another.
const FEW: usize = 16;
/// Bits of the filter for each spelling: most places of a text need no second look.
const BITS_PER_HEAD: usize = 64;
/// What trying a spelling at a place costs, in units of [`Effort`].
const TRY: usize = 4;
/// How many values of one kind are told where many are spelled alike: two, since a value may be
/// repeated in its own place.
const ALIKE: usize = 2;
const NONE: u32 = u32::MAX;

/// Where a spelling is: which value, which of its needles.
type Spelling = (u32, u32);

/// Who is told where a spelling stands: its end, the spelling, the number of its value, and the
/// work that is left. What is given back ends the search.
pub(super) type Found<'a> =
    &'a mut dyn FnMut(usize, &Needle, u32, &mut Effort) -> Result<(), Ended>;

/// Says of two values by their numbers whether they are of one kind, and whether they stood in one
/// place.
pub(super) type Kinship<'a> = &'a dyn Fn(u32, u32) -> (bool, bool);

/// Spellings of values, ready to be looked for.
#[derive(Default)]
pub(super) struct Heads {
    /// The values by their numbers, with their spellings.
    values: Vec<(u32, Arc<[Needle]>)>,
    /// Those of [`HEAD`] bytes and more, then the shorter ones where there are some.
    tables: Vec<Table>,
}

/// Spellings by as many first bytes.
struct Table {
    length: usize,
    /// Beginnings in order, and whose they are.
    sorted: Vec<(u32, Spelling)>,
    /// For each of many with one beginning, which are in the order of their bytes: the longest
    /// before it that it begins with.
    inner: Vec<u32>,
    /// A bit for each beginning.
    filter: Vec<u64>,
}

impl Heads {
    pub(super) fn of(values: Vec<(u32, Arc<[Needle]>)>, kinship: Kinship<'_>) -> Self {
        let mut heads: [Vec<(u32, Spelling)>; HEAD] = Default::default();
        if let Some(longest) = heads.last_mut() {
            longest.reserve(values.iter().map(|(_, needles)| needles.len()).sum());
        }
        for (at, (_, needles)) in (0..).zip(&values) {
            for (nth, needle) in (0..).zip(needles.iter()) {
                let (head, length) = beginning(&needle.bytes);
                if let Some(list) = length.checked_sub(1).and_then(|at| heads.get_mut(at)) {
                    list.push((head, (at, nth)));
                }
            }
        }
        let mut new = Self {
            values,
            tables: Vec::new(),
        };
        for (index, heads) in heads
            .into_iter()
            .enumerate()
            .rev()
            .filter(|(_, heads)| !heads.is_empty())
        {
            let table = new.table(index + 1, &heads, kinship);
            new.tables.push(table);
        }
        new
    }

    fn table(&self, length: usize, heads: &[(u32, Spelling)], kinship: Kinship<'_>) -> Table {
        let mut sorted = in_order(heads);
        let filter = filter(&sorted);
        let mut inner = Vec::new();
        if sorted
            .chunk_by(|a, b| a.0 == b.0)
            .any(|alike| alike.len() > FEW)
        {
            let mut kept = Vec::with_capacity(sorted.len());
            for alike in sorted.chunk_by_mut(|a, b| a.0 == b.0) {
                if alike.len() > FEW {
                    self.crowd(alike, &mut kept, &mut inner, kinship);
                } else {
                    kept.extend_from_slice(alike);
                }
                inner.resize(kept.len(), NONE);
            }
            sorted = kept;
        }
        Table {
            length,
            sorted,
            inner,
            filter,
        }
    }

    /// Puts many with one beginning in the order of their bytes, and notes for each the longest
    /// that it begins with.
    fn crowd(
        &self,
        alike: &mut [(u32, Spelling)],
        kept: &mut Vec<(u32, Spelling)>,
        inner: &mut Vec<u32>,
        kinship: Kinship<'_>,
    ) {
        let bytes = |at: &(u32, Spelling)| self.spelling(at.1).map(|(_, needle)| needle);
        alike.sort_unstable_by(|a, b| bytes(a).cmp(&bytes(b)).then(a.1.cmp(&b.1)));
        let from = kept.len();
        for same in alike.chunk_by(|a, b| bytes(a) == bytes(b)) {
            let first = kept.len();
            for spelling in same {
                let told = kept.get(first..).unwrap_or_default();
                let kin = told
                    .iter()
                    .map(|(_, (at, _))| kinship(self.number(*at), self.number(spelling.1.0)));
                let (count, same_place) = kin
                    .filter(|(same_kind, _)| *same_kind)
                    .fold((0, false), |(count, known), (_, same_place)| {
                        (count + 1, known || same_place)
                    });
                if count < ALIKE && !same_place {
                    kept.push(*spelling);
                }
            }
        }
        let mut open: Vec<usize> = Vec::new();
        for at in from..kept.len() {
            let needle = kept.get(at).and_then(bytes);
            let holds = |outer: &usize| match (kept.get(*outer).and_then(bytes), needle) {
                (Some(outer), Some(needle)) => needle.bytes.starts_with(&outer.bytes),
                _ => false,
            };
            while open.last().is_some_and(|last| !holds(last)) {
                open.pop();
            }
            inner.resize(at, NONE);
            inner.push(
                open.last()
                    .and_then(|last| u32::try_from(*last).ok())
                    .unwrap_or(NONE),
            );
            open.push(at);
        }
    }

    fn number(&self, at: u32) -> u32 {
        usize::try_from(at)
            .ok()
            .and_then(|at| self.values.get(at))
            .map_or(NONE, |(number, _)| *number)
    }

    fn spelling(&self, (at, nth): Spelling) -> Option<(u32, &Needle)> {
        let (value, needles) = self.values.get(usize::try_from(at).ok()?)?;
        needles
            .get(usize::try_from(nth).ok()?)
            .map(|needle| (*value, needle))
    }

    /// Tells of every spelling at every place of bytes whose letters are in lower case.
    pub(super) fn search(
        &self,
        lower: &[u8],
        effort: &mut Effort,
        found: Found<'_>,
    ) -> Result<(), Ended> {
        for table in &self.tables {
            effort.spend(lower.len())?;
            match table.length {
                HEAD => self.search_in::<HEAD>(table, lower, effort, found)?,
                3 => self.search_in::<3>(table, lower, effort, found)?,
                2 => self.search_in::<2>(table, lower, effort, found)?,
                _ => self.search_in::<1>(table, lower, effort, found)?,
            }
        }
        Ok(())
    }

    fn search_in<const N: usize>(
        &self,
        table: &Table,
        lower: &[u8],
        effort: &mut Effort,
        found: Found<'_>,
    ) -> Result<(), Ended> {
        let bits = table.filter.len() * 64;
        for (at, window) in lower.windows(N).enumerate() {
            let Some(window) = window.first_chunk::<N>() else {
                continue;
            };
            let head = number(*window);
            let bit = bit_of(head, bits);
            if table
                .filter
                .get(bit / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 == 1)
            {
                self.at_head(table, head, at, lower, effort, found)?;
            }
        }
        Ok(())
    }

    fn at_head(
        &self,
        table: &Table,
        head: u32,
        at: usize,
        lower: &[u8],
        effort: &mut Effort,
        found: Found<'_>,
    ) -> Result<(), Ended> {
        let from = table.sorted.partition_point(|(other, _)| *other < head);
        let rest = table.sorted.get(from..).unwrap_or_default();
        let text = lower.get(at..).unwrap_or_default();
        if rest.get(FEW).is_some_and(|(other, _)| *other == head) {
            return self.in_crowd(table, from, text, at, effort, found);
        }
        for (_, spelling) in rest.iter().take_while(|(other, _)| *other == head) {
            effort.spend(TRY)?;
            if let Some((value, needle)) = self.spelling(*spelling)
                && text.starts_with(&needle.bytes)
            {
                found(at + needle.bytes.len(), needle, value, effort)?;
            }
        }
        Ok(())
    }

    /// All spellings that a text begins with are found from the last one that is not behind the
    /// text in their order: what stands between a beginning of the text and the text begins so too.
    fn in_crowd(
        &self,
        table: &Table,
        from: usize,
        text: &[u8],
        at: usize,
        effort: &mut Effort,
        found: Found<'_>,
    ) -> Result<(), Ended> {
        let head = table.sorted.get(from).map(|(head, _)| *head);
        let not_behind = |(other, spelling): &(u32, Spelling)| {
            Some(*other) == head
                && self
                    .spelling(*spelling)
                    .is_some_and(|(_, needle)| &*needle.bytes <= text)
        };
        let rest = table.sorted.get(from..).unwrap_or_default();
        effort.spend(TRY * 8)?;
        let mut next = (from + rest.partition_point(not_behind)).checked_sub(1);
        while let Some(here) = next.filter(|here| *here >= from) {
            effort.spend(TRY)?;
            let spelling = table
                .sorted
                .get(here)
                .and_then(|(_, spelling)| self.spelling(*spelling));
            if let Some((value, needle)) = spelling
                && text.starts_with(&needle.bytes)
            {
                found(at + needle.bytes.len(), needle, value, effort)?;
            }
            next = table
                .inner
                .get(here)
                .filter(|inner| **inner != NONE)
                .and_then(|inner| usize::try_from(*inner).ok());
        }
        Ok(())
    }
}

/// By their beginnings, and as they came where these are alike. Numbers of 64 bits are sorted
/// faster than what they stand for.
fn in_order(heads: &[(u32, Spelling)]) -> Vec<(u32, Spelling)> {
    let mut keys: Vec<u64> = heads
        .iter()
        .zip(0_u32..)
        .map(|((head, _), at)| u64::from(*head) << 32 | u64::from(at))
        .collect();
    keys.sort_unstable();
    let at = |key: u64| usize::try_from(key & u64::from(u32::MAX)).ok();
    keys.into_iter()
        .filter_map(|key| heads.get(at(key)?).copied())
        .collect()
}

/// The first bytes as a number, and how many they are.
fn beginning(bytes: &[u8]) -> (u32, usize) {
    match bytes {
        [a, b, c, d, ..] => (number([*a, *b, *c, *d]), 4),
        [a, b, c] => (number([*a, *b, *c]), 3),
        [a, b] => (number([*a, *b]), 2),
        [a] => (number([*a]), 1),
        [] => (0, 0),
    }
}

#[inline]
fn number<const N: usize>(bytes: [u8; N]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn filter(heads: &[(u32, Spelling)]) -> Vec<u64> {
    let words = (heads.len() * BITS_PER_HEAD / 64).next_power_of_two();
    let mut filter = vec![0_u64; words];
    for (head, _) in heads {
        let bit = bit_of(*head, words * 64);
        if let Some(word) = filter.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
    filter
}

/// Which bit of the filter stands for a beginning; `bits` is a power of two.
#[inline]
fn bit_of(head: u32, bits: usize) -> usize {
    let mixed = u64::from(head).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(mixed).unwrap_or_default() & (bits - 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::spell::Border;
    use super::*;
    use proptest::prelude::*;

    fn heads(spellings: &[&str]) -> Heads {
        let needle = |text: &&str| Needle {
            bytes: text.as_bytes().into(),
            border: Border::Anything,
            stride: 1,
        };
        let values = spellings
            .iter()
            .map(|text| Arc::from([needle(text)]))
            .collect::<Vec<_>>();
        Heads::of((0..).zip(values).collect(), &|_, _| (true, false))
    }

    fn found(spellings: &[&str], text: &str) -> Vec<(usize, u32)> {
        let (mut all, heads) = (Vec::new(), heads(spellings));
        let mut push = |end, _: &Needle, value, _: &mut Effort| {
            all.push((end, value));
            Ok(())
        };
        heads
            .search(
                text.to_ascii_lowercase().as_bytes(),
                &mut Effort::of(text.len()),
                &mut push,
            )
            .unwrap();
        all.sort_unstable();
        all
    }

    /// The same by looking everywhere.
    fn expected(spellings: &[&str], text: &str) -> Vec<(usize, u32)> {
        let lower = text.to_ascii_lowercase();
        let ends = (0..text.len()).flat_map(|from| {
            (0..)
                .zip(spellings)
                .map(move |(value, spelling)| (from, value, *spelling))
        });
        let there = ends.filter(|(from, _, spelling)| lower[*from..].starts_with(spelling));
        let mut all: Vec<_> = there
            .map(|(from, value, spelling)| (from + spelling.len(), value))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn every_place_is_told_also_of_spellings_that_overlap_or_are_short() {
        for (spellings, text) in [
            (&["jane", "janet", "anet", "et", "x"][..], "Janet met JANE"),
            (&["aaaa", "aaaaa", "a"], "aaaaaaaa"),
            (&["abcd"], "abc"),
            (&["abc", "ab", "bc"], "abcabdbc"),
            (&[], "abcd"),
        ] {
            assert_eq!(
                found(spellings, text),
                expected(spellings, text),
                "{spellings:?}"
            );
        }
    }

    #[test]
    fn a_crowd_with_one_beginning_is_found_as_well() {
        let crowd: Vec<String> = (0..200)
            .map(|n| format!("name{n}"))
            .chain(["other".into(), "name".into()])
            .collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        let text = "Name7 NAME77 name199 name20 other name";
        assert_eq!(found(&crowd, text), expected(&crowd, text));
        let crowd: Vec<String> = (1..40).map(|n| "a".repeat(n)).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        assert_eq!(
            found(&crowd, "aaaaaaabaaaaab"),
            expected(&crowd, "aaaaaaabaaaaab")
        );
    }

    #[test]
    fn of_many_that_are_spelled_alike_two_are_told() {
        assert_eq!(
            found(&["same text"; 100], "the same text"),
            [(13, 0), (13, 1)]
        );
    }

    #[test]
    fn work_is_counted_where_a_text_is_made_to_cost_much() {
        let crowd: Vec<String> = (4..64).map(|n| "a".repeat(n)).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        let text = "a".repeat(1 << 20);
        let mut hits = 0_u32;
        let searched = heads(&crowd).search(
            text.as_bytes(),
            &mut Effort::of(text.len()),
            &mut |_, _, _, _| {
                hits += 1;
                Ok(())
            },
        );
        assert!(searched.is_err() && hits < 10 << 20, "{hits}");
    }

    proptest! {
        #[test]
        fn crowds_are_found_like_few(mut crowd in prop::collection::btree_set("abca?[ab]{0,6}", 20..60), text in "[abc]{0,60}") {
            crowd.insert("abc".to_owned());
            let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
            prop_assert_eq!(found(&crowd, &text), expected(&crowd, &text));
        }
    }
}
