//! What happens to each attribute under a profile, in plain words.
//!
//! Tells every attribute of PS3.15 Table E.1-1 and all that the profile names. Constants of
//! `replace-with` are shown, as they are text of the profile; salts and keys are not.

mod statement;
mod whole;

use std::collections::HashSet;

use dicom_core::Tag;

use super::action::Action;
use super::effect::{Effect, Fate, Place, in_words};
use super::model::{DicomRules, Profile, Rule};
use super::selector::Selector;
use crate::standard;
use crate::standard::confidentiality::{Attribute, Covers, attributes};
use dicom_lossless::escape_for_terminal;
pub use statement::{Acted, Section, Statement};

/// A profile explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What holds for the whole file, a sentence each.
    pub whole: Vec<String>,
    /// The attributes that rules name, in the order of the rules, and then the others of Table
    /// E.1-1.
    pub attributes: Vec<Explained>,
    /// What PS3.15 asks to state, of a profile with `confidentiality`.
    pub statement: Option<Statement>,
}

/// What happens to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its keyword or name, or the selector that stands for it.
    pub subject: String,
    /// Its tag as the standard writes it.
    pub tag: Option<String>,
    /// What the Basic Profile of PS3.15 does with it.
    pub standard: Option<&'static str>,
    /// What becomes of it, for programs.
    pub fate: &'static str,
    /// What becomes of it, in words.
    pub words: String,
    /// Where that holds.
    pub reach: &'static str,
    /// What becomes of it in sequence items, where that is something else.
    pub in_items: Option<String>,
    /// The rules that act on it, by their place in the profile.
    pub rules: Vec<String>,
}

/// Explains a profile.
pub fn explain(profile: &Profile) -> Explanation {
    let rules = &profile.dicom;
    let mut told: HashSet<Covers> = HashSet::new();
    let mut rows = Vec::new();
    for rule in &rules.fields {
        match covered(&rule.selector) {
            Some(covers) if told.insert(covers) => rows.push(attribute(rules, covers)),
            Some(_) => {}
            None => rows.push(selected(rules, rule)),
        }
    }
    // The element of a private rule is told by each rule that names it, which says the same again.
    rows.dedup();
    let others = attributes()
        .iter()
        .map(|row| row.covers)
        .filter(|covers| !told.contains(covers));
    rows.extend(others.map(|covers| attribute(rules, covers)));
    Explanation {
        whole: whole::sentences(profile),
        attributes: rows,
        statement: statement::statement(profile),
    }
}

/// The attributes that a selector names at the top of the data set, if it names them as Table E.1-1
/// does.
fn covered(selector: &Selector) -> Option<Covers> {
    match selector {
        Selector::Tag(tag) => Some(Covers::One(*tag)),
        Selector::Repeater { group, element } => Some(Covers::Repeating {
            group: *group,
            element: Some(*element),
        }),
        _ => None,
    }
}

fn attribute(rules: &DicomRules, covers: Covers) -> Explained {
    let row = attributes().iter().find(|row| row.covers == covers);
    let top = rules.effect_on_covered(covers, Place::Top);
    let items = rules.effect_on_covered(covers, Place::Items);
    let untouched = |fate: &Fate<'_>| matches!(fate, Fate::Stays | Fate::Kept);
    let same = top.fate == items.fate || (untouched(&top.fate) && untouched(&items.fate));
    Explained {
        subject: name(covers, row),
        tag: Some(covers.text()),
        standard: row
            .or_else(|| of_table(covers))
            .map(|row| row.basic.as_str()),
        fate: top.fate.slug(),
        words: in_words(&top.fate, rules) + created(&top, rules),
        reach: if same { "everywhere" } else { "top level" },
        in_items: (!same).then(|| in_words(&items.fate, rules)),
        rules: places(&top.rules),
    }
}

fn of_table(covers: Covers) -> Option<&'static Attribute> {
    match covers {
        Covers::One(tag) => standard::attribute(tag),
        Covers::Repeating { group, element } => standard::attribute(Tag(group, element?)),
        Covers::Private => None,
    }
}

fn name(covers: Covers, row: Option<&Attribute>) -> String {
    let known = match covers {
        Covers::One(tag) => standard::keyword(tag),
        _ => None,
    };
    match (known, row) {
        (Some(keyword), _) => keyword.to_owned(),
        (None, Some(row)) => row.name.clone(),
        (None, None) => covers.text(),
    }
}

/// Whether an absent element is made.
fn created(effect: &Effect<'_>, rules: &DicomRules) -> &'static str {
    let inserts = |rule: &&&Rule| matches!(&rule.action, Action::ReplaceWith { insert, .. } if rules.inserts(*insert));
    let makes = matches!(effect.fate, Fate::Replaced(_) | Fate::Emptied)
        && effect.rules.iter().any(|rule| inserts(&rule));
    if makes { " (created if absent)" } else { "" }
}

/// What a rule does whose selector is a path, an expression, or a private element with its creator.
fn selected(rules: &DicomRules, rule: &Rule) -> Explained {
    let (effect, reach) = match &rule.selector {
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
    Explained {
        subject: escape_for_terminal(&rule.selector.to_string()),
        tag: None,
        standard: None,
        fate: effect.fate.slug(),
        words: in_words(&effect.fate, rules),
        reach,
        in_items: None,
        rules: places(&effect.rules),
    }
}

fn places(rules: &[&Rule]) -> Vec<String> {
    rules.iter().map(|rule| rule.place()).collect()
}
