//! What a profile leaves behind, and what it does, asked of the program.

use flywheel_sandbox::ProfileLevel;
use serde_json::Value;

use crate::run::Place;
use crate::server::Site;

const CAREFUL: &str = "name: careful
dicom:
  salt: hush
  remove-undefined: true
  uid-prefix-fields: 0
  uid-suffix-fields: 0
  fields:
    - {name: SOPClassUID}
    - {name: Modality}
    - {name: SOPInstanceUID, hashuid: true}
    - {name: SeriesInstanceUID, hashuid: true}
    - {name: StudyInstanceUID, hashuid: true}
    - {name: PatientID, hash: true}
    - {name: PatientIdentityRemoved, replace-with: 'YES'}
    - {name: DeidentificationMethod, replace-with: allow list}
";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn a_profile_that_leaves_nothing_known_exits_with_0() {
    let place = Place::with([("careful.yaml", CAREFUL)]);
    let ran = place
        .run("profile lint careful.yaml")
        .exits(0);
    assert!(
        ran.stdout
            .contains("Nothing identifying was found")
            && ran.stderr.is_empty(),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("hush"));
}

#[test]
fn the_minimal_profile_leaves_hundreds_and_exits_with_3() {
    let place = Place::new();
    let ran = place
        .run("profile lint flywheel-minimal --json")
        .exits(3);
    let found = json(&ran.stdout);
    assert!(
        found["counts"]["kinds"]["uncovered"]
            .as_u64()
            .unwrap()
            > 600,
        "{}",
        found["counts"]
    );
    assert!(
        found["profile"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    let subjects: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["subject"].as_str().unwrap())
        .collect();
    assert!(subjects.contains(&"AccessionNumber") && !subjects.contains(&"PatientName"));
    assert!(
        place
            .run("profile lint flywheel-minimal")
            .exits(3)
            .stdout
            .contains("--all names every attribute")
    );
}

#[test]
fn basic_covers_the_table() {
    let found = json(
        &Place::new()
            .run("profile lint basic --json")
            .exits(0)
            .stdout,
    );
    for kind in ["uncovered", "nested", "unsalted"] {
        assert_eq!(found["counts"]["kinds"][kind], Value::Null, "{kind}");
    }
    assert_eq!(found["counts"]["warnings"], 0);
}

#[test]
fn what_is_looked_at_in_images_is_stated_of_each_shipped_profile() {
    let place = Place::new();
    let of_file = |name: &str| {
        let ran = place.run(&format!("profile explain {name} --json"));
        json(&ran.exits(0).stdout)["whole_file"].to_string()
    };
    for name in ["basic", "longitudinal", "uids-and-dates-kept"] {
        let said = of_file(name);
        assert!(said.contains("looked at in every frame"), "{name}: {said}");
        assert!(said.contains("cannot be promised"), "{name}: {said}");
    }
    let strict = of_file("strict");
    assert!(
        strict.contains("is refused, unless the profile has regions for it")
            && strict.contains("Of all other images the first, middle and last frame"),
        "{strict}"
    );
    assert!(of_file("flywheel-minimal").contains("text burned into the image is not looked for"));
}

#[test]
fn explain_tells_every_attribute_of_the_table() {
    let place = Place::with([("careful.yaml", CAREFUL)]);
    let told = json(
        &place
            .run("profile explain careful.yaml --json")
            .exits(0)
            .stdout,
    );
    let rows = told["attributes"]
        .as_array()
        .unwrap();
    assert!(rows.len() >= 657);
    let name = rows
        .iter()
        .find(|row| row["attribute"] == "PatientName")
        .unwrap();
    assert_eq!(
        (name["fate"].as_str(), name["ps3_15"].as_str()),
        (Some("undefined"), Some("Z"))
    );
    let said = place
        .run("profile explain careful.yaml")
        .exits(0)
        .stdout;
    assert!(
        said.contains("PatientID")
            && said.contains("hashed (16 hex digits, salted)")
            && !said.contains("hush"),
        "{said}"
    );
    assert!(
        place
            .run("profile explain careful.yaml --all")
            .exits(0)
            .stdout
            .lines()
            .count()
            > 657
    );
}

#[test]
fn a_profile_that_is_not_valid_is_refused_before_it_is_judged() {
    let place = Place::with([(
        "p.yaml",
        "name: p\ndicom: {fields: [{name: PatientNam, remove: true}]}",
    )]);
    place
        .run("profile lint p.yaml")
        .exits(5)
        .says("PatientName");
    place
        .run("profile explain p.yaml")
        .exits(5)
        .says("PatientName");
    place.run("profile lint").exits(2);
    place
        .run("profile lint basic --project g/p")
        .exits(2);
}

#[test]
fn the_profile_that_governs_a_project_is_judged_too() {
    let rules = "name: house-rules\ndicom: {fields: [{name: PatientName, remove: true}]}\n";
    let site = Site::setup()
        .profile(ProfileLevel::Group, rules)
        .start();
    let place = Place::new();
    let found = json(
        &place
            .run("profile lint --project demo/phantom --json")
            .at(&site)
            .exits(3)
            .stdout,
    );
    assert_eq!(found["profile"]["level"], "group");
    assert_eq!(found["profile"]["name"], "house-rules");
    assert!(
        place
            .run("profile explain -p demo/phantom")
            .at(&site)
            .exits(0)
            .stdout
            .contains("PatientName")
    );
}
