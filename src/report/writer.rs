//! Writes a failure report in its forms: JSON lines, one JSON document, CSV, `JUnit`,
//! Markdown.
//!
//! Owns the bytes of each form. Must never open a file, nor know whether its records come from a
//! run or from other reports.

use std::io::{self, Seek, SeekFrom, Write};

use super::junit;
use super::markdown::MarkdownSummary;
use super::record::{CsvRow, EndRecord, ReportRecord, RunFacts, VERSION};
use crate::config::ReportFormat;

/// A report that is being written. All forms but the first are whole documents after
/// every call.
pub struct ReportWriter<W> {
    /// What it is written into.
    pub out: W,
    format: ReportFormat,
    facts: RunFacts,
    /// Whether no failed file has been written.
    pub is_empty: bool,
    /// What the JSON form has after the failed files.
    notices: Vec<ReportRecord>,
    companions: Vec<ReportRecord>,
    /// What the `JUnit` form says of the run at its end.
    ended: Option<EndRecord>,
    /// What the Markdown form says, all of which is written anew each time.
    summary: MarkdownSummary,
    /// The length of the end of a document, which the next record overwrites.
    end: usize,
}

impl<W: Write + Seek> ReportWriter<W> {
    /// Begins a report about a run with the notices that it has had.
    pub fn begin(
        out: W,
        format: ReportFormat,
        facts: RunFacts,
        notices: Vec<ReportRecord>,
    ) -> io::Result<Self> {
        let first = ReportRecord::Report {
            v: VERSION,
            facts: facts.clone(),
        };
        let mut report = Self {
            out,
            format,
            facts,
            is_empty: true,
            notices: Vec::new(),
            companions: Vec::new(),
            ended: None,
            summary: MarkdownSummary::default(),
            end: 0,
        };
        report.write(std::iter::once(first).chain(notices))?;
        Ok(report)
    }

    /// Writes records in one step; those that the form has no place for are left out.
    pub fn write(&mut self, records: impl IntoIterator<Item = ReportRecord>) -> io::Result<()> {
        let mut text = Vec::new();
        for record in records {
            let is_failure = matches!(record, ReportRecord::Failed(_));
            match self.format {
                ReportFormat::JsonLines => {
                    serde_json::to_writer(&mut text, &record)?;
                    text.push(b'\n');
                }
                ReportFormat::Json => self.json(&mut text, record)?,
                ReportFormat::Csv => self.csv(&mut text, &record)?,
                ReportFormat::Junit => self.junit(&mut text, record),
                ReportFormat::Markdown => self.summary.add(record),
            }
            self.is_empty &= !is_failure;
        }
        let overwritten = i64::try_from(self.end).unwrap_or_default();
        let written = text.len();
        match self.format {
            ReportFormat::Json => self.json_end(&mut text)?,
            ReportFormat::Junit => {
                text.extend(junit::end(self.ended.as_ref(), !self.is_empty).bytes());
            }
            ReportFormat::Markdown => {
                text.extend(self.summary.text().bytes());
                // Nothing of what was there before may stand behind it.
                text.resize(text.len().max(self.end), b'\n');
            }
            ReportFormat::JsonLines | ReportFormat::Csv => {}
        }
        self.end = text.len() - written;
        self.out
            .seek(SeekFrom::End(-overwritten))?;
        self.out.write_all(&text)?;
        self.out.flush()
    }

    fn json(&mut self, text: &mut Vec<u8>, record: ReportRecord) -> io::Result<()> {
        match record {
            ReportRecord::Report { v, facts } => {
                write!(text, "{{\"v\":{v},\"run\":")?;
                serde_json::to_writer(&mut *text, &facts)?;
                text.extend(b",\"failures\":[");
            }
            ReportRecord::Failed(_) => {
                let separator = if self.is_empty { "\n" } else { ",\n" };
                text.extend(separator.bytes());
                serde_json::to_writer(text, &record)?;
            }
            ReportRecord::Notice(_) => self.notices.push(record),
            ReportRecord::Companion(_) => self.companions.push(record),
            ReportRecord::End(_) | ReportRecord::Unknown => {}
        }
        Ok(())
    }

    fn json_end(&self, text: &mut Vec<u8>) -> io::Result<()> {
        text.extend(b"\n]");
        for (name, records) in [("notices", &self.notices), ("companions", &self.companions)] {
            if !records.is_empty() {
                write!(text, ",\"{name}\":")?;
                serde_json::to_writer(&mut *text, records)?;
            }
        }
        text.extend(b"}\n");
        Ok(())
    }

    fn junit(&mut self, text: &mut Vec<u8>, record: ReportRecord) {
        match record {
            ReportRecord::Report { facts, .. } => text.extend(junit::head(&facts).bytes()),
            ReportRecord::Failed(failed) => text.extend(junit::case(&failed).bytes()),
            ReportRecord::End(end) => self.ended = Some(end),
            ReportRecord::Notice(_) | ReportRecord::Companion(_) | ReportRecord::Unknown => {}
        }
    }

    fn csv(&self, text: &mut Vec<u8>, record: &ReportRecord) -> io::Result<()> {
        let is_first = matches!(record, ReportRecord::Report { .. });
        let mut rows = csv::WriterBuilder::new()
            .has_headers(is_first)
            .from_writer(Vec::new());
        if is_first {
            // The names of the columns come with a row, which is cut off again.
            rows.serialize(CsvRow::default())?;
        } else if let Some(row) = CsvRow::of(&self.facts, record) {
            rows.serialize(row)?;
        }
        let rows = rows
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        let lines = if is_first { 1 } else { usize::MAX };
        let lines = rows
            .split_inclusive(|byte| *byte == b'\n')
            .take(lines);
        text.extend(lines.flatten());
        Ok(())
    }
}
