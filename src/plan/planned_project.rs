//! The project that everything goes to: one that is on the server, or one that is not there yet.
//!
//! Owns that difference. It must never let a project that is missing pass for one with an id.

use crate::config::{Config, SinkChoice};
use crate::failure::{Error, RunCode};
use dicom_lossless::escape_for_terminal;
use flywheel_client::{Client, ClientError, Project, ProjectRef};

/// The project that everything goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedProject {
    /// It is on the server.
    Existing(Project),
    /// A dry run that would create it, or a run that asks no server.
    Missing {
        /// The id of its group.
        group: String,
        /// Its label.
        label: String,
    },
}

impl PlannedProject {
    /// Key, features and project of a server, each checked before the next. Creates the project
    /// where that was asked for and something is sent.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, and a project that is not there or may not be
    /// written to.
    pub(super) async fn on_server(client: &Client, config: &Config) -> Result<Self, Error> {
        client.site_config().await?;
        let user = client.check_key().await?;
        let wanted = ProjectRef::parse(&config.project)?;
        let project = match (client.resolve_project(&wanted).await, wanted) {
            (Err(error), ProjectRef::GroupAndLabel { group, label })
                if matches!(error, ClientError::ProjectNotFound { .. })
                    && config.packaging.create_project =>
            {
                return if config.sink == SinkChoice::Upload {
                    let created = client
                        .create_project(&group, &label)
                        .await?;
                    Ok(Self::Existing(created))
                } else {
                    Ok(Self::Missing { group, label })
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
        Ok(Self::Existing(project))
    }

    /// The project of a run that asks no server.
    ///
    /// # Errors
    /// An id or a label alone, which only a server can look up.
    pub(super) fn offline(text: &str) -> Result<Self, Error> {
        match ProjectRef::parse(text)? {
            ProjectRef::GroupAndLabel { group, label } => Ok(Self::Missing { group, label }),
            ProjectRef::Id(_) | ProjectRef::Label(_) => {
                let error = Error::new(
                    RunCode::Usage,
                    "without a server, the project must be given as group/project",
                );
                Err(error.with_hint("pass `--project GROUP/PROJECT`, or leave out `--offline`"))
            }
        }
    }

    /// Its database id, where it is on the server.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Existing(project) => Some(&project.id),
            Self::Missing { .. } => None,
        }
    }

    /// The id of its group.
    pub fn group(&self) -> &str {
        match self {
            Self::Existing(Project { group, .. }) | Self::Missing { group, .. } => group,
        }
    }

    /// Its label.
    pub fn label(&self) -> &str {
        match self {
            Self::Existing(Project { label, .. }) | Self::Missing { label, .. } => label,
        }
    }

    /// `group/project`, escaped for people.
    pub fn path(&self) -> String {
        escape_for_terminal(&format!("{}/{}", self.group(), self.label()))
    }

    /// The project as the client takes it, for which one without an id is not on the server.
    pub(super) fn for_client(&self) -> Project {
        match self {
            Self::Existing(project) => project.clone(),
            Self::Missing { group, label } => Project {
                id: String::new(),
                group: group.clone(),
                label: label.clone(),
            },
        }
    }
}
