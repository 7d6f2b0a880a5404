//! Telling from a file's first bytes whether it is DICOM.
//!
//! Owns that judgement for discovery, whatever the file is called; it reads no file and promises
//! nothing about the rest of one.

use bytes::Bytes;

use super::{meta, trace};

/// What a file looks like from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniff {
    /// The DICOM prefix is there, or the file begins with a data set without it.
    Dicom,
    /// The same, and it is a media directory.
    Dicomdir,
    /// None of these.
    No,
}

/// What bytes look like that begin a file; 4 KiB are enough.
pub fn sniff(head: &Bytes) -> Sniff {
    let prefixed = head.get(128..132) == Some(b"DICM") || head.starts_with(b"DICM");
    if !prefixed && trace::encoding_at_start(head).is_none() {
        return Sniff::No;
    }
    // Taking the head for the whole file: a meta group that goes on beyond it is no media
    // directory's.
    let Ok(meta) = meta::parse(head, head.len()) else {
        return Sniff::Dicom;
    };
    let data = head
        .get(meta.data_at..)
        .unwrap_or_default();
    let directory =
        meta.is_dicomdir() || data.starts_with(&[0x04, 0x00]) || data.starts_with(&[0x00, 0x04]);
    if directory {
        Sniff::Dicomdir
    } else {
        Sniff::Dicom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&[u8]]) -> Sniff {
        sniff(&Bytes::from(parts.concat()))
    }

    #[test]
    fn tells_dicom_directory_bare_and_other() {
        let preamble: &[u8] = &[0; 128];
        let class = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10";
        assert_eq!(
            of(&[preamble, b"DICM", b"\x08\x00\x16\x00UI\x00\x00"]),
            Sniff::Dicom
        );
        assert_eq!(of(&[preamble, b"DICM"]), Sniff::Dicom);
        assert_eq!(of(&[b"DICM", b"\x08\x00\x16\x00UI\x00\x00"]), Sniff::Dicom);
        assert_eq!(of(&[preamble, b"DICM", class]), Sniff::Dicomdir);
        assert_eq!(
            of(&[preamble, b"DICM", b"\x04\x00\x30\x11CS\x00\x00"]),
            Sniff::Dicomdir
        );
        assert_eq!(of(&[class]), Sniff::Dicomdir);
        assert_eq!(
            of(&[b"\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00"]),
            Sniff::Dicom
        );
        assert_eq!(
            of(&[b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100"]),
            Sniff::Dicom
        );
        assert_eq!(of(&[b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100"]), Sniff::Dicom);
        // Numbers of 16 bits that begin like a group.
        for pixels in [
            b"\x02\x00\x03\x00\x01\x00\x04\x00\x05\x00\x06\x00",
            b"\x08\x00\x07\x00\x09\x00\x08\x00\x07\x00\x06\x00",
        ] {
            assert_eq!(of(&[pixels]), Sniff::No);
        }
        for other in [
            b"".as_slice(),
            b"\x89PNG\r\n\x1a\n",
            b"PK\x03\x04 a zip file",
            b"hello world, this is text",
            &[0; 400],
        ] {
            assert_eq!(of(&[other]), Sniff::No);
        }
    }
}
