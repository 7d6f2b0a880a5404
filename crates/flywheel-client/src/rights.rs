//! What a project says about the rights of the user: enough to know before any work that nothing
//! may be written.
//!
//! Owns the rule that nothing is concluded from silence: only an entry of this very user that rules
//! writing out counts. Everything else the server decides when it is asked to create something.

use serde::Deserialize;

use crate::account::User;
use crate::client::Client;
use crate::error::{ClientError, RequestError};
use crate::listing::lenient;
use crate::project::Project;
use crate::reference::segment;

/// A project, or a group, as far as it says who may do what.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Rights {
    #[serde(deserialize_with = "lenient")]
    permissions: Vec<Permission>,
}

/// The rights of one user.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Permission {
    #[serde(rename = "_id", deserialize_with = "lenient")]
    user: String,
    /// `ro`, `rw` or `admin`, where the server has no roles or still tells both.
    #[serde(deserialize_with = "lenient")]
    access: Option<String>,
    #[serde(deserialize_with = "lenient")]
    role_ids: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Role {
    #[serde(deserialize_with = "lenient")]
    actions: Vec<String>,
}

impl Client {
    /// Whether the project rules out that this user writes to it.
    ///
    /// # Errors
    /// [`ClientError::ReadOnly`], and nothing else: what cannot be asked says nothing.
    pub async fn check_rights(&self, user: &User, project: &Project) -> Result<(), ClientError> {
        let Some(id) = project
            .id
            .as_ref()
            .filter(|_| !user.is_admin && !user.id.is_empty())
        else {
            return Ok(());
        };
        let rights: Rights = self
            .get_listing(&format!("/projects/{}", segment(id)))
            .await
            .unwrap_or_default();
        let Some(own) = rights
            .permissions
            .into_iter()
            .find(|permission| permission.user == user.id)
        else {
            return Ok(());
        };
        let reads_only = match (own.role_ids.as_slice(), own.access.as_deref()) {
            ([], access) => access == Some("ro"),
            (roles, _) => self
                .roles_rule_uploads_out(roles)
                .await
                .unwrap_or(false),
        };
        if !reads_only {
            return Ok(());
        }
        Err(ClientError::ReadOnly {
            host: self.host().to_owned(),
            project: project.clone(),
        })
    }

    /// Whether all roles are known, and none lets files be created. Servers name that action in
    /// several ways.
    async fn roles_rule_uploads_out(&self, roles: &[String]) -> Result<bool, RequestError> {
        let mut all = Vec::new();
        for role in roles {
            let role: Role = self
                .get(&format!("/roles/{}", segment(role)))
                .await?;
            if role.actions.is_empty() {
                return Ok(false);
            }
            all.extend(role.actions);
        }
        let names = |start: &str| {
            all.iter()
                .any(|action| action.starts_with(start))
        };
        Ok(names("files_") && !names("files_create"))
    }
}
