//! Private elements: all go, but for those that are known safe where the option keeps them. What
//! stays is cleaned.
//!
//! Known safe is what the file's own characteristics say so of (PS3.3 section C.12.1.1.7), else
//! what Table E.3.10-1 lists, by creator and not by number.

use bytes::Bytes;
use dicom_dictionary_std::tags::{
    BLOCK_IDENTIFYING_INFORMATION_STATUS, DEIDENTIFICATION_ACTION,
    DEIDENTIFICATION_ACTION_SEQUENCE, IDENTIFYING_PRIVATE_ELEMENTS,
    NONIDENTIFYING_PRIVATE_ELEMENTS, PRIVATE_CREATOR_REFERENCE,
    PRIVATE_DATA_ELEMENT_CHARACTERISTICS_SEQUENCE, PRIVATE_GROUP_REFERENCE,
};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, Value};

use super::{
    Changed, DataSetContext, EffectResult, InstanceCleaner, Removed, Unchanged, put_dummy,
};
use crate::elements::element_value::item_sets;
use crate::elements::private_elements::{creator_of, creator_text, is_creator};
use crate::profile::{Confidentiality, is_text};
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};

/// What of the private elements of one data set is known safe.
pub struct SafePrivate {
    /// Whether safe private elements stay at all.
    pub wanted: bool,
    elements: Vec<(Tag, SafeElement)>,
    creators: Vec<Tag>,
}

/// What is known of a private element.
#[derive(Clone, Copy)]
struct SafeElement {
    vr: VR,
    /// What the file itself declares is to be done; none where the element is safe.
    action: Option<ActionCode>,
}

/// What a file declares of the elements of one creator.
struct CreatorCharacteristics {
    group: u16,
    creator: String,
    safe: bool,
    nonidentifying: Vec<u16>,
    actions: Vec<(Vec<u16>, ActionCode)>,
}

impl SafePrivate {
    pub fn of(data: &DataSet, settings: &Confidentiality) -> Self {
        let wanted = settings
            .options
            .has(O::RetainSafePrivate);
        let mut safe = Self {
            wanted,
            elements: Vec::new(),
            creators: Vec::new(),
        };
        if !wanted
            || data
                .iter()
                .all(|element| !element.is_private())
        {
            return safe;
        }
        let declared = declared(data);
        let mut last: Option<(Tag, String)> = None;
        for element in data
            .iter()
            .filter(|element| element.is_private() && !is_creator(element.tag))
        {
            let block = creator_of(element.tag);
            if last
                .as_ref()
                .is_none_or(|(of, _)| *of != block)
            {
                last = data
                    .get(block)
                    .filter(|_| is_creator(block))
                    .map(|creator| (block, creator_text(creator, data)));
            }
            let Some((_, creator)) = &last else { continue };
            if let Some(known) = known(element, creator, &declared) {
                safe.elements
                    .push((element.tag, known));
                safe.creators.push(block);
            }
        }
        safe
    }
}

/// What is known of an element; none where nothing says that it is safe, or its VR is not the one
/// that was looked at.
fn known(
    element: &Element,
    creator: &str,
    declared: &[CreatorCharacteristics],
) -> Option<SafeElement> {
    let (group, number) = (element.tag.group(), element.tag.element() & 0xFF);
    let low = u8::try_from(number).ok()?;
    let vr = if element.vr == VR::UN {
        standard::private_vr(creator, group, low).unwrap_or(VR::UN)
    } else {
        element.vr
    };
    if let Some(declared) = declared
        .iter()
        .find(|declared| declared.group == group && declared.creator == creator)
    {
        let action = declared
            .actions
            .iter()
            .find(|(numbers, _)| numbers.contains(&number))
            .map(|(_, action)| *action);
        let safe = declared.safe
            || declared
                .nonidentifying
                .contains(&number);
        return (safe || action.is_some()).then_some(SafeElement { vr, action });
    }
    standard::is_listed_as_safe_under(vr, creator, group, low)
        .then_some(SafeElement { vr, action: None })
}

/// What the Private Data Element Characteristics Sequence declares.
fn declared(data: &DataSet) -> Vec<CreatorCharacteristics> {
    let Some(sequence) = data
        .get(PRIVATE_DATA_ELEMENT_CHARACTERISTICS_SEQUENCE)
        .and_then(Element::items)
    else {
        return Vec::new();
    };
    let encoding = sequence.encoding;
    let read = |item: &DataSet| {
        let text = |tag| Some(creator_text(item.get(tag)?, item));
        let actions = item
            .get(DEIDENTIFICATION_ACTION_SEQUENCE)
            .into_iter();
        let actions = actions
            .flat_map(item_sets)
            .filter_map(|one| {
                let action = one
                    .get(DEIDENTIFICATION_ACTION)?
                    .bytes()?;
                // X, D, Z and U are what the standard allows here; whatever else is there removes.
                let code = match action.trim_ascii() {
                    b"D" => ActionCode::Dummy,
                    b"Z" => ActionCode::Zero,
                    b"U" => ActionCode::Uid,
                    _ => ActionCode::Remove,
                };
                Some((numbers(one, IDENTIFYING_PRIVATE_ELEMENTS, encoding), code))
            });
        Some(CreatorCharacteristics {
            group: *numbers(item, PRIVATE_GROUP_REFERENCE, encoding).first()?,
            creator: text(PRIVATE_CREATOR_REFERENCE)?,
            safe: text(BLOCK_IDENTIFYING_INFORMATION_STATUS).is_some_and(|status| status == "SAFE"),
            nonidentifying: numbers(item, NONIDENTIFYING_PRIVATE_ELEMENTS, encoding),
            actions: actions.collect(),
        })
    };
    let items = sequence.items.iter();
    items
        .filter_map(|item| read(&item.data))
        .collect()
}

fn numbers(data: &DataSet, tag: Tag, encoding: Encoding) -> Vec<u16> {
    let bytes = data
        .get(tag)
        .and_then(Element::bytes);
    bytes
        .into_iter()
        .flat_map(|bytes| bytes.as_chunks::<2>().0)
        .map(|word| encoding.u16(*word))
        .collect()
}

impl InstanceCleaner<'_> {
    pub fn private_element(
        &mut self,
        element: &mut Element,
        context: DataSetContext<'_>,
        safe: &SafePrivate,
    ) -> EffectResult {
        if safe.creators.contains(&element.tag) {
            return Ok(Unchanged);
        }
        let known = safe
            .elements
            .iter()
            .find(|(tag, _)| *tag == element.tag);
        let Some((_, SafeElement { vr, action })) = known.copied() else {
            return Ok(Removed);
        };
        Ok(match action {
            None => return self.clean_private(element, vr, context),
            Some(ActionCode::Uid) => self.replace_uids(element),
            Some(ActionCode::Zero) => {
                element.value = Value::Bytes(Bytes::new());
                Changed
            }
            Some(ActionCode::Dummy) => put_dummy(element, vr).unwrap_or(Removed),
            Some(_) => Removed,
        })
    }

    /// What stays of a safe private element (Table E.1-1: C).
    fn clean_private(
        &mut self,
        element: &mut Element,
        vr: VR,
        context: DataSetContext<'_>,
    ) -> EffectResult {
        if element.items().is_some() {
            return self.clean_items(element, context);
        }
        let has = |option| self.settings.options.has(option);
        match vr {
            VR::DA | VR::DT | VR::TM if has(O::RetainFullDates) => Ok(Unchanged),
            VR::DA | VR::DT | VR::TM if has(O::RetainModifiedDates) => {
                self.shift_dates(element, vr, context)
            }
            VR::DA | VR::DT | VR::TM | VR::SQ | VR::PN | VR::AE | VR::UR => Ok(Removed),
            VR::UI if !has(O::RetainUids) => Ok(self.replace_uids(element)),
            VR::UI | VR::CS => self.keep(element, vr, context),
            _ if is_text(vr) => self.clean_text(element, vr, context),
            _ => self.keep(element, vr, context),
        }
    }
}
