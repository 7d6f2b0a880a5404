//! The action codes of PS3.15 Table E.1-1 on one element: pseudonyms, dummies, shifted dates, new
//! UIDs, graphics.
//!
//! Owns what each code writes. Dates of devices and of vocabularies can be looked up, so shifting
//! them would reveal by how many days; they are treated as if the option did not cover them.
//! Registered UIDs never change. Identifiers of things that have to stay distinct (slides,
//! specimens, lesions, parts of a plan) become keyed pseudonyms, the same for the same identifier,
//! since one dummy for all would make two things one.

use bytes::Bytes;
use dicom_dictionary_std::tags::{
    CONTAINER_IDENTIFIER, DATE, DATE_TIME, ENCAPSULATED_DOCUMENT, GRAPHIC_DATA, GRAPHIC_DIMENSIONS,
    GRAPHIC_FILLED, GRAPHIC_OBJECT_SEQUENCE, GRAPHIC_TYPE, NUMBER_OF_GRAPHIC_POINTS,
    OPERATOR_IDENTIFICATION_SEQUENCE, PATIENT_ID, PATIENT_NAME,
    PERSON_IDENTIFICATION_CODE_SEQUENCE, SPECIMEN_IDENTIFIER, TIME, TRACKING_ID,
};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, Value, padded};

use super::{
    Changed, DataSetContext, EffectResult, ElementEffect, InstanceCleaner, Removed, UNKNOWN,
    Unchanged, code_sequence, failure, put_bytes, put_dummy, put_encoded, put_text, text_element,
};
use crate::elements::element_value::{separate, without_padding};
use crate::elements::temporal;
use crate::elements::uid_text;
use crate::error::DeidErrorKind;
use crate::profile::{
    AttributeDecision, DecisionSource, Encapsulated, TableOutcome, Unlisted, Unparseable, is_text,
};
use crate::standard::confidentiality::ActionCode;
use crate::standard::{self, AttributeType, TemporalRole};

impl InstanceCleaner<'_> {
    /// Does with an element what was decided. `vr` is the VR that it really has.
    pub fn apply_decision(
        &mut self,
        element: &mut Element,
        vr: VR,
        decision: AttributeDecision,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if decision.code == ActionCode::Clean {
            return self.clean(element, vr, decision.source, context);
        }
        let code = self.unlisted_action(decision, element);
        self.apply_action(element, vr, code, context)
    }

    /// Where texts go that no table lists, those stay that are codes, and codes go that are texts.
    fn unlisted_action(&self, decision: AttributeDecision, element: &Element) -> ActionCode {
        if self.settings.unlisted != Unlisted::Remove || decision.source != DecisionSource::Vr {
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

    /// A code as the IOD requires it.
    pub fn resolved(&self, code: ActionCode, tag: Tag, context: DataSetContext<'_>) -> ActionCode {
        match code {
            ActionCode::Keep | ActionCode::Clean | ActionCode::Uid | ActionCode::Dummy => code,
            _ => standard::resolve_action_code(
                code,
                standard::attribute_type(self.iod, context.parent(), tag),
            ),
        }
    }

    /// Carries out what a code comes to in the IOD.
    pub fn apply_action(
        &mut self,
        element: &mut Element,
        vr: VR,
        code: ActionCode,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let code = self.resolved(code, element.tag, context);
        let (tag, held) = (element.tag, vr_of_value(element, vr));
        let outcome = TableOutcome::of_code(code, tag, held, self.settings.encapsulated);
        self.carry_out(outcome, element, vr, context)
    }

    fn carry_out(
        &mut self,
        outcome: TableOutcome,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        match outcome {
            TableOutcome::Kept => self.keep(element, vr, context),
            TableOutcome::NewUid => Ok(self.replace_uids(element)),
            TableOutcome::References | TableOutcome::ItemsCleaned => {
                self.clean_items(element, context)
            }
            TableOutcome::Emptied => Ok(self.empty_value(element, context)),
            TableOutcome::Pseudonym => Ok(self
                .pseudonym(element, context)
                .unwrap_or(Removed)),
            TableOutcome::Document(encapsulated) => self.document(element, encapsulated),
            TableOutcome::DummyContent => self.dummy_content(element, context),
            TableOutcome::DummyGraphics => self.dummy_graphics(element, context),
            // Nothing takes the place of nothing: an empty value stays empty.
            TableOutcome::DummyItems if is_empty(element) => Ok(Unchanged),
            TableOutcome::DummyItems => self.dummy_items(element, context),
            TableOutcome::Dummy => Ok(self.dummy(element, vr, context)),
            TableOutcome::Moved => self.shift_dates(element, vr, context),
            TableOutcome::KnownWords => self.clean_text(element, vr, context),
            TableOutcome::Content => self.clean_content(element, context),
            // Private elements do not come here, nor does a code that the Type still decides.
            TableOutcome::Removed | TableOutcome::SafePrivate | TableOutcome::AsNeeded => {
                Ok(Removed)
            }
        }
    }

    /// What the Basic Profile does without any option, for values that an option cannot keep.
    pub fn apply_basic(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        self.apply_action(element, vr, standard::basic_code(element.tag), context)
    }

    pub fn empty_value(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> ElementEffect {
        if let Some(effect) = self.pseudonym(element, context) {
            return effect;
        }
        match &element.value {
            Value::Items(sequence) if !sequence.items.is_empty() => {
                *element = Element::sequence(element.tag, Vec::new(), context.encoding);
            }
            Value::Bytes(bytes) if !bytes.is_empty() => element.value = Value::Bytes(Bytes::new()),
            Value::Items(_) | Value::Bytes(_) => return Unchanged,
            Value::Fragments(_) => return Removed,
        }
        Changed
    }

    /// Patient ID and Patient's Name become the patient's pseudonym, wherever they stand.
    pub fn pseudonym(
        &self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> Option<ElementEffect> {
        let text = match element.tag {
            PATIENT_ID => {
                self.patient
                    .pseudonym_for(element, context.charset, self.settings, self.key)
            }
            PATIENT_NAME => self.patient.pseudonym.clone(),
            _ => return None,
        };
        Some(put_text(element, &text))
    }

    /// Puts the pseudonym where an instance has no Patient ID at all, so that patients stay
    /// distinct.
    pub fn add_pseudonym_if_absent(&mut self, data: &mut DataSet) {
        let is_named = self
            .named
            .as_ref()
            .is_some_and(|(rules, matches)| {
                rules
                    .addressed(&DataSet::new(), matches, &[], false)
                    .contains(&PATIENT_ID)
            });
        if data.get(PATIENT_ID).is_none() && !is_named {
            data.put(text_element(PATIENT_ID, VR::LO, &self.patient.pseudonym));
            self.outcome.changed += 1;
        }
    }

    fn dummy(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> ElementEffect {
        match &element.value {
            _ if is_empty(element) => Unchanged,
            Value::Bytes(_) if distinguishes_things(element.tag, vr) => {
                self.identifier(element, vr, context)
            }
            Value::Bytes(_) => put_dummy(element, vr).unwrap_or(Removed),
            Value::Items(_) | Value::Fragments(_) => Removed,
        }
    }

    /// Codes for persons and places become the code for "unknown"; other sequences are entered,
    /// where the table has dummies for what they hold.
    pub fn dummy_items(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if !identifies_person_or_place(element.tag) {
            return self.clean_items(element, context);
        }
        // A new sequence is written like the data set around it, whatever the one was that it
        // replaces.
        let encoding = context.encoding;
        *element = if is_code(element.tag) {
            code_sequence(element.tag, UNKNOWN, encoding)
        } else {
            // Operator Identification: Person Identification Code Sequence is its one Type 1
            // attribute (PS3.3 Table 10-1).
            let codes = code_sequence(PERSON_IDENTIFICATION_CODE_SEQUENCE, UNKNOWN, encoding);
            Element::sequence(
                element.tag,
                vec![DataSet::from_elements(vec![codes])],
                encoding,
            )
        };
        Ok(Changed)
    }

    fn document(&mut self, element: &mut Element, encapsulated: Encapsulated) -> EffectResult {
        match encapsulated {
            Encapsulated::Refuse => Err(failure(
                DeidErrorKind::Document,
                ENCAPSULATED_DOCUMENT,
                "a document cannot be looked into",
            )),
            Encapsulated::Keep => {
                self.outcome.document_kept = true;
                Ok(Unchanged)
            }
            Encapsulated::Remove => {
                element.value = Value::Bytes(Bytes::from_static(&[0, 0]));
                Ok(Changed)
            }
        }
    }

    /// Action C, and C-like treatment of what the table does not list.
    fn clean(
        &mut self,
        element: &mut Element,
        vr: VR,
        why: DecisionSource,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        match TableOutcome::of_cleaning(why, element.tag, vr_of_value(element, vr)) {
            Some(outcome) => self.carry_out(outcome, element, vr, context),
            None => self.apply_basic(element, vr, context),
        }
    }
}

/// The VR that the table is asked about: that of a sequence is what has items.
fn vr_of_value(element: &Element, vr: VR) -> VR {
    match (&element.value, vr) {
        (Value::Items(_), _) => VR::SQ,
        (_, VR::SQ) => VR::UN,
        (_, vr) => vr,
    }
}

fn is_empty(element: &Element) -> bool {
    match &element.value {
        Value::Items(sequence) => sequence.items.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Fragments(_) => false,
    }
}

fn is_code(sequence: Tag) -> bool {
    standard::keyword(sequence).is_some_and(|keyword| keyword.ends_with("CodeSequence"))
}

/// Whether a sequence is a code for a person or a place, or identifies an operator.
pub fn identifies_person_or_place(sequence: Tag) -> bool {
    is_code(sequence) || sequence == OPERATOR_IDENTIFICATION_SEQUENCE
}

/// Container Identifier, Specimen Identifier and Tracking ID.
const THINGS: [Tag; 3] = [CONTAINER_IDENTIFIER, SPECIMEN_IDENTIFIER, TRACKING_ID];
/// How keywords end that name what is referred to.
const ENDINGS: [&str; 4] = ["CodeValue", "ID", "Identifier", "Label"];

/// Whether the values of an attribute distinguish things, so that its dummies have to as well. Of
/// Table E.1-1, which asks for dummies itself, only those that are listed here do.
fn distinguishes_things(tag: Tag, vr: VR) -> bool {
    let refers = |keyword: &str| {
        ENDINGS
            .iter()
            .any(|ending| keyword.ends_with(ending))
    };
    matches!(vr, VR::LO | VR::SH | VR::ST | VR::UC | VR::UT)
        && (THINGS.contains(&tag)
            || standard::attribute(tag).is_none() && standard::keyword(tag).is_some_and(refers))
}

impl InstanceCleaner<'_> {
    /// Puts a keyed pseudonym in the place of each identifier; what is empty stays empty.
    fn identifier(
        &self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> ElementEffect {
        let Some(bytes) = element.bytes() else {
            return Removed;
        };
        let text = context.text(bytes, vr);
        let pseudonym = |value: &String| match value.trim_matches([' ', '\0']) {
            "" => String::new(),
            identifier => format!("ID-{}", self.key.identifier(identifier)),
        };
        let new: Vec<String> = separate(&text, vr)
            .iter()
            .map(pseudonym)
            .collect();
        put_text(element, &new.join("\\"))
    }
}

impl InstanceCleaner<'_> {
    /// Every drawing becomes one point; texts become dummies by the table.
    fn dummy_graphics(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if let Some(sequence) = element.items_mut() {
            for item in &mut sequence.items {
                let objects = item
                    .data
                    .get_mut(GRAPHIC_OBJECT_SEQUENCE)
                    .and_then(Element::items_mut);
                for object in objects
                    .into_iter()
                    .flat_map(|objects| &mut objects.items)
                {
                    point(&mut object.data, sequence.encoding);
                    self.outcome.changed += 1;
                }
            }
        }
        self.clean_items(element, context)
    }
}

fn point(object: &mut DataSet, encoding: Encoding) {
    let word = |tag, number| Element::new(tag, VR::US, encoding.put_u16(number).to_vec());
    let one = encoding.put_u32(1_f32.to_bits());
    object.put(word(GRAPHIC_DIMENSIONS, 2));
    object.put(word(NUMBER_OF_GRAPHIC_POINTS, 1));
    object.put(Element::new(GRAPHIC_DATA, VR::FL, [one, one].concat()));
    if let Some(kind) = object.get_mut(GRAPHIC_TYPE) {
        put_text(kind, "POINT");
    }
    object.remove(GRAPHIC_FILLED);
}

/// Removes what describes overlays whose planes are gone. Those that lie in the pixel data are
/// taken from there beforehand.
pub fn remove_overlays(data: &mut DataSet) -> u32 {
    let before = data.len();
    data.retain(|element| element.tag.group() & 0xFF00 != 0x6000 || element.is_private());
    u32::try_from(before - data.len()).unwrap_or(u32::MAX)
}

/// Date Time, Date and Time of a content item (PS3.3 section 10.2).
const ITEM_VALUES: [Tag; 3] = [DATE_TIME, DATE, TIME];

impl InstanceCleaner<'_> {
    /// Moves each date of an element by the patient's shift.
    pub fn shift_dates(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let of_subject =
            standard::temporal_role(element.tag).is_none_or(|role| role == TemporalRole::Subject);
        let bytes = element
            .bytes()
            .filter(|_| of_subject && matches!(vr, VR::DA | VR::DT | VR::TM));
        let Some(bytes) = bytes else {
            return self.apply_basic(element, vr, context);
        };
        let text = String::from_utf8_lossy(bytes).into_owned();
        match temporal::shift(&text, vr, self.patient.days) {
            Ok(moved) if text.trim_end_matches([' ', '\0']) == moved.trim_end() => Ok(Unchanged),
            Ok(moved) => Ok(put_text(element, &moved)),
            Err(_) => self.handle_unreadable(element, vr, context),
        }
    }

    /// What becomes of a value that is no valid date, time or age: it does not stay,
    /// and whether it or its file goes is for the profile to say, else for the Type of the
    /// attribute.
    pub fn handle_unreadable(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let need = standard::attribute_type(self.iod, context.parent(), element.tag);
        let effect = match self.settings.unparseable {
            Unparseable::Remove => self.apply_basic(element, vr, context)?,
            // The item goes with its value.
            Unparseable::ByType if ITEM_VALUES.contains(&element.tag) => Removed,
            Unparseable::ByType if need == Some(AttributeType::Type2) => {
                self.empty_value(element, context)
            }
            Unparseable::ByType if need != Some(AttributeType::Type1) => Removed,
            Unparseable::ByType | Unparseable::Fail => {
                return Err(failure(
                    DeidErrorKind::Date,
                    element.tag,
                    "not a date, time or age as its VR wants it, so it cannot be cleaned",
                )
                .with_remedy(
                    "correct the file, or have the profile say `unparseable = \"remove\"` \
                    in `[dicom.dates]`",
                ));
            }
        };
        self.outcome
            .unreadable
            .push(element.tag);
        Ok(effect)
    }

    /// Replaces each UID of an element. What is no UID is replaced too: it identifies as well as
    /// one.
    pub fn replace_uids(&self, element: &mut Element) -> ElementEffect {
        let Some(bytes) = element.bytes() else {
            return Removed;
        };
        if without_padding(bytes).is_empty() {
            return Unchanged;
        }
        let mut new = Vec::with_capacity(46);
        for (index, value) in bytes
            .split(|byte| *byte == b'\\')
            .enumerate()
        {
            if index > 0 {
                new.push(b'\\');
            }
            let uid = uid_text::before_nul(value);
            match std::str::from_utf8(uid) {
                Ok(text) if uid.is_empty() || standard::is_registered_uid(text) => {
                    new.extend_from_slice(uid);
                }
                _ => new.extend_from_slice(self.key.uid(uid).as_bytes()),
            }
        }
        put_bytes(element, padded(VR::UI, new))
    }

    /// Replaces the UIDs of instances inside a text that stays.
    pub fn uids_in_text(
        &self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> ElementEffect {
        let Some(bytes) = element.bytes().filter(|bytes| {
            is_text(vr) && bytes.len() > 11 && memchr::memchr(b'.', bytes).is_some()
        }) else {
            return Unchanged;
        };
        let text = context.text(bytes, vr);
        let Some(new) = self.with_replaced_uids(&text) else {
            return Unchanged;
        };
        // Text that cannot be written again as it was read is not kept.
        let new = new.trim_end_matches([' ', '\0']);
        put_encoded(element, new, context.charset).unwrap_or(Removed)
    }

    /// The text with new UIDs, if there are UIDs of instances in it.
    fn with_replaced_uids(&self, text: &str) -> Option<String> {
        let mut new = String::new();
        let mut from = 0;
        for range in uid_text::uids_in_text(text) {
            let uid = text.get(range.clone())?;
            if !standard::is_registered_uid(uid) {
                new.push_str(text.get(from..range.start)?);
                new.push_str(&self.key.uid(uid.as_bytes()));
                from = range.end;
            }
        }
        if from == 0 {
            return None;
        }
        new.push_str(text.get(from..)?);
        Some(new)
    }
}
