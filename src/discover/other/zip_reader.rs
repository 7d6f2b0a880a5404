//! Zip archives (APPNOTE 6.3), read from front to back: every byte of one belongs to a member, to
//! the directory or to the end.
//!
//! Owns their records. Programs read zips by the members or by the directory: where the two differ,
//! the archive is refused.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;

use super::{DAMAGED, Look, Refusal};

const MEMBER: u32 = 0x0403_4B50;
const LISTED: u32 = 0x0201_4B50;
const LONG_END: u32 = 0x0606_4B50;
const LONG_PLACE: u32 = 0x0706_4B50;
const END: u32 = 0x0605_4B50;
const DESCRIPTOR: u32 = 0x0807_4B50;
/// Stands for a number that another record holds in 64 bits.
const ELSEWHERE: u32 = u32::MAX;
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const LENGTHS_FOLLOW: u16 = 1 << 3;
/// The most that the record at the end of a long zip takes, in bytes.
const MOST_END: u64 = 1 << 20;

/// What a member was, for comparison with the directory.
struct Member {
    name: Vec<u8>,
    method: u16,
    crc: u32,
    packed: u64,
    length: u64,
}

/// Looks into every member.
pub fn members(stream: &mut dyn BufRead, look: &Look, depth: usize) -> Result<(), Refusal> {
    let mut stream = Counted { stream, at: 0 };
    let mut seen = HashMap::new();
    loop {
        let at = stream.at;
        match number(&mut stream)? {
            MEMBER => {
                look.member()?;
                seen.insert(at, member(&mut stream, look, depth)?);
            }
            LISTED => {
                let (place, listed) = listed(&mut stream)?;
                // More of them than members are one that lies elsewhere, or twice the same.
                if !seen
                    .remove(&place)
                    .is_some_and(|member| member.is(&listed))
                {
                    return Err(DAMAGED);
                }
            }
            LONG_END => {
                let length = u64::from_le_bytes(bytes(&mut stream)?);
                if length > MOST_END {
                    return Err(DAMAGED);
                }
                skip(&mut stream, length)?;
            }
            LONG_PLACE => skip(&mut stream, 16)?,
            END => {
                let rest: [u8; 18] = bytes(&mut stream)?;
                skip(
                    &mut stream,
                    u64::from(u16::from_le_bytes([rest[16], rest[17]])),
                )?;
                let ends = stream.fill_buf()?.is_empty() && seen.is_empty();
                return if ends { Ok(()) } else { Err(DAMAGED) };
            }
            _ => return Err(DAMAGED),
        }
    }
}

impl Member {
    fn is(&self, listed: &Listed) -> bool {
        let same = |listed: u32, number: u64| listed == ELSEWHERE || u64::from(listed) == number;
        (&self.name, self.method, self.crc) == (&listed.name, listed.method, listed.crc)
            && same(listed.packed, self.packed)
            && same(listed.length, self.length)
    }
}

/// A member, from behind its signature to the end of what belongs to it.
fn member(stream: &mut Counted<'_>, look: &Look, depth: usize) -> Result<Member, Refusal> {
    let head: [u8; 26] = bytes(stream)?;
    let (two, four) = (|at| short(&head, at), |at| long(&head, at));
    let (flags, method) = (two(2), two(4));
    if flags & ENCRYPTED != 0 {
        return Err(Refusal::Closed("it is encrypted"));
    }
    let name = text(stream, two(22))?;
    let more = text(stream, two(24))?;
    let (mut packed, mut length) = (u64::from(four(14)), u64::from(four(18)));
    if four(14) == ELSEWHERE || four(18) == ELSEWHERE {
        (length, packed) = long_lengths(&more).ok_or(DAMAGED)?;
    }
    let open = flags & LENGTHS_FOLLOW != 0 && packed == 0;
    let begin = stream.at;
    let (crc, real) = match method {
        0 if open
            && !stream
                .fill_buf()?
                .starts_with(&DESCRIPTOR.to_le_bytes()) =>
        {
            return Err(Refusal::Closed(
                "it has members that do not say how long they are",
            ));
        }
        0 => look.content((&mut *stream).take(packed), depth)?,
        8 if open => look.content(DeflateDecoder::new(&mut *stream), depth)?,
        8 => {
            let mut content = (&mut *stream).take(packed);
            let sums = look.content(DeflateDecoder::new(&mut content), depth)?;
            if content.limit() > 0 {
                return Err(DAMAGED);
            }
            sums
        }
        _ => {
            return Err(Refusal::Closed(
                "it is compressed in a way that is not unpacked",
            ));
        }
    };
    let used = stream.at - begin;
    if flags & LENGTHS_FOLLOW == 0 && (crc, used, real) != (four(10), packed, length) {
        return Err(DAMAGED);
    }
    if flags & LENGTHS_FOLLOW != 0 {
        descriptor(stream, (crc, used, real))?;
    }
    Ok(Member {
        name,
        method,
        crc,
        packed: used,
        length: real,
    })
}

/// The lengths that follow a member: with or without a signature, in 32 or 64 bits.
fn descriptor(
    stream: &mut Counted<'_>,
    (crc, packed, length): (u32, u64, u64),
) -> Result<(), Refusal> {
    let mut first = number(stream)?;
    if first == DESCRIPTOR {
        first = number(stream)?;
    }
    let (one, other) = (u64::from(number(stream)?), u64::from(number(stream)?));
    let same = if (one, other) == (packed, length) {
        true
    } else {
        let third = u64::from_le_bytes(bytes(stream)?);
        (one | other << 32, third) == (packed, length)
    };
    if first == crc && same {
        Ok(())
    } else {
        Err(DAMAGED)
    }
}

/// What the directory says of a member; lengths as they stand there.
struct Listed {
    name: Vec<u8>,
    method: u16,
    crc: u32,
    packed: u32,
    length: u32,
}

/// An entry of the directory, from behind its signature, and where its member should begin.
fn listed(stream: &mut Counted<'_>) -> Result<(u64, Listed), Refusal> {
    let head: [u8; 42] = bytes(stream)?;
    let (two, four) = (|at| short(&head, at), |at| long(&head, at));
    if two(4) & ENCRYPTED != 0 {
        return Err(Refusal::Closed("it is encrypted"));
    }
    let name = text(stream, two(24))?;
    let more = text(stream, two(26))?;
    skip(stream, u64::from(two(28)))?;
    let (packed, length, place) = (four(16), four(20), four(38));
    let place = if place == ELSEWHERE {
        // Behind the lengths that stand there too.
        let before = 8 * (usize::from(length == ELSEWHERE) + usize::from(packed == ELSEWHERE));
        let numbers = extended(&more).ok_or(DAMAGED)?;
        u64::from_le_bytes(chunk(numbers, before).ok_or(DAMAGED)?)
    } else {
        u64::from(place)
    };
    Ok((
        place,
        Listed {
            name,
            method: two(6),
            crc: four(12),
            packed,
            length,
        },
    ))
}

/// The lengths in 64 bits that stand in a member's extra field: as it is, and packed.
fn long_lengths(more: &[u8]) -> Option<(u64, u64)> {
    let numbers = extended(more)?;
    let eight = |at| chunk(numbers, at).map(u64::from_le_bytes);
    Some((eight(0)?, eight(8)?))
}

/// The numbers in 64 bits of an extra field.
fn extended(mut more: &[u8]) -> Option<&[u8]> {
    loop {
        let [i0, i1, l0, l1, rest @ ..] = more else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*l0, *l1]));
        let (field, after) = rest.split_at_checked(length)?;
        if u16::from_le_bytes([*i0, *i1]) == 1 {
            return Some(field);
        }
        more = after;
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    chunk(bytes, at).map_or(0, u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u32 {
    chunk(bytes, at).map_or(0, u32::from_le_bytes)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
}

fn bytes<const N: usize>(stream: &mut Counted<'_>) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(stream: &mut Counted<'_>) -> Result<u32, Refusal> {
    bytes(stream).map(u32::from_le_bytes)
}

fn text(stream: &mut Counted<'_>, length: u16) -> Result<Vec<u8>, Refusal> {
    let mut text = vec![0; usize::from(length)];
    stream.read_exact(&mut text)?;
    Ok(text)
}

fn skip(stream: &mut Counted<'_>, length: u64) -> Result<(), Refusal> {
    let passed = io::copy(&mut stream.take(length), &mut io::sink())?;
    if passed == length {
        Ok(())
    } else {
        Err(DAMAGED)
    }
}

/// A stream that knows how many of its bytes were taken.
struct Counted<'a> {
    stream: &'a mut dyn BufRead,
    at: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stream.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
        self.stream.consume(amount);
    }
}
