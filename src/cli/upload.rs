//! The flags of the upload, in the groups in which `--help` shows them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{ArgAction, Args};

use super::settings::{ConfigArgs, SettingsFile};
use super::values::{
    Archives, ColorWhen, Compression, Filter, IfExists, IfStudyElsewhere, IncompleteSeries,
    OtherFiles, PackageBy, PathList, ProgressStyle, Residual, Shard, named_profile, whole_number,
};

/// Headings of `--help`.
pub const INPUT: &str = "Input";
pub const DEID: &str = "De-identification";
pub const DESTINATION: &str = "Destination";
pub const TRANSFER: &str = "Transfer";
pub const OUTPUT: &str = "Output";
pub const REPORTS: &str = "Reports";

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
    /// `review` stood first: it is shown before anything is sent.
    #[arg(skip)]
    pub is_review: bool,
    /// Which settings of configuration files count.
    #[command(flatten, next_help_heading = REPORTS)]
    pub config: ConfigArgs,
    /// Names of the flags (without dashes) that were not typed, and what set them.
    #[arg(skip)]
    pub not_typed: BTreeMap<String, String>,
    /// The configuration files that say something.
    #[arg(skip)]
    pub settings_files: Vec<SettingsFile>,
}

impl UploadArgs {
    /// Every path that was typed or set: names of files and folders often identify a person.
    pub fn named_paths(&self) -> Vec<PathBuf> {
        let lists = self
            .input
            .walk
            .files_from
            .iter()
            .filter_map(|list| match list {
                PathList::File(path) => Some(path.clone()),
                PathList::Stdin => None,
            });
        let key = &self
            .deid
            .pseudonym_key
            .pseudonym_key_file;
        let folders = [
            &self.input.from_plan,
            &self.destination.output,
            &self.config.config,
            &self.report.report,
            &self.connection.api_key_file,
            &self.connection.ca_cert,
            &self.report.log_file,
            &self.report.manifest,
            &self.report.deid_log,
            &self.destination.review.review,
            &self.destination.review.approved,
            &self.deid.pictures,
            &self
                .destination
                .packaging
                .table
                .subjects,
            &self
                .destination
                .packaging
                .placing
                .rules,
            &self
                .destination
                .packaging
                .save_subjects,
            &self
                .destination
                .packaging
                .save_subjects_keyed,
            key,
        ];
        let others = folders
            .into_iter()
            .flatten()
            .chain(
                self.destination
                    .sandbox
                    .iter()
                    .flatten(),
            )
            .cloned();
        let profile = self
            .deid
            .profile
            .as_deref()
            .and_then(named_profile);
        let files = self
            .settings_files
            .iter()
            .map(|file| file.path.clone());
        self.input
            .walk
            .paths
            .iter()
            .cloned()
            .chain(files)
            .chain(lists)
            .chain(others)
            .chain(profile)
            .collect()
    }
}

/// Flags under "Input".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = INPUT)]
pub struct InputArgs {
    /// Which files are read.
    #[command(flatten)]
    pub walk: WalkArgs,
    /// What to do with files that are not DICOM
    ///
    /// `upload` attaches them as they are, uncleaned, once that is confirmed: to the acquisition,
    /// session or subject that the DICOM files of the nearest folder have in common. Each is looked
    /// into first, archives too: what holds DICOM fails, and so does an archive that cannot be
    /// looked into.
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub other_files: OtherFiles,
    /// Attach other files to the image that they belong to by their paths, as in
    /// 'raw/{SeriesNumber}_*.dat'
    ///
    /// A glob relative to each PATH, with fields of the cleaned header in it. A file that it names
    /// goes to the acquisition of that image, before what lies in the nearest folder is asked; one
    /// that belongs to several fails. May be repeated; with `--other-files upload`.
    #[arg(long, value_name = "PATTERN", hide_short_help = true)]
    pub associate: Vec<String>,
    /// Keep the names of other files: names and folders may identify
    #[arg(long, hide_short_help = true)]
    pub keep_names: bool,
    /// Take the I-th of N parts of the studies, as in 2/8: for N runs of the same command on
    /// several machines
    ///
    /// Which part a study belongs to depends on its UID alone, or on the plan that `--from-plan`
    /// names. All runs need the same profile and key of pseudonyms; nothing else ties them together.
    /// `fwupload report merge` makes one report of theirs.
    #[arg(long, value_name = "I/N", hide_short_help = true)]
    pub shard: Option<Shard>,
    /// Read the files that the plan in DIR lists for the shard, in the place of walking
    ///
    /// `fwupload plan` makes plans. With `--shard`, and without a PATH; which files are taken is
    /// said where the plan is made. A file that changed since then, or is gone, fails.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub from_plan: Option<PathBuf>,
    /// Leave for the next run what changed within DURATION (90s, 15m, 2h): it is still arriving
    ///
    /// A series waits as a whole as long as one of its files is as new, and so do files of other
    /// kinds beside it. What waits is counted as skipped. Run again and again, as by a timer, this
    /// watches a folder.
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    pub min_age: Option<String>,
    /// What to do with series that have fewer instances than their headers state
    ///
    /// `hold` leaves them for the next run, by Number of Series Related Instances or Images in
    /// Acquisition, where files have these. Scanners count an acquisition of which two series were
    /// made for both: such series would wait for good, and go with `send`.
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub incomplete_series: IncompleteSeries,
}

/// Which files are read; for uploads and for plans of shards.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = INPUT)]
pub struct WalkArgs {
    /// Files and folders to read
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read further paths from FILE, one per line, or from standard input (-)
    ///
    /// A failure report of an earlier run (.jsonl, .json, .csv) works too: its failed files are
    /// tried again.
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().map(PathList::from))]
    pub files_from: Vec<PathList>,
    /// Paths of `--files-from` end with NUL, not with a line break
    #[arg(long, hide_short_help = true)]
    pub null: bool,
    /// Take only what matches GLOB (gitignore syntax, relative to each PATH)
    ///
    /// May be repeated and mixed with `--exclude`: the last one that matches a file or a folder
    /// above it decides. What none of them matches is left out if the first of them is an
    /// `--include`. Files that are named or listed are always taken.
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out what matches GLOB; see `--include`
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Which files by path and header.
    #[command(flatten)]
    pub fields: FieldFilterArgs,
    /// Follow symbolic links
    #[arg(long, hide_short_help = true)]
    pub follow: bool,
    /// What to do with archives: zip, tar, tar.gz and gz
    ///
    /// `read` reads them like folders, also those inside another one: a member is named as in
    /// `study.zip::series/IM0001`, in filters and `--files-from` too. Nothing is unpacked to disk.
    /// See docs/archives.md.
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub archives: Archives,
    /// Refuse files whose data elements around the pixel data exceed SIZE [default: 64MiB]
    ///
    /// Texts of more than 64 KiB may together take an eighth of it.
    #[arg(long, value_name = "SIZE", hide_short_help = true)]
    pub max_header: Option<String>,
}

/// Filters over what paths and headers say.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = INPUT)]
pub struct FieldFilterArgs {
    /// Take only files that FILTER fits, as in Modality=MR or 'path!~**/localizer/**'
    ///
    /// In the language of Flywheel's import rules: path, name, dir, ext, depth, size, mtime or
    /// ctime, a DICOM keyword or number, or a private element as (0019,100C,"CREATOR"); then one of
    /// = != < > <= >= =~ !~ and a value, or ` exists`. Headers are looked at as they were found. May be
    /// repeated: all have to fit. A field that a file does not have fits nothing.
    #[arg(long, value_name = "FILTER", hide_short_help = true)]
    pub filter: Vec<String>,
    /// Take only files of these modalities, as in MR,PT
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub modality: Vec<String>,
    /// Leave out images whose Image Type says LOCALIZER
    #[arg(long, hide_short_help = true)]
    pub skip_localizers: bool,
    /// Leave out images whose Image Type says DERIVED
    #[arg(long, hide_short_help = true)]
    pub skip_derived: bool,
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
    ///
    /// To be confirmed at the terminal, or with `-y`; no environment variable stands for it.
    #[arg(long)]
    pub no_deid: bool,
    /// Where the key of pseudonyms comes from.
    #[command(flatten)]
    pub pseudonym_key: PseudonymKeyArgs,
    /// Make a key for the project's pseudonyms and keep it, where there is none yet
    ///
    /// On a terminal that happens by itself. Elsewhere a run without a key stops, since a job that
    /// starts each time on a fresh machine would make new pseudonyms for the same patients each
    /// time.
    #[arg(long, hide_short_help = true)]
    pub new_pseudonym_key: bool,
    /// Use another key for the project's pseudonyms than earlier runs did
    ///
    /// Without it such a run stops: the same patients would get other pseudonyms and appear as
    /// further ones. `-y` does not stand for it.
    #[arg(long, hide_short_help = true)]
    pub change_pseudonym_key: bool,
    /// What happens to a file in which a removed value is found again; overrides the profile's
    /// `residual`
    #[arg(long, value_name = "HOW", value_enum, hide_short_help = true)]
    pub residual: Option<Residual>,
    /// Write frames in which text was found into DIR, before and after, as PNG pictures
    ///
    /// To be looked at, best with `--dry-run` first: frames in which something was blanked, and
    /// frames for which a file fails, the places marked. They show what identifies, are yours alone,
    /// and are not sent. DIR is created; pictures that lie there stay. With `--redact-paths` their
    /// names are numbers.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub pictures: Option<PathBuf>,
}

/// Where the key of pseudonyms comes from; also for the subcommands that clean or that show it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = DEID)]
pub struct PseudonymKeyArgs {
    /// Read the key that pseudonyms are made with from FILE, which must be yours alone
    ///
    /// On Windows it is not checked who may read FILE.
    ///
    /// 64 hexadecimal digits, as `openssl rand -hex 32` prints them. The same key gives the same
    /// pseudonyms on any machine; another key gives others. Only profiles with a section
    /// `confidentiality` need one.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub pseudonym_key_file: Option<PathBuf>,
    /// Run COMMAND and take its output as that key
    #[arg(long, value_name = "COMMAND", hide_short_help = true)]
    pub pseudonym_key_command: Option<String>,
}

/// Flags under "Destination".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct DestinationArgs {
    /// The project: group/project, its id, or a label that only it has
    ///
    /// The address of one of its pages, as the browser shows it, does as well.
    #[arg(short, long)]
    pub project: Option<String>,
    /// Which containers and packages are made in it.
    #[command(flatten)]
    pub packaging: PackagingArgs,
    /// Do everything but send or write
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Write the packages into a folder instead of sending them
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What a person looks at first.
    #[command(flatten)]
    pub review: ReviewArgs,
    /// Ask no server; with `--dry-run` or `--output`, and `--profile` or `--no-deid`
    #[arg(long, hide_short_help = true)]
    pub offline: bool,
    /// Upload to a server inside this process that keeps its files in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub sandbox: Option<Option<PathBuf>>,
}

/// What a person looks at before anything is sent.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct ReviewArgs {
    /// Send nothing, and write a page that shows in a browser what would be sent
    ///
    /// For each series where it would go, small pictures of the cleaned frames, what the header lost
    /// and what it is now; what is refused, and why. The page asks nothing of any network, holds no
    /// original value and no path, and is yours alone. In it series are approved or rejected, and the
    /// list of them saved for `--approved`.
    #[arg(long, value_name = "FILE.html", hide_short_help = true)]
    pub review: Option<PathBuf>,
    /// Send only series that FILE approves, as the page of `--review` saved it
    ///
    /// A series whose cleaned bytes are not those that were shown fails, and one that FILE does not
    /// approve is skipped. Project, profile, pseudonym key and version of fwupload have to be the
    /// same.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub approved: Option<PathBuf>,
}

/// The user's own table of subjects.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct SubjectTableArgs {
    /// Take subjects, sessions and acquisitions from TABLE (.csv, .tsv or .xlsx)
    ///
    /// Its first line names the columns. Keys: `path` (file, folder or glob below the input, the
    /// longest that fits), `patient_id`, `patient_name`, `accession_number` or any other keyword,
    /// compared with the original values in memory, all of them at once. Results: `subject`,
    /// `session`, `acquisition`; an empty cell of the last two leaves it to the cleaned header. Lines
    /// that are blank or begin with # do not count. A file without a row fails. Tables of Flywheel's
    /// own client work too.
    #[arg(long, value_name = "TABLE", hide_short_help = true)]
    pub subjects: Option<PathBuf>,
    /// Give who is not in the table of `--subjects` the next code, and add a row for each
    ///
    /// For tables of Flywheel's own client, whose first line says how codes are written, as in
    /// S{SubjectCode:03},PatientID. Codes follow the highest in the table, in the order of the
    /// values. The table is written before anything is sent, and holds the original values.
    #[arg(long, requires = "subjects", hide_short_help = true)]
    pub extend_subjects: bool,
}

/// Which containers and packages are made in the project, and what they may replace.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct PackagingArgs {
    /// Create the project when it does not exist
    #[arg(long, hide_short_help = true)]
    pub create_project: bool,
    /// Put everything under this subject label
    #[arg(long, value_name = "LABEL", hide_short_help = true)]
    pub subject: Option<String>,
    /// Which labels files get by rules.
    #[command(flatten)]
    pub placing: PlacingArgs,
    /// The table of subjects.
    #[command(flatten)]
    pub table: SubjectTableArgs,
    /// Write down in FILE, as CSV, which patient became which subject
    ///
    /// Original Patient ID and issuer, name, accession number and UIDs, with the labels that they
    /// went to. It identifies: it is yours alone, is not sent and lies in no input or output. A
    /// crosswalk of an earlier run is continued. Nothing is sent before its row is written, and all
    /// series are cleaned again, those that the server has too.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub save_subjects: Option<PathBuf>,
    /// The same with keyed digests in place of original values
    ///
    /// Made with the pseudonym key: its holder finds the row of a patient who is known.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub save_subjects_keyed: Option<PathBuf>,
    /// Let `--subject` or `--subjects` make one subject of several patients
    ///
    /// Without it such a run stops before anything is sent. Patients are told apart by Patient ID
    /// and its issuer.
    #[arg(long, hide_short_help = true)]
    pub merge_patients: bool,
    /// What to do with a study that is in the project already, under another subject
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub if_study_elsewhere: IfStudyElsewhere,
    /// Put everything under this session label
    #[arg(long, value_name = "LABEL", hide_short_help = true)]
    pub session: Option<String>,
    /// One package per series or per instance
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub package: PackageBy,
    /// What to do when a file of the same name is already there
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub if_exists: IfExists,
    /// Let what this run sends take the place of what earlier runs sent of the same series
    ///
    /// A package that holds instances which are not among the files of this run is replaced, and
    /// packages under other names whose instances are all sent anew are deleted. Without it nothing
    /// on a server is lost or deleted. Only what the journal says that fwupload put there is meant.
    #[arg(long, hide_short_help = true)]
    pub supersede: bool,
}

/// Rules by which files get their labels.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = DESTINATION)]
pub struct PlacingArgs {
    /// Place files by the rules in FILE (.yaml or .toml), in Flywheel's import-rule language
    ///
    /// The first rule whose filters fit takes a file, and what no rule takes is left out. What
    /// decides may look at the original header; what is written comes only from the path by
    /// explicit mapping, from the cleaned header, or from a constant of the rules. A file that lacks
    /// a label fails. `fwupload rules test` shows what rules do.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub rules: Option<PathBuf>,
    /// Take labels from paths or the cleaned header, as in 'path={subject}/{session}/*'
    ///
    /// A rule of one mapping for all DICOM files; may be repeated, earlier ones come first. What
    /// none gives comes from the cleaned header.
    #[arg(long, value_name = "MAPPING", hide_short_help = true)]
    pub map: Vec<String>,
    /// Let names of folders be labels where rules and header give none
    ///
    /// The folder of a file names its acquisition, the one above the session, the one above that
    /// the subject, as Flywheel's own importer does it. Folder names often identify.
    #[arg(long, hide_short_help = true)]
    pub folder_labels: bool,
}

/// Which server, which key, and how the server is reached; also for the subcommands that ask a
/// server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = TRANSFER)]
pub struct ConnectionArgs {
    /// The Flywheel site, when the key does not say or keys for several are stored
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub site: Option<String>,
    /// Read the API key from FILE, which must be yours alone
    ///
    /// On Windows it is not checked who may read FILE.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
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
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = whole_number::<usize>,
        hide_short_help = true
    )]
    pub jobs: Option<usize>,
    /// Uploads at a time; fewer while the server asks for that [default: 4 to 16, by throughput]
    #[arg(long, value_name = "N", value_parser = whole_number::<usize>, hide_short_help = true)]
    pub uploads: Option<usize>,
    /// Deflate the zips of series: auto, none, or from 1 (fast) to 9 (small)
    ///
    /// `auto` deflates while the network is slower than the cores, which shows once a run has gone
    /// on for a while. Images that are compressed already and single instances stay as they are.
    #[arg(long, value_name = "HOW", default_value_t, hide_short_help = true)]
    pub compression: Compression,
    /// Memory for data under way [default: 64MiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true)]
    pub memory: Option<String>,
    /// Send everything through the site itself, never to its storage host directly
    #[arg(long, hide_short_help = true)]
    pub no_signed_urls: bool,
    /// Give a connection up on which nothing moves for SECONDS [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = whole_number::<u64>, hide_short_help = true)]
    pub idle_timeout: Option<u64>,
    /// Wait this long for a server that cannot be reached, or says that it cannot work now
    /// [default: 15m; 1m at the start]
    ///
    /// As in 90s, 15m or 2h. All uploads pause meanwhile. At the start, while the server has not
    /// answered in this run, it may be the wrong one: a minute is enough unless this flag says
    /// otherwise. With 0 a request is given up after five tries.
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    pub retry_for: Option<String>,
    /// Wait this long for another run that sends the same inputs to this project to end, as in 2h
    /// [default: 5s]
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    pub wait_lock: Option<String>,
    /// Send at most RATE bytes a second, all uploads together, as in 20M or 512K
    #[arg(long, value_name = "RATE", hide_short_help = true)]
    pub bwlimit: Option<String>,
    /// Do not look at what earlier runs have sent; the server is still asked what it has
    #[arg(long, hide_short_help = true)]
    pub fresh: bool,
    /// Stop when N files have failed [default: go on to the end]
    ///
    /// Uploads under way may finish. What was not begun fails as `upload.stopped`, and the same
    /// command goes on with it.
    #[arg(long, value_name = "N", value_parser = whole_number::<u64>, hide_short_help = true)]
    pub max_failures: Option<u64>,
    /// Stop when a file has failed: `--max-failures 1`
    #[arg(long, hide_short_help = true)]
    pub fail_fast: bool,
    /// Ask again every N seconds whether the server's profile is still the same [default: 120]
    #[arg(long, value_name = "N", hide = true)]
    pub profile_recheck: Option<u64>,
}

/// Flags under "Output".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct OutputArgs {
    /// Say less: errors, warnings and the last line; twice: nothing
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
    /// Say more: every notice and a line per file; twice: requests and timings
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write events to standard output, one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// How progress is shown
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub progress: ProgressStyle,
    /// When to use colour
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_short_help = true
    )]
    pub color: ColorWhen,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
}

/// Flags under "Reports".
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = REPORTS)]
pub struct ReportArgs {
    /// Write the failure report to FILE (.jsonl, .json, .csv; .xml or .md for pages of CI systems)
    ///
    /// Without this flag, `fwupload-failures.jsonl` is written in the current folder when a file
    /// failed. What .md holds is also appended to the file that `GITHUB_STEP_SUMMARY` names.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub report: Option<PathBuf>,
    /// Append what `-v` shows to FILE, each line with its time
    ///
    /// FILE is made readable by you alone, and has to be so where it is there; on
    /// Windows it has the rights of its folder.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub log_file: Option<PathBuf>,
    /// Write down in FILE (.csv or .jsonl) what became of every source file
    ///
    /// Each once, those that were already there too: status and reason, where it went and as which
    /// file, their ids, UIDs after cleaning, SHA-256 of what was sent of it, digest of the profile.
    /// FILE joins paths to new UIDs: it is yours alone and is not sent. It is there when the run
    /// ends; the last line of one that was stopped says that it is not whole. All series are cleaned
    /// again, those that the server has too.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub manifest: Option<PathBuf>,
    /// Write down in FILE (.csv or .jsonl) what cleaning did to which attribute, file by file
    ///
    /// What happened to it and which rule or setting did that, without values. Series that the
    /// server has already are not cleaned again, and so not in it, unless `--manifest` or `--fresh`
    /// is given.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub deid_log: Option<PathBuf>,
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
