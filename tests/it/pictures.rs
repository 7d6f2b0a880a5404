//! `--pictures`: the folder for frames in which text was found, and what it may not lie beside.

use crate::fixture::{Dicom, Person};
use crate::run::Place;

const DRY: &str = "study -p demo/phantom --profile basic --dry-run --offline";

fn place() -> Place {
    Place::with([("study/1.dcm", Dicom::ct(&Person::plain(), 1).bytes())])
}

#[test]
fn pictures_are_announced_before_anything_is_read() {
    let place = place();
    place
        .run(DRY)
        .args(["--pictures", "look"])
        .exits(0)
        .says("warning[pictures]: the pictures in look show what was found")
        .says("delete them after looking");
    place
        .run(DRY)
        .exits(0)
        .does_not_say("[pictures]");
}

#[cfg(unix)]
#[test]
fn the_folder_of_pictures_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    place
        .run(DRY)
        .args(["--pictures", "to/look"])
        .exits(0);
    for folder in ["to", "to/look"] {
        let found = std::fs::metadata(place.path(folder)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn pictures_lie_neither_in_an_input_nor_beside_what_was_cleaned() {
    let place = place();
    for folder in ["study", "study/look", "."] {
        place
            .run(DRY)
            .args(["--pictures", folder])
            .exits(2)
            .says("the folder of `--pictures` and an input lie one in the other");
    }
    for folder in ["out", "out/look"] {
        place
            .run("study -p demo/phantom --profile basic --offline --output out --pictures")
            .args([folder])
            .exits(2)
            .says("the folders of `--pictures` and `--output` lie one in the other");
    }
    for folder in ["study/look", "out/look"] {
        place
            .run("profile test basic study --output out --pictures")
            .args([folder])
            .exits(2)
            .says("name a folder for the pictures alone");
    }
}

#[test]
fn pictures_are_typed_and_no_standing_setting() {
    let place = place();
    place
        .run(DRY)
        .env("FWUPLOAD_PICTURES", "look")
        .exits(0)
        .does_not_say("[pictures]");
    assert!(!place.path("look").exists());
    place
        .run("study -p demo/phantom --dry-run --offline --no-deid --pictures look")
        .exits(2)
        .says("`--pictures` and `--no-deid` exclude each other");
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_run_before_it_begins() {
    let place = place();
    place.file("look", "a file");
    place
        .run(DRY)
        .args(["--pictures", "look"])
        .exits(1)
        .says("error[pictures.unwritable]: pictures cannot be written to look");
}

#[test]
fn redacted_runs_do_not_name_the_folder() {
    place()
        .run(DRY)
        .args(["--pictures", "doe_jane", "--redact-paths"])
        .exits(0)
        .says("warning[pictures]")
        .does_not_say("doe_jane");
}
