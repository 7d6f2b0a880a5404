//! `fwupload review`: what would be sent, shown in a browser, and then what was approved there is sent.
//!
//! Owns the server of the page: it listens on the loopback alone, shows everything to the one browser
//! that opened the address with its token, and answers no other site. Originals are shown here and
//! nowhere else. Must never send anything that the page's list does not approve.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as Part, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{runtime, upload};
use crate::cli::UploadArgs;
use crate::config::{Config, Environment, PageForReview, Server};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::pipeline::Signals;
use crate::review::{Approvals, Originals, Progress};
use dicom_lossless::{Limits, Source, read};
use dicom_pictures::ShownImage;

/// The page in its folder.
const PAGE: &str = "page.html";
/// The longest list that a page may send.
const LONGEST_LIST: usize = 1 << 30;
/// Pixels of an original in the longer direction.
const SIDE: usize = 512;
/// How long the page may still ask how the upload ended.
const FAREWELL: Duration = Duration::from_secs(3);

/// What the server of the page knows.
struct Served {
    folder: PathBuf,
    address: SocketAddr,
    /// What the address has that is opened first, and whether it was used.
    token: String,
    was_used: AtomicBool,
    /// What the browser has from then on.
    cookie: String,
    originals: Arc<Originals>,
    progress: Arc<Progress>,
    /// The list, once it was sent.
    list: Mutex<Option<Bytes>>,
    decided: Notify,
    /// The page was told how the upload ended.
    told: Notify,
}

/// Shows what would be sent, and sends what is approved.
pub fn run(args: &UploadArgs, typed: &[OsString], environment: &Environment) -> ExitStatus {
    match reviewed(args, typed, environment) {
        Ok(status) => status,
        Err(error) => super::refuse(&error, environment),
    }
}

fn reviewed(
    args: &UploadArgs,
    typed: &[OsString],
    environment: &Environment,
) -> Result<ExitStatus, Error> {
    refuse_what_has_no_sense_here(args)?;
    let folder = tempfile::tempdir().map_err(|error| unserved(&error))?;
    let originals = Arc::new(Originals::default());
    let mut first = args.clone();
    first.destination.output = None;
    first.destination.dry_run = true;
    let page = PageForReview {
        path: folder.path().join(PAGE),
        served: Some(Arc::clone(&originals)),
        named_paths: args.named_paths(),
    };
    let status = upload::run_with(&first, typed, environment, |config| {
        config.report.review = Some(page);
        refuse_passing_sandbox(config)
    });
    // Where nothing could be sent there is nothing to decide.
    if originals.is_empty() || !folder.path().join(PAGE).exists() {
        return Ok(status);
    }
    let runtime = runtime()?;
    let (served, answering) = runtime.block_on(serve(folder.path(), originals))?;
    tell(&served.url());
    let list = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            _ = signals.next() => Err(Error::from(RunCode::Interrupted)),
            () = served.decided.notified() => Ok(served.list()),
        }
    })?;
    let approved = folder.path().join("approved.jsonl");
    std::fs::write(&approved, &list).map_err(|error| unserved(&error))?;
    let mut second = args.clone();
    second.destination.review.approved = Some(approved);
    let progress = Arc::clone(&served.progress);
    let status = upload::run_with(&second, typed, environment, |config| {
        config.report.page_progress = Some(progress);
        Ok(())
    });
    let (_, has_ended) = served.progress.now();
    if !has_ended {
        served.progress.note(
            "The upload did not begin: the terminal says why.".to_owned(),
            true,
        );
    }
    // A page that was closed asks nothing any more.
    let _ = runtime.block_on(async { timeout(FAREWELL, answering).await });
    runtime.shutdown_background();
    Ok(status)
}

fn refuse_what_has_no_sense_here(args: &UploadArgs) -> Result<(), Error> {
    let flags = [
        ("dry-run", args.destination.dry_run),
        (
            "review",
            args.destination
                .review
                .review
                .is_some(),
        ),
        (
            "approved",
            args.destination
                .review
                .approved
                .is_some(),
        ),
        ("json", args.output.json),
    ];
    match flags
        .iter()
        .find(|(_, is_given)| *is_given)
    {
        Some((flag, _)) => Err(Error::usage(
            format!("`fwupload review` and `--{flag}` exclude each other"),
            format!("leave out `--{flag}`"),
        )),
        None => Ok(()),
    }
}

/// Two runs need one server.
fn refuse_passing_sandbox(config: &Config) -> Result<(), Error> {
    match config.server {
        Server::Sandbox(None) => Err(Error::usage(
            "a sandbox without a folder does not last from the review to the upload",
            "name a folder: `--sandbox DIR`",
        )),
        _ => Ok(()),
    }
}

/// Says where the page is, and opens it where there is a browser.
fn tell(url: &str) {
    let line = format!(
        "the page for review is at {url}\n  for one browser on this machine; Ctrl-C ends it, and nothing \
            is sent"
    );
    // Without a terminal there is still the browser.
    let _ = writeln!(std::io::stderr(), "{line}");
    if has_screen() {
        // One that cannot be started is no reason to stop: the address is shown.
        let _ = open::that_detached(url);
    }
}

/// Whether a browser could show anything.
fn has_screen() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

async fn serve(
    folder: &Path,
    originals: Arc<Originals>,
) -> Result<(Arc<Served>, JoinHandle<()>), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|error| unserved(&error))?;
    let served = Arc::new(Served {
        folder: folder.to_owned(),
        address: listener
            .local_addr()
            .map_err(|error| unserved(&error))?,
        token: random()?,
        was_used: AtomicBool::new(false),
        cookie: random()?,
        originals,
        progress: Arc::default(),
        list: Mutex::default(),
        decided: Notify::new(),
        told: Notify::new(),
    });
    let pages = Router::new()
        .route("/", get(page))
        .route("/page.html.pictures/{name}", get(picture))
        .route("/original/{series}/{picture}", get(original))
        .route(
            "/send",
            post(send).layer(DefaultBodyLimit::max(LONGEST_LIST)),
        )
        .route("/progress", get(progress))
        .layer(from_fn_with_state(Arc::clone(&served), guard))
        .with_state(Arc::clone(&served));
    let over = Arc::clone(&served);
    let answering = tokio::spawn(async move {
        let serving = axum::serve(listener, pages);
        // One that fails is as one that ended: the page says that nothing answers.
        let _ = serving
            .with_graceful_shutdown(async move { over.told.notified().await })
            .await;
    });
    Ok((served, answering))
}

impl Served {
    fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token)
    }

    fn list(&self) -> Bytes {
        self.list
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_default()
    }

    /// Whether a request names this server, and comes from its own page or from the address line.
    fn is_from_here(&self, headers: &HeaderMap) -> bool {
        let port = self.address.port();
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let is_here = |host: &str| {
            hosts
                .iter()
                .any(|here| here == host)
        };
        let of_origin = text(ORIGIN).map(|origin| {
            origin
                .strip_prefix("http://")
                .is_some_and(is_here)
        });
        let site = headers
            .get("sec-fetch-site")
            .and_then(|value| value.to_str().ok());
        text(HOST).is_some_and(is_here)
            && of_origin.unwrap_or(true)
            && site.is_none_or(|site| ["same-origin", "none"].contains(&site))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|cookie| {
                cookie
                    .trim()
                    .strip_prefix(&format!("{}=", self.cookie_name()))
            })
            .any(|value| same(value, &self.cookie))
    }

    /// Cookies know no ports: two reviews at a time have two names.
    fn cookie_name(&self) -> String {
        format!("fwupload-review-{}", self.address.port())
    }
}

/// Compares digests, so that the time it takes tells nothing.
fn same(given: &str, expected: &str) -> bool {
    Sha256::digest(given) == Sha256::digest(expected)
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
}

/// Lets requests of the page through, and the first one with the token.
async fn guard(
    State(served): State<Arc<Served>>,
    Query(Token { token }): Query<Token>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let mut answer = if !served.is_from_here(headers) {
        refused("this page is for the browser on this machine alone")
    } else if served.has_cookie(headers) {
        next.run(request).await
    } else if token.is_some_and(|token| same(&token, &served.token))
        && !served
            .was_used
            .swap(true, Ordering::SeqCst)
    {
        let cookie = format!(
            "{}={}; HttpOnly; SameSite=Strict; Path=/",
            served.cookie_name(),
            served.cookie
        );
        (
            StatusCode::SEE_OTHER,
            [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)],
        )
            .into_response()
    } else {
        refused("the address was used already, or is not whole: run `fwupload review` again")
    };
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn refused(why: &'static str) -> Response {
    (StatusCode::FORBIDDEN, why).into_response()
}

fn missing() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

async fn page(State(served): State<Arc<Served>>) -> Response {
    file(&served.folder.join(PAGE), "text/html; charset=utf-8").await
}

/// A picture that the page had no room for.
async fn picture(State(served): State<Arc<Served>>, Part(name): Part<String>) -> Response {
    let is_number = name
        .strip_suffix(".png")
        .is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
        });
    if !is_number {
        return missing();
    }
    let folder = served
        .folder
        .join(format!("{PAGE}.pictures"));
    file(&folder.join(name), "image/png").await
}

async fn file(path: &Path, kind: &'static str) -> Response {
    match tokio::fs::read(path).await {
        Ok(bytes) => ([(CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => missing(),
    }
}

async fn original(
    State(served): State<Arc<Served>>,
    Part((series, picture)): Part<(String, usize)>,
) -> Response {
    let Some(source) = served
        .originals
        .get(&series, picture)
    else {
        return missing();
    };
    let shown = tokio::task::spawn_blocking(move || {
        let instance = read(Source::File(source.file), &Limits::default()).ok()?;
        let frame = ShownImage::of(instance)
            .ok()??
            .frame(source.frame)
            .ok()?;
        frame.thumbnail(SIDE).to_png().ok()
    });
    match shown.await {
        Ok(Some(png)) => ([(CONTENT_TYPE, "image/png")], png).into_response(),
        _ => missing(),
    }
}

/// Takes the list, once.
async fn send(State(served): State<Arc<Served>>, list: Bytes) -> Response {
    match Approvals::of_lines(list.as_ref()) {
        Ok(approvals) if approvals.is_empty() => {
            return (StatusCode::BAD_REQUEST, "no series is approved").into_response();
        }
        Ok(_) => {}
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    }
    let mut kept = served
        .list
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if kept.is_some() {
        return (StatusCode::CONFLICT, "it was sent already").into_response();
    }
    *kept = Some(list);
    served
        .progress
        .note("The upload begins".to_owned(), false);
    served.decided.notify_one();
    StatusCode::NO_CONTENT.into_response()
}

async fn progress(State(served): State<Arc<Served>>) -> Response {
    let (text, ended) = served.progress.now();
    if ended {
        served.told.notify_one();
    }
    axum::Json(json!({"text": text, "ended": ended})).into_response()
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(RunCode::Internal, format!("no random token: {error}")))?;
    Ok(hex::encode(bytes))
}

fn unserved(error: &std::io::Error) -> Error {
    Error::new(
        RunCode::ReviewUnserved,
        "the page for review cannot be shown",
    )
    .because(error.to_string())
}
