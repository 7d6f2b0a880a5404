//! What the DICOM standard says, as data: the dictionary of attributes.
//!
//! Knows nothing of files or profiles.

mod dictionary;

pub use dictionary::{close_keyword, is_private, keyword, name_of, tag_of_keyword, tag_of_keyword_any_case, vr};
