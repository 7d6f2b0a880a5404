//! What every stage of a run shares: the plan, the events, the switch that stops it and the budget.
//!
//! It must never know a stage: stages take it together with a value and give a value back.

use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Stop;
use super::compression::CompressionChoice;
use super::outcomes::Outcomes;
use super::placing_counts::{PlacingCounts, SubjectsByRules};
use super::target::TargetContainer;
use super::timers::StageTimers;
use crate::event::Events;
use crate::plan::UploadPlan;

/// The budget is counted in KiB, because a semaphore counts to 2^32 only on some machines.
const UNIT: u64 = 1024;

/// What every stage of a run shares.
pub struct RunContext {
    /// What is carried out.
    pub plan: UploadPlan,
    /// Where events go.
    pub events: Events,
    /// The switch that stops the run.
    pub stop: Stop,
    /// Where files get their outcomes.
    pub outcomes: Outcomes,
    /// What rules and filters did.
    pub placing: PlacingCounts,
    /// Whose files become which subject by rules, of files that are cleaned.
    pub subjects: Mutex<SubjectsByRules>,
    /// Globs of other files that belong to images, and where those go.
    pub associated: Mutex<Vec<(String, TargetContainer)>>,
    /// Where time goes.
    pub timers: StageTimers,
    /// Whether packages are deflated.
    pub compression: CompressionChoice,
    /// Bytes of data that may be under way, in units.
    budget: Arc<Semaphore>,
    /// Where requests run.
    pub network: Handle,
}

impl RunContext {
    /// For a run of a plan.
    pub fn new(plan: UploadPlan, events: &Events, stop: &Stop, network: &Handle) -> Self {
        let units = usize::try_from(plan.transfer.memory / UNIT)
            .unwrap_or(Semaphore::MAX_PERMITS)
            .clamp(1, u32::MAX as usize);
        Self {
            events: events.clone(),
            stop: stop.clone(),
            outcomes: Outcomes::new(events, stop, plan.transfer.max_failures),
            placing: PlacingCounts::default(),
            subjects: Mutex::default(),
            associated: Mutex::default(),
            timers: StageTimers::default(),
            compression: CompressionChoice::of(&plan),
            budget: Arc::new(Semaphore::new(units)),
            network: network.clone(),
            plan,
        }
    }

    /// Waits until this many bytes of the budget are free; what is larger than the budget waits for
    /// all of it. None when the run is stopped.
    pub fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let budget = u32::try_from(self.plan.transfer.memory / UNIT)
            .unwrap_or(u32::MAX)
            .max(1);
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .clamp(1, budget);
        let free = Arc::clone(&self.budget).acquire_many_owned(units);
        self.network.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.wait() => None,
                permit = free => permit.ok(),
            }
        })
    }
}
