//! JPEG: baseline, extended with 8 bits, and lossless (PS3.5 section 8.2.1).
//!
//! Owns reading the markers, which tell what the decoder does not: colour space, sizes before
//! anything is allocated, and what it would decode wrongly.

use std::io::Cursor;

use jpeg_decoder::{ColorTransform, Decoder};

use super::colour;
use super::image::Image;

/// The samples of a frame side by side, little endian, red, green and blue where there are three.
/// The error says why there are none.
pub(super) fn decode(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
    let header = Header::read(coded).ok_or("the JPEG header is damaged")?;
    header.fits(image)?;
    let mut decoder = Decoder::new(Cursor::new(coded));
    if image.samples == 3 {
        // This passes the samples on as they are. Its `None` does not get along with images of odd
        // sizes.
        decoder.set_color_transform(ColorTransform::RGB);
    }
    // The decoder counts lossless samples with two bytes each.
    decoder.set_max_decoding_buffer_size(
        usize::try_from(image.frame_len())
            .unwrap_or_default()
            .saturating_mul(2),
    );
    let samples_of_frame = decoder.decode().map_err(|_| "the JPEG stream is damaged")?;
    let samples = usize::from(image.rows) * usize::from(image.columns) * usize::from(image.samples);
    let mut frame = widened(samples_of_frame, samples, image)?;
    if image.samples == 3 && header.is_ybr(image) {
        colour::to_rgb(&mut frame);
    }
    Ok(frame)
}

/// The decoder's samples in the width that the attributes state.
fn widened(decoded: Vec<u8>, samples: usize, image: &Image) -> Result<Vec<u8>, &'static str> {
    let numbers: Vec<u16> = if decoded.len() == samples {
        if image.bits_allocated == 8 && image.bits_stored == 8 {
            return Ok(decoded);
        }
        decoded.into_iter().map(u16::from).collect()
    } else if decoded.len() == samples * 2 {
        decoded
            .as_chunks::<2>()
            .0
            .iter()
            .map(|two| u16::from_ne_bytes(*two))
            .collect()
    } else {
        return Err("the decoded image has another size");
    };
    let conformed = numbers.into_iter().map(|number| conformed(number, image));
    match image.bits_allocated {
        8 => Ok(conformed
            .flat_map(|number| number.to_le_bytes().into_iter().take(1))
            .collect()),
        _ => Ok(conformed.flat_map(u16::to_le_bytes).collect()),
    }
}

/// The bits above Bits Stored as Pixel Representation wants them.
fn conformed(number: u16, image: &Image) -> u16 {
    let unused = u32::from(16_u16.saturating_sub(image.bits_stored));
    let shifted = number << unused;
    if image.signed {
        (shifted.cast_signed() >> unused).cast_unsigned()
    } else {
        shifted >> unused
    }
}

/// What stands before the first scan.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    process: u8,
    precision: u8,
    rows: u16,
    columns: u16,
    /// Number and sampling of each component.
    components: Vec<(u8, u8)>,
    restarts: bool,
    point_transform: u8,
    jfif: bool,
    adobe: Option<u8>,
}

const LOSSLESS: u8 = 0xC3;

impl Header {
    fn read(coded: &[u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut rest = coded.strip_prefix(&[0xFF, 0xD8])?;
        loop {
            let after = rest.strip_prefix(&[0xFF])?;
            let (&marker, after) = after.split_first()?;
            if marker == 0xFF {
                rest = rest.get(1..)?;
                continue;
            }
            let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
            let segment = after.get(2..length)?;
            header.segment(marker, segment)?;
            if marker == 0xDA {
                return (header.process != 0).then_some(header);
            }
            rest = after.get(length..)?;
        }
    }

    fn segment(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => self.frame(marker, segment)?,
            0xDD => self.restarts = segment.iter().any(|byte| *byte != 0),
            0xE0 if segment.starts_with(b"JFIF") => self.jfif = true,
            0xEE if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied(),
            0xDA => self.point_transform = segment.last()? & 0x0F,
            _ => {}
        }
        Some(())
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        let [precision, r0, r1, c0, c1, count, components @ ..] = segment else {
            return None;
        };
        self.process = marker;
        self.precision = *precision;
        self.rows = u16::from_be_bytes([*r0, *r1]);
        self.columns = u16::from_be_bytes([*c0, *c1]);
        self.components = components
            .as_chunks::<3>()
            .0
            .iter()
            .map(|[number, sampling, _]| (*number, *sampling))
            .collect();
        (self.components.len() == usize::from(*count)).then_some(())
    }

    /// Refuses what is not the image that the attributes describe, and what the decoder gets wrong.
    fn fits(&self, image: &Image) -> Result<(), &'static str> {
        let components = usize::from(image.samples);
        if (self.rows, self.columns, self.components.len())
            != (image.rows, image.columns, components)
        {
            return Err("the size of the JPEG image is not what the attributes say");
        }
        if u16::from(self.precision) > image.bits_allocated
            || !matches!(image.bits_allocated, 8 | 16)
        {
            return Err("the JPEG image has more bits than the attributes say");
        }
        if self.process != LOSSLESS {
            let known = matches!(self.process, 0xC0..=0xC2) && self.precision == 8;
            return if known {
                Ok(())
            } else {
                Err("lossy JPEG with more than 8 bits cannot be decoded")
            };
        }
        let subsampled = self
            .components
            .iter()
            .any(|(_, sampling)| *sampling != 0x11)
            && components > 1;
        if self.restarts || self.point_transform > 0 || subsampled {
            return Err("this kind of lossless JPEG cannot be decoded");
        }
        Ok(())
    }

    /// Whether the samples are luminance and colour differences: by what the stream says, else by
    /// the attributes.
    fn is_ybr(&self, image: &Image) -> bool {
        let numbers: Vec<u8> = self.components.iter().map(|(number, _)| *number).collect();
        if numbers == b"RGB" || numbers == b"rgb" {
            return false;
        }
        match self.adobe {
            Some(transform) if self.process != LOSSLESS => transform == 1,
            _ => self.jfif || image.photometric.starts_with("YBR"),
        }
    }
}
