//! Random changes of numbers and dates, as `jitter` and `jitter-date` ask for.
//!
//! What is drawn comes from the operating system and is kept nowhere: it cannot be taken off again,
//! and two runs over one file differ.

use dicom_lossless::VR;

use crate::elements::element_value::python_float;
use crate::profile::{DateJitter, Jitter};

/// Characters that fit into a decimal string (PS3.5 section 6.2).
const LONGEST_DECIMAL: usize = 16;

/// How a rule changes numbers.
#[derive(Clone)]
pub struct NumberJitter {
    /// What is drawn lies between minus this and this.
    pub range: f64,
    pub whole: bool,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// Why a number cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JitterError {
    /// The text is not one number of the kind that is asked for.
    NotANumber,
    /// The operating system gave no random numbers.
    NoRandomness,
}

impl NumberJitter {
    pub fn new(jitter: &Jitter, profile_range: f64) -> Self {
        let range = jitter
            .range
            .unwrap_or(profile_range);
        Self {
            range,
            whole: jitter.whole,
            min: jitter.min,
            max: jitter.max,
        }
    }

    /// The changed number as text for an element of this VR.
    pub fn apply(&self, text: &str, vr: VR) -> Result<String, JitterError> {
        let number: f64 = text
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or(JitterError::NotANumber)?;
        if self.whole && (text.contains(['.', 'e', 'E']) || number.fract() != 0.0) {
            return Err(JitterError::NotANumber);
        }
        let changed = self.within(number + self.draw()?);
        Ok(match vr {
            VR::US => whole(changed.clamp(0.0, 65_535.0)),
            VR::UL => whole(changed.clamp(0.0, f64::from(u32::MAX))),
            VR::IS | VR::SS | VR::SL | VR::SV | VR::UV => whole(changed),
            VR::DS => decimal(changed),
            _ => python_float(changed),
        })
    }

    fn within(&self, number: f64) -> f64 {
        let bound = |bound: f64| if self.whole { bound.trunc() } else { bound };
        let number = self
            .min
            .map_or(number, |min| number.max(bound(min)));
        self.max
            .map_or(number, |max| number.min(bound(max)))
    }

    fn draw(&self) -> Result<f64, JitterError> {
        if self.whole {
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            // The loader bounds the range.
            return between(self.range as i64).map(|drawn| drawn as f64);
        }
        loop {
            // 53 bits are what the fraction of a double holds.
            #[allow(clippy::cast_precision_loss)]
            let fraction = (random()? >> 11) as f64 / (1_u64 << 53) as f64;
            let drawn = (2.0 * fraction - 1.0) * self.range;
            if drawn != 0.0 {
                return Ok(drawn);
            }
        }
    }
}

/// A random number of units, not zero.
pub fn units(jitter: &DateJitter) -> Result<i64, JitterError> {
    between(jitter.range.into())
}

/// A whole number between minus `range` and `range`, not zero.
fn between(range: i64) -> Result<i64, JitterError> {
    let range = range.max(1).cast_unsigned();
    // The range is so much smaller than 2^64 that the remainder favours no number noticeably.
    let drawn = (random()? % (2 * range)).cast_signed() - range.cast_signed();
    Ok(if drawn >= 0 { drawn + 1 } else { drawn })
}

fn random() -> Result<u64, JitterError> {
    getrandom::u64().map_err(|_| JitterError::NoRandomness)
}

fn whole(number: f64) -> String {
    format!("{:.0}", number.trunc())
}

/// A decimal string that is short enough: digits behind the point go first.
fn decimal(number: f64) -> String {
    let full = python_float(number);
    let shorter = (0..LONGEST_DECIMAL)
        .rev()
        .map(|digits| format!("{number:.digits$}"));
    let scientific = (0..10)
        .rev()
        .map(|digits| format!("{number:.digits$e}"));
    let mut forms = std::iter::once(full.clone())
        .chain(shorter)
        .chain(scientific);
    forms
        .find(|form| form.len() <= LONGEST_DECIMAL)
        .unwrap_or(full)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn noise(range: f64, whole: bool) -> NumberJitter {
        NumberJitter {
            range,
            whole,
            min: None,
            max: None,
        }
    }

    #[test]
    fn numbers_move_within_the_range_and_never_stay() {
        for _ in 0..500 {
            let moved: f64 = noise(2.0, false)
                .apply("70", VR::DS)
                .unwrap()
                .parse()
                .unwrap();
            assert!(
                (moved - 70.0).abs() > 0.0 && (moved - 70.0).abs() <= 2.0,
                "{moved}"
            );
            let moved: i64 = noise(3.0, true)
                .apply("70", VR::IS)
                .unwrap()
                .parse()
                .unwrap();
            assert!(moved != 70 && (moved - 70).abs() <= 3, "{moved}");
            let drawn = units(&DateJitter {
                range: 1,
                unit: crate::profile::JitterUnit::Days,
            })
            .unwrap();
            assert!(drawn == 1 || drawn == -1);
        }
    }

    #[test]
    fn every_number_of_the_range_comes_up() {
        let drawn: std::collections::BTreeSet<i64> = (0..400)
            .map(|_| between(2).unwrap())
            .collect();
        assert_eq!(
            drawn
                .into_iter()
                .collect::<Vec<_>>(),
            [-2, -1, 1, 2]
        );
    }

    #[test]
    fn results_stay_within_the_bounds_and_the_vr() {
        let bounded = NumberJitter {
            min: Some(80.5),
            max: Some(81.0),
            ..noise(2.0, false)
        };
        assert_eq!(bounded.apply("70", VR::DS).unwrap(), "80.5");
        assert_eq!(
            NumberJitter {
                max: Some(10.0),
                ..bounded
            }
            .apply("70", VR::FD)
            .unwrap(),
            "10.0"
        );
        assert_eq!(
            NumberJitter {
                min: Some(80.5),
                ..noise(1.0, true)
            }
            .apply("70", VR::IS)
            .unwrap(),
            "80"
        );
        for _ in 0..50 {
            assert_eq!(
                noise(2.0, true)
                    .apply("-5", VR::US)
                    .unwrap(),
                "0"
            );
            assert!(
                noise(2.0, false)
                    .apply("0", VR::UL)
                    .unwrap()
                    .parse::<u32>()
                    .unwrap()
                    < 3
            );
            assert!(
                noise(2.0, false)
                    .apply("70.123456", VR::DS)
                    .unwrap()
                    .len()
                    <= LONGEST_DECIMAL
            );
            assert!(
                noise(2.0, false)
                    .apply("-7.1234567890123e-12", VR::DS)
                    .unwrap()
                    .len()
                    <= LONGEST_DECIMAL
            );
        }
        assert!(
            noise(2.0, true)
                .apply("65535", VR::US)
                .unwrap()
                .parse::<u16>()
                .is_ok()
        );
        assert_eq!(decimal(-1.234_567_890_123_456e-290).len(), LONGEST_DECIMAL);
        assert_eq!(decimal(67.0), "67.0");
    }

    #[test]
    fn values_that_are_no_number_are_refused() {
        for text in ["abc", "1,2", "", "nan", "inf"] {
            assert_eq!(
                noise(2.0, false).apply(text, VR::DS),
                Err(JitterError::NotANumber),
                "{text}"
            );
        }
        for text in ["70.5", "70.0", "7e1"] {
            assert_eq!(
                noise(2.0, true).apply(text, VR::DS),
                Err(JitterError::NotANumber),
                "{text}"
            );
        }
    }
}
