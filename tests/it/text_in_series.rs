//! What is seen in one image of a series, and what follows for it and for the others, before the
//! first of them is sent.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

use crate::archive;
use crate::fixture::{Dicom, Person};
use crate::run::{Place, Ran};
use crate::server::Site;
use crate::text_in_images::{
    BANNER, COLUMNS, basic_with, ground, image, number, pixels, with_banner, written,
};

const BASIC: &str = "-p demo/phantom --profile basic --offline --output out";

/// A series of CT, of whose slices some show the banner.
fn series(slices: u32, with_text: &[u32]) -> Place {
    Place::with((1..=slices).map(|at| {
        let picture = if with_text.contains(&at) {
            with_banner(at as usize)
        } else {
            ground(at as usize)
        };
        let slice = image(uids::CT_IMAGE_STORAGE, "CT", at, picture);
        (format!("ct/{at}.dcm"), slice.bytes())
    }))
}

fn fail_with(code: &str, names: impl IntoIterator<Item = u32>) -> Vec<(String, String)> {
    let mut failures: Vec<_> = names
        .into_iter()
        .map(|at| (format!("{at}.dcm"), code.to_owned()))
        .collect();
    failures.sort();
    failures
}

fn images_of(ran: &Ran<'_>) -> serde_json::Value {
    ran.end()["totals"]["images"].clone()
}

#[test]
fn text_in_a_slice_that_is_looked_at_fails_it_and_no_other() {
    let place = series(12, &[6]);
    let ran = place
        .run(&format!("ct {BASIC} --json"))
        .exits(3);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [6]));
    let images = images_of(&ran);
    assert_eq!(images["looked_at"], 12, "one find has all looked at");
    assert_eq!(images["refused"], 1);
    assert_eq!(written(&place).len(), 11);
}

#[test]
fn text_in_a_slice_between_those_that_are_looked_at_is_not_seen() {
    let place = series(12, &[3]);
    let ran = place
        .run(&format!("ct {BASIC} --json"))
        .exits(0);
    assert_eq!(images_of(&ran)["looked_at"], 3, "first, middle and last");
    assert_eq!(written(&place).len(), 12);
}

#[test]
fn text_that_only_the_brightest_of_eight_slices_shows_has_all_looked_at() {
    let place = series(12, &[2]);
    let ran = place
        .run(&format!("ct {BASIC} --json"))
        .exits(3);
    assert_eq!(images_of(&ran)["looked_at"], 12);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [2]));
    let sent = written(&place);
    assert_eq!(sent.len(), 11);
    assert!(
        sent.iter()
            .all(|sent| !pixels(sent).contains(&230))
    );
}

#[test]
fn text_in_all_slices_fails_them_before_the_first_is_sent() {
    let slices = [1, 2, 3, 4];
    let (place, site) = (series(4, &slices), Site::start());
    let ran = place
        .run("ct -p demo/phantom --profile basic")
        .at(&site)
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.text-found", slices));
    assert!(site.uploaded().is_empty());
    for pattern in ["/api/acquisitions/*/files", "/api/acquisitions"] {
        assert!(
            site.requests_to("POST", pattern)
                .is_empty(),
            "{pattern}"
        );
    }
}

#[test]
fn text_in_one_frame_fails_an_image_of_several() {
    let frames = [ground(0), ground(1), with_banner(2), ground(3)].concat();
    let file = image(uids::ENHANCED_CT_IMAGE_STORAGE, "CT", 1, frames).text(
        tags::NUMBER_OF_FRAMES,
        VR::IS,
        "4",
    );
    let place = Place::with([("1.dcm", file.bytes())]);
    let ran = place
        .run(&format!("1.dcm {BASIC}"))
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [1]));
    let seen = &ran.report()[0]["pixels"];
    assert_eq!(seen["frames_looked_at"], 4);
    let finds = seen["finds"].as_array().unwrap();
    assert!(
        finds
            .iter()
            .any(|find| find["frames"][0].as_u64() <= Some(3)
                && find["frames"][1].as_u64() >= Some(3)),
        "{finds:?}"
    );
}

/// A picture so wide that it is looked at in half its size too, in which nothing is left of the
/// text: a dark line along each bright one has the mean of every two by two pixels that of the
/// ground.
fn seen_at_one_size(class: &str, modality: &str, at: u32, with_text: bool) -> Dicom {
    const WIDTH: usize = 1040;
    const HEIGHT: usize = 64;
    let banner = with_banner(0);
    // Letters of two pixels a dot, where the banner has three.
    let is_ink = |column: usize, row: usize| {
        let dot = |at: usize, first: usize| {
            at.checked_sub(first)
                .map(|at| at / 2 * 3)
        };
        let (Some(x), Some(y)) = (dot(column, 41), dot(row, 21)) else {
            return false;
        };
        let [left, top, right, bottom] = BANNER;
        x < right - left
            && y < bottom - top
            && banner[(top + y) * usize::from(COLUMNS) + left + x] == 230
    };
    let grey = |column: usize, row: usize| {
        let inked = [(0, 0), (0, 1), (1, 0), (1, 1)]
            .iter()
            .filter(|(right, down)| is_ink(column / 2 * 2 + right, row / 2 * 2 + down))
            .count();
        let rise = match (with_text && inked % 4 > 0, is_ink(column, row)) {
            (false, _) => 0,
            (true, true) => 72 / inked,
            (true, false) => return 120 - u8::try_from(72 / (4 - inked)).unwrap(),
        };
        120 + u8::try_from(rise).unwrap()
    };
    let picture = (0..HEIGHT)
        .flat_map(|row| (0..WIDTH).map(move |column| (column, row)))
        .map(|(column, row)| grey(column, row))
        .collect();
    image(class, modality, at, picture)
        .element(number(tags::ROWS, 64))
        .element(number(tags::COLUMNS, 1040))
}

fn two_wide_slices(with_text: [bool; 2]) -> [Dicom; 2] {
    let slice = |at, with_text| seen_at_one_size(uids::CT_IMAGE_STORAGE, "CT", at, with_text);
    [slice(1, with_text[0]), slice(2, with_text[1])]
}

fn in_a_folder(slices: [Dicom; 2]) -> Place {
    let names = ["ct/1.dcm", "ct/2.dcm"].into_iter();
    Place::with(
        names
            .zip(slices)
            .map(|(name, slice)| (name, slice.bytes())),
    )
}

#[test]
fn a_find_that_nothing_confirms_is_told_and_the_file_sent() {
    let place = in_a_folder(two_wide_slices([true, false]));
    let ran = place
        .run(&format!("ct {BASIC} --json"))
        .exits(0);
    let images = images_of(&ran);
    assert_eq!(
        (&images["looked_at"], &images["uncertain"]),
        (&2.into(), &1.into())
    );
    ran.says("notice[text-uncertain]: in 1 image something may be text");
    assert_eq!(written(&place).len(), 2);
}

#[test]
fn a_find_at_the_same_place_in_another_slice_is_confirmed() {
    let place = in_a_folder(two_wide_slices([true, true]));
    let ran = place
        .run(&format!("ct {BASIC}"))
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [1, 2]));
}

#[test]
fn slices_that_state_no_are_looked_at_with_the_others_all_the_same() {
    let states_no = |slice: Dicom| slice.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    let place = in_a_folder(two_wide_slices([true, true]).map(states_no));
    let ran = place
        .run(&format!("ct {BASIC}"))
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [1, 2]));
}

/// What a file says of text in its picture after it was sent.
fn stated(file: &Dicom) -> Option<String> {
    let place = Place::with([("in.dcm", file.bytes())]);
    place
        .run(&format!("in.dcm {BASIC}"))
        .exits(0);
    written(&place)[0]
        .get(tags::BURNED_IN_ANNOTATION)
        .map(|element| {
            element
                .to_str()
                .unwrap()
                .into_owned()
        })
}

#[test]
fn a_device_that_says_no_is_not_believed_beside_a_find() {
    let mammogram = uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION;
    for (class, modality, beside_a_find) in [
        // Type 3: it goes.
        (uids::CT_IMAGE_STORAGE, "CT", None),
        // Type 1: something has to be said.
        (mammogram, "MG", Some("YES")),
    ] {
        let says_no = |with_text| {
            stated(&seen_at_one_size(class, modality, 1, with_text).text(
                tags::BURNED_IN_ANNOTATION,
                VR::CS,
                "NO",
            ))
        };
        assert_eq!(says_no(true).as_deref(), beside_a_find, "{modality}");
        assert_eq!(says_no(false).as_deref(), Some("NO"), "{modality}");
    }
}

#[test]
fn an_image_that_must_state_no_is_refused_beside_a_find() {
    let places = [true, false].map(|with_text| {
        let file = seen_at_one_size(uids::ENHANCED_CT_IMAGE_STORAGE, "CT", 1, with_text)
            .text(tags::NUMBER_OF_FRAMES, VR::IS, "1")
            .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        Place::with([("1.dcm", file.bytes())])
    });
    let ran = places[0]
        .run(&format!("1.dcm {BASIC}"))
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.text-found", [1]));
    ran.says("has to state that there is none");
    assert!(
        !ran.report()[0]["pixels"]["finds"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    places[1]
        .run(&format!("1.dcm {BASIC}"))
        .exits(0);
}

#[test]
fn the_bytes_of_an_instance_do_not_depend_on_its_series() {
    let files: Vec<(String, Vec<u8>)> = (1..=3)
        .flat_map(|at| {
            let us = image(
                uids::ULTRASOUND_IMAGE_STORAGE,
                "US",
                at,
                with_banner(at as usize),
            );
            let ct = image(uids::CT_IMAGE_STORAGE, "CT", at + 3, ground(at as usize)).text(
                tags::SERIES_INSTANCE_UID,
                VR::UI,
                &Person::plain().uid(2, 0),
            );
            [
                (format!("study/us{at}.dcm"), us.bytes()),
                (format!("study/ct{at}.dcm"), ct.bytes()),
            ]
        })
        .collect();
    let sent = |files: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
        let place = Place::with(files.iter().cloned());
        place
            .run(&format!("study {BASIC}"))
            .exits(0);
        let mut sent: Vec<Vec<u8>> = place
            .tree("out")
            .into_iter()
            .filter(|(_, bytes)| archive::is_zip(bytes))
            .flat_map(|(_, zip)| archive::members(&zip))
            .map(|(_, bytes)| bytes)
            .collect();
        sent.sort();
        sent
    };
    let together = sent(&files);
    assert_eq!(together.len(), files.len());
    for file in &files[..2] {
        let alone = sent(std::slice::from_ref(file));
        assert!(together.contains(&alone[0]), "{}", file.0);
    }
}

/// Slices of a head, in a series whose words say so.
fn head(slices: u32, millimetres: &str) -> Place {
    Place::with((1..=slices).map(|at| {
        let slice = Dicom::ct(&Person::plain(), at)
            .text(tags::BODY_PART_EXAMINED, VR::CS, "HEAD")
            .text(tags::SLICE_THICKNESS, VR::DS, millimetres);
        (format!("head/{at}.dcm"), slice.bytes())
    }))
}

#[test]
fn a_series_of_which_a_face_can_be_made_is_told() {
    let place = head(30, "4");
    let ran = place
        .run(&format!("head {BASIC} --json"))
        .exits(0);
    ran.says("notice[face]: 1 series is CT or MR of a head");
    assert_eq!(images_of(&ran)["faces"], 1);
    assert_eq!(ran.events_of("pixels")[0]["face"], true);
    assert_eq!(written(&place).len(), 30);
    for (slices, millimetres) in [(29, "5"), (30, "3")] {
        let ran = head(slices, millimetres);
        let ran = ran
            .run(&format!("head {BASIC} --json"))
            .exits(0);
        ran.does_not_say("[face]");
        assert_eq!(images_of(&ran)["faces"], 0, "{slices} of {millimetres}");
    }
}

#[test]
fn a_series_of_which_a_face_can_be_made_is_not_sent_where_the_profile_refuses_it() {
    let (place, site) = (head(30, "4"), Site::start());
    place.file("faceless.toml", basic_with("faces = \"refuse\""));
    let ran = place
        .run("head -p demo/phantom --profile faceless.toml")
        .at(&site)
        .exits(9);
    assert_eq!(ran.failures(), fail_with("deid.face", 1..=30));
    assert!(site.uploaded().is_empty());
    let few = head(20, "4");
    few.file("faceless.toml", basic_with("faces = \"refuse\""));
    few.run("head -p demo/phantom --profile faceless.toml --offline --output out")
        .exits(0);
}
