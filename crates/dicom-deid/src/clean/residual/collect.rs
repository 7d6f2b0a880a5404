//! Collects what is to be looked for: text values that the data set held before and does not hold
//! any more at their place.
//!
//! Owns what counts as text and what a value is taken for. It spells nothing out; bytes stay shared
//! with the file.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::HashMap;

use super::effort::{MOST_LOST, MOST_OF_SETS, TooCostly};
use super::known::is_identifier;
use super::products::Products;
use crate::clean::private::is_creator;
use crate::clean::text::is_plain;
use crate::standard::{self, IdentifyingRole, unlisted_attribute};
use dicom_lossless::{DataSet, Element, Item, Tag, VR};

const CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
/// The UIDs by which an instance, its series, its study and its frame of reference are known.
const OWN_UIDS: [Tag; 4] = [
    Tag(0x0008, 0x0018),
    Tag(0x0020, 0x000D),
    Tag(0x0020, 0x000E),
    Tag(0x0020, 0x0052),
];
/// What is looked for as a whole alone is not looked for where it is longer: nobody copies a
/// megabyte into a second place.
const LONGEST_WHOLE: usize = 1 << 20;
/// So many values are worth a look at which are the same.
const MANY: usize = 256;
/// How many of the items that are left are looked at for one that was there.
const AHEAD: usize = 64;
/// What is taken of a list of character sets, in bytes.
const LONGEST_SETS: usize = 256;
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
    /// Where it has other than ASCII: its own character set, a line end, and those of the data sets
    /// around it.
    pub(super) sets: Bytes,
    /// One value without padding, or where it has other than ASCII, the value field.
    pub(super) value: Bytes,
}

/// An item that leads to an element, with those around it. What stands in one item shares it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    around: Option<Arc<Step>>,
    item: (Tag, usize),
}

/// Where an element stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    inside: Option<Arc<Step>>,
    pub(super) tag: Tag,
}

impl Place {
    /// The sequences and numbers of items that lead there.
    pub(super) fn items(&self) -> Vec<(Tag, usize)> {
        let mut items: Vec<_> =
            std::iter::successors(self.inside.as_deref(), |step| step.around.as_deref())
                .map(|step| step.item)
                .collect();
        items.reverse();
        items
    }

    /// Whether it is the element with this tag in these items.
    pub(super) fn is(&self, items: &[(Tag, usize)], tag: Tag) -> bool {
        let mut steps =
            std::iter::successors(self.inside.as_deref(), |step| step.around.as_deref())
                .map(|step| step.item);
        self.tag == tag
            && items.iter().rev().all(|item| steps.next() == Some(*item))
            && steps.next().is_none()
    }
}

/// A value that is gone from its place.
pub(super) struct Lost {
    pub(super) source: Source,
    pub(super) place: Place,
}

/// All values that are gone or changed, in file order, where they are not too many.
pub(super) fn lost(before: &DataSet, after: &DataSet) -> Result<Vec<Lost>, TooCostly> {
    let own = |tag: &Tag| after.get(*tag).and_then(Element::bytes).cloned();
    let kept_uids = OWN_UIDS.iter().filter_map(own).collect();
    let mut collect = Collect {
        top: Top {
            data: before,
            values: OnceCell::new(),
        },
        left_at_the_top: Top {
            data: after,
            values: OnceCell::new(),
        },
        kept_uids,
        products: Products::of(after),
        path: Vec::new(),
        lost: Vec::new(),
        sweep_at: MANY,
        set_bytes: 0,
    };
    collect.data_set(before, Some(after), &Bytes::new())?;
    collect.sweep();
    Ok(collect.lost)
}

/// What the outermost data set holds.
struct Top<'a> {
    data: &'a DataSet,
    /// Its values in the order of their tags, made when they are asked for.
    values: OnceCell<Vec<(Tag, &'a Bytes)>>,
}

impl<'a> Top<'a> {
    fn value(&self, tag: Tag) -> Option<&'a Bytes> {
        let values = self.values.get_or_init(|| {
            let mut values: Vec<_> = self
                .data
                .iter()
                .filter_map(|element| Some((element.tag, element.bytes()?)))
                .collect();
            values.sort_by_key(|(tag, _)| *tag);
            values
        });
        let at = values.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        values.get(at).map(|(_, bytes)| *bytes)
    }
}

/// An item that the collection is in.
struct Inside {
    item: (Tag, usize),
    /// Made when something in it is gone.
    step: Option<Arc<Step>>,
}

struct Collect<'a> {
    /// The top as it was and as it is.
    top: Top<'a>,
    left_at_the_top: Top<'a>,
    kept_uids: Vec<Bytes>,
    products: Products,
    path: Vec<Inside>,
    lost: Vec<Lost>,
    /// How many there are when those that are the same are next taken out.
    sweep_at: usize,
    /// How much was copied of the character sets that items declare.
    set_bytes: usize,
}

impl Collect<'_> {
    fn data_set(
        &mut self,
        before: &DataSet,
        after: Option<&DataSet>,
        around: &Bytes,
    ) -> Result<(), TooCostly> {
        let sets = self.sets(before, around)?;
        // Both are in the order of their tags, nearly always: the next one is where it should be,
        // or is gone.
        let mut rest = after.map(DataSet::iter).unwrap_or_default().peekable();
        let disordered = after.filter(|after| !is_sorted(after) || !is_sorted(before));
        let disordered = disordered.map(|after| {
            after
                .iter()
                .map(|element| (element.tag, element))
                .collect::<HashMap<_, _>>()
        });
        for old in before {
            while rest.next_if(|new| new.tag < old.tag).is_some() {}
            let next = rest.next_if(|new| new.tag == old.tag);
            let new = next.or_else(|| {
                disordered
                    .as_ref()
                    .and_then(|after| after.get(&old.tag).copied())
            });
            self.element(old, new, &sets)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        old: &Element,
        new: Option<&Element>,
        sets: &Bytes,
    ) -> Result<(), TooCostly> {
        if let Some(sequence) = old.items() {
            let left = new.and_then(Element::items).map(|left| &left.items);
            if left.is_some_and(|left| left.is_same(&sequence.items)) {
                return Ok(());
            }
            let left = left.map(|left| left.as_slice()).unwrap_or_default();
            return self.items(old.tag, &sequence.items, left, sets);
        }
        let Some(bytes) = old.bytes().filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        if new
            .and_then(Element::bytes)
            .is_some_and(|new| same(bytes, new))
            || self.stands_at_the_top(old)
        {
            return Ok(());
        }
        let Some(kind) = kind(old, self.path.last().map(|inside| inside.item.0)) else {
            return Ok(());
        };
        let whole_alone = matches!(kind, Kind::Descriptor | Kind::Private);
        if whole_alone && bytes.len() > LONGEST_WHOLE {
            return Ok(());
        }
        self.value(kind, bytes, sets, old.tag)
    }

    /// Where items went away it cannot be told which: those count as gone of which none is left as
    /// it was. Those that are left are in their order, so each is looked for behind the one before
    /// it.
    fn items(
        &mut self,
        tag: Tag,
        items: &[Item],
        left: &[Item],
        sets: &Bytes,
    ) -> Result<(), TooCostly> {
        let mut behind = 0;
        for (index, item) in items.iter().enumerate() {
            let same = if left.len() < items.len() {
                let ahead = left.get(behind..).unwrap_or_default().iter().take(AHEAD);
                let found = ahead.zip(behind..).find(|(left, _)| **left == *item);
                behind = found.map_or(behind, |(_, at)| at + 1);
                found.map(|(left, _)| left)
            } else {
                left.get(index)
            };
            self.path.push(Inside {
                item: (tag, index),
                step: None,
            });
            self.data_set(&item.data, same.map(|item| &item.data), sets)?;
            self.path.pop();
        }
        Ok(())
    }

    /// Whether a nested value is also that of the same attribute at the top, which the profile
    /// leaves as it was.
    fn stands_at_the_top(&self, old: &Element) -> bool {
        let at_top = |top: &Top<'_>| {
            top.value(old.tag)
                .is_some_and(|top| Some(top) == old.bytes())
        };
        !self.path.is_empty() && at_top(&self.top) && at_top(&self.left_at_the_top)
    }

    fn value(
        &mut self,
        kind: Kind,
        bytes: &Bytes,
        sets: &Bytes,
        tag: Tag,
    ) -> Result<(), TooCostly> {
        if !is_plain(bytes) {
            return self.push(
                Source {
                    kind,
                    sets: sets.clone(),
                    value: bytes.clone(),
                },
                tag,
            );
        }
        for value in bytes.split(|byte| *byte == b'\\') {
            let value = value.trim_ascii().trim_suffix_zeros();
            let value = if kind == Kind::Date {
                value.get(..8).unwrap_or_default()
            } else {
                value
            };
            if self.products.name(kind, tag, value) {
                continue;
            }
            let uid = kind == Kind::Uid
                && self
                    .kept_uids
                    .iter()
                    .any(|kept| kept.trim_suffix_zeros() == value);
            if !value.is_empty() && !uid {
                self.push(
                    Source {
                        kind,
                        sets: Bytes::new(),
                        value: bytes.slice_ref(value),
                    },
                    tag,
                )?;
            }
        }
        Ok(())
    }

    fn push(&mut self, source: Source, tag: Tag) -> Result<(), TooCostly> {
        if self.lost.last().is_some_and(|last| last.source == source) {
            return Ok(());
        }
        let place = Place {
            inside: self.inside(),
            tag,
        };
        self.lost.push(Lost { source, place });
        if self.lost.len() < self.sweep_at {
            return Ok(());
        }
        self.sweep();
        self.sweep_at = (self.lost.len() * 2).clamp(MANY, MOST_LOST);
        if self.lost.len() < MOST_LOST {
            Ok(())
        } else {
            Err(TooCostly("too many values were removed"))
        }
    }

    /// Frame after frame of an enhanced image loses the same.
    fn sweep(&mut self) {
        if self.lost.len() >= MANY {
            let mut seen = foldhash::HashSet::default();
            self.lost.retain(|lost| seen.insert(lost.source.clone()));
        }
    }

    /// The way to the item that the collection is in.
    fn inside(&mut self) -> Option<Arc<Step>> {
        let made = self
            .path
            .iter()
            .rposition(|inside| inside.step.is_some())
            .map_or(0, |at| at + 1);
        let mut around = made
            .checked_sub(1)
            .and_then(|at| self.path.get(at))
            .and_then(|inside| inside.step.clone());
        for inside in self.path.iter_mut().skip(made) {
            let step = Arc::new(Step {
                around,
                item: inside.item,
            });
            inside.step = Some(Arc::clone(&step));
            around = Some(step);
        }
        around
    }

    /// The character sets that values of a data set may be written in: its own first, then those
    /// around it. No list of sets that is in use is longer than what is taken of it.
    fn sets(&mut self, data: &DataSet, around: &Bytes) -> Result<Bytes, TooCostly> {
        let Some(own) = data.get(CHARACTER_SET).and_then(Element::bytes) else {
            return Ok(around.clone());
        };
        let own = own.slice(..own.len().min(LONGEST_SETS));
        if around.is_empty() {
            return Ok(own);
        }
        let around = around
            .get(..around.len().min(LONGEST_SETS))
            .unwrap_or_default();
        self.set_bytes += own.len() + 1 + around.len();
        if self.set_bytes > MOST_OF_SETS {
            return Err(TooCostly("too many items declare character sets"));
        }
        Ok([&own, b"\n".as_slice(), around].concat().into())
    }
}

pub(super) trait Padded {
    fn trim_suffix_zeros(&self) -> &[u8];
}

impl Padded for [u8] {
    fn trim_suffix_zeros(&self) -> &[u8] {
        let end = self
            .iter()
            .rposition(|byte| *byte != 0 && *byte != b' ')
            .map_or(0, |at| at + 1);
        self.get(..end).unwrap_or_default()
    }
}

fn is_sorted(data: &DataSet) -> bool {
    data.iter().map(|element| element.tag).is_sorted()
}

fn same(old: &Bytes, new: &Bytes) -> bool {
    old.len() == new.len() && (old.as_ptr() == new.as_ptr() || old == new)
}

/// What a value of this element is taken for; none where it is no text. `sequence` is the one whose
/// item it stands in.
fn kind(element: &Element, sequence: Option<Tag>) -> Option<Kind> {
    let tag = element.tag;
    let vr = if element.vr == VR::UN {
        standard::vr(tag).unwrap_or(VR::UN)
    } else {
        element.vr
    };
    match vr {
        VR::PN => Some(Kind::Name),
        VR::UI => Some(Kind::Uid),
        VR::DA | VR::DT => Some(Kind::Date),
        VR::AE | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UN | VR::UR | VR::UT => {
            text_kind(tag, vr, sequence)
        }
        _ => None,
    }
}

fn text_kind(tag: Tag, vr: VR, sequence: Option<Tag>) -> Option<Kind> {
    if is_creator(tag) {
        None
    } else if standard::is_private(tag) || vr == VR::UN {
        Some(Kind::Private)
    } else if is_code(tag) {
        sequence
            .filter(|sequence| CODES_OF_PEOPLE.contains(sequence))
            .map(|_| Kind::Identifier)
    } else if is_identifier(tag, vr) {
        Some(Kind::Identifier)
    } else {
        (!names_product(tag)).then_some(Kind::Descriptor)
    }
}

/// Whether the attribute names the make of a device, which thousands share.
fn names_product(tag: Tag) -> bool {
    unlisted_attribute(tag).is_some_and(|listed| listed.role == IdentifyingRole::Product)
}

/// Whether the attribute is part of a coded entry (PS3.3 section 8): a code, its scheme or its
/// meaning.
pub(super) fn is_code(tag: Tag) -> bool {
    tag.group() == 0x0008 && matches!(tag.element(), 0x0100..=0x0122)
}
