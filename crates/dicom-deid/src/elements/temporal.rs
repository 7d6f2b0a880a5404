//! Dates, times and ages as the Basic Profile changes them: text in, text out.
//!
//! Owns the forms of DA, DT, TM and AS. What has none of them is [`Unreadable`] and never passed
//! on: a date read wrongly would be shifted to a wrong one, a date passed on would not be shifted
//! at all.

mod dates_in_text;

use chrono::{Datelike, NaiveDate, TimeDelta};
use dicom_core::VR;

pub use dates_in_text::dates_in_text;
#[cfg(test)]
pub(super) use spellings::spellings;

/// Why a value cannot be changed. It never says the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The value has none of the forms of its VR.
    Form,
    /// The calendar has no such day.
    Day,
    /// The result would lie outside the years 1 to 9999.
    Range,
}

/// The value moved by whole days. Multiple values, ranges of a query (`a-b`, `-b`, `a-`),
/// precision, fraction, offset from UTC and the legacy form of a date are kept; padding is not.
/// Times are checked and do not move.
pub fn shift(text: &str, vr: VR, days: i64) -> Result<String, Unreadable> {
    let one = match vr {
        VR::DA => date,
        VR::DT => date_time,
        VR::TM => time,
        _ => return Err(Unreadable::Form),
    };
    let values: Result<Vec<_>, _> = text
        .split('\\')
        .map(|value| ranged(unpadded(value), days, one))
        .collect();
    values.map(|values| values.join("\\"))
}

/// The value without trailing spaces and NULs.
fn unpadded(value: &str) -> &str {
    value.trim_end_matches([' ', '\0'])
}

type Moved = fn(&str, i64) -> Result<String, Unreadable>;

/// One value, or a range of two of which one may be missing. A hyphen that can begin an offset from
/// UTC does so, as PS3.4 section C.2.2.2.5 says.
fn ranged(value: &str, days: i64, one: Moved) -> Result<String, Unreadable> {
    let end = |text: &str| {
        if text.is_empty() {
            Ok(String::new())
        } else {
            one(text, days)
        }
    };
    let single = match end(value) {
        Ok(moved) => return Ok(moved),
        Err(error) => error,
    };
    let splits = value
        .match_indices('-')
        .filter_map(|(at, _)| Some((value.get(..at)?, value.get(at + 1..)?)));
    for (from, to) in splits.filter(|(from, to)| !from.is_empty() || !to.is_empty()) {
        match (end(from), end(to)) {
            (Ok(from), Ok(to)) => return Ok(format!("{from}-{to}")),
            (Err(error @ (Unreadable::Day | Unreadable::Range)), Ok(_))
            | (Ok(_), Err(error @ (Unreadable::Day | Unreadable::Range))) => return Err(error),
            _ => {}
        }
    }
    Err(single)
}

/// `YYYYMMDD`, or `YYYY.MM.DD` of ACR-NEMA.
fn date(value: &str, days: i64) -> Result<String, Unreadable> {
    let points = value
        .match_indices('.')
        .map(|(at, _)| at);
    let (digits, point) = if value.len() == 10 && points.eq([4, 7]) {
        (value.replace('.', ""), ".")
    } else {
        (value.to_owned(), "")
    };
    Ok(written(moved(day(&digits)?, days)?, point))
}

fn written(day: NaiveDate, point: &str) -> String {
    format!(
        "{:04}{point}{:02}{point}{:02}",
        day.year(),
        day.month(),
        day.day()
    )
}

/// `YYYY[MM[DD[HH[MM[SS[.F]]]]]][&ZZXX]`. A year or month is moved from its middle, the 2nd of July
/// or the 15th: of all results with the same precision that one is right most often.
fn date_time(value: &str, days: i64) -> Result<String, Unreadable> {
    let (moment, offset) = split_offset(value);
    let whole = moment
        .find('.')
        .and_then(|at| moment.get(..at))
        .unwrap_or(moment);
    let (date, clock) = moment
        .split_at_checked(8.min(whole.len()))
        .ok_or(Unreadable::Form)?;
    if !clock.is_empty() {
        if date.len() < 8 {
            return Err(Unreadable::Form);
        }
        is_clock(clock).ok_or(Unreadable::Form)?;
    }
    Ok(moved_to_precision(date, days)? + clock + offset)
}

/// `YYYY`, `YYYYMM` or `YYYYMMDD`, moved, in the same form.
fn moved_to_precision(date: &str, days: i64) -> Result<String, Unreadable> {
    let middle = match date.len() {
        4 => "0702",
        6 => "15",
        _ => "",
    };
    let day = day(&format!("{date}{middle}"))?;
    let mut moved = written(moved(day, days)?, "");
    moved.truncate(date.len());
    Ok(moved)
}

/// `HH[MM[SS[.F]]]`, or `HH:MM[:SS[.F]]` of ACR-NEMA; unchanged.
fn time(value: &str, _days: i64) -> Result<String, Unreadable> {
    let colons = value
        .match_indices(':')
        .map(|(at, _)| at)
        .collect::<Vec<_>>();
    let digits = match colons.as_slice() {
        [] => value.to_owned(),
        [2] if value.len() == 5 => value.replace(':', ""),
        [2, 5] if value.len() >= 8 => value.replace(':', ""),
        _ => return Err(Unreadable::Form),
    };
    is_clock(&digits)
        .map(|()| value.to_owned())
        .ok_or(Unreadable::Form)
}

/// The most digits of a fraction: six by the standard, nanoseconds by many writers.
const LONGEST_FRACTION: usize = 9;

/// Whether this is `HH[MM[SS[.F]]]` with one to nine digits of a fraction; a leap second is second
/// 60.
fn is_clock(text: &str) -> Option<()> {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if !matches!(whole.len(), 2 | 4 | 6) {
        return None;
    }
    for (at, largest) in [(0, 23), (2, 59), (4, 60)] {
        if at < whole.len() && number(whole.get(at..at + 2)?)? > largest {
            return None;
        }
    }
    let Some(fraction) = fraction else {
        return Some(());
    };
    number(fraction)?;
    (whole.len() == 6 && fraction.len() <= LONGEST_FRACTION).then_some(())
}

/// Cuts a possible offset from UTC, -1200 to +1400, off the end.
fn split_offset(value: &str) -> (&str, &str) {
    let Some((moment, offset)) = value
        .len()
        .checked_sub(5)
        .and_then(|at| value.split_at_checked(at))
    else {
        return (value, "");
    };
    let largest = match offset.as_bytes().first() {
        Some(b'+') => 1400,
        Some(b'-') => 1200,
        _ => return (value, ""),
    };
    let fits = offset
        .get(1..)
        .and_then(number)
        .is_some_and(|number| number <= largest && number % 100 < 60);
    if fits { (moment, offset) } else { (value, "") }
}

/// The day that eight digits name.
fn day(digits: &str) -> Result<NaiveDate, Unreadable> {
    if digits.len() != 8 {
        return Err(Unreadable::Form);
    }
    let part = |from, to| {
        digits
            .get(from..to)
            .and_then(number)
            .ok_or(Unreadable::Form)
    };
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let year = i32::try_from(year)
        .ok()
        .filter(|year| *year >= 1)
        .ok_or(Unreadable::Day)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(Unreadable::Day)
}

fn moved(day: NaiveDate, days: i64) -> Result<NaiveDate, Unreadable> {
    let moved = TimeDelta::try_days(days).and_then(|span| day.checked_add_signed(span));
    moved
        .filter(|day| (1..=9999).contains(&day.year()))
        .ok_or(Unreadable::Range)
}

/// The number that these digits, and nothing but digits, write.
fn number(digits: &str) -> Option<u32> {
    let is_number = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|_| is_number)
}

/// What every age above 89 years becomes.
const CAPPED: &str = "090Y";

/// The fewest days, weeks, months and years that make 90 years.
const LIMITS: [(char, u32); 4] = [('D', 32_872), ('W', 4_696), ('M', 1_080), ('Y', 90)];

/// The ages with every one above 89 years written as `090Y`; none where nothing changes. Strict is
/// `nnnD`, `W`, `M` or `Y`. Fewer or more digits (`45Y`, `1090M`) and a small letter are read too,
/// and left as they are below the limit: they are ages beyond doubt. A number without a unit
/// counts years, as people write them.
pub fn cap_age(text: &str) -> Result<Option<String>, Unreadable> {
    let ages: Vec<_> = text
        .split('\\')
        .map(unpadded)
        .collect();
    let capped: Vec<_> = ages
        .iter()
        .map(|age| capped(age))
        .collect::<Result<_, _>>()?;
    Ok((capped != ages).then(|| capped.join("\\")))
}

fn capped(age: &str) -> Result<&str, Unreadable> {
    if age.is_empty() {
        return Ok(age);
    }
    let digits = age.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match age
        .get(digits.len()..)
        .unwrap_or_default()
        .as_bytes()
    {
        [] => 'Y',
        [letter] => char::from(letter.to_ascii_uppercase()),
        _ => return Err(Unreadable::Form),
    };
    let (_, limit) = LIMITS
        .into_iter()
        .find(|(letter, _)| *letter == unit)
        .ok_or(Unreadable::Form)?;
    let digits = Some(digits.trim_matches(' ')).filter(|digits| (1..=5).contains(&digits.len()));
    let count = digits
        .and_then(number)
        .ok_or(Unreadable::Form)?;
    Ok(if count >= limit { CAPPED } else { age })
}

#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;
