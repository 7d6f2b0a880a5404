//! Why a sandbox does not start, or stopped.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox does not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// It has no encryption, so no other address is taken.
    #[error("the sandbox listens on loopback addresses only")]
    NotLoopback,
    /// The options ask for what no server of the era has.
    #[error("servers of that era do not have {0}")]
    NotInEra(&'static str),
    /// The profile is to be served at the level of a project or group, and there is none.
    #[error("a profile of a project or group needs a project")]
    ProjectMissing,
    /// The folder for what is received.
    #[error("the folder cannot be used")]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The project or the profile that the options name.
    #[error("the sandbox cannot be set up: {0}")]
    Setup(String),
    /// The address.
    #[error("the sandbox cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The operating system gives no thread.
    #[error("the sandbox cannot start its thread")]
    Thread(#[source] io::Error),
    /// It ended without being asked to.
    #[error("the sandbox stopped serving")]
    Stopped(#[source] io::Error),
}
