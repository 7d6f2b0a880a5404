//! Files sent straight to the storage behind the site: a ticket, one or more PUTs to signed
//! addresses, and the ticket handed back.
//!
//! Owns when that route is given up in favour of the form. A ticket is never handed back unless
//! every byte arrived, and nothing that identifies us goes to the storage.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::answer::{Answer, ContainerAnswer, ContainerRef, segment};
use super::body::{Cursor, Exact, Gauge, Piece};
use super::checksum::Checksum;
use super::client::Client;
use super::confirm::{Route, UploadReceipt};
use super::error::{ApiError, Kind};
use super::outage::Look;
use super::receive::SHORT;
use super::retry::{ClientNotice, Tries};
use super::ticket::{Span, Storage, Ticket, TicketAnswer, spans};
use super::upload::{Told, UploadFile};

/// Outages that one file goes through before it takes the form.
const STORAGE_OUTAGES: u32 = 5;

impl Client {
    /// Sends a file with a signed address; `None` when the form has to be used instead.
    pub(super) async fn upload_signed(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        mut told: Told,
        sent: &Checksum,
    ) -> Result<Option<UploadReceipt>, ApiError> {
        let mut tries = Tries::new(self, "PUT to the storage");
        let (mut renewed, mut outages) = (false, 0);
        loop {
            let ticket = match self.start_ticket(container, file, told).await {
                Ok(Some(ticket)) => ticket,
                Ok(None) => return Ok(self.use_form("the site gives no usable ticket here")),
                Err(error) => {
                    told = self.told_less(told, error)?;
                    continue;
                }
            };
            let error = match self.put_all(&ticket, file, sent).await {
                Ok(parts) => match self
                    .finish_ticket(container, (file, told), &ticket, parts, sent)
                    .await
                {
                    Ok(receipt) => return Ok(receipt),
                    // Servers of some age look at the description only now, and the ticket is used
                    // up.
                    Err(error) => {
                        told = self.told_less(told, error)?;
                        continue;
                    }
                },
                Err(error) => error,
            };
            match &error.kind {
                Kind::Source(_) => return Err(error),
                // Addresses and upload ids that expired meanwhile are refused like this; a new
                // ticket helps.
                Kind::Refused(refusal)
                    if matches!(refusal.status, 400 | 401 | 403 | 404 | 410) && !renewed =>
                {
                    renewed = true;
                }
                // Where the site is out too, a firewall is not to blame.
                Kind::Connect { .. }
                    if outages < STORAGE_OUTAGES
                        && self.outage().look(self, &error).await == Look::Back =>
                {
                    outages += 1;
                }
                Kind::Connect { host, .. } => {
                    return Ok(self.use_form(unreachable_storage(host, &error)));
                }
                _ if error.is_transient() && error.attempts == 1 => {
                    if let Err(error) = tries.wait(error).await {
                        return Ok(self.use_form(error.cause()));
                    }
                }
                _ => return Ok(self.use_form(error.cause())),
            }
        }
    }

    fn use_form<T>(&self, cause: impl Into<String>) -> Option<T> {
        self.tell(ClientNotice::FormInstead {
            cause: cause.into(),
        });
        None
    }

    /// The description less what a refusal is about, for this file and all further ones; the error
    /// where it is about something else.
    fn told_less(&self, told: Told, error: ApiError) -> Result<Told, ApiError> {
        let less = told.less(&error).ok_or(error)?;
        self.learnt().takes_only(less);
        Ok(less)
    }

    /// Asks for a ticket; `None` when the site does not give one here. Asking again is always safe.
    async fn start_ticket(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        told: Told,
    ) -> Result<Option<Ticket>, ApiError> {
        let body = json!({ "metadata": file.metadata(told), "filenames": [file.name] });
        match self
            .ask::<TicketAnswer>(&format!("{}/files?ticket=", container.path()), &body)
            .await
        {
            Ok(answer) => Ok(Ticket::read(answer, &file.name, self.is_plain_http())),
            Err(error) => match (&error.kind, error.status()) {
                // How sites with other storage say no, whatever they announce: nothing, `null`, or
                // one of these.
                (Kind::Unexpected { .. }, _) | (_, Some(405 | 409)) => {
                    self.learnt().gives_no_tickets();
                    Ok(None)
                }
                // Some servers answer so where the container is gone.
                (_, Some(404 | 500)) => {
                    self.get_listing::<ContainerAnswer>(&container.path())
                        .await?;
                    Ok(None)
                }
                (_, Some(status))
                    if !matches!(status, 401..=403 | 429) && told.less(&error).is_none() =>
                {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    /// Puts every part where it belongs. The answer is what the site wants to know about the parts.
    async fn put_all(
        &self,
        ticket: &Ticket,
        file: &UploadFile,
        sent: &Checksum,
    ) -> Result<Option<Value>, ApiError> {
        let spans = spans(file.len, ticket.urls.len() as u64, ticket.storage).ok_or_else(|| {
            ApiError::unexpected(
                self.host(),
                "it wants more parts than the file can be cut into",
            )
        })?;
        let mut cursor = Cursor::new(sent.watch((file.body)(), false));
        let mut tags = Vec::with_capacity(spans.len());
        for (url, span) in ticket.urls.iter().zip(&spans) {
            let answer = self
                .put_part(ticket, file, (url, *span), &mut cursor, sent)
                .await?;
            tags.extend(answer.etag.map(|tag| tag.trim_matches('"').to_owned()));
        }
        let parts = ticket.multipart(&tags);
        if parts.is_none() && ticket.needs_joining() {
            // Without the tags nothing joins the parts: handed back, the ticket would stand for a
            // file that is not there.
            return Err(ApiError::unexpected(
                self.host(),
                "the storage gave no tag for a part",
            ));
        }
        Ok(parts)
    }

    /// Puts one part. One of several may be put again to the same address, except where the storage
    /// counts the bytes.
    async fn put_part(
        &self,
        ticket: &Ticket,
        file: &UploadFile,
        (url, span): (&Url, Span),
        cursor: &mut Arc<Mutex<Cursor>>,
        sent: &Checksum,
    ) -> Result<Answer, ApiError> {
        let mut tries = Tries::new(self, "PUT to the storage");
        loop {
            let error = match self.put_once(ticket, file, url, span, cursor).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let repeatable = ticket.urls.len() > 1
                && ticket.storage != Storage::Google
                && !matches!(error.kind, Kind::Connect { .. });
            if !repeatable {
                return Err(error);
            }
            tries.wait(error).await?;
            *cursor = Cursor::new(sent.watch((file.body)(), false));
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
        let mut request = self
            .foreign_request(Method::PUT, url.clone())
            .headers(ticket.headers.clone())
            .header(CONTENT_LENGTH, span.length);
        if ticket.storage == Storage::Google && span.length > 0 {
            let last = span.from + span.length - 1;
            request = request.header(
                CONTENT_RANGE,
                format!("bytes {}-{last}/{}", span.from, file.len),
            );
        }
        let request = if span.length == 0 {
            request.body(Bytes::new())
        } else {
            let exact = Exact::new(
                Box::pin(piece),
                span.length,
                gauge.clone(),
                file.progress.clone(),
            )
            .paced(self.pace());
            request.body(reqwest::Body::wrap_stream(exact))
        };
        let answer = self.send(request, &gauge, SHORT).await?;
        let end = span.from + span.length;
        if answer.status != 308 || ticket.storage != Storage::Google || end == file.len {
            return answer.successful();
        }
        // `Range: bytes=0-262143` says how much is there; where it is stated, it must be all so
        // far.
        let there = answer
            .range
            .as_deref()
            .and_then(|range| range.rsplit_once('-'))
            .map(|(_, last)| last.parse::<u64>());
        match there {
            Some(last) if last != Ok(end - 1) => Err(Kind::Cut {
                host: answer.host,
                cause: "a part arrived short".to_owned(),
            }
            .into()),
            _ => Ok(answer),
        }
    }

    /// Hands the ticket back. When the answer is lost, the container is looked at before it is
    /// handed back again.
    async fn finish_ticket(
        &self,
        container: &ContainerRef,
        (file, told): (&UploadFile, Told),
        ticket: &Ticket,
        parts: Option<Value>,
        sent: &Checksum,
    ) -> Result<Option<UploadReceipt>, ApiError> {
        let path = format!("{}/files?ticket={}", container.path(), segment(&ticket.id));
        let mut tries = Tries::new(self, format!("POST /api{}/files?ticket", container.path()));
        let mut lost = false;
        loop {
            let error = match self.post_once(&path, parts.as_ref()).await {
                Ok(answer) => {
                    return self
                        .confirm(container, file, (Route::Signed, sent), &answer)
                        .await
                        .map(Some);
                }
                Err(error) => error.without(&[&file.name]),
            };
            if told.less(&error).is_some() {
                return Err(error);
            }
            lost |= error.may_have_worked();
            // Tickets are bound to the address that asked for them: proxies in a pool break that.
            let not_taken = matches!(error.status(), Some(400 | 403..=405 | 409 | 410 | 422))
                .then(|| error.cause());
            let waited = tries.wait(error).await;
            // A ticket whose first answer was lost may be refused the second time because it has
            // served.
            if lost && let Some(receipt) = self.look(container, file, (Route::Signed, sent)).await?
            {
                return Ok(Some(receipt));
            }
            if let Some(cause) = not_taken {
                return Ok(self.use_form(cause));
            }
            waited?;
        }
    }
}

/// Hospitals often let the site through and not the storage behind it.
fn unreachable_storage(host: &str, error: &ApiError) -> String {
    let cause = error.cause();
    format!(
        "the storage host {host} cannot be reached from here (a firewall?); `--no-signed-urls` \
            leaves it out: {cause}"
    )
}
