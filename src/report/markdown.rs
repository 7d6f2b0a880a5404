//! The Markdown form of a failure report: outcomes, codes and the first failures, for people who look
//! at pages of CI systems.
//!
//! Owns how it reads, and that no text of a file or a server is markup in it. Must never name more
//! than the first files that failed: such pages are read by many.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::figures::count;
use super::record::{EndRecord, FailedRecord, ReportRecord, RunFacts};
use crate::event::Mode;
use crate::failure::{ExitStatus, RunCode};
use dicom_lossless::escape_for_terminal;

/// The number of failed files that are named.
const NAMED: usize = 10;

/// What has become known of a run until now.
#[derive(Default)]
pub struct MarkdownSummary {
    facts: RunFacts,
    /// The first files that failed.
    first: Vec<FailedRecord>,
    /// Failed files by code.
    codes: BTreeMap<String, u64>,
    end: Option<EndRecord>,
    /// What stopped the run, where that is known: reports do not say.
    pub stopped_by: Option<RunCode>,
}

impl MarkdownSummary {
    /// Takes a record of the run.
    pub fn add(&mut self, record: ReportRecord) {
        match record {
            ReportRecord::Report { facts, .. } => self.facts = facts,
            ReportRecord::Failed(failed) => {
                *self
                    .codes
                    .entry(failed.code.clone())
                    .or_default() += 1;
                if self.first.len() < NAMED {
                    self.first.push(failed);
                }
            }
            ReportRecord::End(end) => self.end = Some(end),
            ReportRecord::Notice(_) | ReportRecord::Companion(_) | ReportRecord::Unknown => {}
        }
    }

    /// All of it.
    pub fn text(&self) -> String {
        let project = self.facts.project.as_deref();
        let project = project.map_or_else(String::new, |project| format!(": {}", literal(project)));
        let mut text = format!("## fwupload{project}\n\n");
        self.outcomes(&mut text);
        self.codes(&mut text);
        self.failures(&mut text);
        self.run(&mut text);
        text
    }

    fn outcomes(&self, text: &mut String) {
        let Some(end) = &self.end else {
            return;
        };
        let prepared = match self.facts.mode {
            Some(Mode::Output) => "written",
            _ => "would be uploaded",
        };
        let rows = [
            ("uploaded", "uploaded"),
            (prepared, "prepared"),
            ("already there", "already_there"),
            ("skipped", "skipped"),
            ("failed", "failed"),
        ];
        let rows = rows.map(|(word, name)| {
            (
                word,
                end.totals
                    .get(name)
                    .and_then(Value::as_u64),
            )
        });
        let rows = rows
            .into_iter()
            .filter_map(|(word, number)| Some((word, number.filter(|number| *number > 0)?)));
        let found = end.totals.get("found");
        let found = found.and_then(Value::as_u64);
        let found = found.map(|number| ("**found**", number));
        table(text, ["outcome", "files"], rows.chain(found));
    }

    fn codes(&self, text: &mut String) {
        let mut codes: Vec<_> = self.codes.iter().collect();
        codes.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let rows = codes
            .into_iter()
            .map(|(code, number)| (literal(code), *number));
        table(text, ["why files failed", "files"], rows);
    }

    fn failures(&self, text: &mut String) {
        if self.first.is_empty() {
            return;
        }
        text.push_str("| file | code | what happened |\n|---|---|---|\n");
        for failed in &self.first {
            let cells = [&failed.file.path, &failed.code, &failed.message];
            let [path, code, message] = cells.map(|cell| literal(cell));
            let _ = writeln!(text, "| {path} | {code} | {message} |");
        }
        let all: u64 = self.codes.values().sum();
        let more = all.saturating_sub(self.first.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "\nand {} more", count(more));
        }
        text.push('\n');
    }

    fn run(&self, text: &mut String) {
        let profile = self.facts.profile.as_ref();
        let profile = profile.map(|profile| match profile {
            Some(profile) => format!(
                "- de-identified with {} ({}, `{}`)\n",
                literal(&profile.name),
                literal(&profile.level),
                profile.digest.replace('`', "")
            ),
            None => "- **not de-identified**\n".to_owned(),
        });
        text.push_str(&profile.unwrap_or_default());
        match &self.end {
            Some(end) => {
                let status = ExitStatus::ALL.iter();
                let status = status
                    .copied()
                    .find(|status| status.code() == end.exit_code);
                let sentence = status.map_or("", ExitStatus::sentence);
                let _ = writeln!(text, "- exit code {}: {sentence}", end.exit_code);
            }
            None if self.facts.merged.is_none() => text.push_str("- the run has not ended\n"),
            None => {}
        }
        if let Some(code) = self.stopped_by {
            let _ = writeln!(text, "- stopped by `{code}`: {}", code.sentence());
        }
        if let Some(page) = &self.facts.project_url {
            // Of a site's address, a database id and nothing else.
            let page: String = page
                .chars()
                .filter(|c| !matches!(c, '<' | '>') && !c.is_whitespace())
                .collect();
            let _ = writeln!(text, "- project: <{page}>");
        }
    }
}

/// A table of counts; nothing without rows.
fn table(
    text: &mut String,
    [what, files]: [&str; 2],
    rows: impl IntoIterator<Item = (impl AsRef<str>, u64)>,
) {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "| {what} | {files} |\n|---|---:|");
    for (word, number) in rows {
        let _ = writeln!(text, "| {} | {} |", word.as_ref(), count(number));
    }
    text.push('\n');
}

/// A text that is shown as it is: no markup, no HTML, on one line.
fn literal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in escape_for_terminal(text).chars() {
        // Any punctuation of ASCII may be escaped (CommonMark, section 2.4).
        if matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '!'
                | '|'
                | '~'
                | '&'
                | '@'
                | '$'
                | '^'
                | '='
        ) {
            shown.push('\\');
        }
        shown.push(c);
    }
    // Addresses become links by themselves.
    shown
        .replace("://", "\\://")
        .replace("www.", "www\\.")
}
