//! The DICOM standard as data: the dictionary of attributes, the private elements it
//! describes, and which attributes may identify a patient.
//!
//! Knows nothing of files or profiles.

mod attribute_roles;
pub mod burned_in;
mod codes;
pub mod confidentiality;
mod dictionary;
pub mod iod_types;
mod private;
pub mod structured_content;
mod table;
mod tag_pattern;
mod unlisted;
mod value_representation;
mod vocabulary;

pub use attribute_roles::{
    IdentifierKind, TemporalRole, UidRole, identifier_kind, is_registered_uid, most_numbers,
    temporal_role, uid_role,
};
pub use codes::{is_code, is_meaning_of, is_published_scheme};
pub use confidentiality::{attribute, basic_code};
#[cfg(test)]
pub(crate) use dictionary::GROUPS;
pub use dictionary::closest;
pub(crate) use dictionary::hex_digits;
pub use dictionary::{
    is_private, is_us_or_ss, keyword, likeness, name_of, suggested_keyword, tag_of_keyword,
    tag_of_keyword_any_case, vr,
};
pub use iod_types::{
    AttributeType, Iod, attribute_type, has_type_1_or_2, iod, resolve_action_code,
};
pub use private::{is_listed_as_safe, private_vr, safe_private_vr};
pub use unlisted::{
    IdentifyingRole, UnlistedAttribute, has_no_identifying_role, texts_without_identifying_role,
    unlisted_attribute, unlisted_attributes,
};
pub use value_representation::{
    has_character_set, is_binary_number, is_number_text, is_numeric, is_text,
};
pub use vocabulary::is_known_word;
