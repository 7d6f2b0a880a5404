//! How the page learns what is in a file: by functions that the sandbox is given.
//!
//! The sandbox knows no DICOM, so that it can be wrong in no way in which a client is. Must never
//! hold more than one member of an archive.

use std::path::PathBuf;

use bytes::Bytes;
use serde::Serialize;

/// The bytes of a file to look into.
#[derive(Debug, Clone)]
pub enum Content {
    /// A file on disk.
    File(PathBuf),
    /// A member of an archive.
    Member(Bytes),
}

/// What a person can be shown of a file.
#[derive(Debug, Clone, Serialize)]
pub struct Header {
    /// Its elements.
    pub lines: Vec<HeaderLine>,
    /// How many pictures there are of it.
    pub frames: u32,
    /// Why there is none, where it has an image.
    pub no_picture: Option<String>,
}

/// An element of a file as text.
#[derive(Debug, Clone, Serialize)]
pub struct HeaderLine {
    /// How deep it is nested.
    pub depth: usize,
    /// Its number.
    pub tag: String,
    /// Its name, where it is known.
    pub keyword: Option<&'static str>,
    /// The type of its value.
    pub vr: &'static str,
    /// Its value.
    pub value: String,
}

/// Gives the header of a file.
pub type ShowHeader = fn(&Content) -> Result<Header, String>;
/// Gives a frame of a file, from 0, as PNG, with at most a number of pixels in both directions.
pub type ShowPicture = fn(&Content, u32, Option<usize>) -> Result<Vec<u8>, String>;

/// Shows what is in a file. An error says why not in plain words.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// The header, and whether there are pictures.
    pub header: ShowHeader,
    /// A frame of it.
    pub picture: ShowPicture,
}

/// A member of an archive in memory.
#[derive(Debug)]
pub struct Inflated {
    /// The version of the file that it is a member of.
    pub version: String,
    /// Its number in the archive's directory.
    pub number: u64,
    /// Its bytes.
    pub bytes: Bytes,
}
