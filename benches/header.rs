//! What a header costs: walking a typical CT header into the tree, writing it back, and both as
//! `read` and `write` do it.
//!
//! The budget is 25 microseconds for `walk + write` on one core. `write` holds its second look at
//! what was written; `write` less `serialise only` is what that look costs.
//!
//! The budget for all that a confidentiality profile does is 150 microseconds for the typical CT
//! header of `scanner`, from the file's bytes to those that are sent, the search for what was
//! removed with it.

#![allow(clippy::expect_used, missing_docs)]

mod scanner;

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dicom_core::DataDictionary;
use dicom_core::dictionary::DataDictionaryEntry;
use dicom_deid::Cleaner;
use dicom_deid::PseudonymKey;
use dicom_deid::profile::{self, OnLeak, Profile};
use dicom_dictionary_std::StandardDataDictionary;
use dicom_lossless::{self as dicom, Limits, Source, SourceFile, Tag, VR};

/// A header like a scanner's: some 170 elements at the top, 6 sequences of which one is nested, 3
/// private blocks.
fn ct_header(explicit: bool) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    let uid: &[u8] = if explicit {
        b"1.2.840.10008.1.2.1\0"
    } else {
        b"1.2.840.10008.1.2\0"
    };
    put(&mut out, true, 0x0002, 0x0010, *b"UI", uid);
    let text = *b"LO";
    put(&mut out, explicit, 0x0008, 0x0005, *b"CS", b"ISO_IR 100");
    put(
        &mut out,
        explicit,
        0x0008,
        0x0016,
        *b"UI",
        b"1.2.840.10008.5.1.4.1.1.2\0",
    );
    put(
        &mut out,
        explicit,
        0x0008,
        0x0018,
        *b"UI",
        b"1.2.826.0.1.3680043.8.498.1234567890123\0",
    );
    for element in 0x0020..0x0040 {
        put(&mut out, explicit, 0x0008, element, *b"DA", b"20240131");
    }
    for element in [0x1110, 0x1111, 0x1140, 0x2112] {
        put_sequence(&mut out, explicit, 0x0008, element, &reference(explicit));
    }
    for element in 0x1010..0x1018 {
        put(
            &mut out,
            explicit,
            0x0009,
            element,
            *b"LO",
            b"private value ",
        );
    }
    for element in 0x0010..0x0040 {
        put(
            &mut out,
            explicit,
            0x0010,
            element,
            text,
            format!("Text{element:02x}^Is^Word{element:02x}^Long ").as_bytes(),
        );
    }
    for element in 0x0010..0x0070 {
        put(&mut out, explicit, 0x0018, element, *b"DS", b"1.250000");
    }
    put(
        &mut out,
        explicit,
        0x0020,
        0x000D,
        *b"UI",
        b"1.2.826.0.1.3680043.8.498.1\0",
    );
    put(
        &mut out,
        explicit,
        0x0020,
        0x000E,
        *b"UI",
        b"1.2.826.0.1.3680043.8.498.2\0",
    );
    for element in 0x0002..0x0012 {
        put(&mut out, explicit, 0x0028, element, *b"US", &[0, 2]);
    }
    let mut nested = reference(explicit);
    put_sequence(&mut nested, explicit, 0x0040, 0xA170, &reference(explicit));
    put_sequence(&mut out, explicit, 0x0040, 0x0275, &nested);
    let pixels = vec![7; 4096];
    put(&mut out, explicit, 0x7FE0, 0x0010, *b"OW", &pixels);
    out
}

fn reference(explicit: bool) -> Vec<u8> {
    let mut item = Vec::new();
    put(
        &mut item,
        explicit,
        0x0008,
        0x1150,
        *b"UI",
        b"1.2.840.10008.5.1.4.1.1.2\0",
    );
    put(
        &mut item,
        explicit,
        0x0008,
        0x1155,
        *b"UI",
        b"1.2.826.0.1.3680043.8.498.777\0",
    );
    item
}

fn put(out: &mut Vec<u8>, explicit: bool, group: u16, element: u16, vr: [u8; 2], value: &[u8]) {
    // Where the VR does not stand in the file, the dictionary must not take the element for a
    // sequence.
    let is_sequence = StandardDataDictionary
        .by_tag(Tag(group, element))
        .is_some_and(|e| e.vr().relaxed() == VR::SQ);
    if is_sequence && &vr != b"SQ" {
        return;
    }
    let length = u32::try_from(value.len()).unwrap_or_default();
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&element.to_le_bytes());
    match (explicit, &vr) {
        (false, _) => out.extend_from_slice(&length.to_le_bytes()),
        (true, b"OW" | b"SQ") => {
            out.extend_from_slice(&[vr[0], vr[1], 0, 0]);
            out.extend_from_slice(&length.to_le_bytes());
        }
        (true, _) => {
            out.extend_from_slice(&vr);
            out.extend_from_slice(
                &u16::try_from(length)
                    .unwrap_or_default()
                    .to_le_bytes(),
            );
        }
    }
    out.extend_from_slice(value);
}

fn put_sequence(out: &mut Vec<u8>, explicit: bool, group: u16, element: u16, item: &[u8]) {
    let mut value = vec![0xFE, 0xFF, 0x00, 0xE0];
    value.extend_from_slice(
        &u32::try_from(item.len())
            .unwrap_or_default()
            .to_le_bytes(),
    );
    value.extend_from_slice(item);
    put(out, explicit, group, element, *b"SQ", &value);
}

fn header(c: &mut Criterion) {
    let limits = Limits::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, explicit) in [("explicit", true), ("implicit", false)] {
        let bytes = ct_header(explicit);
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).expect("a file in it");
        let file = Arc::new(SourceFile::new(&path).expect("the file"));
        let source = Source::Memory {
            file: file.clone(),
            bytes: Bytes::from(bytes.clone()),
        };
        let instance = dicom::read(source.clone(), &limits).expect("a readable file");
        let elements = instance.header.len();
        let mut group = c.benchmark_group(format!(
            "ct header, {name}, {elements} elements, {} bytes",
            bytes.len() - 4096
        ));
        group.throughput(Throughput::Elements(1));
        group.bench_function("walk", |b| {
            b.iter(|| dicom::read(black_box(source.clone()), &limits));
        });
        group.bench_function("serialise only", |b| {
            b.iter(|| dicom::serialise_unchecked(black_box(&instance), &limits));
        });
        group.bench_function("write", |b| {
            b.iter(|| dicom::write(black_box(&instance), &limits));
        });
        group.bench_function("walk + serialise", |b| {
            b.iter(|| {
                dicom::serialise_unchecked(
                    &dicom::read(black_box(source.clone()), &limits).expect("readable"),
                    &limits,
                )
            });
        });
        group.bench_function("walk + write", |b| {
            b.iter(|| {
                dicom::write(
                    &dicom::read(black_box(source.clone()), &limits).expect("readable"),
                    &limits,
                )
            });
        });
        group.bench_function("from the file: walk + write", |b| {
            b.iter(|| {
                dicom::write(
                    &dicom::read(Source::File(file.clone()), &limits).expect("readable"),
                    &limits,
                )
            });
        });
        for profile in ["flywheel-minimal", "basic"] {
            let profile = profile::load(profile).expect("built in");
            let cleaner = keyed(&profile, limits);
            cleaner
                .deidentify(instance.clone(), "x.dcm")
                .expect("a file that can be cleaned");
            group.bench_function(format!("walk + {} + write", profile.name), |b| {
                b.iter(|| {
                    let instance = dicom::read(source.clone(), &limits)?;
                    cleaner.deidentify(instance, "x.dcm")
                });
            });
        }
        group.bench_function("identify", |b| {
            b.iter(|| dicom::identify(black_box(&file), &limits));
        });
        group.finish();
    }
}

fn keyed(profile: &Profile, limits: Limits) -> Cleaner {
    let key = PseudonymKey::from_bytes(&[7; 32]).expect("long enough");
    Cleaner::new(profile, Some(key), limits).expect("there is a key")
}

/// From the bytes of a file to those that are sent, under each profile.
fn typical_ct_header(c: &mut Criterion) {
    let limits = Limits::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("image");
    let bytes = Bytes::from(scanner::ct_image());
    std::fs::write(&path, &bytes).expect("a file in it");
    let source = Source::Memory {
        file: Arc::new(SourceFile::new(&path).expect("the file")),
        bytes: bytes.clone(),
    };
    let instance = dicom::read(source.clone(), &limits).expect("a readable file");
    let title = format!(
        "typical CT header, {} elements, {} bytes",
        instance.header.len(),
        bytes.len() - 4096
    );
    let mut group = c.benchmark_group(title);
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse + write", |b| {
        b.iter(|| {
            dicom::write(
                &dicom::read(black_box(source.clone()), &limits).expect("readable"),
                &limits,
            )
        });
    });
    for name in profile::builtin_names() {
        let mut profile = profile::load(name).expect("built in");
        if !profile.needs_key() {
            // What Flywheel's minimal set leaves behind is found, and is not what is measured.
            profile.dicom.residual.on_leak = OnLeak::Warn;
        }
        let cleaner = keyed(&profile, limits);
        let clean = |source: Source| {
            let instance = dicom::read(source, &limits)?;
            cleaner.deidentify(instance, "x.dcm")
        };
        clean(source.clone()).expect("what is measured is a file that comes through");
        group.bench_function(format!("parse + {name} + write"), |b| {
            b.iter(|| clean(black_box(source.clone())));
        });
    }
    group.finish();
}

criterion_group!(benches, header, typical_ct_header);
criterion_main!(benches);
