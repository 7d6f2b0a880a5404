//! Writes a document as text, as one would write it by hand: TOML, YAML or JSON.
//!
//! TOML has sections under headings and one field to a line. YAML means the same in YAML 1.1, which
//! Flywheel reads, and in 1.2: whatever is not plainly a word is quoted. It must never change a
//! value; what a language cannot express is refused before anything gets here.

use dicom_lossless::escape_for_terminal;
use serde_json::{Map, Value};
use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

use super::document::Language;
use super::yaml::is_text;

/// How long a line may become before lists are broken up.
const WIDTH: usize = 110;

/// The document in a language.
pub fn document(map: &Map<String, Value>, language: Language) -> String {
    match language {
        Language::Toml => toml_document(map),
        Language::Yaml => yaml_document(map),
        Language::Json => format!("{:#}\n", Value::Object(map.clone())),
    }
}

/// Whether every character of a text can stand in a file and on a terminal as it is.
fn is_printable(text: &str) -> bool {
    escape_for_terminal(text) == text && !text.contains(['\u{a0}', '\u{fffe}', '\u{ffff}'])
}

/// Text in double quotes with escapes that TOML and YAML both know.
fn escaped(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if is_printable(c.encode_utf8(&mut [0; 4])) => quoted.push(c),
            c if u32::from(c) > 0xFFFF => quoted.extend([format!("\\U{:08X}", u32::from(c))]),
            c => quoted.extend([format!("\\u{:04X}", u32::from(c))]),
        }
    }
    quoted.push('"');
    quoted
}

fn toml_document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    toml_section(&mut out, &mut Vec::new(), map);
    out
}

/// The keys of a section, then the sections in it: a key after a heading would belong to that.
fn toml_section<'a>(out: &mut String, path: &mut Vec<&'a str>, map: &'a Map<String, Value>) {
    for (name, value) in map
        .iter()
        .filter(|(_, value)| !value.is_object())
    {
        let start = format!("{} = ", toml_key(name));
        let list_of_tables = value
            .as_array()
            .is_some_and(|items| items.iter().any(Value::is_object));
        out.push_str(&start);
        match value {
            Value::String(text) if text.contains('\n') => out.push_str(&toml_lines(text)),
            _ => out.push_str(&fitted(
                value,
                0,
                if list_of_tables { WIDTH } else { start.len() },
            )),
        }
        out.push('\n');
    }
    for (name, inner) in map
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_object()?)))
    {
        path.push(name);
        let heading: Vec<_> = path
            .iter()
            .map(|name| toml_key(name))
            .collect();
        let gap = if out.is_empty() { "" } else { "\n" };
        out.extend([gap, "[", &heading.join("."), "]\n"]);
        toml_section(out, path, inner);
        path.pop();
    }
}

/// A value on one line where it fits behind what stands there already, else with its lists over
/// several. Tables must stay on their line, but a list in one may break it (TOML 1.0).
fn fitted(value: &Value, indent: usize, taken: usize) -> String {
    let short = inline(value);
    if indent + taken + short.len() <= WIDTH {
        return short;
    }
    match value {
        Value::Array(items) if !items.is_empty() => {
            let inner = " ".repeat(indent + 2);
            let lines = items
                .iter()
                .map(|item| format!("{inner}{},\n", fitted(item, indent + 2, 1)));
            format!("[\n{}{}]", lines.collect::<String>(), " ".repeat(indent))
        }
        Value::Object(map) if !map.is_empty() => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{} = {}", toml_key(name), fitted(value, indent, WIDTH / 2))
            };
            format!("{{ {} }}", joined(map.iter().map(entry)))
        }
        _ => short,
    }
}

/// Parts with commas between them.
pub fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// A value on one line as TOML has it, for messages as well.
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml_text(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(inline))),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{} = {}", toml_key(name), inline(value))
            };
            format!("{{ {} }}", joined(map.iter().map(entry)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn toml_key(name: &str) -> String {
    if is_printable(name) {
        TomlKeyBuilder::new(name)
            .as_default()
            .to_toml_key()
    } else {
        escaped(name)
    }
}

fn toml_text(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    let plain = builder
        .as_basic_pretty()
        .or_else(|| builder.as_literal())
        .filter(|_| is_printable(text));
    plain.map_or_else(|| escaped(text), |plain| plain.to_toml_value())
}

/// Text of several lines as such, where nothing in it needs escapes.
fn toml_lines(text: &str) -> String {
    let plain = text
        .lines()
        .all(|line| is_printable(line) && !line.contains(['\\', '"']))
        && !text.contains('\r');
    if plain {
        format!("\"\"\"\n{text}\"\"\"")
    } else {
        escaped(text)
    }
}

fn yaml_document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    if map.is_empty() {
        out.push_str("{}\n");
    }
    yaml_section(&mut out, 0, map);
    out
}

fn yaml_section(out: &mut String, indent: usize, map: &Map<String, Value>) {
    for (index, (name, value)) in map.iter().enumerate() {
        // The first key of a list's item stands behind the dash.
        let behind_dash = index == 0 && out.ends_with("- ");
        let start = if behind_dash { 0 } else { indent };
        out.extend([format!("{:start$}{}:", "", yaml_scalar(name))]);
        yaml_value(out, indent, value);
    }
}

/// What stands behind a key, with the end of its line.
fn yaml_value(out: &mut String, indent: usize, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            yaml_section(out, indent + 2, map);
        }
        Value::Array(items)
            if !items.is_empty()
                && (items.iter().any(Value::is_object) || !fits(value, indent + 20)) =>
        {
            out.push('\n');
            for item in items {
                yaml_item(out, indent + 2, item);
            }
        }
        _ => out.extend([" ", &yaml_inline(value), "\n"]),
    }
}

fn yaml_item(out: &mut String, indent: usize, item: &Value) {
    out.extend([" ".repeat(indent).as_str(), "- "]);
    match item {
        Value::Object(map) if !fits(item, indent + 2) => yaml_section(out, indent + 2, map),
        _ => out.extend([&yaml_inline(item), "\n"]),
    }
}

fn fits(value: &Value, taken: usize) -> bool {
    taken + yaml_inline(value).len() <= WIDTH
}

fn yaml_inline(value: &Value) -> String {
    match value {
        Value::String(text) => yaml_scalar(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(yaml_inline))),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{}: {}", yaml_scalar(name), yaml_inline(value))
            };
            format!("{{{}}}", joined(map.iter().map(entry)))
        }
        Value::Number(number) if number.is_f64() => yaml_float(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// YAML 1.1 takes for a number only what has a point, and a sign before the exponent.
fn yaml_float(text: &str) -> String {
    let (digits, exponent) = text
        .split_once(['e', 'E'])
        .unwrap_or((text, ""));
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

fn yaml_scalar(text: &str) -> String {
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
