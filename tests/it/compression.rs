//! Packages that are deflated: smaller, read by any zip tool, with the very members of stored ones.

use std::collections::BTreeMap;

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::{tags, uids};

use crate::archive::{is_zip, members};
use crate::fixture::{CODED, Dicom, Person};
use crate::run::{Place, Ran};
use crate::server::Site;

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

/// A CT series of three slices with something to shorten, one whose images are compressed, and a
/// single instance.
fn place() -> Place {
    let person = Person::plain();
    let class = uids::CT_IMAGE_STORAGE;
    let place = Place::new();
    for number in 1..=3 {
        place.file(
            format!("study/ct{number}.dcm"),
            Dicom::image(&person, class, "CT", 1, number, 64).bytes(),
        );
        let header = [2_u32, 64, 200]
            .into_iter()
            .chain([0; 13])
            .flat_map(u32::to_le_bytes)
            .collect();
        let fragments =
            PixelFragmentSequence::new(vec![], vec![[header, b"rle ".repeat(84)].concat()]);
        let compressed =
            Dicom::image(&person, class, "CT", 5, number, 4).syntax(uids::RLE_LOSSLESS);
        let compressed = compressed.element(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
        place.file(format!("study/rle{number}.dcm"), compressed.bytes());
    }
    place.file("study/mr.dcm", Dicom::mr(&person).bytes());
    place.file("coded.yaml", CODED);
    place
}

fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

/// Everything inside the zips that arrived, and how long the zips are together.
fn inside(site: &Site) -> (BTreeMap<String, Vec<u8>>, usize) {
    let zips: Vec<_> = site
        .uploaded()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .filter(|bytes| is_zip(bytes))
        .collect();
    (
        zips.iter()
            .flat_map(|zip| members(zip))
            .collect(),
        zips.iter().map(Vec::len).sum(),
    )
}

#[test]
fn members_are_the_same_in_less_room() {
    let place = place();
    let sent = |how: &str| {
        let site = Site::start();
        place
            .run(&format!("{USUAL} --compression {how}"))
            .at(&site)
            .exits(0);
        inside(&site)
    };
    let (stored, room) = sent("none");
    assert_eq!(stored.len(), 7);
    for level in ["1", "6", "9"] {
        let (deflated, less) = sent(level);
        assert_eq!(deflated, stored, "level {level}");
        assert!(less < room, "level {level}: {less} of {room}");
    }
    let (automatic, room_of_automatic) = sent("auto");
    assert_eq!(
        (automatic, room_of_automatic),
        (stored, room),
        "a wire that keeps up is given no work"
    );
}

#[test]
fn images_that_are_compressed_already_are_stored() {
    let (place, site) = (place(), Site::start());
    place
        .run(&format!("{USUAL} --compression 9"))
        .at(&site)
        .exits(0);
    let methods = |bytes: &[u8]| {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
        (0..archive.len())
            .map(|at| {
                archive
                    .by_index(at)
                    .unwrap()
                    .compression()
            })
            .collect::<Vec<_>>()
    };
    let zips = site
        .uploaded()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .filter(|bytes| is_zip(bytes));
    let mut all: Vec<_> = zips
        .map(|zip| methods(&zip))
        .collect();
    all.sort_by_key(|methods| format!("{methods:?}"));
    let expected = [
        vec![zip::CompressionMethod::Deflated; 3],
        vec![zip::CompressionMethod::Deflated],
        vec![zip::CompressionMethod::Stored; 3],
    ];
    assert_eq!(all, expected);
}

#[test]
fn what_is_too_large_for_memory_is_deflated_too() {
    let place = Place::new();
    let person = Person::plain();
    // Each is more than is deflated in one piece, and both are more than the budget.
    for number in 1..=2 {
        place.file(
            format!("study/{number}.dcm"),
            Dicom::image(&person, uids::CT_IMAGE_STORAGE, "CT", 1, number, 2300).bytes(),
        );
    }
    place.file("coded.yaml", CODED);
    let inside_after = |how: &str| {
        let site = Site::start();
        place
            .run(&format!("{USUAL} --memory 32MiB --compression {how}"))
            .at(&site)
            .exits(0);
        inside(&site)
    };
    let ((stored, room), (deflated, less)) = (inside_after("none"), inside_after("1"));
    assert_eq!((deflated.len(), deflated == stored), (2, true));
    assert!(less < room / 2, "{less} of {room}");
}

#[test]
fn what_is_there_in_another_form_is_there() {
    for (first, then) in [("none", "auto"), ("1", "auto")] {
        let (place, site) = (place(), Site::start());
        place
            .run(&format!("{USUAL} --compression {first}"))
            .at(&site)
            .exits(0);
        let sent = site.uploaded().len();
        // Another machine, which knows nothing of the first run.
        let again = place
            .run(&format!("{USUAL} --compression {then} --fresh"))
            .at(&site)
            .exits(0);
        assert_eq!(
            (total(&again, "already_there"), site.uploaded().len()),
            (7, sent),
            "{first}, then {then}"
        );
    }
}

#[test]
fn a_choice_that_is_none_is_refused() {
    let place = place();
    for wrong in ["0", "10", "best"] {
        place
            .run(&format!("{USUAL} --compression {wrong}"))
            .exits(2)
            .says("--compression");
    }
}

#[test]
fn packages_that_wait_for_a_slow_network_are_deflated() {
    let place = Place::new();
    for series in 1..=8 {
        for number in 1..=2 {
            let slice = Dicom::image(
                &Person::plain(),
                uids::CT_IMAGE_STORAGE,
                "CT",
                series,
                number,
                256,
            );
            place.file(format!("study/{series}-{number}.dcm"), slice.bytes());
        }
    }
    place.file("coded.yaml", CODED);
    let (fast, slow) = (Site::start(), Site::start());
    place.run(USUAL).at(&fast).exits(0);
    place
        .run(&format!("{USUAL} --uploads 1 --bwlimit 300K"))
        .at(&slow)
        .exits(0);
    let ((stored, room), (mixed, less)) = (inside(&fast), inside(&slow));
    assert_eq!((stored.len(), mixed == stored), (16, true));
    assert!(less < room, "{less} of {room}: none was deflated");
    let again = place.run(USUAL).at(&slow).exits(0);
    assert_eq!(total(&again, "already_there"), 16);
}
