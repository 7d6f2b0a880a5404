//! How a run is stopped before its end: first nothing new is started, then what is under way is
//! dropped.

#[cfg(unix)]
mod hangup;
mod signals;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use signals::Signals;

use super::guard::locked;
use crate::failure::{Error, RunCode};

/// How long uploads under way may take to finish after the first interruption.
const GRACE: Duration = Duration::from_secs(10);
/// The same where something else ends the program: schedulers and containers kill it soon after, Slurm
/// after 5 seconds where sites set that, and the report has to be at its end by then.
const GRACE_OF_TERMINATION: Duration = Duration::from_secs(3);

/// The switch that all stages look at. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    soft: CancellationToken,
    hard: CancellationToken,
    reason: Arc<Mutex<Option<Error>>>,
}

impl Stop {
    /// Stops the run for this reason; the first reason given counts.
    pub fn because(&self, error: Error) {
        locked(&self.reason).get_or_insert(error);
        self.soft.cancel();
    }

    /// What stopped the run, if anything did.
    pub fn reason(&self) -> Option<Error> {
        locked(&self.reason).clone()
    }

    /// Whether a signal stopped the run.
    pub fn is_by_signal(&self) -> bool {
        self.reason().is_some_and(|error| {
            matches!(
                error.code,
                RunCode::Interrupted | RunCode::Terminated | RunCode::HungUp
            )
        })
    }

    /// Whether nothing new is to be started.
    pub fn requested(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Ends when nothing new is to be started.
    pub async fn wait(&self) {
        self.soft.cancelled().await;
    }

    /// Ends when what is under way is to be dropped.
    pub async fn wait_hard(&self) {
        self.hard.cancelled().await;
    }

    /// The first of these signals stops what has not begun, the second, or the end of the grace
    /// time, drops what is under way.
    pub async fn on_signals(self, mut signals: Signals) {
        let first = signals.next().await;
        self.by_signal(first);
        self.drop_at(signals.next(), grace_after(first))
            .await;
    }

    fn by_signal(&self, code: RunCode) {
        self.because(Error::new(code, code.sentence()));
    }

    async fn drop_at(&self, second: impl Future<Output = RunCode>, grace: Duration) {
        tokio::select! {
            _ = second => {}
            () = tokio::time::sleep(grace) => {}
        }
        self.hard.cancel();
    }
}

fn grace_after(signal: RunCode) -> Duration {
    match signal {
        RunCode::Terminated => GRACE_OF_TERMINATION,
        _ => GRACE,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Stops by a signal now and by another one after `second`; gives how long what is under way
    /// had from the first to its end.
    async fn time_to_finish(first: RunCode, second: Duration) -> Duration {
        let (stop, begin) = (Stop::default(), Instant::now());
        assert!(!stop.requested() && !stop.is_by_signal());
        stop.by_signal(first);
        stop.wait().await;
        assert!(stop.is_by_signal() && !stop.hard.is_cancelled());
        let second = async {
            sleep(second).await;
            RunCode::Interrupted
        };
        stop.drop_at(second, grace_after(first))
            .await;
        stop.wait_hard().await;
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_drops_what_is_under_way_and_so_does_the_end_of_the_grace_time() {
        let (second, late) = (Duration::from_secs(2), GRACE * 2);
        let (typed, ended) = (RunCode::Interrupted, RunCode::Terminated);
        assert_eq!(time_to_finish(typed, second).await, second);
        assert_eq!(time_to_finish(typed, late).await, GRACE);
        assert_eq!(time_to_finish(ended, late).await, GRACE_OF_TERMINATION);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_that_is_no_signal_lets_what_is_under_way_finish() {
        let stop = Stop::default();
        for code in [RunCode::TooManyFailures, RunCode::NetworkUnavailable] {
            stop.because(Error::new(code, ""));
        }
        stop.wait().await;
        assert_eq!(
            stop.reason()
                .map(|error| error.code),
            Some(RunCode::TooManyFailures),
            "the first reason counts"
        );
        let dropped = tokio::time::timeout(GRACE * 100, stop.wait_hard()).await;
        assert!(dropped.is_err() && !stop.is_by_signal());
    }
}
