//! The flags of `fwupload profile` and its help.

use clap::{Args, Subcommand};

use super::upload::ConnectionArgs;

/// Which profile: by name, by file, or by the project that it governs. That exactly one of them is given is judged later.
const WHICH_HINT: &str = "a built-in profile (`fwupload profile list`) or a file ending in .toml, .yaml, .yml or .json";

pub(super) const EXAMPLES: &str = "\
Examples:
  fwupload profile list                           the profiles that come with the program
  fwupload profile show --project neuro/adni      the profile that governs a project, and from which level
  fwupload profile show site.yaml                 what a file says, checked, as TOML";

pub(super) const EXIT_CODES: &str = "
Exit codes:
    0  done
    1  unexpected error, or something that cannot be written
    2  the command line is wrong
    4  not logged in, key refused, or no permission to see whether a profile governs
    5  the profile is not valid or does not exist
    6  project not found or ambiguous
    7  server or network unavailable";

const SHOW_EXAMPLES: &str = "\
Examples:
  fwupload profile show basic
  fwupload profile show --project neuro/adni
  fwupload profile show site.yaml --json";

/// What can be done with profiles.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles
    List,
    /// Show a profile: where it comes from, its digest, what it says
    ///
    /// Writes TOML to standard output: the facts as comments, then the profile itself. A profile in YAML or JSON is translated.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
}

/// Which profile a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichProfile {
    /// A built-in profile or a file
    #[arg(value_name = "NAME|FILE", long_help = format!("The profile: {WHICH_HINT}"))]
    pub profile: Option<String>,
    /// The profile that governs this project: group/project, its id, or its label
    #[arg(short, long)]
    pub project: Option<String>,
    /// The environment named the project; a profile that was typed goes before it.
    #[arg(skip)]
    pub project_from_environment: bool,
    /// How the server is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Flags of `profile show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The profile.
    #[command(flatten)]
    pub which: WhichProfile,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Show salts and keys too
    #[arg(long)]
    pub show_secrets: bool,
}

impl ProfileCommand {
    /// Where the command says which profile it is about.
    pub(super) fn which_mut(&mut self) -> Option<&mut WhichProfile> {
        match self {
            Self::Show(args) => Some(&mut args.which),
            Self::List => None,
        }
    }
}
