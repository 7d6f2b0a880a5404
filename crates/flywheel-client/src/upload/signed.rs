//! Files sent straight to the storage behind the site: a ticket, one or more PUTs to signed
//! addresses, and the ticket handed back.
//!
//! Owns when that route is given up in favour of the form. A ticket is never handed back unless
//! every byte arrived, and nothing that identifies the user goes to the storage.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::ticket::{Span, Storage, Ticket, TicketAnswer, spans};
use super::{Route, Transfer, UploadReceipt};
use crate::answer::{Answer, SHORT};
use crate::body::{Cursor, Piece};
use crate::error::{RequestError, RequestFailure};
use crate::learnt::Told;
use crate::listing::ContainerAnswer;
use crate::notice::FormReason;
use crate::reference::segment;
use crate::transport::Look;

/// Outages that one file goes through before it takes the form.
const STORAGE_OUTAGES: u32 = 5;

impl Transfer<'_> {
    /// Sends the file with a signed address; `None` when the form has to be used instead.
    pub async fn by_ticket(&self, mut told: Told) -> Result<Option<UploadReceipt>, RequestError> {
        let mut tries = self
            .client
            .tries("PUT to the storage");
        let (mut renewed, mut outages) = (false, 0);
        loop {
            let ticket = match self.start_ticket(told).await {
                Ok(Some(ticket)) => ticket,
                Ok(None) => return Ok(self.use_form(FormReason::NoTicket)),
                Err(error) => {
                    told = self.told_less(told, error)?;
                    continue;
                }
            };
            let error = match Parts::new(self, &ticket)
                .put_all()
                .await
            {
                Ok(parts) => match self
                    .finish_ticket(told, &ticket, parts)
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
            match &error.failure {
                RequestFailure::Body(_) | RequestFailure::BodyLength => return Err(error),
                // Addresses and upload ids that expired meanwhile are refused like this; a new
                // ticket helps.
                RequestFailure::Refused(refusal)
                    if matches!(refusal.status, 400 | 401 | 403 | 404 | 410) && !renewed =>
                {
                    renewed = true;
                }
                // Where the site is out too, a firewall is not to blame.
                RequestFailure::Connect { .. }
                    if outages < STORAGE_OUTAGES
                        && self
                            .client
                            .transport
                            .look(&error)
                            .await
                            == Look::Back =>
                {
                    outages += 1;
                }
                RequestFailure::Connect { host, .. } => {
                    let host = host.clone();
                    return Ok(self.use_form(FormReason::Unreachable { host, error }));
                }
                _ if error.is_transient() && error.attempts == 1 => {
                    if let Err(error) = tries.wait(error).await {
                        return Ok(self.use_form(FormReason::Failed(error)));
                    }
                }
                _ => return Ok(self.use_form(FormReason::Failed(error))),
            }
        }
    }

    fn use_form<T>(&self, cause: FormReason) -> Option<T> {
        self.tell_of_form(cause);
        None
    }

    /// Asks for a ticket; `None` when the site does not give one here. Asking again is always safe.
    async fn start_ticket(&self, told: Told) -> Result<Option<Ticket>, RequestError> {
        let (client, name) = (self.client, &self.file.name);
        let body = json!({ "metadata": self.file.metadata(told), "filenames": [name] });
        let path = format!("{}?ticket=", self.files());
        let error = match client
            .ask::<TicketAnswer>(&path, &body)
            .await
        {
            Ok(answer) => {
                let plain = client.transport.is_plain_http();
                return Ok(Ticket::read(answer, name, plain));
            }
            Err(error) => error,
        };
        match (&error.failure, error.status()) {
            // How sites with other storage say no, whatever they announce: nothing, `null`, or one
            // of these.
            (RequestFailure::Unexpected { .. }, _) | (_, Some(405 | 409)) => {
                client.learnt.gives_no_tickets();
                Ok(None)
            }
            // Some servers answer so where the container is gone.
            (_, Some(404 | 500)) => {
                client
                    .get_listing::<ContainerAnswer>(&self.container.path())
                    .await?;
                Ok(None)
            }
            (_, Some(status))
                if !matches!(status, 401..=403 | 429) && told.less(&error).is_none() =>
            {
                Ok(None)
            }
            _ => Err(error),
        }
    }

    /// Hands the ticket back. When the answer is lost, the container is looked at before it is
    /// handed back again.
    async fn finish_ticket(
        &self,
        told: Told,
        ticket: &Ticket,
        parts: Option<Value>,
    ) -> Result<Option<UploadReceipt>, RequestError> {
        let files = self.files();
        let path = format!("{files}?ticket={}", segment(&ticket.id));
        let mut tries = self
            .client
            .tries(format!("POST /api{files}?ticket"));
        let mut lost = false;
        loop {
            let error = match self
                .client
                .post_once(&path, parts.as_ref())
                .await
            {
                Ok(answer) => {
                    return self
                        .confirm(Route::Signed, &answer)
                        .await
                        .map(Some);
                }
                Err(error) => error.without(&[&self.file.name]),
            };
            if told.less(&error).is_some() {
                return Err(error);
            }
            lost |= error.may_have_worked();
            // Tickets are bound to the address that asked for them: proxies in a pool break that.
            let not_taken = matches!(error.status(), Some(400 | 403..=405 | 409 | 410 | 422))
                .then(|| error.clone());
            let waited = tries.wait(error).await;
            // A ticket whose first answer was lost may be refused the second time because it has
            // served.
            if lost && let Some(receipt) = self.look(Route::Signed).await? {
                return Ok(Some(receipt));
            }
            if let Some(error) = not_taken {
                return Ok(self.use_form(FormReason::Failed(error)));
            }
            waited?;
        }
    }
}

/// The parts of a file on their way to the addresses of a ticket, one after the other.
struct Parts<'p> {
    transfer: &'p Transfer<'p>,
    ticket: &'p Ticket,
    cursor: Arc<Mutex<Cursor>>,
}

impl<'p> Parts<'p> {
    fn new(transfer: &'p Transfer<'p>, ticket: &'p Ticket) -> Self {
        Self {
            transfer,
            ticket,
            cursor: from_the_start(transfer),
        }
    }

    /// Puts every part where it belongs. The answer is what the site wants to know about the parts.
    async fn put_all(mut self) -> Result<Option<Value>, RequestError> {
        let (ticket, client) = (self.ticket, self.transfer.client);
        let (length, count) = (self.transfer.file.len, ticket.urls.len() as u64);
        let spans = spans(length, count, ticket.storage).ok_or_else(|| {
            client.unexpected("it wants more parts than the file can be cut into")
        })?;
        let mut tags = Vec::with_capacity(spans.len());
        for (url, span) in ticket.urls.iter().zip(spans) {
            let answer = self.put(url, span).await?;
            tags.extend(
                answer
                    .etag
                    .map(|tag| tag.trim_matches('"').to_owned()),
            );
        }
        let parts = ticket.multipart(&tags);
        if parts.is_none() && ticket.needs_joining() {
            // Without the tags nothing joins the parts: handed back, the ticket would stand for a
            // file that is not there.
            return Err(client.unexpected("the storage gave no tag for a part"));
        }
        Ok(parts)
    }

    /// Puts one part. One of several may be put again to the same address, except where the storage
    /// counts the bytes.
    async fn put(&mut self, url: &Url, span: Span) -> Result<Answer, RequestError> {
        let mut tries = self
            .transfer
            .client
            .tries("PUT to the storage");
        loop {
            let error = match self.put_once(url, span).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let repeatable = self.ticket.urls.len() > 1
                && self.ticket.storage != Storage::Google
                && !matches!(error.failure, RequestFailure::Connect { .. });
            if !repeatable {
                return Err(error);
            }
            tries.wait(error).await?;
            self.cursor = from_the_start(self.transfer);
        }
    }

    async fn put_once(&self, url: &Url, span: Span) -> Result<Answer, RequestError> {
        let (file, transport) = (self.transfer.file, &self.transfer.client.transport);
        let google = self.ticket.storage == Storage::Google;
        let gauge = self
            .transfer
            .client
            .gauge(span.length);
        let end = span.from + span.length;
        let mut request = transport
            .foreign_request(Method::PUT, url.clone())
            .headers(self.ticket.headers.clone())
            .header(CONTENT_LENGTH, span.length);
        if google && span.length > 0 {
            let range = format!("bytes {}-{}/{}", span.from, end - 1, file.len);
            request = request.header(CONTENT_RANGE, range);
        }
        let request = if span.length == 0 {
            request.body(Bytes::new())
        } else {
            let piece = Box::pin(Piece::new(&self.cursor, span.from, span.length));
            let exact = self
                .transfer
                .exact(piece, span.length, &gauge);
            request.body(reqwest::Body::wrap_stream(exact))
        };
        let answer = transport
            .send(request, &gauge, SHORT)
            .await?;
        if answer.status != 308 || !google || end == file.len {
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
            Some(last) if last != Ok(end - 1) => Err(RequestFailure::Cut {
                host: answer.host,
                cause: "a part arrived short".to_owned(),
            }
            .into()),
            _ => Ok(answer),
        }
    }
}

/// The file from its first byte.
fn from_the_start(transfer: &Transfer<'_>) -> Arc<Mutex<Cursor>> {
    Cursor::new(
        transfer
            .sent
            .watch((transfer.file.body)(), false),
    )
}
