//! From the map to boxes: cells that touch and are likely enough, where at least one is quite
//! likely.

use std::collections::BTreeMap;

use crate::network::LikelihoodMap;

/// Pixels of a cell, in both directions.
const CELL: usize = 4;
/// A cell of a box is at least as likely as this,
const LIKELY: f32 = 0.15;
/// one of its cells as this,
const QUITE_LIKELY: f32 = 0.55;
/// its edge, as a share of the likeliest, as this,
const SHARE_OF_PEAK: f32 = 0.3;
/// and it has as many cells.
const FEWEST_CELLS: usize = 3;
/// Ends of rows that differ by no more cells are those of one line.
const ALIKE: usize = 3;

/// A box around text, in pixels; right and bottom are the first that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextBox {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// Behind the last column.
    pub right: usize,
    /// Behind the last row.
    pub bottom: usize,
    /// How likely its likeliest cell is text, from 0 to 1.
    pub peak: f32,
}

/// Boxes in a picture of this size, in the order of their first cells. Lines of different lengths that
/// touch are boxes of their own.
pub fn around(map: &LikelihoodMap, width: usize, height: usize) -> Vec<TextBox> {
    let mut seen = vec![false; map.values.len()];
    let mut boxes = Vec::new();
    for start in 0..map.values.len() {
        let Some(found) = grown(map, start, &mut seen) else {
            continue;
        };
        if found.cells.len() >= FEWEST_CELLS && found.peak >= QUITE_LIKELY {
            boxes.extend(
                found
                    .bands()
                    .into_iter()
                    .map(|band| TextBox {
                        left: band.left * CELL,
                        top: band.top * CELL,
                        right: ((band.right + 1) * CELL).min(width),
                        bottom: ((band.bottom + 1) * CELL).min(height),
                        peak: found.peak,
                    }),
            );
        }
    }
    boxes.retain(|found| found.left < found.right && found.top < found.bottom);
    boxes
}

/// Likely cells that touch.
struct Area {
    /// Row, column and likelihood of each cell.
    cells: Vec<(usize, usize, f32)>,
    peak: f32,
}

/// Rows of cells that begin and end at much the same columns; all ends are part of it.
#[derive(Clone, Copy)]
struct Band {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Area {
    /// The first and the last column of each row. Around plain text cells are likely that hold none
    /// of it, so that its edge lies where cells are as likely as a share of the peak.
    fn rows(&self) -> BTreeMap<usize, (usize, usize)> {
        let mut rows = BTreeMap::new();
        for (row, column, likelihood) in &self.cells {
            if *likelihood < self.peak * SHARE_OF_PEAK {
                continue;
            }
            let (first, last) = rows
                .entry(*row)
                .or_insert((*column, *column));
            *first = *column.min(first);
            *last = *column.max(last);
        }
        rows
    }

    fn bands(&self) -> Vec<Band> {
        let mut bands: Vec<Band> = Vec::new();
        for (row, (first, last)) in self.rows() {
            match bands.last_mut() {
                Some(band)
                    if band.bottom + 1 == row
                        && band.left.abs_diff(first) <= ALIKE
                        && band.right.abs_diff(last) <= ALIKE =>
                {
                    band.left = band.left.min(first);
                    band.right = band.right.max(last);
                    band.bottom = row;
                }
                _ => bands.push(Band {
                    left: first,
                    top: row,
                    right: last,
                    bottom: row,
                }),
            }
        }
        bands
    }
}

/// The area that a cell belongs to, unless it was seen before.
fn grown(map: &LikelihoodMap, start: usize, seen: &mut [bool]) -> Option<Area> {
    let mut visit = |cell: usize| {
        let value = *map.values.get(cell)?;
        let seen = seen.get_mut(cell)?;
        (value > LIKELY && !std::mem::replace(seen, true)).then_some(value)
    };
    let peak = visit(start)?;
    let mut area = Area {
        cells: vec![(start / map.width, start % map.width, peak)],
        peak,
    };
    let mut open = vec![(start / map.width, start % map.width)];
    while let Some((row, column)) = open.pop() {
        for near_row in row.saturating_sub(1)..=(row + 1).min(map.height - 1) {
            for near_column in column.saturating_sub(1)..=(column + 1).min(map.width - 1) {
                if let Some(value) = visit(near_row * map.width + near_column) {
                    area.peak = area.peak.max(value);
                    area.cells
                        .push((near_row, near_column, value));
                    open.push((near_row, near_column));
                }
            }
        }
    }
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&str]) -> LikelihoodMap {
        let value = |letter| match letter {
            '#' => 0.9,
            '+' => 0.4,
            _ => 0.0,
        };
        LikelihoodMap {
            width: rows[0].len(),
            height: rows.len(),
            values: rows
                .iter()
                .flat_map(|row| row.chars().map(value))
                .collect(),
        }
    }

    #[test]
    fn cells_that_touch_are_one_box() {
        let found = around(&map(&["##..", "..+.", "...#", "#..."]), 16, 14);
        assert_eq!(found.len(), 1);
        let TextBox {
            left,
            top,
            right,
            bottom,
            peak,
        } = found[0];
        assert_eq!((left, top, right, bottom), (0, 0, 16, 12));
        assert!((peak - 0.9).abs() < 1e-6);
    }

    #[test]
    fn what_is_much_less_likely_than_the_rest_is_no_part_of_a_box() {
        let mut map = map(&["####++"]);
        map.values[5] = 0.2;
        let found = around(&map, 24, 4);
        assert_eq!((found[0].left, found[0].right), (0, 20));
    }

    #[test]
    fn a_short_line_below_a_long_one_is_a_box_of_its_own() {
        let found = around(&map(&["########", "########", "##......"]), 32, 12);
        let ends: Vec<_> = found
            .iter()
            .map(|found| (found.right, found.bottom))
            .collect();
        assert_eq!(ends, [(32, 8), (8, 12)]);
    }

    #[test]
    fn what_is_small_or_unlikely_is_none() {
        assert_eq!(around(&map(&["##..", "....", "++++", "++++"]), 16, 16), []);
    }

    #[test]
    fn a_box_ends_with_the_picture() {
        let found = around(&map(&["....", "...#", "..##"]), 14, 10);
        assert_eq!((found[0].right, found[0].bottom), (14, 10));
    }
}
