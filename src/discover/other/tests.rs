//! Looks into files of every shape that hold DICOM, that hold none, and that cannot be seen to
//! their end.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

const TEXT: &[u8] = b"calibration of monday";

/// A file that cannot be taken for anything else.
fn dicom() -> Vec<u8> {
    [
        &[0; 128],
        &b"DICM\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00\x10\x00\x10\x00PN\x08\x00Doe^Jane"[..],
    ]
    .concat()
}

/// Implicit VR, without anything in front.
fn bare() -> Vec<u8> {
    b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100\x10\x00\x10\x00\x08\x00\x00\x00Doe^Jane".to_vec()
}

fn look(bytes: &[u8]) -> Result<Vec<&'static str>, (FileCode, String)> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let looked = OtherFile::look(Arc::new(SourceFile::new(file.path()).unwrap()));
    looked
        .map(|other| other.formats().collect())
        .map_err(|failure| (failure.code, failure.detail))
}

#[track_caller]
fn holds_dicom(bytes: &[u8]) {
    assert_eq!(look(bytes).unwrap_err().0, FileCode::DiscoverHoldsDicom);
}

#[track_caller]
fn closed(bytes: &[u8]) -> String {
    let (code, detail) = look(bytes).unwrap_err();
    assert_eq!(code, FileCode::DiscoverArchive);
    detail
}

#[track_caller]
fn passes(bytes: &[u8]) {
    assert!(look(bytes).is_ok(), "{:?}", look(bytes));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How a member of a zip stands there.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Stored,
    Deflated,
    /// Deflated, its lengths behind it.
    Streamed,
    Encrypted,
    /// A method that no code here unpacks.
    Bzip2,
}

/// The records of a zip, written one by one.
fn zip(members: &[(&str, &[u8], How)]) -> Vec<u8> {
    let (mut out, mut listed) = (Vec::new(), Vec::new());
    for (name, content, how) in members {
        let place = out.len() as u32;
        let packed = if matches!(how, How::Deflated | How::Streamed) {
            deflated(content)
        } else {
            content.to_vec()
        };
        let method: u16 = match how {
            How::Stored | How::Encrypted => 0,
            How::Deflated | How::Streamed => 8,
            How::Bzip2 => 12,
        };
        let flags: u16 = if *how == How::Encrypted {
            1
        } else {
            u16::from(*how == How::Streamed) << 3
        };
        let sums = [
            crc32fast::hash(content),
            packed.len() as u32,
            content.len() as u32,
        ]
        .map(u32::to_le_bytes)
        .concat();
        let lengths = [(name.len() as u16).to_le_bytes(), [0, 0]].concat();
        let begin = [
            &20_u16.to_le_bytes()[..],
            &flags.to_le_bytes(),
            &method.to_le_bytes(),
            &[0; 4],
        ]
        .concat();
        out.extend([b"PK\x03\x04", &*begin].concat());
        out.extend(if *how == How::Streamed {
            &[0; 12]
        } else {
            &*sums
        });
        out.extend([&lengths, name.as_bytes(), &packed].concat());
        if *how == How::Streamed {
            out.extend([b"PK\x07\x08", &*sums].concat());
        }
        let entry = [
            b"PK\x01\x02\x14\x00",
            &*begin,
            &sums,
            &lengths,
            &[0; 10],
            &place.to_le_bytes(),
            name.as_bytes(),
        ];
        listed.extend(entry.concat());
    }
    let number = (members.len() as u16).to_le_bytes();
    let end = [
        &(listed.len() as u32).to_le_bytes(),
        &(out.len() as u32).to_le_bytes(),
        &[0, 0][..],
    ]
    .concat();
    [
        out,
        listed,
        [&b"PK\x05\x06\0\0\0\0"[..], &number, &number, &end].concat(),
    ]
    .concat()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        out.extend(tar_member(name, b'0', content));
    }
    out.extend([0; 1024]);
    out
}

fn tar_member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    let sum: u64 = block
        .iter()
        .map(|byte| u64::from(*byte))
        .sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut member = [&block, content].concat();
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

#[test]
fn dicom_is_found_whatever_it_is_wrapped_in() {
    for file in [
        dicom(),
        bare(),
        [b"junk".to_vec(), dicom()].concat(),
        [vec![7; 70_001], bare()].concat(),
    ] {
        holds_dicom(&file);
        let zips = [How::Stored, How::Deflated, How::Streamed]
            .map(|how| zip(&[("a.txt", TEXT, how), ("b", &file, how)]));
        let tars = [tar(&[("a.txt", TEXT), ("b", &file)]), tar(&[("b", &file)])];
        for wrapped in [gzip(&file), zlib(&file), [gzip(TEXT), gzip(&file)].concat()]
            .iter()
            .chain(&zips)
            .chain(&tars)
        {
            holds_dicom(wrapped);
            holds_dicom(&gzip(wrapped));
            holds_dicom(&zip(&[("inner", wrapped, How::Deflated)]));
            holds_dicom(&tar(&[("inner", wrapped)]));
            holds_dicom(&gzip(&tar(&[
                ("x", TEXT),
                ("inner", &zip(&[("i", wrapped, How::Deflated)])),
            ])));
        }
    }
}

#[test]
fn what_holds_none_may_go() {
    let noise: Vec<u8> = {
        let mut random = fastrand::Rng::with_seed(11);
        (0..3 << 20)
            .map(|_| random.u8(..))
            .collect()
    };
    let ramp: Vec<u8> = (0..1 << 20)
        .flat_map(|n: u32| ((n / 7 % 300) as u16).to_le_bytes())
        .collect();
    for file in [
        TEXT,
        b"",
        &noise,
        &ramp,
        b"\x89PNG\r\n\x1a\n",
        b"{\"DICM\": \"0010,0010\"}",
    ] {
        passes(file);
        for how in [How::Stored, How::Deflated, How::Streamed] {
            if how != How::Stored || file != ramp {
                passes(&zip(&[
                    ("a.txt", file, how),
                    ("folder/", b"", How::Stored),
                    ("b", TEXT, how),
                ]));
            }
        }
        passes(&gzip(file));
        passes(&tar(&[("a", file), ("b", TEXT)]));
        passes(&gzip(&tar(&[("a", &zip(&[("b", file, How::Deflated)]))])));
    }
    passes(&zip(&[]));
    let long = [
        tar_member("././@LongLink", b'L', b"a name that is too long"),
        tar(&[("a", TEXT)]),
    ]
    .concat();
    passes(&long);
    passes(
        &[
            tar_member("folder/", b'5', b""),
            tar_member("link", b'2', b""),
            tar(&[("a", TEXT)]),
        ]
        .concat(),
    );
}

#[test]
fn archives_that_cannot_be_seen_to_their_end_are_refused() {
    assert_eq!(
        closed(&zip(&[("a", TEXT, How::Encrypted)])),
        "it is encrypted"
    );
    assert_eq!(
        closed(&zip(&[
            ("a", TEXT, How::Deflated),
            ("b", TEXT, How::Encrypted)
        ])),
        "it is encrypted"
    );
    assert_eq!(
        closed(&zip(&[("a", TEXT, How::Bzip2)])),
        "it is compressed in a way that is not unpacked"
    );
    let closed_formats: [&[u8]; 9] = [
        b"7z\xBC\xAF\x27\x1C\0\x04",
        b"Rar!\x1A\x07\x01\0",
        b"BZh91AY&SY",
        b"\xFD7zXZ\0",
        b"\x28\xB5\x2F\xFD",
        b"\x04\x22\x4D\x18",
        b"\x1F\x9D\x90",
        b"MSCF\0\0",
        b"!<arch>\n",
    ];
    for format in closed_formats {
        let file = [format, TEXT].concat();
        assert!(closed(&file).ends_with("is not unpacked"));
        closed(&gzip(&file));
        closed(&zip(&[("a", &file, How::Deflated)]));
        closed(&tar(&[("a", &file)]));
    }
}

#[test]
fn damaged_and_ambiguous_archives_are_refused() {
    let long = TEXT.repeat(3000);
    let good_zip = zip(&[("a", &long, How::Deflated), ("b", TEXT, How::Stored)]);
    let good = [
        good_zip.clone(),
        tar(&[("a", &long), ("b", TEXT)]),
        gzip(&long),
    ];
    for archive in good {
        passes(&archive);
        for at in [
            archive.len() / 3,
            archive.len() / 2,
            archive.len() - 700.min(archive.len() / 4),
        ] {
            if archive[..at].ends_with(&[0; 512]) {
                continue;
            }
            closed(&archive[..at]);
            if archive.starts_with(b"PK") || archive.starts_with(b"\x1F\x8B") {
                let mut damaged = archive.clone();
                damaged[at] ^= 0x55;
                assert!(look(&damaged).is_err(), "{at} of {}", archive.len());
            }
        }
    }
    closed(&[&good_zip[..], b"more"].concat());
    closed(&[b"#!/bin/sh\n".to_vec(), good_zip.clone()].concat());
    closed(&[b"\x89PNG\r\n\x1a\n".repeat(300_000), good_zip.clone()].concat());
    closed(&[gzip(TEXT), b"more".to_vec()].concat());
    closed(&[zlib(&long), b"more".to_vec()].concat());
    closed(&[tar(&[("a", TEXT)]), b"more".to_vec()].concat());
    // The directory says something else than the members do.
    let listed = memchr::memmem::rfind(&good_zip, b"PK\x01\x02").unwrap();
    for (at, what) in [
        (10, "method"),
        (16, "checksum"),
        (20, "length"),
        (42, "place"),
        (46, "name"),
    ] {
        let mut other = good_zip.clone();
        other[listed + at] ^= 1;
        assert!(look(&other).is_err(), "{what}");
    }
    // A member that the directory does not list, and one that it lists twice.
    let entry = good_zip.len() - 22 - listed;
    closed(&[&good_zip[..listed], &good_zip[listed + entry..]].concat());
    closed(&[&good_zip[..listed + entry], &good_zip[listed..]].concat());
    // Bytes between members.
    let second = memchr::memmem::rfind(&good_zip, b"PK\x03\x04").unwrap();
    closed(&[&good_zip[..second], b"hidden", &good_zip[second..]].concat());
    // Kinds of members that only some programs know.
    for kind in [b'S', b'M', b'V', b'D', b'?'] {
        closed(&[tar_member("a", kind, TEXT), tar(&[("b", TEXT)])].concat());
    }
    closed(&[tar_member("a", b'2', TEXT), tar(&[("b", TEXT)])].concat());
    closed(
        &[
            tar_member("a", b'x', b"14 size=99999\n"),
            tar(&[("b", TEXT)]),
        ]
        .concat(),
    );
}

#[test]
fn bounds_are_kept() {
    let mut nested = TEXT.to_vec();
    for _ in 0..MOST_NESTED {
        nested = gzip(&nested);
    }
    passes(&nested);
    assert_eq!(closed(&gzip(&nested)), "archives are nested too deep in it");
    let names: Vec<String> = (0..=MOST_MEMBERS)
        .map(|number| number.to_string())
        .collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b""[..]))
        .collect();
    assert_eq!(closed(&tar(&many)), "it holds more than 100,000 files");
    passes(&tar(&many[..1000]));
    let look = Look::default();
    look.left.set(1 << 20);
    let bomb = gzip(&vec![b'a'; 4 << 20]);
    assert!(look.at(&mut &bomb[..], 0).is_err() && look.spent.get());
}

#[test]
fn formats_that_may_identify_are_told_also_from_inside() {
    let mut nifti = vec![0; 352];
    nifti[..4].copy_from_slice(&348_u32.to_le_bytes());
    nifti[344..348].copy_from_slice(b"n+1\0");
    for file in [
        nifti.clone(),
        gzip(&nifti),
        zip(&[("a.nii", &nifti, How::Deflated)]),
        tar(&[("a.nii.gz", &gzip(&nifti))]),
    ] {
        let formats = look(&file).unwrap();
        assert!(
            formats.len() == 1 && formats[0].starts_with("NIfTI"),
            "{formats:?}"
        );
    }
    assert!(look(TEXT).unwrap().is_empty());
}

#[test]
fn a_file_that_changed_is_not_passed() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(TEXT).unwrap();
    let source = Arc::new(SourceFile::new(file.path()).unwrap());
    file.write_all(&dicom()).unwrap();
    assert_eq!(
        OtherFile::look(source)
            .unwrap_err()
            .code,
        FileCode::ReadChanged
    );
}
