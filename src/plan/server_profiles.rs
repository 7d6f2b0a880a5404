//! What the server says about de-identification: asked at all levels before a run, and again while
//! it sends.
//!
//! Owns what a refusal to say means. A level that may not be seen is one where a profile may
//! govern, unless the site knows no profiles.

use std::fmt;
use std::time::Duration;

use crate::client_failure::path_of;
use crate::failure::{Error, RunCode};
use dicom_deid::profile::{Identity, Json, Served};
use flywheel_client::{Client, Level, LevelSettings, Project};

use super::governing::{GoverningProfile, LOCAL};
use crate::event::Notice;

/// What the levels say together.
#[derive(Default)]
pub struct ServerProfiles {
    /// The nearest level that says something. It counts whole.
    pub seen: Option<(Level, Served)>,
    /// The levels whose settings may not be seen.
    pub unseen: Vec<Level>,
}

/// Asks the server at all levels.
///
/// # Errors
/// A level that does not answer, and settings that hold neither a profile nor none. Levels behind
/// one that says something count for nothing, whatever they answer.
pub async fn ask(client: &Client, project: &Project) -> Result<ServerProfiles, Error> {
    let announced = client
        .site_config()
        .await?
        .deid_profile;
    let mut answer = ServerProfiles::default();
    for level in Level::ALL {
        let settings = client
            .settings::<Json>(level, project)
            .await;
        match (settings, &answer.seen) {
            // Old servers refuse ordinary users the settings of a group, and have no profiles to
            // keep there.
            (Ok(LevelSettings::Unseen(_)), _) if announced => answer.unseen.push(level),
            (Ok(LevelSettings::There(settings)), None) => {
                match Served::read(&settings, level.as_str())? {
                    Served::Nothing => {}
                    served => answer.seen = Some((level, served)),
                }
            }
            (Err(error), None) => return Err(error.into()),
            _ => {}
        }
    }
    Ok(answer)
}

impl ServerProfiles {
    /// The levels at which a profile that may not be seen would go before everything that is.
    pub fn hidden(&self) -> Vec<Level> {
        let nearer = |level: &Level| {
            self.seen
                .as_ref()
                .is_none_or(|(seen, _)| level < seen)
        };
        self.unseen
            .iter()
            .copied()
            .filter(nearer)
            .collect()
    }

    /// What is seen, where it decides: a profile, or anything where nothing nearer is hidden.
    ///
    /// # Errors
    /// `profile.unknown`.
    pub fn decisive(self) -> Result<Option<(Level, Served)>, Error> {
        match (self.hidden().as_slice(), &self.seen) {
            ([], _) | (_, Some((_, Served::Profile(_)))) => Ok(self.seen),
            (hidden, _) => Err(unknown(hidden)),
        }
    }

    /// What must be said of a profile that is seen where levels may not be.
    pub fn remark(&self) -> Option<String> {
        let (level, _) = self
            .seen
            .as_ref()
            .filter(|_| !self.unseen.is_empty())?;
        Some(remark(&self.unseen, level.as_str()))
    }

    fn state(&self) -> ProfileState {
        match &self.seen {
            None | Some((_, Served::Nothing)) => ProfileState::Nothing,
            Some((level, Served::OptsOut)) => ProfileState::OptsOut(*level),
            Some((level, Served::Profile(profile))) => {
                ProfileState::Governs(*level, profile.1.identity())
            }
        }
    }
}

/// What can be held against a later answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ProfileState {
    Nothing,
    OptsOut(Level),
    Governs(Level, Identity),
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no profile at any level"),
            Self::OptsOut(level) => write!(
                f,
                "an empty profile at the {level}, which switches de-identification off"
            ),
            Self::Governs(level, identity) => {
                write!(f, "a profile at the {level}, {}", identity.digest)
            }
        }
    }
}

/// Checks whether the server still says what it said when the run was planned.
pub struct ProfileWatch {
    client: Client,
    project: Project,
    state: ProfileState,
    hidden: Vec<Level>,
    /// What was done to the data until now, in words.
    treatment: String,
    /// How long until it is looked again.
    pub every: Duration,
}

impl ProfileWatch {
    /// For an answer that a run is planned by.
    pub fn new(
        client: &Client,
        project: &Project,
        answer: &ServerProfiles,
        every: Duration,
    ) -> Self {
        Self {
            client: client.clone(),
            project: project.clone(),
            state: answer.state(),
            hidden: answer.hidden(),
            treatment: String::new(),
            every,
        }
    }

    /// The same, knowing what is done to the data.
    #[must_use]
    pub fn under(self, governing: Option<&GoverningProfile>) -> Self {
        let treatment = match governing {
            Some(governing) => format!(
                "what was sent until now was cleaned with {}",
                governing.described()
            ),
            None => "what was sent until now went as it is".to_owned(),
        };
        Self { treatment, ..self }
    }

    /// Asks again.
    ///
    /// # Errors
    /// `profile.changed` where the server says something else, or no longer says it; whatever keeps
    /// it from answering.
    pub async fn look(&self) -> Result<(), Error> {
        let answer = match ask(&self.client, &self.project).await {
            Ok(answer) => answer,
            Err(error)
                if matches!(
                    error.code,
                    RunCode::ProfileInvalid | RunCode::ProfileUnknown
                ) =>
            {
                return Err(self.changed(error.what));
            }
            Err(error) => return Err(error),
        };
        if let Some(level) = answer
            .hidden()
            .into_iter()
            .find(|level| !self.hidden.contains(level))
        {
            return Err(self.changed(format!("now you may not see whether the {level} has one")));
        }
        let now = answer.state();
        if now == self.state {
            return Ok(());
        }
        let secret = matches!((&now, &self.state), (ProfileState::Governs(a, new), ProfileState::Governs(b, old))
            if a == b && new.digest == old.digest);
        Err(self.changed(if secret {
            "a secret of the profile is another one now".to_owned()
        } else {
            format!("now there is {now}")
        }))
    }

    fn changed(&self, now: String) -> Error {
        Error::new(
            RunCode::ProfileChanged,
            format!(
                "what the server says about the profile for {} changed",
                path_of(&self.project)
            ),
        )
        .because(format!("when the run began there was {}", self.state))
        .because(now)
        .because(self.treatment.clone())
    }
}

/// `project`, or `project and group`, in words.
fn named(levels: &[Level]) -> String {
    levels
        .iter()
        .map(|level| format!("the {level}"))
        .collect::<Vec<_>>()
        .join(" and ")
}

/// That nothing can be sent without a profile that does something, since one may govern that cannot
/// be seen.
pub fn unknown(hidden: &[Level]) -> Error {
    let what = format!(
        "you may not see whether {} has a de-identification profile",
        named(hidden)
    );
    Error::new(RunCode::ProfileUnknown, what).with_hint(
        "pass `--profile` with a profile that de-identifies, and accept at the terminal or with \
            `-y` that a stricter one may be \
         hidden; or ask an administrator for permission to view the settings",
    )
}

/// What must be said where a level may not be seen.
pub fn announcement(unseen: &[Level], governing: &GoverningProfile) -> Notice {
    Notice::warning("profile-unseen", remark(unseen, governing.level))
}

fn remark(unseen: &[Level], governing: &str) -> String {
    let nearest = Level::ALL
        .iter()
        .find(|level| level.as_str() == governing || unseen.contains(level));
    let what = if governing == LOCAL {
        "the profile given locally is used, and a stricter one may be hidden there".to_owned()
    } else if nearest.is_some_and(|nearest| nearest.as_str() == governing) {
        format!("the profile of the {governing} governs all the same, as it is the nearest")
    } else {
        format!(
            "the profile of the {governing} governs, as far as can be seen; a nearer one would go \
                before it"
        )
    };
    format!(
        "you may not see whether {} has a de-identification profile: {what}",
        named(unseen)
    )
}
