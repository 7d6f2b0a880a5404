//! Convolutions of one row in vectors of 16 numbers: eight channels of two pixels.
//!
//! Owns what such vectors need: each number of two pixels side by side, and weights twice. Every
//! output is computed from the same products in the same order as in `kernels`, so that it is the
//! same to the last bit.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are made here, and slices of a known length need no checks in the inner loops"
)]

use std::arch::x86_64::{__m512, __m512i};
use std::ops::Range;

use pulp::bytemuck::{cast, cast_slice, cast_slice_mut};
use pulp::x86::V4;
use pulp::{Simd, f32x16};

use crate::floats::Floats;
use crate::kernels::{After, Convolve, Rows};
use crate::weights::{Each, GROUP, MOST_SOURCES, Mixture};

/// Pairs that are computed at once: 12 sums, three weights and what they are multiplied with are in
/// registers.
const PAIRS: usize = 4;
/// Numbers of a vector.
const LANES: usize = 16;
/// Numbers of a group of two pixels.
const PAIR: usize = 2 * GROUP;

/// A group of two pixels: one behind the other, or each channel of both side by side.
type PairOfGroups = [f32x16; 3];

#[derive(Clone, Copy)]
pub struct PairKernel {
    pub simd: V4,
}

/// Places in two vectors, those of the second from 16 on.
type Places = [i32; LANES];

/// Which numbers of two pixels are side by side in each of three vectors, and of which two vectors
/// they come where one pixel lies behind the other.
const BESIDE: [(usize, usize, Places); 3] = [
    (
        0,
        1,
        [0, 24, 1, 25, 2, 26, 3, 27, 4, 28, 5, 29, 6, 30, 7, 31],
    ),
    (
        0,
        2,
        [8, 16, 9, 17, 10, 18, 11, 19, 12, 20, 13, 21, 14, 22, 15, 23],
    ),
    (
        1,
        2,
        [0, 24, 1, 25, 2, 26, 3, 27, 4, 28, 5, 29, 6, 30, 7, 31],
    ),
];
/// The way back.
const BEHIND: [(usize, usize, Places); 3] = [
    (
        0,
        1,
        [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30],
    ),
    (
        2,
        0,
        [0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31],
    ),
    (
        1,
        2,
        [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31],
    ),
];

#[inline(always)]
fn groups(floats: &[f32]) -> &[PairOfGroups] {
    cast_slice::<f32, f32x16>(floats)
        .as_chunks()
        .0
}

#[inline(always)]
fn groups_mut(floats: &mut [f32]) -> &mut [PairOfGroups] {
    cast_slice_mut::<f32, f32x16>(floats)
        .as_chunks_mut()
        .0
}

impl PairKernel {
    #[inline(always)]
    fn rectified(self, value: f32x16) -> f32x16 {
        self.simd
            .max_f32s(value, self.simd.splat_f32s(0.0))
    }

    /// It is not `map`: what that calls may be compiled without these instructions, as a function for each.
    #[inline(always)]
    fn all_rectified(self, [one, two, three]: PairOfGroups) -> PairOfGroups {
        [
            self.rectified(one),
            self.rectified(two),
            self.rectified(three),
        ]
    }

    #[inline(always)]
    fn arranged(self, from: &PairOfGroups, places: &[(usize, usize, Places); 3]) -> PairOfGroups {
        let mut arranged = *from;
        for (target, (first, second, places)) in arranged.iter_mut().zip(places) {
            let (first, second): (__m512, __m512) = (cast(from[*first]), cast(from[*second]));
            let places: __m512i = cast(*places);
            *target = cast(
                self.simd
                    .avx512f
                    ._mm512_permutex2var_ps(first, places, second),
            );
        }
        arranged
    }

    /// Numbers of two pixels, side by side.
    #[inline(always)]
    fn beside(self, one: [f32; LANES], other: [f32; LANES]) -> [f32; 2 * LANES] {
        const LOWER: Places = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
        const UPPER: Places = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];
        let (one, other): (__m512, __m512) = (cast(one), cast(other));
        let from = |places: Places| {
            self.simd
                .avx512f
                ._mm512_permutex2var_ps(one, cast(places), other)
        };
        cast([from(LOWER), from(UPPER)])
    }

    /// The next row of a mixture of sources in which both numbers of a pair stand side by side, each
    /// pair in as many floats as the mixture reaches.
    #[inline(always)]
    fn mix(
        self,
        mixture: &Mixture,
        sources: &[&[[f32; 2]]],
        output: &mut Rows<'_>,
        after: After<'_>,
        spans: &[Range<usize>],
    ) {
        let weights = groups(mixture.doubled.weights());
        let weights = weights.chunks_exact(sources.len() * mixture.reach);
        let summands = groups(&mixture.doubled.summands);
        let pitch = output.pitch;
        for (group, ((target, weights), summands)) in output
            .next_groups()
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let added = after.added(group, pitch);
            for span in spans {
                for first in pairs(span).step_by(PAIRS) {
                    let [one, two, three, four] =
                        self.mixed((mixture.reach, sources), weights, summands, first);
                    let after = (added, after.rectifies());
                    self.finish(&one, after, first, target);
                    self.finish(&two, after, first + 1, target);
                    self.finish(&three, after, first + 2, target);
                    self.finish(&four, after, first + 3, target);
                }
            }
        }
    }

    /// Sums of the mixture for the pairs from this one on. It is written without loops over these, as
    /// sums that are reached by loops do not stay in registers.
    #[inline(always)]
    fn mixed(
        self,
        (reach, sources): (usize, &[&[[f32; 2]]]),
        weights: &[PairOfGroups],
        summands: &PairOfGroups,
        first: usize,
    ) -> [PairOfGroups; PAIRS] {
        let [mut one, mut two, mut three, mut four] = [*summands; PAIRS];
        for (source, weights) in sources
            .iter()
            .zip(weights.chunks_exact(reach))
        {
            let pairs = |number: usize| &source[(first + number) * reach..][..reach];
            let taps = weights
                .iter()
                .zip(pairs(0))
                .zip(pairs(1))
                .zip(pairs(2))
                .zip(pairs(3));
            for ((((weights, of_one), of_two), of_three), of_four) in taps {
                one = self.add_products(*of_one, weights, one);
                two = self.add_products(*of_two, weights, two);
                three = self.add_products(*of_three, weights, three);
                four = self.add_products(*of_four, weights, four);
            }
        }
        [one, two, three, four]
    }

    /// The products of a number of each of two pixels with the weights of eight channels a vector.
    #[inline(always)]
    fn add_products(
        self,
        numbers: [f32; 2],
        [first, second, third]: &PairOfGroups,
        sums: PairOfGroups,
    ) -> PairOfGroups {
        let both: f64 = cast(numbers);
        let both: f32x16 = cast(self.simd.splat_f64s(both));
        [
            self.simd
                .mul_add_f32s(both, *first, sums[0]),
            self.simd
                .mul_add_f32s(both, *second, sums[1]),
            self.simd
                .mul_add_f32s(both, *third, sums[2]),
        ]
    }

    /// Writes a pair, the last pixel of a row, or nothing behind that.
    #[inline(always)]
    fn finish(
        self,
        sums: &PairOfGroups,
        (added, rectifies): (Option<&[f32]>, bool),
        pair: usize,
        target: &mut [f32],
    ) {
        let start = pair * PAIR;
        let end = (start + PAIR).min(target.len());
        if start >= end {
            return;
        }
        let target = &mut target[start..end];
        let added = added.map(|added| &added[start..end]);
        let mut sums = self.arranged(sums, &BEHIND);
        if let Some(added) = added {
            let mut both = [0.0; PAIR];
            let added = if added.len() == PAIR {
                added
            } else {
                both[..added.len()].copy_from_slice(added);
                &both
            };
            for (sum, added) in sums
                .iter_mut()
                .zip(cast_slice::<f32, f32x16>(added))
            {
                *sum = self.simd.add_f32s(*sum, *added);
            }
        }
        if rectifies {
            sums = self.all_rectified(sums);
        }
        match target.as_chunks_mut::<PAIR>().0 {
            [pair] => *pair = cast(sums),
            _ => target.copy_from_slice(&cast::<_, [f32; PAIR]>(sums)[..target.len()]),
        }
    }

    /// A row of channels by themselves, rectified, group after group, with the numbers of a pair side
    /// by side.
    #[inline(always)]
    fn each_of<const SIZE: usize>(
        self,
        each: &Each,
        input: &Rows<'_>,
        row: usize,
        target: &mut [f32],
        spans: &[Range<usize>],
    ) {
        let weights = groups(each.doubled.weights())
            .as_chunks::<SIZE>()
            .0
            .as_chunks::<SIZE>()
            .0;
        let summands = groups(&each.doubled.summands);
        let columns = input.floats() / GROUP;
        let len = target.len() / each.groups;
        for (group, ((target, weights), summands)) in target
            .chunks_exact_mut(len)
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let rows = input.around::<SIZE>(row, group);
            let target = groups_mut(target);
            for span in spans {
                for first in pairs(span).step_by(PAIRS) {
                    if (first + PAIRS) * 2 <= columns + 1 {
                        self.each_at::<SIZE>(&rows, weights, summands, first, target);
                    } else {
                        let end = (first + PAIRS).min(columns.div_ceil(2));
                        for (number, target) in target[first..end]
                            .iter_mut()
                            .enumerate()
                        {
                            *target = self.each_pair(&rows, weights, summands, first + number);
                        }
                    }
                }
            }
        }
    }

    /// Four pairs, from this one on.
    #[inline(always)]
    fn each_at<const SIZE: usize>(
        self,
        rows: &[&[f32]; SIZE],
        weights: &[[PairOfGroups; SIZE]; SIZE],
        summands: &PairOfGroups,
        first: usize,
        target: &mut [PairOfGroups],
    ) {
        let len = (PAIRS * 2 + SIZE - 1) * GROUP;
        let windows = rows.map(|row| &row[first * PAIR..][..len]);
        let mut sums = [*summands; PAIRS];
        for vector in 0..3 {
            let [mut one, mut two, mut three, mut four] = [summands[vector]; PAIRS];
            for (window, weights) in windows.iter().zip(weights) {
                for (tap, weights) in weights.iter().enumerate() {
                    let weight = weights[vector];
                    let pairs = &groups(&window[tap * GROUP..][..PAIRS * PAIR]);
                    one = self
                        .simd
                        .mul_add_f32s(pairs[0][vector], weight, one);
                    two = self
                        .simd
                        .mul_add_f32s(pairs[1][vector], weight, two);
                    three = self
                        .simd
                        .mul_add_f32s(pairs[2][vector], weight, three);
                    four = self
                        .simd
                        .mul_add_f32s(pairs[3][vector], weight, four);
                }
            }
            sums[0][vector] = self.rectified(one);
            sums[1][vector] = self.rectified(two);
            sums[2][vector] = self.rectified(three);
            sums[3][vector] = self.rectified(four);
        }
        for (target, sums) in target[first..][..PAIRS]
            .iter_mut()
            .zip(&sums)
        {
            *target = self.arranged(sums, &BESIDE);
        }
    }

    /// One pair.
    #[inline(always)]
    fn each_pair<const SIZE: usize>(
        self,
        rows: &[&[f32]; SIZE],
        weights: &[[PairOfGroups; SIZE]; SIZE],
        summands: &PairOfGroups,
        pair: usize,
    ) -> PairOfGroups {
        let mut sums = *summands;
        for (row, weights) in rows.iter().zip(weights) {
            for (tap, weights) in weights.iter().enumerate() {
                let values = groups(&row[pair * PAIR + tap * GROUP..][..PAIR])[0];
                for ((sum, value), weight) in sums
                    .iter_mut()
                    .zip(values)
                    .zip(weights)
                {
                    *sum = self
                        .simd
                        .mul_add_f32s(value, *weight, *sum);
                }
            }
        }
        self.arranged(&self.all_rectified(sums), &BESIDE)
    }

    /// As `each_of`, of every second column of every second row.
    #[inline(always)]
    fn each_second(
        self,
        each: &Each,
        input: &Rows<'_>,
        row: usize,
        target: &mut [f32],
        spans: &[Range<usize>],
    ) {
        const SIZE: usize = 3;
        let weights = each.weights.as_chunks::<GROUP>().0;
        let weights = weights.as_chunks::<SIZE>().0;
        let weights = weights.as_chunks::<SIZE>().0;
        let summands = each.summands.as_chunks::<GROUP>().0;
        let columns = input.floats() / GROUP / 2;
        let len = target.len() / each.groups;
        for (group, ((target, weights), summands)) in target
            .chunks_exact_mut(len)
            .zip(weights)
            .zip(summands)
            .enumerate()
        {
            let rows = input.around::<SIZE>(row * 2, group);
            let target = groups_mut(target);
            for column in spans.iter().flat_map(pairs) {
                let mut sums = [*summands; 2];
                for (number, sums) in sums.iter_mut().enumerate() {
                    let column = (column * 2 + number).min(columns - 1);
                    for (row, weights) in rows.iter().zip(weights) {
                        let values = row[column * 2 * GROUP..]
                            .as_chunks::<GROUP>()
                            .0;
                        for (values, weights) in values.iter().zip(weights) {
                            for ((sum, value), weight) in sums
                                .iter_mut()
                                .zip(values)
                                .zip(weights)
                            {
                                *sum = value.mul_add(*weight, *sum);
                            }
                        }
                    }
                }
                let sums: PairOfGroups = cast(sums);
                target[column] = self.arranged(&self.all_rectified(sums), &BESIDE);
            }
        }
    }
}

impl Convolve for PairKernel {
    #[inline(always)]
    fn mix_rows(
        self,
        mixture: &Mixture,
        input: &Rows<'_>,
        output: &mut Rows<'_>,
        after: After<'_>,
        scratch: &mut Floats,
        spans: &[Range<usize>],
    ) {
        let mut sources = [&[][..]; MOST_SOURCES];
        let count = input.sources(mixture, output.ready, &mut sources);
        let columns = output.floats() / GROUP;
        let len = room(columns) * mixture.reach * 2;
        let whole = mixture
            .reach
            .next_multiple_of(LANES);
        // What is written beyond a pair is overwritten by the next one.
        let scratch = scratch.of(count * len + 2 * LANES);
        for (number, source) in sources[..count].iter().enumerate() {
            let target = &mut scratch[number * len..];
            for pair in spans.iter().flat_map(pairs) {
                let of = |column: usize| {
                    let column = column.min(columns - 1);
                    &source[column * mixture.step..][..whole]
                };
                let (one, other) = (of(pair * 2), of(pair * 2 + 1));
                let target = &mut target[pair * mixture.reach * 2..][..whole * 2];
                for (target, (one, other)) in target
                    .as_chunks_mut::<{ 2 * LANES }>()
                    .0
                    .iter_mut()
                    .zip(
                        one.as_chunks()
                            .0
                            .iter()
                            .zip(other.as_chunks().0),
                    )
                {
                    *target = self.beside(*one, *other);
                }
            }
        }
        let mut pairs = [&[][..]; MOST_SOURCES];
        for (pairs, source) in pairs.iter_mut().zip(
            scratch
                .chunks_exact(len)
                .take(count),
        ) {
            *pairs = source.as_chunks().0;
        }
        self.mix(mixture, &pairs[..count], output, after, spans);
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
        let len = room(output.floats() / GROUP) * PAIR;
        let scratch = scratch.of(each.groups * len);
        match (each.size, each.stride) {
            (5, _) => self.each_of::<5>(each, input, row, scratch, spans),
            (_, 1) => self.each_of::<3>(each, input, row, scratch, spans),
            _ => self.each_second(each, input, row, scratch, spans),
        }
        let mut sources = [&[][..]; MOST_SOURCES];
        let mut count = 0;
        for group in scratch.chunks_exact(len) {
            sources[count] = group.as_chunks().0;
            count += 1;
        }
        self.mix(mixture, &sources[..count], output, after, spans);
    }
}

/// Pairs of columns, all that are computed at once.
fn room(columns: usize) -> usize {
    columns
        .div_ceil(2)
        .next_multiple_of(PAIRS)
}

/// The pairs of a span, which starts with one.
fn pairs(span: &Range<usize>) -> Range<usize> {
    span.start / 2..span.end.div_ceil(2)
}
