//! Telling from a file's first bytes whether it is DICOM.
//!
//! Owns that judgement for discovery; it reads one short piece and promises nothing about the rest.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::meta;
use super::source::{Input, Source, SourceFile};
use crate::failure::FileFailure;

/// Enough for preamble and a usual meta group.
const HEAD: u64 = 4096;

/// What a file looks like from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniff {
    /// The DICOM prefix is there.
    Dicom,
    /// The DICOM prefix is there, and it is a media directory.
    Dicomdir,
    /// No prefix, but the first bytes look like an element of group 0002 or 0008.
    Bare,
    /// None of these.
    No,
}

/// Looks at a regular file's first bytes. Fails only where it cannot be read.
pub fn sniff(path: &Path) -> Result<Sniff, FileFailure> {
    let mut input = Input::new(Source::File(Arc::new(SourceFile::new(path)?)))?;
    let head = input.first(HEAD, Bytes::new())?;
    Ok(sniff_bytes(&head))
}

fn sniff_bytes(head: &Bytes) -> Sniff {
    // Taking the head for the whole file: a meta group that goes on beyond it is no media directory's.
    let Ok(meta) = meta::parse(head, head.len()) else { return Sniff::Dicom };
    let data = head.get(meta.data_at..).unwrap_or_default();
    let directory = meta.is_dicomdir() || data.starts_with(&[0x04, 0x00]) || data.starts_with(&[0x00, 0x04]);
    match (meta.has_prefix, meta.has_group) {
        (true, _) if directory => Sniff::Dicomdir,
        (true, _) => Sniff::Dicom,
        (false, true) => Sniff::Bare,
        (false, false) if meta::bare_encoding(data).is_some() => Sniff::Bare,
        (false, false) => Sniff::No,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(parts: &[&[u8]]) -> Sniff {
        sniff_bytes(&Bytes::from(parts.concat()))
    }

    #[test]
    fn tells_dicom_directory_bare_and_other() {
        let preamble: &[u8] = &[0; 128];
        let class = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10";
        assert_eq!(of(&[preamble, b"DICM", b"\x08\x00\x16\x00UI\x00\x00"]), Sniff::Dicom);
        assert_eq!(of(&[preamble, b"DICM"]), Sniff::Dicom);
        assert_eq!(of(&[preamble, b"DICM", class]), Sniff::Dicomdir);
        assert_eq!(of(&[preamble, b"DICM", b"\x04\x00\x30\x11CS\x00\x00"]), Sniff::Dicomdir);
        assert_eq!(of(&[class]), Sniff::Bare);
        assert_eq!(of(&[b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100"]), Sniff::Bare);
        assert_eq!(of(&[b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100"]), Sniff::Bare);
        for other in [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"PK\x03\x04 a zip file", b"hello world, this is text", &[0; 400]] {
            assert_eq!(of(&[other]), Sniff::No);
        }
    }

    #[test]
    fn a_missing_file_is_a_failure() {
        assert!(sniff(Path::new("does-not-exist.dcm")).is_err());
    }
}
