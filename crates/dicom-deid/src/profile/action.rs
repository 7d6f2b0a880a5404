//! What a rule does to an element, and which elements it can be done to.
//!
//! Nothing is drawn at random here, and no file is read.

use chrono::{NaiveDate, TimeDelta};
use dicom_core::{Tag, VR};
use python_regex::PythonRegex;

use super::date_format::DateFormat;
use super::tree::named;
use crate::standard::{self, is_number_text, is_numeric, is_text};

/// The action of a rule, with its options; an absent option means the profile's own setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Leaves the element as it is, and protects it where a profile removes what it does not name.
    Keep,
    /// Takes the element out.
    Remove,
    /// Writes a value.
    ReplaceWith {
        /// The value.
        value: Replacement,
        /// Whether an absent element is created.
        insert: Option<bool>,
    },
    /// Writes the first digits of the SHA-256 of salt and text.
    Hash,
    /// Writes a UID that keeps some components and has the others from the SHA-256 of salt and
    /// text.
    HashUid,
    /// Adds days to a date.
    Shift {
        /// Whether it is a date with time.
        with_time: bool,
        /// Days to add instead of the profile's.
        days: Option<f64>,
        /// Format to read and write instead of the profile's.
        format: Option<DateFormat>,
        /// A random part of the shift.
        jitter: Option<DateJitter>,
        /// Between what the result is held, if it is a date with time.
        bounds: DateBounds,
    },
    /// Adds a random number to a number.
    Jitter(Jitter),
    /// Writes a text that is put together from pieces of the old one: the first item that matches
    /// counts.
    RegexSub(Vec<Substitution>),
    /// Moves the element into the encrypted envelope.
    Encrypt,
    /// Takes the element's value back out of the encrypted envelope.
    Decrypt,
}

impl Action {
    /// What of it is drawn at random, as a profile names it.
    pub fn randomness(&self) -> Option<&'static str> {
        match self {
            Self::Jitter(_) => Some("`jitter`"),
            Self::Shift {
                jitter: Some(_), ..
            } => Some("`jitter-date`"),
            _ => None,
        }
    }

    /// Its name in a profile.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::ReplaceWith { .. } => "replace-with",
            Self::Hash => "hash",
            Self::HashUid => "hashuid",
            Self::Shift {
                with_time: false, ..
            } => "increment-date",
            Self::Shift {
                with_time: true, ..
            } => "increment-datetime",
            Self::Jitter(_) => "jitter",
            Self::RegexSub(_) => "regex-sub",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
        }
    }

    /// Whether it leaves the element as it is.
    pub fn changes_nothing(&self) -> bool {
        matches!(
            self,
            Self::Keep
                | Self::ReplaceWith {
                    value: Replacement::Nothing,
                    ..
                }
        )
    }

    /// Why this action can never work on an element of this VR, or nothing where it can.
    pub fn misfit(&self, vr: VR) -> Option<String> {
        match self {
            Self::Keep | Self::Remove | Self::Encrypt | Self::Decrypt => None,
            Self::ReplaceWith { value, .. } => value.misfit(vr),
            Self::Jitter(jitter) => jitter.misfit(vr),
            Self::Hash if vr == VR::UI => {
                Some("`hash` does not give a UID; use `hashuid`".to_owned())
            }
            _ if is_text(vr) || is_number_text(vr) => None,
            _ => Some(format!(
                "`{}` needs text, and the element is {}",
                self.name(),
                vr.to_string()
            )),
        }
    }
}

/// The value of `replace-with`.
#[derive(Debug, Clone, PartialEq)]
pub enum Replacement {
    /// `null`: the rule does nothing.
    Nothing,
    /// An empty element.
    Empty,
    /// One value.
    One(Scalar),
    /// Several values.
    List(Vec<Scalar>),
}

/// A single value as the profile writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
}

impl Replacement {
    /// The single values.
    pub fn scalars(&self) -> &[Scalar] {
        match self {
            Self::Nothing | Self::Empty => &[],
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::List(scalars) => scalars,
        }
    }

    fn misfit(&self, vr: VR) -> Option<String> {
        self.scalars()
            .iter()
            .find_map(|scalar| scalar.misfit(vr))
    }
}

impl Scalar {
    /// A number given as text, for a binary VR.
    pub fn of_number(text: &str, vr: VR) -> Self {
        match (text.parse(), text.parse()) {
            (Ok(whole), _) if !matches!(vr, VR::FL | VR::FD) => Self::Integer(whole),
            (_, Ok(number)) => Self::Float(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// Why this value cannot be written into an element of this VR.
    pub fn misfit(&self, vr: VR) -> Option<String> {
        let whole = |min: i64, max: i64| match self {
            Self::Integer(number) if (min..=max).contains(number) => None,
            Self::Integer(_) => Some(format!("the number does not fit into {}", vr.to_string())),
            _ => Some(format!("{} takes whole numbers", vr.to_string())),
        };
        match vr {
            VR::US => whole(0, i64::from(u16::MAX)),
            VR::SS => whole(i64::from(i16::MIN), i64::from(i16::MAX)),
            VR::UL => whole(0, i64::from(u32::MAX)),
            VR::SL => whole(i64::from(i32::MIN), i64::from(i32::MAX)),
            VR::UV => whole(0, i64::MAX),
            VR::SV => whole(i64::MIN, i64::MAX),
            VR::FL | VR::FD => match self {
                Self::Text(_) => Some(format!("{} takes numbers, without quotes", vr.to_string())),
                _ => None,
            },
            VR::DS | VR::IS => match self {
                Self::Text(text) => is_numeric(text, vr).err(),
                _ => None,
            },
            _ if is_text(vr) => match self {
                Self::Text(_) => None,
                _ => Some(format!(
                    "{} takes text; put the value in quotes",
                    vr.to_string()
                )),
            },
            _ => Some(format!(
                "a value cannot be written into {}; `remove` works",
                vr.to_string()
            )),
        }
    }
}

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

named! {
    /// What `jitter-date` counts.
    pub enum JitterUnit {
        /// Seven days.
        Weeks = "weeks",
        /// Days.
        Days = "days",
        /// Hours.
        Hours = "hours",
        /// Minutes.
        Minutes = "minutes",
        /// Seconds.
        Seconds = "seconds",
        /// Thousandths of a second.
        Milliseconds = "milliseconds",
        /// Millionths of a second.
        Microseconds = "microseconds",
    }
}

impl JitterUnit {
    /// This number of units as a time span; none beyond what a calendar holds.
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
pub struct DateBounds {
    /// The earliest result.
    pub min: Option<DateBound>,
    /// The latest result.
    pub max: Option<DateBound>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq)]
pub enum DateBound {
    /// The beginning of a day.
    On(NaiveDate),
    /// This number of days after the day of the run; before it where the number is negative.
    FromToday(f64),
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
}

/// One item of `regex-sub` or `filenames`: what it matches, and what is written then.
#[derive(Debug, Clone, PartialEq)]
pub struct Substitution {
    /// Matched from the start of the value or path.
    pub regex: PythonRegex,
    /// The new value or name.
    pub output: Template,
    /// What is done to the variables of the output; of `filenames`, to captured pieces alone.
    pub groups: Vec<Group>,
}

/// What is done to one variable of an output.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The variable.
    pub name: String,
    /// The attribute that has this name as its keyword.
    pub tag: Option<Tag>,
    /// What is done to the captured text, or to the attribute's value.
    pub action: Action,
}

impl Substitution {
    /// Whether its expression has a group of this name.
    pub fn captures(&self, name: &str) -> bool {
        self.regex
            .group_names()
            .any(|group| group == name)
    }

    /// The attributes that its output names by keyword.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.output
            .variables()
            .filter(|name| !self.captures(name))
            .filter_map(tag_of)
    }
}

/// A template, split into what is written as it stands and what is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Its parts in order.
    pub parts: Vec<TemplatePart>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Written as it stands.
    Text(String),
    /// Filled in.
    Variable(String),
}

impl Template {
    /// Reads a template. The error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, found) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = found.strip_prefix("}}") {
                plain.push('}');
                rest = after;
                continue;
            }
            let inside = found
                .strip_prefix('{')
                .ok_or("a `}` without its `{`; write `}}` for the character")?;
            let (name, after) = inside
                .split_once('}')
                .ok_or("a `{` without its `}`")?;
            if !plain.is_empty() {
                parts.push(TemplatePart::Text(std::mem::take(&mut plain)));
            }
            parts.push(TemplatePart::Variable(variable(name)?.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(TemplatePart::Text(plain));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, in order; one that is used twice comes twice.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                TemplatePart::Text(_) => None,
                TemplatePart::Variable(name) => Some(name.as_str()),
            })
    }
}

/// Python's own notation has more behind a name; Flywheel's engine takes none of it.
fn variable(name: &str) -> Result<&str, String> {
    if name.is_empty() {
        return Err("`{}` names nothing".to_owned());
    }
    if name.contains('{') {
        return Err("a `{` cannot be written in an output".to_owned());
    }
    if !name
        .chars()
        .all(|c| c == '_' || c.is_alphanumeric())
    {
        return Err("a variable is the name of a group or a keyword, nothing else".to_owned());
    }
    Ok(name)
}

/// The attribute that a variable names.
pub fn tag_of(variable: &str) -> Option<Tag> {
    standard::tag_of_keyword_any_case(variable).map(|(tag, _)| tag)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_vr_or_not() {
        let text = |t: &str| Scalar::Text(t.to_owned());
        assert_eq!(text("A").misfit(VR::LO), None);
        assert!(
            Scalar::Integer(5)
                .misfit(VR::LO)
                .is_some()
        );
        assert!(text("abc").misfit(VR::DS).is_some());
        assert!(text("nan").misfit(VR::DS).is_some());
        assert_eq!(text("7.5").misfit(VR::DS), None);
        assert_eq!(text("1\\2").misfit(VR::IS), None);
        assert!(text("7.5").misfit(VR::IS).is_some());
        assert_eq!(
            Scalar::Float(7.5).misfit(VR::IS),
            None,
            "Flywheel writes it as it is"
        );
        assert!(
            Scalar::Integer(70_000)
                .misfit(VR::US)
                .is_some()
        );
        assert!(text("x").misfit(VR::OB).is_some());
        assert!(text("x").misfit(VR::SQ).is_some());
        assert_eq!(Replacement::Empty.misfit(VR::SQ), None);
    }

    #[test]
    fn hash_is_no_uid() {
        assert!(
            Action::Hash
                .misfit(VR::UI)
                .is_some_and(|why| why.contains("hashuid"))
        );
        assert_eq!(Action::HashUid.misfit(VR::LO), None);
        assert!(
            Action::HashUid
                .misfit(VR::US)
                .is_some()
        );
    }

    #[test]
    fn templates_are_split_into_parts() {
        let template = Template::new("a{b}-{PatientID}}}c").unwrap();
        let text = |text: &str| TemplatePart::Text(text.to_owned());
        let variable = |name: &str| TemplatePart::Variable(name.to_owned());
        assert_eq!(
            template.parts,
            [
                text("a"),
                variable("b"),
                text("-"),
                variable("PatientID"),
                text("}c")
            ]
        );
        assert_eq!(
            template
                .variables()
                .collect::<Vec<_>>(),
            ["b", "PatientID"]
        );
        assert_eq!(Template::new("").unwrap().parts, []);
    }

    #[test]
    fn templates_that_flywheel_does_not_read_are_refused() {
        for wrong in [
            "{", "}", "a{b", "{}", "{{a}}", "{a!r}", "{a:5}", "{a.b}", "{a}}",
        ] {
            assert!(Template::new(wrong).is_err(), "{wrong}");
        }
    }
}
