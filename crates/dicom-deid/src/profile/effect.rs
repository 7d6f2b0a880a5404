//! What a profile does to an attribute, worked out from its rules alone.
//!
//! Reads no file and changes nothing: [`crate::Cleaner`] acts, and this says beforehand what will
//! become of an attribute. `coverage` has which rules act on it, `words` puts the effect into
//! words.

mod coverage;
mod words;

use dicom_core::{Tag, VR};

pub use words::describe_effect;

use super::action::{Action, Replacement};
use super::basic_profile::{Confidentiality, DecisionSource, Encapsulated};
use super::image_rules::BurnedIn;
use super::model::{DicomRules, Rule};
use super::selector::Selector;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O, TagPattern};
use crate::standard::{self, IdentifyingRole, TemporalRole, is_private, is_text};

/// Patient's Age, computed from birth and study date where the profile says so.
const PATIENT_AGE: Tag = Tag(0x0010, 0x1010);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
/// Patient ID, which subjects are named by.
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
/// Encapsulated Document.
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
/// Content Sequence.
const CONTENT: Tag = Tag(0x0040, 0xA730);
/// Graphic Annotation Sequence.
const GRAPHIC_ANNOTATIONS: Tag = Tag(0x0070, 0x0001);

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
        if tag.group() < 0x0008 {
            return AttributeEffect {
                effect: Effect::WrittenAfresh,
                rules: self.addressing(tag, level),
            };
        }
        let rules = self.addressing(tag, level);
        if self.remove_private_tags && is_private(tag) {
            return AttributeEffect {
                effect: Effect::PrivateRemoved,
                rules,
            };
        }
        let age =
            tag == PATIENT_AGE && level == NestingLevel::Top && self.patient_age_from_birthdate;
        let before = match self
            .table_effect(tag)
            .filter(|by_table| rules.is_empty() && (!age || by_table.outcome.protects()))
        {
            Some(by_table) => Effect::ByTable(by_table),
            None if age => Effect::Computed,
            None => Effect::Untouched,
        };
        AttributeEffect {
            effect: self.after_rules(before, &rules),
            rules,
        }
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
            .map(|confidentiality| table_effect(confidentiality, tag))
    }

    /// Whether no file has a Patient ID afterwards, whatever it is like.
    pub fn leaves_no_patient_id(&self) -> bool {
        matches!(
            self.effect_on(PATIENT_ID, NestingLevel::Top)
                .effect,
            Effect::Removed | Effect::RemovedAsUnnamed | Effect::Emptied | Effect::Encrypted
        )
    }

    /// Whether images that may show text are sent unchanged.
    pub fn keeps_burned_in(&self) -> bool {
        self.burned_in != BurnedIn::Refuse
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
        for tag in coverage::representatives(covers) {
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
            NestingLevel::Top => coverage::at_top(rule, tag),
            NestingLevel::Items => coverage::in_all_items(rule, tag, self.recurse_sequence),
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
        match self {
            Self::Untouched => "stays",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::RemovedAsUnnamed => "undefined",
            Self::PrivateRemoved => "private-removed",
            Self::Emptied => "emptied",
            Self::Replaced(_) => "replaced",
            Self::Changed(_) => "changed",
            Self::Encrypted => "sealed",
            Self::Decrypted => "restored",
            Self::Computed => "computed",
            Self::ByTable(by_table) => by_table.outcome.slug(),
            Self::WrittenAfresh => "afresh",
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
    let days = |own: &Option<f64>| {
        own.or(rules.date_increment)
            .unwrap_or_default()
    };
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

/// What the table, an option or a role does with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableEffect {
    /// The action code that is carried out; a compound one where the Type in the IOD decides.
    pub code: ActionCode,
    /// What decides so.
    pub source: DecisionSource,
    /// The result.
    pub outcome: TableOutcome,
    /// Whether it is a sequence.
    pub is_sequence: bool,
}

/// The result for an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableOutcome {
    /// The attribute is removed.
    Removed,
    /// Its value is removed.
    Emptied,
    /// Its value is replaced by a fixed one.
    Dummy,
    /// The items of the sequence stay, with dummies in them.
    DummyItems,
    /// A compound code: the Type in the IOD decides.
    AsNeeded,
    /// Its value is replaced by the patient's pseudonym.
    Pseudonym,
    /// Its value is replaced by a new UID, the same wherever the UID occurs.
    NewUid,
    /// The sequence stays, with new UIDs in its references.
    References,
    /// The date moves with the patient's other dates.
    Moved,
    /// Only words that are known safe stay.
    KnownWords,
    /// The sequence stays, and its items are cleaned.
    ItemsCleaned,
    /// Content items are cleaned, one concept at a time.
    Content,
    /// Of content items only structure and references stay.
    DummyContent,
    /// Drawings and texts are replaced by dummies.
    DummyGraphics,
    /// Private: what is known safe stays, cleaned.
    SafePrivate,
    /// An encapsulated document, whose content is not read.
    Document(Encapsulated),
    /// The attribute stays.
    Kept,
}

impl TableOutcome {
    /// Whether the original value is no longer there to be read.
    pub fn protects(self) -> bool {
        !matches!(self, Self::Kept | Self::Document(Encapsulated::Keep))
    }

    /// Its name for programs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Dummy => "dummy",
            Self::DummyItems => "dummy-items",
            Self::AsNeeded => "as-needed",
            Self::Pseudonym => "pseudonym",
            Self::NewUid => "new-uid",
            Self::References => "references",
            Self::Moved => "moved",
            Self::KnownWords => "known-words",
            Self::ItemsCleaned => "items-cleaned",
            Self::Content => "content-cleaned",
            Self::DummyContent => "content-dummy",
            Self::DummyGraphics => "graphics-dummy",
            Self::SafePrivate => "safe-private",
            Self::Document(Encapsulated::Refuse) => "refused",
            Self::Document(Encapsulated::Remove) => "document-removed",
            Self::Document(Encapsulated::Keep) | Self::Kept => "table-kept",
        }
    }
}

/// What becomes of an attribute that no field names.
fn table_effect(confidentiality: &Confidentiality, tag: Tag) -> TableEffect {
    let vr = standard::vr(tag).unwrap_or(VR::UN);
    let decision = confidentiality.decide(tag, vr);
    let planned = TableEffect {
        code: decision.code,
        source: decision.source,
        outcome: TableOutcome::Kept,
        is_sequence: vr == VR::SQ,
    };
    if decision.code == ActionCode::Clean {
        cleaned(confidentiality, tag, vr, planned)
    } else {
        TableEffect {
            outcome: plain(confidentiality, tag, vr, decision.code),
            ..planned
        }
    }
}

/// An action that is not cleaning.
fn plain(confidentiality: &Confidentiality, tag: Tag, vr: VR, code: ActionCode) -> TableOutcome {
    match (code, tag) {
        (ActionCode::Keep, _) => TableOutcome::Kept,
        (ActionCode::Remove, _) if standard::has_type_1_or_2(tag) => TableOutcome::AsNeeded,
        (ActionCode::Remove, _) => TableOutcome::Removed,
        (ActionCode::RemoveOrZeroOrUids, _) => TableOutcome::References,
        (ActionCode::Uid, _) => TableOutcome::NewUid,
        (_, PATIENT_ID | PATIENT_NAME) => TableOutcome::Pseudonym,
        (ActionCode::Zero, _) => TableOutcome::Emptied,
        (ActionCode::Dummy, DOCUMENT) => TableOutcome::Document(confidentiality.encapsulated),
        (ActionCode::Dummy, CONTENT) => TableOutcome::DummyContent,
        (ActionCode::Dummy, GRAPHIC_ANNOTATIONS) => TableOutcome::DummyGraphics,
        (ActionCode::Dummy, _) if vr == VR::SQ => TableOutcome::DummyItems,
        (ActionCode::Dummy, _) if vr == VR::UI => TableOutcome::NewUid,
        (ActionCode::Dummy, _) => TableOutcome::Dummy,
        _ => TableOutcome::AsNeeded,
    }
}

/// Action C by who asks for it and by what can be cleaned at all.
fn cleaned(
    confidentiality: &Confidentiality,
    tag: Tag,
    vr: VR,
    planned: TableEffect,
) -> TableEffect {
    let outcome = match planned.source {
        DecisionSource::Option(O::RetainSafePrivate) => TableOutcome::SafePrivate,
        DecisionSource::Option(O::RetainModifiedDates)
        | DecisionSource::Role(IdentifyingRole::Time)
            if !moves(tag, vr) =>
        {
            return basic(confidentiality, tag, vr, planned);
        }
        _ if matches!(vr, VR::DA | VR::DT | VR::TM) && !moves(tag, vr) => {
            return basic(confidentiality, tag, vr, planned);
        }
        _ if matches!(vr, VR::DA | VR::DT | VR::TM) => TableOutcome::Moved,
        DecisionSource::Option(O::CleanStructuredContent) => TableOutcome::Content,
        DecisionSource::Option(O::CleanGraphics) if tag != GRAPHIC_ANNOTATIONS => {
            TableOutcome::Removed
        }
        _ if vr == VR::SQ => TableOutcome::ItemsCleaned,
        _ if is_text(vr) => TableOutcome::KnownWords,
        _ => return basic(confidentiality, tag, vr, planned),
    };
    TableEffect { outcome, ..planned }
}

/// Dates that can be looked up elsewhere would give away by how many days the patient's moved.
fn moves(tag: Tag, vr: VR) -> bool {
    let of_subject = standard::temporal_role(tag).is_none_or(|role| role == TemporalRole::Subject);
    of_subject && matches!(vr, VR::DA | VR::DT | VR::TM)
}

/// What the Basic Profile does where an option cannot.
fn basic(confidentiality: &Confidentiality, tag: Tag, vr: VR, planned: TableEffect) -> TableEffect {
    let code = standard::attribute(tag).map_or(ActionCode::Remove, |row| row.basic);
    TableEffect {
        code,
        source: DecisionSource::Table,
        outcome: plain(confidentiality, tag, vr, code),
        ..planned
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
