//! What becomes of an attribute, in plain words.

use super::{Effect, TableEffect, TableOutcome};
use crate::profile::action::{Action, DateJitter, Jitter, Replacement, Scalar};
use crate::profile::basic_profile::{DateShift, DecisionSource};
use crate::profile::model::DicomRules;
use crate::profile::tree::Named;
use crate::standard::IdentifyingRole;
use crate::standard::confidentiality::ActionCode;
use dicom_lossless::escape_for_terminal;

/// The effect in plain words. Constants are text of the profile; nothing secret is shown.
pub fn describe_effect(effect: &Effect<'_>, rules: &DicomRules) -> String {
    match effect {
        Effect::Replaced(value) => format!("replaced by {}", replacement(value)),
        Effect::Changed(actions) => actions
            .iter()
            .map(|action| change(action, rules))
            .collect::<Vec<_>>()
            .join(", then "),
        Effect::ByTable(by_table) => table_effect(*by_table, rules),
        other => other.names().1.to_owned(),
    }
}

/// What the table does.
fn table_effect(by_table: TableEffect, rules: &DicomRules) -> String {
    let words = match by_table.outcome {
        TableOutcome::Kept => kept(by_table),
        TableOutcome::Moved => return moved(rules),
        TableOutcome::AsNeeded => as_needed(by_table.code),
        other => other.names().1,
    };
    words.to_owned()
}

fn moved(rules: &DicomRules) -> String {
    match rules
        .confidentiality
        .as_ref()
        .map(|confidentiality| confidentiality.shift)
    {
        Some(DateShift::Days(days)) => format!("moved by {days:+} days, as all dates are"),
        _ => "moved back by the patient's own number of weeks".to_owned(),
    }
}

fn kept(by_table: TableEffect) -> &'static str {
    match (by_table.source, by_table.is_sequence) {
        (_, true) => "kept; its items are cleaned",
        (DecisionSource::Option(_), _) => "kept, as an option says",
        (DecisionSource::Role(IdentifyingRole::Product), _) => {
            "kept: it tells of a product, not of a device or person"
        }
        (DecisionSource::Role(_), _) => "kept, as an option says of its kind",
        (DecisionSource::Vr | DecisionSource::Table, _) => "kept",
        (DecisionSource::Structure, _) => "kept: part of the structure, or a mark",
    }
}

fn as_needed(code: ActionCode) -> &'static str {
    match code {
        ActionCode::RemoveOrZero => "removed or emptied, as the IOD needs",
        ActionCode::RemoveOrDummy => "removed or a dummy, as the IOD needs",
        ActionCode::ZeroOrDummy => "emptied or a dummy, as the IOD needs",
        _ => "removed, emptied or a dummy, as the IOD needs",
    }
}

fn change(action: &Action, rules: &DicomRules) -> String {
    match action {
        Action::Hash => format!("hashed ({}, {})", digits(rules.hash_digits), salted(rules)),
        Action::HashUid => format!("UID mapped ({})", salted(rules)),
        Action::Shift {
            with_time,
            days,
            jitter,
            bounds,
            ..
        } => {
            let what = if *with_time { "date and time" } else { "date" };
            let held = if bounds.min.is_some() || bounds.max.is_some() {
                ", held between bounds"
            } else {
                ""
            };
            shifted(what, *days, jitter.as_ref(), rules) + held
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
    if rules.salt.is_some() {
        "salted"
    } else {
        "not salted"
    }
}

fn shifted(
    what: &str,
    days: Option<f64>,
    jitter: Option<&DateJitter>,
    rules: &DicomRules,
) -> String {
    let days = days
        .or(rules.date_increment)
        .unwrap_or_default();
    let random = jitter.map(|jitter| {
        format!(
            " and up to {} random {} more or less",
            jitter.range,
            jitter.unit.name()
        )
    });
    format!(
        "{what} shifted by {days:+} days{}",
        random.unwrap_or_default()
    )
}

fn jittered(jitter: &Jitter, rules: &DicomRules) -> String {
    format!(
        "changed by a random number of up to {}",
        jitter
            .range
            .unwrap_or(rules.jitter_range)
    )
}

fn replacement(value: &Replacement) -> String {
    let scalars: Vec<_> = value
        .scalars()
        .iter()
        .map(scalar)
        .collect();
    scalars.join(", ")
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("\"{}\"", escape_for_terminal(text)),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
    }
}
