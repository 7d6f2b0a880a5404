//! Graphics: annotations that become dummies, and overlays, which cannot be looked into and go as a
//! whole.

use super::act::put_text;
use super::{Place, Stays, Work};
use crate::error::DeidError;
use dicom_lossless::{DataSet, Element, Tag, VR};

const GRAPHIC_OBJECTS: Tag = Tag(0x0070, 0x0009);
const DATA: Tag = Tag(0x0070, 0x0022);
const KIND: Tag = Tag(0x0070, 0x0023);
const POINTS: Tag = Tag(0x0070, 0x0021);
const DIMENSIONS: Tag = Tag(0x0070, 0x0020);
const FILLED: Tag = Tag(0x0070, 0x0024);

impl Work<'_> {
    /// Every drawing becomes one point; texts become dummies by the table.
    pub(super) fn dummy_graphics(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let big = element
            .items()
            .is_some_and(|sequence| sequence.encoding.big_endian);
        for item in element
            .items_mut()
            .into_iter()
            .flat_map(|sequence| &mut sequence.items)
        {
            let objects = item
                .data
                .get_mut(GRAPHIC_OBJECTS)
                .and_then(Element::items_mut);
            for object in objects.into_iter().flat_map(|objects| &mut objects.items) {
                point(&mut object.data, big);
                self.outcome.changed += 1;
            }
        }
        self.items(element, place)
    }
}

fn point(object: &mut DataSet, big_endian: bool) {
    let word = |number: u16| {
        if big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    };
    let one = if big_endian {
        1_f32.to_be_bytes()
    } else {
        1_f32.to_le_bytes()
    };
    let vr = VR::US;
    object.put(Element::new(DIMENSIONS, vr, word(2).to_vec()));
    object.put(Element::new(POINTS, vr, word(1).to_vec()));
    object.put(Element::new(DATA, VR::FL, [one, one].concat()));
    if let Some(kind) = object.get_mut(KIND) {
        put_text(kind, "POINT");
    }
    object.remove(FILLED);
}

/// Removes what describes overlays whose planes are gone. Those that lie in the pixel data are
/// taken from there beforehand.
pub(super) fn without_overlays(data: &mut DataSet) -> u32 {
    let before = data.len();
    data.retain(|element| !is_overlay(element.tag));
    u32::try_from(before - data.len()).unwrap_or(u32::MAX)
}

fn is_overlay(tag: Tag) -> bool {
    tag.group() & 0xFF00 == 0x6000 && tag.group().is_multiple_of(2)
}
