//! The three sinks: a package goes to the server, into the output folder or, in a dry run, nowhere.
//!
//! Owns where they differ, that a crosswalk knows of a package before it leaves, and that two
//! packages of one name never go to one container. A dry run with a server takes the way of an
//! upload up to the first request that would change something.

use std::path::Path;
use std::sync::Arc;

use super::context::RunContext;
use super::folder;
use super::outcomes::stopped;
use super::pack::OutgoingPackage;
use super::send_state::{Delivered, SendState};
use super::target::TargetContainer;
use super::transmit;
use crate::client_failure::{UploadError, path_of};
use crate::event::FileOutcome;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::{Sink, UploadPlan};
use crate::subjects::Recorded;

/// Hands a package to the sink.
pub async fn deliver(
    state: &Arc<SendState>,
    outgoing: &OutgoingPackage,
) -> Result<FileOutcome, FileFailure> {
    let context = &state.context;
    let sink = &context.plan.sink;
    let planned = outgoing
        .target
        .labels()
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    record(context, outgoing, &planned).await?;
    let delivered = match sink {
        Sink::Upload(server) | Sink::DryRun(Some(server)) => {
            transmit::transmit(state, server, outgoing).await
        }
        Sink::Folder(root) => write(state, root, outgoing)
            .await
            .map_err(UploadError::File),
        Sink::DryRun(None) => Ok(Delivered::default()),
    };
    let delivered = delivered.map_err(|error| match error {
        UploadError::File(failure) => failure,
        UploadError::Run(error) => {
            context.stop.because(error);
            stopped()
        }
    })?;
    if let Some(container) = &delivered.container
        && container.labels() != planned
    {
        record(context, outgoing, &container.labels()).await?;
    }
    let stored = Arc::new(state.stored(outgoing, &delivered));
    if delivered.there_before {
        return Ok(FileOutcome::AlreadyThere(stored));
    }
    state.count_containers(match delivered.container {
        Some(container) => container.keys(),
        None => outgoing
            .target
            .keys(matches!(sink, Sink::Folder(_))),
    });
    Ok(match sink {
        Sink::Upload(_) => FileOutcome::Uploaded(stored),
        Sink::Folder(_) | Sink::DryRun(_) => FileOutcome::Prepared(stored),
    })
}

/// Writes down in the crosswalks where the originals of a package go. A server may have a container
/// of the same study under another label: that is written down as well.
async fn record(
    context: &Arc<RunContext>,
    outgoing: &OutgoingPackage,
    labels: &[String],
) -> Result<(), FileFailure> {
    let label = |at: usize| {
        labels
            .get(at)
            .cloned()
            .unwrap_or_default()
    };
    let plan = &context.plan;
    if plan.crosswalks.is_empty() || outgoing.originals.is_empty() {
        return Ok(());
    }
    let (crosswalks, originals) = (Arc::clone(&plan.crosswalks), outgoing.originals.clone());
    let project = path_of(&plan.project);
    // A package of a container above acquisitions has fewer.
    let labels = [label(0), label(1), label(2)];
    let write = move || {
        let to = Recorded {
            project: &project,
            labels: labels
                .each_ref()
                .map(String::as_str),
        };
        crosswalks
            .iter()
            .try_for_each(|crosswalk| crosswalk.record(&originals, to))
    };
    let written = tokio::task::spawn_blocking(write)
        .await
        .unwrap_or_else(|e| Err(Error::new(RunCode::Internal, e.to_string())));
    written.map_err(|error| {
        context.stop.because(error);
        stopped()
    })
}

async fn write(
    state: &SendState,
    root: &Path,
    outgoing: &OutgoingPackage,
) -> Result<Delivered, FileFailure> {
    let plan = &state.context.plan;
    let mut target = root.to_path_buf();
    target.extend(outgoing.target.folders(plan));
    let (package, if_exists) = (outgoing.package.clone(), plan.packaging.if_exists);
    let write = move || folder::write(&target, &package.name, &package, if_exists);
    let there_before = tokio::task::spawn_blocking(write)
        .await
        .map_err(|e| FileFailure::new(FileCode::OutputWrite, e.to_string()))??;
    Ok(Delivered {
        there_before,
        ..Delivered::default()
    })
}

/// Takes the name of a package in its container: two packages of one name would overwrite each
/// other.
pub fn take_name(state: &SendState, outgoing: &OutgoingPackage) -> Result<(), FileFailure> {
    let container = container_key(&state.context.plan, &outgoing.target);
    if state.names(|names| names.take(container, &outgoing.package.name)) {
        return Ok(());
    }
    let detail = "two packages of this run come out alike";
    Err(FileFailure::new(FileCode::PackageName, detail))
}

/// What tells a container from others: in a folder its path alone does, a server keeps two
/// containers of one label apart.
fn container_key(plan: &UploadPlan, target: &TargetContainer) -> Vec<String> {
    match &plan.sink {
        Sink::Folder(_) => target.folders(plan),
        Sink::Upload(_) | Sink::DryRun(_) => target.keys(false),
    }
}

/// Whether the name of a file that is not DICOM is free in this run, and not that of another one on
/// the server. Where the server does not answer, sending it will tell.
pub async fn is_name_free(state: &Arc<SendState>, outgoing: &OutgoingPackage) -> bool {
    let plan = &state.context.plan;
    let (container, name) = (
        container_key(plan, &outgoing.target),
        &outgoing.package.name,
    );
    if !state.names(|names| names.is_free(container, name)) {
        return false;
    }
    match plan.sink.server() {
        Some(server) => transmit::is_free(state, server, outgoing)
            .await
            .unwrap_or(true),
        None => true,
    }
}
