//! A profile as a document: found, read as TOML, YAML or JSON, and every problem in it made an
//! error that names its position.

use std::path::Path;

use serde_json::Value;

use super::model::Profile;
use super::tree::{Node, Problem};
use super::vocabulary::DICOM;
use super::{builtin, builtin_names, json, profile_list, read, toml, yaml};
use crate::byte_order_mark::without_mark;
use crate::error::ProfileError;
use dicom_lossless::{display_path, escape_for_terminal};

/// No profile is as long as this.
const LONGEST: u64 = 8 << 20;

/// The language of a profile's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// TOML.
    Toml,
    /// YAML 1.1.
    Yaml,
    /// JSON.
    Json,
}

impl Language {
    /// The language that a file's name ends in.
    pub fn of(path: &Path) -> Option<Self> {
        match path
            .extension()?
            .to_str()?
            .to_ascii_lowercase()
            .as_str()
        {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The built-in profile of this name, else the profile in this file: TOML, YAML or JSON by its
/// extension.
///
/// # Errors
/// There is no such file, or it is no profile.
pub fn load(name_or_path: &str) -> Result<Profile, ProfileError> {
    Document::load(name_or_path)?.profile()
}

/// A profile as it was written, not yet checked for what it means.
#[derive(Clone)]
pub struct Document {
    pub(super) root: Node,
    /// How messages name it.
    origin: String,
    /// Its name if it does not say one itself.
    pub(super) fallback_name: String,
    /// Whether its author wrote comments, which are no part of the tree.
    pub has_comments: bool,
    /// Whether it is in a language that Flywheel's own tools read.
    flywheel_reads_it: bool,
    /// Notes about the rest of its file.
    notes: Vec<String>,
}

impl Document {
    /// Reads a built-in profile or a file of TOML, YAML or JSON.
    ///
    /// # Errors
    /// There is no such file, or its text is not of its language.
    pub fn load(name_or_path: &str) -> Result<Self, ProfileError> {
        if let Some(text) = builtin(name_or_path) {
            return Self::parse(text, Language::Toml, name_or_path, name_or_path);
        }
        let path = Path::new(name_or_path);
        let shown = display_path(path);
        let language = Language::of(path).ok_or_else(|| not_found(name_or_path, &shown))?;
        let text = read_file(path).map_err(|why| {
            ProfileError::new(format!("the profile {shown} cannot be read: {why}"))
                .with_remedy(format!("name a file, or a built-in profile: {}", names()))
        })?;
        let stem = path
            .file_stem()
            .map(|stem| escape_for_terminal(&stem.to_string_lossy()))
            .unwrap_or_default();
        Self::parse(&text, language, &shown, &stem)
    }

    /// A document that the server keeps.
    pub(super) fn served(root: Node, origin: String) -> Self {
        let fallback_name = "server_deid_profile".to_owned();
        Self {
            root,
            origin,
            fallback_name,
            has_comments: false,
            flywheel_reads_it: true,
            notes: Vec::new(),
        }
    }

    /// Reads a text. `origin` is how messages call it, `fallback_name` how it is called if it does
    /// not say so itself.
    ///
    /// # Errors
    /// The text is not of the language.
    pub fn parse(
        text: &str,
        language: Language,
        origin: &str,
        fallback_name: &str,
    ) -> Result<Self, ProfileError> {
        let tree = match language {
            Language::Toml => toml::parse(text),
            Language::Yaml => yaml::parse(text),
            Language::Json => json::parse(text),
        };
        let root = tree.map_err(|problem| error(problem, origin))?;
        let has_comments = match language {
            Language::Toml => toml::has_comments(text),
            Language::Yaml => yaml::has_comments(text),
            Language::Json => false,
        };
        let flywheel_reads_it = language != Language::Toml;
        let (root, notes) = profile_list::chosen(root).map_err(|problem| error(problem, origin))?;
        Ok(Self {
            root,
            origin: origin.to_owned(),
            fallback_name: fallback_name.to_owned(),
            has_comments,
            flywheel_reads_it,
            notes,
        })
    }

    /// Another text read as this document is.
    pub(super) fn respelled(&self, text: &str, language: Language) -> Result<Self, ProfileError> {
        Self::parse(text, language, &self.origin, &self.fallback_name)
    }

    pub(super) fn error(&self, problem: Problem) -> ProfileError {
        error(problem, &self.origin)
    }

    /// What it means, every key checked.
    ///
    /// # Errors
    /// A key that is not known, a value that it does not take, or what contradicts itself, with the
    /// place.
    pub fn profile(&self) -> Result<Profile, ProfileError> {
        let mut profile = read::profile(&self.root, &self.fallback_name)
            .map_err(|problem| error(problem, &self.origin))?;
        profile.notes.extend(
            self.notes
                .iter()
                .cloned()
                .chain(self.passed_over()),
        );
        Ok(profile)
    }

    /// The document as JSON, the form in which servers keep profiles.
    ///
    /// # Errors
    /// A document that is no mapping, or that holds a value which JSON does not have.
    pub fn to_json(&self) -> Result<Value, ProfileError> {
        let json = self
            .root
            .entries("a profile")
            .and_then(|_| json::value(&self.root));
        json.map_err(|problem| self.error(problem))
    }

    /// Sections that are carried out here and nowhere else, where another tool may read the
    /// document.
    fn passed_over(&self) -> Option<String> {
        let dicom = self
            .root
            .find("dicom")
            .filter(|_| self.flywheel_reads_it)?;
        let given = |key: &&str| {
            let section = dicom
                .find(key)
                .filter(|_| DICOM.is_own_section(key));
            section.is_some_and(|section| !section.is_falsy())
        };
        let sections: Vec<_> = DICOM
            .keys()
            .filter(given)
            .map(|key| format!("`{key}`"))
            .collect();
        let named = sections.join(", ");
        (!sections.is_empty()).then(|| {
            format!("Flywheel's own tools pass over {named}, and do less than this profile says")
        })
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if length > LONGEST {
        return Err("it is too large for a profile".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let text = without_mark(&bytes)?;
    String::from_utf8(text.to_vec()).map_err(|_| "it is not UTF-8 text".to_owned())
}

fn not_found(name: &str, shown: &str) -> ProfileError {
    let close = builtin_names().find(|known| crate::standard::likeness(known, name) > 0.85);
    let hint = match close {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!(
            "built-in profiles: {}; a file ends in .toml, .yaml, .yml or .json",
            names()
        ),
    };
    let what = format!("`{shown}` is neither a built-in profile nor a profile file");
    ProfileError::new(what).with_remedy(hint)
}

fn names() -> String {
    builtin_names()
        .collect::<Vec<_>>()
        .join(", ")
}

/// Further problems that are listed.
const MOST_LISTED: usize = 20;

pub fn error(problem: Problem, origin: &str) -> ProfileError {
    let at = |problem: &Problem| match problem.position {
        position if position.line > 0 => format!(
            "{origin}:{}:{}: {}",
            position.line, position.column, problem.message
        ),
        _ => format!("{origin}: {}", problem.message),
    };
    let listed = |problem: &Problem| match &problem.hint {
        Some(hint) => format!("{} ({hint})", at(problem)),
        None => at(problem),
    };
    let error = ProfileError::new(format!("profile {}", at(&problem)));
    let mut error = problem
        .also
        .iter()
        .take(MOST_LISTED)
        .fold(error, |error, also| error.because(listed(also)));
    if let Some(more @ 1..) = problem
        .also
        .len()
        .checked_sub(MOST_LISTED)
    {
        error = error.because(format!("and {more} more"));
    }
    match problem.hint {
        Some(hint) => error.with_remedy(hint),
        None => error,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
