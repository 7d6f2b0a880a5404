//! The key of pseudonyms for a run whose profile makes some, and what is said about it.
//!
//! Owns when a key may be made: where the user is told of it, or has asked for it. Never in a dry
//! run.

use crate::client_failure::path_of;
use crate::config::{Config, Server, SinkChoice};
use crate::credential::{FirstUse, KeptFor, PseudonymKeyOrigin, PseudonymKeySources};
use crate::event::Notice;
use crate::failure::{Error, RunCode};
use dicom_deid::PseudonymKey;
use flywheel_client::Project;

/// What to do with a key that was made.
const CARE: &str = "back that file up and use it on every machine that sends to this project: \
    another key gives the same patient another \
                    pseudonym\nkeep it to yourself: it tells whose pseudonym is whose";

/// The key of a run, and what is said about it.
///
/// # Errors
/// No key where none may be made, and another one than that of earlier runs.
pub fn resolve(
    config: &Config,
    sources: &PseudonymKeySources,
    site: Option<&str>,
    project: &Project,
) -> Result<(PseudonymKey, Notice), Error> {
    let whose = KeptFor {
        site,
        group: &project.group,
        project: &project.label,
    };
    let before = if config.pseudonym_key.change {
        None
    } else {
        sources.used_before(whose)?
    };
    // Where a key was used before, a new one would be another.
    let first = if before.is_some() {
        FirstUse::Refuse
    } else {
        first_use(config)
    };
    // A command may ask for a password: said to be blocking, so that signals are heard meanwhile.
    let (key, origin) =
        tokio::task::block_in_place(|| sources.resolve(whose, first)).map_err(|error| {
            before
                .iter()
                .fold(error, |error, before| {
                    error.because(format!("earlier runs used the key {before}"))
                })
        })?;
    let fingerprint = key.fingerprint();
    if let Some(before) = before.filter(|before| *before != fingerprint) {
        return Err(Error::from(RunCode::PseudonymKeyChanged).because(format!(
            "earlier runs used the key {before}, and {origin} has {fingerprint}"
        ))
        .because(
            "the same patients would get other pseudonyms, and be further subjects of the project",
        ));
    }
    if config.sink == SinkChoice::Upload {
        sources.note_use(whose, &fingerprint)?;
    }
    let announcement = announcement(&fingerprint, &origin, config, project);
    Ok((key, announcement))
}

/// A sandbox is for trying things out, and its keys lie in its own folder: there one is made
/// without asking. What was reviewed has to come out the same when it is sent, so the key of a review
/// is kept.
fn first_use(config: &Config) -> FirstUse {
    if config.sink == SinkChoice::DryRun && config.report.review.is_none() {
        FirstUse::Once
    } else {
        first_use_of_run(config)
    }
}

fn first_use_of_run(config: &Config) -> FirstUse {
    let sandboxed = matches!(config.server, Server::Sandbox(_));
    if config.pseudonym_key.make || config.output.interactive || sandboxed {
        FirstUse::Make
    } else {
        FirstUse::Refuse
    }
}

fn announcement(
    fingerprint: &str,
    origin: &PseudonymKeyOrigin,
    config: &Config,
    project: &Project,
) -> Notice {
    match origin {
        PseudonymKeyOrigin::Made(_) => {
            let made = format!(
                "pseudonyms: key {fingerprint} was made for {} and is kept in {origin}",
                path_of(project)
            );
            // What lies in a sandbox is for trying things out.
            let text = match config.server {
                Server::Sandbox(_) => made,
                Server::Site(_) | Server::Offline => format!("{made}\n{CARE}"),
            };
            Notice::fact("pseudonym-key-made", text)
        }
        PseudonymKeyOrigin::Nowhere => {
            let next = match first_use_of_run(config) {
                FirstUse::Refuse => "the run itself needs a key, or `--new-pseudonym-key`",
                FirstUse::Make | FirstUse::Once => "the run itself makes another one",
            };
            let text = format!(
                "pseudonyms: key {fingerprint} is for this rehearsal only and is not kept\n\
                 {next}; new UIDs, pseudonyms and dates will then be others than these"
            );
            Notice::fact("pseudonym-key-rehearsed", text)
        }
        _ => Notice::detail(
            "pseudonym-key",
            format!("pseudonyms: key {fingerprint} from {origin}"),
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::config;
    use super::*;

    #[test]
    fn a_key_is_made_where_the_user_is_told_or_asked_for_it_and_never_in_a_dry_run() {
        assert_eq!(first_use(&config("", true)), FirstUse::Make);
        assert_eq!(first_use(&config("", false)), FirstUse::Refuse);
        assert_eq!(first_use(&config("-y", false)), FirstUse::Refuse);
        assert_eq!(
            first_use(&config("--new-pseudonym-key", false)),
            FirstUse::Make
        );
        assert_eq!(first_use(&config("--sandbox", false)), FirstUse::Make);
        for flags in ["", "--new-pseudonym-key", "--sandbox"] {
            assert_eq!(
                first_use(&config(&format!("{flags} --dry-run"), true)),
                FirstUse::Once,
                "{flags}"
            );
        }
        assert_eq!(
            first_use(&config("--offline --output out --profile basic", false)),
            FirstUse::Refuse
        );
    }
}
