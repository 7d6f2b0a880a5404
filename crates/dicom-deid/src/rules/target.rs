//! Which elements the rules of a profile address, and `remove-undefined`, which removes what none
//! of them does.
//!
//! Owns the paths of elements. It carries no action out.

use dicom_lossless::{DataSet, Element, Tag};

use super::Rules;
use super::action::CompiledAction;
use crate::elements::ItemStep;
use crate::elements::element_value::item_sets;
use crate::elements::private_elements::{PrivateName, creator_of};
use crate::error::DeidError;
use crate::profile::{ItemChoice, PythonRegex, Selector, SequencePath, TooComplex};
use crate::standard;

impl Rules {
    /// What the path expressions address in a data set, as it is now.
    pub fn regex_matches(&self, data: &DataSet) -> Result<RegexMatches, DeidError> {
        let mut all = None;
        let mut paths = Vec::new();
        for rule in &self.list {
            if let Selector::Regex(regex) = &rule.selector {
                let found = all
                    .get_or_insert_with(|| ElementPaths::of(data))
                    .matching(regex);
                let found = found.map_err(|why| rule.too_complex(why))?;
                paths.extend(
                    found
                        .into_iter()
                        .map(|path| (rule.action.passes_on(), path)),
                );
            }
        }
        Ok(paths)
    }

    /// Removes every element that no rule addresses; a sequence that is addressed itself keeps its
    /// items, empty. Private creators stay where an element of theirs does. Gives the number of
    /// elements removed.
    pub fn remove_undefined(
        &self,
        data: &mut DataSet,
        matches: &RegexMatches,
        at: &mut Vec<ItemStep>,
    ) -> u32 {
        let kept = self.addressed(data, matches, at, false);
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
                removed += self.remove_undefined(&mut item.data, matches, at);
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
    pub fn addressed(
        &self,
        data: &DataSet,
        matches: &RegexMatches,
        at: &[ItemStep],
        keeping: bool,
    ) -> Vec<Tag> {
        let here = at.is_empty() || self.recurse;
        let mut kept = Vec::new();
        for rule in self
            .list
            .iter()
            .filter(|rule| !keeping || rule.action.passes_on())
        {
            match &rule.selector {
                Selector::Tag(tag) if here => kept.push(*tag),
                Selector::Private { .. } if here => {
                    let name = PrivateName::of(&rule.selector);
                    for tag in name
                        .into_iter()
                        .flat_map(|name| name.tags(data))
                    {
                        kept.extend([tag, creator_of(tag)]);
                    }
                }
                Selector::Repeater { group, element } if here => {
                    kept.extend(of_repeater(data, *group, *element));
                }
                Selector::Path(path) if leads_here(path, at) => kept.push(path.leaf),
                // The sequence that a path by indices enters from here stays, even where it does
                // not hold what the path ends in.
                Selector::Path(path) => {
                    kept.extend(entered(path, at).filter(|_| !has_every_item(path)));
                }
                _ => {}
            }
        }
        let same = |(_, path): &&(bool, ElementPath)| path.items.as_slice() == at;
        let found = matches
            .iter()
            .filter(same)
            .filter(|(keeps, _)| *keeps || !keeping);
        kept.extend(found.map(|(_, path)| path.tag));
        kept
    }

    /// The sequences of a data set through which rules reach for what they do not simply remove.
    pub fn reached_through(&self, matches: &RegexMatches, at: &[ItemStep]) -> Vec<Tag> {
        let mut through = Vec::new();
        for rule in self
            .list
            .iter()
            .filter(|rule| !matches!(rule.action, CompiledAction::Remove))
        {
            if let Selector::Path(path) = &rule.selector {
                through.extend(entered(path, at));
            }
        }
        let deeper = matches
            .iter()
            .filter(|(_, path)| path.items.starts_with(at));
        through.extend(deeper.filter_map(|(_, path)| {
            path.items
                .get(at.len())
                .map(|(tag, _)| *tag)
        }));
        through
    }
}

/// The elements that path expressions match, with whether the rule passes on something of what it
/// addresses.
pub type RegexMatches = Vec<(bool, ElementPath)>;

/// The attributes of a repeating group that a data set has.
pub fn of_repeater(data: &DataSet, group: u16, element: u16) -> impl Iterator<Item = Tag> + '_ {
    data.iter()
        .map(|element| element.tag)
        .filter(move |tag| tag.group() & 0xFF00 == group && tag.element() == element)
}

/// Whether a path ends in the data set at this place.
fn leads_here(path: &SequencePath, at: &[ItemStep]) -> bool {
    path.sequences.len() == at.len() && passes(path, at)
}

/// Whether the first steps of a path are those to this place.
fn passes(path: &SequencePath, at: &[ItemStep]) -> bool {
    path.sequences
        .iter()
        .zip(at)
        .all(|((tag, choice), (here, index))| {
            tag == here && (*choice == ItemChoice::Every || *choice == ItemChoice::At(*index))
        })
}

/// The sequence that a path enters from this place.
fn entered(path: &SequencePath, at: &[ItemStep]) -> Option<Tag> {
    let (tag, _) = path.sequences.get(at.len())?;
    passes(path, at).then_some(*tag)
}

fn has_every_item(path: &SequencePath) -> bool {
    path.sequences
        .iter()
        .any(|(_, choice)| *choice == ItemChoice::Every)
}

/// Where an element is: the items to enter, then its tag.
#[derive(Clone)]
pub struct ElementPath {
    pub items: Vec<ItemStep>,
    pub tag: Tag,
}

/// All elements as they were when the list was made, with both forms of their paths.
#[derive(Default)]
pub struct ElementPaths {
    keywords: Vec<(String, usize)>,
    numbers: Vec<(String, usize)>,
    elements: Vec<ElementPath>,
}

impl ElementPaths {
    /// Lists a data set and all that is nested in it.
    pub fn of(data: &DataSet) -> Self {
        let mut paths = Self::default();
        paths.list(data, &mut Vec::new(), "", "");
        paths
    }

    fn list(&mut self, data: &DataSet, items: &mut Vec<ItemStep>, keywords: &str, numbers: &str) {
        for element in data {
            let tag = element.tag;
            let number = format!("{numbers}{:04x}{:04x}", tag.group(), tag.element());
            let keyword = standard::keyword(tag);
            let at = self.elements.len();
            self.elements.push(ElementPath {
                items: items.clone(),
                tag,
            });
            self.numbers
                .push((number.clone(), at));
            // Elements without a keyword have none of these paths, but what is nested in them has:
            // a private sequence stands there by its number. Flywheel's engine passes over what
            // private sequences hold.
            let digits = number
                .strip_prefix(numbers)
                .unwrap_or_default();
            let path = format!("{keywords}{}", keyword.unwrap_or(digits));
            for (index, data) in item_sets(element).enumerate() {
                items.push((tag, index));
                self.list(
                    data,
                    items,
                    &format!("{path}.{index}."),
                    &format!("{number}.{index}."),
                );
                items.pop();
            }
            if keyword.is_some() {
                self.keywords.push((path, at));
            }
        }
    }

    /// Where the expression matches: by keywords first, then by numbers. An element that matches in
    /// both forms comes twice, and is acted on twice.
    pub fn matching(&self, regex: &PythonRegex) -> Result<Vec<ElementPath>, TooComplex> {
        let mut found = Vec::new();
        for (path, at) in self
            .keywords
            .iter()
            .chain(&self.numbers)
        {
            if regex.is_match_start(path)? {
                found.extend(self.elements.get(*at).cloned());
            }
        }
        Ok(found)
    }
}

/// The element at a path, if it is still there.
pub fn find<'a>(data: &'a DataSet, path: &ElementPath) -> Option<&'a Element> {
    let mut data = data;
    for (tag, index) in &path.items {
        data = &data
            .get(*tag)?
            .items()?
            .items
            .get(*index)?
            .data;
    }
    data.get(path.tag)
}
