//! The stage of review: series are shown as they would go, or kept back unless a person approved
//! them.
//!
//! Owns what is compared: the bytes of every instance and the labels, before anything of the series is
//! packed. What was not approved, or is not as it was shown, has its outcome here and goes no further.

use std::sync::Arc;

use rayon::prelude::*;
use sha2::Sha256;

use super::context::RunContext;
use super::guard::guarded;
use super::outcomes::stopped;
use super::route::Routed;
use crate::discover::SkipReason;
use crate::event::{FileOutcome, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::package;
use crate::plan::Review;
use crate::review::{
    Instances, NotedChange, ReviewInstance, ReviewedSeries, SeriesDigest, SeriesIdentity, Verdict,
};
use crate::routing;
use dicom_deid::Change;
use dicom_lossless::escape_for_terminal;

/// Shows a series, or gives what of it was approved. `refused` files of it have failed.
pub fn review(context: &RunContext, routed: Vec<Routed>, refused: u64) -> Vec<Routed> {
    match &context.plan.review {
        Review::No => routed,
        Review::Page(_) => routed
            .into_iter()
            .filter_map(|mut routed| {
                let identity = identity(context, &mut routed)?;
                show(context, &routed, identity, refused);
                Some(routed)
            })
            .collect(),
        Review::Approved(list) => routed
            .into_iter()
            .filter_map(|mut routed| {
                let identity = identity(context, &mut routed)?;
                let outcome = match list.verdict(&identity) {
                    Verdict::Approved => return Some(routed),
                    Verdict::Changed => {
                        FileOutcome::Failed(FileFailure::new(FileCode::ReviewChanged, ""))
                    }
                    Verdict::NotApproved => FileOutcome::Skipped(SkipReason::NotApproved),
                };
                for file in routed.members {
                    context
                        .outcomes
                        .settle(&file.source, outcome.clone());
                }
                None
            })
            .collect(),
    }
}

/// What would be sent. An instance that cannot be read again fails here. None where nothing is left.
fn identity(context: &RunContext, routed: &mut Routed) -> Option<SeriesIdentity> {
    // The files were counted when they were cleaned.
    let hashes: Vec<_> = context.timers.clean.work(0, 0, || {
        routed
            .members
            .par_iter()
            .map(|file| {
                if context.stop.requested() {
                    return Err(stopped());
                }
                let known = file
                    .source
                    .sent
                    .as_ref()
                    .and_then(|sent| sent.sha256.clone());
                known.map_or_else(|| package::hash::<Sha256>(file.instance.body()), Ok)
            })
            .collect()
    });
    let mut digest = SeriesDigest::new(names(routed), routed.labels());
    let members = std::mem::take(&mut routed.members);
    for (file, hash) in members.into_iter().zip(hashes) {
        match hash {
            Ok(hash) => {
                digest.add(file.instance.sop_instance(), &hash);
                routed.members.push(file);
            }
            Err(failure) => context
                .outcomes
                .settle(&file.source, FileOutcome::Failed(failure)),
        }
    }
    (!routed.members.is_empty()).then(|| digest.finish())
}

/// What names a series, as it is sent.
fn names(routed: &Routed) -> Vec<&str> {
    let first = routed.members.first();
    let routing = first.map(|file| file.instance.routing());
    let uids = routing
        .into_iter()
        .flat_map(|routing| [&routing.study_uid, &routing.series_uid])
        .flatten()
        .map(|uid| uid.expose().as_str());
    uids.chain([routed.by_rules.suffix.as_str()])
        .collect()
}

fn show(context: &RunContext, routed: &Routed, identity: SeriesIdentity, refused: u64) {
    let members = &routed.members;
    let instances = members
        .iter()
        .map(|file| ReviewInstance {
            instance: &file.instance,
            source: &file.source.file,
            changes: &file.changes,
            look: file.look.as_deref(),
        })
        .collect();
    let mut series = ReviewedSeries {
        modality: members
            .first()
            .map(|file| routing::modality(file.instance.routing()))
            .unwrap_or_default(),
        instances: members.len() as u64,
        bytes: members
            .iter()
            .map(|file| file.instance.body().len())
            .sum(),
        refused,
        labels: routed
            .labels()
            .map(escape_for_terminal)
            .collect(),
        ..ReviewedSeries::new(identity)
    };
    let shown = context.timers.clean.work(0, 0, || {
        guarded(|| {
            Instances::new(instances, &context.plan.limits).show(&mut series);
            Ok(())
        })
    });
    if let Err(failure) = shown {
        series.without_picture = Some(failure.code.sentence().to_owned());
    }
    context.events.reviewed(series);
}

/// What cleaning did to a file, where a page shows it.
pub fn note_changes(context: &RunContext, changes: &[Change]) -> Vec<NotedChange> {
    match &context.plan.review {
        Review::Page(rows) => rows.note(changes),
        Review::No | Review::Approved(_) => Vec::new(),
    }
}

/// Says what was approved and was not among the files.
pub fn tell(context: &RunContext) {
    let Review::Approved(list) = &context.plan.review else {
        return;
    };
    let (missing, list) = (list.missing(), Arc::clone(list));
    // Of a run that was stopped, and of a shard, the others may be elsewhere.
    let is_whole = !context.stop.requested() && context.plan.input.shard.is_none();
    if is_whole && missing > 0 {
        let text = format!(
            "{missing} of {} approved series were not sent: they are not among the files, or the \
                server has them already",
            list.len()
        );
        context
            .events
            .notice(Severity::Notice, "approved", text);
    }
}
