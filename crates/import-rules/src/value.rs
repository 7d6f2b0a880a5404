//! A value of a field, and how Python writes it as text. Values may identify a patient: they are
//! never printed for debugging.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// A value as JSON has it.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing, inside a list or object only.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number that is finite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Keys and values, in order.
    #[serde(serialize_with = "object")]
    Object(Vec<(String, Value)>),
}

fn object<S: serde::Serializer>(
    entries: &[(String, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        entries
            .iter()
            .map(|(key, value)| (key, value)),
    )
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As a template writes it: what Python's `str` gives.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => {
                let mut out = String::new();
                other.write_representation(&mut out);
                out
            }
        }
    }

    /// What Python's `repr` gives.
    fn write_representation(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("None"),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Float(number) => out.push_str(&float_text(*number)),
            Self::Text(text) => quoted(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    item.write_representation(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    quoted(key, out);
                    out.push_str(": ");
                    value.write_representation(out);
                }
                out.push('}');
            }
        }
    }

    /// What JSON text says; none for what is not JSON, or has numbers that cannot be kept whole.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let read: serde_json::Value = serde_json::from_str(text).ok()?;
        Self::of_json(read)
    }

    fn of_json(json: serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                // A float that is a whole number beyond this was an integer whose digits are lost.
                (None, Some(float))
                    if float.abs() < 9.0e15 || number.is_f64() && has_point(&number) =>
                {
                    Self::Float(float)
                }
                _ => return None,
            },
            serde_json::Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(Self::of_json)
                    .collect::<Option<_>>()?,
            ),
            serde_json::Value::Object(entries) => Self::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| Some((key, Self::of_json(value)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }
}

fn has_point(number: &serde_json::Number) -> bool {
    number
        .as_f64()
        .is_some_and(|float| float.fract() != 0.0)
}

/// A number as Python writes it: the fewest digits that give it back, with a point or an exponent.
pub(crate) fn float_text(number: f64) -> String {
    let plain = format!("{number:e}");
    let (digits, exponent) = plain
        .split_once('e')
        .unwrap_or((plain.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number == 0.0 || (-4..16).contains(&exponent) {
        let text = format!("{number}");
        if text.contains('.') {
            text
        } else {
            format!("{text}.0")
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_python_writes() {
        for (value, text) in [
            (Value::Float(70.0), "70.0"),
            (Value::Float(2.5), "2.5"),
            (Value::Float(1e20), "1e+20"),
            (Value::Float(1e-5), "1e-05"),
            (Value::Float(0.0001), "0.0001"),
            (Value::Float(1.5e16), "1.5e+16"),
            (
                Value::Float(123_456_789_012_345_680.0),
                "1.2345678901234568e+17",
            ),
            (Value::Bool(true), "True"),
            (
                Value::List(vec![
                    Value::text("it's"),
                    Value::text("a\"b"),
                    Value::Float(1.0),
                ]),
                "[\"it's\", 'a\"b', 1.0]",
            ),
            (
                Value::List(vec![
                    Value::text("x\ny"),
                    Value::text("both'\""),
                    Value::Null,
                ]),
                "['x\\ny', 'both\\'\"', None]",
            ),
            (
                Value::Object(vec![("a".to_owned(), Value::Integer(1))]),
                "{'a': 1}",
            ),
        ] {
            assert_eq!(value.to_text(), text);
        }
    }

    #[test]
    fn a_value_is_never_printed_for_debugging() {
        assert_eq!(format!("{:?}", Value::text("Doe")), "Value(..)");
    }
}
