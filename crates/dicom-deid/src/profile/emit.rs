//! Writes a document as text: TOML, YAML or JSON. It must never change a value; what a language
//! cannot say is refused before anything gets here.

mod toml;
mod yaml;

use serde_json::{Map, Value};

use super::load::Language;
use dicom_lossless::escape_for_terminal;

/// How long a line may become before lists are broken up.
const WIDTH: usize = 110;

/// The document in a language.
pub(super) fn document(map: &Map<String, Value>, language: Language) -> String {
    match language {
        Language::Toml => toml::document(map),
        Language::Yaml => yaml::document(map),
        Language::Json => format!("{:#}\n", Value::Object(map.clone())),
    }
}

/// A value on one line as TOML has it, for messages.
pub(super) fn inline(value: &Value) -> String {
    toml::inline(value)
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
