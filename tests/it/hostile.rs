//! Files, names and folders made to do harm: each has its outcome within five seconds and 256 MB,
//! and nothing panics.
//!
//! All of them are made here. They go through the built program, under the built-in `basic` and
//! under a profile in Flywheel's language.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{CODED, Dicom, Person, data_set};
use crate::run::{Place, Ran};

/// Text is looked at character by character, which takes some ten times as long where nothing is
/// optimised: those files are smaller there, and the bounds the same.
const MUCH: usize = if cfg!(debug_assertions) {
    2 << 20
} else {
    8 << 20
};

/// What one hostile file may take.
const LONGEST: Duration = Duration::from_secs(5);
const MOST_KIB: u64 = 256 << 10;

const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;

/// A data set in the making, explicit or implicit VR little endian.
#[derive(Clone)]
struct Bytes {
    explicit: bool,
    bytes: Vec<u8>,
}

impl Bytes {
    fn new(explicit: bool) -> Self {
        Self {
            explicit,
            bytes: Vec::new(),
        }
    }

    /// What every instance needs, to be followed by elements with higher tags.
    fn start(explicit: bool) -> Self {
        Self::new(explicit)
            .text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
            .text(0x0008_0018, "UI", "1.2.826.0.1.3680043.10.9999.1.1.1")
    }

    /// A header that claims a length, true or not.
    fn head(mut self, tag: u32, vr: &str, length: u32) -> Self {
        let [group, element] = [tag >> 16, tag & 0xFFFF].map(|half| u16::try_from(half).unwrap());
        self.bytes
            .extend(group.to_le_bytes());
        self.bytes
            .extend(element.to_le_bytes());
        let delimiter = group == 0xFFFE;
        if self.explicit && !delimiter {
            self.bytes.extend(vr.as_bytes());
            if [
                "OB", "OW", "SQ", "UN", "UT", "UC", "UR", "OD", "OF", "OL", "OV", "SV", "UV",
            ]
            .contains(&vr)
            {
                self.bytes.extend([0, 0]);
            } else {
                self.bytes.extend(
                    u16::try_from(length.min(0xFFFF))
                        .unwrap()
                        .to_le_bytes(),
                );
                return self;
            }
        }
        self.bytes
            .extend(length.to_le_bytes());
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    fn element(self, tag: u32, vr: &str, value: &[u8]) -> Self {
        self.head(tag, vr, u32::try_from(value.len()).unwrap())
            .raw(value)
    }

    fn text(self, tag: u32, vr: &str, value: &str) -> Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.element(tag, vr, &value)
    }

    /// Patient, study and series.
    fn patient(self) -> Self {
        self.text(0x0010_0010, "PN", "CANARY^Hostile")
            .text(0x0010_0020, "LO", "CANARY-1")
    }

    fn study(self) -> Self {
        self.text(0x0020_000D, "UI", "1.2.826.0.1.3680043.10.9999.1")
            .text(0x0020_000E, "UI", "1.2.826.0.1.3680043.10.9999.1.1")
    }

    /// The file.
    fn file(self) -> Vec<u8> {
        let syntax = if self.explicit {
            uids::EXPLICIT_VR_LITTLE_ENDIAN
        } else {
            uids::IMPLICIT_VR_LITTLE_ENDIAN
        };
        file_in(syntax, &self.bytes)
    }
}

/// A file in a transfer syntax with this data set.
fn file_in(syntax: &str, data: &[u8]) -> Vec<u8> {
    let meta = Bytes::new(true)
        .text(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0002_0003, "UI", "1.2.826.0.1.3680043.10.9999.1.1.1")
        .text(0x0002_0010, "UI", syntax);
    let length = u32::try_from(meta.bytes.len())
        .unwrap()
        .to_le_bytes();
    let group = Bytes::new(true).element(0x0002_0000, "UL", &length);
    [
        &[0; 128],
        b"DICM".as_slice(),
        &group.bytes,
        &meta.bytes,
        data,
    ]
    .concat()
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, data).unwrap();
    file_in(
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        &encoder.finish().unwrap(),
    )
}

/// Runs both profiles over a place, each within the bounds for this number of hostile files. Gives the
/// second run back.
#[track_caller]
fn survives<'p>(place: &'p Place, what: &str, files: u32) -> Ran<'p> {
    place.file("coded.yaml", CODED);
    let mut last = None;
    for profile in ["basic", "coded.yaml"] {
        let line =
            format!("study -p demo/phantom --profile {profile} --offline --dry-run --json -j 1");
        let ran = place.run(&line).ends();
        let case = format!("{what} under {profile}");
        let in_time = ran
            .cpu
            .is_none_or(|cpu| cpu < LONGEST * files);
        assert!(in_time, "{case}: {:?}", ran.cpu);
        assert!(
            ran.peak_kib
                .is_none_or(|peak| peak < MOST_KIB),
            "{case}: {:?} KiB",
            ran.peak_kib
        );
        assert!(
            matches!(ran.code, Some(0 | 3 | 8 | 9)),
            "{case}: {:?}\n{}",
            ran.code,
            ran.stderr
        );
        ran.does_not_say("defect at")
            .does_not_say("CANARY");
        assert!(
            !ran.stdout.contains("CANARY") && !ran.stdout.contains("deid.internal"),
            "{case}: {}",
            ran.stdout
        );
        let totals = &ran.end()["totals"];
        let outcomes: u64 = ["prepared", "skipped", "failed"]
            .iter()
            .map(|name| totals[name].as_u64().unwrap())
            .sum();
        assert_eq!(totals["found"].as_u64(), Some(outcomes), "{case}");
        last = Some(ran);
    }
    last.unwrap()
}

/// One heavy file in a run of its own, and the code that it fails with; none where it is accepted.
#[track_caller]
fn heavy(what: &str, file: &[u8]) -> Option<String> {
    let place = Place::with([("study/1.dcm", file)]);
    survives(&place, what, 1)
        .failures()
        .pop()
        .map(|(_, code)| code)
}

#[test]
fn every_truncation_point() {
    let nested = Bytes::start(true)
        .head(0x0008_1140, "SQ", UNDEFINED)
        .head(ITEM, "", UNDEFINED)
        .text(0x0008_1155, "UI", "1.2.3")
        .head(ITEM_END, "", 0)
        .head(ITEM, "", 0)
        .head(SEQUENCE_END, "", 0)
        .patient()
        .study()
        .head(0x7FE0_0010, "OB", UNDEFINED)
        .head(ITEM, "", 0)
        .head(ITEM, "", 4)
        .raw(&[0xFF, 0xD8, 0xFF, 0xD9])
        .head(SEQUENCE_END, "", 0)
        .element(0xFFFC_FFFC, "OB", &[0; 8]);
    let implicit = Bytes::start(false)
        .patient()
        .element(0x0009_1001, "", b"x ")
        .study()
        .element(0x7FE0_0010, "", &[1; 64]);
    let files = [
        file_in(uids::JPEG_BASELINE8_BIT, &nested.bytes),
        implicit.clone().file(),
        deflated(
            &Bytes::start(true)
                .patient()
                .study()
                .bytes,
        ),
    ];
    for (at, file) in files.iter().enumerate() {
        let place = Place::new();
        for length in 0..file.len() {
            place.file(format!("study/{length}.dcm"), &file[..length]);
        }
        survives(&place, &format!("truncations of file {at}"), 2);
    }
}

#[test]
fn claims_of_four_gigabytes_and_lengths_without_an_end() {
    let place = Place::new();
    for explicit in [true, false] {
        for (claim, length) in [
            ("4g", 0xFFFF_FFFE),
            ("2g", 0x7FFF_FFFE),
            ("endless", UNDEFINED),
        ] {
            for vr in ["OB", "OW", "SQ", "UN", "UT", "UC", "OV"] {
                let in_header = Bytes::start(explicit)
                    .head(0x0009_1010, vr, length)
                    .raw(b"abcd");
                let in_item = Bytes::start(explicit)
                    .head(0x0008_1140, "SQ", UNDEFINED)
                    .head(ITEM, "", UNDEFINED);
                let in_item = in_item
                    .head(0x0009_1010, vr, length)
                    .raw(b"abcd");
                place.file(
                    format!("study/{explicit}-{claim}-{vr}.dcm"),
                    in_header.file(),
                );
                place.file(
                    format!("study/{explicit}-{claim}-{vr}-item.dcm"),
                    in_item.file(),
                );
            }
            let item = Bytes::start(explicit)
                .head(0x0008_1140, "SQ", UNDEFINED)
                .head(ITEM, "", length)
                .raw(b"abcd");
            let pixels = Bytes::start(explicit)
                .patient()
                .study()
                .head(0x7FE0_0010, "OW", length)
                .raw(&[0; 64]);
            let fragment = pixels
                .clone()
                .head(ITEM, "", length)
                .raw(&[0; 64]);
            place.file(format!("study/{explicit}-{claim}-item.dcm"), item.file());
            place.file(
                format!("study/{explicit}-{claim}-pixels.dcm"),
                pixels.file(),
            );
            place.file(
                format!("study/{explicit}-{claim}-fragment.dcm"),
                file_in(uids::RLE_LOSSLESS, &fragment.bytes),
            );
        }
    }
    let ran = survives(&place, "claims", 2);
    assert_eq!(
        ran.end()["totals"]["prepared"],
        0,
        "none of them is what it says"
    );
}

#[test]
fn nesting_without_end() {
    const LEVELS: usize = 100_000;
    let undefined = (0..LEVELS).fold(Bytes::start(true), |data, _| {
        data.head(0x0008_1140, "SQ", UNDEFINED)
            .head(ITEM, "", UNDEFINED)
    });
    assert_eq!(
        heavy("undefined levels", &undefined.file()).as_deref(),
        Some("read.too-deep")
    );
    let un = (0..LEVELS).fold(
        Bytes::start(true).head(0x0009_1010, "UN", UNDEFINED),
        |mut data, _| {
            data.explicit = false;
            data.head(ITEM, "", UNDEFINED)
                .head(0x0009_1010, "", UNDEFINED)
        },
    );
    let un = Bytes {
        explicit: true,
        ..un
    };
    assert_eq!(
        heavy("levels inside UN", &un.file()).as_deref(),
        Some("read.too-deep")
    );
    let defined = (0..LEVELS).fold(Bytes::start(true), |data, level| {
        let left = u32::try_from((LEVELS - level) * 20).unwrap();
        data.head(0x0008_1140, "SQ", left - 12)
            .head(ITEM, "", left - 20)
    });
    assert_eq!(
        heavy("defined levels", &defined.file()).as_deref(),
        Some("read.too-deep")
    );
}

#[test]
fn deflate_bombs() {
    let text = |bytes: usize| {
        Bytes::start(true)
            .patient()
            .study()
            .element(0x0040_A160, "UT", &vec![b'A'; bytes])
            .bytes
    };
    assert_eq!(
        heavy("a bomb beyond the limit", &deflated(&text(400 << 20))).as_deref(),
        Some("read.deflate")
    );
    assert_eq!(
        heavy("a bomb below the limit", &deflated(&text(MUCH))),
        None
    );
    let twice = deflated(&deflated(&text(MUCH)));
    assert!(heavy("a bomb inside a bomb", &twice).is_some());
}

#[test]
fn headers_of_a_million_parts() {
    let start = || Bytes::start(true);
    let elements = (0..1_000_000_u32).fold(start(), |data, n| {
        data.head(
            (0x0009_0000 + ((n >> 15) << 17)) | (0x1000 + (n & 0x7FFF)),
            "US",
            2,
        )
        .raw(&[0, 1])
    });
    heavy("a million elements", &elements.file());
    let items = (0..1_000_000).fold(start().head(0x0008_1140, "SQ", UNDEFINED), |data, _| {
        data.head(ITEM, "", 0)
    });
    assert_eq!(
        heavy(
            "a million items",
            &items
                .head(SEQUENCE_END, "", 0)
                .patient()
                .study()
                .file()
        ),
        None
    );
    let pixels = start()
        .patient()
        .study()
        .head(0x7FE0_0010, "OB", UNDEFINED);
    let fragments = (0..1_000_000)
        .fold(pixels, |data, _| data.head(ITEM, "", 0))
        .head(SEQUENCE_END, "", 0);
    heavy(
        "a million fragments",
        &file_in(uids::RLE_LOSSLESS, &fragments.bytes),
    );
    let behind = start()
        .patient()
        .study()
        .element(0x7FE0_0010, "OW", &[0; 64]);
    let behind = (0..200_000_u32).fold(behind, |data, n| {
        data.head(0x7FE1_1000 + ((n >> 15) << 17) + (n & 0x7FFF), "US", 2)
            .raw(&[0, 1])
    });
    heavy("200 000 elements after the pixels", &behind.file());
    let large = start()
        .patient()
        .study()
        .element(0x7FE0_0010, "OW", &[0; 64])
        .element(0xFFFC_FFFC, "OB", &vec![7; 40 << 20]);
    heavy("forty megabytes after the pixels", &large.file());
}

#[test]
fn values_that_are_not_what_they_say() {
    let place = Place::new();
    let whole = |data: Bytes| data.patient().study().file();
    for (name, file) in [
        (
            "sequence-with-text",
            whole(Bytes::start(true).element(0x0008_1140, "SQ", b"this is no sequence!")),
        ),
        (
            "numbers-of-odd-length",
            Bytes::start(true)
                .patient()
                .study()
                .element(0x0028_0010, "US", b"abc")
                .file(),
        ),
        (
            "uid-with-words",
            Bytes::start(true)
                .patient()
                .text(0x0020_000D, "UI", "Jane Doe")
                .file(),
        ),
        (
            "unknown-vr",
            whole(Bytes::start(true).element(0x0008_1030, "??", b"text")),
        ),
        (
            "vr-of-control-characters",
            whole(Bytes::start(true).element(0x0008_1030, "\u{1}\u{2}", b"text")),
        ),
        (
            "date-with-words",
            whole(Bytes::start(true).text(0x0008_0020, "DA", "yesterday")),
        ),
        (
            "twice",
            whole(
                Bytes::start(true)
                    .text(0x0008_1030, "LO", "a")
                    .text(0x0008_1030, "LO", "b"),
            ),
        ),
        (
            "disordered",
            Bytes::start(true)
                .study()
                .patient()
                .file(),
        ),
        (
            "delimiters-of-their-own",
            whole(
                Bytes::start(true)
                    .head(ITEM_END, "", 0)
                    .head(SEQUENCE_END, "", 0),
            ),
        ),
        (
            "many-character-sets",
            whole(Bytes::start(true).text(0x0008_0005, "CS", &"ISO 2022 IR 87\\".repeat(4000))),
        ),
        (
            "no-character-set",
            whole(Bytes::start(true).text(0x0008_0005, "CS", "KLINGON")),
        ),
    ] {
        place.file(format!("study/{name}.dcm"), file);
    }
    survives(&place, "wrong values", 2);
}

#[test]
fn values_that_are_far_too_long() {
    let unknown = Bytes::start(false)
        .element(0x0009_1001, "", &b"CANARY x".repeat(60 << 17))
        .patient()
        .study()
        .file();
    assert_eq!(heavy("60 MB of an unknown attribute", &unknown), None);
    let text = Bytes::start(false)
        .patient()
        .element(0x0010_4000, "", &vec![b'X'; 9 << 20])
        .study()
        .file();
    assert_eq!(
        heavy("a comment of 9 MB", &text).as_deref(),
        Some("read.header-too-large")
    );
    let long = |tag: u32, value: Vec<u8>| {
        Bytes::start(false)
            .patient()
            .element(tag, "", &value)
            .study()
            .file()
    };
    heavy(
        "a name of megabytes",
        &Bytes::start(false)
            .element(0x0010_0010, "", &vec![b'X'; MUCH])
            .study()
            .file(),
    );
    heavy(
        "a name of a million components",
        &Bytes::start(false)
            .element(0x0010_0010, "", &b"a^".repeat(MUCH / 2))
            .study()
            .file(),
    );
    heavy(
        "millions of decimal values",
        &long(0x0018_0050, b"1\\".repeat(MUCH / 2)),
    );
    heavy(
        "millions of identifiers",
        &long(0x0010_1000, b"CANARY\\x".repeat(MUCH / 8)),
    );
    let escapes = b"\x1b$B%\"\x1b(B".repeat(MUCH / 8);
    let switching = Bytes::new(false)
        .element(0x0008_0005, "", b"\\ISO 2022 IR 87 ")
        .raw(&Bytes::start(false).bytes);
    heavy(
        "escapes at every byte",
        &switching
            .patient()
            .element(0x0010_4000, "", &escapes)
            .study()
            .file(),
    );
}

#[cfg(unix)]
#[test]
fn sparse_files_of_a_hundred_gigabytes() {
    const SIZE: u64 = 100 << 30;
    let place = Place::new();
    let make = |name: &str, start: &[u8]| {
        let path = place.file(name, start);
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(SIZE)
            .is_ok()
    };
    let pixels = |length: u32| {
        Bytes::start(true)
            .patient()
            .study()
            .head(0x7FE0_0010, "OW", length)
            .file()
    };
    let possible = make("study/no-dicom.bin", b"text")
        && make("study/short-claim.dcm", &pixels(1 << 20))
        && make("study/claim.dcm", &pixels(0xFFFF_FFFE));
    if !possible {
        eprintln!("skipped: no file can be this large here");
        return;
    }
    let fragments = Bytes::start(true)
        .patient()
        .study()
        .head(0x7FE0_0010, "OB", UNDEFINED)
        .head(ITEM, "", 0)
        .head(ITEM, "", 0xFFFF_FFF0);
    assert!(make(
        "study/fragments.dcm",
        &file_in(uids::RLE_LOSSLESS, &fragments.bytes)
    ));
    survives(&place, "sparse files", 4);
}

#[cfg(unix)]
#[test]
fn names_that_would_steer_a_terminal_or_a_shell() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let good = |n| Dicom::ct(&Person::numbered(n), 1).bytes();
    let long = "n".repeat(251) + ".dcm";
    let names: [&[u8]; 10] = [
        b"new\nline.dcm",
        b"\x1b[2J\x1b]0;title\x07.dcm",
        "\u{202e}mcd.elif.dcm".as_bytes(),
        b"\xff\xfe\x80.dcm",
        long.as_bytes(),
        b"-rf.dcm",
        b"--project.dcm",
        b"con",
        b"$(touch owned).dcm",
        b"..%2f..%2fup.dcm",
    ];
    for (n, name) in (1..).zip(names) {
        place.file(Path::new("study").join(OsStr::from_bytes(name)), good(n));
        place.file(
            Path::new("study")
                .join(OsStr::from_bytes(
                    &[b"folder ", name].concat()[..name.len().min(240)],
                ))
                .join("x.dcm"),
            b"no",
        );
    }
    for flags in ["", "-vv"] {
        let ran = place
            .run(&format!(
                "study -p demo/phantom --profile basic --offline --output out{flags} --json {flags}"
            ))
            .ends();
        assert_eq!(ran.end()["totals"]["prepared"], 10, "{}", ran.stderr);
        assert!(
            !ran.stderr
                .contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']),
            "{:?}",
            ran.stderr
        );
        assert!(
            !ran.stdout
                .contains(['\u{1b}', '\u{7}', '\r']),
            "JSON escapes what it must: {:?}",
            ran.stdout
        );
        assert!(
            ran.stderr
                .lines()
                .all(|line| !line.starts_with("line.dcm")),
            "{}",
            ran.stderr
        );
    }
    assert!(!place.path("owned").exists());
    let written = place.tree("out");
    assert!(
        written
            .iter()
            .all(|(name, _)| name.is_ascii() && !name.contains("..")),
        "{:?}",
        written
            .iter()
            .map(|w| &w.0)
            .collect::<Vec<_>>()
    );
}

#[cfg(unix)]
#[test]
fn what_is_in_a_folder_and_is_no_file() {
    use std::os::unix::fs::symlink;
    let place = Place::with([
        ("study/1.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        ("outside/2.dcm", Dicom::ct(&Person::numbered(2), 1).bytes()),
    ]);
    let study = place.path("study");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(study.join("pipe.dcm"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = std::os::unix::net::UnixListener::bind(study.join("socket.dcm")).unwrap();
    symlink("/dev/zero", study.join("endless.dcm")).unwrap();
    symlink("..", study.join("loop")).unwrap();
    symlink("self", study.join("self")).unwrap();
    symlink("nowhere", study.join("dangling.dcm")).unwrap();
    symlink(place.path("outside"), study.join("out")).unwrap();
    for n in 0..2000 {
        symlink("1.dcm", study.join(format!("link-{n}"))).unwrap();
    }
    let ran = survives(&place, "no files", 1);
    assert_eq!(
        ran.end()["totals"]["prepared"],
        1,
        "links are not followed unasked"
    );
    let ran = place
        .run("study -p demo/phantom --profile coded.yaml --offline --dry-run --json --follow")
        .ends();
    assert!(matches!(ran.code, Some(3)), "{}", ran.stderr);
    let codes: Vec<_> = ran
        .failures()
        .into_iter()
        .map(|(_, code)| code)
        .collect();
    assert!(
        codes
            .iter()
            .all(|code| code.starts_with("discover."))
            && codes
                .iter()
                .any(|code| code == "discover.symlink-loop"),
        "{codes:?}"
    );
}

#[test]
fn a_zip_bomb_is_read_in_little_memory_and_time() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("1.dcm", zip::write::SimpleFileOptions::default())
        .unwrap();
    std::io::Write::write_all(&mut zip, &vec![0; 200 << 20]).unwrap();
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let place = Place::with([
        ("study/bomb.zip", bomb.as_slice()),
        ("study/bomb.dcm", bomb.as_slice()),
    ]);
    let ran = survives(&place, "a zip bomb", 1);
    assert_eq!(
        ran.end()["totals"]["skipped"],
        2,
        "whatever it is called, there is no DICOM in it"
    );
}

#[test]
fn profiles_made_to_do_harm() {
    let place = Place::with([(
        "study/1.dcm",
        Dicom::ct(&Person::plain(), 1)
            .text(tags::PATIENT_ID, VR::LO, &"a".repeat(60))
            .bytes(),
    )]);
    let deep = 100_000;
    let aliases = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)
    });
    let fields = |what: &str| format!("dicom:\n  fields:\n    - {what}\n");
    for (name, text) in [
        ("deep.yaml", "[".repeat(deep)),
        ("deep.json", "[".repeat(deep)),
        ("deeper.json", "{\"dicom\":".repeat(deep)),
        ("deep.toml", format!("a = {}", "[".repeat(deep))),
        ("aliases.yaml", aliases + "dicom: *a29\n"),
        (
            "long.yaml",
            fields(&format!("{{name: {}, remove: true}}", "A".repeat(1 << 20))),
        ),
        (
            "selector.yaml",
            fields(&format!(
                "{{name: {}PatientID, remove: true}}",
                "ReferencedImageSequence.*.".repeat(10_000)
            )),
        ),
        (
            "regex.yaml",
            fields("{regex: '(a{1000}){1000}', remove: true}"),
        ),
        (
            "backtracking.yaml",
            fields("{name: PatientID, regex-sub: [{input-regex: '(a+)+(?=b)$', output: 'x'}]}"),
        ),
        ("huge.toml", "# comment\n".repeat(10 << 20)),
        ("binary.yaml", "\u{0}\u{1}\u{2}".repeat(1000)),
    ] {
        place.file(name, text);
        let ran = place
            .run(&format!(
                "study -p demo/phantom --profile {name} --offline --dry-run"
            ))
            .ends();
        assert!(
            ran.cpu
                .is_none_or(|cpu| cpu < LONGEST),
            "{name}: {:?}",
            ran.cpu
        );
        assert!(
            ran.peak_kib
                .is_none_or(|peak| peak < MOST_KIB),
            "{name}: {:?} KiB",
            ran.peak_kib
        );
        // The expression is valid; it runs away on the value, which fails the file.
        let expected = if name == "backtracking.yaml" { 9 } else { 5 };
        assert!(
            ran.code == Some(expected),
            "{name}: {:?} {}",
            ran.code,
            ran.stderr
        );
        ran.does_not_say("defect at");
    }
}

#[test]
fn what_mutants_of_whole_files_look_like_from_outside() {
    // A file of the right size and the wrong everything: the header of one, the data of another.
    let (one, other) = (
        Dicom::ct(&Person::plain(), 1).bytes(),
        Dicom::sr(&Person::numbered(2)).bytes(),
    );
    let head = &one[..one.len() - data_set(&one).len()];
    let implicit = Dicom::sr(&Person::plain())
        .syntax(uids::IMPLICIT_VR_LITTLE_ENDIAN)
        .bytes();
    let place = Place::with([
        ("study/crossed.dcm", [head, data_set(&implicit)].concat()),
        ("study/doubled.dcm", [one.as_slice(), &other].concat()),
        ("study/head-only.dcm", head.to_vec()),
        ("study/empty.dcm", Vec::new()),
        (
            "study/prefix-only.dcm",
            [&[0; 128], b"DICM".as_slice()].concat(),
        ),
    ]);
    survives(&place, "mixed files", 1);
}
