//! Looking for text in images: which frames, at what sizes, and what a find comes to.
//!
//! Owns what is said of an image ([`crate::PixelLook`]). It blanks nothing itself, and takes nothing
//! that it did not find for a proof that nothing is there.

mod faces;
mod find;
mod search;
mod slice;
mod survey;
mod views;

pub use faces::{HeadSlices, head_slices};
pub use search::{Blanking, InstanceFrames, Shown, blank_text, check_all, check_alone, refused};
pub use slice::{Slice, look_at_slices};
pub use survey::{SurveyedImage, survey};
