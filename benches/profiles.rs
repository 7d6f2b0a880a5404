//! What cleaning costs: a CT image of some 200 elements and half a megabyte, read, cleaned and
//! written under five profiles.
//!
//! All of it happens in memory, so disks and caches stay out of it; `against_engine.py` runs whole
//! files through the program and through Flywheel's own engine, under the same profiles.

#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dicom_deid::Cleaner;
use dicom_deid::profile;
use dicom_lossless::{self as dicom, Limits, Source, SourceFile};

/// Profiles by name.
const PROFILES: [(&str, &str); 5] = [
    ("minimal", include_str!("profiles/minimal.yaml")),
    ("hash", include_str!("profiles/hash.yaml")),
    ("dates", include_str!("profiles/dates.yaml")),
    ("recurse", include_str!("profiles/recurse.yaml")),
    ("regex", include_str!("profiles/regex.yaml")),
];

const ROOT: &str = "1.2.826.0.1.3680043.10.1337";

/// An element in explicit VR little endian.
fn put(out: &mut Vec<u8>, tag: (u16, u16), vr: &str, value: &[u8]) {
    let padding = if vr == "UI" { 0 } else { b' ' };
    let length = value.len() + value.len() % 2;
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    out.extend(vr.bytes());
    if matches!(vr, "SQ" | "OW") {
        out.extend([0, 0]);
        out.extend(
            u32::try_from(length)
                .expect("a short value")
                .to_le_bytes(),
        );
    } else {
        out.extend(
            u16::try_from(length)
                .expect("a short value")
                .to_le_bytes(),
        );
    }
    out.extend(value);
    out.resize(out.len() + value.len() % 2, padding);
}

/// The value of a sequence with one item of the given elements.
fn one_item(elements: &[((u16, u16), &str, &str)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (tag, vr, value) in elements {
        put(&mut content, *tag, vr, value.as_bytes());
    }
    let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
    item.extend(
        u32::try_from(content.len())
            .expect("a short item")
            .to_le_bytes(),
    );
    item.extend(content);
    item
}

/// The image, element by element as a scanner orders them.
fn ct_image() -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    put(&mut out, (0x0002, 0x0010), "UI", b"1.2.840.10008.1.2.1");
    let instance = format!("{ROOT}.2.1");
    let text: [((u16, u16), &str, &str); 12] = [
        ((0x0008, 0x0005), "CS", "ISO_IR 100"),
        ((0x0008, 0x0008), "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        ((0x0008, 0x0016), "UI", "1.2.840.10008.5.1.4.1.1.2"),
        ((0x0008, 0x0018), "UI", &instance),
        ((0x0008, 0x0020), "DA", "20040119"),
        ((0x0008, 0x0021), "DA", "20040119"),
        ((0x0008, 0x0022), "DA", "20040119"),
        ((0x0008, 0x002A), "DT", "20040119072730.000000"),
        ((0x0008, 0x0050), "SH", "A-4711"),
        ((0x0008, 0x0060), "CS", "CT"),
        ((0x0008, 0x0080), "LO", "JFK IMAGING CENTER"),
        ((0x0008, 0x0090), "PN", "Referring^Doc"),
    ];
    for (tag, vr, value) in text {
        put(&mut out, tag, vr, value.as_bytes());
    }
    let reference = one_item(&[
        ((0x0008, 0x1150), "UI", "1.2.840.10008.5.1.4.1.1.2"),
        ((0x0008, 0x1155), "UI", "1.2.3.4.5.6.7"),
    ]);
    put(&mut out, (0x0008, 0x1140), "SQ", &reference);
    for (element, vr, value) in [
        (0x0010, "PN", "Doe^Jane"),
        (0x0020, "LO", "PAT-0042"),
        (0x0030, "DA", "19500615"),
        (0x0040, "CS", "F"),
    ] {
        put(&mut out, (0x0010, element), vr, value.as_bytes());
    }
    for element in 0x9000..0x9060 {
        put(&mut out, (0x0018, element), "FD", &1.25_f64.to_le_bytes());
    }
    for (element, vr, value) in [
        (0x000D, "UI", "1.2.3.4.5.1"),
        (0x000E, "UI", "1.2.3.4.5.2"),
        (0x0010, "SH", "S42"),
        (0x0013, "IS", "7"),
    ] {
        put(&mut out, (0x0020, element), vr, value.as_bytes());
    }
    put(&mut out, (0x0020, 0x0052), "UI", b"1.2.3.4.5.3");
    for (element, value) in [
        (0x0002, 1_u16),
        (0x0010, 512),
        (0x0011, 512),
        (0x0100, 16),
        (0x0101, 12),
        (0x0102, 11),
        (0x0103, 0),
    ] {
        put(&mut out, (0x0028, element), "US", &value.to_le_bytes());
    }
    put(&mut out, (0x0029, 0x0010), "LO", b"SIEMENS CSA HEADER");
    for element in 0x1010..0x1050 {
        put(&mut out, (0x0029, element), "LO", b"private value");
    }
    put(
        &mut out,
        (0x0040, 0x0275),
        "SQ",
        &one_item(&[
            ((0x0008, 0x0050), "SH", "A-4711"),
            ((0x0010, 0x0020), "LO", "PAT-0042"),
        ]),
    );
    put(&mut out, (0x7FE0, 0x0010), "OW", &vec![7; 512 * 512 * 2]);
    out
}

fn profiles(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("image");
    let bytes = Bytes::from(ct_image());
    std::fs::write(&path, &bytes).expect("a file in it");
    let file = Arc::new(SourceFile::new(&path).expect("the file"));
    let limits = Limits::default();
    let source = Source::Memory {
        file,
        bytes: bytes.clone(),
    };
    let elements = dicom::read(source.clone(), &limits)
        .expect("a readable file")
        .header
        .len();
    let mut group = c.benchmark_group(format!(
        "a CT image, {elements} elements, {} bytes",
        bytes.len()
    ));
    group.throughput(Throughput::Elements(1));
    for (name, text) in PROFILES {
        let path = folder
            .path()
            .join(format!("{name}.yaml"));
        std::fs::write(&path, text).expect("a profile");
        let profile = profile::load(path.to_str().expect("a plain path")).expect("a valid profile");
        let cleaner = Cleaner::new(&profile, None, limits).expect("makes no pseudonyms");
        group.bench_function(name, |b| {
            b.iter(|| {
                let instance = dicom::read(black_box(source.clone()), &limits).expect("read");
                cleaner
                    .deidentify(instance, "a.dcm")
                    .expect("cleaned")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, profiles);
criterion_main!(benches);
