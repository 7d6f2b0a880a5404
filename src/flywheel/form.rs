//! Files sent through the site itself, as a multipart form.
//!
//! Owns the framing: two parts, the description first and without a file name, the exact length
//! known in advance.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;

use super::answer::{Answer, ContainerRef};
use super::body::{BodyStream, Exact, Gauge};
use super::checksum::Checksum;
use super::client::Client;
use super::confirm::{Route, UploadReceipt};
use super::error::ApiError;
use super::receive::SHORT;
use super::retry::Tries;
use super::upload::{Told, UploadFile};

/// The bytes around a file in a form.
struct Frame {
    boundary: String,
    head: Bytes,
    tail: Bytes,
}

impl Frame {
    fn new(metadata: &Value, name: &str) -> Self {
        let boundary = format!("fwupload-{:032x}", fastrand::u128(..));
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
        Box::pin(piece(self.head).chain(file).chain(piece(self.tail)))
    }
}

impl Client {
    /// Sends a file through the site and has it confirmed. A try that may have worked is looked up
    /// before the next.
    pub(super) async fn upload_form(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        mut told: Told,
        sent: &Checksum,
    ) -> Result<UploadReceipt, ApiError> {
        let mut tries = Tries::new(self, format!("POST /api{}/files", container.path()));
        loop {
            let error = match self.send_form(container, file, told, sent).await {
                Ok(answer) => {
                    return self
                        .confirm(container, file, (Route::Form, sent), &answer)
                        .await;
                }
                Err(error) => match told.less(&error) {
                    Some(less) => {
                        self.learnt().takes_only(less);
                        told = less;
                        continue;
                    }
                    None => error,
                },
            };
            let worth_a_look = error.may_have_worked();
            // A server that was only slow to answer has until then to list the file. It is looked
            // for after the last try too.
            let waited = tries.wait(error).await;
            if worth_a_look
                && let Some(receipt) = self.look(container, file, (Route::Form, sent)).await?
            {
                return Ok(receipt);
            }
            waited?;
        }
    }

    async fn send_form(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
        told: Told,
        sent: &Checksum,
    ) -> Result<Answer, ApiError> {
        let frame = Frame::new(&file.metadata(told), &file.name);
        let gauge = Gauge::new(self.behaviour().idle_timeout, file.len);
        let exact = Exact::new(
            sent.watch((file.body)(), self.learnt().states_hashes()),
            file.len,
            gauge.clone(),
            file.progress.clone(),
        )
        .paced(self.pace());
        let request = self
            .site_request(
                Method::POST,
                self.url(&format!("{}/files", container.path()))?,
            )
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={}", frame.boundary),
            )
            .header(CONTENT_LENGTH, frame.length(file.len))
            .body(reqwest::Body::wrap_stream(frame.around(Box::pin(exact))));
        self.send(request, &gauge, SHORT)
            .await?
            .successful()
            .map_err(|error| error.without(&[&file.name]))
    }
}
