//! The conformance statement of a profile with `confidentiality` (PS3.15 section E.1.1 asks for
//! one): what is removed, replaced, kept and cleaned, made from the profile and the tables alone.
//!
//! It must never say more than is done: what depends on the file or its IOD is said to depend on
//! it.

mod texts;

use dicom_core::Tag;
use dicom_lossless::escape_for_terminal;

use crate::profile::basic_profile::{DecisionSource, EDITION};
use crate::profile::effect::{
    AttributeEffect, Effect, NestingLevel, TableEffect, TableOutcome, describe_effect,
};
use crate::profile::model::{DicomRules, Profile, Rule};
use crate::profile::selector::Selector;
use crate::profile::theme::Theme;
use crate::standard::confidentiality::{
    Attribute, ConfidentialityOption as O, TagPattern, attributes,
};
use crate::standard::{self, UnlistedAttribute, attribute, unlisted_attributes};

/// What a profile does, as PS3.15 asks to state it.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The edition of the tables.
    pub edition: &'static str,
    /// The options, in the order of the table's columns.
    pub options: Vec<O>,
    /// What is done, by kind.
    pub sections: Vec<StatementSection>,
}

/// One section: what is done to one kind of attribute.
#[derive(Debug, Clone)]
pub struct StatementSection {
    /// Its name for programs.
    pub slug: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What holds for all of it, a sentence or a few each.
    pub says: Vec<String>,
    /// The attributes, by what becomes of them.
    pub entries: Vec<StatementEntry>,
}

/// Attributes of one sort to which the same is done.
#[derive(Debug, Clone)]
pub struct StatementEntry {
    /// The action code of PS3.15; none where a field acts.
    pub code: Option<&'static str>,
    /// What becomes of them, for programs.
    pub effect: &'static str,
    /// What becomes of them, in words.
    pub words: String,
    /// What sort of attribute they are.
    pub theme: Theme,
    /// Keyword, name or selector, and the tag as the standard writes it where there is one.
    pub attributes: Vec<(String, Option<String>)>,
}

/// The sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Patient,
    Removed,
    Replaced,
    Uids,
    Kept,
    Dates,
    Private,
    Descriptors,
    Content,
    Graphics,
    Pixels,
    Documents,
    Unlisted,
    Exceptions,
    Marks,
    Residual,
}

/// The statement, where the profile asks for the Basic Profile.
pub(super) fn statement(profile: &Profile) -> Option<Statement> {
    let rules = &profile.dicom;
    let confidentiality = rules.confidentiality.as_ref()?;
    let sections = texts::SECTIONS
        .into_iter()
        .map(|(topic, slug, title, sentences)| StatementSection {
            slug,
            title,
            says: sentences(profile, confidentiality),
            entries: entries(topic, rules),
        });
    let sections = sections.filter(|part| !part.says.is_empty() || !part.entries.is_empty());
    Some(Statement {
        edition: EDITION,
        options: confidentiality.options.iter().collect(),
        sections: sections.collect(),
    })
}

/// What is done to attributes, grouped by what and by their sort.
fn entries(topic: Topic, rules: &DicomRules) -> Vec<StatementEntry> {
    match topic {
        Topic::Exceptions => fields(rules),
        Topic::Unlisted => grouped(
            unlisted_attributes()
                .iter()
                .filter_map(|listed| unlisted(rules, listed))
                .collect(),
        ),
        _ => grouped(
            attributes()
                .iter()
                .filter_map(|row| listed(topic, rules, row))
                .collect(),
        ),
    }
}

/// A row of Table E.1-1 that no field names and that belongs to a section.
fn listed(topic: Topic, rules: &DicomRules, row: &Attribute) -> Option<StatementEntry> {
    let effect = rules
        .effect_on_pattern(row.covers, NestingLevel::Top)
        .effect;
    let home = match &effect {
        Effect::ByTable(by_table) => home(row, *by_table),
        Effect::WrittenAfresh => Topic::Removed,
        Effect::RemovedAsUnnamed | Effect::PrivateRemoved => Topic::Exceptions,
        _ => return None,
    };
    let name = row
        .keyword
        .map_or_else(|| row.name.clone(), str::to_owned);
    (home == topic).then(|| one(rules, &effect, Theme::of(row), name, row.covers))
}

/// The section that a row is listed in.
fn home(row: &Attribute, by_table: TableEffect) -> Topic {
    let by = |option| by_table.source == DecisionSource::Option(option);
    match by_table.outcome {
        _ if row.covers == TagPattern::Private => Topic::Private,
        TableOutcome::Pseudonym => Topic::Patient,
        TableOutcome::Document(_) => Topic::Documents,
        TableOutcome::Content | TableOutcome::DummyContent => Topic::Content,
        TableOutcome::DummyGraphics => Topic::Graphics,
        _ if by(O::CleanGraphics) => Topic::Graphics,
        TableOutcome::Moved => Topic::Dates,
        _ if by(O::RetainFullDates) => Topic::Dates,
        TableOutcome::KnownWords | TableOutcome::ItemsCleaned => Topic::Descriptors,
        TableOutcome::NewUid | TableOutcome::References => Topic::Uids,
        TableOutcome::Kept => Topic::Kept,
        TableOutcome::Removed => Topic::Removed,
        _ => Topic::Replaced,
    }
}

/// An attribute of the list of blind spots that no field names.
fn unlisted(rules: &DicomRules, listed: &UnlistedAttribute) -> Option<StatementEntry> {
    let effect = rules
        .effect_on_pattern(listed.covers, NestingLevel::Top)
        .effect;
    let (theme, name) = (listed.role.into(), listed.keyword.clone());
    matches!(effect, Effect::ByTable(_)).then(|| one(rules, &effect, theme, name, listed.covers))
}

fn one(
    rules: &DicomRules,
    effect: &Effect<'_>,
    theme: Theme,
    name: String,
    covers: TagPattern,
) -> StatementEntry {
    let (code, words) = match effect {
        Effect::ByTable(by_table) => (
            Some(by_table.code.as_str()),
            describe_effect(effect, rules) + &under(*by_table),
        ),
        _ => (None, describe_effect(effect, rules)),
    };
    StatementEntry {
        code,
        effect: effect.slug(),
        words,
        theme,
        attributes: vec![(name, Some(covers.to_string()))],
    }
}

/// The option that speaks.
fn under(by_table: TableEffect) -> String {
    match by_table.source {
        DecisionSource::Option(option) => format!(" ({})", option.name()),
        _ => String::new(),
    }
}

/// Joins what is alike, in the order of codes, words and sorts.
fn grouped(mut all: Vec<StatementEntry>) -> Vec<StatementEntry> {
    all.sort_by(|a, b| {
        (a.code, &a.words, a.theme, &a.attributes).cmp(&(b.code, &b.words, b.theme, &b.attributes))
    });
    let mut groups: Vec<StatementEntry> = Vec::new();
    for one in all {
        match groups.last_mut().filter(|last| {
            (last.code, &last.words, last.theme) == (one.code, &one.words, one.theme)
        }) {
            Some(last) => last.attributes.extend(one.attributes),
            None => groups.push(one),
        }
    }
    groups
}

/// One for each field, in the order of the profile.
fn fields(rules: &DicomRules) -> Vec<StatementEntry> {
    let mut all: Vec<StatementEntry> = rules
        .fields
        .iter()
        .map(|rule| field(rules, rule))
        .collect();
    // A field that repeats a selector adds nothing: all that act on it are listed together.
    all.dedup_by(|later, first| later.attributes == first.attributes && later.words == first.words);
    all
}

fn field(rules: &DicomRules, rule: &Rule) -> StatementEntry {
    let effect = rules.effect_of(rule);
    let name = escape_for_terminal(&rule.selector.to_string());
    let tag = rule
        .selector
        .tag()
        .map(|tag| tag.to_string());
    let words = describe_effect(&effect.effect, rules)
        + coverage(rules, rule)
        + &weakened(rules, rule, &effect);
    StatementEntry {
        code: None,
        effect: effect.effect.slug(),
        words,
        theme: theme(rule),
        attributes: vec![(name, tag)],
    }
}

fn coverage(rules: &DicomRules, rule: &Rule) -> &'static str {
    match rule.selector {
        Selector::Regex(_) => ", wherever the expression matches",
        Selector::Path(_) => ", where the path leads",
        _ if rules.recurse_sequence => ", everywhere",
        _ => ", at the top of the data set; in sequence items the table acts",
    }
}

/// What the table would have done, where a field lets something stay that it takes.
fn weakened(rules: &DicomRules, rule: &Rule, effect: &AttributeEffect<'_>) -> String {
    if effect.effect.protects() {
        return String::new();
    }
    if matches!(rule.selector, Selector::Regex(_)) {
        return ". An exception where the table does not keep it".to_owned();
    }
    match addressed(rule)
        .and_then(|tag| rules.table_effect(tag))
        .filter(|by_table| by_table.outcome.protects())
    {
        Some(by_table) => format!(". An exception: the table has {}", by_table.code.as_str()),
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
        leaf.and_then(standard::unlisted_attribute)
            .map(|listed| listed.role.into())
    };
    let private = || matches!(rule.selector, Selector::Private { .. }).then_some(Theme::Private);
    of_table
        .or_else(of_concern)
        .or_else(private)
        .unwrap_or(Theme::Identifiers)
}
