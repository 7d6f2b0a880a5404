//! `fwupload rules test`: what rules make of the files on this machine. Sends nothing and asks no
//! server.
//!
//! Owns the order of processing: files are shown by their paths, memory is bounded by batches, and
//! one file's failure never stops the others. Values of headers are those that cleaning left, unless
//! the user asked for headers as they are.

mod coverage;
mod output;
mod tested_file;
mod trial;

use std::io;

use rayon::prelude::*;

use crate::cli::{FolderArgs, OtherFiles, RulesTestArgs};
use crate::config::{self, Environment};
use crate::discover::{Discovery, Inputs};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::pipeline;
use crate::plan;
use crate::rules::{self, Rules, local_zone};
use dicom_deid::Cleaner;
use dicom_lossless::Limits;
use import_rules::{RuleSet, RuleType, Settings};

use super::super::batches::{batches, found};
use super::super::profile::selection::{SelectedProfile, named};
use super::super::{remark, say, trial_key, warn};
use coverage::Coverage;
use output::{EachFile, Grouped, JsonLines, TestOutput};
use tested_file::relative;
use trial::{Headers, RulesTrial};

/// Tries rules on files and reports what became of each.
pub fn run(args: &RulesTestArgs, environment: &Environment) -> Result<ExitStatus, Error> {
    let limits = Limits {
        header_bytes: config::max_header(args.max_header.as_deref())?,
        ..Limits::default()
    };
    let mut rules = rules(args).or_else(|error| refused(error, args.json))?;
    if args.profile.is_some() && args.headers_as_they_are {
        return Err(Error::usage(
            "`--profile` and `--headers-as-they-are` exclude each other",
            "leave out one of the two",
        ));
    }
    let profile = args
        .profile
        .as_deref()
        .map(named)
        .transpose()?;
    if let Some(selected) = &profile {
        let rules = &mut rules;
        plan::refuse_dates(rules, &selected.profile).or_else(|error| refused(error, args.json))?;
    } else if !args.headers_as_they_are {
        needs_no_header(&rules)?;
    }
    let discovery = Discovery::prepare(inputs(&args.paths, &args.folders), &mut io::empty())?;
    let pool = pipeline::workers(config::jobs(args.jobs, environment)?)?;
    let trial = RulesTrial {
        headers: headers(args, profile, limits)?,
        limits,
        roots: discovery.paths().to_vec(),
        rules,
    };
    notes(&trial.rules);
    let mut output: Box<dyn TestOutput> = match (args.json, args.all) {
        (true, _) => Box::new(JsonLines),
        (false, true) => Box::new(EachFile::new(&trial.rules)),
        (false, false) => Box::new(Grouped::new(&trial.rules)),
    };
    let mut coverage = Coverage::new(&trial.rules, args.merge_patients);
    let mut files = found(&discovery);
    files.sort_by_cached_key(|file| relative(file, &trial.roots).into_bytes());
    for batch in batches(files) {
        let tested: Vec<_> = pool.install(|| {
            batch
                .into_par_iter()
                .map(|file| trial.test(file))
                .collect()
        });
        for file in &tested {
            coverage.count(file);
            output.file(file)?;
        }
    }
    output.end(&coverage)?;
    if coverage.files() == 0 {
        return Err(Error::new(RunCode::InputNothing, "no file was found")
            .with_hint("check the paths and globs"));
    }
    Ok(coverage.status())
}

/// The rules and filters, checked.
fn rules(args: &RulesTestArgs) -> Result<Rules, Error> {
    let set = rules::read(&args.rules)?.set;
    plan::refuse_ids(&set, Some(&args.rules))?;
    let filters = config::filters(&args.fields)?;
    let mut rules = Rules {
        filters: filters.into(),
        settings: Settings {
            folder_labels: args.folder_labels || set.folder_labels() == Some(true),
            zone: local_zone(),
        },
        ..Rules::default()
    };
    rules.dates_from_path = set.dates_from_path() == Some(true);
    rules.set = Some(set);
    Ok(rules)
}

/// Rules that are refused, told to programs too.
fn refused<T>(error: Error, json: bool) -> Result<T, Error> {
    if json && error.code == RunCode::RulesInvalid {
        let why = error.why.join("\n");
        say(&serde_json::json!({ "refused": why }).to_string())?;
    }
    Err(error)
}

/// Where values come from headers, it has to be said which headers.
fn needs_no_header(rules: &Rules) -> Result<(), Error> {
    let of_dicom = rules
        .set
        .iter()
        .flat_map(RuleSet::rules)
        .position(|rule| *rule.kind() == RuleType::Dicom);
    of_dicom.map_or(Ok(()), |number| {
        Err(Error::usage(
            format!(
                "rule {} is for DICOM files, and no profile is named to clean them under",
                number + 1
            ),
            "add `--profile NAME` or `--profile FILE`; or `--headers-as-they-are`, which shows \
                original values",
        ))
    })
}

/// The headers that values come from, with what the user should know of them.
fn headers(
    args: &RulesTestArgs,
    selected: Option<SelectedProfile>,
    limits: Limits,
) -> Result<Headers, Error> {
    let Some(SelectedProfile { mut profile, .. }) = selected else {
        if !args.headers_as_they_are {
            return Ok(Headers::None);
        }
        warn(
            "values come from headers as they were found, so what is shown may identify patients; \
                nothing is sent",
        );
        return Ok(Headers::AsFound);
    };
    let loosened = plan::override_residual(&mut profile, args.residual.map(config::on_leak));
    let key = trial_key::of(&profile, &args.pseudonym_key)?;
    let of_pseudonyms = key
        .as_ref()
        .map(|(key, _)| key.clone());
    let cleaner = Cleaner::new(&profile, of_pseudonyms, limits)?.keeping_headers();
    profile
        .notes
        .iter()
        .for_each(|note| remark(note));
    if profile.is_empty() {
        warn("this profile changes nothing: what is shown may identify patients");
    }
    for note in loosened
        .map(|announcement| announcement.text)
        .into_iter()
        .chain(key.map(|(key, origin)| trial_key::about(&key, &origin)))
    {
        remark(&note);
    }
    Ok(Headers::Cleaned {
        cleaner: Box::new(cleaner),
        changes_dates: profile.dicom.changes_dates(),
    })
}

/// What a reader of the rules may be mistaken about, and what an upload would announce.
fn notes(rules: &Rules) {
    for note in rules
        .set
        .iter()
        .flat_map(RuleSet::notes)
    {
        let place = note.position;
        remark(&format!(
            "rules, line {}, column {}: {}",
            place.line, place.column, note.message
        ));
    }
    let from_paths = rules.labels_from_paths();
    if !from_paths.is_empty() {
        remark(&format!(
            "taken from the paths of files, as they are: {}",
            from_paths.join(", ")
        ));
    }
}

/// What is read: files that are not DICOM too, since rules may be for them.
fn inputs(paths: &[std::path::PathBuf], folders: &FolderArgs) -> Inputs {
    Inputs {
        paths: paths.to_vec(),
        filters: folders.filters.clone(),
        follow: folders.follow,
        other_files: OtherFiles::Upload,
        ..Inputs::default()
    }
}
