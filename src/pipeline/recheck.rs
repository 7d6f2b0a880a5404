//! Asks the server again whether the profile that the data is cleaned under still governs: before
//! the first thing is sent, and every few minutes from then on.
//!
//! Owns when it is asked and how long a server that does not answer is waited for. Nothing is sent
//! before the first answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::Stop;
use super::guard::locked;
use crate::failure::{Error, RunCode};
use crate::plan::ProfileWatch;

/// How long until a server that did not answer is asked once more.
const SOON: Duration = Duration::from_secs(30);
/// How many times in a row without an answer stop the run.
const PATIENCE: u32 = 3;

/// The questions of one run.
#[derive(Default)]
pub struct Recheck {
    first: OnceCell<()>,
    later: Mutex<Option<AbortHandle>>,
}

impl Recheck {
    /// Asks, unless that was done; callers that come meanwhile wait for the answer.
    ///
    /// # Errors
    /// `profile.changed`, or whatever keeps the server from answering: then nothing may be sent.
    pub async fn before_sending(
        &self,
        watch: &Arc<ProfileWatch>,
        stop: &Stop,
    ) -> Result<(), Error> {
        let ask = || async {
            if let Some(error) = stop.reason() {
                return Err(error);
            }
            watch.look().await?;
            let later = tokio::spawn(go_on(Arc::clone(watch), stop.clone())).abort_handle();
            *locked(&self.later) = Some(later);
            Ok(())
        };
        self.first
            .get_or_try_init(ask)
            .await
            .copied()
    }

    /// Asks no more.
    pub fn end(&self) {
        if let Some(later) = locked(&self.later).take() {
            later.abort();
        }
    }
}

/// Asks until the run stops, or stops it.
async fn go_on(watch: Arc<ProfileWatch>, stop: Stop) {
    let mut unanswered = 0;
    loop {
        let wait = if unanswered == 0 {
            watch.every
        } else {
            watch.every.min(SOON)
        };
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(wait) => {}
        }
        match watch.look().await {
            Ok(()) => unanswered = 0,
            Err(error)
                if error.code == RunCode::NetworkUnavailable && unanswered + 1 < PATIENCE =>
            {
                unanswered += 1;
            }
            Err(error) => return stop.because(error),
        }
    }
}
