//! The network: down to a sixteenth of the picture and back up to a quarter, as
//! `training/network.py` has it.
//!
//! Rows flow through all layers at once. Each layer keeps the last rows that others still read, so
//! that memory grows with the width of a picture alone, and most of it stays in the nearer caches.
//! Pictures that are very wide are looked at in strips.

use std::ops::Range;
use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
use pulp::x86::V4;
use pulp::{Arch, Scalar128b, Simd, WithSimd};

use crate::alike::computed;
use crate::floats::Floats;
use crate::input::Channels;
use crate::kernels::{After, Convolve, Kernel, Rows, Shape, join};
#[cfg(target_arch = "x86_64")]
use crate::pairs::PairKernel;
use crate::weights::{Each, GROUP, Mixture, Stored, stored};

/// Blocks at a quarter, an eighth and a sixteenth that keep their size.
const BLOCKS: [usize; 3] = [2, 3, 3];
/// Pixels of a cell of the map, in both directions.
const CELL: usize = 4;
/// Rows of the picture that a round adds: one at the layer that is smallest.
const ROUND: usize = 16;
/// Rows of the picture that the way by a sixteenth lags behind.
const LATE: usize = 224;
/// Columns of a strip of which the map is filled. With it, a strip takes about 40 MB.
const STRIP: usize = 8192;
/// Columns of a strip on both sides of these: no pixel farther away counts.
const OVERLAP: usize = 224;

static NETWORK: LazyLock<Option<Network>> =
    LazyLock::new(|| Network::new(&stored(include_bytes!("weights.bin"))?));

/// How likely each cell of 4 by 4 pixels is text, from 0 to 1.
pub struct LikelihoodMap {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

/// What the network says about a picture, in the best instructions that this processor has.
pub fn likelihood(input: &Channels<'_>) -> LikelihoodMap {
    likelihood_by(Arch::new(), input, STRIP)
}

fn likelihood_by(arch: Arch, input: &Channels<'_>, strip: usize) -> LikelihoodMap {
    let network = NETWORK.as_ref();
    let network =
        network.unwrap_or_else(|| unreachable!("a test reads the weights that are compiled in"));
    let (width, height) = (input.width / CELL, input.height / CELL);
    let mut map = LikelihoodMap {
        width,
        height,
        values: vec![0.0; width * height],
    };
    for start in (0..input.width).step_by(strip) {
        let end = (start + strip).min(input.width);
        let left = start.saturating_sub(OVERLAP);
        let right = (end + OVERLAP).min(input.width);
        let run = Run {
            network,
            input,
            columns: left..right,
            map: &mut map,
            filled: start..end,
        };
        match arch {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(simd) => arch.dispatch(RunInPairs { run, simd }),
            _ => arch.dispatch(run),
        }
    }
    map
}

/// All layers in the order of inference. The rows of each are the input of the next.
struct Network {
    layers: Vec<Layer>,
    /// Weights and summand of what makes a single number of a pixel.
    head: ([f32; GROUP], f32),
}

struct Layer {
    work: Work,
    /// Groups of outputs.
    groups: usize,
    /// Pixels of the picture that a row stands for.
    scale: usize,
    /// Rows behind the newest that others still read.
    behind: usize,
}

enum Work {
    /// To half and to a quarter.
    Shrink(Mixture),
    /// Each channel by itself, then a mixture; added to the input where the shape stays.
    Separate(Each, Mixture),
    /// What the next layer joins.
    Mix(Mixture),
    /// Adds what is half the size to the output of this earlier layer.
    Join(usize),
}

impl Layer {
    fn new(work: Work, groups: usize, scale: usize) -> Self {
        Self {
            work,
            groups,
            scale,
            behind: 4,
        }
    }

    /// The next two convolutions, the first of them of this number of groups.
    fn separate<'a>(
        mut rest: impl Iterator<Item = &'a Stored>,
        inputs: usize,
        scale: usize,
    ) -> Option<Self> {
        let each = Each::new(rest.next()?)?;
        let mixture = Mixture::of_pixels(rest.next()?)?;
        let outputs = mixture.groups;
        let fits = each.groups == inputs
            && mixture.inputs() == inputs
            && (each.stride == 2 || outputs == inputs);
        fits.then(|| Self::new(Work::Separate(each, mixture), outputs, scale))
    }
}

impl Network {
    /// None where the convolutions do not follow one from another as they must.
    fn new(stored: &[Stored]) -> Option<Self> {
        let mut rest = stored.iter();
        let half = Mixture::to_half(rest.next()?)?;
        let quarter = Mixture::to_quarter(rest.next()?)?;
        let mut layers = vec![
            Layer::new(Work::Shrink(half), 1, CELL / 2),
            Layer::new(Work::Shrink(quarter), 1, CELL),
        ];
        let mut joined = Vec::new();
        for (level, blocks) in BLOCKS.into_iter().enumerate() {
            let shrinks = usize::from(level > 0);
            for _ in 0..shrinks + blocks {
                let inputs = layers.last()?.groups;
                layers.push(Layer::separate(&mut rest, inputs, CELL << level)?);
            }
            joined.push(layers.len() - 1);
        }
        joined.pop();
        while let Some(earlier) = joined.pop() {
            let inputs = layers.last()?.groups;
            let layer = layers.get_mut(earlier)?;
            let (groups, scale) = (layer.groups, layer.scale);
            layer.behind += LATE / scale;
            let mixture = Mixture::of_pixels(rest.next()?)?;
            if mixture.inputs() != inputs || mixture.groups != groups {
                return None;
            }
            layers.push(Layer::new(Work::Mix(mixture), groups, scale * 2));
            layers.push(Layer::new(Work::Join(earlier), groups, scale));
            layers.push(Layer::separate(&mut rest, groups, scale)?);
        }
        let head = rest.next()?.head()?;
        rest.next()
            .is_none()
            .then_some(Self { layers, head })
    }
}

/// One strip, in the instructions of `S`.
struct Run<'a> {
    network: &'a Network,
    input: &'a Channels<'a>,
    columns: Range<usize>,
    /// Columns of the picture of which the map is filled.
    filled: Range<usize>,
    map: &'a mut LikelihoodMap,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            8 => self.run(Kernel::<S, 1> { simd, fused: true }),
            4 => self.run(Kernel::<S, 2> { simd, fused: true }),
            // Four numbers at once are in the instructions that all processors have.
            _ => self.run(Kernel::<_, 2> {
                simd: Scalar128b,
                fused: false,
            }),
        }
    }
}

/// One strip, in the instructions that compute 16 numbers at once.
#[cfg(target_arch = "x86_64")]
struct RunInPairs<'a> {
    run: Run<'a>,
    simd: V4,
}

#[cfg(target_arch = "x86_64")]
impl WithSimd for RunInPairs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.run
            .run(PairKernel { simd: self.simd });
    }
}

impl Run<'_> {
    /// What is kept of the input and of each layer.
    fn shapes(&self) -> impl Iterator<Item = Shape> {
        let (width, height) = (self.columns.len(), self.input.height);
        let input = Shape {
            groups: 1,
            floats: width * 2,
            columns: width / CELL,
            height,
            pace: ROUND,
            behind: 2,
        };
        let layers = self
            .network
            .layers
            .iter()
            .map(move |layer| Shape {
                groups: layer.groups,
                // Two pixels of half the size are a group.
                floats: width / layer.scale.max(CELL) * GROUP,
                columns: width / layer.scale.max(CELL),
                height: height / layer.scale,
                pace: ROUND / layer.scale,
                behind: layer.behind,
            });
        std::iter::once(input).chain(layers)
    }

    #[inline(always)]
    fn run(mut self, kernel: impl Convolve) {
        let shapes: Vec<Shape> = self.shapes().collect();
        // Once for all: what is taken from the system piece by piece for each picture costs more
        // than a fifth of the time.
        let mut memory = Floats::default();
        let mut rest = memory.of(shapes
            .iter()
            .map(|shape| shape.len())
            .sum());
        let mut rows: Vec<Rows<'_>> = shapes
            .iter()
            .filter_map(|shape| Some(Rows::new(*shape, rest.split_off_mut(..shape.len())?)))
            .collect();
        let mut scratch = Scratch::default();
        let mut done = 0;
        while done < self.map.height {
            if let Some(first) = rows.first_mut() {
                self.read(first);
            }
            for (number, layer) in self
                .network
                .layers
                .iter()
                .enumerate()
            {
                if let Some((output, inputs)) = rows
                    .get_mut(..number + 2)
                    .and_then(<[_]>::split_last_mut)
                {
                    for _ in 0..output.pace {
                        layer.advance(kernel, inputs, output, &mut scratch);
                    }
                }
            }
            let Some(last) = rows.last() else { return };
            while done < last.ready {
                self.fill(done, last);
                done += 1;
            }
        }
    }

    #[inline(always)]
    fn read(&self, rows: &mut Rows<'_>) {
        for row in rows.ready..(rows.ready + ROUND).min(rows.height) {
            for target in rows.next_groups() {
                self.input
                    .read(row, self.columns.clone(), target);
            }
            rows.compare(row);
            rows.ready += 1;
        }
    }

    /// A row of the map.
    #[inline(always)]
    fn fill(&mut self, row: usize, rows: &Rows<'_>) {
        let (weights, summand) = &self.network.head;
        let first = (self.filled.start - self.columns.start) / CELL;
        let target = self
            .map
            .values
            .chunks_exact_mut(self.map.width)
            .nth(row)
            .and_then(|row| row.get_mut(self.filled.start / CELL..self.filled.end / CELL));
        let pixels = rows
            .groups(row)
            .flat_map(|group| group.as_chunks::<GROUP>().0);
        for (target, pixel) in target
            .into_iter()
            .flatten()
            .zip(pixels.skip(first))
        {
            let mut sums = [0.0; 8];
            for (values, weights) in pixel
                .as_chunks::<8>()
                .0
                .iter()
                .zip(weights.as_chunks::<8>().0)
            {
                for ((sum, value), weight) in sums
                    .iter_mut()
                    .zip(values)
                    .zip(weights)
                {
                    *sum += value * weight;
                }
            }
            let sum = summand + sums.iter().sum::<f32>();
            *target = 1.0 / (1.0 + (-sum).exp());
        }
    }
}

/// What a row is computed with.
#[derive(Default)]
struct Scratch {
    /// Between two convolutions.
    floats: Floats,
    /// Columns that have to be computed.
    spans: Vec<Range<usize>>,
    alike: Vec<bool>,
}

impl Layer {
    /// Computes the next row, if what it needs is there.
    #[inline(always)]
    fn advance(
        &self,
        kernel: impl Convolve,
        inputs: &[Rows<'_>],
        output: &mut Rows<'_>,
        scratch: &mut Scratch,
    ) {
        let (Some(input), row) = (inputs.last(), output.ready) else {
            return;
        };
        if row == output.height {
            return;
        }
        let reach = match &self.work {
            Work::Shrink(mixture) | Work::Mix(mixture) => mixture.reach(),
            Work::Separate(each, _) => each.reach(),
            Work::Join(earlier) => {
                if let Some(rows) = inputs.get(earlier + 1)
                    && rows.suffice(row, 1, 1)
                    && input.suffice(row / 2, 1, 1)
                {
                    let alike = output.alike.row_mut(row);
                    rows.alike
                        .join(row, &input.alike, alike);
                    join(rows, input, output);
                }
                return;
            }
        };
        if !input.suffice(row, reach.rows, reach.stride) {
            return;
        }
        let Scratch {
            floats,
            spans,
            alike,
        } = scratch;
        let target = output.alike.row_mut(row);
        input
            .alike
            .spread(row, reach, alike, target);
        computed(target, spans);
        match &self.work {
            Work::Separate(each, mixture) => {
                let after = if each.stride == 1 {
                    After::AddAndRectify(input, row)
                } else {
                    After::Rectify
                };
                kernel.separate((each, mixture), input, output, after, floats, spans);
            }
            Work::Shrink(mixture) => {
                kernel.mix_rows(mixture, input, output, After::Rectify, floats, spans);
            }
            Work::Mix(mixture) => {
                kernel.mix_rows(mixture, input, output, After::Nothing, floats, spans);
            }
            Work::Join(_) => {}
        }
        output.finish(spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Picture, reference};

    #[test]
    fn the_weights_are_a_network() {
        assert!(NETWORK.is_some());
    }

    /// Lines of all sorts of lengths and greys.
    fn pixels(width: usize, height: usize) -> Vec<u8> {
        let mut random = 1_u32;
        let mut pixels = vec![0; width * height];
        for pixel in &mut pixels {
            random = random
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            *pixel = match random >> 29 {
                0 | 1 => 200,
                _ => (random >> 26) as u8,
            };
        }
        pixels
    }

    fn map(arch: Arch, width: usize, height: usize, strip: usize) -> LikelihoodMap {
        let pixels = pixels(width, height);
        let picture = Picture::new(width, height, &pixels).expect("as many pixels");
        likelihood_by(arch, &Channels::of(picture), strip)
    }

    #[test]
    fn strips_are_as_the_whole() {
        let whole = map(Arch::new(), 700, 70, STRIP);
        let strips = map(Arch::new(), 700, 70, 320);
        assert!(
            whole
                .values
                .iter()
                .any(|value| *value > 0.01)
        );
        assert!(whole.values == strips.values);
    }

    #[test]
    fn instructions_make_no_difference() {
        for (width, height) in [(1, 1), (15, 3), (16, 400), (77, 133), (200, 50)] {
            let plain = map(Arch::Scalar, width, height, STRIP);
            let best = map(Arch::new(), width, height, STRIP);
            assert_eq!(
                plain.values.len(),
                width.div_ceil(16) * height.div_ceil(16) * 16
            );
            for (plain, best) in plain
                .values
                .iter()
                .zip(&best.values)
            {
                assert!((plain - best).abs() < 1e-4, "{plain} is not {best}");
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn longer_vectors_make_the_same_bits() {
        let (Some(longest), Some(long)) = (V4::try_new(), pulp::x86::V3::try_new()) else {
            return;
        };
        for (width, height) in [(1, 1), (15, 3), (16, 400), (77, 133), (352, 80)] {
            let longest = map(Arch::V4(longest), width, height, STRIP);
            let long = map(Arch::V3(long), width, height, STRIP);
            assert!(longest.values == long.values);
        }
    }

    /// Black, and white from a column on, but for what is drawn at both ends.
    fn even_ground(width: usize, height: usize) -> Vec<u8> {
        let mut pixels = pixels(width, height);
        for row in pixels.chunks_exact_mut(width) {
            let (left, right) = row.split_at_mut(width / 3);
            left[40..].fill(0);
            right[..width / 2].fill(255);
        }
        pixels
    }

    #[test]
    fn even_grounds_are_as_if_all_was_computed() {
        let layers = stored(include_bytes!("weights.bin")).expect("all layers");
        let (width, height) = (640, 96);
        let even = vec![7; width * height];
        for pixels in [even_ground(width, height), even] {
            let picture = Picture::new(width, height, &pixels).expect("as many pixels");
            let channels = Channels::of(picture);
            let expected = reference::likelihood(&channels, BLOCKS, &layers);
            for arch in [Arch::new(), Arch::Scalar] {
                let found = likelihood_by(arch, &channels, STRIP).values;
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn rows_are_as_whole_planes() {
        let layers = stored(include_bytes!("weights.bin")).expect("all layers");
        for (width, height) in [(16, 16), (64, 48), (112, 272)] {
            let pixels = pixels(width, height);
            let picture = Picture::new(width, height, &pixels).expect("as many pixels");
            let channels = Channels::of(picture);
            let expected = reference::likelihood(&channels, BLOCKS, &layers);
            let found = likelihood(&channels).values;
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
            }
        }
    }
}
