//! The stage that routes: which instances of a series go to which container, and what they are packed
//! as.
//!
//! Owns the rule that instances whose subject or session differ, or that a table or rules give
//! different acquisitions, never end up in one package, and that nothing said of an instance holds a
//! value that was removed from it.

use std::collections::HashMap;

use crate::event::{FileOutcome, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::package;
use crate::routing::{self, ByRules, ForcedLabels};
use crate::series::{CleanFile, Placed};
use crate::subjects::GivenLabels;
use dicom_deid::Finding;
use flywheel_client::{Destination, Fields};
use import_rules::{GroupKey, Level, Rule};

use super::context::RunContext;
use super::guard::locked;
use super::outcomes::stopped;
use super::target::TargetContainer;
use super::{placing, placing_counts};

/// Instances of a series that go to the same container, in one package.
pub struct Routed {
    /// Where they go.
    pub destination: Destination,
    /// The instances.
    pub members: Vec<CleanFile>,
    /// What rules say of the package.
    pub by_rules: PackageRules,
}

impl Routed {
    /// The labels of the containers that lead to it, as they are sent.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let Destination {
            subject,
            session,
            acquisition,
        } = &self.destination;
        [&subject.label, &session.label, &acquisition.label]
            .into_iter()
            .map(String::as_str)
            .filter(|label| !label.is_empty())
    }
}

/// What rules say of a package.
#[derive(Debug, Clone, Default)]
pub struct PackageRules {
    /// The level of the container that it goes to.
    pub level: Level,
    /// What it is called; none where the acquisition names it.
    pub name: Option<String>,
    /// What stands behind the acquisition's label in its name.
    pub suffix: String,
    /// A single instance travels by itself.
    pub bare_single: bool,
    /// What the members are called, in their order, where rules say.
    pub member_names: Option<Vec<String>>,
    /// What else is said of the package.
    pub fields: Fields,
}

/// What tells packages of a series apart.
#[derive(PartialEq, Eq, Hash)]
struct PackageKey {
    subject: String,
    session: String,
    study: Option<String>,
    /// Where a table or rules name it; else all of the series goes to one.
    acquisition: Option<(String, Option<String>)>,
    group: Option<GroupKey>,
}

/// An instance with where it goes.
struct Destined {
    to: ByRules,
    level: Level,
    member_name: Option<String>,
    findings: Vec<Finding>,
}

/// Groups the instances of a series by destination, which they mostly share.
pub fn route(context: &RunContext, kept: Vec<CleanFile>) -> Vec<Routed> {
    let mut known: HashMap<PackageKey, usize> = HashMap::new();
    let mut all: Vec<(Routed, Vec<Option<String>>)> = Vec::new();
    let mut differ = false;
    for mut file in kept {
        let destined = match destination(context, &file) {
            Ok(destined) => destined,
            Err(failure) => {
                context
                    .outcomes
                    .settle(&file.source, FileOutcome::Failed(failure));
                continue;
            }
        };
        context
            .outcomes
            .report_findings(&file.source, &destined.findings);
        let key = key(context, &mut file, &destined);
        let is_localizer = key
            .group
            .as_ref()
            .is_some_and(GroupKey::is_localizer);
        let at = *known
            .entry(key)
            .or_insert(all.len());
        match all.get_mut(at) {
            Some((routed, names)) => {
                differ |= keep_common(routed, &destined.to);
                names.push(destined.member_name);
                routed.members.push(file);
            }
            None => all.push(package(context, file, destined, is_localizer)),
        }
    }
    if differ {
        let text = "fields of the rules on which the files of a package do not agree are left out";
        context
            .events
            .notice(Severity::Warning, "fields-differ", text.to_owned());
    }
    let mut all: Vec<_> = all
        .into_iter()
        .filter_map(|(routed, names)| name_members(context, routed, names))
        .collect();
    number(&mut all);
    all
}

fn key(context: &RunContext, file: &mut CleanFile, destined: &Destined) -> PackageKey {
    let Destination {
        subject,
        session,
        acquisition,
    } = &destined.to.destination;
    let given = given(context, file)
        .acquisition
        .clone();
    let acquisition = match &file.placed {
        Some(_) => Some((acquisition.label.clone(), acquisition.uid.clone())),
        None => given.map(|label| (label, None)),
    };
    PackageKey {
        subject: subject.label.clone(),
        session: session.label.clone(),
        study: session.uid.clone(),
        acquisition,
        group: file
            .placed
            .as_mut()
            .and_then(|placed| placed.group.take()),
    }
}

fn package(
    context: &RunContext,
    file: CleanFile,
    destined: Destined,
    is_localizer: bool,
) -> (Routed, Vec<Option<String>>) {
    let Destined {
        to,
        level,
        member_name,
        ..
    } = destined;
    let rule = rule_of(context, &file);
    let by_rules = PackageRules {
        level,
        name: to.name,
        suffix: if is_localizer {
            "_localizer".to_owned()
        } else {
            String::new()
        },
        bare_single: rule.is_some_and(|rule| rule.zip_single() == Some(false)),
        member_names: None,
        fields: to.fields,
    };
    let routed = Routed {
        destination: to.destination,
        members: vec![file],
        by_rules,
    };
    (routed, vec![member_name])
}

fn rule_of<'a>(context: &'a RunContext, file: &CleanFile) -> Option<&'a Rule> {
    context
        .plan
        .rules
        .rule(file.source.rule?)
}

/// Leaves of what is said of a package alone what holds for one more instance too. Gives whether
/// anything went.
fn keep_common(routed: &mut Routed, other: &ByRules) -> bool {
    let (to, with) = (&mut routed.destination, &other.destination);
    let mut differ = routed
        .by_rules
        .fields
        .keep_common(&other.fields);
    differ |= to
        .subject
        .fields
        .keep_common(&with.subject.fields);
    differ |= to
        .session
        .fields
        .keep_common(&with.session.fields);
    differ |= to
        .acquisition
        .fields
        .keep_common(&with.acquisition.fields);
    if routed.by_rules.name != other.name {
        differ |= routed
            .by_rules
            .name
            .take()
            .is_some();
    }
    differ
}

/// Gives the members of a package the names that rules have for them. Those that would share one
/// fail: which is meant by it could not be told.
fn name_members(
    context: &RunContext,
    mut routed: Routed,
    names: Vec<Option<String>>,
) -> Option<Routed> {
    let names: Option<Vec<String>> = names.into_iter().collect();
    let Some(names) = names else {
        return Some(routed);
    };
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *count.entry(name).or_default() += 1;
    }
    let is_single = |name: &str| count.get(name) == Some(&1);
    let (mut members, mut kept) = (Vec::new(), Vec::new());
    for (file, name) in routed
        .members
        .into_iter()
        .zip(&names)
    {
        if is_single(name) {
            members.push(file);
            kept.push(name.clone());
        } else {
            let detail = "several instances of a package get one name by `dicom_instance_name`";
            let failure = FileFailure::new(FileCode::RouteRuleFailed, detail);
            context
                .outcomes
                .settle(&file.source, FileOutcome::Failed(failure));
        }
    }
    routed.members = members;
    routed.by_rules.member_names = Some(kept);
    (!routed.members.is_empty()).then_some(routed)
}

/// Packages of one container would have one name: what rules keep apart is numbered, localizers say
/// what they are.
fn number(all: &mut [Routed]) {
    let mut taken: HashMap<(Level, Vec<String>, String), usize> = HashMap::new();
    for routed in all {
        let PackageRules {
            level,
            name,
            suffix,
            ..
        } = &mut routed.by_rules;
        let to = TargetContainer::at(*level, routed.destination.clone());
        let name = match name {
            Some(name) => name.clone(),
            None => format!("{}{suffix}", routed.destination.acquisition.label),
        };
        let number = taken
            .entry((*level, to.keys(false), name))
            .or_default();
        *number += 1;
        if *number > 1 {
            *suffix = format!("{suffix}-{number}");
        }
    }
}

/// What the table of subjects gives a file.
fn given<'p>(context: &'p RunContext, file: &CleanFile) -> &'p GivenLabels {
    context.plan.given(file.source.row)
}

/// Where an instance belongs, if all that is said of it there is free of values that were removed
/// from it.
fn destination(context: &RunContext, file: &CleanFile) -> Result<Destined, FileFailure> {
    let (instance, packaging) = (&file.instance, &context.plan.packaging);
    let given = given(context, file);
    let forced = ForcedLabels {
        subject: given
            .subject
            .as_deref()
            .or(packaging.subject.as_deref()),
        session: given
            .session
            .as_deref()
            .or(packaging.session.as_deref()),
        acquisition: given.acquisition.as_deref(),
    };
    let (to, level, member_name) = match &file.placed {
        None => {
            let to = ByRules {
                destination: routing::destination(instance.routing(), forced)?,
                name: None,
                fields: Fields::default(),
            };
            (to, Level::Acquisition, None)
        }
        Some(placed) => {
            let level = rule_of(context, file).map_or(Level::Acquisition, Rule::level);
            let to = routing::by_rules(&placed.extracted, level, forced)?;
            placing::refuse_dates(&context.plan, &placed.extracted)?;
            refuse_several_patients(context, placed, &to, forced)?;
            let name = placed
                .extracted
                .member_name
                .as_ref()
                .map(|name| routing::file_name(&name.to_text()));
            (to, level, name)
        }
    };
    let modality = routing::modality(instance.routing());
    let name = member_name
        .clone()
        .unwrap_or_else(|| package::member_name(instance));
    let mut said = to.texts();
    said.extend([
        ("the name of the file".to_owned(), name),
        ("the modality of the file".to_owned(), modality),
    ]);
    let said = said
        .iter()
        .map(|(what, text)| (what.as_str(), text.as_str()));
    let findings = instance
        .check_texts(said)
        .map_err(|error| {
            let failure = FileFailure::from(error);
            if file.placed.is_some() && failure.code == FileCode::ResidualLeft {
                FileFailure::new(FileCode::RouteIdentifierInLabel, failure.detail)
            } else {
                failure
            }
        })?;
    Ok(Destined {
        to,
        level,
        member_name,
        findings,
    })
}

/// Labels that rules make of cleaned headers are known only now: where one subject would be that of
/// several patients, the run ends before a file of the second is sent.
fn refuse_several_patients(
    context: &RunContext,
    placed: &Placed,
    to: &ByRules,
    forced: ForcedLabels<'_>,
) -> Result<(), FileFailure> {
    let Some(patient) = placed.patient.clone().filter(|_| {
        forced.subject.is_none()
            && !context
                .plan
                .packaging
                .merge_patients
    }) else {
        return Ok(());
    };
    let subject = &to.destination.subject.label;
    if subject.is_empty() || !locked(&context.subjects).note_patient(subject, patient) {
        return Ok(());
    }
    context
        .stop
        .because(placing_counts::merges(1));
    Err(stopped())
}
