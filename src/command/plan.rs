//! `fwupload plan`: the files of an upload, listed for several machines. Sends nothing and asks no
//! server.
//!
//! Owns what is said of it. It must never look into a header by itself: it walks as a run does.

use std::io::{self, Write};
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use crossbeam_channel::unbounded;

use crate::cli::{self, PlanArgs};
use crate::config::{Config, Environment};
use crate::credential::PseudonymKeySources;
use crate::discover::{Discovery, split_member};
use crate::event::Events;
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::pipeline::{self, Signals, Stop};
use crate::plan;
use crate::report::figures::{self, plural};
use crate::report::show_finding;
use crate::shard_plan::{NewPlan, PlanIndex, PlanSettings, WrittenFilter};
use dicom_lossless::display_path;

use super::runtime;

/// Makes a plan.
pub fn run(args: &PlanArgs, environment: &Environment) -> Result<ExitStatus, Error> {
    if args.table.extend_subjects {
        return Err(Error::usage(
            "`--extend-subjects` is for uploads, and a plan sends nothing",
            "extend the table with an upload, or leave out the plan: with `--shard` alone every \
                shard sees all files",
        ));
    }
    let config = Config::new(&cli::upload_to_plan(args)?, environment)?;
    let index = make(args, &config, environment)?;
    if !args.quiet {
        let _ = writeln!(io::stderr().lock(), "{}", summary(&index, &args.output));
    }
    Ok(ExitStatus::Success)
}

fn make(args: &PlanArgs, config: &Config, environment: &Environment) -> Result<PlanIndex, Error> {
    let unwritable = |error: &io::Error| {
        Error::new(
            RunCode::OutputUnwritable,
            format!("the plan cannot be written: {}", display_path(&args.output)),
        )
        .because(error.to_string())
    };
    let runtime = runtime()?;
    let stop = Stop::default();
    let signals = runtime.block_on(async { Signals::listen() })?;
    runtime.spawn(stop.clone().on_signals(signals));
    let of_upload = config.clone();
    let resolved = runtime.spawn(async move {
        // Nothing is cleaned, so that there is nothing to ask for and no key to find.
        plan::resolve(
            of_upload,
            None,
            &PseudonymKeySources::default(),
            &mut |_| false,
        )
        .await
    });
    let upload = runtime
        .block_on(resolved)
        .map_err(|error| {
            Error::new(RunCode::Internal, format!("nothing was resolved: {error}"))
        })??;
    let choices = plan::choices(config, &upload.rules)?;
    refuse_unfit(args, &upload.discovery)?;
    let new = NewPlan::begin(&args.output).map_err(|error| unwritable(&error))?;
    let (sender, said) = unbounded();
    let on_terminal = !args.quiet && environment.stderr_tty;
    let bar = std::thread::spawn(move || show_finding(&said, on_terminal));
    let events = Events::new(sender);
    let noted = pipeline::note_for_shards(upload, new, &events, &runtime, &stop);
    drop(events);
    // The bar is gone before anything else is said.
    let _ = bar.join();
    runtime.shutdown_background();
    let walk = &args.walk;
    let settings = PlanSettings {
        filters: args
            .filters
            .iter()
            .map(WrittenFilter::from)
            .collect(),
        follow: walk.follow,
        archives: walk.archives.word(),
        choices,
        made: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    let noted = noted?;
    if noted.studies() == 0 {
        let found = plural(noted.files(), "file");
        return Err(Error::new(
            RunCode::InputNothing,
            format!("nothing to upload: {found} found, none of them DICOM with a study"),
        ));
    }
    noted
        .finish(args.shards.into(), settings)
        .map_err(|error| unwritable(&error))
}

/// Inputs that a plan cannot list.
fn refuse_unfit(args: &PlanArgs, discovery: &Discovery) -> Result<(), Error> {
    let member = discovery
        .paths()
        .iter()
        .find(|path| !path.exists() && split_member(path).is_some());
    if let Some(member) = member {
        return Err(Error::usage(
            format!("a member of an archive is named: {}", display_path(member)),
            "name the archive: it goes as a whole to one shard",
        ));
    }
    match discovery.input_beside(&args.output) {
        Some(input) => Err(Error::usage(
            format!(
                "the folder of `--output` and an input lie one in the other: {}",
                display_path(input)
            ),
            "name a folder that is neither in an input nor around one",
        )
        .because("the lists would be read as further data")),
        None => Ok(()),
    }
}

fn summary(index: &PlanIndex, folder: &Path) -> String {
    let sizes = || {
        index
            .lists
            .iter()
            .map(|list| list.bytes)
    };
    let [all, least, most] = [Some(index.bytes), sizes().min(), sizes().max()]
        .map(|size| figures::bytes(size.unwrap_or_default()));
    let studies = match index.studies {
        1 => "1 study".to_owned(),
        studies => format!("{} studies", figures::count(studies)),
    };
    let of = index.lists.len();
    let empty = index
        .lists
        .iter()
        .filter(|list| list.files == 0)
        .count();
    let more = match empty {
        0 => String::new(),
        _ => format!(
            "\n{} empty: a study is not divided, and neither is an archive",
            match empty {
                1 => "1 list is".to_owned(),
                lists => format!("{lists} lists are"),
            }
        ),
    };
    format!(
        "{} of {studies}, {all}, in {} of {least} to {most}{more}\n\
            each shard: fwupload --from-plan {} --shard I/{of} --project GROUP/PROJECT",
        plural(index.files, "file"),
        plural(of as u64, "list"),
        display_path(folder),
    )
}
