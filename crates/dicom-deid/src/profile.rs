//! De-identification profiles: what they say, checked before the first file is read.
//!
//! Owns three languages (Flywheel's YAML and JSON, and TOML) and their one meaning. A key, an action
//! or an option that is not carried out is an error here, never ignored. Touches no DICOM file.

mod action;
mod basic_profile;
mod builtin;
mod compare;
mod convert;
mod date_format;
mod digest;
mod document;
mod effect;
mod emit;
mod explain;
mod image_rules;
mod json;
mod lint;
mod model;
mod profile_list;
mod read;
mod selector;
mod served;
mod table_outcome;
mod theme;
mod toml;
mod tree;
mod vocabulary;
mod yaml;

#[cfg(test)]
pub(crate) use action::JitterUnit;
pub(crate) use action::{
    Action, DateBound, DateBounds, DateJitter, Jitter, Replacement, Scalar, Substitution, Template,
    TemplatePart, tag_of,
};
pub(crate) use basic_profile::{
    AttributeDecision, Confidentiality, DateShift, DecisionSource, Encapsulated, Pseudonyms,
    Unlisted, Unparseable,
};
pub use basic_profile::{EDITION, OnLeak, ResidualRule};
pub use builtin::{builtin, builtin_names};
pub use compare::{ComparedProfile, Difference, compare};
pub use convert::Converted;
pub(crate) use date_format::DateFormat;
pub use digest::Identity;
pub use document::{Document, Language, load};
pub(crate) use effect::NestingLevel;
#[cfg(test)]
pub(crate) use effect::{AttributeEffect, Effect};
pub use explain::{
    AttributeExplanation, Explanation, Statement, StatementEntry, StatementSection, explain,
};
pub(crate) use image_rules::{
    AlterPixels, AttributeTest, BlankedArea, Condition, ConditionLine, Conjunction, DeviceRegions,
    Rectangle, Region, RequiredValue, TestKind,
};
pub use image_rules::{BurnedIn, Faces, Markers, OtherImages, PixelRules};
pub use json::Json;
pub use lint::{LintFinding, LintKind, LintReport, Severity, lint};
pub(crate) use model::AgeUnit;
pub use model::{DicomRules, Position, Profile, Rule};
pub(crate) use python_regex::{Captured, PythonRegex, TooComplex};
pub(crate) use selector::{ItemChoice, Selector, SequencePath};
pub use served::{Served, from_server_json};
#[cfg(test)]
pub(crate) use table_outcome::TableEffect;
pub(crate) use table_outcome::TableOutcome;
pub use theme::Theme;
pub use vocabulary::json_schema;

pub(crate) use crate::standard::{
    has_character_set, is_binary_number, is_number_text, is_numeric, is_text,
};
