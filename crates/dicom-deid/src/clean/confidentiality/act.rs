//! The action codes of PS3.15 Table E.1-1 on one element.

use bytes::Bytes;

use super::{Place, Stays, Work, failure, pseudonyms};
use crate::clean::dummy;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{AttributeDecision, DecisionSource, Encapsulated, Unlisted};
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::{self, IdentifyingRole};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, Value};

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
const CONTENT: Tag = Tag(0x0040, 0xA730);
const GRAPHIC_ANNOTATIONS: Tag = Tag(0x0070, 0x0001);

impl Work<'_> {
    /// Does with an element what was decided. `vr` is the VR that it really has.
    pub(super) fn carry_out(
        &mut self,
        element: &mut Element,
        vr: VR,
        decision: AttributeDecision,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if decision.code == ActionCode::Clean {
            return self.clean(element, vr, decision.source, place);
        }
        let code = self.resolved(self.strictly(decision, element), element.tag, place);
        self.do_plainly(element, vr, code, place)
    }

    /// Where texts go that no table lists, those stay that are codes, and codes go that are texts.
    fn strictly(&self, decision: AttributeDecision, element: &Element) -> ActionCode {
        if self.asked.unlisted != Unlisted::Remove || decision.source != DecisionSource::Vr {
            return decision.code;
        }
        match element
            .bytes()
            .and_then(|bytes| standard::is_code(element.tag, bytes))
        {
            Some(true) => ActionCode::Keep,
            Some(false) => ActionCode::Remove,
            None => decision.code,
        }
    }

    /// A code as the IOD wants it.
    pub(super) fn resolved(&self, code: ActionCode, tag: Tag, place: Place<'_>) -> ActionCode {
        match code {
            ActionCode::Keep | ActionCode::Clean | ActionCode::Uid | ActionCode::Dummy => code,
            _ => standard::resolve_action_code(
                code,
                standard::attribute_type(self.iod, place.parent(), tag),
            ),
        }
    }

    /// An action without a choice.
    pub(super) fn do_plainly(
        &mut self,
        element: &mut Element,
        vr: VR,
        code: ActionCode,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        match code {
            ActionCode::Keep => self.keep(element, vr, place),
            ActionCode::Uid => Ok(self.new_uids(element)),
            ActionCode::RemoveOrZeroOrUids => self.items(element, place),
            ActionCode::Zero => Ok(self.empty(element, place)),
            ActionCode::Dummy => self.dummy(element, vr, place),
            _ => Ok(Stays::Gone),
        }
    }

    /// What the Basic Profile does without any option, for values that an option cannot keep.
    pub(super) fn fall_back(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let basic = standard::attribute(element.tag).map_or(ActionCode::Remove, |row| row.basic);
        let code = self.resolved(basic, element.tag, place);
        self.do_plainly(element, vr, code, place)
    }

    pub(super) fn empty(&mut self, element: &mut Element, place: Place<'_>) -> Stays {
        if let Some(stays) = self.pseudonym(element, place) {
            return stays;
        }
        match &element.value {
            Value::Items(sequence) if !sequence.items.is_empty() => {
                *element = Element::sequence(element.tag, Vec::new(), place.encoding);
            }
            Value::Bytes(bytes) if !bytes.is_empty() => element.value = Value::Bytes(Bytes::new()),
            Value::Items(_) | Value::Bytes(_) => return Stays::Same,
            Value::Fragments(_) => return Stays::Gone,
        }
        Stays::Changed
    }

    /// Patient ID and Patient's Name become the patient's pseudonym, wherever they stand.
    pub(super) fn pseudonym(&self, element: &mut Element, place: Place<'_>) -> Option<Stays> {
        let text = match element.tag {
            PATIENT_ID => self
                .patient
                .pseudonym_for(element, place.charset, self.asked, self.key),
            PATIENT_NAME => self.patient.pseudonym.clone(),
            _ => return None,
        };
        Some(put_text(element, &text))
    }

    /// Puts the pseudonym where an instance has no Patient ID at all, so that patients are told
    /// apart.
    pub(super) fn identify_by_pseudonym(&mut self, data: &mut DataSet) {
        if data.get(PATIENT_ID).is_none() && !self.is_named(PATIENT_ID) {
            data.put(Element::new(
                PATIENT_ID,
                VR::LO,
                dicom_lossless::padded(VR::LO, self.patient.pseudonym.clone().into_bytes()),
            ));
            self.outcome.changed += 1;
        }
    }

    fn is_named(&self, tag: Tag) -> bool {
        let top = |(rules, defined): &(&crate::clean::apply::Rules, _)| {
            rules
                .addressed(&DataSet::new(), defined, &[], false)
                .contains(&tag)
        };
        self.named.as_ref().is_some_and(top)
    }

    /// Nothing takes the place of nothing: an empty value stays empty.
    fn dummy(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if let Some(stays) = self.pseudonym(element, place) {
            return Ok(stays);
        }
        match element.tag {
            DOCUMENT => return self.document(element),
            CONTENT => return self.dummy_content(element, place),
            GRAPHIC_ANNOTATIONS => return self.dummy_graphics(element, place),
            _ => {}
        }
        match &element.value {
            Value::Items(sequence) if sequence.items.is_empty() => Ok(Stays::Same),
            Value::Items(_) => self.dummy_items(element, place),
            Value::Bytes(bytes) if bytes.is_empty() => Ok(Stays::Same),
            Value::Bytes(_) if vr == VR::UI => Ok(self.new_uids(element)),
            Value::Bytes(_) if pseudonyms::tells_apart(element.tag, vr) => {
                Ok(self.identifier(element, vr, place))
            }
            Value::Bytes(_) => match dummy::dummy(element.tag, vr) {
                Some(value) => {
                    element.value = Value::Bytes(Bytes::from_static(value));
                    Ok(Stays::Changed)
                }
                None => Ok(Stays::Gone),
            },
            Value::Fragments(_) => Ok(Stays::Gone),
        }
    }

    /// Codes for persons and places become the code for "unknown"; other sequences are entered,
    /// where the table has dummies for what they hold.
    pub(super) fn dummy_items(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if !stands_for_someone(element.tag) {
            return self.items(element, place);
        }
        // A new sequence is written like the data set around it, whatever the one was that it
        // replaces.
        let encoding = place.encoding;
        let unknown = code_item("261665006", "SCT", "Unknown");
        let item = if is_code(element.tag) {
            unknown
        } else {
            // Operator Identification: Person Identification Code Sequence is its one Type 1
            // attribute (PS3.3 Table 10-1).
            let codes = Element::sequence(Tag(0x0040, 0x1101), vec![unknown], encoding);
            DataSet::from_elements(vec![codes])
        };
        *element = Element::sequence(element.tag, vec![item], encoding);
        Ok(Stays::Changed)
    }

    fn document(&mut self, element: &mut Element) -> Result<Stays, DeidError> {
        match self.asked.encapsulated {
            Encapsulated::Refuse => Err(failure(
                DeidErrorKind::Document,
                DOCUMENT,
                "a document cannot be looked into",
            )),
            Encapsulated::Keep => {
                self.outcome.document_kept = true;
                Ok(Stays::Same)
            }
            Encapsulated::Remove => {
                element.value = Value::Bytes(Bytes::from_static(&[0, 0]));
                Ok(Stays::Changed)
            }
        }
    }

    /// Action C, and C-like treatment of what the table does not list.
    fn clean(
        &mut self,
        element: &mut Element,
        vr: VR,
        source: DecisionSource,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        match source {
            DecisionSource::Option(O::RetainModifiedDates)
            | DecisionSource::Role(IdentifyingRole::Time) => self.move_dates(element, vr, place),
            _ if matches!(vr, VR::DA | VR::DT | VR::TM) => self.move_dates(element, vr, place),
            DecisionSource::Option(O::CleanStructuredContent) => self.clean_content(element, place),
            DecisionSource::Option(O::CleanGraphics) if element.tag == GRAPHIC_ANNOTATIONS => {
                self.items(element, place)
            }
            DecisionSource::Option(O::CleanGraphics) => Ok(Stays::Gone),
            _ if element.items().is_some() => self.items(element, place),
            _ => self.clean_text(element, vr, place),
        }
    }
}

fn is_code(sequence: Tag) -> bool {
    standard::keyword(sequence).is_some_and(|keyword| keyword.ends_with("CodeSequence"))
}

/// Whether a sequence is a code for a person or a place, or identifies an operator.
pub(super) fn stands_for_someone(sequence: Tag) -> bool {
    is_code(sequence) || sequence == Tag(0x0008, 0x1072)
}

/// Puts an ASCII text in the place of a value.
pub(super) fn put_text(element: &mut Element, text: &str) -> Stays {
    let vr = element.vr;
    let new = Value::Bytes(dicom_lossless::padded(vr, text.as_bytes().to_vec()));
    if element.value == new {
        return Stays::Same;
    }
    element.value = new;
    Stays::Changed
}

/// The item of a code sequence (PS3.3 section 8.8).
pub(super) fn code_item(
    value: &'static str,
    scheme: &'static str,
    meaning: &'static str,
) -> DataSet {
    let text = |element, vr, text: &'static str| {
        Element::new(
            Tag(0x0008, element),
            vr,
            dicom_lossless::padded(vr, text.as_bytes().to_vec()),
        )
    };
    DataSet::from_elements(vec![
        text(0x0100, VR::SH, value),
        text(0x0102, VR::SH, scheme),
        text(0x0104, VR::LO, meaning),
    ])
}

/// A sequence of one code.
pub(super) fn code_sequence(tag: Tag, item: DataSet, encoding: Encoding) -> Element {
    Element::sequence(tag, vec![item], encoding)
}
