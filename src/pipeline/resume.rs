//! What earlier runs have sent whole: those series are neither read nor cleaned again, once the
//! server says that it still has what they became.

use std::collections::HashMap;
use std::sync::Arc;

use flywheel_client::{Client, ContainerRef, RemoteFile};
use futures_util::StreamExt;

use crate::client_failure::UploadError;
use crate::config::{IfExists, OtherFiles};
use crate::event::Outcome;
use crate::journal::{Confirmed, Journal};
use crate::series::Series;

use super::deliver::Deliveries;

/// Containers that are asked for at a time.
const AT_A_TIME: usize = 8;

/// A series and the packages that it became: one for all of its files, or one for each.
struct Recalled {
    series: Series,
    packages: Vec<Confirmed>,
}

/// Settles the series that the server has; gives back all others.
pub fn settle(all: Vec<Series>, deliveries: &Deliveries) -> Vec<Series> {
    if deliveries.plan().other_files == OtherFiles::Upload {
        // They follow the instances beside them, and where those go is known only of what was
        // cleaned.
        return all;
    }
    let (Some(target), Some(journal)) = (deliveries.plan().way_out.target(), deliveries.journal())
    else {
        return all;
    };
    let (mut left, recalled) = recall(all, journal, deliveries.plan().if_exists);
    let checks = recalled
        .into_iter()
        .map(|(container, series)| check(&target.client, container, series, deliveries, journal));
    let checked = futures_util::stream::iter(checks)
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<_>>();
    left.extend(deliveries.wait_for(checked).into_iter().flatten());
    left
}

/// The series that the journal knows nothing of, and the others by the container that they went to.
fn recall(
    all: Vec<Series>,
    journal: &Journal,
    if_exists: IfExists,
) -> (Vec<Series>, HashMap<ContainerRef, Vec<Recalled>>) {
    let (mut unknown, mut known) = (Vec::new(), HashMap::<_, Vec<_>>::new());
    for series in all {
        let sources: Vec<_> = series
            .files
            .iter()
            .map(|file| journal.marker().source(&file.file))
            .collect();
        // About what others put there `--if-exists` decides, and only `skip` leaves it.
        let counts = |packages: &Vec<Confirmed>| {
            if_exists == IfExists::Skip || packages.iter().all(|package| !package.found)
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

fn one_container(packages: &[Confirmed]) -> Option<ContainerRef> {
    let first = &packages.first()?.container;
    packages
        .iter()
        .all(|package| package.container == *first)
        .then(|| first.clone())
}

/// Looks into a container and settles what it still has. What it lost, and everything where nobody
/// can say, is given back.
async fn check(
    client: &Client,
    container: ContainerRef,
    all: Vec<Recalled>,
    deliveries: &Deliveries,
    journal: &Journal,
) -> Vec<Series> {
    let listed = tokio::select! {
        biased;
        () = deliveries.stop().wait() => Ok(None),
        listed = client.files_of(&container) => listed,
    };
    let listed = match listed {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => {
            if let UploadError::Run(error) = error.into() {
                deliveries.stop().because(error);
            }
            Vec::new()
        }
    };
    let by_place: HashMap<_, _> = listed
        .iter()
        .map(|file| (journal.marker().place(&container.id, &file.name), file))
        .collect();
    let there = |package: &Confirmed| {
        by_place
            .get(&package.place)
            .copied()
            .filter(|file| package.is(file))
    };
    let mut left = Vec::new();
    for Recalled { series, packages } in all {
        let files: Option<Vec<&RemoteFile>> = packages.iter().map(there).collect();
        match files {
            Some(files) => settle_series(&series, &container, &files, deliveries),
            None => left.push(series),
        }
    }
    left
}

fn settle_series(
    series: &Series,
    container: &ContainerRef,
    files: &[&RemoteFile],
    deliveries: &Deliveries,
) {
    let stored: Vec<_> = files
        .iter()
        .map(|file| Arc::new(deliveries.stored_before(&container.id, file)))
        .collect();
    for (at, source) in series.files.iter().enumerate() {
        if let Some(stored) = stored.get(at).or(stored.first()) {
            deliveries.tell_of_companion(&source);
            deliveries.settle(&source, Outcome::AlreadyThere(Arc::clone(stored)));
        }
    }
}
