//! Flywheel's import rules: which file goes where, under which labels. On local files and headers
//! after cleaning.
//!
//! ```
//! use import_rules::{Decision, FileFields, RuleSet, Settings};
//!
//! let rules = RuleSet::from_yaml(
//!     r#"
//! - include: ["path=~*.nii[.gz]$"]
//!   type: nifti
//!   mappings: ["path={subject}/{session}/{acquisition}.nii[.gz]"]
//! "#,
//! )?;
//! let file = FileFields::new("sub-01/baseline/T1.nii.gz", 1024);
//! let decision = Decision::of(&rules, &file, None, None, &Settings::default());
//! assert_eq!(decision.choice.rule(), Some(0));
//! let json = serde_json::to_value(&decision)?;
//! assert_eq!(json["fields"]["acquisition.label"], "T1");
//! assert_eq!(json["from"]["subject.label"], "mapping 1 from path");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What decides may look at the original header; what is written comes from the path by explicit
//! mapping, from the cleaned header, or from a constant. The two headers are two traits,
//! [`OriginalHeader`] and [`CleanedHeader`]: nothing that builds a value takes the first.
//!
//! It opens no file and knows no clock. What the official engine passes over in silence, such as an
//! unknown key or a field that does not exist, is refused when the rules are read.

#![forbid(unsafe_code)]

mod decision;
mod document;
mod file;
mod filter;
mod format;
mod header;
mod header_defaults;
mod ingest;
mod label;
mod mapping;
mod metadata;
mod notation;
mod read;
mod refusal;
mod rule;
mod target;
mod template;
mod timestamp;
mod value;

pub use decision::Decision;
pub use file::FileFields;
pub use filter::{Filter, NotTaken};
pub use header::{CleanedHeader, HeaderField, OriginalHeader, Tag};
pub use ingest::{WalkFilters, rules_of_template, rules_of_template_file};
pub use label::clean_label;
pub use mapping::MappingOutcome;
pub use metadata::{Field, Metadata, Origin};
pub use python_regex::TooComplex;
pub use refusal::{Position, Refusal, RefusedRules};
pub use rule::{
    Choice, ChoiceError, ExtractError, Extracted, GroupKey, Note, Rule, RuleSet, RuleType, Settings,
};
pub use target::{Level, Target};
pub use timestamp::Zone;
pub use value::Value;
