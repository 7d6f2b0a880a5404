//! What the stages of a run cost, each by itself and all together: finding and indexing, one action
//! after the other, checksums, packing, and a whole run in process.
//!
//! The search for what was removed cannot be switched off. `keep` has nothing to look for, so what
//! `remove` takes beyond it is mostly that.

#![allow(clippy::expect_used, missing_docs)]

mod scanner;

use std::ffi::OsString;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use dicom_deid::profile;
use dicom_deid::{Cleaner, Sendable};
use dicom_lossless::{self as dicom, Limits, Source, SourceFile};
use fwupload::discover::{Discovery, Inputs};
use fwupload::package::{DeflateLevel, Package, member_names};
use sha2::{Digest, Sha384};

/// Instances of the series that is packed.
const SLICES: usize = 40;
/// Bytes of pixel data of each.
const PIXELS: usize = 512 * 512 * 2;

/// The UIDs of the image and its series.
const INSTANCE: &str = "1.3.12.2.1107.5.1.4.99999.30000023091407301234500012345";
const SERIES: &str = "1.3.12.2.1107.5.1.4.99999.30000023091407301234500012000";

/// An action of the Flywheel format on the fields that it is mostly used for.
const ACTIONS: [(&str, &str); 9] = [
    (
        "keep",
        "{name: PatientName, keep: true}, {name: PatientID, keep: true}",
    ),
    (
        "remove",
        "{name: PatientName, remove: true}, {name: PatientID, remove: true}",
    ),
    (
        "replace-with",
        "{name: PatientName, replace-with: A}, {name: PatientID, replace-with: B}",
    ),
    (
        "hash",
        "{name: PatientID, hash: true}, {name: AccessionNumber, hash: true}",
    ),
    (
        "hashuid",
        "{name: StudyInstanceUID, hashuid: true}, {name: SeriesInstanceUID, hashuid: true}",
    ),
    (
        "increment-date",
        "{name: StudyDate, increment-date: true}, {name: SeriesDate, increment-date: true}",
    ),
    (
        "jitter",
        "{name: PatientWeight, jitter: true}, {name: SliceThickness, jitter: true}",
    ),
    (
        "regex",
        "{regex: '^(Study|Series)Date$', increment-date: true}",
    ),
    (
        "regex-sub",
        "{name: PatientID, regex-sub: [{input-regex: '(?P<a>.*)', output: '{a}-x'}]}",
    ),
];

fn source(folder: &Path, bytes: &Bytes) -> Source {
    let path = folder.join("image.dcm");
    std::fs::write(&path, bytes).expect("a file");
    Source::Memory {
        file: Arc::new(SourceFile::new(&path).expect("the file")),
        bytes: bytes.clone(),
    }
}

/// A cleaner with one list of fields; what it leaves behind is told, not failed.
fn cleaner(folder: &Path, fields: &str) -> Cleaner {
    let path = folder.join("profile.yaml");
    let text = format!(
        "version: 1\nname: one\ndicom:\n  date-increment: -7\n  jitter-range: 2\n  fields: \
            [{fields}]\n"
    );
    std::fs::write(&path, text).expect("a profile");
    let mut profile = profile::load(path.to_str().expect("a plain path")).expect("a valid profile");
    profile.dicom.residual.on_leak = profile::OnLeak::Warn;
    Cleaner::new(&profile, None, Limits::default()).expect("makes no pseudonyms")
}

fn actions(c: &mut Criterion) {
    let (folder, limits) = (
        tempfile::tempdir().expect("a temporary folder"),
        Limits::default(),
    );
    let source = source(folder.path(), &Bytes::from(scanner::ct_image()));
    let mut group = c.benchmark_group("one action, read, cleaned and written");
    group.throughput(Throughput::Elements(1));
    for (name, fields) in ACTIONS {
        let cleaner = cleaner(folder.path(), fields);
        let clean = |source: Source| {
            let instance = dicom::read(source, &limits)?;
            cleaner.deidentify(instance, "a.dcm")
        };
        clean(source.clone()).expect("a file that can be cleaned");
        group.bench_function(name, |b| b.iter(|| clean(black_box(source.clone()))));
    }
    group.finish();
}

/// A series of slices whose pixels are like those of a scanner: smooth with noise.
fn series(folder: &Path) -> Vec<Sendable> {
    let (limits, cleaner) = (
        Limits::default(),
        cleaner(folder, "{name: PatientName, remove: true}"),
    );
    let header = scanner::ct_image();
    let slice = |n: usize| {
        let mut bytes = header.clone();
        let mut state = 0x9E37_79B9_u32.wrapping_mul(u32::try_from(n).unwrap_or(1) | 1);
        let pixels = (0..PIXELS / 2).flat_map(|at| {
            state = state
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            let value = u16::try_from(
                (at / 512 + at % 512 + usize::try_from(state >> 28).unwrap_or_default()) & 0xFFF,
            );
            value
                .unwrap_or_default()
                .to_le_bytes()
        });
        // What the image of the header has in place of pixels is replaced, length and all.
        bytes.truncate(bytes.len() - 4096 - 4);
        bytes.extend(
            u32::try_from(PIXELS)
                .unwrap_or_default()
                .to_le_bytes(),
        );
        bytes.extend(pixels);
        let instance =
            dicom::read(source(folder, &Bytes::from(bytes)), &limits).expect("a readable file");
        Sendable::from(
            cleaner
                .deidentify(instance, "a.dcm")
                .expect("a file that can be cleaned"),
        )
    };
    (0..SLICES).map(slice).collect()
}

fn packing(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let series = series(folder.path());
    let bytes = series
        .iter()
        .map(|instance| instance.body().len())
        .sum();
    let mut group = c.benchmark_group(format!("a series of {SLICES} slices"));
    group
        .throughput(Throughput::Bytes(bytes))
        .sample_size(10);
    let zip = |level| {
        Package::zip(
            "a.dicom.zip".to_owned(),
            member_names(series.iter()),
            black_box(&series),
            level,
        )
        .expect("a package")
    };
    group.bench_function("zip, stored (CRC-32)", |b| b.iter(|| zip(None)));
    for level in [1, 6] {
        group.bench_function(format!("zip, deflated at {level}"), |b| {
            b.iter(|| zip(DeflateLevel::new(level)));
        });
    }
    let package = zip(None);
    group.bench_function("hash of the package (SHA-384)", |b| {
        b.iter(|| package.hash::<Sha384>());
    });
    group.finish();
    assert_eq!(
        package
            .hash::<Sha384>()
            .expect("a hash")
            .len(),
        2 * Sha384::output_size()
    );
}

/// Gives a UID of the image four other digits at its end.
fn renumber(bytes: &mut [u8], uid: &str, n: usize) {
    let at = bytes
        .windows(uid.len())
        .position(|window| window == uid.as_bytes())
        .expect("the UID");
    let end = at + uid.len();
    bytes
        .get_mut(end - 4..end)
        .expect("its end")
        .copy_from_slice(format!("{:04}", n + 1).as_bytes());
}

/// Files in a few folders, each its own instance of one of a few series.
fn study(folder: &Path, files: usize) {
    let image = scanner::ct_image();
    for n in 0..files {
        let mut bytes = image.clone();
        renumber(&mut bytes, INSTANCE, n);
        renumber(&mut bytes, SERIES, n / 25);
        let folder = folder.join((n / 100).to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{n}.dcm")), bytes).expect("a file");
    }
}

fn finding(c: &mut Criterion) {
    const FILES: usize = 1000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    study(folder.path(), FILES);
    let inputs = Inputs {
        paths: vec![folder.path().to_path_buf()],
        ..Inputs::default()
    };
    let discovery = Discovery::prepare(inputs, &mut std::io::empty()).expect("a folder to walk");
    let mut group = c.benchmark_group(format!("{FILES} files"));
    group
        .throughput(Throughput::Elements(FILES as u64))
        .sample_size(20);
    group.bench_function("scan", |b| {
        b.iter(|| {
            let mut found = 0;
            let _ = discovery.run(&mut |file| {
                found += file.size();
                std::ops::ControlFlow::Continue(())
            });
            found
        });
    });
    let limits = Limits::default();
    let one = folder.path().join("0/0.dcm");
    group.throughput(Throughput::Elements(1));
    group.bench_function("index of one file", |b| {
        b.iter(|| dicom::identify(&Arc::new(SourceFile::new(&one).expect("the file")), &limits));
    });
    group.finish();
    end_to_end(
        &mut c.benchmark_group(format!("a whole run over {FILES} files")),
        folder.path(),
        FILES,
    );
}

fn end_to_end(group: &mut BenchmarkGroup<'_, WallTime>, study: &Path, files: usize) {
    let work = tempfile::tempdir().expect("a temporary folder");
    let key = work.path().join("key");
    std::fs::write(&key, "00".repeat(31) + "01").expect("a key");
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a private file");
    let run = |way: &[OsString]| {
        let words = [
            "fwupload",
            "--profile",
            "basic",
            "-p",
            "bench/one",
            "-qq",
            "--fresh",
            "--if-exists",
            "replace",
        ];
        let words = words
            .into_iter()
            .map(OsString::from)
            .chain([study.into(), "--pseudonym-key-file".into(), (&key).into()]);
        let code = fwupload::run(words.chain(way.iter().cloned()));
        assert_eq!(
            format!("{code:?}"),
            format!("{:?}", std::process::ExitCode::SUCCESS)
        );
    };
    group
        .throughput(Throughput::Elements(files as u64))
        .sample_size(10);
    let (offline, dry): (OsString, OsString) = ("--offline".into(), "--dry-run".into());
    group.bench_function("dry run", |b| {
        b.iter(|| run(&[offline.clone(), dry.clone()]));
    });
    let site = work.path().join("site");
    group.bench_function("into a sandbox in this process", |b| {
        b.iter(|| run(&["--sandbox".into(), (&site).into()]));
    });
}

criterion_group!(benches, finding, actions, packing);
criterion_main!(benches);
