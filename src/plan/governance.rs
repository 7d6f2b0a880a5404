//! Which profile governs: project, then group, then site, or a local one; and what it means when there is none.
//!
//! A server's profile cannot be overruled from here, and a doubt about whether there is one is never taken for "none".

use crate::config::DeidChoice;
use crate::failure::{Error, RunCode};
use crate::flywheel::{Client, Level, Project};
use crate::phi::escape_for_terminal;
use crate::profile::{self, Document, OnLeak, Profile};

use super::Announcement;

/// The profile that governs a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governing {
    /// Its name.
    pub name: String,
    /// `project`, `group`, `site` or `local`.
    pub level: &'static str,
    /// `sha256:<64 hex>` of its canonical form.
    pub digest: String,
    /// The fingerprint of the key that pseudonyms are made with; none where the profile makes none.
    pub key: Option<String>,
}

/// A profile that the server keeps, and at which level.
pub type FromServer = Option<(Level, Profile)>;

/// What is done to the data, and why.
#[derive(Debug)]
pub enum Decision {
    /// It is cleaned.
    Clean {
        /// What to show of the profile.
        governing: Governing,
        /// The profile.
        profile: Box<Profile>,
    },
    /// No profile governs.
    AsItIs {
        /// `--no-deid` was given.
        asked_for: bool,
        /// Where a profile that does nothing opts out.
        opted_out: Option<OptedOut>,
    },
}

/// A profile that is there and does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptedOut {
    /// On the server, at this level.
    At(Level),
    /// Given locally, with this name.
    Locally(String),
}

/// Loads the local profile, if one was named.
///
/// # Errors
/// A profile that does not exist or is not valid.
pub fn local(choice: &DeidChoice) -> Result<Option<Profile>, Error> {
    match choice {
        DeidChoice::Profile(name) => profile::load(name).map(Some),
        DeidChoice::Unsaid | DeidChoice::AsItIs => Ok(None),
    }
}

/// Asks the server at all three levels; the first with a DICOM section counts, whole. The profile is as it was written.
///
/// # Errors
/// A level that may not be viewed or does not answer, and a document that cannot be read.
pub async fn document(client: &Client, project: &Project) -> Result<Option<(Level, Document)>, Error> {
    for level in Level::ALL {
        // A project that a rehearsal only pretends to create has no settings yet.
        if level == Level::Project && project.id.is_empty() {
            continue;
        }
        if let Some(json) = client.settings(level, project).await?
            && let Some(document) = Document::from_server_json(&json, level.as_str())?
        {
            return Ok(Some((level, document)));
        }
    }
    Ok(None)
}

/// [`document`], with its meaning.
///
/// # Errors
/// Those, and a profile that is not valid.
pub async fn ask(client: &Client, project: &Project) -> Result<FromServer, Error> {
    let found = document(client, project).await?;
    found.map(|(level, document)| Ok((level, document.profile()?))).transpose()
}

/// Decides between what the server says and what the user said.
///
/// # Errors
/// `profile.conflict` when the server's profile governs and the user wants something else.
pub fn decide(server: FromServer, local: Option<Profile>, choice: &DeidChoice, project: &Project) -> Result<Decision, Error> {
    let (governs, opted_out) = match server {
        Some((level, profile)) if profile.is_empty() => (None, Some(OptedOut::At(level))),
        other => (other, None),
    };
    match (governs, local) {
        (Some((level, profile)), Some(local)) => {
            Err(conflict(level, &profile, project).because(format!("`--profile` names \"{}\"", escape_for_terminal(&local.name))))
        }
        (Some((level, profile)), None) if *choice == DeidChoice::AsItIs => {
            Err(conflict(level, &profile, project).because("`--no-deid` was given"))
        }
        (Some((level, profile)), None) => Ok(clean(level.as_str(), profile)),
        (None, Some(local)) if local.is_empty() => {
            Ok(Decision::AsItIs { asked_for: false, opted_out: Some(OptedOut::Locally(local.name)) })
        }
        (None, Some(local)) => Ok(clean("local", local)),
        (None, None) => Ok(Decision::AsItIs { asked_for: *choice == DeidChoice::AsItIs, opted_out }),
    }
}

fn clean(level: &'static str, profile: Profile) -> Decision {
    let governing = Governing { name: profile.name.clone(), level, digest: profile.digest(), key: None };
    Decision::Clean { governing, profile: Box::new(profile) }
}

/// Lets the user's word on values that remain go before the profile's, for this run. The profile's digest stays: it is the
/// same profile. Gives what to say where that lets out what the profile would hold back.
pub fn override_residual(profile: &mut Profile, said: Option<OnLeak>) -> Option<Announcement> {
    let rule = &mut profile.dicom.residual;
    let loosened = (rule.on_leak, said) == (OnLeak::Fail, Some(OnLeak::Warn));
    rule.on_leak = said.unwrap_or(rule.on_leak);
    let text =
        "`--residual warn`: a file in which a removed value still stands is sent all the same; the profile would have it fail";
    loosened.then(|| Announcement::warning("residual", text.to_owned()))
}

fn conflict(level: Level, profile: &Profile, project: &Project) -> Error {
    let what = format!("the profile \"{}\" at the {level} governs {}", escape_for_terminal(&profile.name), project.path());
    Error::new(RunCode::ProfileConflict, what)
}

impl Decision {
    /// Whether a key for pseudonyms is needed.
    pub fn needs_key(&self) -> bool {
        matches!(self, Self::Clean { profile, .. } if profile.needs_key())
    }

    /// [`override_residual`] of the profile, where one governs.
    pub fn override_residual(&mut self, said: Option<OnLeak>) -> Option<Announcement> {
        match self {
            Self::Clean { profile, .. } => override_residual(profile, said),
            Self::AsItIs { .. } => None,
        }
    }

    /// What the user must be told of it before anything is sent.
    pub fn announcements(&self, project: &Project) -> Vec<Announcement> {
        match self {
            Self::Clean { governing, profile } => {
                let name = escape_for_terminal(&governing.name);
                let place =
                    if governing.level == "local" { "given locally".to_owned() } else { format!("from the {}", governing.level) };
                let text = format!("DICOM is de-identified with the profile \"{name}\" ({place}, {})", governing.digest);
                let mut all = vec![Announcement::notice("profile", text)];
                if !profile.other_sections.is_empty() {
                    let sections = profile.other_sections.join(", ");
                    let text = format!(
                        "its sections for other kinds of files are not applied ({}): such files are sent only with `--other-files upload`, and then as they are",
                        escape_for_terminal(&sections)
                    );
                    all.push(Announcement::notice("profile-sections", text));
                }
                all.extend(profile.notes.iter().map(|note| Announcement::notice("profile-note", escape_for_terminal(note))));
                all
            }
            Self::AsItIs { opted_out, .. } => {
                let why = match opted_out {
                    Some(OptedOut::At(level)) => format!("an empty profile at the {level} switches de-identification off"),
                    Some(OptedOut::Locally(name)) => {
                        format!("the profile \"{}\" has no rule that does anything to DICOM", escape_for_terminal(name))
                    }
                    None => "no de-identification profile governs".to_owned(),
                };
                let text = format!("{why}: the data goes to {} as it is, protected health information included", project.path());
                vec![Announcement::warning("phi", text)]
            }
        }
    }
}
