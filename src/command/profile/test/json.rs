//! The trial of a profile as JSON: one object per line, `type` first, `end` last. Holds
//! no value.

use serde_json::{Map, Value, json};

use crate::exit::ExitStatus;
use crate::failure::Error;
use crate::report::Paths;
use dicom_deid::standard;
use dicom_deid::{By, Change, Finding};

use super::super::super::say;
use super::super::selection::SelectedProfile;
use super::TrialOutput;
use super::clean::{TrialOutcome, TrialResult};
use super::text::place;
use super::totals::TrialTotals;

/// Events on standard output.
pub struct JsonOutput {
    paths: Paths,
    /// What the rules do, by their number.
    actions: Vec<&'static str>,
}

impl JsonOutput {
    pub fn new(paths: Paths, actions: Vec<&'static str>) -> Self {
        Self { paths, actions }
    }

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
            TrialOutcome::Cleaned {
                changes,
                findings,
                unreadable,
                written,
            } => {
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
                json!({ "outcome": "cleaned", "changed": changed, "left": left, "unreadable": unreadable, "output": written })
            }
            TrialOutcome::Skipped(reason) => {
                json!({ "outcome": "skipped", "code": reason.as_str(), "message": reason.sentence() })
            }
            TrialOutcome::Failed(failure) => json!({
                "outcome": "failed", "code": failure.code.as_str(),
                "message": self.paths.message(&failure.message(), &result.path),
                "hint": self.paths.message(&failure.hint(), &result.path),
            }),
        }
    }
}

impl TrialOutput for JsonOutput {
    fn start(&mut self, profile: &SelectedProfile, key: Option<&str>) -> Result<(), Error> {
        let (name, level, digest) = (&profile.profile.name, profile.level, &profile.digest);
        let facts = json!({ "name": name, "level": level, "digest": digest, "pseudonym_key": key });
        write(
            "start",
            json!({ "v": 1, "version": env!("CARGO_PKG_VERSION"), "profile": facts }),
        )
    }

    fn file(&mut self, result: &TrialResult) -> Result<(), Error> {
        let mut record = Map::new();
        record.insert("type".to_owned(), "file".into());
        extend(&mut record, json!(self.paths.written(&result.path)));
        extend(&mut record, self.fields(result));
        say(&Value::Object(record).to_string())
    }

    fn end(&mut self, totals: &TrialTotals, status: ExitStatus) -> Result<(), Error> {
        let failed: Map<_, _> = totals
            .failed
            .iter()
            .map(|(code, n)| (code.as_str().to_owned(), (*n).into()))
            .collect();
        let skipped: Map<_, _> = totals
            .skipped
            .iter()
            .map(|(reason, n)| (reason.as_str().to_owned(), (*n).into()))
            .collect();
        let element = |((tag, what), (elements, files)): (
            &(dicom_lossless::Tag, dicom_deid::What),
            &(u64, u64),
        )| {
            json!({
                "tag": tag.to_string(), "keyword": standard::keyword(*tag), "what": what.as_str(),
                "elements": elements, "files": files,
            })
        };
        let elements: Vec<_> = totals
            .elements
            .iter()
            .map(element)
            .collect();
        let totals = json!({
            "files": totals.files, "cleaned": totals.cleaned, "failed": totals.failures(), "skipped": totals.skips(),
            "changed": totals.changed,
        });
        write(
            "end",
            json!({
                "totals": totals, "failed_by": failed, "skipped_by": skipped, "elements": elements,
                "exit_code": status.code(),
            }),
        )
    }
}

fn write(kind: &str, fields: Value) -> Result<(), Error> {
    let mut record = Map::new();
    record.insert("type".to_owned(), kind.into());
    extend(&mut record, fields);
    say(&Value::Object(record).to_string())
}

fn extend(record: &mut Map<String, Value>, fields: Value) {
    if let Value::Object(fields) = fields {
        record.extend(fields);
    }
}
