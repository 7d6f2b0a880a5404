//! Many spellings looked for in one pass: by their first bytes, which a text mostly does not hold.
//!
//! Owns the table of these beginnings, which costs little enough to be made for each instance, and the time that a hostile
//! file may take: of spellings that begin alike only a few are tried one by one.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::spell::Needle;

/// How many bytes a spelling is looked up by.
const HEAD: usize = 4;
/// So many spellings with one beginning are tried where it stands; more of them share an automaton.
const CROWD: usize = 64;
/// Bits of the filter for each spelling: most places of a text need no second look.
const BITS_PER_HEAD: usize = 64;

/// Spellings of values, ready to be looked for.
#[derive(Default)]
pub(super) struct Heads {
    /// The values by their numbers, with their spellings.
    values: Vec<(u32, Arc<[Needle]>)>,
    /// Beginnings in order, and whose they are.
    sorted: Vec<(u32, Spelling)>,
    /// A bit for each beginning.
    filter: Vec<u64>,
    /// Spellings too short for a beginning.
    short: Vec<Spelling>,
    /// Those with the beginning of too many, by the number of their pattern.
    crowd: Option<(AhoCorasick, Vec<Spelling>)>,
}

/// Where a spelling is: which value, which of its needles.
type Spelling = (u32, u32);

impl Heads {
    pub(super) fn of(values: Vec<(u32, Arc<[Needle]>)>) -> Self {
        let (mut heads, mut short) = (Vec::new(), Vec::new());
        for (at, (_, needles)) in (0..).zip(&values) {
            for (nth, needle) in (0..).zip(needles.iter()) {
                match needle.bytes.first_chunk::<HEAD>() {
                    Some(head) => heads.push((u32::from_le_bytes(*head), (at, nth))),
                    None => short.push((at, nth)),
                }
            }
        }
        heads.sort_unstable();
        let mut new = Self { values, sorted: Vec::new(), filter: Vec::new(), short, crowd: None };
        new.crowd = new.crowded(&heads);
        let alone = |head: &&[(u32, Spelling)]| new.crowd.is_none() || head.len() <= CROWD;
        new.sorted = heads.chunk_by(|a, b| a.0 == b.0).filter(alone).flatten().copied().collect();
        new.filter = filter(&new.sorted);
        new
    }

    /// The automaton for beginnings that too many spellings share; none where there are none.
    fn crowded(&self, heads: &[(u32, Spelling)]) -> Option<(AhoCorasick, Vec<Spelling>)> {
        let crowds = heads.chunk_by(|a, b| a.0 == b.0).filter(|head| head.len() > CROWD);
        let spellings: Vec<_> = crowds.flatten().map(|(_, spelling)| *spelling).collect();
        let patterns: Vec<_> = spellings.iter().filter_map(|at| self.spelling(*at)).map(|(_, needle)| &needle.bytes).collect();
        if patterns.is_empty() {
            return None;
        }
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).prefilter(false).kind(Some(AhoCorasickKind::ContiguousNFA));
        builder.build(patterns).ok().map(|automaton| (automaton, spellings))
    }

    fn spelling(&self, (at, nth): Spelling) -> Option<(u32, &Needle)> {
        let (value, needles) = self.values.get(usize::try_from(at).ok()?)?;
        needles.get(usize::try_from(nth).ok()?).map(|needle| (*value, needle))
    }

    /// Tells of every spelling at every place: where it ends, and the value that it stands for.
    pub(super) fn search<'a>(&'a self, bytes: &[u8], found: &mut dyn FnMut(usize, &'a Needle, u32)) {
        if self.sorted.is_empty() && self.short.is_empty() && self.crowd.is_none() {
            return;
        }
        let lower = bytes.to_ascii_lowercase();
        self.search_heads(&lower, found);
        for (value, needle) in self.short.iter().filter_map(|at| self.spelling(*at)) {
            needle.ends_in(&lower, &mut |end| found(end, needle, value));
        }
        let Some((automaton, spellings)) = &self.crowd else { return };
        for hit in automaton.find_overlapping_iter(&lower) {
            if let Some((value, needle)) = spellings.get(hit.pattern().as_usize()).and_then(|at| self.spelling(*at)) {
                found(hit.end(), needle, value);
            }
        }
    }

    fn search_heads<'a>(&'a self, lower: &[u8], found: &mut dyn FnMut(usize, &'a Needle, u32)) {
        if self.sorted.is_empty() {
            return;
        }
        let bits = self.filter.len() * 64;
        for (at, head) in lower.windows(HEAD).enumerate() {
            let Some(head) = head.first_chunk().map(|head| u32::from_le_bytes(*head)) else { continue };
            let bit = bit_of(head, bits);
            if self.filter.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1) {
                self.at_head(head, at, lower, found);
            }
        }
    }

    fn at_head<'a>(&'a self, head: u32, at: usize, lower: &[u8], found: &mut dyn FnMut(usize, &'a Needle, u32)) {
        let from = self.sorted.partition_point(|(other, _)| *other < head);
        let alike = self.sorted.get(from..).unwrap_or_default().iter().take_while(|(other, _)| *other == head);
        for (value, needle) in alike.filter_map(|(_, spelling)| self.spelling(*spelling)) {
            if lower.get(at..).is_some_and(|rest| rest.starts_with(&needle.bytes)) {
                found(at + needle.bytes.len(), needle, value);
            }
        }
    }
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
fn bit_of(head: u32, bits: usize) -> usize {
    let mixed = u64::from(head).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(mixed).unwrap_or_default() & (bits - 1)
}

impl Needle {
    /// Tells where the spelling ends in bytes whose letters are in lower case, at every place.
    fn ends_in(&self, lower: &[u8], found: &mut dyn FnMut(usize)) {
        let finder = memmem::Finder::new(&self.bytes);
        let mut from = 0;
        while let Some(at) = lower.get(from..).and_then(|rest| finder.find(rest)) {
            found(from + at + self.bytes.len());
            from += at + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spell::Border;
    use super::*;

    fn heads(spellings: &[&str]) -> Heads {
        let needle = |text: &&str| Needle { bytes: text.as_bytes().to_vec(), border: Border::Anything, stride: 1 };
        let values = spellings.iter().map(|text| Arc::from([needle(text)])).collect::<Vec<_>>();
        Heads::of((0..).zip(values).collect())
    }

    fn found(spellings: &[&str], text: &str) -> Vec<(usize, u32)> {
        let mut all = Vec::new();
        heads(spellings).search(text.as_bytes(), &mut |end, _, value| all.push((end, value)));
        all.sort_unstable();
        all
    }

    /// The same by looking everywhere.
    fn expected(spellings: &[&str], text: &str) -> Vec<(usize, u32)> {
        let lower = text.to_ascii_lowercase();
        let ends = (0..text.len()).flat_map(|from| (0..).zip(spellings).map(move |(value, spelling)| (from, value, *spelling)));
        let there = ends.filter(|(from, _, spelling)| lower[*from..].starts_with(spelling));
        let mut all: Vec<_> = there.map(|(from, value, spelling)| (from + spelling.len(), value)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn every_place_is_told_also_of_spellings_that_overlap_or_are_short() {
        for (spellings, text) in [
            (&["jane", "janet", "anet", "et", "x"][..], "Janet met JANE"),
            (&["aaaa", "aaaaa", "a"], "aaaaaaaa"),
            (&["abcd"], "abc"),
            (&[], "abcd"),
        ] {
            assert_eq!(found(spellings, text), expected(spellings, text), "{spellings:?}");
        }
    }

    #[test]
    fn a_crowd_with_one_beginning_is_found_as_well() {
        let crowd: Vec<String> = (0..200).map(|n| format!("name{n}")).chain(["other".into()]).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        let text = "Name7 NAME77 name199 name20 other name";
        assert_eq!(found(&crowd, text), expected(&crowd, text));
        assert!(heads(&crowd).crowd.is_some_and(|(_, spellings)| spellings.len() == 200));
    }
}
