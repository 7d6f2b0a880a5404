//! Counts of several runs added up.
//!
//! Owns what may be added: files, each once. Subjects, sessions and acquisitions may not, for two
//! runs may have sent into the same one; they are left out rather than counted twice.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::record::Record;
use crate::discover::SkipReason;
use crate::event::RunTotals;

/// What cannot be added.
const NOT_ADDED: [&str; 3] = ["subjects", "sessions", "acquisitions"];

/// A count; 0 where there is none.
pub(super) fn number(totals: &Record, name: &str) -> u64 {
    totals.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The counts of all runs, each file once: a path that failed in several of them is one file that
/// failed.
pub(super) fn together<'a>(ends: &[&Record], failures: impl Iterator<Item = &'a Record>) -> Record {
    let mut sum = Record::new();
    for end in ends {
        add(&mut sum, end);
    }
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for failed in failures {
        *by_code
            .entry(
                failed
                    .get("code")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            )
            .or_default() += 1;
    }
    let failed = by_code.values().sum();
    let elsewhere = take_elsewhere(&mut sum);
    let twice = number(&sum, "failed").saturating_sub(failed);
    lower(&mut sum, "skipped", elsewhere);
    lower(&mut sum, "found", elsewhere.saturating_add(twice));
    lower(&mut sum, "failed", twice);
    let by_code: Record = by_code
        .into_iter()
        .map(|(code, number)| (code.to_owned(), number.into()))
        .collect();
    sum.insert("failed_by".to_owned(), by_code.into());
    sum
}

/// The counts that an exit code depends on.
pub(super) fn counted(totals: &Record) -> RunTotals {
    let number = |name| number(totals, name);
    RunTotals {
        found: number("found"),
        uploaded: number("uploaded"),
        prepared: number("prepared"),
        already_there: number("already_there"),
        skipped: number("skipped"),
        failed: number("failed"),
        skipped_by: elsewhere(totals)
            .map(|number| (SkipReason::OtherShard, number))
            .into_iter()
            .collect(),
        ..RunTotals::default()
    }
}

/// The number of files that other shards deal with.
fn elsewhere(totals: &Record) -> Option<u64> {
    totals
        .get("skipped_by")?
        .get(SkipReason::OtherShard.as_str())?
        .as_u64()
}

/// Adds every number, also those by reason.
fn add(sum: &mut Record, counts: &Record) {
    for (name, value) in counts
        .iter()
        .filter(|(name, _)| !NOT_ADDED.contains(&name.as_str()))
    {
        if let Some(more) = value.as_u64() {
            sum.insert(name.clone(), number(sum, name).saturating_add(more).into());
        } else if let Some(more) = value.as_object() {
            let inner = sum
                .entry(name.clone())
                .or_insert_with(|| Record::new().into());
            if let Some(inner) = inner.as_object_mut() {
                add_numbers(inner, more);
            }
        }
    }
}

fn add_numbers(sum: &mut Record, counts: &Record) {
    for (name, more) in counts
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_u64()?)))
    {
        sum.insert(name.clone(), number(sum, name).saturating_add(more).into());
    }
    sum.sort_keys();
}

/// Takes out the skips of files that are another shard's, which is in the sum too, and says how
/// many there were.
fn take_elsewhere(sum: &mut Record) -> u64 {
    let number = elsewhere(sum).unwrap_or_default();
    if let Some(reasons) = sum.get_mut("skipped_by").and_then(Value::as_object_mut) {
        reasons.shift_remove(SkipReason::OtherShard.as_str());
    }
    number
}

fn lower(sum: &mut Record, name: &str, by: u64) {
    sum.insert(name.to_owned(), number(sum, name).saturating_sub(by).into());
}
