//! Hashes that can be undone, that keep parts of the original, or that stand where they cannot be
//! read.

use dicom_core::VR;

use super::{Finding, Kind, Severity, Theme, tag_text};
use crate::profile::action::Action;
use crate::profile::model::{DicomRules, Profile, Rule};
use crate::standard;
use dicom_lossless::escape_for_terminal;

const SALT: &str =
    "put a long random `salt` into your own copy of the profile, and keep that copy secret";
const SECRET: &str = "whoever can read the profile can try values out; share it without the secret";
const DIGITS: &str = "leave `hash-digits` at 16 or above";
const SHIFT: &str = "shift dates (`increment-date`), empty or remove them";
const PREFIX: &str = "set `uid-numeric-name` to a root of your own (with `uid-prefix-fields` to \
    match), or `uid-prefix-fields: 0`";
const SUFFIX: &str = "set `uid-suffix-fields: 0`";

/// Below this many digits two patients of a large site may share a hash.
const ENOUGH_DIGITS: usize = 16;

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let hashed: Vec<&Rule> = rules
        .fields
        .iter()
        .filter(|rule| is_hash(&rule.action))
        .collect();
    let mut found = Vec::new();
    if rules.salt.is_none() {
        found.extend(hashed.iter().map(|rule| unsalted(rule)));
    } else if !hashed.is_empty() {
        let message = "the salt stands in the profile, and no secret is ever part of a profile \
            that is shared";
        found.push(Finding::new(
            Kind::Salted,
            Severity::Note,
            "salt",
            message,
            SECRET,
        ));
    }
    found.extend(hashed.iter().filter_map(|rule| on_date(rule)));
    if hashed.iter().any(|rule| rule.action == Action::Hash) {
        found.extend(digits(rules));
    }
    if hashed.iter().any(|rule| rule.action == Action::HashUid) {
        found.extend(parts(rules));
    }
    found
}

fn is_hash(action: &Action) -> bool {
    match action {
        Action::Hash | Action::HashUid => true,
        Action::RegexSub(substitutions) => substitutions
            .iter()
            .flat_map(|one| &one.groups)
            .any(|group| is_hash(&group.action)),
        _ => false,
    }
}

fn subject(rule: &Rule) -> String {
    escape_for_terminal(&rule.selector.to_string())
}

fn about(finding: Finding, rule: &Rule, theme: Theme) -> Finding {
    let finding = finding.about(theme);
    match rule.selector.tag() {
        Some(tag) => finding.tagged(tag_text(tag)),
        None => finding,
    }
}

fn unsalted(rule: &Rule) -> Finding {
    let (why, theme) = match rule.action {
        Action::HashUid => (
            "whoever holds an original UID can confirm where it went",
            Theme::Uids,
        ),
        _ => (
            "short identifiers, dates and common names can be found by trying them all",
            Theme::Identifiers,
        ),
    };
    let message = format!("hashed without a salt ({}): {why}", rule.place());
    about(
        Finding::new(
            Kind::Unsalted,
            Severity::Warning,
            subject(rule),
            message,
            SALT,
        ),
        rule,
        theme,
    )
}

fn on_date(rule: &Rule) -> Option<Finding> {
    let vr = rule.selector.leaf().and_then(standard::vr)?;
    if rule.action != Action::Hash || !matches!(vr, VR::DA | VR::DT | VR::TM | VR::AS) {
        return None;
    }
    let message = format!(
        "hashed ({}), and a hash is no {}; there are few enough dates to try them all",
        rule.place(),
        vr.to_string()
    );
    let finding = Finding::new(
        Kind::HashOnDate,
        Severity::Warning,
        subject(rule),
        message,
        SHIFT,
    );
    Some(about(finding, rule, Theme::Times))
}

fn digits(rules: &DicomRules) -> Option<Finding> {
    let digits = rules.hash_digits;
    let message =
        format!("hashes keep {digits} hex digits, and so two patients may come to share one");
    let short = (1..ENOUGH_DIGITS).contains(&digits);
    short.then(|| {
        Finding::new(
            Kind::HashDigits,
            Severity::Note,
            "hash-digits",
            message,
            DIGITS,
        )
    })
}

fn parts(rules: &DicomRules) -> Vec<Finding> {
    let mut found = Vec::new();
    let (first, last) = (rules.uid_prefix_fields, rules.uid_suffix_fields);
    if first > 0 && rules.uid_numeric_name.is_none() {
        let message = format!(
            "`hashuid` keeps the beginning of a UID ({first} of its components): the root of the \
                vendor or institution"
        );
        found.push(Finding::new(
            Kind::UidParts,
            Severity::Warning,
            "uid-prefix-fields",
            message,
            PREFIX,
        ));
    }
    if last > 0 {
        let message = format!(
            "`hashuid` keeps the end of a UID ({last} of its components): instance numbers, \
                serial numbers, dates and times"
        );
        found.push(Finding::new(
            Kind::UidParts,
            Severity::Warning,
            "uid-suffix-fields",
            message,
            SUFFIX,
        ));
    }
    found
}
