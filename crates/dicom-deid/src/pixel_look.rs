//! What was seen in images, and what was done about it, for reports and for a person who looks.
//!
//! Owns verdicts, places and counts, and never what a text says: that is in the frames alone, which
//! go to a person who asks for pictures.

use serde::Serialize;

/// What was seen in the image of an instance, and what was done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PixelLook {
    /// What it came to.
    pub verdict: LookVerdict,
    /// Frames that the image has.
    pub frames: u32,
    /// Those that were looked at, as they are stored.
    pub frames_looked_at: u32,
    /// What is likely text, by frame and place.
    pub finds: Vec<TextFind>,
    /// What was blanked of the frame that lost most, in thousandths of its pixels, rounded up. Of a
    /// file that is refused, what would have been.
    pub blanked: u16,
    /// A face can be made of the series.
    pub face: bool,
}

/// What a look at an image came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookVerdict {
    /// It was not looked at: the profile does not ask for it, there is no image, or other slices of
    /// its series were looked at in its place.
    #[default]
    NotLookedAt,
    /// The program cannot decode it, so it was not looked at.
    NotDecoded,
    /// Nothing was found, which is no proof.
    NothingFound,
    /// Nothing was found in an image of a kind that often shows text.
    NothingFoundInRiskyImage,
    /// What was found was blanked, and a second look found nothing.
    Blanked,
    /// Something that may be text stays.
    Uncertain,
    /// The file is refused: for what was found, because nothing was, or for a face.
    Refused,
}

/// A place in an image that is likely text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TextFind {
    /// The first and the last frame in which it stands, from 1.
    pub frames: [u32; 2],
    /// First column, first row, columns and rows.
    pub area: [u16; 4],
    /// How likely it is text, in percent.
    pub likelihood: u8,
}

/// Takes frames as they are looked at, for a person to see: those in which something was blanked or
/// may be text, and those for which a file is refused.
pub trait FrameSink: Send + Sync {
    /// Takes a frame. `path` is where the file lies below the folder that was named.
    fn take(&self, path: &str, frame: &ShownFrame<'_>);
}

/// A frame before and after.
#[derive(Debug, Clone, Copy)]
pub struct ShownFrame<'a> {
    /// Its number, from 1; none for what several frames have in common.
    pub number: Option<u32>,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 for grey, 3 for red, green and blue; 8 bits each, side by side.
    pub samples: usize,
    /// As it came.
    pub before: &'a [u8],
    /// As it goes; none where nothing in it is changed.
    pub after: Option<&'a [u8]>,
    /// What is likely text.
    pub finds: &'a [TextFind],
}
