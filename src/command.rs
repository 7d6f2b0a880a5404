//! The commands: the upload, and those with a word of their own. Each turns its arguments into an
//! exit status.
//!
//! Owns what happens around a run: where the key comes from, who is asked, which server is started.
//! The work itself is the pipeline's.

mod account;
mod batches;
mod explain;
mod man;
mod profile;
mod report;
mod rules;
mod run_journal;
#[cfg_attr(not(feature = "sandbox"), path = "command/no_sandbox.rs")]
mod sandbox;
mod trial_key;
mod upload;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::cli::{self, Cli, ColorWhen, Command, ConnectionArgs, PseudonymKeyArgs};
use crate::config::Environment;
use crate::credential::{self, KeySources, PSEUDONYM_KEYS, PseudonymKeySources};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::report::{Paths, print_error};
use dicom_lossless::escape_for_terminal;

/// Carries out what was typed; `arguments` without the program's name.
pub fn dispatch(cli: Cli, arguments: &[OsString], environment: &Environment) -> ExitStatus {
    let Some(command) = cli.command else {
        return upload::run(&cli.upload, arguments, environment);
    };
    let finished = |done: Result<(), Error>| done.map(|()| ExitStatus::Success);
    let done = match command {
        Command::Login {
            with_key_stdin,
            connection,
        } => finished(account::login(with_key_stdin, &connection, environment)),
        Command::Logout { site, all } => finished(account::logout(site.as_deref(), all)),
        Command::Status { json, connection } => finished(account::status(json, &connection)),
        Command::Profile(command) => profile::run(command, environment),
        Command::Rules(command) => rules::run(command, environment),
        Command::Explain(args) => finished(explain::run(&args)),
        Command::Report(command) => finished(report::run(&command)),
        Command::Sandbox(args) => finished(sandbox::run(args)),
        Command::Man(args) => finished(man::run(&args)),
        Command::Completions { shell } => finished(
            cli::write_completions(shell, &mut io::stdout().lock()).map_err(|e| unwritten(&e)),
        ),
    };
    done.unwrap_or_else(|error| refuse(&error, environment))
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
