//! The DICOM standard as data: the dictionary of attributes, the private elements it
//! describes, and which attributes may identify a patient.
//!
//! Knows nothing of files or profiles.

mod attribute_roles;
pub(crate) mod burned_in;
mod codes;
pub(crate) mod confidentiality;
mod dictionary;
pub(crate) mod iod_types;
mod private;
pub(crate) mod structured_content;
mod table;
mod tag_pattern;
mod unlisted;
mod value_representation;
mod vocabulary;

pub use attribute_roles::is_registered_uid;
pub(crate) use attribute_roles::{
    IdentifierKind, TemporalRole, UidRole, identifier_kind, most_numbers, temporal_role, uid_role,
};
pub(crate) use codes::{is_code, is_meaning_of, is_published_scheme};
pub(crate) use confidentiality::basic_code;
pub use confidentiality::{Attribute, ConfidentialityOption, attribute, attributes};
#[cfg(test)]
pub(crate) use dictionary::GROUPS;
pub use dictionary::{
    closest, keyword, likeness, name_of, suggested_keyword, tag_of_keyword,
    tag_of_keyword_any_case, vr,
};
pub(crate) use dictionary::{hex_digits, is_private, is_us_or_ss};
pub(crate) use iod_types::{
    AttributeType, Iod, attribute_type, has_type_1_or_2, iod, resolve_action_code,
};
pub(crate) use private::{is_listed_as_safe, is_listed_as_safe_under, private_vr};
pub(crate) use unlisted::{
    IdentifyingRole, has_no_identifying_role, texts_without_identifying_role, unlisted_attribute,
};
pub use unlisted::{UnlistedAttribute, unlisted_attributes};
pub(crate) use value_representation::{
    has_character_set, is_binary_number, is_number_text, is_numeric, is_text,
};
pub(crate) use vocabulary::is_known_word;
