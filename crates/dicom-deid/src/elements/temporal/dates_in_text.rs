//! Where dates stand in free text, to be removed. Finds rather too much than too little.
//!
//! Taken for dates, each with the time behind it: `20040119`, `19012004` and `20040119072730`;
//! year, month and day, or day and month in either order and year, between `-`, `/`, `.`, `_` or
//! spaces; years of two digits between `-`, `/` and `.`; months by name (English, German, French,
//! Spanish) with a day, a year or both; `01/2004` and `2004-01`. Years are those from 1880 to 2100.
//! Any other number is none: not six digits in a row (`040119` is a time as well), not a year alone,
//! not a day and month in numbers (`01.02.`).

use std::ops::Range;

/// The places of the dates, in order. A text without a digit costs one look at each byte.
pub fn dates_in_text(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let Some(mut at) = bytes
        .iter()
        .position(u8::is_ascii_digit)
    else {
        return found;
    };
    // A month's name may stand before the first digit.
    at = word_before(bytes, at);
    while at < bytes.len() {
        let here = Cursor { text, at };
        match date_here(here) {
            Some(end) => {
                // The second of two dates is not the time of the first.
                let end = if date_here(end.skip(b" -,_", 3)).is_some() {
                    end
                } else {
                    past_time(end)
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
    let pairs = bytes
        .get(from..digit)
        .unwrap_or_default()
        .windows(2);
    let first = pairs
        .into_iter()
        .position(|pair| matches!(pair, [first, second] if may_begin_month(*first, *second)));
    first.map_or(digit, |first| from + first)
}

/// The end of the date that begins here.
fn date_here(here: Cursor) -> Option<Cursor> {
    let byte = here.peek()?;
    if byte.is_ascii_alphabetic() {
        return if here.follows_letter() {
            None
        } else {
            month_first(here)
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

/// `20040119`, `19012004`, `01192004`, or a date and time of ten digits and more.
fn compact(here: Cursor) -> Option<Cursor> {
    let digits = here.digits();
    let (date, rest) = digits.split_at_checked(8)?;
    let part = |from: usize, to: usize| number(date.get(from..to)?);
    let year_first = is_date(part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let year_last = is_date_either_way(part(0, 2)?, part(2, 4)?, part(4, 8)?);
    let hour = rest.get(..2).and_then(number);
    let is_moment = year_first && hour.is_some_and(|hour| hour < 24);
    ((rest.is_empty() && (year_first || year_last)) || is_moment).then(|| here.step(digits.len()))
}

/// `2004-01-19`, `2004/1/19`, `2004 01 19`, `2004-Jan-19`, `2004Jan19`, `2004年1月19日`, `2004-01`.
fn year_first(here: Cursor) -> Option<Cursor> {
    let (year, after) = here
        .number(4, 4)
        .filter(|(year, _)| is_year(*year))?;
    if let Some((month, after)) = after.skip(b" -./_", 2).month() {
        let (day, end) = after
            .skip(b" -./_", 2)
            .number(1, 2)?;
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
        let close = after
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        let (month, named) = after
            .skip(b" -./_,", 3)
            .connective()
            .month()?;
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
    let year = next
        .one_of(&[separator])?
        .1
        .skip(b" ", space);
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
    let Some((_, after)) = apart
        .number(1, 2)
        .filter(|(day, _)| is_day(month, *day))
    else {
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
    let year = named
        .skip(b" -./_,'", 3)
        .connective();
    let long = year
        .number(4, 4)
        .filter(|(year, _)| is_year(*year));
    // Behind a space, `07` may be the hour.
    let marked = named.peek() != Some(b' ') || year.at > named.at + 1;
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

/// Past the time behind a date, its fraction and its offset from UTC, where there is one.
fn past_time(date: Cursor) -> Cursor {
    // A date and time in one run of digits continues with a fraction or an offset.
    let direct = if date.digits().is_empty() {
        finished(date)
    } else {
        date
    };
    written_time(date)
        .or_else(|| compact_time(date))
        .unwrap_or(direct)
}

/// `, 07:27:30.5 PM +01:00`, ` at 7:27`, `T07:27:30Z`, ` 07h27`, `_07-27-30`.
fn written_time(date: Cursor) -> Option<Cursor> {
    let apart = date
        .skip(b",", 1)
        .skip(b" Tt_-@:.", 3);
    let apart = ["at ", "um ", "a las ", "\u{e0} "]
        .iter()
        .find_map(|word| apart.past(word))
        .unwrap_or(apart);
    let (_, after) = apart
        .number(1, 2)
        .filter(|(hour, _)| *hour < 25)?;
    let (separator, minutes) = after.one_of(b":hH-._")?;
    let (_, after) = minutes
        .number(2, 2)
        .filter(|(minute, _)| *minute < 60)?;
    let seconds = after
        .one_of(&[separator])
        .and_then(|(_, seconds)| seconds.number(2, 2));
    match seconds {
        Some((_, end)) => Some(finished(end)),
        // `1.25` is rather a number.
        None => matches!(separator, b':' | b'h' | b'H').then(|| finished(after)),
    }
}

/// `T072730`, `_0727`, `-072730`, ` 072730`.
fn compact_time(date: Cursor) -> Option<Cursor> {
    let (separator, clock) = date.one_of(b"Tt_- ")?;
    let digits = clock.digits();
    let counts: &[usize] = match separator {
        b' ' => &[6],
        b'T' | b't' => &[2, 4, 6],
        _ => &[4, 6],
    };
    let limits = [b"24".as_slice(), b"59", b"60"];
    let fits = digits
        .chunks(2)
        .zip(limits)
        .all(|(pair, limit)| pair <= limit);
    (counts.contains(&digits.len()) && fits).then(|| finished(clock.step(digits.len())))
}

/// Past fraction, half of the day and offset from UTC.
fn finished(time: Cursor) -> Cursor {
    let fraction = time
        .one_of(b".,")
        .map(|(_, fraction)| fraction)
        .filter(|fraction| !fraction.digits().is_empty());
    let time = fraction.map_or(time, |fraction| fraction.step(fraction.digits().len()));
    let spaced = time.skip(b" ", 1);
    let half = ["am", "pm", "a.m.", "p.m.", "uhr", "z"]
        .iter()
        .find_map(|word| spaced.past(word));
    let time = half
        .filter(|after| {
            !after
                .peek()
                .is_some_and(|byte| byte.is_ascii_alphabetic())
        })
        .unwrap_or(time);
    offset(time).unwrap_or(time)
}

/// `+0100`, ` -05:00`.
fn offset(time: Cursor) -> Option<Cursor> {
    let (_, zone) = time.skip(b" ", 1).one_of(b"+-")?;
    zone.number(4, 4)
        .map(|(_, end)| end)
        .or_else(|| {
            let (_, hours) = zone.number(2, 2)?;
            hours
                .past(":")
                .and_then(|minutes| minutes.number(2, 2))
                .map(|(_, end)| end)
        })
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

/// The number that a few digits write.
fn number(digits: &[u8]) -> Option<u32> {
    str::from_utf8(digits)
        .ok()?
        .parse()
        .ok()
}

impl<'a> Cursor<'a> {
    fn rest(self) -> &'a [u8] {
        self.text
            .as_bytes()
            .get(self.at..)
            .unwrap_or_default()
    }

    fn before(self, bytes: usize) -> Option<u8> {
        self.text
            .as_bytes()
            .get(self.at.checked_sub(bytes)?)
            .copied()
    }

    fn peek(self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn step(self, bytes: usize) -> Self {
        Self {
            at: self.at + bytes,
            ..self
        }
    }

    /// All digits from here on.
    fn digits(self) -> &'a [u8] {
        let rest = self.rest();
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.get(..count)
            .unwrap_or_default()
    }

    /// The number here, if it has `fewest` to `most` digits, and what follows it.
    fn number(self, fewest: usize, most: usize) -> Option<(u32, Self)> {
        let digits = self.digits();
        if !(fewest..=most).contains(&digits.len()) {
            return None;
        }
        Some((number(digits)?, self.step(digits.len())))
    }

    /// The byte here, if it is one of these, and what follows it.
    fn one_of(self, set: &[u8]) -> Option<(u8, Self)> {
        self.peek()
            .filter(|byte| set.contains(byte))
            .map(|byte| (byte, self.step(1)))
    }

    /// Past at most `most` of these bytes.
    fn skip(self, set: &[u8], most: usize) -> Self {
        let count = self
            .rest()
            .iter()
            .take(most)
            .take_while(|byte| set.contains(byte))
            .count();
        self.step(count)
    }

    /// The word here and what follows it.
    fn word(self) -> (&'a str, Self) {
        let rest = self.rest();
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let length = rest
            .iter()
            .take_while(|byte| is_letter(byte))
            .count();
        (
            self.text
                .get(self.at..self.at + length)
                .unwrap_or_default(),
            self.step(length),
        )
    }

    /// The month named here, and what follows the name and its full stop.
    fn month(self) -> Option<(u32, Self)> {
        match self.rest() {
            [first, second, ..] if may_begin_month(*first, *second) => {
                let (word, after) = self.word();
                Some((month_of_name(word)?, after.skip(b".", 1)))
            }
            _ => None,
        }
    }

    /// Past this very word, if one of them stands here.
    fn past_word(self, words: &[&str]) -> Option<Self> {
        let (word, after) = self.word();
        words
            .iter()
            .any(|one| one.eq_ignore_ascii_case(word))
            .then_some(after)
    }

    /// Past what makes a number an ordinal: `19th`, `1er`.
    fn ordinal(self) -> Self {
        self.past_word(&["st", "nd", "rd", "th", "er", "º", "ª"])
            .unwrap_or(self)
    }

    /// Past `of`, `de` or `del` and a space.
    fn connective(self) -> Self {
        self.past_word(&["of", "de", "del"])
            .map_or(self, |after| after.skip(b" ", 1))
    }

    fn follows_digit(self) -> bool {
        self.before(1)
            .is_some_and(|byte| byte.is_ascii_digit())
    }

    fn follows_letter(self) -> bool {
        self.before(1)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    }

    /// Whether a digit and this byte stand before.
    fn follows_digit_and(self, separator: u8) -> bool {
        self.before(1) == Some(separator)
            && self
                .before(2)
                .is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Past this text.
    fn past(self, text: &str) -> Option<Self> {
        let here = self.rest().get(..text.len())?;
        here.eq_ignore_ascii_case(text.as_bytes())
            .then(|| self.step(text.len()))
    }
}

/// The names of each month, in small letters.
const NAMES: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jän", "jänner", "janvier", "janv", "enero", "ene",
    ],
    &[
        "february", "feb", "februar", "feber", "février", "fevrier", "févr", "fevr", "fév",
        "febrero",
    ],
    &[
        "march", "mar", "märz", "maerz", "mrz", "mär", "mars", "marzo",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "juil", "julio"],
    &["august", "aug", "août", "aout", "agosto", "ago"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "setiembre",
    ],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "decembre",
        "déc",
        "diciembre",
        "dic",
    ],
];

/// The length in bytes of the longest name.
const LONGEST: usize = 10;

/// Whether a name may begin with these two bytes; most words of a text do not.
fn may_begin_month(first: u8, second: u8) -> bool {
    let (first, second) = (
        first | 0x20,
        if second.is_ascii() {
            second | 0x20
        } else {
            second
        },
    );
    match first {
        b'a' => matches!(second, b'b' | b'g' | b'o' | b'p' | b'u' | b'v'),
        b'd' => matches!(second, b'e' | b'i') || !second.is_ascii(),
        b'e' | b's' => matches!(second, b'e' | b'n'),
        b'f' => second == b'e' || !second.is_ascii(),
        b'j' => matches!(second, b'a' | b'u') || !second.is_ascii(),
        b'm' => matches!(second, b'a' | b'r') || !second.is_ascii(),
        b'n' => second == b'o',
        b'o' => matches!(second, b'c' | b'k'),
        _ => false,
    }
}

/// The month, from 1, that a word names in any of the languages.
fn month_of_name(word: &str) -> Option<u32> {
    if !(3..=LONGEST).contains(&word.len()) {
        return None;
    }
    let named = if word.is_ascii() {
        NAMES.iter().position(|names| {
            names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word))
        })
    } else {
        let small = word.to_lowercase();
        NAMES
            .iter()
            .position(|names| names.contains(&small.as_str()))
    };
    named.and_then(|at| u32::try_from(at + 1).ok())
}

/// The names of a month, counted from 1.
#[cfg(test)]
pub fn month_names(month: u32) -> &'static [&'static str] {
    month
        .checked_sub(1)
        .and_then(|at| NAMES.get(at as usize))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
