//! Whether a package is deflated.
//!
//! Owns that decision, which is made for each package and changes nothing in its members.

use std::time::Duration;

use super::lanes::Lanes;
use super::stages::Meter;
use crate::config::Compression;
use crate::package::Level;
use crate::plan::{UploadPlan, WayOut};

/// What one core deflates in a second, until that is measured, in bytes.
const DEFLATED: f64 = 80e6;
/// Deflating must promise this much more than the wire takes: what is measured is noisy.
const WORTH: f64 = 1.2;

/// Who waited so long for a lane waited for the wire.
const LONG: Duration = Duration::from_millis(50);

/// Decides for the packages of a run.
pub struct Decision {
    chosen: Compression,
    cores: usize,
    /// Deflating, in source bytes.
    pub deflated: Meter,
}

impl Decision {
    /// For a run. Where nothing goes over a network, none is measured: what lies in a folder is the
    /// same every time.
    pub fn of(plan: &UploadPlan) -> Self {
        let chosen = match (&plan.way_out, plan.compression) {
            (WayOut::DryRun(_) | WayOut::Output(_), Compression::Auto) => Compression::None,
            (_, chosen) => chosen,
        };
        Self::new(chosen, plan.jobs)
    }

    /// For a run that cleans files on this number of cores.
    fn new(chosen: Compression, cores: usize) -> Self {
        Self {
            chosen,
            cores,
            deflated: Meter::default(),
        }
    }

    /// How packages are deflated when they are made; none to store them.
    pub fn level(&self) -> Option<Level> {
        match self.chosen {
            Compression::None | Compression::Auto => None,
            Compression::Level(level) => Level::new(level),
        }
    }

    /// Whether a package that waited so long for its lane is deflated before it is sent, unasked:
    /// where the wire is slower than the cores are at cleaning and deflating.
    pub fn is_worthwhile(&self, waited: Duration, lanes: &Lanes, clean: &Meter) -> bool {
        let wire = lanes
            .wire()
            .filter(|_| self.chosen == Compression::Auto && waited >= LONG);
        wire.is_some_and(|wire| self.cores_are_faster(wire, clean))
    }

    fn cores_are_faster(&self, wire: f64, clean: &Meter) -> bool {
        let seconds_per_byte = 1.0 / self.deflated.rate().unwrap_or(DEFLATED)
            + clean.rate().map_or(0.0, |rate| 1.0 / rate);
        let cores = f64::from(u32::try_from(self.cores).unwrap_or(u32::MAX));
        cores / seconds_per_byte > wire * WORTH
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_the_user_chose_counts() {
        let (lanes, clean) = (Lanes::new(None, Instant::now()), Meter::default());
        let level = |chosen| Decision::new(chosen, 2).level();
        assert_eq!(
            (level(Compression::None), level(Compression::Level(1))),
            (None, Some(Level::FAST))
        );
        let auto = Decision::new(Compression::Auto, 2);
        assert_eq!(
            (auto.level(), auto.is_worthwhile(LONG, &lanes, &clean)),
            (None, false),
            "the wire is not known yet"
        );
    }

    #[test]
    fn a_wire_that_is_slower_than_the_cores_makes_it_worthwhile() {
        let (decision, clean) = (Decision::new(Compression::Auto, 2), Meter::default());
        assert!(
            decision.cores_are_faster(12.5e6, &clean),
            "a hundred megabits"
        );
        assert!(!decision.cores_are_faster(1250e6, &clean), "ten gigabits");
    }
}
