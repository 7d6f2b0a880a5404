//! Spellings that are kept from one instance to the next, since instances of a series have lost
//! nearly the same values.
//!
//! A spelling depends on its value alone, so that what is found does not depend on what is kept.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;

use super::collect::Source;
use super::effort::{MOST_SPELLINGS, TooCostly};
use super::spell::{Needle, needles};

/// How many values are kept at most. Values that every instance has anew push the others out now
/// and then.
const KEPT: usize = 4096;
/// A value with more bytes or spellings is not kept, so that none makes the run grow.
const LONGEST: usize = 1024;
const MOST: usize = 128;

/// The spellings of a run.
#[derive(Default)]
pub(super) struct Spelled {
    kept: RwLock<HashMap<Source, Arc<[Needle]>>>,
}

impl Spelled {
    /// The spellings of each value, where they are not too many together.
    pub(super) fn of(
        &self,
        sources: &[&Source],
        min: usize,
    ) -> Result<Vec<Arc<[Needle]>>, TooCostly> {
        let known: Vec<_> = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            sources
                .iter()
                .map(|source| kept.get(*source).cloned())
                .collect()
        };
        let (mut new, mut all, mut count) = (Vec::new(), Vec::with_capacity(sources.len()), 0);
        for (source, known) in sources.iter().zip(known) {
            let spelled = if let Some(known) = known {
                known
            } else {
                let needles: Arc<[Needle]> = needles(source, min)?.into();
                if new.len() < KEPT
                    && source.value.len() + source.sets.len() <= LONGEST
                    && needles.len() <= MOST
                {
                    new.push((source.compact(), Arc::clone(&needles)));
                }
                needles
            };
            count += spelled.len();
            if count > MOST_SPELLINGS {
                return Err(TooCostly(
                    "the values that were removed have too many parts",
                ));
            }
            all.push(spelled);
        }
        self.keep(new);
        Ok(all)
    }

    fn keep(&self, new: Vec<(Source, Arc<[Needle]>)>) {
        if new.is_empty() {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + new.len() > KEPT {
            kept.clear();
        }
        kept.extend(new);
    }
}

impl Source {
    /// The same without holding on to the file that it came from.
    fn compact(&self) -> Self {
        let copied = |bytes: &bytes::Bytes| bytes::Bytes::copy_from_slice(bytes);
        Self {
            kind: self.kind,
            sets: copied(&self.sets),
            value: copied(&self.value),
        }
    }
}
