//! Whether reports belong together, and which facts are true of all of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::record::{ProfileRecord, RunFacts};
use super::read::SourceReport;
use crate::event::Severity;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// What a report says about a fact; none where it says nothing.
type Stated = fn(&RunFacts) -> Option<String>;

/// Facts that must be the same in all reports that state them. That no profile governed is stated;
/// a site or a key may be unknown.
const COMMON: [(&str, Stated); 6] = [
    ("redaction", |facts| facts.redacted.map(|it| it.to_string())),
    ("project", |facts| facts.project.clone()),
    ("site", |facts| facts.site.clone().flatten()),
    ("mode", |facts| {
        let mode = serde_json::to_value(facts.mode?).ok()?;
        mode.as_str().map(str::to_owned)
    }),
    ("profile", |facts| {
        let profile = facts.profile.as_ref()?.as_ref();
        Some(
            profile
                .map_or("none", |profile| &profile.digest)
                .to_owned(),
        )
    }),
    ("pseudonym key", |facts| {
        pseudonym_key(facts.profile.as_ref()?.as_ref()?)
    }),
];

fn pseudonym_key(profile: &ProfileRecord) -> Option<String> {
    profile.pseudonym_key.clone().flatten()
}

/// The facts that are true of all. Errors: [`RunCode::ReportMismatch`], naming the first report that differs.
pub(super) fn common_facts(sources: &[SourceReport]) -> Result<RunFacts, Error> {
    for (name, stated) in COMMON {
        let mut stating = sources
            .iter()
            .filter_map(|source| Some((source, stated(&source.facts)?)));
        let Some(first) = stating.next() else {
            continue;
        };
        if let Some(other) = stating.find(|(_, fact)| *fact != first.1) {
            return Err(mismatch(name, [&first, &other]));
        }
    }
    let facts = || {
        sources
            .iter()
            .map(|source| &source.facts)
    };
    let versions = versions(sources);
    // The greatest says most. That the order of the reports decides nothing, they are compared whole.
    let profile = facts().filter_map(|facts| facts.profile.as_ref());
    let profile = profile.max_by_key(|profile| {
        (
            profile
                .as_ref()
                .map(|it| &it.pseudonym_key),
            *profile,
        )
    });
    Ok(RunFacts {
        version: (!versions.is_empty()).then_some(versions),
        mode: facts()
            .filter_map(|facts| facts.mode)
            .max(),
        project: facts()
            .filter_map(|facts| facts.project.clone())
            .max(),
        site: facts()
            .filter_map(|facts| facts.site.clone())
            .max(),
        profile: profile.cloned(),
        settings: Some(common_settings(sources)),
        redacted: facts()
            .filter_map(|facts| facts.redacted)
            .max(),
        merged: None,
    })
}

/// The remark about reports of several versions, which may be merged all the same.
pub(super) fn version_remark(sources: &[SourceReport]) -> Option<(Severity, String)> {
    let versions = versions(sources);
    let text = format!("the reports are of several versions of fwupload: {versions}");
    versions
        .contains(", ")
        .then_some((Severity::Notice, text))
}

fn mismatch(name: &str, stated: [&(&SourceReport, String); 2]) -> Error {
    let [first, other] = stated.map(|(source, _)| display_path(&source.path));
    let reasons = stated.map(|(source, fact)| {
        let file = display_path(&source.path);
        match (name, fact.as_str()) {
            ("redaction", "true") => format!("{file} was written with `--redact-paths`"),
            ("redaction", _) => format!("{file} names its paths"),
            _ => format!("{name} in {file}: {fact}"),
        }
    });
    let error = Error::new(
        RunCode::ReportMismatch,
        format!("{other} does not belong with {first}: another {name}"),
    );
    reasons
        .into_iter()
        .fold(error, Error::because)
}

/// The versions of the program, each once.
fn versions(sources: &[SourceReport]) -> String {
    let versions: BTreeSet<_> = sources
        .iter()
        .filter_map(|source| source.facts.version.as_deref())
        .flat_map(|versions| versions.split(", "))
        .filter(|version| !version.is_empty())
        .collect();
    versions
        .into_iter()
        .collect::<Vec<_>>()
        .join(", ")
}

/// The settings that are the same in all reports that have any. The shards are a fact of their own.
fn common_settings(sources: &[SourceReport]) -> Map<String, Value> {
    let mut all = sources
        .iter()
        .filter_map(|source| source.facts.settings.as_ref());
    let mut common = all.next().cloned().unwrap_or_default();
    for settings in all {
        common.retain(|name, value| settings.get(name) == Some(value));
    }
    common.shift_remove("shard");
    common
}
