//! Whether a face can be made of images, as their headers say.
//!
//! Faces are neither looked for nor altered: a head that is imaged in enough slices has one.

use std::ops::Add;

use dicom_dictionary_std::tags;
use dicom_lossless::Tag;

use crate::pixels::regions::ImageHeader;

/// Attributes in which words may say what part of the body it is.
const SAYING: [Tag; 5] = [
    tags::BODY_PART_EXAMINED,
    tags::SERIES_DESCRIPTION,
    tags::PROTOCOL_NAME,
    tags::STUDY_DESCRIPTION,
    tags::REQUESTED_PROCEDURE_DESCRIPTION,
];

/// Words that say a head, in upper case.
const HEAD: [&str; 17] = [
    "HEAD",
    "BRAIN",
    "SKULL",
    "FACE",
    "FACIAL",
    "ORBIT",
    "ORBITS",
    "SINUS",
    "SINUSES",
    "NEURO",
    "CRANIUM",
    "CRANIAL",
    "CEREBRAL",
    "MPRAGE",
    "IAC",
    "PITUITARY",
    "MAXILLOFACIAL",
];

/// A face has at least this height in millimetres,
const HEIGHT: f64 = 100.0;
/// and this many slices make one: fewer are too coarse.
const SLICES: u32 = 30;
/// The same where the distance of slices is not known.
const SLICES_OF_UNKNOWN_HEIGHT: u32 = 60;

/// Slices of a head.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeadSlices {
    count: u32,
    /// Millimetres that they cover, where that is known.
    height: f64,
}

impl HeadSlices {
    /// Whether a face can be made of them.
    pub fn show_a_face(&self) -> bool {
        if self.height > 0.0 {
            self.count >= SLICES && self.height >= HEIGHT
        } else {
            self.count >= SLICES_OF_UNKNOWN_HEIGHT
        }
    }
}

impl Add for HeadSlices {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            height: self.height + other.height,
        }
    }
}

/// The slices of a head in an instance of CT or MR; none where it shows something else.
pub fn head_slices(header: &ImageHeader<'_>) -> Option<HeadSlices> {
    let modality = header.values(tags::MODALITY);
    if !modality
        .iter()
        .any(|modality| ["CT", "MR"].contains(&modality.trim()))
    {
        return None;
    }
    let is_overview = header
        .values(tags::IMAGE_TYPE)
        .iter()
        .any(|word| ["LOCALIZER", "SCOUT"].contains(&word.trim()));
    if is_overview
        || !SAYING
            .iter()
            .any(|tag| says_head(header, *tag))
    {
        return None;
    }
    let number = |tag| {
        header
            .values(tag)
            .first()
            .and_then(|text| text.trim().parse::<f64>().ok())
            .filter(|number| number.is_finite() && *number > 0.0)
    };
    let frames = header
        .values(tags::NUMBER_OF_FRAMES)
        .first()
        .and_then(|text| text.trim().parse::<u32>().ok())
        .unwrap_or(1)
        .max(1);
    let distance = number(tags::SPACING_BETWEEN_SLICES).or_else(|| number(tags::SLICE_THICKNESS));
    Some(HeadSlices {
        count: frames,
        height: distance.unwrap_or_default() * f64::from(frames),
    })
}

fn says_head(header: &ImageHeader<'_>, tag: Tag) -> bool {
    header
        .values(tag)
        .iter()
        .any(|text| {
            text.to_uppercase()
                .split(|c: char| !c.is_alphabetic())
                .any(|word| HEAD.contains(&word))
        })
}
