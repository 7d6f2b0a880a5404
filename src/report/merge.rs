//! Merges the failure reports of several runs, such as the shards of a job, into one.
//!
//! Owns which files are the same, which counts may be added up and what is unknown. Must never
//! invent: where one report does not say how its run ended, the merged one does not say it either,
//! and has no `end` record.

mod agreement;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor};
use std::path::PathBuf;

use serde_json::Value;

use super::figures::{count, plural};
use super::record::{EndRecord, FailedRecord, MergedRecord, NoticeRecord, ReportRecord, RunFacts};
use super::redact::FilePath;
use super::writer::ReportWriter;
use crate::config::ReportFormat;
use crate::discover::SkipReason;
use crate::event::{CONTAINER_COUNTS, RunTotals, Severity, TWIN_CONTAINER};
use crate::failure::Error;
use dicom_lossless::display_path;
use read::{RunEnding, SourceReport};

/// Decides the exit code of the whole from code and counts of each run and the counts of all.
pub type ExitCodeOfRuns = fn(&[(u8, RunTotals)], &RunTotals) -> u8;

/// Several reports merged into one.
pub struct MergedReport {
    facts: RunFacts,
    /// By path; the failure in a later report replaces that in an earlier one.
    failures: BTreeMap<Vec<u8>, FailedRecord>,
    /// By path; those that failed in none of the runs.
    companions: BTreeMap<Vec<u8>, FilePath>,
    /// The warnings of the runs, each once.
    notices: BTreeSet<NoticeRecord>,
    /// Totals and exit code; none where they are unknown for the whole.
    end: Option<(RunTotals, u8)>,
    remarks: Vec<(Severity, String)>,
    reports: u64,
}

/// Reads reports and merges them. Errors: [`Error::usage`], `RunCode::ReportInvalid`,
/// `RunCode::ReportMismatch`.
pub fn merge(paths: &[PathBuf], exit_code: ExitCodeOfRuns) -> Result<MergedReport, Error> {
    refuse_duplicates(paths)?;
    let mut sources = paths
        .iter()
        .map(|path| read::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut facts = agreement::common_facts(&sources)?;
    let (shards, gap) = agreement::shards(&sources)?;
    let mut remarks = Vec::from_iter(agreement::version_remark(&sources));
    remarks.extend(
        sources
            .iter()
            .filter_map(open_remark),
    );
    remarks.extend(gap.map(|gap| (Severity::Warning, gap)));
    let is_whole = remarks
        .iter()
        .all(|(severity, _)| *severity != Severity::Warning);
    remarks.extend(no_end_remark(&sources));
    remarks.extend(twin_remark(&sources));
    let (mut failures, mut companions) = (BTreeMap::new(), BTreeMap::new());
    let mut notices = BTreeSet::new();
    for source in &mut sources {
        notices.extend(source.notices.drain(..));
        failures.extend(source.failures.drain(..));
        companions.extend(source.companions.drain(..));
    }
    companions.retain(|path, _| !failures.contains_key(path));
    let end = if is_whole {
        end(&sources, &failures, exit_code)
    } else {
        None
    };
    let reports = sources.len() as u64;
    facts.merged = Some(MergedRecord {
        reports,
        complete: end.is_some(),
        shards,
    });
    Ok(MergedReport {
        facts,
        failures,
        companions,
        notices,
        end,
        remarks,
        reports,
    })
}

impl MergedReport {
    /// What the user should know about it.
    pub fn remarks(&self) -> &[(Severity, String)] {
        &self.remarks
    }

    /// The exit code of the whole; none where it is not known.
    pub fn exit_code(&self) -> Option<u8> {
        self.end
            .as_ref()
            .map(|(_, exit_code)| *exit_code)
    }

    /// A summary of one line.
    pub fn summary(&self) -> String {
        let failed = plural(self.failures.len() as u64, "file");
        let found = match &self.end {
            Some((totals, _)) => format!(" of {} found", count(totals.found)),
            None => "; how many were found is not known".to_owned(),
        };
        let reports = plural(self.reports, "report");
        format!("merged {reports}: {failed} failed{found}")
    }

    /// The merged report as bytes of a file.
    pub fn bytes(&self, format: ReportFormat) -> io::Result<Vec<u8>> {
        let out = Cursor::new(Vec::new());
        let notices = self.notices.iter().cloned();
        let notices = notices
            .map(ReportRecord::Notice)
            .collect();
        let mut report = ReportWriter::begin(out, format, self.facts.clone(), notices)?;
        let failures = self
            .failures
            .values()
            .cloned()
            .map(ReportRecord::Failed);
        let companions = self.companions.values().cloned();
        let end = self
            .end
            .as_ref()
            .map(|(totals, exit_code)| {
                let mut end = EndRecord::of(totals, *exit_code);
                // Two runs may have sent into one container.
                end.totals
                    .retain(|name, _| !CONTAINER_COUNTS.contains(&name.as_str()));
                // A merged report has its reasons by name.
                if let Some(Value::Object(reasons)) = end.totals.get_mut("skipped_by") {
                    reasons.sort_keys();
                }
                ReportRecord::End(end)
            });
        let companions = companions.map(ReportRecord::Companion);
        report.write(
            failures
                .chain(companions)
                .chain(end),
        )?;
        Ok(report.out.into_inner())
    }
}

/// A report that counts twice makes totals that are wrong.
fn refuse_duplicates(paths: &[PathBuf]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let resolved = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    match paths
        .iter()
        .find(|path| !seen.insert(resolved(path)))
    {
        None => Ok(()),
        Some(path) => Err(Error::usage(
            format!("{} is named twice", display_path(path)),
            "name each report once",
        )
        .because("what it counts would count twice")),
    }
}

/// The end of the whole, where every source has one.
fn end(
    sources: &[SourceReport],
    failures: &BTreeMap<Vec<u8>, FailedRecord>,
    exit_code: ExitCodeOfRuns,
) -> Option<(RunTotals, u8)> {
    let ends = sources
        .iter()
        .map(|source| match &source.ending {
            RunEnding::Ended { totals, exit_code } => Some((*exit_code, totals.as_ref().clone())),
            RunEnding::Open | RunEnding::Unknown => None,
        });
    let runs = ends.collect::<Option<Vec<_>>>()?;
    let totals = total(
        runs.iter()
            .map(|(_, totals)| totals),
        failures,
    );
    let exit_code = exit_code(&runs, &totals);
    Some((totals, exit_code))
}

/// The counts of all runs, each file once: a path that failed in several of them is one file that
/// failed, and a file that one shard skips is counted by another.
fn total<'a>(
    runs: impl Iterator<Item = &'a RunTotals>,
    failures: &BTreeMap<Vec<u8>, FailedRecord>,
) -> RunTotals {
    let mut sum = RunTotals::default();
    for run in runs {
        for (sum, count) in [
            (&mut sum.found, run.found),
            (&mut sum.uploaded, run.uploaded),
            (&mut sum.prepared, run.prepared),
            (&mut sum.already_there, run.already_there),
            (&mut sum.skipped, run.skipped),
            (&mut sum.failed, run.failed),
            (&mut sum.bytes, run.bytes),
            (&mut sum.as_they_are, run.as_they_are),
            (&mut sum.bytes_as_they_are, run.bytes_as_they_are),
            (&mut sum.unreadable, run.unreadable),
        ] {
            *sum = sum.saturating_add(count);
        }
        sum.images.add(&run.images);
        for (reason, count) in &run.skipped_by {
            let sum = sum
                .skipped_by
                .entry(*reason)
                .or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    for failed in failures.values() {
        *sum.failed_by
            .entry(failed.code.clone())
            .or_default() += 1;
    }
    let failed = failures.len() as u64;
    let of_other_shards = sum
        .skipped_by
        .remove(&SkipReason::OtherShard);
    let of_other_shards = of_other_shards.unwrap_or_default();
    let twice = of_other_shards.saturating_add(sum.failed.saturating_sub(failed));
    sum.skipped = sum
        .skipped
        .saturating_sub(of_other_shards);
    sum.found = sum.found.saturating_sub(twice);
    sum.failed = sum.failed.min(failed);
    sum
}

/// The warning about a report of a run that did not end.
fn open_remark(source: &SourceReport) -> Option<(Severity, String)> {
    let name = display_path(&source.path);
    let text = match (&source.ending, &source.facts.merged) {
        (RunEnding::Open, None) => format!(
            "{name} has no end: its run was killed or still goes on, and the files that it did not \
                come to are in no report"
        ),
        (RunEnding::Open, Some(_)) => {
            format!("{name} is not complete: how a run ended that it was merged from is not known")
        }
        _ => return None,
    };
    Some((Severity::Warning, text))
}

/// The remark about containers that exist twice: what runs that went on at the same time may leave.
fn twin_remark(sources: &[SourceReport]) -> Option<(Severity, String)> {
    let twins: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| &source.notices)
        .filter(|notice| notice.code == TWIN_CONTAINER)
        .collect();
    let text = format!(
        "{} twice in the project: the notices `{TWIN_CONTAINER}` of the merged report name them",
        match twins.len() {
            1 => "a container exists".to_owned(),
            twins => format!("{twins} containers exist"),
        }
    );
    (!twins.is_empty()).then_some((Severity::Warning, text))
}

/// The remark about reports in forms that hold failures alone.
fn no_end_remark(sources: &[SourceReport]) -> Option<(Severity, String)> {
    let without = sources
        .iter()
        .filter(|source| matches!(source.ending, RunEnding::Unknown));
    let number = without.count() as u64;
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
