//! How the pixels of an instance are laid out, as its attributes say (PS3.3 section C.7.6.3), and
//! which bytes of their rows a rectangle covers.
//!
//! Owns reading these attributes, and the order and clipping of rectangles. What is missing or
//! contradicts the pixel data is a failure: a wrong guess would leave pixels in place. It touches no
//! pixel.

use std::ops::Range;

use dicom_dictionary_std::tags;
use dicom_lossless::{Band, Element, Encoding, Instance, Mask, PixelElement, Tag, VR};

use super::pixel_error;
use crate::error::DeidError;
use crate::standard;

/// Every element that may hold pixels. The one that does is not in the data sets around it.
pub const ALL_PIXELS: [Tag; 3] = [
    tags::FLOAT_PIXEL_DATA,
    tags::DOUBLE_FLOAT_PIXEL_DATA,
    tags::PIXEL_DATA,
];

/// The layout of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub rows: u16,
    pub columns: u16,
    pub frames: u32,
    /// 1 or 3.
    pub samples: u16,
    /// A multiple of 8.
    pub bits_allocated: u16,
    pub bits_stored: u16,
    pub signed: bool,
    /// Whether each sample has a plane of its own.
    pub planes: bool,
    pub photometric: String,
}

impl Image {
    pub fn of(instance: &Instance, pixels: &PixelElement) -> Result<Self, DeidError> {
        Self::described(instance)?.checked(pixels)
    }

    /// What the attributes say, be it possible or not.
    pub fn described(instance: &Instance) -> Result<Self, DeidError> {
        let bits_allocated = needed(instance, tags::BITS_ALLOCATED)?;
        let samples = needed(instance, tags::SAMPLES_PER_PIXEL)?;
        let photometric = tags::PHOTOMETRIC_INTERPRETATION;
        Ok(Self {
            rows: needed(instance, tags::ROWS)?,
            columns: needed(instance, tags::COLUMNS)?,
            frames: frames(instance)?,
            samples,
            bits_allocated,
            bits_stored: number(instance, tags::BITS_STORED)?.unwrap_or(bits_allocated),
            signed: number(instance, tags::PIXEL_REPRESENTATION)? == Some(1),
            planes: samples > 1 && number(instance, tags::PLANAR_CONFIGURATION)? == Some(1),
            photometric: text(instance, photometric).ok_or_else(|| missing(photometric))?,
        })
    }

    fn checked(self, pixels: &PixelElement) -> Result<Self, DeidError> {
        let widths: &[u16] = match pixels.tag {
            tags::PIXEL_DATA => &[8, 16, 32, 64],
            tags::FLOAT_PIXEL_DATA => &[32],
            _ => &[64],
        };
        if self.rows == 0 || self.columns == 0 {
            return Err(pixel_error("the image has no rows or no columns"));
        }
        if !matches!(self.samples, 1 | 3) || (self.samples > 1 && pixels.tag != tags::PIXEL_DATA) {
            return Err(pixel_error(
                "only images with 1 or 3 samples per pixel can be blanked",
            ));
        }
        if !widths.contains(&self.bits_allocated) {
            return Err(pixel_error(
                "Bits Allocated is a number of bits that cannot be blanked",
            ));
        }
        if self.bits_stored == 0 || self.bits_stored > self.bits_allocated {
            return Err(pixel_error("Bits Stored does not fit Bits Allocated"));
        }
        Ok(self)
    }

    /// Bytes of one sample.
    pub fn sample_len(&self) -> u64 {
        u64::from(self.bits_allocated / 8)
    }

    /// Bytes of one frame without compression.
    pub fn frame_len(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples) * self.sample_len()
    }

    /// Bytes of all frames without compression.
    pub fn total_len(&self) -> u64 {
        self.frame_len()
            .saturating_mul(u64::from(self.frames))
    }

    /// What of the uncompressed bytes is blanked, with the samples of a pixel side by side or in
    /// planes.
    pub fn mask(&self, layers: &[Vec<Area>], planes: bool) -> Option<Mask> {
        let column_len = self.sample_len() * if planes { 1 } else { u64::from(self.samples) };
        mask(
            layers,
            u64::from(self.columns) * column_len,
            column_len,
            self.rows,
        )
    }

    /// The same where frames differ: `common` holds in all of them, `of_frames` in each.
    pub fn mask_of_frames(
        &self,
        common: &[Vec<Area>],
        of_frames: &[Vec<Area>],
        planes: bool,
    ) -> Option<Mask> {
        let layers = |areas: &Vec<Area>| -> Vec<Vec<Area>> {
            common
                .iter()
                .chain([areas])
                .cloned()
                .collect()
        };
        let first = of_frames.first()?;
        if of_frames
            .iter()
            .all(|areas| areas == first)
        {
            return self.mask(&layers(first), planes);
        }
        let column_len = self.sample_len() * if planes { 1 } else { u64::from(self.samples) };
        let rows = u64::from(self.rows);
        let planes_of_frame = if planes { u64::from(self.samples) } else { 1 };
        let mut bands = Vec::new();
        for (frame, areas) in (0..).zip(of_frames) {
            let of_plane = bands_of(&layers(areas), column_len);
            for plane in 0..planes_of_frame {
                let above = (frame * planes_of_frame + plane) * rows;
                bands.extend(of_plane.iter().map(|band| Band {
                    rows: band.rows.start + above..band.rows.end + above,
                    runs: band.runs.clone(),
                }));
            }
        }
        let all_rows = rows * planes_of_frame * of_frames.len() as u64;
        let row_len = u64::from(self.columns) * column_len;
        (!bands.is_empty()).then(|| Mask::new(row_len, all_rows, bands))
    }

    /// Refuses native pixel data that is not exactly what the attributes describe.
    pub fn fits_native(&self, instance: &Instance, pixels: &PixelElement) -> Result<(), DeidError> {
        let (length, expected) = (pixels.value.end - pixels.value.start, self.total_len());
        // Subsampled colour (YBR_FULL_422) is shorter, and fails here.
        if length != expected && length != expected.next_multiple_of(2) {
            return Err(pixel_error(
                "the length of the pixel data is not what its attributes say",
            ));
        }
        if self.bits_allocated == 8 && pixels.vr == VR::OW && instance.syntax.encoding.big_endian {
            return Err(pixel_error(
                "8-bit samples in big-endian words cannot be blanked",
            ));
        }
        Ok(())
    }
}

fn needed(instance: &Instance, tag: Tag) -> Result<u16, DeidError> {
    number(instance, tag)?.ok_or_else(|| missing(tag))
}

fn missing(tag: Tag) -> DeidError {
    pixel_error(format!("there is no {}", standard::name_of(tag)))
}

pub fn not_one_number(tag: Tag) -> DeidError {
    pixel_error(format!("{} is not one number", standard::name_of(tag)))
}

/// The value of an attribute that is one number of two bytes; none where it is absent or empty.
pub fn number(instance: &Instance, tag: Tag) -> Result<Option<u16>, DeidError> {
    let Some(element) = instance.get(tag).filter(|element| {
        element
            .bytes()
            .is_some_and(|bytes| !bytes.is_empty())
    }) else {
        return Ok(None);
    };
    word(element, instance.syntax.encoding)
        .map(Some)
        .ok_or_else(|| not_one_number(tag))
}

/// The value of an element that is one number of two bytes.
pub fn word(element: &Element, encoding: Encoding) -> Option<u16> {
    let word = element
        .bytes()?
        .as_ref()
        .try_into()
        .ok()?;
    Some(encoding.u16(word))
}

fn text(instance: &Instance, tag: Tag) -> Option<String> {
    let bytes = instance.get(tag)?.bytes()?;
    Some(
        String::from_utf8_lossy(bytes)
            .trim_matches([' ', '\0'])
            .to_owned(),
    )
    .filter(|text| !text.is_empty())
}

fn frames(instance: &Instance) -> Result<u32, DeidError> {
    match text(instance, tags::NUMBER_OF_FRAMES).map(|text| text.parse::<u32>()) {
        None | Some(Ok(0)) => Ok(1),
        Some(Ok(frames)) => Ok(frames),
        Some(Err(_)) => Err(pixel_error("Number of Frames is no number")),
    }
}

/// A rectangle within an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Whether what was blanked here before comes back.
    pub keep: bool,
    columns: Range<u64>,
    rows: Range<u64>,
}

impl Area {
    /// Whether nothing of the rectangle lies on the image.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() || self.rows.is_empty()
    }

    /// The part of a rectangle that lies on the image. Negative numbers count from the far edge, as
    /// in Python.
    pub fn new(keep: bool, [x0, y0, x1, y1]: [i64; 4], columns: u16, rows: u16) -> Self {
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
            at.saturating_add(i64::from(length))
                .max(0)
        } else {
            at
        };
        u64::try_from(at)
            .unwrap_or_default()
            .min(u64::from(length))
    };
    place(from)..place(to)
}

/// The mask of layers of rectangles, for rows of `row_len` bytes with `column_len` bytes a column. Within
/// a layer they apply in order; what any layer blanks is blanked. None where nothing is in the end.
pub fn mask(layers: &[Vec<Area>], row_len: u64, column_len: u64, rows: u16) -> Option<Mask> {
    let bands = bands_of(layers, column_len);
    (!bands.is_empty()).then(|| Mask::new(row_len, u64::from(rows), bands))
}

fn bands_of(layers: &[Vec<Area>], column_len: u64) -> Vec<Band> {
    let mut edges: Vec<u64> = layers
        .iter()
        .flatten()
        .flat_map(|area| [area.rows.start, area.rows.end])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
        .iter()
        .zip(edges.iter().skip(1))
        .map(|(from, to)| Band {
            rows: *from..*to,
            runs: joined(layers, *from)
                .into_iter()
                .map(|run| run.start * column_len..run.end * column_len)
                .collect(),
        })
        .filter(|band| !band.runs.is_empty())
        .collect()
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
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used
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
