//! A client for [Flywheel](https://flywheel.io)'s API: it finds a project and the
//! de-identification profile kept for it, makes containers, sends files and has them confirmed.
//!
//! Owns every request that leaves the machine. It never calls a file uploaded without the server's
//! own entry for it, puts a container where it was not asked to, shows the key to another host than
//! the site's own log service, or repeats a request that may have worked without a look at the
//! server first.
//!
//! ```
//! # use std::io::{Read, Write};
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let key = format!("{}:__force_insecure:my-secret-key", listener.local_addr()?);
//! # std::thread::spawn(move || {
//! #     for mut stream in listener.incoming().flatten() {
//! #         std::thread::spawn(move || {
//! #             let mut head = Vec::new();
//! #             while let Ok(1) = stream.read(&mut [0; 1].map(|b| b)[..0]).map(|_| 1) {
//! #                 let mut byte = [0; 1];
//! #                 if stream.read_exact(&mut byte).is_err() { return }
//! #                 head.push(byte[0]);
//! #                 if !head.ends_with(b"\r\n\r\n") { continue }
//! #             }
//! #         });
//! #     }
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
mod rights;
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
pub use key::{ApiKey, KeyError};
pub use listing::RemoteFile;
pub use notice::{ClientNotice, FormReason};
pub use profile_settings::LevelSettings;
pub use project::{Project, ProjectRef, ProjectRefError};
pub use reference::{ContainerKind, ContainerRef, Level};
pub use site_config::SiteConfig;
pub use target::{AcquisitionTarget, Destination, SessionTarget, SubjectTarget};
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
        let _ = answer.successful().map_err(|error| error.to_string());
    }
}
