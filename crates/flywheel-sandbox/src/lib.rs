//! An embedded server that speaks Flywheel's API, for trying things out, for CI and for tests.
//!
//! Written from what is known of the API alone: it depends on no client, so that a mistake in a
//! client is not repeated here. It keeps what it receives as files in the hierarchy's shape. It must
//! never listen beyond the loopback interface, and a hostile request must never reach a path outside
//! its folder. For a person there is a page at `/`, which asks for the key.
//!
//! ```
//! use flywheel_sandbox::{Options, start};
//!
//! # let dir = tempfile::tempdir()?;
//! let mut options = Options::new(dir.path().join("site"));
//! options.project = Some(("demo".to_owned(), "phantom".to_owned()));
//! let sandbox = start(options)?;
//! println!("the API is at {}/api", sandbox.url());
//! drop(sandbox); // stops serving, and saves the index
//! assert!(dir.path().join("site/demo/phantom").is_dir());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod api_error;
mod app;
mod auth;
mod blob;
mod body;
mod documents;
mod error;
mod ids;
mod index;
mod layout;
mod model;
mod multipart_form;
mod options;
mod page;
mod query;
mod routes;
mod schema;
mod serve;
mod session;
mod store;
mod ticket;
mod viewer;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use chrono::Utc;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use api_error::ApiError;
use app::App;
pub use error::SandboxError;
pub use options::{Era, Options, ProfileLevel, Storage};
use store::Store;
use ticket::Tickets;
pub use viewer::{Content, Header, HeaderLine, ShowHeader, ShowPicture, Viewer};

/// A running sandbox. It stops when this is dropped: requests under way may end, and the index is
/// saved.
pub struct Sandbox {
    addr: SocketAddr,
    app: Arc<App>,
    stop: CancellationToken,
    ended: CancellationToken,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// Starts a sandbox on threads of its own; it answers when this returns.
pub fn start(mut options: Options) -> Result<Sandbox, SandboxError> {
    if !options.listen.ip().is_loopback() {
        return Err(SandboxError::NotLoopback);
    }
    options.check()?;
    let folder = |source| SandboxError::Folder {
        dir: options.dir.clone(),
        source,
    };
    let store = Store::open(&options.dir).map_err(folder)?;
    let key = auth::load_or_make_key(&store.home(), options.api_key.as_deref()).map_err(folder)?;
    options.api_key = None;
    let profile = options.profile.take();
    prepare(&store, &options, profile)?;
    let (listener, addr) = listen(options.listen).map_err(|source| SandboxError::Listen {
        address: options.listen,
        source,
    })?;
    let app = Arc::new(App {
        store,
        key,
        url: format!("http://{addr}"),
        port: addr.port(),
        options,
        started: Utc::now(),
        tickets: Mutex::new(Tickets::new()),
        sessions: Mutex::default(),
        inflated: Arc::default(),
    });
    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let (serving, told, ending) = (app.clone(), stop.clone(), ended.clone().drop_guard());
    let thread = std::thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            let _ending = ending;
            serve::run(listener, &serving, &told)
        })
        .map_err(SandboxError::Thread)?;
    Ok(Sandbox {
        addr,
        app,
        stop,
        ended,
        thread: Some(thread),
    })
}

fn listen(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// Makes the project and sets the profile that the options ask for.
fn prepare(store: &Store, options: &Options, profile: Option<Value>) -> Result<(), SandboxError> {
    let refused = |error: ApiError| SandboxError::Setup(error.message().to_owned());
    let project = options
        .project
        .as_ref()
        .map(|(group, label)| {
            let id = store.write(|writer| routes::ensure_project(writer, group, label))?;
            Ok((group.clone(), id))
        });
    let project = project
        .transpose()
        .map_err(refused)?;
    let Some(profile) = profile else {
        return Ok(());
    };
    let scope = match (options.profile_level, project) {
        (ProfileLevel::Site, _) => routes::SITE.to_owned(),
        (ProfileLevel::Project, Some((_, project))) => project,
        (ProfileLevel::Group, Some((group, _))) => group,
        (ProfileLevel::Project | ProfileLevel::Group, None) => {
            return Err(SandboxError::ProjectMissing);
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

    /// The address of the page for a browser, where there is one.
    pub fn page_url(&self) -> Option<String> {
        self.app
            .options
            .page
            .then(|| format!("{}/", self.url()))
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

    /// One line of JSON that says how to reach the sandbox. It holds the key.
    pub fn ready_line(&self) -> Zeroizing<String> {
        let line = json!({
            "type": "sandbox",
            "v": 1,
            "url": self.url(),
            "key": self.site_key().as_str(),
            "dir": self.dir().to_string_lossy(),
        });
        Zeroizing::new(line.to_string())
    }

    /// Ends when the sandbox ended by itself, which is a failure that [`Sandbox::stop`] tells.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Stops it: requests under way may end, and the index is saved.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Stopped`] where it could not serve, or not save.
    pub fn stop(mut self) -> Result<(), SandboxError> {
        self.end()
            .map_err(SandboxError::Stopped)
    }

    fn end(&mut self) -> io::Result<()> {
        self.stop.cancel();
        match self
            .thread
            .take()
            .map(JoinHandle::join)
        {
            None => Ok(()),
            Some(Ok(served)) => served,
            Some(Err(_)) => Err(io::Error::other("it hit a defect")),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.end().is_err() {
            eprintln!("warning: the sandbox did not stop cleanly; its journal has every change");
        }
    }
}

#[cfg(test)]
mod tests;
