//! Writes `examples/study/`: synthetic, no real person, the same bytes on every machine.
//!
//! `cargo run --example make_study` from the project's folder; a test compares the outcome with
//! what is committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;
use std::{fs, io};

#[path = "../tests/it/fixture.rs"]
mod fixture;
#[path = "../tests/it/study.rs"]
mod study;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study");
    for (name, bytes) in study::files() {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}
