//! How many uploads go on at a time: more while that helps, fewer when the server asks for it.
//!
//! Owns the number of upload slots and the measured throughput of the network. It looks at what
//! passed and at nothing else: each upload counts with its bytes and with what a request costs
//! however small it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::guard::locked;

/// Slots at the beginning, where the user did not say how many.
const FIRST: usize = 4;
/// The most that are opened unasked.
const MOST: usize = 16;
/// How long is measured before something is concluded.
const WINDOW: Duration = Duration::from_secs(1);
/// What the server gets to recover after it asked for fewer requests.
const CALM: Duration = Duration::from_secs(10);
/// More slots help if this much more passes: less is noise.
const BETTER: f64 = 1.08;
/// Windows between a try that did not help and the next one; twice that after each further one.
const PATIENCE: u32 = 8;
/// What an upload costs beside its bytes, in bytes.
const PER_UPLOAD: u64 = 64 * 1024;

/// The upload slots of a run.
pub struct UploadConcurrency {
    open: Semaphore,
    used: AtomicUsize,
    waiting: AtomicUsize,
    passed: AtomicU64,
    bytes: AtomicU64,
    state: Mutex<State>,
}

struct State {
    control: SlotControl,
    /// Slots that close when their upload is done.
    to_close: usize,
    begin: Instant,
    /// What had passed when the window began.
    passed: u64,
    bytes: u64,
    throttled: u64,
    /// Whether the slots were too few when the window began.
    short: bool,
    /// Bytes a second in the last window in which they were too few all the time.
    throughput: Option<f64>,
}

/// A slot in use; it is free again once this is dropped.
pub struct UploadSlot<'l> {
    slots: &'l UploadConcurrency,
    permit: Option<SemaphorePermit<'l>>,
}

impl UploadConcurrency {
    /// As many slots as the user said, or as help.
    pub fn new(asked: Option<usize>, now: Instant) -> Self {
        let control = SlotControl::new(asked);
        Self {
            open: Semaphore::new(control.slots),
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            passed: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            state: Mutex::new(State {
                control,
                to_close: 0,
                begin: now,
                passed: 0,
                bytes: 0,
                throttled: 0,
                short: false,
                throughput: None,
            }),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// Never: slots are not taken away as a whole.
    pub async fn enter(&self) -> Result<UploadSlot<'_>, AcquireError> {
        let _waits = WaitingUpload::new(&self.waiting);
        let permit = self.open.acquire().await?;
        self.used
            .fetch_add(1, Ordering::Relaxed);
        Ok(UploadSlot {
            slots: self,
            permit: Some(permit),
        })
    }

    /// The number in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes went to the network.
    pub fn sent(&self, bytes: u64) {
        self.bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.passed
            .fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether packages wait for a slot: the network is slower than everything before it.
    pub fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Bytes a second that the network took when it had enough to do; none where that was not
    /// measured yet.
    pub fn throughput(&self) -> Option<f64> {
        locked(&self.state).throughput
    }

    /// Concludes from what passed, once enough time did. `throttled` is how often the server asked
    /// for fewer requests.
    pub fn look(&self, throttled: u64, now: Instant) {
        let mut state = locked(&self.state);
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
            state.throughput = Some(rate(bytes, state.bytes));
        }
        let before = state.control.slots;
        let seen = Seen {
            rate: rate(passed, state.passed),
            busy_throughout,
            asked,
            now,
        };
        state.control.steer(&seen);
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
        let now = state.control.slots;
        if now < before {
            state.to_close += before - now;
            return;
        }
        let kept = (now - before).min(state.to_close);
        state.to_close -= kept;
        self.open
            .add_permits(now - before - kept);
    }
}

impl Drop for UploadSlot<'_> {
    fn drop(&mut self) {
        self.slots
            .used
            .fetch_sub(1, Ordering::Relaxed);
        self.slots
            .passed
            .fetch_add(PER_UPLOAD, Ordering::Relaxed);
        let mut state = locked(&self.slots.state);
        if state.to_close > 0 {
            state.to_close -= 1;
            self.permit
                .take()
                .into_iter()
                .for_each(SemaphorePermit::forget);
        }
    }
}

/// Counts an upload that waits, until it is dropped.
struct WaitingUpload<'w>(&'w AtomicUsize);

impl<'w> WaitingUpload<'w> {
    fn new(count: &'w AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for WaitingUpload<'_> {
    fn drop(&mut self) {
        self.0
            .fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What one window showed.
struct Seen {
    /// What passed a second.
    rate: f64,
    /// Packages waited for a slot from its beginning to its end.
    busy_throughout: bool,
    /// The server asked for fewer requests.
    asked: bool,
    now: Instant,
}

/// How many slots there are, and what is being tried.
#[derive(Debug)]
struct SlotControl {
    slots: usize,
    most: usize,
    /// The number before the last try, and what passed then.
    trial: Option<(usize, f64)>,
    /// Windows until the next try, and until the one after a try in vain.
    rest: u32,
    patience: u32,
    calm_until: Option<Instant>,
}

impl SlotControl {
    fn new(asked: Option<usize>) -> Self {
        let (slots, most) = asked.map_or((FIRST, MOST), |asked| (asked, asked));
        Self {
            slots,
            most,
            trial: None,
            rest: 0,
            patience: PATIENCE,
            calm_until: None,
        }
    }

    fn steer(&mut self, seen: &Seen) {
        if seen.asked {
            self.slots = (self.slots / 2).max(1);
            (self.trial, self.rest, self.calm_until) = (None, 0, Some(seen.now + CALM));
        }
        if self
            .calm_until
            .is_some_and(|until| seen.now < until)
            || !seen.busy_throughout
        {
            return;
        }
        match self.trial.take() {
            Some((before, rate)) if seen.rate < rate * BETTER => {
                self.slots = before;
                (self.rest, self.patience) = (self.patience, self.patience.saturating_mul(2));
            }
            _ if self.rest > 0 => self.rest -= 1,
            _ if self.slots < self.most => {
                self.trial = Some((self.slots, seen.rate));
                self.slots = (self.slots + (self.slots / 2).max(1)).min(self.most);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Steers through windows in which `rate` bytes pass, by the number of slots; gives those
    /// numbers.
    fn control(
        asked: Option<usize>,
        windows: usize,
        rate: impl Fn(usize) -> f64,
        asks: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let (mut control, start) = (SlotControl::new(asked), Instant::now());
        let mut slots = Vec::new();
        for window in 0..windows {
            let now = start + WINDOW * u32::try_from(window).unwrap();
            control.steer(&Seen {
                rate: rate(control.slots),
                busy_throughout: true,
                asked: asks(window),
                now,
            });
            slots.push(control.slots);
        }
        slots
    }

    fn slots_f64(slots: usize) -> f64 {
        f64::from(u32::try_from(slots).unwrap())
    }

    #[test]
    fn slots_are_opened_as_long_as_more_passes() {
        assert_eq!(
            control(None, 6, slots_f64, |_| false),
            [6, 9, 13, 16, 16, 16]
        );
    }

    #[test]
    fn what_does_not_help_is_taken_back_and_seldom_tried_again() {
        let slots = control(None, 40, |_| 1.0, |_| false);
        assert_eq!(slots[..2], [6, 4]);
        let tries = slots
            .iter()
            .filter(|slots| **slots == 6)
            .count();
        assert!((2..5).contains(&tries), "{slots:?}");
        let best_with_six = control(None, 9, |slots| slots_f64(slots.min(6)), |_| false);
        assert_eq!(best_with_six[..4], [6, 9, 6, 6]);
    }

    #[test]
    fn a_server_that_asks_gets_fewer_and_time_to_recover() {
        let slots = control(Some(8), 20, slots_f64, |window| window == 2 || window == 3);
        assert_eq!(slots[..4], [8, 8, 4, 2]);
        assert!(
            slots[4..12]
                .iter()
                .all(|slots| *slots == 2),
            "{slots:?}"
        );
        assert!(
            slots[19] > 2
                && slots
                    .iter()
                    .all(|slots| *slots <= 8),
            "{slots:?}"
        );
    }

    #[tokio::test]
    async fn slots_close_when_their_uploads_are_done() {
        let start = Instant::now();
        let slots = UploadConcurrency::new(Some(2), start);
        let (one, other) = (slots.enter().await.unwrap(), slots.enter().await.unwrap());
        slots.look(1, start + WINDOW);
        drop(one);
        assert_eq!(slots.open.available_permits(), 0);
        drop(other);
        assert_eq!(slots.open.available_permits(), 1);
        assert_eq!((slots.is_behind(), slots.throughput()), (false, None));
    }

    #[tokio::test]
    async fn the_throughput_is_measured_while_packages_wait() {
        let start = Instant::now();
        let slots = UploadConcurrency::new(Some(1), start);
        let _used = slots.enter().await.unwrap();
        let waits = slots.enter();
        tokio::pin!(waits);
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(slots.is_behind());
        slots.look(0, start + WINDOW);
        slots.sent(3_000_000);
        slots.look(0, start + WINDOW * 2);
        assert_eq!(slots.throughput(), Some(3_000_000.0));
    }
}
