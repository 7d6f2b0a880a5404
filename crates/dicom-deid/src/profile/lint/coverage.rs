//! The attributes of Table E.1-1 that go out as they came in, or that a hash stands for where
//! cleaning was meant.

use dicom_core::Tag;

use super::{Finding, Kind, Severity, Theme};
use crate::profile::action::Action;
use crate::profile::effect::{Effect, Fate, Place};
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::{Attribute, ConfidentialityOption, Covers, attributes};

const COVER: &str =
    "remove, empty or replace them, or name what may stay and set `remove-undefined`";
const KEEP: &str = "remove, empty, replace or hash them: no option of PS3.15 lets them stay";
const MAY_KEEP: &str = "PS3.15 has an option under which they may stay; check that it is meant";
const TEXT: &str = "remove it, or keep known words with `regex-sub`: people type names and dates \
    into such attributes";
const HASHED_TEXT: &str =
    "remove it: the hash of a text says nothing, and common texts can be tried out";
const RESTORED: &str = "leave out `decrypt` where the result is to be sent";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    // What becomes of private elements has rules of its own.
    let mut rows: Vec<&Attribute> = attributes()
        .iter()
        .filter(|row| row.covers != Covers::Private)
        .collect();
    // What files of today have comes first: long lists are cut.
    rows.sort_by_key(|row| row.retired || !row.in_standard_iod);
    let rules = &profile.dicom;
    let rows = rows
        .into_iter()
        .filter(|row| !row.tag().is_some_and(|tag| is_kept_by_table(rules, tag)));
    rows.filter_map(|row| finding(row, &rules.effect_on_covered(row.covers, Place::Top)))
        .collect()
}

/// Whether an option keeps it, so that a field that does the same is no exception.
pub(super) fn is_kept_by_table(rules: &DicomRules, tag: Tag) -> bool {
    rules
        .tabled(tag)
        .is_some_and(|told| !told.outcome.protects())
}

fn finding(row: &Attribute, effect: &Effect<'_>) -> Option<Finding> {
    let found = match &effect.fate {
        Fate::Stays => {
            let message = format!(
                "{} goes out as it came in; PS3.15 says {}",
                row.name,
                row.basic.as_str()
            );
            Finding::new(
                Kind::Uncovered,
                Severity::Warning,
                subject(row),
                message,
                COVER,
            )
        }
        Fate::Kept => kept(row, effect),
        Fate::Restored => {
            let message = format!(
                "{} is taken back out of the encrypted envelope{}",
                row.name,
                by(effect)
            );
            Finding::new(
                Kind::Kept,
                Severity::Warning,
                subject(row),
                message,
                RESTORED,
            )
        }
        Fate::Changed(actions)
            if is_text(row) && actions.iter().any(|action| matches!(action, Action::Hash)) =>
        {
            let message = format!("{} is hashed instead of cleaned{}", row.name, by(effect));
            Finding::new(
                Kind::Text,
                Severity::Note,
                subject(row),
                message,
                HASHED_TEXT,
            )
        }
        _ => return None,
    };
    Some(found.about(Theme::of(row)).tagged(row.covers.text()))
}

fn kept(row: &Attribute, effect: &Effect<'_>) -> Finding {
    let message = format!("{} is kept as it is{}", row.name, by(effect));
    match row.kept_under() {
        _ if is_text(row) => {
            Finding::new(Kind::Text, Severity::Warning, subject(row), message, TEXT)
        }
        Some(option) => {
            let message = format!("{message}, as the option {} allows", option.name());
            Finding::new(Kind::Kept, Severity::Note, subject(row), message, MAY_KEEP)
        }
        None => Finding::new(Kind::Kept, Severity::Warning, subject(row), message, KEEP),
    }
}

/// Whether the standard wants the text of the attribute cleaned rather than kept.
fn is_text(row: &Attribute) -> bool {
    row.under(ConfidentialityOption::CleanDescriptors).is_some() && row.kept_under().is_none()
}

/// The rule that has the last word.
fn by(effect: &Effect<'_>) -> String {
    effect
        .rules
        .last()
        .map(|rule| format!(" ({})", rule.place()))
        .unwrap_or_default()
}

fn subject(row: &Attribute) -> String {
    row.keyword.map_or_else(|| row.name.clone(), str::to_owned)
}
