//! Random parts of a change, and the bounds that a result is held between: what a profile can say
//! about them.
//!
//! Nothing is drawn here.

use chrono::{NaiveDate, TimeDelta};
use dicom_core::VR;
use serde_json::{Value, json};

use super::action::is_number_text;
use super::date_format::DateFormat;
use super::read::days;
use super::tree::{Entry, Kind, Node, Problem, find, option};

/// The range of `jitter` where neither field nor profile state one.
pub(super) const DEFAULT_RANGE: f64 = 2.0;
/// The range of `jitter-date` where the field states none.
const DEFAULT_DATE_RANGE: f64 = 10.0;
/// No calendar and no measurement needs more.
const LARGEST_RANGE: f64 = 1e15;

/// `jitter`: adds a random number that is not zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Jitter {
    /// The number lies between minus this and this; none leaves it to the profile.
    pub range: Option<f64>,
    /// Whether whole numbers are drawn, and the element must hold one.
    pub whole: bool,
    /// The least result.
    pub min: Option<f64>,
    /// The largest result.
    pub max: Option<f64>,
}

/// `jitter-date`: a random number of units, not zero, on top of the days.
#[derive(Debug, Clone, PartialEq)]
pub struct DateJitter {
    /// The number lies between minus this and this.
    pub range: u32,
    /// What is counted.
    pub unit: JitterUnit,
}

/// What `jitter-date` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JitterUnit {
    /// Seven days.
    Weeks,
    /// Days.
    Days,
    /// Hours.
    Hours,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
}

const UNITS: [(&str, JitterUnit); 7] = [
    ("weeks", JitterUnit::Weeks),
    ("days", JitterUnit::Days),
    ("hours", JitterUnit::Hours),
    ("minutes", JitterUnit::Minutes),
    ("seconds", JitterUnit::Seconds),
    ("milliseconds", JitterUnit::Milliseconds),
    ("microseconds", JitterUnit::Microseconds),
];

impl JitterUnit {
    /// Its name in a profile.
    pub fn name(self) -> &'static str {
        UNITS
            .iter()
            .find(|(_, unit)| *unit == self)
            .map_or("days", |(name, _)| name)
    }

    /// So many of it as a time span; none beyond what a calendar holds.
    pub fn times(self, count: i64) -> Option<TimeDelta> {
        match self {
            Self::Weeks => TimeDelta::try_weeks(count),
            Self::Days => TimeDelta::try_days(count),
            Self::Hours => TimeDelta::try_hours(count),
            Self::Minutes => TimeDelta::try_minutes(count),
            Self::Seconds => TimeDelta::try_seconds(count),
            Self::Milliseconds => TimeDelta::try_milliseconds(count),
            Self::Microseconds => Some(TimeDelta::microseconds(count)),
        }
    }
}

/// `datetime-min` and `datetime-max`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bounds {
    /// The earliest result.
    pub min: Option<Bound>,
    /// The latest result.
    pub max: Option<Bound>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// The beginning of a day.
    On(NaiveDate),
    /// So many days after the day of the run, or before it.
    FromToday(f64),
}

impl Bound {
    fn canonical(&self) -> Value {
        match self {
            Self::On(day) => json!(day.to_string()),
            Self::FromToday(days) => json!(days),
        }
    }
}

impl Jitter {
    /// Why a number can never be changed so in an element of this VR.
    pub(super) fn misfit(&self, vr: VR) -> Option<String> {
        match vr {
            VR::SS | VR::SL | VR::SV | VR::UV if !self.whole => Some(format!(
                "{} takes whole numbers; set `jitter-type` to int",
                vr.to_string()
            )),
            VR::SS | VR::SL | VR::SV | VR::US | VR::UL | VR::UV | VR::FL | VR::FD => None,
            _ if is_number_text(vr) => None,
            _ => Some(format!(
                "`jitter` needs a number, and the element is {}",
                vr.to_string()
            )),
        }
    }

    pub(super) fn canonical(&self, profile_range: f64) -> Value {
        json!([
            self.range.unwrap_or(profile_range),
            self.whole,
            self.min,
            self.max
        ])
    }
}

/// What counts of a date's jitter and bounds for a profile's digest; nothing where there is
/// neither.
pub(super) fn canonical_date(jitter: Option<&DateJitter>, bounds: &Bounds) -> Vec<Value> {
    if jitter.is_none() && *bounds == Bounds::default() {
        return Vec::new();
    }
    let bound = |bound: &Option<Bound>| bound.as_ref().map(Bound::canonical);
    vec![json!([
        jitter.map(|jitter| json!([jitter.range, jitter.unit.name()])),
        bound(&bounds.min),
        bound(&bounds.max)
    ])]
}

/// The options of `jitter`.
pub(super) fn read_jitter(entries: &[Entry], profile_range: f64) -> Result<Jitter, Problem> {
    let kind = find(entries, "jitter-type").filter(|entry| !entry.value.is_null());
    let whole = match kind.map(|entry| (entry, &entry.value.kind)) {
        None => false,
        Some((_, Kind::Text(text))) if text == "float" => false,
        Some((_, Kind::Text(text))) if text == "int" => true,
        Some((entry, _)) => return Err(entry.value.problem("`jitter-type` must be float or int")),
    };
    let jitter = Jitter {
        range: option(entries, "jitter-range", range)?,
        whole,
        min: option(entries, "jitter-min", Node::number)?,
        max: option(entries, "jitter-max", Node::number)?,
    };
    if whole && jitter.range.unwrap_or(profile_range) < 1.0 {
        let entry = find(entries, "jitter-range").or(kind);
        let place = entry.map(|entry| entry.place).unwrap_or_default();
        return Err(Problem::new(
            place,
            "`jitter-range` must be 1 or more where whole numbers are drawn",
        ));
    }
    Ok(jitter)
}

/// A range: a number above 0. With 0 no number could be drawn that is not 0.
pub(super) fn range(value: &Node, key: &str) -> Result<f64, Problem> {
    let range = value.number(key)?.abs();
    if range > 0.0 && range < LARGEST_RANGE {
        Ok(range)
    } else {
        Err(value.problem(format!("`{key}` must be more than 0")))
    }
}

/// The options of `jitter-date`; none where it is off.
pub(super) fn read_date_jitter(entries: &[Entry]) -> Result<Option<DateJitter>, Problem> {
    let unit = |value: &Node, key: &str| {
        let name = value.text(key)?;
        let unit = UNITS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, unit)| *unit);
        let names = || UNITS.map(|(name, _)| name).join(", ");
        unit.ok_or_else(|| value.problem(format!("`{key}` must be one of {}", names())))
    };
    let unit = option(entries, "jitter-unit", unit)?.unwrap_or(JitterUnit::Days);
    let range = option(entries, "jitter-range", date_range)?.unwrap_or(DEFAULT_DATE_RANGE);
    let on = option(entries, "jitter-date", Node::flag)?.unwrap_or(false);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked by `date_range`.
    Ok(on.then_some(DateJitter {
        range: range as u32,
        unit,
    }))
}

fn date_range(value: &Node, key: &str) -> Result<f64, Problem> {
    let range = value.number(key)?.abs().trunc();
    let fits = (1.0..=f64::from(u32::MAX)).contains(&range);
    if fits {
        Ok(range)
    } else {
        Err(value.problem(format!("`{key}` must be a whole number of 1 or more")))
    }
}

/// `datetime-min` and `datetime-max`.
pub(super) fn read_bounds(entries: &[Entry]) -> Result<Bounds, Problem> {
    Ok(Bounds {
        min: option(entries, "datetime-min", bound)?,
        max: option(entries, "datetime-max", bound)?,
    })
}

/// `yyyymmdd`, or `+3years`, `-2weeks`, `+10days`: a year has 365.25 days.
fn bound(value: &Node, key: &str) -> Result<Bound, Problem> {
    let wrong = || {
        let problem = value.problem(format!(
            "`{key}` must be yyyymmdd, or a sign, a number and years, weeks or days"
        ));
        problem.with_hint("for example \"20000101\" or \"-5years\", in quotes")
    };
    let text = value.text(key).map_err(|_| wrong())?;
    if let Some(span) = text.strip_prefix(['+', '-']) {
        let unit = span.trim_start_matches(|c: char| c.is_ascii_digit());
        let amount: f64 = span
            .strip_suffix(unit)
            .unwrap_or_default()
            .parse()
            .map_err(|_| wrong())?;
        let each = match unit {
            "years" => 365.25,
            "weeks" => 7.0,
            "days" => 1.0,
            _ => return Err(wrong()),
        };
        let span = if text.starts_with('-') {
            -amount * each
        } else {
            amount * each
        };
        return days(&Node::new(Kind::Float(span), value.place), key).map(Bound::FromToday);
    }
    let format = DateFormat::new("%Y%m%d").map_err(|_| wrong())?;
    format
        .parse(text)
        .map(|day| Bound::On(day.date()))
        .ok_or_else(wrong)
}

/// Options that are written and have no effect, as in Flywheel's engine.
pub(super) fn without_effect(entries: &[Entry], action: &str) -> Option<&'static str> {
    let has = |key| find(entries, key).is_some_and(|entry| !entry.value.is_falsy());
    if action == "increment-date" && (has("datetime-min") || has("datetime-max")) {
        return Some("`datetime-min` and `datetime-max` have no effect on `increment-date`");
    }
    let idle = action.starts_with("increment-")
        && !has("jitter-date")
        && (has("jitter-range") || has("jitter-unit"));
    idle.then_some("`jitter-range` and `jitter-unit` have no effect without `jitter-date: true`")
}
