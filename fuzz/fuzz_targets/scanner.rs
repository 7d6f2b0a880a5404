//! Reading: whatever the bytes are, they are refused with a code or read, and what was read is
//! written and reads the same.

#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dicom_lossless::{self as dicom, Limits, Source, SourceFile};
use libfuzzer_sys::fuzz_target;

/// Stands for the file that bytes in memory come from.
static FILE: LazyLock<Arc<SourceFile>> = LazyLock::new(|| {
    let path = std::env::current_exe().expect("the fuzzer is a file");
    Arc::new(SourceFile::new(path).expect("which can be looked at"))
});

fn read(bytes: &[u8]) -> Option<dicom::Instance> {
    let bytes = Bytes::copy_from_slice(bytes);
    dicom::read(
        Source::Memory {
            file: Arc::clone(&FILE),
            bytes,
        },
        &Limits::default(),
    )
    .ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Some(instance) = read(bytes) else { return };
    let Ok(body) = dicom::write(&instance, &Limits::default()) else {
        return;
    };
    let written = body
        .to_vec()
        .expect("it is in memory");
    assert!(read(&written).is_some(), "what was written can be read");
});
