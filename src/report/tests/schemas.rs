//! JSON Schemas of events and reports: made of the types that are written, and held current.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::super::json::EventRecord;
use super::super::record::{FailedFile, FilePath, RunFacts};
use crate::event::{Notice, RunTotals};

/// One line of a failure report in JSON lines.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is of use")]
enum ReportRecord<'a> {
    /// The first line: which run it was.
    Report {
        /// The version of the records.
        v: u64,
        #[serde(flatten)]
        run: RunFacts<'a>,
    },
    /// A warning of the run.
    Notice(Notice),
    /// A file that failed.
    Failed(FailedFile),
    /// A file that has to be tried again together with one that failed.
    Companion(FilePath),
    /// The last line, missing where the run was cut short.
    End {
        #[serde(flatten)]
        totals: RunTotals,
        /// The exit code of the run.
        exit_code: u8,
    },
}

/// Compares the checked-in schema with that of a type; with `UPDATE_DOCS=1` it is written anew.
#[track_caller]
fn is_current<T: JsonSchema>(name: &str) {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let schema = generator.into_root_schema_for::<T>();
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path = format!("{}/docs/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == schema,
        "{name} is not current: UPDATE_DOCS=1 cargo test schema"
    );
}

#[test]
fn the_schema_of_events_is_that_of_what_is_written() {
    is_current::<EventRecord<'_>>("events.schema.json");
}

#[test]
fn the_schema_of_reports_is_that_of_what_is_written() {
    is_current::<ReportRecord<'_>>("report.schema.json");
}
