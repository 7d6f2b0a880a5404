//! Tar archives (POSIX.1 ustar and pax, GNU, and the older form), read from front to back.
//!
//! Owns their blocks. What a reader could understand in two ways is refused.

use std::io::{self, BufRead, Read};

use super::super::archive::{TAR_BLOCK as BLOCK, is_tar_header};
use super::super::members::tar_size as size;
use super::{DAMAGED, Look, Refusal};

/// The most that the record of a long name may take, in bytes.
const MOST_RECORD: u64 = 1 << 20;

/// Looks into every member.
pub fn members(stream: &mut dyn BufRead, look: &Look, depth: usize) -> Result<(), Refusal> {
    while !stream.fill_buf()?.is_empty() {
        let mut block = [0; BLOCK];
        stream.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            return only_zeros(stream);
        }
        if !is_tar_header(&block) {
            return Err(DAMAGED);
        }
        look.member()?;
        let length = block
            .get(124..136)
            .and_then(size)
            .ok_or(DAMAGED)?;
        let mut member = (&mut *stream).take(length);
        match block.get(156) {
            Some(0 | b'0' | b'7') => drop(look.content(&mut member, depth)?),
            Some(b'L' | b'K' | b'x' | b'g') if length <= MOST_RECORD => record(&mut member)?,
            // Links, devices and folders hold nothing.
            Some(b'1'..=b'6') if length == 0 => {}
            _ => {
                return Err(Refusal::Closed(
                    "it has members of a kind that cannot be looked into",
                ));
            }
        }
        if member.limit() > 0 {
            return Err(DAMAGED);
        }
        let padding = length.next_multiple_of(BLOCK as u64) - length;
        if io::copy(&mut (&mut *stream).take(padding), &mut io::sink())? != padding {
            return Err(DAMAGED);
        }
    }
    Ok(())
}

/// Reads what says more about the next member: a name is of no interest, another length would be.
fn record(member: &mut dyn Read) -> Result<(), Refusal> {
    let mut bytes = Vec::new();
    member.read_to_end(&mut bytes)?;
    let says = |key: &[u8]| memchr::memmem::find(&bytes, key).is_some();
    if says(b" size=") || says(b"GNU.sparse") {
        return Err(Refusal::Closed(
            "it has members of a kind that cannot be looked into",
        ));
    }
    Ok(())
}

fn only_zeros(stream: &mut dyn BufRead) -> Result<(), Refusal> {
    loop {
        let piece = stream.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        if piece.iter().any(|byte| *byte != 0) {
            return Err(DAMAGED);
        }
        let length = piece.len();
        stream.consume(length);
    }
}
