//! Frames of an image as numbers to look at, one frame at a time.
//!
//! Owns reading the samples of native and compressed frames. Numbers are what is stored, without
//! window and rescaling, so that what a viewer would not show is seen as well; the colours of a
//! palette stand beside its indices (PS3.3 section C.7.6.3.1.5). A palette that cannot be read leaves
//! the indices to be looked at. It changes nothing.

use std::ops::Range;

use dicom_dictionary_std::tags;
use dicom_lossless::{Element, Encoding, Fragments, Instance, PixelElement, Tag};

use super::decode::{self, Codec};
use super::layout::Image;
use super::pixel_error;
use crate::error::DeidError;

/// One number for each pixel, row after row, in the order of the stored values.
pub type Plane = Vec<u16>;

/// A frame.
#[derive(Clone)]
pub struct FrameSamples {
    /// A plane for each sample, and red, green and blue of a palette behind its indices.
    pub planes: Vec<Plane>,
    /// What stands in bits that the image does not use; none where they are empty.
    pub unused_bits: Option<Plane>,
}

impl FrameSamples {
    /// The lower of both at each pixel, or the higher.
    pub fn combine(&mut self, other: &Self, higher: bool) {
        let choose = |mine: &mut Plane, theirs: &Plane| {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = if higher {
                    (*mine).max(*theirs)
                } else {
                    (*mine).min(*theirs)
                };
            }
        };
        for (mine, theirs) in self
            .planes
            .iter_mut()
            .zip(&other.planes)
        {
            choose(mine, theirs);
        }
        match (&mut self.unused_bits, &other.unused_bits) {
            (Some(mine), Some(theirs)) => choose(mine, theirs),
            (None, Some(theirs)) if higher => self.unused_bits = Some(theirs.clone()),
            (Some(_), None) if !higher => self.unused_bits = None,
            _ => {}
        }
    }
}

/// Reads frames of an image in any order.
pub struct FrameReader<'a> {
    instance: &'a Instance,
    image: &'a Image,
    palette: Option<&'a Palette>,
    stored: Stored,
    /// Bits that no image and no overlay claims.
    unused: u64,
}

enum Stored {
    Native { start: u64 },
    Compressed(Compressed),
}

/// Compressed frames: how they are decoded, and which fragments each is made of.
pub struct Compressed {
    codec: Codec,
    fragments: Fragments,
    frames: Vec<Range<usize>>,
}

impl Compressed {
    /// Fails where the frames cannot be decoded, or told apart.
    pub fn of(instance: &Instance, image: &Image) -> Result<Self, DeidError> {
        let codec = decode::codec_for(instance, image)?;
        let mut fragments = Fragments::of(instance)?;
        let frames = fragments.frames(usize::try_from(image.frames).unwrap_or(usize::MAX))?;
        decode::check_precision(instance, image, &mut fragments, frames.first())?;
        Ok(Self {
            codec,
            fragments,
            frames,
        })
    }

    /// The bytes of a frame, from 0: the samples of a pixel side by side in little endian.
    pub fn bytes(&mut self, number: u32, image: &Image) -> Result<Vec<u8>, DeidError> {
        let which = usize::try_from(number)
            .ok()
            .and_then(|number| self.frames.get(number))
            .ok_or_else(|| pixel_error("there are fewer frames than the attributes say"))?;
        decode::frame(self.codec, &mut self.fragments, which.clone(), image)
    }
}

impl<'a> FrameReader<'a> {
    /// Fails where the frames cannot be decoded, or are not what the attributes say. `overlays` are
    /// bits of each cell in which overlays lie, which are not the image's.
    pub fn of(
        instance: &'a Instance,
        pixels: &PixelElement,
        image: &'a Image,
        palette: Option<&'a Palette>,
        overlays: u64,
    ) -> Result<Self, DeidError> {
        let stored = if pixels.encapsulated {
            Stored::Compressed(Compressed::of(instance, image)?)
        } else {
            image.fits_native(instance, pixels)?;
            Stored::Native {
                start: pixels.value.start,
            }
        };
        let all = u64::MAX >> (64 - image.bits_allocated.clamp(1, 64));
        let stored_bits = u64::MAX >> (64 - image.bits_stored.clamp(1, 64));
        Ok(Self {
            instance,
            image,
            palette,
            stored,
            unused: all & !stored_bits & !overlays,
        })
    }

    /// The bytes of a frame, from 0, as blanking sees them: where decoded, the samples of a pixel
    /// side by side in little endian.
    pub fn bytes(&mut self, number: u32) -> Result<Vec<u8>, DeidError> {
        match &mut self.stored {
            Stored::Native { start } => {
                let at = *start + u64::from(number) * self.image.frame_len();
                let place = at..at + self.image.frame_len();
                Ok(self
                    .instance
                    .source_bytes(place)?
                    .into())
            }
            Stored::Compressed(frames) => frames.bytes(number, self.image),
        }
    }

    /// The samples in the bytes of a frame.
    pub fn samples(&self, bytes: &[u8]) -> FrameSamples {
        let image = self.image;
        let native = matches!(self.stored, Stored::Native { .. });
        let swapped = native
            && self
                .instance
                .syntax
                .encoding
                .big_endian;
        let count = usize::from(image.samples);
        let pixels = usize::from(image.rows) * usize::from(image.columns);
        let in_planes = native && image.planes;
        let (mut planes, mut beyond) = (Vec::new(), None);
        for sample in 0..count {
            let (first, step) = if in_planes {
                (sample * pixels, 1)
            } else {
                (sample, count)
            };
            let (plane, unused) = self.plane(bytes, first, step, swapped);
            planes.push(plane);
            beyond = beyond.or(unused);
        }
        if native && image.photometric == "YBR_FULL" && image.bits_allocated == 8 {
            to_rgb(&mut planes);
        }
        if let (Some(palette), [indices]) = (self.palette, &planes[..]) {
            planes.extend(palette.colours(indices));
        }
        FrameSamples {
            planes,
            unused_bits: beyond,
        }
    }

    /// One sample of each pixel, and what its unused bits hold.
    fn plane(
        &self,
        bytes: &[u8],
        first: usize,
        step: usize,
        swapped: bool,
    ) -> (Plane, Option<Plane>) {
        let image = self.image;
        match image.bits_allocated {
            8 => self.of_cells(bytes, first, step, |byte| u16::from(*byte)),
            16 => {
                let cells = bytes.as_chunks::<2>().0;
                if swapped {
                    self.of_cells(cells, first, step, |two| u16::from_be_bytes(*two))
                } else {
                    self.of_cells(cells, first, step, |two| u16::from_le_bytes(*two))
                }
            }
            _ => (
                wide_plane(
                    bytes,
                    image,
                    self.is_float(),
                    (first, step, self.pixels()),
                    swapped,
                ),
                None,
            ),
        }
    }

    fn pixels(&self) -> usize {
        usize::from(self.image.rows) * usize::from(self.image.columns)
    }

    /// The plane of every `step`th cell from the first one on.
    fn of_cells<Cell>(
        &self,
        cells: &[Cell],
        first: usize,
        step: usize,
        word: impl Fn(&Cell) -> u16 + Copy,
    ) -> (Plane, Option<Plane>) {
        let cells = cells
            .get(first..)
            .unwrap_or_default();
        if step == 1 {
            // `step_by` is no plain loop, and nearly all images are of this kind.
            let count = self.pixels().min(cells.len());
            let cells = cells
                .get(..count)
                .unwrap_or_default();
            self.of_words(cells.iter().map(word))
        } else {
            let cells = cells.iter().step_by(step);
            self.of_words(cells.take(self.pixels()).map(word))
        }
    }

    fn is_float(&self) -> bool {
        self.instance
            .pixels
            .as_ref()
            .is_some_and(|pixels| pixels.tag != dicom_dictionary_std::tags::PIXEL_DATA)
    }

    /// Stored values in ascending order, and what stands above them where it is neither empty nor
    /// the sign.
    #[allow(clippy::cast_possible_truncation)] // Cells have 8 or 16 bits here.
    fn of_words(&self, words: impl Iterator<Item = u16> + Clone) -> (Plane, Option<Plane>) {
        let stored = self.image.bits_stored.clamp(1, 16);
        let (used, unused) = (u16::MAX >> (16 - stored), self.unused as u16);
        let sign = if self.image.signed {
            1 << (stored - 1)
        } else {
            0
        };
        // The sign bit turned makes the order of signed numbers that of unsigned ones.
        let plane: Plane = words
            .clone()
            .map(|word| word & used ^ sign)
            .collect();
        let odd = |word: u16| {
            let above = word & unused;
            above != 0 && !(word & sign != 0 && above == unused)
        };
        // All at once is a plain loop, which ends with most images.
        let above = words
            .clone()
            .fold(0, |all, word| all | word & unused);
        if above == 0 || !words.clone().any(odd) {
            return (plane, None);
        }
        let above = words
            .map(|word| {
                if odd(word) {
                    (word & unused) >> stored
                } else {
                    0
                }
            })
            .collect();
        (plane, Some(above))
    }
}

/// Numbers of 32 and 64 bits, brought to 16 by their own extremes.
fn wide_plane(
    bytes: &[u8],
    image: &Image,
    float: bool,
    (first, step, pixels): (usize, usize, usize),
    swapped: bool,
) -> Plane {
    let width = usize::from(image.bits_allocated / 8);
    let numbers: Vec<f64> = bytes
        .chunks_exact(width)
        .skip(first)
        .step_by(step)
        .take(pixels)
        .map(|cell| wide_number(cell, image.signed, float, swapped))
        .collect();
    let finite = || {
        numbers
            .iter()
            .copied()
            .filter(|number| number.is_finite())
    };
    let (least, most) = finite().fold((f64::MAX, f64::MIN), |(least, most), number| {
        (least.min(number), most.max(number))
    });
    let range = (most - least).max(f64::MIN_POSITIVE);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is between 0 and 65535.
    let scaled = |number: &f64| {
        if number.is_finite() {
            ((number - least) / range * f64::from(u16::MAX)) as u16
        } else {
            0
        }
    };
    numbers.iter().map(scaled).collect()
}

/// The number in a cell of 32 or 64 bits.
#[allow(clippy::cast_precision_loss)] // What is looked at has 8 bits in the end.
pub fn wide_number(cell: &[u8], signed: bool, float: bool, swapped: bool) -> f64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(cell) {
        *to = *from;
    }
    if swapped && let Some(used) = bytes.get_mut(..cell.len()) {
        used.reverse();
    }
    let number = u64::from_le_bytes(bytes);
    let [a, b, c, d, ..] = bytes;
    let low = u32::from_le_bytes([a, b, c, d]);
    match (cell.len(), float, signed) {
        (4, true, _) => f64::from(f32::from_bits(low)),
        (_, true, _) => f64::from_bits(number),
        (4, false, true) => f64::from(low.cast_signed()),
        (_, false, true) => number.cast_signed() as f64,
        _ => number as f64,
    }
}

/// Red, green and blue of luminance and colour differences.
fn to_rgb(planes: &mut [Plane]) {
    let [y, cb, cr] = planes else { return };
    for ((y, cb), cr) in y.iter_mut().zip(cb).zip(cr) {
        let pixel = [*y, *cb, *cr].map(|value| u8::try_from(value).unwrap_or(u8::MAX));
        let [red, green, blue] = decode::rgb_of(pixel).map(u16::from);
        (*y, *cb, *cr) = (red, green, blue);
    }
}

/// Descriptor and data of red, green and blue.
const TABLES: [(Tag, Tag); 3] = [
    (
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
    (
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
    (
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ),
];

/// Three tables of colour.
#[derive(Debug, Clone)]
pub struct Palette {
    tables: [Vec<u16>; 3],
    first: u16,
}

impl Palette {
    /// The palette of an instance; none where it has none, or one that is not plain.
    pub fn of(instance: &Instance) -> Option<Self> {
        let encoding = instance.syntax.encoding;
        let mut tables = [const { Vec::new() }; 3];
        let mut first = 0;
        for (table, (descriptor, data)) in tables.iter_mut().zip(TABLES) {
            let [count, from, bits] = words(instance.get(descriptor)?, encoding)
                .try_into()
                .ok()?;
            let count = if count == 0 {
                1 << 16
            } else {
                usize::from(count)
            };
            first = from;
            let stored = instance.get(data)?;
            *table = if bits == 8 && stored.bytes()?.len() < count * 2 {
                stored
                    .bytes()?
                    .iter()
                    .take(count)
                    .map(|byte| u16::from(*byte) << 8)
                    .collect()
            } else {
                let mut words = words(stored, encoding);
                words.truncate(count);
                // Eight bits stand in the lower half of a word.
                if bits == 8 {
                    for word in &mut words {
                        *word <<= 8;
                    }
                }
                words
            };
            if table.is_empty() {
                return None;
            }
        }
        Some(Self { tables, first })
    }

    /// Red, green and blue of indices, of which those outside of the tables count as their ends.
    pub fn colours(&self, indices: &[u16]) -> [Vec<u16>; 3] {
        [0, 1, 2].map(|colour| {
            let table = self
                .tables
                .get(colour)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let last = table.len().saturating_sub(1);
            indices
                .iter()
                .map(|index| {
                    let at = usize::from(index.saturating_sub(self.first)).min(last);
                    table
                        .get(at)
                        .copied()
                        .unwrap_or_default()
                })
                .collect()
        })
    }
}

fn words(element: &Element, encoding: Encoding) -> Vec<u16> {
    let bytes = element
        .bytes()
        .map(AsRef::as_ref)
        .unwrap_or_default();
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| encoding.u16(*two))
        .collect()
}
