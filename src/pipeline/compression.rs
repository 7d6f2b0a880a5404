//! Whether a package is deflated.
//!
//! Owns that decision, which is made for each package and changes nothing in its members.

use std::time::Duration;

use super::timers::StageTimers;
use crate::config::Compression;
use crate::package::DeflateLevel;
use crate::plan::{Sink, UploadPlan};

/// What one core deflates in a second, until that is measured, in bytes.
const DEFLATED: f64 = 80e6;
/// Deflating must promise this much more than the network takes: what is measured is noisy.
const WORTH: f64 = 1.2;

/// A package that waited this long for its upload slot waited for the network.
const LONG: Duration = Duration::from_millis(50);

/// Decides for the packages of a run.
#[derive(Debug, Clone, Copy)]
pub struct CompressionChoice {
    chosen: Compression,
    cores: usize,
}

impl CompressionChoice {
    /// For a run. Where nothing goes over a network, none is measured: what lies in a folder is the
    /// same every time.
    pub fn of(plan: &UploadPlan) -> Self {
        let chosen = match plan.transfer.compression {
            Compression::Auto if !matches!(plan.sink, Sink::Upload(_)) => Compression::None,
            chosen => chosen,
        };
        Self {
            chosen,
            cores: plan.transfer.jobs,
        }
    }

    /// How packages are deflated when they are made; none to store them.
    pub fn level(self) -> Option<DeflateLevel> {
        match self.chosen {
            Compression::None | Compression::Auto => None,
            Compression::Level(level) => DeflateLevel::new(level),
        }
    }

    /// Whether a package that waited this long for its upload slot is deflated before it is sent,
    /// unasked: where the network takes fewer bytes a second than the cores clean and deflate.
    pub fn is_worthwhile(
        self,
        waited: Duration,
        throughput: Option<f64>,
        timers: &StageTimers,
    ) -> bool {
        throughput
            .filter(|_| self.chosen == Compression::Auto && waited >= LONG)
            .is_some_and(|throughput| self.cores_are_faster(throughput, timers))
    }

    fn cores_are_faster(self, throughput: f64, timers: &StageTimers) -> bool {
        let seconds_per_byte = 1.0
            / timers
                .deflate
                .rate()
                .unwrap_or(DEFLATED)
            + timers
                .clean
                .rate()
                .map_or(0.0, |rate| 1.0 / rate);
        let cores = f64::from(u32::try_from(self.cores).unwrap_or(u32::MAX));
        cores / seconds_per_byte > throughput * WORTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(chosen: Compression) -> CompressionChoice {
        CompressionChoice { chosen, cores: 2 }
    }

    #[test]
    fn what_the_user_chose_counts() {
        let level = |chosen| choice(chosen).level();
        assert_eq!(
            (level(Compression::None), level(Compression::Level(1))),
            (None, Some(DeflateLevel::FAST))
        );
        let (auto, timers) = (choice(Compression::Auto), StageTimers::default());
        assert_eq!(
            (auto.level(), auto.is_worthwhile(LONG, None, &timers)),
            (None, false),
            "the throughput is not known yet"
        );
    }

    #[test]
    fn a_network_that_is_slower_than_the_cores_makes_it_worthwhile() {
        let (auto, timers) = (choice(Compression::Auto), StageTimers::default());
        assert!(
            auto.is_worthwhile(LONG, Some(12.5e6), &timers),
            "a hundred megabits"
        );
        assert!(
            !auto.is_worthwhile(LONG, Some(1250e6), &timers),
            "ten gigabits"
        );
    }
}
