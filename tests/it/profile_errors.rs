//! A profile that cannot be carried out in full is refused before the first file is read: exit 5,
//! with the place.

use crate::fixture::{Dicom, Person};
use crate::run::Place;

/// Runs under this profile and gives what is said about it.
#[track_caller]
fn refused(name: &str, text: &str) -> String {
    let place = Place::with([
        ("in.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        (name, text.as_bytes().to_vec()),
    ]);
    let ran = place
        .run("in.dcm -p demo/phantom --offline --output out")
        .args(["--profile", name])
        .exits(5);
    assert!(place.tree("out").is_empty());
    ran.says("error[profile.invalid]")
        .says(name)
        .says("hint: ");
    ran.stderr
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_a_suggestion() {
    let said = refused(
        "p.toml",
        "name = \"p\"\n[dicom]\nfields = [\n  { name = \"PatientID\", remvoe = true },\n]\n",
    );
    assert!(
        said.contains("remvoe") && said.contains("remove") && said.contains("p.toml:4"),
        "{said}"
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let rules = [
        "{name: PatientID, remvoe: true}",
        "{name: PatientNam, remove: true}",
        "{name: StudyDate, remove: false}",
    ];
    let rules: String = rules
        .map(|rule| format!("    - {rule}\n"))
        .concat();
    let said = refused(
        "p.yaml",
        &format!("name: p\nversoin: 1\ndicom:\n  recurse-sequence: maybe\n  fields:\n{rules}"),
    );
    for found in [
        "p.yaml:2",
        "p.yaml:4",
        "p.yaml:6",
        "p.yaml:7",
        "p.yaml:8",
        "remvoe",
        "did you mean `PatientName`?",
    ] {
        assert!(said.contains(found), "{found} is missing in\n{said}");
    }
}

#[test]
fn an_unknown_keyword_is_named_with_a_suggestion() {
    let said = refused(
        "p.yaml",
        "name: p\ndicom:\n  fields:\n    - {name: PatientNam, remove: true}\n",
    );
    assert!(
        said.contains("PatientNam") && said.contains("PatientName"),
        "{said}"
    );
}

#[test]
fn a_key_that_a_section_does_not_have_is_named_never_ignored() {
    for section in [
        "confidentiality",
        "dates",
        "residual",
        "pseudonyms",
        "pixels",
    ] {
        let said = refused(
            "p.toml",
            &format!("name = \"p\"\n[dicom.{section}]\nprofil = \"basic\"\n"),
        );
        assert!(
            said.contains("p.toml:2") || said.contains("p.toml:3"),
            "{section} has no place in\n{said}"
        );
        assert!(
            said.contains("profil") || said.contains(section),
            "{section} is missing in\n{said}"
        );
    }
}

#[test]
fn what_would_blank_nothing_is_named_with_its_place_and_a_hint() {
    let basic = "name = \"p\"\n[dicom.confidentiality]\nprofile = \"basic\"\n[dicom.pixels]\n";
    let said = refused("p.toml", &format!("{basic}blank-finds = true\n"));
    assert!(
        said.contains("p.toml:5:1") && said.contains("add `other-images = \"detect\"`"),
        "{said}"
    );
    let said = refused("p.toml", &format!("{basic}markers = \"blank\"\n"));
    assert!(
        said.contains("p.toml:5:1") && said.contains("add `burned-in = \"detect\"`"),
        "{said}"
    );
}

#[test]
fn a_flag_action_that_is_switched_off_is_refused() {
    let said = refused(
        "p.yaml",
        "name: p\ndicom:\n  fields:\n    - {name: PatientID, remove: false}\n",
    );
    assert!(said.contains("remove"), "{said}");
}

#[test]
fn an_unquoted_number_that_means_another_tag_is_refused() {
    let said = refused(
        "p.yaml",
        "name: p\ndicom:\n  fields:\n    - {name: 00100010, remove: true}\n",
    );
    assert!(said.contains("00100010"), "{said}");
}

#[test]
fn text_that_is_no_yaml_toml_or_json_is_refused() {
    refused("p.yaml", "name: [p\n");
    refused("p.toml", "name = \n");
    refused("p.json", "{\"name\": ");
    refused("p.txt", "name: p\n");
}

#[test]
fn a_profile_that_is_neither_built_in_nor_a_file_is_refused() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let ran = place
        .run("in.dcm -p demo/phantom --offline --output out --profile bsaic")
        .exits(5);
    ran.says("bsaic").says("basic");
}
