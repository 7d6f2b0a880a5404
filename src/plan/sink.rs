//! The sink of a run, opened: a server, a folder, or in a dry run nothing.
//!
//! Owns what has to be there before the first package comes. What becomes of a package in each sink
//! is the pipeline's.

use std::path::PathBuf;
use std::sync::Arc;

use super::ProfileWatch;
use crate::config::{Config, IfStudyElsewhere, SinkChoice};
use crate::failure::{Error, RunCode};
use flywheel_client::{Client, Hierarchy, Project, StudyElsewhere};

/// Where packages go.
pub enum Sink {
    /// To the server.
    Upload(Box<UploadServer>),
    /// Into a folder.
    Folder(PathBuf),
    /// Nowhere. Where there is a server, everything is asked of it that an upload asks.
    DryRun(Option<Box<UploadServer>>),
}

impl Sink {
    /// Whether nothing is sent or written.
    pub fn is_dry_run(&self) -> bool {
        matches!(self, Self::DryRun(_))
    }

    /// The server that packages go to, or in a dry run would go to.
    pub fn server(&self) -> Option<&UploadServer> {
        match self {
            Self::Upload(server) | Self::DryRun(Some(server)) => Some(server),
            Self::Folder(_) | Self::DryRun(None) => None,
        }
    }
}

/// The server as an upload needs it.
pub struct UploadServer {
    /// The connection.
    pub client: Client,
    /// Subjects, sessions and acquisitions, found or created once.
    pub hierarchy: Hierarchy,
    /// Whether the profile that the data is cleaned under still governs.
    pub watch: Arc<ProfileWatch>,
}

/// Opens the sink that was asked for.
///
/// # Errors
/// `output.unwritable`, and an upload without a server.
pub fn open(
    config: &Config,
    server: Option<(Client, ProfileWatch)>,
    project: &Project,
) -> Result<Sink, Error> {
    let to_server = |(client, watch): (Client, ProfileWatch)| {
        let elsewhere = match config.packaging.if_study_elsewhere {
            IfStudyElsewhere::Warn => StudyElsewhere::Warn,
            IfStudyElsewhere::Fail => StudyElsewhere::Fail,
        };
        let mut hierarchy = Hierarchy::new(client.clone(), project.clone());
        hierarchy.rehearsal = config.sink == SinkChoice::DryRun;
        hierarchy.study_elsewhere = elsewhere;
        Box::new(UploadServer {
            client,
            hierarchy,
            watch: Arc::new(watch),
        })
    };
    match (&config.sink, server) {
        (SinkChoice::DryRun, server) => Ok(Sink::DryRun(server.map(to_server))),
        (SinkChoice::Folder(folder), _) => {
            let unusable =
                |e: std::io::Error| Error::from(RunCode::OutputUnwritable).because(e.to_string());
            std::fs::create_dir_all(folder).map_err(unusable)?;
            tempfile::tempfile_in(folder).map_err(unusable)?;
            Ok(Sink::Folder(folder.clone()))
        }
        (SinkChoice::Upload, Some(server)) => Ok(Sink::Upload(to_server(server))),
        (SinkChoice::Upload, None) => Err(Error::new(RunCode::Usage, "`--offline` cannot upload")),
    }
}
