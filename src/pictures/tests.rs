//! Frames that are taken, and the files that come of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;

use super::*;

/// The colour of outlines.
const OUTLINE: [u8; 3] = [255, 0, 96];

const FIND: TextFind = TextFind {
    frames: [1, 1],
    area: [2, 3, 4, 2],
    likelihood: 97,
};

fn grey<'a>(before: &'a [u8], after: Option<&'a [u8]>) -> ShownFrame<'a> {
    ShownFrame {
        number: Some(7),
        width: 10,
        height: 8,
        samples: 1,
        before,
        after,
        finds: &[FIND],
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
        })
        .collect();
    names.sort();
    names
}

/// Columns, rows, colour and pixels of a picture.
fn read(path: &Path) -> (u32, u32, png::ColorType, Vec<u8>) {
    let file = io::BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file)
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader
        .next_frame(&mut pixels)
        .unwrap();
    (info.width, info.height, info.color_type, pixels)
}

fn said(pictures: &Pictures) -> Vec<String> {
    let folder = pictures
        .folder
        .display()
        .to_string();
    let notices = pictures.outcome().into_iter();
    notices
        .map(|notice| notice.text.replace(&folder, "DIR"))
        .collect()
}

#[test]
fn a_frame_is_shown_before_with_its_boxes_and_after_as_it_goes() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new/pictures");
    let pictures = Pictures::open(&folder, false).unwrap();
    let (before, after) = ([100; 80], [0; 80]);
    pictures.take("ct/1.dcm", &grey(&before, Some(&after)));
    assert_eq!(
        names(&folder),
        [
            "0001-ct_1.dcm-frame-7-after.png",
            "0001-ct_1.dcm-frame-7-before.png"
        ]
    );
    let (width, height, color, pixels) = read(&folder.join("0001-ct_1.dcm-frame-7-before.png"));
    assert_eq!((width, height, color), (10, 8, png::ColorType::Rgb));
    let shown: Vec<String> = pixels
        .chunks(30)
        .map(|row| {
            row.chunks(3)
                .map(|pixel| match pixel {
                    [100, 100, 100] => '.',
                    pixel if pixel == OUTLINE => '#',
                    _ => '?',
                })
                .collect()
        })
        .collect();
    assert_eq!(
        shown,
        [
            "..........",
            "..........",
            ".######...",
            ".#....#...",
            ".#....#...",
            ".######...",
            "..........",
            ".........."
        ]
    );
    assert_eq!(
        read(&folder.join("0001-ct_1.dcm-frame-7-after.png")),
        (10, 8, png::ColorType::Grayscale, after.to_vec())
    );
    assert_eq!(said(&pictures), ["1 frame is shown in DIR"]);
}

#[test]
fn what_is_refused_is_shown_before_alone_and_colours_stay() {
    let root = tempfile::tempdir().unwrap();
    let pictures = Pictures::open(root.path(), false).unwrap();
    let before: Vec<u8> = (0..12).collect();
    let frame = ShownFrame {
        number: None,
        width: 2,
        height: 2,
        samples: 3,
        before: &before,
        after: None,
        finds: &[],
    };
    pictures.take("us.dcm", &frame);
    assert_eq!(names(root.path()), ["0001-us.dcm-frames-before.png"]);
    assert_eq!(
        read(
            &root
                .path()
                .join("0001-us.dcm-frames-before.png")
        )
        .3,
        before
    );
}

#[test]
fn names_hold_no_separator_and_no_control_character() {
    assert_eq!(
        harmless("a/b\\c:d\u{1b}[2J\n\0é x.dcm"),
        "a_b_c_d__2J__é_x.dcm"
    );
    assert_eq!(harmless("../../etc/passwd"), ".._.._etc_passwd");
    let long = harmless(&format!("{}/end.dcm", "é".repeat(200)));
    assert!(
        long.len() <= MAX_PATH && long.ends_with("é_end.dcm"),
        "{long}"
    );
    let root = tempfile::tempdir().unwrap();
    let pictures = Pictures::open(root.path(), false).unwrap();
    pictures.take(&"x/".repeat(3000), &grey(&[0; 80], None));
    assert_eq!(names(root.path()).len(), 1);
}

#[test]
fn with_redacted_paths_names_are_numbers() {
    let root = tempfile::tempdir().unwrap();
    let pictures = Pictures::open(root.path(), true).unwrap();
    pictures.take("doe_jane/1.dcm", &grey(&[0; 80], None));
    assert_eq!(names(root.path()), ["0001-frame-7-before.png"]);
}

#[test]
fn pictures_of_an_earlier_run_stay() {
    let root = tempfile::tempdir().unwrap();
    fs::write(
        root.path()
            .join("0041-x-frame-1-before.png"),
        "earlier",
    )
    .unwrap();
    fs::write(root.path().join("9999-notes.txt"), "mine").unwrap();
    let pictures = Pictures::open(root.path(), false).unwrap();
    let other = Pictures::open(root.path(), false).unwrap();
    for pictures in [&pictures, &other, &pictures] {
        pictures.take("x", &grey(&[0; 80], None));
    }
    assert_eq!(
        names(root.path()),
        [
            "0041-x-frame-1-before.png",
            "0042-x-frame-7-before.png",
            "0043-x-frame-7-before.png",
            "0044-x-frame-7-before.png",
            "9999-notes.txt"
        ]
    );
    assert_eq!(
        fs::read_to_string(
            root.path()
                .join("0041-x-frame-1-before.png")
        )
        .unwrap(),
        "earlier"
    );
}

#[cfg(unix)]
#[test]
fn pictures_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("pictures");
    let pictures = Pictures::open(&folder, false).unwrap();
    pictures.take("x", &grey(&[0; 80], Some(&[0; 80])));
    let mode = |path: &Path| {
        fs::metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&folder), 0o700);
    for name in names(&folder) {
        assert_eq!(mode(&folder.join(name)), 0o600);
    }
}

#[test]
fn what_cannot_be_written_is_counted_and_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("pictures");
    let pictures = Pictures::open(&folder, false).unwrap();
    assert_eq!(
        said(&pictures),
        ["no frame was changed or refused, so there is no picture"]
    );
    pictures.take("x", &grey(&[0; 79], None));
    let empty = ShownFrame {
        width: 0,
        ..grey(&[], None)
    };
    pictures.take("x", &empty);
    assert_eq!(
        said(&pictures)[1],
        "2 frames could not be written to DIR: the picture is not of the size that it states"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Pictures::open(&file, false).unwrap_err();
    assert_eq!(error.code, RunCode::PicturesUnwritable);
    assert!(
        error
            .what
            .starts_with("pictures cannot be written to"),
        "{error}"
    );
}
