//! The commands and their flags.

use clap::Subcommand;

use super::explain::{self, ExplainCodeArgs};
use super::profile::{self, ProfileCommand};
use super::report::{self, ReportCommand};
use super::sandbox::{self, SandboxArgs};
use super::upload::ConnectionArgs;

/// The commands that have a word of their own; the upload has none.
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
    #[command(
        subcommand,
        after_help = profile::EXAMPLES,
        after_long_help = format!("{}\n{}", profile::EXAMPLES, profile::EXIT_CODES)
    )]
    Profile(ProfileCommand),
    /// Say what a code or an exit code means, and what to do about it
    #[command(after_help = explain::EXAMPLES)]
    Explain(ExplainCodeArgs),
    /// Work on failure reports: merge those of several runs into one
    #[command(subcommand, after_help = report::EXAMPLES)]
    Report(ReportCommand),
    /// Run a server for trying things out
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(SandboxArgs),
    /// Print a completion script
    Completions {
        /// The shell that it is for
        shell: clap_complete::Shell,
    },
}
