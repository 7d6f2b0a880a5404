//! The de-identification profile that a sandbox serves, read without understanding it: the client
//! is to judge it.
//!
//! Must never name a value of the profile in a message.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

const LONGEST: u64 = 4 << 20;

/// Reads a profile from a TOML, YAML or JSON file; the extension tells which.
pub fn load(path: &Path) -> Result<Value, Error> {
    let shown = display_path(path);
    let invalid = |why: String| {
        Error::new(
            RunCode::ProfileInvalid,
            format!("the profile {shown} is not valid"),
        )
        .because(why)
    };
    let extension = path
        .extension()
        .map(|it| it.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let length = path
        .metadata()
        .map_err(|error| invalid(error.to_string()))?
        .len();
    if length > LONGEST {
        return Err(invalid(format!("it is longer than {LONGEST} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    match extension.as_str() {
        "toml" => from_toml(&text),
        "yaml" | "yml" => from_yaml(&text),
        "json" => from_json(&text),
        _ => Err("its name must end in .toml, .yaml, .yml or .json".to_owned()),
    }
    .map_err(invalid)
}

/// A profile written in YAML, which JSON is a part of; it must be a mapping.
pub fn from_yaml(text: &str) -> Result<Value, String> {
    let value: Value =
        serde_saphyr::from_str(text).map_err(|_| "it is not valid YAML".to_owned())?;
    object(value)
}

fn from_json(text: &str) -> Result<Value, String> {
    let place = |error: serde_json::Error| {
        format!(
            "it is not valid JSON at line {} column {}",
            error.line(),
            error.column()
        )
    };
    object(serde_json::from_str(text).map_err(place)?)
}

fn from_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|_| "it is not valid TOML".to_owned())?;
    Ok(json_of(toml::Value::Table(table)))
}

fn object(value: Value) -> Result<Value, String> {
    if value.is_object() {
        Ok(value)
    } else {
        Err("it must be a mapping of names to values".to_owned())
    }
}

/// TOML knows dates; they become texts.
fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json_of(value)))
            .collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn loaded(name: &str, text: &str) -> Result<Value, Error> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(name), text).unwrap();
        load(&dir.path().join(name))
    }

    #[test]
    fn the_three_forms_give_the_same_profile() {
        let expected = json!({"dicom": {"fields": [{"name": "PatientName", "remove": true}]}});
        let yaml = "dicom:\n  fields:\n    - name: PatientName\n      remove: true\n";
        let toml = "[[dicom.fields]]\nname = \"PatientName\"\nremove = true\n";
        for (name, text) in [
            ("a.yaml", yaml),
            ("a.YML", yaml),
            ("a.toml", toml),
            ("a.json", &expected.to_string()),
        ] {
            assert_eq!(loaded(name, text).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for (name, text) in [
            ("a.yaml", "- x"),
            ("a.yaml", "a: ["),
            ("a.json", "7"),
            ("a.toml", "a ="),
            ("a.txt", "{}"),
        ] {
            assert_eq!(
                loaded(name, text).unwrap_err().code,
                RunCode::ProfileInvalid,
                "{name}: {text}"
            );
        }
        assert_eq!(
            load(Path::new("/nowhere/a.yaml")).unwrap_err().code,
            RunCode::ProfileInvalid
        );
    }
}
