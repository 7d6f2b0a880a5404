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

pub use crate::standard::{
    has_character_set, is_binary_number, is_number_text, is_numeric, is_text,
};
pub use action::{
    Action, DateBound, DateBounds, DateJitter, Group, Jitter, JitterUnit, Replacement, Scalar,
    Substitution, Template, TemplatePart, tag_of,
};
pub use basic_profile::{
    AttributeDecision, Confidentiality, DateShift, DecisionSource, EDITION, Encapsulated, OnLeak,
    Options, Pseudonyms, ResidualRule, Unlisted, Unparseable,
};
pub use builtin::{builtin, builtin_names};
pub use compare::{ComparedProfile, Difference, compare};
pub use convert::Converted;
pub use date_format::DateFormat;
pub use digest::Identity;
pub use document::{Document, Language, load};
pub use effect::{AttributeEffect, Effect, NestingLevel};
pub use explain::{
    AttributeExplanation, Explanation, Statement, StatementEntry, StatementSection, explain,
};
pub use image_rules::{
    AlterPixels, AttributeTest, BlankedArea, BurnedIn, Condition, ConditionLine, Conjunction,
    DeviceRegions, Faces, Markers, OtherImages, PixelRules, Rectangle, Region, RequiredAttribute,
    RequiredValue, TestKind,
};
pub use json::Json;
pub use lint::{LintFinding, LintKind, LintReport, Severity, lint};
pub use model::{AgeUnit, DicomRules, Position, Profile, Rule};
pub use python_regex::{Captured, PythonRegex, TooComplex};
pub use selector::{ItemChoice, Selector, SequencePath};
pub use served::{Served, from_server_json};
pub use table_outcome::{TableEffect, TableOutcome};
pub use theme::Theme;
pub use vocabulary::json_schema;
