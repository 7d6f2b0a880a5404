//! How a run is stopped before its end: first nothing new is started, then what is under way is
//! dropped.

mod hangup;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::guard::locked;
use crate::failure::{Error, RunCode};

/// How long uploads under way may take to finish after the first interruption.
const GRACE: Duration = Duration::from_secs(10);

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

    /// Listens for Ctrl-C, SIGTERM and, unless it is ignored, SIGHUP: the first stops what has not
    /// begun, the second, or the end of the grace time, drops what is under way.
    pub async fn on_signals(self) {
        let hangup = hangup::is_heard();
        self.obey(|| signal(hangup)).await;
    }

    async fn obey<S: Future<Output = RunCode>>(&self, signal: impl Fn() -> S) {
        let code = signal().await;
        self.because(Error::new(code, code.sentence()));
        tokio::select! {
            _ = signal() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
        self.hard.cancel();
    }
}

#[cfg(unix)]
async fn signal(hangup: bool) -> RunCode {
    use tokio::signal::unix::SignalKind;
    tokio::select! {
        code = interrupt() => code,
        () = came(SignalKind::terminate()) => RunCode::Terminated,
        () = came(SignalKind::hangup()), if hangup => RunCode::HungUp,
    }
}

/// Ends when a signal came; never where no handler can be installed, and the signal does what it
/// always does.
#[cfg(unix)]
async fn came(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut listener) => drop(listener.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn signal(_hangup: bool) -> RunCode {
    interrupt().await
}

async fn interrupt() -> RunCode {
    // Where no handler can be installed, Ctrl-C ends the process as it always does.
    if tokio::signal::ctrl_c()
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
    RunCode::Interrupted
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Stops by a signal now and by another one after `second`; gives how long what is under way
    /// had from the first to its end.
    async fn time_to_finish(second: Duration) -> Duration {
        let (stop, signal) = (Stop::default(), Notify::new());
        let begin = Instant::now();
        let obeyed = async {
            stop.obey(|| async {
                signal.notified().await;
                RunCode::Interrupted
            })
            .await;
            stop.wait_hard().await;
            begin.elapsed()
        };
        let signals = async {
            assert!(!stop.requested() && !stop.is_by_signal());
            signal.notify_one();
            stop.wait().await;
            assert!(stop.is_by_signal() && !stop.hard.is_cancelled());
            sleep(second).await;
            signal.notify_one();
        };
        tokio::join!(obeyed, signals).0
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_drops_what_is_under_way_and_so_does_the_end_of_the_grace_time() {
        let second = Duration::from_secs(3);
        assert_eq!(time_to_finish(second).await, second);
        assert_eq!(time_to_finish(GRACE * 2).await, GRACE);
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
