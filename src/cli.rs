//! The command line as it is typed: flags, subcommands and their help text.
//!
//! Owns clap; help, completions and parsing come from this one definition. It must never read a file, look at a
//! terminal or judge whether values go together: [`crate::config`] does the judging.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PathBufValueParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, Command as Definition, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

/// Words that are commands when they stand first. The list is closed within a major version.
pub const RESERVED: [&str; 7] = ["login", "logout", "status", "profile", "sandbox", "completions", "help"];

/// Flags that no environment variable may set: they are decisions about one run, not settings.
const NOT_FROM_ENVIRONMENT: [&str; 5] = ["dry-run", "yes", "no-deid", "help", "version"];

/// Headings of `--help`.
const INPUT: &str = "Input";
const DEID: &str = "De-identification";
const DESTINATION: &str = "Destination";
const TRANSFER: &str = "Transfer";
const OUTPUT: &str = "Output";
const REPORTS: &str = "Reports";

const EXAMPLES: &str = "\
Examples:
  fwupload ./study --project neuro/adni           clean and upload a folder
  fwupload ./study -p neuro/adni --dry-run        show what would happen, send nothing
  find . -name '*.dcm' -print0 | fwupload --files-from - --null -p neuro/adni";

const MORE: &str = "
The command words are commands only as the first argument; a folder of such a name is reached as ./status or after `--`.

Every option that is a setting may also come from the environment: FWUPLOAD_ and its name, as in FWUPLOAD_PROJECT or
FWUPLOAD_CA_CERT. An empty variable counts as unset. `--dry-run`, `--yes` and `--no-deid` have to be typed.
The API key comes from `--api-key-file`, `--api-key-command`, FWUPLOAD_API_KEY, `fwupload login`, or Flywheel's own
user.json, in this order.

Exit codes:
    0  every file found is uploaded, already there, or skipped for a stated reason
    1  unexpected error, or a report or folder that cannot be written
    2  the command line is wrong
    3  finished, some files failed; see the report
    4  not logged in, key refused, or no permission
    5  configuration or de-identification profile invalid or missing
    6  destination not found or ambiguous
    7  server or network unavailable; run again later
    8  nothing to upload
    9  finished, every file failed
  130  interrupted (143: terminated); run again";

/// The command line, as typed.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "fwupload",
    version,
    about = "De-identify DICOM on this machine and upload it to Flywheel",
    override_usage = "fwupload [OPTIONS] --project PROJECT PATH...\n       fwupload COMMAND",
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n{MORE}"),
    max_term_width = 110
)]
pub struct Cli {
    /// One of the reserved words in first position; the upload has none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of the upload.
    #[command(flatten)]
    pub upload: UploadArgs,
}

/// Everything that the upload takes.
#[derive(Debug, Clone, Args)]
pub struct UploadArgs {
    /// What to read.
    #[command(flatten)]
    pub input: InputArgs,
    /// How to clean it.
    #[command(flatten)]
    pub deid: DeidArgs,
    /// Where it goes.
    #[command(flatten)]
    pub destination: DestinationArgs,
    /// Which server, and how it is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How fast, and with how much memory.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// What is said while it runs.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What is written down.
    #[command(flatten)]
    pub report: ReportArgs,
    /// `--include` and `--exclude` in the order in which they were typed.
    #[arg(skip)]
    pub filters: Vec<Filter>,
    /// Names of the flags (without dashes) that the environment set.
    #[arg(skip)]
    pub from_environment: BTreeSet<String>,
}

/// One `--include` or `--exclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Whether what matches is taken or left out.
    pub include: bool,
    /// The pattern, in gitignore syntax.
    pub glob: String,
}

/// Where further paths are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathList {
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

impl From<PathBuf> for PathList {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }
}

/// Flags under "Input".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = INPUT)]
pub struct InputArgs {
    /// Files and folders to read
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read further paths from FILE, one per line, or from standard input (-)
    ///
    /// A failure report of an earlier run (.jsonl, .json, .csv) works too: its failed files are tried again.
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().map(PathList::from))]
    pub files_from: Vec<PathList>,
    /// Paths of `--files-from` end with NUL, not with a line break
    #[arg(long, hide_short_help = true)]
    pub null: bool,
    /// Take only what matches GLOB (gitignore syntax, relative to each PATH)
    ///
    /// May be repeated and mixed with `--exclude`: the last one that matches a file or a folder above it decides. What none of them
    /// matches is left out if the first of them is an `--include`. Files that are named or listed are always taken.
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out what matches GLOB; see `--include`
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Follow symbolic links
    #[arg(long, hide_short_help = true)]
    pub follow: bool,
    /// What to do with files that are not DICOM
    ///
    /// `upload` attaches them as they are, uncleaned, to the acquisition of the DICOM files beside them.
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_short_help = true)]
    pub other_files: OtherFiles,
    /// Keep the names of other files: names and folders may identify
    #[arg(long, hide_short_help = true)]
    pub keep_names: bool,
    /// Refuse files whose data elements around the pixel data exceed SIZE [default: 64MiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true)]
    pub max_header: Option<String>,
}

/// Flags under "De-identification".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = DEID)]
pub struct DeidArgs {
    /// Clean with this profile: a built-in name or a file
    ///
    /// Refused when the server has a profile for the project: that one governs.
    #[arg(long, value_name = "NAME|PATH")]
    pub profile: Option<String>,
    /// Send the data as it is, identities included, where no profile governs
    #[arg(long)]
    pub no_deid: bool,
}

/// Flags under "Destination".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct DestinationArgs {
    /// The project: group/project, its id, or a label that only it has
    #[arg(short, long)]
    pub project: Option<String>,
    /// Create the project when it does not exist
    #[arg(long, hide_short_help = true)]
    pub create_project: bool,
    /// Put everything under this subject label
    #[arg(long, value_name = "LABEL", hide_short_help = true)]
    pub subject: Option<String>,
    /// Put everything under this session label
    #[arg(long, value_name = "LABEL", hide_short_help = true)]
    pub session: Option<String>,
    /// One package per series or per instance
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_short_help = true)]
    pub package: PackageBy,
    /// What to do when a file of the same name is already there
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_short_help = true)]
    pub if_exists: IfExists,
    /// Do everything but send or write
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Write the packages into a folder instead of sending them
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Ask no server; with `--dry-run` or `--output`, and `--profile` or `--no-deid`
    #[arg(long, hide_short_help = true)]
    pub offline: bool,
    /// Upload to a server inside this process that keeps its files in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub sandbox: Option<Option<PathBuf>>,
}

/// Which server, which key, and how the server is reached; also for the subcommands that ask a server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = TRANSFER)]
pub struct ConnectionArgs {
    /// The Flywheel site, when the key does not say or keys for several are stored
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub site: Option<String>,
    /// Read the API key from FILE, which must be yours alone
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Run COMMAND and take its output as the API key
    #[arg(long, value_name = "COMMAND", hide_short_help = true)]
    pub api_key_command: Option<String>,
    /// Trust the certificates in FILE (PEM) too
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub ca_cert: Option<PathBuf>,
}

/// Flags under "Transfer".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = TRANSFER)]
pub struct TransferArgs {
    /// Files cleaned at a time [default: number of cores]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Uploads at a time [default: 4]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub uploads: Option<usize>,
    /// Memory for data under way [default: 256MiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true)]
    pub memory: Option<String>,
    /// Send everything through the site itself, never to its storage host directly
    #[arg(long, hide_short_help = true)]
    pub no_signed_urls: bool,
}

/// Flags under "Output".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct OutputArgs {
    /// Say less: errors, warnings and the last line; twice: nothing
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
    /// Say more: a line per file; twice: requests and timings
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write events to standard output, one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// How progress is shown
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_short_help = true)]
    pub progress: ProgressStyle,
    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, hide_short_help = true)]
    pub color: ColorWhen,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
}

/// Flags under "Reports".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = REPORTS)]
pub struct ReportArgs {
    /// Write the failure report to FILE (.jsonl, .json or .csv)
    ///
    /// Without this flag, `fwupload-failures.jsonl` is written in the current folder when a file failed.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Replace paths by keyed hashes wherever something is shown or written
    #[arg(long, hide_short_help = true)]
    pub redact_paths: bool,
    /// Exit with 3 when a file was skipped
    #[arg(long, hide_short_help = true)]
    pub fail_on_skip: bool,
    /// Exit with 0 when there is nothing to upload
    #[arg(long, hide_short_help = true)]
    pub allow_empty: bool,
}

/// What to do with files that are not DICOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OtherFiles {
    /// Leave them out and count them.
    #[default]
    Skip,
    /// Attach them as they are.
    Upload,
    /// Count each as failed.
    Fail,
}

/// What one package holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PackageBy {
    /// A whole series, zipped.
    #[default]
    Series,
    /// One instance, bare.
    Instance,
}

/// What to do when a file of the same name is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum IfExists {
    /// Leave what is there.
    #[default]
    Skip,
    /// Upload a new version.
    Replace,
    /// Count the new one as failed.
    Fail,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Bars.
    Bar,
    /// A line now and then.
    Lines,
    /// None.
    None,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The level of Flywheel's settings at which a profile lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProfileLevel {
    /// The project's own settings.
    #[default]
    Project,
    /// The settings of the group.
    Group,
    /// The settings of the site.
    Site,
}

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
    /// Look at de-identification profiles
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Run a server for trying things out
    Sandbox(SandboxArgs),
    /// Print a completion script
    Completions {
        /// The shell that it is for
        shell: clap_complete::Shell,
    },
}

/// What can be asked about profiles.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles
    List,
    /// Show which profile governs a project: level, name and digest
    Show {
        /// The project: group/project, its id, or its label
        #[arg(short, long)]
        project: String,
        /// How the server is reached.
        #[command(flatten)]
        connection: ConnectionArgs,
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

/// Parsing ended in something to show: help, the version, or what is wrong with the command line.
#[derive(Debug)]
pub struct Stop(clap::Error);

impl Stop {
    /// Shows it on the stream where it belongs and gives the exit code: 0 for help and version, else 2.
    pub fn show(&self) -> u8 {
        // A reader that went away is no reason to fail differently.
        let _ = self.0.print();
        u8::try_from(self.0.exit_code()).unwrap_or(2)
    }

    /// The text without colours.
    pub fn text(&self) -> String {
        self.0.render().to_string()
    }
}

/// Parses the arguments, the first of which is the program's name.
pub fn parse<I: IntoIterator<Item = OsString>>(arguments: I) -> Result<Cli, Stop> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.len() < 2 {
        return Err(Stop(definition().error(clap::error::ErrorKind::MissingRequiredArgument, NO_ARGUMENTS)));
    }
    refuse_key_on_command_line(&arguments)?;
    let matches = definition().try_get_matches_from(arguments).map_err(Stop)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(Stop)?;
    cli.upload.filters = filters(&matches);
    cli.upload.from_environment = from_environment(&matches);
    Ok(cli)
}

/// Writes the completion script of a shell.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fwupload", &mut script);
    out.write_all(&script)
}

const NO_ARGUMENTS: &str = "no PATH given and no `--project`; try `fwupload ./study --project group/project`";

/// The definition with an environment variable for every setting, except that an empty variable counts as unset.
fn definition() -> Definition {
    Cli::command().mut_args(with_environment).mut_subcommands(|command| match command.get_name() {
        "login" | "status" => command.mut_args(with_environment),
        "profile" => command.mut_subcommands(|inner| inner.mut_args(with_environment)),
        _ => command,
    })
}

fn with_environment(arg: clap::Arg) -> clap::Arg {
    let Some(long) = arg.get_long().filter(|long| !NOT_FROM_ENVIRONMENT.contains(long)) else { return arg };
    let variable = format!("FWUPLOAD_{}", long.to_uppercase().replace('-', "_"));
    let switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let arg = if switch { arg.value_parser(FalseyValueParser::new()) } else { arg };
    match std::env::var_os(&variable) {
        Some(value) if !value.is_empty() => arg.env(variable).hide_env(true),
        _ => arg,
    }
}

/// A key on the command line is visible to every user of the machine, so there is no flag for one.
fn refuse_key_on_command_line(arguments: &[OsString]) -> Result<(), Stop> {
    let typed = arguments.iter().take_while(|argument| *argument != "--");
    let key_given = typed.map(|argument| argument.to_string_lossy()).any(|a| a == "--api-key" || a.starts_with("--api-key="));
    if !key_given {
        return Ok(());
    }
    let message = "there is no `--api-key`: other users of this machine could read the key from the command line\n\
                   hint: use `--api-key-file FILE`, `--api-key-command COMMAND`, FWUPLOAD_API_KEY or `fwupload login`; \
                   if this key was real, make a new one";
    Err(Stop(definition().error(clap::error::ErrorKind::UnknownArgument, message)))
}

/// The two kinds of filter merged in typing order, because the last match wins across both.
fn filters(matches: &ArgMatches) -> Vec<Filter> {
    let mut all = Vec::new();
    for (id, include) in [("include", true), ("exclude", false)] {
        let indices = matches.indices_of(id).into_iter().flatten();
        let globs = matches.get_many::<String>(id).into_iter().flatten();
        all.extend(indices.zip(globs).map(|(index, glob)| (index, Filter { include, glob: glob.clone() })));
    }
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, filter)| filter).collect()
}

fn from_environment(matches: &ArgMatches) -> BTreeSet<String> {
    let set = matches.ids().filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::EnvVariable));
    set.map(|id| id.as_str().replace('_', "-")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn parse_line(line: &str) -> Result<Cli, Stop> {
        parse(std::iter::once("fwupload").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn flags_stand_before_and_after_paths() {
        let cli = parse_line("-p g/p a b --jobs 3 c -vv").unwrap();
        assert_eq!(cli.upload.input.paths, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(cli.upload.destination.project.as_deref(), Some("g/p"));
        assert_eq!((cli.upload.transfer.jobs, cli.upload.output.verbose), (Some(3), 2));
    }

    #[test]
    fn a_reserved_word_is_a_command_only_when_it_stands_first() {
        assert!(matches!(parse_line("status --json").unwrap().command, Some(Command::Status { json: true, .. })));
        for line in ["./status -p x", "-- status", "-p x status", "a status -p x"] {
            let cli = parse_line(line).unwrap();
            assert!(cli.command.is_none(), "{line}");
            assert!(cli.upload.input.paths.iter().any(|path| path.ends_with("status")), "{line}");
        }
    }

    #[test]
    fn commands_are_not_abbreviated_and_every_reserved_word_is_one() {
        assert!(parse_line("stat -p x").unwrap().command.is_none());
        let mut built = definition();
        built.build();
        let names: Vec<_> = built.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>(), RESERVED.map(String::from).iter().collect());
    }

    #[test]
    fn a_key_on_the_command_line_is_refused_and_not_repeated() {
        for line in ["./a -p x --api-key site:SECRET", "./a --api-key=site:SECRET"] {
            let stop = parse_line(line).unwrap_err();
            assert_eq!(stop.0.exit_code(), 2);
            let text = stop.text();
            assert!(text.contains("--api-key-file") && text.contains("fwupload login") && !text.contains("SECRET"), "{text}");
        }
    }

    #[test]
    fn filters_keep_the_order_in_which_they_were_typed() {
        let cli = parse_line("a -p x --include *.dcm --exclude scout* --include keep").unwrap();
        let kinds: Vec<_> = cli.upload.filters.iter().map(|f| (f.include, f.glob.as_str())).collect();
        assert_eq!(kinds, [(true, "*.dcm"), (false, "scout*"), (true, "keep")]);
    }

    #[test]
    fn the_sandbox_folder_is_optional() {
        assert_eq!(parse_line("a -p x --sandbox").unwrap().upload.destination.sandbox, Some(None));
        let with = parse_line("a -p x --sandbox ./box").unwrap().upload.destination.sandbox;
        assert_eq!(with, Some(Some(PathBuf::from("./box"))));
    }

    #[test]
    fn short_help_fits_a_screen_and_long_help_has_headings_and_exit_codes() {
        let short = parse_line("-h").unwrap_err();
        assert_eq!(short.0.exit_code(), 0);
        let lines = short.text().lines().count();
        assert!(lines <= 52, "{lines} lines:\n{}", short.text());
        let long = parse_line("--help").unwrap_err().text();
        let at = |needle: &str| long.find(needle).unwrap_or_else(|| panic!("{needle} is missing from\n{long}"));
        let order = [INPUT, DEID, DESTINATION, TRANSFER, OUTPUT, REPORTS].map(|heading| at(&format!("\n{heading}:\n")));
        assert!(order.is_sorted(), "{long}");
        assert!(at("Exit codes:") > at("Examples:"));
    }

    #[test]
    fn completions_exist_for_every_shell() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            write_completions(*shell, &mut script).unwrap();
            assert!(String::from_utf8(script).unwrap().contains("files-from"), "{shell}");
        }
    }
}
