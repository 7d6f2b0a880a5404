//! Twenty thousand files that something went wrong with: read, cleaned, written and read again
//! without a panic, within bounds, and what comes out is DICOM.
//!
//! A mutant is made from its number. To see one alone: `FWUPLOAD_MUTANT=4711 cargo test --test it
//! mutants`. With `FWUPLOAD_MUTANTS=DIR` everything that was accepted is written there, for
//! `.ci/mutants_pydicom.py` to judge.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, VR};
use dicom_deid::PseudonymKey;
use dicom_deid::profile;
use dicom_deid::{Cleaner, DeidError, Sendable};
use dicom_dictionary_std::{tags, uids};
use dicom_lossless::{self as dicom, FileError, Limits, Source, SourceFile};

use crate::fixture::{CODED, Dicom, Person, data_set};

/// How many there are.
const MUTANTS: u64 = 20_000;
/// No file, however broken, may take longer.
const LONGEST: Duration = Duration::from_secs(5);
/// Fewer accepted mutants would mean that nothing is tested behind the reader.
const LEAST_ACCEPTED: u64 = MUTANTS / 10;

/// Good files of many kinds.
fn originals() -> Vec<Vec<u8>> {
    let (plain, japanese) = (Person::plain(), Person::japanese());
    let ct = || Dicom::ct(&plain, 1);
    let fragments = vec![
        vec![0xFF, 0xD8, 0xFF, 0xFE, 0, 6, 1, 2, 3, 4, 0xFF, 0xD9],
        vec![0xFF, 0xD8, 0xFF, 0xD9],
    ];
    let pixels = DataElement::new(
        tags::PIXEL_DATA,
        VR::OB,
        PixelFragmentSequence::new(vec![0, 20], fragments),
    );
    vec![
        ct().bytes(),
        ct().syntax(uids::IMPLICIT_VR_LITTLE_ENDIAN)
            .bytes(),
        ct().syntax(BIG_ENDIAN).bytes(),
        ct().element(pixels)
            .syntax(uids::JPEG_BASELINE8_BIT)
            .bytes(),
        Dicom::ct(&japanese, 2).bytes(),
        Dicom::ct(&Person::unicode(), 3).bytes(),
        Dicom::mr(&plain).bytes(),
        Dicom::mr(&plain)
            .syntax(uids::IMPLICIT_VR_LITTLE_ENDIAN)
            .bytes(),
        Dicom::sr(&plain).bytes(),
        Dicom::sr(&japanese)
            .syntax(uids::IMPLICIT_VR_LITTLE_ENDIAN)
            .bytes(),
    ]
}

/// The file with its data set deflated.
pub fn deflated(file: &[u8]) -> Vec<u8> {
    let text = format!("{}\0\0\0", uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let (from, to) = (
        &text.as_bytes()[..20],
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN.as_bytes(),
    );
    let head = &file[..file.len() - data_set(file).len()];
    let at = head
        .windows(from.len())
        .position(|window| window == from)
        .expect("explicit VR little endian");
    let mut out = head.to_vec();
    // The longer UID takes the place of the shorter one; lengths of element and group follow.
    out.splice(at..at + 20, to.iter().copied());
    out[at - 2] = u8::try_from(to.len()).unwrap();
    let grown = u32::from_le_bytes(file[140..144].try_into().unwrap())
        + u32::try_from(to.len() - 20).unwrap();
    out[140..144].copy_from_slice(&grown.to_le_bytes());
    let mut encoder = flate2::write::DeflateEncoder::new(out, flate2::Compression::fast());
    encoder
        .write_all(data_set(file))
        .unwrap();
    encoder.finish().unwrap()
}

/// Retired, and still found in archives.
pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const BOUNDARIES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF, b'\\', 0x1B];
const LENGTHS: [u32; 8] = [
    0,
    1,
    0x7FFF_FFFF,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
    0xFFFF,
    0x0001_0000,
    8,
];

fn mutate(bytes: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    // Most of what matters stands before the pixels.
    let end = if rng.u8(..8) == 0 {
        bytes.len()
    } else {
        bytes.len().min(3200)
    };
    let at = rng
        .usize(..end.max(1))
        .min(bytes.len().saturating_sub(1));
    let span = rng
        .usize(1..=64)
        .min(bytes.len() - at);
    match rng.u8(..10) {
        0 | 1 => bytes[at] ^= 1 << rng.u8(..8),
        2 | 3 => bytes[at] = BOUNDARIES[rng.usize(..BOUNDARIES.len())],
        4 => {
            let length = LENGTHS[rng.usize(..LENGTHS.len())].to_le_bytes();
            let room = bytes.len().min(at + 4);
            bytes[at..room].copy_from_slice(&length[..room - at]);
        }
        5 => drop(bytes.drain(at..at + span)),
        6 => {
            let slice = bytes[at..at + span].to_vec();
            let to = rng.usize(..=bytes.len());
            bytes.splice(to..to, slice);
        }
        7 => {
            let other = rng.usize(..=bytes.len() - span);
            for offset in 0..span {
                bytes.swap(at + offset, other + offset);
            }
        }
        8 => bytes.truncate(at.max(132)),
        _ => bytes[at..at + span].fill_with(|| rng.u8(..)),
    }
}

fn mutant(number: u64, originals: &[Vec<u8>]) -> Vec<u8> {
    let rng = &mut fastrand::Rng::with_seed(number);
    let kind = rng.usize(..=originals.len());
    let mut bytes = originals
        .get(kind)
        .unwrap_or(&originals[0])
        .clone();
    for _ in 0..rng.usize(1..=3) {
        mutate(&mut bytes, rng);
    }
    let deflate =
        kind == originals.len() && bytes.len() > 400 && bytes[..144] == originals[0][..144];
    if deflate {
        catch_unwind(|| deflated(&bytes)).unwrap_or(bytes)
    } else {
        bytes
    }
}

/// What a mutant is put through.
struct Trial {
    cleaners: Vec<Cleaner>,
    originals: Vec<Vec<u8>>,
    /// Stands for the file that bytes in memory come from.
    file: Arc<SourceFile>,
    folder: Option<PathBuf>,
}

impl Trial {
    fn new(work: &tempfile::TempDir) -> Self {
        let path = work.path().join("coded.yaml");
        std::fs::write(&path, CODED).unwrap();
        let key = PseudonymKey::from_bytes(&[7; 32]).unwrap();
        let cleaner = |profile: &str| {
            Cleaner::new(
                &profile::load(profile).unwrap(),
                Some(key.clone()),
                Limits::default(),
            )
            .unwrap()
        };
        let file = Arc::new(SourceFile::new(&path).unwrap());
        let folder = std::env::var_os("FWUPLOAD_MUTANTS").map(PathBuf::from);
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
        }
        Self {
            cleaners: vec![cleaner("basic"), cleaner(path.to_str().unwrap())],
            originals: originals(),
            file,
            folder,
        }
    }

    fn read(&self, bytes: Vec<u8>) -> Result<dicom::Instance, FileError> {
        dicom::read(
            Source::Memory {
                file: Arc::clone(&self.file),
                bytes: Bytes::from(bytes),
            },
            &Limits::default(),
        )
    }

    fn clean(&self, number: u64, bytes: Vec<u8>) -> Result<Vec<u8>, DeidError> {
        let cleaner = &self.cleaners[usize::try_from(number).unwrap() % self.cleaners.len()];
        let clean = cleaner.deidentify(self.read(bytes)?, "study/1.dcm")?;
        Ok(Sendable::from(clean)
            .body()
            .to_vec()
            .unwrap())
    }

    /// Whether the mutant was accepted.
    fn run(&self, number: u64) -> bool {
        let bytes = mutant(number, &self.originals);
        let before = cpu_time();
        let cleaned = catch_unwind(AssertUnwindSafe(|| self.clean(number, bytes)));
        let took = cpu_time()
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        assert!(
            took.is_none_or(|took| took < LONGEST),
            "mutant {number} takes {took:?}"
        );
        let Ok(cleaned) = cleaned else {
            panic!("mutant {number} panics")
        };
        let Ok(out) = cleaned else { return false };
        if let Some(folder) = &self.folder {
            std::fs::write(folder.join(format!("{number}.dcm")), &out).unwrap();
        }
        if let Err(failure) = self.read(out) {
            panic!("what came out of mutant {number} cannot be read: {failure}");
        }
        true
    }
}

#[test]
fn no_mutant_does_harm() {
    let work = tempfile::tempdir().unwrap();
    let trial = Trial::new(&work);
    if let Ok(one) = std::env::var("FWUPLOAD_MUTANT") {
        trial.run(one.parse().unwrap());
        return;
    }
    let (next, accepted) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            // Reading nested data has the stack that the program's own workers have.
            let work = || {
                while let number @ ..MUTANTS = next.fetch_add(1, Ordering::Relaxed) {
                    accepted.fetch_add(u64::from(trial.run(number)), Ordering::Relaxed);
                }
            };
            std::thread::Builder::new()
                .stack_size(16 << 20)
                .spawn_scoped(scope, work)
                .unwrap();
        }
    });
    let accepted = accepted.into_inner();
    assert!(
        accepted >= LEAST_ACCEPTED,
        "{accepted} of {MUTANTS} are accepted"
    );
}

#[test]
fn what_mutants_are_made_of_is_accepted() {
    let work = tempfile::tempdir().unwrap();
    let trial = Trial::new(&work);
    let good = [originals(), vec![deflated(&trial.originals[0])]].concat();
    for (at, file) in good.into_iter().enumerate() {
        for number in 0..2 {
            if let Err(failure) = trial.clean(number, file.clone()) {
                panic!("original {at} under profile {number}: {failure}");
            }
        }
    }
}

/// What this thread has worked until now, where the system tells.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}
