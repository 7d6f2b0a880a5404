//! What was worked out of the last instances, by the very bytes that it was worked out of: the
//! instances of a series differ in little.
//!
//! Owns how much is kept. A lock is held for the time of a comparison, once for each file.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

/// How many results are kept: series are cleaned by several workers, and may lie side by side.
const KEPT: usize = 16;
/// Longer keys are not kept, in bytes.
pub const LONGEST_KEY: usize = 32 << 10;

/// A result behind the bytes that it was worked out of.
type Kept<T> = (Box<[u8]>, Arc<T>);

/// The last results.
pub struct Recent<T> {
    kept: RwLock<VecDeque<Kept<T>>>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            kept: RwLock::default(),
        }
    }
}

impl<T> Recent<T> {
    /// The result for these bytes, where it is still there.
    pub fn find(&self, key: &[u8]) -> Option<Arc<T>> {
        let kept = self
            .kept
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .rev()
            .find(|(of, _)| **of == *key)
            .map(|(_, made)| Arc::clone(made))
    }

    /// Keeps a result in the place of the oldest. Where another worker holds the lock it is as well
    /// worked out again.
    pub fn keep(&self, key: &[u8], made: &Arc<T>) {
        if key.len() > LONGEST_KEY {
            return;
        }
        if let Ok(mut kept) = self.kept.try_write() {
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back((key.into(), Arc::clone(made)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_results_are_found_by_the_whole_key() {
        let recent = Recent::default();
        for number in 0..20_u8 {
            recent.keep(&[7, number], &Arc::new(number));
        }
        let found = |key: &[u8]| recent.find(key).map(|made| *made);
        assert_eq!((found(&[7, 19]), found(&[7, 4])), (Some(19), Some(4)));
        assert_eq!((found(&[7, 3]), found(&[7])), (None, None));
    }

    #[test]
    fn a_long_key_is_not_kept() {
        let (recent, key) = (Recent::default(), vec![0; LONGEST_KEY + 1]);
        recent.keep(&key, &Arc::new(()));
        assert!(recent.find(&key).is_none());
    }
}
