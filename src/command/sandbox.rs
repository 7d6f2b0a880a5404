//! The sandbox as a process of its own, and inside an upload.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flywheel_client::ProjectRef;
use tempfile::NamedTempFile;

use crate::cli::{ProfileLevel, SandboxArgs, ServerEra, SignedUrls, StorageKind};
use crate::config::{self, Config, DeidChoice};
use crate::credential::KeySources;
use crate::failure::{Error, RunCode};
use crate::profile;
use crate::sandbox::{self, Era, Level, Options, Sandbox, Storage};

use super::say;

/// Runs the server until it is interrupted. The first line on standard output says where it is and
/// how to log in.
pub fn run(args: SandboxArgs) -> Result<(), Error> {
    let sandbox = sandbox::start(asked_for(args)?)?;
    say(&sandbox.ready_line())?;
    sandbox.run_until_interrupted()
}

fn asked_for(args: SandboxArgs) -> Result<Options, Error> {
    let multipart = args.signed_urls == Some(SignedUrls::Multipart);
    if args.part_size.is_some() && !multipart {
        return Err(
            Error::new(RunCode::Usage, "`--part-size` is for files in parts")
                .with_hint("write `--signed-urls=multipart`"),
        );
    }
    let project = args.project.as_deref().map(group_and_label).transpose()?;
    let sources = KeySources {
        file: args.api_key_file,
        ..KeySources::default()
    };
    let api_key = sources
        .file
        .is_some()
        .then(|| sources.resolve())
        .transpose()?;
    Ok(Options {
        listen: args.listen,
        project,
        profile: args.profile,
        profile_level: match args.profile_level {
            ProfileLevel::Project => Level::Project,
            ProfileLevel::Group => Level::Group,
            ProfileLevel::Site => Level::Site,
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
        api_key: api_key.map(|(key, _)| key.expose_secret().to_owned()),
        ..Options::new(args.dir)
    })
}

/// A server for one upload: on loopback, with the upload's project in it. A new one gets the
/// built-in basic profile at site level, as a careful site would have, unless the user said what to
/// do about de-identification.
pub fn embedded(folder: Option<&Path>, config: &Config) -> Result<Sandbox, Error> {
    let folder = folder.map_or_else(new_folder, |folder| Ok(folder.to_path_buf()))?;
    let project = group_and_label(&config.destination.project)?;
    let profile = if config.deid == DeidChoice::Unsaid && is_new(&folder) {
        Some(basic_profile()?)
    } else {
        None
    };
    sandbox::start(Options {
        project: Some(project),
        profile: profile.as_ref().map(|file| file.path().to_path_buf()),
        profile_level: Level::Site,
        ..Options::new(folder)
    })
}

fn is_new(folder: &Path) -> bool {
    folder
        .read_dir()
        .map_or(true, |mut entries| entries.next().is_none())
}

/// The built-in profile as a file, which is how a sandbox takes one.
fn basic_profile() -> Result<NamedTempFile, Error> {
    let unusable = |e: io::Error| {
        Error::new(
            RunCode::SandboxUnavailable,
            "no profile can be handed to the sandbox",
        )
        .because(e.to_string())
    };
    let mut file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile()
        .map_err(unusable)?;
    file.write_all(profile::builtin("basic").unwrap_or_default().as_bytes())
        .map_err(unusable)?;
    Ok(file)
}

fn new_folder() -> Result<PathBuf, Error> {
    let made = tempfile::Builder::new()
        .prefix("fwupload-sandbox-")
        .tempdir();
    let made = made.map_err(|e| {
        Error::new(
            RunCode::SandboxUnavailable,
            "no folder can be made for the sandbox",
        )
        .because(e.to_string())
    })?;
    Ok(made.keep())
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
