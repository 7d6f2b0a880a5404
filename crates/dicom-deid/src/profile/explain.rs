//! What happens to each attribute under a profile, in plain words.
//!
//! Tells every attribute of PS3.15 Table E.1-1 and all that the profile names. Constants of
//! `replace-with` are shown, as they are text of the profile; salts and keys are not.

mod statement;

use std::collections::HashSet;

use dicom_core::Tag;
use dicom_lossless::escape_for_terminal;

use super::action::Action;
use super::effect::{AttributeEffect, Effect, NestingLevel, describe_effect};
use super::image_rules::BurnedIn;
use super::model::{AgeUnit, DicomRules, Profile, Rule};
use super::selector::Selector;
use crate::standard;
use crate::standard::confidentiality::{Attribute, ConfidentialityOption, TagPattern, attributes};
pub use statement::{Statement, StatementEntry, StatementSection};

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
        statement: statement::statement(profile),
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
    let top = rules.effect_on_pattern(covers, NestingLevel::Top);
    let items = rules.effect_on_pattern(covers, NestingLevel::Items);
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

const PIXELS: Tag = Tag(0x7FE0, 0x0010);

/// What holds for the whole file, a sentence each.
fn whole_file(profile: &Profile) -> Vec<String> {
    let rules = &profile.dicom;
    let mut said = [private(rules), recursion(rules), undefined(rules)]
        .map(str::to_owned)
        .to_vec();
    said.extend(age(rules));
    said.extend(uids(rules));
    said.extend(envelope(rules).map(str::to_owned));
    said.push(pixels(rules).to_owned());
    said.extend(by_device(rules).map(str::to_owned));
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
        return if confidentiality
            .options
            .has(ConfidentialityOption::RetainSafePrivate)
        {
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

fn pixels(rules: &DicomRules) -> &'static str {
    if rules
        .effect_on(PIXELS, NestingLevel::Top)
        .effect
        .is_gone()
    {
        "Pixel data is removed."
    } else if !rules.keeps_burned_in() {
        "Images that may show text, as far as their attributes tell, are refused; the pixels \
            themselves are not read."
    } else if rules.alter_pixels.is_some() {
        "Regions of the image are blanked by `alter_pixels` where their condition holds; other \
            burned-in text is not looked for."
    } else {
        "Pixel data goes out as it came in: text burned into the image is not looked for."
    }
}

/// What `[dicom.pixels]` adds; Flywheel's vocabulary has nothing of the kind.
fn by_device(rules: &DicomRules) -> Option<&'static str> {
    match (rules.burned_in, rules.regions.is_empty()) {
        (BurnedIn::Refuse, true) => {
            Some("Images whose header says that they may show text are refused.")
        }
        (BurnedIn::Refuse, false) => Some(
            "Images whose header says that they may show text are refused unless `regions` name \
                them, and blanked as they say.",
        ),
        (BurnedIn::Keep, false) => Some(
            "Images that `regions` name are blanked as they say; others that show text go as they \
                are.",
        ),
        (BurnedIn::Keep, true) => None,
    }
}
