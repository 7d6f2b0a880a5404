//! A text as tokens, runs of letters and digits, and a token as its parts.
//!
//! Owns where one begins and ends. It judges nothing.

use std::ops::Range;

use crate::basic::identifiers::{UmlautSpelling, fold_into, is_mark};

/// A run of letters and digits; a point between two digits belongs to it.
pub struct Token {
    /// Its place in the text.
    pub at: Range<usize>,
    long: Range<usize>,
    short: Range<usize>,
    /// What becomes of it.
    pub verdict: TokenSafety,
}

/// What becomes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSafety {
    /// Known to be safe.
    Safe,
    /// Not known.
    Unknown,
    /// An identifier of the instance itself, or a part of one.
    Own,
}

/// The tokens of a text.
pub struct Tokens<'t> {
    pub text: &'t str,
    pub list: Vec<Token>,
    folded: String,
}

impl<'t> Tokens<'t> {
    /// Takes a text apart. Nothing counts as safe yet.
    pub fn of(text: &'t str) -> Self {
        let mut tokens = Self {
            text,
            list: Vec::with_capacity(text.len() / 4 + 1),
            folded: String::with_capacity(text.len()),
        };
        let mut start = None;
        for (at, c) in text.char_indices() {
            let belongs =
                c.is_alphanumeric() || is_mark(c) || (c == '.' && is_within_number(text, at));
            match (start, belongs) {
                (None, true) => start = Some(at),
                (Some(from), false) => {
                    tokens.push(from..at);
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            tokens.push(from..text.len());
        }
        tokens
    }

    fn push(&mut self, at: Range<usize>) {
        let word = self
            .text
            .get(at.clone())
            .unwrap_or_default();
        let short = self.fold(word, UmlautSpelling::Short);
        let long = if word.is_ascii() {
            short.clone()
        } else {
            self.fold(word, UmlautSpelling::Long)
        };
        self.list.push(Token {
            at,
            long,
            short,
            verdict: TokenSafety::Unknown,
        });
    }

    fn fold(&mut self, word: &str, spelling: UmlautSpelling) -> Range<usize> {
        let start = self.folded.len();
        fold_into(&mut self.folded, word, spelling);
        start..self.folded.len()
    }

    /// A token as it stands in the text; empty where there is none with this index.
    pub fn word(&self, index: usize) -> &'t str {
        self.part(self.text, index, |token| &token.at)
    }

    /// A token as it compares, ü as u.
    pub fn short(&self, index: usize) -> &str {
        self.part(&self.folded, index, |token| &token.short)
    }

    /// A token as it compares, ü as ue.
    pub fn long(&self, index: usize) -> &str {
        self.part(&self.folded, index, |token| &token.long)
    }

    fn part<'a>(
        &self,
        of: &'a str,
        index: usize,
        range: impl Fn(&Token) -> &Range<usize>,
    ) -> &'a str {
        self.list
            .get(index)
            .and_then(|token| of.get(range(token).clone()))
            .unwrap_or_default()
    }

    pub fn verdict(&self, index: usize) -> Option<TokenSafety> {
        self.list
            .get(index)
            .map(|token| token.verdict)
    }

    pub fn set(&mut self, indices: Range<usize>, verdict: TokenSafety) {
        for token in self
            .list
            .get_mut(indices)
            .unwrap_or_default()
        {
            token.verdict = verdict;
        }
    }

    /// What stands between a token and the one after it, if there is one.
    pub fn gap_after(&self, index: usize) -> Option<&'t str> {
        let (token, next) = (self.list.get(index)?, self.list.get(index + 1)?);
        self.text
            .get(token.at.end..next.at.start)
    }

    /// What stands between a token and the one before it, if there is one.
    pub fn gap_before(&self, index: usize) -> Option<&'t str> {
        self.gap_after(index.checked_sub(1)?)
    }
}

fn is_within_number(text: &str, at: usize) -> bool {
    let is_digit = |index: Option<usize>| {
        index
            .and_then(|index| text.as_bytes().get(index))
            .is_some_and(u8::is_ascii_digit)
    };
    is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Upper,
    Lower,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' | '.' => Class::Digit,
        c if c.is_uppercase() => Class::Upper,
        _ => Class::Lower,
    }
}

/// A word cut where letters meet digits, and where a capital begins a new word: `T1wMPRAGE` is T,
/// 1, w, MPRAGE.
pub fn parts(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest
            .split_at_checked(end_of_part(rest))
            .unwrap_or((rest, ""));
        rest = after;
        Some(part)
    })
}

fn end_of_part(word: &str) -> usize {
    let mut previous = None;
    let mut characters = word.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let now = class(c);
        let lower_follows = characters
            .peek()
            .is_some_and(|(_, next)| class(*next) == Class::Lower);
        let cuts = match previous {
            None => false,
            Some(Class::Digit) => now != Class::Digit,
            Some(_) if now == Class::Digit => true,
            Some(Class::Lower) => now == Class::Upper,
            // The last of several capitals begins the word in small letters after it: CTHead.
            Some(Class::Upper) => now == Class::Upper && lower_follows,
        };
        if cuts {
            return at;
        }
        previous = Some(now);
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let tokens = Tokens::of(text);
        (0..tokens.list.len())
            .map(|index| tokens.word(index))
            .collect()
    }

    #[test]
    fn a_text_falls_into_runs_of_letters_and_digits() {
        assert_eq!(
            words("t2_tse-tra, 0.9x3mm (l4/5)."),
            ["t2", "tse", "tra", "0.9x3mm", "l4", "5"]
        );
        assert_eq!(
            words("Scha\u{308}del 12.03.1958 v1."),
            ["Scha\u{308}del", "12.03.1958", "v1"]
        );
        assert!(words("  -- ").is_empty() && words("").is_empty());
        let tokens = Tokens::of("Nähe");
        assert_eq!((tokens.short(0), tokens.long(0)), ("nahe", "naehe"));
    }

    #[test]
    fn a_word_falls_into_parts() {
        let cut = |word| parts(word).collect::<Vec<_>>();
        assert_eq!(cut("T1wMPRAGE"), ["T", "1", "w", "MPRAGE"]);
        assert_eq!(cut("CTHeadRoutine"), ["CT", "Head", "Routine"]);
        assert_eq!(cut("HeadRoutine"), ["Head", "Routine"]);
        assert_eq!(cut("0.9x0.9x3"), ["0.9", "x", "0.9", "x", "3"]);
        assert_eq!(cut("SchädelÜbersicht"), ["Schädel", "Übersicht"]);
        assert_eq!(cut("Ab"), ["Ab"]);
        assert_eq!(cut(""), Vec::<&str>::new());
    }
}
