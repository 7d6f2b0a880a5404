//! What a DICOM file looks like to a person: frames of its image as pictures, its header as lines.
//!
//! A [`ShownImage`] gives one frame after another as a [`Picture`], windowed for a screen as the
//! file asks for it (PS3.3 sections C.7.6.3, C.11.1 and C.11.2); [`header_lines`] gives the
//! elements as text.
//!
//! ```
//! use dicom_lossless::{Limits, Source, read};
//! use dicom_pictures::{ShownImage, header_lines};
//!
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/study/mr-head");
//! # let path = std::fs::read_dir(folder)?.next().expect("a file")?.path();
//! let instance = read(Source::open(path)?, &Limits::default())?;
//! for line in header_lines(&instance, 64, 1000) {
//!     println!("{} {} {}", line.tag, line.keyword.unwrap_or_default(), line.value);
//! }
//! if let Some(mut image) = ShownImage::of(instance)? {
//!     let png = image.frame(0)?.thumbnail(128).to_png()?;
//!     # assert!(png.starts_with(b"\x89PNG"));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Code map
//!
//! | module | what it owns |
//! | --- | --- |
//! | `shown_image` | one frame of an instance as a picture |
//! | `grey_scale` | from stored values to grey levels: modality, window, presentation |
//! | `table` | lookup tables, those of palettes too |
//! | `attributes` | where an attribute of a frame stands, as numbers and words |
//! | `picture` | pictures smaller, and as PNG |
//! | `header` | the elements of an instance as lines of text |
//!
//! One frame is in memory at a time. A damaged or hostile file gives an error or a picture and never
//! a panic. No message holds a value of a data element; pictures and lines are made of nothing else,
//! and who asks for them decides who sees them.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod attributes;
mod error;
mod grey_scale;
mod header;
mod picture;
mod shown_image;
mod table;

pub use error::PictureError;
pub use header::{HeaderLine, header_lines};
pub use picture::Picture;
pub use shown_image::ShownImage;

#[cfg(test)]
mod tests;
