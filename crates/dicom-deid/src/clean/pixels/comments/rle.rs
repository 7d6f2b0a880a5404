//! What lies beside the byte planes of RLE frames (PS3.5 annex G), and beside uncompressed frames
//! in fragments (A.4.11).
//!
//! Owns where a plane ends: when it has a byte for each pixel. Runs are counted, not unpacked.

use super::super::stream::Stream;
use super::damaged;
use crate::error::DeidError;
use dicom_lossless::Layout;

const HEADER: usize = 64;
/// Bytes looked at together.
const STEP: u64 = 16 << 10;

/// Marks, in frames of one fragment each, unused words of the header and what no plane needs.
/// `lengths` are those of the fragments.
pub(super) fn frames(
    stream: &mut Stream,
    lengths: &[u64],
    layout: &Layout,
) -> Result<(), DeidError> {
    let planes = usize::from(layout.samples) * usize::from(layout.cell_bits / 8);
    one_fragment_each(lengths, layout)?;
    for length in lengths {
        let header = stream.ahead(HEADER)?;
        let words: Vec<u64> = header
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word).into())
            .collect();
        let used = words
            .get(1..=planes)
            .filter(|_| header.len() == HEADER && words.first() == Some(&(planes as u64)));
        let used = used.filter(|_| planes > 0).ok_or_else(damaged)?;
        let ends = used.iter().skip(1).chain([length]);
        stream.skip(4 + 4 * planes as u64)?;
        rest(stream, (HEADER - 4 - 4 * planes) as u64)?;
        let mut at = HEADER as u64;
        for (start, end) in used.iter().zip(ends) {
            if *start < at || *start > *end || *end > *length {
                return Err(damaged());
            }
            rest(stream, start - at)?;
            let behind = plane(stream, end - start, layout.pixels)?;
            rest(stream, behind)?;
            at = *end;
        }
    }
    Ok(())
}

/// Marks what follows the frame in each fragment.
pub(super) fn plain(
    stream: &mut Stream,
    lengths: &[u64],
    layout: &Layout,
) -> Result<(), DeidError> {
    one_fragment_each(lengths, layout)?;
    for length in lengths {
        let frame = layout.frame_len().min(*length);
        stream.skip(frame)?;
        rest(stream, length - frame)?;
    }
    Ok(())
}

fn one_fragment_each(lengths: &[u64], layout: &Layout) -> Result<(), DeidError> {
    if lengths.len() as u64 == layout.frames {
        Ok(())
    } else {
        Err(damaged())
    }
}

/// Goes through the runs of a plane; gives how many bytes of its segment follow them.
fn plane(stream: &mut Stream, mut left: u64, mut wanted: u64) -> Result<u64, DeidError> {
    while left > 0 && wanted > 0 {
        let ahead = stream.ahead(usize::try_from(left.min(STEP)).unwrap_or_default())?;
        let mut at = 0_u64;
        while wanted > 0
            && let Some(control) = usize::try_from(at).ok().and_then(|at| ahead.get(at))
        {
            let (taken, made) = match u64::from(*control) {
                literal @ 0..=127 => (1 + (literal + 1).min(wanted), literal + 1),
                128 => (1, 0),
                repeated => (2, 257 - repeated),
            };
            at += taken;
            wanted = wanted.saturating_sub(made);
        }
        let step = at.min(left);
        if step == 0 || !stream.skip(step)? {
            return Ok(0);
        }
        left -= step;
    }
    Ok(left)
}

/// Marks a number of bytes where they are not zero already.
fn rest(stream: &mut Stream, mut count: u64) -> Result<(), DeidError> {
    while count > 0 {
        let ahead = stream.ahead(usize::try_from(count.min(STEP)).unwrap_or_default())?;
        let step = ahead.len() as u64;
        let passed = if ahead.iter().all(|byte| *byte == 0) {
            stream.skip(step)?
        } else {
            stream.mark(step)?
        };
        if step == 0 || !passed {
            return Ok(());
        }
        count -= step;
    }
    Ok(())
}
