//! Outages: the site cannot be reached, or says that it cannot work now. One request probes it, all
//! others wait.
//!
//! Owns when an outage begins and ends and how long it is waited for. Whether a request may be
//! repeated afterwards is not decided here: one that may have worked is looked up first by who made
//! it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Local};
use reqwest::Method;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Patience, Transport};
use crate::answer::SHORT;
use crate::body::Gauge;
use crate::error::{RequestError, RequestFailure};
use crate::notice::ClientNotice;
use crate::wait::wait_before;

/// A site that answers at all answers a probe within this time.
const PROBE: Duration = Duration::from_secs(10);

/// What a look at the site brought after a request had failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// It answers: there is no outage, the request failed by itself.
    Up,
    /// There was an outage, and it is over.
    Back,
    /// There is one, and it was waited for long enough.
    Down,
}

/// The gate that all requests to the site pass, closed while one of them probes.
pub(crate) struct Outage {
    patience: Option<Patience>,
    closed: watch::Sender<bool>,
    /// Held by the request that probes.
    probing: tokio::sync::Mutex<State>,
    /// When the site last answered.
    answered: Mutex<Option<Instant>>,
    has_answered: AtomicBool,
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
    pub(crate) fn new(patience: Option<Patience>) -> Self {
        Self {
            patience,
            closed: watch::Sender::new(false),
            probing: tokio::sync::Mutex::default(),
            answered: Mutex::default(),
            has_answered: AtomicBool::new(false),
            ended: CancellationToken::new(),
        }
    }

    /// Waits until no request probes.
    pub(super) async fn pass(&self) {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            () = self.ended.cancelled() => {}
            _ = closed.wait_for(|closed| !closed) => {}
        }
    }

    /// The site has answered something else than that it cannot work now.
    pub(crate) fn has_ended(&self) {
        *self.answered() = Some(Instant::now());
        self.has_answered
            .store(true, Ordering::Relaxed);
    }

    /// Whether the site has answered in this run.
    pub(crate) fn has_answered(&self) -> bool {
        self.has_answered
            .load(Ordering::Relaxed)
    }

    /// Waits no more, from now on.
    pub(crate) fn give_up(&self) {
        self.ended.cancel();
    }

    /// For how long a request is repeated that the site answers by saying that it cannot do it now;
    /// none where tries count.
    pub(crate) fn limit(&self) -> Option<Duration> {
        let patience = self.patience?;
        Some(if self.has_answered() {
            patience.later
        } else {
            patience.at_start
        })
    }

    /// Waits, unless nothing is waited for any more. Whether it was.
    pub(crate) async fn sleep(&self, wait: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    async fn look(&self, transport: &Transport, error: &RequestError) -> Look {
        let (Some(limit), failed) = (self.limit(), Instant::now()) else {
            return Look::Up;
        };
        let mut state = self.probing.lock().await;
        if let Some((_, look)) = state
            .last
            .filter(|(when, _)| *when > failed)
        {
            return look;
        }
        let closed = Closed::new(&self.closed);
        let look = self
            .probe(transport, error, (&mut state, limit))
            .await;
        state.last = Some((Instant::now(), look));
        drop(closed);
        look
    }

    async fn probe(
        &self,
        transport: &Transport,
        error: &RequestError,
        (state, limit): (&mut State, Duration),
    ) -> Look {
        let over = state
            .since
            .zip(*self.answered())
            .is_some_and(|((since, _), answered)| answered > since);
        if over {
            (state.since, state.told) = (None, false);
        }
        let (since, clock) = *state
            .since
            .get_or_insert_with(|| (Instant::now(), Local::now()));
        let (mut wait, mut failed) = (
            error
                .retry_after()
                .map(|asked| wait_before(0, Duration::ZERO, Some(asked))),
            0,
        );
        loop {
            if !self
                .sleep(wait.unwrap_or_default())
                .await
            {
                return Look::Down;
            }
            let Err(error) = transport.probe().await else {
                break;
            };
            failed += 1;
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Look::Down;
            }
            if !state.told {
                state.told = true;
                transport.tell(ClientNotice::Outage {
                    error: error.clone(),
                    since: clock,
                    until: clock + limit,
                });
            }
            let own = wait_before(failed, transport.settings.backoff, None).min(left);
            wait = Some(
                error
                    .retry_after()
                    .map_or(own, |asked| wait_before(0, Duration::ZERO, Some(asked))),
            );
        }
        let told = std::mem::take(&mut state.told);
        state.since = None;
        if told {
            transport.tell(ClientNotice::OutageOver {
                lasted: since.elapsed(),
            });
        }
        if failed == 0 { Look::Up } else { Look::Back }
    }

    fn answered(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport {
    /// Whether a request failed because of an outage; if so, the end of it is waited for.
    pub(crate) async fn look(&self, error: &RequestError) -> Look {
        self.outage.look(self, error).await
    }

    /// Whether the site answers, whatever it says: asked without the key, past the gate.
    async fn probe(&self) -> Result<(), RequestError> {
        let request = self.foreign_request(Method::GET, self.url("/version")?);
        let gauge = Gauge::new(self.settings.idle_timeout.min(PROBE), 0);
        let answer = self
            .exchange_now(request, &gauge, SHORT)
            .await;
        match answer.and_then(crate::answer::Answer::successful) {
            Err(error) if error.is_of_outage() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a site that was asked without encryption, and has never answered, is there with it.
    /// Servers tell that in no common way: many hang up.
    pub(crate) async fn meets_tls(&self, error: &RequestError) -> bool {
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
        let gauge = Gauge::new(self.settings.idle_timeout.min(PROBE), 0);
        match self
            .exchange_now(self.foreign_request(Method::GET, url), &gauge, SHORT)
            .await
        {
            Ok(_) => true,
            // A certificate that is not trusted is one all the same.
            Err(error) => {
                matches!(&error.failure, RequestFailure::Connect { cause, .. } if cause.contains("certificate"))
            }
        }
    }
}
