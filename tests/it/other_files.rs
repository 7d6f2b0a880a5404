//! What is DICOM and what may go as it is: DICOM is cleaned whatever it is called, and nothing that
//! holds DICOM goes uncleaned.

use std::io::{Cursor, Write};

use dicom_dictionary_std::uids;
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixture::{self, Dicom, MARK, Person, damaged, data_set};
use crate::run::{Place, Ran};
use crate::server::{Request, Site};

const USUAL: &str = "study -p demo/phantom --profile basic --json";
const UPLOAD: &str = "study -p demo/phantom --profile basic --json --other-files upload -y";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A tar of one member.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[148..156].copy_from_slice(b"        ");
    block[156..157].copy_from_slice(b"0");
    let sum: u64 = block
        .iter()
        .map(|byte| u64::from(*byte))
        .sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = [&block, content].concat();
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

/// The header of a NIfTI-1 file.
fn nifti() -> Vec<u8> {
    let mut bytes = vec![0; 352];
    bytes[..4].copy_from_slice(&348_u32.to_le_bytes());
    bytes[148..155].copy_from_slice(b"descrip");
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes
}

/// No identifying value went out or was kept, members of zips included.
#[track_caller]
fn nothing_identifies(site: &Site) {
    let mut everything: Vec<u8> = site
        .requests()
        .iter()
        .flat_map(Request::everything)
        .collect();
    for (name, bytes) in site.kept() {
        if crate::archive::is_zip(&bytes) {
            everything.extend(
                crate::archive::members(&bytes)
                    .into_iter()
                    .flat_map(|(_, content)| content),
            );
        }
        everything.extend(name.into_bytes());
        everything.extend(bytes);
    }
    assert!(fixture::found_in(&everything).is_empty());
}

fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

#[test]
fn a_data_set_without_preamble_is_cleaned_whatever_it_is_called() {
    let big = Dicom::ct(&Person::plain(), 2)
        .syntax("1.2.840.10008.1.2.2")
        .bytes();
    let implicit = Dicom::ct(&Person::plain(), 3)
        .syntax(uids::IMPLICIT_VR_LITTLE_ENDIAN)
        .bytes();
    let place = Place::with([
        ("study/IM000001", damaged::bare(&slice(1))),
        ("study/image.txt", data_set(&big).to_vec()),
        ("study/1.2.840.7", data_set(&implicit).to_vec()),
        ("study/meta", slice(4)[132..].to_vec()),
        ("study/no-preamble", slice(5)[128..].to_vec()),
        (
            "study/report.pdf",
            Dicom::sr(&Person::plain()).bytes()[132..].to_vec(),
        ),
        ("study/notes.txt", b"calibration of monday".to_vec()),
    ]);
    for how in [USUAL, UPLOAD] {
        let site = Site::start();
        let ran = place.run(how).at(&site).exits(0);
        assert_eq!(ran.events_of("deidentified").len(), 6);
        nothing_identifies(&site);
    }
}

#[test]
fn dicom_that_is_cut_off_and_has_no_preamble_fails_and_is_not_passed_over() {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/IM2", damaged::bare(&slice(2))[..700].to_vec()),
    ]);
    for how in [USUAL, UPLOAD] {
        let site = Site::start();
        let ran = place.run(how).at(&site).exits(3);
        assert_eq!(ran.failures(), [("IM2".into(), "read.truncated".into())]);
        nothing_identifies(&site);
    }
}

#[test]
fn nothing_that_holds_dicom_goes_as_it_is() {
    let good = slice(2);
    let bare = damaged::bare(&good);
    let letters = |four: &[u8; 4]| [&good[..128], four, &good[132..]].concat();
    let shifted = |by: usize| [&vec![0; by], &good[..]].concat();
    let behind_junk = shifted(4);
    // What begins as DICOM is cleaned in an archive too.
    let shifted_in = [
        ("scan/IM2.dcm", &behind_junk[..]),
        ("scan/notes.txt", b"notes"),
    ];
    let files = [
        ("shifted.dcm", shifted(4)),
        ("shifted-far", shifted(900_000)),
        ("odd", [b"x", &good[..]].concat()),
        ("letters.dcm", letters(b"DICN")),
        ("case.dcm", letters(b"dicm")),
        ("bare-behind-junk", [b"\x01\x02junk", &bare[..]].concat()),
        ("export.zip", zip(&shifted_in)),
        ("renamed.doc", zip(&shifted_in)),
        (
            "in.zip",
            zip(&[("inner.zip", &zip(&shifted_in)), ("a.txt", b"text")]),
        ),
        ("IM2.gz", gzip(&shifted(4))),
        ("twice.gz", gzip(&gzip(&good))),
        ("a.tar", tar("IM2", &shifted(4))),
        ("a.tgz", gzip(&tar("IM2", &shifted(4)))),
    ];
    let place = Place::with([
        ("study/ok.dcm", slice(1)),
        ("study/notes.txt", b"calibration of monday".to_vec()),
    ]);
    for (name, bytes) in &files {
        place.file(format!("study/{name}"), bytes);
    }
    let site = Site::start();
    let ran = place.run(UPLOAD).at(&site).exits(3);
    nothing_identifies(&site);
    assert_eq!(
        (total(&ran, "uploaded"), total(&ran, "failed")),
        (2, files.len() as u64)
    );
    for (name, code) in ran.failures() {
        assert_eq!(code, "discover.holds-dicom", "{name}");
    }
    assert!(ran.report().iter().all(|record| {
        record["hint"]
            .as_str()
            .unwrap()
            .contains("--exclude")
    }));
    let text = format!("{}{}{:?}", ran.stdout, ran.stderr, ran.report());
    assert!(fixture::found_in(text.as_bytes()).is_empty() && !text.contains(MARK));
    let folder =
        "study -p demo/phantom --profile basic --offline --other-files upload -y --output out";
    place.run(folder).exits(3);
    assert!(
        place
            .tree("out")
            .iter()
            .all(|(_, bytes)| fixture::found_in(bytes).is_empty())
    );
}

#[test]
fn an_archive_that_cannot_be_looked_into_does_not_go() {
    let good = zip(&[("a.txt", b"text of monday"), ("b.txt", b"text of friday")]);
    let files = [
        ("cut.zip", good[..good.len() - 30].to_vec()),
        ("more.zip", [&good[..], b"more"].concat()),
        (
            "unpacks-itself.exe",
            [b"MZ this program", &good[..]].concat(),
        ),
        ("cut.gz", gzip(&good)[..60].to_vec()),
        ("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04 and so on".to_vec()),
        ("a.rar", b"Rar!\x1A\x07\x01\0 and so on".to_vec()),
        ("a.bz2", b"BZh91AY&SY and so on".to_vec()),
        ("a.xz", b"\xFD7zXZ\0 and so on".to_vec()),
        ("a.zst", b"\x28\xB5\x2F\xFD and so on".to_vec()),
        ("a.lz4", b"\x04\x22\x4D\x18 and so on".to_vec()),
    ];
    let place = Place::with(
        files
            .iter()
            .map(|(name, bytes)| (format!("study/{name}"), bytes)),
    );
    let site = Site::start();
    let ran = place.run(UPLOAD).at(&site).exits(9);
    ran.says("unpack it");
    assert!(site.uploaded().is_empty());
    assert_eq!(total(&ran, "failed"), files.len() as u64);
    for (name, code) in ran.failures() {
        let expected = match name.as_str() {
            "cut.zip" | "more.zip" | "cut.gz" => "discover.damaged-archive",
            _ => "discover.archive",
        };
        assert_eq!(code, expected, "{name}");
    }
}

#[test]
fn other_files_are_counted_apart_and_never_stand_under_a_profile() {
    let place = Place::with([
        ("study/notes.txt", b"calibration of monday".to_vec()),
        (
            "study/notes.zip",
            zip(&[("a.txt", b"calibration of monday"), ("b.txt", b"of friday")]),
        ),
        ("study/t1.nii.gz", gzip(&nifti())),
        ("study/screen.png", b"\x89PNG\r\n\x1a\n and so on".to_vec()),
    ]);
    let site = Site::start();
    let ran = place.run(UPLOAD).at(&site).exits(0);
    ran.says("4 sent as they are, not de-identified")
        .says("1 NIfTI")
        .does_not_say("De-identified with");
    let totals = ran.end()["totals"].clone();
    assert_eq!(
        (
            &totals["uploaded"],
            &totals["as_they_are"],
            &totals["found"]
        ),
        (&4.into(), &4.into(), &4.into())
    );
    assert!(
        ran.events_of("uploaded")
            .iter()
            .all(|event| event["receipt"]["other_file"] == true)
    );
    place.file("study/1.dcm", slice(1));
    let site = Site::start();
    let ran = place
        .run(UPLOAD)
        .args(["--report", "all.jsonl"])
        .at(&site)
        .exits(0);
    ran.says("Uploaded   1 file ")
        .says("4 sent as they are")
        .says("de-identified with \"basic\"")
        .says("other files as they are");
    let totals = ran.end()["totals"].clone();
    assert_eq!(
        (&totals["uploaded"], &totals["as_they_are"]),
        (&5.into(), &4.into())
    );
    let report = std::fs::read_to_string(place.path("all.jsonl")).unwrap();
    assert!(report.contains("\"as_they_are\":4"), "{report}");
}

#[test]
fn other_files_have_to_be_asked_for_by_hand_and_confirmed() {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/notes.txt", b"calibration of monday".to_vec()),
    ]);
    let unconfirmed = UPLOAD.trim_end_matches(" -y");
    for more in ["", "--no-deid", "--output out"] {
        let site = Site::start();
        let line = if more == "--no-deid" {
            unconfirmed.replace("--profile basic", "")
        } else {
            unconfirmed.to_owned()
        };
        let ran = place
            .run(&line)
            .args(more.split_whitespace())
            .at(&site)
            .exits(5);
        ran.says("profile.unconfirmed")
            .says("files that are not DICOM");
        assert!(
            site.uploaded().is_empty() && place.tree("out").is_empty(),
            "{more}"
        );
    }
    let site = Site::start();
    place
        .run(unconfirmed)
        .args(["--dry-run"])
        .at(&site)
        .exits(0);
    let ran = place
        .run(USUAL)
        .args(["-y"])
        .env("FWUPLOAD_OTHER_FILES", "upload")
        .at(&site)
        .exits(0);
    assert_eq!((total(&ran, "uploaded"), total(&ran, "skipped")), (1, 1));
}

/// Where the other files went that a run sent: the label path below the project and the name of
/// each.
fn attached(ran: &Ran<'_>) -> Vec<(String, String)> {
    let events = ran
        .events_of("uploaded")
        .into_iter()
        .filter(|event| event["receipt"]["other_file"] == true);
    let text = |event: &serde_json::Value, name: &str| {
        event["receipt"][name]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut all: Vec<_> = events
        .map(|event| {
            (
                text(&event, "destination")
                    .trim_start_matches("demo/phantom")
                    .to_owned(),
                text(&event, "file"),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn files_of_one_name_have_names_of_their_own_and_a_second_run_sends_nothing() {
    let place = Place::with([
        ("study/a/T1.nii.gz", b"volume of the first".to_vec()),
        ("study/a/T1.json", b"of the first".to_vec()),
        ("study/b/T1.nii.gz", b"volume of the second".to_vec()),
        ("study/b/T1.bval", b"of the second".to_vec()),
        ("study/c/T1.nii.gz", b"volume of the first".to_vec()),
    ]);
    for names in ["--keep-names", ""] {
        let site = Site::start();
        let ran = place
            .run(UPLOAD)
            .args(names.split_whitespace())
            .at(&site)
            .exits(0);
        let mut distinct: Vec<_> = attached(&ran)
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        distinct.dedup();
        assert_eq!(distinct.len(), 5, "{distinct:?}");
        assert_eq!(site.uploaded().len(), 5);
        if !names.is_empty() {
            assert_eq!(
                distinct,
                [
                    "T1-2.bval",
                    "T1-2.nii.gz",
                    "T1-3.nii.gz",
                    "T1.json",
                    "T1.nii.gz"
                ]
            );
        }
        let again = place
            .run(UPLOAD)
            .args(names.split_whitespace())
            .at(&site)
            .exits(0);
        assert_eq!(
            (total(&again, "uploaded"), total(&again, "already_there")),
            (0, 5)
        );
        // A part of them is not taken for others.
        let part = place
            .run(&UPLOAD.replace("study", "study/b"))
            .args(names.split_whitespace())
            .at(&site)
            .exits(0);
        assert_eq!(
            (total(&part, "uploaded"), total(&part, "already_there")),
            (0, 2)
        );
        let kept: Vec<_> = site
            .uploaded()
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        assert!(
            kept.contains(&b"volume of the first".to_vec())
                && kept.contains(&b"volume of the second".to_vec())
        );
    }
}

#[test]
fn siblings_share_a_stem_that_says_nothing() {
    let place = Place::with([
        ("study/doe_jane.PAR", b"parameters".to_vec()),
        ("study/doe_jane.REC", b"record".to_vec()),
        ("study/other.nii.gz", b"volume".to_vec()),
    ]);
    let ran = place
        .run(UPLOAD)
        .at(&Site::start())
        .exits(0);
    let names: Vec<_> = attached(&ran)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let stems: Vec<_> = names
        .iter()
        .map(|name| name.split('.').next().unwrap())
        .collect();
    let extensions: Vec<_> = names
        .iter()
        .map(|name| name.split_once('.').unwrap().1)
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.contains("doe") && name.starts_with("file-")),
        "{names:?}"
    );
    let at = |extension: &str| {
        extensions
            .iter()
            .position(|e| *e == extension)
            .unwrap()
    };
    assert_eq!(stems[at("par")], stems[at("rec")]);
    assert_ne!(stems[at("par")], stems[at("nii.gz")]);
}

#[test]
fn a_file_goes_to_what_the_dicom_of_the_nearest_folder_has_in_common() {
    let image = |person, series, number| {
        Dicom::image(
            &Person::numbered(person),
            uids::CT_IMAGE_STORAGE,
            "CT",
            series,
            number,
            4,
        )
        .bytes()
    };
    let place = Place::with([
        ("study/1/a/1.dcm", image(1, 1, 1)),
        ("study/1/a/derived/map.txt", b"of the acquisition".to_vec()),
        ("study/1/b/1.dcm", image(1, 2, 1)),
        ("study/1/notes.txt", b"of the session".to_vec()),
        ("study/2/1.dcm", image(2, 1, 1)),
        ("study/copies/1.dcm", image(1, 1, 1)),
        (
            "study/copies/of-what.txt",
            b"of the acquisition too".to_vec(),
        ),
        ("study/readme.txt", b"of the project".to_vec()),
    ]);
    let site = Site::start();
    let ran = place
        .run(UPLOAD)
        .args(["--keep-names"])
        .at(&site)
        .exits(0);
    let depths: Vec<_> = attached(&ran)
        .into_iter()
        .map(|(path, name)| (path.matches('/').count(), name))
        .collect();
    let expected = [
        (0, "readme.txt"),
        (2, "notes.txt"),
        (3, "map.txt"),
        (3, "of-what.txt"),
    ];
    assert_eq!(
        depths,
        expected.map(|(depth, name)| (depth, name.to_owned()))
    );
    let rehearsed = place
        .run(UPLOAD)
        .args(["--keep-names", "--dry-run"])
        .at(&site)
        .exits(0);
    assert_eq!(
        (
            total(&rehearsed, "prepared"),
            total(&rehearsed, "already_there")
        ),
        (0, 7)
    );
}

#[test]
fn two_sessions_of_one_subject_have_their_subject_in_common() {
    let study = |number: u32| {
        let uid = format!("1.2.826.0.1.3680043.10.7.{number}");
        Dicom::ct(&Person::plain(), number)
            .text(
                dicom_dictionary_std::tags::STUDY_INSTANCE_UID,
                dicom_core::VR::UI,
                &uid,
            )
            .bytes()
    };
    let place = Place::with([
        ("study/p/1/1.dcm", study(1)),
        ("study/p/2/1.dcm", study(2)),
        ("study/p/consent.txt", b"text".to_vec()),
    ]);
    let ran = place
        .run(UPLOAD)
        .at(&Site::start())
        .exits(0);
    assert_eq!(
        attached(&ran)
            .into_iter()
            .map(|(path, _)| path.matches('/').count())
            .collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn where_the_dicom_beside_it_failed_a_file_is_not_placed_by_guess() {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/2.dcm", slice(2)[..500].to_vec()),
        ("study/notes.txt", b"of which of the two?".to_vec()),
    ]);
    let site = Site::start();
    let ran = place.run(UPLOAD).at(&site).exits(3);
    let mut failures = ran.failures();
    failures.sort();
    assert_eq!(failures[1], ("notes.txt".into(), "route.unclear".into()));
    place.file("study/2.dcm", slice(2));
    let ran = place.run(
        "-p demo/phantom --profile basic --json --other-files upload -y \
        --files-from fwupload-failures.jsonl",
    );
    assert_eq!(total(&ran.at(&site).exits(0), "failed"), 0);
}
