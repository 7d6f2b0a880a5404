//! Collects what is to be looked for: text values that the data set held before and does not hold
//! any more at their place.
//!
//! Owns what counts as text and what a value is taken for. Names of products and their makers, in
//! attributes that programs and devices fill, are not looked for where the file keeps them as such;
//! a patient's own attributes are never taken for a product. It makes no patterns; bytes stay
//! shared with the file.

use std::cell::OnceCell;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_lossless::{DataSet, Element, Item, Tag, VR};
use foldhash::{HashMap, HashSet};
use memchr::memchr_iter;

use super::{MOST_CHARACTER_SET_BYTES, MOST_REMOVALS, TooCostly};
use crate::elements::CHARACTER_SET;
use crate::elements::attribute_table::AttributeTable;
use crate::elements::element_value::{is_plain, without_padding};
use crate::elements::private_elements::is_creator;
use crate::standard::{self, IdentifierKind, IdentifyingRole, identifier_kind, unlisted_attribute};

/// The UIDs by which an instance, its series, its study and its frame of reference are known.
const OWN_UIDS: [Tag; 4] = [
    tags::SOP_INSTANCE_UID,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
];
/// What is looked for only as a whole is not looked for where it is longer: a megabyte is not
/// copied into a second place.
const LONGEST_WHOLE: usize = 1 << 20;
/// The number of values from which on equal ones are taken out.
const FIRST_SWEEP: usize = 256;
/// How many of the items that are left are compared with one that was there.
const MOST_LOOKED_AHEAD: usize = 64;
/// The bytes that are taken of a list of character sets.
const LONGEST_CHARACTER_SETS: usize = 256;
/// Codes that name a person or an institution; all others name things.
const CODES_OF_PERSONS: [Tag; 2] = [
    tags::PERSON_IDENTIFICATION_CODE_SEQUENCE,
    tags::INSTITUTION_CODE_SEQUENCE,
];

/// What a value is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    Name,
    Identifier,
    Descriptor,
    /// Text of a private element, whose meaning is not known.
    Private,
    Date,
    Uid,
}

/// A value to look for. Equal ones have the same patterns.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RemovedValue {
    pub kind: ValueKind,
    /// Where it has other than ASCII: its own character set, a line end, and those of the data sets
    /// around it.
    pub character_sets: Bytes,
    /// One value without padding, or where it has other than ASCII, the value field.
    pub bytes: Bytes,
}

/// An item that leads to an element, with those around it. All elements in one item share it.
#[derive(PartialEq, Eq)]
struct LocationStep {
    parent: Option<Arc<LocationStep>>,
    item: (Tag, usize),
}

/// Where an element stood before cleaning.
#[derive(PartialEq, Eq)]
pub struct FormerLocation {
    inside: Option<Arc<LocationStep>>,
    pub tag: Tag,
}

impl FormerLocation {
    /// The sequences and numbers of items that lead there.
    pub fn items(&self) -> Vec<(Tag, usize)> {
        let mut items: Vec<_> =
            std::iter::successors(self.inside.as_deref(), |step| step.parent.as_deref())
                .map(|step| step.item)
                .collect();
        items.reverse();
        items
    }
}

/// A value that is gone from its place.
pub struct Removal {
    pub value: RemovedValue,
    pub location: FormerLocation,
}

/// All values that are gone or changed, in file order and each once, where they are not too many.
pub fn removals(before: &DataSet, after: &DataSet) -> Result<Vec<Removal>, TooCostly> {
    let own = |tag: &Tag| {
        after
            .get(*tag)
            .and_then(Element::bytes)
            .cloned()
    };
    let kept_uids = OWN_UIDS
        .iter()
        .filter_map(own)
        .collect();
    let mut collect = RemovalCollector {
        top: (before, after),
        kept_at_top: OnceCell::new(),
        kept_uids,
        products: ProductNames::of(after),
        path: Vec::new(),
        removals: Vec::new(),
        next_sweep: FIRST_SWEEP,
        character_set_bytes: 0,
    };
    collect.data_set(before, Some(after), &Bytes::new())?;
    collect.sweep();
    Ok(collect.removals)
}

/// An item that the collection is in.
struct OpenItem {
    item: (Tag, usize),
    /// Made when something in it is gone.
    step: Option<Arc<LocationStep>>,
}

struct RemovalCollector<'a> {
    /// The top as it was and as it is.
    top: (&'a DataSet, &'a DataSet),
    /// The values that stayed there, made when they are needed; none where both are in the order of
    /// their tags, so that looking there takes no time.
    kept_at_top: OnceCell<Option<HashMap<Tag, &'a Bytes>>>,
    kept_uids: Vec<Bytes>,
    products: ProductNames,
    path: Vec<OpenItem>,
    removals: Vec<Removal>,
    /// How many there are when those that are the same are next taken out.
    next_sweep: usize,
    /// How much was copied of the character sets that items declare.
    character_set_bytes: usize,
}

impl RemovalCollector<'_> {
    fn data_set(
        &mut self,
        before: &DataSet,
        after: Option<&DataSet>,
        parent: &Bytes,
    ) -> Result<(), TooCostly> {
        let character_sets = self.character_sets(before, parent)?;
        // Both are in the order of their tags, nearly always: the next one is where it should be,
        // or is gone.
        let mut rest = after
            .map(DataSet::iter)
            .unwrap_or_default()
            .peekable();
        let disordered = after.filter(|after| !after.is_ascending() || !before.is_ascending());
        let disordered = disordered.map(|after| {
            after
                .iter()
                .map(|element| (element.tag, element))
                .collect::<HashMap<_, _>>()
        });
        for old in before {
            while rest
                .next_if(|new| new.tag < old.tag)
                .is_some()
            {}
            let next = rest.next_if(|new| new.tag == old.tag);
            let new = next.or_else(|| {
                disordered
                    .as_ref()
                    .and_then(|after| after.get(&old.tag).copied())
            });
            self.element(old, new, &character_sets)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        old: &Element,
        new: Option<&Element>,
        character_sets: &Bytes,
    ) -> Result<(), TooCostly> {
        if let Some(sequence) = old.items() {
            let left = new
                .and_then(Element::items)
                .map(|left| &left.items);
            if left.is_some_and(|left| left.is_same(&sequence.items)) {
                return Ok(());
            }
            let left = left
                .map(|left| left.as_slice())
                .unwrap_or_default();
            return self.items(old.tag, &sequence.items, left, character_sets);
        }
        let Some(bytes) = old
            .bytes()
            .filter(|bytes| !bytes.is_empty())
        else {
            return Ok(());
        };
        if new
            .and_then(Element::bytes)
            .is_some_and(|new| same(bytes, new))
            || self.is_kept_at_top(old.tag, bytes)
        {
            return Ok(());
        }
        let Some(kind) = value_kind(
            old,
            self.path
                .last()
                .map(|open| open.item.0),
        ) else {
            return Ok(());
        };
        let only_whole = matches!(kind, ValueKind::Descriptor | ValueKind::Private);
        if only_whole && bytes.len() > LONGEST_WHOLE {
            return Ok(());
        }
        self.value(kind, bytes, character_sets, old.tag)
    }

    /// Where items went away it is not known which: those count as gone of which none is left as
    /// it was. Those that are left are in their order, so each is looked for behind the one before
    /// it.
    fn items(
        &mut self,
        tag: Tag,
        items: &[Item],
        left: &[Item],
        character_sets: &Bytes,
    ) -> Result<(), TooCostly> {
        let mut behind = 0;
        for (index, item) in items.iter().enumerate() {
            let same = if left.len() < items.len() {
                let ahead = left
                    .get(behind..)
                    .unwrap_or_default()
                    .iter()
                    .take(MOST_LOOKED_AHEAD);
                let found = ahead
                    .zip(behind..)
                    .find(|(left, _)| **left == *item);
                behind = found.map_or(behind, |(_, at)| at + 1);
                found.map(|(left, _)| left)
            } else {
                left.get(index)
            };
            self.path.push(OpenItem {
                item: (tag, index),
                step: None,
            });
            self.data_set(&item.data, same.map(|item| &item.data), character_sets)?;
            self.path.pop();
        }
        Ok(())
    }

    /// Whether a nested value is also that of the same attribute at the top, which the profile
    /// leaves as it was.
    fn is_kept_at_top(&self, tag: Tag, bytes: &Bytes) -> bool {
        if self.path.is_empty() {
            return false;
        }
        let (before, after) = self.top;
        let kept = self.kept_at_top.get_or_init(|| {
            (!before.is_ascending() || !after.is_ascending()).then(|| kept_values(before, after))
        });
        if let Some(kept) = kept {
            return kept.get(&tag) == Some(&bytes);
        }
        let is_there = |data: &DataSet| {
            data.get(tag)
                .and_then(Element::bytes)
                .is_some_and(|there| same(there, bytes))
        };
        is_there(before) && is_there(after)
    }

    fn value(
        &mut self,
        kind: ValueKind,
        bytes: &Bytes,
        character_sets: &Bytes,
        tag: Tag,
    ) -> Result<(), TooCostly> {
        if !is_plain(bytes) {
            return self.push(
                RemovedValue {
                    kind,
                    character_sets: character_sets.clone(),
                    bytes: bytes.clone(),
                },
                tag,
            );
        }
        let ends = memchr_iter(b'\\', bytes).chain([bytes.len()]);
        let mut next = 0;
        for end in ends {
            let value = bytes
                .get(next..end)
                .unwrap_or_default();
            next = end + 1;
            let value = without_padding(value.trim_ascii());
            let value = if kind == ValueKind::Date {
                value.get(..8).unwrap_or_default()
            } else {
                value
            };
            if self
                .products
                .covers(kind, tag, value)
            {
                continue;
            }
            let uid = kind == ValueKind::Uid
                && self
                    .kept_uids
                    .iter()
                    .any(|kept| without_padding(kept) == value);
            if !value.is_empty() && !uid {
                self.push(
                    RemovedValue {
                        kind,
                        character_sets: Bytes::new(),
                        bytes: bytes.slice_ref(value),
                    },
                    tag,
                )?;
            }
        }
        Ok(())
    }

    fn push(&mut self, value: RemovedValue, tag: Tag) -> Result<(), TooCostly> {
        if self
            .removals
            .last()
            .is_some_and(|last| last.value == value)
        {
            return Ok(());
        }
        let location = FormerLocation {
            inside: self.inside(),
            tag,
        };
        self.removals
            .push(Removal { value, location });
        if self.removals.len() < self.next_sweep {
            return Ok(());
        }
        self.sweep();
        self.next_sweep = (self.removals.len() * 2).clamp(FIRST_SWEEP, MOST_REMOVALS);
        if self.removals.len() < MOST_REMOVALS {
            Ok(())
        } else {
            Err(TooCostly("too many values were removed"))
        }
    }

    /// Frame after frame of an enhanced image loses the same.
    fn sweep(&mut self) {
        let mut seen = HashSet::default();
        seen.reserve(self.removals.len());
        let first: Vec<bool> = self
            .removals
            .iter()
            .map(|removal| seen.insert(&removal.value))
            .collect();
        if first.contains(&false) {
            let mut first = first.into_iter();
            self.removals
                .retain(|_| first.next().unwrap_or(true));
        }
    }

    /// The way to the item that the collection is in.
    fn inside(&mut self) -> Option<Arc<LocationStep>> {
        let made = self.path.last()?.step.clone();
        if made.is_some() {
            return made;
        }
        let mut parent = None;
        for open in &mut self.path {
            let item = open.item;
            let step = open.step.get_or_insert_with(|| {
                Arc::new(LocationStep {
                    parent: parent.take(),
                    item,
                })
            });
            parent = Some(Arc::clone(step));
        }
        parent
    }

    /// The character sets that values of a data set may be written in: its own first, then those
    /// around it. No list of sets that is in use is longer than what is taken of it.
    fn character_sets(&mut self, data: &DataSet, parent: &Bytes) -> Result<Bytes, TooCostly> {
        let Some(own) = data
            .get(CHARACTER_SET)
            .and_then(Element::bytes)
        else {
            return Ok(parent.clone());
        };
        let own = own.slice(
            ..own
                .len()
                .min(LONGEST_CHARACTER_SETS),
        );
        if parent.is_empty() {
            return Ok(own);
        }
        let parent = parent
            .get(
                ..parent
                    .len()
                    .min(LONGEST_CHARACTER_SETS),
            )
            .unwrap_or_default();
        self.character_set_bytes += own.len() + 1 + parent.len();
        if self.character_set_bytes > MOST_CHARACTER_SET_BYTES {
            return Err(TooCostly("too many items declare character sets"));
        }
        Ok([&own, b"\n".as_slice(), parent]
            .concat()
            .into())
    }
}

/// The values that stand in both.
fn kept_values<'a>(before: &'a DataSet, after: &'a DataSet) -> HashMap<Tag, &'a Bytes> {
    let values = |data: &'a DataSet| {
        data.iter()
            .filter_map(|element| Some((element.tag, element.bytes()?)))
    };
    let after: HashMap<_, _> = values(after).collect();
    values(before)
        .filter(|(tag, bytes)| {
            after
                .get(tag)
                .is_some_and(|new| same(bytes, new))
        })
        .collect()
}

fn same(old: &Bytes, new: &Bytes) -> bool {
    old.len() == new.len() && (old.as_ptr() == new.as_ptr() || old == new)
}

/// What a value of this element is taken for; none where it is no text. `sequence` is the one whose
/// item it stands in.
fn value_kind(element: &Element, sequence: Option<Tag>) -> Option<ValueKind> {
    static KINDS: LazyLock<AttributeTable<Option<ValueKind>>> = LazyLock::new(AttributeTable::new);
    let (tag, vr) = (element.tag, element.vr);
    // What a private element is needs no looking up, and what a part of a code is the sequence
    // tells.
    if element.is_private() || is_code(tag) {
        return kind_of(tag, vr, sequence);
    }
    KINDS.get(tag, vr, || kind_of(tag, vr, None))
}

fn kind_of(tag: Tag, vr: VR, sequence: Option<Tag>) -> Option<ValueKind> {
    let vr = if vr == VR::UN {
        standard::vr(tag).unwrap_or(VR::UN)
    } else {
        vr
    };
    match vr {
        VR::PN => Some(ValueKind::Name),
        VR::UI => Some(ValueKind::Uid),
        VR::DA | VR::DT => Some(ValueKind::Date),
        VR::AE | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UN | VR::UR | VR::UT => {
            text_kind(tag, vr, sequence)
        }
        _ => None,
    }
}

fn text_kind(tag: Tag, vr: VR, sequence: Option<Tag>) -> Option<ValueKind> {
    if is_creator(tag) {
        None
    } else if standard::is_private(tag) || vr == VR::UN {
        Some(ValueKind::Private)
    } else if is_code(tag) {
        sequence
            .filter(|sequence| CODES_OF_PERSONS.contains(sequence))
            .map(|_| ValueKind::Identifier)
    } else if is_identifier(tag, vr) {
        Some(ValueKind::Identifier)
    } else {
        // Thousands share the make of a device.
        let names_product =
            unlisted_attribute(tag).is_some_and(|listed| listed.role == IdentifyingRole::Product);
        (!names_product).then_some(ValueKind::Descriptor)
    }
}

/// Whether the values of an attribute are identifiers, whose parts identify as well. Places and
/// ways to reach them are made of words that others use too, and count as a whole.
pub fn is_identifier(tag: Tag, vr: VR) -> bool {
    matches!(
        identifier_kind(tag, vr),
        Some(IdentifierKind::Person | IdentifierKind::Id)
    )
}

/// Whether the attribute is part of a coded entry (PS3.3 section 8): a code, its scheme or its
/// meaning.
pub fn is_code(tag: Tag) -> bool {
    tag.group() == 0x0008 && matches!(tag.element(), 0x0100..=0x0122)
}

/// Attributes in which programs and devices put their own name: who made the content, stations and
/// their titles, machines, and what identifies a device.
const FILLED_BY_PROGRAMS: [Tag; 14] = [
    tags::RETRIEVE_AE_TITLE,
    tags::STATION_AE_TITLE,
    tags::STATION_NAME,
    tags::DEVICE_SERIAL_NUMBER,
    tags::DEVICE_ID,
    tags::SECONDARY_CAPTURE_DEVICE_ID,
    tags::DETECTOR_ID,
    tags::SCHEDULED_STATION_AE_TITLE,
    tags::SCHEDULED_STATION_NAME,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_STATION_NAME,
    tags::CONTENT_CREATOR_NAME,
    tags::RADIATION_MACHINE_NAME,
    tags::TREATMENT_MACHINE_NAME,
];
/// The bytes that are read of the values of one attribute.
const LONGEST_PRODUCT: usize = 256;

/// Where a file states makers, their products and versions: of the equipment, of what captured a
/// secondary image, of the application.
const PRODUCT_ATTRIBUTES: [Tag; 9] = [
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SECONDARY_CAPTURE_DEVICE_MANUFACTURER,
    tags::SECONDARY_CAPTURE_DEVICE_MANUFACTURER_MODEL_NAME,
    tags::SECONDARY_CAPTURE_DEVICE_SOFTWARE_VERSIONS,
    tags::SOFTWARE_VERSIONS,
    tags::APPLICATION_NAME,
    tags::APPLICATION_VERSION,
    tags::APPLICATION_MANUFACTURER,
];

/// What an instance keeps of the names of its makers, their products and versions.
struct ProductNames {
    values: Vec<Bytes>,
    /// The same as words, made when they are needed.
    words: OnceCell<Vec<Vec<String>>>,
}

impl ProductNames {
    /// Those of the top of a data set.
    fn of(after: &DataSet) -> Self {
        let kept = PRODUCT_ATTRIBUTES
            .iter()
            .filter_map(|tag| {
                after
                    .get(*tag)
                    .and_then(Element::bytes)
            })
            .filter(|bytes| !bytes.is_empty());
        Self {
            values: kept
                .map(|bytes| bytes.slice(..bytes.len().min(LONGEST_PRODUCT)))
                .collect(),
            words: OnceCell::new(),
        }
    }

    /// Whether a removed value says no more than they do.
    fn covers(&self, kind: ValueKind, tag: Tag, value: &[u8]) -> bool {
        if self.values.is_empty() || value.is_empty() || value.len() > LONGEST_PRODUCT {
            return false;
        }
        match kind {
            ValueKind::Private => self.contain(value),
            ValueKind::Name | ValueKind::Identifier | ValueKind::Descriptor => {
                FILLED_BY_PROGRAMS.contains(&tag) && self.contain_words(value)
            }
            ValueKind::Date | ValueKind::Uid => false,
        }
    }

    fn contain(&self, value: &[u8]) -> bool {
        let holds = |product: &Bytes| {
            product
                .windows(value.len())
                .any(|part| part.eq_ignore_ascii_case(value))
        };
        self.values.iter().any(holds)
    }

    /// Whether one of them holds all words of the value, side by side and in their order.
    fn contain_words(&self, value: &[u8]) -> bool {
        let wanted: Vec<String> = words(value);
        let products = self.words.get_or_init(|| {
            let values = self
                .values
                .iter()
                .flat_map(|bytes| bytes.split(|byte| *byte == b'\\'));
            values
                .map(|value| words(without_padding(value)))
                .collect()
        });
        let named = |product: &Vec<String>| {
            product
                .windows(wanted.len())
                .any(|row| *row == *wanted)
        };
        !wanted.is_empty() && products.iter().any(named)
    }
}

/// Runs of letters and digits, in lower case.
fn words(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).to_lowercase();
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
