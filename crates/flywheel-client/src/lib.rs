//! A client for [Flywheel](https://flywheel.io)'s API: it finds a project and the
//! de-identification profile kept for it, makes containers, sends files and has them confirmed.
//!
//! Owns every request that leaves the machine. It never calls a file uploaded without the server's
//! own entry for it, puts a container where it was not asked to, shows the key to another host than
//! the site's own log service, or repeats a request that may have worked without a look at the
//! server first.
//!
//! ```
//! use flywheel_client::{ApiKey, Client, ContainerKind, ContainerRef, ProjectRef, Settings, UploadFile};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = site::start()?;
//! # let text = format!("{site}:__force_insecure:my-secret-key");
//! # let text = text.as_str();
//! // `text` reads `host:key`, as the profile page of a Flywheel site shows it.
//! let client = Client::new(&ApiKey::parse(text)?, Settings::default())?;
//! let project = client.resolve_project(&ProjectRef::parse("neuro/adni")?).await?;
//!
//! let notes = UploadFile::new("notes.txt", 5, || {
//!     Box::pin(futures_util::stream::iter([Ok("hello".into())]))
//! });
//! let id = project.id.ok_or("the project is yet to be made")?;
//! let to = ContainerRef { kind: ContainerKind::Project, id };
//! let receipt = client.upload(&to, &notes).await?;
//! assert_eq!((receipt.name.as_str(), receipt.size), ("notes.txt", 5));
//! # Ok(())
//! # }
//! # /// A site that has one project and takes one file.
//! # mod site {
//! #     use std::io::{BufRead, BufReader, Read, Result, Write};
//! #     use std::net::{SocketAddr, TcpListener, TcpStream};
//! #
//! #     pub fn start() -> Result<SocketAddr> {
//! #         let listener = TcpListener::bind("127.0.0.1:0")?;
//! #         let address = listener.local_addr()?;
//! #         std::thread::spawn(move || {
//! #             for stream in listener.incoming().flatten() {
//! #                 std::thread::spawn(move || serve(stream));
//! #             }
//! #         });
//! #         Ok(address)
//! #     }
//! #
//! #     fn serve(mut stream: TcpStream) -> Result<()> {
//! #         let mut reader = BufReader::new(stream.try_clone()?);
//! #         loop {
//! #             let (mut request, mut length) = (String::new(), 0);
//! #             reader.read_line(&mut request)?;
//! #             loop {
//! #                 let mut line = String::new();
//! #                 reader.read_line(&mut line)?;
//! #                 match line.trim().to_lowercase().strip_prefix("content-length: ") {
//! #                     Some(given) => length = given.parse().unwrap_or(0),
//! #                     None if line.trim().is_empty() => break,
//! #                     None => {}
//! #                 }
//! #             }
//! #             reader.read_exact(&mut vec![0; length])?;
//! #             let answer = match request.split(' ').nth(1) {
//! #                 Some("/api/lookup") => {
//! #                     r#"{"_id": "p1", "group": "neuro", "label": "adni", "container_type": "project"}"#
//! #                 }
//! #                 Some("/api/projects/p1/files") => r#"[{"name": "notes.txt", "size": 5}]"#,
//! #                 _ => "{}",
//! #             };
//! #             write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())?;
//! #         }
//! #     }
//! # }
//! ```

#![forbid(unsafe_code)]

mod account;
mod answer;
mod body;
mod client;
mod connect_fault;
mod deid_log;
mod error;
mod find_project;
mod hierarchy;
mod key;
mod learnt;
mod listing;
mod notice;
mod pace;
mod profile_settings;
mod project;
mod reference;
mod retry;
mod site_config;
mod target;
mod transport;
mod upload;
mod wait;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod scripted;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

pub use account::User;
pub use body::{BodyStream, Progress};
pub use client::Client;
pub use connect_fault::ConnectFault;
pub use deid_log::DeidRecord;
pub use error::{ClientError, Operation, Refusal, RequestError, RequestFailure};
pub use hierarchy::{Container, Hierarchy, Origin, StudyElsewhere};
pub use key::{ApiKey, KeyError, SiteMatch};
pub use listing::RemoteFile;
pub use notice::{ClientNotice, FormReason};
pub use profile_settings::LevelSettings;
pub use project::{Project, ProjectRef, ProjectRefError};
pub use reference::{ContainerKind, ContainerRef, Level};
pub use site_config::SiteConfig;
pub use target::{AcquisitionTarget, Destination, Fields, SessionTarget, SubjectTarget};
pub use transport::{Patience, Settings};
pub use upload::{LogEntry, Route, UploadFile, UploadReceipt};

/// Understands or refuses a body in each way in which answers are read. For the fuzzer: nothing
/// here is part of the interface.
#[doc(hidden)]
pub fn understand_anything(body: &[u8]) {
    use listing::{ContainerAnswer, Listed};
    for status in [200, 400] {
        let answer = answer::Answer {
            status,
            body: bytes::Bytes::copy_from_slice(body),
            ..answer::Answer::default()
        };
        let _ = (
            answer.json::<serde_json::Value>(),
            answer.json::<RemoteFile>(),
            answer.json::<Listed<ContainerAnswer>>(),
        );
        let _ = answer
            .successful()
            .map_err(|error| error.to_string());
    }
}
