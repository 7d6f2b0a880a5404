//! What becomes of an attribute, in plain words.

use super::{Effect, TableEffect, TableOutcome};
use crate::profile::action::{Action, DateJitter, Jitter, Replacement, Scalar};
use crate::profile::basic_profile::{DateShift, DecisionSource, Encapsulated};
use crate::profile::model::DicomRules;
use crate::profile::tree::Named;
use crate::standard::IdentifyingRole;
use crate::standard::confidentiality::ActionCode;
use dicom_lossless::escape_for_terminal;

/// The effect in plain words. Constants are text of the profile; nothing secret is shown.
pub fn describe_effect(effect: &Effect<'_>, rules: &DicomRules) -> String {
    match effect {
        Effect::Untouched => "left as it is".to_owned(),
        Effect::WrittenAfresh => "not in the data set; written afresh, or not sent".to_owned(),
        Effect::Kept => "kept as it is".to_owned(),
        Effect::Removed => "removed".to_owned(),
        Effect::RemovedAsUnnamed => "removed because nothing names it".to_owned(),
        Effect::PrivateRemoved => "removed with all private elements".to_owned(),
        Effect::Emptied => "emptied".to_owned(),
        Effect::Replaced(value) => format!("replaced by {}", replacement(value)),
        Effect::Changed(actions) => actions
            .iter()
            .map(|action| change(action, rules))
            .collect::<Vec<_>>()
            .join(", then "),
        Effect::Encrypted => "moved into the encrypted envelope".to_owned(),
        Effect::Decrypted => "restored from the encrypted envelope".to_owned(),
        Effect::ByTable(by_table) => table_effect(*by_table, rules),
        Effect::Computed => {
            "computed from the original birth and study date, where both can be read".to_owned()
        }
    }
}

/// What the table does.
fn table_effect(by_table: TableEffect, rules: &DicomRules) -> String {
    let words = match by_table.outcome {
        TableOutcome::Kept => kept(by_table),
        TableOutcome::Moved => return moved(rules),
        TableOutcome::AsNeeded => as_needed(by_table.code),
        TableOutcome::Removed => "removed",
        TableOutcome::Emptied => "emptied",
        TableOutcome::Dummy => "replaced by a dummy value",
        TableOutcome::DummyItems => "entered: what its items say becomes dummies",
        TableOutcome::Pseudonym => "replaced by the patient's pseudonym",
        TableOutcome::NewUid => "replaced by a new UID, the same wherever the UID occurs",
        TableOutcome::References => "kept, with new UIDs in its items",
        TableOutcome::KnownWords => "cleaned: only words that are known safe stay",
        TableOutcome::ItemsCleaned => "kept; its items are cleaned",
        TableOutcome::Content => "cleaned item by item, as each concept calls for",
        TableOutcome::DummyContent => "reduced to its structure and its references",
        TableOutcome::DummyGraphics => "drawings and texts become dummies",
        TableOutcome::SafePrivate => "removed unless known safe; what stays is cleaned",
        TableOutcome::Document(Encapsulated::Refuse) => "not looked into: the file is refused",
        TableOutcome::Document(Encapsulated::Remove) => "taken out: two zero bytes stay",
        TableOutcome::Document(Encapsulated::Keep) => "kept as it is, and not looked into",
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
        Action::IncrementDate { days, jitter, .. } => {
            shifted("date", *days, jitter.as_ref(), rules)
        }
        Action::IncrementDateTime {
            days,
            jitter,
            bounds,
            ..
        } => {
            let held = if bounds.min.is_some() || bounds.max.is_some() {
                ", held between bounds"
            } else {
                ""
            };
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
