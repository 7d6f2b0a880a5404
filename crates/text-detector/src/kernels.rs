//! Convolutions of one row, in the vector instructions that `pulp` offers.
//!
//! Everything here is inlined into `network::Run`, which is compiled once for each instruction set.
//! Sizes were checked when the weights were read, and all others follow from them; nothing here
//! depends on what a picture holds.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are made here, and slices of a known length need no checks in the inner loops"
)]

use std::ops::Range;

use pulp::Simd;
use pulp::bytemuck::{cast_slice, cast_slice_mut};

use crate::alike::Alike;
use crate::floats::Floats;
use crate::weights::{Each, GROUP, MOST_SOURCES, Mixture};

/// Zeros before and behind each row: the two pixels that the largest convolution looks beyond it, one
/// for the second of two pixels that are computed at once where the row ends with the first, and one
/// that keeps rows aligned.
pub const EDGE: usize = 4 * GROUP;
/// Floats of a column of the picture, which is four pixels.
const PICTURE_COLUMN: usize = 8;
/// Columns of which `Kernel::each` computes a vector at once.
const COLUMNS: usize = 4;

/// How much of a layer's output is kept, and what it is.
#[derive(Clone, Copy)]
pub struct Shape {
    pub groups: usize,
    /// Floats of a row of a group.
    pub floats: usize,
    /// Columns of a row: groups of floats that are computed from the same taps.
    pub columns: usize,
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
    pub pitch: usize,
    kept: usize,
    pub height: usize,
    /// Rows that were written so far.
    pub ready: usize,
    pub pace: usize,
    /// Which columns of the rows that are kept are as the one before.
    pub alike: Alike,
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
            alike: Alike::new(shape.columns, shape.kept(), shape.height),
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

    /// What a row of a mixture is made of, and how many these are.
    #[inline(always)]
    pub fn sources<'b>(
        &'b self,
        mixture: &Mixture,
        row: usize,
        sources: &mut [&'b [f32]; MOST_SOURCES],
    ) -> usize {
        let mut count = 0;
        for offset in 0..mixture.size {
            let row = self.at(row * mixture.stride + offset, mixture.size / 2);
            for group in row.chunks_exact(self.pitch) {
                sources[count] = &group[EDGE - mixture.before..];
                count += 1;
            }
        }
        count
    }

    /// The rows of a group around one, from as many pixels before the first column.
    #[inline(always)]
    pub fn around<const SIZE: usize>(&self, row: usize, group: usize) -> [&[f32]; SIZE] {
        let mut rows = [&[][..]; SIZE];
        for (number, source) in rows.iter_mut().enumerate() {
            let values = self.at(row + number, SIZE / 2);
            let values = &values[group * self.pitch..][..self.pitch];
            *source = &values[EDGE - SIZE / 2 * GROUP..];
        }
        rows
    }

    /// Notes which columns of a row of the picture are as the one before.
    #[inline(always)]
    pub fn compare(&mut self, row: usize) {
        let len = self.groups * self.pitch;
        let values = &self.values[row % self.kept * len..][..len][EDGE..][..self.floats()];
        let columns = values
            .as_chunks::<PICTURE_COLUMN>()
            .0;
        let alike = self.alike.row_mut(row);
        alike[0] = false;
        for (alike, two) in alike[1..]
            .iter_mut()
            .zip(columns.windows(2))
        {
            *alike = two[0].map(f32::to_bits) == two[1].map(f32::to_bits);
        }
    }

    /// Takes the next row as written, the columns beside the spans as the last one of those before.
    #[inline(always)]
    pub fn finish(&mut self, spans: &[Range<usize>]) {
        for group in self.next_groups() {
            let columns = group.as_chunks_mut::<GROUP>().0;
            for (span, next) in spans.iter().zip(
                spans
                    .iter()
                    .skip(1)
                    .map(|next| next.start)
                    .chain([columns.len()]),
            ) {
                let last = columns[span.end - 1];
                columns[span.end..next].fill(last);
            }
        }
        self.ready += 1;
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

impl<'a> After<'a> {
    #[inline(always)]
    pub fn added(self, group: usize, pitch: usize) -> Option<&'a [f32]> {
        match self {
            Self::AddAndRectify(rows, row) => {
                Some(&rows.at(row, 0)[group * pitch + EDGE..][..pitch - 2 * EDGE])
            }
            _ => None,
        }
    }

    pub fn rectifies(self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// Convolutions of a row, of the columns in `spans`.
pub trait Convolve: Copy {
    /// A mixture of rows.
    fn mix_rows(
        self,
        mixture: &Mixture,
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
        scratch: &mut Floats,
        spans: &[Range<usize>],
    );

    /// Channels by themselves, rectified, and a mixture of these.
    fn separate(
        self,
        layer: (&Each, &Mixture),
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
        scratch: &mut Floats,
        spans: &[Range<usize>],
    );
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

    #[inline(always)]
    fn mix(
        self,
        mixture: &Mixture,
        sources: &[&[f32]],
        output: &mut Rows<'_>,
        after: After<'_>,
        spans: &[Range<usize>],
    ) {
        let taps = sources.len() * mixture.reach;
        let weights = Self::vectors(&mixture.weights).chunks_exact(taps);
        let summands = Self::vectors(&mixture.summands);
        let pitch = output.pitch;
        for (group, ((target, weights), summands)) in output
            .next_groups()
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let target = Self::vectors_mut(target);
            let added = after
                .added(group, pitch)
                .map(|added| Self::vectors(added));
            let task = MixTask {
                mixture,
                sources,
                weights,
                summands,
                added,
                rectifies: after.rectifies(),
            };
            for span in spans {
                let mut first = span.start;
                if span.len() >= PIXELS {
                    while first < span.end {
                        // The last pixels are computed twice where they are fewer than the others.
                        let start = first.min(span.end - PIXELS);
                        self.mix_at::<PIXELS>(&task, start, target);
                        first += PIXELS;
                    }
                } else {
                    while first < span.end {
                        self.mix_at::<1>(&task, first, target);
                        first += 1;
                    }
                }
            }
        }
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
            let taps = if PARTS == 2 {
                task.mixture.halves[part].clone()
            } else {
                0..reach
            };
            let mut sums = [task.summands[part]; COUNT];
            for (source, weights) in task
                .sources
                .iter()
                .zip(task.weights.chunks_exact(reach))
            {
                let weights = &weights[taps.clone()];
                let mut pixels = [&[][..]; COUNT];
                for (number, pixel) in pixels.iter_mut().enumerate() {
                    *pixel = &source[(first + number) * step + taps.start..][..weights.len()];
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

    #[inline(always)]
    fn each_of<const SIZE: usize, const STRIDE: usize>(
        self,
        each: &Each,
        input: &Rows<'_>,
        row: usize,
        target: &mut [f32],
        spans: &[Range<usize>],
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
            let rows = input
                .around::<SIZE>(row * STRIDE, group)
                .map(|row| Self::vectors(row));
            for span in spans {
                let mut first = span.start;
                if span.len() >= COLUMNS {
                    while first < span.end {
                        let start = first.min(span.end - COLUMNS);
                        self.each_at::<SIZE, STRIDE, COLUMNS>(
                            &rows, weights, summands, start, target,
                        );
                        first += COLUMNS;
                    }
                } else {
                    while first < span.end {
                        self.each_at::<SIZE, STRIDE, 1>(&rows, weights, summands, first, target);
                        first += 1;
                    }
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

impl<S: Simd, const PARTS: usize> Convolve for Kernel<S, PARTS> {
    #[inline(always)]
    fn mix_rows(
        self,
        mixture: &Mixture,
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
        _scratch: &mut Floats,
        spans: &[Range<usize>],
    ) {
        let mut sources = [&[][..]; MOST_SOURCES];
        let count = input.sources(mixture, output.ready, &mut sources);
        self.mix(mixture, &sources[..count], output, after, spans);
    }

    #[inline(always)]
    fn separate(
        self,
        (each, mixture): (&Each, &Mixture),
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
        scratch: &mut Floats,
        spans: &[Range<usize>],
    ) {
        let row = output.ready;
        let scratch = scratch.of(each.groups * output.floats());
        match (each.size, each.stride) {
            (5, _) => self.each_of::<5, 1>(each, input, row, scratch, spans),
            (_, 1) => self.each_of::<3, 1>(each, input, row, scratch, spans),
            _ => self.each_of::<3, 2>(each, input, row, scratch, spans),
        }
        let mut sources = [&[][..]; MOST_SOURCES];
        let mut count = 0;
        for group in scratch.chunks_exact(output.floats()) {
            sources[count] = group;
            count += 1;
        }
        self.mix(mixture, &sources[..count], output, after, spans);
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
    let span = 0..output.floats() / GROUP;
    output.finish(std::slice::from_ref(&span));
}
