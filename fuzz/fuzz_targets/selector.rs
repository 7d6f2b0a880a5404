//! Selectors of profiles: names, tags, private elements, paths and repeaters.

#![no_main]

use dicom_deid::profile::Selector;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Selector::parse(text);
});
