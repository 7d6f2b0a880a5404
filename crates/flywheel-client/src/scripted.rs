//! A tiny server for tests: it answers each request as a script says and keeps what came.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{ApiKey, BodyStream, Client, Settings, UploadFile};

/// A request as the server received it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the script does with a request.
pub(crate) enum Reply {
    Json(u16, Value),
    Raw(u16, Vec<(&'static str, String)>, String),
    /// These very bytes, and then the end of the connection.
    Bytes(String),
    /// These bytes, and then a blank at this interval, without end.
    Drip(String, Duration),
    /// Reads all of it and closes without a word.
    Cut,
    /// Neither answers nor closes.
    Silence,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// `script` gets each request and how many of the same line came before it.
    pub(crate) async fn start(
        script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(quick())
    }

    pub(crate) fn client_with(&self, settings: Settings) -> Client {
        let key = key(&format!("{}:__force_insecure:topsecretkey", self.address));
        Client::new(&key, settings).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Method and path of every request so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked()
            .into_iter()
            .map(|asked| asked.line)
            .collect()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines()
            .iter()
            .filter(|asked| *asked == line)
            .count()
    }
}

pub(crate) fn key(text: &str) -> ApiKey {
    ApiKey::parse(text).ok().unwrap()
}

/// Settings with waits that a test can afford.
pub(crate) fn quick() -> Settings {
    Settings {
        backoff: Duration::from_millis(2),
        idle_timeout: Duration::from_secs(30),
        tries: 3,
        ..Settings::default()
    }
}

/// A file of `len` bytes in chunks of 7.
pub(crate) fn file(name: &str, len: u64) -> UploadFile {
    let body = move || -> BodyStream {
        let bytes: Vec<u8> = (0..len)
            .map(|i| b'a' + u8::try_from(i % 26).unwrap())
            .collect();
        let chunks: Vec<_> = bytes
            .chunks(7)
            .map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk)))
            .collect();
        Box::pin(futures_util::stream::iter(chunks))
    };
    UploadFile {
        file_type: Some("dicom"),
        ..UploadFile::new(name, len, body)
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&Asked, usize) -> Reply>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> Option<()> {
    loop {
        let asked = read_request(&mut stream).await?;
        let before = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.iter()
                .filter(|earlier| earlier.line == asked.line)
                .count()
                - 1
        };
        let (status, headers, body) = match script(&asked, before) {
            Reply::Json(status, value) => (
                status,
                vec![("Content-Type", "application/json".to_owned())],
                value.to_string(),
            ),
            Reply::Raw(status, headers, body) => (status, headers, body),
            Reply::Bytes(bytes) => {
                return stream
                    .write_all(bytes.as_bytes())
                    .await
                    .ok();
            }
            Reply::Drip(bytes, every) => {
                stream
                    .write_all(bytes.as_bytes())
                    .await
                    .ok()?;
                loop {
                    tokio::time::sleep(every).await;
                    stream.write_all(b" ").await.ok()?;
                }
            }
            Reply::Cut => return None,
            Reply::Silence => return std::future::pending().await,
        };
        let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .await
            .ok()?;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.ok()?;
        if head.is_empty() && !byte.is_ascii_uppercase() {
            // No request: another protocol is tried.
            return None;
        }
        head.push(byte);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let line = lines
        .next()?
        .strip_suffix(" HTTP/1.1")?
        .to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut asked = Asked {
        line,
        headers,
        body: Vec::new(),
    };
    assert!(
        asked
            .header("transfer-encoding")
            .is_none(),
        "a chunked request"
    );
    asked.body = vec![
        0;
        asked
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap())
    ];
    stream
        .read_exact(&mut asked.body)
        .await
        .ok()?;
    Some(asked)
}
