//! Up-arrow, enter: a run goes on where an earlier one stopped, sends only what is missing or has
//! changed, and asks the server rather than believing its own journal.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::archive::members;
use crate::fixture::{CODED, Dicom, Person, found_in};
use crate::run::{Place, Ran, tree};
use crate::server::{Gate, Rule, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json";

/// Two series of two slices each, of two persons.
fn place() -> Place {
    let place = Place::with(
        [1, 2]
            .into_iter()
            .flat_map(|person| {
                (1..=2).map(move |slice| {
                    (
                        format!("study/{person}/{slice}.dcm"),
                        Dicom::ct(&Person::numbered(person), slice).bytes(),
                    )
                })
            }),
    );
    place.file("coded.yaml", CODED);
    place
}

fn upload() -> Rule {
    on("POST", "/api/acquisitions/*/files")
}

fn sent(site: &Site) -> usize {
    site.requests_to("POST", "/api/acquisitions/*/files")
        .len()
}

/// Everything that was made on the server, and everything that was sent there.
fn made(site: &Site) -> Vec<usize> {
    [
        "/api/subjects",
        "/api/sessions",
        "/api/acquisitions",
        "/api/acquisitions/*/files",
    ]
    .map(|path| {
        site.requests_to("POST", path)
            .iter()
            .filter(|request| request.answered == 200)
            .count()
    })
    .into()
}

#[track_caller]
fn total(ran: &Ran<'_>, name: &str) -> u64 {
    ran.end()["totals"][name]
        .as_u64()
        .unwrap()
}

/// Deletes the one file of an acquisition behind the program's back.
fn delete_file(site: &Site, acquisition: &str, name: &str) {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    site.ask(
        "DELETE",
        &format!("/api/acquisitions/{acquisition}/files/{name}"),
        "",
    );
}

#[test]
fn what_arrived_is_neither_read_nor_sent_again() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(made(&site), [2, 2, 2, 2]);
    let again = place
        .run(USUAL)
        .args(["-v"])
        .at(&site)
        .exits(0);
    assert_eq!(total(&again, "already_there"), 4);
    assert_eq!(
        again
            .events_of("deidentified")
            .len(),
        0,
        "nothing was cleaned again"
    );
    assert_eq!(made(&site), [2, 2, 2, 2]);
    again.says("earlier runs sent 2 packages");
    let there = &again.events_of("already-there")[0]["receipt"];
    assert!(
        there["file"]
            .as_str()
            .unwrap()
            .ends_with(".dicom.zip")
            && there["file_id"].is_string(),
        "{there}"
    );
}

#[test]
fn instances_that_went_alone_are_not_sent_again_either() {
    let (place, site) = (place(), Site::start());
    let alone = format!("{USUAL} --package instance");
    place.run(&alone).at(&site).exits(0);
    let again = place.run(&alone).at(&site).exits(0);
    assert_eq!(
        (
            total(&again, "already_there"),
            again
                .events_of("deidentified")
                .len()
        ),
        (4, 0)
    );
    let together = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        total(&together, "uploaded"),
        4,
        "another way of packing is another thing to send"
    );
}

#[test]
fn other_files_stay_beside_their_instances() {
    let (place, site) = (place(), Site::start());
    place.file("study/1/notes.txt", "notes");
    let with_notes = format!("{USUAL} --other-files upload -y");
    place
        .run(&with_notes)
        .at(&site)
        .exits(0);
    let again = place
        .run(&with_notes)
        .at(&site)
        .exits(0);
    assert_eq!(
        (
            total(&again, "already_there"),
            site.uploaded().len(),
            sent(&site)
        ),
        (5, 3, 3)
    );
    assert!(
        site.requests_to("POST", "/api/projects/*/files")
            .is_empty()
    );
}

#[test]
fn only_what_failed_is_tried_again() {
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().times(1).answer(400))
            .start(),
    );
    let first = place.run(USUAL).at(&site).exits(3);
    assert_eq!((total(&first, "uploaded"), total(&first, "failed")), (2, 2));
    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        (total(&again, "uploaded"), total(&again, "already_there")),
        (2, 2)
    );
    assert_eq!(made(&site), [2, 2, 2, 2]);
}

#[test]
fn a_series_that_changed_is_sent_again_and_replaces_what_was_sent() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    place.file("study/1/3.dcm", Dicom::ct(&Person::numbered(1), 3).bytes());
    let again = place.run(USUAL).at(&site).exits(0);
    again.says("2 instances then, 3 now; 1 are new or changed, 0 of before are gone");
    assert_eq!(
        (total(&again, "uploaded"), total(&again, "already_there")),
        (3, 2)
    );
    assert_eq!(made(&site), [2, 2, 2, 3]);
    let last = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        (
            total(&last, "already_there"),
            last.events_of("deidentified").len()
        ),
        (5, 0)
    );
}

#[test]
fn a_series_that_grows_stays_one_package() {
    let (place, site) = (
        Place::with([("study/1.dcm", Dicom::ct(&Person::plain(), 1).bytes())]),
        Site::start(),
    );
    place.file("coded.yaml", CODED);
    place.run(USUAL).at(&site).exits(0);
    place.file("study/2.dcm", Dicom::ct(&Person::plain(), 2).bytes());
    let second = place.run(USUAL).at(&site).exits(0);
    second.does_not_say("earlier package");
    let packages = site.uploaded();
    assert_eq!(
        (
            total(&second, "uploaded"),
            packages.len(),
            members(&packages[0].1).len()
        ),
        (2, 1, 2)
    );
}

#[test]
fn a_file_that_was_only_touched_is_cleaned_again_and_not_sent() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let touched = File::options()
        .write(true)
        .open(place.path("study/1/1.dcm"))
        .unwrap();
    touched
        .set_modified(SystemTime::now() + Duration::from_secs(60))
        .unwrap();
    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        (
            total(&again, "already_there"),
            again
                .events_of("deidentified")
                .len(),
            sent(&site)
        ),
        (4, 2, 2)
    );
}

#[test]
fn where_the_server_states_no_hash_that_of_the_journal_counts() {
    let (place, site) = (place(), Site::setup().signed_urls().start());
    let stored = || {
        site.requests_to("PUT", "/storage/*/*/*")
            .len()
    };
    place.run(USUAL).at(&site).exits(0);
    for second in [60, 120] {
        let touched = File::options()
            .write(true)
            .open(place.path("study/1/1.dcm"))
            .unwrap();
        touched
            .set_modified(SystemTime::now() + Duration::from_secs(second))
            .unwrap();
        let again = place.run(USUAL).at(&site).exits(0);
        assert_eq!(
            (total(&again, "already_there"), stored()),
            (4, 2),
            "the content is the same"
        );
    }
    // Another pixel, and not a byte more or less.
    let mut bytes = std::fs::read(place.path("study/1/1.dcm")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    place.file("study/1/1.dcm", bytes);
    let again = place.run(USUAL).at(&site).exits(0);
    again.says("2 instances then, 2 now; 1 are new or changed, 1 of before are gone");
    assert_eq!(
        (
            total(&again, "uploaded"),
            total(&again, "already_there"),
            stored()
        ),
        (2, 2, 3)
    );
}

#[test]
fn what_the_server_lost_is_sent_again() {
    let (place, site) = (place(), Site::start());
    let first = place.run(USUAL).at(&site).exits(0);
    let uploaded = &first.events_of("uploaded")[0]["receipt"];
    delete_file(
        &site,
        uploaded["container_id"]
            .as_str()
            .unwrap(),
        uploaded["file"].as_str().unwrap(),
    );
    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        (total(&again, "uploaded"), total(&again, "already_there")),
        (2, 2)
    );
    assert_eq!(site.uploaded().len(), 2);
}

#[test]
fn what_another_program_put_there_is_for_if_exists_to_decide() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    // Another machine knows nothing of what this one sent, and has other slices under the same
    // name.
    let other = self::place();
    other.file("study/1/3.dcm", Dicom::ct(&Person::numbered(1), 3).bytes());
    let refused = other.run(USUAL).at(&site).exits(3);
    assert_eq!(
        refused
            .failures()
            .iter()
            .map(|(_, code)| code.as_str())
            .collect::<Vec<_>>(),
        ["upload.exists"; 3]
    );
    other
        .run(USUAL)
        .args(["--if-exists", "replace"])
        .at(&site)
        .exits(0);
    // Now this machine's own is gone: what is there is another program's.
    let back = place.run(USUAL).at(&site).exits(3);
    assert_eq!(
        (total(&back, "failed"), total(&back, "already_there")),
        (2, 2)
    );
}

#[test]
fn what_was_found_there_once_does_not_become_this_programs_own() {
    let (first, site) = (place(), Site::start());
    first.run(USUAL).at(&site).exits(0);
    // Another machine finds the same there, and its own files change afterwards.
    let other = place();
    for _ in 0..2 {
        assert_eq!(
            total(&other.run(USUAL).at(&site).exits(0), "already_there"),
            4
        );
    }
    let refused = other
        .run(USUAL)
        .args(["--if-exists", "fail"])
        .at(&site)
        .exits(9);
    assert_eq!(refused.failures().len(), 4);
    other.file("study/1/3.dcm", Dicom::ct(&Person::numbered(1), 3).bytes());
    let refused = other.run(USUAL).at(&site).exits(3);
    assert_eq!(
        refused
            .failures()
            .iter()
            .map(|(_, code)| code.as_str())
            .collect::<Vec<_>>(),
        ["upload.exists"; 3]
    );
    assert_eq!(
        sent(&site),
        2,
        "the first machine's file is not replaced unasked"
    );
    let replaced = other
        .run(USUAL)
        .args(["--if-exists", "replace"])
        .at(&site)
        .exits(0);
    assert_eq!(total(&replaced, "uploaded"), 5);
}

#[test]
fn a_fresh_run_reads_everything_and_still_sends_nothing_twice() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let fresh = place
        .run(USUAL)
        .args(["--fresh"])
        .at(&site)
        .exits(0);
    assert_eq!(
        (
            total(&fresh, "already_there"),
            fresh
                .events_of("deidentified")
                .len(),
            sent(&site)
        ),
        (4, 4, 2)
    );
    fresh.does_not_say("earlier runs");
}

#[test]
fn another_profile_or_other_labels_do_not_count_as_done() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    place.file(
        "other.yaml",
        CODED.replace(
            "{name: StationName, remove: true}",
            "{name: StationName, replace-with: X}",
        ),
    );
    let other = place
        .run("study -p demo/phantom --profile other.yaml --json")
        .at(&site)
        .ends();
    assert_eq!(
        other
            .events_of("deidentified")
            .len(),
        4
    );
    let forced = place
        .run(USUAL)
        .args(["--subject", "volunteer", "--merge-patients"])
        .at(&site)
        .exits(0);
    assert_eq!((total(&forced, "uploaded"), made(&site)[0]), (4, 3));
}

#[test]
fn a_server_that_cannot_say_what_it_has_is_not_believed_to_have_it() {
    let rule = on("GET", "/api/acquisitions/*");
    let (place, site) = (
        place(),
        Site::setup()
            .rule(rule.times(2).answer(403))
            .start(),
    );
    place.run(USUAL).at(&site).exits(0);
    let again = place.run(USUAL).at(&site).ends();
    let there = total(&again, "already_there") + total(&again, "failed");
    assert_eq!((there, total(&again, "uploaded"), sent(&site)), (4, 0, 2));
}

/// Kills runs at many moments, and runs again until all is done.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_is_completed_by_the_next() {
    for step in 0..12 {
        let (place, site) = (
            place(),
            Site::setup()
                .rule(
                    upload()
                        .times(3)
                        .delay(Duration::from_millis(60)),
                )
                .start(),
        );
        let mut running = place.run(USUAL).at(&site).start();
        running.kill_when(|| site.requests().len() >= 2 * step);
        let killed = running.end();
        assert!(
            killed.code.is_none() || killed.code == Some(0),
            "{}",
            killed.stderr
        );
        // What reached the server before is still carried out there.
        site.settle();
        let again = place.run(USUAL).at(&site).exits(0);
        assert_eq!(
            total(&again, "uploaded") + total(&again, "already_there"),
            4,
            "step {step}"
        );
        assert_eq!(site.uploaded().len(), 2, "step {step}");
        assert_eq!(
            made(&site),
            [2, 2, 2, 2],
            "nothing is made or sent twice, step {step}"
        );
    }
}

#[test]
fn an_upload_whose_answer_got_lost_for_good_is_settled_by_asking_the_server() {
    let unasked = on("GET", "/api/acquisitions/*")
        .times(2)
        .answer(403);
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().times(2).lose_answer())
            .rule(unasked)
            .start(),
    );
    place.run(USUAL).at(&site).exits(9);
    assert_eq!(site.uploaded().len(), 2, "it had arrived");
    let again = place
        .run(USUAL)
        .args(["--if-exists", "fail"])
        .at(&site)
        .exits(0);
    assert_eq!(
        (total(&again, "already_there"), sent(&site)),
        (4, 2),
        "it is known whose they are"
    );
}

#[test]
fn the_journal_says_nothing_about_patients() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let journal = tree(&place.state());
    assert!(
        journal
            .iter()
            .any(|(name, bytes)| name.contains("/journal/") && bytes.len() > 500),
        "{journal:?}"
    );
    for (name, bytes) in journal {
        assert!(
            found_in(&bytes).is_empty() && found_in(name.as_bytes()).is_empty(),
            "{name}"
        );
        let text = String::from_utf8(bytes).unwrap();
        for word in ["study", ".dcm", "Thorax", "phantom"] {
            assert!(!text.contains(word), "{word} stands in {name}: {text}");
        }
    }
}

#[test]
fn two_runs_do_not_fight() {
    let gate = Gate::default();
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().hold(&gate))
            .start(),
    );
    let first = place.run(USUAL).at(&site).start();
    gate.wait_for_request();
    let second = place
        .run(USUAL)
        .args(["--report", "second.jsonl"])
        .at(&site)
        .exits(1);
    second
        .says("error[journal.locked]")
        .says("(process ")
        .says("waited for 5 seconds");
    second
        .says("notice[waiting-for-run]")
        .says("`--wait-lock 2h`");
    let third = place
        .run(USUAL)
        .args(["--report", "third.jsonl", "--wait-lock", "1h"])
        .at(&site)
        .start();
    third.wait_until_it_says("waiting up to 3600 s");
    gate.open();
    let ran = first.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(third.end().code, Some(0));
    assert_eq!(made(&site), [2, 2, 2, 2]);
}

#[test]
fn runs_of_different_inputs_go_on_at_the_same_time() {
    let gate = Gate::default();
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().times(1).hold(&gate))
            .start(),
    );
    let first = place
        .run(&USUAL.replace("study", "study/1"))
        .at(&site)
        .start();
    gate.wait_for_request();
    let second = place
        .run(&USUAL.replace("study", "study/2"))
        .at(&site)
        .exits(0);
    assert_eq!(total(&second, "uploaded"), 2);
    gate.open();
    assert_eq!(first.end().code, Some(0));
    let all = place.run(USUAL).at(&site).exits(0);
    assert_eq!(
        (
            total(&all, "already_there"),
            all.events_of("deidentified").len()
        ),
        (4, 0),
        "each knows what the others sent"
    );
}

#[cfg(unix)]
#[test]
fn a_run_that_waits_for_another_one_can_be_interrupted() {
    let gate = Gate::default();
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().hold(&gate))
            .start(),
    );
    let first = place.run(USUAL).at(&site).start();
    gate.wait_for_request();
    let second = place
        .run(USUAL)
        .args(["--report", "second.jsonl", "--wait-lock", "1h"])
        .at(&site)
        .start();
    second.wait_until_it_says("waiting-for-run");
    second.signal("INT");
    assert_eq!(second.end().code, Some(130));
    gate.open();
    assert_eq!(first.end().code, Some(0));
}

#[test]
fn a_journal_that_cannot_be_written_stops_the_run_before_anything_is_sent() {
    let (place, site) = (place(), Site::start());
    std::fs::write(place.state(), b"in the way").unwrap();
    place
        .run(USUAL)
        .at(&site)
        .exits(1)
        .says("error[journal.unwritable]")
        .says("FWUPLOAD_STATE_HOME");
    assert_eq!(made(&site), [0, 0, 0, 0]);
    place
        .run(USUAL)
        .env("FWUPLOAD_STATE_HOME", place.path("state"))
        .at(&site)
        .exits(0);
}

#[test]
fn a_rehearsal_leaves_no_journal() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--dry-run"])
        .at(&site)
        .exits(0);
    place
        .run(USUAL)
        .args(["--output", "out"])
        .at(&site)
        .exits(0);
    assert!(
        !place
            .state()
            .join("fwupload/journal")
            .exists()
    );
}

#[test]
fn a_sandbox_keeps_its_journal_to_itself() {
    let place = place();
    let sandbox = "study -p demo/phantom --profile coded.yaml --json --sandbox box";
    place.run(sandbox).exits(0);
    let again = place.run(sandbox).exits(0);
    assert_eq!(
        (
            total(&again, "already_there"),
            again
                .events_of("deidentified")
                .len()
        ),
        (4, 0)
    );
    assert!(
        !place
            .state()
            .join("fwupload/journal")
            .exists()
    );
}
