//! The storage behind signed URLs, as strict as an object store: no key, no chunks, the right signature and headers.
//!
//! Answers errors in XML as such stores do.

use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::Shared;
use crate::sandbox::App;
use crate::sandbox::blob::{Incoming, Received};
use crate::sandbox::errors::ApiError;
use crate::sandbox::multipart::{drain, next_chunk};
use crate::sandbox::query::Parameters;

/// The header that a ticket asks for, and that a `PUT` must bring.
pub const HEADER: &str = "x-ms-blob-type";
/// Its value.
pub const HEADER_VALUE: &str = "BlockBlob";

/// Why the storage refuses: status, code and a sentence.
type Refusal = (StatusCode, &'static str, &'static str);

/// `PUT /storage/{ticket}/{part}?signature=`.
pub async fn receive(
    State(app): Shared,
    Path((ticket, part)): Path<(String, usize)>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut stream = body.into_data_stream();
    let signature = parameters.get("signature").map(String::as_str).unwrap_or_default();
    let allowed = allowed(&app, &head.headers, &ticket, part, signature);
    let received = match allowed {
        Ok(length) => store(&app, &mut stream, length).await,
        Err(refusal) => Err(refusal),
    };
    let etag = received.as_ref().map(|received| etag(&received.sha384)).unwrap_or_default();
    match received.and_then(|received| put(&app, &ticket, part, received)) {
        Ok(()) => (StatusCode::OK, [(ETAG, etag)]).into_response(),
        Err((status, code, sentence)) => {
            drain(&mut stream).await;
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{sentence}</Message></Error>"
            );
            (status, [(CONTENT_TYPE, "application/xml")], text).into_response()
        }
    }
}

fn etag(sha384: &str) -> String {
    format!("\"{}\"", sha384.get(..32).unwrap_or_default())
}

/// The length that the request announces, if it may be taken.
fn allowed(app: &App, headers: &HeaderMap, ticket: &str, part: usize, signature: &str) -> Result<u64, Refusal> {
    if headers.contains_key(AUTHORIZATION) {
        return Err((StatusCode::BAD_REQUEST, "InvalidArgument", "only one way to authenticate is allowed: the URL is signed"));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(length) = length.filter(|_| !headers.contains_key(TRANSFER_ENCODING)) else {
        return Err((StatusCode::NOT_IMPLEMENTED, "NotImplemented", "a Content-Length is needed, chunks are not taken"));
    };
    if !app.tickets().is_signed(ticket, part, signature) {
        return Err((StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "the signature is not the one of this URL"));
    }
    if headers.get(HeaderName::from_static(HEADER)).is_none_or(|value| value != HEADER_VALUE) {
        return Err((StatusCode::BAD_REQUEST, "MissingRequiredHeader", "a header that the ticket asks for is missing"));
    }
    let announced = app.tickets().upload(ticket).map_err(|_| EXPIRED)?.size;
    if announced.is_some_and(|announced| length > announced) {
        return Err((StatusCode::BAD_REQUEST, "EntityTooLarge", "the part is longer than the file was said to be"));
    }
    Ok(length)
}

const EXPIRED: Refusal = (StatusCode::FORBIDDEN, "AccessDenied", "the URL has expired");
const INTERNAL: Refusal = (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the bytes could not be stored");

async fn store(app: &App, stream: &mut axum::body::BodyDataStream, length: u64) -> Result<Received, Refusal> {
    let incomplete = |_: ApiError| (StatusCode::BAD_REQUEST, "IncompleteBody", "fewer bytes came than were announced");
    let mut incoming = Incoming::create(&app.store).map_err(|_| INTERNAL)?;
    while let Some(chunk) = next_chunk(stream).await.map_err(incomplete)? {
        incoming.write(&chunk).await.map_err(|_| INTERNAL)?;
    }
    if incoming.size() != length {
        return Err((StatusCode::BAD_REQUEST, "IncompleteBody", "fewer bytes came than were announced"));
    }
    incoming.finish().await.map_err(|_| INTERNAL)
}

/// Notes that a part has arrived; a part that comes again replaces the one before.
fn put(app: &App, ticket: &str, part: usize, received: Received) -> Result<(), Refusal> {
    let mut tickets = app.tickets();
    let upload = tickets.upload(ticket).map_err(|_| EXPIRED)?;
    *upload.parts.get_mut(part).ok_or(EXPIRED)? = Some(received);
    Ok(())
}
