//! Slices of a series, looked at together.
//!
//! Owns which slices of a series are looked at, and what of a find in one of them follows for the
//! others. A slice is looked at as it is stored, after the file was cleaned; it is never changed.

use dicom_dictionary_std::tags;
use dicom_lossless::{Element, Instance, PixelElement};
use rayon::prelude::*;

use super::find::{Find, Scales, text_in};
use super::search::{CERTAIN, Checked, Frames, Shown, check, refused, spread, visible};
use super::views::grey_pictures;
use crate::error::{DeidError, DeidErrorKind};
use crate::pixel_look::{LookVerdict, PixelLook, ShownFrame};
use crate::pixels::frames::Palette;
use crate::pixels::frames::{FrameReader, FrameSamples};
use crate::pixels::layout::Image;
use crate::profile::Markers;

/// An image of one frame that is looked at with the others of its series.
#[derive(Debug, Clone)]
pub struct Slice {
    /// Its pixel data, without a header.
    instance: Instance,
    image: Image,
    palette: Option<Palette>,
    overlays: u64,
    /// Instance Number: slices that follow one another show much the same.
    number: i64,
}

impl Slice {
    pub fn new(
        instance: &Instance,
        pixels: &PixelElement,
        image: Image,
        palette: Option<Palette>,
        overlays: u64,
    ) -> Self {
        let mut bare = instance.without_elements();
        bare.pixels = Some(pixels.clone());
        Self {
            instance: bare,
            image,
            palette,
            overlays,
            number: instance_number(instance),
        }
    }

    fn size(&self) -> (usize, usize) {
        (
            usize::from(self.image.columns),
            usize::from(self.image.rows),
        )
    }

    fn samples(&self) -> Result<FrameSamples, DeidError> {
        let pixels = self
            .instance
            .pixels
            .as_ref()
            .ok_or_else(|| crate::pixels::pixel_error("there is no pixel data"))?;
        let palette = self.palette.as_ref();
        let mut reader =
            FrameReader::of(&self.instance, pixels, &self.image, palette, self.overlays)?;
        let bytes = reader.bytes(0)?;
        Ok(reader.samples(&bytes))
    }
}

fn instance_number(instance: &Instance) -> i64 {
    instance
        .get(tags::INSTANCE_NUMBER)
        .and_then(Element::bytes)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| {
            text.trim_matches([' ', '\0'])
                .parse()
                .ok()
        })
        .unwrap_or_default()
}

/// Slices of one shape.
struct SliceFrames<'a> {
    slices: Vec<&'a Slice>,
}

impl SliceFrames<'_> {
    fn slice(&self, number: u32) -> Option<&Slice> {
        self.slices
            .get(usize::try_from(number).ok()?)
            .copied()
    }

    fn finds_of(&self, number: u32, scales: Scales) -> Option<(u32, Vec<Find>)> {
        let slice = self.slice(number)?;
        let (width, height) = slice.size();
        let pictures = grey_pictures(&slice.samples().ok()?, width, height);
        Some((number, text_in(&pictures, scales)))
    }
}

impl Frames for SliceFrames<'_> {
    fn count(&self) -> u32 {
        u32::try_from(self.slices.len()).unwrap_or(u32::MAX)
    }

    fn size(&self) -> (usize, usize) {
        self.slice(0)
            .map(Slice::size)
            .unwrap_or_default()
    }

    fn samples(&mut self, number: u32) -> Option<FrameSamples> {
        self.slice(number)?.samples().ok()
    }

    fn finds(&mut self, numbers: &[u32], scales: Scales) -> Vec<(u32, Vec<Find>)> {
        numbers
            .par_iter()
            .filter_map(|number| self.finds_of(*number, scales))
            .collect()
    }
}

/// What was seen in the slices of a series, or why one is refused.
pub type SlicesSeen = Vec<Result<PixelLook, DeidError>>;

/// Looks at the slices of a series, in their order, each with the path that names its pictures.
pub fn look_at_slices(slices: &[(&Slice, Shown<'_>)], markers: Markers) -> SlicesSeen {
    let mut seen: SlicesSeen = slices
        .iter()
        .map(|_| Ok(PixelLook::default()))
        .collect();
    let mut shapes: Vec<(&Image, Vec<usize>)> = Vec::new();
    for (at, (slice, _)) in slices.iter().enumerate() {
        match shapes
            .iter_mut()
            .find(|(image, _)| **image == slice.image)
        {
            Some((_, members)) => members.push(at),
            None => shapes.push((&slice.image, vec![at])),
        }
    }
    for (_, mut members) in shapes {
        members.sort_by_key(|at| {
            slices
                .get(*at)
                .map(|(slice, _)| slice.number)
        });
        let of_shape: Vec<(&Slice, Shown<'_>)> = members
            .iter()
            .filter_map(|at| slices.get(*at).copied())
            .collect();
        for (at, look) in members
            .iter()
            .zip(look_at_shape(&of_shape, markers))
        {
            if let Some(place) = seen.get_mut(*at) {
                *place = look;
            }
        }
    }
    seen
}

fn look_at_shape(slices: &[(&Slice, Shown<'_>)], markers: Markers) -> SlicesSeen {
    let mut frames = SliceFrames {
        slices: slices
            .iter()
            .map(|(slice, _)| *slice)
            .collect(),
    };
    let count = frames.count();
    let checked = check(&mut frames, markers);
    let certain = checked.certain(count);
    (0..count)
        .zip(slices)
        .map(|(number, (slice, shown))| {
            let mut look = checked.look(1, |other| other == number);
            for find in &mut look.finds {
                find.frames = [1, 1];
            }
            let concerns = certain
                .iter()
                .any(|(of, _)| of.is_none_or(|of| of == number));
            if concerns || !look.finds.is_empty() {
                show(slice, &look, *shown);
            }
            if concerns {
                return Err(refused(DeidErrorKind::TextFound, CERTAIN, look));
            }
            if look.frames_looked_at == 0 && was_wanted(&checked, count, number) {
                look.verdict = LookVerdict::NotDecoded;
            }
            Ok(look)
        })
        .collect()
}

/// Whether a slice was one to look at: all are where one shows text, else some. Where none of those
/// can be decoded, nothing speaks for the others either.
fn was_wanted(checked: &Checked, count: u32, number: u32) -> bool {
    let shows_text = !checked.common.is_empty()
        || checked
            .finds
            .iter()
            .any(|(_, finds)| !finds.is_empty());
    shows_text || checked.looked_at.is_empty() || spread(count, 3).contains(&number)
}

fn show(slice: &Slice, look: &PixelLook, shown: Shown<'_>) {
    let (Some(sink), Ok(samples)) = (shown.to, slice.samples()) else {
        return;
    };
    let (width, height) = slice.size();
    let before = visible(&samples, width, height);
    sink.take(
        shown.path,
        &ShownFrame {
            number: Some(1),
            width,
            height,
            samples: before.samples,
            before: &before.values,
            after: None,
            finds: &look.finds,
        },
    );
}
