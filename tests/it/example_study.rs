//! The committed example data is what its maker makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{fixture, study};

fn committed() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study");
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(&folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
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
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study/ct-thorax/IM0001.dcm"))
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
