//! Which profile governs: the project's, the group's, the site's, a local one, or none; and what happens then.

use fwupload::sandbox::Level;

use crate::fixture::{self, Dicom, Person};
use crate::run::Place;
use crate::server::{Site, on};

const SITE_PROFILE: &str = "name: house-rules
dicom:
  residual: {on-leak: warn}
  fields:
    - {name: PatientID, replace-with: coded-1}
    - {name: PatientName, remove: true}
";

fn place() -> Place {
    Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())])
}

fn profile_json(name: &str, fields: &str) -> String {
    format!(r#"{{"deid_profile":{{"name":"{name}","dicom":{{"residual":{{"on-leak":"warn"}},"fields":{fields}}}}}}}"#)
}

/// Nothing was created and nothing was uploaded.
#[track_caller]
fn nothing_sent(site: &Site) {
    let writes: Vec<String> = site
        .requests()
        .into_iter()
        .filter(|r| r.method != "GET" && !r.target.starts_with("/api/lookup") && !r.target.starts_with("/api/resolve"))
        .map(|r| format!("{} {}", r.method, r.target))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn the_profile_of_any_level_governs_and_is_named_before_anything_is_sent() {
    for (level, word) in [(Level::Project, "project"), (Level::Group, "group"), (Level::Site, "site")] {
        let site = Site::setup().profile(level, SITE_PROFILE).start();
        let place = place();
        let ran = place.run("in.dcm -p demo/phantom").at(&site).exits(0);
        ran.says("house-rules").says(word).says("sha256:");
        let file = dicom_object::from_reader(&site.uploaded()[0].1[..]).unwrap();
        assert_eq!(file.element_by_name("PatientID").unwrap().to_str().unwrap().trim_end(), "coded-1", "{word}");
    }
}

#[test]
fn the_nearest_level_is_used_whole() {
    let nearer = profile_json("nearer", r#"[{"name":"PatientID","replace-with":"near"}]"#);
    let site = Site::setup()
        .profile(Level::Site, SITE_PROFILE)
        .rule(on("GET", "/api/groups/*/settings").answer_with(200, &nearer))
        .start();
    let place = place();
    place.run("in.dcm -p demo/phantom").at(&site).exits(0).says("nearer").does_not_say("house-rules");
    let uploaded = site.uploaded();
    assert!(fixture::found_in(&uploaded[0].1).contains(&"Ottoline".to_owned()), "nothing of the site's profile is merged in");
}

#[test]
fn a_level_without_dicom_section_does_not_count() {
    let other = r#"{"deid_profile":{"name":"tables","csv":{"fields":[]}}}"#;
    let site = Site::setup()
        .profile(Level::Site, SITE_PROFILE)
        .rule(on("GET", "/api/projects/*/settings").answer_with(200, other))
        .start();
    let place = place();
    place.run("in.dcm -p demo/phantom").at(&site).exits(0).says("house-rules");
}

#[test]
fn an_explicitly_empty_project_profile_opts_out_loudly() {
    let empty = profile_json("none of it", "[]");
    let site = || {
        Site::setup()
            .profile(Level::Site, SITE_PROFILE)
            .rule(on("GET", "/api/projects/*/settings").answer_with(200, &empty))
            .start()
    };
    let (place, without) = (place(), site());
    place.run("in.dcm -p demo/phantom").at(&without).exits(5).says("profile.missing").says("empty");
    nothing_sent(&without);
    let with = site();
    place.run("in.dcm -p demo/phantom --no-deid -y").at(&with).exits(0).says("empty");
    assert!(!fixture::found_in(&with.uploaded()[0].1).is_empty(), "it goes as it is");
}

#[test]
fn without_any_profile_nothing_is_sent() {
    let (place, site) = (place(), Site::start());
    place.run("in.dcm -p demo/phantom").at(&site).exits(5).says("error[profile.missing]").says("--profile").says("--no-deid");
    nothing_sent(&site);
}

#[test]
fn no_deid_sends_the_data_as_it_is_after_a_warning() {
    let (place, site) = (place(), Site::start());
    let ran = place.run("in.dcm -p demo/phantom --no-deid -y").at(&site).exits(0);
    ran.says("warning[phi]").says("as it is");
    let (_, bytes) = &site.uploaded()[0];
    assert!(fixture::found_in(bytes).contains(&"Ottoline".to_owned()));
    assert!(!bytes[..128].iter().any(|byte| *byte != 0), "preamble and file meta information are fresh all the same");
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn a_local_profile_beside_one_of_the_server_stops_and_names_both() {
    let (place, site) = (place(), Site::setup().profile(Level::Group, SITE_PROFILE).start());
    let ran = place.run("in.dcm -p demo/phantom --profile basic").at(&site).exits(5);
    ran.says("error[profile.conflict]").says("basic").says("house-rules").says("group");
    place.run("in.dcm -p demo/phantom --no-deid -y").at(&site).exits(5).says("error[profile.conflict]").says("house-rules");
    nothing_sent(&site);
}

#[test]
fn a_server_that_does_not_say_is_not_a_server_without_profile() {
    for (path, status, exit) in [
        ("/api/projects/*/settings", 403, 4),
        ("/api/groups/*/settings", 403, 4),
        ("/api/site/settings", 403, 4),
        ("/api/projects/*/settings", 418, 4),
    ] {
        let site = Site::setup().rule(on("GET", path).answer(status)).start();
        let place = place();
        let ran = place.run("in.dcm -p demo/phantom --profile basic").at(&site).exits(exit);
        ran.says("error[profile.unknown]");
        nothing_sent(&site);
    }
}

#[test]
fn a_server_that_fails_while_it_is_asked_stops_the_run() {
    let site = Site::setup().rule(on("GET", "/api/site/settings").answer(500).header("retry-after", "0")).start();
    let place = place();
    place.run("in.dcm -p demo/phantom --profile basic").at(&site).exits(7);
    nothing_sent(&site);
}

#[test]
fn a_level_that_is_not_there_is_passed_over() {
    let site = Site::setup()
        .profile(Level::Site, SITE_PROFILE)
        .rule(on("GET", "/api/projects/*/settings").answer(404))
        .rule(on("GET", "/api/groups/*/settings").answer(404))
        .start();
    let place = place();
    place.run("in.dcm -p demo/phantom").at(&site).exits(0).says("house-rules");
}

#[test]
fn an_invalid_profile_on_the_server_stops_with_level_and_reason() {
    let broken = profile_json("broken", r#"[{"name":"PatientID","remvoe":true}]"#);
    let site = Site::setup().rule(on("GET", "/api/groups/*/settings").answer_with(200, &broken)).start();
    let place = place();
    let ran = place.run("in.dcm -p demo/phantom --no-deid -y").at(&site).exits(5);
    ran.says("error[profile.invalid]").says("group").says("remvoe");
    nothing_sent(&site);
}

#[test]
fn a_site_that_keeps_a_log_is_told_whom_a_series_was_about_and_nobody_else_is() {
    let site = Site::setup().deid_log().signed_urls().start();
    let place = place();
    let run = || place.run("in.dcm -p demo/phantom --profile basic").args(["--new-pseudonym-key", "--residual", "warn"]);
    run().args(["--dry-run"]).at(&site).exits(0).says("log service at 127.0.0.1").says("PatientID, PatientName");
    let log = |site: &Site| site.kept().into_iter().find(|(name, _)| name.ends_with("deid-log.jsonl"));
    assert!(log(&site).is_none(), "a rehearsal records nothing");
    run().at(&site).exits(0).says("log service at 127.0.0.1");
    let (_, log) = log(&site).unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&log).unwrap();
    assert!(entry.to_string().contains("Ottoline"), "one record, with the original name");
    let id = entry.get("id").or_else(|| entry.get("_id")).unwrap().as_str().unwrap().to_owned();
    let requests = site.requests();
    let holding = |text: &str| -> Vec<_> {
        requests.iter().filter(|request| holds(&request.everything(), text)).map(|request| request.target.as_str()).collect()
    };
    assert_eq!(holding("Ottoline"), ["/deid-log/logs"], "the record goes to the log alone");
    assert!(holding(&id).iter().any(|target| target.contains("/files?ticket=")), "the file bears the id of its record");
}

#[test]
fn a_log_that_refuses_fails_the_file() {
    for status in [401, 403, 404, 422, 500] {
        let refusing = on("POST", "/deid-log/logs").answer(status).header("retry-after", "0");
        let (site, place) = (Site::setup().deid_log().rule(refusing).start(), place());
        let run = || place.run("in.dcm -p demo/phantom --profile basic --residual warn -vv --json").at(&site);
        let ran = run().exits(9);
        assert_eq!(ran.failures(), [("in.dcm".to_owned(), "upload.deid-log".to_owned())], "{status}");
        assert!(!ran.stderr.contains("Ottoline") && !ran.stdout.contains("Ottoline"), "{status}");
        assert!(site.uploaded().is_empty(), "{status}");
        site.heal();
        run().exits(0);
        assert_eq!(site.uploaded().len(), 1, "{status}");
    }
}

#[test]
fn nothing_goes_as_it_is_to_a_site_that_keeps_a_log() {
    let site = Site::setup().deid_log().start();
    let place = place();
    let ran = place.run("in.dcm -p demo/phantom --no-deid -y").at(&site).exits(5);
    ran.says("error[profile.deid-log]").says("requires that data is de-identified");
    nothing_sent(&site);
}

#[test]
fn a_site_that_keeps_a_log_nowhere_stops_with_a_clear_message() {
    let config = r#"{"site":{"name":"log keeper"},"features":{"deid_log":true,"deid_profile":true},"signed_url":false}"#;
    let site = Site::setup().rule(on("GET", "/api/config").answer_with(200, config)).start();
    let place = place();
    let ran = place.run("in.dcm -p demo/phantom --profile basic").at(&site).exits(5);
    ran.says("error[profile.deid-log]").says("no usable address");
    nothing_sent(&site);
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn offline_needs_to_be_told_how_to_clean() {
    let place = place();
    place.run("in.dcm -p demo/phantom --offline --dry-run").exits(2).says("--profile");
    place.run("in.dcm -p demo/phantom --offline").args(["--profile", "basic"]).exits(2).says("--dry-run");
}
