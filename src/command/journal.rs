//! The journal of an upload: where it lies, whose it is, and what is said about it.

use std::cell::Cell;

use crate::config::{Config, PackageBy};
use crate::event::{Events, Severity};
use crate::failure::{Error, RunCode};
use crate::journal::{Identity, Journal, Waiting};
use crate::pipeline::Stop;
use crate::plan::{UploadPlan, WayOut};

use super::sandbox::Sandbox;
use super::state_folder;

/// The folder of journals inside that of state, or inside a sandbox's own.
const JOURNALS: &str = "journal";

/// Opens the journal of a run that sends something, or looks into that of one which is rehearsed.
///
/// # Errors
/// As [`Journal::open`]; what stopped the run where that happened while it waited for another one.
pub fn open(
    plan: &UploadPlan,
    config: &Config,
    sandbox: Option<&Sandbox>,
    (events, stop): (&Events, &Stop),
) -> Result<Option<Journal>, Error> {
    let Some(target) = plan
        .way_out
        .target()
        .filter(|_| !plan.project.id.is_empty())
    else {
        return Ok(None);
    };
    let rehearsal = matches!(plan.way_out, WayOut::DryRun(_));
    let folder = sandbox.map(Sandbox::home).or_else(state_folder);
    if rehearsal && folder.is_none() {
        return Ok(None);
    }
    let folder = folder.ok_or_else(|| {
        Error::new(
            RunCode::JournalUnwritable,
            "there is no folder for the journal of what was sent",
        )
        .because("this account has no home folder")
        .with_hint("name a folder with FWUPLOAD_STATE_HOME")
    })?;
    let (governing, shard) = (
        plan.governing.as_ref(),
        plan.shard.map(|shard| shard.to_string()),
    );
    let identity = Identity {
        site: target.client.host(),
        project: &plan.project.id,
        profile: governing.map(|governing| governing.identity.digest.as_str()),
        key: governing.and_then(|governing| governing.key.as_deref()),
        shard: shard.as_deref(),
    };
    let (folder, settings, inputs) = (
        folder.join(JOURNALS),
        settings(plan, config),
        plan.discovery.paths(),
    );
    if rehearsal {
        return Journal::look(
            &folder,
            identity,
            inputs,
            (&settings, config.transfer.fresh),
        )
        .map(Some);
    }
    let (for_long, told) = (config.transfer.wait_lock, Cell::new(false));
    let meanwhile = || {
        if !told.replace(true) {
            let text = format!(
                "another run is sending the same inputs to this project: waiting up to {} s for \
                    its end (`--wait-lock`)",
                for_long.as_secs()
            );
            events.notice(Severity::Notice, "waiting-for-run", text);
        }
        !stop.requested()
    };
    let waiting = Waiting {
        for_long,
        meanwhile: &meanwhile,
    };
    let opened = Journal::open(
        &folder,
        identity,
        inputs,
        (&settings, config.transfer.fresh),
        waiting,
    );
    opened
        .map(Some)
        .map_err(|error| stop.reason().unwrap_or(error))
}

/// Everything but profile and key that decides what is sent for a file, and where to. Another
/// version of the program may clean otherwise. The secrets of the profile are among it: the digest
/// by which the journal goes does not cover them, and here they are hashed under a key of the
/// journal's own.
fn settings(plan: &UploadPlan, config: &Config) -> String {
    let package = match plan.package_by {
        PackageBy::Series => "series",
        PackageBy::Instance => "instance",
    };
    let (labels, residual) = (&plan.forced_labels, config.residual);
    let version = env!("CARGO_PKG_VERSION");
    let secrets = plan
        .governing
        .as_ref()
        .and_then(|governing| governing.identity.of_secrets());
    let secrets = secrets
        .map(|secrets| format!("\n{secrets}"))
        .unwrap_or_default();
    format!(
        "{version}\n{package}\n{:?}\n{:?}\n{residual:?}\n{}{secrets}",
        labels.subject, labels.session, plan.keep_names
    )
}

/// Says that the run goes on where earlier ones stopped.
pub fn announce(journal: Option<&Journal>, events: &Events) {
    if journal.is_some_and(Journal::set_older_form_aside) {
        let text = "the journal of earlier runs has an older form and was set aside: what they \
            sent is looked for on the server alone";
        events.notice(Severity::Notice, "journal-set-aside", text);
    }
    let before = journal.map_or(0, Journal::confirmed_before);
    if before > 0 {
        let packages = if before == 1 {
            "1 package".to_owned()
        } else {
            format!("{before} packages")
        };
        let text = format!(
            "earlier runs sent {packages} to this project: what the server still has is not sent \
                again"
        );
        events.notice(Severity::Detail, "resume", text);
    }
}
