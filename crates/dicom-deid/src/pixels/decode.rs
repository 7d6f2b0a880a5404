//! Compressed pixel data becomes native: decoded frame by frame (RLE, PS3.5 annex G; JPEG, section
//! 8.2.1; JPEG 2000, sections 8.2.4 and 8.2.17), blanked, and described anew.
//!
//! Owns which transfer syntaxes can be decoded and what the attributes say afterwards. A decoder is
//! believed only if it gives exactly the image that the attributes describe, and memory follows
//! from the attributes and never from what a stream claims. Frames go into memory while they are
//! few, else into a temporary file that only its owner can read and that goes away with the last
//! user; nothing enters it that was not blanked before.

use std::io::{self, Cursor, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_lossless::{
    Element, Fragments, Instance, Mask, PixelElement, Scrubbed, Segment, Source, SourceFile,
    TemporaryFile, TransferSyntax, VR,
};
use jpeg_decoder::{ColorTransform, Decoder};
use jpeg2k::{DecodeParameters, Image as Decoded};

use super::layout::Image;
use super::{frame_comments, pixel_error};
use crate::error::{DeidError, DeidErrorKind};

/// The longest frame in bytes, compressed or not: a mammogram has a third of it.
pub const LONGEST_FRAME: u64 = 128 << 20;
/// Why JPEG with loss is not decoded where it has more than 8 bits.
const TOO_MANY_BITS: &str = "lossy JPEG with more than 8 bits cannot be decoded";
/// Decoded bytes that may stay in memory beyond the length of a file that is in memory, and is
/// charged for, itself.
const ROOM: u64 = 64 << 10;

/// JPEG baseline and extended.
const ALWAYS_LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// How frames are compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Codec {
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
            Self::Rle => decode_rle(coded, image)?,
            Self::Jpeg => return decode_jpeg(coded, image),
            Self::Jpeg2000 => decode_jpeg2000(coded, image)?,
        };
        if image.samples == 3 && matches!(image.photometric.as_str(), "YBR_FULL" | "YBR_FULL_422") {
            if image.bits_allocated != 8 {
                return Err("colour differences of more than 8 bits cannot be converted");
            }
            ybr_to_rgb(&mut frame);
        }
        Ok(frame)
    }
}

/// How the frames of an instance are decoded. Fails where they cannot be.
pub fn codec_for(instance: &Instance, image: &Image) -> Result<Codec, DeidError> {
    let uid = &instance.syntax.uid;
    let codec = Codec::of(uid)
        .ok_or_else(|| pixel_error(format!("there is no decoder for the transfer syntax {uid}")))?;
    if image.frame_len() > LONGEST_FRAME {
        return Err(pixel_error("the image is too large to be decoded"));
    }
    if instance.syntax.encoding.big_endian {
        return Err(pixel_error(
            "compressed pixel data in a big-endian data set",
        ));
    }
    Ok(codec)
}

/// Refuses JPEG with loss of more than 8 bits, which shows in the header of the first frame alone.
pub fn check_precision(
    instance: &Instance,
    image: &Image,
    fragments: &mut Fragments,
    first: Option<&Range<usize>>,
) -> Result<(), DeidError> {
    let is_lossy = ALWAYS_LOSSY.contains(&instance.syntax.uid.as_str());
    let Some(first) = first.filter(|first| {
        is_lossy && image.bits_stored > 8 && fragments.len((*first).clone()) <= LONGEST_FRAME
    }) else {
        return Ok(());
    };
    match JpegHeader::read(&fragments.read(first.clone())?) {
        Some(header) if header.precision > 8 => Err(pixel_error(TOO_MANY_BITS)),
        _ => Ok(()),
    }
}

/// Decodes all frames, blanks them and puts them in the place of the compressed ones.
pub fn replace(instance: &mut Instance, image: &Image, mask: &Mask) -> Result<(), DeidError> {
    let uid = instance.syntax.uid.clone();
    let codec = codec_for(instance, image)?;
    if image.total_len() >= u64::from(u32::MAX) - 1 {
        return Err(pixel_error("the image is too large to be decoded"));
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
) -> Result<Segment, DeidError> {
    let mut fragments = Fragments::of(instance)?;
    let charged = match &instance.source {
        Source::Memory { bytes, .. } => bytes.len() as u64,
        Source::File(_) => 0,
    };
    let mut spool = FrameSpool::new(charged + ROOM);
    let frames = fragments.frames(usize::try_from(image.frames).unwrap_or(usize::MAX))?;
    for (at, which) in (0..).zip(frames) {
        let mut frame = self::frame(codec, &mut fragments, which, image)?;
        mask.apply(image.frame_len() * at, &mut frame);
        spool.push(&frame)?;
    }
    spool.finish()
}

/// One frame, by the fragments that it consists of.
pub fn frame(
    codec: Codec,
    fragments: &mut Fragments,
    which: Range<usize>,
    image: &Image,
) -> Result<Vec<u8>, DeidError> {
    if fragments.len(which.clone()) > LONGEST_FRAME {
        return Err(pixel_error("a compressed frame is too large to be decoded"));
    }
    one(codec, &fragments.read(which)?, image)
}

/// One frame of exactly the right length. A decoder that panics fails this file and nothing else.
fn one(codec: Codec, bytes: &[u8], image: &Image) -> Result<Vec<u8>, DeidError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| codec.decode(bytes, image)));
    let mut frame = decoded
        .unwrap_or(Err("the decoder stumbled over the data"))
        .map_err(pixel_error)?;
    let length = usize::try_from(image.frame_len()).unwrap_or(usize::MAX);
    if codec == Codec::Plain && frame.len() == length.saturating_add(1) {
        frame.truncate(length);
    }
    if frame.len() == length {
        Ok(frame)
    } else {
        Err(pixel_error("the decoded image has another size"))
    }
}

/// Makes the attributes say what is there now. What lossy compression took away does not come back
/// by decoding.
fn describe(instance: &mut Instance, image: &Image, uid: &str) {
    frame_comments::without_tables(instance);
    let header = &mut instance.header;
    if ALWAYS_LOSSY.contains(&uid) {
        header.put(Element::new(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01"));
    }
    if image.samples == 3 {
        if image.photometric != "RGB" {
            header.put(Element::new(
                tags::PHOTOMETRIC_INTERPRETATION,
                VR::CS,
                "RGB ",
            ));
        }
        header.put(Element::new(tags::PLANAR_CONFIGURATION, VR::US, vec![0, 0]));
    }
    instance.syntax = TransferSyntax::native(instance.syntax.encoding);
}

/// Converts pixels of 8-bit samples side by side, in place.
fn ybr_to_rgb(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        *pixel = rgb_of(*pixel);
    }
}

const RED_BY_CR: f32 = 1.402;
const BLUE_BY_CB: f32 = 1.772;
const GREEN_BY_CB: f32 = -0.114 * 1.772 / 0.587;
const GREEN_BY_CR: f32 = -0.299 * 1.402 / 0.587;

/// Red, green and blue of luminance and colour differences.
pub fn rgb_of(pixel: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = pixel.map(f32::from);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [
        y + RED_BY_CR * cr,
        y + GREEN_BY_CB * cb + GREEN_BY_CR * cr,
        y + BLUE_BY_CB * cb,
    ]
    .map(rounded)
}

/// The same where luminance has 220 levels and colour differences 225 (ITU-R BT.601).
pub fn rgb_of_partial(pixel: [u8; 3]) -> [u8; 3] {
    const BY_LUMINANCE: f32 = 255.0 / 219.0;
    const BY_DIFFERENCE: f32 = 255.0 / 224.0;
    let [y, cb, cr] = pixel.map(f32::from);
    let y = (y - 16.0) * BY_LUMINANCE;
    let (cb, cr) = ((cb - 128.0) * BY_DIFFERENCE, (cr - 128.0) * BY_DIFFERENCE);
    [
        y + RED_BY_CR * cr,
        y + GREEN_BY_CB * cb + GREEN_BY_CR * cr,
        y + BLUE_BY_CB * cb,
    ]
    .map(rounded)
}

// The number is clamped to what a byte holds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rounded(value: f32) -> u8 {
    (value + 0.5)
        .floor()
        .clamp(0.0, 255.0) as u8
}

/// The samples of a frame side by side, little endian, red, green and blue where there are three.
/// The error says why there are none.
pub fn decode_jpeg(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
    let header = JpegHeader::read(coded).ok_or("the JPEG header is damaged")?;
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
    let samples_of_frame = decoder
        .decode()
        .map_err(|_| "the JPEG stream is damaged")?;
    let samples = usize::from(image.rows) * usize::from(image.columns) * usize::from(image.samples);
    let mut frame = widened(samples_of_frame, samples, image)?;
    if image.samples == 3 && header.is_ybr(image) {
        ybr_to_rgb(&mut frame);
    }
    Ok(frame)
}

/// The decoder's samples in the width that the attributes state.
fn widened(decoded: Vec<u8>, samples: usize, image: &Image) -> Result<Vec<u8>, &'static str> {
    let mut frame = Vec::with_capacity(samples * 2);
    let mut push = |number| push_sample(&mut frame, number, image.bits_stored.into(), image);
    if decoded.len() == samples {
        if image.bits_allocated == 8 && image.bits_stored == 8 {
            return Ok(decoded);
        }
        for byte in decoded {
            push(byte.into());
        }
    } else if decoded.len() == samples * 2 {
        for two in decoded.as_chunks::<2>().0 {
            push(u16::from_ne_bytes(*two).into());
        }
    } else {
        return Err("the decoded image has another size");
    }
    Ok(frame)
}

/// Adds a sample in the width that the attributes state, 8 or 16 bits.
fn push_sample(frame: &mut Vec<u8>, number: i32, bits: u32, image: &Image) {
    let [low, high, ..] = sign_extended(number, bits, image.signed).to_le_bytes();
    frame.push(low);
    if image.bits_allocated == 16 {
        frame.push(high);
    }
}

/// A number of `bits` bits as Pixel Representation requires, whatever the stream says about signs.
fn sign_extended(number: i32, bits: u32, signed: bool) -> i32 {
    let unused = 32 - bits;
    let shifted = number.cast_unsigned() << unused;
    if signed {
        shifted.cast_signed() >> unused
    } else {
        (shifted >> unused).cast_signed()
    }
}

/// What stands before the first scan.
#[derive(Default)]
struct JpegHeader {
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

impl JpegHeader {
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
            0xDD => {
                self.restarts = segment
                    .iter()
                    .any(|byte| *byte != 0);
            }
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
            return if known { Ok(()) } else { Err(TOO_MANY_BITS) };
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
        let numbers: Vec<u8> = self
            .components
            .iter()
            .map(|(number, _)| *number)
            .collect();
        if numbers == b"RGB" || numbers == b"rgb" {
            return false;
        }
        match self.adobe {
            Some(transform) if self.process != LOSSLESS => transform == 1,
            _ => self.jfif || image.photometric.starts_with("YBR"),
        }
    }
}

/// The samples of a frame side by side, little endian. The error says why there are none.
pub fn decode_jpeg2000(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
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
        || planes
            .iter()
            .any(|plane| plane.len() != pixels)
    {
        return Err("the decoded image has another size");
    }
    let mut frame = Vec::with_capacity(usize::try_from(image.frame_len()).unwrap_or_default());
    for pixel in 0..pixels {
        for plane in &planes {
            let number = plane
                .get(pixel)
                .copied()
                .unwrap_or_default();
            push_sample(&mut frame, number, precision, image);
        }
    }
    Ok(frame)
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
    // The last columns and rows and the first ones, the same of tiles, and the number of components.
    let ([right, bottom, left, top, ..], count) = stream
        .get(8..42)
        .ok_or(CUT)?
        .as_chunks::<4>()
    else {
        return Err(CUT);
    };
    let length = |end: &[u8; 4], start: &[u8; 4]| {
        u32::from_be_bytes(*end).saturating_sub(u32::from_be_bytes(*start))
    };
    if length(right, left) != u32::from(image.columns)
        || length(bottom, top) != u32::from(image.rows)
        || count != image.samples.to_be_bytes()
    {
        return Err("the size of the JPEG 2000 image is not what the attributes say");
    }
    let components = stream
        .get(42..42 + 3 * usize::from(image.samples))
        .ok_or(CUT)?
        .as_chunks::<3>()
        .0;
    let first = components.first().ok_or(CUT)?;
    let [depth, ..] = *first;
    let precision = u32::from(depth & 0x7F) + 1;
    if components
        .iter()
        .any(|component| component != first)
        || !first.ends_with(&[1, 1])
    {
        return Err("the components of the JPEG 2000 image differ");
    }
    if precision > u32::from(image.bits_allocated) || !matches!(image.bits_allocated, 8 | 16) {
        return Err("the JPEG 2000 image has more bits than the attributes say");
    }
    Ok(precision)
}

const RLE_HEADER: usize = 64;

/// The samples of a frame side by side, little endian. The error says why there are none.
pub fn decode_rle(coded: &[u8], image: &Image) -> Result<Vec<u8>, &'static str> {
    let sample_len = usize::from(image.bits_allocated / 8);
    let pixel_len = sample_len * usize::from(image.samples);
    let plane_len = usize::from(image.rows) * usize::from(image.columns);
    let segments = segments(coded, pixel_len)?;
    let mut frame = vec![0; plane_len * pixel_len];
    for (number, segment) in segments.into_iter().enumerate() {
        // Within a sample the most significant byte comes first; the frame is little endian.
        let byte = number / sample_len * sample_len + (sample_len - 1 - number % sample_len);
        let mut places = frame
            .iter_mut()
            .skip(byte)
            .step_by(pixel_len);
        unpack(segment, |value| {
            places
                .next()
                .map(|place| *place = value)
                .is_some()
        });
        if places.next().is_some() {
            return Err("an RLE segment ends before its image does");
        }
    }
    Ok(frame)
}

/// The segments, of which there must be `count`.
fn segments(coded: &[u8], count: usize) -> Result<Vec<&[u8]>, &'static str> {
    let header = coded
        .get(..RLE_HEADER)
        .ok_or("the RLE header is cut off")?;
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
    let segments: Option<Vec<_>> = bounds
        .windows(2)
        .map(|bounds| match bounds {
            &[from, to] if from >= RLE_HEADER => coded.get(from..to),
            _ => None,
        })
        .collect();
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
                if !literal
                    .iter()
                    .all(|value| take(*value))
                {
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

/// Takes bytes in order.
struct FrameSpool {
    kept: Vec<u8>,
    /// How many bytes may stay in memory.
    room: u64,
    file: Option<TemporaryFile>,
    len: u64,
}

impl FrameSpool {
    fn new(room: u64) -> Self {
        Self {
            kept: Vec::new(),
            room,
            file: None,
            len: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), DeidError> {
        self.write(bytes)
            .map_err(|error| failed(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.len > self.room {
            let mut file = TemporaryFile::new()?;
            file.write_all(&std::mem::take(&mut self.kept))?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    /// All bytes, padded to even length.
    fn finish(mut self) -> Result<Segment, DeidError> {
        if !self.len.is_multiple_of(2) {
            self.push(&[0])?;
        }
        let Some(mut file) = self.file else {
            return Ok(Segment::Bytes(Bytes::from(self.kept)));
        };
        file.flush()
            .map_err(|error| failed(&error))?;
        let file = SourceFile::temporary(file)?;
        let range = 0..file.len();
        Ok(Segment::of_file(Arc::new(file), range))
    }
}

fn failed(error: &io::Error) -> DeidError {
    let why = format!(
        "the decoded image cannot be put into a temporary file: {}",
        error.kind()
    );
    DeidError::new(DeidErrorKind::Pixels, why)
        .with_remedy("make room in the folder for temporary files, or name another by TMPDIR")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dicom_lossless::Body;

    use super::*;

    #[test]
    fn converts_the_corners_of_the_colour_space() {
        let mut pixels = [
            0, 128, 128, 255, 128, 128, 76, 85, 255, 150, 44, 21, 29, 255, 107,
        ];
        ybr_to_rgb(&mut pixels);
        assert_eq!(
            pixels,
            [0, 0, 0, 255, 255, 255, 254, 0, 0, 0, 255, 1, 0, 0, 254]
        );
    }

    #[test]
    fn numbers_get_the_sign_that_the_attributes_want() {
        assert_eq!(
            (
                sign_extended(0x1830, 13, true),
                sign_extended(-2000, 13, true)
            ),
            (-2000, -2000)
        );
        assert_eq!(
            (sign_extended(-2000, 13, false), sign_extended(5, 8, false)),
            (6192, 5)
        );
    }

    #[test]
    fn many_bytes_go_into_a_private_file_that_is_deleted() {
        for room in [0, 3, 100] {
            let mut spool = FrameSpool::new(room);
            spool.push(b"ab").unwrap();
            spool.push(b"cde").unwrap();
            let segment = spool.finish().unwrap();
            let path = match &segment {
                Segment::File { file, .. } => Some(file.path().to_owned()),
                Segment::Bytes(_) => None,
            };
            assert_eq!(path.is_some(), room < 100);
            let body = Body::new(vec![segment]);
            assert_eq!(body.to_vec().unwrap(), b"abcde\0");
            if let Some(path) = path {
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    assert_eq!(
                        std::fs::metadata(&path)
                            .unwrap()
                            .permissions()
                            .mode()
                            & 0o777,
                        0o600
                    );
                }
                if cfg!(target_os = "linux") {
                    let name = std::fs::read_link(&path).unwrap();
                    assert!(
                        !name.exists(),
                        "there is nothing to be left behind at {}",
                        name.display()
                    );
                } else {
                    let copy = body.clone();
                    drop(body);
                    assert!(path.exists());
                    drop(copy);
                    assert!(!path.exists());
                }
            }
        }
    }
}
