//! Parts of a series: what is on the server stays whole, whatever part of it a later run holds.

use crate::archive::members;
use crate::fixture::{CODED, Dicom, Person, damaged};
use crate::run::{Place, Ran};
use crate::server::{Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

fn place(slices: &[u32]) -> Place {
    let place = Place::with(
        slices
            .iter()
            .map(|number| (format!("study/{number}.dcm"), slice(*number))),
    );
    place.file("coded.yaml", CODED);
    place
}

fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

/// How many instances each package on the server holds.
fn instances(site: &Site) -> Vec<usize> {
    site.uploaded()
        .iter()
        .map(|(_, bytes)| members(bytes).len())
        .collect()
}

#[test]
fn a_part_of_a_series_takes_the_place_of_nothing() {
    let (place, site) = (place(&[1, 2, 3]), Site::start());
    place.run(USUAL).at(&site).exits(0);
    for part in ["study/1.dcm", "study/2.dcm study/3.dcm"] {
        for more in ["", "--if-exists replace"] {
            let ran = place
                .run(&USUAL.replace("study", part))
                .args(more.split_whitespace())
                .at(&site)
                .exits(9);
            assert!(
                ran.failures()
                    .iter()
                    .all(|(_, code)| code == "upload.part-of-series"),
                "{:?}",
                ran.failures()
            );
            ran.says("would be missing")
                .says("--supersede");
            assert_eq!(instances(&site), [3]);
        }
    }
    let ran = place
        .run(&USUAL.replace("study", "study/1.dcm"))
        .args(["--dry-run"])
        .at(&site)
        .exits(9);
    assert_eq!(ran.events_of("failed")[0]["code"], "upload.part-of-series");
    let superseded = place
        .run(&USUAL.replace("study", "study/1.dcm"))
        .args(["--supersede"])
        .at(&site)
        .exits(0);
    assert_eq!(
        (total(&superseded, "uploaded"), instances(&site)),
        (1, vec![1])
    );
}

#[test]
fn two_runs_that_each_name_a_part_do_not_take_turns() {
    let (place, site) = (place(&[1, 2]), Site::start());
    place
        .run(&USUAL.replace("study", "study/1.dcm"))
        .at(&site)
        .exits(0);
    let second = place
        .run(&USUAL.replace("study", "study/2.dcm"))
        .at(&site)
        .exits(9);
    second.says("1 instance of the package there would be missing");
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(instances(&site), [2]);
}

#[test]
fn a_part_of_what_a_killed_run_may_have_sent_takes_the_place_of_nothing() {
    let (place, site) = (
        place(&[1, 2]),
        Site::setup()
            .rule(on("POST", "/api/acquisitions/*/files").lose_answer())
            .start(),
    );
    // What was sent arrived, and the run was not told.
    place
        .run(USUAL)
        .env("FWUPLOAD_RETRY_FOR", "1s")
        .at(&site)
        .ends();
    site.heal();
    std::fs::remove_file(place.path("study/2.dcm")).unwrap();
    let part = place.run(USUAL).at(&site).ends();
    assert!(
        part.code != Some(0) && instances(&site) == [2],
        "{:?} {:?}",
        part.failures(),
        instances(&site)
    );
}

#[test]
fn a_series_that_moved_is_not_sent_again() {
    let (place, site) = (place(&[1, 2]), Site::start());
    place.run(USUAL).at(&site).exits(0);
    std::fs::create_dir(place.path("moved")).unwrap();
    std::fs::rename(place.path("study"), place.path("moved/elsewhere")).unwrap();
    let again = place
        .run(&USUAL.replace("study", "moved"))
        .at(&site)
        .exits(0);
    assert_eq!(
        (
            total(&again, "already_there"),
            total(&again, "uploaded"),
            instances(&site)
        ),
        (2, 0, vec![2])
    );
}

#[test]
fn the_report_completes_a_series_in_each_format() {
    for name in ["r.jsonl", "r.json", "r.csv"] {
        for failing in [
            damaged::truncated(&slice(3)),
            damaged::overrun(&slice(3)),
            slice(3)[..500].to_vec(),
        ] {
            let (place, site) = (place(&[1, 2]), Site::start());
            place.file("study/3.dcm", failing);
            place
                .run(USUAL)
                .args(["--report", name])
                .at(&site)
                .exits(3);
            assert_eq!(instances(&site), [2]);
            place.file("study/3.dcm", slice(3));
            let retry = "-p demo/phantom --profile coded.yaml --json --files-from";
            let ran = place
                .run(retry)
                .args([name])
                .at(&site)
                .exits(0);
            assert_eq!(
                (total(&ran, "uploaded"), instances(&site)),
                (3, vec![3]),
                "{name}"
            );
        }
    }
}

#[test]
fn a_merged_report_completes_a_series_too() {
    let (place, site) = (place(&[1, 2]), Site::start());
    place.file("study/3.dcm", damaged::truncated(&slice(3)));
    place
        .run(USUAL)
        .args(["--report", "a.jsonl"])
        .at(&site)
        .exits(3);
    place
        .run(USUAL)
        .args(["--report", "b.csv"])
        .at(&site)
        .exits(3);
    for (parts, merged) in [
        ("a.jsonl", "m.json"),
        ("b.csv", "m.jsonl"),
        ("m.json", "m.csv"),
    ] {
        place
            .run(&format!("report merge {parts} -o {merged}"))
            .exits(0);
    }
    place.file("study/3.dcm", slice(3));
    place
        .run("-p demo/phantom --profile coded.yaml --files-from m.csv")
        .at(&site)
        .exits(0);
    assert_eq!(instances(&site), [3]);
}

#[test]
fn what_went_alone_is_named_once_its_series_is_sent_and_deleted_only_if_asked() {
    for supersede in [false, true] {
        let (place, site) = (place(&[1]), Site::start());
        // As a package of one instance, it has a name of its own.
        place
            .run(USUAL)
            .args(["--package", "instance"])
            .at(&site)
            .exits(0);
        place.file("study/2.dcm", slice(2));
        let ran = place
            .run(USUAL)
            .args(supersede.then_some("--supersede"))
            .at(&site)
            .exits(0);
        if supersede {
            ran.does_not_say("earlier package");
            assert_eq!(instances(&site), [2]);
        } else {
            ran.says("warning[superseded]")
                .says("delete it there");
            assert_eq!(site.uploaded().len(), 2);
            place
                .run(USUAL)
                .at(&site)
                .exits(0)
                .does_not_say("superseded");
        }
    }
}

#[test]
fn a_file_that_earlier_versions_left_is_named() {
    let (place, site) = (place(&[1]), Site::start());
    // Earlier versions, and other programs, call a series of one instance so.
    place.file("study/1 - Thorax 1.0 B30f.dicom", "left by another program");
    let run = "study -p demo/phantom --profile coded.yaml --other-files upload --keep-names -y";
    place.run(run).at(&site).exits(0);
    std::fs::remove_file(place.path("study/1 - Thorax 1.0 B30f.dicom")).unwrap();
    place.file("study/2.dcm", slice(2));
    place
        .run(USUAL)
        .env("XDG_STATE_HOME", place.path("other"))
        .args(["--if-exists", "replace"])
        .at(&site)
        .exits(0)
        .says("as earlier versions and other programs name a series of one instance");
}

#[test]
fn a_journal_of_an_older_form_is_set_aside_and_said() {
    let (place, site) = (place(&[1, 2]), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let folder = place
        .state()
        .join("fwupload/journal");
    let own = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let own = own
        .into_iter()
        .find(|path| {
            path.extension()
                .is_some_and(|e| e == "jsonl")
        })
        .unwrap();
    // Earlier versions had one file for all inputs.
    let name = own
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    let journal = folder.join(format!("{}.jsonl", name.split('-').next().unwrap()));
    let older = std::fs::read_to_string(&own)
        .unwrap()
        .replacen("\"v\":2", "\"v\":1", 1);
    std::fs::remove_file(&own).unwrap();
    std::fs::write(&journal, &older).unwrap();
    let again = place.run(USUAL).at(&site).exits(0);
    again.says("older form");
    assert_eq!(
        (total(&again, "already_there"), instances(&site)),
        (2, vec![2])
    );
    assert_eq!(
        std::fs::read_to_string(journal.with_extension("older.jsonl")).unwrap(),
        older
    );
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .does_not_say("older form");
}
