//! De-identification profiles kept on the server.
//!
//! Owns the reading at three levels. "There is none" is said only when the server said so; every doubt is an error.

use std::fmt;

use serde_json::Value;

use super::answer::{ContainerAnswer, segment};
use super::client::{Client, optional};
use super::error::ApiError;
use super::project::Project;
use crate::failure::{Error, RunCode};

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

impl Client {
    /// The profile kept at `level` as raw JSON, exactly what stands under `deid_profile`; `None` when the server has
    /// none there. A refusal or anything else that leaves it open is an error, never `None`.
    pub async fn settings(&self, level: Level, project: &Project) -> Result<Option<Value>, Error> {
        let read = match level {
            Level::Project => self.container_settings(&format!("/projects/{}", segment(&project.id))).await,
            Level::Group => self.container_settings(&format!("/groups/{}", segment(&project.group))).await,
            Level::Site => self.get_optional("/site/settings").await,
        };
        read.and_then(|settings| self.profile_in(settings)).map_err(|error| unknown(level, error))
    }

    /// The settings of a project or group; older servers keep them in the container itself.
    async fn container_settings(&self, path: &str) -> Result<Option<Value>, ApiError> {
        if let Some(settings) = self.get_optional(&format!("{path}/settings")).await? {
            return Ok(Some(settings));
        }
        let container: Option<ContainerAnswer> = optional(self.get_listing(path).await)?;
        Ok(container.map(|container| container.settings))
    }

    fn profile_in(&self, settings: Option<Value>) -> Result<Option<Value>, ApiError> {
        match settings {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(mut settings)) => Ok(settings.remove("deid_profile").filter(|profile| !profile.is_null())),
            Some(_) => Err(ApiError::unexpected(self.host(), "the settings are not an object")),
        }
    }
}

fn unknown(level: Level, error: ApiError) -> Error {
    match error.status() {
        Some(403) => {
            Error::new(RunCode::ProfileUnknown, format!("you may not see whether the {level} has a de-identification profile"))
                .because(error.cause())
        }
        Some(401 | 402 | 408 | 429 | 500..) => error.into_run(&format!("reading the {level}'s settings")),
        None if error.is_transient() => error.into_run(&format!("reading the {level}'s settings")),
        _ => Error::new(RunCode::ProfileUnknown, format!("the {level}'s settings cannot be read")).because(error.cause()),
    }
}
