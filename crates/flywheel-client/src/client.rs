//! A connection to one site: reading, asking, creating and removing by JSON.
//!
//! Owns repetitions and redirects. It must never follow a redirect to another host, or repeat a
//! request that changes something.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::answer::{Answer, LONG, SHORT};
use crate::body::Gauge;
use crate::error::{ClientError, RequestError};
use crate::key::ApiKey;
use crate::learnt::Learnt;
use crate::listing::{ContainerAnswer, Listed};
use crate::notice::ClientNotice;
use crate::project::Project;
use crate::retry::Tries;
use crate::site_config::SiteConfig;
use crate::transport::{Settings, Transport};

/// Redirects within the site that are followed for one request.
const MAX_REDIRECTS: usize = 3;

/// A connection to one Flywheel site with one key. Cheap to clone; clones share connections and
/// what was learnt.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    pub(crate) config: Arc<OnceCell<SiteConfig>>,
    pub(crate) learnt: Arc<Learnt>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.transport.base_url)
    }
}

impl Client {
    /// A client for the key's site. Opens no connection yet.
    ///
    /// # Errors
    /// [`ClientError::CaCert`], [`ClientError::NoCertificates`], [`ClientError::Setup`].
    pub fn new(key: &ApiKey, settings: Settings) -> Result<Self, ClientError> {
        Ok(Self {
            transport: Arc::new(Transport::new(key, settings)?),
            config: Arc::default(),
            learnt: Arc::default(),
        })
    }

    /// Calls `tell` before a request is repeated and when a file takes another route, for this
    /// client and its clones; only the first call of this method counts. `tell` is called from
    /// upload tasks and must not block.
    #[must_use]
    pub fn on_notice(self, tell: impl Fn(ClientNotice) + Send + Sync + 'static) -> Self {
        self.transport
            .on_notice
            .get_or_init(|| Arc::new(tell));
        self
    }

    /// The site's host.
    pub fn host(&self) -> &str {
        &self.transport.host
    }

    /// The address of a project's page as the browser shows it; none for a project that is not there
    /// yet.
    pub fn page_of(&self, project: &Project) -> Option<String> {
        project.page(&self.transport.base_url)
    }

    /// How often the site or its storage has asked for fewer requests: answers 429 and 503 (RFC
    /// 9110, RFC 6585).
    pub fn throttled(&self) -> u64 {
        self.transport
            .throttled
            .load(Ordering::Relaxed)
    }

    /// Ends all waiting for an outage, now and from now on.
    pub fn wait_no_more(&self) {
        self.transport.outage.give_up();
    }

    pub(crate) fn tries(&self, what: impl Into<String>) -> Tries<'_> {
        Tries::new(&self.transport, what)
    }

    /// What watches an exchange whose body has this length.
    pub(crate) fn gauge(&self, length: u64) -> Arc<Gauge> {
        Gauge::new(self.transport.settings.idle_timeout, length)
    }

    /// That an answer of the site cannot be made sense of.
    pub(crate) fn unexpected(&self, what: impl Into<String>) -> RequestError {
        RequestError::unexpected(self.host(), what)
    }

    /// Reads something short; repeated while it makes sense.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        self.repeated(Method::GET, path, None, SHORT)
            .await?
            .json()
    }

    /// Like `get`, with `None` for 404.
    pub(crate) async fn get_optional<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, RequestError> {
        optional(self.get(path).await)
    }

    /// Reads a list of containers, or a container with its files.
    pub(crate) async fn get_listing<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<T, RequestError> {
        self.repeated(Method::GET, path, None, LONG)
            .await?
            .json()
    }

    /// Reads one page of a list of containers, and how many there are in all pages.
    pub(crate) async fn page(
        &self,
        path: &str,
    ) -> Result<(Vec<ContainerAnswer>, Option<u64>), RequestError> {
        let listed: Listed<_> = self.get_listing(path).await?;
        Ok(listed.into_parts())
    }

    /// Reads a list of containers to its last page.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<ContainerAnswer>, RequestError> {
        let (mut all, total) = self.page(path).await?;
        let first = all.len();
        // A page that brings nothing is the last one, whatever the server counts.
        while total.is_some_and(|total| (all.len() as u64) < total) {
            let next = format!("{path}?limit={first}&skip={}", all.len());
            let (more, _) = self.page(&next).await?;
            let known: HashSet<String> = all
                .iter()
                .map(|known| known.id.clone())
                .collect();
            let before = all.len();
            all.extend(
                more.into_iter()
                    .filter(|item| !known.contains(&item.id)),
            );
            if all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// A POST that changes nothing on the server, such as a lookup; repeated while it makes sense.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, RequestError> {
        self.repeated(Method::POST, path, Some(body), LONG)
            .await?
            .json()
    }

    /// A POST that changes something: tried once, since repeating it needs a look at the server
    /// first.
    pub(crate) async fn post_once(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, RequestError> {
        self.exchange(&Method::POST, path, body, SHORT)
            .await
    }

    /// Removes what is at a path; it may be gone already.
    pub(crate) async fn remove(&self, path: &str) -> Result<(), RequestError> {
        optional(
            self.repeated(Method::DELETE, path, None, SHORT)
                .await,
        )
        .map(drop)
    }

    async fn repeated(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        cap: usize,
    ) -> Result<Answer, RequestError> {
        let mut tries = self.tries(format!("{method} /api{path}"));
        loop {
            match self
                .exchange(&method, path, body, cap)
                .await
            {
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
    ) -> Result<Answer, RequestError> {
        let mut url = self.transport.url(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self
                .transport
                .site_request(method.clone(), url.clone());
            if let Some(body) = body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.to_string());
            }
            let answer = self
                .transport
                .send(request, &self.gauge(0), cap)
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
        Err(self.unexpected("the site redirects in circles"))
    }
}

/// Where a redirect leads, if it stays on the same scheme, host and port. Any other one is an
/// error: the key is for this site only.
fn next_hop(method: &Method, from: &Url, answer: &Answer) -> Option<Url> {
    let next = from
        .join(answer.location.as_deref()?)
        .ok()?;
    let moved = matches!(answer.status, 301 | 302 | 303 | 307 | 308) && method == Method::GET;
    (moved && next.origin() == from.origin()).then_some(next)
}

/// `None` for 404, everything else as it is.
pub fn optional<T>(result: Result<T, RequestError>) -> Result<Option<T>, RequestError> {
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
