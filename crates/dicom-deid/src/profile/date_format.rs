//! Date formats in the notation of Python's `strptime`, as profiles write them.
//!
//! Reading is exact: every field has its full number of digits and nothing is left over. Python's
//! own reading takes `2004119` for the 9th of November; such a value is an error here, never
//! another date.

use chrono::{NaiveDate, NaiveDateTime};

/// A format for reading and writing dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    text: String,
    parts: Vec<Part>,
    /// The format as chrono writes it.
    output: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    Space,
    /// The letter behind a `%`. Names and numbers of weekdays are read and do not count, as in
    /// Python.
    Directive(char),
}

/// The letters of the directives that can be read and written.
const DIRECTIVES: &str = "YymbBdjaAwuHIpMSf";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The year that Python takes where a format names none.
const EPOCH: i32 = 1900;

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl DateFormat {
    /// Reads a format. The error says which directive is not supported, or what is missing.
    pub fn new(text: &str) -> Result<Self, String> {
        let (mut parts, mut output) = (Vec::new(), String::new());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let part = match c {
                '%' => directive(chars.next())?,
                c if c.is_whitespace() => Part::Space,
                c => Part::Literal(c),
            };
            match part {
                // Python on Linux writes years before 1000 without leading zeros, and fractions
                // with six digits.
                Part::Directive('Y') => output.push_str("%-Y"),
                Part::Directive('f') => output.push_str("%6f"),
                Part::Directive(letter) => output.extend(['%', letter]),
                Part::Literal('%') => output.push_str("%%"),
                Part::Literal(c) => output.push(c),
                Part::Space => output.push(' '),
            }
            parts.push(part);
        }
        let format = Self {
            text: text.to_owned(),
            parts,
            output,
        };
        format.check()?;
        Ok(format)
    }

    fn check(&self) -> Result<(), String> {
        let mut letters: Vec<char> = self
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Directive(letter) => Some(*letter),
                Part::Literal(_) | Part::Space => None,
            })
            .collect();
        let count = letters.len();
        if count == 0 {
            return Err("the format names no part of a date".to_owned());
        }
        if letters.contains(&'I') != letters.contains(&'p') {
            return Err("`%I` and `%p` go together".to_owned());
        }
        letters.sort_unstable();
        letters.dedup();
        if letters.len() < count {
            return Err("the format names the same thing twice".to_owned());
        }
        Ok(())
    }

    /// The format as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it ends in a fraction of a second behind a point.
    pub fn ends_in_fraction(&self) -> bool {
        self.text.ends_with(".%f")
    }

    /// Reads a date; none where the text does not have exactly this format or names no real date.
    pub fn parse(&self, text: &str) -> Option<NaiveDateTime> {
        let mut read = Read {
            year: EPOCH,
            ..Read::default()
        };
        let mut rest = text;
        for part in &self.parts {
            rest = read.take(*part, rest)?;
        }
        if rest.is_empty() { read.finish() } else { None }
    }

    /// Writes a date as Python does on Linux.
    pub fn format(&self, date: NaiveDateTime) -> String {
        date.format(&self.output)
            .to_string()
    }
}

fn directive(letter: Option<char>) -> Result<Part, String> {
    match letter {
        Some('%') => Ok(Part::Literal('%')),
        Some(letter) if DIRECTIVES.contains(letter) => Ok(Part::Directive(letter)),
        Some(other) => Err(format!(
            "`%{}` is not supported in a date format",
            super::tree::shown(&other.to_string())
        )),
        None => Err("a date format cannot end in a single `%`".to_owned()),
    }
}

/// What has been read of a date so far.
#[derive(Default)]
struct Read {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: u32,
    afternoon: bool,
    minute: u32,
    second: u32,
    micro: u32,
}

impl Read {
    /// Takes one part off the front of the text and gives what is left.
    fn take<'a>(&mut self, part: Part, text: &'a str) -> Option<&'a str> {
        let letter = match part {
            Part::Literal(c) => return text.strip_prefix(c),
            Part::Space => {
                return text
                    .strip_prefix(char::is_whitespace)
                    .map(str::trim_start);
            }
            Part::Directive(letter) => letter,
        };
        let mut rest = text;
        let mut number = |digits| digits_of(&mut rest, digits);
        match letter {
            'Y' => self.year = i32::try_from(number(4)?).ok()?,
            'y' => {
                let year = i32::try_from(number(2)?).ok()?;
                self.year = if year < 69 { 2000 + year } else { 1900 + year };
            }
            'm' => self.month = Some(number(2)?),
            'b' => self.month = Some(number_of(&mut rest, &MONTHS, 3)?),
            'B' => self.month = Some(number_of(&mut rest, &MONTHS, usize::MAX)?),
            'a' => _ = number_of(&mut rest, &DAYS, 3)?,
            'A' => _ = number_of(&mut rest, &DAYS, usize::MAX)?,
            'w' => _ = number(1).filter(|day| *day < 7)?,
            'u' => _ = number(1).filter(|day| (1..8).contains(day))?,
            'd' => self.day = Some(number(2)?),
            'j' => self.day_of_year = Some(number(3)?),
            'H' => self.hour = number(2)?,
            'I' => self.hour = number(2).filter(|hour| (1..=12).contains(hour))? % 12,
            'p' => {
                let (half, after) = text.split_at_checked(2)?;
                self.afternoon = half.eq_ignore_ascii_case("pm");
                if !self.afternoon && !half.eq_ignore_ascii_case("am") {
                    return None;
                }
                rest = after;
            }
            'M' => self.minute = number(2)?,
            'S' => self.second = number(2)?,
            'f' => self.micro = fraction(&mut rest)?,
            _ => return None,
        }
        Some(rest)
    }

    fn finish(self) -> Option<NaiveDateTime> {
        let date = match (self.month, self.day, self.day_of_year) {
            (None, None, Some(day)) => NaiveDate::from_yo_opt(self.year, day)?,
            // What a format does not name is 1, as in Python.
            (month, day, _) => {
                NaiveDate::from_ymd_opt(self.year, month.unwrap_or(1), day.unwrap_or(1))?
            }
        };
        let hour = self.hour + if self.afternoon { 12 } else { 0 };
        // Year 0 exists for chrono and not for Python.
        if self.year < 1 {
            None
        } else {
            date.and_hms_micro_opt(hour, self.minute, self.second, self.micro)
        }
    }
}

fn digits_of(text: &mut &str, count: usize) -> Option<u32> {
    let (digits, rest) = text.split_at_checked(count)?;
    *text = rest;
    if digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
    {
        digits.parse().ok()
    } else {
        None
    }
}

/// One to six digits, as millionths.
fn fraction(text: &mut &str) -> Option<u32> {
    let count = text
        .bytes()
        .take(6)
        .take_while(u8::is_ascii_digit)
        .count();
    let digits = digits_of(text, count.max(1))?;
    Some(digits * 10_u32.pow(u32::try_from(6 - count).ok()?))
}

/// The number of the name, from 1, whose first letters the text begins with in any case.
fn number_of(text: &mut &str, names: &[&str], letters: usize) -> Option<u32> {
    for (number, name) in (1..).zip(names) {
        let name = name.get(..letters).unwrap_or(name);
        if let Some((start, rest)) = text.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
        {
            *text = rest;
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(format: &str, text: &str) -> Option<String> {
        DateFormat::new(format)
            .unwrap()
            .parse(text)
            .map(|date| {
                date.format("%Y-%m-%d %H:%M:%S%.6f")
                    .to_string()
            })
    }

    #[test]
    fn reads_what_has_exactly_the_format() {
        assert_eq!(
            shown("%Y%m%d", "20040119").unwrap(),
            "2004-01-19 00:00:00.000000"
        );
        assert_eq!(
            shown("%Y%m%d%H%M%S.%f", "20040119072730.5").unwrap(),
            "2004-01-19 07:27:30.500000"
        );
        assert_eq!(
            shown("%d %b %y", "19 jan 68").unwrap(),
            "2068-01-19 00:00:00.000000"
        );
        assert_eq!(
            shown("%B %d, %Y", "March 05, 1999").unwrap(),
            "1999-03-05 00:00:00.000000"
        );
        assert_eq!(
            shown("%Y%j", "2004060").unwrap(),
            "2004-02-29 00:00:00.000000"
        );
        assert_eq!(
            shown("%Y-%m-%d %I:%M %p", "2004-01-19 12:05 AM").unwrap(),
            "2004-01-19 00:05:00.000000"
        );
        assert_eq!(
            shown("%Y%m", "200402").unwrap(),
            "2004-02-01 00:00:00.000000"
        );
        assert_eq!(
            shown("%H%M%S", "072730").unwrap(),
            "1900-01-01 07:27:30.000000"
        );
        assert_eq!(
            shown("%A %d %b %Y", "monday 19 Jan 2004").unwrap(),
            "2004-01-19 00:00:00.000000"
        );
        assert_eq!(
            shown("%Y%m%d %w", "20040119 1").unwrap(),
            "2004-01-19 00:00:00.000000"
        );
        assert_eq!(shown("%Y%m%d %u", "20040119 8"), None);
        assert_eq!(
            shown("%Y%%%m%d", "2004%0119").unwrap(),
            "2004-01-19 00:00:00.000000"
        );
    }

    #[test]
    fn refuses_partial_and_wrong_dates() {
        for text in [
            "2004119",
            "200411",
            "2004",
            "200401",
            "2004.01.19",
            "20041301",
            "20040230",
            "200401190",
            "",
            "00000101",
            "２００４0119",
        ] {
            assert_eq!(shown("%Y%m%d", text), None, "{text}");
        }
        for text in [
            "200401190727",
            "2004011907",
            "20040119072730.1234567",
            "20040119072760.0",
            "20040119072730.",
        ] {
            assert_eq!(shown("%Y%m%d%H%M%S.%f", text), None, "{text}");
        }
    }

    #[test]
    fn refuses_formats_that_it_cannot_carry_out() {
        for format in [
            "Y",
            "%U",
            "%Y%m%d%Z",
            "%Y%m%d%z",
            "%c",
            "timestamp",
            "%",
            "%Y%Y%m%d",
            "%Y%m%d%I",
        ] {
            assert!(DateFormat::new(format).is_err(), "{format}");
        }
    }

    #[test]
    fn writes_every_directive_as_python_does() {
        let date = NaiveDate::from_ymd_opt(2004, 2, 9)
            .unwrap()
            .and_hms_micro_opt(19, 7, 5, 42)
            .unwrap();
        for (format, written) in [
            ("%d.%m.%y\t%j", "09.02.04 040"),
            ("%b %B %a %A %w%u", "Feb February Mon Monday 11"),
            ("%H:%M:%S.%f", "19:07:05.000042"),
            ("%I %p %% %Y", "07 PM % 2004"),
        ] {
            assert_eq!(
                DateFormat::new(format)
                    .unwrap()
                    .format(date),
                written
            );
        }
    }

    #[test]
    fn writes_years_as_python_does() {
        let format = DateFormat::new("%Y%m%d").unwrap();
        let date = NaiveDate::from_ymd_opt(999, 12, 15)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap();
        assert_eq!(format.format(date), "9991215");
        let weekday = DateFormat::new("%a %A %w %u").unwrap();
        let sunday = NaiveDate::from_ymd_opt(2004, 1, 18)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap();
        assert_eq!(weekday.format(sunday), "Sun Sunday 0 7");
    }
}
