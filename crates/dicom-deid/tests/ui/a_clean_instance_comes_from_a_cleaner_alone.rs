//! A clean instance cannot be put together: only a cleaner makes one.

use dicom_deid::{CleanInstance, Limits, Source, read};

fn main() {
    let instance = read(Source::open("a.dcm").unwrap(), &Limits::default()).unwrap();
    let _ = CleanInstance::from(instance);
    let _ = CleanInstance { ..Default::default() };
}
