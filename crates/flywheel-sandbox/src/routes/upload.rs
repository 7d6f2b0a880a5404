//! Uploads of files: as a form, or by signed URL.
//!
//! Owns what both have in common: the container, the name and the metadata of a file, and the
//! answer.

mod as_form;
mod signed;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::{LONGEST_JSON, Shared, accepts, container, deid_log, file_level};
use crate::api_error::ApiError;
use crate::app::App;
use crate::blob::{self, NewFile, Received};
use crate::documents::Documents;
use crate::model::ContainerType;
use crate::options::Era;
use crate::query::Parameters;
use crate::schema;

const LONGEST_NAME: usize = 1024;

type Answer = Result<Json<Value>, ApiError>;

/// `POST /api/<kind>/{id}/files`: a form, or with `?ticket` the start and end of an upload by
/// signed URL.
pub async fn upload(
    State(app): Shared,
    Path((word, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, ApiError> {
    let kind = file_level(&word)?;
    match parameters.get("ticket") {
        // the oldest servers do not know tickets and expect a form
        Some(ticket) if app.options.era > Era::Old => {
            signed::upload(&app, kind, &id, ticket, request).await
        }
        _ => as_form::upload(&app, kind, &id, request)
            .await
            .map(Json::into_response),
    }
}

/// Stores the bytes and answers the list of one file that every upload answers.
fn store(app: &App, received: Received, file: NewFile<'_>) -> Answer {
    app.store.write(|writer| {
        let record = blob::store(writer, received, file)?;
        let documents = Documents {
            era: app.options.era,
            index: writer.index(),
        };
        Ok(Json(json!([documents.file(&record)])))
    })
}

/// What a client says about a file.
#[derive(Debug)]
struct FileDescription {
    /// Its name, without folders.
    name: String,
    /// Its announced size in bytes.
    size: Option<u64>,
    /// The rest of the metadata.
    metadata: Map<String, Value>,
}

/// Checks the metadata of one file: its name (which the metadata may change), its announced size,
/// and the rest.
fn describe(
    app: &App,
    name: &str,
    metadata: Map<String, Value>,
) -> Result<FileDescription, ApiError> {
    let mut metadata = schema::file(app.options.era, metadata)?;
    deid_log::check(app, &metadata)?;
    let name = match schema::optional(&mut metadata, "name") {
        Some(other) => base_name(&other)?,
        None => name.to_owned(),
    };
    let size = metadata
        .remove("size")
        .and_then(|size| size.as_u64());
    Ok(FileDescription {
        name,
        size,
        metadata,
    })
}

/// The last component of a file name; refuses names that are empty or could mislead.
fn base_name(name: &str) -> Result<String, ApiError> {
    let base = name
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let usable = !matches!(base, "" | "." | "..")
        && base.len() <= LONGEST_NAME
        && !base.chars().any(char::is_control);
    if usable {
        Ok(base.to_owned())
    } else {
        Err(ApiError::bad_request("the file name cannot be used"))
    }
}

fn wrong_size(size: u64) -> ApiError {
    ApiError::bad_request(format!(
        "{size} bytes arrived, which is not the size that was announced"
    ))
}

/// Makes sure that the container of an upload is there.
fn check_container(app: &App, kind: ContainerType, id: &str) -> Result<(), ApiError> {
    let known = app
        .store
        .read(|index| container(index, kind, id).map(drop));
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
