//! Which profile governs: the project's, the group's, the site's, a local one, or none; and what
//! happens then.

use flywheel_sandbox::ProfileLevel;

use crate::archive::only;
use crate::fixture::{self, Dicom, Person};
use crate::run::Place;
use crate::server::{Gate, Rule, Site, on};

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
    format!(
        r#"{{"deid_profile":{{"name":"{name}","dicom":{{"residual":{{"on-leak":"warn"}},"fields":{fields}}}}}}}"#
    )
}

/// Studies of their own, so that they go one after the other.
fn place_of_many(count: u32) -> Place {
    Place::with((1..=count).map(|number| {
        (
            format!("study/{number}.dcm"),
            Dicom::ct(&Person::numbered(number), 1).bytes(),
        )
    }))
}

/// Nothing was created and nothing was uploaded.
#[track_caller]
fn nothing_sent(site: &Site) {
    let writes: Vec<String> = site
        .requests()
        .into_iter()
        .filter(|r| {
            r.method != "GET"
                && !r.target.starts_with("/api/lookup")
                && !r.target.starts_with("/api/resolve")
        })
        .map(|r| format!("{} {}", r.method, r.target))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn the_profile_of_any_level_governs_and_is_named_before_anything_is_sent() {
    for (level, word) in [
        (ProfileLevel::Project, "project"),
        (ProfileLevel::Group, "group"),
        (ProfileLevel::Site, "site"),
    ] {
        let site = Site::setup()
            .profile(level, SITE_PROFILE)
            .start();
        let place = place();
        let ran = place
            .run("in.dcm -p demo/phantom")
            .at(&site)
            .exits(0);
        ran.says("house-rules")
            .says(word)
            .says("sha256:");
        let file = dicom_object::from_reader(&only(&site.uploaded()[0].1)[..]).unwrap();
        assert_eq!(
            file.element_by_name("PatientID")
                .unwrap()
                .to_str()
                .unwrap()
                .trim_end(),
            "coded-1",
            "{word}"
        );
    }
}

#[test]
fn the_nearest_level_is_used_whole() {
    let nearer = profile_json("nearer", r#"[{"name":"PatientID","replace-with":"near"}]"#);
    let site = Site::setup()
        .profile(ProfileLevel::Site, SITE_PROFILE)
        .rule(on("GET", "/api/groups/*/settings").answer_with(200, &nearer))
        .start();
    let place = place();
    place
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(0)
        .says("nearer")
        .does_not_say("house-rules");
    let uploaded = site.uploaded();
    assert!(
        fixture::found_in(&only(&uploaded[0].1)).contains(&"Ottoline".to_owned()),
        "nothing of the site's profile is merged in"
    );
}

#[test]
fn a_level_without_dicom_section_does_not_count() {
    let other = r#"{"deid_profile":{"name":"tables","csv":{"fields":[]}}}"#;
    let site = Site::setup()
        .profile(ProfileLevel::Site, SITE_PROFILE)
        .rule(on("GET", "/api/projects/*/settings").answer_with(200, other))
        .start();
    let place = place();
    place
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(0)
        .says("house-rules");
}

#[test]
fn an_explicitly_empty_project_profile_opts_out_loudly() {
    let empty = profile_json("none of it", "[]");
    let site = || {
        Site::setup()
            .profile(ProfileLevel::Site, SITE_PROFILE)
            .rule(on("GET", "/api/projects/*/settings").answer_with(200, &empty))
            .start()
    };
    let (place, without) = (place(), site());
    place
        .run("in.dcm -p demo/phantom")
        .at(&without)
        .exits(5)
        .says("profile.missing")
        .says("empty");
    nothing_sent(&without);
    let with = site();
    place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&with)
        .exits(0)
        .says("empty");
    assert!(
        !fixture::found_in(&with.uploaded()[0].1).is_empty(),
        "it goes as it is"
    );
}

#[test]
fn without_any_profile_nothing_is_sent() {
    let (place, site) = (place(), Site::start());
    place
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(5)
        .says("error[profile.missing]")
        .says("--profile")
        .says("--no-deid");
    nothing_sent(&site);
}

#[test]
fn no_deid_sends_the_data_as_it_is_after_a_warning() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(0);
    ran.says("warning[phi]")
        .says("as it is");
    let bytes = only(&site.uploaded()[0].1);
    assert!(fixture::found_in(&bytes).contains(&"Ottoline".to_owned()));
    assert!(
        !bytes[..128]
            .iter()
            .any(|byte| *byte != 0),
        "preamble and file meta information are fresh all the same"
    );
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn a_local_profile_beside_one_of_the_server_stops_and_names_both() {
    let (place, site) = (
        place(),
        Site::setup()
            .profile(ProfileLevel::Group, SITE_PROFILE)
            .start(),
    );
    let ran = place
        .run("in.dcm -p demo/phantom --profile basic")
        .at(&site)
        .exits(5);
    ran.says("error[profile.conflict]")
        .says("basic")
        .says("house-rules")
        .says("group");
    place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(5)
        .says("error[profile.conflict]")
        .says("house-rules");
    nothing_sent(&site);
}

/// Settings of every level, as seen by a user who may not see them.
const LEVELS: [(&str, &str); 3] = [
    ("project", "/api/projects/*/settings"),
    ("group", "/api/groups/*/settings"),
    ("site", "/api/site/settings"),
];

/// A site that says nothing of profiles, as those of before do.
fn quiet(config: &str) -> String {
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    config["features"]
        .as_object_mut()
        .unwrap()
        .remove("deid_profile");
    config.to_string()
}

#[test]
fn a_level_that_may_not_be_seen_needs_a_profile_and_consent() {
    for (level, path) in LEVELS {
        let hidden = || {
            Site::setup()
                .rule(on("GET", path).answer(403))
                .start()
        };
        let (place, site) = (place(), hidden());
        for flags in [
            "",
            "-y",
            "--no-deid",
            "--no-deid -y",
            "--profile basic --new-pseudonym-key",
        ] {
            let ran = place
                .run(&format!("in.dcm -p demo/phantom {flags}"))
                .at(&site)
                .exits(4);
            ran.says("error[profile.unknown]")
                .says(level)
                .says("`--profile`")
                .says("`-y`");
        }
        place.file(
            "idle.yaml",
            "name: idle\ndicom: {fields: [{name: PatientID, keep: true}]}\n",
        );
        place
            .run("in.dcm -p demo/phantom --profile idle.yaml -y")
            .at(&site)
            .exits(4)
            .says("error[profile.unknown]")
            .says("idle");
        nothing_sent(&site);
        let accepted = "in.dcm -p demo/phantom --profile basic --new-pseudonym-key --residual \
            warn -y --json --report r.jsonl";
        let ran = place
            .run(accepted)
            .at(&site)
            .exits(0);
        ran.says("warning[profile-unseen]")
            .says(level)
            .says("may be hidden");
        assert!(
            ran.events_of("notice")
                .iter()
                .any(|notice| notice["code"] == "profile-unseen"),
            "{level}"
        );
        let report = std::fs::read_to_string(place.path("r.jsonl")).unwrap();
        assert!(report.contains("profile-unseen"), "{level}: {report}");
        assert!(
            fixture::found_in(&only(&site.uploaded()[0].1)).is_empty(),
            "{level}"
        );
        place
            .run("in.dcm -p demo/phantom --profile basic --dry-run")
            .at(&site)
            .exits(0)
            .says("profile-unseen");
    }
}

#[test]
fn a_profile_that_is_seen_governs_beside_levels_that_are_not() {
    for (level, hidden) in [
        (
            ProfileLevel::Project,
            ["/api/groups/*/settings", "/api/site/settings"],
        ),
        (
            ProfileLevel::Group,
            ["/api/projects/*/settings", "/api/site/settings"],
        ),
        (
            ProfileLevel::Site,
            ["/api/projects/*/settings", "/api/groups/*/settings"],
        ),
    ] {
        let site = Site::setup().profile(level, SITE_PROFILE);
        let site = hidden
            .into_iter()
            .fold(site, |site, path| site.rule(on("GET", path).answer(403)))
            .start();
        let place = place();
        place
            .run("in.dcm -p demo/phantom --no-deid -y")
            .at(&site)
            .exits(5)
            .says("error[profile.conflict]");
        place
            .run("in.dcm -p demo/phantom --profile basic -y")
            .at(&site)
            .exits(5)
            .says("error[profile.conflict]");
        nothing_sent(&site);
        let ran = place
            .run("in.dcm -p demo/phantom --json")
            .at(&site)
            .exits(0);
        ran.says("house-rules")
            .says("warning[profile-unseen]");
        assert!(
            !fixture::found_in(&only(&site.uploaded()[0].1)).contains(&"Ottoline".to_owned()),
            "{level:?}"
        );
        place
            .run("profile show --project demo/phantom")
            .at(&site)
            .exits(0)
            .stdout
            .contains("may not see");
    }
}

#[test]
fn an_opt_out_behind_a_level_that_may_not_be_seen_is_no_opt_out() {
    let site = Site::setup()
        .rule(on("GET", "/api/projects/*/settings").answer(403))
        .rule(
            on("GET", "/api/groups/*/settings")
                .answer_with(200, r#"{"deid_profile":{"dicom":{"fields":[]}}}"#),
        )
        .start();
    let place = place();
    place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(4)
        .says("error[profile.unknown]")
        .says("project");
    place
        .run("profile show --project demo/phantom")
        .at(&site)
        .exits(4);
    nothing_sent(&site);
}

#[test]
fn where_the_site_knows_no_profiles_a_refusal_is_none() {
    for (level, path) in LEVELS {
        let site = Site::setup()
            .rule(on("GET", "/api/config").edit(quiet))
            .rule(on("GET", path).answer(403))
            .start();
        let place = place();
        place
            .run("in.dcm -p demo/phantom")
            .at(&site)
            .exits(5)
            .says("error[profile.missing]");
        let ran = place
            .run("in.dcm -p demo/phantom --profile basic --new-pseudonym-key --residual warn")
            .at(&site)
            .exits(0);
        ran.does_not_say("profile-unseen");
        assert!(
            fixture::found_in(&only(&site.uploaded()[0].1)).is_empty(),
            "{level}"
        );
    }
    // What is seen governs, whatever is announced.
    let site = Site::setup()
        .profile(ProfileLevel::Site, SITE_PROFILE)
        .rule(on("GET", "/api/config").edit(quiet))
        .start();
    place()
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(0)
        .says("house-rules");
}

#[test]
fn a_user_without_a_role_in_the_group_reaches_the_project() {
    let site = Site::setup()
        .rule(on("POST", "/api/lookup").answer(403))
        .rule(on("GET", "/api/groups/*/projects").answer(403))
        .rule(on("GET", "/api/groups/*/settings").answer(403))
        .profile(ProfileLevel::Project, SITE_PROFILE)
        .start();
    place()
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(0)
        .says("house-rules");
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn an_answer_that_is_neither_a_profile_nor_none_stops_the_run() {
    let rules = r#"{"fields":[{"name":"PatientName","remove":true}]}"#;
    let answers = [
        r#"{"deid_profile":true}"#.to_owned(),
        r#"{"deid_profile":[]}"#.to_owned(),
        r#"{"deid_profile":""}"#.to_owned(),
        r#"{"deid_profile":{"dicom":[]}}"#.to_owned(),
        format!(r#"{{"deid_profile":{{"Dicom":{rules}}}}}"#),
        format!(r#"{{"deid_profile":{{"dicom ":{rules}}}}}"#),
        format!(r#"{{"deid_profile":{{"profile":{{"dicom":{rules}}}}}}}"#),
        format!(r#"{{"deid_profile":{{"dicom":{rules}}},"deid_profile":null}}"#),
        format!(r#"{{"deid_profile":{{"dicom":{rules},"dicom":null}}}}"#),
        "null".to_owned(),
        "[]".to_owned(),
        "<html>".to_owned(),
    ];
    for (level, path) in LEVELS {
        for answer in &answers {
            let site = Site::setup()
                .rule(on("GET", path).answer_with(200, answer))
                .start();
            let ran = place();
            let ran = ran
                .run("in.dcm -p demo/phantom --no-deid -y")
                .at(&site)
                .exits(5);
            ran.says("error[profile.invalid]")
                .says(level);
            nothing_sent(&site);
        }
    }
}

#[test]
fn the_settings_that_an_older_server_keeps_in_the_container_are_judged_likewise() {
    for settings in [
        "true",
        r#"{"deid_profile":{"Dicom":{}}}"#,
        r#"{"deid_profile":{},"deid_profile":{}}"#,
    ] {
        let group = format!(r#"{{"_id":"demo","label":"demo","settings":{settings}}}"#);
        let site = Site::setup()
            .rule(on("GET", "/api/groups/*/settings").answer(404))
            .rule(on("GET", "/api/groups/*").answer_with(200, &group))
            .start();
        place()
            .run("in.dcm -p demo/phantom --no-deid -y")
            .at(&site)
            .exits(5)
            .says("error[profile.invalid]")
            .says("group");
        nothing_sent(&site);
    }
}

#[test]
fn a_server_that_fails_while_it_is_asked_stops_the_run() {
    let site = Site::setup()
        .rule(
            on("GET", "/api/site/settings")
                .answer(500)
                .header("retry-after", "0"),
        )
        .start();
    let place = place();
    place
        .run("in.dcm -p demo/phantom --profile basic")
        .at(&site)
        .exits(7);
    nothing_sent(&site);
}

#[test]
fn a_level_that_is_not_there_is_passed_over() {
    let site = Site::setup()
        .profile(ProfileLevel::Site, SITE_PROFILE)
        .rule(on("GET", "/api/projects/*/settings").answer(404))
        .rule(on("GET", "/api/groups/*/settings").answer(404))
        .start();
    let place = place();
    place
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(0)
        .says("house-rules");
}

#[test]
fn an_invalid_profile_on_the_server_stops_with_level_and_reason() {
    let broken = profile_json("broken", r#"[{"name":"PatientID","remvoe":true}]"#);
    let site = Site::setup()
        .rule(on("GET", "/api/groups/*/settings").answer_with(200, &broken))
        .start();
    let place = place();
    let ran = place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(5);
    ran.says("error[profile.invalid]")
        .says("group")
        .says("remvoe");
    nothing_sent(&site);
}

#[test]
fn a_site_that_keeps_a_log_is_told_whom_a_series_was_about_and_no_other_site_is() {
    let site = Site::setup()
        .deid_log()
        .signed_urls()
        .start();
    let place = place();
    let run = || {
        place
            .run("in.dcm -p demo/phantom --profile basic")
            .args(["--new-pseudonym-key", "--residual", "warn"])
    };
    run()
        .args(["--dry-run"])
        .at(&site)
        .exits(0)
        .says("log service at 127.0.0.1")
        .says("PatientID, PatientName");
    let log = |site: &Site| {
        site.kept()
            .into_iter()
            .find(|(name, _)| name.ends_with("deid-log.jsonl"))
    };
    assert!(log(&site).is_none(), "a rehearsal records nothing");
    run()
        .at(&site)
        .exits(0)
        .says("log service at 127.0.0.1");
    let (_, log) = log(&site).unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&log).unwrap();
    assert!(
        entry
            .to_string()
            .contains("Ottoline"),
        "one record, with the original name"
    );
    let id = entry
        .get("id")
        .or_else(|| entry.get("_id"))
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    let requests = site.requests();
    let holding = |text: &str| -> Vec<_> {
        requests
            .iter()
            .filter(|request| holds(&request.everything(), text))
            .map(|request| request.target.as_str())
            .collect()
    };
    assert_eq!(
        holding("Ottoline"),
        ["/deid-log/logs"],
        "the record goes to the log alone"
    );
    assert!(
        holding(&id)
            .iter()
            .any(|target| target.contains("/files?ticket=")),
        "the file bears the id of its record"
    );
}

#[test]
fn a_log_that_refuses_fails_the_file() {
    for status in [401, 403, 404, 422, 500] {
        let refusing = on("POST", "/deid-log/logs")
            .answer(status)
            .header("retry-after", "0");
        let (site, place) = (
            Site::setup()
                .deid_log()
                .rule(refusing)
                .start(),
            place(),
        );
        let run = || {
            place
                .run("in.dcm -p demo/phantom --profile basic --residual warn -vv --json")
                .at(&site)
        };
        let ran = run().exits(9);
        assert_eq!(
            ran.failures(),
            [("in.dcm".to_owned(), "upload.deid-log".to_owned())],
            "{status}"
        );
        assert!(
            !ran.stderr.contains("Ottoline") && !ran.stdout.contains("Ottoline"),
            "{status}"
        );
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
    let ran = place
        .run("in.dcm -p demo/phantom --no-deid -y")
        .at(&site)
        .exits(5);
    ran.says("error[profile.deid-log]")
        .says("requires that data is de-identified");
    nothing_sent(&site);
}

#[test]
fn a_site_that_keeps_a_log_nowhere_stops_with_a_clear_message() {
    let config = r#"{"site":{"name":"log keeper"},"features":{"deid_log":true,"deid_profile":true},"signed_url":false}"#;
    let site = Site::setup()
        .rule(on("GET", "/api/config").answer_with(200, config))
        .start();
    let place = place();
    let ran = place
        .run("in.dcm -p demo/phantom --profile basic")
        .at(&site)
        .exits(5);
    ran.says("error[profile.deid-log]")
        .says("no usable address");
    nothing_sent(&site);
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn offline_needs_to_be_told_how_to_clean() {
    let place = place();
    place
        .run("in.dcm -p demo/phantom --offline --dry-run")
        .exits(2)
        .says("--profile");
    place
        .run("in.dcm -p demo/phantom --offline")
        .args(["--profile", "basic"])
        .exits(2)
        .says("--dry-run");
}

const OTHER_PROFILE: &str = r#"{"deid_profile":{"name":"stricter","dicom":{"fields":[{"name":"PatientID","replace-with":"x"}]}}}"#;

/// What a server may say the second time, and what is told of it.
fn changes() -> Vec<(&'static str, Rule, &'static str)> {
    let again = || on("GET", "/api/projects/*/settings").after(1);
    let salted = r#"{"deid_profile":{"name":"house-rules","dicom":{"salt":"b","residual":{"on-leak":"warn"},"fields":[{"name":"PatientID","hash":true}]}}}"#;
    vec![
        (
            "another one",
            again().answer_with(200, OTHER_PROFILE),
            "now there is a profile at the project",
        ),
        (
            "none",
            again().answer_with(200, "{}"),
            "now there is no profile",
        ),
        (
            "an opt-out",
            again().answer_with(200, r#"{"deid_profile":{"dicom":{"fields":[]}}}"#),
            "switches de-identification off",
        ),
        ("nonsense", again().answer_with(200, "null"), "null"),
        ("a refusal", again().answer(403), "may not see"),
        (
            "another salt",
            again().answer_with(200, salted),
            "a secret of the profile",
        ),
    ]
}

#[test]
fn a_profile_that_changed_before_the_first_upload_stops_the_run() {
    let profile = "name: house-rules\ndicom:\n  salt: a\n  residual: {on-leak: warn}\n  fields: \
        [{name: PatientID, hash: true}]\n";
    for (what, rule, said) in changes() {
        let site = Site::setup()
            .profile(ProfileLevel::Project, profile)
            .rule(rule)
            .start();
        let place = place();
        let ran = place
            .run("in.dcm -p demo/phantom --json")
            .at(&site)
            .exits(5);
        ran.says("error[profile.changed]")
            .says("house-rules")
            .says("sha256:")
            .says(said);
        assert_eq!(
            ran.failures(),
            [("in.dcm".to_owned(), "upload.stopped".to_owned())],
            "{what}"
        );
        nothing_sent(&site);
    }
}

#[test]
fn a_profile_that_appears_stops_a_run_without_one() {
    for flags in [
        "--no-deid -y",
        "--profile basic --new-pseudonym-key --residual warn",
    ] {
        let appears = on("GET", "/api/projects/*/settings")
            .after(1)
            .answer_with(200, OTHER_PROFILE);
        let site = Site::setup().rule(appears).start();
        let place = place();
        place
            .run(&format!("in.dcm -p demo/phantom {flags}"))
            .at(&site)
            .exits(5)
            .says("error[profile.changed]");
        nothing_sent(&site);
    }
}

#[test]
fn a_profile_that_changes_midway_stops_the_run_and_what_was_sent_is_told() {
    let slow = on("POST", "/api/acquisitions/*/files").delay(std::time::Duration::from_millis(300));
    let changes = on("GET", "/api/projects/*/settings")
        .after(2)
        .answer_with(200, OTHER_PROFILE);
    let site = Site::setup()
        .profile(ProfileLevel::Project, SITE_PROFILE)
        .rule(slow)
        .rule(changes)
        .start();
    let place = place_of_many(20);
    let run = "study -p demo/phantom --subject coded --merge-patients --uploads 1 \
        --profile-recheck 1 --json --report r.jsonl";
    let ran = place.run(run).at(&site).exits(5);
    ran.says("error[profile.changed]")
        .says("what was sent until now was cleaned with the profile \"house-rules\"");
    let (sent, left) = (site.uploaded().len(), ran.events_of("failed").len());
    assert!(
        sent > 0 && left > 0 && sent + left == 20,
        "{sent} sent, {left} left"
    );
    let digest = ran.events()[0]["profile"]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let report = std::fs::read_to_string(place.path("r.jsonl")).unwrap();
    assert!(
        report.contains(&digest) && report.contains(&format!("\"uploaded\":{sent}")),
        "{report}"
    );
}

#[test]
fn a_server_that_does_not_answer_for_a_moment_is_asked_again() {
    // The second upload waits for the look that comes after the one which came to nothing: five
    // tries and one more.
    let gate = Gate::default();
    let held = on("POST", "/api/acquisitions/*/files")
        .after(1)
        .hold(&gate);
    let fails = on("GET", "/api/projects/*/settings")
        .after(2)
        .times(6)
        .answer(500)
        .header("retry-after", "0");
    let site = Site::setup()
        .profile(ProfileLevel::Project, SITE_PROFILE)
        .rule(held)
        .rule(fails)
        .start();
    let place = place_of_many(2);
    let run = place
        .run(
            "study -p demo/phantom --subject coded --merge-patients --uploads 1 \
            --profile-recheck 1",
        )
        .at(&site)
        .start();
    site.wait_for_requests("GET", "/api/projects/*/settings", 9);
    gate.open();
    let ran = run.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(site.uploaded().len(), 2);
}

#[test]
fn the_profile_is_asked_for_again_once_and_not_by_a_rehearsal() {
    let site = Site::setup()
        .profile(ProfileLevel::Project, SITE_PROFILE)
        .start();
    let place = place_of_many(3);
    let asked = || {
        site.requests_to("GET", "/api/projects/*/settings")
            .len()
    };
    place
        .run("study -p demo/phantom --dry-run")
        .at(&site)
        .exits(0);
    assert_eq!(asked(), 1);
    place
        .run("study -p demo/phantom --subject coded --merge-patients")
        .at(&site)
        .exits(0);
    assert_eq!(asked(), 3, "before the run, and before the first upload");
    place
        .run("study -p demo/phantom --subject coded --merge-patients")
        .at(&site)
        .exits(0);
    assert_eq!(asked(), 4, "nothing was sent");
}

#[test]
fn a_salt_is_in_no_digest_and_another_salt_is_another_cleaning() {
    let profile = |salt: &str| {
        format!(
            "name: salted\ndicom:\n  salt: {salt}\n  residual: {{on-leak: warn}}\n  fields: \
                [{{name: PatientID, hash: true}}]\n"
        )
    };
    let site = Site::start();
    let place = place();
    let run = || {
        let ran = place
            .run("in.dcm -p demo/phantom --subject one --profile p.yaml --json --report r.jsonl")
            .at(&site)
            .exits(0);
        (
            ran.events()[0]["profile"]["digest"].clone(),
            ran.end()["totals"]["uploaded"]
                .as_u64()
                .unwrap(),
        )
    };
    place.file("p.yaml", profile("a"));
    let (digest, first) = run();
    assert_eq!((first, run().1), (1, 0), "what arrived is not sent again");
    place.file("p.yaml", profile("b"));
    assert_eq!(
        run(),
        (digest.clone(), 1),
        "under another salt it is another file, of the same digest"
    );
    let shown = place
        .run("profile show p.yaml")
        .exits(0);
    assert!(
        shown
            .stdout
            .contains(digest.as_str().unwrap())
    );
    let unsalted = profile("a").replace("  salt: a\n", "");
    place.file("p.yaml", unsalted);
    assert!(
        !place
            .run("profile show p.yaml")
            .exits(0)
            .stdout
            .contains(digest.as_str().unwrap())
    );
}

#[test]
fn a_profile_that_does_nothing_in_a_whole_run_is_told() {
    let place = place_of_many(2);
    place.file(
        "p.toml",
        "name = \"half\"\n[dicom]\nfields = [{ name = \"AcquisitionComments\", remove = true }, \
            { name = \"PatientName\" }]\n",
    );
    let run =
        "study -p demo/phantom --offline --output out --profile p.toml --json --report r.jsonl";
    let ran = place.run(run).exits(0);
    ran.says("warning[profile-idle]")
        .says("changed not one element of any of 2 files")
        .says("half");
    ran.says("notice[rules-idle]")
        .says("1 of 2 rules")
        .says("AcquisitionComments");
    ran.says("PatientName")
        .says("has no action and no effect");
    let codes: Vec<_> = ran
        .events_of("notice")
        .iter()
        .map(|notice| {
            notice["code"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        codes.contains(&"profile-idle".to_owned()) && codes.contains(&"rules-idle".to_owned()),
        "{codes:?}"
    );
    assert!(
        std::fs::read_to_string(place.path("r.jsonl"))
            .unwrap()
            .contains("profile-idle")
    );
    place.file(
        "p.toml",
        "name = \"half\"\n[dicom]\nfields = \
            [{ name = \"PatientName\", remove = true }]\n[dicom.residual]\non-leak = \"warn\"\n",
    );
    let ran = place
        .run(&run.replace("--output out", "--output again"))
        .exits(0);
    ran.does_not_say("profile-idle")
        .does_not_say("rules-idle")
        .does_not_say("no effect");
}

#[test]
fn rules_that_find_nothing_are_told_whatever_they_address() {
    let place = place_of_many(1);
    let rules = [
        "{name: '(0009, \"ABSENT\", 01)', remove: true}",
        "{regex: '^NoSuchThing$', remove: true}",
        "{name: ConceptNameCodeSequence.*.CodeValue, remove: true}",
        "{name: 60xx3000, remove: true}",
        "{name: PatientName, remove: true}",
        "{name: PatientComments, replace-with: made}",
    ];
    place.file(
        "p.yaml",
        format!(
            "name: p\ndicom:\n  salt: x\n  fields: [{}]\n",
            rules.join(", ")
        ),
    );
    let ran = place
        .run("study -p demo/phantom --offline --output out --profile p.yaml --residual warn -v")
        .exits(0);
    ran.says("4 of 6 rules")
        .says("`salt` has no effect")
        .does_not_say("profile-idle");
}

#[test]
fn a_file_of_flywheels_own_tools_is_taken_for_what_it_says() {
    let place = place();
    place.file("cli.yml", "group: demo\ndeid-profile: two\ndeid-profiles:\n- \
        {name: one, dicom: {fields: [{name: PatientID, remove: true}]}}\n- {name: two, dicom: {residual: {on-leak: warn}, fields: [{name: PatientName, remove: true}]}}\n");
    let run = |profile: &str| {
        format!("in.dcm -p demo/phantom --offline --output {profile}.out --profile {profile}")
    };
    place
        .run(&run("cli.yml"))
        .exits(0)
        .says("\"two\" counts")
        .says("`group`");
    place.file("none.yml", "profile: none\n");
    place
        .run(&run("none.yml"))
        .exits(5)
        .says("error[profile.missing]")
        .says("nothing is done to the data");
    place
        .run("profile show none.yml")
        .exits(0);
}
