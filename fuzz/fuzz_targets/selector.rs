//! Selectors of profiles: names, tags, private elements, paths and repeaters.

#![no_main]

use dicom_deid::profile;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let document = json!({"dicom": {"fields": [{"name": text, "remove": true}]}});
    let _ = profile::from_server_json(&document, "site");
});
