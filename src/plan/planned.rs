//! Runs that are parts of a plan of shards: they need the choices that the plan was made with.

use std::fs;

use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::discover::invalid_plan;
use crate::failure::{Error, RunCode};
use crate::rules::Rules;
use crate::shard_plan::PlannedList;
use dicom_lossless::display_path;

/// The digest of everything that decides which files are taken and which subject they get. Whether
/// one subject would be made of several patients shows only where all files are seen.
///
/// # Errors
/// The table of subjects cannot be read.
pub fn choices(config: &Config, rules: &Rules) -> Result<String, Error> {
    let packaging = &config.packaging;
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    add(rules.identity.as_bytes());
    add(config
        .input
        .filters
        .identity()
        .as_bytes());
    add(&config
        .input
        .max_header
        .to_le_bytes());
    add(packaging
        .subject
        .as_deref()
        .unwrap_or_default()
        .as_bytes());
    if let Some(path) = &packaging.table.subjects {
        let table = fs::read(path).map_err(|error| {
            let what = format!("the table cannot be read: {}", display_path(path));
            Error::new(RunCode::SubjectsInvalid, what).because(error.to_string())
        })?;
        add(&table);
    }
    add(&[u8::from(packaging.merge_patients)]);
    Ok(format!("sha256:{}", hex::encode(digest.finalize())))
}

/// Refuses a run with other choices than the plan that it is a part of.
///
/// # Errors
/// `plan.invalid`.
pub fn refuse_other_choices(list: &PlannedList, choices: &str) -> Result<(), Error> {
    if list.plan.choices == choices {
        return Ok(());
    }
    let error = invalid_plan(
        list.path(),
        "it was made with other flags, or another table or rules, than this run has",
    );
    Err(error.with_hint(
        "give `fwupload plan` and each shard the same `--filter`, `--modality`, `--skip-...`, \
            `--subject`, `--subjects`, `--rules`, `--map`, `--folder-labels`, `--merge-patients` and \
            `--max-header`",
    ))
}
