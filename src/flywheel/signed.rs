//! Files sent straight to the storage behind the site: a ticket, one or more PUTs to signed addresses, and the ticket
//! handed back.
//!
//! Owns when that route is given up in favour of the form. A ticket is never handed back unless every byte arrived, and
//! nothing that identifies us goes to the storage.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, ContainerRef, segment};
use super::body::{Cursor, Exact, Gauge, Piece};
use super::client::Client;
use super::confirm::{Route, UploadReceipt};
use super::error::{ApiError, Kind};
use super::retry::{RetryNotice, Tries};
use super::upload::UploadFile;

/// Google takes parts in multiples of this.
const GOOGLE_UNIT: u64 = 256 * 1024;

/// What the site answers to a request for a ticket, if it gives one.
#[derive(Deserialize)]
struct TicketAnswer {
    ticket: String,
    urls: Map<String, Value>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
}

/// Permission to put one file into the storage.
struct Ticket {
    id: String,
    storage: Storage,
    urls: Vec<Url>,
    headers: HeaderMap,
}

/// Whose storage it is, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    S3,
    Google,
    Other,
}

/// A part of a file, for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u64,
    length: u64,
}

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
                Kind::Stalled { .. } | Kind::Cut { .. } | Kind::Refused(_) if error.is_transient() => {
                    if let Err(error) = tries.wait(error).await {
                        return Ok(self.use_form(error.cause()));
                    }
                }
                _ => return Ok(self.use_form(error.cause())),
            }
        }
    }

    fn use_form<T>(&self, cause: impl Into<String>) -> Option<T> {
        self.tell(RetryNotice::FormInstead { cause: cause.into() });
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
            Ok(answer) => Ok(self.read_ticket(answer, &file.name)),
            Err(error) => match (&error.kind, error.status()) {
                // An empty answer is how sites with other storage say no.
                (Kind::Unexpected { .. }, _) => Ok(None),
                (Kind::Refused(_), Some(401..=403 | 429)) => Err(error),
                (Kind::Refused(_), _) => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn read_ticket(&self, answer: TicketAnswer, name: &str) -> Option<Ticket> {
        let urls = match answer.urls.get(name)? {
            Value::String(url) => vec![Url::parse(url).ok()?],
            Value::Array(urls) => urls.iter().map(|url| Url::parse(url.as_str()?).ok()).collect::<Option<_>>()?,
            _ => return None,
        };
        let storage = urls.first().map(Storage::of)?;
        let site_is_plain = self.url("").is_ok_and(|url| url.scheme() == "http");
        let acceptable = urls.iter().all(|url| url.scheme() == "https" || (url.scheme() == "http" && site_is_plain));
        (acceptable && !answer.ticket.is_empty()).then(|| Ticket {
            id: answer.ticket,
            storage,
            urls,
            headers: storage_headers(answer.headers.as_ref()),
        })
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
        Ok(ticket.multipart(tags))
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
                Err(error) => error,
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

impl Storage {
    fn of(url: &Url) -> Self {
        let text = url.as_str();
        if text.contains(".s3.") || text.contains(".amazonaws.") {
            Self::S3
        } else if text.contains(".googleapis.") {
            Self::Google
        } else {
            Self::Other
        }
    }
}

impl Ticket {
    /// What S3 needs to join the parts; nothing unless there is both an upload id and a tag of every part.
    fn multipart(&self, tags: Vec<String>) -> Option<Value> {
        let (_, upload_id) = self.urls.first()?.query_pairs().find(|(name, _)| name == "uploadId")?;
        let complete = self.storage == Storage::S3 && tags.len() == self.urls.len();
        complete.then(|| json!({ "multipart": { "e_tags": tags, "upload_id": upload_id } }))
    }
}

/// The headers that the storage wants. Ours frame the request, and a key has no place there.
fn storage_headers(given: Option<&Map<String, Value>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given.into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (name, value)
            && ![AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HOST, TRANSFER_ENCODING].contains(&name)
        {
            headers.insert(name, value);
        }
    }
    headers
}

/// Cuts a file into one part per address, the last one the shortest; `None` when a part would be empty.
fn spans(total: u64, count: u64, storage: Storage) -> Option<Vec<Span>> {
    if count == 1 {
        return Some(vec![Span { from: 0, length: total }]);
    }
    let even = total.div_ceil(count);
    let length = if storage == Storage::Google { even.next_multiple_of(GOOGLE_UNIT) } else { even };
    (0..count)
        .map(|part| {
            let from = part * length;
            (from < total).then(|| Span { from, length: length.min(total - from) })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_and_none_is_empty() {
        let span = |from, length| Span { from, length };
        assert_eq!(spans(0, 1, Storage::Other), Some(vec![span(0, 0)]));
        assert_eq!(spans(10, 3, Storage::S3), Some(vec![span(0, 4), span(4, 4), span(8, 2)]));
        assert_eq!(spans(2, 3, Storage::S3), None);
        assert_eq!(spans(GOOGLE_UNIT + 1, 2, Storage::Google), Some(vec![span(0, GOOGLE_UNIT), span(GOOGLE_UNIT, 1)]));
        assert_eq!(spans(GOOGLE_UNIT, 2, Storage::Google), None);
    }

    #[test]
    fn headers_that_frame_or_identify_are_ours_alone() {
        let given = json!({ "x-ms-blob-type": "BlockBlob", "Authorization": "x", "content-length": "1", "bad name": "y" });
        let headers = storage_headers(given.as_object());
        assert_eq!(headers.len(), 1);
        assert_eq!(headers.get("x-ms-blob-type").unwrap(), "BlockBlob");
    }
}
