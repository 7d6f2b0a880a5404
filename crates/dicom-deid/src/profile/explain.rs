//! What happens to each attribute under a profile, in plain words.
//!
//! Tells every attribute of PS3.15 Table E.1-1 and all that the profile names. Constants of
//! `replace-with` are shown, as they are text of the profile; salts and keys are not. Makes the
//! conformance statement of a profile with `confidentiality` too (PS3.15 section E.1.1 asks for one),
//! from the profile and the tables alone.

mod images;
mod statement;

use std::collections::HashSet;

use dicom_core::Tag;
use dicom_lossless::escape_for_terminal;

use super::action::Action;
use super::basic_profile::{DecisionSource, EDITION};
use super::effect::NestingLevel::{Items, Top};
use super::effect::{AttributeEffect, Effect, describe_effect};
use super::model::{AgeUnit, DicomRules, Profile, Rule};
use super::selector::Selector;
use super::table_outcome::{TableEffect, TableOutcome};
use super::theme::Theme;
use crate::standard::confidentiality::{
    Attribute, ConfidentialityOption as O, TagPattern, attributes,
};
use crate::standard::{self, UnlistedAttribute, unlisted_attributes};

/// A profile explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What holds for the whole file, a sentence each.
    pub whole: Vec<String>,
    /// The attributes that rules name, in the order of the rules, and then the others of Table
    /// E.1-1.
    pub attributes: Vec<AttributeExplanation>,
    /// What PS3.15 asks to state, of a profile with `confidentiality`.
    pub statement: Option<Statement>,
}

/// What happens to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeExplanation {
    /// Its keyword or name, or the selector of the rule.
    pub subject: String,
    /// Its tag as the standard writes it.
    pub tag: Option<String>,
    /// What the Basic Profile of PS3.15 does with it.
    pub standard: Option<&'static str>,
    /// What becomes of it, for programs.
    pub effect: &'static str,
    /// What becomes of it, in words.
    pub words: String,
    /// Where that holds.
    pub coverage: &'static str,
    /// What becomes of it in sequence items, where that is something else.
    pub in_items: Option<String>,
    /// The rules that act on it, by their position in the profile.
    pub rules: Vec<String>,
}

/// Explains a profile.
pub fn explain(profile: &Profile) -> Explanation {
    let rules = &profile.dicom;
    let mut by_table: HashSet<TagPattern> = HashSet::new();
    let mut rows = Vec::new();
    for rule in &rules.fields {
        match covered(&rule.selector) {
            Some(covers) if by_table.insert(covers) => rows.push(attribute(rules, covers)),
            Some(_) => {}
            None => rows.push(selected(rules, rule)),
        }
    }
    // Each rule that names a private element gives the same row again.
    rows.dedup();
    let others = attributes()
        .iter()
        .map(|row| row.covers)
        .filter(|covers| !by_table.contains(covers));
    rows.extend(others.map(|covers| attribute(rules, covers)));
    Explanation {
        whole: whole_file(profile),
        attributes: rows,
        statement: statement(profile),
    }
}

/// The attributes that a selector names at the top of the data set, if it names them as Table E.1-1
/// does.
fn covered(selector: &Selector) -> Option<TagPattern> {
    match selector {
        Selector::Tag(tag) => Some(TagPattern::One(*tag)),
        Selector::Repeater { group, element } => Some(TagPattern::Repeating {
            group: *group,
            element: Some(*element),
        }),
        _ => None,
    }
}

fn attribute(rules: &DicomRules, covers: TagPattern) -> AttributeExplanation {
    let row = attributes()
        .iter()
        .find(|row| row.covers == covers);
    let top = rules.effect_on_pattern(covers, Top);
    let items = rules.effect_on_pattern(covers, Items);
    let untouched = |effect: &Effect<'_>| matches!(effect, Effect::Untouched | Effect::Kept);
    let same = top.effect == items.effect || (untouched(&top.effect) && untouched(&items.effect));
    AttributeExplanation {
        subject: name(covers, row),
        tag: Some(covers.to_string()),
        standard: row
            .or_else(|| of_table(covers))
            .map(|row| row.basic.as_str()),
        effect: top.effect.slug(),
        words: describe_effect(&top.effect, rules) + created(&top, rules),
        coverage: if same { "everywhere" } else { "top level" },
        in_items: (!same).then(|| describe_effect(&items.effect, rules)),
        rules: places(&top.rules),
    }
}

fn of_table(covers: TagPattern) -> Option<&'static Attribute> {
    match covers {
        TagPattern::One(tag) => standard::attribute(tag),
        TagPattern::Repeating { group, element } => standard::attribute(Tag(group, element?)),
        TagPattern::Private => None,
    }
}

fn name(covers: TagPattern, row: Option<&Attribute>) -> String {
    let known = match covers {
        TagPattern::One(tag) => standard::keyword(tag),
        _ => None,
    };
    match (known, row) {
        (Some(keyword), _) => keyword.to_owned(),
        (None, Some(row)) => row.name.clone(),
        (None, None) => covers.to_string(),
    }
}

/// Whether an absent element is made.
fn created(effect: &AttributeEffect<'_>, rules: &DicomRules) -> &'static str {
    let inserts = |rule: &&&Rule| matches!(&rule.action, Action::ReplaceWith { insert, .. } if rules.inserts(*insert));
    let makes = matches!(effect.effect, Effect::Replaced(_) | Effect::Emptied)
        && effect
            .rules
            .iter()
            .any(|rule| inserts(&rule));
    if makes { " (created if absent)" } else { "" }
}

/// What a rule does whose selector is a path, an expression, or a private element with its creator.
fn selected(rules: &DicomRules, rule: &Rule) -> AttributeExplanation {
    let (effect, coverage) = match &rule.selector {
        Selector::Private {
            group,
            creator,
            element,
        } => (
            rules.effect_on_private(*group, creator, *element),
            if rules.recurse_sequence {
                "everywhere"
            } else {
                "top level"
            },
        ),
        Selector::Regex(_) => (rules.effect_of(rule), "where the expression matches"),
        _ => (rules.effect_of(rule), "where the path leads"),
    };
    AttributeExplanation {
        subject: escape_for_terminal(&rule.selector.to_string()),
        tag: None,
        standard: None,
        effect: effect.effect.slug(),
        words: describe_effect(&effect.effect, rules),
        coverage,
        in_items: None,
        rules: places(&effect.rules),
    }
}

fn places(rules: &[&Rule]) -> Vec<String> {
    rules
        .iter()
        .map(|rule| rule.location())
        .collect()
}

/// What holds for the whole file, a sentence each.
fn whole_file(profile: &Profile) -> Vec<String> {
    let rules = &profile.dicom;
    let mut said = [private(rules), recursion(rules), undefined(rules)]
        .map(str::to_owned)
        .to_vec();
    said.extend(age(rules));
    said.extend(uids(rules));
    said.extend(envelope(rules).map(str::to_owned));
    said.extend(
        images::sentences(rules)
            .into_iter()
            .map(str::to_owned),
    );
    said.push(names(rules).to_owned());
    let always = "Whatever the profile says: preamble and file meta information are written \
        afresh, group lengths dropped.";
    said.push(always.to_owned());
    if !profile.other_sections.is_empty() {
        said.push(format!(
            "Sections for other kinds of file are not carried out: {}.",
            profile.other_sections.join(", ")
        ));
    }
    said.extend(
        profile
            .notes
            .iter()
            .map(|note| format!("Note: {}", escape_for_terminal(note))),
    );
    said
}

fn private(rules: &DicomRules) -> &'static str {
    let named = rules
        .fields
        .iter()
        .any(|rule| matches!(rule.selector, Selector::Private { .. }));
    if let (Some(confidentiality), false) = (&rules.confidentiality, rules.remove_private_tags) {
        return if confidentiality.has(O::RetainSafePrivate) {
            "Private elements are removed unless they are known safe; what stays is cleaned."
        } else {
            "Private elements that no field names are removed, in sequence items too."
        };
    }
    match (rules.remove_private_tags, named) {
        (true, false) => "Private elements are removed, in sequence items too.",
        (true, true) => {
            "Private elements are removed, in sequence items too, but for those that rules name \
                by creator."
        }
        (false, _) if rules.remove_undefined => "Private elements that no rule names are removed.",
        (false, _) => "Private elements stay as they are unless a rule names them.",
    }
}

fn recursion(rules: &DicomRules) -> &'static str {
    if rules.recurse_sequence {
        "Every rule acts at the top of the data set and in all sequence items."
    } else {
        "Rules act at the top of the data set; only paths and expressions reach into sequence \
            items."
    }
}

fn undefined(rules: &DicomRules) -> &'static str {
    if rules.remove_undefined {
        "What no rule names is removed, in sequence items too."
    } else if rules.confidentiality.is_some() {
        "What no rule names is treated as PS3.15 Table E.1-1 and the options say, at every level; \
            what they do not list by its role."
    } else {
        "What no rule names goes out as it came in, byte for byte."
    }
}

fn age(rules: &DicomRules) -> Option<String> {
    let from = match rules.patient_age_units {
        None | Some(AgeUnit::Days) => {
            "days, or in months or years where that gives too large a number"
        }
        Some(AgeUnit::Months) => "months, or in years where that gives too large a number",
        Some(AgeUnit::Years) => "years",
    };
    let says = || {
        format!(
            "The patient's age is computed from the original birth and study date, in {from}, \
                before the rules act."
        )
    };
    rules
        .patient_age_from_birthdate
        .then(says)
}

fn uids(rules: &DicomRules) -> Option<String> {
    let first = if rules.uid_numeric_name.is_some() {
        0
    } else {
        rules.uid_prefix_fields
    };
    let kept = match (first, rules.uid_suffix_fields) {
        (0, 0) => "nothing of the original UID stays".to_owned(),
        (first, 0) => format!("of the original UID's components the first {first} stay"),
        (0, last) => format!("of the original UID's components the last {last} stay"),
        (first, last) => {
            format!("of the original UID's components the first {first} and the last {last} stay")
        }
    };
    let mapped = rules
        .fields
        .iter()
        .any(|rule| rule.action == Action::HashUid);
    mapped.then(|| {
        format!("The same UID is mapped to the same new one wherever a rule maps it; {kept}.")
    })
}

fn names(rules: &DicomRules) -> &'static str {
    if rules.filenames.is_empty() {
        "File names, labels and the UIDs of containers are made from the cleaned header."
    } else {
        "Files are named as `filenames` says; labels and the UIDs of containers are made from the \
            cleaned header."
    }
}

fn envelope(rules: &DicomRules) -> Option<&'static str> {
    let encrypts = rules
        .fields
        .iter()
        .any(|rule| rule.action == Action::Encrypt);
    match (rules.retain, encrypts) {
        (true, _) => Some(
            "The originals of all that is changed or removed go into an encrypted envelope in the \
                file.",
        ),
        (false, true) => {
            Some("What `encrypt` takes out goes into an encrypted envelope in the file.")
        }
        (false, false) => None,
    }
}

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
fn statement(profile: &Profile) -> Option<Statement> {
    let rules = &profile.dicom;
    let confidentiality = rules.confidentiality.as_ref()?;
    let sections = statement::SECTIONS
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
        options: confidentiality
            .options
            .iter()
            .collect(),
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
        .effect_on_pattern(row.covers, Top)
        .effect;
    let home = match &effect {
        Effect::ByTable(by_table) => home(row, *by_table),
        Effect::WrittenAfresh => Topic::Removed,
        Effect::RemovedAsUnnamed | Effect::PrivateRemoved => Topic::Exceptions,
        _ => return None,
    };
    let name = row
        .keyword
        .unwrap_or(&row.name)
        .to_owned();
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
        .effect_on_pattern(listed.covers, Top)
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
            Some(last) => last
                .attributes
                .extend(one.attributes),
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
    let of_table = leaf
        .and_then(standard::attribute)
        .map(Theme::of);
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
