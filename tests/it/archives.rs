//! Archives are read like folders: the same bytes arrive whether a study comes as a folder, a zip,
//! a tar or one inside another, what is wrong with a member or an archive has its code, and nothing
//! is written anywhere.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::fixture::{self, Dicom, PATH_MARK, Person, damaged};
use crate::run::{Place, Ran, native};
use crate::server::{Request, Site};

const FLAGS: &str = "-p demo/phantom --profile basic --json";
/// A dry run without any server, with one event per file.
const LOOK: &str = "-p demo/phantom --profile basic --offline --dry-run --json";

type Members<'a> = Vec<(&'a str, Vec<u8>)>;

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

/// Two series and two files that are not DICOM.
fn study() -> Members<'static> {
    vec![
        ("ct/IM0001", slice(1)),
        ("ct/IM0002", slice(2)),
        ("ct/IM0003", slice(3)),
        ("mr/IM0001.dcm", Dicom::mr(&Person::plain()).bytes()),
        ("notes.txt", b"calibration of monday".to_vec()),
        ("mr/empty.dcm", Vec::new()),
    ]
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip_by(method: CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        zip.start_file(*name, options)
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip_by(CompressionMethod::Deflated, members)
}

pub fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

/// A member of a zip that is written as it stands here, whatever sense that makes.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    len: u32,
    data: Vec<u8>,
    extra: Vec<u8>,
    attributes: u32,
    /// The name in its own header, where that is another one.
    own_name: Option<Vec<u8>>,
    /// Where the directory says that it lies, where that is elsewhere.
    at: Option<u32>,
}

impl Raw {
    fn stored(name: impl Into<Vec<u8>>, data: &[u8]) -> Self {
        Self {
            name: name.into(),
            flags: 0,
            method: 0,
            crc: crc32fast::hash(data),
            len: u32::try_from(data.len()).unwrap(),
            data: data.to_vec(),
            extra: Vec::new(),
            attributes: 0,
            own_name: None,
            at: None,
        }
    }

    fn write(members: &[Self]) -> Vec<u8> {
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        for member in members {
            let at = member
                .at
                .unwrap_or(u32::try_from(zip.len()).unwrap());
            let packed = u32::try_from(member.data.len()).unwrap();
            let own = member
                .own_name
                .as_ref()
                .unwrap_or(&member.name);
            let numbers = |name: &[u8], extra: usize| {
                let mut numbers = vec![20, 0];
                numbers.extend(member.flags.to_le_bytes());
                numbers.extend(member.method.to_le_bytes());
                numbers.extend([0; 4]);
                for number in [member.crc, packed, member.len] {
                    numbers.extend(number.to_le_bytes());
                }
                numbers.extend(
                    u16::try_from(name.len())
                        .unwrap()
                        .to_le_bytes(),
                );
                numbers.extend(
                    u16::try_from(extra)
                        .unwrap()
                        .to_le_bytes(),
                );
                numbers
            };
            zip.extend(b"PK\x03\x04");
            zip.extend(numbers(own, 0));
            zip.extend(own);
            zip.extend(&member.data);
            directory.extend(b"PK\x01\x02\x14\x03");
            directory.extend(numbers(&member.name, member.extra.len()));
            directory.extend([0; 6]);
            directory.extend(member.attributes.to_le_bytes());
            directory.extend(at.to_le_bytes());
            directory.extend(&member.name);
            directory.extend(&member.extra);
        }
        let (count, begins) = (
            u16::try_from(members.len()).unwrap(),
            u32::try_from(zip.len()).unwrap(),
        );
        zip.extend(&directory);
        zip.extend(b"PK\x05\x06\0\0\0\0");
        zip.extend(count.to_le_bytes());
        zip.extend(count.to_le_bytes());
        zip.extend(
            u32::try_from(directory.len())
                .unwrap()
                .to_le_bytes(),
        );
        zip.extend(begins.to_le_bytes());
        zip.extend([0; 2]);
        zip
    }
}

/// The path and what became of it, for every file that did not go through.
fn left(ran: &Ran<'_>) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| {
        value
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let skipped = ran.events_of("skipped");
    let failed = ran.events_of("failed");
    let mut left: Vec<_> = skipped
        .iter()
        .map(|e| (text(&e["path"]), text(&e["reason"])))
        .chain(
            failed
                .iter()
                .map(|e| (text(&e["path"]), text(&e["code"]))),
        )
        .collect();
    left.sort();
    left
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(path, what)| (native(path), (*what).to_owned()))
        .collect()
}

fn look<'a>(place: &'a Place, arguments: &str, code: i32) -> Ran<'a> {
    place
        .run(arguments)
        .args(LOOK.split(' '))
        .exits(code)
}

#[track_caller]
fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

#[test]
fn a_study_arrives_as_the_same_bytes_however_it_was_packed() {
    let study = study();
    let folder = Place::with(
        study
            .iter()
            .map(|(name, bytes)| (format!("study/{name}"), bytes)),
    );
    let site = Site::start();
    folder
        .run("study")
        .args(FLAGS.split(' '))
        .at(&site)
        .exits(0);
    let expected: BTreeMap<_, _> = site
        .uploaded()
        .into_iter()
        .collect();
    assert_eq!(expected.len(), 2);
    let inner = zip(&study);
    let stored = zip_by(CompressionMethod::Stored, &study);
    let nested = |bytes: &[u8]| vec![("in/inner.zip", bytes.to_vec())];
    for (name, bytes) in [
        ("study.zip", inner.clone()),
        ("stored.zip", stored.clone()),
        ("study.tar", tar(&study)),
        ("study.tgz", gzip(&tar(&study))),
        ("named as nothing", gzip(&tar(&study))),
        ("outer.zip", zip(&nested(&inner))),
        (
            "stored-outer.zip",
            zip_by(CompressionMethod::Stored, &nested(&stored)),
        ),
        ("outer.tar", tar(&nested(&inner))),
        ("outer.tgz", gzip(&tar(&nested(&inner)))),
        ("tgz-in.zip", zip(&[("x.tgz", gzip(&tar(&study)))])),
        ("study.zip.gz", gzip(&inner)),
    ] {
        for named in [true, false] {
            let place = Place::with([(format!("study/{name}"), &bytes)]);
            let site = Site::start();
            let path = place.path(format!("study/{name}"));
            let input = if named { path } else { place.path("study") };
            let ran = place
                .run("")
                .args([input])
                .args(FLAGS.split(' '))
                .at(&site)
                .exits(0);
            let arrived: BTreeMap<_, _> = site
                .uploaded()
                .into_iter()
                .collect();
            assert!(arrived == expected, "{name}: {:?}", arrived.keys());
            assert_eq!(
                (total(&ran, "found"), total(&ran, "skipped")),
                (6, 2),
                "{name}"
            );
        }
    }
}

#[test]
fn single_files_that_were_compressed_are_read_too() {
    let place = Place::with([
        ("study/IM1.dcm.gz", gzip(&slice(1))),
        ("study/IM2.GZ", gzip(&damaged::bare(&slice(2)))),
        ("study/notes.txt.gz", gzip(b"calibration of monday")),
    ]);
    let ran = look(&place, "study", 0);
    assert_eq!(total(&ran, "prepared"), 2);
    assert_eq!(left(&ran), pairs(&[("study/notes.txt.gz", "not-dicom")]));
    let place = Place::with([("IM1.dcm.gz", gzip(&damaged::truncated(&slice(1))))]);
    let ran = look(&place, "IM1.dcm.gz", 9);
    assert_eq!(
        left(&ran),
        pairs(&[("IM1.dcm.gz::IM1.dcm", "read.truncated")])
    );
}

#[test]
fn packages_that_fwupload_wrote_are_read_like_any_zip() {
    let place = Place::with([("study/1.dcm", slice(1)), ("study/2.dcm", slice(2))]);
    place
        .run("study -p demo/phantom --profile basic --offline --output out")
        .exits(0);
    let ran = look(&place, "out", 0);
    assert_eq!(total(&ran, "prepared"), 2);
    let ran = look(&place, "out --archives skip", 8);
    assert!(
        left(&ran)
            .iter()
            .all(|(_, reason)| reason == "own-package")
    );
}

#[test]
fn archives_are_skipped_or_fail_where_that_is_asked_for() {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/more.zip", zip(&[("IM2", slice(2))])),
        ("study/more.tar", tar(&[("IM3", slice(3))])),
        ("study/IM4.gz", gzip(&slice(4))),
        ("study/t1.nii.gz", gzip(b"n+1 and so on")),
        (
            "study/report.docx",
            zip(&[("[Content_Types].xml", b"<Types/>".to_vec())]),
        ),
    ]);
    let archives = ["study/IM4.gz", "study/more.tar", "study/more.zip"];
    let others = ["study/report.docx", "study/t1.nii.gz"];
    let expected = |what: &str| {
        let mut all: Vec<_> = archives
            .iter()
            .map(|path| (native(path), what.to_owned()))
            .chain(
                others
                    .iter()
                    .map(|path| (native(path), "not-dicom".to_owned())),
            )
            .collect();
        all.sort();
        all
    };
    let ran = look(&place, "study --archives skip", 0);
    assert_eq!(left(&ran), expected("archive"));
    ran.says("--archives read");
    let ran = look(&place, "study --archives fail", 3);
    assert_eq!(left(&ran), expected("discover.archive"));
    let ran = look(&place, "study/more.zip --archives skip", 9);
    assert_eq!(left(&ran), pairs(&[("study/more.zip", "discover.archive")]));
    let ran = look(&place, "study/more.zip::IM2 --archives skip", 9);
    assert_eq!(
        left(&ran),
        pairs(&[("study/more.zip::IM2", "discover.archive")])
    );
    let ran = look(&place, "study", 0);
    assert_eq!(total(&ran, "prepared"), 4);
}

#[test]
fn archives_of_other_kinds_are_skipped_when_found_and_fail_when_named() {
    let mut disc = vec![0; 40 << 10];
    disc[32769..32774].copy_from_slice(b"CD001");
    let files = [
        ("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04 and so on".to_vec()),
        ("a.rar", b"Rar!\x1A\x07\x01\0 and so on".to_vec()),
        ("a.bz2", b"BZh91AY&SY and so on".to_vec()),
        ("a.xz", b"\xFD7zXZ\0 and so on".to_vec()),
        ("a.zst", b"\x28\xB5\x2F\xFD and so on".to_vec()),
        ("a.zip", b"PK\x07\x08PK\x03\x04 and so on".to_vec()),
        ("a.iso", disc),
    ];
    let place = Place::with(
        files
            .iter()
            .map(|(name, bytes)| (format!("study/{name}"), bytes)),
    );
    place.file("study/1.dcm", slice(1));
    let ran = look(&place, "study", 0);
    assert_eq!(left(&ran).len(), files.len());
    assert!(
        left(&ran)
            .iter()
            .all(|(_, reason)| reason == "archive")
    );
    for (name, _) in &files {
        let ran = look(&place, &format!("study/{name}"), 9);
        assert_eq!(
            left(&ran),
            pairs(&[(&format!("study/{name}"), "discover.archive")])
        );
        ran.says("unpack it");
    }
}

#[test]
fn an_archive_without_dicom_is_one_file_that_is_not_dicom() {
    let notes = vec![
        ("a.txt", b"calibration of monday".to_vec()),
        ("b.txt", b"of friday".to_vec()),
    ];
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("study/notes.zip", zip(&notes)),
        ("study/notes.tgz", gzip(&tar(&notes))),
        ("study/in.zip", zip(&[("notes.zip", zip(&notes))])),
    ]);
    let ran = look(&place, "study", 0);
    assert_eq!(
        left(&ran),
        pairs(&[
            ("study/in.zip", "not-dicom"),
            ("study/notes.tgz", "not-dicom"),
            ("study/notes.zip", "not-dicom"),
        ])
    );
    let ran = look(&place, "study/notes.zip", 9);
    assert_eq!(left(&ran), pairs(&[("study/notes.zip", "read.not-dicom")]));
    let ran = look(&place, "study --other-files upload -y", 0);
    assert_eq!(total(&ran, "prepared"), 4);
}

#[test]
fn members_that_are_not_dicom_follow_the_rules_for_files() {
    let members = vec![
        ("ct/IM1", slice(1)),
        ("ct/notes.txt", b"calibration of monday".to_vec()),
        ("ct/hidden.bin", [b"x", &slice(2)[..]].concat()),
        ("ct/texts.zip", zip(&[("a.txt", b"text".to_vec())])),
    ];
    let place = Place::with([("study/all.zip", zip(&members))]);
    let site = Site::start();
    let ran = place
        .run("study --other-files upload -y")
        .args(FLAGS.split(' '))
        .at(&site)
        .exits(3);
    assert_eq!(
        ran.failures(),
        pairs(&[("hidden.bin", "discover.holds-dicom")])
    );
    let others: Vec<_> = ran
        .events_of("uploaded")
        .into_iter()
        .filter(|event| event["receipt"]["other_file"] == true)
        .map(|event| {
            let path = event["path"]
                .as_str()
                .unwrap()
                .to_owned();
            (path, event["receipt"]["acquisition"].is_string())
        })
        .collect();
    assert_eq!(others.len(), 2, "{others:?}");
    assert!(
        site.uploaded()
            .iter()
            .any(|(_, bytes)| bytes == b"calibration of monday")
    );
    let ran = look(&place, "study --other-files fail", 3);
    assert!(
        left(&ran).contains(&(
            native("study/all.zip::ct/notes.txt"),
            "discover.other-file".to_owned()
        )),
        "{:?}",
        left(&ran)
    );
}

#[test]
fn filters_see_members() {
    let place = Place::with([
        (
            "study/a.zip",
            zip(&[("s1/1.dcm", slice(1)), ("s2/2.img", slice(2))]),
        ),
        ("study/b.tar", tar(&[("s1/3.dcm", slice(3))])),
        (
            "study/c.zip",
            zip(&[("in.zip", zip(&[("s1/5.dcm", slice(5))]))]),
        ),
        ("study/4.dcm", slice(4)),
    ]);
    let goes = |filters: &str| {
        let ran = look(&place, &format!("study {filters}"), 0);
        let mut paths: Vec<_> = ran
            .events_of("deidentified")
            .iter()
            .map(|event| {
                event["path"]
                    .as_str()
                    .unwrap()
                    .trim_start_matches(&native("study/"))
                    .to_owned()
            })
            .collect();
        paths.sort();
        paths.join(" ")
    };
    let all = "4.dcm a.zip::s1/1.dcm a.zip::s2/2.img b.tar::s1/3.dcm c.zip::in.zip::s1/5.dcm";
    assert_eq!(goes(""), all);
    assert_eq!(
        goes("--include *.dcm"),
        "4.dcm a.zip::s1/1.dcm b.tar::s1/3.dcm c.zip::in.zip::s1/5.dcm"
    );
    assert_eq!(goes("--exclude s1/"), "4.dcm a.zip::s2/2.img");
    assert_eq!(
        goes("--exclude a.zip"),
        "4.dcm b.tar::s1/3.dcm c.zip::in.zip::s1/5.dcm"
    );
    assert_eq!(goes("--include a.zip"), "a.zip::s1/1.dcm a.zip::s2/2.img");
    assert_eq!(goes("--include *.zip::*.img"), "a.zip::s2/2.img");
    assert_eq!(goes("--include ::s1/"), "a.zip::s1/1.dcm b.tar::s1/3.dcm");
    assert_eq!(goes("--include c.zip::in.zip"), "c.zip::in.zip::s1/5.dcm");
    assert_eq!(
        goes("--exclude a.zip::s1/1.dcm"),
        "4.dcm a.zip::s2/2.img b.tar::s1/3.dcm c.zip::in.zip::s1/5.dcm"
    );
    assert_eq!(
        goes("--exclude a.zip --include a.zip::s1/"),
        "4.dcm a.zip::s1/1.dcm b.tar::s1/3.dcm c.zip::in.zip::s1/5.dcm"
    );
    place
        .run("study --include a.zip::")
        .args(LOOK.split(' '))
        .exits(2);
}

#[test]
fn a_member_can_be_named_and_a_failure_report_names_those_that_failed() {
    let broken = damaged::truncated(&slice(3));
    let members = vec![
        ("ct/IM1", slice(1)),
        ("ct/IM2", slice(2)),
        ("other/notes.txt", b"notes".to_vec()),
    ];
    let nested = vec![("deep/IM4", slice(4)), ("deep/IM3", broken)];
    let place = Place::with([
        ("study/a.zip", zip(&members)),
        ("study/b.tgz", gzip(&tar(&[("in.zip", zip(&nested))]))),
    ]);
    let ran = look(&place, "study/a.zip::ct/IM2", 0);
    assert_eq!(total(&ran, "found"), 1);
    let ran = look(
        &place,
        "study/a.zip::ct/IM9 study/a.zip::other/notes.txt study/none.zip::x",
        9,
    );
    assert_eq!(
        left(&ran),
        pairs(&[
            ("study/a.zip::ct/IM9", "discover.not-found"),
            ("study/a.zip::other/notes.txt", "read.not-dicom"),
            ("study/none.zip::x", "discover.not-found"),
        ])
    );
    // Each once, whatever else leads to it.
    let ran = look(&place, "study study/a.zip::ct/IM1", 3);
    assert_eq!((total(&ran, "found"), total(&ran, "prepared")), (5, 3));
    // A named archive in an archive is a folder.
    let ran = look(&place, "study/b.tgz::in.zip", 3);
    assert_eq!((total(&ran, "found"), total(&ran, "prepared")), (2, 1));

    let site = Site::start();
    place
        .run("study --report failed.jsonl")
        .args(FLAGS.split(' '))
        .at(&site)
        .exits(3);
    let ran = look(&place, "--files-from failed.jsonl", 3);
    assert!(
        left(&ran).contains(&(
            native("study/b.tgz::in.zip::deep/IM3"),
            "read.truncated".to_owned()
        )),
        "{:?}",
        left(&ran)
    );
    // The others are of its series, and go in one package with it.
    assert_eq!((total(&ran, "found"), total(&ran, "prepared")), (4, 3));
    place.file(
        "list",
        "study/a.zip::ct/IM1\nstudy/b.tgz::in.zip::deep/IM4\n",
    );
    let ran = look(&place, "--files-from list", 0);
    assert_eq!((total(&ran, "found"), total(&ran, "prepared")), (2, 2));
}

/// Windows has no names with colons.
#[cfg(unix)]
#[test]
fn a_file_that_is_named_like_a_member_is_a_file() {
    let place = Place::with([
        ("study/a.zip", zip(&[("IM1", slice(1)), ("IM2", slice(2))])),
        ("study/odd::name.dcm", slice(7)),
    ]);
    let ran = look(&place, "study/a.zip::IM2 study/odd::name.dcm", 0);
    assert_eq!(total(&ran, "found"), 2);
    let ran = look(&place, "study study/a.zip::IM1", 0);
    assert_eq!((total(&ran, "found"), total(&ran, "prepared")), (3, 3));
}

#[test]
fn a_second_run_cleans_and_sends_nothing() {
    let place = Place::with([
        (
            "study/a.zip",
            zip(&[("ct/IM1", slice(1)), ("ct/IM2", slice(2))]),
        ),
        (
            "study/b.tgz",
            gzip(&tar(&[("mr", Dicom::mr(&Person::plain()).bytes())])),
        ),
    ]);
    let site = Site::start();
    let run = || {
        place
            .run("study")
            .args(FLAGS.split(' '))
            .at(&site)
            .exits(0)
    };
    assert_eq!(total(&run(), "uploaded"), 3);
    let requests = site
        .requests_to("POST", "/api/acquisitions/*/files")
        .len();
    let again = run();
    assert_eq!(total(&again, "already_there"), 3);
    assert!(
        again
            .events_of("deidentified")
            .is_empty()
    );
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions/*/files")
            .len(),
        requests
    );
    // A member of the same name that is another one counts as new.
    place.file(
        "study/a.zip",
        zip(&[
            ("ct/IM1", slice(1)),
            ("ct/IM2", slice(2)),
            ("ct/IM3", slice(3)),
        ]),
    );
    let changed = run();
    assert_eq!(
        changed
            .events_of("deidentified")
            .len(),
        3
    );
}

#[test]
fn a_rehearsal_and_an_output_folder_take_members() {
    let place = Place::with([("a.zip", zip(&study()))]);
    let ran = look(&place, "a.zip", 0);
    assert_eq!(total(&ran, "prepared"), 4);
    place
        .run("a.zip -p demo/phantom --profile basic --offline --output out")
        .exits(0);
    let names: Vec<_> = place
        .tree("out")
        .into_iter()
        .filter(|(name, _)| name.contains(".dicom"))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn names_that_are_no_place_fail_alone_and_nothing_is_written() {
    let good = Raw::stored("ok", &slice(1));
    let bad: [&[u8]; 9] = [
        b"../IM2",
        b"a/../../IM2",
        b"/etc/IM2",
        b"C:/IM2",
        b"..\\IM2",
        b"a\\IM2",
        b"a\x1b[2J",
        b"a::b",
        &[b'n'; 5000],
    ];
    let members: Vec<_> = std::iter::once(good)
        .chain(
            bad.iter()
                .map(|name| Raw::stored(*name, &slice(2))),
        )
        .collect();
    let place = Place::with([("in/a.zip", Raw::write(&members))]);
    let ran = look(&place, "in", 3);
    assert_eq!(total(&ran, "prepared"), 1);
    let left = left(&ran);
    assert_eq!(left.len(), bad.len());
    assert!(
        left.iter()
            .all(|(path, code)| code == "discover.member-name" && path.len() < 1000),
        "{left:?}"
    );
    assert!(!ran.stderr.contains('\u{1b}'));
    assert_eq!(place.tree("").len(), 1, "{:?}", place.tree("").len());
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..9].copy_from_slice(b"../../IM2");
    header.set_size(slice(2).len() as u64);
    header.set_cksum();
    builder
        .append(&header, slice(2).as_slice())
        .unwrap();
    let place = Place::with([("in/a.tar", builder.into_inner().unwrap())]);
    let ran = look(&place, "in", 9);
    assert_eq!(left_codes(&ran), ["discover.member-name"]);
}

fn left_codes(ran: &Ran<'_>) -> Vec<String> {
    left(ran)
        .into_iter()
        .map(|(_, code)| code)
        .collect()
}

#[test]
fn of_members_of_one_name_none_is_sent() {
    let zip = Raw::write(&[
        Raw::stored("a", &slice(1)),
        Raw::stored("./a", &slice(2)),
        Raw::stored("b", &slice(3)),
    ]);
    let tar = tar(&[("a", slice(1)), ("b", slice(3)), ("a", slice(2))]);
    for (name, bytes) in [("x.zip", zip), ("x.tar", tar)] {
        let place = Place::with([(name, bytes)]);
        let ran = look(&place, name, 3);
        assert_eq!(total(&ran, "prepared"), 1);
        assert_eq!(
            left_codes(&ran),
            ["discover.member-name", "discover.member-name"]
        );
    }
}

#[test]
fn links_devices_encrypted_and_strangely_packed_members_fail_alone() {
    let bytes = slice(1);
    let with = |change: &dyn Fn(&mut Raw)| {
        let mut raw = Raw::stored("x", &bytes);
        change(&mut raw);
        raw
    };
    let kinds = [
        (with(&|raw| raw.flags = 1), "discover.encrypted"),
        (with(&|raw| raw.method = 99), "discover.encrypted"),
        (with(&|raw| raw.method = 14), "discover.member-kind"),
        (with(&|raw| raw.method = 9), "discover.member-kind"),
        (
            with(&|raw| raw.attributes = 0o120_777 << 16),
            "discover.member-kind",
        ),
        (
            with(&|raw| raw.attributes = 0o020_666 << 16),
            "discover.member-kind",
        ),
        (with(&|raw| raw.crc ^= 1), "read.damaged-member"),
        (with(&|raw| raw.len += 1), "read.damaged-member"),
        (
            with(&|raw| raw.own_name = Some(b"y".to_vec())),
            "read.damaged-member",
        ),
        (with(&|raw| raw.at = Some(0)), "read.damaged-member"),
        (with(&|raw| raw.at = Some(9_999_999)), "read.damaged-member"),
        (with(&|raw| raw.method = 8), "read.damaged-member"),
    ];
    for (at, (raw, code)) in kinds.iter().enumerate() {
        let place = Place::with([(
            "x.zip",
            Raw::write(&[
                Raw::stored("z", &slice(9)),
                Raw::stored("a", &slice(2)),
                raw.clone(),
            ]),
        )]);
        let ran = look(&place, "x.zip", 3);
        let codes = left_codes(&ran);
        assert!(
            codes.iter().all(|c| c == code) && !codes.is_empty(),
            "{at}: {:?}",
            left(&ran)
        );
        assert!(total(&ran, "prepared") >= 1, "{at}");
        assert_eq!(total(&ran, "found"), 3, "{at}");
    }
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind) in [
        ("link", tar::EntryType::Symlink),
        ("hard", tar::EntryType::Link),
        ("device", tar::EntryType::Char),
        ("pipe", tar::EntryType::Fifo),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("IM1").unwrap();
        builder
            .append_data(&mut header, name, std::io::empty())
            .unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder
        .append_data(&mut header, "IM1", bytes.as_slice())
        .unwrap();
    let place = Place::with([("x.tar", builder.into_inner().unwrap())]);
    let ran = look(&place, "x.tar", 3);
    assert_eq!(total(&ran, "prepared"), 1);
    assert_eq!(left_codes(&ran), ["discover.member-kind"; 4]);
}

#[test]
fn archives_that_are_cut_off_or_went_on_fail_as_a_whole() {
    let members = study();
    let (zip, tar) = (zip(&members), tar(&members));
    let tgz = gzip(&tar);
    let mut wrong_sum = tgz.clone();
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let files = [
        ("cut.zip", zip[..zip.len() - 30].to_vec()),
        ("half.zip", zip[..zip.len() / 2].to_vec()),
        ("more.zip", [&zip[..], b"more"].concat()),
        ("cut.tar", tar[..tar.len() - 3000].to_vec()),
        ("without-end.tar", tar[..tar.len() - 1024].to_vec()),
        ("more.tar", [&tar[..], b"more"].concat()),
        ("cut.tgz", tgz[..tgz.len() - 20].to_vec()),
        ("sum.tgz", wrong_sum),
        ("more.tgz", [&tgz[..], b"more"].concat()),
    ];
    let place = Place::with(
        files
            .iter()
            .map(|(name, bytes)| (format!("study/{name}"), bytes)),
    );
    let ran = look(&place, "study", 9);
    assert_eq!(left(&ran).len(), files.len(), "{:?}", left(&ran));
    assert!(
        left_codes(&ran)
            .iter()
            .all(|code| code == "discover.damaged-archive"),
        "{:?}",
        left(&ran)
    );
    let place = Place::with([(
        "study/outer.zip",
        self::zip(&[("bad.zip", files[0].1.clone()), ("IM1", slice(1))]),
    )]);
    let ran = look(&place, "study", 3);
    assert_eq!(
        left(&ran),
        pairs(&[("study/outer.zip::bad.zip", "discover.damaged-archive")])
    );
    assert_eq!(total(&ran, "prepared"), 1);
}

#[test]
fn bounds_hold() {
    let two = zip(&[("in.zip", zip(&[("IM2", slice(2))])), ("IM1", slice(1))]);
    let three = zip(&[("mid.zip", two)]);
    let place = Place::with([("deep.zip", three)]);
    let ran = look(&place, "deep.zip", 3);
    assert_eq!(
        left(&ran),
        pairs(&[("deep.zip::mid.zip::in.zip", "discover.archive-limit")])
    );
    assert_eq!(total(&ran, "prepared"), 1);

    let bomb = Raw {
        method: 8,
        len: u32::MAX - 1,
        ..Raw::stored("bomb", &[0; 4096])
    };
    let place = Place::with([(
        "x.zip",
        Raw::write(&[bomb.clone(), Raw::stored("IM1", &slice(1))]),
    )]);
    let ran = look(&place, "x.zip", 3);
    assert_eq!(left_codes(&ran), ["read.damaged-member"]);
    let place = Place::with([("x.zip", Raw::write(&[bomb.clone(), bomb]))]);
    let ran = look(&place, "x.zip", 9);
    assert_eq!(left_codes(&ran), ["discover.archive-limit"]);

    let many: Vec<_> = (0..1_000_001_u32)
        .map(|_| Raw::stored(*b"f", b""))
        .collect();
    let place = Place::with([("many.zip", many_members(&many))]);
    let ran = look(&place, "many.zip", 9);
    assert_eq!(left_codes(&ran), ["discover.archive-limit"]);
}

/// A zip64 of this number of members that lie in one place.
fn many_members(members: &[Raw]) -> Vec<u8> {
    let one = Raw::write(&members[..1]);
    let head = 30 + members[0].name.len();
    let entry = &one[head..one.len() - 22];
    let mut zip = one[..head].to_vec();
    let directory_at = zip.len() as u64;
    for _ in members {
        zip.extend(entry);
    }
    let end = zip.len() as u64;
    zip.extend(b"PK\x06\x06");
    zip.extend(44_u64.to_le_bytes());
    zip.extend([45, 0, 45, 0]);
    zip.extend([0; 8]);
    for number in [
        members.len() as u64,
        members.len() as u64,
        end - directory_at,
        directory_at,
    ] {
        zip.extend(number.to_le_bytes());
    }
    zip.extend(b"PK\x06\x07\0\0\0\0");
    zip.extend(end.to_le_bytes());
    zip.extend(1_u32.to_le_bytes());
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([0xFF; 12]);
    zip.extend([0; 2]);
    zip
}

#[test]
fn names_are_shown_in_the_letters_that_they_were_written_in() {
    let japanese = b"\x93\xFA\x96\x7B/\x83e\x83X\x83g.dcm";
    let unicode = Raw {
        extra: {
            let name = "Zoë.dcm".as_bytes();
            let mut extra = b"\x75\x70".to_vec();
            extra.extend(
                u16::try_from(name.len() + 5)
                    .unwrap()
                    .to_le_bytes(),
            );
            extra.push(1);
            extra.extend(crc32fast::hash(b"Zo_.dcm").to_le_bytes());
            extra.extend(name);
            extra
        },
        ..Raw::stored(*b"Zo_.dcm", b"no DICOM 1")
    };
    let marked = Raw {
        flags: 1 << 11,
        ..Raw::stored("Ωmega".as_bytes(), b"no DICOM 2")
    };
    let members = [
        Raw::stored(*b"IM1", &slice(1)),
        Raw::stored(*b"M\x81nchen.dcm", b"no DICOM 3"),
        Raw::stored(*japanese, b"no DICOM 4"),
        unicode,
        marked,
    ];
    let place = Place::with([("x.zip", Raw::write(&members))]);
    let ran = look(&place, "x.zip", 0);
    let mut names: Vec<_> = left(&ran)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "x.zip::München.dcm",
            "x.zip::Zoë.dcm",
            "x.zip::Ωmega",
            "x.zip::日本/テスト.dcm"
        ]
    );
}

#[test]
fn names_of_archives_and_members_stay_here() {
    let person = Person::plain();
    let names = [
        format!("{PATH_MARK}_Doe/IM1.dcm"),
        format!("{PATH_MARK}_Doe/IM2.dcm"),
        format!("{PATH_MARK}_Doe/notes.txt"),
    ];
    let members = vec![
        (names[0].as_str(), Dicom::ct(&person, 1).bytes()),
        (
            names[1].as_str(),
            damaged::truncated(&Dicom::ct(&person, 2).bytes()),
        ),
        (names[2].as_str(), b"notes".to_vec()),
    ];
    let place = Place::with([
        (format!("study/{PATH_MARK}.zip"), zip(&members)),
        (format!("study/{PATH_MARK}.tgz"), gzip(&tar(&members[..1]))),
    ]);
    let site = Site::start();
    let ran = place
        .run("study -vv --redact-paths --other-files upload -y")
        .args(FLAGS.split(' '))
        .at(&site)
        .exits(3);
    let holds = |bytes: &[u8]| {
        !fixture::found_in(bytes).is_empty() || String::from_utf8_lossy(bytes).contains(PATH_MARK)
    };
    for request in site.requests() {
        assert!(!holds(&Request::everything(&request)), "{}", request.target);
    }
    for (name, bytes) in site.kept() {
        assert!(!holds(name.as_bytes()) && !holds(&bytes), "{name}");
        if crate::archive::is_zip(&bytes) {
            for (name, content) in crate::archive::members(&bytes) {
                assert!(!holds(name.as_bytes()) && !holds(&content));
            }
        }
    }
    for (name, bytes) in crate::run::tree(&place.state()) {
        assert!(!holds(name.as_bytes()) && !holds(&bytes), "{name}");
    }
    let written = format!("{}{}{:?}", ran.stdout, ran.stderr, ran.report());
    assert!(!holds(written.as_bytes()), "{written}");
}

#[test]
fn an_archive_that_may_still_arrive_waits_with_all_in_it() {
    let place = Place::with([("study/a.zip", zip(&[("IM1", slice(1)), ("IM2", slice(2))]))]);
    let ran = look(&place, "study --min-age 10m", 0);
    assert_eq!(
        left(&ran),
        pairs(&[
            ("study/a.zip::IM1", "still-arriving"),
            ("study/a.zip::IM2", "still-arriving"),
        ])
    );
}

#[test]
fn a_table_of_subjects_sees_archives_as_folders() {
    let table = "path,subject\nvisit1.zip,S001\nvisit2.tar/b,S002\n";
    let two = Dicom::ct(&Person::numbered(2), 1).bytes();
    let place = Place::with([
        ("study/visit1.zip", zip(&[("a/IM1", slice(1))])),
        ("study/visit2.tar", tar(&[("b/IM1", two)])),
        ("codes.csv", table.as_bytes().to_vec()),
    ]);
    let site = Site::start();
    place
        .run("study --subjects codes.csv")
        .args(FLAGS.split(' '))
        .at(&site)
        .exits(0);
    let mut labels: Vec<_> = site
        .containers("subjects")
        .iter()
        .map(|subject| {
            subject["label"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    labels.sort();
    assert_eq!(labels, ["S001", "S002"]);
}
