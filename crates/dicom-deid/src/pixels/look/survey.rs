//! Where the images of a device show text, for a person who writes regions into a profile.
//!
//! It proposes and decides nothing: what is found in images of a device may be missing in others.

use dicom_dictionary_std::tags;
use dicom_lossless::{Instance, Tag};

use super::find::Scales;
use super::search::{Frames, InstanceFrames, common, spread};
use crate::error::DeidError;
use crate::pixels::beside_image;
use crate::pixels::frames::FrameReader;
use crate::pixels::frames::Palette;
use crate::pixels::layout::Image;
use crate::pixels::regions::ImageHeader;
use crate::profile::Markers;
use crate::standard;

/// What tells the images of one device from those of another, in the order in which it is written.
const TELLING: [Tag; 4] = [
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOP_CLASS_UID,
];
/// Frames of an image that are looked at.
const FRAMES: u32 = 8;

/// What an image shows, and what made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedImage {
    /// Keywords and values that tell the device, for `when` of an entry of `regions`.
    pub device: Vec<(&'static str, String)>,
    /// Columns and rows.
    pub size: [u16; 2],
    /// First column, first row, columns and rows of each place that is likely text.
    pub places: Vec<[u16; 4]>,
}

/// Looks at some frames of an image. None where there is no image.
///
/// # Errors
/// It cannot be decoded.
pub fn survey(instance: &Instance) -> Result<Option<SurveyedImage>, DeidError> {
    let Some(pixels) = &instance.pixels else {
        return Ok(None);
    };
    let image = Image::of(instance, pixels)?;
    let palette = Palette::of(instance);
    let overlays = beside_image::declared_overlays(instance);
    let mut frames = InstanceFrames {
        reader: FrameReader::of(instance, pixels, &image, palette.as_ref(), overlays)?,
        image: &image,
        regions: None,
        blanked: Vec::new(),
        planes: false,
        failure: None,
    };
    let of_frames = frames.finds(&spread(image.frames, FRAMES), Scales::Both);
    let in_common = common(&mut frames, Markers::Keep, Scales::Both);
    if let Some(failure) = frames.failure.take() {
        return Err(failure);
    }
    let (width, height) = frames.size();
    let side = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let places = of_frames
        .into_iter()
        .flat_map(|(_, finds)| finds)
        .filter(|find| !find.mark)
        .chain(in_common)
        .map(|find| {
            let place = find
                .place
                .with_margin(width, height);
            [place.left, place.top, place.width(), place.height()].map(side)
        })
        .collect();
    let header = ImageHeader::of(instance);
    let device = TELLING
        .iter()
        .filter_map(|tag| {
            let value = header
                .values(*tag)
                .into_iter()
                .next()?;
            let value = value
                .trim_matches([' ', '\0'])
                .to_owned();
            Some((standard::keyword(*tag)?, value)).filter(|(_, value)| !value.is_empty())
        })
        .collect();
    Ok(Some(SurveyedImage {
        device,
        size: [image.columns, image.rows],
        places,
    }))
}
