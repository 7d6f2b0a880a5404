//! Which shards of a job the reports are of, and whether any is missing or counts twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::read::Part;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// What the reports say of shards.
pub(super) struct Coverage {
    /// Those that are there, as `I/N`.
    pub(super) shards: Vec<String>,
    /// Why the reports do not make up one whole job.
    pub(super) gap: Option<String>,
}

/// A shard: `2/4` is the second of four.
type Shard = (u64, u64);

/// Looks at the shards of all. Reports that name none may be of anything. Errors:
/// [`RunCode::ReportMismatch`].
pub(super) fn coverage(parts: &[Part]) -> Result<Coverage, Error> {
    let mut seen: BTreeMap<Shard, &Part> = BTreeMap::new();
    let mut twice = None;
    for (part, shard) in parts
        .iter()
        .flat_map(|part| of(part).into_iter().map(move |shard| (part, shard)))
    {
        if let Some((first, other)) = seen.iter().next().filter(|((_, of), _)| *of != shard.1) {
            return Err(mismatch((other, *first), (part, shard)));
        }
        if let Some(other) = seen.insert(shard, part) {
            let [one, two] = [other, part].map(|part| display_path(&part.path));
            twice = twice.or_else(|| {
                Some(format!(
                    "shard {} is in {one} and in {two}: its files would count twice",
                    text(shard)
                ))
            });
        }
    }
    let all_say = parts.iter().all(|part| !of(part).is_empty());
    let gap = twice.or_else(|| missing(&seen.keys().copied().collect()).filter(|_| all_say));
    Ok(Coverage {
        shards: seen.keys().copied().map(text).collect(),
        gap,
    })
}

/// The shards of a report: one, or those that were merged into it.
fn of(part: &Part) -> Vec<Shard> {
    let merged = part
        .facts
        .get("merged")
        .and_then(|merged| merged.get("shards")?.as_array());
    let own = part
        .facts
        .get("settings")
        .and_then(|settings| settings.get("shard"));
    let said = merged.into_iter().flatten().chain(own);
    said.filter_map(Value::as_str).filter_map(parsed).collect()
}

fn parsed(text: &str) -> Option<Shard> {
    let (number, of) = text.split_once('/')?;
    let shard = (number.parse().ok()?, of.parse().ok()?);
    (1 <= shard.0 && shard.0 <= shard.1).then_some(shard)
}

fn text((number, of): Shard) -> String {
    format!("{number}/{of}")
}

/// What is missing of the job, as text: the first few, for there may be thousands.
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
    let shown = gaps.take(SHOWN).map(text).collect::<Vec<_>>().join(", ");
    Some(match lacking {
        1 => format!("the report of shard {shown} is missing"),
        2..=SHOWN => format!("the reports of shards {shown} are missing"),
        _ => format!("the reports of {lacking} shards are missing, of {shown} and others"),
    })
}

fn mismatch(first: (&Part, Shard), other: (&Part, Shard)) -> Error {
    let said = |(part, shard): (&Part, Shard)| {
        format!("{} is of shard {}", display_path(&part.path), text(shard))
    };
    let [one, two] = [first, other].map(|(part, _)| display_path(&part.path));
    Error::new(
        RunCode::ReportMismatch,
        format!("{two} does not belong with {one}: another number of shards"),
    )
    .because(said(first))
    .because(said(other))
}
