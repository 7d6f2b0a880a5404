//! What earlier runs have sent whole: those series are neither read nor cleaned again, once the
//! server says that it still has what they became.

use std::collections::HashMap;
use std::sync::Arc;

use flywheel_client::{Client, ContainerRef, RemoteFile};
use futures_util::StreamExt;

use crate::client_failure::UploadError;
use crate::config::{IfExists, OtherFiles};
use crate::event::FileOutcome;
use crate::journal::{ConfirmedPackage, Journal};
use crate::plan::UploadPlan;
use crate::series::Series;

use super::send_state::SendState;

/// Containers that are asked for at a time.
const AT_A_TIME: usize = 8;

/// A series and the packages that it became: one for all of its files, or one for each.
struct Recalled {
    series: Series,
    packages: Vec<ConfirmedPackage>,
}

/// Settles the series that the server has; gives back all others.
pub fn settle(state: &SendState, all: Vec<Series>) -> Vec<Series> {
    let plan = &state.context.plan;
    if plan.input.files.other_files == OtherFiles::Upload {
        // They follow the instances beside them, and where those go is known only of what was
        // cleaned.
        return all;
    }
    if !plan.crosswalks.is_empty() {
        // Which identifiers they bear is known only of what was read.
        return all;
    }
    if plan.audits.manifest {
        // What they became is known only of what was cleaned.
        return all;
    }
    let (Some(server), Some(journal)) = (plan.sink.server(), &state.journal) else {
        return all;
    };
    let (mut left, recalled) = recall(all, journal, plan);
    let checks = recalled
        .into_iter()
        .map(async |(container, series)| {
            let files = files_of(state, &server.client, &container).await;
            check(state, journal, &container, &files, series)
        });
    let checked = futures_util::stream::iter(checks)
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<_>>();
    left.extend(
        state
            .context
            .network
            .block_on(checked)
            .into_iter()
            .flatten(),
    );
    left
}

/// The series that the journal knows nothing of, and the others by the container that they went to.
fn recall(
    all: Vec<Series>,
    journal: &Journal,
    plan: &UploadPlan,
) -> (Vec<Series>, HashMap<ContainerRef, Vec<Recalled>>) {
    let (mut unknown, mut known) = (Vec::new(), HashMap::<_, Vec<_>>::new());
    for series in all {
        let sources: Vec<_> = series
            .files
            .iter()
            .map(|file| plan.fingerprint(&journal.digester, &file))
            .collect();
        // About what other programs put there `--if-exists` decides, and only `skip` leaves it.
        let counts = |packages: &Vec<ConfirmedPackage>| {
            plan.packaging.if_exists == IfExists::Skip
                || packages
                    .iter()
                    .all(|package| !package.found)
        };
        match journal
            .recall(&sources)
            .filter(counts)
            .map(|packages| (one_container(&packages), packages))
        {
            Some((Some(container), packages)) => known
                .entry(container)
                .or_default()
                .push(Recalled { series, packages }),
            _ => unknown.push(series),
        }
    }
    (unknown, known)
}

fn one_container(packages: &[ConfirmedPackage]) -> Option<ContainerRef> {
    let first = &packages.first()?.container;
    packages
        .iter()
        .all(|package| package.container == *first)
        .then(|| first.clone())
}

/// The files in a container; none where that cannot be said.
async fn files_of(state: &SendState, client: &Client, container: &ContainerRef) -> Vec<RemoteFile> {
    let stop = &state.context.stop;
    let listed = tokio::select! {
        biased;
        () = stop.wait() => return Vec::new(),
        listed = client.files_of(container) => listed,
    };
    match listed {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => {
            if let UploadError::Run(error) = error.into() {
                stop.because(error);
            }
            Vec::new()
        }
    }
}

/// Settles what a container still has, and gives back what it lost.
fn check(
    state: &SendState,
    journal: &Journal,
    container: &ContainerRef,
    listed: &[RemoteFile],
    all: Vec<Recalled>,
) -> Vec<Series> {
    let digester = &journal.digester;
    let by_location: HashMap<_, _> = listed
        .iter()
        .map(|file| (digester.location(&container.id, &file.name), file))
        .collect();
    let there = |package: &ConfirmedPackage| {
        by_location
            .get(&package.location)
            .copied()
            .filter(|file| package.is(file))
    };
    let mut left = Vec::new();
    for Recalled { series, packages } in all {
        match packages
            .iter()
            .map(there)
            .collect::<Option<Vec<_>>>()
        {
            Some(files) => settle_series(state, &series, container, &files),
            None => left.push(series),
        }
    }
    left
}

fn settle_series(
    state: &SendState,
    series: &Series,
    container: &ContainerRef,
    files: &[&RemoteFile],
) {
    let stored: Vec<_> = files
        .iter()
        .map(|file| Arc::new(state.stored_before(&container.id, file)))
        .collect();
    for (at, source) in series.files.iter().enumerate() {
        if let Some(stored) = stored.get(at).or(stored.first()) {
            state.tell_of_companion(&source, false);
            let outcome = FileOutcome::AlreadyThere(Arc::clone(stored));
            state
                .context
                .outcomes
                .settle(&source, outcome);
        }
    }
}
