//! Profiles: whatever the text is, it is refused with a place or taken, and what was taken can be
//! linted and explained.

#![no_main]

use dicom_deid::profile::{self, Document, Language};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (language, text) = input;
    let language = [Language::Toml, Language::Yaml, Language::Json][usize::from(language) % 3];
    let Ok(document) = Document::parse(text, language, "fuzz", "fuzz") else {
        return;
    };
    let Ok(profile) = document.profile() else {
        return;
    };
    let _ = profile::lint(&profile);
    let _ = profile::explain(&profile);
});
