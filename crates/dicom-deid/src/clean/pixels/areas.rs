//! From rectangles to the bytes of rows: which columns are blanked in which rows of an image.
//!
//! Owns the order of rectangles and their clipping. It touches no pixel.

use std::ops::Range;

use dicom_lossless::{Band, Mask};

/// A rectangle within an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    /// Whether what was blanked here before comes back.
    pub(super) keep: bool,
    columns: Range<u64>,
    rows: Range<u64>,
}

impl Area {
    /// Whether nothing of the rectangle lies on the image.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty() || self.rows.is_empty()
    }

    /// The part of a rectangle that lies on the image. Negative numbers count from the far edge, as
    /// in Python.
    pub(super) fn new(keep: bool, [x0, y0, x1, y1]: [i64; 4], columns: u16, rows: u16) -> Self {
        Self {
            keep,
            columns: clipped(x0, x1, columns),
            rows: clipped(y0, y1, rows),
        }
    }
}

fn clipped(from: i64, to: i64, length: u16) -> Range<u64> {
    let place = |at: i64| {
        let at = if at < 0 {
            at.saturating_add(i64::from(length)).max(0)
        } else {
            at
        };
        u64::try_from(at).unwrap_or_default().min(u64::from(length))
    };
    place(from)..place(to)
}

/// The mask of layers of rectangles, for rows of so many bytes with so many bytes a column. Within
/// a layer they apply in order; what any layer blanks is blanked. None where nothing is in the end.
pub(super) fn mask(layers: &[Vec<Area>], row_len: u64, column_len: u64, rows: u16) -> Option<Mask> {
    let bands: Vec<Band> = bands(layers)
        .map(|(rows, columns)| Band {
            rows,
            runs: columns
                .into_iter()
                .map(|run| run.start * column_len..run.end * column_len)
                .collect(),
        })
        .collect();
    (!bands.is_empty()).then(|| Mask::new(row_len, u64::from(rows), bands))
}

/// The rows in which something is blanked, with the columns.
fn bands(layers: &[Vec<Area>]) -> impl Iterator<Item = (Range<u64>, Vec<Range<u64>>)> {
    let mut cuts: Vec<u64> = layers
        .iter()
        .flatten()
        .flat_map(|area| [area.rows.start, area.rows.end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.clone().into_iter().skip(1);
    cuts.into_iter()
        .zip(ends)
        .map(|(from, to)| (from..to, joined(layers, from)))
        .filter(|(_, columns)| !columns.is_empty())
}

/// The columns that any layer blanks in a row, ascending and apart.
fn joined(layers: &[Vec<Area>], row: u64) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = layers
        .iter()
        .flat_map(|areas| columns(areas, row))
        .collect();
    all.sort_unstable_by_key(|run| run.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for run in all {
        match joined.last_mut() {
            Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
            _ => joined.push(run),
        }
    }
    joined
}

/// The columns that a layer blanks in a row, apart.
fn columns(areas: &[Area], row: u64) -> Vec<Range<u64>> {
    let mut blanked: Vec<Range<u64>> = Vec::new();
    for area in areas
        .iter()
        .filter(|area| area.rows.contains(&row) && !area.columns.is_empty())
    {
        let outside = |run: Range<u64>| {
            [
                run.start..run.end.min(area.columns.start),
                run.start.max(area.columns.end)..run.end,
            ]
        };
        blanked = blanked
            .into_iter()
            .flat_map(outside)
            .filter(|run| !run.is_empty())
            .collect();
        if !area.keep {
            blanked.push(area.columns.clone());
        }
    }
    blanked
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rectangles_are_clipped_and_counted_from_the_far_edge() {
        assert_eq!(
            Area::new(false, [2, -3, 99, -1], 10, 8),
            Area {
                keep: false,
                columns: 2..10,
                rows: 5..7
            }
        );
        let beyond = Area::new(false, [i64::MAX - 1, i64::MIN, i64::MAX, 0], 10, 8);
        assert!(beyond.is_empty());
        assert_eq!(mask(&[vec![beyond]], 10, 1, 8), None);
    }

    #[test]
    fn keeping_alone_blanks_nothing() {
        assert_eq!(
            mask(&[vec![Area::new(true, [0, 0, 4, 4], 10, 8)]], 10, 1, 8),
            None
        );
    }

    proptest! {
        /// What painting pixel by pixel gives.
        #[test]
        fn the_last_rectangle_of_a_layer_over_a_pixel_counts(
            drawn in proptest::collection::vec((any::<bool>(), [-9_i64..12, -9_i64..12, -9_i64..12, -9_i64..12]), 0..7),
            column_len in 1_u64..4,
            cut in 0_usize..7,
        ) {
            const COLUMNS: u16 = 7;
            const ROWS: u16 = 6;
            let areas: Vec<Area> = drawn.iter().map(|(keep, corners)| Area::new(*keep, *corners, COLUMNS, ROWS)).collect();
            let row_len = u64::from(COLUMNS) * column_len;
            let (one, two) = areas.split_at(cut.min(areas.len()));
            let layers = [one.to_vec(), two.to_vec()];
            let mut naive = vec![1_u8; (row_len * u64::from(ROWS) * 2) as usize];
            for (at, byte) in naive.iter_mut().enumerate() {
                let (column, row) = (at as u64 % row_len / column_len, at as u64 / row_len % u64::from(ROWS));
                let last = |layer: &Vec<Area>| {
                    layer.iter().rfind(|area| area.columns.contains(&column) && area.rows.contains(&row)).is_none_or(|area| area.keep)
                };
                *byte = u8::from(layers.iter().all(last));
            }
            let mut masked = vec![1_u8; naive.len()];
            if let Some(mask) = mask(&layers, row_len, column_len, ROWS) {
                mask.apply(0, &mut masked);
            }
            prop_assert_eq!(masked, naive);
        }
    }
}
