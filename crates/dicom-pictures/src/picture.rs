//! Pictures: levels of grey, smaller, and as PNG.
//!
//! Owns the arithmetic of these. It knows nothing of DICOM.

use crate::error::PictureError;

/// The colour of outlines, which images seldom have.
const OUTLINE: [u8; 3] = [255, 0, 96];

/// A picture of 8 bits a sample, row after row, the samples of a pixel side by side.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 where it is grey, 3 where it is red, green and blue.
    pub samples: usize,
    /// The samples.
    pub pixels: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    /// Shows nothing of what is in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (width, height, samples) = (self.width, self.height, self.samples);
        write!(f, "Picture({width} x {height} x {samples})")
    }
}

impl Picture {
    pub(crate) fn new(
        width: usize,
        height: usize,
        samples: usize,
        pixels: Vec<u8>,
    ) -> Result<Self, PictureError> {
        let picture = Self {
            width,
            height,
            samples,
            pixels,
        };
        if picture.is_whole() {
            Ok(picture)
        } else {
            Err(PictureError::Size)
        }
    }

    fn is_whole(&self) -> bool {
        let length = self
            .width
            .checked_mul(self.height)
            .and_then(|pixels| pixels.checked_mul(self.samples));
        matches!(self.samples, 1 | 3)
            && length == Some(self.pixels.len())
            && !self.pixels.is_empty()
    }

    /// The picture with at most `side` pixels in both directions: each is the average of the area
    /// that it stands for. Width and height keep their proportion; nothing is enlarged.
    #[must_use]
    pub fn thumbnail(&self, side: usize) -> Self {
        let (side, longer) = (side.max(1), self.width.max(self.height));
        if longer <= side || !self.is_whole() {
            return self.clone();
        }
        let shorter = |length: usize| {
            (length * side + longer / 2)
                .checked_div(longer)
                .unwrap_or(1)
                .max(1)
        };
        let (width, height) = (shorter(self.width), shorter(self.height));
        let columns = shares(self.width, width);
        let row_len = self.width * self.samples;
        let mut pixels = Vec::with_capacity(width * height * self.samples);
        for rows in shares(self.height, height) {
            let mut sums = vec![0.0_f32; row_len];
            for (row, share) in rows {
                let line = self
                    .pixels
                    .get(row * row_len..(row + 1) * row_len);
                for (sum, sample) in sums
                    .iter_mut()
                    .zip(line.unwrap_or_default())
                {
                    *sum += share * f32::from(*sample);
                }
            }
            for of_pixel in &columns {
                for sample in 0..self.samples {
                    let sum: f32 = of_pixel
                        .iter()
                        .filter_map(|(column, share)| {
                            Some(share * sums.get(column * self.samples + sample)?)
                        })
                        .sum();
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    pixels.push(sum.round().clamp(0.0, 255.0) as u8);
                }
            }
        }
        Self {
            width,
            height,
            samples: self.samples,
            pixels,
        }
    }

    /// Draws a line around a place: first column, first row, columns and rows. The line lies outside,
    /// so that it covers nothing of what is there. A grey picture has colours from then on.
    pub fn outline(&mut self, [left, top, columns, rows]: [usize; 4]) {
        if self.samples == 1 {
            self.pixels = self
                .pixels
                .iter()
                .flat_map(|grey| [*grey; 3])
                .collect();
            self.samples = OUTLINE.len();
        }
        let (width, height) = (self.width, self.height);
        let (right, bottom) = (left + columns, top + rows);
        let (first_column, first_row) = (left.saturating_sub(1), top.saturating_sub(1));
        let mut paint = |column: usize, row: usize| {
            let at = (row * width + column) * OUTLINE.len();
            if column < width
                && row < height
                && let Some(pixel) = self
                    .pixels
                    .get_mut(at..at + OUTLINE.len())
            {
                pixel.copy_from_slice(&OUTLINE);
            }
        };
        for column in first_column..=right {
            paint(column, first_row);
            paint(column, bottom);
        }
        for row in first_row..=bottom {
            paint(first_column, row);
            paint(right, row);
        }
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// Its pixels are not of the size that it states.
    pub fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        if !self.is_whole() {
            return Err(PictureError::Size);
        }
        let size = |length: usize| u32::try_from(length).map_err(|_| PictureError::Size);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size(self.width)?, size(self.height)?);
        encoder.set_color(match self.samples {
            1 => png::ColorType::Grayscale,
            _ => png::ColorType::Rgb,
        });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let written = encoder
            .write_header()
            .and_then(|mut writer| {
                writer.write_image_data(&self.pixels)?;
                writer.finish()
            });
        written.map_err(|_| PictureError::Png)?;
        Ok(file)
    }
}

/// The grey level of a part of white; what is no number is black.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is between 0 and 255.
pub fn level(part: f64) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Which of `many` places each of `few` stands for, and what share each has; the shares of one add
/// up to 1.
#[allow(clippy::cast_precision_loss)] // Sides of pictures have 16 bits.
fn shares(many: usize, few: usize) -> Vec<Vec<(usize, f32)>> {
    (0..few)
        .map(|at| {
            // In units of which each of the many has `few`, and each of the few `many`.
            let (from, to) = (at * many, (at + 1) * many);
            (from / few..to.div_ceil(few))
                .map(|place| {
                    let covered = to.min((place + 1) * few) - from.max(place * few);
                    (place, covered as f32 / many as f32)
                })
                .collect()
        })
        .collect()
}
