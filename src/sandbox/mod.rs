//! An embedded server that speaks Flywheel's API, for trying things out, for CI and for tests.
//!
//! Written from what is known of the API alone: it imports nothing of the client, so that a mistake in one cannot be
//! excused by the same mistake in the other. It keeps what it receives as files in the hierarchy's shape. It must never
//! listen beyond the loopback interface, and a hostile request must never reach a path outside its folder.

mod auth;
mod blob;
mod docs;
mod errors;
mod index;
mod layout;
mod model;
mod multipart;
mod profile;
mod query;
mod routes;
mod schema;
mod serve;
mod store;
mod ticket;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::failure::{Error, RunCode};
use crate::phi::display_path;
use serve::Order;
use store::Store;
use ticket::Tickets;

/// Above this size a signed upload is cut into parts (bytes): what object stores take in one piece.
const ONE_PIECE: u64 = 5 << 30;

/// The level at which a sandbox serves its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// The project that is made at the start.
    #[default]
    Project,
    /// That project's group.
    Group,
    /// The whole site.
    Site,
}

/// What kind of sandbox to start. Build it on [`Options::new`].
#[derive(Clone)]
pub struct Options {
    /// The folder that holds what is received: new, empty, or one that a sandbox used before.
    pub dir: PathBuf,
    /// Where to listen; port 0 picks a free one. Only loopback addresses are taken.
    pub listen: SocketAddr,
    /// A group id and project label to make unless they are there.
    pub project: Option<(String, String)>,
    /// A de-identification profile to serve (TOML, YAML or JSON).
    pub profile: Option<PathBuf>,
    /// The level at which it is served; the first two need `project`.
    pub profile_level: Level,
    /// Whether uploads get signed URLs.
    pub signed_urls: bool,
    /// The key to accept; without it the one kept in the folder, or a new one.
    pub api_key: Option<String>,
    /// The size in bytes above which a signed upload is cut into parts of at most this size.
    pub multipart_threshold: u64,
    /// Whether the site says that it keeps a de-identification log.
    pub deid_log: bool,
}

impl Options {
    /// A sandbox in this folder, on a free port of 127.0.0.1, empty and without a profile.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            project: None,
            profile: None,
            profile_level: Level::default(),
            signed_urls: false,
            api_key: None,
            multipart_threshold: ONE_PIECE,
            deid_log: false,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // not the key
        f.debug_struct("Options").field("dir", &self.dir).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// What every route can reach.
#[derive(Debug)]
struct App {
    store: Store,
    key: Zeroizing<String>,
    url: String,
    signed_urls: bool,
    multipart_threshold: u64,
    deid_log: bool,
    started: DateTime<Utc>,
    tickets: Mutex<Tickets>,
}

impl App {
    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running sandbox. It stops when this is dropped: requests under way may end, and the index is saved.
pub struct Sandbox {
    addr: SocketAddr,
    dir: PathBuf,
    app: Arc<App>,
    order: watch::Sender<Order>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Starts a sandbox on threads of its own; it answers when this returns.
///
/// Fails with [`RunCode::ProfileInvalid`] when the profile cannot be read, else with [`RunCode::SandboxUnavailable`].
pub fn start(options: Options) -> Result<Sandbox, Error> {
    if !options.listen.ip().is_loopback() {
        return Err(unavailable("the sandbox listens on loopback addresses only", "it has no encryption", "use 127.0.0.1:PORT"));
    }
    let profile = options.profile.as_deref().map(profile::load).transpose()?;
    let folder = |error: std::io::Error| {
        let what = format!("the folder {} cannot be used", display_path(&options.dir));
        unavailable(&what, &error.to_string(), "name a new or empty folder, or one that a sandbox used before")
    };
    let store = Store::open(&options.dir).map_err(folder)?;
    let key = auth::settle(&store.home(), options.api_key.as_deref()).map_err(folder)?;
    prepare(&store, &options, profile)?;
    let listener = std::net::TcpListener::bind(options.listen).and_then(|it| it.set_nonblocking(true).map(|()| it));
    let listener = listener.and_then(|it| it.local_addr().map(|addr| (it, addr)));
    let (listener, addr) = listener.map_err(|error| {
        unavailable(
            &format!("the sandbox cannot listen on {}", options.listen),
            &error.to_string(),
            "name another port, or 0 for a free one",
        )
    })?;
    let app = Arc::new(App {
        store,
        key,
        url: format!("http://{addr}"),
        signed_urls: options.signed_urls,
        multipart_threshold: options.multipart_threshold,
        deid_log: options.deid_log,
        started: Utc::now(),
        tickets: Mutex::new(Tickets::new()),
    });
    let order = watch::Sender::new(Order::Serve);
    let (serving, orders) = (app.clone(), order.subscribe());
    let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || serve::run(listener, &serving, &orders));
    let thread =
        thread.map_err(|error| unavailable("the sandbox cannot start its thread", &error.to_string(), "close other programs"))?;
    Ok(Sandbox { addr, dir: options.dir, app, order, thread: Some(thread) })
}

fn unavailable(what: &str, why: &str, hint: &str) -> Error {
    Error::new(RunCode::SandboxUnavailable, what).because(why).with_hint(hint)
}

/// Makes the project and sets the profile that the options ask for.
fn prepare(store: &Store, options: &Options, profile: Option<serde_json::Value>) -> Result<(), Error> {
    let refused = |error: errors::ApiError| {
        Error::new(RunCode::SandboxUnavailable, "the sandbox cannot be set up").because(error.message())
    };
    let made = match &options.project {
        Some((group, label)) => {
            let id = store.write(|writer| routes::ensure_project(writer, group, label)).map_err(refused)?;
            Some((group.clone(), id))
        }
        None => None,
    };
    let Some(profile) = profile else { return Ok(()) };
    let scope = match (options.profile_level, made) {
        (Level::Site, _) => routes::SITE.to_owned(),
        (Level::Project, Some((_, project))) => project,
        (Level::Group, Some((group, _))) => group,
        _ => {
            return Err(Error::new(RunCode::Usage, "a profile of a project or group needs a project")
                .with_hint("add `--project GROUP/PROJECT`"));
        }
    };
    let value = json!({"deid_profile": profile});
    store.write(|writer| writer.put(index::Change::Settings { scope, value })).map_err(refused)
}

impl Sandbox {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// The folder that holds what is received.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder inside it for what is not received and never served.
    pub fn home(&self) -> PathBuf {
        self.app.store.home()
    }

    /// The bare API key. It is a secret.
    pub fn api_key(&self) -> &str {
        &self.app.key
    }

    /// The key as Flywheel's clients take it, `127.0.0.1:PORT:__force_insecure:KEY`. It is a secret.
    pub fn site_key(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}:__force_insecure:{}", self.addr, self.api_key()))
    }

    /// What the process form prints on standard output when it is ready: one line of JSON, which holds the key.
    pub fn ready_line(&self) -> Zeroizing<String> {
        let line = json!({
            "type": "sandbox", "v": 1, "url": self.url(), "key": self.site_key().as_str(), "dir": self.dir.to_string_lossy(),
        });
        Zeroizing::new(line.to_string())
    }

    /// Serves until the process is interrupted (Ctrl-C, or a request to terminate), then stops.
    pub fn run_until_interrupted(mut self) -> Result<(), Error> {
        self.order.send_replace(Order::UntilInterrupted);
        let ended = self.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        let failed = |why: &str| unavailable("the sandbox stopped serving", why, "start it again: what it confirmed is kept");
        ended.map_err(|_| failed("it hit a defect"))?.map_err(|error| failed(&error.to_string()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.order.send_replace(Order::Stop);
        let ended = self.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        if !matches!(ended, Ok(Ok(()))) {
            eprintln!("warning: the sandbox did not stop cleanly; its journal has every change");
        }
    }
}

#[cfg(test)]
mod tests;
