//! Private elements: found by their creator, made, and removed.

use dicom_lossless::{CharacterSet, DataSet, Element, Tag, VR, character_set_of};

use super::element_value::item_sets;
use crate::profile::Selector;
use crate::standard;

/// A private element as a profile names it.
#[derive(Clone, Copy)]
pub struct PrivateName<'s> {
    pub group: u16,
    pub creator: &'s str,
    pub element: u8,
}

impl<'s> PrivateName<'s> {
    /// The name in a selector, if it names a private element by its creator.
    pub fn of(selector: &'s Selector) -> Option<Self> {
        match selector {
            Selector::Private {
                group,
                creator,
                element,
            } => Some(Self {
                group: *group,
                creator,
                element: *element,
            }),
            _ => None,
        }
    }

    /// The element in every block that the creator has in this data set (PS3.5 section 7.8.1),
    /// normally one.
    pub fn tags(self, data: &DataSet) -> Vec<Tag> {
        self.blocks(data)
            .map(|block| self.in_block(block))
            .collect()
    }

    fn in_block(self, block: u16) -> Tag {
        Tag(self.group, block << 8 | u16::from(self.element))
    }

    fn blocks(self, data: &DataSet) -> impl Iterator<Item = u16> {
        let creators = data
            .iter()
            .filter(move |element| element.tag.group() == self.group && is_creator(element.tag));
        creators
            .filter(move |element| creator_text(element, data) == self.creator)
            .map(|element| element.tag.element())
    }

    /// The VR that the standard's table gives.
    pub fn known_vr(self) -> Option<VR> {
        standard::private_vr(self.creator, self.group, self.element)
    }

    /// Where the element belongs: in the creator's block, which is made where there is none. None
    /// if all are taken.
    pub fn make_room(self, data: &mut DataSet, charset: &CharacterSet) -> Option<Tag> {
        if let Some(block) = self.blocks(data).next() {
            return Some(self.in_block(block));
        }
        let free = (0x10..=0xFF).find(|block| {
            data.get(Tag(self.group, *block))
                .is_none()
        })?;
        data.put(Element::with_text(Tag(self.group, free), VR::LO, self.creator, charset).ok()?);
        Some(self.in_block(free))
    }
}

/// The private creator of the block that an element is in.
pub fn creator_of(tag: Tag) -> Tag {
    Tag(tag.group(), tag.element() >> 8)
}

/// Whether the tag is that of a private creator.
pub fn is_creator(tag: Tag) -> bool {
    standard::is_private(tag) && (0x10..=0xFF).contains(&tag.element())
}

pub fn creator_text(element: &Element, data: &DataSet) -> String {
    let Some(bytes) = element.bytes() else {
        return String::new();
    };
    let charset = character_set_of(data, &CharacterSet::default());
    charset
        .decode(bytes, false)
        .trim_end_matches([' ', '\0'])
        .to_owned()
}

/// The VR that an element really has: where the file says UN, that of the dictionary.
pub fn effective_vr(element: &Element, data: &DataSet) -> VR {
    match element.vr {
        VR::UN => standard::vr(element.tag)
            .or_else(|| vr_of(element.tag, data))
            .unwrap_or(VR::UN),
        known => known,
    }
}

/// The VR of a private element by its absolute number, if its creator is here and known.
pub fn vr_of(tag: Tag, data: &DataSet) -> Option<VR> {
    if is_creator(tag) {
        return Some(VR::LO);
    }
    let [_, element] = tag.element().to_be_bytes();
    let creator = data.get(creator_of(tag))?;
    standard::private_vr(&creator_text(creator, data), tag.group(), element)
}

fn holds_private(data: &DataSet) -> bool {
    data.iter()
        .any(|element| element.is_private() || item_sets(element).any(holds_private))
}

/// Removes private elements at every level. What the profile names by creator stays, with its
/// creator, where that creator has it at the same level: a number alone protects nothing. Gives the
/// number of elements removed.
pub fn remove_all(data: &mut DataSet, protected: &[PrivateName<'_>]) -> u32 {
    let kept: Vec<Tag> = protected
        .iter()
        .flat_map(|name| name.tags(data))
        .flat_map(|tag| [tag, creator_of(tag)])
        .collect();
    let mut removed = 0;
    data.retain(|element| {
        let keep = !element.is_private() || kept.contains(&element.tag);
        removed += u32::from(!keep);
        keep
    });
    for element in data.iter_mut() {
        // What holds nothing private is not touched, so that it stays shared.
        if item_sets(element).any(holds_private)
            && let Some(sequence) = element.items_mut()
        {
            removed += sequence
                .items
                .iter_mut()
                .map(|item| remove_all(&mut item.data, protected))
                .sum::<u32>();
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use dicom_lossless::Encoding;

    use super::*;

    fn text(group: u16, element: u16, value: &'static str) -> Element {
        Element::new(Tag(group, element), VR::LO, value.as_bytes())
    }

    #[test]
    fn a_number_protects_nothing_under_another_creator() {
        let name = PrivateName {
            group: 9,
            creator: "MINE",
            element: 1,
        };
        let nested =
            DataSet::from_elements(vec![text(9, 0x10, "OTHER "), text(9, 0x1001, "secret")]);
        let mine = DataSet::from_elements(vec![
            text(9, 0x11, "MINE"),
            text(9, 0x1101, "kept"),
            text(9, 0x1102, "x "),
        ]);
        let mut data = DataSet::from_elements(vec![
            Element::sequence(
                Tag(8, 0x1140),
                vec![nested, mine],
                Encoding::EXPLICIT_LITTLE,
            ),
            text(9, 0x10, "MINE"),
            text(9, 0x1001, "kept"),
            text(9, 0x1002, "gone"),
        ]);
        assert_eq!(remove_all(&mut data, &[name]), 4);
        let items = data
            .get(Tag(8, 0x1140))
            .and_then(Element::items)
            .map(|sequence| sequence.items.clone())
            .unwrap_or_default();
        assert_eq!(
            items
                .iter()
                .map(|item| item.data.len())
                .collect::<Vec<_>>(),
            [0, 2]
        );
        assert_eq!(data.len(), 3);
    }

    #[test]
    fn room_is_made_in_the_first_free_block() {
        let name = PrivateName {
            group: 9,
            creator: "MINE",
            element: 1,
        };
        let mut data = DataSet::from_elements(vec![text(9, 0x10, "OTHER ")]);
        assert_eq!(
            name.make_room(&mut data, &CharacterSet::default()),
            Some(Tag(9, 0x1101))
        );
        assert_eq!(
            name.make_room(&mut data, &CharacterSet::default()),
            Some(Tag(9, 0x1101))
        );
        assert_eq!(data.len(), 2);
    }
}
