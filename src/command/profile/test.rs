//! `fwupload profile test`: files cleaned on this machine, to see what a profile does to them. Asks
//! no server.
//!
//! Owns the order of processing: files keep the order in which they were found, memory is bounded
//! by batches, and one file's failure never stops the others. Values are shown only on a terminal,
//! and only on request.

mod output;
mod trial;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::TestArgs;
use crate::config::{self, Environment};
use crate::discover::{Discovery, lie_one_in_the_other};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::package::Names;
use crate::pictures::Pictures;
use crate::pipeline;
use crate::plan;
use crate::report::Paths;
use dicom_deid::Cleaner;
use dicom_lossless::{Limits, display_path};

use super::super::batches::{batches, found};
use super::super::remark;
use super::super::trial_key;
use super::inputs;
use super::selection::{SelectedProfile, named};
use output::{JsonOutput, TextOutput, TrialOutput};
use trial::{Trial, TrialTotals};

/// Cleans every file and reports what became of it.
pub fn run(args: &TestArgs, environment: &Environment) -> Result<ExitStatus, Error> {
    let paths = Paths::new(args.redact_paths, &args.named_paths())?;
    clean(args, environment, &paths).map_err(|error| paths.redact_error(&error))
}

fn clean(args: &TestArgs, environment: &Environment, paths: &Paths) -> Result<ExitStatus, Error> {
    values_can_be_shown(args, environment)?;
    let limits = Limits {
        header_bytes: config::max_header(args.max_header.as_deref())?,
        ..Limits::default()
    };
    let mut selected = named(&args.profile)?;
    let loosened =
        plan::override_residual(&mut selected.profile, args.residual.map(config::on_leak));
    let key = trial_key::of(&selected.profile, &args.pseudonym_key)?;
    let discovery = Discovery::prepare(inputs(&args.paths, &args.folders), &mut io::empty())?;
    let pool = pipeline::workers(config::jobs(args.jobs, environment)?)?;
    if let Some(folder) = &args.output {
        new_or_empty(folder)?;
    }
    let fingerprint = key
        .as_ref()
        .map(|(key, _)| key.fingerprint());
    let of_pseudonyms = key
        .as_ref()
        .map(|(key, _)| key.clone());
    let mut cleaner = Cleaner::new(&selected.profile, of_pseudonyms, limits)?;
    let pictures = pictures(args, &discovery)?;
    if let Some(pictures) = pictures.clone() {
        cleaner = cleaner.showing(pictures);
    }
    let trial = Trial {
        cleaner,
        pictures,
        limits,
        values: args.show_values,
        folder: args.output.clone(),
    };
    let actions = selected
        .profile
        .dicom
        .action_names()
        .collect();
    let shown = paths.clone();
    let mut output: Box<dyn TrialOutput> = if args.json {
        Box::new(JsonOutput {
            paths: shown,
            actions,
        })
    } else {
        Box::new(TextOutput {
            paths: shown,
            actions,
        })
    };
    output.start(&selected, fingerprint.as_deref())?;
    notes(&selected);
    let warning = trial
        .pictures
        .as_ref()
        .map(|pictures| pictures.warning());
    for note in loosened
        .into_iter()
        .chain(warning)
        .map(|announcement| announcement.text)
        .chain(key.map(|(key, origin)| trial_key::about(&key, &origin)))
    {
        remark(&paths.redact_text(&note));
    }
    let (mut names, mut totals) = (Names::default(), TrialTotals::default());
    for batch in batches(found(&discovery)) {
        for result in pool.install(|| trial.batch(batch, &mut names)) {
            totals.count(&result);
            output.file(&result)?;
        }
    }
    for notice in trial
        .pictures
        .iter()
        .flat_map(|pictures| pictures.outcome())
    {
        remark(&paths.redact_text(&notice.text));
    }
    let status = totals.status();
    output.end(&totals, status)?;
    if status == ExitStatus::Nothing {
        return Err(Error::new(
            RunCode::InputNothing,
            format!("nothing to clean: {}", totals.sentence()),
        )
        .with_hint("check the paths and filters"));
    }
    Ok(status)
}

/// The folder for pictures, apart from what is read and from what is written cleaned.
fn pictures(args: &TestArgs, discovery: &Discovery) -> Result<Option<Arc<Pictures>>, Error> {
    let Some(folder) = &args.pictures else {
        return Ok(None);
    };
    let in_output = args
        .output
        .as_ref()
        .filter(|output| lie_one_in_the_other(output, folder));
    if let Some(other) = discovery
        .input_beside(folder)
        .or(in_output.map(PathBuf::as_path))
    {
        let what = format!(
            "the folder of `--pictures` and what is read or written lie one in the other: {}",
            display_path(other)
        );
        return Err(Error::usage(what, "name a folder for the pictures alone"));
    }
    Pictures::open(folder, args.redact_paths).map(|pictures| Some(Arc::new(pictures)))
}

/// What the profile does not do, for people.
fn notes(selected: &SelectedProfile) {
    selected
        .profile
        .notes
        .iter()
        .for_each(|note| remark(note));
    if selected.profile.is_empty() {
        remark("this profile changes nothing: what comes out identifies as much as what went in");
    }
}

/// Values are shown on a terminal only, never in a pipe or a log.
fn values_can_be_shown(args: &TestArgs, environment: &Environment) -> Result<(), Error> {
    let why = match args {
        TestArgs {
            show_values: false, ..
        } => return Ok(()),
        TestArgs { json: true, .. } => "`--json` is for programs and their logs",
        _ if !environment.stdout_tty => {
            "standard output is not a terminal, and what is shown would be kept somewhere"
        }
        _ => return Ok(()),
    };
    Err(Error::usage(
        "`--show-values` shows protected health information and works on a terminal only",
        "leave out `--show-values`, or run the command on a terminal",
    )
    .because(why))
}

fn new_or_empty(folder: &Path) -> Result<(), Error> {
    let check = || {
        std::fs::create_dir_all(folder)?;
        if std::fs::read_dir(folder)?
            .next()
            .is_some()
        {
            return Err(io::Error::other(
                "it is not empty, and what is there may not be cleaned",
            ));
        }
        tempfile::tempfile_in(folder).map(drop)
    };
    check().map_err(|error| Error::from(RunCode::OutputUnwritable).because(error.to_string()))
}
