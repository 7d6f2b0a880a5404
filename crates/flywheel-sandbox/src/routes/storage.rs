//! The storage behind signed URLs, as strict as an object store: no key, no chunks, the right
//! signature and headers.
//!
//! Answers errors in XML as such stores do.

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use super::Shared;
use crate::app::App;
use crate::blob::{Incoming, Received};
use crate::options::Storage;
use crate::query::Parameters;
use crate::ticket::Upload;

/// Why the storage refuses: status, code and a sentence.
type Refusal = (StatusCode, &'static str, &'static str);

/// The path of a signed URL.
#[derive(Debug, serde::Deserialize)]
pub struct SignedPath {
    host: String,
    ticket: String,
    part: usize,
}

/// `PUT /storage/{host}/{ticket}/{part}?signature=`.
pub async fn receive(
    State(app): Shared,
    Path(address): Path<SignedPath>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let received = match allowed(&app, &head.headers, &address, &parameters) {
        Ok(length) => store(&app, body, length).await,
        Err(refusal) => Err(refusal),
    };
    let answer = received.and_then(|received| put(&app, &address, received));
    answer.unwrap_or_else(|(status, code, sentence)| {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <Error><Code>{code}</Code><Message>{sentence}</Message></Error>"
        );
        (status, [(CONTENT_TYPE, "application/xml")], text).into_response()
    })
}

/// The length that the request announces, if it may be taken.
fn allowed(
    app: &App,
    headers: &HeaderMap,
    address: &SignedPath,
    parameters: &Parameters,
) -> Result<u64, Refusal> {
    if headers.contains_key(AUTHORIZATION) {
        return Err((
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "only one way to authenticate is allowed: the URL is signed",
        ));
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(length) = length.filter(|_| !headers.contains_key(TRANSFER_ENCODING)) else {
        return Err((
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "a Content-Length is needed, chunks are not taken",
        ));
    };
    let mut tickets = app.tickets();
    let signature = parameters
        .get("signature")
        .map_or("", String::as_str);
    let storage = app.options.storage;
    if !tickets.is_signed(&address.ticket, address.part, signature)
        || address.host != storage.host()
    {
        return Err(UNSIGNED);
    }
    let upload = tickets
        .upload(&address.ticket)
        .map_err(|_| EXPIRED)?;
    if upload.opened.elapsed() >= app.options.ticket_lifetime {
        return Err(EXPIRED);
    }
    if upload.joined_as.as_ref() != parameters.get("uploadId") {
        return Err(UNSIGNED);
    }
    let brings = |(name, wanted): &(&'static str, &str)| {
        headers
            .get(*name)
            .is_some_and(|value| value == wanted)
    };
    if !storage.headers().iter().all(brings) {
        return Err((
            StatusCode::BAD_REQUEST,
            "MissingRequiredHeader",
            "a header that the ticket asks for is missing",
        ));
    }
    fits(upload, address.part, length)?;
    if storage == Storage::Google {
        in_order(upload, address.part, length, headers)
    } else {
        Ok(length)
    }
}

fn fits(upload: &Upload, part: usize, length: u64) -> Result<(), Refusal> {
    if upload
        .size
        .is_some_and(|announced| length > announced)
    {
        return Err((
            StatusCode::BAD_REQUEST,
            "EntityTooLarge",
            "the part is longer than the file was said to be",
        ));
    }
    // object stores refuse empty parts
    if upload.parts.len() > 1 && length == 0 {
        return Err((StatusCode::BAD_REQUEST, "EntityTooSmall", "a part is empty"));
    }
    upload
        .parts
        .get(part)
        .map(drop)
        .ok_or(UNSIGNED)
}

/// At Google a part must name its range of bytes and follow the parts before it, and all but the
/// last are of whole units. An upload in one piece need not name its range.
fn in_order(
    upload: &Upload,
    part: usize,
    length: u64,
    headers: &HeaderMap,
) -> Result<u64, Refusal> {
    let wrong = (
        StatusCode::BAD_REQUEST,
        "InvalidArgument",
        "the Content-Range is not the one of this part",
    );
    let said = headers.get(CONTENT_RANGE);
    if said.is_none() && upload.parts.len() == 1 {
        return Ok(length);
    }
    let before = upload.parts.iter().take(part);
    let start = before
        .map(|part| part.as_ref().map(|part| part.size))
        .sum::<Option<u64>>()
        .ok_or(wrong)?;
    let end = start.saturating_add(length);
    let total = upload.size.unwrap_or(length);
    let last = part + 1 == upload.parts.len();
    let cut_well = if last {
        end == total
    } else {
        end < total && length.is_multiple_of(Storage::Google.unit())
    };
    let range = format!("bytes {start}-{}/{total}", end.saturating_sub(1));
    if cut_well && said.is_some_and(|said| *said == range) {
        Ok(length)
    } else {
        Err(wrong)
    }
}

const UNSIGNED: Refusal = (
    StatusCode::FORBIDDEN,
    "SignatureDoesNotMatch",
    "the signature is not the one of this URL",
);
const EXPIRED: Refusal = (StatusCode::FORBIDDEN, "AccessDenied", "the URL has expired");
const INCOMPLETE: Refusal = (
    StatusCode::BAD_REQUEST,
    "IncompleteBody",
    "fewer bytes came than were announced",
);
const INTERNAL: Refusal = (
    StatusCode::INTERNAL_SERVER_ERROR,
    "InternalError",
    "the bytes could not be stored",
);

async fn store(app: &App, body: Body, length: u64) -> Result<Received, Refusal> {
    let mut body = body.into_data_stream();
    let mut incoming = Incoming::create(&app.store, app.options.discard).map_err(|_| INTERNAL)?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| INCOMPLETE)?;
        incoming
            .write(&chunk)
            .await
            .map_err(|_| INTERNAL)?;
    }
    if incoming.size != length {
        return Err(INCOMPLETE);
    }
    incoming
        .finish()
        .await
        .map_err(|_| INTERNAL)
}

/// Adds a part to its upload; a part that comes again replaces the one before.
fn put(app: &App, address: &SignedPath, received: Received) -> Result<Response, Refusal> {
    let mut tickets = app.tickets();
    let upload = tickets
        .upload(&address.ticket)
        .map_err(|_| EXPIRED)?;
    let more_to_come =
        app.options.storage == Storage::Google && address.part + 1 < upload.parts.len();
    let tag = format!("\"{}\"", received.tag());
    *upload
        .parts
        .get_mut(address.part)
        .ok_or(EXPIRED)? = Some(received);
    // Google's answer while parts are missing; it names no location
    let status = if more_to_come {
        StatusCode::PERMANENT_REDIRECT
    } else {
        StatusCode::OK
    };
    Ok((status, [(ETAG, tag)]).into_response())
}
