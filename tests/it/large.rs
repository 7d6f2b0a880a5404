//! Files larger than the memory that a run may hold.
#![cfg(target_os = "linux")]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::fixture::{self, Dicom, Person};
use crate::run::Place;

/// A file whose pixel data is a hole of this length, in frames of 32 by 32 pixels.
fn sparse(path: &Path, pixels: u32) {
    let frames = (pixels / (32 * 32 * 2)).to_string();
    let header = Dicom::ct(&Person::plain(), 1)
        .without(tags::PIXEL_DATA)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &frames)
        .bytes();
    std::fs::write(path, &header).unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0])
        .unwrap();
    file.write_all(&pixels.to_le_bytes())
        .unwrap();
    file.set_len(header.len() as u64 + 12 + u64::from(pixels))
        .unwrap();
}

#[test]
fn a_file_larger_than_the_memory_is_cleaned_and_sent() {
    const SIZE: u32 = 320 << 20;
    let place = Place::new();
    sparse(&place.path("big.dcm"), SIZE);
    let ran = place
        .run("big.dcm -p demo/phantom --profile basic --sandbox box")
        .exits(0);
    let peak = ran.peak_kib.expect("Linux tells");
    assert!(peak < 200 << 10, "it held {} MiB", peak >> 10);
    let kept = crate::run::tree(&place.path("box"))
        .into_iter()
        .find(|(_, bytes)| bytes.len() > SIZE as usize);
    let (_, bytes) = kept.expect("it arrived whole");
    assert!(fixture::found_in(&bytes[..8192]).is_empty());
}
