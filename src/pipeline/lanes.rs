//! How many uploads go on at a time: more while that helps, fewer when the server asks for it.
//!
//! Owns the number of lanes and what is known of the wire. It looks at what passed and at nothing
//! else: each upload counts with its bytes and with what a request costs however small it is.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Lanes at the beginning, where the user did not say how many.
const FIRST: usize = 4;
/// The most that are opened unasked.
const MOST: usize = 16;
/// How long is measured before something is concluded.
const WINDOW: Duration = Duration::from_secs(1);
/// What the server gets to recover after it asked for fewer requests.
const CALM: Duration = Duration::from_secs(10);
/// More lanes help if this much more passes: less is noise.
const BETTER: f64 = 1.08;
/// After a try that did not help, the next one comes so many windows later, and twice as many after
/// each further one.
const PATIENCE: u32 = 8;
/// What an upload costs beside its bytes, in bytes.
const PER_UPLOAD: u64 = 64 * 1024;

/// The lanes of a run.
pub struct Lanes {
    open: Semaphore,
    used: AtomicUsize,
    waiting: AtomicUsize,
    passed: AtomicU64,
    bytes: AtomicU64,
    state: Mutex<State>,
}

struct State {
    course: Course,
    /// Lanes that close when their upload is done.
    to_close: usize,
    begin: Instant,
    /// What had passed when the window began.
    passed: u64,
    bytes: u64,
    throttled: u64,
    /// Whether the lanes were too few when the window began.
    short: bool,
    /// Bytes a second in the last window in which they were too few all the time.
    wire: Option<f64>,
}

/// A lane in use.
pub struct Lane<'l> {
    lanes: &'l Lanes,
    permit: Option<SemaphorePermit<'l>>,
}

impl Lanes {
    /// So many as the user said, or as help.
    pub fn new(asked: Option<usize>, now: Instant) -> Self {
        let course = Course::new(asked);
        Self {
            open: Semaphore::new(course.lanes),
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            passed: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            state: Mutex::new(State {
                course,
                to_close: 0,
                begin: now,
                passed: 0,
                bytes: 0,
                throttled: 0,
                short: false,
                wire: None,
            }),
        }
    }

    /// Waits for a lane.
    ///
    /// # Errors
    /// Never: lanes are not taken away as a whole.
    pub async fn enter(&self) -> Result<Lane<'_>, AcquireError> {
        let _waits = Waiting::new(&self.waiting);
        let permit = self.open.acquire().await?;
        self.used.fetch_add(1, Ordering::Relaxed);
        Ok(Lane {
            lanes: self,
            permit: Some(permit),
        })
    }

    /// How many are in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes went to the network.
    pub fn sent(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.passed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether packages wait for a lane: the wire is slower than everything before it.
    pub fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Bytes a second that the wire took when it had enough to do; none where that was not measured
    /// yet.
    pub fn wire(&self) -> Option<f64> {
        self.state().wire
    }

    /// Concludes from what passed, once enough time did. `throttled` is how often the server asked
    /// for fewer requests.
    pub fn look(&self, throttled: u64, now: Instant) {
        let mut state = self.state();
        let took = now.saturating_duration_since(state.begin);
        let asked = throttled > state.throttled;
        if took < WINDOW && !asked {
            return;
        }
        let (passed, bytes) = (
            self.passed.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        let rate = |now: u64, then: u64| {
            if took.is_zero() {
                0.0
            } else {
                per_second(now - then, took)
            }
        };
        let short = self.is_behind();
        let busy_throughout = state.short && short;
        if busy_throughout {
            state.wire = Some(rate(bytes, state.bytes));
        }
        let before = state.course.lanes;
        let seen = Seen {
            rate: rate(passed, state.passed),
            busy_throughout,
            asked,
            now,
        };
        state.course.steer(&seen);
        self.resize(&mut state, before);
        (
            state.begin,
            state.passed,
            state.bytes,
            state.throttled,
            state.short,
        ) = (now, passed, bytes, throttled, short);
    }

    fn resize(&self, state: &mut State, before: usize) {
        let now = state.course.lanes;
        if now < before {
            state.to_close += before - now;
            return;
        }
        let kept = (now - before).min(state.to_close);
        state.to_close -= kept;
        self.open.add_permits(now - before - kept);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.lanes.used.fetch_sub(1, Ordering::Relaxed);
        self.lanes.passed.fetch_add(PER_UPLOAD, Ordering::Relaxed);
        let mut state = self.lanes.state();
        if state.to_close > 0 {
            state.to_close -= 1;
            self.permit
                .take()
                .into_iter()
                .for_each(SemaphorePermit::forget);
        }
    }
}

/// Counts somebody who waits, for as long as he does.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn new(count: &'w AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate of so many bytes needs no more digits"
)]
fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What one window showed.
struct Seen {
    /// What passed a second.
    rate: f64,
    /// Packages waited for a lane from its beginning to its end.
    busy_throughout: bool,
    /// The server asked for fewer requests.
    asked: bool,
    now: Instant,
}

/// How many lanes there are, and what is being tried.
#[derive(Debug)]
struct Course {
    lanes: usize,
    most: usize,
    /// The number before the last try, and what passed then.
    trial: Option<(usize, f64)>,
    /// Windows until the next try, and until the one after a try in vain.
    rest: u32,
    patience: u32,
    calm_until: Option<Instant>,
}

impl Course {
    fn new(asked: Option<usize>) -> Self {
        let (lanes, most) = asked.map_or((FIRST, MOST), |asked| (asked, asked));
        Self {
            lanes,
            most,
            trial: None,
            rest: 0,
            patience: PATIENCE,
            calm_until: None,
        }
    }

    fn steer(&mut self, seen: &Seen) {
        if seen.asked {
            self.lanes = (self.lanes / 2).max(1);
            (self.trial, self.rest, self.calm_until) = (None, 0, Some(seen.now + CALM));
        }
        if self.calm_until.is_some_and(|until| seen.now < until) || !seen.busy_throughout {
            return;
        }
        match self.trial.take() {
            Some((before, rate)) if seen.rate < rate * BETTER => {
                self.lanes = before;
                (self.rest, self.patience) = (self.patience, self.patience.saturating_mul(2));
            }
            _ if self.rest > 0 => self.rest -= 1,
            _ if self.lanes < self.most => {
                self.trial = Some((self.lanes, seen.rate));
                self.lanes = (self.lanes + (self.lanes / 2).max(1)).min(self.most);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Steers through windows in which so much passes with so many lanes; gives the numbers of
    /// lanes.
    fn course(
        asked: Option<usize>,
        windows: usize,
        rate: impl Fn(usize) -> f64,
        asks: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let (mut course, start) = (Course::new(asked), Instant::now());
        let mut lanes = Vec::new();
        for window in 0..windows {
            let now = start + WINDOW * u32::try_from(window).unwrap();
            course.steer(&Seen {
                rate: rate(course.lanes),
                busy_throughout: true,
                asked: asks(window),
                now,
            });
            lanes.push(course.lanes);
        }
        lanes
    }

    fn lanes_f64(lanes: usize) -> f64 {
        f64::from(u32::try_from(lanes).unwrap())
    }

    #[test]
    fn lanes_are_opened_as_long_as_more_passes() {
        assert_eq!(
            course(None, 6, lanes_f64, |_| false),
            [6, 9, 13, 16, 16, 16]
        );
    }

    #[test]
    fn what_does_not_help_is_taken_back_and_seldom_tried_again() {
        let lanes = course(None, 40, |_| 1.0, |_| false);
        assert_eq!(lanes[..2], [6, 4]);
        let tries = lanes.iter().filter(|lanes| **lanes == 6).count();
        assert!((2..5).contains(&tries), "{lanes:?}");
        let best_with_six = course(None, 9, |lanes| lanes_f64(lanes.min(6)), |_| false);
        assert_eq!(best_with_six[..4], [6, 9, 6, 6]);
    }

    #[test]
    fn a_server_that_asks_gets_fewer_and_time_to_recover() {
        let lanes = course(Some(8), 20, lanes_f64, |window| window == 2 || window == 3);
        assert_eq!(lanes[..4], [8, 8, 4, 2]);
        assert!(lanes[4..12].iter().all(|lanes| *lanes == 2), "{lanes:?}");
        assert!(
            lanes[19] > 2 && lanes.iter().all(|lanes| *lanes <= 8),
            "{lanes:?}"
        );
    }

    #[tokio::test]
    async fn lanes_close_when_their_uploads_are_done() {
        let start = Instant::now();
        let lanes = Lanes::new(Some(2), start);
        let (one, other) = (lanes.enter().await.unwrap(), lanes.enter().await.unwrap());
        lanes.look(1, start + WINDOW);
        drop(one);
        assert_eq!(lanes.open.available_permits(), 0);
        drop(other);
        assert_eq!(lanes.open.available_permits(), 1);
        assert_eq!((lanes.is_behind(), lanes.wire()), (false, None));
    }

    #[tokio::test]
    async fn the_wire_is_measured_while_packages_wait_for_it() {
        let start = Instant::now();
        let lanes = Lanes::new(Some(1), start);
        let _used = lanes.enter().await.unwrap();
        let waits = lanes.enter();
        tokio::pin!(waits);
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(lanes.is_behind());
        lanes.look(0, start + WINDOW);
        lanes.sent(3_000_000);
        lanes.look(0, start + WINDOW * 2);
        assert_eq!(lanes.wire(), Some(3_000_000.0));
    }
}
