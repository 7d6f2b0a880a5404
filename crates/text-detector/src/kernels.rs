//! Convolutions of one row, in the vector instructions that `pulp` offers.
//!
//! Everything here is inlined into `network::Run`, which is compiled once for each instruction set.
//! Sizes were checked when the weights were read, and all others follow from them; nothing here
//! depends on what a picture holds.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are made here, and slices of a known length need no checks in the inner loops"
)]

use pulp::Simd;
use pulp::bytemuck::{cast_slice, cast_slice_mut};

use crate::weights::{Each, GROUP, MOST_SOURCES, Mixture};

/// Zeros before and behind each row: the two pixels that the largest convolution looks beyond it.
const EDGE: usize = 2 * GROUP;
/// Columns of which `Kernel::each` computes a vector at once.
const COLUMNS: usize = 4;

/// How much of a layer's output is kept, and what it is.
#[derive(Clone, Copy)]
pub struct Shape {
    pub groups: usize,
    /// Floats of a row of a group.
    pub floats: usize,
    pub height: usize,
    /// Rows that a round adds at most.
    pub pace: usize,
    /// Rows behind these that others still read.
    pub behind: usize,
}

impl Shape {
    fn kept(self) -> usize {
        (self.pace + self.behind).min(self.height)
    }

    /// Floats that are kept. One row more is always zero: what lies above the first and below the
    /// last.
    pub fn len(self) -> usize {
        self.groups * (self.floats + 2 * EDGE) * (self.kept() + 1)
    }
}

/// The last rows of a layer's output, for those that read them.
pub struct Rows<'a> {
    values: &'a mut [f32],
    groups: usize,
    /// Floats of a row of a group, with both edges.
    pitch: usize,
    kept: usize,
    pub height: usize,
    /// Rows that were written so far.
    pub ready: usize,
    pub pace: usize,
}

impl<'a> Rows<'a> {
    /// None yet, in this memory, which is zero and as long as the shape says.
    pub fn new(shape: Shape, values: &'a mut [f32]) -> Self {
        Self {
            values,
            groups: shape.groups,
            pitch: shape.floats + 2 * EDGE,
            kept: shape.kept(),
            height: shape.height,
            ready: 0,
            pace: shape.pace,
        }
    }

    /// Floats of a row of a group.
    pub fn floats(&self) -> usize {
        self.pitch - 2 * EDGE
    }

    /// All groups of a row. Rows are counted from `above` rows above the first.
    #[inline(always)]
    fn at(&self, row: usize, above: usize) -> &[f32] {
        let inside = row
            .checked_sub(above)
            .filter(|row| *row < self.height);
        if let Some(row) = inside {
            debug_assert!(
                row < self.ready && row + self.kept >= self.ready,
                "a row is not kept"
            );
        }
        let slot = inside.map_or(self.kept, |row| row % self.kept);
        let len = self.groups * self.pitch;
        &self.values[slot * len..][..len]
    }

    /// The pixels of a row, group after group.
    pub fn groups(&self, row: usize) -> impl Iterator<Item = &[f32]> {
        let groups = self
            .at(row, 0)
            .chunks_exact(self.pitch);
        groups.map(|group| &group[EDGE..][..self.floats()])
    }

    /// The pixels of the row that is written next, group after group.
    pub fn next_groups(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let len = self.groups * self.pitch;
        let floats = self.floats();
        let slot = &mut self.values[self.ready % self.kept * len..][..len];
        slot.chunks_exact_mut(self.pitch)
            .map(move |group| &mut group[EDGE..][..floats])
    }

    /// Whether a convolution can compute a row.
    pub fn suffice(&self, row: usize, size: usize, stride: usize) -> bool {
        self.ready >= (row * stride + size / 2 + 1).min(self.height)
    }
}

/// What follows a convolution.
#[derive(Clone, Copy)]
pub enum After<'a> {
    Nothing,
    /// Negative values become 0.
    Rectify,
    /// This row of these is added first.
    AddAndRectify(&'a Rows<'a>, usize),
}

/// Convolutions where a group of channels is `PARTS` times three vectors. Those that mix channels
/// compute such a part of three pixels at once, as 16 registers hold nine sums and what is added.
#[derive(Clone, Copy)]
pub struct Kernel<S, const PARTS: usize> {
    pub simd: S,
    /// Whether a product and a sum are one instruction.
    pub fused: bool,
}

/// The channels of a group in vectors.
type Group<F, const PARTS: usize> = [[F; 3]; PARTS];
/// Pixels of which `Kernel::mix` computes a part at once.
const PIXELS: usize = 3;

impl<S: Simd, const PARTS: usize> Kernel<S, PARTS> {
    #[inline(always)]
    fn add_product(self, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        if self.fused {
            self.simd.mul_add_f32s(a, b, sum)
        } else {
            self.simd
                .add_f32s(self.simd.mul_f32s(a, b), sum)
        }
    }

    #[inline(always)]
    fn rectified(self, value: S::f32s) -> S::f32s {
        self.simd
            .max_f32s(value, self.simd.splat_f32s(0.0))
    }

    #[inline(always)]
    fn vectors(floats: &[f32]) -> &[Group<S::f32s, PARTS>] {
        cast_slice::<f32, S::f32s>(floats)
            .as_chunks()
            .0
            .as_chunks()
            .0
    }

    #[inline(always)]
    fn vectors_mut(floats: &mut [f32]) -> &mut [Group<S::f32s, PARTS>] {
        cast_slice_mut::<f32, S::f32s>(floats)
            .as_chunks_mut()
            .0
            .as_chunks_mut()
            .0
    }

    /// The next row of a mixture of rows.
    #[inline(always)]
    pub fn mix_rows(
        self,
        mixture: &Mixture,
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
    ) {
        let mut sources = [&[][..]; MOST_SOURCES];
        let mut count = 0;
        for row in 0..mixture.size {
            let row = input.at(output.ready * mixture.stride + row, mixture.size / 2);
            for group in row.chunks_exact(input.pitch) {
                sources[count] = &group[EDGE - mixture.before..];
                count += 1;
            }
        }
        self.mix(mixture, &sources[..count], output, after);
    }

    /// The next row of a mixture of what `each` wrote.
    #[inline(always)]
    pub fn mix_pixels(
        self,
        mixture: &Mixture,
        pixels: &[f32],
        output: &mut Rows<'_>,
        after: After<'_>,
    ) {
        let mut sources = [&[][..]; MOST_SOURCES];
        let mut count = 0;
        for group in pixels.chunks_exact(output.floats()) {
            sources[count] = group;
            count += 1;
        }
        self.mix(mixture, &sources[..count], output, after);
    }

    #[inline(always)]
    fn mix(self, mixture: &Mixture, sources: &[&[f32]], output: &mut Rows<'_>, after: After<'_>) {
        let taps = sources.len() * mixture.reach;
        let weights = Self::vectors(&mixture.weights).chunks_exact(taps);
        let summands = Self::vectors(&mixture.summands);
        let (pitch, ready) = (output.pitch, output.ready);
        for (group, ((target, weights), summands)) in output
            .next_groups()
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let target = Self::vectors_mut(target);
            let added = match after {
                After::AddAndRectify(rows, row) => Some(Self::vectors(
                    &rows.at(row, 0)[group * pitch + EDGE..][..target.len() * GROUP],
                )),
                _ => None,
            };
            let rectifies = !matches!(after, After::Nothing);
            let task = MixTask {
                mixture,
                sources,
                weights,
                summands,
                added,
                rectifies,
            };
            let mut first = 0;
            if target.len() >= PIXELS {
                while first < target.len() {
                    // The last pixels are computed twice where they are fewer than the others.
                    let start = first.min(target.len() - PIXELS);
                    self.mix_at::<PIXELS>(&task, start, target);
                    first += PIXELS;
                }
            } else {
                while first < target.len() {
                    self.mix_at::<1>(&task, first, target);
                    first += 1;
                }
            }
        }
        output.ready = ready + 1;
    }

    #[inline(always)]
    fn mix_at<const COUNT: usize>(
        self,
        task: &MixTask<'_, S::f32s, PARTS>,
        first: usize,
        target: &mut [Group<S::f32s, PARTS>],
    ) {
        let (reach, step) = (task.mixture.reach, task.mixture.step);
        let target = &mut target[first..][..COUNT];
        for part in 0..PARTS {
            let mut sums = [task.summands[part]; COUNT];
            for (source, weights) in task
                .sources
                .iter()
                .zip(task.weights.chunks_exact(reach))
            {
                let mut pixels = [&[][..]; COUNT];
                for (number, pixel) in pixels.iter_mut().enumerate() {
                    *pixel = &source[(first + number) * step..][..weights.len()];
                }
                for (tap, weights) in weights.iter().enumerate() {
                    for (sums, pixel) in sums.iter_mut().zip(&pixels) {
                        let value = self.simd.splat_f32s(pixel[tap]);
                        for (sum, weight) in sums.iter_mut().zip(&weights[part]) {
                            *sum = self.add_product(value, *weight, *sum);
                        }
                    }
                }
            }
            if let Some(added) = task.added {
                for (sums, added) in sums
                    .iter_mut()
                    .zip(&added[first..][..COUNT])
                {
                    for (sum, added) in sums.iter_mut().zip(&added[part]) {
                        *sum = self.simd.add_f32s(*sum, *added);
                    }
                }
            }
            for (target, sums) in target.iter_mut().zip(&sums) {
                for (target, sum) in target[part].iter_mut().zip(sums) {
                    *target = if task.rectifies {
                        self.rectified(*sum)
                    } else {
                        *sum
                    };
                }
            }
        }
    }

    /// A row of channels by themselves, rectified, group after group without edges.
    #[inline(always)]
    pub fn each(self, each: &Each, input: &Rows<'_>, row: usize, target: &mut [f32]) {
        match (each.size, each.stride) {
            (5, _) => self.each_of::<5, 1>(each, input, row, target),
            (_, 1) => self.each_of::<3, 1>(each, input, row, target),
            _ => self.each_of::<3, 2>(each, input, row, target),
        }
    }

    #[inline(always)]
    fn each_of<const SIZE: usize, const STRIDE: usize>(
        self,
        each: &Each,
        input: &Rows<'_>,
        row: usize,
        target: &mut [f32],
    ) {
        let weights = Self::vectors(&each.weights)
            .as_chunks::<SIZE>()
            .0
            .as_chunks::<SIZE>()
            .0;
        let summands = Self::vectors(&each.summands);
        let len = target.len() / each.groups;
        for (group, ((target, weights), summands)) in target
            .chunks_exact_mut(len)
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let target = Self::vectors_mut(target);
            let mut rows = [&[][..]; SIZE];
            for (number, source) in rows.iter_mut().enumerate() {
                let values = input.at(row * STRIDE + number, SIZE / 2);
                let values = &values[group * input.pitch..][..input.pitch];
                *source = Self::vectors(&values[EDGE - SIZE / 2 * GROUP..]);
            }
            let mut first = 0;
            if target.len() >= COLUMNS {
                while first < target.len() {
                    let start = first.min(target.len() - COLUMNS);
                    self.each_at::<SIZE, STRIDE, COLUMNS>(&rows, weights, summands, start, target);
                    first += COLUMNS;
                }
            } else {
                while first < target.len() {
                    self.each_at::<SIZE, STRIDE, 1>(&rows, weights, summands, first, target);
                    first += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn each_at<const SIZE: usize, const STRIDE: usize, const COUNT: usize>(
        self,
        rows: &[&[Group<S::f32s, PARTS>]; SIZE],
        weights: &[[Group<S::f32s, PARTS>; SIZE]; SIZE],
        summands: &Group<S::f32s, PARTS>,
        first: usize,
        target: &mut [Group<S::f32s, PARTS>],
    ) {
        let target = &mut target[first..][..COUNT];
        for (part, vector) in (0..PARTS).flat_map(|part| (0..3).map(move |vector| (part, vector))) {
            let mut sums = [summands[part][vector]; COUNT];
            for (row, weights) in rows.iter().zip(weights) {
                let window = &row[first * STRIDE..][..(COUNT - 1) * STRIDE + SIZE];
                for (tap, weight) in weights.iter().enumerate() {
                    for (column, sum) in sums.iter_mut().enumerate() {
                        let value = window[column * STRIDE + tap][part][vector];
                        *sum = self.add_product(value, weight[part][vector], *sum);
                    }
                }
            }
            for (target, sum) in target.iter_mut().zip(&sums) {
                target[part][vector] = self.rectified(*sum);
            }
        }
    }
}

/// What is the same for all pixels of a row of a group.
struct MixTask<'a, F, const PARTS: usize> {
    mixture: &'a Mixture,
    sources: &'a [&'a [f32]],
    weights: &'a [Group<F, PARTS>],
    summands: &'a Group<F, PARTS>,
    added: Option<&'a [Group<F, PARTS>]>,
    rectifies: bool,
}

/// The next row of the sum of rows and such of half the size, each pixel of which counts for four;
/// rectified.
#[inline(always)]
pub fn join(rows: &Rows<'_>, small: &Rows<'_>, output: &mut Rows<'_>) {
    let row = output.ready;
    let sources = rows
        .groups(row)
        .zip(small.groups(row / 2));
    for (target, (values, added)) in output.next_groups().zip(sources) {
        let target = target.as_chunks_mut::<GROUP>().0;
        let values = values.as_chunks::<GROUP>().0;
        let added = added.as_chunks::<GROUP>().0;
        for ((target, values), added) in target
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(values.as_chunks::<2>().0)
            .zip(added)
        {
            for (target, values) in target.iter_mut().zip(values) {
                for ((target, value), added) in target
                    .iter_mut()
                    .zip(values)
                    .zip(added)
                {
                    *target = (value + added).max(0.0);
                }
            }
        }
    }
    output.ready += 1;
}
