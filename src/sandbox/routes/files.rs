//! Files of a container: upload as a form, download, delete, versions.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tokio_util::io::ReaderStream;

use super::{Shared, deid_log, tickets, unknown_route};
use crate::sandbox::App;
use crate::sandbox::auth;
use crate::sandbox::blob::{self, Incoming, Placement, Received};
use crate::sandbox::docs;
use crate::sandbox::errors::ApiError;
use crate::sandbox::index::Index;
use crate::sandbox::model::{Container, FileRecord, Kind};
use crate::sandbox::multipart::Form;
use crate::sandbox::options::Era;
use crate::sandbox::query::Parameters;
use crate::sandbox::schema;

const LONGEST_METADATA: usize = 1 << 20;
const LONGEST_NAME: usize = 1024;

/// `POST /api/<kind>/{id}/files`: a form, or with `?ticket` the start and end of an upload by
/// signed URL.
pub async fn upload(
    State(app): Shared,
    Path((word, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, ApiError> {
    let kind = level(&word)?;
    match parameters.get("ticket") {
        // the oldest servers read on and see a form
        Some(ticket) if app.options.era > Era::Old => {
            tickets::upload(&app, kind, &id, ticket, request).await
        }
        _ => form(&app, kind, &id, request)
            .await
            .map(axum::response::IntoResponse::into_response),
    }
}

async fn form(
    app: &Arc<App>,
    kind: Kind,
    id: &str,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (head, body) = request.into_parts();
    let content_type = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut form = Form::new(content_type, body)?;
    let done = read_form(app, kind, id, &mut form).await;
    if done.is_err() {
        form.drain().await;
    }
    done
}

async fn read_form(
    app: &Arc<App>,
    kind: Kind,
    id: &str,
    form: &mut Form,
) -> Result<Json<Value>, ApiError> {
    target(app, kind, id)?;
    let (mut metadata, mut file) = (Map::new(), None);
    while let Some(head) = form.next_part().await? {
        match head.filename {
            Some(_) if head.name == "metadata" => {
                return Err(ApiError::invalid("wrong format for field \"metadata\""));
            }
            Some(_) if file.is_some() => {
                return Err(ApiError::bad_request(
                    "Targeted uploads can only send one file",
                ));
            }
            Some(name) if name.is_empty() && app.options.era == Era::Mid => {
                drop(form.text(0).await?);
            }
            Some(name) => file = Some((base_name(&name)?, receive(app, form).await?)),
            None if head.name == "metadata" => {
                metadata = schema::object(&form.text(LONGEST_METADATA).await?)?;
            }
            None => drop(form.text(LONGEST_METADATA).await?),
        }
    }
    let Some((name, received)) = file else {
        // servers of 2019 see nothing wrong in a form without a file
        let none = ApiError::bad_request("No files selected for upload");
        return if app.options.era == Era::Mid {
            Ok(Json(json!([])))
        } else {
            Err(none)
        };
    };
    let Described {
        name,
        size,
        metadata,
    } = describe(app, &name, metadata)?;
    if size.is_some_and(|size| size != received.size) {
        return Err(ApiError::bad_request(format!(
            "{} bytes arrived, which is not the size that was announced",
            received.size
        )));
    }
    let hash = received.hash();
    file_it(
        app,
        received,
        Placement {
            container: id,
            name: &name,
            hash,
            metadata,
        },
    )
}

async fn receive(app: &Arc<App>, form: &mut Form) -> Result<Received, ApiError> {
    let mut incoming = Incoming::create(&app.store, app.options.discard)
        .map_err(|error| ApiError::disk(&error))?;
    while let Some(chunk) = form.chunk().await? {
        incoming
            .write(&chunk)
            .await
            .map_err(|error| ApiError::disk(&error))?;
    }
    incoming
        .finish()
        .await
        .map_err(|error| ApiError::disk(&error))
}

/// Files the bytes and answers the list of one that every upload answers.
pub fn file_it(
    app: &Arc<App>,
    received: Received,
    placement: Placement<'_>,
) -> Result<Json<Value>, ApiError> {
    app.store.write(|writer| {
        let record = blob::place(writer, received, placement)?;
        Ok(Json(json!([docs::file(
            app.options.era,
            writer.index(),
            &record,
            &record.current
        )])))
    })
}

/// The list of one for a file that is there already.
pub fn listed(app: &App, container: &str, name: &str) -> Result<Json<Value>, ApiError> {
    app.store.read(|index| {
        let file = index
            .file(container, name)
            .ok_or_else(|| ApiError::not_found(format!("{name} not found")))?;
        Ok(Json(json!([docs::file(
            app.options.era,
            index,
            file,
            &file.current
        )])))
    })
}

/// What a client says about a file.
#[derive(Debug)]
pub struct Described {
    /// Its name, without folders.
    pub name: String,
    /// Its announced size in bytes.
    pub size: Option<u64>,
    /// The rest of the metadata.
    pub metadata: Map<String, Value>,
}

/// Checks the metadata of one file: its name (which the metadata may change), its announced size,
/// and the rest.
pub fn describe(
    app: &App,
    name: &str,
    metadata: Map<String, Value>,
) -> Result<Described, ApiError> {
    let mut metadata = schema::file(app.options.era, metadata)?;
    deid_log::check(app, &metadata)?;
    let name = match schema::optional(&mut metadata, "name") {
        Some(other) => base_name(&other)?,
        None => name.to_owned(),
    };
    let size = metadata.remove("size").and_then(|size| size.as_u64());
    Ok(Described {
        name,
        size,
        metadata,
    })
}

/// The last component of a file name; refuses names that say nothing or could mislead.
pub fn base_name(name: &str) -> Result<String, ApiError> {
    let base = name.rsplit('/').next().unwrap_or_default();
    let usable = !matches!(base, "" | "." | "..")
        && base.len() <= LONGEST_NAME
        && !base.chars().any(char::is_control);
    if usable {
        Ok(base.to_owned())
    } else {
        Err(ApiError::bad_request("the file name cannot be used"))
    }
}

/// `GET /api/<kind>/{id}/files/{name}`: the bytes; with an empty `?ticket` a ticket, with a ticket
/// no key is needed.
pub async fn download(
    State(app): Shared,
    Path((word, id, name)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let kind = level(&word)?;
    let ticket = parameters.get("ticket").map(String::as_str);
    if let Some(ticket) = ticket.filter(|ticket| !ticket.is_empty()) {
        if !app.tickets().allows_download(ticket, &id, &name) {
            return Err(ApiError::not_found("no such ticket"));
        }
    } else {
        auth::check(&headers, &app)?;
    }
    let file = app
        .store
        .read(|index| find(index, kind, &id, &name).cloned())?;
    if ticket == Some("") {
        let ticket = app.tickets().open_download(id, name)?;
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
            std::io::ErrorKind::NotFound => {
                ApiError::not_found("the bytes of this file were discarded")
            }
            _ => ApiError::disk(&error),
        })?;
    let length = opened
        .metadata()
        .await
        .map_err(|error| ApiError::disk(&error))?
        .len();
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
) -> Result<Json<Value>, ApiError> {
    auth::check(&headers, &app)?;
    let kind = level(&word)?;
    app.store.write(|writer| {
        let found = find(writer.index(), kind, &id, &name).cloned();
        if found.is_err() && writer.index().was_deleted(&id, &name) {
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
) -> Result<Json<Value>, ApiError> {
    let kind = level(&word)?;
    app.store.read(|index| {
        find(index, kind, &id, &name)
            .map(|file| Json(docs::file(app.options.era, index, file, &file.current)))
    })
}

/// `GET /api/files/{id}`.
pub async fn show(State(app): Shared, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    app.store.read(|index| {
        by_id(index, &id).map(|file| Json(docs::file(app.options.era, index, file, &file.current)))
    })
}

/// `GET /api/files/{id}/versions`: newest first.
pub async fn versions(State(app): Shared, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    app.store.read(|index| {
        let file = by_id(index, &id)?;
        let versions = std::iter::once(&file.current).chain(file.older.iter().rev());
        Ok(Json(
            versions
                .map(|version| docs::file(app.options.era, index, file, version))
                .collect(),
        ))
    })
}

/// The level that a URL names, of those that can hold files.
fn level(word: &str) -> Result<Kind, ApiError> {
    Kind::from_plural(word)
        .filter(|kind| *kind != Kind::Group)
        .ok_or_else(unknown_route)
}

/// Makes sure that the container of an upload is there.
pub fn target(app: &App, kind: Kind, id: &str) -> Result<(), ApiError> {
    let known = app.store.read(|index| known(index, kind, id).map(drop));
    match app.options.era {
        Era::Mid => known.map_err(|_| {
            ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "'NoneType' object has no attribute 'values'",
            )
        }),
        Era::Old | Era::Current => known,
    }
}

/// The container, or 404.
fn known<'a>(index: &'a Index, kind: Kind, id: &str) -> Result<&'a Container, ApiError> {
    index
        .get_kind(kind, id)
        .ok_or_else(|| ApiError::not_found(format!("Could not find {} {id}", kind.plural())))
}

fn find<'a>(
    index: &'a Index,
    kind: Kind,
    id: &str,
    name: &str,
) -> Result<&'a FileRecord, ApiError> {
    known(index, kind, id)?;
    index
        .file(id, name)
        .ok_or_else(|| ApiError::not_found(format!("{name} not found")))
}

fn by_id<'a>(index: &'a Index, id: &str) -> Result<&'a FileRecord, ApiError> {
    index
        .file_by_id(id)
        .ok_or_else(|| ApiError::not_found(format!("Could not find files {id}")))
}
