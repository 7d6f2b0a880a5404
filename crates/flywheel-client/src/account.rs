//! What the site says about itself and about the user.

use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::error::{ClientError, Operation, RequestError};
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
        let config = self.config.get_or_try_init(|| async {
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
        user.map_err(|error| error.during(Operation::CheckKey).into())
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
