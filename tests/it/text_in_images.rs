//! Text that stands in the picture itself, in block letters that the tests draw: found, blanked and
//! looked for again, or the file stays.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};

use crate::fixture::{self, Dicom, PATH_MARK, Person};
use crate::run::Place;
use crate::server::Site;

pub const COLUMNS: u16 = 320;
pub const ROWS: u16 = 240;
/// Where the banner stands: first column and row, and those behind the last.
pub const BANNER: [usize; 4] = [40, 30, 40 + 8 * 18, 30 + 21];
pub const FRAMES: usize = 4;
const BASIC: &str = include_str!("../../profiles/basic.toml");

/// A dark picture with a soft bright spot, which moves from frame to frame.
pub fn ground(frame: usize) -> Vec<u8> {
    let (middle, line) = (120 + 20 * frame, 150);
    (0..usize::from(ROWS))
        .flat_map(|y| (0..usize::from(COLUMNS)).map(move |x| (x, y)))
        .map(|(x, y)| {
            let far = x.abs_diff(middle).pow(2) + y.abs_diff(line).pow(2);
            u8::try_from(
                70_usize
                    .saturating_sub(far / 100)
                    .max(8),
            )
            .unwrap()
        })
        .collect()
}

/// The same with the banner.
pub fn with_banner(frame: usize) -> Vec<u8> {
    let mut picture = ground(frame);
    let (columns, corner) = (usize::from(COLUMNS), [BANNER[0], BANNER[1]]);
    fixture::write(&mut picture, columns, corner, "SMITH JO", 3, 230);
    picture
}

pub fn number(tag: dicom_core::Tag, value: u16) -> DataElement<dicom_object::InMemDicomObject> {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

pub fn image(class: &str, modality: &str, number_of: u32, pixels: Vec<u8>) -> Dicom {
    Dicom::image(&Person::plain(), class, modality, 1, number_of, 32)
        .element(number(tags::ROWS, ROWS))
        .element(number(tags::COLUMNS, COLUMNS))
        .element(number(tags::BITS_ALLOCATED, 8))
        .element(number(tags::BITS_STORED, 8))
        .element(number(tags::HIGH_BIT, 7))
        .raw(tags::PIXEL_DATA, VR::OB, pixels)
}

/// An ultrasound clip whose banner stands in every frame.
pub fn clip() -> Dicom {
    let frames: Vec<u8> = (0..FRAMES)
        .flat_map(with_banner)
        .collect();
    image(uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE, "US", 1, frames)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string())
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO")
        .text(tags::MANUFACTURER, VR::LO, "ACME")
}

/// `basic` with further lines in its section for pixels.
pub fn basic_with(lines: &str) -> String {
    format!("{BASIC}\n{lines}\n")
}

/// The instances that were written.
pub fn written(place: &Place) -> Vec<dicom_object::InMemDicomObject> {
    place
        .tree("out")
        .into_iter()
        .filter(|(_, bytes)| crate::archive::is_zip(bytes))
        .flat_map(|(_, zip)| crate::archive::members(&zip))
        .map(|(_, bytes)| {
            dicom_object::from_reader(&bytes[..])
                .unwrap()
                .into_inner()
        })
        .collect()
}

pub fn pixels(object: &dicom_object::InMemDicomObject) -> Vec<u8> {
    object
        .element(tags::PIXEL_DATA)
        .unwrap()
        .to_bytes()
        .unwrap()
        .into_owned()
}

/// How many pixels of the banner are not blanked, and how many that lie more than 12 pixels from it
/// are not as they were, but for some levels.
pub fn compare(sent: &[u8], original: &[u8], levels: u8) -> (usize, usize) {
    let [left, top, right, bottom] = BANNER;
    let (mut ink, mut changed) = (0, 0);
    for (at, (sent, original)) in sent
        .iter()
        .zip(original)
        .enumerate()
    {
        let (x, y) = (at % usize::from(COLUMNS), at / usize::from(COLUMNS));
        let near = x + 12 >= left && x < right + 12 && y + 12 >= top && y < bottom + 12;
        ink += usize::from(*original == 230 && *sent != 0);
        changed += usize::from(!near && sent.abs_diff(*original) > levels);
    }
    (ink, changed)
}

#[test]
fn a_banner_of_an_ultrasound_is_blanked_in_every_frame_and_nothing_else() {
    let place = Place::with([("us.dcm", clip().bytes())]);
    let ran = place
        .run("us.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(0);
    ran.says("Text blanked in 1 of 1 image");
    let files = written(&place);
    let [sent] = &files[..] else {
        panic!("one file is written")
    };
    let bytes = pixels(sent);
    for frame in 0..FRAMES {
        let length = usize::from(ROWS) * usize::from(COLUMNS);
        let now = &bytes[frame * length..][..length];
        assert_eq!(
            compare(now, &with_banner(frame), 0),
            (0, 0),
            "frame {frame}"
        );
    }
    let text = |tag| {
        sent.element(tag)
            .unwrap()
            .to_str()
            .unwrap()
            .into_owned()
    };
    assert_eq!(text(tags::BURNED_IN_ANNOTATION), "NO");
    let codes = sent
        .element(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        .unwrap()
        .items()
        .unwrap()
        .iter()
        .map(|item| {
            item.element(tags::CODE_VALUE)
                .unwrap()
                .to_str()
                .unwrap()
                .into_owned()
        })
        .collect::<Vec<_>>();
    assert!(
        codes
            .iter()
            .any(|code| code.trim() == "113101"),
        "{codes:?}"
    );
}

#[test]
fn frames_that_are_changed_can_be_looked_at_before_anything_is_sent() {
    let place = Place::with([("us.dcm", clip().bytes())]);
    place
        .run("us.dcm -p demo/phantom --profile basic --offline --dry-run --pictures seen")
        .exits(0)
        .says("warning[pictures]");
    let pictures: Vec<String> = place
        .tree("seen")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for which in ["before.png", "after.png"] {
        let count = pictures
            .iter()
            .filter(|name| name.ends_with(which))
            .count();
        assert_eq!(count, FRAMES, "{pictures:?}");
    }
}

#[test]
fn text_in_slices_fails_them_and_is_blanked_where_the_profile_says_so() {
    let slices: Vec<(String, Vec<u8>)> = (1..=4)
        .map(|at| {
            let slice = image(uids::CT_IMAGE_STORAGE, "CT", at, with_banner(at as usize));
            (format!("ct/{at}.dcm"), slice.bytes())
        })
        .collect();
    let place = Place::with(slices);
    let ran = place
        .run("ct -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    let expected: Vec<(String, String)> = (1..=4)
        .map(|at| (format!("{at}.dcm"), "deid.text-found".to_owned()))
        .collect();
    assert_eq!(ran.failures(), expected);
    assert!(written(&place).is_empty());

    place.file("blanks.toml", basic_with("blank-finds = true"));
    place
        .run("ct -p demo/phantom --profile blanks.toml --offline --output out")
        .exits(0)
        .says("Text blanked in 4 of 4 images");
    let files = written(&place);
    assert_eq!(files.len(), 4);
    for sent in files {
        assert!(!pixels(&sent).contains(&230));
    }
}

#[test]
fn a_screen_in_which_nothing_is_found_is_not_sent() {
    let screen = image(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, "OT", 1, ground(0)).text(
        tags::BURNED_IN_ANNOTATION,
        VR::CS,
        "YES",
    );
    let place = Place::with([("screen.dcm", screen.bytes())]);
    let ran = place
        .run("screen.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    assert_eq!(
        ran.failures(),
        [("screen.dcm".to_owned(), "deid.burned-in".to_owned())]
    );
    ran.says("which is no proof");
}

#[test]
fn an_ultrasound_in_which_nothing_is_found_goes_and_is_told() {
    let clip = image(uids::ULTRASOUND_IMAGE_STORAGE, "US", 1, ground(1));
    let place = Place::with([("us.dcm", clip.bytes())]);
    place
        .run("us.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(0)
        .says("notice[no-text-found]");
    let files = written(&place);
    assert_eq!(pixels(&files[0]), ground(1));
    assert!(
        files[0]
            .element_opt(tags::BURNED_IN_ANNOTATION)
            .unwrap()
            .is_none()
    );
}

#[test]
fn regions_are_proposed_for_each_device() {
    let place = Place::with([("study/us.dcm", clip().bytes())]);
    let ran = place
        .run("profile regions study")
        .exits(0);
    let proposal = &ran.stdout;
    assert!(
        proposal.contains("when = { Modality = \"US\", Manufacturer = \"ACME\""),
        "{proposal}"
    );
    // What is proposed is a profile's entry, and blanks the banner.
    place.file(
        "us.toml",
        format!("name = \"us\"\n[dicom.confidentiality]\nprofile = \"basic\"\n{proposal}"),
    );
    place
        .run("study -p demo/phantom --profile us.toml --offline --output out")
        .exits(0);
    let files = written(&place);
    assert!(!pixels(&files[0]).contains(&230));
}

/// The picture with some letters of the banner alone.
fn with_letters(letters: std::ops::Range<usize>) -> Vec<u8> {
    let columns = BANNER[0] + letters.start * 18..BANNER[0] + letters.end * 18;
    ground(0)
        .into_iter()
        .zip(with_banner(0))
        .enumerate()
        .map(|(at, (ground, banner))| {
            if columns.contains(&(at % usize::from(COLUMNS))) {
                banner
            } else {
                ground
            }
        })
        .collect()
}

/// What is sent of an ultrasound image or of two slices of a CT that show a mark, and with which
/// codes the others fail.
fn sent_with_mark(profile: &str, modality: &str, mark: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
    let (class, numbers) = match modality {
        "US" => (uids::ULTRASOUND_IMAGE_STORAGE, 1..=1),
        _ => (uids::CT_IMAGE_STORAGE, 1..=2),
    };
    let place = Place::with(numbers.map(|at| {
        let file = image(class, modality, at, mark.to_vec());
        (format!("study/{at}.dcm"), file.bytes())
    }));
    place.file("blank.toml", basic_with("markers = \"blank\""));
    let ran = place
        .run(&format!(
            "study -p demo/phantom --profile {profile} --offline --output out"
        ))
        .ends();
    let sent = written(&place)
        .iter()
        .map(pixels)
        .collect();
    let failures = ran.failures().into_iter();
    (
        sent,
        failures
            .map(|(_, code)| code)
            .collect(),
    )
}

#[test]
fn marks_of_orientation_stay_unless_the_profile_says_otherwise() {
    // The H of a head, and two letters.
    let (one, two) = (with_letters(4..5), with_letters(0..2));
    for mark in [&one, &two] {
        for (modality, images) in [("US", 1), ("CT", 2)] {
            let kept = (vec![mark.clone(); images], vec![]);
            assert_eq!(sent_with_mark("basic", modality, mark), kept, "{modality}");
        }
    }
    let (blanked, _) = sent_with_mark("blank.toml", "US", &two);
    assert_eq!(compare(&blanked[0], &two, 0), (0, 0));
    for profile in ["blank.toml", "strict"] {
        let failed = (vec![], vec!["deid.text-found".to_owned(); 2]);
        assert_eq!(sent_with_mark(profile, "CT", &two), failed, "{profile}");
    }
}

/// A place with an ultrasound image and a slice of CT, both with the banner, and profiles.
fn with_banner_in_both() -> Place {
    let with = |class, modality, at| image(class, modality, at, with_banner(0)).bytes();
    Place::with([
        (
            "study/us.dcm",
            with(uids::ULTRASOUND_IMAGE_STORAGE, "US", 1),
        ),
        ("study/ct.dcm", with(uids::CT_IMAGE_STORAGE, "CT", 2)),
    ])
}

#[test]
fn a_profile_says_in_which_images_text_is_looked_for() {
    let failed = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let failed_us = failed("us.dcm", "deid.burned-in");
    let failed_ct = failed("ct.dcm", "deid.text-found");
    for (burned_in, other_images, blanks, failures) in [
        ("detect", "detect", true, vec![failed_ct.clone()]),
        ("detect", "keep", true, vec![]),
        (
            "refuse",
            "detect",
            false,
            vec![failed_ct.clone(), failed_us.clone()],
        ),
        ("refuse", "keep", false, vec![failed_us]),
        ("keep", "detect", false, vec![failed_ct]),
        ("keep", "keep", false, vec![]),
    ] {
        let place = with_banner_in_both();
        let lines = format!("burned-in = \"{burned_in}\"\nother-images = \"{other_images}\"");
        place.file("look.toml", BASIC.replace("burned-in = \"detect\"", &lines));
        let case = format!("burned-in {burned_in}, other-images {other_images}");
        let ran = place
            .run("study -p demo/phantom --profile look.toml --offline --output out --json")
            .ends();
        assert_eq!(ran.failures(), failures, "{case}");
        let images = &ran.end()["totals"]["images"];
        assert_eq!(images["blanked"], u64::from(blanks), "{case}");
        // What is kept or refused by its header alone is not looked at.
        let looked_at = [burned_in, other_images]
            .iter()
            .filter(|what| **what == "detect")
            .count();
        assert_eq!(images["looked_at"], looked_at, "{case}");
        let files = written(&place);
        assert_eq!(files.len(), 2 - failures.len(), "{case}");
        let unchanged = files
            .iter()
            .filter(|sent| pixels(sent) == with_banner(0))
            .count();
        assert_eq!(unchanged, files.len() - usize::from(blanks), "{case}");
    }
}

#[test]
fn a_picture_of_which_too_much_would_go_is_refused() {
    let [left, top, right, bottom] = BANNER;
    let text_alone: Vec<u8> = with_banner(0)
        .chunks(usize::from(COLUMNS))
        .skip(top)
        .take(bottom - top)
        .flat_map(|row| row[left..right].to_vec())
        .collect();
    let side = |length: usize| u16::try_from(length).unwrap();
    let label = image(uids::ULTRASOUND_IMAGE_STORAGE, "US", 1, text_alone)
        .element(number(tags::COLUMNS, side(right - left)))
        .element(number(tags::ROWS, side(bottom - top)));
    let place = Place::with([("us.dcm", label.bytes())]);
    let ran = place
        .run("us.dcm -p demo/phantom --profile basic --offline --output out")
        .exits(9);
    assert_eq!(
        ran.failures(),
        [("us.dcm".to_owned(), "deid.burned-in".to_owned())]
    );
    ran.says("% of a picture would have to be blanked");
}

/// `basic` with an entry that blanks these areas of ultrasound images.
fn with_region(areas: &str) -> String {
    basic_with(&format!(
        "[[dicom.pixels.regions]]\nwhen = {{ Modality = \"US\" }}\nblank = {areas}"
    ))
}

#[test]
fn where_an_entry_says_what_to_blank_finds_are_only_checked() {
    let [left, top, right, bottom] = BANNER;
    let (columns, rows) = (right - left, bottom - top);
    let place = Place::with([("us.dcm", clip().bytes())]);
    place.file(
        "covers.toml",
        with_region(&format!("[[{left}, {top}, {columns}, {rows}]]")),
    );
    let ran = place
        .run("us.dcm -p demo/phantom --profile covers.toml --offline --output out --json")
        .exits(0);
    let images = &ran.end()["totals"]["images"];
    assert_eq!(
        (&images["looked_at"], &images["blanked"]),
        (&1.into(), &0.into())
    );
    let sent = pixels(&written(&place)[0]);
    for (at, (now, before)) in sent
        .iter()
        .zip((0..FRAMES).flat_map(with_banner))
        .enumerate()
    {
        let at = at % (usize::from(COLUMNS) * usize::from(ROWS));
        let (x, y) = (at % usize::from(COLUMNS), at / usize::from(COLUMNS));
        let is_in = (left..right).contains(&x) && (top..bottom).contains(&y);
        assert_eq!(*now, if is_in { 0 } else { before }, "column {x}, row {y}");
    }
    // Half of the banner, or nothing at all, is not enough.
    for areas in [
        format!("[[{left}, {top}, {}, {rows}]]", columns / 2),
        "[]".to_owned(),
    ] {
        place.file("short.toml", with_region(&areas));
        let ran = place
            .run("us.dcm -p demo/phantom --profile short.toml --offline --output short")
            .exits(9);
        assert_eq!(
            ran.failures(),
            [("us.dcm".to_owned(), "deid.burned-in".to_owned())]
        );
        ran.says("outside of what the profile's regions blank");
    }
}

#[test]
fn what_was_seen_is_told_file_by_file_and_in_the_totals() {
    let place = with_banner_in_both();
    place.file("study/us.dcm", clip().bytes());
    let ran = place
        .run("study -p demo/phantom --profile basic --offline --output out --json -v")
        .exits(3);
    let seen = ran.events_of("pixels");
    let of = |name: &str| {
        seen.iter()
            .find(|event| {
                event["path"]
                    .as_str()
                    .unwrap()
                    .ends_with(name)
            })
            .unwrap()
    };
    let clip = of("us.dcm");
    assert_eq!(clip["verdict"], "blanked");
    assert_eq!(
        (&clip["frames"], &clip["frames_looked_at"]),
        (&4.into(), &4.into())
    );
    assert_eq!(clip["finds"][0]["frames"], serde_json::json!([1, FRAMES]));
    assert!(
        clip["finds"][0]["likelihood"]
            .as_u64()
            .unwrap()
            > 50
    );
    let permille = clip["blanked_permille"]
        .as_u64()
        .unwrap();
    let [left, top, right, bottom] = BANNER.map(|at| at as u64);
    let least = (right - left) * (bottom - top) * 1000 / u64::from(COLUMNS) / u64::from(ROWS);
    assert!((least..3 * least).contains(&permille), "{permille}");
    assert_eq!(of("ct.dcm")["verdict"], "refused");
    let failed = &ran.report()[0];
    assert_eq!(failed["pixels"]["verdict"], "refused");
    assert_eq!(failed["pixels"]["finds"], of("ct.dcm")["finds"]);
    let images = &ran.end()["totals"]["images"];
    let expected = serde_json::json!({
        "looked_at": 2, "blanked": 1, "uncertain": 0, "nothing_found_in_risky_image": 0,
        "not_decoded": 0, "refused": 1, "faces": 0,
    });
    assert_eq!(*images, expected);
    ran.says("Text blanked in 1 of 2 images")
        .says("text blanked; 4 of 4 frames looked at");
}

#[test]
fn a_trial_says_what_was_seen_in_the_pixels() {
    let place = with_banner_in_both();
    place.file("study/us.dcm", clip().bytes());
    let ran = place
        .run("profile test basic study")
        .exits(3);
    let said = |line: &str| {
        assert!(
            ran.stdout.contains(line),
            "`{line}` is missing in\n{}",
            ran.stdout
        );
    };
    said("pixels   text blanked; 4 of 4 frames looked at; ");
    said("           frames 1 to 4, columns ");
    said("ct.dcm: failed [deid.text-found]");
    said("pixels   refused; 1 of 1 frame looked at\n");
    let ran = place
        .run("profile test basic study --json")
        .exits(3);
    let verdict = |name: &str| {
        ran.events_of("file")
            .into_iter()
            .find(|file| {
                file["path"]
                    .as_str()
                    .unwrap()
                    .ends_with(name)
            })
            .map(|file| file["pixels"]["verdict"].clone())
            .unwrap()
    };
    assert_eq!(verdict("us.dcm"), "blanked");
    assert_eq!(verdict("ct.dcm"), "refused");
}

#[test]
fn pictures_are_added_to_those_of_earlier_runs() {
    let place = with_banner_in_both();
    let look = || {
        place
            .run("study -p demo/phantom --profile basic --offline --dry-run --pictures seen")
            .exits(3)
            .says("warning[pictures]: the pictures in seen show what was found")
            .says("notice[pictures]: 2 frames are shown in seen");
        place.tree("seen")
    };
    let (first, both) = (look(), look());
    // The ultrasound before and after, the slice as it came.
    assert_eq!((first.len(), both.len()), (3, 6));
    assert!(
        first
            .iter()
            .all(|picture| both.contains(picture))
    );
    for (name, _) in &both {
        assert!(fixture::found_in(name.as_bytes()).is_empty(), "{name}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let found = std::fs::metadata(place.path("seen").join(name)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
}

#[test]
fn no_value_of_a_header_is_written_down_for_what_is_seen() {
    let (place, site) = (with_banner_in_both(), Site::start());
    place.file("study/us.dcm", clip().bytes());
    let screen = image(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, "OT", 3, ground(0));
    let screen = screen.text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    place.file("study/screen.dcm", screen.bytes());
    let ran = place
        .run("study -p demo/phantom --profile basic --pictures seen -vv --json")
        .at(&site)
        .exits(3);
    assert_eq!(ran.end()["totals"]["uploaded"], 1);
    let mut written_down = vec![
        ("standard error".to_owned(), ran.stderr.clone().into_bytes()),
        (
            "standard output".to_owned(),
            ran.stdout.clone().into_bytes(),
        ),
        (
            "the report".to_owned(),
            format!("{:?}", ran.report()).into_bytes(),
        ),
    ];
    let names = place.tree("seen").into_iter();
    written_down.extend(names.map(|(name, _)| ("a picture".to_owned(), name.into_bytes())));
    for folder in [place.state(), place.home()] {
        for (name, bytes) in crate::run::tree(&folder) {
            written_down.push((format!("the name {name}"), name.into_bytes()));
            written_down.push(("the journal".to_owned(), bytes));
        }
    }
    for request in site.requests() {
        written_down.push((request.target.clone(), request.everything()));
    }
    for (_, zip) in site.uploaded() {
        for (name, bytes) in crate::archive::members(&zip) {
            written_down.push((name, bytes));
        }
    }
    for (what, bytes) in written_down {
        assert!(!bytes.is_empty(), "{what} is empty");
        let found = fixture::found_in(&bytes);
        assert!(found.is_empty(), "{found:?} in {what}");
    }
}

#[test]
fn redacted_runs_name_no_file_in_what_was_seen() {
    let place = Place::with([(format!("{PATH_MARK}/us.dcm"), clip().bytes())]);
    let ran = place
        .run("-p demo/phantom --profile basic --offline --dry-run -v --json --redact-paths")
        .args([PATH_MARK, "--pictures", "seen"])
        .exits(0);
    assert_eq!(ran.events_of("pixels")[0]["verdict"], "blanked");
    assert!(!ran.stdout.contains(PATH_MARK), "{}", ran.stdout);
    ran.says("text blanked; 4 of 4 frames looked at")
        .does_not_say(PATH_MARK);
    let pictures = place.tree("seen");
    assert_eq!(pictures.len(), 2 * FRAMES);
    for (name, _) in pictures {
        assert!(!name.contains(PATH_MARK), "{name}");
    }
}
