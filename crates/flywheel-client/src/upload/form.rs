//! Files sent through the site itself, as a multipart form.
//!
//! Owns the framing: two parts, the description first and without a file name, the exact length
//! known in advance.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;

use super::{Route, Transfer, UploadReceipt};
use crate::answer::{Answer, SHORT};
use crate::body::BodyStream;
use crate::error::RequestError;
use crate::learnt::Told;

/// The bytes around a file in a form.
struct Frame {
    boundary: String,
    head: Bytes,
    tail: Bytes,
}

impl Frame {
    fn new(metadata: &Value, name: &str) -> Self {
        let boundary = format!("part-{:032x}", fastrand::u128(..));
        let name = name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; \
                name=\"metadata\"\r\n\r\n{metadata}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Self {
            boundary,
            head: head.into(),
            tail: tail.into(),
        }
    }

    fn length(&self, file: u64) -> u64 {
        file + self.head.len() as u64 + self.tail.len() as u64
    }

    fn around(self, file: BodyStream) -> BodyStream {
        let piece = |bytes: Bytes| stream::iter([Ok(bytes)]);
        Box::pin(
            piece(self.head)
                .chain(file)
                .chain(piece(self.tail)),
        )
    }
}

impl Transfer<'_> {
    /// Sends the file through the site and has it confirmed. A try that may have worked is looked up
    /// before the next.
    pub async fn by_form(&self, mut told: Told) -> Result<UploadReceipt, RequestError> {
        let mut tries = self
            .client
            .tries(format!("POST /api{}", self.files()));
        loop {
            let error = match self.send_form(told).await {
                Ok(answer) => {
                    return self
                        .confirm(Route::Form, &answer)
                        .await;
                }
                Err(error) => match self.told_less(told, error) {
                    Ok(less) => {
                        told = less;
                        continue;
                    }
                    Err(error) => error,
                },
            };
            let worth_a_look = error.may_have_worked();
            // A server that was only slow to answer has until then to list the file. It is looked
            // for after the last try too.
            let waited = tries.wait(error).await;
            if worth_a_look && let Some(receipt) = self.look(Route::Form).await? {
                return Ok(receipt);
            }
            waited?;
        }
    }

    async fn send_form(&self, told: Told) -> Result<Answer, RequestError> {
        let (file, transport) = (self.file, &self.client.transport);
        let frame = Frame::new(&file.metadata(told), &file.name);
        let gauge = self.client.gauge(file.len);
        let hash = self.client.learnt.states_hashes();
        let exact = self.exact(self.sent.watch((file.body)(), hash), file.len, &gauge);
        let request = transport
            .site_request(Method::POST, transport.url(&self.files())?)
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={}", frame.boundary),
            )
            .header(CONTENT_LENGTH, frame.length(file.len))
            .body(reqwest::Body::wrap_stream(frame.around(Box::pin(exact))));
        transport
            .send(request, &gauge, SHORT)
            .await?
            .successful()
            .map_err(|error| error.without(&[&file.name]))
    }
}
