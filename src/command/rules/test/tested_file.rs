//! A file on which rules were tried, and what became of it.

use std::path::{Path, PathBuf};

use crate::discover::{Found, SkipReason, below};
use crate::failure::FileFailure;
use crate::rules::shown;
use dicom_deid::Finding;
use dicom_lossless::Identity;
use import_rules::{Decision, Origin, Target, Value};

/// A file, and what became of it.
pub struct TestedFile {
    /// Its path below the folder that was named.
    pub relative: String,
    /// What became of it.
    pub outcome: TestOutcome,
}

pub enum TestOutcome {
    /// Rules were asked.
    Decided(Box<DecidedFile>),
    /// A filter of the command line keeps it out: the name of its flag.
    LeftOut(String),
    /// The walk passes it over.
    Skipped(SkipReason),
    /// It is no file, or none that can be looked at.
    Failed(FileFailure),
}

/// What the rules make of a file.
pub struct DecidedFile {
    pub decision: Decision,
    /// Why an upload of the file would fail.
    pub failure: Option<FileFailure>,
    /// Removed values in its labels that `--residual warn` lets pass.
    pub findings: Vec<Finding>,
    /// The walk passes it over, whatever rules say.
    pub skipped: Option<SkipReason>,
    /// A rule for DICOM takes it, and it is none.
    pub not_dicom: bool,
    /// Whose it is, before cleaning; never shown.
    pub identity: Identity,
}

/// A field as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShownField {
    pub name: String,
    /// None where it is missing.
    pub value: Option<String>,
    pub origin: String,
}

impl DecidedFile {
    /// The rule that takes the file, from 0.
    pub fn rule(&self) -> Option<usize> {
        self.decision.choice.rule()
    }

    /// The subject that it goes to.
    pub fn subject(&self) -> Option<String> {
        let extracted = self.decision.extracted.as_ref()?;
        let subject = Target::label_of(import_rules::Level::Subject);
        let field = extracted.metadata.field(&subject)?;
        Some(text(&field.value))
    }

    /// Its fields, labels first; with `all` those too that are not sent because no rule asks for
    /// them.
    pub fn fields(&self, all: bool) -> Vec<ShownField> {
        let Some(extracted) = &self.decision.extracted else {
            return Vec::new();
        };
        let levels = import_rules::Level::Acquisition.labels();
        let mut fields: Vec<ShownField> = levels
            .iter()
            .filter_map(|label| {
                let field = extracted.metadata.field(label);
                let missing = extracted.missing.contains(label);
                (field.is_some() || missing).then(|| ShownField {
                    name: shown(label),
                    value: field.map(|field| text(&field.value)),
                    origin: field
                        .map(|field| field.origin.to_string())
                        .unwrap_or_default(),
                })
            })
            .collect();
        let others = extracted
            .metadata
            .iter()
            .filter(|(target, field)| {
                !levels.contains(target) && (all || is_asked_for(field.origin))
            })
            .map(|(target, field)| ShownField {
                name: shown(target),
                value: Some(text(&field.value)),
                origin: field.origin.to_string(),
            });
        fields.extend(others);
        fields.extend(
            extracted
                .member_name
                .as_ref()
                .map(|name| ShownField {
                    name: "name in package".to_owned(),
                    value: Some(text(name)),
                    origin: "dicom_instance_name".to_owned(),
                }),
        );
        fields
    }
}

/// Whether a rule asks for the field: what headers give by themselves is not sent by rules.
pub fn is_asked_for(origin: Origin) -> bool {
    !matches!(origin, Origin::HeaderDefault | Origin::Type)
}

/// A value as text.
pub fn text(value: &Value) -> String {
    value.as_text().map_or_else(
        || serde_json::to_string(value).unwrap_or_default(),
        str::to_owned,
    )
}

/// Where a file lies below the path that led to it.
pub fn relative(found: &Found, roots: &[PathBuf]) -> String {
    match found {
        Found::Dicom(file) | Found::Other(file) => file.relative(),
        Found::Skipped { path, .. } | Found::Failed { path, .. } => {
            let root = roots
                .iter()
                .filter(|root| path.starts_with(root))
                .max_by_key(|root| root.as_os_str().len());
            below(path, root.map_or(Path::new(""), PathBuf::as_path))
        }
    }
}
