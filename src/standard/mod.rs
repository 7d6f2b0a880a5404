//! What the DICOM standard says, as data: the dictionary of attributes, the private elements it describes, and which
//! attributes may identify a patient.
//!
//! Knows nothing of files or profiles.

mod blind_spots;
pub mod confidentiality;
mod dictionary;
mod identifying;
mod private;
pub mod structured_content;
mod vocabulary;

pub use blind_spots::{BlindSpot, Concern, blind_spots};
pub use confidentiality::attribute;
pub use dictionary::{close_keyword, is_private, is_us_or_ss, keyword, name_of, tag_of_keyword, tag_of_keyword_any_case, vr};
pub use identifying::{IdentifierKind, identifier_kind};
pub use private::{is_listed_as_safe, private_vr};
pub use structured_content::concept;
pub use vocabulary::is_known_word;
