//! `fwupload sandbox` and its flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::ProfileLevel;

pub(super) const EXAMPLES: &str = "\
Examples:
  fwupload sandbox ./site --project demo/phantom                     a site of today
  fwupload sandbox ./site --project demo/phantom --era old           as sites were in 2018
  fwupload sandbox ./site --signed-urls --storage azure              files go past the site, to its storage
  fwupload sandbox ./site --signed-urls=multipart --part-size 5MiB   large files in parts
  fwupload sandbox ./site --project demo/speed --discard             keeps no bytes: for measuring

The first line on standard output is JSON with the address and an API key; give the key to an upload as FWUPLOAD_API_KEY.";

/// Flags of `fwupload sandbox`. The environment sets none of them: its variables are meant for
/// uploads.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// The folder that holds what the server receives
    pub dir: PathBuf,
    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Create this project
    #[arg(long, value_name = "GROUP/PROJECT")]
    pub project: Option<String>,
    /// Serve this de-identification profile
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// The level at which the profile is served
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value_t,
        requires = "profile"
    )]
    pub profile_level: ProfileLevel,
    /// Play a server of this age: of 2018, from 2019 on, or of today
    #[arg(long, value_name = "ERA", value_enum, default_value_t)]
    pub era: ServerEra,
    /// Hand out signed URLs for uploads: one per file, or one per part of a large file
    #[arg(long, value_name = "HOW", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "single")]
    pub signed_urls: Option<SignedUrls>,
    /// Whose storage the signed URLs lead to
    #[arg(
        long,
        value_name = "STORAGE",
        value_enum,
        default_value_t,
        requires = "signed_urls"
    )]
    pub storage: StorageKind,
    /// With `--signed-urls=multipart`: cut files larger than SIZE into parts of at most SIZE
    /// [default: 8MiB]
    #[arg(long, value_name = "SIZE", requires = "signed_urls")]
    pub part_size: Option<String>,
    /// Keep a de-identification log, and refuse DICOM files that are not in it
    #[arg(long)]
    pub deid_log: bool,
    /// Throw the bytes of files away as they arrive and keep what is said of them: how fast could
    /// an upload be?
    #[arg(long)]
    pub discard: bool,
    /// Accept the API key in this file; otherwise one is made and shown
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

/// The age of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ServerEra {
    /// Of 2018.
    Old,
    /// From 2019 on.
    Mid,
    /// Of today.
    #[default]
    Current,
}

/// How many signed URLs a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignedUrls {
    /// One.
    Single,
    /// One for each part of a large file.
    Multipart,
}

/// Whose storage lies behind signed URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum StorageKind {
    /// Amazon's, or one that speaks like it.
    #[default]
    S3,
    /// Google's.
    Google,
    /// Microsoft's.
    Azure,
}
