//! The flags of `fwupload rules` and its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::profile::FolderArgs;
use super::settings::ConfigArgs;
use super::upload::{FieldFilterArgs, PseudonymKeyArgs};
use super::values::Residual;

pub const EXAMPLES: &str = "\
Examples:
  fwupload rules test rules.yaml ./study --profile basic    what rules make of each file
  fwupload rules convert 'sub-{subject}:ses-{session}:{acquisition}' > rules.yaml
  fwupload ./study -p neuro/adni --rules rules.yaml         an upload by these rules";

pub const EXIT_CODES: &str = "
Exit codes:
    0  done; `test`: no file that a rule takes lacks a label or fails otherwise
    1  unexpected error, or standard output cannot be written
    2  the command line is wrong
    3  `test`: files that a rule takes lack a label, or would fail for another reason
    5  the rules, the template or the profile cannot be used
    8  `test`: no file was found";

const TEST_EXAMPLES: &str = "\
Examples:
  fwupload rules test rules.yaml ./study --profile basic
  fwupload rules test rules.yaml ./study --profile site.yaml --all | less
  fwupload rules test rules.yaml ./study --profile basic --json | jq 'select(.rule == null)'
  fwupload rules test rules.yaml ./study --profile basic --filter Modality=MR --skip-localizers";

const CONVERT_EXAMPLES: &str = "\
Examples:
  fwupload rules convert '{subject}:{session}:{acquisition}'
  fwupload rules convert 'sub-{subject}:{session},scan=dicom' --exclude '*.txt' > rules.yaml
  fwupload rules convert template.yaml --exclude-dirs raw";

/// Flags of `rules test` that no environment variable may set: they say what this one call shows.
pub const NOT_FROM_ENVIRONMENT: [&str; 2] = ["headers-as-they-are", "all"];

/// What can be done with rules.
#[derive(Debug, Clone, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum RulesCommand {
    /// Show which rule takes each file, what each label becomes and where it comes from
    ///
    /// Nothing is sent and no server is asked. Paths are walked as an upload walks them, files that
    /// are not DICOM among them. Says for each file which rule takes it and which labels and fields
    /// it gets from where, for the others why no rule takes them, and at the end how many files each
    /// rule took. Filters look at headers as they were found; values come from headers that were
    /// cleaned under `--profile`. Files with the same result are shown as one; paths are those below
    /// PATH.
    #[command(after_help = TEST_EXAMPLES)]
    Test(RulesTestArgs),
    /// Write the rules that a template of `fw ingest template` stands for
    ///
    /// Prints rules in YAML; what they do otherwise than the template stands there as comments. The
    /// template is a string as it was typed behind `fw ingest template`, or a file with one in YAML.
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(RulesConvertArgs),
}

/// Flags of `rules test`.
#[derive(Debug, Clone, Args)]
// Each is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct RulesTestArgs {
    /// The rules (.yaml or .toml), in Flywheel's import-rule language
    #[arg(value_name = "RULES")]
    pub rules: PathBuf,
    /// Files and folders to try them on
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Clean DICOM files under this profile, a built-in one or a file: values come from the cleaned
    /// headers
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// Take values from headers as they were found, and show them: they may identify
    #[arg(long)]
    pub headers_as_they_are: bool,
    /// Let names of folders be labels where rules and header give none; as for the upload
    #[arg(long)]
    pub folder_labels: bool,
    /// Let rules make one subject of several patients; as for the upload
    #[arg(long)]
    pub merge_patients: bool,
    /// Show every file by itself, with all its fields
    #[arg(long)]
    pub all: bool,
    /// Write one JSON object a file to standard output, in the order of their paths
    ///
    /// Keys: `path`, `rule` (from 0, or null), `include`, `type`, `level`, `group`, `fields`,
    /// `from`, `missing`, `error`; `why` where no rule takes the file; `code` and `message` where an
    /// upload of the file would fail; `skipped` where an upload passes it over. Rules that are
    /// refused give one object with `refused`.
    #[arg(long)]
    pub json: bool,
    /// Which files by path and header, as for the upload.
    #[command(flatten)]
    pub fields: FieldFilterArgs,
    /// What is taken of folders.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Files looked at at a time [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = super::values::whole_number::<usize>)]
    pub jobs: Option<usize>,
    /// Refuse files whose data elements around the pixel data exceed SIZE [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_header: Option<String>,
    /// What happens to a file in which a removed value is found again, in its labels too; overrides
    /// the profile's `residual`
    #[arg(long, value_name = "HOW", value_enum)]
    pub residual: Option<Residual>,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The key of pseudonyms. It comes last: its flags stand under a heading of their own.
    #[command(flatten)]
    pub pseudonym_key: PseudonymKeyArgs,
}

/// Flags of `rules convert`. The environment sets none of them: its variables of these names are
/// meant for uploads, where they mean other patterns.
#[derive(Debug, Clone, Args)]
pub struct RulesConvertArgs {
    /// A template such as '{subject}:{session}:{acquisition}', or a file (.yaml or .yml)
    #[arg(value_name = "TEMPLATE|FILE")]
    pub template: String,
    /// As `fw ingest template` was given it: take only files whose name matches GLOB
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Likewise: leave out files whose name matches GLOB
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Likewise: take only what lies below folders whose path begins with GLOB
    #[arg(long, value_name = "GLOB")]
    pub include_dirs: Vec<String>,
    /// Likewise: leave out what lies below folders whose name matches GLOB
    #[arg(long, value_name = "GLOB")]
    pub exclude_dirs: Vec<String>,
}
