//! Clean and pack: one series after the other enters, its instances are cleaned on all cores,
//! packages come out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use flywheel_client::Destination;
use rayon::ThreadPool;
use rayon::prelude::*;
use tokio::sync::OwnedSemaphorePermit;

use crate::config::{Compression, OtherFiles, PackageBy};
use crate::deid::{Finding, Sendable};
use crate::dicom::{self, Source};
use crate::event::{Event, Outcome, Severity};
use crate::failure::FileFailure;
use crate::package::{self, Package};
use crate::plan::{UploadPlan, WayOut};
use crate::routing;
use crate::series::{self, Indexed, Ready, Series};
use crate::standard;

use super::deliver::{Deliveries, Job};
use super::find::stopped;
use super::guard::guarded;
use super::place::Place;

/// Files up to this size are read whole, in bytes; of larger ones the pixel data stays where it is
/// until it is sent.
pub const READ_WHOLE: u64 = 8 << 20;
/// The same where each instance travels alone and no checksum is wanted beforehand: more than this
/// is not read twice.
const READ_ALONE: u64 = 64 << 10;
/// What a file of which only the header is held is charged to the budget, in bytes.
const HEADER_CHARGE: u64 = 64 << 10;

/// Cleans all series and hands their packages over. The budget is taken before a series is read, so
/// that memory is bounded however many files there are.
pub fn all(all: Vec<Series>, deliveries: &Deliveries, pool: &ThreadPool) {
    pool.in_place_scope(|scope| {
        for series in all {
            let whole = charge(&series, true, deliveries) <= deliveries.budget() / 2;
            let begin = Instant::now();
            let permit = deliveries.reserve(charge(&series, whole, deliveries));
            deliveries.outcomes().stages().clean.waited(begin);
            match permit {
                Some(permit) => scope.spawn(move |_| one(series, whole, permit, deliveries)),
                None => series
                    .files
                    .iter()
                    .for_each(|file| deliveries.settle(&file, Outcome::Failed(stopped()))),
            }
        }
    });
}

/// What a series takes of the budget: its files, and as much again where they may be deflated.
fn charge(series: &Series, whole: bool, deliveries: &Deliveries) -> u64 {
    let copies = if deliveries.plan().compression == Compression::None {
        1
    } else {
        2
    };
    let most = read_whole(deliveries.plan());
    let of_file = |len: u64| if whole && len <= most { len * copies } else { 0 } + HEADER_CHARGE;
    series.files.lengths().map(of_file).sum()
}

fn read_whole(plan: &UploadPlan) -> u64 {
    if plan.package_by == PackageBy::Instance {
        READ_ALONE
    } else {
        READ_WHOLE
    }
}

fn one(series: Series, whole: bool, permit: OwnedSemaphorePermit, deliveries: &Deliveries) {
    let files: Vec<_> = series.files.iter().collect();
    let all = files.len();
    let beside = if deliveries.plan().other_files == OtherFiles::Upload {
        files.clone()
    } else {
        Vec::new()
    };
    // What was kept of small files goes with each of them.
    drop(series);
    let cleaned: Vec<_> = files
        .into_par_iter()
        .map(|file| clean(file, whole, deliveries))
        .collect();
    let distinct = series::distinct(cleaned.into_iter().flatten().collect());
    let same = distinct.same.len();
    for file in distinct.same {
        deliveries.settle(
            &file,
            Outcome::Skipped(crate::discover::SkipReason::SameInstance),
        );
    }
    warn_of_missing_ids(&distinct.kept, deliveries);
    warn_of_unreadable(&distinct.kept, deliveries);
    for (file, failure) in distinct.clashing {
        deliveries.settle(&file, Outcome::Failed(failure));
    }
    let placed = placed(distinct.kept, deliveries);
    remember(&beside, &placed, deliveries);
    let mut packages: Vec<_> = placed
        .into_iter()
        .flat_map(|(destination, members)| {
            let (files, bytes) = (
                members.len() as u64,
                members.iter().map(|ready| ready.source.file.len()).sum(),
            );
            deliveries
                .outcomes()
                .stages()
                .pack
                .work(files, bytes, || pack(&destination, members, deliveries))
        })
        .collect();
    let packed: usize = packages.iter().map(|job| job.sources.len()).sum();
    for job in &mut packages {
        job.incomplete = packed + same < all;
    }
    deliveries.hand_over(packages, permit);
}

/// Notes where the files of a series go, for other files beside them. Where all that came through
/// goes to one place, that is where the copies and the failed ones belong as well.
fn remember(files: &[Indexed], placed: &[(Destination, Vec<Ready>)], deliveries: &Deliveries) {
    match placed {
        [] => files
            .iter()
            .for_each(|file| deliveries.remember_unknown(file)),
        [(to, _)] => files
            .iter()
            .for_each(|file| deliveries.remember_folder(file, to)),
        several => {
            for (to, members) in several {
                for ready in members {
                    deliveries.remember_folder(&ready.source, to);
                }
            }
        }
    }
}

/// Two studies of one person get two pseudonyms where neither says whose it is; somebody must know.
fn warn_of_missing_ids(kept: &[Ready], deliveries: &Deliveries) {
    let count = kept
        .iter()
        .filter(|ready| ready.instance.is_without_patient_id())
        .count();
    if count > 0 {
        let files = if count == 1 {
            "1 file of a series has".to_owned()
        } else {
            format!("{count} files of a series have")
        };
        let text = format!(
            "{files} no Patient ID: the study stands for the patient, and each study gets a \
                pseudonym of its own"
        );
        deliveries
            .events()
            .notice(Severity::Warning, "no-patient-id", text);
    }
}

/// What could not be read as a date is not there any more, and an analysis may miss it, so the user
/// is told.
fn warn_of_unreadable(kept: &[Ready], deliveries: &Deliveries) {
    let tags: Vec<_> = kept
        .iter()
        .flat_map(|ready| ready.instance.unreadable())
        .copied()
        .collect();
    if tags.is_empty() {
        return;
    }
    let names: BTreeSet<_> = tags.iter().map(|tag| standard::name_of(*tag)).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let what = if tags.len() == 1 {
        "1 element of a series is".to_owned()
    } else {
        format!("{} elements of a series are", tags.len())
    };
    let text = format!("{what} no date, time or age as the VR wants it, and did not stay: {names}");
    deliveries
        .events()
        .notice(Severity::Warning, "unparseable", text);
    deliveries
        .events()
        .with_totals(|totals| totals.unreadable += tags.len() as u64);
}

/// Reads and cleans one file. A failure is settled here; so is a defect that panics, without taking
/// the run along.
fn clean(mut file: Indexed, whole: bool, deliveries: &Deliveries) -> Option<Ready> {
    if deliveries.stop().requested() {
        deliveries.settle(&file, Outcome::Failed(stopped()));
        return None;
    }
    let meter = &deliveries.outcomes().stages().clean;
    let read = file.read.take();
    match meter.work(1, file.file.len(), || {
        guarded(|| read_and_clean(&file, read, whole, deliveries))
    }) {
        Ok(instance) => {
            deliveries
                .outcomes()
                .clean(Arc::clone(&file.path), instance.changed());
            warn(&file, instance.findings(), deliveries);
            Some(Ready {
                source: file,
                instance,
            })
        }
        Err(failure) => {
            deliveries.settle(&file, Outcome::Failed(failure));
            None
        }
    }
}

fn read_and_clean(
    file: &Indexed,
    read: Option<Bytes>,
    whole: bool,
    deliveries: &Deliveries,
) -> Result<Sendable, FileFailure> {
    let plan = deliveries.plan();
    let source = Arc::clone(&file.file);
    let source = match read {
        Some(bytes) => Source::Memory {
            file: source,
            bytes,
        },
        None if whole && source.len() <= read_whole(plan) => Source::load(source)?,
        None => Source::File(source),
    };
    let instance = dicom::read(source, &plan.limits)?;
    if !matches!(plan.way_out, WayOut::DryRun(_)) {
        return plan
            .treatment
            .apply(instance, &file.relative(), &plan.limits);
    }
    let (instance, counts) = plan
        .treatment
        .rehearse(instance, &file.relative(), &plan.limits)?;
    deliveries.outcomes().note_changes(&counts);
    Ok(instance)
}

/// Instances by destination. Instances of one series mostly share it; where subject or session
/// differ they must not end up in one package.
fn placed(kept: Vec<Ready>, deliveries: &Deliveries) -> Vec<(Destination, Vec<Ready>)> {
    type SessionKey = (String, String, Option<String>);
    let mut by_place: BTreeMap<SessionKey, (Destination, Vec<Ready>)> = BTreeMap::new();
    for ready in kept {
        match destination(&ready, deliveries) {
            Ok((to, findings)) => {
                warn(&ready.source, &findings, deliveries);
                let key = (
                    to.subject.label.clone(),
                    to.session.label.clone(),
                    to.session.uid.clone(),
                );
                by_place
                    .entry(key)
                    .or_insert_with(|| (to, Vec::new()))
                    .1
                    .push(ready);
            }
            Err(failure) => deliveries.settle(&ready.source, Outcome::Failed(failure)),
        }
    }
    by_place.into_values().collect()
}

/// Where an instance belongs, if all that is said of it there is free of values that were removed
/// from it.
fn destination(
    ready: &Ready,
    deliveries: &Deliveries,
) -> Result<(Destination, Vec<Finding>), FileFailure> {
    let to = routing::destination(ready.instance.routing(), &deliveries.plan().forced_labels)?;
    let (name, modality) = (
        package::member_name(&ready.instance),
        routing::modality(ready.instance.routing()),
    );
    let said = to.texts().chain([
        ("the name of the file", name.as_str()),
        ("the modality of the file", modality.as_str()),
    ]);
    let findings = ready.instance.check_texts(said)?;
    Ok((to, findings))
}

fn warn(file: &Indexed, findings: &[Finding], deliveries: &Deliveries) {
    for finding in findings {
        deliveries.events().send(Event::Left {
            path: Arc::clone(&file.path),
            finding: finding.to_string(),
        });
    }
}

/// A series is a zip also while it has one instance: it may grow, and must not leave a file of
/// another name behind.
fn pack(destination: &Destination, members: Vec<Ready>, deliveries: &Deliveries) -> Vec<Job> {
    let title = routing::file_name(&destination.acquisition.label);
    if deliveries.plan().package_by == PackageBy::Instance {
        let names = package::member_names(members.iter().map(|ready| &ready.instance));
        let bare = |(r, name): (Ready, String)| {
            job(
                destination,
                Package::bare(name, &r.instance),
                vec![r.source],
            )
        };
        return members.into_iter().zip(names).map(bare).collect();
    }
    zip(
        destination,
        &format!("{title}.dicom.zip"),
        members,
        deliveries,
    )
    .into_iter()
    .collect()
}

/// A member whose file cannot be read again fails alone; the others go on without it.
fn zip(
    destination: &Destination,
    name: &str,
    members: Vec<Ready>,
    deliveries: &Deliveries,
) -> Option<Job> {
    let (mut sources, mut instances): (Vec<_>, Vec<_>) =
        members.into_iter().map(|r| (r.source, r.instance)).unzip();
    let level = deliveries.level();
    while !instances.is_empty() {
        match deliveries.deflate(level, &instances, || {
            Package::zip(name.to_owned(), &instances, level)
        }) {
            Ok(package) => return Some(job(destination, package, sources)),
            Err((at, failure)) => {
                drop(instances.remove(at));
                deliveries.settle(&sources.remove(at), Outcome::Failed(failure));
            }
        }
    }
    None
}

fn job(destination: &Destination, package: Package, sources: Vec<Indexed>) -> Job {
    Job {
        place: Place::Acquisition(destination.clone()),
        package,
        sources,
        incomplete: false,
    }
}
