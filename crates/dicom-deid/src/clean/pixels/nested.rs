//! Pixel data in sequences, and other bytes that only stand for a picture: kept to what a decoder
//! needs, or removed.
//!
//! Owns this for every data set of a file but for the image itself. Nothing is refused for pixel
//! data in a sequence: where it is not plainly an image it goes.

use std::sync::Arc;

use bytes::Bytes;

use super::image::ALL_PIXELS;
use super::native::{Frames, frames, swaps};
use super::{comments, lookup};
use crate::error::DeidError;
use dicom_lossless::{DataSet, Element, Encoding, Instance, Layout, Mask, SourceFile, Tag, Value};

/// Cleans the data sets around the image and in it. Tells whether anything had to go.
pub(super) fn clean(instance: &mut Instance) -> Result<bool, DeidError> {
    let work = Nested {
        file: instance.source.file().clone(),
        syntax: instance.syntax.uid.clone(),
        compressed: super::is_compressed(instance),
    };
    let encoding = instance.syntax.encoding;
    let header = work.data_set(&mut instance.header, encoding, true)?;
    Ok(work.data_set(&mut instance.tail, encoding, true)? || header)
}

struct Nested {
    /// The file that the bytes are from, which is named and not opened.
    file: Arc<SourceFile>,
    syntax: String,
    compressed: bool,
}

/// Whether an element is one that this module speaks of.
fn is_concerned(element: &Element) -> bool {
    is_picture(element.tag)
        || lookup::is_table(element.tag)
        || matches!(element.value, Value::Fragments(_))
}

/// Pixel data of any kind: that of today, its offset tables, and retired variable pixel data and
/// coefficients.
fn is_picture(tag: Tag) -> bool {
    tag.group() & 0xFF01 == 0x7F00
}

impl Nested {
    /// Goes no deeper than the reader lets a file be nested.
    fn data_set(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        top: bool,
    ) -> Result<bool, DeidError> {
        let mut changed = false;
        let mut concerned = false;
        for element in data.iter_mut() {
            concerned |= is_concerned(element);
            let Some(sequence) = element
                .items_mut()
                .filter(|sequence| !sequence.items.is_empty())
            else {
                continue;
            };
            let encoding = sequence.encoding;
            for item in &mut sequence.items {
                changed |= self.data_set(&mut item.data, encoding, false)?;
            }
        }
        if concerned {
            changed |= self.pictures(data, encoding, top)?;
        }
        Ok(changed)
    }

    fn pictures(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        top: bool,
    ) -> Result<bool, DeidError> {
        let around = data.clone();
        let (mut changed, mut failure) = (false, None);
        data.retain_mut(|element| {
            if failure.is_some() || !is_concerned(element) {
                return true;
            }
            let stays = match element.tag {
                tag if lookup::is_table(tag) => {
                    lookup::cut(element, lookup::longest(&around, tag, encoding)).map(|cut| {
                        changed |= cut;
                        true
                    })
                }
                // The image's own offset tables are compared with its fragments.
                Tag(0x7FE0, 0x0001..=0x0003) if top => Ok(true),
                tag if ALL_PIXELS.contains(&tag) && !top => {
                    Ok(self.keeps(element, &around, encoding, &mut changed))
                }
                _ => Ok(false),
            };
            let stays = stays.unwrap_or_else(|why| {
                failure = Some(why);
                true
            });
            changed |= !stays;
            stays
        });
        failure.map_or(Ok(changed), Err)
    }

    /// Whether pixel data in a sequence stays, cut to its frames.
    fn keeps(
        &self,
        element: &mut Element,
        around: &DataSet,
        encoding: Encoding,
        changed: &mut bool,
    ) -> bool {
        let layout = Layout::of(|tag| around.get(tag), element.tag, encoding);
        match &mut element.value {
            Value::Bytes(bytes) => {
                let Some(layout) = layout else {
                    return bytes.is_empty();
                };
                let total = match frames(&layout, bytes.len() as u64) {
                    Frames::All => layout.total_len(),
                    Frames::First(total) => total,
                    Frames::Doubtful(_) => return false,
                };
                let total = if swaps(&layout, element.vr, encoding) {
                    total.next_multiple_of(2)
                } else {
                    total
                };
                let total = usize::try_from(total)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                if bytes
                    .get(total..)
                    .is_some_and(|behind| behind.len() > 1 || behind.iter().any(|byte| *byte != 0))
                {
                    let mut kept = bytes.slice(..total).to_vec();
                    kept.resize(total.next_multiple_of(2), 0);
                    *bytes = Bytes::from(kept);
                    *changed = true;
                }
                true
            }
            Value::Fragments(value) if self.compressed => {
                match comments::nested(value, &self.file, &self.syntax, layout.as_ref(), encoding) {
                    Ok(marked) if marked.is_empty() => true,
                    Ok(marked) => {
                        let mut emptied = value.to_vec();
                        Mask::of_ranges(emptied.len() as u64, marked).apply(0, &mut emptied);
                        *value = Bytes::from(emptied);
                        *changed = true;
                        true
                    }
                    Err(_) => false,
                }
            }
            Value::Fragments(_) | Value::Items(_) => false,
        }
    }
}
