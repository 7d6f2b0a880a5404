//! The rules of a run: read, held against the profile that governs, and announced.

use std::path::Path;

use import_rules::{Rule, RuleSet, Settings, Target};
use sha2::{Digest, Sha256};

use crate::config::{Config, Packaging};
use crate::event::Notice;
use crate::failure::{Error, RunCode};
use crate::rules::{self, Rules, local_zone};
use dicom_deid::profile::Profile;
use dicom_lossless::display_path;

/// Fields that are not sent: the project is that of `--project`, tags are taken of subjects and files
/// alone where they are made, and the server says the rest itself.
const NOT_APPLIED: [&str; 13] = [
    "external_routing_id",
    "group.",
    "project.",
    "subject.routing_field",
    "session.routing_field",
    "acquisition.routing_field",
    "session.tags",
    "acquisition.tags",
    "file.path",
    "file.provider_id",
    "file.reference",
    "file.size",
    "file.",
];
/// Fields of files that are applied all the same.
const OF_FILES: [&str; 6] = [
    "file.name",
    "file.type",
    "file.tags",
    "file.modality",
    "file.info.",
    "file.classification.",
];
/// Containers that are meant by their ids, whatever their labels.
const IDS: [&str; 3] = ["subject._id", "session._id", "acquisition._id"];

/// Reads the rules of a run.
///
/// # Errors
/// `rules.invalid`, [`Error::usage`] for a mapping that is none.
pub fn read(config: &Config) -> Result<Rules, Error> {
    let packaging = &config.packaging;
    let file = packaging
        .placing
        .rules
        .as_deref()
        .map(rules::read)
        .transpose()?;
    let identity = identity(
        file.as_ref()
            .map(|file| file.text.as_str()),
        packaging,
    );
    let set = match file {
        Some(file) => Some(file.set),
        None => of_flags(packaging)?,
    };
    if let Some(set) = &set {
        refuse_ids(set, packaging.placing.rules.as_deref())?;
    }
    let says = |says: fn(&RuleSet) -> Option<bool>| set.as_ref().and_then(says) == Some(true);
    Ok(Rules {
        associations: config.input.associations.clone(),
        filters: std::sync::Arc::clone(&config.input.filters),
        settings: Settings {
            folder_labels: packaging.placing.folder_labels || says(RuleSet::folder_labels),
            zone: local_zone(),
        },
        dates_from_path: says(RuleSet::dates_from_path),
        refuses_dates: false,
        identity,
        set,
    })
}

/// What stands for the rules in the journal: another text may place the same file elsewhere.
fn identity(file: Option<&str>, packaging: &Packaging) -> String {
    let mut digest = Sha256::new();
    digest.update(file.unwrap_or_default());
    for text in &packaging.placing.map {
        digest.update(text);
        digest.update([0]);
    }
    digest.update([u8::from(packaging.placing.folder_labels)]);
    hex::encode(digest.finalize())
}

/// The rule that flags make.
fn of_flags(packaging: &Packaging) -> Result<Option<RuleSet>, Error> {
    if packaging.placing.map.is_empty() && !packaging.placing.folder_labels {
        return Ok(None);
    }
    let rule = Rule::from_mappings(
        packaging
            .placing
            .map
            .iter()
            .map(String::as_str),
    )
    .map_err(|refusal| {
        let hint = refusal
            .hint
            .unwrap_or_else(|| "such as `--map 'path={subject}/{session}/*'`".to_owned());
        Error::usage(format!("`--map`: {}", refusal.message), hint)
    })?;
    Ok(Some(rule.into()))
}

/// A container by its id would be taken whatever its labels are, and be another project's too.
///
/// # Errors
/// `rules.invalid`.
pub fn refuse_ids(set: &RuleSet, file: Option<&Path>) -> Result<(), Error> {
    let by_id = fields_of(set)
        .into_iter()
        .find(|name| IDS.contains(&name.as_str()));
    let Some(name) = by_id else { return Ok(()) };
    let what = match file {
        Some(path) => format!("the rules cannot be used: {}", display_path(path)),
        None => "the mapping cannot be used".to_owned(),
    };
    Err(Error::new(RunCode::RulesInvalid, what)
        .because(format!("`{name}` names a container by its id"))
        .with_hint("give its label: containers are found by label and UID"))
}

fn fields_of(set: &RuleSet) -> Vec<String> {
    let mut names: Vec<_> = set
        .rules()
        .iter()
        .flat_map(Rule::fields_set)
        .map(|target| target.name())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Holds rules against the profile: beside dates that were moved or removed, one from a path would
/// undo that.
///
/// # Errors
/// `rules.invalid`.
pub fn refuse_dates(rules: &mut Rules, profile: &Profile) -> Result<(), Error> {
    if rules.dates_from_path || !profile.dicom.changes_dates() {
        return Ok(());
    }
    rules.refuses_dates = true;
    let times = rules
        .set
        .iter()
        .flat_map(RuleSet::rules)
        .enumerate()
        .find_map(|(number, rule)| {
            let fields = rule.fields_read_from_path();
            let time = fields
                .into_iter()
                .find(Target::is_timestamp)?;
            Some((number, time))
        });
    let Some((number, time)) = times else {
        return Ok(());
    };
    Err(Error::new(
        RunCode::RulesInvalid,
        "the rules take times from paths, and the profile changes dates",
    )
    .because(format!(
        "rule {} maps {} from the path",
        number + 1,
        time.name()
    ))
    .with_hint(
        "leave it to the cleaned header, or say `dates-from-path: true` in the rules if the dates \
            of the paths may be known",
    ))
}

/// Whether rules may give a subject where the cleaned header has none.
pub fn give_subjects(rules: &Rules) -> bool {
    rules.settings.folder_labels
        || rules
            .set
            .iter()
            .flat_map(RuleSet::rules)
            .flat_map(Rule::fields_set)
            .any(|target| target.name() == "subject.label")
}

/// What the user should know of the rules before anything is sent.
pub fn announcements(
    rules: &Rules,
    packaging: &Packaging,
    profile: Option<&Profile>,
) -> Vec<Notice> {
    let Some(set) = &rules.set else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if packaging.placing.rules.is_some() {
        let count = match set.rules().len() {
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        };
        let text = format!(
            "files are placed by {count} of `--rules` (digest {})",
            rules
                .identity
                .get(..16)
                .unwrap_or_default()
        );
        all.push(Notice::fact("rules", text));
    }
    let from_paths = rules.labels_from_paths();
    if !from_paths.is_empty() {
        let text = format!(
            "taken from the paths of files, as they are: {}",
            from_paths.join(", ")
        );
        all.push(Notice::fact("labels-from-paths", text));
    }
    let changes_dates = profile.is_some_and(|profile| profile.dicom.changes_dates());
    if rules.dates_from_path && changes_dates {
        let text = "the rules let dates of paths pass (`dates-from-path`), though the profile \
            changes dates: they may undo that";
        all.push(Notice::warning("dates-from-paths", text.to_owned()));
    }
    let not_applied: Vec<_> = fields_of(set)
        .into_iter()
        .filter(|name| {
            NOT_APPLIED
                .iter()
                .any(|field| name.starts_with(field))
                && !OF_FILES
                    .iter()
                    .any(|field| name.starts_with(field))
        })
        .collect();
    if !not_applied.is_empty() {
        let text = format!(
            "fields of the rules that are not applied: {} (all goes to the project of `--project`)",
            not_applied.join(", ")
        );
        all.push(Notice::fact("rules-not-applied", text));
    }
    all.extend(set.notes().iter().map(|note| {
        let text = format!(
            "rules, line {}, column {}: {}",
            note.position.line, note.position.column, note.message
        );
        Notice::fact("rules-note", text)
    }));
    all
}
