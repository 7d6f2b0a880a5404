//! Files sent straight to the storage behind the site: a ticket, one or more PUTs to signed addresses, and the ticket
//! handed back.
//!
//! Owns when that route is given up in favour of the form. A ticket is never handed back unless every byte arrived, and
//! nothing that identifies us goes to the storage.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::answer::{Answer, ContainerRef, segment};
use super::body::{Cursor, Exact, Gauge, Piece};
use super::client::Client;
use super::confirm::{Route, UploadReceipt};
use super::error::{ApiError, Kind};
use super::retry::{ClientNotice, Tries};
use super::ticket::{Span, Storage, Ticket, TicketAnswer, spans};
use super::upload::UploadFile;

impl Client {
    /// Sends a file with a signed address; `None` when the form has to be used instead.
    pub(super) async fn upload_signed(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        with_size: bool,
    ) -> Result<Option<UploadReceipt>, ApiError> {
        let mut tries = Tries::new(self, "PUT to the storage");
        let mut renewed = false;
        loop {
            let Some(ticket) = self.start_ticket(container, file, with_size).await? else {
                return Ok(self.use_form("the site gave no usable ticket"));
            };
            let error = match self.put_all(&ticket, file).await {
                Ok(parts) => return self.finish_ticket(container, file, &ticket, parts).await,
                Err(error) => error,
            };
            match &error.kind {
                Kind::Source(_) => return Err(error),
                // An address that expired meanwhile is refused like this; a new one helps.
                Kind::Refused(refusal) if refusal.status == 403 && !renewed => renewed = true,
                Kind::Stalled { .. } | Kind::Cut { .. } | Kind::Refused(_) if error.is_transient() && error.attempts == 1 => {
                    if let Err(error) = tries.wait(error).await {
                        return Ok(self.use_form(error.cause()));
                    }
                }
                _ => return Ok(self.use_form(error.cause())),
            }
        }
    }

    fn use_form<T>(&self, cause: impl Into<String>) -> Option<T> {
        self.tell(ClientNotice::FormInstead { cause: cause.into() });
        None
    }

    /// Asks for a ticket; `None` when the site does not give one here. Asking again is always safe.
    async fn start_ticket(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        with_size: bool,
    ) -> Result<Option<Ticket>, ApiError> {
        let body = json!({ "metadata": file.metadata(with_size), "filenames": [file.name] });
        match self.ask::<TicketAnswer>(&format!("{}/files?ticket=", container.path()), &body).await {
            Ok(answer) => Ok(Ticket::read(answer, &file.name, self.is_plain_http())),
            Err(error) => match (&error.kind, error.status()) {
                // An empty answer is how sites with other storage say no.
                (Kind::Unexpected { .. }, _) => Ok(None),
                (Kind::Refused(_), Some(status)) if !matches!(status, 401..=403 | 429) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Puts every part where it belongs. The answer is what the site wants to know about the parts.
    async fn put_all(&self, ticket: &Ticket, file: &UploadFile) -> Result<Option<Value>, ApiError> {
        let spans = spans(file.len, ticket.urls.len() as u64, ticket.storage)
            .ok_or_else(|| ApiError::unexpected(self.host(), "it wants more parts than the file can be cut into"))?;
        let mut cursor = Cursor::new((file.body)());
        let mut tags = Vec::with_capacity(spans.len());
        for (url, span) in ticket.urls.iter().zip(&spans) {
            let answer = self.put_part(ticket, file, url, *span, &mut cursor).await?;
            tags.extend(answer.etag.map(|tag| tag.trim_matches('"').to_owned()));
        }
        Ok(ticket.multipart(&tags))
    }

    /// Puts one part. One of several may be put again to the same address, except where the storage counts the bytes.
    async fn put_part(
        &self,
        ticket: &Ticket,
        file: &UploadFile,
        url: &Url,
        span: Span,
        cursor: &mut Arc<Mutex<Cursor>>,
    ) -> Result<Answer, ApiError> {
        let mut tries = Tries::new(self, "PUT to the storage");
        loop {
            let error = match self.put_once(ticket, file, url, span, cursor).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let repeatable =
                ticket.urls.len() > 1 && ticket.storage != Storage::Google && !matches!(error.kind, Kind::Connect { .. });
            if !repeatable {
                return Err(error);
            }
            tries.wait(error).await?;
            *cursor = Cursor::new((file.body)());
        }
    }

    async fn put_once(
        &self,
        ticket: &Ticket,
        file: &UploadFile,
        url: &Url,
        span: Span,
        cursor: &Arc<Mutex<Cursor>>,
    ) -> Result<Answer, ApiError> {
        let gauge = Gauge::new(self.behaviour().idle_timeout, span.length);
        let piece = Piece::new(cursor, span.from, span.length);
        let mut request =
            self.storage_request(Method::PUT, url.clone()).headers(ticket.headers.clone()).header(CONTENT_LENGTH, span.length);
        if ticket.storage == Storage::Google && span.length > 0 {
            let last = span.from + span.length - 1;
            request = request.header(CONTENT_RANGE, format!("bytes {}-{last}/{}", span.from, file.len));
        }
        let request = if span.length == 0 {
            request.body(Bytes::new())
        } else {
            let exact = Exact::new(Box::pin(piece), span.length, gauge.clone(), file.progress.clone());
            request.body(reqwest::Body::wrap_stream(exact))
        };
        let answer = self.send(request, &gauge).await?;
        let more_follows = span.from + span.length < file.len;
        if answer.status == 308 && ticket.storage == Storage::Google && more_follows { Ok(answer) } else { answer.successful() }
    }

    /// Hands the ticket back. When the answer is lost, the container is looked at before it is handed back again.
    async fn finish_ticket(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        ticket: &Ticket,
        parts: Option<Value>,
    ) -> Result<Option<UploadReceipt>, ApiError> {
        let path = format!("{}/files?ticket={}", container.path(), segment(&ticket.id));
        let mut tries = Tries::new(self, format!("POST /api{}/files?ticket", container.path()));
        loop {
            let error = match self.post_once(&path, parts.as_ref()).await {
                Ok(answer) => return self.confirm(container, file, Route::Signed, &answer).await.map(Some),
                Err(error) => error.without(&[&file.name]),
            };
            // Tickets are bound to the address that asked for them: proxies in a pool break that.
            if matches!(error.status(), Some(400 | 403..=405 | 409 | 410 | 422)) {
                return Ok(self.use_form(error.cause()));
            }
            if error.may_have_worked()
                && let Some(receipt) = self.look(container, file, Route::Signed).await?
            {
                return Ok(Some(receipt));
            }
            tries.wait(error).await?;
        }
    }
}
