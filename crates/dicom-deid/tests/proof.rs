//! That nothing uncleaned is taken for cleaned is shown by the compiler: these programs are refused.
//!
//! The compiler is called with the crate that is built for this test. What builds a program of its
//! own for each proof compiles every dependency again, for minutes.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// What the compiler has to say of a program in `tests/ui`.
fn refused(program: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap();
    let is_the_crate = |path: &Path| {
        let name = path
            .file_name()
            .unwrap()
            .to_string_lossy();
        name.starts_with("libdicom_deid-") && name.ends_with(".rlib")
    };
    let the_crate = std::fs::read_dir(built)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| is_the_crate(path))
        .max_by_key(|path| {
            path.metadata()
                .unwrap()
                .modified()
                .unwrap()
        })
        .unwrap();
    let out = tempfile::tempdir().unwrap();
    let compiled = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "--edition",
            "2024",
            "--emit",
            "metadata",
            "--error-format",
            "short",
        ])
        .arg("--out-dir")
        .arg(out.path())
        .arg("-L")
        .arg(format!("dependency={}", built.display()))
        .arg("--extern")
        .arg(format!("dicom_deid={}", the_crate.display()))
        .arg(Path::new("tests/ui").join(program))
        .output()
        .unwrap();
    assert!(!compiled.status.success(), "{program} compiles");
    String::from_utf8(compiled.stderr)
        .unwrap()
        .replace('\\', "/")
}

#[test]
fn a_clean_instance_comes_from_a_cleaner_alone() {
    insta::assert_snapshot!(refused("a_clean_instance_comes_from_a_cleaner_alone.rs"));
}

#[test]
fn an_instance_as_read_is_not_sendable() {
    insta::assert_snapshot!(refused("an_instance_as_read_is_not_sendable.rs"));
}

#[test]
fn an_uncleaned_instance_is_not_a_clean_one() {
    insta::assert_snapshot!(refused("an_uncleaned_instance_is_not_a_clean_one.rs"));
}

#[test]
fn consent_is_asked_for() {
    insta::assert_snapshot!(refused("consent_is_asked_for.rs"));
}
