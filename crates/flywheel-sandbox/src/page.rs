//! The page at `/`: what the sandbox holds, for a person with a browser.
//!
//! Owns the routes below `/page`, which read, but for login, logout and reset. It asks for the key
//! once and gives the browser a token for it; `guard` says from where it may be asked at all. What
//! files hold goes to the browser as JSON, and its script makes text of it and never markup. Must
//! never build a path on disk by itself, and never change what Flywheel's API answers.

mod archive;
mod content;
mod guard;
mod tree;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api_error::ApiError;
use crate::app::App;
use crate::index::Change;
use crate::routes::{SITE, ensure_project, log_path};
use crate::store::Writer;
use crate::{auth, body, session};

const PAGE: &str = include_str!("page/page.html");
const LOGIN: &str = include_str!("page/login.html");
const STYLE: &str = include_str!("page/page.css");
const ICON: &str = include_str!("page/icon.svg");
const SCRIPT: &str = include_str!("page/page.js");
/// What stands in the form for the key where a wrong one was typed.
const NO_ALERT: &str = "<!-- alert -->";
const WRONG_KEY: &str = "<p class=\"alert\" role=\"alert\">This is not the sandbox's key.</p>";
/// The longest body that a browser sends: a key.
const LONGEST_BODY: usize = 4096;

type Shared = State<Arc<App>>;
type Answer = Result<Json<Value>, ApiError>;

/// The routes of the page; none where there is to be no page.
pub fn router(app: Arc<App>) -> Router {
    if !app.options.page {
        return Router::new();
    }
    let for_who_has_the_key = Router::new()
        .route("/page/state", get(tree::state))
        .route("/page/containers", get(tree::groups))
        .route("/page/containers/{id}", get(tree::container))
        .route("/page/files/{id}", get(tree::file))
        .route("/page/files/{id}/{version}/members", get(content::members))
        .route("/page/files/{id}/{version}/header", get(content::header))
        .route("/page/files/{id}/{version}/picture", get(content::picture))
        .route("/page/reset", post(reset))
        .route_layer(from_fn_with_state(app.clone(), session_required));
    Router::new()
        .route("/", get(front))
        .route("/page/icon.svg", get(icon))
        .route("/page/page.css", get(style))
        .route("/page/page.js", get(script))
        .route("/page/login", post(login))
        .route("/page/logout", post(logout))
        .merge(for_who_has_the_key)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(body::bounded))
        .layer(from_fn_with_state(app.clone(), guard::from_here))
        .layer(from_fn(guard::hardened))
        .with_state(app)
}

/// Lets a request through if the key was typed into its browser.
async fn session_required(
    State(app): Shared,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if has_session(&app, request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::new(
        StatusCode::UNAUTHORIZED,
        "the page asks for the sandbox's key first",
    ))
}

fn has_session(app: &App, headers: &HeaderMap) -> bool {
    session::token(headers, app.port).is_some_and(|token| app.sessions().knows(token))
}

/// `GET /`: the page, or the form for the key.
async fn front(State(app): Shared, headers: HeaderMap) -> Html<&'static str> {
    Html(if has_session(&app, &headers) {
        PAGE
    } else {
        LOGIN
    })
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

/// What the form for the key sends.
#[derive(Deserialize)]
struct Login {
    key: String,
}

/// `POST /page/login`: a token for the key.
async fn login(State(app): Shared, Form(login): Form<Login>) -> Response {
    let typed = Zeroizing::new(login.key);
    if !auth::same(auth::bare(&typed), &app.key) {
        let form = LOGIN.replacen(NO_ALERT, WRONG_KEY, 1);
        return (StatusCode::UNAUTHORIZED, Html(form)).into_response();
    }
    let token = app.sessions().open();
    let cookie = session::cookie(app.port, &token);
    (
        StatusCode::SEE_OTHER,
        [(LOCATION, "/"), (SET_COOKIE, &cookie)],
    )
        .into_response()
}

/// `POST /page/logout`: the token is good no more.
async fn logout(State(app): Shared, headers: HeaderMap) -> Response {
    if let Some(token) = session::token(&headers, app.port) {
        app.sessions().close(token);
    }
    let cookie = format!("{}; Max-Age=0", session::cookie(app.port, ""));
    (
        StatusCode::SEE_OTHER,
        [(LOCATION, "/"), (SET_COOKIE, &cookie)],
    )
        .into_response()
}

/// `POST /page/reset`: the sandbox as it was when it was new, with the same key, the project that
/// it was started with, and the profiles of that project, its group and the site.
async fn reset(State(app): Shared) -> Answer {
    let emptying = app.clone();
    let emptied = tokio::task::spawn_blocking(move || {
        let log = log_path(&emptying);
        let folder = emptying.store.write(|writer| {
            let kept = settings_to_keep(&emptying, writer);
            let folder = writer.empty(vec![log])?;
            begin_again(&emptying, writer, kept)?;
            Ok(folder)
        })?;
        emptying.tickets().clear();
        std::fs::remove_dir_all(folder).map_err(ApiError::from)
    });
    emptied.await.map_err(|_| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the sandbox hit a defect",
        )
    })??;
    *app.inflated.lock().await = None;
    Ok(Json(json!({"emptied": true})))
}

/// Settings of the site, and of the group and project that the sandbox was started with.
struct KeptSettings {
    site: Option<Value>,
    group: Option<Value>,
    project: Option<Value>,
}

fn settings_to_keep(app: &App, writer: &Writer<'_>) -> KeptSettings {
    let index = writer.index();
    let settings = |scope: &str| index.settings(scope).cloned();
    let (group, project) = match &app.options.project {
        None => (None, None),
        Some((group, label)) => {
            let mut projects = index.children(Some(group));
            let project = projects.find(|project| project.label == *label);
            (
                settings(group),
                project.and_then(|project| settings(&project.id)),
            )
        }
    };
    KeptSettings {
        site: settings(SITE),
        group,
        project,
    }
}

fn begin_again(app: &App, writer: &mut Writer<'_>, kept: KeptSettings) -> Result<(), ApiError> {
    let mut scopes = vec![(SITE.to_owned(), kept.site)];
    if let Some((group, label)) = &app.options.project {
        let project = ensure_project(writer, group, label)?;
        scopes.extend([(group.clone(), kept.group), (project, kept.project)]);
    }
    for (scope, value) in scopes {
        if let Some(value) = value {
            writer.put(Change::Settings { scope, value })?;
        }
    }
    Ok(())
}
