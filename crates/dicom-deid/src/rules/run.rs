//! Carries the rules out on a data set, in the order in which the profile lists them.
//!
//! Owns what rules know while they are applied to one instance. With recursion on, all rules act on one data
//! set and then on each of its items, which gives what walking the whole tree for each rule would:
//! a rule of such a profile looks beyond the data set that it acts in only at what the instance's
//! own data set held when its turn came there, and that is kept.

use std::collections::BTreeMap;
use std::rc::Rc;

use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Item, LengthForm, Tag, character_set_of,
};

use super::action::{ActionEffect, ActionError, ActionScope, CompiledAction, read_values};
use super::hash::Hasher;
use super::target::{ElementPaths, find, of_repeater};
use super::{CompiledRule, Rules};
use crate::change_log::Record;
use crate::elements::element_value::Reading;
use crate::elements::private_elements::{PrivateName, creator_of};
use crate::elements::{CHARACTER_SET, ItemStep};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{ItemChoice, Selector, SequencePath};

/// Where `encrypt` puts elements, and where `decrypt` has them from.
pub trait Envelopes {
    /// Moves an element into the envelope that the file gets. `character_set_changed` says that an
    /// earlier rule changed Specific Character Set.
    ///
    /// # Errors
    /// There is none, or the element cannot be kept in it.
    fn encrypt(
        &mut self,
        data: &mut DataSet,
        tag: Tag,
        scope: ActionScope<'_>,
        character_set_changed: bool,
    ) -> Result<ActionEffect, ActionError>;

    /// Gives an element the value that the envelope of the file has for its place, which `items`
    /// lead to. Without one it stays as it is.
    ///
    /// # Errors
    /// There is none, or the value cannot be written in the file.
    fn decrypt(
        &self,
        data: &mut DataSet,
        items: &[ItemStep],
        tag: Tag,
        scope: ActionScope<'_>,
    ) -> Result<ActionEffect, ActionError>;

    /// Whether the envelope of the file has a value for this place.
    fn holds(&self, items: &[ItemStep], tag: Tag) -> bool;

    /// Where the envelope of the file has a private element.
    fn private_tag(&self, name: PrivateName<'_>) -> Option<Tag>;
}

/// All rules while they are applied to one instance.
struct RulesRun<'r> {
    envelopes: &'r mut dyn Envelopes,
    record: &'r mut Record,
    /// Whether a rule changed Specific Character Set somewhere.
    character_set_changed: bool,
    /// The paths of all elements, kept from one rule that needs them to the next.
    paths: Option<ElementPaths>,
    /// The items that lead to where a rule acts.
    at: Vec<ItemStep>,
    /// What rules read beside their own element, by the rule.
    others: BTreeMap<usize, Rc<[(Tag, Reading)]>>,
}

impl Rules {
    /// Applies every rule to an instance's data set. True where one changed Specific Character Set.
    pub fn apply(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        envelopes: &mut dyn Envelopes,
        record: &mut Record,
    ) -> Result<bool, DeidError> {
        let default = CharacterSet::default();
        let scope = ActionScope {
            encoding,
            inherited: &default,
            others: &[],
        };
        let mut run = RulesRun {
            envelopes,
            record,
            character_set_changed: false,
            paths: None,
            at: Vec::new(),
            others: BTreeMap::new(),
        };
        self.apply_here(data, scope, &mut run)?;
        Ok(run.character_set_changed)
    }

    /// Applies them to a data set, and where they recurse to all that is nested in it.
    fn apply_here(
        &self,
        data: &mut DataSet,
        scope: ActionScope<'_>,
        run: &mut RulesRun<'_>,
    ) -> Result<(), DeidError> {
        let mut due = self.due(data, run.at.is_empty());
        let mut next = 0;
        while let Some(index) = due.get(next).copied() {
            next += 1;
            let Some(rule) = self.list.get(index) else {
                continue;
            };
            let others = others(index, rule, data, scope, run);
            let scope = ActionScope {
                others: others
                    .as_deref()
                    .unwrap_or_default(),
                ..scope
            };
            let mut application = Application {
                hasher: &self.hasher,
                rule,
                run,
            };
            if let Some(inserted) = application.apply(data, scope)? {
                // Later rules for what was just made are due now.
                let later = self
                    .for_tag(inserted)
                    .filter(|later| *later > index);
                due.extend(later);
                due.sort_unstable();
                due.dedup();
            }
        }
        if self.recurse {
            self.apply_to_items(data, scope, run)
        } else {
            Ok(())
        }
    }

    /// Applies the rules in the items of every sequence.
    fn apply_to_items(
        &self,
        data: &mut DataSet,
        scope: ActionScope<'_>,
        run: &mut RulesRun<'_>,
    ) -> Result<(), DeidError> {
        if data
            .iter()
            .all(|element| element.items().is_none())
        {
            return Ok(());
        }
        let own = character_set_of(data, scope.inherited);
        for element in data.iter_mut() {
            let tag = element.tag;
            if let Some(sequence) = element.items_mut() {
                let inside = ActionScope {
                    encoding: sequence.encoding,
                    inherited: &own,
                    ..scope
                };
                for (index, item) in sequence
                    .items
                    .iter_mut()
                    .enumerate()
                {
                    run.at.push((tag, index));
                    self.apply_here(&mut item.data, inside, run)?;
                    run.at.pop();
                }
            }
        }
        Ok(())
    }
}

/// What a rule reads beside its own element: from the instance's data set, as it is when the
/// rule's turn comes there.
fn others(
    index: usize,
    rule: &CompiledRule,
    data: &DataSet,
    scope: ActionScope<'_>,
    run: &mut RulesRun<'_>,
) -> Option<Rc<[(Tag, Reading)]>> {
    if run.at.is_empty() && !rule.reads.is_empty() {
        let values = read_values(&rule.reads, data, scope.encoding, scope.inherited);
        run.others
            .insert(index, values.into());
    }
    run.others
        .get(&index)
        .map(Rc::clone)
}

/// The tag that a rule created at the level of the data set that it acts in, if it did.
type Created = Result<Option<Tag>, DeidError>;

/// One rule while it is applied to one data set and to what lies in it.
struct Application<'a, 'r> {
    hasher: &'a Hasher,
    rule: &'a CompiledRule,
    run: &'a mut RulesRun<'r>,
}

impl Application<'_, '_> {
    /// Applies the rule, and gives the tag that it created at this level.
    fn apply(&mut self, data: &mut DataSet, scope: ActionScope<'_>) -> Created {
        let rule = self.rule;
        let top = self.run.at.is_empty();
        let paths = self.run.paths.take();
        let decrypts = matches!(rule.action, CompiledAction::Decrypt);
        let tags: Vec<Tag> = match &rule.selector {
            Selector::Tag(tag) => {
                return if (top || data.get(*tag).is_some()) && tag.group() != 0x0002 {
                    self.on_element(data, *tag, scope)
                } else {
                    Ok(None)
                };
            }
            Selector::Private {
                group,
                creator,
                element,
            } => {
                let name = PrivateName {
                    group: *group,
                    creator,
                    element: *element,
                };
                if top && decrypts {
                    return self.restore_private(name, data, scope);
                }
                let mut tags = name.tags(data);
                tags.retain(|tag| data.get(*tag).is_some());
                if top && rule.action.inserts() && tags.is_empty() {
                    return self.insert_private(name, data, scope);
                }
                tags
            }
            Selector::Repeater { group, element } => of_repeater(data, *group, *element).collect(),
            Selector::Path(path) if decrypts => return self.restore_along(path, data, scope),
            Selector::Path(path) => return self.along(data, &path.sequences, path.leaf, scope),
            Selector::Regex(regex) => {
                let paths = paths.unwrap_or_else(|| ElementPaths::of(data));
                let matching = paths.matching(regex);
                for path in matching.map_err(|why| rule.too_complex(why))? {
                    // An earlier match may have taken it out.
                    if find(data, &path).is_some() {
                        self.along(data, &item_choices(&path.items), path.tag, scope)?;
                    }
                }
                self.run.paths = Some(paths);
                return Ok(None);
            }
        };
        for tag in tags {
            self.on_element(data, tag, scope)?;
        }
        Ok(None)
    }

    /// Acts on one element of this data set.
    fn on_element(&mut self, data: &mut DataSet, tag: Tag, scope: ActionScope<'_>) -> Created {
        let Self { hasher, rule, run } = self;
        rule.note_match(|| data.get(tag).is_some());
        let effect = match &rule.action {
            CompiledAction::Encrypt => {
                run.envelopes
                    .encrypt(data, tag, scope, run.character_set_changed)
            }
            CompiledAction::Decrypt => run
                .envelopes
                .decrypt(data, &run.at, tag, scope),
            action => action.apply(data, tag, scope, hasher),
        };
        let effect = effect.map_err(|error| error.of(&rule.name, tag))?;
        if effect != ActionEffect::Unchanged {
            rule.note_match(|| true);
            run.record.changed += 1;
            run.record
                .note_rule(&run.at, tag, rule.index);
            run.character_set_changed |= tag == CHARACTER_SET;
        }
        Ok((effect == ActionEffect::Inserted).then_some(tag))
    }

    /// Notes that the rule made an element of the data set that it acts in.
    fn note(&mut self, tag: Tag) {
        self.run
            .record
            .note_rule(&self.run.at, tag, self.rule.index);
    }

    fn insert_private(
        &mut self,
        name: PrivateName<'_>,
        data: &mut DataSet,
        scope: ActionScope<'_>,
    ) -> Created {
        let block_tag = Tag(name.group, u16::from(name.element));
        let failed =
            |why| ActionError::new(DeidErrorKind::Rule, why).of(&self.rule.name, block_tag);
        if name.known_vr().is_none() {
            let why = "the private element is absent and cannot be created, as its VR is not known";
            return Err(failed(why));
        }
        let charset = character_set_of(data, scope.inherited);
        let tag = name
            .make_room(data, &charset)
            .ok_or_else(|| failed("no private block is free"))?;
        self.note(creator_of(tag));
        self.on_element(data, tag, scope)
    }

    /// Follows a path into items; makes what is missing on the way where the action creates its
    /// element. Gives the tag that was made at this level.
    fn along(
        &mut self,
        data: &mut DataSet,
        sequences: &[(Tag, ItemChoice)],
        leaf: Tag,
        scope: ActionScope<'_>,
    ) -> Created {
        let Some(((tag, choice), rest)) = sequences.split_first() else {
            return self.on_element(data, leaf, scope);
        };
        let own = character_set_of(data, scope.inherited);
        let mut made = None;
        if data.get(*tag).is_none() {
            if !self.rule.action.inserts() || *choice == ItemChoice::Every {
                return Ok(None);
            }
            data.put(Element::sequence(*tag, Vec::new(), scope.encoding));
            made = Some(*tag);
            self.note(*tag);
        }
        let sequence = data
            .get_mut(*tag)
            .and_then(Element::items_mut)
            .ok_or_else(|| {
                let why = "the path leads through an element that is no sequence";
                ActionError::new(DeidErrorKind::Rule, why).of(&self.rule.name, *tag)
            })?;
        if let ItemChoice::At(index) = choice
            && self.rule.action.inserts()
        {
            while sequence.items.len() <= *index {
                sequence.items.push(Item {
                    data: DataSet::new(),
                    length: LengthForm::Undefined,
                });
            }
        }
        let inside = ActionScope {
            encoding: sequence.encoding,
            inherited: &own,
            ..scope
        };
        for (index, item) in sequence
            .items
            .iter_mut()
            .enumerate()
        {
            if *choice == ItemChoice::Every || *choice == ItemChoice::At(index) {
                self.run.at.push((*tag, index));
                self.along(&mut item.data, rest, leaf, inside)?;
                self.run.at.pop();
            }
        }
        Ok(made)
    }

    /// Restores a private element of the outermost data set, with its creator if that went into the
    /// envelope as well.
    fn restore_private(
        &mut self,
        name: PrivateName<'_>,
        data: &mut DataSet,
        scope: ActionScope<'_>,
    ) -> Created {
        let kept = self.run.envelopes.private_tag(name);
        if let (true, Some(tag)) = (name.tags(data).is_empty(), kept) {
            let creator = creator_of(tag);
            if data.get(creator).is_none() {
                self.on_element(data, creator, scope)?;
            }
        }
        for tag in name.tags(data) {
            self.on_element(data, tag, scope)?;
        }
        Ok(None)
    }

    /// Restores what a path leads to, making the items on the way only where the envelope has a
    /// value for their end.
    fn restore_along(
        &mut self,
        path: &SequencePath,
        data: &mut DataSet,
        scope: ActionScope<'_>,
    ) -> Created {
        let mut made = None;
        for items in items_on_path(data, path) {
            if self
                .run
                .envelopes
                .holds(&items, path.leaf)
            {
                made = self
                    .along(data, &item_choices(&items), path.leaf, scope)?
                    .or(made);
            }
        }
        Ok(made)
    }
}

fn item_choices(items: &[ItemStep]) -> Vec<(Tag, ItemChoice)> {
    items
        .iter()
        .map(|(tag, index)| (*tag, ItemChoice::At(*index)))
        .collect()
}

/// The items that a path leads through: those that are there where it says "every", else the one
/// that it names.
fn items_on_path(data: &DataSet, path: &SequencePath) -> Vec<Vec<ItemStep>> {
    let mut paths: Vec<(Vec<ItemStep>, Option<&DataSet>)> = vec![(Vec::new(), Some(data))];
    for (tag, choice) in &path.sequences {
        let deeper = paths
            .into_iter()
            .flat_map(|(items, data)| {
                let sequence = data
                    .and_then(|data| data.get(*tag))
                    .and_then(Element::items);
                let indices = match choice {
                    ItemChoice::At(index) => *index..*index + 1,
                    ItemChoice::Every => 0..sequence.map_or(0, |sequence| sequence.items.len()),
                };
                indices.map(move |index| {
                    let inside = sequence
                        .and_then(|sequence| sequence.items.get(index))
                        .map(|item| &item.data);
                    (
                        items
                            .iter()
                            .copied()
                            .chain([(*tag, index)])
                            .collect::<Vec<_>>(),
                        inside,
                    )
                })
            });
        paths = deeper.collect();
    }
    paths
        .into_iter()
        .map(|(items, _)| items)
        .collect()
}
