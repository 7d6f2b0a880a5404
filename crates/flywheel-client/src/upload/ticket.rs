//! Tickets: permission to put one file into the storage behind the site, in one part or several.
//!
//! Owns what is believed of a ticket, and how a file is cut into parts.

use reqwest::Url;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Google takes parts in multiples of this.
const GOOGLE_UNIT: u64 = 256 * 1024;

/// What the site answers to a request for a ticket, if it gives one.
#[derive(Deserialize)]
pub struct TicketAnswer {
    ticket: String,
    urls: Map<String, Value>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
}

/// Permission to put one file into the storage.
pub struct Ticket {
    pub id: String,
    pub storage: Storage,
    pub urls: Vec<Url>,
    pub headers: HeaderMap,
}

/// Whose storage it is, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    S3,
    Google,
    Other,
}

/// A part of a file, for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: u64,
    pub length: u64,
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
    /// Reads an answer; `None` when it is of no use. `plain` allows addresses without encryption,
    /// for sites without.
    pub fn read(answer: TicketAnswer, name: &str, plain: bool) -> Option<Self> {
        let urls = match answer.urls.get(name)? {
            Value::String(url) => vec![Url::parse(url).ok()?],
            Value::Array(urls) => urls
                .iter()
                .map(|url| Url::parse(url.as_str()?).ok())
                .collect::<Option<_>>()?,
            _ => return None,
        };
        let storage = urls.first().map(Storage::of)?;
        let acceptable = urls
            .iter()
            .all(|url| url.scheme() == "https" || (url.scheme() == "http" && plain));
        let headers = storage_headers(answer.headers.as_ref());
        (acceptable && !answer.ticket.is_empty()).then(|| Self {
            id: answer.ticket,
            storage,
            urls,
            headers,
        })
    }

    /// What S3 needs to join the parts; nothing unless there is both an upload id and a tag of
    /// every part.
    pub fn multipart(&self, tags: &[String]) -> Option<Value> {
        let (_, upload_id) = self
            .urls
            .first()?
            .query_pairs()
            .find(|(name, _)| name == "uploadId")?;
        let complete = self.storage == Storage::S3 && tags.len() == self.urls.len();
        complete.then(|| json!({ "multipart": { "e_tags": tags, "upload_id": upload_id } }))
    }

    /// Whether the parts become one file only when the site is told of all of them.
    pub fn needs_joining(&self) -> bool {
        self.storage == Storage::S3 && self.urls.len() > 1
    }
}

/// The headers that the storage wants. Those that frame the request are the client's
/// own, and a key has no place there.
fn storage_headers(given: Option<&Map<String, Value>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given.into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (name, value)
            && ![
                AUTHORIZATION,
                CONTENT_LENGTH,
                CONTENT_RANGE,
                HOST,
                TRANSFER_ENCODING,
            ]
            .contains(&name)
        {
            headers.insert(name, value);
        }
    }
    headers
}

/// Cuts a file into one part per address, the last one the shortest; `None` when a part would be
/// empty.
pub fn spans(total: u64, count: u64, storage: Storage) -> Option<Vec<Span>> {
    if count == 1 {
        return Some(vec![Span {
            from: 0,
            length: total,
        }]);
    }
    let even = total.div_ceil(count);
    let length = if storage == Storage::Google {
        even.next_multiple_of(GOOGLE_UNIT)
    } else {
        even
    };
    (0..count)
        .map(|part| {
            let from = part * length;
            (from < total).then(|| Span {
                from,
                length: length.min(total - from),
            })
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
        assert_eq!(
            spans(10, 3, Storage::S3),
            Some(vec![span(0, 4), span(4, 4), span(8, 2)])
        );
        assert_eq!(spans(2, 3, Storage::S3), None);
        assert_eq!(
            spans(GOOGLE_UNIT + 1, 2, Storage::Google),
            Some(vec![span(0, GOOGLE_UNIT), span(GOOGLE_UNIT, 1)])
        );
        assert_eq!(spans(GOOGLE_UNIT, 2, Storage::Google), None);
    }

    #[test]
    fn headers_that_frame_or_identify_come_from_the_client_alone() {
        let given = json!({ "x-ms-blob-type": "BlockBlob", "Authorization": "x", "content-length": "1", "bad name": "y" });
        let headers = storage_headers(given.as_object());
        assert_eq!(headers.len(), 1);
        assert_eq!(
            headers
                .get("x-ms-blob-type")
                .unwrap(),
            "BlockBlob"
        );
    }
}
