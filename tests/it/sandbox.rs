//! The embedded server as users meet it: inside the uploader, and as a process of its own.

use std::path::Path;

use crate::fixture::{Dicom, Person};
use crate::run::{Place, tree};
use crate::{archive, fixture};

/// What the README tells a stranger to type, with the folders of this test.
#[test]
fn the_readmes_first_command() {
    let place = Place::new();
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study");
    let ran = place.run("--project demo/phantom --sandbox ./sandbox-data").args([study]).exits(3);
    ran.says("Uploaded").says("14 files").says("1 read.truncated");
    assert_eq!(ran.failures(), [("IM0013.dcm".into(), "read.truncated".into())]);
    let kept = tree(&place.path("sandbox-data"));
    assert!(kept.len() >= 4, "three series and an index");
    for (name, bytes) in kept {
        assert!(fixture::found_in(name.as_bytes()).is_empty(), "{name}");
        assert!(fixture::found_in(&bytes).is_empty(), "{name}: {:?}", fixture::found_in(&bytes));
        if archive::is_zip(&bytes) {
            for (name, content) in archive::members(&bytes) {
                assert!(fixture::found_in(name.as_bytes()).is_empty() && fixture::found_in(&content).is_empty(), "{name}");
            }
        }
    }
}

#[test]
fn a_new_sandbox_is_a_careful_site_unless_the_user_says_what_to_do() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    place.run("in.dcm -p demo/phantom --sandbox careful").exits(0).says("\"basic\" (from the site");
    place.run("in.dcm -p demo/phantom --sandbox careful --profile flywheel-minimal").exits(5).says("error[profile.conflict]");
    place.run("in.dcm -p demo/phantom --sandbox told --profile basic").exits(0).says("given locally");
    place.run("in.dcm -p demo/phantom --sandbox told").exits(5).says("error[profile.missing]");
}

#[test]
fn a_second_run_on_the_same_sandbox_folder_finds_everything_there() {
    let place = Place::new();
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/study/ct-thorax/IM0001.dcm");
    let line = "--project demo/phantom --profile basic --sandbox ./sandbox-data --json";
    let first = place.run(line).args([&study]).exits(0);
    assert_eq!(first.end()["totals"]["uploaded"], 1);
    let second = place.run(line).args([&study]).exits(0);
    assert_eq!(second.end()["totals"]["already_there"], 1);
}

#[cfg(unix)]
#[test]
fn as_a_process_of_its_own_with_the_profile_at_each_level() {
    for level in ["project", "group", "site"] {
        for signed in [&[][..], &["--signed-urls"]] {
            let place = Place::with([("coded.yaml", fixture::CODED)]);
            place.file("in.dcm", Dicom::ct(&Person::plain(), 1).bytes());
            let options = format!("sandbox box --project demo/phantom --profile coded.yaml --profile-level {level}");
            let server = place.run(&options).args(signed).start();
            let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
            let key = ready["key"].as_str().unwrap();
            let ran = place.run("in.dcm -p demo/phantom").env("FWUPLOAD_API_KEY", key).exits(0);
            ran.says("coded").says(level);
            server.signal("TERM");
            server.end();
            assert!(tree(&place.path("box")).iter().any(|(name, _)| name.contains(".dicom")));
        }
    }
}

#[cfg(unix)]
#[test]
fn what_it_received_is_still_there_after_a_restart() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let mut settled = Vec::new();
    for _ in 0..2 {
        let server = place.run("sandbox box --project demo/phantom").start();
        let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
        let key = ready["key"].as_str().unwrap();
        let ran = place.run("in.dcm -p demo/phantom --profile basic --json").env("FWUPLOAD_API_KEY", key).exits(0);
        settled.push((ran.end()["totals"]["uploaded"].as_u64(), ran.end()["totals"]["already_there"].as_u64()));
        server.signal("INT");
        server.end();
    }
    assert_eq!(settled, [(Some(1), Some(0)), (Some(0), Some(1))]);
}
