//! Zip packages, read with a crate that the product does not use.

use std::io::{Cursor, Read};

use zip::ZipArchive;

/// The members of a package: names and contents, in the order of the directory. Reading one to its
/// end checks its length and CRC.
pub fn members(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(package)).expect("it is a zip");
    let all = 0..archive.len();
    all.map(|at| {
        let mut member = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        member
            .read_to_end(&mut bytes)
            .expect("length and CRC are right");
        (member.name().unwrap().into_owned(), bytes)
    })
    .collect()
}

/// The instance in a package that holds one.
#[track_caller]
pub fn only(package: &[u8]) -> Vec<u8> {
    let mut members = members(package);
    assert_eq!(members.len(), 1, "one instance");
    members.remove(0).1
}

/// Whether the bytes are a package at all.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}
