//! The commands: the upload, and those with a word of their own. Each turns its arguments into an
//! exit status.
//!
//! Owns what happens around a run: where the key comes from, who is asked, which server is started.
//! The work itself is the pipeline's.

mod account;
mod batches;
mod explain;
mod man;
mod plan;
mod profile;
mod report;
#[cfg_attr(not(feature = "review"), path = "command/no_review.rs")]
mod review;
mod rules;
mod run_journal;
#[cfg_attr(not(feature = "sandbox"), path = "command/no_sandbox.rs")]
mod sandbox;
mod trial_key;
mod upload;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::cli::{
    self, Cli, ColorWhen, Command, ConnectionArgs, FileSettings, KnownNames, ListedSetting,
    PseudonymKeyArgs,
};
use crate::config::Environment;
use crate::config_file::{self, Places};
use crate::credential::{self, KeySources, Logins, PSEUDONYM_KEYS, PseudonymKeySources};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::report::{Paths, print_error};
use dicom_deid::profile::builtin_names;
use dicom_lossless::escape_for_terminal;

/// What configuration files say to a command line.
///
/// # Errors
/// A file that counts cannot be used. A command line that cannot be parsed is no error here.
pub fn settings(arguments: &[OsString]) -> Result<FileSettings, Error> {
    let Some(asked) = cli::first_look(arguments) else {
        return Ok(FileSettings::default());
    };
    let places = Places::detect(std::env::var_os("FWUPLOAD_CONFIG_HOME").as_deref());
    config_file::read(&asked, &places)
}

/// Answers a shell that completes a command line. A file that cannot be read has no names to give.
pub fn complete(arguments: Vec<OsString>) -> ExitStatus {
    let places = Places::detect(std::env::var_os("FWUPLOAD_CONFIG_HOME").as_deref());
    let (presets, mut sites) = config_file::names(&places);
    let logins = login_file().map(|path| Logins::sites(&path));
    sites.extend(logins.unwrap_or_default());
    let names = KnownNames {
        profiles: builtin_names()
            .map(str::to_owned)
            .collect(),
        presets,
        sites,
    };
    match cli::answer(arguments, places.current.as_deref(), &names) {
        Ok(()) => ExitStatus::Success,
        Err(_) => ExitStatus::Usage,
    }
}

/// Carries out what was typed; `arguments` without the program's name.
pub fn dispatch(
    cli: Cli,
    settings: &FileSettings,
    arguments: &[OsString],
    environment: &Environment,
) -> ExitStatus {
    let Some(command) = cli.command else {
        return if cli.upload.is_review {
            review::run(&cli.upload, arguments, environment)
        } else {
            upload::run(&cli.upload, arguments, environment)
        };
    };
    let finished = |done: Result<(), Error>| done.map(|()| ExitStatus::Success);
    let done = match command {
        Command::Login {
            with_key_stdin,
            connection,
            ..
        } => finished(account::login(with_key_stdin, &connection, environment)),
        Command::Logout { site, all, .. } => finished(account::logout(site.as_deref(), all)),
        Command::Status {
            json,
            show_config: Some(_),
            ..
        } => finished(status_of_settings(settings, json)),
        Command::Status {
            json, connection, ..
        } => finished(account::status(json, &connection)),
        Command::Profile(command) => profile::run(command, environment),
        Command::Rules(command) => rules::run(command, environment),
        Command::Explain(args) => finished(explain::run(&args)),
        Command::Plan(args) => plan::run(&args, environment),
        Command::Report(command) => report::run(&command),
        // With arguments it is an upload.
        Command::Review { .. } => Err(Error::usage(
            "`fwupload review` needs a PATH and a project",
            "see `fwupload review --help`",
        )),
        Command::Sandbox(args) => finished(sandbox::run(args)),
        Command::Man(args) => finished(man::run(&args)),
        Command::Completions { shell } => finished(
            cli::write_completions(shell, &mut io::stdout().lock()).map_err(|e| unwritten(&e)),
        ),
    };
    done.unwrap_or_else(|error| refuse(&error, environment))
}

/// `status --config`: each setting and where it comes from.
fn status_of_settings(settings: &FileSettings, as_json: bool) -> Result<(), Error> {
    let listed = cli::listed(settings).map_err(|stop| {
        Error::new(RunCode::ConfigInvalid, "a setting cannot be used").because(stop.text())
    })?;
    let width = listed
        .iter()
        .map(|setting| setting.name.len())
        .max()
        .unwrap_or_default();
    for setting in listed {
        let ListedSetting {
            name,
            values,
            source,
            place,
        } = setting;
        if as_json {
            let record = json!({
                "type": "setting", "v": 1, "name": name, "values": values, "source": source, "place": place,
            });
            say(&record.to_string())?;
            continue;
        }
        let from = match place {
            Some(place) if source == "environment" => place,
            Some(place) => format!("{source}, {place}"),
            None => source.to_owned(),
        };
        let value = match values.join(", ") {
            none if none.is_empty() => "-".to_owned(),
            value => escape_for_terminal(&value),
        };
        say(&format!(
            "{name:width$}  {value}  ({})",
            escape_for_terminal(&from)
        ))?;
    }
    Ok(())
}

/// Shows an error that stops a command; the exit status that it leads to.
pub fn refuse(error: &Error, environment: &Environment) -> ExitStatus {
    print_error(error, environment.color(ColorWhen::Auto), &Paths::Plain);
    ExitStatus::of_error(error.code)
}

/// The places that a key may come from, with what the environment says about them.
fn key_sources(connection: &ConnectionArgs) -> KeySources {
    KeySources {
        file: connection.api_key_file.clone(),
        command: connection.api_key_command.clone(),
        environment: std::env::var("FWUPLOAD_API_KEY")
            .ok()
            .map(Zeroizing::new),
        login_file: login_file(),
        flywheel_user_json: credential::flywheel_user_json(
            std::env::var_os("FLYWHEEL_USER_HOME").as_deref(),
        ),
        site: connection.site.clone(),
    }
}

/// The places that the key of pseudonyms may come from, with what the environment says about them.
fn pseudonym_key_sources(args: &PseudonymKeyArgs) -> PseudonymKeySources {
    PseudonymKeySources {
        file: args.pseudonym_key_file.clone(),
        command: args.pseudonym_key_command.clone(),
        // What is no text is no key, and an error rather than unset.
        environment: std::env::var_os("FWUPLOAD_PSEUDONYM_KEY")
            .map(|key| Zeroizing::new(key.to_string_lossy().into_owned())),
        kept: state_folder().map(|folder| folder.join(PSEUDONYM_KEYS)),
    }
}

/// The folder for what is kept from one run to the next.
fn state_folder() -> Option<PathBuf> {
    credential::state_folder(std::env::var_os("FWUPLOAD_STATE_HOME").as_deref())
}

fn login_file() -> Option<PathBuf> {
    credential::login_file(std::env::var_os("FWUPLOAD_CONFIG_HOME").as_deref())
}

/// The small runtime that requests run on; cleaning has its own threads.
fn runtime() -> Result<Runtime, Error> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("net")
        .build();
    built.map_err(|e| Error::new(RunCode::Internal, format!("no threads can be started: {e}")))
}

/// A line for people or programs on standard output.
fn say(line: &str) -> Result<(), Error> {
    written(writeln!(io::stdout().lock(), "{line}"))
}

/// What writing to standard output ended in. A reader that went away has read enough.
fn written(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// `1 file`, `2 files`.
fn plural(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A line for people on standard error, beside the data on standard output.
fn remark(line: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {}", escape_for_terminal(line));
}

/// A line about what may be a mistake.
fn warn(line: &str) {
    let _ = writeln!(
        io::stderr().lock(),
        "warning: {}",
        escape_for_terminal(line)
    );
}

fn unwritten(error: &io::Error) -> Error {
    Error::new(
        RunCode::ReportUnwritable,
        "standard output cannot be written",
    )
    .because(error.to_string())
}
