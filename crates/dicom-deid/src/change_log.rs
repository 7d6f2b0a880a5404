//! What cleaning did to each data element, for trying a profile out; an upload records nothing.
//!
//! The list is made by comparing the data set before and after, so it leaves nothing out; the log
//! that is kept on the way only says which rule was the last at each place. Values are given only
//! where they were asked for, wrapped.

use std::collections::HashMap;
use std::fmt;

use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, Phi, Tag, Value, character_set_of,
};

use crate::elements::ItemStep;
use crate::elements::element_value::{Reading, item_sets, read};
use crate::elements::private_elements::effective_vr;
use crate::standard;

/// A data element that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The sequence items that lead to it, outermost first: the sequence and the item's number from
    /// 0.
    pub items: Vec<(Tag, usize)>,
    /// Its tag.
    pub tag: Tag,
    /// What happened to it.
    pub what: What,
    /// Why.
    pub by: By,
    /// Its former value as text, where values were asked for and it had one.
    pub before: Option<Phi<String>>,
    /// Its new value, likewise.
    pub after: Option<Phi<String>>,
}

impl Change {
    /// Its place as a profile names it: the items that lead to it, each as a sequence and its number
    /// from 0, and its keyword, or its tag where it has none.
    pub fn place(&self) -> String {
        let items = self
            .items
            .iter()
            .map(|(tag, item)| format!("{}.{item}", as_in_profiles(*tag)));
        let place: Vec<_> = items
            .chain([as_in_profiles(self.tag)])
            .collect();
        place.join(".")
    }

    /// What stands at its place in an instance, as text, or how much where it is no text; none where
    /// nothing does. Of what was removed there is none in the instance that was written.
    pub fn value_in(&self, instance: &Instance) -> Option<String> {
        let encoding = instance.syntax.encoding;
        let inherited = CharacterSet::default();
        [&instance.header, &instance.tail]
            .into_iter()
            .find_map(|data| text_at(data, &self.items, self.tag, encoding, &inherited))
    }

    /// Pixel data was changed because of a setting.
    pub(crate) fn of_pixels(tag: Tag, setting: &'static str) -> Self {
        Self {
            items: Vec::new(),
            tag,
            what: What::Changed,
            by: By::Setting(setting),
            before: None,
            after: None,
        }
    }
}

/// What happened to an element. What lay in a removed sequence is not listed beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// It was not there before.
    Inserted,
}

impl What {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Inserted => "inserted",
        }
    }
}

/// How often what happened to which attribute, at whatever place in a data set. Takes little room,
/// however many places there are.
pub type Counts = foldhash::HashMap<(Tag, What), u64>;

/// What made a change: the last one, where several did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The rule of this number in `fields`.
    Rule(usize),
    /// A setting of the profile, by its key.
    Setting(&'static str),
}

impl fmt::Display for By {
    /// `fields[3]` for the fourth rule, or the key of the setting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "fields[{rule}]"),
            Self::Setting(key) => f.write_str(key),
        }
    }
}

/// An attribute as a profile names it.
fn as_in_profiles(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(
        || format!("{:04x}{:04x}", tag.group(), tag.element()),
        str::to_owned,
    )
}

/// An element's place: the items to enter, then its tag.
type ElementPlace = (Vec<ItemStep>, Tag);

/// Which rule or setting was the last to act at each place.
struct ChangeLog {
    last: HashMap<ElementPlace, By>,
    before: DataSet,
}

impl ChangeLog {
    /// A log of what is done to this data set.
    fn new(before: &DataSet) -> Self {
        Self {
            last: HashMap::new(),
            before: before.clone(),
        }
    }

    /// Notes that a rule changed an element of the data set that these items lead to.
    fn note_rule(&mut self, items: &[ItemStep], tag: Tag, rule: usize) {
        self.last
            .insert((items.to_vec(), tag), By::Rule(rule));
    }

    /// Notes that a setting made one data set of another.
    fn note_setting(&mut self, setting: &'static str, before: &DataSet, after: &DataSet) {
        differences(before, after, &mut Vec::new(), &mut |items, tag, _| {
            self.last
                .insert((items.to_vec(), tag), By::Setting(setting));
        });
    }

    /// Everything that is not as it was, in the order of the tags.
    fn changes(&self, after: &DataSet, encoding: Encoding, values: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        differences(
            &self.before,
            after,
            &mut Vec::new(),
            &mut |items, tag, what| {
                let shown = |side: &DataSet, there: bool| {
                    let charset = CharacterSet::default();
                    let text =
                        (values && there).then(|| text_at(side, items, tag, encoding, &charset));
                    text.flatten().map(Phi::new)
                };
                let place = (items.to_vec(), tag);
                let by = self.last.get(&place).copied();
                changes.push(Change {
                    before: shown(&self.before, what != What::Inserted),
                    after: shown(after, what != What::Removed),
                    items: place.0,
                    tag,
                    what,
                    by: by.unwrap_or(By::Setting("dicom")),
                });
            },
        );
        changes.sort_by_key(|change| {
            let steps = change
                .items
                .iter()
                .map(|(tag, item)| (*tag, item + 1));
            steps
                .chain([(change.tag, 0)])
                .collect::<Vec<_>>()
        });
        changes
    }
}

/// What is noted of the cleaning of one instance.
#[derive(Default)]
pub struct Record {
    /// Elements changed, made or removed.
    pub changed: u32,
    log: Option<Box<ChangeLog>>,
    counts: Option<Counts>,
}

impl Record {
    /// One that counts what is done to which attribute.
    pub fn counting() -> Self {
        Self {
            counts: Some(Counts::default()),
            ..Self::default()
        }
    }

    /// One that keeps which rule or setting changed what of this data set, and counts as well.
    pub fn listing(before: &DataSet) -> Self {
        Self {
            log: Some(Box::new(ChangeLog::new(before))),
            ..Self::counting()
        }
    }

    /// Whether a list is kept.
    pub fn lists(&self) -> bool {
        self.log.is_some()
    }

    /// Notes that a rule changed an element of the data set that these items lead to.
    pub fn note_rule(&mut self, items: &[ItemStep], tag: Tag, rule: usize) {
        if let Some(log) = &mut self.log {
            log.note_rule(items, tag, rule);
        }
    }

    /// Does something to the whole data set because of a setting.
    pub fn step(
        &mut self,
        setting: &'static str,
        data: &mut DataSet,
        work: impl FnOnce(&mut DataSet) -> u32,
    ) {
        let before = self.lists().then(|| data.clone());
        self.changed += work(data);
        if let (Some(before), Some(log)) = (before, &mut self.log) {
            log.note_setting(setting, &before, data);
        }
    }

    /// Counts how one data set differs from another, where that is asked for.
    pub fn count(&mut self, before: &DataSet, after: &DataSet) {
        if let Some(counts) = &mut self.counts {
            differences(before, after, &mut Vec::new(), &mut |_, tag, what| {
                *counts
                    .entry((tag, what))
                    .or_default() += 1;
            });
        }
    }

    /// What was counted.
    pub fn into_counts(self) -> Counts {
        self.counts.unwrap_or_default()
    }

    /// Everything that is not as it was, in the order of the tags; nothing where no list is kept.
    pub fn changes(&self, after: &DataSet, encoding: Encoding, values: bool) -> Vec<Change> {
        self.log
            .as_ref()
            .map(|log| log.changes(after, encoding, values))
            .unwrap_or_default()
    }
}

/// Takes an element that two data sets do not share: the items that lead to it, its tag, and what
/// happened to it.
type Found<'f> = dyn FnMut(&[ItemStep], Tag, What) + 'f;

/// Visits every element that differs, sequences item by item.
fn differences(before: &DataSet, after: &DataSet, at: &mut Vec<ItemStep>, found: &mut Found<'_>) {
    for old in before {
        match after.get(old.tag) {
            None => found(at, old.tag, What::Removed),
            Some(new) if new == old => {}
            Some(new) if grew(old, new) => nested(Some(old), new, at, found),
            Some(_) => found(at, old.tag, What::Changed),
        }
    }
    for new in after
        .iter()
        .filter(|new| before.get(new.tag).is_none())
    {
        found(at, new.tag, What::Inserted);
        nested(None, new, at, found);
    }
}

/// Whether both are sequences and no item went away.
fn grew(old: &Element, new: &Element) -> bool {
    matches!((old.items(), new.items()), (Some(old), Some(new)) if old.items.len() <= new.items.len())
}

fn nested(old: Option<&Element>, new: &Element, at: &mut Vec<ItemStep>, found: &mut Found<'_>) {
    let empty = DataSet::new();
    let former = old.and_then(Element::items);
    for (index, data) in item_sets(new).enumerate() {
        let before = former
            .and_then(|sequence| sequence.items.get(index))
            .map_or(&empty, |item| &item.data);
        at.push((new.tag, index));
        differences(before, data, at, found);
        at.pop();
    }
}

/// The value at a place as text, or how much there is where it is no text.
fn text_at(
    data: &DataSet,
    items: &[ItemStep],
    tag: Tag,
    encoding: Encoding,
    inherited: &CharacterSet,
) -> Option<String> {
    if let Some(((sequence, index), rest)) = items.split_first() {
        let sequence = data.get(*sequence)?.items()?;
        let own = character_set_of(data, inherited);
        return text_at(
            &sequence.items.get(*index)?.data,
            rest,
            tag,
            sequence.encoding,
            &own,
        );
    }
    let element = data.get(tag)?;
    let text = match read(element, effective_vr(element, data), encoding, || {
        character_set_of(data, inherited)
    }) {
        Reading::Text(text) => text,
        Reading::Nothing => String::new(),
        Reading::Opaque => match &element.value {
            Value::Items(sequence) => format!("({} items)", sequence.items.len()),
            Value::Bytes(bytes) => format!("({} bytes)", bytes.len()),
            Value::Fragments(_) => "(fragments)".to_owned(),
        },
    };
    Some(text)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use dicom_lossless::{Limits, VR};

    use super::*;
    use crate::clean::{Cleaner, CleaningRun};
    use crate::profile::from_server_json;

    fn text(tag: Tag, value: &'static str) -> Element {
        Element::new(tag, standard::vr(tag).unwrap_or(VR::LO), value.as_bytes())
    }

    fn record(dicom: &str, elements: Vec<Element>, values: bool) -> Vec<Change> {
        let document = serde_json::json!(format!("name: t\ndicom: {dicom}"));
        let profile = from_server_json(&document, "test")
            .unwrap()
            .unwrap();
        let mut data = DataSet::from_elements(elements);
        let mut run = CleaningRun {
            record: Record::listing(&data),
            ..CleaningRun::default()
        };
        let encoding = Encoding::EXPLICIT_LITTLE;
        Cleaner::new(&profile, None, Limits::default())
            .unwrap()
            .steps(&mut data, encoding, &mut run)
            .unwrap();
        run.record
            .changes(&data, encoding, values)
    }

    const ID: Tag = Tag(0x0010, 0x0020);
    const NAME: Tag = Tag(0x0010, 0x0010);
    const OTHER_IDS: Tag = Tag(0x0010, 0x1002);

    fn person() -> Vec<Element> {
        let other = DataSet::from_elements(vec![text(NAME, "Doe^Jane"), text(ID, "PAT-0042")]);
        vec![
            text(NAME, "Doe^Jane"),
            text(ID, "PAT-0042"),
            Element::sequence(OTHER_IDS, vec![other], Encoding::EXPLICIT_LITTLE),
        ]
    }

    fn brief(changes: &[Change]) -> Vec<(usize, Tag, What, By)> {
        changes
            .iter()
            .map(|change| (change.items.len(), change.tag, change.what, change.by))
            .collect()
    }

    #[test]
    fn every_element_that_differs_is_named_with_the_rule_that_did_it() {
        let rules = "{recurse-sequence: true, fields: [{name: PatientName, remove: true}, {name: PatientID, hash: true}]}";
        let changes = record(rules, person(), false);
        let expected = [
            (0, NAME, What::Removed, By::Rule(0)),
            (0, ID, What::Changed, By::Rule(1)),
            (1, NAME, What::Removed, By::Rule(0)),
            (1, ID, What::Changed, By::Rule(1)),
        ];
        assert_eq!(brief(&changes), expected);
        assert_eq!(changes[2].items, [(OTHER_IDS, 0)]);
        assert!(
            changes
                .iter()
                .all(|change| change.before.is_none() && change.after.is_none()),
            "values were not asked for"
        );
    }

    #[test]
    fn what_a_path_makes_is_inserted_with_all_that_leads_to_it() {
        let rules = "{fields: [{name: OtherPatientIDsSequence.1.PatientID, replace-with: X}]}";
        let changes = record(rules, person(), true);
        assert_eq!(brief(&changes), [(1, ID, What::Inserted, By::Rule(0))]);
        assert_eq!(
            (changes[0].items[0].1, changes[0].before.clone()),
            (1, None)
        );
        assert_eq!(
            changes[0]
                .after
                .as_ref()
                .map(|after| after.expose().as_str()),
            Some("X")
        );
        let changes = record(
            "{fields: [{name: DeidentificationMethodCodeSequence.0.CodeValue, replace-with: X}]}",
            person(),
            false,
        );
        assert_eq!(
            brief(&changes)
                .iter()
                .map(|(depth, ..)| *depth)
                .collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(
            changes
                .iter()
                .all(|change| change.by == By::Rule(0))
        );
    }

    #[test]
    fn settings_are_named_by_their_key() {
        let mut elements = person();
        elements.extend([
            text(Tag(0x0011, 0x0010), "ACME"),
            text(Tag(0x0011, 0x1001), "x "),
        ]);
        let changes = record(
            "{remove-private-tags: true, remove-undefined: true, fields: [{name: PatientName}]}",
            elements,
            false,
        );
        let by: Vec<_> = changes
            .iter()
            .map(|change| (change.tag, change.by))
            .collect();
        let expected = [
            (ID, By::Setting("remove-undefined")),
            (OTHER_IDS, By::Setting("remove-undefined")),
            (Tag(0x0011, 0x0010), By::Setting("remove-private-tags")),
            (Tag(0x0011, 0x1001), By::Setting("remove-private-tags")),
        ];
        assert_eq!(by, expected);
    }

    #[test]
    fn values_are_wrapped_and_read_in_their_own_character_set() {
        let elements = vec![
            text(Tag(8, 5), "ISO_IR 100"),
            Element::new(NAME, VR::PN, b"M\xfcller".as_slice()),
        ];
        let changes = record(
            "{fields: [{name: PatientName, replace-with: Coded}]}",
            elements,
            true,
        );
        assert_eq!(
            changes[0]
                .before
                .as_ref()
                .map(|before| before.expose().as_str()),
            Some("Müller")
        );
        assert!(!format!("{changes:?}").contains("ller"));
    }
}
