//! One HTTP client for everything: the site itself and the storage hosts behind signed addresses.
//!
//! Owns single requests. It must never let the key travel to another host (the site's own log
//! service, in its module, is the one exception), follow a redirect, or wait for an answer without
//! a bound.

mod http;
mod outage;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, RequestBuilder, Url};

use crate::answer::{Answer, read_answer};
use crate::body::Gauge;
use crate::error::{ClientError, RequestError, means_outage};
use crate::key::ApiKey;
use crate::notice::{ClientNotice, OnNotice};
use crate::pace::Pace;
pub use outage::Look;
use outage::Outage;

/// What newer servers do only for clients that can take it. Never `pagination`: it changes the
/// shape of lists.
const FEATURES: &str = "subject-container,multipart_signed_url,safe-redirect";

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Longest time for a connection to come about, name lookup and TLS included.
    pub connect_timeout: Duration,
    /// Longest time without a byte moving. There is no limit on a whole transfer.
    pub idle_timeout: Duration,
    /// PEM certificates to trust in addition to the system's.
    pub ca_cert: Option<PathBuf>,
    /// How often a request is tried in all.
    pub tries: u32,
    /// The first wait is up to twice this long, each further one doubles; see the retry module.
    pub backoff: Duration,
    /// Whether files may go straight to the storage behind the site.
    pub signed_urls: bool,
    /// How long an outage is waited for; none leaves it at the tries.
    pub patience: Option<Patience>,
    /// Bytes of files per second, over all connections together; none leaves it to the network.
    pub bandwidth: Option<u64>,
    /// What the client calls itself.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            ca_cert: None,
            tries: 5,
            backoff: Duration::from_millis(500),
            signed_urls: true,
            patience: None,
            bandwidth: None,
            user_agent: concat!("flywheel-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How long a site that is out is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// While it has not answered yet.
    pub at_start: Duration,
    /// Once it has.
    pub later: Duration,
}

/// The connections to one site.
pub struct Transport {
    http: reqwest::Client,
    site_headers: HeaderMap,
    /// What the site's log of de-identification takes in place of the site's headers.
    pub log_authorization: HeaderValue,
    pub base_url: String,
    pub host: String,
    pub settings: Settings,
    pub outage: Outage,
    /// What paces the bodies of all files together.
    pub pace: Option<Arc<Pace>>,
    /// How often a server asked for fewer requests.
    pub throttled: AtomicU64,
    pub on_notice: OnceLock<OnNotice>,
}

impl Transport {
    /// For the key's site. Opens no connection yet.
    pub fn new(key: &ApiKey, settings: Settings) -> Result<Self, ClientError> {
        let mut site_headers = HeaderMap::new();
        site_headers.insert(AUTHORIZATION, key.authorization()?);
        site_headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        site_headers.insert(
            HeaderName::from_static("x-accept-feature"),
            HeaderValue::from_static(FEATURES),
        );
        Ok(Self {
            http: http::build(key, &settings)?,
            site_headers,
            log_authorization: key.log_authorization()?,
            base_url: key.base_url(),
            host: key.host().to_owned(),
            outage: Outage::new(settings.patience),
            pace: settings
                .bandwidth
                .map(|rate| Arc::new(Pace::new(rate))),
            throttled: AtomicU64::new(0),
            on_notice: OnceLock::new(),
            settings,
        })
    }

    pub fn is_plain_http(&self) -> bool {
        self.base_url.starts_with("http://")
    }

    pub fn tell(&self, notice: ClientNotice) {
        if let Some(tell) = self.on_notice.get() {
            tell(notice);
        }
    }

    /// The full address of a path below `/api`.
    pub fn url(&self, path: &str) -> Result<Url, RequestError> {
        Url::parse(&format!("{}/api{path}", self.base_url))
            .map_err(|_| RequestError::unexpected(&self.host, "an address could not be formed"))
    }

    /// A request to the site itself, with the key.
    pub fn site_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http
            .request(method, url)
            .headers(self.site_headers.clone())
    }

    /// A request to another host: same client, nothing that identifies the user.
    pub fn foreign_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request, once no outage is known of, and reads its answer up to `cap` bytes. Given
    /// up when nothing moves for the idle time.
    pub async fn send(
        &self,
        request: RequestBuilder,
        gauge: &Gauge,
        cap: usize,
    ) -> Result<Answer, RequestError> {
        self.outage.pass().await;
        gauge.begins();
        self.exchange_now(request, gauge, cap)
            .await
    }

    /// The same without regard to outages.
    pub async fn exchange_now(
        &self,
        request: RequestBuilder,
        gauge: &Gauge,
        cap: usize,
    ) -> Result<Answer, RequestError> {
        let host = self.host.as_str();
        let request = request
            .build()
            .map_err(|error| RequestError::transport(host, &error))?;
        let (what, started) = (self.described(&request), Instant::now());
        let host = request
            .url()
            .host_str()
            .unwrap_or(host)
            .to_owned();
        let sent = gauge
            .watch(&host, self.http.execute(request))
            .await
            .and_then(|sent| sent.map_err(|error| RequestError::transport(&host, &error)));
        let answer = match sent.map_err(|error| gauge.own_fault().unwrap_or(error)) {
            Ok(response) => read_answer(response, host, self.settings.idle_timeout, cap).await,
            Err(error) => Err(error),
        };
        let status = answer
            .as_ref()
            .map_or_else(RequestError::status, |answer| Some(answer.status));
        if matches!(status, Some(429 | 503)) {
            self.throttled
                .fetch_add(1, Ordering::Relaxed);
        }
        let of_the_site = answer
            .as_ref()
            .is_ok_and(|answer| answer.host == self.host);
        if of_the_site && !status.is_some_and(means_outage) {
            self.outage.has_ended();
        }
        self.tell(ClientNotice::Answered {
            what,
            status,
            took: started.elapsed(),
        });
        answer
    }

    /// Method and path, without the query; of another host's address, which is signed, only the
    /// host.
    fn described(&self, request: &Request) -> String {
        let (method, url) = (request.method(), request.url());
        match url
            .as_str()
            .strip_prefix(&self.base_url)
        {
            Some(_) if !url.path().starts_with("/storage/") => format!("{method} {}", url.path()),
            _ => format!("{method} {}", url.host_str().unwrap_or_default()),
        }
    }
}
