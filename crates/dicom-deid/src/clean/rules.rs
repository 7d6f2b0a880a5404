//! The rules of a profile made ready: which elements each of them addresses.
//!
//! Owns selectors and `remove-undefined`, which removes what no rule addresses. It carries no
//! action out.

use std::sync::atomic::{AtomicBool, Ordering};

use dicom_lossless::{DataSet, Element, Tag};

use super::compiled_action::CompiledAction;
use super::element_value::item_sets;
use super::hash::Hasher;
use super::private_elements::{PrivateName, creator_of};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{
    Action, DicomRules, ItemChoice, PythonRegex, Selector, SequencePath, TooComplex,
};
use crate::standard;

/// A rule with its action settled.
pub struct CompiledRule {
    /// How messages name it.
    pub name: String,
    /// Its number in `fields`; the largest number where it stands somewhere else.
    pub index: usize,
    pub selector: Selector,
    pub action: CompiledAction,
    /// The attributes of the instance that it reads beside its own element.
    pub reads: Vec<Tag>,
    /// Whether it has found an element in some file of the run.
    matched: AtomicBool,
}

impl CompiledRule {
    fn new(
        name: String,
        index: usize,
        selector: Selector,
        action: &Action,
        dicom: &DicomRules,
    ) -> Self {
        let action = CompiledAction::new(action, dicom);
        Self {
            name,
            index,
            selector,
            reads: action.reads(),
            action,
            matched: AtomicBool::new(false),
        }
    }

    /// Notes that it found an element. The store is shared by all threads: it is written to once.
    pub fn note_match(&self, found: impl FnOnce() -> bool) {
        if !self.matched.load(Ordering::Relaxed) && found() {
            self.matched
                .store(true, Ordering::Relaxed);
        }
    }

    /// The failure where a regular expression of the rule takes too long.
    pub fn too_complex(&self, why: TooComplex) -> DeidError {
        DeidError::new(DeidErrorKind::Rule, format!("{}: {why}", self.name))
    }
}

/// All rules of a profile.
pub struct Rules {
    pub list: Vec<CompiledRule>,
    /// The rules for one attribute, by tag and then in order.
    by_tag: Vec<ItemStep>,
    /// The rules for other than one attribute, which are looked at in every data set.
    always: Vec<usize>,
    /// The rules that are looked at in an instance's own data set even where their element is
    /// absent: they create it, or read others.
    at_top: Vec<usize>,
    pub recurse: bool,
    pub hasher: Hasher,
}

impl Rules {
    /// The rules of a profile, in order. Attributes that output names refer to count as named, so
    /// that they are kept where what no rule names is removed.
    pub fn new(dicom: &DicomRules) -> Self {
        let named = dicom
            .filenames
            .iter()
            .enumerate()
            .flat_map(|(at, entry)| {
                entry
                    .tags()
                    .map(move |tag| (at, tag))
            });
        let kept = named.map(|(at, tag)| {
            let name = format!("filenames[{at}]");
            CompiledRule::new(name, usize::MAX, Selector::Tag(tag), &Action::Keep, dicom)
        });
        let fields = dicom.fields.iter().map(|rule| {
            CompiledRule::new(
                rule.describe(),
                rule.position.index,
                rule.selector.clone(),
                &rule.action,
                dicom,
            )
        });
        let mut all = Self {
            list: fields.chain(kept).collect(),
            by_tag: Vec::new(),
            always: Vec::new(),
            at_top: Vec::new(),
            recurse: dicom.recurse_sequence,
            hasher: Hasher::new(dicom),
        };
        for (index, rule) in all.list.iter().enumerate() {
            match rule.selector {
                Selector::Tag(tag) => all.by_tag.push((tag, index)),
                _ => all.always.push(index),
            }
            if rule.action.inserts() || !rule.reads.is_empty() {
                all.at_top.push(index);
            }
        }
        all.by_tag.sort_unstable();
        all
    }

    /// The rules of `fields` that found no element in any file until now, and how many there are.
    pub fn idle(&self) -> (Vec<&str>, usize) {
        let fields = || {
            self.list
                .iter()
                .filter(|rule| rule.index != usize::MAX)
        };
        (
            fields()
                .filter(|rule| !rule.matched.load(Ordering::Relaxed))
                .map(|rule| rule.name.as_str())
                .collect(),
            fields().count(),
        )
    }

    /// Whether some rule acts in every sequence.
    pub fn reach_everywhere(&self) -> bool {
        self.recurse
            || self
                .list
                .iter()
                .any(|rule| matches!(rule.selector, Selector::Regex(_)))
    }

    /// The rules that have something to do in a data set, in order.
    pub fn due(&self, data: &DataSet, top: bool) -> Vec<usize> {
        let mut due = self.always.clone();
        if top {
            due.extend(&self.at_top);
        }
        for element in data {
            due.extend(self.for_tag(element.tag));
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    pub fn for_tag(&self, tag: Tag) -> impl Iterator<Item = usize> + '_ {
        let from = self
            .by_tag
            .partition_point(|(other, _)| *other < tag);
        self.by_tag
            .iter()
            .skip(from)
            .take_while(move |(other, _)| *other == tag)
            .map(|(_, index)| *index)
    }

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

/// A sequence, and the number from 0 of the item in it to enter.
pub type ItemStep = (Tag, usize);

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
