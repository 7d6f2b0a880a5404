//! How fast bytes go, by what went in the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

/// The stretch of time that counts.
const WINDOW: Duration = Duration::from_secs(12);
/// Less time than this says nothing.
const LEAST: Duration = Duration::from_secs(2);
/// Samples closer to each other than this are one.
const GRAIN: Duration = Duration::from_millis(100);

/// Bytes and when they went.
#[derive(Debug, Clone, Default)]
pub(super) struct Throughput {
    total: u64,
    /// When how much had gone; the first one is older than the window, if any is.
    samples: VecDeque<(Duration, u64)>,
}

impl Throughput {
    /// Takes bytes into account that went at a time after the start.
    pub(super) fn add(&mut self, bytes: u64, at: Duration) {
        self.total = self.total.saturating_add(bytes);
        match self.samples.back_mut() {
            Some((last, total)) if at.saturating_sub(*last) < GRAIN => *total = self.total,
            _ => self.samples.push_back((at, self.total)),
        }
        while self
            .samples
            .get(1)
            .is_some_and(|(second, _)| at.saturating_sub(*second) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// All bytes.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Bytes a second lately; none before there was time to measure, or where nothing moves.
    pub(super) fn per_second(&self, now: Duration) -> Option<u64> {
        let old = |sample: &&(Duration, u64)| now.saturating_sub(sample.0) >= WINDOW;
        let (from, before) = self
            .samples
            .iter()
            .rev()
            .find(old)
            .or(self.samples.front())?;
        let time = now.saturating_sub(*from);
        let rate = u128::from(self.total.saturating_sub(*before)) * 1000 / time.as_millis().max(1);
        u64::try_from(rate)
            .ok()
            .filter(|rate| time >= LEAST && *rate > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_seconds_count() {
        let mut throughput = Throughput::default();
        let (mut begin, mut slow) = (Some(0), None);
        for second in 0..60 {
            let now = Duration::from_secs(second);
            throughput.add(if second < 30 { 10 } else { 100 }, now);
            match second {
                1 => begin = throughput.per_second(now),
                20 => slow = throughput.per_second(now),
                _ => {}
            }
        }
        let fast = throughput.per_second(Duration::from_secs(59));
        assert_eq!((begin, slow, fast), (None, Some(10), Some(100)));
        assert!(throughput.samples.len() < 20);
    }

    #[test]
    fn where_nothing_moves_there_is_no_rate() {
        let mut throughput = Throughput::default();
        for second in 0..5 {
            throughput.add(1000, Duration::from_secs(second));
        }
        assert_eq!(throughput.per_second(Duration::from_secs(4)), Some(1000));
        assert_eq!(throughput.per_second(Duration::from_secs(8)), Some(500));
        assert_eq!(throughput.per_second(Duration::from_secs(60)), None);
    }
}
