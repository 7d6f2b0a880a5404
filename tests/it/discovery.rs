//! Which files are taken: content decides, what was named is a promise, and hostile folders do no
//! harm.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{Dicom, Person, damaged};
use crate::run::{Place, Ran};

/// A dry run without any server, with one event per file.
const LOOK: &str = "-p demo/phantom --profile basic --offline --dry-run --json";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

/// The files that were skipped, as name and reason, sorted.
fn skipped(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| {
        value
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut skipped: Vec<_> = ran
        .events_of("skipped")
        .iter()
        .map(|e| (base_name(&text(&e["path"])), text(&e["reason"])))
        .collect();
    skipped.sort();
    skipped
}

fn base_name(path: &str) -> String {
    std::path::Path::new(path)
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

fn pair(name: &str, what: &str) -> (String, String) {
    (name.to_owned(), what.to_owned())
}

#[test]
fn content_decides_not_the_extension() {
    let place = Place::with([
        ("study/scan", slice(1)),
        ("study/scan.txt", slice(2)),
        ("study/letter.dcm", b"Dear colleague".to_vec()),
        ("study/empty.dcm", Vec::new()),
        ("study/bare.dcm", damaged::bare(&slice(3))),
        ("study/bare", damaged::bare(&slice(4))),
    ]);
    let ran = place
        .run("study")
        .args(LOOK.split(' '))
        .exits(0);
    assert_eq!(
        skipped(&ran),
        [pair("empty.dcm", "empty"), pair("letter.dcm", "not-dicom")]
    );
    assert_eq!(ran.end()["totals"]["prepared"], 4);
}

#[test]
fn what_was_named_is_a_promise() {
    let place = Place::with([
        ("letter.txt", b"Dear colleague".to_vec()),
        ("bare", damaged::bare(&slice(1))),
    ]);
    let ran = place
        .run("letter.txt bare missing")
        .args(LOOK.split(' '))
        .exits(3);
    assert_eq!(
        ran.failures(),
        [
            pair("letter.txt", "read.not-dicom"),
            pair("missing", "discover.not-found")
        ]
    );
}

#[test]
fn a_dicomdir_is_skipped_when_found_and_refused_when_named() {
    let dicomdir = Dicom::ct(&Person::plain(), 1)
        .text(
            tags::SOP_CLASS_UID,
            VR::UI,
            uids::MEDIA_STORAGE_DIRECTORY_STORAGE,
        )
        .bytes();
    let place = Place::with([("study/DICOMDIR", dicomdir), ("study/1.dcm", slice(1))]);
    let ran = place
        .run("study")
        .args(LOOK.split(' '))
        .exits(0);
    assert_eq!(skipped(&ran), [pair("DICOMDIR", "dicomdir")]);
    let ran = place
        .run("study/DICOMDIR")
        .args(LOOK.split(' '))
        .exits(9);
    assert_eq!(ran.failures(), [pair("DICOMDIR", "read.dicomdir")]);
}

#[test]
fn the_same_file_reached_twice_counts_once() {
    let place = Place::with([("study/1.dcm", slice(1))]);
    let ran = place
        .run("study study/1.dcm ./study/../study")
        .args(LOOK.split(' '))
        .exits(0);
    assert_eq!(ran.end()["totals"]["prepared"], 1);
}

#[test]
fn include_and_exclude_in_typing_order() {
    let place = Place::with([
        ("study/a/1.dcm", slice(1)),
        ("study/scout/2.dcm", slice(2)),
        ("study/scout/keep.dcm", slice(3)),
    ]);
    let ran = place
        .run("study --exclude scout/ --include keep.dcm")
        .args(LOOK.split(' '))
        .exits(0);
    assert_eq!(skipped(&ran), [pair("2.dcm", "excluded")]);
    let ran = place
        .run("study --include a/")
        .args(LOOK.split(' '))
        .exits(0);
    assert_eq!(ran.end()["totals"]["prepared"], 1);
}

/// Elsewhere `\\` is a character of names.
#[cfg(windows)]
#[test]
fn both_separators_are_taken_and_one_is_shown() {
    let place = Place::with([
        ("study/a/1.dcm", slice(1)),
        ("study/scout/2.dcm", slice(2)),
        ("study/scout/keep.dcm", slice(3)),
    ]);
    for arguments in [
        r"./study/a ./study/scout --exclude 2.dcm",
        r".\study\a .\study\scout --exclude 2.dcm",
    ] {
        let ran = place
            .run(arguments)
            .args(LOOK.split(' '))
            .exits(0);
        let paths: Vec<_> = ran
            .events_of("skipped")
            .iter()
            .map(|event| event["path"].clone())
            .collect();
        assert_eq!(paths, [r".\study\scout\2.dcm"], "{arguments}");
    }
    for pattern in ["scout/2.dcm", r"scout\2.dcm", r"sc*\2.dcm"] {
        let ran = place
            .run("study --exclude")
            .args([pattern])
            .args(LOOK.split(' '))
            .exits(0);
        assert_eq!(skipped(&ran), [pair("2.dcm", "excluded")], "{pattern}");
    }
}

#[test]
fn lists_from_standard_input_and_files() {
    // Windows takes no line break in names.
    let second = if cfg!(windows) {
        "two.dcm"
    } else {
        "with\nbreak.dcm"
    };
    let place = Place::with([
        ("one.dcm", slice(1)),
        (second, slice(2)),
        ("list", b"one.dcm\n\ngone.dcm\r\n".to_vec()),
    ]);
    let ran = place
        .run("--files-from list")
        .args(LOOK.split(' '))
        .exits(3);
    assert_eq!(ran.failures(), [pair("gone.dcm", "discover.not-found")]);
    let ran = place
        .run("--files-from - --null")
        .args(LOOK.split(' '))
        .stdin(format!("one.dcm\0{second}\0"))
        .exits(0);
    assert_eq!(ran.end()["totals"]["prepared"], 2);
}

#[test]
fn a_missing_path_that_is_a_reserved_word_is_explained() {
    let place = Place::new();
    place
        .run("-p demo/phantom --profile basic --offline --dry-run status")
        .exits(9);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::{LOOK, pair, skipped, slice};
    use base64::Engine;

    use crate::run::Place;

    #[test]
    fn pipes_are_passed_over_and_never_opened() {
        let place = Place::with([("study/1.dcm", slice(1))]);
        assert!(
            Command::new("mkfifo")
                .arg(place.path("study/pipe.dcm"))
                .status()
                .unwrap()
                .success()
        );
        let ran = place
            .run("study")
            .args(LOOK.split(' '))
            .exits(0);
        assert_eq!(skipped(&ran), [pair("pipe.dcm", "special-file")]);
        let ran = place
            .run("study/pipe.dcm")
            .args(LOOK.split(' '))
            .exits(9);
        assert_eq!(ran.failures(), [pair("pipe.dcm", "discover.special-file")]);
    }

    #[test]
    fn links_are_followed_on_request_and_loops_end() {
        let place = Place::with([("elsewhere/1.dcm", slice(1)), ("study/2.dcm", slice(2))]);
        symlink(place.path("elsewhere"), place.path("study/link")).unwrap();
        let ran = place
            .run("study")
            .args(LOOK.split(' '))
            .exits(0);
        assert_eq!(skipped(&ran), [pair("link", "symlink")]);
        symlink("..", place.path("study/up")).unwrap();
        let ran = place
            .run("study --follow")
            .args(LOOK.split(' '))
            .ends();
        assert_eq!(ran.end()["totals"]["prepared"], 2, "{}", ran.stderr);
    }

    #[test]
    fn a_link_to_nowhere_is_named_when_followed() {
        let place = Place::with([("study/2.dcm", slice(2))]);
        symlink("nowhere", place.path("study/dangling.dcm")).unwrap();
        let ran = place
            .run("study --follow")
            .args(LOOK.split(' '))
            .exits(3);
        assert_eq!(ran.failures()[0].0, "dangling.dcm");
    }

    #[test]
    fn a_folder_that_may_not_be_read_is_reported() {
        let place = Place::with([("study/1.dcm", slice(1)), ("study/locked/2.dcm", slice(2))]);
        let locked = place.path("study/locked");
        let mode = |mode| {
            std::fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(mode))
                .unwrap();
        };
        mode(0o000);
        let everything_is_readable = std::fs::read_dir(&locked).is_ok(); // to root
        let ran = place
            .run("study")
            .args(LOOK.split(' '))
            .ends();
        mode(0o755);
        if everything_is_readable {
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        } else {
            assert_eq!(ran.code, Some(3), "{}", ran.stderr);
            assert_eq!(ran.failures(), [pair("locked", "discover.unreadable")]);
        }
    }

    #[test]
    fn hostile_names_cannot_steer_the_terminal() {
        let place = Place::with([
            ("study/\u{1b}[2J\u{202e}evil\nname.dcm", slice(1)),
            ("study/x\u{7}.txt", b"text".to_vec()),
        ]);
        let ran = place
            .run("study -v -p demo/phantom --profile basic --offline --dry-run")
            .exits(0);
        assert!(
            !ran.stderr
                .contains(['\u{1b}', '\u{202e}', '\u{7}']),
            "{:?}",
            ran.stderr
        );
        ran.says("evil\\nname.dcm");
    }

    #[test]
    fn names_that_are_not_utf_8_work_and_are_reported_in_full() {
        let place = Place::new();
        place.file(OsStr::from_bytes(b"study/caf\xe9.dcm"), slice(1));
        place.file(OsStr::from_bytes(b"study/bad\xff.dcm"), &slice(2)[..900]);
        let ran = place
            .run("study")
            .args(LOOK.split(' '))
            .exits(3);
        assert_eq!(ran.end()["totals"]["prepared"], 1);
        let bytes = ran.report()[0]["path_bytes"]
            .as_str()
            .expect("the bytes of the name")
            .to_owned();
        assert!(
            base64::engine::general_purpose::STANDARD
                .decode(bytes)
                .unwrap()
                .ends_with(b"study/bad\xff.dcm")
        );
    }
}

#[test]
fn a_folder_among_the_inputs_takes_no_output() {
    let place = Place::with([("study/a.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let line = |flags: &str| format!("study -p demo/phantom --profile basic --json {flags}");
    for flags in [
        "--offline --output study/cleaned",
        "--offline --output .",
        "--offline --output study",
        "--sandbox study/box",
    ] {
        place
            .run(&line(flags))
            .exits(2)
            .says("usage.arguments")
            .says("further data");
    }
    assert_eq!(
        place
            .tree("study")
            .iter()
            .filter(|(name, _)| name.contains(".dcm"))
            .count(),
        1
    );
    place
        .run(&line("--offline --output study-cleaned"))
        .exits(0);
}

#[cfg(unix)]
#[test]
fn a_folder_of_links_is_told_of_the_flag_that_follows_them() {
    let place = Place::with([("store/a", Dicom::ct(&Person::plain(), 1).bytes())]);
    std::fs::create_dir(place.path("study")).unwrap();
    std::os::unix::fs::symlink(place.path("store/a"), place.path("study/a.dcm")).unwrap();
    let line = "study -p demo/phantom --profile basic --offline --output out --json";
    place
        .run(line)
        .exits(8)
        .says("--follow");
    place
        .run(&format!("{line} --follow"))
        .exits(0);
}
