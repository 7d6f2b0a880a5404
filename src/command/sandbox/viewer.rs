//! What the sandbox's page shows of a file: header lines and pictures, by the program's own
//! decoders.
//!
//! Owns how much of a header is shown. Files in a sandbox were cleaned, or sent as they were by
//! consent; who has the sandbox's key may see them.

use std::sync::Arc;

use dicom_lossless::{Instance, Limits, Source, SourceFile, read};
use dicom_pictures::{ShownImage, header_lines};
use flywheel_sandbox::{Content, Header, HeaderLine, Viewer};

/// The longest value that is shown, in characters.
const LONGEST: usize = 1000;
/// The most elements that are shown.
const MOST: usize = 5000;

/// The functions that the page calls.
pub const VIEWER: Viewer = Viewer { header, picture };

fn header(content: &Content) -> Result<Header, String> {
    let instance = instance(content)?;
    let lines = header_lines(&instance, LONGEST, MOST)
        .into_iter()
        .map(|line| HeaderLine {
            depth: line.depth,
            // What says how many more there are has none.
            tag: if line.tag.group() == 0xFFFF {
                String::new()
            } else {
                line.tag.to_string()
            },
            keyword: line.keyword,
            vr: line.vr,
            value: line.value,
        });
    let lines = lines.collect();
    let (frames, no_picture) = match ShownImage::of(instance) {
        Ok(None) => (0, None),
        Ok(Some(image)) => (image.frames(), None),
        Err(error) => (0, Some(error.to_string())),
    };
    Ok(Header {
        lines,
        frames,
        no_picture,
    })
}

fn picture(content: &Content, frame: u32, side: Option<usize>) -> Result<Vec<u8>, String> {
    let image = ShownImage::of(instance(content)?).map_err(|error| error.to_string())?;
    let mut image = image.ok_or("there is no image in it")?;
    let shown = image
        .frame(frame)
        .map_err(|error| error.to_string())?;
    let shown = match side {
        Some(side) => shown.thumbnail(side),
        None => shown,
    };
    shown
        .to_png()
        .map_err(|error| error.to_string())
}

fn instance(content: &Content) -> Result<Instance, String> {
    let source = match content {
        Content::File(path) => Source::open(path),
        Content::Member(bytes) => Ok(Source::Memory {
            file: Arc::new(SourceFile::as_it_was("", bytes.len() as u64, None)),
            bytes: bytes.clone(),
        }),
    };
    source
        .and_then(|source| read(source, &Limits::default()))
        .map_err(|error| error.to_string())
}
