//! Reads failure reports in their three forms, strictly: half a report is worse than none.
//!
//! Owns what counts as a report. No content of a report comes into a message but the number of a
//! line.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::super::form::{COMPANION, FORMULA};
use super::super::record::{self, Record, record};
use super::totals;
use crate::config::ReportFormat;
use crate::failure::{Error, RunCode};
use dicom_deid::byte_order_mark::without_mark;
use dicom_lossless::display_path;

/// One report.
pub(super) struct Part {
    /// As it was named.
    pub(super) path: PathBuf,
    /// What it says of its run; empty where its form has no place for that.
    pub(super) facts: Record,
    /// The failed files by path.
    pub(super) failures: Vec<(Vec<u8>, Record)>,
    /// The files to be tried again together with those, by path.
    pub(super) companions: Vec<(Vec<u8>, Record)>,
    /// What it says of the end of its run.
    pub(super) ending: Ending,
}

/// What a report says of the end of its run.
pub(super) enum Ending {
    /// It came to its end.
    Ended {
        /// The counts of its files.
        totals: Record,
        /// The exit code.
        exit_code: u8,
    },
    /// It did not, as far as the report knows.
    Open,
    /// The form has no place for an end.
    Silent,
}

/// Why a file is no report that can be used, and what to do about it.
struct Refusal(String, &'static str);

/// All of a report but its name.
type Content = (
    Record,
    Vec<(Vec<u8>, Record)>,
    Vec<(Vec<u8>, Record)>,
    Ending,
);

const NAME_ONE: &str = "name reports that fwupload wrote, ending in .jsonl, .json or .csv";
const COPY_AGAIN: &str = "copy the report again from where it was written";
const CUT_LINE: &str = "copy the report again from where it was written; if its run was killed, \
    delete the last line, which is incomplete";

/// Reads one report. Errors: [`RunCode::ReportInvalid`].
pub(super) fn read(path: &Path) -> Result<Part, Error> {
    let content = ReportFormat::of(path)
        .ok_or_else(|| {
            Refusal(
                "its name does not say which format is meant".to_owned(),
                NAME_ONE,
            )
        })
        .and_then(|format| {
            Ok((
                format,
                fs::read(path).map_err(|error| Refusal(error.to_string(), NAME_ONE))?,
            ))
        })
        .and_then(|(format, bytes)| content(format, &bytes));
    let (facts, failures, companions, ending) = content.map_err(|Refusal(why, hint)| {
        let what = format!("the report cannot be used: {}", display_path(path));
        Error::new(RunCode::ReportInvalid, what)
            .because(why)
            .with_hint(hint)
    })?;
    Ok(Part {
        path: path.to_owned(),
        facts,
        failures,
        companions,
        ending,
    })
}

fn content(format: ReportFormat, bytes: &[u8]) -> Result<Content, Refusal> {
    let bytes = without_mark(bytes).map_err(|why| Refusal(why.to_owned(), NAME_ONE))?;
    if bytes.trim_ascii().is_empty() {
        return Err(Refusal("it is empty".to_owned(), NAME_ONE));
    }
    match format {
        ReportFormat::JsonLines => json_lines(bytes),
        ReportFormat::Json => json(bytes),
        ReportFormat::Csv => csv(bytes),
    }
}

fn json_lines(bytes: &[u8]) -> Result<Content, Refusal> {
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1_u64..);
    let first = lines.next().map(|(line, _)| line).unwrap_or_default();
    let ours = first.starts_with(b"{\"type\":\"report\"");
    if ours && !bytes.ends_with(b"\n") {
        return Err(Refusal(
            format!(
                "line {} breaks off",
                bytes.split(|byte| *byte == b'\n').count()
            ),
            CUT_LINE,
        ));
    }
    let facts = first_record(first)?;
    let (mut failures, mut companions, mut ending) = (Vec::new(), Vec::new(), Ending::Open);
    for (line, number) in lines.filter(|(line, _)| !line.trim_ascii().is_empty()) {
        let parsed = serde_json::from_slice(line)
            .ok()
            .filter(|_| matches!(ending, Ending::Open));
        let record: Record = parsed.ok_or_else(|| damaged("line", number))?;
        match record.get("type").and_then(Value::as_str) {
            Some("failed") => {
                failures.push(failure(record).ok_or_else(|| damaged("line", number))?);
            }
            Some(COMPANION) => {
                companions.push(by_path(record).ok_or_else(|| damaged("line", number))?);
            }
            Some("end") => ending = ended(&record).ok_or_else(|| damaged("line", number))?,
            Some("report") => {
                return Err(Refusal(
                    format!("line {number} begins another report"),
                    "name each report by itself",
                ));
            }
            // Later versions may add types.
            Some(_) => {}
            None => return Err(damaged("line", number)),
        }
    }
    whole(&failures, &ending)?;
    Ok((facts, failures, companions, ending))
}

/// Whether as many files are listed as the end counts.
fn whole(failures: &[(Vec<u8>, Record)], ending: &Ending) -> Result<(), Refusal> {
    let Ending::Ended { totals, .. } = ending else {
        return Ok(());
    };
    let (listed, counted) = (failures.len() as u64, totals::number(totals, "failed"));
    if listed == counted {
        return Ok(());
    }
    Err(Refusal(
        format!(
            "{listed} failed files are listed and {counted} are counted at its end: lines are \
                missing or were added"
        ),
        COPY_AGAIN,
    ))
}

/// The facts of the run, from the first line.
fn first_record(line: &[u8]) -> Result<Record, Refusal> {
    let facts: Option<Record> = serde_json::from_slice(line).ok();
    let kind = facts.as_ref().and_then(|facts| facts.get("type")?.as_str());
    match (kind, facts.as_ref()) {
        (Some("report"), Some(facts)) => {
            known_version(facts.get("v")).map(|()| without(facts, &["type", "v"]))
        }
        (Some("start" | "discovered" | "end"), _) => {
            let why = "it holds the events of `--json`, which are no report";
            Err(Refusal(
                why.to_owned(),
                "name the file that was given to `--report`",
            ))
        }
        _ => Err(no_report()),
    }
}

fn json(bytes: &[u8]) -> Result<Content, Refusal> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            Refusal("it breaks off before its end".to_owned(), COPY_AGAIN)
        } else {
            no_report()
        }
    })?;
    let parts = (
        document.get("run").and_then(Value::as_object),
        document.get("failures").and_then(Value::as_array),
    );
    let (Some(facts), Some(listed)) = parts else {
        return Err(no_report());
    };
    known_version(document.get("v"))?;
    let failures = listed.iter().zip(1_u64..).map(|(listed, number)| {
        let refusal = || {
            Refusal(
                format!("failure {number} is none that fwupload wrote"),
                COPY_AGAIN,
            )
        };
        listed
            .as_object()
            .cloned()
            .and_then(failure)
            .ok_or_else(refusal)
    });
    let open = facts
        .get("merged")
        .and_then(|merged| merged.get("complete"))
        == Some(&Value::Bool(false));
    let companions = document
        .get("companions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let companions = companions
        .filter_map(|companion| companion.as_object().cloned().and_then(by_path))
        .collect();
    Ok((
        facts.clone(),
        failures.collect::<Result<_, _>>()?,
        companions,
        if open { Ending::Open } else { Ending::Silent },
    ))
}

fn csv(bytes: &[u8]) -> Result<Content, Refusal> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(|_| no_report())?.clone();
    let known = |name: &&str| headers.iter().any(|header| header == *name);
    if !["path", "path_bytes", "code", "redacted"].iter().all(known) {
        return Err(no_report());
    }
    if !bytes.ends_with(b"\n") {
        return Err(Refusal("its last row breaks off".to_owned(), CUT_LINE));
    }
    let (mut failures, mut companions, mut facts): (_, _, Option<Record>) =
        (Vec::new(), Vec::new(), None);
    for (row, number) in reader.into_records().zip(2_u64..) {
        let row = row.map_err(|_| damaged("row", number))?;
        let cell = |name: &str| {
            headers
                .iter()
                .zip(&row)
                .find(|(header, _)| *header == name)
                .map_or("", |(_, cell)| cell)
        };
        let (failed, of_row) = from_row(cell);
        if cell("code") == COMPANION {
            let mut companion = record(COMPANION);
            companion.extend(
                failed
                    .into_iter()
                    .filter(|(name, _)| name.starts_with("path")),
            );
            companions.push(by_path(companion).ok_or_else(|| damaged("row", number))?);
        } else {
            failures.push(failure(failed).ok_or_else(|| damaged("row", number))?);
        }
        if *facts.get_or_insert_with(|| of_row.clone()) != of_row {
            return Err(Refusal(
                format!("row {number} is of another run than the rows above"),
                "name each report by itself",
            ));
        }
    }
    Ok((
        facts.unwrap_or_default(),
        failures,
        companions,
        Ending::Silent,
    ))
}

/// A failure and the facts of the run, as the other forms have them.
fn from_row<'a>(cell: impl Fn(&str) -> &'a str) -> (Record, Record) {
    let number = |name: &str| cell(name).parse::<u64>().map_or(Value::Null, Value::from);
    let (mut failed, mut facts) = (record("failed"), Record::new());
    failed.insert("path".to_owned(), cell("path").into());
    if !cell("path_bytes").is_empty() {
        failed.insert("path_bytes".to_owned(), cell("path_bytes").into());
    }
    for name in ["stage", "code", "message", "hint"] {
        failed.insert(name.to_owned(), cell(name).into());
    }
    let retryable = cell("retryable") == "true";
    let last = json!({ "retryable": retryable, "http_status": number("http_status"), "attempts": number("attempts") });
    record::extend(&mut failed, last);
    let (name, level, digest) = (
        cell("profile"),
        cell("profile_level"),
        cell("profile_digest"),
    );
    let profile = if digest.is_empty() {
        Value::Null
    } else {
        json!({ "name": name, "level": level, "digest": digest })
    };
    let redacted = cell("redacted") == "true";
    let stated = json!({ "version": cell("version"), "project": cell("project"), "profile": profile, "redacted": redacted });
    record::extend(&mut facts, stated);
    (failed, facts)
}

/// A failure with the path that it is known by: its exact bytes.
fn failure(failed: Record) -> Option<(Vec<u8>, Record)> {
    let text = |name: &str| failed.get(name).and_then(Value::as_str);
    text("code")?;
    by_path(failed)
}

/// A record with the path that it is known by: its exact bytes.
fn by_path(record: Record) -> Option<(Vec<u8>, Record)> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let path = match text("path_bytes") {
        Some(encoded) => BASE64.decode(encoded).ok()?,
        None => without_guard(text("path")?).as_bytes().to_vec(),
    };
    Some((path, record))
}

/// The path without what only CSV puts before it.
fn without_guard(path: &str) -> &str {
    path.strip_prefix("./")
        .filter(|rest| rest.starts_with(FORMULA))
        .unwrap_or(path)
}

/// The end of a run.
fn ended(record: &Record) -> Option<Ending> {
    let exit_code = record
        .get("exit_code")?
        .as_u64()
        .and_then(|code| u8::try_from(code).ok())?;
    let totals = without(record, &["type", "exit_code"]);
    ["found", "failed"]
        .iter()
        .all(|name| totals.get(*name).is_some_and(Value::is_u64))
        .then_some(Ending::Ended { totals, exit_code })
}

fn without(record: &Record, names: &[&str]) -> Record {
    record
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn known_version(version: Option<&Value>) -> Result<(), Refusal> {
    if version.and_then(Value::as_u64) == Some(record::VERSION) {
        return Ok(());
    }
    Err(Refusal(
        "another version of fwupload wrote it, in a form that this one does not know".to_owned(),
        "merge with the newer version",
    ))
}

fn no_report() -> Refusal {
    Refusal("it is not a failure report".to_owned(), NAME_ONE)
}

fn damaged(place: &str, number: u64) -> Refusal {
    Refusal(format!("it is damaged in {place} {number}"), COPY_AGAIN)
}
