//! The signals that ask the process to end.
//!
//! Must never lose one that comes after listening began: a signal between two waits is kept for the
//! second.

use crate::failure::{Error, RunCode};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Ctrl-C, SIGTERM and, unless it was ignored when the program began, SIGHUP, from the moment that
/// this is made.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    hangup: Option<Signal>,
    #[cfg(windows)]
    interrupt: CtrlC,
}

impl Signals {
    /// Begins to listen; to be called inside a runtime.
    ///
    /// # Errors
    ///
    /// `internal` where the system takes no handler.
    #[cfg(unix)]
    pub fn listen() -> Result<Signals, Error> {
        let hangup = super::hangup::is_heard();
        let listener = |kind| signal(kind).map_err(|error| unheard(&error));
        Ok(Signals {
            interrupt: listener(SignalKind::interrupt())?,
            terminate: listener(SignalKind::terminate())?,
            hangup: hangup
                .then(|| listener(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// Begins to listen; to be called inside a runtime.
    ///
    /// # Errors
    ///
    /// `internal` where the system takes no handler.
    #[cfg(windows)]
    pub fn listen() -> Result<Signals, Error> {
        Ok(Signals {
            interrupt: ctrl_c().map_err(|error| unheard(&error))?,
        })
    }

    /// The code of the next one.
    pub async fn next(&mut self) -> RunCode {
        #[cfg(unix)]
        {
            let hangup = async {
                match &mut self.hangup {
                    Some(listener) => drop(listener.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => RunCode::Interrupted,
                _ = self.terminate.recv() => RunCode::Terminated,
                () = hangup => RunCode::HungUp,
            }
        }
        #[cfg(windows)]
        {
            self.interrupt.recv().await;
            RunCode::Interrupted
        }
    }
}

fn unheard(error: &std::io::Error) -> Error {
    Error::new(RunCode::Internal, "no signal can be listened for").because(error.to_string())
}
