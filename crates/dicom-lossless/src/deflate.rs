//! Deflated data sets (PS3.5 section A.5): inflated under a limit, deflated again on writing.
//!
//! Owns the stream around the data set, not what is in it.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, Decompress, FlushDecompress, Status, write::DeflateEncoder};

use super::Limits;
use crate::error::{FileError, FileErrorKind};

const STEP: usize = 64 << 10;

/// Inflates a raw deflate stream. It may be padded with zeros; any other byte after its end is
/// refused.
pub fn inflate(stream: &[u8], limits: &Limits) -> Result<Bytes, FileError> {
    let mut inflater = Decompress::new(false);
    let mut out = Vec::new();
    let most = usize::try_from(limits.header_bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(STEP);
    loop {
        let consumed = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let left = stream
            .get(consumed..)
            .unwrap_or_default();
        if out.capacity() - out.len() < STEP {
            // Twice as much each time, but no more than the limit takes.
            let left = most.saturating_sub(out.len());
            out.reserve_exact(out.len().min(left).max(STEP));
        }
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress_vec(left, &mut out, FlushDecompress::None)
            .map_err(|_| damaged("not a deflate stream"))?;
        if out.len() as u64 > limits.header_bytes {
            return Err(damaged("it grows beyond the limit"));
        }
        if status == Status::StreamEnd {
            break;
        }
        if before == (inflater.total_in(), inflater.total_out()) {
            return Err(damaged("the stream is cut off"));
        }
    }
    let end = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
    let rest = stream
        .get(end..)
        .unwrap_or_default();
    if rest.iter().all(|b| *b == 0) || is_checksum(rest, &out) {
        return Ok(Bytes::from(out));
    }
    Err(FileErrorKind::TrailingData.error("after the deflate stream"))
}

/// Whether what follows the stream is the trailer that gzip puts there: CRC-32 and length of what
/// was inflated. Some writers keep it. It says nothing that the data does not, and is dropped.
fn is_checksum(rest: &[u8], inflated: &[u8]) -> bool {
    let length = u32::try_from(inflated.len() & 0xFFFF_FFFF).unwrap_or_default();
    rest.strip_prefix(&crc32fast::hash(inflated).to_le_bytes())
        .is_some_and(|rest| rest == length.to_le_bytes())
}

/// Deflates a data set given in pieces; the same pieces give the same bytes. Padded to even length.
pub fn deflate<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Bytes, FileError> {
    let failed = |_| FileErrorKind::Verification.error("the data set cannot be deflated");
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    for piece in pieces {
        encoder
            .write_all(piece)
            .map_err(failed)?;
    }
    let mut stream = encoder.finish().map_err(failed)?;
    stream.resize(stream.len().next_multiple_of(2), 0);
    Ok(Bytes::from(stream))
}

fn damaged(what: &'static str) -> FileError {
    FileErrorKind::Deflate.error(what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn inflates_what_it_deflated_and_bounds_it() {
        let data = b"abcabcabcabc".repeat(20_000);
        let stream = deflate([data.get(..7).unwrap(), data.get(7..).unwrap()]).unwrap();
        assert!(stream.len() < data.len() / 50 && stream.len().is_multiple_of(2));
        assert_eq!(inflate(&stream, &Limits::default()).unwrap(), data);
        let small = Limits {
            header_bytes: 100_000,
            ..Limits::default()
        };
        assert_eq!(
            inflate(&stream, &small)
                .unwrap_err()
                .kind,
            FileErrorKind::Deflate
        );
    }

    #[test]
    fn accepts_the_trailer_of_gzip_if_it_is_right() {
        let data = b"a data set".as_slice();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        let stream = encoder.finish().unwrap();
        let trailer = |length: u32| {
            [
                &stream,
                crc32fast::hash(data)
                    .to_le_bytes()
                    .as_slice(),
                &length.to_le_bytes(),
            ]
            .concat()
        };
        assert_eq!(inflate(&trailer(10), &Limits::default()).unwrap(), data);
        assert_eq!(
            inflate(&trailer(11), &Limits::default())
                .unwrap_err()
                .kind,
            FileErrorKind::TrailingData
        );
    }

    #[test]
    fn refuses_cut_streams_junk_and_what_follows() {
        let stream = deflate([b"some bytes that are long enough".as_slice()]).unwrap();
        for end in 0..stream.len() - 2 {
            assert_eq!(
                inflate(stream.get(..end).unwrap(), &Limits::default())
                    .unwrap_err()
                    .kind,
                FileErrorKind::Deflate
            );
        }
        let padded = [&stream, b"\0\0\0".as_slice()].concat();
        assert!(inflate(&padded, &Limits::default()).is_ok());
        let followed = [&stream, b"\0Doe".as_slice()].concat();
        assert_eq!(
            inflate(&followed, &Limits::default())
                .unwrap_err()
                .kind,
            FileErrorKind::TrailingData
        );
    }
}
