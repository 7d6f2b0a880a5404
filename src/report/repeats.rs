//! What is said of things that come again and again: each kind once, and how often it came at the
//! end.

use std::collections::{BTreeMap, BTreeSet};

use super::figures;

/// Kinds of one code that are shown before they are only counted.
pub(super) const SHOWN_PER_CODE: usize = 5;

/// What was shown of each code, and how much was not.
#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<&'static str, Seen>);

#[derive(Debug, Default)]
struct Seen {
    kinds: BTreeSet<String>,
    more: u64,
}

impl Repeats {
    /// Whether a text is the first of its kind, with room left for its code. Numbers and ids make
    /// no other kind.
    pub(super) fn is_new(&mut self, code: &'static str, text: &str) -> bool {
        let blank = |word| {
            if str::contains(word, |c: char| c.is_ascii_digit()) {
                "#"
            } else {
                word
            }
        };
        self.is_new_kind(
            code,
            text.split(' ').map(blank).collect::<Vec<_>>().join(" "),
        )
    }

    /// The same where texts of one kind are the same to the letter.
    pub(super) fn is_new_kind(&mut self, code: &'static str, kind: String) -> bool {
        let seen = self.0.entry(code).or_default();
        let new = !seen.kinds.contains(&kind) && seen.kinds.len() < SHOWN_PER_CODE;
        if new {
            seen.kinds.insert(kind);
        } else {
            seen.more += 1;
        }
        new
    }

    /// For each code of which something was not shown, how much.
    pub(super) fn unshown(&self) -> impl Iterator<Item = (&'static str, String)> {
        let counted = self.0.iter().filter(|(_, seen)| seen.more > 0);
        counted.map(|(code, seen)| {
            (
                *code,
                format!(
                    "and {} more like this; `-v` shows each",
                    figures::count(seen.more)
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_shown_once_and_the_others_are_counted() {
        let mut repeats = Repeats::default();
        assert!(repeats.is_new("changed", "2 files of 5e0a1b have changed"));
        assert!(!repeats.is_new("changed", "3 files of 5e0a1c have changed"));
        assert!(repeats.is_new("changed", "3 files are gone"));
        assert!(repeats.is_new("other", "3 files are gone"));
        let shown = (0..9)
            .filter(|n| repeats.is_new_kind("residual", n.to_string()))
            .count();
        assert_eq!(shown, SHOWN_PER_CODE);
        let unshown: Vec<_> = repeats.unshown().collect();
        let more = |n| format!("and {n} more like this; `-v` shows each");
        assert_eq!(unshown, [("changed", more(1)), ("residual", more(4))]);
    }
}
