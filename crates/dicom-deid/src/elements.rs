//! What all that cleans knows of data elements: reading and writing values, private ones, dates and
//! UIDs in them.
//!
//! Owns no decision: it never says what is to become of a value.

pub mod attribute_table;
pub mod element_value;
pub mod private_elements;
pub mod recent;
pub mod temporal;
pub mod uid_text;

use dicom_dictionary_std::tags;
use dicom_lossless::Tag;

/// Specific Character Set.
pub const CHARACTER_SET: Tag = tags::SPECIFIC_CHARACTER_SET;

/// A sequence, and the number from 0 of the item in it to enter.
pub type ItemStep = (Tag, usize);

/// Float Pixel Data, Double Float Pixel Data and Pixel Data.
pub fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008..=0x0010))
}
