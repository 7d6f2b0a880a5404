//! Counters of a run and the rates and estimates that follow from them.
//!
//! Owns the only copy, which all consumers of events read, so that bars, lines and JSON cannot
//! disagree. Must never read a clock: the time comes with each event.

use std::collections::VecDeque;
use std::time::Duration;

use super::figures;
use crate::event::{Event, FileOutcome, Mode, PackageBytes, RunTotals, Settled};
use crate::failure::FileCode;

/// The progress of a run.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Time since the run began.
    pub elapsed: Duration,
    /// What the run does with the packages.
    pub mode: Option<Mode>,
    /// Files found so far.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The walk is over: the numbers above are final.
    pub walked: bool,
    /// Files de-identified.
    pub deidentified: u64,
    /// Source bytes of files that have an outcome.
    pub settled_bytes: u64,
    /// Counts by outcome.
    pub totals: RunTotals,
    /// Bytes handed to the network.
    pub network: Throughput,
    /// The run begins nothing new.
    pub stopping: bool,
    /// Source bytes of files that arrived.
    pub arrived_bytes: u64,
    /// Source bytes of files that are not sent: already there, skipped, failed.
    pub aside_bytes: u64,
    /// All packages whose upload began.
    pub begun: PackageBytes,
    /// The same, each package weighing four fifths of the next: once packages are deflated, earlier
    /// ones are no basis for an estimate.
    pub lately_begun: PackageBytes,
    /// Those of them whose upload ended.
    pub ended: PackageBytes,
}

impl Counters {
    /// Counts an event at a time after the start.
    pub fn count(&mut self, event: &Event, elapsed: Duration) {
        self.elapsed = elapsed;
        match event {
            Event::Started(start) => self.mode = Some(start.mode),
            Event::Discovered { files, bytes, done } => {
                (self.files, self.bytes, self.walked) = (*files, *bytes, *done);
            }
            Event::Deidentified { .. } => self.deidentified += 1,
            Event::Sending(package) => self.begins(package),
            Event::Sent { bytes } => self.network.add(*bytes, elapsed),
            Event::SendingEnded(package) => add(&mut self.ended, package),
            Event::Settled(settled) => self.settled(settled),
            Event::Stopping { .. } => self.stopping = true,
            Event::Notice(_)
            | Event::Cleaned(_)
            | Event::Reviewed(_)
            | Event::Left { .. }
            | Event::Pixels { .. }
            | Event::Requested { .. }
            | Event::Companion { .. }
            | Event::Changes(_)
            | Event::Retrying { .. }
            | Event::Stages(_)
            | Event::Ended(_) => {}
        }
    }

    fn begins(&mut self, package: &PackageBytes) {
        add(&mut self.begun, package);
        let lately = &mut self.lately_begun;
        lately.source = scaled(lately.source, 4, 5);
        lately.size = scaled(lately.size, 4, 5);
        add(lately, package);
    }

    fn settled(&mut self, settled: &Settled) {
        self.totals.count(settled);
        self.settled_bytes += settled.bytes;
        match &settled.outcome {
            FileOutcome::Uploaded(_) | FileOutcome::Prepared(_) => {
                self.arrived_bytes += settled.bytes;
            }
            // It is still to be sent: a run that stops makes no progress by that.
            FileOutcome::Failed(failure) if failure.code == FileCode::UploadStopped => {}
            FileOutcome::AlreadyThere(_) | FileOutcome::Skipped(_) | FileOutcome::Failed(_) => {
                self.aside_bytes += settled.bytes;
            }
        }
    }

    /// Bytes per second handed to the network lately; 0 where none are sent.
    pub fn rate(&self) -> u64 {
        self.network
            .per_second(self.elapsed)
            .unwrap_or_default()
    }

    /// Files that were uploaded or prepared.
    pub fn arrived(&self) -> u64 {
        self.totals.uploaded + self.totals.prepared
    }

    /// Packages that are being uploaded.
    fn under_way(&self) -> PackageBytes {
        let (source, size) = (
            self.begun.source - self.ended.source,
            self.begun.size - self.ended.size,
        );
        PackageBytes {
            source,
            size,
            sent: self
                .network
                .total
                .saturating_sub(self.ended.sent)
                .min(size),
        }
    }

    /// Source bytes sent or still to be sent.
    fn to_do(&self) -> u64 {
        self.bytes
            .saturating_sub(self.aside_bytes)
    }

    /// The part of the work that is done, in per cent, packages under way by what was sent of them;
    /// none before the walk is over.
    pub fn percent(&self) -> Option<u64> {
        let under_way = self.under_way();
        let done = self.arrived_bytes + scaled(under_way.source, under_way.sent, under_way.size);
        let aside = self.totals.found - self.arrived() - self.totals.not_sent();
        let by_files = figures::percent(self.arrived(), self.files.saturating_sub(aside));
        let by_bytes = if self.to_do() == 0 {
            by_files
        } else {
            figures::percent(done, self.to_do())
        };
        let is_done = self.arrived() + aside >= self.files;
        self.walked
            .then_some(if is_done { 100 } else { by_bytes.min(99) })
    }

    /// The estimated time until the end; none before there is a basis for it and once the run is
    /// stopping.
    pub fn left(&self) -> Option<Duration> {
        if !self.walked || self.stopping {
            return None;
        }
        if self.mode == Some(Mode::Upload) {
            self.left_to_send()
        } else {
            self.left_to_do()
        }
    }

    /// The time to send the rest at the current rate, its size estimated from the ratio of package
    /// to source lately.
    fn left_to_send(&self) -> Option<Duration> {
        let rate = self
            .network
            .per_second(self.elapsed)?;
        let under_way = self.under_way();
        let unbegun = self
            .to_do()
            .saturating_sub(self.arrived_bytes)
            .saturating_sub(under_way.source);
        let bytes = scaled(unbegun, self.lately_begun.size, self.lately_begun.source)
            + (under_way.size - under_way.sent);
        (bytes > 0).then(|| duration(u128::from(bytes) * 1000 / u128::from(rate)))
    }

    /// Without uploads: the time per byte stays as it was.
    fn left_to_do(&self) -> Option<Duration> {
        let (done, to_do) = (self.arrived_bytes, self.to_do());
        let long_enough = self.elapsed >= Duration::from_secs(2) && done > 0;
        (long_enough && done < to_do).then(|| {
            duration(self.elapsed.as_millis() * u128::from(to_do - done) / u128::from(done))
        })
    }

    /// The word for files that were uploaded or prepared.
    pub fn arrived_word(&self) -> &'static str {
        match self.mode {
            Some(Mode::DryRun) => "ready",
            Some(Mode::Output) => "written",
            Some(Mode::Upload) | None => "uploaded",
        }
    }
}

fn add(sum: &mut PackageBytes, more: &PackageBytes) {
    sum.source += more.source;
    sum.size += more.size;
    sum.sent += more.sent;
}

/// `number` times `part` divided by `whole`; 0 where `whole` is 0.
fn scaled(number: u64, part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(number) * u128::from(part) / u128::from(whole.max(1)))
        .unwrap_or(u64::MAX)
}

fn duration(millis: u128) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// The time over which throughput is measured.
const WINDOW: Duration = Duration::from_secs(12);
/// The shortest time that gives a rate.
const MIN_TIME: Duration = Duration::from_secs(2);
/// Samples that are closer to each other are one.
const RESOLUTION: Duration = Duration::from_millis(100);

/// Measures bytes per second.
#[derive(Debug, Clone, Default)]
pub struct Throughput {
    /// All bytes.
    pub total: u64,
    /// Totals by time; the first is older than the window, if any is.
    samples: VecDeque<(Duration, u64)>,
}

impl Throughput {
    /// Adds bytes that were sent at a time after the start.
    pub fn add(&mut self, bytes: u64, at: Duration) {
        self.total = self.total.saturating_add(bytes);
        match self.samples.back_mut() {
            Some((last, total)) if at.saturating_sub(*last) < RESOLUTION => *total = self.total,
            _ => self
                .samples
                .push_back((at, self.total)),
        }
        while self
            .samples
            .get(1)
            .is_some_and(|(second, _)| at.saturating_sub(*second) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Bytes per second lately; none before there was time to measure, or where none are sent.
    pub fn per_second(&self, now: Duration) -> Option<u64> {
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
            .filter(|rate| time >= MIN_TIME && *rate > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Stored;
    use crate::failure::{FileFailure, RunCode};

    fn stored() -> Arc<Stored> {
        let (destination, file) = ("g/p/s/t/a".to_owned(), "a.zip".to_owned());
        Arc::new(Stored {
            destination,
            file,
            container_id: None,
            size: 500,
            file_id: None,
            other_file: false,
            container_ids: Vec::new(),
        })
    }

    fn package(source: u64, size: u64, sent: u64) -> PackageBytes {
        PackageBytes { source, size, sent }
    }

    fn settle(counters: &mut Counters, bytes: u64, outcome: FileOutcome) {
        let elapsed = counters.elapsed;
        counters.count(
            &Event::Settled(Settled {
                path: Arc::default(),
                bytes,
                outcome,
                sent: None,
            }),
            elapsed,
        );
    }

    /// An upload of 10 files of 1000 bytes each, whose walk is over.
    fn upload() -> Counters {
        let mut counters = Counters {
            mode: Some(Mode::Upload),
            ..Counters::default()
        };
        counters.count(
            &Event::Discovered {
                files: 10,
                bytes: 10_000,
                done: true,
            },
            Duration::ZERO,
        );
        counters
    }

    /// Sends 10 bytes per second until this second.
    fn send_until(counters: &mut Counters, second: u64) {
        for second in counters.elapsed.as_secs()..second {
            counters.count(&Event::Sent { bytes: 10 }, Duration::from_secs(second + 1));
        }
    }

    #[test]
    fn the_rest_is_estimated_by_the_ratio_of_package_to_source() {
        let mut counters = upload();
        // Packages are half of their sources.
        counters.count(&Event::Sending(package(4000, 2000, 0)), Duration::ZERO);
        send_until(&mut counters, 20);
        // 1,800 bytes of the package under way and 3,000 of the 6,000 that were not begun.
        assert_eq!(
            (counters.rate(), counters.left()),
            (10, Some(Duration::from_secs(480)))
        );
        assert_eq!(counters.percent(), Some(4), "400 of 10,000 source bytes");
    }

    #[test]
    fn deflated_packages_change_the_estimate() {
        let mut counters = upload();
        counters.count(&Event::Sending(package(2000, 2000, 0)), Duration::ZERO);
        send_until(&mut counters, 200);
        for _ in 0..5 {
            counters.count(
                &Event::Sending(package(400, 200, 0)),
                Duration::from_secs(200),
            );
        }
        // 1,000 bytes under way, and two thirds of the 6,000 that were not begun.
        let mostly_as_before = counters
            .left()
            .map(|left| left.as_secs());
        for _ in 0..10 {
            counters.count(
                &Event::Sending(package(400, 200, 0)),
                Duration::from_secs(200),
            );
        }
        assert_eq!(mostly_as_before, Some(498));
        assert_eq!(
            counters
                .left()
                .map(|left| left.as_secs()),
            Some(403),
            "3,000 under way, and about half of 2,000"
        );
    }

    #[test]
    fn files_that_are_not_sent_are_not_part_of_the_work() {
        let mut counters = upload();
        settle(
            &mut counters,
            1000,
            FileOutcome::Skipped(crate::discover::SkipReason::NotDicom),
        );
        settle(&mut counters, 4000, FileOutcome::AlreadyThere(stored()));
        settle(
            &mut counters,
            1000,
            FileOutcome::Failed(FileFailure::new(FileCode::ReadIo, "")),
        );
        assert_eq!(counters.percent(), Some(0));
        counters.count(&Event::Sending(package(2000, 2000, 0)), Duration::ZERO);
        send_until(&mut counters, 20);
        assert_eq!(
            (counters.percent(), counters.left()),
            (Some(5), Some(Duration::from_secs(380)))
        );
    }

    #[test]
    fn progress_stays_when_a_run_stops() {
        let mut counters = upload();
        counters.count(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut counters, 100);
        counters.count(
            &Event::SendingEnded(package(1000, 1000, 1000)),
            Duration::from_secs(100),
        );
        settle(&mut counters, 1000, FileOutcome::Uploaded(stored()));
        assert_eq!(
            (counters.percent(), counters.left()),
            (Some(10), Some(Duration::from_secs(900)))
        );
        let stopping = Event::Stopping {
            code: RunCode::Interrupted,
            uploads: 1,
        };
        counters.count(&stopping, Duration::from_secs(100));
        for _ in 0..9 {
            settle(
                &mut counters,
                1000,
                FileOutcome::Failed(FileFailure::new(FileCode::UploadStopped, "")),
            );
        }
        assert_eq!((counters.percent(), counters.left()), (Some(10), None));
    }

    #[test]
    fn a_package_that_is_sent_again_is_not_sent_twice() {
        let mut counters = upload();
        counters.count(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut counters, 150);
        assert_eq!(
            (counters.percent(), counters.left()),
            (Some(10), Some(Duration::from_secs(900)))
        );
    }

    #[test]
    fn there_is_no_estimate_before_the_walk_is_over_or_anything_was_sent() {
        let mut counters = Counters {
            mode: Some(Mode::Upload),
            ..Counters::default()
        };
        counters.count(
            &Event::Discovered {
                files: 4,
                bytes: 4000,
                done: false,
            },
            Duration::ZERO,
        );
        counters.count(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut counters, 5);
        assert_eq!((counters.percent(), counters.left()), (None, None));
        let mut counters = upload();
        counters.elapsed = Duration::from_secs(60);
        assert_eq!((counters.left(), counters.rate()), (None, 0));
    }

    #[test]
    fn a_dry_run_is_estimated_by_the_files_that_are_ready() {
        let mut counters = Counters {
            mode: Some(Mode::DryRun),
            ..upload()
        };
        counters.elapsed = Duration::from_secs(10);
        settle(&mut counters, 2000, FileOutcome::Prepared(stored()));
        assert_eq!(
            (counters.percent(), counters.left()),
            (Some(20), Some(Duration::from_secs(40)))
        );
    }

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
    fn there_is_no_rate_where_nothing_is_sent() {
        let mut throughput = Throughput::default();
        for second in 0..5 {
            throughput.add(1000, Duration::from_secs(second));
        }
        assert_eq!(throughput.per_second(Duration::from_secs(4)), Some(1000));
        assert_eq!(throughput.per_second(Duration::from_secs(8)), Some(500));
        assert_eq!(throughput.per_second(Duration::from_secs(60)), None);
    }
}
