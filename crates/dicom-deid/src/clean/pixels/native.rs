//! Uncompressed pixel data: what is longer than its frames is cut, and bits of cells in which an
//! overlay lies are cleared.
//!
//! Owns where the last frame ends, by the attributes of the image. Where they do not tell, the file
//! fails; no sample is touched.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{cannot, overlays};
use crate::error::DeidError;
use dicom_lossless::{Encoding, Instance, Kept, Layout, Mask, PixelElement, Scrubbed, VR};

/// What of a value stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// All of it.
    All,
    /// A number of bytes of it.
    First(u64),
    /// What is behind the frames may be frames.
    Doubtful(&'static str),
}

/// What of a value of this length are frames. One byte of padding counts with them.
pub(super) fn frames(layout: &Layout, length: u64) -> Frames {
    let (total, loose) = (layout.total_len(), layout.loose_len());
    if length <= total.next_multiple_of(2) {
        return Frames::All;
    }
    if loose > total && (loose..=loose.next_multiple_of(2)).contains(&length) {
        return Frames::Doubtful(
            "the pixel data is longer than its frames, in a way that their attributes may be wrong",
        );
    }
    if length - total >= layout.frame_len() {
        return Frames::Doubtful(
            "the pixel data has room for more frames than Number of Frames says",
        );
    }
    Frames::First(total)
}

/// Keeps the frames and nothing else. Tells whether there was anything else.
pub(super) fn keep_to_frames(
    instance: &mut Instance,
    pixels: PixelElement,
) -> Result<bool, DeidError> {
    let value = pixels.value.clone();
    if value.is_empty() {
        return Ok(false);
    }
    let missing = || {
        cannot(
            "its attributes do not tell where the image ends, and bytes behind it could be \
            anything",
        )
        .with_remedy(HINT)
    };
    let layout = Layout::of_instance(instance, pixels.tag).ok_or_else(missing)?;
    let length = value.end - value.start;
    let kept = match frames(&layout, length) {
        Frames::All => length.min(layout.total_len()),
        Frames::First(total) => total,
        Frames::Doubtful(why) => return Err(cannot(why).with_remedy(HINT)),
    };
    let kept = if swaps(&layout, pixels.vr, instance.syntax.encoding) {
        kept.next_multiple_of(2).min(length)
    } else {
        kept
    };
    let behind = value.start + kept..value.end;
    let beside = overlays::hidden(instance, layout.cell_bits)?;
    if beside == 0 && is_padding(instance, behind.clone())? {
        return Ok(false);
    }
    let mut mask = match &pixels.scrubbed {
        Some(Scrubbed::Masked(mask)) => Some(Mask::clone(mask)),
        _ => None,
    };
    if beside != 0 {
        let cells = overlays::cells(beside, &layout, instance.syntax.encoding)?;
        mask = Some(
            mask.unwrap_or_else(|| Mask::of_ranges(kept, Vec::new()))
                .with_cells(cells),
        );
    }
    let after = if kept.is_multiple_of(2) {
        Bytes::new()
    } else {
        Bytes::from_static(&[0])
    };
    let range = value.start..behind.start;
    let kept = Kept {
        before: Bytes::new(),
        range,
        mask: mask.map(Arc::new),
        after,
    };
    instance.pixels = Some(PixelElement {
        scrubbed: Some(Scrubbed::Kept(kept)),
        ..pixels
    });
    Ok(true)
}

/// Whether two samples share a word of which the later one comes first, so that padding stands
/// before the last sample (PS3.5 annex D).
pub(super) fn swaps(layout: &Layout, vr: VR, encoding: Encoding) -> bool {
    encoding.big_endian && vr == VR::OW && layout.cell_bits <= 8
}

const HINT: &str = "correct Number of Frames, Rows, Columns, Samples per Pixel, Bits Allocated \
    and Photometric Interpretation";

/// Whether there is nothing, or the byte of padding that PS3.5 section 8.1.1 asks for.
fn is_padding(instance: &Instance, behind: Range<u64>) -> Result<bool, DeidError> {
    Ok(behind.is_empty()
        || (behind.end - behind.start == 1 && instance.source_bytes(behind)?.first() == Some(&0)))
}
