//! What the site says about itself and about us.

use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::error::{ApiError, shown};
use crate::failure::{Error, RunCode};

/// What a site can do, as it announces it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // one per announced feature
pub struct SiteConfig {
    /// The name it goes by; may be empty.
    pub name: String,
    /// Files may go straight to the storage behind it.
    pub signed_url: bool,
    /// Large ones in several parts.
    pub multipart_signed_url: bool,
    /// It knows de-identification profiles. Not to be relied on: a profile counts wherever one is
    /// found.
    pub deid_profile: bool,
    /// It wants a record of what was de-identified.
    pub deid_log: bool,
    /// Where that record goes.
    pub deid_log_url: Option<String>,
}

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
    pub async fn site_config(&self) -> Result<SiteConfig, Error> {
        self.features()
            .await
            .map_err(|error| error.into_run("asking the site for its configuration"))
    }

    pub(super) async fn features(&self) -> Result<SiteConfig, ApiError> {
        let config = self.config_cell().get_or_try_init(|| async {
            let answer: Value = self.get("/config").await?;
            if !answer.is_object() {
                return Err(ApiError::unexpected(
                    self.host(),
                    "its configuration is not an object",
                ));
            }
            Ok(read_config(&answer))
        });
        config.await.cloned()
    }

    /// Proves that the key is good.
    pub async fn check_key(&self) -> Result<User, Error> {
        let status: Result<Option<AuthStatus>, ApiError> = self.get_optional("/auth/status").await;
        match status.map_err(|error| key_error(error, self.host()))? {
            Some(status) => Ok(status.into()),
            None => self.check_key_of_old().await,
        }
    }

    /// Servers without `/auth/status`. Their answer holds the key itself: nothing else of it is
    /// read or shown.
    async fn check_key_of_old(&self) -> Result<User, Error> {
        let user: OwnUser = self
            .get("/users/self")
            .await
            .map_err(|error| key_error(error, self.host()))?;
        Ok(User {
            id: shown(&user.id),
            is_admin: user.root,
        })
    }

    /// The release that the site runs, where it says so.
    pub async fn release(&self) -> Option<String> {
        let answer: Value = self.get_optional("/version").await.ok()??;
        let text = |name| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        text("flywheel_release")
            .or_else(|| text("release"))
            .map(shown)
    }
}

/// The first refusal is about the key, whatever number a server of some age gives it.
fn key_error(error: ApiError, host: &str) -> Error {
    match error.status() {
        Some(401..=403) => Error::new(RunCode::AuthRejected, "the server refused your API key")
            .because(error.cause()),
        Some(404) => Error::new(
            RunCode::ServerUnexpected,
            format!("{host} does not answer like a Flywheel site"),
        ),
        _ => error.into_run("checking the API key"),
    }
}

fn read_config(answer: &Value) -> SiteConfig {
    let site = |name: &str| {
        answer
            .pointer(&format!("/site/{name}"))
            .and_then(Value::as_str)
    };
    let feature = |name: &str| {
        answer
            .pointer(&format!("/features/{name}"))
            .and_then(Value::as_bool)
            .unwrap_or(false)
    };
    let legacy = answer
        .get("signed_url")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    SiteConfig {
        name: shown(site("name").unwrap_or_default()),
        signed_url: legacy || feature("signed_url"),
        multipart_signed_url: feature("multipart_signed_url"),
        deid_profile: feature("deid_profile"),
        deid_log: feature("deid_log"),
        deid_log_url: site("deid_log_url")
            .filter(|url| !url.is_empty())
            .map(str::to_owned),
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

impl From<AuthStatus> for User {
    fn from(status: AuthStatus) -> Self {
        Self {
            id: shown(&status.origin.id.unwrap_or_default()),
            is_admin: status.user_is_admin,
        }
    }
}
