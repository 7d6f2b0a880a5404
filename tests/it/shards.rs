//! One job in several runs: each series goes once, from one of them; containers are shared, and
//! twins are told of.

use std::collections::BTreeSet;

use crate::fixture::{CODED, Dicom, Person};
use crate::run::{Place, Ran};
use crate::server::{Gate, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

/// Eight series of two slices each, of two persons, a file that is no DICOM and one that is broken.
fn place() -> Place {
    let place = Place::new();
    for person in [1, 2] {
        for series in 1..=4 {
            for number in 1..=2 {
                let slice = Dicom::image(&Person::numbered(person), CT, "CT", series, number, 4);
                place.file(
                    format!("study/{person}/{series}/{number}.dcm"),
                    slice.bytes(),
                );
            }
        }
    }
    place.file("study/notes.txt", "no DICOM");
    place.file(
        "study/broken.dcm",
        crate::fixture::damaged::truncated(&Dicom::ct(&Person::plain(), 9).bytes()),
    );
    place.file("coded.yaml", CODED);
    place
}

/// CT Image Storage.
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

fn of_others(ran: &Ran<'_>) -> u64 {
    ran.end()["totals"]["skipped_by"]["other-shard"]
        .as_u64()
        .unwrap_or_default()
}

fn packages(site: &Site) -> BTreeSet<Vec<u8>> {
    site.uploaded()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect()
}

#[test]
fn shards_together_send_what_one_run_sends() {
    let (place, whole, parts) = (place(), Site::start(), Site::start());
    let one = place.run(USUAL).at(&whole).exits(3);
    let shards: Vec<_> = (1..=3)
        .map(|n| {
            place
                .run(&format!("{USUAL} --shard {n}/3"))
                .at(&parts)
                .ends()
        })
        .collect();
    assert_eq!(packages(&parts), packages(&whole));
    let sum = |name: &str| {
        shards
            .iter()
            .map(|ran| total(ran, name))
            .sum::<u64>()
    };
    assert_eq!(
        (sum("uploaded"), sum("failed")),
        (total(&one, "uploaded"), total(&one, "failed"))
    );
    assert!(
        shards
            .iter()
            .all(|ran| total(ran, "found") == 18),
        "each looks at everything"
    );
    let others: u64 = shards.iter().map(of_others).sum();
    assert_eq!(
        others,
        2 * 18,
        "each file is left to one shard by the two others"
    );
    assert_eq!(
        sum("skipped") - others,
        1,
        "one of them answers for what is no DICOM"
    );
    assert!(
        shards
            .iter()
            .filter(|ran| ran.code == Some(3))
            .count()
            == 1,
        "one of them for what is broken"
    );
    assert!(
        shards
            .iter()
            .any(|ran| ran.code == Some(0))
    );
}

#[test]
fn a_shard_depends_on_neither_place_nor_order() {
    let (here, site) = (place(), Site::start());
    let elsewhere = Place::new();
    for (name, bytes) in here.tree("study") {
        elsewhere.file(format!("mnt/other/{}", name.replace('/', "-")), bytes);
    }
    elsewhere.file("coded.yaml", CODED);
    here.run(&format!("{USUAL} --shard 1/2"))
        .at(&site)
        .ends();
    let sent = site.uploaded().len();
    let again = elsewhere
        .run("mnt/other -p demo/phantom --profile coded.yaml --json --shard 1/2")
        .at(&site)
        .ends();
    assert_eq!(
        (total(&again, "uploaded"), site.uploaded().len()),
        (0, sent),
        "all of it is there"
    );
    assert!(sent > 0 && total(&again, "already_there") > 0);
}

#[test]
fn a_shard_without_a_series_has_done_its_work() {
    let (place, site) = (Place::new(), Site::start());
    place.file("study/1.dcm", Dicom::ct(&Person::plain(), 1).bytes());
    place.file("coded.yaml", CODED);
    let shards: Vec<_> = (1..=4)
        .map(|n| {
            place
                .run(&format!("{USUAL} --fail-on-skip --shard {n}/4"))
                .at(&site)
                .exits(0)
        })
        .collect();
    assert_eq!(
        shards
            .iter()
            .map(|ran| total(ran, "uploaded"))
            .sum::<u64>(),
        1
    );
    // Nothing at all is nothing for a shard too.
    // What is not there is missing in every shard: it might have been the folder with all series.
    for n in 1..=2 {
        place
            .run(&format!(
                "nothing -p demo/phantom --profile coded.yaml --shard {n}/2"
            ))
            .at(&site)
            .exits(9);
    }
    std::fs::create_dir(place.path("empty")).unwrap();
    place
        .run("empty -p demo/phantom --profile coded.yaml --shard 1/4")
        .at(&site)
        .exits(8);
}

#[test]
fn shards_of_one_machine_run_side_by_side() {
    let (place, gate) = (place(), Gate::default());
    let site = Site::setup()
        .rule(
            on("POST", "/api/acquisitions/*/files")
                .times(1)
                .hold(&gate),
        )
        .start();
    let first = place
        .run(&format!("{USUAL} --shard 1/2"))
        .at(&site)
        .start();
    gate.wait_for_request();
    let second = place
        .run(&format!("{USUAL} --shard 2/2"))
        .at(&site)
        .ends();
    gate.open();
    let first = first.end();
    assert_eq!(total(&first, "uploaded") + total(&second, "uploaded"), 16);
    let again = place
        .run(&format!("{USUAL} --shard 1/2"))
        .at(&site)
        .ends();
    assert_eq!(
        total(&again, "already_there"),
        total(&first, "uploaded"),
        "each has a journal of its own"
    );
    assert_eq!(
        again
            .events_of("deidentified")
            .len(),
        0
    );
}

#[test]
fn a_study_is_wholly_in_one_shard() {
    let (place, site) = (place(), Site::start());
    let shards: Vec<_> = (1..=5)
        .map(|n| {
            place
                .run(&format!("{USUAL} --shard {n}/5"))
                .at(&site)
                .ends()
        })
        .collect();
    let uploaded: Vec<_> = shards
        .iter()
        .map(|ran| total(ran, "uploaded"))
        .filter(|uploaded| *uploaded > 0)
        .collect();
    assert!(
        uploaded
            .iter()
            .all(|uploaded| uploaded % 8 == 0)
            && uploaded.iter().sum::<u64>() == 16,
        "{uploaded:?}"
    );
    assert_eq!(site.containers("sessions").len(), 2);
}

#[test]
fn the_flags_of_a_shard_are_checked() {
    let place = place();
    for wrong in ["0/2", "3/2", "2", "x/y"] {
        let ran = place
            .run(&format!("{USUAL} --shard {wrong}"))
            .exits(2);
        assert!(ran.stderr.contains("--shard"), "{}", ran.stderr);
    }
    place
        .run(&format!("{USUAL} --shard 1/2 --other-files upload"))
        .exits(2)
        .says("cannot upload files that are not DICOM");
    let dry = "study -p demo/phantom --profile coded.yaml --json --dry-run --offline";
    let typed = place
        .run(&format!("{dry} --shard 2/2"))
        .ends();
    let set = place
        .run(dry)
        .env("FWUPLOAD_SHARD", "2/2")
        .ends();
    assert_eq!(
        (total(&typed, "prepared"), of_others(&typed)),
        (total(&set, "prepared"), of_others(&set))
    );
}
