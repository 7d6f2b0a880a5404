//! Answers on their way in, and what they report: success with JSON, or a refusal.
//!
//! Owns the bounds: no answer is read beyond its cap, none is waited for when nothing comes, and
//! none may take for ever by coming in drops.

mod error_body;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::{DATE, ETAG, LOCATION, RANGE, RETRY_AFTER};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::error::{Refusal, RequestError, RequestFailure, shortened};
use crate::wait::parse_retry_after;
use error_body::ErrorBody;

/// For answers about one thing. Settings with a profile are the longest.
pub const SHORT: usize = 4 * 1024 * 1024;

/// For lists of containers, and for containers with lists of files.
pub const LONG: usize = 64 * 1024 * 1024;

/// Of an answer that reports an error, only the beginning matters.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// An answer that comes more slowly than this, in bytes per second, is taken for one that does not
/// end.
const SLOWEST: u64 = 1024;

/// An answer read whole, or up to the cap.
#[derive(Debug, Default)]
pub struct Answer {
    pub host: String,
    pub status: u16,
    pub body: Bytes,
    pub retry_after: Option<Duration>,
    pub location: Option<String>,
    pub etag: Option<String>,
    /// How much of a file a storage says it has.
    pub range: Option<String>,
}

impl Answer {
    /// The answer itself if it reports success.
    pub fn successful(self) -> Result<Self, RequestError> {
        if (200..300).contains(&self.status) {
            Ok(self)
        } else {
            Err(self.into_refusal())
        }
    }

    /// The JSON that it holds.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let looks = if self
                .body
                .trim_ascii_start()
                .starts_with(b"<")
            {
                "a web page"
            } else {
                "something unreadable"
            };
            RequestError::unexpected(
                &self.host,
                format!(
                    "{looks} came instead of the JSON expected ({:?} error)",
                    error.classify()
                ),
            )
        })
    }

    fn into_refusal(self) -> RequestError {
        let said = ErrorBody::read(&self.body);
        let moved = self
            .location
            .filter(|_| (300..400).contains(&self.status));
        let message = moved.map_or(said.message, |to| {
            format!(
                "moved to {}, which is not followed",
                shortened(without_query(&to))
            )
        });
        let (host, status, retry_after) = (self.host, self.status, self.retry_after);
        RequestFailure::Refused(Box::new(Refusal {
            host,
            status,
            message,
            request_id: said.request_id,
            retry_after,
        }))
        .into()
    }
}

/// Reads an answer up to `cap`. A longer one is an error.
pub async fn read_answer(
    response: Response,
    host: String,
    idle: Duration,
    cap: usize,
) -> Result<Answer, RequestError> {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (status, location, etag, range) = (
        response.status().as_u16(),
        header(LOCATION),
        header(ETAG),
        header(RANGE),
    );
    // The server's own clock: its dates are to be read by it, however wrong this machine's is.
    let now = header(DATE)
        .and_then(|text| DateTime::parse_from_rfc2822(&text).ok())
        .map_or_else(Utc::now, Into::into);
    let retry_after = header(RETRY_AFTER).and_then(|text| parse_retry_after(&text, now));
    let mut reading = Reading {
        response,
        host: &host,
        idle,
        started: Instant::now(),
    };
    let body = if (200..300).contains(&status) {
        reading.whole(cap).await?
    } else {
        // The status says enough: what is missing of an error's text is no second error.
        reading
            .beginning()
            .await
            .unwrap_or_default()
    };
    Ok(Answer {
        host,
        status,
        body,
        retry_after,
        location,
        etag,
        range,
    })
}

struct Reading<'h> {
    response: Response,
    host: &'h str,
    idle: Duration,
    started: Instant,
}

impl Reading<'_> {
    async fn whole(&mut self, cap: usize) -> Result<Bytes, RequestError> {
        let too_long =
            RequestError::unexpected(self.host, "the answer is far longer than it should be");
        if self
            .response
            .content_length()
            .is_some_and(|length| length > cap as u64)
        {
            return Err(too_long);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next(body.len()).await? {
            if chunk.len() > cap - body.len() {
                return Err(too_long);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    async fn beginning(&mut self) -> Result<Bytes, RequestError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next(body.len()).await? {
            let room = MAX_ERROR_BYTES - body.len();
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if body.len() == MAX_ERROR_BYTES {
                break;
            }
        }
        Ok(body.freeze())
    }

    /// The next chunk, if it comes before the server has been silent, or slow, for too long.
    async fn next(&mut self, received: usize) -> Result<Option<Bytes>, RequestError> {
        let earned = Duration::from_secs(received as u64 / SLOWEST);
        let deadline = (Instant::now() + self.idle).min(self.started + self.idle + earned);
        let chunk = tokio::time::timeout_at(deadline, self.response.chunk());
        let stalled = |_| {
            RequestError::from(RequestFailure::Stalled {
                host: self.host.to_owned(),
                seconds: self.idle.as_secs(),
            })
        };
        chunk
            .await
            .map_err(stalled)?
            .map_err(|error| RequestError::transport(self.host, &error))
    }
}

/// What may stand after `?` in an address may be a signature.
fn without_query(address: &str) -> &str {
    address
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
}
