//! Which profile governs: project, then group, then site, or a local one; and what it means when
//! there is none.
//!
//! A server's profile cannot be overruled from here, and a doubt about whether there is one is
//! never taken for "none".

use flywheel_client::{Level, Project};

use crate::client_failure::path_of;
use crate::config::DeidChoice;
use crate::event::Notice;
use crate::failure::{Error, RunCode};
use dicom_deid::profile::{self, OnLeak, Profile, Served};
use dicom_lossless::escape_for_terminal;

use super::governing::{GoverningProfile, LOCAL};
use super::server_profiles::{self, ServerProfiles};

/// What is done to the data, and why.
#[derive(Debug)]
pub enum DeidDecision {
    /// It is cleaned.
    Clean {
        /// What to show of the profile.
        governing: GoverningProfile,
        /// The profile.
        profile: Box<Profile>,
        /// Levels whose settings may not be seen; of a local profile those where another may
        /// govern.
        unseen: Vec<Level>,
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
        DeidChoice::Profile(name) => Ok(Some(profile::load(name)?)),
        DeidChoice::Unsaid | DeidChoice::AsItIs => Ok(None),
    }
}

/// Decides between what the server says and what the user said.
///
/// # Errors
/// `profile.conflict` when the server's profile governs and the user wants something else;
/// `profile.unknown` when one may govern that cannot be seen, and the user's own cleans nothing.
pub fn decide(
    served: ServerProfiles,
    local: Option<Profile>,
    choice: &DeidChoice,
    project: &Project,
) -> Result<DeidDecision, Error> {
    let (hidden, unseen) = (served.hidden(), served.unseen);
    let opted_out = match (served.seen, local) {
        (Some((level, Served::Profile(found))), local) => {
            let (_, profile) = *found;
            return match local {
                Some(local) => {
                    let name = escape_for_terminal(&local.name);
                    Err(conflict(level, &profile, project)
                        .because(format!("`--profile` names \"{name}\"")))
                }
                None if *choice == DeidChoice::AsItIs => {
                    Err(conflict(level, &profile, project).because("`--no-deid` was given"))
                }
                None => Ok(clean(level.as_str(), profile, unseen)),
            };
        }
        (_, Some(local)) if !local.is_empty() => return Ok(clean(LOCAL, local, hidden)),
        (_, Some(local)) if hidden.is_empty() => {
            return Ok(DeidDecision::AsItIs {
                asked_for: false,
                opted_out: Some(OptedOut::Locally(local.name)),
            });
        }
        (_, Some(local)) => {
            let name = escape_for_terminal(&local.name);
            return Err(server_profiles::unknown(&hidden).because(format!(
                "`--profile` names \"{name}\", which does nothing to DICOM"
            )));
        }
        (Some((level, Served::OptsOut)), None) => Some(OptedOut::At(level)),
        (_, None) => None,
    };
    match (hidden.as_slice(), choice) {
        ([], _) => Ok(DeidDecision::AsItIs {
            asked_for: *choice == DeidChoice::AsItIs,
            opted_out,
        }),
        (hidden, DeidChoice::AsItIs) => {
            Err(server_profiles::unknown(hidden).because("`--no-deid` was given"))
        }
        (hidden, _) => Err(server_profiles::unknown(hidden)),
    }
}

fn clean(level: &'static str, profile: Profile, unseen: Vec<Level>) -> DeidDecision {
    let governing = GoverningProfile {
        name: profile.name.clone(),
        level,
        identity: profile.identity(),
        key: None,
    };
    DeidDecision::Clean {
        governing,
        profile: Box::new(profile),
        unseen,
    }
}

/// Lets the user's word on values that remain go before the profile's, for this run. The profile's
/// digest stays: it is the same profile. Gives what to say where that lets out what the profile
/// would hold back.
pub fn override_residual(profile: &mut Profile, said: Option<OnLeak>) -> Option<Notice> {
    let rule = &mut profile.dicom.residual;
    let loosened = (rule.on_leak, said) == (OnLeak::Fail, Some(OnLeak::Warn));
    rule.on_leak = said.unwrap_or(rule.on_leak);
    let text = "`--residual warn`: a file in which a removed value still stands is sent all the \
        same; the profile would have it fail";
    loosened.then(|| Notice::warning("residual", text.to_owned()))
}

fn conflict(level: Level, profile: &Profile, project: &Project) -> Error {
    let what = format!(
        "the profile \"{}\" at the {level} governs {}",
        escape_for_terminal(&profile.name),
        path_of(project)
    );
    Error::new(RunCode::ProfileConflict, what)
}

impl DeidDecision {
    /// The profile, where one governs.
    pub fn profile(&self) -> Option<&Profile> {
        match self {
            Self::Clean { profile, .. } => Some(profile),
            Self::AsItIs { .. } => None,
        }
    }

    /// Whether a key for pseudonyms is needed.
    pub fn needs_key(&self) -> bool {
        matches!(self, Self::Clean { profile, .. } if profile.needs_key())
    }

    /// Refuses a run in which not one file would have a subject, unless the user names it.
    ///
    /// # Errors
    /// Always `usage.arguments`: the profile is the server's, or does what it says.
    pub fn refuse_without_subject(&self, subject_is_named: bool) -> Result<(), Error> {
        let Self::Clean {
            governing, profile, ..
        } = self
        else {
            return Ok(());
        };
        if subject_is_named || !profile.dicom.leaves_no_patient_id() {
            return Ok(());
        }
        let what = format!(
            "{} removes PatientID: no file would have a subject",
            governing.described()
        );
        Err(Error::usage(
            what,
            "pass `--subjects TABLE`, or `--subject LABEL` with a run for each subject, or have \
                the profile replace PatientID instead",
        ))
    }

    /// [`override_residual`] of the profile, where one governs.
    pub fn override_residual(&mut self, said: Option<OnLeak>) -> Option<Notice> {
        match self {
            Self::Clean { profile, .. } => override_residual(profile, said),
            Self::AsItIs { .. } => None,
        }
    }

    /// The levels where a profile may govern that is not the one which the data is cleaned under.
    pub fn doubtful(&self) -> &[Level] {
        match self {
            Self::Clean {
                governing, unseen, ..
            } if governing.level == LOCAL => unseen,
            Self::Clean { .. } | Self::AsItIs { .. } => &[],
        }
    }

    /// What the user must be told of it before anything is sent.
    pub fn announcements(&self, project: &Project) -> Vec<Notice> {
        match self {
            Self::Clean {
                governing,
                profile,
                unseen,
            } => {
                let text = format!("DICOM is de-identified with {}", governing.described());
                let mut all = vec![Notice::detail("profile", text)];
                all.extend(
                    (!unseen.is_empty()).then(|| server_profiles::announcement(unseen, governing)),
                );
                if !profile.other_sections.is_empty() {
                    let sections = profile.other_sections.join(", ");
                    let text = format!(
                        "its sections for other kinds of files are not applied ({}): such files \
                            are sent only with `--other-files upload`, and then as they are",
                        escape_for_terminal(&sections)
                    );
                    all.push(Notice::fact("profile-sections", text));
                }
                all.extend(
                    profile
                        .notes
                        .iter()
                        .map(|note| Notice::fact("profile-note", escape_for_terminal(note))),
                );
                all
            }
            Self::AsItIs { opted_out, .. } => {
                let why = match opted_out {
                    Some(OptedOut::At(level)) => format!(
                        "an empty profile at the {level} \
                        switches de-identification off"
                    ),
                    Some(OptedOut::Locally(name)) if name == "none" => {
                        "the profile \"none\" means, as at Flywheel, that nothing is done to the \
                            data"
                            .to_owned()
                    }
                    Some(OptedOut::Locally(name)) => {
                        format!(
                            "the profile \"{}\" has no rule that does anything to DICOM",
                            escape_for_terminal(name)
                        )
                    }
                    None => "no de-identification profile governs".to_owned(),
                };
                let text = format!(
                    "{why}: the data goes to {} as it is, protected health information included",
                    path_of(project)
                );
                vec![Notice::warning("phi", text)]
            }
        }
    }
}
