//! The worked examples of `examples.tsv`: a rule, a file, what Flywheel's packages make of it, and
//! what these rules make of it where that differs on purpose.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use import_rules::{
    CleanedHeader, Decision, FileFields, HeaderField, OriginalHeader, RuleSet, Settings,
};
use serde_json::{Map, Value, json};

struct Header(Vec<(HeaderField, Vec<String>)>);

impl Header {
    fn of(json: &Map<String, Value>) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.trim_end().to_owned(),
            other => other.to_string(),
        };
        let values = |value: &Value| match value {
            Value::Array(items) => items.iter().map(text).collect(),
            Value::String(text) if text.trim().is_empty() => Vec::new(),
            one => vec![text(one)],
        };
        let elements = json
            .iter()
            .map(|(keyword, value)| (HeaderField::parse(keyword).unwrap(), values(value)));
        Self(elements.collect())
    }

    fn values(&self, field: &HeaderField) -> Vec<String> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known == field);
        found
            .map(|(_, values)| values.clone())
            .unwrap_or_default()
    }
}

impl OriginalHeader for Header {
    fn original_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

impl CleanedHeader for Header {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

/// What the rules make of a file, in the form of the table.
fn result(rule: &str, file: &Value) -> Value {
    let Ok(rules) = RuleSet::from_yaml(&format!("[{rule}]")) else {
        return json!("refused");
    };
    let time = file["mtime"]
        .as_i64()
        .or(Some(1_715_941_845));
    let size = file["size"]
        .as_u64()
        .unwrap_or_default();
    let mut fields = FileFields::new(file["path"].as_str().unwrap(), size).with_times(time, time);
    if let Some(member) = file["member"].as_str() {
        fields = fields.member(member, 0, time);
    }
    let header = file["header"]
        .as_object()
        .map(Header::of);
    let settings = Settings {
        folder_labels: true,
        ..Settings::default()
    };
    let decision = Decision::of(
        &rules,
        &fields,
        header
            .as_ref()
            .map(|header| header as &dyn OriginalHeader),
        header
            .as_ref()
            .map(|header| header as &dyn CleanedHeader),
        &settings,
    );
    let json = serde_json::to_value(&decision).unwrap();
    if json.get("error").is_some() {
        return json!("error");
    }
    if json["rule"].is_null() {
        return json!("not taken");
    }
    let kept = ["group", "fields", "member_name"].map(|key| (key, json[key].clone()));
    let kept: BTreeMap<_, _> = kept
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    json!(kept)
}

#[test]
fn examples_are_decided_as_flywheel_decides_them_or_otherwise_for_a_reason() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("examples.tsv").lines() {
        if line.starts_with('#') {
            continue;
        }
        let [name, rule, file, official, ours, why] = line
            .split('\t')
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        assert_eq!(
            ours.is_empty(),
            why.is_empty(),
            "{name}: a difference has a reason"
        );
        let expected = if ours.is_empty() { official } else { ours };
        let expected: Value = serde_json::from_str(expected).unwrap();
        let found = result(rule, &serde_json::from_str(file).unwrap());
        if found != expected {
            wrong.push(format!(
                "{name}\t{rule}\n  expected {expected}\n  found    {found}"
            ));
        }
        count += 1;
    }
    assert!(count > 400, "{count} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
