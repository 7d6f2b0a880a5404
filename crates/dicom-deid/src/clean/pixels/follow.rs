//! What shows the same picture as the pixel data, and must not outlive what was blanked there.
//!
//! Owns their removal: whether an icon or an overlay repeats the blanked part cannot be told.

use dicom_lossless::{DataSet, Element, Instance, Tag};

/// Icon Image Sequence.
const ICON: Tag = Tag(0x0088, 0x0200);

/// Removes icon images at every level. Overlays and curves too, unless the confidentiality table
/// has its own say on them.
pub(super) fn remove(instance: &mut Instance, table: bool) {
    for data in [&mut instance.header, &mut instance.tail] {
        if !table {
            data.retain(|element| !is_drawn_over(element));
        }
        without_icons(data);
    }
}

/// Overlays (60xx) and curves (50xx).
fn is_drawn_over(element: &Element) -> bool {
    matches!(element.tag.group() >> 8, 0x50 | 0x60) && !element.is_private()
}

/// Goes no deeper than the reader lets a file be nested.
fn without_icons(data: &mut DataSet) {
    data.retain(|element| element.tag != ICON);
    for sequence in data.iter_mut().filter_map(Element::items_mut) {
        for item in &mut sequence.items {
            without_icons(&mut item.data);
        }
    }
}
