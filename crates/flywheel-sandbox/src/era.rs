//! Which routes a server of an era has.
//!
//! Must never say how documents differ between eras: `documents` does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api_error::ApiError;
use crate::app::App;
use crate::options::Era;

/// Answers 404 for what servers of the era do not have, with and without a key.
pub async fn present(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if has(app.options.era, request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    ApiError::not_found("The resource could not be found.").into_response()
}

fn has(era: Era, method: &Method, path: &str) -> bool {
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
