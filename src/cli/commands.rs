//! The commands and their flags; those of `profile`, of `rules` and of the upload have files of their
//! own.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Subcommand, ValueEnum};

use super::profile::{self, ProfileCommand};
use super::rules::{self, RulesCommand};
use super::settings::{ConfigArgs, PresetArgs};
use super::upload::{ConnectionArgs, PlacingArgs, SubjectTableArgs, WalkArgs};
use super::values::{Filter, ProfileLevel, Shard};
use crate::failure::CodeEntry;

/// The commands that have a word of their own; the upload has none.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Check an API key and keep it for later runs; one is kept for each site
    Login {
        /// Read the key from standard input instead of asking for it
        #[arg(long)]
        with_key_stdin: bool,
        /// How the server is reached.
        #[command(flatten)]
        connection: ConnectionArgs,
        /// Which settings of configuration files count.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Forget a key that `login` kept
    Logout {
        /// The site whose key is forgotten, when keys for several are stored
        #[arg(long, value_name = "URL", conflicts_with = "all")]
        site: Option<String>,
        /// Forget the keys for all sites
        #[arg(long)]
        all: bool,
        /// Which settings of configuration files count.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Show sites and users; exits with 4 when not logged in
    Status {
        /// Write a JSON object for each site, or each setting, to standard output
        #[arg(long)]
        json: bool,
        /// Show each setting and where it comes from instead, asking no server; with FILE as for
        /// an upload with `--config FILE`
        #[arg(long = "config", value_name = "FILE", num_args = 0..=1)]
        show_config: Option<Option<PathBuf>>,
        /// Which settings of configuration files count.
        #[command(flatten)]
        preset: PresetArgs,
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
    /// Try out rules that place files, and make them of templates
    #[command(
        subcommand,
        after_help = rules::EXAMPLES,
        after_long_help = format!("{}\n{}", rules::EXAMPLES, rules::EXIT_CODES)
    )]
    Rules(RulesCommand),
    /// Say what a code or an exit code means, and what to do about it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainCodeArgs),
    /// List the files of an upload for several machines, once for all of them
    ///
    /// Walks and reads the inputs as an upload does, sends nothing, and writes a list for each of N
    /// shards into DIR, of about the same size in bytes. A study, and whatever lies in one archive,
    /// is in one list. `--from-plan DIR --shard I/N` uploads what the I-th list has: so the inputs are
    /// walked once and not by every shard. What is added later is in no list. DIR holds paths, which
    /// often identify: it is yours alone.
    #[command(after_help = PLAN_EXAMPLES, after_long_help = format!("{PLAN_EXAMPLES}\n{PLAN_EXIT_CODES}"))]
    Plan(PlanArgs),
    /// Show in a browser what would be sent, and send what is approved there
    ///
    /// Takes what an upload takes. Everything is cleaned as in a dry run, and shown on a page on this
    /// machine, which the browser that opens first has for itself: cleaned frames, and there alone the
    /// originals on request, what the header lost and what it is now, what is refused and why. `Send`
    /// uploads the series that were approved, in the form that was shown, and nothing else. Where
    /// review and upload are different moments or machines, use `--review` and `--approved`.
    #[command(after_help = REVIEW_EXAMPLES, override_usage = "fwupload review [OPTIONS] --project PROJECT PATH...")]
    Review {
        /// Paths and flags of an upload; see `fwupload --help`
        #[arg(
            value_name = "PATH",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Work on failure reports: merge those of several runs into one
    #[command(subcommand, after_help = MERGE_EXAMPLES)]
    Report(ReportCommand),
    /// Run a server for trying things out
    #[command(after_help = SANDBOX_EXAMPLES)]
    Sandbox(SandboxArgs),
    /// Print the manual page of the program or of a command
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
    /// Print a completion script
    ///
    /// The script asks the program on TAB, which must be found as `fwupload`: flags, values, profiles,
    /// presets and sites are completed. No request is sent.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell that it is for
        shell: clap_complete::Shell,
    },
}

const REVIEW_EXAMPLES: &str = "\
Examples:
  fwupload review ./study --project neuro/adni
  fwupload review ./study -p neuro/adni --profile basic --modality MR";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(fwupload completions bash)                     in ~/.bashrc
  source <(fwupload completions zsh)                      in ~/.zshrc, after compinit
  fwupload completions fish > ~/.config/fish/completions/fwupload.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  fwupload man | man -l -                  the page of the program
  fwupload man profile lint | man -l -     the page of a command
  fwupload man --output ~/.local/share/man/man1";

/// Flags of `fwupload man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The words of the command, as in `profile lint`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write the pages of all commands into FOLDER
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fwupload explain deid.burned-in    the code of a failed file, as in reports and messages
  fwupload explain auth.rejected     the code of an error that stopped a run
  fwupload explain 3                 an exit code
  fwupload explain --list            every code, by stage
  fwupload explain --list --json | jq -r '.codes[] | select(.retryable) | .code'";

/// Flags of `fwupload explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainCodeArgs {
    /// A code as messages and reports have it, or the number of an exit code
    #[arg(required_unless_present = "list", value_parser = CodeParser, hide_possible_values = true)]
    pub code: Option<String>,
    /// List every code with its sentence
    #[arg(long, conflicts_with = "code")]
    pub list: bool,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

/// Accepts any text, so that an unknown code gets an answer with the codes that come close; shells
/// complete the codes of the table.
#[derive(Debug, Clone)]
struct CodeParser;

impl TypedValueParser for CodeParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(CodeEntry::all().map(|entry| {
            PossibleValue::new(entry.code).help(entry.sentence)
        })))
    }
}

/// Flags of `plan` that no environment variable may set: they say what this one call makes.
pub const PLAN_NOT_FROM_ENVIRONMENT: [&str; 2] = ["shards", "output"];

const PLAN_EXAMPLES: &str = "\
Examples:
  fwupload plan ./study --shards 8 --output plan                    eight lists, in one walk
  fwupload --from-plan plan --shard 3/8 --project neuro/adni        uploads what the third has
  fwupload plan ./study --shards 8 -o plan --exclude '**/localizer/**'";

const PLAN_EXIT_CODES: &str = "
Exit codes:
    0  the plan is made
    1  unexpected error, or the plan cannot be written
    2  the command line is wrong, or a list or table that it names
    5  the rules cannot be used
    6  one subject would be made of several patients
    8  no file was found";

/// Flags of `fwupload plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// Which files are read.
    #[command(flatten)]
    pub walk: WalkArgs,
    /// The number of shards: as many as runs that are to share the work
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(Shard::MOST)))]
    pub shards: u32,
    /// The folder for the lists, new or empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Files looked at at a time [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = super::values::whole_number::<usize>)]
    pub jobs: Option<usize>,
    /// Say nothing but errors and warnings
    #[arg(short, long)]
    pub quiet: bool,
    /// As for the upload: put everything under this subject label
    ///
    /// Whether a subject would be made of several patients is seen here, since no shard sees all
    /// files: the shards need the same `--subject`, `--subjects`, rules and filters as the plan.
    #[arg(long, value_name = "LABEL")]
    pub subject: Option<String>,
    /// As for the upload: let one subject be made of several patients
    #[arg(long)]
    pub merge_patients: bool,
    /// The table of subjects.
    #[command(flatten)]
    pub table: SubjectTableArgs,
    /// Which labels files get by rules.
    #[command(flatten)]
    pub placing: PlacingArgs,
    /// `--include` and `--exclude` in the order in which they were typed.
    #[arg(skip)]
    pub filters: Vec<Filter>,
    /// Which settings of configuration files count.
    #[command(flatten)]
    pub config: ConfigArgs,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  fwupload report merge shard-*.jsonl --output all.jsonl   one report of the shards of a job
  fwupload report merge shard-*.jsonl -o all.jsonl --exit-code   and end as one run would have
  fwupload --files-from all.jsonl --project neuro/adni     try again what failed in any of them
  fwupload report merge shard-*.jsonl | jq -r 'select(.type == \"failed\") | .code' | sort | uniq -c
  fwupload report merge failures.jsonl -o failures.csv     the same report for a spreadsheet";

const MERGE_EXIT_CODES: &str = "
Exit codes:
    0  merged, whatever the reports say; the exit code of the whole is `exit_code` in the last line,
       and with `--exit-code` that of this command
    1  unexpected error, or the merged report cannot be written; with `--exit-code` also where
       reports are missing or a run has not ended
    2  the command line is wrong
    5  a report is missing, damaged or none, or they do not belong together";

/// What can be done with failure reports.
#[derive(Debug, Clone, Subcommand)]
pub enum ReportCommand {
    /// Merge the failure reports of several runs, as of the shards of a job
    ///
    /// A file that failed in several runs is listed once, by its exact path, as the report named
    /// last has it. Files are sorted by path. What the merged report says works as `--files-from`
    /// and can be merged again.
    ///
    /// Totals are added up, each file once; subjects, sessions and acquisitions are left out, for
    /// two runs may have sent into the same one. What stopped a run is the exit code of the whole
    /// (1 and 2 before 130, 143, 129, 4, 5, 6 and 7); otherwise it is 9 if every file failed in
    /// every run, 3 if some did, 8 if no run had anything, else 0. Both stand in the record `end`,
    /// which only .jsonl has. There is none where the whole is not known: a run has not ended, a
    /// shard is missing or there twice, or a report is in JSON or CSV, which hold failures alone.
    ///
    /// Project, site, kind of run, profile, key of pseudonyms and redaction must be the same in all
    /// reports. A run with `--redact-paths` hashes paths in its own way: a file that failed in two
    /// such runs is listed twice. A file that failed in one run and arrived with a later one stays
    /// listed, since reports hold failures alone.
    #[command(after_help = MERGE_EXAMPLES, after_long_help = format!("{MERGE_EXAMPLES}\n{MERGE_EXIT_CODES}"))]
    Merge(MergeArgs),
}

/// Flags of `report merge`. The environment sets none of them: its variables are meant for uploads.
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// Reports that fwupload wrote: .jsonl, .json or .csv, also mixed
    #[arg(value_name = "REPORT", required = true)]
    pub reports: Vec<PathBuf>,
    /// Write to FILE (.jsonl, .json, .csv, .xml or .md) instead of standard output, in one step, readable by
    /// you alone
    ///
    /// `-` is standard output, which gets JSON lines. What is in FILE is replaced once everything
    /// is read and merged.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with the exit code of the whole, as one run would have ended; with 1 where it is not
    /// known
    ///
    /// It is not known where a shard is missing or there twice, or a run has not ended. The merged
    /// report is written all the same.
    #[arg(long)]
    pub exit_code: bool,
}

const SANDBOX_EXAMPLES: &str = "\
Examples:
  fwupload sandbox ./site --project demo/phantom                     a site of today
  fwupload sandbox ./site --project demo/phantom --era old           as sites were in 2018
  fwupload sandbox ./site --signed-urls --storage azure              files go past the site, to its storage
  fwupload sandbox ./site --signed-urls=multipart --part-size 5MiB   large files in parts
  fwupload sandbox ./site --project demo/speed --discard             keeps no bytes: for measuring

The first line on standard output is JSON with the address and an API key; give the key to an upload as FWUPLOAD_API_KEY.
The address opened in a browser shows what was uploaded: headers, pictures, profiles; it asks for the key once.";

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
    /// Serve no page for a browser, which otherwise shows what the server holds and asks for its key
    #[arg(long)]
    pub no_page: bool,
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
