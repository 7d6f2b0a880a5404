//! What cleaning did to attributes, each kind of change once: most files of a study have the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use dicom_deid::{By, Change, What};
use dicom_lossless::{Instance, Tag};

/// The most changes of one file, and the most kinds of a run, that are listed: a file may have any
/// number of attributes.
const MOST_OF_FILE: usize = 1024;
const MOST_KINDS: usize = 1 << 16;

/// A kind of change: an attribute, and what was done to it by which rule.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ChangeRow {
    /// Where the attribute is, as a profile names it: in a sequence, that and the number of the item
    /// from 0 stand before it.
    pub place: String,
    /// Its tag.
    pub tag: String,
    /// What was done.
    pub action: &'static str,
    /// What did it: `fields[3]` for the fourth rule, or a setting of the profile.
    pub rule: String,
}

/// All kinds of change of a run.
#[derive(Debug, Default)]
pub struct ChangeRows(Mutex<HashMap<Kind, NotedChange>>);

/// What tells kinds of change apart.
type Kind = (Vec<(Tag, usize)>, Tag, What, By);

/// A change of an instance, by its kind.
#[derive(Debug, Clone)]
pub struct NotedChange {
    /// The kind.
    pub row: Arc<ChangeRow>,
    change: Arc<Change>,
}

impl NotedChange {
    /// The attribute, where it stands in no sequence.
    pub fn outermost(&self) -> Option<Tag> {
        self.change
            .items
            .is_empty()
            .then_some(self.change.tag)
    }

    /// What stands there in an instance now.
    pub fn value_in(&self, instance: &Instance) -> Option<String> {
        match self.change.what {
            What::Removed => None,
            What::Changed | What::Inserted => self.change.value_in(instance),
        }
    }
}

impl ChangeRows {
    /// The changes of one file by kind, up to a bound.
    pub fn note(&self, changes: &[Change]) -> Vec<NotedChange> {
        let mut rows = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut noted = Vec::with_capacity(changes.len().min(MOST_OF_FILE));
        for change in changes.iter().take(MOST_OF_FILE) {
            let kind = kind(change);
            match rows.get(&kind) {
                Some(known) => noted.push(known.clone()),
                None if rows.len() >= MOST_KINDS => {}
                None => {
                    let new = NotedChange {
                        row: Arc::new(row(change)),
                        change: Arc::new(change.clone()),
                    };
                    rows.insert(kind, new.clone());
                    noted.push(new);
                }
            }
        }
        noted
    }
}

fn kind(change: &Change) -> Kind {
    (change.items.clone(), change.tag, change.what, change.by)
}

fn row(change: &Change) -> ChangeRow {
    ChangeRow {
        place: change.place(),
        tag: change.tag.to_string(),
        action: change.what.as_str(),
        rule: change.by.to_string(),
    }
}
