//! What request bodies may hold: closed lists of keys, each with a type and a length, as Flywheel
//! checks them.
//!
//! Must never let an unknown key pass, and never look at the index.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::api_error::ApiError;
use crate::model::{ContainerType, stamp};
use crate::options::Era;

use Type::{Count, Flag, Label, List, Number, Object, Reference, Text, Texts, Time};

/// The type of one key.
#[derive(Debug, Clone, Copy)]
enum Type {
    /// Text of at most this number of characters, not empty.
    Label(usize),
    /// Text of at most this number of characters, or null.
    Text(usize),
    /// A time with its zone (RFC 3339).
    Time,
    /// A whole number that is not negative.
    Count,
    /// Any number.
    Number,
    /// An object.
    Object,
    /// A list of texts.
    Texts,
    /// A text or an object.
    Reference,
    /// A truth value.
    Flag,
    /// Any list.
    List,
}

type Keys = &'static [Key];
type Key = (&'static str, Type);

const GROUP: Keys = &[
    ("_id", Label(32)),
    ("label", Label(32)),
    ("tags", Texts),
    ("roles", Texts),
    ("editions", Object),
    ("providers", Object),
];

const PROJECT: Keys = &[
    ("group", Label(32)),
    ("label", Label(256)),
    ("description", Text(10_000)),
    ("info", Object),
    ("permissions", List),
    ("copyable", Flag),
    ("editions", Object),
    ("providers", Object),
];

const SUBJECT: Keys = &[
    ("project", Label(24)),
    ("label", Label(64)),
    ("code", Label(64)),
    ("firstname", Text(64)),
    ("lastname", Text(64)),
    ("sex", Text(32)),
    ("age", Number),
    ("cohort", Text(64)),
    ("date_of_birth", Text(32)),
    ("mlset", Text(64)),
    ("type", Text(64)),
    ("race", Text(128)),
    ("ethnicity", Text(128)),
    ("species", Text(64)),
    ("strain", Text(64)),
    ("master_code", Text(64)),
    ("state", Text(32)),
    ("tags", Texts),
    ("info", Object),
];

const SESSION: Keys = &[
    ("project", Label(24)),
    ("subject", Reference),
    ("label", Label(256)),
    ("uid", Label(128)),
    ("timestamp", Time),
    ("timezone", Text(64)),
    ("operator", Text(128)),
    ("age", Number),
    ("weight", Number),
    ("info", Object),
];

const ACQUISITION: Keys = &[
    ("session", Label(24)),
    ("label", Label(256)),
    ("uid", Label(128)),
    ("timestamp", Time),
    ("timezone", Text(64)),
    ("info", Object),
];

const ANY: RangeInclusive<Era> = Era::Old..=Era::Current;

/// The metadata of a file, each with the eras of servers that take it.
const FILE: &[(&str, Type, RangeInclusive<Era>)] = &[
    ("name", Label(1024), ANY),
    ("type", Text(64), ANY),
    ("mimetype", Text(256), ANY),
    ("modality", Text(64), ANY),
    ("tags", Texts, ANY),
    ("info", Object, ANY),
    ("measurements", Texts, Era::Old..=Era::Old),
    ("classification", Object, Era::Mid..=Era::Current),
    ("zip_member_count", Count, Era::Mid..=Era::Current),
    ("size", Count, Era::Current..=Era::Current),
    ("deid_log_id", Text(64), Era::Current..=Era::Current),
    (
        "deid_log_skip_reason",
        Text(64),
        Era::Current..=Era::Current,
    ),
];

const SETTINGS: Keys = &[
    ("deid_profile", Reference),
    ("viewer_apps", List),
    ("forms", Object),
    ("external_routing_id", Text(64)),
    ("sharing", Object),
    ("workspaces", Object),
    ("cvat", Object),
];

/// The JSON object of a body.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ApiError::invalid("the body must be a JSON object")),
        Err(error) => Err(ApiError::bad_request(format!(
            "the body is not valid JSON: line {} column {}",
            error.line(),
            error.column()
        ))),
    }
}

/// The body that makes a container of a type; nulls are dropped and times brought to UTC.
pub fn container(
    kind: ContainerType,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let keys = match kind {
        ContainerType::Group => GROUP,
        ContainerType::Project => PROJECT,
        ContainerType::Subject => SUBJECT,
        ContainerType::Session => SESSION,
        ContainerType::Acquisition => ACQUISITION,
    };
    check(body, keys)
}

/// The metadata of one file, as servers of an era take them.
pub fn file(era: Era, metadata: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let keys: Vec<_> = FILE
        .iter()
        .filter(|(_, _, eras)| eras.contains(&era))
        .map(|(name, kind, _)| (*name, *kind))
        .collect();
    check(metadata, &keys)
}

/// The settings of a level.
pub fn settings(body: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    check(body, SETTINGS)
}

/// Takes a text that must be there out of a checked body.
pub fn required(body: &mut Map<String, Value>, key: &str) -> Result<String, ApiError> {
    optional(body, key).ok_or_else(|| ApiError::invalid(format!("'{key}' is a required property")))
}

/// Takes a text out of a checked body.
pub fn optional(body: &mut Map<String, Value>, key: &str) -> Option<String> {
    body.remove(key)
        .and_then(|value| value.as_str().map(str::to_owned))
}

/// Whether a text may be the id of a group: 2 to 32 characters, lower case, digits and `.@_-`
/// inside.
pub fn is_group_id(id: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (2..=32).contains(&id.len())
        && id
            .chars()
            .all(|c| alphanumeric(c) || matches!(c, '.' | '@' | '_' | '-'))
        && id.starts_with(alphanumeric)
        && id.ends_with(alphanumeric)
}

fn check(body: Map<String, Value>, keys: &[Key]) -> Result<Map<String, Value>, ApiError> {
    let mut checked = Map::new();
    for (key, value) in body {
        let Some((name, kind)) = keys
            .iter()
            .find(|(name, _)| *name == key)
        else {
            let shown: String = key.chars().take(64).collect();
            return Err(ApiError::invalid(format!(
                "Additional properties are not allowed ('{shown}' was unexpected)"
            )));
        };
        if let Some(value) = kind.check(name, value)? {
            checked.insert(key, value);
        }
    }
    Ok(checked)
}

impl Type {
    /// The value if it is of this type; none for a null that may be left out.
    fn check(self, key: &str, value: Value) -> Result<Option<Value>, ApiError> {
        use Value::{Array, Bool, Null, Number, Object, String};
        let fits = match (self, &value) {
            (Self::Time, String(text)) => return utc(key, text).map(Some),
            (Self::Label(longest), String(text)) => {
                !text.is_empty() && text.chars().count() <= longest
            }
            (Self::Text(longest), String(text)) => text.chars().count() <= longest,
            (Self::Count, Number(number)) => number.is_u64(),
            (Self::Texts, Array(texts)) => texts.iter().all(Value::is_string),
            (Self::Label(_), Null) => false,
            (Self::Reference, String(_) | Object(_))
            | (Self::Object, Object(_))
            | (Self::Number, Number(_))
            | (Self::Flag, Bool(_))
            | (Self::List, Array(_))
            | (_, Null) => true,
            _ => false,
        };
        match (fits, value.is_null()) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(value)),
            (false, _) => Err(ApiError::invalid(format!(
                "'{key}' must be {}",
                self.describe()
            ))),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Label(longest) => format!("a text of 1 to {longest} characters"),
            Self::Text(longest) => format!("a text of at most {longest} characters"),
            Self::Time => "a time with its zone (RFC 3339)".into(),
            Self::Count => "a whole number, not negative".into(),
            Self::Number => "a number".into(),
            Self::Object => "an object".into(),
            Self::Texts => "a list of texts".into(),
            Self::Reference => "a text or an object".into(),
            Self::Flag => "true or false".into(),
            Self::List => "a list".into(),
        }
    }
}

fn utc(key: &str, text: &str) -> Result<Value, ApiError> {
    let moment = DateTime::parse_from_rfc3339(text)
        .map_err(|_| ApiError::invalid(format!("'{key}' must be {}", Type::Time.describe())))?;
    Ok(json!(stamp(moment.with_timezone(&Utc))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn checked(kind: ContainerType, body: &Value) -> Result<Map<String, Value>, String> {
        container(kind, body.as_object().unwrap().clone())
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn unknown_keys_wrong_types_and_lengths_are_refused() {
        for (kind, body) in [
            (
                ContainerType::Acquisition,
                json!({"label": "x", "colour": "red"}),
            ),
            (
                ContainerType::Acquisition,
                json!({"label": "x".repeat(257)}),
            ),
            (ContainerType::Acquisition, json!({"label": ""})),
            (ContainerType::Acquisition, json!({"label": null})),
            (ContainerType::Acquisition, json!({"label": 7})),
            (ContainerType::Subject, json!({"code": "x".repeat(65)})),
            (
                ContainerType::Session,
                json!({"timestamp": "2020-01-01T00:00:00"}),
            ),
            (ContainerType::Session, json!({"timestamp": "20200101"})),
            (ContainerType::Session, json!({"subject": 5})),
            (ContainerType::Project, json!({"info": []})),
        ] {
            assert!(checked(kind, &body).is_err(), "{body}");
        }
    }

    #[test]
    fn times_are_brought_to_utc_and_nulls_left_out() {
        let body = json!({"label": "x", "timestamp": "2020-01-02T03:04:05+02:00", "uid": "1.2", "timezone": null});
        let body = checked(ContainerType::Session, &body).unwrap();
        assert_eq!(
            body.get("timestamp"),
            Some(&json!("2020-01-02T01:04:05.000000+00:00"))
        );
        assert!(!body.contains_key("timezone"));
    }

    #[test]
    fn group_ids_are_narrow() {
        assert!(is_group_id("demo") && is_group_id("a.b@c_d-1"));
        for id in [
            "",
            "a",
            "Demo",
            "-ab",
            "ab-",
            "a/b",
            "../x",
            "ü1",
            &"a".repeat(33),
        ] {
            assert!(!is_group_id(id), "{id}");
        }
    }
}
