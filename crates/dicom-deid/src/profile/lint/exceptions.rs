//! Fields that leave what the Basic Profile would have taken, where the other concerns do not see
//! it: in items that a path leads to, and outside the tables.

use dicom_core::Tag;

use super::{Finding, Kind, Severity, tag_text};
use crate::profile::effect::Fate;
use crate::profile::model::{DicomRules, Profile, Rule};
use crate::profile::selector::Selector;
use crate::standard::{attribute, blind_spot, is_private, name_of};
use dicom_lossless::escape_for_terminal;

const WEAKENS: &str =
    "leave it to the table, or make sure that nothing identifying can stand there";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    rules
        .fields
        .iter()
        .filter_map(|rule| weakened(rules, rule))
        .collect()
}

fn weakened(rules: &DicomRules, rule: &Rule) -> Option<Finding> {
    let (tag, what) = match &rule.selector {
        Selector::Path(path) => (path.leaf, "where the path leads"),
        // Rows of both lists are told one by one.
        Selector::Tag(tag)
            if is_private(*tag) || (attribute(*tag).is_none() && blind_spot(*tag).is_none()) =>
        {
            (*tag, "as it is")
        }
        _ => return None,
    };
    let taken = rules
        .tabled(tag)
        .is_some_and(|told| told.outcome.protects());
    if !taken || !leaves(&rules.effect_of(rule).fate) {
        return None;
    }
    Some(finding(rule, tag, what))
}

fn leaves(fate: &Fate<'_>) -> bool {
    !fate.protects()
}

fn finding(rule: &Rule, tag: Tag, what: &str) -> Finding {
    let message = format!(
        "{} is kept {what} ({}), and the Basic Profile does not keep it",
        name_of(tag),
        rule.place()
    );
    let subject = escape_for_terminal(&rule.selector.to_string());
    Finding::new(
        Kind::Exception,
        Severity::Warning,
        subject,
        message,
        WEAKENS,
    )
    .tagged(tag_text(tag))
}
