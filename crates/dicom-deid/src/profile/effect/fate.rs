//! What becomes of an attribute's value, rule after rule.

use super::outcome::{Outcome, Tabled};
use crate::profile::action::{Action, Replacement};
use crate::profile::model::DicomRules;

/// What becomes of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate<'a> {
    /// No rule names it: it goes out as it came in.
    Stays,
    /// A rule names it and leaves it as it is.
    Kept,
    /// A rule removes it.
    Removed,
    /// Removed, because no rule names it.
    Undefined,
    /// Removed with all private elements.
    PrivateRemoved,
    /// Its value is emptied.
    Emptied,
    /// A constant takes the place of its value.
    Replaced(&'a Replacement),
    /// Its value is made from the original one, by one action after the other.
    Changed(Vec<&'a Action>),
    /// Moved into the encrypted envelope.
    Sealed,
    /// Taken back out of the encrypted envelope.
    Restored,
    /// Computed from other attributes that are still the original ones.
    Computed,
    /// No rule names it, and the Basic Profile says what becomes of it.
    Tabled(Tabled),
    /// No part of a data set, so that no rule acts on it: file meta information is written afresh,
    /// and commands and directories are not sent.
    Afresh,
}

impl<'a> Fate<'a> {
    /// Whether the original value is no longer there to be read.
    pub fn protects(&self) -> bool {
        match self {
            Self::Stays | Self::Kept | Self::Restored | Self::Computed => false,
            Self::Changed(actions) => !actions.is_empty(),
            Self::Tabled(told) => told.outcome.protects(),
            _ => true,
        }
    }

    /// Whether the attribute is not there any more.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Tabled(told) => told.outcome == Outcome::Removed,
            _ => matches!(
                self,
                Self::Removed | Self::Undefined | Self::PrivateRemoved | Self::Sealed
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
        match self {
            Self::Stays => "stays",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Undefined => "undefined",
            Self::PrivateRemoved => "private-removed",
            Self::Emptied => "emptied",
            Self::Replaced(_) => "replaced",
            Self::Changed(_) => "changed",
            Self::Sealed => "sealed",
            Self::Restored => "restored",
            Self::Computed => "computed",
            Self::Tabled(told) => told.outcome.slug(),
            Self::Afresh => "afresh",
        }
    }

    /// The fate when one more action was carried out.
    pub(super) fn after(self, action: &'a Action, rules: &DicomRules) -> Self {
        match action {
            Action::Keep
            | Action::ReplaceWith {
                value: Replacement::Nothing,
                ..
            } => self,
            Action::Remove if self == Self::Sealed => self,
            Action::Remove => Self::Removed,
            Action::ReplaceWith { insert, .. } if self.is_gone() && !rules.inserts(*insert) => self,
            Action::ReplaceWith {
                value: Replacement::Empty,
                ..
            } => Self::Emptied,
            Action::ReplaceWith { value, .. } => Self::Replaced(value),
            Action::Encrypt => Self::Sealed,
            Action::Decrypt => Self::Restored,
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
            // What comes of a constant is as little the patient's as the constant.
            Self::Replaced(value) => Self::Replaced(value),
            _ => Self::Changed(vec![change]),
        }
    }
}

/// Whether the action gives the value that it was given: a shift by no day at all.
fn leaves_value(action: &Action, rules: &DicomRules) -> bool {
    let days = |own: &Option<f64>| own.or(rules.date_increment).unwrap_or_default();
    match action {
        // Less than a day forward does not show in a date without a time.
        Action::IncrementDate {
            days: own,
            jitter: None,
            ..
        } => (0.0..1.0).contains(&days(own)),
        Action::IncrementDateTime {
            days: own,
            jitter: None,
            bounds,
            ..
        } => days(own) == 0.0 && bounds.min.is_none() && bounds.max.is_none(),
        _ => false,
    }
}
