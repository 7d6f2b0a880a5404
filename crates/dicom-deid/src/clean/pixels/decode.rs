//! Compressed pixel data becomes native: decoded frame by frame, blanked, and described anew.
//!
//! Owns which transfer syntaxes can be decoded and what the attributes say afterwards. A decoder is
//! believed only if it gives exactly the image that the attributes describe.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::image::{Image, PHOTOMETRIC, PLANAR};
use super::spool::Spool;
use super::{cannot, colour, comments, jpeg, jpeg2000, rle};
use crate::error::DeidError;
use dicom_lossless::{
    Element, Fragments, Instance, Mask, PixelElement, Scrubbed, Source, Tag, TransferSyntax, VR,
};

/// The longest frame in bytes, compressed or not: a mammogram has a third of it.
const LONGEST_FRAME: u64 = 128 << 20;
/// Decoded bytes that may stay in memory beyond the length of a file that is in memory, and is
/// charged for, itself.
const ROOM: u64 = 64 << 10;

/// Lossy Image Compression.
const LOSSY: Tag = Tag(0x0028, 0x2110);
/// JPEG baseline and extended.
const ALWAYS_LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// How frames are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Plain,
    Rle,
    Jpeg,
    Jpeg2000,
}

impl Codec {
    fn of(uid: &str) -> Option<Self> {
        match uid {
            "1.2.840.10008.1.2.1.98" => Some(Self::Plain),
            "1.2.840.10008.1.2.5" => Some(Self::Rle),
            "1.2.840.10008.1.2.4.50"
            | "1.2.840.10008.1.2.4.51"
            | "1.2.840.10008.1.2.4.57"
            | "1.2.840.10008.1.2.4.70" => Some(Self::Jpeg),
            "1.2.840.10008.1.2.4.90"
            | "1.2.840.10008.1.2.4.91"
            | "1.2.840.10008.1.2.4.201"
            | "1.2.840.10008.1.2.4.202"
            | "1.2.840.10008.1.2.4.203" => Some(Self::Jpeg2000),
            _ => None,
        }
    }

    /// One frame: the samples of a pixel side by side, in little endian, in red, green and blue
    /// where there are three.
    fn decode(self, coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
        let mut frame = match self {
            Self::Plain => coded.to_vec(),
            Self::Rle => rle::decode(coded, image)?,
            Self::Jpeg => return jpeg::decode(coded, image),
            Self::Jpeg2000 => jpeg2000::decode(coded, image)?,
        };
        if image.samples == 3 && matches!(image.photometric.as_str(), "YBR_FULL" | "YBR_FULL_422") {
            if image.bits_allocated != 8 {
                return Err("colour differences of more than 8 bits cannot be converted");
            }
            colour::to_rgb(&mut frame);
        }
        Ok(frame)
    }
}

/// Decodes all frames, blanks them and puts them in the place of the compressed ones.
pub(super) fn replace(
    instance: &mut Instance,
    image: &Image,
    mask: &Mask,
) -> Result<(), DeidError> {
    let uid = instance.syntax.uid.clone();
    let codec = Codec::of(&uid)
        .ok_or_else(|| cannot(format!("there is no decoder for the transfer syntax {uid}")))?;
    if image.frame_len() > LONGEST_FRAME || image.total_len() >= u64::from(u32::MAX) - 1 {
        return Err(cannot("the image is too large to be decoded"));
    }
    if instance.syntax.encoding.big_endian {
        return Err(cannot("compressed pixel data in a big-endian data set"));
    }
    let value = decoded(instance, codec, image, mask)?;
    describe(instance, image, &uid);
    let vr = if image.bits_allocated > 8 {
        VR::OW
    } else {
        VR::OB
    };
    if let Some(pixels) = instance.pixels.take() {
        instance.pixels = Some(PixelElement {
            vr,
            encapsulated: false,
            scrubbed: Some(Scrubbed::Replaced(value)),
            ..pixels
        });
    }
    Ok(())
}

fn decoded(
    instance: &Instance,
    codec: Codec,
    image: &Image,
    mask: &Mask,
) -> Result<dicom_lossless::Segment, DeidError> {
    let mut fragments = Fragments::of(instance)?;
    let charged = match &instance.source {
        Source::Memory { bytes, .. } => bytes.len() as u64,
        Source::File(_) => 0,
    };
    let mut spool = Spool::new(charged + ROOM);
    for which in fragments.frames(usize::try_from(image.frames).unwrap_or(usize::MAX))? {
        if fragments.len(which.clone()) > LONGEST_FRAME {
            return Err(cannot("a compressed frame is too large to be decoded"));
        }
        let mut frame = one(codec, &fragments.read(which)?, image)?;
        mask.apply(0, &mut frame);
        spool.push(&frame)?;
    }
    spool.finish()
}

/// One frame of exactly the right length. A decoder that panics fails this file and nothing else.
fn one(codec: Codec, bytes: &[u8], image: &Image) -> Result<Vec<u8>, DeidError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| codec.decode(bytes, image)));
    let mut frame = decoded
        .unwrap_or(Err("the decoder stumbled over the data"))
        .map_err(cannot)?;
    let length = usize::try_from(image.frame_len()).unwrap_or(usize::MAX);
    if codec == Codec::Plain && frame.len() == length.saturating_add(1) {
        frame.truncate(length);
    }
    if frame.len() == length {
        Ok(frame)
    } else {
        Err(cannot("the decoded image has another size"))
    }
}

/// Makes the attributes say what is there now. What lossy compression took away does not come back
/// by decoding.
fn describe(instance: &mut Instance, image: &Image, uid: &str) {
    comments::without_tables(instance);
    let header = &mut instance.header;
    if ALWAYS_LOSSY.contains(&uid) {
        header.put(Element::new(LOSSY, VR::CS, "01"));
    }
    if image.samples == 3 {
        if image.photometric != "RGB" {
            header.put(Element::new(PHOTOMETRIC, VR::CS, "RGB "));
        }
        header.put(Element::new(PLANAR, VR::US, vec![0, 0]));
    }
    instance.syntax = TransferSyntax::native(instance.syntax.encoding);
}
