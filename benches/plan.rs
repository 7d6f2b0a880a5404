//! What a plan of shards costs beyond walking and reading: noting and dividing N files that need
//! not be there, and reading one list of 100.
//!
//! `cargo bench --bench plan -- 10000000` for ten million.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on may end"
)]

use std::path::Path;
use std::time::{Instant, SystemTime};

use fwupload::shard_plan::{ExpectedFile, NewPlan, PlanSettings, PlannedFile, PlannedList};

/// Instances of a study.
const PER_STUDY: u64 = 500;
/// Bytes of an instance.
const SIZE: u64 = 530_000;
const SHARDS: u64 = 100;

fn main() {
    let files = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next_back()
        .unwrap_or(100_000);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("plan");
    let begin = Instant::now();
    let mut plan = NewPlan::begin(&folder).unwrap();
    let expected = ExpectedFile::new(SIZE, Some(SystemTime::now()));
    let root = Path::new("/data/archive");
    for number in 0..files {
        let study = number / PER_STUDY;
        let uid = format!("1.2.826.0.1.3680043.10.543.{study}");
        let path = root.join(format!(
            "site{:02}/patient{:06}/study{study:08}/IM{number:08}.dcm",
            study % 40,
            study / 3
        ));
        let file = PlannedFile {
            path: &path,
            root,
            named: false,
        };
        plan.file(&file, expected, Some(&uid))
            .unwrap();
    }
    let noted = begin.elapsed();
    let settings = PlanSettings {
        filters: Vec::new(),
        follow: false,
        archives: "read".to_owned(),
        choices: String::new(),
        made: String::new(),
    };
    let index = plan
        .finish(SHARDS, settings)
        .unwrap();
    let divided = begin
        .elapsed()
        .saturating_sub(noted);
    let begin = Instant::now();
    let list = PlannedList::open(&folder, (1, SHARDS)).unwrap();
    let read = list
        .entries()
        .unwrap()
        .map(Result::unwrap)
        .count();
    println!(
        "{files} files of {} studies: noted in {noted:.1?}, divided in {divided:.1?}; a list of {read} \
            checked and read in {:.1?}; peak {}",
        index.studies,
        begin.elapsed(),
        peak().unwrap_or_else(|| "not known".to_owned())
    );
}

/// The most memory that the process had, where the system tells.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().to_owned())
}
