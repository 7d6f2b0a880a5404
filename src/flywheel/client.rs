//! One HTTP client for everything: the site itself and the storage hosts behind signed addresses.
//!
//! Owns timeouts, proxies, certificates, redirects and the cap on answers. It must never let the key travel to another
//! host, follow a redirect there, or read an answer without a bound.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Method, Request, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::answer::Answer;
use super::auth::site_headers;
use super::body::Gauge;
use super::config::SiteConfig;
use super::error::{ApiError, Kind};
use super::retry::{ClientNotice, OnNotice, Tries, parse_retry_after};
use crate::credential::ApiKey;
use crate::failure::{Error, RunCode};
use crate::phi::display_path;

/// No answer is read further. Lists of containers with their files are the longest.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Of an answer that reports an error, only the beginning matters.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Redirects within the site that are followed for one request.
const MAX_REDIRECTS: usize = 3;

/// Kept shorter than servers keep an idle connection, so that we seldom write into one that they just closed.
const POOL_IDLE: Duration = Duration::from_secs(20);

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
            user_agent: concat!("fwupload/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A connection to one Flywheel site with one key. Cheap to clone; clones share connections and what was learnt.
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
    /// Uploads in a row for which direct storage was of no use.
    storage_failures: AtomicU32,
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
            settings,
            config: OnceCell::new(),
            storage_failures: AtomicU32::new(0),
        };
        Ok(Self { inner: Arc::new(inner), on_notice: None })
    }

    /// Has `tell` called before a request is repeated and when a file takes another route. It is called from upload
    /// tasks and must not block.
    #[must_use]
    pub fn on_notice(mut self, tell: impl Fn(ClientNotice) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(tell));
        self
    }

    /// The site's host, for messages.
    pub fn host(&self) -> &str {
        &self.inner.host
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

    pub(super) fn storage_failures(&self) -> &AtomicU32 {
        &self.inner.storage_failures
    }

    pub(super) fn tell(&self, notice: ClientNotice) {
        if let Some(tell) = &self.on_notice {
            tell(notice);
        }
    }

    /// Reads something; repeated while it makes sense.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.repeated(Method::GET, path, None).await?.json()
    }

    /// Like `get`, with `None` for 404.
    pub(super) async fn get_optional<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ApiError> {
        optional(self.get(path).await)
    }

    /// A POST that changes nothing on the server, such as a lookup; repeated while it makes sense.
    pub(super) async fn ask<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ApiError> {
        self.repeated(Method::POST, path, Some(body)).await?.json()
    }

    /// A POST that changes something: tried once, since repeating it needs a look at the server first.
    pub(super) async fn post_once(&self, path: &str, body: Option<&Value>) -> Result<Answer, ApiError> {
        self.exchange(&Method::POST, path, body).await
    }

    async fn repeated(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ApiError> {
        let mut tries = Tries::new(self, format!("{method} /api{path}"));
        loop {
            match self.exchange(&method, path, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    /// One exchange of JSON with the site; a GET may be led elsewhere within the site.
    async fn exchange(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, ApiError> {
        let mut url = self.url(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.site_request(method.clone(), url.clone());
            if let Some(body) = body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
            }
            let answer = self.send(request, &Gauge::new(self.behaviour().idle_timeout, 0)).await?;
            match next_hop(method, &url, &answer) {
                Some(next) => url = next,
                None => return answer.successful().map_err(|error| error.without(&strings_in(body))),
            }
        }
        Err(ApiError::unexpected(&self.inner.host, "the site redirects in circles"))
    }

    /// The full address of a path below `/api`.
    pub(super) fn url(&self, path: &str) -> Result<Url, ApiError> {
        Url::parse(&format!("{}/api{path}", self.inner.base_url))
            .map_err(|_| ApiError::unexpected(&self.inner.host, "an address could not be formed"))
    }

    /// A request to the site itself, with the key.
    pub(super) fn site_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.http.request(method, url).headers(self.inner.site_headers.clone())
    }

    /// A request to a storage host: same client, nothing that identifies us.
    pub(super) fn storage_request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.http.request(method, url)
    }

    /// Sends a request and reads its answer under the cap. Given up when nothing moves for the idle time.
    pub(super) async fn send(&self, request: RequestBuilder, gauge: &Gauge) -> Result<Answer, ApiError> {
        let host = self.inner.host.as_str();
        let request = request.build().map_err(|error| ApiError::transport(host, &error))?;
        let (what, started) = (self.described(&request), Instant::now());
        let host = request.url().host_str().unwrap_or(host).to_owned();
        let sent = gauge.watch(&host, self.execute(request, &host)).await.and_then(|sent| sent);
        let answer = match sent.map_err(|error| gauge.own_fault().unwrap_or(error)) {
            Ok(response) => read_answer(response, host, self.behaviour().idle_timeout).await,
            Err(error) => Err(error),
        };
        let status = answer.as_ref().map_or_else(ApiError::status, |answer| Some(answer.status));
        self.tell(ClientNotice::Answered { what, status, took: started.elapsed() });
        answer
    }

    /// Method and path, without the query; of another host's address, which is signed, only the host.
    fn described(&self, request: &Request) -> String {
        let (method, url) = (request.method(), request.url());
        match url.as_str().strip_prefix(&self.inner.base_url) {
            Some(_) if !url.path().starts_with("/storage/") => format!("{method} {}", url.path()),
            _ => format!("{method} {}", url.host_str().unwrap_or_default()),
        }
    }

    async fn execute(&self, request: Request, host: &str) -> Result<Response, ApiError> {
        self.inner.http.execute(request).await.map_err(|error| ApiError::transport(host, &error))
    }
}

/// Where a redirect leads, if it stays on the same scheme, host and port. Any other one is an error: the key is for
/// this site only.
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
        Some(Value::Array(items)) => items.iter().flat_map(|item| strings_in(Some(item))).collect(),
        Some(Value::Object(members)) => members.values().flat_map(|member| strings_in(Some(member))).collect(),
        _ => Vec::new(),
    }
}

fn build_http(key: &ApiKey, settings: &Settings) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .http1_only()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if key.is_loopback() {
        // A proxy cannot reach this machine's own loopback.
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.ca_cert {
        builder = builder.tls_certs_merge(read_certificates(path)?);
    }
    builder
        .build()
        .map_err(|error| Error::new(RunCode::ConfigInvalid, "the network client cannot be set up").because(error.to_string()))
}

fn read_certificates(path: &PathBuf) -> Result<Vec<reqwest::Certificate>, Error> {
    let failed = |why: &str| {
        Error::new(RunCode::ConfigInvalid, format!("`--ca-cert` {} cannot be used", display_path(path)))
            .because(why)
            .with_hint("name a PEM file with the certificate of your site's authority")
    };
    let pem = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| failed("it is not PEM"))?;
    if certificates.is_empty() { Err(failed("it holds no certificate")) } else { Ok(certificates) }
}

async fn read_answer(response: Response, host: String, idle: Duration) -> Result<Answer, ApiError> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, location, etag) = (response.status().as_u16(), header(LOCATION), header(ETAG));
    let retry_after = header(RETRY_AFTER).and_then(|text| parse_retry_after(&text, Utc::now()));
    let body = if (200..300).contains(&status) {
        read_body(response, &host, idle, MAX_ANSWER_BYTES, false).await?
    } else {
        // The status says enough: what is missing of an error's text is no second error.
        read_body(response, &host, idle, MAX_ERROR_BYTES, true).await.unwrap_or_default()
    };
    Ok(Answer { host, status, body, retry_after, location, etag })
}

/// Reads up to `cap` bytes; more are an error, or dropped where `cut` is set.
async fn read_body(mut response: Response, host: &str, idle: Duration, cap: usize, cut: bool) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    loop {
        let stalled = |_| ApiError::from(Kind::Stalled { host: host.to_owned(), seconds: idle.as_secs() });
        let chunk = tokio::time::timeout(idle, response.chunk()).await.map_err(stalled)?;
        let Some(chunk) = chunk.map_err(|error| ApiError::transport(host, &error))? else { return Ok(body.freeze()) };
        let room = cap - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return if cut {
                Ok(body.freeze())
            } else {
                Err(ApiError::unexpected(host, "the answer is far longer than it should be"))
            };
        }
    }
}
