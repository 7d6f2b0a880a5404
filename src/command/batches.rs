//! The files of commands that send nothing: all of them, in batches that fit into memory.

use std::ops::ControlFlow;

use crate::discover::{Discovery, Found};

/// Bytes of files that may be in memory at a time.
const BATCH: u64 = 64 << 20;
/// The least that a file counts for.
const LEAST: u64 = 64 << 10;

/// All files, before the first is worked on: an output folder among the inputs is not walked.
pub fn found(discovery: &Discovery) -> Vec<Found> {
    let mut all = Vec::new();
    let _ = discovery.run(&mut |found| {
        all.push(found);
        ControlFlow::Continue(())
    });
    all
}

/// Files in the order in which they were found, in batches that fit into memory.
pub fn batches(found: Vec<Found>) -> Vec<Vec<Found>> {
    let mut batches: Vec<Vec<Found>> = Vec::new();
    let mut room = 0;
    for file in found {
        let size = file.size().max(LEAST);
        match batches.last_mut() {
            Some(batch) if size <= room => batch.push(file),
            _ => {
                batches.push(vec![file]);
                room = BATCH;
            }
        }
        room = room.saturating_sub(size);
    }
    batches
}
