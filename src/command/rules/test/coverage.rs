//! How much of what was found each rule took: counts, never values but subjects that several
//! patients share.

use std::collections::BTreeMap;

use crate::discover::SkipReason;
use crate::exit::ExitStatus;
use crate::failure::FileCode;
use crate::rules::Rules;
use crate::series::Patients;
use import_rules::RuleSet;

use super::tested_file::{TestOutcome, TestedFile};

/// Counts over all files.
#[derive(Default)]
pub struct Coverage {
    /// Of each rule: files that it takes, and those among them that an upload would fail.
    pub rules: Vec<(usize, usize)>,
    /// Files that no rule takes.
    pub no_rule: usize,
    /// By flag.
    pub left_out: BTreeMap<String, usize>,
    pub skipped: BTreeMap<SkipReason, usize>,
    /// By code: all that an upload would fail.
    pub failed: BTreeMap<FileCode, usize>,
    patients: BTreeMap<String, Patients>,
    /// One subject may be that of several patients.
    merges: bool,
}

impl Coverage {
    pub fn new(rules: &Rules, merges: bool) -> Self {
        Self {
            merges,
            rules: vec![
                (0, 0);
                rules
                    .set
                    .as_ref()
                    .map_or(0, |set: &RuleSet| set.rules().len())
            ],
            ..Self::default()
        }
    }

    pub fn count(&mut self, file: &TestedFile) {
        match &file.outcome {
            TestOutcome::Skipped(reason) => self.skip(*reason),
            TestOutcome::LeftOut(flag) => {
                *self
                    .left_out
                    .entry(flag.clone())
                    .or_default() += 1;
            }
            TestOutcome::Failed(failure) => self.fail(failure.code),
            TestOutcome::Decided(decided) => {
                if let Some(reason) = decided.skipped {
                    return self.skip(reason);
                }
                let failure = decided.failure.as_ref();
                let taken = decided
                    .rule()
                    .and_then(|number| self.rules.get_mut(number));
                match taken {
                    Some((taken, failing)) => {
                        *taken += 1;
                        *failing += usize::from(failure.is_some());
                    }
                    None if failure.is_none() => self.no_rule += 1,
                    None => {}
                }
                if let Some(failure) = failure {
                    self.fail(failure.code);
                } else if let Some(subject) = decided.subject() {
                    self.patients
                        .entry(subject)
                        .or_default()
                        .add(&decided.identity);
                }
            }
        }
    }

    fn skip(&mut self, reason: SkipReason) {
        *self
            .skipped
            .entry(reason)
            .or_default() += 1;
    }

    fn fail(&mut self, code: FileCode) {
        *self.failed.entry(code).or_default() += 1;
    }

    /// Files that rules take.
    pub fn taken(&self) -> usize {
        self.rules
            .iter()
            .map(|(taken, _)| taken)
            .sum()
    }

    /// Files that an upload would fail.
    pub fn failing(&self) -> usize {
        self.failed.values().sum()
    }

    /// All files.
    pub fn files(&self) -> usize {
        let taken_and_failing = self
            .rules
            .iter()
            .map(|(_, failing)| failing)
            .sum::<usize>();
        let left_out: usize = self.left_out.values().sum();
        let skipped: usize = self.skipped.values().sum();
        self.taken() + self.no_rule + left_out + skipped + self.failing() - taken_and_failing
    }

    /// Subjects that files of several patients go to, with the number of patients, where that stops an
    /// upload.
    pub fn shared_subjects(&self) -> impl Iterator<Item = (&str, usize)> {
        self.patients
            .iter()
            .map(|(subject, patients)| (subject.as_str(), patients.count()))
            .filter(|(_, count)| *count > 1 && !self.merges)
    }

    /// 3 where an upload by these rules would fail a file or stop, else 0.
    pub fn status(&self) -> ExitStatus {
        if self.failing() > 0
            || self
                .shared_subjects()
                .next()
                .is_some()
        {
            ExitStatus::SomeFailed
        } else {
            ExitStatus::Success
        }
    }
}
