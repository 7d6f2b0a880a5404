//! An embedded server that speaks Flywheel's API, for trying things out, for CI and for tests.
//!
//! Written from what is known of the API alone: it imports nothing of the client, so that a mistake
//! in one cannot be excused by the same mistake in the other. It keeps what it receives as files in
//! the hierarchy's shape. It must never listen beyond the loopback interface, and a hostile request
//! must never reach a path outside its folder.

mod auth;
mod blob;
mod docs;
mod era;
mod errors;
mod index;
mod layout;
mod model;
mod multipart;
mod options;
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
use dicom_lossless::display_path;
pub use options::{Era, Level, Options, Storage};
use serve::Order;
use store::Store;
use ticket::Tickets;

/// What every route can reach.
#[derive(Debug)]
struct App {
    store: Store,
    key: Zeroizing<String>,
    url: String,
    /// Without the key.
    options: Options,
    started: DateTime<Utc>,
    tickets: Mutex<Tickets>,
}

impl App {
    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running sandbox. It stops when this is dropped: requests under way may end, and the index is
/// saved.
pub struct Sandbox {
    addr: SocketAddr,
    app: Arc<App>,
    order: watch::Sender<Order>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// Starts a sandbox on threads of its own; it answers when this returns.
///
/// Fails with [`RunCode::ProfileInvalid`] when the profile cannot be read, else with
/// [`RunCode::SandboxUnavailable`].
pub fn start(mut options: Options) -> Result<Sandbox, Error> {
    if !options.listen.ip().is_loopback() {
        return Err(unavailable(
            "the sandbox listens on loopback addresses only",
            "it has no encryption",
            "use 127.0.0.1:PORT",
        ));
    }
    options.check()?;
    let profile = options.profile.as_deref().map(profile::load).transpose()?;
    let folder = |error: std::io::Error| {
        let what = format!("the folder {} cannot be used", display_path(&options.dir));
        unavailable(
            &what,
            &error.to_string(),
            "name a new or empty folder, or one that a sandbox used before",
        )
    };
    let store = Store::open(&options.dir).map_err(folder)?;
    let key = auth::settle(&store.home(), options.api_key.as_deref()).map_err(folder)?;
    options.api_key = None;
    prepare(&store, &options, profile)?;
    let listener = std::net::TcpListener::bind(options.listen)
        .and_then(|it| it.set_nonblocking(true).map(|()| it));
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
        options,
        started: Utc::now(),
        tickets: Mutex::new(Tickets::new()),
    });
    let order = watch::Sender::new(Order::Serve);
    let (serving, orders) = (app.clone(), order.subscribe());
    let thread = std::thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || serve::run(listener, &serving, &orders));
    let thread = thread.map_err(|error| {
        unavailable(
            "the sandbox cannot start its thread",
            &error.to_string(),
            "close other programs",
        )
    })?;
    Ok(Sandbox {
        addr,
        app,
        order,
        thread: Some(thread),
    })
}

fn unavailable(what: &str, why: &str, hint: &str) -> Error {
    Error::new(RunCode::SandboxUnavailable, what)
        .because(why)
        .with_hint(hint)
}

/// Makes the project and sets the profile that the options ask for.
fn prepare(
    store: &Store,
    options: &Options,
    profile: Option<serde_json::Value>,
) -> Result<(), Error> {
    let refused = |error: errors::ApiError| {
        Error::new(RunCode::SandboxUnavailable, "the sandbox cannot be set up")
            .because(error.message())
    };
    let made = match &options.project {
        Some((group, label)) => {
            let id = store
                .write(|writer| routes::ensure_project(writer, group, label))
                .map_err(refused)?;
            Some((group.clone(), id))
        }
        None => None,
    };
    let Some(profile) = profile else {
        return Ok(());
    };
    let scope = match (options.profile_level, made) {
        (Level::Site, _) => routes::SITE.to_owned(),
        (Level::Project, Some((_, project))) => project,
        (Level::Group, Some((group, _))) => group,
        _ => {
            return Err(Error::new(
                RunCode::Usage,
                "a profile of a project or group needs a project",
            )
            .with_hint("add `--project GROUP/PROJECT`"));
        }
    };
    let value = json!({"deid_profile": profile});
    store
        .write(|writer| writer.put(index::Change::Settings { scope, value }))
        .map_err(refused)
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
        &self.app.options.dir
    }

    /// The folder inside it for what is not received and never served.
    pub fn home(&self) -> PathBuf {
        self.app.store.home()
    }

    /// The bare API key. It is a secret.
    pub fn api_key(&self) -> &str {
        &self.app.key
    }

    /// The key as Flywheel's clients take it, `127.0.0.1:PORT:__force_insecure:KEY`. It is a
    /// secret.
    pub fn site_key(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}:__force_insecure:{}", self.addr, self.api_key()))
    }

    /// What the process form prints on standard output when it is ready: one line of JSON, which
    /// holds the key.
    pub fn ready_line(&self) -> Zeroizing<String> {
        let line = json!({
            "type": "sandbox", "v": 1, "url": self.url(), "key": self.site_key().as_str(), "dir": self.dir().to_string_lossy(),
        });
        Zeroizing::new(line.to_string())
    }

    /// Serves until the process is interrupted (Ctrl-C, or a request to terminate), then stops.
    pub fn run_until_interrupted(mut self) -> Result<(), Error> {
        self.order.send_replace(Order::UntilInterrupted);
        let ended = self.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        let failed = |why: &str| {
            unavailable(
                "the sandbox stopped serving",
                why,
                "start it again: what it confirmed is kept",
            )
        };
        ended
            .map_err(|_| failed("it hit a defect"))?
            .map_err(|error| failed(&error.to_string()))
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
