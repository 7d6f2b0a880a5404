//! Which shards of a job the reports are of, and whether any is missing or counts twice.

use std::collections::{BTreeMap, BTreeSet};

use super::read::SourceReport;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// What the reports say about shards.
pub(super) struct Coverage {
    /// The shards that have a report, as `I/N`.
    pub(super) shards: Vec<String>,
    /// Why the reports do not make up one whole job.
    pub(super) gap: Option<String>,
}

/// A shard: `2/4` is the second of four.
type Shard = (u64, u64);

/// Checks the shards of all reports; a report that names none is of no shard. Errors:
/// [`RunCode::ReportMismatch`].
pub(super) fn coverage(sources: &[SourceReport]) -> Result<Coverage, Error> {
    let mut seen: BTreeMap<Shard, &SourceReport> = BTreeMap::new();
    let mut twice = None;
    for (source, shard) in sources.iter().flat_map(|source| {
        of(source)
            .into_iter()
            .map(move |shard| (source, shard))
    }) {
        if let Some((first, other)) = seen
            .iter()
            .next()
            .filter(|((_, of), _)| *of != shard.1)
        {
            return Err(mismatch((other, *first), (source, shard)));
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
        .all(|source| !of(source).is_empty());
    let gap = twice.or_else(|| missing(&seen.keys().copied().collect()).filter(|_| all_stated));
    Ok(Coverage {
        shards: seen.keys().copied().map(text).collect(),
        gap,
    })
}

/// The shards of a report: one, or those that were merged into it.
fn of(source: &SourceReport) -> Vec<Shard> {
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
        .collect()
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
fn missing(there: &BTreeSet<Shard>) -> Option<String> {
    const SHOWN: usize = 10;
    let of = there.first()?.1;
    let lacking = usize::try_from(of)
        .ok()?
        .checked_sub(there.len())
        .filter(|lacking| *lacking > 0)?;
    let gaps = (1..=of)
        .map(|number| (number, of))
        .filter(|shard| !there.contains(shard));
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

fn mismatch(first: (&SourceReport, Shard), other: (&SourceReport, Shard)) -> Error {
    let said = |(source, shard): (&SourceReport, Shard)| {
        format!("{} is of shard {}", display_path(&source.path), text(shard))
    };
    let [one, two] = [first, other].map(|(source, _)| display_path(&source.path));
    Error::new(
        RunCode::ReportMismatch,
        format!("{two} does not belong with {one}: another number of shards"),
    )
    .because(said(first))
    .because(said(other))
}
