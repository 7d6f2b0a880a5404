//! Packages as zip tools read them, and bodies that are streamed.

use std::fs::File;
use std::io::{Cursor as Memory, Read, Seek, SeekFrom};

use dicom_lossless::SourceFile;
use futures_util::StreamExt;

use super::deflate::Packed;
use super::*;

fn body(bytes: &'static [u8]) -> Body {
    Body::new(vec![Segment::Bytes(Bytes::from_static(bytes))])
}

/// A zip without its file ranges: bytes where the layout wrote them, zeros where a range would be.
struct Sparse(Vec<(u64, Option<Bytes>, u64)>, u64, u64);

impl Sparse {
    fn of(body: &Body) -> Self {
        let (mut parts, mut at) = (Vec::new(), 0);
        for segment in body.segments() {
            let (bytes, len) = match segment {
                Segment::Bytes(bytes) => (Some(bytes.clone()), bytes.len() as u64),
                Segment::File { range, .. } => (None, range.end - range.start),
            };
            parts.push((at, bytes, len));
            at += len;
        }
        Self(parts, at, 0)
    }
}

impl Read for Sparse {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some((start, bytes, len)) = self
            .0
            .iter()
            .find(|(s, _, l)| (*s..s + l).contains(&self.2))
        else {
            return Ok(0);
        };
        let skip = self.2 - start;
        let n = out
            .len()
            .min(usize::try_from((len - skip).min(1 << 20)).unwrap());
        match bytes {
            Some(bytes) => out[..n].copy_from_slice(&bytes[usize::try_from(skip).unwrap()..][..n]),
            None => out[..n].fill(0),
        }
        self.2 += n as u64;
        Ok(n)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.2 = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self
                .1
                .checked_add_signed(by)
                .unwrap(),
            SeekFrom::Current(by) => self
                .2
                .checked_add_signed(by)
                .unwrap(),
        };
        Ok(self.2)
    }
}

#[test]
fn a_zip_reads_back_with_the_length_that_was_announced() {
    let mut zip = Zip::default();
    for (name, bytes) in [
        ("1.2.CT.dcm", b"first".as_slice()),
        ("1.3.CT.dcm", b"".as_slice()),
    ] {
        zip.add(name, &Packed::stored(&body(bytes), crc32fast::hash(bytes)));
    }
    let whole = zip.finish();
    let bytes = whole.to_vec().unwrap();
    assert_eq!(bytes.len() as u64, whole.len());
    let mut archive = ::zip::ZipArchive::new(Memory::new(bytes)).unwrap();
    let mut first = String::new();
    archive
        .by_name("1.2.CT.dcm")
        .unwrap()
        .read_to_string(&mut first)
        .unwrap();
    assert_eq!((first.as_str(), archive.len()), ("first", 2));
}

#[test]
fn members_and_offsets_beyond_four_gibibytes_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    File::create(&path)
        .unwrap()
        .set_len((4 << 30) + 10)
        .unwrap();
    let file = Arc::new(SourceFile::new(&path).unwrap());
    let big = Body::new(vec![Segment::of_file(Arc::clone(&file), 0..file.len())]);
    let mut zip = Zip::default();
    zip.add("big.dcm", &Packed::stored(&big, 0));
    zip.add(
        "after.dcm",
        &Packed::stored(&body(b"after"), crc32fast::hash(b"after")),
    );
    let mut archive = ::zip::ZipArchive::new(Sparse::of(&zip.finish())).unwrap();
    assert_eq!(
        archive
            .by_name("big.dcm")
            .unwrap()
            .size(),
        (4 << 30) + 10
    );
    let mut after = String::new();
    archive
        .by_name("after.dcm")
        .unwrap()
        .read_to_string(&mut after)
        .unwrap();
    assert_eq!(after, "after");
}

#[test]
fn more_members_than_sixteen_bits_count_read_back() {
    let mut zip = Zip::default();
    for n in 0..70_000 {
        zip.add(
            &format!("{n}.dcm"),
            &Packed::stored(&body(b"x"), crc32fast::hash(b"x")),
        );
    }
    let archive = ::zip::ZipArchive::new(Memory::new(zip.finish().to_vec().unwrap())).unwrap();
    assert_eq!(archive.len(), 70_000);
}

#[tokio::test]
async fn a_file_that_shrinks_ends_the_stream_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, vec![7; 600_000]).unwrap();
    let file = Arc::new(SourceFile::new(&path).unwrap());
    let body = Body::new(vec![Segment::of_file(file, 0..600_000)]);
    let whole: Vec<_> = stream(&body)
        .map(|chunk| chunk.unwrap().len())
        .collect()
        .await;
    assert_eq!(whole.iter().sum::<usize>(), 600_000);
    std::fs::write(&path, vec![7; 100]).unwrap();
    let chunks: Vec<_> = stream(&body).collect().await;
    assert!(chunks.iter().any(Result::is_err));
}
