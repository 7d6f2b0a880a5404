//! What a person has to accept before anything is sent.
//!
//! Owns when a question is asked at all: a dry run sends nothing that needs consent, and `-y` is
//! the answer to every question. Without a terminal a question counts as refused.

use super::decision::DeidDecision;
use super::governing::GoverningProfile;
use super::server_profiles;
use crate::config::{Config, OtherFiles, SinkChoice};
use crate::event::{Notice, Severity};
use crate::failure::{Error, RunCode};
use dicom_deid::IdentifiedConsent;
use dicom_deid::profile::Profile;

/// Shows a question to the user; true for yes.
pub type Confirm<'a> = dyn FnMut(&str) -> bool + Send + 'a;

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Accepted,
    Refused,
    /// It could not be asked.
    NoTerminal,
}

/// Asks the user, where that is needed and possible.
struct Prompt<'a, 'c> {
    accepted_already: bool,
    interactive: bool,
    confirm: &'a mut Confirm<'c>,
}

impl<'a, 'c> Prompt<'a, 'c> {
    fn new(config: &Config, confirm: &'a mut Confirm<'c>) -> Self {
        Self {
            accepted_already: config.output.assume_yes || config.sink == SinkChoice::DryRun,
            interactive: config.output.interactive,
            confirm,
        }
    }

    /// Asks whether a run may go on in view of a warning.
    fn ask(&mut self, warning: &str, question: &str) -> Reply {
        match (self.accepted_already, self.interactive) {
            (true, _) => Reply::Accepted,
            (false, false) => Reply::NoTerminal,
            (false, true) if (self.confirm)(&format!("{warning}\n{question}")) => Reply::Accepted,
            (false, true) => Reply::Refused,
        }
    }
}

/// The texts of all warnings, one on each line.
fn warnings(announcements: &[Notice]) -> String {
    let warnings: Vec<_> = announcements
        .iter()
        .filter(|announcement| announcement.severity == Severity::Warning)
        .map(|announcement| announcement.text.as_str())
        .collect();
    warnings.join("\n")
}

/// What is to be done to the data, once everything was accepted.
pub enum Accepted {
    /// It is cleaned.
    Clean {
        governing: GoverningProfile,
        profile: Box<Profile>,
    },
    /// It goes as it is.
    AsItIs(IdentifiedConsent),
}

impl Accepted {
    /// The profile that governs; none when the data goes as it is.
    pub fn governing(&self) -> Option<&GoverningProfile> {
        match self {
            Self::Clean { governing, .. } => Some(governing),
            Self::AsItIs(_) => None,
        }
    }
}

/// Asks the user for everything that has to be accepted before anything is sent.
pub fn accept(
    decision: DeidDecision,
    config: &Config,
    announcements: &[Notice],
    confirm: &mut Confirm<'_>,
) -> Result<Accepted, Error> {
    let mut prompt = Prompt::new(config, confirm);
    accept_doubt(&decision, announcements, &mut prompt)?;
    let settled = match decision {
        DeidDecision::Clean {
            governing, profile, ..
        } => Accepted::Clean { governing, profile },
        DeidDecision::AsItIs { asked_for, .. } => {
            Accepted::AsItIs(consent(asked_for, &warnings(announcements), &mut prompt)?)
        }
    };
    accept_other_files(config, &mut prompt)?;
    Ok(settled)
}

/// Where a stricter profile may be hidden, the user must have accepted that before anything is
/// sent.
fn accept_doubt(
    decision: &DeidDecision,
    announcements: &[Notice],
    prompt: &mut Prompt<'_, '_>,
) -> Result<(), Error> {
    let doubtful = decision.doubtful();
    if doubtful.is_empty() {
        return Ok(());
    }
    let why = match prompt.ask(
        &warnings(announcements),
        "Clean with the profile given locally?",
    ) {
        Reply::Accepted => return Ok(()),
        Reply::Refused => "that a stricter profile may be hidden was not accepted",
        Reply::NoTerminal => {
            "it was not accepted that a stricter profile may be hidden: there is no terminal, and \
                `-y` was not given"
        }
    };
    Err(server_profiles::unknown(doubtful).because(why))
}

/// The flag must have been typed, and confirmed at the terminal or with `-y`. `-y` alone is not
/// enough.
fn consent(
    flag_given: bool,
    warning: &str,
    prompt: &mut Prompt<'_, '_>,
) -> Result<IdentifiedConsent, Error> {
    if !flag_given {
        return Err(Error::from(RunCode::ProfileMissing)
            .because(warning)
            .because("`--no-deid` was not given"));
    }
    match prompt.ask(warning, "Send the data as it is?") {
        Reply::Accepted => Ok(IdentifiedConsent::a_person_agrees_that_nothing_is_deidentified()),
        Reply::Refused => Err(Error::from(RunCode::ProfileUnconfirmed)),
        Reply::NoTerminal => Err(Error::from(RunCode::ProfileUnconfirmed)
            .because(warning)
            .because("there is no terminal to confirm at, and `-y` was not given")),
    }
}

/// The warning, where such files are asked for.
pub fn other_files_announcement(config: &Config) -> Option<Notice> {
    let text = "files that are not DICOM are sent as they are: nothing in them is de-identified. \
        Many formats name the patient in \
                their own header, as NIfTI in descrip and db_name, PAR/REC, Siemens raw data, and \
                JPEG and TIFF in EXIF";
    let names = if config.input.keep_names {
        "; their names are kept, and names may identify"
    } else {
        ""
    };
    (config.input.files.other_files == OtherFiles::Upload)
        .then(|| Notice::warning("other-files", format!("{text}{names}")))
}

/// The user who asks for them has to accept that nothing cleans them.
///
/// # Errors
/// `profile.unconfirmed` where that was refused, or there was no terminal to ask at.
fn accept_other_files(config: &Config, prompt: &mut Prompt<'_, '_>) -> Result<(), Error> {
    let Some(warning) = other_files_announcement(config) else {
        return Ok(());
    };
    if prompt.ask(&warning.text, "Send these files as they are?") == Reply::Accepted {
        return Ok(());
    }
    Err(Error::new(
        RunCode::ProfileUnconfirmed,
        "sending files that are not DICOM as they are was not confirmed",
    )
    .with_hint(
        "confirm at the prompt, pass `--other-files upload` with `-y`, or leave \
        `--other-files` out",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::config;
    use super::super::{ServerProfiles, decision, project};
    use super::*;
    use flywheel_client::Level;

    /// Whether the data may go as it is, and how many questions were asked, with this answer.
    fn sends_as_it_is(flags: &str, terminal: bool, answer: bool) -> (Result<(), RunCode>, usize) {
        let (config, mut asked) = (config(flags, terminal), 0);
        let mut person = |question: &str| {
            assert!(question.contains("as it is"));
            asked += 1;
            answer
        };
        let given = consent(
            flags.contains("--no-deid"),
            "the data goes as it is",
            &mut Prompt::new(&config, &mut person),
        );
        (
            given
                .map(|_| ())
                .map_err(|error| error.code),
            asked,
        )
    }

    #[test]
    fn data_goes_as_it_is_only_after_the_flag_and_a_confirmation() {
        assert_eq!(sends_as_it_is("--no-deid", true, true), (Ok(()), 1));
        assert_eq!(
            sends_as_it_is("--no-deid", true, false),
            (Err(RunCode::ProfileUnconfirmed), 1)
        );
        assert_eq!(sends_as_it_is("--no-deid -y", true, false), (Ok(()), 0));
        assert_eq!(sends_as_it_is("--no-deid -y", false, false), (Ok(()), 0));
        assert_eq!(
            sends_as_it_is("--no-deid", false, true),
            (Err(RunCode::ProfileUnconfirmed), 0)
        );
        assert_eq!(
            sends_as_it_is("--no-deid --output out", false, true),
            (Err(RunCode::ProfileUnconfirmed), 0)
        );
        assert_eq!(
            sends_as_it_is("--no-deid --dry-run", false, false),
            (Ok(()), 0)
        );
        assert_eq!(
            sends_as_it_is("", true, true),
            (Err(RunCode::ProfileMissing), 0)
        );
        assert_eq!(
            sends_as_it_is("", false, true),
            (Err(RunCode::ProfileMissing), 0)
        );
        assert_eq!(
            sends_as_it_is("-y", true, true),
            (Err(RunCode::ProfileMissing), 0)
        );
        assert_eq!(
            sends_as_it_is("-y", false, true),
            (Err(RunCode::ProfileMissing), 0)
        );
    }

    /// Whether a run goes on though a level cannot be seen, and how many questions were asked.
    fn accepts(flags: &str, terminal: bool, answer: bool) -> (Result<(), RunCode>, usize) {
        let (config, mut asked) = (config(&format!("--profile basic {flags}"), terminal), 0);
        let mut person = |question: &str| {
            assert!(question.contains("may be hidden") && question.contains("given locally"));
            asked += 1;
            answer
        };
        let warning = Notice::warning("profile-unseen", "a stricter one may be hidden".to_owned());
        let unseen_at = |levels: &[Level]| {
            let served = ServerProfiles {
                seen: None,
                unseen: levels.to_vec(),
            };
            let local = decision::local(&config.deid).unwrap();
            let project = project::offline("g/p").unwrap();
            decision::decide(served, local, &config.deid, &project).unwrap()
        };
        let mut never = |_: &str| panic!("there is no doubt");
        let mut no_prompt = Prompt::new(&config, &mut never);
        assert!(accept_doubt(&unseen_at(&[]), &[], &mut no_prompt).is_ok());
        let accepted = accept_doubt(
            &unseen_at(&[Level::Group]),
            &[warning],
            &mut Prompt::new(&config, &mut person),
        );
        (accepted.map_err(|error| error.code), asked)
    }

    #[test]
    fn a_hidden_level_is_accepted_by_a_person_or_by_a_flag() {
        assert_eq!(accepts("", true, true), (Ok(()), 1));
        assert_eq!(accepts("", true, false), (Err(RunCode::ProfileUnknown), 1));
        assert_eq!(accepts("", false, true), (Err(RunCode::ProfileUnknown), 0));
        assert_eq!(accepts("-y", false, true), (Ok(()), 0));
        assert_eq!(accepts("-y", true, false), (Ok(()), 0));
        assert_eq!(accepts("--dry-run", false, false), (Ok(()), 0));
        assert_eq!(
            accepts("--output out", false, false),
            (Err(RunCode::ProfileUnknown), 0)
        );
    }

    /// Whether other files may go, and how many questions were asked, with these answers.
    fn sends_other_files(
        flags: &str,
        terminal: bool,
        answer: bool,
    ) -> (Result<(), RunCode>, usize) {
        let mut asked = 0;
        let mut person = |question: &str| {
            assert!(question.contains("as they are") && question.contains("NIfTI"));
            asked += 1;
            answer
        };
        let config = config(flags, terminal);
        let given = accept_other_files(&config, &mut Prompt::new(&config, &mut person));
        (given.map_err(|error| error.code), asked)
    }

    #[test]
    fn other_files_go_only_after_a_person_or_a_flag_accepted_that() {
        let refused = Err(RunCode::ProfileUnconfirmed);
        for more in [
            "--profile basic",
            "--no-deid",
            "--profile basic --output out",
        ] {
            let upload = format!("--other-files upload {more}");
            assert_eq!(sends_other_files(&upload, true, true), (Ok(()), 1));
            assert_eq!(sends_other_files(&upload, true, false), (refused, 1));
            assert_eq!(sends_other_files(&upload, false, true), (refused, 0));
            assert_eq!(
                sends_other_files(&format!("{upload} -y"), false, false),
                (Ok(()), 0)
            );
            assert_eq!(
                sends_other_files(&format!("{upload} -y"), true, false),
                (Ok(()), 0)
            );
        }
        assert_eq!(
            sends_other_files("--other-files upload --dry-run", false, false),
            (Ok(()), 0)
        );
        for how in ["", "--other-files skip", "--other-files fail"] {
            assert_eq!(sends_other_files(how, false, false), (Ok(()), 0));
        }
    }
}
