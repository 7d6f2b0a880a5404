//! Spellings that are kept from one instance to the next, since instances of a series have lost nearly the same values.
//!
//! A spelling depends on its value alone, so that what is found does not depend on what is kept.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;

use super::collect::Source;
use super::spell::{Needle, needles};

/// How many values are kept at most. Values that every instance has anew push the others out now and then.
const KEPT: usize = 4096;

/// The spellings of a run.
#[derive(Default)]
pub(super) struct Spelled {
    kept: RwLock<HashMap<Source, Arc<[Needle]>>>,
}

impl Spelled {
    /// The spellings of each value.
    pub(super) fn of(&self, sources: &[&Source], min: usize) -> Vec<Arc<[Needle]>> {
        let known: Vec<_> = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            sources.iter().map(|source| kept.get(*source).cloned()).collect()
        };
        let mut new = Vec::new();
        let spelled = sources.iter().zip(known).map(|(source, known)| {
            known.unwrap_or_else(|| {
                let needles: Arc<[Needle]> = needles(source, min).into();
                new.push((source.compact(), Arc::clone(&needles)));
                needles
            })
        });
        let spelled = spelled.collect();
        self.keep(new);
        spelled
    }

    fn keep(&self, new: Vec<(Source, Arc<[Needle]>)>) {
        if new.is_empty() {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + new.len() > KEPT {
            kept.clear();
        }
        kept.extend(new.into_iter().take(KEPT));
    }
}

impl Source {
    /// The same without holding on to the file that it came from.
    fn compact(&self) -> Self {
        let copied = |bytes: &bytes::Bytes| bytes::Bytes::copy_from_slice(bytes);
        Self { kind: self.kind, sets: copied(&self.sets), value: copied(&self.value) }
    }
}
