//! What a profile does to an attribute, told from its rules alone. Reads no file and changes
//! nothing: `deid` acts, this says beforehand what will come of it.

mod fate;
mod outcome;
mod reach;
mod words;

use dicom_core::Tag;

pub use fate::Fate;
pub use outcome::{Outcome, Tabled};
pub use words::in_words;

use super::burned_in::BurnedIn;
use super::model::{DicomRules, Rule};
use super::selector::Selector;
use crate::standard::confidentiality::Covers;
use crate::standard::is_private;

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the top of the data set.
    Top,
    /// In the items of any sequence.
    Items,
}

/// What becomes of an attribute, and through which rules.
#[derive(Debug, Clone)]
pub struct Effect<'a> {
    /// What becomes of it.
    pub fate: Fate<'a>,
    /// The rules that address it, in the order in which they act. One that matches in both forms of
    /// a path is here twice.
    pub rules: Vec<&'a Rule>,
}

/// Computed from birth and study date where the profile says so.
const PATIENT_AGE: Tag = Tag(0x0010, 0x1010);

/// What subjects are named by.
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);

impl DicomRules {
    /// What becomes of an attribute at a place. In items only rules count that reach every item.
    pub fn effect_on(&self, tag: Tag, place: Place) -> Effect<'_> {
        if tag.group() < 0x0008 {
            return Effect {
                fate: Fate::Afresh,
                rules: self.addressing(tag, place),
            };
        }
        let rules = self.addressing(tag, place);
        if self.remove_private_tags && is_private(tag) {
            return Effect {
                fate: Fate::PrivateRemoved,
                rules,
            };
        }
        let age = tag == PATIENT_AGE && place == Place::Top && self.patient_age_from_birthdate;
        let before = match self
            .tabled(tag)
            .filter(|told| rules.is_empty() && (!age || told.outcome.protects()))
        {
            Some(told) => Fate::Tabled(told),
            None if age => Fate::Computed,
            None => Fate::Stays,
        };
        Effect {
            fate: self.fate(before, &rules),
            rules,
        }
    }

    /// What the Basic Profile does with an attribute that no field names, where the profile asks
    /// for it.
    pub fn tabled(&self, tag: Tag) -> Option<Tabled> {
        self.confidentiality
            .as_ref()
            .map(|asked| outcome::tabled(asked, tag))
    }

    /// Whether no file has a Patient ID afterwards, whatever it is like.
    pub fn leaves_no_patient_id(&self) -> bool {
        matches!(
            self.effect_on(PATIENT_ID, Place::Top).fate,
            Fate::Removed | Fate::Undefined | Fate::Emptied | Fate::Sealed
        )
    }

    /// Whether images that may show text go as they are.
    pub fn keeps_burned_in(&self) -> bool {
        self.burned_in != BurnedIn::Refuse
    }

    /// What has become of an attribute at the top when a rule's turn comes.
    pub fn fate_before(&self, tag: Tag, rule: &Rule) -> Fate<'_> {
        let mut earlier = self.addressing(tag, Place::Top);
        if let Some(told) = self.tabled(tag).filter(|_| earlier.is_empty()) {
            return Fate::Tabled(told);
        }
        earlier.retain(|other| other.position.index < rule.position.index);
        earlier
            .iter()
            .fold(Fate::Stays, |fate, rule| fate.after(&rule.action, self))
    }

    /// What becomes of a private element that a rule names by its creator.
    pub fn effect_on_private(&self, group: u16, creator: &str, element: u8) -> Effect<'_> {
        let same = |rule: &&Rule| {
            matches!(&rule.selector, Selector::Private { group: g, creator: c, element: e }
                if *g == group && c == creator && *e == element)
        };
        let rules: Vec<_> = self.fields.iter().filter(same).collect();
        Effect {
            fate: self.fate(Fate::Stays, &rules),
            rules,
        }
    }

    /// What becomes of the elements that one rule addresses, the other rules left aside.
    pub fn effect_of<'a>(&'a self, rule: &'a Rule) -> Effect<'a> {
        Effect {
            fate: self.fate(Fate::Stays, &[rule]),
            rules: vec![rule],
        }
    }

    /// What becomes of the attributes of a row in one of the standard's tables: the effect that
    /// protects least.
    pub fn effect_on_covered(&self, covers: Covers, place: Place) -> Effect<'_> {
        let mut least: Option<Effect<'_>> = None;
        for tag in reach::samples(covers) {
            let effect = self.effect_on(tag, place);
            if !effect.fate.protects() {
                return effect;
            }
            least = least.or(Some(effect));
        }
        least.unwrap_or(Effect {
            fate: Fate::Stays,
            rules: Vec::new(),
        })
    }

    /// Whether some rule reaches the attribute in some items, though not in all.
    pub fn reaches_some_items(&self, tag: Tag) -> bool {
        self.fields
            .iter()
            .any(|rule| reach::in_some_items(rule, tag))
    }

    fn addressing(&self, tag: Tag, place: Place) -> Vec<&Rule> {
        let times = |rule| match place {
            Place::Top => reach::at_top(rule, tag),
            Place::Items => reach::in_all_items(rule, tag, self.recurse_sequence),
        };
        self.fields
            .iter()
            .flat_map(|rule| std::iter::repeat_n(rule, times(rule)))
            .collect()
    }

    fn fate<'a>(&self, before: Fate<'a>, rules: &[&'a Rule]) -> Fate<'a> {
        if rules.is_empty() {
            return if self.remove_undefined {
                Fate::Undefined
            } else {
                before
            };
        }
        let start = if before == Fate::Computed {
            before
        } else {
            Fate::Kept
        };
        rules
            .iter()
            .fold(start, |fate, rule| fate.after(&rule.action, self))
    }
}

#[cfg(test)]
mod tests;
