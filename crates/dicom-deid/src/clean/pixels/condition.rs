//! Whether a condition of a pixel rule holds of a file, as Flywheel's engine would find.
//!
//! Owns the text that values have for it: that of Python, several values as a list in brackets.
//! Nothing of it may reach a message.

use super::super::act::effective_vr;
use super::super::text::{numbers, separate};
use crate::profile::{
    AttributeTest, Condition, ConditionLine, Conjunction, TestKind, has_character_set,
    is_number_text, is_text,
};
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, VR, Value, character_set_of,
};

/// Whether a condition holds cannot be found out: its expression is too expensive, or the value is
/// no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Undecided;

/// Whether every line holds.
pub(super) fn holds(condition: &Condition, instance: &Instance) -> Result<bool, Undecided> {
    for line in &condition.lines {
        if !line_holds(line, instance)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn line_holds(line: &ConditionLine, instance: &Instance) -> Result<bool, Undecided> {
    let mut holds = test_holds(&line.first, instance)?;
    for (join, test) in &line.rest {
        let also = test_holds(test, instance)?;
        holds = if *join == Conjunction::And {
            holds && also
        } else {
            holds || also
        };
    }
    Ok(holds)
}

fn test_holds(test: &AttributeTest, instance: &Instance) -> Result<bool, Undecided> {
    let seen = Seen::of(test, instance);
    let found = match &test.kind {
        TestKind::Missing => seen == Seen::Absent || (seen == Seen::Nothing && !test.by_number),
        TestKind::Empty if test.by_number => seen == Seen::Text(String::new()),
        TestKind::Empty => {
            matches!(&seen, Seen::Nothing | Seen::EmptyItems | Seen::Zero(_))
                || seen == Seen::Text(String::new())
        }
        TestKind::Contains(_) | TestKind::Equals(_) if seen == Seen::Opaque => {
            return Err(Undecided);
        }
        TestKind::Contains(regex) => match seen.text() {
            Some(value) => regex.search(&value).map_err(|_| Undecided)?,
            None => false,
        },
        TestKind::Equals(expected) => seen.text().is_some_and(|text| text == *expected),
    };
    Ok(found != test.negated)
}

/// What the engine sees of an element.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Absent,
    /// A number or bulk data without a value.
    Nothing,
    EmptyItems,
    /// Items, or bytes that are no text.
    Opaque,
    /// A single number that is 0.
    Zero(String),
    Text(String),
}

impl Seen {
    fn of(test: &AttributeTest, instance: &Instance) -> Self {
        if instance
            .pixels
            .as_ref()
            .is_some_and(|pixels| pixels.tag == test.tag)
        {
            return Self::Opaque;
        }
        let data = if instance.header.get(test.tag).is_some() {
            &instance.header
        } else {
            &instance.tail
        };
        let Some(element) = data.get(test.tag) else {
            return Self::Absent;
        };
        let charset = || character_set_of(&instance.header, &CharacterSet::default());
        Self::of_element(element, data, instance.syntax.encoding, charset)
    }

    fn of_element(
        element: &Element,
        data: &DataSet,
        encoding: Encoding,
        charset: impl Fn() -> CharacterSet,
    ) -> Self {
        let bytes = match &element.value {
            Value::Bytes(bytes) => bytes,
            Value::Items(sequence) if sequence.items.is_empty() => return Self::EmptyItems,
            Value::Items(_) | Value::Fragments(_) => return Self::Opaque,
        };
        let vr = effective_vr(element, data);
        if is_text(vr) || is_number_text(vr) {
            let set = if has_character_set(vr) {
                charset()
            } else {
                CharacterSet::default()
            };
            return Self::of_texts(&separate(&set.decode(bytes, vr == VR::PN), vr), vr);
        }
        match numbers(bytes, vr, encoding) {
            Some(values) => Self::of_numbers(&values),
            None if vr == VR::SQ => Self::EmptyItems,
            None if bytes.is_empty() => Self::Nothing,
            None => Self::Opaque,
        }
    }

    fn of_texts(values: &[String], vr: VR) -> Self {
        match values {
            [] => Self::Nothing,
            [one] if one.is_empty() && is_number_text(vr) => Self::Nothing,
            [one] if is_number_text(vr) && one.parse() == Ok(0.0) => Self::Zero(one.clone()),
            [one] => Self::Text(one.clone()),
            several => {
                // Names and numbers are objects of their own, which print without quotes.
                let plain =
                    |value: &String| (vr == VR::PN || is_number_text(vr)) && !value.is_empty();
                let shown = several.iter().map(|value| {
                    if plain(value) {
                        value.clone()
                    } else {
                        quoted(value)
                    }
                });
                Self::Text(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
            }
        }
    }

    fn of_numbers(values: &[String]) -> Self {
        match values {
            [] => Self::Nothing,
            [one] if one.parse() == Ok(0.0) => Self::Zero(one.clone()),
            [one] => Self::Text(one.clone()),
            several => Self::Text(format!("[{}]", several.join(", "))),
        }
    }

    /// The text that is searched: in lower case, without white space around it.
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Zero(text) => {
                let lower = text.to_lowercase();
                Some(
                    lower
                        .trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
                        .to_owned(),
                )
            }
            Self::Absent | Self::Nothing | Self::EmptyItems | Self::Opaque => None,
        }
    }
}

/// A text as Python's `repr` writes it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => out.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}
