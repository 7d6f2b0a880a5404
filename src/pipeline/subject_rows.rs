//! Each file's row in the table of subjects, looked up while the inputs are indexed: so all is known
//! before the first file is sent.
//!
//! Owns what a file without a row fails with, and which rows were used by whom. Rows are named by
//! their lines, and no value by which they were looked up is told.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::event::Severity;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::UploadPlan;
use crate::routing::LabelOf;
use crate::series::Patients;
use crate::subjects::{NoRow, RowId, SubjectTable, in_words};
use dicom_deid::standard;
use dicom_lossless::{Identity, Instance};

use super::context::RunContext;
use super::outcomes::counted;

/// Subjects of several patients that are told one by one.
const TOLD: usize = 20;

/// The row of a file by its path below the folder that was named and its original header; none where
/// there is no table.
///
/// # Errors
/// `route.not-in-table`, `route.table-unclear`.
pub fn row_of(
    plan: &UploadPlan,
    relative: Option<&str>,
    header: Option<&Instance>,
) -> Result<Option<RowId>, FileFailure> {
    let Some(table) = &plan.subjects else {
        return Ok(None);
    };
    let keys = header
        .filter(|_| table.needs_header())
        .map(|header| table.keys_of(header))
        .unwrap_or_default();
    table
        .find(relative, &keys)
        .map(Some)
        .map_err(|none| failure(table, none))
}

fn failure(table: &SubjectTable, none: NoRow) -> FileFailure {
    let add = format!(
        "add a row with the file's own {} to the table",
        table.keys_in_words()
    );
    let (detail, hint) = match none {
        NoRow::ValueMissing(keywords) => {
            let names: Vec<_> = keywords
                .into_iter()
                .map(named)
                .collect();
            (
                format!("the file has no {}", names.join(" and no ")),
                "rows of files without it can only go by `path` or another attribute".to_owned(),
            )
        }
        NoRow::NoFolder => (
            "it was named itself, and the table goes by paths below a folder".to_owned(),
            "name the folder that the paths of the table lie in: what arrived is not sent again"
                .to_owned(),
        ),
        NoRow::NoMatch { near } if near.is_empty() => (String::new(), add),
        NoRow::NoMatch { near } => (
            format!(
                "{} comes near, and differs in leading zeros, blanks or punctuation",
                in_words(&near)
            ),
            format!("correct the row if it is the one, exactly as the file has it; else {add}"),
        ),
        NoRow::OtherPath { lines } => (
            format!("{} has its values and another path", in_words(&lines)),
            "add a row with the path of the file below the input".to_owned(),
        ),
        NoRow::Several { lines } => {
            let detail = format!("{} fit it", in_words(&lines));
            return FileFailure::new(FileCode::RouteTableUnclear, detail);
        }
    };
    FileFailure::new(FileCode::RouteNotInTable, detail).with_hint(hint)
}

fn named(keyword: &str) -> String {
    standard::tag_of_keyword(keyword).map_or_else(|| keyword.to_owned(), standard::name_of)
}

/// Which rows files use, and whose files.
#[derive(Debug, Default)]
pub struct RowUse {
    /// All files were looked up.
    pub complete: bool,
    used: HashSet<RowId>,
    /// Patients and lines by the subject that they get.
    subjects: BTreeMap<String, (Patients, BTreeSet<u32>)>,
}

impl RowUse {
    /// Notes that a file uses a row.
    pub fn note(&mut self, plan: &UploadPlan, row: RowId, identity: &Identity) {
        let Some(table) = &plan.subjects else { return };
        self.used.insert(row);
        if let Some(subject) = &table.labels(row).subject {
            let (patients, lines) = self
                .subjects
                .entry(LabelOf::Subject.label(subject))
                .or_default();
            patients.add(identity);
            lines.insert(table.line(row));
        }
    }

    /// That the table makes one subject of several patients, which was not asked for.
    pub fn several_patients(&self, plan: &UploadPlan) -> Option<Error> {
        if plan.packaging.merge_patients {
            return None;
        }
        let merged: Vec<_> = self
            .subjects
            .values()
            .filter(|(patients, _)| patients.count() > 1)
            .collect();
        if merged.is_empty() {
            return None;
        }
        let subjects = counted(merged.len() as u64, "subject");
        let what = format!("the table of `--subjects` would make {subjects} of several patients");
        let error = merged.iter().take(TOLD).fold(
            Error::new(RunCode::SeveralPatients, what),
            |error, (patients, lines)| {
                let lines: Vec<_> = lines.iter().copied().collect();
                error.because(format!(
                    "{}: one subject for {} patients",
                    in_words(&lines),
                    patients.count()
                ))
            },
        );
        let error = match merged.len().checked_sub(TOLD) {
            Some(more @ 1..) => error.because(format!("and {more} more")),
            _ => error,
        };
        Some(error.with_hint(
            "correct these rows; `--merge-patients` if it is one person with several Patient IDs",
        ))
    }

    /// Says how many files have no row, and which rows no file used.
    pub fn tell(&self, context: &RunContext) {
        let RunContext { plan, events, .. } = context;
        let Some(table) = &plan.subjects else { return };
        let without = events.with_totals(|totals| {
            totals
                .failed_by
                .get(FileCode::RouteNotInTable.as_str())
                .copied()
                .unwrap_or_default()
        });
        if without > 0 {
            let text = format!(
                "{} without a row in the table of `--subjects`",
                counted(without, "file")
            );
            events.notice(Severity::Warning, "not-in-table", text);
        }
        let unused = table.lines_without(|row| self.used.contains(&row));
        if self.complete && !unused.is_empty() {
            let text = format!(
                "no file used {} of {} in the table of `--subjects`: {}",
                unused.len(),
                counted(table.len() as u64, "row"),
                in_words(&unused)
            );
            events.notice(Severity::Notice, "unused-rows", text);
        }
    }
}
