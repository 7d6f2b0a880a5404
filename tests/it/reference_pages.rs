//! The pages of the manual that are made of what the program prints or of its schemas:
//! docs/conformance, docs/reference/events.md and docs/reference/profile-keys.md. Those of flags,
//! commands and environment are made beside their definition, in src/cli.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

use crate::run::Place;

const MADE: &str = "This page is made by `UPDATE_DOCS=1 cargo test generated`.";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Holds a page current: with `UPDATE_DOCS=1` it is written anew.
#[track_caller]
fn is_current(name: &str, page: &str) {
    let path = docs().join(name);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(
        there.replace('\r', "") == page,
        "docs/{name} is not current: UPDATE_DOCS=1 cargo test generated"
    );
}

fn schema(name: &str) -> Value {
    let path = docs().join(format!("schemas/{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_generated_conformance_statements_are_what_the_program_prints() {
    let place = Place::new();
    for profile in ["basic", "longitudinal", "strict"] {
        let ran = place
            .run(&format!("profile explain {profile}"))
            .exits(0);
        is_current(&format!("conformance/{profile}.md"), &ran.stdout);
    }
}

/// Documents that a reader of the schema would have to look up.
fn definition(value: &Value) -> Option<&str> {
    value["$ref"]
        .as_str()?
        .strip_prefix("#/$defs/")
}

/// Text of a cell.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
        .replace('|', "\\|")
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// What a property may hold, in words; records of their own as links where `linked`.
fn kind(value: &Value, linked: bool) -> String {
    if let Some(name) = definition(value) {
        return if linked {
            format!("[{name}](#{})", name.to_lowercase())
        } else {
            name.to_lowercase()
        };
    }
    if let Some(constant) = value.get("const") {
        return format!("`{constant}`");
    }
    let choices = strings(&value["enum"]);
    if !choices.is_empty() {
        let choices = choices
            .iter()
            .map(|choice| format!("`{choice}`"));
        return choices
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(several) = value["anyOf"]
        .as_array()
        .or_else(|| value["oneOf"].as_array())
    {
        let mut kinds: Vec<_> = several
            .iter()
            .map(|one| kind(one, linked))
            .filter(|kind| !kind.is_empty() && kind != "null")
            .collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let types = match &value["type"] {
        Value::String(one) => vec![one.as_str()],
        several => strings(several),
    };
    let named = types
        .into_iter()
        .map(|name| match name {
            "integer" if value["minimum"] == 0 => "whole number, from 0".to_owned(),
            "integer" => "whole number".to_owned(),
            "boolean" => "true or false".to_owned(),
            "string" => "text".to_owned(),
            "array" => match kind(&value["items"], linked) {
                items if items.is_empty() => "list".to_owned(),
                items => format!("list of {items}"),
            },
            "object" => match kind(&value["additionalProperties"], linked) {
                values if values.is_empty() => "object".to_owned(),
                values => format!("object of {values}"),
            },
            other => other.to_owned(),
        });
    named
        .filter(|name| name != "null")
        .collect::<Vec<_>>()
        .join(" or ")
}

fn about(value: &Value) -> String {
    let text = value["description"]
        .as_str()
        .unwrap_or_default();
    cell(text)
}

fn fields(page: &mut String, record: &Value) {
    let Some(properties) = record["properties"].as_object() else {
        return;
    };
    let required = strings(&record["required"]);
    let shown: Vec<_> = properties
        .iter()
        .filter(|(name, _)| *name != "type")
        .collect();
    if shown.is_empty() {
        return;
    }
    page.push_str("\n| field | holds | always | |\n|---|---|---|---|\n");
    for (name, value) in shown {
        let always = if required.contains(&name.as_str()) {
            "yes"
        } else {
            ""
        };
        let (kind, about) = (cell(&kind(value, true)), about(value));
        writeln!(page, "| `{name}` | {kind} | {always} | {about} |").unwrap();
    }
}

#[test]
fn the_generated_page_of_events_is_that_of_the_schema() {
    let schema = schema("events");
    let mut page = format!(
        "# Events\n\n`--json` writes one event per line to standard output; the last one is always `end`. Fields \
            are added over time, and never renamed or\nremoved within a major version. \
            [events.schema.json](../schemas/events.schema.json) is the JSON Schema. {MADE}\n"
    );
    for event in schema["oneOf"].as_array().unwrap() {
        let name = event["properties"]["type"]["const"]
            .as_str()
            .unwrap();
        write!(page, "\n## `{name}`\n\n{}\n", about(event)).unwrap();
        if let Some(record) = definition(event) {
            write!(
                page,
                "\nIts fields are those of [{record}](#{}).\n",
                record.to_lowercase()
            )
            .unwrap();
        }
        fields(&mut page, event);
    }
    page += "\n## Records\n";
    for (name, record) in schema["$defs"].as_object().unwrap() {
        write!(page, "\n### {name}\n\n{}\n", about(record)).unwrap();
        fields(&mut page, record);
        let choices: Vec<_> = record["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        if !choices.is_empty() {
            page.push('\n');
        }
        for choice in choices {
            let value = choice["const"]
                .as_str()
                .map_or_else(|| kind(choice, true), |name| format!("`{name}`"));
            let about = about(choice);
            let line = if about.is_empty() {
                format!("- {value}\n")
            } else {
                format!("- {value}: {about}\n")
            };
            page += &line;
        }
    }
    is_current("reference/events.md", &page);
}

/// The keys of an object and, under their path, of what is in it.
fn keys(page: &mut String, path: &str, object: &Value) {
    for (name, value) in object["properties"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let (kind, about) = (cell(&kind(value, false)), about(value));
        writeln!(page, "| `{path}` | {kind} | {about} |").unwrap();
        keys(page, &path, value);
        keys(page, &format!("{path}[]"), &value["items"]);
    }
}

#[test]
fn the_generated_page_of_profile_keys_is_that_of_the_schema() {
    let schema = schema("profile");
    let mut page = format!(
        "# Keys of a profile\n\nEvery key that a profile may have, from \
            [profile.schema.json](../schemas/profile.schema.json). What they mean and how they go \
            together\nis in [Profiles](../../profiles/README.md). {MADE}\n\n## The profile\n\n| key | holds \
            | |\n|---|---|---|\n"
    );
    keys(&mut page, "", &schema);
    for (name, record) in schema["$defs"].as_object().unwrap() {
        write!(
            page,
            "\n## A {name}\n\nOf `dicom.{name}s` and of `groups`.\n\n| key | holds | |\n|---|---|---|\n"
        )
        .unwrap();
        keys(&mut page, "", record);
    }
    is_current("reference/profile-keys.md", &page);
}
