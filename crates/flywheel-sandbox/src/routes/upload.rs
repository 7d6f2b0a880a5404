//! Uploads of files: as a form, or by signed URL, with a request that opens a ticket and one that
//! completes the upload.
//!
//! Owns the container, the name and the metadata of a file, and the answer.

use std::net::{IpAddr, SocketAddr};
use std::path::Path as FilePath;
use std::time::Instant;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Answer, LONGEST_JSON, Shared, accepts, container, deid_log, file_level, missing};
use crate::api_error::ApiError;
use crate::app::App;
use crate::blob::{self, Incoming, NewFile, Received};
use crate::documents::Documents;
use crate::ids::uuid;
use crate::model::ContainerType;
use crate::multipart_form::{Form, Part};
use crate::options::{Era, Options, Storage};
use crate::query::Parameters;
use crate::schema;
use crate::ticket::{Completion, Upload};

const LONGEST_NAME: usize = 1024;
const LONGEST_METADATA: usize = 1 << 20;
/// The largest number of URLs of one ticket, as on object stores.
const MOST_PARTS: u64 = 10_000;

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
            by_ticket(&app, kind, &id, ticket, request).await
        }
        _ => by_form(&app, kind, &id, request)
            .await
            .map(Json::into_response),
    }
}

/// Stores the bytes and answers the list of one file that every upload answers.
fn store(app: &App, received: Received, file: NewFile<'_>) -> Answer {
    app.store.write(|writer| {
        // It may have gone while the bytes arrived.
        if writer
            .index()
            .get(file.container)
            .is_none()
        {
            return Err(missing("containers", file.container));
        }
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

/// Reads a form and stores the file in it.
async fn by_form(app: &App, kind: ContainerType, id: &str, request: Request) -> Answer {
    let mut form = Form::new(request).await?;
    check_container(app, kind, id)?;
    let (mut metadata, mut file) = (Map::new(), None);
    while let Some(part) = form.next_part().await? {
        let is_metadata = part.name()? == "metadata";
        match part.file_name() {
            Some(_) if is_metadata => {
                return Err(ApiError::invalid("wrong format for field \"metadata\""));
            }
            Some(_) if file.is_some() => {
                return Err(ApiError::bad_request(
                    "Targeted uploads can only send one file",
                ));
            }
            Some(name) if name.is_empty() && app.options.era == Era::Mid => {
                part.text(0).await?;
            }
            Some(name) => file = Some((base_name(&name)?, receive(app, part).await?)),
            None if is_metadata => {
                metadata = schema::object(&part.text(LONGEST_METADATA).await?)?;
            }
            None => drop(part.text(LONGEST_METADATA).await?),
        }
    }
    let Some((name, received)) = file else {
        // servers of 2019 accept a form without a file
        return match app.options.era {
            Era::Mid => Ok(Json(json!([]))),
            Era::Old | Era::Current => Err(ApiError::bad_request("No files selected for upload")),
        };
    };
    let FileDescription {
        name,
        size,
        metadata,
    } = describe(app, &name, metadata)?;
    if size.is_some_and(|size| size != received.size) {
        return Err(ApiError::wrong_size(received.size));
    }
    let file = NewFile {
        container: id,
        name: &name,
        hash: received.hash(),
        metadata,
    };
    store(app, received, file)
}

async fn receive(app: &App, mut part: Part<'_>) -> Result<Received, ApiError> {
    let mut incoming = Incoming::create(&app.store, app.options.discard)?;
    while let Some(chunk) = part.chunk().await? {
        incoming.write(&chunk).await?;
    }
    Ok(incoming.finish().await?)
}

/// Starts an upload where the ticket is empty, else completes it.
async fn by_ticket(
    app: &App,
    kind: ContainerType,
    id: &str,
    ticket: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LONGEST_JSON)
        .await
        .map_err(|_| {
            ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too long or was cut off",
            )
        })?;
    check_container(app, kind, id)?;
    // servers of today are not known to bind a ticket to an IP address
    let client = head
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .filter(|_| app.options.era == Era::Mid)
        .map(|it| it.0.ip());
    if !ticket.is_empty() {
        let completed = complete(app, (id, ticket), client, &body).await;
        return completed.map(Json::into_response);
    }
    if !app.options.signed_urls || app.options.unsigned_storage {
        // storage without signed URLs answers like this: no ticket, no error
        return Ok(StatusCode::OK.into_response());
    }
    let takes_parts = accepts(&head.headers, "multipart_signed_url");
    start(app, id, client, takes_parts, &body).map(Json::into_response)
}

fn start(app: &App, id: &str, client: Option<IpAddr>, takes_parts: bool, body: &[u8]) -> Answer {
    let (file_name, metadata) = named_file(body)?;
    let name = base_name(&file_name)?;
    // older servers check the metadata when the upload is completed
    let size = match app.options.era {
        Era::Current => describe(app, &name, metadata.clone())?.size,
        Era::Old | Era::Mid => None,
    };
    let parts = part_count(&app.options, size, takes_parts);
    let upload = Upload {
        container: id.to_owned(),
        client,
        name,
        size,
        metadata,
        joined_as: parts
            .filter(|_| app.options.storage == Storage::S3)
            .map(|_| uuid()),
        parts: std::iter::repeat_with(|| None)
            .take(parts.unwrap_or(1))
            .collect(),
        opened: Instant::now(),
    };
    open(app, &file_name, upload, parts)
}

/// Opens the ticket and answers its URLs.
fn open(app: &App, file_name: &str, upload: Upload, parts: Option<usize>) -> Answer {
    let upload_id = upload
        .joined_as
        .as_ref()
        .map(|id| format!("&uploadId={id}"))
        .unwrap_or_default();
    let mut tickets = app.tickets();
    let ticket = tickets.open_upload(upload)?;
    let host = app.options.storage.host();
    let url = |part: usize| {
        json!(format!(
            "{}/storage/{host}/{ticket}/{part}?signature={}{upload_id}",
            app.url,
            tickets.sign(&ticket, part)
        ))
    };
    let urls = parts.map_or_else(|| url(0), |parts| (0..parts).map(url).collect());
    let mut answer = json!({"ticket": ticket, "urls": {file_name: urls}});
    if let (Era::Current, Value::Object(answer)) = (app.options.era, &mut answer) {
        let headers = app.options.storage.headers().iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), json!(value)));
        answer.insert("headers".into(), Value::Object(headers.collect()));
    }
    Ok(Json(answer))
}

/// The file name and the metadata that the start of an upload must name.
fn named_file(body: &[u8]) -> Result<(String, Map<String, Value>), ApiError> {
    let mut body = schema::object(body)?;
    let incomplete = || ApiError::bad_request("metadata and at least one filename are required");
    let (Some(Value::Object(metadata)), Some(Value::Array(names))) =
        (body.remove("metadata"), body.remove("filenames"))
    else {
        return Err(incomplete());
    };
    match names.as_slice() {
        [Value::String(name)] => Ok((name.clone(), metadata)),
        [] => Err(incomplete()),
        _ => Err(ApiError::bad_request(
            "Targeted uploads can only send one file",
        )),
    }
}

/// The number of parts of an upload; none for one piece.
fn part_count(options: &Options, size: Option<u64>, takes_parts: bool) -> Option<usize> {
    let largest = options
        .multipart_threshold?
        .max(1)
        .next_multiple_of(options.storage.unit());
    let size = size.filter(|size| takes_parts && *size > largest)?;
    usize::try_from(
        size.div_ceil(largest)
            .min(MOST_PARTS),
    )
    .ok()
}

async fn complete(
    app: &App,
    (id, ticket): (&str, &str),
    client: Option<IpAddr>,
    body: &[u8],
) -> Answer {
    let body = if body.is_empty() {
        Map::new()
    } else {
        schema::object(body)?
    };
    let multipart = body.get("multipart");
    if multipart.is_some_and(|parts| !parts.is_object()) {
        return Err(ApiError::invalid("'multipart' must be an object"));
    }
    if let Some((container, name)) = app.tickets().completed(ticket) {
        return stored_before(app, &container, &name);
    }
    let completion = Completion {
        container: id,
        client,
        multipart,
    };
    let upload = app
        .tickets()
        .complete_upload(ticket, &completion)?;
    let upload = upload.ok_or_else(|| match app.options.era {
        Era::Mid => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "No such file"),
        Era::Old | Era::Current => {
            ApiError::bad_request("the upload is not complete: a part has not been put to its URL")
        }
    })?;
    let FileDescription { name, metadata, .. } = describe(app, &upload.name, upload.metadata)?;
    let received = joined(upload.parts.into_iter().flatten()).await?;
    let file = NewFile {
        container: id,
        name: &name,
        hash: String::new(),
        metadata,
    };
    let stored = store(app, received, file)?;
    if app.options.era == Era::Mid {
        // these servers take the end of an upload a second time
        app.tickets()
            .remember_completed(ticket, id, &name)?;
    }
    Ok(stored)
}

/// The answer for an upload that was completed before.
fn stored_before(app: &App, container: &str, name: &str) -> Answer {
    app.read(|documents| {
        let file = documents
            .index
            .file(container, name);
        let file = file.ok_or_else(|| ApiError::not_found(format!("{name} not found")))?;
        Ok(Json(json!([documents.file(file)])))
    })
}

/// The parts one after the other, in the file of the first.
async fn joined(mut parts: impl Iterator<Item = Received>) -> Result<Received, ApiError> {
    let incomplete = || ApiError::bad_request("the upload is not complete");
    let mut first = parts
        .next()
        .ok_or_else(incomplete)?;
    for part in parts {
        match (first.path(), part.path()) {
            (Some(to), Some(from)) => append(from, to).await?,
            // discarded as they came
            (None, None) => {}
            _ => return Err(incomplete()),
        }
        first.size += part.size;
    }
    Ok(first)
}

async fn append(from: &FilePath, to: &FilePath) -> std::io::Result<()> {
    let mut to = tokio::fs::OpenOptions::new()
        .append(true)
        .open(to)
        .await?;
    let mut from = tokio::fs::File::open(from).await?;
    tokio::io::copy(&mut from, &mut to).await?;
    to.flush().await
}
