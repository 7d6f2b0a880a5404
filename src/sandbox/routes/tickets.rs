//! Upload by signed URL: the ticket that starts it and the call that ends it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{LONGEST_JSON, accepts, files};
use crate::sandbox::App;
use crate::sandbox::blob::{Placement, Received};
use crate::sandbox::errors::ApiError;
use crate::sandbox::model::{Kind, uuid};
use crate::sandbox::options::{Era, Options, Storage};
use crate::sandbox::schema;
use crate::sandbox::ticket::{Closing, Refused, Upload};

/// The most URLs that one ticket has, as on object stores.
const MOST_PARTS: u64 = 10_000;

/// Starts an upload where the ticket is empty, else ends it.
pub async fn upload(
    app: &Arc<App>,
    kind: Kind,
    id: &str,
    ticket: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let too_long = |_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long or was cut off",
        )
    };
    let body = axum::body::to_bytes(body, LONGEST_JSON)
        .await
        .map_err(too_long)?;
    files::target(app, kind, id)?;
    // servers of today are not known to bind a ticket to an address
    let client = head
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .filter(|_| app.options.era == Era::Mid)
        .map(|it| it.0.ip());
    if !ticket.is_empty() {
        return finish(app, id, ticket, client, &body)
            .await
            .map(axum::response::IntoResponse::into_response);
    }
    if !app.options.signed_urls || app.options.unsigned_storage {
        // storage without signed URLs answers like this: no ticket, no error
        return Ok(StatusCode::OK.into_response());
    }
    let understood = accepts(&head.headers, "multipart_signed_url");
    start(app, id, client, understood, &body).map(axum::response::IntoResponse::into_response)
}

fn start(
    app: &App,
    id: &str,
    client: Option<IpAddr>,
    understood: bool,
    body: &[u8],
) -> Result<Json<Value>, ApiError> {
    let (asked, metadata) = wanted(body)?;
    let name = files::base_name(&asked)?;
    // older servers look at the metadata when the upload ends
    let size = match app.options.era {
        Era::Current => files::describe(app, &name, metadata.clone())?.size,
        Era::Old | Era::Mid => None,
    };
    let parts = part_count(&app.options, size, understood);
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
        born: Instant::now(),
    };
    open(app, &asked, upload, parts)
}

/// Opens the ticket and writes its addresses down.
fn open(
    app: &App,
    asked: &str,
    upload: Upload,
    parts: Option<usize>,
) -> Result<Json<Value>, ApiError> {
    let named = upload
        .joined_as
        .as_ref()
        .map(|id| format!("&uploadId={id}"))
        .unwrap_or_default();
    let mut tickets = app.tickets();
    let ticket = tickets.open_upload(upload)?;
    let host = app.options.storage.host();
    let url = |part: usize| {
        json!(format!(
            "{}/storage/{host}/{ticket}/{part}?signature={}{named}",
            app.url,
            tickets.sign(&ticket, part)
        ))
    };
    let urls = parts.map_or_else(|| url(0), |parts| (0..parts).map(url).collect());
    let mut answer = json!({"ticket": ticket, "urls": {asked: urls}});
    if let (Era::Current, Value::Object(answer)) = (app.options.era, &mut answer) {
        let headers = app
            .options
            .storage
            .headers()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        answer.insert("headers".into(), Value::Object(headers.collect()));
    }
    Ok(Json(answer))
}

/// The file name and the metadata that the start of an upload must name.
fn wanted(body: &[u8]) -> Result<(String, Map<String, Value>), ApiError> {
    let mut body = schema::object(body)?;
    let incomplete = || ApiError::bad_request("metadata and at least one filename are required");
    let (Some(Value::Object(metadata)), Some(Value::Array(names))) =
        (body.remove("metadata"), body.remove("filenames"))
    else {
        return Err(incomplete());
    };
    match names.as_slice() {
        [Value::String(asked)] => Ok((asked.clone(), metadata)),
        [] => Err(incomplete()),
        _ => Err(ApiError::bad_request(
            "Targeted uploads can only send one file",
        )),
    }
}

/// How many parts an upload has to be cut into; none for one piece.
fn part_count(options: &Options, size: Option<u64>, understood: bool) -> Option<usize> {
    let most = options
        .multipart_threshold?
        .max(1)
        .next_multiple_of(options.storage.unit());
    let size = size.filter(|size| understood && *size > most)?;
    usize::try_from(size.div_ceil(most).min(MOST_PARTS)).ok()
}

async fn finish(
    app: &Arc<App>,
    id: &str,
    ticket: &str,
    client: Option<IpAddr>,
    body: &[u8],
) -> Result<Json<Value>, ApiError> {
    let body = if body.is_empty() {
        Map::new()
    } else {
        schema::object(body)?
    };
    let multipart = body.get("multipart");
    if multipart.is_some_and(|parts| !parts.is_object()) {
        return Err(ApiError::invalid("'multipart' must be an object"));
    }
    if let Some((container, name)) = app.tickets().remembered(ticket) {
        return files::listed(app, &container, &name);
    }
    let closed = app.tickets().close_upload(
        ticket,
        &Closing {
            container: id,
            client,
            multipart,
        },
    );
    let upload = closed.map_err(|refused| match refused {
        Refused::TooEarly if app.options.era == Era::Mid => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "No such file")
        }
        Refused::TooEarly => {
            ApiError::bad_request("the upload is not complete: a part has not been put to its URL")
        }
        Refused::No(error) => error,
    })?;
    let files::Described { name, metadata, .. } =
        files::describe(app, &upload.name, upload.metadata)?;
    let received = joined(upload.parts.into_iter().flatten()).await?;
    let filed = files::file_it(
        app,
        received,
        Placement {
            container: id,
            name: &name,
            hash: String::new(),
            metadata,
        },
    )?;
    if app.options.era == Era::Mid {
        // these servers take the end of an upload a second time
        app.tickets().remember(ticket, id, &name)?;
    }
    Ok(filed)
}

/// The parts one after the other, in the file of the first.
async fn joined(mut parts: impl Iterator<Item = Received>) -> Result<Received, ApiError> {
    let incomplete = || ApiError::bad_request("the upload is not complete");
    let mut first = parts.next().ok_or_else(incomplete)?;
    for part in parts {
        match (first.path(), part.path()) {
            (Some(to), Some(from)) => append(from, to)
                .await
                .map_err(|error| ApiError::disk(&error))?,
            // Discarded as they came.
            (None, None) => {}
            _ => return Err(incomplete()),
        }
        first.size += part.size;
    }
    Ok(first)
}

async fn append(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut to = tokio::fs::OpenOptions::new().append(true).open(to).await?;
    let mut from = tokio::fs::File::open(from).await?;
    tokio::io::copy(&mut from, &mut to).await?;
    to.flush().await
}
