//! De-identification profiles: what they say, checked before the first file is read.
//!
//! Owns both spellings (Flywheel's YAML and JSON, and TOML) and their one meaning. A key, an action
//! or an option that is not carried out is an error here, never passed over. Touches no DICOM file.

mod action;
mod among_others;
mod builtin;
mod burned_in;
mod compare;
mod condition;
mod confidentiality;
mod convert;
mod date_format;
mod effect;
mod emit;
mod envelope_keys;
mod explain;
mod filename;
mod jitter;
mod json;
mod lint;
mod load;
mod model;
mod order;
mod pixels;
mod read;
mod rule;
mod selector;
mod served;
mod substitution;
mod template;
mod toml;
mod tree;
mod unused;
mod yaml;

pub use action::{
    Action, Replacement, Scalar, has_character_set, is_binary_number, is_number_text, is_numeric,
    is_text,
};
pub use builtin::{builtin, builtin_names};
pub use burned_in::{Blank, BurnedIn, DeviceRegions, Expected, Rectangle, Trait};
pub use compare::{Difference, Side, compare};
pub use condition::{Condition, Join, Line, Question, Test};
pub use confidentiality::{
    Confidentiality, Decision, EDITION, Encapsulated, OnLeak, Options, Pseudonyms, ResidualRule,
    Shift, Unlisted, Unparseable, Why,
};
pub use convert::Converted;
pub use date_format::DateFormat;
pub use effect::{Effect, Fate, Outcome, Place, Tabled};
pub use explain::{Acted, Explained, Explanation, Section, Statement, explain};
pub use filename::{FileName, tag_of};
pub use jitter::{Bound, Bounds, DateJitter, Jitter, JitterUnit};
pub use json::Json;
pub use lint::{Finding, Kind, Lint, Severity, Theme, lint};
pub use load::{Document, Language, load};
pub use model::{AgeUnit, DicomRules, Identity, Position, Profile, Rule};
pub use pixels::{AlterPixels, Region};
pub use python_regex::{Captured, PythonRegex, TooComplex};
pub use selector::{ItemChoice, Path, Selector, SelectorError};
pub use served::{Served, from_server_json};
pub use substitution::{Group, Substitution};
pub use template::{Part, Template};
