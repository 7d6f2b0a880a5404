//! Whether reports belong together, and what is true of all of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::record::Record;
use super::read::Part;
use crate::event::Severity;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// What must be the same in all reports that say it: a fact, or a field of one.
const SAME: [(&str, Option<&str>, &str); 6] = [
    ("redacted", None, "redaction"),
    ("project", None, "project"),
    ("site", None, "site"),
    ("mode", None, "mode"),
    ("profile", Some("digest"), "profile"),
    ("profile", Some("pseudonym_key"), "pseudonym key"),
];

/// What is true of all. Errors: [`RunCode::ReportMismatch`], naming the first report that differs.
pub(super) fn agreed(parts: &[Part]) -> Result<Record, Error> {
    for same in SAME {
        let mut said = parts
            .iter()
            .filter_map(|part| Some((part, stated(part, same)?)));
        let Some((first, value)) = said.next() else {
            continue;
        };
        if let Some((other, differs)) = said.find(|(_, other)| *other != value) {
            return Err(mismatch(same, (first, &value), (other, &differs)));
        }
    }
    let mut facts = Record::new();
    let versions = Vec::from_iter(versions(parts)).join(", ");
    if !versions.is_empty() {
        facts.insert("version".to_owned(), versions.into());
    }
    for name in ["mode", "project", "site", "profile"] {
        fill(&mut facts, name, parts);
    }
    facts.insert("settings".to_owned(), settings(parts).into());
    fill(&mut facts, "redacted", parts);
    Ok(facts)
}

/// What does not keep reports apart but should be known.
pub(super) fn remarks(parts: &[Part]) -> Vec<(Severity, String)> {
    let versions = versions(parts);
    if versions.len() < 2 {
        return Vec::new();
    }
    let text = format!(
        "the reports are of several versions of fwupload: {}",
        Vec::from_iter(versions).join(", ")
    );
    vec![(Severity::Notice, text)]
}

/// What one report says; none where it says nothing. That no profile governed is said; a site or
/// key may be unknown.
fn stated(part: &Part, (name, field, _): (&str, Option<&str>, &str)) -> Option<String> {
    let value = part.facts.get(name)?;
    match (value, field) {
        (Value::Null, Some("digest")) => Some("none".to_owned()),
        (Value::Null, _) => None,
        (value, Some(field)) => value.get(field)?.as_str().map(str::to_owned),
        (Value::String(text), None) => Some(text.clone()),
        (value, None) => Some(value.to_string()),
    }
}

fn mismatch(same: (&str, Option<&str>, &str), first: (&Part, &str), other: (&Part, &str)) -> Error {
    let (name, word) = (same.0, same.2);
    let file = |part: &Part| display_path(&part.path);
    let said = |(part, value): (&Part, &str)| match (name, value) {
        ("redacted", "true") => format!("{} was written with `--redact-paths`", file(part)),
        ("redacted", _) => format!("{} names its paths", file(part)),
        _ => format!("{word} in {}: {value}", file(part)),
    };
    Error::new(
        RunCode::ReportMismatch,
        format!(
            "{} does not belong with {}: another {word}",
            file(other.0),
            file(first.0)
        ),
    )
    .because(said(first))
    .because(said(other))
}

/// The versions of the program, each once.
fn versions(parts: &[Part]) -> BTreeSet<String> {
    let said = parts
        .iter()
        .filter_map(|part| part.facts.get("version")?.as_str());
    said.flat_map(|version| version.split(", "))
        .filter(|version| !version.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Copies a fact from the report that says most of it.
fn fill(facts: &mut Record, name: &str, parts: &[Part]) {
    let said = parts
        .iter()
        .filter_map(|part| part.facts.get(name))
        .filter(|value| !value.is_null());
    // Of reports that say the same amount, the order in which they were named must not decide.
    let most =
        said.max_by_key(|value| (value.as_object().map_or(1, Record::len), value.to_string()));
    let known = parts.iter().any(|part| part.facts.contains_key(name));
    match most {
        Some(value) => drop(facts.insert(name.to_owned(), value.clone())),
        None if known => drop(facts.insert(name.to_owned(), Value::Null)),
        None => {}
    }
}

/// The settings that are the same in all reports that have any; which shard each was is told
/// elsewhere.
fn settings(parts: &[Part]) -> Record {
    let mut all = parts
        .iter()
        .filter_map(|part| part.facts.get("settings")?.as_object());
    let mut same = all.next().cloned().unwrap_or_default();
    for other in all {
        same = same
            .into_iter()
            .filter(|(name, value)| other.get(name) == Some(value))
            .collect();
    }
    same.shift_remove("shard");
    same
}
