//! Multipart forms (RFC 7578), read as a stream: one chunk of the connection at a time, so that a
//! slow disk slows the sender down instead of filling the memory.
//!
//! Must never hold more than a chunk, a part's headers, or a short text field.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;

use super::errors::ApiError;

const LONGEST_HEADERS: usize = 16 * 1024;
const IDLE: Duration = Duration::from_secs(60);

/// What a part says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The name of the form's field.
    pub name: String,
    /// The file name, if there is one; may be empty.
    pub filename: Option<String>,
}

/// A form that is being read.
#[derive(Debug)]
pub struct Form {
    stream: BodyDataStream,
    buffer: BytesMut,
    delimiter: Finder<'static>,
    in_part: bool,
    done: bool,
}

impl Form {
    /// Starts reading; refuses a content type that is not a form's.
    pub fn new(content_type: &str, body: Body) -> Result<Self, ApiError> {
        let boundary = boundary(content_type).ok_or_else(|| {
            ApiError::bad_request("multipart/form-data with a boundary is expected")
        })?;
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // the first boundary may stand at the very start, where no line end is before it
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Ok(Self {
            stream: body.into_data_stream(),
            buffer,
            delimiter,
            in_part: true,
            done: false,
        })
    }

    /// The next part, or none after the last. What is left of the part before is passed over.
    pub async fn next_part(&mut self) -> Result<Option<Head>, ApiError> {
        while self.chunk().await?.is_some() {}
        if self.done {
            return Ok(None);
        }
        self.need(2).await?;
        if self.buffer.starts_with(b"--") {
            self.done = true;
            return Ok(None);
        }
        let head = self.headers().await?;
        self.in_part = true;
        parse_head(&head).map(Some)
    }

    /// The next bytes of this part, or none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let length = self.delimiter.needle().len();
        while self.in_part {
            match self.delimiter.find(&self.buffer) {
                Some(0) => {
                    self.buffer.advance(length);
                    self.in_part = false;
                }
                Some(at) => return Ok(Some(self.buffer.split_to(at).freeze())),
                None if self.buffer.len() >= length => {
                    let certain = self.buffer.len() - (length - 1);
                    return Ok(Some(self.buffer.split_to(certain).freeze()));
                }
                None => self.fill().await?,
            }
        }
        Ok(None)
    }

    /// The rest of this part as a whole, if it is not longer than `longest`.
    pub async fn text(&mut self, longest: usize) -> Result<Vec<u8>, ApiError> {
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

    /// Reads on for a while without looking, so that a client which is still sending can see the
    /// answer.
    pub async fn drain(&mut self) {
        drain(&mut self.stream).await;
    }

    async fn need(&mut self, length: usize) -> Result<(), ApiError> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(())
    }

    /// The header lines after a boundary, without the empty line that ends them.
    async fn headers(&mut self) -> Result<Bytes, ApiError> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end).freeze();
                self.buffer.advance(4);
                return Ok(head);
            }
            if self.buffer.len() > LONGEST_HEADERS {
                return Err(ApiError::bad_request(
                    "the headers of a form part are too long",
                ));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), ApiError> {
        match next_chunk(&mut self.stream).await? {
            Some(chunk) => self.buffer.extend_from_slice(&chunk),
            None => {
                return Err(ApiError::bad_request(
                    "the form ends before its closing boundary",
                ));
            }
        }
        Ok(())
    }
}

/// The next bytes of a body; an error when the connection breaks or falls silent.
pub async fn next_chunk(stream: &mut BodyDataStream) -> Result<Option<Bytes>, ApiError> {
    match tokio::time::timeout(IDLE, stream.next()).await {
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(_))) => Err(ApiError::bad_request("the body ended early")),
        Ok(None) => Ok(None),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body stopped arriving",
        )),
    }
}

/// Reads a body on for a while without looking: at most 16 MiB and 5 seconds.
pub async fn drain(stream: &mut BodyDataStream) {
    let reading = async {
        let mut left = 16_usize << 20;
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters(rest)
        .into_iter()
        .find(|(name, _)| name == "boundary")?
        .1;
    ((1..=70).contains(&boundary.len()) && boundary.is_ascii()).then_some(boundary)
}

fn parse_head(head: &[u8]) -> Result<Head, ApiError> {
    let invalid = || ApiError::bad_request("a form part has no usable Content-Disposition");
    let text = std::str::from_utf8(head).map_err(|_| invalid())?;
    let disposition = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    });
    let (kind, rest) = disposition
        .and_then(|value| value.split_once(';'))
        .ok_or_else(invalid)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(invalid());
    }
    let parameters = parameters(rest);
    let get = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
    };
    // where both forms of the file name are given, the plain one wins, as on Flywheel
    let filename = get("filename").or_else(|| get("filename*").map(|value| extended(&value)));
    Ok(Head {
        name: get("name").ok_or_else(invalid)?,
        filename,
    })
}

/// An extended value (RFC 8187) such as `utf-8''na%C3%AFve`.
fn extended(value: &str) -> String {
    let encoded = value.splitn(3, '\'').nth(2).unwrap_or(value);
    percent_decode_str(encoded).decode_utf8_lossy().into_owned()
}

/// The `; name="value"` parameters of a header, quotes and backslashes resolved, names in lower
/// case.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([';', ' ', '\t']);
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => value
                .split_once(';')
                .map_or((value.trim().to_owned(), ""), |(value, after)| {
                    (value.trim().to_owned(), after)
                }),
        };
        found.push((name.trim().to_ascii_lowercase(), value));
        rest = after.trim_start_matches([';', ' ', '\t']);
    }
    found
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => match characters.clone().next() {
                Some((_, escaped @ ('"' | '\\'))) => {
                    value.push(escaped);
                    characters.next();
                }
                _ => value.push(c),
            },
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Reads a form that arrives in pieces of `step` bytes: each part's field, file name and
    /// content.
    async fn read(
        text: &str,
        step: usize,
    ) -> Result<Vec<(String, Option<String>, Vec<u8>)>, String> {
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = text
            .as_bytes()
            .chunks(step)
            .map(|piece| Ok(piece.to_vec()))
            .collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let mut form = Form::new("multipart/form-data; boundary=\"XX\"", body).unwrap();
        let mut parts = Vec::new();
        let message = |error: ApiError| error.message().to_owned();
        while let Some(head) = form.next_part().await.map_err(message)? {
            parts.push((
                head.name,
                head.filename,
                form.text(1 << 20).await.map_err(message)?,
            ));
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
            read(&format!("--XX\r\n{}", "x".repeat(64 * 1024)), 4096)
                .await
                .is_err()
        );
        assert!(
            read("--XX\r\nContent-Type: x\r\n\r\n\r\n--XX--", 64)
                .await
                .is_err()
        );
    }

    #[test]
    fn only_forms_with_a_sane_boundary_are_read() {
        for kind in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=x",
        ] {
            assert!(Form::new(kind, Body::empty()).is_err(), "{kind}");
        }
        assert!(
            Form::new(
                &format!("multipart/form-data; boundary={}", "x".repeat(71)),
                Body::empty()
            )
            .is_err()
        );
    }
}
