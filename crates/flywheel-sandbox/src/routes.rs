//! The sandbox's routes, by concern, and what they share.
//!
//! A route reads the request, reads or changes the store, and answers a document. Must never build
//! a path on disk by itself.

mod containers;
mod deid_log;
mod files;
mod lookup;
mod settings;
mod site;
mod storage;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};

pub use containers::ensure_project;
pub use deid_log::{path as log_path, record as log_record};
pub use settings::SITE;

use crate::api_error::{ApiError, as_json};
use crate::app::App;
use crate::index::Index;
use crate::model::{Container, ContainerType};
use crate::options::Era;
use crate::{auth, body};

/// The longest JSON body that is read.
const LONGEST_JSON: usize = 1 << 20;

type Shared = State<Arc<App>>;
type Answer = Result<axum::Json<serde_json::Value>, ApiError>;

/// Every route of the sandbox.
pub fn router(app: Arc<App>) -> Router {
    let guarded = Router::new()
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
        .route(
            "/api/{kind}",
            get(containers::list).post(containers::create),
        )
        .route(
            "/api/{kind}/{id}",
            get(containers::show).delete(containers::remove),
        )
        .route("/api/{kind}/{id}/{children}", get(containers::list_below))
        .route(
            "/api/{kind}/{id}/files",
            post(upload::upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/{kind}/{id}/files/{name}/info", get(files::info))
        .route("/api/files/{id}", get(files::show))
        .route("/api/files/{id}/versions", get(files::versions))
        .route_layer(from_fn_with_state(app.clone(), auth::required));
    let log = Router::new()
        .route("/deid-log/logs", post(deid_log::add))
        .route("/deid-log/logs/{id}", get(deid_log::show))
        .route_layer(from_fn_with_state(app.clone(), auth::required_by_log));
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
        .layer(from_fn_with_state(app.clone(), of_the_era))
        .fallback(|| async { unknown_route() })
        .layer(DefaultBodyLimit::max(LONGEST_JSON))
        .layer(from_fn(body::bounded))
        .layer(from_fn(as_json))
        .with_state(app)
}

/// Answers 404 for what servers of the era do not have, with and without a key.
async fn of_the_era(State(app): Shared, request: Request, next: Next) -> Response {
    if has_route(app.options.era, request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    unknown_route().into_response()
}

fn has_route(era: Era, method: &Method, path: &str) -> bool {
    let path: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let newest = match path.as_slice() {
        ["deid-log", ..] | ["api", "files", ..] | ["api", "groups" | "projects", _, "settings"] => {
            Era::Current
        }
        ["api", "site", "settings"] if method == Method::PUT => Era::Current,
        ["api", "lookup" | "uids" | "subjects" | "site", ..]
        | ["api", "auth", "status"]
        | ["api", _, _, "subjects"] => Era::Mid,
        _ => Era::Old,
    };
    era >= newest
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
        .ok_or_else(|| missing(&kind.plural(), id))
}

fn missing(plural: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find {plural} {id}"))
}
