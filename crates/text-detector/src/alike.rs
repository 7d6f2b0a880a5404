//! Which columns of a row are as the one before, so that what is computed from them is, too.
//!
//! Owns what need not be computed: where a picture is even, as black or white grounds are, whatever
//! a convolution makes of a column is what it made of the one before, to the last bit. It never
//! says so of columns that may differ.

use std::ops::Range;

/// Columns that are computed or left out together.
const BLOCK: usize = 8;

/// For the rows of a layer that are kept.
pub struct Alike {
    /// Row after row; that behind the last one stands for what lies outside of the picture.
    flags: Vec<bool>,
    columns: usize,
    kept: usize,
    height: usize,
}

/// Rows and columns that a column of an output is computed from.
#[derive(Clone, Copy)]
pub struct Reach {
    /// Rows.
    pub rows: usize,
    /// Rows from one row of output to the next.
    pub stride: usize,
    /// Columns from one column of output to the next.
    pub step: usize,
    /// Columns before the first of these.
    pub before: usize,
    /// Columns behind it.
    pub behind: usize,
}

impl Alike {
    pub fn new(columns: usize, kept: usize, height: usize) -> Self {
        let mut flags = vec![false; columns * (kept + 1)];
        if let Some(outside) = flags.get_mut(columns * kept..) {
            outside.fill(true);
        }
        Self {
            flags,
            columns,
            kept,
            height,
        }
    }

    fn slot(&self, row: Option<usize>) -> &[bool] {
        let slot = row
            .filter(|row| *row < self.height)
            .map_or(self.kept, |row| row % self.kept);
        self.flags
            .get(slot * self.columns..)
            .and_then(|rest| rest.get(..self.columns))
            .unwrap_or_default()
    }

    /// The flags of a row, to be written.
    pub fn row_mut(&mut self, row: usize) -> &mut [bool] {
        let start = row % self.kept * self.columns;
        self.flags
            .get_mut(start..start + self.columns)
            .unwrap_or_default()
    }

    /// What is alike in a row that is computed from these.
    #[inline(always)]
    pub fn spread(&self, row: usize, reach: Reach, all: &mut Vec<bool>, target: &mut [bool]) {
        all.clear();
        all.resize(self.columns, true);
        for offset in 0..reach.rows {
            let number = (row * reach.stride + offset).checked_sub(reach.rows / 2);
            for (all, flag) in all
                .iter_mut()
                .zip(self.slot(number))
            {
                *all &= flag;
            }
        }
        // Those that are not shared with the column before count with these.
        let first = reach.before + reach.step - 1;
        let len = first + reach.behind + 1;
        target.fill(false);
        let outside = first.div_ceil(reach.step);
        let start = outside * reach.step - first;
        let Some(windows) = self
            .columns
            .checked_sub(start + len)
        else {
            return;
        };
        let end = outside + windows / reach.step + 1;
        let Some(inside) = target.get_mut(outside..end) else {
            return;
        };
        inside.fill(true);
        for offset in start..start + len {
            let flags = all
                .get(offset..)
                .unwrap_or_default();
            if reach.step == 1 {
                // `step_by` is no plain loop.
                for (target, flag) in inside.iter_mut().zip(flags) {
                    *target &= flag;
                }
            } else {
                for (target, flag) in inside
                    .iter_mut()
                    .zip(flags.iter().step_by(reach.step))
                {
                    *target &= flag;
                }
            }
        }
    }

    /// What is alike in a row that adds a row of half the size to one of these.
    #[inline(always)]
    pub fn join(&self, row: usize, small: &Self, target: &mut [bool]) {
        let small = small.slot(Some(row / 2));
        let pairs = self
            .slot(Some(row))
            .as_chunks::<2>()
            .0;
        let targets = target.as_chunks_mut::<2>().0;
        for ((target, pair), small) in targets
            .iter_mut()
            .zip(pairs)
            .zip(small)
        {
            *target = [pair[0] && *small, pair[1]];
        }
    }
}

/// The columns that have to be computed, in order: the first of a row is, and no few by themselves.
#[inline(always)]
pub fn computed(alike: &[bool], spans: &mut Vec<Range<usize>>) {
    spans.clear();
    let whole = alike.len() / BLOCK;
    for number in 0..whole.max(1) {
        let start = number * BLOCK;
        let end = if number + 1 < whole {
            start + BLOCK
        } else {
            alike.len()
        };
        if number > 0
            && alike
                .get(start..end)
                .is_some_and(|block| block.iter().all(|alike| *alike))
        {
            continue;
        }
        match spans.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => spans.push(start..end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of `=` for columns that are as the one before.
    fn alike(rows: &[&str]) -> Alike {
        let mut alike = Alike::new(rows[0].len(), rows.len(), rows.len());
        for (number, row) in rows.iter().enumerate() {
            for (flag, letter) in alike
                .row_mut(number)
                .iter_mut()
                .zip(row.chars())
            {
                *flag = letter == '=';
            }
        }
        alike
    }

    fn spread(rows: &[&str], row: usize, reach: Reach) -> String {
        let mut target = vec![true; rows[0].len() / reach.step];
        alike(rows).spread(row, reach, &mut Vec::new(), &mut target);
        let letters = target
            .iter()
            .map(|flag| if *flag { '=' } else { '.' });
        letters.collect()
    }

    const THREE: Reach = Reach {
        rows: 3,
        stride: 1,
        step: 1,
        before: 1,
        behind: 1,
    };

    #[test]
    fn a_column_is_alike_where_all_that_it_is_computed_from_is() {
        let rows = [".=======", ".===.===", ".======="];
        assert_eq!(spread(&rows, 0, THREE), "..=...=.");
        // What lies outside of the picture differs from what is in it, at the sides.
        assert_eq!(spread(&[".=======", ".======="], 0, THREE), "..=====.");
        assert_eq!(spread(&[".=======", "........"], 0, THREE), "........");
    }

    #[test]
    fn columns_of_half_the_number_are_alike_where_all_of_both_are() {
        let half = Reach {
            stride: 2,
            step: 2,
            ..THREE
        };
        assert_eq!(spread(&[".=========="; 3], 0, half), "..===");
        assert_eq!(spread(&[".=====.====="; 3], 0, half), "..=..=");
    }

    #[test]
    fn few_columns_by_themselves_are_computed_with_others() {
        let spans = |alike: &str| {
            let alike: Vec<bool> = alike
                .chars()
                .map(|letter| letter == '=')
                .collect();
            let mut spans = Vec::new();
            computed(&alike, &mut spans);
            spans
                .iter()
                .map(|span| (span.start, span.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(spans("==="), [(0, 3)]);
        assert_eq!(spans("========="), [(0, 9)]);
        assert_eq!(spans(&"=".repeat(24)), [(0, 8)]);
        assert_eq!(spans(&("=".repeat(27) + ".")), [(0, 8), (16, 28)]);
    }
}
