//! How the pixels of an instance are laid out, as its attributes say (PS3.3 section C.7.6.3).
//!
//! Owns reading these attributes. What is missing or contradicts the pixel data is a failure: a
//! wrong guess would leave pixels in place.

use super::areas::{self, Area};
use super::cannot;
use crate::error::DeidError;
use crate::standard;
use dicom_lossless::{Instance, Mask, PixelElement, Tag, VR};

pub(super) const PHOTOMETRIC: Tag = Tag(0x0028, 0x0004);
pub(super) const PLANAR: Tag = Tag(0x0028, 0x0006);
const SAMPLES: Tag = Tag(0x0028, 0x0002);
const FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const BITS_ALLOCATED: Tag = Tag(0x0028, 0x0100);
const BITS_STORED: Tag = Tag(0x0028, 0x0101);
const REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const FLOAT_PIXEL_DATA: Tag = Tag(0x7FE0, 0x0008);
/// Every element that may hold pixels. The one that does is not in the data sets around it.
pub(super) const ALL_PIXELS: [Tag; 3] = [FLOAT_PIXEL_DATA, Tag(0x7FE0, 0x0009), PIXEL_DATA];

/// The layout of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) frames: u32,
    /// 1 or 3.
    pub(super) samples: u16,
    /// A multiple of 8.
    pub(super) bits_allocated: u16,
    pub(super) bits_stored: u16,
    pub(super) signed: bool,
    /// Whether each sample has a plane of its own.
    pub(super) planes: bool,
    pub(super) photometric: String,
}

impl Image {
    pub(super) fn of(instance: &Instance, pixels: &PixelElement) -> Result<Self, DeidError> {
        let bits_allocated = needed(instance, BITS_ALLOCATED)?;
        let samples = needed(instance, SAMPLES)?;
        let image = Self {
            rows: needed(instance, ROWS)?,
            columns: needed(instance, COLUMNS)?,
            frames: frames(instance)?,
            samples,
            bits_allocated,
            bits_stored: number(instance, BITS_STORED)?.unwrap_or(bits_allocated),
            signed: number(instance, REPRESENTATION)? == Some(1),
            planes: samples > 1 && number(instance, PLANAR)? == Some(1),
            photometric: photometric(instance)?,
        };
        image.checked(pixels)
    }

    fn checked(self, pixels: &PixelElement) -> Result<Self, DeidError> {
        let widths: &[u16] = match pixels.tag {
            PIXEL_DATA => &[8, 16, 32, 64],
            FLOAT_PIXEL_DATA => &[32],
            _ => &[64],
        };
        if self.rows == 0 || self.columns == 0 {
            return Err(cannot("the image has no rows or no columns"));
        }
        if !matches!(self.samples, 1 | 3) || (self.samples > 1 && pixels.tag != PIXEL_DATA) {
            return Err(cannot(
                "only images with 1 or 3 samples per pixel can be blanked",
            ));
        }
        if !widths.contains(&self.bits_allocated) {
            return Err(cannot(
                "Bits Allocated is a number of bits that cannot be blanked",
            ));
        }
        if self.bits_stored == 0 || self.bits_stored > self.bits_allocated {
            return Err(cannot("Bits Stored does not fit Bits Allocated"));
        }
        Ok(self)
    }

    /// Bytes of one sample.
    pub(super) fn sample_len(&self) -> u64 {
        u64::from(self.bits_allocated / 8)
    }

    /// Bytes of one frame without compression.
    pub(super) fn frame_len(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples) * self.sample_len()
    }

    /// Bytes of all frames without compression.
    pub(super) fn total_len(&self) -> u64 {
        self.frame_len().saturating_mul(u64::from(self.frames))
    }

    /// What of the uncompressed bytes is blanked, with the samples of a pixel side by side or in
    /// planes.
    pub(super) fn mask(&self, layers: &[Vec<Area>], planes: bool) -> Option<Mask> {
        let column_len = self.sample_len() * if planes { 1 } else { u64::from(self.samples) };
        areas::mask(
            layers,
            u64::from(self.columns) * column_len,
            column_len,
            self.rows,
        )
    }

    /// Refuses native pixel data that is not exactly what the attributes describe.
    pub(super) fn fits_native(
        &self,
        instance: &Instance,
        pixels: &PixelElement,
    ) -> Result<(), DeidError> {
        let (length, expected) = (pixels.value.end - pixels.value.start, self.total_len());
        // Subsampled colour (YBR_FULL_422) is shorter, and fails here.
        if length != expected && length != expected.next_multiple_of(2) {
            return Err(cannot(
                "the length of the pixel data is not what its attributes say",
            ));
        }
        if self.bits_allocated == 8 && pixels.vr == VR::OW && instance.syntax.encoding.big_endian {
            return Err(cannot(
                "8-bit samples in big-endian words cannot be blanked",
            ));
        }
        Ok(())
    }
}

fn needed(instance: &Instance, tag: Tag) -> Result<u16, DeidError> {
    number(instance, tag)?.ok_or_else(|| cannot(format!("there is no {}", standard::name_of(tag))))
}

fn number(instance: &Instance, tag: Tag) -> Result<Option<u16>, DeidError> {
    let Some(bytes) = instance
        .get(tag)
        .and_then(|element| element.bytes())
        .filter(|bytes| !bytes.is_empty())
    else {
        return Ok(None);
    };
    let word = bytes.first_chunk::<2>().filter(|_| bytes.len() == 2);
    let word =
        word.ok_or_else(|| cannot(format!("{} is not one number", standard::name_of(tag))))?;
    Ok(Some(instance.syntax.encoding.u16(*word)))
}

fn text(instance: &Instance, tag: Tag) -> Option<String> {
    let bytes = instance.get(tag)?.bytes()?;
    Some(
        String::from_utf8_lossy(bytes)
            .trim_matches([' ', '\0'])
            .to_owned(),
    )
    .filter(|text| !text.is_empty())
}

fn frames(instance: &Instance) -> Result<u32, DeidError> {
    match text(instance, FRAMES).map(|text| text.parse::<u32>()) {
        None | Some(Ok(0)) => Ok(1),
        Some(Ok(frames)) => Ok(frames),
        Some(Err(_)) => Err(cannot("Number of Frames is no number")),
    }
}

fn photometric(instance: &Instance) -> Result<String, DeidError> {
    text(instance, PHOTOMETRIC)
        .ok_or_else(|| cannot(format!("there is no {}", standard::name_of(PHOTOMETRIC))))
}
