//! Content of structured reports and of other content items (PS3.3 sections 10.2 and C.17.3), in
//! whatever sequence they stand: cleaned concept by concept (PS3.15 Table E.3.4-1), or replaced by
//! a dummy that keeps references and nothing else.
//!
//! Each value is treated as what it is: the Value Type, which may be absent, unknown or wrong,
//! never makes one harmless. Ages above 89 years become 90 years, in the unit that they have.

use dicom_dictionary_std::tags::{
    CODE_MEANING, CODE_VALUE, CODING_SCHEME_DESIGNATOR, CONCEPT_CODE_SEQUENCE,
    CONCEPT_NAME_CODE_SEQUENCE, CONTENT_SEQUENCE, DATE, DATE_TIME, FLOATING_POINT_VALUE,
    MEASURED_VALUE_SEQUENCE, MEASUREMENT_UNITS_CODE_SEQUENCE, NUMERIC_VALUE, PERSON_NAME,
    RATIONAL_DENOMINATOR_VALUE, RATIONAL_NUMERATOR_VALUE, REFERENCED_CONTENT_ITEM_IDENTIFIER,
    RELATIONSHIP_TYPE, TEXT_VALUE, TIME, UID, VALUE_TYPE,
};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, padded};

use super::{
    Changed, DataSetContext, EffectResult, InstanceCleaner, Removed, UNKNOWN, Unchanged,
    code_sequence, put_text, text_element,
};
use crate::elements::element_value::item_sets;
use crate::elements::temporal;
use crate::error::DeidError;
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::structured_content::{ConceptRow, concept_rows};

/// The values that the concept decides about, and the Value Type that each makes an item of.
const VALUES: [(Tag, &str); 7] = [
    (DATE_TIME, "DATETIME"),
    (DATE, "DATE"),
    (TIME, "TIME"),
    (PERSON_NAME, "PNAME"),
    (UID, "UIDREF"),
    (TEXT_VALUE, "TEXT"),
    (CONCEPT_CODE_SEQUENCE, "CODE"),
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
pub fn is_content_item(data: &DataSet) -> bool {
    data.get(CONCEPT_NAME_CODE_SEQUENCE)
        .is_some()
}

/// What a content item is about.
struct Concept {
    /// What Table E.3.4-1 says of it; nothing where it does not list it.
    rows: &'static [ConceptRow],
    /// Whether it is the age of a person.
    age: AgeMeaning,
}

/// What the table of concepts, or the option that cleans content, says of a value; none where it is
/// for Table E.1-1 and its options to say.
type ContentDecision = Option<ActionCode>;

impl Concept {
    fn of(item: &DataSet) -> Self {
        let part = |tag| code_part(item, CONCEPT_NAME_CODE_SEQUENCE, tag);
        let (value, scheme, meaning) = (
            part(CODE_VALUE),
            part(CODING_SCHEME_DESIGNATOR),
            part(CODE_MEANING),
        );
        let rows = concept_rows(&value, &scheme);
        let age = AgeMeaning::of(&value, &scheme, &meaning, rows);
        Self {
            // The table says of an age that it does not list what it says of the age of a subject.
            rows: if rows.is_empty() && age == AgeMeaning::Is {
                concept_rows("121033", "DCM")
            } else {
                rows
            },
            age,
        }
    }

    /// The row for a Value Type; the first where the concept has none for it, since what may
    /// identify in one form may in another. Codes are cleaned as such, so for them only a row of
    /// their own counts.
    fn row(&self, kind: &str) -> Option<&'static ConceptRow> {
        let first = || {
            self.rows
                .first()
                .filter(|_| kind != "CODE")
        };
        self.rows
            .iter()
            .find(|row| row.value_type == kind)
            .or_else(first)
    }
}

impl InstanceCleaner<'_> {
    /// Cleans content items by their concepts, nested ones with them.
    pub fn clean_content(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        self.for_each_item(element, context, Self::clean_content_item)
    }

    /// Keeps the skeleton of content items; at least one item is left.
    pub fn dummy_content(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let effect = self.for_each_item(element, context, Self::dummy_content_item)?;
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

    /// Keeps the skeleton of one item; false where it goes.
    fn dummy_content_item(
        &mut self,
        item: &mut DataSet,
        context: DataSetContext<'_>,
    ) -> Result<bool, DeidError> {
        let kind = value_type(item);
        let has_value = item
            .iter()
            .any(|element| is_value(element.tag));
        if !SKELETON.contains(&kind.as_str()) || (kind.is_empty() && has_value) {
            return Ok(false);
        }
        if has_value {
            item.retain(|value| !is_value(value.tag));
            self.outcome.changed += 1;
        }
        self.data_set(item, context)?;
        Ok(true)
    }

    fn for_each_item(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
        clean: fn(&mut Self, &mut DataSet, DataSetContext<'_>) -> Result<bool, DeidError>,
    ) -> EffectResult {
        let tag = element.tag;
        let outside = self.refers_by_number;
        if tag != CONTENT_SEQUENCE {
            self.refers_by_number = false;
        } else if context
            .at
            .iter()
            .all(|(sequence, _)| *sequence != tag)
        {
            self.refers_by_number = refers_by_number(element);
        }
        let Some(sequence) = element.items_mut() else {
            return Ok(Removed);
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
                item.data = placeholder(&text(&item.data, RELATIONSHIP_TYPE), encoding);
                kept.push(item);
                self.outcome.changed += 1;
            }
            at.pop();
        }
        sequence.items = kept.into();
        self.refers_by_number = outside;
        Ok(if sequence.items.len() == before {
            Unchanged
        } else {
            Changed
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
                Some(ActionCode::Remove | ActionCode::Dummy)
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
            self.outcome.changed += u32::from(effect != Unchanged);
            if effect != Removed {
                if tag == TEXT_VALUE && concept.age.cap_text(&mut value) {
                    self.outcome.changed += 1;
                }
                values.push(value);
            } else if is_whole(of) {
                return Ok(false);
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
                return Some(action_of_row);
            }
        }
        if !has(O::CleanStructuredContent) {
            return None;
        }
        match kind {
            "TEXT" => Some(ActionCode::Clean),
            "PNAME" => Some(ActionCode::Remove),
            "DATE" | "TIME" | "DATETIME"
                if !has(O::RetainFullDates) && !has(O::RetainModifiedDates) =>
            {
                Some(ActionCode::Remove)
            }
            _ => None,
        }
    }

    fn clean_value(
        &mut self,
        value: &mut Element,
        decided: ContentDecision,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        let vr = value.vr;
        if value.tag == CONCEPT_CODE_SEQUENCE {
            return self.clean_code(value, decided, context);
        }
        // None of the others has items or fragments.
        if value.bytes().is_none() {
            return Ok(Removed);
        }
        let real = standard::vr(value.tag).unwrap_or(vr);
        let Some(action) = decided else {
            let decision = self
                .decisions
                .of(value.tag, real)
                .decision;
            return self.apply_decision(value, real, decision, context);
        };
        match (real, action) {
            (_, ActionCode::Remove) => Ok(Removed),
            (VR::UI, ActionCode::Keep)
                if self
                    .settings
                    .options
                    .has(O::RetainUids) =>
            {
                Ok(Unchanged)
            }
            (VR::UI, _) => Ok(self.replace_uids(value)),
            (VR::PN, _) => Ok(put_text(value, "REMOVED^")),
            (_, ActionCode::Keep) => self.keep(value, real, context),
            (VR::UT, ActionCode::Clean) => self.clean_text(value, VR::UT, context),
            (VR::UT, _) => Ok(put_text(value, DUMMY)),
            (_, ActionCode::Clean) => self.shift_dates(value, real, context),
            _ => self.apply_action(value, real, ActionCode::Dummy, context),
        }
    }

    fn clean_code(
        &mut self,
        value: &mut Element,
        decided: ContentDecision,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if value.items().is_none() {
            return Ok(Removed);
        }
        match decided {
            None | Some(ActionCode::Keep | ActionCode::Clean | ActionCode::Uid) => {
                self.clean_items(value, context)
            }
            Some(ActionCode::Remove) => Ok(Removed),
            Some(_) => {
                *value = code_sequence(CONCEPT_CODE_SEQUENCE, UNKNOWN, context.encoding);
                Ok(Changed)
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

/// Whether an item refers to others by their numbers: they are counted, so none may go.
fn refers_by_number(element: &Element) -> bool {
    item_sets(element).any(|data| {
        data.iter()
            .any(|inner| inner.tag == REFERENCED_CONTENT_ITEM_IDENTIFIER || refers_by_number(inner))
    })
}

fn text_of(element: &Element) -> String {
    let bytes = element
        .bytes()
        .map_or(&[][..], |bytes| bytes);
    String::from_utf8_lossy(bytes)
        .trim_matches([' ', '\0'])
        .to_owned()
}

fn text(data: &DataSet, tag: Tag) -> String {
    data.get(tag)
        .map(text_of)
        .unwrap_or_default()
}

/// A part of the first code in a sequence.
fn code_part(data: &DataSet, sequence: Tag, tag: Tag) -> String {
    data.get(sequence)
        .and_then(|codes| item_sets(codes).next())
        .map(|code| text(code, tag))
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
    let relationship = if relationship.is_empty() {
        "CONTAINS"
    } else {
        relationship
    };
    DataSet::from_elements(vec![
        text_element(RELATIONSHIP_TYPE, VR::CS, relationship),
        text_element(VALUE_TYPE, VR::CS, "TEXT"),
        code_sequence(
            CONCEPT_NAME_CODE_SEQUENCE,
            ("121106", "DCM", "Comment"),
            encoding,
        ),
        text_element(TEXT_VALUE, VR::UT, DUMMY),
    ])
}

/// The elements in which an item has numbers.
pub const NUMBERS: [Tag; 5] = [
    MEASURED_VALUE_SEQUENCE,
    NUMERIC_VALUE,
    FLOATING_POINT_VALUE,
    RATIONAL_NUMERATOR_VALUE,
    RATIONAL_DENOMINATOR_VALUE,
];

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
    fn of(value: &str, scheme: &str, meaning: &str, rows: &[ConceptRow]) -> Self {
        let is_age = |word: &str| {
            WORDS.contains(&word)
                || ENDINGS
                    .iter()
                    .any(|ending| word.ends_with(ending))
        };
        let is_meant = meaning
            .to_lowercase()
            .split(|c: char| !c.is_alphabetic())
            .any(is_age);
        if is_meant || AGES.contains(&(value, scheme)) {
            Self::Is
        } else if rows.is_empty() && !standard::is_meaning_of(scheme, value, meaning) {
            Self::MayBe
        } else {
            Self::IsNot
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
            .get_mut(MEASURED_VALUE_SEQUENCE)
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
            .get_mut(NUMERIC_VALUE)
            .is_some_and(|element| cap_decimal(element, limit, self == Self::Is));
        let floating = data
            .get_mut(FLOATING_POINT_VALUE)
            .is_some_and(|element| cap_floating(element, limit, encoding));
        u32::from(decimal) + u32::from(floating) + u32::from(cap_ratio(data, limit, encoding))
    }

    /// 90 years in the unit that stands beside a number. An age without a known unit is in years;
    /// what may be something else is one where its unit is years.
    fn limit(self, data: &DataSet) -> Option<f64> {
        let unit =
            |element| code_part(data, MEASUREMENT_UNITS_CODE_SEQUENCE, element).to_lowercase();
        let (value, meaning) = (unit(CODE_VALUE), unit(CODE_MEANING));
        let found = LIMITS
            .iter()
            .find(|(known, _)| known.contains(&value.as_str()) || known.contains(&meaning.as_str()))
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
        let text = text_of(value);
        match temporal::cap_age(&text) {
            Ok(None) => false,
            Ok(Some(capped)) => put_text(value, &capped) != Unchanged,
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
                is_high && put_text(value, DUMMY) != Unchanged
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
        let digits = value.trim_matches([' ', '\0']);
        match digits.parse::<f64>() {
            Ok(number) if number >= limit => {
                changed |= number > limit;
                values.push(format!("{limit:.0}"));
            }
            Err(_) if is_age && !digits.is_empty() => {
                changed = true;
                values.push(String::new());
            }
            Ok(_) | Err(_) => values.push(value.to_owned()),
        }
    }
    changed && put_text(element, &values.join("\\")) != Unchanged
}

/// Caps numbers of 64 bits; of another VR nothing is left.
fn cap_floating(element: &mut Element, limit: f64, encoding: Encoding) -> bool {
    let Some(bytes) = element
        .bytes()
        .filter(|_| element.vr == VR::FD)
    else {
        return false;
    };
    let (words, _) = bytes.as_chunks::<8>();
    let is_high = |word: &[u8; 8]| {
        let number = if encoding.big_endian {
            f64::from_be_bytes(*word)
        } else {
            f64::from_le_bytes(*word)
        };
        number > limit
    };
    if !words.iter().any(is_high) {
        return false;
    }
    let highest = if encoding.big_endian {
        limit.to_be_bytes()
    } else {
        limit.to_le_bytes()
    };
    let capped = |word| if is_high(word) { highest } else { *word };
    let new: Vec<u8> = words
        .iter()
        .flat_map(capped)
        .collect();
    *element = Element::new(element.tag, element.vr, padded(VR::FD, new));
    true
}

/// Caps a ratio: the limit above 1.
fn cap_ratio(data: &mut DataSet, limit: f64, encoding: Encoding) -> bool {
    let words = |tag| {
        let bytes = data
            .get(tag)
            .and_then(Element::bytes)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Some(
            words
                .map(|word| encoding.u32(*word))
                .collect::<Vec<u32>>(),
        )
    };
    let (Some(above), Some(below)) = (
        words(RATIONAL_NUMERATOR_VALUE),
        words(RATIONAL_DENOMINATOR_VALUE),
    ) else {
        return false;
    };
    let is_high =
        |(above, below): (&u32, &u32)| f64::from(above.cast_signed()) > limit * f64::from(*below);
    if !above
        .iter()
        .zip(&below)
        .any(is_high)
    {
        return false;
    }
    for (tag, number) in [
        (RATIONAL_NUMERATOR_VALUE, limit),
        (RATIONAL_DENOMINATOR_VALUE, 1.0),
    ] {
        if let Some(element) = data.get_mut(tag) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let word = encoding.put_u32(number as u32);
            *element = Element::new(tag, element.vr, word.to_vec());
        }
    }
    true
}
