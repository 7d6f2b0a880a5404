//! Content of structured reports and of other content items (PS3.3 sections 10.2 and C.17.3), in
//! whatever sequence they stand: cleaned concept by concept (PS3.15 Table E.3.4-1), or replaced by
//! a dummy that keeps references and nothing else.
//!
//! Each value is treated as what it is: the Value Type, which may be absent, unknown or wrong,
//! never makes one harmless. Ages above 89 years become 90 years, in the unit that they have.

use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, padded};

use super::{DataSetContext, ElementEffect, InstanceCleaner, code_item, code_sequence, put_text};
use crate::clean::temporal;
use crate::error::DeidError;
use crate::profile::{AttributeDecision, DecisionSource};
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::structured_content::{ConceptRow, concept_rows};

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
pub(super) fn is_content_item(data: &DataSet) -> bool {
    data.get(CONCEPT).is_some()
}

/// What a content item is about.
struct Concept {
    /// What Table E.3.4-1 says of it; nothing where it does not list it.
    rows: &'static [ConceptRow],
    /// Whether it is the age of a person.
    age: AgeMeaning,
}

/// What becomes of a value.
#[derive(Clone, Copy)]
enum ContentDecision {
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
        let age = AgeMeaning::of(&value, &scheme, &meaning, rows);
        Self {
            rows: if rows.is_empty() { age.rows() } else { rows },
            age,
        }
    }

    /// The row for a Value Type; the first where the concept has none for it, since what may
    /// identify in one form may in another. Codes are cleaned as such, so for them only a row of
    /// their own counts.
    fn row(&self, kind: &str) -> Option<&'static ConceptRow> {
        let own = self
            .rows
            .iter()
            .find(|row| row.value_type == kind);
        own.or_else(|| {
            self.rows
                .first()
                .filter(|_| kind != "CODE")
        })
    }
}

impl InstanceCleaner<'_> {
    /// Cleans content items by their concepts, nested ones with them.
    pub(super) fn clean_content(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> Result<ElementEffect, DeidError> {
        self.for_each_item(element, context, &mut |cleaner, item, context| {
            cleaner.clean_content_item(item, context)
        })
    }

    /// Keeps the skeleton of content items; at least one item is left.
    pub(super) fn dummy_content(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> Result<ElementEffect, DeidError> {
        let effect = self.for_each_item(element, context, &mut |cleaner, item, context| {
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
                cleaner.outcome.changed += 1;
            }
            cleaner
                .data_set(item, context)
                .map(|()| true)
        })?;
        if element
            .items()
            .is_some_and(|sequence| sequence.items.is_empty())
        {
            *element = Element::sequence(
                element.tag,
                vec![placeholder("CONTAINS", context.encoding)],
                context.encoding,
            );
        }
        Ok(effect)
    }

    fn for_each_item(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
        clean: &mut dyn FnMut(
            &mut Self,
            &mut DataSet,
            DataSetContext<'_>,
        ) -> Result<bool, DeidError>,
    ) -> Result<ElementEffect, DeidError> {
        let tag = element.tag;
        let outside = self.refers_by_number;
        if tag != CONTENT {
            self.refers_by_number = false;
        } else if context
            .at
            .iter()
            .all(|(sequence, _)| *sequence != tag)
        {
            self.refers_by_number = refers_by_number(element);
        }
        let Some(sequence) = element.items_mut() else {
            return Ok(ElementEffect::Removed);
        };
        let mut at = context.at.to_vec();
        let (encoding, mut kept) = (sequence.encoding, Vec::with_capacity(sequence.items.len()));
        let before = sequence.items.len();
        for (index, mut item) in std::mem::take(&mut sequence.items)
            .into_iter()
            .enumerate()
        {
            at.push((tag, index));
            let inside = DataSetContext {
                encoding,
                at: &at,
                ..context
            };
            if clean(self, &mut item.data, inside)? {
                kept.push(item);
            } else if self.refers_by_number {
                item.data = placeholder(&text(&item.data, RELATIONSHIP), encoding);
                kept.push(item);
                self.outcome.changed += 1;
            }
            at.pop();
        }
        sequence.items = kept.into();
        self.refers_by_number = outside;
        Ok(if sequence.items.len() == before {
            ElementEffect::Unchanged
        } else {
            ElementEffect::Changed
        })
    }

    /// Cleans one item; false where it goes.
    fn clean_content_item(
        &mut self,
        item: &mut DataSet,
        context: DataSetContext<'_>,
    ) -> Result<bool, DeidError> {
        let (kind, concept) = (value_type(item), Concept::of(item));
        if concept
            .row(&kind)
            .is_some_and(|row| self.action_of_row(row) == ActionCode::Remove)
        {
            return Ok(false);
        }
        let named = self.named(item, context).all;
        // A value that the Value Type does not call for goes alone, any other with its item.
        let is_whole = |of: &str| {
            kind == of
                || !VALUES
                    .iter()
                    .any(|(_, known)| *known == kind)
                    && kind != "NUM"
        };
        let numbers = NUMBERS
            .iter()
            .any(|tag| item.get(*tag).is_some() && !named.contains(tag));
        if numbers
            && matches!(
                self.decide("NUM", &concept),
                ContentDecision::Concept(ActionCode::Remove | ActionCode::Dummy)
            )
        {
            if is_whole("NUM") {
                return Ok(false);
            }
            item.retain(|value| !NUMBERS.contains(&value.tag));
            self.outcome.changed += 1;
        } else if numbers {
            self.outcome.changed += concept
                .age
                .cap_numbers(item, context.encoding);
        }
        let mut values = Vec::new();
        for (tag, of) in VALUES {
            if named.contains(&tag) {
                continue;
            }
            let Some(mut value) = item.remove(tag) else {
                continue;
            };
            let decided = self.decide(of, &concept);
            let effect = self.clean_value(&mut value, decided, context)?;
            self.outcome.changed += u32::from(effect != ElementEffect::Unchanged);
            match effect {
                ElementEffect::Removed if is_whole(of) => return Ok(false),
                ElementEffect::Removed => {}
                ElementEffect::Unchanged | ElementEffect::Changed => {
                    if tag == TEXT && concept.age.cap_text(&mut value) {
                        self.outcome.changed += 1;
                    }
                    values.push(value);
                }
            }
        }
        self.data_set(item, context)?;
        for value in values {
            item.put(value);
        }
        Ok(true)
    }

    /// What a row of the table comes to under the options.
    fn action_of_row(&self, row: &ConceptRow) -> ActionCode {
        self.settings
            .options
            .iter()
            .find_map(|option| row.under(option))
            .unwrap_or(row.basic)
    }

    /// What becomes of a value of a kind under a concept. What the table keeps or cleans in another
    /// form is no reason to keep it in this one.
    fn decide(&self, kind: &str, concept: &Concept) -> ContentDecision {
        let has = |option| self.settings.options.has(option);
        if let Some(row) = concept.row(kind) {
            let action_of_row = self.action_of_row(row);
            if row.value_type == kind
                || !matches!(action_of_row, ActionCode::Keep | ActionCode::Clean)
            {
                return ContentDecision::Concept(action_of_row);
            }
        }
        if !has(O::CleanStructuredContent) {
            return ContentDecision::Attribute;
        }
        match kind {
            "TEXT" => ContentDecision::Concept(ActionCode::Clean),
            "PNAME" => ContentDecision::Concept(ActionCode::Remove),
            "DATE" | "TIME" | "DATETIME"
                if !has(O::RetainFullDates) && !has(O::RetainModifiedDates) =>
            {
                ContentDecision::Concept(ActionCode::Remove)
            }
            _ => ContentDecision::Attribute,
        }
    }

    fn clean_value(
        &mut self,
        value: &mut Element,
        decided: ContentDecision,
        context: DataSetContext<'_>,
    ) -> Result<ElementEffect, DeidError> {
        let vr = value.vr;
        if value.tag == CODE {
            return self.clean_code(value, decided, context);
        }
        // None of the others has items or fragments.
        if value.bytes().is_none() {
            return Ok(ElementEffect::Removed);
        }
        let real = standard::vr(value.tag).unwrap_or(vr);
        let ContentDecision::Concept(action) = decided else {
            let decision = self
                .decisions
                .of(value.tag, real)
                .decision;
            return self.apply_decision(value, real, decision, context);
        };
        match (real, action) {
            (_, ActionCode::Remove) => Ok(ElementEffect::Removed),
            (VR::UI, ActionCode::Keep) if self.settings.options.has(O::RetainUids) => {
                Ok(ElementEffect::Unchanged)
            }
            (VR::UI, _) => Ok(self.replace_uids(value)),
            (VR::PN, _) => Ok(put_text(value, "REMOVED^")),
            (_, ActionCode::Keep) => self.keep(value, real, context),
            (VR::UT, ActionCode::Clean) => self.clean_text(value, VR::UT, context),
            (VR::UT, _) => Ok(put_text(value, DUMMY)),
            (_, ActionCode::Clean) => self.shift_dates(value, real, context),
            _ => self.apply_decision(
                value,
                real,
                AttributeDecision {
                    code: ActionCode::Dummy,
                    source: DecisionSource::Table,
                },
                context,
            ),
        }
    }

    fn clean_code(
        &mut self,
        value: &mut Element,
        decided: ContentDecision,
        context: DataSetContext<'_>,
    ) -> Result<ElementEffect, DeidError> {
        if value.items().is_none() {
            return Ok(ElementEffect::Removed);
        }
        match decided {
            ContentDecision::Attribute
            | ContentDecision::Concept(ActionCode::Keep | ActionCode::Clean | ActionCode::Uid) => {
                self.clean_items(value, context)
            }
            ContentDecision::Concept(ActionCode::Remove) => Ok(ElementEffect::Removed),
            ContentDecision::Concept(_) => {
                *value = code_sequence(
                    CODE,
                    code_item("261665006", "SCT", "Unknown"),
                    context.encoding,
                );
                Ok(ElementEffect::Changed)
            }
        }
    }
}

fn is_value(tag: Tag) -> bool {
    VALUES
        .iter()
        .any(|(value, _)| *value == tag)
        || NUMBERS.contains(&tag)
}

fn refers_by_number(element: &Element) -> bool {
    let items = element
        .items()
        .into_iter()
        .flat_map(|sequence| &sequence.items);
    items.into_iter().any(|item| {
        item.data
            .iter()
            .any(|inner| inner.tag == BY_NUMBER || refers_by_number(inner))
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

const UNITS: Tag = Tag(0x0040, 0x08EA);
const MEASURED: Tag = Tag(0x0040, 0xA300);
const NUMERIC: Tag = Tag(0x0040, 0xA30A);
const FLOATING: Tag = Tag(0x0040, 0xA161);
const NUMERATOR: Tag = Tag(0x0040, 0xA162);
const DENOMINATOR: Tag = Tag(0x0040, 0xA163);
/// The elements in which an item has numbers.
pub(super) const NUMBERS: [Tag; 5] = [MEASURED, NUMERIC, FLOATING, NUMERATOR, DENOMINATOR];

/// Concepts that are the age of a person, besides those whose meaning says so.
const AGES: [(&str, &str); 9] = [
    ("121033", "DCM"),
    ("397669002", "SCT"),
    ("424144002", "SCT"),
    ("445518008", "SCT"),
    ("30525-0", "LN"),
    ("21612-7", "LN"),
    ("29553-5", "LN"),
    ("63900-5", "LN"),
    ("R-2009C", "SRT"),
];
/// Words for age in the meanings of local concepts, as in `Patient age at exam`; of the longer ones
/// also the end of a word.
const WORDS: [&str; 12] = [
    "age", "ages", "alter", "âge", "edad", "età", "eta", "idade", "leeftijd", "ålder", "alder",
    "wiek",
];
const ENDINGS: [&str; 2] = ["alter", "leeftijd"];
/// What 90 years are, in units of UCUM and as people write them.
const LIMITS: [(&[&str], f64); 7] = [
    (
        &[
            "a", "a_g", "a_j", "a_t", "y", "yr", "yrs", "year", "years", "jahr", "jahre", "j",
            "ans",
        ],
        90.0,
    ),
    (
        &["mo", "mo_g", "mo_j", "mo_s", "month", "months", "monate"],
        1080.0,
    ),
    (&["wk", "w", "week", "weeks", "wochen"], 4696.0),
    (&["d", "day", "days", "tage"], 32_872.0),
    (&["h", "hr", "hour", "hours"], 788_928.0),
    (&["min", "minute", "minutes"], 47_335_680.0),
    (&["s", "sec", "second", "seconds"], 2_840_140_800.0),
];

/// What a concept says of ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgeMeaning {
    /// It is the age of a person.
    Is,
    /// It may be one: the tables do not know it.
    MayBe,
    /// It is something else.
    IsNot,
}

impl AgeMeaning {
    pub(super) fn of(value: &str, scheme: &str, meaning: &str, rows: &[ConceptRow]) -> Self {
        let is_age = |word: &str| {
            WORDS.contains(&word)
                || ENDINGS
                    .iter()
                    .any(|ending| word.ends_with(ending))
        };
        let small = meaning.to_lowercase();
        let action_of_row = small
            .split(|c: char| !c.is_alphabetic())
            .any(is_age);
        if action_of_row || AGES.contains(&(value, scheme)) {
            Self::Is
        } else if rows.is_empty() && !standard::is_meaning_of(scheme, value, meaning) {
            Self::MayBe
        } else {
            Self::IsNot
        }
    }

    /// What the table of concepts says of the age of a subject, for an age that it does not list.
    pub(super) fn rows(self) -> &'static [ConceptRow] {
        if self == Self::Is {
            concept_rows("121033", "DCM")
        } else {
            &[]
        }
    }

    /// Caps the numbers of an item, those of its Measured Value Sequence included; gives how many
    /// elements changed.
    fn cap_numbers(self, item: &mut DataSet, encoding: Encoding) -> u32 {
        if self == Self::IsNot {
            return 0;
        }
        let mut changed = self.cap(item, encoding);
        if let Some(sequence) = item
            .get_mut(MEASURED)
            .and_then(Element::items_mut)
        {
            let encoding = sequence.encoding;
            for measured in &mut sequence.items {
                changed += self.cap(&mut measured.data, encoding);
            }
        }
        changed
    }

    fn cap(self, data: &mut DataSet, encoding: Encoding) -> u32 {
        let Some(limit) = self.limit(data) else {
            return 0;
        };
        let decimal = data
            .get_mut(NUMERIC)
            .is_some_and(|element| cap_decimal(element, limit, self == Self::Is));
        let floating = data
            .get_mut(FLOATING)
            .is_some_and(|element| cap_floating(element, limit, encoding));
        u32::from(decimal) + u32::from(floating) + u32::from(cap_ratio(data, limit, encoding))
    }

    /// 90 years in the unit that stands beside a number. An age without a known unit is in years;
    /// what may be something else is one where its unit is years.
    fn limit(self, data: &DataSet) -> Option<f64> {
        let unit = data
            .get(UNITS)
            .and_then(Element::items)
            .and_then(|sequence| sequence.items.first());
        let is_unit = |known: &[&str]| {
            let part = |element| {
                unit.map(|unit| text(&unit.data, Tag(0x0008, element)).to_lowercase())
                    .unwrap_or_default()
            };
            known.contains(&part(0x0100).as_str()) || known.contains(&part(0x0104).as_str())
        };
        let found = LIMITS
            .iter()
            .find(|(known, _)| is_unit(known))
            .map(|(_, limit)| *limit);
        match (self, found) {
            (Self::Is, found) => Some(found.unwrap_or(90.0)),
            (Self::MayBe, Some(limit)) if limit <= 90.0 => Some(limit),
            _ => None,
        }
    }

    /// Caps an age that is written in words; true where the text changed.
    fn cap_text(self, value: &mut Element) -> bool {
        if self != Self::Is {
            return false;
        }
        let text = value.bytes().map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_matches([' ', '\0'])
                .to_owned()
        });
        let text = text.unwrap_or_default();
        match temporal::cap_age(&text) {
            Ok(None) => false,
            Ok(Some(capped)) => put_text(value, &capped) != ElementEffect::Unchanged,
            // Only years are written without a unit, and whatever is written with one may be large.
            Err(_) => {
                let high = |number: &str| {
                    number
                        .parse::<u32>()
                        .map_or(!number.is_empty(), |number| number >= 90)
                };
                let is_high = text
                    .split(|c: char| !c.is_ascii_digit())
                    .any(high);
                is_high && put_text(value, DUMMY) != ElementEffect::Unchanged
            }
        }
    }
}

/// Caps decimal strings. A number that cannot be read is emptied where it is an age.
fn cap_decimal(element: &mut Element, limit: f64, is_age: bool) -> bool {
    let Some(bytes) = element.bytes() else {
        return false;
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut changed = false;
    let mut values = Vec::new();
    for value in text.split('\\') {
        match value
            .trim_matches([' ', '\0'])
            .parse::<f64>()
        {
            Ok(number) if number >= limit => {
                changed |= number > limit;
                values.push(format!("{limit:.0}"));
            }
            Err(_)
                if is_age
                    && !value
                        .trim_matches([' ', '\0'])
                        .is_empty() =>
            {
                changed = true;
                values.push(String::new());
            }
            Ok(_) | Err(_) => values.push(value.to_owned()),
        }
    }
    changed && put_text(element, values.join("\\").as_str()) != ElementEffect::Unchanged
}

/// Caps numbers of 64 bits; of another VR nothing is left.
fn cap_floating(element: &mut Element, limit: f64, encoding: Encoding) -> bool {
    let Some(bytes) = element
        .bytes()
        .filter(|_| element.vr == VR::FD)
    else {
        return false;
    };
    let mut changed = false;
    let mut new = Vec::with_capacity(bytes.len());
    for word in bytes.as_chunks::<8>().0 {
        let number = if encoding.big_endian {
            f64::from_be_bytes(*word)
        } else {
            f64::from_le_bytes(*word)
        };
        let capped = if number > limit { limit } else { number };
        changed |= number > limit;
        new.extend(if encoding.big_endian {
            capped.to_be_bytes()
        } else {
            capped.to_le_bytes()
        });
    }
    if changed {
        *element = Element::new(element.tag, element.vr, padded(VR::FD, new));
    }
    changed
}

/// Caps a ratio: the limit above 1.
fn cap_ratio(data: &mut DataSet, limit: f64, encoding: Encoding) -> bool {
    let words = |tag| {
        let bytes = data.get(tag).and_then(Element::bytes)?;
        let word = |word: &[u8; 4]| encoding.u32(*word);
        Some(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(word)
                .collect::<Vec<u32>>(),
        )
    };
    let (Some(above), Some(below)) = (words(NUMERATOR), words(DENOMINATOR)) else {
        return false;
    };
    let is_high =
        |(above, below): (&u32, &u32)| f64::from(above.cast_signed()) > limit * f64::from(*below);
    if !above.iter().zip(&below).any(is_high) {
        return false;
    }
    for (tag, number) in [(NUMERATOR, limit), (DENOMINATOR, 1.0)] {
        if let Some(element) = data.get_mut(tag) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let word = encoding.put_u32(number as u32);
            *element = Element::new(tag, element.vr, word.to_vec());
        }
    }
    true
}
