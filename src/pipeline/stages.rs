//! Where the time of a run goes: what each stage did, how long it was at work and how long it
//! waited for another.
//!
//! Owns counters that all threads share; taking note costs two looks at the clock and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::event::Stage;

/// One stage. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    files: AtomicU64,
    bytes: AtomicU64,
    busy: AtomicU64,
    waiting: AtomicU64,
}

impl Meter {
    /// Does work on so many files and source bytes.
    pub fn work<T>(&self, files: u64, bytes: u64, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = work();
        self.worked(files, bytes, begin);
        done
    }

    /// The same for work that began at a moment and ends now.
    pub fn worked(&self, files: u64, bytes: u64, begin: Instant) {
        self.0.files.fetch_add(files, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.0.busy.fetch_add(nanoseconds(begin), Ordering::Relaxed);
    }

    /// Waited for another stage since a moment.
    pub fn waited(&self, begin: Instant) {
        self.0
            .waiting
            .fetch_add(nanoseconds(begin), Ordering::Relaxed);
    }

    /// Bytes a second of work; none before there was any.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    pub fn rate(&self) -> Option<f64> {
        let (bytes, busy) = (
            self.0.bytes.load(Ordering::Relaxed),
            self.0.busy.load(Ordering::Relaxed),
        );
        (bytes > 0 && busy > 0).then(|| bytes as f64 * 1e9 / busy as f64)
    }

    fn told(&self, name: &'static str) -> Stage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            files,
            bytes,
            busy,
            waiting,
        } = &*self.0;
        let [busy, waiting] = [busy, waiting].map(|counter| Duration::from_nanos(read(counter)));
        Stage {
            name,
            files: read(files),
            bytes: read(bytes),
            busy,
            waiting,
        }
    }
}

fn nanoseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The stages of a run. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Stages {
    /// Finding files.
    pub walk: Meter,
    /// Reading which series they belong to.
    pub index: Meter,
    /// Reading and cleaning instances; it waits while the memory budget is used up by what is being
    /// sent.
    pub clean: Meter,
    /// Packing series.
    pub pack: Meter,
    /// Sending packages, or writing them; it waits for one of the uploads at a time to end.
    pub send: Meter,
}

impl Stages {
    /// What they did, in their order.
    pub fn told(&self) -> Vec<Stage> {
        let Self {
            walk,
            index,
            clean,
            pack,
            send,
        } = self;
        let named = [
            (walk, "walk"),
            (index, "index"),
            (clean, "clean"),
            (pack, "pack"),
            (send, "send"),
        ];
        named
            .into_iter()
            .map(|(meter, name)| meter.told(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_waiting_add_up_over_clones() {
        let stages = Stages::default();
        let other = stages.clone();
        assert_eq!(stages.clean.work(1, 10, || 7), 7);
        other
            .clean
            .work(2, 20, || std::thread::sleep(Duration::from_millis(2)));
        let begin = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        other.send.waited(begin);
        let told = stages.told();
        let names: Vec<_> = told.iter().map(|stage| stage.name).collect();
        assert_eq!(names, ["walk", "index", "clean", "pack", "send"]);
        let clean = told.iter().find(|stage| stage.name == "clean");
        assert!(
            clean.is_some_and(|clean| (clean.files, clean.bytes) == (3, 30)
                && clean.busy >= Duration::from_millis(2))
        );
        assert!(
            told.iter()
                .any(|stage| stage.waiting >= Duration::from_millis(1))
        );
    }
}
