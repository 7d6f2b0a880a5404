//! The sandbox's routes, by concern, and what they share.
//!
//! A route reads the request, reads or changes the store, and answers a document. Must never build
//! a path on disk by itself.

mod containers;
mod deid_log;
mod files;
mod lists;
mod lookup;
mod settings;
mod site;
mod storage;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};

pub use containers::ensure_project;
pub use settings::SITE;

use crate::api_error::{ApiError, as_json};
use crate::app::App;
use crate::index::Index;
use crate::model::{Container, ContainerType};
use crate::{auth, body, era};

/// The longest JSON body that is read.
const LONGEST_JSON: usize = 1 << 20;

type Shared = axum::extract::State<Arc<App>>;

/// Every route of the sandbox.
pub fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .merge(site_routes())
        .merge(container_routes())
        .merge(file_routes());
    let guarded = api.route_layer(from_fn_with_state(app.clone(), auth::required));
    let log = Router::new()
        .route("/deid-log/logs", post(deid_log::add))
        .route("/deid-log/logs/{id}", get(deid_log::show));
    let log = log.route_layer(from_fn_with_state(app.clone(), auth::required_by_log));
    let open = Router::new()
        .route("/api/config", get(site::config))
        .route("/api/version", get(site::version))
        .route(
            "/api/{kind}/{id}/files/{name}",
            get(files::download).delete(files::remove),
        )
        .route("/storage/{host}/{ticket}/{part}", put(storage::receive));
    open.merge(guarded)
        .merge(log)
        .layer(from_fn_with_state(app.clone(), era::present))
        .fallback(|| async { unknown_route() })
        .layer(DefaultBodyLimit::max(LONGEST_JSON))
        .layer(from_fn(body::bounded))
        .layer(from_fn(as_json))
        .with_state(app)
}

fn site_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/auth/status", get(site::auth_status))
        .route("/api/users/self", get(site::user))
        .route(
            "/api/site/settings",
            get(settings::site).put(settings::put_site),
        )
        .route(
            "/api/projects/{id}/settings",
            get(settings::project).put(settings::put_project),
        )
        .route(
            "/api/groups/{id}/settings",
            get(settings::group).put(settings::put_group),
        )
        .route("/api/lookup", post(lookup::lookup))
        .route("/api/resolve", post(lookup::resolve))
        .route("/api/uids", post(lookup::uids))
}

fn container_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/{kind}", get(lists::all).post(containers::create))
        .route(
            "/api/{kind}/{id}",
            get(containers::show).delete(containers::remove),
        )
        .route("/api/{kind}/{id}/{children}", get(lists::below))
}

fn file_routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/{kind}/{id}/files",
            post(upload::upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/{kind}/{id}/files/{name}/info", get(files::info))
        .route("/api/files/{id}", get(files::show))
        .route("/api/files/{id}/versions", get(files::versions))
}

/// Whether the client names a feature in `X-Accept-Feature`.
fn accepts(headers: &HeaderMap, feature: &str) -> bool {
    let named = headers
        .get_all("x-accept-feature")
        .iter()
        .filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .any(|word| {
            word.trim()
                .replace('-', "_")
                .eq_ignore_ascii_case(feature)
        })
}

fn unknown_route() -> ApiError {
    ApiError::not_found("The resource could not be found.")
}

/// The type that a URL names, of those that can hold files.
fn file_level(word: &str) -> Result<ContainerType, ApiError> {
    ContainerType::from_plural(word)
        .filter(|kind| *kind != ContainerType::Group)
        .ok_or_else(unknown_route)
}

/// The container, or 404.
fn container<'a>(
    index: &'a Index,
    kind: ContainerType,
    id: &str,
) -> Result<&'a Container, ApiError> {
    index
        .get_kind(kind, id)
        .ok_or_else(|| missing(kind.plural(), id))
}

fn missing(plural: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find {plural} {id}"))
}
