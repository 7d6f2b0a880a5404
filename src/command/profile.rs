//! `fwupload profile`: which profiles are built in, and which one governs a project.

use crate::cli::ProfileCommand;
use crate::config::{Connection, DeidChoice};
use crate::failure::Error;
use crate::flywheel::ProjectRef;
use crate::phi::escape_for_terminal;
use crate::plan::{self, Decision};
use crate::profile;

use super::{key_sources, runtime, say};

/// Answers a question about profiles.
pub fn run(command: ProfileCommand) -> Result<(), Error> {
    match command {
        ProfileCommand::List => profile::builtin_names().try_for_each(list),
        ProfileCommand::Show { project, connection } => show(&project, &(&connection).into()),
    }
}

fn list(name: &str) -> Result<(), Error> {
    let profile = profile::load(name)?;
    say(&format!("{name:18} {}", profile.description.as_deref().unwrap_or_default()))
}

fn show(project: &str, connection: &Connection) -> Result<(), Error> {
    let wanted = ProjectRef::parse(project)?;
    let (key, _) = key_sources(connection).resolve()?;
    let (project, decision) = runtime()?.block_on(async {
        let client = plan::client(&key, connection.ca_cert.clone(), true)?;
        client.check_key().await?;
        let project = client.resolve_project(&wanted).await?;
        let decision = plan::governing(&client, &project, None, &DeidChoice::Unsaid).await?;
        Ok::<_, Error>((project, decision))
    })?;
    match decision {
        Decision::Clean { governing, .. } => say(&format!(
            "{} is governed by \"{}\" at the {}\n{}",
            project.path(),
            escape_for_terminal(&governing.name),
            governing.level,
            governing.digest
        )),
        Decision::AsItIs { opted_out: Some(level), .. } => {
            say(&format!("an empty profile at the {level} switches de-identification off for {}", project.path()))
        }
        Decision::AsItIs { opted_out: None, .. } => say(&format!("no profile governs {}", project.path())),
    }
}
