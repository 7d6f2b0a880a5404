//! The command line as it is typed: flags, subcommands and their help text.
//!
//! Owns clap; help, completions and parsing come from this one definition. It must never read a
//! file, look at a terminal or judge whether values go together: [`crate::config`] does the
//! judging.

mod commands;
mod completions;
mod man;
mod profile;
mod rules;
mod settings;
mod upload;
mod values;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::error::ErrorKind;
use clap::{ArgMatches, Command as Definition, CommandFactory, FromArgMatches, Parser};

use crate::failure::{Error, ExitStatus, RunCode};

pub use commands::{
    Command, ExplainCodeArgs, ManArgs, MergeArgs, PlanArgs, ReportCommand, SandboxArgs, ServerEra,
    SignedUrls, StorageKind,
};
pub use completions::{KnownNames, answer, is_asked, write_completions};
pub use man::{ManPage, man_pages};
pub use profile::{
    ConvertArgs, DiffArgs, ExplainArgs, FolderArgs, KeyArgs, LintArgs, ProfileCommand,
    ProfileSelectionArgs, RegionsArgs, ShowArgs, TestArgs,
};
pub use rules::{RulesCommand, RulesConvertArgs, RulesTestArgs};
pub use settings::{
    Asked, ConfigArgs, FileSettings, FileValue, ListedSetting, PathRule, PresetArgs, Setting,
    SettingsFile, Takes, check_values, file_settings, first_look, has_to_be_typed, listed,
};
pub use upload::{
    ConnectionArgs, DeidArgs, DestinationArgs, FieldFilterArgs, InputArgs, OutputArgs,
    PackagingArgs, PlacingArgs, PseudonymKeyArgs, ReportArgs, ReviewArgs, TransferArgs, UploadArgs,
    WalkArgs,
};
pub use values::{
    Archives, ColorWhen, Compression, Filter, IfExists, IfStudyElsewhere, IncompleteSeries,
    OtherFiles, PackageBy, PathList, ProfileLanguage, ProfileLevel, ProgressStyle, Residual, Shard,
    named_profile,
};

/// Words that are never paths when they stand first: commands, and names kept for commands of later
/// versions. The list is closed within a major version.
pub const RESERVED: [&str; 14] = [
    "login",
    "logout",
    "status",
    "profile",
    "explain",
    "report",
    "sandbox",
    "completions",
    "help",
    "rules",
    "review",
    "plan",
    "man",
    "config",
];

const EXAMPLES: &str = "\
Examples:
  fwupload ./study --project neuro/adni           clean and upload a folder
  fwupload ./study -p neuro/adni --dry-run        show what would happen, send nothing
  find . -name '*.dcm' -print0 | fwupload --files-from - --null -p neuro/adni";

const MORE: &str = "
A command word is a command only as the first argument; a folder of that name is written ./status
or follows `--`.

Every option that is a setting may also come from the environment: FWUPLOAD_ and its name, as in
FWUPLOAD_PROJECT or FWUPLOAD_CA_CERT. An empty variable counts as unset. `--dry-run`, `--yes`,
`--no-deid`, `--other-files`, `--from-plan`, `--new-pseudonym-key`, `--residual`, `--pictures`,
`--subjects`, `--extend-subjects`, `--save-subjects`, `--rules`, `--map`, `--folder-labels`,
`--associate`, `--filter`, `--skip-localizers`, `--skip-derived`, `--review`, `--approved` and
`--fresh` have to be typed.

What is typed each time can stand in `config.toml` in the folder for configuration, or in
`fwupload.toml` in the folder in which the program is run; `--preset NAME` adds the settings under
[preset.NAME]. `fwupload status --config` shows each setting and where it comes from.
The API key comes from `--api-key-file`, `--api-key-command`, FWUPLOAD_API_KEY, `fwupload login`, or
Flywheel's own user.json, in this order.
Proxies come from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, as in http://proxy.example:3128 or
socks5h://proxy.example:1080, and hosts that need none from NO_PROXY. Certificates come from the
system, SSL_CERT_FILE and `--ca-cert`.
The pseudonym key comes from `--pseudonym-key-file`, `--pseudonym-key-command`,
FWUPLOAD_PSEUDONYM_KEY, or a file that fwupload keeps for each site and project, in this order:
`fwupload profile key --project neuro/adni` says which one. To make one for several machines:
  (umask 077; openssl rand -hex 32 > adni.key)
  fwupload ./study --project neuro/adni --profile basic --pseudonym-key-file adni.key

Subject codes of your own come from a table, and what was sent can be traced back by a crosswalk:
  fwupload ./study -p neuro/adni --subjects codes.csv --dry-run
  fwupload ./study -p neuro/adni --subjects codes.csv --save-subjects ../private/crosswalk.csv
The table has a line of names and a row for each patient, visit or folder:
  patient_id,subject,session        path,subject,session
  0004711,S001,baseline             visit1/doe_j,S001,baseline
  0004712,S002,baseline             visit2/doe_j,S001,followup
`--dry-run` says which files have no row, and which rows no file uses.

Labels from folders, and files by what their headers say:
  fwupload ./study -p neuro/adni --map 'path={subject}/{session}/*' --dry-run
  fwupload ./study -p neuro/adni --filter Modality=MR --skip-localizers
  fwupload ./study -p neuro/adni --rules rules.yaml
`fwupload rules test rules.yaml ./study --profile basic` shows what rules make of each file.

Archives (zip, tar, tar.gz, gz) are read like folders, and nothing is unpacked to disk:
  fwupload study.zip -p neuro/adni --exclude 'study.zip::scout/'
  fwupload study.zip::series/IM0001 -p neuro/adni

What would go can be looked at in a browser first, and only what was approved is sent:
  fwupload ./study -p neuro/adni --review study.html
  fwupload ./study -p neuro/adni --approved approved.jsonl

Each run writes a report of the files that failed. `fwupload report merge` merges the reports of
several runs, for example of the shards of a job, into one; `--files-from` takes it like any other.

What the server confirmed is kept in a journal, so that the same command continues where an earlier
one stopped: only what is missing or has changed is sent. The journal is kept in the state folder
(FWUPLOAD_STATE_HOME names another one), and holds neither values nor names.

`fwupload explain CODE` says what a code in a message or a report means and what to do about it.
";

/// What the long help says below the flags.
fn below_long_help() -> String {
    let exit_codes = ExitStatus::ALL
        .iter()
        .map(|status| format!("\n{:>5}  {}", status.as_str(), status.sentence()));
    format!(
        "{EXAMPLES}\n{MORE}\nExit codes:{}",
        exit_codes.collect::<String>()
    )
}

/// What `--version` says: the number, and what was built. Recipes for releases state the commit in
/// `FWUPLOAD_COMMIT`.
fn long_version() -> String {
    let environment = if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "gnu") {
        "-gnu"
    } else {
        ""
    };
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    let commit = option_env!("FWUPLOAD_COMMIT").unwrap_or("not stated");
    let features = [
        ("sandbox", cfg!(feature = "sandbox")),
        ("keyring", cfg!(feature = "keyring")),
    ];
    let features: Vec<_> = features
        .iter()
        .filter_map(|(name, built)| built.then_some(*name))
        .collect();
    let features = if features.is_empty() {
        "none".to_owned()
    } else {
        features.join(", ")
    };
    format!(
        "{}\ncommit    {commit}\ntarget    {arch}-{os}{environment}\nfeatures  {features}",
        env!("CARGO_PKG_VERSION")
    )
}

/// The command line, as typed.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "fwupload",
    version,
    long_version = long_version(),
    about = "De-identify DICOM on this machine and upload it to Flywheel",
    override_usage = "fwupload [OPTIONS] --project PROJECT PATH...\n       fwupload COMMAND",
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = EXAMPLES,
    after_long_help = below_long_help(),
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

/// Parsing ended in something to show: help, the version, or what is wrong with the command line.
#[derive(Debug)]
pub struct Stop {
    error: clap::Error,
    /// What must not be shown of what was typed, the longest first.
    hidden: Vec<String>,
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        Self {
            error,
            hidden: Vec::new(),
        }
    }
}

impl Stop {
    /// Shows it on the stream where it belongs and gives the exit code: 0 for help and version,
    /// else 2.
    pub fn show(&self) -> u8 {
        let cleared = self.error.use_stderr() && !self.hidden.is_empty();
        // A reader that went away is no reason to fail differently.
        let _ = if cleared {
            io::stderr().write_all(self.text().as_bytes())
        } else {
            self.error.print()
        };
        u8::try_from(self.error.exit_code()).unwrap_or(2)
    }

    /// The text without colours.
    pub fn text(&self) -> String {
        self.hidden
            .iter()
            .fold(self.error.render().to_string(), |text, value| {
                text.replace(value, "(..)")
            })
    }

    /// Takes what was typed out of it, but for the names of flags, where paths are not to be shown.
    fn without_paths(mut self, arguments: &[OsString]) -> Self {
        let typed: Vec<_> = arguments
            .iter()
            .skip(1)
            .map(|argument| argument.to_string_lossy())
            .collect();
        let asked =
            std::env::var_os("FWUPLOAD_REDACT_PATHS").is_some_and(|value| !value.is_empty());
        if asked
            || typed
                .iter()
                .any(|argument| argument == "--redact-paths")
        {
            let value = |argument: &str| match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => Some(value.to_owned()),
                _ => (!argument.starts_with('-')).then(|| argument.to_owned()),
            };
            self.hidden = typed
                .iter()
                .filter_map(|argument| value(argument))
                .filter(|value| value.len() > 2)
                .collect();
            self.hidden
                .sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
        self
    }
}

/// Refuses a reserved word in first position that is not a command of this version; `arguments`
/// without the program's name.
pub fn refuse_reserved_word(arguments: &[OsString]) -> Result<(), Error> {
    let first = arguments
        .first()
        .and_then(|argument| argument.to_str());
    let Some(word) = first.filter(|first| RESERVED.contains(first)) else {
        return Ok(());
    };
    let mut commands = Cli::command();
    commands.build();
    if commands
        .find_subcommand(word)
        .is_some()
    {
        return Ok(());
    }
    let what = format!("`{word}` is a reserved word and not a command of this version");
    let hint = format!("write `./{word}` for a file or folder of that name");
    Err(Error::usage(what, hint))
}

/// Takes the word `review` away from in front of what is an upload; whether it was there. Without
/// anything behind it, or with a wish for help, it is a command like others.
pub fn without_review(mut arguments: Vec<OsString>) -> (Vec<OsString>, bool) {
    let text = |at: usize| {
        arguments
            .get(at)
            .and_then(|argument| argument.to_str())
    };
    let is_review = text(1) == Some("review");
    if !is_review || arguments.len() < 3 || matches!(text(2), Some("-h" | "--help")) {
        return (arguments, false);
    }
    arguments.remove(1);
    (arguments, true)
}

/// Parses the arguments, the first of which is the program's name, with what configuration files
/// say.
pub fn parse<I: IntoIterator<Item = OsString>>(
    arguments: I,
    settings: &FileSettings,
) -> Result<Cli, Stop> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    refuse_key_on_command_line(&arguments)?;
    let parsed = definition(settings)
        .try_get_matches_from(&arguments)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (mut cli, matches) = parsed.map_err(|error| Stop::from(error).without_paths(&arguments))?;
    cli.upload.filters = filters(&matches);
    cli.upload.not_typed = settings::not_typed(&matches, settings);
    cli.upload
        .settings_files
        .clone_from(&settings.told);
    match &mut cli.command {
        Some(Command::Profile(command)) => settle_profile(command, &matches),
        Some(Command::Rules(command)) => settle_rules(command, &matches),
        Some(Command::Plan(args)) => {
            if let Some((_, matches)) = matches.subcommand() {
                args.filters = filters(matches);
            }
        }
        _ => {}
    }
    Ok(cli)
}

/// The command that a word was probably meant to be, where it is none.
pub fn command_like(word: &str) -> Option<String> {
    if !word
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic())
    {
        return None;
    }
    let commands = definition(&FileSettings::default());
    let names = commands
        .get_subcommands()
        .map(clap::Command::get_name);
    let scored = names.map(|name| (dicom_deid::standard::likeness(word, name), name));
    scored
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.85)
        .map(|(_, name)| name.to_owned())
}

/// Applies what only the matches know of a `profile` command: the order of its filters, and that a
/// profile that was typed overrides a project that was not.
fn settle_profile(command: &mut ProfileCommand, matches: &ArgMatches) {
    let inner = matches
        .subcommand()
        .and_then(|(_, profile)| profile.subcommand());
    let Some((_, matches)) = inner else { return };
    let (project, overridden) = match command {
        ProfileCommand::Test(TestArgs { folders, .. })
        | ProfileCommand::Regions(RegionsArgs { folders, .. }) => {
            folders.filters = filters(matches);
            return;
        }
        ProfileCommand::Show(ShowArgs { selection, .. })
        | ProfileCommand::Lint(LintArgs { selection, .. })
        | ProfileCommand::Explain(ExplainArgs { selection, .. }) => {
            (&mut selection.project, selection.profile.is_some())
        }
        ProfileCommand::Diff(args) => (&mut args.project, args.profiles.len() == 2),
        ProfileCommand::List | ProfileCommand::Convert(_) | ProfileCommand::Key(_) => return,
    };
    if overridden && settings::is_not_typed(matches, "project") {
        *project = None;
    }
}

/// Applies what only the matches know of a `rules` command: the order of its filters, and that
/// headers which were asked for as they are override a profile that was not typed.
fn settle_rules(command: &mut RulesCommand, matches: &ArgMatches) {
    let inner = matches
        .subcommand()
        .and_then(|(_, rules)| rules.subcommand());
    if let (RulesCommand::Test(args), Some((_, matches))) = (command, inner) {
        args.folders.filters = filters(matches);
        if args.headers_as_they_are && settings::is_not_typed(matches, "profile") {
            args.profile = None;
        }
    }
}

/// The upload whose files a plan lists: a dry run that asks no server.
///
/// # Errors
/// The words below are no upload, which is a defect.
pub fn upload_to_plan(args: &PlanArgs) -> Result<UploadArgs, Error> {
    let words = [
        "fwupload",
        "-p",
        "plan/plan",
        "--offline",
        "-n",
        "--no-deid",
    ];
    let parsed = Cli::command()
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| Error::new(RunCode::Internal, error.render().to_string()))?;
    let mut upload = parsed.upload;
    upload.input.walk = args.walk.clone();
    upload
        .filters
        .clone_from(&args.filters);
    upload.transfer.jobs = args.jobs;
    let packaging = &mut upload.destination.packaging;
    packaging
        .subject
        .clone_from(&args.subject);
    packaging.merge_patients = args.merge_patients;
    packaging.table = args.table.clone();
    packaging.placing = args.placing.clone();
    Ok(upload)
}

/// The definition with everything that may be set without being typed.
fn definition(settings: &FileSettings) -> Definition {
    with_settings(Cli::command(), &[], settings)
}

fn with_settings(command: Definition, words: &[&str], settings: &FileSettings) -> Definition {
    let command = match own_flags(words) {
        Some(own) => {
            settings::with_site_names(settings::with_settings(command, own, settings), settings)
        }
        None => command,
    };
    command.mut_subcommands(|inner| {
        let name = inner.get_name().to_owned();
        with_settings(inner, &[words, &[&name]].concat(), settings)
    })
}

/// The flags of a command that are no settings of uploads; none where the command takes no setting
/// from elsewhere.
fn own_flags(words: &[&str]) -> Option<&'static [&'static str]> {
    match words {
        [] | ["login" | "status"] => Some(&[]),
        // What is forgotten has to be typed.
        ["logout"] => Some(&["all", "site"]),
        ["plan"] => Some(&commands::PLAN_NOT_FROM_ENVIRONMENT),
        ["profile", _] => Some(&profile::NOT_FROM_ENVIRONMENT),
        ["rules", "test"] => Some(&rules::NOT_FROM_ENVIRONMENT),
        _ => None,
    }
}

/// Flags that do not exist on purpose, and what to use instead.
const KEYS_NOT_TYPED: [(&str, &str); 2] = [
    (
        "--api-key",
        "`--api-key-file FILE`, `--api-key-command COMMAND`, FWUPLOAD_API_KEY or `fwupload \
            login`; if this key was real, make a new one",
    ),
    (
        "--pseudonym-key",
        "`--pseudonym-key-file FILE`, `--pseudonym-key-command COMMAND` or FWUPLOAD_PSEUDONYM_KEY",
    ),
];

/// A key on the command line is visible to every user of the machine, so there is no flag for one.
fn refuse_key_on_command_line(arguments: &[OsString]) -> Result<(), Stop> {
    let typed: Vec<_> = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .map(|argument| argument.to_string_lossy())
        .collect();
    let is_typed = |flag: &str| {
        typed
            .iter()
            .any(|argument| argument.split('=').next() == Some(flag))
    };
    let Some((flag, instead)) = KEYS_NOT_TYPED
        .iter()
        .find(|(flag, _)| is_typed(flag))
    else {
        return Ok(());
    };
    let message = format!(
        "there is no `{flag}`: other users of this machine could read the key from the command \
            line\nhint: use {instead}"
    );
    Err(definition(&FileSettings::default())
        .error(ErrorKind::UnknownArgument, message)
        .into())
}

/// The two kinds of filter merged in typing order, because the last match wins across both.
fn filters(matches: &ArgMatches) -> Vec<Filter> {
    let mut all = Vec::new();
    for (id, include) in [("include", true), ("exclude", false)] {
        let indices = matches
            .indices_of(id)
            .into_iter()
            .flatten();
        let globs = matches
            .get_many::<String>(id)
            .into_iter()
            .flatten();
        let typed = !settings::is_not_typed(matches, id);
        all.extend(
            indices
                .zip(globs)
                .map(|(index, glob)| (typed, index, Filter::typed(include, glob))),
        );
    }
    // What was not typed comes first, so that what was typed may overrule it.
    all.sort_by_key(|(typed, index, _)| (*typed, *index));
    all.into_iter()
        .map(|(_, _, filter)| filter)
        .collect()
}

#[cfg(test)]
mod tests;
