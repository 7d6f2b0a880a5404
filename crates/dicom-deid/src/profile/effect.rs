//! What a profile does to an attribute, worked out from its rules alone.
//!
//! Reads no file and changes nothing: [`crate::Cleaner`] acts, and this says beforehand what will
//! become of an attribute. `words` puts the effect into words.

mod words;

use dicom_dictionary_std::tags;
use std::sync::OnceLock;

use dicom_core::Tag;
use python_regex::PythonRegex;

pub use words::describe_effect;

use super::action::{Action, DateBounds, Replacement};
use super::image_rules::BurnedIn;
use super::model::{DicomRules, Rule};
use super::selector::Selector;
use super::table_outcome::{TableEffect, TableOutcome};
use crate::standard::confidentiality::TagPattern;
use crate::standard::{self, hex_digits, is_private, keyword};

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NestingLevel {
    /// At the top of the data set.
    Top,
    /// In the items of any sequence.
    Items,
}

/// What becomes of an attribute, and through which rules.
#[derive(Debug, Clone)]
pub struct AttributeEffect<'a> {
    /// What becomes of it.
    pub effect: Effect<'a>,
    /// The rules that address it, in the order in which they act. One that matches in both forms of
    /// a path is here twice.
    pub rules: Vec<&'a Rule>,
}

impl DicomRules {
    /// What becomes of an attribute at a nesting level. In items only rules count that reach every item.
    pub fn effect_on(&self, tag: Tag, level: NestingLevel) -> AttributeEffect<'_> {
        let rules = self.addressing(tag, level);
        let age = tag == tags::PATIENT_AGE
            && level == NestingLevel::Top
            && self.patient_age_from_birthdate;
        let by_table = self
            .table_effect(tag)
            .filter(|by_table| rules.is_empty() && (!age || by_table.outcome.protects()));
        let before = match by_table {
            Some(by_table) => Effect::ByTable(by_table),
            None if age => Effect::Computed,
            None => Effect::Untouched,
        };
        let effect = if tag.group() < 0x0008 {
            Effect::WrittenAfresh
        } else if self.remove_private_tags && is_private(tag) {
            Effect::PrivateRemoved
        } else {
            self.after_rules(before, &rules)
        };
        AttributeEffect { effect, rules }
    }

    /// Whether the original value of an attribute at a nesting level is no longer there.
    pub fn protects(&self, tag: Tag, level: NestingLevel) -> bool {
        self.effect_on(tag, level)
            .effect
            .protects()
    }

    /// Whether that holds for all attributes of a row in one of the standard's tables.
    pub fn protects_all(&self, pattern: TagPattern, level: NestingLevel) -> bool {
        self.effect_on_pattern(pattern, level)
            .effect
            .protects()
    }

    /// What the Basic Profile does with an attribute that no field names, where the profile asks
    /// for it.
    pub fn table_effect(&self, tag: Tag) -> Option<TableEffect> {
        self.confidentiality
            .as_ref()
            .map(|confidentiality| confidentiality.effect_on(tag))
    }

    /// Whether no file has a Patient ID afterwards, whatever it is like.
    pub fn leaves_no_patient_id(&self) -> bool {
        matches!(
            self.effect_on(tags::PATIENT_ID, NestingLevel::Top)
                .effect,
            Effect::Removed | Effect::RemovedAsUnnamed | Effect::Emptied | Effect::Encrypted
        )
    }

    /// Whether the dates of studies, series or acquisitions do not stay as they are.
    pub fn changes_dates(&self) -> bool {
        [tags::STUDY_DATE, tags::SERIES_DATE, tags::ACQUISITION_DATE]
            .into_iter()
            .any(|date| self.protects(date, NestingLevel::Top))
    }

    /// Whether images that may show text are sent unchanged.
    pub fn keeps_burned_in(&self) -> bool {
        self.pixels.burned_in == BurnedIn::Keep
    }

    /// What has become of an attribute at the top when a rule's turn comes.
    pub fn effect_before(&self, tag: Tag, rule: &Rule) -> Effect<'_> {
        let mut earlier = self.addressing(tag, NestingLevel::Top);
        if let Some(by_table) = self
            .table_effect(tag)
            .filter(|_| earlier.is_empty())
        {
            return Effect::ByTable(by_table);
        }
        earlier.retain(|other| other.position.index < rule.position.index);
        earlier
            .iter()
            .fold(Effect::Untouched, |effect, rule| {
                effect.after(&rule.action, self)
            })
    }

    /// What becomes of a private element that a rule names by its creator.
    pub fn effect_on_private(&self, group: u16, creator: &str, element: u8) -> AttributeEffect<'_> {
        let same = |rule: &&Rule| {
            matches!(&rule.selector, Selector::Private { group: g, creator: c, element: e }
                if *g == group && c == creator && *e == element)
        };
        let rules: Vec<_> = self
            .fields
            .iter()
            .filter(same)
            .collect();
        AttributeEffect {
            effect: self.after_rules(Effect::Untouched, &rules),
            rules,
        }
    }

    /// What becomes of the elements that one rule addresses, the other rules left aside.
    pub fn effect_of<'a>(&'a self, rule: &'a Rule) -> AttributeEffect<'a> {
        AttributeEffect {
            effect: self.after_rules(Effect::Untouched, &[rule]),
            rules: vec![rule],
        }
    }

    /// What becomes of the attributes of a row in one of the standard's tables: the effect that
    /// protects least.
    pub fn effect_on_pattern(
        &self,
        covers: TagPattern,
        level: NestingLevel,
    ) -> AttributeEffect<'_> {
        let mut least: Option<AttributeEffect<'_>> = None;
        for tag in representatives(covers) {
            let effect = self.effect_on(tag, level);
            if !effect.effect.protects() {
                return effect;
            }
            least = least.or(Some(effect));
        }
        least.unwrap_or(AttributeEffect {
            effect: Effect::Untouched,
            rules: Vec::new(),
        })
    }

    fn addressing(&self, tag: Tag, level: NestingLevel) -> Vec<&Rule> {
        let times = |rule| match level {
            NestingLevel::Top => at_top(rule, tag),
            NestingLevel::Items => in_all_items(rule, tag, self.recurse_sequence),
        };
        self.fields
            .iter()
            .flat_map(|rule| std::iter::repeat_n(rule, times(rule)))
            .collect()
    }

    fn after_rules<'a>(&self, before: Effect<'a>, rules: &[&'a Rule]) -> Effect<'a> {
        if rules.is_empty() {
            return if self.remove_undefined {
                Effect::RemovedAsUnnamed
            } else {
                before
            };
        }
        let start = if before == Effect::Computed {
            before
        } else {
            Effect::Kept
        };
        rules
            .iter()
            .fold(start, |effect, rule| effect.after(&rule.action, self))
    }
}

/// What becomes of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<'a> {
    /// No rule names it: it is sent unchanged.
    Untouched,
    /// A rule names it and leaves it as it is.
    Kept,
    /// A rule removes it.
    Removed,
    /// Removed, because no rule names it.
    RemovedAsUnnamed,
    /// Removed with all private elements.
    PrivateRemoved,
    /// Its value is emptied.
    Emptied,
    /// Its value is replaced by a constant.
    Replaced(&'a Replacement),
    /// Its value is made from the original one, by one action after the other.
    Changed(Vec<&'a Action>),
    /// Moved into the encrypted envelope.
    Encrypted,
    /// Taken back out of the encrypted envelope.
    Decrypted,
    /// Computed from other attributes that are still the original ones.
    Computed,
    /// No rule names it, and the Basic Profile says what becomes of it.
    ByTable(TableEffect),
    /// No part of a data set, so that no rule acts on it: file meta information is written afresh,
    /// and commands and directories are not sent.
    WrittenAfresh,
}

impl<'a> Effect<'a> {
    /// Whether the original value is no longer there to be read.
    pub fn protects(&self) -> bool {
        match self {
            Self::Untouched | Self::Kept | Self::Decrypted | Self::Computed => false,
            Self::Changed(actions) => !actions.is_empty(),
            Self::ByTable(by_table) => by_table.outcome.protects(),
            _ => true,
        }
    }

    /// Whether the attribute is not there any more.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::ByTable(by_table) => by_table.outcome == TableOutcome::Removed,
            _ => matches!(
                self,
                Self::Removed | Self::RemovedAsUnnamed | Self::PrivateRemoved | Self::Encrypted
            ),
        }
    }

    /// The actions that made its value from the original one.
    pub fn changes(&self) -> &[&'a Action] {
        match self {
            Self::Changed(actions) => actions,
            _ => &[],
        }
    }

    /// Its name for programs.
    pub fn slug(&self) -> &'static str {
        self.names().0
    }

    /// Its name for programs, and what it is in words where these do not depend on the profile.
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Untouched => ("stays", "left as it is"),
            Self::Kept => ("kept", "kept as it is"),
            Self::Removed => ("removed", "removed"),
            Self::RemovedAsUnnamed => ("undefined", "removed because nothing names it"),
            Self::PrivateRemoved => ("private-removed", "removed with all private elements"),
            Self::Emptied => ("emptied", "emptied"),
            Self::Replaced(_) => ("replaced", ""),
            Self::Changed(_) => ("changed", ""),
            Self::Encrypted => ("sealed", "moved into the encrypted envelope"),
            Self::Decrypted => ("restored", "restored from the encrypted envelope"),
            Self::Computed => (
                "computed",
                "computed from the original birth and study date, where both can be read",
            ),
            Self::ByTable(by_table) => by_table.outcome.names(),
            Self::WrittenAfresh => ("afresh", "not in the data set; written afresh, or not sent"),
        }
    }

    /// The effect when one more action was carried out.
    fn after(self, action: &'a Action, rules: &DicomRules) -> Self {
        match action {
            Action::Keep
            | Action::ReplaceWith {
                value: Replacement::Nothing,
                ..
            } => self,
            Action::Remove if self == Self::Encrypted => self,
            Action::Remove => Self::Removed,
            Action::ReplaceWith { insert, .. } if self.is_gone() && !rules.inserts(*insert) => self,
            Action::ReplaceWith {
                value: Replacement::Empty,
                ..
            } => Self::Emptied,
            Action::ReplaceWith { value, .. } => Self::Replaced(value),
            Action::Encrypt => Self::Encrypted,
            Action::Decrypt => Self::Decrypted,
            _ if self.is_gone() || self == Self::Emptied => self,
            change if leaves_value(change, rules) => self,
            change => self.changed(change),
        }
    }

    fn changed(self, change: &'a Action) -> Self {
        match self {
            Self::Changed(mut actions) => {
                actions.push(change);
                Self::Changed(actions)
            }
            // A value made from a constant holds nothing of the original either.
            Self::Replaced(value) => Self::Replaced(value),
            _ => Self::Changed(vec![change]),
        }
    }
}

/// Whether the action returns its input: a shift by 0 days.
fn leaves_value(action: &Action, rules: &DicomRules) -> bool {
    let Action::Shift {
        with_time,
        days,
        jitter: None,
        bounds: DateBounds {
            min: None,
            max: None,
        },
        ..
    } = action
    else {
        return false;
    };
    let days = days
        .or(rules.date_increment)
        .unwrap_or_default();
    // Less than a day forward does not show in a date without a time.
    days == 0.0 || (!with_time && (0.0..1.0).contains(&days))
}

/// Ways into items, by keyword and by number, of any depth and any index. An expression that
/// matches behind all of them is taken to reach every item.
const WAYS: [(&str, &str); 5] = [
    ("RequestAttributesSequence.0.", "00400275.0."),
    ("ReferencedSeriesSequence.12.", "00081115.12."),
    (
        "SharedFunctionalGroupsSequence.0.PlanePositionSequence.0.",
        "52009229.0.00209113.0.",
    ),
    (
        "OriginalAttributesSequence.1.ModifiedAttributesSequence.0.",
        "04000561.1.04000550.0.",
    ),
    ("00091010.0.", "00091010.0."),
];

/// Representatives of all private elements: of several vendors' groups, in several blocks.
const PRIVATE: [Tag; 6] = [
    Tag(0x0009, 0x1001),
    Tag(0x0019, 0x100C),
    Tag(0x0029, 0x1120),
    Tag(0x0051, 0x10FF),
    Tag(0x2005, 0x140F),
    Tag(0x7FE1, 0x1010),
];

/// How often a rule acts on an attribute at the top of the data set.
fn at_top(rule: &Rule, tag: Tag) -> usize {
    match &rule.selector {
        Selector::Regex(regex) => {
            let (keyword, number) = (keyword(tag), hex_digits(tag));
            let by_keyword = keyword.is_some_and(|keyword| matches(regex, keyword));
            usize::from(by_keyword) + usize::from(matches(regex, &number))
        }
        selector => usize::from(names(selector, tag)),
    }
}

/// How often a rule acts on an attribute in every item of every sequence.
fn in_all_items(rule: &Rule, tag: Tag, recurse: bool) -> usize {
    match &rule.selector {
        Selector::Regex(regex) => WAYS
            .iter()
            .map(|way| behind(way, regex, tag))
            .min()
            .unwrap_or_default(),
        selector => usize::from(recurse && names(selector, tag)),
    }
}

fn names(selector: &Selector, tag: Tag) -> bool {
    match selector {
        Selector::Tag(named) => *named == tag,
        Selector::Repeater { group, element } => {
            tag.group() & 0xFF00 == *group && tag.element() == *element
        }
        _ => false,
    }
}

fn behind((keywords, numbers): &(&str, &str), regex: &PythonRegex, tag: Tag) -> usize {
    let by_keyword =
        keyword(tag).is_some_and(|keyword| matches(regex, &format!("{keywords}{keyword}")));
    usize::from(by_keyword) + usize::from(matches(regex, &format!("{numbers}{}", hex_digits(tag))))
}

/// An expression that is too much work to try fails every file, so nothing is missed by taking it
/// for no match.
fn matches(regex: &PythonRegex, path: &str) -> bool {
    regex
        .is_match_start(path)
        .unwrap_or(false)
}

/// Representatives of all attributes that a row covers.
fn representatives(covers: TagPattern) -> Vec<Tag> {
    match covers {
        TagPattern::One(tag) => vec![tag],
        TagPattern::Repeating {
            group,
            element: Some(element),
        } => groups(group)
            .map(|group| Tag(group, element))
            .collect(),
        TagPattern::Repeating {
            group,
            element: None,
        } => groups(group)
            .flat_map(|group| {
                elements_of_curves()
                    .iter()
                    .map(move |element| Tag(group, *element))
            })
            .collect(),
        TagPattern::Private => PRIVATE.to_vec(),
    }
}

/// First, second and last of the sixteen groups that repeat.
fn groups(first: u16) -> impl Iterator<Item = u16> {
    [0, 2, 0x1E]
        .into_iter()
        .map(move |offset| first + offset)
}

/// The elements that the dictionary has in the groups of curves.
fn elements_of_curves() -> &'static [u16] {
    static ELEMENTS: OnceLock<Vec<u16>> = OnceLock::new();
    ELEMENTS.get_or_init(|| {
        (1..=0x3000)
            .filter(|element| standard::vr(Tag(0x5000, *element)).is_some())
            .collect()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
