//! What rules and filters did in a whole run: what was left out by which filter, where mappings gave
//! nothing, and which patients became which subject.
//!
//! Owns that rules make no subject of several patients unasked. It counts, and never names a file or
//! a patient.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{Events, Severity};
use crate::failure::{Error, RunCode};
use crate::plan::UploadPlan;
use crate::routing::LabelOf;
use crate::rules::{Filters, LeftOut};
use crate::series::{Patient, Patients};
use dicom_lossless::Identity;
use import_rules::Extracted;

use super::guard::locked;
use super::outcomes::counted;

/// What rules and filters did in a whole run.
#[derive(Debug, Default)]
pub struct PlacingCounts {
    left_out: Mutex<BTreeMap<LeftOut, u64>>,
    unmapped: AtomicU64,
    dropped: AtomicU64,
}

impl PlacingCounts {
    /// Counts a file that is left out.
    pub fn left_out(&self, by: LeftOut) {
        *locked(&self.left_out)
            .entry(by)
            .or_default() += 1;
    }

    /// Counts what rules made of a file.
    pub fn placed(&self, extracted: &Extracted) {
        let mappings = &extracted.mappings;
        if !mappings.is_empty()
            && mappings
                .iter()
                .all(|mapping| !mapping.matched)
        {
            self.unmapped
                .fetch_add(1, Ordering::Relaxed);
        }
        if mappings
            .iter()
            .any(|mapping| !mapping.dropped.is_empty())
        {
            self.dropped
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says how many files each filter kept out, and where mappings gave nothing.
    pub fn tell(&self, filters: &Filters, events: &Events) {
        let by_filter: Vec<_> = locked(&self.left_out)
            .iter()
            .map(|(by, count)| {
                let by = match by {
                    LeftOut::ByFilter(number) => filters.name(*number),
                    LeftOut::NoRule => "taken by no rule",
                    LeftOut::OtherPrefix => "outside of the prefixes of the rules",
                };
                format!("{count} {by}")
            })
            .collect();
        let tell = |code, text| {
            events.notice(Severity::Notice, code, text);
        };
        if !by_filter.is_empty() {
            tell(
                "filtered",
                format!("files left out: {}", by_filter.join(", ")),
            );
        }
        let unmapped = self
            .unmapped
            .load(Ordering::Relaxed);
        if unmapped > 0 {
            let text = format!(
                "no mapping of its rule fits {}: labels come from the cleaned header and defaults\n\
                    `fwupload rules test` shows which",
                counted(unmapped, "file")
            );
            tell("unmapped", text);
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let text = format!(
                "{}: a mapping gives a value that its field cannot hold, and nothing was set",
                counted(dropped, "file")
            );
            tell("values-dropped", text);
        }
    }
}

/// Which patients become which subject by rules.
#[derive(Debug, Default)]
pub struct SubjectsByRules(HashMap<String, Patients>);

impl SubjectsByRules {
    /// Notes that a file of a patient gets a subject.
    pub fn note(&mut self, subject: &str, identity: &Identity) {
        if let Some(patient) = Patient::of(identity) {
            self.note_patient(&LabelOf::Subject.label(subject), patient);
        }
    }

    /// The same for a label as it is sent. Gives whether the subject is that of several patients
    /// now.
    pub fn note_patient(&mut self, subject: &str, patient: Patient) -> bool {
        let patients = match self.0.get_mut(subject) {
            Some(patients) => patients,
            None => self
                .0
                .entry(subject.to_owned())
                .or_default(),
        };
        patients.add_patient(patient);
        patients.count() > 1
    }

    /// That rules make one subject of several patients, which was not asked for.
    pub fn several_patients(&self, plan: &UploadPlan) -> Option<Error> {
        let merged = self
            .0
            .values()
            .filter(|patients| patients.count() > 1)
            .count();
        (merged > 0 && !plan.packaging.merge_patients).then(|| merges(merged as u64))
    }
}

/// The error for rules that make subjects of several patients.
pub fn merges(subjects: u64) -> Error {
    let what = format!(
        "the rules would make {} of several patients",
        counted(subjects, "subject")
    );
    Error::new(RunCode::SeveralPatients, what).with_hint(
        "have the rules tell them apart: `fwupload rules test` shows which files get which \
            subject; `--merge-patients` if it is one person with several Patient IDs",
    )
}
