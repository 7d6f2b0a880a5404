//! The committed example data is what its maker makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use crate::run::{Place, tree};
use crate::{archive, fixture, study};

fn study_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study")
}

fn committed() -> BTreeMap<String, Vec<u8>> {
    tree(&study_folder())
        .into_iter()
        .collect()
}

#[test]
fn making_it_again_gives_the_same_bytes() {
    let made: BTreeMap<String, Vec<u8>> = study::files().into_iter().collect();
    let committed = committed();
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>(),
        "run `cargo run --example make_study`"
    );
    for (name, bytes) in made {
        assert!(
            bytes == committed[&name],
            "{name} differs: run `cargo run --example make_study`"
        );
    }
}

#[test]
fn it_is_small_and_every_file_holds_a_mark() {
    let committed = committed();
    assert!(
        committed
            .values()
            .map(Vec::len)
            .sum::<usize>()
            < 400_000
    );
    for (name, bytes) in committed {
        assert!(
            !fixture::found_in(&bytes).is_empty(),
            "{name} would hide a leak"
        );
    }
}

#[test]
fn dicom_object_reads_what_is_meant_to_be_readable() {
    for (name, bytes) in study::files() {
        let readable = dicom_object::from_reader(&bytes[..]).is_ok();
        assert_eq!(
            readable,
            !name.ends_with("IM0013.dcm") && !name.ends_with("notes.txt"),
            "{name}"
        );
    }
}

#[test]
fn the_library_cleans_one_file_in_a_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("clean.dcm");
    let tests = std::env::current_exe().unwrap();
    let example = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/clean_one_file");
    let ran = std::process::Command::new(example)
        .env("PSEUDONYM_KEY", crate::run::PSEUDONYM_KEY)
        .arg(study_folder().join("ct-thorax/IM0001.dcm"))
        .arg(&out)
        .status()
        .unwrap();
    assert!(ran.success());
    let clean = dicom_object::open_file(&out).unwrap();
    assert_eq!(
        clean
            .element_by_name("PatientIdentityRemoved")
            .unwrap()
            .to_str()
            .unwrap(),
        "YES"
    );
}

fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let value = object.element(tag).unwrap();
    value
        .to_str()
        .unwrap()
        .trim()
        .to_owned()
}

fn frames(clip: &InMemDicomObject) -> Vec<Vec<u8>> {
    let pixels = clip
        .element(tags::PIXEL_DATA)
        .unwrap()
        .to_bytes()
        .unwrap();
    let [columns, rows] = study::CLIP_SIZE;
    pixels
        .chunks(columns * rows)
        .map(<[u8]>::to_vec)
        .collect()
}

/// A place with the study in `study`.
pub fn place() -> Place {
    let files = committed().into_iter();
    Place::with(files.map(|(name, bytes)| (Path::new("study").join(name), bytes)))
}

#[test]
fn the_name_that_the_clip_shows_does_not_arrive() {
    let place = place();
    place
        .run("study --project demo/phantom --profile basic --sandbox box")
        .exits(3)
        .says("Text blanked in 1 of 5 images");
    let clips: Vec<_> = place
        .tree("box")
        .into_iter()
        .filter(|(_, bytes)| archive::is_zip(bytes))
        .flat_map(|(_, zip)| archive::members(&zip))
        .map(|(_, bytes)| dicom_object::from_reader(&bytes[..]).unwrap())
        .filter(|instance| text(instance, tags::MODALITY) == "US")
        .collect();
    let [clip] = &clips[..] else {
        panic!("the clip arrives")
    };
    assert_eq!(text(clip, tags::BURNED_IN_ANNOTATION), "NO");
    let methods = clip
        .element(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        .unwrap();
    assert!(
        methods
            .items()
            .unwrap()
            .iter()
            .any(|method| text(method, tags::CODE_VALUE) == "113101")
    );

    let original = dicom_object::open_file(study_folder().join(study::CLIP)).unwrap();
    let (before, after) = (frames(&original), frames(clip));
    assert_eq!((before.len(), after.len()), (3, 3));
    for (before, after) in before.iter().zip(&after) {
        assert!(!after.contains(&study::INK));
        // The banner is as wide as the picture, so what is far from it lies below.
        let last_ink = before
            .iter()
            .rposition(|pixel| *pixel == study::INK)
            .unwrap();
        let far = (last_ink / study::CLIP_SIZE[0] + 13) * study::CLIP_SIZE[0];
        assert!(before[far..] == after[far..], "the fan is as it was");
    }
}
