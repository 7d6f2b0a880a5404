//! How a run is stopped before its end: first nothing new is started, then what is under way is
//! dropped.

mod hangup;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

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
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        self.soft.cancel();
    }

    /// What stopped the run, if anything did.
    pub fn reason(&self) -> Option<Error> {
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether a signal stopped the run.
    pub fn is_by_signal(&self) -> bool {
        let by = self.reason().map(|error| error.code);
        matches!(
            by,
            Some(RunCode::Interrupted | RunCode::Terminated | RunCode::HungUp)
        )
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
        let code = signal(hangup).await;
        self.because(Error::new(code, code.sentence()));
        tokio::select! {
            _ = signal(hangup) => {}
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
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    RunCode::Interrupted
}
