//! The profile that a command is about: a built-in one, a file, or the one that governs a project.

use serde_json::{Value, json};

use crate::cli::{ConnectionArgs, ProfileSelectionArgs};
use crate::client_failure::path_of;
use crate::failure::{Error, RunCode};
use crate::plan;
use dicom_deid::profile::{self, Document, Profile, Served};
use dicom_lossless::display_path;
use flywheel_client::{Level, ProjectRef};

use super::super::{key_sources, runtime};

/// A profile that was selected, checked.
pub struct SelectedProfile {
    /// The document as it was written.
    pub document: Document,
    /// What it means.
    pub profile: Profile,
    /// `built-in`, `local`, `project`, `group` or `site`.
    pub level: &'static str,
    /// Its built-in name, its file, or the project that it governs.
    pub origin: String,
    /// `sha256:<64 hex>` of its meaning.
    pub digest: String,
}

/// What was selected.
pub enum ProfileSelection {
    /// A profile.
    Profile(Box<SelectedProfile>),
    /// The project has none.
    NoneGoverns {
        /// The project as group/project.
        project: String,
        /// The level at which an explicitly empty profile opts out.
        opted_out: Option<Level>,
    },
}

impl SelectedProfile {
    /// The facts that tell it apart, for JSON.
    pub fn record(&self) -> Value {
        json!({
            "name": self.profile.name,
            "level": self.level,
            "origin": self.origin,
            "digest": self.digest,
        })
    }
}

impl ProfileSelection {
    /// The profile, for commands that need one.
    pub fn required(self) -> Result<SelectedProfile, Error> {
        match self {
            Self::Profile(selected) => Ok(*selected),
            none @ Self::NoneGoverns { .. } => {
                Err(Error::new(RunCode::ProfileMissing, none.sentence())
                    .with_hint("name a built-in profile or a file instead"))
            }
        }
    }

    /// What was selected, in words.
    pub fn sentence(&self) -> String {
        match self {
            Self::Profile(selected) => format!("{} ({})", selected.origin, selected.level),
            Self::NoneGoverns {
                project,
                opted_out: Some(level),
            } => {
                format!(
                    "an empty profile at the {level} switches de-identification off for {project}"
                )
            }
            Self::NoneGoverns {
                project,
                opted_out: None,
            } => format!("no profile governs {project}"),
        }
    }
}

/// Finds the profile that the arguments name, by file, by built-in name, or by project.
pub fn select(args: &ProfileSelectionArgs) -> Result<ProfileSelection, Error> {
    match (&args.profile, &args.project) {
        (Some(_), Some(_)) => Err(Error::usage(
            "a profile and `--project` exclude each other",
            "leave out one of the two",
        )),
        (Some(name), _) => {
            named(name).map(|selected| ProfileSelection::Profile(Box::new(selected)))
        }
        (None, Some(project)) => governing(project, &args.connection),
        (None, None) => Err(Error::usage(
            "no profile is named",
            "name a built-in profile or a file, or add `--project group/project` for \
                the one that governs there",
        )),
    }
}

/// The built-in profile of this name, else the profile in this file.
pub fn named(name: &str) -> Result<SelectedProfile, Error> {
    let level = if profile::builtin(name).is_some() {
        "built-in"
    } else {
        "local"
    };
    let document = Document::load(name)?;
    let profile = document.profile()?;
    Ok(selected(
        document,
        profile,
        level,
        display_path(name.as_ref()),
    ))
}

/// The profile that the server has for a project, at whatever level.
pub fn governing(project: &str, connection: &ConnectionArgs) -> Result<ProfileSelection, Error> {
    let wanted = ProjectRef::parse(project)?;
    let (key, _) = key_sources(connection).resolve()?;
    let (project, found) = runtime()?.block_on(async {
        let client = plan::client(&key, connection.ca_cert.clone(), None)?;
        client.check_key().await?;
        let project = client
            .resolve_project(&wanted)
            .await?;
        let found = plan::ask(&client, &project).await?;
        Ok::<_, Error>((path_of(&project), found))
    })?;
    let remark = found.remark();
    Ok(match found.decisive()? {
        Some((level, Served::Profile(found))) => {
            let (document, mut profile) = *found;
            profile.notes.extend(remark);
            ProfileSelection::Profile(Box::new(selected(
                document,
                profile,
                level.as_str(),
                project,
            )))
        }
        Some((level, Served::OptsOut)) => ProfileSelection::NoneGoverns {
            project,
            opted_out: Some(level),
        },
        Some((_, Served::Nothing)) | None => ProfileSelection::NoneGoverns {
            project,
            opted_out: None,
        },
    })
}

fn selected(
    document: Document,
    profile: Profile,
    level: &'static str,
    origin: String,
) -> SelectedProfile {
    SelectedProfile {
        digest: profile.digest(),
        document,
        profile,
        level,
        origin,
    }
}
