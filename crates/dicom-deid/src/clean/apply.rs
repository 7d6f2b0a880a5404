//! Carries the rules out on a data set, in the order in which the profile lists them.
//!
//! With recursion on, all rules act on one data set and then on each of its items, which gives what
//! walking the whole tree for each rule would: a rule of such a profile looks beyond the data set
//! that it acts in only at what the instance's own data set held when its turn came there, and that
//! is kept.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::act::{Act, CHARACTER_SET, Done, Misstep, Scope};
use super::confidentiality::Outcome;
use super::enveloped::{Filling, Opened};
use super::hash::Hasher;
use super::paths::{Location, Paths, find};
use super::pixels::PixelWork;
use super::private::PrivateName;
use super::record::{Counts, Log};
use super::substitute::values;
use super::text::Reading;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{ItemChoice, PythonRegex, SequencePath, TooComplex};
use dicom_lossless::{DataSet, Element, Tag, character_set_of};

/// A rule with its action settled.
pub(super) struct Compiled {
    /// How messages name it.
    pub(super) name: String,
    /// Its number in `fields`.
    pub(super) index: usize,
    pub(super) target: Target,
    pub(super) act: Act,
}

impl Compiled {
    /// The failure where a regular expression of the rule takes too long.
    pub(super) fn too_complex(&self, why: TooComplex) -> DeidError {
        DeidError::new(DeidErrorKind::Rule, format!("{}: {why}", self.name))
    }
}

/// What a rule addresses.
pub(super) enum Target {
    Tag(Tag),
    Private(PrivateName),
    Path(SequencePath),
    Repeater { group: u16, element: u16 },
    Regex(PythonRegex),
}

/// All rules of a profile, ready to be carried out.
pub(super) struct Rules {
    pub(super) list: Vec<Compiled>,
    /// The rules for one attribute, by tag and then in order.
    by_tag: Vec<(Tag, usize)>,
    /// The rules that must be looked at in every data set: those for other than one attribute.
    always: Vec<usize>,
    /// The rules for one attribute that create it.
    inserting: Vec<usize>,
    /// The rules that read more than their own element, with what they read.
    reading: Vec<(usize, Vec<Tag>)>,
    pub(super) recurse: bool,
    hasher: Hasher,
    /// Which rules have found an element in some file of the run.
    met: Vec<AtomicBool>,
}

/// What happens while one instance is cleaned.
#[derive(Default)]
pub(super) struct Run {
    /// Elements changed, made or removed.
    pub(super) changed: u32,
    /// Whether a rule changed Specific Character Set somewhere.
    pub(super) character_set_changed: bool,
    pub(super) paths: Option<Paths>,
    /// The items that lead to where a rule acts.
    pub(super) at: Vec<(Tag, usize)>,
    /// The envelope that this file gets, where the profile makes one.
    pub(super) filling: Option<Filling>,
    /// The envelope that it came with, where the profile opens it.
    pub(super) opened: Option<Opened>,
    /// Who did what, where somebody wants to know.
    pub(super) log: Option<Box<Log>>,
    /// How often what was done to which attribute, where that is counted.
    pub(super) counts: Option<Counts>,
    /// What the table of PS3.15 came to, where the profile asks for it.
    pub(super) outcome: Option<Outcome>,
    /// What was done to the image beforehand.
    pub(super) pixels: PixelWork,
    /// What rules read beside their own element, by the rule.
    pub(super) others: BTreeMap<usize, Rc<[(Tag, Reading)]>>,
}

impl Rules {
    pub(super) fn new(rules: Vec<Compiled>, recurse: bool, hasher: Hasher) -> Self {
        let mut all = Self {
            met: rules.iter().map(|_| AtomicBool::new(false)).collect(),
            list: rules,
            by_tag: Vec::new(),
            always: Vec::new(),
            inserting: Vec::new(),
            reading: Vec::new(),
            recurse,
            hasher,
        };
        for (index, rule) in all.list.iter().enumerate() {
            let reads = rule.act.reads();
            if !reads.is_empty() {
                all.reading.push((index, reads));
            }
            match rule.target {
                Target::Tag(tag) => {
                    all.by_tag.push((tag, index));
                    if rule.act.inserts() {
                        all.inserting.push(index);
                    }
                }
                _ => all.always.push(index),
            }
        }
        all.by_tag.sort_unstable();
        all
    }

    pub(super) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The rules of `fields` that found no element in any file until now, and how many there are.
    pub(super) fn idle(&self) -> (Vec<&str>, usize) {
        let fields = || self.list.iter().filter(|rule| rule.index != usize::MAX);
        let met = |rule: &&Compiled| {
            self.met
                .get(rule.index)
                .is_some_and(|met| met.load(Ordering::Relaxed))
        };
        (
            fields()
                .filter(|rule| !met(rule))
                .map(|rule| rule.name.as_str())
                .collect(),
            fields().count(),
        )
    }

    /// Takes note that a rule finds something here. The store is shared by all threads: it is
    /// written to once.
    fn meet(&self, rule: &Compiled, found: impl FnOnce() -> bool) {
        if let Some(met) = self
            .met
            .get(rule.index)
            .filter(|met| !met.load(Ordering::Relaxed))
            && found()
        {
            met.store(true, Ordering::Relaxed);
        }
    }

    /// Applies every rule to an instance's data set.
    pub(super) fn apply(
        &self,
        data: &mut DataSet,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<(), DeidError> {
        self.data_set(data, scope, true, run)
    }

    /// Whether some rule means to reach into every sequence.
    pub(super) fn reach_everywhere(&self) -> bool {
        self.recurse
            || self
                .list
                .iter()
                .any(|rule| matches!(rule.target, Target::Regex(_)))
    }

    fn data_set(
        &self,
        data: &mut DataSet,
        scope: Scope<'_>,
        top: bool,
        run: &mut Run,
    ) -> Result<(), DeidError> {
        let mut due = self.due(data, top);
        let mut next = 0;
        while let Some(index) = due.get(next).copied() {
            next += 1;
            let Some(rule) = self.list.get(index) else {
                continue;
            };
            let others = self.others(index, data, scope, top, run);
            let scope = Scope {
                others: others.as_deref().unwrap_or_default(),
                ..scope
            };
            let paths = run.paths.take();
            if let Some(inserted) = self.rule(rule, data, scope, top, paths, run)? {
                // Later rules for what was just made are due now.
                let later = self.for_tag(inserted).filter(|later| *later > index);
                due.extend(later);
                due.sort_unstable();
                due.dedup();
            }
        }
        if self.recurse {
            self.items(data, scope, run)
        } else {
            Ok(())
        }
    }

    /// The rules that have something to do in a data set, in order.
    fn due(&self, data: &DataSet, top: bool) -> Vec<usize> {
        let mut due = self.always.clone();
        if top {
            due.extend(&self.inserting);
            due.extend(self.reading.iter().map(|(index, _)| index));
        }
        for element in data {
            due.extend(self.for_tag(element.tag));
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// What a rule reads beside its own element: from the instance's data set, as it is when the
    /// rule's turn comes there.
    fn others(
        &self,
        index: usize,
        data: &DataSet,
        scope: Scope<'_>,
        top: bool,
        run: &mut Run,
    ) -> Option<Rc<[(Tag, Reading)]>> {
        let (_, tags) = self.reading.iter().find(|(reading, _)| *reading == index)?;
        if top {
            run.others.insert(
                index,
                values(tags, data, scope.encoding, scope.inherited).into(),
            );
        }
        run.others.get(&index).map(Rc::clone)
    }

    fn for_tag(&self, tag: Tag) -> impl Iterator<Item = usize> + '_ {
        let from = self.by_tag.partition_point(|(other, _)| *other < tag);
        self.by_tag
            .iter()
            .skip(from)
            .take_while(move |(other, _)| *other == tag)
            .map(|(_, index)| *index)
    }

    /// Applies the rules in the items of every sequence.
    fn items(&self, data: &mut DataSet, scope: Scope<'_>, run: &mut Run) -> Result<(), DeidError> {
        if data.iter().all(|element| element.items().is_none()) {
            return Ok(());
        }
        let own = character_set_of(data, scope.inherited);
        for element in data.iter_mut() {
            let tag = element.tag;
            if let Some(sequence) = element.items_mut() {
                let inside = Scope {
                    encoding: sequence.encoding,
                    inherited: &own,
                    ..scope
                };
                for (index, item) in sequence.items.iter_mut().enumerate() {
                    run.enter(tag, index);
                    self.data_set(&mut item.data, inside, false, run)?;
                    run.leave();
                }
            }
        }
        Ok(())
    }

    /// Applies one rule, and gives the tag that it created at this level.
    fn rule(
        &self,
        rule: &Compiled,
        data: &mut DataSet,
        scope: Scope<'_>,
        top: bool,
        paths: Option<Paths>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        match &rule.target {
            Target::Tag(tag) => {
                if (top || data.get(*tag).is_some()) && tag.group() != 0x0002 {
                    return self.on(rule, data, *tag, scope, run);
                }
            }
            Target::Private(name) => {
                if top && matches!(rule.act, Act::Decrypt) {
                    return self.restore_private(rule, name, data, scope, run);
                }
                let tags = name.tags(data);
                if top && rule.act.inserts() && tags.iter().all(|tag| data.get(*tag).is_none()) {
                    return self.insert_private(rule, name, data, scope, run);
                }
                for tag in tags
                    .into_iter()
                    .filter(|tag| data.get(*tag).is_some())
                    .collect::<Vec<_>>()
                {
                    self.on(rule, data, tag, scope, run)?;
                }
            }
            Target::Repeater { group, element } => {
                let matches =
                    |tag: &Tag| tag.group() & 0xFF00 == *group && tag.element() == *element;
                for tag in data
                    .iter()
                    .map(|element| element.tag)
                    .filter(matches)
                    .collect::<Vec<_>>()
                {
                    self.on(rule, data, tag, scope, run)?;
                }
            }
            Target::Path(path) if matches!(rule.act, Act::Decrypt) => {
                return self.restore_along(rule, path, data, scope, run);
            }
            Target::Path(path) => {
                return self.along(rule, data, &path.sequences, path.leaf, scope, run);
            }
            Target::Regex(regex) => {
                let paths = paths.unwrap_or_else(|| Paths::of(data));
                for location in paths.matching(regex).map_err(|why| rule.too_complex(why))? {
                    self.at(rule, data, &location, scope, run)?;
                }
                run.paths = Some(paths);
            }
        }
        Ok(None)
    }

    /// Acts on one element of this data set.
    pub(super) fn on(
        &self,
        rule: &Compiled,
        data: &mut DataSet,
        tag: Tag,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        self.meet(rule, || data.get(tag).is_some());
        let done = match rule.act {
            Act::Encrypt => run.encrypt(data, tag, scope),
            Act::Decrypt => run.decrypt(data, tag, scope),
            _ => rule.act.on(data, tag, scope, &self.hasher),
        };
        let done = done.map_err(|misstep| misstep.of(&rule.name, tag))?;
        if done != Done::Nothing {
            self.meet(rule, || true);
            run.changed += 1;
            run.note(rule.index, tag);
        }
        run.character_set_changed |= tag == CHARACTER_SET && done != Done::Nothing;
        Ok((done == Done::Inserted).then_some(tag))
    }

    fn insert_private(
        &self,
        rule: &Compiled,
        name: &PrivateName,
        data: &mut DataSet,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        let block_tag = Tag(name.group, u16::from(name.element));
        let unknown = "the private element is absent and cannot be created, as its VR is not known";
        if name.known_vr().is_none() {
            return Err(Misstep::new(DeidErrorKind::Rule, unknown).of(&rule.name, block_tag));
        }
        let charset = character_set_of(data, scope.inherited);
        let full = || {
            Misstep::new(DeidErrorKind::Rule, "no private block is free").of(&rule.name, block_tag)
        };
        let tag = name.make_room(data, &charset).ok_or_else(full)?;
        run.note(rule.index, Tag(tag.group(), tag.element() >> 8));
        self.on(rule, data, tag, scope, run)
    }

    /// Follows a path into items; makes what is missing on the way where the action creates its
    /// element. Gives the tag that was made at this level.
    pub(super) fn along(
        &self,
        rule: &Compiled,
        data: &mut DataSet,
        sequences: &[(Tag, ItemChoice)],
        leaf: Tag,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        let Some(((tag, choice), rest)) = sequences.split_first() else {
            return self.on(rule, data, leaf, scope, run);
        };
        let own = character_set_of(data, scope.inherited);
        let mut made = None;
        if data.get(*tag).is_none() {
            if !rule.act.inserts() || *choice == ItemChoice::Every {
                return Ok(None);
            }
            data.put(Element::sequence(*tag, Vec::new(), scope.encoding));
            made = Some(*tag);
            run.note(rule.index, *tag);
        }
        let closed = || {
            Misstep::new(
                DeidErrorKind::Rule,
                "the path leads through an element that is no sequence",
            )
        };
        let sequence = data
            .get_mut(*tag)
            .and_then(Element::items_mut)
            .ok_or_else(|| closed().of(&rule.name, *tag))?;
        if let ItemChoice::At(index) = choice
            && rule.act.inserts()
        {
            let missing = (index + 1).saturating_sub(sequence.items.len());
            let new = Element::sequence(*tag, vec![DataSet::new(); missing], sequence.encoding);
            sequence
                .items
                .extend(new.items().into_iter().flat_map(|new| new.items.clone()));
        }
        let inside = Scope {
            encoding: sequence.encoding,
            inherited: &own,
            ..scope
        };
        for (index, item) in sequence.items.iter_mut().enumerate() {
            if *choice == ItemChoice::Every || *choice == ItemChoice::At(index) {
                run.enter(*tag, index);
                self.along(rule, &mut item.data, rest, leaf, inside, run)?;
                run.leave();
            }
        }
        Ok(made)
    }

    /// Acts on an element that a path expression found, unless an earlier match took it out.
    fn at(
        &self,
        rule: &Compiled,
        data: &mut DataSet,
        location: &Location,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<(), DeidError> {
        if find(data, location).is_none() {
            return Ok(());
        }
        let steps: Vec<_> = location
            .items
            .iter()
            .map(|(tag, index)| (*tag, ItemChoice::At(*index)))
            .collect();
        self.along(rule, data, &steps, location.tag, scope, run)
            .map(|_| ())
    }
}
