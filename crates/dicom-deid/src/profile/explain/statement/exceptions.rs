//! What fields of the profile do in the place of the table.

use dicom_core::Tag;

use super::Acted;
use crate::profile::effect::{Effect, in_words};
use crate::profile::lint::Theme;
use crate::profile::model::{DicomRules, Rule};
use crate::profile::selector::Selector;
use crate::standard::{self, attribute};
use dicom_lossless::escape_for_terminal;

/// One for each field, in the order of the profile.
pub(super) fn acted(rules: &DicomRules) -> Vec<Acted> {
    let mut all: Vec<Acted> = rules.fields.iter().map(|rule| field(rules, rule)).collect();
    // A field that repeats a selector says nothing new: all that act on it are told together.
    all.dedup_by(|later, first| later.attributes == first.attributes && later.words == first.words);
    all
}

fn field(rules: &DicomRules, rule: &Rule) -> Acted {
    let effect = rules.effect_of(rule);
    let name = escape_for_terminal(&rule.selector.to_string());
    let tag = rule
        .selector
        .tag()
        .map(|tag| format!("({:04X},{:04X})", tag.group(), tag.element()));
    let words =
        in_words(&effect.fate, rules) + reach(rules, rule) + &weakened(rules, rule, &effect);
    Acted {
        code: None,
        fate: effect.fate.slug(),
        words,
        theme: theme(rule),
        attributes: vec![(name, tag)],
    }
}

fn reach(rules: &DicomRules, rule: &Rule) -> &'static str {
    match rule.selector {
        Selector::Regex(_) => ", wherever the expression matches",
        Selector::Path(_) => ", where the path leads",
        _ if rules.recurse_sequence => ", everywhere",
        _ => ", at the top of the data set; in sequence items the table acts",
    }
}

/// What the table would have done, where a field lets something stay that it takes.
fn weakened(rules: &DicomRules, rule: &Rule, effect: &Effect<'_>) -> String {
    if effect.fate.protects() {
        return String::new();
    }
    if matches!(rule.selector, Selector::Regex(_)) {
        return ". An exception where the table does not keep it".to_owned();
    }
    match addressed(rule)
        .and_then(|tag| rules.tabled(tag))
        .filter(|told| told.outcome.protects())
    {
        Some(told) => format!(". An exception: the table has {}", told.code.as_str()),
        None => String::new(),
    }
}

/// One attribute to ask the table about.
fn addressed(rule: &Rule) -> Option<Tag> {
    match &rule.selector {
        Selector::Private { group, element, .. } => Some(Tag(*group, 0x1000 | u16::from(*element))),
        selector => selector.leaf(),
    }
}

fn theme(rule: &Rule) -> Theme {
    let leaf = rule.selector.leaf();
    let of_table = leaf.and_then(attribute).map(Theme::of);
    let of_concern = || {
        leaf.and_then(standard::blind_spot)
            .map(|spot| spot.concern.into())
    };
    let private = || matches!(rule.selector, Selector::Private { .. }).then_some(Theme::Private);
    of_table
        .or_else(of_concern)
        .or_else(private)
        .unwrap_or(Theme::Identifiers)
}
