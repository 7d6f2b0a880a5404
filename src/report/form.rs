//! The three forms of a failure report: JSON lines, one JSON document, CSV.
//!
//! Owns the bytes of each. It must never open a file, nor know whether its records come from a run
//! or from other reports.

use serde_json::Value;

use super::record::{self, Record, record};
use crate::config::ReportFormat;

/// Columns of the CSV form. The facts of the run are repeated in each row.
pub(super) const COLUMNS: [&str; 15] = [
    "path",
    "path_bytes",
    "stage",
    "code",
    "message",
    "hint",
    "retryable",
    "http_status",
    "attempts",
    "version",
    "project",
    "profile",
    "profile_level",
    "profile_digest",
    "redacted",
];

/// The end of the JSON form, written after every item so that the document is whole at any moment.
fn json_end(notices: &[Record]) -> String {
    match notices {
        [] => "\n]}\n".to_owned(),
        some => format!(
            "\n],\"notices\":{}}}\n",
            Value::Array(some.iter().cloned().map(Value::Object).collect())
        ),
    }
}

/// What a cell must not begin with.
pub(super) const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What comes before the first failure; `facts` are those of the run, `notices` what was said in it
/// until then. The table has no place for notices.
pub(super) fn header(format: ReportFormat, facts: &Value, notices: &[Record]) -> Vec<u8> {
    match format {
        ReportFormat::JsonLines => {
            let mut first = record("report");
            first.insert("v".to_owned(), record::VERSION.into());
            record::extend(&mut first, facts.clone());
            std::iter::once(first)
                .chain(notices.iter().cloned())
                .flat_map(line)
                .collect()
        }
        ReportFormat::Json => format!(
            "{{\"v\":{},\"run\":{facts},\"failures\":[{}",
            record::VERSION,
            json_end(notices)
        )
        .into_bytes(),
        ReportFormat::Csv => row(&COLUMNS),
    }
}

/// How many bytes of what was written until now the next item takes the place of.
pub(super) fn overlap(format: ReportFormat, notices: &[Record]) -> usize {
    if format == ReportFormat::Json {
        json_end(notices).len()
    } else {
        0
    }
}

/// The last of the notices, in the form that has them all at its end with the others.
pub(super) fn notice(format: ReportFormat, notices: &[Record]) -> Vec<u8> {
    match format {
        ReportFormat::JsonLines => notices.last().cloned().map(line).unwrap_or_default(),
        ReportFormat::Json => json_end(notices).into_bytes(),
        ReportFormat::Csv => Vec::new(),
    }
}

/// One failure.
pub(super) fn failed(
    format: ReportFormat,
    facts: &Value,
    failed: Record,
    first: bool,
    notices: &[Record],
) -> Vec<u8> {
    let separator = if first { "\n" } else { ",\n" };
    match format {
        ReportFormat::JsonLines => line(failed),
        ReportFormat::Json => {
            format!("{separator}{}{}", Value::Object(failed), json_end(notices)).into_bytes()
        }
        ReportFormat::Csv => row(&cells(facts, &failed)),
    }
}

/// The word for a file that has to be tried again together with one that failed.
pub(super) const COMPANION: &str = "companion";

/// The files that have to be tried again together with those that failed, after everything else.
pub(super) fn companions(
    format: ReportFormat,
    facts: &Value,
    notices: &[Record],
    companions: &[Record],
) -> Vec<u8> {
    match format {
        ReportFormat::JsonLines => companions.iter().cloned().flat_map(line).collect(),
        ReportFormat::Json => {
            let all = Value::Array(companions.iter().cloned().map(Value::Object).collect());
            format!(
                "{},\"companions\":{all}}}\n",
                json_end(notices).trim_end_matches("}\n")
            )
            .into_bytes()
        }
        ReportFormat::Csv => {
            let with_code = |companion: &Record| {
                let mut companion = companion.clone();
                companion.insert("code".to_owned(), COMPANION.into());
                row(&cells(facts, &companion))
            };
            companions.iter().flat_map(with_code).collect()
        }
    }
}

/// The last record; only the line form has a place for one.
pub(super) fn end(format: ReportFormat, totals: Value, exit_code: u8) -> Vec<u8> {
    if format != ReportFormat::JsonLines {
        return Vec::new();
    }
    let mut last = record("end");
    record::extend(&mut last, totals);
    last.insert("exit_code".to_owned(), exit_code.into());
    line(last)
}

fn cells(facts: &Value, failed: &Record) -> Vec<String> {
    let profile = |field: &str| facts.get("profile").and_then(|profile| profile.get(field));
    let cell = |column: &&str| match *column {
        "path" => not_a_formula(text(failed.get("path"))),
        column @ ("version" | "project" | "redacted") => text(facts.get(column)),
        "profile" => text(profile("name")),
        "profile_level" => text(profile("level")),
        "profile_digest" => text(profile("digest")),
        column => text(failed.get(column)),
    };
    COLUMNS.iter().map(cell).collect()
}

fn line(record: Record) -> Vec<u8> {
    let mut line = Value::Object(record).to_string().into_bytes();
    line.push(b'\n');
    line
}

fn row<T: AsRef<[u8]>>(cells: &[T]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory fails only when memory does.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A spreadsheet takes a cell that starts like this for a formula; the same path can be written in
/// a way that it does not.
fn not_a_formula(path: String) -> String {
    if path.starts_with(FORMULA) {
        format!("./{path}")
    } else {
        path
    }
}
