//! The log of de-identification that some sites keep: who a file was about, told to that service
//! and to nobody else.
//!
//! Owns the one request that carries original identifiers. It must never follow a redirect with
//! them, send them unencrypted where the site itself is not, or show anything that the service says
//! about them.

use std::net::IpAddr;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::body::Gauge;
use super::client::Client;
use super::error::{ApiError, Kind, UploadError};
use super::receive::SHORT;
use super::retry::Tries;
use super::upload::UploadFile;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use dicom_deid::Originals;

/// Longer ids are none.
const MAX_ID: usize = 200;

/// What the site's log has to do with a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogEntry {
    /// The site keeps none.
    #[default]
    NotKept,
    /// The log has it under this id.
    Recorded(String),
    /// It is of a kind that no log is kept of.
    NotDicom,
}

impl LogEntry {
    /// The id, or the reason why there is none, as members of a file's description.
    pub(super) fn members(&self) -> (Option<&str>, Option<&'static str>) {
        match self {
            Self::NotKept => (None, None),
            Self::Recorded(id) => (Some(id), None),
            Self::NotDicom => (None, Some("unsupported_type")),
        }
    }
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl Client {
    /// The host of the site's log, if it keeps one.
    ///
    /// # Errors
    /// `profile.deid-log` where it keeps one and states no address that original identifiers may go
    /// to.
    pub async fn deid_log_host(&self) -> Result<Option<String>, Error> {
        let config = self.site_config().await?;
        if !config.deid_log {
            return Ok(None);
        }
        let url = config
            .deid_log_url
            .as_deref()
            .and_then(|url| self.log_address(url));
        let host = url.as_ref().and_then(Url::host_str).map(str::to_owned);
        host.map(Some).ok_or_else(|| {
            Error::new(
                RunCode::DeidLog,
                "the site keeps a de-identification log and states no usable address for it",
            )
            .because(format!(
                "{} says so; an address over https is needed",
                self.host()
            ))
            .with_hint("ask the site's administrator; nothing was sent")
        })
    }

    /// The file with what the site's log has to say about it: an instance is recorded there before
    /// it is sent.
    ///
    /// # Errors
    /// `upload.deid-log` where the log does not take the record.
    pub async fn logged(
        &self,
        file: UploadFile,
        originals: Option<&Originals>,
    ) -> Result<UploadFile, UploadError> {
        let log = match originals {
            Some(originals) => LogEntry::Recorded(self.record_deid(originals).await?),
            None if !self
                .features()
                .await
                .map_err(ApiError::into_upload)?
                .deid_log =>
            {
                LogEntry::NotKept
            }
            None if file.file_type == Some("dicom") => {
                return Err(FileFailure::new(
                    FileCode::UploadDeidLog,
                    "there are no identifiers to record",
                )
                .into());
            }
            None => LogEntry::NotDicom,
        };
        Ok(UploadFile { log, ..file })
    }

    /// Has the log take the original identifiers, and gives the id of the record. It is asked once
    /// for the same ones.
    ///
    /// A record says that a file is going to be sent. Where an answer is lost the request is
    /// repeated, and where the upload fails afterwards nothing takes the record back: the log may
    /// hold records that no file points to, never the reverse.
    ///
    /// # Errors
    /// `upload.deid-log`, also where the service refuses the key: the site has accepted it.
    pub async fn record_deid(&self, originals: &Originals) -> Result<String, UploadError> {
        if let Some(id) = originals.recorded_as() {
            return Ok(id.to_owned());
        }
        let id = self.record(originals).await.map_err(|error| {
            let mut failure = FileFailure::new(FileCode::UploadDeidLog, error.cause());
            (failure.http_status, failure.attempts) = (error.status(), error.attempts);
            failure
        })?;
        originals.recorded(&id);
        Ok(id)
    }

    async fn record(&self, originals: &Originals) -> Result<String, ApiError> {
        let config = self.features().await?;
        let url = config
            .deid_log_url
            .as_deref()
            .and_then(|url| self.log_address(url));
        let url = url.ok_or_else(|| {
            ApiError::unexpected(self.host(), "it states no usable address of its log")
        })?;
        let body = originals.for_the_log().to_string();
        let mut tries = Tries::new(self, "POST to the de-identification log");
        loop {
            match self.record_once(&url, body.clone()).await {
                Ok(id) => return Ok(id),
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    async fn record_once(&self, url: &Url, body: String) -> Result<String, ApiError> {
        let request = self
            .foreign_request(Method::POST, url.clone())
            .header(AUTHORIZATION, self.log_authorization())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let answer = self
            .send(
                request,
                &Gauge::new(self.behaviour().idle_timeout, 0),
                SHORT,
            )
            .await?;
        let answer = answer.successful().map_err(without_words)?;
        let id = answer.json::<Taken>()?.id;
        let usable =
            !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
        if usable {
            Ok(id)
        } else {
            Err(ApiError::unexpected(
                &answer.host,
                "the id that it gave cannot be one",
            ))
        }
    }

    /// Where records go, if they may: encrypted, except where the site itself is not, and then to
    /// its own host or to this machine.
    fn log_address(&self, base: &str) -> Option<Url> {
        let url = Url::parse(&format!("{}/logs", base.trim_end_matches('/'))).ok()?;
        let near = url
            .host_str()
            .is_some_and(|host| host == self.host() || is_loopback(host));
        let safe =
            url.scheme() == "https" || (url.scheme() == "http" && self.is_plain_http() && near);
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        (safe && plain && url.has_host()).then_some(url)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A refusal without the service's own words, which may quote the identifiers.
fn without_words(mut error: ApiError) -> ApiError {
    if let Kind::Refused(refusal) = &mut error.kind {
        let moved = (300..400).contains(&refusal.status);
        refusal.message = if moved {
            "it redirects, which is not followed".to_owned()
        } else {
            String::new()
        };
        refusal.request_id = None;
    }
    error
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::client::Settings;
    use super::*;
    use crate::credential::ApiKey;

    #[test]
    fn identifiers_go_out_unencrypted_only_where_the_site_itself_is_and_no_further() {
        for (key, plain) in [
            ("site.example:secretkey", false),
            ("127.0.0.1:8080:__force_insecure:secretkey", true),
        ] {
            let client = Client::new(&ApiKey::parse(key).unwrap(), Settings::default()).unwrap();
            for near in [
                "http://127.0.0.1:9/log",
                "http://localhost/log",
                "http://[::1]/log",
            ] {
                assert_eq!(client.log_address(near).is_some(), plain, "{near}");
            }
            assert_eq!(client.log_address("http://log.example"), None);
            assert_eq!(
                client
                    .log_address("https://log.example/v1/")
                    .unwrap()
                    .as_str(),
                "https://log.example/v1/logs"
            );
        }
    }
}
