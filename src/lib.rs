//! fwupload de-identifies DICOM on the user's machine and uploads it to Flywheel.
//!
//! # Bird's-eye view
//!
//! `fwupload ./study --project neuro/adni` finds out which project is meant and which profile
//! governs it, says so, walks the inputs, groups the instances by series and then, one series after
//! another: cleans each instance on all cores, packs what came out, sends it, and has the server
//! confirm it. Every file found ends in exactly one outcome.
//!
//! ```text
//! paths -discover-> files -dicom_lossless-> Instance -dicom_deid-> CleanInstance
//!       -package-> Package -flywheel_client-> UploadReceipt
//! ```
//!
//! # Code map
//!
//! The libraries of the workspace know no code, no flag and no command line:
//!
//! | crate | what it owns |
//! | --- | --- |
//! | [`dicom_lossless`] | reading and writing DICOM, byte for byte |
//! | [`dicom_deid`] | profiles, and cleaning under them |
//! | `dicom_pictures` | frames as pictures and headers as lines, for a person to look at |
//! | `text_detector` | where text stands in a picture |
//! | [`flywheel_client`] | the client of Flywheel's API |
//! | `flywheel_sandbox` | an embedded server that speaks that API; feature `sandbox` |
//! | `import_rules` | Flywheel's rules by which files get their labels |
//! | `python_regex` | Python's regular expressions, for profiles and rules |
//!
//! The rooms of the program, those above first; no two import each other:
//!
//! | room | what it owns |
//! | --- | --- |
//! | [`command`] | what each command does, around a run |
//! | [`pipeline`] | the stages wired together: find, clean, look, route, pack, send |
//! | [`report`] | consumers of events, and reports made one |
//! | [`plan`] | everything resolved before the first file is read |
//! | [`journal`] | what the server confirmed, from one run to the next |
//! | [`event`] | what pipeline and report share |
//! | [`package`], [`series`] | a series as one zip, instances by series |
//! | [`subjects`] | subject tables, and crosswalks back from what was sent |
//! | [`routing`] | labels and UIDs |
//! | [`review`] | what would be sent as a person sees it, and what was approved |
//! | [`pictures`] | frames before and after, for a person to look at |
//! | [`shard_plan`] | lists of files for the shards of one upload |
//! | [`config_file`] | configuration files, and what they may say |
//! | [`config`], [`discover`], [`credential`], [`cli`] | what a run was told, finding files, keys, flags |
//! | [`rules`] | which files are taken and which labels they get, by the user's own rules |
//! | [`client_failure`], [`exit`], [`failure`] | codes, hints and exit codes, the libraries' errors among them |
//!
//! # What never happens
//!
//! - An uncleaned file is not sent while a profile governs: a [`package::Package`] is made of
//!   [`dicom_deid::Sendable`], which only a cleaner makes; the one for uncleaned data asks for a
//!   consent that only `plan` gives.
//! - A file that fails for any reason is not sent; the others go on.
//! - A file in which a value still stands that cleaning removed is not sent: the bytes on their way
//!   out are searched for it.
//! - Names and labels are not made of original values, nor of source paths unless the user's rules
//!   map them or the profile's `filenames` says so.
//! - No attribute value is in a message, event, report or log.
//! - "Uploaded" is not said without the server's word.
//! - What arrived is not sent again, and what others put on the server is not replaced
//!   unasked.
//! - Memory does not depend on file size, file count or a length that a file claims.

#![forbid(unsafe_code)]

pub mod cli;
pub mod client_failure;
pub mod command;
pub mod config;
pub mod config_file;
pub mod credential;
pub mod discover;
pub mod event;
pub mod exit;
pub mod failure;
pub mod journal;
pub mod package;
pub mod pictures;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod review;
pub mod routing;
pub mod rules;
pub mod series;
pub mod shard_plan;
pub mod subjects;

use std::ffi::OsString;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

/// Runs the program with its arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // A terminal that went away is no reason for a second panic, which would end the process at
    // once.
    std::panic::set_hook(Box::new(|panic| {
        drop(writeln!(std::io::stderr(), "{}", without_words(panic)));
    }));
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if cli::is_asked() {
        return command::complete(arguments).into();
    }
    let typed = arguments
        .get(1..)
        .unwrap_or_default()
        .to_vec();
    let environment = config::Environment::detect();
    if let Err(error) = cli::refuse_reserved_word(&typed) {
        return command::refuse(&error, &environment).into();
    }
    let (arguments, is_review) = cli::without_review(arguments);
    let settings = match command::settings(&arguments) {
        Ok(settings) => settings,
        Err(error) => return command::refuse(&error, &environment).into(),
    };
    match cli::parse(arguments, &settings) {
        Ok(mut cli) => {
            cli.upload.is_review = is_review;
            command::dispatch(cli, &settings, &typed, &environment).into()
        }
        Err(stop) => stop.show().into(),
    }
}

/// What a panic says may hold a value of a data element; where it happened is enough to find the
/// defect.
fn without_words(panic: &PanicHookInfo<'_>) -> String {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("defect at {place}; please report it")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_says_where_it_happened_and_not_why() {
        let (said, heard) = mpsc::channel();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| drop(said.send(without_words(panic)))));
        let value = "CANARY^Jane";
        let panicked = std::panic::catch_unwind(|| panic!("{value} is no date"));
        std::panic::set_hook(usual);
        assert!(panicked.is_err());
        // Tests run side by side: what another one says passes here too.
        let all: Vec<String> = heard.try_iter().collect();
        assert!(
            all.iter()
                .any(|said| said.starts_with("defect at src/lib.rs:")),
            "{all:?}"
        );
        assert!(!all.concat().contains("CANARY"), "{all:?}");
    }
}
