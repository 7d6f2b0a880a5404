//! Temporary files: what is too large for memory goes into one, and nothing of it is ever left
//! behind.
#![cfg(target_os = "linux")]

use std::fs;

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{Dicom, Person};
use crate::run::{Place, tree};
use crate::server::{Gate, Site, on};

const USUAL: &str = "study -p demo/phantom --profile banner.yaml --json";
const SIDE: u16 = 512;
const FRAMES: usize = 60;

/// A small file whose frames are large once they are decoded: 60 of 512 by 512 pixels of one grey.
fn rle() -> Vec<u8> {
    let plane: Vec<u8> = [0x81, 7].repeat(usize::from(SIDE) * usize::from(SIDE) / 128);
    let second = 64 + u32::try_from(plane.len()).unwrap();
    let mut header = vec![2_u32, 64, second];
    header.resize(16, 0);
    let header: Vec<u8> = header
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let frame = [header.as_slice(), &plane, &plane].concat();
    let fragments = PixelFragmentSequence::new_fragments(vec![frame; FRAMES]);
    Dicom::image(&Person::plain(), uids::CT_IMAGE_STORAGE, "CT", 1, 1, SIDE)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string())
        .syntax(uids::RLE_LOSSLESS)
        .element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments))
        .bytes()
}

fn place() -> Place {
    let place = Place::with([("study/1.dcm", rle())]);
    let profile = "name: banner\ndicom:\n  residual: {on-leak: warn}\n  fields:\n    - \
        {name: PatientID, hash: true}\n  \
                   alter_pixels:\n    pixels:\n      - \
                   {when: equals Modality CT, remove: [0, 0, 512, 20]}\n";
    place.file("banner.yaml", profile);
    fs::create_dir(place.path("tmp")).unwrap();
    place
}

/// Open files without a name in the folder for temporary files, of a process.
fn unnamed_in(place: &Place, process: u32) -> usize {
    let tmp = place.path("tmp");
    let open = fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    open.filter(|target| {
        target.starts_with(&tmp)
            && target
                .to_string_lossy()
                .ends_with("(deleted)")
    })
    .count()
}

#[test]
fn what_is_too_large_for_memory_leaves_nothing_behind_however_the_run_ends() {
    for signal in [None, Some("INT"), Some("KILL")] {
        let (place, gate) = (place(), Gate::default());
        let site = Site::setup()
            .rule(on("POST", "/api/acquisitions").hold(&gate))
            .start();
        let running = place
            .run(USUAL)
            .env("TMPDIR", place.path("tmp"))
            .at(&site)
            .start();
        gate.wait_for_request();
        assert!(
            unnamed_in(&place, running.id()) > 0,
            "the decoded frames are in a temporary file"
        );
        assert!(tree(&place.path("tmp")).is_empty(), "which has no name");
        if let Some(signal) = signal {
            running.signal(signal);
        }
        gate.open();
        running.end();
        assert!(
            tree(&place.path("tmp")).is_empty(),
            "nothing is left after {signal:?}"
        );
    }
}

#[test]
fn a_full_disk_under_temporary_files_fails_the_file() {
    let place = place();
    let line = format!("{USUAL} --offline --dry-run");
    let ran = place
        .run_limited("-f 4096", &line)
        .env("TMPDIR", place.path("tmp"))
        .exits(9);
    assert_eq!(
        ran.failures(),
        [("1.dcm".to_owned(), "deid.pixels".to_owned())]
    );
    ran.says("TMPDIR");
    place
        .run(&line)
        .env("TMPDIR", place.path("tmp"))
        .exits(0);
}
