//! What tokens that are safe one by one may say together: a telephone number, a time, a day, a
//! place, a postcode, a number of the instance's own spelled with blanks, an initial beside a name.
//!
//! Owns taking back what was called safe; it never makes anything safe. A row of numbers stays only
//! as levels of the spine, a range with its unit, values of a parameter or a part of a total; any
//! other goes, and with it what it touches.

use std::ops::Range;

use chrono::NaiveDate;

use super::single_tokens::{
    LEVELS, PARAMETERS, PARTS, SPINE, UNITS, UNITS_APART, YEARS, highest, is_day, is_high_age,
    may_be_day,
};
use super::tokens::{TokenSafety, Tokens};
use crate::basic::identifiers::Identifiers;

/// Digits that make neighbouring numbers a telephone number or the like.
const TELEPHONE_DIGITS: usize = 7;

/// The same where no number has three digits, as when they are written in twos.
const TWO_BY_TWO_DIGITS: usize = 9;

/// Takes back what must not stand as it stands.
pub fn take_back(tokens: &mut Tokens, own: &Identifiers, dates: &[Range<usize>]) {
    for range in dates {
        overlapping(tokens, range);
    }
    addresses_and_damage(tokens);
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

fn overlapping(tokens: &mut Tokens, range: &Range<usize>) {
    for token in &mut tokens.list {
        if token.at.start < range.end && range.start < token.at.end {
            token.verdict = TokenSafety::Unknown;
        }
    }
}

/// Mail and web addresses go whole, whatever words they are made of. So does what touches a
/// character that could not be decoded: letters beside it are pieces of a word.
fn addresses_and_damage(tokens: &mut Tokens) {
    let marks = ['@', char::REPLACEMENT_CHARACTER];
    let text = tokens.text;
    if !text.contains(marks) && !text.contains("://") && !text.contains("www.") {
        return;
    }
    let mut start = 0;
    for chunk in text.split_inclusive(char::is_whitespace) {
        let range = start..start + chunk.len();
        start = range.end;
        if chunk.contains(marks) || chunk.contains("://") || chunk.starts_with("www.") {
            overlapping(tokens, &range);
        }
    }
}

/// The instance's own numbers: long ones across tokens, short ones where letters, digits or the
/// token end with them.
fn numbers_of(tokens: &mut Tokens, own: &Identifiers) {
    let mut compact = String::with_capacity(tokens.text.len());
    let mut owners = Vec::with_capacity(tokens.text.len());
    for index in 0..tokens.list.len() {
        compact.extend(
            tokens
                .short(index)
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
                tokens.set(*first..*last + 1, TokenSafety::Own);
            }
        }
    }
}

/// Whether a short number is not just a piece of a longer one.
fn stands_alone(compact: &str, owners: &[usize], at: usize, id: &str) -> bool {
    let end = at + id.len();
    let bytes = compact.as_bytes();
    let is_digit = |at: usize| {
        bytes
            .get(at)
            .is_some_and(u8::is_ascii_digit)
    };
    let goes_on = |inside: usize, outside: Option<usize>| {
        let outside = outside.filter(|outside| owners.get(*outside) == owners.get(inside));
        // Two characters may be a piece of anything, so they count as a token of their own alone. A
        // letter before a letter ends nothing that is telling (kneeB123), a digit before a digit
        // does (B1234).
        outside.is_some_and(|outside| match (is_digit(inside), is_digit(outside)) {
            (true, true) => true,
            (false, false) => id.len() < 4,
            _ => id.len() < 3,
        })
    };
    !goes_on(at, at.checked_sub(1)) && !goes_on(end - 1, Some(end))
}

/// Two words that together are a place, or a name written as two.
fn neighbours(tokens: &mut Tokens, own: &Identifiers) {
    let mut pair = String::new();
    for index in 1..tokens.list.len() {
        let spellings = [
            (tokens.short(index - 1), tokens.short(index)),
            (tokens.long(index - 1), tokens.long(index)),
        ];
        let is_own = spellings
            .iter()
            .any(|(first, second)| {
                pair.clear();
                pair.extend([*first, " ", *second]);
                let is_place = own.has_pair(&pair);
                pair.remove(first.len());
                is_place || (own.names_someone() && own.has_word(&pair))
            });
        if is_own {
            tokens.set(index - 1..index + 1, TokenSafety::Own);
        }
    }
}

/// The digits of a token that has nothing else.
fn digits<'t>(tokens: &Tokens<'t>, index: usize) -> Option<&'t str> {
    number(tokens, index).filter(|number| !number.contains('.'))
}

/// Numbers side by side that may be one long number.
fn telephones(tokens: &mut Tokens) {
    let mut index = 0;
    while index < tokens.list.len() {
        let (end, count, longest) = row_of_numbers(tokens, index);
        let is_one = (count >= TELEPHONE_DIGITS && longest > 2) || count >= TWO_BY_TWO_DIGITS;
        if is_one && end > index + 1 {
            tokens.set(index..end, TokenSafety::Unknown);
        }
        index = end.max(index + 1);
    }
}

/// Where a row of numbers ends, how many digits it has, and how many the longest of its numbers.
fn row_of_numbers(tokens: &Tokens, start: usize) -> (usize, usize, usize) {
    let (mut end, mut count, mut longest) = (start, 0, 0);
    while let Some(number) = digits(tokens, end) {
        (end, count, longest) = (end + 1, count + number.len(), longest.max(number.len()));
        let gap = tokens
            .gap_after(end - 1)
            .unwrap_or("|");
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
            tokens.set(index..index + 2, TokenSafety::Unknown);
        }
        let mut around = [index.checked_sub(1), Some(index + 1)]
            .into_iter()
            .flatten();
        if is_high_age(number) && around.any(|at| YEARS.contains(&tokens.short(at))) {
            tokens.set(index..index + 1, TokenSafety::Unknown);
        }
    }
}

/// The instance's own days, written as three numbers in any of the usual orders.
fn days(tokens: &mut Tokens, dates: &[NaiveDate]) {
    if dates.is_empty() {
        return;
    }
    for index in 0..tokens.list.len() {
        let number = |at| digits(tokens, at).and_then(|digits| digits.parse::<u16>().ok());
        let (Some(a), Some(b), Some(c)) = (number(index), number(index + 1), number(index + 2))
        else {
            continue;
        };
        if [(a, b, c), (c, b, a), (c, a, b)]
            .into_iter()
            .any(|(year, month, day)| is_own_day(dates, year, month, day))
        {
            tokens.set(index..index + 3, TokenSafety::Own);
        }
    }
}

fn is_own_day(dates: &[NaiveDate], year: u16, month: u16, day: u16) -> bool {
    let centuries: &[i32] = if year < 100 { &[1900, 2000] } else { &[0] };
    centuries
        .iter()
        .filter_map(|century| {
            NaiveDate::from_ymd_opt(century + i32::from(year), month.into(), day.into())
        })
        .any(|date| dates.binary_search(&date).is_ok())
}

/// A letter alone beside a name is an initial, and an s behind an apostrophe goes with its noun.
fn initials(tokens: &mut Tokens) {
    let beside = |gap: Option<&str>| {
        gap.is_some_and(|gap| {
            gap.len() < 3
                && gap
                    .chars()
                    .all(|c| " .,^".contains(c))
        })
    };
    for index in 0..tokens.list.len() {
        if tokens.short(index).len() != 1 || digits(tokens, index).is_some() {
            continue;
        }
        let gap_before = tokens.gap_before(index);
        let before = gap_before.and_then(|_| tokens.verdict(index - 1));
        let own_before = before == Some(TokenSafety::Own) && beside(gap_before);
        let own_after =
            tokens.verdict(index + 1) == Some(TokenSafety::Own) && beside(tokens.gap_after(index));
        let is_genitive =
            before != Some(TokenSafety::Safe) && matches!(gap_before, Some("'" | "’"));
        if own_before || own_after || is_genitive {
            tokens.set(index..index + 1, TokenSafety::Unknown);
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
        let range = row.at.start - usize::from(row.touches_code)..row.at.end;
        index = range.end;
        if row.goes() {
            unknown(tokens, range);
        }
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
        let is_joined = matches!(tokens.gap_before(index), Some("." | ". " | "/" | "-"));
        let is_day = number(tokens, index - 1).is_some_and(|day| may_be_day(day, "1"));
        if is_joined && is_day && MONTHS.contains(&tokens.short(index)) {
            unknown(tokens, index - 1..index + 1);
        }
    }
}

/// Takes back what is safe, and leaves what is the instance's own.
fn unknown(tokens: &mut Tokens, indices: Range<usize>) {
    for index in indices {
        if tokens.verdict(index) == Some(TokenSafety::Safe) {
            tokens.set(index..index + 1, TokenSafety::Unknown);
        }
    }
}

/// A token that is digits, with points at most.
fn number<'t>(tokens: &Tokens<'t>, index: usize) -> Option<&'t str> {
    let word = tokens.word(index);
    let is_number = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_number && !word.is_empty()).then_some(word)
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
struct Row<'a> {
    tokens: &'a Tokens<'a>,
    at: Range<usize>,
    numbers: Vec<&'a str>,
    /// Whether there is a gap other than blanks.
    joined: bool,
    /// The word before, without and with nothing but the digits that it ends with, and what stands
    /// between; all empty where there is none.
    letters: &'a str,
    digits: &'a str,
    between: &'a str,
    /// Whether a word that ends with a number is joined to the row: C3-7, chest17-06.
    touches_code: bool,
}

impl<'a> Row<'a> {
    fn from(tokens: &'a Tokens<'a>, start: usize) -> Self {
        let (mut end, mut joined) = (start, false);
        let mut numbers = Vec::new();
        while let Some(number) = number(tokens, end) {
            if end > start {
                let Some(gap) = between(tokens, end - 1) else {
                    break;
                };
                joined |= gap != Gap::Blank;
            }
            numbers.push(number);
            end += 1;
        }
        let between = tokens
            .gap_before(start)
            .unwrap_or_default();
        let before = start
            .checked_sub(1)
            .map_or("", |before| tokens.short(before));
        let letters = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = before
            .get(letters.len()..)
            .unwrap_or_default();
        let touches_code =
            !digits.is_empty() && gap(between) == Some(Gap::Joint) && !between.contains(' ');
        Self {
            tokens,
            at: start..end,
            numbers,
            joined,
            letters,
            digits,
            between,
            touches_code,
        }
    }

    fn goes(&self) -> bool {
        match self.numbers.as_slice() {
            [one] if !self.touches_code => {
                self.is_lone_day(one) && !self.has_unit() && !self.is_value()
            }
            [_, _] if !self.touches_code && self.has_unit() => false,
            _ if self.is_value() || self.is_part() => false,
            _ if self.touches_code || self.joined => !self.is_levels() && !self.are_sizes(),
            [first, second] => first.len() == 2 && second.len() == 2 && may_be_day(first, second),
            numbers => {
                let digits: usize = numbers
                    .iter()
                    .map(|number| number.len())
                    .sum();
                digits >= BLANK_DIGITS && !self.are_sizes()
            }
        }
    }

    /// `12.06`, and `2.5.` with a point behind, as days are written.
    fn is_lone_day(&self, number: &str) -> bool {
        let pair = number
            .split_once('.')
            .filter(|_| self.behind().starts_with('.'));
        is_day(number) || pair.is_some_and(|(first, second)| may_be_day(first, second))
    }

    /// The text behind the row.
    fn behind(&self) -> &'a str {
        self.tokens
            .list
            .get(self.at.end - 1)
            .and_then(|token| self.tokens.text.get(token.at.end..))
            .unwrap_or_default()
    }

    /// Whether a unit follows, or what makes a size of a number: `20-40 min`, `50-75 %`, `12.5 x
    /// 3`.
    fn has_unit(&self) -> bool {
        let next = self.tokens.short(self.at.end);
        let is_next = self
            .tokens
            .gap_before(self.at.end)
            .is_some_and(|gap| gap.trim().is_empty());
        self.behind()
            .trim_start_matches(' ')
            .starts_with(['%', '°', '×'])
            || (is_next && (next == "x" || UNITS.contains(&next) || UNITS_APART.contains(&next)))
            || (self.letters == "x" && self.digits.is_empty() && self.between.trim().is_empty())
    }

    /// Whether the row is the value of a parameter: TE 90, `b50_400_800`. One letter is no
    /// announcement of a day.
    fn is_value(&self) -> bool {
        let is_near = self.between.len() < 3
            && self
                .between
                .chars()
                .all(|c| " =:_-/".contains(c));
        let firsts = std::iter::once(&self.digits).chain(&self.numbers);
        let has_day = || {
            firsts
                .zip(&self.numbers)
                .any(|(first, second)| may_be_day(first, second))
        };
        is_near && PARAMETERS.contains(&self.letters) && (self.letters.len() > 1 || !has_day())
    }

    /// Whether the row is a part of a total.
    fn is_part(&self) -> bool {
        self.numbers.len() == 2
            && self
                .numbers
                .iter()
                .all(|number| number.len() == 1)
            && self.digits.is_empty()
            && PARTS.contains(&self.letters)
            && self.between.len() < 2
    }

    /// Whether the row is levels of the spine, or continues them: L4/5, C3-7, LWK 4/5.
    fn is_levels(&self) -> bool {
        let announced = self.digits.is_empty();
        let last = match gap(self.between) {
            _ if announced => (self.between == " " && LEVELS.contains(&self.letters)).then_some(12),
            Some(Gap::Joint | Gap::Under) => highest(&SPINE, self.letters),
            _ => None,
        };
        let levels: Option<Vec<u32>> = std::iter::once(&self.digits)
            .chain(&self.numbers)
            .skip(usize::from(announced))
            .map(|number| number.parse().ok())
            .collect();
        levels.is_some_and(|levels| {
            levels.len() < 4
                && levels.is_sorted_by(|a, b| a < b)
                && levels
                    .last()
                    .is_some_and(|level| last.is_some_and(|last| *level <= last))
        })
    }

    /// Whether all numbers have a point and none reads like a day.
    fn are_sizes(&self) -> bool {
        self.numbers
            .iter()
            .all(|number| number.contains('.') && !is_day(number))
    }
}

/// The first half of a postcode whose second was taken back: SW1 2AA, CT1 3BB, K1A 0B1.
fn postcodes(tokens: &mut Tokens) {
    for index in 1..tokens.list.len() {
        let (first, second) = (tokens.short(index - 1), tokens.short(index));
        let is_first = first.len() <= 4
            && first.starts_with(|c: char| c.is_ascii_lowercase())
            && has_digit(first);
        let is_second = second.len() == 3
            && second.starts_with(|c: char| c.is_ascii_digit())
            && second.contains(|c: char| c.is_ascii_lowercase());
        if is_first
            && is_second
            && tokens.verdict(index) != Some(TokenSafety::Safe)
            && tokens.gap_before(index) == Some(" ")
        {
            unknown(tokens, index - 1..index);
        }
    }
}

/// Short pieces that are joined to a number or code that went: of S-17-4471 nothing stays.
fn fragments(tokens: &mut Tokens) {
    let count = tokens.list.len();
    for index in 1..count {
        take_back_beside(tokens, index, index - 1);
    }
    for index in (1..count).rev() {
        take_back_beside(tokens, index - 1, index);
    }
}

fn take_back_beside(tokens: &mut Tokens, index: usize, beside: usize) {
    let between = tokens.gap_after(index.min(beside));
    let is_joined = matches!(between, Some("-" | "/" | "." | ":" | "\u{2013}" | "#"));
    let went = tokens.verdict(beside) != Some(TokenSafety::Safe) && has_digit(tokens.short(beside));
    let piece = tokens.short(index);
    let digits = piece.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let is_piece = piece.len() == 1
        || (piece.len() - digits.len() < 3
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && has_digit(piece));
    if is_joined && went && is_piece {
        unknown(tokens, index..index + 1);
    }
}
