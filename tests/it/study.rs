//! The files of `examples/study/`: what a small export looks like, with one file that cannot be
//! cleaned and one that shows a name in its pixels.

use crate::fixture::{Dicom, Person, damaged, write};

/// The clip of the heart.
pub const CLIP: &str = "us-heart/US0001.dcm";
/// The columns and rows of its frames.
pub const CLIP_SIZE: [usize; 2] = [256, 192];
/// The value of its letters, brighter than all else in it.
pub const INK: u8 = 240;
/// What is burned into each frame, a line each with its upper left corner.
const BANNER: [([usize; 2], &str); 2] = [
    ([8, 6], "CANARY QUILLFEATHER"),
    ([8, 26], "CANARY 0001 19330717"),
];
/// The side of a dot of its letters.
const DOT: usize = 2;

/// Each file of the example with its path inside the folder. The same bytes on every machine.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let person = Person::plain();
    let mut files: Vec<(String, Vec<u8>)> = (1..=12)
        .map(|n| {
            (
                format!("ct-thorax/IM{n:04}.dcm"),
                Dicom::ct(&person, n).bytes(),
            )
        })
        .collect();
    // The copy of the thirteenth slice was interrupted. It must be reported and never sent.
    files.push((
        "ct-thorax/IM0013.dcm".into(),
        damaged::truncated(&Dicom::ct(&person, 13).bytes()),
    ));
    files.push(("mr-head/IM0001".into(), Dicom::mr(&person).bytes()));
    let frames: Vec<_> = (0..3).map(heart).collect();
    let clip = Dicom::ultrasound(&person, 256, &frames);
    files.push((CLIP.into(), clip.bytes()));
    files.push(("report/SR0001.dcm".into(), Dicom::sr(&person).bytes()));
    files.push((
        "notes.txt".into(),
        b"Collected by CANARY-Operator. Not DICOM, so it stays here.\n".to_vec(),
    ));
    files
}

/// One frame of the clip: a fan of speckle that fades with depth, a chamber in it that contracts
/// from frame to frame, and the banner.
fn heart(frame: usize) -> Vec<u8> {
    let [columns, rows] = CLIP_SIZE;
    let mut picture: Vec<u8> = (0..rows)
        .flat_map(|y| (0..columns).map(move |x| fan(x, y, frame)))
        .collect();
    for (corner, line) in BANNER {
        write(&mut picture, columns, corner, line, DOT, INK);
    }
    picture
}

/// A pixel of the fan below the probe, which touches the middle of row 52.
fn fan(x: usize, y: usize, frame: usize) -> u8 {
    let (aside, depth) = (x.abs_diff(128), y.saturating_sub(52));
    let far = aside.pow(2) + depth.pow(2);
    if aside * 4 > depth * 3 || !(20_usize.pow(2)..132_usize.pow(2)).contains(&far) {
        return 0;
    }
    let grain = ((x / 3 * 73 + y / 2 * 151 + frame * 17).pow(2) >> 4) % 41;
    let chamber = aside.pow(2) * 4 + y.abs_diff(128).pow(2) < (38 - 6 * frame).pow(2);
    let tissue = if chamber { 12 } else { 110 - far / 300 };
    u8::try_from(tissue + grain).unwrap()
}
