//! The stage that sends: packages go to the sink, a few at a time, and their files get their
//! outcome.
//!
//! Owns the tasks of a run's uploads. It must never know where a package goes: that is the sink's.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use super::context::RunContext;
use super::deliver::{deliver, take_name};
use super::outcomes::{is_of_network, stopped};
use super::pack::OutgoingPackage;
use super::send_state::SendState;
use crate::event::{Event, FileOutcome};
use crate::failure::FileFailure;
use crate::journal::Journal;

/// Sends the packages of a run.
pub struct Sender {
    /// What they share.
    pub state: Arc<SendState>,
    tasks: TaskTracker,
    /// The task that tells of a stop.
    watch_stop: AbortHandle,
}

impl Sender {
    /// Ready to take packages.
    pub fn new(
        context: &Arc<RunContext>,
        journal: Option<Journal>,
        unread: HashSet<PathBuf>,
    ) -> Self {
        let state = Arc::new(SendState::new(context, journal, unread));
        let watch_stop = context
            .network
            .spawn(tell_of_stop(Arc::clone(&state)))
            .abort_handle();
        Self {
            state,
            tasks: TaskTracker::new(),
            watch_stop,
        }
    }

    /// What all stages share.
    pub fn context(&self) -> &RunContext {
        &self.state.context
    }

    /// Begins to send packages. The permit is given back when the last of them was sent.
    pub fn begin(&self, packages: Vec<OutgoingPackage>, permit: OwnedSemaphorePermit) {
        let permit = Arc::new(permit);
        for outgoing in packages {
            let (state, permit) = (Arc::clone(&self.state), Arc::clone(&permit));
            let task = async move {
                send(&state, outgoing).await;
                drop(permit);
            };
            self.tasks
                .spawn_on(task, &self.context().network);
        }
    }

    /// Sends one package and waits for it.
    pub fn send_now(&self, outgoing: OutgoingPackage) {
        self.context()
            .network
            .block_on(send(&self.state, outgoing));
    }

    /// Waits until everything was sent.
    pub fn wait(&self) {
        self.tasks.close();
        self.context()
            .network
            .block_on(self.tasks.wait());
        self.tasks.reopen();
    }

    /// Has the journal on the disk to its last line.
    pub fn close(&self) {
        self.watch_stop.abort();
        self.state.recheck.end();
        if let Some(Err(error)) = self
            .state
            .journal
            .as_ref()
            .map(Journal::sync)
        {
            self.context().stop.because(error);
        }
    }
}

/// Says how many packages may still finish, once nothing new is begun.
async fn tell_of_stop(state: Arc<SendState>) {
    let context = &state.context;
    context.stop.wait().await;
    if let Some(reason) = context.stop.reason() {
        context
            .events
            .send(Event::Stopping {
                code: reason.code,
                uploads: state.slots.used() as u64,
            });
    }
}

/// Sends one package; its files have their outcome afterwards.
async fn send(state: &Arc<SendState>, mut outgoing: OutgoingPackage) {
    let RunContext { stop, outcomes, .. } = &*state.context;
    let outcome = tokio::select! {
        biased;
        () = stop.wait_hard() => Err(stopped()),
        outcome = in_turn(state, &mut outgoing) => outcome,
    };
    let outcome = match outcome {
        // What ended the waiting for a server that is out was the end of the run.
        Err(failure) if stop.is_by_signal() && is_of_network(failure.code) => Err(stopped()),
        outcome => outcome,
    };
    outcomes.package(&outcome);
    let outcome = outcome.unwrap_or_else(FileOutcome::Failed);
    for source in &outgoing.sources {
        if !matches!(outcome, FileOutcome::Failed(_)) {
            state.tell_of_companion(source, outgoing.incomplete);
        }
        outcomes.settle(source, outcome.clone());
    }
}

/// Waits for an upload slot and hands the package to the sink.
async fn in_turn(
    state: &Arc<SendState>,
    outgoing: &mut OutgoingPackage,
) -> Result<FileOutcome, FileFailure> {
    let RunContext { stop, timers, .. } = &*state.context;
    let begin = Instant::now();
    let _slot = state
        .slots
        .enter()
        .await
        .map_err(|_| stopped())?;
    let waited = begin.elapsed();
    timers.send.waited(begin);
    look(state);
    if stop.requested() {
        return Err(stopped());
    }
    take_name(state, outgoing)?;
    deflate_if_worthwhile(state, outgoing, waited).await;
    let begin = Instant::now();
    let outcome = deliver(state, outgoing).await;
    let (files, bytes) = (outgoing.sources.len() as u64, outgoing.package.len());
    timers
        .send
        .worked(files, bytes, begin.elapsed());
    look(state);
    outcome
}

/// Has the slots look at what passed and how often the server asked for fewer requests.
fn look(state: &SendState) {
    let server = state.context.plan.sink.server();
    let throttled = server.map_or(0, |server| server.client.throttled());
    state
        .slots
        .look(throttled, Instant::now());
}

/// Deflates a package whose turn to be sent has come, where that is quicker than sending it as it
/// is. What goes wrong with that is no reason not to send it.
async fn deflate_if_worthwhile(
    state: &SendState,
    outgoing: &mut OutgoingPackage,
    waited: Duration,
) {
    let RunContext {
        compression,
        timers,
        ..
    } = &*state.context;
    if !compression.is_worthwhile(waited, state.slots.throughput(), timers) {
        return;
    }
    let (package, begin) = (outgoing.package.clone(), Instant::now());
    let deflated = tokio::task::spawn_blocking(move || package.in_other_form()).await;
    if let Ok(Ok(Some(deflated))) = deflated {
        let (files, bytes) = (outgoing.sources.len() as u64, outgoing.package.len());
        timers
            .deflate
            .worked(files, bytes, begin.elapsed());
        outgoing.package = deflated;
    }
}
