//! Everything resolved and checked before the first file is read: project, governing profile,
//! consent, sink.
//!
//! A dry run has the same plan as the run that it rehearses, but for the sink. Nothing below looks
//! at a flag, and nothing here changes anything on the server, except that a missing project is
//! created where that was asked for.

mod consent;
mod decision;
mod deid_log;
mod governing;
mod planned;
mod project;
mod pseudonyms;
mod review;
mod rules_of_run;
mod server_profiles;
mod settings_files;
mod sink;
mod subject_files;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Audits, Config, Input, Packaging, Server, SinkChoice, Transfer};
use crate::credential::PseudonymKeySources;
use crate::discover::{Discovery, lie_one_in_the_other};
use crate::event::Notice;
use crate::failure::{Error, FileFailure};
use crate::journal::{Digester, KeyedDigest};
use crate::pictures::Pictures;
use crate::rules::Rules;
use crate::series::Indexed;
use crate::subjects::{Crosswalk, GivenLabels, RowId, SubjectTable};
use consent::Accepted;
pub use consent::Confirm;
use decision::DeidDecision;
pub use decision::override_residual;
use dicom_deid::profile::Profile;
use dicom_deid::{
    self as deid, Change, Cleaner, Counts, IdentifiedConsent, PseudonymKey, Sendable,
};
use dicom_lossless::{Instance, Limits, display_path};
use flywheel_client::{ApiKey, Client, Project, Settings};
pub use governing::GoverningProfile;
pub use planned::choices;
pub use review::Review;
pub use rules_of_run::{refuse_dates, refuse_ids};
pub use server_profiles::{ProfileWatch, ServerProfiles, ask};
pub use sink::{Sink, UploadServer};

/// What a run is going to do.
pub struct UploadPlan {
    /// What to walk.
    pub discovery: Discovery,
    /// The project that everything goes to.
    pub project: Project,
    /// The server's host; none when offline.
    pub site: Option<String>,
    /// The profile that governs; none when the data goes as it is.
    pub governing: Option<GoverningProfile>,
    /// What is done to each instance.
    pub treatment: Treatment,
    /// Which files are taken, and where they belong by the user's own rules.
    pub rules: Rules,
    /// Where files belong by the user's own table, where there is one.
    pub subjects: Option<SubjectTable>,
    /// Where it is written down which patient became which subject.
    pub crosswalks: Arc<[Crosswalk]>,
    /// Where frames in which text was found are shown; none where that was not asked for.
    pub pictures: Option<Arc<Pictures>>,
    /// Where packages go.
    pub sink: Sink,
    /// What to read.
    pub input: Input,
    /// Which containers and packages are made.
    pub packaging: Packaging,
    /// How fast, and with how much memory.
    pub transfer: Transfer,
    /// The failure report and whatever else is written down, which may lie among the inputs.
    pub reports: Vec<PathBuf>,
    /// What is written down of each file.
    pub audits: Audits,
    /// How far a person is asked about what is sent.
    pub review: Review,
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

/// An instance that is fit to be sent, and what was done to it.
pub struct TreatedInstance {
    /// The instance.
    pub sendable: Sendable,
    /// What was done to which attribute how often, where that is counted.
    pub counts: Counts,
    /// Each attribute that is not what it was, where that is listed.
    pub changes: Vec<Change>,
}

impl UploadPlan {
    /// What the table of subjects gives a file by its row; nothing where it has none.
    pub fn given(&self, row: Option<RowId>) -> &GivenLabels {
        const NOTHING: &GivenLabels = &GivenLabels {
            subject: None,
            session: None,
            acquisition: None,
        };
        self.subjects
            .as_ref()
            .zip(row)
            .map_or(NOTHING, |(table, row)| table.labels(row))
    }

    /// Whether a row of the table of subjects gives the subject, a row that is still to get its code
    /// too.
    pub fn table_gives_subject(&self) -> bool {
        self.subjects
            .as_ref()
            .is_some_and(|table| table.gives().subject)
    }

    /// What stands for a file in the journal, with all that decides where it goes.
    pub fn fingerprint(&self, digester: &Digester, file: &Indexed) -> KeyedDigest {
        let below = self
            .rules
            .set
            .is_some()
            .then(|| file.relative());
        digester.source(&file.file, self.given(file.row), below.as_deref())
    }

    /// Makes an instance fit to be sent. A dry run counts what was done to which attribute, and a log
    /// of changes lists it.
    /// The path is that below the folder which was named, for profiles that name files.
    ///
    /// # Errors
    /// Whatever keeps the instance from being cleaned.
    pub fn treat(&self, instance: Instance, path: &str) -> Result<TreatedInstance, FileFailure> {
        let sendable = match &self.treatment {
            Treatment::Clean(cleaner) if self.audits.deid_log || self.audits.review => {
                let (clean, changes, counts) = cleaner.deidentify_listing(instance, path)?;
                return Ok(TreatedInstance {
                    sendable: clean.into(),
                    counts,
                    changes,
                });
            }
            Treatment::Clean(cleaner) if self.sink.is_dry_run() => {
                let (clean, counts) = cleaner.deidentify_counting(instance, path)?;
                return Ok(TreatedInstance {
                    sendable: clean.into(),
                    counts,
                    changes: Vec::new(),
                });
            }
            Treatment::Clean(cleaner) => cleaner
                .deidentify(instance, path)?
                .into(),
            Treatment::AsItIs(consent) => {
                let uncleaned = deid::as_it_is(&instance, &self.limits, consent)?;
                if self.rules.need_cleaned_headers() {
                    uncleaned
                        .with_header(&instance)
                        .into()
                } else {
                    uncleaned.into()
                }
            }
        };
        Ok(TreatedInstance {
            sendable,
            counts: Counts::default(),
            changes: Vec::new(),
        })
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
    let mut settings = Settings {
        ca_cert,
        user_agent: concat!("fwupload/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Settings::default()
    };
    if let Some(transfer) = transfer {
        settings.idle_timeout = transfer.idle_timeout;
        settings.signed_urls = transfer.signed_urls;
        settings.patience = transfer.patience;
        settings.bandwidth = transfer.bandwidth;
    }
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
    let subjects = subject_files::table(&config.packaging)?;
    let mut rules = rules_of_run::read(&config)?;
    if let Some(list) = discovery.plan() {
        planned::refuse_other_choices(list, &planned::choices(&config, &rules)?)?;
    }
    let local = decision::local(&config.deid)?;
    let (project, served) = ask_server(client.as_ref(), &config).await?;
    let watch = client.as_ref().map(|client| {
        ProfileWatch::new(client, &project, &served, config.transfer.profile_recheck)
    });
    let (decision, mut announcements) = decide(
        served,
        local,
        &config,
        (&project, subjects.as_ref(), &mut rules),
    )?;
    let log = deid_log::ask(client.as_ref(), &decision, &config.sink).await?;
    announcements.extend(
        log.as_deref()
            .map(deid_log::announcement),
    );
    review::refuse_unrepeatable(&config, decision.profile())?;
    let needs_key = decision.needs_key();
    let accepted = consent::accept(decision, &config, &announcements, confirm)?;
    let pictures = pictures(&config, &accepted)?;
    announcements.extend(
        pictures
            .as_deref()
            .map(Pictures::warning),
    );
    let site = client
        .as_ref()
        .map(|client| client.host().to_owned());
    let watch = watch.map(|watch| watch.under(accepted.governing()));
    let sink = sink::open(&config, client.zip(watch), &project)?;
    let crosswalk_files = subject_files::open(&config)?;
    // Last, since the user must be told of a key that is made here, and an error would take the
    // place of that.
    let mut key = None;
    if needs_key || subject_files::needs_key(&config) {
        let (of_run, announcement) = pseudonyms::resolve(&config, keys, site.as_deref(), &project)?;
        key = Some(of_run);
        announcements.push(announcement);
    }
    let (governing, treatment) = match accepted {
        Accepted::AsItIs(consent) => (None, Treatment::AsItIs(consent)),
        Accepted::Clean {
            mut governing,
            profile,
        } => {
            let of_profile = key.clone().filter(|_| needs_key);
            governing.key = of_profile
                .as_ref()
                .map(PseudonymKey::fingerprint);
            let mut cleaner = Cleaner::new(&profile, of_profile, limits(&config))?;
            if log.is_some() && config.sink == SinkChoice::Upload {
                cleaner = cleaner.logged();
            }
            if rules.need_cleaned_headers() {
                cleaner = cleaner.keeping_headers();
            }
            if let Some(pictures) = pictures.clone() {
                cleaner = cleaner.showing(pictures);
            }
            (Some(governing), Treatment::Clean(Box::new(cleaner)))
        }
    };
    let (review, of_review) = review::resolve(&config, governing.as_ref(), &project)?;
    announcements.extend(of_review);
    let crosswalks: Arc<[_]> = subject_files::crosswalks(crosswalk_files, key).into();
    announcements.extend(
        crosswalks
            .iter()
            .map(Crosswalk::warning),
    );
    announcements.extend(manifest_announcement(&config));
    Ok(UploadPlan {
        discovery,
        project,
        site,
        governing,
        treatment,
        rules,
        subjects,
        crosswalks,
        pictures,
        sink,
        limits: limits(&config),
        input: config.input,
        packaging: config.packaging,
        transfer: config.transfer,
        audits: config.report.audits(),
        review,
        reports: config.report.written(),
        announcements,
    })
}

/// What is done to the data, and what the user must be told of it.
fn decide(
    served: ServerProfiles,
    local: Option<Profile>,
    config: &Config,
    (project, subjects, rules): (&Project, Option<&SubjectTable>, &mut Rules),
) -> Result<(DeidDecision, Vec<Notice>), Error> {
    let mut decision = decision::decide(served, local, &config.deid, project)?;
    let given = subjects.is_some_and(|table| table.gives().subject);
    let by_rules = rules_of_run::give_subjects(rules);
    decision.refuse_without_subject(config.packaging.subject.is_some() || given || by_rules)?;
    let profile = decision.profile();
    if let Some(profile) = profile {
        rules_of_run::refuse_dates(rules, profile)?;
    }
    let of_rules = rules_of_run::announcements(rules, &config.packaging, profile);
    let mut announcements = settings_files::announcements(config);
    announcements.extend(decision.announcements(project));
    announcements.extend(decision.override_residual(config.residual));
    announcements.extend(of_rules);
    announcements.extend(subjects.map(subject_files::announcement));
    announcements.extend(consent::other_files_announcement(config));
    Ok((decision, announcements))
}

/// That the manifest says which file became which instance.
fn manifest_announcement(config: &Config) -> Option<Notice> {
    let manifest = config.report.manifest.as_ref()?;
    let path = display_path(&manifest.path);
    let text = if config.report.redact_paths {
        format!(
            "the manifest in {path} has a hash for each path, and who knows the order of the files may \
                still tell which is which: keep it as safe as the originals; it is not sent"
        )
    } else {
        format!(
            "the manifest in {path} joins the paths of files to the UIDs that they get: keep it as \
                safe as the originals; it is not sent"
        )
    };
    Some(Notice::warning("manifest", text))
}

/// The folder for pictures. What goes as it is was not looked at, and gives none.
fn pictures(config: &Config, accepted: &Accepted) -> Result<Option<Arc<Pictures>>, Error> {
    match (&config.pictures, accepted) {
        (Some(folder), Accepted::Clean { .. }) => {
            let pictures = Pictures::open(folder, config.report.redact_paths)?;
            Ok(Some(Arc::new(pictures)))
        }
        _ => Ok(None),
    }
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
    refuse_folders_beside_inputs(config, &discovery)?;
    Ok(discovery)
}

/// Cleaned copies among the inputs would be read as further data, of further patients.
fn refuse_folders_beside_inputs(config: &Config, discovery: &Discovery) -> Result<(), Error> {
    let output = match &config.sink {
        SinkChoice::Folder(folder) => Some(("--output", folder)),
        _ => None,
    };
    let sandbox = match &config.server {
        Server::Sandbox(Some(folder)) => Some(("--sandbox", folder)),
        _ => None,
    };
    let written = || output.into_iter().chain(sandbox);
    let pictures = config
        .pictures
        .as_ref()
        .map(|folder| ("--pictures", folder));
    for (flag, folder) in written().chain(pictures) {
        if let Some(input) = discovery.input_beside(folder) {
            let what = format!(
                "the folder of `{flag}` and an input lie one in the other: {}",
                display_path(input)
            );
            return Err(Error::usage(
                what,
                "name a folder that is neither in an input nor around one",
            )
            .because("what is written there would be read as further data"));
        }
    }
    let folders: Vec<_> = written()
        .chain(pictures)
        .map(|(flag, folder)| (flag, folder.as_path()))
        .collect();
    subject_files::refuse_among_data(config, discovery, &folders)?;
    let beside_pictures = |(_, folder): &(_, &PathBuf)| {
        pictures.is_some_and(|(_, pictures)| lie_one_in_the_other(pictures, folder))
    };
    if let Some((flag, _)) = written().find(beside_pictures) {
        return Err(Error::usage(
            format!("the folders of `--pictures` and `{flag}` lie one in the other"),
            "name a folder for the pictures alone",
        )
        .because("the pictures show what was removed from what is written there"));
    }
    Ok(())
}

/// The project, and what the server says about profiles for it.
async fn ask_server(
    client: Option<&Client>,
    config: &Config,
) -> Result<(Project, ServerProfiles), Error> {
    let Some(client) = client else {
        let project = project::offline(&config.project)?;
        return Ok((project, ServerProfiles::default()));
    };
    let project = project::on_server(client, config).await?;
    let served = ask(client, &project).await?;
    Ok((project, served))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::config::Environment;

    pub fn config(flags: &str, terminal: bool) -> Config {
        let typed = format!("fwupload study -p g/p {flags}");
        let cli = cli::parse(
            typed
                .split_whitespace()
                .map(Into::into),
            &cli::FileSettings::default(),
        )
        .unwrap();
        let environment = Environment {
            stdin_tty: terminal,
            stderr_tty: terminal,
            cores: 1,
            ..Environment::default()
        };
        Config::new(&cli.upload, &environment).unwrap()
    }
}
