//! The bytes of all fragments as one stream, of which some are marked to be emptied.
//!
//! Owns the way from a place in the stream to places in the value field. It holds one small piece
//! at a time, whatever the length of the frames.

use std::ops::Range;

use bytes::Bytes;

use super::cannot;
use crate::error::DeidError;
use dicom_lossless::Fragments;

/// Bytes read at a time.
const PIECE: u64 = 32 << 10;
/// Ranges that may be marked, so that a stream of nothing but comments cannot grow in memory.
const RANGES: usize = 1 << 20;

/// Reads fragments from start to end.
pub(super) struct Stream {
    fragments: Fragments,
    /// The fragment that is read, and what is left of it in the source.
    number: usize,
    left: Range<u64>,
    /// Bytes at hand: the first ones of what is left.
    piece: Bytes,
    marked: Vec<Range<u64>>,
}

impl Stream {
    pub(super) fn of(fragments: Fragments) -> Self {
        let left = fragments.place(0).unwrap_or_default();
        Self {
            fragments,
            number: 0,
            left,
            piece: Bytes::new(),
            marked: Vec::new(),
        }
    }

    /// What was marked, by its place in the source, ascending and apart.
    pub(super) fn into_marked(self) -> Vec<Range<u64>> {
        self.marked
    }

    /// The fragment that the next byte lies in.
    pub(super) fn fragment(&mut self) -> Result<usize, DeidError> {
        self.fill()?;
        Ok(self.number)
    }

    /// Whether the next byte is the first of its fragment.
    pub(super) fn at_start(&mut self) -> Result<bool, DeidError> {
        self.fill()?;
        Ok(self
            .fragments
            .place(self.number)
            .is_some_and(|place| place.start == self.left.start))
    }

    /// Sees to it that bytes are at hand; false at the end.
    fn fill(&mut self) -> Result<bool, DeidError> {
        while self.piece.is_empty() {
            if self.left.is_empty() {
                let Some(next) = self.fragments.place(self.number + 1) else {
                    return Ok(false);
                };
                (self.number, self.left) = (self.number + 1, next);
            } else {
                let end = self.left.end.min(self.left.start.saturating_add(PIECE));
                self.piece = self.fragments.piece(self.left.start..end)?;
            }
        }
        Ok(true)
    }

    /// Goes on by bytes that are at hand.
    fn advance(&mut self, count: usize) -> Range<u64> {
        let gone = self.piece.split_to(count.min(self.piece.len()));
        let from = self.left.start;
        self.left.start += gone.len() as u64;
        from..self.left.start
    }

    /// The next byte; none at the end.
    pub(super) fn byte(&mut self) -> Result<Option<u8>, DeidError> {
        self.fill()?;
        let byte = self.piece.first().copied();
        self.advance(1);
        Ok(byte)
    }

    /// Two bytes as a number, the higher one first.
    pub(super) fn word(&mut self) -> Result<Option<u16>, DeidError> {
        let (high, low) = (self.byte()?, self.byte()?);
        Ok(high
            .zip(low)
            .map(|(high, low)| u16::from_be_bytes([high, low])))
    }

    /// Four bytes, likewise.
    pub(super) fn long(&mut self) -> Result<Option<u32>, DeidError> {
        let (high, low) = (self.word()?, self.word()?);
        Ok(high
            .zip(low)
            .map(|(high, low)| u32::from(high) << 16 | u32::from(low)))
    }

    /// The next bytes, as far as they lie in this fragment and at hand, without going on.
    pub(super) fn ahead(&mut self, count: usize) -> Result<Bytes, DeidError> {
        self.fill()?;
        if self.piece.len() < count && (self.piece.len() as u64) < self.left.end - self.left.start {
            let end = self.left.end.min(self.left.start.saturating_add(PIECE));
            self.piece = self.fragments.piece(self.left.start..end)?;
        }
        Ok(self.piece.slice(..count.min(self.piece.len())))
    }

    /// Goes on by so many bytes; false where there are fewer.
    pub(super) fn skip(&mut self, count: u64) -> Result<bool, DeidError> {
        self.pass(count, false)
    }

    /// Marks so many bytes; false where there are fewer.
    pub(super) fn mark(&mut self, count: u64) -> Result<bool, DeidError> {
        self.pass(count, true)
    }

    fn pass(&mut self, mut count: u64, marked: bool) -> Result<bool, DeidError> {
        while count > 0 {
            if self.piece.is_empty() && !self.left.is_empty() {
                // What is skipped need not be read.
                let step = count.min(self.left.end - self.left.start);
                let from = self.left.start;
                self.left.start += step;
                count -= step;
                self.note(from..self.left.start, marked)?;
            } else if !self.piece.is_empty() {
                let step = usize::try_from(count)
                    .unwrap_or(usize::MAX)
                    .min(self.piece.len());
                let gone = self.advance(step);
                count -= step as u64;
                self.note(gone, marked)?;
            } else if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note(&mut self, range: Range<u64>, marked: bool) -> Result<(), DeidError> {
        let full = self.marked.len() >= RANGES;
        match self.marked.last_mut() {
            _ if !marked || range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ if full => {
                return Err(cannot(
                    "there are millions of comments in the compressed frames",
                ));
            }
            _ => self.marked.push(range),
        }
        Ok(())
    }

    /// Goes on to behind the next byte of this value; false where there is none.
    pub(super) fn find(&mut self, wanted: u8) -> Result<bool, DeidError> {
        while self.fill()? {
            match memchr::memchr(wanted, &self.piece) {
                Some(at) => {
                    self.advance(at + 1);
                    return Ok(true);
                }
                None => {
                    self.advance(self.piece.len());
                }
            }
        }
        Ok(false)
    }
}
