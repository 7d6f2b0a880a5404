//! What the DICOM standard says, as data: the dictionary of attributes, and the private elements it describes.
//!
//! Knows nothing of files or profiles.

mod dictionary;
mod private;

pub use dictionary::{close_keyword, is_private, is_us_or_ss, keyword, name_of, tag_of_keyword, tag_of_keyword_any_case, vr};
pub use private::private_vr;
