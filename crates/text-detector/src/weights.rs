//! The weights as `training/export.py` writes them: for each convolution, in the order of
//! inference, outputs, inputs, size and stride as 16-bit numbers, then weights and summands as half
//! floats, all little endian.
//!
//! Owns how they lie in memory, in the order in which `kernels` reads them. It never computes with
//! them.

use std::ops::Range;

use half::f16;

use crate::alike::Reach;
use crate::floats::Floats;

/// Channels that lie side by side. Two pixels of the first layer's 12 are a group, too.
pub const GROUP: usize = 24;
/// Rows that a mixture reads at most, those of all groups.
pub const MOST_SOURCES: usize = 3;

/// One convolution, as written.
pub struct Stored {
    pub outputs: usize,
    pub inputs: usize,
    pub size: usize,
    pub stride: usize,
    weights: Vec<f32>,
    pub summands: Vec<f32>,
}

impl Stored {
    fn is_of(&self, outputs: usize, inputs: usize, size: usize, stride: usize) -> bool {
        [self.outputs, self.inputs, self.size, self.stride] == [outputs, inputs, size, stride]
    }

    /// Weights and summand, where the layer makes a single number of each pixel of a group.
    pub fn head(&self) -> Option<([f32; GROUP], f32)> {
        let fits = self.is_of(1, GROUP, 1, 1);
        let weights = self.weights.first_chunk()?;
        let summand = self.summands.first()?;
        fits.then_some((*weights, *summand))
    }

    /// None where the layer is not as wide.
    pub fn weight(&self, output: usize, input: usize, row: usize, column: usize) -> Option<f32> {
        let inside = input < self.inputs && row < self.size && column < self.size;
        let place = ((output * self.inputs + input) * self.size + row) * self.size + column;
        inside
            .then(|| self.weights.get(place).copied())
            .flatten()
    }
}

/// All convolutions; None where the bytes end within one.
pub fn stored(mut rest: &[u8]) -> Option<Vec<Stored>> {
    let mut layers = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk::<8>()?;
        let head = head
            .as_chunks::<2>()
            .0
            .first_chunk::<4>()?;
        let [outputs, inputs, size, stride] = head.map(|two| usize::from(u16::from_le_bytes(two)));
        let count = outputs * inputs * size * size;
        let (weights, after) = floats(after, count)?;
        let (summands, after) = floats(after, outputs)?;
        layers.push(Stored {
            outputs,
            inputs,
            size,
            stride,
            weights,
            summands,
        });
        rest = after;
    }
    Some(layers)
}

fn floats(bytes: &[u8], count: usize) -> Option<(Vec<f32>, &[u8])> {
    let (halves, rest) = bytes.split_at_checked(count * 2)?;
    let halves = halves.as_chunks::<2>().0;
    let floats = halves
        .iter()
        .map(|two| f16::from_le_bytes(*two).to_f32())
        .collect();
    Some((floats, rest))
}

/// A convolution that mixes channels.
///
/// What an output pixel needs of a row lies side by side, as channels do and pixels after them: a
/// row of a group is a source, and floats from it are taps.
pub struct Mixture {
    /// Groups of outputs.
    pub groups: usize,
    /// Rows of input that one row of output needs.
    pub size: usize,
    /// Rows of input from one row of output to the next.
    pub stride: usize,
    /// Floats before the first column of the input where the first tap is.
    pub before: usize,
    /// Floats from the first tap of a column to that of the next.
    pub step: usize,
    /// Taps of each source.
    pub reach: usize,
    /// Those that count for the first half of the outputs of a group, and for the second.
    pub halves: [Range<usize>; 2],
    /// For each group: sources, in these taps, in these the outputs of the group.
    pub weights: Vec<f32>,
    pub summands: Vec<f32>,
    /// The same with each number twice.
    pub doubled: Doubled,
}

/// Weights and summands for two pixels.
pub struct Doubled {
    weights: Floats,
    pub summands: Vec<f32>,
}

impl Doubled {
    /// Each number twice, one beside the other.
    fn side_by_side(weights: &[f32], summands: &[f32]) -> Self {
        Self {
            weights: weights
                .iter()
                .flat_map(|number| [*number; 2])
                .collect(),
            summands: summands
                .iter()
                .flat_map(|number| [*number; 2])
                .collect(),
        }
    }

    /// Each group twice, one behind the other.
    fn by_group(weights: &[f32], summands: &[f32]) -> Self {
        Self {
            weights: twice(weights).collect(),
            summands: twice(summands).collect(),
        }
    }

    pub fn weights(&self) -> &[f32] {
        self.weights.get()
    }
}

fn twice(numbers: &[f32]) -> impl Iterator<Item = f32> {
    let groups = numbers.chunks_exact(GROUP);
    groups
        .flat_map(|group| [group; 2])
        .flatten()
        .copied()
}

impl Mixture {
    fn new(layer: &Stored, groups: usize, weights: Vec<f32>) -> Self {
        let copies = groups * GROUP / layer.summands.len().max(1);
        let summands = layer.summands.repeat(copies);
        Self {
            groups,
            size: layer.size,
            stride: layer.stride,
            before: 0,
            step: GROUP,
            reach: GROUP,
            halves: [0..GROUP, 0..GROUP],
            doubled: Doubled::side_by_side(&weights, &summands),
            weights,
            summands,
        }
    }

    /// What a column of output is computed from.
    pub fn reach(&self) -> Reach {
        Reach {
            rows: self.size,
            stride: self.stride,
            step: 1,
            before: self.before.div_ceil(self.step),
            behind: (self.reach - self.before).div_ceil(self.step) - 1,
        }
    }

    /// Groups of inputs, where these are single pixels.
    pub fn inputs(&self) -> usize {
        self.weights.len() / (self.groups * GROUP * self.reach)
    }

    /// From two channels to 12 of half the size: a group is two pixels, which need five.
    pub fn to_half(layer: &Stored) -> Option<Self> {
        let fits = layer.is_of(GROUP / 2, 2, 3, 2);
        let weights = weights(1, 3, 10, |lane, row, tap| {
            let (output, right) = (lane % (GROUP / 2), lane / (GROUP / 2));
            let column = (tap / 2).checked_sub(2 * right)?;
            layer.weight(output, tap % 2, row, column)
        });
        fits.then(|| Self {
            before: 2,
            step: 8,
            reach: 10,
            halves: [0..6, 4..10],
            ..Self::new(layer, 1, weights)
        })
    }

    /// From these to a group for each pixel.
    pub fn to_quarter(layer: &Stored) -> Option<Self> {
        let inputs = GROUP / 2;
        let fits = layer.is_of(GROUP, inputs, 3, 2);
        let weights = weights(1, 3, 3 * inputs, |output, row, tap| {
            layer.weight(output, tap % inputs, row, tap / inputs)
        });
        fits.then(|| Self {
            before: inputs,
            reach: 3 * inputs,
            halves: [0..3 * inputs, 0..3 * inputs],
            ..Self::new(layer, 1, weights)
        })
    }

    /// Of single pixels.
    pub fn of_pixels(layer: &Stored) -> Option<Self> {
        let (groups, inputs) = (layer.outputs / GROUP, layer.inputs / GROUP);
        let fits = inputs <= MOST_SOURCES && layer.is_of(groups * GROUP, inputs * GROUP, 1, 1);
        let weights = weights(groups, inputs, GROUP, |output, group, tap| {
            layer.weight(output, group * GROUP + tap, 0, 0)
        });
        fits.then(|| Self::new(layer, groups, weights))
    }
}

fn weights(
    groups: usize,
    sources: usize,
    reach: usize,
    weight: impl Fn(usize, usize, usize) -> Option<f32>,
) -> Vec<f32> {
    let mut weights = Vec::with_capacity(groups * sources * reach * GROUP);
    for group in 0..groups {
        for (source, tap) in
            (0..sources).flat_map(|source| (0..reach).map(move |tap| (source, tap)))
        {
            let outputs = group * GROUP..(group + 1) * GROUP;
            weights.extend(outputs.map(|output| weight(output, source, tap).unwrap_or_default()));
        }
    }
    weights
}

/// A convolution of each channel by itself.
pub struct Each {
    pub groups: usize,
    pub size: usize,
    pub stride: usize,
    /// For each group: rows, in these columns, in these the channels of the group.
    pub weights: Vec<f32>,
    pub summands: Vec<f32>,
    /// The same with each group twice.
    pub doubled: Doubled,
}

impl Each {
    pub fn new(layer: &Stored) -> Option<Self> {
        let (groups, size) = (layer.outputs / GROUP, layer.size);
        let known = matches!((size, layer.stride), (3, 1 | 2) | (5, 1));
        let fits = known && layer.is_of(groups * GROUP, 1, size, layer.stride);
        let weights = weights(groups, size, size, |channel, row, column| {
            layer.weight(channel, 0, row, column)
        });
        fits.then(|| Self {
            groups,
            size,
            stride: layer.stride,
            doubled: Doubled::by_group(&weights, &layer.summands),
            weights,
            summands: layer.summands.clone(),
        })
    }

    /// What a column of output is computed from.
    pub fn reach(&self) -> Reach {
        Reach {
            rows: self.size,
            stride: self.stride,
            step: self.stride,
            before: self.size / 2,
            behind: self.size / 2,
        }
    }
}
