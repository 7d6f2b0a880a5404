//! One frame of an instance as a picture.
//!
//! Owns whether a frame is grey, of a palette or coloured. It keeps no frame.

use dicom_deid::{FrameSamples, ImageFrames};
use dicom_lossless::Instance;

use crate::attributes::Group;
use crate::error::PictureError;
use crate::grey_scale::GreyScale;
use crate::picture::{Picture, level};
use crate::table::{FirstValue, Palette};

/// An image of an instance, shown frame by frame.
pub struct ShownImage {
    frames: ImageFrames,
    palette: Option<Palette>,
}

impl std::fmt::Debug for ShownImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ShownImage")
            .field(&self.frames)
            .finish_non_exhaustive()
    }
}

impl ShownImage {
    /// The image of an instance as it was read. None where the instance has none.
    ///
    /// # Errors
    /// It cannot be decoded; the error says why in plain words and holds no value.
    pub fn of(instance: Instance) -> Result<Option<Self>, PictureError> {
        let Some(frames) = ImageFrames::of(instance)? else {
            return Ok(None);
        };
        let inputs = if frames.is_signed() {
            FirstValue::Signed
        } else {
            FirstValue::Unsigned
        };
        let palette = (frames.photometric() == "PALETTE COLOR" && frames.samples_per_pixel() == 1)
            .then(|| Palette::of(Group::outermost(frames.instance()), inputs))
            .flatten();
        Ok(Some(Self { frames, palette }))
    }

    /// How many frames there are, at least one.
    pub fn frames(&self) -> u32 {
        self.frames.frames()
    }

    /// A frame, from 0, windowed for a screen.
    ///
    /// # Errors
    /// There is no such frame, or it cannot be decoded.
    pub fn frame(&mut self, number: u32) -> Result<Picture, PictureError> {
        let [width, height] = self.frames.size().map(usize::from);
        let samples = self.frames.samples(number)?;
        let (count, pixels) = if self.frames.samples_per_pixel() == 3 {
            (3, self.coloured(samples))
        } else if let Some(palette) = &self.palette {
            let mut pixels = Vec::with_capacity(width * height * 3);
            samples.for_each(|value| pixels.extend_from_slice(&palette.colour(value)));
            (3, pixels)
        } else {
            let scale = GreyScale::of(&self.frames, number);
            (1, scale.levels(&samples, width * height))
        };
        Picture::new(width, height, count, pixels)
    }

    /// Red, green and blue with 8 bits each.
    fn coloured(&self, samples: FrameSamples) -> Vec<u8> {
        let bits = self.frames.bits_stored();
        if bits == 8 && !self.frames.is_signed() {
            return match samples.into_bytes() {
                Ok(bytes) => bytes,
                Err(samples) => scaled(&samples, bits),
            };
        }
        scaled(&samples, bits)
    }
}

fn scaled(samples: &FrameSamples, bits: u16) -> Vec<u8> {
    let most = f64::from(u32::MAX >> (32 - u32::from(bits.clamp(1, 32))));
    let mut pixels = Vec::new();
    samples.for_each(|value| pixels.push(level(value / most)));
    pixels
}
