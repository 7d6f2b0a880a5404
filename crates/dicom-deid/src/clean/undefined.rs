//! `remove-undefined`: what no rule addresses goes.

use super::act::Act;
use super::apply::{Rules, Target};
use super::paths::{Location, Paths};
use crate::error::DeidError;
use crate::profile::{ItemChoice, SequencePath};
use dicom_lossless::{DataSet, Tag};

/// The elements that path expressions address.
pub(super) struct Defined {
    /// With whether the rule passes on something of what it addresses.
    locations: Vec<(bool, Location)>,
}

impl Rules {
    /// What the path expressions address in a data set, as it is now.
    pub(super) fn defined(&self, data: &DataSet) -> Result<Defined, DeidError> {
        let mut paths = None;
        let mut locations = Vec::new();
        for rule in &self.list {
            if let Target::Regex(regex) = &rule.target {
                let found = paths.get_or_insert_with(|| Paths::of(data)).matching(regex);
                let found = found.map_err(|why| rule.too_complex(why))?;
                locations.extend(
                    found
                        .into_iter()
                        .map(|location| (rule.act.passes_on(), location)),
                );
            }
        }
        Ok(Defined { locations })
    }

    /// Removes every element that no rule addresses; a sequence that is addressed itself keeps its
    /// items, empty. Private creators stay where an element of theirs does. Gives the number of
    /// elements removed.
    pub(super) fn remove_undefined(&self, data: &mut DataSet, defined: &Defined) -> u32 {
        self.undefined(data, defined, &mut Vec::new())
    }

    fn undefined(&self, data: &mut DataSet, defined: &Defined, at: &mut Vec<(Tag, usize)>) -> u32 {
        let kept = self.addressed(data, defined, at, false);
        let mut removed = 0;
        let mut filled = Vec::new();
        for element in data.iter_mut() {
            let tag = element.tag;
            for (index, item) in element
                .items_mut()
                .into_iter()
                .flat_map(|sequence| &mut sequence.items)
                .enumerate()
            {
                at.push((tag, index));
                removed += self.undefined(&mut item.data, defined, at);
                at.pop();
                if !item.data.is_empty() {
                    filled.push(tag);
                }
            }
        }
        data.retain(|element| {
            let keep = kept.contains(&element.tag) || filled.contains(&element.tag);
            removed += u32::from(!keep);
            keep
        });
        removed
    }

    /// The elements of a data set that some rule addresses; with `keeping`, those of whose value
    /// some rule passes something on.
    pub(super) fn addressed(
        &self,
        data: &DataSet,
        defined: &Defined,
        at: &[(Tag, usize)],
        keeping: bool,
    ) -> Vec<Tag> {
        let here = at.is_empty() || self.recurse;
        let mut kept = Vec::new();
        for rule in self
            .list
            .iter()
            .filter(|rule| !keeping || rule.act.passes_on())
        {
            match &rule.target {
                Target::Tag(tag) if here => kept.push(*tag),
                Target::Private(name) if here => {
                    for tag in name.tags(data) {
                        kept.extend([tag, Tag(tag.group(), tag.element() >> 8)]);
                    }
                }
                Target::Repeater { group, element } if here => kept.extend(
                    data.iter()
                        .map(|e| e.tag)
                        .filter(|tag| tag.group() & 0xFF00 == *group && tag.element() == *element),
                ),
                Target::Path(path) if leads_here(path, at) => kept.push(path.leaf),
                Target::Path(path) => kept.extend(entered(path, at)),
                _ => {}
            }
        }
        let same = |(_, location): &&(bool, Location)| location.items.as_slice() == at;
        let found = defined
            .locations
            .iter()
            .filter(same)
            .filter(|(keeps, _)| *keeps || !keeping);
        kept.extend(found.map(|(_, location)| location.tag));
        kept
    }
}

impl Rules {
    /// The sequences of a data set through which rules reach for what they do not simply remove.
    pub(super) fn reached_through(&self, defined: &Defined, at: &[(Tag, usize)]) -> Vec<Tag> {
        let mut through = Vec::new();
        for rule in self
            .list
            .iter()
            .filter(|rule| !matches!(rule.act, Act::Remove))
        {
            if let Target::Path(path) = &rule.target
                && passes(path, at)
            {
                through.extend(path.sequences.get(at.len()).map(|(tag, _)| *tag));
            }
        }
        let deeper = defined
            .locations
            .iter()
            .filter(|(_, location)| location.items.starts_with(at));
        through.extend(
            deeper.filter_map(|(_, location)| location.items.get(at.len()).map(|(tag, _)| *tag)),
        );
        through
    }
}

/// Whether a path ends in the data set at this place.
fn leads_here(path: &SequencePath, at: &[(Tag, usize)]) -> bool {
    path.sequences.len() == at.len() && passes(path, at)
}

/// Whether the first steps of a path are those to this place.
fn passes(path: &SequencePath, at: &[(Tag, usize)]) -> bool {
    path.sequences
        .iter()
        .zip(at)
        .all(|((tag, choice), (here, index))| {
            tag == here && (*choice == ItemChoice::Every || *choice == ItemChoice::At(*index))
        })
}

/// The sequence that a path by indices enters from this place. It stays, even where it does not
/// hold what the path ends in.
fn entered(path: &SequencePath, at: &[(Tag, usize)]) -> Option<Tag> {
    let by_index = path
        .sequences
        .iter()
        .all(|(_, choice)| *choice != ItemChoice::Every);
    let (tag, _) = path.sequences.get(at.len())?;
    (by_index && passes(path, at)).then_some(*tag)
}
