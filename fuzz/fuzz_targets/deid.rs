//! Cleaning: an arbitrary data set under a profile by the standard and one in Flywheel's language.

#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dicom_deid::Cleaner;
use dicom_deid::PseudonymKey;
use dicom_deid::profile;
use dicom_lossless::{self as dicom, Limits, Source, SourceFile};
use libfuzzer_sys::fuzz_target;

/// What stands before the data set: explicit VR little endian.
const HEAD: &[u8] = b"DICM\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0";

const CODED: &str = r#"{"dicom": {"remove-private-tags": true, "fields": [
    {"name": "PatientID", "hash": true}, {"name": "PatientName", "replace-with": "X"},
    {"name": "StudyDate", "increment-date": true}, {"name": "SOPInstanceUID", "hashuid": true},
    {"regex": ".*Comments.*", "remove": true}, {"name": "ReferencedImageSequence.*.ReferencedSOPInstanceUID", "hashuid": true}
], "date-increment": -7}}"#;

static FILE: LazyLock<Arc<SourceFile>> = LazyLock::new(|| {
    let path = std::env::current_exe().expect("the fuzzer is a file");
    Arc::new(SourceFile::new(path).expect("which can be looked at"))
});

static CLEANERS: LazyLock<[Cleaner; 2]> = LazyLock::new(|| {
    let key = PseudonymKey::from_bytes(&[7; 32]).expect("long enough");
    let coded = serde_json::from_str(CODED).expect("it is JSON");
    let coded = profile::from_server_json(&coded, "site")
        .expect("it is valid")
        .expect("it is there");
    let basic = profile::load("basic").expect("it is built in");
    [basic, coded].map(|profile| {
        Cleaner::new(&profile, Some(key.clone()), Limits::default()).expect("there is a key")
    })
});

fuzz_target!(|data: &[u8]| {
    let bytes = [&[0; 128], HEAD, data].concat();
    let Some(which) = data
        .last()
        .map(|last| usize::from(*last) % CLEANERS.len())
    else {
        return;
    };
    let source = Source::Memory {
        file: Arc::clone(&FILE),
        bytes: Bytes::from(bytes),
    };
    let Ok(instance) = dicom::read(source, &Limits::default()) else {
        return;
    };
    let _ = CLEANERS[which].deidentify(instance, "study/1.dcm");
});
