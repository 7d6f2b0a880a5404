//! Which files are taken by the rules and filters of a run, and what the rules make of them: asked of
//! every file before the first is sent, of its labels once it is cleaned.
//!
//! Owns that a file which cannot be judged fails, what was left out by which filter, and that rules
//! make no subject of several patients. What decides sees the original header, what is written only
//! the cleaned one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::discover::DiscoveredFile;
use crate::event::Severity;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::UploadPlan;
use crate::routing::{LabelOf, holds_a_date, texts_of};
use crate::rules::{Cleaned, LeftOut, Original, RuleNumber, TooLong, Verdict, fields_of, shown};
use crate::series::{Indexed, Patient, Patients, Placed};
use dicom_lossless::{Identity, Instance, Tag, character_set_of, text};
use import_rules::{ExtractError, Extracted, OriginalHeader};

use super::context::RunContext;
use super::guard::locked;
use super::outcomes::counted;

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0021);

/// The verdict over a file, as far as it needs no header.
///
/// # Errors
/// `route.rule-failed` for a pattern that would take too long.
pub fn judge_by_path(
    plan: &UploadPlan,
    file: &DiscoveredFile,
) -> Result<Option<Verdict>, FileFailure> {
    if plan.rules.is_empty() {
        return Ok(Some(Verdict::NoRules));
    }
    let fields = fields_of(&file.path, &file.relative(), file.len);
    plan.rules
        .judge_by_path(&fields)
        .map_err(too_long)
}

/// The verdict over a file by its path and, where it is DICOM, its original header.
///
/// # Errors
/// `route.rule-failed`.
pub fn judge(
    plan: &UploadPlan,
    file: &DiscoveredFile,
    instance: Option<&Instance>,
) -> Result<Verdict, FileFailure> {
    let fields = fields_of(&file.path, &file.relative(), file.len);
    let original = instance.map(Original::of);
    let original = original
        .as_ref()
        .map(|header| header as &dyn OriginalHeader);
    plan.rules
        .judge(&fields, original)
        .map_err(too_long)
}

/// The subject that rules give a file whatever its header says.
pub fn subject_by_path(
    plan: &UploadPlan,
    file: &DiscoveredFile,
    rule: RuleNumber,
) -> Option<String> {
    let fields = fields_of(&file.path, &file.relative(), file.len);
    plan.rules
        .subject_by_path(rule, &fields)
}

/// What is kept of an original instance until it is cleaned: what decides about packages and
/// patients, and nothing that is written.
pub struct BeforeCleaning {
    rule: RuleNumber,
    grouping: Option<Instance>,
    patient: Option<Patient>,
}

impl BeforeCleaning {
    /// Of a file that a rule takes.
    pub fn of(plan: &UploadPlan, file: &Indexed, instance: &Instance) -> Option<Self> {
        let rule = file.rule?;
        let groups = plan
            .rules
            .rule(rule)
            .is_some_and(import_rules::Rule::groups_by_header);
        let characters =
            character_set_of(&instance.header, &dicom_lossless::CharacterSet::default());
        let value = |tag| {
            let element = instance.get(tag)?;
            let text = text(element, instance.syntax.encoding, &characters)?;
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Some(Self {
            rule,
            grouping: groups.then(|| instance.clone()),
            patient: value(PATIENT_ID).map(|id| Patient::new(id, value(ISSUER_OF_PATIENT_ID))),
        })
    }

    /// What the rule makes of the file, once it is cleaned.
    ///
    /// # Errors
    /// `route.rule-failed`.
    pub fn place(
        self,
        context: &RunContext,
        file: &Indexed,
        header: Option<&Cleaned>,
    ) -> Result<Placed, FileFailure> {
        let plan = &context.plan;
        let fields = fields_of(&file.path, &file.relative(), file.file.len());
        let failed = |error: ExtractError| failed(self.rule, &error);
        let extracted = plan
            .rules
            .extract(self.rule, &fields, header)
            .map_err(failed)?;
        let original = self
            .grouping
            .as_ref()
            .map(Original::of);
        let original = original
            .as_ref()
            .map(|header| header as &dyn OriginalHeader);
        let group = plan
            .rules
            .group(self.rule, &fields, original, &extracted)
            .map_err(failed)?;
        context.placing.placed(&extracted);
        Ok(Placed {
            extracted,
            group,
            patient: self.patient,
        })
    }
}

/// Refuses what a rule takes from a path with a date in it: beside dates that were moved it would undo
/// that.
///
/// # Errors
/// `route.date-from-path`.
pub fn refuse_dates(plan: &UploadPlan, extracted: &Extracted) -> Result<(), FileFailure> {
    if !plan.rules.refuses_dates {
        return Ok(());
    }
    let dated = extracted
        .metadata
        .iter()
        .filter(|(_, field)| field.origin.is_from_path())
        .find(|(_, field)| {
            texts_of(&field.value)
                .iter()
                .any(|text| holds_a_date(text))
        });
    match dated {
        None => Ok(()),
        Some((target, _)) => {
            let detail = format!("in the {}", shown(target));
            Err(FileFailure::new(FileCode::RouteDateFromPath, detail))
        }
    }
}

fn too_long(what: TooLong) -> FileFailure {
    let detail = match what {
        TooLong::Filter(number) => {
            format!(
                "filter {} of the command line would take too long",
                number + 1
            )
        }
        TooLong::Rule(number) => format!("rule {}: a filter would take too long", number + 1),
    };
    FileFailure::new(FileCode::RouteRuleFailed, detail)
}

/// The failure of a file on which a rule cannot be carried out.
pub fn failed(rule: RuleNumber, error: &ExtractError) -> FileFailure {
    let detail = format!("rule {}: {error}", u32::from(rule) + 1);
    FileFailure::new(FileCode::RouteRuleFailed, detail)
}

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

    fn placed(&self, extracted: &Extracted) {
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
    pub fn tell(&self, context: &RunContext) {
        let filters = &context.plan.rules.filters;
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
            context
                .events
                .notice(Severity::Notice, code, text);
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
