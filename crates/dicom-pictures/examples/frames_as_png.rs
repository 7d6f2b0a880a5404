//! Writes the frames of DICOM files as PNG, for a comparison with other programs:
//! `frames_as_png FOLDER FILE...` writes FOLDER/INDEX-FRAME.png, and prints why a file has none.

use std::path::Path;

use dicom_lossless::{Limits, Source, read};
use dicom_pictures::ShownImage;

/// Frames of a file that are written.
const FRAMES: u32 = 3;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_default();
    for (index, file) in arguments.enumerate() {
        if let Err(error) = write_frames(Path::new(&folder), index, &file) {
            println!("{index}\t{error}");
        }
    }
}

fn write_frames(folder: &Path, index: usize, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let instance = read(Source::open(file)?, &Limits::default())?;
    let mut image = ShownImage::of(instance)?.ok_or("there is no image")?;
    for number in 0..image.frames().min(FRAMES) {
        let png = image.frame(number)?.to_png()?;
        std::fs::write(folder.join(format!("{index}-{number}.png")), png)?;
    }
    Ok(())
}
