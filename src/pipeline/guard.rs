//! A defect that panics fails one file and leaves the run alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::failure::{FileCode, FileFailure};

/// Does the work on one file. A panic becomes `deid.internal`; what it says stays unsaid, since it
/// may hold a value.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, FileFailure>) -> Result<T, FileFailure> {
    // Nothing that the work borrows is used again after a panic.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(FileFailure::new(FileCode::DeidPanic, "")))
}

/// What a lock holds, also after a panic under it.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_fails_the_file_and_says_nothing_of_its_content() {
        let beyond = [1, 2, 3].len();
        let failure = guarded(|| Ok([1, 2, 3][beyond])).unwrap_err();
        assert_eq!(
            (failure.code, failure.detail.as_str()),
            (FileCode::DeidPanic, "")
        );
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
