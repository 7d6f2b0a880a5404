//! The conformance statement of a profile with `confidentiality` (PS3.15 section E.1.1 asks for
//! one): what is removed, replaced, kept and cleaned, made from the profile and the tables alone.
//!
//! It must never say more than is done: what depends on the file or its IOD is said to depend on
//! it.

mod exceptions;
mod texts;

use super::{Fate, Place, in_words};
use crate::profile::confidentiality::{EDITION, Why};
use crate::profile::effect::{Outcome, Tabled};
use crate::profile::lint::Theme;
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::{Attribute, ConfidentialityOption as O, Covers, attributes};
use crate::standard::{BlindSpot, Concern, blind_spots};

/// What a profile does, as PS3.15 asks to state it.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The edition of the tables.
    pub edition: &'static str,
    /// The options, in the order of the table's columns.
    pub options: Vec<O>,
    /// What is done, by kind.
    pub sections: Vec<Section>,
}

/// One kind of thing that is done.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name for programs.
    pub slug: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What holds for all of it, a sentence or a few each.
    pub says: Vec<String>,
    /// The attributes, by what becomes of them.
    pub acted: Vec<Acted>,
}

/// Attributes of one sort that have one thing done to them.
#[derive(Debug, Clone)]
pub struct Acted {
    /// The action code of PS3.15; none where a field acts.
    pub code: Option<&'static str>,
    /// What becomes of them, for programs.
    pub fate: &'static str,
    /// What becomes of them, in words.
    pub words: String,
    /// What sort of attribute they are.
    pub theme: Theme,
    /// Keyword, name or selector, and the tag as the standard writes it where there is one.
    pub attributes: Vec<(String, Option<String>)>,
}

/// The sections, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
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

impl About {
    const ALL: [Self; 16] = [
        Self::Patient,
        Self::Removed,
        Self::Replaced,
        Self::Uids,
        Self::Kept,
        Self::Dates,
        Self::Private,
        Self::Descriptors,
        Self::Content,
        Self::Graphics,
        Self::Pixels,
        Self::Documents,
        Self::Unlisted,
        Self::Exceptions,
        Self::Marks,
        Self::Residual,
    ];
}

/// The statement, where the profile asks for the Basic Profile.
pub(super) fn statement(profile: &Profile) -> Option<Statement> {
    let rules = &profile.dicom;
    let asked = rules.confidentiality.as_ref()?;
    let section = |about: About| {
        let (slug, title) = texts::heading(about);
        Section {
            slug,
            title,
            says: texts::says(about, profile, asked),
            acted: acted(about, rules),
        }
    };
    let sections = About::ALL
        .into_iter()
        .map(section)
        .filter(|section| !section.says.is_empty() || !section.acted.is_empty());
    Some(Statement {
        edition: EDITION,
        options: asked.options.iter().collect(),
        sections: sections.collect(),
    })
}

/// What is done to attributes, grouped by what and by their sort.
fn acted(about: About, rules: &DicomRules) -> Vec<Acted> {
    match about {
        About::Exceptions => exceptions::acted(rules),
        About::Unlisted => grouped(
            blind_spots()
                .iter()
                .filter_map(|spot| unlisted(rules, spot))
                .collect(),
        ),
        _ => grouped(
            attributes()
                .iter()
                .filter_map(|row| listed(about, rules, row))
                .collect(),
        ),
    }
}

/// A row of Table E.1-1 that no field names and that belongs to a section.
fn listed(about: About, rules: &DicomRules, row: &Attribute) -> Option<Acted> {
    let fate = rules.effect_on_covered(row.covers, Place::Top).fate;
    let home = match &fate {
        Fate::Tabled(told) => home(row, *told),
        Fate::Afresh => About::Removed,
        Fate::Undefined | Fate::PrivateRemoved => About::Exceptions,
        _ => return None,
    };
    let name = row.keyword.map_or_else(|| row.name.clone(), str::to_owned);
    (home == about).then(|| one(rules, &fate, Theme::of(row), name, row.covers))
}

/// The section that tells of a row.
fn home(row: &Attribute, told: Tabled) -> About {
    let by = |option| told.why == Why::Option(option);
    match told.outcome {
        _ if row.covers == Covers::Private => About::Private,
        Outcome::Pseudonym => About::Patient,
        Outcome::Document(_) => About::Documents,
        Outcome::Content | Outcome::DummyContent => About::Content,
        Outcome::DummyGraphics => About::Graphics,
        _ if by(O::CleanGraphics) => About::Graphics,
        Outcome::Moved => About::Dates,
        _ if by(O::RetainFullDates) => About::Dates,
        Outcome::KnownWords | Outcome::ItemsCleaned => About::Descriptors,
        Outcome::NewUid | Outcome::References => About::Uids,
        Outcome::Kept => About::Kept,
        Outcome::Removed => About::Removed,
        _ => About::Replaced,
    }
}

/// An attribute of the list of blind spots that no field names.
fn unlisted(rules: &DicomRules, spot: &BlindSpot) -> Option<Acted> {
    let fate = rules.effect_on_covered(spot.covers, Place::Top).fate;
    let told = matches!(fate, Fate::Tabled(_));
    told.then(|| {
        one(
            rules,
            &fate,
            role(spot.concern),
            spot.keyword.clone(),
            spot.covers,
        )
    })
}

fn role(concern: Concern) -> Theme {
    concern.into()
}

fn one(rules: &DicomRules, fate: &Fate<'_>, theme: Theme, name: String, covers: Covers) -> Acted {
    let (code, words) = match fate {
        Fate::Tabled(told) => (
            Some(told.code.as_str()),
            in_words(fate, rules) + &under(*told),
        ),
        _ => (None, in_words(fate, rules)),
    };
    Acted {
        code,
        fate: fate.slug(),
        words,
        theme,
        attributes: vec![(name, Some(covers.text()))],
    }
}

/// The option that speaks.
fn under(told: Tabled) -> String {
    match told.why {
        Why::Option(option) => format!(" ({})", option.name()),
        _ => String::new(),
    }
}

/// Joins what is alike, in the order of codes, words and sorts.
fn grouped(mut all: Vec<Acted>) -> Vec<Acted> {
    all.sort_by(|a, b| {
        (a.code, &a.words, a.theme, &a.attributes).cmp(&(b.code, &b.words, b.theme, &b.attributes))
    });
    let mut groups: Vec<Acted> = Vec::new();
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
