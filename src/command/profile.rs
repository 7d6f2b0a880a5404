//! `fwupload profile`: profiles listed, shown, checked, converted, compared and tried out.
//!
//! Owns the output of these commands. What a profile means and does is for `dicom_deid`. It must
//! never send anything.

mod convert;
mod diff;
#[cfg(test)]
mod example_profiles;
mod explain;
mod key;
mod layout;
mod lint;
mod regions;
pub(super) mod selection;
mod show;
mod test;

use std::path::PathBuf;

use crate::cli::{FolderArgs, OtherFiles, ProfileCommand};
use crate::config::Environment;
use crate::discover::Inputs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile;

use super::say;

/// Answers a question about profiles.
pub fn run(command: ProfileCommand, environment: &Environment) -> Result<ExitStatus, Error> {
    let done = match command {
        ProfileCommand::Diff(args) => return diff::run(&args),
        ProfileCommand::Test(args) => return test::run(&args, environment),
        ProfileCommand::Lint(args) => return lint::run(&args),
        ProfileCommand::List => profile::builtin_names().try_for_each(list),
        ProfileCommand::Show(args) => show::run(&args),
        ProfileCommand::Convert(args) => convert::run(&args),
        ProfileCommand::Explain(args) => explain::run(&args),
        ProfileCommand::Key(args) => key::run(&args),
        ProfileCommand::Regions(args) => regions::run(&args, environment),
    };
    done.map(|()| ExitStatus::Success)
}

/// What is read: DICOM only.
fn inputs(paths: &[PathBuf], folders: &FolderArgs) -> Inputs {
    Inputs {
        paths: paths.to_vec(),
        filters: folders.filters.clone(),
        follow: folders.follow,
        other_files: OtherFiles::Skip,
        ..Inputs::default()
    }
}

fn list(name: &str) -> Result<(), Error> {
    let profile = profile::load(name)?;
    say(&format!(
        "{name:20} {}",
        profile
            .description
            .as_deref()
            .unwrap_or_default()
    ))
}
