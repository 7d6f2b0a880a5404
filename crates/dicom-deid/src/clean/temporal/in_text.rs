//! Where dates stand in free text, to be removed. Finds rather too much than too little.
//!
//! Taken for dates, each with the time behind it: `20040119`, `19012004` and `20040119072730`;
//! year, month and day, or day and month in either order and year, between `-`, `/`, `.`, `_` or
//! spaces; years of two digits between `-`, `/` and `.`; months by name with a day, a year or both;
//! `01/2004` and `2004-01`. Years are those from 1880 to 2100. Any other number is none: not six
//! digits in a row (`040119` is a time as well), not a year alone, not a day and month in numbers
//! (`01.02.`).

mod clock;
mod cursor;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::month;
use cursor::Cursor;

/// The places of the dates, in order. A text without a digit costs one look at each byte.
pub(in crate::clean) fn in_text(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let Some(mut at) = bytes.iter().position(u8::is_ascii_digit) else {
        return found;
    };
    // A month's name may stand before the first digit.
    at = word_before(bytes, at);
    while at < bytes.len() {
        let here = Cursor { text, at };
        match date_here(here) {
            Some(end) => {
                let end = if begins_date(end.skip(b" -,_", 3)) {
                    end
                } else {
                    clock::behind(end)
                };
                found.push(at..end.at);
                at = end.at;
            }
            None => at += 1,
        }
    }
    found
}

/// Where a month's name before the first digit may begin: the longest one with what may stand
/// between is 16 bytes.
fn word_before(bytes: &[u8], digit: usize) -> usize {
    let from = digit.saturating_sub(16);
    let pairs = bytes.get(from..digit).unwrap_or_default().windows(2);
    let first = pairs
        .into_iter()
        .position(|pair| matches!(pair, [first, second] if month::may_begin(*first, *second)));
    first.map_or(digit, |first| from + first)
}

/// The end of the date that begins here.
fn date_here(here: Cursor) -> Option<Cursor> {
    let byte = here.peek()?;
    if byte.is_ascii_alphabetic() {
        return if here.begins_month() && !here.follows_letter() {
            month_first(here)
        } else {
            None
        };
    }
    if !byte.is_ascii_digit() || here.follows_digit() {
        return None;
    }
    match here.digits().len() {
        1 | 2 => day_first(here).or_else(|| month_and_year(here)),
        4 => year_first(here),
        8.. => compact(here),
        _ => None,
    }
}

/// Whether a date begins here: the second of two is not the time of the first.
fn begins_date(here: Cursor) -> bool {
    date_here(here).is_some()
}

/// `20040119`, `19012004`, `01192004`, or a date and time of ten digits and more.
fn compact(here: Cursor) -> Option<Cursor> {
    let digits = here.digits();
    let (date, rest) = digits.split_at_checked(8)?;
    let number = |from: usize, to: usize| cursor::number(date.get(from..to)?);
    let year_first = is_date(number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let year_last = is_date_either_way(number(0, 2)?, number(2, 4)?, number(4, 8)?);
    let hour = rest.get(..2).and_then(cursor::number);
    let is_moment = year_first && hour.is_some_and(|hour| hour < 24);
    ((rest.is_empty() && (year_first || year_last)) || is_moment).then(|| here.step(digits.len()))
}

/// `2004-01-19`, `2004/1/19`, `2004 01 19`, `2004-Jan-19`, `2004Jan19`, `2004年1月19日`, `2004-01`.
fn year_first(here: Cursor) -> Option<Cursor> {
    let (year, after) = here.number(4, 4).filter(|(year, _)| is_year(*year))?;
    if let Some((month, after)) = after.skip(b" -./_", 2).month() {
        let (day, end) = after.skip(b" -./_", 2).number(1, 2)?;
        return is_date(year, month, day).then_some(end);
    }
    if let Some(after) = after.past("年") {
        let (month, after) = after.number(1, 2)?;
        let (day, end) = after.past("月")?.number(1, 2)?;
        return is_date(year, month, day).then(|| end.past("日").unwrap_or(end));
    }
    let (separator, after) = after.one_of(b"-/._ ")?;
    let fewest = if separator == b' ' { 2 } else { 1 };
    let (month, behind) = after.number(fewest, 2)?;
    match behind
        .one_of(&[separator])
        .and_then(|(_, day)| day.number(fewest, 2))
    {
        Some((day, end)) => is_date(year, month, day).then_some(end),
        // `2000/10` and `2000_10` are rather pairs of numbers.
        None => (separator == b'-' && (1..=12).contains(&month) && behind.at == after.at + 2)
            .then_some(behind),
    }
}

/// `19.01.2004`, `1/19/2004`, `1/9/04`, `19. Januar 2004`, `19Jan04`, `3rd of May`.
fn day_first(here: Cursor) -> Option<Cursor> {
    let (first, after) = here.number(1, 2)?;
    numeric(here, first, after).or_else(|| {
        let after = after.ordinal();
        let close = after.peek().is_some_and(|byte| byte.is_ascii_alphabetic());
        let (month, named) = after.skip(b" -./_,", 3).connective().month()?;
        if let Some(end) = year_behind(named) {
            return is_day(month, first).then_some(end);
        }
        // `T2 mar` and `3dec` are no dates.
        (is_day(month, first) && !close && !here.follows_letter()).then_some(named)
    })
}

/// The rest of a date of numbers: a separator, a number, the same separator, a year.
fn numeric<'a>(here: Cursor<'a>, first: u32, after: Cursor<'a>) -> Option<Cursor<'a>> {
    let (separator, next) = after.one_of(b"-/._ ")?;
    let fewest = if separator == b' ' { 2 } else { 1 };
    let space = usize::from(separator == b'.');
    let (second, next) = next
        .skip(b" ", space)
        .number(fewest, 2)
        .filter(|_| here.digits().len() >= fewest)?;
    let year = next.one_of(&[separator])?.1.skip(b" ", space);
    if let Some((year, end)) = year.number(4, 4) {
        return is_date_either_way(first, second, year).then_some(end);
    }
    let (short, end) = year
        .number(2, 2)
        .filter(|_| matches!(separator, b'-' | b'/' | b'.'))?;
    // `1.2.3.04` and `04.1.2.3` are longer numbers.
    let alone = !here.follows_digit_and(separator)
        && end
            .one_of(&[separator])
            .is_none_or(|(_, next)| next.digits().is_empty());
    // The 29th of February is taken in every year.
    let fits = is_date_either_way(first, second, 2000) || is_date(2000, second, short);
    (alone && fits).then_some(end)
}

/// `January 19th, 2004`, `Jan 19`, `Jan-19-04`, `January 2004`, `enero de 2004`.
fn month_first(here: Cursor) -> Option<Cursor> {
    let (month, named) = here.month()?;
    let apart = named.skip(b" -./_,", 3);
    let Some((_, after)) = apart.number(1, 2).filter(|(day, _)| is_day(month, *day)) else {
        return year_behind(named);
    };
    let after = after.ordinal();
    let year = after.skip(b" ,-./_'", 3);
    if let Some((year, end)) = year.number(4, 4) {
        return if is_year(year) {
            Some(end)
        } else {
            Some(after)
        };
    }
    let marked = after.one_of(b",-./'").is_some();
    match year.number(2, 2) {
        Some((_, end)) if marked => Some(end),
        _ => (apart.at > named.at).then_some(after),
    }
}

/// A year behind a month's name.
fn year_behind(named: Cursor) -> Option<Cursor> {
    let year = named.skip(b" -./_,'", 3).connective();
    let long = year.number(4, 4).filter(|(year, _)| is_year(*year));
    // Behind a space, `07` may be the hour.
    let marked = !named.precedes_space() || year.at > named.at + 1;
    long.or_else(|| year.number(2, 2).filter(|_| marked))
        .map(|(_, end)| end)
}

/// `01/2004` and `01.2004`.
fn month_and_year(here: Cursor) -> Option<Cursor> {
    let (_, after) = here
        .number(2, 2)
        .filter(|(month, _)| (1..=12).contains(month))?;
    let (separator, after) = after.one_of(b"/.-")?;
    let (year, end) = after.number(4, 4)?;
    (is_year(year) && !here.follows_digit_and(separator)).then_some(end)
}

fn is_year(year: u32) -> bool {
    (1880..=2100).contains(&year)
}

/// Whether the month has such a day in some year.
fn is_day(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    is_year(year) && is_day(month, day)
}

/// Whether this is a day with the month before or after.
fn is_date_either_way(first: u32, second: u32, year: u32) -> bool {
    is_date(year, second, first) || is_date(year, first, second)
}
