//! The Flywheel server: finding the project and its profile, making containers, sending files and
//! having them confirmed.
//!
//! Owns every request that leaves the machine and is the only place that knows HTTP. It must never
//! call a file uploaded without the server's word, put a container where it was not asked to, show
//! the key to another host than the site's own log service, or repeat a request that may have
//! worked without looking at the server first.

mod answer;
mod auth;
mod body;
mod checksum;
mod client;
mod config;
mod confirm;
mod connection;
mod container;
mod deid_log;
mod deid_profile;
mod error;
mod error_body;
mod form;
mod hierarchy;
mod matching;
mod misdirected;
mod outage;
mod pace;
mod project;
mod receive;
mod retry;
mod rights;
mod signed;
mod subjects;
mod ticket;
mod upload;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod scripted;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

pub use answer::{ContainerKind, ContainerRef, RemoteFile, understand_anything};
pub use body::{BodyStream, Progress};
pub use client::{Client, Settings};
pub use config::{SiteConfig, User};
pub use confirm::{Route, UploadReceipt};
pub use container::Container;
pub use deid_log::LogEntry;
pub use deid_profile::{Level, LevelSettings};
pub use error::UploadError;
pub use hierarchy::{Hierarchy, StudyElsewhere};
pub use project::{Project, ProjectRef};
pub use retry::ClientNotice;
pub use upload::UploadFile;
