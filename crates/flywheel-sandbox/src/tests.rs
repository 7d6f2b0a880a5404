//! The sandbox over a socket, driven by a bare HTTP client, so that nothing of the real client can
//! hide a mistake.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod deid_log;
mod eras;
mod files;
mod hostile;
mod lifecycle;
mod page;
mod signed;
mod storages;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Options, Sandbox, start};

/// What a server answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!(
                "no JSON: {} {}",
                self.head,
                String::from_utf8_lossy(&self.body)
            )
        })
    }
}

/// Sends bytes as they are and reads the answer to its end.
fn raw(addr: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    // the server may answer and close before it has read everything
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer
        .windows(4)
        .position(|it| it == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    Answer {
        status,
        head,
        body: answer.split_off(end + 4),
    }
}

/// A sandbox in a temporary folder with a client that has its key.
struct Bench {
    sandbox: Option<Sandbox>,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Self { dir, sandbox: None };
        bench.restart(change);
        bench
    }

    fn restart(&mut self, change: impl FnOnce(&mut Options)) {
        self.sandbox = None;
        let mut options = Options::new(self.root());
        change(&mut options);
        self.sandbox = Some(start(options).unwrap());
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("box")
    }

    fn addr(&self) -> SocketAddr {
        self.sandbox
            .as_ref()
            .unwrap()
            .addr()
    }

    fn key(&self) -> &str {
        self.sandbox
            .as_ref()
            .unwrap()
            .api_key()
    }

    fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for header in headers {
            write!(head, "{header}\r\n").unwrap();
        }
        if !headers
            .iter()
            .any(|header| header.starts_with("Transfer-Encoding"))
        {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        raw(self.addr(), &[head.as_bytes(), b"\r\n", body].concat())
    }

    fn auth(&self) -> String {
        format!("Authorization: scitran-user {}", self.key())
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[&self.auth()], b"")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            "POST",
            path,
            &[&self.auth(), "Content-Type: application/json"],
            body.to_string().as_bytes(),
        )
    }

    /// Makes a container and gives its id.
    fn make(&self, kind: &str, body: &Value) -> String {
        let answer = self.post(&format!("/api/{kind}"), body);
        assert!(
            matches!(answer.status, 200 | 202),
            "{kind} {body}: {answer:?}"
        );
        answer.json()["_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Makes a branch from group to acquisition; the ids from the top.
    fn branch(&self) -> [String; 5] {
        let group = self.make("groups", &json!({"_id": "grp"}));
        let project = self.make("projects", &json!({"group": group, "label": "Proj"}));
        let subject = self.make(
            "subjects",
            &json!({"project": project, "label": "S1", "code": "S1"}),
        );
        let session =
            json!({"project": project, "subject": {"_id": subject}, "label": "ses", "uid": "1.2"});
        let session = self.make("sessions", &session);
        let acquisition = self.make(
            "acquisitions",
            &json!({"session": session, "label": "acq", "uid": "1.2.3"}),
        );
        [group, project, subject, session, acquisition]
    }

    /// Uploads by form.
    fn upload(
        &self,
        container: &str,
        metadata: Option<&str>,
        disposition: &str,
        content: &[u8],
    ) -> Answer {
        let mut body = Vec::new();
        if let Some(metadata) = metadata {
            body.extend_from_slice(
                format!(
                    "--XX\r\nContent-Disposition: form-data; \
                    name=\"metadata\"\r\n\r\n{metadata}\r\n"
                )
                .as_bytes(),
            );
        }
        body.extend_from_slice(
            format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; {disposition}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        self.form(container, &body)
    }

    fn form(&self, container: &str, body: &[u8]) -> Answer {
        let kind = "Content-Type: multipart/form-data; boundary=XX";
        self.send(
            "POST",
            &format!("/api/{container}/files"),
            &[&self.auth(), kind],
            body,
        )
    }

    /// Every file below the sandbox's folder, relative, without what it keeps for itself.
    fn stored(&self) -> Vec<String> {
        let below = walkdir::WalkDir::new(self.root())
            .sort_by_file_name()
            .into_iter()
            .map(Result::unwrap);
        let files = below.filter(|entry| entry.file_type().is_file());
        let names = files.map(|entry| {
            entry
                .path()
                .strip_prefix(self.root())
                .unwrap()
                .to_string_lossy()
                .into_owned()
        });
        names
            .filter(|name| !name.starts_with(super::store::HOME))
            .collect()
    }

    /// How many files are still arriving.
    fn arriving(&self) -> usize {
        std::fs::read_dir(
            self.root()
                .join(super::store::HOME)
                .join("incoming"),
        )
        .unwrap()
        .count()
    }
}
