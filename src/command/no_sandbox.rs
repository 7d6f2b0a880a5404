//! The sandbox in a build without it: every request for one is refused.

use std::path::{Path, PathBuf};

use crate::cli::SandboxArgs;
use crate::config::Config;
use crate::failure::{Error, RunCode};

/// A running sandbox, of which this build has none.
#[derive(Debug)]
pub enum Sandbox {}

impl Sandbox {
    /// The folder that holds what it receives.
    pub fn dir(&self) -> &Path {
        match *self {}
    }

    /// The folder inside it for its own files.
    pub fn home(&self) -> PathBuf {
        match *self {}
    }

    /// Its API key.
    pub fn site_key(&self) -> String {
        match *self {}
    }
}

/// Refuses to run a server.
pub fn run(_: SandboxArgs) -> Result<(), Error> {
    Err(absent())
}

/// Refuses to start a server for an upload.
pub fn embedded(_: Option<&Path>, _: &Config) -> Result<Sandbox, Error> {
    Err(absent())
}

fn absent() -> Error {
    let what = "this build of fwupload has no sandbox";
    Error::new(RunCode::SandboxUnavailable, what)
        .with_hint("build it with its default features, or use a site")
}
