//! What the DICOM standard says, as data: the dictionary of attributes, the private elements it
//! describes, and which attributes may identify a patient.
//!
//! Knows nothing of files or profiles.

mod blind_spots;
pub mod burned_in;
mod code_meanings;
pub mod confidentiality;
mod dictionary;
mod identifying;
pub mod iod_types;
mod multiplicity;
mod private;
pub mod structured_content;
mod temporal_roles;
mod terms;
mod uid_roles;
mod vocabulary;

pub use blind_spots::{
    BlindSpot, Concern, blind_spot, blind_spots, is_of_no_concern, texts_of_no_concern,
};
pub use code_meanings::{is_meaning_of, is_published_scheme};
pub use confidentiality::attribute;
#[cfg(test)]
pub(crate) use dictionary::GROUPS;
pub use dictionary::{
    close_keyword, is_private, is_us_or_ss, keyword, likeness, name_of, tag_of_keyword,
    tag_of_keyword_any_case, vr,
};
pub use identifying::{IdentifierKind, identifier_kind};
pub use iod_types::{Iod, Need, iod, is_needed, needed, resolve};
pub use multiplicity::most_numbers;
pub use private::{is_listed_as_safe, private_vr, safe_private_vr};
pub use structured_content::concept;
pub use temporal_roles::{TemporalRole, temporal_role};
pub use terms::is_code;
pub use uid_roles::{UidRole, is_registered_uid, uid_role};
pub use vocabulary::is_known_word;
