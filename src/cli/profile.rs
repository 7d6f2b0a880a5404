//! The flags of `fwupload profile` and its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::settings::ConfigArgs;
use super::upload::{ConnectionArgs, PseudonymKeyArgs};
use super::values::{Filter, ProfileLanguage, Residual, named_profile};

/// How a profile is named. `crate::command` checks that exactly one way is used.
const WHICH_HINT: &str =
    "a built-in profile (`fwupload profile list`) or a file ending in .toml, .yaml, .yml or .json";

pub const EXAMPLES: &str = "\
Examples:
  fwupload profile list                           the profiles that come with the program
  fwupload profile show --project neuro/adni      which profile governs a project
  fwupload profile show site.yaml                 what a file says, checked, as TOML
  fwupload profile lint site.yaml                 what it leaves behind
  fwupload profile explain site.yaml              what happens to each attribute
  fwupload profile test site.yaml ./study         what it does to files, on this machine
  fwupload profile regions ./ultrasound           where images of each device show text
  fwupload profile key --project neuro/adni       which key pseudonyms are made with";

pub const EXIT_CODES: &str = "
Exit codes:
    0  done; `diff`: both mean the same; `test`: every DICOM file was cleaned
    1  unexpected error, or something that cannot be written
    2  the command line is wrong
    3  `diff`: they do not mean the same; `lint`: something identifying may remain;
       `test`: some files failed
    4  not logged in, key refused, or no permission to see whether a profile governs
    5  the profile is not valid or does not exist; `key`: there is no valid key
    6  project not found or ambiguous
    7  server or network unavailable
    8  `test`: no DICOM file was found
    9  `test`: every file failed";

const SHOW_EXAMPLES: &str = "\
Examples:
  fwupload profile show basic
  fwupload profile show --project neuro/adni
  fwupload profile show site.yaml --json";

const CONVERT_EXAMPLES: &str = "\
Examples:
  fwupload profile convert site.yaml --output site.toml
  fwupload profile convert basic --to yaml
  fwupload profile convert site.toml --to json | jq .dicom.fields";

const TEST_EXAMPLES: &str = "\
Examples:
  fwupload profile test basic ./study
  fwupload profile test site.yaml ./study --output cleaned
  fwupload profile test site.yaml ./study --json | jq 'select(.outcome == \"failed\")'";

const REGIONS_EXAMPLES: &str = "\
Examples:
  fwupload profile regions ./ultrasound
  fwupload profile regions ./study --include '*/US/*' >> site.toml";

const KEY_EXAMPLES: &str = "\
Examples:
  fwupload profile key --project neuro/adni
  fwupload profile key --project neuro/adni --offline
  fwupload profile key --pseudonym-key-file adni.key --json | jq -r .fingerprint";

const DIFF_EXAMPLES: &str = "\
Examples:
  fwupload profile diff site.yaml site.toml
  fwupload profile diff --project neuro/adni basic
  fwupload profile diff old.yaml new.yaml --json";

/// Flags of the subcommands that no environment variable may set: they say what this one call
/// writes.
pub const NOT_FROM_ENVIRONMENT: [&str; 6] = [
    "to",
    "output",
    "force",
    "show-values",
    "offline",
    "pictures",
];

const LINT_EXAMPLES: &str = "\
Examples:
  fwupload profile lint site.yaml
  fwupload profile lint --project neuro/adni --all
  fwupload profile lint basic --json |
    jq -r '.findings[] | select(.severity == \"warning\") | .subject'";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fwupload profile explain site.yaml
  fwupload profile explain flywheel-minimal --all
  fwupload profile explain basic > statement.md      the conformance statement that PS3.15 asks for
  fwupload profile explain --project neuro/adni --json";

/// What can be done with profiles.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles
    List,
    /// Show a profile: where it comes from, its digest, what it says
    ///
    /// Writes TOML to standard output: the facts as comments, then the profile itself. A profile in
    /// YAML or JSON is translated.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Say what a profile leaves behind; exits with 3 when something identifying may remain
    ///
    /// Reads the profile as a privacy officer would, against DICOM PS3.15 Table E.1-1 and the
    /// attributes that the table passes over. No file is read: what your data holds in which
    /// attribute, and what is burned into pixels, no profile can tell.
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// Say in plain words what happens to each attribute
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Write a profile in another language: TOML, YAML or JSON
    ///
    /// Nothing is lost but comments: what was written is read back and must mean the same. TOML has
    /// no null; where null means that a key might as well not be there, the key is left out.
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(ConvertArgs),
    /// Compare what two profiles mean
    ///
    /// Neither the language, the order of keys, names nor descriptions count. `-` is only in the
    /// first, `+` only in the second, `~` differs. Exits with 0 when both mean the same and with 3
    /// when they do not.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Clean files on this machine, to see what a profile does to them
    ///
    /// Sends nothing and asks no server. Says for each file which elements were removed, changed or
    /// inserted and which rule did it, and what that adds up to; no values. Preamble and file meta
    /// information are always written afresh and not listed. With `--output` the files are named by
    /// the cleaned SOP Instance UID and modality, or as the profile's `filenames` says; a name that
    /// is taken gets -2, -3 and so on.
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Propose regions to blank, from the text that images of each device show
    ///
    /// Looks at images on this machine and writes an entry of `[[dicom.pixels.regions]]` for each
    /// device and size: where something is likely text, and in how many images. Nothing is sent. It is a
    /// proposal: text that was not found is not in it, so look at images of each device
    /// before an entry goes into a profile.
    #[command(after_help = REGIONS_EXAMPLES)]
    Regions(RegionsArgs),
    /// Show the fingerprint of the key that pseudonyms are made with, and where it comes from;
    /// never the key
    ///
    /// Two machines that show the same fingerprint make the same pseudonyms. Makes no key and asks
    /// no server.
    #[command(after_help = KEY_EXAMPLES)]
    Key(KeyArgs),
}

/// Which profile a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileSelectionArgs {
    /// A built-in profile or a file
    #[arg(value_name = "NAME|FILE", long_help = format!("The profile: {WHICH_HINT}"))]
    pub profile: Option<String>,
    /// The profile that governs this project: group/project, its id, or its label
    #[arg(short, long)]
    pub project: Option<String>,
    /// How the server is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Flags of `profile show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Show salts and keys too
    #[arg(long)]
    pub show_secrets: bool,
    /// The profile. It comes last: its flags stand under a heading of their own.
    #[command(flatten)]
    pub selection: ProfileSelectionArgs,
}

/// Flags of `profile convert`.
#[derive(Debug, Clone, Args)]
pub struct ConvertArgs {
    /// The profile: a file, or a built-in one
    #[arg(value_name = "FILE|NAME")]
    pub input: String,
    /// The language to write, where the name of the output does not say [default: toml, of toml
    /// yaml]
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub to: Option<ProfileLanguage>,
    /// Write to FILE, not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace FILE if it is there
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Flags of `profile diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// Two profiles, each a built-in one or a file; one of them beside `--project`
    #[arg(value_name = "NAME|FILE", num_args = 0..=2)]
    pub profiles: Vec<String>,
    /// Compare with the profile that governs this project
    #[arg(short, long)]
    pub project: Option<String>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// How the server is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What is taken of folders that are named.
#[derive(Debug, Clone, Args)]
pub struct FolderArgs {
    /// Take only what matches GLOB; as for the upload
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out what matches GLOB; as for the upload
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// `--include` and `--exclude` in the order in which they were typed.
    #[arg(skip)]
    pub filters: Vec<Filter>,
    /// Follow symbolic links
    #[arg(long)]
    pub follow: bool,
}

/// Flags of `profile test`.
#[derive(Debug, Clone, Args)]
// Each is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct TestArgs {
    /// The profile: a built-in one or a file
    #[arg(value_name = "NAME|FILE")]
    pub profile: String,
    /// Files and folders to clean
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Write the cleaned files into DIR, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write frames in which text was found into DIR, before and after, as PNG pictures
    ///
    /// To be looked at: frames in which something was blanked, and
    /// frames for which a file fails, the places marked. They show what identifies, are yours alone,
    /// and are not sent. DIR is created; pictures that lie there stay. With `--redact-paths` their
    /// names are numbers.
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Show the values of changed elements, before and after; only on a terminal
    #[arg(long)]
    pub show_values: bool,
    /// Write events to standard output, one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// What is taken of folders.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Replace paths by keyed hashes
    #[arg(long)]
    pub redact_paths: bool,
    /// Files cleaned at a time [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = super::values::whole_number::<usize>)]
    pub jobs: Option<usize>,
    /// Refuse files whose data elements around the pixel data exceed SIZE [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_header: Option<String>,
    /// What happens to a file in which a removed value is found again; overrides the profile's
    /// `residual`
    #[arg(long, value_name = "HOW", value_enum)]
    pub residual: Option<Residual>,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The key of pseudonyms. It comes last: its flags stand under a heading of their own.
    #[command(flatten)]
    pub pseudonym_key: PseudonymKeyArgs,
}

/// `fwupload profile regions`
#[derive(Debug, Clone, Args)]
pub struct RegionsArgs {
    /// Files and folders with images
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// What is taken of folders.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Images looked at at a time [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = super::values::whole_number::<usize>)]
    pub jobs: Option<usize>,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
}

impl TestArgs {
    /// Every path that was typed or set.
    pub fn named_paths(&self) -> Vec<PathBuf> {
        let others = [
            &self.output,
            &self.pictures,
            &self
                .pseudonym_key
                .pseudonym_key_file,
        ]
        .into_iter()
        .flatten();
        let profile = named_profile(&self.profile);
        self.paths
            .iter()
            .chain(others)
            .cloned()
            .chain(profile)
            .collect()
    }
}

/// Flags of `profile key`.
#[derive(Debug, Clone, Args)]
pub struct KeyArgs {
    /// The project whose kept key is meant, as group/project; needed where no other source has a
    /// key
    #[arg(short, long, value_name = "GROUP/PROJECT")]
    pub project: Option<String>,
    /// The key that runs with `--offline` keep
    #[arg(long)]
    pub offline: bool,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// The key of pseudonyms.
    #[command(flatten)]
    pub pseudonym_key: PseudonymKeyArgs,
    /// The site, which its API key names.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Flags of `profile lint`.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// The profile.
    #[command(flatten)]
    pub selection: ProfileSelectionArgs,
    /// Name every attribute instead of the first few of each sort
    #[arg(long)]
    pub all: bool,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

/// Flags of `profile explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The profile.
    #[command(flatten)]
    pub selection: ProfileSelectionArgs,
    /// Show the attributes that no rule names as well
    #[arg(long)]
    pub all: bool,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}
