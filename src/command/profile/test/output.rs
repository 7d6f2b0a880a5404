//! The results of a trial on standard output: as text, a paragraph for each file and then the
//! totals, or as JSON.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::ExitStatus;
use crate::failure::Error;
use crate::report::{FilePath, Paths, PixelsRecord, find_lines, pixels_sentence};
use dicom_deid::standard;
use dicom_deid::{By, Change, Finding, PixelLook};
use dicom_lossless::{Phi, Tag, escape_for_terminal};

use super::super::super::{plural, say};
use super::super::selection::SelectedProfile;
use super::trial::{CleanedFile, TrialOutcome, TrialResult, TrialTotals};

/// Where the results of a trial are written, file by file.
pub trait TrialOutput {
    /// `key` is the fingerprint of the key that pseudonyms are made with.
    fn start(&mut self, profile: &SelectedProfile, key: Option<&str>) -> Result<(), Error>;
    fn file(&mut self, result: &TrialResult) -> Result<(), Error>;
    fn end(&mut self, totals: &TrialTotals, status: ExitStatus) -> Result<(), Error>;
}

/// Text on standard output.
pub struct TextOutput {
    pub paths: Paths,
    /// What the rules do, by their number.
    pub actions: Vec<&'static str>,
}

impl TextOutput {
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
            TrialOutcome::Cleaned(cleaned) => {
                let written = cleaned
                    .written
                    .as_ref()
                    .map(|name| format!(", written as {}", escape_for_terminal(name)))
                    .unwrap_or_default();
                say(&format!(
                    "{path}: cleaned, {} changed{written}",
                    plural(cleaned.changes.len(), "element")
                ))?;
                cleaned
                    .findings
                    .iter()
                    .try_for_each(|finding| say(&format!("  left     {finding}")))?;
                cleaned
                    .unreadable
                    .iter()
                    .try_for_each(|tag| say(&format!("  unread   {tag} {}", name(*tag))))?;
                say_look(&cleaned.look)?;
                cleaned
                    .changes
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
                failure
                    .look
                    .iter()
                    .try_for_each(|look| say_look(look))?;
                say(&format!(
                    "  hint: {}",
                    self.paths
                        .shown_message(failure.hint(), &result.path)
                ))
            }
        }
    }

    fn end(&mut self, totals: &TrialTotals, _: ExitStatus) -> Result<(), Error> {
        say("")?;
        for ((tag, what), (elements, files)) in &totals.elements {
            let (elements, files) = (plural(*elements, "element"), plural(*files, "file"));
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
                plural(*count, "file")
            ))?;
        }
        for (reason, count) in &totals.skipped {
            say(&format!(
                "skipped  {}  {}",
                reason.sentence(),
                plural(*count, "file")
            ))?;
        }
        say(&totals.sentence())
    }
}

/// What was seen in an image that was to be looked at.
fn say_look(look: &PixelLook) -> Result<(), Error> {
    if *look == PixelLook::default() {
        return Ok(());
    }
    say(&format!("  pixels   {}", pixels_sentence(look)))?;
    find_lines(look).try_for_each(|find| say(&format!("           {find}")))
}

/// An attribute by its keyword, else by its number.
fn name(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(
        || format!("{:04x}{:04x}", tag.group(), tag.element()),
        str::to_owned,
    )
}

/// Where an element is, as a profile names it.
fn place(change: &Change) -> String {
    let items = change
        .items
        .iter()
        .map(|(tag, index)| format!("{}.{index}", name(*tag)));
    items
        .chain([name(change.tag)])
        .collect::<Vec<_>>()
        .join(".")
}

/// JSON on standard output: one object per line, `type` first, `end` last. Holds no value.
pub struct JsonOutput {
    pub paths: Paths,
    /// What the rules do, by their number.
    pub actions: Vec<&'static str>,
}

impl JsonOutput {
    fn change(&self, change: &Change) -> Value {
        let (rule, action) = match change.by {
            By::Rule(index) => (format!("fields[{index}]"), self.actions.get(index).copied()),
            By::Setting(key) => (key.to_owned(), None),
        };
        json!({
            "tag": change.tag.to_string(), "keyword": standard::keyword(change.tag), "path": place(change),
            "what": change.what.as_str(), "rule": rule, "action": action,
        })
    }

    fn fields(&self, result: &TrialResult) -> Value {
        match &result.outcome {
            TrialOutcome::Cleaned(cleaned) => {
                let CleanedFile {
                    changes,
                    findings,
                    unreadable,
                    look,
                    written,
                } = cleaned.as_ref();
                let left = |finding: &Finding| json!({ "removed_from": finding.removed_from, "stands_in": finding.stands_in });
                let left: Vec<_> = findings.iter().map(left).collect();
                let unreadable: Vec<_> = unreadable
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let changed: Vec<_> = changes
                    .iter()
                    .map(|change| self.change(change))
                    .collect();
                json!({ "outcome": "cleaned", "changed": changed, "left": left, "unreadable": unreadable, "pixels": PixelsRecord::from(look), "output": written })
            }
            TrialOutcome::Skipped(reason) => {
                json!({ "outcome": "skipped", "code": reason.as_str(), "message": reason.sentence() })
            }
            TrialOutcome::Failed(failure) => json!({
                "outcome": "failed", "code": failure.code.as_str(),
                "message": self.paths.message(&failure.message(), &result.path),
                "hint": self.paths.message(failure.hint(), &result.path),
                "pixels": failure.look.as_deref().map(PixelsRecord::from),
            }),
        }
    }
}

impl TrialOutput for JsonOutput {
    fn start(&mut self, profile: &SelectedProfile, key: Option<&str>) -> Result<(), Error> {
        let (name, level, digest) = (&profile.profile.name, profile.level, &profile.digest);
        let facts = json!({ "name": name, "level": level, "digest": digest, "pseudonym_key": key });
        say_json(
            &json!({ "type": "start", "v": 1, "version": env!("CARGO_PKG_VERSION"), "profile": facts }),
        )
    }

    fn file(&mut self, result: &TrialResult) -> Result<(), Error> {
        say_json(&json!(FileRecord {
            r#type: "file",
            file: self.paths.written(&result.path),
            outcome: self.fields(result),
        }))
    }

    fn end(&mut self, totals: &TrialTotals, status: ExitStatus) -> Result<(), Error> {
        let failed = totals.failed.iter();
        let failed: Map<_, _> = failed
            .map(|(code, n)| (code.to_string(), json!(n)))
            .collect();
        let elements = totals.elements.iter();
        let elements: Vec<_> = elements
            .map(|((tag, what), (elements, files))| {
                json!({
                    "tag": tag.to_string(), "keyword": standard::keyword(*tag), "what": what.as_str(),
                    "elements": elements, "files": files,
                })
            })
            .collect();
        let counts = json!({
            "files": totals.files, "cleaned": totals.cleaned, "failed": totals.failures(), "skipped": totals.skips(),
            "changed": totals.changed,
        });
        say_json(&json!({
            "type": "end", "totals": counts, "failed_by": failed, "skipped_by": totals.skipped,
            "elements": elements, "exit_code": status.code(),
        }))
    }
}

/// A file, and what became of it.
#[derive(Serialize)]
struct FileRecord {
    r#type: &'static str,
    #[serde(flatten)]
    file: FilePath,
    #[serde(flatten)]
    outcome: Value,
}

fn say_json(record: &Value) -> Result<(), Error> {
    say(&record.to_string())
}
