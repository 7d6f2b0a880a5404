//! Content of structured reports and of other content items (PS3.3 sections 10.2 and C.17.3), in
//! whatever sequence they stand: cleaned concept by concept (PS3.15 Table E.3.4-1), or replaced by
//! a dummy that keeps references and nothing else.
//!
//! Each value is treated as what it is: the Value Type, which may be absent, unknown or wrong,
//! never makes one harmless.

mod measured;

use super::act::{code_item, code_sequence, put_text};
use super::{Place, Stays, Work};
use crate::error::DeidError;
use crate::profile::{AttributeDecision, DecisionSource};
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::structured_content::{ConceptRow, concept_rows};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR};

use measured::NUMBERS;

const VALUE_TYPE: Tag = Tag(0x0040, 0xA040);
const RELATIONSHIP: Tag = Tag(0x0040, 0xA010);
const CONCEPT: Tag = Tag(0x0040, 0xA043);
const CONTENT: Tag = Tag(0x0040, 0xA730);
const TEXT: Tag = Tag(0x0040, 0xA160);
const CODE: Tag = Tag(0x0040, 0xA168);
/// Referenced Content Item Identifier: items are counted, so none may go.
const BY_NUMBER: Tag = Tag(0x0040, 0xDB73);
/// The values that the concept decides about, and the Value Type that each makes an item of.
const VALUES: [(Tag, &str); 7] = [
    (Tag(0x0040, 0xA120), "DATETIME"),
    (Tag(0x0040, 0xA121), "DATE"),
    (Tag(0x0040, 0xA122), "TIME"),
    (Tag(0x0040, 0xA123), "PNAME"),
    (Tag(0x0040, 0xA124), "UIDREF"),
    (TEXT, "TEXT"),
    (CODE, "CODE"),
];
/// Items that hold other items, references, or places in what is referenced.
const SKELETON: [&str; 9] = [
    "CONTAINER",
    "IMAGE",
    "COMPOSITE",
    "WAVEFORM",
    "SCOORD",
    "SCOORD3D",
    "TCOORD",
    "TABLE",
    "",
];
const DUMMY: &str = "REMOVED";

/// Whether a data set is a content item: it has a concept name.
pub(super) fn is_item(data: &DataSet) -> bool {
    data.get(CONCEPT).is_some()
}

/// What an item tells something about.
struct Concept {
    /// What Table E.3.4-1 says of it; nothing where it does not list it.
    rows: &'static [ConceptRow],
    /// Whether it is the age of a person.
    age: measured::Age,
}

/// What becomes of a value.
#[derive(Clone, Copy)]
enum Fate {
    /// The table of concepts, or the option that cleans content, says so.
    Concept(ActionCode),
    /// What Table E.1-1 and its options say of the attribute.
    Attribute,
}

impl Concept {
    fn of(item: &DataSet) -> Self {
        let code = item
            .get(CONCEPT)
            .and_then(Element::items)
            .and_then(|sequence| sequence.items.first());
        let part = |element| {
            code.map(|code| text(&code.data, Tag(0x0008, element)))
                .unwrap_or_default()
        };
        let (value, scheme, meaning) = (part(0x0100), part(0x0102), part(0x0104));
        let rows = concept_rows(&value, &scheme);
        let age = measured::Age::of(&value, &scheme, &meaning, rows);
        Self {
            rows: if rows.is_empty() { age.rows() } else { rows },
            age,
        }
    }

    /// The row for a Value Type; the first where the concept has none for it, since what may
    /// identify in one form may in another. Codes are cleaned as such, so for them only a row of
    /// their own counts.
    fn row(&self, kind: &str) -> Option<&'static ConceptRow> {
        let own = self.rows.iter().find(|row| row.value_type == kind);
        own.or_else(|| self.rows.first().filter(|_| kind != "CODE"))
    }
}

impl Work<'_> {
    /// Cleans content items by their concepts, nested ones with them.
    pub(super) fn clean_content(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        self.content(element, place, &mut |work, item, place| {
            work.clean_item(item, place)
        })
    }

    /// Keeps the skeleton of content items; at least one item is left.
    pub(super) fn dummy_content(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let stays = self.content(element, place, &mut |work, item, place| {
            let kind = value_type(item);
            if !SKELETON.contains(&kind.as_str()) {
                return Ok(false);
            }
            let has_value = VALUES
                .iter()
                .map(|(tag, _)| tag)
                .chain(&NUMBERS)
                .any(|tag| item.get(*tag).is_some());
            if kind.is_empty() && has_value {
                return Ok(false);
            }
            if has_value {
                item.retain(|value| !is_value(value.tag));
                work.outcome.changed += 1;
            }
            work.data_set(item, place).map(|()| true)
        })?;
        if element
            .items()
            .is_some_and(|sequence| sequence.items.is_empty())
        {
            *element = Element::sequence(
                element.tag,
                vec![placeholder("CONTAINS", place.encoding)],
                place.encoding,
            );
        }
        Ok(stays)
    }

    fn content(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
        clean: &mut dyn FnMut(&mut Self, &mut DataSet, Place<'_>) -> Result<bool, DeidError>,
    ) -> Result<Stays, DeidError> {
        let tag = element.tag;
        let outside = self.counts_items;
        if tag != CONTENT {
            self.counts_items = false;
        } else if place.at.iter().all(|(sequence, _)| *sequence != tag) {
            self.counts_items = counts_items(element);
        }
        let Some(sequence) = element.items_mut() else {
            return Ok(Stays::Gone);
        };
        let mut at = place.at.to_vec();
        let (encoding, mut kept) = (sequence.encoding, Vec::with_capacity(sequence.items.len()));
        let before = sequence.items.len();
        for (index, mut item) in std::mem::take(&mut sequence.items).into_iter().enumerate() {
            at.push((tag, index));
            let inside = Place {
                encoding,
                at: &at,
                ..place
            };
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
        self.counts_items = outside;
        Ok(if sequence.items.len() == before {
            Stays::Same
        } else {
            Stays::Changed
        })
    }

    /// Cleans one item; false where it goes.
    fn clean_item(&mut self, item: &mut DataSet, place: Place<'_>) -> Result<bool, DeidError> {
        let (kind, concept) = (value_type(item), Concept::of(item));
        if concept
            .row(&kind)
            .is_some_and(|row| self.said(row) == ActionCode::Remove)
        {
            return Ok(false);
        }
        let named = self.named(item, place).all;
        // A value that the Value Type does not call for goes alone, any other with its item.
        let is_whole = |of: &str| {
            kind == of || !VALUES.iter().any(|(_, known)| *known == kind) && kind != "NUM"
        };
        let numbers = NUMBERS
            .iter()
            .any(|tag| item.get(*tag).is_some() && !named.contains(tag));
        if numbers
            && matches!(
                self.fate("NUM", &concept),
                Fate::Concept(ActionCode::Remove | ActionCode::Dummy)
            )
        {
            if is_whole("NUM") {
                return Ok(false);
            }
            item.retain(|value| !NUMBERS.contains(&value.tag));
            self.outcome.changed += 1;
        } else if numbers {
            self.outcome.changed += concept.age.cap_numbers(item, place.encoding);
        }
        let mut values = Vec::new();
        for (tag, of) in VALUES {
            if named.contains(&tag) {
                continue;
            }
            let Some(mut value) = item.remove(tag) else {
                continue;
            };
            let fate = self.fate(of, &concept);
            let stays = self.value(&mut value, fate, place)?;
            self.outcome.changed += u32::from(stays != Stays::Same);
            match stays {
                Stays::Gone if is_whole(of) => return Ok(false),
                Stays::Gone => {}
                Stays::Same | Stays::Changed => {
                    if tag == TEXT && concept.age.cap_text(&mut value) {
                        self.outcome.changed += 1;
                    }
                    values.push(value);
                }
            }
        }
        self.data_set(item, place)?;
        for value in values {
            item.put(value);
        }
        Ok(true)
    }

    /// What a row of the table comes to under the options.
    fn said(&self, row: &ConceptRow) -> ActionCode {
        self.asked
            .options
            .iter()
            .find_map(|option| row.under(option))
            .unwrap_or(row.basic)
    }

    /// What becomes of a value of a kind under a concept. What the table keeps or cleans in another
    /// form is no reason to keep it in this one.
    fn fate(&self, kind: &str, concept: &Concept) -> Fate {
        let has = |option| self.asked.options.has(option);
        if let Some(row) = concept.row(kind) {
            let said = self.said(row);
            if row.value_type == kind || !matches!(said, ActionCode::Keep | ActionCode::Clean) {
                return Fate::Concept(said);
            }
        }
        if !has(O::CleanStructuredContent) {
            return Fate::Attribute;
        }
        match kind {
            "TEXT" => Fate::Concept(ActionCode::Clean),
            "PNAME" => Fate::Concept(ActionCode::Remove),
            "DATE" | "TIME" | "DATETIME"
                if !has(O::RetainFullDates) && !has(O::RetainModifiedDates) =>
            {
                Fate::Concept(ActionCode::Remove)
            }
            _ => Fate::Attribute,
        }
    }

    fn value(
        &mut self,
        value: &mut Element,
        fate: Fate,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let vr = value.vr;
        if value.tag == CODE {
            return self.code(value, fate, place);
        }
        // None of the others has items or fragments.
        if value.bytes().is_none() {
            return Ok(Stays::Gone);
        }
        let real = standard::vr(value.tag).unwrap_or(vr);
        let Fate::Concept(action) = fate else {
            let decision = self.decisions.of(value.tag, real).decision;
            return self.carry_out(value, real, decision, place);
        };
        match (real, action) {
            (_, ActionCode::Remove) => Ok(Stays::Gone),
            (VR::UI, ActionCode::Keep) if self.asked.options.has(O::RetainUids) => Ok(Stays::Same),
            (VR::UI, _) => Ok(self.new_uids(value)),
            (VR::PN, _) => Ok(put_text(value, "REMOVED^")),
            (_, ActionCode::Keep) => self.keep(value, real, place),
            (VR::UT, ActionCode::Clean) => self.clean_text(value, VR::UT, place),
            (VR::UT, _) => Ok(put_text(value, DUMMY)),
            (_, ActionCode::Clean) => self.move_dates(value, real, place),
            _ => self.carry_out(
                value,
                real,
                AttributeDecision {
                    code: ActionCode::Dummy,
                    source: DecisionSource::Table,
                },
                place,
            ),
        }
    }

    fn code(
        &mut self,
        value: &mut Element,
        fate: Fate,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if value.items().is_none() {
            return Ok(Stays::Gone);
        }
        match fate {
            Fate::Attribute
            | Fate::Concept(ActionCode::Keep | ActionCode::Clean | ActionCode::Uid) => {
                self.items(value, place)
            }
            Fate::Concept(ActionCode::Remove) => Ok(Stays::Gone),
            Fate::Concept(_) => {
                *value = code_sequence(
                    CODE,
                    code_item("261665006", "SCT", "Unknown"),
                    place.encoding,
                );
                Ok(Stays::Changed)
            }
        }
    }
}

fn is_value(tag: Tag) -> bool {
    VALUES.iter().any(|(value, _)| *value == tag) || NUMBERS.contains(&tag)
}

fn counts_items(element: &Element) -> bool {
    let items = element
        .items()
        .into_iter()
        .flat_map(|sequence| &sequence.items);
    items.into_iter().any(|item| {
        item.data
            .iter()
            .any(|inner| inner.tag == BY_NUMBER || counts_items(inner))
    })
}

fn text(data: &DataSet, tag: Tag) -> String {
    let bytes = data.get(tag).and_then(Element::bytes);
    bytes
        .map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_matches([' ', '\0'])
                .to_owned()
        })
        .unwrap_or_default()
}

/// The Value Type, by the terms of reports; empty where there is none.
fn value_type(item: &DataSet) -> String {
    let kind = text(item, VALUE_TYPE);
    // The Content Item Macro has another term for numbers (PS3.3 Table 10-2).
    if kind == "NUMERIC" {
        "NUM".to_owned()
    } else {
        kind
    }
}

/// A comment that says nothing, in the place of an item.
fn placeholder(relationship: &str, encoding: Encoding) -> DataSet {
    let element = |tag, vr, text: &str| {
        Element::new(
            tag,
            vr,
            dicom_lossless::padded(vr, text.as_bytes().to_vec()),
        )
    };
    let relationship = if relationship.is_empty() {
        "CONTAINS"
    } else {
        relationship
    };
    DataSet::from_elements(vec![
        element(RELATIONSHIP, VR::CS, relationship),
        element(VALUE_TYPE, VR::CS, "TEXT"),
        code_sequence(CONCEPT, code_item("121106", "DCM", "Comment"), encoding),
        element(TEXT, VR::UT, DUMMY),
    ])
}
