//! The reserved words and their flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::profile::{self, ProfileCommand};
use super::upload::ConnectionArgs;
use super::values::ProfileLevel;

/// The reserved words.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Check an API key and keep it for later runs
    Login {
        /// Read the key from standard input instead of asking for it
        #[arg(long)]
        with_key_stdin: bool,
        /// How the server is reached.
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Forget the key that `login` kept
    Logout,
    /// Show site, user and settings; exits with 4 when not logged in
    Status {
        /// Write one JSON object to standard output
        #[arg(long)]
        json: bool,
        /// How the server is reached.
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Look at, check, convert and try de-identification profiles
    #[command(subcommand, after_help = profile::EXAMPLES, after_long_help = format!("{}\n{}", profile::EXAMPLES, profile::EXIT_CODES))]
    Profile(ProfileCommand),
    /// Run a server for trying things out
    Sandbox(SandboxArgs),
    /// Print a completion script
    Completions {
        /// The shell that it is for
        shell: clap_complete::Shell,
    },
}

/// Flags of `fwupload sandbox`. The environment sets none of them: its variables are meant for uploads.
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
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t, requires = "profile")]
    pub profile_level: ProfileLevel,
    /// Hand out signed URLs for uploads
    #[arg(long)]
    pub signed_urls: bool,
    /// Accept the API key in this file; otherwise one is made and shown
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}
