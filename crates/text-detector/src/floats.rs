//! Numbers that begin where a line of the cache does.
//!
//! Owns memory for vectors: one that lies in two lines takes as long as two.

/// Bytes of a line, and of the longest vector.
const LINE: usize = 64;

/// Numbers in memory, zero at first.
#[derive(Default)]
pub struct Floats {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Floats {
    pub fn zeros(len: usize) -> Self {
        let values = vec![0.0; len + LINE / size_of::<f32>()];
        let start = values.as_ptr().align_offset(LINE);
        Self {
            // It is no more than it may be wherever the start cannot be told.
            start: start.min(values.len() - len),
            values,
            len,
        }
    }

    pub fn get(&self) -> &[f32] {
        self.values
            .get(self.start..self.start + self.len)
            .unwrap_or_default()
    }

    /// The first of them, whatever they are; more are made where they are too few.
    pub fn of(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            *self = Self::zeros(len);
        }
        self.values
            .get_mut(self.start..self.start + len)
            .unwrap_or_default()
    }
}

impl FromIterator<f32> for Floats {
    fn from_iter<T: IntoIterator<Item = f32>>(numbers: T) -> Self {
        let numbers: Vec<f32> = numbers.into_iter().collect();
        let mut floats = Self::zeros(numbers.len());
        floats
            .of(numbers.len())
            .copy_from_slice(&numbers);
        floats
    }
}
