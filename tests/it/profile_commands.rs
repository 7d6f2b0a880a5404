//! `fwupload profile`: shown, converted, compared and tried out.

use std::fs;
use std::path::MAIN_SEPARATOR;

use flywheel_sandbox::ProfileLevel;
use serde_json::Value;

use crate::fixture::{self, Dicom, PATH_MARK, Person, damaged};
use crate::run::{Place, Ran, native};
use crate::server::Site;

const RULES: &str = "# who wrote this
name: house-rules
description: what the house does
jpg: {remove-gps: true}
dicom:
  salt: PEPPERMINT
  recurse-sequence: true
  fields:
    - {name: PatientID, hash: true}
    - {name: 0x00100010, remove: true}
    - {name: DeidentificationMethod, replace-with: house rules}
    - {name: MediaStorageSOPInstanceUID, hashuid: true}
";

fn place() -> Place {
    Place::with([("rules.yaml", RULES)])
}

/// Without the digest, which changes with the profile.
fn without_digest(text: &str) -> String {
    let lines = text.lines().map(|line| {
        line.split("sha256:")
            .next()
            .unwrap_or_default()
            .trim_end()
            .to_owned()
            + "\n"
    });
    lines.collect()
}

#[test]
fn a_file_is_shown_as_toml_with_the_facts_and_without_its_secrets() {
    let place = place();
    let ran = place
        .run("profile show rules.yaml")
        .exits(0);
    insta::assert_snapshot!(without_digest(&ran.stdout));
    let shown: toml::Table = ran
        .stdout
        .parse()
        .expect("standard output is TOML");
    assert_eq!(shown["name"].as_str(), Some("house-rules"));
    assert!(!ran.stdout.contains("PEPPERMINT"));
    assert!(
        place
            .run("profile show rules.yaml --show-secrets")
            .exits(0)
            .stdout
            .contains("salt = \"PEPPERMINT\"")
    );
}

#[test]
fn what_is_shown_can_be_used_and_means_the_same() {
    let place = place();
    place.file(
        "again.toml",
        place
            .run("profile show rules.yaml --show-secrets")
            .exits(0)
            .stdout,
    );
    assert_eq!(
        place
            .run("profile diff rules.yaml again.toml")
            .exits(0)
            .stdout,
        "equal in meaning\n"
    );
    let builtin = place
        .run("profile show basic")
        .exits(0);
    place.file("basic.toml", builtin.stdout);
    place
        .run("profile diff basic basic.toml")
        .exits(0);
}

#[test]
fn the_governing_profile_is_shown_with_its_level() {
    let place = place();
    for (level, word) in [
        (ProfileLevel::Project, "project"),
        (ProfileLevel::Group, "group"),
        (ProfileLevel::Site, "site"),
    ] {
        let site = Site::setup()
            .profile(level, RULES)
            .start();
        let ran = place
            .run("profile show --project demo/phantom")
            .at(&site)
            .exits(0);
        let first = format!("# demo/phantom is governed by \"house-rules\" at the {word}\n");
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        let _: toml::Table = ran
            .stdout
            .parse()
            .expect("standard output is TOML");
        let json: Value = place
            .run("profile show -p demo/phantom --json")
            .at(&site)
            .exits(0)
            .end_of("profile");
        assert_eq!(
            (json["level"].as_str(), json["other_sections"][0].as_str()),
            (Some(word), Some("jpg"))
        );
        assert_eq!(json["profile"]["dicom"]["fields"][0]["name"], "PatientID");
        assert!(
            !json
                .to_string()
                .contains("PEPPERMINT")
        );
    }
}

#[test]
fn a_project_without_a_profile_is_told_apart_from_one_that_opts_out() {
    let place = place();
    let site = Site::start();
    let ran = place
        .run("profile show -p demo/phantom")
        .at(&site)
        .exits(0);
    assert_eq!(ran.stdout, "# no profile governs demo/phantom\n");
    let out = Site::setup()
        .profile(ProfileLevel::Group, "name: out\ndicom: {fields: []}\n")
        .start();
    let ran = place
        .run("profile show -p demo/phantom")
        .at(&out)
        .exits(0);
    assert_eq!(
        ran.stdout,
        "# an empty profile at the group switches de-identification off for demo/phantom\n"
    );
    let json = place
        .run("profile show -p demo/phantom --json")
        .at(&out)
        .exits(0)
        .end_of("profile");
    assert_eq!(
        (json["level"].clone(), json["opted_out"].as_str()),
        (Value::Null, Some("group"))
    );
    place
        .run("profile diff basic -p demo/phantom")
        .at(&site)
        .exits(5)
        .says("error[profile.missing]")
        .says("no profile governs");
}

#[test]
fn exactly_one_profile_is_named() {
    let place = place();
    place
        .run("profile show")
        .exits(2)
        .says("--project");
    place
        .run("profile show basic -p demo/phantom")
        .exits(2)
        .says("exclude each other");
    place
        .run("profile show basic")
        .env("FWUPLOAD_PROJECT", "demo/phantom")
        .exits(0);
    place
        .run("profile diff basic rules.yaml")
        .env("FWUPLOAD_PROJECT", "demo/phantom")
        .exits(3);
    place
        .run("profile diff basic")
        .exits(2)
        .says("nothing to compare");
    place
        .run("profile diff basic rules.yaml -p demo/phantom")
        .exits(2);
    place
        .run("profile show bsaic")
        .exits(5)
        .says("basic");
}

#[test]
fn a_profile_is_converted_there_and_back() {
    let place = place();
    let ran = place
        .run("profile convert rules.yaml --output rules.toml")
        .exits(0);
    assert_eq!(ran.stdout, "");
    ran.says("note: its comments are not carried over");
    insta::assert_snapshot!(fs::read_to_string(place.path("rules.toml")).unwrap());
    place
        .run("profile convert rules.toml -o back.yml")
        .exits(0)
        .does_not_say("note");
    insta::assert_snapshot!(fs::read_to_string(place.path("back.yml")).unwrap());
    place
        .run("profile diff rules.yaml back.yml")
        .exits(0);
    let json: Value = serde_json::from_str(
        &place
            .run("profile convert back.yml --to json")
            .exits(0)
            .stdout,
    )
    .unwrap();
    assert_eq!(json["dicom"]["fields"][1]["name"], "00100010");
}

#[test]
fn a_conversion_replaces_nothing_unasked_and_goes_to_the_other_side_by_itself() {
    let place = place();
    let before = fs::read(place.path("rules.yaml")).unwrap();
    place
        .run("profile convert flywheel-minimal -o rules.yaml")
        .exits(1)
        .says("--force");
    assert_eq!(fs::read(place.path("rules.yaml")).unwrap(), before);
    place
        .run("profile convert flywheel-minimal -o rules.yaml --force")
        .exits(0);
    place
        .run("profile diff flywheel-minimal rules.yaml")
        .exits(0);
    let yaml = place
        .run("profile convert flywheel-minimal")
        .exits(0)
        .stdout;
    assert!(
        yaml.starts_with("name: flywheel-minimal"),
        "TOML becomes YAML"
    );
    assert!(
        place
            .run("profile convert rules.yaml")
            .exits(0)
            .stdout
            .starts_with("name = "),
        "and YAML TOML"
    );
    place
        .run("profile convert basic -o x.txt")
        .exits(2)
        .says(".toml");
    place
        .run("profile convert basic --to json -o x.toml")
        .exits(2);
    place
        .run("profile convert basic --to yaml")
        .exits(5)
        .says("`dicom.confidentiality` can only be written in TOML")
        .says("hint: ");
    place
        .run("profile convert basic -o basic.toml")
        .exits(0);
    place
        .run("profile diff basic basic.toml")
        .exits(0);
    place.file(
        "bad.yaml",
        "name: p\ndicom:\n  fields:\n    - {name: PatientNam, remove: true}\n",
    );
    place
        .run("profile convert bad.yaml --to toml")
        .exits(5)
        .says("bad.yaml:4:14")
        .says("PatientName");
}

#[test]
fn differences_are_listed_and_give_3() {
    let place = place();
    let changed = RULES
        .replace("PEPPERMINT", "OREGANO")
        .replace(
            "{name: PatientID, hash: true}",
            "{name: StudyID, remove: true}",
        );
    place.file(
        "other.yaml",
        changed.replace("house rules}", "other rules}"),
    );
    let ran = place
        .run("profile diff rules.yaml other.yaml")
        .exits(3);
    insta::assert_snapshot!(without_digest(&ran.stdout));
    let json = place
        .run("profile diff rules.yaml other.yaml --json")
        .exits(3)
        .end_of("diff");
    assert_eq!(
        (
            json["equal"].clone(),
            json["differences"]
                .as_array()
                .map(Vec::len)
        ),
        (Value::Bool(false), Some(4))
    );
    assert!(!json.to_string().contains("OREGANO"));
}

/// Files of every kind, of people, with names that identify.
fn study() -> Place {
    let place = place();
    let folder = format!("study/{PATH_MARK}");
    for (at, person) in [
        Person::plain(),
        Person::latin(),
        Person::japanese(),
        Person::unicode(),
    ]
    .iter()
    .enumerate()
    {
        place.file(
            format!("{folder}/{at}/ct.dcm"),
            Dicom::ct(person, 1).bytes(),
        );
        place.file(format!("{folder}/{at}/mr.dcm"), Dicom::mr(person).bytes());
        place.file(format!("{folder}/{at}/sr.dcm"), Dicom::sr(person).bytes());
    }
    place.file(
        format!("{folder}/broken.dcm"),
        damaged::truncated(&Dicom::ct(&Person::numbered(9), 1).bytes()),
    );
    place.file(format!("{folder}/notes.txt"), "CANARY notes");
    place
}

/// Every value that the fixtures hold is looked for.
#[track_caller]
fn no_value_in(ran: &Ran<'_>) {
    for text in [&ran.stdout, &ran.stderr] {
        let found = fixture::found_in(text.as_bytes());
        assert!(found.is_empty(), "{found:?} in\n{text}");
    }
}

#[test]
fn a_trial_says_what_became_of_each_element_and_which_rule_did_it() {
    let place = place();
    place.file("in/a.dcm", Dicom::ct(&Person::plain(), 1).bytes());
    place.file("in/b.txt", "not DICOM");
    place.file(
        "in/c.dcm",
        damaged::truncated(&Dicom::ct(&Person::plain(), 2).bytes()),
    );
    let ran = place
        .run("profile test rules.yaml in --residual warn")
        .exits(3);
    insta::assert_snapshot!(without_digest(&ran.stdout).replace(MAIN_SEPARATOR, "/"));
    no_value_in(&ran);
    ran.says("note: fields[3]");
}

#[test]
fn what_happens_to_pixels_and_into_envelopes_is_listed_once() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let dicom = "{retain: true, residual: {on-leak: warn}, alter_pixels: {pixels: [{when: 'equals Modality CT', remove: [0, 0, 8, 8]}]}, \
                 fields: [{name: PatientID, encrypt: true}]}";
    place.file(
        "p.yaml",
        format!("name: p\nsecret-key: \"{KEY}\"\ndicom: {dicom}\n"),
    );
    let ran = place
        .run("profile test p.yaml in.dcm --json")
        .exits(0);
    let changed = ran.events_of("file")[0]["changed"]
        .as_array()
        .unwrap()
        .clone();
    let rule = |keyword: &str| {
        let of = changed
            .iter()
            .filter(|change| change["path"] == keyword);
        of.map(|change| {
            change["rule"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(rule("PixelData"), ["alter_pixels"]);
    assert_eq!(rule("PatientID"), ["fields[0]"]);
    assert_eq!(rule("EncryptedAttributesSequence"), ["retain"]);
    let shown = place
        .run("profile show p.yaml")
        .exits(0)
        .stdout;
    assert!(
        !shown.contains(KEY) && shown.contains("`secret-key` is set"),
        "{shown}"
    );
}

#[test]
fn every_file_ends_in_one_event_and_no_value_is_shown() {
    let place = study();
    for arguments in ["", " --json", " --json --output out", " --redact-paths"] {
        let ran = place
            .run(&format!("profile test basic study{arguments}"))
            .exits(3);
        no_value_in(&ran);
        assert_eq!(
            arguments.contains("redact"),
            !ran.stdout.contains(PATH_MARK)
        );
    }
    let ran = place
        .run("profile test basic study --json")
        .exits(3);
    let files = ran.events_of("file");
    let paths: std::collections::BTreeSet<_> = files
        .iter()
        .map(|file| {
            file["path"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!((files.len(), paths.len()), (14, 14));
    assert!(
        paths.contains(&native(&format!("study/{PATH_MARK}/0/ct.dcm"))),
        "paths are as given: {paths:?}"
    );
    let count = |outcome: &str| {
        files
            .iter()
            .filter(|file| file["outcome"] == outcome)
            .count()
    };
    assert_eq!(
        (count("cleaned"), count("failed"), count("skipped")),
        (12, 1, 1)
    );
    let failed = files
        .iter()
        .find(|file| file["outcome"] == "failed")
        .unwrap();
    assert_eq!(failed["code"], "read.truncated");
    let end = ran.end();
    assert_eq!(
        (end["totals"]["files"].as_u64(), end["exit_code"].as_u64()),
        (Some(14), Some(3))
    );
    assert_eq!(end["failed_by"]["read.truncated"], 1);
}

#[test]
fn what_is_written_is_clean_and_named_by_the_cleaned_header() {
    let place = study();
    place.file("again/ct.dcm", Dicom::ct(&Person::plain(), 1).bytes());
    let ran = place
        .run("profile test basic study again --json --output out")
        .exits(3);
    let names: Vec<_> = ran
        .events_of("file")
        .iter()
        .filter_map(|file| {
            file["output"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    let written = place.tree("out");
    assert_eq!(
        (names.len(), written.len()),
        (13, 13),
        "one instance comes twice, and both are kept"
    );
    assert_eq!(
        names
            .iter()
            .filter(|name| name.ends_with(".CT-2.dcm"))
            .count(),
        1,
        "{names:?}"
    );
    for (name, bytes) in &written {
        assert!(names.contains(name));
        assert!(
            fixture::found_in(bytes).is_empty() && fixture::found_in(name.as_bytes()).is_empty(),
            "{name}"
        );
        let file = dicom_object::from_reader(&bytes[..]).unwrap();
        let uid = file
            .element_by_name("SOPInstanceUID")
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches('\0')
            .to_owned();
        assert!(name.starts_with(&uid));
    }
    #[cfg(unix)]
    for (name, _) in &written {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path("out").join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    place
        .run("profile test basic again --output out")
        .exits(1)
        .says("not empty");
}

#[test]
fn values_are_for_terminals_only() {
    let place = study();
    for arguments in ["", " --json"] {
        let ran = place
            .run(&format!(
                "profile test basic study --show-values{arguments}"
            ))
            .exits(2);
        ran.says("protected health information");
        assert_eq!(ran.stdout, "");
    }
    place
        .run("profile test basic study")
        .env("FWUPLOAD_SHOW_VALUES", "1")
        .exits(3);
}

#[test]
fn filters_and_exit_codes_are_as_for_the_upload() {
    let place = study();
    let only = place
        .run("profile test basic study --json --include *.dcm --exclude broken.dcm")
        .exits(0);
    assert_eq!(only.end()["totals"]["cleaned"], 12);
    let ran = place
        .run("profile test basic study --include broken.dcm")
        .exits(9);
    assert!(
        ran.stdout.contains("2 files") || ran.stdout.contains("failed"),
        "{}",
        ran.stdout
    );
    place
        .run("profile test basic study --include notes.txt")
        .exits(8)
        .says("nothing to clean");
    place
        .run("profile test bsaic study")
        .exits(5);
    place
        .run("profile test basic")
        .exits(2);
}

#[test]
fn an_instance_without_uid_fails_as_in_an_upload() {
    let place = place();
    place.file(
        "rules.toml",
        "name = 'p'\n[dicom]\nfields = [{ name = 'SOPInstanceUID', remove = true }]\n",
    );
    place.file("in.dcm", Dicom::ct(&Person::plain(), 1).bytes());
    let ran = place
        .run("profile test rules.toml in.dcm --json")
        .exits(9);
    assert_eq!(ran.events_of("file")[0]["code"], "route.missing-uid");
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let place = place();
    let long = place
        .run("profile --help")
        .exits(0)
        .stdout;
    assert!(
        long.contains("Examples:") && long.contains("Exit codes:"),
        "{long}"
    );
    for command in ["show", "convert", "diff", "test", "key"] {
        for flag in ["-h", "--help"] {
            let help = place
                .run(&format!("profile {command} {flag}"))
                .exits(0)
                .stdout;
            assert!(
                help.matches(&format!("fwupload profile {command} "))
                    .count()
                    >= 3,
                "{help}"
            );
        }
    }
}
