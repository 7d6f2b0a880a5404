//! TOML as one would write it by hand: sections under headings, one field to a line.

use serde_json::{Map, Value};
use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

use super::{WIDTH, escaped, is_printable};

pub(super) fn document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    section(&mut out, &mut Vec::new(), map);
    out
}

/// The keys of a section, then the sections in it: a key after a heading would belong to that.
fn section<'a>(out: &mut String, path: &mut Vec<&'a str>, map: &'a Map<String, Value>) {
    for (name, value) in map.iter().filter(|(_, value)| !value.is_object()) {
        let start = format!("{} = ", key(name));
        let list_of_tables = value
            .as_array()
            .is_some_and(|items| items.iter().any(Value::is_object));
        out.push_str(&start);
        match value {
            Value::String(text) if text.contains('\n') => out.push_str(&lines(text)),
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
        let heading: Vec<_> = path.iter().map(|name| key(name)).collect();
        let gap = if out.is_empty() { "" } else { "\n" };
        out.extend([gap, "[", &heading.join("."), "]\n"]);
        section(out, path, inner);
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
                format!("{} = {}", key(name), fitted(value, indent, WIDTH / 2))
            };
            format!(
                "{{ {} }}",
                map.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        _ => short,
    }
}

pub(super) fn inline(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(inline).collect())),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            format!(
                "{{ {} }}",
                joined(
                    map.iter()
                        .map(|(name, value)| format!("{} = {}", key(name), inline(value)))
                        .collect()
                )
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn key(name: &str) -> String {
    if is_printable(name) {
        TomlKeyBuilder::new(name).as_default().to_toml_key()
    } else {
        escaped(name)
    }
}

fn quoted(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    let plain = builder
        .as_basic_pretty()
        .or_else(|| builder.as_literal())
        .filter(|_| is_printable(text));
    plain.map_or_else(|| escaped(text), |plain| plain.to_toml_value())
}

/// Text of several lines as such, where nothing in it needs escapes.
fn lines(text: &str) -> String {
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
