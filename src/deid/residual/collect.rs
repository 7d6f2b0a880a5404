//! Collects what is to be looked for: text values that the data set held before and does not hold any more at their place.
//!
//! Owns what counts as text and what a value is taken for. It spells nothing out; bytes stay shared with the file.

use bytes::Bytes;

use super::known::is_identifier;
use crate::deid::private::is_creator;
use crate::deid::text::is_plain;
use crate::dicom::{DataSet, Element, Item, Tag, VR};
use crate::standard::{self, Concern, blind_spot};

const CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
/// The UIDs by which an instance, its series, its study and its frame of reference are known.
const OWN_UIDS: [Tag; 4] = [Tag(0x0008, 0x0018), Tag(0x0020, 0x000D), Tag(0x0020, 0x000E), Tag(0x0020, 0x0052)];
/// Manufacturer, its model name, software versions: they name a product.
const PRODUCT: [Tag; 3] = [Tag(0x0008, 0x0070), Tag(0x0008, 0x1090), Tag(0x0018, 0x1020)];
/// What is looked for as a whole alone is not looked for where it is longer: nobody copies a megabyte into a second place.
const LONGEST_WHOLE: usize = 1 << 20;
/// So many values are worth a look at which are the same.
const MANY: usize = 256;
/// Codes that name a person or an institution; all others name things.
const CODES_OF_PEOPLE: [Tag; 2] = [Tag(0x0040, 0x1101), Tag(0x0008, 0x0082)];

/// What a value is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Name,
    Identifier,
    Descriptor,
    /// Text of a private element, whose meaning is not known.
    Private,
    Date,
    Uid,
}

/// A value to look for. Equal ones are spelled alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Source {
    pub(super) kind: Kind,
    /// Where it has other than ASCII: its own character set, a line end, and those of the data sets around it.
    pub(super) sets: Bytes,
    /// One value without padding, or where it has other than ASCII, the value field.
    pub(super) value: Bytes,
}

/// Where an element stood or stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) items: Box<[(Tag, usize)]>,
    pub(super) tag: Tag,
}

/// A value that is gone from its place.
pub(super) struct Lost {
    pub(super) source: Source,
    pub(super) place: Place,
}

/// All values that are gone or changed, in file order.
pub(super) fn lost(before: &DataSet, after: &DataSet) -> Vec<Lost> {
    let own = |tag: &Tag| after.get(*tag).and_then(Element::bytes).cloned();
    let kept_uids = OWN_UIDS.iter().filter_map(own).collect();
    let mut top: Vec<_> = before.iter().filter_map(|element| Some((element.tag, element.bytes()?))).collect();
    top.sort_by_key(|(tag, _)| *tag);
    let mut collect = Collect { top, after, kept_uids, path: Vec::new(), lost: Vec::new() };
    collect.data_set(before, Some(after), &Bytes::new());
    // Frame after frame of an enhanced image loses the same.
    if collect.lost.len() > MANY {
        let mut seen = foldhash::HashSet::default();
        collect.lost.retain(|lost| seen.insert(lost.source.clone()));
    }
    collect.lost
}

struct Collect<'a> {
    /// The values at the top as they were, in the order of their tags.
    top: Vec<(Tag, &'a Bytes)>,
    after: &'a DataSet,
    kept_uids: Vec<Bytes>,
    path: Vec<(Tag, usize)>,
    lost: Vec<Lost>,
}

impl Collect<'_> {
    fn data_set(&mut self, before: &DataSet, after: Option<&DataSet>, around: &Bytes) {
        let sets = sets(before, around);
        // Both are in the order of their tags, nearly always: the next one is where it should be, or is gone.
        let mut rest = after.map(DataSet::iter).unwrap_or_default().peekable();
        let disordered = after.filter(|after| !is_sorted(after) || !is_sorted(before));
        for old in before {
            while rest.next_if(|new| new.tag < old.tag).is_some() {}
            let next = rest.next_if(|new| new.tag == old.tag);
            let new = next.or_else(|| disordered.and_then(|after| after.get(old.tag)));
            self.element(old, new, &sets);
        }
    }

    fn element(&mut self, old: &Element, new: Option<&Element>, sets: &Bytes) {
        if let Some(sequence) = old.items() {
            let left = new.and_then(Element::items).map(|left| &left.items);
            if left.is_some_and(|left| left.is_same(&sequence.items)) {
                return;
            }
            let left = left.map(|left| left.as_slice()).unwrap_or_default();
            return self.items(old.tag, &sequence.items, left, sets);
        }
        let Some(bytes) = old.bytes().filter(|bytes| !bytes.is_empty()) else { return };
        if new.and_then(Element::bytes).is_some_and(|new| same(bytes, new)) || self.stands_at_the_top(old) {
            return;
        }
        if let Some(kind) = kind(old, self.path.last().map(|(sequence, _)| *sequence)) {
            let whole_alone = matches!(kind, Kind::Descriptor | Kind::Private);
            if whole_alone && bytes.len() > LONGEST_WHOLE {
                return;
            }
            self.value(kind, bytes, sets, old.tag);
        }
    }

    /// Where items went away it cannot be told which: those count as gone of which none is left as it was.
    fn items(&mut self, tag: Tag, items: &[Item], left: &[Item], sets: &Bytes) {
        for (index, item) in items.iter().enumerate() {
            let same = if left.len() < items.len() { left.iter().find(|left| **left == *item) } else { left.get(index) };
            self.path.push((tag, index));
            self.data_set(&item.data, same.map(|item| &item.data), sets);
            self.path.pop();
        }
    }

    /// Whether a nested value is also that of the same attribute at the top, which the profile leaves as it was.
    fn stands_at_the_top(&self, old: &Element) -> bool {
        if self.path.is_empty() {
            return false;
        }
        let before = self.top.binary_search_by_key(&old.tag, |(tag, _)| *tag).ok().and_then(|at| self.top.get(at));
        before.is_some_and(|(_, top)| Some(*top) == old.bytes())
            && self.after.get(old.tag).and_then(Element::bytes) == old.bytes()
    }

    fn value(&mut self, kind: Kind, bytes: &Bytes, sets: &Bytes, tag: Tag) {
        if !is_plain(bytes) {
            self.push(Source { kind, sets: sets.clone(), value: bytes.clone() }, tag);
            return;
        }
        for value in bytes.split(|byte| *byte == b'\\') {
            let value = value.trim_ascii().trim_suffix_zeros();
            let value = if kind == Kind::Date { value.get(..8).unwrap_or_default() } else { value };
            if kind == Kind::Private && self.is_of_product(value) {
                continue;
            }
            let uid = kind == Kind::Uid && self.kept_uids.iter().any(|kept| kept.trim_suffix_zeros() == value);
            if !value.is_empty() && !uid {
                self.push(Source { kind, sets: Bytes::new(), value: bytes.slice_ref(value) }, tag);
            }
        }
    }

    /// Whether a value says no more than what stands in the attributes that name the make of the device.
    fn is_of_product(&self, value: &[u8]) -> bool {
        PRODUCT
            .iter()
            .filter_map(|tag| self.after.get(*tag).and_then(Element::bytes))
            .any(|product| !value.is_empty() && product.windows(value.len()).any(|part| part.eq_ignore_ascii_case(value)))
    }

    fn push(&mut self, source: Source, tag: Tag) {
        if self.lost.last().is_none_or(|last| last.source != source) {
            self.lost.push(Lost { source, place: Place { items: self.path.as_slice().into(), tag } });
        }
    }
}

trait Padded {
    fn trim_suffix_zeros(&self) -> &[u8];
}

impl Padded for [u8] {
    fn trim_suffix_zeros(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| *byte != 0 && *byte != b' ').map_or(0, |at| at + 1);
        self.get(..end).unwrap_or_default()
    }
}

/// The character sets that values of a data set may be written in: its own first, then those around it.
fn sets(data: &DataSet, around: &Bytes) -> Bytes {
    match data.get(CHARACTER_SET).and_then(Element::bytes) {
        Some(own) if around.is_empty() => own.clone(),
        Some(own) => [own, b"\n".as_slice(), around].concat().into(),
        None => around.clone(),
    }
}

fn is_sorted(data: &DataSet) -> bool {
    data.iter().map(|element| element.tag).is_sorted()
}

fn same(old: &Bytes, new: &Bytes) -> bool {
    old.len() == new.len() && (old.as_ptr() == new.as_ptr() || old == new)
}

/// What a value of this element is taken for; none where it is no text. `sequence` is the one whose item it stands in.
fn kind(element: &Element, sequence: Option<Tag>) -> Option<Kind> {
    let tag = element.tag;
    let vr = if element.vr == VR::UN { standard::vr(tag).unwrap_or(VR::UN) } else { element.vr };
    match vr {
        VR::PN => Some(Kind::Name),
        VR::UI => Some(Kind::Uid),
        VR::DA | VR::DT => Some(Kind::Date),
        VR::AE | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UN | VR::UR | VR::UT => text_kind(tag, vr, sequence),
        _ => None,
    }
}

fn text_kind(tag: Tag, vr: VR, sequence: Option<Tag>) -> Option<Kind> {
    if is_creator(tag) {
        None
    } else if standard::is_private(tag) || vr == VR::UN {
        Some(Kind::Private)
    } else if is_code(tag) {
        sequence.filter(|sequence| CODES_OF_PEOPLE.contains(sequence)).map(|_| Kind::Identifier)
    } else if is_identifier(tag, vr) {
        Some(Kind::Identifier)
    } else {
        (!names_product(tag)).then_some(Kind::Descriptor)
    }
}

/// Whether the attribute names the make of a device, which thousands share.
fn names_product(tag: Tag) -> bool {
    blind_spot(tag).is_some_and(|spot| spot.concern == Concern::Product)
}

/// Whether the attribute is part of a coded entry (PS3.3 section 8): a code, its scheme or its meaning.
pub(super) fn is_code(tag: Tag) -> bool {
    tag.group() == 0x0008 && matches!(tag.element(), 0x0100..=0x0122)
}
