//! `fwupload rules convert`: the rules that a template of `fw ingest template` stands for, read back
//! before they are printed.

use std::path::Path;

use crate::cli::RulesConvertArgs;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;
use import_rules::{RefusedRules, RuleSet, WalkFilters, rules_of_template, rules_of_template_file};

use super::super::say;

/// The most that a file with a template may have, in bytes: larger ones are something else.
const MOST: u64 = 1 << 20;

/// Prints the rules of a template.
pub fn run(args: &RulesConvertArgs) -> Result<(), Error> {
    let filters = WalkFilters {
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        include_dirs: args.include_dirs.clone(),
        exclude_dirs: args.exclude_dirs.clone(),
    };
    let path = Path::new(&args.template);
    let converted = if is_file(path) {
        rules_of_template_file(&read(path)?, &filters).map_err(|refused| {
            let what = format!("the template cannot be used: {}", display_path(path));
            invalid(what, &refused)
        })?
    } else {
        rules_of_template(&args.template, &filters).map_err(|refusal| {
            invalid(
                "the template cannot be used".to_owned(),
                &RefusedRules(vec![refusal]),
            )
        })?
    };
    RuleSet::from_yaml(&converted).map_err(|refused| {
        let what = "the template says what rules cannot say".to_owned();
        invalid(what, &refused)
    })?;
    say(converted.trim_end())
}

/// Whether a file is meant rather than a template: sections have no such endings.
fn is_file(path: &Path) -> bool {
    let named_so = ["yaml", "yml"]
        .iter()
        .any(|ending| {
            path.extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
        });
    named_so || path.is_file()
}

fn read(path: &Path) -> Result<String, Error> {
    let unreadable = |why: String| {
        let what = format!("the template cannot be used: {}", display_path(path));
        Error::new(RunCode::RulesInvalid, what)
            .because(why)
            .with_hint("name a template in YAML, or write one as a string")
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?;
    if metadata.len() > MOST {
        return Err(unreadable(
            "it is larger than any file with a template".to_owned(),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.kind().to_string()))?;
    String::from_utf8(bytes).map_err(|_| unreadable("it is not text in UTF-8".to_owned()))
}

fn invalid(what: String, refused: &RefusedRules) -> Error {
    refused
        .0
        .iter()
        .fold(Error::new(RunCode::RulesInvalid, what), |error, refusal| {
            error.because(refusal.to_string())
        })
        .with_hint("correct what is named; docs/rules.md says what templates may hold")
}
