//! What tokens that are safe one by one may say together: a telephone number, a time, a day, a
//! place, a postcode, a number of the instance's own spelled with blanks, an initial beside a name.
//!
//! Owns taking back what was called safe; it never makes anything safe. A row of numbers stays only
//! as levels of the spine, a range with its unit, values of a parameter or a part of a total; any
//! other goes, and with it what it touches.

use std::ops::Range;

use chrono::NaiveDate;

use super::single_tokens::{
    announces_levels, announces_parts, is_day, is_high_age, is_of_age, is_parameter, is_unit,
    last_level, may_be_day,
};
use super::tokens::{TokenSafety, Tokens};
use crate::clean::identifiers::Identifiers;

/// Digits that make neighbouring numbers a telephone number or the like.
const TELEPHONE_DIGITS: usize = 7;

/// The same where no number has three digits, as when they are written in twos.
const TWO_BY_TWO_DIGITS: usize = 9;

/// Takes back what must not stand as it stands.
pub(super) fn take_back(tokens: &mut Tokens, own: &Identifiers, dates: &[Range<usize>]) {
    for range in dates {
        overlapping(tokens, range, TokenSafety::Unknown);
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
    take_back_numbers(tokens);
    initials(tokens);
}

fn overlapping(tokens: &mut Tokens, range: &Range<usize>, verdict: TokenSafety) {
    let hit = tokens
        .list
        .iter_mut()
        .filter(|token| token.at.start < range.end && range.start < token.at.end);
    hit.for_each(|token| token.verdict = verdict);
}

fn set(tokens: &mut Tokens, indices: Range<usize>, verdict: TokenSafety) {
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
            overlapping(tokens, &range, TokenSafety::Unknown);
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
            overlapping(tokens, &range, TokenSafety::Unknown);
        }
    }
}

/// The instance's own numbers: long ones across tokens, short ones where letters, digits or the
/// token end with them.
fn numbers_of(tokens: &mut Tokens, own: &Identifiers) {
    let mut compact = String::with_capacity(tokens.text.len());
    let mut owners = Vec::with_capacity(tokens.text.len());
    for (index, token) in tokens.list.iter().enumerate() {
        compact.extend(
            tokens
                .short(token)
                .chars()
                .filter(|c| *c != '.'),
        );
        owners.resize(compact.len(), index);
    }
    for id in own.ids() {
        for (at, _) in compact.match_indices(id) {
            let end = at + id.len();
            let (Some(first), Some(last)) = (owners.get(at), owners.get(end - 1)) else {
                continue;
            };
            if id.len() > 4 || (first == last && stands_alone(&compact, &owners, at, id)) {
                set(tokens, *first..*last + 1, TokenSafety::Own);
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
            set(tokens, index - 1..index + 1, TokenSafety::Own);
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
            set(tokens, index..end, TokenSafety::Unknown);
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
        if !gap
            .chars()
            .all(|c| " -./()+_".contains(c))
        {
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
            set(tokens, index..index + 2, TokenSafety::Unknown);
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
            set(tokens, index..index + 1, TokenSafety::Unknown);
        }
    }
}

/// The instance's own days, written as three numbers in any of the usual orders.
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
            .any(|(year, month, day)| is_own_day(dates, year, month, day))
        {
            set(tokens, index..index + 3, TokenSafety::Own);
        }
    }
}

fn is_own_day(dates: &[NaiveDate], year: i32, month: i32, day: i32) -> bool {
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
    let verdict = |tokens: &Tokens, index: usize| {
        tokens
            .list
            .get(index)
            .map(|token| token.verdict)
    };
    for index in 0..tokens.list.len() {
        if !is_letter(tokens, index) || digits(tokens, index).is_some() {
            continue;
        }
        let before = index.checked_sub(1);
        let beside = |gap: Option<&str>| {
            gap.is_some_and(|gap| gap.len() < 3 && gap.chars().all(|c| " .,^".contains(c)))
        };
        let own_before = before.is_some_and(|at| {
            verdict(tokens, at) == Some(TokenSafety::Own) && beside(tokens.gap_after(at))
        });
        let own_after =
            verdict(tokens, index + 1) == Some(TokenSafety::Own) && beside(tokens.gap_after(index));
        let is_genitive = before.is_some_and(|at| {
            verdict(tokens, at) != Some(TokenSafety::Safe)
                && matches!(tokens.gap_after(at), Some("'" | "’"))
        });
        if own_before || own_after || is_genitive {
            set(tokens, index..index + 1, TokenSafety::Unknown);
        }
    }
}

/// Digits from which on three numbers with blanks between are rather one number.
const BLANK_DIGITS: usize = 5;

/// Takes back rows of numbers that nothing explains, and codes of which a part was taken back.
fn take_back_numbers(tokens: &mut Tokens) {
    let mut index = 0;
    while index < tokens.list.len() {
        if number(tokens, index).is_none() {
            index += 1;
            continue;
        }
        let row = Row::from(tokens, index);
        if row.goes(tokens) {
            let start = if row.touches_code(tokens) {
                row.at.start - 1
            } else {
                row.at.start
            };
            unknown(tokens, start..row.at.end);
        }
        index = row.at.end;
    }
    roman_months(tokens);
    postcodes(tokens);
    fragments(tokens);
}

/// A day with its month in Roman numerals: 12.VI.
fn roman_months(tokens: &mut Tokens) {
    const MONTHS: [&str; 12] = [
        "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii",
    ];
    for index in 1..tokens.list.len() {
        let is_joined = matches!(tokens.gap_after(index - 1), Some("." | ". " | "/" | "-"));
        let is_day = number(tokens, index - 1).is_some_and(|day| may_be_day(day, "1"));
        if is_joined && is_day && MONTHS.contains(&word(tokens, index)) {
            unknown(tokens, index - 1..index + 1);
        }
    }
}

fn unknown(tokens: &mut Tokens, indices: Range<usize>) {
    let safe = tokens
        .list
        .iter_mut()
        .take(indices.end)
        .skip(indices.start)
        .filter(|token| token.verdict == TokenSafety::Safe);
    safe.for_each(|token| token.verdict = TokenSafety::Unknown);
}

/// A token that is digits, with points at most.
fn number<'t>(tokens: &Tokens<'t>, index: usize) -> Option<&'t str> {
    let word = tokens.word(tokens.list.get(index)?);
    word.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        .then_some(word)
}

fn word<'a>(tokens: &'a Tokens, index: usize) -> &'a str {
    tokens
        .list
        .get(index)
        .map_or("", |token| tokens.short(token))
}

fn has_digit(word: &str) -> bool {
    word.bytes()
        .any(|byte| byte.is_ascii_digit())
}

/// What stands between two numbers of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// A blank.
    Blank,
    /// A dash, a stroke, a point, with at most a blank on each side.
    Joint,
    /// An underscore.
    Under,
}

fn gap(text: &str) -> Option<Gap> {
    if text.is_empty() || text.chars().count() > 3 {
        return None;
    }
    match text.trim() {
        "" => Some(Gap::Blank),
        "-" | "/" | "." | ":" | "|" | "~" | "#" | "'" | "&" | "\u{2013}" | "\u{2014}"
        | "\u{2212}" | "./" | ".-" => Some(Gap::Joint),
        "_" => Some(Gap::Under),
        _ => None,
    }
}

/// What stands between two numbers; a comma only where it makes a day of them, and not a size
/// (1,25).
fn between(tokens: &Tokens, index: usize) -> Option<Gap> {
    let text = tokens.gap_after(index)?;
    if text == "," {
        let joined = format!("{}.{}", number(tokens, index)?, number(tokens, index + 1)?);
        return is_day(&joined).then_some(Gap::Joint);
    }
    gap(text)
}

/// Numbers with nothing but gaps between.
struct Row {
    at: Range<usize>,
    /// Whether there is a gap other than blanks.
    joined: bool,
}

impl Row {
    fn from(tokens: &Tokens, start: usize) -> Self {
        let (mut end, mut joined) = (start + 1, false);
        while number(tokens, end).is_some()
            && let Some(gap) = between(tokens, end - 1)
        {
            joined |= gap != Gap::Blank;
            end += 1;
        }
        Self {
            at: start..end,
            joined,
        }
    }

    fn numbers<'t>(&self, tokens: &Tokens<'t>) -> Vec<&'t str> {
        self.at
            .clone()
            .filter_map(|index| number(tokens, index))
            .collect()
    }

    /// The token before the row and what stands between.
    fn before<'a>(&self, tokens: &'a Tokens) -> Option<(&'a str, &'a str)> {
        let index = self.at.start.checked_sub(1)?;
        Some((word(tokens, index), tokens.gap_after(index)?))
    }

    /// Whether a word that ends with a number is joined to the row: C3-7, chest17-06.
    fn touches_code(&self, tokens: &Tokens) -> bool {
        self.before(tokens)
            .is_some_and(|(word, between)| {
                word.ends_with(|c: char| c.is_ascii_digit())
                    && gap(between) == Some(Gap::Joint)
                    && !between.contains(' ')
            })
    }

    fn goes(&self, tokens: &Tokens) -> bool {
        let numbers = self.numbers(tokens);
        let touches = self.touches_code(tokens);
        match numbers.as_slice() {
            [one] if !touches => {
                self.is_lone_day(tokens, one)
                    && !self.has_unit(tokens)
                    && !self.is_value(tokens, &numbers)
            }
            _ if self.has_unit(tokens) && numbers.len() < 3 && !touches => false,
            _ if self.is_value(tokens, &numbers) || self.is_part(tokens, &numbers) => false,
            _ if touches || self.joined => {
                !self.is_levels(tokens, &numbers) && !all_sizes(&numbers)
            }
            [first, second] => first.len() == 2 && second.len() == 2 && may_be_day(first, second),
            _ => {
                numbers
                    .iter()
                    .map(|number| number.len())
                    .sum::<usize>()
                    >= BLANK_DIGITS
                    && !all_sizes(&numbers)
            }
        }
    }

    /// `12.06`, and `2.5.` with a point behind, as days are written.
    fn is_lone_day(&self, tokens: &Tokens, number: &str) -> bool {
        let has_point = self.behind(tokens).starts_with('.');
        let pair = number.split_once('.');
        is_day(number)
            || (has_point && pair.is_some_and(|(first, second)| may_be_day(first, second)))
    }

    /// The text behind the row.
    fn behind<'t>(&self, tokens: &Tokens<'t>) -> &'t str {
        let end = tokens
            .list
            .get(self.at.end - 1)
            .map_or(0, |token| token.at.end);
        tokens
            .text
            .get(end..)
            .unwrap_or_default()
    }

    /// Whether a unit follows, or what makes a size of a number: `20-40 min`, `50-75 %`, `12.5 x
    /// 3`.
    fn has_unit(&self, tokens: &Tokens) -> bool {
        let behind = self
            .behind(tokens)
            .trim_start_matches(' ');
        let next = word(tokens, self.at.end);
        let is_next = tokens
            .gap_after(self.at.end - 1)
            .is_some_and(|gap| gap.trim().is_empty());
        let is_times = |word: &str| word == "x";
        behind.starts_with(['%', '°', '×'])
            || (is_next && (is_unit(next) || is_times(next)))
            || self
                .before(tokens)
                .is_some_and(|(word, between)| is_times(word) && between.trim().is_empty())
    }

    /// Whether the row is the value of a parameter: TE 90, `b50_400_800`. One letter is no
    /// announcement of a day.
    fn is_value(&self, tokens: &Tokens, numbers: &[&str]) -> bool {
        let Some((before, between)) = self.before(tokens) else {
            return false;
        };
        let letters = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_near = between.len() < 3
            && between
                .chars()
                .all(|c| " =:_-/".contains(c));
        let pairs = numbers
            .iter()
            .zip(numbers.iter().skip(1));
        let own = before
            .get(letters.len()..)
            .unwrap_or_default();
        let telling = letters.len() > 1;
        let has_day = pairs
            .into_iter()
            .any(|(first, second)| may_be_day(first, second));
        let first_is_day = numbers
            .first()
            .is_some_and(|first| may_be_day(own, first));
        is_near && is_parameter(letters) && (telling || !(has_day || first_is_day))
    }

    /// Whether the row is a part of a total.
    fn is_part(&self, tokens: &Tokens, numbers: &[&str]) -> bool {
        let is_one = |number: &&str| number.len() == 1;
        numbers.len() == 2
            && numbers.iter().all(is_one)
            && self
                .before(tokens)
                .is_some_and(|(word, between)| announces_parts(word) && between.len() < 2)
    }

    /// Whether the row is levels of the spine, or continues them: L4/5, C3-7, LWK 4/5.
    fn is_levels(&self, tokens: &Tokens, numbers: &[&str]) -> bool {
        let Some((before, between)) = self.before(tokens) else {
            return false;
        };
        let letters = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let first = before
            .get(letters.len()..)
            .and_then(|digits| digits.parse::<u32>().ok());
        let last = match first {
            Some(_) if gap(between).is_some_and(|gap| gap != Gap::Blank) => last_level(letters),
            None if announces_levels(before) && between == " " => Some(12),
            _ => None,
        };
        let Some(last) = last else { return false };
        let all = first.into_iter().map(Some).chain(
            numbers
                .iter()
                .map(|number| number.parse().ok()),
        );
        let all: Option<Vec<u32>> = all.collect();
        all.is_some_and(|all| {
            all.len() < 4
                && all.is_sorted_by(|a, b| a < b)
                && all
                    .last()
                    .is_some_and(|level| *level <= last)
        })
    }
}

/// Whether all numbers have a point and none reads like a day.
fn all_sizes(numbers: &[&str]) -> bool {
    numbers
        .iter()
        .all(|number| number.contains('.') && !is_day(number))
}

/// The first half of a postcode whose second was taken back: SW1 2AA, CT1 3BB, K1A 0B1.
fn postcodes(tokens: &mut Tokens) {
    for index in 1..tokens.list.len() {
        let (first, second) = (word(tokens, index - 1), word(tokens, index));
        let is_first = first.len() <= 4
            && first.starts_with(|c: char| c.is_ascii_lowercase())
            && has_digit(first);
        let is_second = second.len() == 3
            && second.starts_with(|c: char| c.is_ascii_digit())
            && second
                .bytes()
                .filter(u8::is_ascii_lowercase)
                .count()
                > 0;
        let is_unknown = tokens
            .list
            .get(index)
            .is_some_and(|token| token.verdict != TokenSafety::Safe);
        if is_first && is_second && is_unknown && tokens.gap_after(index - 1) == Some(" ") {
            unknown(tokens, index - 1..index);
        }
    }
}

/// Short pieces that are joined to a number or code that went: of S-17-4471 nothing stays.
fn fragments(tokens: &mut Tokens) {
    for index in 0..tokens.list.len() {
        take_back_beside(tokens, index, true);
    }
    for index in (0..tokens.list.len()).rev() {
        take_back_beside(tokens, index, false);
    }
}

fn take_back_beside(tokens: &mut Tokens, index: usize, before: bool) {
    let beside = if before {
        index.checked_sub(1)
    } else {
        Some(index + 1)
    };
    let Some(beside) = beside else { return };
    let between = tokens
        .gap_after(if before { beside } else { index })
        .unwrap_or(" ");
    let is_joined = matches!(between, "-" | "/" | "." | ":" | "\u{2013}" | "#");
    let went = tokens
        .list
        .get(beside)
        .is_some_and(|token| token.verdict != TokenSafety::Safe)
        && has_digit(word(tokens, beside));
    let piece = word(tokens, index);
    let letters = piece
        .bytes()
        .take_while(u8::is_ascii_lowercase)
        .count();
    let is_piece = piece.len() == 1
        || (letters < 3
            && piece
                .bytes()
                .skip(letters)
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && has_digit(piece));
    if is_joined && went && is_piece {
        unknown(tokens, index..index + 1);
    }
}
