//! Prints the boxes of raw grey pictures of one size: `boxes WIDTH HEIGHT FILE...`.
//!
//! A line for each box: the file, the first column and row, those behind the last, and how likely
//! it is text.

use std::error::Error;

use text_detector::{Picture, find_text};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut side = || arguments.next()?.parse().ok();
    let (Some(width), Some(height)) = (side(), side()) else {
        return Err("usage: boxes WIDTH HEIGHT FILE...".into());
    };
    for file in arguments {
        let values = std::fs::read(&file)?;
        let picture = Picture::new(width, height, &values)
            .ok_or_else(|| format!("{file} does not hold {width} by {height} bytes"))?;
        for found in find_text(picture) {
            println!(
                "{file} {} {} {} {} {:.3}",
                found.left, found.top, found.right, found.bottom, found.peak
            );
        }
    }
    Ok(())
}
