//! A dry run says what the run would come to: what is there, what would fail, where it would lie,
//! and the exit code.

use crate::fixture::{CODED, Dicom, Person, damaged};
use crate::run::{Place, Ran};
use crate::server::Site;

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

fn slice(person: u32, number: u32) -> Vec<u8> {
    Dicom::ct(&Person::numbered(person), number).bytes()
}

fn place() -> Place {
    let place =
        Place::with((1..=2).map(|number| (format!("study/{number}.dcm"), slice(1, number))));
    place.file("coded.yaml", CODED);
    place
}

/// The counts of a run, whether it sent or would.
fn counts(ran: &Ran<'_>) -> [u64; 5] {
    let end = ran.end();
    let total = |name: &str| {
        end["totals"][name]
            .as_u64()
            .unwrap()
    };
    [
        total("uploaded") + total("prepared"),
        total("already_there"),
        total("failed"),
        total("sessions"),
        total("acquisitions"),
    ]
}

/// Where a run put things, or would.
fn destinations(ran: &Ran<'_>) -> Vec<String> {
    let events = ran
        .events_of("uploaded")
        .into_iter()
        .chain(ran.events_of("would-upload"));
    let mut all: Vec<_> = events
        .map(|event| {
            event["receipt"]["destination"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    all.sort();
    all
}

/// Rehearses, runs, and insists on the same words.
#[track_caller]
fn same(place: &Place, site: &Site, line: &str) {
    let before = site.requests().len();
    let rehearsed = place
        .run(line)
        .args(["--dry-run"])
        .at(site)
        .ends();
    let asked = site.requests().split_off(before);
    assert!(
        asked
            .iter()
            .all(|request| request.method == "GET" || request.target == "/api/lookup"),
        "nothing is changed"
    );
    let ran = place.run(line).at(site).ends();
    assert_eq!(
        (rehearsed.code, counts(&rehearsed)),
        (ran.code, counts(&ran)),
        "{}\n{}",
        rehearsed.stderr,
        ran.stderr
    );
    assert_eq!(destinations(&rehearsed), destinations(&ran));
}

#[test]
fn a_rehearsal_comes_to_what_the_run_comes_to() {
    let (place, site) = (place(), Site::start());
    same(&place, &site, USUAL);
    same(&place, &site, USUAL);
    place.file("study/3.dcm", slice(1, 3));
    place.file("study/other.dcm", slice(2, 1));
    same(&place, &site, USUAL);
    place.file("study/4.dcm", damaged::truncated(&slice(1, 4)));
    same(&place, &site, USUAL);
    same(&place, &site, &USUAL.replace("study", "study/1.dcm"));
    let elsewhere = format!("{USUAL} --if-exists fail --fresh");
    same(&place, &site, &elsewhere);
}

#[test]
fn studies_of_one_label_are_counted_and_named_as_the_server_has_them() {
    let (place, site) = (Place::new(), Site::start());
    place.file(
        "lite.yaml",
        "name: lite\ndicom:\n  residual: {on-leak: warn}\n  fields:\n    - \
            {name: PatientName, remove: true}\n",
    );
    for study in 1..=4 {
        let uid = format!("1.2.826.0.1.3680043.10.{study}");
        let file = Dicom::ct(&Person::plain(), study).text(
            dicom_dictionary_std::tags::STUDY_INSTANCE_UID,
            dicom_core::VR::UI,
            &uid,
        );
        place.file(format!("study/{study}.dcm"), file.bytes());
    }
    let line = "study -p demo/phantom --profile lite.yaml --json";
    same(&place, &site, line);
    let sessions = site.containers("sessions");
    assert_eq!(sessions.len(), 4);
    let site = Site::start();
    let ran = place.run(line).at(&site).exits(0);
    assert_eq!(counts(&ran)[3..], [4, 4]);
    let mut labels: Vec<_> = site
        .containers("sessions")
        .iter()
        .map(|session| {
            session["label"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    labels.sort();
    let mut told: Vec<_> = destinations(&ran)
        .iter()
        .map(|path| {
            path.split('/')
                .nth(3)
                .unwrap()
                .to_owned()
        })
        .collect();
    told.sort();
    assert_eq!(told, labels);
    assert!(labels[1].ends_with("(2)"), "{labels:?}");
}

#[test]
fn a_rehearsal_says_what_changes_most_by_attribute_and_never_a_value() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run(USUAL)
        .args(["--dry-run"])
        .at(&site)
        .exits(0);
    ran.says("Changes ")
        .says("attributes, most often ");
    let changes = ran.events_of("changes").remove(0);
    let of = |name: &str| {
        let all = changes["most"].as_array().unwrap();
        all.iter()
            .find(|changes| {
                changes["attribute"]
                    .as_str()
                    .unwrap()
                    .starts_with(name)
            })
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&of("StationName")["removed"], &of("StationName")["changed"]),
        (&2.into(), &0.into())
    );
    assert_eq!(of("PatientID")["changed"], 2);
    assert!(
        crate::fixture::found_in(ran.stdout.as_bytes()).is_empty()
            && crate::fixture::found_in(ran.stderr.as_bytes()).is_empty()
    );
    assert!(
        place
            .run(USUAL)
            .at(&site)
            .exits(0)
            .events_of("changes")
            .is_empty()
    );
}

#[test]
fn a_project_that_would_be_made_has_nothing() {
    let (place, site) = (place(), Site::start());
    let line = USUAL.replace("demo/phantom", "demo/new");
    let ran = place
        .run(&line)
        .args(["--create-project", "--dry-run"])
        .at(&site)
        .exits(0);
    assert_eq!(counts(&ran), [2, 0, 0, 1, 1]);
}

#[test]
fn a_rehearsal_leaves_the_journal_as_it_is() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--dry-run"])
        .at(&site)
        .exits(0);
    assert!(
        !place
            .state()
            .join("fwupload/journal")
            .exists()
    );
    place.run(USUAL).at(&site).exits(0);
    let before = crate::run::tree(&place.state());
    place
        .run(USUAL)
        .args(["--dry-run"])
        .at(&site)
        .exits(0);
    assert_eq!(crate::run::tree(&place.state()), before);
}
