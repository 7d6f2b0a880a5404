//! The network in its plainest form, over whole planes and one number at a time.
//!
//! Owns what tests compare `network` and `kernels` with. Nothing else uses it: it must never share
//! arithmetic with them.

use crate::input::Channels;
use crate::weights::Stored;

/// What `network::likelihood` must find.
pub fn likelihood(input: &Channels<'_>, blocks: [usize; 3], layers: &[Stored]) -> Vec<f32> {
    let mut layers = layers.iter();
    let mut planes = Planes::of(input);
    for _ in 0..2 {
        planes = planes
            .convolved(next(&mut layers))
            .rectified();
    }
    let mut joined = Vec::new();
    for (level, blocks) in blocks.into_iter().enumerate() {
        for _ in 0..blocks + usize::from(level > 0) {
            planes = planes.separated(&mut layers);
        }
        joined.push(planes.clone());
    }
    joined.pop();
    for earlier in joined.into_iter().rev() {
        let small = planes.convolved(next(&mut layers));
        planes = earlier
            .plus(&small)
            .rectified()
            .separated(&mut layers);
    }
    let map = planes.convolved(next(&mut layers));
    map.values
        .iter()
        .map(|value| 1.0 / (1.0 + (-value).exp()))
        .collect()
}

type Layers<'a> = std::slice::Iter<'a, Stored>;

fn next<'a>(layers: &mut Layers<'a>) -> &'a Stored {
    layers
        .next()
        .expect("one more layer")
}

#[derive(Clone)]
struct Planes {
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl Planes {
    fn of(input: &Channels<'_>) -> Self {
        let (height, width) = (input.height, input.width);
        let mut values = vec![0.0; width * 2];
        let mut planes = vec![Vec::new(); 2];
        for row in 0..height {
            input.read(row, 0..width, &mut values);
            for (plane, values) in planes
                .iter_mut()
                .zip(0..2)
                .map(|(plane, first)| (plane, values.iter().skip(first).step_by(2)))
            {
                plane.extend(values);
            }
        }
        Self {
            height,
            width,
            values: planes.concat(),
        }
    }

    fn at(&self, plane: usize, row: usize, column: usize) -> f32 {
        self.values[(plane * self.height + row) * self.width + column]
    }

    fn filled(
        height: usize,
        width: usize,
        planes: usize,
        value: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut values = Vec::new();
        for plane in 0..planes {
            for row in 0..height {
                values.extend((0..width).map(|column| value(plane, row, column)));
            }
        }
        Self {
            height,
            width,
            values,
        }
    }

    fn convolved(&self, layer: &Stored) -> Self {
        let (height, width) = (self.height / layer.stride, self.width / layer.stride);
        let edge = layer.size / 2;
        Self::filled(height, width, layer.outputs, |output, row, column| {
            let mut sum = layer.summands[output];
            for input in 0..layer.inputs {
                let plane = if layer.inputs == 1 { output } else { input };
                for down in 0..layer.size {
                    for right in 0..layer.size {
                        let row = (row * layer.stride + down).wrapping_sub(edge);
                        let column = (column * layer.stride + right).wrapping_sub(edge);
                        if row < self.height && column < self.width {
                            let weight = layer.weight(output, input, down, right);
                            sum += weight.expect("a weight") * self.at(plane, row, column);
                        }
                    }
                }
            }
            sum
        })
    }

    fn separated(&self, layers: &mut Layers<'_>) -> Self {
        let each = next(layers);
        let mixture = next(layers);
        let mixed = self
            .convolved(each)
            .rectified()
            .convolved(mixture);
        if each.stride == 1 {
            mixed.plus(self).rectified()
        } else {
            mixed.rectified()
        }
    }

    /// Each pixel of planes of half the size counts for four.
    fn plus(&self, other: &Self) -> Self {
        let by = self.height / other.height;
        let planes = self.values.len() / (self.height * self.width);
        Self::filled(self.height, self.width, planes, |plane, row, column| {
            self.at(plane, row, column) + other.at(plane, row / by, column / by)
        })
    }

    fn rectified(mut self) -> Self {
        for value in &mut self.values {
            *value = value.max(0.0);
        }
        self
    }
}
