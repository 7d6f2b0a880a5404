//! `fwupload profile`: profiles listed, shown, checked, converted, compared and tried out.
//!
//! Owns what is said about profiles. What a profile means and does is for `profile` and `deid`, and
//! nothing here sends anything.

mod convert;
mod diff;
mod explain;
mod key;
mod layout;
mod lint;
#[cfg(test)]
mod sample;
mod show;
mod test;
mod which;

use crate::cli::ProfileCommand;
use crate::config::Environment;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile;

use super::say;

/// Answers a question about profiles.
pub fn run(command: ProfileCommand, environment: &Environment) -> Result<ExitStatus, Error> {
    match command {
        ProfileCommand::List => profile::builtin_names()
            .try_for_each(list)
            .map(|()| ExitStatus::Success),
        ProfileCommand::Show(args) => show::run(&args),
        ProfileCommand::Convert(args) => convert::run(&args),
        ProfileCommand::Diff(args) => diff::run(&args),
        ProfileCommand::Test(args) => test::run(&args, environment),
        ProfileCommand::Lint(args) => lint::run(&args),
        ProfileCommand::Explain(args) => explain::run(&args),
        ProfileCommand::Key(args) => key::run(&args),
    }
}

fn list(name: &str) -> Result<(), Error> {
    let profile = profile::load(name)?;
    say(&format!(
        "{name:20} {}",
        profile.description.as_deref().unwrap_or_default()
    ))
}
