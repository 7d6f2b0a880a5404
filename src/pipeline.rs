//! The stages of a run wired together: find, clean, look, route, pack and send, each a function from the
//! run's context and a value to a value.
//!
//! Owns the order of work, the byte budget and the promise that every file found ends in exactly
//! one outcome. It never prints and never looks at a flag: what happens goes out as events, what to
//! do comes in as a plan.

mod arriving;
mod audit;
mod clean;
mod compression;
mod context;
mod deliver;
mod find;
mod folder;
mod guard;
mod idle_rules;
mod look;
mod neighbours;
mod others;
mod outcomes;
mod pack;
mod placing;
mod placing_counts;
mod recheck;
mod resume;
mod review;
mod route;
mod send;
mod send_state;
mod stop;
mod subject_rows;
mod target;
mod timers;
mod transmit;
mod upload_slots;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use rayon::ThreadPool;
use tokio::runtime::Runtime;

use crate::config::OtherFiles;
use crate::event::{Event, Events, FileOutcome};
use crate::failure::{Error, RunCode};
use crate::journal::Journal;
use crate::plan::UploadPlan;
use crate::series::Series;
use crate::shard_plan::NewPlan;
pub use clean::READ_WHOLE;
use clean::Reading;
use context::RunContext;
pub use folder::write as write_package;
pub use guard::guarded;
use guard::locked;
use neighbours::Neighbours;
use pack::OutgoingPackage;
use route::Routed;
use send::Sender;
pub use stop::{Signals, Stop};
use target::TargetContainer;

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
    plan: UploadPlan,
    journal: Option<Journal>,
    events: &Events,
    runtime: &Runtime,
    stop: &Stop,
) -> Result<(), Error> {
    let pool = workers(plan.transfer.jobs)?;
    let context = Arc::new(RunContext::new(plan, events, stop, runtime.handle()));
    let found = find::find(&context, &pool);
    let share = context
        .plan
        .rules
        .set
        .as_ref()
        .and_then(import_rules::RuleSet::fail_fast);
    if let Some(share) = share {
        context
            .outcomes
            .allow(share, found.found);
    }
    let nothing = found.series.is_empty() && found.others.is_empty();
    // Before anything else asks for labels: only now is it known who is new.
    let added = found
        .rows
        .number_new(&context.plan)
        .unwrap_or_else(|error| {
            stop.because(error);
            None
        });
    if let Some(error) = several_patients(&context.plan, found.patients.count()) {
        stop.because(error);
    }
    if let Some(error) = found
        .rows
        .several_patients(&context.plan)
    {
        stop.because(error);
    }
    if let Some(error) = found
        .subjects
        .several_patients(&context.plan)
    {
        stop.because(error);
    }
    if let Some(added) = added.filter(|_| !stop.requested())
        && let Err(error) = subject_rows::save(&context, &added)
    {
        stop.because(error);
    }
    let neighbours = Mutex::new(found.neighbours);
    let sender = Sender::new(&context, journal, found.unread);
    let missing = resume::settle(&sender.state, found.series);
    send_series(&sender, (missing, found.is_slow), &neighbours, &pool);
    sender.wait();
    others::send(&sender, found.others, &locked(&neighbours), &pool);
    sender.close();
    found.rows.tell(&context);
    context
        .placing
        .tell(&context.plan.rules.filters, &context.events);
    end(&context, found.found)?;
    match stop.reason() {
        Some(error) => Err(error),
        // Of a plan, the other shards have what there is.
        None if nothing
            && context
                .plan
                .discovery
                .plan()
                .is_none()
            && events.with_totals(find::has_nothing) =>
        {
            Err(find::nothing(events))
        }
        None => Ok(()),
    }
}

/// Walks the inputs as a run does and notes every file in a plan of shards. What only all files
/// together show is seen here.
///
/// # Errors
/// An interruption, one subject of several patients, a file that cannot be noted.
pub fn note_for_shards(
    plan: UploadPlan,
    noted: NewPlan,
    events: &Events,
    runtime: &Runtime,
    stop: &Stop,
) -> Result<NewPlan, Error> {
    let pool = workers(plan.transfer.jobs)?;
    let context = RunContext::new(plan, events, stop, runtime.handle());
    let (found, noted) = find::note_all(&context, &pool, noted).map_err(|error| {
        Error::new(RunCode::OutputUnwritable, "the plan cannot be written")
            .because(error.to_string())
    })?;
    let checks = [
        stop.reason(),
        several_patients(&context.plan, found.patients.count()),
        found
            .rows
            .several_patients(&context.plan),
        found
            .subjects
            .several_patients(&context.plan),
    ];
    match checks.into_iter().flatten().next() {
        Some(error) => Err(error),
        None => Ok(noted),
    }
}

/// Takes one series after the other through the stages. The budget is taken before a series is
/// read, so that memory is bounded however many files there are.
fn send_series(
    sender: &Sender,
    (all, is_slow): (Vec<Series>, bool),
    neighbours: &Mutex<Neighbours>,
    pool: &ThreadPool,
) {
    let context = sender.context();
    pool.in_place_scope(|scope| {
        for series in all {
            let reading = Reading::of(context, &series, is_slow);
            let begin = Instant::now();
            let permit = context.reserve(reading.charge);
            context.timers.clean.waited(begin);
            match permit {
                Some(permit) => scope.spawn(move |_| {
                    sender.begin(packages(context, series, reading, neighbours), permit);
                }),
                None => series
                    .files
                    .iter()
                    .for_each(|file| {
                        let outcome = FileOutcome::Failed(outcomes::stopped());
                        context
                            .outcomes
                            .settle(&file, outcome);
                    }),
            }
        }
    });
}

/// Cleans one series, looks at its images, routes and packs it.
fn packages(
    context: &RunContext,
    series: Series,
    reading: Reading,
    neighbours: &Mutex<Neighbours>,
) -> Vec<OutgoingPackage> {
    let files: Vec<_> = series.files.iter().collect();
    let all = files.len();
    let others_follow = context.plan.input.files.other_files == OtherFiles::Upload;
    let beside = others_follow.then(|| files.clone());
    // What was kept of small files goes with each of them.
    drop(series);
    let cleaned = clean::clean(context, files, reading);
    let mut seen = look::look(context, cleaned.kept);
    audit::note_sent(context, &mut seen);
    let routed = route::route(context, seen);
    let refused = all.saturating_sub(count(&routed) + cleaned.copies);
    let routed = review::review(context, routed, refused as u64);
    if let Some(files) = beside {
        locked(neighbours).note(&files, &routed);
        locked(&context.associated).extend(associated(&routed));
    }
    let approved = count(&routed);
    let mut packages: Vec<_> = routed
        .into_iter()
        .flat_map(|routed| pack::pack(context, routed))
        .collect();
    let packed: usize = packages
        .iter()
        .map(|outgoing| outgoing.sources.len())
        .sum();
    let is_incomplete = refused > 0 || packed < approved;
    for outgoing in &mut packages {
        outgoing.incomplete = is_incomplete;
    }
    packages
}

fn count(routed: &[Routed]) -> usize {
    routed
        .iter()
        .map(|routed| routed.members.len())
        .sum()
}

/// The globs of other files that belong to images, and where those go.
fn associated(routed: &[Routed]) -> impl Iterator<Item = (String, TargetContainer)> {
    routed.iter().flat_map(|routed| {
        let mut globs: Vec<_> = routed
            .members
            .iter()
            .flat_map(|member| &member.associated)
            .collect();
        globs.sort_unstable();
        globs.dedup();
        globs.into_iter().map(|glob| {
            let target = TargetContainer::at(routed.by_rules.level, routed.destination.clone());
            (glob.clone(), target)
        })
    })
}

/// Says what the whole run came to.
///
/// # Errors
/// Outcomes that do not add up to the files found, which is a defect.
fn end(context: &RunContext, found: u64) -> Result<(), Error> {
    let RunContext { plan, events, .. } = context;
    if !context.stop.requested() {
        idle_rules::tell(context);
    }
    look::tell(context);
    review::tell(context);
    if plan.sink.is_dry_run() {
        events.send(Event::Changes(context.outcomes.changes()));
    }
    events.send(Event::Stages(context.timers.totals()));
    if events.with_totals(|totals| totals.add_up(found)) {
        return Ok(());
    }
    Err(Error::new(
        RunCode::Internal,
        "the outcomes do not add up to the files found",
    ))
}

/// That files of several patients would get one subject label, which was not asked for.
fn several_patients(plan: &UploadPlan, patients: usize) -> Option<Error> {
    let packaging = &plan.packaging;
    let merged = packaging.subject.is_some() && !packaging.merge_patients && patients > 1;
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
            let what = format!("no worker threads can be started: {e}");
            Error::new(RunCode::Internal, what)
        })
}
