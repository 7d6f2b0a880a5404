//! Which bytes of native pixel data are blanked, told by rows and not byte by byte.
//!
//! Owns the arithmetic between a place in the stream and a place in the image. It knows nothing of
//! why.

use std::ops::Range;

/// Rows of an image in which the same bytes are blanked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// The rows, from 0.
    pub rows: Range<u64>,
    /// The bytes within each of these rows, ascending and apart.
    pub runs: Vec<Range<u64>>,
}

/// The bytes to blank in pixel data that consists of images of one size, one after the other. What
/// follows the last one counts as the beginning of another, so that padding may be blanked as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    row_len: u64,
    rows: u64,
    bands: Vec<Band>,
    /// Which bits of each cell stay; empty where all do.
    cell: Vec<u8>,
}

impl Mask {
    /// A mask for images of a number of rows and of bytes in a row, neither of them 0. The bands are
    /// ascending and apart.
    pub fn new(row_len: u64, rows: u64, bands: Vec<Band>) -> Self {
        Self {
            row_len: row_len.max(1),
            rows: rows.max(1),
            bands,
            cell: Vec::new(),
        }
    }

    /// The same, which also clears the bits of each cell that are 0 in these bytes. Cells follow
    /// one another without a gap.
    #[must_use]
    pub fn with_cells(self, cell: Vec<u8>) -> Self {
        Self { cell, ..self }
    }

    /// A mask for one value of a number of bytes. The ranges are ascending and apart.
    pub fn of_ranges(length: u64, ranges: Vec<Range<u64>>) -> Self {
        Self::new(
            length,
            1,
            vec![Band {
                rows: 0..1,
                runs: ranges,
            }],
        )
    }

    /// Blanks what is to be blanked in a stretch of the pixel data that begins at byte `at` of it.
    pub fn apply(&self, at: u64, bytes: &mut [u8]) {
        let end = at.saturating_add(bytes.len() as u64);
        let mut row = if self.bands.is_empty() {
            u64::MAX
        } else {
            at / self.row_len
        };
        while row.saturating_mul(self.row_len) < end {
            let inside = row % self.rows;
            let next = self
                .bands
                .partition_point(|band| band.rows.end <= inside);
            match self.bands.get(next) {
                Some(band) if band.rows.contains(&inside) => {
                    blank(&band.runs, row * self.row_len, at, bytes);
                    row += 1;
                }
                Some(band) => row += band.rows.start - inside,
                None => row += self.rows - inside,
            }
        }
        if !self.cell.is_empty() {
            let first = usize::try_from(at % self.cell.len() as u64).unwrap_or_default();
            for (byte, stays) in bytes
                .iter_mut()
                .zip(self.cell.iter().cycle().skip(first))
            {
                *byte &= stays;
            }
        }
    }
}

/// Blanks runs of a row that begins at byte `row_at` in a stretch that begins at byte `at`.
fn blank(runs: &[Range<u64>], row_at: u64, at: u64, bytes: &mut [u8]) {
    let len = bytes.len();
    let place = |offset: u64| {
        usize::try_from((row_at + offset).saturating_sub(at))
            .unwrap_or(usize::MAX)
            .min(len)
    };
    let first = runs.partition_point(|run| row_at + run.end <= at);
    let end = at.saturating_add(len as u64);
    for run in runs
        .iter()
        .skip(first)
        .take_while(|run| row_at + run.start < end)
    {
        if let Some(part) = bytes.get_mut(place(run.start)..place(run.end)) {
            part.fill(0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask() -> Mask {
        let band = |rows, runs: &[Range<u64>]| Band {
            rows,
            runs: runs.to_vec(),
        };
        Mask::new(
            5,
            4,
            vec![band(1..2, &[0..2, 4..5]), band(3..4, &[1..2, 2..3])],
        )
    }

    #[test]
    fn each_image_is_blanked_alike() {
        let mut bytes = [1; 43];
        mask().apply(0, &mut bytes);
        let image = [1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1];
        assert_eq!(
            (&bytes[..20], &bytes[20..40], &bytes[40..]),
            (&image[..], &image[..], &[1, 1, 1][..])
        );
    }

    #[test]
    fn ranges_are_blanked_where_they_lie() {
        let mut bytes = [1; 9];
        let mask = Mask::of_ranges(9, vec![1..3, 8..9]);
        mask.apply(0, &mut bytes[..5]);
        mask.apply(5, &mut bytes[5..]);
        assert_eq!(bytes, [1, 0, 0, 1, 1, 1, 1, 1, 0]);
    }

    #[test]
    fn bits_of_cells_are_cleared_beside_what_is_blanked() {
        let mask = mask().with_cells(vec![0xFF, 0x0F]);
        let mut whole = [0xAA; 23];
        mask.apply(0, &mut whole);
        assert_eq!(
            whole[..12],
            [
                0xAA, 0x0A, 0xAA, 0x0A, 0xAA, 0, 0, 0x0A, 0xAA, 0, 0xAA, 0x0A
            ]
        );
        let mut pieces = [0xAA; 23];
        mask.apply(0, &mut pieces[..7]);
        mask.apply(7, &mut pieces[7..]);
        assert_eq!(pieces, whole);
    }

    #[test]
    fn a_mask_without_bands_changes_nothing() {
        let mut bytes = [1; 9];
        Mask::new(0, 0, Vec::new()).apply(u64::MAX - 3, &mut bytes);
        assert_eq!(bytes, [1; 9]);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(cuts in proptest::collection::vec(0_usize..97, 0..9)) {
            let mut whole = [7; 97];
            mask().apply(0, &mut whole);
            let mut pieces = [7; 97];
            let mut cuts = [cuts, vec![0, 97]].concat();
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                mask().apply(pair[0] as u64, &mut pieces[pair[0]..pair[1]]);
            }
            prop_assert_eq!(whole, pieces);
        }
    }
}
