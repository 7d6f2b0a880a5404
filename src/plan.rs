//! Everything resolved and checked before the first file is read: project, governing profile,
//! consent, sink.
//!
//! A dry run has the same plan as the run that it rehearses, but for the sink. Nothing below looks
//! at a flag, and nothing here changes anything on the server, except that a missing project is
//! created where that was asked for.

mod decision;
mod deid_log;
mod folders;
mod governing;
mod other_files;
mod planned_project;
mod prompt;
mod pseudonyms;
mod server_profiles;
mod sink;

use std::fmt;
use std::path::PathBuf;

use crate::config::{Config, Input, Packaging, SinkChoice, Transfer};
use crate::credential::PseudonymKeySources;
use crate::discover::Discovery;
use crate::event::Notice;
use crate::failure::{Error, FileFailure, RunCode};
pub use decision::{DeidDecision, override_residual};
use dicom_deid::profile::Profile;
use dicom_deid::pseudonym::PseudonymKey;
use dicom_deid::{self as deid, Cleaner, Counts, IdentifiedConsent, Sendable};
use dicom_lossless::{Instance, Limits};
use flywheel_client::{ApiKey, Client, Settings};
pub use governing::{Governing, LOCAL};
pub use planned_project::PlannedProject;
pub use prompt::Confirm;
use prompt::{Prompt, Reply, warnings};
pub use server_profiles::{ProfileWatch, ServerProfiles, ask};
pub use sink::{Sink, UploadServer};

/// What a run is going to do.
#[derive(Debug)]
pub struct UploadPlan {
    /// What to walk.
    pub discovery: Discovery,
    /// The project that everything goes to.
    pub project: PlannedProject,
    /// The server's host; none when offline.
    pub site: Option<String>,
    /// The profile that governs; none when the data goes as it is.
    pub governing: Option<Governing>,
    /// What is done to each instance.
    pub treatment: Treatment,
    /// Where packages go.
    pub sink: Sink,
    /// What to read.
    pub input: Input,
    /// Which containers and packages are made.
    pub packaging: Packaging,
    /// How fast, and with how much memory.
    pub transfer: Transfer,
    /// The failure report and the log, which may lie among the inputs.
    pub reports: Vec<PathBuf>,
    /// Bounds on reading.
    pub limits: Limits,
    /// What the user must be told before anything is sent.
    pub announcements: Vec<Notice>,
}

/// What is done to each instance.
pub enum Treatment {
    /// It is de-identified.
    Clean(Box<Cleaner>),
    /// It goes as it is; a person or a flag has accepted that.
    AsItIs(IdentifiedConsent),
}

impl fmt::Debug for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Clean(_)) {
            "Clean(..)"
        } else {
            "AsItIs"
        })
    }
}

impl Treatment {
    /// The same with another cleaner, where one cleans.
    fn with(self, change: impl FnOnce(Cleaner) -> Cleaner) -> Self {
        match self {
            Self::Clean(cleaner) => Self::Clean(Box::new(change(*cleaner))),
            as_it_is @ Self::AsItIs(_) => as_it_is,
        }
    }
}

impl UploadPlan {
    /// Makes an instance fit to be sent, and in a dry run counts what was done to which attribute.
    /// The path is that below the folder which was named, for profiles that name files.
    ///
    /// # Errors
    /// Whatever keeps the instance from being cleaned.
    pub fn treat(&self, instance: Instance, path: &str) -> Result<(Sendable, Counts), FileFailure> {
        let sendable = match &self.treatment {
            Treatment::Clean(cleaner) if self.sink.is_dry_run() => {
                let (clean, counts) = cleaner.deidentify_counting(instance, path)?;
                return Ok((clean.into(), counts));
            }
            Treatment::Clean(cleaner) => cleaner
                .deidentify(instance, path)?
                .into(),
            Treatment::AsItIs(consent) => deid::as_it_is(&instance, &self.limits, consent)?.into(),
        };
        Ok((sendable, Counts::new()))
    }

    /// The same with the key that pseudonyms are made with.
    fn keyed(self, (key, announcement): (PseudonymKey, Notice)) -> Self {
        let fingerprint = key.fingerprint();
        let mut announcements = self.announcements;
        announcements.push(announcement);
        Self {
            governing: self
                .governing
                .map(|governing| Governing {
                    key: Some(fingerprint),
                    ..governing
                }),
            treatment: self
                .treatment
                .with(|cleaner| cleaner.keyed(key)),
            announcements,
            ..self
        }
    }
}

/// A client for a key with the run's settings; the usual ones where nothing is transferred.
///
/// # Errors
/// A certificate file that cannot be used.
pub fn client(
    key: &ApiKey,
    ca_cert: Option<PathBuf>,
    transfer: Option<Transfer>,
) -> Result<Client, Error> {
    let settings = Settings {
        ca_cert,
        user_agent: concat!("fwupload/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Settings::default()
    };
    let settings = match transfer {
        Some(Transfer {
            signed_urls,
            bandwidth,
            idle_timeout,
            patience,
            ..
        }) => Settings {
            idle_timeout,
            signed_urls,
            patience,
            bandwidth,
            ..settings
        },
        None => settings,
    };
    Ok(Client::new(key, settings)?)
}

/// Resolves a run. `client` is the server to ask, none when offline; `keys` is where the key of
/// pseudonyms may come from; `confirm` shows a question to the user.
///
/// # Errors
/// Whatever is missing or contradictory, before anything was read or sent.
pub async fn resolve(
    config: Config,
    client: Option<Client>,
    keys: &PseudonymKeySources,
    confirm: &mut Confirm<'_>,
) -> Result<UploadPlan, Error> {
    let discovery = open_inputs(&config)?;
    let local = decision::local(&config.deid)?;
    let (project, served) = ask_server(client.as_ref(), &config).await?;
    let watch = client.as_ref().map(|client| {
        ProfileWatch::new(client, &project, &served, config.transfer.profile_recheck)
    });
    let (decision, mut announcements) = decide(served, local, &config, &project)?;
    let log = deid_log::ask(client.as_ref(), &decision, &config.sink).await?;
    announcements.extend(
        log.as_deref()
            .map(deid_log::announcement),
    );
    let needs_key = decision.needs_key();
    let (governing, mut treatment) = accept(decision, &config, &announcements, confirm)?;
    if log.is_some() && config.sink == SinkChoice::Upload {
        treatment = treatment.with(Cleaner::logged);
    }
    let site = client
        .as_ref()
        .map(|client| client.host().to_owned());
    let watch = watch.map(|watch| watch.under(governing.as_ref()));
    let sink = sink::open(&config, client.zip(watch), &project)?;
    // Last, since the user must be told of a key that is made here, and an error would take the
    // place of that.
    let key = needs_key
        .then(|| pseudonyms::resolve(&config, keys, site.as_deref(), &project))
        .transpose()?;
    let plan = UploadPlan {
        discovery,
        project,
        site,
        governing,
        treatment,
        sink,
        limits: limits(&config),
        input: config.input,
        packaging: config.packaging,
        transfer: config.transfer,
        reports: std::iter::once(config.report.path)
            .chain(config.report.log)
            .collect(),
        announcements,
    };
    Ok(match key {
        Some(key) => plan.keyed(key),
        None => plan,
    })
}

/// What is done to the data, and what the user must be told of it.
fn decide(
    served: ServerProfiles,
    local: Option<Profile>,
    config: &Config,
    project: &PlannedProject,
) -> Result<(DeidDecision, Vec<Notice>), Error> {
    let mut decision = decision::decide(served, local, &config.deid, project)?;
    decision.refuse_without_subject(config.packaging.subject.is_some())?;
    let mut announcements = decision.announcements(project);
    announcements.extend(decision.override_residual(config.residual));
    announcements.extend(other_files::announcement(config));
    Ok((decision, announcements))
}

/// Asks the user for everything that has to be accepted before anything is sent.
fn accept(
    decision: DeidDecision,
    config: &Config,
    announcements: &[Notice],
    confirm: &mut Confirm<'_>,
) -> Result<(Option<Governing>, Treatment), Error> {
    let mut prompt = Prompt::new(config, confirm);
    accept_doubt(&decision, announcements, &mut prompt)?;
    let settled = match decision {
        DeidDecision::Clean {
            governing, profile, ..
        } => {
            let cleaner = Box::new(Cleaner::new(&profile, limits(config)));
            (Some(governing), Treatment::Clean(cleaner))
        }
        DeidDecision::AsItIs { asked_for, .. } => {
            let consent = consent(asked_for, &warnings(announcements), &mut prompt)?;
            (None, Treatment::AsItIs(consent))
        }
    };
    other_files::consent(config, &mut prompt)?;
    Ok(settled)
}

fn limits(config: &Config) -> Limits {
    Limits {
        header_bytes: config.input.max_header,
        ..Limits::default()
    }
}

/// What is to be walked. A list on standard input may take its time: said to be blocking, so that
/// signals are heard meanwhile.
fn open_inputs(config: &Config) -> Result<Discovery, Error> {
    let inputs = config.input.files.clone();
    let discovery =
        tokio::task::block_in_place(|| Discovery::prepare(inputs, &mut std::io::stdin().lock()))?;
    folders::refuse_beside_inputs(config, &discovery)?;
    Ok(discovery)
}

/// The project, and what the server says about profiles for it.
async fn ask_server(
    client: Option<&Client>,
    config: &Config,
) -> Result<(PlannedProject, ServerProfiles), Error> {
    let Some(client) = client else {
        let project = PlannedProject::offline(&config.project)?;
        return Ok((project, ServerProfiles::default()));
    };
    let project = PlannedProject::on_server(client, config).await?;
    let served = ask(client, &project).await?;
    Ok((project, served))
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
    let refused = |code: RunCode| Error::new(code, code.sentence());
    if !flag_given {
        return Err(refused(RunCode::ProfileMissing)
            .because(warning)
            .because("`--no-deid` was not given"));
    }
    match prompt.ask(warning, "Send the data as it is?") {
        Reply::Accepted => Ok(IdentifiedConsent::a_person_agrees_that_nothing_is_deidentified()),
        Reply::Refused => Err(refused(RunCode::ProfileUnconfirmed)),
        Reply::NoTerminal => Err(refused(RunCode::ProfileUnconfirmed)
            .because(warning)
            .because("there is no terminal to confirm at, and `-y` was not given")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::config::Environment;
    use flywheel_client::Level;

    pub(super) fn config(flags: &str, terminal: bool) -> Config {
        let typed = format!("fwupload study -p g/p {flags}");
        let cli = cli::parse(typed.split_whitespace().map(Into::into)).unwrap();
        let environment = Environment {
            stdin_tty: terminal,
            stderr_tty: terminal,
            cores: 1,
            ..Environment::default()
        };
        Config::new(&cli.upload, &environment).unwrap()
    }

    /// Whether the data may go as it is, and how many questions were asked, with this answer.
    fn consents(flags: &str, terminal: bool, answer: bool) -> (Result<(), RunCode>, usize) {
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
        assert_eq!(consents("--no-deid", true, true), (Ok(()), 1));
        assert_eq!(
            consents("--no-deid", true, false),
            (Err(RunCode::ProfileUnconfirmed), 1)
        );
        assert_eq!(consents("--no-deid -y", true, false), (Ok(()), 0));
        assert_eq!(consents("--no-deid -y", false, false), (Ok(()), 0));
        assert_eq!(
            consents("--no-deid", false, true),
            (Err(RunCode::ProfileUnconfirmed), 0)
        );
        assert_eq!(
            consents("--no-deid --output out", false, true),
            (Err(RunCode::ProfileUnconfirmed), 0)
        );
        assert_eq!(consents("--no-deid --dry-run", false, false), (Ok(()), 0));
        assert_eq!(consents("", true, true), (Err(RunCode::ProfileMissing), 0));
        assert_eq!(consents("", false, true), (Err(RunCode::ProfileMissing), 0));
        assert_eq!(
            consents("-y", true, true),
            (Err(RunCode::ProfileMissing), 0)
        );
        assert_eq!(
            consents("-y", false, true),
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
            let project = PlannedProject::offline("g/p").unwrap();
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
}
