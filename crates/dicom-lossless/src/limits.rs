//! How much of a file may be held in memory, and how deep it may be nested.
//!
//! Owns the numbers; the walker and the reader enforce them. A limit is never taken from what a
//! file claims.

/// Bounds on one file. The default suits every file that a scanner writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of data elements around the pixel data, and of a deflated data set when inflated.
    pub header_bytes: u64,
    /// Levels of nested sequences.
    pub depth: usize,
}

impl Limits {
    /// Data elements and items together in one file, so that a header of empty elements cannot grow
    /// tenfold in memory.
    pub(crate) const NODES: usize = 4 << 20;
    /// A text of more bytes is a long one. What is decoded, compared and searched for takes many
    /// times its length.
    pub(crate) const LONG_TEXT: usize = 64 << 10;
    /// All long texts together may take this part of `header_bytes`: 8 MiB by default.
    pub(crate) const TEXT_SHARE: usize = 8;
    /// The first read of a file in bytes: longer than nearly every header.
    pub(crate) const WINDOW: usize = 64 << 10;
    /// The same for the index, which wants four UIDs near the beginning and no more. Smaller files
    /// are read whole.
    pub(crate) const INDEX_WINDOW: usize = 32 << 10;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 20,
            depth: 64,
        }
    }
}
