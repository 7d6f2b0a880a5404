//! From what was typed to what a run can work with: sizes parsed, defaults filled in,
//! contradictions refused.
//!
//! Nothing below this room sees a flag. It must never read a file or ask a server; what it needs to
//! know of the terminal comes in an [`Environment`].

mod typed;

use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use flywheel_client::Patience;

use crate::cli::{ColorWhen, ConnectionArgs, PseudonymKeyArgs};
pub use crate::cli::{
    Compression, IfExists, IfStudyElsewhere, IncompleteSeries, OtherFiles, PackageBy,
    PackagingArgs as Packaging, PathList, SettingsFile, Shard,
};
use crate::discover::Inputs;
use crate::exit::Strictness;
use crate::failure::Error;
use crate::review::{Originals, Progress as PageProgress};
use crate::rules::{Association, Filters};
use dicom_deid::profile::OnLeak;
pub use typed::{filters, jobs, max_header, on_leak, part_size};

/// What the process runs in, as far as a run depends on it.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about three streams"
)]
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
    /// The file that the page of a CI job is made of: `GITHUB_STEP_SUMMARY`, where it is set and not
    /// empty.
    pub step_summary: Option<PathBuf>,
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
            step_summary: std::env::var_os("GITHUB_STEP_SUMMARY")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
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
    /// The folder for pictures of frames in which text was found, where they are wanted.
    pub pictures: Option<PathBuf>,
    /// The project as typed.
    pub project: String,
    /// Which containers and packages are made in it.
    pub packaging: Packaging,
    /// Which server is asked.
    pub server: Server,
    /// What is done with the packages.
    pub sink: SinkChoice,
    /// The list of what was approved, where only that is sent.
    pub approved: Option<PathBuf>,
    /// How fast, and with how much memory.
    pub transfer: Transfer,
    /// What is said while it runs.
    pub output: Output,
    /// What is written down, and what counts as success.
    pub report: Report,
    /// The configuration files that say something.
    pub settings_files: Vec<SettingsFile>,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct Input {
    /// The files to find.
    pub files: Inputs,
    /// Keep the names of other files.
    pub keep_names: bool,
    /// Which files are taken, by path and header.
    pub filters: Arc<Filters>,
    /// Which other files belong to an image by their names.
    pub associations: Vec<Association>,
    /// The part of the work that is to be done; none for all of it.
    pub shard: Option<Shard>,
    /// What changed more recently, and the series that it belongs to, is left for the next run; none
    /// where all is taken.
    pub min_age: Option<Duration>,
    /// What becomes of series with fewer instances than their headers state.
    pub incomplete_series: IncompleteSeries,
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
    /// Where it comes from.
    pub source: PseudonymKeyArgs,
    /// One may be made and kept, without a terminal as well.
    pub make: bool,
    /// It may be another one than that of earlier runs.
    pub change: bool,
}

/// Which server is asked for project and profile.
#[derive(Debug, Clone)]
pub enum Server {
    /// A Flywheel site.
    Site(ConnectionArgs),
    /// A server inside this process; without a folder, one is made.
    Sandbox(Option<PathBuf>),
    /// None.
    Offline,
}

/// What is done with the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkChoice {
    /// They are sent.
    Upload,
    /// They are written into this folder.
    Folder(PathBuf),
    /// Nothing: a dry run.
    DryRun,
}

/// How fast, and with how much memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Files cleaned at a time.
    pub jobs: usize,
    /// Uploads at a time; none where the run finds out how many help.
    pub uploads: Option<usize>,
    /// Whether packages are deflated.
    pub compression: Compression,
    /// Bytes of data under way.
    pub memory: u64,
    /// Whether signed URLs may be used.
    pub signed_urls: bool,
    /// How long nothing may move on a connection.
    pub idle_timeout: Duration,
    /// How long a server that is out is waited for; none for a few tries.
    pub patience: Option<Patience>,
    /// How long another run that is in the way is waited for.
    pub wait_lock: Duration,
    /// Bytes a second that all uploads together may take; none for no limit.
    pub bandwidth: Option<u64>,
    /// What earlier runs have sent does not count.
    pub fresh: bool,
    /// Failed files after which a run stops.
    pub max_failures: Option<u64>,
    /// How long until the server is asked again whether the same profile governs.
    pub profile_recheck: Duration,
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
pub struct Report {
    /// Where the failure report goes.
    pub path: PathBuf,
    /// Its format.
    pub format: ReportFormat,
    /// The user named it: it is written even when nothing failed.
    pub named: bool,
    /// The run sends and writes nothing: only a report that was named is written.
    pub rehearsal: bool,
    /// The folder for a report without a name of its own whose usual place cannot be written.
    pub fallback: Option<PathBuf>,
    /// Where what is said goes as well, with the time of each line.
    pub log: Option<PathBuf>,
    /// What became of each source file.
    pub manifest: Option<Audit>,
    /// What cleaning did to which attribute.
    pub deid_log: Option<Audit>,
    /// The page on which a person sees what would be sent.
    pub review: Option<PageForReview>,
    /// Where the progress is noted for the page that began the upload.
    pub page_progress: Option<Arc<PageProgress>>,
    /// The file that a summary for the page of a CI job is appended to.
    pub step_summary: Option<PathBuf>,
    /// Paths are replaced by keyed hashes.
    pub redact_paths: bool,
    /// What counts as success.
    pub strictness: Strictness,
}

/// A page on which a person sees what would be sent.
#[derive(Debug, Clone)]
pub struct PageForReview {
    /// Where it goes.
    pub path: PathBuf,
    /// Where the originals of its pictures are noted, where it is served on this machine and is not a
    /// file to be opened.
    pub served: Option<Arc<Originals>>,
    /// Every path that was typed or set: the page shows none of them.
    pub named_paths: Vec<PathBuf>,
}

impl Report {
    /// What is written down of each file.
    pub fn audits(&self) -> Audits {
        Audits {
            manifest: self.manifest.is_some(),
            deid_log: self.deid_log.is_some(),
            review: self.review.is_some(),
        }
    }

    /// Every file that the run writes for people, which may lie among the inputs.
    pub fn written(&self) -> Vec<PathBuf> {
        let audits = [&self.manifest, &self.deid_log];
        let audits = audits
            .into_iter()
            .flatten()
            .map(|audit| audit.path.clone());
        std::iter::once(self.path.clone())
            .chain(self.log.clone())
            .chain(
                self.review
                    .iter()
                    .map(|page| page.path.clone()),
            )
            .chain(audits)
            .collect()
    }
}

/// What is written down of each file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audits {
    /// What became of it.
    pub manifest: bool,
    /// What cleaning did to its attributes.
    pub deid_log: bool,
    /// What would be sent of its series, for a person to see.
    pub review: bool,
}

/// A file in which something is written down of each source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Where it goes.
    pub path: PathBuf,
    /// Its format.
    pub format: AuditFormat,
}

/// The format of such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// One JSON object per line.
    JsonLines,
    /// Comma-separated values.
    Csv,
}

impl Audit {
    /// A file that was named with this flag. Errors: [`Error::usage`].
    pub fn of_flag(flag: &str, path: &Path) -> Result<Self, Error> {
        let format = match ReportFormat::of(path) {
            Some(ReportFormat::JsonLines) => AuditFormat::JsonLines,
            Some(ReportFormat::Csv) => AuditFormat::Csv,
            _ => {
                return Err(Error::usage(
                    format!("the name given to {flag} does not say which format is meant"),
                    "end the name with .csv or .jsonl",
                ));
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            format,
        })
    }
}

/// What such a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// What became of each source file.
    Manifest,
    /// What cleaning did to which attribute.
    DeidLog,
    /// A page that shows what would be sent.
    ReviewPage,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Manifest, Self::DeidLog, Self::ReviewPage];
    /// As many bytes tell that a file is one.
    pub const LONGEST: usize = 64;

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::DeidLog => "log of changes",
            Self::ReviewPage => "page for review",
        }
    }

    /// The type of its first record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::DeidLog => "deid-log",
            Self::ReviewPage => "review",
        }
    }

    /// Whether a file that begins so is one.
    pub fn begins(self, file: &[u8]) -> bool {
        let begins: &[&[u8]] = match self {
            Self::Manifest => &[
                b"{\"type\":\"manifest\",\"v\":",
                b"path,path_bytes,status,reason,bytes,destination,",
            ],
            Self::DeidLog => &[
                b"{\"type\":\"deid-log\",\"v\":",
                b"path,path_bytes,place,tag,action,rule,table_code",
            ],
            // The page, and the list that is saved there.
            Self::ReviewPage => &[
                b"<!doctype html><!-- fwupload review -->",
                b"{\"type\":\"review\",\"v\":",
            ],
        };
        begins
            .iter()
            .any(|begin| file.starts_with(begin))
    }
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
    /// The XML of `JUnit`, for pages of CI systems. It cannot be read again.
    Junit,
    /// A summary in Markdown, likewise.
    Markdown,
}

impl ReportFormat {
    /// The format that the name of a file says.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path
            .extension()?
            .to_string_lossy()
            .to_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "xml" => Some(Self::Junit),
            "md" => Some(Self::Markdown),
            _ => None,
        }
    }

    /// The format of a file that was named with this flag. Errors: [`Error::usage`].
    pub fn of_flag(flag: &str, path: &Path) -> Result<Self, Error> {
        Self::of(path).ok_or_else(|| {
            Error::usage(
                format!("the name given to {flag} does not say which format is meant"),
                "end the name with .jsonl, .json, .csv, .xml for JUnit, or .md for a summary",
            )
        })
    }
}

/// How the name of a report begins while it is being made, in the folder where it will lie.
pub const UNFINISHED_REPORT: &str = ".fwupload-report-";

/// Where failures are written unless told otherwise.
pub const DEFAULT_REPORT: &str = "fwupload-failures.jsonl";

impl Config {
    /// The settings in force as names and values, for reports. Neither paths nor labels: both may
    /// identify.
    pub fn settings(&self) -> Vec<(String, String)> {
        let flag = |set: bool| if set { "yes" } else { "no" }.to_owned();
        let lower = |value: &dyn fmt::Debug| format!("{value:?}").to_lowercase();
        let or = |value: Option<String>, without: &str| value.unwrap_or_else(|| without.to_owned());
        let Self {
            input,
            packaging,
            transfer,
            ..
        } = self;
        let all = [
            ("package", lower(&packaging.package)),
            ("if-exists", lower(&packaging.if_exists)),
            ("other-files", lower(&input.files.other_files)),
            ("archives", lower(&input.files.archives)),
            ("keep-names", flag(input.keep_names)),
            ("follow", flag(input.files.follow)),
            (
                "filters",
                input
                    .files
                    .filters
                    .len()
                    .to_string(),
            ),
            ("field-filters", input.filters.len().to_string()),
            ("associate", input.associations.len().to_string()),
            ("rules", flag(packaging.placing.rules.is_some())),
            (
                "mappings",
                packaging
                    .placing
                    .map
                    .len()
                    .to_string(),
            ),
            ("folder-labels", flag(packaging.placing.folder_labels)),
            ("shard", or(input.shard.map(|s| s.to_string()), "none")),
            ("max-header", input.max_header.to_string()),
            ("subject-set", flag(packaging.subject.is_some())),
            (
                "subject-table",
                if packaging.table.extend_subjects {
                    "extended".to_owned()
                } else {
                    flag(packaging.table.subjects.is_some())
                },
            ),
            ("session-set", flag(packaging.session.is_some())),
            ("jobs", transfer.jobs.to_string()),
            (
                "uploads",
                or(
                    transfer
                        .uploads
                        .map(|n| n.to_string()),
                    "auto",
                ),
            ),
            ("compression", transfer.compression.to_string()),
            ("memory", transfer.memory.to_string()),
            ("signed-urls", flag(transfer.signed_urls)),
            ("residual", or(self.residual.map(|r| lower(&r)), "profile")),
        ];
        all.map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
