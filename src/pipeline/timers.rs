//! Where the time of a run goes: what each stage did, how long it worked and how long it waited for
//! another.
//!
//! Owns counters that all threads share; taking note costs two looks at the clock and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::event::Stage;

/// One stage.
#[derive(Debug, Default)]
pub struct StageTimer {
    files: AtomicU64,
    bytes: AtomicU64,
    busy: AtomicU64,
    waiting: AtomicU64,
}

impl StageTimer {
    /// Does work on a number of files and source bytes.
    pub fn work<T>(&self, files: u64, bytes: u64, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = work();
        self.worked(files, bytes, begin.elapsed());
        done
    }

    /// The same for work that has ended.
    pub fn worked(&self, files: u64, bytes: u64, busy: Duration) {
        self.files
            .fetch_add(files, Ordering::Relaxed);
        self.bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.busy
            .fetch_add(nanoseconds(busy), Ordering::Relaxed);
    }

    /// Waited for another stage since a moment.
    pub fn waited(&self, begin: Instant) {
        self.waiting
            .fetch_add(nanoseconds(begin.elapsed()), Ordering::Relaxed);
    }

    /// Bytes a second of work; none before there was any.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    pub fn rate(&self) -> Option<f64> {
        let (bytes, busy) = (
            self.bytes.load(Ordering::Relaxed),
            self.busy.load(Ordering::Relaxed),
        );
        (bytes > 0 && busy > 0).then(|| bytes as f64 * 1e9 / busy as f64)
    }

    fn totals(&self, name: &'static str) -> Stage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stage {
            name,
            files: read(&self.files),
            bytes: read(&self.bytes),
            busy: Duration::from_nanos(read(&self.busy)),
            waiting: Duration::from_nanos(read(&self.waiting)),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The timers of a run. Cheap to clone; clones count together.
#[derive(Debug, Default)]
pub struct StageTimers {
    /// Finding files.
    pub walk: StageTimer,
    /// Reading which series they belong to.
    pub index: StageTimer,
    /// Reading and cleaning instances; it waits while the memory budget is used up by what is being
    /// sent.
    pub clean: StageTimer,
    /// Packing series.
    pub pack: StageTimer,
    /// Sending packages, or writing them; it waits for one of the uploads at a time to end.
    pub send: StageTimer,
    /// Deflating packages, in source bytes; a part of packing, or of sending.
    pub deflate: StageTimer,
}

impl StageTimers {
    /// What they did, in their order.
    pub fn totals(&self) -> Vec<Stage> {
        vec![
            self.walk.totals("walk"),
            self.index.totals("index"),
            self.clean.totals("clean"),
            self.pack.totals("pack"),
            self.send.totals("send"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_waiting_add_up() {
        let timers = StageTimers::default();
        assert_eq!(timers.clean.work(1, 10, || 7), 7);
        timers
            .clean
            .work(2, 20, || std::thread::sleep(Duration::from_millis(2)));
        let begin = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        timers.send.waited(begin);
        let totals = timers.totals();
        let names: Vec<_> = totals
            .iter()
            .map(|stage| stage.name)
            .collect();
        assert_eq!(names, ["walk", "index", "clean", "pack", "send"]);
        let clean = totals
            .iter()
            .find(|stage| stage.name == "clean");
        assert!(
            clean.is_some_and(|clean| (clean.files, clean.bytes) == (3, 30)
                && clean.busy >= Duration::from_millis(2))
        );
        assert!(
            totals
                .iter()
                .any(|stage| stage.waiting >= Duration::from_millis(1))
        );
    }
}
