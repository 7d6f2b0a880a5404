//! De-identification profiles kept on the server.
//!
//! Owns asking at three levels. "There is none" is said only when the server said so; what the
//! settings mean is decided by [`crate::profile`].

use std::fmt;

use super::answer::{ContainerAnswer, segment};
use super::client::{Client, optional};
use super::error::{ApiError, Kind};
use super::project::Project;
use crate::failure::{Error, RunCode};
use dicom_deid::profile::Json;

/// Where a profile is kept. The first level that has one governs, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The project.
    Project,
    /// The group that the project belongs to.
    Group,
    /// The whole site.
    Site,
}

impl Level {
    /// All levels, in the order in which they count.
    pub const ALL: [Self; 3] = [Self::Project, Self::Group, Self::Site];

    /// Its word in messages and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Group => "group",
            Self::Site => "site",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a level answers when it is asked for its settings.
#[derive(Debug, Clone)]
pub enum LevelSettings {
    /// It has none.
    Absent,
    /// They may not be seen by this user; the server's words.
    Unseen(String),
    /// These, as they were written.
    There(Json),
}

impl Client {
    /// The settings of a level, of which `deid_profile` is one. Everything that leaves open what
    /// they are is an error.
    ///
    /// # Errors
    /// `profile.invalid` for an answer that is no JSON, `profile.unknown` for one that is neither
    /// the settings nor says that there are none, and what the network and the key may meet.
    pub async fn settings(&self, level: Level, project: &Project) -> Result<LevelSettings, Error> {
        let read = match level {
            Level::Project => {
                self.container_settings(&format!("/projects/{}", segment(&project.id)))
                    .await
            }
            Level::Group => {
                self.container_settings(&format!("/groups/{}", segment(&project.group)))
                    .await
            }
            Level::Site => self.get_optional("/site/settings").await,
        };
        match read {
            Ok(Some(settings)) => Ok(LevelSettings::There(settings)),
            Ok(None) => Ok(LevelSettings::Absent),
            Err(error) if error.status() == Some(403) => Ok(LevelSettings::Unseen(error.cause())),
            Err(error) => Err(unreadable(level, error)),
        }
    }

    /// The settings of a project or group; older servers keep them in the container itself.
    async fn container_settings(&self, path: &str) -> Result<Option<Json>, ApiError> {
        if let Some(settings) = self.get_optional(&format!("{path}/settings")).await? {
            return Ok(Some(settings));
        }
        let container: Option<ContainerAnswer> = optional(self.get_listing(path).await)?;
        Ok(container.and_then(|container| container.settings))
    }
}

fn unreadable(level: Level, error: ApiError) -> Error {
    let what = || format!("the {level}'s settings cannot be read");
    match (&error.kind, error.status()) {
        (Kind::Unexpected { .. }, _) => Error::new(RunCode::ProfileInvalid, what())
            .because(error.cause())
            .with_hint("ask an administrator of the site what is kept there; nothing was sent"),
        (_, None | Some(401 | 402 | 408 | 429 | 500..)) => {
            error.into_run(&format!("reading the {level}'s settings"))
        }
        (_, Some(_)) => Error::new(RunCode::ProfileUnknown, what()).because(error.cause()),
    }
}
