//! Which files are taken by the rules and filters of a run, and what the rules make of them: asked of
//! every file before the first is sent, of its labels once it is cleaned.
//!
//! Owns that a file which cannot be judged fails. What decides sees the original header, what is
//! written only the cleaned one.

use crate::discover::DiscoveredFile;
use crate::failure::{FileCode, FileFailure};
use crate::plan::UploadPlan;
use crate::routing::{holds_a_date, texts_of};
use crate::rules::{Cleaned, Original, RuleNumber, TooLong, Verdict, fields_of, shown};
use crate::series::{Indexed, Patient, Placed};
use dicom_lossless::{CharacterSet, Instance, Tag, character_set_of, text};
use import_rules::{ExtractError, Extracted, FileFields, OriginalHeader};

use super::context::RunContext;

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0021);

/// A file that was found, as rules see it.
pub fn fields(file: &DiscoveredFile) -> FileFields {
    let inside = file.inside.is_some();
    fields_of(file.on_disk(), &file.relative(), file.len, inside)
}

fn fields_of_indexed(file: &Indexed) -> FileFields {
    let around = file.file.stored();
    let on_disk = around.map_or(file.path.as_path(), |around| around.outermost().path());
    let inside = around.is_some();
    fields_of(on_disk, &file.relative(), file.file.len(), inside)
}

/// The verdict over a file, as far as it needs no header.
///
/// # Errors
/// `route.rule-failed` for a pattern that would take too long.
pub fn judge_by_path(
    plan: &UploadPlan,
    fields: &FileFields,
) -> Result<Option<Verdict>, FileFailure> {
    plan.rules
        .judge_by_path(fields)
        .map_err(too_long)
}

/// The verdict over a file by its path and, where it is DICOM, its original header.
///
/// # Errors
/// `route.rule-failed`.
pub fn judge(
    plan: &UploadPlan,
    fields: &FileFields,
    instance: Option<&Instance>,
) -> Result<Verdict, FileFailure> {
    let original = instance.map(Original::of);
    let original = original
        .as_ref()
        .map(|header| header as &dyn OriginalHeader);
    plan.rules
        .judge(fields, original)
        .map_err(too_long)
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
        let characters = character_set_of(&instance.header, &CharacterSet::default());
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
        let fields = fields_of_indexed(file);
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
