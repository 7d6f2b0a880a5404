//! YAML that means the same in YAML 1.1, which Flywheel reads, and in 1.2: whatever is not plainly
//! a word is quoted.

use serde_json::{Map, Value};

use super::super::yaml::is_text;
use super::{WIDTH, escaped, is_printable};

pub(super) fn document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    if map.is_empty() {
        out.push_str("{}\n");
    }
    section(&mut out, 0, map);
    out
}

fn section(out: &mut String, indent: usize, map: &Map<String, Value>) {
    for (index, (name, value)) in map.iter().enumerate() {
        // The first key of a list's item stands behind the dash.
        let behind_dash = index == 0 && out.ends_with("- ");
        let start = if behind_dash { 0 } else { indent };
        out.extend([format!("{:start$}{}:", "", scalar(name))]);
        entry(out, indent, value);
    }
}

/// What stands behind a key, with the end of its line.
fn entry(out: &mut String, indent: usize, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            section(out, indent + 2, map);
        }
        Value::Array(items)
            if !items.is_empty()
                && (items.iter().any(Value::is_object) || !fits(value, indent + 20)) =>
        {
            out.push('\n');
            for item in items {
                list_item(out, indent + 2, item);
            }
        }
        _ => out.extend([" ", &flow(value), "\n"]),
    }
}

fn list_item(out: &mut String, indent: usize, item: &Value) {
    out.extend([" ".repeat(indent).as_str(), "- "]);
    match item {
        Value::Object(map) if !fits(item, indent + 2) => section(out, indent + 2, map),
        _ => out.extend([&flow(item), "\n"]),
    }
}

fn fits(value: &Value, taken: usize) -> bool {
    taken + flow(value).len() <= WIDTH
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(map) => {
            let entry =
                |(name, value): (&String, &Value)| format!("{}: {}", scalar(name), flow(value));
            format!(
                "{{{}}}",
                map.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Number(number) if number.is_f64() => float(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// YAML 1.1 takes for a number only what has a point, and a sign before the exponent.
fn float(text: &str) -> String {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let digits = if digits.contains('.') {
        digits.to_owned()
    } else {
        format!("{digits}.0")
    };
    match exponent {
        "" => digits,
        signed if signed.starts_with(['-', '+']) => format!("{digits}e{signed}"),
        unsigned => format!("{digits}e+{unsigned}"),
    }
}

fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        // `y` and `n` are truth values in the text of YAML 1.1, if not to every reader.
        && text.len() > 1
        && is_text(text);
    match text {
        word if is_word => word.to_owned(),
        printable if is_printable(printable) => format!("'{}'", printable.replace('\'', "''")),
        other => escaped(other),
    }
}
