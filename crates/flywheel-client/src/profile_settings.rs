//! De-identification profiles kept on the server.
//!
//! Owns asking at three levels. "There is none" is said only when the server said so; what the
//! settings mean is not decided here.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, optional};
use crate::error::{ClientError, Operation, RequestError};
use crate::project::Project;
use crate::reference::{Level, segment};

/// What a level answers when it is asked for its settings.
#[derive(Debug, Clone)]
pub enum LevelSettings<T> {
    /// It has none.
    Absent,
    /// They may not be seen by this user, as the server says.
    Unseen(RequestError),
    /// These, as they were written.
    There(T),
}

/// A container, as far as its settings go.
#[derive(Deserialize)]
struct Container<T> {
    settings: Option<T>,
}

impl Client {
    /// The settings of a level, of which `deid_profile` is one, in a form of the caller's choice:
    /// `serde_json::Value`, or one that keeps what that loses. Everything that leaves open what
    /// they are is an error.
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn settings<T: DeserializeOwned>(
        &self,
        level: Level,
        project: &Project,
    ) -> Result<LevelSettings<T>, ClientError> {
        let read = match level {
            Level::Project => match &project.id {
                Some(id) => {
                    self.container_settings(&format!("/projects/{}", segment(id)))
                        .await
                }
                None => Ok(None),
            },
            Level::Group => {
                self.container_settings(&format!("/groups/{}", segment(&project.group)))
                    .await
            }
            Level::Site => {
                self.get_optional("/site/settings")
                    .await
            }
        };
        match read {
            Ok(Some(settings)) => Ok(LevelSettings::There(settings)),
            Ok(None) => Ok(LevelSettings::Absent),
            Err(error) if error.status() == Some(403) => Ok(LevelSettings::Unseen(error)),
            Err(error) => Err(error
                .during(Operation::ReadSettings(level))
                .into()),
        }
    }

    /// The settings of a project or group; older servers keep them in the container itself.
    async fn container_settings<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, RequestError> {
        if let Some(settings) = self
            .get_optional(&format!("{path}/settings"))
            .await?
        {
            return Ok(Some(settings));
        }
        let container: Option<Container<T>> = optional(self.get_listing(path).await)?;
        Ok(container.and_then(|container| container.settings))
    }
}
