//! The Basic Application Level Confidentiality Profile on a data set (PS3.15 Annex E): each
//! attribute by Table E.1-1 and the options, or by its role, at every level of nesting.
//!
//! Owns what each action code does to the bytes. It never passes what it cannot handle: the file
//! fails. An attribute that a field of the profile names is left to that field.

mod actions;
mod coded_entries;
mod content_items;
mod decisions;
mod declared_vr;
mod descriptors;
pub mod dummy;
mod icc_profile;
mod identifiers;
mod kept_values;
mod marks;
mod patient;
mod safe_private;
mod text_cleaning;

use std::sync::Arc;

use ElementEffect::{Changed, Removed, Unchanged};
use bytes::Bytes;
use coded_entries::CodedEntry;
use decisions::Decisions;
use dicom_dictionary_std::tags::{
    CODE_MEANING, CODE_VALUE, CODING_SCHEME_DESIGNATOR, ENCRYPTED_ATTRIBUTES_SEQUENCE,
    PRIVATE_DATA_ELEMENT_CHARACTERISTICS_SEQUENCE, SOP_CLASS_UID,
};
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Tag, VR, Value, own_character_set, padded,
};
use identifiers::Identifiers;
use patient::Patient;
use safe_private::SafePrivate;

use crate::elements::ItemStep;
use crate::elements::element_value::item_sets;
use crate::elements::recent::Recent;
use crate::elements::uid_text;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Confidentiality, Unlisted, has_character_set};
use crate::pseudonym::PseudonymKey;
use crate::rules::Rules;
use crate::rules::target::RegexMatches;
use crate::standard::{self, Iod};

/// The settings of a profile, made ready once a run.
pub struct BasicProfile {
    settings: Confidentiality,
    /// Whether rules open the envelope that a file came with, which then stays.
    opens_envelope: bool,
    key: PseudonymKey,
    decisions: Decisions,
    identifiers: Recent<Identifiers>,
}

/// What fields of the profile passed on of what the Basic Profile takes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exceptions {
    /// Nothing.
    #[default]
    None,
    /// Something, but no date or time.
    Values,
    /// Dates or times too, so that what the options say of them is not true of the file.
    Dates,
}

/// What was done to one instance.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BasicProfileOutcome {
    /// Elements changed or removed.
    pub changed: u32,
    /// What fields of the profile passed on of what the Basic Profile takes.
    pub exceptions: Exceptions,
    /// Whether the patient had no usable Patient ID, so that the study stands for the patient.
    pub without_patient_id: bool,
    /// Whether a document stayed as it was, which is not looked into.
    pub document_kept: bool,
    /// Dates, times and ages that could not be read and so did not stay, one for each element.
    pub unreadable: Vec<Tag>,
}

/// One instance while it is cleaned.
struct InstanceCleaner<'a> {
    settings: &'a Confidentiality,
    opens_envelope: bool,
    decisions: &'a Decisions,
    key: &'a PseudonymKey,
    patient: Patient,
    identifiers: Arc<Identifiers>,
    iod: Option<Iod>,
    /// The rules of the profile and what their expressions address; none where there are no rules.
    named: Option<(&'a Rules, RegexMatches)>,
    /// Whether content items are referred to by their numbers, so that none may go.
    refers_by_number: bool,
    outcome: BasicProfileOutcome,
}

/// Where a data set stands.
#[derive(Clone, Copy)]
struct DataSetContext<'a> {
    encoding: Encoding,
    charset: &'a CharacterSet,
    /// The items that lead here, the outermost first.
    at: &'a [ItemStep],
}

impl DataSetContext<'_> {
    /// The sequence that holds the data set.
    fn parent(&self) -> Option<Tag> {
        self.at.last().map(|(tag, _)| *tag)
    }

    /// A value under this VR as text.
    fn text(&self, bytes: &[u8], vr: VR) -> String {
        if has_character_set(vr) {
            self.charset
                .decode(bytes, vr == VR::PN)
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

/// What was done to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ElementEffect {
    Unchanged,
    Changed,
    Removed,
}

/// What was done to an element, or why its file fails.
type EffectResult = Result<ElementEffect, DeidError>;

impl BasicProfile {
    pub fn new(settings: &Confidentiality, opens_envelope: bool, key: PseudonymKey) -> Self {
        Self {
            settings: settings.clone(),
            opens_envelope,
            key,
            decisions: Decisions::new(settings),
            identifiers: Recent::default(),
        }
    }

    /// Cleans the data set of an instance.
    pub fn apply(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        rules: &Rules,
    ) -> Result<BasicProfileOutcome, DeidError> {
        let named = if rules.list.is_empty() {
            None
        } else {
            Some((rules, rules.regex_matches(data)?))
        };
        let patient = Patient::of(data, &self.settings, &self.key)?;
        let mut cleaner = InstanceCleaner {
            settings: &self.settings,
            opens_envelope: self.opens_envelope,
            decisions: &self.decisions,
            key: &self.key,
            identifiers: Identifiers::shared(data, encoding, &self.identifiers),
            iod: data
                .get(SOP_CLASS_UID)
                .and_then(Element::bytes)
                .map(|class| uid_text::before_nul(class))
                .filter(|class| !class.is_empty())
                .map(|class| standard::iod(&String::from_utf8_lossy(class))),
            named,
            refers_by_number: false,
            outcome: BasicProfileOutcome {
                without_patient_id: patient.without_id,
                ..BasicProfileOutcome::default()
            },
            patient,
        };
        let default = CharacterSet::default();
        cleaner.data_set(
            data,
            DataSetContext {
                encoding,
                charset: &default,
                at: &[],
            },
        )?;
        cleaner.add_pseudonym_if_absent(data);
        cleaner.outcome.changed += actions::remove_overlays(data);
        Ok(cleaner.outcome)
    }
}

impl InstanceCleaner<'_> {
    /// Cleans every element of a data set and of the items in it.
    fn data_set(
        &mut self,
        data: &mut DataSet,
        context: DataSetContext<'_>,
    ) -> Result<(), DeidError> {
        let own = own_character_set(data);
        let context = DataSetContext {
            charset: own
                .as_ref()
                .unwrap_or(context.charset),
            ..context
        };
        let known = KnownElements {
            named: self.named(data, context),
            safe: SafePrivate::of(data, self.settings),
            code: CodedEntry::of(data).filter(|_| self.settings.unlisted != Unlisted::Keep),
        };
        let mut failure = None;
        data.retain_mut(|element| {
            if failure.is_some() {
                return true;
            }
            match self.element(element, context, &known) {
                Ok(effect) => {
                    self.outcome.changed += u32::from(effect != Unchanged);
                    effect != Removed
                }
                Err(why) => {
                    failure = Some(why);
                    true
                }
            }
        });
        failure.map_or(Ok(()), Err)
    }

    fn element(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
        known: &KnownElements,
    ) -> EffectResult {
        let tag = element.tag;
        let answer = self.decisions.of(tag, element.vr);
        let invalid = answer
            .dictionary_vr
            .filter(|_| !answer.describes(element));
        // No rule reaches into a sequence that cannot be opened, so none can clean it.
        if known.named.all.contains(&tag) && invalid != Some(VR::SQ) {
            if known.named.kept.contains(&tag) && answer.decision.code.protects() {
                let temporal = matches!(element.vr, VR::DA | VR::DT | VR::TM);
                let exception = if temporal {
                    Exceptions::Dates
                } else {
                    Exceptions::Values
                };
                self.outcome.exceptions = self
                    .outcome
                    .exceptions
                    .max(exception);
            }
            return self.clean_items(element, context);
        }
        if element.is_private() {
            return self.private_element(element, context, &known.safe);
        }
        if let Some(is) = invalid {
            return self.discard_invalid(element, is, context);
        }
        if tag == ENCRYPTED_ATTRIBUTES_SEQUENCE && self.opens_envelope {
            return Ok(Unchanged);
        }
        if tag == PRIVATE_DATA_ELEMENT_CHARACTERISTICS_SEQUENCE {
            return if known.safe.wanted {
                self.clean_items(element, context)
            } else {
                Ok(Removed)
            };
        }
        if let Some(code) = known.code
            && let Some(effect) = self.clean_code_part(element, code, context)?
        {
            return Ok(effect);
        }
        let vr = if element.vr == VR::UN {
            answer
                .dictionary_vr
                .unwrap_or(VR::UN)
        } else {
            element.vr
        };
        self.apply_decision(element, vr, answer.decision, context)
    }

    /// Enters the items of a sequence that itself stays. Content items are cleaned as such wherever
    /// they stand.
    fn clean_items(&mut self, element: &mut Element, context: DataSetContext<'_>) -> EffectResult {
        let tag = element.tag;
        if item_sets(element).any(content_items::is_content_item) {
            return self.clean_content(element, context);
        }
        let Some(sequence) = element.items_mut() else {
            return Ok(Unchanged);
        };
        let mut at = Vec::with_capacity(context.at.len() + 1);
        at.extend_from_slice(context.at);
        for (index, item) in sequence
            .items
            .iter_mut()
            .enumerate()
        {
            at.push((tag, index));
            self.data_set(
                &mut item.data,
                DataSetContext {
                    encoding: sequence.encoding,
                    at: &at,
                    ..context
                },
            )?;
            at.pop();
        }
        Ok(Unchanged)
    }

    /// What the profile's fields name in a data set.
    fn named(&self, data: &DataSet, context: DataSetContext<'_>) -> NamedElements {
        let Some((rules, matches)) = &self.named else {
            return NamedElements::default();
        };
        let mut all = rules.addressed(data, matches, context.at, false);
        let kept = if all.is_empty() {
            Vec::new()
        } else {
            rules.addressed(data, matches, context.at, true)
        };
        all.extend(rules.reached_through(matches, context.at));
        NamedElements { all, kept }
    }
}

/// What is known of the elements of a data set before they are cleaned.
struct KnownElements {
    named: NamedElements,
    safe: SafePrivate,
    /// Where the data set is a coded entry, and unlisted attributes are not kept.
    code: Option<CodedEntry>,
}

/// The elements of a data set that fields of the profile name, and those of them of which a field
/// passes something on.
#[derive(Default)]
struct NamedElements {
    all: Vec<Tag>,
    kept: Vec<Tag>,
}

/// A failure that names the element and no value.
fn failure(code: DeidErrorKind, tag: Tag, why: &str) -> DeidError {
    DeidError::new(code, format!("{}: {why}", standard::name_of(tag)))
}

/// Puts the dummy of an attribute in the place of a value, where it has one.
fn put_dummy(element: &mut Element, vr: VR) -> Option<ElementEffect> {
    let value = dummy::dummy(element.tag, vr)?;
    element.value = Value::Bytes(Bytes::from_static(value));
    Some(Changed)
}

/// Puts bytes in the place of a value.
fn put_bytes(element: &mut Element, bytes: Bytes) -> ElementEffect {
    let new = Value::Bytes(bytes);
    if element.value == new {
        return Unchanged;
    }
    element.value = new;
    Changed
}

/// Puts a text in the place of a value; `None` where the character set cannot encode it.
fn put_encoded(element: &mut Element, text: &str, charset: &CharacterSet) -> Option<ElementEffect> {
    let new = Element::with_text(element.tag, element.vr, text, charset).ok()?;
    element.value = new.value;
    Some(Changed)
}

/// Puts an ASCII text in the place of a value.
fn put_text(element: &mut Element, text: &str) -> ElementEffect {
    let bytes = padded(element.vr, text.into());
    put_bytes(element, bytes)
}

/// An element that holds an ASCII text.
fn text_element(tag: Tag, vr: VR, text: &str) -> Element {
    Element::new(tag, vr, padded(vr, text.into()))
}

/// A code: its value, the designator of its scheme, and its meaning.
type Code<'c> = (&'c str, &'c str, &'c str);

/// What stands for the code of a person or a place.
const UNKNOWN: Code<'static> = ("261665006", "SCT", "Unknown");

/// The item of a code sequence (PS3.3 section 8.8).
fn code_item((value, scheme, meaning): Code<'_>) -> DataSet {
    DataSet::from_elements(vec![
        text_element(CODE_VALUE, VR::SH, value),
        text_element(CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
        text_element(CODE_MEANING, VR::LO, meaning),
    ])
}

/// A sequence of one code.
fn code_sequence(tag: Tag, code: Code<'_>, encoding: Encoding) -> Element {
    Element::sequence(tag, vec![code_item(code)], encoding)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
