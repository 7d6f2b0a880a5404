//! Zip files whose members are known before the first byte (APPNOTE 6.3). Knows nothing of what
//! they hold.

use bytes::Bytes;

use super::deflate::Packed;
use dicom_lossless::{Body, Segment};

/// The layout of a zip file (APPNOTE 6.3): its length and every byte are known beforehand.
/// Zip64 records appear only where a number needs them.
#[derive(Default)]
pub struct Zip {
    segments: Vec<Segment>,
    directory: Vec<u8>,
    offset: u64,
    count: u64,
}

const ZIP64_MARK: u32 = u32::MAX;
/// 1980-01-01, the earliest date that zip knows: the true time of a scan or a copy must not leave
/// in a file's name plate.
const DOS_DATE: u16 = 0x0021;
const UTF8_NAMES: u16 = 0x0800;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

impl Zip {
    /// Adds a member.
    pub fn add(&mut self, name: &str, member: &Packed) {
        let (size, packed) = (member.len, member.body.len());
        // Both lengths are written wide where one has to be.
        let wide = size.max(packed) >= u64::from(ZIP64_MARK);
        let (size32, packed32) = if wide {
            (ZIP64_MARK, ZIP64_MARK)
        } else {
            (short(size), short(packed))
        };
        let offset32 = short(self.offset);
        let common =
            |out: &mut Vec<u8>, extra| put_common(out, member, (packed32, size32), name, extra);
        let mut local = Vec::with_capacity(64 + name.len());
        local.extend_from_slice(b"PK\x03\x04");
        common(&mut local, if wide { 20 } else { 0 });
        local.extend_from_slice(name.as_bytes());
        if wide {
            put_zip64(&mut local, &[size, packed]);
        }
        let numbers: Vec<u64> = [(size32, size), (packed32, packed), (offset32, self.offset)]
            .into_iter()
            .filter_map(|(short, full)| (short == ZIP64_MARK).then_some(full))
            .collect();
        let entry = &mut self.directory;
        entry.extend_from_slice(b"PK\x01\x02\x2d\x03");
        let extra = if numbers.is_empty() {
            0
        } else {
            u16::try_from(4 + 8 * numbers.len()).unwrap_or_default()
        };
        common(entry, extra);
        entry.extend_from_slice(&[0; 6]);
        entry.extend_from_slice(&(0o100_644_u32 << 16).to_le_bytes());
        entry.extend_from_slice(&offset32.to_le_bytes());
        entry.extend_from_slice(name.as_bytes());
        if !numbers.is_empty() {
            put_zip64(entry, &numbers);
        }
        self.offset += local.len() as u64 + packed;
        self.count += 1;
        self.segments
            .push(Segment::Bytes(Bytes::from(local)));
        self.segments.extend(
            member
                .body
                .segments()
                .iter()
                .cloned(),
        );
    }

    /// The whole file.
    pub fn finish(mut self) -> Body {
        let (size, offset, count) = (self.directory.len() as u64, self.offset, self.count);
        let short_count = u16::try_from(count).unwrap_or(u16::MAX);
        let mut end = std::mem::take(&mut self.directory);
        if short_count == u16::MAX || short(size) == ZIP64_MARK || short(offset) == ZIP64_MARK {
            end.extend_from_slice(b"PK\x06\x06");
            end.extend_from_slice(&44_u64.to_le_bytes());
            end.extend_from_slice(&[0x2d, 0x03, 0x2d, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [count, count, size, offset] {
                end.extend_from_slice(&number.to_le_bytes());
            }
            end.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            end.extend_from_slice(&(offset + size).to_le_bytes());
            end.extend_from_slice(&1_u32.to_le_bytes());
        }
        end.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        end.extend_from_slice(&short_count.to_le_bytes());
        end.extend_from_slice(&short_count.to_le_bytes());
        end.extend_from_slice(&short(size).to_le_bytes());
        end.extend_from_slice(&short(offset).to_le_bytes());
        end.extend_from_slice(&[0, 0]);
        self.segments
            .push(Segment::Bytes(Bytes::from(end)));
        Body::new(self.segments)
    }
}

/// The fields that a local header and a directory entry share, from "version needed" to "extra
/// length".
fn put_common(
    out: &mut Vec<u8>,
    member: &Packed,
    (packed, size): (u32, u32),
    name: &str,
    extra: u16,
) {
    let version: u16 = if extra > 0 { 45 } else { 20 };
    let name_len = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let method = if member.deflated { DEFLATED } else { STORED };
    for number in [version, UTF8_NAMES, method, 0, DOS_DATE] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [member.crc, packed, size] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [name_len, extra] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn put_zip64(out: &mut Vec<u8>, numbers: &[u64]) {
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(
        &u16::try_from(8 * numbers.len())
            .unwrap_or_default()
            .to_le_bytes(),
    );
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(ZIP64_MARK)
}
