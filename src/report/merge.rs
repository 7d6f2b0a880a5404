//! The failure reports of several runs as one: the shards of a job, or whatever ran with the same
//! destination and profile.
//!
//! Owns what is the same file, what may be added up and what is not known. It must never invent:
//! where one report does not say how its run ended, the merged one does not say it either, and has
//! no `end` record.

mod facts;
mod read;
mod shards;
mod totals;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::figures::{count, plural};
use super::form;
use super::record::Record;
use crate::config::ReportFormat;
use crate::event::{RunTotals, Severity};
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;
use read::{Ending, Part};

/// How the exit code of the whole follows from code and counts of each run and the counts of all.
pub type OfRuns = fn(&[(u8, RunTotals)], &RunTotals) -> u8;

/// Reports that were merged.
pub struct Merged {
    facts: Value,
    /// By path; a later report's failure took the place of an earlier one's.
    failures: BTreeMap<Vec<u8>, Record>,
    /// By path; those that did not fail in any of the runs.
    companions: BTreeMap<Vec<u8>, Record>,
    /// Totals and exit code; none where they are not known for the whole.
    end: Option<(Record, u8)>,
    remarks: Vec<(Severity, String)>,
    reports: u64,
}

/// Reads reports and merges them. Errors: [`RunCode::Usage`], [`RunCode::ReportInvalid`],
/// [`RunCode::ReportMismatch`].
pub fn merge(paths: &[PathBuf], of_runs: OfRuns) -> Result<Merged, Error> {
    refuse_twice(paths)?;
    let mut parts = paths
        .iter()
        .map(|path| read::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut facts = facts::agreed(&parts)?;
    let mut remarks = facts::remarks(&parts);
    let coverage = shards::coverage(&parts)?;
    remarks.extend(
        parts
            .iter()
            .filter_map(open)
            .chain(coverage.gap.map(|gap| (Severity::Warning, gap))),
    );
    let whole = remarks
        .iter()
        .all(|(severity, _)| *severity != Severity::Warning);
    remarks.extend(silent(&parts));
    let failures: BTreeMap<_, _> = parts
        .iter_mut()
        .flat_map(|part| std::mem::take(&mut part.failures))
        .collect();
    let companions = parts
        .iter_mut()
        .flat_map(|part| std::mem::take(&mut part.companions));
    let companions = companions
        .filter(|(path, _)| !failures.contains_key(path))
        .collect();
    let end = if whole {
        end(&parts, &failures, of_runs)
    } else {
        None
    };
    let merged =
        json!({ "reports": parts.len(), "complete": end.is_some(), "shards": coverage.shards });
    facts.insert("merged".to_owned(), merged);
    Ok(Merged {
        facts: facts.into(),
        failures,
        companions,
        end,
        remarks,
        reports: parts.len() as u64,
    })
}

impl Merged {
    /// What people should know of it, and how much it matters.
    pub fn remarks(&self) -> &[(Severity, String)] {
        &self.remarks
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let failed = plural(self.failures.len() as u64, "file");
        let found = match &self.end {
            Some((totals, _)) => format!(" of {} found", count(totals::number(totals, "found"))),
            None => "; how many were found is not known".to_owned(),
        };
        format!(
            "merged {}: {failed} failed{found}",
            plural(self.reports, "report")
        )
    }

    /// The merged report as bytes of a file.
    pub fn written(&self, format: ReportFormat) -> Vec<u8> {
        let mut bytes = form::header(format, &self.facts, &[]);
        for (at, failed) in self.failures.values().enumerate() {
            bytes.truncate(bytes.len().saturating_sub(form::overlap(format, &[])));
            bytes.extend(form::failed(
                format,
                &self.facts,
                failed.clone(),
                at == 0,
                &[],
            ));
        }
        if !self.companions.is_empty() {
            bytes.truncate(bytes.len().saturating_sub(form::overlap(format, &[])));
            let companions: Vec<_> = self.companions.values().cloned().collect();
            bytes.extend(form::companions(format, &self.facts, &[], &companions));
        }
        if let Some((totals, exit_code)) = &self.end {
            bytes.extend(form::end(format, totals.clone().into(), *exit_code));
        }
        bytes
    }
}

/// A report that counts twice makes totals that are wrong.
fn refuse_twice(paths: &[PathBuf]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let place = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    match paths.iter().find(|path| !seen.insert(place(path))) {
        None => Ok(()),
        Some(path) => Err(Error::new(
            RunCode::Usage,
            format!("{} is named twice", display_path(path)),
        )
        .because("what it counts would count twice")
        .with_hint("name each report once")),
    }
}

/// The end of the whole, where every part has one.
fn end(
    parts: &[Part],
    failures: &BTreeMap<Vec<u8>, Record>,
    of_runs: OfRuns,
) -> Option<(Record, u8)> {
    let ends = parts.iter().map(|part| match &part.ending {
        Ending::Ended { totals, exit_code } => Some((totals, *exit_code)),
        Ending::Open | Ending::Silent => None,
    });
    let (ends, codes): (Vec<_>, Vec<_>) = ends.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let totals = totals::together(&ends, failures.values());
    let runs: Vec<_> = codes
        .into_iter()
        .zip(ends.into_iter().map(totals::counted))
        .collect();
    let exit_code = of_runs(&runs, &totals::counted(&totals));
    Some((totals, exit_code))
}

/// The warning about a report of a run that did not come to its end.
fn open(part: &Part) -> Option<(Severity, String)> {
    let name = display_path(&part.path);
    let text = match (&part.ending, part.facts.contains_key("merged")) {
        (Ending::Open, false) => {
            format!(
                "{name} has no end: its run was killed or still goes on, and the files that it \
                    did not come to are in no report"
            )
        }
        (Ending::Open, true) => {
            format!("{name} is not complete: how a run ended that it was merged from is not known")
        }
        _ => return None,
    };
    Some((Severity::Warning, text))
}

/// The remark about reports in forms that hold failures alone.
fn silent(parts: &[Part]) -> Option<(Severity, String)> {
    let number = parts
        .iter()
        .filter(|part| matches!(part.ending, Ending::Silent))
        .count() as u64;
    let holds = if number == 1 { "holds" } else { "hold" };
    let text = format!(
        "{} {holds} failures alone, without totals and without a word on how the run ended; \
            `--report FILE.jsonl` has both",
        plural(number, "report")
    );
    (number > 0).then_some((Severity::Notice, text))
}

#[cfg(test)]
mod tests;
