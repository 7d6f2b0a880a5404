//! Reads failure reports in their three forms, strictly: half a report is worse than none.
//!
//! Owns what counts as a report. Must never put content of a report into a message, except the
//! number of a line.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::record::{
    CsvRow, FailedRecord, NoticeRecord, ReportDocument, ReportRecord, RunFacts, VERSION, exact_path,
};
use super::super::redact::FilePath;
use crate::config::ReportFormat;
use crate::event::RunTotals;
use crate::failure::{Error, RunCode};
use dicom_deid::byte_order_mark::without_mark;
use dicom_lossless::display_path;

/// One of the reports to be merged.
#[derive(Default)]
pub struct SourceReport {
    /// The path as it was typed.
    pub path: PathBuf,
    /// What it says about its run; empty where its form has no place for that.
    pub facts: RunFacts,
    /// The failed files by exact path.
    pub failures: Vec<(Vec<u8>, FailedRecord)>,
    /// The files to be tried again together with those, by exact path.
    pub companions: Vec<(Vec<u8>, FilePath)>,
    /// The warnings of its run.
    pub notices: Vec<NoticeRecord>,
    /// What it says about the end of its run.
    pub ending: RunEnding,
}

/// What a report says about the end of its run.
#[derive(Default)]
pub enum RunEnding {
    /// The run ended.
    Ended {
        /// The counts of its files.
        totals: Box<RunTotals>,
        /// The exit code.
        exit_code: u8,
    },
    /// The run did not end, as far as the report says.
    Open,
    /// The form has no place for an end.
    #[default]
    Unknown,
}

/// Why a file is not a usable report, and what to do about it.
struct Refusal(String, &'static str);

const NAME_REPORTS: &str = "name reports that fwupload wrote, ending in .jsonl, .json or .csv";
const COPY_AGAIN: &str = "copy the report again from where it was written";
const CUT_LINE: &str = "copy the report again from where it was written; if its run was killed, \
    delete the last line, which is incomplete";

/// Reads one report. Errors: [`RunCode::ReportInvalid`].
pub fn read(path: &Path) -> Result<SourceReport, Error> {
    match content(path) {
        Ok(source) => Ok(SourceReport {
            path: path.to_owned(),
            ..source
        }),
        Err(Refusal(why, hint)) => Err(Error::new(
            RunCode::ReportInvalid,
            format!("the report cannot be used: {}", display_path(path)),
        )
        .because(why)
        .with_hint(hint)),
    }
}

fn content(path: &Path) -> Result<SourceReport, Refusal> {
    let unusable = |why: String| Refusal(why, NAME_REPORTS);
    let format = ReportFormat::of(path)
        .ok_or_else(|| unusable("its name does not say which format is meant".to_owned()))?;
    let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let bytes = without_mark(&bytes).map_err(|why| unusable(why.to_owned()))?;
    if bytes.trim_ascii().is_empty() {
        return Err(unusable("it is empty".to_owned()));
    }
    match format {
        ReportFormat::JsonLines => json_lines(bytes),
        ReportFormat::Json => json(bytes),
        ReportFormat::Csv => csv(bytes),
        ReportFormat::Junit => Err(unusable(
            "the JUnit form holds too little to be read again".to_owned(),
        )),
        ReportFormat::Markdown => Err(unusable(
            "the Markdown form holds too little to be read again".to_owned(),
        )),
    }
}

fn json_lines(bytes: &[u8]) -> Result<SourceReport, Refusal> {
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .zip(1_u64..);
    let first = lines
        .next()
        .map(|(line, _)| line)
        .unwrap_or_default();
    if first.starts_with(b"{\"type\":\"report\"") && !bytes.ends_with(b"\n") {
        let last = lines
            .last()
            .map_or(1, |(_, number)| number);
        return Err(Refusal(format!("line {last} breaks off"), CUT_LINE));
    }
    let mut source = SourceReport {
        facts: first_line(first)?,
        ending: RunEnding::Open,
        ..SourceReport::default()
    };
    for (line, number) in lines.filter(|(line, _)| !line.trim_ascii().is_empty()) {
        let record = serde_json::from_slice(line)
            .ok()
            .filter(|_| matches!(source.ending, RunEnding::Open));
        if let Some(ReportRecord::Report { .. }) = record {
            let why = format!("line {number} begins another report");
            return Err(Refusal(why, "name each report by itself"));
        }
        record
            .and_then(|record| source.add(record))
            .ok_or_else(|| damaged("line", number))?;
    }
    if let RunEnding::Ended { totals, .. } = &source.ending
        && totals.failed != source.failures.len() as u64
    {
        let (listed, counted) = (source.failures.len(), totals.failed);
        let why = format!(
            "{listed} failed files are listed and {counted} are counted at its end: lines are \
                missing or were added"
        );
        return Err(Refusal(why, COPY_AGAIN));
    }
    Ok(source)
}

/// The facts of the run, from the first line.
fn first_line(line: &[u8]) -> Result<RunFacts, Refusal> {
    let record: Value = serde_json::from_slice(line).map_err(|_| no_report())?;
    match record
        .get("type")
        .and_then(Value::as_str)
    {
        Some("report") => {
            check_version(&record)?;
            parsed(record)
        }
        Some("start" | "discovered" | "end") => Err(Refusal(
            "it holds the events of `--json`, which are no report".to_owned(),
            "name the file that was given to `--report`",
        )),
        _ => Err(no_report()),
    }
}

fn json(bytes: &[u8]) -> Result<SourceReport, Refusal> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            Refusal("it breaks off before its end".to_owned(), COPY_AGAIN)
        } else {
            no_report()
        }
    })?;
    if document.get("run").is_none() || document.get("failures").is_none() {
        return Err(no_report());
    }
    check_version(&document)?;
    let document: ReportDocument<Value> = parsed(document)?;
    let is_open = document
        .run
        .merged
        .as_ref()
        .is_some_and(|it| !it.complete);
    let mut source = SourceReport {
        facts: document.run,
        ..SourceReport::default()
    };
    let failures = document
        .failures
        .into_iter()
        .zip(1_u64..);
    for (record, number) in failures {
        serde_json::from_value(record)
            .ok()
            .and_then(|record| source.add(record))
            .ok_or_else(|| {
                let why = format!("failure {number} is none that fwupload wrote");
                Refusal(why, COPY_AGAIN)
            })?;
    }
    for record in document
        .companions
        .into_iter()
        .chain(document.notices)
    {
        let _ = source.add(parsed(record)?);
    }
    if is_open {
        source.ending = RunEnding::Open;
    }
    Ok(source)
}

fn csv(bytes: &[u8]) -> Result<SourceReport, Refusal> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader
        .headers()
        .map_err(|_| no_report())?;
    let is_known = |name: &&str| {
        headers
            .iter()
            .any(|header| header == *name)
    };
    if !["path", "path_bytes", "code", "redacted"]
        .iter()
        .all(is_known)
    {
        return Err(no_report());
    }
    if !bytes.ends_with(b"\n") {
        return Err(Refusal("its last row breaks off".to_owned(), CUT_LINE));
    }
    let mut source = SourceReport::default();
    for (row, number) in reader
        .into_deserialize::<CsvRow>()
        .zip(2_u64..)
    {
        let (facts, record) = row
            .map_err(|_| damaged("row", number))?
            .into_record();
        if number == 2 {
            source.facts = facts;
        } else if source.facts != facts {
            let why = format!("row {number} is of another run than the rows above");
            return Err(Refusal(why, "name each report by itself"));
        }
        source
            .add(record)
            .ok_or_else(|| damaged("row", number))?;
    }
    Ok(source)
}

impl SourceReport {
    /// Adds a record. None: it is damaged.
    fn add(&mut self, record: ReportRecord) -> Option<()> {
        match record {
            ReportRecord::Failed(failed) => self
                .failures
                .push((exact_path(&failed.file)?, failed)),
            ReportRecord::Companion(file) => self
                .companions
                .push((exact_path(&file)?, file)),
            ReportRecord::End(end) => {
                self.ending = RunEnding::Ended {
                    totals: serde_json::from_value(end.totals.into()).ok()?,
                    exit_code: end.exit_code,
                }
            }
            ReportRecord::Notice(notice) => self.notices.push(notice),
            ReportRecord::Report { .. } | ReportRecord::Unknown => {}
        }
        Some(())
    }
}

fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|_| no_report())
}

fn check_version(record: &Value) -> Result<(), Refusal> {
    if record
        .get("v")
        .and_then(Value::as_u64)
        == Some(VERSION)
    {
        return Ok(());
    }
    Err(Refusal(
        "another version of fwupload wrote it, in a form that this one does not know".to_owned(),
        "merge with the newer version",
    ))
}

fn no_report() -> Refusal {
    Refusal("it is not a failure report".to_owned(), NAME_REPORTS)
}

fn damaged(unit: &str, number: u64) -> Refusal {
    Refusal(format!("it is damaged in {unit} {number}"), COPY_AGAIN)
}
