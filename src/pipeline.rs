//! The bounded stages wired together: find, index, clean and pack on all cores, deliver a few at a
//! time.
//!
//! Owns the order of work, the byte budget and the promise that every file found ends in exactly
//! one outcome. It never prints and never looks at a flag: what happens goes out as events, what to
//! do comes in as a plan.

mod beside;
mod clean;
mod compression;
mod deliver;
mod find;
mod folder;
mod guard;
mod idle;
mod lanes;
mod others;
mod outcomes;
mod place;
mod recheck;
mod resume;
mod send;
mod stages;
mod stop;

use std::sync::Arc;

use rayon::ThreadPool;
use tokio::runtime::Runtime;

use crate::event::{Event, Events};
use crate::failure::{Error, RunCode};
use crate::journal::Journal;
use crate::plan::{UploadPlan, WayOut};
pub use clean::READ_WHOLE;
use deliver::Deliveries;
pub use folder::write as write_package;
pub use guard::guarded;
use outcomes::Outcomes;
pub use stop::Stop;

/// Stack of a worker thread in bytes. Nesting is bounded at 64 levels; this leaves room for
/// libraries that recurse.
const STACK: usize = 16 << 20;

/// Carries out a plan. Every file found has its outcome when this returns, also after an error.
/// `journal` holds what earlier runs have sent, where something is sent.
///
/// # Errors
/// What stopped the run: an interruption, a key that is no longer accepted, too many failures,
/// nothing to upload.
pub fn run(
    plan: &Arc<UploadPlan>,
    journal: Option<Journal>,
    events: &Events,
    runtime: &Runtime,
    stop: &Stop,
) -> Result<(), Error> {
    let pool = workers(plan.jobs)?;
    let outcomes = Outcomes::new(events, stop, plan.max_failures);
    let found = find::find(plan, &outcomes, &pool, stop);
    let nothing = found.series.is_empty() && found.others.is_empty();
    if let Some(error) = several_patients(plan, found.patients.count()) {
        stop.because(error);
    }
    let deliveries = Deliveries::new(
        plan,
        journal,
        &outcomes,
        runtime,
        (found.beside, found.unread),
    );
    let missing = resume::settle(found.series, &deliveries);
    clean::all(missing, &deliveries, &pool);
    deliveries.finish();
    others::deliver(found.others, &deliveries, &pool);
    deliveries.close();
    if !stop.requested() {
        idle::tell(plan, &outcomes);
    }
    if matches!(plan.way_out, WayOut::DryRun(_)) {
        events.send(Event::Changes(outcomes.changes()));
    }
    events.send(Event::Stages(outcomes.stages().told()));
    if !events.with_totals(|totals| totals.add_up(found.found)) {
        return Err(Error::new(
            RunCode::Internal,
            "the outcomes do not add up to the files found",
        ));
    }
    match stop.reason() {
        Some(error) => Err(error),
        None if nothing && events.with_totals(find::has_nothing) => Err(find::nothing(events)),
        None => Ok(()),
    }
}

/// That files of several patients would get one subject label, which was not asked for.
fn several_patients(plan: &UploadPlan, patients: usize) -> Option<Error> {
    let merged = plan.forced_labels.subject.is_some() && !plan.merge_patients && patients > 1;
    merged.then(|| {
        let what = format!(
            "the files are those of {patients} patients, and `--subject` would \
            make them one subject"
        );
        Error::new(RunCode::SeveralPatients, what)
    })
}

/// Threads for work on files.
///
/// # Errors
/// The system gives no threads.
pub fn workers(jobs: usize) -> Result<ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .stack_size(STACK)
        .thread_name(|n| format!("clean-{n}"))
        .build()
        .map_err(|e| {
            Error::new(
                RunCode::Internal,
                format!("no worker threads can be started: {e}"),
            )
        })
}
