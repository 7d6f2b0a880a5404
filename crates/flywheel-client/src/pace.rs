//! The bandwidth that all bodies of this process share.
//!
//! Owns when the next piece of any of them may go. Unused time is lost, so that a pause is not
//! followed by a burst.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// No piece takes longer than this at the rate that was asked for, and the next one waits until it
/// is over.
const PIECES_PER_SECOND: u64 = 10;

/// Smaller pieces would cost more than they smooth.
const SMALLEST_PIECE: u64 = 1024;

/// Bytes per second, handed out piece by piece in the order of asking.
pub struct Pace {
    rate: u64,
    /// When what was handed out so far has had its time.
    free: Mutex<Option<Instant>>,
}

impl Pace {
    pub fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            free: Mutex::default(),
        }
    }

    /// The longest piece that may go at once.
    pub fn piece(&self) -> usize {
        usize::try_from((self.rate / PIECES_PER_SECOND).max(SMALLEST_PIECE)).unwrap_or(usize::MAX)
    }

    /// When a piece of this many bytes may go, if it is asked for at `now`; reserves the time that
    /// it takes.
    pub fn reserve(&self, bytes: usize, now: Instant) -> Instant {
        let mut free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = free.map_or(now, |free| free.max(now));
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(self.rate);
        *free = Some(due + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_all_bodies_follow_each_other_at_the_rate() {
        let (pace, now) = (Pace::new(10_000), Instant::now());
        let due: Vec<_> = (0..4)
            .map(|_| (pace.reserve(1000, now) - now).as_millis())
            .collect();
        assert_eq!(due, [0, 100, 200, 300]);
    }

    #[test]
    fn unused_time_makes_no_burst() {
        let (pace, start) = (Pace::new(10_000), Instant::now());
        pace.reserve(1000, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.reserve(1000, later), later);
        assert_eq!(
            pace.reserve(1000, later),
            later + Duration::from_millis(100)
        );
    }

    #[test]
    fn a_piece_is_a_tenth_of_a_second_and_never_tiny() {
        assert_eq!(Pace::new(1_000_000).piece(), 100_000);
        assert_eq!(Pace::new(0).piece(), 1024);
        let (slow, now) = (Pace::new(0), Instant::now());
        slow.reserve(2, now);
        assert_eq!(slow.reserve(2, now), now + Duration::from_secs(2));
    }
}
