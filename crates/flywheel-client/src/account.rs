//! What the site says about itself and about the user, and what a project says about the rights of
//! the user: enough to know before any work that nothing may be written.
//!
//! Owns the rule that nothing is concluded from silence: only an entry of this very user that rules
//! writing out counts. Everything else the server decides when it is asked to create something.

use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::error::{ClientError, Operation, RequestError};
use crate::listing::lenient;
use crate::project::Project;
use crate::reference::segment;
use crate::site_config::SiteConfig;

/// The account behind the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name on the site, usually a mail address; empty where the site does not say.
    pub id: String,
    /// Whether it administers the site.
    pub is_admin: bool,
}

impl Client {
    /// What the site can do. Asked once, then remembered.
    pub async fn site_config(&self) -> Result<SiteConfig, ClientError> {
        let config = self.features().await;
        config.map_err(|error| {
            error
                .during(Operation::ReadSiteConfig)
                .into()
        })
    }

    pub(crate) async fn features(&self) -> Result<SiteConfig, RequestError> {
        let config = self
            .config
            .get_or_try_init(|| async {
                let answer: Value = self.get("/config").await?;
                if !answer.is_object() {
                    return Err(self.unexpected("its configuration is not an object"));
                }
                Ok(SiteConfig::read(&answer))
            });
        config.await.cloned()
    }

    /// Proves that the key is good.
    pub async fn check_key(&self) -> Result<User, ClientError> {
        let user = self.user().await;
        user.map_err(|error| {
            error
                .during(Operation::CheckKey)
                .into()
        })
    }

    async fn user(&self) -> Result<User, RequestError> {
        if let Some(status) = self
            .get_optional::<AuthStatus>("/auth/status")
            .await?
        {
            return Ok(User {
                id: status.origin.id.unwrap_or_default(),
                is_admin: status.user_is_admin,
            });
        }
        // Servers without `/auth/status`. Their answer holds the key itself: nothing else of it is
        // read.
        let user: OwnUser = self.get("/users/self").await?;
        Ok(User {
            id: user.id,
            is_admin: user.root,
        })
    }

    /// The release that the site runs, where it says so.
    pub async fn release(&self) -> Option<String> {
        let answer: Value = self
            .get_optional("/version")
            .await
            .ok()??;
        let text = |name| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        text("flywheel_release")
            .or_else(|| text("release"))
            .map(str::to_owned)
    }

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

#[derive(Deserialize)]
struct AuthStatus {
    #[serde(default)]
    origin: Origin,
    #[serde(default)]
    user_is_admin: bool,
}

#[derive(Deserialize, Default)]
struct Origin {
    id: Option<String>,
}

#[derive(Deserialize)]
struct OwnUser {
    #[serde(rename = "_id", default)]
    id: String,
    #[serde(default)]
    root: bool,
}

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
