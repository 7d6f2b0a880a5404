//! Reading a file of rules, and saying what is wrong with one.

use std::path::Path;

use dicom_lossless::display_path;
use import_rules::{RefusedRules, RuleSet};

use super::RuleNumber;
use crate::failure::{Error, RunCode};

/// The most that a file of rules may have, in bytes: larger ones are something else.
const MOST: u64 = 4 << 20;

/// A file of rules that was read.
pub struct RulesFile {
    /// The rules.
    pub set: RuleSet,
    /// What stands in the file. It may hold identifiers.
    pub text: String,
}

/// Reads a file of rules: TOML where its name ends so, else YAML.
///
/// # Errors
/// `rules.invalid` with all that is wrong in it, by line and column.
pub fn read(path: &Path) -> Result<RulesFile, Error> {
    let unreadable = |why: String| file_error(path).because(why);
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?;
    if metadata.len() > MOST {
        return Err(unreadable("it is larger than any file of rules".to_owned()));
    }
    let text = std::fs::read(path).map_err(|error| unreadable(error.kind().to_string()))?;
    let text =
        String::from_utf8(text).map_err(|_| unreadable("it is not text in UTF-8".to_owned()))?;
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let set = if is_toml {
        RuleSet::from_toml(&text)
    } else {
        RuleSet::from_yaml(&text)
    }
    .map_err(|refused| invalid(path, &refused))?;
    if RuleNumber::try_from(set.rules().len()).is_err() {
        return Err(unreadable("it has more than 65,535 rules".to_owned()));
    }
    Ok(RulesFile { set, text })
}

/// The error for a file of rules that is refused.
fn invalid(path: &Path, refused: &RefusedRules) -> Error {
    refused
        .0
        .iter()
        .fold(file_error(path), |error, refusal| {
            error.because(refusal.to_string())
        })
}

fn file_error(path: &Path) -> Error {
    let what = format!("the rules cannot be used: {}", display_path(path));
    Error::new(RunCode::RulesInvalid, what)
}
