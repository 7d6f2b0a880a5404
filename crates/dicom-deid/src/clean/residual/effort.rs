//! How much the check of one file may take, so that no file ends a run.
//!
//! Owns the bounds and the failure of a file that would cross one. Files that devices write take a
//! hundredth of them.

use crate::error::{DeidError, DeidErrorKind};

/// Values that are gone, equal ones counted once.
pub(super) const MOST_LOST: usize = 1 << 20;
/// Spellings of all of them.
pub(super) const MOST_SPELLINGS: usize = 1 << 19;
/// Spellings of one.
pub(super) const MOST_OF_ONE: usize = 1 << 16;
/// Bytes of character sets that nested data sets declare.
pub(super) const MOST_OF_SETS: usize = 16 << 20;

/// Units of work for each byte that is searched, and for a file of no bytes. Looking at a byte
/// takes one.
const PER_BYTE: u64 = 16;
const AT_LEAST: u64 = 16 << 20;

/// Why a file is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooCostly(pub(super) &'static str);

impl From<TooCostly> for DeidError {
    fn from(TooCostly(what): TooCostly) -> Self {
        Self::new(DeidErrorKind::TooCostly, what)
    }
}

/// The work that is left to one file.
pub(super) struct Effort {
    left: u64,
}

impl Effort {
    /// For a file, by the number of its bytes that are searched.
    pub(super) fn of(bytes: usize) -> Self {
        Self {
            left: AT_LEAST.saturating_add(PER_BYTE.saturating_mul(bytes as u64)),
        }
    }

    /// Takes some of it.
    #[inline]
    pub(super) fn spend(&mut self, units: usize) -> Result<(), TooCostly> {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(TooCostly("what was removed stands at too many places")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn work_is_bounded_by_the_size_of_the_file() {
        let mut effort = Effort::of(1 << 20);
        effort.spend(32 << 20).unwrap();
        let failure = DeidError::from(effort.spend(1).unwrap_err());
        assert_eq!(failure.kind, DeidErrorKind::TooCostly);
        assert!(
            failure.to_string().contains("at too many places"),
            "{failure}"
        );
    }
}
