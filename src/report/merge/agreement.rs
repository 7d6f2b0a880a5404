//! Whether reports belong together, which facts are true of all of them, and which shards of a job
//! they are of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::record::RunFacts;
use super::read::SourceReport;
use crate::event::Severity;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// What a report says about a fact; none where it says nothing.
type Stated = fn(&RunFacts) -> Option<String>;

/// Facts that must be the same in all reports that state them. That no profile governed is stated;
/// a site or a key may be unknown.
const COMMON: [(&str, Stated); 7] = [
    ("plan of shards", |facts| {
        let settings = facts.settings.as_ref()?;
        let is_of_shard = settings
            .get("shard")
            .is_some_and(|shard| shard != "none");
        let plan = settings
            .get("plan")
            .and_then(Value::as_str);
        is_of_shard.then(|| plan.unwrap_or("none").to_owned())
    }),
    ("redaction", |facts| {
        facts
            .redacted
            .map(|it| it.to_string())
    }),
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
        let profile = facts.profile.as_ref()?.as_ref()?;
        profile
            .pseudonym_key
            .clone()
            .flatten()
    }),
];

/// The facts that are true of all. Errors: [`RunCode::ReportMismatch`], naming the first report that differs.
pub fn common_facts(sources: &[SourceReport]) -> Result<RunFacts, Error> {
    for (name, stated) in COMMON {
        let mut stating = sources
            .iter()
            .filter_map(|source| Some((source, stated(&source.facts)?)));
        let Some(first) = stating.next() else {
            continue;
        };
        if let Some(other) = stating.find(|(_, fact)| *fact != first.1) {
            let reasons = [&first, &other].map(|(source, fact)| {
                let file = display_path(&source.path);
                match (name, fact.as_str()) {
                    ("redaction", "true") => format!("{file} was written with `--redact-paths`"),
                    ("redaction", _) => format!("{file} names its paths"),
                    _ => format!("{name} in {file}: {fact}"),
                }
            });
            return Err(mismatch(
                &format!("another {name}"),
                [first.0, other.0],
                reasons,
            ));
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
        project_url: facts()
            .filter_map(|facts| facts.project_url.clone())
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
pub fn version_remark(sources: &[SourceReport]) -> Option<(Severity, String)> {
    let versions = versions(sources);
    let text = format!("the reports are of several versions of fwupload: {versions}");
    versions
        .contains(", ")
        .then_some((Severity::Notice, text))
}

fn mismatch(what: &str, sources: [&SourceReport; 2], reasons: [String; 2]) -> Error {
    let [first, other] = sources.map(|source| display_path(&source.path));
    let error = Error::new(
        RunCode::ReportMismatch,
        format!("{other} does not belong with {first}: {what}"),
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
    let mut common = all
        .next()
        .cloned()
        .unwrap_or_default();
    for settings in all {
        common.retain(|name, value| settings.get(name) == Some(value));
    }
    common.shift_remove("shard");
    common
}

/// A shard: `2/4` is the second of four.
type Shard = (u64, u64);

/// The shards that have a report, as `I/N`, and why the reports do not make up one whole job. A
/// report that names none is of no shard. Errors: [`RunCode::ReportMismatch`].
pub fn shards(sources: &[SourceReport]) -> Result<(Vec<String>, Option<String>), Error> {
    let mut seen: BTreeMap<Shard, &SourceReport> = BTreeMap::new();
    let mut twice = None;
    let all = sources
        .iter()
        .flat_map(|source| shards_of(source).map(move |shard| (source, shard)));
    for (source, shard) in all {
        if let Some((first, other)) = seen
            .first_key_value()
            .filter(|((_, of), _)| *of != shard.1)
        {
            let reasons = [(*other, *first), (source, shard)].map(|(source, shard)| {
                format!("{} is of shard {}", display_path(&source.path), text(shard))
            });
            return Err(mismatch(
                "another number of shards",
                [other, source],
                reasons,
            ));
        }
        if let Some(other) = seen.insert(shard, source) {
            let [one, two] = [other, source].map(|source| display_path(&source.path));
            twice = twice.or_else(|| {
                Some(format!(
                    "shard {} is in {one} and in {two}: its files would count twice",
                    text(shard)
                ))
            });
        }
    }
    let all_stated = sources
        .iter()
        .all(|source| shards_of(source).next().is_some());
    let gap = twice.or_else(|| missing(&seen).filter(|_| all_stated));
    Ok((
        seen.keys()
            .copied()
            .map(text)
            .collect(),
        gap,
    ))
}

/// The shards of a report: one, or those that were merged into it.
fn shards_of(source: &SourceReport) -> impl Iterator<Item = Shard> {
    let merged = source
        .facts
        .merged
        .iter()
        .flat_map(|it| &it.shards);
    let own = source.facts.settings.as_ref();
    let own = own.and_then(|settings| settings.get("shard")?.as_str());
    merged
        .map(String::as_str)
        .chain(own)
        .filter_map(parsed)
}

fn parsed(text: &str) -> Option<Shard> {
    let (number, of) = text.split_once('/')?;
    let shard = (number.parse().ok()?, of.parse().ok()?);
    (1 <= shard.0 && shard.0 <= shard.1).then_some(shard)
}

fn text((number, of): Shard) -> String {
    format!("{number}/{of}")
}

/// Names the first missing shards of a job, of which thousands may be missing.
fn missing(there: &BTreeMap<Shard, &SourceReport>) -> Option<String> {
    const SHOWN: usize = 10;
    let of = there.first_key_value()?.0.1;
    let lacking = usize::try_from(of)
        .ok()?
        .checked_sub(there.len())
        .filter(|lacking| *lacking > 0)?;
    let gaps = (1..=of)
        .map(|number| (number, of))
        .filter(|shard| !there.contains_key(shard));
    let shown = gaps
        .take(SHOWN)
        .map(text)
        .collect::<Vec<_>>()
        .join(", ");
    Some(match lacking {
        1 => format!("the report of shard {shown} is missing"),
        2..=SHOWN => format!("the reports of shards {shown} are missing"),
        _ => format!("the reports of {lacking} shards are missing, of {shown} and others"),
    })
}
