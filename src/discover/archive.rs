//! Archives and compressed files, told by their first bytes.
//!
//! Owns the list of formats. It looks at bytes that its callers have read, but for one short look
//! into a compressed file.

use std::io::Read;
use std::path::Path;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::{Decompress, FlushDecompress, Status};

use super::DiscoveredFile;
use dicom_lossless as dicom;

/// Bytes from the beginning of a file that tell every format: an image of a disc has its mark
/// behind 32 KiB.
pub const HEAD: usize = 33 << 10;
/// Bytes of what a compressed file holds that tell whether that is one file or several.
const INSIDE: u64 = 64 << 10;
/// What inflates for this many bytes is no accident.
const NO_ACCIDENT: usize = 64;

/// Bytes of a block of a tar archive.
pub const TAR_BLOCK: usize = 512;

/// A format that holds other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    Zip,
    Gzip,
    Zlib,
    Tar,
    /// One that is not read, with its name.
    Closed(&'static str),
}

/// Formats that are not read: where their mark stands, the mark, the name.
const CLOSED: [(usize, &[u8], &str); 41] = [
    (0, b"PK\x07\x08", "zip in several parts"),
    (0, b"PK00PK", "zip in several parts"),
    (0, b"7z\xBC\xAF\x27\x1C", "7z"),
    (0, b"Rar!\x1A\x07", "rar"),
    (0, b"RE~^", "rar"),
    (0, b"BZh", "bzip2"),
    (0, b"\xFD7zXZ\0", "xz"),
    (0, b"\x5D\x00\x00\x00\x04\xFF\xFF\xFF\xFF", "lzma"),
    (0, b"\x5D\x00\x00\x80\x00\xFF\xFF\xFF\xFF", "lzma"),
    (0, b"LZIP", "lzip"),
    (0, b"\x89LZO", "lzop"),
    (0, b"LRZI", "lrzip"),
    (0, b"\x28\xB5\x2F\xFD", "zstd"),
    (0, b"\x04\x22\x4D\x18", "lz4"),
    (0, b"\x02\x21\x4C\x18", "lz4"),
    (1, b"\x2A\x4D\x18", "zstd or lz4"),
    (0, b"\xFF\x06\x00\x00sNaPpY", "snappy"),
    (0, b"\x1F\x9D", "compress"),
    (0, b"\x1F\xA0", "compress"),
    (0, b"\x1F\x1E", "pack"),
    (0, b"MSCF", "cab"),
    (0, b"MSWIM\0\0\0", "wim"),
    (0, b"!<arch>\n", "ar"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"\xC7\x71", "cpio"),
    (0, b"\x71\xC7", "cpio"),
    (0, b"xar!", "xar"),
    (0, b"hsqs", "squashfs"),
    (0, b"\xED\xAB\xEE\xDB", "rpm"),
    (0, b"\x60\xEA", "arj"),
    (2, b"-lh0-", "lha"),
    (2, b"-lh5-", "lha"),
    (2, b"-lh6-", "lha"),
    (2, b"-lh7-", "lha"),
    (2, b"-lzs-", "lha"),
    (7, b"**ACE**", "ace"),
    (0, b"StuffIt", "StuffIt"),
    (0, b"SIT!", "StuffIt"),
    (32769, b"CD001", "ISO 9660"),
];

/// Marks that are long enough to tell an archive behind something else, as in one that unpacks
/// itself.
const ANYWHERE: [(&[u8], &str); 3] = [
    (b"7z\xBC\xAF\x27\x1C", "7z"),
    (b"Rar!\x1A\x07", "rar"),
    (b"\xFD7zXZ\0", "xz"),
];

/// First members of zips that are one document in several parts, not files that were put together.
const DOCUMENTS: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/", b"mimetype", b"docProps/"];

impl Archive {
    /// The format of bytes that begin a file.
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if head.starts_with(b"\x1F\x8B") {
            return Some(if head.get(2) == Some(&8) {
                Self::Gzip
            } else {
                Self::Closed("gzip of an unknown method")
            });
        }
        let mark = |(at, mark, _): &&(usize, &[u8], _)| {
            head.get(*at..)
                .is_some_and(|rest| rest.starts_with(mark))
        };
        if let Some((_, _, name)) = CLOSED.iter().find(mark) {
            return Some(Self::Closed(name));
        }
        if is_tar_header(head) {
            return Some(Self::Tar);
        }
        is_zlib(head).then_some(Self::Zlib)
    }

    /// An archive that stands behind something else in these bytes.
    pub fn behind(head: &[u8]) -> Option<&'static str> {
        let zip = memchr::memmem::find_iter(head, b"PK\x03\x04")
            .filter_map(|at| head.get(at..))
            .any(is_zip_member);
        let gzip = memchr::memmem::find_iter(head, b"\x1F\x8B\x08")
            .filter_map(|at| head.get(at..))
            .any(is_suspect);
        let other = ANYWHERE
            .iter()
            .find(|(mark, _)| memchr::memmem::find(head, mark).is_some());
        zip.then_some("zip")
            .or(gzip.then_some("gzip"))
            .or(other.map(|(_, name)| *name))
    }
}

/// Whether a header with the right checksum begins here; older archives have no other mark.
pub fn is_tar_header(bytes: &[u8]) -> bool {
    let Some(block) = bytes.first_chunk::<TAR_BLOCK>() else {
        return false;
    };
    let stated = block.get(148..156).and_then(octal);
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u64::from(*byte)
            }
        })
        .sum();
    stated == Some(sum) && block.first() != Some(&0)
}

pub fn octal(field: &[u8]) -> Option<u64> {
    let digits = field
        .iter()
        .skip_while(|byte| **byte == b' ')
        .take_while(|byte| !matches!(byte, 0 | b' '));
    digits.clone().next()?;
    digits
        .copied()
        .try_fold(0_u64, |sum, byte| {
            matches!(byte, b'0'..=b'7').then(|| sum * 8 + u64::from(byte - b'0'))
        })
}

/// Whether the header of a zip's member stands here, with a version, a method and a name that
/// members have.
fn is_zip_member(bytes: &[u8]) -> bool {
    let Some([_, _, _, _, version, _, _, flags, method, 0, rest @ ..]) = bytes.first_chunk::<30>()
    else {
        return false;
    };
    let name = rest
        .get(16..18)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |two| u16::from_le_bytes(*two));
    *version <= 63
        && flags & 0xD0 == 0
        && matches!(method, 0 | 8 | 9 | 12 | 14 | 93 | 95 | 98 | 99)
        && (1..=1024).contains(&name)
}

/// Whether what is deflated here holds more than other data.
fn is_suspect(gzip: &[u8]) -> bool {
    let inside = first_of(MultiGzDecoder::new(gzip));
    dicom::trace(&inside, false).is_some()
        || (inside.len() >= NO_ACCIDENT && Archive::of(&inside).is_some())
}

fn is_zlib(head: &[u8]) -> bool {
    let Some([0x78, flags]) = head.first_chunk::<2>() else {
        return false;
    };
    let plausible = (0x7800 | u16::from(*flags)).is_multiple_of(31);
    if !plausible {
        return false;
    }
    let (mut inflater, mut inside) = (Decompress::new(true), Vec::with_capacity(NO_ACCIDENT * 4));
    let ended = matches!(
        inflater.decompress_vec(head, &mut inside, FlushDecompress::None),
        Ok(Status::StreamEnd)
    );
    ended || inflater.total_out() >= NO_ACCIDENT as u64
}

/// As much as inflates without an error.
fn first_of(inflater: impl Read) -> Vec<u8> {
    let mut inside = Vec::new();
    let _ = inflater
        .take(INSIDE)
        .read_to_end(&mut inside);
    inside
}

/// Whether a file that is not DICOM is an archive, so that files may be left behind in it: not a
/// document that is a zip, nor a single file that was compressed and is not DICOM. An error reading
/// it is another stage's to tell.
pub fn may_hold_files(file: &DiscoveredFile) -> bool {
    let mut head = Vec::new();
    let read = file.source().and_then(|source| {
        Ok(source
            .open()?
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(dicom::FileError::from)?)
    });
    read.is_ok() && may_hold_files_in(&head)
}

/// The same by the first bytes of a file.
pub fn may_hold_files_in(head: &[u8]) -> bool {
    let single = |inside: Vec<u8>| {
        !inside.is_empty()
            && dicom::trace(&inside, false).is_none()
            && Archive::of(&inside).is_none()
    };
    match Archive::of(head) {
        None => false,
        Some(Archive::Zip) => !is_document(head),
        Some(Archive::Gzip) => !single(first_of(MultiGzDecoder::new(head))),
        Some(Archive::Zlib) => !single(first_of(ZlibDecoder::new(head))),
        Some(Archive::Tar | Archive::Closed(_)) => true,
    }
}

/// Whether a zip is one document in several parts.
pub fn is_document(head: &[u8]) -> bool {
    head.get(30..).is_some_and(|name| {
        DOCUMENTS
            .iter()
            .any(|first| name.starts_with(first))
    })
}

/// Whether a file is a package as this program writes and sends it: a zip under the name of one.
pub fn is_own_package(path: &Path, head: &[u8]) -> bool {
    let named = path
        .to_string_lossy()
        .to_lowercase()
        .ends_with(".dicom.zip");
    named && head.starts_with(b"PK\x03\x04")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_mark_tells_its_format_and_other_bytes_tell_none() {
        for (at, mark, name) in CLOSED {
            assert_eq!(
                Archive::of(&[&vec![b'.'; at], mark, &[b'.'; 99]].concat()),
                Some(Archive::Closed(name))
            );
        }
        assert_eq!(Archive::of(&gzip(b"text")), Some(Archive::Gzip));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&[b'a'; 99]).unwrap();
        assert_eq!(Archive::of(&zlib.finish().unwrap()), Some(Archive::Zlib));
        for other in [
            b"".as_slice(),
            b"x^2 + y^2 = z^2, and so on and so forth",
            b"PK",
            b"BZ",
            &[0; 1024],
            &[0x78; 999],
        ] {
            assert_eq!(Archive::of(other), None);
        }
    }

    #[test]
    fn archives_behind_something_else_are_seen() {
        let dicom = [
            &[0; 128],
            &b"DICM\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00"[..],
        ]
        .concat();
        assert_eq!(
            Archive::behind(&[b"#!/bin/sh\n", &*gzip(&dicom)].concat()),
            Some("gzip")
        );
        assert_eq!(
            Archive::behind(&[b"a picture", &*gzip(b"a text without harm")].concat()),
            None
        );
        assert_eq!(Archive::behind(b"MZ program Rar!\x1A\x07\x00"), Some("rar"));
        assert_eq!(
            Archive::behind(
                b"PK\x03\x04 is how a zip begins, says this text, and PK\x03\x04 again"
            ),
            None
        );
    }
}
