//! Upload by signed URL: the ticket that starts it and the call that ends it.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{LONGEST_JSON, accepts, files, storage};
use crate::sandbox::App;
use crate::sandbox::blob::{Placement, Received};
use crate::sandbox::errors::ApiError;
use crate::sandbox::model::Kind;
use crate::sandbox::schema;
use crate::sandbox::ticket::Upload;

/// The most URLs that one ticket has, as on object stores.
const MOST_PARTS: u64 = 10_000;

/// Starts an upload where the ticket is empty, else ends it.
pub async fn upload(app: &Arc<App>, kind: Kind, id: &str, ticket: &str, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let too_long = |_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or was cut off");
    let body = axum::body::to_bytes(body, LONGEST_JSON).await.map_err(too_long)?;
    app.store.read(|index| files::known(index, kind, id).map(drop))?;
    if !ticket.is_empty() {
        return finish(app, id, ticket, &body).await.map(axum::response::IntoResponse::into_response);
    }
    if !app.signed_urls {
        // storage without signed URLs answers like this: no ticket, no error
        return Ok(StatusCode::OK.into_response());
    }
    start(app, id, &head.headers, &body).map(axum::response::IntoResponse::into_response)
}

fn start(app: &App, id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Json<Value>, ApiError> {
    let mut body = schema::object(body)?;
    let incomplete = || ApiError::bad_request("metadata and at least one filename are required");
    let (Some(Value::Object(metadata)), Some(Value::Array(names))) = (body.remove("metadata"), body.remove("filenames")) else {
        return Err(incomplete());
    };
    let [Value::String(asked)] = names.as_slice() else {
        return Err(if names.is_empty() {
            incomplete()
        } else {
            ApiError::bad_request("Targeted uploads can only send one file")
        });
    };
    let files::Described { name, size, metadata } = files::describe(&files::base_name(asked)?, metadata)?;
    let parts = part_count(app, size, accepts(headers, "multipart_signed_url"));
    let upload = Upload::new(id.to_owned(), name, size, metadata, usize::try_from(parts.unwrap_or(1)).unwrap_or(1));
    let mut tickets = app.tickets();
    let ticket = tickets.open_upload(upload)?;
    let url = |part: usize| json!(format!("{}/storage/{ticket}/{part}?signature={}", app.url, tickets.sign(&ticket, part)));
    let urls = match parts {
        Some(parts) => (0..usize::try_from(parts).unwrap_or(1)).map(url).collect(),
        None => url(0),
    };
    let headers = Map::from_iter([(storage::HEADER.to_owned(), json!(storage::HEADER_VALUE))]);
    Ok(Json(json!({"ticket": ticket, "urls": {asked: urls}, "headers": headers})))
}

/// How many parts an upload has to be cut into; none for one piece.
fn part_count(app: &App, size: Option<u64>, understood: bool) -> Option<u64> {
    let size = size.filter(|size| understood && *size > app.multipart_threshold)?;
    Some(size.div_ceil(app.multipart_threshold.max(1)).min(MOST_PARTS))
}

async fn finish(app: &Arc<App>, id: &str, ticket: &str, body: &[u8]) -> Result<Json<Value>, ApiError> {
    if !body.is_empty() {
        let body = schema::object(body)?;
        if body.get("multipart").is_some_and(|parts| !parts.is_object()) {
            return Err(ApiError::invalid("'multipart' must be an object"));
        }
    }
    let upload = app.tickets().close_upload(ticket, id)?;
    let received = joined(upload.parts.into_iter().flatten()).await?;
    let placement = Placement { container: id, name: &upload.name, hash: String::new(), metadata: upload.metadata };
    files::file_it(app, received, placement)
}

/// The parts one after the other, in the file of the first.
async fn joined(mut parts: impl Iterator<Item = Received>) -> Result<Received, ApiError> {
    let failed = |error: std::io::Error| ApiError::disk(&error);
    let incomplete = || ApiError::bad_request("the upload is not complete");
    let mut first = parts.next().ok_or_else(incomplete)?;
    for part in parts {
        let (Some(to), Some(from)) = (first.path(), part.path()) else { return Err(incomplete()) };
        let mut to = tokio::fs::OpenOptions::new().append(true).open(to).await.map_err(failed)?;
        let mut from = tokio::fs::File::open(from).await.map_err(failed)?;
        tokio::io::copy(&mut from, &mut to).await.map_err(failed)?;
        to.flush().await.map_err(failed)?;
        first.size += part.size;
    }
    Ok(first)
}
