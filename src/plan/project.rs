//! The project that everything goes to: one that is on the server, or one that is not there yet.
//!
//! Owns when one is created. A project without an id is one that a dry run would create, or that of
//! a run without a server.

use crate::config::{Config, SinkChoice};
use crate::failure::Error;
use flywheel_client::{Client, ClientError, Project, ProjectRef};

/// Key, features and project of a server, each checked before the next. Creates the project where
/// that was asked for and something is sent.
///
/// # Errors
/// Whatever keeps the server from answering, and a project that is not there or may not be written
/// to.
pub async fn on_server(client: &Client, config: &Config) -> Result<Project, Error> {
    client.site_config().await?;
    let user = client.check_key().await?;
    let wanted = ProjectRef::parse(&config.project)?;
    let project = match (
        client
            .resolve_project(&wanted)
            .await,
        wanted,
    ) {
        (Err(error), ProjectRef::GroupAndLabel { group, label })
            if matches!(error, ClientError::ProjectNotFound { .. })
                && config.packaging.create_project =>
        {
            return if config.sink == SinkChoice::Upload {
                Ok(client
                    .create_project(&group, &label)
                    .await?)
            } else {
                Ok(not_there_yet(group, label))
            };
        }
        (found, _) => found?,
    };
    // Writing into a folder needs no right to upload.
    if !matches!(config.sink, SinkChoice::Folder(_)) {
        client
            .check_rights(&user, &project)
            .await?;
    }
    Ok(project)
}

/// The project of a run that asks no server.
///
/// # Errors
/// An id or a label alone, which only a server can look up.
pub fn offline(text: &str) -> Result<Project, Error> {
    match ProjectRef::parse(text)? {
        ProjectRef::GroupAndLabel { group, label } => Ok(not_there_yet(group, label)),
        ProjectRef::Id(_) | ProjectRef::Label(_) => Err(Error::usage(
            "without a server, the project must be given as group/project",
            "pass `--project GROUP/PROJECT`, or leave out `--offline`",
        )),
    }
}

fn not_there_yet(group: String, label: String) -> Project {
    Project {
        id: None,
        group,
        label,
    }
}
