//! The published exit codes, one example each.

use std::net::TcpListener;

use crate::fixture::{Dicom, Person, damaged};
use crate::run::Place;
use crate::server::{Site, on};

const USUAL: &str = "study -p demo/phantom --profile basic";

fn good() -> Vec<u8> {
    Dicom::ct(&Person::plain(), 1).bytes()
}

#[test]
fn exit_0_everything_arrived() {
    let (place, site) = (Place::with([("study/1.dcm", good())]), Site::start());
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("Uploaded");
    assert!(
        !place
            .path("fwupload-failures.jsonl")
            .exists(),
        "no report when nothing failed"
    );
}

#[test]
fn exit_0_skips_have_their_reason() {
    let (place, site) = (
        Place::with([
            ("study/1.dcm", good()),
            ("study/notes.txt", b"text".to_vec()),
        ]),
        Site::start(),
    );
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("Skipped")
        .says("not DICOM");
    place
        .run(USUAL)
        .args(["--fail-on-skip"])
        .at(&site)
        .exits(3);
}

#[test]
fn exit_1_a_report_that_cannot_be_written() {
    let (place, site) = (Place::with([("study/1.dcm", good())]), Site::start());
    let ran = place
        .run(USUAL)
        .args(["--report", "no/such/folder/report.jsonl"])
        .at(&site)
        .exits(1);
    ran.says("error[report.unwritable]");
    assert!(
        site.uploaded().is_empty(),
        "this is found out before anything is sent"
    );
}

#[test]
fn exit_2_usage() {
    let place = Place::with([("study/1.dcm", good())]);
    place
        .run("study")
        .exits(2)
        .says("--project");
    place
        .run("-p demo/phantom")
        .exits(2);
    place
        .run("study -p demo/phantom --no-such-flag")
        .exits(2)
        .says("--no-such-flag");
    place
        .run("study -p demo/phantom --profile basic --no-deid")
        .exits(2);
    place
        .run("study -p demo/phantom --report failures.xls")
        .exits(2);
    place
        .run("study -p demo/phantom --api-key site.example:SECRET")
        .exits(2)
        .says("--api-key-file")
        .does_not_say("SECRET");
}

#[test]
fn exit_3_some_failed() {
    let (place, site) = (
        Place::with([
            ("study/1.dcm", good()),
            ("study/2.dcm", damaged::truncated(&good())),
        ]),
        Site::start(),
    );
    let ran = place.run(USUAL).at(&site).exits(3);
    ran.says("Uploaded")
        .says("Failed")
        .says("fwupload-failures.jsonl");
    assert_eq!(ran.failures(), [("2.dcm".into(), "read.truncated".into())]);
}

#[test]
fn exit_4_no_key_or_a_key_that_is_refused() {
    let (place, site) = (Place::with([("study/1.dcm", good())]), Site::start());
    place
        .run(USUAL)
        .exits(4)
        .says("error[auth.missing]")
        .says("fwupload login");
    place
        .run(USUAL)
        .env("FWUPLOAD_API_KEY", "not a key")
        .exits(4)
        .says("error[auth.malformed-key]");
    let wrong = site
        .key()
        .replace("sandbox-key", "another-key");
    place
        .run(USUAL)
        .env("FWUPLOAD_API_KEY", wrong)
        .exits(4)
        .says("error[auth.rejected]")
        .does_not_say("another-key");
    let forbidding = ["/api/groups/*/projects", "/api/projects"]
        .into_iter()
        .fold(Site::setup(), |site, list| {
            site.rule(on("GET", list).answer(403))
        });
    let forbidding = forbidding
        .rule(on("POST", "/api/lookup").answer(403))
        .start();
    place
        .run(USUAL)
        .at(&forbidding)
        .exits(4)
        .says("error[auth.forbidden]");
}

#[test]
fn exit_5_profile_missing() {
    let (place, site) = (Place::with([("study/1.dcm", good())]), Site::start());
    place
        .run("study -p demo/phantom")
        .at(&site)
        .exits(5)
        .says("error[profile.missing]");
}

#[test]
fn exit_6_no_such_project() {
    let (place, site) = (Place::with([("study/1.dcm", good())]), Site::start());
    let ran = place
        .run("study -p demo/fantom --profile basic")
        .at(&site)
        .exits(6);
    ran.says("error[project.not-found]")
        .says("phantom");
}

#[test]
fn exit_7_no_server_answers() {
    let place = Place::with([("study/1.dcm", good())]);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let key = format!(
        "127.0.0.1:{}:__force_insecure:abcdefgh12345678",
        closed.port()
    );
    place
        .run(USUAL)
        .env("FWUPLOAD_API_KEY", key)
        .exits(7)
        .says("error[network.unavailable]");
}

#[test]
fn exit_7_something_else_answers() {
    let html = "<html><body>Welcome to the hospital's guest network</body></html>";
    let site = Site::setup()
        .rule(on("GET", "/api/config").answer_with(200, html))
        .rule(on("POST", "/api/lookup").answer_with(200, html))
        .start();
    let place = Place::with([("study/1.dcm", good())]);
    place
        .run(USUAL)
        .at(&site)
        .exits(7)
        .says("error[network.unexpected-answer]");
}

#[test]
fn exit_8_nothing_to_upload() {
    let (place, site) = (
        Place::with([("study/notes.txt", "text"), ("study/more.txt", "text")]),
        Site::start(),
    );
    place
        .run(USUAL)
        .at(&site)
        .exits(8)
        .says("nothing to upload");
    place
        .run(USUAL)
        .args(["--allow-empty"])
        .at(&site)
        .exits(0);
}

#[test]
fn exit_9_every_file_failed() {
    let (place, site) = (
        Place::with([("study/1.dcm", damaged::truncated(&good()))]),
        Site::start(),
    );
    place
        .run(USUAL)
        .at(&site)
        .exits(9)
        .says("Failed");
    assert!(site.uploaded().is_empty());
}
