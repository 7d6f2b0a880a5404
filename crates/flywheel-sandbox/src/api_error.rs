//! Error answers of the sandbox, in the shape of Flywheel's: `message`, `status_code`, `request_id`
//! and sometimes `core_status_code`.
//!
//! Every error leaves as JSON, including those that axum makes by itself. Must never quote the API key.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ids::random_hex;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    status: StatusCode,
    message: String,
    core: Option<&'static str>,
}

impl ApiError {
    /// An error answer with its HTTP status and message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            core: None,
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400: the body breaks its schema.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            core: Some("input_validation_error"),
            ..Self::bad_request(message)
        }
    }

    /// 404: what the request names is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 400: the bytes that arrived are not as many as were announced.
    pub fn wrong_size(size: u64) -> Self {
        Self::bad_request(format!(
            "{size} bytes arrived, which is not the size that was announced"
        ))
    }

    /// 422: understood, and refused for what it asks.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// The HTTP status of the answer.
    #[cfg(test)]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the answer says.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// 500: the sandbox's own disk failed. Names no path.
impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the sandbox cannot store this: {}", error.kind()),
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let request_id = random_hex::<8>();
        let mut body = json!({
            "message": self.message,
            "status_code": self.status.as_u16(),
            "request_id": request_id,
        });
        if let (Some(core), Some(body)) = (self.core, body.as_object_mut()) {
            body.insert("core_status_code".into(), json!(core));
        }
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response
                .headers_mut()
                .insert(REQUEST_ID, value);
        }
        response
    }
}

/// Turns the bare error answers of the framework (unknown method, bad path, body too large) into
/// JSON ones.
pub async fn as_json(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let has_shape = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json" || kind == "application/xml");
    if has_shape || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    ApiError::new(status, plain_sentence(response.into_body(), status).await).into_response()
}

async fn plain_sentence(body: Body, status: StatusCode) -> String {
    let text = axum::body::to_bytes(body, 4096)
        .await
        .unwrap_or_default();
    if text.is_empty() {
        status
            .canonical_reason()
            .unwrap_or("error")
            .to_owned()
    } else {
        String::from_utf8_lossy(&text).into_owned()
    }
}
