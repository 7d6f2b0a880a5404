//! Running numbers of a run, kept once and read by every sink, so that bars, lines and JSON cannot disagree.

use std::collections::VecDeque;
use std::time::Duration;

use super::figures;
use crate::event::{Event, Mode, RunTotals};

/// The stretch of time over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(15);

/// Where a run stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Time since the run began.
    pub(super) elapsed: Duration,
    /// What is done with the packages.
    pub(super) mode: Option<Mode>,
    /// Files found so far.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// The walk is over: the numbers above are final.
    pub(super) walked: bool,
    /// Files de-identified.
    pub(super) deidentified: u64,
    /// Bytes handed to the network.
    pub(super) sent: u64,
    /// Source bytes of files that reached their outcome.
    pub(super) settled_bytes: u64,
    /// Counts by outcome.
    pub(super) totals: RunTotals,
    /// When how much had been sent, for the rate.
    pub(super) samples: VecDeque<(Duration, u64)>,
}

impl Tally {
    /// Takes an event into account that happened so long after the start.
    pub(super) fn take(&mut self, event: &Event, elapsed: Duration) {
        self.elapsed = elapsed;
        match event {
            Event::Started(start) => self.mode = Some(start.mode),
            Event::Discovered { files, bytes, done } => (self.files, self.bytes, self.walked) = (*files, *bytes, *done),
            Event::Deidentified { .. } => self.deidentified += 1,
            Event::Sent { bytes } => self.sample(*bytes),
            Event::Settled(settled) => {
                self.totals.count(settled);
                self.settled_bytes += settled.bytes;
            }
            Event::Notice(_)
            | Event::Left { .. }
            | Event::Requested { .. }
            | Event::Companion { .. }
            | Event::Retrying { .. }
            | Event::Stages(_)
            | Event::Ended(_) => {}
        }
    }

    fn sample(&mut self, bytes: u64) {
        self.sent += bytes;
        match self.samples.back_mut() {
            // One sample per tenth of a second is fine enough.
            Some((at, sent)) if self.elapsed.saturating_sub(*at) < Duration::from_millis(100) => *sent = self.sent,
            _ => self.samples.push_back((self.elapsed, self.sent)),
        }
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(at, _)| self.elapsed.saturating_sub(*at) > WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes per second handed to the network lately.
    pub(super) fn rate(&self) -> u64 {
        let Some((from, before)) = self.samples.front() else { return 0 };
        let millis = self.elapsed.saturating_sub(*from).as_millis();
        let sent = u128::from(self.sent - before.min(&self.sent));
        u64::try_from(sent * 1000 / millis.max(1)).unwrap_or(u64::MAX)
    }

    /// Files that went where they should go.
    pub(super) fn arrived(&self) -> u64 {
        self.totals.uploaded + self.totals.prepared
    }

    /// Share of the source bytes that reached an outcome; none before the walk is over.
    pub(super) fn percent(&self) -> Option<u64> {
        let by_files = figures::percent(self.totals.found, self.files);
        let by_bytes = if self.bytes == 0 { by_files } else { figures::percent(self.settled_bytes, self.bytes) };
        self.walked.then_some(by_bytes.min(if self.totals.found < self.files { 99 } else { 100 }))
    }

    /// Time until all is done, if it goes on like this; none before anything can be said.
    pub(super) fn left(&self) -> Option<Duration> {
        let done = self.settled_bytes.min(self.bytes);
        let long_enough = self.elapsed >= Duration::from_secs(2) && done > 0;
        (self.walked && long_enough && done < self.bytes).then(|| {
            let millis = self.elapsed.as_millis() * u128::from(self.bytes - done) / u128::from(done);
            Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        })
    }

    /// The word for files that arrived.
    pub(super) fn arrived_word(&self) -> &'static str {
        match self.mode {
            Some(Mode::DryRun) => "ready",
            Some(Mode::Output) => "written",
            Some(Mode::Upload) | None => "uploaded",
        }
    }

    /// Uploading and how fast: `640 files, 1.2 GiB sent, 12.3 MiB/s, 4m 10s left`.
    pub(super) fn transfer(&self) -> String {
        let mut parts = vec![figures::plural(self.arrived(), "file")];
        if self.sent > 0 {
            parts.push(format!("{} sent", figures::bytes(self.sent)));
        }
        if self.rate() > 0 {
            parts.push(format!("{}/s", figures::bytes(self.rate())));
        }
        if let Some(left) = self.left() {
            parts.push(format!("{} left", figures::about(left)));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tally: &mut Tally, seconds: u64, event: &Event) {
        tally.take(event, Duration::from_secs(seconds));
    }

    #[test]
    fn rate_is_that_of_the_last_seconds_and_the_rest_is_extrapolated() {
        let mut tally = Tally::default();
        at(&mut tally, 0, &Event::Discovered { files: 4, bytes: 4000, done: true });
        for second in 0..60 {
            at(&mut tally, second, &Event::Sent { bytes: if second < 30 { 10 } else { 100 } });
        }
        assert_eq!(tally.rate(), 100);
        tally.settled_bytes = 1000;
        assert_eq!(tally.left(), Some(Duration::from_secs(59 * 3)));
        assert_eq!(tally.percent(), Some(25));
    }

    #[test]
    fn nothing_is_foretold_before_the_walk_is_over() {
        let mut tally = Tally::default();
        at(&mut tally, 5, &Event::Discovered { files: 4, bytes: 4000, done: false });
        tally.settled_bytes = 1000;
        assert_eq!((tally.percent(), tally.left(), tally.rate()), (None, None, 0));
    }
}
