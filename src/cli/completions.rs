//! What shells complete: the program is asked on TAB, and answers from its own definition, without a
//! request to any server.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;

use clap::{Arg, Command as Definition, CommandFactory};
use clap_complete::engine::{
    ArgValueCandidates, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::Shells;
use clap_complete::{ArgValueCompleter, CompleteEnv};

use super::Cli;

/// The variable with which scripts ask; `COMPLETE` alone may be set for something else.
const VARIABLE: &str = "_FWUPLOAD_COMPLETE";

/// Names that values of flags may be.
#[derive(Debug, Clone, Default)]
pub struct KnownNames {
    /// Built-in profiles.
    pub profiles: Vec<String>,
    /// Presets of configuration files.
    pub presets: Vec<String>,
    /// Sites of configuration files, and those that are logged in to.
    pub sites: Vec<String>,
}

/// Writes the completion script of a shell. It calls the program by the name `fwupload`.
///
/// # Errors
/// The script cannot be written.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn Write) -> io::Result<()> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(&shell.to_string())
        .ok_or_else(|| io::Error::other("no script for this shell"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "fwupload", "fwupload", "fwupload", &mut script)?;
    if shell == clap_complete::Shell::Zsh {
        // As a file of packages the script is read on the first TAB, which it has to answer too.
        script.extend_from_slice(
            b"[[ ${funcstack[1]} == _fwupload ]] && _clap_dynamic_completer_fwupload \"$@\"\n",
        );
    }
    out.write_all(&script)
}

/// Whether a shell asks what may stand at the cursor.
pub fn is_asked() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|shell| !shell.is_empty())
}

/// Answers the shell on standard output.
///
/// # Errors
/// The shell is none that is known, or the answer cannot be written.
pub fn answer(
    arguments: Vec<OsString>,
    current: Option<&Path>,
    names: &KnownNames,
) -> Result<(), super::Stop> {
    CompleteEnv::with_factory(|| with_candidates(Cli::command(), names))
        .var(VARIABLE)
        .try_complete(arguments, current)
        .map(drop)
        .map_err(super::Stop::from)
}

/// The definition with names where the type of a value does not say what it may be.
fn with_candidates(command: Definition, names: &KnownNames) -> Definition {
    command
        .mut_args(|arg| candidates(arg, names))
        .mut_subcommands(|inner| with_candidates(inner, names))
}

fn candidates(arg: Arg, names: &KnownNames) -> Arg {
    let is_profile = arg.get_long() == Some("profile")
        || (arg.is_positional() && matches!(arg.get_id().as_str(), "profile" | "profiles"));
    if is_profile {
        return arg.add(ArgValueCompleter::new(profile_or_file(&names.profiles)));
    }
    let known = match arg.get_long() {
        Some("preset") => names.presets.clone(),
        Some("site") => names.sites.clone(),
        _ => return arg,
    };
    arg.add(ArgValueCandidates::new(move || {
        known
            .iter()
            .map(CompletionCandidate::new)
            .collect()
    }))
}

/// Built-in profiles that begin as what is typed, before files.
fn profile_or_file(profiles: &[String]) -> impl ValueCompleter + use<> {
    let profiles = profiles.to_vec();
    move |typed: &OsStr| {
        let begun = typed.to_string_lossy();
        let mut all: Vec<_> = profiles
            .iter()
            .filter(|name| name.starts_with(&*begun))
            .map(CompletionCandidate::new)
            .collect();
        all.extend(PathCompleter::file().complete(typed));
        all
    }
}
