//! Each file's row in the table of subjects, looked up while the inputs are indexed: so all is known
//! before the first file is sent.
//!
//! Owns what a file without a row fails with, and which rows were used by whom. Rows are named by
//! their lines, and no value by which they were looked up is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::event::Severity;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::UploadPlan;
use crate::routing::LabelOf;
use crate::series::Patients;
use crate::subjects::{Addition, NoRow, RowId, SubjectTable, in_words};
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
        NoRow::Unwritable => (
            "one of its values has a character that no line of a table can hold".to_owned(),
            "correct the file, or use a table that goes by another attribute".to_owned(),
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
    patients: HashMap<RowId, Patients>,
}

impl RowUse {
    /// Notes that a file uses a row.
    pub fn note(&mut self, row: RowId, identity: &Identity) {
        self.patients
            .entry(row)
            .or_default()
            .add(identity);
    }

    /// Gives the next codes of a table that is continued to who is new in it; none where no one is.
    ///
    /// # Errors
    /// `subjects.invalid` where a code or a value would not be read back.
    pub fn number_new(&self, plan: &UploadPlan) -> Result<Option<Addition>, Error> {
        // Who was not found yet would come too late for the order.
        match &plan.subjects {
            Some(table) if self.complete => {
                table.number_new(|row| self.patients.contains_key(&row))
            }
            _ => Ok(None),
        }
    }

    /// That the table makes one subject of several patients, which was not asked for.
    pub fn several_patients(&self, plan: &UploadPlan) -> Option<Error> {
        let table = plan
            .subjects
            .as_ref()
            .filter(|_| !plan.packaging.merge_patients)?;
        let mut subjects: BTreeMap<String, (Patients, BTreeSet<u32>)> = BTreeMap::new();
        for (row, patients) in &self.patients {
            if let Some(subject) = &table.labels(*row).subject {
                let (all, lines) = subjects
                    .entry(LabelOf::Subject.label(subject))
                    .or_default();
                all.add_all(patients);
                lines.insert(table.line(*row));
            }
        }
        let merged: Vec<_> = subjects
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
        let unused = table.lines_without(|row| self.patients.contains_key(&row));
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

/// Writes the table with the rows that it gets in this run, before anything is sent; a dry run says
/// what it would be.
///
/// # Errors
/// `subjects.unwritable`.
pub fn save(context: &RunContext, addition: &Addition) -> Result<(), Error> {
    let RunContext { plan, events, .. } = context;
    let Some(table) = &plan.subjects else {
        return Ok(());
    };
    let is_dry_run = plan.sink.is_dry_run();
    if !is_dry_run {
        table.save(addition)?;
    }
    let Addition {
        count,
        codes: (first, last),
        lines,
        near,
        ..
    } = addition;
    let codes = if count == &1 {
        first.clone()
    } else {
        format!("{first} to {last}")
    };
    let (rows, are) = match count {
        1 => ("1 row".to_owned(), "is"),
        rows => (format!("{rows} rows"), "are"),
    };
    let done = if is_dry_run {
        format!("{rows} would be added")
    } else {
        format!("{rows} {are} added")
    };
    let text = format!(
        "{done} to the table of `--subjects`, {}: {codes}",
        in_words(&lines.clone().collect::<Vec<_>>())
    );
    events.notice(Severity::Notice, "new-subjects", text);
    if !near.is_empty() {
        let text = format!(
            "new rows of the table of `--subjects` differ in leading zeros, blanks or punctuation \
                alone, {}: if they are one patient, give them one code before the next run",
            in_words(near)
        );
        events.notice(Severity::Warning, "near-subjects", text);
    }
    Ok(())
}
