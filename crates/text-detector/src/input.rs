//! What the network sees: the grey values, and how each differs from its surroundings by the
//! measure of these. Without the second, faint text on real pictures is lost.
//!
//! Surroundings are blocks of 8 by 8 pixels, averaged over 3 by 3 blocks, with straight lines
//! between their centres. It must do what `channels` of `training/network.py` does.

use std::ops::Range;

use crate::{Picture, mirrored};

const BLOCK: usize = 8;
const PIXELS: f32 = 64.0;
/// Half a block: the centres of blocks are where one ends.
const HALF: usize = BLOCK / 2;
/// Both sides become multiples of it, by a mirror behind the last row and column: the same row over
/// and over would make streaks, which look like letters.
const MULTIPLE: usize = 16;
/// What is added to the deviation, so that even ground does not become noise.
const LEAST_DEVIATION: f32 = 0.03;

/// The two channels of a picture.
pub struct Channels<'a> {
    picture: Picture<'a>,
    /// Columns and rows with those in the mirror.
    pub width: usize,
    pub height: usize,
    /// Of each block and its neighbours.
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl<'a> Channels<'a> {
    pub fn of(picture: Picture<'a>) -> Self {
        let width = picture
            .width
            .next_multiple_of(MULTIPLE);
        let height = picture
            .height
            .next_multiple_of(MULTIPLE);
        let (mut mean, mut square) = (Vec::new(), Vec::new());
        let (mut sums, mut squares) = (vec![0_u32; width], vec![0_u32; width]);
        for first in (0..height).step_by(BLOCK) {
            sums.fill(0);
            squares.fill(0);
            for row in first..first + BLOCK {
                let sums = sums.iter_mut().zip(&mut squares);
                for (value, (sum, square)) in picture.row(row).iter().zip(sums) {
                    let value = u32::from(*value);
                    *sum += value;
                    *square += value * value;
                }
            }
            for (sums, means, one) in [
                (&mut sums, &mut mean, 255.0),
                (&mut squares, &mut square, 255.0 * 255.0),
            ] {
                let (inside, beyond) = sums.split_at_mut(picture.width);
                for (at, sum) in beyond.iter_mut().enumerate() {
                    let from = mirrored(picture.width + at, picture.width);
                    *sum = inside
                        .get(from)
                        .copied()
                        .unwrap_or_default();
                }
                let blocks = sums.as_chunks::<BLOCK>().0.iter();
                means.extend(blocks.map(|sums| {
                    #[expect(clippy::cast_precision_loss, reason = "it is less than 2^22")]
                    let sum = sums.iter().sum::<u32>() as f32;
                    sum / (PIXELS * one)
                }));
            }
        }
        let (mean, square) = (
            blurred(&mean, width / BLOCK),
            blurred(&square, width / BLOCK),
        );
        let deviation = mean
            .iter()
            .zip(&square)
            .map(|(mean, square)| {
                (square - mean * mean)
                    .max(0.0)
                    .sqrt()
            })
            .collect();
        Self {
            picture,
            width,
            height,
            mean,
            deviation,
        }
    }

    /// Both channels of these columns of a row, pixel after pixel. Columns are multiples of 16.
    #[inline(always)]
    pub fn read(&self, row: usize, columns: Range<usize>, target: &mut [f32]) {
        let mean = self.line(row, &self.mean);
        let deviation = self.line(row, &self.deviation);
        let values = self.picture.row(row);
        let (pixels, _) = target.as_chunks_mut::<2>();
        let (halves, _) = pixels.as_chunks_mut::<HALF>();
        for (column, pixels) in columns.step_by(HALF).zip(halves) {
            let mut grey = [0; HALF];
            match values.get(column..column + HALF) {
                Some(whole) => grey.copy_from_slice(whole),
                None => {
                    for (at, grey) in grey.iter_mut().enumerate() {
                        let from = mirrored(column + at, values.len());
                        *grey = values
                            .get(from)
                            .copied()
                            .unwrap_or_default();
                    }
                }
            }
            let (left, right, first) = between(column, mean.len());
            let ends = |values: &[f32]| Some((*values.get(left)?, *values.get(right)?));
            let (Some(mean), Some(deviation)) = (ends(&mean), ends(&deviation)) else {
                return;
            };
            for ((pixel, grey), behind) in pixels
                .iter_mut()
                .zip(grey)
                .zip(SHARES)
            {
                let share = first + behind;
                let mean = mixed(mean, share);
                let deviation = mixed(deviation, share);
                let grey = f32::from(grey) / 255.0;
                let local = (grey - mean) / (deviation + LEAST_DEVIATION);
                *pixel = [grey * 2.0 - 1.0, local.clamp(-4.0, 4.0) * 0.5];
            }
        }
    }

    /// What a row of pixels sees of blocks: the row above it and the one below, mixed.
    fn line(&self, row: usize, values: &[f32]) -> Vec<f32> {
        let mut rows = values.chunks_exact(self.width / BLOCK);
        let (above, below, share) = between(row, rows.len());
        let above = rows
            .clone()
            .nth(above)
            .unwrap_or_default();
        let below = rows.nth(below).unwrap_or_default();
        above
            .iter()
            .zip(below)
            .map(|(above, below)| mixed((*above, *below), share))
            .collect()
    }
}

/// What the share of the block behind a pixel grows by from one pixel to the next.
const PIXEL: f32 = 0.125;
/// What it is more than that of the first of four pixels.
const SHARES: [f32; HALF] = [0.0, PIXEL, 2.0 * PIXEL, 3.0 * PIXEL];

/// The blocks whose centres are before and behind a pixel, and the share of the second.
fn between(pixel: usize, blocks: usize) -> (usize, usize, f32) {
    let behind = (pixel + HALF) / BLOCK;
    #[expect(clippy::cast_possible_truncation, reason = "it is less than 8")]
    let pixels = ((pixel + HALF) % BLOCK) as u8;
    let share = (f32::from(pixels) + 0.5) * PIXEL;
    (behind.saturating_sub(1), behind.min(blocks - 1), share)
}

#[inline(always)]
fn mixed((before, behind): (f32, f32), share: f32) -> f32 {
    before + (behind - before) * share
}

/// Each block's mean with its eight neighbours, those at the edge taken twice.
fn blurred(values: &[f32], blocks: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = values
        .chunks_exact(blocks)
        .collect();
    let mut out = Vec::with_capacity(values.len());
    for (number, row) in rows.iter().enumerate() {
        let above = number
            .checked_sub(1)
            .and_then(|above| rows.get(above))
            .unwrap_or(row);
        let below = rows.get(number + 1).unwrap_or(row);
        let sums: Vec<f32> = above
            .iter()
            .zip(*row)
            .zip(*below)
            .map(|((above, value), below)| above + value + below)
            .collect();
        let before = sums
            .first()
            .into_iter()
            .chain(&sums);
        let behind = sums
            .iter()
            .skip(1)
            .chain(sums.last());
        out.extend(
            before
                .zip(&sums)
                .zip(behind)
                .map(|((before, sum), behind)| (before + sum + behind) / 9.0),
        );
    }
    out
}
