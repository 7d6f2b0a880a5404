//! The rules of a profile in Flywheel's vocabulary, made ready: which elements each of them
//! addresses, and what it does to them.
//!
//! Owns `fields`, in their order, and the settings beside them. A rule that cannot be carried out
//! fails the file; none names a value in a failure.

pub mod action;
mod date_shift;
mod hash;
mod number_jitter;
pub mod output_name;
pub mod patient_age;
pub mod run;
pub mod target;

use std::sync::atomic::{AtomicBool, Ordering};

use action::CompiledAction;
use dicom_lossless::{DataSet, Tag};
use hash::Hasher;

use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Action, DicomRules, Selector, TooComplex};

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
    by_tag: Vec<(Tag, usize)>,
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
}
