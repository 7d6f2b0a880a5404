//! Content of structured reports and of other content items (PS3.3 section C.17.3): cleaned concept by concept
//! (PS3.15 Table E.3.4-1), or replaced by a dummy that keeps references and nothing else.
//!
//! Never keeps an item of a value type that it does not know: the file fails.

use super::act::{code_item, code_sequence, put_text};
use super::{Place, Stays, Work, failure};
use crate::dicom::{DataSet, Element, Encoding, Tag, VR};
use crate::failure::{FileCode, FileFailure};
use crate::profile::Why;
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};

const VALUE_TYPE: Tag = Tag(0x0040, 0xA040);
const RELATIONSHIP: Tag = Tag(0x0040, 0xA010);
const CONCEPT: Tag = Tag(0x0040, 0xA043);
const DATE_TIME: Tag = Tag(0x0040, 0xA120);
const DATE: Tag = Tag(0x0040, 0xA121);
const TIME: Tag = Tag(0x0040, 0xA122);
const PERSON: Tag = Tag(0x0040, 0xA123);
const UID: Tag = Tag(0x0040, 0xA124);
const TEXT: Tag = Tag(0x0040, 0xA160);
const CODE: Tag = Tag(0x0040, 0xA168);
/// Referenced Content Item Identifier: items are counted, so none may go.
const BY_NUMBER: Tag = Tag(0x0040, 0xDB73);
/// The values that the concept decides about.
const VALUES: [Tag; 7] = [DATE_TIME, DATE, TIME, PERSON, UID, TEXT, CODE];
/// Items that hold other items, references, or places in what is referenced.
const SKELETON: [&str; 9] = ["CONTAINER", "IMAGE", "COMPOSITE", "WAVEFORM", "SCOORD", "SCOORD3D", "TCOORD", "TABLE", ""];
const DUMMY: &str = "REMOVED";

impl Work<'_> {
    /// Cleans content items by their concepts, nested ones with them.
    pub(super) fn clean_content(&mut self, element: &mut Element, place: Place<'_>) -> Result<Stays, FileFailure> {
        self.content(element, place, &mut |work, item, place| work.clean_item(item, place))
    }

    /// Keeps the skeleton of content items; at least one item is left.
    pub(super) fn dummy_content(&mut self, element: &mut Element, place: Place<'_>) -> Result<Stays, FileFailure> {
        let stays = self.content(element, place, &mut |work, item, place| {
            if !SKELETON.contains(&value_type(item).as_str()) {
                return Ok(false);
            }
            work.data_set(item, place).map(|()| true)
        })?;
        let encoding = element.items().map_or(place.encoding, |sequence| sequence.encoding);
        if element.items().is_some_and(|sequence| sequence.items.is_empty()) {
            *element = Element::sequence(element.tag, vec![placeholder("CONTAINS", encoding)], encoding);
        }
        Ok(stays)
    }

    fn content(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
        clean: &mut dyn FnMut(&mut Self, &mut DataSet, Place<'_>) -> Result<bool, FileFailure>,
    ) -> Result<Stays, FileFailure> {
        let tag = element.tag;
        if place.at.iter().all(|(sequence, _)| *sequence != tag) {
            self.counts_items = counts_items(element);
        }
        let Some(sequence) = element.items_mut() else { return Ok(Stays::Gone) };
        let mut at = place.at.to_vec();
        let (encoding, mut kept) = (sequence.encoding, Vec::with_capacity(sequence.items.len()));
        let before = sequence.items.len();
        for (index, mut item) in std::mem::take(&mut sequence.items).into_iter().enumerate() {
            at.push((tag, index));
            let inside = Place { encoding, at: &at, ..place };
            if clean(self, &mut item.data, inside)? {
                kept.push(item);
            } else if self.counts_items {
                item.data = placeholder(&text(&item.data, RELATIONSHIP), encoding);
                kept.push(item);
                self.outcome.changed += 1;
            }
            at.pop();
        }
        sequence.items = kept.into();
        Ok(if sequence.items.len() == before { Stays::Same } else { Stays::Changed })
    }

    /// Cleans one item; false where it goes.
    fn clean_item(&mut self, item: &mut DataSet, place: Place<'_>) -> Result<bool, FileFailure> {
        let kind = value_type(item);
        let action = self.action_for(item, &kind)?;
        if action == ActionCode::Remove {
            return Ok(false);
        }
        let mut values: Vec<Element> = VALUES.iter().filter_map(|tag| item.remove(*tag)).collect();
        self.data_set(item, place)?;
        for value in &mut values {
            let stays = self.value(value, action, place)?;
            self.outcome.changed += u32::from(stays != Stays::Same);
            if stays == Stays::Gone {
                return Ok(false);
            }
        }
        for value in values {
            item.put(value);
        }
        Ok(true)
    }

    /// What the table says of the item's concept; of one that it does not list, what its value type calls for.
    fn action_for(&self, item: &DataSet, kind: &str) -> Result<ActionCode, FileFailure> {
        let code = item.get(CONCEPT).and_then(Element::items).and_then(|sequence| sequence.items.first());
        let code = code.map(|code| (text(&code.data, Tag(0x0008, 0x0100)), text(&code.data, Tag(0x0008, 0x0102))));
        let row = code.and_then(|(value, scheme)| standard::structured_content::concept_of_type(&value, &scheme, kind));
        if let Some(row) = row {
            let said = self.asked.options.iter().find_map(|option| row.under(option));
            return Ok(said.unwrap_or(row.basic));
        }
        match kind {
            "TEXT" => Ok(ActionCode::Clean),
            "DATE" | "TIME" | "DATETIME" if self.asked.options.has(O::RetainFullDates) => Ok(ActionCode::Keep),
            "DATE" | "TIME" | "DATETIME" if self.asked.options.has(O::RetainModifiedDates) => Ok(ActionCode::Clean),
            "DATE" | "TIME" | "DATETIME" | "PNAME" => Ok(ActionCode::Remove),
            "UIDREF" => Ok(ActionCode::Uid),
            kind if SKELETON.contains(&kind) || matches!(kind, "CODE" | "NUM") => Ok(ActionCode::Keep),
            _ => Err(failure(
                FileCode::DeidTarget,
                VALUE_TYPE,
                "a content item of a value type that is not known cannot be cleaned",
            )
            .with_hint("have the profile remove ContentSequence")),
        }
    }

    fn value(&mut self, value: &mut Element, action: ActionCode, place: Place<'_>) -> Result<Stays, FileFailure> {
        let uids_stay = self.asked.options.has(O::RetainUids);
        match (value.tag, action) {
            (UID, ActionCode::Keep) if uids_stay => Ok(Stays::Same),
            (UID, _) => Ok(self.new_uids(value)),
            (CODE, ActionCode::Keep | ActionCode::Clean | ActionCode::Uid) => self.items(value, place),
            (CODE, _) => {
                let encoding = value.items().map_or(place.encoding, |sequence| sequence.encoding);
                *value = code_sequence(CODE, code_item("261665006", "SCT", "Unknown"), encoding);
                Ok(Stays::Changed)
            }
            (_, ActionCode::Keep) => Ok(Stays::Same),
            (DATE | TIME | DATE_TIME, ActionCode::Clean) => {
                let vr = value.vr;
                self.move_dates(value, vr, place)
            }
            (TEXT, ActionCode::Clean) => self.clean_text(value, VR::UT, place),
            (TEXT, _) => Ok(put_text(value, DUMMY)),
            (PERSON, _) => Ok(put_text(value, "REMOVED^")),
            _ => {
                let vr = value.vr;
                self.carry_out(value, vr, crate::profile::Decision { code: ActionCode::Dummy, why: Why::Table }, place)
            }
        }
    }
}

fn counts_items(element: &Element) -> bool {
    let items = element.items().into_iter().flat_map(|sequence| &sequence.items);
    items.into_iter().any(|item| item.data.iter().any(|inner| inner.tag == BY_NUMBER || counts_items(inner)))
}

fn text(data: &DataSet, tag: Tag) -> String {
    let bytes = data.get(tag).and_then(Element::bytes);
    bytes.map(|bytes| String::from_utf8_lossy(bytes).trim_matches([' ', '\0']).to_owned()).unwrap_or_default()
}

/// The value type; empty for a reference to an item by its number, which has none.
fn value_type(item: &DataSet) -> String {
    text(item, VALUE_TYPE)
}

/// A comment that says nothing, in the place of an item.
fn placeholder(relationship: &str, encoding: Encoding) -> DataSet {
    let element = |tag, vr, text: &str| Element::new(tag, vr, crate::dicom::padded(vr, text.as_bytes().to_vec()));
    let relationship = if relationship.is_empty() { "CONTAINS" } else { relationship };
    DataSet::from_elements(vec![
        element(RELATIONSHIP, VR::CS, relationship),
        element(VALUE_TYPE, VR::CS, "TEXT"),
        code_sequence(CONCEPT, code_item("121106", "DCM", "Comment"), encoding),
        element(TEXT, VR::UT, DUMMY),
    ])
}
