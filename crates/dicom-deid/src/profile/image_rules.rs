//! What a profile does to images: areas that are blanked where a condition holds (`alter_pixels`),
//! what is blanked by device, and what becomes of images that may show text (`[dicom.pixels]`).
//!
//! Types only: `read` reads the sections.

use dicom_core::Tag;

use super::basic_profile::Confidentiality;
use super::pixel_condition::Condition;
use super::tree::Named;

/// The value of `blank` that is no list.
pub(super) const OUTSIDE: &str = "outside-ultrasound-regions";

/// What is blanked in images.
#[derive(Debug, Clone)]
pub struct AlterPixels {
    /// The regions, in the order in which they apply.
    pub regions: Vec<Region>,
}

/// A rectangle that is blanked, or kept, where a condition holds.
#[derive(Debug, Clone)]
pub struct Region {
    /// When it counts.
    pub when: Condition,
    /// Whether what an earlier region blanks here comes back; else everything here is blanked.
    pub keep: bool,
    /// First column, first row, and the column and row behind the last. Negative numbers count from
    /// the far edge.
    pub corners: [i64; 4],
}

/// What becomes of an image that may show text and that no region speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnedIn {
    /// Its file fails.
    Refuse,
    /// It is sent unchanged.
    Keep,
}

impl Named for BurnedIn {
    const NAMES: &'static [(&'static str, Self)] =
        &[("refuse", Self::Refuse), ("keep", Self::Keep)];
}

impl BurnedIn {
    /// What holds where the profile does not set it.
    pub(super) fn default_for(confidentiality: Option<&Confidentiality>) -> Self {
        match confidentiality {
            Some(_) => Self::Refuse,
            None => Self::Keep,
        }
    }
}

/// What is blanked in the images of one kind of device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRegions {
    /// What must hold of a file, all of it.
    pub when: Vec<RequiredAttribute>,
    /// What is blanked in it.
    pub blank: BlankedArea,
}

/// An attribute at the top of the data set and the values that it must have: this number of them,
/// in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct RequiredAttribute {
    /// The attribute.
    pub tag: Tag,
    /// Its values.
    pub values: Vec<RequiredValue>,
}

/// A value that an attribute must have.
#[derive(Debug, Clone, PartialEq)]
pub enum RequiredValue {
    /// This text, which is in lower case: case does not count, nor space around it.
    Text(String),
    /// This number, however it is written.
    Number(f64),
}

/// What is blanked in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlankedArea {
    /// These rectangles. An empty list states that nothing is burned in.
    Rectangles(Vec<Rectangle>),
    /// All that lies outside the regions of Sequence of Ultrasound Regions (0018,6011).
    OutsideUltrasoundRegions,
}

/// A rectangle in an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// The first column, from 0.
    pub x: u16,
    /// The first row, from 0.
    pub y: u16,
    /// The number of columns.
    pub width: u16,
    /// The number of rows.
    pub height: u16,
}

impl DeviceRegions {
    /// Whether anything is blanked where it applies.
    pub fn blanks(&self) -> bool {
        self.blank != BlankedArea::Rectangles(Vec::new())
    }
}
