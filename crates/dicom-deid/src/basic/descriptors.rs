//! Cleaning of descriptors (PS3.15 section E.3.5) in the manner that keeps only what is known to be
//! safe.
//!
//! Owns what remains of a text: words of the vocabulary, numbers that they explain, and the
//! punctuation between them. It need not recognise a name to remove it, since it keeps nothing that
//! it does not know; and what it knows goes too where the instance itself uses it as a name. The
//! result says nothing about what was taken out, and may be empty. Names that devices give to
//! kernels, coils and sequences are judged by their shape alone.

mod single_tokens;
mod token_sequences;
mod tokens;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;
use tokens::{TokenSafety, Tokens};

use super::identifiers::Identifiers;

/// Punctuation that may stay between safe words, besides that of ASCII.
const SAFE_PUNCTUATION: &str = "°±×–—’\u{A0}";

/// The text without what is not known to be safe, trimmed. One value at a time: it must not hold
/// several with backslashes between. `dates` are the ranges of the text that hold dates.
pub fn clean<'t>(text: &'t str, own: &Identifiers, dates: &[Range<usize>]) -> Cow<'t, str> {
    let mut tokens = Tokens::of(text);
    for index in 0..tokens.list.len() {
        let (word, short, long) = (tokens.word(index), tokens.short(index), tokens.long(index));
        let verdict = single_tokens::verdict(word, short, long, own);
        tokens.set(index..index + 1, verdict);
    }
    token_sequences::take_back(&mut tokens, own, dates);
    if tokens.list.is_empty() {
        return Cow::Borrowed("");
    }
    if tokens
        .list
        .iter()
        .all(|token| token.verdict == TokenSafety::Safe)
        && text.chars().all(may_stay)
    {
        return Cow::Borrowed(text.trim());
    }
    Cow::Owned(rest_of(&tokens))
}

/// Whether a character may stay where all tokens do.
fn may_stay(c: char) -> bool {
    c.is_alphanumeric() || crate::basic::identifiers::is_mark(c) || is_safe_between(c)
}

fn is_safe_between(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{C}')
        || SAFE_PUNCTUATION.contains(c)
}

/// The safe tokens with what stood between them.
fn rest_of(tokens: &Tokens) -> String {
    let mut rest = String::with_capacity(tokens.text.len());
    let mut end_of_last = Some(0);
    let mut gap_after_last = "";
    for (index, token) in tokens.list.iter().enumerate() {
        if token.verdict == TokenSafety::Safe {
            let gap = end_of_last.and_then(|end| tokens.text.get(end..token.at.start));
            match gap {
                Some(gap) => push_gap(&mut rest, gap),
                None if !rest.is_empty() => push_gap(&mut rest, separator(gap_after_last)),
                None => {}
            }
            rest.push_str(tokens.word(index));
            end_of_last = Some(token.at.end);
        } else if let Some(end) = end_of_last.take() {
            gap_after_last = tokens
                .text
                .get(end..token.at.start)
                .unwrap_or_default();
        }
    }
    if let Some(end) = end_of_last {
        push_gap(
            &mut rest,
            tokens
                .text
                .get(end..)
                .unwrap_or_default(),
        );
    }
    without_halves(rest.trim())
}

fn push_gap(rest: &mut String, gap: &str) {
    rest.extend(
        gap.chars()
            .map(|c| if is_safe_between(c) { c } else { ' ' }),
    );
}

/// What takes the place of a gap, tokens that went, and another gap.
fn separator(before: &str) -> &str {
    let is_plain = before.len() < 4
        && before
            .chars()
            .all(|c| " \t\r\n_-+,;/&|^".contains(c));
    if is_plain && !before.is_empty() {
        before
    } else {
        " "
    }
}

/// Without the brackets and quotes of which one half went.
fn without_halves(rest: &str) -> String {
    let count = |half| rest.matches(half).count();
    let is_odd = |c: char| match c {
        '(' | ')' => count('(') != count(')'),
        '[' | ']' => count('[') != count(']'),
        '{' | '}' => count('{') != count('}'),
        '<' | '>' => count('<') != count('>'),
        '"' => count('"') % 2 == 1,
        _ => false,
    };
    if !rest.contains(is_odd) {
        return rest.to_owned();
    }
    let kept: String = rest
        .chars()
        .filter(|c| !is_odd(*c))
        .collect();
    kept.trim().to_owned()
}

/// A day and a month, a month by its name beside a day, three groups of digits, two halves of a
/// postcode or a chart number.
const SHAPES: &str = r"(?xi)
    (?:^|[^0-9a-z.]) (?: (?:0?[1-9]|[12][0-9]|3[01]) \s?[/-]\s? (?:0?[1-9]|1[0-2])
                       | (?:0?[1-9]|1[0-2]) \s?[/-]\s? (?:0?[1-9]|[12][0-9]|3[01])
                       | (?:0[1-9]|[12][0-9]|3[01]) \. (?:0[1-9]|1[0-2])
                       | [0-9]{1,2} \. [0-9]{1,2} \. ) (?:[^0-9a-z]|$)
  | \b [0-9]{1,2} [.]?[\ -]? (?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez) [a-zä]{0,6} \b
  | \b (?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez) [a-zä]{0,6} [.]?[\ -]? [0-9]{1,2} \b
  | \b [0-9]+ [-/.\ ] [0-9]+ [-/.\ ] [0-9a-z]+ \b
  | \b [a-z]{1,2}[0-9][0-9a-z]? \s [0-9][a-z]{2} \b
  | \b [a-z][0-9]{2,3} \s [a-z][0-9]{2,3} \b
  | [0-9]{5,}
";

/// Whether a name of a kernel, a coil or a sequence may be a day or the number of a person.
pub fn tells_a_day_or_number(label: &str) -> bool {
    static SHAPE: OnceLock<Option<Regex>> = OnceLock::new();
    if !label
        .bytes()
        .any(|byte| byte.is_ascii_digit())
    {
        return false;
    }
    let shape = SHAPE.get_or_init(|| Regex::new(SHAPES).ok());
    label.split('\\').any(|value| {
        shape
            .as_ref()
            .is_none_or(|shape| shape.is_match(value))
    })
}

#[cfg(test)]
mod tests;
