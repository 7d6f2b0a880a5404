//! Settings that are not typed: from environment variables, and from configuration files, whose
//! reading is [`crate::config_file`]'s.
//!
//! Owns which flags may be set in which way. What is typed goes before the environment, that before
//! files, and those before what the program does by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, StringValueParser, TypedValueParser, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command as Definition, CommandFactory};

use super::{Cli, definition};

/// Flags that no environment variable may set: they are decisions about one run, not settings.
const NOT_FROM_ENVIRONMENT: [&str; 28] = [
    "review",
    "approved",
    "dry-run",
    "yes",
    "no-deid",
    "other-files",
    "from-plan",
    "new-pseudonym-key",
    "change-pseudonym-key",
    "residual",
    "pictures",
    "subjects",
    "extend-subjects",
    "rules",
    "map",
    "folder-labels",
    "associate",
    "filter",
    "skip-localizers",
    "skip-derived",
    "save-subjects",
    "save-subjects-keyed",
    "supersede",
    "merge-patients",
    "fresh",
    "show-secrets",
    "help",
    "version",
];

/// Flags that no configuration file may set: what they decide is decided anew for each run, or is
/// which files are read.
const NOT_FROM_FILES: [&str; 28] = [
    "review",
    "approved",
    "dry-run",
    "yes",
    "output",
    "offline",
    "sandbox",
    "files-from",
    "null",
    "shard",
    "shards",
    "from-plan",
    "new-pseudonym-key",
    "change-pseudonym-key",
    "pictures",
    "extend-subjects",
    "save-subjects",
    "save-subjects-keyed",
    "supersede",
    "merge-patients",
    "fresh",
    "profile-recheck",
    "config",
    "no-config",
    "preset",
    "help",
    "version",
    "show-secrets",
];

/// Flags that a stronger source makes pointless: the first is left out where one of the others is
/// set by something that goes before it. Of `--no-deid` and a profile, only the profile wins.
const ALTERNATIVES: [(&str, &[&str]); 8] = [
    ("api-key-file", &["api-key-command", "api-key"]),
    ("api-key-command", &["api-key-file", "api-key"]),
    (
        "pseudonym-key-file",
        &["pseudonym-key-command", "pseudonym-key"],
    ),
    (
        "pseudonym-key-command",
        &["pseudonym-key-file", "pseudonym-key"],
    ),
    ("no-deid", &["profile"]),
    ("rules", &["map"]),
    ("map", &["rules"]),
    ("quiet", &["verbose"]),
];

/// Which configuration files are read; for every command that settings matter to.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Take settings from FILE alone, not from config.toml and fwupload.toml
    #[arg(
        long,
        value_name = "FILE",
        hide_short_help = true,
        conflicts_with = "no_config"
    )]
    pub config: Option<PathBuf>,
    /// Which settings of them.
    #[command(flatten)]
    pub preset: PresetArgs,
}

/// Which settings of configuration files count.
#[derive(Debug, Clone, Default, Args)]
pub struct PresetArgs {
    /// Take no settings from configuration files
    #[arg(long, hide_short_help = true)]
    pub no_config: bool,
    /// Use the settings under [preset.NAME] of a configuration file
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub preset: Option<String>,
}

/// What was typed and set, as far as it decides what configuration files have to say.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The file of `--config`.
    pub config: Option<PathBuf>,
    /// `--no-config`.
    pub no_config: bool,
    /// `--preset`.
    pub preset: Option<String>,
    /// `--site`.
    pub site: Option<String>,
    /// The paths to read.
    pub inputs: Vec<PathBuf>,
    /// Names of the flags that are typed or set by the environment.
    pub set: BTreeSet<String>,
}

/// What configuration files say: the values that count, the strongest source of each.
#[derive(Debug, Clone, Default)]
pub struct FileSettings {
    /// By the name of the flag.
    pub values: BTreeMap<String, FileValue>,
    /// The addresses of sites by their names.
    pub sites: BTreeMap<String, String>,
    /// The files that say something, to be told.
    pub told: Vec<SettingsFile>,
}

/// What a configuration file says about one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileValue {
    /// As they would be typed; several for flags that may be repeated.
    pub values: Vec<String>,
    /// What sort of source it is: `project file`, `preset`.
    pub source: &'static str,
    /// Where it stands: a file and a line.
    pub place: String,
}

/// A configuration file that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// The file, or the file and a part of it.
    pub named: String,
    /// Its path.
    pub path: PathBuf,
    /// Names of the settings that count; none where the file is left unread.
    pub settings: Vec<String>,
    /// It is the user's own file, which says the same for every run.
    pub own: bool,
}

/// A setting in force, as `status --config` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSetting {
    /// The name of the flag.
    pub name: String,
    /// Its values; none where it has none by itself.
    pub values: Vec<String>,
    /// What sort of source they come from.
    pub source: &'static str,
    /// The variable, or the file and line.
    pub place: Option<String>,
}

/// A flag that configuration files may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, without dashes.
    pub name: String,
    /// What it takes.
    pub takes: Takes,
    /// Its value is a path, or may be one.
    pub path: PathRule,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// True or false.
    Switch,
    /// How often a flag is repeated.
    Count,
    /// One value.
    One,
    /// A list.
    Many,
}

/// Whether the value of a setting is a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    /// Never.
    Never,
    /// Always.
    Always,
    /// Where it does not look like a name: profiles.
    Profile,
}

impl FileSettings {
    /// Adds what a source says that is weaker than all before: values that are there already stay,
    /// and so do alternatives that were typed or set.
    pub fn add_weaker(
        &mut self,
        values: BTreeMap<String, FileValue>,
        asked: &Asked,
    ) -> Vec<String> {
        let pointless = |settings: &Self, name: &str| {
            ALTERNATIVES
                .iter()
                .filter(|(weaker, _)| *weaker == name)
                .flat_map(|(_, others)| others.iter())
                .any(|other| asked.set.contains(*other) || settings.values.contains_key(*other))
        };
        let added: Vec<_> = values
            .into_iter()
            .filter(|(name, _)| !self.values.contains_key(name) && !pointless(self, name))
            .collect();
        let names = added
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        self.values.extend(added);
        names
    }
}

impl Setting {
    fn of(arg: &Arg) -> Option<Self> {
        let name = arg.get_long()?;
        if NOT_FROM_FILES.contains(&name) {
            return None;
        }
        let takes = match arg.get_action() {
            ArgAction::SetTrue => Takes::Switch,
            ArgAction::Count => Takes::Count,
            ArgAction::Append => Takes::Many,
            _ => Takes::One,
        };
        let path = if name == "profile" {
            PathRule::Profile
        } else if arg.get_value_parser().type_id() == ValueParser::path_buf().type_id() {
            PathRule::Always
        } else {
            PathRule::Never
        };
        Some(Self {
            name: name.to_owned(),
            takes,
            path,
        })
    }
}

/// Every flag that configuration files may set.
pub fn file_settings() -> Vec<Setting> {
    Cli::command()
        .get_arguments()
        .filter_map(Setting::of)
        .collect()
}

/// Whether there is a flag of this name for uploads that no file may set.
pub fn has_to_be_typed(name: &str) -> bool {
    NOT_FROM_FILES.contains(&name)
}

/// Checks values as if they were typed; the first one that is none, and why.
pub fn check_values(values: &BTreeMap<String, FileValue>) -> Result<(), (String, String)> {
    let with_values: BTreeSet<_> = file_settings()
        .into_iter()
        .filter(|setting| matches!(setting.takes, Takes::One | Takes::Many))
        .map(|setting| setting.name)
        .collect();
    let typed = values
        .iter()
        .filter(|(name, _)| with_values.contains(*name))
        .flat_map(|(name, value)| {
            let typed = move |text| OsString::from(format!("--{name}={text}"));
            value.values.iter().map(typed)
        });
    let arguments = [OsString::from("fwupload")]
        .into_iter()
        .chain(typed)
        .chain([OsString::from("--"), OsString::from(".")]);
    let Err(error) = Cli::command().try_get_matches_from(arguments) else {
        return Ok(());
    };
    if !matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals
    ) {
        return Ok(());
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return Ok(());
    };
    let name = flag
        .trim_start_matches('-')
        .split([' ', '='])
        .next()
        .unwrap_or_default()
        .to_owned();
    let why = std::error::Error::source(&error).map_or_else(
        || match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) => format!("may be {}", values.join(", ")),
            _ => "has another value than it may have".to_owned(),
        },
        ToString::to_string,
    );
    Err((name, why))
}

/// What decides which configuration files are read; none for commands that no setting matters to,
/// for help, and for what cannot be told.
pub fn first_look(arguments: &[OsString]) -> Option<Asked> {
    let matches = definition(&FileSettings::default())
        .ignore_errors(true)
        .try_get_matches_from(arguments)
        .ok()?;
    let mut inner = &matches;
    while let Some((_, next)) = inner.subcommand() {
        inner = next;
    }
    inner
        .try_contains_id("no_config")
        .ok()?;
    let text = |id: &str| {
        inner
            .try_get_one::<String>(id)
            .ok()
            .flatten()
            .cloned()
    };
    let path = |id: &str| {
        inner
            .try_get_one::<PathBuf>(id)
            .ok()
            .flatten()
            .cloned()
    };
    let inputs = inner
        .try_get_many::<PathBuf>("paths")
        .ok()
        .flatten();
    let config = path("config")
        .or_else(|| path("show_config"))
        .or_else(|| variable("config").map(PathBuf::from));
    let typed = inner
        .ids()
        .map(clap::Id::as_str)
        .filter(|id| stated(inner, id) == Some(ValueSource::CommandLine))
        .map(|id| id.replace('_', "-"));
    Some(Asked {
        config,
        // A line that cannot be parsed has no flags, those that are not typed included.
        no_config: inner
            .try_get_one("no_config")
            .ok()
            .flatten()
            .copied()
            .unwrap_or(false),
        preset: text("preset"),
        site: text("site"),
        inputs: inputs
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        set: typed
            .chain(set_variables())
            .collect(),
    })
}

/// The upload's settings in force, in the order of the help: what the environment, files and the
/// program itself say.
pub fn listed(settings: &FileSettings) -> Result<Vec<ListedSetting>, super::Stop> {
    let mut definition = definition(settings);
    definition.build();
    let arguments = ["fwupload", "."];
    let matches = definition
        .clone()
        .try_get_matches_from(arguments)?;
    let flags = definition
        .get_arguments()
        .filter(|arg| !arg.is_hide_set());
    Ok(flags
        .filter_map(|arg| {
            let name = arg.get_long()?;
            let settable = !NOT_FROM_ENVIRONMENT.contains(&name) || Setting::of(arg).is_some();
            if !settable || ["config", "no-config", "preset"].contains(&name) {
                return None;
            }
            let id = arg.get_id().as_str();
            let values = matches
                .get_raw(id)
                .into_iter()
                .flatten()
                .map(|value| value.to_string_lossy().into_owned())
                .collect();
            let (source, place) = match (stated(&matches, id), settings.values.get(name)) {
                (Some(ValueSource::EnvVariable), _) => ("environment", Some(variable_name(name))),
                (_, Some(file)) => (file.source, Some(file.place.clone())),
                _ => ("default", None),
            };
            Some(ListedSetting {
                name: name.to_owned(),
                values,
                source,
                place,
            })
        })
        .collect())
}

/// Where each flag that was not typed comes from, as a message names it.
pub fn not_typed(matches: &ArgMatches, settings: &FileSettings) -> BTreeMap<String, String> {
    matches
        .ids()
        .map(clap::Id::as_str)
        .filter_map(|id| {
            let name = id.replace('_', "-");
            let from = match stated(matches, id)? {
                ValueSource::EnvVariable => variable_name(&name),
                ValueSource::DefaultValue => {
                    let value = settings.values.get(&name)?;
                    format!("`{name}` in {}", value.place)
                }
                _ => return None,
            };
            Some((name, from))
        })
        .collect()
}

/// Whether something else than the command line sets an argument, or may.
pub fn is_not_typed(matches: &ArgMatches, id: &str) -> bool {
    stated(matches, id) != Some(ValueSource::CommandLine)
}

/// Groups of arguments have sources too, and names in capitals.
fn stated(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    if !id.starts_with(char::is_lowercase) || matches.try_contains_id(id).is_err() {
        return None;
    }
    matches.value_source(id)
}

/// Gives a command everything that is not typed, but for flags of its own that are no settings.
pub fn with_settings(command: Definition, own: &[&str], settings: &FileSettings) -> Definition {
    command.mut_args(|arg| {
        if is_own(&arg, own) {
            return arg;
        }
        with_file(with_environment(arg, own), settings)
    })
}

fn is_own(arg: &Arg, own: &[&str]) -> bool {
    let named = arg.get_long();
    arg.get_id() == "show_config" || named.is_none_or(|long| own.contains(&long))
}

/// The variable that a flag may come from; none for flags that have to be typed.
pub fn variable_of(arg: &Arg, own: &[&str]) -> Option<String> {
    let long = arg
        .get_long()
        .filter(|long| !is_own(arg, own) && !NOT_FROM_ENVIRONMENT.contains(long))?;
    Some(variable_name(long))
}

fn with_environment(arg: Arg, own: &[&str]) -> Arg {
    let Some(name) = variable_of(&arg, own) else {
        return arg;
    };
    let set = std::env::var_os(&name).is_some_and(|value| !value.is_empty());
    let arg = if matches!(arg.get_action(), ArgAction::SetTrue) {
        arg.value_parser(FalseyValueParser::new())
    } else {
        arg
    };
    if set {
        arg.env(name).hide_env(true)
    } else {
        arg
    }
}

/// A file's value takes the place of what the program does by itself: whatever is typed or set goes
/// before that, and clashes with nothing.
fn with_file(arg: Arg, settings: &FileSettings) -> Arg {
    let value = arg
        .get_long()
        .filter(|long| !NOT_FROM_FILES.contains(long))
        .and_then(|long| settings.values.get(long));
    match value {
        Some(value) => arg.default_values(value.values.clone()),
        None => arg,
    }
}

/// Lets the name of a site stand for its address.
pub fn with_site_names(command: Definition, settings: &FileSettings) -> Definition {
    command.mut_args(|arg| {
        if arg.get_long() != Some("site") || settings.sites.is_empty() {
            return arg;
        }
        let sites = settings.sites.clone();
        let address = move |site| {
            sites
                .get(&site)
                .cloned()
                .unwrap_or(site)
        };
        arg.value_parser(StringValueParser::new().map(address))
    })
}

fn variable_name(long: &str) -> String {
    format!(
        "FWUPLOAD_{}",
        long.to_uppercase()
            .replace('-', "_")
    )
}

/// What the environment says about a flag; an empty variable counts as unset.
fn variable(long: &str) -> Option<OsString> {
    std::env::var_os(variable_name(long)).filter(|value| !value.is_empty())
}

/// Flags, and keys, that the environment sets.
fn set_variables() -> impl Iterator<Item = String> {
    std::env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| {
            let name = name
                .to_str()?
                .strip_prefix("FWUPLOAD_")?;
            let name = name
                .to_lowercase()
                .replace('_', "-");
            (!NOT_FROM_ENVIRONMENT.contains(&name.as_str())).then_some(name)
        })
}
