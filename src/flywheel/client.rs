//! One HTTP client for everything: the site itself and the storage hosts behind signed addresses.
//!
//! Owns requests and redirects. It must never let the key travel to another host (the site's own
//! log service, in its module, is the one exception), follow a redirect there, or wait for an
//! answer without a bound.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::answer::{Answer, ContainerAnswer, Listed};
use super::auth::{log_authorization, site_headers};
use super::body::Gauge;
use super::config::SiteConfig;
use super::connection::build_http;
use super::error::{ApiError, means_outage};
use super::outage::Outage;
use super::pace::Pace;
use super::receive::{LONG, SHORT, read_answer};
use super::retry::{ClientNotice, OnNotice, Tries};
use super::upload::Learnt;
use crate::config::Patience;
use crate::credential::ApiKey;
use crate::failure::Error;

/// Redirects within the site that are followed for one request.
const MAX_REDIRECTS: usize = 3;

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
    /// What we call ourselves.
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
            user_agent: concat!("fwupload/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A connection to one Flywheel site with one key. Cheap to clone; clones share connections and
/// what was learnt.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    on_notice: Option<OnNotice>,
}

struct Inner {
    http: reqwest::Client,
    site_headers: HeaderMap,
    base_url: String,
    host: String,
    settings: Settings,
    config: OnceCell<SiteConfig>,
    learnt: Learnt,
    outage: Outage,
    pace: Option<Arc<Pace>>,
    /// How often a server asked for fewer requests.
    throttled: AtomicU64,
    /// What the site's log of de-identification takes in place of [`Self::site_headers`].
    log_authorization: HeaderValue,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.inner.base_url)
    }
}

impl Client {
    /// A client for the key's site. Opens no connection yet. Fails when `ca_cert` cannot be used.
    pub fn new(key: &ApiKey, settings: Settings) -> Result<Self, Error> {
        let inner = Inner {
            http: build_http(key, &settings)?,
            site_headers: site_headers(key)?,
            base_url: key.base_url(),
            host: key.host().to_owned(),
            log_authorization: log_authorization(key)?,
            pace: settings.bandwidth.map(|rate| Arc::new(Pace::new(rate))),
            throttled: AtomicU64::new(0),
            outage: Outage::new(settings.patience),
            settings,
            config: OnceCell::new(),
            learnt: Learnt::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            on_notice: None,
        })
    }

    /// Has `tell` called before a request is repeated and when a file takes another route. It is
    /// called from upload tasks and must not block.
    #[must_use]
    pub fn on_notice(mut self, tell: impl Fn(ClientNotice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(tell));
        self
    }

    /// The site's host, for messages.
    pub fn host(&self) -> &str {
        &self.inner.host
    }

    /// How often the site or its storage has asked for fewer requests: answers 429 and 503 (RFC
    /// 9110, RFC 6585).
    pub fn throttled(&self) -> u64 {
        self.inner.throttled.load(Ordering::Relaxed)
    }

    pub(super) fn is_plain_http(&self) -> bool {
        self.inner.base_url.starts_with("http://")
    }

    pub(super) fn behaviour(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn config_cell(&self) -> &OnceCell<SiteConfig> {
        &self.inner.config
    }

    pub(super) fn learnt(&self) -> &Learnt {
        &self.inner.learnt
    }

    pub(super) fn outage(&self) -> &Outage {
        &self.inner.outage
    }

    /// What paces the bodies of all files together.
    pub(super) fn pace(&self) -> Option<Arc<Pace>> {
        self.inner.pace.clone()
    }

    pub(super) fn log_authorization(&self) -> HeaderValue {
        self.inner.log_authorization.clone()
    }

    pub(super) fn tell(&self, notice: ClientNotice) {
        if let Some(tell) = &self.on_notice {
            tell(notice);
        }
    }

    /// Reads something short; repeated while it makes sense.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.repeated(Method::GET, path, None, SHORT).await?.json()
    }

    /// Like `get`, with `None` for 404.
    pub(super) async fn get_optional<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ApiError> {
        optional(self.get(path).await)
    }

    /// Reads a list of containers, or a container with its files.
    pub(super) async fn get_listing<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.repeated(Method::GET, path, None, LONG).await?.json()
    }

    /// Reads a list of containers to its last page.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<ContainerAnswer>, ApiError> {
        let (mut all, total) = self
            .get_listing::<Listed<ContainerAnswer>>(path)
            .await?
            .into_parts();
        let first = all.len();
        // A page that brings nothing is the last one, whatever the server counts.
        while total.is_some_and(|total| (all.len() as u64) < total) {
            let next = format!("{path}?limit={first}&skip={}", all.len());
            let (more, _) = self
                .get_listing::<Listed<ContainerAnswer>>(&next)
                .await?
                .into_parts();
            let known: HashSet<String> = all.iter().map(|known| known.id.clone()).collect();
            let before = all.len();
            all.extend(more.into_iter().filter(|item| !known.contains(&item.id)));
            if all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// A POST that changes nothing on the server, such as a lookup; repeated while it makes sense.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ApiError> {
        self.repeated(Method::POST, path, Some(body), LONG)
            .await?
            .json()
    }

    /// A POST that changes something: tried once, since repeating it needs a look at the server
    /// first.
    pub(super) async fn post_once(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        self.exchange(&Method::POST, path, body, SHORT).await
    }

    /// Removes what is at a path; true also where it was gone before.
    pub(super) async fn remove(&self, path: &str) -> Result<(), ApiError> {
        optional(self.repeated(Method::DELETE, path, None, SHORT).await).map(drop)
    }

    async fn repeated(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        cap: usize,
    ) -> Result<Answer, ApiError> {
        let mut tries = Tries::new(self, format!("{method} /api{path}"));
        loop {
            match self.exchange(&method, path, body, cap).await {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    /// One exchange of JSON with the site; a GET may be led elsewhere within the site.
    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        cap: usize,
    ) -> Result<Answer, ApiError> {
        let mut url = self.url(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.site_request(method.clone(), url.clone());
            if let Some(body) = body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.to_string());
            }
            let answer = self
                .send(request, &Gauge::new(self.behaviour().idle_timeout, 0), cap)
                .await?;
            match next_hop(method, &url, &answer) {
                Some(next) => url = next,
                None => {
                    return answer
                        .successful()
                        .map_err(|error| error.without(&strings_in(body)));
                }
            }
        }
        Err(ApiError::unexpected(
            &self.inner.host,
            "the site redirects in circles",
        ))
    }

    /// The full address of a path below `/api`.
    pub(super) fn url(&self, path: &str) -> Result<Url, ApiError> {
        Url::parse(&format!("{}/api{path}", self.inner.base_url))
            .map_err(|_| ApiError::unexpected(&self.inner.host, "an address could not be formed"))
    }

    /// A request to the site itself, with the key.
    pub(super) fn site_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner
            .http
            .request(method, url)
            .headers(self.inner.site_headers.clone())
    }

    /// A request to another host: same client, nothing that identifies us.
    pub(super) fn foreign_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.http.request(method, url)
    }

    /// Sends a request, once no outage is known of, and reads its answer up to `cap` bytes. Given
    /// up when nothing moves for the idle time.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        gauge: &Gauge,
        cap: usize,
    ) -> Result<Answer, ApiError> {
        self.outage().pass().await;
        gauge.begins();
        self.exchange_now(request, gauge, cap).await
    }

    /// The same without regard to outages.
    pub(super) async fn exchange_now(
        &self,
        request: RequestBuilder,
        gauge: &Gauge,
        cap: usize,
    ) -> Result<Answer, ApiError> {
        let host = self.inner.host.as_str();
        let request = request
            .build()
            .map_err(|error| ApiError::transport(host, &error))?;
        let (what, started) = (self.described(&request), Instant::now());
        let host = request.url().host_str().unwrap_or(host).to_owned();
        let sent = gauge
            .watch(&host, self.execute(request, &host))
            .await
            .and_then(|sent| sent);
        let answer = match sent.map_err(|error| gauge.own_fault().unwrap_or(error)) {
            Ok(response) => read_answer(response, host, self.behaviour().idle_timeout, cap).await,
            Err(error) => Err(error),
        };
        let status = answer
            .as_ref()
            .map_or_else(ApiError::status, |answer| Some(answer.status));
        if matches!(status, Some(429 | 503)) {
            self.inner.throttled.fetch_add(1, Ordering::Relaxed);
        }
        let of_the_site = answer
            .as_ref()
            .is_ok_and(|answer| answer.host == self.inner.host);
        if of_the_site && !status.is_some_and(means_outage) {
            self.outage().has_ended();
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
        match url.as_str().strip_prefix(&self.inner.base_url) {
            Some(_) if !url.path().starts_with("/storage/") => format!("{method} {}", url.path()),
            _ => format!("{method} {}", url.host_str().unwrap_or_default()),
        }
    }

    async fn execute(&self, request: Request, host: &str) -> Result<Response, ApiError> {
        self.inner
            .http
            .execute(request)
            .await
            .map_err(|error| ApiError::transport(host, &error))
    }
}

/// Where a redirect leads, if it stays on the same scheme, host and port. Any other one is an
/// error: the key is for this site only.
fn next_hop(method: &Method, from: &Url, answer: &Answer) -> Option<Url> {
    let next = from.join(answer.location.as_deref()?).ok()?;
    let moved = matches!(answer.status, 301 | 302 | 303 | 307 | 308) && method == Method::GET;
    (moved && next.origin() == from.origin()).then_some(next)
}

/// `None` for 404, everything else as it is.
pub(super) fn optional<T>(result: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every text of a request. What a server says about one may quote it.
fn strings_in(body: Option<&Value>) -> Vec<&str> {
    match body {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items
            .iter()
            .flat_map(|item| strings_in(Some(item)))
            .collect(),
        Some(Value::Object(members)) => members
            .values()
            .flat_map(|member| strings_in(Some(member)))
            .collect(),
        _ => Vec::new(),
    }
}
