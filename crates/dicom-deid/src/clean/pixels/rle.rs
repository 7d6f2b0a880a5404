//! RLE Lossless (PS3.5 annex G): byte planes, each packed on its own.
//!
//! Owns decoding one frame. A plane that is not complete is an error; nothing is filled up.

use super::image::Image;

const HEADER: usize = 64;

/// The samples of a frame side by side, little endian. The error says why there are none.
pub(super) fn decode(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
    let sample_len = usize::from(image.bits_allocated / 8);
    let pixel_len = sample_len * usize::from(image.samples);
    let plane_len = usize::from(image.rows) * usize::from(image.columns);
    let segments = segments(coded, pixel_len)?;
    let mut frame = vec![0; plane_len * pixel_len];
    for (number, segment) in segments.into_iter().enumerate() {
        // Within a sample the most significant byte comes first; the frame is little endian.
        let byte = number / sample_len * sample_len + (sample_len - 1 - number % sample_len);
        let mut places = frame.iter_mut().skip(byte).step_by(pixel_len);
        unpack(segment, |value| {
            places.next().map(|place| *place = value).is_some()
        });
        if places.next().is_some() {
            return Err("an RLE segment ends before its image does");
        }
    }
    Ok(frame)
}

/// The segments, of which there must be so many.
fn segments(coded: &[u8], count: usize) -> Result<Vec<&[u8]>, &'static str> {
    let header = coded.get(..HEADER).ok_or("the RLE header is cut off")?;
    let mut numbers = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| usize::try_from(u32::from_le_bytes(*word)).unwrap_or(usize::MAX));
    if numbers.next() != Some(count) {
        return Err("the number of RLE segments is not what the attributes say");
    }
    let mut bounds: Vec<usize> = numbers.take(count).collect();
    bounds.push(coded.len());
    let pairs = bounds.iter().zip(bounds.iter().skip(1));
    let segments = pairs
        .map(|(from, to)| coded.get(*from..*to).filter(|_| *from >= HEADER))
        .collect::<Option<Vec<_>>>();
    segments
        .filter(|segments| segments.len() == count)
        .ok_or("the RLE segments are not where the header says")
}

/// Unpacks bytes until the taker has enough or there are none left.
fn unpack(mut packed: &[u8], mut take: impl FnMut(u8) -> bool) {
    while let Some((&control, rest)) = packed.split_first() {
        packed = match control {
            0..=127 => {
                let (literal, rest) = rest
                    .split_at_checked(usize::from(control) + 1)
                    .unwrap_or((rest, &[]));
                if !literal.iter().all(|value| take(*value)) {
                    return;
                }
                rest
            }
            128 => rest,
            129..=255 => {
                let Some((&value, rest)) = rest.split_first() else {
                    return;
                };
                if !(0..257 - u16::from(control)).all(|_| take(value)) {
                    return;
                }
                rest
            }
        };
    }
}
