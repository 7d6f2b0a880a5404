//! The program as `cargo build --no-default-features` builds it.

#![cfg(not(feature = "sandbox"))]
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn a_review_in_a_browser_is_refused_with_what_does_the_same() {
    let place = tempfile::tempdir().unwrap();
    let study = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/study");
    let ran = Command::new(env!("CARGO_BIN_EXE_fwupload"))
        .args(["review", study, "--project", "demo/phantom"])
        .current_dir(&place)
        .env("HOME", place.path())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    for text in ["compiled without `fwupload review`", "--review FILE.html"] {
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn a_request_for_a_sandbox_is_refused_with_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let study = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/study");
    for arguments in [
        &["sandbox", "box"][..],
        &[study, "--project", "demo/phantom", "--sandbox", "box"],
    ] {
        let ran = Command::new(env!("CARGO_BIN_EXE_fwupload"))
            .args(arguments)
            .current_dir(&place)
            .env("HOME", place.path())
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{said}");
        for text in [
            "error[sandbox.unavailable]",
            "this build of fwupload has no sandbox",
            "default features",
        ] {
            assert!(said.contains(text), "{said}");
        }
        assert!(!place.path().join("box").exists());
    }
}
