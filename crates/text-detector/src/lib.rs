//! Finds text in pictures: where it stands, never what it says.
//!
//! A small convolutional network looks at grey values of 8 bits and gives a map of how likely text
//! is; boxes are drawn around what is likely enough. The weights are part of the library. They were
//! trained on synthetic pictures alone (`training/` of the repository).
//!
//! Owns the network and its arithmetic. It knows no DICOM, reads no file, keeps nothing of a
//! picture, and the same picture gives the same boxes whatever else is looked at.
//!
//! ```
//! use text_detector::{Picture, find_text};
//!
//! let black = vec![0; 64 * 48];
//! let picture = Picture::new(64, 48, &black).expect("48 rows of 64");
//! assert!(find_text(picture).is_empty());
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing))]
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into `network::Run` has none of its instructions"
)]

mod alike;
mod boxes;
mod floats;
mod input;
mod kernels;
mod network;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(test)]
mod reference;
mod weights;

pub use boxes::TextBox;

/// Grey values of 8 bits, row after row.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    values: &'a [u8],
}

impl<'a> Picture<'a> {
    /// None where there are no pixels, or not as many as the sides say.
    pub fn new(width: usize, height: usize, values: &'a [u8]) -> Option<Self> {
        let fits = !values.is_empty() && width.checked_mul(height) == Some(values.len());
        fits.then_some(Self {
            width,
            height,
            values,
        })
    }

    /// A row; below the last one they come again in reverse, as in a mirror.
    fn row(&self, row: usize) -> &'a [u8] {
        let start = mirrored(row, self.height) * self.width;
        self.values
            .get(start..start + self.width)
            .unwrap_or_default()
    }
}

/// The place that is seen at `at` in a mirror behind the last of `count` places.
fn mirrored(at: usize, count: usize) -> usize {
    if at < count {
        at
    } else {
        (2 * count - 1).saturating_sub(at)
    }
}

/// The boxes around what is likely text, in the pixels of the picture, from top to bottom.
pub fn find_text(picture: Picture<'_>) -> Vec<TextBox> {
    let map = network::likelihood(&input::Channels::of(picture));
    boxes::around(&map, picture.width, picture.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Block letters of 5 by 7, row after row.
    const LETTERS: [[&str; 7]; 4] = [
        [
            "####.", "#...#", "#...#", "####.", "#....", "#....", "#....",
        ],
        [
            ".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#",
        ],
        [
            "#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#..",
        ],
        [
            "#####", "#....", "#....", "####.", "#....", "#....", "#####",
        ],
    ];

    #[test]
    fn pictures_have_as_many_values_as_their_sides_say() {
        assert!(Picture::new(3, 2, &[0; 6]).is_some());
        assert!(Picture::new(3, 2, &[0; 5]).is_none());
        assert!(Picture::new(3, 2, &[0; 7]).is_none());
        assert!(Picture::new(0, 0, &[]).is_none());
        assert!(Picture::new(usize::MAX, 2, &[0; 6]).is_none());
    }

    #[test]
    fn pictures_may_be_tiny() {
        for (width, height) in [(1, 1), (15, 1), (1, 15), (7, 9), (16, 17), (1, 300)] {
            let values = vec![9; width * height];
            let picture = Picture::new(width, height, &values).expect("as many values");
            for found in find_text(picture) {
                assert!(found.right <= width && found.bottom <= height);
            }
        }
    }

    #[test]
    fn letters_are_text() {
        const PIXEL: usize = 2;
        let (width, height, left, top) = (256, 128, 72, 52);
        let mut values = vec![0; width * height];
        for (number, letter) in LETTERS
            .iter()
            .cycle()
            .take(8)
            .enumerate()
        {
            for (row, line) in letter.iter().enumerate() {
                for (column, dot) in line.bytes().enumerate() {
                    let first = (top + row * PIXEL) * width + left + (number * 6 + column) * PIXEL;
                    for row in 0..PIXEL {
                        values[first + row * width..][..PIXEL].fill(if dot == b'#' {
                            255
                        } else {
                            0
                        });
                    }
                }
            }
        }
        let found = find_text(Picture::new(width, height, &values).expect("as many values"));
        let (right, bottom) = (left + 8 * 6 * PIXEL, top + 7 * PIXEL);
        let covers = |found: &&TextBox| {
            found.left <= left + 4
                && found.top <= top + 4
                && found.right + 4 >= right
                && found.bottom + 4 >= bottom
        };
        assert!(found.iter().find(covers).is_some(), "{found:?}");
    }
}
