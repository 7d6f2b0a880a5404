//! Multipart forms (RFC 7578), read as a stream, so that a slow disk slows the sender down instead
//! of filling the memory.
//!
//! Axum parses; this bounds what it holds: must never hold more than a chunk of the connection, the
//! headers of a part, or a short text field.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use futures_util::{StreamExt as _, stream};
use percent_encoding::percent_decode_str;

use crate::api_error::ApiError;

const LONGEST_HEADERS: usize = 16 * 1024;

/// A form that is being read.
#[derive(Debug)]
pub struct Form {
    parts: Multipart,
    pace: Arc<Pace>,
}

/// One part of a form.
#[derive(Debug)]
pub struct Part<'a> {
    field: Field<'a>,
    pace: &'a Pace,
}

/// Hands the parser one chunk at a time: by itself it takes chunks for as long as they are ready.
#[derive(Debug, Default)]
struct Pace {
    /// Whether the parser may take a chunk.
    open: AtomicBool,
    /// The number of bytes that it took in this step.
    held: AtomicUsize,
}

impl Form {
    /// Starts reading; refuses a content type that is not a form's.
    pub async fn new(request: Request) -> Result<Self, ApiError> {
        let pace = Arc::new(Pace::default());
        let gate = pace.clone();
        let request = request.map(|body| {
            let mut body = body.into_data_stream();
            Body::from_stream(stream::poll_fn(move |context| {
                if !gate.open.load(Relaxed) {
                    return Poll::Pending;
                }
                let chunk = ready!(body.poll_next_unpin(context));
                gate.open.store(false, Relaxed);
                if let Some(Ok(chunk)) = &chunk {
                    gate.held
                        .fetch_add(chunk.len(), Relaxed);
                }
                Poll::Ready(chunk)
            }))
        });
        let parts = Multipart::from_request(request, &())
            .await
            .map_err(|_| {
                ApiError::bad_request("multipart/form-data with a boundary is expected")
            })?;
        Ok(Self { parts, pace })
    }

    /// The next part, or none after the last. The content of the part before must have been read.
    pub async fn next_part(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        let pace = &*self.pace;
        let field = pace
            .step(self.parts.next_field())
            .await?;
        Ok(field.map(|field| Part { field, pace }))
    }
}

impl Pace {
    /// One step of the parser, with a chunk at a time until it has its result.
    async fn step<T>(
        &self,
        step: impl Future<Output = Result<T, MultipartError>>,
    ) -> Result<T, ApiError> {
        self.held.store(0, Relaxed);
        let mut step = pin!(step);
        std::future::poll_fn(|context| {
            loop {
                self.open.store(true, Relaxed);
                match step.as_mut().poll(context) {
                    Poll::Ready(done) => return Poll::Ready(done.map_err(|it| broken(&it))),
                    // the connection has no chunk yet
                    Poll::Pending if self.open.load(Relaxed) => return Poll::Pending,
                    Poll::Pending if self.held.load(Relaxed) > LONGEST_HEADERS => {
                        let what = "the headers of a form part are too long";
                        return Poll::Ready(Err(ApiError::bad_request(what)));
                    }
                    Poll::Pending => {}
                }
            }
        })
        .await
    }
}

impl Part<'_> {
    /// The name of the form's field.
    pub fn name(&self) -> Result<&str, ApiError> {
        let what = "a form part has no usable Content-Disposition";
        self.field
            .name()
            .ok_or_else(|| ApiError::bad_request(what))
    }

    /// The file name, if there is one; may be empty. Of its two notations the plain one is
    /// preferred, as on Flywheel.
    pub fn file_name(&self) -> Option<String> {
        match self.field.file_name() {
            Some(name) => Some(name.replace(r"\\", r"\")),
            None => self.extended_file_name(),
        }
    }

    /// An extended value (RFC 8187) such as `filename*=utf-8''na%C3%AFve`.
    fn extended_file_name(&self) -> Option<String> {
        let disposition = self
            .field
            .headers()
            .get(CONTENT_DISPOSITION)?
            .to_str()
            .ok()?;
        let value = disposition
            .split(';')
            .find_map(|parameter| {
                parameter
                    .trim()
                    .strip_prefix("filename*=")
            })?;
        let encoded = value
            .splitn(3, '\'')
            .nth(2)
            .unwrap_or(value);
        Some(
            percent_decode_str(encoded)
                .decode_utf8_lossy()
                .into_owned(),
        )
    }

    /// The next bytes of this part, or none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.pace
            .step(self.field.chunk())
            .await
    }

    /// The rest of this part as a whole, if it is not longer than `longest`.
    pub async fn text(mut self, longest: usize) -> Result<Vec<u8>, ApiError> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > longest {
                return Err(ApiError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "a form field is too long",
                ));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }
}

/// Why a form cannot be read on: what happened to its body, else that it is broken.
fn broken(error: &MultipartError) -> ApiError {
    std::iter::successors(error.source(), |it| (*it).source())
        .find_map(|it| {
            it.downcast_ref::<ApiError>()
                .cloned()
        })
        .unwrap_or_else(|| {
            ApiError::bad_request("the form is broken, or ends before its closing boundary")
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::http::header::CONTENT_TYPE;
    use futures_util::stream;

    async fn form(content_type: &str, body: Body) -> Result<Form, ApiError> {
        let request = Request::builder().header(CONTENT_TYPE, content_type);
        Form::new(request.body(body).unwrap()).await
    }

    /// Reads a form that arrives in pieces of `step` bytes: each part's field, file name and
    /// content.
    async fn read(
        text: &str,
        step: usize,
    ) -> Result<Vec<(String, Option<String>, Vec<u8>)>, ApiError> {
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = text
            .as_bytes()
            .chunks(step)
            .map(|piece| Ok(piece.to_vec()))
            .collect();
        let body = Body::from_stream(stream::iter(pieces));
        let mut form = form("multipart/form-data; boundary=\"XX\"", body).await?;
        let mut parts = Vec::new();
        while let Some(part) = form.next_part().await? {
            let (name, file_name) = (part.name()?.to_owned(), part.file_name());
            parts.push((name, file_name, part.text(1 << 20).await?));
        }
        Ok(parts)
    }

    const FORM: &str = "--XX\r\nContent-Disposition: form-data; \
        name=\"metadata\"\r\n\r\n{}\r\n--XX\r\ncontent-disposition: form-data; \
        name=\"file\"; filename=\"a \\\"b\\\";ü.zip\"\r\nContent-Type: \
        x/y\r\n\r\n\r\n--X\r\n--\r\n\r\n--XX\r\nContent-Disposition: form-data; \
        name=e; filename*=utf-8''%C3%BC\r\n\r\n\r\n--XX--\r\n";

    #[tokio::test]
    async fn parts_come_out_whole_however_the_bytes_arrive() {
        for step in 1..FORM.len() {
            let parts = read(FORM, step).await.unwrap();
            let file = (
                "file".to_owned(),
                Some("a \"b\";ü.zip".to_owned()),
                b"\r\n--X\r\n--\r\n".to_vec(),
            );
            let expected = [
                ("metadata".to_owned(), None, b"{}".to_vec()),
                file,
                ("e".to_owned(), Some("ü".to_owned()), Vec::new()),
            ];
            assert_eq!(parts, expected, "in steps of {step}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_or_without_end_is_refused() {
        for length in 0..FORM.len() - 4 {
            if let Some(cut) = FORM.get(..length) {
                assert!(read(cut, 64).await.is_err(), "cut at {length}");
            }
        }
        assert!(
            read("--XX\r\nContent-Type: x\r\n\r\n\r\n--XX--", 64)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn headers_and_preambles_without_end_are_refused_before_they_fill_the_memory() {
        for start in ["--XX\r\n", ""] {
            let endless = stream::iter([start.to_owned()])
                .chain(stream::repeat("x".repeat(4096)))
                .map(Ok::<_, std::io::Error>);
            let mut form = form(
                "multipart/form-data; boundary=XX",
                Body::from_stream(endless),
            )
            .await
            .unwrap();
            let error = form
                .next_part()
                .await
                .map(drop)
                .unwrap_err();
            assert_eq!(error.message(), "the headers of a form part are too long");
        }
    }

    #[tokio::test]
    async fn a_sender_that_is_always_ready_waits_for_the_reader() {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let start = "--XX\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n";
        let endless = stream::iter([start.to_owned()])
            .chain(stream::repeat("x".repeat(4096)))
            .map(move |chunk| {
                counter.fetch_add(1, Relaxed);
                Ok::<_, std::io::Error>(chunk)
            });
        let mut form = form(
            "multipart/form-data; boundary=XX",
            Body::from_stream(endless),
        )
        .await
        .unwrap();
        let mut part = form
            .next_part()
            .await
            .unwrap()
            .unwrap();
        for read in 1..400 {
            part.chunk().await.unwrap().unwrap();
            assert!(sent.load(Relaxed) <= read + 1);
        }
        assert_eq!(
            part.text(64 << 10)
                .await
                .unwrap_err()
                .status(),
            StatusCode::PAYLOAD_TOO_LARGE
        );
    }

    #[tokio::test]
    async fn only_forms_with_a_boundary_are_read() {
        for kind in [
            "application/json",
            "multipart/form-data",
            "multipart/mixed; boundary=x",
        ] {
            assert!(
                form(kind, Body::empty())
                    .await
                    .is_err(),
                "{kind}"
            );
        }
    }
}
