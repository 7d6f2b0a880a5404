//! An instance as it was read is nothing that may be sent.

use dicom_deid::{Limits, Sendable, Source, read};

fn main() {
    let instance = read(Source::open("a.dcm").unwrap(), &Limits::default()).unwrap();
    let _ = Sendable::from(instance);
}
