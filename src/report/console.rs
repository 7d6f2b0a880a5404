//! The text on standard error: notices, failures, progress and the summary, at a verbosity.
//!
//! Owns what is shown at which verbosity and what is only counted because it repeats. Must never
//! show text of a server or of a file without escaping it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::counters::Counters;
use super::destination_tree::DestinationTree;
use super::printer::{Printer, Tone, terminal_width};
use super::progress::{ProgressBars, ProgressLines, terminal};
use super::redact::Paths;
use super::report_path::ReportPath;
use super::summary::{self, SummaryContext};
use super::{EventConsumer, figures, pixels};
use crate::config::{Progress, Verbosity};
use crate::event::{
    Changes, Event, FileOutcome, Mode, Notice, RESIDUAL, RunEnd, RunStart, Settled, Severity,
    Stored,
};
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use dicom_deid::PixelLook;
use dicom_lossless::escape_for_terminal;

/// Shows events as text.
pub struct Console {
    pub printer: Printer,
    paths: Paths,
    verbosity: Verbosity,
    progress: Progress,
    bars: Option<ProgressBars>,
    lines: ProgressLines,
    start: Option<RunStart>,
    report: ReportPath,
    /// The command to type again.
    command: Option<String>,
    failures: BTreeMap<&'static str, usize>,
    notices: RepeatFilter,
    warnings: RepeatFilter,
    retry_shown: bool,
    tree: DestinationTree,
    changes: Changes,
}

impl Console {
    pub fn new(
        printer: Printer,
        paths: Paths,
        (verbosity, progress): (Verbosity, Progress),
        report: ReportPath,
        command: Option<String>,
    ) -> Self {
        Self {
            printer,
            paths,
            verbosity,
            progress,
            bars: None,
            lines: ProgressLines::default(),
            start: None,
            report,
            command,
            failures: BTreeMap::new(),
            notices: RepeatFilter::default(),
            warnings: RepeatFilter::default(),
            retry_shown: false,
            tree: DestinationTree::default(),
            changes: Changes::default(),
        }
    }

    fn says(&self, from: Verbosity) -> bool {
        self.verbosity >= from
    }

    fn started(&mut self, start: &RunStart) {
        self.start = Some(start.clone());
        if self.says(Verbosity::Normal) {
            let site = start.site.as_deref();
            let site = site.map(|site| format!(" at {}", escape_for_terminal(site)));
            let project = escape_for_terminal(&start.project);
            let treatment = self.treatment(start);
            let site = site.unwrap_or_default();
            self.printer
                .prose(&format!("to {project}{site}: {treatment}"));
        }
        if self.progress == Progress::Bar {
            let target = terminal(console::Term::buffered_stderr());
            let bars = ProgressBars::new(target, terminal_width);
            self.printer.bars = Some(bars.all.clone());
            self.bars = Some(bars);
        }
    }

    /// How data is de-identified, if it is.
    fn treatment(&self, start: &RunStart) -> String {
        let caution = |text| {
            self.printer
                .paint(Tone::Caution, text)
        };
        let Some(profile) = &start.profile else {
            return caution("as it is, not de-identified");
        };
        let name = escape_for_terminal(&profile.name);
        let digest = summary::short_digest(&profile.digest);
        let key = profile.key.as_ref();
        let key = key.map_or_else(String::new, |key| format!(", key {key}"));
        let from = match profile.level {
            "local" => "given locally".to_owned(),
            level => format!("from the {level}"),
        };
        let mut settings = start.settings.iter();
        let others = if settings.any(|(name, value)| name == "other-files" && value == "upload") {
            caution("; other files as they are")
        } else {
            String::new()
        };
        format!("de-identified with \"{name}\" ({from}, {digest}{key}){others}")
    }

    fn notice(&mut self, notice: &Notice) {
        let (from, repeats) = match notice.severity {
            Severity::Detail => (Verbosity::Verbose, &mut self.notices),
            Severity::Notice => (Verbosity::Normal, &mut self.notices),
            // `-q` does not hide a danger.
            Severity::Warning => (Verbosity::Quiet, &mut self.warnings),
        };
        if self.verbosity < from {
            return;
        }
        let is_new =
            self.verbosity >= Verbosity::Verbose || repeats.is_new(notice.code, &notice.text);
        if !is_new {
            return;
        }
        let label = self.label(notice.severity);
        for (at, line) in notice.text.lines().enumerate() {
            let line = escape_for_terminal(line);
            self.printer.prose(&if at == 0 {
                format!("{label}[{}]: {line}", notice.code)
            } else {
                format!("  {line}")
            });
        }
    }

    fn label(&self, severity: Severity) -> String {
        match severity {
            Severity::Detail | Severity::Notice => "notice".to_owned(),
            Severity::Warning => self
                .printer
                .paint(Tone::Caution, "warning"),
        }
    }

    fn left(&mut self, path: &Path, finding: &str) {
        if !self.says(Verbosity::Quiet) {
            return;
        }
        let is_new = self.says(Verbosity::Verbose)
            || self
                .warnings
                .is_new_pattern(RESIDUAL, finding.to_owned());
        if is_new {
            let label = self.label(Severity::Warning);
            self.printer.prose(&format!(
                "{label}[{RESIDUAL}]: {}: {finding}",
                self.paths.shown(path)
            ));
        }
    }

    /// Shows what was seen in an image, with its finds below.
    fn looked(&mut self, path: &Path, look: &PixelLook) {
        if !self.says(Verbosity::Verbose) {
            return;
        }
        let seen = pixels::sentence(look);
        self.printer
            .line(&format!("looked at {}: {seen}", self.paths.shown(path)));
        for find in pixels::find_lines(look) {
            self.printer
                .line(&format!("  {find}"));
        }
    }

    /// Shows the first wait, which explains why nothing happens; later ones with `-v`.
    fn retrying(&mut self, what: &str, cause: &str, wait: Duration, attempt: u32) {
        let from = if self.retry_shown {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        };
        if !self.says(from) {
            return;
        }
        self.retry_shown = true;
        let (what, cause) = (escape_for_terminal(what), escape_for_terminal(cause));
        let label = self
            .printer
            .paint(Tone::Caution, "retrying");
        self.printer.line(&format!(
            "{label} {what} in {} (attempt {attempt}): {cause}",
            figures::duration(wait)
        ));
    }

    /// Shows what the first Ctrl-C does, and what a second one would do.
    fn stopping(&mut self, code: RunCode, uploads: u64) {
        if uploads == 0 || !self.says(Verbosity::Quiet) {
            return;
        }
        let noun = if self
            .start
            .as_ref()
            .is_some_and(|start| start.mode == Mode::Upload)
        {
            "upload"
        } else {
            "package"
        };
        let again = if code == RunCode::Interrupted {
            ", press again to quit"
        } else {
            ""
        };
        self.printer.line(&format!(
            "finishing {}{again}",
            figures::plural(uploads, noun)
        ));
    }

    fn settled(&mut self, settled: &Settled) {
        match &settled.outcome {
            FileOutcome::Uploaded(stored) => self.arrived("uploaded", settled, stored),
            FileOutcome::Prepared(stored) => {
                if self.shows_tree() {
                    self.tree.add(stored);
                }
                self.arrived("ready", settled, stored);
            }
            FileOutcome::AlreadyThere(stored) => self.arrived("already there", settled, stored),
            FileOutcome::Skipped(reason) => self.per_file(|paths| {
                format!(
                    "skipped [{}] {}: {}",
                    reason.as_str(),
                    paths.shown(&settled.path),
                    reason.sentence()
                )
            }),
            FileOutcome::Failed(failure) if failure.code == FileCode::UploadStopped => {
                self.per_file(|paths| format!("not sent {}", paths.shown(&settled.path)));
            }
            FileOutcome::Failed(failure) => self.failed(settled, failure),
        }
    }

    fn arrived(&mut self, word: &str, settled: &Settled, stored: &Stored) {
        self.per_file(|paths| {
            let (place, file) = (
                escape_for_terminal(&stored.destination),
                escape_for_terminal(&stored.file),
            );
            format!("{word} {} → {place}/{file}", paths.shown(&settled.path))
        });
    }

    fn per_file(&mut self, line: impl FnOnce(&Paths) -> String) {
        if self.says(Verbosity::Verbose) {
            self.printer
                .line(&line(&self.paths));
        }
    }

    /// Shows the first failures of each code, all of them with `-v`, and the hint with the first.
    fn failed(&mut self, settled: &Settled, failure: &FileFailure) {
        let seen = self
            .failures
            .entry(failure.code.as_str())
            .or_default();
        *seen += 1;
        let nth = *seen;
        if !self.says(Verbosity::Quiet) || (nth > SHOWN_PER_CODE && !self.says(Verbosity::Verbose))
        {
            return;
        }
        let label = self
            .printer
            .paint(Tone::Bad, &format!("failed [{}]", failure.code));
        let message = self
            .paths
            .shown_message(&failure.message(), &settled.path);
        self.printer.line(&format!(
            "{label} {}: {message}",
            self.paths.shown(&settled.path)
        ));
        if nth == 1 || failure.specific_hint.is_some() {
            self.printer.line(&format!(
                "  hint: {}",
                self.paths
                    .shown_message(failure.hint(), &settled.path)
            ));
        }
    }

    fn ended(&mut self, end: &RunEnd) {
        if let Some(bars) = self.bars.take() {
            bars.clear();
            self.printer.bars = None;
        }
        if !self.says(Verbosity::Quiet) {
            return;
        }
        self.count_unshown();
        if let Some(error) = &end.stopped_by {
            self.printer.stop(error);
        }
        if self.start.is_none() && end.totals.found == 0 {
            // It stopped before there was anything to summarize.
            return;
        }
        self.show_tree();
        let context = SummaryContext {
            start: self.start.as_ref(),
            report: self
                .report
                .written(end.totals.failed),
            earlier: self.report.earlier(),
            command: self.command.as_deref(),
        };
        let lines = if self.says(Verbosity::Normal) {
            summary::lines(end, context)
        } else {
            vec![summary::final_line(end, context)]
        };
        for line in lines {
            let line = self.colored(&line);
            // A command and a path are to be copied: they are not wrapped.
            if line.trim_start().starts_with('→') {
                self.printer.line(&line);
            } else {
                self.printer.prose(&line);
            }
        }
    }

    /// Whether it is shown where a run without upload would store its packages. Labels of data that is
    /// not de-identified may identify and are not shown.
    fn shows_tree(&self) -> bool {
        let is_meant = self
            .start
            .as_ref()
            .is_some_and(|start| start.mode != Mode::Upload && start.profile.is_some());
        is_meant && self.says(Verbosity::Normal) && matches!(self.paths, Paths::Plain)
    }

    fn show_tree(&mut self) {
        if self.shows_tree() {
            for line in self
                .tree
                .lines()
                .into_iter()
                .chain(summary::changes(&self.changes))
            {
                self.printer.line(&line);
            }
        }
    }

    /// Shows the number of notices and failures that were not shown.
    fn count_unshown(&mut self) {
        if self.says(Verbosity::Verbose) {
            return;
        }
        let notices = self
            .notices
            .unshown()
            .map(|more| (Severity::Notice, more))
            .filter(|_| self.says(Verbosity::Normal));
        let unshown: Vec<_> = notices
            .chain(
                self.warnings
                    .unshown()
                    .map(|more| (Severity::Warning, more)),
            )
            .collect();
        for (severity, (code, more)) in unshown {
            let label = self.label(severity);
            self.printer
                .prose(&format!("{label}[{code}]: {more}"));
        }
        for (code, number) in &self.failures {
            if *number > SHOWN_PER_CODE {
                let more = figures::count((number - SHOWN_PER_CODE) as u64);
                self.printer
                    .line(&format!("failed [{code}]: and {more} more like this"));
            }
        }
    }

    fn colored(&self, line: &str) -> String {
        let tone = match line.split_whitespace().next() {
            Some("Failed") => Tone::Bad,
            Some("Uploaded" | "Ready" | "Written") => Tone::Good,
            _ => return line.to_owned(),
        };
        let (label, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
        self.printer.paint(tone, label) + rest
    }
}

/// The number of notices and failures per code that are shown before they are only counted.
const SHOWN_PER_CODE: usize = 5;

/// Selects what is shown of notices that repeat.
#[derive(Debug, Default)]
struct RepeatFilter(BTreeMap<&'static str, Shown>);

#[derive(Debug, Default)]
struct Shown {
    patterns: BTreeSet<String>,
    /// The number of notices that were not shown.
    more: u64,
}

impl RepeatFilter {
    /// Whether a text is to be shown: it is new, and its code was shown less than the limit. Texts
    /// that differ in numbers and ids alone are the same.
    fn is_new(&mut self, code: &'static str, text: &str) -> bool {
        let has_digit = |word: &str| word.contains(|c: char| c.is_ascii_digit());
        let words = text.split(' ');
        let words = words.map(|word| if has_digit(word) { "#" } else { word });
        self.is_new_pattern(code, words.collect::<Vec<_>>().join(" "))
    }

    /// Whether a text is to be shown, where any difference counts.
    fn is_new_pattern(&mut self, code: &'static str, pattern: String) -> bool {
        let shown = self.0.entry(code).or_default();
        let is_new = shown.patterns.len() < SHOWN_PER_CODE && shown.patterns.insert(pattern);
        shown.more += u64::from(!is_new);
        is_new
    }

    /// The number of texts that were not shown, by code.
    fn unshown(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.0
            .iter()
            .filter(|(_, shown)| shown.more > 0)
            .map(|(code, shown)| {
                let more = figures::count(shown.more);
                (*code, format!("and {more} more like this; `-v` shows each"))
            })
    }
}

impl EventConsumer for Console {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        match event {
            Event::Started(start) => self.started(start),
            Event::Notice(notice) => self.notice(notice),
            Event::Left { path, finding } => self.left(path, finding),
            Event::Pixels { path, look } => self.looked(path, look),
            Event::Retrying {
                what,
                cause,
                wait,
                attempt,
            } => self.retrying(what, cause, *wait, *attempt),
            Event::Settled(settled) => self.settled(settled),
            Event::Stopping { code, uploads } => self.stopping(*code, *uploads),
            Event::Changes(changes) => self.changes.clone_from(changes),
            Event::Ended(end) => self.ended(end),
            Event::Deidentified { path, changed } if self.says(Verbosity::Trace) => {
                let changed = figures::plural(u64::from(*changed), "element");
                self.printer.line(&format!(
                    "de-identified {}: {changed} changed or removed",
                    self.paths.shown(path)
                ));
            }
            Event::Requested { what, status, took } if self.says(Verbosity::Trace) => {
                let status =
                    status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                self.printer.line(&format!(
                    "{} → {status} in {} ms",
                    escape_for_terminal(what),
                    took.as_millis()
                ));
            }
            Event::Stages(stages) if self.says(Verbosity::Trace) => {
                for line in figures::stages(stages) {
                    self.printer.line(&line);
                }
            }
            Event::Stages(_)
            | Event::Requested { .. }
            | Event::Deidentified { .. }
            | Event::Cleaned(_)
            | Event::Reviewed(_)
            | Event::Discovered { .. }
            | Event::Companion { .. }
            | Event::Sending(_)
            | Event::Sent { .. }
            | Event::SendingEnded(_) => {}
        }
        Ok(())
    }

    fn tick(&mut self, counters: &Counters) -> Result<(), Error> {
        if let Some(bars) = &self.bars {
            bars.show(counters, &self.printer);
        }
        if self.progress == Progress::Lines
            && let Some(line) = self.lines.due(counters)
        {
            self.printer.timed_line(&line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
