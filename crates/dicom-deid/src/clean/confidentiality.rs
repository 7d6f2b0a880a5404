//! The Basic Application Level Confidentiality Profile on a data set (PS3.15 Annex E): each
//! attribute by Table E.1-1 and the options, or by its role, at every level of nesting.
//!
//! Owns what each action code does to the bytes. It never passes what it cannot handle: the file
//! fails. An attribute that a field of the profile names is left to that field.

mod act;
mod claims;
mod codes;
mod content;
mod decisions;
mod graphics;
mod icc;
mod kept;
mod legible;
mod marks;
mod patient;
mod private;
mod pseudonyms;
mod text;
mod time;
mod uids;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;

use super::apply::Rules;
use super::identifiers::Identifiers;
use super::undefined::Defined;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Confidentiality, Unlisted};
use crate::pseudonym::PseudonymKey;
use crate::standard::{self, Iod};
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Tag, VR};

use decisions::Decisions;
use patient::Patient;

/// Private Data Element Characteristics Sequence.
const CHARACTERISTICS: Tag = Tag(0x0008, 0x0300);
const ENCRYPTED_ATTRIBUTES: Tag = Tag(0x0400, 0x0500);

/// What a profile asks for, made ready once a run.
pub(super) struct Engine {
    asked: Confidentiality,
    /// Whether rules open the envelope that a file came with, which then stays.
    opens_envelope: bool,
    decisions: Decisions,
}

/// What fields of the profile passed on of what the Basic Profile takes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exceptions {
    /// Nothing.
    #[default]
    None,
    /// Something, but no date or time.
    Values,
    /// Dates or times too, so that what the options say of them is not true of the file.
    Dates,
}

/// What came of one instance.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Elements changed or removed.
    pub(super) changed: u32,
    /// What fields of the profile passed on of what the Basic Profile takes.
    pub(super) exceptions: Exceptions,
    /// Whether the patient had no usable Patient ID, so that the study stands for the patient.
    pub(super) without_patient_id: bool,
    /// Whether a document stayed as it was, which is not looked into.
    pub(super) document_kept: bool,
    /// Dates, times and ages that could not be read and so did not stay, one for each element.
    pub(super) unreadable: Vec<Tag>,
}

/// One instance while it is cleaned.
struct Work<'a> {
    asked: &'a Confidentiality,
    opens_envelope: bool,
    decisions: &'a Decisions,
    key: &'a PseudonymKey,
    patient: Patient,
    own: Identifiers,
    iod: Option<Iod>,
    /// The rules of the profile and what their expressions address; none where there are no rules.
    named: Option<(&'a Rules, Defined)>,
    /// Whether content items are referred to by their numbers, so that none may go.
    counts_items: bool,
    outcome: Outcome,
}

/// Where a data set stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    encoding: Encoding,
    charset: &'a CharacterSet,
    /// The items that lead here, the outermost first.
    at: &'a [(Tag, usize)],
}

impl Place<'_> {
    /// The sequence that holds the data set.
    fn parent(&self) -> Option<Tag> {
        self.at.last().map(|(tag, _)| *tag)
    }
}

/// What becomes of an element that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stays {
    Same,
    Changed,
    Gone,
}

impl Engine {
    pub(super) fn new(asked: &Confidentiality, opens_envelope: bool) -> Self {
        Self {
            asked: asked.clone(),
            opens_envelope,
            decisions: Decisions::new(asked),
        }
    }

    /// Cleans the data set of an instance.
    pub(super) fn apply(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        rules: &Rules,
        key: &PseudonymKey,
    ) -> Result<Outcome, DeidError> {
        let named = if rules.list.is_empty() {
            None
        } else {
            Some((rules, rules.defined(data)?))
        };
        let patient = Patient::of(data, &self.asked, key)?;
        let mut work = Work {
            asked: &self.asked,
            opens_envelope: self.opens_envelope,
            decisions: &self.decisions,
            key,
            own: Identifiers::of(data, encoding),
            iod: uids::sop_class(data)
                .filter(|class| !class.is_empty())
                .map(|class| standard::iod(&class)),
            named,
            counts_items: false,
            outcome: Outcome {
                without_patient_id: patient.without_id,
                ..Outcome::default()
            },
            patient,
        };
        let default = CharacterSet::default();
        work.data_set(
            data,
            Place {
                encoding,
                charset: &default,
                at: &[],
            },
        )?;
        work.identify_by_pseudonym(data);
        work.outcome.changed += graphics::without_overlays(data);
        Ok(work.outcome)
    }

    /// Marks the instance as what was done to it.
    pub(super) fn mark(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        outcome: &Outcome,
        pixels_cleaned: bool,
    ) {
        marks::put(data, encoding, &self.asked, outcome, pixels_cleaned);
    }
}

impl Work<'_> {
    /// Looks at every element of a data set and of the items in it.
    fn data_set(&mut self, data: &mut DataSet, place: Place<'_>) -> Result<(), DeidError> {
        let own = data
            .get(super::act::CHARACTER_SET)
            .and_then(Element::bytes)
            .map(|value| CharacterSet::from_element(value));
        let place = Place {
            charset: own.as_ref().unwrap_or(place.charset),
            ..place
        };
        let named = self.named(data, place);
        let safe = private::Safe::of(data, self.asked);
        let code = codes::Code::of(data).filter(|_| self.asked.unlisted != Unlisted::Keep);
        let mut failure = None;
        data.retain_mut(|element| {
            if failure.is_some() {
                return true;
            }
            let done = self.element(element, place, &named, &safe, code);
            match done {
                Ok(stays) => {
                    self.outcome.changed += u32::from(stays != Stays::Same);
                    stays != Stays::Gone
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
        place: Place<'_>,
        named: &Named,
        safe: &private::Safe,
        code: Option<codes::Code>,
    ) -> Result<Stays, DeidError> {
        let tag = element.tag;
        let answer = self.decisions.of(tag, element.vr);
        let lost = answer.is.filter(|_| !claims::stands(element, answer));
        // No rule reaches into a sequence that cannot be opened, so none can answer for it.
        if named.all.contains(&tag) && lost != Some(VR::SQ) {
            if named.kept.contains(&tag) && answer.decision.code.protects() {
                let temporal = matches!(element.vr, VR::DA | VR::DT | VR::TM);
                let exception = if temporal {
                    Exceptions::Dates
                } else {
                    Exceptions::Values
                };
                self.outcome.exceptions = self.outcome.exceptions.max(exception);
            }
            return self.items(element, place);
        }
        if element.is_private() {
            return self.private(element, place, safe);
        }
        if let Some(is) = lost {
            return self.lose(element, is, place);
        }
        if tag == ENCRYPTED_ATTRIBUTES && self.opens_envelope {
            return Ok(Stays::Same);
        }
        if tag == CHARACTERISTICS {
            return if safe.is_wanted() {
                self.items(element, place)
            } else {
                Ok(Stays::Gone)
            };
        }
        if let Some(code) = code
            && let Some(stays) = self.part_of_code(element, code, place)?
        {
            return Ok(stays);
        }
        let vr = if element.vr == VR::UN {
            answer.is.unwrap_or(VR::UN)
        } else {
            element.vr
        };
        self.carry_out(element, vr, answer.decision, place)
    }

    /// Enters the items of a sequence that itself stays. Content items are cleaned as such wherever
    /// they stand.
    fn items(&mut self, element: &mut Element, place: Place<'_>) -> Result<Stays, DeidError> {
        let tag = element.tag;
        if element.items().is_some_and(|sequence| {
            sequence
                .items
                .iter()
                .any(|item| content::is_item(&item.data))
        }) {
            return self.clean_content(element, place);
        }
        let Some(sequence) = element.items_mut() else {
            return Ok(Stays::Same);
        };
        let mut at = Vec::with_capacity(place.at.len() + 1);
        at.extend_from_slice(place.at);
        for (index, item) in sequence.items.iter_mut().enumerate() {
            at.push((tag, index));
            self.data_set(
                &mut item.data,
                Place {
                    encoding: sequence.encoding,
                    at: &at,
                    ..place
                },
            )?;
            at.pop();
        }
        Ok(Stays::Same)
    }

    /// What the profile's fields name in a data set.
    fn named(&self, data: &DataSet, place: Place<'_>) -> Named {
        let Some((rules, defined)) = &self.named else {
            return Named::default();
        };
        let mut all = rules.addressed(data, defined, place.at, false);
        let kept = if all.is_empty() {
            Vec::new()
        } else {
            rules.addressed(data, defined, place.at, true)
        };
        all.extend(rules.reached_through(defined, place.at));
        Named { all, kept }
    }
}

/// The elements of a data set that fields of the profile name, and those of them of which a field
/// passes something on.
#[derive(Default)]
struct Named {
    all: Vec<Tag>,
    kept: Vec<Tag>,
}

/// A failure that names the element and no value.
fn failure(code: DeidErrorKind, tag: Tag, why: &str) -> DeidError {
    DeidError::new(code, format!("{}: {why}", standard::name_of(tag)))
}
