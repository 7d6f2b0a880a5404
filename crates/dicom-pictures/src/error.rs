//! Why there is no picture.
//!
//! Owns these reasons in plain words, for the person who wanted to look. It holds no value.

use dicom_deid::{DeidError, DeidErrorKind};

/// Why there is no picture of a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The image cannot be decoded, for this reason.
    #[error("{0}")]
    Undecodable(String),
    /// The picture has another number of pixels than its size says.
    #[error("the picture is not of the size that it states")]
    Size,
    /// The picture cannot be written as PNG.
    #[error("the picture cannot be written as PNG")]
    Png,
}

impl From<DeidError> for PictureError {
    fn from(error: DeidError) -> Self {
        Self::Undecodable(match error.kind {
            // What such an error says beyond its kind is about the image alone.
            DeidErrorKind::Pixels if !error.detail.is_empty() => error.detail,
            _ => error.to_string(),
        })
    }
}
