//! Outages: the site cannot be reached, or says that it cannot work now. One request probes it, all
//! others wait.
//!
//! Owns when an outage begins and ends and how long it is waited for. Whether a request may be
//! repeated afterwards is not decided here: one that may have worked is looked up first by who made
//! it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Local};
use reqwest::{Method, Url};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Patience, Transport};
use crate::answer::{Answer, SHORT};
use crate::body::Gauge;
use crate::error::{RequestError, RequestFailure};
use crate::notice::ClientNotice;
use crate::wait::wait_before;

/// A site that answers at all answers a probe within this time.
const PROBE: Duration = Duration::from_secs(10);

/// What a look at the site brought after a request had failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It answers: there is no outage, the request failed by itself.
    Up,
    /// There was an outage, and it is over.
    Back,
    /// There is one, and it was waited for long enough.
    Down,
}

/// The gate that all requests to the site pass, closed while one of them probes.
pub struct Outage {
    patience: Option<Patience>,
    closed: watch::Sender<bool>,
    /// Held by the request that probes.
    probing: tokio::sync::Mutex<State>,
    /// When the site last answered.
    answered: Mutex<Option<Instant>>,
    /// Nothing is waited for any more.
    ended: CancellationToken,
}

#[derive(Default)]
struct State {
    /// The last look, and when it ended: it counts for every request that failed before.
    last: Option<(Instant, Look)>,
    /// Since when the site is out.
    since: Option<(Instant, DateTime<Local>)>,
    told: bool,
}

/// Opens the gate again, also where the look is given up midway.
struct Closed<'o>(&'o watch::Sender<bool>);

impl<'o> Closed<'o> {
    fn new(gate: &'o watch::Sender<bool>) -> Self {
        gate.send_replace(true);
        Self(gate)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl Outage {
    /// Without patience nothing is probed, and every look finds the site up.
    pub fn new(patience: Option<Patience>) -> Self {
        Self {
            patience,
            closed: watch::Sender::new(false),
            probing: tokio::sync::Mutex::default(),
            answered: Mutex::default(),
            ended: CancellationToken::new(),
        }
    }

    /// Waits until no request probes.
    pub async fn pass(&self) {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            () = self.ended.cancelled() => {}
            _ = closed.wait_for(|closed| !closed) => {}
        }
    }

    /// The site has answered something else than that it cannot work now.
    pub fn has_ended(&self) {
        *self.answered() = Some(Instant::now());
    }

    /// Whether the site has answered in this run.
    pub fn has_answered(&self) -> bool {
        self.answered().is_some()
    }

    /// Waits no more, from now on.
    pub fn give_up(&self) {
        self.ended.cancel();
    }

    /// For how long a request is repeated that the site answers by saying that it cannot do it now;
    /// none where tries count.
    pub fn limit(&self) -> Option<Duration> {
        let patience = self.patience?;
        Some(if self.has_answered() {
            patience.later
        } else {
            patience.at_start
        })
    }

    /// Waits, unless nothing is waited for any more. Whether it was.
    pub async fn sleep(&self, wait: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    fn answered(&self) -> MutexGuard<'_, Option<Instant>> {
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport {
    /// Whether a request failed because of an outage; if so, the end of it is waited for.
    pub async fn look(&self, error: &RequestError) -> Look {
        let (Some(limit), failed) = (self.outage.limit(), Instant::now()) else {
            return Look::Up;
        };
        let mut state = self.outage.probing.lock().await;
        if let Some((_, look)) = state
            .last
            .filter(|(when, _)| *when > failed)
        {
            return look;
        }
        let closed = Closed::new(&self.outage.closed);
        let look = self
            .look_until(limit, error, &mut state)
            .await;
        state.last = Some((Instant::now(), look));
        drop(closed);
        look
    }

    async fn look_until(&self, limit: Duration, error: &RequestError, state: &mut State) -> Look {
        let over = state
            .since
            .zip(*self.outage.answered())
            .is_some_and(|((since, _), answered)| answered > since);
        if over {
            (state.since, state.told) = (None, false);
        }
        let (since, clock) = *state
            .since
            .get_or_insert_with(|| (Instant::now(), Local::now()));
        let (mut wait, mut failed) = (asked_for(error).unwrap_or_default(), 0);
        loop {
            if !self.outage.sleep(wait).await {
                return Look::Down;
            }
            let Err(error) = self.probe().await else {
                break;
            };
            failed += 1;
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Look::Down;
            }
            if !state.told {
                state.told = true;
                self.tell(ClientNotice::Outage {
                    error: error.clone(),
                    since: clock,
                    until: clock + limit,
                });
            }
            let own = wait_before(failed, self.settings.backoff, None).min(left);
            wait = asked_for(&error).unwrap_or(own);
        }
        let told = std::mem::take(&mut state.told);
        state.since = None;
        if told {
            self.tell(ClientNotice::OutageOver {
                lasted: since.elapsed(),
            });
        }
        if failed == 0 { Look::Up } else { Look::Back }
    }

    /// Whether the site answers, whatever it says: asked without the key, past the gate.
    async fn probe(&self) -> Result<(), RequestError> {
        let answer = self
            .ask_without_key(self.url("/version")?)
            .await;
        match answer.and_then(Answer::successful) {
            Err(error) if error.is_of_outage() => Err(error),
            _ => Ok(()),
        }
    }

    async fn ask_without_key(&self, url: Url) -> Result<Answer, RequestError> {
        let gauge = Gauge::new(
            self.settings
                .idle_timeout
                .min(PROBE),
            0,
        );
        let request = self.foreign_request(Method::GET, url);
        self.exchange_now(request, &gauge, SHORT)
            .await
    }

    /// Whether a site that was asked without encryption, and has never answered, is there with it.
    /// Servers tell that in no common way: many hang up.
    pub async fn meets_tls(&self, error: &RequestError) -> bool {
        if !self.is_plain_http()
            || self.outage.has_answered()
            || !matches!(
                error.failure,
                RequestFailure::Cut { .. } | RequestFailure::Stalled { .. }
            )
        {
            return false;
        }
        let Ok(mut url) = self.url("/version") else {
            return false;
        };
        if url.set_scheme("https").is_err() {
            return false;
        }
        match self.ask_without_key(url).await {
            Ok(_) => true,
            // A certificate that is not trusted is one all the same.
            Err(error) => {
                matches!(&error.failure, RequestFailure::Connect { cause, .. } if cause.contains("certificate"))
            }
        }
    }
}

/// How long a server wants to be left alone, within bounds.
fn asked_for(error: &RequestError) -> Option<Duration> {
    error
        .retry_after()
        .map(|asked| wait_before(0, Duration::ZERO, Some(asked)))
}
