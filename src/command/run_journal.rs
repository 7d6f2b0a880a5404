//! The journal of an upload: where it lies, whose it is, and what is said about it.

use std::cell::Cell;
use std::path::PathBuf;

use super::sandbox::Sandbox;
use crate::event::{Events, Severity};
use crate::failure::{Error, RunCode};
use crate::journal::{Journal, JournalIdentity, JournalScope, WaitForRun};
use crate::pipeline::Stop;
use crate::plan::UploadPlan;
use dicom_deid::profile::OnLeak;

use super::{plural, state_folder};

/// The folder of journals inside that of state, or inside a sandbox's own.
const JOURNALS: &str = "journal";

/// The folder of journals; none where this account has no home folder.
pub fn folder(sandbox: Option<&Sandbox>) -> Option<PathBuf> {
    let state = sandbox
        .map(Sandbox::home)
        .or_else(state_folder);
    state.map(|folder| folder.join(JOURNALS))
}

/// Opens the journal of a run that sends something, or in a dry run looks into it.
///
/// # Errors
/// As [`Journal::open`]; what stopped the run where that happened while it waited for another one.
pub fn open(
    plan: &UploadPlan,
    residual: Option<OnLeak>,
    folder: Option<PathBuf>,
    (events, stop): (&Events, &Stop),
) -> Result<Option<Journal>, Error> {
    let (Some(server), Some(project)) = (plan.sink.server(), plan.project.id.as_deref()) else {
        return Ok(None);
    };
    let (governing, shard) = (
        plan.governing.as_ref(),
        plan.input.shard.map(|shard| {
            // Another part than the one of this number without a plan.
            let of_plan = plan
                .discovery
                .plan()
                .map(|_| " of a plan");
            format!("{shard}{}", of_plan.unwrap_or_default())
        }),
    );
    let scope = JournalScope {
        identity: JournalIdentity {
            site: server.client.host(),
            project,
            profile: governing.map(|governing| governing.identity.digest.as_str()),
            key: governing.and_then(|governing| governing.key.as_deref()),
            shard: shard.as_deref(),
        },
        inputs: plan.discovery.paths(),
        settings: &settings(plan, residual),
        fresh: plan.transfer.fresh,
    };
    let folder = match folder {
        Some(folder) if plan.sink.is_dry_run() => {
            return Journal::look(&folder, scope).map(Some);
        }
        None if plan.sink.is_dry_run() => return Ok(None),
        Some(folder) => folder,
        None => return Err(without_folder()),
    };
    let (for_long, told) = (plan.transfer.wait_lock, Cell::new(false));
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
    let waiting = WaitForRun {
        for_long,
        meanwhile: &meanwhile,
    };
    Journal::open(&folder, scope, waiting)
        .map(Some)
        .map_err(|error| stop.reason().unwrap_or(error))
}

fn without_folder() -> Error {
    Error::new(
        RunCode::JournalUnwritable,
        "there is no folder for the journal of what was sent",
    )
    .because("this account has no home folder")
    .with_hint("name a folder with FWUPLOAD_STATE_HOME")
}

/// Everything but profile and key that decides what is sent for a file, and where to. Another
/// version of the program may clean otherwise. The secrets of the profile are among it: the digest
/// by which the journal goes does not cover them, and here they are hashed under a key of the
/// journal's own.
fn settings(plan: &UploadPlan, residual: Option<OnLeak>) -> String {
    let packaging = &plan.packaging;
    let package = format!("{:?}", packaging.package).to_lowercase();
    let version = env!("CARGO_PKG_VERSION");
    let secrets = plan
        .governing
        .as_ref()
        .and_then(|governing| governing.identity.of_secrets())
        .map(|secrets| format!("\n{secrets}"))
        .unwrap_or_default();
    // As before there were rules, where there are none.
    let rules = plan
        .rules
        .set
        .as_ref()
        .map(|_| format!("\nrules {}", plan.rules.identity))
        .unwrap_or_default();
    format!(
        "{version}\n{package}\n{:?}\n{:?}\n{residual:?}\n{}{secrets}{rules}",
        packaging.subject, packaging.session, plan.input.keep_names
    )
}

/// Says that the run goes on where earlier ones stopped.
pub fn announce(journal: Option<&Journal>, events: &Events) {
    let Some(journal) = journal else { return };
    if journal.set_older_form_aside() {
        let text = "the journal of earlier runs has an older form and was set aside: what they \
            sent is looked for on the server alone";
        events.notice(Severity::Notice, "journal-set-aside", text);
    }
    let before = journal.confirmed_before();
    if before > 0 {
        let text = format!(
            "earlier runs sent {} to this project: what the server still has is not sent again",
            plural(before, "package")
        );
        events.notice(Severity::Detail, "resume", text);
    }
}
