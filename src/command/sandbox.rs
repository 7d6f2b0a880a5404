//! The sandbox as a process of its own, and inside an upload.
//!
//! Must never start one that serves a profile which cannot be read.

mod viewer;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

pub use flywheel_sandbox::Sandbox;
use flywheel_sandbox::{Era, Options, ProfileLevel, SandboxError, Storage, start};
use serde_json::Value;

use crate::cli::{self, SandboxArgs, ServerEra, SignedUrls, StorageKind};
use crate::config::{self, Config, DeidChoice};
use crate::credential::KeySources;
use crate::failure::{Error, RunCode};
use crate::pipeline::Signals;
use dicom_deid::profile::{Document, Language};
use dicom_lossless::display_path;
use flywheel_client::ProjectRef;

use super::{runtime, say};

/// Runs the server until it is interrupted. The first line on standard output says where it is and
/// how to log in.
pub fn run(args: SandboxArgs) -> Result<(), Error> {
    let sandbox = start(options(args)?).map_err(|error| failed(&error))?;
    runtime()?.block_on(async {
        // Before it says that it is there: what is told to end at once is to hear it.
        let mut signals = Signals::listen()?;
        say(&sandbox.ready_line())?;
        tell_of_page(&sandbox);
        tokio::select! {
            _ = signals.next() => {}
            () = sandbox.ended() => {}
        }
        Ok::<_, Error>(())
    })?;
    sandbox
        .stop()
        .map_err(|error| failed(&error))
}

/// Tells a person where the page is; a script has the address in the first line.
fn tell_of_page(sandbox: &Sandbox) {
    let mut err = io::stderr();
    if let Some(page) = sandbox
        .page_url()
        .filter(|_| err.is_terminal())
    {
        // A terminal that went away reads nothing.
        drop(writeln!(err, "look inside: {page} (it asks for the key)"));
    }
}

fn options(args: SandboxArgs) -> Result<Options, Error> {
    let multipart = args.signed_urls == Some(SignedUrls::Multipart);
    if args.part_size.is_some() && !multipart {
        return Err(Error::usage(
            "`--part-size` is for files in parts",
            "write `--signed-urls=multipart`",
        ));
    }
    let project = args
        .project
        .as_deref()
        .map(group_and_label)
        .transpose()?;
    let profile = args
        .profile
        .as_deref()
        .map(read_profile)
        .transpose()?;
    let api_key = match args.api_key_file {
        None => None,
        file => {
            let sources = KeySources {
                file,
                ..KeySources::default()
            };
            Some(sources.resolve()?.0)
        }
    };
    Ok(Options {
        listen: args.listen,
        project,
        profile,
        profile_level: match args.profile_level {
            cli::ProfileLevel::Project => ProfileLevel::Project,
            cli::ProfileLevel::Group => ProfileLevel::Group,
            cli::ProfileLevel::Site => ProfileLevel::Site,
        },
        read_profile: |text| {
            let document = Document::parse(text, Language::Yaml, "", "").ok()?;
            document.to_json().ok()
        },
        era: match args.era {
            ServerEra::Old => Era::Old,
            ServerEra::Mid => Era::Mid,
            ServerEra::Current => Era::Current,
        },
        signed_urls: args.signed_urls.is_some(),
        storage: match args.storage {
            StorageKind::S3 => Storage::S3,
            StorageKind::Google => Storage::Google,
            StorageKind::Azure => Storage::Azure,
        },
        multipart_threshold: multipart
            .then(|| config::part_size(args.part_size.as_deref()))
            .transpose()?,
        discard: args.discard,
        deid_log: args.deid_log,
        page: !args.no_page,
        viewer: Some(viewer::VIEWER),
        api_key: api_key.map(|key| key.expose_secret().to_owned()),
        ..Options::new(args.dir)
    })
}

/// The profile in this file, not judged: that is the uploading client's task.
fn read_profile(path: &Path) -> Result<Value, Error> {
    Ok(Document::load(&path.to_string_lossy())?.to_json()?)
}

/// A server for one upload: on loopback, with the upload's project in it. A new one gets the
/// built-in basic profile at site level, as a careful site would have, unless the user said what to
/// do about de-identification.
pub fn embedded(folder: Option<&Path>, config: &Config) -> Result<Sandbox, Error> {
    let folder = folder.map_or_else(new_folder, |folder| Ok(folder.to_path_buf()))?;
    let project = group_and_label(&config.project)?;
    let profile = if config.deid == DeidChoice::Unsaid && is_new(&folder) {
        Some(Document::load("basic")?.to_json()?)
    } else {
        None
    };
    let options = Options {
        project: Some(project),
        profile,
        profile_level: ProfileLevel::Site,
        // It ends with the upload, before a person could look.
        page: false,
        ..Options::new(folder)
    };
    start(options).map_err(|error| failed(&error))
}

/// The error of a sandbox with the program's code and hint.
fn failed(error: &SandboxError) -> Error {
    let code = match error {
        SandboxError::NotInEra(_) | SandboxError::ProjectMissing => RunCode::Usage,
        _ => RunCode::SandboxUnavailable,
    };
    let hint = match error {
        SandboxError::NotLoopback => "use 127.0.0.1:PORT: the sandbox has no encryption",
        SandboxError::NotInEra(_) => "leave out `--era`",
        SandboxError::ProjectMissing => "add `--project GROUP/PROJECT`",
        SandboxError::Folder { .. } => {
            "name a new or empty folder, or one that a sandbox used before"
        }
        SandboxError::Listen { .. } => "name another port, or 0 for a free one",
        SandboxError::Thread(_) => "close other programs",
        SandboxError::Stopped(_) => "start it again: what it confirmed is kept",
        _ => code.hint(),
    };
    let what = match error {
        SandboxError::Folder { dir, .. } => {
            format!("the folder {} cannot be used", display_path(dir))
        }
        _ => error.to_string(),
    };
    let shown = Error::new(code, what).with_hint(hint);
    match std::error::Error::source(error) {
        Some(source) => shown.because(source.to_string()),
        None => shown,
    }
}

fn is_new(folder: &Path) -> bool {
    folder
        .read_dir()
        .map_or(true, |mut entries| entries.next().is_none())
}

fn new_folder() -> Result<PathBuf, Error> {
    let unusable = |error: io::Error| {
        let what = "no folder can be made for the sandbox";
        Error::new(RunCode::SandboxUnavailable, what).because(error.to_string())
    };
    let made = tempfile::Builder::new()
        .prefix("fwupload-sandbox-")
        .tempdir();
    Ok(made.map_err(unusable)?.keep())
}

fn group_and_label(text: &str) -> Result<(String, String), Error> {
    match ProjectRef::parse(text)? {
        ProjectRef::GroupAndLabel { group, label } => Ok((group, label)),
        ProjectRef::Id(_) | ProjectRef::Label(_) => Err(Error::new(
            RunCode::Usage,
            "for a sandbox, the project must be given as group/project",
        )),
    }
}
