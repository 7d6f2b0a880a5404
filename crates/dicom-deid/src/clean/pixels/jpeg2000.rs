//! JPEG 2000 and its high-throughput kind (PS3.5 sections 8.2.4 and 8.2.17).
//!
//! Owns what must hold of a codestream before it is decoded: its size is compared first, so that
//! memory follows from the attributes and never from what the stream claims.

use jpeg2k::{DecodeParameters, Image as Decoded};

use super::image::Image;

/// The samples of a frame side by side, little endian. The error says why there are none.
pub(super) fn decode(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
    let stream = codestream(coded).ok_or("there is no JPEG 2000 codestream")?;
    let precision = size_fits(stream, image)?;
    let decoded = Decoded::from_bytes_with(stream, DecodeParameters::new().strict(true));
    let decoded = decoded.map_err(|_| "the JPEG 2000 codestream is damaged")?;
    let pixels = usize::from(image.rows) * usize::from(image.columns);
    let planes: Vec<&[i32]> = decoded
        .components()
        .iter()
        .map(jpeg2k::ImageComponent::data)
        .collect();
    if planes.len() != usize::from(image.samples)
        || planes.iter().any(|plane| plane.len() != pixels)
    {
        return Err("the decoded image has another size");
    }
    let mut frame = Vec::with_capacity(usize::try_from(image.frame_len()).unwrap_or_default());
    let wide = image.bits_allocated == 16;
    for pixel in 0..pixels {
        for plane in &planes {
            let [low, high, ..] = conformed(
                plane.get(pixel).copied().unwrap_or_default(),
                precision,
                image.signed,
            )
            .to_le_bytes();
            frame.push(low);
            if wide {
                frame.push(high);
            }
        }
    }
    Ok(frame)
}

/// A number of so many bits as Pixel Representation wants it, whatever the codestream says about
/// signs.
fn conformed(number: i32, bits: u32, signed: bool) -> i32 {
    let unused = 32 - bits;
    let shifted = number.cast_unsigned() << unused;
    if signed {
        shifted.cast_signed() >> unused
    } else {
        (shifted >> unused).cast_signed()
    }
}

/// The codestream itself, bare or in the boxes of a JP2 file.
fn codestream(coded: &[u8]) -> Option<&[u8]> {
    const START: &[u8] = &[0xFF, 0x4F, 0xFF, 0x51];
    if coded.starts_with(START) {
        return Some(coded);
    }
    let mut boxes = coded
        .starts_with(b"\x00\x00\x00\x0CjP  ")
        .then_some(coded)?;
    loop {
        let (length, kind) = (u32::from_be_bytes(*boxes.first_chunk()?), boxes.get(4..8)?);
        let (header, length) = match length {
            0 => (8, boxes.len()),
            1 => (
                16,
                usize::try_from(u64::from_be_bytes(*boxes.get(8..)?.first_chunk()?)).ok()?,
            ),
            length => (8, usize::try_from(length).ok()?),
        };
        if kind == b"jp2c" {
            return boxes
                .get(header..length.min(boxes.len()))
                .filter(|stream| stream.starts_with(START));
        }
        boxes = boxes.get(length.max(header)..)?;
    }
}

/// Compares the SIZ marker segment with the attributes. Gives the precision that all components
/// share.
fn size_fits(stream: &[u8], image: &Image) -> Result<u32, &'static str> {
    const CUT: &str = "the JPEG 2000 header is cut off";
    let word = |at: usize| {
        stream
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map(|four| u64::from(u32::from_be_bytes(*four)))
    };
    let length = |to, from| Some(word(to)?.saturating_sub(word(from)?));
    let (columns, rows) = (length(8, 16).ok_or(CUT)?, length(12, 20).ok_or(CUT)?);
    let count = stream
        .get(40..42)
        .and_then(|two| two.first_chunk())
        .map(|two| u16::from_be_bytes(*two))
        .ok_or(CUT)?;
    if (columns, rows, count)
        != (
            u64::from(image.columns),
            u64::from(image.rows),
            image.samples,
        )
    {
        return Err("the size of the JPEG 2000 image is not what the attributes say");
    }
    let components = stream
        .get(42..42 + 3 * usize::from(count))
        .ok_or(CUT)?
        .as_chunks::<3>()
        .0;
    let first = components.first().ok_or(CUT)?;
    let [depth, ..] = *first;
    let precision = u32::from(depth & 0x7F) + 1;
    if components.iter().any(|component| component != first) || !first.ends_with(&[1, 1]) {
        return Err("the components of the JPEG 2000 image differ");
    }
    if precision > u32::from(image.bits_allocated) || !matches!(image.bits_allocated, 8 | 16) {
        return Err("the JPEG 2000 image has more bits than the attributes say");
    }
    Ok(precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_the_sign_that_the_attributes_want() {
        assert_eq!(
            (conformed(0x1830, 13, true), conformed(-2000, 13, true)),
            (-2000, -2000)
        );
        assert_eq!(
            (conformed(-2000, 13, false), conformed(5, 8, false)),
            (6192, 5)
        );
    }
}
