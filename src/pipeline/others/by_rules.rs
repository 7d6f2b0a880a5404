//! What rules and filters say of files that are not DICOM.
//!
//! Owns that a rule which takes such a file has to allow that nothing cleans it.

use std::sync::Arc;

use crate::discover::{DiscoveredFile, SkipReason};
use crate::event::FileOutcome;
use crate::failure::{FileCode, FileFailure};
use crate::plan::UploadPlan;
use crate::routing::{self, ForcedLabels};
use crate::rules::{LeftOut, RuleNumber, Verdict};
use flywheel_client::Fields;
use import_rules::{FileFields, GroupKey, RuleType};

use super::super::context::RunContext;
use super::super::guard::guarded;
use super::super::placing;
use super::super::target::TargetContainer;

/// Where the rule that takes a file puts it.
pub struct PlacedOther {
    /// The container.
    pub target: TargetContainer,
    /// What it is called by the rule.
    pub name: Option<String>,
    /// What else is said of it.
    pub fields: Fields,
    /// What is packed into one zip with it, and whether alone too.
    pub zip: Option<(GroupKey, bool)>,
}

/// Takes what rules and filters take of files that are not DICOM, and settles the rest. What rules
/// say nothing of goes where the DICOM beside it goes.
pub fn judged(
    context: &RunContext,
    files: Vec<DiscoveredFile>,
) -> Vec<(DiscoveredFile, Option<PlacedOther>)> {
    let RunContext { plan, outcomes, .. } = context;
    if plan.rules.is_empty() {
        return files
            .into_iter()
            .map(|file| (file, None))
            .collect();
    }
    let speak_of_others = plan.rules.speak_of_other_files();
    let mut taken = Vec::new();
    for file in files {
        let fields = placing::fields(&file);
        let verdict = guarded(|| placing::judge(plan, &fields, None));
        let placed = match verdict {
            Ok(Verdict::LeftOut(by)) if speak_of_others || matches!(by, LeftOut::ByFilter(_)) => {
                context.placing.left_out(by);
                let outcome = FileOutcome::Skipped(SkipReason::Filtered);
                outcomes.settle_path(&Arc::new(file.path), file.len, outcome);
                continue;
            }
            Ok(Verdict::Rule(number))
                if plan
                    .rules
                    .rule(number)
                    .is_some_and(|rule| *rule.kind() != RuleType::Dicom) =>
            {
                guarded(|| place(plan, &fields, number)).map(Some)
            }
            Ok(_) => Ok(None),
            Err(failure) => Err(failure),
        };
        match placed {
            Ok(placed) => taken.push((file, placed)),
            Err(failure) => {
                let outcome = FileOutcome::Failed(failure);
                outcomes.settle_path(&Arc::new(file.path), file.len, outcome);
            }
        }
    }
    taken
}

fn place(
    plan: &UploadPlan,
    fields: &FileFields,
    number: RuleNumber,
) -> Result<PlacedOther, FileFailure> {
    let unknown = || FileFailure::new(FileCode::RouteUnclear, "");
    let rule = plan
        .rules
        .rule(number)
        .ok_or_else(unknown)?;
    if !rule.allows_uncleaned() {
        let detail = format!("rule {}", u32::from(number) + 1);
        return Err(FileFailure::new(FileCode::RouteUncleaned, detail));
    }
    let failed = |error| placing::failed(number, &error);
    let extracted = plan
        .rules
        .extract(number, fields, None)
        .map_err(failed)?;
    let group = plan
        .rules
        .group(number, fields, None, &extracted)
        .map_err(failed)?;
    let packaging = &plan.packaging;
    let forced = ForcedLabels {
        subject: packaging.subject.as_deref(),
        session: packaging.session.as_deref(),
        acquisition: None,
    };
    let to = routing::by_rules(&extracted, rule.level(), forced)?;
    placing::refuse_dates(plan, &extracted)?;
    Ok(PlacedOther {
        target: TargetContainer::at(rule.level(), to.destination),
        name: to.name,
        fields: to.fields,
        zip: group
            .filter(|_| rule.zips())
            .map(|group| (group, rule.zip_single() == Some(true))),
    })
}
