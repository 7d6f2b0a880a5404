//! Running numbers of a run, kept once and read by every sink, so that bars, lines and JSON cannot
//! disagree.

use std::time::Duration;

use super::figures;
use super::throughput::Throughput;
use crate::event::{Event, Mode, Outcome, PackageBytes, RunTotals, Settled};
use crate::failure::FileCode;

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
    /// Source bytes of files that reached their outcome.
    pub(super) settled_bytes: u64,
    /// Counts by outcome.
    pub(super) totals: RunTotals,
    /// Bytes handed to the network.
    pub(super) network: Throughput,
    /// Nothing new is begun any more.
    pub(super) stopping: bool,
    /// Source bytes of files that arrived.
    pub(super) arrived_bytes: u64,
    /// Source bytes of files that need not be sent, or cannot be: already there, skipped, failed.
    pub(super) aside_bytes: u64,
    /// All packages that began to be sent.
    pub(super) begun: PackageBytes,
    /// The same, each package counting four fifths of the one after it: once packages are deflated,
    /// earlier ones say nothing.
    pub(super) lately_begun: PackageBytes,
    /// Those of them whose sending ended.
    pub(super) ended: PackageBytes,
}

impl Tally {
    /// Takes an event into account that happened so long after the start.
    pub(super) fn take(&mut self, event: &Event, elapsed: Duration) {
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
            | Event::Left { .. }
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
        let PackageBytes { source, size, .. } = &mut self.lately_begun;
        (*source, *size) = (scaled(*source, 4, 5), scaled(*size, 4, 5));
        add(&mut self.lately_begun, package);
    }

    fn settled(&mut self, settled: &Settled) {
        self.totals.count(settled);
        self.settled_bytes += settled.bytes;
        match &settled.outcome {
            Outcome::Uploaded(_) | Outcome::Prepared(_) => self.arrived_bytes += settled.bytes,
            // It stays to be done: a run that stops has not come further.
            Outcome::Failed(failure) if failure.code == FileCode::UploadStopped => {}
            Outcome::AlreadyThere(_) | Outcome::Skipped(_) | Outcome::Failed(_) => {
                self.aside_bytes += settled.bytes;
            }
        }
    }

    /// Bytes per second handed to the network lately; 0 where nothing moves.
    pub(super) fn rate(&self) -> u64 {
        self.network.per_second(self.elapsed).unwrap_or_default()
    }

    /// Files that went where they should go.
    pub(super) fn arrived(&self) -> u64 {
        self.totals.uploaded + self.totals.prepared
    }

    /// Packages that are being sent.
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
                .total()
                .saturating_sub(self.ended.sent)
                .min(size),
        }
    }

    /// Source bytes that are sent or still to be sent.
    fn to_do(&self) -> u64 {
        self.bytes.saturating_sub(self.aside_bytes)
    }

    /// Share of what is to be done that is done, packages under way by what was sent of them; none
    /// before the walk is over.
    pub(super) fn percent(&self) -> Option<u64> {
        let under_way = self.under_way();
        let done = self.arrived_bytes + scaled(under_way.source, under_way.sent, under_way.size);
        let aside = self.totals.found - self.arrived() - self.totals.not_sent();
        let by_files = figures::percent(self.arrived(), self.files.saturating_sub(aside));
        let by_bytes = if self.to_do() == 0 {
            by_files
        } else {
            figures::percent(done, self.to_do())
        };
        let most = if self.arrived() + aside < self.files {
            99
        } else {
            100
        };
        self.walked
            .then_some(if most == 100 { 100 } else { by_bytes.min(most) })
    }

    /// Time until all is done, if it goes on like this; none before anything can be said, nor once
    /// the run is stopping.
    pub(super) fn left(&self) -> Option<Duration> {
        if !self.walked || self.stopping {
            return None;
        }
        if self.mode == Some(Mode::Upload) {
            self.left_to_send()
        } else {
            self.left_to_do()
        }
    }

    /// What is still to be sent, estimated from what packages made of their sources lately, at the
    /// rate of the last seconds.
    fn left_to_send(&self) -> Option<Duration> {
        let rate = self.network.per_second(self.elapsed)?;
        let under_way = self.under_way();
        let unbegun = self
            .to_do()
            .saturating_sub(self.arrived_bytes)
            .saturating_sub(under_way.source);
        let bytes = scaled(unbegun, self.lately_begun.size, self.lately_begun.source)
            + (under_way.size - under_way.sent);
        (bytes > 0).then(|| duration(u128::from(bytes) * 1000 / u128::from(rate)))
    }

    /// Where nothing is sent: as much time for each byte as until now.
    fn left_to_do(&self) -> Option<Duration> {
        let (done, to_do) = (self.arrived_bytes, self.to_do());
        let long_enough = self.elapsed >= Duration::from_secs(2) && done > 0;
        (long_enough && done < to_do).then(|| {
            duration(self.elapsed.as_millis() * u128::from(to_do - done) / u128::from(done))
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
}

fn add(sum: &mut PackageBytes, more: &PackageBytes) {
    let PackageBytes { source, size, sent } = more;
    (sum.source, sum.size, sum.sent) = (sum.source + source, sum.size + size, sum.sent + sent);
}

/// `number` times `part` of `whole`; nothing of nothing is none.
fn scaled(number: u64, part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(number) * u128::from(part) / u128::from(whole.max(1)))
        .unwrap_or(u64::MAX)
}

fn duration(millis: u128) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
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
        })
    }

    fn package(source: u64, size: u64, sent: u64) -> PackageBytes {
        PackageBytes { source, size, sent }
    }

    fn settle(tally: &mut Tally, bytes: u64, outcome: Outcome) {
        let elapsed = tally.elapsed;
        tally.take(
            &Event::Settled(Settled {
                path: Arc::default(),
                bytes,
                outcome,
            }),
            elapsed,
        );
    }

    /// An upload of 10 files of 1000 bytes each, whose walk is over.
    fn upload() -> Tally {
        let mut tally = Tally {
            mode: Some(Mode::Upload),
            ..Tally::default()
        };
        tally.take(
            &Event::Discovered {
                files: 10,
                bytes: 10_000,
                done: true,
            },
            Duration::ZERO,
        );
        tally
    }

    /// Sends 10 bytes a second until then.
    fn send_until(tally: &mut Tally, second: u64) {
        for second in tally.elapsed.as_secs()..second {
            tally.take(&Event::Sent { bytes: 10 }, Duration::from_secs(second + 1));
        }
    }

    #[test]
    fn what_is_left_is_scaled_by_what_packages_made_of_their_sources() {
        let mut tally = upload();
        // Packages are half of their sources.
        tally.take(&Event::Sending(package(4000, 2000, 0)), Duration::ZERO);
        send_until(&mut tally, 20);
        // 1,800 bytes of the package under way and 3,000 of the 6,000 that were not begun.
        assert_eq!(
            (tally.rate(), tally.left()),
            (10, Some(Duration::from_secs(480)))
        );
        assert_eq!(tally.percent(), Some(4), "400 of 10,000 source bytes");
    }

    #[test]
    fn packages_that_are_deflated_from_now_on_change_the_estimate() {
        let mut tally = upload();
        tally.take(&Event::Sending(package(2000, 2000, 0)), Duration::ZERO);
        send_until(&mut tally, 200);
        for _ in 0..5 {
            tally.take(
                &Event::Sending(package(400, 200, 0)),
                Duration::from_secs(200),
            );
        }
        // 1,000 bytes under way, and two thirds of the 6,000 that were not begun.
        let mostly_as_before = tally.left().map(|left| left.as_secs());
        for _ in 0..10 {
            tally.take(
                &Event::Sending(package(400, 200, 0)),
                Duration::from_secs(200),
            );
        }
        assert_eq!(mostly_as_before, Some(498));
        assert_eq!(
            tally.left().map(|left| left.as_secs()),
            Some(403),
            "3,000 under way, and about half of 2,000"
        );
    }

    #[test]
    fn what_was_there_was_skipped_or_failed_is_not_part_of_the_work() {
        let mut tally = upload();
        settle(
            &mut tally,
            1000,
            Outcome::Skipped(crate::discover::SkipReason::NotDicom),
        );
        settle(&mut tally, 4000, Outcome::AlreadyThere(stored()));
        settle(
            &mut tally,
            1000,
            Outcome::Failed(FileFailure::new(FileCode::ReadIo, "")),
        );
        assert_eq!(tally.percent(), Some(0));
        tally.take(&Event::Sending(package(2000, 2000, 0)), Duration::ZERO);
        send_until(&mut tally, 20);
        assert_eq!(
            (tally.percent(), tally.left()),
            (Some(5), Some(Duration::from_secs(380)))
        );
    }

    #[test]
    fn nothing_jumps_when_a_run_stops() {
        let mut tally = upload();
        tally.take(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut tally, 100);
        tally.take(
            &Event::SendingEnded(package(1000, 1000, 1000)),
            Duration::from_secs(100),
        );
        settle(&mut tally, 1000, Outcome::Uploaded(stored()));
        assert_eq!(
            (tally.percent(), tally.left()),
            (Some(10), Some(Duration::from_secs(900)))
        );
        let stopping = Event::Stopping {
            code: RunCode::Interrupted,
            uploads: 1,
        };
        tally.take(&stopping, Duration::from_secs(100));
        for _ in 0..9 {
            settle(
                &mut tally,
                1000,
                Outcome::Failed(FileFailure::new(FileCode::UploadStopped, "")),
            );
        }
        assert_eq!((tally.percent(), tally.left()), (Some(10), None));
    }

    #[test]
    fn a_package_that_is_sent_again_is_not_sent_twice() {
        let mut tally = upload();
        tally.take(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut tally, 150);
        assert_eq!(
            (tally.percent(), tally.left()),
            (Some(10), Some(Duration::from_secs(900)))
        );
    }

    #[test]
    fn nothing_is_foretold_before_the_walk_is_over_or_anything_was_sent() {
        let mut tally = Tally {
            mode: Some(Mode::Upload),
            ..Tally::default()
        };
        tally.take(
            &Event::Discovered {
                files: 4,
                bytes: 4000,
                done: false,
            },
            Duration::ZERO,
        );
        tally.take(&Event::Sending(package(1000, 1000, 0)), Duration::ZERO);
        send_until(&mut tally, 5);
        assert_eq!((tally.percent(), tally.left()), (None, None));
        let mut tally = upload();
        tally.elapsed = Duration::from_secs(60);
        assert_eq!((tally.left(), tally.rate()), (None, 0));
    }

    #[test]
    fn a_rehearsal_goes_by_what_is_ready() {
        let mut tally = Tally {
            mode: Some(Mode::DryRun),
            ..upload()
        };
        tally.elapsed = Duration::from_secs(10);
        settle(&mut tally, 2000, Outcome::Prepared(stored()));
        assert_eq!(
            (tally.percent(), tally.left()),
            (Some(20), Some(Duration::from_secs(40)))
        );
    }
}
