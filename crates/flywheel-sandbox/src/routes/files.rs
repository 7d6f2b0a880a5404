//! Files of a container: download, delete, versions.

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tokio_util::io::ReaderStream;

use super::{Answer, Shared, container, file_level, missing};
use crate::api_error::ApiError;
use crate::app::App;
use crate::auth;
use crate::blob;
use crate::index::Index;
use crate::model::{ContainerType, FileRecord};
use crate::query::Parameters;

/// `GET /api/<kind>/{id}/files/{name}`: the bytes; with an empty `?ticket` a ticket, with a ticket
/// no key is needed.
pub async fn download(
    State(app): Shared,
    Path((word, id, name)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let kind = file_level(&word)?;
    let ticket = parameters
        .get("ticket")
        .map(String::as_str);
    if let Some(ticket) = ticket.filter(|ticket| !ticket.is_empty()) {
        if !app
            .tickets()
            .allows_download(ticket, &id, &name)
        {
            return Err(ApiError::not_found("no such ticket"));
        }
    } else {
        auth::check(&headers, &app)?;
    }
    let file = app
        .store
        .read(|index| find(index, kind, &id, &name).cloned())?;
    if ticket == Some("") {
        let ticket = app
            .tickets()
            .open_download(id, name)?;
        return Ok(Json(json!({"ticket": ticket})).into_response());
    }
    send(&app, &file, &parameters).await
}

async fn send(app: &App, file: &FileRecord, parameters: &Parameters) -> Result<Response, ApiError> {
    let number = parameters
        .get("version")
        .map_or(Ok(file.current.number), |text| text.parse());
    let number = number.map_err(|_| ApiError::bad_request("version must be a whole number"))?;
    let version = file
        .version(number)
        .ok_or_else(|| ApiError::not_found("no such version"))?;
    if parameters
        .get("hash")
        .is_some_and(|hash| *hash != version.hash)
    {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "file exists, hash mismatch",
        ));
    }
    let opened = tokio::fs::File::open(app.store.path(&version.stored))
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ApiError::not_found("the bytes of this file were discarded"),
            _ => error.into(),
        })?;
    let length = opened.metadata().await?.len();
    let mut response =
        Body::from_stream(ReaderStream::with_capacity(opened, 256 * 1024)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    let disposition = format!(
        "attachment; filename*=UTF-8''{}",
        utf8_percent_encode(&file.name, NON_ALPHANUMERIC)
    );
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// `DELETE /api/<kind>/{id}/files/{name}`; deleting again what was deleted is no error.
pub async fn remove(
    State(app): Shared,
    Path((word, id, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    auth::check(&headers, &app)?;
    let kind = file_level(&word)?;
    app.store.write(|writer| {
        let found = find(writer.index(), kind, &id, &name).cloned();
        if found.is_err()
            && writer
                .index()
                .was_deleted(&id, &name)
        {
            return Ok(Json(json!({"deleted": 0})));
        }
        blob::delete(writer, found?)?;
        Ok(Json(json!({"deleted": 1})))
    })
}

/// `GET /api/<kind>/{id}/files/{name}/info`: the file's document.
pub async fn info(
    State(app): Shared,
    Path((word, id, name)): Path<(String, String, String)>,
) -> Answer {
    let kind = file_level(&word)?;
    app.read(|documents| {
        find(documents.index, kind, &id, &name).map(|file| Json(documents.file(file)))
    })
}

/// `GET /api/files/{id}`.
pub async fn show(State(app): Shared, Path(id): Path<String>) -> Answer {
    app.read(|documents| by_id(documents.index, &id).map(|file| Json(documents.file(file))))
}

/// `GET /api/files/{id}/versions`: newest first.
pub async fn versions(State(app): Shared, Path(id): Path<String>) -> Answer {
    app.read(|documents| {
        let file = by_id(documents.index, &id)?;
        let versions = std::iter::once(&file.current).chain(file.older.iter().rev());
        Ok(Json(
            versions
                .map(|version| documents.version(file, version))
                .collect(),
        ))
    })
}

fn find<'a>(
    index: &'a Index,
    kind: ContainerType,
    id: &str,
    name: &str,
) -> Result<&'a FileRecord, ApiError> {
    container(index, kind, id)?;
    index
        .file(id, name)
        .ok_or_else(|| ApiError::not_found(format!("{name} not found")))
}

fn by_id<'a>(index: &'a Index, id: &str) -> Result<&'a FileRecord, ApiError> {
    index
        .file_by_id(id)
        .ok_or_else(|| missing("files", id))
}
