//! The schemas of event stream and failure report in `docs/schemas` are current.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::super::audit_file::{AuditHead, EndOfAudit};
use super::super::deid_log::DeidLogRow;
use super::super::event_stream::EventRecord;
use super::super::manifest::ManifestRow;
use super::super::record::{ReportDocument, ReportRecord};
use crate::discover::SkipReason;

/// A failure report of fwupload: a line of the `.jsonl` form, or the whole `.json` form.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for its schema")]
enum FailureReport {
    Line(ReportRecord),
    Document(ReportDocument<ReportRecord>),
}

/// A line of a manifest of fwupload in its `.jsonl` form.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[expect(dead_code, reason = "for its schema")]
enum ManifestRecord {
    /// The first record: the run that the manifest is of.
    Manifest(AuditHead),
    /// A source file.
    File(ManifestRow),
    /// The last record.
    End(EndOfAudit),
}

/// A line of a log of changes of fwupload in its `.jsonl` form.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[expect(dead_code, reason = "for its schema")]
enum DeidLogRecord {
    /// The first record: the run that the log is of.
    DeidLog(AuditHead),
    /// An attribute of a file.
    Change(DeidLogRow),
    /// The last record.
    End(EndOfAudit),
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

#[test]
fn the_generated_schemas_are_current() {
    let mut events = schema::<EventRecord<'_>>("Event of fwupload");
    let version = json!({ "v": { "const": 1, "description": "The version of the records, in the first one." } });
    events["properties"] = version;
    let report = schema::<FailureReport>("Failure report of fwupload");
    let manifest = schema::<ManifestRecord>("Record of a manifest of fwupload");
    let deid_log = schema::<DeidLogRecord>("Record of a log of changes of fwupload");
    for (name, schema) in [
        ("events", events),
        ("report", report),
        ("manifest", manifest),
        ("deid-log", deid_log),
    ] {
        let path = format!(
            "{}/docs/schemas/{name}.schema.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept.replace('\r', "") == text,
            "{name}.schema.json is out of date: run the tests with UPDATE_DOCS=1"
        );
    }
}

#[test]
fn skip_reasons_have_one_name_in_all_output() {
    let schema = schema::<SkipReason>("");
    let names = schema["oneOf"].as_array().unwrap();
    assert_eq!(names.len(), 18);
    for name in names {
        let reason: SkipReason = serde_json::from_value(name["const"].clone()).unwrap();
        assert_eq!(name["const"], reason.as_str());
    }
}
