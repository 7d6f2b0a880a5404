//! How request bodies arrive: a body that stops arriving fails, and what a route leaves unread is
//! read on for a while before the answer goes out.
//!
//! Must never hold more than a chunk of a body.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::api_error::ApiError;

const LONGEST_SILENCE: Duration = Duration::from_secs(60);
const LONGEST_DRAIN: Duration = Duration::from_secs(5);
const MOST_DRAINED: usize = 16 << 20;

/// Gives the routes a body that fails when it falls silent, and drains it after them, so that a
/// client which is still sending sees the answer.
pub async fn bounded(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let rest = Arc::new(Mutex::new(body.into_data_stream()));
    let arriving = stream::unfold(rest.clone(), |body| async {
        let chunk = next_chunk(&mut *body.lock().await).await?;
        Some((chunk, body))
    });
    let request = Request::from_parts(head, Body::from_stream(arriving));
    let response = next.run(request).await;
    drain(&mut *rest.lock().await).await;
    response
}

async fn next_chunk(body: &mut BodyDataStream) -> Option<Result<Bytes, ApiError>> {
    match timeout(LONGEST_SILENCE, body.next()).await {
        Ok(chunk) => chunk.map(|it| it.map_err(|_| ApiError::bad_request("the body ended early"))),
        Err(_) => Some(Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body stopped arriving",
        ))),
    }
}

async fn drain(body: &mut BodyDataStream) {
    let reading = async {
        let mut left = MOST_DRAINED;
        while let (1.., Some(Ok(chunk))) = (left, body.next().await) {
            left = left.saturating_sub(chunk.len());
        }
    };
    let _ = timeout(LONGEST_DRAIN, reading).await;
}
