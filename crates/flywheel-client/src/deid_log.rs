//! The log of de-identification that some sites keep: who a file was about, told to that service
//! and to no other.
//!
//! Owns the one request that carries original identifiers. It must never follow a redirect with
//! them, send them unencrypted where the site itself is not, or pass on anything that the service
//! says about them.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::SHORT;
use crate::client::Client;
use crate::error::{ClientError, Operation, RequestError, RequestFailure};
use crate::key::is_loopback;
use crate::site_config::SiteConfig;
use crate::upload::{LogEntry, UploadFile};

/// Longer ids are none.
const MAX_ID: usize = 200;

/// The original identifiers of one instance, as the log takes them. They cannot be printed.
pub struct DeidRecord(Value);

impl DeidRecord {
    /// Of the JSON that the log takes: `{"indexed_fields": {..}, "deidentified_tags": {..}}`.
    pub fn new(body: Value) -> Self {
        Self(body)
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
    /// [`ClientError::NoLogAddress`] where it keeps one and states no address that original
    /// identifiers may go to; [`ClientError::Request`].
    pub async fn deid_log_host(&self) -> Result<Option<String>, ClientError> {
        let config = self.site_config().await?;
        if !config.deid_log {
            return Ok(None);
        }
        let url = self.log_address(&config);
        match url.as_ref().and_then(Url::host_str) {
            Some(host) => Ok(Some(host.to_owned())),
            None => Err(ClientError::NoLogAddress {
                host: self.host().to_owned(),
            }),
        }
    }

    /// The file with what the site's log has to say about it. `record` is the id that
    /// [`Client::record_deid`] gave for the identifiers of its instance; without one, a site that
    /// keeps a log takes other files than DICOM only.
    ///
    /// # Errors
    /// [`ClientError::NothingToRecord`], [`ClientError::Request`].
    pub async fn logged(
        &self,
        file: UploadFile,
        record: Option<String>,
    ) -> Result<UploadFile, ClientError> {
        let log = match record {
            Some(id) => LogEntry::Recorded(id),
            None if !self.features().await?.deid_log => LogEntry::NotKept,
            None if file.file_type == Some("dicom") => return Err(ClientError::NothingToRecord),
            None => LogEntry::NotDicom,
        };
        Ok(UploadFile { log, ..file })
    }

    /// Records original identifiers in the log, and gives the id of the record.
    ///
    /// A record says that a file is going to be sent. Where an answer is lost the request is
    /// repeated, and where the upload fails afterwards nothing takes the record back: the log may
    /// hold records that no file points to, never the reverse.
    ///
    /// # Errors
    /// [`ClientError::Request`], also where the service refuses the key: the site has accepted it.
    pub async fn record_deid(&self, record: &DeidRecord) -> Result<String, ClientError> {
        let id = self.record(record).await;
        id.map_err(|error| {
            error
                .during(Operation::RecordDeid)
                .into()
        })
    }

    async fn record(&self, record: &DeidRecord) -> Result<String, RequestError> {
        let url = self
            .log_address(&self.features().await?)
            .ok_or_else(|| self.unexpected("it states no usable address of its log"))?;
        let mut tries = self.tries("POST to the de-identification log");
        loop {
            match self
                .record_once(&url, record.0.to_string())
                .await
            {
                Ok(id) => return Ok(id),
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    async fn record_once(&self, url: &Url, body: String) -> Result<String, RequestError> {
        let request = self
            .transport
            .foreign_request(Method::POST, url.clone())
            .header(
                AUTHORIZATION,
                self.transport
                    .log_authorization
                    .clone(),
            )
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let answer = self
            .transport
            .send(request, &self.gauge(0), SHORT)
            .await?;
        let answer = answer
            .successful()
            .map_err(without_words)?;
        let id = answer.json::<Taken>()?.id;
        let usable = !id.is_empty()
            && id.len() <= MAX_ID
            && id
                .bytes()
                .all(|byte| byte.is_ascii_graphic());
        if usable {
            Ok(id)
        } else {
            Err(RequestError::unexpected(
                &answer.host,
                "the id that it gave cannot be one",
            ))
        }
    }

    /// Where records go, if they may: encrypted, except where the site itself is not, and then to
    /// its own host or to this machine.
    fn log_address(&self, config: &SiteConfig) -> Option<Url> {
        let base = config.deid_log_url.as_deref()?;
        let url = Url::parse(&format!("{}/logs", base.trim_end_matches('/'))).ok()?;
        let near = url
            .host_str()
            .is_some_and(|host| host == self.host() || is_loopback(host));
        let safe = url.scheme() == "https"
            || (url.scheme() == "http" && self.transport.is_plain_http() && near);
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        (safe && plain && url.has_host()).then_some(url)
    }
}

/// A refusal without the service's own words, which may quote the identifiers.
fn without_words(mut error: RequestError) -> RequestError {
    if let RequestFailure::Refused(refusal) = &mut error.failure {
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
    use super::*;
    use crate::key::ApiKey;
    use crate::transport::Settings;

    #[test]
    fn identifiers_go_out_unencrypted_only_where_the_site_itself_is_and_no_further() {
        for (key, plain) in [
            ("site.example:secretkey", false),
            ("127.0.0.1:8080:__force_insecure:secretkey", true),
        ] {
            let key = ApiKey::parse(key).ok().unwrap();
            let client = Client::new(&key, Settings::default()).unwrap();
            let address = |url: &str| {
                client.log_address(&SiteConfig {
                    deid_log_url: Some(url.to_owned()),
                    ..SiteConfig::default()
                })
            };
            for near in [
                "http://127.0.0.1:9/log",
                "http://localhost/log",
                "http://[::1]/log",
            ] {
                assert_eq!(address(near).is_some(), plain, "{near}");
            }
            assert_eq!(address("http://log.example"), None);
            assert_eq!(
                address("https://log.example/v1/")
                    .unwrap()
                    .as_str(),
                "https://log.example/v1/logs"
            );
        }
    }
}
