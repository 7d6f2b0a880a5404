//! Files sent through the site itself, as a multipart form.
//!
//! Owns the framing: two parts, the description first and without a file name, the exact length known in advance.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;
use sha2::{Digest, Sha384};

use super::answer::{Answer, ContainerRef};
use super::body::{BodyStream, Exact, Gauge};
use super::client::Client;
use super::confirm::{Route, UploadReceipt};
use super::error::{ApiError, Kind};
use super::retry::Tries;
use super::upload::UploadFile;

/// The bytes around a file in a form.
struct Frame {
    boundary: String,
    head: Bytes,
    tail: Bytes,
}

impl Frame {
    fn new(metadata: &Value, name: &str) -> Self {
        let boundary = format!("fwupload-{:032x}", fastrand::u128(..));
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { boundary, head: head.into(), tail: tail.into() }
    }

    fn length(&self, file: u64) -> u64 {
        file + self.head.len() as u64 + self.tail.len() as u64
    }

    fn around(self, file: BodyStream) -> BodyStream {
        let piece = |bytes: Bytes| stream::iter([Ok(bytes)]);
        Box::pin(piece(self.head).chain(file).chain(piece(self.tail)))
    }
}

impl Client {
    /// Sends a file through the site and has it confirmed. A try that may have worked is looked up before the next.
    pub(super) async fn upload_form(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        size: bool,
    ) -> Result<UploadReceipt, ApiError> {
        let mut tries = Tries::new(self, format!("POST /api{}/files", container.path()));
        let mut with_size = size;
        loop {
            let checksum = Checksum::default();
            let sent = self.send_form(container, file, with_size, &checksum).await;
            // Known once the whole body was produced; the server's own checksum must agree with it.
            let file = &UploadFile { sha384: checksum.get().cloned(), ..file.clone() };
            let error = match sent {
                Ok(answer) => return self.confirm(container, file, Route::Form, &answer).await,
                Err(error) if with_size && refuses_size(&error) => {
                    with_size = false;
                    continue;
                }
                Err(error) => error,
            };
            if error.may_have_worked()
                && let Some(receipt) = self.look(container, file, Route::Form).await?
            {
                return Ok(receipt);
            }
            tries.wait(error).await?;
        }
    }

    async fn send_form(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        with_size: bool,
        checksum: &Checksum,
    ) -> Result<Answer, ApiError> {
        let frame = Frame::new(&file.metadata(with_size), &file.name);
        let gauge = Gauge::new(self.behaviour().idle_timeout, file.len);
        let exact = Exact::new(summed((file.body)(), file.len, checksum), file.len, gauge.clone(), file.progress.clone());
        let request = self
            .site_request(Method::POST, self.url(&format!("{}/files", container.path()))?)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={}", frame.boundary))
            .header(CONTENT_LENGTH, frame.length(file.len))
            .body(reqwest::Body::wrap_stream(frame.around(Box::pin(exact))));
        self.send(request, &gauge).await?.successful().map_err(|error| error.without(&[&file.name]))
    }
}

/// The SHA-384 of a body in lower-case hexadecimal digits, once all of it has passed.
type Checksum = Arc<OnceLock<String>>;

/// Computes the checksum of a body while it passes, so that nothing is read twice for it.
fn summed(body: BodyStream, length: u64, checksum: &Checksum) -> BodyStream {
    let (checksum, mut hasher, mut left) = (Arc::clone(checksum), Sha384::new(), length);
    Box::pin(body.inspect(move |chunk| {
        let Ok(bytes) = chunk else { return };
        hasher.update(bytes);
        left = left.saturating_sub(bytes.len() as u64);
        if left == 0 {
            let _ = checksum.set(hex::encode(hasher.finalize_reset()));
        }
    }))
}

/// Older servers know no `size` in the description and refuse what they do not know.
fn refuses_size(error: &ApiError) -> bool {
    matches!(&error.kind, Kind::Refused(refusal) if refusal.status == 400 && (refusal.message.contains("size") || refusal.message.contains("propert")))
}
