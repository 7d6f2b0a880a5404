//! What becomes of an attribute, in plain words.

use super::fate::Fate;
use crate::phi::escape_for_terminal;
use crate::profile::action::{Action, Replacement, Scalar};
use crate::profile::jitter::{DateJitter, Jitter};
use crate::profile::model::DicomRules;

/// The fate in plain words. Constants are text of the profile; nothing secret is shown.
pub fn in_words(fate: &Fate<'_>, rules: &DicomRules) -> String {
    match fate {
        Fate::Stays => "left as it is".to_owned(),
        Fate::Afresh => "not in the data set; written afresh, or not sent".to_owned(),
        Fate::Kept => "kept as it is".to_owned(),
        Fate::Removed => "removed".to_owned(),
        Fate::Undefined => "removed because nothing names it".to_owned(),
        Fate::PrivateRemoved => "removed with all private elements".to_owned(),
        Fate::Emptied => "emptied".to_owned(),
        Fate::Replaced(value) => format!("replaced by {}", replacement(value)),
        Fate::Changed(actions) => actions.iter().map(|action| change(action, rules)).collect::<Vec<_>>().join(", then "),
        Fate::Sealed => "moved into the encrypted envelope".to_owned(),
        Fate::Restored => "restored from the encrypted envelope".to_owned(),
        Fate::Computed => "computed from the original birth and study date, where both can be read".to_owned(),
    }
}

fn change(action: &Action, rules: &DicomRules) -> String {
    match action {
        Action::Hash => format!("hashed ({}, {})", digits(rules.hash_digits), salted(rules)),
        Action::HashUid => format!("UID mapped ({})", salted(rules)),
        Action::IncrementDate { days, jitter, .. } => shifted("date", *days, jitter.as_ref(), rules),
        Action::IncrementDateTime { days, jitter, bounds, .. } => {
            let held = if bounds.min.is_some() || bounds.max.is_some() { ", held between bounds" } else { "" };
            shifted("date and time", *days, jitter.as_ref(), rules) + held
        }
        Action::Jitter(jitter) => jittered(jitter, rules),
        Action::RegexSub(_) => "put together anew from its pieces (regex-sub)".to_owned(),
        other => format!("changed by {}", other.name()),
    }
}

fn digits(kept: usize) -> String {
    match kept {
        0 | 64.. => "64 hex digits".to_owned(),
        1 => "1 hex digit".to_owned(),
        kept => format!("{kept} hex digits"),
    }
}

fn salted(rules: &DicomRules) -> &'static str {
    if rules.salt.is_some() { "salted" } else { "not salted" }
}

fn shifted(what: &str, days: Option<f64>, jitter: Option<&DateJitter>, rules: &DicomRules) -> String {
    let days = days.or(rules.date_increment).unwrap_or_default();
    let random = jitter.map(|jitter| format!(" and up to {} random {} more or less", jitter.range, jitter.unit.name()));
    format!("{what} shifted by {days:+} days{}", random.unwrap_or_default())
}

fn jittered(jitter: &Jitter, rules: &DicomRules) -> String {
    format!("changed by a random number of up to {}", jitter.range.unwrap_or(rules.jitter_range))
}

fn replacement(value: &Replacement) -> String {
    let scalars: Vec<_> = value.scalars().iter().map(scalar).collect();
    scalars.join(", ")
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("\"{}\"", escape_for_terminal(text)),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
    }
}
