//! Shifting dates by a number of days.
//!
//! A date that does not have its format exactly is an error: misreading it would shift it to a
//! wrong one.

use chrono::{Datelike, Local, NaiveDateTime, TimeDelta};

use super::number_jitter;
use crate::profile::{DateBound, DateBounds, DateFormat, DateJitter};

/// How a rule shifts dates.
#[derive(Clone)]
pub struct DateShift {
    pub by: TimeDelta,
    pub format: DateFormat,
    /// Whether a time zone at the end is set aside.
    pub with_time: bool,
    pub jitter: Option<DateJitter>,
    /// The earliest and the latest result.
    pub between: (Option<NaiveDateTime>, Option<NaiveDateTime>),
}

/// Why a date cannot be shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateShiftError {
    /// The text does not have the format.
    Format,
    /// The result would lie outside the years 1 to 9999.
    Range,
    /// The operating system gave no random numbers.
    NoRandomness,
}

/// The bounds as points in time; those that count from today begin with the day, not with the time
/// of the run.
pub fn settled(bounds: &DateBounds) -> (Option<NaiveDateTime>, Option<NaiveDateTime>) {
    let settle = |bound: &Option<DateBound>| match bound {
        None => None,
        Some(DateBound::On(day)) => day.and_hms_opt(0, 0, 0),
        Some(DateBound::FromToday(days)) => {
            let date = Local::now()
                .naive_local()
                .checked_add_signed(span(*days))?;
            date.date().and_hms_opt(0, 0, 0)
        }
    };
    (settle(&bounds.min), settle(&bounds.max))
}

/// Days as a time span, to the microsecond.
pub fn span(days: f64) -> TimeDelta {
    // The profile's loader bounds the days, so the number fits.
    #[allow(clippy::cast_possible_truncation)]
    TimeDelta::microseconds((days * 86_400e6).round_ties_even() as i64)
}

impl DateShift {
    /// The shifted dates: values between commas each for itself, empty ones kept, joined by
    /// backslashes.
    pub fn apply(&self, text: &str) -> Result<String, DateShiftError> {
        let values = text.split(',').map(|value| {
            if value.is_empty() {
                Ok(String::new())
            } else {
                self.one(value)
            }
        });
        Ok(values
            .collect::<Result<Vec<_>, _>>()?
            .join("\\"))
    }

    fn one(&self, value: &str) -> Result<String, DateShiftError> {
        let (value, zone) = if self.with_time {
            split_zone(value)
        } else {
            (value, "")
        };
        let completed;
        let value = if self.format.ends_in_fraction() && !value.contains('.') {
            completed = format!("{value}.0");
            &completed
        } else {
            value
        };
        let date = self
            .format
            .parse(value)
            .ok_or(DateShiftError::Format)?;
        let shifted = date
            .checked_add_signed(self.by()?)
            .ok_or(DateShiftError::Range)?;
        let shifted = self
            .between
            .0
            .map_or(shifted, |min| shifted.max(min));
        let shifted = self
            .between
            .1
            .map_or(shifted, |max| shifted.min(max));
        if !(1..=9999).contains(&shifted.year()) {
            return Err(DateShiftError::Range);
        }
        Ok(self.format.format(shifted) + zone)
    }

    /// How far one value goes: each has its own random part.
    fn by(&self) -> Result<TimeDelta, DateShiftError> {
        let Some(jitter) = &self.jitter else {
            return Ok(self.by);
        };
        let count = number_jitter::units(jitter).map_err(|_| DateShiftError::NoRandomness)?;
        jitter
            .unit
            .times(count)
            .and_then(|random| self.by.checked_add(&random))
            .ok_or(DateShiftError::Range)
    }
}

/// Cuts `+ZZZZ` or `-ZZ:ZZ` off the end.
fn split_zone(value: &str) -> (&str, &str) {
    let at = value
        .rfind(['+', '-'])
        .unwrap_or(value.len());
    let (rest, zone) = value.split_at(at);
    match zone.as_bytes() {
        [_, a, b, c, d] | [_, a, b, b':', c, d]
            if [a, b, c, d]
                .into_iter()
                .all(u8::is_ascii_digit) =>
        {
            (rest, zone)
        }
        _ => (value, ""),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::profile::JitterUnit;

    fn shift(
        format: &str,
        days: f64,
        with_time: bool,
        text: &str,
    ) -> Result<String, DateShiftError> {
        plain(format, days, with_time).apply(text)
    }

    fn plain(format: &str, days: f64, with_time: bool) -> DateShift {
        let format = DateFormat::new(format).unwrap();
        DateShift {
            by: span(days),
            format,
            with_time,
            jitter: None,
            between: (None, None),
        }
    }

    fn date(text: &str) -> Result<String, DateShiftError> {
        shift("%Y%m%d", -17.0, false, text)
    }

    fn time(text: &str) -> Result<String, DateShiftError> {
        shift("%Y%m%d%H%M%S.%f", -17.0, true, text)
    }

    #[test]
    fn dates_give_the_known_answers() {
        assert_eq!(date("20040119").unwrap(), "20040102");
        assert_eq!(date("19000101").unwrap(), "18991215");
        assert_eq!(date("10000101").unwrap(), "9991215");
        assert_eq!(date("20040119,20040120").unwrap(), "20040102\\20040103");
        assert_eq!(date("20040119,").unwrap(), "20040102\\");
        assert_eq!(shift("%Y%m%d", 1.5, false, "20040119").unwrap(), "20040120");
        for text in [
            "2004.01.19",
            "2004",
            "200401",
            "2004-01-19",
            "20040119-20040120",
            "20041301",
            "20040119120000",
            "072730",
        ] {
            assert_eq!(date(text), Err(DateShiftError::Format), "{text}");
        }
        // Flywheel's engine reads these as other dates.
        assert_eq!(date("2004119"), Err(DateShiftError::Format));
        assert_eq!(date("200411"), Err(DateShiftError::Format));
        assert_eq!(date("00010110"), Err(DateShiftError::Range));
        assert_eq!(
            shift("%Y%m%d", 17.0, false, "99991231"),
            Err(DateShiftError::Range)
        );
    }

    #[test]
    fn datetimes_give_the_known_answers() {
        assert_eq!(time("20040119072730").unwrap(), "20040102072730.000000");
        assert_eq!(time("20040119072730.5").unwrap(), "20040102072730.500000");
        assert_eq!(
            time("20040119072730+0100").unwrap(),
            "20040102072730.000000+0100"
        );
        assert_eq!(
            time("20040119072730-01:00").unwrap(),
            "20040102072730.000000-01:00"
        );
        for text in [
            "20040119072730.1234567",
            "20040119",
            "2004",
            "20040119072760",
            "200401190727",
            "2004011907",
        ] {
            assert_eq!(time(text), Err(DateShiftError::Format), "{text}");
        }
        assert_eq!(
            shift("%Y%m%d", -17.0, true, "20040119").unwrap(),
            "20040102"
        );
    }

    #[test]
    fn results_stay_between_the_bounds() {
        let day = |text: &str| DateBound::On(NaiveDate::parse_from_str(text, "%Y%m%d").unwrap());
        let with = |min, max| DateShift {
            between: settled(&DateBounds { min, max }),
            ..plain("%Y%m%d%H%M%S.%f", -17.0, true)
        };
        assert_eq!(
            with(Some(day("20050101")), None)
                .apply("20040119072730")
                .unwrap(),
            "20050101000000.000000"
        );
        assert_eq!(
            with(None, Some(day("20030101")))
                .apply("20040119072730+0100")
                .unwrap(),
            "20030101000000.000000+0100"
        );
        assert_eq!(
            with(Some(day("20030101")), None)
                .apply("20040119072730")
                .unwrap(),
            "20040102072730.000000"
        );
        let recent = with(Some(DateBound::FromToday(-365.25)), None)
            .apply("19000101000000")
            .unwrap();
        assert!(
            recent.starts_with(['1', '2'])
                && recent
                    .get(4..)
                    .is_some_and(|rest| rest.ends_with("000000.000000"))
        );
        assert!(*recent > *"2025");
    }

    #[test]
    fn jitter_is_added_to_the_days() {
        let jittered = |unit| DateShift {
            jitter: Some(DateJitter { range: 2, unit }),
            ..plain("%Y%m%d%H%M%S.%f", -17.0, true)
        };
        let seen: std::collections::BTreeSet<_> = (0..300)
            .map(|_| {
                jittered(JitterUnit::Days)
                    .apply("20040119072730")
                    .unwrap()
            })
            .collect();
        let days = ["20031231", "20040101", "20040103", "20040104"]
            .map(|day| format!("{day}072730.000000"));
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), days);
        let hours = jittered(JitterUnit::Hours)
            .apply("20040119072730")
            .unwrap();
        assert!(
            ["05", "06", "08", "09"].contains(&hours.get(8..10).unwrap()),
            "{hours}"
        );
    }
}
