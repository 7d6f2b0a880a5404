//! What tokens that are safe one by one may say together: a telephone number, a time, a day, a
//! place, a number of the instance's own spelled with blanks, an initial beside a name.
//!
//! Owns taking back what was called safe; it never makes anything safe.

use std::ops::Range;

use chrono::NaiveDate;

use super::numbers;
use super::safe::{is_high_age, is_of_age};
use super::tokens::{Tokens, Verdict};
use crate::clean::identifiers::Identifiers;

/// Digits that make neighbouring numbers a telephone number or the like.
const TELEPHONE_DIGITS: usize = 7;

/// The same where no number has three digits, as when they are told in twos.
const TWO_BY_TWO_DIGITS: usize = 9;

/// Takes back what must not stand as it stands.
pub(super) fn take_back(tokens: &mut Tokens, own: &Identifiers, dates: &[Range<usize>]) {
    for range in dates {
        overlapping(tokens, range, Verdict::Unknown);
    }
    addresses(tokens);
    undecodable(tokens);
    if own.ids().next().is_some() {
        numbers_of(tokens, own);
    }
    if own.names_a_place() || own.names_someone() {
        neighbours(tokens, own);
    }
    telephones(tokens);
    times_and_ages(tokens);
    days(tokens, own.dates());
    numbers::take_back(tokens);
    initials(tokens);
}

fn overlapping(tokens: &mut Tokens, range: &Range<usize>, verdict: Verdict) {
    let hit = tokens
        .list
        .iter_mut()
        .filter(|token| token.at.start < range.end && range.start < token.at.end);
    hit.for_each(|token| token.verdict = verdict);
}

fn set(tokens: &mut Tokens, indices: Range<usize>, verdict: Verdict) {
    tokens
        .list
        .iter_mut()
        .take(indices.end)
        .skip(indices.start)
        .for_each(|token| token.verdict = verdict);
}

/// Mail and web addresses go whole, whatever words they are made of.
fn addresses(tokens: &mut Tokens) {
    let text = tokens.text;
    if !text.contains(['@', ':']) && !text.contains("www.") {
        return;
    }
    let mut start = 0;
    for chunk in text.split_inclusive(char::is_whitespace) {
        let range = start..start + chunk.len();
        start = range.end;
        if chunk.contains('@') || chunk.contains("://") || chunk.starts_with("www.") {
            overlapping(tokens, &range, Verdict::Unknown);
        }
    }
}

/// What touches a character that could not be decoded is no word: letters beside it are pieces of
/// one.
fn undecodable(tokens: &mut Tokens) {
    let text = tokens.text;
    if !text.contains(char::REPLACEMENT_CHARACTER) {
        return;
    }
    let mut start = 0;
    for chunk in text.split_inclusive(char::is_whitespace) {
        let range = start..start + chunk.len();
        start = range.end;
        if chunk.contains(char::REPLACEMENT_CHARACTER) {
            overlapping(tokens, &range, Verdict::Unknown);
        }
    }
}

/// The instance's own numbers: long ones across tokens, short ones where letters, digits or the
/// token end with them.
fn numbers_of(tokens: &mut Tokens, own: &Identifiers) {
    let mut compact = String::with_capacity(tokens.text.len());
    let mut owners = Vec::with_capacity(tokens.text.len());
    for (index, token) in tokens.list.iter().enumerate() {
        compact.extend(tokens.short(token).chars().filter(|c| *c != '.'));
        owners.resize(compact.len(), index);
    }
    for id in own.ids() {
        for (at, _) in compact.match_indices(id) {
            let end = at + id.len();
            let (Some(first), Some(last)) = (owners.get(at), owners.get(end - 1)) else {
                continue;
            };
            if id.len() > 4 || (first == last && stands_alone(&compact, &owners, at, id)) {
                set(tokens, *first..*last + 1, Verdict::Own);
            }
        }
    }
}

/// Whether a short number is not just a piece of a longer one.
fn stands_alone(compact: &str, owners: &[usize], at: usize, id: &str) -> bool {
    let end = at + id.len();
    let bytes = compact.as_bytes();
    let goes_on = |inside: Option<usize>, outside: Option<usize>| {
        let (Some(inside), Some(outside)) = (inside, outside) else {
            return false;
        };
        let is_digit = |at: usize| bytes.get(at).map(u8::is_ascii_digit);
        let is_same_token = owners
            .get(inside)
            .is_some_and(|owner| owners.get(outside) == Some(owner));
        // Two characters may be a piece of anything, so they count as a token of their own alone. A
        // letter before a letter ends nothing that is telling (kneeB123), a digit before a digit
        // does (B1234).
        is_same_token
            && match (is_digit(inside), is_digit(outside)) {
                (Some(true), Some(true)) => true,
                (Some(false), Some(false)) => id.len() < 4,
                _ => id.len() < 3,
            }
    };
    !goes_on(Some(at), at.checked_sub(1)) && !goes_on(Some(end - 1), Some(end))
}

/// Two words that together are a place, or a name written as two.
fn neighbours(tokens: &mut Tokens, own: &Identifiers) {
    let mut pair = String::new();
    for index in 1..tokens.list.len() {
        let (Some(first), Some(second)) = (tokens.list.get(index - 1), tokens.list.get(index))
        else {
            continue;
        };
        let spellings = [
            (tokens.short(first), tokens.short(second)),
            (tokens.long(first), tokens.long(second)),
        ];
        let is_own = spellings.iter().any(|(first, second)| {
            pair.clear();
            pair.extend([*first, " ", *second]);
            let is_place = own.has_pair(&pair);
            pair.remove(first.len());
            is_place || (own.names_someone() && own.has_word(&pair))
        });
        if is_own {
            set(tokens, index - 1..index + 1, Verdict::Own);
        }
    }
}

/// The digits of a token that has nothing else.
fn digits<'t>(tokens: &Tokens<'t>, index: usize) -> Option<&'t str> {
    let word = tokens.word(tokens.list.get(index)?);
    word.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(word)
}

/// Numbers side by side that may be one long number.
fn telephones(tokens: &mut Tokens) {
    let mut index = 0;
    while index < tokens.list.len() {
        let (end, count, longest) = row_of_numbers(tokens, index);
        let is_one = (count >= TELEPHONE_DIGITS && longest > 2) || count >= TWO_BY_TWO_DIGITS;
        if is_one && end > index + 1 {
            set(tokens, index..end, Verdict::Unknown);
        }
        index = end.max(index + 1);
    }
}

/// Where a row of numbers ends, how many digits it has, and how many the longest of its numbers.
fn row_of_numbers(tokens: &Tokens, start: usize) -> (usize, usize, usize) {
    let (mut end, mut count, mut longest) = (start, 0, 0);
    while let Some(number) = digits(tokens, end) {
        (end, count, longest) = (end + 1, count + number.len(), longest.max(number.len()));
        let gap = tokens.gap_after(end - 1).unwrap_or("|");
        if !gap.chars().all(|c| " -./()+_".contains(c)) {
            break;
        }
    }
    (end, count, longest)
}

/// Times of day, and ages of 90 and more.
fn times_and_ages(tokens: &mut Tokens) {
    for index in 0..tokens.list.len() {
        let Some(number) = digits(tokens, index) else {
            continue;
        };
        let next = digits(tokens, index + 1);
        if number.len() < 3
            && next.is_some_and(|next| next.len() == 2)
            && tokens.gap_after(index) == Some(":")
        {
            set(tokens, index..index + 2, Verdict::Unknown);
        }
        let around = [index.checked_sub(1), Some(index + 1)]
            .into_iter()
            .flatten()
            .filter_map(|at| tokens.list.get(at));
        if is_high_age(number)
            && around
                .into_iter()
                .any(|token| is_of_age(tokens.short(token)))
        {
            set(tokens, index..index + 1, Verdict::Unknown);
        }
    }
}

/// The instance's own days, told in three numbers in any of the usual orders.
fn days(tokens: &mut Tokens, dates: &[NaiveDate]) {
    if dates.is_empty() {
        return;
    }
    for index in 0..tokens.list.len() {
        let number = |at| digits(tokens, at).and_then(|digits| digits.parse::<i32>().ok());
        let (Some(a), Some(b), Some(c)) = (number(index), number(index + 1), number(index + 2))
        else {
            continue;
        };
        if [(a, b, c), (c, b, a), (c, a, b)]
            .into_iter()
            .any(|(year, month, day)| is_day(dates, year, month, day))
        {
            set(tokens, index..index + 3, Verdict::Own);
        }
    }
}

fn is_day(dates: &[NaiveDate], year: i32, month: i32, day: i32) -> bool {
    let date = |century: i32| {
        NaiveDate::from_ymd_opt(
            year + century,
            u32::try_from(month).ok()?,
            u32::try_from(day).ok()?,
        )
    };
    let years = if year < 100 {
        &[1900, 2000][..]
    } else {
        &[0][..]
    };
    years
        .iter()
        .filter_map(|century| date(*century))
        .any(|date| dates.binary_search(&date).is_ok())
}

/// A letter alone beside a name is an initial, and an s behind an apostrophe goes with its noun.
fn initials(tokens: &mut Tokens) {
    let is_letter = |tokens: &Tokens, index: usize| {
        tokens
            .list
            .get(index)
            .is_some_and(|token| tokens.short(token).len() == 1)
    };
    let verdict = |tokens: &Tokens, index: usize| tokens.list.get(index).map(|token| token.verdict);
    for index in 0..tokens.list.len() {
        if !is_letter(tokens, index) || digits(tokens, index).is_some() {
            continue;
        }
        let before = index.checked_sub(1);
        let beside = |gap: Option<&str>| {
            gap.is_some_and(|gap| gap.len() < 3 && gap.chars().all(|c| " .,^".contains(c)))
        };
        let own_before = before.is_some_and(|at| {
            verdict(tokens, at) == Some(Verdict::Own) && beside(tokens.gap_after(at))
        });
        let own_after =
            verdict(tokens, index + 1) == Some(Verdict::Own) && beside(tokens.gap_after(index));
        let is_genitive = before.is_some_and(|at| {
            verdict(tokens, at) != Some(Verdict::Safe)
                && matches!(tokens.gap_after(at), Some("'" | "’"))
        });
        if own_before || own_after || is_genitive {
            set(tokens, index..index + 1, Verdict::Unknown);
        }
    }
}
