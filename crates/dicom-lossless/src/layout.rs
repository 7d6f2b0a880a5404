//! How many bytes uncompressed pixel data has by the attributes beside it (PS3.3 section C.7.6.3,
//! PS3.5 section 8).
//!
//! Owns this arithmetic. It looks at no pixel, and gives no length where an attribute that it needs
//! is missing.

use super::Tag;
use super::dataset::{Element, Encoding};
use dicom_dictionary_std::tags;

/// The size of the frames of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bits of a cell, which holds one sample of one pixel.
    pub cell_bits: u16,
    /// Samples of a pixel.
    pub samples: u16,
    /// Pixels of a frame.
    pub pixels: u64,
    /// Frames; 1 where Number of Frames is absent or no number.
    pub frames: u64,
    /// Bits of a frame, in which subsampled colours count once.
    frame_bits: u64,
}

impl Layout {
    /// The layout of pixel data of this tag by the attributes that `get` finds; none where one is
    /// missing or 0.
    pub fn of<'a>(
        get: impl Fn(Tag) -> Option<&'a Element>,
        pixel_data: Tag,
        encoding: Encoding,
    ) -> Option<Self> {
        let word = |tag| {
            let bytes = get(tag)?.bytes()?;
            bytes
                .first_chunk::<2>()
                .filter(|_| bytes.len() == 2)
                .map(|word| encoding.u16(*word))
                .filter(|word| *word > 0)
        };
        let text = |tag| {
            let bytes = get(tag).and_then(Element::bytes);
            let text = bytes.map(|bytes| String::from_utf8_lossy(bytes));
            text.unwrap_or_default()
                .trim_matches(['\0', ' '])
                .to_owned()
        };
        let cell_bits = word(tags::BITS_ALLOCATED)?;
        let fits = match pixel_data.element() {
            0x0008 => cell_bits == 32,
            0x0009 => cell_bits == 64,
            _ => true,
        };
        let samples = word(tags::SAMPLES_PER_PIXEL)?;
        let pixels = u64::from(word(tags::ROWS)?) * u64::from(word(tags::COLUMNS)?);
        let photometric = text(tags::PHOTOMETRIC_INTERPRETATION);
        let cells = match photometric.as_str() {
            // Two pixels, or four, share their colours (PS3.3 section C.7.6.3.1.2).
            "YBR_FULL_422" | "YBR_PARTIAL_422" if samples == 3 => pixels.checked_mul(2)?,
            "YBR_PARTIAL_420" if samples == 3 => pixels.checked_mul(3)?.div_ceil(2),
            _ => pixels.checked_mul(u64::from(samples))?,
        };
        let frames = text(tags::NUMBER_OF_FRAMES)
            .parse()
            .ok()
            .filter(|frames| *frames > 0)
            .unwrap_or(1);
        let layout = Self {
            cell_bits,
            samples,
            pixels,
            frames,
            frame_bits: cells.checked_mul(u64::from(cell_bits))?,
        };
        layout
            .frame_bits
            .checked_mul(frames)
            .filter(|_| fits)
            .map(|_| layout)
    }

    /// Bytes of one frame by itself.
    pub fn frame_len(&self) -> u64 {
        self.frame_bits.div_ceil(8)
    }

    /// Bytes of all frames, which follow one another without a gap.
    pub fn total_len(&self) -> u64 {
        self.frame_bits
            .saturating_mul(self.frames)
            .div_ceil(8)
    }

    /// Bytes of all frames if no pixels shared their colours and if each frame began with a byte:
    /// what some writers do where the attributes say otherwise.
    pub fn loose_len(&self) -> u64 {
        let frame_bits = self
            .pixels
            .saturating_mul(u64::from(self.samples))
            .saturating_mul(u64::from(self.cell_bits));
        frame_bits
            .div_ceil(8)
            .saturating_mul(self.frames)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::VR;
    use super::*;
    use crate::DataSet;

    fn layout(pixel_data: u16, photometric: &str, frames: &str, words: [u16; 4]) -> Option<Layout> {
        let [rows, columns, samples, bits] = words;
        let mut data = DataSet::new();
        for (tag, number) in [
            (tags::ROWS, rows),
            (tags::COLUMNS, columns),
            (tags::SAMPLES_PER_PIXEL, samples),
            (tags::BITS_ALLOCATED, bits),
        ] {
            data.put(Element::new(tag, VR::US, number.to_le_bytes().to_vec()));
        }
        data.put(Element::new(
            tags::PHOTOMETRIC_INTERPRETATION,
            VR::CS,
            photometric.as_bytes().to_vec(),
        ));
        data.put(Element::new(
            tags::NUMBER_OF_FRAMES,
            VR::IS,
            frames.as_bytes().to_vec(),
        ));
        Layout::of(
            |tag| data.get(tag),
            Tag(0x7FE0, pixel_data),
            Encoding::EXPLICIT_LITTLE,
        )
    }

    #[test]
    fn lengths_follow_from_the_attributes() {
        for (photometric, frames, words, frame, total) in [
            ("MONOCHROME2 ", "", [3, 3, 1, 8], 9, 9),
            ("MONOCHROME2 ", "3 ", [3, 3, 1, 16], 18, 54),
            ("MONOCHROME2 ", "3", [3, 3, 1, 1], 2, 4),
            ("MONOCHROME2 ", "1", [3, 3, 1, 12], 14, 14),
            ("RGB ", "2", [4, 4, 3, 8], 48, 96),
            ("YBR_FULL_422", "2", [4, 4, 3, 8], 32, 64),
            ("MONOCHROME2 ", "1A", [3, 3, 1, 8], 9, 9),
        ] {
            let layout = layout(0x0010, photometric, frames, words).unwrap();
            assert_eq!(
                (layout.frame_len(), layout.total_len()),
                (frame, total),
                "{photometric} {frames} {words:?}"
            );
        }
        assert_eq!(
            layout(0x0010, "YBR_FULL_422", "2", [4, 4, 3, 8])
                .unwrap()
                .loose_len(),
            96
        );
        assert_eq!(
            layout(0x0010, "", "3", [3, 3, 1, 1])
                .unwrap()
                .loose_len(),
            6
        );
    }

    #[test]
    fn what_is_missing_or_contradicts_gives_no_length() {
        assert_eq!(layout(0x0010, "", "", [0, 3, 1, 8]), None);
        assert_eq!(layout(0x0008, "", "", [3, 3, 1, 16]), None);
        assert_eq!(layout(0x0009, "", "", [3, 3, 1, 32]), None);
        assert_eq!(
            layout(0x0010, "", "99999999999999999", [65535, 65535, 65535, 64]),
            None
        );
        assert!(layout(0x0008, "", "", [3, 3, 1, 32]).is_some());
    }
}
