//! The frames of an image as stored values, one frame at a time, for a picture of them.
//!
//! Owns what of an image can be shown although it could not be blanked: subsampled colour, images
//! of one bit, pixel data with something behind it. Values are what is stored, colours red, green
//! and blue. It applies no window, and memory follows from the size of one frame.

use std::fmt;

use dicom_dictionary_std::tags;
use dicom_lossless::{Instance, PixelElement, VR};

use super::decode;
use super::frames::{Compressed, wide_number};
use super::layout::{self, Image};
use super::pixel_error;
use crate::error::DeidError;

/// The frames of an instance's image.
pub struct ImageFrames {
    instance: Instance,
    image: Image,
    stored: Stored,
}

enum Stored {
    /// Where the first frame begins, and where the value ends.
    Native {
        start: u64,
        end: u64,
    },
    Compressed(Compressed),
}

/// The samples of one frame, those of a pixel side by side: stored values, or red, green and blue.
pub struct FrameSamples {
    bytes: Vec<u8>,
    cells: Cells,
}

/// How the samples of a frame lie in its bytes.
#[derive(Clone, Copy)]
struct Cells {
    width: usize,
    /// Bits below the stored ones.
    shift: u32,
    bits: u32,
    signed: bool,
    float: bool,
    big_endian: bool,
}

impl FrameSamples {
    /// The samples as bytes.
    ///
    /// # Errors
    /// They are not one byte each without unused bits and without a sign; then the samples come
    /// back.
    pub fn into_bytes(self) -> Result<Vec<u8>, Self> {
        let cells = self.cells;
        let is_plain = cells.width == 1 && cells.bits == 8 && cells.shift == 0 && !cells.signed;
        if is_plain { Ok(self.bytes) } else { Err(self) }
    }

    /// Gives each sample in turn.
    pub fn for_each(&self, mut take: impl FnMut(f64)) {
        let cells = self.cells;
        match (cells.width, cells.float) {
            (1, _) => {
                for byte in &self.bytes {
                    take(cells.small(u16::from(*byte)));
                }
            }
            (2, _) => {
                for two in self.bytes.as_chunks::<2>().0 {
                    let word = if cells.big_endian {
                        u16::from_be_bytes(*two)
                    } else {
                        u16::from_le_bytes(*two)
                    };
                    take(cells.small(word));
                }
            }
            _ => {
                for cell in self.bytes.chunks_exact(cells.width) {
                    take(wide_number(
                        cell,
                        cells.signed,
                        cells.float,
                        cells.big_endian,
                    ));
                }
            }
        }
    }
}

impl Cells {
    /// The stored value in a cell of at most 16 bits.
    fn small(self, cell: u16) -> f64 {
        let unused = 16 - self.bits;
        let high = (cell >> self.shift) << unused;
        if self.signed {
            f64::from(high.cast_signed() >> unused)
        } else {
            f64::from(high >> unused)
        }
    }
}

impl fmt::Debug for ImageFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImageFrames")
            .field(&self.image)
            .finish_non_exhaustive()
    }
}

impl ImageFrames {
    /// The frames of an instance as it was read. None where it has no image.
    ///
    /// # Errors
    /// They cannot be decoded, or are not what the attributes say. Only [`DeidError::detail`] is
    /// about pictures.
    pub fn of(instance: Instance) -> Result<Option<Self>, DeidError> {
        let Some(pixels) = instance.pixels.clone() else {
            return Ok(None);
        };
        if pixels.scrubbed.is_some() {
            return Err(pixel_error(
                "the image was changed, and what was written is to be shown instead",
            ));
        }
        let image = Image::described(&instance)?;
        check(&image, &pixels)?;
        let stored = if pixels.encapsulated {
            Stored::Compressed(Compressed::of(&instance, &image)?)
        } else {
            let (start, end) = (pixels.value.start, pixels.value.end);
            let bits = frame_bits(&image).checked_mul(u64::from(image.frames));
            if bits.is_none_or(|bits| bits.div_ceil(8) > end.saturating_sub(start)) {
                return Err(pixel_error(
                    "the pixel data is shorter than its attributes say",
                ));
            }
            Stored::Native { start, end }
        };
        Ok(Some(Self {
            instance,
            image,
            stored,
        }))
    }

    /// The instance that the image is of.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Columns and rows; neither is 0.
    pub fn size(&self) -> [u16; 2] {
        [self.image.columns, self.image.rows]
    }

    /// How many frames there are, at least one.
    pub fn frames(&self) -> u32 {
        self.image.frames
    }

    /// Samples of a pixel: one, or red, green and blue.
    pub fn samples_per_pixel(&self) -> u16 {
        self.image.samples
    }

    /// Photometric Interpretation, as the attribute says: what three samples were before they
    /// became red, green and blue.
    pub fn photometric(&self) -> &str {
        &self.image.photometric
    }

    /// Bits of each sample that count.
    pub fn bits_stored(&self) -> u16 {
        self.image.bits_stored
    }

    /// Whether samples may be negative.
    pub fn is_signed(&self) -> bool {
        self.image.signed
    }

    /// Whether samples are whole numbers of at most 16 bits.
    pub fn is_small(&self) -> bool {
        self.image.bits_allocated <= 16
    }

    /// A frame, from 0.
    ///
    /// # Errors
    /// There is no such frame, or it cannot be decoded.
    pub fn samples(&mut self, number: u32) -> Result<FrameSamples, DeidError> {
        if number >= self.image.frames {
            return Err(pixel_error("there is no frame of this number"));
        }
        let (bytes, is_native) = match &mut self.stored {
            Stored::Native { start, end } => {
                let value = *start..*end;
                (self.native(value, number)?, true)
            }
            Stored::Compressed(frames) => (frames.bytes(number, &self.image)?, false),
        };
        let image = &self.image;
        Ok(FrameSamples {
            bytes,
            cells: Cells {
                width: usize::from(image.bits_allocated.div_ceil(8)),
                shift: if is_native { self.shift() } else { 0 },
                bits: u32::from(image.bits_stored.clamp(1, 16)),
                signed: image.signed,
                float: self
                    .instance
                    .pixels
                    .as_ref()
                    .is_some_and(|pixels| pixels.tag != tags::PIXEL_DATA),
                big_endian: is_native
                    && self
                        .instance
                        .syntax
                        .encoding
                        .big_endian,
            },
        })
    }

    /// How far above the lowest bit old images keep their values.
    fn shift(&self) -> u32 {
        let image = &self.image;
        let high = layout::number(&self.instance, tags::HIGH_BIT)
            .ok()
            .flatten()
            .filter(|high| *high < image.bits_allocated);
        high.map_or(0, |high| {
            u32::from((high + 1).saturating_sub(image.bits_stored))
        })
    }

    /// A native frame, in red, green and blue side by side where it has three samples.
    fn native(&self, value: std::ops::Range<u64>, number: u32) -> Result<Vec<u8>, DeidError> {
        let image = &self.image;
        let bits = frame_bits(image);
        // `of` has compared their product with the length of the value.
        let first = bits * u64::from(number);
        let (from, to) = (first / 8, (first + bits).div_ceil(8));
        if image.bits_allocated == 1 {
            let bytes = self.stored_bytes(value, from..to)?;
            let skipped = usize::try_from(first % 8).unwrap_or_default();
            let count = usize::try_from(bits).unwrap_or(usize::MAX);
            return Ok(unpacked(&bytes, skipped, count));
        }
        let bytes = self.stored_bytes(value, from..to)?;
        Ok(self.in_colour(bytes))
    }

    /// Some bytes of the value. Words of two 8-bit samples are turned where the first is the high
    /// one.
    fn stored_bytes(
        &self,
        value: std::ops::Range<u64>,
        place: std::ops::Range<u64>,
    ) -> Result<Vec<u8>, DeidError> {
        let pixels = self.instance.pixels.as_ref();
        let in_words = self.image.bits_allocated <= 8
            && pixels.is_some_and(|pixels| pixels.vr == VR::OW)
            && self
                .instance
                .syntax
                .encoding
                .big_endian;
        if !in_words {
            let place = value.start + place.start..value.start + place.end;
            return Ok(self
                .instance
                .source_bytes(place)?
                .into());
        }
        let from = place.start / 2 * 2;
        let end = (value.start + place.end.next_multiple_of(2)).min(value.end);
        let mut bytes: Vec<u8> = self
            .instance
            .source_bytes(value.start + from..end)?
            .into();
        for word in bytes.as_chunks_mut::<2>().0 {
            word.reverse();
        }
        let len = usize::try_from(place.end - place.start).unwrap_or(usize::MAX);
        bytes.drain(..usize::try_from(place.start - from).unwrap_or_default());
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Samples of a pixel side by side, and colour differences as colours.
    fn in_colour(&self, bytes: Vec<u8>) -> Vec<u8> {
        let image = &self.image;
        if image.samples == 1 {
            return bytes;
        }
        let mut bytes = if is_subsampled(image) {
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|[one, two, cb, cr]| [*one, *cb, *cr, *two, *cb, *cr])
                .collect()
        } else if image.planes {
            interleaved(&bytes, usize::from(image.bits_allocated / 8))
        } else {
            bytes
        };
        let convert = match image.photometric.as_str() {
            "YBR_FULL" | "YBR_FULL_422" => decode::rgb_of,
            "YBR_PARTIAL_422" => decode::rgb_of_partial,
            _ => return bytes,
        };
        if image.bits_allocated == 8 {
            for pixel in bytes.as_chunks_mut::<3>().0 {
                *pixel = convert(*pixel);
            }
        }
        bytes
    }
}

/// Refuses what cannot be shown, in words for who wants to see it.
fn check(image: &Image, pixels: &PixelElement) -> Result<(), DeidError> {
    let is_integer = pixels.tag == tags::PIXEL_DATA;
    let widths: &[u16] = match pixels.tag {
        tags::PIXEL_DATA if image.samples == 3 => &[8, 16, 32],
        tags::PIXEL_DATA if pixels.encapsulated => &[8, 16, 32, 64],
        tags::PIXEL_DATA => &[1, 8, 16, 32, 64],
        tags::FLOAT_PIXEL_DATA => &[32],
        _ => &[64],
    };
    if image.rows == 0 || image.columns == 0 {
        return Err(pixel_error("the image has no rows or no columns"));
    }
    if !matches!(image.samples, 1 | 3) || (image.samples == 3 && !is_integer) {
        return Err(pixel_error(
            "only images with 1 or 3 samples per pixel can be shown",
        ));
    }
    if !widths.contains(&image.bits_allocated) {
        return Err(pixel_error(
            "Bits Allocated is a number of bits that cannot be shown",
        ));
    }
    if image.bits_stored == 0 || image.bits_stored > image.bits_allocated {
        return Err(pixel_error("Bits Stored does not fit Bits Allocated"));
    }
    let pixels_of_frame = u64::from(image.rows) * u64::from(image.columns);
    if (frame_bits(image) / 8).max(pixels_of_frame) > decode::LONGEST_FRAME {
        return Err(pixel_error("a frame is too large to be shown"));
    }
    if is_subsampled(image) && !pixels.encapsulated && !image.columns.is_multiple_of(2) {
        return Err(pixel_error(
            "subsampled colour needs an even number of columns",
        ));
    }
    if image.samples == 3
        && image.bits_allocated != 8
        && matches!(
            image.photometric.as_str(),
            "YBR_FULL" | "YBR_FULL_422" | "YBR_PARTIAL_422"
        )
    {
        return Err(pixel_error(
            "colour differences of more than 8 bits cannot be converted",
        ));
    }
    Ok(())
}

/// Whether two pixels share their colour differences in native pixel data (PS3.3 section
/// C.7.6.3.1.2).
fn is_subsampled(image: &Image) -> bool {
    image.samples == 3
        && image.bits_allocated == 8
        && matches!(
            image.photometric.as_str(),
            "YBR_FULL_422" | "YBR_PARTIAL_422"
        )
}

/// Bits of a native frame.
fn frame_bits(image: &Image) -> u64 {
    let samples = if is_subsampled(image) {
        2
    } else {
        image.samples
    };
    u64::from(image.rows)
        * u64::from(image.columns)
        * u64::from(samples)
        * u64::from(image.bits_allocated)
}

/// One byte for each bit, of which the lowest of a byte comes first.
fn unpacked(bytes: &[u8], skipped: usize, count: usize) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))
        .skip(skipped)
        .take(count)
        .collect()
}

/// Three planes of samples of some bytes as pixels.
fn interleaved(bytes: &[u8], width: usize) -> Vec<u8> {
    let plane = bytes.len() / 3;
    let (red, rest) = bytes
        .split_at_checked(plane)
        .unwrap_or_default();
    let (green, blue) = rest
        .split_at_checked(plane)
        .unwrap_or_default();
    let mut pixels = Vec::with_capacity(bytes.len());
    let width = width.max(1);
    for ((red, green), blue) in red
        .chunks_exact(width)
        .zip(green.chunks_exact(width))
        .zip(blue.chunks_exact(width))
    {
        pixels.extend_from_slice(red);
        pixels.extend_from_slice(green);
        pixels.extend_from_slice(blue);
    }
    pixels
}
