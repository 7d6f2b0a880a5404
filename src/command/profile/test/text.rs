//! The trial of a profile as text: a paragraph for each file, then the totals.

use crate::exit::ExitStatus;
use crate::failure::Error;
use crate::report::Paths;
use dicom_deid::standard;
use dicom_deid::{By, Change};
use dicom_lossless::Tag;
use dicom_lossless::{Phi, escape_for_terminal};

use super::super::super::say;
use super::super::selection::SelectedProfile;
use super::TrialOutput;
use super::clean::{TrialOutcome, TrialResult};
use super::totals::TrialTotals;

/// Text on standard output.
pub struct TextOutput {
    paths: Paths,
    /// What the rules do, by their number.
    actions: Vec<&'static str>,
}

impl TextOutput {
    pub fn new(paths: Paths, actions: Vec<&'static str>) -> Self {
        Self { paths, actions }
    }

    fn change(&self, change: &Change) -> Result<(), Error> {
        let by = match change.by {
            By::Rule(index) => format!(
                "fields[{index}] {}",
                self.actions
                    .get(index)
                    .copied()
                    .unwrap_or_default()
            ),
            By::Setting(key) => key.to_owned(),
        };
        say(&format!(
            "  {:8} {} {}  by {by}",
            change.what.as_str(),
            change.tag,
            place(change)
        ))?;
        if change.before.is_none() && change.after.is_none() {
            return Ok(());
        }
        let shown = |value: &Option<Phi<String>>| {
            value.as_ref().map_or_else(
                || "(none)".to_owned(),
                |value| format!("\"{}\"", escape_for_terminal(value.expose())),
            )
        };
        say(&format!(
            "           {} -> {}",
            shown(&change.before),
            shown(&change.after)
        ))
    }
}

impl TrialOutput for TextOutput {
    fn start(&mut self, profile: &SelectedProfile, _: Option<&str>) -> Result<(), Error> {
        say(&format!(
            "profile \"{}\" ({}) {}",
            escape_for_terminal(&profile.profile.name),
            profile.level,
            profile.digest
        ))
    }

    fn file(&mut self, result: &TrialResult) -> Result<(), Error> {
        let path = self.paths.shown(&result.path);
        match &result.outcome {
            TrialOutcome::Cleaned {
                changes,
                findings,
                unreadable,
                written,
            } => {
                let written = written
                    .as_ref()
                    .map(|name| format!(", written as {}", escape_for_terminal(name)))
                    .unwrap_or_default();
                say(&format!(
                    "{path}: cleaned, {} changed{written}",
                    counted(changes.len() as u64, "element")
                ))?;
                findings
                    .iter()
                    .try_for_each(|finding| say(&format!("  left     {finding}")))?;
                unreadable
                    .iter()
                    .try_for_each(|tag| say(&format!("  unread   {tag} {}", name(*tag))))?;
                changes
                    .iter()
                    .try_for_each(|change| self.change(change))
            }
            TrialOutcome::Skipped(reason) => {
                say(&format!("{path}: skipped, {}", reason.sentence()))
            }
            TrialOutcome::Failed(failure) => {
                let message = self
                    .paths
                    .shown_message(&failure.message(), &result.path);
                say(&format!("{path}: failed [{}] {message}", failure.code))?;
                say(&format!(
                    "  hint: {}",
                    self.paths
                        .shown_message(&failure.hint(), &result.path)
                ))
            }
        }
    }

    fn end(&mut self, totals: &TrialTotals, _: ExitStatus) -> Result<(), Error> {
        say("")?;
        for ((tag, what), (elements, files)) in &totals.elements {
            let (elements, files) = (counted(*elements, "element"), counted(*files, "file"));
            say(&format!(
                "{:8} {tag} {}  {elements} in {files}",
                what.as_str(),
                name(*tag)
            ))?;
        }
        for (code, count) in &totals.failed {
            say(&format!(
                "failed   [{code}] {}  {}",
                code.sentence(),
                counted(*count, "file")
            ))?;
        }
        for (reason, count) in &totals.skipped {
            say(&format!(
                "skipped  {}  {}",
                reason.sentence(),
                counted(*count, "file")
            ))?;
        }
        say(&totals.sentence())
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// An attribute by its keyword, else by its number.
pub fn name(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(
        || format!("{:04x}{:04x}", tag.group(), tag.element()),
        str::to_owned,
    )
}

/// Where an element is, as a profile names it.
pub fn place(change: &Change) -> String {
    let items = change
        .items
        .iter()
        .map(|(tag, index)| format!("{}.{index}", name(*tag)));
    items
        .chain([name(change.tag)])
        .collect::<Vec<_>>()
        .join(".")
}
