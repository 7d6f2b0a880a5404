//! What people see on standard error: notices, failures, progress and the summary, as much of it as
//! was asked for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::bar::{Bars, terminal};
use super::lines::Lines;
use super::place::ReportPath;
use super::printer::{Printer, Tone};
use super::redact::Paths;
use super::repeats::{Repeats, SHOWN_PER_CODE};
use super::summary::{self, Around};
use super::tally::Tally;
use super::tree::Tree;
use super::{Sink, figures};
use crate::config::{Progress, Verbosity};
use crate::event::{
    Changes, Event, Mode, Notice, Outcome, RESIDUAL, RunEnd, RunStart, Settled, Severity, Stored,
};
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use dicom_lossless::escape_for_terminal;

/// The part of the reporter that talks to people.
pub(super) struct Console {
    printer: Printer,
    paths: Paths,
    verbosity: Verbosity,
    progress: Progress,
    bars: Option<Bars>,
    lines: Lines,
    start: Option<RunStart>,
    report: ReportPath,
    /// The command to type again.
    command: Option<String>,
    failures: BTreeMap<&'static str, usize>,
    notices: Repeats,
    warnings: Repeats,
    retry_shown: bool,
    tree: Tree,
    changes: Changes,
}

impl Console {
    pub(super) fn new(
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
            lines: Lines::default(),
            start: None,
            report,
            command,
            failures: BTreeMap::new(),
            notices: Repeats::default(),
            warnings: Repeats::default(),
            retry_shown: false,
            tree: Tree::default(),
            changes: Changes::default(),
        }
    }

    /// What went wrong with writing, once.
    pub(super) fn take_error(&mut self) -> Option<std::io::Error> {
        self.printer.take_error()
    }

    fn says(&self, from: Verbosity) -> bool {
        self.verbosity >= from
    }

    fn started(&mut self, start: &RunStart) {
        self.start = Some(start.clone());
        if self.says(Verbosity::Normal) {
            let how = match &start.profile {
                Some(p) => {
                    let (name, digest) = (
                        escape_for_terminal(&p.name),
                        summary::short_digest(&p.digest),
                    );
                    let key = p
                        .key
                        .as_ref()
                        .map(|key| format!(", key {key}"))
                        .unwrap_or_default();
                    let others = start
                        .settings
                        .iter()
                        .any(|(name, value)| name == "other-files" && value == "upload");
                    let others = if others {
                        self.printer
                            .paint(Tone::Caution, "; other files as they are")
                    } else {
                        String::new()
                    };
                    let from = if p.level == "local" {
                        "given locally".to_owned()
                    } else {
                        format!("from the {}", p.level)
                    };
                    format!("de-identified with \"{name}\" ({from}, {digest}{key}){others}")
                }
                None => self
                    .printer
                    .paint(Tone::Caution, "as it is, not de-identified"),
            };
            let site = start
                .site
                .as_deref()
                .map(|site| format!(" at {}", escape_for_terminal(site)))
                .unwrap_or_default();
            self.printer.prose(&format!(
                "to {}{site}: {how}",
                escape_for_terminal(&start.project)
            ));
        }
        if self.progress == Progress::Bar {
            let bars = Bars::new(terminal(console::Term::buffered_stderr()), || {
                console::Term::stderr().size().1
            });
            self.printer.above(Some(bars.group()));
            self.bars = Some(bars);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        let (from, repeats) = match notice.severity {
            Severity::Detail => (Verbosity::Verbose, &mut self.notices),
            Severity::Notice => (Verbosity::Normal, &mut self.notices),
            // A warning is about a danger: `-q` does not hide it.
            Severity::Warning => (Verbosity::Quiet, &mut self.warnings),
        };
        let new = self.verbosity >= Verbosity::Verbose || repeats.is_new(notice.code, &notice.text);
        if !self.says(from) || !new {
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
            Severity::Warning => self.printer.paint(Tone::Caution, "warning"),
        }
    }

    fn left(&mut self, path: &Path, finding: &str) {
        let new = self.says(Verbosity::Verbose)
            || self.warnings.is_new_kind(RESIDUAL, finding.to_owned());
        if self.says(Verbosity::Quiet) && new {
            let label = self.label(Severity::Warning);
            self.printer.prose(&format!(
                "{label}[{RESIDUAL}]: {}: {finding}",
                self.paths.shown(path)
            ));
        }
    }

    /// The first wait is worth a line, so that a standstill explains itself; the others are
    /// details.
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
        let label = self.printer.paint(Tone::Caution, "retrying");
        self.printer.line(&format!(
            "{label} {what} in {} (attempt {attempt}): {cause}",
            figures::duration(wait)
        ));
    }

    /// What a first Ctrl-C brought about, so that the second one is a decision.
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
            Outcome::Uploaded(stored) => self.arrived("uploaded", settled, stored),
            Outcome::Prepared(stored) => {
                self.tree.add(stored);
                self.arrived("ready", settled, stored);
            }
            Outcome::AlreadyThere(stored) => self.arrived("already there", settled, stored),
            Outcome::Skipped(reason) => self.per_file(|paths| {
                format!(
                    "skipped [{}] {}: {}",
                    reason.as_str(),
                    paths.shown(&settled.path),
                    reason.sentence()
                )
            }),
            Outcome::Failed(failure) if failure.code == FileCode::UploadStopped => {
                self.per_file(|paths| format!("not sent {}", paths.shown(&settled.path)));
            }
            Outcome::Failed(failure) => self.failed(settled, failure),
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
            self.printer.line(&line(&self.paths));
        }
    }

    /// The first few of each code are shown, all of them with `-v`; the first comes with its hint.
    fn failed(&mut self, settled: &Settled, failure: &FileFailure) {
        let seen = self.failures.entry(failure.code.as_str()).or_default();
        *seen += 1;
        let nth = *seen;
        if !self.says(Verbosity::Quiet) || (nth > SHOWN_PER_CODE && !self.says(Verbosity::Verbose))
        {
            return;
        }
        let label = self
            .printer
            .paint(Tone::Bad, &format!("failed [{}]", failure.code));
        let message = self.paths.shown_message(&failure.message(), &settled.path);
        self.printer.line(&format!(
            "{label} {}: {message}",
            self.paths.shown(&settled.path)
        ));
        if nth == 1 || failure.specific_hint.is_some() {
            self.printer.line(&format!(
                "  hint: {}",
                self.paths.shown_message(&failure.hint(), &settled.path)
            ));
        }
    }

    fn ended(&mut self, end: &RunEnd) {
        if let Some(bars) = self.bars.take() {
            bars.clear();
            self.printer.above(None);
        }
        if !self.says(Verbosity::Quiet) {
            return;
        }
        self.count_unshown();
        if let Some(error) = &end.stopped_by {
            self.printer.stop(error);
        }
        if self.start.is_none() && end.totals.found == 0 {
            // It stopped before there was anything to sum up.
            return;
        }
        self.show_tree();
        let report = self.report.clone();
        let (start, command) = (self.start.take(), self.command.take());
        let around = Around {
            start: start.as_ref(),
            report: report.written(end.totals.failed),
            earlier: report.earlier(),
            command: command.as_deref(),
        };
        let lines = if self.says(Verbosity::Normal) {
            summary::lines(end, around)
        } else {
            vec![summary::final_line(end, around)]
        };
        for line in lines {
            let line = self.colored(&line);
            // A command and a path are there to be copied.
            if line.trim_start().starts_with('→') {
                self.printer.line(&line);
            } else {
                self.printer.prose(&line);
            }
        }
    }

    /// Shows where a rehearsed run would put things. Labels of data that goes as it is may
    /// identify: those are not shown.
    fn show_tree(&mut self) {
        let rehearsed = self
            .start
            .as_ref()
            .is_some_and(|start| start.mode != Mode::Upload && start.profile.is_some());
        if rehearsed && self.says(Verbosity::Normal) && matches!(self.paths, Paths::Plain) {
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

    /// Says how many notices and failures were not shown.
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
            self.printer.prose(&format!("{label}[{code}]: {more}"));
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

impl Sink for Console {
    fn event(&mut self, event: &Event, _: &Tally) -> Result<(), Error> {
        match event {
            Event::Started(start) => self.started(start),
            Event::Notice(notice) => self.notice(notice),
            Event::Left { path, finding } => self.left(path, finding),
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
            | Event::Discovered { .. }
            | Event::Companion { .. }
            | Event::Sending(_)
            | Event::Sent { .. }
            | Event::SendingEnded(_) => {}
        }
        Ok(())
    }

    fn tick(&mut self, tally: &Tally) {
        if let Some(bars) = &self.bars {
            bars.show(tally, &self.printer);
        }
        if self.progress == Progress::Lines
            && let Some(line) = self.lines.due(tally)
        {
            self.printer.timed_line(&line);
        }
    }
}

#[cfg(test)]
mod tests;
