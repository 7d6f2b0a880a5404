//! Everything resolved and checked before the first file is read: project, governing profile,
//! consent, way out.
//!
//! A dry run has the same plan as the run that it rehearses, but for the way out. Nothing below
//! looks at a flag, and nothing here changes anything on the server, except that a missing project
//! is created where that was asked for.

mod announcement;
mod asked;
mod deid_log;
mod folders;
mod governance;
mod other_files;
mod pseudonyms;
mod way_out;

use std::fmt;
use std::path::PathBuf;

use flywheel_client::{ApiKey, Client, ClientError, Level, Project, ProjectRef, Settings};

use crate::config::{Compression, Config, IfExists, OtherFiles, PackageBy, Shard, Sink, Transfer};
use crate::credential::PseudonymKeySources;
use crate::deid::{self, Cleaner, Counts, IdentifiedConsent, Sendable};
use crate::dicom::{Instance, Limits};
use crate::discover::{Discovery, Inputs};
use crate::failure::{Error, FileFailure, RunCode};
use crate::routing::ForcedLabels;
pub use announcement::{Announcement, Weight};
pub use asked::{Answer, Watch, ask};
pub use governance::{Decision, Governing, LOCAL, override_residual};
pub use way_out::{Target, WayOut};

/// What a run is going to do.
#[derive(Debug)]
pub struct UploadPlan {
    /// What to walk.
    pub discovery: Discovery,
    /// The project that everything goes to.
    pub project: Project,
    /// The server's host; none when offline.
    pub site: Option<String>,
    /// The profile that governs; none when the data goes as it is.
    pub governing: Option<Governing>,
    /// What is done to each instance.
    pub treatment: Treatment,
    /// Where packages go.
    pub way_out: WayOut,
    /// Labels that replace those of the header.
    pub forced_labels: ForcedLabels,
    /// What one package holds.
    pub package_by: PackageBy,
    /// What to do when a file of the same name is already there, and somebody else put it there.
    pub if_exists: IfExists,
    /// Several patients may become one subject.
    pub merge_patients: bool,
    /// What earlier runs sent may be lost where this run sends less of it.
    pub supersede: bool,
    /// Failed files after which the run stops.
    pub max_failures: Option<u64>,
    /// The part of the work that is done; none for all of it.
    pub shard: Option<Shard>,
    /// What to do with files that are not DICOM.
    pub other_files: OtherFiles,
    /// Whether their names are kept.
    pub keep_names: bool,
    /// The failure report and the log, which may lie among the inputs.
    pub reports: Vec<PathBuf>,
    /// Files cleaned at a time.
    pub jobs: usize,
    /// Uploads at a time; none for as many as help.
    pub uploads: Option<usize>,
    /// Whether packages are deflated.
    pub compression: Compression,
    /// Bytes of data under way.
    pub memory: u64,
    /// Bounds on reading.
    pub limits: Limits,
    /// What the user must be told before anything is sent.
    pub announcements: Vec<Announcement>,
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
    /// The same; what is cleaned keeps who it was about, for the site's log.
    fn logged(self) -> Self {
        match self {
            Self::Clean(cleaner) => Self::Clean(Box::new(cleaner.logged())),
            as_it_is @ Self::AsItIs(_) => as_it_is,
        }
    }

    /// The same, counting what is done to which attribute.
    ///
    /// # Errors
    /// Whatever keeps the instance from being cleaned.
    pub fn rehearse(
        &self,
        instance: Instance,
        path: &str,
        limits: &Limits,
    ) -> Result<(Sendable, Counts), FileFailure> {
        match self {
            Self::Clean(cleaner) => {
                let (clean, counts) = cleaner.deidentify_counting(instance, path)?;
                Ok((Sendable::from(clean), counts))
            }
            Self::AsItIs(_) => self
                .apply(instance, path, limits)
                .map(|instance| (instance, Counts::new())),
        }
    }

    /// Makes an instance fit to be sent. The path is that below the folder which was named, for
    /// profiles that name files.
    ///
    /// # Errors
    /// Whatever keeps the instance from being cleaned.
    pub fn apply(
        &self,
        instance: Instance,
        path: &str,
        limits: &Limits,
    ) -> Result<Sendable, FileFailure> {
        match self {
            Self::Clean(cleaner) => cleaner.deidentify(instance, path).map(Sendable::from),
            Self::AsItIs(consent) => deid::as_it_is(&instance, limits, consent).map(Sendable::from),
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

/// Resolves a run. `server` is the client to ask, none when offline; `keys` is where the key of
/// pseudonyms may come from; `confirm` shows a question to a person and is called only where
/// somebody can answer it.
///
/// # Errors
/// Whatever is missing or contradictory, before anything was read or sent.
pub async fn resolve(
    config: &Config,
    server: Option<Client>,
    keys: &PseudonymKeySources,
    confirm: &mut (dyn FnMut(&str) -> bool + Send),
) -> Result<UploadPlan, Error> {
    // A list on standard input may take its time: said to be blocking, so that signals are heard
    // meanwhile.
    let discovery = tokio::task::block_in_place(|| {
        Discovery::prepare(inputs(config), &mut std::io::stdin().lock())
    })?;
    folders::refuse_beside_inputs(config, &discovery)?;
    let local = governance::local(&config.deid)?;
    let (project, answer, watch) = if let Some(client) = &server {
        let project = ask_server(client, config).await?;
        let answer = ask(client, &project).await?;
        let watch = Watch::new(client, &project, &answer, config.transfer.profile_recheck);
        (project, answer, Some(watch))
    } else {
        (
            offline_project(&config.destination.project)?,
            Answer::default(),
            None,
        )
    };
    let mut decision = governance::decide(answer, local, &config.deid, &project)?;
    decision.refuse_without_subject(config.destination.subject.is_some())?;
    let mut announcements = decision.announcements(&project);
    announcements.extend(decision.override_residual(config.residual));
    announcements.extend(other_files::announcement(config));
    let log = match &server {
        Some(client) => deid_log::ask(client, &decision, &config.sink).await?,
        None => None,
    };
    announcements.extend(log.as_deref().map(deid_log::announcement));
    let needs_key = decision.needs_key();
    accept_doubt(decision.doubtful(), config, &announcements, confirm)?;
    let (mut governing, mut treatment) = settle(decision, config, &announcements, confirm)?;
    other_files::consent(config, confirm)?;
    if log.is_some() && config.sink == Sink::Upload {
        treatment = treatment.logged();
    }
    let site = server.as_ref().map(|client| client.host().to_owned());
    let watch = watch.map(|watch| watch.under(governing.as_ref()));
    let way_out = way_out::open(config, server.zip(watch), project.clone())?;
    if needs_key {
        // Last, since what may be made here must be told, and an error would take the place of
        // that.
        let (with_fingerprint, with_key, announcement) = pseudonyms::keyed(
            (governing, treatment),
            config,
            keys,
            site.as_deref(),
            &project,
        )?;
        (governing, treatment) = (with_fingerprint, with_key);
        announcements.push(announcement);
    }
    Ok(UploadPlan {
        discovery,
        project,
        site,
        governing,
        treatment,
        way_out,
        forced_labels: ForcedLabels {
            subject: config.destination.subject.clone(),
            session: config.destination.session.clone(),
        },
        package_by: config.destination.package,
        if_exists: config.destination.if_exists,
        supersede: config.destination.supersede,
        merge_patients: config.destination.merge_patients,
        max_failures: config.transfer.max_failures,
        shard: config.input.shard,
        other_files: config.input.other_files,
        keep_names: config.input.keep_names,
        reports: std::iter::once(config.report.path.clone())
            .chain(config.report.log.clone())
            .collect(),
        jobs: config.transfer.jobs,
        uploads: config.transfer.uploads,
        compression: config.transfer.compression,
        memory: config.transfer.memory,
        limits: limits(config),
        announcements,
    })
}

fn limits(config: &Config) -> Limits {
    Limits {
        header_bytes: config.input.max_header,
        ..Limits::default()
    }
}

fn inputs(config: &Config) -> Inputs {
    let input = config.input.clone();
    Inputs {
        paths: input.paths,
        lists: input.lists,
        null: input.null,
        filters: input.filters,
        follow: input.follow,
        other_files: input.other_files,
    }
}

/// Key, features and project, each checked before the next.
async fn ask_server(client: &Client, config: &Config) -> Result<Project, Error> {
    client.site_config().await?;
    let user = client.check_key().await?;
    let wanted = ProjectRef::parse(&config.destination.project)?;
    let project = match (client.resolve_project(&wanted).await, wanted) {
        (Err(error), ProjectRef::GroupAndLabel { group, label })
            if matches!(error, ClientError::ProjectNotFound { .. })
                && config.destination.create_project =>
        {
            return create_project(client, config, &group, &label).await;
        }
        (found, _) => found?,
    };
    // Who writes into a folder needs no right to upload.
    if !matches!(config.sink, Sink::Folder(_)) {
        client.check_rights(&user, &project).await?;
    }
    Ok(project)
}

/// Only a run that sends something creates the project; a rehearsal takes it as given.
async fn create_project(
    client: &Client,
    config: &Config,
    group: &str,
    label: &str,
) -> Result<Project, Error> {
    if config.sink == Sink::Upload {
        return Ok(client.create_project(group, label).await?);
    }
    Ok(Project {
        id: String::new(),
        group: group.to_owned(),
        label: label.to_owned(),
    })
}

fn offline_project(text: &str) -> Result<Project, Error> {
    match ProjectRef::parse(text)? {
        ProjectRef::GroupAndLabel { group, label } => Ok(Project {
            id: String::new(),
            group,
            label,
        }),
        ProjectRef::Id(_) | ProjectRef::Label(_) => {
            let error = Error::new(
                RunCode::Usage,
                "without a server, the project must be given as group/project",
            );
            Err(error.with_hint("pass `--project GROUP/PROJECT`, or leave out `--offline`"))
        }
    }
}

fn settle(
    decision: Decision,
    config: &Config,
    announcements: &[Announcement],
    confirm: &mut (dyn FnMut(&str) -> bool + Send),
) -> Result<(Option<Governing>, Treatment), Error> {
    match decision {
        Decision::Clean {
            governing, profile, ..
        } => {
            let cleaner = Cleaner::new(&profile, limits(config));
            Ok((Some(governing), Treatment::Clean(Box::new(cleaner))))
        }
        Decision::AsItIs { asked_for, .. } => {
            let warning: Vec<_> = announcements
                .iter()
                .filter(|a| a.is_warning())
                .map(|a| a.text.as_str())
                .collect();
            consent(asked_for, config, &warning.join("\n"), confirm)
                .map(|consent| (None, Treatment::AsItIs(consent)))
        }
    }
}

/// Where a stricter profile may be hidden, the user must have accepted that before anything is
/// sent.
fn accept_doubt(
    doubtful: &[Level],
    config: &Config,
    announcements: &[Announcement],
    confirm: &mut (dyn FnMut(&str) -> bool + Send),
) -> Result<(), Error> {
    if doubtful.is_empty() || config.output.assume_yes || config.sink == Sink::Nothing {
        return Ok(());
    }
    let refused = |why: &str| Err(asked::unknown(doubtful).because(why));
    if !config.output.interactive {
        return refused(
            "it was not accepted that a stricter profile may be hidden: there is no terminal, and \
                `-y` was not given",
        );
    }
    let warnings: Vec<_> = announcements
        .iter()
        .filter(|a| a.is_warning())
        .map(|a| a.text.as_str())
        .collect();
    if confirm(&format!(
        "{}\nClean with the profile given locally?",
        warnings.join("\n")
    )) {
        return Ok(());
    }
    refused("that a stricter profile may be hidden was not accepted")
}

/// The flag must have been typed, and confirmed at the terminal or with `-y`. `-y` alone is not
/// enough, and a rehearsal sends nothing that would need it.
fn consent(
    flag_given: bool,
    config: &Config,
    warning: &str,
    confirm: &mut (dyn FnMut(&str) -> bool + Send),
) -> Result<IdentifiedConsent, Error> {
    let refused = |code: RunCode| Error::new(code, code.sentence());
    if !flag_given {
        return Err(refused(RunCode::ProfileMissing)
            .because(warning)
            .because("`--no-deid` was not given"));
    }
    if config.output.assume_yes || config.sink == Sink::Nothing {
        return Ok(IdentifiedConsent::given_by_user());
    }
    if !config.output.interactive {
        let why = "there is no terminal to confirm at, and `-y` was not given";
        return Err(refused(RunCode::ProfileUnconfirmed)
            .because(warning)
            .because(why));
    }
    if confirm(&format!("{warning}\nSend the data as it is?")) {
        return Ok(IdentifiedConsent::given_by_user());
    }
    Err(refused(RunCode::ProfileUnconfirmed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::config::Environment;

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
            &config,
            "the data goes as it is",
            &mut person,
        );
        (given.map(|_| ()).map_err(|error| error.code), asked)
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
        let warning =
            Announcement::warning("profile-unseen", "a stricter one may be hidden".to_owned());
        let accepted = accept_doubt(&[Level::Group], &config, &[warning], &mut person);
        assert!(accept_doubt(&[], &config, &[], &mut |_| panic!("there is no doubt")).is_ok());
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
