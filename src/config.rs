//! From what was typed to what a run can work with: sizes parsed, defaults filled in, contradictions refused.
//!
//! Nothing below this room sees a flag. It must never read a file or ask a server; what it needs to know of the terminal
//! comes in an [`Environment`].

mod typed;

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::cli::{ColorWhen, ConnectionArgs, PseudonymKeyArgs};
pub use crate::cli::{Filter, IfExists, OtherFiles, PackageBy, PathList};
use crate::profile::OnLeak;
pub use typed::{jobs, max_header, on_leak};

/// What the process runs in, as far as a run depends on it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about three streams")]
pub struct Environment {
    /// Standard input is a terminal.
    pub stdin_tty: bool,
    /// Standard output is a terminal.
    pub stdout_tty: bool,
    /// Standard error is a terminal.
    pub stderr_tty: bool,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// The value of `TERM`.
    pub term: Option<String>,
    /// Processor cores that may be used.
    pub cores: usize,
}

impl Environment {
    /// Looks at the process that runs.
    pub fn detect() -> Self {
        Self {
            stdin_tty: std::io::stdin().is_terminal(),
            stdout_tty: std::io::stdout().is_terminal(),
            stderr_tty: std::io::stderr().is_terminal(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            term: std::env::var("TERM").ok(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    fn dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }

    /// Whether standard error takes colours.
    pub fn color(&self, when: ColorWhen) -> bool {
        match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => self.stderr_tty && !self.no_color && !self.dumb(),
        }
    }
}

/// Everything that a run was told, complete and free of contradictions.
#[derive(Debug, Clone)]
pub struct Config {
    /// What to read.
    pub input: Input,
    /// How to clean it.
    pub deid: DeidChoice,
    /// Where the key of pseudonyms comes from.
    pub pseudonym_key: PseudonymKeyChoice,
    /// What becomes of a file in which a removed value still stands, where the user said so.
    pub residual: Option<OnLeak>,
    /// Where in Flywheel it goes.
    pub destination: Destination,
    /// Which server is asked.
    pub server: Server,
    /// What is done with the packages.
    pub sink: Sink,
    /// How fast, and with how much memory.
    pub transfer: Transfer,
    /// What is said while it runs.
    pub output: Output,
    /// What is written down, and what counts as success.
    pub report: Report,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct Input {
    /// Files and folders that were named.
    pub paths: Vec<PathBuf>,
    /// Files that hold further paths.
    pub lists: Vec<PathList>,
    /// Paths in lists end with NUL.
    pub null: bool,
    /// Filters in typing order; the last match wins.
    pub filters: Vec<Filter>,
    /// Follow symbolic links.
    pub follow: bool,
    /// What to do with files that are not DICOM.
    pub other_files: OtherFiles,
    /// Keep the names of other files.
    pub keep_names: bool,
    /// The most that the data elements around the pixel data may take, in bytes.
    pub max_header: u64,
}

/// What the user said about de-identification. The server may overrule it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeidChoice {
    /// Nothing: the server's profile is expected to govern.
    Unsaid,
    /// This built-in profile or file.
    Profile(String),
    /// `--no-deid`: send the data as it is.
    AsItIs,
}

/// What the user said about the key of pseudonyms.
#[derive(Debug, Clone, Default)]
pub struct PseudonymKeyChoice {
    /// A file that holds it.
    pub file: Option<PathBuf>,
    /// A command that prints it.
    pub command: Option<String>,
    /// One may be made and kept, even where nobody watches.
    pub make: bool,
}

impl From<&PseudonymKeyArgs> for PseudonymKeyChoice {
    fn from(args: &PseudonymKeyArgs) -> Self {
        let PseudonymKeyArgs { pseudonym_key_file, pseudonym_key_command } = args.clone();
        Self { file: pseudonym_key_file, command: pseudonym_key_command, make: false }
    }
}

/// Where in Flywheel the data goes.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The project as typed.
    pub project: String,
    /// Create it when it does not exist.
    pub create_project: bool,
    /// A subject label for everything.
    pub subject: Option<String>,
    /// A session label for everything.
    pub session: Option<String>,
    /// What one package holds.
    pub package: PackageBy,
    /// What to do when a file of the same name is already there.
    pub if_exists: IfExists,
}

/// Which server is asked for project and profile.
#[derive(Debug, Clone)]
pub enum Server {
    /// A Flywheel site.
    Site(Connection),
    /// A server inside this process; without a folder, one is made.
    Sandbox(Option<PathBuf>),
    /// None.
    Offline,
}

/// How a site is reached.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Its address, where the key does not say.
    pub site: Option<String>,
    /// A file that holds the API key.
    pub api_key_file: Option<PathBuf>,
    /// A command that prints the API key.
    pub api_key_command: Option<String>,
    /// Further certificates to trust.
    pub ca_cert: Option<PathBuf>,
}

impl From<&ConnectionArgs> for Connection {
    fn from(args: &ConnectionArgs) -> Self {
        let ConnectionArgs { site, api_key_file, api_key_command, ca_cert } = args.clone();
        Self { site, api_key_file, api_key_command, ca_cert }
    }
}

/// What is done with the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// They are sent.
    Upload,
    /// They are written into this folder.
    Folder(PathBuf),
    /// Nothing: a dry run.
    Nothing,
}

/// How fast, and with how much memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Files cleaned at a time.
    pub jobs: usize,
    /// Uploads at a time.
    pub uploads: usize,
    /// Bytes of data under way.
    pub memory: u64,
    /// Whether signed URLs may be used.
    pub signed_urls: bool,
}

/// What is said while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub struct Output {
    /// How much.
    pub verbosity: Verbosity,
    /// How progress is shown.
    pub progress: Progress,
    /// Whether standard error gets colours.
    pub color: bool,
    /// Events as JSON lines on standard output.
    pub json: bool,
    /// Every question is answered with yes.
    pub assume_yes: bool,
    /// Someone is there to answer a question.
    pub interactive: bool,
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Nothing but the exit code.
    Silent,
    /// Errors and the final line.
    Quiet,
    /// Progress, notices and summary as well.
    Normal,
    /// A line per file as well.
    Verbose,
    /// Requests and timings as well.
    Trace,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bars that are redrawn.
    Bar,
    /// A line now and then.
    Lines,
    /// None.
    Off,
}

/// What is written down, and what counts as success.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub struct Report {
    /// Where the failure report goes.
    pub path: PathBuf,
    /// Its format.
    pub format: ReportFormat,
    /// The user named it: it is written even when nothing failed.
    pub named: bool,
    /// Paths are replaced by keyed hashes.
    pub redact_paths: bool,
    /// A skipped file counts as a failed one.
    pub fail_on_skip: bool,
    /// Nothing to upload is fine.
    pub allow_empty: bool,
}

/// The format of the failure report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// One JSON object per line.
    JsonLines,
    /// One JSON document.
    Json,
    /// Comma-separated values.
    Csv,
}

/// Where failures are written unless told otherwise.
pub const DEFAULT_REPORT: &str = "fwupload-failures.jsonl";

impl Config {
    /// The settings in force as names and values, for reports. Neither paths nor labels: both may identify.
    pub fn settings(&self) -> Vec<(String, String)> {
        let flag = |set: bool| if set { "yes" } else { "no" }.to_owned();
        let Self { input, destination, transfer, .. } = self;
        let residual = match self.residual {
            Some(OnLeak::Fail) => "fail",
            Some(OnLeak::Warn) => "warn",
            None => "profile",
        };
        let all = [
            ("package", format!("{:?}", destination.package).to_lowercase()),
            ("if-exists", format!("{:?}", destination.if_exists).to_lowercase()),
            ("other-files", format!("{:?}", input.other_files).to_lowercase()),
            ("keep-names", flag(input.keep_names)),
            ("follow", flag(input.follow)),
            ("filters", input.filters.len().to_string()),
            ("max-header", input.max_header.to_string()),
            ("subject-set", flag(destination.subject.is_some())),
            ("session-set", flag(destination.session.is_some())),
            ("jobs", transfer.jobs.to_string()),
            ("uploads", transfer.uploads.to_string()),
            ("memory", transfer.memory.to_string()),
            ("signed-urls", flag(transfer.signed_urls)),
            ("residual", residual.to_owned()),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::failure::{Error, RunCode};

    const MEBIBYTE: u64 = 1 << 20;
    const TERMINAL: Environment =
        Environment { stdin_tty: true, stdout_tty: true, stderr_tty: true, no_color: false, term: None, cores: 6 };

    fn config_in(line: &str, environment: &Environment) -> Result<Config, Error> {
        let arguments = std::iter::once("fwupload").chain(line.split_whitespace()).map(Into::into);
        let cli = crate::cli::parse(arguments).map_err(|stop| stop.text()).expect("the line parses");
        Config::new(&cli.upload, environment)
    }

    fn config(line: &str) -> Config {
        config_in(line, &TERMINAL).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_everyday_command_gets_the_defaults() {
        let config = config("./study --project neuro/adni");
        assert_eq!(config.transfer, Transfer { jobs: 6, uploads: 4, memory: 256 * MEBIBYTE, signed_urls: true });
        assert_eq!((config.deid, config.sink), (DeidChoice::Unsaid, Sink::Upload));
        assert_eq!((config.input.max_header, config.input.other_files), (64 * MEBIBYTE, OtherFiles::Skip));
        assert_eq!((config.report.format, config.report.named), (ReportFormat::JsonLines, false));
        assert_eq!((config.output.progress, config.output.color, config.output.interactive), (Progress::Bar, true, true));
    }

    #[test]
    fn contradictions_are_usage_errors_that_say_what_to_do() {
        let lines = [
            "a",
            "-p x",
            "a -p x/y --offline --profile basic",
            "a -p x/y --offline --dry-run",
            "a -p label --offline --dry-run --no-deid",
            "a -p x --profile basic --no-deid",
            "a -p x --dry-run --output out",
            "a -p x --sandbox --site https://s.example",
            "a -p x/y --sandbox --offline --dry-run --no-deid",
            "a -p x --null",
            "a -p x --keep-names",
            "a -p x --memory lots",
            "a -p x --memory 1KiB",
            "a -p x --jobs 0",
            "a -p x --report failures",
        ];
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                let error = config_in(line, &TERMINAL).expect_err(line);
                assert_eq!(error.code, RunCode::Usage, "{line}");
                format!("{} -> {}", error.what, error.hint())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        no destination: `--project` is missing -> add `--project group/project`, its id or its label
        nothing to read: neither a PATH nor `--files-from` -> name a folder, as in `fwupload ./study --project group/project`
        `--offline` sends nothing -> add `--dry-run` or `--output DIR`
        `--offline` cannot ask the server for a de-identification profile -> add `--profile basic`, or `--no-deid` if the data may go as it is
        `--offline` cannot look up a project by id or label alone -> write it as group/project
        `--profile` and `--no-deid` exclude each other -> leave out one of the two
        `--dry-run` and `--output` exclude each other -> leave out one of the two
        `--sandbox` and `--site` exclude each other -> leave out one of the two
        `--sandbox` and `--offline` exclude each other -> leave out one of the two
        `--null` is about `--files-from`, which is missing -> add `--files-from FILE`, or `--files-from -` for standard input
        `--keep-names` is about other files, which are not uploaded -> add `--other-files upload`
        `--memory` is not a size: lots -> write it as 512MiB, 2GiB or a number of bytes
        `--memory` is too small -> give at least 32.0 MiB
        `--jobs` is out of range -> give a number from 1 to 1024
        the name given to `--report` does not say which format is meant -> end the name with .jsonl, .json or .csv
        ");
    }

    #[test]
    fn a_sandbox_that_swallowed_the_path_is_explained() {
        let error = config_in("-p x --sandbox ./study", &TERMINAL).expect_err("there is no path");
        assert!(error.hint().contains("write the paths before it"), "{error}");
    }

    #[test]
    fn combinations_that_make_sense_pass() {
        let offline = config("a -p fw://g/p --offline --output out --no-deid --memory 1GiB");
        assert!(matches!(offline.server, Server::Offline));
        assert_eq!((offline.sink, offline.deid), (Sink::Folder("out".into()), DeidChoice::AsItIs));
        assert_eq!(offline.transfer.memory, 1024 * MEBIBYTE);
        let sandbox = config("a -p g/p --sandbox box --dry-run");
        assert!(matches!(sandbox.server, Server::Sandbox(Some(_))));
        assert_eq!(config("a -p x --report r.CSV").report.format, ReportFormat::Csv);
    }

    #[test]
    fn levels_of_speech_compose() {
        let of = |flags: &str| config(&format!("a -p x {flags}")).output.verbosity;
        assert_eq!(
            ["-qq", "-q", "", "-v", "-vv"].map(of),
            [Verbosity::Silent, Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose, Verbosity::Trace]
        );
        assert_eq!(config("a -p x -q --progress bar").output.progress, Progress::Off);
    }

    #[test]
    fn a_pipe_gets_lines_without_colour_and_no_questions() {
        let pipe = Environment { cores: 1, ..Environment::default() };
        let output = config_in("a -p x", &pipe).unwrap().output;
        assert_eq!((output.progress, output.color, output.interactive), (Progress::Lines, false, false));
        let listed = config_in("--files-from - -p x", &TERMINAL).unwrap();
        assert!(!listed.output.interactive && listed.input.lists == [PathList::Stdin]);
        let plain = Environment { no_color: true, ..TERMINAL };
        assert!(!config_in("a -p x", &plain).unwrap().output.color);
        assert!(config_in("a -p x --color always", &plain).unwrap().output.color);
    }
}
