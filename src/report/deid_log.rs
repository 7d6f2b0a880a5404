//! `--deid-log`: of each file that was cleaned, each attribute that is not what it was, what happened
//! to it and which rule did that.
//!
//! Owns its records: fields may be added, never renamed or removed. Must never hold a value of an
//! attribute, before or after.

use schemars::JsonSchema;
use serde::Serialize;

use super::EventConsumer;
use super::audit_file::{AuditFile, EndOfAudit};
use super::counters::Counters;
use super::record::RunFacts;
use super::redact::Paths;
use crate::config::{Audit, AuditKind};
use crate::event::{CleanedAttributes, Event, RunEnd};
use crate::failure::Error;
use dicom_deid::standard;
use dicom_deid::{By, Change};

/// The setting of profiles that is Table E.1-1 of PS3.15.
const BY_TABLE: &str = "confidentiality";
/// The action in the last row of the CSV form, where not every file was cleaned.
const INCOMPLETE: &str = "incomplete";

/// An attribute of a file that cleaning changed: one row of the `.csv` form.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DeidLogRow {
    /// The path of the file, or the hash of that with `--redact-paths`.
    path: String,
    /// Its exact bytes in base64, where they are not UTF-8.
    path_bytes: Option<String>,
    /// Where the attribute is, as a profile names it: in a sequence, that and the number of the item
    /// from 0 stand before it.
    place: String,
    /// Its tag.
    tag: String,
    /// `removed`, `changed` or `inserted`. What lay in a removed sequence is not listed beside it.
    action: &'static str,
    /// What did that, the last one where several did: `fields[3]` for the fourth rule, or a setting
    /// of the profile.
    rule: String,
    /// The action code of the Basic Profile in Table E.1-1 of PS3.15, where that did it and has a row
    /// for the attribute.
    table_code: Option<&'static str>,
}

/// Writes the log.
pub struct DeidLog {
    out: AuditFile,
    paths: Paths,
    has_begun: bool,
    files: u64,
}

impl DeidLog {
    /// Errors: [`RunCode::AuditUnwritable`](crate::failure::RunCode::AuditUnwritable).
    pub fn open(audit: &Audit, paths: &Paths) -> Result<Self, Error> {
        Ok(Self {
            out: AuditFile::open(audit, AuditKind::DeidLog)?,
            paths: paths.clone(),
            has_begun: false,
            files: 0,
        })
    }

    fn cleaned(&mut self, cleaned: &CleanedAttributes) -> Result<(), Error> {
        self.files += u64::from(cleaned.is_first);
        let path = self.paths.written(&cleaned.path);
        let text = self.out.cell(path.path);
        for change in &cleaned.changes {
            let row = DeidLogRow {
                path: text.clone(),
                path_bytes: path.path_bytes.clone(),
                ..row(change)
            };
            self.out.line("change", &row)?;
        }
        Ok(())
    }

    fn ended(&mut self, end: &RunEnd) -> Result<(), Error> {
        if !self.has_begun {
            self.out.discard();
            return Ok(());
        }
        let end = EndOfAudit::of(end, self.files);
        let row = (!end.complete).then(|| DeidLogRow {
            action: INCOMPLETE,
            rule: end
                .stopped_by
                .unwrap_or_default()
                .to_owned(),
            ..DeidLogRow::default()
        });
        self.out.end(&end, row.as_ref())
    }
}

fn row(change: &Change) -> DeidLogRow {
    let by_table = change.by == By::Setting(BY_TABLE);
    let code = by_table.then(|| standard::attribute(change.tag));
    DeidLogRow {
        place: change.place(),
        tag: change.tag.to_string(),
        action: change.what.as_str(),
        rule: change.by.to_string(),
        table_code: code
            .flatten()
            .map(|row| row.basic.as_str()),
        ..DeidLogRow::default()
    }
}

impl EventConsumer for DeidLog {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        match event {
            Event::Started(start) => {
                self.has_begun = true;
                let facts = RunFacts::of(start, self.paths.is_redacting());
                self.out.begin::<DeidLogRow>(facts)
            }
            Event::Cleaned(cleaned) => self.cleaned(cleaned),
            Event::Ended(end) => self.ended(end),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.flush()
    }
}
