//! Where packages go: to a server, into a folder, or in a rehearsal nowhere.

use std::fmt;
use std::path::PathBuf;

use flywheel_client::{Client, Hierarchy, Project, StudyElsewhere};

use super::Watch;
use crate::config::{Config, IfStudyElsewhere, Sink};
use crate::failure::{Error, RunCode};

/// Where packages go.
#[derive(Debug)]
pub enum WayOut {
    /// To the server.
    Upload(Box<Target>),
    /// Into a folder.
    Output(PathBuf),
    /// Nowhere. What the server has is looked at, where there is one.
    DryRun(Option<Box<Target>>),
}

impl WayOut {
    /// The server that packages go to, or in a rehearsal would go to.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Upload(target) | Self::DryRun(Some(target)) => Some(target),
            Self::Output(_) | Self::DryRun(None) => None,
        }
    }
}

/// The server as an upload needs it.
pub struct Target {
    /// The connection.
    pub client: Client,
    /// Subjects, sessions and acquisitions, found or created once.
    pub hierarchy: Hierarchy,
    /// Whether the profile that the data is cleaned under still governs.
    pub watch: Watch,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hierarchy holds labels.
        f.debug_struct("Target")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Opens the way out that was asked for.
///
/// # Errors
/// `output.unwritable`, and an upload without a server.
pub(super) fn open(
    config: &Config,
    server: Option<(Client, Watch)>,
    project: Project,
) -> Result<WayOut, Error> {
    let target = |(client, watch): (Client, Watch)| {
        let hierarchy =
            Hierarchy::new(client.clone(), project).rehearsed(config.sink == Sink::Nothing);
        let hierarchy =
            hierarchy.with_studies_elsewhere(match config.destination.if_study_elsewhere {
                IfStudyElsewhere::Warn => StudyElsewhere::Warn,
                IfStudyElsewhere::Fail => StudyElsewhere::Fail,
            });
        Box::new(Target {
            client,
            hierarchy,
            watch,
        })
    };
    match (&config.sink, server) {
        (Sink::Nothing, server) => Ok(WayOut::DryRun(server.map(target))),
        (Sink::Folder(folder), _) => {
            let unusable = |e: std::io::Error| {
                Error::new(
                    RunCode::OutputUnwritable,
                    RunCode::OutputUnwritable.sentence(),
                )
                .because(e.to_string())
            };
            std::fs::create_dir_all(folder).map_err(unusable)?;
            tempfile::tempfile_in(folder).map_err(unusable)?;
            Ok(WayOut::Output(folder.clone()))
        }
        (Sink::Upload, Some(server)) => Ok(WayOut::Upload(target(server))),
        (Sink::Upload, None) => Err(Error::new(RunCode::Usage, "`--offline` cannot upload")),
    }
}
