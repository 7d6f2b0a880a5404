//! Which routes a server of an era has, and what its users are answered where there is none.
//!
//! Only about whether a route is there; how documents differ is told where they are built.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::errors::ApiError;
use super::multipart::drain;
use super::options::Era;

/// Answers 404 for what servers of the era do not have, whoever asks.
pub async fn present(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if has(app.options.era, request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    drain(&mut request.into_body().into_data_stream()).await;
    ApiError::not_found("The resource could not be found.").into_response()
}

fn has(era: Era, method: &Method, path: &str) -> bool {
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
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
